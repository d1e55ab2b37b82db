import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { CandidateClient } from "../src/core/candidate.ts";
import { Problem } from "../src/core/problem.ts";
import { sha256, toBase64 } from "../src/recorder/chain.ts";
import { type ChunkRecord, ChunkStore } from "../src/recorder/chunk-store.ts";
import { Uploader, type UploadState } from "../src/recorder/uploader.ts";
import { ChunkServer } from "./server.ts";

const key = { interview: "i", question: "q", take: 1 };
let server: ChunkServer;
let store: ChunkStore;
let client: CandidateClient;
let uploader: Uploader;
let states: UploadState[];

beforeEach(async () => {
  server = new ChunkServer();
  const api = await server.listen();
  store = await ChunkStore.open(`test-${randomBytes(6).toString("hex")}`);
  client = new CandidateClient({ page: "question", locale: "en", api, token: "t", interview: "i" });
  states = [];
  uploader = newUploader();
});

afterEach(async () => {
  uploader.close();
  store.close();
  await server.close();
});

function newUploader(): Uploader {
  const send = (chunk: ChunkRecord, signal: AbortSignal) => client.putChunk(chunk, chunk.bytes, chunk.digest, signal);
  return new Uploader(send, store, (state) => states.push(state));
}

/** Makes chunk `seq` and keeps it as the recorder does. */
async function record(seq: number): Promise<ChunkRecord> {
  const bytes = new Uint8Array(randomBytes(2000)).buffer;
  const chunk = { ...key, segment: 0, seq, bytes, digest: toBase64(await sha256(bytes)) };
  await store.addChunk(chunk, { ...key, segment: 0, chunks: seq + 1, head: "", duration_ms: seq * 1000 });
  return chunk;
}

const recordMany = (count: number): Promise<ChunkRecord[]> => Promise.all(Array.from({ length: count }, (_, i) => record(i)));

function assertAllThere(chunks: ChunkRecord[]): void {
  for (const chunk of chunks) assert.deepEqual(server.chunks.get(chunk.seq), Buffer.from(chunk.bytes));
  assert.equal(server.chunks.size, chunks.length);
}

test("everything arrives, two at a time and nearly in order, and leaves the device", async () => {
  const chunks = await recordMany(20);
  uploader.enqueue(...chunks);
  await uploader.drained();
  assertAllThere(chunks);
  assert.equal(server.busiest, 2);
  for (const [at, seq] of server.arrived.entries()) assert.ok(Math.abs(at - seq) <= 1, `${seq} arrived as number ${at}`);
  assert.deepEqual(await store.chunks(key), []);
  assert.equal(states.at(-1)?.status, "saved");
});

test("a cut network is waited out and nothing is dropped", async () => {
  const chunks = await recordMany(6);
  let down = true;
  server.trouble = () => (down ? { cut: true } : null);
  setTimeout(() => (down = false), 900);
  uploader.enqueue(...chunks);
  await uploader.drained();
  assertAllThere(chunks);
  assert.ok(states.some((state) => state.status === "offline" && state.waiting === 6));
  assert.ok(server.arrived.length < 20, `hammered the server: ${server.arrived.length} calls`);
});

test("a chunk is kept on the device until its acknowledgement arrives", async () => {
  const chunks = await recordMany(3);
  server.trouble = (seq, arrivals) => (seq === 1 && arrivals === 1 ? { loseAnswer: true } : null);
  uploader.enqueue(...chunks);
  while (server.arrived.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok((await store.chunks(key)).some((chunk) => chunk.seq === 1));
  await uploader.drained();
  assertAllThere(chunks);
  assert.equal(server.arrived.filter((seq) => seq === 1).length, 2);
  assert.deepEqual(await store.chunks(key), []);
});

test("after a crash another page sends exactly what was kept", async () => {
  const chunks = await recordMany(8);
  server.trouble = (seq) => (seq >= 3 ? { cut: true } : null);
  uploader.enqueue(...chunks);
  while ((await store.chunks(key)).length > 5) await new Promise((resolve) => setTimeout(resolve, 5));
  uploader.close();
  server.trouble = () => null;
  uploader = newUploader();
  uploader.enqueue(...(await store.chunks(key)));
  await uploader.drained();
  assertAllThere(chunks);
  assert.deepEqual(await store.chunks(key), []);
});

test("a busy server is waited out", async () => {
  const chunks = await recordMany(4);
  server.trouble = (_seq, arrivals) => (arrivals === 1 ? { status: 503, code: "busy" } : null);
  uploader.enqueue(...chunks);
  await uploader.drained();
  assertAllThere(chunks);
  assert.ok(!states.some((state) => state.status === "offline"), "busy is not offline");
});

test("damage on the way is sent again", async () => {
  const chunks = await recordMany(2);
  server.trouble = (seq, arrivals) => (seq === 0 && arrivals <= 2 ? { status: 422, code: "digest-mismatch" } : null);
  uploader.enqueue(...chunks);
  await uploader.drained();
  assertAllThere(chunks);
});

test("a refusal stops, is reported, and keeps the chunk", async () => {
  const chunks = await recordMany(3);
  server.trouble = (seq) => (seq === 1 ? { status: 409, code: "take-finished" } : null);
  uploader.enqueue(...chunks);
  await assert.rejects(uploader.drained(), (error) => error instanceof Problem && error.code === "take-finished");
  await assert.rejects(uploader.drained(), Problem);
  assert.ok((await store.chunks(key)).some((chunk) => chunk.seq === 1));
  assert.equal(states.at(-1)?.status, "refused");
});

test("a chunk queued twice is sent once", async () => {
  const chunks = await recordMany(4);
  uploader.enqueue(...chunks);
  uploader.enqueue(...chunks);
  await uploader.drained();
  assert.deepEqual([...server.arrived].sort(), [0, 1, 2, 3]);
});
