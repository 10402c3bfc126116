"""Calls of a model as a whole, where it may be evaluated: in loops, where autograd is off, where nothing trains."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.scopes import Block, Scope, last_name
from dry_debug.program.trees import Event
from dry_debug.program.values import Value
from dry_debug.program.walks import LoopNode

if TYPE_CHECKING:
    from dry_debug.program.events import EventIndex
    from dry_debug.program.program import Program

# What a file says that switches anything over for an evaluation.
_SIGNS = (".eval(", "no_grad", "inference_mode")
_LOADS = (
    "load_state_dict", "from_pretrained", ".load(", "pretrained=True", "_Weights", "weights='", 'weights="',
)  # fmt: skip
_TAKES = (".item(", ".tolist(", ".numpy(", ".detach(")
_TRAINS = ("optimizer", "optim.", "optim(", "backward", "Trainer", "autograd.grad")
MAX_CALLERS = 2  # functions between the call and the loop
MAX_SITES = 8  # calls of one name: `run` may be anybody's
_RUNS = frozenset(("forward", "generate"))
# Methods that are called everywhere and that run no model: of tensors, containers, texts, modules and what trains them.
_NO_PASSES = _RUNS | frozenset(
    "to cuda cpu float half long int bool item size view reshape permute transpose squeeze unsqueeze mean sum max min "
    "detach numpy tolist backward step zero_grad append extend update items keys values get pop add format join split "
    "strip replace startswith endswith write info warning debug error close set_description set_postfix add_scalar "
    "load_state_dict state_dict parameters named_parameters requires_grad_ register_buffer argmax eq gt lt ge le "
    "contiguous expand repeat clamp masked_fill scatter_ fill_ copy_ chunk topk softmax sigmoid pow sqrt exp log norm "
    "matmul mm bmm type type_as clone dim numel flatten index insert sort count lower upper encode_plus batch_decode "
    "save load open read add_argument parse_args exists mkdir".split()
)
_WITHS = (ast.With, ast.AsyncWith)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# A class that calls one of these looks after the mode of its parts itself.
_TRAINING = frozenset(("train", "eval", "backward", "zero_grad", "step", "manual_backward"))
_SWITCHES = frozenset(("no_grad", "inference_mode", "set_grad_enabled"))


def evaluates(source: str) -> bool:
    """Whether a file says that it evaluates anything, or compares predictions with labels."""
    if any(sign in source for sign in _SIGNS):
        return True
    return ("max(" in source or ".topk(" in source) and (" == " in source or ".eq(" in source)


def takes(source: str) -> bool:
    """Whether a file loads a trained model, or takes numbers out of what a model of another file may give it."""
    return loads(source) or any(word in source for word in _TAKES)


def loads(source: str) -> bool:
    """Whether a file says that it loads a trained model."""
    return any(word in source for word in _LOADS)


def only_runs(source: str) -> bool:
    """Whether no line of a file speaks of gradients or of an optimizer: if it has a model, it runs it only."""
    return not any(word in source for word in _TRAINS)


def forward(ix: EventIndex, call: ast.Call, func: ast.expr) -> Event | None:
    """`model(x)`, `self.model(x)`, `model.forward(x)`, `model.generate(...)`, outside of the model's own class.

    In a loop, where autograd is switched off, in a file that only runs a loaded model, or of a parameter, of which the
    caller may say so. Also a method of the model's class that runs its layers: `model.predict(x)`.

    `call` has no qualified name: it is no call of a library.
    """
    if not (call.args or call.keywords):
        return None
    scope = ix.program.scope(call)
    model = _called(func, scope)
    event = _whole(ix, call, func, model, scope) if model is not None else None
    if event is None and isinstance(func, ast.Attribute) and func.attr not in _NO_PASSES:
        event = _by_method(ix, call, func, scope)
    return event


def is_own_part(event: Event) -> bool:
    """Whether a module's class runs a part of itself, as `encode` and `decode` do: its owner sets the mode of both."""
    cls, root = event.scope.class_scope, spelled(event)
    while isinstance(root, ast.Attribute):
        root = root.value
    if cls is None or not isinstance(root, ast.Name) or root.id != event.scope.self_name:
        return False
    if event.program.class_kind(cls) != "module":
        return False
    return not any(last_name(call.func) in _TRAINING for code in cls.code() for call in code.calls)


def _by_method(ix: EventIndex, call: ast.Call, func: ast.Attribute, scope: Scope) -> Event | None:
    """A call of a method that the class of a model has beside `forward`, and that runs its layers."""
    if (func.attr not in ix.own_methods and not ix.program.imports_project) or scope.kind == "lambda":
        return None
    cls = scope.class_scope
    if cls is not None and ("forward" in cls.bindings or "training_step" in cls.bindings):
        return None
    if not (_may_evaluate(ix, call, scope) or _is_parameter(func.value, scope)):
        return None
    program = ix.program
    method = program.target(call)
    if method.kind != "function" or method.scope is None or method.program is None or method.scope.name != func.attr:
        return None
    if method.scope.class_scope is None or not _runs_layers(method.scope, method.program):
        return None
    value = program.evaluator.value(func.value, scope, program.statement(call))
    return ix.event("forward", value, call) if _is_layer(value) else None


def _is_parameter(expr: ast.expr, function: Scope) -> bool:
    return isinstance(expr, ast.Name) and any(a.arg == expr.id for a in function.parameters())


def _runs_layers(method: Scope, program: Program, depth: int = 0) -> bool:
    """Whether a method of a model calls a layer of its own, or the whole, and leaves the mode as it is: itself, or in
    a method or function that it hands the model on to."""
    own = method.self_name
    runs = False
    for call in method.calls:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in ("eval", "train"):
            return False
        if isinstance(func, ast.Name):
            runs = runs or func.id == own or _helps(call, method, program, depth)
        elif isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == own:
            runs = runs or func.attr == "forward" or _is_layer(program.value(func, call))
            runs = runs or _helps(call, method, program, depth)
    return runs


def _is_layer(value: Value) -> bool:
    """Whether it is known what was put there: a part that nobody has set may be a method (`self.state_dict()`)."""
    return value.kind == "module" and not (isinstance(value.ident, tuple) and value.ident[:1] == ("part",))


def _helps(call: ast.Call, method: Scope, program: Program, depth: int) -> bool:
    """Whether a method calls another of its class, or a function that acts for the class, and that one runs layers."""
    cls = method.class_scope
    if cls is None or depth == MAX_CALLERS:
        return False
    name = last_name(call.func)
    helpers = [s for s in (*cls.children, *cls.actors) if s.name == name and s is not method and s.kind == "function"]
    return any(_runs_layers(helper, program, depth + 1) for helper in helpers)


def _whole(ix: EventIndex, call: ast.Call, func: ast.expr, model: ast.expr, scope: Scope) -> Event | None:
    """A call of the expression `model` that may be one, or of its `forward` or `generate`."""
    program = ix.program
    if scope.kind == "lambda":
        return None
    given = False
    if isinstance(func, ast.Name):
        found = program.names.lookup(func.id, scope)
        if found is None or found[1][-1].kind in ("def", "class", "from", "import"):
            return None
        given = found[1][-1].kind == "param"
    cls = scope.class_scope
    if cls is not None and ("forward" in cls.bindings or "training_step" in cls.bindings):
        return None  # a model's own parts
    if not (given or _may_evaluate(ix, call, scope)):
        return None
    value = program.evaluator.value(model, scope, program.statement(call))
    if value.kind == "unknown" and given and isinstance(func, ast.Name):  # whoever calls the function knows
        value = Value("unknown", ident=ix.variable(func.id, call), confidence="low")
    elif not _is_layer(value):
        return None  # a part may be a method that makes something
    return ix.event("forward", value, call)


def spelled(event: Event) -> ast.expr | None:
    """The model of a `forward` event as the user writes it: `net` in `net(x)`, `net.generate(x)`, `net.predict(x)`."""
    call = event.node
    if not isinstance(call, ast.Call):
        return None
    func = call.func
    if isinstance(func, ast.Attribute):
        if func.attr in _RUNS:
            return func.value
        target = event.program.target(call)
        if target.scope is not None and target.scope.name == func.attr:
            return func.value
    return func


def _called(func: ast.expr, scope: Scope) -> ast.expr | None:
    """The expression that may be a model."""
    if isinstance(func, ast.Name):
        return func
    if not isinstance(func, ast.Attribute):
        return None
    if func.attr in _RUNS:
        return func.value
    root: ast.expr = func
    while isinstance(root, ast.Attribute):
        root = root.value
    own = isinstance(root, ast.Name) and root.id == scope.self_name and scope.self_name is not None
    return func if own or func.attr in ("model", "module", "net") else None


def _may_evaluate(ix: EventIndex, call: ast.Call, scope: Scope, depth: int = 0) -> bool:
    """Whether the call stands in a loop, where its function switches autograd off, or in a file that trains nothing.

    Or a call of its function.
    """
    stmt = ix.program.statement(call)
    if stmt is None:
        return False
    if scope.kind == "comprehension":
        return True
    holder = ix.index.parent.get(stmt)
    if holder is None:
        return ix.runs_only
    known = ix.evaluating.get(holder) if depth == 0 else None
    if known is None:
        known = _evaluates_in(ix, holder, depth)
        if depth == 0:
            ix.evaluating[holder] = known
    return known


def _evaluates_in(ix: EventIndex, holder: Block, depth: int) -> bool:
    """Whether that holds for what stands in the block `holder`."""
    for block in (holder, *ix.index.ancestors(holder)):
        if isinstance(block, LoopNode):
            return True
        if isinstance(block, _WITHS):
            if any(isinstance(i.context_expr, ast.Call) and last_name(i.context_expr.func) in _SWITCHES
                   for i in block.items):  # fmt: skip
                return True
        elif isinstance(block, _FUNCTIONS):
            return bool(block.decorator_list) or ix.runs_only or _called_there(ix, block, depth)
    return ix.runs_only


def _called_there(ix: EventIndex, function: ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> bool:
    """Whether something of this name is called where a model may be evaluated: a cheap look, by names alone."""
    sites = ix.program.calls_by_last_name(function.name) if depth < MAX_CALLERS else []
    return 0 < len(sites) <= MAX_SITES and any(
        _may_evaluate(ix, site, ix.program.scope(site), depth + 1) for site in sites
    )
