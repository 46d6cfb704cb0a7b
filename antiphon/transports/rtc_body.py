"""Reads what `/webrtc/offer` is given: an offer, or a candidate that is trickled after one."""

from typing import Any

import msgspec

from ..core.ice import Trickled, read_trickled
from ..core.ports import positional
from ..core.sdp import OfferShape, scan_offer
from ..core.signaling import check_call_id
from .inputs import InputError, read_object

__all__ = ("Offer", "TrickledCandidate", "read_signal")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A client asks for a call."""

    call_id: str
    sdp: str
    shape: OfferShape
    metadata: dict[str, Any]
    inputs: tuple[Any, ...] | None


class TrickledCandidate(msgspec.Struct, frozen=True):
    """A client has found one more way to itself."""

    call_id: str
    trickled: Trickled


class _Body(msgspec.Struct):
    type: str
    webrtc_id: str | int | float
    sdp: str | msgspec.UnsetType = msgspec.UNSET
    metadata: dict[str, Any] = {}
    inputs: Any = None


_KNOWN = frozenset(_Body.__struct_fields__)


def read_signal(body: bytes) -> Offer | TrickledCandidate:
    """A body `{"type": "offer", "webrtc_id": id, "sdp": text}`, with `metadata` and `inputs` as in
    a start, or `{"type": "ice-candidate", "webrtc_id": id, "candidate": {...}}`. What else an offer
    holds is metadata too. Raises InputError.
    """
    fields = read_object(body)
    try:
        asked = msgspec.convert(fields, type=_Body)
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    try:
        call_id = check_call_id(asked.webrtc_id)
    except ValueError as error:
        raise InputError("invalid_field", f"webrtc_id: {error}") from error
    match asked.type:
        case "offer":
            return _offer(call_id, asked, fields)
        case "ice-candidate":
            return _candidate(call_id, fields)
        case _:
            raise InputError("invalid_field", '`type` is "offer" or "ice-candidate" - at `$.type`')


def _offer(call_id: str, asked: _Body, fields: dict[str, Any]) -> Offer:
    if asked.sdp is msgspec.UNSET:
        raise InputError("invalid_field", "Object missing required field `sdp`")
    try:
        shape = scan_offer(asked.sdp)
    except ValueError as error:
        raise InputError("invalid_sdp", str(error)) from error
    inputs = None if asked.inputs is None else positional(asked.inputs)
    more = {name: value for name, value in fields.items() if name not in _KNOWN}
    metadata = {**more, **asked.metadata}
    return Offer(call_id=call_id, sdp=asked.sdp, shape=shape, metadata=metadata, inputs=inputs)


def _candidate(call_id: str, fields: dict[str, Any]) -> TrickledCandidate:
    try:
        return TrickledCandidate(call_id, read_trickled(fields))
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    except ValueError as error:
        raise InputError("invalid_candidate_format", str(error)) from error
