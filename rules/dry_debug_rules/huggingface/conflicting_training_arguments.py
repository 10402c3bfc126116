"""HF006: arguments of the Trainer that exclude each other: it raises before, or in the middle of, the training."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, Rule
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.records import dataclass, field
from dry_debug.text.spans import TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_ARGUMENTS = frozenset(f"transformers.{n}" for n in ("TrainingArguments", "Seq2SeqTrainingArguments")) | frozenset(
    f"trl.{n}Config" for n in ("SFT", "DPO", "GRPO", "ORPO", "KTO", "CPO", "BCO", "RLOO", "Reward", "PRM")
)
_TRAINERS = frozenset(("transformers.Trainer", "transformers.Seq2SeqTrainer"))
_LOSSES = frozenset(("loss", "eval_loss"))
_UNKNOWN = object()


@dataclass(slots=True)
class Given:
    """What a call is given: argument -> (expression, constant or `_UNKNOWN`); `all` if nothing else is given."""

    call: ast.Call
    program: Program
    named: dict[str, tuple[ast.expr, Any]] = field(default_factory=dict)
    all: bool = True

    def get(self, name: str, default: Any = _UNKNOWN) -> Any:
        """The constant under a name; the default where it is not given, if that is sure."""
        if name in self.named:
            return self.named[name][1]
        return default if self.all else _UNKNOWN

    def at(self, *names: str) -> ast.expr:
        """The first of the arguments that is given, to point at; the call, if none is."""
        return next((self.named[name][0] for name in names if name in self.named), self.call)

    def strategy(self, *names: str, default: str) -> Any:
        """The interval under one of several spellings: "no", "steps", "epoch", ..."""
        name = next((n for n in names if n in self.named), names[0])
        value = self.get(name, default)
        return value.lower() if isinstance(value, str) else "no" if value is False else value


class ConflictingTrainingArguments(Rule):
    name = "conflicting-training-arguments"
    code = "HF006"
    shape = "site"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("Argument", "Config", "Trainer"), ("transformers", "trl"))
    why = "The Trainer checks its arguments against each other and raises a ValueError: the run ends here."
    quotes = ("DRY-FOC-2", "DRY-FOC-5")
    instead = "Let saving follow evaluation, and give the Trainer what its arguments ask for."
    looks_at = "`TrainingArguments(...)`, the configs of TRL, and the `Trainer` that is given them"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        for name, call in program.qualified_calls():
            if name in _ARGUMENTS or name in _TRAINERS:
                yield call

    def check(self, program: Program) -> Iterator[Report]:
        judged = [one for one in program.names_called() if one in _ARGUMENTS or one in _TRAINERS]
        for name, call in [(one, call) for one in judged for call in program.names_called()[one]]:
            given = _given(call, program)
            reports = list(self._arguments(given) if name in _ARGUMENTS else self._trainer(given, program))
            yield from reports
            if all(report.at is not call for report in reports):
                program.why(call, "what conflicts is reported at the argument" if reports
                            else "no two of its arguments are known to exclude each other")  # fmt: skip

    # -- the arguments alone -------------------------------------------------------------------------------------------

    def _arguments(self, given: Given) -> Iterator[Report]:
        yield from self._best_model(given)
        for one, other, what in (("fp16", "bf16", "training"), ("fp16_full_eval", "bf16_full_eval", "evaluation")):
            if given.get(one, False) is True and given.get(other, False) is True:
                yield self._report(
                    given,
                    (one, other),
                    f"`{one}=True` and `{other}=True` exclude each other",
                    f"Only one precision can be chosen for {what}: the Trainer raises a ValueError.",
                    f"Switch `{one}` off",
                    _replaced(given, one, "False"),
                )
        if given.strategy("lr_scheduler_type", default="linear") == "reduce_lr_on_plateau" and _no_evaluation(given):
            yield self._report(
                given,
                ("lr_scheduler_type",),
                "`reduce_lr_on_plateau` needs an `eval_strategy`",
                "The scheduler waits for a metric, so transformers raises a ValueError where nothing is evaluated.",
                "",
                None,
            )
        workers = given.get("dataloader_num_workers", 0)
        prefetch = given.get("dataloader_prefetch_factor", None)
        if workers == 0 and workers is not False and isinstance(prefetch, int) and not isinstance(prefetch, bool):
            yield self._report(
                given,
                ("dataloader_prefetch_factor",),
                f"`dataloader_prefetch_factor={prefetch}` without workers (`dataloader_num_workers`)",
                "Only worker processes prefetch, so transformers raises a ValueError.",
                "",
                None,
            )
        ratio = given.get("warmup_ratio", 0.0)
        outside = isinstance(ratio, int | float) and not isinstance(ratio, bool) and not 0 <= ratio <= 1
        if outside and not _since(given.program, (5, 0)):  # 5.0 takes it for `warmup_steps`
            yield self._report(
                given,
                ("warmup_ratio",),
                f"`warmup_ratio={ratio}` is no part of the steps (0 to 1)",
                "transformers 4 raises a ValueError: a number of steps belongs into `warmup_steps`.",
                "Give it as `warmup_steps`",
                _renamed(given, "warmup_ratio", "warmup_steps", ratio),
            )

    def _best_model(self, given: Given) -> Iterator[Report]:
        if given.get("load_best_model_at_end", False) is not True or _before(given.program, (4, 9)):
            return
        evaluated = given.strategy("eval_strategy", "evaluation_strategy", default="no")
        saved = given.strategy("save_strategy", default="steps")
        if evaluated is _UNKNOWN or saved is _UNKNOWN or saved == "best" or "evaluate_during_training" in given.named:
            return
        if evaluated != saved:
            yield self._report(
                given,
                ("load_best_model_at_end",),
                f'`load_best_model_at_end=True`, but it evaluates by "{evaluated}" and saves by "{saved}"',
                "The best checkpoint can only be chosen among evaluated ones: `save_strategy` has to be the same as "
                "`eval_strategy`, or a ValueError is raised.",
                _same_title(evaluated, saved),
                _same_strategy(given, evaluated, saved),
            )
            return
        if evaluated != "steps":
            return
        every = given.get("eval_steps", None)
        if every is None or every == 0:
            trl = (given.program.qualified(given.call) or "").startswith("trl.")  # its configs have other defaults
            every = given.get("logging_steps", _UNKNOWN if trl else 500)
        saving = given.get("save_steps", 500)
        if not (_whole(every) and _whole(saving)) or saving % every == 0:
            return
        several = (saving // every + 1) * every
        yield self._report(
            given,
            ("save_steps", "eval_steps", "load_best_model_at_end"),
            f"`load_best_model_at_end=True`, but {saving} steps to a save are no multiple of {every} to an evaluation",
            "The best checkpoint can only be chosen among evaluated ones: `save_steps` has to be a multiple of "
            "`eval_steps`, or a ValueError is raised.",
            f"Save every {several} steps",
            _replaced(given, "save_steps", str(several)),
        )

    # -- the arguments and their trainer -------------------------------------------------------------------------------

    def _trainer(self, trainer: Given, program: Program) -> Iterator[Report]:
        expr = argument(trainer.call, 1, "args")
        value = program.value(expr, trainer.call) if expr is not None else None
        if value is None or value.kind != "trainer_args" or value.args is None or value.origin is None:
            program.why(trainer.call, "it is not known what arguments it is given")
            return
        given = _given(value.args, value.origin)
        where = [Step(value.origin, value.args, "these are its arguments")]
        evaluated = given.strategy("eval_strategy", "evaluation_strategy", default="no")
        if (
            isinstance(evaluated, str)
            and evaluated != "no"
            and _missing(trainer, "eval_dataset", 4)
            and not _set_later(program, "eval_dataset")
        ):
            yield self._report(
                trainer,
                (),
                f'The Trainer is to evaluate by "{evaluated}" and has no `eval_dataset`',
                "The Trainer raises a ValueError: when it is made, or in older versions at the first evaluation.",
                "",
                None,
                where,
            )
            return
        metric = given.get("metric_for_best_model", None)
        if (
            given.get("load_best_model_at_end", False) is True
            and isinstance(metric, str)
            and metric not in _LOSSES
            and not metric.startswith(("eval_runtime", "eval_samples", "eval_steps"))
            and "_loss" not in metric
            and _missing(trainer, "compute_metrics", 7)
            and not _set_later(program, "compute_metrics")
        ):
            yield self._report(
                trainer,
                (),
                f"The best model goes by `{metric[:40]}` without `compute_metrics`",
                "Without `compute_metrics` an evaluation gives the loss alone, so the first evaluation or checkpoint "
                "ends in a KeyError.",
                "",
                None,
                where,
            )

    def _report(
        self,
        given: Given,
        names: tuple[str, ...],
        headline: str,
        why: str,
        title: str,
        edit: TextEdit | None,
        evidence: list[Step] | None = None,
    ) -> Report:
        return Report(
            at=given.at(*names),
            headline=headline,
            confidence="high",
            why=why,
            evidence=evidence or [Step(given.program, given.call, "these are the arguments")],
            links=lambda: [Link("resolution", "high", "the arguments are constants here")],
            fix=(lambda: Fix(title, "unsafe", (edit,))) if edit is not None else None,
            fix_title=title if edit is not None else "",
        )


def _given(call: ast.Call, program: Program) -> Given:
    """The arguments of a call, those of a dict that is unpacked into it included."""
    result = Given(call, program, all=not any(isinstance(a, ast.Starred) for a in call.args))
    for keyword in call.keywords:
        if keyword.arg is not None:
            result.named[keyword.arg] = (keyword.value, _constant(keyword.value, call, program))
            continue
        unpacked = program.value(keyword.value, call)
        node = unpacked.node
        changed = isinstance(keyword.value, ast.Name) and not _untouched(keyword.value.id, call, program)
        if not isinstance(node, ast.Dict) or unpacked.origin is not program or changed or None in node.keys:
            result.all = False
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                result.named.setdefault(
                    key.value, (value, value.value if isinstance(value, ast.Constant) else _UNKNOWN)
                )
    return result


def _untouched(name: str, call: ast.Call, program: Program) -> bool:
    """Whether a dict is only read where it is unpacked: nobody adds an entry."""
    found = program.names.lookup(name, program.scope(call))
    if found is None or len(found[1]) > 1:
        return False
    reads, parents = program.flow.reads(name, found[0]), program.flow.parents(found[0])
    aliases = [t for r in reads if isinstance(a := parents.get(r), ast.Assign) for t in a.targets]
    if not all(isinstance(t, ast.Name) and not program.flow.reads(t.id, found[0]) for t in aliases):
        return False
    return len(reads) - len(aliases) == 1


def _constant(expr: ast.expr, call: ast.Call, program: Program) -> Any:
    if isinstance(expr, ast.Attribute):
        name = program.names.qualified(expr, program.scope(call)) or ""
        if name.startswith("transformers.") and "Strategy." in name:
            return expr.attr.lower()
        if name.startswith("transformers.") and "SchedulerType." in name:
            return {"REDUCE_ON_PLATEAU": "reduce_lr_on_plateau"}.get(expr.attr, expr.attr.lower())
    value = program.value(expr, call)
    return value.const if value.kind == "const" else _UNKNOWN


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _no_evaluation(given: Given) -> bool:
    return bool(given.strategy("eval_strategy", "evaluation_strategy", default="no") == "no")


def _before(program: Program, version: tuple[int, int]) -> bool:
    """Whether the project asks for a transformers from before `version`."""
    declared = _declared(program)
    return declared is not None and declared < version


def _since(program: Program, version: tuple[int, int]) -> bool:
    """Whether the project asks for a transformers of `version` or later."""
    declared = _declared(program)
    return declared is not None and declared >= version


def _declared(program: Program) -> tuple[int, int] | None:
    parts = (program.version("transformers") or "").split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else None


def _missing(trainer: Given, name: str, position: int) -> bool:
    if not trainer.all or len(trainer.call.args) > position:
        return False
    return name not in trainer.named or trainer.named[name][1] is None


def _set_later(program: Program, attribute: str) -> bool:
    return re.search(rf"\.{attribute}\s*(:[^=\n]+)?=[^=]", program.document.source) is not None


# -- fixes -------------------------------------------------------------------------------------------------------------


def _replaced(given: Given, name: str, text: str) -> TextEdit | None:
    """The constant of an argument replaced, or the argument added, in this file."""
    if name not in given.named:
        if not given.call.args and not given.call.keywords:
            return None
        return argument_added(given.program, given.call, f"{name}={text}")
    expr = given.named[name][0]
    return TextEdit(given.program.span(expr), text) if isinstance(expr, ast.Constant) else None


def _renamed(given: Given, name: str, other: str, value: float) -> TextEdit | None:
    keyword = next((k for k in given.call.keywords if k.arg == name), None)
    if keyword is None or value != int(value) or value < 0 or other in given.named:
        return None
    return TextEdit(given.program.span(keyword), f"{other}={int(value)}")


def _same_title(evaluated: str, saved: str) -> str:
    return f'Evaluate by "{saved}" too' if evaluated == "no" else f'Save by "{evaluated}" too'


def _same_strategy(given: Given, evaluated: str, saved: str) -> TextEdit | None:
    if evaluated != "no":
        return _replaced(given, "save_strategy", f'"{evaluated}"')
    name = "evaluation_strategy" if "evaluation_strategy" in given.named else "eval_strategy"
    return _replaced(given, name, f'"{saved}"') if saved != "no" else None
