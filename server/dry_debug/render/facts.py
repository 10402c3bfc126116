"""The facts of a program for people: one line for each item, under a heading for each kind."""

from collections.abc import Iterator, Mapping
from typing import Any

_LAST = ("line", "end_line", "file", "confidence")


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """The facts (the JSON contract of `dry-debug facts`) as lines. What is not known or not there is left out."""
    for heading, value in found.items():
        title = heading.replace("_", " ")
        if isinstance(value, Mapping):
            below = [line for key, inner in value.items() for line in _entries(key, inner)]
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            below = [_item(item) for item in value]
        else:
            yield from _entries(title, value)
            continue
        if below:
            yield f"{title}:"
            yield from (f"  {line}" for line in below)


def _entries(title: str, value: Any) -> Iterator[str]:
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        yield from (f"{title}: {_item(item)}" for item in value)
    elif value not in (None, [], ""):
        yield f"{title}: {_value(value)}"


def _item(item: Mapping[str, Any]) -> str:
    file = f"{item['file']}:" if item.get("file") else ""
    place = f"{file}{item['line']}" if item.get("line") is not None else ""
    end = f"-{item['end_line']}" if item.get("end_line") not in (None, item.get("line")) else ""
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
