/** The candidate's camera and microphone with their preview, opened when needed and let go afterwards. */
import { openDevices, stopStream } from "../media/devices.ts";
import type { RecordedMode } from "../media/formats.ts";
import { Preview } from "./preview.ts";

export class OwnDevices {
  readonly #preview: Preview;
  readonly #quiet: (yes: boolean) => void;
  #stream: MediaStream | null = null;

  constructor(root: HTMLElement, quiet: (yes: boolean) => void) {
    this.#preview = new Preview(root);
    this.#quiet = quiet;
  }

  /** The open stream, or a new one. Raises `DeviceError`. */
  async open(mode: RecordedMode): Promise<MediaStream> {
    if (this.#stream?.active) return this.#stream;
    this.#stream = await openDevices(mode);
    this.#preview.open(this.#stream, this.#quiet);
    return this.#stream;
  }

  close(): void {
    this.#preview.close();
    stopStream(this.#stream);
    this.#stream = null;
  }
}
