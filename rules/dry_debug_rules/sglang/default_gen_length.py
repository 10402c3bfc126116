"""SGL004: `sgl.gen` stops after 128 tokens when nobody sets a length."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.rule import Report, SiteRule
from dry_debug.program.events import function_of
from dry_debug.program.links import Link

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_LENGTHS = ("max_tokens", "max_new_tokens")
_SHORT = frozenset(("choices", "regex", "dtype", "stop", "stop_regex", "stop_token_ids"))
_TOKENS = 512


class DefaultGenLength(SiteRule):
    name = "default-gen-length"
    code = "SGL004"
    severity = "suggestion"
    status = "preview"  # on examples of sglang one finding of three was plainly right: some answers are short
    fix_kind = "unsafe"
    triggers = (("sglang",), ("gen",))
    calls = ("sglang.gen", "sglang.gen_string", "sglang.lang.api.gen")
    why = "Where neither `gen` nor `run` sets a length, sglang generates at most 128 tokens, so answers break off."
    quotes = ("DRY-FOC-2",)
    instead = "Say how long an answer may get: `sgl.gen(name, max_tokens=...)`."
    looks_at = "calls of `sgl.gen`"

    def check_call(self, call: ast.Call, program: Program) -> Iterator[Report]:
        names = {k.arg for k in call.keywords}
        if None in names or any(isinstance(a, ast.Starred) for a in call.args):
            program.why(call, "its options may bring a length")
            return
        if names & {*_LENGTHS} or len(call.args) > 1:
            program.why(call, "its length is given")
            return
        if names & _SHORT:
            program.why(call, "the answer ends by itself: a choice, a pattern, a type or a stop text is given")
            return
        runners = [program, *_users(program, call)]
        if any(word in other.document.source for other in runners for word in ("max_new_tokens", "SglSamplingParams")):
            program.why(call, "the length is given to `run`, or may be")
            return
        here = any(other.method_calls(method) for other in runners for method in ("run", "run_batch"))
        title = f"Set `max_tokens={_TOKENS}`"
        yield Report(
            at=call,
            headline=f"`{program.short(call, 40)}` ends the answer after 128 tokens",
            confidence="high" if here else "medium",
            links=lambda: [_run(here)],
            fix=lambda: Fix(title, "unsafe", (argument_added(program, call, f"max_tokens={_TOKENS}"),)),
            fix_title=title,
        )


def _users(program: Program, call: ast.Call) -> list[Program]:
    """The other files that may run the function around the call."""
    function = function_of(program.scope(call))
    return program.callers.users(function.name) if function is not None and function.kind == "function" else []


def _run(here: bool) -> Link:
    if here:
        return Link("resolution", "high", "it is seen where the program is run, and no length is given there")
    return Link("resolution", "medium", "who runs the program in another file may give a length")
