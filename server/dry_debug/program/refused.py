"""Objects in a saved file that `torch.load` does not take back under `weights_only=True`, its default since 2.6."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.program.reaching import reaching
from dry_debug.program.scopes import dotted
from dry_debug.program.settings import PARSING, Options

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.values import Value

MAX_HOPS = 4  # variables between the entry and what it was made of
_PATHS = "pathlib.Path pathlib.PurePath pathlib.PosixPath pathlib.PurePosixPath pathlib.WindowsPath".split()
_SCALARS = frozenset(
    "mean median std var sum max min prod average percentile quantile float16 float32 float64 int32 int64".split()
)
_REDUCED_BY = frozenset("axis keepdims out".split())
_ARRAYS = frozenset("array zeros ones full empty arange linspace asarray concatenate stack".split())
_PICKLED = {
    "module": "a whole module", "optimizer": "a whole optimizer", "scheduler": "a whole scheduler",
    "scaler": "a whole gradient scaler",
}  # fmt: skip
# A line that makes something else of the options: a dict of them is read back.
_TURNED = re.compile(r"\bvars\(|\b__dict__\b|Dict\(|\.to_dict\(|\bas_?dict\(|\bOmegaConf\b")
_TURNING = ("vars(", "__dict__", "dict(", "Dict(", "OmegaConf")  # one of them stands in whatever `_TURNED` finds
_SHOWN = re.compile(r"print|log|wandb|dump|format|\.items\(|write|update\(|\bfor\b|[bfr]['\"]")


class Refusal(NamedTuple):
    """What an entry is, and the function around it that makes a plain value of it (`vars`), if there is one."""

    what: str
    plain: str | None = None


def refusal(value: Value, node: ast.AST, at: ast.stmt | None, program: Program) -> Refusal | None:
    """What is refused of an entry with this value; `node`, its expression or the statement that stores it, stands in
    the statement `at` of `program`. None for what is read back, and for what is not known."""
    expr = node.value if isinstance(node, ast.Assign) else node
    if not isinstance(expr, ast.expr):
        return None
    named = isinstance(expr, ast.Name | ast.Attribute)
    if value.kind == "settings":
        if isinstance(value.items, Options) and named and _stays_namespace(value, expr, at, program):
            return Refusal("the `argparse.Namespace`", "vars")
        return None
    if value.kind in _PICKLED and value.confidence == "high" and value.via != "loaded" and named:
        return Refusal(_PICKLED[value.kind])
    if value.kind == "instance" and value.confidence == "high" and named and value.scope is not None:
        return Refusal(f"an object of class `{value.scope.name}`") if value.scope.kind == "class" else None
    if value.type == "torch.__version__" and named:
        return Refusal("`torch.__version__`, which is no `str`,", "str")
    return _made(expr, at, program, 0)


def _stays_namespace(value: Value, expr: ast.expr, at: ast.stmt | None, program: Program) -> bool:
    """Whether the options are still the namespace that the parser gave, not a dict of them."""
    made = _only(expr, at, program)
    if made is not None and _parsed(made[0]):
        return True
    texts = {program.document.source}
    if value.program is not None:
        texts.add(value.program.document.source)
    return not any(_SHOWN.search(line) is None for text in texts for line in _turned(text))


def _turned(text: str) -> Iterator[str]:
    """The lines that make something else of the options; the words are found in no time, the pattern line by line."""
    for word in _TURNING:
        at = text.find(word)
        while at >= 0:
            end = text.find("\n", at)
            line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]
            if _TURNED.search(line):
                yield line
            at = text.find(word, end) if end >= 0 else -1


def _parsed(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute) and expr.func.attr in PARSING


def _only(expr: ast.expr, at: ast.stmt | None, program: Program) -> tuple[ast.expr, ast.stmt] | None:
    """What the variable or attribute was made of, and where, if one assignment reaches it."""
    if at is None:
        return None
    scope = program.scope(at)
    if isinstance(expr, ast.Name):
        found = program.names.lookup(expr.id, scope)
        if found is None:
            return None
        reach = reaching(program.index, found[1], at) if found[0] is scope else found[1]
    elif isinstance(expr, ast.Attribute) and scope.class_scope is not None and scope.self_name is not None:
        if dotted(expr.value) != scope.self_name:
            return None
        reach = scope.class_scope.attributes.get(expr.attr, [])
    else:
        return None
    one = reach[0] if len(reach) == 1 else None
    if one is None or one.kind != "assign" or one.path or one.value is None or one.stmt is None:
        return None
    return one.value, one.stmt


def _made(expr: ast.expr, at: ast.stmt | None, program: Program, hops: int) -> Refusal | None:
    """By the call that made it."""
    if isinstance(expr, ast.Name | ast.Attribute):
        made = _only(expr, at, program) if hops < MAX_HOPS else None
        return _made(*made, program, hops + 1) if made is not None else None
    if not isinstance(expr, ast.Call):
        return None
    name = program.qualified(expr) or ""
    if name in _PATHS:
        return Refusal("a `pathlib` path", "str")
    if name == "argparse.Namespace":
        return Refusal("the `argparse.Namespace`", "vars")
    if name == "numpy.random.get_state":
        return Refusal("NumPy's random state (it holds an array)")
    head, _, last = name.rpartition(".")
    if head != "numpy":
        return None
    if last in _SCALARS and len(expr.args) == 1 and not any(k.arg in (*_REDUCED_BY, None) for k in expr.keywords):
        return Refusal("a NumPy number", "int" if last.startswith("int") else "float")
    return Refusal("a NumPy array") if last in _ARRAYS else None
