import assert from "node:assert/strict";
import { test } from "node:test";
import type { Take } from "../src/core/candidate.ts";
import type { ChunkRecord, SegmentRecord } from "../src/recorder/chunk-store.ts";
import { certificate, planResume, safeMs } from "../src/recorder/resume.ts";

const key = { interview: "i", question: "q", take: 1 };

const chunk = (segment: number, seq: number): ChunkRecord => {
  return { ...key, segment, seq, bytes: new ArrayBuffer(1), digest: "" };
};
const kept = (segment: number, chunks: number): SegmentRecord => {
  return { ...key, segment, chunks, head: `own-${segment}`, duration_ms: chunks * 1000 };
};
const take = (...segments: Take["segments"]): Take => ({ number: 1, mode: "audio", finished: false, segments });
const segment = (number: number, next: number, missing: number[] = []): Take["segments"][number] => {
  return { number, next, missing, bytes: next, seconds: next, head: `server-${number}` };
};

test("what the server has is dropped, the rest is sent in order", () => {
  const plan = planResume([chunk(0, 3), chunk(0, 4), chunk(1, 0)], [segment(0, 4), segment(1, 0)]);
  assert.deepEqual(plan.drop.map((one) => one.seq), [3]);
  assert.deepEqual(plan.send.map((one) => [one.segment, one.seq]), [[0, 4], [1, 0]]);
});

test("a hole below next is filled", () => {
  const plan = planResume([chunk(0, 2), chunk(0, 5)], [segment(0, 6, [2])]);
  assert.deepEqual(plan.send.map((one) => one.seq), [2]);
});

test("chunks of a segment the server does not list are sent, so that it can refuse them", () => {
  assert.equal(planResume([chunk(9, 0)], [segment(0, 1)]).send.length, 1);
});

test("safe is the longer of what is there and what is kept", () => {
  assert.equal(safeMs(take(segment(0, 3), segment(1, 2)), [kept(0, 5)]), 7000);
});

test("our own chain is used where this device recorded, the server's where another did", () => {
  const rows = certificate(take(segment(0, 4), segment(1, 0)), [kept(1, 6)]);
  assert.deepEqual(rows, [
    { chunks: 4, head: "server-0", duration_ms: 4000 },
    { chunks: 6, head: "own-1", duration_ms: 6000 },
  ]);
});

test("no certificate without a head, or over a hole", () => {
  const { head: _head, ...headless } = segment(0, 4);
  assert.equal(certificate(take(headless), []), null);
  assert.equal(certificate(take(segment(0, 4, [2])), []), null);
});
