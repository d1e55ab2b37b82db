/** Phases of one question, and what of the page belongs to which. */
import type { Mode } from "../core/candidate.ts";

export type Phase =
  | "loading"
  | "idle"
  | "read"
  | "think"
  | "countdown"
  | "answer"
  | "saving"
  | "saved"
  | "recovery"
  | "error";

/** A template overrides a row with `data-show="think answer"` on the part. */
export const SHOWN_IN: Readonly<Record<string, string>> = {
  text: "read think countdown answer saving saved recovery",
  clock: "read think answer",
  preview: "read think countdown answer",
  "hide-preview": "read think countdown answer",
  level: "read think countdown answer",
  start: "idle read think",
  stop: "answer",
  retake: "saved",
  next: "saved",
  pause: "idle saved",
  "upload-state": "answer saving saved recovery",
  "mode-video": "idle read think",
  "mode-audio": "idle read think",
  "mode-text": "idle read think",
  "text-area": "answer",
  "text-save": "answer",
  "text-count": "answer",
  steps: "read think countdown answer",
  captions: "answer saving",
  watched: "countdown answer",
  recovery: "recovery",
  countdown: "countdown",
  "read-aloud": "read think",
  "takes-left": "idle saved",
  "saved-panel": "saved",
};

/** Parts that make sense in some modes only; `data-modes="video audio"` overrides. */
export const SHOWN_FOR: Readonly<Record<string, string>> = {
  preview: "video",
  "hide-preview": "video",
  level: "video audio",
  stop: "video audio",
  steps: "video audio",
  captions: "video audio",
  watched: "video audio",
  "text-area": "text",
  "text-save": "text",
  "text-count": "text",
};

/** Step of the four-step line that a phase belongs to. */
export const STEP_OF: Readonly<Record<Phase, number>> = {
  loading: 0,
  idle: 0,
  read: 1,
  think: 2,
  countdown: 3,
  answer: 3,
  recovery: 3,
  saving: 4,
  error: 0,
  saved: 5,
};

export const STEPS = ["read", "think", "answer", "saved"] as const;

export function isShown(name: string, phase: Phase, mode: Mode, own: DOMStringMap): boolean {
  const phases = own["show"] ?? SHOWN_IN[name];
  const modes = own["modes"] ?? SHOWN_FOR[name];
  return (phases?.split(" ").includes(phase) ?? true) && (modes?.split(" ").includes(mode) ?? true);
}
