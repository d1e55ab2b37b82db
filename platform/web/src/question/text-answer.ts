/** Answering in writing: drafts are kept while typing; nothing typed is lost when handing in fails. */
import type { Question } from "../core/candidate.ts";
import { onPress } from "../core/dom.ts";
import { t } from "../core/words.ts";
import type { Backend } from "./backend.ts";
import { IntegrityLog } from "./integrity.ts";
import type { QuestionView } from "./view.ts";

const DRAFT_AFTER_MS = 500;

export interface TextOutcome {
  saved: (question: Question) => void;
  failed: (error: unknown) => void;
}

export class TextAnswer {
  readonly #view: QuestionView;
  readonly #backend: Backend;
  readonly #area: HTMLTextAreaElement;
  readonly #outcome: TextOutcome;
  #events: IntegrityLog | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(view: QuestionView, backend: Backend, area: HTMLTextAreaElement, outcome: TextOutcome) {
    this.#view = view;
    this.#backend = backend;
    this.#area = area;
    this.#outcome = outcome;
    area.addEventListener("input", () => this.#typed());
    onPress(view.part("text-save"), () => this.#handIn(), outcome.failed);
  }

  /** Shows what was typed before, unless something stands there already. */
  begin(earlier: string): void {
    const started = performance.now();
    this.#events = new IntegrityLog(() => performance.now() - started, () => undefined);
    this.#events.watchPaste(this.#area);
    // Writing has no time limit of its own; only the interview's deadline counts.
    this.#view.setAvailable("clock", false);
    this.#view.phase = "answer";
    if (this.#area.value === "") this.#area.value = earlier;
    this.#area.readOnly = false;
    // What stood there was about a recording.
    this.#view.label("upload-state", this.#text === "" ? "" : t("text.draft_kept"));
    this.#area.focus();
    this.#count();
  }

  get #text(): string {
    return this.#area.value.trim();
  }

  #typed(): void {
    this.#count();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#keep(), DRAFT_AFTER_MS);
  }

  async #keep(): Promise<void> {
    try {
      await this.#backend.keepDraft(this.#area.value);
      this.#view.label("upload-state", t("text.draft_kept"));
    } catch (error) {
      this.#outcome.failed(error);
    }
  }

  async #handIn(): Promise<void> {
    clearTimeout(this.#timer);
    this.#area.readOnly = true;
    this.#view.phase = "saving";
    try {
      const question = await this.#backend.handInText(this.#text, this.#events?.snapshot() ?? []);
      this.#events?.close();
      this.#outcome.saved(question);
    } catch (error) {
      this.#area.readOnly = false;
      this.#view.phase = "answer";
      throw error;
    }
  }

  #count(): void {
    this.#view.label("text-count", t("text.count", { n: [...this.#text].length }));
    this.#view.enable("text-save", this.#text !== "");
  }
}
