"""ONNX files by hand: fields of protobuf, and small networks made of them."""

from collections.abc import Sequence

__all__ = ("FLOAT", "message", "network", "node", "number", "tensor", "varint")

FLOAT = 1  # TensorProto.DataType


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(shape: list[int], data: bytes, kind: int = FLOAT) -> bytes:
    return b"".join(number(1, size) for size in shape) + number(2, kind) + message(9, data)


def node(kind: str, inputs: str, output: str, **attributes: int | Sequence[int]) -> bytes:
    """`kind` of the inputs, names with spaces between them. A list is an attribute of numbers."""
    names = b"".join(message(1, name.encode()) for name in inputs.split())
    told = b"".join(message(5, _attribute(*one)) for one in attributes.items())
    return names + message(2, output.encode()) + message(4, kind.encode()) + told


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    head = message(1, name.encode())
    if isinstance(value, int):
        return head + number(3, value) + number(20, 2)
    return head + b"".join(number(8, one) for one in value) + number(20, 7)


def network(
    inputs: dict[str, Sequence[int | str]],
    nodes: Sequence[bytes],
    outputs: dict[str, Sequence[int | str]],
    kind: int = FLOAT,
) -> bytes:
    """A whole model of operator set 13. Inputs and outputs by name, with sizes or their names."""
    graph = b"".join(message(1, one) for one in nodes) + message(2, b"graph")
    graph += b"".join(message(11, _value(name, kind, shape)) for name, shape in inputs.items())
    graph += b"".join(message(12, _value(name, kind, shape)) for name, shape in outputs.items())
    return number(1, 8) + message(8, number(2, 13)) + message(7, graph)


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    sizes = [number(1, s) if isinstance(s, int) else message(2, s.encode()) for s in shape]
    dimensions = b"".join(message(1, size) for size in sizes)
    return message(1, name.encode()) + message(
        2, message(1, number(1, kind) + message(2, dimensions))
    )
