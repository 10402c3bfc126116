/** "Where Do I Look?": the text of a symptom to the server, its answer into a preview. */
import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import type { Preview } from "./preview";
import type { Session } from "./session";

/** Routes `given`; without it, what the user has selected, has copied, or types. */
export async function whereToLook(session: Session, preview: Preview, given: unknown): Promise<void> {
  const client = session.running;
  if (client === undefined) {
    void vscode.window.showWarningMessage("Dry Debug: the server is not running.");
    return;
  }
  const text = typeof given === "string" ? given : await symptom();
  if (text === undefined || text.trim() === "") {
    return;
  }
  const answer: unknown = await client.sendRequest(ExecuteCommandRequest.type, { command: "dryDebug.route", arguments: [text] });
  if (typeof answer === "string") {
    await preview.show(answer);
  }
}

interface Source extends vscode.QuickPickItem {
  readonly text?: string;
}

/** An input box takes one line only, and a traceback has many: so it comes from the selection or the clipboard. */
async function symptom(): Promise<string | undefined> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? "";
  const copied = await vscode.env.clipboard.readText();
  const sources: Source[] = [
    { label: "$(selection) The selected text", text: selected },
    { label: "$(clippy) What is on the clipboard", text: copied },
  ]
    .filter(({ text }) => text.trim() !== "")
    .map((source) => ({ ...source, detail: lastLine(source.text) }));
  const typed: Source = { label: "$(edit) Type it...", detail: "an error message, or what you see" };
  const chosen = sources.length === 0 ? typed : await vscode.window.showQuickPick([...sources, typed], { placeHolder: "What went wrong?" });
  if (chosen === undefined || chosen.text !== undefined) {
    return chosen?.text;
  }
  return vscode.window.showInputBox({ prompt: "An error message, or what you see", placeHolder: "loss is nan after 300 steps" });
}

/** Of a traceback the last line says most. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return (lines.at(-1) ?? "").trim().slice(0, 120);
}
