"""Recurrent state that one iteration hands to the next with its graph, although each runs a backward pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program import lightning
from dry_debug.program.arguments import parameters_for
from dry_debug.program.carried import backward_passes
from dry_debug.program.construction import constructs, part_of
from dry_debug.program.derived import derived, reads, target_paths
from dry_debug.program.evidence import Confidence
from dry_debug.program.handed_back import handed_back
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import ChainNode, FunctionNode, LoopNode, RowNode, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

_CUTS = frozenset(("detach", "detach_", "data", "no_grad", "inference_mode"))
MAX_COPIES = 3  # of a state, one of another, inside a function
MAX_CALLS = 300  # of a loop body


@dataclass(slots=True)
class CarriedState:
    """State that goes into a module and comes out of it for the next iteration of `loop`."""

    call: ast.Call  # of the module, inside the loop
    module: Value
    paths: list[str]  # `["hidden"]`, `["h", "c"]`, `["self.hidden"]`
    at: ast.stmt  # the statement that takes the new state
    loop: LoopNode | ast.FunctionDef | ast.AsyncFunctionDef  # a function: the hook that runs for each batch
    backward: ast.Call | None  # None: the trainer that calls the hook runs it
    confidence: Confidence
    holder: tuple[Program, Scope] | None = None  # the class that keeps the state on itself, and its file

    @property
    def retains(self) -> bool:
        """Whether the backward pass keeps the graph: somebody has met the error before."""
        return self.backward is not None and _retains(self.backward)


def _retains(backward: ast.Call) -> bool:
    return any(
        k.arg == "retain_graph" and not (isinstance(k.value, ast.Constant) and not k.value.value)
        for k in backward.keywords
    )


def only_looks(program: Program, found: CarriedState) -> bool:
    """Whether the graph of all rounds is what is asked for: it is retained, also by a function that the loop calls,
    and no optimizer changes the weights. How far does one layer after the other look?"""
    if found.backward is None or not isinstance(found.loop, ast.For | ast.While):
        return False
    target = program.target(found.backward)
    inner = target.scope.calls if target.kind == "function" and target.scope is not None else []
    return any(_retains(call) for call in (found.backward, *inner)) and not program.training.loops.steps_in(
        found.loop, True
    )


_Candidate = tuple[ast.Call, ast.stmt, list[str]]  # a call, its statement, the variables given that a loop carries on


def carried_states(program: Program) -> Iterator[CarriedState]:
    """Every state that is carried on undetached, in source order of the backward passes."""
    seen: set[ast.AST] = set()
    candidates: dict[LoopNode, list[_Candidate]] = {}
    for scope in (program.index.module, *program.index.functions):
        if not program.why.listens and not _worth_a_look(program, scope, candidates):
            continue
        for backward, over in backward_passes(program, scope, retaining=True, computed=True):
            stmt = program.statement(backward)
            loop = program.loop_around(backward)
            if stmt is not None and loop is None and scope.kind == "function":
                for found in _called_in_loop(program, scope, backward, over):
                    if found.at not in seen:
                        seen.add(found.at)
                        yield found
            if stmt is None or loop is None:
                program.why(backward, "it stands in no loop")
                continue
            if _leaves(program, stmt, loop):
                program.why(backward, "the loop is left after it")
                continue
            if loop not in candidates:
                candidates[loop] = _may_carry(program, scope, loop)
            for found in _in_loop(program, scope, loop, backward, over, candidates[loop]):
                if found.at not in seen:
                    seen.add(found.at)
                    yield found
    for cls in program.index.classes if "training_step" in program.document.source else ():
        if lightning.trained_by_trainer(cls):
            yield from _between_steps(program, cls)


def _worth_a_look(program: Program, scope: Scope, candidates: dict[LoopNode, list[_Candidate]]) -> bool:
    """Whether a call of the scope may run a backward pass where a state may be carried on."""
    for call in program.flow.backward_calls.get(scope, ()):
        loop = program.loop_around(call)
        if loop is None:
            if scope.kind == "function" and any(map(program.loop_around, program.call_sites(scope))):
                return True
            continue
        if loop not in candidates:
            candidates[loop] = _may_carry(program, scope, loop)
        if candidates[loop]:
            return True
    return False


def _leaves(program: Program, stmt: ast.stmt, loop: LoopNode) -> bool:
    """Whether the block of `stmt`, or one around it, ends the loop or the function."""
    node: ast.AST = stmt
    while node is not loop:
        parent = program.index.parent.get(node)
        if parent is None:
            return False
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and node in block and isinstance(block[-1], ast.Break | ast.Return | ast.Raise):
                return True
        node = parent
    return False


def _may_carry(program: Program, scope: Scope, loop: LoopNode) -> list[_Candidate]:
    """The calls in `loop` that may run what carries a state on; most are told by the names that they are given."""
    several = [name for name, found in scope.bindings.items() if len(found) > 1]
    carried = {name for name in several if _bound_in(program, scope, loop, name)}
    if not carried and not _classes_keep(program):
        return []
    stmt_of, last = program.index.stmt_of, loop.end_lineno or loop.lineno
    calls = [
        (call, at) for call in scope.calls
        if loop.lineno <= call.lineno <= last and (at := stmt_of.get(call)) is not None and at is not loop
    ]  # fmt: skip
    found: list[_Candidate] = []
    for call, stmt in calls[:MAX_CALLS]:
        if not isinstance(stmt, ast.Assign | ast.AnnAssign | ast.Expr | ast.AugAssign | ast.Return):
            continue
        states = [path for path in _given(call) if path in carried] if carried else []
        if not states and not ("." not in (dotted(call.func) or ".") or isinstance(call.func, ast.Attribute)):
            continue
        if states or (_classes_keep(program) and _may_hold_state(program, call)):
            found.append((call, stmt, states))
    return found


def _classes_keep(program: Program) -> bool:
    """Whether a class that the program can reach may set an attribute of its own object to what comes of it."""
    keeping = program.flow.keeping
    if keeping is None:
        keeping = program.flow.keeping = program.leaves_file or any(
            isinstance(stmt, ast.Assign)
            and isinstance(stmt.value, ast.Call)
            and _states_of_self(stmt, stmt.value, scope)
            for scope in (program.index.functions if program.index.classes else ())
            if scope.self_name is not None
            for stmt in program.flow.assignments(scope)
        )
    return keeping


def _in_loop(
    program: Program,
    scope: Scope,
    loop: LoopNode,
    backward: ast.Call,
    over: ast.expr,
    candidates: list[_Candidate],
) -> Iterator[CarriedState]:
    for call, stmt, states in candidates:
        taken = _taken(stmt) if isinstance(stmt, ast.Assign) and stmt.value is call else []
        module = program.value(call.func, call)
        if module.kind == "function" and states:
            run = next((r for name in states if (r := _run_inside(program, call, name)) is not None), None)
            module = run[2] if run is not None else module
        if module.kind == "function" and not states:
            for inner in _modules_inside(module):
                held = _held(program, loop, backward, over, call, stmt, inner)
                if held is not None and program.grad_mode(call) == "on":
                    yield held
                    break
        if module.kind != "module":
            if states and set(states) & set(taken):
                program.why(call, "{} is not known to be a module", call.func)
            continue
        if program.grad_mode(call) != "on":
            program.why(call, "autograd records nothing here", see=program.no_grad_around(call))
            continue
        if states:
            yield from _local(program, scope, loop, backward, over, call, stmt, module, states)
        held = _held(program, loop, backward, over, call, stmt, module)
        if held is not None:
            yield held


def _given(call: ast.Call) -> list[str]:
    """The variables that are arguments of `call`, also inside a tuple: `h`, and `h` and `c` of `(h, c)`."""
    found: list[str] = []
    stack: list[ast.expr] = [*call.args, *(k.value for k in call.keywords)][::-1]
    while stack:
        node = stack.pop()
        if isinstance(node, RowNode):
            stack.extend(reversed(node.elts))
        else:
            path = dotted(node)
            if path is not None and path not in found:
                found.append(path)
    return found


def _taken(stmt: ast.Assign) -> list[str]:
    return [path for target in stmt.targets for path in target_paths(target)]


# -- modules that are run by a function of the project -----------------------------------------------------------------


def _run_inside(program: Program, call: ast.Call, path: str) -> tuple[Program, Scope, Value, list[str]] | None:
    """(file, function, module, what its result goes to) of a module that the called function runs on `path`.

    Only where the function gives back what it got from the module, and cuts no graph.
    """
    target = program.target(call)
    function, owner = target.scope, target.program
    if target.kind != "function" or function is None or owner is None or function.kind != "function":
        return None
    name = next(iter(parameters_for(call, function, path)), None)
    if name is None:
        return None
    set_by = [b.stmt for b in function.bindings[name] if b.kind != "param"]
    for stmt in owner.flow.assignments(function):
        inner = stmt.value
        if not isinstance(stmt, ast.Assign) or not isinstance(inner, ast.Call):
            continue
        if name not in _given(inner):
            continue
        module = owner.value(inner.func, inner)
        if module.kind != "module" or _cuts_itself(owner, module, inner) is not None:
            continue
        taken = _taken(stmt)
        if any(other is not stmt and not _copies(other, taken) for other in set_by):
            continue  # `hidden = repackage(hidden)`
        taken += [path for other in set_by if other is not stmt for path in (name,) if path not in taken]
        if any(back.value is not None and _gives(back.value, taken) for back in function.returns):
            return (owner, function, module, taken) if _cut_inside(function.node) is None else None
    return None


def _copies(stmt: ast.stmt | None, names: list[str]) -> bool:
    """`hidden = new_hidden`"""
    return isinstance(stmt, ast.Assign) and _plain(stmt.value) and reads(stmt.value, names)


def _gives(value: ast.expr, names: list[str]) -> bool:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return any(dotted(part) in names for part in parts)


def _called_in_loop(program: Program, function: Scope, backward: ast.Call, over: ast.expr) -> Iterator[CarriedState]:
    """`loss, hidden = step(x, hidden)` in a loop, where `step` runs the module and the backward pass."""
    node = function.node
    assert isinstance(node, FunctionNode)
    for call in program.call_sites(function):
        stmt, scope = program.statement(call), program.scope(call)
        loop = program.loop_around(call) if isinstance(stmt, ast.Assign) and stmt.value is call else None
        if loop is None or not isinstance(stmt, ast.Assign) or program.grad_mode(call) != "on":
            continue
        taken = _taken(stmt)
        for name in _given(call):
            if name not in taken or not _bound_in(program, scope, loop, name):
                continue
            run = _run_inside(program, call, name)
            if run is None or not reads(over, derived(program, function, node, run[3])):
                continue
            at = _carried_on(program, scope, loop, name, call, taken)
            if at is not None:
                yield CarriedState(call, run[2], [name], at, loop, backward, run[2].confidence)


def _modules_inside(function: Value) -> Iterator[Value]:
    """The modules of classes of the project that a function calls."""
    scope, owner = function.scope, function.program
    if scope is None or owner is None or scope.kind != "function" or scope.name == "forward":
        return
    for call in scope.calls[:MAX_CALLS]:
        if isinstance(call.func, ChainNode) and _may_hold_state(owner, call):
            value = owner.value(call.func, call)
            if value.kind == "module" and value.base.scope is not None:
                yield value


# -- state in variables of the loop -----------------------------------------------------------------------------------


def _bound_in(program: Program, scope: Scope, loop: LoopNode, name: str) -> bool:
    """Whether `name` is assigned inside the loop and comes in from outside of it."""
    bindings = scope.bindings.get(name, ())
    inside = program.index.inside
    within = [b for b in bindings if b.stmt is not None and b.stmt is not loop and inside(b.stmt, loop)]
    return bool(within) and len(within) < len(bindings) and not any(b.stmt is loop for b in bindings)


def _local(
    program: Program,
    scope: Scope,
    loop: LoopNode,
    backward: ast.Call,
    over: ast.expr,
    call: ast.Call,
    stmt: ast.stmt,
    module: Value,
    states: list[str],
) -> Iterator[CarriedState]:
    if not isinstance(stmt, ast.Assign):
        return
    taken = _taken(stmt)
    kept: list[str] = []
    at: ast.stmt = stmt
    for name in states:  # most are set anew for each batch, which is asked faster than what the loop computes from what
        carry = _carried_on(program, scope, loop, name, call, taken)
        if carry is not None:
            kept.append(name)
            at = carry if carry is not stmt else at
    if not kept:
        return
    results = derived(program, scope, loop, taken) if taken else set()
    if not reads(over, results):
        program.why(call, "what {} gives is not what is differentiated here: {}", call, backward)
        return
    why_not = _cuts_itself(program, module, call)
    if why_not is not None:
        program.why(call, f"the module takes the state out of the graph itself: {why_not}")
        return
    yield CarriedState(call, module, kept, at, loop, backward, module.confidence)


def _carried_on(
    program: Program, scope: Scope, loop: LoopNode, name: str, call: ast.Call, taken: list[str]
) -> ast.stmt | None:
    """The statement that binds `name` to what the call gave; None if anything else in the loop sets it or cuts it."""
    found: ast.stmt | None = None
    for binding in scope.bindings.get(name, ()):
        made = binding.stmt
        if made is None or not program.index.inside(made, loop):
            continue
        value = binding.value
        if binding.kind == "assign" and value is call:
            found = made
        elif binding.kind == "assign" and value is not None and _plain(value) and reads(value, taken):
            found = made  # `hidden = new_hidden`
        elif (
            binding.kind == "assign" and isinstance(value, ast.Call) and _hands_on(program, value, binding.path, taken)
        ):
            found = made  # `hidden = finish(new_hidden)`
        elif not _first_time(program, made, loop, name):
            program.why(call, f"`{name}` is set anew inside the loop", see=made)
            return None
    if found is None:
        return None
    cut = _cut_in_place(program, loop, name)
    if cut is not None:
        program.why(call, f"`{name}` is taken out of the graph inside the loop", see=cut)
        return None
    return found


def _hands_on(program: Program, call: ast.Call, path: tuple[int | None, ...], taken: list[str]) -> bool:
    """Whether a function gives back, as it is, one of the variables `taken` that the call hands it."""
    target = program.target(call)
    function, owner = target.scope, target.program
    if target.kind != "function" or function is None or owner is None or function.kind != "function":
        return False
    names = {name for path in taken for name in parameters_for(call, function, path)}
    back = handed_back(program, call, path)
    if not names or not back or _cut_inside(function.node) is not None:
        return False
    return all(_is_handed(expr, function, names, MAX_COPIES) for _, expr, _ in back)


def _is_handed(expr: ast.expr, function: Scope, names: set[str], left: int) -> bool:
    """Whether `expr` is one of the parameters `names` of the function, nothing else set to them, or a copy of it."""
    if isinstance(expr, RowNode):
        return any(_is_handed(part, function, names, left) for part in expr.elts)
    bindings = function.bindings.get(expr.id, ()) if isinstance(expr, ast.Name) and left else ()
    kinds = {b.kind for b in bindings}
    if kinds == {"param"}:
        return isinstance(expr, ast.Name) and expr.id in names
    return kinds == {"assign"} and all(
        b.value is not None and not b.path and _is_handed(b.value, function, names, left - 1) for b in bindings
    )


def _plain(value: ast.expr) -> bool:
    """A variable, or a tuple of variables."""
    if isinstance(value, RowNode):
        return all(_plain(element) for element in value.elts)
    return isinstance(value, ast.Name) or (isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name))


def _first_time(program: Program, stmt: ast.stmt, loop: LoopNode | None, path: str) -> bool:
    """Whether a test lets `stmt` run only where there is no state yet: `if hidden is None:`, `if i == 0:`."""
    inner: ast.AST = stmt
    for block in program.index.ancestors(stmt):
        if block is loop or isinstance(block, FunctionNode):
            return False
        if isinstance(block, ast.If) and _asks_for_first(block.test, inner in block.body, loop, path):
            return True
        inner = block
    return False


def _asks_for_first(test: ast.expr, holds: bool, loop: LoopNode | None, path: str) -> bool:
    """Whether there is no state yet in the branch that is taken when `test` holds (or does not)."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.comparators[0], ast.Constant):
        return False
    constant, op = test.comparators[0].value, test.ops[0]
    if isinstance(op, ast.Is if holds else ast.IsNot):
        return constant is None and dotted(test.left) == path
    counted = isinstance(op, ast.Eq if holds else ast.NotEq) and constant == 0
    return counted and loop is not None and isinstance(test.left, ast.Name)


def _cut_in_place(program: Program, loop: LoopNode, path: str) -> ast.AST | None:
    """`h.detach_()`, `h[0].detach_()`, `for part in h: part.detach_()`, `del h` inside the loop."""
    handed = _cut_by_function(program, loop, path) if "detach_" in program.document.source else None
    if handed is not None:
        return handed
    for node in nodes(loop):
        if isinstance(node, ast.Delete) and any(dotted(t) == path for t in node.targets):
            return node
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach_"):
            continue
        receiver: ast.expr = node.func.value
        while isinstance(receiver, ast.Subscript):
            receiver = receiver.value
        if dotted(receiver) == path:
            return node
        stmt = program.statement(node)
        for block in program.index.ancestors(stmt) if stmt is not None else ():
            if isinstance(block, ast.For) and any(dotted(n) == path for n in ast.walk(block.iter)):
                return node
    return None


def _cut_by_function(program: Program, loop: LoopNode, path: str) -> ast.Call | None:
    """A call in the loop of a function of this file that takes the variable out of the graph: `cut_off(h)`."""
    for call in nodes(loop):
        if not isinstance(call, ast.Call) or path not in _given(call) or call not in program.index.scope_of:
            continue
        target = program.target(call)
        function = target.scope if target.kind == "function" and target.program is program else None
        if function is None or function.kind != "function":
            continue
        names = parameters_for(call, function, path)
        for one in function.calls if names else ():
            if isinstance(one.func, ast.Attribute) and one.func.attr == "detach_" and dotted(one.func.value) in names:
                return call
    return None


def _cuts_itself(program: Program, module: Value, call: ast.Call) -> str | None:
    """What of the module's class cuts the graph, or does not read the state at all; None if nothing does."""
    base = module.base
    if base.scope is None or base.program is None or base.scope.kind != "class":
        return None
    for function in base.scope.code():
        if function.kind == "function" and function.name != "__init__":
            cut = _cut_inside(function.node)
            if cut is not None:
                return f"`{cut}` in `{function.name}`"
    return None


def _cut_inside(node: ast.AST) -> str | None:
    return next((n.attr for n in nodes(node) if isinstance(n, ast.Attribute) and n.attr in _CUTS), None)


# -- state that a hook keeps between the batches that its trainer gives it ---------------------------------------------


def _between_steps(program: Program, cls: Scope) -> Iterator[CarriedState]:
    """`out, self.state = self.net(x, self.state)` in a Lightning module's `training_step`."""
    step = next((f for f in cls.children if f.kind == "function" and f.name == "training_step"), None)
    if step is None or step.self_name is None or not isinstance(step.node, FunctionNode):
        return
    for stmt in program.index.assignments:
        call = stmt.value
        if not isinstance(stmt, ast.Assign) or not isinstance(call, ast.Call):
            continue
        states = _states_of_self(stmt, call, program.scope(stmt))
        if not states or not part_of(program, program.scope(stmt), step):
            continue
        cut = _cut_inside(step.node)
        other = next((p for p in states if _set_for_batch(program, cls, p.partition(".")[2], stmt)), None)
        if cut is not None or other is not None:
            program.why(stmt, f"`{other or cut}` is set anew, or cut, for each batch")
            continue
        module = program.value(call.func, call)
        if module.kind != "module" or _cuts_itself(program, module, call) is not None:
            program.why(stmt, "{} is not known to be a module that hands its state on", call.func)
            continue
        yield CarriedState(call, module, states, stmt, step.node, None, module.confidence, (program, cls))


def _states_of_self(stmt: ast.Assign, call: ast.Call, scope: Scope) -> list[str]:
    """The attributes of the own object that go into `call` and are set to what comes out: `self.state`."""
    own = scope.self_name
    if own is None:
        return []
    return [path for path in _taken(stmt) if path.startswith(f"{own}.") and path in _given(call)]


def _set_for_batch(program: Program, cls: Scope, name: str, carry: ast.stmt) -> bool:
    """Whether anything but the constructor, what happens once an epoch and a first time sets the attribute."""
    for binding in cls.attributes.get(name, ()):
        made, method = binding.stmt, binding.scope
        if made is None or made is carry or constructs(program, method) or lightning.turns(method) == "epoch":
            continue
        if not _first_time(program, made, None, f"{method.self_name}.{name}"):
            return True
    return False


# -- state that a module keeps on itself -------------------------------------------------------------------------------


def _may_hold_state(program: Program, call: ast.Call) -> bool:
    """Cheap test before values are asked: some class in reach assigns state to itself out of a call."""
    return isinstance(call.func, ChainNode) and not (program.qualified(call) or "").startswith(
        ("torch.", "builtins.", "numpy.")
    )


def _held(
    program: Program,
    loop: LoopNode,
    backward: ast.Call,
    over: ast.expr,
    call: ast.Call,
    stmt: ast.stmt,
    module: Value,
) -> CarriedState | None:
    base = module.base
    cls, owner = base.scope, base.program
    if cls is None or owner is None or cls.kind != "class" or not cls.attributes or not _classes_keep(program):
        return None
    forward = next((f for f in cls.children if f.kind == "function" and f.name == "forward"), None)
    if forward is None or forward.self_name is None:
        return None
    for carry in owner.index.assignments:
        inner = carry.value
        if not isinstance(carry, ast.Assign) or not isinstance(inner, ast.Call):
            continue
        states = _states_of_self(carry, inner, owner.scope(carry))
        if not states or not isinstance(stmt, ast.Assign | ast.Expr | ast.AugAssign):
            continue
        if owner.scope(carry).class_scope is not cls or not part_of(owner, owner.scope(carry), forward):
            continue
        names = [p.partition(".")[2] for p in states]
        if "." in names[0] or any(_set_elsewhere(program, owner, cls, forward, name, carry) for name in names):
            return None
        if any(_cut_inside(part) is not None for part in (cls.node, *(one.node for one in cls.actors))):
            program.why(call, "the class takes something out of the graph itself")
            return None
        scope = program.scope(call)
        if isinstance(stmt, ast.Assign) and not reads(over, derived(program, scope, loop, _taken(stmt))):
            return None
        return CarriedState(call, module, states, carry if owner is program else stmt, loop, backward,
                            module.confidence, (owner, cls))  # fmt: skip
    return None


def _runs_later(program: Program, owner: Program, cls: Scope, method: Scope) -> bool:
    """Whether a method of `cls`, or a function that acts for it, is called by anything but the making of an object."""
    queue, seen = [method], {method}
    for function in queue:
        for each in {program, owner}:
            calls = set(each.method_calls(function.name)) | set(each.call_sites(function) if each is owner else ())
            for scope in {each.scope(call) for call in calls}:
                inside = each is owner and scope.class_scope is cls and scope.kind == "function"
                if not inside or scope.name == "forward":
                    return True
                if scope.name != "__init__" and scope not in seen:
                    seen.add(scope)
                    queue.append(scope)
    return False


def _set_elsewhere(program: Program, owner: Program, cls: Scope, forward: Scope, name: str, carry: ast.stmt) -> bool:
    """Whether something but the constructor and the carrying statement gives the attribute a new value."""
    for binding in cls.attributes.get(name, ()):
        made = binding.stmt
        if made is None or made is carry:
            continue
        method = binding.scope
        while method.kind != "function" and method.parent is not None:
            method = method.parent
        if method.name == "__init__" or _first_time(owner, made, None, f"{method.self_name}.{name}"):
            continue
        if method is forward:
            program.why(carry if owner is program else None, f"`self.{name}` is set anew in every forward pass")
            return True
        if _runs_later(program, owner, cls, method):
            program.why(carry if owner is program else None, f"`{method.name}()` sets `self.{name}` anew")
            return True
    for each in {program, owner}:
        for stmt in each.index.assignments:
            targets = stmt.targets if isinstance(stmt, ast.Assign) else [stmt.target]
            outside_of_it = each.scope(stmt).class_scope is not cls
            if outside_of_it and any(path.endswith(f".{name}") for t in targets for path in target_paths(t)):
                program.why(carry if owner is program else None, f"`.{name}` is set from outside")
                return True
    return False
