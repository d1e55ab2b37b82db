/**
 * One question from the first look to the certificate.
 *
 * loading → idle → read → think → countdown → answer → saving → saved, with recovery after a crash and error when
 * only a person can decide what to do.
 */
import type { IntegrityEvent, Mode, Question } from "../core/candidate.ts";
import { confirmDialog } from "../core/confirm.ts";
import type { QuestionPageConfig } from "../core/page.ts";
import { preferredMode, rememberMode } from "../core/preference.ts";
import { t } from "../core/words.ts";
import { DeviceError } from "../media/devices.ts";
import type { Backend, Interrupted } from "./backend.ts";
import { Captions } from "./captions.ts";
import { Clock } from "./clock.ts";
import { messageOf } from "./messages.ts";
import { OwnDevices } from "./own-devices.ts";
import { readAloud, stopReading } from "./read-aloud.ts";
import { isWhole, showRecovery } from "./recovery-panel.ts";
import { SpokenAnswer } from "./spoken-answer.ts";
import { drawSteps } from "./steps.ts";
import { TextAnswer } from "./text-answer.ts";
import { readingSeconds, thinkSecondsLeft } from "./timing.ts";
import type { QuestionView } from "./view.ts";

export class QuestionFlow {
  readonly #view: QuestionView;
  readonly #backend: Backend;
  readonly #page: QuestionPageConfig;
  readonly #clock: Clock;
  readonly #devices: OwnDevices;
  readonly #text: TextAnswer | null;
  #question!: Question;
  #clockOffsetMs = 0;
  #draft = "";
  #mode: Mode = "video";
  #spoken: SpokenAnswer | null = null;
  readonly #captions: Captions;
  #interrupted: Interrupted | null = null;
  #starting = false;

  constructor(view: QuestionView, backend: Backend, page: QuestionPageConfig) {
    this.#view = view;
    this.#backend = backend;
    this.#page = page;
    this.#captions = new Captions(view, page);
    this.#clock = new Clock(view.part("clock"), (text) => view.announce(text));
    this.#devices = new OwnDevices(view.root, (quiet) => this.#heard(quiet));
    const area = view.part<HTMLTextAreaElement>("text-area");
    const saved = (question: Question): void => (this.#know(question), this.#saved());
    this.#text = area && new TextAnswer(view, backend, area, { saved, failed: (error) => this.fail(error) });
  }

  /** True while leaving the page would cost the candidate something. */
  get busy(): boolean {
    return !this.#page.is_practice && ["countdown", "answer", "saving"].includes(this.#view.phase);
  }

  /** Finds out where this question stands and goes on from there. */
  async begin(): Promise<void> {
    const { question, interrupted, clockOffsetMs, draft } = await this.#backend.load();
    this.#clockOffsetMs = clockOffsetMs;
    this.#draft = draft ?? question.answer_text ?? "";
    this.#interrupted = interrupted;
    this.#know(question);
    this.#use(interrupted?.mode ?? (draft ? "text" : preferredMode(this.#page.interview, question.modes)));
    if (interrupted) return this.#recover(interrupted);
    if (question.state === "pending") return this.#idle();
    if (question.state === "open" || question.state === "recording") return this.#comeBack();
    this.#saved();
  }

  // --- what buttons do ------------------------------------------------------------------------------

  /** "Show the question" first, "start answering" afterwards. */
  async start(): Promise<void> {
    if (this.#view.phase !== "idle") return this.answer();
    this.#view.error(null);
    await this.#prepare();
    this.#know(await this.#backend.open());
    this.#think();
  }

  /** Starts answering; `goOn` continues the take that was cut off. */
  async answer(goOn = false): Promise<void> {
    if (this.#starting) return;
    this.#starting = true;
    const from = this.#view.phase;
    this.#clock.stop();
    stopReading();
    this.#view.error(null);
    try {
      if (this.#mode === "text") this.#write();
      else await this.#speak(this.#mode, goOn);
    } catch (error) {
      this.#devices.close();
      this.#view.phase = from;
      this.fail(error);
    } finally {
      this.#starting = false;
    }
  }

  async stop(): Promise<void> {
    const spoken = this.#spoken;
    if (!spoken) return;
    this.#spoken = null;
    this.#clock.stop();
    this.#captions.end();
    this.#view.phase = "saving";
    const events = await spoken.stop();
    this.#devices.close();
    await this.#save(events);
  }

  async retake(): Promise<void> {
    // What was written is changed in place; a recording is replaced.
    if (!this.#page.is_practice) return this.#mode === "text" ? this.answer() : this.#again("question.retake_confirm");
    await this.#prepare();
    this.#know(await this.#backend.open());
    this.#think();
  }

  restart(): Promise<void> {
    return this.#again("question.restart_confirm");
  }

  /** Hands in what was safe when the take was cut off. */
  keep(): Promise<void> {
    return this.#save([]);
  }

  async switchMode(mode: Mode): Promise<void> {
    if (mode === this.#mode || !this.#question.modes.includes(mode)) return;
    this.#view.error(null);
    this.#devices.close();
    rememberMode(this.#page.interview, mode);
    this.#use(mode);
    if (this.#view.phase !== "idle") await this.#prepare();
  }

  async next(): Promise<void> {
    location.assign(await this.#backend.nextUrl());
  }

  readQuestion(): void {
    readAloud(this.#view.part("text")?.innerText ?? "", this.#page.locale);
  }

  fail(error: unknown, again?: () => unknown): void {
    console.error(error);
    this.#view.error(messageOf(error), again && { label: t("error.try_again"), action: again });
  }

  // --- phases ---------------------------------------------------------------------------------------

  #idle(): void {
    this.#view.label("start", t("question.show"));
    this.#view.phase = "idle";
  }

  async #comeBack(): Promise<void> {
    this.#think();
    await this.#prepare();
  }

  #think(): void {
    const whole = this.#question.think_seconds;
    const seconds = thinkSecondsLeft(this.#question, this.#clockOffsetMs);
    const reading = readingSeconds(this.#view.part("text")?.textContent ?? "", whole);
    drawSteps(this.#view.part("steps-list"), this.#question.steps);
    this.#view.phase = "read";
    this.#labelStart();
    this.#view.focus("start");
    const thinksIn = Math.max(0, reading - (whole - seconds)) * 1000;
    setTimeout(() => this.#view.phase === "read" && (this.#view.phase = "think"), thinksIn);
    this.#clock.start({ seconds, of: whole, ended: () => void this.answer() });
  }

  #write(): void {
    this.#devices.close();
    this.#text?.begin(this.#draft);
  }

  async #speak(mode: "video" | "audio", goOn: boolean): Promise<void> {
    const stream = await this.#devices.open(mode);
    this.#spoken = await SpokenAnswer.start(this.#view, this.#backend, this.#clock, {
      mode,
      stream,
      resumeAt: goOn ? (this.#interrupted?.seconds ?? 0) : null,
      answerSeconds: this.#question.answer_seconds,
      minSeconds: this.#page.min_seconds,
      ended: () => void this.stop().catch((error: unknown) => this.fail(error)),
      broke: (error) => void this.#cutOff(error).catch((failure: unknown) => this.fail(failure)),
    });
    this.#interrupted = null;
    this.#captions.begin(stream);
    drawSteps(this.#view.part("steps-list"), this.#question.steps, (step) => this.#spoken?.mark(step));
  }

  async #save(events: IntegrityEvent[]): Promise<void> {
    this.#view.error(null);
    this.#view.phase = "saving";
    try {
      this.#know(await this.#backend.finish(events));
    } catch (error) {
      this.#view.phase = "error";
      return this.fail(error, () => this.#save([]));
    }
    this.#interrupted = null;
    this.#saved();
  }

  #saved(): void {
    const again = this.#mode === "text" ? "question.rewrite" : "question.retake";
    this.#view.label("retake", t(this.#page.is_practice ? "question.practise_again" : again));
    this.#view.setAvailable("retake", this.#mode === "text" || this.#takesLeft > 0);
    this.#view.phase = "saved";
    this.#view.enable("next", true);
    this.#view.focus("next");
    this.#view.announce(t("question.saved"));
  }

  async #recover(cut: Interrupted): Promise<void> {
    if (cut.stopped || isWhole(this.#question, cut)) return this.#save([]);
    showRecovery(this.#view, this.#question, cut, this.#page.min_seconds);
  }

  /** A camera was pulled out, or the disk is full: what there is is kept, and the candidate chooses. */
  async #cutOff(error: unknown): Promise<void> {
    const spoken = this.#spoken;
    if (!spoken) return;
    this.#spoken = null;
    this.#clock.stop();
    this.#captions.end();
    spoken.note(error instanceof DeviceError ? "device_lost" : "recording_failed");
    this.#view.phase = "saving";
    // The failure itself is what is being handled here; every chunk before it has been kept.
    await spoken.stop().catch(() => undefined);
    this.#devices.close();
    await this.begin();
    this.fail(error);
  }

  // --- small things ---------------------------------------------------------------------------------

  async #again(question: string): Promise<void> {
    if (await confirmDialog(t(question))) await this.answer();
  }

  /** Opens camera and microphone early, so that a failure shows before the answer time runs. */
  async #prepare(): Promise<void> {
    if (this.#mode !== "text") await this.#devices.open(this.#mode);
  }

  #heard(quiet: boolean): void {
    this.#view.hint(quiet && this.#view.phase === "answer" ? t("question.silent") : null);
  }

  #know(question: Question): void {
    this.#question = question;
    if (question.text !== null) this.#view.label("text", question.text);
    this.#view.setAvailable("steps", question.steps.length > 0);
    const left = this.#takesLeft;
    this.#view.setAvailable("takes-left", Number.isFinite(left) && question.takes_allowed > 1);
    if (Number.isFinite(left)) this.#view.label("takes-left", t("question.takes_left", { n: left }));
    for (const mode of ["video", "audio", "text"] as const) {
      this.#view.setAvailable(`mode-${mode}`, question.modes.length > 1 && question.modes.includes(mode));
    }
  }

  get #takesLeft(): number {
    return this.#question.takes_allowed - this.#question.takes_used;
  }

  #use(mode: Mode): void {
    this.#mode = mode;
    this.#view.mode = mode;
    if (this.#view.phase === "read" || this.#view.phase === "think") this.#labelStart();
  }

  #labelStart(): void {
    this.#view.label("start", t(this.#mode === "text" ? "question.start_writing" : "question.start_now"));
  }
}
