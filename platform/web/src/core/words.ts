/** Words of the page in its language: `t("upload.saving", { n: 3 })`. */
import { readBlock } from "./page.ts";

type Values = Readonly<Record<string, string | number>>;

let words: Record<string, string> | undefined;

/** The text of a key with `{name}` filled in. A missing key shows itself and is logged, never blank. */
export function t(key: string, values: Values = {}): string {
  words ??= readBlock<Record<string, string>>("words");
  const text = words[key];
  if (text === undefined) {
    console.error(`no words for "${key}"`);
    return key;
  }
  return text.replace(/\{(\w+)\}/g, (hole, name: string) => String(values[name] ?? hole));
}

export function hasWords(key: string): boolean {
  words ??= readBlock<Record<string, string>>("words");
  return key in words;
}
