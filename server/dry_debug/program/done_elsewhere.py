"""What helpers of other files do for a program, told at its calls of them: optimizer steps, loads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.program.arguments import kept_rest
from dry_debug.program.checkpoints import LoadSite, SaveSite, given
from dry_debug.program.class_kinds import steps_scheduler
from dry_debug.program.event_objects import object_of
from dry_debug.program.events import CallTree, Event
from dry_debug.program.flagged import rules_out
from dry_debug.program.payload import gathered
from dry_debug.program.restored import restored
from dry_debug.program.scopes import Scope
from dry_debug.program.values import UNKNOWN, Value
from dry_debug.program.walks import is_name, names_in

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.randomness import RandomSite


# Methods of a model that do not make it compute.
_NO_RUN = ("train", "eval", "to", "load_state_dict", "register_buffer")
# What puts the state of a generator back.
_RESTORES = {"numpy.random.set_state": "numpy", "random.setstate": "python", "torch.set_rng_state": "torch",
             "torch.random.set_rng_state": "torch"}  # fmt: skip


def _calls(program: Program) -> Iterator[tuple[CallTree, Scope, Program]]:
    """The calls of functions that stand in other files of the project, with the function and its file."""
    for trees in program.events._user_calls.values():
        for _, tree in trees:
            if isinstance(tree, CallTree):
                callee, owner = tree.function.scope, tree.function.program
                if callee is not None and owner is not None and owner is not program:
                    yield tree, callee, owner


def steps(program: Program, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    """Steps that a helper takes once: `self.schedule.step_and_update()`. A training loop elsewhere is no helper."""
    rows: list[dict[str, Any]] = []
    for tree, callee, owner in _calls(program):
        if any(owner.training.loops.steps_in(loop) for loop in callee.loops):
            continue
        for event in owner.events.of_kind(*kinds):
            if event.scope is callee and not (event.kind == "zero_grad" and not event.obj.known):
                if rules_out(owner, tree.function, tree.call, event.stmt):
                    continue
                rows.append({"kind": event.kind, "object": _object(event, tree, callee, program),
                             "line": program.line(tree.call), "confidence": "medium",
                             "via": f"{owner.document.path}:{owner.line(event.node)}"})  # fmt: skip
    return rows


def modes(program: Program) -> list[dict[str, Any]]:
    """Modes that a helper sets on what it is given: `freeze(model)`; what it works with itself is its own affair.

    A function that goes through batches is a part of the program that stands elsewhere, and so are its modes.
    """
    rows: list[dict[str, Any]] = []
    for tree, callee, owner in _calls(program):
        if callee.loops and any(loop.scope is callee for loop in owner.training.loops.all):
            continue
        for event in owner.events.of_kind("train", "eval"):
            held = object_of(event)
            while isinstance(held, ast.Attribute):
                held = held.value
            if isinstance(held, ast.Name) and held.id != callee.self_name and _works_with(held.id, callee):
                continue
            own = isinstance(held, ast.Name) and held.id == callee.self_name and bool(callee.loops)
            name = _object(event, tree, callee, program) if event.scope is callee and not own else None
            if name is not None:
                line = program.line(tree.call)
                rows.append({"kind": event.kind, "object": name, "line": line, "end_line": line,
                             "confidence": "medium",
                             "via": f"{owner.document.path}:{owner.line(event.node)}"})  # fmt: skip
    return rows


def _works_with(name: str, function: Scope) -> bool:
    """Whether a function runs the model `name` in a loop: `model(x)`, `model.sample(n)`."""
    loops = [range(loop.lineno + 1, (loop.end_lineno or 0) + 1) for loop in function.loops]
    for call in function.calls if loops else ():
        func = call.func.value if isinstance(call.func, ast.Attribute) else call.func
        if (
            isinstance(func, ast.Name)
            and func.id == name
            and _runs(call)
            and any(call.lineno in turn for turn in loops)
        ):
            return True
    return False


def _runs(call: ast.Call) -> bool:
    """Whether a call of a model or of one of its methods makes it compute: it is given something."""
    return bool(call.args or call.keywords) and not (isinstance(call.func, ast.Attribute) and call.func.attr in _NO_RUN)


def seeds(program: Program) -> list[dict[str, Any]]:
    """What functions of other files seed on the way to something else: `split(path)` with a `random.seed(0)` in it.

    A trainer seeds for itself, and who puts the old state of a generator back leaves it as it was.
    """
    rows: list[dict[str, Any]] = []
    for tree, callee, owner in _calls(program):
        if "seed" not in owner.document.source or owner.randomness.is_helper(callee):
            continue
        sites = [
            site for site in owner.randomness.seeds
            if owner.scope(site.node) is callee and not _left_out(site.node, callee, tree.call)
        ]  # fmt: skip
        if not sites or program.value(tree.call).kind == "trainer":
            continue
        if any(loop.scope is callee for loop in owner.training.loops.all):
            continue
        restored = {_RESTORES.get(owner.qualified(call) or "") for call in callee.calls}
        once: dict[str, RandomSite] = {}
        for site in sites:
            once.setdefault(site.rng, site)
        for site in once.values():
            if site.rng not in restored:
                where, node = site.via or (owner, site.node)
                rows.append({"kind": "seed", "rng": site.rng, "line": program.line(tree.call), "confidence": "high",
                             "via": f"{where.document.path}:{where.line(node)}"})  # fmt: skip
    return rows


def _left_out(seeding: ast.AST, callee: Scope, call: ast.Call) -> bool:
    """Whether the seed is an argument of `callee` that is None unless it is given, and `call` does not give it."""
    expr = seeding.args[0] if isinstance(seeding, ast.Call) and seeding.args else None
    if not isinstance(expr, ast.Name) or any(k.arg is None for k in call.keywords):
        return False
    default = callee.default_of(expr.id)
    if not isinstance(default, ast.Constant) or default.value is not None or len(callee.bindings[expr.id]) != 1:
        return False
    starred = any(isinstance(a, ast.Starred) for a in call.args)
    return not starred and given(call, callee, expr.id) is None


def scheduler_calls(program: Program) -> list[tuple[ast.Call, ast.expr, Value]]:
    """Calls that step a scheduler written by hand, `schedule(epoch)`, with the scheduler; those of `.step()` apart."""
    found: list[tuple[ast.Call, ast.expr, Value]] = []
    for trees in program.events._user_calls.values():
        for _, tree in trees:
            callee, owner = (tree.function.scope, tree.function.program) if isinstance(tree, CallTree) else (None, None)
            if not isinstance(tree, CallTree) or callee is None or owner is None or callee.class_scope is None:
                continue
            if tree.receiver is None or tree.receiver.kind != "scheduler" or callee.name == "step":
                continue
            ident = tree.receiver.ident
            if isinstance(ident, tuple) and ident[0] == "self":
                continue  # what it does for itself
            func = tree.call.func
            obj = func.value if isinstance(func, ast.Attribute) and callee.name != "__call__" else func
            if steps_scheduler(callee):
                found.append((tree.call, obj, tree.receiver))
    known = {call for call, _, _ in found}
    for call in program.index.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "step_update" and call not in known:
            stepped = program.value(call.func.value, call)  # timm's schedulers have a method of its own for updates
            if stepped.kind == "scheduler":
                found.append((call, call.func.value, stepped))
    return found


def _object(event: Event, tree: CallTree, callee: Scope, program: Program) -> str | None:
    """What the caller calls the thing: what it passes for it, or the object whose method it calls."""
    held = object_of(event)
    rest = ""
    while isinstance(held, ast.Attribute):
        rest = f".{held.attr}{rest}"
        held = held.value
    if isinstance(held, ast.Name) and held.id != callee.self_name:
        passed = given(tree.call, callee, held.id)
        if passed is not None:
            return f"{program.short(passed)}{rest}"
        if _whose_parameters(event, callee) is None:
            return None
    source = _whose_parameters(event, callee)
    passed = given(tree.call, callee, source) if source is not None else None
    if passed is not None:
        return program.short(passed)
    func = tree.call.func
    return program.short(func.value) if callee.self_name is not None and isinstance(func, ast.Attribute) else None


def _whose_parameters(event: Event, callee: Scope) -> str | None:
    """`model` where `for p in model.parameters()` goes around what happens to the gradient of `p`."""
    for loop in callee.loops:
        if isinstance(loop, ast.While) or not loop.lineno <= event.stmt.lineno <= (loop.end_lineno or 0):
            continue
        func = loop.iter.func if isinstance(loop.iter, ast.Call) else None
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and "param" in func.attr:
            return func.value.id
    return None


def saves(program: Program) -> list[tuple[SaveSite, ast.Call, str]]:
    """`agent.save(path)`: what an object of a class of another file saves of its own, and the call that says so.

    A method that trains and saves on the way is the place of its save, and so is a method of a base class.
    """
    found: list[tuple[SaveSite, ast.Call, str]] = []
    known = {site.node for site in program.training.checkpoints.saves}
    for tree, callee, owner in _calls(program):
        if tree.call in known:
            continue
        own = tree.receiver.ident if tree.receiver is not None else None
        if callee.class_scope is None or "save" not in callee.name or callee.loops or own is None:
            continue
        if isinstance(own, tuple) and own[0] == "self":
            continue
        for site in owner.training.checkpoints.saves:
            if owner.scope(site.node) is callee and (site.entries or site.whole is not None):
                found.append((site, tree.call, f"{owner.document.path}:{owner.line(site.node)}"))
    return found


def loads(program: Program) -> list[tuple[LoadSite, str | None, str]]:
    """`state = load_checkpoint(path)`: load sites of helpers as the call sees them, `map_location`, where the load is.

    What the helper restores is what the call passes to it; what it returns is read as if the call were the load.
    """
    found: list[tuple[LoadSite, str | None, str]] = []
    for tree, callee, owner in _calls(program):
        if "load" not in owner.document.source or callee.yields:
            continue
        if callee.class_scope is not None and callee.name.startswith("__"):
            continue  # what a constructor or a dataset reads is its own affair
        for site in owner.training.checkpoints.loads:
            if owner.scope(site.node) is callee and _for_the_caller(site, callee, owner):
                seen = _seen_from(program, tree, callee, owner, site)
                found.append((seen, _device(program, tree.call, callee, owner, site),
                              f"{owner.document.path}:{owner.line(site.node)}"))  # fmt: skip
    return found


def _seen_from(program: Program, tree: CallTree, callee: Scope, owner: Program, site: LoadSite) -> LoadSite:
    call = tree.call
    seen = program.training.checkpoints.read_back(call) if _returned(site, callee, owner) else LoadSite(
        call, None, None, None
    )  # fmt: skip
    seen.map_location = None
    seen.path = given(call, callee, site.path.id) if isinstance(site.path, ast.Name) else None
    if seen.path is None and site.path is not None:
        seen.path = _opened(call, callee)
    seen.weights_only, seen.strict = site.weights_only, site.strict
    seen.keys = [*dict.fromkeys([*site.keys, *seen.keys])]
    rest = callee.rest
    named = {a.arg for a in callee.parameters()}
    for _, restore in site.restores:
        receiver = restored(restore, owner)
        own = _own(receiver, tree, callee)
        if own is not None:
            seen.restores.append((own, restore))
            continue
        while isinstance(receiver, ast.Attribute) and receiver.attr == "module":
            receiver = receiver.value
        if isinstance(receiver, ast.Attribute) and isinstance(receiver.value, ast.Name):
            passed = given(call, callee, receiver.value.id)
            held = program.value(passed, call) if passed is not None else UNKNOWN
            part = program.evaluator.attribute_of(held, receiver.attr)
            if part.kind == "module":  # `average.ema`: the average itself
                seen.restores.append((held if held.kind == "ema" else part, restore))
            continue
        if isinstance(receiver, ast.Subscript):  # `state["model"].load_state_dict(...)`, of a dict that the call passes
            bound = program.training.checkpoints.bound(call, callee, owner)
            part = owner.evaluator.value(receiver, callee, owner.statement(restore), bound)
            if part.known:
                seen.restores.append((part, restore))
            continue
        if not isinstance(receiver, ast.Name):
            continue
        passed = given(call, callee, receiver.id)
        if passed is not None:
            seen.restores.append((program.value(passed, call), restore))
        elif rest is not None and _from_rest(receiver.id, rest, callee):
            for keyword in call.keywords:
                if keyword.arg is not None and keyword.arg not in named:
                    seen.keys.append(keyword.arg)
                    seen.restores.append((program.value(keyword.value, call), restore))
        else:
            for key, part in _registered(receiver.id, tree, callee):
                seen.keys.append(key)
                seen.restores.append((part, restore))
    seen.keys = [*dict.fromkeys(seen.keys)]
    return seen


def _registered(name: str, tree: CallTree, callee: Scope) -> list[tuple[str, Value]]:
    """`for key, part in self.parts.items(): part.load_state_dict(state[key])`: the parts that the object was given."""
    for parts, each in gathered(callee):
        if each == name and isinstance(parts, ast.Attribute) and is_name(parts.value, callee.self_name or ""):
            held = kept_rest(tree.receiver, parts.attr) if tree.receiver is not None else UNKNOWN
            return list(held.items or ())
    return []


def _own(expr: ast.expr | None, tree: CallTree, callee: Scope) -> Value | None:
    """What `self` or `self.model` of the helper is for the caller: the object whose method it calls, or its part."""
    attribute = expr.attr if isinstance(expr, ast.Attribute) else None
    root = expr.value if isinstance(expr, ast.Attribute) else expr
    receiver = tree.receiver
    if not isinstance(root, ast.Name) or root.id != callee.self_name or receiver is None or callee.self_name is None:
        return None
    if attribute is None:
        return receiver
    return receiver.program.evaluator.attribute_of(receiver, attribute) if receiver.program is not None else None


def _device(program: Program, call: ast.Call, callee: Scope, owner: Program, site: LoadSite) -> str | None:
    """The `map_location` as the caller would write it."""
    if isinstance(site.map_location, ast.Name):
        passed = given(call, callee, site.map_location.id)
        if passed is not None:
            return program.short(passed)
    if site.map_location is None and any(k.arg is None for k in site.node.keywords):  # `torch.load(path, **kwargs)`
        passed = next((k.value for k in call.keywords if k.arg == "map_location"), None)
        if passed is not None:
            return program.short(passed)
    return owner.short(site.map_location) if site.map_location is not None else None


def _opened(call: ast.Call, callee: Scope) -> ast.expr | None:
    """What the call gives for the one parameter that names a file: the helper opens it and loads what is in it."""
    named = [a.arg for a in callee.parameters() if a.arg.lower().endswith(("path", "filename", "file", "fname"))]
    return given(call, callee, named[0]) if len(named) == 1 else None


def _returned(site: LoadSite, callee: Scope, owner: Program) -> bool:
    """Whether the helper gives back what it has loaded."""
    stmt = owner.statement(site.node)
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) and stmt.value is site.node else None
    name = target.id if isinstance(target, ast.Name) else None
    return any(
        r.value is site.node or (isinstance(r.value, ast.Name) and r.value.id == name)
        for r in callee.returns
        if r.value is not None
    )


def _for_the_caller(site: LoadSite, callee: Scope, owner: Program) -> bool:
    """Whether what is loaded gets back to the caller: returned, or put into what came with the call or its object.

    `runner.sample()` loads into a model of its own: that is a part of the program that stands elsewhere, no helper.
    """
    if not site.restores or _returned(site, callee, owner):
        return True
    held = [restored(call, owner) for _, call in site.restores]
    return any(_comes_in(expr, callee) for expr in held if expr is not None)


def _comes_in(receiver: ast.expr, callee: Scope) -> bool:
    while isinstance(receiver, ast.Attribute | ast.Subscript | ast.Call):
        receiver = receiver.func if isinstance(receiver, ast.Call) else receiver.value
    if not isinstance(receiver, ast.Name):
        return True
    bindings = callee.bindings.get(receiver.id, [])
    made = (ast.Call, ast.Constant)  # a constant: None on another path
    return not bindings or any(b.kind != "assign" or not isinstance(b.value, made) for b in bindings)


def _from_rest(name: str, rest: str, callee: Scope) -> bool:
    """`for key, value in kwargs.items()`: whether `name` goes through the values of `**rest`."""
    for loop in callee.loops:
        if isinstance(loop, ast.While) or not isinstance(loop.iter, ast.Call):
            continue
        func = loop.iter.func
        targets = names_in(loop.target)
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == rest:
            return name in targets
    return False
