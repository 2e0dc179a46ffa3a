"""SOAP 1.2 with WS-Addressing, plain and as an MTOM package: how IHE's document sharing talks (IHE ITI TF-2 Appendix V).

    octets, content_type = Message(action, body).encode(to=url)
    message = read(octets, content_type)
    message.body, message.octets(element)            # an element; the bytes of a document, wherever the package holds them

Sources: SOAP 1.2 part 1; WS-Addressing 1.0; MTOM and XOP 1.0 (W3C); RFC 2387, 2392; ITI TF-2 V.3 (headers), V.8 (MTOM), V.9.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from urllib.parse import unquote

from coursekit.errors import CourseError
from coursekit.standards import mime, xml

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
ANONYMOUS = "http://www.w3.org/2005/08/addressing/anonymous"
XOP = "http://www.w3.org/2004/08/xop/include"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
SOAP_TYPE, XOP_TYPE = "application/soap+xml", "application/xop+xml"


class BadSoap(CourseError, ValueError):
    """What is no SOAP message that can be acted on.

    code : the local name of the fault that answers it (SOAP 1.2 part 1, 5.4.6)
    """

    def __init__(self, sentence, code="Sender"):
        super().__init__(sentence)
        self.code = code


class Fault(CourseError):
    """A SOAP fault, as one side says it and the other gets it.

    code    : "Sender", "Receiver", "MustUnderstand" or "VersionMismatch"
    reason  : a sentence
    subcode : of WS-Security, such as "FailedAuthentication" (WSS SOAP Message Security 1.1, 12), or ""
    """

    def __init__(self, reason, code="Sender", subcode=""):
        super().__init__(reason)
        self.code, self.reason, self.subcode = code, reason, subcode


@dataclass
class Message:
    """A message.

    action      : wsa:Action, which says what the message is for
    body        : the element inside soap:Body (lxml)
    message_id  : wsa:MessageID; a new one is made if None
    relates_to  : of an answer, the MessageID of what it answers
    reply_to    : wsa:ReplyTo; None if it is missing
    attachments : {Content-ID without angle brackets: bytes} of an MTOM package
    packaged    : whether it came as an MTOM package, or is to go as one
    headers     : other header elements (lxml), such as wsse:Security
    user        : whom an assertion in wsse:Security speaks of (an ``xua.Assertion``), once it was checked
    """

    action: str
    body: object
    message_id: str | None = None
    relates_to: str | None = None
    reply_to: str | None = ANONYMOUS
    attachments: dict = field(default_factory=dict)
    packaged: bool = False
    headers: list = field(default_factory=list)
    user: object = None

    def attach(self, element, octets):
        """Put bytes into the package, and a reference to them into the element (XOP 3.1)."""
        from lxml import etree

        name = f"document{len(self.attachments) + 1}@{uuid.uuid4().hex}"
        self.attachments[name] = bytes(octets)
        element.text = None
        etree.SubElement(element, f"{{{XOP}}}Include", href=f"cid:{name}", nsmap={"xop": XOP})
        self.packaged = True

    def octets(self, element):
        """The bytes of an element that holds base64Binary: those that an xop:Include refers to, or the text decoded.

        Raises BadSoap when the reference leads nowhere, or the text is no base64.
        """
        include = element.find(f"{{{XOP}}}Include")
        if include is not None:
            reference = include.get("href", "")
            # The Content-ID may have been percent-encoded to make a URL of it (RFC 2392), or not.
            for name in (reference.removeprefix("cid:"), unquote(reference.removeprefix("cid:"))):
                if name in self.attachments:
                    return self.attachments[name]
            raise BadSoap(f"xop:Include refers to {reference!r}, and the package has no part of that Content-ID.")
        try:
            return base64.b64decode("".join((element.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            raise BadSoap("A document is no base64.") from None

    def inlined(self):
        """The body with each xop:Include replaced by the base64 that it stands for, as a schema wants it (XOP 3.2)."""
        from copy import deepcopy

        body = deepcopy(self.body)
        for include in list(body.iter(f"{{{XOP}}}Include")):
            holder = include.getparent()
            octets = self.octets(holder)
            holder.remove(include)
            holder.text = base64.b64encode(octets).decode("ascii")
        return body

    def envelope(self, to=None):
        """The soap:Envelope element."""
        from lxml import etree

        root = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP, "wsa": ADDRESSING})
        header = etree.SubElement(root, f"{{{SOAP}}}Header")
        action = etree.SubElement(header, f"{{{ADDRESSING}}}Action", {f"{{{SOAP}}}mustUnderstand": "true"})
        action.text = self.action
        self.message_id = self.message_id or f"urn:uuid:{uuid.uuid4()}"
        etree.SubElement(header, f"{{{ADDRESSING}}}MessageID").text = self.message_id
        if self.relates_to:
            etree.SubElement(header, f"{{{ADDRESSING}}}RelatesTo").text = self.relates_to
        elif self.reply_to:
            etree.SubElement(etree.SubElement(header, f"{{{ADDRESSING}}}ReplyTo"), f"{{{ADDRESSING}}}Address").text = self.reply_to
        if to:
            etree.SubElement(header, f"{{{ADDRESSING}}}To").text = to
        header.extend(self.headers)
        etree.SubElement(root, f"{{{SOAP}}}Body").append(self.body)
        return root

    def encode(self, to=None):
        """(bytes, Content-Type) as they go over HTTP."""
        octets = xml.encode(self.envelope(to))
        if not self.packaged:
            return octets, f'{SOAP_TYPE}; charset=UTF-8; action="{self.action}"'
        boundary = mime.boundary([octets, *self.attachments.values()])
        root = f"root@{uuid.uuid4().hex}"
        parts = [mime.Part({"Content-Type": f'{XOP_TYPE}; charset=UTF-8; type="{SOAP_TYPE}"', "Content-Transfer-Encoding": "binary",
                            "Content-ID": f"<{root}>"}, octets)]
        parts += [mime.Part({"Content-Type": "application/octet-stream", "Content-Transfer-Encoding": "binary",
                             "Content-ID": f"<{name}>"}, content) for name, content in self.attachments.items()]
        kind = (f'multipart/related; boundary="{boundary}"; type="{XOP_TYPE}"; start="<{root}>"; start-info="{SOAP_TYPE}"; '
                f'action="{self.action}"')
        return mime.join(parts, boundary), kind


def read(octets, content_type):
    """The Message that a body of HTTP holds. A soap:Fault is raised as Fault.

    Raises BadSoap with a sentence when it is no SOAP 1.2, has no wsa:Action, or says in HTTP another action than in its header.
    """
    kind, given = mime.parameters(content_type)
    attachments, packaged = {}, kind == "multipart/related"
    if packaged:
        octets, attachments = _unpacked(octets, given)
    elif kind not in (SOAP_TYPE, "text/xml", "application/xml"):
        raise BadSoap(f"The Content-Type {kind or 'is missing'!r} is neither {SOAP_TYPE} nor multipart/related.")
    try:
        root = xml.parse(octets)
    except xml.BadXml as problem:
        raise BadSoap(str(problem)) from None
    if root.tag != f"{{{SOAP}}}Envelope":
        older = root.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
        raise BadSoap("It is SOAP 1.1; IHE's document sharing uses SOAP 1.2." if older else "The root element is no SOAP 1.2 Envelope.",
                      "VersionMismatch" if older else "Sender")
    header, body = root.find(f"{{{SOAP}}}Header"), root.find(f"{{{SOAP}}}Body")
    if body is None or len(body) != 1:
        raise BadSoap("The Body of the Envelope has to hold one element.")
    if body[0].tag == f"{{{SOAP}}}Fault":
        raise _fault(body[0])

    def text(name):
        found = header.find(f"{{{ADDRESSING}}}{name}") if header is not None else None
        return (found.text or "").strip() or None if found is not None else None

    action = text("Action")
    if not action:
        raise BadSoap("wsa:Action is missing in the Header (WS-Addressing).")
    if given.get("action", action) != action:
        raise BadSoap("The action of the Content-Type is another than wsa:Action.")
    reply = header.find(f"{{{ADDRESSING}}}ReplyTo/{{{ADDRESSING}}}Address")
    others = [one for one in header if not str(one.tag).startswith(f"{{{ADDRESSING}}}")]
    return Message(action, body[0], text("MessageID"), text("RelatesTo"), (reply.text or "").strip() if reply is not None else None,
                   attachments, packaged, others)


def _unpacked(octets, given):
    """The root part of an MTOM package, and its other parts by Content-ID."""
    if not given.get("boundary"):
        raise BadSoap("The Content-Type multipart/related names no boundary.")
    parts = mime.split(octets, given["boundary"])
    if not parts:
        raise BadSoap("The package has no part behind the boundary that its Content-Type names.")
    named = {part.headers.get("content-id", "").strip("<> "): part for part in parts}
    root = named.get(given.get("start", "").strip("<> "), parts[0])              # without `start` it is the first (RFC 2387 3.2)
    if mime.parameters(root.headers.get("content-type"))[0] != XOP_TYPE:
        raise BadSoap(f"The root part of the package is no {XOP_TYPE}.")
    attachments = {}
    for name, part in named.items():
        if part is not root:
            attachments[name] = _decoded(part)
    return root.content, attachments


def _decoded(part):
    how = part.headers.get("content-transfer-encoding", "binary").lower()
    if how in ("binary", "8bit", "7bit"):
        return part.content
    if how == "base64":
        try:
            return base64.b64decode(part.content)
        except binascii.Error:
            raise BadSoap("A part of the package is no base64, though it says so.") from None
    raise BadSoap(f"A part of the package has the Content-Transfer-Encoding {how!r}; binary is usual.")


def _fault(element):
    code = (element.findtext(f"{{{SOAP}}}Code/{{{SOAP}}}Value") or "").strip().rpartition(":")[2] or "Receiver"
    subcode = (element.findtext(f"{{{SOAP}}}Code/{{{SOAP}}}Subcode/{{{SOAP}}}Value") or "").strip().rpartition(":")[2]
    reason = (element.findtext(f"{{{SOAP}}}Reason/{{{SOAP}}}Text") or "no reason given").strip()
    return Fault(reason, code, subcode)


def fault(code, reason, relates_to=None, subcode=""):
    """A soap:Fault as (bytes, Content-Type) (SOAP 1.2 part 1, 5.4), with a subcode of WS-Security if it has one."""
    from lxml import etree

    element = etree.Element(f"{{{SOAP}}}Fault", nsmap={"soap": SOAP, "wsse": WSSE} if subcode else {"soap": SOAP})
    said = etree.SubElement(element, f"{{{SOAP}}}Code")
    etree.SubElement(said, f"{{{SOAP}}}Value").text = f"soap:{code}"
    if subcode:
        etree.SubElement(etree.SubElement(said, f"{{{SOAP}}}Subcode"), f"{{{SOAP}}}Value").text = f"wsse:{subcode}"
    said = etree.SubElement(etree.SubElement(element, f"{{{SOAP}}}Reason"), f"{{{SOAP}}}Text")
    said.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    said.text = reason
    return Message(f"{ADDRESSING}/fault", element, relates_to=relates_to, reply_to=None).encode()
