/** Forms: a second press does nothing, and what cannot be undone is asked about first. */
import { confirmDialog } from "./confirm.ts";

const submitted = new WeakSet<HTMLFormElement>();
const agreed = new WeakSet<HTMLFormElement>();

/** Applies to every form of the page; `data-confirm="words"` on the form or its button asks first. */
export function guardForms(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method === "dialog" || event.defaultPrevented) return;
    if (submitted.has(form)) return event.preventDefault();
    const question = event.submitter?.dataset["confirm"] ?? form.dataset["confirm"];
    if (question !== undefined && !agreed.has(form)) {
      event.preventDefault();
      void ask(form, question, event.submitter);
      return;
    }
    if (form.method === "post") markSubmitted(form, event.submitter);
  });
  // A page that comes back from the browser's memory may be sent again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

async function ask(form: HTMLFormElement, question: string, submitter: HTMLElement | null): Promise<void> {
  if (!(await confirmDialog(question))) return;
  agreed.add(form);
  form.requestSubmit(submitter);
}

function markSubmitted(form: HTMLFormElement, submitter: HTMLElement | null): void {
  submitted.add(form);
  submitter?.setAttribute("aria-busy", "true");
}
