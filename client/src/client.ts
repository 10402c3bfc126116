/** The language client for one server process. */
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, TransportKind, type ConfigurationItem, type ServerOptions } from "vscode-languageclient/node";
import { selectedInterpreters } from "./environments";
import { places, type Launch } from "./launch";
import { serverSettings, type ServerSettings } from "./settings";

/** The command of this extension that shows the report on the document given by its URI. */
export const SHOW_REPORT = "dryDebug.showReport";

/** The files that the server looks at, and the cells of notebooks of any kind. */
const DOCUMENTS = [
  { scheme: "file", language: "python" },
  { scheme: "untitled", language: "python" },
  { notebook: "*", language: "python" },
];

function settingsFor(resource?: vscode.Uri, selected?: string): ServerSettings {
  return serverSettings(vscode.workspace.getConfiguration("dryDebug", resource ?? null), places(resource), selected);
}

/** The settings for each item that asks for ours, null for the others. */
async function answers(items: readonly ConfigurationItem[], log: vscode.LogOutputChannel): Promise<(ServerSettings | null)[]> {
  return Promise.all(
    items.map(async ({ section, scopeUri }) => {
      if (section !== "dryDebug") {
        return null;
      }
      const resource = scopeUri === undefined ? undefined : vscode.Uri.parse(scopeUri);
      return settingsFor(resource, (await selectedInterpreters(resource, log))[0]);
    }),
  );
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
          return answers(params.items, log);
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
