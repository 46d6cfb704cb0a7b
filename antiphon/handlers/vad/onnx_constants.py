"""The constants of an ONNX file, without the package onnx: a walk over its protobuf messages.

Field numbers are those of onnx.proto3, which may grow but never change what they mean.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ("float_constants",)

_VARINT, _BYTES = 0, 2  # wire types of protobuf
_FIXED = {1: 8, 5: 4}  # and the sizes of two more
_MODEL_GRAPH = 7
_GRAPH_NODE = 1
_NODE_OUTPUT, _NODE_ATTRIBUTE = 2, 5
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 5, 6
_TENSOR_DIM, _TENSOR_TYPE, _TENSOR_RAW = 1, 2, 9
_FLOAT = 1  # TensorProto.DataType
_FLOAT32 = np.dtype("<f4")

_Field = tuple[int, int | memoryview]


def float_constants(model: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Every float32 constant by the name of its node's output, those of branches included.

    Views of `model`. ValueError if it is no ONNX model or is cut off.
    """
    try:
        return dict(_in_graphs(memoryview(model), _MODEL_GRAPH))
    except (IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"{len(model)} bytes are not a whole ONNX model") from error


def _in_graphs(message: memoryview, field: int) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for graph in _messages(message, field):
        for node in _messages(graph, _GRAPH_NODE):
            name = "".join(str(output, "utf-8") for output in _messages(node, _NODE_OUTPUT))
            for attribute in _messages(node, _NODE_ATTRIBUTE):
                yield from _in_graphs(attribute, _ATTRIBUTE_GRAPH)
                for tensor in _messages(attribute, _ATTRIBUTE_TENSOR):
                    yield from ((name, array) for array in _floats(tensor))


def _floats(tensor: memoryview) -> Iterator[npt.NDArray[np.float32]]:
    """The tensor, if it is one of float32 whose values stand there as raw bytes."""
    shape = [value for number, value in _fields(tensor) if number == _TENSOR_DIM]
    if (_TENSOR_TYPE, _FLOAT) in _fields(tensor):
        for raw in _messages(tensor, _TENSOR_RAW):
            yield np.frombuffer(raw, _FLOAT32).reshape([int(size) for size in shape])


def _messages(message: memoryview, field: int) -> Iterator[memoryview]:
    for number, value in _fields(message):
        if number == field and isinstance(value, memoryview):
            yield value


def _fields(message: memoryview) -> Iterator[_Field]:
    """Number and value of each field; IndexError where the message is cut off."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif (size := _FIXED.get(kind, -1)) < 0:
            raise ValueError(f"not an ONNX model: protobuf has no wire type {kind}")
        if at + size > len(message):
            raise IndexError(at)
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
