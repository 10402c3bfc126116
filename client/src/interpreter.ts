/** Which Python runs the server: candidates, and what a probe of one of them means. No process is started here. */
import * as path from "node:path";

/** A command that may start a Python, and where it comes from. */
export interface Candidate {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: "setting" | "environment" | "PATH";
}

/** What an interpreter says of itself; see `PROBE`. */
export interface Probe {
  readonly executable: string;
  readonly version: readonly [number, number, number];
  /** Endings of extension modules that it can load, such as `.cpython-312-x86_64-linux-gnu.so`. */
  readonly suffixes: readonly string[];
}

/** `ready`: everything works. `limited`: it runs the server, but the bundled libcst has no build for it. */
export type Verdict =
  | { readonly kind: "ready" }
  | { readonly kind: "limited"; readonly reason: string }
  | { readonly kind: "unusable"; readonly reason: string };

export const OLDEST: readonly [number, number] = [3, 11];

/** Runs on any Python 3 that a user may have, so it is written for the oldest. */
export const PROBE = [
  "import json, sys",
  "from importlib.machinery import EXTENSION_SUFFIXES",
  "print(json.dumps({'executable': sys.executable, 'version': list(sys.version_info[:3]), 'suffixes': EXTENSION_SUFFIXES}))",
].join("\n");

/** Reads the output of `PROBE`; undefined when it is not that. */
export function parseProbe(output: string): Probe | undefined {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const { executable, version, suffixes } = value as Record<string, unknown>;
  if (typeof executable !== "string" || !Array.isArray(version) || !Array.isArray(suffixes)) {
    return undefined;
  }
  const [major, minor, micro] = version as unknown[];
  if (typeof major !== "number" || typeof minor !== "number" || typeof micro !== "number") {
    return undefined;
  }
  return { executable, version: [major, minor, micro], suffixes: suffixes.filter((s) => typeof s === "string") };
}

/** @param natives file names in the folder of the bundled libcst */
export function judge(probe: Probe, natives: readonly string[]): Verdict {
  const [major, minor] = probe.version;
  const name = `Python ${major}.${minor}`;
  if (major !== OLDEST[0] || minor < OLDEST[1]) {
    return { kind: "unusable", reason: `${name} is older than ${OLDEST.join(".")}` };
  }
  if (!probe.suffixes.some((suffix) => natives.includes(`native${suffix}`))) {
    return { kind: "limited", reason: `fixes that need libcst are off: the extension has no build of it for ${name}` };
  }
  return { kind: "ready" };
}

export interface PathQuery {
  readonly path: string | undefined;
  readonly platform: NodeJS.Platform;
  readonly isFile: (file: string) => boolean;
  /** Folders that no program may come from: those of a workspace that is not trusted. */
  readonly forbidden: readonly string[];
}

/** The Pythons on the PATH, in the order in which they are tried, each as an absolute path and at most once. */
export function candidatesOnPath(query: PathQuery): Candidate[] {
  const windows = query.platform === "win32";
  const flavour = windows ? path.win32 : path.posix;
  // A relative entry would mean the folder that the editor happens to run in.
  const folders = (query.path ?? "").split(flavour.delimiter).filter((folder) => flavour.isAbsolute(folder));
  const programs: readonly (readonly [string, readonly string[]])[] = windows
    ? [["python3.exe", []], ["python.exe", []], ["py.exe", ["-3"]]]
    : [["python3", []], ["python", []]];
  const found = new Map<string, Candidate>();
  for (const [program, args] of programs) {
    for (const folder of folders) {
      const command = flavour.join(folder, program);
      if (!found.has(command) && query.isFile(command) && !isInside(command, query.forbidden, query.platform)) {
        found.set(command, { command, args, origin: "PATH" });
      }
    }
  }
  return [...found.values()];
}

/** Whether `file` lies in one of `folders`. All are absolute paths of `platform`. */
export function isInside(file: string, folders: readonly string[], platform: NodeJS.Platform): boolean {
  const flavour = platform === "win32" ? path.win32 : path.posix;
  return folders.some((folder) => {
    const relative = flavour.relative(folder, file);
    return relative !== "" && relative !== ".." && !relative.startsWith(`..${flavour.sep}`) && !flavour.isAbsolute(relative);
  });
}

/** One candidate after its probe; `probe` is undefined when it could not be run. */
export interface Tried {
  readonly candidate: Candidate;
  readonly probe: Probe | undefined;
  readonly verdict: Verdict;
}

/**
 * Tries the candidates in order and stops at the first that is ready.
 * Failing that, the first limited one is taken; failing that, there is none.
 */
export async function choose(
  candidates: readonly Candidate[],
  attempt: (candidate: Candidate) => Promise<Tried>,
): Promise<{ chosen: Tried | undefined; tried: Tried[] }> {
  const tried: Tried[] = [];
  for (const candidate of candidates) {
    const result = await attempt(candidate);
    tried.push(result);
    if (result.verdict.kind === "ready") {
      return { chosen: result, tried };
    }
  }
  return { chosen: tried.find((result) => result.verdict.kind === "limited"), tried };
}
