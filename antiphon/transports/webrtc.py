"""WebRTC calls to a server: an offer in, an answer out, a peer connection that carries the call.

An offer with sound or pictures asks for a call by itself: their tracks carry them, a data channel
the messages. An offer with nothing but a data channel opens a wire: what asks for the call is a
`start` on it, as on a WebSocket, and sound travels in messages.
"""

import hmac
import logging
import secrets
from collections.abc import Callable
from math import inf

import anyio
import ifaddr
import msgspec
from aiortc import (
    RTCIceCandidate,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError

from ..core.address_policy import allowed, peer_address
from ..core.agreement import TrackRates
from ..core.errors import ConfigurationError
from ..core.events import CallRequested
from ..core.ice import Candidate, Trickled
from ..core.sdp import MediaSection, OfferShape, keep_candidates
from ..core.session import SessionConfig
from ..core.signaling import Refusal
from .answers import RtcAnswer
from .host import Host
from .ice_config import resolve_configuration, to_aiortc
from .reception import Reception
from .requests import Denied, Request, deny
from .rtc_body import Offer, TrickledCandidate
from .rtc_hooks import check
from .rtc_link import KINDS, RtcLink
from .rtc_sound import opus_rate

__all__ = ("WebRtcCalls", "check")

log = logging.getLogger("antiphon")

MAX_CANDIDATES = 64  # of one call
EARLY = 2.0  # seconds that candidates wait for their offer
MAX_EARLY = 64  # offers that are waited for
PING = 10.0  # seconds without a sign of life before one is asked for, and again before the end

_DIRECTIONS = {"send-receive": "sendrecv", "send": "recvonly", "receive": "sendonly"}


class Peer:
    """The server's end of one peer connection, from its offer on."""

    def __init__(self, link: RtcLink, token: str, usable: Callable[[Candidate], bool]) -> None:
        self.link = link
        self.token = token
        """Proves that a candidate is about this connection."""
        self.reception: Reception
        self._usable = usable
        self._described = False
        self._early: list[Trickled] = []
        self._candidates = 0

    async def answer(self, offer: Offer) -> str:
        """The answer to the offer. Raises whatever aiortc says of one that it cannot take."""
        connection = self.link.connection
        await connection.setRemoteDescription(
            RTCSessionDescription(keep_candidates(offer.sdp, self._quick), "offer")
        )
        await connection.setLocalDescription(await connection.createAnswer())
        self.link.expect_peer()
        self._described = True
        for line, section in enumerate(offer.shape.sections):
            for candidate in section.candidates:
                if candidate.address.endswith(".local"):
                    self._add(candidate, section.mid, line)
        for trickled in self._early:
            self._take(trickled)
        return connection.localDescription.sdp

    def _quick(self, candidate: Candidate) -> bool:
        # A name has to be asked for in the local network: the answer does not wait for that.
        return self._usable(candidate) and not candidate.address.endswith(".local")

    def trickle(self, trickled: Trickled) -> None:
        """One more candidate. Raises Denied."""
        if self.reception.driver.closed is not None:
            raise deny("connection_closed")
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise _too_many_candidates()
        if self._described:
            self._take(trickled)
        else:
            self._early.append(trickled)

    def _take(self, trickled: Trickled) -> None:
        # What says that no more will come is not passed on: aiortc would end all sections with it.
        candidate = trickled.candidate
        if candidate is not None and self._usable(candidate):
            self._add(candidate, trickled.mid, trickled.line)

    def _add(self, candidate: Candidate, mid: str | None, line: int | None) -> None:
        self.link.add_candidate(
            RTCIceCandidate(
                component=candidate.component,
                foundation=candidate.foundation,
                ip=candidate.address,
                port=candidate.port,
                priority=candidate.priority,
                protocol=candidate.protocol.lower(),
                type=candidate.type,
                relatedAddress=candidate.related_address,
                relatedPort=candidate.related_port,
                sdpMid=mid or None,
                sdpMLineIndex=line,
                tcpType=candidate.tcp_type,
            )
        )


class _Awaited:
    """An offer that has been overtaken by its candidates."""

    def __init__(self) -> None:
        self.came = anyio.Event()
        self.candidates: list[Trickled] = []


class WebRtcCalls:
    """The peer connections of one host, by the ids that their clients chose."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._peers: dict[str, Peer] = {}
        self._awaited: dict[str, _Awaited] = {}

    async def offer(self, offer: Offer, request: Request, principal: object) -> RtcAnswer:
        """Answer an offer. Raises Denied."""
        settings = self._host.settings
        _check_modality(offer.shape, settings.modality)
        try:
            configuration = await resolve_configuration(settings.server_rtc_configuration)
        except ConfigurationError:
            raise deny("internal_error") from None
        local = _local_addresses()
        # From here to the reception nothing is waited for: two may offer at the same time.
        self._check_room(offer.call_id)
        near = peer_address(request.peer)

        def usable(candidate: Candidate) -> bool:
            return candidate.protocol.lower() == "udp" and allowed(
                candidate.address, policy=settings.address_policy, local=local, peer=near
            )

        link = RtcLink(
            RTCPeerConnection(to_aiortc(configuration)),
            request.peer,
            opus_rate(settings.session.input_sample_rate),
        )
        peer = self._peers[offer.call_id] = Peer(link, secrets.token_urlsafe(16), usable)
        link.over = lambda: self._forget(offer.call_id, peer)
        try:
            return await self._open(peer, offer, principal)
        except BaseException:
            peer.reception.end("the offer was not answered", 1007)
            raise

    async def _open(self, peer: Peer, offer: Offer, principal: object) -> RtcAnswer:
        decided = anyio.Event()
        verdict: list[Refusal | None] = []

        def answer(refusal: Refusal | None) -> None:
            verdict.append(refusal)
            decided.set()

        link = peer.link
        tracks = _offered_tracks(offer.shape)
        peer.reception = reception = Reception(
            self._host,
            link,
            transport="webrtc",
            principal=principal,
            config=_session_config(self._host.settings.session),
            answer=answer,
            ready=link.connected.wait,
            gone=link.gone.wait,
            tracks=link,
        )
        link.driver = reception.driver
        if waiting := self._awaited.pop(offer.call_id, None):
            for trickled in waiting.candidates:
                peer.trickle(trickled)
            waiting.came.set()
        link.max_message = self._host.settings.max_message
        link.plays_out = True
        link.ends_with_channel = not tracks
        if not tracks:
            reception.driver.session.await_start(inf)
        else:
            self._request(reception, offer)
            await decided.wait()
            if verdict[0] is not None:
                raise Denied(verdict[0])
            assert reception.info is not None
            peer.token = reception.info.token
            self._add_tracks(link, tracks)
        try:
            sdp = await peer.answer(offer)
        except OperationError as error:
            raise deny("unsupported_modality", "the offer has no codec that is served") from error
        except Exception as error:
            log.info("an offer from %s cannot be answered: %r", link.peer, error)
            text = str(error) or type(error).__name__
            raise deny("invalid_sdp", f"the offer cannot be answered: {text}") from error
        if reception.driver.closed is not None:
            raise deny("connection_closed")
        return RtcAnswer(sdp=sdp, webrtc_id=offer.call_id, token=peer.token)

    def _request(self, reception: Reception, offer: Offer) -> None:
        config = self._host.settings.session
        rates = TrackRates(
            received=opus_rate(config.input_sample_rate), sent=opus_rate(config.output_sample_rate)
        )
        request = CallRequested(offer.call_id, None, offer.metadata, offer.inputs)
        session = reception.driver.session
        reception.driver.act(lambda now: session.open_tracks(request, rates, now))

    def _add_tracks(self, link: RtcLink, tracks: tuple[MediaSection, ...]) -> None:
        config = self._host.settings.session
        direction, rate = _DIRECTIONS[config.mode], opus_rate(config.output_sample_rate)
        for section in tracks:
            opus = "opus" in section.codecs
            link.add_transceiver(section.kind, direction, rate, opus)

    def _check_room(self, call_id: str) -> None:
        if call_id in self._peers:
            raise deny("connection_already_exists")
        refusal = self._host.connecting_refusal()
        if refusal is not None:
            raise Denied(refusal)

    async def candidate(self, asked: TrickledCandidate, request: Request) -> None:
        """Take a candidate; one that has overtaken its offer waits for it. Raises Denied."""
        if self._keep(asked):
            return
        peer = self._peers.get(asked.call_id) or await self._wait_for(asked.call_id)
        if self._host.settings.require_token and not hmac.compare_digest(
            peer.token.encode(), request.bearer.encode()
        ):
            raise deny("unauthorized", "the token of this call is missing or wrong")
        peer.trickle(asked.trickled)

    def _keep(self, asked: TrickledCandidate) -> bool:
        """Whether a candidate is kept for an offer that is already waited for. Only the first waits
        with its request open: a browser has six connections to a server, and the offer needs one.
        """
        awaited = self._awaited.get(asked.call_id)
        if awaited is None or self._host.settings.require_token:
            return False
        if len(awaited.candidates) == MAX_CANDIDATES - 1:  # the first is one too
            raise _too_many_candidates()
        awaited.candidates.append(asked.trickled)
        return True

    async def _wait_for(self, call_id: str) -> Peer:
        if len(self._awaited) < MAX_EARLY:
            awaited = self._awaited.setdefault(call_id, _Awaited())
            with anyio.move_on_after(EARLY):
                await awaited.came.wait()
            if not awaited.came.is_set() and self._awaited.get(call_id) is awaited:
                del self._awaited[call_id]
        peer = self._peers.get(call_id)
        if peer is None:
            raise deny("unknown_connection")
        return peer

    def _forget(self, call_id: str, peer: Peer) -> None:
        if self._peers.get(call_id) is peer:
            del self._peers[call_id]


def _too_many_candidates() -> Denied:
    return deny("policy_violation", f"a call has at most {MAX_CANDIDATES} candidates")


def _offered_tracks(shape: OfferShape) -> tuple[MediaSection, ...]:
    """The sections that carry sound or pictures."""
    return (*shape.wanted("audio"), *shape.wanted("video"))


def _check_modality(shape: OfferShape, modality: str) -> None:
    """Whether a stream serves what is offered. Raises Denied."""
    served = KINDS[modality]
    tracks = _offered_tracks(shape)
    for section in tracks:
        if section.kind not in served:
            detail = f"{section.kind} is offered, and this stream's modality is {modality}"
            raise deny("unsupported_modality", detail)
    kinds = [section.kind for section in tracks]
    if len(set(kinds)) < len(kinds):
        raise deny("unsupported_modality", "a call has at most one track of a kind each way")
    if not tracks and (not shape.wanted("application") or "audio" not in served):
        raise deny("unsupported_modality", f"{' and '.join(served)} must be offered")


def _session_config(config: SessionConfig) -> SessionConfig:
    timing = msgspec.structs.replace(
        config.timing,
        ping_interval=min(PING, config.timing.ping_interval),
        ping_timeout=min(PING, config.timing.ping_timeout),
    )
    return msgspec.structs.replace(config, timing=timing)


def _local_addresses() -> list[str]:
    """Of this machine's interfaces, without loopback."""
    found = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    addresses = (ip if isinstance(ip, str) else ip[0] for ip in found)
    return [address for address in addresses if address not in ("127.0.0.1", "::1")]
