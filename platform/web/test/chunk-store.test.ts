import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkStore } from "../src/recorder/chunk-store.ts";

const key = { interview: "i", question: "q", take: 1 };
const chunk = (take: number, segment: number, seq: number) => {
  return { ...key, take, segment, seq, bytes: new Uint8Array([seq]).buffer, digest: "d" };
};
const segmentOf = (take: number, segment: number, chunks: number) => {
  return { ...key, take, segment, chunks, head: "h", duration_ms: 1 };
};

test("another page reads what one has written, in order of segment and number", async () => {
  const first = await ChunkStore.open("store-a");
  for (const [segment, seq] of [[1, 0], [0, 10], [0, 2]] as const) {
    await first.addChunk(chunk(1, segment, seq), segmentOf(1, segment, seq + 1));
  }
  first.close();
  const second = await ChunkStore.open("store-a");
  assert.deepEqual((await second.chunks(key)).map((one) => [one.segment, one.seq]), [[0, 2], [0, 10], [1, 0]]);
  assert.equal((await second.segments(key)).length, 2);
  second.close();
});

test("dropping a take leaves the others", async () => {
  const store = await ChunkStore.open("store-b");
  for (const take of [1, 2]) {
    await store.addChunk(chunk(take, 0, 0), segmentOf(take, 0, 1));
    await store.putTake({ ...key, take, mode: "audio", stopped: false, events: [] });
  }
  await store.dropTake({ ...key, take: 1 });
  assert.deepEqual(await store.chunks(key), []);
  assert.equal((await store.chunks({ ...key, take: 2 })).length, 1);
  assert.deepEqual((await store.takes("i")).map((take) => take.take), [2]);
  store.close();
});

test("takes are found by interview, drafts by question", async () => {
  const store = await ChunkStore.open("store-c");
  await store.putTake({ ...key, mode: "audio", stopped: true, events: [] });
  await store.putTake({ ...key, interview: "j", mode: "audio", stopped: true, events: [] });
  assert.equal((await store.takes("i")).length, 1);
  await store.putDraft({ interview: "i", question: "q", text: "draft" });
  assert.equal((await store.draft("i", "q"))?.text, "draft");
  await store.dropDraft("i", "q");
  assert.equal(await store.draft("i", "q"), undefined);
  store.close();
});
