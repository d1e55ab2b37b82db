import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { chainNext, chainStart, fromHex, sha256, toBase64, toHex } from "../src/recorder/chain.ts";

const name = { interview: "0198c0de-0000-7000-8000-000000000001", question: "intro", take: 1, segment: 0 };

/** The chain as docs/architecture.md writes it, by another implementation of SHA-256. */
function reference(chunks: Uint8Array[]): string {
  const text = `duilian-chain-v1|${name.interview}|intro|1|0`;
  let head = createHash("sha256").update(text, "utf8").digest();
  for (const chunk of chunks) {
    const digest = createHash("sha256").update(chunk).digest();
    head = createHash("sha256").update(Buffer.concat([head, digest])).digest();
  }
  return head.toString("hex");
}

async function chain(chunks: Uint8Array<ArrayBuffer>[]): Promise<string> {
  let head = await chainStart(name);
  for (const chunk of chunks) head = await chainNext(head, await sha256(chunk));
  return toHex(head);
}

const chunks = [new Uint8Array([1, 2, 3]), new Uint8Array(1000).fill(7), new Uint8Array([255])];

test("the chain is the one of the contract", async () => {
  assert.equal(await chain(chunks), reference(chunks));
  assert.equal(await chain([]), reference([]));
});

test("order, content and place all matter", async () => {
  const [a, b, c] = chunks as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  const heads = new Set([await chain([a, b, c]), await chain([b, a, c]), await chain([a, b])]);
  assert.equal(heads.size, 3);
  const other = await chainStart({ ...name, segment: 1 });
  assert.notEqual(toHex(other), toHex(await chainStart(name)));
});

test("hexadecimal and base64 agree with Node's", () => {
  const bytes = new Uint8Array([0, 1, 15, 16, 250, 255]);
  assert.equal(toHex(bytes), Buffer.from(bytes).toString("hex"));
  assert.deepEqual(fromHex("00010f10faff"), bytes);
  assert.equal(toBase64(bytes), Buffer.from(bytes).toString("base64"));
  assert.throws(() => fromHex("0g"), RangeError);
});
