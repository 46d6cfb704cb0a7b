"""The wire of a speech endpoint, as an ASGI server drives it."""

from antiphon.transports.asgi_scope import Message
from antiphon.transports.asgi_speech import AsgiSpeechWire


async def test_who_takes_no_answers_is_not_listened_to() -> None:
    """The server may have many of its messages still, and tells of its end behind them."""

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": bytes(960)}

    async def send(message: Message) -> None:
        if message["type"] == "websocket.send":
            raise OSError("the client is gone")

    wire = AsgiSpeechWire(receive, send, 1000)
    assert await wire.receive() is not None
    wire.send_text(b"false")
    await wire.write()
    assert wire.over
    assert await wire.receive() is None
