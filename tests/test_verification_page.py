"""docs/verification.md: its code runs as it stands, and what it tells of the encoder is true."""

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from antiphon import Stream
from antiphon.core.speech.calibration import Calibration
from antiphon.core.speech.template import Template, template_text
from antiphon.handlers.verify.data_folder import data_folder
from antiphon.handlers.verify.ge2e import Ge2eEncoder
from antiphon.handlers.verify.gmm import GmmEncoder
from antiphon.handlers.verify.onnx_encoder import OnnxDescription
from tests.documents.pages import page

DOCUMENT = page("docs/verification.md")
PAGE = DOCUMENT.text
ENCODER = GmmEncoder()


def template() -> str:
    figures = np.ones(ENCODER.dimension, np.float32)
    return template_text(Template(ENCODER.engine, ENCODER.model_hash, figures))


async def test_the_code_compares_two_texts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))  # nothing is installed
    names = await DOCUMENT.run(upto="def compare")
    assert names["compare"](template(), template()).score == pytest.approx(1)
    with pytest.raises(ValueError, match=r"0\.00 s of speech"):
        names["template_of"](np.zeros(16_000, np.int16), 16_000)


async def test_the_handlers_are_handlers() -> None:
    names = await DOCUMENT.run()
    assert isinstance(names["first_speaker"], Stream)
    assert isinstance(names["known_speaker"], Stream)


def test_the_lengths_it_tells_are_true() -> None:
    told = re.search(r"about (\d+) characters", PAGE)
    assert told is not None
    assert len(template()) == pytest.approx(int(told[1]), rel=0.1)
    told = re.search(r"(\d+) kB", PAGE)
    assert told is not None
    weights = files("antiphon.handlers.verify").joinpath("gmm.npz").read_bytes()
    assert len(weights) / 1000 == pytest.approx(int(told[1]), abs=1)


def test_the_description_of_a_network_is_one_and_its_defaults_are_as_told() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    told = msgspec.json.decode(found[1], type=OnnxDescription)
    assert told == OnnxDescription(
        engine="my-network", input="fbank", scale=told.scale, offset=told.offset
    )
    assert Calibration(told.scale, told.offset) == Ge2eEncoder.calibration


def test_the_folders_it_tells_are_those_that_are_taken() -> None:
    home = str(Path.home())
    for platform in ("linux", "darwin"):
        assert f"`{data_folder({}, platform)}`".replace(home, "~") in PAGE
    assert "`ANTIPHON_DATA`" in PAGE


def test_the_claim_comes_first() -> None:
    assert "similarity scoring, not access control" in PAGE[:600]
    assert "demonstration" in PAGE[:600]
