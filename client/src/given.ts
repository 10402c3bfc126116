/** Texts of several lines that a user has at hand; an input box takes one line only. */
import * as vscode from "vscode";

export interface Given extends vscode.QuickPickItem {
  readonly text: string;
}

/** What is selected and what is on the clipboard, if it is anything, as entries of a list; `detail` tells of a text what to show. */
export async function atHand(detail: (text: string) => string): Promise<Given[]> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? "";
  const copied = await vscode.env.clipboard.readText();
  return [
    { label: "$(selection) The selected text", text: selected },
    { label: "$(clippy) What is on the clipboard", text: copied },
  ]
    .filter(({ text }) => text.trim() !== "")
    .map((given) => ({ ...given, detail: detail(given.text).trim().slice(0, 120) }));
}
