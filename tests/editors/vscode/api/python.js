// What Dry Debug asks Microsoft's Python extension (`PythonExtension.environments`), and `select` for the tests.
"use strict";

const vscode = require("vscode");

let selected;
const changed = new vscode.EventEmitter();

module.exports = {
  activate: () => ({
    environments: {
      getActiveEnvironmentPath: () => (selected === undefined ? undefined : { path: selected }),
      resolveEnvironment: async ({ path }) => ({ executable: { uri: vscode.Uri.file(path) } }),
      onDidChangeActiveEnvironmentPath: changed.event,
    },
    select(path) {
      selected = path;
      changed.fire({ path });
    },
  }),
};
