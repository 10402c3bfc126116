"""What the code does, field by field: the value that counts, where it is decided, and what it is for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dry_debug.records import dataclass
from dry_debug.spec.trace import Traced, trace, value_node
from dry_debug.spec.vocabulary import ROLE

if TYPE_CHECKING:
    from dry_debug.program.program import Program


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """One value that the code gives a field. `use` is where it takes effect, in the program that is looked at.

    `known` is False where the value cannot be seen. `implied` says that nothing in the code sets it: the library's
    default, or what the program is ("full fine-tuning"). `weak` says that only the name of an argument tells what it
    is for: enough to see that it is as asked, not to say that it is not.
    """

    field: str
    value: Any
    use: ast.AST
    traced: Traced | None = None
    role: str = ""
    unit: str = ""
    known: bool = True
    implied: bool = False
    weak: bool = False

    def place(self, program: Program) -> tuple[str, int]:
        """(path, one-based line) of what decides the value."""
        if self.traced is not None:
            return self.traced.path, self.traced.row
        return program.document.path, program.line(self.use)

    def anchor(self, program: Program) -> ast.AST:
        """The node of this program that a diagnostic is put on: the deciding value, else where it takes effect."""
        one = self.traced
        here = one is not None and one.program is program and one.file is None
        node = value_node(one.node) if here and one is not None else self.use
        return node if hasattr(node, "lineno") else self.use


def observe(program: Program) -> list[Observed]:
    """Everything that a program says of the canonical fields; what is set where it takes effect goes before what is
    only declared."""
    from dry_debug.spec.observed_by_hand import done_by_hand
    from dry_debug.spec.observed_calls import in_calls
    from dry_debug.spec.observed_choices import in_choices
    from dry_debug.spec.observed_flow import in_flow
    from dry_debug.spec.observed_libraries import in_libraries

    found = [*in_calls(program), *in_choices(program), *in_flow(program), *done_by_hand(program)]
    found = [*found, *_elsewhere(program, found)]
    found = _reached(found, program)
    if any(
        o.unit == "peak" for o in found
    ):  # what a one-cycle schedule is given takes the place of the optimizer's rate
        found = [o for o in found if o.field != "learning_rate" or o.unit == "peak" or o.role]
    sure = {o.field for o in found if o.known and not o.implied}
    found.extend(o for o in in_libraries(program) if not (o.weak and o.field in sure))
    seen = {(o.field, o.role, o.unit) for o in found if o.known and not o.implied and not o.weak}
    fields = {field for field, _, _ in seen}
    declared = [o for o in _declared(program) if o.field not in fields or o.field == "framework"]
    answered = {o.field for o in declared} | (fields & {"optimizer", "scheduler", "model"})
    found = [o for o in found if o.known or o.field not in answered]
    found = [o for o in found if not (o.implied and o.field in answered | fields)]
    counted = {o.field for o in (*found, *declared) if o.known and not o.implied and o.field.endswith("cadence")}
    declared = [o for o in declared if o.known or o.field not in counted]  # `save_strategy: steps` beside `save_steps`
    return _once([*found, *declared], program)


def _elsewhere(program: Program, found: list[Observed]) -> list[Observed]:
    """What other files of the project set in functions that are called here, where nothing here does."""
    if not program.imports_project:
        return []
    from dry_debug.spec.observed_modules import in_modules

    return list(in_modules(program, {o.field for o in found if o.known and not o.implied and not o.weak}))


def _reached(found: list[Observed], program: Program) -> list[Observed]:
    """The observations without those that a test on a default leaves out, where others of their field are left."""
    several = [f for f in ("optimizer", "scheduler", "learning_rate", "weight_decay", "model", "dataset", "precision")
               if sum(o.field == f for o in found) > 1]  # fmt: skip
    if not several or "if " not in program.document.source:
        return found
    from dry_debug.spec.reached import left_out

    blocks = left_out(program)
    out = {id(o) for o in found if o.field in several and not o.implied and _within(blocks, o.use)}
    left = {o.field for o in found if id(o) not in out}
    return [o for o in found if id(o) not in out or o.field not in left]


def _within(blocks: list[tuple[int, int]], node: ast.AST) -> bool:
    line = getattr(node, "lineno", 0)
    return any(first <= line <= last for first, last in blocks)


def _once(found: list[Observed], program: Program) -> list[Observed]:
    kept: dict[tuple[Any, ...], Observed] = {}
    for one in found:
        kept.setdefault((one.field, one.role, one.unit, str(one.value), one.known, one.place(program)), one)
    return list(kept.values())


def _declared(program: Program) -> Iterator[Observed]:
    """What options, fields, constants and configuration files declare under the name of a field."""
    from dry_debug.spec.instruction import FIELDS

    hyper = program.training.hyper
    for h in hyper.all:
        name = _own_name(h.node) or h.name
        field = _field(h.name, name)
        if field in FIELDS and not _is_object(h.value):
            node = value_node(h.node)
            changeable = h.origin in ("argparse", "dataclass")
            yield _from_name(
                field, name, h.value, h.node, Traced(h.value is not None, h.value, program, node, changeable=changeable)
            )
    for row in hyper.elsewhere:
        field = _field(row.found.name, _own_name(row.found.node) or row.found.name)
        if field in FIELDS:
            node = value_node(row.found.node)
            traced = Traced(row.found.value is not None, row.found.value, row.owner, node, changeable=True)
            yield _from_name(field, _own_name(row.found.node) or "", row.found.value, _first(program), traced)
    yield from _in_dicts(program)
    from dry_debug.spec.observed_settings import in_settings

    yield from in_settings(program)


def _in_dicts(program: Program) -> Iterator[Observed]:
    """`HP = {"lr": 1e-4, "batch_size": 64, ...}` at the top of a file: a dictionary of which most keys are settings."""
    for stmt in program.tree.body:
        held = stmt.value if isinstance(stmt, ast.Assign) else None
        if not isinstance(held, ast.Dict) or len(held.keys) < 4:
            continue
        rows = [
            (key.value, value)
            for key, value in zip(held.keys, held.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Constant)
        ]
        fields = [(name, value, _field(name, name)) for name, value in rows]
        if len({f for _, _, f in fields if f in _OF_RUNS}) < 3:
            continue
        for name, value, field in fields:
            if field in _OF_RUNS and type(value.value) in (int, float, str):
                yield _from_name(field, name, value.value, value, Traced(True, value.value, program, value))


_OF_RUNS = frozenset(
    "learning_rate batch_size epochs max_steps seed weight_decay max_grad_norm output_dir optimizer scheduler "
    "gradient_accumulation_steps warmup_steps warmup_ratio max_length lora_r lora_alpha".split()
)


def _from_name(field: str, name: str, value: Any, use: ast.AST, traced: Traced) -> Observed:
    from dry_debug.spec.names import FIELD_OF
    from dry_debug.spec.observed_values import converted

    if field == "warmup_steps" and isinstance(value, float) and 0 < value < 1:
        field = "warmup_ratio"
    if field == "precision" and isinstance(value, bool):
        kind = "bf16" if "bf" in name.lower() or "bfloat" in name.lower() else "fp16"
        return Observed(field, kind if value else None, use, traced, known=value, implied=not value)
    role = "" if field.endswith("cadence") or field == "logging" else role_of_name(name)
    role = part_of_length(name) if field == "max_length" else role
    by_words = field == "dataset" and bool(name) and name.lower() not in FIELD_OF and field != name
    one = Observed(field, value, use, traced, role, unit_of_name(field, name), value is not None, by_words, by_words)
    return converted(one)


def _field(canonical: str, own: str) -> str:
    from dry_debug.spec.field_names import field_of_name
    from dry_debug.spec.names import FIELD_OF

    return FIELD_OF.get(own.lower().replace("-", "_")) or (
        canonical if canonical != own else field_of_name(own) or canonical
    )


def _own_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        return target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else None
    if isinstance(node, ast.Call):
        flags = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        named = next((f for f in flags if f.startswith("--")), flags[0] if flags else "")
        return named.lstrip("-").replace("-", "_") or None
    if isinstance(node, ast.arg):
        return node.arg
    return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _first(program: Program) -> ast.AST:
    """Where something is said that stands in another file: the first import of a library, else the first statement."""
    return next(iter(program.tree.body), program.tree)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def role_of_name(name: str) -> str:
    """What a variable or option is for by its name: `val_loader` evaluates, `opt_d` is the discriminator's."""
    words = " ".join(re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name)).lower()
    if re.search(r"\b(?:valid\b|(?:val|valid|validation|test|eval|dev)(?:set|loader|data|dl|ds|gen)\b)", words):
        return "eval"
    short = re.search(r"\b(d|g|disc|gen)\b\Z|\bopt(?:imizer)?(d|g)\b", words)
    if short:
        return "discriminator" if (short[1] or short[2]).startswith("d") else "generator"
    for role, pattern in ROLE:
        if role in ("inference", "head", "backbone", "embedding", "reference") and role not in words:
            continue
        if pattern.search(words):
            return role
    return ""


def part_of_length(name: str) -> str:
    """Which part of a sequence a length is for by its name: `max_prompt_length`, `max_target_length`."""
    words = re.split(r"[_\W]+|(?<=[a-z])(?=[A-Z])", name.lower())
    return (
        "prompt"
        if "prompt" in words
        else "target"
        if {"target", "tgt", "label", "labels", "summary"} & {*words}
        else ""
    )


def unit_of_name(field: str, name: str) -> str:
    """Which batch size an option means by its name."""
    low = name.lower()
    if field == "logging":
        return "every"
    if field == "epochs":
        return "updates" if low in ("update_epochs", "ppo_epochs", "num_update_epochs", "n_update_epochs") else ""
    if field == "warmup_steps":
        return "epochs" if "epoch" in low else ""
    if field.endswith("cadence"):
        return "epoch" if "epoch" in low else ""
    if field != "batch_size":
        return ""
    if re.search(r"per_(?:device|gpu)|micro|local|mini_?batch", low):
        return "per_device"
    return "effective" if re.search(r"effective|global|total", low) else ""


def seen(program: Program, field: str, expr: ast.expr, at: ast.AST, role: str = "", unit: str = "") -> Observed:
    """The observation of `expr`, which gives `field` its value at `at`."""
    from dry_debug.spec.observed_values import converted

    traced = trace(program, expr, at)
    if field in ("batch_size", "max_length") and not role:
        role = _named_role(field, expr, traced)
    return converted(Observed(field, traced.value, expr, traced, role, unit, traced.known))


def _named_role(field: str, expr: ast.expr, traced: Traced) -> str:
    """What a number is for by the name of the option or setting that it comes from: `args.test_batch_size`."""
    names = [expr.attr if isinstance(expr, ast.Attribute) else expr.id if isinstance(expr, ast.Name) else ""]
    names.append(_own_name(traced.node) or "")
    if field == "max_length":
        return next((role for n in names if (role := part_of_length(n))), "")
    return "eval" if any(role_of_name(n) == "eval" for n in names if n) else ""
