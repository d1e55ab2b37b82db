/**
 * Hash chain over the chunks of one segment (分片哈希链).
 *
 * h(-1) = SHA-256("duilian-chain-v1|interview|question|take|segment"), h(i) = SHA-256(h(i-1) ‖ SHA-256(chunk i)).
 * Needs a secure context, as recording does.
 */

export type Bytes = Uint8Array<ArrayBuffer>;

export interface ChainName {
  interview: string;
  question: string;
  take: number;
  segment: number;
}

export async function sha256(data: BufferSource): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

/** h(-1): binds the chain to its place, so that chunks of another take cannot pass for these. */
export function chainStart(name: ChainName): Promise<Bytes> {
  const text = `duilian-chain-v1|${name.interview}|${name.question}|${name.take}|${name.segment}`;
  return sha256(new TextEncoder().encode(text));
}

/** h(i) from h(i-1) and the chunk's own digest, both 32 bytes. */
export function chainNext(previous: Bytes, digest: Bytes): Promise<Bytes> {
  const joined = new Uint8Array(previous.length + digest.length);
  joined.set(previous);
  joined.set(digest, previous.length);
  return sha256(joined);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new RangeError("not lower-case hexadecimal");
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
