"""TENS012: the result of a tensor operation that changes nothing in place is thrown away."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument, given
from dry_debug.program.evidence import Confidence, Step, made
from dry_debug.program.knowledge import PASS_THROUGH
from dry_debug.program.links import Link, kind_link
from dry_debug.program.reaching import recovers
from dry_debug.program.scopes import Binding, dotted, last_name
from dry_debug.program.values import Value
from dry_debug.program.walks import names_in, nodes
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

# Methods that move or convert: modules do it in place, tensors do not.
_MOVES = frozenset("to cuda cpu float half double bfloat16 long int type".split())
# Methods that nothing but a tensor has.
_TENSOR_ONLY = frozenset("unsqueeze permute masked_fill clamp contiguous".split())
_PURE = _MOVES | _TENSOR_ONLY | frozenset("detach squeeze view reshape transpose flatten abs clip".split())
_FUNCTIONS = frozenset(
    f"torch.{name}"
    for name in (
        "clamp clip unsqueeze squeeze reshape permute transpose flatten relu abs nan_to_num masked_fill "
        "nn.functional.relu nn.functional.normalize nn.functional.softmax nn.functional.pad softmax sigmoid"
    ).split()
)
_NAMES = _PURE | {name.rpartition(".")[2] for name in _FUNCTIONS}
_PLACES = ("out", "inplace")
# Without these the numbers are often the same: the shape fits already, or the graph is needed no more.
_MILD = frozenset("detach contiguous reshape view squeeze flatten".split())
_GRAPHS = frozenset(("torch_geometric", "dgl"))  # their loaders give objects that move in place
MAX_CALLERS = 2  # functions that hand a tensor on
MAX_TRIED = 4  # statements with calls in a `try` that is there to see whether something works


class DiscardedTensorResult(Rule):
    name = "discarded-tensor-result"
    code = "TENS012"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), tuple(f".{name}(" for name in sorted(_PURE | {"relu", "normalize", "pad", "softmax"})))
    why = (
        "A tensor operation gives back a new tensor and leaves the old one as it was (only a module moves itself), so "
        "the code below goes on with the old device, type, shape or values."
    )
    quotes = ("DBG-CODE-19", "DBG-RAT-8")
    instead = "Assign the result, or use the method that works in place."
    looks_at = "tensor operations whose result is not used"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for call, _ in _discarded(program):
            yield call

    def check(self, program: Program) -> Iterator[Report]:
        for call, receiver in _discarded(program):
            report = self._judge(call, receiver, program)
            if report is not None:
                yield report

    def _judge(self, call: ast.Call, receiver: ast.expr, program: Program) -> Report | None:
        why = program.why
        if program.is_test:
            why(call, "the file is a test")
            return None
        function = program.qualified(call) in _FUNCTIONS
        value = program.value(receiver, call)
        sure = _is_tensor(value, receiver, call, function, program)
        if sure is None:
            why(call, "{} is not known to be a tensor: what the call does may be done in place", receiver)
            return None
        if program.document.is_notebook and _shown(call, program):
            why(call, "the notebook shows the result")
            return None
        if _shows_it(call, receiver, program):
            why(call, "what comes next only looks at {}: that it does not change is what is shown", receiver)
            return None
        if _tried(call, program):
            why(call, "it is tried whether the operation works")
            return None
        read = _read_later(receiver, call, program)
        if read is None:
            why(call, "{} is not used again", receiver)
            return None
        path = dotted(receiver) or ""
        name = last_name(call.func)
        word = program.short(call, 44)
        title = f"Keep the result (`{path[:40]} = ...`)"
        fixable = _one_variable(receiver, call, program) and not (
            name == "detach" and _differentiated(path, call, program)
        )
        return Report(
            at=call,
            headline=f"`{word}` changes nothing: its result is thrown away",
            confidence=sure,
            severity="warning" if name in _MILD or sure != "high" else None,
            evidence=[*made(value, f"`{path}`"), Step(program, read, "the old tensor is used here")],
            links=lambda: [
                kind_link(program, value, path)
                if value.known
                else Link("kind", sure, f"`{path}` has a method that tensors alone have")
            ],
            fix=(lambda: Fix(title, "unsafe", (_assignment(call, path, program),))) if fixable else None,
            fix_title=title if fixable else "",
        )


def _discarded(program: Program) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Calls that are a whole statement, of a pure tensor operation, with the tensor."""
    named = _NAMES.intersection(program.last_names_called())
    for call in [call for name in sorted(named) for call in program.method_calls(name)]:
        func = call.func
        assert isinstance(func, ast.Attribute)
        stmt = program.statement(call)
        if not isinstance(stmt, ast.Expr) or stmt.value is not call:
            continue
        if any(k.arg in _PLACES or k.arg is None for k in call.keywords):
            continue
        receiver: ast.expr | None = func.value if func.attr in _PURE else None
        if program.qualified(call) in _FUNCTIONS:
            receiver = argument(call, 0, "input")
        if receiver is not None and dotted(receiver) is not None:
            yield call, receiver


def _is_tensor(value: Value, receiver: ast.expr, call: ast.Call, function: bool, program: Program) -> Confidence | None:
    if function:
        return "high"
    name = last_name(call.func)
    if value.kind == "tensor" or (value.kind == "params" and value.type == "torch.nn.Parameter"):
        return value.confidence
    if value.kind == "batch" and _one_of_several(receiver, call, program):
        return value.confidence
    if name in _TENSOR_ONLY and value.kind in ("unknown", "output", "batch"):
        return "medium" if call.args or name == "contiguous" else None
    return None


def _one_of_several(receiver: ast.expr, call: ast.Call, program: Program, depth: int = 0) -> bool:
    """Whether a part of a batch is a member of a tuple that nothing treats as a dict: `for x, y in loader`."""
    if not isinstance(receiver, ast.Name):
        return False
    scope = program.scope(call)
    found = program.names.lookup(receiver.id, scope)
    if found is not None and [b.kind for b in found[1]] == ["param"] and depth < MAX_CALLERS:
        function = found[1][0].scope
        sites = [(site, given(site, function, receiver.id)) for site in program.call_sites(function)]
        return bool(sites) and all(
            passed is not None and _one_of_several(passed, site, program, depth + 1) for site, passed in sites
        )
    if found is None or not all(b.kind == "for" and _unpacked(b, program) for b in found[1]):
        return False
    source = program.document.source
    name = receiver.id
    return f"**{name}" not in source and f'{name}["' not in source and f"{name}['" not in source


def _unpacked(b: Binding, program: Program) -> bool:
    """Whether the target of a loop takes a batch apart: `(x, y)` in `for i, (x, y) in enumerate(loader)`, where `i` is
    none of its parts. A graph, which some loaders of other libraries give, moves itself."""
    over, parts = b.value, len(b.path)
    while (
        isinstance(over, ast.Call) and over.args and (name := program.names.qualified(over.func, b.scope)) is not None
    ):
        if name == "builtins.enumerate":
            parts -= 1
        elif name not in PASS_THROUGH:
            break
        over = over.args[0]
    if over is None or parts < 1:
        return False
    return (program.value(over, b.stmt or over).type or "").partition(".")[0] not in _GRAPHS


def _shown(call: ast.Call, program: Program) -> bool:
    """Whether a statement is the last of its cell."""
    stmt = program.statement(call)
    if stmt is None or program.scope(call).kind != "module":
        return False
    position = program.document.position
    cell = position(program.span(stmt).start).cell
    body = program.tree.body
    after = body[body.index(stmt) + 1 :] if stmt in body else []
    return not after or position(program.span(after[0]).start).cell != cell


def _shows_it(call: ast.Call, receiver: ast.expr, program: Program, depth: int = 0) -> bool:
    """Whether what comes next only looks at the same variable, and does nothing with it: `x.is_cuda  # False`.

    In a function that handed it in or gets it back, where its own has nothing more to do with it.
    """
    stmt, path, scope = program.statement(call), dotted(receiver), program.scope(call)
    block = program.index.parent.get(stmt) if stmt is not None else None
    for name in ("body", "orelse", "finalbody"):
        body = getattr(block, name, None)
        if path is None or not isinstance(body, list) or stmt not in body:
            continue
        after = next((s for s in body[body.index(stmt) + 1 :] if path.partition(".")[0] in names_in(s)), None)
        looked = dotted(after.value) if isinstance(after, ast.Expr | ast.Return) and after.value is not None else None
        if isinstance(after, ast.Expr):
            return looked is not None and f"{looked}.".startswith(f"{path}.")
        if block is not scope.node or depth == MAX_CALLERS or scope.kind != "function":
            return False
        given_back = isinstance(after, ast.Return) and looked == path
        if not given_back and after is not None:
            return False
        sites = program.call_sites(scope)
        held = [_held_by(site, program) if given_back else given(site, scope, path) for site in sites]
        return bool(sites) and all(
            one is not None and _shows_it(site, one, program, depth + 1) for site, one in zip(sites, held, strict=True)
        )
    return False


def _held_by(call: ast.Call, program: Program) -> ast.expr | None:
    """The variable that gets all that a call gives."""
    stmt = program.statement(call)
    return stmt.targets[0] if isinstance(stmt, ast.Assign) and stmt.value is call and len(stmt.targets) == 1 else None


def _tried(call: ast.Call, program: Program, depth: int = 0) -> bool:
    """Whether it stands in a short `try` that goes on without it, or is all that a function called there does."""
    stmt, scope = program.statement(call), program.scope(call)
    block = program.index.parent.get(stmt) if stmt is not None else None
    if block is scope.node and len(getattr(block, "body", ())) <= MAX_TRIED and depth < MAX_CALLERS:
        sites = program.call_sites(scope) if scope.kind == "function" else []
        return bool(sites) and all(_tried(site, program, depth + 1) for site in sites)
    if not isinstance(block, ast.Try) or not recovers(block) or stmt not in block.body:
        return False
    return sum(any(isinstance(n, ast.Call) for n in nodes(s)) for s in block.body) <= MAX_TRIED


def _read_later(receiver: ast.expr, call: ast.Call, program: Program, depth: int = 0) -> ast.expr | None:
    """Where the same variable or attribute is read behind the call: below it, in the class, or in a caller that has
    handed it in."""
    path = dotted(receiver)
    if path is None:
        return None
    scope = program.scope(call)
    first = path.partition(".")[0]
    if "." not in path:
        reads: list[ast.expr] = [*program.flow.reads(path, scope)]
    else:
        reads = program.flow.path_reads(path, scope)
        if first == scope.self_name and scope.class_scope is not None:
            attr = path.split(".")[1]
            for other in scope.class_scope.children:
                if other is not scope and other.self_name is not None:
                    reads += program.flow.path_reads(f"{other.self_name}.{attr}", other)
    inside = program.span(call)
    behind = [r for r in reads if program.span(r).start >= inside.end]
    if behind:
        return min(behind, key=lambda r: program.span(r).start)
    if [b.kind for b in scope.bindings.get(path, ())] == ["param"] and depth < MAX_CALLERS:
        for site in program.call_sites(scope):  # the caller goes on with what it has handed in
            passed = given(site, scope, path)
            later = _read_later(passed, site, program, depth + 1) if passed is not None else None
            if later is not None:
                return later
    elsewhere = [r for r in reads if program.span(r).end <= inside.start]
    return elsewhere[0] if "." in path and first == scope.self_name and elsewhere else None


def _one_variable(receiver: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether an assignment mends it: to a variable, or to an attribute of `self` that holds no parameter."""
    scope = program.scope(call)
    if isinstance(receiver, ast.Attribute):
        own = isinstance(receiver.value, ast.Name) and receiver.value.id == scope.self_name
        made_by = [b.value for b in scope.class_scope.attributes.get(receiver.attr, ())] if scope.class_scope else []
        plain = all(isinstance(v, ast.Call) and program.qualified(v) != "torch.nn.Parameter" for v in made_by)
        return own and bool(made_by) and plain
    return isinstance(receiver, ast.Name)


def _differentiated(path: str, call: ast.Call, program: Program) -> bool:
    """Whether `backward()` comes to the tensor below, directly or through a scaler: it must keep its graph."""
    for other in program.scope(call).calls:
        if other.lineno > call.lineno and last_name(other.func) in ("backward", "scale"):
            parts = [*other.args, *([other.func.value] if isinstance(other.func, ast.Attribute) else [])]
            if any(dotted(part) == path for part in parts):
                return True
    return False


def _assignment(call: ast.Call, path: str, program: Program) -> TextEdit:
    start = program.span(call).start
    return TextEdit(Span(start, start), f"{path} = ")
