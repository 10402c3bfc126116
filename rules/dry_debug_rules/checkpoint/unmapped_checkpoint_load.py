"""CKPT010: `torch.load` puts tensors back on the device they were saved from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import quoted
from dry_debug.lint.finding import Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.arguments import argument, given
from dry_debug.program.evidence import Step, place_of
from dry_debug.program.links import Link
from dry_debug.program.reached import reached
from dry_debug.program.shape import shape
from dry_debug.program.walks import nodes
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope


class UnmappedCheckpointLoad(SiteRule):
    name = "unmapped-checkpoint-load"
    code = "CKPT010"
    severity = "warning"
    fix_kind = "safe"
    triggers = (("load",), ("torch",))
    calls = ("torch.load",)
    looks_at = "calls of `torch.load`"
    why = (
        "Without `map_location` every tensor goes back to the device it was saved from: the load fails on a machine "
        "without that GPU, and on one with it all ranks fill the same GPU."
    )
    instead = "Load onto the CPU and let `load_state_dict` or `.to(device)` bring the state where it belongs."
    quotes = ("CKPT-RF-S3",)

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        given = next((k for k in call.keywords if k.arg in ("map_location", None)), None)
        if given is not None:
            said = "`map_location` is given: {}" if given.arg else "{} may bring a `map_location`"
            program.why(call, said, given.value)
            return
        if len(call.args) > 1 or any(isinstance(argument, ast.Starred) for argument in call.args):
            program.why(call, "`map_location` is given by position, or may be: {}", call.args[-1])
            return
        path = argument(call, 0, "f")
        if path is None:
            program.why(call, "the call names no file")
            return
        if program.flow.stays_on_cpu:
            program.why(call, "the file both saves and loads, and names no other device than the CPU")
            return
        if program.is_test:
            program.why(call, "the file is a test")
            return
        if _settled(call, path, program):
            return
        stmt = program.statement(call)
        if stmt is not None and program.training.distributed.ranks.own_file(path, stmt):
            program.why(call, "each rank loads a file of its own, which it saved from its own device: {}", path)
            return
        use = program.flow.use_of_loaded(call)
        if use.kind == "numbers":
            loads = [Step(home, load, "") for home, load in use.loaded_into[:2]]
            program.why(call, "what is loaded are plain numbers, no tensors: it goes into {}", loads[0], see=loads)
            return
        evidence = [
            Step(home, load, f"the state goes into {_owner(home, load)} here") for home, load in use.loaded_into[:2]
        ]
        # A state that load_state_dict copies into existing tensors, and a module that is moved right behind, may come
        # through the CPU without changing where the program's tensors end up.
        kept = use.only_loaded or (use.kind == "module" and use.moved)
        title = 'Load onto the CPU (`map_location="cpu"`)'
        yield Report(
            at=call,
            headline=f"`torch.load({program.short(path, 32)})` puts tensors back on the device they were saved from",
            # A file of which nothing shows that it is a checkpoint may hold data that never was on a GPU.
            confidence="low" if use.kind == "unknown" else "high",
            evidence=evidence,
            links=lambda: [_link(use.kind, use.loaded_into, program)],
            fix=lambda: Fix(title, "safe" if kept else "unsafe", (_edit(call, program),)),
            fix_title=title,
        )


def _edit(call: ast.Call, program: Program) -> TextEdit:
    return argument_added(program, call, f"map_location={quoted(program, 'cpu', call)}")


def _owner(home: Program, load: ast.Call) -> str:
    """What takes the state: `optimizer` of `optimizer.load_state_dict(...)`, with its ticks."""
    return f"`{home.short(load.func.value, 32)}`" if isinstance(load.func, ast.Attribute) else "the model"


def _link(kind: str, loaded_into: list[tuple[Program, ast.Call]], program: Program) -> Link:
    if kind == "unknown":
        return Link("kind", "low", "nothing shows that the file is a checkpoint: it may be data from the CPU")
    if loaded_into:
        where = place_of(Step(*loaded_into[0], ""), program)
        owner = _owner(*loaded_into[0])
        return Link("kind", "high", f"the file is a checkpoint: its state goes into {owner} {where}")
    shown = "the program uses it as a module" if kind == "module" else "the program reads a state or a model from it"
    return Link("kind", "high", f"the file is a checkpoint: {shown}")


def _settled(call: ast.Call, path: ast.expr, program: Program) -> bool:
    """Whether this place was thought about: another branch maps the same file, or this very run has just written it."""
    places = list(_places(call, path, program))
    for place, file in places:
        for other, _, same, owner in _beside("torch.load", 0, place, program):
            if other is not call and argument(other, 1, "map_location") is not None and same == shape(file):
                program.why(call, "another branch maps the same file: {}", Step(owner, other, ""))
                return True
    several = program.calls_of("torch.distributed.init_process_group")
    if several and not any(program.training.distributed.one_rank(place) for place, _ in places):
        return False  # what one rank wrote, all ranks load onto the GPU of that rank
    # What is written after the load, to go on from, comes from another run when it is loaded.
    for place, file in places:
        for save, at, target, owner in _beside("torch.save", 1, place, program):
            if at is not place and target == shape(file) and _may_precede(at, place, program):
                program.why(call, "this very run has just written the file: {}", Step(owner, save, ""))
                return True
    if any(_written_in_training(place, file, call, program) for place, file in places):
        return True
    sites = program.call_sites(program.scope(call)) if program.scope(call).kind == "function" else []
    return len(sites) == 1 and _written_in_training(sites[0], path, call, program)


def _places(call: ast.Call, path: ast.expr, program: Program) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The load, and the one call that leads to its function, with the file as each of them says it."""
    yield call, path
    function = program.scope(call)
    sites = program.call_sites(function) if function.kind == "function" else []
    if len(sites) == 1:
        said = _as_passed(path, function, sites[0])
        if said is not None:
            yield sites[0], said


def _beside(
    name: str, position: int, place: ast.Call, program: Program
) -> Iterator[tuple[ast.Call, ast.Call, str, Program]]:
    """Calls of `name` in the function of `place`, and in the functions that are called there: the call, what leads to
    it in that function, the file (argument `position`) as it is said there, and where the call stands."""
    scope = program.scope(place)
    elsewhere = program.leaves_file
    for other in program.calls_of(name):
        if program.scope(other) is not scope:
            elsewhere = True
            continue
        file = argument(other, position, "f")
        if file is not None:
            yield other, other, shape(file), program
    for at in scope.calls if elsewhere else ():
        if program.qualified(at) is not None and isinstance(at.func, ast.Attribute):
            continue  # of a library
        function = program.target(at)
        if function.kind != "function" or function.scope is None or function.program is None:
            continue
        for other in function.program.calls_of(name):
            file = argument(other, position, "f")
            if function.program.scope(other) is function.scope and file is not None:
                said = _as_passed(file, function.scope, at)
                if said is not None:
                    yield other, at, shape(said), function.program


def _as_passed(file: ast.expr, function: Scope, call: ast.Call) -> ast.expr | None:
    """The file that `function` names as `call` says it: a literal, or what is passed for a parameter."""
    if not isinstance(file, ast.Name):
        return None if any(isinstance(n, ast.Name) for n in nodes(file)) else file
    return given(call, function, file.id)


def _may_precede(save: ast.Call, load: ast.Call, program: Program) -> bool:
    """Whether the save may run before the load: it stands above it, or in a loop around it."""
    if save.lineno < load.lineno:
        return True
    stmt = program.statement(load)
    around = program.index.ancestors(stmt) if stmt is not None else ()
    return any(isinstance(b, ast.For | ast.While) and (b.end_lineno or 0) >= save.lineno for b in around)


def _written_in_training(place: ast.Call, path: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether a training loop ahead of `place`, in its function, wrote this file through something that it calls."""
    ahead = {loop for loop in program.scope(place).loops if (loop.end_lineno or loop.lineno) < place.lineno}
    name = _file_name(path, place, program) or _file_name(path, call, program) if ahead else None
    if name is None:
        return False
    for loop in program.training.loops.all:
        node = loop.node
        if node not in ahead:
            continue
        for owner, function in reached(program, node):
            for save in owner.calls_of("torch.save"):
                target = argument(save, 1, "f")
                if owner.scope(save) is function and target is not None and _file_name(target, save, owner) == name:
                    program.why(call, "the training loop ahead has written the file: {}", Step(owner, save, ""))
                    return True
    return False


def _file_name(path: ast.expr, call: ast.Call, program: Program) -> str | None:
    """The literal that the path of a file ends with: `best.pt` of `folder + "/" + "best.pt"`."""
    if isinstance(path, ast.Name):
        found = program.names.lookup(path.id, program.scope(call))
        bindings = found[1] if found is not None else []
        if len(bindings) != 1 or bindings[0].value is None:
            return None
        path = bindings[0].value
    if isinstance(path, ast.Call) and path.args:
        path = path.args[-1]
    while isinstance(path, ast.BinOp):
        path = path.right
    if isinstance(path, ast.JoinedStr) and path.values:
        path = path.values[-1]
    if not isinstance(path, ast.Constant) or not isinstance(path.value, str):
        return None
    return path.value.rpartition("/")[2] or None
