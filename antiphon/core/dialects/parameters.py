"""The parameter handshake of the speech endpoints: text is a parameter, binary is sound, and every
message gets exactly one answer, in order.

Sources: the document "WebSocket API usage" of the known API, and its example clients. Where neither
tells, docs/speech.md says what was chosen. Any `Analyser` may stand behind it.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum, auto
from math import ceil
from typing import Any, Protocol

import msgspec
import numpy as np

from ..audio.frames import Samples
from ..errors import TemplateRefused
from ..speech.frames import HIGHEST_RATE, LOWEST_RATE
from ..speech.opus_packets import check_packet
from ..speech.template import MAX_TEMPLATE
from ..speech.verification import LONGEST_CONTEXT, LONGEST_WINDOW, SHORTEST_WINDOW
from ..speech.work import Work
from ..wire import Kind

__all__ = (
    "ENDPOINT_FORM",
    "ENDPOINT_OPUS_FORM",
    "MAX_NUMBER",
    "MAX_REFUSED",
    "PIECE_MS",
    "SUMMARY_FORM",
    "SUMMARY_OPUS_FORM",
    "Analyser",
    "Answer",
    "Form",
    "PacketDecoder",
    "Parameter",
    "SpeechSession",
    "Values",
    "read_number",
    "read_rate",
    "verification_form",
)

MAX_NUMBER = 32  # bytes of a parameter that is a number
MAX_REFUSED = 16  # messages in a row that are answered by 500, then the connection is closed
PIECE_MS = 750  # of sound at a time: 25 frames, some 3 ms of work on an event loop
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)  # Hz, RFC 6716 section 2.1.3
_WINDOW = 3.0  # seconds, as clients of three parameters expect
_ACCEPTED, _REFUSED = b"200", b"500"
_INT16 = np.dtype("<i2")
# ASCII only: int() and float() also take `1_000`, other scripts' digits, `nan`, `inf` and `1e9`.
_NUMBER = re.compile(rb"\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*")

Values = Mapping[str, Any]


class Analyser(Protocol):
    """What hears the sound of one connection."""

    def receive(self, samples: Samples) -> object:
        """The next samples, int16 of shape (n,), at most `PIECE_MS` of them. Work that it gives is
        to be done before anything else is asked; whatever else it gives is passed over.
        """
        ...

    def result(self) -> bytes:
        """The answer to the message that has been received, as UTF-8 text."""
        ...


class PacketDecoder(Protocol):
    """Packets to int16 little-endian mono PCM, in one stream."""

    def decode(self, payload: bytes) -> bytes:
        """ValueError, saying what is wrong, for what is no packet."""
        ...


class Parameter(msgspec.Struct, frozen=True):
    """One text message of the handshake."""

    name: str
    read: Callable[[bytes, Values], Any]
    """From the text, and the parameters so far, to the value. ValueError, saying what is wrong and
    never what was sent: a template is personal data.
    """


class Form(msgspec.Struct, frozen=True):
    """The parameters of an endpoint, in their order."""

    required: tuple[Parameter, ...]
    optional: Parameter | None = None
    """One more that may follow. Sound instead of it says that it does not."""
    default: Callable[[Values], Any] | None = None
    """Its value then."""


class Answer(msgspec.Struct, frozen=True):
    """The one answer to a message."""

    text: bytes
    note: str = ""
    """What the log should know of the message."""
    last: bool = False
    """Whether the connection is to be closed behind it, with 1008."""


class _State(Enum):
    PARAMETERS = auto()
    """A parameter is expected."""
    OPTIONAL = auto()
    """One more may come, or sound."""
    RUNNING = auto()
    """Sound is expected."""


class SpeechSession:
    """One connection. A message with much sound is heard piece by piece: `receive` and `go_on` give
    None until all of it was, or Work that is to be done before it goes on.

    start: makes the analyser, of the values by name; `sample_rate` is among them.
    decoder: makes what decodes Opus packets, of the sample rate; None where sound comes as PCM.
    carry_odd_byte: whether half a sample at the end of a message waits for the next one, instead of
        being refused with its message.
    """

    def __init__(
        self,
        form: Form,
        start: Callable[[Values], Analyser],
        decoder: Callable[[int], PacketDecoder] | None = None,
        *,
        carry_odd_byte: bool = False,
    ) -> None:
        self._form = form
        self._start = start
        self._make_decoder = decoder
        self._carry = carry_odd_byte
        self._state = _State.PARAMETERS
        self._values: dict[str, Any] = {}
        self._analyser: Analyser
        self._decoder: PacketDecoder | None = None
        self._begun = False
        self._piece = 0
        self._pending: Samples = np.empty(0, _INT16)
        self._half = b""
        self._note = ""
        self._heard = False
        self._refused_in_a_row = 0

    @property
    def running(self) -> bool:
        """Whether all parameters that have to come are known."""
        return self._state is not _State.PARAMETERS

    def receive(self, kind: Kind, payload: bytes) -> Answer | Work | None:
        """The next message, TEXT or BINARY; not before the last one is answered."""
        return self._take_text(payload) if kind is Kind.TEXT else self._take_sound(payload)

    def go_on(self) -> Answer | Work | None:
        """Hear the next piece of the message that `receive` was given."""
        piece, self._pending = self._pending[: self._piece], self._pending[self._piece :]
        found = self._analyser.receive(piece)
        if isinstance(found, Work):
            return found
        if len(self._pending):
            return None
        return self._accept(self._analyser.result())

    def failed(self) -> Answer:
        """Something of the engine's has raised: the message is refused, and what is heard next
        begins anew. A parameter with which nothing could begin is asked for again.
        """
        self._begun = False
        return self._refuse("it could not be analysed")

    def _take_text(self, payload: bytes) -> Answer:
        expected = self._expected()
        if expected is None:
            return self._refuse("a parameter behind the last one")
        try:
            value = expected.read(payload, self._values)
        except ValueError as error:
            return self._refuse(f"{expected.name} {error}")
        self._go_on_with({**self._values, expected.name: value})
        return self._accept(_ACCEPTED)

    def _expected(self) -> Parameter | None:
        match self._state:
            case _State.PARAMETERS:
                return self._form.required[len(self._values)]
            case _State.OPTIONAL:
                return self._form.optional
            case _State.RUNNING:
                return None

    def _go_on_with(self, values: dict[str, Any]) -> None:
        """One more is known; all stays as it was if that raises."""
        left = len(self._form.required) - len(values)
        if left == 0 and self._form.optional is not None:
            self._state = _State.OPTIONAL
        elif left <= 0:
            self._begin(values)
            self._state = _State.RUNNING
        self._values = values

    def _begin(self, values: Values) -> None:
        """With nothing heard."""
        rate = values["sample_rate"]
        self._piece = PIECE_MS * rate // 1000
        self._pending = np.empty(0, _INT16)
        self._half = b""
        self._analyser = self._start(values)
        if self._make_decoder is not None:
            self._decoder = self._make_decoder(rate)
        self._begun = True

    def _take_sound(self, payload: bytes) -> Answer | Work | None:
        if self._state is _State.PARAMETERS:
            return self._refuse(f"sound before {self._form.required[len(self._values)].name}")
        if self._state is _State.OPTIONAL:
            assert self._form.optional is not None
            assert self._form.default is not None
            default = self._form.default(self._values)
            self._go_on_with({**self._values, self._form.optional.name: default})
        if not self._begun:
            self._begin(self._values)
        try:
            pcm = self._pcm(payload)
        except ValueError as error:
            return self._refuse(str(error))
        self._pending = np.frombuffer(pcm, _INT16)
        return self.go_on()

    def _pcm(self, payload: bytes) -> bytes:
        """ValueError for a message that is not to be heard."""
        if not payload:
            return payload  # to an Opus decoder it would be a lost packet, to be made up
        if self._decoder is not None:
            check_packet(payload)
            return self._decoder.decode(payload)
        if not self._heard and payload[:4] == b"RIFF" and payload[8:12] == b"WAVE":
            self._note = "it begins with the head of a WAV file, which is heard as a click"
        self._heard = True
        if self._carry:
            payload = self._half + payload
            whole = len(payload) & ~1
            self._half = payload[whole:]
            return payload[:whole]
        if len(payload) % 2:
            raise ValueError(f"{len(payload)} bytes are no whole number of 16-bit samples")
        return payload

    def _accept(self, text: bytes) -> Answer:
        self._refused_in_a_row = 0
        note, self._note = self._note, ""
        return Answer(text, note)

    def _refuse(self, note: str) -> Answer:
        self._refused_in_a_row += 1
        return Answer(_REFUSED, note, last=self._refused_in_a_row >= MAX_REFUSED)


def read_number(text: bytes) -> float:
    """A parameter that is a number, of up to 9 digits, a point and 6 more. ValueError."""
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_NUMBER else None
    if found is None:
        raise ValueError("is no plain number")
    return float(found[1])


def _milliseconds(text: bytes, _: Values) -> int:
    # Frames count whole ones: half a millisecond more is one more.
    return ceil(read_number(text))


def read_rate(text: bytes) -> int:
    """A sample rate of PCM in Hz. ValueError, saying what is wrong."""
    rate = read_number(text)
    if rate != int(rate) or not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise ValueError(f"is no whole number from {LOWEST_RATE} to {HIGHEST_RATE}")
    return int(rate)


def _pcm_rate(text: bytes, _: Values) -> int:
    return read_rate(text)


def _opus_rate(text: bytes, _: Values) -> int:
    rate = read_number(text)
    if rate not in _OPUS_RATES:
        raise ValueError(f"is none of {', '.join(map(str, _OPUS_RATES))}")
    return int(rate)


def _context(text: bytes, _: Values) -> float:
    context = read_number(text)
    if not SHORTEST_WINDOW <= context <= LONGEST_CONTEXT:
        raise ValueError(f"is not from {SHORTEST_WINDOW:g} to {LONGEST_CONTEXT:g} s")
    return context


def _window(text: bytes, values: Values) -> float:
    window, longest = read_number(text), min(values["context"], LONGEST_WINDOW)
    if not SHORTEST_WINDOW <= window <= longest:
        raise ValueError(f"is not from {SHORTEST_WINDOW:g} to {longest:g} s")
    return window


def _default_window(values: Values) -> float:
    context: float = values["context"]
    return min(_WINDOW, context)


_PCM_RATE = Parameter("sample_rate", _pcm_rate)
_OPUS_RATE = Parameter("sample_rate", _opus_rate)
_ENDPOINT = (Parameter("min_speech_ms", _milliseconds), Parameter("max_silence_ms", _milliseconds))

ENDPOINT_FORM = Form((*_ENDPOINT, _PCM_RATE))
ENDPOINT_OPUS_FORM = Form((*_ENDPOINT, _OPUS_RATE))
SUMMARY_FORM = Form((_PCM_RATE,))
SUMMARY_OPUS_FORM = Form((_OPUS_RATE,))


def verification_form(read_template: Callable[[str], Any], *, opus: bool = False) -> Form:
    """`template`, `sample_rate`, `context` and perhaps `window`, both in seconds. Clients have sent
    three or four parameters; the third has always meant the context.

    read_template: from the text to the value; TemplateRefused for no template.
    """

    def template(text: bytes, _: Values) -> Any:
        if len(text) > MAX_TEMPLATE:
            raise ValueError(f"is longer than {MAX_TEMPLATE} bytes")
        try:
            return read_template(text.decode("ascii", "replace"))
        except TemplateRefused as error:
            raise ValueError(f"is refused: {error.reason}") from error

    return Form(
        required=(
            Parameter("template", template),
            _OPUS_RATE if opus else _PCM_RATE,
            Parameter("context", _context),
        ),
        optional=Parameter("window", _window),
        default=_default_window,
    )
