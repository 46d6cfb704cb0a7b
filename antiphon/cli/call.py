"""`antiphon call`: call a server as a client does, with WAV files for mouth and ear."""

import argparse
import os
import signal
import ssl
import sys
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import msgspec

from ..client import connect
from ..core.errors import AntiphonError
from ..core.playout import LEAD
from ..transports.tasks import background
from .call_options import ENCODINGS, add_options, complaint_about
from .conversation import Conversation, Plan
from .failures import explain
from .screen import Screen, printable
from .summary import Ending, Summary, show
from .wav import WavError, WavReader, WavWriter

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
            play = stack.enter_context(WavReader(arguments.play)) if arguments.play else None
            _check_writable(arguments.record)
            tls = _tls(arguments, screen)
        except (WavError, OSError) as error:
            return _fail(_of_file(error, arguments.play), NOT_TRIED)
        return anyio.run(_Command(arguments, screen, play, tls).run)


class _Command:
    """One run of the command, on the event loop."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        screen: Screen,
        play: WavReader | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._arguments = arguments
        self._screen = screen
        self._play = play
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
            ) as call:
                record = WavWriter(arguments.record, call.sample_rate) if arguments.record else None
                try:
                    plan = Plan(
                        play=self._play,
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
                        record.close()
        except (AntiphonError, OSError, ValueError) as error:
            self._failure = explain(error, arguments.url, arguments.timeout)
        if self._conversation is not None and self._conversation.failure is not None:
            self._failure = str(self._conversation.failure)

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


def _of_file(error: Exception, path: str | None) -> str:
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return f"{path}: {error}"


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


def _tls(arguments: argparse.Namespace, screen: Screen) -> ssl.SSLContext | None:
    if arguments.ca is not None:
        try:
            return ssl.create_default_context(cafile=arguments.ca)
        except OSError as error:
            raise OSError(f"{arguments.ca}: no certificates can be read: {error}") from error
    if not arguments.insecure:
        return None
    screen.say("warning: the server's certificate is not checked (--insecure)")
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
