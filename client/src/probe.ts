/** Asks an interpreter what it is. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import * as path from "node:path";
import { judge, parseProbe, PROBE, type Candidate, type Tried } from "./interpreter";

/** A cold Python on a slow disk takes seconds; one that needs longer is stuck. */
const TIMEOUT_MS = 20_000;

export async function tryCandidate(candidate: Candidate, libs: string): Promise<Tried> {
  let output: string;
  try {
    output = await run(candidate.command, [...candidate.args, "-I", "-S", "-c", PROBE]);
  } catch (error) {
    return unusable(candidate, `it did not run: ${error instanceof Error ? error.message : String(error)}`);
  }
  const probe = parseProbe(output);
  if (probe === undefined) {
    return unusable(candidate, "it is not a Python 3");
  }
  return { candidate, probe, verdict: judge(probe, nativesIn(libs)) };
}

function unusable(candidate: Candidate, reason: string): Tried {
  return { candidate, probe: undefined, verdict: { kind: "unusable", reason } };
}

function nativesIn(libs: string): string[] {
  const folder = path.join(libs, "libcst");
  return existsSync(folder) ? readdirSync(folder) : [];
}

export function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}

function run(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    // The working folder is the interpreter's own, so that nothing of the workspace is picked up.
    const cwd = path.isAbsolute(command) ? path.dirname(command) : undefined;
    execFile(command, args, { timeout: TIMEOUT_MS, windowsHide: true, ...(cwd && existsSync(cwd) ? { cwd } : {}) }, (error, stdout) => {
      if (error) {
        reject(error);
      } else {
        resolve(stdout);
      }
    });
  });
}
