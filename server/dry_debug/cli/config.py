"""`dry-debug config`: the settings in use, each with where it comes from; or the schema of the config file."""

import argparse
import json
import os
from typing import Any

from dry_debug.cli.output import near, tell, write_lines
from dry_debug.lint.settings import Settings, kebab_case
from dry_debug.project.config import Config, Configs
from dry_debug.records import fields


def run(options: argparse.Namespace) -> int:
    """Print; returns 2 if a config file has mistakes."""
    if options.schema:
        from dry_debug.project.schema import render_schema

        write_lines([render_schema().rstrip("\n")])
        return 0
    path = os.path.abspath(options.path)
    configs = Configs(file=options.config, isolated=options.isolated)
    config = configs.of_folder(path if os.path.isdir(path) else os.path.dirname(path))
    for problem in configs.problems():
        tell(problem)
    if options.format == "json":
        write_lines([json.dumps(_as_data(config), indent=2)])
    else:
        write_lines(_as_lines(config))
    return 2 if config.problems else 0


def _as_lines(config: Config) -> list[str]:
    lines = [f"# {near(config.file)}" if config.file else "# no config file"]
    rows = [
        (f"{kebab_case(item.name)} = {json.dumps(_plain(config.settings, item.name))}", _origin(config, item.name))
        for item in fields(Settings)
    ]
    width = min(40, max(len(text) for text, _ in rows))
    return lines + [f"{text:<{width}}  # {origin}" for text, origin in rows]


def _as_data(config: Config) -> dict[str, Any]:
    settings = {
        kebab_case(item.name): {
            "value": _plain(config.settings, item.name),
            "origin": config.origin.get(item.name),
        }
        for item in fields(Settings)
    }
    return {"file": config.file, "root": config.root, "settings": settings}


def _origin(config: Config, name: str) -> str:
    origin = config.origin.get(name)
    return near(origin) if origin else "default"


def _plain(settings: Settings, name: str) -> Any:
    value = getattr(settings, name)
    return list(value) if isinstance(value, tuple) else value
