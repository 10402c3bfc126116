"""SEED001: the run seeds some of the generators that it draws from and not others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, Need, NeedImport, Severity
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step, weakest
from dry_debug.program.links import Link
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.seeding import Gap, Seeding

_SHOWN = {"python": "random", "numpy": "numpy", "torch": "torch", "cuda": "torch.cuda"}
_SEED = {"python": ("random", "seed"), "numpy": ("numpy", "random.seed"), "torch": ("torch", "manual_seed")}
_ALIAS = {"numpy": "np"}


class PartialSeeding(WholeRule):
    name = "partial-seeding"
    code = "SEED001"
    severity = "warning"
    fix_kind = "unsafe"
    triggers = (("seed",), ("torch", "numpy", "random"))
    why = (
        "Each library has a generator of its own: what is drawn from one that is not seeded differs in every run, so "
        "two runs with the same seed give different results."
    )
    instead = "Seed every generator that the run draws from, before the first draw."
    quotes = ("CKPT-RF-S1", "CKPT-RAT-4", "CKPT-SEED-0", "CKPT-SEED-1", "CKPT-SEED-2")
    looks_at = "calls that seed random generators"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (site.node for site in (*program.randomness.own_seeds, *program.randomness.seeds))

    def check(self, program: Program) -> Iterator[Report]:
        seeding = program.training.seeding
        why = program.why
        if not program.randomness.own_seeds and not program.randomness.seeds:
            why(None, "nothing is seeded at all")
            return
        if program.is_test:
            why(None, "the file is a test, which seeds what its assertions need")
            return
        if not (program.training.is_training or _helper_file(program)):
            why(None, "the file neither trains nor defines a function that seeds a run")
            return
        gaps = seeding.gaps()
        if not program.training.is_training:
            gaps = [g for g in gaps if g.rng != "torch"]
        if not gaps:
            seeded = _list([_SHOWN[r] for r in ("torch", "numpy", "python", "cuda") if r in seeding.seeded])
            why(None, f"nothing that counts is drawn from a generator that is not seeded (seeded: {seeded})")
            return
        anchor = seeding.anchor
        if anchor is None:
            why(None, "no seed is set for the whole run, only in functions that split or sample data, or in workers")
            return
        if seeding.unknown_helper is not None:
            why(None, "nobody can see what {} seeds", seeding.unknown_helper, see=seeding.unknown_helper)
            return
        call = anchor[0]
        if why.listens:
            for site in (*program.randomness.own_seeds, *program.randomness.seeds):
                if site.node is not call:
                    why(site.node, "what the seeds of the run leave out is told of {}", Step(program, call, ""))
        names = [_SHOWN[r] for r in ("torch", "numpy", "python", "cuda") if r in seeding.seeded]
        if "torch" in names:
            names = [n for n in names if n != "torch.cuda"]
        missing = [_SHOWN[g.rng] for g in gaps]
        yield Report(
            at=call,
            headline=f"{_list(names)} {'is' if len(names) == 1 else 'are'} seeded but not {_list(missing)}, "
            "which the run draws from too",
            confidence=weakest(*(g.confidence for g in gaps)),
            severity=_severity(gaps, seeding, call, program),
            evidence=_evidence(gaps, anchor[2], anchor[1].node, call, program),
            links=lambda: [_link(g) for g in gaps],
            fix=lambda: _fix(gaps, seeding, program),
            fix_title=_title(gaps),
        )


def _link(gap: Gap) -> Link:
    if gap.confidence == "high":
        return Link("path", "high", f"the run draws from {_SHOWN[gap.rng]}")
    return Link("path", gap.confidence, f"{_SHOWN[gap.rng]} is drawn from in a function that nothing here calls")


def _helper_file(program: Program) -> bool:
    """Whether the file defines a function that is there to seed a run."""
    return any(program.randomness.is_helper(f) for f in program.randomness.seeding_functions())


def _severity(gaps: list[Gap], seeding: Seeding, call: ast.Call, program: Program) -> Severity:
    """A single seed that is a plain number may be there for a split of the data alone."""
    if all(g.implied for g in gaps) and len(seeding.seeded) == 1 and seeding.seeded != {"cuda"}:
        argument = call.args[0] if call.args else call.keywords[0].value if call.keywords else None
        if isinstance(argument, ast.Constant):
            return "suggestion"
    return "warning"


def _list(names: list[str]) -> str:
    shown = [f"`{n}`" for n in names] or ["nothing"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _evidence(gaps: list[Gap], owner: Program, seeded: ast.AST, call: ast.Call, program: Program) -> list[Step]:
    steps = [Step(owner, seeded, "this is what the helper seeds")] if owner is not program else []
    for gap in gaps:
        steps.extend(gap.draws[:2])
    return steps


# -- fix ---------------------------------------------------------------------------------------------------------------


def _title(gaps: list[Gap]) -> str:
    return f"Seed {_list([_SHOWN[g.rng] for g in gaps])} with the same value"


def _fix(gaps: list[Gap], seeding: Seeding, program: Program) -> Fix | None:
    """The missing calls behind the last of the seed calls that stand together, with the same expression."""
    anchor = seeding.anchor
    if anchor is None:
        return None
    call, site, owner = anchor
    if site.rng == "cuda":
        return None  # such a call often stands where CUDA is at hand, and only there
    value = _value(call, owner is program, program)
    last = _last_beside(call, program) if owner is program else program.statement(call)
    if value is None or last is None or not isinstance(last, ast.Expr):
        return None
    source = program.document.source
    span = program.span(last)
    line = source.rfind("\n", 0, span.start) + 1
    lead = source[line : span.start]
    if lead.strip():
        return None  # behind another statement in the same line
    lines: list[str] = []
    needs: list[Need] = []
    for gap in gaps:
        module, function = _SEED[gap.rng]
        name, need = _module_name(module, program, last)
        if name is None:
            return None
        needs.extend(need)
        lines.append(f"{name}.{function}({value})")
    end = source.find("\n", span.end)
    at = len(source) if end < 0 else end
    if at and source[at - 1] == "\r":
        at -= 1
    newline = "\r\n" if end > 0 and source[end - 1] == "\r" else "\n"
    edit = TextEdit(Span(at, at), "".join(f"{newline}{lead}{text}" for text in lines))
    return Fix(_title(gaps), "unsafe", (edit,), tuple(needs))


def _value(call: ast.Call, own: bool, program: Program) -> str | None:
    """The seed as it is written; of a helper of another file only where it is the one thing that is passed."""
    passed = [*call.args, *(k.value for k in call.keywords)]
    if not passed or (not own and len(passed) != 1) or isinstance(passed[0], ast.Starred):
        return None
    named = next((k.value for k in call.keywords if k.arg in ("seed", "a", "s")), None)
    expr = named if named is not None else passed[0]
    return program.text(expr) if isinstance(expr, ast.Constant | ast.Name | ast.Attribute | ast.Subscript) else None


def _last_beside(call: ast.Call, program: Program) -> ast.stmt | None:
    """The last seed call of the block in which `call` stands."""
    stmt = program.statement(call)
    if stmt is None:
        return None
    block = program.index.parent.get(stmt)
    beside = [
        s for site in program.randomness.own_seeds
        if (s := program.statement(site.node)) is not None and program.index.parent.get(s) is block
        and abs(s.lineno - stmt.lineno) < 12
    ]  # fmt: skip
    return max([stmt, *beside], key=lambda s: s.lineno)


def _module_name(module: str, program: Program, at: ast.stmt) -> tuple[str | None, list[Need]]:
    """What `module` is called where `at` stands, and the import that it needs; (None, []) if the name is taken."""
    scope = program.scope(at)
    for name, bindings in program.index.module.bindings.items():
        if len(bindings) == 1 and bindings[0].kind == "import" and bindings[0].module == (module, 0):
            found = program.names.lookup(name, scope)
            if found is not None and found[1] is bindings:
                return name, []
    alias = _ALIAS.get(module)
    if program.names.lookup(alias or module, scope) is not None:
        return None, []
    return alias or module, [NeedImport(module, alias=alias)]
