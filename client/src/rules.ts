/** The rule pages that come with the extension. */
import { readdirSync } from "node:fs";
import * as path from "node:path";

export interface RulePage {
  readonly rule: string;
  readonly family: string;
  readonly file: string;
}

/** @param root the folder of the package `dry_debug_rules`: one folder for each family, a page beside each rule */
export function rulePages(root: string): RulePage[] {
  const files = new Set(readdirSync(root, { recursive: true }).map(String));
  const pages: RulePage[] = [];
  for (const file of files) {
    const stem = file.replace(/\.md$/, "");
    if (stem !== file && files.has(`${stem}.py`)) {
      const rule = path.basename(stem).replaceAll("_", "-");
      pages.push({ rule, family: path.basename(path.dirname(file)), file: path.join(root, file) });
    }
  }
  return pages.sort((a, b) => a.rule.localeCompare(b.rule));
}
