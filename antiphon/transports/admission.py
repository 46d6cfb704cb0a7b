"""Who may open a call or speak for one, and how much may be said at once."""

import hmac
import inspect
from typing import Any

from ..core.errors import UnknownCall
from .host import Host
from .requests import Denied, Request, deny

__all__ = ("Admission",)


class Admission:
    """What every route asks before it acts, for one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def check_sound(self) -> None:
        """Whether this stream serves sound alone: messages carry nothing else. Raises Denied."""
        modality = self._host.settings.modality
        if modality != "audio":
            raise deny("unsupported_modality", f"this stream's modality is {modality}")

    def check_room(self) -> None:
        """Whether one more connection may come. Raises Denied."""
        refusal = self._host.connecting_refusal()
        if refusal is not None:
            raise Denied(refusal)

    async def authorize(self, request: Request) -> Any:
        """What the application says of a request: its principal. Raises Denied."""
        authorize = self._host.settings.authorize
        if authorize is None:
            return None
        try:
            principal = authorize(request)
            if inspect.isawaitable(principal):
                principal = await principal
        except PermissionError as error:
            raise deny("unauthorized", str(error)) from error
        if principal is None or principal is False:
            raise deny("unauthorized")
        return principal

    async def prove(self, request: Request, call_id: str) -> None:
        """Whether a request may speak for a call: by the application, and by token if required.
        Raises Denied, UnknownCall.
        """
        await self.authorize(request)
        info = self._host.directory.look_up(call_id)
        if info is None:
            raise UnknownCall(call_id)
        if self._host.settings.require_token and not hmac.compare_digest(
            info.token.encode(), request.bearer.encode()
        ):
            raise deny("unauthorized", "the token of this call is missing or wrong")

    async def read(self, request: Request) -> bytes:
        """A whole body. Raises Denied when it is too big."""
        body = await self.gather(request)
        if self.too_big(len(body)):
            raise deny("body_too_large", self.bound)
        return body

    async def gather(self, request: Request) -> bytes:
        """A whole body, or as much of it as is too big."""
        body = bytearray()
        async for chunk in request.body:
            body += chunk
            if self.too_big(len(body)):
                break
        return bytes(body)

    def too_big(self, size: int) -> bool:
        """Whether a message of so many bytes is over the limit."""
        return size > self._host.settings.max_message

    @property
    def bound(self) -> str:
        """The limit, in words."""
        return f"a message has at most {self._host.settings.max_message} bytes"
