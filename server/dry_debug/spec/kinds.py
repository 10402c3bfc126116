"""What calling a library's name makes, where people use it like one that the model knows: trainers and their arguments
of libraries that build on transformers."""

from __future__ import annotations

from dry_debug.program.knowledge import Kind
from dry_debug.program.knowledge import kind_of_call as known

# Libraries whose trainers and arguments are those of transformers.
_LIKE_TRANSFORMERS = frozenset(
    "sentence_transformers setfit unsloth optimum adapters span_marker transformers trl pylate swift".split()
)


def kind_of_call(name: str) -> Kind | None:
    """The kind of what calling the canonical qualified `name` makes, or None."""
    kind = known(name)
    if kind is not None or name.partition(".")[0] not in _LIKE_TRANSFORMERS:
        return kind
    if name.endswith(("TrainingArguments", "TrainingConfig")):
        return "trainer_args"
    return "trainer" if name.endswith("Trainer") else None
