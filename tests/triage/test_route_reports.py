"""Real reports of public issue threads reach the area that was labelled first; an ambiguous one gets a question."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dry_debug_rules.catalogue.routes import AREAS
from measure import GROUPS, reports, verdict

EVERY = [report for group in GROUPS for report in reports(group)]
# The reports that the table does not send where their label says, by thread, with the reason.
OPEN = {
    "https://github.com/TencentARC/GFPGAN/issues/50":
        "weird results in half precision, and a remark that single precision is slower: the remark leads",
}  # fmt: skip


def test_the_set_is_large_and_of_many_projects() -> None:
    assert len(reports("report")) >= 66
    assert sum(not report["area"] for report in EVERY) >= 8
    assert {report["area"] for report in EVERY} == {*AREAS, ""}
    assert len({"/".join(report["url"].split("/")[3:5]) for report in EVERY}) >= 60
    assert len({report["url"] for report in EVERY}) == len(EVERY)


@pytest.mark.parametrize("group", GROUPS)
def test_nine_of_ten_reports_are_routed_right(group: str) -> None:
    verdicts = [verdict(report)[0] for report in reports(group)]
    assert verdicts.count("right") >= 0.9 * len(verdicts)


@pytest.mark.parametrize("report", [row for row in EVERY if not row["area"]], ids=lambda row: row["url"][19:])
def test_an_ambiguous_report_gets_a_question_and_no_guess(report: dict[str, str]) -> None:
    assert verdict(report)[0] == "right", verdict(report)[1]


def test_the_open_reports_are_the_ones_named_here() -> None:
    assert {report["url"] for report in EVERY if verdict(report)[0] != "right"} == set(OPEN)
