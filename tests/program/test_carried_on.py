"""What is computed from a variable in a loop, what collects graphs, and state that is carried on with its graph."""

import pytest
from dry_debug.program.carried_state import carried_states
from dry_debug.program.collected import collections
from dry_debug.program.derived import derived

from tests.program.model import program

PASS = """
    import torch
    from torch import nn
    net = nn.Linear(2, 2)
    kept, table, grown = [], {{}}, torch.empty(0)
    for i, x in enumerate(torch.utils.data.DataLoader(data)):
        out = net(x)
        {body}
    {after}
"""
STEP = "loss = out.mean(); loss.backward()"


@pytest.mark.parametrize(
    ("body", "holders"),
    [
        (f"{STEP}; kept.append(out)", ["kept"]),
        (f"{STEP}; kept.append(out.cpu())", ["kept"]),
        (f"{STEP}; kept += [out]", ["kept"]),
        (f"{STEP}; kept.extend([out])", ["kept"]),
        (f"{STEP}; table[i] = out", ["table"]),
        (f"{STEP}; kept.append((i, out))", ["kept"]),
        (f"{STEP}; grown = torch.cat([grown, out])", ["grown"]),
        (f"{STEP}; kept.append(out.detach())", []),
        (f"{STEP}; kept.append(out.argmax(1))", []),
        (f"{STEP}; kept.append(x)", []),
        (f"{STEP}; table['last'] = out", []),
        ("loss = out.mean(); loss.backward(retain_graph=True); kept.append(out); use(kept)", []),
        ("kept.append(out); print(len(kept))", ["kept"]),
    ],
)
def test_what_collects_tensors_with_their_graphs(body: str, holders: list[str]) -> None:
    assert [c.path for c in collections(program(PASS.format(body=body, after="")))] == holders


@pytest.mark.parametrize("after", ["torch.cat(kept).sum().backward()", "somebody(kept)"])
def test_what_may_be_differentiated_later_is_left_alone(after: str) -> None:
    assert not list(collections(program(PASS.format(body="kept.append(out)", after=after))))


def test_what_is_computed_from_a_variable_ends_where_the_graph_does() -> None:
    p = program("""
        for x in data:
            a = f(x)
            b = g(a).mean()
            c = a.detach()
            d = h(c)
            e.append(b)
    """)
    loop = p.index.module.loops[0]
    assert derived(p, p.index.module, loop, {"a"}) == {"a", "b", "e"}


LOOP = """
    import torch
    from torch import nn
    rnn = nn.{kind}(4, 8)
    h = {begin}
    for x in batches:
        {before}
        out, {new} = rnn(x, h)
        out.mean().backward()
        {behind}
"""


def carried(kind: str = "GRU", begin: str = "None", before: str = "pass", new: str = "h", behind: str = "pass") -> int:
    return len(
        list(carried_states(program(LOOP.format(kind=kind, begin=begin, before=before, new=new, behind=behind))))
    )


def test_state_is_carried_on_unless_something_in_the_loop_cuts_it() -> None:
    assert carried()
    assert carried("LSTM", "torch.zeros(1), torch.zeros(1)")
    assert carried(new="n", behind="h = n")
    assert carried(before="if h is None: h = torch.zeros(1)")
    assert not carried(behind="h = h.detach()")
    assert not carried(behind="h.detach_()")
    assert not carried(behind="if i % 4 == 0: h = h.detach()")
    assert not carried(before="h = torch.zeros(1)")
    assert not carried(before="h = begin()")
    assert not carried(new="n", behind="h = n.data")
    assert not carried(new="n")
    assert not carried(behind="break")


CUTS = """
    import torch
    from torch import nn
    rnn = nn.GRU(4, 8)
    def off(state):
        state.{method}()
    h = torch.zeros(1)
    for x in batches:
        out, h = rnn(x, h)
        out.mean().backward()
        off({given})
"""


@pytest.mark.parametrize(("method", "given", "count"), [("detach_", "h", 0), ("detach_", "out", 1), ("mean", "h", 1)])
def test_state_that_a_function_cuts_off(method: str, given: str, count: int) -> None:
    assert len(list(carried_states(program(CUTS.format(method=method, given=given))))) == count


KEEPER = """
    import torch
    from torch import nn
    class Keeper(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(4, 8)
            {init}
        def start(self):
            self.h = torch.zeros(1)
        def run(self, x):
            {before}
            out, self.h = self.rnn(x, self.h)
            return out
        def forward(self, x):
            return self.run(x)
    net = Keeper()
    for x in batches:
        {loop}
        net(x).mean().backward()
"""


@pytest.mark.parametrize(
    ("init", "before", "loop", "count"),
    [
        ("self.h = None", "pass", "pass", 1),
        ("self.start()", "pass", "pass", 1),
        ("self.start()", "pass", "net.start()", 0),
        ("self.start()", "self.start()", "pass", 0),
        ("self.h = None", "self.h = self.h.detach()", "pass", 0),
    ],
)
def test_state_on_a_module_by_who_sets_it(init: str, before: str, loop: str, count: int) -> None:
    text = KEEPER.format(init=init, before=before, loop=loop)
    assert len(list(carried_states(program(text)))) == count


STEP_FUNCTION = """
    import torch
    from torch import nn
    rnn, head = nn.GRU(4, 8), nn.Linear(8, 1)
    def step(x, state):
        out, state = rnn(x, state)
        {backward}
        return {back}
    h = torch.zeros(1)
    for x in batches:
        out, h = step(x, h)
        {after}
"""


@pytest.mark.parametrize(
    ("backward", "back", "after", "count"),
    [
        ("pass", "out, state", "out.mean().backward()", 1),
        ("head(out).mean().backward()", "out, state", "pass", 1),
        ("head(out).mean().backward()", "out.detach(), state.detach()", "pass", 0),
        ("state = cut(state.detach())", "out, state", "out.mean().backward()", 0),
        ("head(out).mean().backward()", "out, state", "h = h.detach()", 0),
        ("pass", "out, state", "pass", 0),
        ("state = fresh(state)", "out, state", "out.mean().backward()", 0),
    ],
)
def test_state_is_followed_through_a_function_that_runs_the_module(
    backward: str, back: str, after: str, count: int
) -> None:
    text = STEP_FUNCTION.format(backward=backward, back=back, after=after)
    assert len(list(carried_states(program(text)))) == count


HELPERS = """
    import torch
    from torch import nn
    rnn, head = nn.GRU(4, 8), nn.Linear(8, 1)
    def learn(out, y):
        cost = nn.functional.mse_loss(head({read}), y)
        cost.backward({kept})
    def keep(state):
        other = {new}
        return other
    h = torch.zeros(1)
    for x, y in batches:
        out, new = rnn(x, h)
        learn(out, y)
        h = keep(new)
"""


@pytest.mark.parametrize(
    ("read", "kept", "new", "count"),
    [
        ("out", "", "state", 1),
        ("out", "retain_graph=True", "state", 1),
        ("out.detach()", "", "state", 0),
        ("out", "", "state.detach()", 0),
        ("out", "", "cut(state)", 0),
        ("out", "", "torch.zeros(1)", 0),
    ],
)
def test_backward_pass_and_state_in_functions_that_are_handed_them(read: str, kept: str, new: str, count: int) -> None:
    found = list(carried_states(program(HELPERS.format(read=read, kept=kept, new=new))))
    assert len(found) == count


@pytest.mark.parametrize(("back", "count"), [("net(x).mean()", 1), ("x.mean()", 0)])
def test_a_module_with_state_that_a_function_runs(back: str, count: int) -> None:
    text = KEEPER.format(init="self.h = None", before="pass", loop="loss = run(net, x)")
    text = text.replace("net(x).mean().backward()", "loss.backward()")
    text = text.replace("    net = Keeper()", f"    def run(net, x):\n        return {back}\n    net = Keeper()")
    assert len(list(carried_states(program(text)))) == count
