"""DEP007: the versions that the project sets for two packages do not work together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Place, Related
from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.links import Link
from dry_debug.program.mentions import Imported
from dry_debug.program.version_range import Range, parse

if TYPE_CHECKING:
    from dry_debug.program.host import Declaration
    from dry_debug.program.program import Program

    from dry_debug_rules.dependencies._needs import Need


# The packages of the table.
TABLED = ("torch", "torchvision", "torchaudio", "transformers", "trl", "pytorch-lightning", "vllm")


class IncompatibleVersions(WholeRule):
    name = "incompatible-versions"
    code = "DEP007"
    severity = "warning"
    triggers = (("torch", "transformers", "trl", "lightning", "vllm"), ("__main__",))
    why = "The two cannot be installed together, or fail at import or at their first call where they are."
    instead = "Set the two to versions that belong together, in the file that sets them."
    quotes = ("DRY-FOC-5",)
    looks_at = "imports, in a script that is started, of packages whose version the project sets"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (found.stmt for found, _ in _packages(program))

    def check(self, program: Program) -> Iterator[Report]:
        if not program.why.listens and all(program.version(name) is None for name in TABLED):
            return  # the table need not be loaded
        from dry_debug_rules.dependencies._needs import by_package

        for found, package in _packages(program):
            needs = by_package().get(package, ())
            version = program.version(package) if needs else None
            allowed = parse(version) if version is not None else None
            if version is None or allowed is None:
                program.why(found.stmt, f"nothing is known to exclude a version of {package}, or none is set")
                continue
            reports = [r for need in needs if (r := _report(found, need, version, allowed, program)) is not None]
            yield from reports[:1]
            if not reports:
                program.why(found.stmt, f"nothing that the project sets is known not to go with {package} {version}")


def _report(found: Imported, need: Need, version: str, allowed: Range, program: Program) -> Report | None:
    if not (allowed.all_from(need.since) and allowed.all_before(need.until)):
        return None
    other = program.version(need.other)
    theirs, wanted = parse(other or ""), parse(need.condition)
    if other is None or theirs is None or wanted is None or not theirs.excludes(wanted):
        return None
    places = [program.host.declaration(name, program.document.path) for name in (need.package, need.other)]
    if len({place.path if place is not None else "" for place in places}) > 1:
        program.why(
            found.stmt, f"{need.package} and {need.other} are not set in one place: both may not be meant at once"
        )
        return None
    return Report(
        at=found.stmt,
        headline=f"{need.package} {version} needs {need.other} {need.condition}, and the project sets {other}"[:100],
        confidence="high",
        why=f"{need.breaks[0].upper()}{need.breaks[1:]}.",
        related=[_related(place, need) for place in places if place is not None],
        cause=f"{need.package} with {need.other}",
        links=lambda: [Link("resolution", "high", f"both versions are known, and the first says so: {need.source}")],
    )


def _related(place: Declaration, need: Need) -> Related:
    text, start = place.text, place.column
    end = start + place.length
    return Related(
        f"set here: {need.package} needs {need.other} {need.condition}",
        place=Place(place.path, place.line, start, place.line, end, None, text[:start], text[:end]),
    )


def _packages(program: Program) -> list[tuple[Imported, str]]:
    """The first import of each package of the table in a script that is started, and the package's name."""
    from dry_debug_rules.dependencies._needs import by_package

    found: dict[str, Imported] = {}
    for one in sorted(program.imported, key=lambda i: i.stmt.lineno):
        top = one.top.replace("_", "-")
        if top in by_package():
            found.setdefault(top, one)
    return [(one, package) for package, one in found.items()]
