"""The affinity domain as a whole: what one actor gets, the others have."""

from io import BytesIO

from pydicom import dcmread

from coursekit.standards.xds import facts
from coursekit.systems import document_sharing
from coursekit.systems.affinity_domain import REPOSITORY, AffinityDomain
from coursekit.systems.imaging_source import retrieve_images
from coursekit.systems.registry import Registry
from coursekit.systems.scu import Scu
from tests.systems.conftest import ct

PATIENT, LOCAL = "NM100017^^^&2.999.1.9&ISO", "HV100001^^^&2.999.1.1&ISO"
STUDY = "2.999.7"


def test_from_the_scanner_to_another_hospital():
    with AffinityDomain() as domain:
        assert repr(domain) == "<affinity domain Northmere runs: 0 events>"
        domain.registry.know(PATIENT)
        assert Scu("CT2", "HV_VNA", domain.archive.port).store([ct(1), ct(2)]) == [0, 0]
        published = domain.source.publish(STUDY, domain.repository.url, PATIENT, LOCAL, "2.999.7.900", "20250407060000")
        assert published.status == facts.SUCCESS, published.problems
        found = document_sharing.query(domain.registry.url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [facts.APPROVED]}, sender="ECC_PORTAL")
        (entry,) = found.entries
        assert entry["repositoryUniqueId"] == REPOSITORY
        fetched = document_sharing.retrieve(domain.repository.url, [(REPOSITORY, entry["uniqueId"])], sender="ECC_PORTAL")
        manifest = dcmread(BytesIO(fetched.documents[0].octets))
        images = retrieve_images(domain.source.url, manifest, sender="ECC_PORTAL")
        assert images.status == facts.SUCCESS and len(images.documents) == 2
        assert [event.what for event in domain.journal if event.source == "ECC_PORTAL"] == ["ITI-18", "ITI-43", "RAD-69"]
        through = document_sharing.ask(domain.gateway.url, "ITI-38", found.request.body)
        assert [one["homeCommunityId"] for one in through.entries] == [domain.home]
        assert domain.trail.settle(10) and sorted(domain.trail.records()[["host", "event_type"]].itertuples(index=False, name=None)) == [
            ("hv-repository", "ITI-41"), ("hv-repository", "ITI-42"), ("hv-repository", "ITI-43"), ("hv-vna", "ITI-41"), ("hv-vna", "RAD-69"),
            ("nmh-gateway", "ITI-18"), ("nmh-gateway", "ITI-38"), ("nmh-registry", "ITI-18"), ("nmh-registry", "ITI-18"),
            ("nmh-registry", "ITI-42")]
    assert "is stopped" in repr(domain)


def test_another_registry_takes_its_place(tmp_path):
    own = Registry("MY_REGISTRY", folder=tmp_path)
    with AffinityDomain(registry=own) as domain:
        assert domain.registry is own and domain.repository.registry == own.url
    assert "is stopped" in repr(own)
