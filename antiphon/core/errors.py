"""The error tree.

AntiphonError
    ProtocolError
        LocalProtocolError      you did what the session's state does not allow
        RemoteProtocolError     the peer did; carries the reply to send and the close code
    SessionClosed               the call is over: with which code, and why
    CallRefused                 the peer refused the call: with which refusal
    HandlerError                a handler raised; the cause is chained
    WebRTCError                 a handler's word to its client, which is told the message
    ConfigurationError          what the application gave cannot be used, or did not come in time
    UnknownCall                 no live call has this id
    TemplateRefused (ValueError)  a voice template is damaged, foreign, or of another engine
    TooLittleSpeech (ValueError)  a recording holds too little speech to tell a voice by
MissingExtraError (ImportError)  an optional part is not installed; names the pip line
"""

__all__ = (
    "AntiphonError",
    "CallRefused",
    "ConfigurationError",
    "HandlerError",
    "LocalProtocolError",
    "MissingExtraError",
    "ProtocolError",
    "RemoteProtocolError",
    "SessionClosed",
    "TemplateRefused",
    "TooLittleSpeech",
    "UnknownCall",
    "WebRTCError",
)


class AntiphonError(Exception):
    """The root of all errors that this package raises by itself."""


class ProtocolError(AntiphonError):
    """A rule of the protocol was broken; see the two subclasses for by whom."""


class LocalProtocolError(ProtocolError):
    """The caller asked for what the state of the session does not allow. Nothing was sent."""


_REFUSAL_OF_CODE = {
    1002: "invalid_order",
    1007: "invalid_body",
    1008: "policy_violation",
    1009: "body_too_large",
}


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol.

    `reply` is the text of the error to tell the peer, `code` the WebSocket close code
    (RFC 6455 section 7.4.1): 1002 wrong order, 1007 not decodable, 1008 policy, 1009 too big.
    `refusal` is the name of the same refusal over HTTP.
    """

    def __init__(self, reply: str, code: int, refusal: str = "") -> None:
        super().__init__(reply)
        self.reply = reply
        self.code = code
        self.refusal = refusal or _REFUSAL_OF_CODE[code]


class SessionClosed(AntiphonError):
    """The call is over. `code` is a WebSocket close code whatever the transport."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the call is over ({code}{': ' + reason if reason else ''})")
        self.code = code
        self.reason = reason


class CallRefused(AntiphonError):
    """The server refused the call.

    `reason` is the refusal's name (`concurrency_limit_reached`, ...), `limit` the limit that
    was reached where there is one, `detail` what the server said besides.
    """

    def __init__(self, reason: str, limit: int | None = None, detail: str = "") -> None:
        extra = f" (limit {limit})" if limit is not None else ""
        super().__init__(
            f"the server refused the call: {reason}{extra}{': ' + detail if detail else ''}"
        )
        self.reason = reason
        self.limit = limit
        self.detail = detail


class HandlerError(AntiphonError):
    """A handler raised; the exception it raised is the `__cause__`."""


class WebRTCError(AntiphonError):
    """For handlers to raise: the client is told `message` as an `error`, on every transport.

    Anything else that a handler raises is told as well; this is for what is said on purpose.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(AntiphonError):
    """What the application gave cannot be used, or did not come in time. For its operator.

    A client is told `internal_error` and no more.
    """


class UnknownCall(AntiphonError, LookupError):
    """No live call has this id."""

    def __init__(self, call_id: str) -> None:
        super().__init__(f"no live call has the id {call_id!r}")
        self.call_id = call_id


class TemplateRefused(AntiphonError, ValueError):
    """A voice template cannot be used. The message holds nothing of the template itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the voice template is refused: {reason}")
        self.reason = reason


class TooLittleSpeech(AntiphonError, ValueError):
    """A recording holds too little speech to tell a voice by."""

    def __init__(self, seconds: float, needed: float) -> None:
        super().__init__(f"{seconds:.2f} s of speech; {needed} s are needed")
        self.seconds = seconds
        self.needed = needed


class MissingExtraError(ImportError):
    """An optional part is not installed. The message names the `pip install` line."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed: pip install 'antiphon[{extra}]'")
        self.extra = extra
