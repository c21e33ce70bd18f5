/** What the bytes of some texts are to an automaton: those that it need not tell apart share a class. */
export interface ByteClasses {
  /** The class of each byte. */
  readonly classes: Uint8Array;
  readonly classCount: number;
}

/** Bytes that no text holds share class 0; with `ignoreCase` a letter shares that of its other case. */
export function classesOf(texts: readonly Uint8Array[], ignoreCase: boolean): ByteClasses {
  const classes = new Uint8Array(256);
  let classCount = 1;
  for (const text of texts) {
    for (const byte of text) {
      if (classes[byte] !== 0) continue;
      classes[byte] = classCount;
      if (ignoreCase && byte >= 97 && byte <= 122) classes[byte - 32] = classCount;
      classCount++;
    }
  }
  return { classes, classCount };
}

/** Texts that share their beginnings. Nodes are numbered as they come; the root is 0. */
export class Trie {
  readonly children: number[][] = [[]];
  /** The class of the byte that leads to a node. */
  readonly via: number[] = [0];
  private readonly classes: Uint8Array;

  constructor(classes: Uint8Array) {
    this.classes = classes;
  }

  /** Adds a text; returns the node in which it ends. */
  add(text: Uint8Array): number {
    let node = 0;
    for (const byte of text) node = this.child(node, this.classes[byte]);
    return node;
  }

  private child(node: number, byteClass: number): number {
    for (const child of this.children[node]) if (this.via[child] === byteClass) return child;
    const added = this.via.push(byteClass) - 1;
    this.children.push([]);
    this.children[node].push(added);
    return added;
  }
}
