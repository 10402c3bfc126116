"""Where plain transformers generate text for many prompts, call after call: the call, its model, what it goes over."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.generation import generations
from dry_debug.program.independent import loops_around, why_dependent
from dry_debug.program.many import many
from dry_debug.program.scopes import statements_around
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.evidence import Step
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Scope
    from dry_debug.program.values import Value

MAX_CALLERS = 3  # functions between the loop and the call
_EACH = ("map", "apply", "progress_apply")  # methods of datasets and data frames that call a function for each row


@dataclass(frozen=True, slots=True)
class TextCall:
    """One call that generates text: `model.generate(...)` or `pipe(...)`; `model` is the module or the pipeline."""

    call: ast.Call
    model: Value
    prompts: tuple[ast.expr, ...]


@dataclass(frozen=True, slots=True)
class Bulk:
    """What the calls go over: `over` (read in `site`, a loop or call), and what shows that it is many."""

    over: ast.expr
    site: ast.AST
    shown: Step


def text_calls(program: Program, elsewhere: bool = False) -> Iterator[TextCall]:
    """The calls of this file that generate text with a model or a pipeline of transformers; of a pipeline only where
    this file makes one, unless with `elsewhere`."""
    for generation in generations(program):
        if generation.model.kind == "module":
            yield TextCall(generation.call, generation.model, generation.inputs)
    # To ask what each call's function is costs much across files.
    made = "text-generation" in program.document.source or bool(program.calls_of("transformers.pipeline"))
    if not made and not elsewhere:
        return
    for call in program.index.calls:
        if call.args and isinstance(call.func, ast.Name | ast.Attribute):
            value = program.value(call.func, call)
            if value.kind == "pipeline" and task_of(value) == "text-generation":
                yield TextCall(call, value, (call.args[0],))


def task_of(pipeline: Value) -> str | None:
    """What a pipeline was made for, as far as the call that makes it says so."""
    made, owner = pipeline.args, pipeline.origin
    expr = argument(made, 0, "task") if made is not None else None
    if made is None or owner is None or expr is None:
        return None
    found = owner.value(expr, made)
    return found.const if found.kind == "const" and isinstance(found.const, str) else None


def bulk(text: TextCall, program: Program) -> Bulk | str:
    """Over which many prompts a call goes, or why that is not known."""
    if text.model.kind == "pipeline":
        shown = many(text.prompts[0], text.call, program)
        if shown is not None and not _single(text.prompts[0]):
            return Bulk(text.prompts[0], text.call, shown)
    return _around(text.call, list(text.prompts), program, 0)


def _around(call: ast.Call, prompts: list[ast.expr], program: Program, depth: int) -> Bulk | str:
    """What the loops around a call go over, also those around the calls of its function."""
    reason = "it stands in no loop over many prompts"
    for loop in loops_around(call, program):
        why = why_dependent(call, prompts, loop, program)
        if why is None:
            shown = many(loop.iter, loop, program)
            if shown is not None:
                return Bulk(loop.iter, loop, shown)
            reason = "nothing shows that the loop goes over more than a few prompts"
        elif "come from what the loop" in why:
            reason = why
        else:
            return why
    within = _comprehension(call, prompts, program)
    if within is not None:
        return within
    function = statements_around(program.scope(call))
    if function.kind != "function" or depth >= MAX_CALLERS:
        return reason
    if _remembers(function):
        return "its function keeps something from one call to the next"
    for site in program.call_sites(function):
        given = [*site.args, *(k.value for k in site.keywords)]
        found = _around(site, given, program, depth + 1) if given else "it is given nothing"
        if isinstance(found, Bulk):
            return found
        reason = found
    return _mapped(function, program) or reason


def _comprehension(call: ast.Call, prompts: list[ast.expr], program: Program) -> Bulk | None:
    """`[pipe(text) for text in texts]`."""
    scope = program.scope(call)
    if scope.kind != "comprehension" or not isinstance(scope.node, ast.ListComp | ast.GeneratorExp):
        return None
    generator = scope.node.generators[0]
    targets = names_in(generator.target)
    if not any(isinstance(n, ast.Name) and n.id in targets for p in prompts for n in nodes(p)):
        return None
    stmt = program.statement(call)
    shown = many(generator.iter, stmt, program) if stmt is not None else None
    return Bulk(generator.iter, scope.node, shown) if shown is not None else None


def _mapped(function: Scope, program: Program) -> Bulk | None:
    """`dataset.map(answer)`: the function is called for each row."""
    for method in _EACH:
        for call in program.method_calls(method):
            assert isinstance(call.func, ast.Attribute)
            passed = call.args[0] if call.args else None
            if not isinstance(passed, ast.Name | ast.Attribute):
                continue
            value = program.value(passed, call)
            if value.kind == "function" and value.scope is function:
                shown = many(call.func.value, call, program)
                if shown is not None:
                    return Bulk(call.func.value, call, shown)
    return None


def _remembers(function: Scope) -> bool:
    """Whether a function changes something that outlives a call of it (`self.history.append(...)`)."""

    def of_self(node: ast.expr) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == function.self_name
            and function.self_name is not None
        )

    for node in ast.walk(function.node):
        if isinstance(node, ast.Global | ast.Nonlocal):
            return True
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and of_self(node):
            return True
        func = node.func if isinstance(node, ast.Call) else None
        if isinstance(func, ast.Attribute) and func.attr in ("append", "extend") and of_self(func.value):
            return True
    return False


def _single(prompt: ast.expr) -> bool:
    """Whether a pipeline is given one text or conversation: an element of a collection, a text put together."""
    if isinstance(prompt, ast.JoinedStr | ast.BinOp | ast.Dict | ast.Constant):
        return True
    return (
        isinstance(prompt, ast.Subscript)
        and not isinstance(prompt.slice, ast.Slice)
        and not (isinstance(prompt.slice, ast.Constant) and isinstance(prompt.slice.value, str))
    )
