import { readFile } from "node:fs/promises";
import { zipSync } from "fflate";

/** An archive as the engine hands it over. */
interface WireArchive {
  readonly assets: Readonly<Record<string, { readonly text?: string; readonly path?: string }>>;
}

/** The zip of an archive of texts and files, as Lambda takes it. */
export async function zip({ assets }: WireArchive): Promise<Uint8Array> {
  const files = await Promise.all(
    Object.entries(assets).map(async ([name, { text, path }]) => {
      if (text !== undefined) return [name, Buffer.from(text)] as const;
      if (path !== undefined) return [name, new Uint8Array(await readFile(path))] as const;
      throw new Error(`${name} in the archive is no text and no file`);
    }),
  );
  return zipSync(Object.fromEntries(files));
}
