"""What keeps autograd graphs alive from one iteration of a loop to the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dry_debug.program.evidence import Confidence, weakest
from dry_debug.program.fate import Fate, fate_of
from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import Binding, Scope, dotted
from dry_debug.program.shape import shape
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# What runs again and again: a loop, or a method that a loop of the file calls.
Loop = ast.For | ast.AsyncFor | ast.While | ast.FunctionDef | ast.AsyncFunctionDef
BACKWARD = frozenset(("backward", "manual_backward"))


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


@dataclass(slots=True)
class Growth:
    """A statement that adds tensors with their graphs to something that outlives the iteration."""

    at: ast.stmt
    path: str  # what grows, as written: `total`, `self.total`, `logs["loss"]`; `call`: what is called on
    how: Literal["sum", "list", "call"]
    carried: list[Carried]
    loop: Loop
    fate: Fate
    confidence: Confidence
    kept: tuple[Program, ast.stmt] | None = None  # `call`: where the function that is called keeps it

    @property
    def backward(self) -> ast.Call | None:
        return next((c.backward for c in self.carried if c.backward is not None), None)


def growths(program: Program) -> Iterator[Growth]:
    """In source order of each kind: what is known to carry a graph and not known to be meant for a backward pass."""
    for stmt in (*program.index.augments, *program.index.assignments):
        addition = _addition(stmt)
        if addition is not None and program.grad_mode(stmt) != "off":
            yield from _summed(program, stmt, *addition)
    for call in program.index.calls:
        stmt_ = program.statement(call)
        if isinstance(stmt_, ast.Expr) and stmt_.value is call and (call.args or call.keywords):
            yield from _called(program, stmt_, call)


def _addition(stmt: ast.AugAssign | ast.Assign | ast.AnnAssign) -> tuple[ast.expr, list[ast.expr]] | None:
    """(target, what is added to it) of `x += a`, `x = x + a + b` and `x = 0.9 * x + 0.1 * a`."""
    if isinstance(stmt, ast.AugAssign):
        return (stmt.target, [stmt.value]) if isinstance(stmt.op, ast.Add) else None
    if not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1:
        return None
    terms: list[ast.expr] = []
    node = stmt.value
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and len(terms) < 50:
        terms.append(node.right)
        node = node.left
    terms.append(node)
    target = stmt.targets[0]
    own = [t for t in terms if _scaled(t, target)]
    if len(own) != 1 or len(terms) < 2:
        return None
    return target, [t for t in terms if t is not own[0]]


def _scaled(term: ast.expr, target: ast.expr) -> bool:
    """Whether `term` is the target, perhaps times a factor."""
    if isinstance(term, ast.BinOp) and isinstance(term.op, ast.Mult | ast.Div):
        factors = [term.left, term.right] if isinstance(term.op, ast.Mult) else [term.left]
        return any(_scaled(factor, target) for factor in factors)
    return isinstance(term, ast.Name | ast.Attribute | ast.Subscript) and _same(term, target)


def _same(left: ast.expr, right: ast.expr) -> bool:
    return shape(left).replace("Store()", "Load()") == shape(right).replace("Store()", "Load()")


def _summed(program: Program, stmt: ast.stmt, target: ast.expr, added: list[ast.expr]) -> Iterator[Growth]:
    holder = target.value if isinstance(target, ast.Subscript) else target
    path = dotted(holder)
    loop = _outlived(program, stmt, path) if path is not None else None
    if loop is None:
        return
    carried = [c for term in added for c in carriers(program, term, stmt, loop)]
    growth = _growth(program, stmt, program.text(target), path, "sum", carried, loop)  # type: ignore[arg-type]
    if growth is not None:
        yield growth


def _called(program: Program, stmt: ast.Expr, call: ast.Call) -> Iterator[Growth]:
    arguments = [*call.args, *(k.value for k in call.keywords)]
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "append" and len(arguments) == 1:
        holder = func.value.value if isinstance(func.value, ast.Subscript) else func.value
        path = dotted(holder)
        loop = _outlived(program, stmt, path)
        if loop is not None and path is not None:
            carried = carriers(program, arguments[0], stmt, loop)
            growth = _growth(program, stmt, program.text(func.value), path, "list", carried, loop)
            if growth is not None:
                yield growth
        return
    loop = next((b for b in program.index.ancestors(stmt) if isinstance(b, ast.For | ast.AsyncFor | ast.While)), None)
    library = (program.qualified(call) or "").startswith(("builtins.", "torch.", "numpy."))
    if loop is None or library or len(arguments) > 8:
        return
    for argument in arguments:
        if isinstance(argument, ast.Constant | ast.Starred):
            continue
        carried = carriers(program, argument, stmt, loop)
        kept = keeper(program, call, argument, carried[0].made) if carried else None
        if kept is None or _outlived(program, stmt, kept.path) is None:
            continue
        fate = fate_of(program, kept.path, stmt) if kept.how == "argument" else Fate()
        if not fate.backward:
            confidence = weakest(*(c.confidence for c in carried))
            yield Growth(stmt, kept.path, "call", carried, loop, fate, confidence, (kept.program, kept.stmt))


def _growth(
    program: Program,
    stmt: ast.stmt,
    text: str,
    path: str,
    how: Literal["sum", "list"],
    carried: list[Carried],
    loop: Loop,
) -> Growth | None:
    if not carried:
        return None
    fate = fate_of(program, path, stmt)
    if fate.backward:
        return None
    confidence = weakest(*(c.confidence for c in carried))
    again = next((c.backward for c in carried if c.backward is not None), None)
    if again is None or any(k.arg in ("retain_graph", "create_graph") for k in again.keywords):
        # Nothing shows that the graphs are used up: the sum may be what is differentiated in the end.
        if fate.unknown or not _reads_batches(program, loop):
            return None
        confidence = weakest(confidence, "medium")
    return Growth(stmt, text, how, carried, loop, fate, confidence)


def _reads_batches(program: Program, loop: Loop) -> bool:
    """Whether the loop goes over the batches of a loader."""
    if not isinstance(loop, ast.For | ast.AsyncFor):
        return False
    value = program.value(loop.iter, loop)
    if value.kind == "container" and value.thunk is not None:
        value = value.thunk()  # enumerate(loader) gives pairs
        return value.kind == "container" and any(item.kind == "batch" for item in value.items or ())
    return value.kind == "loader"


# -- loops -----------------------------------------------------------------------------------------------------------


def _outlived(program: Program, stmt: ast.stmt, path: str | None) -> Loop | None:
    """The innermost loop around `stmt` whose iterations `path` outlives, or None."""
    if path is None:
        return None
    loop = _repeated(program, stmt, path)
    if loop is None:
        return None
    for binding in _bindings(program, stmt, path):
        made = binding.stmt
        if made is None or made is stmt or binding.kind == "aug" or (isinstance(made, ast.Assign) and _addition(made)):
            continue
        if made is loop or _always_in(program, made, loop):
            return None
        if _reset_for_each_batch(program, made, loop):
            return None  # it never holds more than one batch
    return loop


def _reset_for_each_batch(program: Program, made: ast.stmt, loop: Loop) -> bool:
    outer = [b for b in program.index.ancestors(loop) if isinstance(b, ast.For | ast.AsyncFor)]
    return any(_always_in(program, made, block) and _reads_batches(program, block) for block in outer)


def _repeated(program: Program, stmt: ast.stmt, path: str) -> Loop | None:
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.For | ast.AsyncFor | ast.While):
            return block
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
            function = program.index.scopes[block]
            own = "." in path and path.partition(".")[0] == function.self_name
            return block if own and any(_in_loop(program, call) for call in program.call_sites(function)) else None
        if isinstance(block, ast.ClassDef):
            return None
    return None


def _in_loop(program: Program, call: ast.Call) -> bool:
    stmt = program.statement(call)
    if stmt is None:
        return False
    for block in program.index.ancestors(stmt):
        if isinstance(block, ast.For | ast.AsyncFor | ast.While):
            return True
        if isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
    return False


def _bindings(program: Program, stmt: ast.stmt, path: str) -> list[Binding]:
    scope = program.scope(stmt)
    root, _, rest = path.partition(".")
    if rest:
        cls = scope.class_scope
        if cls is not None and root == scope.self_name and "." not in rest:
            return cls.attributes.get(rest, [])
    found = program.names.lookup(root, scope)
    return found[1] if found is not None else []


def _always_in(program: Program, stmt: ast.stmt, loop: Loop) -> bool:
    """Whether `stmt` runs in every iteration of `loop`."""
    for block in program.index.ancestors(stmt):
        if block is loop:
            return True
        if not isinstance(block, ast.With | ast.AsyncWith | ast.Try):
            return False
    return False


# -- tensors ---------------------------------------------------------------------------------------------------------


def carriers(program: Program, expr: ast.expr, stmt: ast.stmt, loop: Loop) -> list[Carried]:
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
            found = _carried(program, node, stmt, loop)
            if found is not None and found.is_loss:
                result.append(found)
    return result


def _carried(program: Program, node: ast.expr, stmt: ast.stmt, loop: Loop) -> Carried | None:
    value = program.value(node, stmt)
    if value.attached is False or value.kind in ("number", "const", "text"):
        return None
    backward = _backward_of(program, node, stmt, loop) if isinstance(node, ast.Name | ast.Attribute) else None
    if backward is not None:
        # What `.backward()` is called on carries a graph: nothing stronger can be known about it.
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, backward)
    part = _backward_of_part(program, node, stmt, loop)
    if part is not None:
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, part)
    inside = _backward_in_callee(program, node, stmt)
    if inside is not None:
        return Carried(node, "high", value if value.kind in ("tensor", "output") else None, *inside)
    if value.kind in ("tensor", "output") and value.attached:
        through = _backward_through(program, node, stmt, loop)
        return Carried(node, value.confidence, value, through)
    return None


def _backward_of(program: Program, node: ast.expr, stmt: ast.stmt, loop: Loop) -> ast.Call | None:
    """The backward pass inside `loop` over the very tensor that `node` reads in `stmt`."""
    path = dotted(node)
    if path is None:
        return None
    scope = program.scope(stmt)
    here = _reaching(program, path, scope, stmt)
    for call, argument in backward_passes(program, scope):
        at = program.statement(call)
        if at is None or dotted(argument) != path or loop not in program.index.ancestors(at):
            continue
        if here <= _reaching(program, path, scope, at):
            return call
    return None


def _backward_through(program: Program, node: ast.expr, stmt: ast.stmt, loop: Loop) -> ast.Call | None:
    """The backward pass inside `loop` over a sum that `node` is a part of: `loss = a + b; loss.backward()`."""
    path = dotted(node)
    if path is None:
        return None
    scope = program.scope(stmt)
    for call, argument in backward_passes(program, scope):
        at = program.statement(call)
        if at is None or loop not in program.index.ancestors(at):
            continue
        terms: list[ast.AST] = [argument]
        if isinstance(argument, ast.Name):
            found = program.names.lookup(argument.id, scope)
            for binding in reaching(program.index, found[1], at) if found is not None else ():
                if binding.value is not None and binding.kind in ("assign", "aug"):
                    terms.append(binding.value)
        while terms:
            term = terms.pop()
            if isinstance(term, ast.BinOp):
                terms += [term.left, term.right]
            elif isinstance(term, ast.UnaryOp):
                terms.append(term.operand)
            elif isinstance(term, ast.Name | ast.Attribute) and dotted(term) == path:
                return call
    return None


def _backward_of_part(program: Program, node: ast.expr, stmt: ast.stmt, loop: Loop) -> ast.Call | None:
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


def _backward_before(program: Program, name: str, function: Scope, use: ast.stmt) -> ast.Call | None:
    here = _reaching(program, name, function, use)
    for call, argument in backward_passes(program, function):
        at = program.statement(call)
        if at is not None and dotted(argument) == name and here <= _reaching(program, name, function, at):
            return call
    return None


def backward_passes(program: Program, scope: Scope) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Each backward pass in `scope` and the expression that it differentiates."""
    for call in scope.calls:
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
    found = program.names.lookup(path, scope) if "." not in path else None
    if found is None:
        return set(_bindings(program, stmt, path))
    home, bindings = found
    return set(reaching(program.index, bindings, stmt if home is scope else None))


# -- functions that keep what they are given --------------------------------------------------------------------------


@dataclass(slots=True)
class Keeper:
    """The statement of a function of the project that keeps an argument, graph and all."""

    program: Program
    stmt: ast.stmt
    path: str  # what keeps it, as the caller sees it: the receiver, or the argument
    how: Literal["object", "argument"]


def keeper(program: Program, call: ast.Call, argument: ast.expr, made: Value | None) -> Keeper | None:
    """Where the function that `call` calls adds `argument` to its object or to another argument; None if nowhere."""
    target = program.target(call)
    function, other = target.scope, target.program
    if target.kind != "function" or function is None or other is None or function.kind != "function":
        return None
    parameters = [a.arg for a in function.parameters()]
    own = function.self_name if function.class_scope is not None else None
    if own is not None and parameters[:1] == [own]:
        parameters = parameters[1:]
    passed: dict[str, ast.expr] = dict(zip(parameters, call.args, strict=False))
    passed.update({k.arg: k.value for k in call.keywords if k.arg is not None})
    name = next((n for n, e in passed.items() if e is argument), None)
    if name is None:
        return None
    given = made if made is not None else Value("tensor", attached=True, via="loss")
    env = {(function, name): given.but(attached=True, kind="tensor")}
    for stmt, place, added in _additions(other, function):
        path = dotted(place.value if isinstance(place, ast.Subscript) else place) or ""
        root = path.partition(".")[0]
        if not any(_graph(other.evaluator.value(term, function, stmt, env)) for term in added):
            continue
        if root == own and "." in path:
            receiver = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None
            if receiver is not None and not fate_of(other, path, stmt).backward:
                return Keeper(other, stmt, receiver, "object")
        elif root in passed and root != name and isinstance(stmt, ast.Expr):
            kept = dotted(passed[root])
            if kept is not None:
                return Keeper(other, stmt, kept, "argument")
    return None


def _graph(value: Value) -> bool:
    return value.kind == "tensor" and bool(value.attached)


def _additions(program: Program, function: Scope) -> Iterator[tuple[ast.stmt, ast.expr, list[ast.expr]]]:
    """(statement, what grows, what is added) for the sums and appends in the body of `function`."""
    for stmt in (*program.index.augments, *program.index.assignments):
        if program.scope(stmt) is function and program.grad_mode(stmt) != "off":
            addition = _addition(stmt)
            if addition is not None:
                yield stmt, *addition
    for call in function.calls:
        func, stmt_ = call.func, program.statement(call)
        if isinstance(func, ast.Attribute) and func.attr == "append" and len(call.args) == 1 and stmt_ is not None:
            yield stmt_, func.value, [call.args[0]]
