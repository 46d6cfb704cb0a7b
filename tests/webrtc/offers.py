"""Offers and trickled candidates as browsers write them.

`chrome_*` were taken from Chromium 156; `firefox_*` and `safari_*` follow how those browsers write,
with names, keys and addresses of our own.
"""

from pathlib import Path
from typing import Any

__all__ = ("CHROME_TRICKLED", "FIREFOX_TRICKLED", "NAMES", "offer")

_FIXTURES = Path(__file__).parent / "fixtures"

NAMES = sorted(path.stem for path in _FIXTURES.glob("*.sdp"))


def offer(name: str) -> str:
    """One of `NAMES`, with the line endings of the wire."""
    return (_FIXTURES / f"{name}.sdp").read_text().replace("\n", "\r\n")


def _firefox(candidate: str) -> dict[str, Any]:
    return {
        "candidate": candidate,
        "sdpMid": "0",
        "sdpMLineIndex": 0,
        "usernameFragment": "a41f0c77",
    }


FIREFOX_TRICKLED: tuple[dict[str, Any] | None, ...] = (
    _firefox(
        "candidate:0 1 UDP 2122252543 3f2b7a58-5a0e-4c1f-9a3d-6c2f1d8e7b90.local 51472 typ host"
    ),
    _firefox("candidate:2 1 UDP 2122187007 192.0.2.17 50913 typ host"),
    _firefox("candidate:4 1 TCP 2105524479 192.0.2.17 9 typ host tcptype active"),
    _firefox(
        "candidate:1 1 UDP 1685987327 198.51.100.4 50913 typ srflx raddr 192.0.2.17 rport 50913"
    ),
    _firefox(
        "candidate:3 1 UDP 92216831 203.0.113.9 61234 typ relay raddr 203.0.113.9 rport 61234"
    ),
    _firefox(""),
    None,
)
"""In their order, the end told twice: an empty candidate, then none."""

CHROME_TRICKLED: tuple[dict[str, Any] | None, ...] = (
    {
        "candidate": "candidate:695730614 1 udp 2113937151 "
        "e40fb267-70f8-43bf-b367-9b9c71d15a23.local 38931 typ host generation 0 ufrag j3t0 "
        "network-cost 999",
        "sdpMid": "0",
        "sdpMLineIndex": 0,
        "usernameFragment": "j3t0",
    },
    {
        "candidate": "candidate:2999745851 1 tcp 1518280447 "
        "2001:db8:1::5 9 typ host tcptype active generation 0 ufrag j3t0 network-cost 10",
        "sdpMid": "0",
        "sdpMLineIndex": 0,
        "usernameFragment": "j3t0",
    },
    None,
)
