"""What the model says an expression is, at a use: `here(x)` marks it."""

import ast

import pytest

from tests.program.model import marked, program

IMPORTS = """
import torch, torch.nn as nn, torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader
from torch.optim import Adam
"""


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("o = optim.SGD(p)\nhere(o)", "optimizer"),
        ("o = torch.optim.Adam(p)\nhere(o)", "optimizer"),
        ("make = Adam\no = make(p)\nhere(o)", "optimizer"),
        ("o = getattr(torch.optim, name)(p)\nhere(o)", "optimizer"),
        ("from functools import partial\nmake = partial(Adam, lr=1)\nhere(make(p))", "optimizer"),
        ("import bitsandbytes as bnb\nhere(bnb.optim.Adam8bit(p))", "optimizer"),
        ("from torch.optim import *\nhere(AdamW(p))", "optimizer"),
        ("s = optim.lr_scheduler.StepLR(o, 3)\nhere(s)", "scheduler"),
        ("from transformers import get_cosine_schedule_with_warmup as g\nhere(g(o, 1, 2))", "scheduler"),
        ("from torch.cuda.amp import GradScaler\nhere(GradScaler())", "scaler"),
        ("here(torch.amp.GradScaler('cuda'))", "scaler"),
        ("here(DataLoader(d))", "loader"),
        ("from torchvision import datasets\nhere(datasets.MNIST('x'))", "dataset"),
        ("here(nn.CrossEntropyLoss())", "loss"),
        ("here(nn.Linear(1, 2))", "module"),
        ("from transformers import AutoModel\nhere(AutoModel.from_pretrained('x'))", "module"),
        ("from transformers import AutoTokenizer\nhere(AutoTokenizer.from_pretrained('x'))", "tokenizer"),
        ("from transformers import AutoConfig\nhere(AutoConfig.from_pretrained('x'))", "config"),
        ("from torchvision import models\nhere(models.resnet18())", "module"),
        ("from torchvision import models\nhere(models.__dict__[arch]())", "module"),
        ("here(nn.Linear(1, 2).to('cuda').train())", "module"),
        ("class Net(nn.Module):\n    pass\nhere(Net())", "module"),
        ("class Base(nn.Module):\n    pass\nclass Net(Base):\n    pass\nhere(Net())", "module"),
        ("class D(torch.utils.data.Dataset):\n    pass\nhere(D())", "dataset"),
        ("class Sgd(optim.Optimizer):\n    pass\nhere(Sgd(p))", "optimizer"),
        ("m = nn.Linear(1, 2)\nm = torch.compile(m)\nhere(m)", "module"),
        ("step = torch.compile(lambda x: x)\nhere(step)", "function"),
        ("a, (b, c) = 1, (optim.SGD(p), 2)\nhere(b)", "optimizer"),
        ("first, *rest = [optim.SGD(p), 1, 2]\nhere(first)", "optimizer"),
        ("if (o := optim.SGD(p)):\n    here(o)", "optimizer"),
        ("o = optim.SGD(p) if x else optim.Adam(p)\nhere(o)", "optimizer"),
        ("o = cached or optim.SGD(p)\nhere(o)", "optimizer"),
        ("d = {'opt': optim.SGD(p)}\nhere(d['opt'])", "optimizer"),
        ("os = [optim.SGD(p)]\nfor o in os:\n    here(o)", "optimizer"),
        ("os = [optim.SGD(p) for p in ps]\nfor o in os:\n    here(o)", "optimizer"),
        ("for i, (x, y) in enumerate(DataLoader(d)):\n    here(x)", "batch"),
        ("from tqdm import tqdm\nfor x in tqdm(DataLoader(d)):\n    here(x)", "batch"),
        ("x, y = next(iter(DataLoader(d)))\nhere(y)", "batch"),
        ("here(float(t))", "number"),
        ("here(optim)", "library"),
        ("here(unknown())", "unknown"),
        ("from torchvision import models\nhere(models.resnet18())", "module"),
        ("from torchvision.models import ResNet18_Weights as W\nhere(W.DEFAULT.transforms())", "unknown"),
        ("optim = Something()\no = optim.SGD(p)\nhere(o)", "unknown"),
    ],
)
def test_kinds_by_binding(source: str, kind: str) -> None:
    assert marked(IMPORTS + source).kind == kind


@pytest.mark.parametrize(
    ("source", "kind", "confidence"),
    [
        ("def f(o):\n    o.zero_grad()\n    o.step()\n    here(o)", "optimizer", "medium"),
        ("def f(thing):\n    thing.eval()\n    here(thing)", "module", "medium"),
        ("def f(optimizer):\n    here(optimizer)", "optimizer", "low"),
        ("def f(o: torch.optim.Optimizer):\n    here(o)", "optimizer", "high"),
        ("def f(o: 'torch.optim.Adam | None' = None):\n    here(o)", "optimizer", "high"),
        ("optimizer = build()\nhere(optimizer)", "optimizer", "low"),
        ("def f(optimizer):\n    here(optimizer)\nf(nn.Linear(1, 2))", "module", "high"),
    ],
)
def test_binding_first_usage_second_name_last(source: str, kind: str, confidence: str) -> None:
    value = marked(IMPORTS + source)
    assert (value.kind, value.confidence) == (kind, confidence)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("x = optim.SGD(p)\nx = nn.Linear(1, 2)\nhere(x)", "module"),
        ("x = optim.SGD(p)\nhere(x)\nx = nn.Linear(1, 2)", "optimizer"),
        ("x = nn.Linear(1, 2)\nif a:\n    x = optim.SGD(p)\n    here(x)", "optimizer"),
        ("if a:\n    x = optim.SGD(p)\nelse:\n    x = optim.Adam(p)\nhere(x)", "optimizer"),
        ("x = None\nif a:\n    x = optim.SGD(p)\nhere(x)", "optimizer"),
        (
            "x = 1\nif a:\n    x = optim.SGD(p)\nelif b:\n    x = optim.Adam(p)\nelse:\n    raise E\nhere(x)",
            "optimizer",
        ),
        ("x = 1\nif a:\n    x = optim.SGD(p)\nhere(x)", "unknown"),
        ("x = 1\ntry:\n    x = optim.SGD(p)\nexcept E:\n    raise\nhere(x)", "optimizer"),
        ("x = 1\nwith c:\n    x = optim.SGD(p)\nhere(x)", "optimizer"),
        ("x = 1\nfor i in y:\n    here(x)\n    x = optim.SGD(p)", "unknown"),
        ("x = 1\nfor i in y:\n    x = optim.SGD(p)\n    here(x)\n    x = 2", "optimizer"),
        ("def f():\n    here(x)\nx = optim.SGD(p)", "optimizer"),
        ("def f():\n    global x\n    x = optim.SGD(p)\ndef g():\n    here(x)", "optimizer"),
        ("x = optim.SGD(p)\ndef f():\n    x = 1\n    here(x)", "const"),
        ("x = optim.SGD(p)\nhere([x for x in ys][0])", "unknown"),
    ],
)
def test_the_bindings_that_reach_a_use_count(source: str, kind: str) -> None:
    assert marked(IMPORTS + source).kind == kind


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def make(optimizer):\n    here(optimizer)", "optimizer"),
        ("def make(optimizer):\n    here(optimizer)\n    if optimizer == 'adam':\n        pass", "unknown"),
        ("def make(optimizer):\n    here(optimizer)\n    if optimizer in ('a', 'b'):\n        pass", "unknown"),
        ("def make(optimizer):\n    here(optimizer)\n    if optimizer == other:\n        pass", "optimizer"),
        ("def make(model):\n    here(model)\n    if model.lower() in known:\n        pass", "unknown"),
        ("def run(optimizer):\n    here(optimizer)\n    optimizer.step()\n    if optimizer == 'a':\n        pass",
         "optimizer"),
    ],
)  # fmt: skip
def test_a_name_that_is_compared_with_texts_is_a_text(source: str, kind: str) -> None:
    assert marked(IMPORTS + source).kind == kind


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def make():\n    return optim.SGD(p)\nhere(make())", "optimizer"),
        ("def make():\n    return nn.Linear(1, 2), optim.SGD(p)\nm, o = make()\nhere(o)", "optimizer"),
        ("def make(k):\n    if k == 1:\n        return optim.SGD(p)\n    return optim.Adam(p)\n"
         "here(make(2))", "optimizer"),
        ("def same(x):\n    return x\nhere(same(optim.SGD(p)))", "optimizer"),
        ("def rec(x):\n    return rec(x)\nhere(rec(1))", "unknown"),
        ("class T:\n    def __init__(self):\n        self.o = optim.SGD(p)\n    def f(self):\n"
         "        here(self.o)", "optimizer"),
        ("class T:\n    def __init__(self, o):\n        self.o = o\n    def f(self):\n"
         "        here(self.o)\nT(optim.SGD(p))",
         "optimizer"),
        ("class T:\n    def make(self):\n        return optim.SGD(p)\n    def f(self):\n"
         "        here(self.make())", "optimizer"),
        ("class T:\n    @property\n    def o(self):\n        return optim.SGD(p)\n    def f(self):\n"
         "        here(self.o)",
         "optimizer"),
        ("class B:\n    def __init__(self):\n        self.o = optim.SGD(p)\nclass T(B):\n"
         "    def f(self):\n        here(self.o)",
         "optimizer"),
        ("class T:\n    def __init__(self):\n        self.o = optim.SGD(p)\nt = T()\nhere(t.o)", "optimizer"),
        ("f = lambda x: optim.SGD(x)\nhere(f(1))", "optimizer"),
    ],
)  # fmt: skip
def test_values_go_through_functions_and_classes(source: str, kind: str) -> None:
    assert marked(IMPORTS + source).kind == kind


NET = IMPORTS + "net = nn.Linear(1, 2)\ncriterion = nn.CrossEntropyLoss()\n"


@pytest.mark.parametrize(
    ("source", "attached"),
    [
        ("here(net(x))", True),
        ("here(criterion(net(x), y))", True),
        ("here(criterion(net(x), y) / 4 + 1)", True),
        ("here(criterion(net(x), y).detach())", False),
        ("loss = criterion(net(x), y)\nhere(loss.data)", False),
        ("with torch.no_grad():\n    here(net(x))", False),
        ("with torch.inference_mode():\n    here(criterion(net(x), y))", False),
        ("from tools import inference_mode\nwith inference_mode():\n    here(net(x))", False),
        ("from tools import timer\nwith timer():\n    here(net(x))", True),
        ("with torch.set_grad_enabled(phase == 'train'):\n    here(net(x))", None),
        ("@torch.no_grad()\ndef f():\n    here(net(x))", False),
        ("def f():\n    here(net(x))\n@torch.no_grad()\ndef g():\n    f()", False),
        ("def f():\n    here(net(x))\n@torch.no_grad()\ndef g():\n    f()\nf()", None),
        ("with torch.no_grad():\n    with torch.enable_grad():\n        here(net(x))", True),
        ("here(torch.zeros(3))", False),
        ("here(net(x).argmax(1))", False),
        ("here(F.cross_entropy(net(x), y))", True),
        ("total = torch.zeros(1)\ntotal += criterion(net(x), y)\nhere(total)", True),
        ("here(F.mse_loss(torch.ones(1), torch.zeros(1)))", False),
        ("here(criterion(unknown, y))", None),
    ],
)
def test_graph_attachment(source: str, attached: bool | None) -> None:
    assert marked(NET + source).attached is attached


@pytest.mark.parametrize(
    ("source", "via"),
    [
        ("here(F.softmax(x, dim=1))", "softmax"),
        ("here(torch.softmax(x, 1).squeeze(0))", "softmax"),
        ("here(net(x).softmax(-1))", "softmax"),
        ("here(nn.Softmax(dim=1)(x))", "softmax"),
        ("here(nn.LogSoftmax(dim=1)(x))", "log_softmax"),
        ("here(torch.log(F.softmax(net(x), 1)))", "log"),
        ("here(nn.Sequential(nn.Linear(1, 2), nn.Softmax(1))(x))", "softmax"),
        ("class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.out = nn.Softmax(1)\n"
         "    def forward(self, x):\n        return self.out(x)\nhere(N()(x))", "softmax"),
        ("class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
         "        self.softmax = nn.LogSoftmax(1)\n"
         "    def forward(self, x):\n        return self.softmax(x)\nhere(N()(x))", "log_softmax"),
        ("class N(nn.Module):\n    def forward(self, x):\n        a = F.softmax(x, 1)\n"
         "        return a @ x\nhere(N()(x))", None),
    ],
)  # fmt: skip
def test_the_operation_that_made_a_tensor(source: str, via: str | None) -> None:
    assert marked(NET + source).via == via


def test_one_object_keeps_its_identity_through_aliases_and_wrappers() -> None:
    model = program(
        IMPORTS
        + """
net = nn.Linear(1, 2)
alias = net.to("cuda")
wrapped = nn.parallel.DistributedDataParallel(torch.compile(alias))
other = nn.Linear(1, 2)
"""
    )
    net, alias, wrapped, other = (model.export(n).base.ident for n in ("net", "alias", "wrapped", "other"))
    assert net == alias == wrapped
    assert net != other


def test_a_factory_makes_another_object_at_every_call() -> None:
    model = program(IMPORTS + "def make():\n    return optim.SGD(p)\na = make()\nb = make()\n")
    assert model.export("a").ident != model.export("b").ident


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ("from build import make\nhere(make())", {"build.py": "import torch\ndef make():\n"
         "    return torch.optim.SGD(p)"}),
        ("import build\nhere(build.make())", {"build.py": "import torch\ndef make():\n    return torch.optim.SGD(p)"}),
        ("from lib.build import make\nhere(make())",
         {"lib/__init__.py": "", "lib/build.py": "import torch\ndef make():\n    return torch.optim.SGD(p)"}),
        ("from lib import make\nhere(make())",
         {"lib/__init__.py": "from .build import make", "lib/build.py": "import torch\nmake = torch.optim.SGD"}),
        ("from lib import *\nhere(make())", {"lib.py": "import torch\ndef make():\n    return torch.optim.SGD(p)"}),
        ("from lib import T\nclass U(T):\n    def f(self):\n        here(self.o)",
         {"lib.py": "import torch\nclass T:\n    def __init__(self):\n        self.o = torch.optim.SGD(p)"}),
        ("from pkg.a import make\nhere(make())",
         {"src/pkg/__init__.py": "", "src/pkg/a.py": "import torch\ndef make():\n    return torch.optim.SGD(p)"}),
        ("from a import x\nhere(x)", {"a.py": "from b import x", "b.py": "from a import y\n"
         "import torch\nx = torch.optim.SGD(p)"}),
    ],
)  # fmt: skip
def test_values_come_from_other_files_of_the_project(source: str, files: dict[str, str]) -> None:
    value = marked(source, files)
    assert value.kind == "optimizer"
    assert value.confidence == "high"


def test_modules_that_import_each_other_do_not_hang() -> None:
    assert marked("from a import x\nhere(x)", {"a.py": "from b import x", "b.py": "from a import x"}).kind == "unknown"


DECORATORS = """
import torch
import torch as t


def picks(old=False):
    def decorate(fn):
        return (t.inference_mode if not old else t.no_grad)()(fn)

    return decorate


def wraps(fn):
    def run(*args):
        with torch.no_grad():
            return fn(*args)

    return run


def plain():
    return torch.no_grad()


def sometimes(flag):
    def decorate(fn):
        return torch.no_grad()(fn) if flag else fn

    return decorate


def counts(fn):
    def run(*args):
        with torch.no_grad():
            torch.zeros(1)
        return fn(*args)

    return run


def times(fn):
    def run(*args):
        return fn(*args)

    return run
"""


@pytest.mark.parametrize(
    ("decorator", "mode"),
    [
        ("picks()", "off"),
        ("wraps", "off"),
        ("plain()", "off"),
        ("sometimes(True)", "unknown"),
        ("counts", "unknown"),
        ("times", "on"),
        ("elsewhere.unseen()", "on"),
    ],
)
def test_decorators_of_the_project_set_the_mode(decorator: str, mode: str) -> None:
    source = f"import elsewhere\nfrom modes import *\n\n\n@{decorator}\ndef f(x):\n    here(x)\n"
    model = program(source, {"modes.py": DECORATORS})
    use = next(c for c in model.index.calls if model.text(c) == "here(x)")
    assert model.grad_mode(use) == mode


def test_a_script_is_no_test_for_its_name_alone() -> None:
    script, collected = "def main():\n    pass\n", "def test_it():\n    pass\n"
    assert not program(script, path="mnist_test.py").is_test
    assert program(collected, path="mnist_test.py").is_test
    assert program(script, path="tests/helpers.py").is_test
    assert program("class NetTestCase(ToolTestCase):\n    pass\n", path="testing/net.py").is_test
    assert not program("class TestCase(BaseModel):\n    prompt: str\n", path="evaluate.py").is_test


@pytest.mark.parametrize(
    ("made", "kind"), [("torch.matmul(q, k)", "tensor"), ("torch.cat([q, k])", "unknown"), ("q @ k", "unknown")]
)
def test_a_product_of_torch_is_a_tensor_whatever_goes_in(made: str, kind: str) -> None:
    value = marked(f"import torch\ndef f(q, k):\n    s = {made}\n    here(s)\n")
    assert (value.kind, value.attached) == (kind, None)


def test_an_attribute_that_is_wrapped_in_place_is_the_same_whatever_is_asked_first() -> None:
    source = """import torch
from torch import nn

class Run:
    def __init__(self):
        self.net = nn.Linear(4, 2)

    def spread(self):
        self.net = nn.DataParallel(self.net)

    def go(self, x):
        return here(self.net)
"""
    answers = []
    for asked_first in (True, False):
        model = program(source)
        wrapping = next(c for c in model.index.calls if model.qualified(c) == "torch.nn.DataParallel")
        if asked_first:
            assert model.value(wrapping).wraps is not None
        use = next(c for c in model.index.calls if isinstance(c.func, ast.Name) and c.func.id == "here")
        held = model.value(use.args[0], use)
        answers.append((held.type, held.confidence, held.base.type))
    assert answers == [("torch.nn.DataParallel", "high", "torch.nn.Linear")] * 2


def test_a_model_of_one_of_two_classes_is_loaded() -> None:
    source = (
        "from transformers import GPT2LMHeadModel, OpenAIGPTLMHeadModel\n"
        "chosen = GPT2LMHeadModel if large else OpenAIGPTLMHeadModel\nnet = chosen.from_pretrained(name)\nuse(net)\n"
    )
    read = program(source)
    (call,) = [c for c in read.index.calls if c.args and isinstance(c.args[0], ast.Name) and c.args[0].id == "net"]
    assert read.value(call.args[0], call).kind == "module"


_FACTORY = """
import torch
from torch import nn

def build(config, simple=False, *, mode="train"):
    if not simple:
        return nn.Linear(2, 3)
    if mode == "data":
        return torch.utils.data.DataLoader(config)
    elif mode != "train":
        net = nn.ReLU()
    else:
        return torch.optim.SGD(config, 0.1)
    return nn.CrossEntropyLoss() if config else net
"""


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("build(config)", "module"),
        ("build(config, simple=False)", "module"),
        ("build(config, True, mode='data')", "loader"),
        ("build(config, True)", "optimizer"),
        ("build(config, mode='data', simple=True)", "loader"),
        # Whatever else the flag may be: one of several.
        ("build(config, config.simple)", "unknown"),
        ("build(config, **more)", "unknown"),
        ("build(*more)", "unknown"),
    ],
)
def test_a_literal_flag_leaves_the_returns_that_it_allows(call: str, kind: str) -> None:
    assert marked(f"{_FACTORY}\ndef f(config, more):\n    made = {call}\n    here(made)\n").kind == kind


def test_a_flag_that_the_function_sets_itself_leaves_all_returns() -> None:
    source = _FACTORY.replace("    if not simple", "    simple = config.simple\n    if not simple")
    assert marked(f"{source}\nhere(build([]))\n").kind == "unknown"


def test_a_decorator_may_give_what_the_call_does_not() -> None:
    source = _FACTORY.replace("def build", "@click.option('--simple', is_flag=True)\ndef build")
    assert marked(f"{source}\nhere(build([]))\n").kind == "unknown"
    assert marked(f"{source}\nhere(build([], False))\n").kind == "module"
