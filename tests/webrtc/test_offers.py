"""What browsers offer is answered by aiortc, once we have looked at it."""

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from antiphon.core.address_policy import AddressKind, address_kind
from antiphon.core.ice import Candidate
from antiphon.core.sdp import keep_candidates, scan_offer
from antiphon.transports.ice_config import to_aiortc
from tests.webrtc.offers import NAMES, offer

pytestmark = pytest.mark.anyio


def has_address(candidate: Candidate) -> bool:
    return address_kind(candidate.address) is not AddressKind.MDNS


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("name", NAMES)
async def test_an_offer_that_passes_is_answered(name: str, ending: str) -> None:
    sdp = keep_candidates(offer(name).replace("\r\n", ending), has_address)
    shape = scan_offer(sdp)
    peer = RTCPeerConnection(to_aiortc(None))
    try:
        await peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        answer = scan_offer((await peer.createAnswer()).sdp)
    finally:
        await peer.close()
    assert [(item.kind, item.mid) for item in answer.sections] == [
        (item.kind, item.mid) for item in shape.sections
    ]
