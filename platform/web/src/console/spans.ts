/** Stretches of a text as [offset, length] in characters, as the server counts them: code points, not UTF-16 units. */

export type Span = readonly [number, number];

/** How many characters the first `units` UTF-16 units of `text` are. */
export function characters(text: string, units: number): number {
  return [...text.slice(0, units)].length;
}

/** With one more stretch; what touches or overlaps becomes one, in order. */
export function joined(spans: readonly Span[], added: Span): Span[] {
  const sorted = [...spans, added].sort((a, b) => a[0] - b[0]);
  const found: [number, number][] = [];
  for (const [offset, length] of sorted) {
    const last = found.at(-1);
    if (last && offset <= last[0] + last[1]) last[1] = Math.max(last[0] + last[1], offset + length) - last[0];
    else found.push([offset, length]);
  }
  return found;
}

/** Without white space at its ends; null where nothing is left. */
export function trimmed(text: string, [offset, length]: Span): Span | null {
  const words = [...text].slice(offset, offset + length).join("");
  const before = [...words].length - [...words.trimStart()].length;
  const kept = [...words.trim()].length;
  return kept > 0 ? [offset + before, kept] : null;
}

/** The text cut at the borders of the stretches: [piece, whether it is one]. */
export function pieces(text: string, spans: readonly Span[]): [string, boolean][] {
  const letters = [...text];
  const found: [string, boolean][] = [];
  let at = 0;
  for (const [offset, length] of spans) {
    if (offset > at) found.push([letters.slice(at, offset).join(""), false]);
    found.push([letters.slice(offset, offset + length).join(""), true]);
    at = offset + length;
  }
  if (at < letters.length) found.push([letters.slice(at).join(""), false]);
  return found;
}
