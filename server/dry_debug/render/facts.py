"""The facts of a program for people: a group for each kind of fact, a line for each item, with its file and line."""

from collections.abc import Iterator, Mapping
from typing import Any

_PLACE = ("line", "end_line", "file", "cell", "confidence")
_BARE = ("kind", "name", "id", "rng", "object", "path")  # told without the name of the field


def lines(found: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The facts (the JSON contract of `dry-debug facts`) of the file `path`, line by line.

    What is not known or not there is left out; a confidence that is not high stands behind its item.
    """
    if path:
        yield path
    for heading, value in found.items():
        title = heading.replace("_", " ")
        if isinstance(value, Mapping):
            groups = [(key.replace("_", " "), inner) for key, inner in value.items()]
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            yield f"{title}:"
            yield from _table(value, path)
            continue
        else:
            groups = [(title, value)]
        for name, inner in groups:
            if isinstance(inner, list) and any(isinstance(item, Mapping) for item in inner):
                yield f"{name}:"
                yield from _table(inner, path)
            elif inner not in (None, [], ""):
                yield f"{name}: {_value(inner)}"


def _table(items: list[Mapping[str, Any]], path: str) -> Iterator[str]:
    rows = [(_where(item, path), *_words(item)) for item in items]
    first = max(len(row[0]) for row in rows)
    second = max(len(row[1]) for row in rows)
    for place, lead, rest in rows:
        yield f"  {place:<{first}}  {lead:<{second if rest else 0}}  {rest}".rstrip()


def _where(item: Mapping[str, Any], path: str) -> str:
    file = item.get("file") or path
    cell = f"cell {item['cell']}:" if item.get("cell") is not None else ""
    end = f"-{item['end_line']}" if item.get("end_line") not in (None, item["line"]) else ""
    return f"{file + ':' if file else 'line '}{cell}{item['line']}{end}"


def _words(item: Mapping[str, Any]) -> tuple[str, str]:
    """(what it is, what else is known of it)."""
    known = {k: v for k, v in item.items() if k not in _PLACE and (v not in (None, [], "") and v is not False)}
    if "origin" in item and "value" not in known:  # an option that is off, or empty, is a value
        known = {"name": item["name"], "value": item["value"], **known}
    lead = [str(known.pop(key)) for key in _BARE if key in known]
    rest = [key.replace("_", " ") if value is True else f"{key}={_value(value)}" for key, value in known.items()]
    if item.get("confidence") not in (None, "high"):
        rest.append(f"({item['confidence']} confidence)")
    return "  ".join(lead), "  ".join(rest)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value) or '""'
