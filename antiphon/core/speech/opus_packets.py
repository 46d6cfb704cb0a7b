"""What the head of an Opus packet claims (RFC 6716 section 3)."""

__all__ = ("check_packet",)

_LONGEST = 48  # steps of 2.5 ms: 120 ms, RFC 6716 section 3.2.5
_STEPS = (4, 8, 16, 24) * 3 + (4, 8) * 2 + (1, 2, 4, 8) * 4  # by configuration, table 2


def check_packet(payload: bytes) -> None:
    """ValueError unless the packet's head is one that Opus knows. Sound and Ogg pages that are sent
    for packets often fail here, where libopus would make noise of them.
    """
    if payload[:4] == b"OggS":
        raise ValueError("an Ogg page: packets come bare, one a message")
    if not payload:
        raise ValueError("the payload is empty; an Opus packet has at least one byte")
    code = payload[0] & 3
    if code == 3 and len(payload) < 2:
        raise ValueError("the packet breaks off before its count of frames")
    frames = payload[1] & 0x3F if code == 3 else min(code, 1) + 1
    if frames == 0:
        raise ValueError("the packet claims to hold no frame")
    steps = frames * _STEPS[payload[0] >> 3]
    if steps > _LONGEST:
        raise ValueError(f"the packet claims {steps * 2.5:g} ms; 120 are allowed")
