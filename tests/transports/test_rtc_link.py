"""What waits on a peer connection, and what happens when there is too much of it."""

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from antiphon import VideoFrame
from antiphon.core.video import Pixels
from antiphon.transports.rtc_link import WAITING, RtcLink
from antiphon.transports.rtc_pictures import PicturesOut


async def test_messages_that_nobody_takes_are_dropped_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = RTCPeerConnection()
    link = RtcLink(connection, "somebody", 24000)
    for _ in range(WAITING):
        link.send_text(b"{}")
    assert caplog.messages == []
    for _ in range(3):
        link.send_text(b"{}")
    assert caplog.messages == [
        "somebody: 256 messages wait for the data channel to open: the oldest are dropped"
    ]
    await connection.close()


class Unreadable:
    """A picture of some codec that cannot be converted."""

    width, height = 4, 2

    def to_bgr(self) -> Pixels:
        raise ZeroDivisionError


async def test_a_track_that_has_ended_makes_nobody_wait_for_room() -> None:
    taken: list[bool] = []
    track = PicturesOut(lambda: taken.append(True))
    track.show(VideoFrame(picture=Unreadable()))
    rooms = [track.ready]
    with pytest.raises(ZeroDivisionError):
        await track.recv()
    track.stop()  # as the sender does that met the error
    assert taken == [True]
    track.show(VideoFrame(np.zeros((2, 4, 3), np.uint8)))
    rooms.append(track.ready)
    assert rooms == [False, True]
    with pytest.raises(MediaStreamError):
        await track.recv()
