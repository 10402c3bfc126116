"""Wrapping: the same statements in a block, a function or a method of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from dry_debug.program.walks import is_definition, is_docstring

from tests.property.naming import free_names, names
from tests.property.origins import Project, header, made
from tests.property.tally import Tally, Transformation


def _fill(text: str, body: list[ast.stmt]) -> list[ast.stmt]:
    """`text` with its first statement `...` replaced by `body`."""
    new = made(text)
    for node in (n for root in new for n in ast.walk(root)):
        inner = getattr(node, "body", None)
        if isinstance(inner, list) and len(inner) == 1 and _is_dots(inner[0]):
            inner[:] = body
            return new
    raise AssertionError(text)


def _is_dots(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def _split(tree: ast.Module) -> tuple[list[ast.stmt], list[ast.stmt], list[ast.stmt]] | None:
    """The head, the definitions that use no variable of the script, and the rest; None if there is no script."""
    start = header(tree.body)
    rest = tree.body[start:]
    script = [s for s in rest if not is_definition(s)]
    if not script:
        return None
    variables = names(script).writes
    outside = [s for s in rest if is_definition(s) and not free_names(s) & variables]
    while True:  # a definition that uses one that has to stay inside stays inside, too
        inside = {s.name for s in rest if is_definition(s) and s not in outside}  # type: ignore[attr-defined]
        fewer = [s for s in outside if not free_names(s) & inside]
        if len(fewer) == len(outside):
            return tree.body[:start], outside, [s for s in rest if s not in outside]
        outside = fewer


def _whole_script(make: str, functions: bool) -> Transformation:
    """The module's statements behind its imports in the block `make`; `functions`: which makes their names local."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for name in project.trees:
            if name in project.imported():
                tally.skip("another file imports it")
                continue
            other = project.copy()
            tree = other.trees[name]
            parts = _split(tree)
            if parts is None:
                tally.no_place()
                continue
            if functions and any(isinstance(n, ast.Global) for n in ast.walk(tree)):
                tally.skip("global")
                continue
            if any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(tree)) and functions:
                tally.skip("star import")
                continue
            if not functions:
                parts = tree.body[: header(tree.body)], [], tree.body[header(tree.body) :]
            head, outside, inside = parts
            tree.body = [*head, *outside, *_fill(make, inside)]
            yield name, other

    return transform


def _bodies(make: str, extra: str, wanted: Callable[[ast.AST], bool]) -> Transformation:
    """Every body of a function (or loop) in the block `make`, one at a time."""

    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for name, tree in project.trees.items():
            for number, node in enumerate(ast.walk(tree)):
                if not wanted(node):
                    continue
                other = project.copy()
                target = list(ast.walk(other.trees[name]))[number]
                body: list[ast.stmt] = target.body  # type: ignore[attr-defined]
                lead = 1 if is_docstring(body[0]) else 0
                while lead < len(body) and isinstance(body[lead], ast.Global | ast.Nonlocal):
                    lead += 1
                if lead == len(body):
                    tally.no_place()
                    continue
                body[lead:] = _fill(make, body[lead:])
                if extra:
                    tree_ = other.trees[name]
                    tree_.body[header(tree_.body) : header(tree_.body)] = made(extra)
                yield f"{name}:{node.lineno}", other  # type: ignore[attr-defined]

    return transform


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, ast.For | ast.While)


_TRY = 'try:\n    ...\nfinally:\n    print("finished")'
_RERAISE = 'try:\n    ...\nexcept Exception:\n    print("failed")\n    raise'
_WITH = "with contextlib.nullcontext():\n    ..."
_OWN_WITH = "with announced('part'):\n    ..."
# It takes no time: a program that measures how long its decoding takes has a reason to write that by hand.
_ANNOUNCED = """
from contextlib import contextmanager

@contextmanager
def announced(what):
    print('begin', what)
    yield
    print('end', what)
"""


def _with_import(wrapped: Transformation) -> Transformation:
    def transform(project: Project, tally: Tally) -> Iterator[tuple[str, Project]]:
        for label, other in wrapped(project, tally):
            for tree in other.trees.values():
                tree.body[header(tree.body) : header(tree.body)] = made("import contextlib")
            yield label, other

    return transform


WRAPPINGS: dict[str, Transformation] = {
    "script under if __name__": _whole_script('if __name__ == "__main__":\n    ...', False),
    "script under if True": _whole_script("if True:\n    ...", False),
    "script in main()": _whole_script("def main():\n    ...\nmain()", True),
    "script in guarded main()": _whole_script('def main():\n    ...\nif __name__ == "__main__":\n    main()', True),
    "script in a method": _whole_script("class Everything:\n    def run(self):\n        ...\nEverything().run()", True),
    "script in a static method": _whole_script(
        "class Everything:\n    @staticmethod\n    def run():\n        ...\nEverything.run()", True
    ),
    "script in an async function": _whole_script(
        "async def main():\n    ...\nimport asyncio\nasyncio.run(main())", True
    ),
    "script in try/finally": _whole_script(_TRY, False),
    "script in with": _with_import(_whole_script(_WITH, False)),
    "function body in try/finally": _bodies(_TRY, "", _is_function),
    "function body in try/except/raise": _bodies(_RERAISE, "", _is_function),
    "function body in with": _bodies(_WITH, "import contextlib", _is_function),
    "function body in a with of our own": _bodies(_OWN_WITH, _ANNOUNCED, _is_function),
    "loop body in try/finally": _bodies(_TRY, "", _is_loop),
    "loop body in try/except/raise": _bodies(_RERAISE, "", _is_loop),
    "loop body in with": _bodies(_WITH, "import contextlib", _is_loop),
    "loop body under if True": _bodies("if True:\n    ...", "", _is_loop),
}
