"""RTC configurations: a value, or a function that makes one a call."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from aiortc import RTCBundlePolicy, RTCIceGatherer, RTCIceServer
from aiortc.rtcconfiguration import RTCIceTransportPolicy

from antiphon.core.errors import ConfigurationError
from antiphon.core.ice_servers import RtcConfiguration, read_configuration
from antiphon.transports.ice_config import resolve_configuration, to_aiortc

pytestmark = pytest.mark.anyio

STUN = {"iceServers": [{"urls": "stun:192.0.2.1:3478"}]}
READ = read_configuration(STUN)


async def coroutine() -> dict[str, Any]:
    return STUN


async def coroutine_of_nothing() -> None:
    return None


class Callables:
    """Objects that are called."""

    async def __call__(self) -> dict[str, Any]:
        return STUN


@pytest.mark.parametrize(
    "source", [STUN, READ, lambda: STUN, lambda: READ, coroutine, lambda: coroutine(), Callables()]
)
async def test_a_value_a_function_and_a_coroutine_function_do_alike(source: Any) -> None:
    assert await resolve_configuration(source) == READ


@pytest.mark.parametrize("source", [None, lambda: None, coroutine_of_nothing])
async def test_nothing_is_nothing(source: Any) -> None:
    assert await resolve_configuration(source) is None


async def test_a_plain_function_runs_off_the_event_loop() -> None:
    threads: list[int] = []

    def made() -> dict[str, Any]:
        threads.append(threading.get_ident())
        return STUN

    await resolve_configuration(made)
    assert threads != [threading.get_ident()]


def raises() -> dict[str, Any]:
    raise RuntimeError("no such account")


async def raises_later() -> dict[str, Any]:
    raise TimeoutError("the database is slow")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (raises, "could not be made: no such account"),
        (raises_later, "could not be made: the database is slow"),
        (lambda: [STUN], "is a dict, not a list"),
        ({"iceServer": []}, "iceServer"),
        (lambda: {"iceServers": [{"urls": "x"}]}, "reads stun:host:port"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_operator(
    source: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        await resolve_configuration(source)
    assert caught.value.__cause__ is not None
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("antiphon", logging.ERROR)
    assert record.exc_info
    assert reason in record.getMessage()


async def test_a_coroutine_function_that_takes_too_long_is_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def never() -> dict[str, Any]:
        await anyio.sleep_forever()
        return STUN

    with pytest.raises(ConfigurationError, match=r"was not made within 0\.01 s"):
        await resolve_configuration(never, timeout=0.01)
    assert len(caplog.records) == 1


async def test_a_plain_function_that_takes_too_long_is_given_up() -> None:
    released = threading.Event()

    def blocked() -> dict[str, Any]:
        released.wait(10)
        return STUN

    try:
        with pytest.raises(ConfigurationError, match=r"was not made within 0\.01 s"):
            await resolve_configuration(blocked, timeout=0.01)
    finally:
        released.set()


def made(configuration: dict[str, Any]) -> list[RTCIceServer]:
    servers = to_aiortc(read_configuration(configuration)).iceServers
    assert servers is not None
    return servers


def test_without_servers_nobody_is_asked() -> None:
    for configuration in (None, RtcConfiguration()):
        assert to_aiortc(configuration).iceServers == []


LOGIN = {"username": "u", "credential": "hush"}


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    def get() -> list[str]:
        assert all(record.name == "antiphon" for record in caplog.records)
        return [record.getMessage() for record in caplog.records]

    return get


def test_the_first_server_of_each_kind_is_taken(warnings: Callable[[], list[str]]) -> None:
    configuration = {
        "iceServers": [
            {"urls": ["stun:a.example", "stun:b.example"]},
            {"urls": ["turn:c.example:80?transport=tcp", "turn:d.example"], **LOGIN},
        ]
    }
    for _ in range(2):
        assert made(configuration) == [
            RTCIceServer("stun:a.example"),
            RTCIceServer("turn:c.example:80?transport=tcp", "u", "hush"),
        ]
    assert warnings() == [
        "aiortc uses one STUN server: stun:b.example is left out",
        "aiortc uses one TURN server: turn:d.example is left out",
    ]


def test_what_aiortc_cannot_use_is_left_out(warnings: Callable[[], list[str]]) -> None:
    urls = [
        "stuns:e.example",
        "stun:[2001:db8::1]",
        "turns:f.example?transport=udp",
        "turns:g.example",
    ]
    assert made({"iceServers": [{"urls": urls, **LOGIN}]}) == [
        RTCIceServer("turns:g.example", "u", "hush")
    ]
    assert warnings() == [f"aiortc cannot use {url}: it is left out" for url in urls[:3]]


async def test_aiortc_takes_what_is_made() -> None:
    servers = [
        {"urls": "stun:h.example:1234"},
        {"urls": "turns:i.example:443?transport=tcp", **LOGIN},
    ]
    configuration = to_aiortc(
        read_configuration(
            {
                "iceServers": servers,
                "iceTransportPolicy": "relay",
                "bundlePolicy": "max-bundle",
            }
        )
    )
    assert configuration.iceTransportPolicy is RTCIceTransportPolicy.RELAY
    assert configuration.bundlePolicy is RTCBundlePolicy.MAX_BUNDLE
    gatherer = RTCIceGatherer(configuration.iceServers, configuration.iceTransportPolicy)
    assert gatherer.state == "new"
