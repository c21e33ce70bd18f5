const MAX_CLIENTS = 4_000_000;

/**
 * Counts requests by client, exactly for up to four million of them, in 20 bytes each. Clients are
 * told apart by 64 bits of hash: nothing is decided by these numbers.
 */
export class Census {
  /** Clients with a request. */
  clients = 0;
  private size = 0;
  private high = new Int32Array(1024);
  private low = new Int32Array(1024);
  private requests = new Uint32Array(1024);
  private table = new Int32Array(2048);

  /** The client's place; those beyond the limit share place 0. */
  placeOf(client: string): number {
    const [high, low] = hashText(client);
    const found = this.find(high, low);
    if (found > 0) return found;
    if (this.size + 1 >= MAX_CLIENTS) return 0;
    this.size++;
    if (this.size >= this.high.length) this.grow();
    this.high[this.size] = high;
    this.low[this.size] = low;
    this.insert(this.size);
    return this.size;
  }

  /** Counts a request; returns how many the client has sent by now. */
  count(place: number): number {
    const requests = ++this.requests[place];
    if (requests === 1) this.clients++;
    return requests;
  }

  private find(high: number, low: number): number {
    const mask = this.table.length - 1;
    for (let at = low & mask; this.table[at] !== 0; at = (at + 1) & mask) {
      const place = this.table[at];
      if (this.high[place] === high && this.low[place] === low) return place;
    }
    return 0;
  }

  private insert(place: number): void {
    const mask = this.table.length - 1;
    let at = this.low[place] & mask;
    while (this.table[at] !== 0) at = (at + 1) & mask;
    this.table[at] = place;
  }

  private grow(): void {
    const size = this.high.length * 2;
    const [high, low, requests] = [
      new Int32Array(size),
      new Int32Array(size),
      new Uint32Array(size),
    ];
    high.set(this.high);
    low.set(this.low);
    requests.set(this.requests);
    this.high = high;
    this.low = low;
    this.requests = requests;
    this.table = new Int32Array(size * 2);
    for (let place = 1; place < this.size; place++) this.insert(place);
  }
}

/** Two hashes of 32 bits. */
function hashText(text: string): [number, number] {
  let high = 0x811c9dc5;
  let low = 0x2545f491;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b);
    low ^= low >>> 15;
  }
  return [high ^ (high >>> 16), low ^ (low >>> 13)];
}
