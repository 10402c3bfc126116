"""Settings: from the start, on request, pushed, from files; reloaded while the server runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dry_debug import records
from dry_debug.lint.settings import Settings, camel_case
from dry_debug.lsp.options import CLIENT_ONLY
from lsprotocol import types

from tests.lsp.editor import REPOSITORY, Editor, editor
from tests.lsp.snippets import BUGGY, RULE

OFF = {"severity": {RULE: "off"}}
NO_PULL = {"workspace.configuration": False}


def changed(one: Editor, settings: Mapping[str, Any] | None) -> None:
    params = types.DidChangeConfigurationParams(settings)
    one.client.workspace_did_change_configuration(params)


def disk(one: Editor, path: Path) -> None:
    event = types.FileEvent(path.as_uri(), types.FileChangeType.Changed)
    one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))


async def test_from_initialization_options(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(settings=OFF) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri) == ()


async def test_asked_of_the_client_before_the_first_check(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(configuration=OFF) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri) == ()


async def test_each_folder_s_answer_holds_in_that_folder(tmp_path: Path) -> None:
    (tmp_path / "quiet").mkdir()
    async with editor(root=tmp_path / "quiet", configuration={}) as one:
        one.client.set_configuration({"dryDebug": OFF}, scope_uri=(tmp_path / "quiet").as_uri())
        changed(one, None)
        inside, outside = (tmp_path / "quiet/a.py").as_uri(), (tmp_path / "b.py").as_uri()
        one.open(outside, BUGGY)
        assert one.rules(await one.diagnostics(outside)) == [RULE]
        one.open(inside, BUGGY)
        assert await one.diagnostics(inside) == ()


async def test_live_reload_by_asking_again(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(configuration={}) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri)
        assert "workspace/didChangeConfiguration" in [registration.method for registration in one.registered]
        one.client.set_configuration({"dryDebug": OFF})
        changed(one, None)
        assert await one.diagnostics(uri, 1) == ()
        one.client.set_configuration({"dryDebug": {"severity": {RULE: "suggestion"}}})
        changed(one, None)
        (found,) = await one.diagnostics(uri, 2)
        assert found.severity == types.DiagnosticSeverity.Information


async def test_live_reload_from_what_is_pushed(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(changes=NO_PULL) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri)
        changed(one, {"dryDebug": OFF})
        assert await one.diagnostics(uri, 1) == ()
        changed(one, {})
        assert await one.diagnostics(uri, 2)


async def test_same_settings_again_check_nothing_again(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(configuration={}) as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        changed(one, None)
        await one.settle(uri)
        await one.settle(uri)
        assert one.heard() == 1


async def test_project_s_file_applies_under_the_editor_s_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[tool.dry-debug]\nignore = ["{RULE}"]\n')
    uri = (tmp_path / "a.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri) == ()
    async with editor(root=tmp_path, settings={"ignore": []}) as one:
        one.open(uri, BUGGY)
        assert one.rules(await one.diagnostics(uri)) == [RULE]


async def test_per_file_ignores_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "dry-debug.toml").write_text(f'[per-file-ignores]\n"scripts/" = ["{RULE}"]\n')
    quiet, loud = (tmp_path / "scripts/a.py").as_uri(), (tmp_path / "a.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(quiet, BUGGY)
        assert await one.diagnostics(quiet) == ()
        one.open(loud, BUGGY)
        assert one.rules(await one.diagnostics(loud)) == [RULE]


async def test_baseline_of_the_project_hides_what_it_lists(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
    known = {"version": 1, "files": {"a.py": {found.data["fingerprint"]: RULE}}}
    (tmp_path / "known.json").write_text(json.dumps(known))
    (tmp_path / "dry-debug.toml").write_text('baseline = "known.json"\n')
    async with editor(root=tmp_path) as one:
        one.open(uri, BUGGY + f"{BUGGY.splitlines()[-1]}  # once more\n")
        assert len(await one.diagnostics(uri)) == 1


async def test_live_reload_of_the_project_s_file(tmp_path: Path) -> None:
    uri, config = (tmp_path / "a.py").as_uri(), tmp_path / "pyproject.toml"
    async with editor(root=tmp_path) as one:
        one.open(uri, BUGGY)
        assert await one.diagnostics(uri)
        watched = next(registration for registration in one.registered if "Watched" in registration.method)
        globs = [watcher["globPattern"] for watcher in watched.register_options["watchers"]]
        configs = "**/*.{yaml,yml,json,toml,ini,cfg,conf}"
        assert globs[:4] == ["**/dry-debug.toml", "**/pyproject.toml", "**/*.py", configs]
        assert "**/INSTRUCTIONS.md" in globs and "**/README.md" in globs  # what is asked for may stand there
        config.write_text(f'[tool.dry-debug]\nignore = ["{RULE}"]\n')
        disk(one, config)
        assert await one.diagnostics(uri, 1) == ()
        config.unlink()
        disk(one, config)
        assert await one.diagnostics(uri, 2)


async def test_nothing_is_registered_with_a_client_that_does_not_let_it(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor("neovim") as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        assert one.registered == []


async def test_bad_options_are_named_in_one_warning_and_the_defaults_are_used(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    given = {"run": "sometimes", "selct": ["ALL"], "preview": "yes", "hover": None, "trace": {"server": "off"}}
    async with editor(settings=given) as one:
        one.open(uri, BUGGY)
        assert one.rules(await one.diagnostics(uri)) == [RULE]
        (warning,) = one.client.messages
        assert warning.type == types.MessageType.Warning
        assert all(f"'{key}'" in warning.message for key in ("run", "selct", "preview"))
        assert "hover" not in warning.message and "trace" not in warning.message


async def test_settings_that_are_no_object_are_named_too(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(changes=NO_PULL) as one:
        changed(one, {"dryDebug": ["x"]})
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        assert len(one.client.messages) == 1


async def test_bad_value_in_the_project_s_file_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.dry-debug]\nmin-confidence = "very"\n')
    async with editor(root=tmp_path) as one:
        for name in ("a.py", "b.py"):
            uri = (tmp_path / name).as_uri()
            one.open(uri, BUGGY)
            assert one.rules(await one.diagnostics(uri)) == [RULE]
        (warning,) = one.client.messages
        assert "pyproject.toml:2" in warning.message and "min-confidence" in warning.message


# By its use `Ranger` is probably an optimizer; who looks into the package that it comes from knows it.
TRAINING = """
import torch
from mylib import Ranger

model = torch.nn.Linear(3, 1)
optimizer = Ranger(model.parameters())
for x, y in torch.utils.data.DataLoader([]):
    loss = (model(x) - y).mean()
    loss.backward()
    optimizer.step()
"""


def installed(home: Path) -> str:
    packages = home / "lib" / "python3.12" / "site-packages"
    (packages / "mylib").mkdir(parents=True)
    (packages / "mylib" / "__init__.py").write_text("import torch\nclass Ranger(torch.optim.Optimizer): ...\n", "utf-8")
    (packages / "mylib-1.0.dist-info").mkdir()
    (packages / "mylib-1.0.dist-info" / "METADATA").write_text("Name: mylib\nRequires-Dist: torch\n", "utf-8")
    return str(home)


def severities(found: Sequence[types.Diagnostic]) -> list[types.DiagnosticSeverity | None]:
    return [diagnostic.severity for diagnostic in found]


async def test_the_interpreter_selected_in_the_editor_says_which_packages_are_meant(tmp_path: Path) -> None:
    home, uri = installed(tmp_path / "conda"), (tmp_path / "project" / "a.py").as_uri()
    for settings in ({}, {"selectedInterpreter": str(tmp_path / "absent" / "bin" / "python")}):
        async with editor(configuration=settings) as one:
            one.open(uri, TRAINING)
            assert severities(await one.diagnostics(uri)) == [types.DiagnosticSeverity.Warning]
            assert one.client.messages == []  # nobody has set that path
    async with editor(configuration={"selectedInterpreter": home + "/bin/python"}) as one:
        one.open(uri, TRAINING)
        assert severities(await one.diagnostics(uri)) == [types.DiagnosticSeverity.Error]


async def test_the_environment_that_is_set_comes_before_the_selected_interpreter(tmp_path: Path) -> None:
    home, other = installed(tmp_path / "conda"), tmp_path / "other"
    (other / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    root = tmp_path / "project"
    root.mkdir()
    (root / "dry-debug.toml").write_text('environment = "../other"\n', "utf-8")
    uri = (root / "a.py").as_uri()
    async with editor(root=root, configuration={"selectedInterpreter": home + "/bin/python"}) as one:
        one.open(uri, TRAINING)
        assert severities(await one.diagnostics(uri)) == [types.DiagnosticSeverity.Warning]
    async with editor(root=root, configuration={"environment": "../conda"}) as one:
        one.open(uri, TRAINING)
        assert severities(await one.diagnostics(uri)) == [types.DiagnosticSeverity.Error]


async def test_an_environment_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(root=tmp_path, configuration={"environment": "gone"}) as one:
        one.open(uri, BUGGY)
        assert one.rules(await one.diagnostics(uri)) == [RULE]
        (message,) = one.client.messages
        assert f"'environment': there are no installed packages in {tmp_path / 'gone'}" in message.message


def test_every_setting_of_the_extension_is_read_by_the_server_or_is_the_client_s_own() -> None:
    package = json.loads((REPOSITORY / "package.json").read_text("utf-8"))
    keys = {key.split(".")[1] for key in package["contributes"]["configuration"]["properties"]}
    assert keys <= {camel_case(item.name) for item in records.fields(Settings)} | CLIENT_ONLY
