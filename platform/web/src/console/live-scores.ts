/** What the answers read so far amount to, beside a running interview. An outcome without a score stays without a number. */
import { part, setLabel, show } from "../core/dom.ts";
import { t } from "../core/words.ts";
import { drawNumbers } from "./score-bar.ts";

export interface Scores {
  state: "running" | "not_allowed" | "human_route";
  reason: string | null;
  answers_read: number;
  answers: number;
  competencies: Competency[];
}

interface Competency {
  key: string;
  outcome: "scored" | "no_evidence" | "cannot_be_scored" | "not_yet";
  level: number | null;
  level_label: string | null;
  score: number | null;
  standard_error: number | null;
  answers_used: number;
  answers_read: number;
  answers_asked: number;
  reasons: string[];
}

export function showScores(root: HTMLElement, scores: Scores): void {
  setLabel(part(root, "scores-note"), note(scores));
  show(part(root, "scores"), scores.state === "running");
  for (const competency of scores.competencies) showOne(root, competency);
  drawNumbers(root);
}

function note(scores: Scores): string {
  if (scores.state === "not_allowed") return scores.reason ?? "";
  if (scores.state === "human_route") return t("live.scores.human_route");
  if (!scores.answers_read) return t("live.scores.none");
  return t("live.scores.so_far", { n: scores.answers_read, m: scores.answers });
}

function showOne(root: HTMLElement, one: Competency): void {
  const row = root.querySelector<HTMLElement>(`[data-competency="${CSS.escape(one.key)}"]`);
  const bar = row && part(row, "bar");
  if (!row || !bar) return;
  row.dataset["outcome"] = one.outcome;
  setLabel(part(row, "value"), value(one));
  setLabel(part(row, "used"), [used(one), ...one.reasons].filter(Boolean).join(" "));
  bar.toggleAttribute("data-score", one.score !== null);
  if (one.score !== null) bar.dataset["score"] = String(one.score);
  bar.dataset["error"] = String(one.standard_error ?? 0);
}

function value(one: Competency): string {
  if (one.score === null || one.standard_error === null) return t(`live.score.${one.outcome}`);
  return t("live.score.scored", {
    score: one.score.toFixed(1),
    error: one.standard_error.toFixed(1),
    level: one.level ?? "",
    label: one.level_label ?? "",
  });
}

function used(one: Competency): string {
  return one.answers_read ? t("live.score.used", { n: one.answers_used, m: one.answers_read, k: one.answers_asked }) : "";
}
