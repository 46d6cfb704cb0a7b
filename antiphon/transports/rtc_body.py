"""Reads what `/webrtc/offer` is given: an offer, or a candidate that is trickled after one."""

from typing import Any

import msgspec

from ..core.ice import CandidateInit, Trickled, read_trickled
from ..core.ports import positional
from ..core.sdp import OfferShape, scan_offer
from ..core.signaling import check_call_id
from .inputs import InputError, read_object

__all__ = ("CandidateBody", "Offer", "OfferBody", "TrickledCandidate", "read_signal")


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


class OfferBody(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="offer"):
    """An `RTCSessionDescription` of a browser, with the id that the client chose for its call."""

    sdp: str
    webrtc_id: str | int | float
    metadata: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    inputs: Any = None


class CandidateBody(msgspec.Struct, frozen=True, tag_field="type", tag="ice-candidate"):
    """A candidate of that call, as `RTCIceCandidate.toJSON()` gives it; null: no more will come."""

    webrtc_id: str | int | float
    candidate: CandidateInit | None


_KNOWN = frozenset({"type", *OfferBody.__struct_fields__})


def read_signal(body: bytes) -> Offer | TrickledCandidate:
    """A body `{"type": "offer", "webrtc_id": id, "sdp": text}`, with `metadata` and `inputs` as in
    a start, or `{"type": "ice-candidate", "webrtc_id": id, "candidate": {...}}`. What else an offer
    holds is metadata too. Raises InputError.
    """
    fields = read_object(body)
    try:
        asked = msgspec.convert(fields, type=OfferBody | CandidateBody)
    except msgspec.ValidationError as error:
        raise InputError("invalid_field", str(error)) from error
    try:
        call_id = check_call_id(asked.webrtc_id)
    except ValueError as error:
        raise InputError("invalid_field", f"webrtc_id: {error}") from error
    if isinstance(asked, OfferBody):
        return _offer(call_id, asked, fields)
    return _candidate(call_id, fields)


def _offer(call_id: str, asked: OfferBody, fields: dict[str, Any]) -> Offer:
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
    except ValueError as error:
        raise InputError("invalid_candidate_format", str(error)) from error
