/** Evidence is counted as the server counts: in characters, whatever their size in UTF-16. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { characters, joined, pieces, trimmed } from "../src/console/spans.ts";

test("a character beyond the basic plane counts once", () => {
  assert.equal(characters("𠮷野家😀道歉", "𠮷野家😀".length), 4);
  assert.deepEqual(trimmed("𠮷 道歉 。", [1, 4]), [2, 2]);
  assert.equal(trimmed("a   b", [1, 3]), null);
});

test("stretches that touch or overlap become one, in order", () => {
  assert.deepEqual(joined([[8, 2], [0, 3]], [3, 2]), [[0, 5], [8, 2]]);
  assert.deepEqual(joined([[0, 10]], [2, 3]), [[0, 10]]);
});

test("the pieces are the text again", () => {
  const text = "我先道歉😀再退款";
  const cut = pieces(text, [[2, 3], [6, 2]]);
  assert.equal(cut.map(([words]) => words).join(""), text);
  assert.deepEqual(cut.filter(([, marked]) => marked).map(([words]) => words), ["道歉😀", "退款"]);
});
