"""Reads the body of a request as far as it may go, counting while it inflates."""

import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import cast

from backports import zstd
from django.http import HttpRequest, UnreadablePostError
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]  # it comes without types

from tokentra.lib.problems import Problem

CHUNK = 64 * 1024
LARGEST_WINDOW = 23  # zstd's, as a power of two: 8 MiB


def read(request: HttpRequest, *, most: int) -> bytes:
    """The decoded body; raises a Problem: 413 over `most` bytes, 415 for an encoding that we do not read, 400."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() or "identity"
    found = BytesIO()
    for part in decoded(chunks(request), encoding):
        if found.tell() + len(part) > most:
            raise Problem(413, "body_too_large", f"Send at most {most // 2**20} MiB in one request, counted unpacked.")
        found.write(part)
    return found.getvalue()


def chunks(request: HttpRequest) -> Iterator[bytes]:
    told, came = request.META.get("CONTENT_LENGTH", ""), 0
    read = reader(request)
    try:
        while chunk := read(CHUNK):
            came += len(chunk)
            yield chunk
    except (UnreadablePostError, OSError, ParseException):  # the last one for a chunk that is none
        raise cut_short(request) from None
    if came < int(told or 0) or is_late(request):
        raise cut_short(request)


def reader(request: HttpRequest) -> Callable[[int], bytes]:
    """Django reads no further than a told length; where none is told, the server knows where the body ends."""
    is_chunked = request.META.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
    if is_chunked and request.META.get("wsgi.input_terminated"):
        return cast(Callable[[int], bytes], request.META["wsgi.input"].read)
    return request.read


def is_late(request: HttpRequest) -> bool:
    return getattr(request.META.get("wsgi.input"), "is_late", False)


def cut_short(request: HttpRequest) -> Problem:
    if is_late(request):
        return Problem(408, "body_too_slow", "The body came too slowly. Send it again, in smaller parts if need be.")
    return Problem(400, "body_cut_short", "The body ended before its announced length. Send it again.")


def decoded(parts: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding == "identity":
        yield from parts
    elif encoding in ("gzip", "x-gzip"):
        yield from gunzipped(parts)
    elif encoding == "zstd":
        yield from unzstd(parts)
    else:
        raise Problem(415, "unknown_encoding", "Send the body plain, or packed once with gzip or zstd.")


def gunzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    reader = zlib.decompressobj(31)
    try:
        for part in parts:
            rest = part
            while rest and not reader.eof:
                yield reader.decompress(rest, CHUNK)
                rest = reader.unconsumed_tail
        if not reader.eof or reader.unused_data:
            raise broken()
    except zlib.error:
        raise broken() from None


def unzstd(parts: Iterator[bytes]) -> Iterator[bytes]:
    reader = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: LARGEST_WINDOW})
    try:
        for part in parts:
            if reader.eof:
                raise broken()
            yield reader.decompress(part, CHUNK)
            while not reader.eof and not reader.needs_input:
                yield reader.decompress(b"", CHUNK)
        if not reader.eof or reader.unused_data:
            raise broken()
    except zstd.ZstdError:
        raise broken() from None


def broken() -> Problem:
    return Problem(400, "unreadable_body", "The body does not unpack. Send it whole, packed once.")
