/**
 * Runs in the audio thread: what the microphone hears as 16 kHz mono 16-bit PCM, a fifth of a second at a time.
 *
 * Each output sample is the mean of the input samples it stands for, which is filter enough for speech.
 */
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const RATE = 16_000;
const BLOCK = RATE / 5;

class PcmProcessor extends AudioWorkletProcessor {
  #block = new Int16Array(BLOCK);
  #filled = 0;
  #sum = 0;
  #count = 0;
  #phase = 0;

  process(inputs: Float32Array[][]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) this.#add(sample);
    return true;
  }

  #add(sample: number): void {
    this.#sum += sample;
    this.#count += 1;
    this.#phase += RATE;
    if (this.#phase < sampleRate) return;
    this.#phase -= sampleRate;
    const mean = Math.max(-1, Math.min(1, this.#sum / this.#count));
    this.#sum = this.#count = 0;
    this.#block[this.#filled] = Math.round(mean * 32_767);
    this.#filled += 1;
    if (this.#filled === BLOCK) this.#send();
  }

  #send(): void {
    this.port.postMessage(this.#block.buffer, [this.#block.buffer]);
    this.#block = new Int16Array(BLOCK);
    this.#filled = 0;
  }
}

registerProcessor("pcm", PcmProcessor);
