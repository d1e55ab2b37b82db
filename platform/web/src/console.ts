/** Entry of the staff pages. */
import htmx from "htmx.org";
import { mountBrandPreview } from "./console/brand-preview.ts";
import { mountBulkSelect } from "./console/bulk-select.ts";
import { mountLabChart } from "./console/lab-chart.ts";
import { mountLabelling } from "./console/labelling.ts";
import { mountLive } from "./console/live.ts";
import { mountPeopleFile } from "./console/people-file.ts";
import { mountRail } from "./console/rail.ts";
import { mountReport } from "./console/report.ts";
import { drawNumbers } from "./console/score-bar.ts";
import { adoptFlashes, toast } from "./console/toast.ts";
import { listenForCopy } from "./core/copy.ts";
import { guardForms } from "./core/forms.ts";
import { mountAll } from "./core/modules.ts";
import { keepTimes } from "./core/relative-time.ts";
import { t } from "./core/words.ts";

const MODULES = {
  "brand-preview": mountBrandPreview,
  "bulk-select": mountBulkSelect,
  "lab-chart": mountLabChart,
  labelling: mountLabelling,
  live: mountLive,
  "people-file": mountPeopleFile,
  rail: mountRail,
  report: mountReport,
};

htmx.config.history = false;
// An error page must not replace a part of this one. Patterns are allowed, though the types know numbers only.
htmx.config.noSwap = [204, 304, "4xx", "5xx"] as unknown as number[];

function adopt(): void {
  mountAll(MODULES);
  drawNumbers();
  adoptFlashes();
}

guardForms();
// A row of tabs is wider than a phone: the one that is open must be in sight.
document.querySelector(".filter-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
listenForCopy();
keepTimes();
adopt();
document.addEventListener("htmx:after:swap", adopt);
document.addEventListener("htmx:error", () => toast(t("error.network"), "warning"));
