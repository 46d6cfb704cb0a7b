"""Ratios and verdicts from given rows."""

from benchmarks.load import Echoed
from benchmarks.websocket_sessions import Row, Verdict, ratios, verdicts


def row(
    turn: int, server: str, cpu_us: float, *, n: int = 100, wait: float = 0.0, lost: int = 0
) -> Row:
    result = Echoed(
        sessions=n,
        seconds=5.0,
        offered=5000,
        answered=5000,
        lost=lost,
        altered=0,
        disordered=0,
        closed_early=0,
        p50=0.1,
        p95=0.2,
        p99=0.3,
        worst=1.0,
        drift=0.0,
        late=0.1,
        cpu_us=cpu_us,
        cpu=0.3,
        wait=wait,
        load_cpu=0.3,
        load_wait=0.0,
        rss_kib=6.0,
    )
    return Row(turn, server, "asyncio", result)


def by_target(found: list[Verdict]) -> dict[str, bool | None]:
    return {verdict.target: verdict.met for verdict in found}


def test_ratios_pair_the_rows_of_one_round() -> None:
    rows = [row(0, "antiphon", 30), row(0, "fastrtc", 100)]
    rows += [row(1, "antiphon", 80), row(1, "fastrtc", 200)]
    assert str(ratios(rows, "fastrtc", "asyncio", 100, "cpu_us")) == "0.35 (0.30-0.40)"


def test_a_noisy_pair_counts_only_when_there_is_no_other() -> None:
    noisy = [row(0, "antiphon", 90, wait=0.2), row(0, "fastrtc", 100)]
    quiet = [row(1, "antiphon", 30), row(1, "fastrtc", 100)]
    assert str(ratios(noisy + quiet, "fastrtc", "asyncio", 100, "cpu_us")) == "0.30"
    assert str(ratios(noisy, "fastrtc", "asyncio", 100, "cpu_us")) == "0.90"


def test_targets_are_judged_by_the_medians() -> None:
    rows = [row(0, "antiphon", 50), row(0, "fastrtc", 101), row(0, "wsproto", 49)]
    met = by_target(verdicts(rows, [], {}, "asyncio"))
    assert met["CPU at N = 100 / FastRTC <= 0.50"] is True
    assert met["CPU at N = 100 / wsproto <= 1"] is False
    assert met["400 sessions a core, p99 < 40 ms, none lost"] is None


def test_400_sessions_that_lose_a_frame_are_not_carried() -> None:
    target = "400 sessions a core, p99 < 40 ms, none lost"
    assert by_target(verdicts([row(0, "antiphon", 30, n=400)], [], {}, "asyncio"))[target] is True
    losing = [row(0, "antiphon", 30, n=400, lost=1)]
    assert by_target(verdicts(losing, [], {}, "asyncio"))[target] is False
    assert (
        by_target(verdicts(losing, [], {("antiphon", "asyncio"): 500}, "asyncio"))[target] is True
    )
