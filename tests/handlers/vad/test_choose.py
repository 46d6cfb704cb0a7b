import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.core.errors import MissingExtraError
from antiphon.core.models import VoiceActivityDetector
from antiphon.handlers.vad import choose, silero
from antiphon.handlers.vad.choose import voice_activity_model
from antiphon.handlers.vad.silero import SileroModel


class Own:
    name = "own"
    threshold = 0.3
    blocking = True

    def detector(self, sample_rate: int) -> VoiceActivityDetector:
        raise NotImplementedError


class Half:
    name = "half"
    blocking = False


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As a process without the package, that has loaded nothing yet."""
    monkeypatch.setattr(silero, "_PACKAGES", ("no_such_package_anywhere",))
    loaded = choose._loaded  # pyright: ignore[reportPrivateUsage]  # nobody else may forget
    loaded.cache_clear()
    yield
    loaded.cache_clear()


def test_silero_is_loaded_once(silero: SileroModel) -> None:
    model = voice_activity_model("silero")
    assert isinstance(model, SileroModel)
    assert voice_activity_model("silero") is model


def test_auto_is_silero_where_it_is_installed(silero: SileroModel) -> None:
    assert voice_activity_model("auto") is voice_activity_model("silero")


@pytest.mark.usefixtures("no_extra")
def test_auto_is_compact_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(choose.ENGINES, "compact", Own)
    assert voice_activity_model("auto").name == "own"


@pytest.mark.usefixtures("no_extra")
def test_silero_without_the_extra_says_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'antiphon\[vad\]'"):
        voice_activity_model("silero")


def test_a_model_of_ones_own_is_taken_as_it_is() -> None:
    own = Own()
    assert voice_activity_model(own) is own


def test_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match="'webrtc'; allowed: auto, silero, compact"):
        voice_activity_model("webrtc")


@pytest.mark.parametrize(
    ("thing", "seen"),
    [
        (Half(), "a Half without threshold, detector; allowed: auto, silero, compact, or an obj"),
        (None, "a NoneType without name, threshold, blocking, detector"),
        (Own, "<class '.*Own'>; allowed"),
        (Path("model.onnx"), "a PosixPath without threshold"),
    ],
)
def test_what_is_no_model_is_refused(thing: Any, seen: str) -> None:
    with pytest.raises(TypeError, match=seen):
        voice_activity_model(thing)


def test_no_weights_are_read_before_a_model_is_asked_for() -> None:
    asked = (
        "import sys, antiphon.handlers.vad.pause_model;"
        "print(sorted(name for name in sys.modules if 'silero_vad' in name or 'onnxr' in name),"
        " antiphon.handlers.vad.choose._loaded.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr) == ("[] 0\n", "")
