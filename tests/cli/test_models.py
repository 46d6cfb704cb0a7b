import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.cli import models
from antiphon.cli.main import main
from antiphon.core.audio.frames import Samples
from antiphon.core.errors import MissingExtraError
from antiphon.core.models import VoiceActivityDetector, VoiceActivityModel
from antiphon.core.speech.template import Embedding
from antiphon.handlers.vad import choose
from antiphon.handlers.vad.silero import SileroModel
from antiphon.handlers.verify import choose as choose_encoder
from tests.core.speech.encoders import ByLoudness

LINE = re.compile(
    r"^  compact +\d+ us a frame of 20 ms, \d+\.\d\d% of a core a call; threshold 0\.4;"
    r" auto takes it\n +from this package$",
    re.MULTILINE,
)
ENCODER = re.compile(
    r"^  gmm +\d+\.\d ms, \d+\.\d\d% of a core a call; a demonstration; auto takes it\n"
    r" +from this package$",
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


class Heard(ByLoudness):
    """An encoder that answers at once."""

    def embedding(self, speech: Samples, sample_rate: int) -> Embedding:
        assert (len(speech), sample_rate) == (72_000, 24_000)
        return super().embedding(speech, sample_rate)


def missing() -> VoiceActivityModel:
    raise MissingExtraError("Silero", "vad")


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Not those of this installation, which may have the extra and the weights or not."""
    loaded = choose._loaded  # pyright: ignore[reportPrivateUsage]  # nobody else may forget
    loaded_encoder = choose_encoder._loaded  # pyright: ignore[reportPrivateUsage]  # the same
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))
    monkeypatch.setitem(choose_encoder.ENCODERS, "gmm", Heard)
    monkeypatch.setattr(models, "SECONDS", 0.05)
    monkeypatch.setitem(choose.ENGINES, "silero", missing)
    monkeypatch.setitem(choose.ENGINES, "compact", AtOnce)
    monkeypatch.setattr(choose, "silero_file", lambda: None)
    loaded.cache_clear()
    loaded_encoder.cache_clear()
    yield
    loaded.cache_clear()
    loaded_encoder.cache_clear()


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


@pytest.mark.parametrize("command", [["models"], ["models", "list"]])
def test_an_encoder_tells_its_cost_its_origin_and_that_it_is_a_demonstration(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 0
    assert ENCODER.search(capsys.readouterr().out)


def test_an_encoder_that_is_not_here_says_what_to_install(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "  ge2e      not here: the weights of GE2E are not installed: antiphon models " in told


def test_weights_that_are_damaged_are_told_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "ge2e.npz").write_bytes(b"not weights")
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert told.count("is damaged") == 1
    assert "  gmm" in told
    assert "a demonstration\n" in told


def test_an_engine_that_cannot_be_read_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = tmp_path / "silero_vad.onnx"
    network.write_bytes(b"not a network")
    monkeypatch.setitem(choose.ENGINES, "silero", lambda: SileroModel(network))
    monkeypatch.setattr(choose, "silero_file", lambda: network)
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert f"  silero    not here: {network} cannot be used: " in told
    assert re.search(r"^  compact +\d+ us .*; threshold 0\.4$", told, re.MULTILINE)


def test_help_says_what_the_names_are_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["models", "--help"])
    assert ended.value.code == 0
    assert "ReplyOnPause(..., vad=NAME)" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["models", "install", "--help"])
    told = capsys.readouterr().out
    assert "Apache 2.0" in told
    assert "LibriSpeech and VoxCeleb" in told
