"""Whether what is said of a changed project is what was said of the sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.property.origins import Map, Place
from tests.property.samples import Said


def difference(before: Sequence[tuple[Place, str, str]], map_: Map, after: Iterable[Said]) -> str:
    """Empty if each finding of `before` is found again at a place that it may stand at, and nothing else is."""
    lost = list(before)
    new: list[Said] = []
    kept: list[Said] = []
    calls: list[tuple[frozenset[Place], str, str]] = []  # what is said of a call that stands for several places
    # Those with fewer places to stand for first: a call that leads to several findings takes what is left.
    found = [(map_.places(s.file, s.line, s.column), s) for s in after]
    for places, said in sorted(found, key=lambda f: (len(f[0]), f[1].file, f[1].line)):
        match = next((b for b in lost if b[0] in places and b[1:] == (said.rule, said.severity)), None)
        if match is None:
            new.append(said)
        else:
            lost.remove(match)
            kept.append(said)
            if len(places) > 1:
                calls.append((places, said.rule, said.severity))
    # What a call does in two places is said once, of the call: an argument that is mended there is mended for both.
    lost = [b for b in lost if not any(b[0] in places and b[1:] == (rule, level) for places, rule, level in calls)]
    # What is told at the loss is told at the model as well, once that stands in another file.
    new = [s for s in new if not any(s.tells_again(other) for other in kept)]
    # What a helper's file shows by itself is told there, else in the file that calls it, pointing at the helper.
    for said in list(new):
        shown = {place for at in said.related if at[0] != said.file for place in map_.places(*at)}
        match = next((b for b in lost if b[0] in shown and b[1:] == (said.rule, said.severity)), None)
        if match is not None:
            lost.remove(match)
            new.remove(said)
    parts = [f"lost {place[0]}:{place[1]} {severity} {rule}" for place, rule, severity in lost]
    return "; ".join([*parts, *(f"new {s.file}:{s.line} {s.severity} {s.rule}" for s in new)])
