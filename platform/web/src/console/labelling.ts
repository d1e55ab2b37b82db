/**
 * `[data-module="labelling"]`: one answer to be rated. 1–5 choose a level, Enter saves, e marks the selected words as
 * evidence, s passes the answer over, g says that it is a good one. Without scripts the form works as it stands.
 */
import { element, needPart, part, setEnabled, show } from "../core/dom.ts";
import { t } from "../core/words.ts";
import { characters, joined, pieces, type Span, trimmed } from "./spans.ts";

export function mountLabelling(root: HTMLElement): void {
  const form = part<HTMLFormElement>(root, "rating");
  if (form) new Labelling(root, form).connect();
}

class Labelling {
  readonly #root: HTMLElement;
  readonly #form: HTMLFormElement;
  readonly #answer: HTMLElement;
  readonly #field: HTMLInputElement;
  readonly #text: string;
  #spans: Span[];
  #selected: Span | null = null;

  constructor(root: HTMLElement, form: HTMLFormElement) {
    this.#root = root;
    this.#form = form;
    this.#answer = needPart(root, "answer");
    this.#field = needPart<HTMLInputElement>(form, "evidence");
    this.#text = this.#answer.textContent;
    this.#spans = JSON.parse(this.#field.value || "[]") as Span[];
  }

  connect(): void {
    show(part(this.#root, "evidence-tools"), true);
    document.addEventListener("selectionchange", () => this.#look());
    document.addEventListener("keydown", (event) => this.#key(event));
    part(this.#root, "mark-evidence")?.addEventListener("click", () => this.#mark());
    part(this.#root, "clear-evidence")?.addEventListener("click", () => this.#clear());
    this.#tell();
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    if (/^[1-5]$/.test(event.key)) this.#choose(event.key);
    else if (event.key === "e") this.#mark();
    else if (event.key === "s") part(this.#root, "skip")?.click();
    else if (event.key === "g") part(this.#root, "good")?.click();
    else if (event.key === "Enter" && !isPressable(event.target)) this.#form.requestSubmit(part(this.#form, "save"));
    else return;
    event.preventDefault();
  }

  #choose(level: string): void {
    const radio = this.#form.querySelector<HTMLInputElement>(`input[name="level"][value="${level}"]`);
    if (!radio) return;
    radio.checked = true;
    radio.focus({ preventScroll: true });
  }

  /** What is selected in the answer right now, for the button; it stays while the button is pressed. */
  #look(): void {
    const range = getSelection()?.rangeCount ? getSelection()?.getRangeAt(0) : undefined;
    if (!range || range.collapsed || !this.#answer.contains(range.commonAncestorContainer)) {
      if (!this.#root.contains(document.activeElement)) this.#offer(null);
      return;
    }
    const before = document.createRange();
    before.setStart(this.#answer, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const start = characters(this.#text, before.toString().length);
    this.#offer(trimmed(this.#text, [start, [...range.toString()].length]));
  }

  #offer(span: Span | null): void {
    this.#selected = span;
    setEnabled(part(this.#root, "mark-evidence"), span !== null);
  }

  #mark(): void {
    this.#look(); // the key may come before the browser has told of the selection
    if (!this.#selected) return;
    this.#spans = joined(this.#spans, this.#selected);
    getSelection()?.removeAllRanges();
    this.#offer(null);
    this.#draw();
  }

  #clear(): void {
    this.#spans = [];
    this.#draw();
  }

  #draw(): void {
    const parts = pieces(this.#text, this.#spans);
    this.#answer.replaceChildren(...parts.map(([text, marked]) => (marked ? element("mark", {}, text) : text)));
    this.#field.value = JSON.stringify(this.#spans);
    this.#tell();
  }

  #tell(): void {
    const some = this.#spans.length > 0;
    show(part(this.#root, "clear-evidence"), some);
    const said = part(this.#root, "evidence-said");
    if (said && some) said.textContent = t("labelling.evidence", { n: this.#spans.length });
    else if (said) said.textContent = t("labelling.evidence_none");
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return target.type !== "radio";
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

function isPressable(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a[href], button, summary") !== null;
}
