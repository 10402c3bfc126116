"""The tables of the dependency rules, and what is asked before they are loaded."""

import pytest
from dry_debug.program.knowledge import _SAME
from dry_debug_rules.dependencies._needs import by_package
from dry_debug_rules.dependencies._removals import Table, by_top, words
from dry_debug_rules.dependencies.incompatible_versions import TABLED


@pytest.mark.parametrize("name", ["removed", "deprecated"])
def test_a_text_that_uses_a_row_holds_one_of_its_words(name: Table) -> None:
    for top, library in by_top(name).items():
        wanted = {row.word for row in (*library.names.values(), *library.renamed, *library.methods)}
        wanted |= {word for rows in library.arguments.values() for word in rows}
        assert words(name)[top] == wanted
    assert words(name).keys() == by_top(name).keys()


def test_what_is_deprecated_is_not_gone_before_its_time() -> None:
    """Where both tables name the same, the one says from when on the other tells of it."""
    for top, library in by_top("deprecated").items():
        removed = by_top("removed").get(top)
        for name, row in library.names.items():
            assert removed is None or name not in removed.names, name
            assert row.same is None or row.same.rpartition(".")[2]
        for whole, rows in library.arguments.items():
            for word, row in rows.items():
                later = removed.arguments.get(whole, {}).get(word) if removed is not None else None
                assert row.gone == (later.since if later is not None else None), (whole, word)
                assert row.gone is None or row.since < row.gone


def test_no_other_spelling_of_a_removed_name_ends_in_another_word() -> None:
    removed = {whole for library in by_top("removed").values() for whole in library.names}
    assert [name for name, same in _SAME.items() if same in removed and name.rpartition(".")[2] not in same] == []


def test_the_packages_of_the_table_are_those_whose_version_is_asked_for() -> None:
    assert set(TABLED) == by_package().keys()
