"""Masking by whichever helper is installed is the byte-wise XOR of RFC 6455 section 5.3."""

import runpy
import sys

import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.transports import masking
from antiphon.transports.masking import fastest_mask, xor_mask


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_both_maskers_xor_byte_by_byte(data: bytes, mask: bytes) -> None:
    expected = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    assert xor_mask(data, mask) == expected
    assert fastest_mask()(data, mask) == expected


def test_without_the_helper_in_c_integers_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(websockets, "speedups", raising=False)
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)
    module = runpy.run_path(masking.__file__)
    assert module["fastest_mask"]() is module["xor_mask"]
