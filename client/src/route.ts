/** "Where Do I Look?": the text of a symptom to the server, its answer into a panel. */
import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import { atHand } from "./given";
import type { Panel } from "./panel";
import type { Session } from "./session";

/** Routes `given`; without it, what the user has selected, has copied, or types. */
export async function whereToLook(session: Session, panel: Panel, given: unknown): Promise<void> {
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
    await panel.show(answer);
  }
}

/** A traceback has many lines: it comes from the selection or the clipboard. */
async function symptom(): Promise<string | undefined> {
  const sources = await atHand(lastLine);
  const typed = { label: "$(edit) Type it...", detail: "an error message, or what you see", text: undefined };
  const chosen = sources.length === 0 ? typed : await vscode.window.showQuickPick([...sources, typed], { placeHolder: "What went wrong?" });
  if (chosen === undefined || chosen.text !== undefined) {
    return chosen?.text;
  }
  return vscode.window.showInputBox({ prompt: "An error message, or what you see", placeHolder: "loss is nan after 300 steps" });
}

/** Of a traceback the last line says most. */
function lastLine(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.at(-1) ?? "";
}
