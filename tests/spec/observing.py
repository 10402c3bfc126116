"""What is seen of a field in a program, and the verdicts on instructions against one."""

from dry_debug.spec.compare import compare
from dry_debug.spec.instructions import parse
from dry_debug.spec.observed import Observed, observe

from tests.program.model import program


def seen(source: str, field: str, files: dict[str, str] | None = None) -> list[str]:
    """What is known of a field, in words; what only an argument's name tells has a question mark."""
    found: list[Observed] = observe(program(source, files))
    return [f"{o.value}{'?' if o.weak else ''}" for o in found if o.field == field and o.known and not o.implied]


def verdicts(asked: str, source: str, files: dict[str, str] | None = None) -> list[tuple[str, str]]:
    items = compare(parse(asked, "SPEC.md"), program(source, files))
    return [(item.field, item.verdict) for item in items if item.instruction is not None]
