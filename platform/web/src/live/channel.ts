/**
 * The candidate's live channel: sound out, captions in; a picture out while somebody watches.
 *
 * Beside the recording and never in its way: when the network is slow sound is left out here, and when the channel
 * fails the answer goes on without captions.
 */
import type { LivePageConfig } from "../core/page.ts";
import { PictureTap } from "./picture.ts";
import { SoundTap } from "./sound.ts";

export interface LiveEvents {
  /** `added` stands for good, `tail` may still change. */
  caption: (added: string, tail: string) => void;
  /** "on", "off" or "unavailable". */
  state: (state: string) => void;
  watchers: (count: number) => void;
}

interface Incoming {
  type: "may" | "caption" | "captions" | "watchers";
  added?: string;
  tail?: string;
  state?: string;
  count?: number;
  captions?: boolean;
}

const SOUND = 1;
const PICTURE = 2;
const MOST_WAITING = 96 * 1024;
const RETRY_MS = 2000;
const MOST_RETRIES = 5;

export class LiveChannel {
  readonly #address: string;
  readonly #token: string;
  readonly #events: LiveEvents;
  #socket: WebSocket | null = null;
  #sound: SoundTap | null = null;
  #picture: PictureTap | null = null;
  #stream: MediaStream | null = null;
  #question = "";
  #wanted = true;
  #retries = 0;

  constructor(config: LivePageConfig, token: string, events: LiveEvents) {
    this.#address = new URL(config.socket, location.href).href.replace(/^http/, "ws");
    this.#token = token;
    this.#events = events;
  }

  /** An answer begins. */
  async begin(question: string, stream: MediaStream, captions: boolean): Promise<void> {
    this.#question = question;
    this.#stream = stream;
    this.#wanted = captions;
    this.#retries = 0;
    this.#connect();
    if (captions) await this.#hear();
  }

  /** The candidate switches captions on or off; off means that no sound is sent. */
  async want(captions: boolean): Promise<void> {
    this.#wanted = captions;
    this.#say({ type: "captions", on: captions });
    if (captions) return this.#hear();
    this.#sound?.close();
    this.#sound = null;
  }

  /** The answer has ended; the last words may still come. */
  end(): void {
    this.#say({ type: "end" });
    this.#sound?.close();
    this.#picture?.close();
    this.#sound = this.#picture = this.#stream = null;
    this.#events.watchers(0);
  }

  async #hear(): Promise<void> {
    if (this.#sound || !this.#stream) return;
    this.#sound = await SoundTap.open(this.#stream, (pcm) => this.#send(SOUND, pcm));
  }

  #connect(): void {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return this.#opened();
    const socket = new WebSocket(this.#address, ["duilian.live", `token.${this.#token}`]);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = (event: MessageEvent<string>) => this.#told(JSON.parse(event.data) as Incoming);
    socket.onclose = () => this.#closed(socket);
    this.#socket = socket;
  }

  #opened(): void {
    if (this.#stream) this.#say({ type: "answer", question: this.#question, captions: this.#wanted });
  }

  #closed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#watched(0);
    if (!this.#stream) return;
    this.#events.state("unavailable");
    this.#retries += 1;
    if (this.#retries <= MOST_RETRIES) setTimeout(() => this.#stream && this.#connect(), RETRY_MS * this.#retries);
  }

  #told(message: Incoming): void {
    if (message.type === "caption") this.#events.caption(message.added ?? "", message.tail ?? "");
    else if (message.type === "captions") this.#events.state(message.state ?? "off");
    else if (message.type === "watchers") this.#watched(message.count ?? 0);
    else if (message.captions === false) this.#events.state("off");
  }

  /** Pictures are taken while somebody watches, and only then. */
  #watched(count: number): void {
    this.#events.watchers(count);
    if (count === 0) {
      this.#picture?.close();
      this.#picture = null;
    } else if (!this.#picture && this.#stream?.getVideoTracks().length) {
      this.#picture = new PictureTap(this.#stream, (blob) => void blob.arrayBuffer().then((b) => this.#send(PICTURE, b)));
    }
  }

  #say(message: Record<string, unknown>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #send(kind: number, body: ArrayBuffer): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_WAITING) return;
    const message = new Uint8Array(1 + body.byteLength);
    message[0] = kind;
    message.set(new Uint8Array(body), 1);
    socket.send(message);
  }
}
