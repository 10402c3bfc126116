/**
 * The settings that the server is told.
 *
 * Only what the user has set is sent: a setting left alone must not override the project's own
 * `[tool.dry-debug]` with the editor's default.
 */
import * as path from "node:path";

/** Settings under `dryDebug.` that the server reads; the others concern only the extension. */
export const SERVER_SETTINGS = [
  "run",
  "select",
  "extendSelect",
  "ignore",
  "preview",
  "severity",
  "minConfidence",
  "hover",
  "codeLens",
  "environment",
] as const;

/** `selectedInterpreter` is no setting: the one of a Python extension, whose packages are meant if nothing else is set. */
export type ServerSettings = Partial<Record<(typeof SERVER_SETTINGS)[number] | "selectedInterpreter", unknown>>;

/** Settings whose change means another server process, not another message to the same one. */
export const LAUNCH_SETTINGS = ["enable", "interpreter", "path"] as const;

/** The part of `vscode.WorkspaceConfiguration` that is needed here. */
export interface SettingsReader {
  get(key: string): unknown;
  inspect(key: string): Inspection | undefined;
}

/** What `WorkspaceConfiguration.inspect` says of one setting, one value for each place where it can be set. */
export interface Inspection {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
  readonly globalLanguageValue?: unknown;
  readonly workspaceLanguageValue?: unknown;
  readonly workspaceFolderLanguageValue?: unknown;
}

/** Whether anyone has given the setting a value other than null, which stands for "not set". */
export function isSet(inspection: Inspection | undefined): boolean {
  if (inspection === undefined) {
    return false;
  }
  const values = [
    inspection.globalValue,
    inspection.workspaceValue,
    inspection.workspaceFolderValue,
    inspection.globalLanguageValue,
    inspection.workspaceLanguageValue,
    inspection.workspaceFolderLanguageValue,
  ];
  return values.some((value) => value !== undefined && value !== null);
}

/** The settings to send. `places` says what a path is relative to; `selected` is the interpreter of a Python extension. */
export function serverSettings(reader: SettingsReader, places: Places, selected?: string): ServerSettings {
  const settings: ServerSettings = {};
  for (const key of SERVER_SETTINGS) {
    const value = key === "environment" ? pathSetting(reader.get(key), places) : reader.get(key);
    if (isSet(reader.inspect(key)) && value !== undefined && value !== null) {
      settings[key] = value;
    }
  }
  if (selected !== undefined) {
    settings.selectedInterpreter = selected;
  }
  return settings;
}

export interface Places {
  readonly workspaceFolder: string | undefined;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * A setting that names a program; undefined when it is empty. `~`, `${userHome}`, `${workspaceFolder}` and
 * `${env:NAME}` are replaced. A relative path is taken from the workspace folder; a bare name is left to the PATH.
 */
export function commandSetting(value: unknown, places: Places): string | undefined {
  const expanded = expandedSetting(value, places);
  const isBareName = expanded !== undefined && !/[\\/]/.test(expanded);
  return isBareName ? expanded : fromWorkspaceFolder(expanded, places);
}

/** A setting that names a file or a folder: as `commandSetting`, but a bare name too is taken from the workspace folder. */
export function pathSetting(value: unknown, places: Places): string | undefined {
  return fromWorkspaceFolder(expandedSetting(value, places), places);
}

function expandedSetting(value: unknown, places: Places): string | undefined {
  if (typeof value !== "string" || value.trim() === "") {
    return undefined;
  }
  return value
    .trim()
    .replace(/^~(?=$|[\\/])/, () => places.home)
    .replaceAll("${userHome}", () => places.home)
    .replaceAll("${workspaceFolder}", () => places.workspaceFolder ?? "")
    .replace(/\$\{env:([^}]+)\}/g, (_, name: string) => places.env[name] ?? "");
}

function fromWorkspaceFolder(given: string | undefined, places: Places): string | undefined {
  const complete = given === undefined || path.isAbsolute(given) || places.workspaceFolder === undefined;
  return complete ? given : path.join(places.workspaceFolder, given);
}
