/** One segment of one take while it is recorded: hash, keep, send. */
import type { CandidateClient, IntegrityEvent } from "../core/candidate.ts";
import { recordingFormat, type RecordedMode } from "../media/formats.ts";
import { DeviceError } from "../media/devices.ts";
import { type Bytes, chainNext, chainStart, sha256, toBase64, toHex } from "./chain.ts";
import type { ChunkStore, SegmentRecord, TakeKey, TakeRecord } from "./chunk-store.ts";
import { ChunkedRecorder } from "./media-recorder.ts";
import type { Uploader } from "./uploader.ts";

export interface TakeParts {
  store: ChunkStore;
  uploader: Uploader;
  client: CandidateClient;
}

export class SegmentRecording {
  readonly #parts: TakeParts;
  readonly #segment: SegmentRecord;
  readonly #recorder: ChunkedRecorder;
  #head: Bytes;

  private constructor(parts: TakeParts, segment: SegmentRecord, head: Bytes, recorder: (self: SegmentRecording) => ChunkedRecorder) {
    this.#parts = parts;
    this.#segment = segment;
    this.#head = head;
    this.#recorder = recorder(this);
  }

  /** Begins to record `stream` as segment `number` of the take. */
  static async start(
    parts: TakeParts,
    take: TakeKey,
    number: number,
    stream: MediaStream,
    mode: RecordedMode,
    broke: (error: unknown) => void,
  ): Promise<SegmentRecording> {
    const head = await chainStart({ ...take, segment: number });
    const segment = { ...take, segment: number, chunks: 0, head: toHex(head), duration_ms: 0 };
    await parts.store.putSegment(segment);
    const type = requireFormat(mode);
    const recording = new SegmentRecording(parts, segment, head, (self) => {
      return new ChunkedRecorder(stream, mode, type, (bytes, ms) => self.#take(bytes, ms), broke);
    });
    recording.#recorder.start();
    return recording;
  }

  get elapsedMs(): number {
    return this.#recorder.elapsedMs;
  }

  /** Resolves when the last chunk is kept on the device and queued. */
  stop(): Promise<void> {
    return this.#recorder.stop();
  }

  async #take(bytes: ArrayBuffer, elapsedMs: number): Promise<void> {
    const digest = await sha256(bytes);
    this.#head = await chainNext(this.#head, digest);
    const { interview, question, take, segment, chunks: seq } = this.#segment;
    const chunk = { interview, question, take, segment, seq, bytes, digest: toBase64(digest) };
    this.#segment.chunks = seq + 1;
    this.#segment.head = toHex(this.#head);
    this.#segment.duration_ms = elapsedMs;
    await this.#parts.store.addChunk(chunk, this.#segment);
    this.#parts.uploader.enqueue(chunk);
  }
}

/** The content type to announce for `mode`; raises `DeviceError` where the browser records none. */
export function requireFormat(mode: RecordedMode): string {
  const type = recordingFormat(mode);
  if (type === null) throw new DeviceError("unsupported");
  return type;
}

/** Writes down that the answer is over, so that a page opened later only sends and finishes it. */
export async function markStopped(store: ChunkStore, take: TakeRecord, events: IntegrityEvent[]): Promise<void> {
  await store.putTake({ ...take, stopped: true, events: [...take.events, ...events] });
}
