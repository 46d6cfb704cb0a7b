"""A handler that tells its client what it hears and sees, and plays and shows what can be known
again: the server's side of a test of media.
"""

import numpy as np
import numpy.typing as npt
from anyio import create_task_group, sleep

from antiphon import Call, Tone

__all__ = ("PICTURE_RATE", "TONE_HZ", "Witness")

TONE_HZ = 1000
PICTURE_RATE = 15  # a second
WIDTH, HEIGHT = 320, 240
REPORT_EVERY = 25  # frames of 20 ms, so a whole period of the fake microphone
BAR = 32  # pixels


class Witness:
    """Says `{"heard": {"loudest", "quietest"}}` (RMS of 20 ms, 1 for full scale) and `{"seen":
    {"pictures", "changes", "width", "height", "bgr"}}`, returns messages as `{"returned": data,
    "inputs": [...]}`, which is an output too; told "ask" it asks for inputs and says `{"asked":
    [...]}`, told "hang up" it hangs up at once. Its tone has TONE_HZ, its pictures are blue with a
    bar that moves.
    """

    def __init__(self, modality: str, mode: str) -> None:
        self._kinds = modality.split("-")
        self._listens, self._speaks = mode != "receive", mode != "send"

    async def __call__(self, call: Call) -> None:
        await call.send({"id": call.id})
        async with create_task_group() as tasks:
            for kind, receive, send in (
                ("audio", _hear, Tone(TONE_HZ)),
                ("video", _see, _show),
            ):
                if kind in self._kinds and self._listens:
                    tasks.start_soon(receive, call)
                if kind in self._kinds and self._speaks:
                    tasks.start_soon(send, call)
            async for message in call.messages:
                if message.data == "hang up":
                    break
                if message.data == "ask":
                    await call.send({"asked": list(await call.wait_for_inputs())})
                    continue
                returned = {"returned": message.data, "inputs": list(call.inputs)}
                await call.send(returned)
                await call.output(returned)
            tasks.cancel_scope.cancel()
        call.interrupt()
        await call.hang_up("as you wished")


async def _hear(call: Call) -> None:
    levels: list[float] = []
    async for frame in call.audio:
        levels.append(float(np.sqrt(np.mean((frame.samples / 32768) ** 2))))
        if len(levels) == REPORT_EVERY:
            await call.send({"heard": {"loudest": max(levels), "quietest": min(levels)}})
            levels.clear()


async def _see(call: Call) -> None:
    pictures, changes = 0, 0
    before: npt.NDArray[np.uint8] | None = None
    async for frame in call.video:
        pictures += 1
        changes += before is not None and not np.array_equal(before, frame.bgr)
        before = frame.bgr
        bgr = [float(mean) for mean in frame.bgr.mean(axis=(0, 1))]
        seen = {"pictures": pictures, "changes": changes, "bgr": bgr}
        await call.send({"seen": {**seen, "width": frame.width, "height": frame.height}})


async def _show(call: Call) -> None:
    place = 0
    while True:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        picture[..., 0] = 200
        picture[:, place : place + BAR] = 255
        place = (place + BAR // 2) % (WIDTH - BAR)
        await call.send_video(picture)
        await sleep(1 / PICTURE_RATE)
