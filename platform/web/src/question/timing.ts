/** How long reading, thinking and answering take. */
import type { Question } from "../core/candidate.ts";

/** Someone who comes back after the think time is not thrown into recording. */
const GRACE_SECONDS = 5;

/** Seconds of think time left, by the server's clock. */
export function thinkSecondsLeft(question: Question, clockOffsetMs: number): number {
  const until = question.think_until === null ? Number.NaN : Date.parse(question.think_until);
  const left = (until - (Date.now() + clockOffsetMs)) / 1000;
  return Number.isNaN(left) ? question.think_seconds : Math.max(GRACE_SECONDS, left);
}

/** Seconds to read `text`: 6 Chinese characters or 3 words a second, at most a third of the think time. */
export function readingSeconds(text: string, thinkSeconds: number): number {
  const characters = text.match(/\p{Script=Han}/gu)?.length ?? 0;
  const words = text.match(/[A-Za-z0-9'’-]+/g)?.length ?? 0;
  return Math.min(Math.max(2, characters / 6 + words / 3), thinkSeconds / 3);
}
