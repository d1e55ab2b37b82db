/** The list of things checked: each row has a state (a colour and a mark) and a sentence. */
import { part } from "../core/dom.ts";

export type RowState = "pending" | "busy" | "ok" | "warn" | "bad";

export class Rows {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** `name` is "camera-row", "microphone", "network" or "light". */
  set(name: string, state: RowState, text: string): void {
    const row = part(this.#root, name);
    if (!row) return;
    row.dataset["state"] = state;
    const value = row.querySelector<HTMLElement>("[data-value]") ?? row;
    if (value.textContent !== text) value.textContent = text;
  }
}
