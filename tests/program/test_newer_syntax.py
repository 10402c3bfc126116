"""What only Pythons after 3.11 read is analysed all the same, with every place where it was."""

from __future__ import annotations

import ast

import pytest
from dry_debug.lint.engine import analyse
from dry_debug.program.newer_syntax import in_older_syntax
from dry_debug.program.parsing import parse
from dry_debug.text.document import Document, Problem

NEWER = [
    "type Batch = dict[str, int]\n",
    "type Pair[T: (int, str) = int] = tuple[T, T]\n",
    "type Öl[\n  T,\n] = dict[T, T]\n",
    "def first[T](items: list[T]) -> T:\n    return items[0]\n",
    "async def first[T: 'Öl', *Ts, **P](items: list[T]) -> T:\n    return items[0]\n",
    "class Buffer[T](list):\n    def add[\n        K,\n    ](self, key: K) -> None: ...\n",
    "def outer():\n\tclass Inner[T]:\n\t\tpass\n",
    """print(f"{batch["loss"]:.3f}")\n""",
    """print(f'{", ".join(f'{k}={v['x']}' for k, v in it)}', 1)\n""",
    "print(f\"{'\\n'.join(lines)}\")\n",
    'print(f"{\n    total  # of the epoch\n}")\n',
    'print(f"""{rates["a"]} {f\'{x["b"]}\'} {d["""c"""]}""")\n',
    "query = t'{name!r} at {place}'\n",
    "query = rT'{name}'\n",
    "try:\n    go()\nexcept KeyError, ValueError:\n    pass\n",
    "try:\n    go()\nexcept* KeyError, errors.Own:\n    pass\n",
]


@pytest.mark.parametrize("text", NEWER)
def test_it_is_read_and_nothing_moves(text: str) -> None:
    source = f"before = 1\n{text}after = 2\n"
    older = in_older_syntax(source)
    assert older is not None
    assert [len(line.encode()) for line in older.split("\n")] == [len(line.encode()) for line in source.split("\n")]
    tree = parse(Document.from_text(source, "new.py"))
    assert isinstance(tree, ast.Module), tree
    last = tree.body[-1]
    assert last.lineno == source.count("\n") and ast.unparse(last) == "after = 2"


def test_names_and_places_stay() -> None:
    source = "type Öl[T] = list[T]\ndef f[T](x: T): return f'{x['a']}', after\n"
    tree = parse(Document.from_text(source, "new.py"))
    assert isinstance(tree, ast.Module)
    alias, function = tree.body
    assert isinstance(alias, ast.Assign) and ast.unparse(alias) == "Öl = list[T]"
    assert alias.value.col_offset == source.split("\n")[0].encode().index(b"list")
    after = next(n for n in ast.walk(function) if isinstance(n, ast.Name) and n.id == "after")
    assert after.col_offset == source.split("\n")[1].encode().index(b"after")


@pytest.mark.parametrize(
    "text",
    [
        "def f[T](x:\n",
        "print(f'{x')\n",
        "type X = \n",
        "class C[T:\n    pass\n",
        "def f(x) return x\n",
        "print 'loss', loss\n",
        "x = f'{" + "[" * 300 + "\n",
        "x = " + "f'{" * 40 + "\n",
    ],
)
def test_what_no_python_reads_is_a_syntax_error(text: str) -> None:
    found = parse(Document.from_text(text, "new.py"))
    assert isinstance(found, Problem) and found.line is not None


@pytest.mark.parametrize(
    "text",
    [
        "x = {'type': 1}\nif x [0] :\n    pass\n",
        "s = 'def f[T](x)'\nt = f'{s!r:>{10}} {{}} {s[1:2]} {x if \"a\" else y:\\'>3}'\n",
        "try:\n    go()\nexcept (KeyError, ValueError) as error:\n    pass\n",
        "# type X = int\n",
    ],
)
def test_older_code_is_left_alone(text: str) -> None:
    assert in_older_syntax(text) is None


def test_a_mistake_in_newer_code_is_found_where_it_stands() -> None:
    source = """import torch

type Path = str


def restore[M](model: M, path: Path) -> M:
    model.load_state_dict(torch.load(path)); print(f"read {len(path["a"])}")
    return model
"""
    (finding,) = [f for f in analyse(Document.from_text(source, "restore.py")).findings if f.code == "CKPT010"]
    assert source[finding.span.start : finding.span.end] == "torch.load(path)"
