"""The hover: short Markdown with headline, cost, evidence, quotation, fix and page, in that order."""

from dry_debug.lint.comments import words_near
from dry_debug.lint.finding import Place, Related
from dry_debug.records import replace
from dry_debug.render.hover import hover
from dry_debug.text.document import Document
from dry_debug.text.notebook import NotebookCell, from_cells
from dry_debug.text.spans import Span
from sample import PAGE, document, finding, plain_finding


def test_the_parts_come_in_order() -> None:
    parts = hover(finding(), PAGE).rstrip("\n").split("\n\n")
    assert parts[0] == "**`total` keeps the graph of every `loss`: 100% of it**"
    assert parts[1] == "Memory grows with every step."
    assert parts[2].split("\n") == ["- `loss` is attached", "- util.py:4: `model` is a module"]
    assert parts[3].startswith("> ") and "CKPT-LOAD-4" in parts[3]
    assert parts[4] == "**Fix:** Add `loss.item()` (look at it before you keep it)"
    assert parts[5] == f"critical · MEM001 · [loss-graph]({PAGE})"
    assert len(parts) == 6


def test_what_is_not_there_leaves_no_gap() -> None:
    assert hover(plain_finding(), None) == (
        "**nothing is seeded**\n\nsuggestion, medium confidence, preview rule · REP001 · `no-seed`\n"
    )


def test_long_evidence_is_cut_and_counted() -> None:
    steps = tuple(Related(f"step {number}", span=Span(0, 1)) for number in range(9))
    text = hover(replace(finding(), related=steps), None)
    assert "- step 3\n- and 5 more" in text and "step 4" not in text


def test_a_fix_that_was_not_made_is_named_by_its_title() -> None:
    assert "**Fix:** Add `loss.item()`\n" in hover(replace(finding(), fix=None), None)
    assert "**To do:** Add `loss.item()`\n" in hover(replace(finding(), fix=None, fixable=False), None)


def test_unknown_quotations_are_left_out() -> None:
    assert ">" not in hover(replace(finding(), quotes=("NO-SUCH-ID",)), None)


def test_the_words_of_a_comment_near_the_finding_choose_the_quotation() -> None:
    from dry_debug_rules.catalogue import load

    entries = [entry for entry in load().values() if not entry.code]
    called = next(entry for entry in entries if entry.echoes)
    silent = next(entry for entry in entries if not set(entry.echoes) & set(called.echoes) and entry.id != called.id)
    both = replace(finding(), quotes=(silent.id, called.id))
    assert silent.id in hover(both, None) and called.id not in hover(both, None)
    assert called.id in hover(both, None, f"# {called.echoes[0]}")


def test_comments_are_those_of_the_block_around_the_finding() -> None:
    assert words_near(document(), finding().span) == "just one run"
    text = "# far\n\n# near above\nx = 1  # beside\n# below\n\n# far"
    assert words_near(Document.from_text(text), Span(20, 21)) == "near above\nbeside\nbelow"


def test_comments_of_another_cell_are_not_near() -> None:
    cells = [NotebookCell(1, "x = 1  # mine\n"), NotebookCell(2, "# of the next cell\ny = 2\n")]
    document = from_cells(cells, "a.ipynb")
    assert words_near(document, Span(0, 1)) == "mine"
    assert (
        words_near(document, Span(document.source.index("y ="), document.source.index("y =") + 1)) == "of the next cell"
    )


def test_the_steps_of_the_evidence_say_where_they_are() -> None:
    place = Place("/somewhere/model.py", 21, 0, 21, 4)
    steps = (Related("it is made here", span=Span(6, 7)), Related("it is returned here", place=place))
    text = hover(replace(finding(), related=steps), None, document=Document.from_text("a = 1\nb = 2\n", "a.py"))
    assert "- line 2: it is made here\n- model.py:22: it is returned here" in text
