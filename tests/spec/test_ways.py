"""The ways in which people ask for each field: `ways.txt` has a text a line, and behind `=>` what is read in it."""

import re
from pathlib import Path

import pytest
from dry_debug.spec.instruction import Instruction, shown_value
from dry_debug.spec.instructions import parse

_KIND = re.compile(r"(?P<kind>most:|least:|range:|about:|not:|any:)?(?P<value>.*)", re.DOTALL)


def ways() -> list[tuple[str, str]]:
    """(text, what is read) of each line."""
    lines = (Path(__file__).parent / "ways.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.rpartition("=>") for line in lines if line.strip() and not line.startswith("##")]
    return [(text.strip().replace("\\n", "\n").replace("\\t", "\t"), read.strip()) for text, _, read in rows]


def shown(one: Instruction) -> str:
    """`batch_size#per_device=4`, `learning_rate@head=1e-3`, `epochs=most:3`."""
    field = "log_every" if one.field == "logging" and one.unit == "every" else one.field
    unit = f"#{one.unit}" if one.unit and one.field in ("batch_size", "warmup_steps") else ""
    values = [", ".join(sorted(v)) if isinstance(v, frozenset) else shown_value(v) for v in one.values]
    kind = "" if one.kind == "one" else f"{one.kind}:"
    return plain(f"{field}{f'@{one.role}' if one.role else ''}{unit}={kind}{'|'.join(values)}")


def plain(text: str) -> str:
    """A value with its numbers in one notation."""
    field, _, values = text.strip().partition("=")
    parts = []
    for part in values.split("|"):
        match = _KIND.fullmatch(part)
        assert match is not None
        try:
            value = f"{float(match['value']):g}"
        except ValueError:
            value = match["value"].lower()
        parts.append((match["kind"] or "") + value)
    return f"{field}={'|'.join(parts)}"


@pytest.mark.parametrize(("text", "read"), ways())
def test_what_a_text_asks_for(text: str, read: str) -> None:
    assert {shown(one) for one in parse(text, "SPEC.md")} == {plain(one) for one in read.split(";") if one.strip()}
