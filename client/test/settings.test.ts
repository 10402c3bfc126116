import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commandSetting, pathSetting, LAUNCH_SETTINGS, serverSettings, SERVER_SETTINGS, type Inspection, type SettingsReader } from "../src/settings";

const PLACES = { workspaceFolder: "/ws", home: "/home/u", env: { CONDA_PREFIX: "/opt/conda" } };

function reader(values: Record<string, unknown>, inspections: Record<string, Inspection>): SettingsReader {
  return { get: (key) => values[key], inspect: (key) => inspections[key] };
}

test("a setting that nobody has set is not sent", () => {
  assert.deepEqual(serverSettings(reader({ run: "onSave", preview: false }, { run: {}, preview: {} }), PLACES), {});
});

test("a setting is sent wherever it has been set, also when it equals the default", () => {
  const values = { preview: false, hover: false, ignore: ["CKPT"] };
  const sent = serverSettings(
    reader(values, {
      preview: { workspaceValue: false },
      hover: { globalValue: false },
      ignore: { workspaceFolderLanguageValue: ["CKPT"] },
    }),
    PLACES,
  );
  assert.deepEqual(sent, values);
});

test("null means not set", () => {
  assert.deepEqual(serverSettings(reader({ select: null }, { select: { globalValue: null } }), PLACES), {});
});

test("an empty list is a value", () => {
  assert.deepEqual(serverSettings(reader({ select: [] }, { select: { globalValue: [] } }), PLACES), { select: [] });
});

test("the value sent is the effective one, merged over the places where it is set", () => {
  const merged = { a: "warning", b: "critical" };
  const inspections = { severity: { globalValue: { a: "warning" }, workspaceValue: { b: "critical" } } };
  assert.deepEqual(serverSettings(reader({ severity: merged }, inspections), PLACES), { severity: merged });
});

test("a program setting may use the home folder, the workspace folder and the environment", () => {
  assert.equal(commandSetting(" ~/bin/python ", PLACES), "/home/u/bin/python");
  assert.equal(commandSetting("${userHome}/bin/python", PLACES), "/home/u/bin/python");
  assert.equal(commandSetting("${workspaceFolder}/.venv/bin/python", PLACES), "/ws/.venv/bin/python");
  assert.equal(commandSetting("${env:CONDA_PREFIX}/bin/python", PLACES), "/opt/conda/bin/python");
});

test("a relative program path starts at the workspace folder and a bare name is left to the PATH", () => {
  assert.equal(commandSetting(".venv/bin/python", PLACES), "/ws/.venv/bin/python");
  assert.equal(commandSetting("python3.12", PLACES), "python3.12");
});

test("a path setting starts at the workspace folder, also as a bare name", () => {
  assert.equal(pathSetting("venv", PLACES), "/ws/venv");
  assert.equal(pathSetting("~/envs/torch", PLACES), "/home/u/envs/torch");
  assert.equal(pathSetting("/opt/conda/bin/python", PLACES), "/opt/conda/bin/python");
  assert.equal(pathSetting(" ", PLACES), undefined);
});

test("an environment is sent as a path, and what a Python extension has selected beside it", () => {
  const set = reader({ environment: "venv" }, { environment: { workspaceValue: "venv" } });
  assert.deepEqual(serverSettings(set, PLACES, "/usr/bin/python3"), {
    environment: "/ws/venv",
    selectedInterpreter: "/usr/bin/python3",
  });
  const empty = reader({ environment: "" }, { environment: { workspaceValue: "" } });
  assert.deepEqual(serverSettings(empty, PLACES), {});
});

test("a program setting that is empty or not text is none", () => {
  for (const value of ["", "  ", undefined, null, 3]) {
    assert.equal(commandSetting(value, PLACES), undefined);
  }
});

test("every setting of the manifest is known to the code and the other way round", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    contributes: { configuration: { properties: Record<string, unknown> } };
  };
  const declared = Object.keys(manifest.contributes.configuration.properties).sort();
  // The client library reads `trace.server` by itself.
  const used = [...SERVER_SETTINGS, ...LAUNCH_SETTINGS, "trace.server"].map((key) => `dryDebug.${key}`).sort();
  assert.deepEqual(declared, used);
});

test("settings that choose a program are restricted in a workspace that is not trusted", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] } };
  };
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, "limited");
  assert.deepEqual(restrictedConfigurations, ["dryDebug.interpreter", "dryDebug.path"]);
});
