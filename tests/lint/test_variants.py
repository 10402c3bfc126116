"""A finding that can be fixed in several ways: the first is the fix, the others are there to be chosen."""

import pytest
from dry_debug.lint.applier import apply_fixes
from dry_debug.lint.engine import Result, analyse
from dry_debug.lint.settings import Settings

from tests.lint.helpers import document_of

pytestmark = pytest.mark.usefixtures("toys")


def titles(result: Result) -> list[str]:
    (finding,) = result.findings
    return [fix.title for fix in result.fixes(finding)]


def test_the_preferred_fix_stands_first() -> None:
    result = analyse(document_of("x = choose(7)\n"))
    assert titles(result) == ["Use one", "Use 2", "Use 7"]
    assert result.fix(result.findings[0]) == result.fixes(result.findings[0])[0]


def test_a_finding_with_one_fix_has_no_others() -> None:
    assert titles(analyse(document_of("x = rename(1)\n"))) == ["Use floor"]


def test_only_the_preferred_fix_is_applied_to_files() -> None:
    applied = apply_fixes(document_of("x = choose(7)\n"), None, Settings(), unsafe=True)
    assert applied.source == "x = 1\n"
    assert len(applied.fixed) == 1


def test_variants_that_cannot_be_made_leave_the_fix_and_are_told() -> None:
    result = analyse(document_of("x = choose(y)\n"))
    assert titles(result) == ["Use one"]
    assert "the fix of choose failed: ValueError" in result.problems[0].message
