import json

import pytest
from dry_debug.lint.baseline import BaselineError, parse, render
from dry_debug.records import replace

from tests.lint.helpers import document_of, found


def test_what_was_written_is_known_when_it_is_read_again() -> None:
    findings = found(document_of("teh()\nx = teh\n"), ["teh"])
    baseline = parse(render({"pkg/a.py": findings[:1], "empty.py": []}), "b.json")
    assert baseline.known(findings, "pkg/a.py") == (findings[0],)
    assert baseline.new(findings, "pkg/a.py") == (findings[1],)
    assert baseline.new(findings, "pkg/b.py") == tuple(findings)


def test_paths_agree_whatever_their_slashes() -> None:
    findings = found(document_of("teh()\n"), ["teh"])
    assert parse(render({"pkg\\a.py": findings}), "b.json").known(findings, "./pkg/a.py") == tuple(findings)


def test_another_rule_at_the_same_fingerprint_is_new() -> None:
    finding = found(document_of("teh()\n"), ["teh"])[0]
    baseline = parse(render({"a.py": [finding]}), "b.json")
    assert not baseline.is_known(replace(finding, rule="other-thing"), "a.py")


def test_the_text_is_sorted_and_ends_with_a_line_end() -> None:
    findings = found(document_of("teh()\nx = teh\ny = teh\n"), ["teh"])
    text = render({"b.py": findings, "a.py": findings[::-1]})
    data = json.loads(text)
    assert data["version"] == 1 and list(data["files"]) == ["a.py", "b.py"]
    assert list(data["files"]["a.py"]) == sorted(data["files"]["a.py"]) and text.endswith("}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 1,\n', "b.json:2: the baseline is not valid JSON"),
        ("[]", 'b.json: the baseline is not an object with "version"'),
        ('{"version": 9, "files": {}}', "b.json: baseline version 9"),
        ('{"version": 1}', '"files" in the baseline is not an object'),
        ('{"version": 1, "files": {"a.py": ["x"]}}', "the entry for 'a.py' does not map"),
        ("[" * 100000, "b.json"),
    ],
)
def test_a_broken_file_is_a_clear_error_that_names_it(text: str, said: str) -> None:
    with pytest.raises(BaselineError) as caught:
        parse(text, "b.json")
    assert said in str(caught.value)
