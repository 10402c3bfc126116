"""Changes of the text that no tree shows: comments, blank lines, line ends, other names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from dry_debug.lint import manifest

from tests.pages.rename import renamed
from tests.property.samples import SAMPLES, Sample, said
from tests.property.surface import commented


def _rules(files: dict[str, str], skipped: frozenset[str] = frozenset()) -> Counter[tuple[str, str, str]]:
    """File, rule and severity of each finding, counted."""
    return Counter((s.file, s.rule, s.severity) for s in said(files) if s.rule not in skipped)


def _lines(files: dict[str, str], skipped: frozenset[str] = frozenset()) -> Counter[tuple[str, int, str, str]]:
    return Counter((s.file, s.line, s.rule, s.severity) for s in said(files) if s.rule not in skipped)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_other_names_give_the_same_findings(sample: Sample) -> None:
    bound = frozenset(info.name for info in manifest.rules() if manifest.load(info).depends_on_names)
    files = dict(sample.files)
    assert _lines(renamed(files), bound) == _lines(files, bound)


def _each(change: Callable[[str], str]) -> Callable[[Sample], dict[str, str]]:
    return lambda sample: {n: change(t) if n.endswith(".py") else t for n, t in sample.files.items()}


_KEEP_LINES = {
    "carriage returns": _each(lambda text: text.replace("\n", "\r\n")),
    "a byte order mark": _each(lambda text: "\ufeff" + text),
    "no line end at the end": _each(lambda text: text.rstrip("\n")),
    "blanks at the ends of lines": _each(lambda text: text + "   \n\n    \n"),
    "a form feed in front": _each(lambda text: "\f" + text),
}


@pytest.mark.parametrize("change", _KEEP_LINES)
def test_the_end_of_a_line_does_not_matter(change: str) -> None:
    for sample in SAMPLES:
        files = dict(sample.files)
        assert _lines(_KEEP_LINES[change](sample)) == _lines(files), sample


def test_comments_and_blank_lines_between_statements_do_not_matter() -> None:
    # These read the comment beside the place: a reason for a deviation, the names that a partial load leaves out, a
    # dropout that is meant to stay.
    readers = frozenset(info.name for info in manifest.rules() if info.family == "spec")
    readers |= {"unchecked-partial-load", "eval-time-dropout"}
    for sample in SAMPLES:
        assert _rules(_each(commented)(sample), readers) == _rules(dict(sample.files), readers), sample
