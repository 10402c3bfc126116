"""Positions: three encodings, and text in which lines and columns are easily counted wrong."""

from pathlib import Path

import pytest

from tests.lsp.editor import editor
from tests.lsp.snippets import FIXED_LOAD, LOAD, RULE

TEXTS = {
    "ascii": f"import torch\nx = {LOAD}\n",
    "emoji before": f"import torch\ns = '😀é\U0001f469\u200d\U0001f4bb'; x = {LOAD}; t = '😀'\n",
    "combining marks": f"import torch\ne\u0301 = 'e\u0301'; x = {LOAD}\n",
    "crlf": f"import torch\r\n# 😀\r\nx = {LOAD}\r\n",
    "cr": f"import torch\r# 😀\rx = {LOAD}\r",
    "tabs": f"import torch\nif True:\n\t\tx =\t{LOAD}\n",
    "byte order mark": f"\ufeffimport torch; x = {LOAD}\n",
    "form feed": f"import torch\n\x0c\nx = {LOAD}\n",
    "form feed inside a line": f"import torch\n\x0cs = '\x0c'; x = {LOAD}\n",
    "line separator": f"import torch\ns = '\u2028\u2029'; x = {LOAD}\n",
    "next line": f"import torch\ns = '\x85\x0b\x1c'  # \u2028\nx = {LOAD}\n",
    "no final line end": f"import torch\n# é😀\nx = {LOAD}",
}

encodings = pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])


@encodings
async def test_finding_and_fix_stand_where_the_client_counts_them(encoding: str, tmp_path: Path) -> None:
    async with editor("vscode", changes={"general.positionEncodings": [encoding]}) as one:
        assert one.encoding == encoding
        for number, (name, text) in enumerate(TEXTS.items()):
            uri = (tmp_path / f"{number}.py").as_uri()
            one.open(uri, text)
            (found,) = await one.diagnostics(uri)
            assert found.code == RULE, name
            assert one.text_at(uri, found.range) == LOAD, name
            hover = await one.hover(uri, found.range.start)
            assert hover is not None and hover.range == found.range, name
            action = (await one.actions(uri, found.range, [found]))[0]
            one.apply(action.edit)
            assert one.texts[uri] == text.replace(LOAD, FIXED_LOAD), name
            assert await one.checked(uri) == (), name


@encodings
async def test_fixing_the_whole_file_keeps_every_other_character(encoding: str, tmp_path: Path) -> None:
    async with editor("vscode", changes={"general.positionEncodings": [encoding]}) as one:
        for number, (name, text) in enumerate(TEXTS.items()):
            uri = (tmp_path / f"{number}.py").as_uri()
            one.open(uri, text)
            await one.diagnostics(uri)
            (action,) = await one.actions(uri, one.range_of(uri, LOAD), only=["source.fixAll"])
            one.apply((await one.resolve(action)).edit)
            assert one.texts[uri] == text.replace(LOAD, FIXED_LOAD), name


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32", "utf-8", "utf-16"], "utf-32"),
        (["latin-1", "utf-16"], "utf-16"),
        (None, "utf-16"),
    ],
)
async def test_client_s_first_known_encoding_is_taken(offered: list[str] | None, chosen: str) -> None:
    async with editor("bare", changes={"general.positionEncodings": offered}) as one:
        assert one.encoding == chosen
