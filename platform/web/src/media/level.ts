/** Loudness of a stream while it runs, in dBFS (0 is the loudest the format can hold). */

export const SILENCE_DBFS = -100;

export class LevelMeter {
  readonly #context = new AudioContext();
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;
  readonly #timer: ReturnType<typeof setInterval>;

  /** Calls `heard` ten times a second with the level of the last 40 ms. */
  constructor(stream: MediaStream, heard: (dbfs: number) => void) {
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 2048;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    // Created outside a click the context may wait for one; measuring starts whenever it runs.
    void this.#context.resume();
    this.#timer = setInterval(() => heard(this.#measure()), 100);
  }

  close(): void {
    clearInterval(this.#timer);
    void this.#context.close();
  }

  #measure(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return dbfs(this.#samples);
  }
}

/** RMS level of samples in [-1, 1]. */
export function dbfs(samples: Float32Array): number {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  power /= Math.max(1, samples.length);
  return power === 0 ? SILENCE_DBFS : Math.max(SILENCE_DBFS, 10 * Math.log10(power));
}

/** Draws a level into a `.meter`: -60 dBFS is empty, -6 dBFS is full. */
export function drawLevel(meter: HTMLElement | null, level: number): void {
  const share = Math.min(1, Math.max(0, (level + 60) / 54));
  meter?.style.setProperty("--level", share.toFixed(3));
}
