"""A finding that rests on another file links there: every rule, with a helper in a file of its own."""

import textwrap

import pytest
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.text.document import Document

HEAD = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\nfrom helper import {names}\n"
NET = "net = nn.Linear(1, 1)\nopt = torch.optim.Adam(net.parameters())\n"
LOOP = """for epoch in range(3):
    for x in xs:
        opt.zero_grad()
        net(x).mean().backward()
        opt.step()
"""
STEP_IN = "def update(opt, loss):\n    loss.backward()\n    opt.step()\n"
MAKES_OPT = "import torch\ndef make(net):\n    return torch.optim.Adam(net.parameters())\n"
MODEL = """from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()
        self.out = nn.Linear(1, 1)
    def forward(self, x):
        return self.out(self.drop(x)).softmax(dim=1)
"""
SCALED = (
    "for x in xs:\n    opt.zero_grad()\n    scaler.scale(net(x).sum()).backward()\n    {clip}\n"
    "    scaler.step(opt)\n    scaler.update()\n"
)

# rule, names of the helper, the program, the helper, the lines of the helper that the finding has to link to
CASES = [
    ("LOOP001", "update", NET + "for x in xs:\n    update(opt, net(x).sum())\n", STEP_IN, {2, 3}),
    ("LOOP001", "make", "net = nn.Linear(1, 1)\nopt = make(net)\n" + LOOP.replace("opt.zero_grad()", "pass"),
     MAKES_OPT, {3}),
    ("LOOP002", "judge", NET.replace("Linear(1, 1)", "Dropout()") + LOOP + "    judge(net)\n",
     "def judge(net):\n    net.eval()\n    print(net(1))\n", {2}),
    ("LOOP002", "Net", NET.replace("nn.Linear(1, 1)", "Net()") + LOOP + "    net.eval()\n", MODEL, {5}),
    ("AMP001", "make", NET + "scaler = make()\n" + SCALED.format(clip="nn.utils.clip_grad_norm_(net.parameters(), 1)"),
     "import torch\ndef make():\n    return torch.amp.GradScaler('cuda')\n", {3}),
    ("AMP001", "clip", NET + "scaler = torch.amp.GradScaler('cuda')\n" + SCALED.format(clip="clip(net)"),
     "import torch\ndef clip(net):\n    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n", {3}),
    ("LOSS001", "Net", "net = Net()\nfor x, y in xs:\n    F.cross_entropy(net(x), y).backward()\n", MODEL, {8}),
    ("LOSS001", "criterion", "def run(net, x, y):\n    return criterion(F.softmax(net(x), dim=1), y)\n",
     "from torch import nn\ncriterion = nn.CrossEntropyLoss()\n", {2}),
    ("MEM001", "step", NET + "total = 0\nfor x in xs:\n    loss = step(net, opt, x)\n    total += loss\nprint(total)\n",
     "def step(net, opt, x):\n    opt.zero_grad()\n    loss = net(x).mean()\n    loss.backward()\n    opt.step()\n"
     "    return loss\n", {3, 4}),
    ("MEM001", "Meter", NET + "meter = Meter()\n" + LOOP.replace("net(x).mean().backward()",
     "loss = net(x).mean()\n        loss.backward()\n        meter.update(loss)") + "print(meter.total)\n",
     "class Meter:\n    def __init__(self):\n        self.total = 0\n    def update(self, value):\n"
     "        self.total += value\n", {5}),
    ("CKPT001", "keep", NET + LOOP + "    keep({'net': net.state_dict(), 'epoch': epoch}, 'last.pt')\n",
     "import torch\ndef keep(state, path):\n    torch.save(state, path)\n", {3}),
    ("CKPT001", "make", "net = nn.Linear(1, 1)\nopt = make(net)\n" + LOOP
     + "    torch.save({'net': net.state_dict(), 'epoch': epoch}, 'last.pt')\n", MAKES_OPT, {3}),
    ("CKPT010", "restore", "net = nn.Linear(1, 1).cuda()\nrestore(net, torch.load('a.pt'))\n",
     "def restore(net, state):\n    net.load_state_dict(state)\n", {2}),
    ("SEED001", "seed_all", "import numpy as np\nseed_all(1)\n" + NET + LOOP.replace("(x)", "(x + np.random.rand())"),
     "import torch\ndef seed_all(n):\n    torch.manual_seed(n)\n", {3}),
    ("SEED001", "noise", "torch.manual_seed(1)\n" + NET + LOOP.replace("net(x)", "net(noise(x))"),
     "import numpy as np\ndef noise(x):\n    return x + np.random.rand()\n", {3}),
    ("VLLM001", "make", "from vllm import LLM\nllm = make()\nprint(llm.generate(['x']))\n",
     "from vllm import LLM\ndef make():\n    return LLM('a', generation_config='vllm')\n", {3}),
]  # fmt: skip


def analysed(main: str, helper: str) -> Result:
    host = ProjectHost("/p", {"/p/main.py": main, "/p/helper.py": helper})
    return analyse(Document.from_text(main, "/p/main.py"), host, Settings(preview=True))


@pytest.mark.parametrize(("code", "names", "body", "helper", "lines"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_the_evidence_links_there(code: str, names: str, body: str, helper: str, lines: set[int]) -> None:
    result = analysed(HEAD.format(names=names) + body, helper)
    (finding,) = [f for f in result.findings if f.code == code]
    places = [r.place for r in finding.related if r.place is not None]
    assert {p.path for p in places} == {"/p/helper.py"}
    assert lines <= {p.line + 1 for p in places}
    shown = helper.split("\n")
    for place in places:
        assert shown[place.line][: place.column] == place.before


def test_columns_of_another_file_can_be_counted_in_any_unit() -> None:
    helper = textwrap.dedent(
        """
        def update(opt, loss):
            "𝒳é"; loss.backward(); opt.step()
        """
    )
    body = NET + "for x in xs:\n    update(opt, net(x).sum())\n"
    (finding,) = [f for f in analysed(HEAD.format(names="update") + body, helper).findings if f.code == "LOOP001"]
    step = next(r.place for r in finding.related if r.place is not None)
    assert step.before == '    "𝒳é"; loss.backward(); '
