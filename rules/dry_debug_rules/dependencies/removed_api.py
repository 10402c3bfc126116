"""DEP004: a function, class or argument is used that the version in use no longer has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from dry_debug.lint.finding import Fix
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.evidence import Step
from dry_debug.program.guarded import asked_before, caught
from dry_debug.program.knowledge import canonical
from dry_debug.program.links import Link
from dry_debug.program.mentions import Imported, chains
from dry_debug.program.version_range import Range, parse
from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.lint.finding import Applicability
    from dry_debug.program.program import Program

    from dry_debug_rules.dependencies._removals import Removal

_ERRORS = {"name": "AttributeError", "import": "ImportError", "argument": "TypeError", "method": "NotImplementedError"}
_State = Literal["gone", "doubtful", "there"]
# A project that keeps a version before these was written for libraries of that time.
_OF_TODAY = {"torch": (2, 0), "transformers": (4, 30), "numpy": (1, 24), "python": (3, 8), "tensorflow": (2, 10)}
_CAUGHT = ("ImportError", "ModuleNotFoundError", "AttributeError", "TypeError", "RuntimeError")


class _Site(NamedTuple):
    """A place that uses what some version has removed."""

    node: ast.AST
    stmt: ast.stmt
    removal: Removal
    how: str  # a key of _ERRORS
    text: str  # what the user wrote


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
        found = program.imported
        return (site.node for top in _libraries(program, found) for site in _sites(program, found, top))

    def check(self, program: Program) -> Iterator[Report]:
        found = program.imported
        for top in _libraries(program, found):
            sites = sorted(_sites(program, found, top), key=lambda s: (s.stmt.lineno, s.how != "import"))
            if not sites:
                continue
            versions = {row.package: _version(row.package, found, program) for row in {s.removal for s in sites}}
            states = {s.removal: _state(versions[s.removal.package], s.removal) for s in sites}
            old = _of_old_days(program) if "doubtful" in states.values() else None
            told: dict[Removal, list[_Site]] = {}
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
            for removal, places in told.items():
                yield from _reports(places, states[removal] == "gone", versions[removal.package], program)


def _silent(site: _Site, state: _State, version: str | None, old: str | None, top: str, program: Program) -> str | None:
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


def _reports(sites: list[_Site], certain: bool, version: str | None, program: Program) -> Iterator[Report]:
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


def _report(site: _Site, others: list[_Site], version: str | None, program: Program) -> Report:
    removal = site.removal
    allowed = _range(version)
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
    fixes = [one for place in (site, *others) if (one := _fix(place, program)) is not None]
    fix = None
    if fixes and len(fixes) == 1 + len(others):
        kind: Applicability = "unsafe" if any(one.applicability == "unsafe" for one in fixes) else "safe"
        fix = Fix(_title(site), kind, tuple(sorted(edit for one in fixes for edit in one.edits)))
    return Report(
        at=_place(site.node, program),
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


def _libraries(program: Program, found: Sequence[Imported]) -> list[str]:
    """The libraries that the file imports of which it holds a word of the table."""
    from dry_debug_rules.dependencies._removals import words

    held = program.document.identifiers
    tops = [top for top, of_library in words().items() if not of_library.isdisjoint(held)]
    return sorted({_library(one.name) for one in found}.intersection(tops)) if tops else []


def _library(name: str) -> str:
    top = name.partition(".")[0]
    return "lightning" if top == "pytorch_lightning" else top


def _version(package: str, found: Sequence[Imported], program: Program) -> str | None:
    """The version or condition of the package of a row, where one is known."""
    if package == "pytorch-lightning" and not any(one.name.startswith("pytorch_lightning") for one in found):
        package = "lightning"
    return program.version(package)


def _range(version: str | None) -> Range | None:
    return parse(version) if version is not None else None


def _lacks(version: str | None, removal: Removal) -> bool:
    """Whether no allowed version has it."""
    allowed = _range(version)
    if allowed is None or not allowed.all_from(removal.since):
        return False
    return removal.back is None or allowed.all_before(removal.back)


def _state(version: str | None, removal: Removal) -> _State:
    """Doubtful: the version that is installed today has it no more, and nothing keeps an older one."""
    if version is not None and version.startswith("@"):
        return "there"  # a fork, or a commit: nobody knows what it has
    if _lacks(version, removal):
        return "gone"
    allowed = _range(version)
    open_ended = allowed is None or (allowed.high is None and not allowed.exact)
    return "doubtful" if open_ended and removal.long and removal.back is None else "there"


def _of_old_days(program: Program) -> str | None:
    """A version that the project keeps and that is older than what the table tells without a version."""
    for package, first in _OF_TODAY.items():
        version = program.version(package)
        allowed = _range(version)
        if allowed is not None and allowed.all_before(first):
            return f"{package} {version}"
    return None


def _inside(removal: Removal, other: Removal) -> bool:
    return f"{removal.whole}.".startswith(f"{other.whole}.")


def _still_there(removal: Removal, version: str | None) -> str:
    if version is None:
        return f"no version of {removal.package} is declared or installed: it may be one before {removal.version}"
    return f"{removal.package} {version} still has it, or may: it is gone since {removal.version}"


# -- where -------------------------------------------------------------------------------------------------------------


def _sites(program: Program, found: Sequence[Imported], top: str) -> Iterator[_Site]:
    """Every place that uses what some version of the library has removed."""
    from dry_debug_rules.dependencies._removals import by_top

    table = by_top()[top]
    held = program.document.identifiers
    starts: dict[str, set[str]] = {}
    for one in found:
        if _library(one.name) != top:
            continue
        row = _imported(one, table.names)
        if row is not None and not row.called:
            yield _Site(one.alias, one.stmt, row, "import", one.alias.name)
        bound = canonical(one.name) if one.alias.asname or isinstance(one.stmt, ast.ImportFrom) else top
        rests = [
            rest
            for rest in _rests(top, bound if bound != "pytorch_lightning" else top)
            if rest.rpartition(".")[2] in held
        ]
        if rests:
            starts.setdefault(one.bound, set()).update(rests)
    for mention in chains(program, starts):
        row = table.names.get(program.names.qualified(mention.node, mention.scope) or "")
        if row is not None and (not row.called or any(call.func is mention.node for call in program.index.calls)):
            yield _Site(mention.node, mention.stmt, row, "name", program.short(mention.node))
    source = program.document.source
    for whole, words in table.arguments.items():
        for call in program.calls_of(whole) if not held.isdisjoint(words) else ():
            stmt = program.statement(call)
            text = whole.removesuffix(".from_pretrained").split(".")[-1]
            for keyword in call.keywords:
                row = words.get(keyword.arg or "")
                if row is not None and stmt is not None:
                    yield _Site(keyword, stmt, row, "argument", text)
    if table.methods and any(row.word in source for row in table.methods):
        yield from _methods(program, table.methods)


@lru_cache(maxsize=512)
def _rests(top: str, bound: str) -> tuple[str, ...]:
    """What stands behind a variable that is bound to `bound`, for each removed name of the library below it."""
    from dry_debug_rules.dependencies._removals import by_top

    return tuple(whole[len(bound) + 1 :] for whole in by_top()[top].names if whole.startswith(f"{bound}."))


def _imported(found: Imported, by_name: Mapping[str, Removal]) -> Removal | None:
    """The row of what an import brings, or of a module on the way to it."""
    name = found.name
    while name:
        row = by_name.get(canonical(name))
        if row is not None:
            return row
        name = name.rpartition(".")[0]
    return None


def _methods(program: Program, rows: Sequence[Removal]) -> Iterator[_Site]:
    for cls in program.index.classes if rows else ():
        node = cls.node
        assert isinstance(node, ast.ClassDef)
        bases = {program.names.qualified(base, cls.parent or cls) for base in node.bases}
        for row in rows:
            if row.whole in bases:
                for binding in cls.bindings.get(row.word, ()):
                    if isinstance(binding.node, ast.FunctionDef):
                        yield _Site(binding.node, binding.node, row, "method", row.word)


def _place(node: ast.AST, program: Program) -> ast.AST | Span:
    """Of a function its name alone."""
    if not isinstance(node, ast.FunctionDef):
        return node
    at = program.document.source.index(node.name, program.span(node).start)
    return Span(at, at + len(node.name))


# -- fixes -------------------------------------------------------------------------------------------------------------


def _title(site: _Site) -> str:
    same = site.removal.same
    if same == "":
        return f"Leave out `{site.removal.word}`"
    shown = same or ""
    return f"Use `{shown if site.how == 'argument' else _short(shown)}`"


def _short(name: str) -> str:
    return f"np.{name[6:]}" if name.startswith("numpy.") else name


def _fix(site: _Site, program: Program) -> Fix | None:
    if site.removal.same is None:
        return None
    if isinstance(site.node, ast.keyword):
        return _argument(site, site.node, program)
    edit = (
        _import(site, site.node, program)
        if isinstance(site.node, ast.alias)
        else _attribute(site, site.node, program)
        if isinstance(site.node, ast.Attribute)
        else None
    )
    return Fix(_title(site), "safe", (edit,)) if edit is not None else None


def _attribute(site: _Site, node: ast.Attribute, program: Program) -> TextEdit | None:
    same, span = site.removal.same or "", program.span(node)
    if "." not in same:  # a builtin, if the file has not given the name to something else
        scope = program.scope(site.stmt)
        return TextEdit(span, same) if program.names.lookup(same, scope) is None else None
    prefix = site.removal.whole.rpartition(".")[0] + "."
    if not same.startswith(prefix):
        return None
    return TextEdit(Span(span.end - len(node.attr), span.end), same.removeprefix(prefix))


def _import(site: _Site, alias: ast.alias, program: Program) -> TextEdit | None:
    """The new name under the old one, so that the rest of the file goes on."""
    same, stmt = site.removal.same or "", site.stmt
    if not isinstance(stmt, ast.ImportFrom) or f"{stmt.module}.{alias.name}" != site.removal.whole or "." not in same:
        return None
    module, _, name = same.rpartition(".")
    bound = alias.asname or alias.name
    text = name if name == bound else f"{name} as {bound}"
    if module == stmt.module:
        return TextEdit(program.span(alias), text)
    if len(stmt.names) != 1:
        return None
    return TextEdit(program.span(stmt), f"from {module} import {text}")


def _argument(site: _Site, keyword: ast.keyword, program: Program) -> Fix | None:
    same = site.removal.same or ""
    call = next(c for c in program.index.calls if keyword in c.keywords)
    span = program.span(keyword)
    if same:
        if any(k.arg in (same, None) for k in call.keywords):
            return None
        edit = TextEdit(Span(span.start, span.start + len(site.removal.word)), same)
        return Fix(_title(site), "safe", (edit,))
    cut = _without(program, call, keyword)
    off = isinstance(keyword.value, ast.Constant) and not keyword.value.value
    return Fix(_title(site), "safe" if off else "unsafe", (cut,)) if cut is not None else None


def _without(program: Program, call: ast.Call, keyword: ast.keyword) -> TextEdit | None:
    """The call without one of its keywords; None where a comment stands beside it."""
    source, start = program.document.source, program.span(keyword).start
    others = [program.span(node) for node in (*call.args, *call.keywords) if node is not keyword]
    behind = min((one.start for one in others if one.start > start), default=None)
    before = max((one.end for one in others if one.start < start), default=None)
    if behind is not None:
        span = Span(start, behind)
    elif before is not None:
        span = Span(source.index(",", before), program.end_of_arguments(call))
    else:
        span = Span(start, program.end_of_arguments(call))
    return TextEdit(span, "") if "#" not in source[span.start : span.end] else None
