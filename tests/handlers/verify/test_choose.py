from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon.core.errors import ConfigurationError
from antiphon.handlers.verify import choose, ge2e_weights
from antiphon.handlers.verify.choose import speaker_encoder
from antiphon.handlers.verify.ge2e_weights import ge2e_file, weights_hash, write_weights
from tests.core.speech.encoders import ByLoudness
from tests.handlers.verify.ge2e_by_hand import some_weights


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    loaded = choose._loaded  # pyright: ignore[reportPrivateUsage]  # nobody else may forget
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))
    loaded.cache_clear()
    yield
    loaded.cache_clear()


def test_auto_is_the_demonstration_where_nothing_else_is_installed() -> None:
    assert speaker_encoder("auto").engine == "gmm"
    assert speaker_encoder("auto") is speaker_encoder("gmm")


def test_auto_is_ge2e_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = some_weights()
    monkeypatch.setattr(ge2e_weights, "WEIGHTS_HASH", weights_hash(weights))
    write_weights(ge2e_file(), weights, "")
    assert speaker_encoder("auto").engine == "ge2e"
    assert speaker_encoder("auto") is speaker_encoder("ge2e")
    assert speaker_encoder("gmm").engine == "gmm"


def test_damaged_weights_are_told_of_and_not_passed_over() -> None:
    write_weights(ge2e_file(), some_weights(3), "")
    with pytest.raises(ConfigurationError, match="is damaged"):
        speaker_encoder("auto")


def test_ge2e_without_its_weights_says_how_to_install_them() -> None:
    with pytest.raises(ConfigurationError, match="antiphon models install ge2e"):
        speaker_encoder("ge2e")


def test_an_encoder_of_ones_own_is_taken_as_it_is() -> None:
    own = ByLoudness()
    assert speaker_encoder(own) is own


def test_another_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'resemblyzer'; allowed: auto, ge2e, gmm"):
        speaker_encoder("resemblyzer")


def test_what_is_no_encoder_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(TypeError, match="a PosixPath without engine, model_hash"):
        speaker_encoder(Path("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="ByLoudness"):
        speaker_encoder(ByLoudness)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
