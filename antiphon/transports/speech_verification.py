"""Voice verification: its WebSockets, and the HTTP calls that make and compare templates."""

from collections.abc import Callable

import msgspec

from ..core.dialects.parameters import Analyser, Values, verification_form
from ..core.errors import TemplateRefused, TooLittleSpeech
from ..core.models import SpeakerEncoder, VoiceActivityModel
from ..core.speech.enrollment import Enrollment
from ..core.speech.template import MAX_TEMPLATE, Template, template_text
from ..core.speech.verification import VoiceVerification, match, read_template
from ..core.speech.verify_stream import VerifyStream
from ..core.speech.voiced import DetectedSpeech
from .requests import Request, Response, deny, json_response
from .speech_parts import OPUS, Part
from .speech_sound import Sound, check_type, hear, read_body, sound_of_file, sound_of_samples
from .speech_threads import in_speech_thread

__all__ = ("VERIFY", "VERIFY_CALLS", "verification_part")

VERIFY = "/voice_verify_stream"
_FACTORY = "/voice_template_factory/create_voice_template_from"
VERIFY_CALLS = (
    f"{_FACTORY}_file",
    f"{_FACTORY}_samples",
    "/voice_template_matcher/match_voice_templates",
)
_MAX_PAIR = 2 * MAX_TEMPLATE + 1024  # bytes of a body with two templates
_TEXT = ("content-type", "text/plain; charset=utf-8")


class _Pair(msgspec.Struct, frozen=True):
    template1: str
    template2: str


def verification_part(model: VoiceActivityModel, encoder: SpeakerEncoder, max_body: int) -> Part:
    """Whose voice it is, as the encoder hears it."""

    def read(text: str) -> Template:
        return read_template(text, encoder)

    def analyser(values: Values) -> Analyser:
        rate = values["sample_rate"]
        verification = VoiceVerification(
            values["template"],
            encoder,
            DetectedSpeech(model, rate),
            sample_rate=rate,
            context=values["context"],
            window=values["window"],
        )
        return VerifyStream(verification, encoder)

    def start(_: Request) -> Callable[[Values], Analyser]:
        return analyser

    async def created(sound: Sound) -> Response:
        speech = DetectedSpeech(model, sound.sample_rate)
        enrollment = Enrollment(encoder, speech, sample_rate=sound.sample_rate)
        await hear(sound, enrollment.receive, blocking=model.blocking)
        try:
            template = await in_speech_thread(enrollment.template)
        except TooLittleSpeech as error:
            raise deny("invalid_body", str(error)) from error
        # Bare: clients hand the body on to the WebSocket as it is.
        return Response(status=200, headers=(_TEXT,), body=template_text(template).encode())

    async def from_file(request: Request) -> Response:
        return await created(await sound_of_file(request, max_body))

    async def from_samples(request: Request) -> Response:
        return await created(await sound_of_samples(request, max_body))

    async def matched(request: Request) -> Response:
        check_type(request, "application/json", "")
        pair = _pair(await read_body(request, _MAX_PAIR))
        one, other = (
            _named(name, text, read)
            for name, text in (("template1", pair.template1), ("template2", pair.template2))
        )
        return json_response(200, match(one, other, encoder))

    forms = {VERIFY: verification_form(read), VERIFY + OPUS: verification_form(read, opus=True)}
    return Part(
        {path: (form, start) for path, form in forms.items()},
        dict(zip(VERIFY_CALLS, (from_file, from_samples, matched), strict=True)),
    )


def _pair(body: bytes) -> _Pair:
    try:
        return msgspec.json.decode(body, type=_Pair)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise deny("invalid_body", f"the body is no pair of templates: {error}") from error


def _named(name: str, text: str, read: Callable[[str], Template]) -> Template:
    try:
        return read(text)
    except TemplateRefused as error:
        raise deny("invalid_body", f"{name}: {error}") from error
