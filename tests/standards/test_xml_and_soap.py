"""XML from outside, multipart bodies, SOAP 1.2 plain and as MTOM packages."""

import email
import email.policy
import random
import re

import pytest
from lxml import etree

from coursekit.standards import mime, soap, xml

BOMB = ("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'xxxxxxxxxx'>" + "".join(f"<!ENTITY b{n} '{'&b' + str(n - 1) + ';' if n else '&b;'}'>"
                                                                            for n in range(9)) + "]><a>&b8;</a>")


@pytest.mark.parametrize("octets, said", [
    (BOMB.encode(), "DOCTYPE"), (b"<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DOCTYPE"),
    ("<!DOCTYPE a [<!ENTITY b 'c'>]><a b='&b;'/>".encode("utf-16"), "DOCTYPE"), (b"<a>", "well-formed"), (b"", "well-formed"),
    (b"<a/><b/>", "well-formed"), (b"\xff\xfe\x00", "well-formed"), (b"<a>" * 300 + b"</a>" * 300, "deep"),
    (b"<?xml version='1.0' encoding='nonsense'?><a/>", "encoding"), (b"<a>&undefined;</a>", "well-formed"), (b"<a b='1' b='2'/>", "well-formed"),
])
def test_what_is_not_read(octets, said):
    with pytest.raises(xml.BadXml, match=said):
        xml.parse(octets)


def test_a_document_that_is_too_long():
    with pytest.raises(xml.BadXml, match="at most 10"):
        xml.parse(b"<a>        </a>", largest=10)


def test_what_is_read():
    assert xml.parse("<?xml version='1.0' encoding='UTF-16'?><a>ä</a>".encode("utf-16")).text == "ä"
    assert xml.parse(b"<a><!-- no --><?no no?>b</a>").text == "b"
    long = xml.parse(b"<a>" + b"x" * 20_000_000 + b"</a>")                 # a document of some size in base64
    assert len(long.text) == 20_000_000
    assert xml.pretty(b"<a><b>" + b"x" * 300 + b"</b></a>") == f"<a>\n  <b>{'x' * 120}... (300 characters)</b>\n</a>"


def test_random_bytes_are_refused_in_a_sentence():
    draw = random.Random(5)
    for _ in range(2_000):
        octets = bytes(draw.choice(b"<>/a &;\"'=!-[]?\x00\xff") for _ in range(draw.randrange(60)))
        try:
            xml.parse(octets)
        except xml.BadXml:
            pass


def package(octets=b"\0\xff\r\n--x", action="urn:x"):
    message = soap.Message(action, etree.fromstring("<a><D/><D/></a>"))
    message.attach(message.body[0], octets)
    message.attach(message.body[1], b"")
    return message


def test_a_package_is_what_it_was():
    octets, kind = package().encode(to="http://127.0.0.1/")
    again = soap.read(octets, kind)
    assert again.packaged and again.action == "urn:x" and again.reply_to == soap.ANONYMOUS and again.message_id.startswith("urn:uuid:")
    assert [again.octets(one) for one in again.body] == [b"\0\xff\r\n--x", b""]
    assert etree.tostring(again.inlined()) == b"<a><D>AP8NCi0teA==</D><D></D></a>"


def test_the_standard_library_reads_our_packages():
    octets, kind = package().encode()
    read = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\nMIME-Version: 1.0\r\n\r\n" + octets, policy=email.policy.HTTP)
    parts = list(read.iter_parts())
    assert [part.get_content_type() for part in parts] == ["application/xop+xml"] + ["application/octet-stream"] * 2
    assert parts[0]["Content-ID"] == read.get_param("start") and parts[1].get_payload(decode=True) == b"\0\xff\r\n--x"


def test_other_peoples_packages():
    octets, kind = package().encode()
    name = re.search(rb'cid:([^"]+)"', octets)[1]
    for other in (octets.replace(b"cid:" + name, b"cid:" + name.replace(b"@", b"%40")),                  # percent-encoded, as some do
                  b"preamble\r\n" + octets + b"epilogue", octets.replace(b"Content-ID", b"content-id")):
        assert soap.read(other, kind).octets(soap.read(other, kind).body[0]) == b"\0\xff\r\n--x"
    without_start = re.sub(r' start="[^"]+";', "", kind)
    assert soap.read(octets, without_start).attachments
    assert soap.read(octets, re.sub(r'; action="[^"]+"', "", kind)).action == "urn:x"
    inline = re.sub(rb"<xop:Include[^>]*/>", b"aGVs bG8=", octets, count=1)                              # inline base64 in a package is sound
    assert soap.read(inline, kind).octets(soap.read(inline, kind).body[0]) == b"hello"


@pytest.mark.parametrize("change, said", [
    (lambda octets, kind: (octets, kind.replace("boundary", "bound")), "no boundary"),
    (lambda octets, kind: (octets, re.sub('boundary="[^"]+"', 'boundary="other"', kind)), "no part behind the boundary"),
    (lambda octets, kind: (octets.replace(b"xop+xml", b"pdf"), kind), "is no application/xop"),
    (lambda octets, kind: (octets, "image/png"), "neither"), (lambda octets, kind: (octets, ""), "is missing"),
    (lambda octets, kind: (octets, kind.replace('action="urn:x"', 'action="urn:y"')), "another than wsa:Action"),
    (lambda octets, kind: (octets.replace(b"wsa:Action", b"wsa:Acting"), kind), "wsa:Action is missing"),
    (lambda octets, kind: (octets.replace(b"2003/05/soap-envelope", b"2003/06/soap-envelope"), kind), "no SOAP 1.2"),
    (lambda octets, kind: (octets.replace(b"http://www.w3.org/2003/05/soap-envelope", b"http://schemas.xmlsoap.org/soap/envelope/"), kind),
     "SOAP 1.1"),
    (lambda octets, kind: (re.sub(rb"<a>.*</a>", b"", octets, flags=re.DOTALL), kind), "hold one element"),
])
def test_what_is_no_soap_is_told_in_a_sentence(change, said):
    with pytest.raises(soap.BadSoap, match=said):
        soap.read(*change(*package().encode()))


def test_a_reference_that_leads_nowhere():
    octets, kind = package().encode()
    message = soap.read(octets.replace(b"Content-ID: <document1", b"Content-ID: <other"), kind)
    with pytest.raises(soap.BadSoap, match="no part of that Content-ID"):
        message.octets(message.body[0])
    plain = soap.Message("urn:x", etree.fromstring("<a>nö base64</a>".encode()))
    with pytest.raises(soap.BadSoap, match="no base64"):
        plain.octets(plain.body)


def test_faults():
    with pytest.raises(soap.Fault, match="not today") as raised:
        soap.read(*soap.fault("Receiver", "not today", "urn:uuid:1"))
    assert raised.value.code == "Receiver" and raised.value.subcode == ""
    with pytest.raises(soap.Fault, match="who are you") as raised:
        soap.read(*soap.fault("Sender", "who are you", subcode="FailedAuthentication"))
    assert (raised.value.code, raised.value.subcode) == ("Sender", "FailedAuthentication")
    octets, _ = soap.fault("Sender", "who are you", subcode="FailedAuthentication")
    value = etree.fromstring(octets).find(f".//{{{soap.SOAP}}}Subcode/{{{soap.SOAP}}}Value")
    assert value.text == "wsse:FailedAuthentication" and value.nsmap["wsse"] == soap.WSSE       # a QName, so its prefix has to be known


def test_multipart_bodies():
    parts = [mime.Part({"Content-Type": "a/b"}, b"one\r\n"), mime.Part({}, b"")]
    boundary = mime.boundary([b"one"])
    assert [part.content for part in mime.split(mime.join(parts, boundary), boundary)] == [b"one\r\n", b""]
    assert mime.parameters('Multipart/Related; Type="a/b"; boundary=x') == ("multipart/related", {"type": "a/b", "boundary": "x"})
    assert mime.parameters("") == ("", {})
