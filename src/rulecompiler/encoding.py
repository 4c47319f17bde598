"""A file's bytes as text: UTF-8 and nothing else."""

from __future__ import annotations

from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.model import Source

_ENCODINGS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# Four bytes of Latin text in the wide encodings: which of them are NUL.
_NUL_PATTERNS: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16",
    (True, False, True, False): "UTF-16",
    (False, True, True, True): "UTF-32",
    (True, True, True, False): "UTF-32",
}


def normalise(text: str) -> str:
    """The text as every stage reads it: no byte order mark at its start, lines ended by LF."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def decode_text(path: str, data: bytes) -> Source | Diagnostic:
    """The file as text, with LF line ends and without a byte order mark."""
    wide = _wide_encoding(data)
    if wide:
        return Diagnostic(
            "RC106",
            f"the file is {wide}, not UTF-8",
            Span(path, 1, 1, 1, 1),
            help="save it as UTF-8",
        )
    try:
        return Source(path, normalise(data.decode()))
    except UnicodeDecodeError as fault:
        at = fault.start
        line = data.count(b"\n", 0, at) + 1
        before = data[data.rfind(b"\n", 0, at) + 1 : at].decode()
        column = len(before.removeprefix("\ufeff")) + 1
        return Diagnostic(
            "RC106",
            f"the file is not UTF-8: byte 0x{data[at]:02X} at offset {at} belongs to no character",
            Span(path, line, column, line, column + 1),
            help="save it as UTF-8",
        )


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32, if the file begins like one; otherwise empty."""
    for mark, name in _ENCODINGS:
        if data.startswith(mark):
            return name
    return _NUL_PATTERNS.get(tuple(byte == 0 for byte in data[:4]), "")
