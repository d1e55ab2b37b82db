import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { CandidateClient } from "../src/core/candidate.ts";
import { chainNext, chainStart, sha256, toBase64, toHex } from "../src/recorder/chain.ts";
import { ChunkStore } from "../src/recorder/chunk-store.ts";
import { finishTake, sendMissing } from "../src/recorder/finish.ts";
import type { TakeParts } from "../src/recorder/take-recording.ts";
import { Uploader } from "../src/recorder/uploader.ts";
import { ChunkServer } from "./server.ts";

const key = { interview: "i", question: "q", take: 1 };
let server: ChunkServer;
let parts: TakeParts;
let databases = 0;

beforeEach(async () => {
  server = new ChunkServer();
  const api = await server.listen();
  const store = await ChunkStore.open(`finish-${(databases += 1)}`);
  const client = new CandidateClient({ page: "question", locale: "en", api, token: "t", interview: "i" });
  const uploader = new Uploader((chunk, signal) => client.putChunk(chunk, chunk.bytes, chunk.digest, signal), store, () => undefined);
  parts = { store, client, uploader };
  await parts.store.putTake({ ...key, mode: "audio", stopped: true, events: [] });
});

afterEach(async () => {
  parts.uploader.close();
  parts.store.close();
  await server.close();
});

/** Keeps `count` chunks with their chain, as the recorder does; returns the head. */
async function keep(count: number): Promise<string> {
  let head = await chainStart({ ...key, segment: 0 });
  for (let seq = 0; seq < count; seq += 1) {
    const bytes = new Uint8Array([seq, 1, 2]);
    const digest = await sha256(bytes);
    head = await chainNext(head, digest);
    const chunk = { ...key, segment: 0, seq, bytes: bytes.buffer, digest: toBase64(digest) };
    await parts.store.addChunk(chunk, { ...key, segment: 0, chunks: seq + 1, head: toHex(head), duration_ms: (seq + 1) * 1000 });
  }
  return toHex(head);
}

test("a page opened later sends what was kept, finishes, and forgets the take", async () => {
  const head = await keep(5);
  await sendMissing(parts, key);
  await finishTake(parts, key, [{ kind: "tab_hidden", at_ms: 10, for_ms: 5 }]);
  const events = [{ kind: "tab_hidden", at_ms: 10, for_ms: 5 }];
  assert.deepEqual(server.finishes, [{ segments: [{ chunks: 5, head, duration_ms: 5000 }], events }]);
  assert.deepEqual(await parts.store.takes("i"), []);
  assert.deepEqual(await parts.store.segments(key), []);
});

test("what the server still misses when finishing is sent and finishing is tried again", async () => {
  await keep(4);
  await finishTake(parts, key, []);
  assert.equal(server.chunks.size, 4);
  assert.equal(server.finishes.length, 1);
});

test("a finish whose answer was lost counts as finished, once", async () => {
  await keep(2);
  server.loseFinish = true;
  await sendMissing(parts, key);
  await finishTake(parts, key, []);
  assert.equal(server.finishes.length, 1);
  assert.deepEqual(await parts.store.takes("i"), []);
});

test("chunks that were acknowledged but not yet forgotten are not sent again", async () => {
  await keep(3);
  for (const chunk of (await parts.store.chunks(key)).slice(0, 2)) server.chunks.set(chunk.seq, Buffer.from(chunk.bytes));
  await sendMissing(parts, key);
  await parts.uploader.drained();
  assert.deepEqual(server.arrived, [2]);
});

test("when neither side has a chunk the take is kept and the error is told", async () => {
  await keep(3);
  const [, lost] = await parts.store.chunks(key);
  if (lost) await parts.store.dropChunk(lost);
  await assert.rejects(finishTake(parts, key, []), { code: "chunks-missing" });
  assert.equal((await parts.store.takes("i")).length, 1);
});
