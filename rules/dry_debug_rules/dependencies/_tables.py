"""Reads the JSON tables of this family, which are made from the TOML files beside them."""

from __future__ import annotations

import importlib
import json
from typing import Any


def table(name: str) -> dict[str, Any]:
    """The contents of `name`.json; through the loader, so that it works from a zip file too."""
    package = importlib.import_module("dry_debug_rules.dependencies")
    loader: Any = package.__loader__
    data: dict[str, Any] = json.loads(loader.get_data(f"{package.__path__[0]}/{name}.json"))
    return data
