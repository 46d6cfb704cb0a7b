"""The inputs of a function's next call."""

from typing import Any

from ..core.ports import Call
from .kinds import Arity

__all__ = ("Inputs",)


class Inputs:
    """What a call gives a function besides sound and pictures: the newest inputs each time.

    A function that needs some has the client asked for them once, and waits `timeout` seconds.
    """

    def __init__(self, call: Call, arity: Arity, timeout: float) -> None:
        self._call = call
        self._arity = arity
        self._timeout = timeout
        self._asked = False
        self._refused: tuple[Any, ...] | None = None

    async def newest(self) -> tuple[Any, ...] | None:
        """The inputs for the next call; None when there are none that fit, which the client is told
        once.
        """
        inputs = self._call.inputs
        if not inputs and self._arity.least and not self._asked:
            self._asked = True
            try:
                inputs = await self._call.wait_for_inputs(self._timeout)
            except TimeoutError:
                self._refused = inputs
                await self._call.error(self._missing())
        complaint = self._arity.complaint(len(inputs))
        if complaint is None:
            return inputs
        if inputs is not self._refused:
            self._refused = inputs
            await self._call.error(complaint)
        return None

    async def for_turn(self) -> tuple[Any, ...] | None:
        """The inputs for one turn: while there are none that are needed, the client is asked at
        each. None when they do not fit or do not come, which the client is told.
        """
        inputs = self._call.inputs
        if not inputs and self._arity.least:
            try:
                inputs = await self._call.wait_for_inputs(self._timeout)
            except TimeoutError:
                await self._call.error(self._missing())
                return None
        complaint = self._arity.complaint(len(inputs))
        if complaint is None:
            return inputs
        await self._call.error(complaint)
        return None

    async def first(self) -> tuple[Any, ...]:
        """The inputs for a function that is called once: those that do not fit are told, and others
        are waited for. Raises TimeoutError.
        """
        inputs = self._call.inputs
        while complaint := self._arity.complaint(len(inputs)):
            if inputs:
                await self._call.error(complaint)
            try:
                inputs = await self._call.wait_for_inputs(self._timeout)
            except TimeoutError:
                raise TimeoutError(self._missing()) from None
        return inputs

    def _missing(self) -> str:
        return f"no inputs came within {self._timeout:g} s"
