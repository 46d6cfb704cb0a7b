"""The load generator and the handling of its server, with the bare echo as the server."""

import os
import sys

import pytest

from benchmarks.load import Echoed, Idled, LoadFailed, Plan, run_load
from benchmarks.process import Server, ServerFailed, serve

ECHO = (sys.executable, "-m", "benchmarks.servers.wsproto_echo")

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the Linux scheduler"),
]


def plan(server: Server, silent: bool = False, seconds: float = 0.4) -> Plan:
    return Plan(
        pid=server.pid,
        port=server.port,
        sessions=4,
        seconds=seconds,
        warm_up=0.1,
        silent=silent,
        stop_event=False,
    )


def test_every_frame_of_a_paced_run_is_offered_and_comes_back() -> None:
    with serve(ECHO) as server:
        result = run_load(plan(server), Echoed)
    assert result.offered == 4 * 20
    assert (result.lost, result.altered, result.disordered, result.closed_early) == (0, 0, 0, 0)
    assert result.p50 is not None
    assert result.cpu_us is not None
    assert result.cpu > 0


def test_idle_sessions_are_closed_each_with_1000() -> None:
    with serve(ECHO) as server:
        result = run_load(plan(server, silent=True, seconds=0.1), Idled)
    assert result.close_codes == {1000: 4}


def test_a_server_is_gone_when_its_block_is_left() -> None:
    with serve(ECHO) as server:
        os.kill(server.pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_server_that_ends_tells_its_last_words() -> None:
    with (
        pytest.raises(ServerFailed, match="no such port"),
        serve((sys.executable, "-c", "raise SystemExit('no such port')")),
    ):
        pass


def test_a_load_without_a_server_fails() -> None:
    with serve(ECHO) as server:
        gone = plan(server)
    with pytest.raises(LoadFailed, match="ConnectionRefusedError"):
        run_load(gone, Echoed)
