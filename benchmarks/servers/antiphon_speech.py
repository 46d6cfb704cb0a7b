"""Speech endpoints that are measured; SPEECH_VAD names the engine."""

import os

from antiphon import Speech, Stream, echo

speech = Speech(voice_activity=os.environ.get("SPEECH_VAD", "compact"))
stream = Stream(echo, speech=speech, concurrency_limit=None)
