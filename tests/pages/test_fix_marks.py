"""What is marked as a finding with a fix has one: for every finding of every rule in the bad examples of all pages."""

import pytest
from dry_debug.lint.engine import analyse

from tests.pages.cases import BAD, Case
from tests.pages.runner import SETTINGS, _document, project


@pytest.mark.parametrize("case", BAD, ids=str)
def test_what_is_marked_as_fixable_has_a_fix(case: Case) -> None:
    texts = case.example.texts()
    with project(texts) as root:
        for file in (name for name in texts if name.endswith(".py")):
            result = analyse(*_document(root, file, texts[file]), SETTINGS)
            for finding in result.findings:
                assert result.fix(finding) is not None or not finding.fixable, (file, finding.rule, finding.message)
            assert not result.problems, result.problems
