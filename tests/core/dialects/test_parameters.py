"""The handshake of the speech endpoints, message by message: docs/speech.md."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.audio.frames import Samples
from antiphon.core.dialects.parameters import (
    ENDPOINT_FORM,
    ENDPOINT_OPUS_FORM,
    MAX_REFUSED,
    PIECE_MS,
    SUMMARY_FORM,
    SUMMARY_OPUS_FORM,
    Answer,
    Form,
    SpeechSession,
    read_number,
    verification_form,
)
from antiphon.core.speech.template import MAX_TEMPLATE, Template, template_text
from antiphon.core.speech.verification import read_template
from antiphon.core.speech.work import Work
from antiphon.core.wire import Kind
from tests.core.speech.encoders import ByLoudness

PACKET = b"\x78\x01"


class Counter:
    """An analyser that says how many samples it has heard, and fails at 666 at once."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)
        self.heard = 0
        self.pieces: list[int] = []

    def receive(self, samples: Samples) -> Work | None:
        if len(samples) == 666:
            raise RuntimeError("the engine is broken")
        self.pieces.append(len(samples))
        self.heard += len(samples)
        return None

    def result(self) -> bytes:
        return b"%d" % self.heard


class Doubler:
    """A decoder: each packet is twice its length in bytes."""

    def decode(self, payload: bytes) -> bytes:
        if payload.endswith(b"bad"):
            raise ValueError("corrupted stream")
        return payload + payload


def doubler(_: int) -> Doubler:
    return Doubler()


def read(text: str) -> Template:
    return read_template(text, ByLoudness())


FIGURES = np.array([1, 0], np.float32)
TEMPLATE = template_text(Template(ByLoudness.engine, ByLoudness.model_hash, FIGURES))
FOREIGN = template_text(Template("other", ByLoudness.model_hash, FIGURES))
VERIFY = verification_form(read)


class Talk:
    """A session, and what it says to whole messages."""

    def __init__(self, form: Form, **options: Any) -> None:
        self.counters: list[Counter] = []
        self.session = SpeechSession(form, self._start, **options)
        self.notes: list[str] = []

    def _start(self, values: Mapping[str, Any]) -> Counter:
        self.counters.append(Counter(values))
        return self.counters[-1]

    def answer(self, message: str | bytes) -> Answer:
        kind = Kind.TEXT if isinstance(message, str) else Kind.BINARY
        payload = message.encode() if isinstance(message, str) else message
        answer = self.session.receive(kind, payload)
        while not isinstance(answer, Answer):
            if answer is not None:
                answer.run()
            answer = self.session.go_on()
        self.notes.append(answer.note)
        return answer

    def say(self, *messages: str | bytes) -> list[str]:
        return [self.answer(message).text.decode() for message in messages]

    @property
    def values(self) -> dict[str, Any]:
        return self.counters[-1].values


def pcm(samples: int) -> bytes:
    return bytes(2 * samples)


@pytest.mark.parametrize(
    ("form", "parameters", "values"),
    [
        (
            ENDPOINT_FORM,
            ["1000", "600", "16000"],
            {"min_speech_ms": 1000, "max_silence_ms": 600, "sample_rate": 16000},
        ),
        (SUMMARY_FORM, ["44100"], {"sample_rate": 44100}),
        (
            VERIFY,
            [TEMPLATE, "16000", "10", "3"],
            {"template": ANY, "sample_rate": 16000, "context": 10, "window": 3},
        ),
    ],
)
def test_every_parameter_is_answered_200_and_then_sound_is_heard(
    form: Form, parameters: list[str], values: dict[str, Any]
) -> None:
    talk = Talk(form)
    assert talk.say(*parameters, pcm(10), b"", pcm(5)) == ["200"] * len(parameters) + [
        "10",
        "10",
        "15",
    ]
    assert talk.values == values


def test_a_refused_parameter_is_asked_for_again() -> None:
    talk = Talk(ENDPOINT_FORM)
    assert talk.say("soon", "-1", "", "1000", "600", "1", "16000", pcm(1)) == [
        "500",
        "500",
        "500",
        "200",
        "200",
        "500",
        "200",
        "1",
    ]
    assert talk.notes[0] == "min_speech_ms is no plain number"


def test_a_client_that_waits_for_no_answer_never_runs_with_shifted_parameters() -> None:
    """One of them refused, the count comes out short: all its sound is."""
    talk = Talk(ENDPOINT_FORM)
    assert talk.say("x", "600", "16000", pcm(1), pcm(1)) == ["500", "200", "200", "500", "500"]
    assert not talk.session.running


def test_sound_before_the_last_parameter_is_refused_and_forgotten() -> None:
    talk = Talk(SUMMARY_FORM)
    assert talk.say(pcm(7), "16000", pcm(1)) == ["500", "200", "1"]


@pytest.mark.parametrize("form", [ENDPOINT_FORM, SUMMARY_FORM, VERIFY])
def test_text_while_it_runs_is_refused_and_changes_nothing(form: Form) -> None:
    talk = Talk(form)
    first = [TEMPLATE, "16000", "10"] if form is VERIFY else ["1000", "600", "16000"]
    talk.say(*first[-len(form.required) :], pcm(3))
    assert talk.say("16000", "reset", pcm(1)) == ["500", "500", "4"]
    assert len(talk.counters) == 1


@pytest.mark.parametrize(
    ("context", "window"), [("10", 3), ("3", 3), ("1", 1), ("0.5", 0.5), ("600", 3)]
)
def test_three_parameters_and_sound_mean_a_window_of_3_s_or_the_context(
    context: str, window: float
) -> None:
    talk = Talk(VERIFY)
    assert talk.say(TEMPLATE, "8000", context, pcm(1)) == ["200", "200", "200", "1"]
    assert talk.values["window"] == window


def test_three_parameters_and_no_sound_is_sound_enough() -> None:
    assert Talk(VERIFY).say(TEMPLATE, "8000", "10", b"", "3")[-2:] == ["0", "500"]


def test_who_has_sent_three_parameters_owes_none() -> None:
    """They come within a time; sound may take longer."""
    talk = Talk(VERIFY)
    running: list[bool] = []
    for text in (TEMPLATE, "8000", "10"):
        talk.say(text)
        running.append(talk.session.running)
    assert running == [False, False, True]


def test_a_refused_fourth_parameter_leaves_both_ways_open() -> None:
    for last, said in (("2", "200"), (pcm(2), "2")):
        talk = Talk(VERIFY)
        assert talk.say(TEMPLATE, "8000", "2", "2.5", "0.4", "x", last)[3:] == [
            "500",
            "500",
            "500",
            said,
        ]


@pytest.mark.parametrize(
    ("context", "window", "said"),
    [
        ("0.4", "", "500"),
        ("601", "", "500"),
        ("0.5", "0.5", "200"),
        ("600", "60", "200"),
        ("600", "60.1", "500"),
        ("10", "10", "200"),
        ("10", "10.000001", "500"),
    ],
)
def test_a_window_is_half_a_second_up_to_the_context_and_a_minute(
    context: str, window: str, said: str
) -> None:
    parameters = [TEMPLATE, "8000", context, *([window] if window else [])]
    assert Talk(VERIFY).say(*parameters)[-1] == said


@pytest.mark.parametrize(
    "text",
    [
        *("8000", "not base64!", "QUJD", TEMPLATE[:-1], "A" * (MAX_TEMPLATE + 4), "", '"'),
        *(
            FOREIGN,
            f"{TEMPLATE[:-8]}AAAA{TEMPLATE[-4:]}",
            TEMPLATE + " " * MAX_TEMPLATE,
            "\uff21" * 4,
        ),
    ],
)
def test_what_is_no_template_is_refused_and_stays_out_of_the_log(text: str) -> None:
    """`8000` is base64 as well: only what it holds tells."""
    talk = Talk(VERIFY)
    assert talk.say(text) == ["500"]
    assert not text or text == '"' or text not in talk.notes[0]
    assert talk.notes[0].startswith(("template is refused: ", "template is longer than 65536"))


@pytest.mark.parametrize("text", [f' "{TEMPLATE}"\n', f"{TEMPLATE}\r\n", TEMPLATE])
def test_a_template_may_come_as_the_json_that_it_was_answered_in(text: str) -> None:
    assert Talk(VERIFY).say(text) == ["200"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16000", 16000),
        ("16000.0", 16000),
        (" 600\r\n", 600),
        ("0", 0),
        ("0.5", 0.5),
        ("999999999.999999", 999999999.999999),
        ("007", 7),
    ],
)
def test_a_number_is_digits_and_perhaps_a_point(text: str, value: float) -> None:
    assert read_number(text.encode()) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "nan", "inf", "1e400", "1e4", "1_000", "-1", "+1", ".5", "5.", "0x10", "1 0"),
        *(
            "\uff11\uff16\uff10\uff10\uff10",
            "\u0661\u0666",
            "1,5",
            "1000000000",
            "1.0000000",
            '"16000"',
            "16000\x00",
        ),
        "1" + " " * 32,
        "1" * 10_000_000,
    ],
)
def test_what_int_and_float_would_take_too_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="no plain number"):
        read_number(text.encode())


@given(st.binary(max_size=40))
def test_reading_a_number_never_fails_otherwise(text: bytes) -> None:
    try:
        value = read_number(text)
    except ValueError:
        return
    assert float(text) == value


@pytest.mark.parametrize(
    ("form", "rate", "said"),
    [
        (SUMMARY_FORM, "8000", "200"),
        (SUMMARY_FORM, "192000", "200"),
        (SUMMARY_FORM, "11025.0", "200"),
        (SUMMARY_FORM, "7999", "500"),
        (SUMMARY_FORM, "192001", "500"),
        (SUMMARY_FORM, "16000.5", "500"),
        (SUMMARY_OPUS_FORM, "44100", "500"),
        (SUMMARY_OPUS_FORM, "32000", "500"),
        *((SUMMARY_OPUS_FORM, rate, "200") for rate in ("8000", "12000", "16000", "24000")),
        (SUMMARY_OPUS_FORM, "48000.0", "200"),
        (verification_form(read, opus=True), "44100", "500"),
    ],
)
def test_a_rate_is_a_whole_number_that_the_endpoint_can_hear(
    form: Form, rate: str, said: str
) -> None:
    before = [TEMPLATE] if form.optional else []
    assert Talk(form).say(*before, rate)[-1] == said


def test_half_a_millisecond_is_rounded_up_to_what_frames_can_count() -> None:
    talk = Talk(ENDPOINT_FORM)
    talk.say("1000.000001", "600.0", "16000")
    assert (talk.values["min_speech_ms"], talk.values["max_silence_ms"]) == (1001, 600)


def test_half_a_sample_refuses_its_message_and_nothing_else() -> None:
    talk = Talk(SUMMARY_FORM)
    assert talk.say("16000", pcm(5), pcm(5) + b"\x01", pcm(5)) == ["200", "5", "500", "10"]
    assert "11 bytes" in talk.notes[2]


def test_half_a_sample_can_wait_for_its_other_half() -> None:
    talk = Talk(SUMMARY_FORM, carry_odd_byte=True)
    assert talk.say("16000", b"\x01", b"", b"\x02\x03", b"\x04") == ["200", "0", "0", "1", "2"]


def test_a_head_of_a_wav_file_is_heard_and_noted_once() -> None:
    talk = Talk(SUMMARY_FORM)
    head = b"RIFF\x24\0\0\0WAVE" + bytes(32)
    assert talk.say("16000", head, head) == ["200", "22", "44"]
    assert ["WAV" in note for note in talk.notes] == [False, True, False]


def test_sixteen_refusals_in_a_row_are_the_last() -> None:
    talk = Talk(SUMMARY_FORM)
    messages: list[str | bytes] = ["x", pcm(1)] * 8
    assert [talk.answer(message).last for message in messages] == [False] * 15 + [True]
    assert MAX_REFUSED == 16


def test_what_is_accepted_begins_the_count_anew() -> None:
    talk = Talk(SUMMARY_FORM)
    last = [talk.answer(m).last for m in ["x"] * 15 + ["16000"] + ["x"] * 15 + [b""] + ["x"] * 15]
    assert last == [False] * 47
    assert talk.answer("x").last


def test_much_sound_in_a_message_is_heard_in_pieces() -> None:
    talk = Talk(SUMMARY_FORM)
    talk.say("16000")
    assert talk.session.receive(Kind.BINARY, pcm(30_000)) is None
    assert talk.counters[0].heard == 16 * PIECE_MS
    assert talk.session.go_on() is None
    assert talk.session.go_on() == Answer(b"30000")
    assert talk.counters[0].pieces == [12_000, 12_000, 6000]


class Slow(Counter):
    """Leaves work behind every second piece, and hears nothing before it is done."""

    waiting = False

    def receive(self, samples: Samples) -> Work | None:
        assert not self.waiting
        super().receive(samples)
        if len(self.pieces) % 2:
            return None
        self.waiting = True
        return Work(self._done)

    def _done(self) -> None:
        self.waiting = False
        self.heard += 1_000_000

    def result(self) -> bytes:
        assert not self.waiting
        return super().result()


@pytest.mark.parametrize(("samples", "said"), [(6000, "6000"), (12_000, "1012000")])
def test_work_that_a_piece_leaves_is_done_before_it_goes_on(samples: int, said: str) -> None:
    session = SpeechSession(SUMMARY_FORM, Slow)
    session.receive(Kind.TEXT, b"8000")
    steps = [session.receive(Kind.BINARY, pcm(samples))]
    while not isinstance(steps[-1], Answer):
        if steps[-1] is not None:
            steps[-1].run()
        steps.append(session.go_on())
    assert steps[-1] == Answer(said.encode())
    assert [type(step) for step in steps].count(Work) == samples // 12_000


@given(cuts=st.lists(st.integers(0, 20_000), max_size=8))
def test_a_message_reaches_the_analyser_sample_by_sample(cuts: list[int]) -> None:
    talk = Talk(SUMMARY_FORM)
    talk.say("8000")
    for cut in cuts:
        talk.say(pcm(cut))
    assert talk.counters[0].heard == sum(cuts)
    assert max(talk.counters[0].pieces, default=0) <= 8 * PIECE_MS


def test_an_analyser_that_fails_begins_anew() -> None:
    talk = Talk(SUMMARY_FORM)
    talk.say("16000", pcm(100))
    with pytest.raises(RuntimeError):
        talk.say(pcm(666))
    assert talk.session.failed().text == b"500"
    assert talk.say(pcm(1)) == ["1"]
    assert [counter.values for counter in talk.counters] == [{"sample_rate": 16000}] * 2


def picky(values: Mapping[str, Any]) -> Counter:
    if values["sample_rate"] != 16_000 or values.get("window", 1) != 1:
        raise RuntimeError("the engine hears 16 kHz alone, and windows of a second")
    return Counter(values)


def say_to_picky(form: Form, *messages: str | bytes) -> list[str]:
    """A session on whose behalf `failed` is called where it has to be."""
    talk = Talk(form)
    talk.session = SpeechSession(form, picky)
    said: list[str] = []
    for message in messages:
        try:
            said += talk.say(message)
        except RuntimeError:
            said.append(talk.session.failed().text.decode())
    return said


def test_a_parameter_with_which_no_engine_begins_is_asked_for_again() -> None:
    said = say_to_picky(SUMMARY_FORM, "8000", pcm(1), "8000", "16000", pcm(1))
    assert said == ["500", "500", "500", "200", "1"]


def test_sound_with_which_no_engine_begins_leaves_the_last_parameter_open() -> None:
    said = say_to_picky(VERIFY, TEMPLATE, "16000", "10", pcm(1), "3", "1", pcm(1))
    assert said == ["200", "200", "200", "500", "500", "200", "1"]


def test_an_engine_that_cannot_begin_anew_is_tried_with_each_message() -> None:
    able = [True, False, False, True]

    def start(values: Mapping[str, Any]) -> Counter:
        if not able.pop(0):
            raise RuntimeError("out of memory")
        return Counter(values)

    talk = Talk(SUMMARY_FORM)
    talk.session = SpeechSession(SUMMARY_FORM, start)
    assert talk.say("16000", pcm(2)) == ["200", "2"]
    for message in (pcm(666), pcm(3), pcm(3)):
        with pytest.raises(RuntimeError):
            talk.say(message)
        assert talk.session.failed().text == b"500"
    assert talk.say(pcm(3)) == ["3"]


def test_packets_are_decoded_at_the_rate_of_the_stream() -> None:
    rates: list[int] = []

    def decoder(rate: int) -> Doubler:
        rates.append(rate)
        return Doubler()

    talk = Talk(SUMMARY_OPUS_FORM, decoder=decoder)
    assert talk.say("48000", PACKET, PACKET + PACKET) == ["200", "2", "6"]
    assert rates == [48000]


def test_an_empty_message_is_no_lost_packet() -> None:
    talk = Talk(SUMMARY_OPUS_FORM, decoder=doubler)
    assert talk.say("16000", b"", PACKET, b"") == ["200", "0", "2", "2"]


@pytest.mark.parametrize(
    ("message", "note"),
    [(b"OggS\x00\x02" + bytes(40), "Ogg"), (b"\x1b\x03", "180 ms"), (b"\x78bad", "corrupted")],
)
def test_what_is_no_packet_is_refused_and_the_decoder_kept(message: bytes, note: str) -> None:
    made: list[Doubler] = []

    def decoder(_: int) -> Doubler:
        made.append(Doubler())
        return made[-1]

    talk = Talk(ENDPOINT_OPUS_FORM, decoder=decoder)
    talk.say("1000", "600", "16000", PACKET)
    assert talk.say(message, PACKET) == ["500", "4"]
    assert note in talk.notes[-2]
    assert len(made) == 1


def test_sound_is_little_endian() -> None:
    heard: list[Samples] = []

    class Keeper:
        def receive(self, samples: Samples) -> None:
            heard.append(samples)

        def result(self) -> bytes:
            return b""

    def start(_: Mapping[str, Any]) -> Keeper:
        return Keeper()

    session = SpeechSession(SUMMARY_FORM, start)
    session.receive(Kind.TEXT, b"16000")
    session.receive(Kind.BINARY, b"\x01\x00\x00\x80")
    assert np.concatenate(heard).tolist() == [1, -32768]
