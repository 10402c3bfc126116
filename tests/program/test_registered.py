"""Classes and functions that are registered by decorators, and what a look-up gives."""

from __future__ import annotations

import pytest
from dry_debug.program.facts import facts

from tests.program.model import marked, program

REGISTRY = """
class Registry:
    def __init__(self, title):
        self.title = title
        self._known = {}
    def register(self, made=None, name=None):
        def keep(made):
            self._known[name or made.__name__] = made
            return made
        return keep if made is None else keep(made)
    def get(self, name):
        return self._known[name]
    def __getitem__(self, name):
        return self._known[name]

MODELS = Registry("models")
"""
NETS = """
import torch
from registry import MODELS

class Base(torch.nn.Module):
    def forward(self, x):
        return x

@MODELS.register()
class Small(Base):
    pass

@MODELS.register(name="large")
class Large(Base):
    pass

class Left(Base):
    pass

MODELS.register(Left)

@MODELS.register()
def pretrained(width=1):
    return Small()
"""
FILES = {"registry.py": REGISTRY, "nets.py": NETS}

CASES = [
    ("MODELS.get('Small')()", "module", "Small", "high"),
    ("MODELS.get('large')()", "module", "Large", "high"),
    ("MODELS['Left']()", "module", "Left", "high"),
    ("MODELS.get('pretrained')()", "module", "Small", "high"),
    ("MODELS.get('Large')()", "unknown", None, "low"),  # it is registered under another name
    ("MODELS.get(args.net)()", "module", None, "medium"),
    ("MODELS[args.net](3)", "module", None, "medium"),
    ("MODELS.get(args.net)", "choice", None, "medium"),
    ("MODELS.title.get(args.net)()", "unknown", None, "low"),
]


@pytest.mark.parametrize(("text", "kind", "made", "confidence"), CASES)
def test_what_a_registry_gives(text: str, kind: str, made: str | None, confidence: str) -> None:
    value = marked(f"from registry import MODELS\nhere({text})\n", FILES)
    assert (value.kind, value.type, value.confidence) == (kind, made, confidence)


def test_a_registry_and_what_is_in_it_in_one_file() -> None:
    source = REGISTRY + NETS.replace("from registry import MODELS", "") + "\nhere(MODELS.get(args.net)())\n"
    value = marked(source)
    assert (value.kind, value.confidence) == ("module", "medium")


@pytest.mark.parametrize(
    ("library", "made"),
    [
        ("from mmengine import Registry", "MODELS.build(cfg)"),
        ("from mmcv.utils import Registry", "MODELS.get(cfg.type)()"),
        ("from fvcore.common.registry import Registry", "MODELS.get(cfg.type)()"),
    ],
)
def test_a_registry_of_a_library(library: str, made: str) -> None:
    files = {
        "registry.py": f"{library}\nMODELS = Registry('models')\n",
        "nets.py": "import torch\nfrom registry import MODELS\n\n@MODELS.register_module()\n"
        "class Only(torch.nn.Module):\n    def forward(self, x):\n        return x\n",
    }
    value = marked(f"from registry import MODELS\nhere({made})\n", files)
    assert (value.kind, value.type, value.confidence) == ("module", "Only", "medium")


DICT = """
_NETS = {}
_SEEN = {}

def register_net(cls=None, *, name=None):
    def keep(cls):
        _NETS[name or cls.__name__] = cls
        return cls
    return keep if cls is None else keep(cls)

def get_net(name):
    return _NETS[name]

def remember(key, value):
    _SEEN[key] = value

def seen(key):
    return _SEEN[key]
"""
IN_DICT = """
import torch
from pkg import store

@store.register_net(name="plain")
class Plain(torch.nn.Module):
    def forward(self, x):
        return x

@store.register_net
class Other(torch.nn.Module):
    def forward(self, x):
        return x

@store.remember
class Unrelated:
    pass
"""


@pytest.mark.parametrize(
    ("text", "kind", "made"),
    [
        ("store.get_net('plain')()", "module", "Plain"),
        ("store.get_net('Other')()", "module", "Other"),
        ("store.get_net('Plain')()", "unknown", None),
        ("store.get_net(args.net)()", "module", None),
        ("store.seen(args.net)", "unknown", None),
        ("store.seen('Unrelated')()", "unknown", None),
    ],
)
def test_a_dict_that_a_decorator_fills(text: str, kind: str, made: str | None) -> None:
    files = {"pkg/__init__.py": "", "pkg/store.py": DICT, "pkg/nets.py": IN_DICT}
    value = marked(f"from pkg import store\nhere({text})\n", files)
    assert (value.kind, value.type) == (kind, made)


def test_the_methods_of_an_object_of_any_registered_class_are_followed() -> None:
    """A training loop whose steps are those of one of several trainers, none of which the file imports."""
    trainers = """
        import torch
        from registry import MODELS
        class Base:
            def __init__(self, cfg):
                self.net = torch.nn.Linear(2, 1)
                self.opt = torch.optim.Adam(self.net.parameters())
            def step(self, x):
                loss = self.loss(x)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
        @MODELS.register()
        class Near(Base):
            def loss(self, x):
                return self.net(x).mean()
        @MODELS.register()
        class Far(Base):
            def loss(self, x):
                return -self.net(x).mean()
    """
    main = """
        from registry import MODELS
        def run(cfg, batches):
            trainer = MODELS.get(cfg["trainer"])(cfg)
            for epoch in range(cfg["epochs"]):
                for x in batches:
                    trainer.step(x)
    """
    told = facts(program(main, {"registry.py": REGISTRY, "trainers.py": trainers}))
    assert [loop["kind"] for loop in told["loops"]] == ["epoch", "batch"]
    kinds = [row["kind"] for row in told["steps"]]
    assert kinds == ["zero_grad", "backward", "optimizer_step"]


def test_one_of_several_losses_is_a_loss() -> None:
    losses = """
        import torch
        from registry import MODELS
        @MODELS.register()
        class L1Loss(torch.nn.Module):
            def forward(self, a, b):
                return (a - b).abs().mean()
        @MODELS.register()
        class HuberLoss(torch.nn.Module):
            def forward(self, a, b):
                return torch.nn.functional.huber_loss(a, b)
    """
    main = "from registry import MODELS\npixels = MODELS.get(options.loss)()\n"
    told = facts(program(main, {"registry.py": REGISTRY, "losses.py": losses}))
    assert [(row["kind"], row["name"]) for row in told["components"]] == [("loss", "pixels")]
