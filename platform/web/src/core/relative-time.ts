/** `<time data-relative datetime="…">`: "3 hours ago", the exact time on hover. */

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function relativeTime(then: Date, locale: string, now = new Date()): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return format.format(Math.round(seconds / size), unit);
}

/** Draws all of them now and every half minute, also those that a partial update brings. */
export function keepTimes(): void {
  const locale = document.documentElement.lang || navigator.language;
  const exact = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "long" });
  const draw = (): void => {
    for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-relative]")) {
      const then = new Date(time.dateTime);
      if (Number.isNaN(then.getTime())) continue;
      time.title = exact.format(then);
      time.textContent = relativeTime(then, locale);
    }
  };
  draw();
  setInterval(draw, 30_000);
  document.addEventListener("htmx:after:swap", draw);
}
