"""MEM012: a model cannot fit the GPU that is stated, by its weights, gradients and optimizer state alone."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dry_debug.lint.rule import Report, WholeRule
from dry_debug.program.evidence import Confidence, Step
from dry_debug.program.links import Link
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program
    from dry_debug.spec.model_memory import Load, Training
    from dry_debug.spec.stated_gpu import StatedGpu

MARGIN = 1.08  # what is certain has to be more than the whole memory of the card, by so much
ROOM = 0.85  # what would fit leaves room for activations


class GpuMemoryOvercommit(WholeRule):
    name = "gpu-memory-overcommit"
    code = "MEM012"
    severity = "warning"
    triggers = (
        ("from_pretrained", "vllm", "sglang", "pipeline", "SFTTrainer"),
        ("transformers", "vllm", "sglang", "trl"),
    )
    why = "The run ends with CUDA out of memory before the first step is done."
    instead = (
        "Train adapters (LoRA, QLoRA) or with an 8-bit optimizer, load in fewer bits, spread it over more GPUs, or "
        "take a smaller model."
    )
    quotes = ("DRY-RF-4", "DRY-FOC-1")
    looks_at = "language models that are loaded"

    def subjects(self, program: Program) -> Iterator[ast.AST]:
        from dry_debug.spec.model_memory import Load, loads

        return (found.expr if isinstance(found, Load) else found[0] for found in loads(program))

    def check(self, program: Program) -> Iterator[Report]:
        if not sources_of(program) and "modal" not in program.document.source:
            program.why(None, "nothing states the GPU: there are no instructions for this file")
            return
        from dry_debug.spec.model_memory import Load, goes_to_gpu, loads, training_of
        from dry_debug.spec.stated_gpu import stated_gpu

        gpu = stated_gpu(program)
        if gpu is None:
            program.why(None, "the instructions do not state one GPU or a number of them, with a memory that is known")
            return
        for load in loads(program):
            if not isinstance(load, Load):
                program.why(*load)
                continue
            training = training_of(load, program)
            if isinstance(training, str):
                program.why(load.expr, training)
            elif training is None and not goes_to_gpu(load, program):
                program.why(load.expr, "it is not put on the GPU as a whole, or not where that can be seen")
            else:
                need, room = _need(load, training), _room(load, gpu)
                if need > MARGIN * room:
                    yield _report(load, training, gpu, need, room, program)
                else:
                    told = f"{need:.1f} GiB of weights{' and their training' if training else ''} may fit {gpu.shown}"
                    program.why(load.expr, told)


def _need(load: Load, training: Training | None) -> float:
    more = training.gradients + training.state if training is not None else 0.0
    return load.gib(load.width + more)


def _room(load: Load, gpu: StatedGpu) -> float:
    """What there is in GiB: of all stated cards; an engine takes its share of those that it is spread over."""
    return gpu.memory * load.share * load.devices if load.devices is not None else float(gpu.memory * gpu.count)


def _report(
    load: Load, training: Training | None, gpu: StatedGpu, need: float, room: float, program: Program
) -> Report:
    from dry_debug_rules.spec._pointing import asked_here, short, source_name

    name = load.model_id.rpartition("/")[2]
    doing = "training" if training is not None else "loading"
    if gpu.said is not None:
        place = f"{source_name(gpu.said.path, program)} line {gpu.said.line}"
    else:
        place = f"`gpu={program.short(gpu.node, 20)}`" if gpu.node is not None else ""
    rest = f"` takes {need:.0f} GiB at least; {place} says {gpu.brief}"
    headline = f"{doing} `{short(name, max(12, 98 - len(doing) - len(rest)))}{rest}"
    # Accelerate may be launched with a sharding that the code does not show.
    unseen = load.changeable or (training is not None and "Accelerator" in program.document.source)
    confidence: Confidence = "medium" if unseen else "high"
    return Report(
        at=load.expr,
        headline=short(headline, 100),
        confidence=confidence,
        why=f"{_formula(load, training, need)}, and there are {room:.0f}: {need - room:.0f} GiB too few before any "
        f"activation{' or KV cache' if training is None else ''}. {_what_fits(load, training, gpu, room)}",
        evidence=[*_evidence(load, training, program), *([Step(program, gpu.node, "the GPU")] if gpu.node else [])],
        related=[asked_here(gpu.said, program)] if gpu.said is not None else [],
        quotes=GpuMemoryOvercommit.quotes if training is not None else ("DRY-FOC-1",),
        links=lambda: [
            Link("resolution", confidence, f"`{name}` has {_count(load)} parameters"),
            Link("kind", "high", f"{place} states {gpu.shown}"),
        ],
    )


def _count(load: Load) -> str:
    return f"{load.millions / 1000:.2f} billion" if load.millions >= 1000 else f"{load.millions:.0f} million"


def _bytes(width: float) -> str:
    return f"{width:g}"


def _formula(load: Load, training: Training | None, need: float) -> str:
    """`6.74 billion parameters x (2 weights + 2 gradients + 4 AdamW) bytes = 50.2 GiB`."""
    if training is None:
        return f"{_count(load)} parameters x {_bytes(load.width)} bytes ({load.dtype}) = {need:.1f} GiB"
    parts = [f"{_bytes(load.width)} weights ({load.dtype})", f"{_bytes(training.gradients)} gradients"]
    if training.state:
        parts.append(f"{_bytes(training.state)} {training.optimizer}")
    return f"{_count(load)} parameters x ({' + '.join(parts)}) bytes = {need:.1f} GiB"


def _evidence(load: Load, training: Training | None, program: Program) -> list[Step]:
    weights = f"{_count(load)} parameters x {_bytes(load.width)} bytes ({load.dtype}) = {load.gib(load.width):.1f} GiB"
    steps = [Step(program, load.call, f"the weights: {weights}")]
    if training is not None:
        text = f"the gradients: {load.gib(training.gradients):.1f} GiB"
        if training.state:
            text += f", the state of {training.optimizer}: {load.gib(training.state):.1f} GiB"
        steps.append(Step(program, training.node, text))
    return steps


def _what_fits(load: Load, training: Training | None, gpu: StatedGpu, room: float) -> str:
    """What would make it fit, with its memory; the smallest change first."""
    options: list[tuple[str, float]] = []
    if training is not None:
        if load.width > 2:
            options.append(("weights in bfloat16", 4 + training.state * 2 / load.width))
        if training.state > 2:
            options.append(("an 8-bit optimizer", load.width + training.gradients + 2))
            options.append(("both", 6)) if load.width > 2 else None
        options += [("LoRA", 2), ("QLoRA", 0.5)]
    elif load.width > 0.5:
        options += [("16 bits", 2)] if load.width > 2 else []
        options += [("8 bits", 1)] if load.width > 1 else []
        options.append(("4 bits", 0.5))
    fitting = [f"{text} ({load.gib(width):.0f} GiB)" for text, width in options if load.gib(width) <= ROOM * room][:3]
    cards = math.ceil(_need(load, training) / (ROOM * gpu.memory * load.share))
    spread = (
        "`tensor_parallel_size`" if load.engine else "sharding (FSDP, ZeRO)" if training is not None else "spreading"
    )
    cards = 2 ** math.ceil(math.log2(cards)) if load.engine else cards
    fitting.append(f"{spread} over {cards} such GPUs")
    return f"It would fit with {', '.join(fitting[:-1]) + ' or ' if len(fitting) > 1 else ''}{fitting[-1]}."
