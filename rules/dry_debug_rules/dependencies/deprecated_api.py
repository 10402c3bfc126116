"""DEP005: a function or argument is used that the version in use has deprecated."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import Step
from dry_debug.program.guarded import asked_before, caught
from dry_debug.program.links import Link

from dry_debug_rules.dependencies._uses import Site, allowed_by, by_library, places, replacements, shown_at

if TYPE_CHECKING:
    from dry_debug.program.program import Program

    from dry_debug_rules.dependencies._removals import Removal

_CAUGHT = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError")


class DeprecatedApi(SiteRule):
    name = "deprecated-api"
    code = "DEP005"
    severity = "suggestion"
    fix_kind = "safe"
    triggers = (("torch", "torchvision", "transformers", "functorch"),)
    why = "It works and warns today; the version of the library that takes it away stops the run with an error."
    instead = "Use what takes its place while both are there."
    quotes = ("DRY-FOC-5",)
    looks_at = "names and arguments that some version of a library has deprecated"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return places(program, "deprecated")

    def check(self, program: Program) -> Iterator[Report]:
        for top, sites, versions in by_library(program, "deprecated"):
            told: dict[Removal, list[Site]] = {}
            for site in sites:
                silent = _silent(site, versions[site.removal.package], top, program)
                if silent is not None:
                    program.why(site.node, silent)
                elif site.how == "name" and any(one.how == "import" for one in told.get(site.removal, ())):
                    program.why(site.node, "the import of it is reported")
                else:
                    told.setdefault(site.removal, []).append(site)
            for removal, same in told.items():
                for site in same[1:]:
                    program.why(site.node, "it is told of {}, with this place", Step(program, same[0].stmt, ""))
                yield _report(same, versions[removal.package] or "", program)


def _silent(site: Site, version: str | None, top: str, program: Program) -> str | None:
    """Why nothing is said of a place; None where something is."""
    removal, allowed = site.removal, allowed_by(version)
    if (
        isinstance(site.node, ast.keyword)
        and isinstance(site.node.value, ast.Constant)
        and site.node.value.value is None
    ):
        return "None is what stands for it when it is not given: nothing is warned of"
    if allowed is None:
        return f"no version of {removal.package} is declared or installed: it may be one before {removal.version}"
    if not allowed.all_from(removal.since):
        return f"{removal.package} {version} may be a version that does not have what takes its place"
    if removal.gone is not None and not allowed.all_before(removal.gone):
        return f"{removal.package} {version} no longer has it, or may not: that is removed-api's"
    if caught(program, site.stmt, _CAUGHT) or asked_before(program, site.stmt):
        return "the code is prepared for versions with and without it"
    if program.host.module(top, program.document.path) is not None:
        return f"`{top}` is a module of the project itself"
    return None


def _report(sites: Sequence[Site], version: str, program: Program) -> Report:
    """One for all places of a file that use the same."""
    first, *others = sites
    removal = first.removal
    since = f"{removal.package} {removal.version}"
    what = f"`{removal.word}` of `{first.text}`" if first.how == "argument" else f"`{first.text}`"
    allowed = allowed_by(version)
    uses_it = "uses" if allowed is not None and allowed.exact else "asks for"
    headline = f"{what} is deprecated since {since}, and this project {uses_it} {version}"
    fix = replacements(sites, program)
    steps = [Step(program, first.stmt, f"deprecated since {since}: {removal.source}")]
    return Report(
        at=shown_at(first.node, program),
        headline=headline[:100],
        confidence="high",
        why=f"A coming version of {removal.package} takes it away; what takes its place: {removal.instead}.",
        links=lambda: [
            Link("resolution", "high", f"`{first.text}` is `{removal.whole}` by its import"),
            Link("path", "high", f"{removal.package} {version} is declared or installed"),
        ],
        evidence=steps + [Step(program, other.stmt, "and here") for other in others[:5]],
        fix=(lambda: fix) if fix is not None else None,
        fix_title=fix.title if fix is not None else "",
    )
