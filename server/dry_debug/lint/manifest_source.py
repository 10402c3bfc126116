"""Makes the manifest out of the rule classes and `naming.toml`. Only `tools/generate.py` and the tests call this."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import tomllib
from typing import Any

from dry_debug.lint.rule import Rule


def rule_classes() -> list[type[Rule]]:
    """Every rule class below `dry_debug_rules`, by code. One module a rule."""
    package = importlib.import_module("dry_debug_rules")
    found: list[type[Rule]] = []
    for info in pkgutil.walk_packages(package.__path__, "dry_debug_rules."):
        if info.ispkg or info.name.startswith("dry_debug_rules.catalogue") or info.name.split(".")[-1].startswith("_"):
            continue
        module = importlib.import_module(info.name)
        found.extend(
            cls
            for cls in vars(module).values()
            if inspect.isclass(cls) and issubclass(cls, Rule) and cls.__module__ == info.name and "code" in vars(cls)
        )
    return sorted(found, key=lambda cls: cls.code)


def render_manifest(naming: str) -> str:
    """The text of `manifest.json`; `naming` is the text of `naming.toml`, which gives the summaries."""
    table: dict[str, dict[str, Any]] = {row["name"]: row for row in tomllib.loads(naming)["rule"]}
    rows = [
        {
            "name": cls.name,
            "code": cls.code,
            "family": cls.__module__.split(".")[1],
            "shape": cls.shape,
            "severity": cls.severity,
            "status": cls.status,
            "fix_kind": cls.fix_kind,
            "summary": table[cls.name]["summary"],
            "module": cls.__module__,
            "class_name": cls.__name__,
            "triggers": [list(group) for group in cls.triggers],
            "quotes": list(cls.quotes),
            "instead": cls.instead,
        }
        for cls in rule_classes()
    ]
    return json.dumps(rows, indent=1) + "\n"
