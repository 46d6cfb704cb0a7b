"""What kind of function a handler is made of, and what it can be called with."""

import functools
import inspect
from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any, TypeGuard

import msgspec

from ..core.ports import Handler

__all__ = ("Arity", "Kind", "arity_of", "check_handler", "is_native", "kind_of")

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Kind(Enum):
    """How a function is run: what blocks runs in worker threads, the rest on the event loop."""

    FUNCTION = "a function"
    COROUTINE = "a coroutine function"
    GENERATOR = "a generator function"
    ASYNC_GENERATOR = "an async generator function"


def kind_of(function: Callable[..., Any]) -> Kind:
    """The kind of a function, a method, a partial, or an object with such a `__call__`. Raises
    TypeError for what cannot be called, and for classes.
    """
    if inspect.isclass(function) or not callable(function):
        raise TypeError(f"a function is wanted, not {function!r}")
    if _either(inspect.isasyncgenfunction, function):
        return Kind.ASYNC_GENERATOR
    if _either(inspect.isgeneratorfunction, function):
        return Kind.GENERATOR
    if _either(inspect.iscoroutinefunction, function):
        return Kind.COROUTINE
    return Kind.FUNCTION


def _either(test: Callable[[object], bool], function: object) -> bool:
    return test(function) or test(getattr(function, "__call__", None))  # noqa: B004 - the bound method is what is asked about


def is_native(handler: object) -> TypeGuard[Handler]:
    """Whether this is a coroutine function, or an object that calls as one."""
    return not inspect.isclass(handler) and _either(inspect.iscoroutinefunction, handler)


def check_handler(handler: object) -> Handler:
    """The native handler that this is. Raises TypeError for anything else."""
    if not is_native(handler):
        raise TypeError(
            f"a handler is a coroutine function `async def handler(call)`, not {handler!r}"
        )
    return handler


class Arity(msgspec.Struct, frozen=True):
    """How many inputs a function takes."""

    least: int
    most: float
    """`inf` for any number."""

    def complaint(self, given: int) -> str | None:
        """What is wrong with this many inputs; None when they fit."""
        if self.least <= given <= self.most:
            return None
        if self.most == inf:
            wanted = f"at least {self.least}"
        elif self.most == self.least:
            wanted = str(self.least)
        else:
            wanted = f"{self.least} to {self.most}"
        return f"this stream takes {wanted} inputs, not {given}"


def arity_of(function: Callable[..., Any], media: int) -> Arity:
    """The inputs that a function takes behind `media` arguments of sound or pictures.

    A function that does not tell its parameters takes any number. Raises TypeError when it cannot
    be called by position.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return Arity(0, inf)
    parameters = list(signature.parameters.values())
    nameless = [item for item in parameters if item.kind in _POSITIONAL]
    any_number = any(item.kind is inspect.Parameter.VAR_POSITIONAL for item in parameters)
    if any(_required(item) for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY):
        raise TypeError(f"{_name(function)} cannot be called: it needs an argument by keyword")
    if len(nameless) < media and not any_number:
        raise TypeError(f"{_name(function)} has no parameter for what it is called with")
    inputs = nameless[media:]
    return Arity(sum(map(_required, inputs)), inf if any_number else len(inputs))


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty


def _name(function: Callable[..., Any]) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__qualname__", None) or type(function).__qualname__
