/** What the command palette offers. */
import { existsSync } from "node:fs";
import * as path from "node:path";
import * as vscode from "vscode";
import { SHOW_REPORT } from "./client";
import { Panel } from "./panel";
import { setInstructions, showReport } from "./report";
import { ask, askAbout } from "./requests";
import { whereToLook } from "./route";
import { rulePages, type RulePage } from "./rules";
import type { Session } from "./session";

export function registerCommands(context: vscode.ExtensionContext, session: Session, log: vscode.LogOutputChannel): void {
  const pages = context.asAbsolutePath(path.join("bundled", "libs", "dry_debug_rules"));
  const why = new Panel("dry-debug-why", "Why (not) here", "plain");
  const look = new Panel("dry-debug-route", "Where to look", "markdown");
  const report = new Panel("dry-debug-report", "Dry Debug report", "markdown");
  context.subscriptions.push(
    why,
    look,
    report,
    vscode.commands.registerCommand("dryDebug.restart", () => session.restart()),
    vscode.commands.registerCommand("dryDebug.showLogs", () => log.show()),
    vscode.commands.registerCommand("dryDebug.checkFile", () => checkFile(session)),
    vscode.commands.registerCommand("dryDebug.explainHere", () => explainHere(session, why)),
    vscode.commands.registerCommand("dryDebug.whereToLook", (text?: unknown) => whereToLook(session, look, text)),
    vscode.commands.registerCommand(SHOW_REPORT, (uri?: unknown) => showReport(session, report, uri)),
    vscode.commands.registerCommand("dryDebug.enterInstructions", (text?: unknown) => setInstructions(session, text)),
    vscode.commands.registerCommand("dryDebug.showRule", (rule?: unknown) => showRule(pages, rule)),
  );
}

/** Has the server check the active document as it stands in the editor, saved or not. */
async function checkFile(session: Session): Promise<void> {
  await ask(session, "dryDebug.checkDocument");
}

/** Shows why something is, or is not, reported at the cursor: what `dry-debug explain` says. */
async function explainHere(session: Session, panel: Panel): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const answer = await askAbout(editor?.document.uri, session, "dryDebug.explain", editor?.selection.active.line);
  if (answer !== undefined) {
    await panel.show(typeof answer === "string" ? answer : "Dry Debug does not check this file.\n");
  }
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
