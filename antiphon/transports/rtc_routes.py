"""The routes of WebRTC: offers, candidates, and what a page needs to make them.

aiortc takes half a second to import: it is imported in a thread, when the first offer comes or the
server starts, and never by `import antiphon`.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import msgspec

from ..core.errors import ConfigurationError
from ..core.ice_servers import configuration_fields
from .admission import Admission
from .answers import CandidateTaken
from .host import Host
from .http_routes import NO_STORE
from .ice_config import resolve_configuration
from .inputs import InputError
from .requests import Denied, Request, Response, deny, json_response
from .rtc_body import TrickledCandidate, read_signal

if TYPE_CHECKING:
    from .webrtc import WebRtcCalls

__all__ = ("WebRtcRoutes",)

log = logging.getLogger("antiphon")


class WebRtcRoutes:
    """Answers for one host."""

    def __init__(self, host: Host, admission: Admission) -> None:
        self._host = host
        self._admission = admission
        self._calls: WebRtcCalls | None = None
        self._broken = False
        self._loading = anyio.Lock()

    async def offer(self, request: Request) -> Response:
        """An offer, or a candidate. Raises Denied."""
        principal = await self._admission.authorize(request)
        body = await self._admission.read(request)
        return json_response(200, await self.signal(body, request, principal), NO_STORE)

    async def signal(self, body: bytes, request: Request, principal: Any) -> dict[str, str]:
        """What answers a body, whoever has received it. Raises Denied."""
        try:
            asked = read_signal(body)
        except InputError as error:
            raise deny(error.refusal, str(error)) from error
        if not self._host.running and (refusal := self._host.connecting_refusal()) is not None:
            raise Denied(refusal)
        calls = await self.load()
        if isinstance(asked, TrickledCandidate):
            await calls.candidate(asked, request)
            told: dict[str, str] = msgspec.to_builtins(CandidateTaken())
        else:
            told = msgspec.to_builtins(await calls.offer(asked, request, principal))
        return told

    async def configuration(self, request: Request) -> Response:
        """What a page makes its peer connection with; there may be TURN credentials in it. Raises
        Denied.
        """
        await self._admission.authorize(request)
        try:
            configuration = await resolve_configuration(self._host.settings.rtc_configuration)
        except ConfigurationError:
            raise deny("internal_error") from None
        fields = configuration_fields(configuration) if configuration is not None else {}
        return json_response(200, fields, NO_STORE)

    @property
    def broken(self) -> bool:
        """Whether it has turned out that this server cannot take calls."""
        return self._broken

    async def load(self) -> "WebRtcCalls":
        """The calls; what they stand on is imported when they are first asked for. Raises Denied
        when that does not work here, after one warning.
        """
        async with self._loading:
            if self._calls is None and not self._broken:
                try:
                    self._calls = await self._import()
                except Exception as error:  # what is not ours may raise anything at import
                    self._broken = True
                    log.warning("no calls over WebRTC: aiortc cannot be used here: %r", error)
        if self._calls is None:
            raise deny("internal_error", "this server cannot take calls over WebRTC")
        return self._calls

    async def _import(self) -> "WebRtcCalls":
        module = await anyio.to_thread.run_sync(import_module, "antiphon.transports.webrtc")
        await module.check()
        calls: WebRtcCalls = module.WebRtcCalls(self._host)
        return calls
