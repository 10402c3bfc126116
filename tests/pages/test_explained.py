"""Of everything that a rule judges in the examples of its page, `explain` tells why it is reported or why not."""

from collections.abc import Iterator

import pytest
from dry_debug.lint import manifest
from dry_debug.lint.explain import Explanation, Told, explain, judged
from dry_debug.program.evidence import weakest

from tests.pages.cases import CASES, Case
from tests.pages.runner import SETTINGS, _document, project


def told_of(case: Case) -> Iterator[tuple[str, int, Told, Explanation]]:
    """(file, line, what the rule says, the whole explanation) of each line with something that the rule judges."""
    rule = case.page.rule
    info = manifest.find(rule)
    assert info is not None
    texts = case.example.texts()
    with project(texts) as root:
        for file, text in texts.items():
            if not file.endswith(".py"):
                continue
            document, host = _document(root, file, text)
            for line in judged(document, host, info, SETTINGS):
                answer = explain(document, host, SETTINGS, line, rule)
                for told in answer.told:
                    yield file, line, told, answer


@pytest.mark.parametrize("case", CASES, ids=str)
def test_everything_that_is_judged_is_explained(case: Case) -> None:
    silent = {file for file in case.example.files if file.endswith(".py")}
    silent -= {file for file, _ in case.example.marks(case.page.rule)}
    said = 0
    for file, line, told, _ in told_of(case):
        where = f"{file}:{line}"
        assert told.status in ("reported", "low-confidence", "folded", "silent", "not-triggered"), (where, told)
        if told.status == "reported":
            assert told.chain, where
            assert told.links, where
            assert weakest(*(link.confidence for link in told.links)) == told.confidence, (where, told.links)
        else:
            assert told.reasons, f"{where}: no reason why {told.rule} is silent"
            said += 1
    if len(silent) == len([f for f in case.example.files if f.endswith(".py")]):
        assert said, "a silent example in which the rule judges nothing shows nothing"
