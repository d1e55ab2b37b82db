/** `[data-module="lab-chart"]`: a picture of figures, from the JSON beside it. The drawing library comes only to pages that draw. */
import { needPart, reducedMotion } from "../core/dom.ts";
import type { Colours, Spec } from "./lab-options.ts";

export async function mountLabChart(figure: HTMLElement): Promise<void> {
  const spec = JSON.parse(figure.querySelector("script")?.textContent ?? "null") as Spec | null;
  if (!spec) return;
  const { draw, heightOf, optionsOf } = await import("./lab-options.ts");
  const canvas = needPart(figure, "canvas");
  figure.style.setProperty("--chart-height", `${heightOf(spec)}px`);
  figure.hidden = false;
  const chart = draw(canvas);
  const show = (): void =>
    chart.setOption({ animation: !reducedMotion(), ...optionsOf(spec, coloursOf(figure), canvas.clientWidth) }, true);
  show();
  new ResizeObserver(() => {
    chart.resize();
    show();
  }).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
}

/** The theme's colours as the browser resolves them: a canvas knows no variables. */
function coloursOf(figure: HTMLElement): Colours {
  const style = getComputedStyle(figure);
  const colour = (name: string): string => style.getPropertyValue(`--color-${name}`).trim();
  return { ink: style.color, paper: colour("base-100"), first: colour("info"), second: colour("accent"), font: style.fontFamily };
}
