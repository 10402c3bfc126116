/**
 * The interpreter that the user has selected in one of Microsoft's Python extensions, where one is installed.
 * Both are optional. Only the parts of their interfaces that are used are declared here, and each is checked for.
 */
import * as vscode from "vscode";

/** `ms-python.vscode-python-envs`: `getEnvironment`, `onDidChangeEnvironment`. */
interface PythonEnvs {
  getEnvironment?(scope: vscode.Uri | undefined): Promise<{ execInfo?: { run?: { executable?: string } } } | undefined>;
  onDidChangeEnvironment?: vscode.Event<unknown>;
}

/** `ms-python.python`: `environments` of its exported interface. */
interface PythonExtension {
  environments?: {
    getActiveEnvironmentPath?(resource?: vscode.Uri): { path: string };
    resolveEnvironment?(environment: { path: string }): Promise<{ executable?: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath?: vscode.Event<unknown>;
  };
}

async function exportsOf<T>(id: string): Promise<T | undefined> {
  const extension = vscode.extensions.getExtension<T>(id);
  if (extension === undefined) {
    return undefined;
  }
  return extension.isActive ? extension.exports : await extension.activate();
}

/** Paths of the selected interpreters, the most telling first; empty when no Python extension knows of one. */
export async function selectedInterpreters(resource: vscode.Uri | undefined, log: vscode.LogOutputChannel): Promise<string[]> {
  const paths: string[] = [];
  for (const ask of [fromPythonEnvs, fromPythonExtension]) {
    try {
      const path = await ask(resource);
      if (path !== undefined && path !== "" && !paths.includes(path)) {
        paths.push(path);
      }
    } catch (error) {
      log.warn(`a Python extension did not tell its interpreter: ${String(error)}`);
    }
  }
  return paths;
}

async function fromPythonEnvs(resource: vscode.Uri | undefined): Promise<string | undefined> {
  const api = await exportsOf<PythonEnvs>("ms-python.vscode-python-envs");
  const environment = await api?.getEnvironment?.(resource);
  return environment?.execInfo?.run?.executable;
}

async function fromPythonExtension(resource: vscode.Uri | undefined): Promise<string | undefined> {
  const environments = (await exportsOf<PythonExtension>("ms-python.python"))?.environments;
  const active = environments?.getActiveEnvironmentPath?.(resource);
  if (active === undefined) {
    return undefined;
  }
  const resolved = await environments?.resolveEnvironment?.(active);
  return resolved?.executable?.uri?.fsPath;
}

/** Calls `changed` when the user selects another interpreter. */
export async function watchInterpreter(changed: () => void, subscriptions: vscode.Disposable[]): Promise<void> {
  const envs = await exportsOf<PythonEnvs>("ms-python.vscode-python-envs");
  const python = await exportsOf<PythonExtension>("ms-python.python");
  for (const event of [envs?.onDidChangeEnvironment, python?.environments?.onDidChangeActiveEnvironmentPath]) {
    if (event !== undefined) {
      subscriptions.push(event(changed));
    }
  }
}
