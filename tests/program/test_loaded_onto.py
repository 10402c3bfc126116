"""What comes unchanged out of a `torch.load`, and onto which device its `map_location` puts it."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.loaded_onto import loaded_by, mapped_to

from tests.program.model import program

PICK = "def pick():\n    return torch.device('cuda')\ndef other():\n    return 'cpu'\n"


def _argument(text: str):  # type: ignore[no-untyped-def]
    one = program(text)
    call = next(c for c in one.method_calls("probe") if isinstance(c, ast.Call))
    return call.args[0], one.statement(call), one


@pytest.mark.parametrize(
    ("expr", "taken"),
    [
        ("held['a']", True),
        ("held.get('a')", True),
        ("held['a'][0]", True),
        ("part", True),
        ("held['a'].cpu()", False),
        ("[s.cpu() for s in held['a']]", False),
        ("clean(held['a'])", False),
        ("torch.get_rng_state()", False),
        ("read()['a']", True),
        ("read_both()[0]", False),
        ("second['a']", True),
        ("fixed['a']", False),
    ],
)
def test_taken_as_it_is(expr: str, taken: bool) -> None:
    helpers = (
        "def read():\n    return torch.load('x.pt')\ndef read_both():\n    s = torch.load('x.pt')\n    return 1, s\n"
        "def mend():\n    s = torch.load('x.pt')\n    return {k: v.cpu() for k, v in s.items()}\n"
        "first, second = read_both()\nfixed = mend()\n"
    )
    text = f"import torch\n{helpers}held = torch.load('x.pt')\npart = held['a']\nt.probe({expr})\n"
    assert (loaded_by(*_argument(text)) is not None) is taken


@pytest.mark.parametrize(
    ("where", "sure"),
    [
        ("'cuda'", "high"),
        ("'cpu'", None),
        ("None", None),
        ("f'cuda:{rank}'", "high"),
        ("torch.device('cuda' if torch.cuda.is_available() else 'cpu')", "high"),
        ("torch.device('cpu')", None),
        ("lambda s, l: s.cuda(0)", "high"),
        ("lambda s, l: s", None),
        ("{'cuda:0': 'cuda:1'}", None),
        ("unknown", None),
        ("pick()", "high"),
        ("other()", None),
    ],
)
def test_the_device(where: str, sure: str | None) -> None:
    assert mapped_to(*_argument(f"import torch\n{PICK}d = {where}\nt.probe(d)\n")) == sure


@pytest.mark.parametrize(
    ("uses", "calls", "sure"),
    [
        ("net.to(d)", "", "medium"),
        ("net.to(d)", "f(net, 'cpu')", None),
        ("net.to(d)", "f(net, 'cuda')", "high"),
        ("print(d)", "", None),
    ],
)
def test_a_device_that_is_passed(uses: str, calls: str, sure: str | None) -> None:
    assert mapped_to(*_argument(f"def f(net, d):\n    {uses}\n    t.probe(d)\n{calls}\n")) == sure


@pytest.mark.parametrize(("inside", "sure"), [("m.to(where)", "medium"), ("m.to('cpu')", None)])
def test_a_device_that_a_function_moves_to(inside: str, sure: str | None) -> None:
    text = f"def put(m, where):\n    {inside}\ndef f(net, d):\n    put(net, where=d)\n    t.probe(d)\n"
    assert mapped_to(*_argument(text)) == sure


SET = "import torch\ndef put(states):\n    t.probe(states['cpu'])\n"


@pytest.mark.parametrize(
    ("run", "taken"),
    [
        ("held = torch.load(p, map_location='cuda')\nput(held['rng'])", True),
        ("put(torch.load(p, map_location='cuda')['rng'])\nput(other)", False),  # two calls
        ("held = torch.load(p)\nput({k: v.cpu() for k, v in held.items()})", False),
        ("", False),
    ],
)
def test_what_a_call_in_another_file_passes(run: str, taken: bool) -> None:
    one = program(SET, {"run.py": f"import torch\nfrom tools import put\n{run}\n"}, path="tools.py")
    call = one.method_calls("probe")[0]
    found = loaded_by(call.args[0], one.statement(call), one)
    assert (found is not None) is taken
    if found is not None:
        owner, load = found
        where = next(k.value for k in load.keywords)
        assert owner.document.path.endswith("run.py") and mapped_to(where, owner.statement(load), owner) == "high"
