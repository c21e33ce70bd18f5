import { clientOf, isBlockable, type ClientPrefixes } from "./address";
import { viewOf } from "./bytes";
import { ClientResolver, type Trust } from "./client-address";
import { NGINX, S3 } from "./fields";
import { Interner } from "./interner";
import { isBlockableIPv4, networkEndIPv6 } from "./plain-address";
import type { Row } from "./row";

/** Someone who sends requests: what the log names, resolved once for each text that names it. */
export interface Client {
  /** The address in canonical form. */
  readonly text: string;
  /** The address as counted and blocked: itself, or its prefix in CIDR form. */
  readonly counted: string;
  /** Equal for equal `counted`, for as long as the directory remembers it. */
  readonly id: number;
  /** What `register` gave it. */
  readonly place: number;
  /** False for proxies of ours and for private, loopback and the like: counted, never blocked. */
  readonly isBlockable: boolean;
}

export interface ClientSettings {
  readonly trust: Trust;
  readonly prefixes: ClientPrefixes;
  /** Called when a client is met for the first time, or again after it was forgotten. */
  readonly register?: (counted: string) => number;
}

/**
 * Resolves who sent each row. The same address text comes thousands of times, so the walk over
 * `X-Forwarded-For` and the reading of addresses happen once for each distinct text.
 */
export class ClientDirectory {
  private readonly resolver: ClientResolver;
  private readonly prefixes: ClientPrefixes;
  private readonly register: (counted: string) => number;
  private readonly chains = new Interner({ values: 1 << 16, bytes: 1 << 22 });
  private readonly ids = new Interner({ values: 1 << 17, bytes: 1 << 23 });
  /** Remembered with each chain: a place in this list; undefined means that it names no address. */
  private clients: (Client | undefined)[] = [];
  private generation = 0;
  private readonly chainBytes = Buffer.alloc(8192);
  private readonly chainView = viewOf(this.chainBytes);

  constructor(settings: ClientSettings) {
    this.resolver = new ClientResolver(settings.trust);
    this.prefixes = settings.prefixes;
    this.register = settings.register ?? (() => 0);
  }

  /**
   * The client of a line without `X-Forwarded-For` whose peer stands at `[start, end)`. One that is
   * blockable is no proxy of ours, and so is the client whatever that header says.
   */
  clientAt(view: DataView, start: number, end: number): Client | undefined {
    const slot = this.chains.intern(view, start, end);
    const place = this.chains.memo(slot, 0);
    return place > 0 ? this.clients[place - 1] : this.add(slot, this.lookUpAt(view, start, end));
  }

  /**
   * Whether the peer at `[start, end)` is the client, whatever else its line says, and is counted as
   * it is written: so is an address from the internet, as long as no proxy there is trusted.
   */
  isCountedAsWritten(view: DataView, start: number, end: number): boolean {
    const isCounted = this.resolver.trustsNobodyOutside && this.prefixes.ipv4Prefix === 32;
    return isCounted && isBlockableIPv4(view, start, end);
  }

  /** Sets the row's client; undefined when the line names no address. */
  resolve(row: Row): void {
    const peer = row.kind === "request" ? NGINX.remote_addr : S3.remote_ip;
    if (!row.has(peer)) return;
    const hasChain =
      row.kind === "request" && this.resolver.walks && row.has(NGINX.http_x_forwarded_for);
    if (!hasChain) {
      row.client = this.clientAt(row.view, row.starts[peer], row.ends[peer]);
      return;
    }
    const slot = this.internChain(row);
    const place = this.chains.memo(slot, 0);
    row.client =
      place > 0
        ? this.clients[place - 1]
        : this.add(slot, this.lookUp(row.textOrEmpty(peer), row.text(NGINX.http_x_forwarded_for)));
  }

  /** The number of a client that is written as counted. */
  idOf(counted: string): number {
    return this.ids.internText(counted);
  }

  /** The clients that are remembered, as counted, by their number. */
  names(): Map<number, string> {
    return this.ids.texts();
  }

  private add(slot: number, client: Client | undefined): Client | undefined {
    if (this.generation !== this.chains.generation) {
      this.generation = this.chains.generation;
      this.clients = [];
    }
    this.chains.remember(slot, 0, this.clients.push(client));
    return client;
  }

  /** Most clients come but once or twice: those that are plainly written take the short way. */
  private lookUpAt(view: DataView, start: number, end: number): Client | undefined {
    const peer = Buffer.from(view.buffer, view.byteOffset + start, end - start).toString();
    if (this.isCountedAsWritten(view, start, end)) return this.blockable(peer, peer);
    const isNetwork = this.resolver.trustsNobodyOutside && this.prefixes.ipv6Prefix === 64;
    const networkEnd = isNetwork ? networkEndIPv6(view, start, end) : -1;
    return networkEnd < 0
      ? this.lookUp(peer, undefined)
      : this.blockable(peer, `${peer.slice(0, networkEnd - start)}::/64`);
  }

  private blockable(text: string, counted: string): Client {
    const id = this.idOf(counted);
    return { text, counted, id, place: this.register(counted), isBlockable: true };
  }

  private lookUp(peer: string, header: string | undefined): Client | undefined {
    const { address, isProxy } = this.resolver.resolve(peer, header);
    if (address === undefined) return undefined;
    const counted = clientOf(address, this.prefixes);
    return {
      text: address.toString(),
      counted,
      id: this.idOf(counted),
      place: this.register(counted),
      isBlockable: !isProxy && isBlockable(address),
    };
  }

  /** The peer, a space and the right end of the header: what the walk can see. */
  private internChain(row: Row): number {
    const peerStart = row.starts[NGINX.remote_addr];
    const peerEnd = Math.min(row.ends[NGINX.remote_addr], peerStart + 100);
    const end = row.ends[NGINX.http_x_forwarded_for];
    const start = Math.max(row.starts[NGINX.http_x_forwarded_for], end - 4096);
    let length = row.buf.copy(this.chainBytes, 0, peerStart, peerEnd);
    this.chainBytes[length++] = 32;
    length += row.buf.copy(this.chainBytes, length, start, end);
    // Headers that differ only beyond what the walk can see are told apart by their length.
    this.chainBytes.writeUInt32LE(end - row.starts[NGINX.http_x_forwarded_for], length);
    return this.chains.intern(this.chainView, 0, length + 4);
  }
}
