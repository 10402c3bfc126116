import re

from dry_debug.lint.fingerprint import fingerprint, fingerprints
from dry_debug.text.spans import Span

from tests.lint.helpers import document_of, found, notebook_of

CODE = """import torch


def train(model, loader):
    for x in loader:
        loss = model(x)  # note
        loss.teh()
"""


def of(text: str, word: str = "teh") -> str:
    return found(document_of(text), [word])[0].fingerprint


def test_it_is_sixteen_hex_digits() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", of(CODE))


def test_it_stays_when_lines_are_added_elsewhere() -> None:
    more = "import os\n" + CODE.replace("    for", "    total = 0\n    for") + "\n\ntrain(None, [])\n"
    assert of(more) == of(CODE)


def test_it_stays_when_the_code_is_reindented_spaced_or_commented() -> None:
    wrapped = CODE.replace("    for", "    if x:\n      for").replace("        loss.teh()", "\t\tloss.teh( )  # now")
    assert of(wrapped.replace("teh( )", "teh()")) == of(CODE)
    assert of(CODE.replace("\n", "\r\n")) == of(CODE)


def test_it_stays_when_a_call_is_spread_over_lines() -> None:
    one, spread = "x = f(teh, b)\n", "x = f(teh,  # first\n      b)\n"
    assert of(one) == of(spread)


def test_it_changes_with_the_rule_the_statement_and_the_function() -> None:
    document = document_of(CODE)
    span = found(document, ["teh"])[0].span
    here = fingerprint("odd-typo", document, span, 0)
    assert here == of(CODE)
    assert here != fingerprint("other", document, span, 0)
    assert here != fingerprint("odd-typo", document, span, 1)
    assert here != of(CODE.replace("loss.teh()", "loss.teh(1)"))
    assert here != of(CODE.replace("def train", "def other"))


def test_a_number_sign_or_bracket_in_a_string_ends_nothing() -> None:
    assert of('f(teh, "# a (")\nb = 1\n') != of('f(teh, "# b (")\nb = 1\n')
    assert of('f(teh, "(")\nb = 1\n') == of('f(teh, "(")\nb = 2\n')


def test_equal_statements_are_numbered_in_order() -> None:
    document = document_of("teh()\nx = 1\nteh()\n")
    prints = [finding.fingerprint for finding in found(document, ["teh"])]
    assert len(set(prints)) == 2
    assert prints == fingerprints(document, [("odd-typo", Span(0, 3)), ("odd-typo", Span(12, 15))])


def test_the_header_over_several_lines_is_seen_as_the_enclosing_function() -> None:
    spread = "def train(\n    model,\n):\n    teh()\n"
    assert of(spread) == of("def train(model):\n    teh()\n") != of("if x:\n    teh()\n")


def test_cells_of_a_notebook_do_not_enclose_each_other() -> None:
    document = notebook_of("def f():\n    pass", "    # odd indentation\nteh()")
    assert found(document, ["teh"])[0].fingerprint == of("teh()")


def test_it_can_be_made_for_text_that_does_not_parse() -> None:
    assert of("def f(:\n  teh('\n") != of("teh")
