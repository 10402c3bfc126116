"""Data classes as `dataclasses` makes them, but each method is compiled when it is called first.

`dataclasses.dataclass` compiles up to six methods of a class while its module is loaded, half a millisecond for each
class: a quarter of the time of `dry-debug check FILE` went into methods that nobody called. The names here, and what
they mean, are those of the standard library's module (PEP 557), as far as this code needs them: a class is told by its
annotations, `slots`, `eq` and `order` are the library's, `__post_init__` is called.

One thing is left to the type checker: `frozen=True` gives a class a hash, and mypy refuses to assign to its fields;
at run time nothing does, which makes an instance in a third of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")
_FIELDS = "__record_fields__"


class _Missing:
    """Stands for a default that there is none of."""

    __slots__ = ()


MISSING: Final = _Missing()


class Field:
    """One field: its name, the text or value of its annotation, and its default (MISSING if it has none)."""

    __slots__ = ("compare", "default", "default_factory", "init", "metadata", "name", "repr", "type")

    def __init__(
        self,
        default: Any,
        factory: Any = MISSING,
        init: bool = True,
        compare: bool = True,
        repr: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.default, self.default_factory = default, factory
        self.init, self.compare, self.repr, self.metadata = init, compare, repr, metadata or {}
        self.name: str = ""
        self.type: Any = None


@overload
def field(
    *, default: T, init: bool = ..., compare: bool = ..., repr: bool = ..., metadata: Mapping[str, Any] = ...
) -> T: ...
@overload
def field(
    *,
    default_factory: Callable[[], T],
    init: bool = ...,
    compare: bool = ...,
    repr: bool = ...,
    metadata: Mapping[str, Any] = ...,
) -> T: ...
@overload
def field(*, init: bool = ..., compare: bool = ..., repr: bool = ..., metadata: Mapping[str, Any] = ...) -> Any: ...
def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    init: bool = True,
    compare: bool = True,
    repr: bool = True,
    metadata: Mapping[str, Any] | None = None,
) -> Any:
    """What a field has beside its annotation; `compare=False` leaves it out of `==`, the order and the hash,
    `init=False` out of the arguments: `__post_init__` sets it."""
    return Field(default, default_factory, init, compare, repr, metadata)


@overload
def dataclass(cls: type[T], /) -> type[T]: ...
@overload
def dataclass(
    *, frozen: bool = False, slots: bool = False, eq: bool = True, order: bool = False
) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(field_specifiers=(field,))
def dataclass(
    cls: type[T] | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    eq: bool = True,
    order: bool = False,
) -> Any:
    """Gives a class `__init__`, `__repr__`, and by the flags `__eq__`, `__hash__`, the order and `__slots__`."""

    def made(cls: type[T]) -> type[T]:
        return _processed(cls, frozen, slots, eq, order)

    return made if cls is None else made(cls)


def fields(record: Any) -> tuple[Field, ...]:
    """The fields of a class or an instance, in their order; AttributeError if it is no data class."""
    return tuple(getattr(record, _FIELDS).values())


def replace(record: T, /, **changes: Any) -> T:
    """A copy with these fields changed; TypeError for a name that is no field."""
    for name, one in getattr(record, _FIELDS).items():
        if name not in changes and one.init:
            changes[name] = getattr(record, name)
    return type(record)(**changes)


def _processed(cls: type[T], frozen: bool, slots: bool, eq: bool, order: bool) -> type[T]:
    inherited: dict[str, Field] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= base.__dict__.get(_FIELDS, {})
    own: dict[str, Field] = {}
    for name, annotation in cls.__dict__.get("__annotations__", {}).items():  # noqa: RUF063  `inspect` takes 5 ms to load
        if "ClassVar" not in str(annotation):
            own[name] = _field(cls, name, annotation)
    known = inherited | own
    if slots:
        cls = _with_slots(cls, own, inherited)
    else:
        for name, one in own.items():
            if one.default is not MISSING:
                setattr(cls, name, one.default)
            elif name in cls.__dict__:
                delattr(cls, name)
    made = {"__init__": _init, "__repr__": _repr}
    if eq:
        made["__eq__"] = _eq
    if order:
        made |= {"__lt__": _less, "__le__": _less, "__gt__": _less, "__ge__": _less}
    explicit_hash = "__hash__" in cls.__dict__ and not (cls.__dict__["__hash__"] is None and "__eq__" in cls.__dict__)
    if eq and frozen and not explicit_hash:
        made["__hash__"] = _hash
    for name, source in made.items():
        if name in ("__init__", "__hash__") or name not in cls.__dict__:
            setattr(cls, name, _at_first_call(cls, name, source))
    if eq and not frozen and not explicit_hash:
        setattr(cls, "__hash__", None)  # noqa: B010  mypy knows the type of the attribute
    setattr(cls, _FIELDS, known)
    setattr(cls, "__match_args__", tuple(known))  # noqa: B010
    return cls


def _field(cls: type, name: str, annotation: Any) -> Field:
    default = cls.__dict__.get(name, MISSING)
    # With slots of its own a class has a descriptor where the default would stand.
    one = default if isinstance(default, Field) else Field(default)
    one.name, one.type = name, annotation
    return one


def _with_slots(cls: type[T], own: Mapping[str, Field], inherited: Mapping[str, Field]) -> type[T]:
    """The class anew, with `__slots__`: they cannot be added to one that exists."""
    body = {name: value for name, value in cls.__dict__.items() if name not in own}
    body.pop("__dict__", None)
    body.pop("__weakref__", None)
    body["__slots__"] = tuple(name for name in own if name not in inherited)
    made = cast("type[T]", type(cls)(cls.__name__, cls.__bases__, body))  # type: ignore[misc]
    made.__qualname__ = cls.__qualname__
    return made


def _at_first_call(cls: type, name: str, source: Callable[[type, str, dict[str, Any]], str]) -> Callable[..., Any]:
    """A method that compiles the real one, puts it in its own place, and goes on with it."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        space: dict[str, Any] = {"MISSING": MISSING}
        exec(source(cls, name, space), space)
        made = space[name]
        made.__qualname__ = f"{cls.__qualname__}.{name}"
        setattr(cls, name, made)
        return made(self, *args, **kwargs)

    return method


def _init(cls: type, name: str, space: dict[str, Any]) -> str:
    given, body = [], []
    for key, one in getattr(cls, _FIELDS).items():
        if not one.init:
            continue
        value = key
        if one.default_factory is not MISSING:
            space[f"_new_{key}"] = one.default_factory
            given.append(f"{key}=MISSING")
            value = f"_new_{key}() if {key} is MISSING else {key}"
        elif one.default is not MISSING:
            space[f"_default_{key}"] = one.default
            given.append(f"{key}=_default_{key}")
        else:
            given.append(key)
        body.append(f" self.{key} = {value}\n")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()\n")
    return f"def {name}({', '.join(['self', *given])}):\n{''.join(body) or ' pass'}"


def _repr(cls: type, name: str, space: dict[str, Any]) -> str:
    shown = ", ".join(f"{key}={{self.{key}!r}}" for key, one in getattr(cls, _FIELDS).items() if one.repr)
    return f"def {name}(self):\n return f'{{self.__class__.__qualname__}}({shown})'"


def _compared(cls: type, of: str) -> str:
    return "(" + "".join(f"{of}.{key}, " for key, one in getattr(cls, _FIELDS).items() if one.compare) + ")"


def _eq(cls: type, name: str, space: dict[str, Any]) -> str:
    return (
        f"def {name}(self, other):\n if other.__class__ is not self.__class__:\n  return NotImplemented\n"
        f" return {_compared(cls, 'self')} == {_compared(cls, 'other')}"
    )


def _less(cls: type, name: str, space: dict[str, Any]) -> str:
    sign = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}[name]
    return (
        f"def {name}(self, other):\n if other.__class__ is not self.__class__:\n  return NotImplemented\n"
        f" return {_compared(cls, 'self')} {sign} {_compared(cls, 'other')}"
    )


def _hash(cls: type, name: str, space: dict[str, Any]) -> str:
    return f"def {name}(self):\n return hash({_compared(cls, 'self')})"
