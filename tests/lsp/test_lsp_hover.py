"""Hover: the explanation inside a finding, null everywhere else."""

from pathlib import Path

from lsprotocol import types

from tests.lsp.editor import editor
from tests.lsp.snippets import BROKEN, BUGGY, FIXED_LOAD, LOAD, RULE, USE


def value(hover: types.Hover | None) -> str:
    assert hover is not None and isinstance(hover.contents, types.MarkupContent)
    return hover.contents.value


async def test_explains_inside_the_finding_and_says_nothing_outside(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        place = one.range_of(uri, LOAD)
        inside = types.Position(place.start.line, place.start.character + 3)
        hover = await one.hover(uri, inside)
        assert hover is not None and hover.range == found.range
        assert isinstance(hover.contents, types.MarkupContent)
        assert hover.contents.kind == types.MarkupKind.Markdown
        headline, why = found.message.split("\n")[:2]
        assert headline in hover.contents.value and why in hover.contents.value and RULE in hover.contents.value
        for offset in (0, BUGGY.index(USE), len(BUGGY)):
            assert await one.hover(uri, one.position(uri, offset)) is None


async def test_is_brief_where_the_editor_shows_the_diagnostic_in_its_hover(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(changes={"experimental": {"diagnosticsInHover": True}}) as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        text = value(await one.hover(uri, found.range.start))
        headline, why = found.message.split("\n")[:2]
        assert headline not in text and why not in text
        assert "Fix:" in text and RULE in text


async def test_plain_text_for_a_client_that_takes_no_markdown(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    for formats in (["plaintext"], None):
        async with editor("bare", changes={"textDocument.hover": {"contentFormat": formats}}) as one:
            one.open(uri, BUGGY)
            (found,) = await one.diagnostics(uri)
            hover = await one.hover(uri, found.range.start)
            assert hover is not None and isinstance(hover.contents, types.MarkupContent)
            assert hover.contents.kind == types.MarkupKind.PlainText
            assert hover.contents.value.startswith(found.message.split("\n")[0])
            assert "**" not in hover.contents.value


async def test_off_when_the_user_wants_none(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor(settings={"hover": False}) as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        assert await one.hover(uri, found.range.start) is None


async def test_follows_the_finding_through_unsaved_edits(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        (found,) = await one.diagnostics(uri)
        one.replace(uri, "import torch\n", "import torch\n\n\n")
        assert await one.hover(uri, found.range.start) is None
        moved = one.range_of(uri, LOAD)
        hover = await one.hover(uri, moved.start)
        assert hover is not None and hover.range == moved
        one.replace(uri, LOAD, FIXED_LOAD)
        assert await one.hover(uri, moved.start) is None


async def test_explains_what_stays_on_screen_while_the_text_does_not_parse(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, BUGGY)
        await one.diagnostics(uri)
        one.set_text(uri, BROKEN)
        error, kept = await one.checked(uri)
        assert "syntax-error" in value(await one.hover(uri, error.range.start))
        assert RULE in value(await one.hover(uri, kept.range.start))
