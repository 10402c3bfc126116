"""`dry_debug.records` against the standard library's `dataclasses`: the same classes, made by both."""

from __future__ import annotations

import ast
import copy
import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dry_debug import records
from dry_debug.records import dataclass, field, fields, replace

Decorator = Callable[[type], type]
ROOT = Path(__file__).resolve().parents[2]


def both(make: Callable[[Any], type], **flags: Any) -> tuple[type, type]:
    """The class that `make` makes, by each of the two modules."""
    return make((records.dataclass(**flags), records.field)), make((dataclasses.dataclass(**flags), dataclasses.field))


def point(tools: Any) -> type:
    decorate, some_field = tools

    class Point:
        """A point."""

        kind: ClassVar[str] = "point"
        x: int
        y: int = 2
        tags: list[str] = some_field(default_factory=list)
        weight: float = some_field(default=1.0, compare=False, repr=False)

        def moved(self) -> int:
            return self.x + 1

    return decorate(Point)


FLAGS = [
    {"frozen": frozen, "slots": slots, "eq": eq, "order": order}
    for frozen in (True, False)
    for slots in (True, False)
    for eq in (True, False)
    for order in ((True, False) if eq else (False,))
]


@pytest.mark.parametrize("flags", FLAGS, ids=lambda f: " ".join(k for k, v in f.items() if v) or "plain")
def test_a_class_is_what_the_standard_library_makes_of_it(flags: dict[str, bool]) -> None:
    def outcome(call: Callable[[], object]) -> object:
        try:
            return call()
        except Exception as error:
            return type(error)

    said = []
    for cls in both(point, **flags):
        calls: dict[str, Callable[[], object]] = {
            "repr": lambda cls=cls: repr(cls(1)).rpartition(".")[2],
            "no argument": lambda cls=cls: cls(),
            "one too many": lambda cls=cls: cls(1, 2, [], 1.0, 5),
            "a name that is no field": lambda cls=cls: cls(1, z=3),
            "equal": lambda cls=cls: cls(1) == cls(1, weight=9.0),
            "other tags": lambda cls=cls: cls(1, tags=["a"]) == cls(1),
            "another type": lambda cls=cls: cls(1) == (1, 2, []),
            "hash": lambda cls=cls: hash(cls(1, tags=())) == hash(cls(1, tags=(), weight=3.0)),
            "hash of a list": lambda cls=cls: hash(cls(1)) is not None,
            "less": lambda cls=cls: cls(1) < cls(2),
            "not greater": lambda cls=cls: cls(1) >= cls(2),
            "own lists": lambda cls=cls: cls(1).tags is not cls(1).tags,
            "method": lambda cls=cls: cls(1).moved(),
            "class variable": lambda cls=cls: cls.kind,
            "has a dict": lambda cls=cls: hasattr(cls(1), "__dict__"),
            "slots": lambda cls=cls: cls.__slots__,
            "match": lambda cls=cls: cls.__match_args__,
            "doc": lambda cls=cls: cls.__doc__,
            "default on the class": lambda cls=cls: cls.__dict__["y"] if "__slots__" not in cls.__dict__ else None,
        }
        said.append({name: outcome(call) for name, call in calls.items()})
    assert said[0] == said[1]


def test_inheritance() -> None:
    def family(tools: Any) -> type:
        decorate, _ = tools

        class Base:
            a: int
            b: int = 1

        base = decorate(Base)

        class Child(base):  # type: ignore[valid-type, misc]
            b: int = 5
            c: int = 7

        return decorate(Child)  # type: ignore[no-any-return]

    ours, theirs = both(family, frozen=True, slots=True)
    for cls in (ours, theirs):
        one = cls(0)
        assert (one.a, one.b, one.c) == (0, 5, 7)
        assert not hasattr(one, "__dict__")
        assert one == cls(0, 5, 7) and hash(one) == hash(cls(0, 5, 7))
        assert one.__slots__ == ("c",)


@dataclass(frozen=True, slots=True)
class Shown:
    """At module level, where pickle finds it."""

    x: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hashed:
    """Computes a field, and has a hash of its own."""

    text: str
    digest: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", len(self.text))

    def __hash__(self) -> int:
        return self.digest


@dataclass(slots=True)
class Open:
    """Written to, so not hashable."""

    count: int = 0

    def __repr__(self) -> str:
        return f"{self.count} so far"


def test_an_instance_can_be_sent_to_another_process_and_copied() -> None:
    one = Shown(1, ("a",))
    assert pickle.loads(pickle.dumps(one)) == one == copy.copy(one) == copy.deepcopy(one)
    assert replace(one, x=3) == Shown(3, ("a",))
    with pytest.raises(TypeError):
        replace(one, z=3)


def test_fields_are_listed_in_order() -> None:
    assert [one.name for one in fields(Shown)] == ["x", "tags"] == [one.name for one in fields(Shown(1))]
    assert fields(Shown)[0].default is records.MISSING and fields(Shown)[1].default == ()
    with pytest.raises(AttributeError):
        fields(int)


def test_what_a_class_defines_itself_stays() -> None:
    assert hash(Hashed("abc")) == 3 == Hashed("abc").digest
    assert Hashed("abc") == Hashed("abc") and repr(Hashed("abc")) == "Hashed(text='abc')"
    assert replace(Hashed("abc"), text="ab").digest == 2
    assert repr(Open(4)) == "4 so far"
    with pytest.raises(TypeError):
        hash(Open())


def test_a_method_is_compiled_once_at_its_first_call() -> None:
    @dataclass
    class Late:
        x: int

    before = Late.__init__
    Late(1)
    after = Late.__init__
    Late(2)
    assert before is not after is Late.__init__


def test_the_product_makes_its_data_classes_here() -> None:
    """`dataclasses` would bring back half a millisecond a class, and `inspect` with it."""
    using = []
    for path in sorted([*(ROOT / "server").rglob("*.py"), *(ROOT / "rules").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            if "dataclasses" in names:
                using.append(path.name)
    assert not using
