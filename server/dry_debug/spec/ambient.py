"""Everything that is asked of a program, by whoever asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.spec.instruction import FIELDS, Instruction, Source
from dry_debug.spec.instructions import merged, read
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program


_OF_TRAINING = frozenset(
    "learning_rate batch_size gradient_accumulation_steps epochs max_steps optimizer scheduler warmup_steps "
    "warmup_ratio weight_decay max_grad_norm lora_r lora_alpha lora_dropout method".split()
)
_OF_SAMPLING = frozenset("temperature top_p max_tokens tensor_parallel_size framework".split())


def _of_readme(source: Source, program: Program) -> list[Instruction]:
    """A README that describes a training asks nothing of the files that evaluate or serve; nor does what it says of
    several stages, each with a value of its own."""
    found = [one for one in read(source) if one.agreed]
    if any(one.field in _OF_TRAINING for one in read(source)) and not program.training.is_training:
        return [one for one in found if one.field in _OF_SAMPLING]
    return found


def asked_of(program: Program) -> list[Instruction]:
    """What the host's sources and the code itself ask for.

    Of one field the explicit sources alone count where they speak of it; of those the nearest, in it the last line.
    """
    sources = sources_of(program)
    first = merged([read(s) for s in sources if s.explicit])
    said = {i.field for i in first}
    second = merged([_of_readme(s, program) if s.is_readme else read(s) for s in sources if not s.explicit])
    both = [*first, *(i for i in second if i.field not in said)]
    return sorted(both, key=lambda i: (FIELDS.index(i.field), i.role, i.line))
