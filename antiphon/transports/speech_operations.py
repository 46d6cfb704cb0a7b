"""How the HTTP calls beside the speech endpoints read in the OpenAPI document.

One entry here for each path in `SpeechRoutes`; a test holds the two together.
"""

from ..core.speech.summary import CurrentSummary
from ..core.speech.verification import VerifyResult
from .answers import BuildInfo
from .operations import Answer, Operation, Operations, Parameter, Schema

__all__ = ("SPEECH_OPERATIONS",)

_TAG = "speech"
_HEARD = ("unauthorized", "concurrency_limit_reached", "shutting_down", "not_enabled")
_SOUND = ("invalid_body", "unsupported_media_type", "body_too_large", "request_timeout")
_SAMPLE_RATE = Parameter(
    name="sample_rate",
    place="query",
    description="Hz",
    schema={"type": "integer", "minimum": 8000, "maximum": 192000},
    required=True,
)
_SAMPLES: Schema = {"description": "16-bit little-endian mono samples, without a header."}
_WAV = {"type": "string", "contentMediaType": "application/octet-stream"}
_FILE: Schema = {
    "description": "A WAV file under either name; stereo is mixed down.",
    "type": "object",
    "properties": {"wav_file": _WAV, "audio_file": _WAV},
    "anyOf": [{"required": ["wav_file"]}, {"required": ["audio_file"]}],
}


def of_samples(name: str, summary: str, *answers: Answer) -> Operation:
    """A call that takes bare samples."""
    return Operation(
        name=name,
        tag=_TAG,
        summary=summary,
        parameters=(_SAMPLE_RATE,),
        bodies=(("application/octet-stream", _SAMPLES),),
        body_required=False,  # silence of no length is sound too
        answers=answers,
        refusals=(*_HEARD, *_SOUND),
        plain_errors=True,
    )


def of_file(name: str, summary: str, *answers: Answer) -> Operation:
    """A call that takes a WAV file."""
    return Operation(
        name=name,
        tag=_TAG,
        summary=summary,
        bodies=(("multipart/form-data", _FILE),),
        answers=answers,
        refusals=(*_HEARD, *_SOUND),
        plain_errors=True,
    )


_SUMMARY = Answer(description="The summary, with all frames.", body=CurrentSummary)

_TEMPLATE = Answer(
    description="The template, as bare base64.", body={"type": "string"}, media_type="text/plain"
)
_TEMPLATES: Schema = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("template1", "template2")},
    "required": ["template1", "template2"],
}

SPEECH_OPERATIONS: Operations = {
    ("POST", "/speech_summary_engine/get_speech_summary_from_file"): of_file(
        "speech_summary_from_file", "How much of a file is speech", _SUMMARY
    ),
    ("POST", "/speech_summary_engine/get_speech_summary_from_samples"): of_samples(
        "speech_summary_from_samples", "How much of the samples is speech", _SUMMARY
    ),
    ("POST", "/voice_template_factory/create_voice_template_from_file"): of_file(
        "voice_template_from_file", "The template of the voice in a file", _TEMPLATE
    ),
    ("POST", "/voice_template_factory/create_voice_template_from_samples"): of_samples(
        "voice_template_from_samples", "The template of the voice in the samples", _TEMPLATE
    ),
    ("POST", "/voice_template_matcher/match_voice_templates"): Operation(
        name="match_voice_templates",
        tag=_TAG,
        summary="How alike two voices are",
        bodies=(("application/json", _TEMPLATES),),
        answers=(Answer(description="A similarity to show, not to decide by.", body=VerifyResult),),
        refusals=(*_HEARD, *_SOUND),
        plain_errors=True,
    ),
    ("GET", "/core/get_build_info"): Operation(
        name="build_info",
        tag=_TAG,
        summary="Version and components",
        answers=(Answer(description="What is served.", body=BuildInfo),),
        refusals=("unauthorized", "concurrency_limit_reached", "shutting_down"),
        plain_errors=True,
    ),
}
