"""`explain` tells why something is said of a line, and why nothing is."""

import pytest
from dry_debug.lint import manifest
from dry_debug.lint.explain import Explanation, Told, explain
from dry_debug.lint.settings import Settings
from dry_debug.project.host import ProjectHost
from dry_debug.records import replace
from dry_debug.render.explain import data, lines
from dry_debug.text.document import Document

BUGGY = """
import torch
model = torch.nn.Linear(1, 1).cuda()
model.load_state_dict(torch.load("m.pt"))
"""
BY_USE = """
import torch
def train(loader, model):
    optimizer = make_optimizer(model)
    for x in loader:
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
    optimizer.zero_grad()
"""


def asked(source: str, line: int, rule: str | None = None, settings: Settings | None = None) -> Explanation:
    return explain(Document.from_text(source, "a.py"), None, settings or Settings(), line, rule)


def one(source: str, line: int, rule: str, settings: Settings | None = None) -> Told:
    (told,) = asked(source, line, rule, settings).told
    return told


def text(answer: Explanation) -> str:
    return "\n".join(lines(answer))


def test_a_finding_is_told_with_its_chain_and_its_confidence() -> None:
    source = BUGGY + "opt = torch.optim.SGD(model.parameters(), lr=1)\n"
    source += "for x in xs:\n    model(x).sum().backward()\n    opt.step()\n"
    told = one(source, 8, "uncleared-gradients")
    assert (told.status, told.severity, told.confidence) == ("reported", "critical", "high")
    assert [(p.line, p.source) for p in told.chain][-1] == (8, "opt.step()")
    assert (6, "for x in xs:") in [(p.line, p.source) for p in told.chain]
    assert [(x.of, x.confidence) for x in told.links] == [("kind", "high"), ("path", "high")]
    shown = text(asked(source, 8))
    assert "LOOP001 uncleared-gradients: critical, high confidence" in shown
    assert "    a.py:8: this place\n        opt.step()" in shown
    assert "high (kind): `opt` is an optimizer, made at line 5" in shown


def test_what_the_settings_hold_back_is_told() -> None:
    ignored = one(BUGGY, 4, "unmapped-checkpoint-load", Settings(ignore=("CKPT010",)))
    assert (ignored.status, ignored.reasons[0].text) == ("not-selected", "the rule is ignored")
    off = one(BUGGY, 4, "unmapped-checkpoint-load", Settings(severity={"unmapped-checkpoint-load": "off"}))
    assert off.status == "off"
    other = one(BUGGY, 4, "unmapped-checkpoint-load", Settings(select=("LOOP",)))
    assert "not among the selected" in other.reasons[0].text


def test_where_a_setting_was_made_is_told() -> None:
    document = Document.from_text(BUGGY, "a.py")
    settings = Settings(ignore=("CKPT010",))
    answer = explain(document, None, settings, 4, "unmapped-checkpoint-load", {"ignore": "pyproject.toml:7"})
    assert answer.told[0].reasons[0].text == "the rule is ignored (pyproject.toml:7)"


@pytest.mark.parametrize(
    ("comment", "line"),
    [("  # noqa: CKPT010", 4), ("  # dry-debug: ignore[unmapped-checkpoint-load] known", 4)],
)
def test_the_comment_that_suppresses_is_named(comment: str, line: int) -> None:
    told = one(BUGGY.rstrip("\n") + comment + "\n", 4, "unmapped-checkpoint-load")
    assert told.status == "suppressed"
    assert told.reasons[0].text == f"a comment in line {line} suppresses it"
    above = BUGGY.replace("model.load", "# dry-debug: ignore[unmapped-checkpoint-load] known\nmodel.load")
    assert one(above, 5, "unmapped-checkpoint-load").reasons[0].text == "a comment in line 4 suppresses it"


def test_want_of_confidence_names_the_weakest_link() -> None:
    told = one(BY_USE, 8, "uncleared-gradients", Settings(min_confidence="high"))
    assert told.status == "low-confidence"
    assert told.reasons[0].text == (
        "below --min-confidence is high: its confidence is medium, "
        "because `optimizer` is an optimizer by usage (.step(), .zero_grad()) only"
    )


def test_silence_names_what_was_not_resolved() -> None:
    told = one("import torch\nthing = make_opt()\nthing.step()  # optim\n", 3, "uncleared-gradients")
    (reason,) = told.reasons
    assert reason.text == (
        "`thing` is not known to be an optimizer: it comes from `make_opt()` (line 2), which was not resolved"
    )


def test_silence_names_what_clears_and_where() -> None:
    source = BY_USE.replace("    optimizer.zero_grad()", "        optimizer.zero_grad()")
    (reason,) = one(source, 8, "uncleared-gradients").reasons
    assert reason.text == "`optimizer.zero_grad()` at line 9 clears the gradients before this step comes again"
    assert [(p.line, p.source) for p in reason.points] == [(9, "optimizer.zero_grad()")]


def test_a_rule_whose_subject_is_not_on_the_line_says_what_it_looks_at() -> None:
    told = one(BUGGY, 2, "unmapped-checkpoint-load")
    assert told.status == "no-subject"
    assert told.text == ("not reported: this rule looks at calls of `torch.load`; there is none on this line (line 4)")


def test_a_rule_without_its_triggers_says_so() -> None:
    told = one("x = 1\n", 1, "unmapped-checkpoint-load")
    assert told.status == "not-triggered"
    assert "looks only at files that mention `load` and `torch`, and this one does not" in told.text


def test_a_preview_rule_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [replace(i, status="preview") if i.name == "hyperparameter-deviation" else i for i in manifest.rules()]
    monkeypatch.setattr(manifest, "rules", lambda: rules)
    monkeypatch.setattr(manifest, "_selected", manifest._selected.__wrapped__)  # it remembers the rules
    told = one("import torch\nopt = torch.optim.SGD(ps, lr=0.1)\n", 2, "hyperparameter-deviation")
    assert told.status == "preview"


def test_a_line_that_nobody_looks_at() -> None:
    answer = asked("import torch\nthing = make_thing()\nthing.go()\n", 3)
    assert answer.told == []
    assert "No rule looks at anything on line 3." in text(answer)
    assert "`thing` is not known: it comes from `make_thing()` (line 2), which was not resolved" in text(answer)


def test_a_file_that_cannot_be_read_says_why() -> None:
    answer = asked("def f(:\n", 1)
    assert [t.status for t in answer.told] == ["syntax-error"]


def test_a_chain_goes_across_files() -> None:
    overlay = {"/p/helper.py": "def update(opt, loss):\n    loss.backward()\n    opt.step()\n"}
    main = (
        "import torch\nfrom helper import update\nnet = torch.nn.Linear(1, 1)\n"
        "opt = torch.optim.SGD(net.parameters(), lr=1)\nfor x in xs:\n    update(opt, net(x).sum())\n"
    )
    document = Document.from_text(main, "/p/main.py")
    answer = explain(document, ProjectHost("/p", overlay), Settings(), 6, "uncleared-gradients")
    chain = [(p.path, p.line, p.source) for p in answer.told[0].chain]
    assert ("/p/helper.py", 3, "opt.step()") in chain
    assert chain[-1] == ("/p/main.py", 6, "update(opt, net(x).sum())")


def test_a_rule_that_fails_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    info = manifest.find("unmapped-checkpoint-load")
    assert info is not None

    def broken(*_: object) -> object:
        raise RuntimeError("no")

    monkeypatch.setattr(type(manifest.load(info)), "check_call", broken)
    told = asked(BUGGY, 4).told
    assert [t.status for t in told if t.rule == info.name] == ["failed"]


def test_plain_data_has_the_same() -> None:
    found = data(asked(BUGGY, 4, "unmapped-checkpoint-load"))
    (rule,) = found["rules"]
    assert (found["filename"], found["line"], found["cell"]) == ("a.py", 4, None)
    assert rule["status"] == "reported"
    assert rule["chain"][-1]["source"].startswith("model.load_state_dict")
    assert rule["links"] == [
        {"of": "kind", "confidence": "high",
         "reason": "the file is a checkpoint: its state goes into `model` at line 4"}
    ]  # fmt: skip
