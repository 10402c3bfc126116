/** The life of the server: start, restart, stop, and what the user sees of it. */
import * as vscode from "vscode";
import { State as ClientState, type LanguageClient } from "vscode-languageclient/node";
import { createClient } from "./client";
import { coalesce } from "./coalesce";
import { findLaunch, NoInterpreter, type Launch } from "./launch";
import type { Status } from "./status";

export class Session {
  /** Stops the server if it runs and starts it if it is enabled; calls that come together are one restart. */
  readonly restart: () => Promise<void>;

  private client: LanguageClient | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    private readonly status: Status,
  ) {
    this.restart = coalesce(() => this.startAnew());
  }

  /** The client of the running server. */
  get running(): LanguageClient | undefined {
    return this.client?.state === ClientState.Running ? this.client : undefined;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    try {
      await client?.dispose();
    } catch (error) {
      this.log.warn(`the server did not stop in order: ${String(error)}`);
    }
  }

  private async startAnew(): Promise<void> {
    await this.stop();
    if (!vscode.workspace.getConfiguration("dryDebug").get<boolean>("enable", true)) {
      this.status.show({ kind: "off" });
      return;
    }
    this.status.show({ kind: "starting" });
    try {
      const launch = await findLaunch(this.context, this.log);
      this.log.info(`starting ${[launch.command, ...launch.args].join(" ")} --stdio`);
      this.client = createClient(launch, this.log);
      this.follow(this.client, launch);
      await this.client.start();
    } catch (error) {
      await this.fail(error);
    }
  }

  /** The client starts a server that has died by itself, up to four times in three minutes; the status follows. */
  private follow(client: LanguageClient, launch: Launch): void {
    client.onDidChangeState(({ newState }) => {
      if (client !== this.client) {
        return;
      }
      if (newState === ClientState.Running) {
        const version = client.initializeResult?.serverInfo?.version ?? "";
        this.status.show({ kind: "ready", version, title: launch.title, limitation: launch.limitation });
      } else if (newState === ClientState.Starting) {
        this.status.show({ kind: "starting" });
      } else {
        this.status.show({ kind: "failed", message: "the server has stopped" });
      }
    });
  }

  private async fail(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    await this.stop();
    this.log.error(message);
    this.status.show({ kind: "failed", message });
    const choose = "Choose Interpreter";
    const show = "Show Logs";
    const buttons = error instanceof NoInterpreter ? [choose, show] : [show];
    const text = error instanceof NoInterpreter ? message : `Dry Debug could not start: ${message}`;
    // Not awaited: the next restart must not wait until the user answers.
    void vscode.window.showErrorMessage(text, ...buttons).then((button) => {
      if (button === choose) {
        return vscode.commands.executeCommand("workbench.action.openSettings", "dryDebug.interpreter");
      }
      return button === show ? vscode.commands.executeCommand("dryDebug.showLogs") : undefined;
    });
  }
}
