"""An edit that gives a call one more keyword argument, laid out as the call is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.text.spans import Span, TextEdit

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def argument_added(program: Program, call: ast.Call, text: str) -> TextEdit:
    """`text` (`name=value`, or a value where no keyword stands yet) behind the arguments of `call`, before a trailing
    comma; in a line of its own where the last argument has one. A call without arguments gets it as its only one."""
    parts = (*call.args, *call.keywords)
    if not parts:
        end = program.span(call).end - 1
        return TextEdit(Span(end, end), text)
    end = program.end_of_arguments(call)
    source = program.document.source
    start = max(program.span(part).start for part in parts)
    line = source.rfind("\n", 0, start) + 1
    lead = source[line:start]
    if line <= program.span(call).start or lead.strip():
        return TextEdit(Span(end, end), f", {text}")
    gap = f"{program.document.newline}{lead}"
    lines = program.document.lines
    stop = lines.line_end(lines.line_of(end))
    rest = source[end:stop]
    if "#" not in rest:
        return TextEdit(Span(end, end), f",{gap}{text}")
    if rest.lstrip(", ").startswith("#") and rest.startswith(","):  # the comment stays beside what it is about
        return TextEdit(Span(stop, stop), f"{gap}{text},")
    return TextEdit(Span(end, end), f", {text}")
