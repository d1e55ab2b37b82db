/** `[data-module="question"]`: connects the page's parts with the flow. */
import { onPress } from "../core/dom.ts";
import { type QuestionPageConfig, readBlock } from "../core/page.ts";
import { t } from "../core/words.ts";
import type { Backend } from "./backend.ts";
import { QuestionFlow } from "./flow.ts";
import { InterviewBackend } from "./interview-backend.ts";
import { messageOf, WordedError } from "./messages.ts";
import { PracticeBackend } from "./practice-backend.ts";
import { prepareReadAloud } from "./read-aloud.ts";
import { holdInterview } from "./single-tab.ts";
import { QuestionView } from "./view.ts";

export async function mountQuestion(root: HTMLElement): Promise<void> {
  const page = readBlock<QuestionPageConfig>("page");
  const view = new QuestionView(root);
  view.phase = "loading";
  view.enable("next", false);
  try {
    const backend = await backendOf(page, view);
    view.setAvailable("upload-state", backend.uploadState !== null);
    if (backend.uploadState) view.upload(backend.uploadState);
    const flow = new QuestionFlow(view, backend, page);
    connect(view, flow, page);
    await flow.begin().catch((error: unknown) => flow.fail(error, () => location.reload()));
  } catch (error) {
    console.error(error);
    view.phase = "error";
    view.error(messageOf(error), { label: t("error.try_again"), action: () => location.reload() });
  }
}

async function backendOf(page: QuestionPageConfig, view: QuestionView): Promise<Backend> {
  if (page.is_practice) return new PracticeBackend(page, (recording) => playBack(view, recording));
  if (!(await holdInterview(page.interview))) throw new WordedError(t("question.other_tab"));
  return InterviewBackend.open(page, (state) => {
    view.upload(state);
    if (state.status === "refused") view.hint(messageOf(state.error));
  });
}

function connect(view: QuestionView, flow: QuestionFlow, page: QuestionPageConfig): void {
  const press = (name: string, action: () => unknown): void => {
    onPress(view.part(name), action, (error) => flow.fail(error));
  };
  press("start", () => flow.start());
  press("stop", () => flow.stop());
  press("retake", () => flow.retake());
  press("recovery-continue", () => flow.answer(true));
  press("recovery-restart", () => flow.restart());
  press("recovery-finish", () => flow.keep());
  press("next", () => flow.next());
  press("pause", () => location.assign(page.pause_url));
  press("read-aloud", () => flow.readQuestion());
  for (const mode of ["video", "audio", "text"] as const) press(`mode-${mode}`, () => flow.switchMode(mode));
  prepareReadAloud(view.part("read-aloud"), page.locale, (yes) => view.setAvailable("read-aloud", yes));
  window.addEventListener("beforeunload", (event) => {
    if (flow.busy) event.preventDefault();
  });
}

/** Practice: the candidate hears and sees the answer once; the next recording replaces it. */
function playBack(view: QuestionView, recording: Blob): void {
  const player = view.part<HTMLVideoElement>("playback");
  if (!player) return;
  if (player.src) URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(recording);
  player.controls = true;
  player.hidden = recording.size === 0;
}
