"""Saving and loading as functions, or as one object, that the script calls: written once, used at both ends."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.fixes.checkpoint_resume import start_loop
from dry_debug.fixes.checkpoint_whole import Whole
from dry_debug.fixes.file_writes import is_own_statement
from dry_debug.fixes.layout import free_name, in_quotes, indent_of, lines_before, quoted, unit_of, width_of
from dry_debug.fixes.modules import module_name
from dry_debug.lint.finding import Need, NeedHelper
from dry_debug.text.spans import Span

if TYPE_CHECKING:
    from dry_debug.fixes.changes import Changes
    from dry_debug.fixes.random_state import RandomState
    from dry_debug.program.program import Program
    from dry_debug.program.run_parts import Run

_PAIR = '''def {save}(path, parts, **numbers):
    """Writes the state of all parts, to another file first: a crash while saving leaves the one from before."""
    state = {{name: part.state_dict() for name, part in parts.items() if part is not None}}
    {torch}.save({{**state, **numbers{rng}}}, f"{{path}}.tmp")
    {os}.replace(f"{{path}}.tmp", path)'''
_LOAD = '''def {load}(path, parts):
    """Puts the state of all parts back; gives the checkpoint, which is empty where there is none yet."""
    if not {os}.path.exists(path):
        return {{}}
    checkpoint = {torch}.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        if part is not None:
            part.load_state_dict(checkpoint[name]){restored}
    return checkpoint'''
_CLASS = '''class {name}:
    """The checkpoint of a run: the state of its parts, its numbers and its random generators in one file."""

    def __init__(self, path, **parts):
        self.path = path
        self.parts = {{name: part for name, part in parts.items() if part is not None}}

    def save(self, **numbers):
        """Writes another file first: a crash while saving leaves the one from before."""
        state = {{name: part.state_dict() for name, part in self.parts.items()}}
        {torch}.save({{**state, **numbers{rng}}}, f"{{self.path}}.tmp")
        {os}.replace(f"{{self.path}}.tmp", self.path)

    def load(self):
        """Puts the state of all parts back; gives the checkpoint, which is empty where there is none yet."""
        if not {os}.path.exists(self.path):
            return {{}}
        checkpoint = {torch}.load(self.path, map_location="cpu", weights_only=True)
        for name, part in self.parts.items():
            part.load_state_dict(checkpoint[name]){restored}
        return checkpoint'''


def pair(changes: Changes, whole: Whole, rng: RandomState | None, run: Run, program: Program) -> bool:
    """`save_checkpoint` and `load_checkpoint`, called where the run is saved and before its loop."""
    save = free_name(program, "save_checkpoint", "save_run")
    load = free_name(program, "load_checkpoint", "load_run")
    if save is None or load is None or not _can_call(whole, run, program):
        return False
    parts = "{" + ", ".join(f"{quoted(program, key)}: {name}" for key, name in whole.parts) + "}"
    texts = _filled((_PAIR, _LOAD), rng, program, save=save, load=load)
    if texts is None:
        return False
    changes.need(*_rng_needs(rng), *texts)
    _call(changes, save, [whole.path, parts, *_numbers(whole, run)], run, program)
    return _begin(changes, whole, f"{load}({whole.path}, {parts})", [], run, program)


def checkpointer(changes: Changes, whole: Whole, rng: RandomState | None, run: Run, program: Program) -> bool:
    """A `Checkpointer` that knows the parts, made before the loop."""
    name = free_name(program, "Checkpointer", "RunCheckpoint")
    held = free_name(program, "checkpointer", "run_checkpoint")
    if name is None or held is None or not _can_call(whole, run, program):
        return False
    if program.scope(run.site.node) is not program.scope(run.loop):
        return False
    if not all(key.isidentifier() and key != "path" for key, _ in whole.parts):
        return False
    texts = _filled((_CLASS,), rng, program, name=name)
    if texts is None:
        return False
    changes.need(*_rng_needs(rng), *texts)
    parts = ", ".join(f"{key}={expr}" for key, expr in whole.parts)
    _call(changes, f"{held}.save", _numbers(whole, run), run, program)
    made = [f"{held} = {name}({whole.path}, {parts})"]
    return _begin(changes, whole, f"{held}.load()", made, run, program)


def _can_call(whole: Whole, run: Run, program: Program) -> bool:
    keys = [*_counted(whole), *(number.key for number in whole.numbers), *(key for key, _ in whole.constants)]
    return (
        is_own_statement(run.site.node, program)
        and program.qualified(run.site.node) == "torch.save"
        and all(key.isidentifier() and key not in ("path", "parts", "self") for key in keys)
    )


def _numbers(whole: Whole, run: Run) -> list[str]:
    rows = [f"{key}={run.loop.target.id}" for key in _counted(whole)]  # type: ignore[union-attr]
    rows += [f"{number.key}={number.saved}" for number in whole.numbers]
    return [*rows, *(f"{key}={text}" for key, text in whole.constants)]


def _counted(whole: Whole) -> list[str]:
    return [whole.counted] if whole.counted else []


def _call(changes: Changes, name: str, arguments: list[str], run: Run, program: Program) -> None:
    """The call instead of the one that saves, over several lines where one would be too long."""
    text = f"{name}({', '.join(arguments)})"
    stmt = program.statement(run.site.node)
    indent = (indent_of(program, stmt) if stmt is not None else None) or ""
    if len(indent) + len(text) > width_of(program):
        newline, unit = program.document.newline, unit_of(program)
        rows = "".join(f"{newline}{indent}{unit}{row}," for row in arguments)
        text = f"{name}({rows}{newline}{indent})"
    changes.replace(program.span(run.site.node), text)
    _drop_dict(changes, run, program)


def _drop_dict(changes: Changes, run: Run, program: Program) -> None:
    """Takes out `state = {...}` where only the call that is gone has read it."""
    site = run.site
    made = next((a for a in program.index.assignments if a.value is not None and a.value is site.dict_node), None)
    if not isinstance(site.payload, ast.Name) or not isinstance(made, ast.Assign):
        return
    name, scope, source = site.payload.id, program.scope(site.node), program.document.source
    others = [b for b in scope.bindings.get(name, []) if b.stmt is not made]
    if len(made.targets) > 1 or others or len(program.flow.reads(name, scope)) != 1:
        return
    span, indent = program.span(made), indent_of(program, made)
    stop = source.find("\n", span.end) + 1
    rest = source[span.end : stop].strip()
    if indent is not None and stop and (not rest or rest.startswith("#")):
        changes.replace(Span(span.start - len(indent), stop), "")


def _begin(changes: Changes, whole: Whole, call: str, made: list[str], run: Run, program: Program) -> bool:
    """The checkpoint read before the loop, and what of it the loop goes on from."""
    held = free_name(program, "checkpoint", "ckpt", "saved")
    if held is None:
        return False
    lines = [*made, f"{held} = {call}"]
    if whole.counted:
        before = f"{whole.start} - 1" if whole.first is None else str(whole.first - 1)
        lines.append(f"{whole.start} = {held}.get({quoted(program, whole.counted)}, {before}) + 1")
    for number in whole.numbers:
        none_yet = number._replace(plus=-number.plus).put_back(number.name)
        entry = f"{held}.get({quoted(program, number.key)}, {none_yet})"
        lines.append(f"{number.name} = {number.put_back(entry)}")
    start_loop(changes, whole, run, program)
    return lines_before(changes, whole.before, lines, program)


def _filled(texts: tuple[str, ...], rng: RandomState | None, program: Program, **names: str) -> list[Need] | None:
    os_name, needs = module_name("os", program)
    torch_name, more = module_name("torch", program)
    if os_name is None or torch_name is None:
        return None
    found: list[Need] = [*needs, *more]
    for text in texts:
        lead = "\n    " if not text.startswith("class") else "\n        "
        restored = "".join(lead + line.format(f'checkpoint["{rng.key}"]') for line in rng.restore) if rng else ""
        filled = text.format(
            os=os_name, torch=torch_name, rng=f', "{rng.key}": {rng.save}' if rng else "", restored=restored, **names
        )
        name = filled.partition("(")[0].partition(":")[0].split()[1]
        found.append(NeedHelper(name, in_quotes(program, filled)))
    return found


def _rng_needs(rng: RandomState | None) -> list[Need]:
    if rng is None:
        return []
    return [*rng.saving, *(need for need in rng.restoring if need not in rng.saving)]
