"""Everything that is asked of a program, by whoever asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dry_debug.spec.instruction import FIELDS, Instruction
from dry_debug.spec.instructions import merged, read
from dry_debug.spec.sources import sources_of

if TYPE_CHECKING:
    from dry_debug.program.program import Program


def asked_of(program: Program) -> list[Instruction]:
    """What the host's sources and the code itself ask for.

    Of one field the explicit sources alone count where they speak of it; of those the nearest, in it the last line.
    """
    sources = sources_of(program)
    first = merged([read(s) for s in sources if s.explicit])
    said = {i.field for i in first}
    second = merged([read(s) for s in sources if not s.explicit])
    both = [*first, *(i for i in second if i.field not in said)]
    return sorted(both, key=lambda i: (FIELDS.index(i.field), i.role, i.line))
