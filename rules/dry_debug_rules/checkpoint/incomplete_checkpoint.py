"""CKPT001: a checkpoint that leaves out state which the run has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, Severity
from dry_debug.lint.rule import Report, WholeRule, ready_fix
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import Link, kind_link
from dry_debug.program.run_parts import stateless
from dry_debug.program.walks import is_main_test

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import SaveSite
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Part, Run, Saving

_ORDER = ("optimizer", "scheduler", "scaler", "ema", "epoch", "best")
_WHY = {
    "optimizer": "A run that is taken up from this file begins with an empty optimizer: the moments that it had are "
    "gone and the first updates are wrong.",
    "scheduler": "A run that is taken up from this file begins its learning rate schedule anew.",
    "scaler": "A run that is taken up from this file begins with the initial loss scale: its first steps overflow and "
    "are skipped.",
    "ema": "A run that is taken up from this file begins its moving average anew.",
    "epoch": "A run that is taken up from this file does not know how far it was.",
    "best": "A run that is taken up from this file does not know its best result and overwrites a better model.",
}
_WHY_RNG = "A run that is taken up from this file draws other random numbers than the run that was saved would have."
_WHY_ONLY_MODEL = (
    "If the run stops, this file is enough to evaluate the model but not to go on: "
    "the optimizer would start from nothing."
)
_RNG_WORDS = ("rng", "random", "seed")


class IncompleteCheckpoint(WholeRule):
    name = "incomplete-checkpoint"
    code = "CKPT001"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("state_dict", "save", "checkpoint", "snapshot"), ("for ", "while "), ("optim", "step"))
    why = _WHY["optimizer"]
    instead = "Save everything that the run needs to go on, in one file, and read all of it back."
    quotes = ("CKPT-RF-T2", "CKPT-RF-R1", "CKPT-RAT-1", "CKPT-RAT-2", "CKPT-COMP-1", "CKPT-COMP-2")
    looks_at = "checkpoints that are saved (`torch.save`, and calls of helpers that save)"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        sites = [site.node for site in program.training.checkpoints.saves]
        yield from sites
        yield from (call for call in program.calls_of("torch.save") if call not in sites)

    def check(self, program: Program) -> Iterator[Report]:
        resumption, purpose = program.training.resumption, program.training.save_purpose
        groups: dict[object, list[Saving]] = {}
        for site in program.training.checkpoints.saves:
            saving = resumption.saving_at(site)
            if saving is None:
                continue
            if site.sharded:
                program.why(site.node, "each rank writes its shards: what belongs to it is another question")
                continue
            if purpose.last_act(site, saving.loop):
                program.why(
                    site.node,
                    "an export of the result: the loop is left behind it, or it is for one epoch",
                )
            else:
                groups.setdefault(_group(site, program), []).append(saving)
        if program.why.listens:
            _tell_others(program)
        told: set[tuple[object, str]] = set()
        for group in groups.values():
            # What the run has takes all components of the program: not asked where no answer would be reported.
            if not program.why.listens and all(_only_exported(saving, program) for saving in group):
                continue
            runs = [run for saving in group if (run := resumption.run_of(saving)) is not None]
            report = self._report(runs, program) if runs else None
            # Two saves in a helper look alike from the one call that leads to both.
            if report is not None and (report.at, report.headline) not in told:
                told.add((report.at, report.headline))
                yield report

    def _report(self, runs: list[Run], program: Program) -> Report | None:
        lead = runs[0]
        missing = _missing(runs, program)
        severity = _severity(runs, missing, program)
        if severity is None:
            if program.why.listens:
                _tell(runs, missing, program)
            return None
        signs = program.training.resume_signs.all
        models = list(dict.fromkeys(name for run in runs for name, _ in run.models))
        saved = [p.name for p in lead.parts if p.value is not None and p not in lead.missing]
        held = [p for p in lead.parts if p.kind == "optimizer"]
        confidence = weakest(*(p.confidence for p in (*missing, *held)))
        at = lead.site.node
        worst = missing[0].kind if missing else None
        return Report(
            at=at,
            headline=_headline(models + saved, [p.name for p in missing]),
            confidence=confidence,
            severity=severity,
            why=_why(worst, severity, bool(signs)),
            evidence=_evidence(runs, missing, signs),
            links=lambda: [_link(p, program) for p in (*missing, *held)],
            cause=f"{self.name}@{_anchor(lead.site, program)}",
            fix=_offered(runs, missing, program),
            fix_title=_title(missing),
            variants=lambda: _variants(runs, missing, program),
        )


def _link(part: Part, program: Program) -> Link:
    if part.value is None:
        return Link("kind", part.confidence, f"the loop counts or remembers `{part.name}`")
    link = kind_link(program, part.value, part.name)
    if part.confidence == link.confidence:
        return link
    return Link("resolution", part.confidence, f"`{part.name}` belongs to this model only as there is no other")


def _tell_others(program: Program) -> None:
    """Tells of the `torch.save` calls that are no save sites of their own."""
    sites = program.training.checkpoints.saves
    for call in program.calls_of("torch.save"):
        if any(site.node is call for site in sites):
            continue
        via = next((site.node for site in sites if site.via is call), None)
        if via is not None:
            program.why(call, "what is written comes from the caller, where it is judged: {}", Step(program, via, ""))
        else:
            program.why(call, "what is saved is not known: {}", call.args[0] if call.args else call)


def _tell(runs: list[Run], missing: list[Part], program: Program) -> None:
    """Why nothing is said of a checkpoint, in the order of `_severity`."""
    purpose, lead = program.training.save_purpose, runs[0]
    kinds = {p.kind for p in missing}
    names = ", ".join(f"`{p.name}`" for p in missing)
    if kinds & {"optimizer", "scheduler"}:
        if not lead.site.states("optimizer") and purpose.keeps_best(lead.site, lead.loop):
            reason = f"the best model so far is exported; nothing shows that a run goes on from it (without {names})"
        elif "optimizer" in kinds:
            reason = "the program itself takes it back when the loop is over, to evaluate the model"
        else:
            reason = f"nothing shows that a run is ever taken up from this file, so {names} is not missed"
    elif missing:
        reason = f"nothing shows that a run is ever taken up from this file, so {names} is not missed"
    else:
        saved = ", ".join(f"`{p.name}`" for p in lead.parts if p not in lead.missing)
        idle = ", ".join(f"`{p.name}`" for p in lead.missing if _stateless(p))
        reason = f"everything that the run has is saved: {saved}" if saved else "the run has nothing else to lose"
        if idle:
            reason += f"; {idle} is plain SGD, which remembers nothing between steps"
    for run in runs:
        program.why(run.site.node, reason)


def _why(worst: str | None, severity: Severity, resumes: bool) -> str:
    if worst is None:
        return _WHY_RNG
    if severity != "critical" and not resumes and worst == "optimizer":
        return _WHY_ONLY_MODEL
    return _WHY[worst]


def _group(site: SaveSite, program: Program) -> object:
    """Sites that are one checkpoint: one dict written twice, or single states written one after the other."""
    if site.dict_node is not None:
        return site.dict_node
    stmt = program.statement(site.node)
    return (program.index.parent.get(stmt), "whole") if site.whole is not None and stmt is not None else site


def _anchor(site: SaveSite, program: Program) -> int:
    return program.span(site.dict_node if site.dict_node is not None and site.owner is program else site.node).start


def _only_exported(saving: Saving, program: Program) -> bool:
    """Whether `_severity` is None whatever the save leaves out: no run is taken up from it, and it is the best model so
    far, or what the program evaluates in the end."""
    purpose, (site, _, loop) = program.training.save_purpose, saving
    if site.states("optimizer") or (site.whole is None and purpose.counted(site)):
        return False
    return (purpose.keeps_best(site, loop) or purpose.evaluated(loop)) and not program.training.resume_signs.all


def _missing(runs: list[Run], program: Program) -> list[Part]:
    """What no save of the program holds, the worst first."""
    purpose = program.training.save_purpose
    found: dict[str, Part] = {}
    for run in runs:
        for part in run.missing:
            if not _stateless(part):
                found.setdefault(part.name, part)
    lead = runs[0]
    if found or lead.site.states("optimizer"):
        # A file that holds one state alone cannot say how far the run is; that may stand beside it.
        extra = [purpose.progress(lead) if lead.site.whole is None else None]
        if program.training.resume_signs.all:
            extra.append(purpose.best(lead))
        # The scheduler's state counts epochs or steps: where that is saved the run knows how far it is.
        counted = any(p.kind == "scheduler" and p not in lead.missing for p in lead.parts)
        for more in extra:
            if more is not None and not (more.kind == "epoch" and counted):
                found.setdefault(more.name, more)
    return sorted(found.values(), key=lambda p: _ORDER.index(p.kind))


def _stateless(part: Part) -> bool:
    return part.kind == "optimizer" and part.value is not None and stateless(part.value)


def _severity(runs: list[Run], missing: list[Part], program: Program) -> Severity | None:
    """How bad it is, by what the file is for; None: nothing to say."""
    purpose = program.training.save_purpose
    lead = runs[0]
    site = lead.site
    kinds = {p.kind for p in missing}
    resumes = bool(program.training.resume_signs.all)
    holds_optimizer = bool(site.states("optimizer"))
    meant = holds_optimizer or (site.whole is None and purpose.counted(site))
    if kinds & {"optimizer", "scheduler"}:
        if not holds_optimizer and purpose.keeps_best(site, lead.loop) and not (meant and resumes):
            return "suggestion" if meant or resumes else None  # the best model is exported
        if holds_optimizer and not resumes and "optimizer" not in kinds and purpose.keeps_best(site, lead.loop):
            return "warning"  # the best model with its optimizer, which nothing here takes back
        if meant or resumes:
            return "critical"
        if "optimizer" not in kinds or purpose.evaluated(lead.loop):
            return None
        return "warning" if purpose.to_go_on(site) and not purpose.series(site) else "suggestion"
    if not (meant or resumes):
        return None
    if kinds & {"scaler", "ema"}:
        return "warning"
    if "epoch" in kinds:
        return "warning" if resumes else "suggestion"
    if kinds:
        return "suggestion"
    return "suggestion" if resumes and holds_optimizer and _loses_randomness(lead, program) else None


def _loses_randomness(run: Run, program: Program) -> bool:
    """A seeded script that resumes a complete checkpoint and draws from another place of the random stream."""
    if run.site.whole is not None or not any(_always(s.node, program) for s in program.randomness.seeds):
        return False
    source = program.document.source
    if "rng_state" in source or "getstate" in source or "get_state" in source:
        return False
    return not any(word in key.lower() for key in run.site.keys for word in _RNG_WORDS)


def _always(node: ast.AST, program: Program) -> bool:
    """Whether the program seeds whatever its arguments are: `if args.seed is not None:` leaves it to the user."""
    stmt = program.statement(node)
    around = program.index.ancestors(stmt) if stmt is not None else ()
    return stmt is not None and not any(isinstance(b, ast.If) and not is_main_test(b.test) for b in around)


def _headline(saved: list[str], missing: list[str]) -> str:
    def names(some: list[str], limit: int) -> str:
        shown = [f"`{n}`" for n in some[:limit]]
        return ", ".join(shown) + (f" and {len(some) - limit} more" if len(some) > limit else "")

    if not missing:
        return f"checkpoint saves {names(saved, 3)} but not the state of the random generators"
    for limit in (4, 3, 2, 1):
        text = f"checkpoint saves {names(saved, limit)} but not {names(missing, limit)}"
        if len(text) <= 100:
            return text
    return f"checkpoint leaves out {names(missing, 1)}"[:100]


def _evidence(runs: list[Run], missing: list[Part], signs: list[Step]) -> list[Step]:
    steps: list[Step] = []
    for run in runs[1:3]:
        steps.append(Step(run.program, run.site.node, "this belongs to the same checkpoint"))
    site = runs[0].site
    if site.via is not None and site.via_owner is not None:
        steps.append(Step(site.via_owner, site.via, "it is written here"))
    for part in missing[:4]:
        for step in (part.made, part.used):
            if step is not None:
                said = f"`{part.name}` {step.message.removeprefix('it ')}"
                steps.append(Step(step.program, step.node, said))
    elsewhere = [step for step in signs[1:2] if step.program is not runs[0].program]  # what the first one calls
    return [*steps, *signs[:1], *elsewhere]


# -- fix ---------------------------------------------------------------------------------------------------------------


def _title(missing: list[Part]) -> str:
    names = [f"`{p.name}`" for p in missing]
    if not names:
        return "Save the state of the random generators as well"
    return f"Complete the checkpoint with {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def _variants(runs: list[Run], missing: list[Part], program: Program) -> list[Fix]:
    from dry_debug.fixes.checkpoint import variants

    return variants(runs, missing, program)


def _offered(runs: list[Run], missing: list[Part], program: Program) -> Callable[[], Fix | None] | None:
    from dry_debug.fixes.completable import completable

    if not missing and program.training.distributed.several:
        return ready_fix(_fix(runs, missing, program))  # whether all ranks can gather their generators is a long story
    return (lambda: _fix(runs, missing, program)) if completable(runs, missing, program) else None


def _fix(runs: list[Run], missing: list[Part], program: Program) -> Fix | None:
    from dry_debug.fixes.checkpoint import complete

    return complete(runs, missing, program, _title(missing))
