"""The WebRTC load against the bare aiortc echo; ratios and marks from given rows."""

import sys

import msgspec
import pytest
from aiortc.rtp import RtpPacket

from benchmarks.delays import Delays
from benchmarks.figures import number
from benchmarks.process import serve
from benchmarks.subjects import Subject
from benchmarks.webrtc_client import rtp_payload
from benchmarks.webrtc_load import Plan, Talked, run_webrtc_load
from benchmarks.webrtc_sessions import Row, alternate, clean, parse, ratios, share

pytestmark = pytest.mark.alone

AIORTC = (sys.executable, "-m", "benchmarks.servers.aiortc_echo")
NO_WEBRTC = (sys.executable, "-m", "benchmarks.servers.wsproto_echo")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads the Linux scheduler")

DELAYS = Delays(
    sent=50,
    found=50,
    packet_p50=80.0,
    packet_p95=81.0,
    packet_p99=82.0,
    packet_worst=83.0,
    sound_p50=87.0,
    sound_p95=88.0,
)
RESULT = Talked(
    sessions=10,
    seconds=5.0,
    bit_rate=40.0,
    offered=2500,
    answered=2500,
    fewest=250,
    bad=0,
    answer_ms=4.0,
    first_audio_ms=120.0,
    first_audio_worst_ms=130.0,
    cpu_us=1500.0,
    cpu=0.75,
    wait=0.3,
    others=0.0,
    load_cpu=0.1,
    load_wait=0.0,
    late=1.0,
    rss_kib=600.0,
    delays=DELAYS,
    after_loss=None,
)


def row(turn: int, server: str, cpu: float, *, others: float = 0.0, fewest: int = 250) -> Row:
    result = msgspec.structs.replace(RESULT, cpu=cpu, others=others, fewest=fewest)
    return Row(turn, server, "asyncio", result)


@on_linux
def test_a_session_with_the_bare_echo_is_measured() -> None:
    with serve(AIORTC) as server:
        plan = Plan(pid=server.pid, port=server.port, sessions=1, seconds=1.5, warm_up=0.1)
        result = run_webrtc_load(plan)
    assert result.offered > 0
    assert result.answered > 0
    assert result.bad == 0
    assert result.cpu_us is not None
    assert result.cpu_us > 0
    assert result.first_audio_ms is not None
    assert result.delays is not None
    assert result.delays.found >= 1
    assert result.after_loss is None


@on_linux
def test_a_server_without_the_route_is_named_and_left_out() -> None:
    subject = Subject(name="deaf", about="", command=NO_WEBRTC, stop_event=False)
    options = parse(["--sessions", "1", "--seconds", "0.1", "--rounds", "2"])
    rows, failed = alternate([subject], options)
    assert rows == []
    assert list(failed) == ["deaf"]
    assert "POST /webrtc/offer: 400" in failed["deaf"]


def test_ratios_pair_the_rows_of_one_round() -> None:
    rows = [row(0, "antiphon", 0.3), row(0, "aiortc", 0.6)]
    rows += [row(1, "antiphon", 0.2), row(1, "aiortc", 0.8)]
    found = ratios(rows, "aiortc", "asyncio", 10, share)
    assert found is not None
    assert [number(value) for value in (found.median, found.low, found.high)] == [
        "0.38",
        "0.25",
        "0.50",
    ]
    assert ratios(rows, "fastrtc", "asyncio", 10, share) is None


def test_a_pair_that_is_noisy_or_not_clean_counts_only_when_there_is_no_other() -> None:
    noisy = [row(0, "antiphon", 0.9, others=0.5), row(0, "aiortc", 1.0)]
    losing = [row(1, "antiphon", 0.1), row(1, "aiortc", 1.0, fewest=200)]
    good = [row(2, "antiphon", 0.5), row(2, "aiortc", 1.0)]
    assert str(ratios(noisy + losing + good, "aiortc", "asyncio", 10, share)) == "0.50"
    assert str(ratios(noisy, "aiortc", "asyncio", 10, share)) == "0.90"


@pytest.mark.parametrize(
    ("offered", "fewest", "bad", "expected"),
    [
        (2500, 250, 0, True),
        (2480, 248, 0, True),
        (2500, 245, 0, False),
        (2450, 250, 0, False),
        (2500, 250, 1, False),
    ],
)
def test_a_clean_pass_sends_and_returns_99_percent_in_every_session(
    offered: int, fewest: int, bad: int, expected: bool
) -> None:
    result = msgspec.structs.replace(RESULT, offered=offered, fewest=fewest, bad=bad)
    assert clean(result) is expected


def test_a_payload_is_found_behind_extensions_and_before_padding() -> None:
    packet = RtpPacket(payload_type=96, ssrc=1, payload=b"sound")
    assert rtp_payload(packet.serialize()) == b"sound"
    packet.csrc = [2, 3]
    packet.padding_size = 4
    plain = packet.serialize()
    assert rtp_payload(plain) == b"sound"
    extension = b"\xbe\xde\x00\x01\x10\xff\x00\x00"
    extended = bytes((plain[0] | 0x10,)) + plain[1:20] + extension + plain[20:]
    assert rtp_payload(extended) == b"sound"


def test_an_unknown_rival_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--rival", "aiortc,nobody"])
    assert "no such: nobody" in capsys.readouterr().err
