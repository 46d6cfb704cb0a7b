"""`antiphon call`: call a server as a client does, with files for mouth, face and ear."""

import argparse
import os
import signal
import ssl
import sys
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from ..client import connect
from ..core.errors import AntiphonError
from ..core.playout import LEAD
from ..core.ports import Call
from ..stream import Modality
from ..transports.tasks import background
from .call_options import ENCODINGS, add_options, complaint_about, is_mp4
from .conversation import Conversation, Plan
from .failures import explain
from .files import FileError, PictureSource, SoundSource, Writer
from .recording import Recording
from .screen import Screen, printable
from .summary import Ending, Summary, show
from .trust import client_tls
from .wav import WavReader, WavWriter

__all__ = ("add_parser",)

OK, FAILED, NOT_TRIED = 0, 1, 2
_WELL = (1000, 1001, 1005)  # RFC 6455 section 7.4.1: done, going away, closed without a code


def add_parser(commands: Any) -> None:
    """Add this command."""
    parser = add_options(commands)
    parser.set_defaults(run=run, usage_error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Call; returns the exit status."""
    complaint = complaint_about(arguments)
    if complaint:
        arguments.usage_error(complaint)
    screen = Screen(sys.stderr, quiet=arguments.quiet)
    with ExitStack() as stack:
        try:
            files = _open_files(arguments, stack)
            _check_writable(arguments.record)
            tls = client_tls(arguments)
        except (FileError, OSError) as error:
            return _fail(_of_file(error), NOT_TRIED)
        if files.modality == "video" and arguments.record and not is_mp4(arguments.record):
            arguments.usage_error("the video has no sound for a WAV file: --record FILE.mp4")
        if arguments.insecure and arguments.ca is None:
            screen.say("warning: the server's certificate is not checked (--insecure)")
        for remark in files.remarks:
            screen.say(remark)
        return anyio.run(_Command(arguments, screen, files, tls).run)


class _Files(msgspec.Struct, frozen=True):
    """What is sent, and what is offered for it."""

    play: SoundSource | None
    show: PictureSource | None
    modality: Modality
    remarks: Sequence[str] = ()


def _open_files(arguments: argparse.Namespace, stack: ExitStack) -> _Files:
    """Raises FileError, OSError."""
    play: SoundSource | None = None
    if arguments.play:
        with _naming(arguments.play):
            play = stack.enter_context(WavReader(arguments.play))
    if not arguments.video:
        return _Files(play, None, arguments.modality or "audio")
    with _naming(arguments.video):
        # Not before it is needed: it stands on aiortc, half a second to import.
        video = import_module(".media_in", __package__).MediaReader(arguments.video)
    if play is None and video.has_sound and arguments.modality != "video":
        play = video
    stored, sent = (f"{width} x {height}" for width, height in (video.stored_size, video.size))
    remarks = () if stored == sent else (f"the pictures of {stored} are sent as {sent}",)
    default: Modality = "video" if play is None else "audio-video"
    return _Files(play, video, arguments.modality or default, remarks)


@contextmanager
def _naming(path: str) -> Generator[None]:
    """Have a FileError name the file."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{path}: {error}") from error


class _Command:
    """One run of the command, on the event loop."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        screen: Screen,
        files: _Files,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._arguments = arguments
        self._screen = screen
        self._files = files
        self._tls = tls
        self._conversation: Conversation | None = None
        self._failure = ""

    async def run(self) -> int:
        """The exit status."""
        async with _interruptible() as interruption:
            await self._call()
        conversation = self._conversation
        if conversation is None:
            if interruption.signal:
                return 128 + interruption.signal
            return _fail(self._failure, FAILED)
        summary = conversation.summary(self._arguments.url)
        self._print(summary)
        if interruption.signal:
            return 128 + interruption.signal
        if self._failure:
            return _fail(self._failure, FAILED)
        return _status(summary.ended)

    async def _call(self) -> None:
        arguments = self._arguments
        try:
            async with connect(
                arguments.url,
                call_id=arguments.id,
                encoding=ENCODINGS[arguments.encoding],
                sample_rate=arguments.rate,
                metadata=arguments.metadata,
                inputs=arguments.input or None,
                headers=dict(arguments.header),
                tls=self._tls,
                lead=float("inf") if arguments.fast else LEAD,
                timeout=arguments.timeout,
                modality=self._files.modality,
                mode=arguments.mode or "send-receive",
            ) as call:
                await self._converse(call)
        except (AntiphonError, OSError, ValueError) as error:
            self._failure = explain(error, arguments.url, arguments.timeout)
        if self._conversation is not None and self._conversation.failure is not None:
            self._failure = str(self._conversation.failure)

    async def _converse(self, call: Call) -> None:
        arguments = self._arguments
        record: Recording | None = None
        if arguments.record:
            open_writer = partial(_writer, arguments.record, call, self._files.modality)
            record = Recording(await anyio.to_thread.run_sync(open_writer))
        try:
            plan = Plan(
                play=self._files.play,
                show=self._files.show,
                record=record,
                fast=arguments.fast,
                seconds=arguments.seconds,
                linger=arguments.linger,
                inputs=arguments.input,
            )
            self._conversation = Conversation(call, plan, self._screen)
            await self._conversation.run()
        finally:
            if record is not None:
                await record.close()
        if record is not None and record.empty and is_mp4(arguments.record):
            self._screen.say(f"nothing came to record: {arguments.record} is not written")

    def _print(self, summary: Summary) -> None:
        if self._arguments.json:
            print(msgspec.json.encode(summary).decode())
        elif not self._arguments.quiet:
            print("\n".join(printable(line) for line in show(summary).split("\n")))


class _Interruption:
    signal = 0
    """The number of the signal that came."""


@asynccontextmanager
async def _interruptible() -> AsyncGenerator[_Interruption]:
    """Ctrl-C and SIGTERM cancel the body, once; a second Ctrl-C ends the program."""
    interruption = _Interruption()
    with anyio.CancelScope() as scope:

        async def watch(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                task_status.started()
                async for number in signals:
                    interruption.signal = number
                    break
            scope.cancel()

        async with background() as tasks:
            await tasks.start(watch)
            yield interruption


def _status(ended: Ending) -> int:
    return OK if ended.code in _WELL else FAILED


def _fail(text: str, status: int) -> int:
    print(f"antiphon call: {printable(text)}", file=sys.stderr)
    return status


def _of_file(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _writer(path: str, call: Call, modality: Modality) -> Writer:
    """Raises OSError, FileError."""
    if not is_mp4(path):
        return WavWriter(path, call.sample_rate)
    module = import_module(".media_out", __package__)
    rate = None if modality == "video" else call.sample_rate
    writer: Writer = module.Mp4Writer(path, rate, pictures=modality != "audio")
    return writer


def _check_writable(path: str | None) -> None:
    """A recording that cannot be written is told before the call, not after. Raises OSError."""
    if path is None:
        return
    folder = Path(path).parent
    if Path(path).is_dir():
        raise IsADirectoryError(21, os.strerror(21), path)
    if not folder.is_dir():
        raise FileNotFoundError(2, os.strerror(2), str(folder))
    if not os.access(path if Path(path).exists() else folder, os.W_OK):
        raise PermissionError(13, os.strerror(13), path)
