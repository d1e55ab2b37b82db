/** The way of answering that this candidate chose last, for the length of the visit. */
import type { Mode } from "./candidate.ts";

const name = (interview: string): string => `duilian:mode:${interview}`;

export function rememberMode(interview: string, mode: Mode): void {
  sessionStorage.setItem(name(interview), mode);
}

/** The remembered mode if it is one of `modes`, else the first of them. */
export function preferredMode(interview: string, modes: readonly Mode[]): Mode {
  const kept = sessionStorage.getItem(name(interview));
  const mode = modes.find((one) => one === kept) ?? modes[0];
  if (!mode) throw new Error("a question without a mode of answering");
  return mode;
}
