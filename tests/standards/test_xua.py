"""Assertions of users: made, read, and refused when anything about them is wrong."""

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards import soap, xml, xua
from coursekit.standards.xds.metadata import Code
from coursekit.standards.xua import SAML, SIGNATURE, Assertion, Assertions, Refused
from coursekit.systems.certificates import Authority

STS, DOMAIN, NOW = "urn:nmh:sts", "urn:oid:2.999.1.9", "20250407060000"
KOE = Assertion("koe", STS, "K", "Anna Köhler", "HVGH", "urn:oid:2.999.1.1", "urn:oid:2.999.1.8", (
    Code("RADIOLOGIST", "2.999.1.9.16", "radiologist"), Code("46255001", "2.16.840.1.113883.6.96")),
    Code("TREAT", "2.16.840.1.113883.5.8", "treatment"), "NM1^^^&2.999.1.9&ISO", "urn:oid:2.999.1.9.20.1")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """(certificate, key) of the issuer, and of another whom nobody trusts under that name."""
    authority = Authority(tmp_path_factory.mktemp("keys"))
    return authority.issue("STS")[:2], authority.issue("MALLORY")[:2], authority.issue("OLD", days=1)[:2]


@pytest.fixture
def made(keys):
    return xua.make(KOE, *keys[0], [DOMAIN, "urn:other"], NOW)


def accepting(keys, now=NOW, **how):
    return Assertions({STS: keys[0][0]}, [DOMAIN], clock=lambda: now, **how)


def sent(*assertions):
    """The headers as a server reads them of a message with these assertions in its security header."""
    message = soap.Message("urn:x", etree.Element("b"), headers=[header := xua.header(assertions[0])])
    header.extend(deepcopy(one) for one in assertions[1:])
    return soap.read(*message.encode("http://127.0.0.1/")).headers


def refusal(keys, *assertions, **how):
    with pytest.raises(Refused) as raised:
        accepting(keys, **how).read(sent(*assertions))
    assert raised.value.code == "Sender" and str(raised.value).endswith(".")
    return raised.value.subcode


def test_what_was_said_is_read(keys, made):
    assert accepting(keys).read(sent(made)) == KOE and KOE.audited == "K<koe@urn:nmh:sts>"
    assert accepting(keys, "20250407065959").read(sent(made)) == KOE
    short = Assertion("koe", STS)
    assert accepting(keys).read(sent(xua.make(short, *keys[0], [DOMAIN], NOW))) == short
    again = soap.Message("urn:x", etree.Element("b"), headers=[xua.header(xua.token(sent(made)))])         # passed on by a gateway
    assert accepting(keys).read(soap.read(*again.encode("http://127.0.0.1/")).headers) == KOE


def test_statements_and_attributes_may_be_repeated(keys, made):
    statement = made.find(f"{{{SAML}}}AttributeStatement")
    second = deepcopy(statement)
    for attribute in second:
        if attribute.get("Name") != xua.ATTRIBUTES["roles"][0]:
            second.remove(attribute)
    second[0][1][0].set("code", "NURSE")
    statement.addnext(second)
    assert [one.code for one in xua._attributes(made)["roles"]] == ["RADIOLOGIST", "46255001", "NURSE"]
    other = Assertion("koe", STS, name="A")
    twice = xua.make(other, *keys[0], [DOMAIN], NOW)
    twice.find(f"{{{SAML}}}AttributeStatement").append(xua.make(other._replace(name="B"), *keys[0], [DOMAIN], NOW)[-1][0])
    with pytest.raises(Refused, match="several things of name"):
        xua._attributes(twice)


@pytest.mark.parametrize("now, said", [
    ("20250407055959", "not valid before"), ("20250407070000", "expired"), ("20300101000000", "expired")])
def test_when_it_holds(keys, made, now, said):
    with pytest.raises(Refused, match=said) as raised:
        accepting(keys, now).read(sent(made))
    assert raised.value.subcode == "InvalidSecurityToken"


def test_whom_it_is_for_and_from(keys, made):
    assert refusal(keys, xua.make(KOE, *keys[0], ["urn:other"], NOW)) == "InvalidSecurityToken"
    assert refusal(keys, xua.make(KOE._replace(issuer="urn:mallory"), *keys[1], [DOMAIN], NOW)) == "FailedAuthentication"
    assert refusal(keys, xua.make(KOE, *keys[1], [DOMAIN], NOW)) == "FailedCheck"      # says it is the issuer, and brings a key of its own
    with pytest.raises(Refused, match="certificate is not valid") as raised:
        Assertions({STS: keys[2][0]}, [DOMAIN], clock=lambda: NOW).read(sent(xua.make(KOE, *keys[2], [DOMAIN], NOW)))
    assert raised.value.subcode == "FailedAuthentication"
    early = "20241231000000"                                                                   # before the certificate of the issuer
    assert refusal(keys, xua.make(KOE, *keys[0], [DOMAIN], early), now=early) == "FailedAuthentication"


def test_whether_there_is_one(keys, made):
    optional = accepting(keys, required=False)
    assert optional.read([]) is None and optional.read(sent(made)) == KOE
    with pytest.raises(Refused) as raised:
        accepting(keys).read([])
    assert raised.value.subcode == "InvalidSecurity"
    password = etree.Element(f"{{{soap.WSSE}}}Security")
    etree.SubElement(password, f"{{{soap.WSSE}}}UsernameToken")
    with pytest.raises(Refused) as raised:
        accepting(keys).read([password])
    assert raised.value.subcode == "UnsupportedSecurityToken"


# What an attacker would try

def test_two_assertions(keys, made):
    assert refusal(keys, made, made) == "InvalidSecurity"
    assert refusal(keys, made, xua.make(KOE, *keys[1], [DOMAIN], NOW)) == "InvalidSecurity"
    with pytest.raises(Refused):
        accepting(keys).read([*sent(made), *sent(made)])


@pytest.mark.parametrize("change", [
    lambda made: made.find(f"{{{SAML}}}Subject/{{{SAML}}}NameID").__setattr__("text", "director"),
    lambda made: made.find(f"{{{SAML}}}Conditions").set("NotOnOrAfter", "2099-01-01T00:00:00Z"),
    lambda made: next(made.iter("{urn:hl7-org:v3}Role")).set("code", "PHYSICIAN"),
    lambda made: made.set("ID", "_other"),
    lambda made: made.find(f"{{{SAML}}}AttributeStatement").append(deepcopy(made.find(f"{{{SAML}}}AttributeStatement")[0])),
    lambda made: made.find(f"{{{SIGNATURE}}}Signature/{{{SIGNATURE}}}SignatureValue").__setattr__("text", "AAAA"),
    lambda made: next(made.iter(f"{{{SIGNATURE}}}DigestValue")).__setattr__("text", "AAAA"),
    lambda made: next(made.iter(f"{{{SIGNATURE}}}Reference")).set("URI", ""),
    lambda made: made.find(f"{{{SIGNATURE}}}Signature/{{{SIGNATURE}}}SignedInfo").clear(),
])
def test_a_change_is_noticed(keys, made, change):
    change(made)
    assert refusal(keys, made) in ("FailedCheck", "UnsupportedAlgorithm")


def test_without_a_signature(keys, made):
    signature = made.find(f"{{{SIGNATURE}}}Signature")
    signature.addnext(deepcopy(signature))
    assert refusal(keys, made) == "InvalidSecurityToken"
    for one in made.findall(f"{{{SIGNATURE}}}Signature"):
        made.remove(one)
    assert refusal(keys, made) == "InvalidSecurityToken"


@pytest.mark.parametrize("algorithm", ["http://www.w3.org/2000/09/xmldsig#none", "", "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                                       "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"])
def test_another_algorithm(keys, made, algorithm):
    next(made.iter(f"{{{SIGNATURE}}}SignatureMethod")).set("Algorithm", algorithm)
    assert refusal(keys, made) == "UnsupportedAlgorithm"


def test_the_certificate_is_no_secret(keys, made):
    """HMAC with what everybody knows, the issuer's certificate, as its key."""
    from signxml import XMLSigner

    signature = made.find(f"{{{SIGNATURE}}}Signature")
    signature.clear()
    signature.set("Id", "placeholder")
    for known in (Path(keys[0][0]).read_bytes(), b""):
        forged = XMLSigner(signature_algorithm="hmac-sha256", c14n_algorithm=xua.EXCLUSIVE).sign(
            deepcopy(made), key=known or b"\0", reference_uri=made.get("ID"))
        assert refusal(keys, forged) == "UnsupportedAlgorithm"


def evil(made):
    """The same assertion, of another user."""
    other = deepcopy(made)
    other.find(f"{{{SAML}}}Subject/{{{SAML}}}NameID").text = "director"
    return other


def test_a_wrapped_signature(keys, made):
    """The signed assertion stays in the message, where nobody looks; another one stands where it is read."""
    inside = f"{{{SIGNATURE}}}Signature"
    original = deepcopy(made)
    for with_id in (made.get("ID"), "_evil"):
        # the original in an Object of the signature of the evil one, with the same ID and with another
        wrapped = evil(made)
        wrapped.set("ID", with_id)
        etree.SubElement(wrapped.find(inside), f"{{{SIGNATURE}}}Object").append(deepcopy(original))
        assert refusal(keys, wrapped) == "InvalidSecurity"                                      # two assertions in one header
        # and past that gate, too
        with pytest.raises(Refused):
            accepting(keys).check(wrapped)
        # the original beside its signature, which the evil one has taken over: the signature as such holds good
        taken = evil(made)
        taken.set("ID", with_id)
        bare = deepcopy(original)
        bare.remove(bare.find(inside))
        taken.append(bare)
        with pytest.raises(Refused) as raised:
            accepting(keys).check(taken)
        assert raised.value.subcode == "FailedCheck"
        # the evil one around the original, without a signature of its own
        around = evil(made)
        around.set("ID", with_id)
        around.remove(around.find(inside))
        around.append(deepcopy(original))
        for read in (lambda: accepting(keys).read(sent(around)), lambda: accepting(keys).check(around)):
            with pytest.raises(Refused):
                read()


def test_another_assertion_elsewhere_in_the_message_does_not_count(keys, made):
    elsewhere = etree.Element("{urn:x}Other")
    elsewhere.append(evil(made))
    message = soap.Message("urn:x", evil(made), headers=[elsewhere, xua.header(made)])
    assert accepting(keys).read(soap.read(*message.encode("http://127.0.0.1/")).headers).user == "koe"
    hidden = soap.Message("urn:x", etree.Element("b"), headers=[(wrapper := etree.Element(f"{{{soap.WSSE}}}Security"))])
    etree.SubElement(wrapper, "{urn:x}Other").append(deepcopy(made))
    with pytest.raises(Refused):
        accepting(keys).read(hidden.headers)


def test_a_comment_cuts_no_name_short(keys):
    """koe.evil is signed, and a comment is put in: it does not count for the signature, and a careless reader stops at it."""
    made = xua.make(KOE._replace(user="koe.evil"), *keys[0], [DOMAIN], NOW)
    octets = etree.tostring(xua.header(made)).replace(b"koe.evil", b"koe<!-- -->.evil")
    for element in (xml.parse(octets), etree.fromstring(octets)):                        # as a server reads it, and with the comment kept
        assert accepting(keys).read([element]).user == "koe.evil"


@pytest.mark.parametrize("path, said", [
    (f"{{{SAML}}}Conditions", "no Conditions"), (f"{{{SAML}}}Conditions/{{{SAML}}}AudienceRestriction", "another audience"),
    (f"{{{SAML}}}AuthnStatement", "authenticated"), (f"{{{SAML}}}Subject/{{{SAML}}}SubjectConfirmation", "bearer"),
    (f"{{{SAML}}}Subject/{{{SAML}}}NameID", "names no user"),
])
def test_what_an_assertion_needs(keys, monkeypatch, made, path, said):
    monkeypatch.setattr(xua, "_signed", lambda element, *_: element)                            # as if its issuer had signed it so
    lacking = made.find(path)
    lacking.getparent().remove(lacking)
    with pytest.raises(Refused, match=said):
        accepting(keys).read(sent(made))


def test_conditions_that_are_not_understood(keys, monkeypatch, made):
    monkeypatch.setattr(xua, "_signed", lambda element, *_: element)
    conditions = made.find(f"{{{SAML}}}Conditions")
    etree.SubElement(conditions, f"{{{SAML}}}OneTimeUse")
    assert accepting(keys).read(sent(made)) == KOE
    etree.SubElement(conditions, "{urn:x}MoonPhase")
    with pytest.raises(Refused, match="MoonPhase"):
        accepting(keys).read(sent(made))
    conditions.set("NotBefore", "yesterday")
    with pytest.raises(Refused, match="no time"):
        accepting(keys).read(sent(made))


def test_nothing_is_loaded_before_it_is_used():
    code = "import sys, coursekit.systems.gateways; print(*(name for name in ('signxml', 'cryptography', 'lxml') if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
