/** The candidate API of docs/architecture.md, typed. */
import { Api } from "./api.ts";
import type { CandidatePage } from "./page.ts";

export type Mode = "video" | "audio" | "text";

export type QuestionState = "pending" | "open" | "recording" | "saved" | "processing" | "processed" | "failed";

export interface Segment {
  number: number;
  /** First chunk the server has not got in an unbroken row. */
  next: number;
  missing: number[];
  bytes: number;
  seconds: number;
  /** Chain head over chunks [0, next), hex: lets another device go on with this take. */
  head?: string;
}

export interface Take {
  number: number;
  mode: Mode;
  finished: boolean;
  segments: Segment[];
}

export interface Question {
  key: string;
  position: number;
  kind: string;
  modes: Mode[];
  think_seconds: number;
  answer_seconds: number;
  takes_allowed: number;
  takes_used: number;
  state: QuestionState;
  /** What is asked; null until the question has been opened. */
  text: string | null;
  /** What the candidate has handed in in writing. */
  answer_text?: string | null;
  /** Of a hands-on task; empty until the question has been opened. */
  steps: { key: string; text: string }[];
  opened_at: string | null;
  think_until: string | null;
  take: Take | null;
}

export interface InterviewState {
  id: string;
  status: string;
  server_time: string;
  deadline: string;
  questions: Question[];
  current: string | null;
}

export interface ChunkAck {
  next: number;
  missing: number[];
}

export interface IntegrityEvent {
  kind: string;
  at_ms: number;
  for_ms?: number;
  /** Characters pasted. */
  length?: number;
  /** Of a hands-on task, where one was done. */
  step?: string;
}

export interface FinishedSegment {
  chunks: number;
  head: string;
  duration_ms: number;
}

export class CandidateClient {
  readonly #api: Api;

  constructor(page: CandidatePage) {
    this.#api = new Api(page.api, page.token, page.locale);
  }

  state = (signal?: AbortSignal): Promise<InterviewState> =>
    this.#api.get("/", signal ? { retries: 6, signal } : { retries: 6 });

  deviceCheck = (results: unknown): Promise<void> => this.#api.post("/device-check", { json: results });

  open = (key: string): Promise<Question> => this.#api.post(`/questions/${key}/open`);

  beginTake = (key: string, mode: Mode, contentType: string): Promise<Take> =>
    this.#api.post(`/questions/${key}/takes`, { json: { mode, content_type: contentType } });

  beginSegment = (key: string, take: number, contentType: string): Promise<{ number: number }> =>
    this.#api.post(`/questions/${key}/takes/${take}/segments`, { json: { content_type: contentType } });

  take = (key: string, take: number): Promise<Take> => this.#api.get(`/questions/${key}/takes/${take}`, { retries: 6 });

  /** One attempt: the uploader owns the repeats. `digest` is base64 of the SHA-256 of `bytes`. */
  putChunk(at: ChunkAddress, bytes: BufferSource, digest: string, signal?: AbortSignal): Promise<ChunkAck> {
    const path = `/questions/${at.question}/takes/${at.take}/segments/${at.segment}/chunks/${at.seq}`;
    const headers = { "Content-Digest": `sha-256=:${digest}:` };
    return this.#api.put(path, { bytes, headers, retries: 0, timeoutMs: 30_000, ...(signal && { signal }) });
  }

  finish = (key: string, take: number, segments: FinishedSegment[], events: IntegrityEvent[]): Promise<unknown> =>
    this.#api.post(`/questions/${key}/takes/${take}/finish`, { json: { segments, events } });

  putText = (key: string, text: string, events: IntegrityEvent[]): Promise<Question> =>
    this.#api.put(`/questions/${key}/text`, { json: { text, events } });
}

export interface ChunkAddress {
  question: string;
  take: number;
  segment: number;
  seq: number;
}
