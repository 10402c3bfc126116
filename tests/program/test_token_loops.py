"""Which loops generate token by token and do nothing that `generate` does not do as well."""

from __future__ import annotations

import pytest
from dry_debug.program.token_loops import TokenLoop, token_loops

from tests.program.model import program

HEAD = (
    "import torch\nfrom transformers import AutoModelForCausalLM\n"
    "m = AutoModelForCausalLM.from_pretrained('a')\nother = AutoModelForCausalLM.from_pretrained('b')\n"
)


def judged(body: str, head: str = "for _ in range(9):\n") -> list[bool]:
    source = HEAD + "out, kept = [], []\n" + head + "".join(f"    {line}\n" for line in body.split("\n"))
    return [isinstance(found, TokenLoop) for _, found in token_loops(program(source))]


@pytest.mark.parametrize(
    "body",
    [
        "p = m(ids).logits[:, -1].softmax(-1)\nt = torch.multinomial(p, 1)\nids = torch.cat([ids, t], dim=1)",
        "ids = torch.cat([ids, m(ids).logits[:, -1].argmax(-1, keepdim=True)], dim=1)",
        "o = m(ids, past_key_values=past)\npast = o.past_key_values\nids = o.logits[:, -1].argmax(-1)\nout.append(ids)",
        "t = m(torch.tensor([out])).logits[0, -1].argmax()\nif t == end:\n    break\nout.append(t.item())",
        "o = m(ids, labels=ids)\nloss, l = o[:2]\nids = torch.cat([ids, l[:, -1].argmax(-1)], 1)",
        "t = m(tok.encode(a)).logits[0, -1].argmax()\na = a + tok.decode(t)",
    ],
)
def test_a_loop_that_generates(body: str) -> None:
    assert judged(body) == [True]
    assert judged(body, "while len(out) < 9:\n") == [True]


@pytest.mark.parametrize(
    "body",
    [
        "t = m(ids).logits.argmax(-1)\nout.append(t)",  # what is answered does not go back
        "ids = f(m(ids).logits)",  # nobody sees what is done to the logits
        "ids = m(ids).logits[:, -1]",  # nothing is drawn
        "l = m(ids).logits[:, -1]\nkept.append(l)\nids = torch.cat([ids, l.argmax(-1)], 1)",
        "o = m(ids)\nkept = o.hidden_states\nids = torch.cat([ids, o.logits.argmax(-1)], 1)",
        "l = m(ids).logits - 1\nd['l'] = l\nids = torch.cat([ids, l.argmax(-1)], 1)",
        "o = m(ids, labels=ids)\nkept.append(o[0])\nids = torch.cat([ids, o[1].argmax(-1)], 1)",
        "ids = torch.cat([ids, m(ids, output_attentions=True).logits.argmax(-1)], 1)",
        "loss, l = m(ids, labels=ids)[:2]\ns = s + loss\nids = torch.cat([ids, l[:, -1].argmax(-1)], 1)",
    ],
)
def test_a_loop_that_does_something_else(body: str) -> None:
    assert judged(body) == [False]


@pytest.mark.parametrize(
    ("helper", "expected"),
    [
        (
            "def f(l):\n    v, _ = torch.topk(l, 5)\n    print('filtered')\n    return l.masked_fill(l < v[-1], -9)\n",
            True,
        ),
        ("def f(l):\n    kept.append(l)\n    return l\n", False),
        ("def f(l):\n    show(l)\n    return l\n", False),
    ],
)
def test_what_a_helper_does_to_the_logits(helper: str, expected: bool) -> None:
    loop = "for _ in range(9):\n    l = f(m(ids).logits[0, -1])\n    ids = torch.cat([ids, l.argmax(-1)], 1)\n"
    found = [isinstance(x, TokenLoop) for _, x in token_loops(program(HEAD + helper + loop))]
    assert found == [expected]


def test_two_models_in_a_loop() -> None:
    body = "l = m(ids).logits - other(ids).logits\nids = torch.cat([ids, l.argmax(-1)], 1)"
    assert judged(body) == [False, False]


STEPS = [
    ("def step(m, ids):\n    return m(ids).logits[:, -1]\n",
     "l = step(m, ids)\nids = torch.cat([ids, l.argmax(-1)], 1)", True),
    ("def step(m, ids):\n    t = m(ids).logits[:, -1].argmax(-1)\n    return torch.cat([ids, t], 1)\n",
     "ids = step(m, ids)", True),
    ("def step(m, ids, rows):\n    t = m(ids).logits[:, -1].argmax(-1)\n    rows.append(t.item())\n    return t\n",
     "ids = torch.cat([ids, step(m, ids, out)], 1)", True),
    ("def step(m, ids, rows):\n    l = m(ids).logits[:, -1]\n    rows.append(l)\n    return l.argmax(-1)\n",
     "ids = torch.cat([ids, step(m, ids, kept)], 1)", False),  # it keeps the logits
    ("def step(m, ids):\n    o = m(ids)\n    return o.hidden_states, o.logits[:, -1].argmax(-1)\n",
     "h, t = step(m, ids)\nids = torch.cat([ids, t], 1)", False),
    ("def step(m, ids):\n    l = m(ids).logits[:, -1]\n    return l, l.argmax(-1)\n",
     "l, t = step(m, ids)\nkept.append(l)\nids = torch.cat([ids, t], 1)", False),
    ("def step(m, ids):\n    l = m(ids).logits[:, -1]\n    return l, l.argmax(-1)\n",
     "l, t = step(m, ids)\nout.append(t)\nids = torch.cat([ids, t], 1)", True),
    ("def step(m, ids):\n    return m(ids).logits[:, -1] - other(ids).logits[:, -1]\n",
     "l = step(m, ids)\nids = torch.cat([ids, l.argmax(-1)], 1)", None),  # two models
    ("def put(t, rows):\n    rows.append(t.item())\n",
     "t = m(torch.tensor([out])).logits[0, -1].argmax()\nput(t, out)", True),
    ("def inner(l):\n    return l.topk(5)\ndef keep(l):\n    return inner(l)\n",
     "l = keep(m(ids).logits[0, -1])\nids = torch.cat([ids, l.argmax(-1)], 1)", True),
]  # fmt: skip


@pytest.mark.parametrize(("helper", "body", "expected"), STEPS)
def test_parts_of_an_iteration_in_functions(helper: str, body: str, expected: bool | None) -> None:
    loop = "out, kept = [], []\nfor _ in range(9):\n" + "".join(f"    {line}\n" for line in body.split("\n"))
    found = [isinstance(x, TokenLoop) for _, x in token_loops(program(HEAD + helper + loop))]
    assert found == ([expected] if expected is not None else [False, False])


@pytest.mark.parametrize(
    ("run", "found"),
    [("write(m, ids)", [True]), ("write(m, ids)\nwrite(unknown, ids)", []), ("write(ids, m)", []), ("", [])],
)
def test_a_model_that_another_file_passes(run: str, found: list[bool]) -> None:
    tools = "import torch\ndef write(net, ids):\n    while True:\n        l = net(ids).logits[:, -1]\n"
    tools += "        ids = torch.cat([ids, torch.multinomial(l.softmax(-1), 1)], 1)\n"
    model = program(tools, {"run.py": f"{HEAD}from tools import write\n{run}\n"}, path="tools.py")
    assert [isinstance(x, TokenLoop) for _, x in token_loops(model)] == found
