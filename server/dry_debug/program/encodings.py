"""Which calls of a tokenizer the input of a model comes from: traced back through names, helpers and containers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.arguments import argument
from dry_debug.program.reaching import behind_name, part_of
from dry_debug.program.scopes import Scope
from dry_debug.program.tokenization import ENCODING
from dry_debug.program.values import Value

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding

MAX_STEPS = 120  # places that one question looks at
# Methods that give back the same tokens in another form or place.
_SAME = frozenset(
    "to cuda cpu long int items copy clone detach unsqueeze squeeze view reshape repeat_interleave repeat expand "
    "contiguous keys values get".split()
)
_SAME_FUNCTIONS = frozenset((
    "builtins.dict", "builtins.list", "torch.tensor", "torch.as_tensor", "torch.LongTensor", "torch.stack",
    "copy.deepcopy", "copy.copy", "transformers.BatchEncoding",
))  # fmt: skip


class Encoding:
    """One call of a tokenizer: `call` in `program`, on the tokenizer `value`; `texts` is what it is given."""

    __slots__ = ("call", "program", "spelled", "texts", "value")

    def __init__(self, program: Program, call: ast.Call, value: Value, spelled: ast.expr) -> None:
        self.program = program
        self.call = call
        self.value = value
        self.spelled = spelled
        self.texts = argument(call, 0, "text", "batch_text_or_text_pairs", "conversation")


def encoding_of(call: ast.Call, program: Program) -> Encoding | None:
    """The encoding that a call is, if it calls a tokenizer of transformers."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in ENCODING:
        value = program.value(func.value, call)
        if value.kind == "tokenizer":
            return Encoding(program, call, value, func.value)
    if program.qualified(call) is not None or (isinstance(func, ast.Attribute) and func.attr in _SAME):
        return None
    value = program.value(func, call)
    return Encoding(program, call, value, func) if value.kind == "tokenizer" else None


def encodings_behind(expr: ast.expr, at: ast.AST, program: Program) -> list[Encoding]:
    """The tokenizer calls that `expr`, which stands in the call or statement `at`, may come from."""
    return list(_Trace().behind(expr, program.statement(at), program.scope(at), program))


class _Trace:
    """One question: each place is looked at once."""

    def __init__(self) -> None:
        self.seen: set[ast.AST] = set()

    def behind(self, expr: ast.expr, stmt: ast.stmt | None, scope: Scope, program: Program) -> Iterator[Encoding]:
        todo: list[tuple[ast.expr, ast.stmt | None, Scope, Program]] = [(expr, stmt, scope, program)]
        while todo and len(self.seen) < MAX_STEPS:
            node, where, inside, owner = todo.pop()
            if node in self.seen:
                continue
            self.seen.add(node)
            if isinstance(node, ast.Call):
                found = encoding_of(node, owner)
                if found is not None:
                    yield found
                    continue
                todo.extend(self._through_call(node, where, inside, owner))
            elif isinstance(node, ast.Name):
                todo.extend(self._through_name(node, where, inside, owner))
            elif isinstance(node, ast.Attribute):
                kept = self._kept(node, inside)
                todo.extend((b.value, b.stmt, b.scope, owner) for b in kept if b.value is not None)
                if not kept:
                    todo.append((node.value, where, inside, owner))
            elif isinstance(node, ast.Subscript | ast.Starred | ast.Await):
                todo.append((node.value, where, inside, owner))
            elif isinstance(node, ast.Dict):
                todo.extend((v, where, inside, owner) for v in node.values)
            elif isinstance(node, ast.DictComp | ast.ListComp) and len(node.generators) == 1:
                todo.append((node.generators[0].iter, where, inside, owner))
            elif isinstance(node, ast.IfExp):
                todo.extend((v, where, inside, owner) for v in (node.body, node.orelse))
            elif isinstance(node, ast.Tuple | ast.List) and len(node.elts) < 8:
                todo.extend((v, where, inside, owner) for v in node.elts)

    def _through_call(
        self, node: ast.Call, stmt: ast.stmt | None, scope: Scope, program: Program
    ) -> Iterator[tuple[ast.expr, ast.stmt | None, Scope, Program]]:
        func = node.func
        if program.qualified(node) in _SAME_FUNCTIONS and node.args:
            yield node.args[0], stmt, scope, program
            return
        target = program.target(node)
        if target.kind == "function" and target.scope is not None and target.program is not None:
            for statement in target.scope.returns[:4]:
                if statement.value is not None:
                    yield statement.value, statement, target.scope, target.program
        elif isinstance(func, ast.Attribute) and func.attr in _SAME:
            yield func.value, stmt, scope, program

    def _through_name(
        self, node: ast.Name, stmt: ast.stmt | None, scope: Scope, program: Program
    ) -> Iterator[tuple[ast.expr, ast.stmt | None, Scope, Program]]:
        for binding in behind_name(program, node.id, scope, stmt):
            if binding.kind in ("assign", "walrus") and binding.value is not None:
                yield part_of(binding), binding.stmt, binding.scope, program
            elif binding.kind == "param":
                for owner, expr, at_scope, at in program.arguments_of(binding.scope, binding.name):
                    yield expr, at, at_scope, owner

    def _kept(self, node: ast.Attribute, scope: Scope) -> list[Binding]:
        """What methods assign to `self.inputs`."""
        cls = scope.class_scope
        if cls is None or not isinstance(node.value, ast.Name) or node.value.id != scope.self_name:
            return []
        return cls.attributes.get(node.attr, [])
