"""What the README shows of a command is what the command prints."""

import re

import pytest

from tests.cli.command import ROOT, dry_debug

BLOCKS = re.findall(r"^```\n\$ dry-debug (.+)\n((?:.*\n)*?)```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)


def test_there_are_such_blocks() -> None:
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize(("arguments", "shown"), BLOCKS, ids=[b[0] for b in BLOCKS])
def test_the_output_is_true(arguments: str, shown: str) -> None:
    done = dry_debug(*arguments.split(), cwd=ROOT)
    assert done.stdout.decode() == shown
