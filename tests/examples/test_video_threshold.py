"""The function of the video example, in memory, and its routes."""

import httpx
import numpy as np
import pytest

from antiphon import connect
from examples.video_threshold import PAINT, app, mark, stream

GRADIENT = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3).repeat(4, axis=0)


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 1020), (0.5, 512), (1.0, 0)])
def test_what_is_brighter_than_the_threshold_is_painted_and_counted(
    threshold: float, count: int
) -> None:
    frame, outputs = mark(GRADIENT.copy(), threshold)
    assert outputs.args == (count,)
    painted = (frame == PAINT).all(axis=2)
    assert np.count_nonzero(painted) == count
    assert np.array_equal(frame[~painted], GRADIENT[~painted])


async def test_the_threshold_of_a_call_is_set_by_its_id() -> None:
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://threshold") as http,
        stream.running(),
        connect(stream, call_id="one", modality="video") as call,
    ):
        counts: list[int] = []
        for threshold in (None, 0.0, 1.0):
            if threshold is not None:
                body = {"webrtc_id": "one", "conf_threshold": threshold}
                assert (await http.post("/input_hook", json=body)).json() == {"status": "ok"}
            await call.send_video(GRADIENT.copy())
            await anext(aiter(call.video))
            assert (await anext(aiter(call.messages))).type == "fetch_output"
            counts.append((await stream.fetch_latest_output("one")).value)
        assert counts == [512, 1020, 0]
        for body, status in (
            ({"webrtc_id": "one", "conf_threshold": 2}, 422),
            ({"webrtc_id": "two", "conf_threshold": 0.5}, 404),
        ):
            assert (await http.post("/input_hook", json=body)).status_code == status
        assert (await http.get("/updates", params={"webrtc_id": "two"})).status_code == 404
