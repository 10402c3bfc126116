"""A newer check of a document takes the place of an older one."""

from pathlib import Path

import pytest
from dry_debug.lint import engine
from dry_debug.lint.settings import Settings
from dry_debug.text.document import Document

from tests.lsp.editor import editor
from tests.lsp.snippets import BUGGY, FIXED, RULE

# Long enough to be at work still when the next message arrives.
PADDING = "\n".join(f"def f{number}(a, b=({number}, [])):\n    return [a * x for x in b]\n" for number in range(6000))


async def test_newer_save_cancels_the_older_one(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, "")
        await one.diagnostics(uri)
        one.set_text(uri, BUGGY + PADDING)
        one.save(uri)
        one.set_text(uri, FIXED + "\n" + PADDING)
        one.save(uri)
        # What is published next is of the second text: the first was given up.
        assert await one.diagnostics(uri, 1) == ()
        await one.settle(uri)
        assert one.heard() == 2


async def test_closing_cancels_a_check_at_work(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY + PADDING)
        one.close(uri)
        one.open(uri, BUGGY)
        found = await one.diagnostics(uri)
        assert one.rules(found) == [RULE]
        await one.settle(uri)
        assert one.heard() == 1


def test_analysis_stops_between_two_rules() -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return True

    with pytest.raises(engine.Cancelled):
        engine.analyse(Document.from_text(BUGGY), None, Settings(), cancelled=cancelled)
    assert asked == 1
