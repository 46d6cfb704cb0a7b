"""The options of `antiphon call`: how they read, and which go together."""

import argparse
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from ..core.signaling import check_call_id
from .trust import add_trust

__all__ = (
    "ENCODINGS",
    "add_options",
    "call_url",
    "complaint_about",
    "header",
    "is_mp4",
    "seconds",
)

_PATHS = {
    "ws": "/websocket/offer",
    "wss": "/websocket/offer",
    "http": "/http/offer",
    "https": "/http/offer",
    "webrtc+http": "/webrtc/offer",
    "webrtc+https": "/webrtc/offer",
}
ENCODINGS = {"mulaw": "audio/x-mulaw", "alaw": "audio/x-alaw", "pcm": "audio/pcm"}
"""The names of the command line, and those of a media format."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110 section 5.5, without what is obsolete
_OUR_HEADERS = re.compile(
    r"host|content-length|transfer-encoding|connection|upgrade|sec-websocket-.*", re.IGNORECASE
)
_LOWEST_RATE, _HIGHEST_RATE = 8000, 48000  # Hz

DESCRIPTION = """\
Call a server and be its client: send a WAV or a video file in real time,
record the answer, print the server's messages, and tell at the end what went
out, what came in and how long it took. The URL says what carries the call:
ws(s):// a WebSocket, http(s):// HTTP with server-sent events,
webrtc+http(s):// WebRTC, which carries pictures too.
"""

EPILOG = """\
examples:
  antiphon call ws://127.0.0.1:8000 --play in.wav --record out.wav
  antiphon call http://127.0.0.1:8000 --play in.wav --record out.wav \\
      --encoding pcm
  antiphon call ws://127.0.0.1:8000 --play question.wav --record reply.wav \\
      --linger 10
                        for a handler that answers when it hears a pause
  antiphon call wss://voice.example --seconds 30 --record radio.wav
                        only listen
  antiphon call ws://127.0.0.1:8000 --play in.wav --fast --json
                        figures for a program
  antiphon call webrtc+http://127.0.0.1:8000 --play in.wav --record out.wav
                        over WebRTC, as a browser calls
  antiphon call webrtc+http://127.0.0.1:8000 --video in.mp4 --record out.mp4
                        its pictures and, when it has any, its sound
  antiphon call webrtc+http://127.0.0.1:8000 --modality audio-video \\
      --mode receive --seconds 10 --record out.mp4
                        only watch and listen

the WAV file:
  8, 16, 24 or 32-bit PCM, 32 or 64-bit float, a-law or mu-law, mono or stereo
  (mixed), 8 to 192 kHz. It is sent in 20 ms frames at the call's rate, and 40
  ms of silence after it, which push out what a resampler over there may hold
  back. Without --seconds and --linger the call ends when all is sent and no
  sound has come for a second.

the video file:
  any that FFmpeg reads. Its pictures go at their own times, upright, with
  sides made even by scaling; one that is 100 ms late, because decoding or
  encoding is too slow here, is left out. Its sound goes along, unless --play
  names other sound. --modality is what the call offers: audio, video for a
  file without sound, otherwise audio-video; a server refuses what its stream
  does not serve, and `--modality video` keeps the sound of a file at home.

the recording:
  *.mp4 has pictures (H.264, of the size of the first one) and sound (AAC),
  each where it came, so that pauses stay; any other name is WAV, sound without
  the pauses of a WebRTC track. Both are written as things come: one whose
  program was killed can be played. What the disk or the encoder is too slow
  for (10 s of sound, 16 pictures) is left out and counted in the summary.

--fast:
  A server holds 300 ms of sound for a handler that is late, and drops what is
  older. So at most 200 ms are sent before the server has answered a ping, at
  most ten times as fast as real time; and when the server sends sound back, at
  most 200 ms (10 frames) more than has come back, unless real time allows
  more. An echo speaks in real time, so it is no faster than that. A handler
  that is itself slower still loses sound.

the summary:
  frames      as they went out (20 ms) and as they came in (as the server cut
              them)
  pictures    as they were given to the encoder, and as they came out of the
              decoder
  loss        what was sent and did not come back. It can be told only of an
              echo, whole: when the first second sent that is not silent is
              found in the answer, and the call was not cut short. Otherwise it
              is "not known" (null with --json). Over WebRTC: the packets of
              received sound that the network lost, how much sound was made up
              in their place, and the jitter (`network` with --json)
  dropped     frames that came, and that this program was too late to take
  round trip  of a `ping` every 200 ms, through all of client, network and
              server

exit status:
  0  the call ended well, by either end (close codes 1000 and 1001)
  1  refused, lost, not answered in time, or closed with an error
  2  wrong usage or a file that cannot be read or written: no call was made
  130, 143  interrupted by Ctrl-C or SIGTERM; the recording is kept, the call
            was hung up
"""


def add_options(commands: Any) -> argparse.ArgumentParser:
    """Add the command with its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "call",
        help="call a server with files for mouth, face and ear",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "url",
        type=call_url,
        metavar="URL",
        help="ws(s)://host[:port], http(s)://host[:port] or webrtc+http(s)://host[:port]; without a"
        " path, /websocket/offer, /http/offer or /webrtc/offer is called",
    )
    _add_sound(parser.add_argument_group("sound"))
    _add_media(parser.add_argument_group("WebRTC"))
    _add_session(parser.add_argument_group("call"))
    _add_display(parser.add_argument_group("display"))
    return parser


def _add_sound(group: Any) -> None:
    group.add_argument("--play", metavar="FILE", help="WAV file to send")
    group.add_argument(
        "--record",
        metavar="FILE",
        help="write the answer: *.mp4 with pictures and sound, any other name as int16 mono WAV at"
        " the call's rate",
    )
    group.add_argument(
        "--encoding",
        choices=tuple(ENCODINGS),
        default="mulaw",
        help="how sound travels (%(default)s); over WebRTC always as Opus",
    )
    group.add_argument(
        "--rate",
        type=rate,
        metavar="HZ",
        default=24000,
        help="rate of the call (%(default)s, at which servers hear unless they say otherwise; a"
        " file of another rate is converted here; over WebRTC the next of 8, 12, 16, 24, 48 kHz)",
    )
    group.add_argument(
        "--fast", action="store_true", help="send as fast as allowed, not in real time; see below"
    )
    group.add_argument("--seconds", type=seconds, metavar="N", help="hang up after N seconds")
    group.add_argument(
        "--linger",
        type=seconds,
        metavar="N",
        help="after the file keep the line open for N seconds, with silence as from an open"
        " microphone (default: until no sound and no picture has come for 1 s)",
    )


def _add_media(group: Any) -> None:
    group.add_argument(
        "--video", metavar="FILE", help="video file to send, with its sound; see below"
    )
    group.add_argument(
        "--modality",
        choices=("audio", "video", "audio-video"),
        help="what the call offers (default: what the files hold)",
    )
    group.add_argument(
        "--mode",
        choices=("send-receive", "send", "receive"),
        help="what this end does (send-receive)",
    )


def _add_session(group: Any) -> None:
    group.add_argument("--id", type=_call_id, help="id of the call (random)")
    group.add_argument(
        "--metadata", type=_object, default={}, metavar="JSON", help="an object for the handler"
    )
    group.add_argument(
        "--input",
        type=_json,
        action="append",
        default=[],
        metavar="JSON",
        help="an input for the handler; repeat it for more. Sent with the start, and again"
        " whenever the handler asks (send_input)",
    )
    group.add_argument(
        "--header",
        type=header,
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="an HTTP header, such as Authorization; repeat it for more",
    )
    add_trust(group)
    group.add_argument(
        "--timeout",
        type=seconds,
        default=10.0,
        metavar="N",
        help="seconds for connecting, and then for the server's yes (%(default)g)",
    )


def _add_display(group: Any) -> None:
    group.add_argument("--quiet", action="store_true", help="no meter, messages or summary text")
    group.add_argument(
        "--json", action="store_true", help="the summary as one JSON object on standard output"
    )


def complaint_about(arguments: argparse.Namespace) -> str:
    """What is wrong with options that do not go together; empty when nothing is."""
    secure = arguments.url.startswith(("wss:", "https:", "webrtc+https:"))
    if arguments.fast and not arguments.play:
        return "--fast needs --play"
    if arguments.linger and not (arguments.play or arguments.video):
        return "--linger needs --play or --video"
    if (arguments.ca or arguments.insecure) and not secure:
        return "--ca and --insecure are for wss://, https:// and webrtc+https://"
    played = (arguments.play, arguments.video)
    if arguments.record and any(file and _same(file, arguments.record) for file in played):
        return "--record would overwrite the file that is played"
    if arguments.url.startswith("webrtc+"):
        return _complaint_about_media(arguments)
    for option in ("video", "modality", "mode"):
        if getattr(arguments, option):
            return f"--{option} is for webrtc+http(s)://; a WebSocket or HTTP carries only sound"
    return ""


def _complaint_about_media(arguments: argparse.Namespace) -> str:
    sends = arguments.play or arguments.video
    if arguments.fast:
        return "--fast is not for WebRTC: sound goes in real time there"
    if arguments.mode == "receive" and sends:
        return "--mode receive sends nothing: leave --play and --video away"
    if arguments.mode == "send" and arguments.record:
        return "--mode send: nothing comes back that --record could write"
    if arguments.modality == "video" and arguments.play:
        return "--modality video carries no sound: leave --play away"
    if arguments.modality == "audio" and arguments.video:
        return "--modality audio carries no pictures: leave --video away"
    if arguments.modality == "video" and arguments.record and not is_mp4(arguments.record):
        return "--modality video brings no sound for a WAV file: --record FILE.mp4"
    return ""


def is_mp4(path: str) -> bool:
    """Whether a recording of this name is MP4."""
    return Path(path).suffix.lower() == ".mp4"


def _same(one: str, other: str) -> bool:
    return Path(one).exists() and Path(other).exists() and Path(one).samefile(other)


def call_url(text: str) -> str:
    """The URL that is called, with the standard path where it has none.

    Raises argparse.ArgumentTypeError.
    """
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL: {error}") from error
    path = _PATHS.get(url.scheme)
    if path is None or not url.hostname or port == 0:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form ws(s)://host[:port][/path], http(s)://host[:port][/path]"
            " or webrtc+http(s)://host[:port][/path]"
        )
    if url.username is not None:
        raise argparse.ArgumentTypeError(
            "a URL here holds no user; use --header 'Authorization: ...'"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} holds characters that a URL encodes as %XX")
    if url.path.endswith(tuple(set(_PATHS.values()) - {path})):
        raise argparse.ArgumentTypeError(f"{url.scheme}:// is answered at {path}, not {url.path}")
    return url._replace(path=path if url.path in ("", "/") else url.path, fragment="").geturl()


def rate(text: str) -> int:
    """Hz. Raises argparse.ArgumentTypeError."""
    value = int(text)
    if not _LOWEST_RATE <= value <= _HIGHEST_RATE:
        raise argparse.ArgumentTypeError(
            f"a rate is {_LOWEST_RATE} to {_HIGHEST_RATE} Hz, not {value}"
        )
    return value


def seconds(text: str) -> float:
    """A positive number of seconds. Raises argparse.ArgumentTypeError."""
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return value


def _call_id(text: str) -> str:
    try:
        return check_call_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is no JSON: {error}") from error


def _object(text: str) -> dict[str, Any]:
    value: Any = _json(text)
    try:
        return msgspec.convert(value, dict[str, Any])
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError('metadata is a JSON object: {"name": ...}') from error


def header(text: str) -> tuple[str, str]:
    """`Name: value`. Raises argparse.ArgumentTypeError."""
    name, colon, value = text.partition(":")
    value = value.strip(" \t")
    if not (colon and _TOKEN.fullmatch(name) and _HEADER_VALUE.fullmatch(value)):
        raise argparse.ArgumentTypeError(f"a header reads 'Name: value' in ASCII, not {text!r}")
    if _OUR_HEADERS.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{name} is what the call itself sets")
    return name, value
