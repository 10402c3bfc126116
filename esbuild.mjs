// Bundles the extension (default) or its node tests (--tests) into dist/.
import { readdirSync, rmSync } from "node:fs";
import { context, build } from "esbuild";

const flags = new Set(process.argv.slice(2));

/** @type {import("esbuild").BuildOptions} */
const shared = {
  bundle: true,
  format: "cjs",
  platform: "node",
  // VS Code 1.91, the oldest supported, runs extensions on Node 20.
  target: "node20",
  logLevel: "warning",
};

/** @type {import("esbuild").BuildOptions} */
const extension = {
  ...shared,
  entryPoints: ["client/src/extension.ts"],
  outfile: "dist/extension.js",
  external: ["vscode"],
  minify: flags.has("--production"),
  sourcemap: !flags.has("--production"),
};

if (flags.has("--tests")) {
  rmSync("dist/test", { recursive: true, force: true });
  const tests = readdirSync("client/test").filter((name) => name.endsWith(".test.ts"));
  await build({ ...shared, entryPoints: tests.map((name) => `client/test/${name}`), outdir: "dist/test", sourcemap: "inline" });
} else if (flags.has("--watch")) {
  const watching = await context(extension);
  await watching.watch();
} else {
  await build(extension);
}
