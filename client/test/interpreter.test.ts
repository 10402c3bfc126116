import assert from "node:assert/strict";
import { test } from "node:test";
import { candidatesOnPath, choose, isInside, judge, parseProbe, type Candidate, type Probe, type Tried } from "../src/interpreter";

function probe(version: [number, number, number], suffix: string): Probe {
  return { executable: "/usr/bin/python3", version, suffixes: [suffix, ".so"] };
}

const NATIVES = ["native.cpython-311-x86_64-linux-gnu.so", "native.cpython-312-x86_64-linux-gnu.so", "__init__.py"];

test("a Python with a bundled native module is ready", () => {
  assert.deepEqual(judge(probe([3, 12, 4], ".cpython-312-x86_64-linux-gnu.so"), NATIVES), { kind: "ready" });
});

test("a Python older than 3.11 is unusable, and the reason names both versions", () => {
  const verdict = judge(probe([3, 10, 12], ".cpython-311-x86_64-linux-gnu.so"), NATIVES);
  assert.equal(verdict.kind, "unusable");
  assert.match(verdict.kind === "unusable" ? verdict.reason : "", /3\.10 .*3\.11/);
});

test("a Python without a bundled native module is limited", () => {
  assert.equal(judge(probe([3, 15, 0], ".cpython-315-x86_64-linux-gnu.so"), NATIVES).kind, "limited");
});

test("a free-threaded build does not take the native module of the ordinary one", () => {
  assert.equal(judge(probe([3, 12, 0], ".cpython-312t-x86_64-linux-gnu.so"), NATIVES).kind, "limited");
});

test("Python 2 and text that is not a probe are not probes", () => {
  assert.equal(parseProbe("Python 2.7.18"), undefined);
  assert.equal(parseProbe('{"version": [3, 12]}'), undefined);
  assert.deepEqual(parseProbe('{"executable": "/p", "version": [3, 12, 1], "suffixes": [".so"]}'), {
    executable: "/p",
    version: [3, 12, 1],
    suffixes: [".so"],
  });
});

test("python3 anywhere on the PATH comes before python, in the order of the PATH", () => {
  const files = new Set(["/a/python", "/a/python3", "/b/python3"]);
  const found = candidatesOnPath({ path: "/a:/b:/a", platform: "linux", isFile: (file) => files.has(file), forbidden: [] });
  assert.deepEqual(found.map(({ command }) => command), ["/a/python3", "/b/python3", "/a/python"]);
});

test("relative entries of the PATH are left out", () => {
  const found = candidatesOnPath({ path: ".::bin:/a", platform: "linux", isFile: () => true, forbidden: [] });
  assert.deepEqual(found.map(({ command }) => command), ["/a/python3", "/a/python"]);
});

test("on Windows the launcher is asked for Python 3", () => {
  const found = candidatesOnPath({
    path: "C:\\Windows;.\\bin",
    platform: "win32",
    isFile: (file) => file === "C:\\Windows\\py.exe",
    forbidden: [],
  });
  assert.deepEqual(found, [{ command: "C:\\Windows\\py.exe", args: ["-3"], origin: "PATH" }]);
});

test("a Python inside a workspace that is not trusted is no candidate", () => {
  const found = candidatesOnPath({ path: "/ws/.venv/bin:/usr/bin", platform: "linux", isFile: () => true, forbidden: ["/ws"] });
  assert.deepEqual(found.map(({ command }) => command), ["/usr/bin/python3", "/usr/bin/python"]);
});

test("inside is told from beside, above and another drive", () => {
  assert.equal(isInside("/ws/a", ["/ws"], "linux"), true);
  assert.equal(isInside("/ws/..a", ["/ws"], "linux"), true);
  assert.equal(isInside("/ws2/a", ["/ws"], "linux"), false);
  assert.equal(isInside("/a", ["/ws"], "linux"), false);
  assert.equal(isInside("D:\\a", ["C:\\ws"], "win32"), false);
});

function candidate(command: string): Candidate {
  return { command, args: [], origin: "PATH" };
}

function attempts(kinds: Record<string, Tried["verdict"]["kind"]>): { asked: string[]; attempt: (candidate: Candidate) => Promise<Tried> } {
  const asked: string[] = [];
  return {
    asked,
    attempt: async (tried) => {
      asked.push(tried.command);
      const kind = kinds[tried.command] ?? "unusable";
      return { candidate: tried, probe: undefined, verdict: kind === "ready" ? { kind } : { kind, reason: "" } };
    },
  };
}

test("the first ready candidate is chosen and the rest are not started", async () => {
  const { asked, attempt } = attempts({ b: "limited", c: "ready", d: "ready" });
  const { chosen } = await choose(["a", "b", "c", "d"].map(candidate), attempt);
  assert.equal(chosen?.candidate.command, "c");
  assert.deepEqual(asked, ["a", "b", "c"]);
});

test("a limited candidate is chosen when none is ready", async () => {
  const { attempt } = attempts({ b: "limited", c: "limited" });
  assert.equal((await choose(["a", "b", "c"].map(candidate), attempt)).chosen?.candidate.command, "b");
});

test("nothing is chosen when every candidate is unusable, and all are told", async () => {
  const { chosen, tried } = await choose(["a", "b"].map(candidate), attempts({}).attempt);
  assert.equal(chosen, undefined);
  assert.equal(tried.length, 2);
});
