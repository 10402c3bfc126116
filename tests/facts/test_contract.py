"""Each sentence of the contract of `facts` (design, section 5), one test or more."""

from typing import Any

from dry_debug.program.facts import facts
from dry_debug.program.parsing import parse
from dry_debug.program.program import Program
from dry_debug.text.document import Document, Problem
from dry_debug.text.notebook import NotebookCell, from_cells

from tests.facts.small import told
from tests.program.model import ROOT, program

TOOLS = """
import random
import numpy as np
import torch


def set_seed(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def keep(path, net, opt):
    torch.save({"net": net.state_dict(), "opt": opt.state_dict()}, path)


def restore(path, net):
    held = torch.load(path, map_location="cpu")
    net.load_state_dict(held["net"])


def update(loss, opt, net):
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    opt.zero_grad()


def judge(net):
    net.eval()
"""
RUN = """
import torch
import tools

net = torch.nn.Linear(2, 2)
opt = torch.optim.AdamW(net.parameters(), lr=0.1)
for epoch in range(3):
    for x in batches:
        tools.update(net(x).sum(), opt, net)
    tools.judge(net)
    tools.keep("last.pt", net, opt)
"""


def rows(found: list[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(row[field] for field in fields) for row in found]


def where(line: int) -> str:
    return f"{ROOT}/tools.py:{line}"


def test_names_are_as_written() -> None:
    found = told(
        """
        import torch
        class Run:
            def __init__(self):
                self.net = torch.nn.Linear(1, 1)
                self.optimizer = torch.optim.SGD(self.net.parameters(), lr=1)
            def go(self, xs):
                for x in xs:
                    self.net(x).sum().backward()
                    self.optimizer.step()
        """
    )
    assert rows(found["components"], "kind", "name", "covers")[:2] == [
        ("model", "self.net", []),
        ("optimizer", "self.optimizer", ["self.net"]),
    ]
    assert ("optimizer_step", "self.optimizer") in rows(found["steps"], "kind", "object")


def test_a_step_through_a_scaler_names_the_optimizer_as_its_object() -> None:
    found = told(
        """
        import torch
        net = torch.nn.Linear(1, 1)
        opt = torch.optim.SGD(net.parameters(), lr=1)
        scaler = torch.amp.GradScaler("cuda")
        for x in xs:
            scaler.scale(net(x).sum()).backward()
            scaler.unscale_(opt)
            scaler.step(opt)
            scaler.update()
        """
    )
    assert rows(found["steps"], "kind", "object", "line")[1:] == [
        ("unscale", "opt", 8),
        ("optimizer_step", "opt", 9),
        ("scaler_update", "scaler", 10),
    ]


def test_a_call_of_a_helper_counts_at_the_line_of_the_call_with_via() -> None:
    found = told(RUN, {"tools.py": TOOLS})
    assert rows(found["steps"], "kind", "object", "line", "via") == [
        ("backward", "net(x).sum()", 9, where(23)),
        ("clip", "net", 9, where(24)),
        ("optimizer_step", "opt", 9, where(25)),
        ("zero_grad", "opt", 9, where(26)),
    ]
    assert rows(found["modes"], "kind", "object", "line", "end_line", "via") == [("eval", "net", 10, 10, where(30))]
    assert rows(found["saves"], "line", "keys", "components", "via") == [
        (11, ["net", "opt"], ["model", "optimizer"], where(14))
    ]


def test_via_has_one_form_in_this_file_too() -> None:
    found = told(
        """
        import torch
        def keep(path, net):
            torch.save(net.state_dict(), path)
        net = torch.nn.Linear(1, 1)
        keep("a.pt", net)
        """
    )
    assert rows(found["saves"], "line", "path", "via") == [(6, "a.pt", f"{ROOT}/main.py:4")]


def test_a_seeding_helper_gives_one_item_for_each_generator() -> None:
    source = "from tools import set_seed\nset_seed(1)\n"
    found = told(source, {"tools.py": TOOLS})["randomness"]
    assert rows(found, "kind", "rng", "line", "via") == [
        ("seed", "python", 2, where(8)),
        ("seed", "numpy", 2, where(9)),
        ("seed", "torch", 2, where(10)),
        ("seed", "cuda", 2, where(10)),  # `torch.manual_seed` seeds every device
    ]


def test_a_load_stands_at_the_torch_load() -> None:
    found = told(
        """
        import torch
        def restore(path, net):
            held = torch.load(path, map_location="cpu")
            net.load_state_dict(held["net"], strict=False)
        net = torch.nn.Linear(1, 1)
        restore("a.pt", net)
        """
    )
    assert rows(found["loads"], "line", "keys", "components", "map_location", "strict") == [
        (4, ["net"], ["model"], '"cpu"', False)
    ]


def test_parameter_marks_what_comes_in_as_an_argument() -> None:
    found = told(
        """
        import torch
        def train(net, loader, optimizer):
            for x in loader:
                optimizer.zero_grad()
                net(x).sum().backward()
                optimizer.step()
        """
    )
    assert ("optimizer", "optimizer", 3, True) in rows(found["components"], "kind", "name", "line", "parameter")


def test_null_is_not_known_and_an_empty_list_is_not_there() -> None:
    found = told("import torch\nnet = torch.nn.Linear(1, 1)\n")
    (net,) = found["components"]
    assert (net["role"], net["cadence"], net["covers"]) == (None, None, [])
    assert found["saves"] == found["loads"] == found["steps"] == []
    assert found["distributed"] == {"backend": None, "wrappers": [], "rank_guards": []}


def test_a_mode_that_a_block_sets_ends_with_the_block() -> None:
    found = told(
        """
        import torch
        with torch.no_grad():
            a = 1
            b = 2
        @torch.inference_mode()
        def f():
            return 1
        """
    )["modes"]
    assert rows(found, "kind", "line", "end_line") == [("no_grad", 3, 5), ("inference_mode", 7, 8)]


def test_a_cadence_is_that_of_the_loop_around_the_step() -> None:
    source = """
        import torch
        net = torch.nn.Linear(1, 1)
        opt = torch.optim.SGD(net.parameters(), lr=1)
        plan = torch.optim.lr_scheduler.StepLR(opt, 3)
        for epoch in range(3):
            for x in loader:
                opt.zero_grad()
                net(x).sum().backward()
                opt.step()
            plan.step()
        """
    assert [c["cadence"] for c in told(source)["components"] if c["kind"] == "scheduler"] == ["epoch"]
    inner = source.replace("            plan.step()", "                plan.step()")
    assert [c["cadence"] for c in told(inner)["components"] if c["kind"] == "scheduler"] == ["batch"]


def test_what_the_contract_does_not_name_is_no_component() -> None:
    found = told("from lightning.pytorch.callbacks import EarlyStopping\nstop = EarlyStopping('loss')\n")
    assert found["components"] == []


def test_the_type_is_that_of_the_class() -> None:
    found = told("from transformers import AutoTokenizer\ntok = AutoTokenizer.from_pretrained('gpt2')\n")
    assert rows(found["components"], "kind", "type") == [("tokenizer", "AutoTokenizer")]


def test_in_a_notebook_lines_count_within_the_cell() -> None:
    cells = [
        NotebookCell(1, "import torch\nnet = torch.nn.Linear(1, 1)\n"),
        NotebookCell(3, "opt = torch.optim.SGD(net.parameters(), lr=1)\n"),
    ]
    document = from_cells(cells, "/nowhere/a.ipynb")
    tree = parse(document)
    assert not isinstance(tree, Problem)
    found = facts(Program(document, tree, program("").host))
    assert rows(found["components"], "name", "cell", "line") == [("net", 1, 2), ("opt", 3, 1)]


def test_nothing_is_told_twice() -> None:
    document = Document.from_text("import torch\ntorch.manual_seed(0); torch.manual_seed(0)\n", "a.py")
    tree = parse(document)
    assert not isinstance(tree, Problem)
    seeds = [r for r in facts(Program(document, tree, program("").host))["randomness"] if r["rng"] == "torch"]
    assert len(seeds) == 1
