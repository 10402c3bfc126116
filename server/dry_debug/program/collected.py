"""What keeps tensors other than losses, graph and all, from one iteration of a loop to the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.additions import addition_of
from dry_debug.program.arguments import given
from dry_debug.program.callers import without_gradients
from dry_debug.program.carried import BACKWARD, Carried, backward_passes, carried
from dry_debug.program.derived import backward_through, read_with_graph
from dry_debug.program.differentiated_entries import differentiated_entry
from dry_debug.program.evidence import Confidence, weakest
from dry_debug.program.fate import Fate, fate_of
from dry_debug.program.growth import outlived, reads_batches, tell_differentiated
from dry_debug.program.scopes import dotted
from dry_debug.program.told_to_change import told_to_change
from dry_debug.program.walks import FunctionNode, Repeated, RowNode, names_in
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_JOINS = frozenset(f"torch.{n}" for n in ("cat", "concat", "concatenate", "vstack", "hstack", "stack"))
_MOST_CALLERS = 3  # functions that hand on what is filled, one in the other
How = Literal["list", "dict", "cat", "sum"]


@dataclass(slots=True)
class Collection:
    """A statement that adds tensors with their graphs to something that outlives the iteration."""

    at: ast.stmt
    path: str  # what keeps them: `outputs`, `self.cache`
    how: How
    carried: list[Carried]
    loop: Repeated
    fate: Fate
    confidence: Confidence
    used_up: ast.Call | None  # the backward pass of the same iteration through them
    evaluates: bool  # the loop only runs the model: nothing in it computes gradients
    entry: str = ""  # what carries the graph, where that is an entry of what is added: `out["loss"]` of `out`


def collections(program: Program) -> Iterator[Collection]:
    """In source order of each kind; what may be meant for a later backward pass is left out."""
    ends = _ends(program)
    for stmt in (*program.index.assignments, *program.index.augments):
        found = _assigned(program, stmt)
        if found is not None:
            yield from _judged(program, ends, stmt, *found)
    for name in ("append", "extend", "appendleft"):
        for call in program.method_calls(name):
            stmt_ = program.statement(call)
            if not (isinstance(stmt_, ast.Expr) and stmt_.value is call and len(call.args) == 1 and not call.keywords):
                continue
            assert isinstance(call.func, ast.Attribute)
            yield from _judged(program, ends, stmt_, call.func.value, "list", call.args[0])


def added(program: Program, stmt: ast.stmt) -> bool:
    """Whether `stmt` is of a form that `collections` looks at."""
    if isinstance(stmt, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return _assigned(program, stmt) is not None
    return False


def _assigned(
    program: Program, stmt: ast.Assign | ast.AnnAssign | ast.AugAssign
) -> tuple[ast.expr, How, ast.expr] | None:
    """(what grows, how, what is added) of `x += [a]`, `x[k] = a`, `x = torch.cat((x, a))` and `x += a`."""
    if stmt.col_offset == 0:
        return None  # in no loop
    if isinstance(stmt, ast.AugAssign):
        if isinstance(stmt.op, ast.Add):
            return stmt.target, ("list" if isinstance(stmt.value, RowNode) else "sum"), stmt.value
        return None
    if not isinstance(stmt, ast.Assign) or len(stmt.targets) != 1:
        return None
    target, value = stmt.targets[0], stmt.value
    if isinstance(target, ast.Subscript):
        if isinstance(target.slice, ast.Constant | ast.Slice | ast.Tuple):
            return None
        return target.value, "dict", value
    if isinstance(value, ast.Call) and value.args and isinstance(value.args[0], RowNode):
        parts = value.args[0].elts
        path = dotted(target)
        if path is None or len(parts) < 2 or not any(dotted(part) == path for part in parts):
            return None
        if program.qualified(value) not in _JOINS:
            return None
        rest = [part for part in parts if dotted(part) != path]
        return target, "cat", rest[0] if len(rest) == 1 else value.args[0]
    addition = addition_of(stmt) if value.__class__ is ast.BinOp else None
    if addition is not None and len(addition[1]) == 1:
        return addition[0], "sum", addition[1][0]
    return None


def _ends(program: Program) -> dict[str, set[Scope]]:
    """The scopes that run a backward pass, and those that switch a model to evaluation."""
    backward = {program.scope(call) for name in BACKWARD for call in program.method_calls(name)}
    for function in [scope for scope in backward if scope.kind == "function"]:
        backward.update(program.scope(site) for site in program.call_sites(function))
    return {"backward": backward, "eval": {scope for scope, _, _ in _switches(program)}}


def _switches(program: Program) -> Iterator[tuple[Scope, int, str]]:
    """(scope, line, path) of each model that is put into evaluation mode, there or by a function that it is given."""
    for call in program.method_calls("eval"):
        assert isinstance(call.func, ast.Attribute)
        path, scope = dotted(call.func.value), program.scope(call)
        if path is None or call.args:
            continue
        yield scope, call.lineno, path
        if scope.kind != "function" or "train" in scope.receivers.get(path, ()):
            continue
        if [b.kind for b in scope.bindings.get(path, ())] != ["param"]:
            continue
        for site in program.call_sites(scope):
            passed = given(site, scope, path)
            outside = dotted(passed) if passed is not None else None
            if outside is not None:
                yield program.scope(site), site.lineno, outside


def _judged(
    program: Program, ends: dict[str, set[Scope]], stmt: ast.stmt, grows: ast.expr, how: How, value: ast.expr
) -> Iterator[Collection]:
    why = program.why
    holder = grows.value if isinstance(grows, ast.Subscript) else grows
    path = dotted(holder)
    if path is None:
        why(stmt, "what grows is no variable or attribute: {}", grows)
        return
    if isinstance(value, ast.Constant | ast.JoinedStr | ast.Compare | ast.Lambda):
        why(stmt, "what is added is no tensor: {}", value)
        return
    scope = program.scope(stmt)
    # Cheap questions first: nearly every loop ends here.
    sites = _sites(program, scope) if ends["backward"] or ends["eval"] else []
    stages = {scope, *(program.scope(site) for site in sites)}
    if not stages & ends["backward"]:
        if how == "sum" or scope.name == "forward":
            why(stmt, "nothing in the function uses a graph up")
            return
        if not stages & ends["eval"] and "oader" not in program.document.source:
            why(stmt, "nothing in the function uses a graph up or evaluates a model, and the file has no loader")
            return
        if not any(program.loop_around(at) for at in (stmt, *sites)):
            why(stmt, "it stands in no loop")
            return
    loop = outlived(program, stmt, path, in_place=how != "sum")
    if loop is None:
        return
    if not _may_end_here(program, ends, stmt, loop, how, sites):
        why(stmt, "nothing in the loop uses the graphs up, and it goes through no loader and evaluates no model")
        return
    if program.grad_mode(stmt) == "off":
        why(stmt, "autograd records nothing here, so there is no graph", see=program.no_grad_around(stmt))
        return
    if how == "dict" and program.value(grows, stmt).kind not in ("dict", "container"):
        why(stmt, "{} is not known to be a dict or a list", grows)
        return
    frees = told_to_change(program, value, stmt)
    if frees is not None:
        why(stmt, "what is added is an object with methods of its own, which may let its graph go: {}", frees)
        return
    if isinstance(loop, FunctionNode) and how == "sum":
        why(stmt, "it stands in no loop of its function")
        return
    if _only_once(program, stmt, loop) or _called_once(program, loop, sites):
        why(stmt, "it runs in one iteration only")
        return
    tensors = _tensors(program, stmt, value, how, loop)
    entry = differentiated_entry(program, value, stmt, loop) if not tensors else None
    if entry is not None:
        holds, fate = Carried(value, "high", None, entry.backward), Fate(unknown=True)
        yield Collection(stmt, path, how, [holds], loop, fate, "high", entry.backward, False, entry.text)
        return
    if not tensors:
        from dry_debug.program.describe import why_no_graph

        if why.listens:
            why(stmt, "{} does not carry a graph that is kept: {}", value, why_no_graph(program, value, stmt))
        return
    sources = {p for each in tensors for p in _sources(program, each.expr, stmt)}
    used = next((each.backward for each in tensors if each.backward is not None), None)
    if used is None and sources:
        used = backward_through(program, scope, loop, sources) or _used_by_callers(program, scope, loop, sources, sites)
    if used is not None and any(k.arg in ("retain_graph", "create_graph") for k in used.keywords):
        used = None
    fate = _fate(program, path, stmt, scope, sites)
    if fate.backward:
        tell_differentiated(program, stmt, path, fate)
        return
    confidence = weakest(*(each.confidence for each in tensors))
    evaluates = False
    if used is None:
        if how == "sum":
            why(stmt, "no backward pass of the same iteration shows that {} carries a graph", value)
            return
        if any(each.made is not None and each.made.via == "part" for each in tensors):
            why(stmt, "{} is a part of what a module gives of which nothing is known", value)
            return
        frozen = next((m for each in tensors for m in _makers(program, each.expr, stmt) if _frozen(program, m)), None)
        if frozen is not None:
            why(stmt, f"the parameters of `{frozen}` are told to need no gradient, so its output may have no graph")
            return
        off = without_gradients(program, stmt)
        if off is not None:
            why(stmt, "autograd may be switched off by {}, which calls it", off, see=off)
            return
        evaluates = not _differentiates(program, loop)
        told = evaluates and _told_to_evaluate(program, stmt, tensors, sites)
        if not told and (fate.unknown or not reads_batches(program, loop)):
            why(stmt, f"nobody can see what becomes of `{path}`: it may be differentiated in the end")
            return
        confidence = weakest(confidence, "medium")
    yield Collection(stmt, path, how, tensors, loop, fate, confidence, used, evaluates)


def _sites(program: Program, scope: Scope) -> list[ast.Call]:
    """The calls of the function `scope`; none for what the file runs by itself."""
    return program.call_sites(scope) if scope.kind == "function" and scope.name != "forward" else []


def _outside(site: ast.Call, function: Scope, path: str) -> str | None:
    """What the caller calls `path` of the function, if it hands it in: `net.head` for `model.head`."""
    root, _, rest = path.partition(".")
    passed = given(site, function, root)
    outer = dotted(passed) if passed is not None else None
    if outer is None and root == function.self_name and isinstance(site.func, ast.Attribute):
        outer = dotted(site.func.value)
    return f"{outer}.{rest}" if outer is not None and rest else outer


def _fate(program: Program, path: str, stmt: ast.stmt, scope: Scope, sites: list[ast.Call], depth: int = 0) -> Fate:
    """What becomes of `path`: in the function that fills it and, where that is handed it, in all that call it."""
    fate = fate_of(program, path, stmt)
    if not sites or [b.kind for b in scope.bindings.get(path, ())] != ["param"]:
        return fate
    for site in sites:
        at, outer = program.statement(site), _outside(site, scope, path)
        if at is None or outer is None or depth == _MOST_CALLERS:
            fate.unknown = True
            continue
        caller = program.scope(site)
        one = _fate(program, outer, at, caller, _sites(program, caller), depth + 1)
        fate.backward, fate.tensor = fate.backward or one.backward, fate.tensor or one.tensor
        fate.unknown = fate.unknown or one.unknown
        fate.differentiated = fate.differentiated or one.differentiated
    return fate


def _used_by_callers(
    program: Program, function: Scope, loop: Repeated, sources: set[str], sites: list[ast.Call]
) -> ast.Call | None:
    """The backward pass of a caller's loop over what the function is handed and collects."""
    if not isinstance(loop, FunctionNode):
        return None
    for site in sites:
        caller = program.scope(site)
        around = program.loop_around(site) or caller.node
        outer = {path for source in sources if (path := _outside(site, function, source)) is not None}
        if not outer or not isinstance(around, Repeated):
            continue
        found = backward_through(program, caller, around, outer)
        if found is not None:
            return found
    return None


def _may_end_here(
    program: Program, ends: dict[str, set[Scope]], stmt: ast.stmt, loop: Repeated, how: How, sites: list[ast.Call]
) -> bool:
    """Whether the graphs may end with the iteration, as far as can be told without asking what the tensors are."""
    scope = program.scope(stmt)
    inside = program.index.inside
    for call, _ in backward_passes(program, scope) if scope in ends["backward"] else ():
        at = program.statement(call)
        if at is not None and inside(at, loop):
            return True
    outer = {program.scope(site) for site in sites}
    if isinstance(loop, FunctionNode) and outer & ends["backward"]:
        return True
    if how == "sum" or scope.name == "forward":
        return False
    return bool(({scope} | outer) & ends["eval"]) or reads_batches(program, loop)


def _tensors(program: Program, stmt: ast.stmt, value: ast.expr, how: How, loop: Repeated) -> list[Carried]:
    """The parts of what is added that carry a graph: the elements of a tuple, a list or a dict, or it alone."""
    nested = isinstance(value, ast.Tuple | ast.List | ast.Dict | ast.Set)
    parts: list[ast.expr] = []
    stack = [value]
    while stack and len(parts) < 20:
        node = stack.pop()
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            stack.extend(reversed(node.elts))
        elif isinstance(node, ast.Dict):
            stack.extend(reversed(node.values))
        elif isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp | ast.UnaryOp):
            parts.append(node)
    found = [c for part in parts if (c := carried(program, part, stmt, loop)) is not None]
    if how in ("list", "sum") and not nested:  # a loss by itself is what `growth` is about
        found = [c for c in found if not c.is_loss]
    return found


def _sources(program: Program, expr: ast.expr, stmt: ast.stmt) -> Iterator[str]:
    """The variables with a graph that `expr` is computed from."""
    for node in read_with_graph(expr):
        path = dotted(node)
        if path is not None and program.value(node, stmt).attached:
            yield path


def _makers(program: Program, expr: ast.expr, stmt: ast.stmt) -> list[str]:
    """What is called to make the tensors of `expr`: `net` of `net(x)`, also through a variable."""
    found: list[str] = []
    queue: list[tuple[ast.expr, int]] = [(expr, 0)]
    scope = program.scope(stmt)
    while queue:
        node, depth = queue.pop()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                path = dotted(inner.func)
                if path is not None:
                    found.append(path)
            elif isinstance(inner, ast.Name) and depth < 2:
                for binding in scope.bindings.get(inner.id, ())[:8]:
                    if binding.kind == "assign" and binding.value is not None:
                        queue.append((binding.value, depth + 1))
    return found


def _frozen(program: Program, path: str) -> bool:
    """Whether the file tells (some of) the parameters of the module `path` that they need no gradient."""
    if "requires_grad" not in program.document.source:
        return False
    root = path.removesuffix(".module")
    for call in program.method_calls("requires_grad_"):
        off = call.args[0] if call.args else next((k.value for k in call.keywords), None)
        assert isinstance(call.func, ast.Attribute)
        if isinstance(off, ast.Constant) and off.value is False and _of(call.func.value, root, program, call):
            return True
    for stmt in program.index.assignments:
        target = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target
        if isinstance(target, ast.Attribute) and target.attr == "requires_grad":
            off = stmt.value
            if isinstance(off, ast.Constant) and off.value is False and _of(target.value, root, program, stmt):
                return True
    return False


def _of(expr: ast.expr, root: str, program: Program, at: ast.AST) -> bool:
    """Whether `expr` is `root`, or the variable of a loop over its parameters."""
    while isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
        expr = expr.func.value  # `net.eval().requires_grad_(False)`
    path = dotted(expr)
    if path is None:
        return False
    if path == root or path.startswith(root + "."):
        return True
    stmt = program.statement(at)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ast.For) and path in names_in(block.target):
            over = [dotted(n) or "" for n in ast.walk(block.iter)]
            return any(p == root or p.startswith(root + ".") for p in over)
    return False


def _differentiates(program: Program, loop: Repeated) -> bool:
    """Whether gradients are computed in the loop, here or in what it calls."""
    if isinstance(loop, FunctionNode):
        function = program.index.scopes[loop]
        around = [program.loop_around(site) for site in _sites(program, function)]
        loops = program.training.loops
        return loops.function_trains(function) or any(loops.steps_in(one) for one in around if one is not None)
    return program.training.loops.steps_in(loop)


def _told_to_evaluate(program: Program, stmt: ast.stmt, tensors: list[Carried], sites: list[ast.Call]) -> bool:
    """Whether what makes the tensors, or one of the models, is switched to evaluation before the loop: by the function
    or by all that call it."""
    made = {m for each in tensors for m in _makers(program, each.expr, stmt)}
    scope = program.scope(stmt)
    switches = list(_switches(program))

    def switched(makers: set[str], inside: Scope, line: int) -> bool:
        return any(
            where is inside and at < line and any(m == path or m.startswith(path + ".") for m in makers)
            for where, at, path in switches
        )

    if switched(made, scope, stmt.lineno):
        return True
    return bool(sites) and all(
        switched({o for m in made if (o := _outside(site, scope, m)) is not None}, program.scope(site), site.lineno)
        for site in sites
    )


def _called_once(program: Program, loop: Repeated, sites: list[ast.Call]) -> bool:
    """Whether every call of the function `loop` that stands in a loop runs in one iteration of it only."""
    if not isinstance(loop, FunctionNode):
        return False
    calls = [(program.statement(site), around) for site in sites if (around := program.loop_around(site)) is not None]
    return bool(calls) and all(at is not None and _only_once(program, at, around) for at, around in calls)


def _only_once(program: Program, stmt: ast.stmt, loop: Repeated) -> bool:
    """Whether a test for one iteration (`if i == 0:`) stands between the loop and the statement."""
    for block in program.index.ancestors(stmt):
        if block is loop:
            return False
        if isinstance(block, ast.If) and isinstance(block.test, ast.Compare) and isinstance(block.test.ops[0], ast.Eq):
            left, right = block.test.left, block.test.comparators[0]
            if isinstance(left, ast.Name) and isinstance(right, ast.Constant):
                return True
    return False
