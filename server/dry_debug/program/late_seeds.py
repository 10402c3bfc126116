"""Seeds that come too late: the run has drawn from the generator before it is seeded for the first time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import parameters_for
from dry_debug.program.derived import target_paths
from dry_debug.program.evidence import Confidence
from dry_debug.program.randomness import RandomSite, Rng
from dry_debug.program.scopes import Scope, dotted
from dry_debug.program.walks import nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program

MAX_HOPS = 2  # functions on the way of a model to what gives it other weights
_MAKES_NO_MODEL = (
    "argparse.", "builtins.", "datetime.", "json.", "logging.", "numpy.", "os.", "pathlib.", "random.", "sys.", "time.",
    "torch.backends.", "torch.cuda.", "torch.device", "torch.distributed.", "torch.manual_seed", "warnings.",
)  # fmt: skip
_RNGS: tuple[Rng, ...] = ("torch", "numpy", "python")
# What draws the weights once more, behind the seed.
_DRAWN_AGAIN = frozenset(("apply", "reset_parameters", "init_weights", "initialize", "init_parameters", "weight_init"))
_LOADED = frozenset(("load_state_dict", "load_model", "load_checkpoint", "load_weights", "load"))


@dataclass(slots=True)
class LateSeed:
    """The first seed of a generator for the run, and what was drawn from it before, in the same scope."""

    rng: Rng
    seed: ast.Call
    draw: ast.Call
    drawn_at: ast.stmt
    model: str | None  # the name of the model whose weights were drawn; None: another draw
    confidence: Confidence


def late_seeds(program: Program) -> Iterator[LateSeed]:
    """For each generator the first draw before its first seed; nothing where another seed may come before."""
    why = program.why
    seeding = program.training.seeding
    own = program.randomness.seeds
    if not own:
        why(None, "nothing is seeded here")
        return
    if not program.training.is_training:
        why(None, "the file does not train")
        return
    found = [late for rng in _RNGS if (late := _late(program, rng, [site for site in own if site.rng == rng]))]
    if not found:
        return
    # What follows looks into other files.
    if seeding.anchor is None:
        why(None, "no seed is set for the whole run")
        return
    if seeding.unknown_helper is not None:
        why(None, "nobody can see what {} seeds", seeding.unknown_helper, see=seeding.unknown_helper)
        return
    seen_from_here = {site.via[0] for site in own if site.via is not None}
    for owner, _ in seeding.seeds:
        if owner is not program and owner not in seen_from_here:
            why(None, "another file seeds too, and it is not known when")
            return
    for late in found:
        if any(_goes_on_to_train(program, scope, place) for place, scope in _on_the_way(program, late.seed)):
            yield late
        else:
            why(late.seed, "the training does not begin behind it in the same function")


def _late(program: Program, rng: Rng, sites: list[RandomSite]) -> LateSeed | None:
    why = program.why
    first = sites[0] if sites else None
    if first is None or not isinstance(first.node, ast.Call):
        return None
    seed = first.node
    stmt, scope = program.statement(seed), program.scope(seed)
    if stmt is None or scope.kind not in ("module", "function"):
        return None
    if any(program.scope(site.node) is not scope for site in sites):
        why(seed, "the generator is seeded in several places")
        return None
    if program.loop_around(stmt):
        why(seed, "it stands in a loop, whose iterations may be runs of their own")
        return None
    for place, scope in _on_the_way(program, seed):
        stmt = program.statement(place)
        for draw, model in _draws(program, rng, scope, place.lineno) if stmt is not None else ():
            at = program.statement(draw)
            if at is None or at.lineno >= place.lineno or stmt is None or not _comes_before(program, at, stmt):
                continue
            if not _used_behind(program, scope, draw, at, stmt, passed=place if place is not seed else None):
                why(seed, "what is drawn before it is not used behind it: {}", draw)
                continue
            if model is not None:
                again = _replaced(program, scope, model, at)
                if again is not None:
                    why(seed, f"what is drawn for `{model}` is replaced: {{}}", again)
                    continue
            return LateSeed(rng, seed, draw, at, model, "high")
    why(seed, "nothing that counts is drawn before it")
    return None


def _on_the_way(program: Program, seed: ast.Call) -> Iterator[tuple[ast.Call, Scope]]:
    """The seed, and the calls that lead to it, each with its scope: of functions that one call alone leads to, and
    that is in no loop, whose iterations may be runs of their own."""
    place = seed
    for _ in range(MAX_HOPS + 1):
        scope = program.scope(place)
        yield place, scope
        sites = program.call_sites(scope) if scope.kind == "function" else []
        stmt = program.statement(sites[0]) if len(sites) == 1 else None
        if stmt is None or program.loop_around(stmt) or program.scope(sites[0]).kind not in ("module", "function"):
            return
        place = sites[0]


def _draws(program: Program, rng: Rng, scope: Scope, before: int) -> list[tuple[ast.Call, str | None]]:
    """What draws from the generator in the body of `scope` above the line `before`, in source order; for weights with
    the model's name."""
    found: list[tuple[ast.Call, str | None]] = []
    for site in program.randomness.draws:
        node = site.node
        if site.rng != rng or not isinstance(node, ast.Call) or program.scope(node) is not scope:
            continue
        if node.lineno > before:
            continue
        if program.training.seeding.counts(program, node):
            found.append((node, None))
    if rng == "torch" and any(call.lineno < before and _may_make(program, call) for call in scope.calls):
        for component in program.training.components.of("model"):
            value = component.value.base
            made = value.args
            if component.parameter or value.confidence != "high" or made is None or made not in program.index.scope_of:
                continue
            if "pretrained" in program.text(made) or (value.type or "").endswith("from_pretrained"):
                continue
            place = made if program.scope(made) is scope else _call_that_makes(program, made, scope)
            if place is not None and _has_weights(program, made):
                found.append((place, component.name))
    return sorted(found, key=lambda row: (row[0].lineno, row[0].col_offset))


def _may_make(program: Program, call: ast.Call) -> bool:
    """Whether a call may give a model: the models of a file are not asked for where none may, as most names tell."""
    name, own = program.qualified(call), program.own_attributes
    if name is None and isinstance(call.func, ast.Attribute) and own is not None and call.func.attr not in own:
        return False  # a method of an object of a library
    if name is not None and name.startswith(_MAKES_NO_MODEL):
        return False
    return program.target(call).kind == "function" or program.value(call).kind == "module"


def _call_that_makes(program: Program, made: ast.Call, scope: Scope) -> ast.Call | None:
    """The only call of the function that gives back what `made` makes, if it stands in `scope`: `net = build()`."""
    function = program.scope(made)
    if function.kind != "function" or program.flow.returned_by(made) is None:
        return None
    sites = program.call_sites(function)
    return sites[0] if len(sites) == 1 and program.scope(sites[0]) is scope else None


def _has_weights(program: Program, made: ast.Call) -> bool:
    """Whether the call makes a module with weights, as far as it shows: no activation, loss or container."""
    name = program.qualified(made) or ""
    return not name.startswith("torch.nn.") or name.rpartition(".")[2] in (
        "Linear", "Conv1d", "Conv2d", "Conv3d", "Embedding", "LSTM", "GRU", "RNN", "Transformer", "Sequential",
    )  # fmt: skip


def _comes_before(program: Program, draw: ast.stmt, seed: ast.stmt) -> bool:
    """Whether whoever gets to `seed` has been at `draw`: its block holds `seed` too, at some depth."""
    block = program.index.parent.get(draw)
    around: ast.AST | None = seed
    while around is not None:
        parent = program.index.parent.get(around)
        if parent is block and parent is not None:
            for name in ("body", "orelse", "finalbody", "handlers"):
                rows = getattr(parent, name, None)
                if isinstance(rows, list) and draw in rows:
                    return around in rows
            return False
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
        around = parent
    return False


def _goes_on_to_train(program: Program, scope: Scope, seed: ast.Call) -> bool:
    """Whether the training begins behind `seed` in the same scope, and none before it."""
    loops = program.training.loops
    lines = [loop.node.lineno for loop in loops.training if loop.scope is scope]
    for call in scope.calls:
        target = program.target(call)
        if target.kind != "function" or target.scope is None or target.program is None:
            continue
        if target.program.training.loops.function_trains(target.scope):
            lines.append(call.lineno)
    return bool(lines) and min(lines) > seed.lineno


def _used_behind(
    program: Program, scope: Scope, call: ast.Call, draw: ast.stmt, seed: ast.stmt, passed: ast.Call | None
) -> bool:
    """Whether the run behind `seed` reads what `draw` made or changed: tutorials try things out and begin anew.

    `passed`: the call that leads to the seed, where that stands in a function; what it is given is read behind it.
    """
    if isinstance(draw, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = draw.targets if isinstance(draw, ast.Assign) else [draw.target]
        names = [path for target in targets for path in target_paths(target)]
    elif isinstance(draw, ast.Expr) and draw.value is call:  # `random.shuffle(files)`
        names = [path for argument in call.args if (path := dotted(argument)) is not None]
    else:
        return False
    for name in names:
        if "." in name:
            return True
        if any(getattr(b.stmt, "lineno", 0) > seed.lineno for b in scope.bindings.get(name, ())):
            continue
        if any(read.lineno > seed.lineno for read in program.flow.reads(name, scope)):
            return True
        if passed is not None and any(isinstance(n, ast.Name) and n.id == name for n in nodes(passed)):
            return True
    return False


def _replaced(program: Program, scope: Scope, model: str, made: ast.stmt | None, hops: int = 0) -> ast.Call | None:
    """The call that gives the model other weights: they are loaded, or drawn again by `model.apply(init)`.

    Also in a function that is handed the model.
    """
    for call in scope.calls:
        if (made is not None and call.lineno < made.lineno) or not isinstance(call.func, ast.Attribute | ast.Name):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
        receiver = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else None
        passed = [dotted(argument) for argument in (*call.args, *(k.value for k in call.keywords))]
        if (receiver == model and name in _DRAWN_AGAIN | _LOADED) or (
            model in passed and ("init" in name.lower() or "load" in name.lower())
        ):
            return call
        target = program.target(call) if model in passed and hops < MAX_HOPS else None
        function = target.scope if target is not None and target.kind == "function" else None
        if target is None or function is None or target.program is None or function.kind != "function":
            continue
        inside = next(iter(parameters_for(call, function, model)), None)
        if inside is not None and _replaced(target.program, function, inside, None, hops + 1) is not None:
            return call
    return None
