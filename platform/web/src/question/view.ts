/** The question page as the flow sees it: phases, words, buttons. Holds no logic of the interview. */
import type { Mode } from "../core/candidate.ts";
import { element, part, setEnabled, setLabel, show } from "../core/dom.ts";
import { t } from "../core/words.ts";
import type { UploadState } from "../recorder/uploader.ts";
import { isShown, type Phase, STEP_OF, STEPS } from "./phases.ts";

export interface Remedy {
  label: string;
  action: () => unknown;
}

/** Parts the flow shows and hides itself. */
const SELF_MANAGED = new Set(["error", "announce", "hint", "phase", "playback"]);

export class QuestionView {
  readonly root: HTMLElement;
  #phase: Phase = "loading";
  #mode: Mode = "video";
  readonly #unavailable = new Set<string>();

  constructor(root: HTMLElement) {
    this.root = root;
  }

  part<T extends HTMLElement = HTMLElement>(name: string): T | null {
    return part<T>(this.root, name);
  }

  get phase(): Phase {
    return this.#phase;
  }

  set phase(phase: Phase) {
    this.#phase = phase;
    this.root.dataset["phase"] = phase;
    this.#apply();
    this.#drawSteps();
  }

  set mode(mode: Mode) {
    this.#mode = mode;
    this.root.dataset["mode"] = mode;
    for (const one of ["video", "audio", "text"]) {
      this.part(`mode-${one}`)?.setAttribute("aria-pressed", String(one === mode));
    }
    this.#apply();
  }

  /** A part that this browser or this question has no use for stays hidden in every phase. */
  setAvailable(name: string, available: boolean): void {
    if (available) this.#unavailable.delete(name);
    else this.#unavailable.add(name);
    this.#apply();
  }

  label(name: string, text: string): void {
    setLabel(this.part(name), text);
  }

  enable(name: string, enabled: boolean): void {
    setEnabled(this.part(name), enabled);
  }

  /** Moves the keyboard to the button of this moment, so that Space and Enter press it. */
  focus(name: string): void {
    this.part(name)?.focus({ preventScroll: true });
  }

  announce(text: string): void {
    const region = this.part("announce");
    if (region) region.textContent = text;
  }

  /** A passing remark beside the controls; null takes it away. */
  hint(text: string | null): void {
    const hint = this.part("hint");
    show(hint, text !== null);
    if (hint) hint.textContent = text ?? "";
    else if (text !== null) this.announce(text);
  }

  error(text: string | null, remedy?: Remedy): void {
    const panel = this.part("error");
    show(panel, text !== null);
    if (!panel) return;
    panel.replaceChildren();
    if (text === null) return;
    panel.setAttribute("role", "alert");
    panel.append(element("p", {}, text));
    if (!remedy) return;
    const button = element("button", { type: "button", class: "btn btn-sm" }, remedy.label);
    button.addEventListener("click", () => void remedy.action());
    panel.append(button);
  }

  upload(state: UploadState): void {
    const word = this.part("upload-state");
    if (!word) return;
    word.dataset["status"] = state.status;
    setLabel(word, t(`upload.${state.status}`, { n: state.waiting }));
  }

  #apply(): void {
    for (const one of this.root.querySelectorAll<HTMLElement>("[data-part], [data-show], [data-modes]")) {
      const name = one.dataset["part"] ?? "";
      if (SELF_MANAGED.has(name)) continue;
      one.hidden = this.#unavailable.has(name) || !isShown(name, this.#phase, this.#mode, one.dataset);
    }
  }

  #drawSteps(): void {
    const now = STEP_OF[this.#phase];
    STEPS.forEach((name, index) => {
      const step = this.root.querySelector<HTMLElement>(`[data-step="${name}"]`);
      if (!step) return;
      step.toggleAttribute("data-done", index + 1 < now);
      if (index + 1 === now) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    });
  }
}
