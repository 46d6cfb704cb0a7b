"""Where calls over WebRTC can come from: the addresses that are offered, STUN and TURN servers."""

from collections.abc import AsyncIterator, Sequence

import anyio
from aiortc import RTCIceGatherer
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from ...core.address_policy import AddressKind, AddressPolicy, address_kind, allowed
from ...core.ice_servers import IceServer, RtcConfiguration
from ...transports.ice_config import to_aiortc
from ...transports.rtc_hooks import check
from .finding import Finding, note, ok, problem

__all__ = ("host_addresses", "look_at_addresses", "look_at_hooks", "look_at_servers")

_ICE = "WebRTC"
_TIMEOUT = 8.0  # seconds; aioice waits 5 for an answer
_ELSEWHERE = "198.51.100.1"  # RFC 5737: a client that is not on this machine
_EXAMPLES = {
    AddressKind.PUBLIC: "1.1.1.1",
    AddressKind.PRIVATE: "10.0.0.1",
    AddressKind.MDNS: "00000000-0000-4000-8000-000000000000.local",
    AddressKind.LOOPBACK: "127.0.0.1",
    AddressKind.LINK_LOCAL: "169.254.1.1",
}


async def look_at_hooks() -> Finding:
    """Whether this aiortc is as the server expects it."""
    if await check():
        return ok(_ICE, "aiortc is as this package expects it")
    text = "this aiortc has changed inside: calls work, with more delay after lost packets"
    return note(_ICE, text, "pip install 'aiortc~=1.16.0'")


async def host_addresses() -> list[str]:
    """The addresses that a call offers as host candidates."""
    gatherer = RTCIceGatherer([])
    with anyio.fail_after(_TIMEOUT):
        await gatherer.gather()
    try:
        return [candidate.ip for candidate in gatherer.getLocalCandidates()]
    finally:
        await _stop(gatherer)


async def _stop(gatherer: RTCIceGatherer) -> None:
    # The gatherer has no way to close that is public; its sockets would be left to the collector.
    connection = getattr(gatherer, "_connection", None)
    if connection is not None:
        await connection.close()


def look_at_addresses(
    addresses: Sequence[str], policy: AddressPolicy, host: str, *, servers: bool
) -> list[Finding]:
    """What a call offers, and which of its client's addresses it takes.

    servers: whether ICE servers are configured.
    """
    kinds = {address: address_kind(address) for address in addresses}
    listed = ", ".join(f"{address} ({kind.value})" for address, kind in kinds.items())
    if not addresses:
        text = "this machine has no address but loopback, on which no call over WebRTC is offered"
        return [problem(_ICE, text, "give the machine or the container a network")]
    found = [ok(_ICE, f"calls are offered on {listed}, on UDP ports that the system chooses")]
    if AddressKind.PUBLIC not in kinds.values() and not servers:
        text = "none of these is public: clients outside of this network do not get through"
        advice = (
            "if they have to, give Stream(server_rtc_configuration=...) a TURN server, or a STUN"
            " server where the machine has its public address by one-to-one NAT"
        )
        found.append(note(_ICE, text, advice))
    taken = [
        kind.value
        for kind, example in _EXAMPLES.items()
        if allowed(example, policy=policy, local=[*addresses, host], peer=_ELSEWHERE)
    ]
    found.append(ok(_ICE, f"clients may name addresses that are {', '.join(taken)}"))
    return found


async def look_at_servers(servers: Sequence[IceServer]) -> AsyncIterator[Finding]:
    """Ask every STUN server for our address, and every TURN server for a relayed one."""
    for server in servers:
        for url in server.urls:
            yield await _look_at_server(url, server)


async def _look_at_server(url: str, server: IceServer) -> Finding:
    one = IceServer(urls=(url,), username=server.username, credential=server.credential)
    usable = to_aiortc(RtcConfiguration(servers=(one,)))
    if not usable.iceServers:
        text = f"{url}: the server's end cannot use this kind of URL; browsers may"
        return note(_ICE, text, "for the server name stun:, turn:...?transport=udp or tcp")
    policy = RTCIceTransportPolicy.RELAY if one.relays else RTCIceTransportPolicy.ALL
    gatherer = RTCIceGatherer(usable.iceServers, policy)
    try:
        with anyio.fail_after(_TIMEOUT):
            await gatherer.gather()
        wanted = "relay" if one.relays else "srflx"
        seen = [each.ip for each in gatherer.getLocalCandidates() if each.type == wanted]
    except (TimeoutError, OSError):
        seen = []
    finally:
        await _stop(gatherer)
    if not seen:
        return _silent(url, relays=one.relays)
    told = f"relays by {seen[0]}" if one.relays else f"sees this machine as {seen[0]}"
    return ok(_ICE, f"{url} {told}")


def _silent(url: str, *, relays: bool) -> Finding:
    if relays:
        advice = (
            "look at its port in the firewall (UDP and TCP 3478), at its clock and shared secret,"
            " and at its range of relay ports"
        )
        return problem(_ICE, f"{url} gives no relayed address: no answer, or no login", advice)
    advice = "look at its port in the firewall (UDP 3478), and at the name"
    return problem(_ICE, f"{url} does not answer a binding request", advice)
