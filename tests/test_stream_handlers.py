"""What a stream takes over from its handler: rates, and the copies made for live calls."""

import pytest

from antiphon import Call, Stream, echo


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
