/** Waiting longer after each failure, and not at all once the network is back. */
import { Problem } from "./problem.ts";

const FIRST_MS = 500;
const LONGEST_MS = 8_000;

/** Milliseconds before attempt number `failures` + 1: doubled each time, with up to 25 % of jitter. */
export function backoffMs(failures: number, error?: unknown): number {
  const asked = error instanceof Problem && error.retryAfter !== null ? error.retryAfter * 1000 : 0;
  const doubled = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return Math.max(asked, doubled * (1 + Math.random() / 4));
}

/** Resolves after `ms`, or as soon as the browser says that it is online again; raises when aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", wake);
      signal?.removeEventListener("abort", stop);
    };
    const wake = (): void => (done(), resolve());
    const stop = (): void => (done(), reject(signal?.reason));
    const timer = setTimeout(wake, ms);
    globalThis.addEventListener?.("online", wake);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop);
  });
}
