/**
 * Begins a take or a further segment although the answer to the first request may get lost: neither call can be
 * repeated blindly, so the server is asked what it made of it.
 */
import { backoffMs, pause } from "../core/backoff.ts";
import type { CandidateClient, Mode, Question, Take } from "../core/candidate.ts";
import { isTemporary } from "../core/problem.ts";
import { patiently } from "./finish.ts";

export async function beginTake(client: CandidateClient, before: Question, mode: Mode, type: string): Promise<Take> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await client.beginTake(before.key, mode, type);
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await pause(backoffMs(failures, error));
      const made = await takeMadeSince(client, before, mode);
      if (made) return made;
    }
  }
}

async function takeMadeSince(client: CandidateClient, before: Question, mode: Mode): Promise<Take | null> {
  const state = await patiently(() => client.state());
  const take = state.questions.find((question) => question.key === before.key)?.take;
  return take && take.number !== before.take?.number && take.mode === mode ? take : null;
}

/** The number of the new segment. */
export async function beginSegment(client: CandidateClient, question: string, take: Take, type: string): Promise<number> {
  for (let failures = 1; ; failures += 1) {
    try {
      return (await client.beginSegment(question, take.number, type)).number;
    } catch (error) {
      if (!isTemporary(error)) throw error;
      await pause(backoffMs(failures, error));
      const now = await patiently(() => client.take(question, take.number));
      const last = now.segments.at(-1);
      if (last && now.segments.length > take.segments.length) return last.number;
    }
  }
}
