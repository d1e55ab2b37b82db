/** Facts about the answering that a person may weigh later: the page left, text pasted. Never words typed. */
import type { IntegrityEvent } from "../core/candidate.ts";

/** Shorter than this is a notification passing by. */
const SHORTEST_BLUR_MS = 500;

export class IntegrityLog {
  readonly #clock: () => number;
  readonly #noted: (events: IntegrityEvent[]) => void;
  readonly #listening = new AbortController();
  #events: IntegrityEvent[] = [];
  #hiddenAt: number | null = null;
  #blurredAt: number | null = null;

  /** `clock`: milliseconds into the answer. `noted` gets the list after each event, to keep it. */
  constructor(clock: () => number, noted: (events: IntegrityEvent[]) => void) {
    this.#clock = clock;
    this.#noted = noted;
    const { signal } = this.#listening;
    document.addEventListener("visibilitychange", this.#visibility, { signal });
    window.addEventListener("blur", () => (this.#blurredAt ??= clock()), { signal });
    window.addEventListener("focus", () => this.#closeBlur(), { signal });
  }

  watchPaste(area: HTMLElement): void {
    const pasted = (event: ClipboardEvent): void => {
      const length = [...(event.clipboardData?.getData("text") ?? "")].length;
      this.#keep({ kind: "paste", at_ms: Math.round(this.#clock()), length });
    };
    area.addEventListener("paste", pasted, { signal: this.#listening.signal });
  }

  note(kind: string, at = this.#clock(), until?: number): void {
    const event: IntegrityEvent = { kind, at_ms: Math.round(at) };
    if (until !== undefined) event.for_ms = Math.round(until - at);
    this.#keep(event);
  }

  /** The candidate says that a step of the task is done. */
  mark(step: string): void {
    this.#keep({ kind: "step_done", at_ms: Math.round(this.#clock()), step });
  }

  #keep(event: IntegrityEvent): void {
    this.#events.push(event);
    this.#noted(this.#events);
  }

  /** The events so far, with what is still going on counted up to now. */
  snapshot(): IntegrityEvent[] {
    this.#closeHidden();
    this.#closeBlur();
    return [...this.#events];
  }

  /** Ends the log and returns it; what is still going on ends now. */
  close(): IntegrityEvent[] {
    this.#listening.abort();
    return this.snapshot();
  }

  readonly #visibility = (): void => {
    if (document.visibilityState === "visible") return this.#closeHidden();
    this.#hiddenAt ??= this.#clock();
    // Leaving the tab also takes the focus: one event, not two.
    this.#blurredAt = null;
  };

  #closeHidden(): void {
    if (this.#hiddenAt !== null) this.note("tab_hidden", this.#hiddenAt, this.#clock());
    this.#hiddenAt = null;
    this.#blurredAt = null;
  }

  #closeBlur(): void {
    const from = this.#blurredAt;
    this.#blurredAt = null;
    if (from === null || this.#hiddenAt !== null) return;
    const now = this.#clock();
    if (now - from >= SHORTEST_BLUR_MS) this.note("window_blur", from, now);
  }
}
