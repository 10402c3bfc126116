"""Code lenses: what the code sets although the instructions do not ask for it, quietly above its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.lsp.editor import editor

CODE = """import torch
from torch.utils.data import DataLoader


def train(model, data):
    note = "é🔥"; optimizer = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.01)
    for batch in DataLoader(data, batch_size=16):
        optimizer.zero_grad()
        model(batch).mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
"""
ASKED = "# Run\n\n- AdamW, lr 2e-4\n- batch size 16\n"
REFRESH: dict[str, Any] = {"workspace.codeLens": {"refreshSupport": True}}
NO_REFRESH: dict[str, Any] = {"workspace.codeLens": {"refreshSupport": False}}


def project(folder: Path, asked: str | None = ASKED, code: str = CODE) -> str:
    """A script, with instructions beside it; the URI of the script."""
    path = folder / "train.py"
    path.write_text(code)
    if asked is not None:
        (folder / "INSTRUCTIONS.md").write_text(asked)
    return path.as_uri()


def titles(lenses: Any) -> list[str]:
    return [lens.command.title for lens in lenses]


async def test_a_lens_names_what_was_not_asked_for(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        # Asked at once, as editors do: the first check is waited for.
        lenses = await one.lenses(uri)
        assert titles(lenses) == [
            "not in INSTRUCTIONS.md: weight_decay 0.01",
            "not in INSTRUCTIONS.md: max_grad_norm 1.0",
        ]
        assert [one.text_at(uri, lens.range) for lens in lenses] == ["0.01", "1.0"]
        assert not one.published[-1].diagnostics


@pytest.mark.parametrize("profile", ["vscode", "neovim", "emacs", "bare"])
async def test_positions_are_in_the_clients_units(profile: str, tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(profile, root=tmp_path) as one:
        one.open(uri, CODE)
        assert [one.text_at(uri, lens.range) for lens in await one.lenses(uri)] == ["0.01", "1.0"]


async def test_values_of_one_line_are_one_lens(tmp_path: Path) -> None:
    uri = project(tmp_path, "- 3 epochs, seed 7\n")
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        first = titles(await one.lenses(uri))[0]
        assert first == "not in INSTRUCTIONS.md: optimizer AdamW, learning_rate 2e-4, weight_decay 0.01"


@pytest.mark.parametrize("asked", [None, "Nothing about numbers here, only that the code is to be tidy.\n"])
async def test_without_instructions_there_is_no_lens(asked: str | None, tmp_path: Path) -> None:
    uri = project(tmp_path, asked)
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        assert not await one.lenses(uri)


async def test_a_readme_or_a_comment_is_no_reason_for_lenses(tmp_path: Path) -> None:
    code = "# as asked: lr 2e-4\n" + CODE
    uri = project(tmp_path, None, code)
    (tmp_path / "README.md").write_text("# Instructions\n\n- batch size 16\n")
    async with editor(root=tmp_path) as one:
        one.open(uri, code)
        assert not await one.lenses(uri)


async def test_a_deviation_is_a_diagnostic_and_no_lens(tmp_path: Path) -> None:
    uri = project(tmp_path, ASKED + "- weight decay 0.1\n")
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        assert titles(await one.lenses(uri)) == ["not in INSTRUCTIONS.md: max_grad_norm 1.0"]
        assert [str(d.code) for d in one.published[-1].diagnostics] == ["hyperparameter-deviation"]


@pytest.mark.parametrize("how", ["editor", "project"])
async def test_they_can_be_switched_off(how: str, tmp_path: Path) -> None:
    uri = project(tmp_path)
    if how == "project":
        (tmp_path / "dry-debug.toml").write_text("code-lens = false\n")
    async with editor(root=tmp_path, settings={"codeLens": False} if how == "editor" else None) as one:
        one.open(uri, CODE)
        assert not await one.lenses(uri)


async def test_switching_them_off_takes_them_away(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(root=tmp_path, changes=REFRESH, configuration={}) as one:
        one.open(uri, CODE)
        assert await one.lenses(uri)
        one.client.set_configuration({"dryDebug": {"codeLens": False}})
        one.client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))
        await one.refreshed(0)
        assert not await one.lenses(uri)


async def test_the_client_asks_again_when_the_instructions_have_changed(tmp_path: Path) -> None:
    uri = project(tmp_path)
    file = tmp_path / "INSTRUCTIONS.md"
    async with editor(root=tmp_path, changes=REFRESH) as one:
        one.open(uri, CODE)
        assert len(await one.lenses(uri)) == 2
        one.save(uri)
        await one.settle(uri)
        for text, kind, left in (
            (ASKED + "- clip gradients at 1.0\n", types.FileChangeType.Changed, ["weight_decay 0.01"]),
            (None, types.FileChangeType.Deleted, []),
            (ASKED, types.FileChangeType.Created, ["weight_decay 0.01", "max_grad_norm 1.0"]),
        ):
            before = one.refreshes
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
            changes = [types.FileEvent(file.as_uri(), kind)]
            one.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes))
            await one.refreshed(before)
            assert titles(await one.lenses(uri)) == [f"not in INSTRUCTIONS.md: {what}" for what in left]
        assert one.refreshes == 3  # and never when nothing has changed


async def test_a_client_that_cannot_refresh_is_not_told_to(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(root=tmp_path, changes=NO_REFRESH) as one:
        one.open(uri, CODE)
        assert len(await one.lenses(uri)) == 2
        await one.command("dryDebug.setInstructions", uri, "seed 3\n")
        assert one.refreshes == 0
        assert len(await one.lenses(uri)) == 2  # INSTRUCTIONS.md lies nearer


async def test_stored_instructions_bring_lenses(tmp_path: Path) -> None:
    uri = project(tmp_path, None)
    async with editor(root=tmp_path, changes=REFRESH) as one:
        one.open(uri, CODE)
        assert not await one.lenses(uri)
        await one.command("dryDebug.setInstructions", uri, "AdamW, lr 2e-4, batch size 16\n")
        await one.refreshed(0)
        assert titles(await one.lenses(uri))[0] == "not in instructions.md: weight_decay 0.01"


async def test_lenses_follow_the_text_and_stay_while_it_does_not_parse(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        assert len(await one.lenses(uri)) == 2
        one.replace(uri, "weight_decay=0.01", "weight_decay=0.05")
        assert titles(await one.lenses(uri))[0] == "not in INSTRUCTIONS.md: weight_decay 0.05"
        one.replace(uri, "        optimizer.step()\n", "        optimizer.step(\n")
        assert [one.text_at(uri, lens.range) for lens in await one.lenses(uri)] == ["0.05", "1.0"]


async def test_choosing_a_lens_shows_the_report_where_the_client_can(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor(root=tmp_path, changes={"experimental": {"reportCommand": "dryDebug.showReport"}}) as one:
        one.open(uri, CODE)
        command = (await one.lenses(uri))[0].command
        assert command is not None
        assert (command.command, list(command.arguments or ())) == ("dryDebug.showReport", [uri])


async def test_choosing_a_lens_is_no_error_elsewhere(tmp_path: Path) -> None:
    uri = project(tmp_path)
    async with editor("neovim", root=tmp_path) as one:
        one.open(uri, CODE)
        command = (await one.lenses(uri))[0].command
        assert command is not None
        assert one.result is not None
        provider = one.result.capabilities.execute_command_provider
        assert provider is not None
        assert command.command in provider.commands
        assert await one.command(command.command, *(command.arguments or ())) is None


async def test_a_lens_of_a_notebook_stands_in_its_cell(tmp_path: Path) -> None:
    (tmp_path / "INSTRUCTIONS.md").write_text(ASKED)
    path = tmp_path / "train.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    head, body = CODE.split("\n\n\n")
    async with editor(root=tmp_path) as one:
        cells = [(f"{path.as_uri()}#{n}", text) for n, text in enumerate((head, body))]
        for uri, text in cells:
            one.texts[uri], one.versions[uri] = text, 1
        one.client.notebook_document_did_open(
            types.DidOpenNotebookDocumentParams(
                types.NotebookDocument(
                    path.as_uri(),
                    "jupyter-notebook",
                    1,
                    [types.NotebookCell(types.NotebookCellKind.Code, uri) for uri, _ in cells],
                ),
                [types.TextDocumentItem(uri, "python", 1, text) for uri, text in cells],
            )
        )
        assert not await one.lenses(cells[0][0])
        lenses = await one.lenses(cells[1][0])
        assert [one.text_at(cells[1][0], lens.range) for lens in lenses] == ["0.01", "1.0"]


async def test_a_file_that_is_not_checked_has_none_and_is_answered_at_once(tmp_path: Path) -> None:
    uri = project(tmp_path)
    (tmp_path / "dry-debug.toml").write_text('exclude = ["train.py"]\n')
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        assert not await one.lenses(uri)
        assert not await one.lenses((tmp_path / "other.py").as_uri())
