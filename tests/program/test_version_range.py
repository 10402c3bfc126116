"""What versions and conditions allow."""

import pytest
from dry_debug.program.version_range import parse


@pytest.mark.parametrize(
    ("text", "version", "all_from", "all_before"),
    [
        ("2.1.0", (2, 1), True, False),
        ("2.0.9", (2, 1), False, True),
        ("2.1.0+cu118", (2, 1), True, False),
        ("2.1.0rc1", (2, 1), False, True),
        ("1.8.3.post2", (1, 9), False, True),
        (">=1.9.0.post1", (1, 9), True, False),
        (">=2.1", (2, 1), True, False),
        (">=2.0", (2, 1), False, False),
        (">=2.0,<2.1", (2, 1), False, True),
        (">=2.0,<=2.1", (2, 1), False, False),
        ("<2.1", (2, 1), False, True),
        (">1.13,!=2.0.1", (2, 1), False, False),
        ("~=2.1", (2, 1), True, False),
        ("~=2.1.0", (2, 2), False, True),
        ("==2.1.*", (2, 2), False, True),
        ("^1.24", (2, 0), False, True),
        ("^0.13", (0, 14), False, True),
        ("~1.4", (1, 5), False, True),
    ],
)
def test_a_condition_allows_versions(text: str, version: tuple[int, ...], all_from: bool, all_before: bool) -> None:
    allowed = parse(text)
    assert allowed is not None
    assert (allowed.all_from(version), allowed.all_before(version)) == (all_from, all_before)


@pytest.mark.parametrize("text", ["", "*", "main", ">=2.0|<1.0", "!=1.0", "latest"])
def test_what_says_nothing_is_not_a_range(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("one", "two", "apart"),
    [
        ("2.1.2", ">=2.3,<2.4", True),
        ("2.3.1", ">=2.3,<2.4", False),
        (">=2.0", "<2", True),
        (">=1.21", "<2", False),
        ("0.21.0", ">=0.20,<0.21", True),
        ("0.23.0", ">=0.22,<=0.23.0", False),
        ("<1.0", ">=1.3.0,<2.0", True),
    ],
)
def test_ranges_exclude_each_other(one: str, two: str, apart: bool) -> None:
    first, second = parse(one), parse(two)
    assert first is not None and second is not None
    assert first.excludes(second) is second.excludes(first) is apart


def test_only_one_version_is_exact() -> None:
    exact, open_ended = parse("1.2"), parse(">=1.2")
    assert exact is not None and exact.exact
    assert open_ended is not None and not open_ended.exact
