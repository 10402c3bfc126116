/** The language client for one server process. */
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, TransportKind, type ServerOptions } from "vscode-languageclient/node";
import type { Launch } from "./launch";
import { serverSettings, type ServerSettings } from "./settings";

/** The files that the server looks at. A notebook's cells are matched by the kind of notebook: any. */
export const FILES: vscode.DocumentFilter[] = [
  { scheme: "file", language: "python" },
  { scheme: "untitled", language: "python" },
];

const CELLS = { notebook: "*", language: "python" };

function settingsFor(resource?: vscode.Uri): ServerSettings {
  return serverSettings(vscode.workspace.getConfiguration("dryDebug", resource ?? null));
}

export function createClient(launch: Launch, log: vscode.LogOutputChannel): LanguageClient {
  const server: ServerOptions = {
    command: launch.command,
    args: [...launch.args],
    transport: TransportKind.stdio,
    options: { cwd: launch.cwd },
  };
  return new LanguageClient("dryDebug", "Dry Debug", server, {
    documentSelector: [...FILES.map(({ scheme, language }) => ({ scheme: scheme ?? "file", language: language ?? "python" })), CELLS],
    outputChannel: log,
    traceOutputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: () => ({ settings: settingsFor() }),
    middleware: {
      workspace: {
        configuration: (params, token, next) => {
          if (params.items.every((item) => item.section !== "dryDebug")) {
            return next(params, token);
          }
          return params.items.map((item) =>
            item.section === "dryDebug" ? settingsFor(item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri)) : null,
          );
        },
      },
    },
  });
}
