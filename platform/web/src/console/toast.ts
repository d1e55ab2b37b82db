/** Short messages: those made here, and the server's `.flash` ones that can be put away. */
import { element } from "../core/dom.ts";
import { t } from "../core/words.ts";

export type ToastKind = "info" | "success" | "warning" | "error";

const SHOWN_MS = 6000;

export function toast(text: string, kind: ToastKind = "info"): void {
  // A failing poll repeats itself; its message need not.
  if ([...region().children].some((one) => one.firstElementChild?.textContent === text)) return;
  const message = element("div", { class: "flash", "data-kind": kind }, element("p", {}, text));
  region().append(message);
  addClose(message);
  // Errors stay until they are put away: someone may look elsewhere for six seconds.
  if (kind !== "error") setTimeout(() => message.remove(), SHOWN_MS);
}

/** Gives every `.flash` of the page its close button. */
export function adoptFlashes(): void {
  for (const flash of document.querySelectorAll<HTMLElement>(".flash:not(:has([data-close]))")) addClose(flash);
}

function region(): HTMLElement {
  const found = document.querySelector<HTMLElement>("[data-toasts]");
  if (found) return found;
  const made = element("div", { class: "toasts", "data-toasts": "", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}

function addClose(flash: HTMLElement): void {
  const button = element("button", { type: "button", "data-close": "", "aria-label": t("flash.close"), class: "flash-close" }, "×");
  button.addEventListener("click", () => flash.remove());
  flash.append(button);
}
