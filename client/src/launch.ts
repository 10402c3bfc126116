/** What command starts the server. */
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { selectedInterpreters } from "./environments";
import { candidatesOnPath, choose, isInside, OLDEST, type Candidate, type Tried } from "./interpreter";
import { isFile, tryCandidate } from "./probe";
import { commandSetting, type Places } from "./settings";

export interface Launch {
  readonly command: string;
  /** Without `--stdio`, which the client library appends. */
  readonly args: readonly string[];
  /** Never the workspace: on Windows a program is looked for in the working folder first. */
  readonly cwd: string;
  /** What the user is told that runs, such as `Python 3.12.4`. */
  readonly title: string;
  /** What does not work with it, if anything. */
  readonly limitation: string | undefined;
}

/** No interpreter fits; `message` says it to the user in one sentence. */
export class NoInterpreter extends Error {}

export async function findLaunch(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<Launch> {
  const settings = vscode.workspace.getConfiguration("dryDebug");
  const cwd = context.extensionPath;
  const command = commandSetting(settings.get("path"), places());
  if (command !== undefined) {
    return { command, args: ["server"], cwd, title: command, limitation: undefined };
  }
  const libs = context.asAbsolutePath(path.join("bundled", "libs"));
  const { chosen, tried } = await choose(await candidates(settings, log), (candidate) => tryCandidate(candidate, libs));
  for (const { candidate, probe, verdict } of tried) {
    const said = verdict.kind === "ready" ? "ready" : verdict.reason;
    log.info(`${candidate.origin}: ${[candidate.command, ...candidate.args].join(" ")} ${probe?.version.join(".") ?? ""}: ${said}`);
  }
  if (chosen?.probe === undefined) {
    throw new NoInterpreter(nothingFits(tried));
  }
  return {
    command: chosen.candidate.command,
    args: [...chosen.candidate.args, ...pythonArguments(context.asAbsolutePath(path.join("bundled", "launch.py")))],
    cwd,
    title: `Python ${chosen.probe.version.join(".")}`,
    limitation: chosen.verdict.kind === "limited" ? chosen.verdict.reason : undefined,
  };
}

/** -I and -S keep the user's environment out: no PYTHONPATH, no site-packages, no .pth file runs. */
function pythonArguments(launcher: string): string[] {
  return ["-I", "-S", "-X", "utf8", launcher, "server"];
}

async function candidates(settings: vscode.WorkspaceConfiguration, log: vscode.LogOutputChannel): Promise<Candidate[]> {
  const set = commandSetting(settings.get("interpreter"), places());
  if (set !== undefined) {
    // What the user has asked for is used or reported; another one is not taken in its place.
    return [{ command: set, args: [], origin: "setting" }];
  }
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri);
  const forbidden = vscode.workspace.isTrusted ? [] : folders.map((folder) => folder.fsPath);
  const selected = (await selectedInterpreters(folders[0], log)).filter((file) => !isInside(file, forbidden, process.platform));
  const known = selected.map((command): Candidate => ({ command, args: [], origin: "environment" }));
  const onPath = candidatesOnPath({ path: process.env["PATH"], platform: process.platform, isFile, forbidden });
  return [...known, ...onPath.filter((candidate) => !selected.includes(candidate.command))];
}

/** What paths in settings are relative to: the workspace folder of `resource`, without one the first. */
export function places(resource?: vscode.Uri): Places {
  const folder = resource === undefined ? undefined : vscode.workspace.getWorkspaceFolder(resource);
  const first = vscode.workspace.workspaceFolders?.[0];
  return { workspaceFolder: (folder ?? first)?.uri.fsPath, home: homedir(), env: process.env };
}

function nothingFits(tried: readonly Tried[]): string {
  const wanted = `Dry Debug needs Python ${OLDEST.join(".")} or later`;
  if (tried.length === 0) {
    return `${wanted}; none is on the PATH`;
  }
  const seen = tried.map(({ candidate, verdict }) => `${candidate.command}: ${verdict.kind === "unusable" ? verdict.reason : verdict.kind}`);
  return `${wanted}. Tried ${seen.join("; ")}`;
}
