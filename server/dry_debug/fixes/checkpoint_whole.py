"""The whole of a checkpoint as plain data: what is in the file after the fix, under names that hold before the loop."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from dry_debug.fixes.at_hand import bound_at
from dry_debug.fixes.beside import SecondFile
from dry_debug.fixes.checkpoint_rows import Row, stmt_in_loop
from dry_debug.fixes.checkpoint_save import model_entries, one_each, same_place
from dry_debug.fixes.completable import is_bare
from dry_debug.fixes.layout import free_name, is_plain
from dry_debug.fixes.start import finished, range_of
from dry_debug.fixes.unwrapping import is_state, saved_wrapped
from dry_debug.program.own_count import ahead, loops_around, own_counts
from dry_debug.program.payload import literal_entries
from dry_debug.program.run_numbers import counters, outermost
from dry_debug.program.scopes import dotted
from dry_debug.program.walks import names_in, nodes
from dry_debug.records import dataclass, field

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

_PLAIN = frozenset(f"builtins.{name}" for name in ("int", "float", "str", "bool", "len", "round", "vars"))
# Names of what is an object, where nothing else is known of it.
_OBJECT = re.compile(
    r"args|opt|cfg|conf|param|vocab|token|data|encoder|metric|history|stats|logger|meter", re.IGNORECASE
)


class Number(NamedTuple):
    """A number under `key`: the expression that is saved, the variable that it goes back into, and what is added."""

    key: str
    saved: str
    name: str
    plus: int = 0

    def put_back(self, entry: str) -> str:
        """The expression that the variable gets from the expression `entry`, which reads the checkpoint."""
        return f"{entry} {'+' if self.plus > 0 else '-'} {abs(self.plus)}" if self.plus else entry


@dataclass(slots=True)
class Whole:
    """Everything that a run saves, with names that hold before its loop as well as at the save.

    `parts`: key -> the object; `optional`: those that may be None. `numbers`: what goes back into a variable.
    `counted`: the key of the finished epoch, `start` the variable that the loop begins with, `first` its value in a
    new run (None: it has one already); all empty where the loop counts itself, in `numbers`. `before`: the statement
    that all of it is put back before.
    """

    before: ast.stmt
    path: str
    counted: str
    start: str
    first: int | None
    parts: list[tuple[str, str]] = field(default_factory=list)
    optional: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)  # schedulers that are saved before the step of their epoch
    numbers: list[Number] = field(default_factory=list)
    constants: list[tuple[str, str]] = field(default_factory=list)  # what is saved besides and not put back


def whole_of(runs: list[Run], rows: list[Row], file: SecondFile | None, program: Program) -> Whole | None:
    """What the checkpoint of `runs`, or the second `file`, holds with `rows` added; None where it cannot all be put
    back before the loop."""
    run = runs[0]
    site, loop = run.site, run.loop
    if any(row.behind_with_result for row in rows):
        return None
    if outermost(program, loop) is not loop:
        return None
    over = range_of(run, program)
    counts = counts_of(run, program) if isinstance(loop, ast.While) else {}
    if not counts and (over is None or not finished(run, program)):
        return None
    same = program.scope(site.node) is program.scope(loop)
    if site.owner is not program or not (
        same or program.scope(site.node).class_scope is program.scope(loop).class_scope
    ):
        return None
    if file is not None:
        steady = all(stable_path(part, run, program) == " ".join(program.text(part).split()) for part in file.used)
        where = file.variable if steady else None
    else:
        where = stable_path(site.path, run, program)
    first = over.args[0] if over is not None and len(over.args) > 1 else None
    started = start_of(first, run, program) if over is not None else ("", None)
    if where is None or started is None:
        return None
    counter = loop.target.id if isinstance(loop, ast.For) and isinstance(loop.target, ast.Name) else ""
    whole = Whole(loop, where, "", *started)
    if not _own(whole, runs, counter, counts, program):
        return None
    for row in rows:
        if not row.local:
            return None
        if row.how == "state":
            whole.parts.append((row.key, row.name))
            if row.behind:
                whole.late.add(row.key)
            if row.optional:
                whole.optional.add(row.key)
        elif row.name == counter:
            whole.counted = row.key
        else:
            whole.numbers.append(Number(row.key, row.saved(), row.name))
    names = [name for _, name in whole.parts] + [number.name for number in whole.numbers]
    if not all(holds(name, same, loop, program) for name in names):
        return None
    if (not whole.counted and not counts.keys() <= set(names)) or not (whole.counted or counts):
        return None
    models = {key: model.text for key, _, model in saved_wrapped(run, program)}
    if all(is_bare(r.site) for r in runs):
        models = {key: text.removesuffix(".state_dict()") for key, text in model_entries(runs, program)}
    whole.parts = [(key, models.get(key, name)) for key, name in whole.parts]
    return whole


def counts_of(run: Run, program: Program) -> dict[str, int]:
    """What the `while` loop of a run counts -> what has to be added to it at the save; empty where one of them does not
    say there how far the run is."""
    loop, save = run.loop, stmt_in_loop(run, program)
    if not isinstance(loop, ast.While) or save is None:
        return {}
    found: dict[str, int] = {}
    for name, counted in own_counts(program, loop):
        plus = ahead(program, counted, save)
        if plus is None:
            return {}
        found[name] = plus
    return found if found and not _halfway(run, save, program) else {}


def _halfway(run: Run, save: ast.stmt, program: Program) -> bool:
    """Whether the save stands in an inner loop whose rounds nobody counts."""
    inner = next(iter(loops_around(program, save)), run.loop)
    counted = (stmt for _, stmt in own_counts(program, run.loop))  # type: ignore[arg-type]
    return inner is not run.loop and not any(program.index.inside(stmt, inner) for stmt in counted)


def start_of(first: ast.expr | None, run: Run, program: Program) -> tuple[str, int | None] | None:
    """(the variable that the loop begins with, its value in a new run; None: it has one)."""
    counter = run.loop.target.id if isinstance(run.loop, ast.For) and isinstance(run.loop.target, ast.Name) else "epoch"
    if first is not None and isinstance(first, ast.Name):
        return (first.id, None) if bound_at(first.id, program, run.loop) else None
    number = 0 if first is None else first.value if isinstance(first, ast.Constant) else None
    name = free_name(program, f"start_{counter}", f"first_{counter}")
    return (name, number) if type(number) is int and name is not None else None


def _own(whole: Whole, runs: list[Run], counter: str, counts: dict[str, int], program: Program) -> bool:
    """What is saved already: states under simple names, the epoch, plain values."""
    site = runs[0].site
    kept = {name for name, _ in counters(program, runs[0].loop)} | {
        name for _, name, _ in program.training.save_purpose.metric_guards(runs[0].loop)
    }
    if all(is_bare(run.site) for run in runs):
        found: list[tuple[str, ast.expr]] = [
            (key, run.site.payload) for (key, _), run in zip(model_entries(runs, program), one_each(runs), strict=True)
        ]
    elif site.dict_node is not None and same_place(site, program):
        found = [(key, expr) for key, expr in literal_entries(site.dict_node) if key is not None]
        if len({id(run.site.dict_node) for run in runs}) > 1 or len(found) != len(site.entries):
            return False
    else:
        return False
    for key, value in found:
        state = value.func.value if is_state(value) else None  # type: ignore[attr-defined]
        name = dotted(state) if state is not None else None
        if name is not None:
            whole.parts.append((key, name))
        elif isinstance(value, ast.Name) and value.id == counter:
            whole.counted = key
        elif (held := _number_in(value, counts)) is not None:
            whole.numbers.append(Number(key, program.text(value), *held))
        elif any(entry.key == key and entry.value.kind == "state" for entry in site.entries) or is_state(value):
            return False
        elif not _is_plain_data(value, program, site.node):
            return False  # the file may hold what the default loader refuses
        elif (path := dotted(value)) is not None and path in kept:
            whole.numbers.append(Number(key, path, path))
        else:
            whole.constants.append((key, program.text(value)))
    return bool(whole.parts)


def _number_in(value: ast.expr, counts: dict[str, int]) -> tuple[str, int] | None:
    """(the number, what the run has to add to it) where `value` is one that the loop counts, or that and 1."""
    one = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and isinstance(value.right, ast.Constant)
    given = value.right.value if one and type(value.right.value) is int else 0  # type: ignore[attr-defined]
    name = dotted(value.left if given else value)  # type: ignore[attr-defined]
    return (name, counts[name] - given) if name is not None and name in counts else None


def _is_plain_data(value: ast.expr, program: Program, at: ast.AST) -> bool:
    """Whether what is saved besides is of a kind that `torch.load` takes by default, as far as can be seen."""
    if isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp | ast.Compare):
        return True
    if isinstance(value, ast.Call):
        name = program.names.qualified(value.func, program.scope(at)) or ""
        return name in _PLAIN or (isinstance(value.func, ast.Attribute) and value.func.attr in ("item", "tolist"))
    if isinstance(value, ast.Name | ast.Attribute):
        last = (dotted(value) or "").rpartition(".")[2]
        return program.value(value, at).kind in ("const", "tensor", "unknown") and not _OBJECT.search(last)
    return False


def holds(name: str, same: bool, loop: ast.stmt, program: Program) -> bool:
    """Whether the object is there under this name before the loop."""
    head = name.partition(".")[0]
    scope = program.scope(loop)
    if head == scope.self_name and "." in name:
        plain = ".".join(name.split(".")[:2])
        return bound_at(plain, program, loop)
    return same and bound_at(head, program, loop)


def stable_path(path: ast.expr | None, run: Run, program: Program) -> str | None:
    """The path as code that holds before the loop: what is bound inside of it once is written out."""
    if path is None or not is_plain(program, path):
        return None
    scope, loop = program.scope(run.loop), run.loop
    if program.scope(run.site.node) is not scope:
        heads = names_in(path)
        if heads - {scope.self_name or ""}:
            return None
    text = " ".join(program.text(path).split())
    for node in nodes(path):
        if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        found = program.names.lookup(node.id, scope)
        if found is None or found[0] is not scope:
            continue
        inside = [b for b in found[1] if b.stmt is not None and (b.stmt is loop or program.index.inside(b.stmt, loop))]
        if not inside:
            if not bound_at(node.id, program, loop):
                return None
            continue
        one = inside[0]
        if node is not path or len(found[1]) != 1 or one.kind != "assign" or one.path or one.value is None:
            return None
        return stable_path(one.value, run, program) if not isinstance(one.value, ast.Name) else None
    return text
