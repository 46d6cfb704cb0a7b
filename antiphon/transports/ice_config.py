"""RTC configurations that an application gives: a value, or a function that makes one a call."""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from ..core.errors import ConfigurationError
from ..core.ice_servers import IceServer, RtcConfiguration, read_configuration

if TYPE_CHECKING:
    from aiortc import RTCConfiguration, RTCIceServer

__all__ = ("ConfigurationSource", "resolve_configuration", "to_aiortc")

log = logging.getLogger("antiphon")

TIMEOUT = 5.0  # seconds; a caller waits for its answer meanwhile

ConfigurationValue = Mapping[str, Any] | RtcConfiguration | None
ConfigurationSource = (
    ConfigurationValue | Callable[[], ConfigurationValue | Awaitable[ConfigurationValue]]
)
"""What `rtc_configuration` and `server_rtc_configuration` may be."""


async def resolve_configuration(
    source: ConfigurationSource, *, timeout: float = TIMEOUT
) -> RtcConfiguration | None:
    """The configuration for one call: functions are called, plain ones in a worker thread.

    Raises ConfigurationError, and logs it for the operator, when a function raises, takes more
    than `timeout` seconds, or gives what is no configuration. Its text is not for clients.
    """
    try:
        with anyio.move_on_after(timeout) as scope:
            value = await _value(source)
            if value is None or isinstance(value, RtcConfiguration):
                return value
            return read_configuration(value)
    except Exception as error:  # whatever the application's function raises
        raise _failure(f"could not be made: {error}", error) from error
    assert scope.cancelled_caught
    raise _failure(f"was not made within {timeout:g} s", None)


async def _value(source: Any) -> Any:
    if not callable(source):
        return source
    if inspect.iscoroutinefunction(source):
        return await source()
    value = await anyio.to_thread.run_sync(source, abandon_on_cancel=True)
    return await value if inspect.isawaitable(value) else value


def _failure(what: str, cause: Exception | None) -> ConfigurationError:
    foreign = cause is not None and not isinstance(cause, ConfigurationError)
    log.error("the RTC configuration %s", what, exc_info=cause if foreign else None)
    return ConfigurationError(f"the RTC configuration {what}")


def to_aiortc(configuration: RtcConfiguration | None) -> "RTCConfiguration":
    """The same for aiortc. None has no servers: aiortc's own default would ask Google's.

    aiortc uses one STUN and one TURN server, knows no `stuns`, no `turns` over UDP and no IPv6
    addresses in URLs: the first that it can use is taken, and what is left out is logged once.
    """
    # Imported at the first call: `import antiphon` must not cost what importing aiortc costs.
    from aiortc import RTCBundlePolicy, RTCConfiguration
    from aiortc.rtcconfiguration import RTCIceTransportPolicy

    configuration = configuration or RtcConfiguration()
    return RTCConfiguration(
        iceServers=_usable(configuration.servers),
        iceTransportPolicy=RTCIceTransportPolicy(configuration.transport_policy),
        bundlePolicy=RTCBundlePolicy(configuration.bundle_policy),
    )


def _usable(servers: tuple[IceServer, ...]) -> "list[RTCIceServer]":
    from aiortc import RTCIceServer

    chosen: dict[str, RTCIceServer] = {}
    for server in servers:
        for url in server.urls:
            kind = url[:4]
            if kind in chosen:
                _warn(f"aiortc uses one {kind.upper()} server: {url} is left out")
            elif not _known_to_aiortc(url):
                _warn(f"aiortc cannot use {url}: it is left out")
            elif kind == "turn":
                chosen[kind] = RTCIceServer(url, server.username, server.credential)
            else:
                chosen[kind] = RTCIceServer(url)
    return list(chosen.values())


def _known_to_aiortc(url: str) -> bool:
    udp = url.endswith("?transport=udp")
    return (
        "[" not in url and not url.startswith("stuns:") and not (url.startswith("turns:") and udp)
    )


@cache
def _warn(text: str) -> None:
    log.warning(text)
