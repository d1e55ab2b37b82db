/** `[data-module="brand-preview"]`: the page beside the form follows what is typed; the contrast is counted as it is on saving. */
import { needPart, part } from "../core/dom.ts";

const WORDS = ["logo_text", "welcome", "thanks"] as const;

/** Parts: `primary`, `accent`, `radius` (fields), `ratio`, `preview`, and one per word. `data-locale`: which words are shown. */
export function mountBrandPreview(root: HTMLElement): void {
  const preview = needPart<HTMLElement>(root, "preview");
  const primary = needPart<HTMLInputElement>(root, "primary");
  const show = (): void => {
    preview.style.setProperty("--tenant-primary", primary.value);
    preview.style.setProperty("--tenant-radius", needPart<HTMLSelectElement>(root, "radius").value);
    needPart(root, "ratio").textContent = contrastWithWhite(primary.value).toFixed(1);
    for (const name of WORDS) showWords(root, name);
  };
  root.addEventListener("input", show);
  show();
}

function showWords(root: HTMLElement, name: (typeof WORDS)[number]): void {
  const locale = root.dataset["locale"] ?? "zh-CN";
  const field = root.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name="${name}.${locale}"]`);
  const shown = part<HTMLElement>(root, name);
  if (!field || !shown) return;
  shown.textContent = field.value;
  const mark = part<HTMLElement>(root, "mark");
  if (name === "logo_text" && mark) mark.textContent = field.value.slice(0, 1);
}

/** WCAG 2.2, 1.4.3: 1–21, for a colour as #rrggbb. */
export function contrastWithWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => linear(parseInt(colour.slice(at, at + 2), 16) / 255));
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

function linear(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
