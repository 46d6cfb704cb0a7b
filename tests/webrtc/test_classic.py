"""Classic handlers of sound and pictures over WebRTC, by a client that is not ours."""

from typing import Any

import anyio
import numpy as np
import pytest

from antiphon.core.video import Pixels
from tests.conformance.test_sound import tone
from tests.handlers.classics import HANDLERS, classic
from tests.webrtc.peer import RATE, calling, ear, post_offer
from tests.webrtc.serving import on_webrtc

PATIENCE = 5.0


@pytest.mark.parametrize("base", HANDLERS)
async def test_sound_and_pictures_reach_the_handler_and_the_client(base: Any) -> None:
    """1H; 59: the shutdown of a call with pictures runs once as well."""
    got: set[tuple[str, tuple[int, ...]]] = set()
    ended: list[str] = []

    def receive(self: Any, frame: Any) -> None:
        got.add(("sound", frame[1].shape))

    def emit(self: Any) -> Any:
        return RATE, tone(440, 0.1)

    def see(self: Any, pixels: Pixels) -> None:
        got.add((str(pixels.dtype), pixels.shape))
        self.seen = 255 - pixels

    def show(self: Any) -> Any:
        return getattr(self, "seen", None)

    handler = classic(
        base,
        pictures=True,
        receive=receive,
        emit=emit,
        video_receive=see,
        video_emit=show,
        shutdown=lambda self: ended.append(self.call.id),
    )
    async with (
        on_webrtc(handler, modality="audio-video") as scene,
        calling() as peer,
    ):
        peer.add_sound()
        peer.add_pictures()
        await post_offer(scene.client, peer)
        peer.voice.say(tone(700, 2))
        with anyio.fail_after(PATIENCE):
            track: Any = await peer.track("video")
            frame = await track.recv()
            assert (frame.width, frame.height) == (64, 48)
            async for part in ear(await peer.track("audio")):
                if np.abs(part).max() > 1000:
                    break
        await peer.connection.close()
        await scene.free()
    assert got == {("sound", (1, RATE // 50)), ("uint8", (48, 64, 3))}
    assert len(ended) == 1
