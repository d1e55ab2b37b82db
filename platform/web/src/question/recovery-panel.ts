/** "Welcome back. 41 seconds are safe. Continue or record again?" */
import type { Question } from "../core/candidate.ts";
import { t } from "../core/words.ts";
import type { Interrupted } from "./backend.ts";
import type { QuestionView } from "./view.ts";

export function showRecovery(view: QuestionView, question: Question, cut: Interrupted, minSeconds: number): void {
  const safe = Math.floor(cut.seconds);
  const text = t(cut.continuable ? "recovery.text" : "recovery.elsewhere", { position: question.position, seconds: safe });
  view.label("recovery-text", text);
  view.setAvailable("recovery-continue", cut.continuable);
  view.setAvailable("recovery-finish", cut.continuable && cut.seconds >= minSeconds);
  view.setAvailable("recovery-restart", question.takes_used < question.takes_allowed);
  view.phase = "recovery";
  view.announce(text);
  view.focus(cut.continuable ? "recovery-continue" : "recovery-restart");
}

/** Too little is missing to be worth a question. */
export function isWhole(question: Question, cut: Interrupted): boolean {
  return cut.continuable && cut.seconds >= question.answer_seconds - 1;
}
