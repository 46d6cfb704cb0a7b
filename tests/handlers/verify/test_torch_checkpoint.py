import builtins
import pickle
import subprocess
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from antiphon.handlers.verify.torch_checkpoint import checkpoint_tensors
from tests.handlers.verify.checkpoints import FloatStorage, Storage, Tensor, checkpoint

ONE = np.arange(10, dtype=np.float32)
TWO = -np.arange(4, dtype=np.float32)
STATE: OrderedDict[str, object] = OrderedDict(
    a=Tensor(Storage("one", 10), 1, (3, 2), (2, 1)),
    b=Tensor(Storage("two", 4), 0, (4,), (1,)),
    c=Tensor(Storage("one", 10), 9, (), ()),
    step=1_000_000,
)
GOOD = checkpoint({"step": 3, "model_state": STATE}, {"two": TWO, "one": ONE})


def test_tensors_are_cut_from_the_storages_behind_the_object() -> None:
    found = checkpoint_tensors(GOOD, "model_state")
    assert {name: array.tolist() for name, array in found.items()} == {
        "a": [[1, 2], [3, 4], [5, 6]],
        "b": [0, -1, -2, -3],
        "c": 9,
    }


class Program:
    """Pickled, a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    "function", [subprocess.getoutput, builtins.eval, builtins.getattr, np.load, pickle.loads]
)
@pytest.mark.parametrize("place", ["magic", "version", "machine", "content"])
def test_a_checkpoint_that_would_run_a_program_is_refused_unrun(
    tmp_path: Path, function: Callable[..., object], place: str
) -> None:
    mark = tmp_path / "mark"
    program = Program(function, f"touch {mark}")
    hostile = checkpoint(**{"content": {}} | {place: program})  # type: ignore[arg-type]  # any is
    with pytest.raises(ValueError, match="which is not allowed"):
        checkpoint_tensors(hostile, "model_state")
    assert not mark.exists()


def test_the_checkpoint_of_that_test_is_one_that_would_have_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    hostile = checkpoint({}, magic=Program(subprocess.getoutput, f"touch {mark}"))
    pickle.loads(hostile)
    assert mark.exists()


@pytest.mark.parametrize(
    "name", [b"collections\nnamedtuple", b"torch._utils\n_rebuild_tensor", b"os\npath.join"]
)
def test_what_is_not_listed_cannot_be_named_not_even_beside_what_is(name: bytes) -> None:
    with pytest.raises(ValueError, match="which is not allowed"):
        checkpoint_tensors(b"\x80\x02c" + name + b"\n.", "model_state")


def test_a_name_with_dots_cannot_reach_into_what_is_listed() -> None:
    reaching = b"\x80\x04\x8c\x0bcollections\x8c\x22OrderedDict.__init__.__globals__.os\x93."
    with pytest.raises(ValueError, match="UnpicklingError"):
        checkpoint_tensors(reaching, "model_state")


@pytest.mark.parametrize("state", [b"}S'mine'\nI1\ns", b"N}S'__doc__'\nS'mine'\ns\x86"])
@pytest.mark.parametrize(
    "name",
    [b"collections\nOrderedDict", b"torch\nFloatStorage", b"torch._utils\n_rebuild_tensor_v2"],
)
def test_what_is_listed_cannot_be_changed_for_those_who_come_after(
    name: bytes, state: bytes
) -> None:
    """BUILD, the `b` at the end, sets attributes of whatever stands before it."""
    with pytest.raises(ValueError, match=r"attribute|mappingproxy"):
        checkpoint_tensors(b"\x80\x02c" + name + b"\n" + state + b"b.", "model_state")


@pytest.mark.parametrize(
    "tensor",
    [
        Tensor(Storage("one", 10), 5, (3, 2), (2, 1)),
        Tensor(Storage("one", 10), -1, (2,), (1,)),
        Tensor(Storage("one", 10), 0, (3, 2), (1, 3)),
        Tensor(Storage("one", 10), 0, (2, 2), (0, 0)),
        Tensor(Storage("one", 10), 0, (-2, -2), (-2, 1)),
        Tensor(Storage("one", 1 << 40), 0, (1 << 40,), (1,)),
        Tensor(Storage("one", "many"), 0, (1,), (1,)),
        Tensor(Storage("three", 10), 0, (1,), (1,)),
        Tensor(Storage("one", 10, kind="module"), 0, (1,), (1,)),
        Tensor(Storage("one", 10, view=("v", 0, 2)), 0, (1,), (1,)),
        Tensor("one", 0, (1,), (1,)),
        Tensor(Storage("one", 10), "0", (1,), (1,)),
    ],
)
def test_a_tensor_that_reaches_beyond_its_numbers_is_refused(tensor: Tensor) -> None:
    made = checkpoint({"model_state": {"a": tensor}}, {"one": ONE})
    with pytest.raises(ValueError, match="not a checkpoint"):
        checkpoint_tensors(made, "model_state")


@pytest.mark.parametrize(
    "made",
    [
        checkpoint({"model_state": STATE}, {"two": TWO, "one": ONE}, magic=1),
        checkpoint({"model_state": STATE}, {"two": TWO, "one": ONE}, version=1002),
        checkpoint({"model_state": STATE}, {"two": TWO, "one": ONE}, machine={"big": 1}),
        checkpoint({"optimizer_state": STATE}, {"two": TWO, "one": ONE}),
        checkpoint({"model_state": STATE}, {"two": TWO}),
        checkpoint({"model_state": FloatStorage}),
        checkpoint([]),
        b"PK\x03\x04 the format since 1.6 is a zip archive",
    ],
)
def test_what_is_no_such_checkpoint_is_refused(made: bytes) -> None:
    with pytest.raises(ValueError, match="not a checkpoint"):
        checkpoint_tensors(made, "model_state")


def test_a_checkpoint_that_is_cut_off_anywhere_is_refused() -> None:
    for length in range(len(GOOD)):
        with pytest.raises(ValueError, match="not a checkpoint"):
            checkpoint_tensors(GOOD[:length], "model_state")
