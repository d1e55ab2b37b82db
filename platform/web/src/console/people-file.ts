/** `[data-module="people-file"]`: the lines of a chosen CSV file come into the text box, where they can be seen and mended. */
import { needPart, show } from "../core/dom.ts";
import { toast } from "./toast.ts";

const MOST_BYTES = 2_000_000;

/** Parts: `people` (textarea), `people-file` (file input with `data-too-large` words), `people-file-row` (hidden without script). */
export function mountPeopleFile(root: HTMLElement): void {
  const box = needPart<HTMLTextAreaElement>(root, "people");
  const input = needPart<HTMLInputElement>(root, "people-file");
  show(needPart(root, "people-file-row"), true);
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (!file) return;
    if (file.size > MOST_BYTES) toast(input.dataset["tooLarge"] ?? file.name, "error");
    else append(box, decode(await file.arrayBuffer()));
    input.value = "";
  });
}

function append(box: HTMLTextAreaElement, lines: string): void {
  const before = box.value.trimEnd();
  box.value = before === "" ? lines.trim() : `${before}\n${lines.trim()}`;
  box.focus();
}

/** Spreadsheets in China save GB 18030 as often as UTF-8, and "Unicode text" is UTF-16. */
export function decode(bytes: ArrayBuffer): string {
  const [first, second] = new Uint8Array(bytes);
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}
