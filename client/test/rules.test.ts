import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { test } from "node:test";
import { rulePages } from "../src/rules";

test("a page is a Markdown file beside the rule of the same name, wherever the family lies", () => {
  const root = mkdtempSync(path.join(tmpdir(), "rules-"));
  try {
    for (const file of ["loop/uncleared_gradients.py", "loop/uncleared_gradients.md", "catalogue/README.md", "amp/README.md", "amp/helper.py"]) {
      mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      writeFileSync(path.join(root, file), "");
    }
    assert.deepEqual(rulePages(root), [
      { rule: "uncleared-gradients", family: "loop", file: path.join(root, "loop", "uncleared_gradients.md") },
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
