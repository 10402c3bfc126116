"""What `program.flow` says of loaded files, of what keeps graphs alive, and of objects that are passed on."""

import pytest

from tests.program.model import program


@pytest.mark.parametrize(
    ("use", "kind", "only_loaded"),
    [
        ("net.load_state_dict(x)", "state", True),
        ("net.load_state_dict(state_dict=x)", "state", True),
        ("y = x['net']\n    net.load_state_dict(y)", "state", True),
        ("x = {k[7:]: v for k, v in x.items()}\n    net.load_state_dict(x)", "state", False),
        ("x.eval()", "module", False),
        ("print(x(1))", "module", False),
        ("start = x['epoch']", "checkpoint", False),
        ("mean = x['mean']", "unknown", False),
        ("s = torch.optim.lr_scheduler.StepLR(o, 1)\n    s.load_state_dict(x)", "numbers", True),
    ],
)
def test_a_loaded_file_is_what_is_done_with_it(use: str, kind: str, only_loaded: bool) -> None:
    p = program(f"import torch\ndef f(net, o, path):\n    x = torch.load(path)\n    {use}\n")
    found = p.flow.use_of_loaded(p.calls_of("torch.load")[0])
    assert (found.kind, found.only_loaded) == (kind, only_loaded)


def test_a_loaded_file_is_followed_to_the_callers_of_the_function_that_returns_it() -> None:
    p = program("""
        import torch
        def read(path):
            return torch.load(path)
        def use(net):
            net.load_state_dict(read("a.pt")["net"])
    """)
    assert p.flow.use_of_loaded(p.calls_of("torch.load")[0]).kind == "state"


LOOP = """
    import torch
    def train(net, loader, opt, criterion):
        total, kept = 0.0, []
        for x, y in loader:
            loss = criterion(net(x), y)
            {body}
            opt.step()
            opt.zero_grad()
        {after}
"""


@pytest.mark.parametrize(
    "body",
    [
        "loss.backward(); total += loss",
        "loss.backward(); total = total + loss * len(x)",
        "loss.backward(); total = 0.9 * total + 0.1 * loss",
        "loss.backward(); kept.append(loss)",
        "both = loss + 1; loss.backward(); total += both",
        "both = loss + net.penalty(); both.backward(); total += both",
        "scaler.scale(loss).backward(); total += loss",
        "accelerator.backward(loss); total += loss",
        "torch.autograd.backward(loss); total += loss",
    ],
)
def test_a_total_of_losses_with_their_graphs_grows(body: str) -> None:
    found = program(LOOP.format(body=body, after="return total")).flow.growths
    assert [growth.confidence for growth in found] == ["high"]


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("loss.backward(); total += loss.item()", "return total"),
        ("loss.backward(); loss = loss.item(); total += loss", "return total"),
        ("loss.backward(); total += loss.detach() * 2", "return total"),
        ("total += loss", "total.backward()"),
        ("total += loss", "mean = total / 3; mean.backward()"),
        ("total += loss", "return total"),
        ("kept.append(loss)", "torch.stack(kept).mean().backward()"),
        ("kept.append(loss)", "sum(kept).backward()"),
        ("total = 0.0; loss.backward(); total += loss", "return total"),
    ],
)
def test_a_total_without_graphs_or_for_a_backward_pass_does_not_grow(body: str, after: str) -> None:
    assert program(LOOP.format(body=body, after=after)).flow.growths == []


def test_a_step_that_runs_the_backward_pass_returns_its_loss_with_the_graph() -> None:
    p = program("""
        def step(net, x, opt):
            loss = net(x)
            loss.backward()
            opt.step()
            return loss, len(x)
        def train(net, loader, opt):
            total = 0.0
            for x in loader:
                loss, n = step(net, x, opt)
                total += loss
    """)
    [growth] = p.flow.growths
    assert growth.backward is not None and p.line(growth.backward) == 4


def test_an_attribute_that_is_set_later_is_seen_on_its_object_only() -> None:
    p = program("""
        from vllm import SamplingParams
        a = SamplingParams()
        b = SamplingParams()
        a.max_tokens = 3
    """)
    first, second = p.calls_of("vllm.SamplingParams")
    assert p.flow.sets_attribute("max_tokens", first)
    assert not p.flow.sets_attribute("max_tokens", second)
