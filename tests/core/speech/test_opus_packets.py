"""Heads of packets: RFC 6716 section 3."""

import pytest

from antiphon.core.speech.opus_packets import check_packet


@pytest.mark.parametrize(
    "packet",
    [
        b"\x08",  # SILK, 20 ms, one frame of nothing: DTX
        b"\x78\x01",
        b"\x79\x01\x02",  # two frames of 20 ms
        b"\x1b\x02",  # two of 60 ms: 120
        b"\xe3\x30",  # 48 of 2.5 ms: 120
    ],
)
def test_a_packet_of_up_to_120_ms_is_taken(packet: bytes) -> None:
    check_packet(packet)


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "empty"),
        (b"OggS\x00\x02", "Ogg"),
        (b"\x03", "breaks off"),
        (b"\x7b\x00", "no frame"),
        (b"\x1b\x03", "180 ms"),
        (b"\xe3\x31", "122.5 ms"),
        (b"\x7b\x07", "140 ms"),
    ],
)
def test_what_no_packet_begins_with_is_refused(packet: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_packet(packet)
