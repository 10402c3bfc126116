/** The language client for one server process. */
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, TransportKind, type ServerOptions } from "vscode-languageclient/node";
import type { Launch } from "./launch";
import { serverSettings, type ServerSettings } from "./settings";

/** The command of this extension that shows the report on the document given by its URI. */
export const SHOW_REPORT = "dryDebug.showReport";

/** The files that the server looks at, and the cells of notebooks of any kind. */
const DOCUMENTS = [
  { scheme: "file", language: "python" },
  { scheme: "untitled", language: "python" },
  { notebook: "*", language: "python" },
];

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
  const client = new LanguageClient("dryDebug", "Dry Debug", server, {
    documentSelector: DOCUMENTS,
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
  // VS Code's hover shows the diagnostic itself: the server leaves out what would stand there twice. A code lens opens
  // the report.
  client.registerFeature({
    fillClientCapabilities: (capabilities) => {
      capabilities.experimental = {
        ...(capabilities.experimental as object | undefined),
        diagnosticsInHover: true,
        reportCommand: SHOW_REPORT,
      };
    },
    initialize: () => undefined,
    getState: () => ({ kind: "static" }),
    clear: () => undefined,
  });
  return client;
}
