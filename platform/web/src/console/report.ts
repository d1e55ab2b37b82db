/**
 * `[data-module="report"]`: the recording, the transcript and the quotes as one thing.
 *
 * A word or a quote plays where it was said; the word being said is marked. Keys: j and k go through the quotes,
 * Enter plays the one in focus, Space starts and stops.
 */
import { t } from "../core/words.ts";
import { type Clip, ClipPlayer } from "./clip.ts";
import { type TimedWord, timedWords, wordAt } from "./word-index.ts";
import { toast } from "./toast.ts";

export function mountReport(root: HTMLElement): void {
  new Report(root).connect();
}

class Report {
  readonly #root: HTMLElement;
  readonly #clips = new Map<HTMLMediaElement, ClipPlayer>();
  #answer: string;
  #words: TimedWord[] = [];
  #current: HTMLElement | null = null;

  constructor(root: HTMLElement) {
    this.#root = root;
    const players = [...root.querySelectorAll<HTMLMediaElement>('[data-part="player"]')];
    for (const player of players) {
      this.#clips.set(player, new ClipPlayer(player));
      player.addEventListener("timeupdate", () => this.#mark(player));
      player.addEventListener("play", () => this.#pauseOthers(player));
      player.addEventListener("loadedmetadata", () => tellPicture(player));
      if (player.readyState >= HTMLMediaElement.HAVE_METADATA) tellPicture(player);
    }
    const tab = root.querySelector<HTMLElement>('[data-part="answer-tab"][aria-selected="true"]');
    this.#answer = tab?.dataset["answer"] ?? players[0]?.dataset["answer"] ?? "";
  }

  connect(): void {
    this.#root.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("keydown", (event) => this.#key(event));
    if (this.#answer !== "") this.#choose(this.#answer);
  }

  #clicked(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const tab = target?.closest<HTMLElement>('[data-part="answer-tab"]');
    if (tab) return this.#choose(tab.dataset["answer"] ?? "");
    const second = target?.closest<HTMLInputElement>('[data-part="mark-second"]');
    if (second && second.value === "") return this.#takePlace(second);
    const clip = clipOf(target?.closest<HTMLElement>('[data-part="quote"]') ?? null);
    if (clip) return this.#play((player) => player.play(clip.start, clip.end), clip.answer);
    // A drag over words selects them for copying and must not start the sound.
    const word = clipOf(target?.closest<HTMLElement>("span[data-start]") ?? null);
    if (word && getSelection()?.isCollapsed) this.#play((player) => player.playFrom(word.start), word.answer);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "j") this.#step(1);
    else if (event.key === "k") this.#step(-1);
    else if (event.key === " " && !isPressable(event.target)) this.#play((player) => player.toggle(), this.#answer);
    else return;
    event.preventDefault();
  }

  #step(by: number): void {
    const quotes = [...this.#root.querySelectorAll<HTMLElement>('[data-part="quote"]')].filter((one) => one.offsetParent);
    const at = quotes.indexOf(document.activeElement as HTMLElement);
    const next = quotes[at === -1 ? (by > 0 ? 0 : quotes.length - 1) : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  #play(start: (player: ClipPlayer) => Promise<void>, answer: string): void {
    this.#choose(answer);
    const player = this.#player(answer);
    if (!player) return toast(t("report.no_recording"), "warning");
    start(player).catch((error: unknown) => {
      // A second click interrupts the first; that is no failure.
      if (error instanceof DOMException && error.name === "AbortError") return;
      console.error(error);
      toast(t("report.cannot_play"), "error");
    });
  }

  /** Shows one answer's player and transcript; the others keep their place but are hidden. */
  #choose(answer: string): void {
    this.#answer = answer;
    for (const tab of this.#root.querySelectorAll<HTMLElement>('[data-part="answer-tab"]')) {
      tab.setAttribute("aria-selected", String(tab.dataset["answer"] === answer));
    }
    for (const panel of this.#root.querySelectorAll<HTMLElement>('[data-part="answer-panel"]')) {
      panel.hidden = panel.dataset["answer"] !== answer;
    }
    for (const player of this.#clips.keys()) if (player.dataset["answer"] !== answer) player.pause();
    this.#words = timedWords(this.#root, answer);
  }

  #player(answer: string): ClipPlayer | undefined {
    for (const [element, clips] of this.#clips) if (element.dataset["answer"] === answer) return clips;
    return undefined;
  }

  /** Where the recording stands is where the step ended. */
  #takePlace(field: HTMLInputElement): void {
    for (const player of this.#clips.keys()) {
      if (player.dataset["answer"] === field.dataset["answer"]) field.value = player.currentTime.toFixed(1);
    }
  }

  #pauseOthers(playing: HTMLMediaElement): void {
    for (const player of this.#clips.keys()) if (player !== playing) player.pause();
  }

  #mark(player: HTMLMediaElement): void {
    if (player.dataset["answer"] !== this.#answer) return;
    const word = wordAt(this.#words, player.currentTime)?.element ?? null;
    if (word === this.#current) return;
    this.#current?.removeAttribute("aria-current");
    word?.setAttribute("aria-current", "true");
    this.#current = word;
    if (!player.paused) this.#keepInView(word);
  }

  /** Scrolls the transcript's own box only: the page must not move under the reader. */
  #keepInView(word: HTMLElement | null): void {
    const box = word?.closest<HTMLElement>('[data-part="transcript"]');
    if (!word || !box || box.scrollHeight <= box.clientHeight) return;
    const [inner, outer] = [word.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom - 40) box.scrollTop += inner.top - outer.top - outer.height / 3;
  }
}

/** A recording without a picture needs no black field. */
function tellPicture(player: HTMLMediaElement): void {
  const soundOnly = player instanceof HTMLVideoElement && player.videoWidth === 0;
  player.closest(".report-player")?.toggleAttribute("data-sound-only", soundOnly);
}

function clipOf(element: HTMLElement | null): Clip | null {
  if (!element) return null;
  const { answer = "", start, end } = element.dataset;
  const clip = { answer, start: Number(start), end: Number(end) };
  return start === undefined || Number.isNaN(clip.start) || Number.isNaN(clip.end) ? null : clip;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

function isPressable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("button, a, summary, video, audio, [role=button], [role=tab]") !== null;
}
