"""What means the same gets the same findings: every transformation over every example of every page, and `examples/`."""

from __future__ import annotations

import pytest

from tests.property.all_of_them import ALL
from tests.property.known import KNOWN, MOST_SKIPPED
from tests.property.match import difference
from tests.property.samples import SAMPLES, baseline, said
from tests.property.tally import Tally


@pytest.mark.parametrize("name", ALL)
def test_a_change_that_keeps_the_meaning_keeps_the_findings(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exactly the samples that KNOWN lists differ: one that does not any more has to leave the list."""
    tally = Tally()
    different: dict[str, list[str]] = {}
    for sample in SAMPLES:
        before = baseline(sample)
        for label, changed in ALL[name](sample.project(), tally):
            tally.made += 1
            texts, places = changed.render()
            words = difference(before, places, said(texts))
            if words:
                shown = "".join(f"--- {file}\n{text}" for file, text in texts.items())
                different.setdefault(sample.name, []).append(f"{sample} {label}: {words}\n{shown}")
    with capsys.disabled():
        print(f"\n{name}: {tally}")
    open_ = KNOWN.get(name, frozenset())
    unexpected = [text for key, rows in different.items() if key not in open_ for text in rows[:2]]
    assert not unexpected, f"{len(unexpected)} differ\n" + "\n".join(unexpected[:6])
    assert open_ <= set(different), f"these do not differ any more: {sorted(open_ - set(different))}"
    assert tally.made >= 20
    assert sum(tally.skipped.values()) <= MOST_SKIPPED.get(name, 0.35) * (tally.made + sum(tally.skipped.values()))
