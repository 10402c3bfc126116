"""A file that is written aside and moved into place: a crash while saving leaves the one from before."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from dry_debug.fixes.layout import free_name, indent_of, is_plain, quoted
from dry_debug.fixes.modules import module_name
from dry_debug.program.arguments import argument
from dry_debug.program.scopes import dotted

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.program.program import Program

_LONG = 40  # a path that is longer gets a name instead of being written twice
# Names of open files and buffers, where nothing else is known of them.
_STREAMS = re.compile(r"^(f|fp|fh|fd|fout|buf|buff|buffer|stream|handle|bio|bytes_io|file_obj|fileobj)$", re.IGNORECASE)
_MOVES = ("os.replace", "os.rename", "shutil.move")
_OPENED = frozenset(("builtins.open", "io.BytesIO", "io.open", "tempfile.NamedTemporaryFile", "tempfile.TemporaryFile"))


def written_aside(changes: Changes, call: ast.Call, program: Program) -> tuple[list[str], list[str]] | None:
    """Makes `torch.save(state, path)` write beside the path: the lines that have to stand before and behind it, the
    last of which moves the file; None where it is not done."""
    stmt, path = program.statement(call), argument(call, 1, "f")
    if not is_own_statement(call, program) or path is None or stmt is None:
        return None
    if program.qualified(call) != "torch.save" or not is_path(path, call, program) or _moves(call, program):
        return None
    name, needs = module_name("os", program, program.scope(call))
    if name is None:
        return None
    text = program.text(path)
    before: list[str] = []
    first, second = _texts(path, text, program)
    if first is None:
        held = free_name(program, "checkpoint_path", "ckpt_path", "save_path", "checkpoint_file")
        if held is None or not is_plain(program, path):
            return None
        before = [f"{held} = {' '.join(text.split())}"]
        first, second = _texts(ast.Name(held), held, program)
    if first is None:
        return None
    changes.replace(program.span(path), first, program)
    changes.need(*needs, program=program)
    return before, [f"{name}.replace({first}, {second})"]


def is_own_statement(call: ast.Call, program: Program) -> bool:
    """Whether the call is a statement in a line of its own, so that lines can stand before and behind it."""
    stmt = program.statement(call)
    if not isinstance(stmt, ast.Expr) or stmt.value is not call or indent_of(program, stmt) is None:
        return False
    lines, end = program.document.lines, program.span(stmt).end
    rest = program.document.source[end : lines.line_end(lines.line_of(end))].strip()
    return not rest or rest.startswith("#")


def _moves(call: ast.Call, program: Program) -> bool:
    """Whether the function moves a file into place already."""
    return any(program.qualified(other) in _MOVES for other in program.scope(call).calls)


def _texts(path: ast.expr, text: str, program: Program) -> tuple[str | None, str]:
    """The path of the file that is written first, and the path, as code; None where the path has to be named."""
    if isinstance(path, ast.Name) or dotted(path) is not None:
        mark = quoted(program, "")[0]
        return f"f{mark}{{{text}}}.tmp{mark}", text
    literal = isinstance(path, ast.JoinedStr) or (isinstance(path, ast.Constant) and isinstance(path.value, str))
    if literal and len(text) <= _LONG and "\n" not in text and text[-1] in "'\"" and text[-3:-1] != text[-1] * 2:
        return f"{text[:-1]}.tmp{text[-1]}", text
    return None, text


def is_path(path: ast.expr, call: ast.Call, program: Program) -> bool:
    """Whether it is a path, not an open file: `torch.save` takes both."""
    if isinstance(path, ast.Constant | ast.JoinedStr | ast.BinOp):
        return not isinstance(path, ast.Constant) or isinstance(path.value, str)
    if isinstance(path, ast.Call):
        return program.qualified(path) not in _OPENED
    name = dotted(path)
    if name is None:
        return isinstance(path, ast.Subscript)
    if _STREAMS.match(name.rpartition(".")[2]):
        return False
    found = program.names.lookup(name, program.scope(call)) if "." not in name else None
    for b in found[1] if found is not None else ():
        if b.kind == "with" or (isinstance(b.value, ast.Call) and program.qualified(b.value) in _OPENED):
            return False
    return True
