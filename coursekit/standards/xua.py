"""Assertions of users (IHE XUA): who asks, in which role and what for, said and signed by an issuer, in SAML 2.0.

    koe = Assertion("koe", "urn:hvgh:sts", roles=(RADIOLOGIST,), purpose=TREATMENT)
    assertion = make(koe, certificate, key, [DOMAIN], "20250407060000")
    message.headers.append(header(assertion))                                  # wsse:Security, as ITI-40 wants it
    Assertions({"urn:hvgh:sts": certificate}, [DOMAIN], clock=...).read(message.headers)                # an Assertion, or a Fault

What an assertion says is read from those bytes alone that its signature was found good for, never from the message that it came in: else a
signed element could be moved aside and another one put where the reader looks (signature wrapping).

Sources: IHE ITI TF-2 3.40 (Provide X-User Assertion); SAML 2.0 core 2.3 to 2.7, 5.4 (signatures); WSS SOAP Message Security 1.1, 12
(faults); XML Signature 1.1.
"""

import uuid
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from coursekit.standards import soap
from coursekit.standards.soap import WSSE
from coursekit.standards.xds.metadata import Code

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SIGNATURE = "http://www.w3.org/2000/09/xmldsig#"
HL7 = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
URI_NAME = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

# ITI TF-2 3.40.4.1.2: a field of Assertion, the Name of its saml:Attribute, and the element of HL7 v3 that holds its code; "" for a text
ATTRIBUTES = {
    "name": ("urn:oasis:names:tc:xspa:1.0:subject:subject-id", ""),
    "organization": ("urn:oasis:names:tc:xspa:1.0:subject:organization", ""),
    "organization_id": ("urn:oasis:names:tc:xspa:1.0:subject:organization-id", ""),
    "home": ("urn:ihe:iti:xca:2010:homeCommunityId", ""),
    "roles": ("urn:oasis:names:tc:xacml:2.0:subject:role", "Role"),
    "purpose": ("urn:oasis:names:tc:xspa:1.0:subject:purposeofuse", "PurposeOfUse"),
    "patient": ("urn:oasis:names:tc:xacml:2.0:resource:resource-id", ""),
    "policy": ("urn:ihe:iti:xua:2012:acp", ""),
}
CODE_SYSTEMS = {"2.16.840.1.113883.5.8": "ActReason", "2.16.840.1.113883.6.96": "SNOMED_CT"}    # codeSystemName; else the OID
METHODS = {             # signatures that are accepted: with a private key, and no hash older than SHA-2 (RFC 6931 2.3.2 to 2.3.6)
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
}
IGNORED = ("OneTimeUse", "ProxyRestriction")            # conditions that XUA actors may ignore (3.40.4.1.2)


class Refused(soap.Fault):
    """A security header that is not accepted; `subcode` is that of WS-Security, `reason` a sentence."""

    def __init__(self, reason, subcode="InvalidSecurityToken"):
        super().__init__(reason, "Sender", subcode)


class Assertion(NamedTuple):
    """What an issuer says of a user.

    user            : the user's identifier (NameID)
    issuer          : who says so, a URI
    alias           : what the user is called at the service (SPProvidedID)
    name            : the user's name
    organization, organization_id : where the user works; urn:oid:... or a URL
    home            : homeCommunityId of the community that asks, urn:oid:...
    roles           : tuple of Code
    purpose         : Code: what the data are for
    patient         : CX of the patient whose data are asked for
    policy          : urn:oid:... of the privacy policy that allows it
    """

    user: str
    issuer: str
    alias: str = ""
    name: str = ""
    organization: str = ""
    organization_id: str = ""
    home: str = ""
    roles: tuple = ()
    purpose: Code | None = None
    patient: str = ""
    policy: str = ""

    @property
    def audited(self):
        """UserName of an audit record: alias<user@issuer> (3.40.4.2)."""
        return f"{self.alias}<{self.user}@{self.issuer}>"


def _time(moment):
    """YYYYMMDDHHMMSS in UTC as a datetime."""
    return datetime.strptime(moment, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def make(who, certificate, key, audiences, moment, minutes=60):
    """The signed saml:Assertion (lxml) of an Assertion.

    certificate, key : the issuer's, PEM files
    audiences        : URIs of those that it is meant for
    moment           : when it is issued and begins to be valid, in UTC, YYYYMMDDHHMMSS; it is valid for so many `minutes`
    """
    from lxml import etree
    from signxml import XMLSigner

    begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in (_time(moment), _time(moment) + timedelta(minutes=minutes)))
    made = etree.Element(f"{{{SAML}}}Assertion", ID=f"_{uuid.uuid4().hex}", Version="2.0", IssueInstant=begin, nsmap={"saml": SAML})

    def add(parent, tag, text=None, **attributes):
        element = etree.SubElement(parent, f"{{{SAML}}}{tag}", {name: value for name, value in attributes.items() if value})
        element.text = text
        return element

    add(made, "Issuer", who.issuer)
    etree.SubElement(made, f"{{{SIGNATURE}}}Signature", Id="placeholder", nsmap={"ds": SIGNATURE})             # the schema wants it here
    subject = add(made, "Subject")
    add(subject, "NameID", who.user, SPProvidedID=who.alias)
    add(subject, "SubjectConfirmation", Method=BEARER)
    conditions = add(made, "Conditions", NotBefore=begin, NotOnOrAfter=end)
    restriction = add(conditions, "AudienceRestriction")
    for audience in audiences:
        add(restriction, "Audience", audience)
    add(add(add(made, "AuthnStatement", AuthnInstant=begin), "AuthnContext"), "AuthnContextClassRef", PASSWORD)
    statement = add(made, "AttributeStatement")
    for field, (name, tag) in ATTRIBUTES.items():
        value = getattr(who, field)
        values = value if field == "roles" else (value,)
        holder = add(statement, "Attribute", Name=name, NameFormat=URI_NAME) if any(values) else None
        for one in values if holder is not None else ():
            inside = add(holder, "AttributeValue", None if tag else one)
            if tag:
                coded = {"code": one.code, "codeSystem": one.scheme, "codeSystemName": CODE_SYSTEMS.get(one.scheme, one.scheme),
                         "displayName": one.display, f"{{{XSI}}}type": "CE"}
                coded = {part: text for part, text in coded.items() if text}
                etree.SubElement(inside, f"{{{HL7}}}{tag}", coded, nsmap={None: HL7, "xsi": XSI})
    if not len(statement):                              # the schema wants one attribute at least
        made.remove(statement)
    signer = XMLSigner(signature_algorithm="rsa-sha256", digest_algorithm="sha256", c14n_algorithm=EXCLUSIVE)
    return signer.sign(made, key=Path(key).read_bytes(), cert=Path(certificate).read_text("ascii"), reference_uri=made.get("ID"))


def header(assertion):
    """The wsse:Security header with an assertion (an element) as its token."""
    from lxml import etree

    made = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE})
    made.append(deepcopy(assertion))
    return made


def token(headers):
    """The saml:Assertion element in a message's headers as it came, to be passed on; None when there is none."""
    return next((one for header in headers if header.tag == f"{{{WSSE}}}Security" for one in header.iterfind(f"{{{SAML}}}Assertion")), None)


class Assertions:
    """Whose assertions a service accepts, and which.

    issuers   : {Issuer: file of its certificate, PEM}: whom it trusts
    audiences : the URIs by which it is meant: its own, and that of its affinity domain
    required  : whether a request without an assertion is refused
    clock     : a function that gives the time in UTC as YYYYMMDDHHMMSS; this machine's if None
    """

    def __init__(self, issuers, audiences, required=True, clock=None):
        self.issuers, self.audiences, self.required = dict(issuers), frozenset(audiences), required
        self._clock = clock or (lambda: datetime.now(UTC).strftime("%Y%m%d%H%M%S"))

    def read(self, headers):
        """The Assertion that a message's headers hold (lxml elements); None when they hold none and none is required. Raises Refused."""
        security = [one for one in headers if one.tag == f"{{{WSSE}}}Security"]
        found = [one for header in security for one in header.iter(f"{{{SAML}}}Assertion")]
        if len(security) > 1 or len(found) > 1:
            raise Refused(f"The message has {len(security)} security headers with {len(found)} assertions; one could be meant for another.",
                          "InvalidSecurity")
        if found and found[0].getparent() is security[0]:
            return self.check(found[0])
        if self.required and security and len(security[0]):
            raise Refused("The security header holds no SAML 2.0 assertion.", "UnsupportedSecurityToken")
        if self.required:
            raise Refused("A user's assertion is required (wsse:Security with a SAML 2.0 assertion), and there is none.", "InvalidSecurity")
        return None

    def check(self, element):
        """The Assertion of a saml:Assertion element that stands every test. Raises Refused."""
        now = _time(self._clock())
        issuer = (element.findtext(f"{{{SAML}}}Issuer") or "").strip()
        if issuer not in self.issuers:
            raise Refused(f"The issuer {issuer or 'that is not named'} is not trusted here.", "FailedAuthentication")
        signed = _signed(element, Path(self.issuers[issuer]).read_bytes(), now)
        if _text(signed, "Issuer") != issuer or signed.get("Version") != "2.0":
            raise Refused("The assertion is none of SAML 2.0, or its issuer is another.")
        confirmations = [one.get("Method") for one in signed.iterfind(f"{{{SAML}}}Subject/{{{SAML}}}SubjectConfirmation")]
        if BEARER not in confirmations:
            raise Refused("The assertion's subject is not confirmed as that of its bearer.")
        if signed.find(f"{{{SAML}}}AuthnStatement/{{{SAML}}}AuthnContext") is None:
            raise Refused("The assertion does not say how the user was authenticated (AuthnStatement).")
        self._conditions(signed.find(f"{{{SAML}}}Conditions"), now)
        user = _text(signed, f"Subject/{{{SAML}}}NameID")
        if not user:
            raise Refused("The assertion names no user (Subject/NameID).")
        return Assertion(user, issuer, signed.find(f"{{{SAML}}}Subject/{{{SAML}}}NameID").get("SPProvidedID", ""), **_attributes(signed))

    def _conditions(self, conditions, now):
        if conditions is None:
            raise Refused("The assertion has no Conditions: it would hold for ever and for everybody.")
        bounds = [_instant(conditions.get(name)) for name in ("NotBefore", "NotOnOrAfter")]
        if None in bounds:
            raise Refused("The assertion's Conditions lack NotBefore or NotOnOrAfter, or one is no time.")
        if now < bounds[0]:
            raise Refused(f"The assertion is not valid before {bounds[0]:%Y-%m-%d %H:%M:%S} UTC.")
        if now >= bounds[1]:
            raise Refused(f"The assertion has expired at {bounds[1]:%Y-%m-%d %H:%M:%S} UTC.")
        restrictions = conditions.findall(f"{{{SAML}}}AudienceRestriction")
        # Of each restriction one audience has to be this service (SAML core 2.5.1.4, erratum 46).
        if not restrictions or not all(self.audiences & {(one.text or "").strip() for one in inside} for inside in restrictions):
            raise Refused("The assertion is meant for another audience.")
        others = {one.tag.rpartition("}")[2] for one in conditions} - {"AudienceRestriction", *IGNORED}
        if others:
            raise Refused(f"The assertion has conditions that are not understood here: {', '.join(sorted(others))}.")


def _signed(element, certificate, now):
    """The saml:Assertion as its signature holds good for it: read again from the bytes that were signed. Raises Refused."""
    from cryptography import x509
    from lxml import etree
    from signxml import SignatureConfiguration, XMLVerifier
    from signxml.exceptions import InvalidCertificate, SignXMLException

    trusted = x509.load_pem_x509_certificate(certificate)
    if not trusted.not_valid_before_utc <= now <= trusted.not_valid_after_utc:
        raise Refused("The issuer's certificate is not valid at this time.", "FailedAuthentication")
    signatures = element.findall(f"{{{SIGNATURE}}}Signature")
    if len(signatures) != 1:
        raise Refused(f"The assertion has {len(signatures)} signatures; it needs one (SAML core 5.4).")
    method = signatures[0].find(f"{{{SIGNATURE}}}SignedInfo/{{{SIGNATURE}}}SignatureMethod")
    algorithm = method.get("Algorithm") if method is not None else "no method"
    if algorithm not in METHODS:
        raise Refused(f"Signatures by {algorithm} are not accepted.", "UnsupportedAlgorithm")
    try:
        # The certificate is the one that is trusted, whatever the signature's KeyInfo says; the signature is the assertion's own.
        signed = XMLVerifier().verify(element, x509_cert=trusted, expect_config=SignatureConfiguration(location="./")).signed_xml
    except InvalidCertificate:
        raise Refused("The issuer's certificate is not valid at this time.", "FailedAuthentication") from None
    except (SignXMLException, etree.LxmlError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise Refused(f"The signature does not hold good ({type(problem).__name__}).", "FailedCheck") from None
    if signed is None or signed.tag != f"{{{SAML}}}Assertion" or signed.get("ID") != element.get("ID"):
        raise Refused("The signature is one of something else than this assertion (SAML core 5.4.2).", "FailedCheck")
    return signed


def _text(parent, path):
    element = parent.find(f"{{{SAML}}}{path}")
    return element.xpath("string()").strip() if element is not None else ""


def _instant(text):
    """An xs:dateTime as a datetime in UTC, which SAML wants it to be (core 1.3.3); None for what is none."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _attributes(signed):
    """{field of Assertion: value}; statements, attributes and values may each be repeated (3.40.4.1.2)."""
    found = {}
    for attribute in signed.iterfind(f"{{{SAML}}}AttributeStatement/{{{SAML}}}Attribute"):
        field, tag = next(((field, tag) for field, (name, tag) in ATTRIBUTES.items() if name == attribute.get("Name")), (None, ""))
        for value in attribute.iterfind(f"{{{SAML}}}AttributeValue") if field else ():
            coded = value.find(f"{{{HL7}}}{tag}") if tag else None
            one = value.xpath("string()").strip() if not tag else coded is not None and Code(
                coded.get("code", ""), coded.get("codeSystem", ""), coded.get("displayName", ""))
            if one and one not in found.setdefault(field, []):
                found[field].append(one)
    several = [field for field, values in found.items() if len(values) > 1 and field != "roles"]
    if several:
        raise Refused(f"The assertion says several things of {', '.join(several)}.")
    return {field: tuple(values) if field == "roles" else values[0] for field, values in found.items() if values}
