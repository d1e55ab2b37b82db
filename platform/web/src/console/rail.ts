/** The navigation on phones: a drawer behind a button, closed by Escape and by choosing. */

/** `[data-module="rail"]` on the `.shell`; parts `rail-toggle` and `rail`. */
export function mountRail(shell: HTMLElement): void {
  const toggle = shell.querySelector<HTMLElement>('[data-part="rail-toggle"]');
  const set = (open: boolean): void => {
    shell.toggleAttribute("data-rail-open", open);
    toggle?.setAttribute("aria-expanded", String(open));
  };
  set(false);
  toggle?.addEventListener("click", () => set(!shell.hasAttribute("data-rail-open")));
  shell.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.matches(".rail-scrim")) set(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shell.hasAttribute("data-rail-open")) return;
    set(false);
    toggle?.focus();
  });
}
