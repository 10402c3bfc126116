"""What a function does on behalf of another one: what it gives back, whose part it is, what it is handed."""

from __future__ import annotations

import ast

import pytest
from dry_debug.program.carried import carriers
from dry_debug.program.collected import collections
from dry_debug.program.construction import constructs, part_of
from dry_debug.program.fate import fate_of
from dry_debug.program.gradient_order import behind, orders, wiped_by
from dry_debug.program.handed_back import handed_back
from dry_debug.program.late_seeds import late_seeds
from dry_debug.program.paths import Occurrence
from dry_debug.program.reaching import recovers
from dry_debug.program.relations import different, given_by_maker
from dry_debug.program.scaling import protocols

from tests.program.model import program


@pytest.mark.parametrize(
    ("body", "path", "texts"),
    [
        ("return 1", (), ["1"]),
        ("return 1, 2", (1,), ["2"]),
        ("if a:\n        return 1\n    return 2", (), ["1", "2"]),
        ("return 1, *more", (1,), []),
        ("return pair", (1,), []),
        ("if a:\n        return\n    return 2", (), []),
        ("yield 1\n    return 2", (), []),
        ("pass", (), []),
    ],
)
def test_what_a_call_gives(body: str, path: tuple[int, ...], texts: list[str]) -> None:
    one = program(f"def f():\n    {body}\nf()\n")
    assert [ast.unparse(expr) for _, expr, _ in handed_back(one, one.index.calls[-1], path)] == texts


PARTS = """
class A:
    def __init__(self):
        self.first()
        third(self)
    def first(self):
        self.second()
    def second(self):
        self.x = 1
    def later(self):
        self.y = 1
    def forward(self, x):
        return self.inner(x)
    def inner(self, x):
        return x
def third(a):
    a.z = 1
"""


def test_what_runs_while_an_object_is_made() -> None:
    one = program(PARTS)
    made = {f.name for f in one.index.functions if constructs(one, f)}
    assert made == {"__init__", "first", "second", "third"}
    again = program(PARTS + "A().first()\n")
    assert {f.name for f in again.index.functions if constructs(again, f)} == {"__init__", "third"}


def test_what_is_a_part_of_forward() -> None:
    one = program(PARTS)
    outer = next(f for f in one.index.functions if f.name == "forward")
    assert {f.name for f in one.index.functions if part_of(one, f, outer)} == {"forward", "inner"}


@pytest.mark.parametrize(
    ("tail", "goes_on"),
    [
        ("except E:\n    pass", True),
        ("except E:\n    print(1)\n    raise", False),
        ("except E as e:\n    raise F() from e", False),
        ("except E:\n    raise\nexcept F:\n    x = 1", True),
        ("finally:\n    pass", False),
    ],
)
def test_whether_a_try_goes_on_after_an_error(tail: str, goes_on: bool) -> None:
    assert recovers(ast.parse(f"try:\n    f()\n{tail}\n").body[0]) is goes_on


def test_an_object_as_its_maker_and_as_the_caller_sees_it() -> None:
    one = program("""
        import torch
        def make(p):
            opt = torch.optim.SGD(p)
            see(opt)
            return opt
        first, second = make(p), make(q)
        see(first)
        see(second)
    """)
    inside, first, second = (one.value(c.args[0], c).base.ident for c in one._calls_by_last["see"])
    assert given_by_maker(inside, first) and given_by_maker(second, inside)
    assert not different(inside, first) and different(first, second)


ORDER = """
    import torch
    from torch import nn
    net = nn.Linear(1, 1)
    opt = torch.optim.SGD(net.parameters(), lr=1)
    def go(o):
        o.step()
    def clear(o):
        o.zero_grad()
    for x in data:
        {lines}
"""


@pytest.mark.parametrize(
    ("lines", "later"),
    [
        ("opt.zero_grad(); opt.step(); net(x).sum().backward()", True),
        ("opt.zero_grad(); go(opt)\n        net(x).sum().backward()", True),
        ("net(x).sum().backward(); opt.zero_grad()\n        go(opt)", False),
        ("net(x).sum().backward()\n        clear(opt)\n        go(opt)", False),
    ],
)
def test_what_comes_later_in_the_iteration(lines: str, later: bool) -> None:
    one = program(ORDER.format(lines=lines.replace("; ", "\n        ")))
    (hit,) = [h for o in orders(one) for h in o.hits if h.label == "wiped"]
    backward = wiped_by(hit)[1]
    assert backward is not None
    assert behind(backward, Occurrence(hit.event, hit.calls)) is later


SCALED = """
    import torch
    from torch import nn
    net = nn.Linear(1, 1)
    opt = torch.optim.SGD(net.parameters(), lr=1)
    scaler = torch.amp.GradScaler("cuda")
    def back(loss):
        loss.backward()
    for x in data:
        loss = {loss}
        {given}
        scaler.step(opt)
        scaler.update()
"""


@pytest.mark.parametrize(
    ("loss", "given", "found"),
    [
        ("net(x).sum()", "back(loss)", True),
        ("net(x).sum()", "back(scaler.scale(loss))", False),
        ("scaler.scale(net(x).sum())", "back(loss)", False),
        ("net(x).sum()", "back(loss); back(scaler.scale(loss))", False),
    ],
)
def test_a_loss_that_comes_in_as_an_argument(loss: str, given: str, found: bool) -> None:
    one = program(SCALED.format(loss=loss, given=given.replace("; ", "\n        ")))
    hits = [h for s in protocols(one) for h in s.hits if h.label == "unscaled" and h.certainty == "must"]
    assert bool(hits) is found


def test_a_scaler_that_another_file_works_with() -> None:
    files = {"run.py": """
        def train(net, opt, scaler, data):
            for x in data:
                loss = net(x).sum()
                loss.backward()
                scaler.step(opt)
                scaler.update()
    """}  # fmt: skip
    one = program("""
        import torch
        from torch import nn
        from run import train
        net = nn.Linear(1, 1)
        train(net, torch.optim.SGD(net.parameters(), lr=1), torch.amp.GradScaler("cuda"), data)
    """, files)  # fmt: skip
    assert [h.label for s in protocols(one) for h in s.hits] == ["unscaled"]


SEEDED = """
    import torch
    from torch import nn
    def build():
        net = nn.Linear(2, 2)
        return net
    def fill(m):
        m.{method}(init)
    net = build()
    {between}
    torch.manual_seed(0)
    {behind}
    opt = torch.optim.SGD(net.parameters(), lr=1)
    for x in data:
        opt.zero_grad()
        net(x).sum().backward()
        opt.step()
"""


@pytest.mark.parametrize(
    ("method", "behind", "late"), [("apply", "pass", True), ("apply", "fill(net)", False), ("half", "fill(net)", True)]
)
def test_weights_that_functions_draw_before_the_seed(method: str, behind: str, late: bool) -> None:
    found = list(late_seeds(program(SEEDED.format(method=method, between="pass", behind=behind))))
    assert bool(found) is late


KEPT = """
    import torch
    from torch import nn
    net = nn.Linear(1, 1)
    def ready(m):
        m.eval()
        {more}
    ready({given})
    kept = []
    for x in data:
        kept.append(net(x))
    print(torch.cat(kept).argmax(1))
"""


@pytest.mark.parametrize(
    ("given", "more", "found"), [("net", "pass", 1), ("other", "pass", 0), ("net", "m.train()", 0)]
)
def test_a_model_that_a_function_puts_into_evaluation_mode(given: str, more: str, found: int) -> None:
    assert len(list(collections(program(KEPT.format(given=given, more=more))))) == found


@pytest.mark.parametrize(
    "end", ["torch.stack(kept).sum().backward()", "add(rows, out)\n    torch.cat(rows).backward()"]
)
def test_what_becomes_of_a_tensor_in_a_list(end: str) -> None:
    one = program(f"""
import torch
def add(where, what):
    where.append(what)
def f(net, rows):
    kept = []
    out = net(1)
    kept.append(out)
    {end}
""")
    made = next(s for s in one.index.assignments if isinstance(s.value, ast.Call))
    assert fate_of(one, "out", made, lists=True).backward
    assert not fate_of(one, "out", made).backward


def test_what_a_module_makes_of_it_has_the_same_graph() -> None:
    one = program("import torch\nhead = torch.nn.Linear(1, 1)\nout = net(1)\nhead(out).sum().backward()\n")
    made = one.index.assignments[1]
    assert fate_of(one, "out", made).backward


@pytest.mark.parametrize(("added", "found"), [("loss.item() * parts", False), ("loss * parts", True)])
def test_a_number_that_the_loss_was_divided_by_carries_no_graph(added: str, found: bool) -> None:
    one = program(f"""
        import torch
        def note(parts, loss, total):
            total += {added}
            return total
        def train(net, data, parts):
            total = 0.0
            for x in data:
                loss = net(x) / parts
                loss.backward()
                total = note(parts, loss, total)
    """)
    stmt = one.index.augments[0]
    function = next(f for f in one.index.functions if f.name == "note")
    assert isinstance(function.node, ast.FunctionDef)
    assert bool(carriers(one, stmt.value, stmt, function.node)) is found
