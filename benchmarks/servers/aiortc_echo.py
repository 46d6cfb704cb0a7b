"""A bare echo on aiortc and nothing else: decoded frames go straight to the sender's encoder."""

import argparse
import asyncio
import json
import re

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)

_peers: set[RTCPeerConnection] = set()


async def answer(offer: RTCSessionDescription) -> RTCSessionDescription:
    """Open a session that sends back the track it is sent."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # host candidates only: no STUN
    _peers.add(peer)

    async def forget_when_over() -> None:
        if peer.connectionState in ("failed", "closed"):
            _peers.discard(peer)
            await peer.close()

    def send_back(track: MediaStreamTrack) -> None:
        peer.addTrack(track)

    peer.on("connectionstatechange", forget_when_over)
    peer.on("track", send_back)
    await peer.setRemoteDescription(offer)
    await peer.setLocalDescription(await peer.createAnswer())
    return peer.localDescription


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One HTTP request, which is taken for `POST /webrtc/offer`."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    assert length is not None
    body = json.loads(await reader.readexactly(int(length[1])))
    description = await answer(RTCSessionDescription(body["sdp"], body["type"]))
    reply = json.dumps({"sdp": description.sdp, "type": description.type}).encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(reply), reply)
    )
    await writer.drain()
    writer.close()


async def listen() -> None:
    """Serve until the process ends."""
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"aiortc echo on http://127.0.0.1:{port}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Run on the loop that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    if parser.parse_args().loop == "uvloop":
        import uvloop

        uvloop.run(listen())
    else:
        asyncio.run(listen())


if __name__ == "__main__":
    main()
