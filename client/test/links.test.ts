import assert from "node:assert/strict";
import { test } from "node:test";
import { openable } from "../src/links";

test("a link to a file of the folder is taken from the folder", () => {
  const text = "at [train.py:9](file:///home/me/run/train.py#L9), see [it](file:///home/me/run/sub/a.md)";
  assert.equal(openable(text, "/home/me/run"), "at [train.py:9](/train.py#L9), see [it](/sub/a.md)");
});

test("a link to a file beside the folder goes up first", () => {
  assert.equal(openable("[u](file:///home/me/utils.py#L2)", "/home/me/run"), "[u](/../utils.py#L2)");
});

test("characters that a link cannot hold stay escaped", () => {
  assert.equal(openable("[a](file:///home/me/r%20%C3%A9/a%20b.py#L1)", "/home/me/r é"), "[a](/a%20b.py#L1)");
});

test("without a folder the text stays", () => {
  assert.equal(openable("[train\\_it.py:9](file:///run/train_it.py#L9)", undefined), "train\\_it.py:9");
});

test("other links are left alone", () => {
  const text = "[page](https://example.org/a#L3) and [here](#part)";
  assert.equal(openable(text, "/home/me"), text);
});
