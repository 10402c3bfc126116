"""The editor's settings: asking for them, and telling the user what was wrong with them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from dry_debug.lsp.options import Options, read_options
from dry_debug.lsp.session import Session

SECTION = "dryDebug"


def initial_options(given: Any) -> Options:
    """The options in `initializationOptions`: `{"settings": {...}}`."""
    given = plain(given)
    if isinstance(given, Mapping):
        return read_options(given.get("settings"))
    return read_options(given)


def pushed_options(given: Any) -> Options:
    """The options in `workspace/didChangeConfiguration`: the section, or an object that holds it."""
    given = plain(given)
    if isinstance(given, Mapping) and isinstance(given.get(SECTION), Mapping):
        return read_options(given[SECTION])
    return read_options(given)


async def pulled_options(server: LanguageServer, session: Session) -> dict[str, Options]:
    """What the client answers for each workspace folder and, under "", for what is in none."""
    scopes = ["", *session.buffers.folder_uris()]
    items = [types.ConfigurationItem(scope or None, SECTION) for scope in scopes]
    answers = await server.workspace_configuration_async(types.ConfigurationParams(items))
    return {scope: read_options(plain(answer)) for scope, answer in zip(scopes, answers, strict=False)}


def plain(value: Any) -> Any:
    """A value as plain dicts and lists: pygls gives objects of messages that it has no type for as named tuples."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {key: plain(item) for key, item in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Complaints:
    """Tells the user each complaint once."""

    def __init__(self, show: Callable[[types.ShowMessageParams], None]) -> None:
        self._show = show
        self._told: set[str] = set()

    def tell(self, complaints: Iterable[str]) -> None:
        """One warning for all `complaints` that are new."""
        new = [complaint for complaint in dict.fromkeys(complaints) if complaint not in self._told]
        if new:
            self._told.update(new)
            text = f"Dry Debug: {'; '.join(new)}."
            self._show(types.ShowMessageParams(types.MessageType.Warning, text))
