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


GIVEN = """
    import torch
    def update(loss, opt):
        {first}
        loss.backward()
        opt.step()
    def train(net, loader, opt):
        total = 0.0
        for x in loader:
            loss = net(x)
            {call}
            total += loss
"""


@pytest.mark.parametrize("call", ["update(loss, opt)", "update(opt=opt, loss=loss)"])
def test_a_helper_that_runs_the_backward_pass_over_what_it_is_given(call: str) -> None:
    [growth] = program(GIVEN.format(first="opt.zero_grad()", call=call)).flow.growths
    assert growth.path == "total" and growth.confidence == "high" and growth.backward is not None


@pytest.mark.parametrize(
    ("first", "call"),
    [
        ("loss = torch.zeros(1, requires_grad=True)", "update(loss, opt)"),  # over another tensor
        ("opt.zero_grad()", "update(loss, opt); loss = loss.item()"),
        ("opt.zero_grad()", "update(other(x), opt)"),
    ],
)
def test_a_helper_that_differentiates_something_else(first: str, call: str) -> None:
    assert program(GIVEN.format(first=first, call=call)).flow.growths == []


FED = """
    import torch
    from torch import nn
    from torch.utils.data import DataLoader
    def step(net, x, y, total):
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        total += loss
        return {back}
    def train(net, data):
        {before}
        for x, y in DataLoader(data):
            {inside}
            {call}
"""


@pytest.mark.parametrize(
    ("back", "call"),
    [("total", "total = step(net, x, y, total)"), ("loss, total", "loss, total = step(net, x, y, total=total)")],
)
def test_a_total_that_a_helper_takes_and_gives_back_grows(back: str, call: str) -> None:
    found = program(FED.format(back=back, before="total = 0.0", inside="pass", call=call)).flow.growths
    assert [growth.path for growth in found] == ["total"]


@pytest.mark.parametrize(
    ("back", "before", "inside", "call"),
    [
        ("total", "pass", "total = 0.0", "total = step(net, x, y, total)"),
        ("total", "total = 0.0", "pass", "other = step(net, x, y, total)"),
        ("loss", "total = 0.0", "pass", "total = step(net, x, y, total)"),
        ("total, loss", "total = 0.0", "pass", "loss, total = step(net, x, y, total)"),
    ],
)
def test_a_total_that_does_not_go_round(back: str, before: str, inside: str, call: str) -> None:
    assert program(FED.format(back=back, before=before, inside=inside, call=call)).flow.growths == []


@pytest.mark.parametrize(("given", "start"), [("shown, x, net", "pass"), ("0.0, x, net", "shown = 0.0")])
def test_a_total_within_one_batch_does_not_grow(given: str, start: str) -> None:
    p = program(f"""
        from torch.utils.data import DataLoader
        def some(shown, x, net):
            {start}
            for _ in range(2):
                loss = net(x)
                loss.backward()
                shown += loss
            return shown
        def train(net, data):
            for x in DataLoader(data):
                shown = 0.0
                shown = some({given})
    """)
    assert p.flow.growths == []


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


REPORTED = """
    def report(total, i):
        {reset}
        return total
    def finish(opt):
        opt.step()
        opt.zero_grad()
    def train(net, loader, opt, criterion):
        total = 0.0
        for i, (x, y) in enumerate(loader):
            loss = criterion(net(x), y)
            loss.backward()
            total += loss
            {end}
"""


@pytest.mark.parametrize(
    ("reset", "end", "count"),
    [
        ("if i % 9 == 0: total = 0.0", "total = report(total, i)", 1),  # most iterations leave it as it is
        ("total = 0.0", "total = report(total, i)", 0),
        ("if i % 9 == 0: opt.zero_grad(); total = 0.0", "total = report(total, i)", 0),
        ("pass", "if i % 4 == 0: finish(opt); total = 0.0", 0),
        ("pass", "if i % 4 == 0: print(opt); total = 0.0", 1),
    ],
)
def test_a_total_that_a_function_starts_anew(reset: str, end: str, count: int) -> None:
    assert len(program(REPORTED.format(reset=reset, end=end)).flow.growths) == count


PARAMETERS = "from vllm import SamplingParams\ndef parameters(n):\n    return SamplingParams(n=n)\n"


@pytest.mark.parametrize(
    ("run", "sure"),
    [
        ("llm.generate(prompts, parameters(2))", "high"),
        ("p = parameters(2)\nllm.generate(prompts, p)", "high"),
        ("print(parameters(2))", None),
        ("llm.generate(prompts, other)\nparameters(2)", None),
    ],
)
def test_an_object_that_another_file_hands_on(run: str, sure: str | None) -> None:
    run = f"from tools import parameters\nfrom vllm import LLM\nllm = LLM('m')\n{run}\n"
    p = program(PARAMETERS, {"run.py": run}, path="tools.py")
    assert p.flow.reaches_method(p.calls_of("vllm.SamplingParams")[0], ("generate",)) == sure
