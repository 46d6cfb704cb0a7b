"""The tensors of a PyTorch checkpoint as it was written before version 1.6, without PyTorch.

Such a file is a row of pickles and then bare numbers:

    a magic number, the version 1001, a description of the machine
    the object: tensors say which storage they are cut from, and where
    the storages' names, and for each how many numbers it has (8 bytes), and these

A pickle is a program. This one may name the three things that are listed here and nothing else, so
that all it can do is build dictionaries, lists and tensors. It still may ask for any time and
memory: the checkpoint is one whose hash is known.
"""

import io
import math
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ("checkpoint_tensors",)

Floats = npt.NDArray[np.float32]

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_COUNT = np.dtype("<i8")
_FLOAT = np.dtype("<f4")


class _Storage(NamedTuple):
    name: str
    size: int


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]

    def cut(self, storages: dict[str, Floats]) -> Floats:
        numbers = storages[self.storage.name][self.offset :][: math.prod(self.shape)]
        return numbers.reshape(self.shape)


def checkpoint_tensors(checkpoint: bytes, state: str) -> dict[str, Floats]:
    """The tensors in the dictionary `state` of the object, float32, by name. Views of `checkpoint`.

    ValueError for anything else than such a checkpoint.
    """
    file = io.BytesIO(checkpoint)
    try:
        return _tensors(file, checkpoint, state)
    except Exception as error:  # a damaged pickle raises whatever it likes
        raise ValueError(f"not a checkpoint that is read here: {error!r}") from error


def _tensors(file: io.BytesIO, checkpoint: bytes, state: str) -> dict[str, Floats]:
    if (seen := _unpickled(file)) != _MAGIC:
        raise ValueError(f"the magic number is {seen!r}")
    if (seen := _unpickled(file)) != _VERSION:
        raise ValueError(f"version {seen!r}; allowed: {_VERSION}")
    if not _unpickled(file)["little_endian"]:
        raise ValueError("its numbers are big-endian")
    tensors: dict[str, object] = _unpickled(file)[state]
    storages = _storages(file, checkpoint)
    return {
        name: tensor.cut(storages)
        for name, tensor in tensors.items()
        if isinstance(tensor, _Tensor)
    }


def _storages(file: io.BytesIO, checkpoint: bytes) -> dict[str, Floats]:
    storages: dict[str, Floats] = {}
    for name in _unpickled(file):
        count = int(np.frombuffer(file.read(_COUNT.itemsize), _COUNT)[0])
        storages[name] = np.frombuffer(checkpoint, _FLOAT, count, file.tell())
        file.seek(storages[name].nbytes, io.SEEK_CUR)
    return storages


def _unpickled(file: io.BytesIO) -> Any:
    return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """What a pickle may name."""
        try:
            return _ALLOWED[module_name, global_name]
        except KeyError:
            name = f"{module_name}.{global_name}"
            raise pickle.UnpicklingError(f"it asks for {name}, which is not allowed") from None

    def persistent_load(self, pid: Any, /) -> _Storage:
        """What a pickle says of numbers that stand behind it."""
        kind, _, name, _, count, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"it asks for a {kind!r}, which is not known")
        return _Storage(str(name), int(count))


class _Rebuild:
    """What a pickle may call. Nothing that it names can be given attributes: a pickle may ask for
    that, and they would outlive it.
    """

    __slots__ = ()

    def __call__(
        self,
        storage: _Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *_: object,
    ) -> _Tensor:
        """The tensor, if its numbers stand in a row. What follows is for training."""
        in_a_row = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        end = offset + math.prod(shape)
        if strides != in_a_row or offset < 0 or min(shape, default=1) < 1 or end > storage.size:
            raise pickle.UnpicklingError(f"a tensor of {shape} at {offset} with strides {strides}")
        return _Tensor(storage, offset, shape)


_ALLOWED: dict[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "FloatStorage"): "FloatStorage",  # only ever named
    ("torch._utils", "_rebuild_tensor_v2"): _Rebuild(),
}
