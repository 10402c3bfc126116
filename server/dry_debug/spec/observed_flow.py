"""What loops and guards say: epochs, steps, accumulation, and how often something is saved, evaluated, logged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dry_debug.program.every_nth import modulus_in
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import replace
from dry_debug.spec.field_names import field_of_name
from dry_debug.spec.observed import Observed, seen
from dry_debug.spec.observed_values import converted
from dry_debug.spec.thing import Cadence
from dry_debug.spec.trace import Traced, trace

if TYPE_CHECKING:
    from dry_debug.program.loops import TrainingLoop
    from dry_debug.program.program import Program

_EVALUATES = re.compile(
    r"(?:^|_)(?:eval(?:uate|uation)?|valid(?:ate|ation)?|val|test)(?:_|$|\d)|^estimate_loss", re.IGNORECASE
)
_SAVES = re.compile(
    r"^(?:save_pretrained|save_model|save_checkpoint|save_state|save_ckpt|save)$|^save_(?!(?:image|img|fig|plot|sample|"
    r"grid|pred|result|metric|log|json|csv|config|arg|hyperparameter|picture|video|gif|audio|figure|table|history))|"
    r"_save$|checkpoint",
    re.IGNORECASE,
)
_LOGS = re.compile(r"^(?:print|log|info|log_metrics|log_dict|add_scalar|write|set_postfix)$|^log_", re.IGNORECASE)


def in_flow(program: Program) -> Iterator[Observed]:
    """What the loops of a training program say."""
    if "for " not in program.document.source and "while " not in program.document.source:
        return
    loops = program.training.loops
    every = loops.all or list(_told_to_train(program))
    by_steps = [loop.node for loop in every if loop.kind == "epoch" and _counts_steps(loop.node)]
    every = [loop for loop in every if not _is_inner(program, loop, by_steps)]
    epochs = [loop for loop in every if loop.kind == "epoch" and loop.node not in by_steps]
    for loop in loops.all:
        if loop.kind in ("epoch", "iteration") and isinstance(loop.node, ast.For) and loop in every:
            expr = loops.count_of(loop.node)
            if expr is not None:
                whole = loop.kind == "epoch" and loop.node not in by_steps
                one = _rounds(program, "epochs" if whole else "max_steps", expr, loop.node)
                yield replace(one, unit="updates") if whole and _AGAIN.search(_last(expr)) else one
    for loop in every:
        stop = _up_to(loop.node) if loop.kind != "eval" and isinstance(loop.node, ast.While) else None
        if stop is not None:
            yield seen(program, "max_steps", stop, loop.node)
    yield from _accumulation(program)
    training = [loop for loop in every if loop.kind != "eval"]
    if training:
        yield from _guarded(program, training)
        yield from _each_epoch(program, epochs)


_STEP = re.compile(
    r"(?:global_?|train_?|cur(?:rent)?_?)?(?:step|it|iter|iteration|update)(?:_?(?:idx|num|no|i))?\Z", re.IGNORECASE
)
# How often one batch or rollout is learned from: `for _ in range(cfg.update_epochs)`, `range(n_critic)`.
_AGAIN = re.compile(
    r"(?:update|ppo|inner|policy|opt\w*|sgd|ppo_update|k)_?epochs?\Z|(?:num|n)_?(?:critic|disc|dis|d)(?:_?(?:steps|"
    r"iters|updates))?\Z|"
    r"(?:critic|disc\w*|d)_?(?:steps|iters|updates)\Z|(?:gradient|grad|updates?)_?(?:steps_)?per_\w+\Z|"
    r"inner_?(?:steps|loops?)\Z",
    re.IGNORECASE,
)


def _up_to(loop: ast.While) -> ast.expr | None:
    """`limit` of `while step < limit:`"""
    test = loop.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Lt)):
        return None
    counter = (dotted(test.left) or "").rpartition(".")[2]
    return test.comparators[0] if _STEP.match(counter) else None


def _counts_steps(loop: ast.AST) -> bool:
    """`for step in range(steps)`: a loop around another one that all the same counts steps by its own name."""
    return isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) and bool(_STEP.match(loop.target.id))


def _is_inner(program: Program, loop: TrainingLoop, by_steps: Sequence[ast.AST]) -> bool:
    """Whether a loop goes round inside of one step: over the updates of a critic."""
    if not isinstance(loop.node, ast.For) or loop.kind == "eval":
        return False
    expr = program.training.loops.count_of(loop.node)
    again = expr is not None and loop.kind == "iteration" and _AGAIN.search(_last(expr)) is not None
    return again or any(block in by_steps for block in program.index.ancestors(loop.node))


def _last(expr: ast.expr) -> str:
    return (dotted(expr) or "").rpartition(".")[2]


_TRAINS = re.compile(r"(?:train|fit)(?:_one)?_epoch\Z|(?:train|run_epoch|do_train)\Z", re.IGNORECASE)


def _told_to_train(program: Program) -> Iterator[TrainingLoop]:
    """`for epoch in range(n): train_one_epoch(...)` with a function that nobody can see into."""
    from dry_debug.program.loops import TrainingLoop

    if "epoch" not in program.document.source:
        return
    for call in program.index.calls:
        stmt = program.statement(call) if _TRAINS.match((dotted(call.func) or "").rpartition(".")[2]) else None
        for block in program.index.ancestors(stmt) if stmt is not None else ():
            if isinstance(block, ast.For) and "epoch" in program.short(block.target, 40):
                yield TrainingLoop("epoch", block, program.scope(block))
                return


def _rounds(program: Program, field: str, stop: ast.expr, loop: ast.For) -> Observed:
    """How often a loop goes round: `range(1, n + 1)` does n times."""
    call = program.training.loops.iterated(loop, program.scope(loop))
    start = call.args[0] if isinstance(call, ast.Call) and len(call.args) > 1 and call.args[1] is stop else None
    first = start.value if isinstance(start, ast.Constant) and isinstance(start.value, int) else 0
    if first <= 0:
        plus = stop.left if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) else None
        if plus is not None and isinstance(stop, ast.BinOp) and getattr(stop.right, "value", None) == 1:
            named = seen(program, field, plus, loop)  # `range(max_iters + 1)`: the setting is what was meant
            if named.known and not isinstance(plus, ast.Constant):
                return named
        frames = _frames(program, stop, loop) if field == "max_steps" else None
        if frames is not None:
            return seen(program, field, frames, loop)
        found = seen(program, field, stop, loop)
        given = _unpacked(program, stop, loop) if not found.known else None
        return seen(program, field, given, loop) if given is not None else found
    plus = stop.left if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) else stop
    frames = _frames(program, plus, loop) if field == "max_steps" else None
    if frames is not None:
        return seen(program, field, frames, loop)
    if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add):
        for side, other in ((stop.left, stop.right), (stop.right, stop.left)):
            if isinstance(other, ast.Constant) and other.value == first:
                return seen(program, field, side, loop)
    found = seen(program, field, stop, loop)
    whole = found.known and isinstance(found.value, int) and found.value > first
    return Observed(field, found.value - first, found.use, found.traced) if whole else found


_FRAMES = re.compile(
    r"(?:total|num|max|n|env|train\w*)_?(?:env_?|time|environment_?)?(?:steps|timesteps|frames|interactions)\Z", re.I
)


def _frames(program: Program, stop: ast.expr, loop: ast.For) -> ast.expr | None:
    """`total_timesteps` in `range(total_timesteps // batch)`: the setting that says how long a run is."""
    if isinstance(stop, ast.Name):
        home = program.names.lookup(stop.id, program.scope(loop))
        one = home[1][0] if home is not None and len(home[1]) == 1 else None
        stop = (
            one.value if one is not None and one.kind == "assign" and not one.path and one.value is not None else stop
        )
    if isinstance(stop, ast.Call) and dotted(stop.func) == "int" and len(stop.args) == 1:
        stop = stop.args[0]
    if not (isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.FloorDiv | ast.Div)):
        return None
    name = (dotted(stop.left) or "").rpartition(".")[2]
    return stop.left if _FRAMES.match(name) else None


def _unpacked(program: Program, stop: ast.expr, loop: ast.For) -> ast.expr | None:
    """What `scheduler, num_epochs = create_scheduler_v2(..., num_epochs=n)` gives back: the argument of that name."""
    home = program.names.lookup(stop.id, program.scope(loop)) if isinstance(stop, ast.Name) else None
    one = home[1][0] if home is not None and len(home[1]) == 1 else None
    if one is None or one.kind != "assign" or not one.path or not isinstance(one.value, ast.Call):
        return None
    return next((k.value for k in one.value.keywords if k.arg in ("num_epochs", "epochs", one.name)), None)


def _accumulation(program: Program) -> Iterator[Observed]:
    for one in program.training.accumulation:
        expr: ast.expr | None = None
        if isinstance(one.node, ast.If):
            expr = modulus_in(one.node.test)
        elif isinstance(one.node, ast.For):
            expr = program.training.loops.count_of(one.node)
        elif isinstance(one.node, ast.Call) or not isinstance(one.node, ast.expr):
            continue
        else:
            expr = one.node
        if expr is not None:
            found = seen(program, "gradient_accumulation_steps", expr, one.node)
            if not found.known and one.steps is not None:
                found = Observed("gradient_accumulation_steps", one.steps, expr)
            yield found


def _guarded(program: Program, training: list[TrainingLoop]) -> Iterator[Observed]:
    """`if step % 100 == 0: evaluate()`."""
    blocks = {loop.node for loop in training}
    epochs = [
        loop.node
        for loop in training
        if loop.kind == "epoch" and isinstance(loop.node, ast.For) and not _counts_steps(loop.node)
    ]
    found: set[str] = set()
    for call in program.index.calls:
        field = _purpose(call)
        stmt = program.statement(call)
        if field is None or stmt is None:
            continue
        guard: ast.If | None = None
        only_better = False
        for block in program.index.ancestors(stmt):
            if block in blocks:
                break
            if guard is None and isinstance(block, ast.If) and modulus_in(block.test) is not None:
                guard = block
            only_better = only_better or (guard is None and isinstance(block, ast.If) and _only_better(program, block))
        else:
            continue
        if guard is None or (only_better and field == "save_cadence"):
            continue
        every = modulus_in(guard.test)
        assert every is not None
        named = field_of_name(_last(every)) if _last(every) else None
        counter = next(
            (
                program.short(n.left, 60)
                for n in ast.walk(guard.test)
                if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod)
            ),
            "",
        )
        unit = "epoch" if re.search(r"epoch|(?<![a-z])ep(?![a-z])", counter) else "step"
        if unit == "step" and _counts_epochs(program, guard, epochs):
            unit = "epoch"
        traced = trace(program, every, guard)
        value = (
            Cadence(unit, int(traced.value))
            if traced.known and isinstance(traced.value, int) and traced.value > 0
            else None
        )
        found.add(field)
        if field == "logging" and named == "eval_cadence":  # `if epoch % cfg.eval_every == 0: log(self.hit_rate())`
            yield Observed(named, value, every, traced, known=value is not None)
        yield Observed(field, value, every, traced, unit="every" if field == "logging" else "", known=value is not None)


def _counts_epochs(program: Program, guard: ast.If, epochs: list[ast.For]) -> bool:
    """Whether the counter of a test is the variable of the loop over epochs: `for e in range(n): ... if e % 5 == 0`."""
    names = names_in(guard.test)
    around = set(program.index.ancestors(guard))
    return any(loop in around and names & names_in(loop.target) for loop in epochs)


_PASSING = frozenset(
    "tqdm trange enumerate zip len iter next list range print DataLoader train train_epoch fit train_one_epoch".split()
)


def _is_held_out(expr: ast.expr) -> bool:
    """Whether an argument is the data that a model is judged on: `val_loader`, `loaders["test"]`."""
    if isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Constant):
        return isinstance(expr.slice.value, str) and bool(_EVALUATES.search(expr.slice.value))
    name = (dotted(expr) or "").rpartition(".")[2]
    return bool(re.search(r"loader|_dl\b|_ds\b|data|set|iter|batches|split", name) and _EVALUATES.search(name))


def _purpose(call: ast.Call) -> str | None:
    last = (dotted(call.func) or (call.func.attr if isinstance(call.func, ast.Attribute) else "")).rpartition(".")[2]
    whole = dotted(call.func) or ""
    if whole == "torch.save" or (_SAVES.search(last) and last != "save_hyperparameters"):
        return "save_cadence"
    if _EVALUATES.search(last) and last not in ("eval", "val", "test"):
        return "eval_cadence"
    if isinstance(call.func, ast.Name) and last in ("val", "test") and call.args:
        return "eval_cadence"
    if isinstance(call.func, ast.Name) and last not in _PASSING and any(_is_held_out(a) for a in call.args[:4]):
        return "eval_cadence"
    if _LOGS.search(last) and "torch" not in whole and "math" not in whole and "np" not in whole:
        return "logging"
    return None


def _each_epoch(program: Program, epochs: list[TrainingLoop]) -> Iterator[Observed]:
    """Unguarded calls in the epoch loop, outside of the loop over batches."""
    inner = {loop.node for loop in program.training.loops.all if loop.kind in ("batch", "eval", "iteration")}
    for loop in epochs:
        told: set[str] = set()
        for call in program.index.calls:
            field = _purpose(call)
            if isinstance(call.func, ast.Attribute) and call.func.attr == "eval" and not call.args:
                field = "eval_cadence"  # `net.eval()` in the epoch loop: what follows evaluates
            stmt = program.statement(call)
            if field is None or field in told or stmt is None:
                continue
            around = list(program.index.ancestors(stmt))
            if loop.node not in around:
                continue
            between = around[: around.index(loop.node)]
            if any(b in inner or (isinstance(b, ast.If) and not _about_rank(b)) for b in between):
                continue
            told.add(field)
            logs = field == "logging"
            unit = "every" if logs else ""
            traced = Traced(True, "epoch", program, call)
            yield Observed(field, Cadence("epoch", 1), call, traced, unit=unit, implied=logs)
        for one in program.training.loops.all:
            stmt = program.statement(one.node)
            if one.kind == "eval" and "eval_cadence" not in told and stmt is not None:
                around = list(program.index.ancestors(stmt))
                if loop.node in around and not any(
                    b in inner or isinstance(b, ast.If) for b in around[: around.index(loop.node)]
                ):
                    told.add("eval_cadence")
                    yield Observed(
                        "eval_cadence", Cadence("epoch", 1), one.node, Traced(True, "epoch", program, one.node)
                    )


def _only_better(program: Program, block: ast.If) -> bool:
    """Whether a block is run for a better result only, not `if loss < best or always_save:` with that switched on."""
    if isinstance(block.test, ast.BoolOp) and isinstance(block.test.op, ast.Or):
        switches = [v for v in block.test.values if isinstance(v, ast.Name | ast.Attribute)]
        traced = [trace(program, v, block) for v in switches]
        if any(t.known and t.value is True for t in traced):
            return False
    return _is_better(block.test)


def _is_better(test: ast.expr) -> bool:
    """Whether a test is for a better result: `if dice > best:`, `if is_best:`."""
    ordered = any(
        isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Lt | ast.Gt | ast.LtE | ast.GtE) for n in ast.walk(test)
    )
    return ordered or any(isinstance(n, ast.Name) and "best" in n.id.lower() for n in nodes(test))


def _about_rank(block: ast.If) -> bool:
    return "rank" in ast.dump(block.test) or "is_main" in ast.dump(block.test)


__all__ = ["converted", "in_flow"]
