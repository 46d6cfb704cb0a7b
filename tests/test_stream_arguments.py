"""What a Stream is given is checked when it is given."""

from typing import Any

import pytest

from antiphon import Call, Stream, echo


class Handler:
    async def __call__(self, call: Call) -> None:
        raise AssertionError("never called")

    def not_a_coroutine(self, call: Call) -> None:
        raise AssertionError("never called")


@pytest.mark.parametrize("handler", [echo, Handler(), Handler().__call__])
def test_a_handler_is_a_coroutine_function_or_an_object_that_calls_as_one(handler: Any) -> None:
    assert Stream(handler).calls == []


@pytest.mark.parametrize("handler", [None, 5, print, Handler, Handler().not_a_coroutine])
def test_anything_else_is_no_handler(handler: Any) -> None:
    with pytest.raises(TypeError, match="coroutine function"):
        Stream(handler)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rtc_configuration": {"iceServers": [{"urls": "http://x"}]}}, "stun"),
        ({"server_rtc_configuration": {"servers": []}}, "servers"),
        ({"modality": "smell"}, "modality is one of audio, video, audio-video"),
        ({"mode": "both"}, "mode is one of send-receive, send, receive"),
        ({"input_sample_rate": 4000}, "8000 to 48000"),
        ({"output_sample_rate": 96000}, "output_sample_rate"),
        ({"concurrency_limit": 0}, "concurrency_limit is at least 1"),
        ({"connecting_limit": 0}, "connecting_limit is at least 1"),
        ({"max_message": 10}, "max_message is at least 1024"),
        ({"time_limit": 0}, "time_limit is more than 0"),
        ({"idle_timeout": -1}, "idle_timeout is more than 0"),
        ({"lead": 0}, "lead is more than 0"),
        ({"ping_interval": float("nan")}, "ping_interval is more than 0"),
        ({"origins": ["example.org"]}, "https://host"),
    ],
)
def test_values_out_of_range_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Stream(echo, **options)


def test_origins_are_a_list() -> None:
    with pytest.raises(TypeError, match="list of origins"):
        Stream(echo, origins="https://example.org")


def test_none_means_no_limit() -> None:
    assert Stream(echo, concurrency_limit=None, time_limit=None, idle_timeout=None).calls == []
