"""The rule pages, run: marks, fixes, renaming and variations of every example."""

from collections import Counter

import pytest

from tests.pages import crosstalk
from tests.pages.cases import BAD, CASES, ERRORS, Case
from tests.pages.rename import renamed
from tests.pages.runner import all_fixed, exact, expected, name_bound, said
from tests.pages.vary import Varied, variations


def _varied() -> list[tuple[Case, str, Varied]]:
    found: list[tuple[Case, str, Varied]] = []
    for case in BAD:
        if case.example.is_project:
            continue
        marked = sorted({mark.line for _, mark in case.example.marks(case.page.rule)})
        for name, varied in variations(case.example.files["main.py"].text, marked):
            if name not in case.example.opt_out:
                found.append((case, name, varied))
    return found


def test_every_page_can_be_read() -> None:
    assert not ERRORS, "\n".join(map(str, ERRORS))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_example_gives_exactly_what_its_marks_say(case: Case) -> None:
    for _, mark in case.example.marks():
        assert mark.rule == case.page.rule or mark.severity == "critical", f"{mark} belongs into crosstalk.txt"
    assert exact(said(case.example.texts()), case.page.rule) == expected(case.example)


@pytest.mark.parametrize("case", [case for case in CASES if case.example.fixed], ids=str)
def test_the_fixes_of_an_example_give_exactly_the_fixed_block(case: Case) -> None:
    assert all_fixed(case.example.texts(), case.page.rule) == case.example.fixed_texts()


@pytest.mark.parametrize("case", [case for case in CASES if case.example.fixed], ids=str)
def test_a_fixed_block_has_no_finding_of_the_rule_but_those_it_marks(case: Case) -> None:
    found = said(case.example.fixed_texts())
    wanted = Counter(
        (file, mark.line, mark.rule, mark.severity)
        for file in case.example.files
        for mark in case.example.fixed.get(file, case.example.files[file]).marks
        if mark.rule == case.page.rule
    )
    assert Counter({item: n for item, n in found.items() if item[2] == case.page.rule}) == wanted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_example_under_other_names_gives_the_same_findings(case: Case) -> None:
    other = renamed(case.example.texts())
    skipped = name_bound()
    before, after = (
        Counter({item: count for item, count in said(texts).items() if item[2] not in skipped})
        for texts in (case.example.texts(), other)
    )
    assert after == before, "\n".join(f"--- {file}\n{text}" for file, text in other.items())


@pytest.mark.parametrize(("case", "name", "varied"), [pytest.param(*v, id=f"{v[0]}-{v[1]}") for v in _varied()])
def test_a_mistake_is_found_in_other_surroundings(case: Case, name: str, varied: Varied) -> None:
    found = {line for _, line, rule, _ in said({"main.py": varied.text}) if rule == case.page.rule}
    for _, mark in case.example.marks(case.page.rule):
        lines = varied.lines[mark.line]
        assert lines & found, f"expected in {sorted(lines)}, found in {sorted(found)}:\n{varied.text}"


def test_what_other_rules_say_of_the_examples_is_as_reviewed() -> None:
    assert crosstalk.FILE.read_text("utf-8") == crosstalk.render(), "run tools/generate.py and look at the diff"
