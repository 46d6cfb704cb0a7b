"""Steps of a handler that fail: told and survived, unless all of them do."""

import logging

from ..core.errors import HandlerError, WebRTCError
from ..core.messages import failure_text
from ..core.ports import Call

__all__ = ("Failures",)

log = logging.getLogger("antiphon")

_Place = tuple[type[BaseException], str, int]


class Failures:
    """What failed in one call, by type and place.

    A failure is told to the client when it is new since the last `most` steps in a row that went
    well, and logged with its traceback when it is new in this call: not thirty times a second. What
    a handler says on purpose (WebRTCError) is told whenever it is not what was said last.
    Keeps no error: its traceback holds pictures.

    what: what the steps are, one and many.
    """

    def __init__(
        self, call: Call, most: int, what: tuple[str, str] = ("a picture", "pictures")
    ) -> None:
        self._call = call
        self._most = most
        self._one, self._many = what
        self._in_a_row = 0
        self._good_in_a_row = 0
        self._told: set[_Place] = set()
        self._said: str | None = None
        self._logged: set[_Place] = set()

    def succeeded(self) -> None:
        """A step went well."""
        self._in_a_row = 0
        self._good_in_a_row += 1
        if self._good_in_a_row == self._most:
            self._told.clear()
            self._said = None

    async def failed(self, error: Exception) -> None:
        """A step did not. Raises HandlerError from it when it is the last of `most` in a row."""
        self._good_in_a_row = 0
        self._in_a_row += 1
        text = failure_text(error)
        if self._in_a_row >= self._most:
            raise HandlerError(f"{self._in_a_row} {self._many} in a row failed: {text}") from error
        place = _place(error)
        if place not in self._logged:
            self._logged.add(place)
            log.error("%s of call %r failed", self._one, self._call.id, exc_info=error)
        if self._is_news(error, place):
            await self._call.error(text)

    def _is_news(self, error: Exception, place: _Place) -> bool:
        if isinstance(error, WebRTCError):
            said, self._said = self._said, error.message
            return said != self._said
        if place in self._told:
            return False
        self._told.add(place)
        return True


def _place(error: BaseException) -> _Place:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error), "", 0
    return type(error), trace.tb_frame.f_code.co_filename, trace.tb_lineno
