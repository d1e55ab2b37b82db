import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeTime } from "../src/core/relative-time.ts";
import { wordAt } from "../src/console/word-index.ts";
import { lightingOf, meanLuma } from "../src/device/light.ts";
import { inAppBrowser } from "../src/media/devices.ts";
import { dbfs, SILENCE_DBFS } from "../src/media/level.ts";
import { clockText } from "../src/question/clock.ts";
import { isShown, SHOWN_IN } from "../src/question/phases.ts";
import { readingSeconds } from "../src/question/timing.ts";

test("a full-scale sine is -3 dBFS, nothing is silence", () => {
  const sine = Float32Array.from({ length: 48_000 }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / 48_000));
  assert.ok(Math.abs(dbfs(sine) + 3.01) < 0.01);
  assert.equal(dbfs(new Float32Array(100)), SILENCE_DBFS);
});

test("luma of white, black and green", () => {
  const pixels = (...rgba: number[]): Uint8ClampedArray => Uint8ClampedArray.from([...rgba, ...rgba]);
  assert.ok(Math.abs(meanLuma(pixels(255, 255, 255, 255)) - 255) < 0.01);
  assert.equal(meanLuma(pixels(0, 0, 0, 255)), 0);
  assert.ok(Math.abs(meanLuma(pixels(0, 255, 0, 255)) - 182.4) < 0.1);
  assert.deepEqual([40, 120, 230].map(lightingOf), ["dark", "good", "bright"]);
});

test("the clock shows the second that is running", () => {
  assert.deepEqual([0, 0.2, 59.5, 60, 75.2, 600].map(clockText), ["0:00", "0:01", "1:00", "1:00", "1:16", "10:00"]);
});

test("the word being said is found, also in a pause", () => {
  const words = [0.5, 1, 4].map((start) => ({ start }));
  assert.equal(wordAt(words, 0.2), null);
  assert.equal(wordAt(words, 1)?.start, 1);
  assert.equal(wordAt(words, 3.9)?.start, 1);
  assert.equal(wordAt(words, 99)?.start, 4);
});

test("web views of apps are known by their agents", () => {
  const wechat = "Mozilla/5.0 (Linux; Android 14) Chrome/116 MicroMessenger/8.0.49";
  assert.equal(inAppBrowser(wechat), "wechat");
  assert.equal(inAppBrowser(`${wechat} wxwork/4.1`), "wecom");
  assert.equal(inAppBrowser("Mozilla/5.0 (Windows NT 10.0) Chrome/130.0 Safari/537.36"), null);
});

test("reading takes longer for longer questions, never more than a third of the think time", () => {
  assert.equal(readingSeconds("请介绍一下您自己和您最近的一份工作经历吧", 60), 20 / 6);
  assert.equal(readingSeconds("Tell us about yourself and your last job please now", 60), 10 / 3);
  assert.equal(readingSeconds("字".repeat(600), 30), 10);
});

test("parts follow phase and mode, and a template may decide otherwise", () => {
  assert.equal(isShown("stop", "answer", "video", {}), true);
  assert.equal(isShown("stop", "answer", "text", {}), false);
  assert.equal(isShown("stop", "think", "video", {}), false);
  assert.equal(isShown("stop", "think", "video", { show: "think answer" }), true);
  for (const phases of Object.values(SHOWN_IN)) assert.doesNotMatch(phases, /\bloading\b/);
});

test("relative times choose the largest unit that fits", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  const ago = (seconds: number): string => relativeTime(new Date(now.getTime() - seconds * 1000), "en", now);
  assert.deepEqual([30, 120, 7200, 90_000, -3600].map(ago), ["30 seconds ago", "2 minutes ago", "2 hours ago", "yesterday", "in 1 hour"]);
});
