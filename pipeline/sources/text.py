"""Bytes of a file into text, strictly as its declared encoding says; what is something else is told, not guessed."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from pipeline.errors import ConfigurationError, SourceError
from pipeline.sources.chunk import BAD_BYTE

PIECE = 1 << 20
BAD_LINES_ALLOWED = 0.01
"""A larger share of lines with bytes that are no text means the encoding is wrong, not the lines."""

MARKING = "tuoke.marking"
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
OTHER_KINDS = {
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old or encrypted Office file",
    b"\x1f\x8b": "gzip-compressed; its name must end in .gz",
}
TRIED = ("utf-8", "gb18030", "big5")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    spelt = "".join(f"\\x{byte:02x}" for byte in error.object[error.start : error.end])
    return spelt + BAD_BYTE, error.end


codecs.register_error(MARKING, _mark)


def read_text(path: Path, name: str, encoding: str) -> Iterator[str]:
    """The file's text piece by piece, without a byte order mark. Bytes that are no text are spelt out and marked.

    Raises:
        ConfigurationError: there is no such encoding.
        SourceError: the file is not in that encoding, or is compressed and damaged.
    """
    codec = _codec(encoding, name)
    decoder = codec.incrementaldecoder(MARKING)
    lines, bad = 0, 0
    first = True
    for piece in _guarded(read_bytes(path, name), codec.name, name):
        text = decoder.decode(piece, not piece)
        if BAD_BYTE in text:
            bad += sum(BAD_BYTE in line for line in text.split("\n"))
            _too_bad(bad, lines, text, piece, encoding, name)
        lines += text.count("\n")
        yield text.removeprefix("\ufeff") if first else text
        first = False


def read_bytes(path: Path, name: str) -> Iterator[bytes]:
    """The file's bytes piece by piece, decompressed if its name ends in .gz, and an empty piece at the end."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{name} is cut off or damaged ({error}); have it delivered again") from error
    yield b""


def _codec(encoding: str, name: str) -> codecs.CodecInfo:
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        return codecs.lookup(encoding)
    except LookupError as error:
        raise ConfigurationError(
            f"{name}: there is no text encoding {encoding!r}; use utf-8, gb18030, utf-16 or another that Python knows"
        ) from error


def _guarded(pieces: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """The same pieces, unless they are plainly something else that the encoding would take for text."""
    start = next(pieces)
    _refuse_other_kinds(start, encoding, name)
    pieces = chain([start], pieces)
    return pieces if encoding.startswith("utf") else _not_utf8(pieces, encoding, name)


def _not_utf8(pieces: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    utf8 = codecs.getincrementaldecoder("utf-8")()
    few = 4 if _has_hanzi(encoding) else 1
    for piece in pieces:
        try:
            _refuse_utf8(utf8.decode(piece, not piece), few, encoding, name)
        except UnicodeDecodeError:
            yield piece
            break
        yield piece
    yield from pieces


def _has_hanzi(encoding: str) -> bool:
    try:
        "中".encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _refuse_other_kinds(start: bytes, encoding: str, name: str) -> None:
    for mark, kind in OTHER_KINDS.items():
        if start.startswith(mark):
            raise SourceError(f"{name} is {kind}, not text in {encoding}; set its format, or have it exported as text")
    marked = next((found for mark, found in BYTE_ORDER_MARKS.items() if start.startswith(mark)), None)
    if marked and not encoding.startswith(marked):
        raise SourceError(
            f"{name} is declared as {encoding} but starts with the mark of {marked}; set encoding: {marked}"
        )
    if encoding.startswith(("utf-16", "utf-32")) and start and b"\0" not in start:
        raise SourceError(f"{name} is declared as {encoding} but can't be: it holds no zero byte; correct its encoding")


def _refuse_utf8(seen: str, few: int, encoding: str, name: str) -> None:
    # two bytes of gb18030 are by chance also two bytes of UTF-8 ("谭强"); three in a row, or four such pairs, are not
    if re.search("[\u0800-\U0010ffff]", seen) or len(re.findall("[\x80-\u07ff]", seen)) >= few:
        raise SourceError(
            f"{name} is declared as {encoding} but is UTF-8; read as declared its text would be garbled. "
            "Set encoding: utf-8"
        )


def _too_bad(bad: int, lines: int, text: str, piece: bytes, encoding: str, name: str) -> None:
    """Stop where the lines that are no text are too many to be single accidents."""
    seen = lines + text.count("\n")
    if bad <= max(1, BAD_LINES_ALLOWED * seen):
        return
    line = lines + text[: text.index(BAD_BYTE)].count("\n") + 1
    raise SourceError(
        f"{name} is not in {encoding}: {bad} of its first {seen} lines hold bytes that are no text, line {line} among "
        f"them{_suggestion(piece, encoding)}"
    )


def _suggestion(piece: bytes, encoding: str) -> str:
    for other in TRIED:
        try:
            codecs.getincrementaldecoder(other)().decode(piece)
        except UnicodeDecodeError:
            continue
        if codecs.lookup(other).name != codecs.lookup(encoding).name:
            return f"; it reads as {other}: try encoding: {other}"
    return "; set the encoding it was written in"
