"""What was asked for, in the editor: deviations on save, their fix, the report, and the command that stores it."""

import json
import re
from pathlib import Path

from lsprotocol import types

from tests.cli.command import dry_debug
from tests.lsp.editor import editor

LINK = re.compile(r"\[([^\]]+)\]\(file:[^)]*\)")
CODE = """import torch
from torch.utils.data import DataLoader


def build(model, data):
    loader = DataLoader(data, batch_size=32)
    return loader, torch.optim.AdamW(model.parameters(), lr=2e-4)
"""


def deviations(published: list[types.PublishDiagnosticsParams]) -> list[types.Diagnostic]:
    return [d for d in published[-1].diagnostics if str(d.code).startswith("SPEC") or "deviation" in str(d.code)]


async def test_a_deviation_is_shown_on_save_with_the_line_that_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(CODE.replace("32", "16"))
    spec = tmp_path / "INSTRUCTIONS.md"
    spec.write_text("# Run\n\n- batch size 16\n- lr 2e-4\n")
    uri = path.as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE.replace("32", "16"))
        await one.diagnostics(uri)
        assert deviations(one.published) == []
        one.replace(uri, "batch_size=16", "batch_size=32")
        await one.checked(uri)
        (found,) = deviations(one.published)
        assert found.message.startswith("batch size is 32, but INSTRUCTIONS.md line 3 asks for 16")
        assert found.severity == types.DiagnosticSeverity.Error
        assert found.range.start.line == 5
        (related,) = found.related_information or []
        assert related.location.uri == spec.as_uri()
        assert related.location.range.start.line == 2
        assert "batch size 16" in related.message


async def test_the_fix_puts_the_asked_value_in_place(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    (tmp_path / "TASK.md").write_text("batch size 16\n")
    uri = path.as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        await one.diagnostics(uri)
        (found,) = deviations(one.published)
        actions = await one.actions(uri, found.range, [found])
        titles = [action.title for action in actions]
        fix = next(action for action in actions if action.title.startswith("Use what was asked for, 16"))
        one.apply((fix if fix.edit is not None else await one.resolve(fix)).edit)
        assert "batch_size=16" in one.texts[uri], titles


async def test_the_report_is_that_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    (tmp_path / "SPEC.md").write_text("batch size 16, seed 3\n")
    uri = path.as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        await one.diagnostics(uri)
        told = await one.command("dryDebug.report", uri, "markdown")
        data = await one.command("dryDebug.report", uri, "json")
        page = await one.command("dryDebug.report", uri, "html")
    done = dry_debug("report", "train.py", "--format", "markdown", cwd=tmp_path)
    assert done.returncode == 1
    assert LINK.sub(r"\1", told) == done.stdout.decode()
    assert f"**Line:** [train.py:6]({uri}#L6)" in told
    assert f"batch_size = 16 ([SPEC.md:1]({(tmp_path / 'SPEC.md').as_uri()}#L1))" in told
    assert "CRITICAL ERROR #1: Batch Size Mismatch" in told
    assert json.loads(data)["summary"]["critical"] == 1
    assert page.startswith("<!DOCTYPE html>")


async def test_the_report_on_what_is_not_open_is_nothing(tmp_path: Path) -> None:
    async with editor(root=tmp_path) as one:
        assert await one.command("dryDebug.report", (tmp_path / "a.py").as_uri(), "markdown") is None


async def test_instructions_are_stored_and_count_at_once(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(CODE)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.pt")
    uri = path.as_uri()
    async with editor(root=tmp_path) as one:
        one.open(uri, CODE)
        await one.diagnostics(uri)
        assert deviations(one.published) == []
        answer = await one.command("dryDebug.setInstructions", uri, "batch size 16\n")
        stored = tmp_path / ".dry-debug" / "instructions.md"
        assert answer == {"path": str(stored), "offerIgnore": True, "error": None}
        assert stored.read_text() == "batch size 16\n"
        (found,) = deviations(one.published)
        assert "instructions.md line 1 asks for 16" in found.message
        assert await one.command("dryDebug.ignoreInstructions", uri) is None
        assert (tmp_path / ".gitignore").read_text() == "*.pt\n.dry-debug/instructions.md\n"
        again = await one.command("dryDebug.setInstructions", uri, "")
        assert again["offerIgnore"] is False
        assert stored.read_text() == "batch size 16\n"
