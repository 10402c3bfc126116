/** What the command palette offers. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { ExecuteCommandRequest } from "vscode-languageclient/node";
import { Preview } from "./preview";
import { setInstructions, showReport } from "./report";
import { whereToLook } from "./route";
import { rulePages, type RulePage } from "./rules";
import type { Session } from "./session";

export function registerCommands(context: vscode.ExtensionContext, session: Session, log: vscode.LogOutputChannel): void {
  const pages = context.asAbsolutePath(path.join("bundled", "libs", "dry_debug_rules"));
  const told = new Told();
  const look = new Preview("dry-debug-route", "Where to look");
  const report = new Preview("dry-debug-report", "Dry Debug report");
  context.subscriptions.push(
    told,
    look,
    report,
    vscode.commands.registerCommand("dryDebug.restart", () => session.restart()),
    vscode.commands.registerCommand("dryDebug.showLogs", () => log.show()),
    vscode.commands.registerCommand("dryDebug.checkFile", () => checkFile(session)),
    vscode.commands.registerCommand("dryDebug.explainHere", () => explainHere(session, told)),
    vscode.workspace.registerTextDocumentContentProvider(TOLD, told),
    vscode.commands.registerCommand("dryDebug.whereToLook", (text?: unknown) => whereToLook(session, look, text)),
    vscode.commands.registerCommand("dryDebug.showReport", () => showReport(session, report)),
    vscode.commands.registerCommand("dryDebug.enterInstructions", (text?: unknown) => setInstructions(session, text)),
    vscode.commands.registerCommand("dryDebug.showRule", (rule?: unknown) => showRule(pages, rule)),
  );
}

/** Has the server check the active document as it stands in the editor, saved or not. */
async function checkFile(session: Session): Promise<void> {
  const uri = vscode.window.activeNotebookEditor?.notebook.uri ?? vscode.window.activeTextEditor?.document.uri;
  if (uri === undefined) {
    void vscode.window.showInformationMessage("Dry Debug: no file is open.");
    return;
  }
  const client = session.running;
  if (client === undefined) {
    void vscode.window.showWarningMessage("Dry Debug: the server is not running.");
    return;
  }
  const argument = client.code2ProtocolConverter.asUri(uri);
  await client.sendRequest(ExecuteCommandRequest.type, { command: "dryDebug.checkDocument", arguments: [argument] });
}

const TOLD = "dry-debug-why";

/** Holds the last explanation as a document that asks nobody to save it. */
class Told implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly uri = vscode.Uri.from({ scheme: TOLD, path: "Why (not) here" });
  private text = "";
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(text: string): Promise<void> {
    this.text = text;
    this.changed.fire(this.uri);
    await vscode.window.showTextDocument(this.uri, { preview: true, preserveFocus: true, viewColumn: vscode.ViewColumn.Beside });
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** Shows why something is, or is not, reported at the cursor: what `dry-debug explain` says. */
async function explainHere(session: Session, told: Told): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const client = session.running;
  if (editor === undefined || client === undefined) {
    void vscode.window.showWarningMessage(`Dry Debug: ${editor === undefined ? "no file is open" : "the server is not running"}.`);
    return;
  }
  const uri = client.code2ProtocolConverter.asUri(editor.document.uri);
  const parameters = { command: "dryDebug.explain", arguments: [uri, editor.selection.active.line] };
  const text: unknown = await client.sendRequest(ExecuteCommandRequest.type, parameters);
  await told.show(typeof text === "string" ? text : "Dry Debug does not check this file.\n");
}

/** Opens the page of `rule`; without one, that of the finding at the cursor; without a finding, the one picked from a list. */
async function showRule(root: string, rule: unknown): Promise<void> {
  const pages = existsSync(root) ? rulePages(root) : [];
  const page = typeof rule === "string" ? pages.find((known) => known.rule === rule)?.file : await chosenPage(pages);
  if (page !== undefined) {
    await vscode.commands.executeCommand("markdown.showPreview", vscode.Uri.file(page));
  } else if (typeof rule === "string") {
    void vscode.window.showInformationMessage(`Dry Debug: there is no page for ${rule}.`);
  }
}

async function chosenPage(pages: readonly RulePage[]): Promise<string | undefined> {
  const atCursor = pagesAtCursor();
  return atCursor.length === 1 ? atCursor[0] : pick(pages, atCursor);
}

/** Page files of our findings at the cursor. */
function pagesAtCursor(): string[] {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) {
    return [];
  }
  const files = vscode.languages
    .getDiagnostics(editor.document.uri)
    .filter((diagnostic) => diagnostic.range.contains(editor.selection.active))
    .flatMap(({ code }) => (typeof code === "object" && code.target.path.endsWith(".md") ? [code.target.fsPath] : []));
  return [...new Set(files)];
}

async function pick(pages: readonly RulePage[], first: readonly string[]): Promise<string | undefined> {
  const ranked = [...pages].sort((a, b) => Number(first.includes(b.file)) - Number(first.includes(a.file)));
  const items = ranked.map(({ rule, family, file }) => ({ label: rule, description: family, file }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Rule" }))?.file;
}
