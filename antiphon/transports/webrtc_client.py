"""Calls over WebRTC from the client's end: an offer is posted, its answer opens the call."""

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import SplitResult

import anyio
import msgspec
from aiortc import RTCPeerConnection, RTCSessionDescription

from ..core.agreement import TrackRates
from ..core.errors import SessionClosed
from ..core.messages import Start
from .call import LiveCall
from .caller import Caller
from .http_client import post_offer
from .http_exchange import Headers
from .ice_config import ConfigurationSource, resolve_configuration, to_aiortc
from .rtc_link import KINDS, RtcLink
from .rtc_sound import opus_rate

__all__ = ("call_webrtc",)

CHANNEL = "antiphon"
_DIRECTIONS = {"send-receive": "sendrecv", "send": "sendonly", "receive": "recvonly"}


class _Answer(msgspec.Struct):
    sdp: str
    type: str
    token: str = ""


@asynccontextmanager
async def call_webrtc(
    url: SplitResult,
    start: Start,
    headers: Headers,
    tls: ssl.SSLContext | None,
    lead: float,
    timeout: float,
    modality: str,
    mode: str,
    configuration: ConfigurationSource,
) -> AsyncGenerator[LiveCall]:
    """Call `http(s)://.../webrtc/offer`. Raises as `Caller.calling`, and OSError."""
    assert start.media_format is not None
    rate = opus_rate(start.media_format.sample_rate)
    connection = RTCPeerConnection(to_aiortc(await resolve_configuration(configuration)))
    link = RtcLink(connection, url.netloc, rate)
    link.ends_with_channel = True
    caller = Caller(link, start, "webrtc", lead, link)
    caller.gone = link.gone
    link.driver = caller.driver
    try:
        for kind in KINDS[modality]:
            link.add_transceiver(kind, _DIRECTIONS[mode], rate, opus=True)
        link.use_channel(connection.createDataChannel(CHANNEL))
        with anyio.fail_after(timeout):
            answer = await _offer(connection, url, start, headers, tls)
            caller.begin_tracks(TrackRates(received=rate, sent=rate), answer.token)
            await _join(link, answer)
    except BaseException:
        with anyio.CancelScope(shield=True):
            link.close(1006, "")
            await link.gone.wait()
        raise
    async with caller.calling(timeout) as call:
        yield call


async def _offer(
    connection: RTCPeerConnection,
    url: SplitResult,
    start: Start,
    headers: Headers,
    tls: ssl.SSLContext | None,
) -> _Answer:
    await connection.setLocalDescription(await connection.createOffer())
    body: dict[str, Any] = {
        "type": "offer",
        "sdp": connection.localDescription.sdp,
        "webrtc_id": start.websocket_id,
        "metadata": start.metadata,
        "inputs": start.inputs,
    }
    return await post_offer(url, msgspec.json.encode(body), headers, tls, _Answer)


async def _join(link: RtcLink, answer: _Answer) -> None:
    """Until the call can speak and be spoken to. Raises SessionClosed."""
    try:
        description = RTCSessionDescription(answer.sdp, answer.type)
        await link.connection.setRemoteDescription(description)
    except Exception as error:
        raise SessionClosed(1002, f"the server's answer makes no sense: {error}") from error
    link.expect_peer()
    await link.connected.wait()
    await link.opened.wait()
    if link.driver.closed is not None:
        raise link.driver.over()
