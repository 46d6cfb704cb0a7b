"""A UDP relay between two real WebRTC peers that spoils the media by rule, the same in every run.

Each address that a peer names in its SDP gets an alias: a socket of the relay. The other peer sees
aliases only, so all that they exchange passes here. STUN, DTLS and RTCP always pass at once.
"""

import asyncio
import ipaddress
import random
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal

import msgspec

__all__ = (
    "AT_ONCE",
    "After",
    "Copies",
    "Counts",
    "Fate",
    "MediaPacket",
    "Rule",
    "Side",
    "UdpRelay",
    "delay",
    "drop",
    "duplicate",
    "hold",
    "random_jitter",
    "random_loss",
    "udp_relay",
)

Side = Literal["offer", "answer"]
"""A peer, by the kind of SDP that it sends."""
Address = tuple[str, int]

_LARGEST = 65_535
_RTCP = range(192, 224)  # second byte, RFC 5761 section 4


class MediaPacket(msgspec.Struct, frozen=True):
    """An SRTP packet on its way; its header is not encrypted (RFC 3711 section 3.1)."""

    sender: Side
    index: int
    """Which media packet of this sender it is, from 0."""
    sequence_number: int
    timestamp: int
    ssrc: int


class Copies(msgspec.Struct, frozen=True):
    """Leave once for each of these delays (s): none at all, late, more than once."""

    delays: tuple[float, ...]


class After(msgspec.Struct, frozen=True):
    """Leave behind that many later media packets of the same sender, whenever they come."""

    packets: int


Fate = Copies | After
AT_ONCE = Copies((0.0,))
Rule = Callable[[MediaPacket], Fate | None]
"""Decides over a packet, or leaves it (None) to the next rule; what all leave passes at once."""


def drop(sender: Side, *indices: int) -> Rule:
    """These packets never arrive."""
    return _for(sender, indices, Copies(()))


def duplicate(sender: Side, *indices: int) -> Rule:
    """These packets arrive twice."""
    return _for(sender, indices, Copies((0.0, 0.0)))


def delay(sender: Side, *indices: int, seconds: float) -> Rule:
    """These packets arrive that much later."""
    return _for(sender, indices, Copies((seconds,)))


def hold(sender: Side, *indices: int, packets: int = 1) -> Rule:
    """These packets change places with the `packets` that follow each."""
    return _for(sender, indices, After(packets))


def _for(sender: Side, indices: tuple[int, ...], fate: Fate) -> Rule:
    chosen = frozenset(indices)

    def rule(packet: MediaPacket) -> Fate | None:
        return fate if packet.sender == sender and packet.index in chosen else None

    return rule


def random_loss(sender: Side, share: float, *, seed: int) -> Rule:
    """Lose this share of the packets; which, depends on the seed and their index alone."""

    def rule(packet: MediaPacket) -> Fate | None:
        lost = packet.sender == sender and _chance("loss", seed, packet) < share
        return Copies(()) if lost else None

    return rule


def random_jitter(sender: Side, most: float, *, seed: int) -> Rule:
    """Delay each packet by 0 to `most` seconds, decided as in `random_loss`. They may overtake."""

    def rule(packet: MediaPacket) -> Fate | None:
        if packet.sender != sender:
            return None
        return Copies((most * _chance("jitter", seed, packet),))

    return rule


def _chance(purpose: str, seed: int, packet: MediaPacket) -> float:
    return random.Random(f"{purpose} {seed} {packet.index}").random()


class Counts(msgspec.Struct):
    """What became of what one peer sent."""

    media: int = 0
    """SRTP packets that came in; the rest are those that rules had a say in."""
    control: int = 0
    """STUN, DTLS, RTCP: passed on."""
    dropped: int = 0
    duplicated: int = 0
    delayed: int = 0
    """Sent on by a timer."""
    held: int = 0
    """Sent on behind later ones. Still here: when not enough of them came."""


class _Waiting(msgspec.Struct):
    """A packet that lets others pass."""

    others: int
    send: Callable[[], object]


class UdpRelay:
    """See the module; made by `udp_relay`."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.counts: dict[Side, Counts] = {"offer": Counts(), "answer": Counts()}
        """By sender."""
        self.dropped: list[MediaPacket] = []
        self._rules = rules
        self._loop = asyncio.get_running_loop()
        self._aliases: dict[Address, socket.socket] = {}
        self._waiting: dict[Side, list[_Waiting]] = {"offer": [], "answer": []}
        self._timers: set[asyncio.TimerHandle] = set()

    def rewrite(self, sdp: str, sender: Side) -> str:
        """The SDP with the relay's addresses in the place of its sender's. Only host candidates of
        UDP over IPv4 are left in it; ValueError when there are none.
        """
        lines: list[str] = []
        found = False
        for line in sdp.splitlines():
            if not line.startswith("a=candidate:"):
                lines.append(line)
                continue
            parts = line.split(" ")
            host, port = parts[4], int(parts[5])
            if parts[2].lower() == "udp" and parts[7] == "host" and _is_ipv4(host):
                parts[4:6] = map(str, self._alias((host, port), sender).getsockname())
                lines.append(" ".join(parts))
                found = True
        if not found:
            raise ValueError("no host candidate of UDP over IPv4 in the SDP")
        return "\r\n".join(lines) + "\r\n"

    def _alias(self, real: Address, side: Side) -> socket.socket:
        """The socket that stands for an address of a peer, on the same interface."""
        if real not in self._aliases:
            alias = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._aliases[real] = alias
            alias.setblocking(False)
            alias.bind((real[0], 0))
            sender: Side = "answer" if side == "offer" else "offer"
            self._loop.add_reader(alias, self._read, alias, real, sender)
        return self._aliases[real]

    def _read(self, alias: socket.socket, target: Address, sender: Side) -> None:
        """Take what the peer `sender` sent to the alias of `target`."""
        while True:
            try:
                data, source = alias.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            # A peer may check for connectivity before its SDP was seen here.
            outlet = self._alias(source, sender)
            self._pass_on(data, sender, partial(outlet.sendto, data, target))

    def _pass_on(self, data: bytes, sender: Side, send: Callable[[], object]) -> None:
        counts = self.counts[sender]
        if not _is_media(data):
            counts.control += 1
            send()
            return
        packet = MediaPacket(
            sender=sender,
            index=counts.media,
            sequence_number=int.from_bytes(data[2:4]),
            timestamp=int.from_bytes(data[4:8]),
            ssrc=int.from_bytes(data[8:12]),
        )
        counts.media += 1
        before = self._waiting[sender].copy()
        self._meet(self._fate(packet), packet, send)
        for waiting in before:
            waiting.others -= 1
            if waiting.others == 0:
                self._waiting[sender].remove(waiting)
                waiting.send()

    def _fate(self, packet: MediaPacket) -> Fate:
        decisions = (rule(packet) for rule in self._rules)
        return next((fate for fate in decisions if fate is not None), AT_ONCE)

    def _meet(self, fate: Fate, packet: MediaPacket, send: Callable[[], object]) -> None:
        counts = self.counts[packet.sender]
        match fate:
            case After(packets):
                counts.held += 1
                self._waiting[packet.sender].append(_Waiting(packets, send))
            case Copies(()):
                counts.dropped += 1
                self.dropped.append(packet)
            case Copies(delays):
                counts.duplicated += len(delays) > 1
                counts.delayed += any(delays)
                for seconds in delays:
                    self._send_later(seconds, send)

    def _send_later(self, seconds: float, send: Callable[[], object]) -> None:
        if not seconds:
            send()
            return

        def leave() -> None:
            self._timers.discard(timer)
            send()

        timer = self._loop.call_later(seconds, leave)
        self._timers.add(timer)

    def close(self) -> None:
        """Stop relaying; what is held or delayed is lost."""
        for timer in self._timers:
            timer.cancel()
        for alias in self._aliases.values():
            self._loop.remove_reader(alias)
            alias.close()


def _is_ipv4(host: str) -> bool:
    """Whether a candidate's host is an address, and not a name or of another family."""
    try:
        ipaddress.IPv4Address(host)
    except ipaddress.AddressValueError:
        return False
    return True


def _is_media(data: bytes) -> bool:
    """SRTP by its first byte (RFC 7983 section 7), and not RTCP."""
    return len(data) >= 12 and 128 <= data[0] < 192 and data[1] not in _RTCP


@asynccontextmanager
async def udp_relay(*rules: Rule) -> AsyncGenerator[UdpRelay]:
    """A relay for one pair of peers. The first rule that decides over a packet counts."""
    relay = UdpRelay(rules)
    try:
        yield relay
    finally:
        relay.close()
