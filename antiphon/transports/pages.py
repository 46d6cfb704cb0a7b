"""What browsers load: the console, the guide and the client, as files of the package."""

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from .requests import Request, Response

__all__ = ("KINDS", "PAGES", "page")

KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
CONSOLE = (
    *("main", "choices", "code", "devices", "dom", "form", "messages", "outputs", "plots"),
    *("schema", "signals", "speech", "speech_wire", "trace", "units", "words"),
)
GUIDE = ("page", "reference", "samples")


def _files() -> Iterator[tuple[str, str]]:
    yield "/", "index.html"
    yield "/docs", "docs.html"
    yield "/client.js", "client.js"
    for folder, modules in (("console", CONSOLE), ("docs", GUIDE)):
        for name in ("style.css", *(f"{module}.js" for module in modules)):
            yield f"/{folder}/{name}", f"{folder}/{name}"


PAGES = dict(_files())
"""The file behind each path."""


async def page(request: Request) -> Response:
    """Answer a request for one of these paths; packed for clients that take gzip."""
    name = PAGES[request.path]
    accepted = request.headers.get("accept-encoding", "").lower()
    packs = "gzip" in (coding.strip() for coding in accepted.split(","))
    headers = (
        ("content-type", f"{KINDS[name.rpartition('.')[2]]}; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("vary", "accept-encoding"),
        *((("content-encoding", "gzip"),) if packs else ()),
    )
    return Response(status=200, headers=headers, body=_body(name, packed=packs))


@cache
def _body(name: str, *, packed: bool) -> bytes:
    if packed:
        return gzip.compress(_body(name, packed=False), mtime=0)
    return files("antiphon.transports").joinpath("assets", name).read_bytes()
