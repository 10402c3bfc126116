"""A complete checkpoint in a second file, in the folder of the weights that a program exports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.dict_entries import Entry
from dry_debug.fixes.file_writes import is_own_statement, is_path
from dry_debug.fixes.layout import free_name, is_plain, lines_after, quote_of
from dry_debug.fixes.modules import module_name
from dry_debug.fixes.rank_guard import guard
from dry_debug.program.scopes import dotted, last_name
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import dataclass

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

_FILES = ("checkpoint", "resume", "run_state")


@dataclass(slots=True)
class SecondFile:
    """Where the second file lies: its path as code, the variable that holds it, and what of the first path is in it."""

    text: str
    variable: str
    used: list[ast.expr]


def second_file(run: Run, program: Program) -> SecondFile | None:
    """The file beside the one that `run` writes."""
    call, path = run.site.node, run.site.path
    name, _ = module_name("os", program, program.scope(call))
    held = free_name(program, "checkpoint_path", "ckpt_path", "resume_path")
    if path is None or name is None or held is None or not is_own_statement(call, program):
        return None
    if not is_path(path, call, program) or not is_plain(program, path):
        return None
    file = next((f"{n}.pt" for n in _FILES if f"{n}.pt" not in program.document.source), "resume_state.pt")
    text, used = _in_folder(path, file, name, program)
    return SecondFile(text, held, used)


def _in_folder(path: ast.expr, file: str, os_name: str, program: Program) -> tuple[str, list[ast.expr]]:
    """(the path of `file` in the folder of `path`, as code; the expressions of the program that are in it)."""
    mark = quote_of(program)
    text = " ".join(program.text(path).split())
    if isinstance(path, ast.Constant):
        parent = str(path.value).rpartition("/")[0]
        return f"{mark}{parent}/{file}{mark}" if parent else f"{mark}{file}{mark}", []
    pattern = _pattern(path)
    folder = _told_folder(pattern) if pattern is not None else None
    if folder is not None:
        return f"{mark}{folder}/{file}{mark}" if folder else f"{mark}{file}{mark}", []
    filled = _filled_in(path, pattern, file, mark, program) if pattern is not None else None
    if filled is not None:
        return filled
    if isinstance(path, ast.JoinedStr) and text[:1] == "f" and text[1:2] in ("'", '"') and text[-1] == text[1]:
        cut = text.rfind("/")
        head = text[:cut]
        if cut > 0 and head.count("{") == head.count("}") and head.count(text[1]) == 1:
            kept = [v.value for v in path.values if isinstance(v, ast.FormattedValue)]
            folder = head if "{" in head else head[1:]
            return f"{folder}/{file}{text[1]}", kept[: head.count("{")]
    if isinstance(path, ast.Call) and program.qualified(path) == "os.path.join" and len(path.args) > 1:
        last_part = path.args[-1]
        unknown = (
            isinstance(last_part, ast.Starred | ast.Call | ast.Name | ast.Attribute) and _pattern(last_part) is None
        )
        plain = "/" not in program.text(last_part) and not unknown
        if plain and not path.keywords:
            parts = [" ".join(program.text(a).split()) for a in path.args[:-1]]
            return f"{os_name}.path.join({', '.join(parts)}, {mark}{file}{mark})", list(path.args[:-1])
    if isinstance(path, ast.BinOp) and isinstance(path.op, ast.Div) and "/" not in program.text(path.right):
        return f"{program.text(path.left)} / {mark}{file}{mark}", [path.left]
    joined = _of_sum(path, file, mark, program)
    if joined is not None:
        return joined
    return f"{os_name}.path.join({os_name}.path.dirname({text}), {mark}{file}{mark})", [path]


def _of_sum(path: ast.expr, file: str, mark: str, program: Program) -> tuple[str, list[ast.expr]] | None:
    """The path of `file` beside `folder + "/model_" + str(epoch)` or `prefix + "last.pt"`: what stands before the last
    slash, or before the last text, is kept; also where `"{}.pt".format(...)` takes it."""
    pattern = _pattern(path) if isinstance(path, ast.Call) else None
    if isinstance(path, ast.Call) and pattern is not None and len(path.args) == 1 and not path.keywords:
        if pattern.startswith("{}") and pattern.count("{") == 1 and "/" not in pattern:
            return _of_sum(path.args[0], file, mark, program) if isinstance(path.args[0], ast.BinOp) else None
        return None
    parts: list[ast.expr] = []
    current = path
    while isinstance(current, ast.BinOp) and isinstance(current.op, ast.Add):
        parts.insert(0, current.right)
        current = current.left
    if not parts:
        return None
    parts.insert(0, current)
    texts = [_text_of(p) for p in parts]
    for at in range(len(parts) - 1, 0, -1):
        said = texts[at]
        if said is not None and ("/" in said or at == len(parts) - 1 == 1):
            folder = said.rpartition("/")[0] + "/" if "/" in said else ""
            kept = " + ".join(" ".join(program.text(p).split()) for p in parts[:at])
            return f"{kept} + {mark}{folder}{file}{mark}", parts[:at]
        if said is None and not _is_str(parts[at], program):
            return None  # it may have a folder in it
    first = texts[0]
    if first is not None and "/" in first:
        return f"{mark}{first.rpartition('/')[0]}/{file}{mark}", []
    return None


def _text_of(part: ast.expr) -> str | None:
    """A part of a path as text: of a pattern (`"/model-%d" % epoch`), what its folder is whatever fills its holes."""
    if isinstance(part, ast.Constant):
        return part.value if isinstance(part.value, str) else None
    pattern = _pattern(part)
    folder = _told_folder(pattern) if pattern is not None else None
    return f"{folder}/" if pattern is not None and folder is not None and "/" in pattern else None


def _is_str(part: ast.expr, program: Program) -> bool:
    """Whether it is `str(...)`, or a piece of that."""
    while isinstance(part, ast.Subscript):
        part = part.value
    return isinstance(part, ast.Call) and program.qualified(part) == "builtins.str"


def _told_folder(pattern: str) -> str | None:
    """The folder that a pattern names whatever fills its holes; None where a hole may have a folder in it."""
    folder, _, name = pattern.rpartition("/")
    return None if "{" in folder or "%" in folder or name.startswith(("{", "%s")) else folder


def _filled_in(
    path: ast.expr, pattern: str, file: str, mark: str, program: Program
) -> tuple[str, list[ast.expr]] | None:
    """The folder's part of `"%s/..." % (...)` or `"{}/...".format(...)` with what fills its holes."""
    head = pattern.rpartition("/")[0]
    if isinstance(path, ast.BinOp):
        given = list(path.right.elts) if isinstance(path.right, ast.Tuple) else [path.right]
        count = head.count("%")
        if not count or count != head.count("%s") + head.count("%d") or count > len(given):
            return None
        texts = [program.text(e) for e in given[:count]]
        right = texts[0] if count == 1 and dotted(given[0]) is not None else f"({', '.join(texts)}{',' * (count == 1)})"
        return f"{mark}{head}/{file}{mark} % {right}", given[:count]
    if not isinstance(path, ast.Call) or path.keywords or head.count("{") != head.count("{}") or "%" in head:
        return None
    count = head.count("{}")
    if not count or count > len(path.args) or any(isinstance(a, ast.Starred) for a in path.args):
        return None
    texts = [program.text(e) for e in path.args[:count]]
    return f"{mark}{head}/{file}{mark}.format({', '.join(texts)})", list(path.args[:count])


def _pattern(path: ast.expr) -> str | None:
    """The text that `"...{}...".format(...)` or `"...%d..." % (...)` fills in."""
    if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute) and path.func.attr == "format":
        path = path.func.value
    elif isinstance(path, ast.BinOp) and isinstance(path.op, ast.Mod):
        path = path.left
    return path.value if isinstance(path, ast.Constant) and isinstance(path.value, str) else None


def write_beside(
    changes: Changes,
    runs: list[Run],
    entries: list[Entry],
    rng: RandomState | None,
    file: SecondFile,
    program: Program,
    named: bool = False,
) -> bool:
    """Writes `entries` to the second file behind the exports; `named`: its variable is set before the loop already."""
    run = runs[-1]
    call = run.site.node
    stmts = [program.statement(each.site.node) for each in runs]
    stmt = _behind_branches(stmts, [*(value for _, value in entries), file.text], program)
    name, needs = module_name("os", program, program.scope(call))
    if stmt is None or name is None:
        return False
    mark, held = quote_of(program), file.variable
    lines = [
        *([] if named else [f"{held} = {file.text}"]),
        f"{program.text(call.func)}({{",
        *(f"\t{mark}{key}{mark}: {value}," for key, value in entries),
        f"}}, f{mark}{{{held}}}.tmp{mark})",
        f"{name}.replace(f{mark}{{{held}}}.tmp{mark}, {held})",
    ]
    alone = guard(run, program)
    if alone is not None:
        test, barrier, more = alone
        lines = [test, *(f"\t{line}" for line in lines), *barrier]
        changes.need(*more, program=program)
    changes.need(*needs, *(rng.saving if rng is not None and rng.gathered is None else ()), program=program)
    return lines_after(changes, stmt, lines, program)


def _behind_branches(stmts: list[ast.stmt | None], texts: list[str], program: Program) -> ast.stmt | None:
    """The statement behind which every way that saves comes by: the `if` that `stmts` are the branches of, or the one
    around the last of them where its other branch saves as well, in another way; and nothing in `texts` is bound in
    its branches."""
    stmt = stmts[-1]
    block = program.index.parent.get(stmt) if stmt is not None else None
    while isinstance(block, ast.If) and stmt in (*block.body, *block.orelse):
        around, other = block, block.orelse if stmt in block.body else block.body
        calls = [last_name(n.func) for part in other for n in nodes(part) if isinstance(n, ast.Call)]
        asks = {last_name(n.func) for n in nodes(block.test) if isinstance(n, ast.Call)}
        parted = any(each in other for each in stmts)
        if not parted and (not any("save" in name for name in calls) or asks & {"isinstance", "hasattr"}):
            break
        heads = {name for text in texts for name in names_in(ast.parse(text, mode="eval"))}
        bindings = program.scope(around).bindings
        if any(b.stmt is not None and program.index.inside(b.stmt, around) for n in heads for b in bindings.get(n, ())):
            break
        stmt, block = around, program.index.parent.get(around)
    return stmt
