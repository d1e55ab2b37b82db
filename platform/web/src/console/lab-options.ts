/** From figures to ECharts options. Tooltips are drawn, not HTML: the content security policy allows no style attributes. */
import { BarChart, CustomChart, LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([
  BarChart, CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, TooltipComponent,
  CanvasRenderer,
]);

interface Point {
  value: number | null;
  low: number | null;
  high: number | null;
  n: number;
}

interface Intervals {
  shape: "intervals";
  rows: { label: string; points: Point[] }[];
  series: string[];
  lowest: number | null;
  highest: number | null;
  marks: number[];
  digits: number;
}

interface Bars {
  shape: "bars";
  labels: string[];
  series: { name: string; values: number[] }[];
  share: boolean;
}

interface Curve {
  shape: "curve";
  x: number[];
  lines: { name: string; values: (number | null)[] }[];
  low: (number | null)[];
  high: (number | null)[];
  axes: [string, string];
}

export type Spec = Intervals | Bars | Curve;
export interface Colours {
  ink: string;
  paper: string;
  first: string;
  second: string;
  font: string;
}

type Options = Record<string, unknown>;
/** What a custom series is given; ECharts' own types for it are as wide as this. */
interface Drawing {
  value(dimension: number): number;
  coord(place: [number, number]): [number, number];
  size(place: [number, number]): [number, number];
}

export const draw = (canvas: HTMLElement): ReturnType<typeof init> => init(canvas, undefined, { renderer: "canvas" });

export function heightOf(spec: Spec): number {
  return spec.shape === "intervals" ? 110 + spec.rows.length * (spec.series.length > 1 ? 56 : 40) : 300;
}

export function optionsOf(spec: Spec, colours: Colours, width: number): Options {
  const shared = {
    textStyle: { fontFamily: colours.font, color: colours.ink },
    color: [colours.first, colours.second],
    legend: { top: 4, textStyle: { color: colours.ink }, show: seriesOf(spec) > 1, data: namesOf(spec) },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: colours.paper, textStyle: { color: colours.ink } },
  };
  if (spec.shape === "intervals") return { ...shared, ...intervals(spec, colours, width) };
  return { ...shared, ...(spec.shape === "bars" ? bars(spec, colours) : curve(spec, colours)) };
}

const namesOf = (spec: Spec): string[] => (spec.shape === "intervals" ? spec.series : (spec.shape === "bars" ? spec.series : spec.lines).map((one) => one.name));
const seriesOf = (spec: Spec): number => (spec.shape === "curve" ? spec.lines.length : spec.series.length);

function axis(colours: Colours): Options {
  return {
    axisLabel: { color: colours.ink },
    axisLine: { lineStyle: { color: colours.ink, opacity: 0.4 } },
    nameTextStyle: { color: colours.ink },
    splitLine: { lineStyle: { color: colours.ink, opacity: 0.12 } },
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** A point with its interval a row; two series stand one below the other. */
function intervals(spec: Intervals, colours: Colours, width: number): Options {
  const room = Math.min(220, width * 0.34);
  const label = { color: colours.ink, width: room - 12, overflow: "break", lineHeight: 17, interval: 0 };
  return {
    grid: { left: room, right: 28, top: 44, bottom: 36 },
    xAxis: { type: "value", ...axis(colours), ...(spec.lowest === null ? {} : { min: spec.lowest }), ...(spec.highest === null ? {} : { max: spec.highest }) },
    yAxis: { type: "category", inverse: true, data: spec.rows.map((row) => row.label), ...axis(colours), axisLabel: label, axisTick: { show: false } },
    series: [...spec.series.map((name, place) => series(spec, colours, name, place)), ...spec.marks.map((value) => mark(value, colours))],
  };
}

function series(spec: Intervals, colours: Colours, name: string, place: number): Options {
  const offset = spec.series.length > 1 ? (place - 0.5) * 0.36 : 0;
  const colour = place === 0 ? colours.first : colours.second;
  const data = spec.rows.flatMap((row, number) => {
    const point = row.points[place];
    return point && point.value !== null ? [[point.value, number, point.low ?? point.value, point.high ?? point.value, point.n]] : [];
  });
  const said = (numbers: number[]): string => {
    const [value, , low, high, n] = numbers.map((one) => one);
    const text = [value, low, high].map((one) => (one ?? 0).toFixed(spec.digits));
    return `${name}: ${text[0]} (${text[1]}–${text[2]}), n = ${n}`;
  };
  return {
    name, type: "custom", data, itemStyle: { color: colour },
    encode: { x: 0, y: 1 },
    tooltip: { formatter: (hovered: { value: number[] }) => said(hovered.value) },
    renderItem: (_: unknown, drawing: Drawing) => whisker(drawing, offset, colour, place),
  };
}

/** A dashed line through all rows at a value that means something. */
function mark(value: number, colours: Colours): Options {
  return {
    type: "custom", silent: true, tooltip: { show: false }, data: [[value, 0]],
    renderItem: (given: { coordSys: { y: number; height: number } }, drawing: Drawing) => {
      const [x] = drawing.coord([value, 0]);
      const { y, height } = given.coordSys;
      return { type: "line", shape: { x1: x, y1: y, x2: x, y2: y + height }, style: { stroke: colours.ink, opacity: 0.6, lineWidth: 1.5, lineDash: [5, 4] } };
    },
  };
}

/** The first series has round points, the second square ones: colour alone must not tell them apart. */
function whisker(drawing: Drawing, offset: number, colour: string, place: number): Options {
  const row = drawing.value(1);
  const shift = drawing.size([0, 1])[1] * offset;
  const at = (value: number): [number, number] => {
    const [x, y] = drawing.coord([value, row]);
    return [x, y + shift];
  };
  const [x, y] = at(drawing.value(0));
  const [low] = at(drawing.value(2));
  const [high] = at(drawing.value(3));
  const line = (x1: number, y1: number, x2: number, y2: number): Options => ({
    type: "line", shape: { x1, y1, x2, y2 }, style: { stroke: colour, lineWidth: 2.5 },
  });
  const point = place === 0
    ? { type: "circle", shape: { cx: x, cy: y, r: 6 }, style: { fill: colour } }
    : { type: "rect", shape: { x: x - 5.5, y: y - 5.5, width: 11, height: 11 }, style: { fill: colour } };
  return { type: "group", children: [line(low, y, high, y), line(low, y - 5, low, y + 5), line(high, y - 5, high, y + 5), point] };
}

function bars(spec: Bars, colours: Colours): Options {
  const y = { type: "value", ...axis(colours), ...(spec.share ? { axisLabel: { color: colours.ink, formatter: percent } } : { minInterval: 1 }) };
  return {
    grid: { left: 48, right: 16, top: 44, bottom: 32 },
    xAxis: { type: "category", data: spec.labels, ...axis(colours) },
    yAxis: y,
    series: spec.series.map((one) => ({
      name: one.name, type: "bar", data: one.values, barMaxWidth: 44,
      ...(spec.share ? { tooltip: { valueFormatter: percent } } : {}),
    })),
  };
}

/** Lines over the share that was reviewed; the band of the last one says how far chance reaches. */
function curve(spec: Curve, colours: Colours): Options {
  const line = (name: string, values: (number | null)[], place: number): Options => ({
    name, type: "line", showSymbol: false, smooth: false,
    data: values.map((value, number) => [spec.x[number], value]),
    lineStyle: { width: 3, type: place === 0 ? "solid" : "dashed", color: place === 0 ? colours.second : colours.first },
    itemStyle: { color: place === 0 ? colours.second : colours.first },
    tooltip: { valueFormatter: (value: number) => value.toFixed(2) },
  });
  const edge = (values: (number | null)[], base: (number | null)[] | null, filled: boolean): Options => ({
    type: "line", stack: "band", silent: true, showSymbol: false, tooltip: { show: false }, lineStyle: { opacity: 0 },
    data: values.map((value, number) => [spec.x[number], value === null ? null : value - (base?.[number] ?? 0)]),
    ...(filled ? { areaStyle: { color: colours.first, opacity: 0.18 } } : {}),
  });
  return {
    grid: { left: 52, right: 24, top: 44, bottom: 48 },
    xAxis: { type: "value", min: 0, max: 1, name: spec.axes[0], nameLocation: "middle", nameGap: 28, ...axis(colours), axisLabel: { color: colours.ink, formatter: percent } },
    yAxis: { type: "value", scale: true, max: 1, name: spec.axes[1], ...axis(colours) },
    legend: { top: 4, textStyle: { color: colours.ink }, data: spec.lines.map((one) => one.name) },
    tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colours.paper, textStyle: { color: colours.ink } },
    series: [edge(spec.low, null, false), edge(spec.high, spec.low, true), ...spec.lines.map((one, place) => line(one.name, one.values, place))],
  };
}
