"""Which calls generate for many prompts, one after the other, and what shows how many there are."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.bulk_generation import Bulk, bulk, text_calls
from dry_debug.program.independent import loops_around, why_dependent
from dry_debug.program.many import many
from dry_debug.program.program import Program

from tests.program.model import program

HEAD = "import json, time\nfrom datasets import load_dataset\nfrom transformers import pipeline\n"
PIPE = HEAD + "pipe = pipeline('text-generation', model='m')\n"


def is_many(source: str) -> bool:
    model = program(HEAD + source)
    loop = next(node for node in ast.walk(model.tree) if isinstance(node, ast.For) and node.target.id == "x")  # type: ignore[attr-defined]
    return many(loop.iter, loop, model) is not None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("rows = load_dataset('d')['test']\nfor x in enumerate(rows): pass\n", True),
        ("rows = open('f').read().splitlines()\nfor x in rows: pass\n", True),
        ("rows = []\nfor line in open('f'):\n    rows.append(line)\nfor x in range(len(rows)): pass\n", True),
        ("def read():\n    return json.load(open('f'))\nfor x in read()['items']: pass\n", True),
        ("def f(rows):\n    for x in rows: pass\nf([json.loads(line) for line in open('f')])\n", True),
        ("for x in " + str(list(range(30))) + ": pass\n", True),
        ("def parts(xs, n):\n    yield xs[:n]\nfor x in parts(open('f').readlines(), 8): pass\n", True),
        ("for x in ['a', 'b', 'c']: pass\n", False),
        ("rows = load_dataset('d')\nfor x in rows[:5]: pass\n", False),
        ("def f(rows):\n    for x in rows: pass\n", False),
        ("for x in range(100): pass\n", False),
    ],
)
def test_many(source: str, expected: bool) -> None:
    assert is_many(source) is expected


def dependence(body: str) -> str | None:
    model = program(HEAD + "history = ''\nfor x in rows:\n" + "".join(f"    {line}\n" for line in body.split("\n")))
    call = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "ask")
    *_, outermost = loops_around(call, model)
    return why_dependent(call, list(call.args), outermost, model)


@pytest.mark.parametrize(
    "body",
    [
        "ask(x)",
        "text = x['q']\nif long:\n    text = text[:9]\nids = f(text)\nout = ask(ids)\nanswers.append(out)",
        "if a:\n    ids = f(x)\nelse:\n    ids = g(x)\nout = ask(ids)\nids = out",
        "if done(x):\n    continue\nids = f(x)\nask(ids)",
        "for part in x['parts']:\n    ids = f(part)\n    ask(ids)",
        "ids = f(x)\nif len(ids) > 9:\n    half = 4\n    ids = ids[:half]\nask(ids)",
    ],
)
def test_independent(body: str) -> None:
    assert dependence(body) is None


@pytest.mark.parametrize(
    "body",
    [
        "history += x\nout = ask(history)",
        "out = ask(x + history)\nhistory = out",
        "history = history + x\nask(history)",
        "out = ask(x)\nif out == 'stop':\n    break",
        "start = time.time()\nask(x)",
        "ask('the same')",
        "turns.append(x)\nask(turns)",
        "for part in x:\n    ids = ids + f(part)\n    ask(ids)",
    ],
)
def test_dependent(body: str) -> None:
    assert dependence(body) is not None


def found(model: Program) -> list[bool]:
    return [isinstance(bulk(text, model), Bulk) for text in text_calls(model)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("for x in load_dataset('d'):\n    pipe(x['text'])\n", [True]),
        ("def f(x):\n    return pipe(x)\nfor row in open('f'):\n    f(row)\n", [True]),
        ("def f(row):\n    return pipe(row['text'])\nload_dataset('d').map(f)\n", [True]),
        ("texts = [pipe(x) for x in open('f')]\n", [True]),
        ("pipe(load_dataset('d')['train']['text'])\n", [True]),
        ("rows = load_dataset('d')\npipe(rows[0])\n", [False]),
        ("pipe('hello')\n", [False]),
    ],
)
def test_where_a_pipeline_goes_over_many(source: str, expected: list[bool]) -> None:
    assert found(program(PIPE + source)) == expected


def test_other_tasks_generate_no_text() -> None:
    model = program(HEAD + "p = pipeline('fill-mask')\nfor x in open('f'):\n    p(x)\n")
    assert found(model) == []


def test_what_a_method_keeps_makes_calls_depend() -> None:
    source = (
        "class Chat:\n    def __init__(self):\n        self.pipe = pipeline('text-generation')\n"
        "        self.past = []\n"
        "    def ask(self, x):\n        self.past.append(x)\n        return self.pipe(x)\n"
        "c = Chat()\nfor row in open('f'):\n    c.ask(row)\n"
    )
    assert found(program(HEAD + source)) == [False]
    assert found(program(HEAD + source.replace("        self.past.append(x)\n", ""))) == [True]
