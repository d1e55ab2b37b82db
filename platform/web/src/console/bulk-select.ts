/** `[data-module="bulk-select"]`: a table whose rows can be ticked for a common action. */
import { setLabel } from "../core/dom.ts";
import { t } from "../core/words.ts";

/** Parts: `select-all` (checkbox), `select-row` (checkboxes), `bulk-actions` (bar), `bulk-count` (text). */
export function mountBulkSelect(root: HTMLElement): void {
  const all = root.querySelector<HTMLInputElement>('[data-part="select-all"]');
  const rows = (): HTMLInputElement[] => [...root.querySelectorAll<HTMLInputElement>('[data-part="select-row"]')];
  let last: HTMLInputElement | null = null;
  all?.addEventListener("change", () => {
    for (const row of rows()) row.checked = all.checked;
    draw(root, all, rows());
  });
  root.addEventListener("click", (event) => {
    const row = event.target;
    if (!(row instanceof HTMLInputElement) || row.dataset["part"] !== "select-row") return;
    if (event.shiftKey && last) fill(rows(), last, row);
    last = row;
    draw(root, all, rows());
  });
  draw(root, all, rows());
}

/** Shift-click: everything between gets what the second one got. */
function fill(rows: HTMLInputElement[], from: HTMLInputElement, to: HTMLInputElement): void {
  const [a, b] = [rows.indexOf(from), rows.indexOf(to)].sort((x, y) => x - y);
  for (const row of rows.slice(a, (b ?? 0) + 1)) row.checked = to.checked;
}

function draw(root: HTMLElement, all: HTMLInputElement | null, rows: HTMLInputElement[]): void {
  const chosen = rows.filter((row) => row.checked).length;
  if (all) {
    all.checked = chosen > 0 && chosen === rows.length;
    all.indeterminate = chosen > 0 && chosen < rows.length;
  }
  const bar = root.querySelector<HTMLElement>('[data-part="bulk-actions"]');
  if (bar) bar.hidden = chosen === 0;
  setLabel(root.querySelector<HTMLElement>('[data-part="bulk-count"]'), t("bulk.chosen", { n: chosen }));
}
