"""The map of an affinity domain, and the messages of an exchange."""

import re

from coursekit.figures.affinity_domain import MOST_LINES, domain_map, messages
from coursekit.standards.xds import facts
from coursekit.systems import document_sharing, mllp
from coursekit.systems.registry import Registry
from coursekit.systems.system import Journal

PATIENT = "NM100017^^^&2.999.1.9&ISO"


def asked(registry, count=1):
    for _ in range(count):
        document_sharing.query(registry.url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [facts.APPROVED]}, sender="ECC_PORTAL")


def test_boxes_and_arrows_are_told():
    picture = domain_map({"HV_VNA": ("Imaging Document Source", "2.999.1.1.71", 0, 0), "NMH_REGISTRY": ("Document Registry", "", 1, 1)},
                         [("HV_VNA", "NMH_REGISTRY", "RAD-68\nmanifest"), ("NMH_REGISTRY", "HV_VNA", "none", 0.3)], "Two of them")
    assert picture.png.startswith(b"\x89PNG")
    assert picture.says == ("Two of them. Map of actors: HV_VNA, Imaging Document Source, 2.999.1.1.71; NMH_REGISTRY, Document Registry. "
                            "Transactions: HV_VNA to NMH_REGISTRY: RAD-68 manifest; NMH_REGISTRY to HV_VNA: none.")


def test_each_message_has_its_parts_named_and_looks_the_same_on_each_run():
    seen = []
    for _ in range(2):
        with Registry() as registry:
            registry.know(PATIENT)
            asked(registry)
            text = "\r".join(["MSH|^~\\&|HIS|HVGH|NMH_REGISTRY|NMH|20250407060000||ADT^A04|X1|P|2.3.1", "EVN|A04|20250407060000",
                              "PID|||NM100018^^^NMH&2.999.1.9&ISO||TESTER^TINA", "PV1||N"])
            mllp.send("127.0.0.1", registry.hl7_port, text)
            shown = messages(registry.journal)
        seen.append((repr(shown), shown._repr_html_()))
    assert seen[0] == seen[1]
    text, page = seen[0]
    for part in ("ECC_PORTAL -> NMH_REGISTRY  ITI-18", "SOAP message: SOAP Header", "SOAP Body: AdhocQueryRequest", "SOAP Body: AdhocQueryResponse",
                 "PID: patient", "MSA: acknowledgement"):
        assert part in text
    assert page.count("<details>") == page.count("<summary") == 4
    assert f"{facts.QUERIES['FindDocuments'].id.removeprefix('urn:uuid:')} [FindDocuments]" in page and "urn:uuid:uuid-1" in page
    assert "<rim:" not in page and "&lt;rim:" in page                   # a message is text in the page, not part of it
    assert not re.search(r"127\.0\.0\.1", page)


def test_documents_of_a_package_and_long_bodies():
    from lxml import etree

    from coursekit.standards.soap import Message

    body = etree.Element("{urn:x}Long")
    for number in range(MOST_LINES + 7):
        etree.SubElement(body, "{urn:x}Line").text = str(number)
    message = Message("urn:x:do", body)
    for octets in (b"\0" * 128 + b"DICM...", b"%PDF-1.7", b"<a/>", b"?"):
        message.attach(etree.SubElement(body, "{urn:x}Document"), octets)
    journal = Journal()
    journal.add("A", "B", "ITI-41", data=message)
    journal.add("B", "A", "soap:Fault", "Sender: <no>")
    shown = messages(journal)
    for number, kind in enumerate(("a DICOM file", "a PDF", "XML", "a document"), 1):
        assert f"MTOM part {number}: {kind}" in repr(shown)
    assert "lines more" in shown._repr_html_() and "Sender: &lt;no&gt;" in shown._repr_html_() and "SOAP Body: Long" in repr(shown)
    assert "Nothing has been said" in repr(messages([])) and "Nothing has been said" in messages([])._repr_html_()
