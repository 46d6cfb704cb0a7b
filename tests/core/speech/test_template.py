import base64
import json
import string
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.core.errors import TemplateRefused
from antiphon.core.speech.template import (
    MAX_DIMENSION,
    MAX_TEMPLATE,
    Template,
    parse_template,
    template_text,
)

HASH = bytes(range(16))
DIMENSIONS = [7, 8, 9]  # each leaves another number of bytes to the last group of base64


def template(dimension: int = 8) -> Template:
    return Template("gmm", HASH, np.linspace(-1, 2, dimension).astype(np.float32))


TEXTS = [template_text(template(dimension)) for dimension in DIMENSIONS]


def data_of(text: str) -> bytearray:
    return bytearray(base64.b64decode(text))


def text_of(data: bytes) -> str:
    """With the checksum that fits: what only a mistake in a program, or a forger, would make."""
    return base64.b64encode(data + zlib.crc32(data).to_bytes(4, "little")).decode()


def refusal(text: str) -> str:
    with pytest.raises(TemplateRefused) as caught:
        parse_template(text)
    return str(caught.value)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("around", ["{}", " {}\r\n", '"{}"', "'{}'", ' "{}" ', '" {} "'])
def test_what_was_written_is_read_whatever_stands_around_it(text: str, around: str) -> None:
    read = parse_template(around.format(text))
    assert (read.engine, read.model_hash) == ("gmm", HASH)
    assert template_text(read) == text


@given(st.integers(1, 64), st.data())
def test_any_embedding_survives_bit_by_bit(dimension: int, data: st.DataObject) -> None:
    figures = st.floats(width=32, allow_nan=False, allow_infinity=False)
    given_ = np.array(data.draw(st.lists(figures, min_size=dimension, max_size=dimension)), "<f4")
    given_[0] += given_[0] == 0
    read = parse_template(template_text(Template("x", HASH, given_)))
    assert read.embedding.tobytes() == given_.tobytes()


def test_the_largest_template_fits() -> None:
    largest = Template("e" * 16, HASH, np.ones(MAX_DIMENSION, np.float32))
    assert len(template_text(largest)) <= MAX_TEMPLATE
    assert len(parse_template(template_text(largest)).embedding) == MAX_DIMENSION


@given(st.sampled_from(TEXTS), st.data())
def test_any_flipped_bit_of_the_data_is_refused(text: str, data: st.DataObject) -> None:
    damaged = data_of(text)
    bit = data.draw(st.integers(0, 8 * len(damaged) - 1))
    damaged[bit // 8] ^= 1 << bit % 8
    refusal(base64.b64encode(damaged).decode())


@given(st.sampled_from(TEXTS), st.data())
def test_any_flipped_bit_of_the_text_is_refused(text: str, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * len(text) - 1))
    damaged = bytearray(text, "ascii")
    damaged[bit // 8] ^= 1 << bit % 8
    refusal(damaged.decode("latin-1"))


@pytest.mark.parametrize("text", TEXTS)
def test_every_other_last_character_is_refused(text: str) -> None:
    body = text.rstrip("=")
    for character in string.ascii_letters + string.digits + "+/":
        if character != body[-1]:
            refusal(body[:-1] + character + "=" * (len(text) - len(body)))


@pytest.mark.parametrize("text", TEXTS)
def test_no_part_and_no_more_is_taken(text: str) -> None:
    for end in range(len(text)):
        refusal(text[:end])
    for more in ("A", "====", "AAAA", text, "\n" + text):
        refusal(text + more)
    refusal(text[:20] + "\n" + text[20:])
    refusal(f'""{text}""')
    refusal(f"'{text}\"")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "another format"),
        ("8000", "another format"),
        ("48000", "not base64"),
        ("null", "another format"),
        (base64.b64encode(b"<vt3.10>\n0\n1\n" + bytes(800)).decode(), "another format"),
        ("QURWVA==", "damaged"),
        ("A" * (MAX_TEMPLATE + 1), "65537 characters"),
        ("\uff21\uff24\uff36\uff34", "not base64"),
        ("\0", "not base64"),
        (json.dumps({"template": TEXTS[0]}), "not base64"),
    ],
)
def test_what_is_no_template_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert reason in refusal(text)


def test_a_wrong_checksum_is_told_from_what_a_right_one_covers() -> None:
    data = bytes(data_of(TEXTS[0])[:-4])
    assert "checksum" in refusal(base64.b64encode(data + b"\0\0\0\0").decode())
    assert "layout 2" in refusal(text_of(data[:4] + b"\2" + data[5:]))
    assert "do not hold" in refusal(text_of(data + bytes(4)))
    assert "do not hold" in refusal(text_of(data[:-4]))
    assert "finite" in refusal(text_of(data[:-4] + b"\0\0\xc0\x7f"))
    assert "zeros" in refusal(text_of(data[:39] + bytes(4 * DIMENSIONS[0])))
    assert "engine id" in refusal(text_of(data[:5] + bytes(16) + data[21:]))
    assert "engine id" in refusal(text_of(data[:5] + b"g\0m" + bytes(13) + data[21:]))
    assert text_of(data) == TEXTS[0]


@pytest.mark.parametrize("engine", ["", "e" * 17, "größe", "two\nlines", "nul\0"])
def test_an_engine_id_is_short_and_printable(engine: str) -> None:
    with pytest.raises(ValueError, match="engine id"):
        Template(engine, HASH, np.ones(3, np.float32))


def test_a_template_has_a_hash_and_a_vector() -> None:
    for shape in [(0,), (2, 2), (MAX_DIMENSION + 1,)]:
        with pytest.raises(ValueError, match="shape"):
            Template("gmm", HASH, np.ones(shape, np.float32))
    with pytest.raises(ValueError, match="16 bytes"):
        Template("gmm", b"short", np.ones(3, np.float32))


def test_neither_a_template_nor_a_refusal_shows_the_voice() -> None:
    secret = Template("gmm", HASH, np.full(4, 0.123456, np.float32))
    text = template_text(secret)
    shown = [repr(secret), str(secret), f"{secret}", str(secret.__rich_repr__()), refusal(text[1:])]
    for seen in shown:
        assert "0.12" not in seen
        assert text[8:40] not in seen
    assert "gmm" in repr(secret)
