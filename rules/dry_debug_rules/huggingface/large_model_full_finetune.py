"""HF012: all weights of a large model are trained, where adapters would be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.finding import Fix, NeedImport
from dry_debug.lint.new_argument import argument_added
from dry_debug.lint.new_lines import line_after
from dry_debug.lint.rule import Report, WholeRule, ready_fix
from dry_debug.program.arguments import argument
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.links import Link
from dry_debug.program.scopes import dotted
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.model_memory import Load, Training
    from dry_debug.text.document import Document

_LARGE = 6_000.0  # millions of parameters
# What the ids of models of that size have in common: other files need not be looked at.
_SIZE = re.compile(r"\d[bB](?![A-Za-z])")
_SIZED = ("phi-3", "phi-4", "Phi-3", "Phi-4", "nemo", "Nemo", "opt-", "bloom")
# Nobody trains all weights of a large model by accident who speaks of one of these.
_ON_PURPOSE = re.compile(
    r"full[-_ ]?(?:param\w*[-_ ]?)?(?:fine[-_ ]?tun|sft\b|ft\b|rank)|all (?:the |of the )?(?:weights|parameters)|"
    r"\bpre[-_ ]?training\b|continu\w+ pre|fsdp|fully_?shard|deepspeed|zero[-_]?[123]\b|colossalai|megatron|"
    r"tensor_parallel|device_?mesh|galore|lomo|badam|adam_?mini|torch_xla|\blisa\b",
    re.IGNORECASE,
)
_IN_PART = re.compile(
    r"lora|peft|adapter|freez|frozen|requires_grad|prefix_?tun|prompt_?tun|ia3|bitfit|unsloth|reft|train_only|"
    r"trainable",
    re.IGNORECASE,
)
_KNOWN = ("transformers.", "trl.", "torch.", "accelerate.", "datasets.", "builtins.", "wandb.", "evaluate.")
_TASKS = {"CausalLM": "CAUSAL_LM", "Seq2SeqLM": "SEQ_2_SEQ_LM", "SequenceClassification": "SEQ_CLS",
          "TokenClassification": "TOKEN_CLS"}  # fmt: skip


class LargeModelFullFinetune(WholeRule):
    name = "large-model-full-finetune"
    code = "HF012"
    severity = "suggestion"
    status = "preview"
    fix_kind = "unsafe"
    triggers = (("transformers", "trl"), ("Trainer", "optim"))
    why = (
        "Every weight gets a gradient and the state of the optimizer beside it, many times the memory of the model, "
        "and every checkpoint is as large as the model."
    )
    instead = "Train LoRA adapters on the frozen model, or shard the training over several GPUs (FSDP, ZeRO)."
    quotes = ("DRY-RF-4", "DRY-FOC-1")
    looks_at = "language models that are loaded and trained"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        return (load.expr for load, owner in _loads(program) if owner is program)

    def check(self, program: Program) -> Iterator[Report]:
        found: list[tuple[Load, Program]] = []
        for load, owner in _loads(program):
            if load.millions >= _LARGE and load.width >= 2:
                found.append((load, owner))
            elif owner is program:
                program.why(load.expr, "it has fewer than six billion parameters, or is quantized")
        if not found:
            return
        from dry_debug.spec.model_memory import training_of

        for load, owner in found:
            reason = _meant(load, owner, program)
            training = training_of(load, program) if reason is None else reason
            at = load.expr if owner is program else None
            if isinstance(training, str):
                program.why(at, training)
            elif training is None:
                program.why(at, "it is not trained here, or not all of it")
            else:
                yield self._report(load, owner, training, program)

    def _report(self, load: Load, owner: Program, training: Training, program: Program) -> Report:
        sure: Confidence = "medium" if load.changeable else "high"
        need = load.gib(load.width + training.gradients + training.state)
        name = load.model_id.rstrip("/").rpartition("/")[2]
        trained = training.node.func if isinstance(training.node, ast.Call) else training.node
        with_state = f"gradients and {training.optimizer}" if training.state else "gradients"
        return Report(
            at=load.expr if owner is program else trained,
            headline=f"all {load.millions / 1000:.1f} billion weights of `{name[:34]}` are trained: {need:.0f} GiB "
            "before activations",
            confidence=sure,
            why=f"Weights, {with_state} take {need:.0f} GiB, and every checkpoint {load.gib(load.width):.0f}; with "
            "LoRA the model is frozen, and well under a hundredth of that is trained and saved.",
            evidence=[
                Step(owner, load.call, f"loaded here with {load.width:g} bytes for each weight ({load.dtype})"),
                Step(program, trained, f"all of them are trained here, by {training.optimizer or 'an optimizer'}"),
            ],
            links=lambda: [Link("resolution", sure, f"`{name}` has {load.millions / 1000:.2f} billion parameters")],
            fix=ready_fix(_fix(load, owner, program)),
            fix_title=_TITLE,
        )


_TITLE = "Train LoRA adapters on the frozen model"


def _names_a_size(document: Document) -> bool:
    """Whether a text may name a model by its size (`7B`), or one that is large whatever its name says."""
    return any(word in document.source for word in _SIZED) or _SIZE.search(" ".join(document.identifiers)) is not None


def _loads(program: Program) -> Iterator[tuple[Load, Program]]:
    """The language models that this file loads, and those that it gives to a Trainer though another file loads them."""
    from dry_debug.spec.model_memory import Load, loads

    owners: dict[Program, set[ast.Call]] = {}
    for call, expr in _given(program):
        base = program.value(expr, call).base
        if base.origin is not None and base.origin is not program and base.args is not None:
            owners.setdefault(base.origin, set()).add(base.args)
    if _names_a_size(program.document):
        yield from ((load, program) for load in loads(program) if isinstance(load, Load) and not load.engine)
    for owner, calls in owners.items():
        for load in loads(owner):
            if isinstance(load, Load) and load.call in calls:
                yield load, owner


def _given(program: Program) -> Iterator[tuple[ast.Call, ast.expr]]:
    """The Trainers that are built, each with the model that it is given."""
    for name, calls in program.names_called().items():
        if name.endswith("Trainer") and name.startswith(("transformers.", "trl.")):
            for call in calls:
                expr = argument(call, 0, "model")
                if expr is not None:
                    yield call, expr


def _meant(load: Load, owner: Program, program: Program) -> str | None:
    """Why all weights may be trained on purpose, or not all of them; None if nothing says so."""
    if program.is_test:
        return "the file is a test"
    for source in {program.document.source, owner.document.source}:
        said = _ON_PURPOSE.search(source)
        if said is not None:
            return f"training all weights may be meant, or spread over GPUs: `{said[0]}`"
        said = _IN_PART.search(source)
        if said is not None:
            return f"not all weights may be trained: `{said[0]}`"
    if _handed(load, program):
        return "what it is given to may freeze it or put adapters in"
    if sources_of(program):
        from dry_debug.spec.ambient import asked_of

        if any(asked.field == "method" for asked in asked_of(program)):
            return "the instructions say how to train it: that is `approach-deviation`'s"
    return None


def _handed(load: Load, program: Program) -> bool:
    """Whether the model is given to a function that nobody can see, or that does something about its weights."""
    for call in program.index.calls:
        for expr in (*call.args, *(keyword.value for keyword in call.keywords)):
            if not isinstance(expr, ast.Name | ast.Attribute) or program.value(expr, call).base.args is not load.call:
                continue
            if (program.qualified(call) or "").startswith(_KNOWN):
                continue
            target = program.target(call)
            if target.kind in ("function", "class") and target.program is not None:
                if _IN_PART.search(target.program.document.source):
                    return True
            elif target.kind != "module":
                return True
    return False


def _fix(load: Load, owner: Program, program: Program) -> Fix | None:
    """Adapters by the trainer of TRL that is given the model, else put in where the model is loaded."""
    loader = (owner.qualified(load.call) or "").rpartition(".from_pretrained")[0]
    task = next((task for name, task in _TASKS.items() if loader.endswith(name)), None)
    config = f'LoraConfig({f"task_type={chr(34)}{task}{chr(34)}, " if task else ""}target_modules="all-linear")'
    for call, expr in _given(program):
        if not (program.qualified(call) or "").startswith("trl."):
            continue
        if call is load.call or program.value(expr, call).base.args is load.call:
            edit = argument_added(program, call, f"peft_config={config}")
            return Fix(_TITLE, "unsafe", (edit,), (NeedImport("peft", "LoraConfig"),))
    stmt = owner.statement(load.call)
    if owner is not program or not isinstance(stmt, ast.Assign) or stmt.value is not load.call:
        return None
    path = dotted(stmt.targets[0])
    line = line_after(program, stmt, f"{path} = get_peft_model({path}, {config})") if path is not None else None
    needs = (NeedImport("peft", "LoraConfig"), NeedImport("peft", "get_peft_model"))
    return Fix(_TITLE, "unsafe", (line,), needs) if line is not None else None
