/** Finds the word that is being said. */

export interface TimedWord {
  start: number;
  end: number;
  element: HTMLElement;
}

/** Words of one answer in order of time, from `<span data-start data-end data-answer>`. */
export function timedWords(root: ParentNode, answer: string): TimedWord[] {
  return [...root.querySelectorAll<HTMLElement>("span[data-start][data-end]")]
    .filter((element) => element.dataset["answer"] === answer)
    .map((element) => ({ start: Number(element.dataset["start"]), end: Number(element.dataset["end"]), element }))
    .sort((a, b) => a.start - b.start);
}

/** The word at `time`, or the last one before it while nobody speaks; null before the first. */
export function wordAt<T extends { start: number }>(words: readonly T[], time: number): T | null {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((words[middle]?.start ?? Number.POSITIVE_INFINITY) <= time) low = middle + 1;
    else high = middle;
  }
  return words[low - 1] ?? null;
}
