from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from antiphon.core.audio.frames import Samples
from antiphon.core.errors import ConfigurationError, MissingExtraError
from antiphon.core.models import SpeakerEncoder
from antiphon.core.speech.calibration import Calibration
from antiphon.handlers.verify import choose, onnx_encoder
from antiphon.handlers.verify.choose import speaker_encoder
from antiphon.handlers.verify.fbank import fbank
from antiphon.handlers.verify.onnx_encoder import OnnxDescription, OnnxEncoder, read_description
from tests.handlers.onnx_bytes import network, node

RATE = 16_000
INT64 = 7
WAVEFORM = {"engine": "mine", "input": "waveform", "scale": 20.0, "offset": -9.0}
FBANK = WAVEFORM | {"input": "fbank", "bands": 24, "window": "povey"}
FIRST_SECOND = {"from": 0, "to": 8000, "axis": 1}

HEARD = [
    node("Abs", "sound", "strengths"),
    node("ReduceMean", "strengths", "mean", axes=[1], keepdims=1),
    node("ReduceMax", "sound", "most", axes=[1], keepdims=1),
    node("ReduceMin", "sound", "least", axes=[1], keepdims=1),
    node("Concat", "mean most least", "voice", axis=1),
]
BY_SOUND = network({"sound": (1, "samples")}, HEARD, {"voice": (1, 3)})
BY_BANDS = network(
    {"bands": ("batch", "frames", 24)},
    [node("ReduceMax", "bands", "voice", axes=[1], keepdims=0)],
    {"voice": ("batch", 24)},
)


def sound(seconds: float = 1.0) -> Samples:
    return np.random.default_rng(4).integers(-3000, 5000, round(seconds * RATE)).astype("<i2")


def written(folder: Path, model: bytes, description: Any = WAVEFORM) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model)
    path.with_suffix(".json").write_bytes(msgspec.json.encode(description))
    return path


def refused(folder: Path, model: bytes, description: Any = WAVEFORM) -> str:
    with pytest.raises(ConfigurationError) as raised:
        OnnxEncoder(written(folder, model, description))
    return str(raised.value)


def test_it_is_what_verification_asks_for(tmp_path: Path) -> None:
    encoder: SpeakerEncoder = OnnxEncoder(written(tmp_path, BY_SOUND))
    assert (encoder.name, encoder.engine, encoder.dimension) == ("onnx mine", "mine", 3)
    assert encoder.calibration == Calibration(20, -9)
    assert encoder.blocking
    assert not encoder.demonstration


def test_a_network_of_sound_hears_it_with_a_full_scale_of_1(tmp_path: Path) -> None:
    found = OnnxEncoder(written(tmp_path, BY_SOUND)).embedding(sound(), RATE)
    scaled = sound() / 32768
    assert found == pytest.approx(
        np.array([np.abs(scaled).mean(), scaled.max(), scaled.min()]), abs=1e-6
    )
    assert found.dtype == np.float32


def test_a_network_of_bands_hears_them_as_kaldi_makes_them(tmp_path: Path) -> None:
    found = OnnxEncoder(written(tmp_path, BY_BANDS, FBANK)).embedding(sound(), RATE)
    expected = fbank(sound().astype(np.float32), RATE, 24, "povey").max(axis=0)
    assert found == pytest.approx(expected, abs=1e-5)


def test_a_network_hears_sound_at_its_own_rate(tmp_path: Path) -> None:
    encoder = OnnxEncoder(written(tmp_path, BY_SOUND, WAVEFORM | {"sample_rate": 8000}))
    tone = (8000 * np.sin(np.arange(2 * RATE) * 2 * np.pi * 6000 / RATE)).astype("<i2")
    assert encoder.embedding(tone, RATE)[0] < 0.001


def test_the_same_samples_give_the_same_figures_in_any_thread(tmp_path: Path) -> None:
    encoder = OnnxEncoder(written(tmp_path, BY_BANDS, FBANK))
    once = encoder.embedding(sound(), RATE)
    with ThreadPoolExecutor(2) as threads:
        again = list(threads.map(encoder.embedding, [sound()] * 6, [RATE] * 6))
    assert all(np.array_equal(once, one) for one in again)


def test_the_hash_changes_with_all_that_changes_embeddings_and_nothing_else(
    tmp_path: Path,
) -> None:
    def hashed(model: bytes, description: dict[str, Any]) -> bytes:
        return OnnxEncoder(written(tmp_path, model, description)).model_hash

    other = network({"sound": (1, "samples")}, HEARD, {"voice": (1, "n")})
    hashes = [
        hashed(BY_SOUND, WAVEFORM),
        hashed(other, WAVEFORM),
        hashed(BY_SOUND, WAVEFORM | {"sample_rate": 8000}),
        hashed(BY_BANDS, FBANK),
        hashed(BY_BANDS, FBANK | {"window": "hamming"}),
    ]
    assert len(set(hashes)) == 5
    assert {len(one) for one in hashes} == {16}
    assert hashed(BY_SOUND, WAVEFORM | {"scale": 3.0, "engine": "x"}) == hashes[0]


@pytest.mark.parametrize("samples", [399, 0])
def test_less_than_a_frame_is_refused(tmp_path: Path, samples: int) -> None:
    with pytest.raises(ValueError, match=f"{samples} samples at 16000 Hz; needed: 400"):
        OnnxEncoder(written(tmp_path, BY_SOUND)).embedding(np.ones(samples, np.int16), RATE)


@pytest.mark.parametrize(
    ("shape", "seen"),
    [
        ((1, RATE), f"(1, {RATE})"),
        (("n",), "(n)"),
        ((2, "n"), "(2, n)"),
        ((1, 1, "n"), "(1, 1, n)"),
        ((), "()"),
    ],
)
def test_a_network_that_takes_sound_of_another_shape_is_refused_with_what_it_takes(
    tmp_path: Path, shape: Sequence[int | str], seen: str
) -> None:
    other = network({"x": shape}, [node("Abs", "x", "y")], {"y": shape})
    assert f"takes x: float {seen}; needed for 'waveform': float (1, samples)," in refused(
        tmp_path, other
    )


def test_a_network_that_takes_another_number_of_bands_is_refused(tmp_path: Path) -> None:
    told = refused(tmp_path, BY_BANDS, FBANK | {"bands": 80})
    assert "takes bands: float (batch, frames, 24); needed for 'fbank': float (1, frames, 80)" in (
        told
    )


def test_a_network_that_takes_something_besides_or_other_numbers_is_refused(
    tmp_path: Path,
) -> None:
    shape = (1, "n")
    two = network({"x": shape, "lengths": (1,)}, [node("Add", "x lengths", "y")], {"y": shape})
    assert "takes x: float (1, n), lengths: float (1); needed" in refused(tmp_path, two)
    whole = network({"x": shape}, [node("Abs", "x", "y")], {"y": shape}, kind=INT64)
    assert "takes x: int64 (1, n); needed" in refused(tmp_path, whole)


def test_a_network_that_gives_no_one_embedding_is_refused(tmp_path: Path) -> None:
    shape = (1, "n")
    longer = network({"x": shape}, [node("Abs", "x", "y")], {"y": shape})
    assert f"gives {RATE} figures for a second of sound and {2 * RATE}" in refused(tmp_path, longer)
    nodes = [node("Abs", "x", "y"), node("Neg", "x", "z")]
    two = network({"x": shape}, nodes, {"y": shape, "z": shape})
    assert "gives y: float (1, n), z: float (1, n); needed: one embedding" in refused(tmp_path, two)
    broken = [
        node("ReduceMin", "x", "least", axes=[1], keepdims=1),
        node("Log", "least", "y"),
    ]
    assert "not finite" in refused(tmp_path, network({"x": shape}, broken, {"y": (1, 1)}))
    mute = [node("ReduceMax", "x", "most", axes=[1], keepdims=1), node("Sub", "most most", "y")]
    assert "only 0" in refused(tmp_path, network({"x": shape}, mute, {"y": (1, 1)}))


def test_figures_that_are_not_finite_are_no_embedding(tmp_path: Path) -> None:
    """The noise on which a network is tried does not find what silence does."""
    nodes = [node("ReduceMax", "x", "most", axes=[1], keepdims=1), node("Log", "most", "y")]
    logarithm = network({"x": (1, "n")}, nodes, {"y": (1, 1)})
    encoder = OnnxEncoder(written(tmp_path, logarithm))
    assert np.isfinite(encoder.embedding(sound(), RATE)).all()
    with pytest.raises(ConfigurationError, match="figures that are not finite"):
        encoder.embedding(np.zeros(RATE, "<i2"), RATE)


def test_another_number_of_figures_is_no_embedding(tmp_path: Path) -> None:
    """Of half a second, which is less than the network is tried on."""
    nodes = [node("Constant", "", name, value_ints=[n]) for name, n in FIRST_SECOND.items()]
    nodes.append(node("Slice", "x from to axis", "y"))
    first = network({"x": (1, "n")}, nodes, {"y": (1, "m")})
    encoder = OnnxEncoder(written(tmp_path, first, WAVEFORM | {"sample_rate": 8000}))
    assert len(encoder.embedding(sound(2), RATE)) == 8000
    with pytest.raises(ConfigurationError, match="4000 figures, not 8000"):
        encoder.embedding(sound(0.5), RATE)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    assert "ONNX Runtime does not take" in refused(tmp_path, b"not a network")
    assert "ONNX Runtime does not take" in refused(tmp_path, BY_SOUND[:-20])
    assert "no text" in refused(tmp_path, BY_SOUND.replace(b"\x05voice", b"\x05voic\x8e"))


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    path = written(tmp_path, BY_SOUND)
    path.unlink()
    with pytest.raises(ConfigurationError, match=r"No such file .*model\.onnx"):
        OnnxEncoder(path)


def test_a_description_can_be_given_instead_of_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, BY_SOUND)
    path.with_suffix(".json").unlink()
    own = OnnxDescription(engine="own", input="waveform", scale=2, offset=-1)
    assert OnnxEncoder(path, own).engine == "own"
    with pytest.raises(ConfigurationError, match=r"model\.json has to describe .*No such file"):
        OnnxEncoder(path)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scale": -1}, "scale -1"),
        ({"scale": "big"}, r"Expected `float`, got `str` - at `\$.scale`"),
        ({"engine": ""}, "1 to 16 printable"),
        ({"engine": "seventeen letters"}, "1 to 16 printable"),
        ({"sample_rate": 44}, "allowed: 8000 to 48000"),
        ({"bands": 7}, "allowed: 8 to 256"),
        ({"input": "log-mel"}, "Invalid enum value 'log-mel'"),
        ({"window": "hann"}, "Invalid enum value 'hann'"),
        ({"sample_rte": 8000}, "unknown field `sample_rte`"),
        ({"offset": None}, "got `null`"),
    ],
)
def test_a_description_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(msgspec.json.encode(FBANK | changed))
    with pytest.raises(ConfigurationError, match=told):
        read_description(path)


def test_a_description_that_is_no_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(msgspec.json.encode(WAVEFORM).replace(b"mine", b"m\xe9"))
    with pytest.raises(ConfigurationError, match="has to describe the network"):
        read_description(path)


def test_a_description_needs_what_has_no_default(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    for text, told in (
        (b'{"engine": "x"}', "missing required field"),
        (b"{", "malformed|truncated"),
    ):
        path.write_bytes(text)
        with pytest.raises(ConfigurationError, match=told):
            read_description(path)


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_encoder, "find_spec", dict[str, object]().get)
    with pytest.raises(MissingExtraError, match=r"pip install 'antiphon\[verify\]'"):
        OnnxEncoder(written(tmp_path, BY_SOUND))


@pytest.fixture
def forgotten() -> Iterator[None]:
    loaded = choose._loaded  # pyright: ignore[reportPrivateUsage]  # nobody else may forget
    yield
    loaded.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_the_path_of_a_network_is_the_name_of_an_encoder(tmp_path: Path) -> None:
    path = str(written(tmp_path, BY_SOUND))
    assert speaker_encoder(path).name == "onnx mine"
    assert speaker_encoder(path) is speaker_encoder(path)
    with pytest.raises(ConfigurationError, match="has to describe"):
        speaker_encoder(str(tmp_path / "other.onnx"))
