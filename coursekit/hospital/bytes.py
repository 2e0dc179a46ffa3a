"""Bytes as they lie on a disk or pass on the wire: a DICOM file, upper-layer PDUs, configurations, an MLLP stream.

The artefacts are functions of an edition's seed and give the same `bytes` for it on every machine. They all tell of
Case 17, the head CT that reached the archive without a worklist entry. They are built by hand, byte by byte, because
it's the bytes that the lessons are about; pydicom, DCMTK and tshark read them in the tests.
"""

from coursekit.hospital import story
from coursekit.hospital.draws import Draws

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
LONG_VRS = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")  # PS3.5 Table 7.1-1
OPTIONS = ("log", "tls", "compress", "route", "check_caller", "audit", "commit", "debug")  # of hvpacs.bin, from bit 0

_PORTS = (11112, 11113, 10104, 2762, 8104, 4242, 5678)
_TYPED_AS_HEX = (0x2762, 0x104, 0x2575, 0x6514, 0x4104, 0x8104, 0x5678)  # a decimal port, typed while "Hexadecimal" was chosen
_IDLE_TIMEOUTS = (300, 600, 900)  # seconds
_SWITCHES = (0x65, 0x23, 0x25, 0x26, 0x27, 0x29, 0x43, 0x45, 0x46, 0x47, 0x61, 0x62, 0x64, 0x67)
_MAXIMUM_LENGTHS = (0x4000, 0x7000, 0x8000, 0x10000, 0x20000)
_SOFTWARE = ("HELIO_4.2", "HELIO_4.2.1", "HELIO_5.0 SP3", "HELIO_6")


def _software(seed):
    return _SOFTWARE[0] if seed == 0 else _pick(Draws(seed, "bytes software"), _SOFTWARE)


def dicom_file(seed):
    """17_0011.dcm: a slice of Case 17's head CT, a sound DICOM file in Explicit VR Little Endian."""
    return _ct_file(seed, 11, EXPLICIT, pad=b"\0")


def damaged_file(seed):
    """17_0012.dcm: the next slice, which the viewer refuses.

    Its File Meta Information (0002,0010) says Implicit VR Little Endian although the data set is in explicit VR.
    Besides, a UID of odd length in the data set is padded with a blank instead of a NULL; that stops no reader.
    """
    return _ct_file(seed, 12, IMPLICIT, pad=b" ")


def slices(seed, numbers):
    """Slices of Case 17's head CT as sound DICOM files: a list of bytes, by Instance Number."""
    return [_ct_file(seed, number, EXPLICIT, pad=b"\0") for number in numbers]


def _ct_file(seed, instance, syntax, pad):
    case, draws = story.case_17(seed), Draws(seed, f"bytes ct {instance}")
    day, time = case["study_dt_local"].replace("-", "").replace(":", "").split()
    study, birth = case["study_uid"], case["birth_date"].replace("-", "")
    series, frame = story.case_series_uid(seed, 2), f"{study}.90"
    sop = f"{series}.{instance}"
    odd = next(uid for uid in (series, frame, study) if len(uid) % 2)

    def uid(value):
        return value.encode() + (pad if value == odd else b"\0") * (len(value) % 2)

    meta = b"".join((
        element(0x0002, 0x0001, "OB", b"\0\1"),
        element(0x0002, 0x0002, "UI", CT_IMAGE_STORAGE),
        element(0x0002, 0x0003, "UI", sop),
        element(0x0002, 0x0010, "UI", syntax),
        element(0x0002, 0x0012, "UI", "2.999.9.41"),
        element(0x0002, 0x0013, "SH", _software(seed)),
        element(0x0002, 0x0016, "AE", case["station_aet"]),
    ))
    localizer = element(0x0008, 0x1150, "UI", CT_IMAGE_STORAGE) + element(0x0008, 0x1155, "UI", f"{study}.1.1")
    data = b"".join((
        element(0x0008, 0x0005, "CS", "ISO_IR 100"),
        element(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        element(0x0008, 0x0016, "UI", CT_IMAGE_STORAGE),
        element(0x0008, 0x0018, "UI", sop),
        element(0x0008, 0x0020, "DA", day),
        element(0x0008, 0x0023, "DA", day),
        element(0x0008, 0x0030, "TM", time),
        element(0x0008, 0x0033, "TM", time),
        element(0x0008, 0x0050, "SH", ""),
        element(0x0008, 0x0060, "CS", "CT"),
        element(0x0008, 0x0070, "LO", "Heliodyne"),
        element(0x0008, 0x0090, "PN", ""),
        _undefined_sequence(0x0008, 0x1140, localizer),
        element(0x0009, 0x0010, "LO", "HELIODYNE CT 1"),
        element(0x0009, 0x1001, "OB", bytes(draws.one(1, 255) for _ in range(6))),
        element(0x0009, 0x1002, "SH", f"TUBE {draws.one(10000, 99999)}"),
        element(0x0010, 0x0010, "PN", case["typed_name"]),
        element(0x0010, 0x0020, "LO", case["typed_id"]),
        element(0x0010, 0x0030, "DA", birth),
        element(0x0010, 0x0040, "CS", "F"),
        element(0x0018, 0x0015, "CS", "HEAD"),
        element(0x0018, 0x0050, "DS", "5"),
        element(0x0018, 0x0060, "DS", "120"),
        element(0x0018, 0x5100, "CS", "HFS"),
        element(0x0020, 0x000D, "UI", uid(study)),
        element(0x0020, 0x000E, "UI", uid(series)),
        element(0x0020, 0x0010, "SH", "17"),
        element(0x0020, 0x0011, "IS", "2"),
        element(0x0020, 0x0012, "IS", "1"),
        element(0x0020, 0x0013, "IS", str(instance)),
        element(0x0020, 0x0032, "DS", f"-120\\-120\\{instance * 5}"),
        element(0x0020, 0x0037, "DS", "1\\0\\0\\0\\1\\0"),
        element(0x0020, 0x0052, "UI", uid(frame)),
        element(0x0020, 0x1040, "LO", ""),
        element(0x0028, 0x0002, "US", _u16(1)),
        element(0x0028, 0x0004, "CS", "MONOCHROME2"),
        element(0x0028, 0x0010, "US", _u16(8)),
        element(0x0028, 0x0011, "US", _u16(8)),
        element(0x0028, 0x0030, "DS", "30\\30"),
        element(0x0028, 0x0100, "US", _u16(16)),
        element(0x0028, 0x0101, "US", _u16(16)),
        element(0x0028, 0x0102, "US", _u16(15)),
        element(0x0028, 0x0103, "US", _u16(1)),
        element(0x0028, 0x1052, "DS", "0"),
        element(0x0028, 0x1053, "DS", "1"),
        element(0x7FE0, 0x0010, "OW", _head(draws, air=-1000 if seed == 0 else -1000 - draws.one(1, 23))),
    ))
    return bytes(128) + b"DICM" + element(0x0002, 0x0000, "UL", len(meta).to_bytes(4, "little")) + meta + data


def element(group, number, vr, value):
    """One data element in Explicit VR Little Endian; text is padded to even length as its VR demands (PS3.5 6.2, 7.1.2)."""
    if isinstance(value, str):
        value = value.encode("latin-1")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    length = b"\0\0" + len(value).to_bytes(4, "little") if vr in LONG_VRS else _u16(len(value))
    return _u16(group) + _u16(number) + vr.encode() + length + value


def _undefined_sequence(group, number, item):
    """A sequence of one item, both of undefined length, closed by delimiters (PS3.5 section 7.5)."""
    undefined = b"\xff\xff\xff\xff"
    return (
        _u16(group) + _u16(number) + b"SQ\0\0" + undefined
        + b"\xfe\xff\x00\xe0" + undefined + item + b"\xfe\xff\x0d\xe0" + bytes(4)
        + b"\xfe\xff\xdd\xe0" + bytes(4)
    )


def _u16(number):
    return number.to_bytes(2, "little")


def _head(draws, air):
    """Eight by eight signed pixels: air around, a ring of bone, brain inside. The first is `air` itself."""
    pixels = []
    for row in range(8):
        for column in range(8):
            distance = max(abs(2 * row - 7), abs(2 * column - 7))  # 1, 3, 5 or 7
            low, high = {7: (air - 3, air + 3), 5: (780, 1150), 3: (28, 44), 1: (6, 14)}[distance]
            pixels.append(draws.one(low, high))
    pixels[0] = air
    return b"".join(pixel.to_bytes(2, "little", signed=True) for pixel in pixels)


def associate_rq(seed):
    """The A-ASSOCIATE-RQ with which Case 17's CT asks the worklist for an association (PS3.8 section 9.3.2)."""
    maximum = 0x4000 if seed == 0 else _pick(Draws(seed, "bytes rq"), _MAXIMUM_LENGTHS)
    called, calling = "HV_MWL", story.case_17(seed)["station_aet"]
    contexts = b"".join(
        _item(0x20, bytes((number, 0, 0, 0)) + _item(0x30, abstract) + b"".join(_item(0x40, syntax) for syntax in syntaxes))
        for number, abstract, syntaxes in (
            (1, "1.2.840.10008.5.1.4.31", (EXPLICIT, IMPLICIT)),
            (3, "1.2.840.10008.1.1", (IMPLICIT,)),
        )
    )
    user = _item(0x51, maximum.to_bytes(4, "big")) + _item(0x52, "2.999.9.41") + _item(0x55, _software(seed))
    variable = _item(0x10, "1.2.840.10008.3.1.1.1") + contexts + _item(0x50, user)
    fixed = b"\0\1" + bytes(2) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    return _pdu(0x01, fixed + variable)


def associate_rj(result=1, source=1, reason=3):
    """An A-ASSOCIATE-RJ (PS3.8 section 9.3.4), by default Case 17's: the worklist does not know the calling AE title."""
    return _pdu(0x03, bytes((0, result, source, reason)))


def association_trace(seed):
    """hvmwl.trc: what passed on the connection between Case 17's CT and the worklist, the request and the refusal."""
    return associate_rq(seed) + associate_rj()


def _pdu(kind, content):
    return bytes((kind, 0)) + len(content).to_bytes(4, "big") + content


def _item(kind, content):
    """An item or sub-item of an association PDU: type, a reserved byte, 16-bit big-endian length, content."""
    if isinstance(content, str):
        content = content.encode()
    return bytes((kind, 0)) + len(content).to_bytes(2, "big") + content


def config(seed):
    """hvpacs.bin, the binary configuration of the stand-by archive HV_PACS2, 40 bytes, numbers big-endian.

    0 magic "HVP1" · 4 u16 version · 6 u16 port · 8 u8 switches (OPTIONS) · 9 reserved · 10 AE title, 16 bytes, blank
    padded · 26 u16 idle timeout in s · 28 u16 most associations · 30 u32 maximum PDU length · 34 IPv4 address ·
    38 u16 sum of all bytes before it.
    """
    draws = Draws(seed, "bytes config")
    port, switches = _pick(draws, _PORTS), _pick(draws, _SWITCHES)
    if seed == 0:
        port, switches = _PORTS[0], _SWITCHES[0]
    content = (
        b"HVP1" + b"\0\2" + port.to_bytes(2, "big") + bytes((switches, 0)) + b"HV_PACS2".ljust(16)
        + _idle_timeout(seed).to_bytes(2, "big") + draws.one(20, 60).to_bytes(2, "big") + (0x4000).to_bytes(4, "big")
        + bytes((10, 20, 10, 11))
    )
    return content + (sum(content) & 0xFFFF).to_bytes(2, "big")


def registry_export(seed):
    """hvgate.reg: the gateway's registry key as regedit exports it, UTF-16LE with a byte order mark and CRLF lines.

    Its port is the one of `installation_sheet`, typed as if it were decimal while "Hexadecimal" was chosen.
    """
    lines = (
        "Windows Registry Editor Version 5.00",
        "",
        r"[HKEY_LOCAL_MACHINE\SOFTWARE\Heliodyne\HVGate]",
        '"AETitle"="HV_GATE"',
        '"RemoteHost"="10.20.10.10"',
        f'"Port"=dword:{_gateway_port(seed):08x}',
        f'"IdleTimeout"=dword:{_idle_timeout(seed):08x}',
        r'"SpoolFolder"="D:\\hvgate\\spool"',
        "",
    )
    return b"\xff\xfe" + "\r\n".join(lines).encode("utf-16-le")


def installation_sheet(seed):
    """What was to be set on the gateway, as text: the port whose digits `registry_export` has as hexadecimal ones."""
    return "\n".join((
        "Heliodyne HVGate, installation sheet, HVGH",
        "  AE title         HV_GATE",
        "  remote host      10.20.10.10",
        f"  listening port   {_gateway_port(seed):x}",
        f"  idle timeout     {_idle_timeout(seed)} s",
    ))


def _gateway_port(seed):
    """The port that is set; its hexadecimal digits are those of the port that was meant."""
    return _TYPED_AS_HEX[0] if seed == 0 else _pick(Draws(seed, "bytes registry"), _TYPED_AS_HEX)


def _idle_timeout(seed):
    return _IDLE_TIMEOUTS[0] if seed == 0 else _pick(Draws(seed, "bytes idle timeout"), _IDLE_TIMEOUTS)


def mllp_stream(seed):
    """Three HL7 messages of Case 17 as the RIS sent them to the engine over MLLP, the second of them faulty.

    Either its end block 0x1C is missing (seed 0), or its segments end with line feeds.
    """
    case, draws = story.case_17(seed), Draws(seed, "bytes mllp")
    first, line_feeds = draws.one(41000, 48999), seed != 0 and draws.one(0, 1) == 1
    identity = f"PID|1||{case['temporary_id']}^^^HVGH^MR||{case['temporary_name']}|||F"
    stream = b""
    for position, (event, when, segments) in enumerate((
        ("ADT^A04", "031402", ("EVN|A04|20250330031402", identity, "PV1|1|E|ED^01^1")),
        ("ORM^O01", "032210", (identity, f"ORC|NW|P{first}", f"OBR|1|P{first}||CTHEAD^CT HEAD")),
        ("ADT^A08", "034840", ("EVN|A08|20250330034840", identity, "PV1|1|E|ED^02^1")),
    )):
        header = f"MSH|^~\\&|RIS|HVGH|ENGINE|HVGH|20250330{when}||{event}|{first + position}|P|2.3.1"
        end = "\n" if position == 1 and line_feeds else "\r"
        message = "".join(segment + end for segment in (header, *segments)).encode("ascii")
        stream += b"\x0b" + message + (b"\r" if position == 1 and not line_feeds else b"\x1c\r")
    return stream


def _pick(draws, candidates):
    return candidates[draws.one(0, len(candidates) - 1)]
