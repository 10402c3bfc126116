"""Commands that a client may send."""

from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from tests.lsp.editor import editor
from tests.lsp.snippets import BUGGY, CLEAN, RULE, USE


async def test_check_document_checks_the_buffer_without_a_save(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, CLEAN)
        await one.diagnostics(uri)
        one.replace(uri, "print(model)", USE)
        await one.command("dryDebug.checkDocument", uri)
        # The answer comes after the diagnostics.
        assert one.heard() == 2
        assert one.rules(one.published[-1].diagnostics) == [RULE]


async def test_check_document_of_a_file_that_is_not_open_does_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BUGGY)
    async with editor(root=tmp_path) as one:
        await one.command("dryDebug.checkDocument", path.as_uri())
        assert one.published == []


async def test_unknown_command_is_an_error() -> None:
    async with editor() as one:
        with pytest.raises(JsonRpcException):
            await one.command("dryDebug.nonsense")
