"""What an application says of its speech endpoints is checked when it is said."""

from typing import Any

import pytest

from antiphon import Speech, Stream, echo
from antiphon.handlers.verify.choose import speaker_encoder
from tests.core.loudness import Loudness
from tests.core.speech.encoders import ByLoudness


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"frames": "some"}, ValueError, "frames is one of all, new, none"),
        ({"origins": "https://a.test"}, TypeError, "list"),
        ({"max_message": 10}, ValueError, "at least 1024"),
    ],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        Speech(**options)


def test_an_engine_that_is_none_is_refused_with_the_stream() -> None:
    with pytest.raises(ValueError, match="loudest"):
        Stream(echo, speech=Speech(voice_activity="loudest"))


def test_a_model_of_ones_own_is_taken() -> None:
    settings = Stream(echo, speech=Speech(voice_activity=Loudness())).host.settings.speech
    assert settings is not None
    assert settings.model.name == "loudness"
    assert Stream(echo).host.settings.speech is None


def test_an_encoder_is_chosen_by_name_or_is_ones_own_and_loaded_only_if_it_is_used() -> None:
    def encoder(**options: Any) -> Any:
        speech = Speech(voice_activity=Loudness(), **options)
        settings = Stream(echo, speech=speech).host.settings.speech
        assert settings is not None
        return settings.encoder

    own = ByLoudness()
    assert encoder(speaker_encoder=own) is own
    assert encoder(speaker_encoder="gmm").engine == "gmm"
    assert encoder() is speaker_encoder("auto")
    assert encoder(verification=False, speaker_encoder="no such") is None
    with pytest.raises(ValueError, match="no such"):
        encoder(speaker_encoder="no such")
    with pytest.raises(TypeError, match="without name"):
        encoder(speaker_encoder=3)
