"""Pictures that fail: told and survived, unless all of them do."""

import logging

from ..core.errors import HandlerError
from ..core.messages import failure_text
from ..core.ports import Call

__all__ = ("Failures",)

log = logging.getLogger("antiphon")

_Place = tuple[type[BaseException], str, int]


class Failures:
    """What failed in one call, by type and place.

    A failure is told to the client when it is new since the last `most` pictures in a row that went
    well, and logged with its traceback when it is new in this call: not thirty times a second.
    Keeps no error: its traceback holds pictures.
    """

    def __init__(self, call: Call, most: int) -> None:
        self._call = call
        self._most = most
        self._in_a_row = 0
        self._good_in_a_row = 0
        self._told: set[_Place] = set()
        self._logged: set[_Place] = set()

    def succeeded(self) -> None:
        """A picture went well."""
        self._in_a_row = 0
        self._good_in_a_row += 1
        if self._good_in_a_row == self._most:
            self._told.clear()

    async def failed(self, error: Exception) -> None:
        """A picture did not. Raises HandlerError from it when it is the last of `most` in a row."""
        self._good_in_a_row = 0
        self._in_a_row += 1
        text = failure_text(error)
        if self._in_a_row >= self._most:
            raise HandlerError(f"{self._in_a_row} pictures in a row failed: {text}") from error
        place = _place(error)
        if place not in self._logged:
            self._logged.add(place)
            log.error("a picture of call %r failed", self._call.id, exc_info=error)
        if place not in self._told:
            self._told.add(place)
            await self._call.error(text)


def _place(error: BaseException) -> _Place:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error), "", 0
    return type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno
