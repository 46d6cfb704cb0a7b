"""Credentials for TURN servers that end by themselves: our own server's, and two providers'."""

import base64
import hashlib
import hmac
import os
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
import anyio.to_thread
import msgspec

from ..core.errors import ConfigurationError
from ..core.ice_servers import (
    IceServer,
    RtcConfiguration,
    configuration_fields,
    read_configuration,
)
from .per_loop import per_loop

__all__ = ("cloudflare_turn", "rest_turn", "turn_credentials", "twilio_turn")

TTL = 3600  # seconds; what counts is the time until a call begins, and its refreshes after that
MAX_TTL = 48 * 3600  # Cloudflare takes no more
TIMEOUT = 4.0  # seconds; less than a caller is made to wait for the whole configuration
MAX_ANSWER = 64 * 1024  # bytes; both providers send under 2 KiB

CLOUDFLARE = "https://rtc.live.cloudflare.com"
TWILIO = "https://api.twilio.com"

Fields = dict[str, Any]


def turn_credentials(
    secret: str | bytes, *, user: str = "", ttl: int = TTL, now: float
) -> tuple[str, str]:
    """A username and its credential, for a TURN server that shares a secret with us.

    As in draft-uberti-behave-turn-rest-00, which coturn's `use-auth-secret` follows. `now`: seconds
    of the Unix epoch; the two are good for `ttl` seconds from then. `user` is for the server's log.
    """
    key = secret.encode() if isinstance(secret, str) else secret
    if not key:
        raise ValueError("the secret of a TURN server is not empty")
    expiry = str(int(now) + _checked(ttl))
    username = f"{expiry}:{user}" if user else expiry
    digest = hmac.digest(key, username.encode(), hashlib.sha1)
    return username, base64.b64encode(digest).decode()


def rest_turn(
    urls: str | Sequence[str],
    secret: str | bytes,
    *,
    user: str = "",
    ttl: int = TTL,
    clock: Callable[[], float] = time.time,
) -> Callable[[], Fields]:
    """A function that makes a configuration with new credentials for every call.

    Raises ValueError at once for URLs that are none, an empty secret or a `ttl` of no sense.
    """
    listed = (urls,) if isinstance(urls, str) else tuple(urls)

    def configuration() -> Fields:
        username, credential = turn_credentials(secret, user=user, ttl=ttl, now=clock())
        server = IceServer(urls=listed, username=username, credential=credential)
        return configuration_fields(RtcConfiguration(servers=(server,)))

    configuration()
    return configuration


def cloudflare_turn(
    key_id: str | None = None,
    api_token: str | None = None,
    *,
    ttl: int = TTL,
    base_url: str = CLOUDFLARE,
    timeout: float = TIMEOUT,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], Awaitable[Fields]]:
    """A coroutine function that gives a configuration for Cloudflare's TURN service.

    What is not given is read from CLOUDFLARE_TURN_KEY_ID and CLOUDFLARE_TURN_KEY_API_TOKEN now.
    An answer is given out again until half of its `ttl` is over. Raises ValueError when a part is
    missing; the function raises ConfigurationError, which never shows a secret.
    """
    key_id = _given(key_id, "CLOUDFLARE_TURN_KEY_ID")
    token = _given(api_token, "CLOUDFLARE_TURN_KEY_API_TOKEN")
    request = urllib.request.Request(
        f"{_base(base_url)}/v1/turn/keys/{quote(key_id, safe='')}/credentials/generate-ice-servers",
        data=msgspec.json.encode({"ttl": _checked(ttl)}),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    return _Provider(request, "iceServers", ttl, timeout, clock).configuration


def twilio_turn(
    account_sid: str | None = None,
    auth_token: str | None = None,
    *,
    ttl: int = TTL,
    base_url: str = TWILIO,
    timeout: float = TIMEOUT,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], Awaitable[Fields]]:
    """The same for Twilio; TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."""
    sid = _given(account_sid, "TWILIO_ACCOUNT_SID")
    token = _given(auth_token, "TWILIO_AUTH_TOKEN")
    login = base64.b64encode(f"{sid}:{token}".encode()).decode()
    request = urllib.request.Request(
        f"{_base(base_url)}/2010-04-01/Accounts/{quote(sid, safe='')}/Tokens.json",
        data=urlencode({"Ttl": _checked(ttl)}).encode(),
        headers={"Authorization": f"Basic {login}"},
    )
    return _Provider(request, "ice_servers", ttl, timeout, clock).configuration


class _Provider:
    """One provider's answers, each given out until half of its time is over."""

    def __init__(
        self,
        request: urllib.request.Request,
        field: str,
        ttl: int,
        timeout: float,
        clock: Callable[[], float],
    ) -> None:
        self._request = request
        self._opener = _opener()
        self._field = field
        self._ttl = ttl
        self._timeout = timeout
        self._clock = clock
        self._known = RtcConfiguration()
        self._stale_at = -float("inf")
        # Callers that come while one asks wait for its answer; a lock belongs to its loop.
        self._lock = per_loop(anyio.Lock)

    async def configuration(self) -> Fields:
        """A configuration dict of the caller's own. Raises ConfigurationError."""
        try:
            with anyio.fail_after(self._timeout):
                async with self._lock():
                    if self._clock() >= self._stale_at:
                        await self._renew()
                    return configuration_fields(self._known)
        except TimeoutError:
            raise self._error(f"did not answer within {self._timeout:g} s") from None

    async def _renew(self) -> None:
        asked_at = self._clock()
        answer = await anyio.to_thread.run_sync(self._ask, abandon_on_cancel=True)
        try:
            body = msgspec.json.decode(answer, type=dict[str, Any])
            self._known = read_configuration({"iceServers": body.get(self._field)})
        except (ValueError, msgspec.DecodeError, RecursionError):
            raise self._error("answered what holds no ICE servers") from None
        self._stale_at = asked_at + self._ttl / 2

    def _ask(self) -> bytes:
        """One request, in a worker thread."""
        give_up_at = time.monotonic() + self._timeout
        try:
            with self._opener.open(self._request, timeout=self._timeout) as response:
                answer = bytearray()
                while piece := response.read1(8192):
                    answer += piece
                    if len(answer) > MAX_ANSWER or time.monotonic() > give_up_at:
                        raise self._error("answered too much or too slowly")
                return bytes(answer)
        except urllib.error.HTTPError as error:
            error.close()
            raise self._error(f"answered {error.code}") from None
        except TimeoutError:
            raise self._error(f"did not answer within {self._timeout:g} s") from None
        except urllib.error.URLError as error:
            raise self._error(f"could not be asked: {error.reason}") from None
        except (OSError, HTTPException) as error:
            raise self._error(f"broke off: {type(error).__name__}") from None

    def _error(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"the TURN provider at {self._request.host} {what}")


def _opener() -> urllib.request.OpenerDirector:
    """What `build_opener` makes, for HTTP only and without the handler of redirects.

    A redirect would carry our login to whoever it names.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _checked(ttl: int) -> int:
    if not 1 <= ttl <= MAX_TTL:
        raise ValueError(f"ttl is 1 to {MAX_TTL} seconds, not {ttl}")
    return ttl


def _given(value: str | None, variable: str) -> str:
    """The value, or the environment's; never shown, whatever is wrong with it."""
    text = (os.environ.get(variable, "") if value is None else value).strip()
    if not text:
        raise ValueError(f"neither an argument nor {variable} says what it should be")
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError(f"{variable}: letters, digits and punctuation, no spaces between")
    return text


def _base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError(f"base_url reads https://host, not {url!r}")
    return url.rstrip("/")
