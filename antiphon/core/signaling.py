"""Who may open a call, and how a refusal reads on every transport. Pure decisions."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = (
    "REFUSALS",
    "Refusal",
    "RefusalKind",
    "admit",
    "check_call_id",
    "refusal_from_answer",
    "refusal_from_meta",
)

_CALL_ID = re.compile(r"[\x20-\x7e]{1,128}")


class RefusalKind(msgspec.Struct, frozen=True):
    """How a refusal travels."""

    status: int
    """HTTP status (RFC 9110, RFC 6585)."""
    code: int
    """WebSocket close code (RFC 6455 section 7.4.1, IANA registry)."""


REFUSALS: Mapping[str, RefusalKind] = {
    "concurrency_limit_reached": RefusalKind(429, 1013),
    "shutting_down": RefusalKind(503, 1012),
    "connection_already_exists": RefusalKind(409, 1008),
    "unknown_connection": RefusalKind(404, 1008),
    "connection_closed": RefusalKind(410, 1000),
    "invalid_body": RefusalKind(400, 1007),
    "invalid_field": RefusalKind(422, 1007),
    "invalid_order": RefusalKind(409, 1002),
    "body_too_large": RefusalKind(413, 1009),
    "policy_violation": RefusalKind(422, 1008),
    "invalid_sdp": RefusalKind(400, 1007),
    "invalid_candidate_format": RefusalKind(400, 1007),
    "unsupported_modality": RefusalKind(415, 1008),
    "unsupported_media_type": RefusalKind(415, 1003),
    "unauthorized": RefusalKind(401, 1008),
    "forbidden_origin": RefusalKind(403, 1008),
    "not_found": RefusalKind(404, 1008),
    "method_not_allowed": RefusalKind(405, 1008),
    "request_timeout": RefusalKind(408, 1008),
    "upgrade_required": RefusalKind(426, 1002),
    "not_enabled": RefusalKind(503, 1013),
    "internal_error": RefusalKind(500, 1011),
}
"""Every refusal by its name on the wire."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request is refused. `error` is a key of `REFUSALS`."""

    error: str
    limit: int | None = None
    detail: str = ""
    retry_after: int | None = None
    """Seconds, for the `Retry-After` header."""

    @property
    def kind(self) -> RefusalKind:
        return REFUSALS[self.error]

    @property
    def meta(self) -> dict[str, Any]:
        """The value of `meta` in `{"status": "failed", "meta": ...}`."""
        meta: dict[str, Any] = {"error": self.error}
        if self.limit is not None:
            meta["limit"] = self.limit
        if self.detail:
            meta["detail"] = self.detail
        return meta

    @property
    def body(self) -> dict[str, Any]:
        """As JSON: the same in a message and in an HTTP response."""
        return {"status": "failed", "meta": self.meta}


class _Failed(msgspec.Struct):
    meta: dict[str, Any]


_OF_OTHERS = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed"}


def refusal_from_meta(meta: Mapping[str, Any]) -> Refusal:
    """The refusal that a server's `meta` tells, for a client; never raises."""
    error, limit = meta.get("error"), meta.get("limit")
    name = error if isinstance(error, str) and error in REFUSALS else ""
    return Refusal(
        error=name or "internal_error",
        limit=limit if isinstance(limit, int) else None,
        detail=str(meta.get("detail") or ("" if name else error) or ""),
    )


def refusal_from_answer(status: int, body: bytes) -> Refusal:
    """The refusal that a whole HTTP answer tells, for a client: its own `meta`, or, where it is
    somebody else's answer, what its status says. Never raises.
    """
    try:
        return refusal_from_meta(msgspec.json.decode(body, type=_Failed).meta)
    except msgspec.DecodeError:
        return Refusal(
            error=_OF_OTHERS.get(status, "internal_error"),
            detail=f"the server answered {status}, and not as a stream does; the address of a call"
            " ends in /websocket/offer, /http/offer or /webrtc/offer",
        )


def check_call_id(call_id: str | int | float) -> str:
    """The id as text: 1 to 128 printable ASCII characters; a number is kept as its text.

    Raises ValueError when it is anything else.
    """
    text = str(call_id)
    if not _CALL_ID.fullmatch(text):
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise ValueError(f"an id is 1 to 128 printable ASCII characters, not {shown!r}")
    return text


def admit(*, known: bool, active: int, limit: int | None) -> Refusal | None:
    """Decide on one call: None admits it.

    `known`: a live call has this id, on any transport. `active`: calls that hold a slot now.
    `limit`: slots in all, None for no limit.
    """
    if known:
        return Refusal(error="connection_already_exists")
    if limit is not None and active >= limit:
        return Refusal(error="concurrency_limit_reached", limit=limit, retry_after=1)
    return None
