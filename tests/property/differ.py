"""One transformation over all samples: how often it was made, and what is said differently."""

from __future__ import annotations

from tests.property.all_of_them import ALL
from tests.property.match import difference
from tests.property.samples import SAMPLES, baseline, said
from tests.property.tally import Tally


def differences(name: str) -> tuple[Tally, dict[str, list[str]]]:
    """The tally, and by sample what differs, with the changed text."""
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
    return tally, different
