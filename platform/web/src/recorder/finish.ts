/** Sends what is left of a take and asks for its certificate. */
import { backoffMs, pause } from "../core/backoff.ts";
import type { CandidateClient, FinishedSegment, IntegrityEvent, Take } from "../core/candidate.ts";
import { isTemporary, Problem } from "../core/problem.ts";
import type { TakeKey } from "./chunk-store.ts";
import { certificate, planResume } from "./resume.ts";
import type { TakeParts } from "./take-recording.ts";

/** How often the server may ask for chunks again before that is an error. */
const ROUNDS = 3;

/**
 * Resolves once the server has verified the take; afterwards the device forgets it. Waits out a network that is
 * down. Raises `Problem` when the server refuses, with everything still kept.
 */
export async function finishTake(parts: TakeParts, key: TakeKey, events: IntegrityEvent[]): Promise<void> {
  for (let round = 1; ; round += 1) {
    await parts.uploader.drained();
    try {
      await certify(parts, key, events);
      break;
    } catch (error) {
      if (!(error instanceof Problem && error.code === "chunks-missing") || round === ROUNDS) throw error;
      await sendMissing(parts, key);
    }
  }
  await parts.store.dropTake(key);
}

/** Queues what the server still wants and forgets what it has. Returns the server's view of the take. */
export async function sendMissing(parts: TakeParts, key: TakeKey): Promise<Take> {
  const take = await patiently(() => parts.client.take(key.question, key.take));
  const plan = planResume(await parts.store.chunks(key), take.segments);
  await Promise.all(plan.drop.map((chunk) => parts.store.dropChunk(chunk)));
  parts.uploader.enqueue(...plan.send);
  return take;
}

async function certify(parts: TakeParts, key: TakeKey, events: IntegrityEvent[]): Promise<void> {
  const take = await patiently(() => parts.client.take(key.question, key.take));
  if (take.finished) return;
  const segments = certificate(take, await parts.store.segments(key));
  if (!segments) throw new Error("neither this device nor the server knows the chain of a segment");
  await patiently(() => finishOnce(parts.client, key, segments, events));
}

/** The answer of an earlier attempt may have been lost after the server had finished. */
async function finishOnce(
  client: CandidateClient,
  key: TakeKey,
  segments: FinishedSegment[],
  events: IntegrityEvent[],
): Promise<void> {
  try {
    await client.finish(key.question, key.take, segments, events);
  } catch (error) {
    if (!(error instanceof Problem && error.code === "take-finished")) throw error;
  }
}

/** Repeats a call that is safe to repeat until something other than the network answers. */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await pause(backoffMs(failures, error));
    }
  }
}
