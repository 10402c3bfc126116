"""The hover of every rule, at every marked line of its page: complete, short, and nothing outside the findings."""

import pytest
from dry_debug.lint import manifest
from dry_debug.lint.comments import words_near
from dry_debug.render.hover import hover
from dry_debug_rules.catalogue import load

from tests.pages.cases import BAD, Case
from tests.pages.runner import results

LONGEST = 1500


@pytest.mark.parametrize("case", BAD, ids=str)
def test_the_hover_says_what_it_costs_what_people_say_and_what_to_do(case: Case) -> None:
    info = manifest.find(case.page.rule)
    assert info is not None
    known = load()
    for result in results(case.example.texts()).values():
        for finding in result.findings:
            if finding.rule != info.name:
                continue
            text = hover(finding, "file:///page.md", words_near(result.document, finding.span))
            parts = text.rstrip("\n").split("\n\n")
            assert parts[0] == f"**{finding.message}**" and parts[1] == finding.why
            assert len(text) <= LONGEST, text
            assert f"[{info.name}](file:///page.md)" in parts[-1]
            quoted = [id_ for id_ in known if f", {id_})" in text]
            assert bool(quoted) is bool(finding.quotes), text
            assert not any(known[id_].correction and known[id_].correction.text not in text for id_ in quoted)
            if finding.fix_title:
                assert finding.fix_title in text
            if info.instead:
                assert f"**Instead:** {info.instead}" in text
                assert info.instead.endswith(".") and info.instead[0].isupper()


def test_the_rules_say_what_to_do_instead() -> None:
    """Every rule that has no fix to show, and every one that may not have it at each place."""
    assert [info.name for info in manifest.rules() if not info.instead and info.fix_kind == "none"] == []
