/** Markdown that the server has written, shown as a preview beside the editor; nobody is asked to save it. */
import * as vscode from "vscode";

export class Preview implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly uri: vscode.Uri;
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration: vscode.Disposable;
  private text = "";
  readonly onDidChange = this.changed.event;

  /** `scheme` is of this preview alone; `title` is what its tab says. */
  constructor(scheme: string, title: string) {
    this.uri = vscode.Uri.from({ scheme, path: `${title}.md` });
    this.registration = vscode.workspace.registerTextDocumentContentProvider(scheme, this);
  }

  provideTextDocumentContent(): string {
    return this.text;
  }

  async show(markdown: string): Promise<void> {
    this.text = markdown;
    this.changed.fire(this.uri);
    await vscode.commands.executeCommand("markdown.showPreviewToSide", this.uri);
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}
