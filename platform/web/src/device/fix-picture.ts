/** Small drawings of where to press. Colours come from the style sheet (`.fix-picture`). */
import type { Browser } from "./browser.ts";

const SVG = "http://www.w3.org/2000/svg";

type Shape = [name: string, attributes: Record<string, string | number>];

/** The address bar with the place of the permission switch marked. */
export function permissionPicture(browser: Browser): SVGSVGElement {
  const atRight = browser === "firefox" || browser === "safari";
  const atBottom = browser === "ios";
  const y = atBottom ? 66 : 12;
  const x = atRight ? 196 : 30;
  return drawing(240, 108, [
    ["rect", { x: 1, y: 1, width: 238, height: 106, rx: 12, class: "fix-frame" }],
    ["rect", { x: 14, y, width: 212, height: 28, rx: 14, class: "fix-bar" }],
    ["rect", { x: atRight ? 34 : 54, y: y + 11, width: 120, height: 6, rx: 3, class: "fix-line" }],
    ["circle", { cx: x, cy: y + 14, r: 15, class: "fix-ring" }],
    ...camera(x, y + 14),
    ["rect", { x: 30, y: atBottom ? 18 : 58, width: 180, height: 6, rx: 3, class: "fix-line" }],
    ["rect", { x: 30, y: atBottom ? 34 : 74, width: 120, height: 6, rx: 3, class: "fix-line" }],
  ]);
}

/** A web view's menu at the top right with "open in browser" marked. */
export function openInBrowserPicture(): SVGSVGElement {
  return drawing(240, 108, [
    ["rect", { x: 1, y: 1, width: 238, height: 106, rx: 12, class: "fix-frame" }],
    ["rect", { x: 14, y: 18, width: 96, height: 6, rx: 3, class: "fix-line" }],
    ...[0, 1, 2].map((dot): Shape => ["circle", { cx: 200 + dot * 8, cy: 21, r: 2.4, class: "fix-mark" }]),
    ["circle", { cx: 208, cy: 21, r: 16, class: "fix-ring" }],
    ["rect", { x: 90, y: 48, width: 136, height: 46, rx: 10, class: "fix-bar" }],
    ["circle", { cx: 112, cy: 71, r: 10, class: "fix-ring" }],
    ["path", { d: "M102 71h20M112 61c-7 6-7 14 0 20c7-6 7-14 0-20", class: "fix-stroke" }],
    ["rect", { x: 132, y: 68, width: 78, height: 6, rx: 3, class: "fix-mark" }],
  ]);
}

function camera(x: number, y: number): Shape[] {
  return [
    ["rect", { x: x - 8, y: y - 5, width: 10, height: 10, rx: 2, class: "fix-mark" }],
    ["path", { d: `M${x + 3} ${y - 2}l5 -3v10l-5 -3z`, class: "fix-mark" }],
  ];
}

function drawing(width: number, height: number, shapes: Shape[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("class", "fix-picture");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, attributes] of shapes) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, String(value));
    svg.append(shape);
  }
  return svg;
}
