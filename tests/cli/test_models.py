import re
from collections.abc import Iterator

import pytest

from antiphon.cli.main import main
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import MissingExtraError
from antiphon.core.models import VoiceActivityDetector, VoiceActivityModel
from antiphon.handlers.vad import choose

LINE = re.compile(
    r"^  compact +\d+ us a frame of 20 ms, \d+\.\d\d% of a core a call; threshold 0\.4;"
    r" auto takes it\n +from this package$",
    re.MULTILINE,
)


class AtOnce:
    """An engine that answers at once."""

    name = "compact"
    threshold = 0.4
    blocking = False
    frame_samples = 480

    def detector(self, sample_rate: int) -> VoiceActivityDetector:
        return self

    def probability(self, frame: Samples) -> float:
        assert frame.shape == (480,)
        return 0.0

    def reset(self) -> None:
        raise NotImplementedError


def missing() -> VoiceActivityModel:
    raise MissingExtraError("Silero", "vad")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Not those of this installation, which may have the extra or not."""
    loaded = choose._loaded  # pyright: ignore[reportPrivateUsage]  # nobody else may forget
    monkeypatch.setitem(choose.ENGINES, "silero", missing)
    monkeypatch.setitem(choose.ENGINES, "compact", AtOnce)
    monkeypatch.setattr(choose, "silero_file", lambda: None)
    loaded.cache_clear()
    yield
    loaded.cache_clear()


def test_an_engine_that_is_here_tells_its_cost_and_its_origin(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models"]) == 0
    assert LINE.search(capsys.readouterr().out)


def test_an_engine_that_is_not_here_says_what_to_install(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "  silero    not here: Silero is not installed: pip install 'antiphon[vad]'\n" in told


def test_help_says_what_the_names_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "--help"])
    assert ended.value.code == 0
    assert "ReplyOnPause(..., vad=NAME)" in capsys.readouterr().out
