"""Quirks of HL7 v2 senders: what each is, and how to see it in the bytes of a message.

A message of the feed names its quirks; one that names none is clean and passes strict validation. Quirks that only the
company of other messages shows (sent twice, out of order) have no `shows`. "batch count wrong" is one of files.
"""

import re
from typing import NamedTuple


class Quirk(NamedTuple):
    """What is odd, whether strict validation must fail for it, and a function of the bytes that sees it (or None)."""

    meaning: str
    strict_fails: bool
    shows: object


def fields(data, name):
    """The fields of each segment `name` of a message that is separated by '|'; data is bytes, fields too."""
    return [line.split(b"|") for line in re.split(rb"[\r\n]+", data) if line.startswith(name)]


def field(data, name, place):
    """Field `place` of each segment `name`: a list of bytes."""
    return [found[place] for found in fields(data, name) if len(found) > place]


def decodes(data, encoding):
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def wrong_charset(data):
    declared = b"".join(field(data, b"MSH", 17))
    if declared == b"UNICODE UTF-8":
        return not decodes(data, "utf-8")
    # Nobody's name has these pairs of Latin-1 letters: they are UTF-8 read as Latin-1.
    return declared == b"8859/1" and bool(re.search(rb"[\xc3\xc5][\x80-\xbf]", data)) and decodes(data, "utf-8")


def undeclared_charset(data):
    return b"".join(field(data, b"MSH", 17)) == b"" and not data.isascii()


def unescaped_ampersand(data):
    return any(b"&" in component for name, place in ((b"OBR", 4), (b"OBR", 31))
               for text in field(data, name, place) for component in re.split(rb"[\^~]", text))


def miscounted_batch(data):
    counts = [int(found[1]) for found in fields(data, b"BTS|")]
    return counts != [batch.count(b"\rMSH|") for batch in data.split(b"\rBHS|")[1:]]


QUIRKS = {
    "LF": Quirk("Segments end with a line feed, not a carriage return (HL7 v2.5.1 2.5.4).", True,
                lambda data: b"\n" in data),
    "no final CR": Quirk("The last segment is not terminated.", False, lambda data: data[-1:] not in b"\r\n"),
    "MSH-2 permuted": Quirk("The encoding characters are not the usual ones; read them from MSH-2.", False,
                            lambda data: data[4:8] != b"^~\\&"),
    "charset undeclared": Quirk("MSH-18 is empty, which means ASCII, and the bytes are Latin-1.", False, undeclared_charset),
    "charset wrong": Quirk("MSH-18 names one character set, the bytes are in another.", False, wrong_charset),
    "& not escaped": Quirk("An ampersand in a text stands for itself: read as separator of subcomponents.", True,
                           unescaped_ampersand),
    "no time zone": Quirk("Times without offset from UTC: the hour that the clocks change is ambiguous.", False,
                          lambda data: bool(re.match(rb"\d{14}$", b"".join(field(data, b"MSH", 6))))),
    "PID-7 zeros": Quirk("Month and day of the birth date are zeros; precision is given by omitting them.", False,
                         lambda data: any(text.endswith(b"0000") for text in field(data, b"PID", 7))),
    "PID-3 other first": Quirk("The first repetition of PID-3 is not the medical record number.", False,
                               lambda data: any(re.match(rb"[^~]*\^PT~", text) for text in field(data, b"PID", 3))),
    "accession too long": Quirk("The accession number does not fit into DICOM's SH of 16 characters.", False,
                                lambda data: any(len(text.split(b"^")[0]) > 16 for text in field(data, b"IPC", 1)
                                                 + field(data, b"OBR", 18))),
    "MRG and PID exchanged": Quirk("PID-3 holds the retired number and MRG-1 the surviving one.", False, None),
    "A34": Quirk("ADT^A34, a merge of numbers kept for older systems, instead of A40.", False,
                 lambda data: b"ADT^A34" in data[:120]),
    "MRG-1.4 missing": Quirk("The retired number has no assigning authority.", False,
                             lambda data: any(text.split(b"^")[3:4] == [b""] for text in field(data, b"MRG", 1))),
    "sent twice": Quirk("The same message, with the same MSH-10, once more.", False, None),
    "out of order": Quirk("It overtook an earlier message about the same order.", False, None),
    "NW for XO": Quirk("ORC-1 says new order where a known order is changed.", False, None),
    "local code": Quirk("OBR-4 has a code that the receiver's table does not know.", False,
                        lambda data: any(text.startswith(b"EC.") for text in field(data, b"OBR", 4))),
    "A08 flood": Quirk("One of many updates of one patient within a minute.", False, None),
    "test patient": Quirk("A test patient in messages with processing ID P.", False,
                          lambda data: any(text.startswith(b"ZZTEST") for text in field(data, b"PID", 5))),
    "AR with text only": Quirk("A rejection says why in MSA-3 and has no ERR.", False,
                               lambda data: b"\rMSA|AR|" in data and b"\rERR" not in data),
    "cut off": Quirk("The connection broke: the end of the message is missing.", True,
                     lambda data: b"|ORM^O01|" in data and b"\rORC" not in data and b"\n" not in data),
    "batch count wrong": Quirk("BTS-1 of a file counts another number of messages than the batch has.", False, miscounted_batch),
    "base64 PDF": Quirk("The report is a PDF in OBX-5 of type ED; hl7apy allows no more than 199 characters.", True,
                        lambda data: b"^Base64^" in data or b"~Base64~" in data),
    r"\.br\ lines": Quirk(r"The report is one OBX with \.br\ between its lines.", False, lambda data: rb"\.br\ ".strip() in data),
}
