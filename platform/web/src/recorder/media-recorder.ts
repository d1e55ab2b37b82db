/** Cuts a stream into chunks of about a second by the browser's MediaRecorder. */
import { DeviceError } from "../media/devices.ts";
import { recorderOptions, type RecordedMode } from "../media/formats.ts";

const TIMESLICE_MS = 1000;
/** The API takes 4 MiB; a browser that ignores the time slice may hand over more. */
const LARGEST_CHUNK = 4 * 1024 * 1024;

export type TakeChunk = (bytes: ArrayBuffer, elapsedMs: number) => Promise<void>;

export class ChunkedRecorder {
  readonly #recorder: MediaRecorder;
  readonly #stream: MediaStream;
  readonly #take: TakeChunk;
  readonly #broke: (error: unknown) => void;
  readonly #stopped: Promise<void>;
  #tail: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #stoppedAt: number | null = null;

  /** `take` gets the chunks one after the other; `broke` hears of a lost device or a failed chunk, once. */
  constructor(stream: MediaStream, mode: RecordedMode, contentType: string, take: TakeChunk, broke: (error: unknown) => void) {
    this.#stream = stream;
    this.#take = take;
    this.#broke = broke;
    this.#recorder = new MediaRecorder(stream, recorderOptions(mode, contentType));
    this.#stopped = new Promise((resolve) => this.#recorder.addEventListener("stop", () => resolve()));
    this.#recorder.addEventListener("dataavailable", (event) => this.#queue(event.data));
    this.#recorder.addEventListener("error", (event) => this.#lost(event));
  }

  start(): void {
    for (const track of this.#stream.getTracks()) track.addEventListener("ended", this.#lost, { once: true });
    this.#recorder.start(TIMESLICE_MS);
    this.#startedAt = performance.now();
  }

  /** Milliseconds recorded so far. */
  get elapsedMs(): number {
    return this.#startedAt === 0 ? 0 : (this.#stoppedAt ?? performance.now()) - this.#startedAt;
  }

  /** Resolves when the last chunk has been taken; raises what taking a chunk raised. */
  async stop(): Promise<void> {
    for (const track of this.#stream.getTracks()) track.removeEventListener("ended", this.#lost);
    this.#stoppedAt ??= performance.now();
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
    await this.#stopped;
    await this.#tail;
  }

  #queue(data: Blob): void {
    if (data.size === 0) return;
    const elapsed = this.elapsedMs;
    this.#tail = this.#tail.then(async () => {
      for (let at = 0; at < data.size; at += LARGEST_CHUNK) {
        await this.#take(await data.slice(at, at + LARGEST_CHUNK).arrayBuffer(), elapsed);
      }
    });
    // Heard here as well as in stop(): a chunk that cannot be kept must not wait until the end.
    this.#tail.catch(this.#broke);
  }

  readonly #lost = (cause: unknown): void => this.#broke(new DeviceError("lost", cause));
}
