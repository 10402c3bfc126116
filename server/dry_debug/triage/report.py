"""A routing as JSON data and as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from dry_debug_rules.catalogue import load, quote

from dry_debug.triage.routing import Routing

_WIDTH = 100


def as_data(routing: Routing, suspects: Sequence[Any]) -> dict[str, Any]:
    """The JSON contract; `suspects` are findings as data, in their order. `frame` is None without a traceback."""
    frame = routing.frame
    return {
        "routes": [
            {
                "area": stop.area,
                "because": stop.because,
                "first": list(stop.first),
                "then": list(stop.then),
                "rules": list(stop.rules),
            }
            for stop in routing.stops
        ],
        "question": routing.question,
        "pressure": list(routing.pressure),
        "quotes": quotes(routing),
        "frame": {"path": frame.path, "line": frame.line, "function": frame.function} if frame else None,
        "suspects": list(suspects),
    }


def quotes(routing: Routing) -> list[str]:
    """The catalogue entries of the routing, each as one line of Markdown with its source."""
    return [quote(load()[id_]) for id_ in routing.quotes]


def as_lines(routing: Routing, suspects: Sequence[str], paint: Callable[[str, str], str]) -> list[str]:
    """For a terminal: `suspects` are findings as single lines, `paint` colours a text in the style of a name."""
    lines: list[str] = []
    if routing.question:
        lines += [paint("bold", "One question first"), *_wrapped(routing.question, "  ", "  "), ""]
    for number, stop in enumerate(routing.stops, 1):
        lines += [paint("bold", f"{number}. {stop.area}"), *_wrapped(stop.because, "   ", "   ")]
        lines.append("   Check first:")
        lines += [line for check in stop.first for line in _wrapped(check, "   - ", "     ")]
        if stop.then:
            lines += _wrapped("Then: " + ", ".join(stop.then), "   ", "   ")
        if stop.rules:
            rules = _wrapped("Rules: " + ", ".join(stop.rules), "   ", "   ")
            lines += [paint("dim", line) for line in rules]
        lines.append("")
    if routing.frame:
        inside = f", in {routing.frame.function}" if routing.frame.function else ""
        lines += [f"Your own code in the traceback: {routing.frame.path}:{routing.frame.line}{inside}", ""]
    if suspects:
        lines += [paint("bold", "Findings that would explain it, most likely first"), *suspects, ""]
    if routing.quotes:
        kinds = ", ".join(kind.replace("_", " ") for kind in routing.pressure)
        lines.append(paint("bold", f"On the pressure ({kinds})" if kinds else "On the side"))
        lines += [line for text in quotes(routing) for line in _wrapped(text, "  - ", "    ")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _wrapped(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def as_markdown(routing: Routing, suspects: Sequence[str], frame_link: str | None = None) -> str:
    """For an editor's panel: what to check before any fix, in order. `suspects` are findings as single lines of
    Markdown; `frame_link` is a link to the user's own frame of the traceback, if it can be opened."""
    parts = ["# Where to look"]
    if routing.question:
        parts += ["## One question first", routing.question]
    for number, stop in enumerate(routing.stops, 1):
        parts += [f"## {number}. {stop.area}", stop.because, "Check first:"]
        parts.append("\n".join(f"{index}. {check}" for index, check in enumerate(stop.first, 1)))
        if stop.then:
            parts.append("Then: " + ", ".join(stop.then))
    if routing.frame:
        inside = f", in `{routing.frame.function}`" if routing.frame.function else ""
        place = frame_link or f"`{routing.frame.path}:{routing.frame.line}`"
        parts += ["## Your own code in the traceback", f"{place}{inside}"]
    if suspects:
        parts += ["## Findings that would explain it, most likely first", "\n".join(f"- {line}" for line in suspects)]
    if routing.quotes:
        kinds = ", ".join(kind.replace("_", " ") for kind in routing.pressure)
        parts.append(f"## On the pressure ({kinds})" if kinds else "## On the side")
        parts.append("\n>\n".join(f"> {text}" for text in quotes(routing)))
    return "\n\n".join(parts) + "\n"
