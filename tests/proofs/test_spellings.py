"""Every name that the tables read as another one is the same object in PyTorch, whatever module it is imported from."""

import json
import os
import subprocess

import pytest
from dry_debug.program import knowledge

from tests.pages.proofs import python_with_torch

pytestmark = pytest.mark.slow

# Where programs import from beside the documented places.
_MODULES = ("torch.nn.modules", "torch.nn.modules.loss", "torch.nn.parameter", "torch.utils.data.dataloader",
            "torch.utils.data.dataset", "torch.utils.data.sampler", "torch.utils.data.distributed",
            "torch.distributed.fsdp.fully_sharded_data_parallel", "torch.distributed._composable.fsdp",
            "torch.distributed._composable.fsdp.fully_shard", "torch.optim.adamw", "torch.optim.sgd",
            "torch.autograd.variable")  # fmt: skip

# The names that a module offers and PyTorch defines.
_OFFERED = """
import importlib, json, sys
offered = {}
for name in json.load(sys.stdin):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
    offered[name] = [n for n in names if getattr(getattr(module, n), "__module__", "").startswith("torch.")]
print(json.dumps(offered))
"""

# Of the pairs of names: those that do not stand for one object.
_DIFFERENT = """
import importlib, json, sys
def thing(name):
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            found = getattr(found, part, None)
        return found
pairs = [(a, b, thing(a)) for a, b in json.load(sys.stdin)]
print(json.dumps([(a, b) for a, b, found in pairs if found is None or found is not thing(b)]))
"""


def _answer(program: str, given: object) -> object:
    python = python_with_torch()
    if python is None:
        if os.environ.get("DRY_DEBUG_PROOFS") == "required":
            pytest.fail("proofs are required and PyTorch is not installed")
        pytest.skip("PyTorch is not installed")
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program], input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_name_from_another_module_is_the_object_of_the_documented_name() -> None:
    offered = _answer(_OFFERED, _MODULES)
    assert isinstance(offered, dict)
    pairs = [
        (f"{module}.{name}", knowledge.canonical(f"{module}.{name}")) for module in _MODULES for name in offered[module]
    ]
    moved = [pair for pair in pairs if pair[0] != pair[1]]
    assert {module for module in _MODULES if not any(name.startswith(f"{module}.") for name, _ in moved)} == set()
    assert _answer(_DIFFERENT, moved) == []
