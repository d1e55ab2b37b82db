/** Entry of the candidate's pages. */
import { mountAwaitReport } from "./core/await-report.ts";
import { listenForCopy } from "./core/copy.ts";
import { guardForms } from "./core/forms.ts";
import { mountAll } from "./core/modules.ts";
import { hasInterview, type PageConfig, readBlock } from "./core/page.ts";
import { keepTimes } from "./core/relative-time.ts";
import { mountDeviceCheck } from "./device/device-check.ts";
import { mountQuestion } from "./question/question.ts";
import { resumePending } from "./recorder/resume-pending.ts";

guardForms();
listenForCopy();
keepTimes();
mountAll({
  "device-check": mountDeviceCheck,
  question: mountQuestion,
  "pending-uploads": mountPending,
  "await-report": mountAwaitReport,
});

/** `[data-module="pending-uploads"]`, on pages other than the question: goes on sending what is left. */
function mountPending(banner: HTMLElement): Promise<void> | undefined {
  const page = readBlock<PageConfig>("page");
  return hasInterview(page) ? resumePending(page, banner) : undefined;
}
