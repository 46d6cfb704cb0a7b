"""Threads that a server's end must not wait for: an application's function that never returns."""

import logging
import os
import sys
import threading
import time
from types import FrameType

__all__ = ("leave",)


def leave(status: int, patience: float) -> int:
    """The exit status, once no thread holds up the end of the process. Those that run on after
    `patience` seconds are told of and left: the process ends here, without `atexit`.
    """
    deadline = time.monotonic() + patience
    for thread in _holding():
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread for thread in _holding() if thread.is_alive()]
    if not left:
        return status
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage] # the documented way
    for thread in left:
        where = _where(frames.get(thread.ident or 0))
        print(f"antiphon serve: {thread.name} has not returned: {where}", file=sys.stderr)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _holding() -> list[threading.Thread]:
    main = threading.main_thread()
    return [one for one in threading.enumerate() if one is not main and not one.daemon]


def _where(frame: FrameType | None) -> str:
    if frame is None:
        return "it runs nothing of Python's"
    return f'"{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
