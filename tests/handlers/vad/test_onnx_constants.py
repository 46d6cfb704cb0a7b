import struct

import numpy as np
import pytest

from antiphon.handlers.vad.onnx_constants import float_constants
from tests.handlers.onnx_bytes import message, number, tensor, varint


def node(name: str, *attributes: bytes) -> bytes:
    return message(1, message(2, name.encode()) + b"".join(message(5, a) for a in attributes))


def value(content: bytes) -> bytes:
    return message(1, b"value") + message(5, content)


def branch(*nodes: bytes) -> bytes:
    return message(1, b"then_branch") + message(6, b"".join(nodes))


def model(*nodes: bytes) -> bytes:
    return number(1, 8) + message(7, b"".join(nodes))


TWO = struct.pack("<2f", 1.5, -2.0)
MODEL = model(
    node("counts", value(tensor([1], struct.pack("<q", 7), kind=7))),
    node("outer", value(tensor([2, 1], TWO))),
    node("if", branch(node("inner", value(tensor([2], TWO))), node("relu"))),
)


def test_constants_are_found_in_branches_too_and_only_those_of_float32() -> None:
    found = float_constants(MODEL)
    assert {name: array.tolist() for name, array in found.items()} == {
        "outer": [[1.5], [-2.0]],
        "inner": [1.5, -2.0],
    }
    assert {array.dtype for array in found.values()} == {np.dtype("<f4")}


def test_fields_that_are_not_known_are_passed_over() -> None:
    fixed = varint(20 << 3 | 1) + bytes(8) + varint(21 << 3 | 5) + bytes(4)
    assert float_constants(fixed + number(300, 2**40) + MODEL).keys() == {"outer", "inner"}


@pytest.mark.parametrize("length", range(3, len(MODEL)))
def test_a_model_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="ONNX"):
        float_constants(MODEL[:length])


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="no wire type 7"):
        float_constants(b"\x0f")
