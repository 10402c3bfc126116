"""The facts of a program for people: one line for each item, under a heading for each kind."""

from collections.abc import Iterator, Mapping
from typing import Any

_LAST = ("line", "end_line", "file", "confidence")


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The facts (the JSON contract of `dry-debug facts`) as lines. What is not known is left out."""
    for heading, value in found.items():
        title = heading.replace("_", " ")
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            yield f"{title}:"
            yield from (f"  {_item(item)}" for item in value)
        elif isinstance(value, Mapping):
            yield f"{title}:"
            for key, inner in value.items():
                if isinstance(inner, list) and any(isinstance(item, Mapping) for item in inner):
                    yield from (f"  {key}: {_item(item)}" for item in inner)
                elif inner not in (None, [], ""):
                    yield f"  {key}: {_value(inner)}"
        elif value not in (None, [], ""):
            yield f"{title}: {_value(value)}"


def _item(item: Mapping[str, Any]) -> str:
    file = f"{item['file']}:" if item.get("file") else ""
    place = f"{file}{item['line']}" if item.get("line") is not None else ""
    end = f"-{item['end_line']}" if item.get("end_line") is not None else ""
    words = [
        str(value) if key in ("kind", "name", "id", "path") else f"{key}={_value(value)}"
        for key, value in item.items()
        if key not in _LAST and value not in (None, [], "", False)
    ]
    confidence = item.get("confidence")
    doubt = f"  ({confidence} confidence)" if confidence not in (None, "high") else ""
    return f"{'line ' + place + end + ': ' if place else ''}{'  '.join(words)}{doubt}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
