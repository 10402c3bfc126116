"""A property that is computed when it is first asked for, and kept.

It is `functools.cached_property` as Python 3.12 has it. That of 3.11 takes a lock at each first question, which costs
more than most of the answers do; an object of the model is asked by one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # named as the one of the library
    """Keeps what the method gives in the object's `__dict__`, where the next question finds it without coming here."""

    def __init__(self, method: Callable[[Any], T]) -> None:
        self.method = method
        self.name = method.__name__
        self.__doc__ = method.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object, owner: type) -> Self | T:
        if instance is None:
            return self
        found = instance.__dict__[self.name] = self.method(instance)
        return found
