"""Whether code that nobody can see may do to an object what a rule misses: calls into the unknown that are given it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program import lightning
from dry_debug.program.evidence import Step
from dry_debug.program.relations import different
from dry_debug.program.scopes import last_name
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.paths import Occurrence
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

# Calls of which the name tells that they leave gradients and modes alone.
_HARMLESS = (
    "lr", "learning_rate", "save", "log", "sched", "scale_loss", "master_params", "ema", "print", "write", "record",
    "optimizer_step", "checkpoint", "load_state_dict",
)  # fmt: skip
_CLEARING = ("zero_grad", "zero_g", "clear_grad", "reset_grad", "zerograd", "cleargrad")
_LIBRARIES = frozenset(
    "torch builtins numpy tqdm time os sys math random logging wandb json torchvision transformers copy shutil "
    "matplotlib PIL cv2 sklearn accelerate einops datetime itertools functools collections gc argparse apex".split()
)

# Methods of every `nn.Module` that only read it, or set the mode.
_OF_MODULES = frozenset(
    "eval train parameters named_parameters modules named_modules children named_children buffers state_dict".split()
)

_KNOWN_RECEIVERS = frozenset("scaler accelerator fabric scheduler container dict optimizer".split())
_NO_OBJECTS = frozenset("weight bias data grad shape device dtype training".split())  # parts that have no mode


def other_hands(program: Program, place: Occurrence, obj: Value) -> Step | None:
    """An unresolved call near the event (in its function, and in those that led to it) that may handle `obj`."""
    spots = [(place.event.program, place.event.node)]
    spots += [(tree.program, tree.call) for tree in place.calls]
    for owner, node in spots:
        call = _unknown_call(owner, node, obj)
        if call is not None:
            return Step(owner, call, "this call cannot be followed")
    return None


def _unknown_call(program: Program, node: ast.AST, obj: Value) -> ast.Call | None:
    scope = program.scope(node)
    loop = _outermost_loop(program, node)
    for call in scope.calls:
        if loop is not None and not loop.lineno <= call.lineno <= (loop.end_lineno or call.lineno):
            continue
        name = last_name(call.func).lower()
        clears = name != "zero_grad" and any(word in name for word in _CLEARING)
        if not name or (not clears and _leaves_alone(call, name, scope, program)):
            continue
        touches = (
            clears
            or _own_unknown_method(program, call, obj)
            or any(_is(program, a, call, obj) for a in _arguments(call))
        )
        if touches and program.target(call).kind != "function":
            return call
    return None


def _leaves_alone(call: ast.Call, name: str, scope: Scope, program: Program) -> bool:
    """Whether a call is one of a known library, or says by its name that gradients and modes stay as they are."""
    qualified = program.qualified(call)
    if qualified is not None and qualified.partition(".")[0] in _LIBRARIES:
        return True
    return any(word in name for word in _HARMLESS) or _of_lightning(call, scope)


def _of_lightning(call: ast.Call, scope: Scope) -> bool:
    """`self.log(...)`, `self.toggle_optimizer(opt)`: methods of a Lightning module that leave the gradients alone."""
    func = call.func
    return (
        isinstance(func, ast.Attribute)
        and isinstance(func.value, ast.Name)
        and func.value.id == scope.self_name
        and func.attr in lightning.KNOWN
        and lightning.trained_by_trainer(scope.class_scope)
    )


def _arguments(call: ast.Call) -> list[ast.expr]:
    given = (*call.args, *(k.value for k in call.keywords if k.arg is not None))  # `**options` is no object
    return [a for a in given if isinstance(a, ast.Name) or (isinstance(a, ast.Attribute) and a.attr not in _NO_OBJECTS)]


def _is(program: Program, expr: ast.expr, call: ast.Call, obj: Value) -> bool:
    value = program.value(expr, call)
    if value.kind != obj.kind or different(value.base.ident, obj.base.ident):
        return False
    receiver = program.value(call.func.value, call) if isinstance(call.func, ast.Attribute) else UNKNOWN
    return receiver.kind not in _KNOWN_RECEIVERS


def _own_unknown_method(program: Program, call: ast.Call, obj: Value) -> bool:
    """`self.finish_step()` where the object's class inherits from one that nobody has seen."""
    func = call.func
    scope = program.scope(call)
    cls = scope.class_scope
    if not (isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and cls is not None):
        return False
    if func.value.id != scope.self_name or func.attr in cls.attributes:
        return False
    if func.attr in _OF_MODULES and program.class_kind(cls) == "module":
        return False  # whoever asks sees the mode that it sets
    return program.evaluator.class_attribute(cls, func.attr).kind == "unknown"


def _outermost_loop(program: Program, node: ast.AST) -> ast.stmt | None:
    stmt = program.statement(node)
    found: ast.stmt | None = None
    if stmt is not None:
        for block in program.index.ancestors(stmt):
            if isinstance(block, LoopNode):
                found = block
            elif isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
                break
    return found
