from math import inf

import msgspec


class Packet(msgspec.Struct, frozen=True, gc=False):
    payload: bytes
    timestamp: int


class Lost(msgspec.Struct, frozen=True, gc=False):
    samples: int
    recovery: bytes | None
    timestamp: int


class JitterBuffer:
    def __init__(self, clock_rate: int = 48000) -> None:
        pass

    def push(
        self, sequence: int, timestamp: int, payload: bytes, now: float
    ) -> list[Packet | Lost]:
        return [Packet(payload, timestamp)]

    def advance(self, now: float) -> list[Packet | Lost]:
        return []

    def deadline(self) -> float:
        return inf
