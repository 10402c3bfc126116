"""The tables of the dependency rules, and what is asked before they are loaded."""

from dry_debug.program.knowledge import _SAME
from dry_debug_rules.dependencies._needs import by_package
from dry_debug_rules.dependencies._removals import by_top, words
from dry_debug_rules.dependencies.incompatible_versions import TABLED


def test_a_text_that_uses_a_removal_holds_one_of_its_words() -> None:
    for top, library in by_top().items():
        wanted = {row.word for row in library.names.values()} | {row.word for row in library.methods}
        wanted |= {word for rows in library.arguments.values() for word in rows}
        assert words()[top] == wanted
    assert words().keys() == by_top().keys()


def test_no_other_spelling_of_a_removed_name_ends_in_another_word() -> None:
    removed = {whole for library in by_top().values() for whole in library.names}
    assert [name for name, same in _SAME.items() if same in removed and name.rpartition(".")[2] not in same] == []


def test_the_packages_of_the_table_are_those_whose_version_is_asked_for() -> None:
    assert set(TABLED) == by_package().keys()
