/** "Report" and "Set Instructions": the server does the work, this asks for texts and shows its answers. */
import * as vscode from "vscode";
import { atHand } from "./given";
import type { Panel } from "./panel";
import { ask, askAbout } from "./requests";
import type { Session } from "./session";

/** Shows the four-part report on the document `given` by its URI, else on the active one. */
export async function showReport(session: Session, panel: Panel, given?: unknown): Promise<void> {
  const command = "dryDebug.report";
  const uri = typeof given === "string" ? vscode.Uri.parse(given) : undefined;
  const answer = await (uri === undefined ? ask(session, command, "markdown") : askAbout(uri, session, command, "markdown"));
  if (answer !== undefined) {
    await panel.show(typeof answer === "string" ? answer : "Dry Debug does not check this file.\n");
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

/** What the code was asked to do: the selection, the clipboard, or (an empty text) the file itself to write in. */
async function instructions(): Promise<string | undefined> {
  const sources = await atHand((text) => text.trim().split("\n", 1)[0] ?? "");
  const open = { label: "$(edit) Write them...", detail: ".dry-debug/instructions.md", text: "" };
  return (await vscode.window.showQuickPick([...sources, open], { placeHolder: "What was asked for?" }))?.text;
}

interface Stored {
  readonly path: unknown;
  readonly offerIgnore: unknown;
  readonly error: unknown;
}

function isStored(answer: unknown): answer is Stored {
  return typeof answer === "object" && answer !== null && "path" in answer && "offerIgnore" in answer && "error" in answer;
}
