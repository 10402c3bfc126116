"""Where a text comes from: the call of a language model of this process that wrote it, followed through the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from dry_debug.program.bulk_generation import task_of
from dry_debug.program.reaching import behind_name
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding, Scope

Engine = Literal["vllm", "sglang", "transformers"]
MAX_STEPS = 150  # places that one question looks at
MAX_FRAMES = 4  # calls that it goes into, one inside the other

# Methods of texts, matches, lists and dicts that give a part of them, or the same in another form.
_PARTS = frozenset(
    "strip lstrip rstrip split rsplit splitlines partition rpartition replace removeprefix removesuffix lower group "
    "groups get pop items values copy tolist text".split()
)
_SEARCHES = frozenset("search match fullmatch findall finditer sub split".split())
_SAME = frozenset((
    "builtins.str", "builtins.list", "builtins.next", "builtins.iter", "builtins.reversed", "builtins.tuple",
    "tqdm.tqdm", "tqdm.auto.tqdm", "builtins.sorted",
))  # fmt: skip
_FUNCTIONS = frozenset(("sglang.function", "sglang.lang.api.function", "sglang.api.function"))
_NOT_WRITTEN = frozenset(("prompt", "prompt_token_ids", "input_ids", "messages"))


@dataclass(frozen=True, slots=True)
class Written:
    """The call that generates a text, in `program`."""

    engine: Engine
    call: ast.Call
    program: Program


@dataclass(frozen=True, slots=True)
class _Place:
    """An expression, where it stands, which element of it is meant, and the calls that led into its function."""

    node: ast.expr
    stmt: ast.stmt | None
    scope: Scope
    program: Program
    path: tuple[int | None, ...] = ()
    frames: tuple[tuple[ast.Call, ast.stmt | None, Scope, Program], ...] = ()

    def at(self, node: ast.expr, path: tuple[int | None, ...] = ()) -> _Place:
        return _Place(node, self.stmt, self.scope, self.program, path, self.frames)


def written_by(expr: ast.expr, at: ast.AST, program: Program) -> Written | None:
    """The call of a model that wrote the text `expr`, which stands in the call or statement `at`; None: not known."""
    seen: set[tuple[ast.AST, tuple[int | None, ...]]] = set()
    todo = [_Place(expr, program.statement(at), program.scope(at), program)]
    while todo and len(seen) < MAX_STEPS:
        place = todo.pop()
        if (place.node, place.path) in seen:
            continue
        seen.add((place.node, place.path))
        if isinstance(place.node, ast.Call):
            engine = _engine_of(place.node, place.program)
            if engine is not None:
                return Written(engine, place.node, place.program)
        todo.extend(_behind(place))
    return None


def _engine_of(call: ast.Call, program: Program) -> Engine | None:
    """Which library's model a call generates with."""
    func = call.func
    if call not in program.index.scope_of:
        return None
    if isinstance(func, ast.Attribute) and func.attr in ("generate", "chat", "run", "run_batch"):
        value = program.value(func.value, call)
        if value.kind == "engine":
            return "sglang" if (value.type or "").startswith("sglang") else "vllm"
        if value.kind == "module" and func.attr == "generate" and (value.base.type or "").startswith("transformers."):
            return "transformers"
        if value.kind == "function" and func.attr.startswith("run") and value.scope is not None and value.program:
            outer = value.scope.parent or value.scope
            names = (value.program.names.qualified(d, outer) for d in value.scope.decorators)
            return "sglang" if any(n in _FUNCTIONS for n in names) else None
        return None
    if isinstance(func, ast.Name | ast.Attribute) and call.args and program.qualified(call) is None:
        value = program.value(func, call)
        if value.kind == "pipeline" and task_of(value) == "text-generation":
            return "transformers"
    return None


def _behind(place: _Place) -> Iterator[_Place]:
    node = place.node
    if isinstance(node, ast.Name):
        yield from _behind_name(node, place)
    elif isinstance(node, ast.Attribute):
        yield from _behind_attribute(node, place)
    elif isinstance(node, ast.Subscript | ast.Await | ast.Starred):
        yield place.at(node.value)
    elif isinstance(node, ast.IfExp):
        yield from (place.at(part, place.path) for part in (node.body, node.orelse))
    elif isinstance(node, ast.BoolOp):
        yield from (place.at(part) for part in node.values)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from (place.at(part) for part in (node.left, node.right))
    elif isinstance(node, ast.Tuple | ast.List):
        index = place.path[0] if place.path else None
        some = [node.elts[index]] if index is not None and 0 <= index < len(node.elts) else node.elts[:8]
        yield from (place.at(part, place.path[1:]) for part in some)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp):
        scope = place.program.index.scopes.get(node)
        if scope is not None:
            yield _Place(node.elt, place.stmt, scope, place.program, place.path, place.frames)
    elif isinstance(node, ast.Call):
        yield from _behind_call(node, place)


def _behind_call(node: ast.Call, place: _Place) -> Iterator[_Place]:
    program, func = place.program, node.func
    name = program.names.qualified(func, place.scope)
    if name == "builtins.zip":
        index = place.path[0] if place.path else None
        some = [node.args[index]] if index is not None and 0 <= index < len(node.args) else []
        yield from (place.at(part, place.path[1:]) for part in some)
    elif name == "builtins.enumerate":
        if node.args and place.path[:1] != (0,):
            yield place.at(node.args[0], place.path[1:])
    elif name in _SAME:
        yield from (place.at(a, place.path) for a in node.args[:1])
    elif name is not None and name.startswith("re."):
        yield from (place.at(a) for a in node.args[1:])
    elif name is None or not isinstance(func, ast.Attribute):
        target = program.target(node) if node in program.index.scope_of else None
        if target is not None and target.kind == "function" and target.scope is not None and target.program is not None:
            if len(place.frames) < MAX_FRAMES:
                frames = (*place.frames, (node, place.stmt, place.scope, program))
                for statement in target.scope.returns[:4]:
                    if statement.value is not None:
                        yield _Place(statement.value, statement, target.scope, target.program, place.path, frames)
        elif isinstance(func, ast.Attribute):
            if func.attr in ("decode", "batch_decode", "join"):
                yield from (place.at(a) for a in node.args[:1])
            elif func.attr in _SEARCHES and not isinstance(func.value, ast.Constant) and node.args:
                yield place.at(func.value)
                yield place.at(node.args[-1])
            elif func.attr in _PARTS:
                yield place.at(func.value)


def _behind_attribute(node: ast.Attribute, place: _Place) -> Iterator[_Place]:
    cls = place.scope.class_scope
    if cls is not None and isinstance(node.value, ast.Name) and node.value.id == place.scope.self_name:
        for binding in cls.attributes.get(node.attr, []):
            if binding.value is not None:
                yield _Place(binding.value, binding.stmt, binding.scope, place.program, binding.path)
    elif node.attr not in _NOT_WRITTEN:
        yield place.at(node.value)


def _behind_name(node: ast.Name, place: _Place) -> Iterator[_Place]:
    program = place.program
    for binding in behind_name(program, node.id, place.scope, place.stmt):
        if binding.kind == "param":
            yield from _passed(binding, place)
        elif binding.kind in ("assign", "walrus", "for", "comp", "aug") and binding.value is not None:
            path = (*binding.path, *place.path)
            yield _Place(binding.value, binding.stmt, binding.scope, program, path, place.frames)
            if isinstance(binding.value, ast.List) and not binding.value.elts:
                yield from _filled(node.id, binding, place)


def _passed(binding: Binding, place: _Place) -> Iterator[_Place]:
    """What a parameter is: what the call gave that led here, else what any call in the file gives."""
    program, function = place.program, binding.scope
    if place.frames:
        call, stmt, scope, owner = place.frames[-1]
        names = function.passed_names()
        given = next((k.value for k in call.keywords if k.arg == binding.name), None)
        at = names.index(binding.name) if binding.name in names else len(call.args)
        if given is None and at < len(call.args):
            given = call.args[at]
        if given is not None:
            yield _Place(given, stmt, scope, owner, place.path, place.frames[:-1])
        return
    for owner, expr, at_scope, at_stmt in program.arguments_of(function, binding.name):
        yield _Place(expr, at_stmt, at_scope, owner, place.path)


def _filled(name: str, binding: Binding, place: _Place) -> Iterator[_Place]:
    """What is put into a list that begins empty."""
    for call in binding.scope.calls:
        func = call.func
        adds = isinstance(func, ast.Attribute) and func.attr in ("append", "extend")
        if adds and isinstance(func.value, ast.Name) and func.value.id == name:  # type: ignore[attr-defined]
            stmt = place.program.statement(call)
            yield from (_Place(a, stmt, binding.scope, place.program, place.path, place.frames) for a in call.args[:1])
