"""What keeps autograd graphs alive from one iteration of a loop to the next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.additions import addition_of, keepers, may_keep, sums
from dry_debug.program.arguments import given as given_for
from dry_debug.program.carried import Carried, bindings_of, carriers
from dry_debug.program.evidence import Confidence, Step, weakest
from dry_debug.program.fate import Fate, fate_of
from dry_debug.program.handed_back import handed_back
from dry_debug.program.hyper_fields import canonical_field
from dry_debug.program.reaching import always_in, reaching
from dry_debug.program.scopes import Binding, Scope, dotted
from dry_debug.program.walks import DefinitionNode, ForNode, FunctionNode, LoopNode, Repeated, loop_head
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(slots=True)
class Growth:
    """A statement that adds tensors with their graphs to something that outlives the iteration."""

    at: ast.stmt
    path: str  # what grows, as written: `total`, `self.total`, `logs["loss"]`; `call`: what is called on
    how: Literal["sum", "list", "call"]
    carried: list[Carried]
    loop: Repeated
    fate: Fate
    confidence: Confidence
    kept: tuple[Program, ast.stmt] | None = None  # `call`: where the function that is called keeps it

    @property
    def backward(self) -> ast.Call | None:
        return next((c.backward for c in self.carried if c.backward is not None), None)


MAX_CALLERS = 20  # functions through which a loop is looked for
MAX_HANDED = 3  # functions through which what grows is handed in


def growths(program: Program) -> Iterator[Growth]:
    """In source order of each kind: what is known to carry a graph and not known to be meant for a backward pass."""
    for stmt, target, added in sums(program):
        if program.grad_mode(stmt) == "off":
            program.why(stmt, "autograd records nothing here, so there is no graph", see=program.no_grad_around(stmt))
            continue
        yield from _summed(program, stmt, target, added)
    stmt_of = program.index.stmt_of
    for call in program.index.calls:
        stmt_ = stmt_of.get(call) if call.args or call.keywords else None
        if not isinstance(stmt_, ast.Expr | ast.Assign) or stmt_.value is not call:
            continue
        if isinstance(stmt_, ast.Expr) or _own_function(program, call):
            yield from _called(program, stmt_, call)


def _own_function(program: Program, call: ast.Call) -> bool:
    """Whether it is a call of a function of the module, by its plain name: cheap, as all calls of a file are asked."""
    bindings = program.index.module.bindings.get(call.func.id) if isinstance(call.func, ast.Name) else None
    return bindings is not None and bindings[-1].kind == "def"


def _summed(program: Program, stmt: ast.stmt, target: ast.expr, added: list[ast.expr]) -> Iterator[Growth]:
    holder = target.value if isinstance(target, ast.Subscript) else target
    path = dotted(holder)
    if path is None:
        program.why(stmt, "what grows is no variable or attribute: {}", target)
        return
    loop = outlived(program, stmt, path, in_place=isinstance(target, ast.Subscript))
    if loop is None or not _may_use_graphs_up(program, loop):
        return
    carried = [c for term in added for c in carriers(program, term, stmt, loop)]
    if not carried:
        _no_graph(program, stmt, added)
    growth = _growth(program, stmt, program.text(target), path, "sum", carried, loop)
    if growth is not None:
        yield growth


def _called(program: Program, stmt: ast.Expr | ast.Assign, call: ast.Call) -> Iterator[Growth]:
    arguments = [*call.args, *(k.value for k in call.keywords)]
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "append" and len(arguments) == 1:
        holder = func.value.value if isinstance(func.value, ast.Subscript) else func.value
        path = dotted(holder)
        loop = outlived(program, stmt, path, in_place=True)
        if loop is not None and path is not None and _may_use_graphs_up(program, loop):
            carried = carriers(program, arguments[0], stmt, loop)
            if not carried:
                _no_graph(program, stmt, [arguments[0]])
            elif _kept_for_callers(program, carried, path, loop):
                return
            growth = _growth(program, stmt, program.text(func.value), path, "list", carried, loop)
            if growth is not None:
                yield growth
        return
    if len(arguments) > 8 or program.target(call).kind != "function":
        return
    if isinstance(func, ast.Name) and program.names.lookup(func.id, program.scope(call)) is None:
        return  # a builtin
    loop = _around(program, stmt, call)
    if loop is None or (program.qualified(call) or "").startswith(("builtins.", "torch.", "numpy.")):
        return
    if not may_keep(program, call):
        return
    for given in arguments:
        if isinstance(given, ast.Constant | ast.Starred):
            continue
        carried = carriers(program, given, stmt, loop)
        for kept in keepers(program, call, given, carried[0].made) if carried else ():
            if outlived(program, stmt, kept.path, in_place=True) is None:
                continue
            if _kept_for_callers(program, carried, kept.path, loop):
                continue
            fate = fate_of(program, kept.path, stmt) if kept.how == "argument" else Fate()
            if fate.backward:
                tell_differentiated(program, stmt, kept.path, fate)
                continue
            confidence = weakest(*(c.confidence for c in carried))
            yield Growth(stmt, kept.path, "call", carried, loop, fate, confidence, (kept.program, kept.stmt))
            break  # one argument is one mistake


def _may_use_graphs_up(program: Program, loop: Repeated) -> bool:
    """Whether `_growth` may find something in the loop, whatever is added: there is a backward pass, or batches are
    read. Where what is added comes from is a longer story."""
    differentiates = program.flow.backward_calls or program.leaves_file
    return bool(differentiates) or program.why.listens or reads_batches(program, loop)


def _growth(
    program: Program,
    stmt: ast.stmt,
    text: str,
    path: str,
    how: Literal["sum", "list"],
    carried: list[Carried],
    loop: Repeated,
) -> Growth | None:
    if not carried:
        return None
    fate = fate_of(program, path, stmt)
    if fate.backward:
        tell_differentiated(program, stmt, path, fate)
        return None
    confidence = weakest(*(c.confidence for c in carried))
    again = next((c.backward for c in carried if c.backward is not None), None)
    if again is None or any(k.arg in ("retain_graph", "create_graph") for k in again.keywords):
        # Nothing shows that the graphs are used up: the sum may be what is differentiated in the end.
        if fate.unknown:
            program.why(stmt, f"nobody can see what becomes of `{path}`: it may be differentiated in the end")
            return None
        if not reads_batches(program, loop):
            program.why(stmt, "no backward pass over {} in the loop shows that its graph is used up: "
                        "the sum may be there to be differentiated", carried[0].expr, see=loop_head(loop))  # fmt: skip
            return None
        confidence = weakest(confidence, "medium")
    return Growth(stmt, text, how, carried, loop, fate, confidence)


def reads_batches(program: Program, loop: Repeated) -> bool:
    """Whether the loop goes over the batches of a loader, or the function is called in one that does."""
    if isinstance(loop, FunctionNode):
        sites = program.call_sites(program.index.scopes[loop])
        return bool(sites) and all(any(reads_batches(program, b) for b in _loops_around(program, c)) for c in sites)
    if not isinstance(loop, ForNode):
        return False
    value = program.value(loop.iter, loop)
    if value.kind == "container" and value.thunk is not None:
        value = value.thunk()  # enumerate(loader) gives pairs
        return value.kind == "container" and any(item.kind == "batch" for item in value.items or ())
    return value.kind == "loader"


def _no_graph(program: Program, stmt: ast.stmt, added: list[ast.expr]) -> None:
    """Tells why none of what is added is known to carry the graph of a loss."""
    if not program.why.listens:
        return
    from dry_debug.program.describe import why_no_graph

    for term in added:
        program.why(stmt, "{} does not carry the graph of a loss: {}", term, why_no_graph(program, term, stmt))


def tell_differentiated(program: Program, stmt: ast.stmt, path: str, fate: Fate) -> None:
    see = Step(*fate.differentiated, "") if fate.differentiated is not None else None
    program.why(stmt, f"`{path}` is differentiated in the end, so it has to keep the graphs", see=see)


# -- loops -----------------------------------------------------------------------------------------------------------


def outlived(
    program: Program, stmt: ast.stmt, path: str | None, in_place: bool = False, depth: int = 0
) -> Repeated | None:
    """The innermost loop around `stmt` whose iterations `path` outlives, or None.

    `in_place`: what is added goes into an object that a caller may have handed in; it need not be given back.
    """
    if path is None:
        program.why(stmt, "what grows is no variable or attribute")
        return None
    loop = _repeated(program, stmt, path, in_place, depth)
    if loop is None:
        program.why(stmt, "it stands in no loop, and in no method that a loop of this file calls")
        return None
    for binding in bindings_of(program, stmt, path):
        made = binding.stmt
        if made is None or made is stmt or binding.kind == "aug" or (binding.kind == "param" and made is loop):
            continue
        if isinstance(made, ast.Assign) and addition_of(made) is not None:
            continue
        if _handed_through(program, binding, path):
            continue
        if made is loop or always_in(program.index, made, loop):
            program.why(stmt, f"`{path}` starts anew in every iteration", see=made)
            return None
        if _reset_for_each_batch(program, made, loop):
            program.why(stmt, f"`{path}` starts anew with every batch, so it never holds more than one", see=made)
            return None
        one_step = _gathers_for_one_step(program, loop) and _as_often(program, made, loop)
        if one_step or _reset_with_the_gradients(program, made, loop):
            program.why(stmt, f"`{path}` starts anew for every step of the optimizer: it holds few batches", see=made)
            return None
    anew = _anew_in_caller(program, stmt, path, loop)
    if anew is not None:
        program.why(stmt, f"the caller starts `{path}` anew with every batch or step, so it holds few", see=anew)
        return None
    return loop


def _anew_in_caller(program: Program, stmt: ast.stmt, path: str, loop: Repeated) -> ast.stmt | None:
    """Where the one caller sets what it gives for the parameter `path` anew for each batch, or each step."""
    function = program.scope(stmt)
    if function.kind != "function" or not any(b.kind == "param" for b in function.bindings.get(path, ())):
        return None
    sites = program.call_sites(function)
    if len(sites) != 1:
        return None
    call = sites[0]
    at, given = program.statement(call), given_for(call, function, path)
    if at is None or not isinstance(given, ast.Name):
        return None
    bound = program.scope(call).bindings.get(given.id, ())
    made_there = [b.stmt for b in bound if b.kind == "assign" and b.stmt is not None and b.stmt is not at]
    if _gathers_for_one_step(program, loop):
        return next((made for made in made_there if _as_often(program, made, at)), None)
    for block in _loops_around(program, call):
        if reads_batches(program, block):
            made = next((made for made in made_there if always_in(program.index, made, block)), None)
            if made is not None:
                return made
    return None


def _reset_for_each_batch(program: Program, made: ast.stmt, loop: Repeated) -> bool:
    outer = [b for b in program.index.ancestors(loop) if isinstance(b, ForNode)]
    if any(always_in(program.index, made, block) and reads_batches(program, block) for block in outer):
        return True
    function = program.scope(loop)
    sites = program.call_sites(function) if function.kind == "function" and program.scope(made) is function else []
    return len(sites) == 1 and any(reads_batches(program, block) for block in _loops_around(program, sites[0]))


def _gathers_for_one_step(program: Program, loop: Repeated) -> bool:
    """`for _ in range(accumulation_steps)`, in which the gradients of one step come together."""
    if not isinstance(loop, ForNode) or not isinstance(loop.iter, ast.Call) or len(loop.iter.args) != 1:
        return False
    times = (dotted(loop.iter.args[0]) or "").rpartition(".")[2]
    return canonical_field(times) == "gradient_accumulation_steps" and program.qualified(loop.iter) == "builtins.range"


def _as_often(program: Program, one: ast.stmt, other: ast.AST) -> bool:
    """Whether two statements stand in the same function and the same loop of it."""
    return program.scope(one) is program.scope(other) and program.loop_around(one) is program.loop_around(other)


def _reset_with_the_gradients(program: Program, made: ast.stmt, loop: Repeated) -> bool:
    """Whether it is set anew on the branch on which the accumulated gradients are cleared, or the optimizer steps."""
    branch = next((b for b in program.index.ancestors(made) if b is loop or isinstance(b, ast.If)), loop)
    if branch is loop or not program.index.inside(branch, loop):
        return False
    known = program.flow.stepping.get(branch)
    if known is None:
        known = program.flow.stepping[branch] = _steps_in(program, branch, program.scope(made))
    return known


def _steps_in(program: Program, branch: ast.AST, scope: Scope) -> bool:
    """Whether gradients are cleared, or an optimizer steps, on a branch, or in a function that is called there."""
    ends = [event.stmt for event in program.events.of_kind("optimizer_step")]
    ends += [stmt for call in program.method_calls("zero_grad") if (stmt := program.statement(call)) is not None]
    if any(program.index.inside(end, branch) for end in ends):
        return True
    for call in scope.calls:
        at = program.statement(call)
        target = program.target(call) if at is not None and program.index.inside(at, branch) else None
        if target is None or target.kind != "function" or target.scope is None or target.program is None:
            continue
        if any(event.kind == "optimizer_step" for event in target.program.events.within(target.scope)):
            return True
    return False


def _handed_through(program: Program, binding: Binding, path: str) -> bool:
    """Whether it is set to what a function makes of itself and may leave as it is: `total = report(total)`."""
    call = binding.value
    if binding.kind != "assign" or not isinstance(call, ast.Call) or "." in path:
        return False
    for owner, expr, back in handed_back(program, call, binding.path):
        function = owner.scope(back)
        bindings = function.bindings.get(expr.id, []) if isinstance(expr, ast.Name) else []
        node = function.node
        if not isinstance(node, FunctionNode):
            continue
        if any(b.stmt is not None and _reset_with_the_gradients(owner, b.stmt, node) for b in bindings):
            continue
        if any(b.kind == "param" for b in reaching(owner.index, bindings, back)):
            passed = given_for(call, function, expr.id) if isinstance(expr, ast.Name) else None
            if passed is not None and dotted(passed) == path:
                return True
    return False


def _loops_around(program: Program, call: ast.Call) -> list[ast.For | ast.AsyncFor]:
    """The `for` loops of its function in which a call stands, from the inside out."""
    found: list[ast.For | ast.AsyncFor] = []
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if isinstance(block, ForNode):
            found.append(block)
        elif isinstance(block, DefinitionNode):
            break
    return found


def _around(program: Program, stmt: ast.stmt, call: ast.Call) -> Repeated | None:
    """The innermost loop around `stmt`, else its function where that works with what a loop of this file gives it."""
    for block in program.index.ancestors(stmt):
        if isinstance(block, LoopNode):
            return block
        if isinstance(block, FunctionNode):
            function = program.index.scopes[block]
            handed = [call.func.value] if isinstance(call.func, ast.Attribute) else call.args
            names = {(dotted(expr) or "").partition(".")[0] for expr in handed}
            given = any(b.kind == "param" for name in names for b in function.bindings.get(name, ())[:1])
            called = bool(program.calls_by_last_name(function.name))
            return block if given and called and _runs_in_loop(program, function) else None
    return None


def _runs_in_loop(program: Program, function: Scope) -> bool:
    """Whether a call in a loop of this file leads to the function, directly or through other functions."""
    queue, seen = [function], {function}
    for current in queue:
        for call in program.call_sites(current):
            if program.loop_around(call) is not None:
                return True
            caller = program.scope(call)
            if caller.kind == "function" and caller not in seen and len(seen) < MAX_CALLERS:
                seen.add(caller)
                queue.append(caller)
    return False


def _repeated(program: Program, stmt: ast.stmt, path: str, in_place: bool, depth: int) -> Repeated | None:
    for block in program.index.ancestors(stmt):
        if isinstance(block, LoopNode):
            return block
        if isinstance(block, FunctionNode):
            function = program.index.scopes[block]
            if path in function.bindings:
                back = _fed_back(program, function, path) or (in_place and _handed_in(program, function, path, depth))
                return block if back else None
            own = "." in path and path.partition(".")[0] == function.self_name
            return block if own and _runs_in_loop(program, function) else None
        if isinstance(block, ast.ClassDef):
            return None
    return None


def _handed_in(program: Program, function: Scope, path: str, depth: int) -> bool:
    """Whether a loop gives its parameter `path` an object that outlives the loop's iterations."""
    bindings = function.bindings[path]
    if len(bindings) != 1 or bindings[0].kind != "param" or depth > MAX_HANDED:
        return False
    for call in program.call_sites(function):
        stmt, given = program.statement(call), given_for(call, function, path)
        name = dotted(given) if given is not None else None
        if stmt is not None and name is not None and outlived(program, stmt, name, True, depth + 1) is not None:
            return True
    return False


def _kept_for_callers(program: Program, carried: list[Carried], path: str, loop: Repeated) -> bool:
    """Whether all of it comes in as arguments of a function: then it is told of the calls that put it together."""
    if not isinstance(loop, FunctionNode):
        return False
    given = program.index.scopes[loop].bindings
    names = [path, *(dotted(c.expr) or "" for c in carried)]
    return all([b.kind for b in given.get(name, ())] == ["param"] for name in names)


def _fed_back(program: Program, function: Scope, path: str) -> bool:
    """Whether a loop gives its variable for the parameter `path` and takes it back: `total = add(total, loss)`."""
    if not any(b.kind == "param" for b in function.bindings[path]) or not function.returns:
        return False
    places: set[int | None] = set()
    for back in function.returns:
        value = back.value
        items = value.elts if isinstance(value, ast.Tuple) else [value]
        at = next((i for i, item in enumerate(items) if isinstance(item, ast.Name) and item.id == path), None)
        if at is None:
            return False
        places.add(at if isinstance(value, ast.Tuple) else None)
    for call in program.call_sites(function) if len(places) == 1 else ():
        stmt, given = program.statement(call), given_for(call, function, path)
        if not isinstance(stmt, ast.Assign) or stmt.value is not call or len(stmt.targets) != 1:
            continue
        target: ast.expr = stmt.targets[0]
        place = next(iter(places))
        if place is not None:
            if not isinstance(target, ast.Tuple) or place >= len(target.elts):
                continue
            target = target.elts[place]
        if given is None or dotted(target) is None or dotted(target) != dotted(given):
            continue
        around = program.loop_around(call)
        if around is not None and outlived(program, stmt, dotted(target)) is around:
            return True
    return False
