"""What kind of function something is, and what it takes."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from math import inf
from typing import Any

import pytest

from antiphon.handlers.kinds import Arity, Kind, arity_of, check_handler, is_native, kind_of


def function(picture: Any, threshold: float, color: str = "red") -> Any: ...


async def coroutine(picture: Any, *inputs: Any) -> Any: ...


def generator() -> Iterator[int]:
    yield 1


async def async_generator(width: int = 2) -> AsyncIterator[int]:
    yield 1


def takes_all(*pictures: Any) -> None: ...


def takes_nothing() -> None: ...


def by_keyword(picture: Any, *, threshold: float) -> None: ...


class Calls:
    def __call__(self, picture: Any) -> Any: ...

    async def method(self, picture: Any) -> Any: ...


class CallsLater:
    async def __call__(self, picture: Any) -> Any: ...


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (function, Kind.FUNCTION),
        (print, Kind.FUNCTION),
        (Calls(), Kind.FUNCTION),
        (partial(function, threshold=1), Kind.FUNCTION),
        (coroutine, Kind.COROUTINE),
        (CallsLater(), Kind.COROUTINE),
        (Calls().method, Kind.COROUTINE),
        (partial(coroutine, 1), Kind.COROUTINE),
        (generator, Kind.GENERATOR),
        (partial(generator), Kind.GENERATOR),
        (async_generator, Kind.ASYNC_GENERATOR),
    ],
)
def test_a_kind_is_seen_through_methods_partials_and_objects(given: Any, kind: Kind) -> None:
    assert kind_of(given) is kind
    assert is_native(given) is (kind is Kind.COROUTINE)


@pytest.mark.parametrize("given", [None, 5, "print", Calls, generator()])
def test_what_cannot_be_called_and_a_class_are_no_function(given: Any) -> None:
    assert not is_native(given)
    with pytest.raises(TypeError, match="a function is wanted"):
        kind_of(given)
    with pytest.raises(TypeError, match="coroutine function"):
        check_handler(given)


@pytest.mark.parametrize(
    ("given", "media", "arity"),
    [
        (function, 1, Arity(1, 2)),
        (partial(function, threshold=1), 1, Arity(0, 0)),
        (coroutine, 1, Arity(0, inf)),
        (generator, 0, Arity(0, 0)),
        (async_generator, 0, Arity(0, 1)),
        (Calls(), 1, Arity(0, 0)),
        (print, 1, Arity(0, inf)),
        (takes_all, 1, Arity(0, inf)),
        (getattr, 1, Arity(0, inf)),
    ],
)
def test_inputs_are_what_comes_behind_the_media(given: Any, media: int, arity: Arity) -> None:
    assert arity_of(given, media) == arity


def test_what_cannot_be_called_by_position_is_refused() -> None:
    with pytest.raises(TypeError, match="takes_nothing has no parameter"):
        arity_of(takes_nothing, 1)
    with pytest.raises(TypeError, match="by_keyword cannot be called"):
        arity_of(partial(by_keyword), 1)
    with pytest.raises(TypeError, match="CallsLater has no parameter"):
        arity_of(CallsLater(), 2)


@pytest.mark.parametrize(
    ("arity", "given", "complaint"),
    [
        (Arity(0, 0), 0, None),
        (Arity(0, 0), 1, "this stream takes 0 inputs, not 1"),
        (Arity(1, 3), 1, None),
        (Arity(1, 3), 3, None),
        (Arity(1, 3), 4, "this stream takes 1 to 3 inputs, not 4"),
        (Arity(2, inf), 100, None),
        (Arity(2, inf), 1, "this stream takes at least 2 inputs, not 1"),
    ],
)
def test_a_wrong_number_of_inputs_is_named(arity: Arity, given: int, complaint: str) -> None:
    assert arity.complaint(given) == complaint
