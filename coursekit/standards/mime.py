"""Multipart bodies of HTTP (RFC 2046 section 5.1, RFC 2387): DICOMweb's and those of MTOM."""

import secrets
from email.message import Message
from typing import NamedTuple


class Part(NamedTuple):
    """A part: its headers, names in lower case, and its content."""

    headers: dict
    content: bytes


def parameters(content_type):
    """(media type, {parameter: value}) of a Content-Type header, media type and names in lower case."""
    message = Message()
    message["Content-Type"] = content_type or ""
    if not content_type:
        return "", {}
    found = message.get_params(header="content-type", unquote=True) or []
    return message.get_content_type(), {name.lower(): str(value) for name, value in found[1:]}


def split(body, boundary):
    """The parts of a multipart body: a list of Part. What stands before the first boundary and behind the last is none."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("ascii", "replace"))
    found = []
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            break
        head, blank, content = piece.partition(b"\r\n\r\n")
        if blank:
            found.append(Part(_headers(head), content))
    return found


def join(parts, boundary):
    """The body of some Part."""
    pieces = []
    for headers, content in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        pieces += [f"--{boundary}\r\n{head}\r\n".encode("ascii"), content, b"\r\n"]
    return b"".join([*pieces, f"--{boundary}--\r\n".encode("ascii")])


def boundary(contents):
    """A boundary that none of the contents holds."""
    while True:
        made = f"part-{secrets.token_hex(12)}"
        if not any(made.encode("ascii") in content for content in contents):
            return made


def _headers(head):
    found = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            found[name.strip().lower()] = value.strip()
    return found
