"""Whether a module behaves differently in train and eval mode: dropout, batch norm and the like below it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.scopes import Scope
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Layers of torch.nn whose forward reads `training`, or (RNNs) whose backward on a GPU needs the train mode.
_SENSITIVE = frozenset(
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout BatchNorm1d BatchNorm2d BatchNorm3d "
    "SyncBatchNorm LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d RReLU Transformer TransformerEncoder "
    "TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer MultiheadAttention RNN LSTM GRU".split()
)
_DROPS = re.compile(r"dropout(?!(?:_p)?\s*=\s*0(?:\.0*)?\s*[,)])", re.IGNORECASE)  # not `dropout_p=0.0`
_WHOLE_MODELS = ("transformers.", "torchvision.models.", "timm.", "diffusers.", "sentence_transformers.")


def mode_layers(module: Value) -> list[Step]:
    """The layers that read the mode, where the class of the module makes them itself."""
    cls, owner = module.base.scope, module.base.program
    if cls is None or owner is None or cls.kind != "class":
        return []
    return [
        Step(owner, call, "this layer reads the mode")
        for call in owner.index.calls
        if owner.scope(call).class_scope is cls
        and (name := owner.qualified(call) or "").startswith("torch.nn.")
        and name.rpartition(".")[2] in _SENSITIVE
    ]


def mode_link(module: Value) -> Link:
    """How it is known that train and eval mode differ for the module; ask where `mode_matters` is not False."""
    if mode_matters(module):
        return Link("resolution", "high", "the model has layers that read the mode (dropout, batch norm, ...)")
    return Link("resolution", "medium", "it is not known whether the model has layers that read the mode")


def mode_matters(module: Value, depth: int = 0) -> bool | None:
    """Whether train and eval mode differ for the module; None if it is not known what it is made of."""
    base = module.base
    if depth > 6:
        return None
    if base.kind == "module" and base.items:  # made in one of several branches
        answers = {mode_matters(each, depth + 1) for each in base.items}
        return answers.pop() if len(answers) == 1 else None
    if base.type is not None and base.type.startswith(_WHOLE_MODELS):
        return True
    if base.scope is not None and base.scope.kind == "class" and base.program is not None:
        return _class(base.program, base.scope, depth)
    known = base.args is not None and base.program is not None
    if known and base.type is not None and base.type.startswith("torch.nn."):
        assert base.args is not None and base.program is not None
        if base.type.rpartition(".")[2] in _SENSITIVE:
            return True
        inner = [n for n in ast.walk(base.args) if isinstance(n, ast.Call) and n is not base.args]
        if base.type == "torch.nn.Sequential" and any(isinstance(a, ast.Starred) for a in base.args.args):
            return None
        return _calls(base.program, inner, depth + 1)
    return None


def _class(program: Program, cls: Scope, depth: int) -> bool | None:
    if depth > 6:
        return None
    for base in program.evaluator.bases(cls):
        if base.kind == "class" and base.scope is not None and base.program is not None:
            inherited = _class(base.program, base.scope, depth + 1)
            if inherited is not False:
                return inherited
        elif base.type != "torch.nn.Module":
            return None
    source = program.text(cls.node)
    if ".training" in source or _DROPS.search(source) or "track_running_stats" in source:
        return True
    calls = [call for scope in (cls, *cls.code()) for call in scope.calls]
    result = _calls(program, calls, depth)
    return None if result is False and _takes_modules(program, cls, calls) else result


_HOLDERS = frozenset(("torch.nn.ModuleList", "torch.nn.ModuleDict", "torch.nn.Sequential"))


def _takes_modules(program: Program, cls: Scope, calls: list[ast.Call]) -> bool:
    """Whether layers may come in from outside: parameters that are kept and called, or put into a list of modules."""
    called = {call.func.attr for call in calls if isinstance(call.func, ast.Attribute)}
    for attr in called & cls.attributes.keys():
        for b in cls.attributes[attr]:
            if isinstance(b.value, ast.Name) and any(a.arg == b.value.id for a in b.scope.parameters()):
                return True
    for call in calls:
        if len(call.args) == 1 and program.qualified(call) in _HOLDERS:
            first = call.args[0].value if isinstance(call.args[0], ast.Starred) else call.args[0]
            if isinstance(first, ast.Name) and any(a.arg == first.id for a in program.scope(call).parameters()):
                return True
    return False


def _calls(program: Program, calls: list[ast.Call], depth: int) -> bool | None:
    result: bool | None = False
    for call in calls:
        name = program.qualified(call)
        if name is not None and name.startswith("torch.nn."):
            if name.rpartition(".")[2] in _SENSITIVE:
                return True
            continue
        from_library = name is not None and not name.startswith(".")
        if from_library and name is not None and name.partition(".")[0] in ("torch", "builtins", "math", "numpy"):
            continue
        value = program.value(call)
        if value.kind == "module" and value.args is call:
            inner = mode_matters(value, depth + 1)
            if inner:
                return True
            result = None if inner is None else result
        elif from_library:
            result = None
        elif isinstance(call.func, ast.Name):
            found = program.names.lookup(call.func.id, program.scope(call))
            if found is None or found[1][-1].kind in ("from", "import", "def", "class"):
                result = None  # a layer that nobody has seen, perhaps
    return result
