/** Steps of a hands-on task: a list of buttons while answering; pressing one marks that the step is done. */
import { element } from "../core/dom.ts";
import { t } from "../core/words.ts";

export interface Step {
  key: string;
  text: string;
}

/** Draws the steps into the list; `done` is told of each press, and a later press moves the mark. */
export function drawSteps(list: HTMLElement | null, steps: readonly Step[], done: (step: string) => void): void {
  list?.replaceChildren(...steps.map((step) => row(step, done)));
}

function row(step: Step, done: (step: string) => void): HTMLElement {
  const button = element("button", { type: "button", class: "btn min-h-11", "aria-pressed": "false" }, t("steps.done"));
  button.setAttribute("aria-label", `${t("steps.done")}: ${step.text}`);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", "true");
    button.textContent = t("steps.marked");
    done(step.key);
  });
  return element("li", { class: "step-row" }, element("span", {}, step.text), button);
}
