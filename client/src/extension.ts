/** Entry point: wires settings, commands and status to the one server session. */
import * as vscode from "vscode";
import { registerCommands } from "./commands";
import { watchInterpreter } from "./environments";
import { Session } from "./session";
import { LAUNCH_SETTINGS } from "./settings";
import { Status } from "./status";

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("Dry Debug", { log: true });
  const status = new Status({ language: "python" });
  const current = new Session(context, log, status);
  session = current;
  context.subscriptions.push(
    log,
    status,
    vscode.workspace.onDidChangeConfiguration((event) => {
      // The other settings are the server's: it has asked to be told of a change, and then asks for the values.
      if (LAUNCH_SETTINGS.some((key) => event.affectsConfiguration(`dryDebug.${key}`))) {
        void current.restart();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void current.restart()),
  );
  registerCommands(context, current, log);
  await current.restart();
  // It may run the server, and its packages are those that the code uses.
  await watchInterpreter(() => void current.restart(), context.subscriptions).catch((error: unknown) => log.warn(`no news of the selected interpreter: ${String(error)}`));
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
