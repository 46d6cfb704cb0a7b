"""A WebRTC client for load: ICE, DTLS and SRTP by aiortc, prepared Opus packets, nothing decoded.

aiortc has no public way to send a packet that is ready or to see one before its jitter buffer, so
this reaches into it: its sender waits for ever, and RTP goes straight to and from the socket.
"""

import asyncio
import http.client
import json
import struct
import time
from array import array
from typing import Any

import pylibsrtp
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack
from aiortc.rtp import RtpPacket, is_rtcp

from .marked_speech import FRAME

__all__ = ("Caller", "Refused", "rtp_payload")

CONNECT_TIMEOUT = 15.0  # seconds from the answer to a finished DTLS handshake
_SPEAKING = -30  # dBov in the audio level extension, where it was negotiated
_clock = time.perf_counter


class Refused(RuntimeError):
    """The server did not answer the offer, or the session did not come about."""


class _SilentTrack(MediaStreamTrack):
    """Keeps aiortc's own sender waiting: its packets are sent past it."""

    kind = "audio"

    async def recv(self) -> Any:
        await asyncio.get_running_loop().create_future()


class Caller:
    """One session. What was sent and came back is kept with its time, to be looked at later."""

    def __init__(self, name: str, packets: list[bytes], first: int) -> None:
        self.sent = array("d")
        """When each packet of this client left, just before SRTP. perf_counter, s."""
        self.sent_numbers = array("L")
        """Which of the prepared packets it was."""
        self.arrived = array("d")
        """When each answer was read from the socket."""
        self.payloads: list[bytes] = []
        self.messages: list[tuple[float, str]] = []
        """What the data channel said, and when."""
        self.bad = 0
        """SRTP packets that could not be opened, and RTP packets without a payload."""
        self.answer_seconds = 0.0
        """From the offer to its answer."""
        self.offered_at = 0.0
        self.connected = False
        self._name = name
        self._packets = packets
        self._next = first
        self._sequence = 0
        self._header = bytearray()
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._wire: Any = None

    def _hear(self, text: str | bytes) -> None:
        self.messages.append((_clock(), text if isinstance(text, str) else text.decode()))

    async def open(self, port: int) -> None:
        """Offer, wait for the answer and the handshake. Refused when either fails."""
        peer = self._peer
        peer.addTransceiver(_SilentTrack(), "sendrecv")
        channel = peer.createDataChannel("text")
        channel.on("message", self._hear)
        done = asyncio.Event()
        peer.on("connectionstatechange", lambda: _tell_when_settled(peer, done))
        await peer.setLocalDescription(await peer.createOffer())
        self.offered_at = _clock()
        answer = await asyncio.to_thread(
            _post_offer, port, peer.localDescription.sdp, f"bench-{self._name}"
        )
        self.answer_seconds = _clock() - self.offered_at
        await peer.setRemoteDescription(answer)
        try:
            await asyncio.wait_for(done.wait(), CONNECT_TIMEOUT)
        except TimeoutError:
            raise Refused(f"not connected {CONNECT_TIMEOUT:g} s after the answer") from None
        if peer.connectionState != "connected":
            raise Refused(f"the connection is {peer.connectionState}")
        self._take_the_wire()
        self.connected = True

    def _take_the_wire(self) -> None:
        transceiver: Any = self._peer.getTransceivers()[0]
        codec = transceiver._codecs[0]
        if codec.mimeType.lower() != "audio/opus":
            raise Refused(f"the server chose {codec.mimeType}, the packets are Opus")
        self._wire = transceiver.sender.transport
        packet = RtpPacket(payload_type=codec.payloadType, ssrc=transceiver.sender._ssrc)
        packet.extensions.mid = transceiver.mid
        packet.extensions.audio_level = (False, -_SPEAKING)
        self._header = bytearray(packet.serialize(self._wire._rtp_header_extensions_map))
        connection = self._wire.transport._connection
        to_aiortc = connection.data_received

        def data_received(data: bytes, component: int) -> None:
            now = _clock()
            if 127 < data[0] < 192 and not is_rtcp(data):
                self._receive(data, now)
            else:
                to_aiortc(data, component)

        connection.data_received = data_received

    def _receive(self, data: bytes, now: float) -> None:
        try:
            payload = rtp_payload(self._wire._rx_srtp.unprotect(data))
        except pylibsrtp.Error:
            payload = b""
        if payload:
            self.arrived.append(now)
            self.payloads.append(payload)
        else:
            self.bad += 1

    def send(self) -> None:
        """Send the next packet."""
        number = self._next % len(self._packets)
        struct.pack_into("!HL", self._header, 2, self._sequence, self._next * FRAME & 0xFFFFFFFF)
        plain = bytes(self._header) + self._packets[number]
        self.sent.append(_clock())
        self.sent_numbers.append(number)
        data = self._wire._tx_srtp.protect(plain)
        pair = self._wire.transport._connection._nominated.get(1)
        if pair is not None:  # else consent was lost: what is sent then does not come back
            pair.protocol.transport.sendto(data, pair.remote_addr)
        self.skip()

    def skip(self) -> None:
        """Leave the next packet out, as if the network had lost it."""
        self._next += 1
        self._sequence = (self._sequence + 1) & 0xFFFF

    async def aclose(self) -> None:
        """End the session."""
        await self._peer.close()


def _tell_when_settled(peer: RTCPeerConnection, done: asyncio.Event) -> None:
    if peer.connectionState in ("connected", "failed", "closed"):
        done.set()


def rtp_payload(data: bytes) -> bytes:
    """The payload of an RTP packet (RFC 3550 section 5.1), empty when there is none."""
    begin = 12 + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        begin += 4 + 4 * int.from_bytes(data[begin + 2 : begin + 4])
    return data[begin : len(data) - data[-1]] if data[0] & 0x20 else data[begin:]


def _post_offer(port: int, sdp: str, webrtc_id: str) -> RTCSessionDescription:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        body = json.dumps({"sdp": sdp, "type": "offer", "webrtc_id": webrtc_id})
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/webrtc/offer", body, headers)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    finally:
        connection.close()
    try:
        answer = json.loads(text)
        return RTCSessionDescription(answer["sdp"], answer["type"])
    except (ValueError, KeyError, TypeError):
        raise Refused(f"POST /webrtc/offer: {response.status} {text[:200]}") from None
