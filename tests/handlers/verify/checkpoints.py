"""PyTorch's checkpoints of before 1.6, made without PyTorch: good ones, and others."""

import io
import pickle
import sys
from collections import OrderedDict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ("Storage", "Tensor", "checkpoint")

MAGIC = 0x1950A86A20F9469CFC6C


class FloatStorage:
    """Pickled by its name alone."""


class UntypedStorage:
    """What newer checkpoints name."""


def _rebuild_tensor_v2(*cut: object) -> None:
    raise AssertionError(f"only ever named, and called with {cut}")


class Storage:
    """Pickled, a word about numbers that stand behind the object."""

    def __init__(
        self, name: str, count: object, kind: str = "storage", view: object = None
    ) -> None:
        self.id = (kind, FloatStorage, name, "cuda:0", count, view)


class Tensor:
    """Pickled, what PyTorch pickles a tensor as."""

    def __init__(
        self, storage: object, offset: object, shape: Sequence[int], strides: Sequence[int]
    ) -> None:
        hooks: OrderedDict[str, Any] = OrderedDict()
        self.cut = (storage, offset, tuple(shape), tuple(strides), False, hooks)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_tensor_v2, self.cut


class _Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        return obj.id if isinstance(obj, Storage) else None


def checkpoint(
    content: object,
    storages: Mapping[str, npt.NDArray[np.float32]] | None = None,
    *,
    magic: object = MAGIC,
    version: object = 1001,
    machine: object = None,
) -> bytes:
    """The file: `content` pickled, and the storages behind it."""
    file = io.BytesIO()
    numbers = dict(storages or {})
    with _names_of_torch():
        for part in (magic, version, machine or {"little_endian": True}, content, list(numbers)):
            _Pickler(file, protocol=2).dump(part)
    for array in numbers.values():
        file.write(np.array(array.size, "<i8").tobytes() + array.astype("<f4").tobytes())
    return file.getvalue()


@contextmanager
def _names_of_torch() -> Generator[None]:
    """pickle looks whether the names that it writes exist."""
    modules: dict[str, tuple[Any, ...]] = {
        "torch": (FloatStorage, UntypedStorage),
        "torch._utils": (_rebuild_tensor_v2,),
    }
    before = {name: sys.modules.get(name) for name in modules}
    for name, members in modules.items():
        module = sys.modules[name] = ModuleType(name)
        for member in members:
            member.__module__ = name
            setattr(module, member.__name__, member)
    try:
        yield
    finally:
        for name, module_before in before.items():
            if module_before is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_before
