"""The lessons: one module per notebook, same name, holding its exercises as `lesson`."""

import difflib
import importlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from coursekit.errors import CourseError


@dataclass(frozen=True)
class Entry:
    """A lesson in the catalogue: known without loading it.

    id       : "cpas-06"
    title    : its name
    notebook : where its notebook lies under `notebooks/`
    """

    id: str
    title: str
    notebook: PurePosixPath

    @property
    def module(self):
        """The name of its module."""
        return f"coursekit.lessons.{self.notebook.stem.removeprefix('0_')}"


_CATALOGUE = (
    Entry("start", "Start here", PurePosixPath("0_start_here.ipynb")),
    Entry(
        "cpas-01",
        "Reading DICOM headers and pixel data",
        PurePosixPath("1_associate/cpas_01_headers_and_pixel_data.ipynb"),
    ),
    Entry("cpas-02", "Reading the request: body systems, medical terms, exam names", PurePosixPath("1_associate/cpas_02_medical_terms.ipynb")),
    Entry("cpas-03", "Positioning, planes and view codes", PurePosixPath("1_associate/cpas_03_positioning.ipynb")),
    Entry("cpas-04", "The modalities: how their images look and how they work", PurePosixPath("1_associate/cpas_04_modalities.ipynb")),
    Entry("cpas-05", "Relational databases", PurePosixPath("1_associate/cpas_05_relational_databases.ipynb")),
    Entry("cpas-06", "Statistics from the PACS database", PurePosixPath("1_associate/cpas_06_sql_statistics.ipynb")),
    Entry("cpas-07", "Broken and unverified studies", PurePosixPath("1_associate/cpas_07_broken_studies.ipynb")),
    Entry("cpas-08", "Hanging protocols by body part and view code", PurePosixPath("1_associate/cpas_08_hanging_protocols.ipynb")),
    Entry("cpas-09", "Prefetching and routing", PurePosixPath("1_associate/cpas_09_prefetching.ipynb")),
    Entry("cpas-10", "Networking technology", PurePosixPath("1_associate/cpas_10_networks.ipynb")),
    Entry("cpas-11", "A new workstation: IP address, port, ping, tracert", PurePosixPath("1_associate/cpas_11_new_workstation.ipynb")),
    Entry("cpas-12", "UNIX: find the configuration file on a PACS server", PurePosixPath("1_associate/cpas_12_unix_server.ipynb")),
    Entry("cpas-13", "MS-DOS and Windows at the workstation", PurePosixPath("1_associate/cpas_13_windows.ipynb")),
    Entry("cpas-14", "Low-level logs and configuration in hex and binary", PurePosixPath("1_associate/cpas_14_hex_and_binary.ipynb")),
    Entry("cpas-15", "Storage hardware: RAID, SAN, NAS", PurePosixPath("1_associate/cpas_15_storage.ipynb")),
    Entry("cpas-16", "Security basics", PurePosixPath("1_associate/cpas_16_security.ipynb")),
    Entry("cpas-17", "A morning at the associate's desk", PurePosixPath("1_associate/cpas_17_morning_at_the_desk.ipynb")),
    Entry("cpsa-01", "Audit trails", PurePosixPath("2_system_analyst/cpsa_01_audit_trails.ipynb")),
    Entry("cpsa-02", "Reject analysis", PurePosixPath("2_system_analyst/cpsa_02_reject_analysis.ipynb")),
    Entry("cpsa-03", "Test plates and workstation test patterns", PurePosixPath("2_system_analyst/cpsa_03_test_patterns.ipynb")),
    Entry("cpsa-06", "Storage, performance and capacity", PurePosixPath("2_system_analyst/cpsa_06_storage_capacity.ipynb")),
    Entry("ciip-02", "Migration from one vendor to another", PurePosixPath("3_informatics_professional/ciip_02_migration.ipynb")),
    Entry("ciip-04", "Evaluating the answers to a request for proposals", PurePosixPath("3_informatics_professional/ciip_04_rfp_responses.ipynb")),
    Entry("cpia-01", "Acceptance test of a new release", PurePosixPath("4_interface_analyst/cpia_01_acceptance_test.ipynb")),
    Entry("cpia-02", "Random connectivity problems with a network sniffer", PurePosixPath("4_interface_analyst/cpia_02_network_sniffer.ipynb")),
    Entry("cpia-03", "From the HL7 order to the DICOM worklist", PurePosixPath("4_interface_analyst/cpia_03_order_to_worklist.ipynb")),
    Entry("cpia-06", "A new modality and what its images must say", PurePosixPath("4_interface_analyst/cpia_06_modality_content.ipynb")),
    Entry("cpia-07", "Conformance statements, read and proven", PurePosixPath("4_interface_analyst/cpia_07_conformance_statements.ipynb")),
    Entry("hl7-01", "Programming an interface engine", PurePosixPath("5_hl7_specialist/hl7_01_interface_engine.ipynb")),
    Entry("hl7-02", "The hospital's own extensions: Z segments", PurePosixPath("5_hl7_specialist/hl7_02_z_segments.ipynb")),
    Entry("hl7-05", "Conformance profiles", PurePosixPath("5_hl7_specialist/hl7_05_conformance_profiles.ipynb")),
    Entry("chea-02", "A private HIE and the VNA", PurePosixPath("6_enterprise_architect/chea_02_private_hie.ipynb")),
    Entry("chea-03", "Image exchange scenarios", PurePosixPath("6_enterprise_architect/chea_03_exchange_scenarios.ipynb")),
    Entry("chea-05", "Import and export of images", PurePosixPath("6_enterprise_architect/chea_05_import_export.ipynb")),
    Entry("chea-08", "Patient identity and the XDS family", PurePosixPath("6_enterprise_architect/chea_08_identity_and_xds.ipynb")),
)


def catalogue():
    """The lessons in the order of the ladder, as a list of Entry."""
    return list(_CATALOGUE)


def entry(id):
    """The catalogue's Entry of a lesson. Raises CourseError with a sentence when there is none."""
    wanted = str(id).strip().casefold().replace("_", "-")
    for one in _CATALOGUE:
        if one.id == wanted:
            return one
    close = difflib.get_close_matches(wanted, [one.id for one in _CATALOGUE], n=1, cutoff=0.4)
    hint = f" Did you mean `{close[0]}`?" if close else ""
    raise CourseError(f"The course has no lesson `{id}`.{hint} Its lessons are {', '.join(one.id for one in _CATALOGUE)}.")


def load(id):
    """The Lesson with its exercises. Raises CourseError when there is none of that id."""
    return importlib.import_module(entry(id).module).lesson
