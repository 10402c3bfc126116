import pytest
from dry_debug.lint.applier import Applied, apply_fixes
from dry_debug.lint.settings import Settings
from dry_debug.text.decode import decode, encode
from dry_debug.text.document import Document
from dry_debug.text.spans import Span, TextEdit

from tests.lint.helpers import document_of, notebook_of

pytestmark = pytest.mark.usefixtures("toys")


def fixed(text: str | Document, *, unsafe: bool = True, **options) -> Applied:
    document = text if isinstance(text, Document) else document_of(text)
    return apply_fixes(document, None, Settings(), unsafe=unsafe, **options)


def test_fixes_of_one_round_share_their_needs() -> None:
    applied = fixed("import os\n\nx = rename(1)\ny = rename(2)\n")
    assert applied.source == "import os\nimport math\n\nx = math.floor(1)\ny = math.floor(2)\n"
    assert [finding.rule for finding in applied.fixed] == ["rename", "rename"]
    assert (applied.remaining, applied.refused, applied.elsewhere) == ((), [], {})


def test_overlapping_fixes_are_made_in_later_rounds() -> None:
    assert fixed("x = unwrap(unwrap(rename(1)))\n").source == "import math\n\nx = math.floor(1)\n"


def test_rounds_are_limited() -> None:
    applied = fixed("x = unwrap(unwrap(unwrap(1)))\n", max_rounds=2)
    assert applied.source == "x = unwrap(1)\n"
    assert len(applied.remaining) == 1


def test_unsafe_fixes_need_to_be_asked_for_and_shown_ones_are_never_made() -> None:
    text = "x = unwrap(1)\ny = shows()\n"
    assert fixed(text, unsafe=False).source == text
    applied = fixed(text)
    assert applied.source == "x = 1\ny = shows()\n"
    assert [finding.rule for finding in applied.remaining] == ["shows"]


@pytest.mark.parametrize("only", [{"rename"}, {"TOY001"}])
def test_only_the_named_rules_are_fixed(only: set[str]) -> None:
    applied = fixed("x = rename(1)\ny = unwrap(2)\n", only=only)
    assert applied.source == "import math\n\nx = math.floor(1)\ny = unwrap(2)\n"


def test_of_a_round_that_does_not_parse_only_the_culprit_is_refused() -> None:
    applied = fixed("x = rename(1)\ny = breaks()\nz = unwrap(2)\n")
    assert applied.source == "import math\n\nx = math.floor(1)\ny = breaks()\nz = 2\n"
    assert [(finding.rule, why) for finding, why in applied.refused] == [("breaks", "the code would no longer parse")]
    assert [finding.rule for finding in applied.remaining] == ["breaks"]


def test_a_fix_that_brings_a_new_finding_is_refused() -> None:
    applied = fixed("x = rename(1)\ny = worsens()\n")
    assert applied.source == "import math\n\nx = math.floor(1)\ny = worsens()\n"
    assert [(finding.rule, why) for finding, why in applied.refused] == [
        ("worsens", "it would bring a new finding: Call of breaks")
    ]


def test_a_fix_that_does_not_help_is_refused_and_not_repeated() -> None:
    applied = fixed("x = stays()\ny = rename(1)\n")
    assert applied.source == "import math\n\nx = stays()\ny = math.floor(1)\n"
    assert [(finding.rule, why) for finding, why in applied.refused] == [("stays", "the finding would still be there")]


def test_a_needed_name_that_means_something_else_refuses_the_fix() -> None:
    applied = fixed("math = 3\nx = rename(1)\ny = unwrap(2)\n")
    assert applied.source == "math = 3\nx = rename(1)\ny = 2\n"
    assert "'math' already means something else" in applied.refused[0][1]


def test_changes_of_other_files_are_collected_once() -> None:
    applied = fixed("far()\nx = unwrap(1)\n")
    assert applied.source == "far()\nx = 1\n"
    assert applied.elsewhere == {"other.py": [TextEdit(Span(0, 0), "x\n")]}
    assert ([f.rule for f in applied.fixed].count("far"), applied.remaining) == (1, ())


def test_bytes_that_no_fix_names_stay_as_they_are() -> None:
    data = b"\xef\xbb\xbfimport os\r\n\x0c\r\nif os:\r\n\tx = rename( '\xe2\x80\xa8\xf0\x9f\x98\x80' )\t# odd \r\n"
    applied = fixed(decode(data, "a.py"))
    expected = data.replace(b"import os\r\n", b"import os\r\nimport math\r\n").replace(b"rename", b"math.floor")
    assert encode(applied.document, applied.source) == expected


def test_a_latin_1_file_keeps_its_encoding() -> None:
    data = "# coding: latin-1\nx = rename('ü')\n".encode("latin-1")
    applied = fixed(decode(data, "a.py"))
    expected = data.replace(b"x = rename", b"import math\n\nx = math.floor")
    assert encode(applied.document, applied.source) == expected


def test_cells_of_a_notebook_are_changed_each_on_its_own() -> None:
    applied = fixed(notebook_of("%pip install torch", "import os\n!ls", "%time y = 1\nx = rename(1)"))
    assert [cell.text for cell in applied.document.cells] == [
        "%pip install torch",
        "import os\nimport math\n!ls",
        "%time y = 1\nx = math.floor(1)",
    ]
    assert [cell.number for cell in applied.document.cells] == [1, 3, 5]


def test_a_file_that_does_not_parse_is_left_alone() -> None:
    applied = fixed("x = rename(\n")
    assert (applied.source, applied.fixed) == ("x = rename(\n", [])
    assert [finding.rule for finding in applied.remaining] == ["syntax-error"]


def test_unused_suppressions_are_removed_like_other_findings() -> None:
    applied = fixed("x = rename(1)  # noqa: TOY002\n", unsafe=False)
    assert applied.source == "import math\n\nx = math.floor(1)\n"


def test_suppressed_findings_are_not_fixed() -> None:
    text = "x = rename(1)  # noqa: TOY001\n"
    assert fixed(text).source == text


def test_fixing_twice_changes_nothing_more() -> None:
    once = fixed("x = unwrap(rename(1))\ny = breaks()\nz = stays()\n")
    assert fixed(once.source).source == once.source


def test_equal_findings_in_one_statement_are_told_apart() -> None:
    assert fixed("x = [rename(1), rename(1)]\n").source == "import math\n\nx = [math.floor(1), math.floor(1)]\n"
