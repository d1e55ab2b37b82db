/** The candidate's own picture and microphone level while devices are open. */
import { onPress, part, setLabel } from "../core/dom.ts";
import { t } from "../core/words.ts";
import { drawLevel, LevelMeter } from "../media/level.ts";

/** Below this nobody could understand anything. */
const QUIET_DBFS = -58;
const QUIET_FOR_MS = 6000;

export class Preview {
  readonly #root: HTMLElement;
  readonly #video: HTMLVideoElement | null;
  #meter: LevelMeter | null = null;
  #heardAt = 0;

  constructor(root: HTMLElement) {
    this.#root = root;
    const preview = part(root, "preview");
    this.#video = preview instanceof HTMLVideoElement ? preview : (preview?.querySelector("video") ?? null);
    this.#hidden = false;
    onPress(part(root, "hide-preview"), () => (this.#hidden = root.dataset["preview"] !== "hidden"));
  }

  /** `quiet` is told when nothing has been heard for some seconds, and when something is heard again. */
  open(stream: MediaStream, quiet: (yes: boolean) => void): void {
    this.close();
    this.#heardAt = performance.now();
    if (this.#video) {
      this.#video.muted = true;
      this.#video.srcObject = stream;
      // Refused only until the first gesture; the picture then starts with it.
      this.#video.play().catch(() => undefined);
    }
    const meter = part(this.#root, "level");
    this.#meter = new LevelMeter(stream, (dbfs) => {
      drawLevel(meter, dbfs);
      if (dbfs > QUIET_DBFS) this.#heardAt = performance.now();
      quiet(performance.now() - this.#heardAt > QUIET_FOR_MS);
    });
  }

  close(): void {
    this.#meter?.close();
    this.#meter = null;
    if (this.#video) this.#video.srcObject = null;
  }

  set #hidden(hidden: boolean) {
    this.#root.dataset["preview"] = hidden ? "hidden" : "shown";
    const button = part(this.#root, "hide-preview");
    setLabel(button, t(hidden ? "question.show_preview" : "question.hide_preview"));
  }
}
