/** Text that the server has written, shown beside the editor; nobody is asked to save it. */
import * as vscode from "vscode";
import { openable } from "./links";

export type Form = "markdown" | "plain";

export class Panel implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly uri: vscode.Uri;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration: vscode.Disposable;
  private text = "";
  readonly onDidChange = this.changed.event;

  /** `scheme` is of this panel alone; `title` is what its tab says; Markdown is shown as a preview. */
  constructor(
    scheme: string,
    title: string,
    private readonly form: Form,
  ) {
    this.uri = vscode.Uri.from({ scheme, path: form === "markdown" ? `${title}.md` : title });
    this.registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(text: string): Promise<void> {
    this.text = this.form === "markdown" ? openable(text, vscode.workspace.workspaceFolders?.[0]?.uri.fsPath) : text;
    this.changed.fire(this.uri);
    if (this.form === "markdown") {
      await vscode.commands.executeCommand("markdown.showPreviewToSide", this.uri);
    } else {
      await vscode.window.showTextDocument(this.uri, { preview: true, preserveFocus: true, viewColumn: vscode.ViewColumn.Beside });
    }
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
