/** One interview is answered in one tab: two would replace each other's takes. */

const WAIT_MS = 1500;

/** Resolves to whether this tab holds the interview; held until the page goes. */
export function holdInterview(interview: string): Promise<boolean> {
  return new Promise((resolve) => {
    // A page that is being reloaded lets go a moment after the new one asks.
    const signal = AbortSignal.timeout(WAIT_MS);
    const hold = (): Promise<never> => (resolve(true), new Promise<never>(() => undefined));
    navigator.locks.request(`duilian:${interview}`, { signal }, hold).catch(() => resolve(false));
  });
}
