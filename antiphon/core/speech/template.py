"""Voice templates: what is kept of a speaker, as text that a client may store.

    4 bytes   magic, ADVT
    1         version of this layout
    16        engine id, ASCII, filled up with zeros
    16        model hash
    2         dimension n, little-endian as all that follows
    4 n       the embedding, float32
    4         CRC-32 of everything before it

in base64. The checksum finds damage, not forgery. A template is biometric data: nothing here puts
the embedding, or any of the text, into a message or a representation.
"""

import base64
import struct
import zlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import TemplateRefused

__all__ = (
    "MAX_DIMENSION",
    "MAX_ENGINE_ID",
    "MAX_TEMPLATE",
    "MODEL_HASH",
    "Embedding",
    "Template",
    "parse_template",
    "template_text",
)

Embedding = npt.NDArray[np.float32]
"""Shape (dimension,); of no particular length."""

MAX_TEMPLATE = 64 * 1024  # characters; an embedding of 512 figures takes 3 kB
MAX_ENGINE_ID = 16  # characters
MODEL_HASH = 16  # bytes
MAX_DIMENSION = 8192  # MAX_TEMPLATE characters hold 12,000 figures

_MAGIC = b"ADVT"
_VERSION = 1
_HEAD = struct.Struct(f"<4sB{MAX_ENGINE_ID}s{MODEL_HASH}sH")
_CHECKSUM = struct.Struct("<I")
_FLOATS = np.dtype("<f4")


class Template(msgspec.Struct, frozen=True, eq=False):
    """One speaker's voice, as one encoder hears it. ValueError for what cannot be one."""

    engine: str
    """The encoder's `engine`: 1 to 16 printable ASCII characters."""
    model_hash: bytes
    """The encoder's `model_hash`: 16 bytes. Embeddings of other weights mean something else."""
    embedding: Embedding
    """Finite, not all zero; not to be changed."""

    def __post_init__(self) -> None:
        text = self.engine
        if not (text.isascii() and text.isprintable() and 0 < len(text) <= MAX_ENGINE_ID):
            raise ValueError(f"an engine id has 1 to {MAX_ENGINE_ID} printable ASCII characters")
        if len(self.model_hash) != MODEL_HASH:
            raise ValueError(f"a model hash has {MODEL_HASH} bytes, not {len(self.model_hash)}")
        if self.embedding.ndim != 1 or not 0 < len(self.embedding) <= MAX_DIMENSION:
            raise ValueError(
                f"an embedding has shape {self.embedding.shape}; allowed: 1 to {MAX_DIMENSION}"
            )
        if not (np.isfinite(self.embedding).all() and self.embedding.any()):
            raise ValueError("an embedding has finite figures, and not only zeros")

    def __repr__(self) -> str:
        return f"<Template of {self.engine}, {len(self.embedding)} figures>"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """What the package rich shows in tracebacks; the one of Struct would give all away."""
        return [("engine", self.engine)]


def template_text(template: Template) -> str:
    """The template in base64, without line breaks."""
    head = _HEAD.pack(
        _MAGIC,
        _VERSION,
        template.engine.encode("ascii"),
        template.model_hash,
        len(template.embedding),
    )
    body = head + template.embedding.astype(_FLOATS).tobytes()
    return base64.b64encode(body + _CHECKSUM.pack(zlib.crc32(body))).decode("ascii")


def parse_template(text: str) -> Template:
    """The template that a client sent: white space around it, and one pair of quotes, are no harm.

    TemplateRefused for anything else than what `template_text` makes.
    """
    if len(text) > MAX_TEMPLATE:
        raise TemplateRefused(f"{len(text)} characters; allowed: {MAX_TEMPLATE}")
    data = _decoded(_bare(text))
    if not data.startswith(_MAGIC):
        raise TemplateRefused("it is not one of antiphon's: another format")
    if len(data) < _HEAD.size + _FLOATS.itemsize + _CHECKSUM.size:
        raise TemplateRefused(f"it is damaged: {len(data)} bytes are too few")
    body, checksum = data[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    if _CHECKSUM.unpack(checksum)[0] != zlib.crc32(body):
        raise TemplateRefused("it is damaged: the checksum differs")
    return _unpacked(body)


def _bare(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return text


def _decoded(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or characters that are not ASCII
        raise TemplateRefused("it is not base64") from None
    # The last character may hold bits that stand for nothing; a changed one is damage as well.
    if base64.b64encode(data).decode("ascii") != text:
        raise TemplateRefused("it is not base64 as it is written: bits are left over")
    return data


def _unpacked(body: bytes) -> Template:
    _, version, engine, model_hash, dimension = _HEAD.unpack_from(body)
    if version != _VERSION:
        raise TemplateRefused(f"it has layout {version}; allowed: {_VERSION}")
    if len(body) - _HEAD.size != dimension * _FLOATS.itemsize:
        raise TemplateRefused(f"it is damaged: {len(body)} bytes do not hold {dimension} figures")
    try:
        return Template(
            engine=engine.rstrip(b"\0").decode("ascii"),
            model_hash=model_hash,
            embedding=np.frombuffer(body, _FLOATS, offset=_HEAD.size).astype(np.float32),
        )
    except ValueError as error:
        raise TemplateRefused(str(error)) from None
