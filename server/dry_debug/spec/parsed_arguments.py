"""Which fields the command line may set that no option declares: `HfArgumentParser(TrainingArguments)`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from dry_debug.program.scopes import dotted
from dry_debug.spec.instruction import FIELDS

if TYPE_CHECKING:
    from dry_debug.program.program import Program

_PARSERS = ("HfArgumentParser", "TrlParser")
_TRAINING = frozenset(
    "learning_rate batch_size gradient_accumulation_steps epochs max_steps optimizer scheduler warmup_steps "
    "warmup_ratio "
    "weight_decay max_grad_norm precision seed output_dir logging eval_cadence save_cadence".split()
)
_MODEL = frozenset("model method precision lora_r lora_alpha lora_dropout target_modules".split())
_DEEPEST = 4


def parsed_fields(program: Program) -> frozenset[str]:
    """The fields of the library classes that a parser of the program fills; all of them where a class is not known."""
    found: set[str] = set()
    for name, call in program.qualified_calls():
        last = name.rpartition(".")[2]
        if last == "LightningCLI":
            return frozenset(FIELDS)
        if last in _PARSERS and _reads_the_command_line(program):
            given = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg), None)
            found |= _of_classes(program, given) if given is not None else frozenset(FIELDS)
    return frozenset(found)


def _reads_the_command_line(program: Program) -> bool:
    """Whether arguments of the start count, or only a file of settings that the program names."""
    source = program.document.source
    return "parse_args" in source or not any(f"parse_{kind}" in source for kind in ("json_file", "yaml_file", "dict"))


def _of_classes(program: Program, given: ast.expr) -> frozenset[str]:
    classes = given.elts if isinstance(given, ast.Tuple | ast.List) else [given]
    found: frozenset[str] = frozenset()
    for one in classes:
        found |= _of_class(program, one, 0)
    return found


def _of_class(program: Program, expr: ast.expr, depth: int) -> frozenset[str]:
    """What a class brings along from a library: by its own name there, or by those of its bases here."""
    name = dotted(expr) or ""
    local = next((s for s in program.tree.body if isinstance(s, ast.ClassDef) and s.name == name), None)
    owner = program
    if local is None:
        value = program.value(expr)
        node = value.scope.node if value.kind == "class" and value.scope is not None else None
        local, owner = (node, value.program or program) if isinstance(node, ast.ClassDef) else (None, program)
    if local is not None:
        bases = local.bases if depth < _DEEPEST else []
        return frozenset().union(*(_of_class(owner, base, depth + 1) for base in bases if dotted(base) != "object"))
    last = name.rpartition(".")[2]
    if last.endswith("TrainingArguments"):
        return _TRAINING
    if last == "ModelConfig":
        return _MODEL
    if last == "ScriptArguments":
        return frozenset(("dataset",))
    if last.endswith("Config") and last[:-6].isupper():  # SFTConfig, DPOConfig
        return _TRAINING | {"max_length", "max_tokens", "temperature", "top_p"}
    return frozenset(FIELDS)
