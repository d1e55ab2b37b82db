/** Plays a stretch of a recording and stops at its end. */

export interface Clip {
  answer: string;
  /** Seconds from the start of the answer. */
  start: number;
  end: number;
}

/** Speech begins softly and recognisers cut close: a little room on both sides. */
const LEAD_SECONDS = 0.25;
const TAIL_SECONDS = 0.35;

export class ClipPlayer {
  readonly #player: HTMLMediaElement;
  #until: number | null = null;

  constructor(player: HTMLMediaElement) {
    this.#player = player;
    player.addEventListener("timeupdate", () => this.#watch());
    // Whoever moves the slider wants to go on listening.
    player.addEventListener("seeking", () => this.#leave());
  }

  async play(start: number, end: number): Promise<void> {
    await this.#ready();
    this.#player.currentTime = Math.max(0, start - LEAD_SECONDS);
    await new Promise((resolve) => this.#player.addEventListener("seeked", resolve, { once: true }));
    this.#until = end + TAIL_SECONDS;
    await this.#player.play();
    this.#follow();
  }

  async playFrom(start: number): Promise<void> {
    await this.#ready();
    this.#until = null;
    this.#player.currentTime = start;
    await this.#player.play();
  }

  toggle(): void {
    this.#until = null;
    if (this.#player.paused) void this.#player.play();
    else this.#player.pause();
  }

  /** `timeupdate` comes four times a second only; frames are exact enough to stop on a word. */
  #follow(): void {
    if (this.#until === null || this.#player.paused) return;
    this.#watch();
    requestAnimationFrame(() => this.#follow());
  }

  #watch(): void {
    if (this.#until === null || this.#player.currentTime < this.#until) return;
    this.#until = null;
    this.#player.pause();
  }

  #leave(): void {
    const until = this.#until;
    if (until !== null && Math.abs(this.#player.currentTime - until) > 120) this.#until = null;
  }

  async #ready(): Promise<void> {
    if (this.#player.readyState >= HTMLMediaElement.HAVE_METADATA) return;
    const loaded = new Promise<void>((resolve, reject) => {
      this.#player.addEventListener("loadedmetadata", () => resolve(), { once: true });
      this.#player.addEventListener("error", () => reject(new Error("the recording cannot be played")), { once: true });
    });
    this.#player.load();
    await loaded;
  }
}
