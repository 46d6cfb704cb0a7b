"""What a stream takes over from its handler: rates, and the copies made for live calls."""

from typing import Any

import pytest

from antiphon import Call, ReplyOnPause, Stream, echo


class Slow:
    input_sample_rate = 8000
    output_sample_rate = 16000

    async def __call__(self, call: Call) -> None:
        await echo(call)


def test_the_handler_names_the_rates_it_works_at() -> None:
    config = Stream(Slow()).host.settings.session
    assert (config.input_sample_rate, config.output_sample_rate) == (8000, 16000)


def test_the_stream_has_the_last_word_on_rates() -> None:
    config = Stream(Slow(), input_sample_rate=48000).host.settings.session
    assert (config.input_sample_rate, config.output_sample_rate) == (48000, 16000)


def test_a_rate_of_a_handler_is_checked_as_well() -> None:
    handler = Slow()
    handler.input_sample_rate = 100
    with pytest.raises(ValueError, match="input_sample_rate is 8000 to 48000 Hz, not 100"):
        Stream(handler)


def test_a_handler_without_copies_has_none_to_show() -> None:
    assert dict(Stream(echo).handlers) == {}


def test_who_listens_is_of_no_use_in_a_stream_of_pictures() -> None:
    def same(turn: Any) -> Any:
        return turn

    handler = ReplyOnPause(same)
    Stream(handler, modality="audio-video")
    with pytest.raises(ValueError, match="ReplyOnPause listens to sound"):
        Stream(handler, modality="video")
