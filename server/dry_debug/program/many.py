"""Whether what a loop goes over holds more than a handful of things: it is a dataset, or was read from a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.program.evidence import Step
from dry_debug.program.reaching import behind_name, part_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.scopes import Binding, Scope

MAX_STEPS = 80  # places that one question looks at
FEW = 16  # a literal list up to this length, and a slice of it, is a demonstration

_READS = frozenset((
    "builtins.open", "json.load", "jsonlines.open", "csv.reader", "csv.DictReader", "pickle.load", "yaml.safe_load",
    "ujson.load", "orjson.loads", "srsly.read_jsonl", "gzip.open", "codecs.open", "io.open",
))  # fmt: skip
_SAME = frozenset((
    "tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm", "tqdm.tqdm_notebook", "rich.progress.track",
    "builtins.enumerate", "builtins.list", "builtins.tuple", "builtins.sorted", "builtins.reversed", "builtins.zip",
    "builtins.iter", "builtins.set", "builtins.len", "builtins.dict", "transformers.pt_utils.KeyDataset",
    "transformers.pipelines.pt_utils.KeyDataset", "torch.utils.data.DataLoader", "builtins.min", "random.sample",
    "itertools.batched", "more_itertools.chunked", "more_itertools.batched", "numpy.array_split",
))  # fmt: skip
_SECOND = frozenset(("builtins.map", "builtins.filter"))
# Methods that give the same things, or as many, in another form.
_KEEPS = frozenset(
    "iterrows itertuples items keys values tolist to_list to_dict to_pandas readlines splitlines read strip split copy "
    "shuffle map filter iter with_format sort sort_values reset_index dropna get astype apply explode unique".split()
)
_SIZES = frozenset(("shape", "num_rows", "size", "index", "values", "iloc", "loc", "columns"))

_Place = tuple[ast.expr, "ast.stmt | None", "Scope", "Program"]


def many(expr: ast.expr, at: ast.AST, program: Program) -> Step | None:
    """The place that shows that `expr`, which stands in the call or statement `at`, holds many things; or None."""
    seen: set[ast.AST] = set()
    todo: list[_Place] = [(expr, program.statement(at), program.scope(at), program)]
    while todo and len(seen) < MAX_STEPS:
        node, stmt, scope, owner = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, ast.Call):
            shown = _read(node, stmt, scope, owner)
            if shown is not None:
                return Step(owner, node, shown)
            todo.extend(_behind_call(node, stmt, scope, owner))
        elif isinstance(node, ast.Name):
            todo.extend(_behind_name(node, stmt, scope, owner))
        elif isinstance(node, ast.Attribute):
            todo.extend(_behind_attribute(node, stmt, scope, owner))
        elif isinstance(node, ast.Subscript):
            if not _short(node.slice):
                todo.append((node.value, stmt, scope, owner))
        elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            todo.append((node.generators[0].iter, stmt, scope, owner))
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            if len(node.elts) > FEW:
                return Step(owner, node, f"{len(node.elts)} of them are written out")
            todo.extend((e.value, stmt, scope, owner) for e in node.elts if isinstance(e, ast.Starred))
        elif isinstance(node, ast.IfExp):
            todo.extend((part, stmt, scope, owner) for part in (node.body, node.orelse))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            todo.extend((part, stmt, scope, owner) for part in (node.left, node.right))
    return None


def _read(node: ast.Call, stmt: ast.stmt | None, scope: Scope, program: Program) -> str | None:
    """What shows that a call brings many things: it reads a file, or makes a dataset."""
    name = program.names.qualified(node.func, scope) or ""
    if name in _READS or name.startswith("pandas.read_"):
        return "they are read from a file here"
    if name.startswith("datasets."):
        return "they are the rows of this dataset"
    return None


def _behind_call(node: ast.Call, stmt: ast.stmt | None, scope: Scope, program: Program) -> Iterator[_Place]:
    name = program.names.qualified(node.func, scope)
    arguments = [a.value if isinstance(a, ast.Starred) else a for a in node.args]
    if name == "builtins.range":
        if len(arguments) == 3 or len(arguments) < 3:
            yield from ((a, stmt, scope, program) for a in arguments[-2:] if not isinstance(a, ast.Constant))
        return
    if name in _SAME:
        yield from ((a, stmt, scope, program) for a in arguments)
        return
    if name in _SECOND:
        yield from ((a, stmt, scope, program) for a in arguments[1:2])
        return
    func = node.func
    if isinstance(func, ast.Attribute) and func.attr in _KEEPS:
        yield func.value, stmt, scope, program
    target = program.target(node) if node in program.index.scope_of else None
    if target is not None and target.kind == "function" and target.scope is not None and target.program is not None:
        if target.scope.yields:  # `chunks(prompts, 8)`
            yield from ((a, stmt, scope, program) for a in arguments)
        for statement in target.scope.returns[:4]:
            value = statement.value
            if value is not None:
                parts = value.elts if isinstance(value, ast.Tuple) else [value]
                yield from ((part, statement, target.scope, target.program) for part in parts)


def _behind_name(node: ast.Name, stmt: ast.stmt | None, scope: Scope, program: Program) -> Iterator[_Place]:
    for binding in behind_name(program, node.id, scope, stmt):
        if binding.kind == "param":
            for owner, expr, at_scope, at in program.callers.arguments(binding.scope, binding.name):
                yield expr, at, at_scope, owner
        elif binding.kind in ("assign", "walrus", "with") and binding.value is not None:
            yield part_of(binding), binding.stmt, binding.scope, program
            if _empty(binding.value):
                yield from _filled(node.id, binding, program)


def _behind_attribute(node: ast.Attribute, stmt: ast.stmt | None, scope: Scope, program: Program) -> Iterator[_Place]:
    cls = scope.class_scope
    if cls is not None and isinstance(node.value, ast.Name) and node.value.id == scope.self_name:
        for binding in cls.attributes.get(node.attr, []):
            if binding.value is not None:
                yield binding.value, binding.stmt, binding.scope, program
    elif node.attr in _SIZES:
        yield node.value, stmt, scope, program


def _filled(name: str, binding: Binding, program: Program) -> Iterator[_Place]:
    """What the loops go over that fill a list or dict which begins empty."""
    for call in binding.scope.calls:
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr not in ("append", "extend", "add", "update"):
            continue
        if not isinstance(func.value, ast.Name) or func.value.id != name:
            continue
        stmt = program.statement(call)
        if func.attr in ("extend", "update"):
            yield from ((a, stmt, binding.scope, program) for a in call.args)
        for block in program.index.ancestors(stmt) if stmt is not None else ():
            if isinstance(block, ast.For):
                yield block.iter, block, binding.scope, program


def _empty(value: ast.expr) -> bool:
    if isinstance(value, ast.List | ast.Tuple):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    return isinstance(value, ast.Call) and not value.args and not value.keywords


def _short(index: ast.expr) -> bool:
    """Whether a slice takes a few things only: `[:5]`, `[0]`."""
    if isinstance(index, ast.Slice):
        upper = index.upper
        return isinstance(upper, ast.Constant) and isinstance(upper.value, int) and 0 <= upper.value <= FEW
    return isinstance(index, ast.Constant) and isinstance(index.value, int)
