"""Positions: three encodings, and text in which lines and columns are easily counted wrong."""

from pathlib import Path

import pytest

from tests.lsp.editor import editor
from tests.lsp.snippets import FIXED_USE, LOAD, RULE, USE

TEXTS = {
    "ascii": f"import torch\n{USE}\n",
    "emoji before": f"import torch\ns = '😀é\U0001f469\u200d\U0001f4bb'; {USE}; t = '😀'\n",
    "combining marks": f"import torch\ne\u0301 = 'e\u0301'; {USE}\n",
    "crlf": f"import torch\r\n# 😀\r\n{USE}\r\n",
    "cr": f"import torch\r# 😀\r{USE}\r",
    "tabs": f"import torch\nif True:\n\t\tx =\t{USE}\n",
    "byte order mark": f"\ufeffimport torch; {USE}\n",
    "form feed": f"import torch\n\x0c\n{USE}\n",
    "form feed inside a line": f"import torch\n\x0cs = '\x0c'; {USE}\n",
    "line separator": f"import torch\ns = '\u2028\u2029'; {USE}\n",
    "next line": f"import torch\ns = '\x85\x0b\x1c'  # \u2028\n{USE}\n",
    "no final line end": f"import torch\n# é😀\n{USE}",
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
            assert one.texts[uri] == text.replace(USE, FIXED_USE), name
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
            assert one.texts[uri] == text.replace(USE, FIXED_USE), name


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
