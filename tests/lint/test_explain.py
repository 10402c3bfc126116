"""`explain` tells why something is said of a line, and why nothing is."""

from dry_debug.lint.engine import analyse
from dry_debug.lint.explain import everything_of, explain
from dry_debug.lint.settings import Settings
from dry_debug.text.document import Document

BUGGY = """
import torch
model = torch.nn.Linear(1, 1).cuda()
model.load_state_dict(torch.load("m.pt"))
"""
SILENT = """
import torch
def train(loader, model):
    optimizer = make_optimizer(model)
    for x in loader:
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
"""


def told(source: str, line: int, rule: str | None = None, settings: Settings | None = None) -> str:
    settings = settings or Settings()
    document = Document.from_text(source, "a.py")
    everything = analyse(document, settings=everything_of(settings))
    return explain(analyse(document, settings=settings), everything, settings, line, rule)


def test_a_finding_is_told_with_its_evidence() -> None:
    text = told(BUGGY, 4)
    assert "CKPT010 unmapped-checkpoint-load: warning, high confidence" in text
    assert "`torch.load" in text


def test_what_the_settings_hold_back_is_told() -> None:
    assert "the settings turn the rule off" in told(BUGGY, 4, settings=Settings(ignore=("CKPT010",)))
    suppressed = BUGGY.replace('"m.pt"))', '"m.pt"))  # noqa: CKPT010')
    assert "a comment suppresses it" in told(suppressed, 4)


def test_silence_for_want_of_confidence_says_so() -> None:
    text = told(SILENT, 8, settings=Settings(min_confidence="high"))
    assert "LOOP001 uncleared-gradients: not reported: its confidence is medium" in text
    assert "`optimizer` is an optimizer" in text
    assert "by how it is used" in text


def test_silence_names_what_was_not_resolved() -> None:
    text = told("import torch\nthing = make_thing()\nthing.go()\n", 3)
    assert "No rule has anything to say of line 3" in text
    assert "`thing` is not known: it comes from `make_thing()` (line 2), which was not resolved" in text


def test_a_rule_without_its_triggers_says_so() -> None:
    assert "does not mention" in told("x = 1\n", 1, "CKPT010")


def test_an_unknown_rule_is_named() -> None:
    assert told("x = 1\n", 1, "no-such-rule") == "There is no rule 'no-such-rule'."
