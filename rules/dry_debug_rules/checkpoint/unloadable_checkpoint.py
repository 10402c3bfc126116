"""CKPT013: the program saves objects into a checkpoint that its own `torch.load` refuses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Step
from dry_debug.program.links import Link
from dry_debug.program.reaching import recovers
from dry_debug.program.read_back import saves_behind
from dry_debug.program.refused import Refusal, refusal
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.checkpoints import LoadSite, SaveSite
    from dry_debug.program.payload import Entry
    from dry_debug.program.program import Program

# Says elsewhere in the file that such objects are to be read.
# Each begins with plain text, for which a whole file is read through at once.
_ALLOWED = tuple(
    re.compile(pattern)
    for pattern in (
        r"safe_globals\b", r"NO_WEIGHTS_ONLY_LOAD", r"torch\.load\s*=[^=]",
        r"serialization(?<=\bserialization)\.load\s*=[^=]",
    )
)  # fmt: skip
_FIRST = (2, 6)  # the version in which weights_only=True became the default
_Refused = tuple["SaveSite", "Entry | None", Refusal]


class UnloadableCheckpoint(WholeRule):
    name = "unloadable-checkpoint"
    code = "CKPT013"
    severity = "critical"
    fix_kind = "unsafe"
    triggers = (("torch",), ("load(",))
    why = (
        "Since PyTorch 2.6 `torch.load` reads tensors and plain values only, unless it is told otherwise: it raises "
        "`UnpicklingError: Weights only load failed`, and the run cannot be taken up again."
    )
    instead = (
        "Save plain values (`vars(args)`, `float(score)`, `str(path)`, a `state_dict()`), and read files that already "
        "hold other objects, if you trust them, with `weights_only=False`."
    )
    quotes = ("CKPT-LOAD-4",)
    looks_at = "calls of `torch.load`"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return iter(program.calls_of("torch.load"))

    def check(self, program: Program) -> Iterator[Report]:
        if not program.calls_of("torch.load") or program.is_test:
            program.why(None, "the file is a test, or loads nothing")
            return
        if any(pattern.search(program.document.source) for pattern in _ALLOWED):
            program.why(None, "the file says what `torch.load` may read (`safe_globals`, or a function in its place)")
            return
        version = program.version("torch")
        refuses = _refuses(version or "")
        if refuses is False:
            program.why(None, f"the project is written for PyTorch {version}, which reads everything by default")
            return
        for load in program.training.checkpoints.loads:
            if program.qualified(load.node) == "torch.load":
                report = _report(load, refuses is True, program)
                if report is not None:
                    yield report


def _refuses(version: str) -> bool | None:
    """Whether `torch.load` of this version, or of all that a condition (`>=2.1,<3`) allows, has the new default."""
    short = re.sub(r"(\d)\.(\d+)[\w.*+-]*", r"\1.\2", version)
    for sign, major, minor in re.findall(r"(<=?|>=?|~=|!=|={0,3})(\d+)\.?(\d*)", short):
        number = (int(major), int(minor or 0))
        if sign.startswith("<"):
            if number < _FIRST or (sign == "<" and number == _FIRST):
                return False
        elif not sign.startswith((">", "~", "!")):
            return number >= _FIRST
        elif number >= _FIRST and sign != "!=":
            return True
    return None


def _report(load: LoadSite, known: bool, program: Program) -> Report | None:
    call, why = load.node, program.why
    said = next((k for k in call.keywords if k.arg in ("weights_only", "pickle_module", None)), None)
    if said is not None:
        why(call, "the call says what may be read, or may say so: {}", said.value)
        return None
    if len(call.args) > 2 or any(isinstance(a, ast.Starred) for a in call.args):
        why(call, "the call may name a `pickle_module`, with which everything is read")
        return None
    stmt = program.statement(call)
    for block in program.index.ancestors(stmt) if stmt is not None else ():
        if recovers(block):
            why(call, "the load stands in a `try`, and may be done otherwise where it fails")
            return None
    sites, tie = saves_behind(load, program)
    if not sites:
        why(call, "nothing shows that it reads what this program saves")
        return None
    found = [one for site in sites for one in _refused(site)]
    if not found or len({id(site) for site, _, _ in found}) < len(sites):
        why(call, "what is saved can be read back, or is not known: {}", sites[0].node)
        return None
    site, entry, what = found[0]
    where = f' under "{entry.key}"' if entry is not None and entry.key is not None else ""
    title = "Save plain values, which are read back"
    beside = [one for one in program.training.checkpoints.saves if len(set(one.keys) & set(site.keys)) > 1]
    edits = _edits([*found, *(one for other in beside if other not in sites for one in _refused(other))], load, program)
    owner = site.owner
    steps = [Step(owner, entry.node if entry is not None else site.payload, f"{what.what} is saved here{where}")]
    return Report(
        at=call,
        headline=f"`torch.load` refuses {what.what.rstrip(',')} that is saved{where}"[:100],
        confidence="high",
        severity=None if known else "warning",
        evidence=steps,
        links=lambda: [
            Link("path", "high", tie),
            Link("kind", "high", f"the file holds {what.what.rstrip(',')}"),
        ],
        fix=(lambda: Fix(title, "unsafe", edits)) if edits else None,
        fix_title=title if edits else "",
    )


def _refused(site: SaveSite) -> list[_Refused]:
    if site.whole is not None:
        what = refusal(site.whole, site.payload, _statement(site.payload, site), site.owner)
        return [(site, None, what)] if what is not None else []
    return [
        (site, entry, what) for entry in site.entries
        if (what := refusal(entry.value, entry.node, _statement(entry.node, site), site.owner)) is not None
    ]  # fmt: skip


def _statement(node: ast.AST, site: SaveSite) -> ast.stmt | None:
    """Where an entry is put into what is saved."""
    owner = site.owner
    if isinstance(node, ast.stmt):
        return node
    for call in (site.node, site.via):
        if call is not None and call in owner.index.scope_of:
            found = owner.flow.statement_of(node, owner.scope(call))
            if found is not None:
                return found
    return None


def _edits(found: list[_Refused], load: LoadSite, program: Program) -> tuple[TextEdit, ...]:
    """A plain value in place of each, if each has one and the load does not use it as it was."""
    edits: dict[int, TextEdit] = {}
    for site, entry, what in found:
        if entry is None or what.plain is None or site.owner is not program:
            return ()
        if what.plain == "vars" and (entry.key is None or entry.key in load.keys):
            return ()
        expr = entry.node.value if isinstance(entry.node, ast.Assign) else entry.node
        span = program.span(expr)
        edits[span.start] = TextEdit(Span(span.start, span.start), f"{what.plain}(")
        edits[span.end] = TextEdit(Span(span.end, span.end), ")")
    return tuple(edits[at] for at in sorted(edits))
