/** From the countdown to the last chunk of a spoken answer. */
import type { IntegrityEvent } from "../core/candidate.ts";
import { t } from "../core/words.ts";
import type { RecordedMode } from "../media/formats.ts";
import type { ActiveRecording, Backend } from "./backend.ts";
import type { Clock } from "./clock.ts";
import { countDown } from "./countdown.ts";
import { IntegrityLog } from "./integrity.ts";
import { keepAwake } from "./keep-awake.ts";
import type { QuestionView } from "./view.ts";

export interface SpokenRequest {
  mode: RecordedMode;
  stream: MediaStream;
  /** Seconds of this take that are safe already; null begins a new take. */
  resumeAt: number | null;
  answerSeconds: number;
  minSeconds: number;
  ended: () => void;
  broke: (error: unknown) => void;
}

export class SpokenAnswer {
  readonly #view: QuestionView;
  readonly #recording: ActiveRecording;
  readonly #events: IntegrityLog;
  readonly #letSleep = keepAwake();

  private constructor(view: QuestionView, backend: Backend, recording: ActiveRecording, already: number) {
    this.#view = view;
    this.#recording = recording;
    const at = (): number => already * 1000 + recording.elapsedMs;
    this.#events = new IntegrityLog(at, (events) => backend.noteEvents(events));
  }

  /** Counts down while the server makes the take, then records. */
  static async start(view: QuestionView, backend: Backend, clock: Clock, request: SpokenRequest): Promise<SpokenAnswer> {
    view.phase = "countdown";
    const ready = countDown(view.part("countdown"), (text) => view.announce(text));
    const { mode, stream, broke } = request;
    const recording = await backend.record({ mode, stream, broke, ready, goOn: request.resumeAt !== null });
    const already = request.resumeAt ?? 0;
    const answer = new SpokenAnswer(view, backend, recording, already);
    if (request.resumeAt !== null) answer.note("resumed");
    answer.#begin(clock, request, already);
    return answer;
  }

  note(kind: string): void {
    this.#events.note(kind);
  }

  mark(step: string): void {
    this.#events.mark(step);
  }

  /** Resolves with what happened meanwhile, once the last chunk is kept on the device. */
  async stop(): Promise<IntegrityEvent[]> {
    const events = this.#events.close();
    this.#letSleep();
    await this.#recording.stop();
    return events;
  }

  #begin(clock: Clock, request: SpokenRequest, already: number): void {
    this.#view.setAvailable("clock", true);
    this.#view.label("stop", t("question.stop"));
    this.#view.phase = "answer";
    const wait = request.minSeconds - already;
    this.#view.enable("stop", wait <= 0);
    if (wait > 0) setTimeout(() => this.#view.enable("stop", true), wait * 1000);
    const seconds = Math.max(1, request.answerSeconds - already);
    clock.start({ seconds, of: request.answerSeconds, ended: request.ended });
    this.#view.focus("stop");
    this.#view.announce(t("question.recording"));
  }
}
