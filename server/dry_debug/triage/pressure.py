"""The pressure in a text, and what the catalogue says against it."""

from __future__ import annotations

from collections.abc import Collection

from dry_debug_rules.catalogue.routes import table

from dry_debug.triage.matching import found


def kinds(prose: str) -> tuple[str, ...]:
    """The kinds of pressure in `prose` (lower case, single spaces), in the order of the table."""
    return tuple(pressure.kind for pressure in table().pressures if found(pressure.words, prose))


def counters(prose: str, pressure: Collection[str], areas: Collection[str], routes: Collection[str]) -> tuple[str, ...]:
    """Ids of the catalogue entries that counter the pressure and the excuses in `prose`, each once.

    `areas` are those that were routed to, in order (none: a question was asked), `routes` the ids of the rows.
    At most one case of the source material is among them, the first that is like this one.
    """
    lead = next(iter(areas), "")
    ids = {id_: None for item in table().pressures if item.kind in pressure for id_ in item.quotes}
    for excuse in table().excuses:
        if (not excuse.areas or lead in excuse.areas) and found(excuse.words, prose):
            ids.update(dict.fromkeys(excuse.quotes))
    if ids:
        for case in table().cases:
            alike = case.lead == lead and set(case.pressure) <= set(pressure)
            if alike and (not case.routes or not set(case.routes).isdisjoint(routes)):
                ids[case.quote] = None
                break
    return tuple(ids)
