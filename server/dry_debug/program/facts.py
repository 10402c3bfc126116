"""`dry-debug facts`: what the program is, as plain data (the JSON contract of the design)."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from dry_debug.program import done_elsewhere, lightning
from dry_debug.program import knowledge as know
from dry_debug.program.checkpoints import LoadSite, SaveSite
from dry_debug.program.class_kinds import is_average, is_scaler
from dry_debug.program.component_relations import role_by_name
from dry_debug.program.event_objects import object_of
from dry_debug.program.evidence import Confidence
from dry_debug.program.library_loads import LibraryLoad, library_loads
from dry_debug.program.library_saves import LibrarySave, library_saves
from dry_debug.program.literals import literal
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.events import Event
    from dry_debug.program.program import Program

_COMPONENT = {"module": "model"}
_SAVED = ("loss", "model", "optimizer", "scheduler", "scaler", "ema", "sampler", "loader")
_STEPS = (
    "zero_grad", "backward", "unscale", "clip", "optimizer_step", "scaler_update", "scheduler_step", "set_epoch",
)  # fmt: skip


def facts(program: Program) -> dict[str, Any]:
    """The facts of one program; lines are one-based, in a notebook within the item's `cell`.

    What is None is not known, what is not listed is not there.
    """
    from dry_debug.program.facts_order import in_cells, plain, settled

    if program.document.is_notebook:
        return in_cells(facts(plain(program)), program.document)
    return settled(_facts(program))


def _facts(program: Program) -> dict[str, Any]:
    training = program.training
    return {
        "frameworks": training.hyper.frameworks,
        "is_training_script": training.is_training or _steps_for_a_trainer(program) or training.starts_training,
        "components": _components(program),
        "loops": [
            {"kind": loop.kind, "line": program.line(loop.node), "end_line": _end(program, loop.node),
             "confidence": "high"}
            for loop in training.loops.all
        ],
        "accumulation": [
            {"line": program.line(a.node), "steps": a.steps, "confidence": "high"} for a in training.accumulation
        ],
        "steps": sorted(
            [*(_step(program, e) for e in program.events.all if e.kind in _STEPS),
             *done_elsewhere.steps(program, _STEPS),
             *({"kind": "scheduler_step", "object": program.short(obj), "line": program.line(call),
                "confidence": "medium"} for call, obj, _ in done_elsewhere.scheduler_calls(program))],
            key=lambda row: row["line"],
        ),
        "modes": _modes(program),
        "saves": sorted(
            [*(_save(program, s) for s in training.checkpoints.saves),
             *(_own_save(program, *row) for row in done_elsewhere.saves(program)),
             *(_library_save(program, s) for s in library_saves(program))],
            key=lambda row: row["line"],
        ),
        "loads": sorted(
            [*(_load(program, s) for s in training.checkpoints.loads),
             *({**_load(program, s), "map_location": device, "via": via}
               for s, device, via in done_elsewhere.loads(program)),
             *(_library_load(program, s) for s in library_loads(program))],
            key=lambda row: row["line"],
        ),
        "randomness": _randomness(program),
        "distributed": {
            "backend": training.distributed.backend,
            "wrappers": [
                {"kind": kind, "object": name, "line": program.line(node)}
                for kind, name, node in training.components.wrappers
            ],
            "rank_guards": [program.line(guard) for guard in training.distributed.guards],
        },
        "hyperparameters": [
            {"name": h.name, "value": h.value, "line": program.line(h.node), "file": None, "origin": h.origin,
             "confidence": "high"}
            for h in training.hyper.all
        ] + [
            {"name": row.found.name, "value": row.found.value, "line": row.owner.line(row.found.node),
             "file": row.owner.document.path, "origin": row.found.origin, "confidence": "high"}
            for row in training.hyper.elsewhere
        ] + [
            {"name": row.name, "value": row.value, "line": row.line, "file": row.file, "origin": "config",
             "confidence": "high"}
            for row in training.hyper.configured
        ],
        "models": [
            {"id": name, "line": program.line(node), "confidence": "high"} for name, node in training.hyper.models
        ],
    }  # fmt: skip


def _steps_for_a_trainer(program: Program) -> bool:
    """A module whose `training_step` a trainer of Lightning calls."""
    return any("training_step" in c.bindings and "configure_optimizers" in c.bindings for c in program.index.classes)


def _components(program: Program) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    roles = _roles_by_loop(program)
    for c in program.training.components.related:
        made = c.value.base.type if c.value.wraps is not None else c.type
        if made is None and c.value.scope is not None and c.value.scope.kind == "class":
            made = c.value.scope.qualname  # of an annotation
        role = c.role
        if c.kind == "loader" and (role is None or (role == "train" and role_by_name(c.name) is None)):
            role = roles.get(c.ident) or role  # the training data may be gone through once more to evaluate
        rows.append(
            {
                "kind": _kind(c.kind, c.name, made, [each.type for each in c.value.items or ()]),
                "name": c.name or None,
                "type": _class_name(made),
                "line": program.line(c.node),
                "role": role,
                "covers": c.covers,
                "wraps": c.wraps,
                "drives": c.drives,
                "reads": c.reads,
                "cadence": _cadence(program, c.value, c.ident) if c.kind == "scheduler" else None,
                "parameter": c.parameter,
                "confidence": c.value.confidence,
            }
        )
    rows.extend(_loaders_passed_in(program))
    _cover_what_comes_along(program, rows)
    rows.sort(key=lambda row: row["line"])
    return rows


def _cover_what_comes_along(program: Program, rows: list[dict[str, Any]]) -> None:
    """`def train(model, optimizer, ...)`: an optimizer that comes in with one model is there to update that one."""
    passed: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        if row["parameter"]:
            passed.setdefault((row["name"], row["line"]), []).append(row)
    for function in program.index.functions if passed else ():
        own = [row for a in function.parameters() for row in passed.get((a.arg, program.line(a)), ())]
        models = [row["name"] for row in own if row["kind"] == "model"]
        optimizers = [row for row in own if row["kind"] == "optimizer"]
        if len(models) == len(optimizers) == 1 and not optimizers[0]["covers"]:
            optimizers[0]["covers"] = models
            optimizers[0]["confidence"] = "medium"


def _kind(kind: str, name: str, made: str | None, one_of: list[str | None]) -> str:
    """A model of a class of the project, or of `one_of` several, may be there to compute the loss, or to average."""
    if kind == "model" and made is None and one_of and all(_is_loss(each) for each in one_of):
        return "loss"
    # An annotation that says nothing, or one of several classes: then the name does.
    anything = made in (None, "torch.nn.Module")
    if kind == "model" and (_is_loss(made) or (anything and name.rpartition(".")[2] in ("criterion", "loss_fn"))):
        return "loss"
    return "ema" if kind == "model" and is_average((made or "").rpartition(".")[2]) else kind


def _loaders_passed_in(program: Program) -> list[dict[str, Any]]:
    """Parameters that nothing but a loop over batches shows to be loaders."""
    rows: list[dict[str, Any]] = []
    for loop in program.training.loops.all:
        name = program.training.loops.name_of(loop)
        if loop.kind not in ("batch", "eval") or name is None or loop.scope.kind != "function":
            continue
        bindings = loop.scope.bindings.get(name, [])
        if len(bindings) != 1 or bindings[0].kind != "param" or program.call_sites(loop.scope):
            continue
        if program.training.loops.gone_through(loop).known or name == loop.scope.self_name:
            continue
        rows.append({"kind": "loader", "name": name, "type": None, "line": program.line(bindings[0].node),
                     "role": "train" if loop.kind == "batch" else "eval", "covers": [], "wraps": [], "drives": [],
                     "reads": [], "cadence": None, "parameter": True, "confidence": "medium"})  # fmt: skip
    return rows


def _class_name(made: str | None) -> str | None:
    """`AdamW` of `torch.optim.AdamW`, `AutoTokenizer` of `transformers.AutoTokenizer.from_pretrained`."""
    owner, _, last = (made or "").rpartition(".")
    holder = owner.rpartition(".")[2]
    return holder if last[:1].islower() and holder[:1].isupper() else last or None


def _is_loss(type_name: str | None) -> bool:
    """A module of the project that computes the loss, by the name of its class."""
    return (type_name or "").rpartition(".")[2].lower().endswith(("loss", "criterion", "losses"))


def _roles_by_loop(program: Program) -> dict[object, Any]:
    """What loaders are for whose name does not say it: one that the batch loop goes through is for training."""
    roles: dict[object, Any] = {}
    for loop in program.training.loops.all:
        if loop.kind not in ("batch", "eval"):
            continue
        value = program.training.loops.gone_through(loop)
        if value.kind == "loader":
            role = "train" if loop.kind == "batch" else "eval"
            held = program.training.components.named(value)  # the variable, if several branches make the loader
            ident = held.ident if held is not None else value.base.ident
            roles[ident] = role if roles.get(ident, role) == role else None
    return roles


def _cadence(program: Program, value: Value, ident: object) -> str | None:
    """How often the program steps a scheduler: by the loop around the step, else by what the type is made for."""
    steps = [(e.node, e.obj) for e in program.events.of_kind("scheduler_step")]
    for node, stepped in (*steps, *((c, v) for c, _, v in done_elsewhere.scheduler_calls(program))):
        if stepped.base.ident != ident:
            continue
        turns = lightning.turns(program.scope(node))
        if turns is not None:
            return turns
        loop = program.training.reached_from_training_loop(node)
        kind = next((x.kind for x in program.training.loops.all if x.node is loop), None)
        if kind == "epoch":
            return "epoch"
        if kind in ("batch", "iteration"):
            return "batch"
    how = lightning.interval(program, value)
    return how if how is not None else know.CADENCE.get((value.type or "").rpartition(".")[2])


def _end(program: Program, node: ast.AST) -> int:
    return program.document.position(program.span(node).end).line + 1


def _step(program: Program, event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "object": _object(program, event),
        "line": program.line(event.node),
        "confidence": _sure(event),
    }


def _sure(event: Event) -> Confidence:
    """How sure it is that the step is there: the call itself shows at least as much as usage does."""
    if event.kind == "backward" and event.other.known and event.other.confidence == "high":
        return "high"  # `scaler.scale(loss).backward()`, `accelerator.backward(loss)`
    return "medium" if event.obj.confidence == "low" or not event.obj.known else event.obj.confidence


def _object(program: Program, event: Event) -> str | None:
    """The object as written."""
    expr = object_of(event)
    return program.short(expr, 120) if expr is not None else None


def _modes(program: Program) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for event in program.events.of_kind("train", "eval"):
        rows.append({"kind": event.kind, "object": _object(program, event), "line": program.line(event.node),
                     "end_line": _end(program, event.node), "confidence": event.obj.confidence})  # fmt: skip
    rows.extend(done_elsewhere.modes(program))
    names = {"torch.no_grad": "no_grad", "torch.inference_mode": "inference_mode", "torch.amp.autocast": "autocast"}
    for block in program.index.withs:
        for item in block.items:
            for maker in _makers_of(program, item.context_expr, block):
                kind = names.get(program.names.qualified(maker.func, program.scope(maker)) or "")
                if kind is None and isinstance(maker.func, ast.Attribute) and maker.func.attr == "autocast":
                    launcher = program.value(maker.func.value, maker).kind in ("accelerator", "fabric")
                    kind = "autocast" if launcher else None
                if kind is not None:
                    rows.append({"kind": kind, "object": None, "line": program.line(block),
                                 "end_line": _end(program, block)})  # fmt: skip
    for function in program.index.functions:
        for decorator in function.decorators:
            expr = decorator.func if isinstance(decorator, ast.Call) else decorator
            kind = names.get(program.names.qualified(expr, function.parent or program.index.module) or "")
            if kind is not None:
                rows.append({"kind": kind, "object": None, "line": program.line(function.node),
                             "end_line": _end(program, function.node)})  # fmt: skip
    rows.sort(key=lambda row: row["line"])
    return rows


def _makers_of(program: Program, expr: ast.expr, block: ast.AST) -> list[ast.Call]:
    """The calls that make a context: in place, or those that a variable is made by (`ctx = a() if x else b()`)."""
    if isinstance(expr, ast.Call):
        return [expr]
    found = program.names.lookup(expr.id, program.scope(block)) if isinstance(expr, ast.Name) else None
    makers: list[ast.Call] = []
    for binding in found[1] if found is not None else ():
        value = binding.value if binding.kind == "assign" and not binding.path else None
        choices = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
        makers.extend(choice for choice in choices if isinstance(choice, ast.Call))
    return makers


def component_kinds(site: SaveSite) -> list[str]:
    """The kinds of components whose state a save site writes."""
    kinds: list[str] = []
    values = [e.value for e in site.entries] + ([site.whole] if site.whole is not None else [])
    for value in values:
        inner = value.wraps if value.kind == "state" and value.wraps is not None else value
        kind = _COMPONENT.get(inner.kind, inner.kind)
        if kind == "model" and _is_loss(inner.base.type):
            kind = "loss"
        if is_scaler(inner):
            kind = "scaler"
        if kind in _SAVED and kind not in kinds:
            kinds.append(kind)
    return kinds


def _save(program: Program, site: SaveSite) -> dict[str, Any]:
    row: dict[str, Any] = {
        "line": program.line(site.node),
        "path": _path(program, site.path, site.node),
        "keys": site.keys,
        "components": component_kinds(site),
        "rank_guarded": program.training.distributed.one_rank(site.node)
        or (site.via is not None and (site.via_owner or program).training.distributed.one_rank(site.via)),
        "confidence": "medium" if site.open else "high",
    }
    if site.via is not None:
        owner = site.via_owner or program
        row["via"] = f"{owner.document.path}:{owner.line(site.via)}"
    return row


def _own_save(program: Program, site: SaveSite, call: ast.Call, via: str) -> dict[str, Any]:
    """What an object of another file saves of itself."""
    guarded = program.training.distributed.one_rank(call) or site.owner.training.distributed.one_rank(site.node)
    return {"line": program.line(call), "path": None, "keys": site.keys, "components": component_kinds(site),
            "rank_guarded": guarded, "confidence": "medium", "via": via}  # fmt: skip


def _library_save(program: Program, save: LibrarySave) -> dict[str, Any]:
    return {
        "line": program.line(save.node),
        "path": _path(program, save.path, save.node),
        "keys": [],
        "components": save.kinds,
        "rank_guarded": program.training.distributed.one_rank(save.node),
        "confidence": "medium",
    }


def _library_load(program: Program, load: LibraryLoad) -> dict[str, Any]:
    return {
        "line": program.line(load.node),
        "path": _path(program, load.path, load.node),
        "keys": load.keys,
        "components": load.kinds,
        "map_location": program.short(load.map_location) if load.map_location is not None else None,
        "weights_only": None,
        "strict": None,
        "confidence": "medium",
    }


def _load(program: Program, site: LoadSite) -> dict[str, Any]:
    kinds = []
    for value, _ in site.restores:
        kind = "loss" if _is_loss(value.base.type) else _COMPONENT.get(value.kind, value.kind)
        kind = "scaler" if is_scaler(value) else kind
        if kind not in kinds and kind in _SAVED:
            kinds.append(kind)
    return {
        "line": program.line(site.node),
        "path": _path(program, site.path, site.node),
        "keys": site.keys,
        "components": kinds,
        "map_location": program.short(site.map_location) if site.map_location is not None else None,
        "weights_only": site.weights_only,
        "strict": site.strict,
        "confidence": "high",
    }


def _path(program: Program, expr: ast.expr | None, at: ast.AST) -> str | None:
    if expr is None:
        return None
    known, value = literal(program, expr, at)
    return value if known and isinstance(value, str) else program.short(expr, 80)


def _randomness(program: Program) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"kind": "draw", "rng": "torch", "line": program.line(call)}
                                  for call in _samples(program)]  # fmt: skip
    for site in (*program.randomness.seeds, *program.randomness.draws):
        row: dict[str, Any] = {"kind": site.kind, "rng": site.rng, "line": program.line(site.node)}
        if site.via is not None:
            owner, node = site.via
            row["via"] = f"{owner.document.path}:{owner.line(node)}"
        rows.append(row)
    rows.extend(done_elsewhere.seeds(program))
    rows.sort(key=lambda row: row["line"])
    return rows


def _made_of(program: Program, expr: ast.expr, at: ast.AST) -> ast.AST | None:
    """What a variable that is bound once was assigned."""
    home = program.names.lookup(expr.id, program.scope(at)) if isinstance(expr, ast.Name) else None
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    return one.value if one is not None and one.kind == "assign" and not one.path else None


def _samples(program: Program) -> list[ast.Call]:
    """`Categorical(probs).sample()`."""
    found = []
    for method in ("sample", "rsample"):
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            if method == "rsample" and not call.keywords:  # only torch's distributions have it
                found.append(call)
                continue
            made = program.value(call.func.value, call).node or _made_of(program, call.func.value, call)
            here = isinstance(made, ast.Call) and made in program.index.scope_of
            name = program.qualified(made) if here and isinstance(made, ast.Call) else None
            if name is not None and name.startswith("torch.distributions."):
                found.append(call)
    return found
