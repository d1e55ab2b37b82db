/** Practice: the same screen, but the recording stays in this page's memory and is gone with it. */
import type { IntegrityEvent, Mode, Question } from "../core/candidate.ts";
import type { QuestionPageConfig } from "../core/page.ts";
import { ChunkedRecorder } from "../recorder/media-recorder.ts";
import { requireFormat } from "../recorder/take-recording.ts";
import type { ActiveRecording, Backend, Loaded, RecordRequest } from "./backend.ts";

export class PracticeBackend implements Backend {
  readonly uploadState = null;
  readonly #page: QuestionPageConfig;
  readonly #play: (recording: Blob) => void;
  #chunks: ArrayBuffer[] = [];
  #type = "";
  #question: Question;

  /** `play` gets the whole recording when the answer has ended. */
  constructor(page: QuestionPageConfig, play: (recording: Blob) => void) {
    this.#page = page;
    this.#play = play;
    this.#question = practiceQuestion(page);
  }

  load(): Promise<Loaded> {
    return Promise.resolve({ question: this.#question, interrupted: null, clockOffsetMs: 0, draft: null });
  }

  open(): Promise<Question> {
    const now = Date.now();
    const until = new Date(now + this.#question.think_seconds * 1000).toISOString();
    return this.#become({ state: "open", opened_at: new Date(now).toISOString(), think_until: until });
  }

  async record(request: RecordRequest): Promise<ActiveRecording> {
    this.#chunks = [];
    this.#type = requireFormat(request.mode);
    const keep = (bytes: ArrayBuffer): Promise<void> => Promise.resolve(void this.#chunks.push(bytes));
    const recorder = new ChunkedRecorder(request.stream, request.mode, this.#type, keep, request.broke);
    await request.ready;
    recorder.start();
    return recorder;
  }

  noteEvents(_events: IntegrityEvent[]): void {
    // Practice observes nobody.
  }

  finish(): Promise<Question> {
    this.#play(new Blob(this.#chunks, { type: this.#type }));
    this.#chunks = [];
    return this.#become({ state: "saved" });
  }

  keepDraft(): Promise<void> {
    return Promise.resolve();
  }

  handInText(): Promise<Question> {
    return this.#become({ state: "saved" });
  }

  nextUrl(): Promise<string> {
    return Promise.resolve(this.#page.next_url);
  }

  #become(change: Partial<Question>): Promise<Question> {
    this.#question = { ...this.#question, ...change };
    return Promise.resolve(this.#question);
  }
}

function practiceQuestion(page: QuestionPageConfig): Question {
  if (!page.practice) throw new Error('a practice page needs "practice" in its configuration');
  return {
    key: page.question,
    position: 0,
    kind: "practice",
    modes: page.practice.modes as Mode[],
    think_seconds: page.practice.think_seconds,
    answer_seconds: page.practice.answer_seconds,
    takes_allowed: Number.POSITIVE_INFINITY,
    takes_used: 0,
    state: "pending",
    text: null,
    opened_at: null,
    think_until: null,
    steps: [],
    take: null,
  };
}
