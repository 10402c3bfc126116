"""The measuring set holds: precision and recall over everything that instructions of people say."""

from tests.spec.measure.measure import HERE, SETS, VERDICTS, Score, cases, measure


def test_the_measuring_set_is_large_and_mixed() -> None:
    every = cases()
    assert len(every) >= 40
    assert len({case.script for case in every}) >= 8
    compliant = [c for c in every if {v for _, v in c.expected} <= {"match", "assumption"}]
    assert len(compliant) >= len(every) / 5


def test_what_is_said_of_the_measuring_set_is_right() -> None:
    files = [HERE / f"{name}.toml" for name in SETS]
    _, by_verdict, lines = measure([case for file in files for case in cases(file)])
    whole = Score()
    for verdict in VERDICTS:
        score = by_verdict[verdict]
        whole = Score(whole.right + score.right, whole.wrong + score.wrong, whole.missing + score.missing)
    shown = "\n".join(lines)
    assert whole.precision >= 0.95 and whole.recall >= 0.9, shown
    assert by_verdict["deviation"].precision >= 0.95, shown  # the verdict that interrupts people
