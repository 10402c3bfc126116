"""Mechanical variations of a bad example: the same mistake in other surroundings.

Each variation gives the new text and, for each line of the old one, the new lines at which a finding of that line may
stand; or None where the example has no place for it.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dry_debug.program.walks import is_definition, is_docstring

from tests.pages.library_names import LIBRARY_ATTRIBUTES


@dataclass(frozen=True)
class Varied:
    """`lines` maps one-based old lines to the one-based new lines that count for them."""

    text: str
    lines: dict[int, frozenset[int]]


# A line of the new text, and the one-based old lines that it stands for.
_Line = tuple[str, tuple[int, ...]]
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class _Source:
    """An example, its lines and its parts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines: list[_Line] = [(line, (number,)) for number, line in enumerate(text.split("\n"), 1)]
        if not text.split("\n")[-1]:
            self.lines.pop()
        body = self.tree.body
        count = 0
        while count < len(body) and (_is_import(body[count]) or (count == 0 and is_docstring(body[count]))):
            count += 1
        self.body = body[count:]
        self.header_end = body[count - 1].end_lineno or 0 if count else 0  # number of lines
        self.inside_strings = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant | ast.JoinedStr) and (node.end_lineno or 0) > node.lineno
            if isinstance(node, ast.JoinedStr) or isinstance(node.value, str | bytes)
            for line in range(node.lineno + 1, (node.end_lineno or 0) + 1)
        }

    def slice(self, first: int, last: int) -> list[_Line]:
        """One-based lines `first` to `last`, both included."""
        return self.lines[first - 1 : last]

    def indented(self, lines: Sequence[_Line]) -> list[_Line]:
        return [
            (line, old) if not line.strip() or (old and old[0] in self.inside_strings) else ("    " + line, old)
            for line, old in lines
        ]

    @property
    def header(self) -> list[_Line]:
        return self.slice(1, self.header_end)

    def with_import(self, name: str) -> list[_Line]:
        """The header with `import name`, unless that stands there."""
        for node in self.tree.body:
            if isinstance(node, ast.Import) and any(a.name == name and not a.asname for a in node.names):
                return self.header
        return [*self.header, (f"import {name}", ())]


def variations(text: str, marked: Sequence[int]) -> Iterator[tuple[str, Varied]]:
    """The variations of an example whose findings stand at the one-based lines `marked`."""
    for name, make in _MAKERS.items():
        source = _Source(text)
        lines = make(source, marked)
        if lines is None:
            continue
        moved: dict[int, set[int]] = {}
        for number, (_, olds) in enumerate(lines, 1):
            for old in olds:
                moved.setdefault(old, set()).add(number)
        new = "\n".join(line for line, _ in lines) + "\n"
        ast.parse(new)
        yield name, Varied(new, {old: frozenset(numbers) for old, numbers in moved.items()})


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _in_function(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    return _wrapped(source, ["def run_everything():"], ["run_everything()"], 1)


def _in_method(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    return _wrapped(source, ["class Everything:", "    def run(self):"], ["Everything().run()"], 2)


def _wrapped(source: _Source, opening: list[str], closing: list[str], depth: int) -> list[_Line] | None:
    """The script's statements in a block; definitions stay outside where they use none of its variables."""
    nodes = [node for statement in source.body for node in ast.walk(statement)]
    script = [statement for statement in source.body if not is_definition(statement)]
    if not script or any(isinstance(node, ast.Global) for node in nodes):
        return None
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in nodes):
        return None
    named = [node for statement in script for node in ast.walk(statement) if isinstance(node, ast.Name)]
    assigned = {node.id for node in named if not isinstance(node.ctx, ast.Load)}
    loaded = {name for s in source.body if is_definition(s) for name in _free_names(s)}
    outside: list[_Line] = []
    inside: list[_Line] = []
    at = source.header_end + 1
    for statement in source.body:
        end = statement.end_lineno or statement.lineno
        keep_out = is_definition(statement) and not assigned & loaded
        (outside if keep_out else inside).extend(source.slice(at, end))
        at = end + 1
    inside.extend(source.slice(at, len(source.lines)))
    for _ in range(depth):
        inside = source.indented(inside)
    return [*source.header, *outside, *_new(*opening), *inside, *_new("", *closing)]


def _free_names(definition: ast.stmt) -> set[str]:
    """Names that a definition uses and does not bind itself (one bound in any of its scopes counts as its own)."""
    nodes = list(ast.walk(definition))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    return {n.id for n in nodes if isinstance(n, ast.Name)} - bound


def _new(*lines: str) -> list[_Line]:
    return [(line, ()) for line in lines]


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _enclosing(source: _Source, line: int) -> _Function | None:
    """The innermost function whose body holds the one-based line."""
    found: _Function | None = None
    for node in ast.walk(source.tree):
        holds = isinstance(node, _Function) and node.body[0].lineno <= line <= (node.end_lineno or 0)
        if isinstance(node, _Function) and holds and (found is None or node.lineno > found.lineno):
            found = node
    return found


def _around_body(
    source: _Source, marked: Sequence[int], header: list[_Line], opening: str, closing: list[str]
) -> list[_Line] | None:
    """The body of the function that holds the first marked line (or of the module) in a block of its own."""
    function = _enclosing(source, marked[0])
    body = function.body if function else source.body
    if function and is_docstring(body[0]):
        body = body[1:]
    if not body or (function and function.lineno == body[0].lineno):
        return None
    first = _first_line(body[0]) if function else source.header_end + 1
    last = body[-1].end_lineno or body[-1].lineno
    if any(isinstance(n, ast.Global | ast.Nonlocal) for n in body) or source.lines[last - 1][0].count(";"):
        return None
    indent = " " * body[0].col_offset if function else ""
    if function and source.text.split("\n")[first - 1].startswith("\t"):
        return None
    return [
        *header,
        *source.slice(source.header_end + 1, first - 1),
        *_new(indent + opening),
        *source.indented(source.slice(first, last)),
        *_new(*(indent + line for line in closing)),
        *source.slice(last + 1, len(source.lines)),
    ]


def _in_try(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    return _around_body(source, marked, source.header, "try:", ["finally:", '    print("finished")'])


def _in_with(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    return _around_body(source, marked, source.with_import("contextlib"), "with contextlib.nullcontext():", [])


def _behind_helper(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    """The one marked statement in a function of its own; a finding may stand there or at the call."""
    statements = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr | ast.Assign) and node.lineno <= marked[0] <= (node.end_lineno or 0)
    ]
    if len(set(marked)) != 1 or len(statements) != 1:
        return None
    statement = statements[0]
    call = statement.value
    target = ""
    if isinstance(statement, ast.Assign):
        if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
            return None
        target = f"{statement.targets[0].id} = "
    first, last = statement.lineno, statement.end_lineno or 0
    raw = source.text.split("\n")
    before = raw[first - 1][: statement.col_offset]
    after = raw[last - 1].encode()[statement.end_col_offset or 0 :].decode().strip()
    if not isinstance(call, ast.Call) or before.strip() or (after and not after.startswith("#")):
        return None
    nodes = list(ast.walk(call))
    if any(isinstance(n, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr | ast.Lambda) for n in nodes):
        return None
    own = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    everywhere = list(ast.walk(source.tree))
    variables = {n.id for n in everywhere if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    variables |= {n.arg for n in everywhere if isinstance(n, ast.arg)}
    used = [n.id for n in nodes if isinstance(n, ast.Name) and n.id in variables and n.id not in own]
    if "self" in used or "cls" in used or any(isinstance(n, ast.Name) and n.id == "super" for n in nodes):
        return None
    names = ", ".join(dict.fromkeys(used))
    inner = source.slice(call.lineno, last)
    lead = "    return " if target else "    "
    rest = (first, *range(call.lineno, last + 1))
    text = inner[0][0].encode()[call.col_offset :].decode()
    helper: list[_Line] = [*_new("", "", f"def carry_out({names}):"), (lead + text, rest), *inner[1:], *_new("", "")]
    return [
        *source.header,
        *helper,
        *source.slice(source.header_end + 1, first - 1),
        (f"{before}{target}carry_out({names})", rest),
        *source.slice(last + 1, len(source.lines)),
    ]


_OTHER_LAUNCHERS = ("DistributedDataParallel", "FullyShardedDataParallel", "DataParallel", "accelerat", "Trainer")


def _models(source: _Source) -> list[tuple[ast.Assign, str]]:
    """`model = X(...)` statements whose parameters are used and of which only module methods are called."""
    if any(word in source.text for word in (*_OTHER_LAUNCHERS, "lightning", "deepspeed", "LLM(")):
        return []
    found: list[tuple[ast.Assign, str]] = []
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1):
            continue
        name = ast.unparse(node.targets[0])
        used = {n.attr for n in ast.walk(source.tree) if isinstance(n, ast.Attribute) and ast.unparse(n.value) == name}
        own_line = source.lines[node.lineno - 1][0].strip().startswith(name)
        if "parameters" in used and used <= LIBRARY_ATTRIBUTES - {"generate", "config"} and own_line:
            found.append((node, name))
    return found


def _inserted(source: _Source, header: list[_Line], after: dict[int, list[str]]) -> list[_Line]:
    """The text with new lines after some one-based lines."""
    result = list(header)
    for number in range(source.header_end + 1, len(source.lines) + 1):
        result.extend(source.slice(number, number))
        result.extend(_new(*after.get(number, ())))
    return result


def _in_ddp(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    after: dict[int, list[str]] = {}
    for node, name in _models(source):
        wrap = f"{name} = torch.nn.parallel.DistributedDataParallel({name})"
        after.setdefault(node.end_lineno or 0, []).append(" " * node.col_offset + wrap)
    return _inserted(source, source.with_import("torch"), after) if after else None


def _with_accelerate(source: _Source, marked: Sequence[int]) -> list[_Line] | None:
    if "GradScaler" in source.text:
        return None  # accelerate brings its own scaler
    parents = _parents(source.tree)
    for model, name in _models(source):
        for node in ast.walk(source.tree):
            if (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and isinstance(node.targets[0], ast.Name)
                and f"{name}.parameters()" in ast.unparse(node.value)
                and "ptim" in ast.unparse(node.value.func)
                and parents[node] is parents[model]
                and node.lineno > model.lineno
            ):
                optimizer = node.targets[0].id
                lines = ["accelerator = accelerate.Accelerator()"]
                lines.append(f"{name}, {optimizer} = accelerator.prepare({name}, {optimizer})")
                new = {node.end_lineno or 0: [" " * node.col_offset + line for line in lines]}
                return _inserted(source, source.with_import("accelerate"), new)
    return None


_MAKERS: dict[str, Callable[[_Source, Sequence[int]], list[_Line] | None]] = {
    "function": _in_function,
    "method": _in_method,
    "helper": _behind_helper,
    "try": _in_try,
    "with": _in_with,
    "ddp": _in_ddp,
    "accelerate": _with_accelerate,
}
