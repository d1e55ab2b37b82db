/** What the flow needs behind the page: the real interview, or practice that keeps nothing. */
import type { IntegrityEvent, Mode, Question } from "../core/candidate.ts";
import type { RecordedMode } from "../media/formats.ts";
import type { UploadState } from "../recorder/uploader.ts";

/** An answer that was cut off earlier. */
export interface Interrupted {
  mode: Mode;
  /** Seconds that are safe. */
  seconds: number;
  /** The candidate had already ended it. */
  stopped: boolean;
  /** Whether this device can go on with it and finish it. */
  continuable: boolean;
}

export interface Loaded {
  question: Question;
  interrupted: Interrupted | null;
  /** Server time minus the clock of this device, milliseconds. */
  clockOffsetMs: number;
  /** Text typed earlier and not handed in. */
  draft: string | null;
}

export interface ActiveRecording {
  readonly elapsedMs: number;
  /** Resolves when the last chunk is kept. */
  stop(): Promise<void>;
}

export interface RecordRequest {
  mode: RecordedMode;
  stream: MediaStream;
  /** Go on with the interrupted take instead of beginning a new one. */
  goOn: boolean;
  /** A device was lost or a chunk could not be kept. */
  broke: (error: unknown) => void;
  /** Resolves when recording shall begin. */
  ready: Promise<void>;
}

export interface Backend {
  load(): Promise<Loaded>;
  open(): Promise<Question>;
  record(request: RecordRequest): Promise<ActiveRecording>;
  noteEvents(events: IntegrityEvent[]): void;
  /** Sends the rest and resolves with the question as it then stands. */
  finish(events: IntegrityEvent[]): Promise<Question>;
  keepDraft(text: string): Promise<void>;
  handInText(text: string, events: IntegrityEvent[]): Promise<Question>;
  /** Where "next" leads. */
  nextUrl(): Promise<string>;
  /** null where nothing is uploaded. */
  readonly uploadState: UploadState | null;
}
