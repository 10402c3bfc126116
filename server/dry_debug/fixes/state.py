"""Taking recurrent state out of the graph of the batches before: tensors and tuples of them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Literal

from dry_debug.lint.finding import Fix, NeedHelper
from dry_debug.lint.new_lines import line_before
from dry_debug.program.scopes import Scope, last_name
from dry_debug.program.walks import LoopNode
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.carried_state import CarriedState
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

Form = Literal["tensor", "tuple", "unknown"]
_FORMS: dict[str, Form] = {"LSTM": "tuple", "LSTMCell": "tuple", "GRU": "tensor", "GRUCell": "tensor", "RNN": "tensor",
                           "RNNCell": "tensor"}  # fmt: skip
_HELPER = NeedHelper(
    "detached",
    '''def detached(state):
    """The recurrent state without the graph of the steps before."""
    if isinstance(state, torch.Tensor):
        return state.detach()
    return tuple(detached(part) for part in state)''',
)


def title(state: CarriedState) -> str:
    """What the fix does."""
    shown = " and ".join(f"`{path}`" for path in state.paths[:2])
    where = "before the module is run" if state.holder is not None else "at the head of the loop"
    return f"Detach {shown} {where}"


def fix(program: Program, state: CarriedState) -> Fix | None:
    """The line that cuts the graph: at the head of the loop, or before the module uses the state that it keeps."""
    if state.holder is not None and state.holder[0] is not program:
        return None
    first = state.loop.body[0] if state.holder is None else state.at
    if state.holder is not None and _run_often(program, state):
        return None
    code, needs = _code(program, state)
    if code is None:
        return None
    if _may_be_none(program, state):
        indent = _unit(program)
        code = f"if {state.paths[0]} is not None:\n{indent}{code}"
    edit = line_before(program, first, code)
    if edit.content.endswith("; "):
        if "\n" in code:
            return None  # a block cannot stand in the line of the loop
        return Fix(title(state), "unsafe", (TextEdit(edit.span, edit.content),), needs)
    return Fix(title(state), "unsafe", (edit,), needs)


def _code(program: Program, state: CarriedState) -> tuple[str | None, tuple[NeedHelper, ...]]:
    paths = state.paths
    if len(paths) > 1:
        return f"{', '.join(paths)} = {', '.join(f'{path}.detach()' for path in paths)}", ()
    path = paths[0]
    form = form_of(program, state)
    if form == "tensor":
        return f"{path} = {path}.detach()", ()
    if form == "tuple":
        return f"{path} = tuple(part.detach() for part in {path})", ()
    helper = _own_helper(program)
    if helper is not None:
        return f"{path} = {helper}({path})", ()
    if program.names.qualified(ast.Name("torch", ast.Load()), program.index.module) != "torch":
        return None, ()
    return f"{path} = {_HELPER.name}({path})", (_HELPER,)


def form_of(program: Program, state: CarriedState) -> Form:
    """Whether the state is one tensor or a tuple of them: by what it begins with, by the layer that carries it."""
    forms: set[Form] = set()
    base = state.module.base
    if base.type is not None and base.type.startswith("torch.nn."):
        forms.add(_FORMS.get(base.type.rpartition(".")[2], "unknown"))
    elif base.scope is not None and base.program is not None and base.scope.kind == "class":
        forms |= _layers(base.program, base.scope)
    if len(forms) == 1 and "unknown" not in forms:
        return next(iter(forms))
    begins = _begins(program, state)
    return begins if not forms or begins in forms else "unknown"


def _layers(owner: Program, cls: Scope) -> set[Form]:
    found: set[Form] = set()
    for scope in cls.below():
        for call in scope.calls:
            name = owner.qualified(call) or ""
            if name.startswith("torch.nn.") and name.rpartition(".")[2] in _FORMS:
                found.add(_FORMS[name.rpartition(".")[2]])
    return found


def _begins(program: Program, state: CarriedState) -> Form:
    """What the state is before the first batch."""
    path = state.paths[0]
    if state.holder is not None:
        bindings = state.holder[1].attributes.get(path.rpartition(".")[2], [])
        bindings = [b for b in bindings if b.stmt is not state.at]
    else:
        bindings = program.scope(state.at).bindings.get(path, [])
        bindings = [b for b in bindings if b.stmt is not None and not program.index.inside(b.stmt, state.loop)]
    forms: set[Form] = set()
    for binding in bindings:
        if binding.value is None:
            continue
        value: Value = program.evaluator.binding(binding)
        if value.kind == "tensor":
            forms.add("tensor")
        elif value.kind == "container" and (value.items or value.type == "tuple"):
            forms.add("tuple")
        elif not (value.kind == "const" and value.const is None):
            forms.add("unknown")
    return next(iter(forms)) if len(forms) == 1 else "unknown"


def _may_be_none(program: Program, state: CarriedState) -> bool:
    """Whether the state is None before the first batch."""
    path = state.paths[0]
    if state.holder is not None:
        name = path.rpartition(".")[2]
        bindings = state.holder[1].attributes.get(name, ())
    else:
        bindings = program.scope(state.at).bindings.get(path, ())
    for binding in bindings:
        if isinstance(binding.value, ast.Constant) and binding.value.value is None:
            return True
        if binding.kind == "param" and not isinstance(binding.stmt, ast.For | ast.AsyncFor):
            default = binding.scope.default_of(path)
            if isinstance(default, ast.Constant) and default.value is None:
                return True
    # It is made inside the loop where it is missing: in the first iteration there may be none.
    return any(
        b.stmt is not None and b.stmt is not state.at and program.index.inside(b.stmt, state.loop)
        for b in bindings if state.holder is None and b.value is not state.call
    )  # fmt: skip


def _run_often(program: Program, state: CarriedState) -> bool:
    """Whether the module runs several times between two backward passes: then the cut must not stand in its forward."""
    stmt = program.statement(state.call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if block is state.loop:
            break
        if isinstance(block, LoopNode):
            return True
    func = program.text(state.call.func)
    again = [c for c in program.scope(state.call).calls if c is not state.call and program.text(c.func) == func]
    return any((s := program.statement(c)) is not None and program.index.inside(s, state.loop) for c in again)


def _own_helper(program: Program) -> str | None:
    """A function of this file, or imported into it, that does it: it takes one thing and detaches it and its parts."""
    for function in program.index.module.children:
        if _detaches_parts(function):
            return function.name
    for name, bindings in program.index.module.bindings.items():
        if len(bindings) == 1 and bindings[0].kind == "from" and bindings[0].module is not None:
            value = program.evaluator.binding(bindings[0])
            if value.kind == "function" and value.scope is not None and _detaches_parts(value.scope):
                return name
    return None


def _detaches_parts(function: Scope) -> bool:
    """Whether a function has one parameter, detaches it and calls itself for the parts of it."""
    if function.kind != "function" or len(function.parameters()) != 1 or not function.returns:
        return False
    called = {last_name(c.func) for s in (function, *function.below()) for c in s.calls}
    return "detach" in called and function.name in called


def _unit(program: Program) -> str:
    """One step of indentation as the file writes it."""
    source, lines = program.document.source, program.document.lines
    for node in program.index.functions:
        body = getattr(node.node, "body", None)
        if isinstance(body, list) and body:
            start = program.span(body[0]).start
            text = source[lines.offset(lines.line_of(start), 0) : start]
            if text and not text.strip():
                return (
                    "\t"
                    if text.startswith("\t")
                    else " " * min(len(text), 4)
                    if node.parent is program.index.module
                    else "    "
                )
    return "    "
