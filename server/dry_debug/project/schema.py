"""The JSON schema of the config, made from the dataclass: dry-debug.schema.json in the repository is its output."""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from dry_debug.lint.settings import Settings, kebab_case
from dry_debug.records import MISSING, fields


def config_schema() -> dict[str, Any]:
    """JSON schema (draft 7) of `dry-debug.toml` and of `[tool.dry-debug]`."""
    hints = get_type_hints(Settings)
    properties: dict[str, Any] = {
        "extend": {
            "type": "string",
            "description": "Another config file, relative to this one, whose values come first.",
        }
    }
    for item in fields(Settings):
        default = item.default if item.default is not MISSING else {}
        schema = {"description": item.metadata["help"], **_schema(hints[item.name])}
        if default is not None:
            schema["default"] = list(default) if isinstance(default, tuple) else default
        properties[kebab_case(item.name)] = schema
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Dry Debug",
        "description": "Settings of Dry Debug: [tool.dry-debug] in pyproject.toml, or dry-debug.toml.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def render_schema() -> str:
    """The text of dry-debug.schema.json."""
    import json

    return json.dumps(config_schema(), indent=2) + "\n"


def _schema(hint: Any) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        literals = [item for part in arguments if get_origin(part) is Literal for item in get_args(part)]
        return {"enum": literals} if literals else _schema(next(a for a in arguments if a is not type(None)))
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    return {bool: {"type": "boolean"}, str: {"type": "string"}}[hint]
