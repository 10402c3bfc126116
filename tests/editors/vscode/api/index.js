// Runs inside VS Code's extension host. Each check prints one line that ../api_checks.py reads.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");

const RULE = "unmapped-checkpoint-load";
const FIX = /map_location/;
const BUG = 'print("🔥"); nn.Linear(4, 2).load_state_dict(torch.load("best.pt"))';
const FIXED = 'print("🔥"); nn.Linear(4, 2).load_state_dict(torch.load("best.pt", map_location="cpu"))';
const UNSAVED = 'torch.nn.Linear(4, 2).load_state_dict(torch.load("a.pt"))\n';
// By its use `Ranger` is probably an optimizer; who looks into the package that it comes from knows it.
const TRAINING = `import torch
from mylib import Ranger

model = torch.nn.Linear(3, 1)
optimizer = Ranger(model.parameters())
for x, y in torch.utils.data.DataLoader([]):
    loss = (model(x) - y).mean()
    loss.backward()
    optimizer.step()
`;
// How long "nothing appears" is watched; a finding comes within half a second of what brings it.
const WATCH_MS = 2500;

// When this fails, there is no server, or none that finds anything, and the rest would only wait for it.
const GROUNDWORK = "api: findings are there when a file is opened";
const CHECK_MS = 90_000;

const folder = () => vscode.workspace.workspaceFolders[0].uri;
const fileUri = (name) => vscode.Uri.joinPath(folder(), name);
const ours = (uri) => vscode.languages.getDiagnostics(uri).filter((d) => d.source === "Dry Debug");
const ruleOf = (d) => String(typeof d.code === "object" ? d.code.value : d.code);
const findings = (uri, rule = RULE) => ours(uri).filter((d) => ruleOf(d) === rule);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, ask, timeout = 20_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const answer = await ask();
    if (answer) {
      return answer;
    }
    if (Date.now() > end) {
      assert.fail(`not within ${timeout / 1000} s: ${what} (last seen: ${JSON.stringify(answer)})`);
    }
    await sleep(50);
  }
}

async function open(name) {
  const document = await vscode.workspace.openTextDocument(fileUri(name));
  return vscode.window.showTextDocument(document);
}

async function append(editor, text) {
  const end = editor.document.lineAt(editor.document.lineCount - 1).range.end;
  assert.ok(await editor.edit((edit) => edit.insert(end, text)));
}

async function create(name, text) {
  fs.writeFileSync(fileUri(name).fsPath, text);
  return open(name);
}

/** An environment in the workspace, as far as it is read. */
function install(name) {
  const packages = path.join(fileUri(name).fsPath, "lib", "python3.12", "site-packages");
  for (const [file, text] of [
    ["mylib/__init__.py", "import torch\nclass Ranger(torch.optim.Optimizer): ...\n"],
    ["mylib-1.0.dist-info/METADATA", "Name: mylib\nRequires-Dist: torch\n"],
  ]) {
    fs.mkdirSync(path.dirname(path.join(packages, file)), { recursive: true });
    fs.writeFileSync(path.join(packages, file), text);
  }
}

/** The fixes offered at the last `torch.load` of the document as it now stands. */
async function fixesIn(document) {
  const position = document.positionAt(document.getText().lastIndexOf("torch.load"));
  const range = new vscode.Range(position, position);
  const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, range);
  return actions.filter((action) => FIX.test(action.title) && action.edit !== undefined);
}

async function setting(key, value) {
  await vscode.workspace.getConfiguration("dryDebug").update(key, value, vscode.ConfigurationTarget.Workspace);
}

const PRESSED = "CUDA out of memory after 40 batches, the demo is in an hour, just give me the quick fix";

const checks = {
  "api: the extension is installed and active once a Python file is open": async () => {
    await open("train.py");
    const extension = vscode.extensions.getExtension("dry-debug.dry-debug");
    assert.ok(extension, "not installed");
    await until("the extension to be active", () => extension.isActive);
  },

  "api: findings are there when a file is opened": async () => {
    const [finding] = await until("a finding", () => {
      const found = findings(fileUri("train.py"));
      return found.length > 0 && found;
    }, 60_000);
    const text = vscode.window.activeTextEditor.document.getText(finding.range);
    assert.match(text, /torch\.load/);
  },

  "api: the code of a finding leads to its rule's page": async () => {
    const [finding] = findings(fileUri("train.py"));
    assert.equal(typeof finding.code, "object");
    assert.match(finding.code.target.path, /\.md$/);
    assert.ok(fs.existsSync(finding.code.target.fsPath), `${finding.code.target} is not there`);
  },

  "api: typing a mistake gives no finding, the save does": async () => {
    const editor = await open("resume.py");
    await append(editor, BUG);
    const end = Date.now() + WATCH_MS;
    while (Date.now() < end) {
      assert.equal(ours(editor.document.uri).length, 0, "a finding before the save");
      await sleep(50);
    }
    assert.ok(await editor.document.save());
    await until("a finding", () => findings(editor.document.uri).length === 1);
  },

  "api: the finding's range is exact behind an emoji": async () => {
    const { document } = vscode.window.activeTextEditor;
    const [finding] = findings(document.uri);
    assert.ok(document.getText(finding.range).startsWith("torch.load"), document.getText(finding.range));
  },

  "api: the hover explains the finding": async () => {
    const { document } = vscode.window.activeTextEditor;
    const [finding] = findings(document.uri);
    const hovers = await vscode.commands.executeCommand("vscode.executeHoverProvider", document.uri, finding.range.start);
    const text = hovers.flatMap((hover) => hover.contents.map((content) => content.value ?? content)).join("\n");
    assert.ok(text.includes(RULE), text);
  },

  "api: the quick fix is right although the buffer has changed since the check": async () => {
    const editor = vscode.window.activeTextEditor;
    assert.ok(await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), "# moved\n\n")));
    const [fix] = await until("a fix", async () => {
      const fixes = await fixesIn(editor.document);
      return fixes.length > 0 && fixes;
    });
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    assert.ok(editor.document.getText().trimEnd().endsWith(FIXED), editor.document.getText().slice(-120));
    assert.ok(await editor.document.save());
    await until("no finding", () => findings(editor.document.uri).length === 0);
  },

  "api: the command checks a file that is not saved": async () => {
    const editor = await create("unsaved.py", "import torch\n");
    await append(editor, UNSAVED);
    await vscode.commands.executeCommand("dryDebug.checkFile");
    await until("a finding", () => findings(editor.document.uri).length === 1);
    assert.ok(editor.document.isDirty);
    await editor.document.save();
  },

  "api: a changed setting works at once, and its removal too": async () => {
    const uri = fileUri("unsaved.py");
    await setting("ignore", [RULE]);
    await until("no finding", () => findings(uri).length === 0);
    await setting("ignore", undefined);
    await until("the finding again", () => findings(uri).length === 1);
  },

  "api: the severity of a rule follows the setting": async () => {
    const uri = fileUri("unsaved.py");
    const severity = () => findings(uri)[0]?.severity;
    await setting("severity", { [RULE]: "suggestion" });
    await until("information", () => severity() === vscode.DiagnosticSeverity.Information);
    await setting("severity", { [RULE]: "critical" });
    await until("an error", () => severity() === vscode.DiagnosticSeverity.Error);
    await setting("severity", undefined);
  },

  "api: with onType a mistake is found without a save": async () => {
    await setting("run", "onType");
    const editor = await create("typed.py", "import torch\n");
    await append(editor, UNSAVED);
    await until("a finding", () => findings(editor.document.uri).length === 1);
    assert.ok(editor.document.isDirty);
    await editor.document.save();
    await setting("run", undefined);
  },

  "api: switched off there are no findings, switched on they are back": async () => {
    const uri = fileUri("unsaved.py");
    await open("unsaved.py");
    await setting("enable", false);
    await until("no finding", () => ours(uri).length === 0);
    await setting("enable", undefined);
    await until("the finding again", () => findings(uri).length === 1);
  },

  "api: findings come back after a restart": async () => {
    const uri = fileUri("unsaved.py");
    await open("unsaved.py");
    await vscode.commands.executeCommand("dryDebug.restart");
    await until("the finding again", () => findings(uri).length === 1);
  },

  "api: a wrong interpreter is reported, and the right one starts again": async () => {
    const uri = fileUri("unsaved.py");
    await open("unsaved.py");
    await setting("interpreter", "/no/such/python");
    await until("no finding", () => ours(uri).length === 0);
    await setting("interpreter", undefined);
    await until("the finding again", () => findings(uri).length === 1);
  },

  "api: the environment that is set says which packages the code uses": async () => {
    install("envs/torch");
    const { document } = await create("ranger.py", TRAINING);
    const severity = () => findings(document.uri, "uncleared-gradients")[0]?.severity;
    await until("a warning", () => severity() === vscode.DiagnosticSeverity.Warning);
    await setting("environment", "envs/torch");
    await until("an error", () => severity() === vscode.DiagnosticSeverity.Error);
    await setting("environment", undefined);
    await until("a warning again", () => severity() === vscode.DiagnosticSeverity.Warning);
  },

  "api: so does the interpreter that is selected in the Python extension": async () => {
    const { document } = await open("ranger.py");
    const severity = () => findings(document.uri, "uncleared-gradients")[0]?.severity;
    const python = vscode.extensions.getExtension("ms-python.python").exports;
    python.select(fileUri("envs/torch/bin/python").fsPath);
    await until("an error", () => severity() === vscode.DiagnosticSeverity.Error);
    python.select(undefined);
    await until("a warning", () => severity() === vscode.DiagnosticSeverity.Warning);
  },

  "api: a notebook cell has its finding and its fix": async () => {
    const notebook = await vscode.workspace.openNotebookDocument(fileUri("notebook.ipynb"));
    await vscode.window.showNotebookDocument(notebook);
    const cell = notebook.getCells().find(({ kind }) => kind === vscode.NotebookCellKind.Code);
    const { document } = cell;
    await until("a finding", () => findings(document.uri).length === 1);
    const [fix] = await fixesIn(document);
    assert.ok(fix, "no fix");
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    assert.match(document.getText(), /torch\.load\("best\.pt", map_location="cpu"\)/);
    assert.ok(await notebook.save());
    await until("no finding", () => findings(document.uri).length === 0);
    assert.ok(fs.readFileSync(fileUri("notebook.ipynb").fsPath, "utf8").includes("map_location"));
  },

  "api: the page of a rule is shown": async () => {
    await vscode.commands.executeCommand("dryDebug.showRule", RULE);
    const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
    await until("a preview of the page", () => tabs().some((label) => label.includes(`${RULE.replaceAll("-", "_")}.md`)));
  },

  "api: Where Do I Look routes a symptom into a preview": async () => {
    await open("train.py");
    await vscode.commands.executeCommand("dryDebug.whereToLook", PRESSED);
    const tabs = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
    await until("the preview", () => tabs().some((label) => label.includes("Where to look")));
    const uri = vscode.Uri.from({ scheme: "dry-debug-route", path: "Where to look.md" });
    const text = (await vscode.workspace.openTextDocument(uri)).getText();
    assert.match(text, /## 1\. tensor-operations-and-memory/);
    assert.match(text, /On the pressure \(time\)/);
  },
};

async function run() {
  let failed = 0;
  for (const [name, body] of Object.entries(checks)) {
    const started = Date.now();
    let problem = null;
    try {
      await Promise.race([body(), sleep(CHECK_MS).then(() => assert.fail(`not done within ${CHECK_MS / 1000} s`))]);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      failed += 1;
    }
    console.log(`CHECK ${JSON.stringify({ name, seconds: (Date.now() - started) / 1000, problem })}`);
    if (problem !== null && name === GROUNDWORK) {
      break;
    }
  }
  if (failed > 0) {
    throw new Error(`${failed} checks failed in ${path.basename(folder().fsPath)}`);
  }
}

module.exports = { run };
