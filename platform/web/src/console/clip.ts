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
  #ownSeek = false;

  constructor(player: HTMLMediaElement) {
    this.#player = player;
    player.addEventListener("timeupdate", () => this.#watch());
    player.addEventListener("seeking", () => this.#sought());
  }

  /** Resolves when the sound begins; raises when the recording cannot be played. */
  async play(start: number, end: number): Promise<void> {
    await this.#playFrom(Math.max(0, start - LEAD_SECONDS));
    this.#until = end + TAIL_SECONDS;
    this.#follow();
  }

  async playFrom(start: number): Promise<void> {
    await this.#playFrom(start);
  }

  async toggle(): Promise<void> {
    this.#until = null;
    if (this.#player.paused) await this.#player.play();
    else this.#player.pause();
  }

  async #playFrom(start: number): Promise<void> {
    await this.#ready();
    this.#until = null;
    this.#ownSeek = true;
    this.#player.currentTime = start;
    await this.#player.play();
  }

  /** `timeupdate` comes four times a second only; frames are exact enough to stop on a word. */
  #follow(): void {
    if (this.#until === null || this.#player.paused) return;
    this.#watch();
    requestAnimationFrame(() => this.#follow());
  }

  #watch(): void {
    if (this.#until === null || this.#player.seeking || this.#player.currentTime < this.#until) return;
    this.#until = null;
    this.#player.pause();
  }

  /** Whoever moves the slider wants to go on listening beyond the clip. */
  #sought(): void {
    if (!this.#ownSeek) this.#until = null;
    this.#ownSeek = false;
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
