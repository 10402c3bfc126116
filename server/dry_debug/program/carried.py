"""Which expressions carry an autograd graph, and how that is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import given, places_taken
from dry_debug.program.evidence import Confidence
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Binding, Scope, dotted, last_name
from dry_debug.program.values import Value
from dry_debug.program.walks import ChainNode, FunctionNode, Repeated
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

BACKWARD = frozenset(("backward", "manual_backward"))
Pass = tuple[ast.Call, ast.expr]  # a backward pass, and what it differentiates


@dataclass(slots=True)
class Carried:
    """An expression whose value carries a graph, and how that is known."""

    expr: ast.expr
    confidence: Confidence
    made: Value | None  # the tensor, if its origin is known
    backward: ast.Call | None  # the backward pass over it, inside the same loop or in the function that returns it
    backward_in: Program | None = None  # the file of `backward`, if it is another one

    @property
    def is_loss(self) -> bool:
        return self.backward is not None or (self.made is not None and self.made.via == "loss")


def carriers(program: Program, expr: ast.expr, stmt: ast.stmt, loop: Repeated) -> list[Carried]:
    """The operands of the arithmetic `expr` whose value carries a graph and comes from a loss."""
    result: list[Carried] = []
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.BinOp):
            stack += [node.right, node.left]
        elif isinstance(node, ast.UnaryOp):
            stack.append(node.operand)
        elif isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            found = carried(program, node, stmt, loop)
            if found is not None and found.is_loss:
                result.append(found)
    return result


def carried(program: Program, node: ast.expr, stmt: ast.stmt, loop: Repeated) -> Carried | None:
    value = program.value(node, stmt)
    if value.attached is False or value.kind in ("number", "const", "text"):
        return None
    backward = _backward_of(program, node, stmt, loop) if isinstance(node, ChainNode) else None
    if backward is not None:
        # What `.backward()` is called on carries a graph: nothing stronger can be known about it.
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, backward)
    part = _backward_of_part(program, node, stmt, loop)
    if part is not None:
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, part)
    inside = _backward_in_callee(program, node, stmt) or _backward_given(program, node, stmt, loop)
    if inside is not None:
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, *inside)
    if isinstance(loop, FunctionNode):
        outside = _backward_in_caller(program, node, stmt)
        if outside is not None:
            return Carried(node, "high", value if value.kind in ("tensor", "output") else None, outside)
    if value.kind in ("tensor", "output") and value.attached:
        through = _backward_through(program, node, stmt, loop)
        return Carried(node, value.confidence, value, through)
    return None


def _backward_of(program: Program, node: ast.expr, stmt: ast.stmt, loop: Repeated) -> ast.Call | None:
    """The backward pass inside `loop` over the very tensor that `node` reads in `stmt`."""
    path = dotted(node)
    if path is None:
        return None
    scope = program.scope(stmt)
    for call, over in backward_passes(program, scope):
        if dotted(over) != path:
            continue
        at = program.statement(call)
        if at is None or loop not in program.index.ancestors(at):
            continue
        if _reaching(program, path, scope, stmt) <= _reaching(program, path, scope, at):
            return call
    return None


def _backward_through(program: Program, node: ast.expr, stmt: ast.stmt, loop: Repeated) -> ast.Call | None:
    """The backward pass inside `loop` over a sum that `node` is a part of: `loss = a + b; loss.backward()`."""
    path = dotted(node)
    if path is None:
        return None
    scope = program.scope(stmt)
    for call, over in backward_passes(program, scope):
        at = program.statement(call)
        if at is None or loop not in program.index.ancestors(at):
            continue
        terms: list[ast.AST] = [over]
        if isinstance(over, ast.Name):
            found = program.names.lookup(over.id, scope)
            for binding in reaching(program.index, found[1], at) if found is not None else ():
                if binding.value is not None and binding.kind in ("assign", "aug"):
                    terms.append(binding.value)
        while terms:
            term = terms.pop()
            if isinstance(term, ast.BinOp):
                terms += [term.left, term.right]
            elif isinstance(term, ast.UnaryOp):
                terms.append(term.operand)
            elif isinstance(term, ChainNode) and dotted(term) == path:
                return call
    return None


def _backward_of_part(program: Program, node: ast.expr, stmt: ast.stmt, loop: Repeated) -> ast.Call | None:
    """The backward pass inside `loop` over a term of the sum that `node` names: `d = real + fake; total += d`."""
    if not isinstance(node, ast.Name):
        return None
    bindings = _reaching(program, node.id, program.scope(stmt), stmt)
    binding = next(iter(bindings)) if len(bindings) == 1 else None
    if binding is None or binding.kind != "assign" or binding.path or binding.stmt is None:
        return None
    terms: list[ast.expr | None] = [binding.value] if isinstance(binding.value, ast.BinOp) else []
    while terms:
        term = terms.pop()
        if isinstance(term, ast.BinOp):
            terms += [term.left, term.right]
        elif isinstance(term, ast.Name) and program.grad_mode(binding.stmt) != "off":
            found = _backward_of(program, term, binding.stmt, loop)
            if found is not None:
                return found
    return None


def _backward_in_callee(program: Program, node: ast.expr, stmt: ast.stmt) -> tuple[ast.Call, Program] | None:
    """`loss = step(batch)`, where `step` runs the backward pass and returns the same tensor, graph and all."""
    call = node
    path: tuple[int | None, ...] = ()
    if isinstance(node, ast.Name):
        bindings = _reaching(program, node.id, program.scope(stmt), stmt)
        binding = next(iter(bindings)) if len(bindings) == 1 else None
        if binding is None or binding.kind != "assign" or binding.value is None:
            return None
        call, path = binding.value, binding.path
    if not isinstance(call, ast.Call) or len(path) > 1:
        return None
    target = program.target(call)
    function, other = target.scope, target.program
    if target.kind != "function" or function is None or other is None or not function.returns:
        return None
    found: ast.Call | None = None
    for statement in function.returns:  # all of them give it back
        value = statement.value
        if path:
            at = path[0]
            if not isinstance(value, ast.Tuple) or at is None or not -len(value.elts) <= at < len(value.elts):
                return None
            value = value.elts[at]
        if not isinstance(value, ast.Name):
            return None
        found = _backward_before(other, value.id, function, statement)
        if found is None:
            return None
    return (found, other) if found is not None else None


def _backward_given(
    program: Program, node: ast.expr, stmt: ast.stmt, loop: Repeated
) -> tuple[ast.Call, Program] | None:
    """`update(loss)` inside `loop`, where `update` runs the backward pass over what it is given."""
    path = dotted(node)
    if path is None:
        return None
    scope = program.scope(stmt)
    here: set[Binding] | None = None
    for call, place in program.flow.handed(path, scope):
        at = program.statement(call) if place is not None else None
        if at is None or loop not in program.index.ancestors(at):
            continue
        target = program.target(call)
        function, other = target.scope, target.program
        if target.kind != "function" or function is None or other is None or function.kind != "function":
            continue
        names = function.passed_names()
        name = place if isinstance(place, str) else names[place] if place is not None and place < len(names) else None
        if name is None or places_taken(target) or len(function.bindings.get(name, ())) != 1:
            continue
        found = next((b for b, over in backward_passes(other, function) if dotted(over) == name), None)
        if found is None:
            continue
        here = _reaching(program, path, scope, stmt) if here is None else here
        if here <= _reaching(program, path, scope, at):
            return found, other
    return None


def _backward_in_caller(program: Program, node: ast.expr, stmt: ast.stmt) -> ast.Call | None:
    """The backward pass over the tensor that comes in as an argument, in the loop (or function) that gives it."""
    function = program.scope(stmt)
    if not isinstance(node, ast.Name) or function.kind != "function" or len(function.bindings.get(node.id, ())) != 1:
        return None
    for _, passed, scope, at in program.arguments_of(function, node.id):
        if at is None or not isinstance(passed, ChainNode):
            continue
        for block in program.index.ancestors(at):
            if isinstance(block, Repeated):
                found = _backward_of(program, passed, at, block)
                if found is None and program.value(passed, at).attached:  # not so the number a loss is divided by
                    found = _backward_through(program, passed, at, block)
                if found is not None and program.scope(found) is scope:
                    return found
                break
    return None


def _backward_before(program: Program, name: str, function: Scope, use: ast.stmt) -> ast.Call | None:
    here = _reaching(program, name, function, use)
    for call, over in backward_passes(program, function):
        at = program.statement(call)
        if at is not None and dotted(over) == name and here <= _reaching(program, name, function, at):
            return call
    return None


def backward_passes(program: Program, scope: Scope, retaining: bool = False, computed: bool = False) -> list[Pass]:
    """Each backward pass in `scope` and the expression that it differentiates.

    A call of a function of this file that runs it over what it is given is one, too; with `computed` also over
    something that it computes from what it is given (then a tuple of that), with `retaining` also where the function
    keeps the graph.
    """
    passes = program.flow.passes
    known = passes.get((scope, retaining, computed))
    if known is None:
        known = passes[(scope, retaining, computed)] = list(_backward_passes(program, scope, retaining, computed))
    return known


def _backward_passes(program: Program, scope: Scope, retaining: bool, computed: bool) -> Iterator[Pass]:
    yield from own_passes(program, scope)
    functions = program.flow.backward_functions
    for call in program.flow.backward_calls.get(scope, ()) if functions else ():
        if last_name(call.func) not in functions:
            continue
        target = program.target(call)
        function = target.scope
        if target.kind != "function" or target.program is not program or function is None or places_taken(target):
            continue
        for inner, over in own_passes(program, function) if function is not scope else ():
            if not retaining and any(k.arg in ("retain_graph", "create_graph") for k in inner.keywords):
                continue
            names = [over.id] if isinstance(over, ast.Name) else []
            if not names or [b.kind for b in function.bindings.get(names[0], ())] != ["param"]:
                names = _computed_from(program, function, over) if computed else []
            passed = [expr for name in names if (expr := given(call, function, name)) is not None]
            if passed:
                yield call, passed[0] if names == [getattr(over, "id", "")] else ast.Tuple(passed, ast.Load())


def _computed_from(program: Program, function: Scope, over: ast.expr) -> list[str]:
    """The parameters from which a function computes, graph and all, what it differentiates."""
    from dry_debug.program.derived import derived, reads

    known = program.flow.differentiated_from.get(over)
    if known is None:
        node = function.node
        names = [a.arg for a in function.parameters() if a.arg != function.self_name]
        if not isinstance(node, FunctionNode):
            names = []
        names = [n for n in names if [b.kind for b in function.bindings.get(n, ())] == ["param"]]
        known = [n for n in names if reads(over, derived(program, function, node, {n}))]  # type: ignore[arg-type]
        program.flow.differentiated_from[over] = known
    return known


def own_passes(program: Program, scope: Scope) -> Iterator[Pass]:
    """Each backward pass that `scope` runs itself, and the expression that it differentiates."""
    for call in program.flow.backward_calls.get(scope, ()):
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr not in BACKWARD:
            continue
        direct = program.names.qualified(func, scope) == "torch.autograd.backward"
        if call.args and (direct or _launches(program, call)):
            yield call, call.args[0]
            continue
        receiver = func.value
        scaled = isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Attribute)
        if scaled and receiver.func.attr == "scale" and receiver.args:  # type: ignore[attr-defined]
            receiver = receiver.args[0]  # type: ignore[attr-defined]  # scaler.scale(loss).backward()
        yield call, receiver


def _launches(program: Program, call: ast.Call) -> bool:
    """`accelerator.backward(loss)`, `fabric.backward(loss)`, `engine.backward(loss)`, `self.manual_backward(loss)`."""
    func = call.func
    assert isinstance(func, ast.Attribute)
    if func.attr == "manual_backward":
        return True
    receiver = program.value(func.value, call)
    # That `.backward` is called on it makes a tensor only of what is not given a tensor itself.
    return receiver.kind not in ("tensor", "output") or (receiver.via is None and receiver.attached is None)


def _reaching(program: Program, path: str, scope: Scope, stmt: ast.stmt) -> set[Binding]:
    known = program.flow.reaching.get((path, scope, stmt))
    if known is None:
        found = program.names.lookup(path, scope) if "." not in path else None
        if found is None:
            known = set(bindings_of(program, stmt, path))
        else:
            home, bindings = found
            known = set(reaching(program.index, bindings, stmt if home is scope else None))
        program.flow.reaching[path, scope, stmt] = known
    return known


def bindings_of(program: Program, stmt: ast.stmt, path: str) -> list[Binding]:
    scope = program.scope(stmt)
    root, _, rest = path.partition(".")
    if rest:
        cls = scope.class_scope
        if cls is not None and root == scope.self_name and "." not in rest:
            return cls.attributes.get(rest, [])
    found = program.names.lookup(root, scope)
    return found[1] if found is not None else []
