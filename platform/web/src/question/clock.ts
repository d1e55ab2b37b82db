/** The one clock of the page: counts down, draws itself, tells screen readers at 30 and 10 seconds. */
import { t } from "../core/words.ts";

const ANNOUNCED_AT = [30, 10];

export interface ClockRun {
  seconds: number;
  /** Length of the whole, for the ring; the rest may have passed before. */
  of: number;
  ended: () => void;
}

export class Clock {
  readonly #face: HTMLElement | null;
  readonly #announce: (text: string) => void;
  #timer: ReturnType<typeof setInterval> | undefined;
  #endsAt = 0;
  #announced = Number.POSITIVE_INFINITY;

  constructor(face: HTMLElement | null, announce: (text: string) => void) {
    this.#face = face;
    this.#announce = announce;
    face?.setAttribute("role", "timer");
  }

  get secondsLeft(): number {
    return Math.max(0, (this.#endsAt - performance.now()) / 1000);
  }

  start(run: ClockRun): void {
    this.stop();
    this.#endsAt = performance.now() + run.seconds * 1000;
    this.#announced = run.seconds;
    const tick = (): void => {
      this.#draw(run.of);
      if (this.secondsLeft > 0) return;
      this.stop();
      run.ended();
    };
    this.#timer = setInterval(tick, 200);
    this.#draw(run.of);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #draw(of: number): void {
    const left = this.secondsLeft;
    this.#tell(left);
    if (!this.#face) return;
    const text = this.#face.querySelector<HTMLElement>("[data-clock-text]") ?? this.#face;
    const shown = clockText(left);
    if (text.textContent !== shown) text.textContent = shown;
    this.#face.style.setProperty("--progress", (of > 0 ? Math.min(1, left / of) : 0).toFixed(4));
    this.#face.toggleAttribute("data-low", left <= 10);
  }

  #tell(left: number): void {
    const mark = ANNOUNCED_AT.find((seconds) => seconds < this.#announced && left <= seconds);
    if (mark === undefined) return;
    this.#announced = mark;
    this.#announce(t("clock.left", { n: mark }));
  }
}

/** 75.2 → "1:16": a clock that still shows 0:01 has not run out. */
export function clockText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
