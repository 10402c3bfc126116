"""The rules that there are, from the generated manifest: a run imports only those that it needs."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dry_debug.lint.finding import Severity
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.lint.rule import FixKind, Rule, Shape, Status
    from dry_debug.lint.settings import Settings


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What is known of a rule without importing it."""

    name: str
    code: str
    family: str
    shape: Shape
    severity: Severity
    status: Status
    fix_kind: FixKind
    summary: str
    module: str
    class_name: str
    triggers: tuple[tuple[str, ...], ...]
    quotes: tuple[str, ...]
    instead: str = ""  # what to do, in one imperative sentence


def _folder(package: str) -> str:
    """Where a package lies on disk. (`importlib.resources` says it too, and costs 8 ms to import.)"""
    return importlib.import_module(package).__path__[0]


def _manifest() -> bytes:
    loader: Any = importlib.import_module("dry_debug_rules").__loader__
    data: bytes = loader.get_data(f"{_folder('dry_debug_rules')}/manifest.json")
    return data


@functools.cache
def rules() -> tuple[RuleInfo, ...]:
    """All rules, by code. Reads `dry_debug_rules/manifest.json`, imports no rule."""
    return tuple(
        RuleInfo(
            **{
                **row,
                "triggers": tuple(tuple(group) for group in row["triggers"]),
                "quotes": tuple(row["quotes"]),
            }
        )
        for row in json.loads(_manifest())
    )


@functools.cache
def version() -> str:
    """A hash of the manifest: part of every cache key."""
    import hashlib

    return hashlib.blake2b(_manifest(), digest_size=8).hexdigest()


def find(name_or_code: str) -> RuleInfo | None:
    """The rule with this name or code (codes in any case)."""
    wanted = name_or_code.strip()
    for info in rules():
        if info.name == wanted.lower() or info.code == wanted.upper():
            return info
    return None


@functools.cache
def _load(module: str, class_name: str) -> Rule:
    rule: Rule = getattr(importlib.import_module(module), class_name)()
    return rule


def load(info: RuleInfo) -> Rule:
    """The rule itself; imports its module on first use."""
    return _load(info.module, info.class_name)


def page_path(info: RuleInfo) -> str:
    """Where the rule's page lies on disk."""
    package, _, module = info.module.rpartition(".")
    return f"{_folder(package)}/{module}.md"


def matches(info: RuleInfo, selector: str) -> bool:
    """Whether a selector of the settings (ALL, name, code, code prefix, family) means this rule."""
    selector = selector.strip()
    upper = selector.upper()
    if upper == "ALL" or selector == info.name or selector == info.family or upper == info.code:
        return True
    return bool(upper) and upper.isalnum() and selector == upper and info.code.startswith(upper)


def _any(info: RuleInfo, selectors: Iterable[str]) -> bool:
    return any(matches(info, selector) for selector in selectors)


def selected(settings: Settings) -> tuple[RuleInfo, ...]:
    """The rules that these settings run.

    A preview rule runs with `preview`, or when `extend_select` or `select` names it by name or whole code.
    """
    global _last
    known = _last
    if known is None or known[0] is not settings:  # every file of a run asks with the same ones
        known = _last = (settings, _selected_by(settings))
    return known[1]


_last: tuple[Settings, tuple[RuleInfo, ...]] | None = None


def _selected_by(settings: Settings) -> tuple[RuleInfo, ...]:
    off = frozenset(name for name, severity in settings.severity.items() if severity == "off")
    asked = settings.spec is not None
    return _selected(settings.select, settings.extend_select, settings.ignore, off, settings.preview, asked)


@functools.lru_cache(maxsize=64)
def _selected(
    select: tuple[str, ...],
    extend_select: tuple[str, ...],
    ignore: tuple[str, ...],
    off: frozenset[str],
    preview: bool,
    instructed: bool,
) -> tuple[RuleInfo, ...]:
    result = []
    for info in rules():
        if not (_any(info, select) or _any(info, extend_select)):
            continue
        if _any(info, ignore) or info.name in off:
            continue
        if info.status == "preview" and not preview and not (instructed and info.family == "spec"):
            named = {s.strip() for s in (*select, *extend_select)}
            if info.name not in named and info.code not in named:
                continue
        result.append(info)
    return tuple(result)
