"""The findings that would explain a symptom come first, those at the user's own frame before all others."""

from __future__ import annotations

from dry_debug.lint.finding import Confidence, Finding, Severity
from dry_debug.text.decode import decode
from dry_debug.text.spans import Span
from dry_debug.triage.routing import route
from dry_debug.triage.suspects import Site, meant, site, suspects


def at(
    rule: str,
    row: int,
    path: str = "/home/ana/job/train.py",
    severity: Severity = "warning",
    confidence: Confidence = "high",
    end_row: int | None = None,
) -> Site:
    return Site(rule, path, row, end_row or row, severity, confidence)


def ordered(text: str, *sites: Site) -> list[Site]:
    return suspects(route(text), sites, lambda item: item)


def test_only_findings_that_explain_the_symptom_are_suspects() -> None:
    leak, seed = at("attached-loss-total", 10), at("partial-seeding", 3)
    assert ordered("CUDA out of memory after 40 batches", seed, leak) == [leak]
    assert ordered("results differ in every run", seed, leak) == [seed]


def test_an_ambiguous_text_has_no_suspects() -> None:
    assert ordered("it does not work", at("attached-loss-total", 10)) == []


def test_the_area_that_leads_comes_before_the_severity() -> None:
    text = "device-side assert triggered, and at other times CUDA out of memory"
    index, memory = at("unvalidated-index", 5, severity="suggestion"), at("attached-loss-total", 9, severity="critical")
    assert ordered(text, memory, index) == [index, memory]


def test_severity_then_confidence_then_how_likely_the_rule_is() -> None:
    text = "CUDA out of memory"
    mild = at("attached-tensor-collection", 1, severity="suggestion")
    critical = at("quadratic-concatenation", 50, severity="critical")
    sure, guess = at("undetached-hidden-state", 7), at("undetached-hidden-state", 6, confidence="medium")
    likely, unlikely = at("attached-loss-total", 30), at("quadratic-concatenation", 2)
    assert ordered(text, mild, unlikely, guess, likely, sure, critical) == [
        critical, likely, sure, unlikely, guess, mild,
    ]  # fmt: skip


TRACEBACK = (
    'Traceback (most recent call last):\n  File "job/train.py", line 20, in step\n    loss.backward()\n'
    "torch.OutOfMemoryError: CUDA out of memory."
)


def test_the_users_own_frame_comes_first() -> None:
    here = at("evaluation-with-gradients", 18, severity="suggestion", end_row=22)
    file = at("quadratic-concatenation", 90, severity="suggestion")
    elsewhere = at("attached-tensor-collection", 20, path="/home/ana/job/model.py", severity="critical")
    assert ordered(TRACEBACK, elsewhere, file, here) == [here, file, elsewhere]


def test_a_path_of_another_machine_is_matched_by_its_end() -> None:
    mine = at("quadratic-concatenation", 90, path="C:\\work\\job\\train.py", severity="suggestion")
    other = at("quadratic-concatenation", 1, path="/home/ana/other/train.py", severity="suggestion")
    assert ordered(TRACEBACK.replace("job/train.py", "/mnt/cluster/job/train.py"), other, mine) == [mine, other]


def test_the_order_does_not_depend_on_the_order_given() -> None:
    sites = [at("attached-loss-total", row, path=f"/p/{row % 3}.py") for row in range(12)]
    assert ordered("CUDA out of memory", *sites) == ordered("CUDA out of memory", *reversed(sites))


def test_the_site_of_a_finding_counts_lines_from_one() -> None:
    document = decode(b"a = 1\nb = [\n    2,\n]\n", "/x.py")
    finding = Finding("attached-loss-total", "MEM001", "critical", "high", "m", "w", Span(6, 20), "c", "f")
    assert site("/x.py", document, finding) == Site("attached-loss-total", "/x.py", 2, 4, "critical", "high")


def test_then_come_the_files_of_the_other_frames() -> None:
    text = (
        'Traceback (most recent call last):\n  File "/x/job/main.py", line 3, in <module>\n    run()\n'
        '  File "/x/job/train.py", line 20, in step\n    loss.backward()\n'
        "torch.OutOfMemoryError: CUDA out of memory."
    )
    elsewhere = at("attached-loss-total", 5, path="/home/ana/job/other.py", severity="critical")
    caller = at("attached-loss-total", 5, path="/home/ana/job/main.py", severity="suggestion")
    own = at("attached-loss-total", 5, severity="suggestion")
    assert ordered(text, elsewhere, caller, own) == [own, caller, elsewhere]


def test_the_users_frames_are_told_innermost_first_and_those_of_libraries_not_at_all() -> None:
    text = (
        'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    run()\n'
        '  File "/usr/lib/python3.12/site-packages/torch/x.py", line 2, in f\n    g()\n'
        '  File "b.py", line 20, in step\n    loss.backward()\n'
        "torch.OutOfMemoryError: CUDA out of memory."
    )
    assert [(frame.path, frame.line) for frame in route(text).frames] == [("b.py", 20), ("a.py", 3)]


def test_a_shown_path_means_the_file_that_agrees_with_most_of_it() -> None:
    paths = ["/w/a/job/train.py", "/w/b/job/train.py", "/w/b/other/train.py"]
    assert meant("/root/b/job/train.py", paths) == ["/w/b/job/train.py"]
    assert meant("job/train.py", paths) == paths[:2]
    assert meant("train.py", paths) == paths
    assert meant("C:\\me\\other\\train.py", paths) == paths[2:]
    assert meant("nowhere/train.py", paths) == []
    assert meant("", paths) == meant("./~", paths) == []
