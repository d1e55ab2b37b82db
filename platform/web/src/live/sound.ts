/** The microphone as PCM, while a stream is open. */
import worklet from "./pcm-worklet.ts?worker&url";

export class SoundTap {
  readonly #context: AudioContext;
  readonly #node: AudioWorkletNode;

  private constructor(context: AudioContext, node: AudioWorkletNode) {
    this.#context = context;
    this.#node = node;
  }

  /** `heard` gets a fifth of a second of 16 kHz mono 16-bit PCM. Raises where the browser has no worklets. */
  static async open(stream: MediaStream, heard: (pcm: ArrayBuffer) => void): Promise<SoundTap> {
    const context = new AudioContext();
    await context.audioWorklet.addModule(worklet);
    const node = new AudioWorkletNode(context, "pcm", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = (event: MessageEvent<ArrayBuffer>) => heard(event.data);
    context.createMediaStreamSource(stream).connect(node);
    void context.resume();
    return new SoundTap(context, node);
  }

  close(): void {
    this.#node.port.onmessage = null;
    void this.#context.close();
  }
}
