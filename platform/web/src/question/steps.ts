/** Steps of a hands-on task: to be read before, and with a button each while answering; a press marks the step as done. */
import { element } from "../core/dom.ts";
import { t } from "../core/words.ts";

export interface Step {
  key: string;
  text: string;
}

/** Draws the steps into the list; `done` is told of each press, and a later press moves the mark. Without it, no buttons. */
export function drawSteps(list: HTMLElement | null, steps: readonly Step[], done?: (step: string) => void): void {
  list?.replaceChildren(...steps.map((step) => row(step, done)));
}

function row(step: Step, done?: (step: string) => void): HTMLElement {
  const text = element("span", {}, step.text);
  return element("li", { class: "step-row" }, ...(done ? [text, doneButton(step, done)] : [text]));
}

function doneButton(step: Step, done: (step: string) => void): HTMLElement {
  const button = element("button", { type: "button", class: "btn min-h-11", "aria-pressed": "false" }, t("steps.done"));
  button.setAttribute("aria-label", `${t("steps.done")}: ${step.text}`);
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", "true");
    button.textContent = t("steps.marked");
    done(step.key);
  });
  return button;
}
