"""Whose voice it is, as a handler: for a microphone on any transport."""

from functools import partial
from typing import Any

import msgspec

from ..core.audio.frames import Samples
from ..core.errors import TemplateRefused
from ..core.models import SpeakerEncoder, VoiceActivityModel
from ..core.ports import Call, Handler
from ..core.speech.enrollment import MOST_SPEECH, Enrollment
from ..core.speech.template import Template
from ..core.speech.verification import (
    LEAST_SPEECH,
    VoiceVerification,
    check_lengths,
    read_template,
)
from ..core.speech.verify_stream import VerifyStream
from ..core.speech.voiced import DetectedSpeech
from .speech import ask_model
from .threads import in_thread
from .vad.choose import voice_activity_model
from .verify.choose import speaker_encoder

__all__ = ("voice_verify",)


def voice_verify(
    template: str | None = None,
    *,
    context: float = 10.0,
    window: float = 3.0,
    enroll: float = 3.0,
    encoder: str | SpeakerEncoder = "auto",
    voice_activity: str | VoiceActivityModel = "auto",
) -> Handler:
    """A handler that tells how alike the voice of each `window` of sound is to a template, judged
    by the last `context`, both in seconds.

    Each result is a message and an output, `{"voice_verify": {"audio_interval": ...,
    "verify_result": ...}}` as on the wire of the endpoint, counted from the first sound of the
    call. A client may give another template, as text, by its inputs. Without any, the first
    `enroll` seconds of speech make one, and `{"voice_verify": {"enrolled": seconds}}` tells of it.

    ValueError for lengths that do not fit, TemplateRefused for another engine's template.
    """
    check_lengths(context, window)
    if not LEAST_SPEECH <= enroll <= MOST_SPEECH:
        raise ValueError(f"enroll is {LEAST_SPEECH:g} to {MOST_SPEECH:g} seconds, not {enroll!r}")
    voices = speaker_encoder(encoder)
    return _VoiceVerify(
        _Settings(
            given=None if template is None else read_template(template, voices),
            context=context,
            window=window,
            enroll=enroll,
            encoder=voices,
            model=voice_activity_model(voice_activity),
        )
    )


class _Settings(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    given: Template | None
    context: float
    window: float
    enroll: float
    encoder: SpeakerEncoder
    model: VoiceActivityModel


class _VoiceVerify:
    audio_backlog = 5.0
    """Seconds of sound that wait while a voice is listened to."""

    def __init__(self, settings: _Settings) -> None:
        self._settings = settings

    async def __call__(self, call: Call) -> None:
        settings = self._settings
        unknown = f"; the first {settings.enroll:g} s of speech are the voice to compare with"
        await call.log(
            f"voices are compared by {settings.encoder.name}"
            + (unknown if settings.given is None and not call.inputs else "")
        )
        listener = _Listener(call, settings)
        async for frame in call.audio:
            await listener.listen(frame.samples)


class _Listener:
    """One call: an enrollment, and from its end on, or from the first, a comparison."""

    def __init__(self, call: Call, settings: _Settings) -> None:
        self._call = call
        self._settings = settings
        self._seen: tuple[Any, ...] = ()
        self._at = 0
        given = settings.given
        self._task = self._enrollment() if given is None else self._comparison(given)

    async def listen(self, samples: Samples) -> None:
        await self._take_inputs()
        self._at += len(samples)
        match self._task:
            case Enrollment() as enrollment:
                await self._enroll(enrollment, samples)
            case VerifyStream() as stream:
                await self._compare(stream, samples)

    async def _take_inputs(self) -> None:
        inputs = self._call.inputs
        if inputs is self._seen or not inputs:
            return
        self._seen = inputs
        try:
            [text] = inputs
            if not isinstance(text, str):
                raise ValueError("it is no text")
            self._task = self._comparison(read_template(text, self._settings.encoder))
        except ValueError as error:
            said = str(error) if isinstance(error, TemplateRefused) else "an input is one template"
            await self._call.error(said)

    async def _enroll(self, enrollment: Enrollment, samples: Samples) -> None:
        await ask_model(self._settings.model, partial(enrollment.receive, samples))
        if enrollment.seconds < self._settings.enroll:
            return
        blocking = self._settings.encoder.blocking
        template = await in_thread(enrollment.template) if blocking else enrollment.template()
        self._task = self._comparison(template)
        await self._tell({"enrolled": enrollment.seconds})

    async def _compare(self, stream: VerifyStream, samples: Samples) -> None:
        work = await ask_model(self._settings.model, partial(stream.receive, samples))
        if work is not None:
            await in_thread(work.run)
        for result in stream.take():
            await self._tell(msgspec.to_builtins(result))

    async def _tell(self, what: dict[str, Any]) -> None:
        told = {"voice_verify": what}
        await self._call.send(told)
        await self._call.output(told)

    def _enrollment(self) -> Enrollment:
        return Enrollment(
            self._settings.encoder, self._frames(), sample_rate=self._call.sample_rate
        )

    def _comparison(self, template: Template) -> VerifyStream:
        settings = self._settings
        verification = VoiceVerification(
            template,
            settings.encoder,
            self._frames(),
            sample_rate=self._call.sample_rate,
            context=settings.context,
            window=settings.window,
            start=self._at,
        )
        return VerifyStream(verification, settings.encoder)

    def _frames(self) -> DetectedSpeech:
        return DetectedSpeech(self._settings.model, self._call.sample_rate)
