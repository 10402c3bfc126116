"""DEP004: a function, class or argument is used that the version in use no longer has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import Step
from dry_debug.program.guarded import asked_before, caught
from dry_debug.program.links import Link

from dry_debug_rules.dependencies._uses import Site, allowed_by, by_library, places, replacements, shown_at

if TYPE_CHECKING:
    from dry_debug.program.program import Program

    from dry_debug_rules.dependencies._removals import Removal

_ERRORS = {"name": "AttributeError", "import": "ImportError", "argument": "TypeError", "method": "NotImplementedError"}
_State = Literal["gone", "doubtful", "there"]
# A project that keeps a version before these was written for libraries of that time.
_OF_TODAY = {"torch": (2, 0), "transformers": (4, 30), "numpy": (1, 24), "python": (3, 8), "tensorflow": (2, 10)}
_CAUGHT = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError", "RuntimeError")


class RemovedApi(SiteRule):
    name = "removed-api"
    code = "DEP004"
    severity = "critical"
    fix_kind = "safe"
    triggers = (
        (
            "torch", "numpy", "transformers", "lightning", "trl", "peft", "accelerate", "datasets", "huggingface_hub",
            "scipy", "sklearn", "PIL", "vllm",
        ),
    )  # fmt: skip
    why = "What the installed or declared version no longer has raises an error as soon as the line runs."
    instead = "Use what took its place, or ask for a version of the library that still has it."
    quotes = ("DRY-FOC-5",)
    looks_at = "imports, attributes, arguments and hooks that some version of a library has removed"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return places(program, "removed")

    def check(self, program: Program) -> Iterator[Report]:
        for top, sites, versions in by_library(program, "removed"):
            states = {s.removal: _state(versions[s.removal.package], s.removal) for s in sites}
            old = _of_old_days(program) if "doubtful" in states.values() else None
            told: dict[Removal, list[Site]] = {}
            for site in sites:
                silent = _silent(site, states[site.removal], versions[site.removal.package], old, top, program)
                if silent is not None:
                    program.why(site.node, silent)
                elif site.how == "name" and any(
                    s[0].how == "import" and _inside(site.removal, r) for r, s in told.items()
                ):
                    program.why(site.node, "the import of it fails already, and is reported")
                else:
                    told.setdefault(site.removal, []).append(site)
            for removal, same in told.items():
                yield from _reports(same, states[removal] == "gone", versions[removal.package], program)


def _silent(site: Site, state: _State, version: str | None, old: str | None, top: str, program: Program) -> str | None:
    """Why nothing is said of a place; None where something is."""
    removal = site.removal
    if state == "there":
        return _still_there(removal, version)
    if state == "doubtful" and old is not None:
        return f"no version is known that lacks it, and the project is of older days: {old}"
    if caught(program, site.stmt, _CAUGHT):
        return "the error is caught: something else is done where it is gone"
    if asked_before(program, site.stmt):
        return "the code asks for the version, or for what there is, before it comes here"
    if program.host.module(top, program.document.path) is not None:
        return f"`{top}` is a module of the project itself"
    if removal.package == "trl" and removal.kind == "argument" and "unsloth" in program.document.identifiers:
        return "unsloth gives the trainers of trl their old arguments back"
    if removal.kind == "name" and re.search(rf"\.{removal.word}\s*=[^=]", program.document.source):
        return f"the file sets `{removal.word}` itself"
    return None


def _reports(sites: list[Site], certain: bool, version: str | None, program: Program) -> Iterator[Report]:
    """One for each place, where it is certain that it fails; else one for all of them."""
    if certain:
        for site in sites:
            yield _report(site, [], version, program)
        return
    for site in sites[1:]:
        program.why(site.node, "it is told of {}, with this place", Step(program, sites[0].stmt, ""))
    report = _report(sites[0], sites[1:], version, program)
    report.severity, report.confidence = "warning", "medium"
    yield report


def _report(site: Site, others: list[Site], version: str | None, program: Program) -> Report:
    removal = site.removal
    allowed = allowed_by(version)
    uses = "uses" if allowed is not None and allowed.exact else "asks for"
    whose = f"this project {uses} {version}" if version is not None else "no version is set here"
    since = f"{removal.package} {removal.version}"
    what = {
        "name": f"`{site.text}` is gone",
        "import": f"`{site.text}` cannot be imported",
        "argument": f"`{site.text}` takes no `{removal.word}`",
        "method": f"`{site.text}` is refused",
    }[site.how]
    headline = f"{what} since {since}, and {whose}"
    if len(headline) > 100:
        headline = f"{what} since {since}; {whose.replace('this project ', 'the project ')}"[:100]
    error = removal.error or _ERRORS["argument" if removal.called else site.how]
    known = f"{removal.package} {version} is declared or installed" if version is not None else "no version is known"
    steps = [Step(program, site.stmt, f"removed in {since}: {removal.source}")]
    fix = replacements([site, *others], program)
    return Report(
        at=shown_at(site.node, program),
        headline=headline,
        confidence="high",
        why=f"Python raises `{error}` when the line runs; what took its place: {removal.instead}.",
        links=lambda: [
            Link("resolution", "high", f"`{site.text}` is `{removal.whole}` by its import"),
            Link("path", "medium" if version is None or not _lacks(version, removal) else "high", known),
        ],
        evidence=steps + [Step(program, other.stmt, "and here") for other in others[:5]],
        fix=(lambda: fix) if fix is not None else None,
        fix_title=fix.title if fix is not None else "",
    )


# -- which rows --------------------------------------------------------------------------------------------------------


def _lacks(version: str | None, removal: Removal) -> bool:
    """Whether no allowed version has it."""
    allowed = allowed_by(version)
    if allowed is None or not allowed.all_from(removal.since):
        return False
    return removal.back is None or allowed.all_before(removal.back)


def _state(version: str | None, removal: Removal) -> _State:
    """Doubtful: the version that is installed today has it no more, and nothing keeps an older one."""
    if version is not None and version.startswith("@"):
        return "there"  # a fork, or a commit: nobody knows what it has
    if _lacks(version, removal):
        return "gone"
    allowed = allowed_by(version)
    open_ended = allowed is None or (allowed.high is None and not allowed.exact)
    return "doubtful" if open_ended and removal.long and removal.back is None else "there"


def _of_old_days(program: Program) -> str | None:
    """A version that the project keeps and that is older than what the table tells without a version."""
    for package, first in _OF_TODAY.items():
        version = program.version(package)
        allowed = allowed_by(version)
        if allowed is not None and allowed.all_before(first):
            return f"{package} {version}"
    return None


def _inside(removal: Removal, other: Removal) -> bool:
    return f"{removal.whole}.".startswith(f"{other.whole}.")


def _still_there(removal: Removal, version: str | None) -> str:
    if version is None:
        return f"no version of {removal.package} is declared or installed: it may be one before {removal.version}"
    return f"{removal.package} {version} still has it, or may: it is gone since {removal.version}"
