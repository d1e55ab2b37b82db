/** Small helpers around `data-part` hooks. */

export function part<T extends HTMLElement = HTMLElement>(root: ParentNode, name: string): T | null {
  return root.querySelector<T>(`[data-part="${name}"]`);
}

/** A part the module cannot work without; raises with its name. */
export function needPart<T extends HTMLElement = HTMLElement>(root: ParentNode, name: string): T {
  const element = part<T>(root, name);
  if (!element) throw new Error(`the page lacks [data-part="${name}"]`);
  return element;
}

export function show(element: HTMLElement | null, visible: boolean): void {
  if (element) element.hidden = !visible;
}

/** Writes into `[data-label]` where the template has one beside an icon, otherwise replaces the text. */
export function setLabel(element: HTMLElement | null, text: string): void {
  if (!element) return;
  const label = element.querySelector<HTMLElement>("[data-label]") ?? element;
  if (label.textContent !== text) label.textContent = text;
}

/** Buttons keep the focus while they are off, so `aria-disabled` is used and clicks are ignored. */
export function setEnabled(element: HTMLElement | null, enabled: boolean): void {
  if (!element) return;
  if (enabled) element.removeAttribute("aria-disabled");
  else element.setAttribute("aria-disabled", "true");
}

export function isEnabled(element: HTMLElement): boolean {
  return element.getAttribute("aria-disabled") !== "true";
}

/** Runs `action` on click unless the element is off or an earlier click is still being worked on. */
export function onPress(
  element: HTMLElement | null,
  action: (event: MouseEvent) => unknown,
  failed: (error: unknown) => void = reportError,
): void {
  let busy = false;
  element?.addEventListener("click", (event) => {
    event.preventDefault();
    if (busy || !isEnabled(element)) return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    Promise.resolve()
      .then(() => action(event))
      .catch(failed)
      .finally(() => {
        busy = false;
        element.removeAttribute("aria-busy");
      });
  });
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const reducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
