/** The real thing: takes on the server, chunks kept on the device until they are there. */
import { CandidateClient, type IntegrityEvent, type Question, type Take } from "../core/candidate.ts";
import type { QuestionPageConfig } from "../core/page.ts";
import { beginSegment, beginTake } from "../recorder/begin.ts";
import { ChunkStore, type TakeKey, type TakeRecord } from "../recorder/chunk-store.ts";
import { finishTake, patiently, sendMissing } from "../recorder/finish.ts";
import { certificate, safeMs } from "../recorder/resume.ts";
import { markStopped, requireFormat, SegmentRecording } from "../recorder/take-recording.ts";
import { Uploader, type UploadState } from "../recorder/uploader.ts";
import type { ActiveRecording, Backend, Interrupted, Loaded, RecordRequest } from "./backend.ts";

export class InterviewBackend implements Backend {
  readonly #page: QuestionPageConfig;
  readonly #client: CandidateClient;
  readonly #store: ChunkStore;
  readonly #uploader: Uploader;
  #question: Question | null = null;
  #take: TakeRecord | null = null;

  private constructor(page: QuestionPageConfig, store: ChunkStore, changed: (state: UploadState) => void) {
    this.#page = page;
    this.#client = new CandidateClient(page);
    this.#store = store;
    const send = this.#client.putChunk.bind(this.#client);
    this.#uploader = new Uploader((chunk, signal) => send(chunk, chunk.bytes, chunk.digest, signal), store, changed);
  }

  static async open(page: QuestionPageConfig, changed: (state: UploadState) => void): Promise<InterviewBackend> {
    return new InterviewBackend(page, await ChunkStore.open(), changed);
  }

  get uploadState(): UploadState {
    return this.#uploader.state;
  }

  async load(): Promise<Loaded> {
    const asked = Date.now();
    const state = await patiently(() => this.#client.state());
    // The answer was written about half way between asking and now.
    const clockOffsetMs = Date.parse(state.server_time) - (asked + Date.now()) / 2;
    const question = state.questions.find((one) => one.key === this.#page.question);
    if (!question) throw new Error(`the interview has no question "${this.#page.question}"`);
    this.#question = question;
    const draft = await this.#store.draft(this.#page.interview, question.key);
    const unfinished = question.take && !question.take.finished && question.take.mode !== "text" ? question.take : null;
    const interrupted = unfinished && (await this.#pickUp(unfinished));
    return { question, interrupted, clockOffsetMs, draft: draft?.text ?? null };
  }

  async open(): Promise<Question> {
    return (this.#question = await patiently(() => this.#client.open(this.#page.question)));
  }

  async record(request: RecordRequest): Promise<ActiveRecording> {
    const segment = request.goOn ? await this.#nextSegment(request) : await this.#newTake(request);
    await request.ready;
    return SegmentRecording.start(this.#parts, this.#key, segment, request.stream, request.mode, request.broke);
  }

  noteEvents(events: IntegrityEvent[]): void {
    const take = this.#requireTake();
    void this.#store.putTake({ ...take, events: [...take.events, ...events] });
  }

  async finish(events: IntegrityEvent[]): Promise<Question> {
    const take = this.#requireTake();
    if (!take.stopped) await markStopped(this.#store, take, events);
    this.#take = { ...take, stopped: true, events: take.stopped ? take.events : [...take.events, ...events] };
    await finishTake(this.#parts, this.#key, this.#take.events);
    return this.#reload();
  }

  async keepDraft(text: string): Promise<void> {
    await this.#store.putDraft({ interview: this.#page.interview, question: this.#page.question, text });
  }

  async handInText(text: string, events: IntegrityEvent[]): Promise<Question> {
    this.#question = await patiently(() => this.#client.putText(this.#page.question, text, events));
    await this.#store.dropDraft(this.#page.interview, this.#page.question);
    return this.#question;
  }

  async nextUrl(): Promise<string> {
    const state = await this.#client.state();
    const isWaiting = (one: Question): boolean => ["pending", "open", "recording"].includes(one.state);
    return state.questions.some(isWaiting) ? this.#page.next_url : this.#page.done_url;
  }

  get #parts() {
    return { store: this.#store, uploader: this.#uploader, client: this.#client };
  }

  get #key(): TakeKey {
    const { interview, question, take } = this.#requireTake();
    return { interview, question, take };
  }

  #requireTake(): TakeRecord {
    if (!this.#take) throw new Error("no take has begun");
    return this.#take;
  }

  /** Sends what this device kept of an interrupted take and says how much is safe. */
  async #pickUp(take: Take): Promise<Interrupted> {
    const key = { interview: this.#page.interview, question: this.#page.question, take: take.number };
    const kept = await this.#store.take(key);
    this.#take = kept ?? { ...key, mode: take.mode, stopped: false, events: [] };
    const onServer = await sendMissing(this.#parts, key);
    const segments = await this.#store.segments(key);
    return {
      mode: take.mode,
      seconds: safeMs(onServer, segments) / 1000,
      stopped: this.#take.stopped,
      continuable: certificate(onServer, segments) !== null,
    };
  }

  async #newTake(request: RecordRequest): Promise<number> {
    const before = this.#question ?? (await this.#reload());
    const old = this.#take;
    const take = await beginTake(this.#client, before, request.mode, requireFormat(request.mode));
    this.#take = {
      interview: this.#page.interview,
      question: this.#page.question,
      take: take.number,
      mode: request.mode,
      stopped: false,
      events: [],
    };
    await this.#store.putTake(this.#take);
    if (old && old.take !== take.number) await this.#store.dropTake(old);
    return 0;
  }

  async #nextSegment(request: RecordRequest): Promise<number> {
    const key = this.#key;
    const now = await patiently(() => this.#client.take(key.question, key.take));
    return beginSegment(this.#client, key.question, now, requireFormat(request.mode));
  }

  async #reload(): Promise<Question> {
    return (await this.load()).question;
  }
}
