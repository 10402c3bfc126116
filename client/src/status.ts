/** The item in the language status of Python files. */
import * as vscode from "vscode";

export type State =
  | { readonly kind: "starting" }
  | { readonly kind: "ready"; readonly version: string; readonly title: string; readonly limitation: string | undefined }
  | { readonly kind: "off" }
  | { readonly kind: "failed"; readonly message: string };

export class Status implements vscode.Disposable {
  private readonly item: vscode.LanguageStatusItem;

  constructor(selector: vscode.DocumentSelector) {
    this.item = vscode.languages.createLanguageStatusItem("dryDebug.status", selector);
    this.item.name = "Dry Debug";
    this.item.command = { command: "dryDebug.showLogs", title: "Show Logs" };
    this.show({ kind: "starting" });
  }

  show(state: State): void {
    const { item } = this;
    item.busy = state.kind === "starting";
    item.severity = vscode.LanguageStatusSeverity.Information;
    switch (state.kind) {
      case "starting":
        item.text = "Dry Debug";
        item.detail = "starting";
        break;
      case "ready":
        item.text = `Dry Debug ${state.version}`.trimEnd();
        item.detail = state.limitation ?? state.title;
        if (state.limitation !== undefined) {
          item.severity = vscode.LanguageStatusSeverity.Warning;
        }
        break;
      case "off":
        item.text = "Dry Debug";
        item.detail = "off (dryDebug.enable)";
        break;
      case "failed":
        item.text = "Dry Debug";
        item.detail = state.message;
        item.severity = vscode.LanguageStatusSeverity.Error;
        break;
    }
  }

  dispose(): void {
    this.item.dispose();
  }
}
