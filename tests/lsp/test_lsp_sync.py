"""The server's copy of a document stays the editor's, whatever characters it holds."""

import random
from pathlib import Path

import pytest
from dry_debug.lsp.pygls_patches import Buffer
from lsprotocol import types
from pygls.workspace import PositionCodec

from tests.lsp.editor import editor, position_of
from tests.lsp.snippets import BUGGY, LOAD, RULE, USE

# Characters at which `str.splitlines` ends a line and the protocol does not.
NO_LINE_ENDS = ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("character", NO_LINE_ENDS, ids=lambda char: f"U+{ord(char):04X}")
async def test_edit_below_a_character_that_ends_no_line(character: str, tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, f"import torch\n# {character}\ny = 2\n{USE}\n")
        await one.diagnostics(uri)
        # With a phantom line in the count, the edit overwrites a line end, and the text does not parse any more.
        one.replace(uri, "y = 2", "Y = 3")
        (found,) = await one.checked(uri)
        assert found.code == RULE
        assert one.text_at(uri, found.range) == LOAD


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_many_random_edits_leave_both_sides_with_one_text(encoding: str) -> None:
    chance = random.Random(f"dry-debug {encoding}")
    pieces = ["\n", "\r\n", "\r", "\f", "\u2028", "😀", "é", "# x", "\t", "a = 1", ""]
    text = BUGGY
    buffer = Buffer("file:///tmp/a.py", source=text, version=1, position_codec=PositionCodec(encoding))
    for _ in range(600):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 0, 1, 3, 9]))
        # An editor never sends a position between the two halves of a CRLF.
        start, end = (at - 1 if text[max(0, at - 1) : at + 1] == "\r\n" else at for at in (start, end))
        end = max(start, end)
        place = types.Range(position_of(text, start, encoding), position_of(text, end, encoding))
        new = chance.choice(pieces)
        buffer.apply_change(types.TextDocumentContentChangePartial(place, new))
        text = text[:start] + new + text[end:]
        assert buffer.source == text
        assert "".join(buffer.lines) == text


@pytest.mark.parametrize("text", ["x = 1", "x = '😀'", "", "a\n", "a\r\n"])
def test_positions_past_the_end_mean_the_end(text: str) -> None:
    for far in (types.Position(0, 900), types.Position(7, 0), types.Position(7, 5)):
        buffer = Buffer("file:///tmp/a.py", source=text, version=1, position_codec=PositionCodec("utf-16"))
        buffer.apply_change(types.TextDocumentContentChangePartial(types.Range(far, far), "# end"))
        ended = text.rstrip("\r\n") if far.line == 0 else text
        assert buffer.source == ended + "# end" + text[len(ended) :]


async def test_several_edits_in_one_message_are_made_one_after_the_other(tmp_path: Path) -> None:
    uri = (tmp_path / "a.py").as_uri()
    async with editor() as one:
        one.open(uri, "import torch\n")
        await one.diagnostics(uri)
        changes = [
            types.TextDocumentContentChangePartial(types.Range(types.Position(1, 0), types.Position(1, 0)), "y = ()\n"),
            types.TextDocumentContentChangePartial(types.Range(types.Position(1, 0), types.Position(1, 6)), USE),
        ]
        document = types.VersionedTextDocumentIdentifier(2, uri)
        one.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))
        one.texts[uri], one.versions[uri] = f"import torch\n{USE}\n", 2
        (found,) = await one.checked(uri)
        assert one.text_at(uri, found.range) == LOAD
