import ast

import pytest
from dry_debug.lint.finding import Finding
from dry_debug.lint.suppress import apply
from dry_debug.text.document import Document
from dry_debug.text.spans import apply_edits
from hypothesis import given
from hypothesis import strategies as st

from tests.lint.helpers import OTHER, TYPO, document_of, found, notebook_of


def split(document: Document, findings: list[Finding], ran=(TYPO, OTHER)) -> tuple[list[str], list[str], list[Finding]]:
    """(lines of the findings that stay, lines of the hidden ones, what is said of suppressions)."""
    kept, hidden = apply(document, ast.parse(document.source), findings, ran)
    line = document.lines.line_text
    at = document.lines.line_of
    about = [finding for finding in kept if finding.rule == "unused-suppression"]
    return (
        [line(at(f.span.start)).strip() for f in kept if f not in about],
        [line(at(f.span.start)).strip() for f in hidden],
        about,
    )


def removed(document: Document, findings: list[Finding], ran=(TYPO, OTHER)) -> str:
    """The text after the fixes of all unused suppressions."""
    edits = [edit for finding in split(document, findings, ran)[2] if finding.fix for edit in finding.fix.edits]
    assert edits
    return apply_edits(document.source, edits)


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: ODD001",
        "#noqa:ODD001",
        "# NOQA : odd001",
        "# noqa: odd-typo",
        "# noqa: E501, ODD001",
        "# noqa: E501 ODD001",
        "# noqa: ODD001 the library wants it so",
        "# type: ignore # noqa: ODD001",
        "# dry-debug: ignore[odd-typo]",
        "# dry-debug: ignore[ODD001] a reason",
        "# dry-debug: ignore[other-thing, odd-typo] both",
        "#dry-debug:ignore[ odd-typo ]",
    ],
)
def test_a_comment_on_the_line_hides_the_named_rule_there_only(comment: str) -> None:
    document = document_of(f"a = teh  {comment}\nb = teh\n")
    kept, hidden, _ = split(document, found(document, ["teh"]), (TYPO,))
    assert kept == ["b = teh"]
    assert len(hidden) == 1


@pytest.mark.parametrize(
    "comment", ["# noqa", "# noqa: E501", "# noqa:", "# noqa: ODD002", "# dry-debug: ignore[other-thing]", "# ODD001"]
)
def test_a_comment_that_does_not_name_the_rule_hides_nothing(comment: str) -> None:
    document = document_of(f"a = teh  {comment}\n")
    kept, hidden, _ = split(document, found(document, ["teh"]))
    assert (len(kept), hidden) == (1, [])


def test_noqa_counts_on_the_last_line_of_a_statement_over_several_lines() -> None:
    document = document_of("a = f(\n    teh,\n    x,\n)  # noqa: ODD001\nb = teh\n")
    assert split(document, found(document, ["teh"]))[:2] == (["b = teh"], ["teh,"])


def test_a_statement_may_be_longer_than_the_file_has_statements() -> None:
    document = document_of("teh(\n" + "    1,\n" * 50 + ")  # noqa: ODD001\n")
    assert split(document, found(document, ["teh"]))[:2] == ([], ["teh("])


def test_noqa_on_a_header_does_not_reach_into_the_body() -> None:
    document = document_of("for x in teh(\n    1,\n):  # noqa: ODD001\n    teh\n")
    assert split(document, found(document, ["teh"]))[:2] == (["teh"], ["for x in teh("])


def test_ignore_alone_on_a_line_counts_for_the_next_logical_line_only() -> None:
    document = document_of("# dry-debug: ignore[odd-typo]\n\n# more words\na = f(\n    teh,\n)\nb = teh\n")
    assert split(document, found(document, ["teh"]))[:2] == (["b = teh"], ["teh,"])


def test_ignore_above_a_decorator_counts_for_what_is_decorated() -> None:
    document = document_of("# dry-debug: ignore[odd-typo]\n@wraps\n@again\ndef teh(x):\n    return teh\n")
    assert split(document, found(document, ["teh"]))[:2] == (["return teh"], ["def teh(x):"])


def test_ignore_inside_a_statement_counts_for_that_statement() -> None:
    document = document_of("a = f(\n    # dry-debug: ignore[odd-typo]\n    teh,\n)\nb = teh\n")
    assert split(document, found(document, ["teh"]))[:2] == (["b = teh"], ["teh,"])


def test_file_ignore_counts_everywhere() -> None:
    document = document_of("a = teh\n# dry-debug: file-ignore[odd-typo] generated file\nb = teh\n")
    kept, hidden, about = split(document, found(document, ["teh"]))
    assert (kept, len(hidden), about) == ([], 2, [])


@pytest.mark.parametrize(
    "line",
    [
        'a = teh("# noqa: ODD001")',
        'a = (teh, """\n# dry-debug: ignore[odd-typo]\n""")',
        'a = teh(f"{x} # dry-debug: ignore[odd-typo]")',
        '"""\n# dry-debug: file-ignore[odd-typo]\n"""\na = teh',
    ],
)
def test_a_marker_inside_a_string_is_no_suppression(line: str) -> None:
    document = document_of(line + "\n")
    kept, hidden, about = split(document, found(document, ["teh"]))
    assert (len(kept), hidden, about) == (1, [], [])


def test_unused_suppressions_are_reported_with_the_names_that_hide_nothing() -> None:
    document = document_of("a = teh  # dry-debug: ignore[odd-typo, other-thing] why\nb = 1  # noqa: ODD001\n")
    about = split(document, found(document, ["teh"]))[2]
    assert [finding.message for finding in about] == [
        "Unused suppression of other-thing",
        "Unused suppression of ODD001",
    ]
    assert {(f.rule, f.code, f.severity) for f in about} == {("unused-suppression", "DRY001", "suggestion")}
    assert document.source[about[1].span.start : about[1].span.end] == "# noqa: ODD001"


def test_a_suppression_of_a_rule_that_did_not_run_is_not_called_unused() -> None:
    document = document_of("b = 1  # noqa: ODD001\nc = 2  # dry-debug: file-ignore[checkpoint-thing] x # noqa: E501\n")
    assert [f.message for f in split(document, [], ())[2]] == ["Suppression names what is no rule: checkpoint-thing"]


def test_an_ignore_that_names_no_rule_is_reported() -> None:
    document = document_of("a = teh  # dry-debug: ignore\nb = 2  # dry-debug: ignore[]\n")
    kept, hidden, about = split(document, found(document, ["teh"]))
    assert (len(kept), hidden) == (1, [])
    assert [f.message for f in about] == ["Suppression names no rule, so it hides nothing"] * 2


def test_a_report_of_an_unused_suppression_can_itself_be_hidden() -> None:
    document = document_of("b = 1  # dry-debug: ignore[odd-typo, unused-suppression] kept for later\n")
    kept, hidden, about = split(document, [])
    assert (kept, len(hidden), about) == ([], 1, [])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("b = 1  # noqa: ODD001\nc = 2\n", "b = 1\nc = 2\n"),
        ("b = 1  # noqa: ODD001 long story\r\nc = 2\r\n", "b = 1\r\nc = 2\r\n"),
        ("b = 1  # noqa: E501, ODD001\n", "b = 1  # noqa: E501\n"),
        ("b = 1  # noqa: ODD001,E501\n", "b = 1  # noqa: E501\n"),
        ("b = 1  # words # noqa: ODD001\n", "b = 1  # words\n"),
        ("b = 1  # noqa: ODD001 # type: ignore\n", "b = 1  # type: ignore\n"),
        ("if x:\n\t# dry-debug: ignore[odd-typo] why\n\tb = 1\n", "if x:\n\tb = 1\n"),
        ("b = 1\n# dry-debug: file-ignore[odd-typo]", "b = 1\n"),
        ("# dry-debug: ignore\nb = 1\n", "b = 1\n"),
    ],
)
def test_the_fix_removes_only_what_hides_nothing(before: str, after: str) -> None:
    assert removed(document_of(before), [], (TYPO,)) == after


def test_the_fix_keeps_the_names_that_are_used() -> None:
    document = document_of("a = teh  # dry-debug: ignore[odd-typo, other-thing] why\n")
    assert removed(document, found(document, ["teh"])) == "a = teh  # dry-debug: ignore[odd-typo] why\n"


def test_suppressions_work_in_the_cells_of_a_notebook_and_end_with_their_cell() -> None:
    document = notebook_of("%time\na = teh  # noqa: ODD001", "b = teh\n# dry-debug: ignore[odd-typo]", "c = teh")
    kept, hidden, about = split(document, found(document, ["teh"]))
    assert (kept, hidden) == (["b = teh", "c = teh"], ["a = teh  # noqa: ODD001"])
    fix = about[0].fix
    assert fix is not None and document.split_edits(fix.edits).keys() == {1}
    assert removed(document, found(document, ["teh"])).split("\n")[2:] == ["b = teh", "", "c = teh"]


def test_line_ends_that_only_other_tools_count_do_not_shift_lines() -> None:
    document = document_of('x = "\u2028"\r\n\x0c\r\nü = "😀", teh  # noqa: ODD001\r\nb = teh\r\n')
    kept, hidden, _ = split(document, found(document, ["teh"]))
    assert (kept, len(hidden)) == (["b = teh"], 1)


LINES = st.sampled_from(
    [
        "a = teh{}",
        "b = f(  # words\n    1,{}\n)",
        "{}",
        "if a:{}\n    teh{}",
        'c = """# noqa: ODD001\n"""{}',
        "@d{}\ndef g(x):\n    return x{}",
        "",
    ]
)
COMMENTS = st.sampled_from(
    [
        "",
        "  # noqa: ODD001",
        "  # noqa: E501, ODD002 reason # type: ignore",
        "# dry-debug: ignore[odd-typo]",
        "  # words # dry-debug: ignore[odd-typo, ODD002] reason",
        "  # dry-debug: file-ignore[other-thing] x",
        "  # dry-debug: ignore",
    ]
)


@given(st.lists(st.tuples(LINES, COMMENTS), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_removing_unused_suppressions_changes_no_code_and_no_finding(parts: list[tuple[str, str]], end: str) -> None:
    text = "\n".join(line.replace("{}", comment) for line, comment in parts).replace("\n", end)
    document = document_of(text)
    findings = found(document, ["teh"])
    kept, _, about = split(document, findings)
    edits = [edit for finding in about if finding.fix for edit in finding.fix.edits]
    after = document_of(apply_edits(text, edits))
    assert ast.dump(ast.parse(after.source)) == ast.dump(ast.parse(text))
    kept_after, _, about_after = split(after, found(after, ["teh"]))
    assert ([word.split()[0] for word in kept_after], about_after) == ([word.split()[0] for word in kept], [])


def test_a_file_that_does_not_parse_has_no_suppressions() -> None:
    document = document_of("a = teh (  # noqa: ODD001\n")
    findings = found(document, ["teh"])
    assert apply(document, None, findings, (TYPO,)) == (findings, [])
