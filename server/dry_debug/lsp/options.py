"""The editor's settings: camelCase keys of `lint.settings.Settings`, each checked by itself."""

from collections.abc import Mapping
from typing import Any

from dry_debug.lint.settings import Settings, camel_case, converted
from dry_debug.records import dataclass, field, fields

# Keys under `dryDebug` that concern only the client (package.json), not the analysis.
CLIENT_ONLY = frozenset(("enable", "interpreter", "path", "trace"))

# Not a setting, but sent with them: what the user has selected in the editor's own extension for Python.
SELECTED = "selectedInterpreter"


@dataclass(frozen=True)
class Options:
    """Values by field name of Settings, and one sentence for each key that was not understood.

    `selected_interpreter` is a path; the packages there are meant where no environment is set.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    selected_interpreter: str | None = None


def read_options(given: object) -> Options:
    """The options in what an editor has sent: an object, or nothing. null stands for "not set". Never raises."""
    if given is None:
        return Options()
    if not isinstance(given, Mapping):
        return Options(complaints=(f"the settings should be an object, not {_shown(given)}; the defaults are used",))
    known = {camel_case(item.name): item.name for item in fields(Settings)}
    values: dict[str, Any] = {}
    complaints: list[str] = []
    for key, value in given.items():
        name = known.get(key)
        if value is None or key in CLIENT_ONLY or key == SELECTED:
            continue
        if name is None:
            complaints.append(f"'{key}' is not a setting")
            continue
        try:
            values[name] = converted(name, value)
        except ValueError as error:
            complaints.append(f"'{key}' should be {error}, not {_shown(value)}; the default is used")
    selected = given.get(SELECTED)
    return Options(values, tuple(complaints), selected if isinstance(selected, str) and selected else None)


def _shown(value: object) -> str:
    return repr(value)[:60]
