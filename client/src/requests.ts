/** Commands of the server that are about a document. */
import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import type { Session } from "./session";

/** Sends a command about the active document or notebook; undefined, and the user is told, where there is none, or no server. */
export async function ask(session: Session, command: string, ...rest: readonly unknown[]): Promise<unknown> {
  const uri = vscode.window.activeNotebookEditor?.notebook.uri ?? vscode.window.activeTextEditor?.document.uri;
  return askAbout(uri, session, command, ...rest);
}

/** Sends a command about the document `uri`; undefined, and the user is told, where there is none, or no server. */
export async function askAbout(
  uri: vscode.Uri | undefined,
  session: Session,
  command: string,
  ...rest: readonly unknown[]
): Promise<unknown> {
  const client = session.running;
  if (uri === undefined || client === undefined) {
    void vscode.window.showWarningMessage(`Dry Debug: ${uri === undefined ? "no file is open" : "the server is not running"}.`);
    return undefined;
  }
  const parameters = { command, arguments: [client.code2ProtocolConverter.asUri(uri), ...rest] };
  const answer: unknown = await client.sendRequest(ExecuteCommandRequest.type, parameters);
  return answer;
}
