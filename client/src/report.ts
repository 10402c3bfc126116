/** "Report" and "Set Instructions": the server does the work, this asks for texts and shows its answers. */
import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import type { Preview } from "./preview";
import type { Session } from "./session";

/** Shows the four-part report on the active document. */
export async function showReport(session: Session, preview: Preview): Promise<void> {
  const answer = await ask(session, "dryDebug.report", "markdown");
  if (answer !== undefined) {
    await preview.show(typeof answer === "string" ? answer : "Dry Debug does not check this file.\n");
  }
}

/** Stores `given`, or what the user picks, as the instructions of the active document's project. */
export async function setInstructions(session: Session, given: unknown): Promise<void> {
  const text = typeof given === "string" ? given : await instructions();
  if (text === undefined) {
    return;
  }
  const answer = await ask(session, "dryDebug.setInstructions", text);
  if (!isStored(answer)) {
    return;
  }
  if (typeof answer.path !== "string") {
    void vscode.window.showErrorMessage(`Dry Debug: the instructions could not be written: ${String(answer.error)}`);
    return;
  }
  if (text === "") {
    await vscode.window.showTextDocument(vscode.Uri.file(answer.path), { viewColumn: vscode.ViewColumn.Beside });
  }
  if (answer.offerIgnore === true) {
    void offerIgnore(session);
  }
}

async function offerIgnore(session: Session): Promise<void> {
  const add = "Add to .gitignore";
  const question = "Dry Debug: the instructions are stored in .dry-debug/instructions.md. Keep them out of git?";
  if ((await vscode.window.showInformationMessage(question, add, "Leave It")) === add) {
    const wrong = await ask(session, "dryDebug.ignoreInstructions");
    if (typeof wrong === "string") {
      void vscode.window.showErrorMessage(`Dry Debug: .gitignore could not be changed: ${wrong}`);
    }
  }
}

interface Source extends vscode.QuickPickItem {
  readonly text: string;
}

/** What the code was asked to do: the selection, the clipboard, or (an empty text) the file itself to write in. */
async function instructions(): Promise<string | undefined> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? "";
  const copied = await vscode.env.clipboard.readText();
  const sources: Source[] = [
    { label: "$(clippy) What is on the clipboard", text: copied },
    { label: "$(selection) The selected text", text: selected },
  ]
    .filter(({ text }) => text.trim() !== "")
    .map((source) => ({ ...source, detail: source.text.trim().split("\n", 1)[0]?.slice(0, 120) ?? "" }));
  const open: Source = { label: "$(edit) Write them...", detail: ".dry-debug/instructions.md", text: "" };
  return (await vscode.window.showQuickPick([...sources, open], { placeHolder: "What was asked for?" }))?.text;
}

/** Sends a command about the active document; undefined where there is none, or no server. */
async function ask(session: Session, command: string, ...rest: readonly unknown[]): Promise<unknown> {
  const uri = vscode.window.activeNotebookEditor?.notebook.uri ?? vscode.window.activeTextEditor?.document.uri;
  const client = session.running;
  if (uri === undefined || client === undefined) {
    void vscode.window.showWarningMessage(`Dry Debug: ${uri === undefined ? "no file is open" : "the server is not running"}.`);
    return undefined;
  }
  const parameters = { command, arguments: [client.code2ProtocolConverter.asUri(uri), ...rest] };
  const answer: unknown = await client.sendRequest(ExecuteCommandRequest.type, parameters);
  return answer;
}

interface Stored {
  readonly path: unknown;
  readonly offerIgnore: unknown;
  readonly error: unknown;
}

function isStored(answer: unknown): answer is Stored {
  return typeof answer === "object" && answer !== null && "path" in answer && "offerIgnore" in answer && "error" in answer;
}
