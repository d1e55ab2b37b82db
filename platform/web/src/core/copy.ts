/** `[data-copy="text"]` buttons; without a value the page's own address is copied. */
import { setLabel } from "./dom.ts";
import { t } from "./words.ts";

const SHOWN_MS = 2000;

export async function copyText(button: HTMLElement, text: string): Promise<void> {
  const label = button.querySelector<HTMLElement>("[data-label]") ?? button;
  const before = label.textContent;
  const done = await write(text);
  setLabel(button, t(done ? "copy.done" : "copy.failed"));
  button.toggleAttribute("data-copied", done);
  setTimeout(() => {
    setLabel(button, before);
    button.removeAttribute("data-copied");
  }, SHOWN_MS);
}

export function listenForCopy(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
    if (button) void copyText(button, button.dataset["copy"] || location.href);
  });
}

/** Web views and insecure pages have no clipboard; there the old command still works. */
async function write(text: string): Promise<boolean> {
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) {
    const done = await clipboard.writeText(text).then(() => true, () => false);
    if (done) return true;
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
