"""OVER007: a Trainer is built to run a model that is not trained."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument, given
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope

_RUNS = ("predict", "evaluate", "prediction_loop", "evaluation_loop")
# What trains, or is there for training: one of them in the file, and the Trainer may be in its right place.
_TRAINS = ("train", "hyperparameter_search", "create_optimizer", "create_optimizer_and_scheduler", "training_step")
_FOR_TRAINING = frozenset(("train_dataset", "callbacks", "optimizers", "model_init", "compute_loss_func"))
# What a Trainer is asked for besides; a use that is none of these may be anything.
_HARMLESS = frozenset(
    (*_RUNS, "model", "args", "log_metrics", "save_metrics", "log", "is_world_process_zero", "tokenizer",
     "processing_class", "eval_dataset", "data_collator", "get_test_dataloader", "get_eval_dataloader")
)  # fmt: skip
# Several processes, or weights that no single one holds: then the Trainer is what runs them.
_MAX_PLACES = 60  # that a Trainer is followed through
_SPREAD = ("deepspeed", "fsdp", "accelerate", "torchrun", "local_rank", "LOCAL_RANK", "HfArgumentParser")


_Run = tuple["Program", ast.Call]  # a call, and the file that it stands in
_Place = tuple[ast.AST, "Scope", "Program"]  # a node, a scope that it stands below, and their file


class TrainerForInference(Rule):
    name = "trainer-for-inference"
    code = "OVER007"
    shape = "site"
    severity = "suggestion"
    triggers = (("transformers",), ("Trainer",))
    why = (
        "`TrainingArguments`, an output folder and the set-up of a training run stand around a forward pass, and the "
        "outputs of the whole dataset are kept in memory until the end."
    )
    instead = "Use a `pipeline`, or go through a `DataLoader` in `torch.inference_mode()` with the model in eval mode."
    quotes = ("DRY-FW-2", "DRY-FOC-3")
    looks_at = "Trainers of transformers that are built"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for name in ("transformers.Trainer", "transformers.Seq2SeqTrainer"):
            for call in program.calls_of(name):
                yield call.func

    def check(self, program: Program) -> Iterator[Report]:
        for name in ("transformers.Trainer", "transformers.Seq2SeqTrainer"):
            for call in program.calls_of(name):
                reason = _needed(call, program)
                if reason is not None:
                    program.why(call.func, reason)
                    continue
                runs = _runs(call, program)
                if isinstance(runs, str):
                    program.why(call.func, runs)
                elif runs and (reason := _needed_elsewhere(runs, program)) is not None:
                    program.why(call.func, reason)
                elif runs:
                    yield self._report(call, name.rpartition(".")[2], runs, program)
                else:
                    program.why(call.func, "neither `predict` nor `evaluate` is called on it here")

    def _report(self, call: ast.Call, name: str, runs: list[_Run], program: Program) -> Report:
        first = runs[0][1].func
        method = first.attr if isinstance(first, ast.Attribute) else "predict"
        return Report(
            at=call.func,
            headline=f"`{name}` is built only for `.{method}()`: nothing in this program trains",
            confidence="high",
            evidence=[Step(owner, run, "this is all that it is asked for") for owner, run in runs[:3]],
            links=lambda: [Link("path", "high", "no use of it trains, and none leaves this file")],
        )


def _needed(call: ast.Call, program: Program) -> str | None:
    """Why the Trainer is in its place here; None if nothing says so."""
    if program.is_test:
        return "the file is a test"
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in _FOR_TRAINING:
            return "it is given something for a training, or what nobody can see"
    if len(call.args) > 3:
        return "it is given a dataset to train on"
    trained = _spread_or_trained(program)
    if trained is not None:
        return trained
    settings = argument(call, 1, "args")
    if settings is not None and program.value(settings, call).kind != "trainer_args":
        return "its arguments come from elsewhere"
    if any(keyword.arg == "compute_metrics" for keyword in call.keywords):
        return "it computes metrics"
    return None


def _spread_or_trained(program: Program) -> str | None:
    """Why one of these may be in its place anywhere in this file."""
    source = program.document.source
    spread = next((word for word in _SPREAD if word in source), None)
    if spread is not None:
        return f"the file may run in several processes: `{spread}`"
    for name in _TRAINS:
        for other in program.method_calls(name):
            assert isinstance(other.func, ast.Attribute)
            if program.value(other.func.value, other).kind in ("trainer", "unknown"):
                return "something is trained in this file"
    return None


def _needed_elsewhere(runs: list[_Run], program: Program) -> str | None:
    """The same of the other files that run it."""
    others = {id(owner): owner for owner, _ in runs if owner is not program}.values()
    return next((reason for other in others if (reason := _spread_or_trained(other)) is not None), None)


def _runs(call: ast.Call, program: Program) -> list[_Run] | str:
    """The calls of `predict` and `evaluate` on it; why it may be used otherwise, as a text."""
    runs: list[_Run] = []
    todo: list[_Place] = [(call, program.scope(call), program)]
    seen: set[ast.AST] = set()
    while todo:
        place, home, owner = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        if len(seen) > _MAX_PLACES:
            return "it goes through too many hands"
        more = _uses(place, home, owner, runs)
        if isinstance(more, str):
            return more
        todo += more
    return list(dict.fromkeys(runs))


def _uses(place: ast.AST, home: Scope, program: Program, runs: list[_Run]) -> list[_Place] | str:
    """What is done with it at one place below `home`: a read of it, or a call that gives it. Adds to `runs`; returns
    where else it goes, or why nobody can follow it."""
    parents = program.flow.parents_near(place) if isinstance(place, ast.Call) else program.flow.parents(home)
    scope = program.flow.scope_inside(place, home)
    parent = parents.get(place)
    if isinstance(parent, ast.Attribute):
        if parent.attr not in _HARMLESS:
            return f"`.{parent.attr}` is asked of it"
        outer = parents.get(parent)
        if parent.attr in _RUNS and isinstance(outer, ast.Call) and outer.func is parent:
            runs.append((program, outer))
        return []
    if isinstance(parent, ast.Return):
        sites = program.callers.here_or_elsewhere(scope)
        return [(site, other.scope(site), other) for other, site in sites] or "it is returned to other files"
    if isinstance(parent, ast.Call | ast.keyword):
        outer = parents.get(parent) if isinstance(parent, ast.keyword) else parent
        target = program.target(outer) if isinstance(outer, ast.Call) else None
        function = target.scope if target is not None and target.program is program else None
        if target is None or target.kind != "function" or function is None or not isinstance(outer, ast.Call):
            return "it is handed on"
        names = [a.arg for a in function.parameters() if given(outer, function, a.arg) is place]
        return _reads(names[0], function, program) if len(names) == 1 else "it is handed on"
    if isinstance(parent, ast.Assign | ast.AnnAssign) and parent.value is place:
        return _kept(parent, scope, program)
    if isinstance(parent, ast.Expr):
        return []
    return "it is handed on"


def _kept(stmt: ast.Assign | ast.AnnAssign, scope: Scope, program: Program) -> list[_Place] | str:
    """The reads of the variable or attribute that it is assigned to."""
    target = stmt.targets[0] if isinstance(stmt, ast.Assign) else stmt.target
    path = dotted(target)
    if path is None:
        return "it is kept where nobody can follow it"
    home = scope
    if isinstance(target, ast.Name):
        found = program.names.lookup(target.id, scope)
        home = found[0] if found is not None else scope
    else:
        while home.kind != "class" and home.parent is not None:
            home = home.parent
    return _reads(path, home, program)


def _reads(path: str, home: Scope, program: Program) -> list[_Place]:
    reads: list[_Place] = [(read, home, program) for read in program.flow.path_reads(path, home)]
    for actor in home.actors if home.kind == "class" else ():  # functions that are handed the object
        own = f"{actor.self_name}.{path.partition('.')[2]}"
        reads += [(read, actor, program) for read in program.flow.path_reads(own, actor)]
    return reads
