/**
 * Numbers from data attributes into CSS variables: the content security policy allows no style attributes.
 *
 * `.score-bar[data-score][data-error]` (0–10 and its standard error), `[data-share]` (0–1).
 */

export function drawNumbers(scope: ParentNode = document): void {
  for (const bar of scope.querySelectorAll<HTMLElement>(".score-bar[data-score]")) drawScore(bar);
  for (const bar of scope.querySelectorAll<HTMLElement>("[data-share]")) {
    bar.style.setProperty("--share", String(Number(bar.dataset["share"])));
  }
}

function drawScore(bar: HTMLElement): void {
  const score = Number(bar.dataset["score"]);
  const error = Number(bar.dataset["error"] ?? 0);
  const percent = (value: number): string => `${Math.min(100, Math.max(0, value * 10)).toFixed(1)}%`;
  bar.style.setProperty("--score", percent(score));
  bar.style.setProperty("--low", percent(score - error));
  bar.style.setProperty("--high", percent(score + error));
}
