"""What a variable is by what is done with it: the methods called on it, else what it is called."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from dry_debug.program.knowledge import FITTING, NAMES, OTHER_FRAMEWORKS, USAGE, Kind
from dry_debug.program.names import Names
from dry_debug.program.scope_index import ScopeIndex
from dry_debug.program.scopes import Scope
from dry_debug.program.spelled import spells_choice

MAX_HANDED = 8  # functions that a variable is followed into, to what is called on it there
MANY_HANDED = 64  # calls of a file that hand a variable of one name on
_OF_TEXT = frozenset(("lower", "upper", "strip", "split", "startswith", "endswith", "format"))
_TRAINER_METHODS = frozenset(("train", "fit", "evaluate", "predict", "save_model"))
# Each word with its place in the list: the first of several that fit decides.
_WORDS: dict[str, tuple[int, Kind]] = {}
for _at, (_word, _kind) in enumerate(NAMES):
    _WORDS.setdefault(_word, (_at, _kind))


class Usage:
    """The variables and attributes of one file."""

    def __init__(self, index: ScopeIndex, names: Names) -> None:
        self.index = index
        self.names = names
        self._kinds: dict[tuple[Scope, str], tuple[Kind, str] | None] = {}
        self._handed_in: dict[str, dict[Scope, list[tuple[Scope, Scope, str]]]] = {}
        self._calling: dict[str, list[Scope]] = {}  # dotted receiver -> the scopes in which it is called on
        for scope in index.scopes.values():
            for path in scope.receivers:
                self._calling.setdefault(path, []).append(scope)

    def release(self) -> None:
        """Forget what was found."""
        self._calling.clear()
        self._kinds.clear()

    def kind_of(self, scope: Scope, path: str, name: str) -> tuple[Kind, str] | None:
        """What `path` of `scope`, called `name`, is, and whether "usage" or only the "name" says so."""
        key = (scope, path)
        if key not in self._kinds:
            self._kinds[key] = self._found(scope, path, name)
        return self._kinds[key]

    def _found(self, scope: Scope, path: str, name: str) -> tuple[Kind, str] | None:
        methods = self._methods_on(scope, path)
        lowered = name.lower().strip("_")
        if lowered.endswith("trainer") and methods & _TRAINER_METHODS:
            return "trainer", "usage"
        for needed, kind in USAGE if methods else ():
            if needed <= methods:
                # Loaders pass `set_epoch` on to their samplers: then the name decides.
                loads = kind == "sampler" and lowered.endswith("loader")
                return ("loader" if loads else kind), "usage"
        called = _called(lowered)
        if called is None:
            return None
        # A name and a method that fits it say together what neither says alone.
        if methods and FITTING.get(called, frozenset()) & methods:
            return called, "usage"
        if methods & _OF_TEXT or spells_choice(scope, path) or self._of_others(scope, path):
            return None
        return called, "name"

    def _of_others(self, scope: Scope, path: str) -> bool:
        """Whether something of another framework makes it: `model = keras.models.load_model(path)`."""
        held = scope.attributes.get(path.partition(".")[2], ()) if "." in path else scope.bindings.get(path, ())
        for b in held:
            made = self.names.qualified(b.value.func, b.scope) if isinstance(b.value, ast.Call) else None
            if made is not None and made.partition(".")[0] in OTHER_FRAMEWORKS:
                return True
        return False

    def _methods_on(self, scope: Scope, path: str) -> set[str]:
        """The methods that are called on a variable of `scope`, also by functions of the file that it is handed to."""
        methods: set[str] = set()
        root, _, rest = path.partition(".")
        queue = [(scope, path)]
        seen = set(queue)
        for actor in scope.actors if rest else ():  # a function that is handed the object
            methods |= actor.receivers.get(f"{actor.self_name}.{rest}", set())
        for home, spelled in queue:
            for calling in self._calling.get(spelled, ()):
                if _sees(calling, home, root if home is scope else spelled):
                    methods |= calling.receivers[spelled]
            if root != path or len(seen) > MAX_HANDED:
                continue
            for calling, function, parameter in self._handed(spelled, home):
                if (function, parameter) not in seen and _sees(calling, home, spelled):
                    seen.add((function, parameter))
                    queue.append((function, parameter))
        return methods

    def _handed(self, spelled: str, home: Scope) -> Sequence[tuple[Scope, Scope, str]]:
        """The calls that hand a variable of `home` on; where a name is handed on at very many places only those that
        stand in `home` itself, since looking at all of them for each function would take the square of the time."""
        rows = self.index.handed_on.get(spelled, [])
        if len(rows) <= MANY_HANDED:
            return rows
        by_scope = self._handed_in.get(spelled)
        if by_scope is None:
            by_scope = self._handed_in[spelled] = {}
            for row in rows:
                by_scope.setdefault(row[0], []).append(row)
        return by_scope.get(home, [])


def _sees(inner: Scope, scope: Scope, root: str) -> bool:
    """Whether the variable `root` of `scope` is what code in `inner` means by the name."""
    current: Scope | None = inner
    while current is not None and current is not scope:
        current = None if root != "self" and root in current.bindings else current.parent
    return current is not None


def _called(name: str) -> Kind | None:
    """What a variable of this name in small letters is called like: by the whole name, or its last words."""
    found: tuple[int, Kind] | None = None
    rest, more = name, "_"
    while more:
        word = _WORDS.get(rest)
        if word is not None and (found is None or word < found):
            found = word
        _, more, rest = rest.partition("_")
    return found[1] if found is not None else None
