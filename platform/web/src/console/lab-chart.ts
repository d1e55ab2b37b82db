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

/** The theme's colours in numbers: a canvas knows no variables, and the library mixes shades of RGB only. */
function coloursOf(figure: HTMLElement): Colours {
  const style = getComputedStyle(figure);
  const colour = (name: string): string => inNumbers(style.getPropertyValue(`--color-${name}`).trim());
  return { ink: inNumbers(style.color), paper: colour("base-100"), first: colour("info"), second: colour("accent"), font: style.fontFamily };
}

/** Any CSS colour as rgb(), by painting a dot with it. */
function inNumbers(colour: string): string {
  const brush = document.createElement("canvas").getContext("2d");
  if (!brush) return colour;
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}
