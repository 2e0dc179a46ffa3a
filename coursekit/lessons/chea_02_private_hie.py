"""A private health information exchange and the VNA as its imaging source: the exercises of lesson chea-02."""

import contextlib
import hashlib
import io
import itertools
import json
import math
import random
import re
import tempfile
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace

from pydicom import dcmread

from coursekit.checking import Client, Config, Fields, Function, Lesson, Number, Server, Set, Table, Text
from coursekit.checking.lesson import Editions
from coursekit.checking.reading import Unclear, Unreadable, plain, short
from coursekit.checking.kinds.base import Difference
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError
from coursekit.standards.key_objects import KO_STORAGE, MANIFEST, device, fill
from coursekit.standards.xds.facts import APPROVED, ATTRIBUTES, DEPRECATED, DOCUMENT, RPLC
from coursekit.standards.xds.metadata import Code, is_oid
from coursekit.systems import document_sharing
from coursekit.systems.affinity_domain import REPOSITORY, SOURCE
from coursekit.systems.candidates import rejection_note
from coursekit.systems.imaging_source import ACCESSION, CODES, DCM, DICOM_UIDS, STUDY, ImagingSource, retrieve_images
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.store import REJECTIONS, Store, rejection

lesson = Lesson(
    "chea-02",
    title="A private HIE and the VNA",
    version=1,
    minutes=150,
    objectives=[
        "say what belongs where in an affinity domain: images, manifests, metadata, identities, and why a query comes back empty",
        "build the VNA's manifest and its metadata, publish it, replace it when the study changes, and find those gone stale",
        "judge an architecture by rules and numbers: identifiers, groupings, single points of failure, size, the time to the first image",
    ],
    covers=["Assist in developing the architecture of the private HIE and its interface with the VNA"],
    needs=["cpia-07", "hl7-01"],
)

EXPLICIT = "1.2.840.10008.1.2.1"
CT, DOSE, PDF = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.67", "1.2.840.10008.5.1.4.1.1.104.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
REGION, OURS, THEIRS = "2.999.1.9", "2.999.1.1", "2.999.1.2"            # OIDs of Northmere, Harbour Vale, Eastcliff
ECC_REPOSITORY, ECC_SOURCE = "2.999.1.2.72", "2.999.1.2.71"
FORMER = "2.999.100.40"                 # what the VNA's old configuration calls itself
NOW = "20250407053000"                  # UTC
TODAY = "20250407"
OLD_MR = {"modality": "MR", "date": "20240211"}         # what a study is that a query for the CTs of these days does not find
TYPES = {                               # Northmere's typeCodes for what our RIS calls its procedures: many to one
    "CTHD": "CTHD^^2.999.1.9.14", "CTHDC": "CTHD^^2.999.1.9.14", "CTTH": "CTCH^^2.999.1.9.14", "MRBR": "MRBR^^2.999.1.9.14",
    "XCHPA": "XCH^^2.999.1.9.14", "XCHAP": "XCH^^2.999.1.9.14",
}
UNKNOWN = ("CTHD-OLD", "XTRA9", "PETCT")                                # local codes for which Northmere has none yet
DEFAULT_TYPE = "18748-4^^2.16.840.1.113883.6.1"


def cx(number, authority):
    """A patient ID as document sharing writes it (ITI TF-3 4.2.3.1.7)."""
    return f"{number}^^^&{authority}&ISO"


def _draw(hospital, what):
    return random.Random(f"chea-02 {what} {hospital.seed}")


def _digits(draw, count=6):
    return "".join(draw.choice("123456789") for _ in range(count))


# --- Case 17

@lesson.input
def case(hospital):
    """What is known of the night: a dictionary of identifiers and times."""
    known = hospital.truth["case_17"]
    names = ("patient_id", "patient_name", "typed_id", "typed_name", "accession", "study_uid", "planned_study_uid", "study_dt_local",
             "tz_offset", "first_image_utc", "merge_refused_utc", "partner_asked_utc")
    return {name: known[name] for name in names}


@lesson.input
def region(hospital):
    """The patient of the night as Northmere knows her: a CX."""
    return cx(hospital.registry.links["HVGH", hospital.truth["case_17"]["patient_id"]], REGION)


@lesson.input
def local(hospital):
    """The same patient as Harbour Vale knows her: a CX."""
    return cx(hospital.truth["case_17"]["patient_id"], OURS)


@lesson.input
def typed(hospital):
    """What the technologist typed: a CX."""
    return cx(hospital.truth["case_17"]["typed_id"], OURS)


@lesson.input
def morning(hospital):
    """The lines of the region's log about the patient of the night, until she was found: a list of texts."""
    known = hospital.truth["case_17"]
    marks = (known["study_uid"], region(hospital))
    return [record.text for record in hospital.registry.log if any(mark in record.text for mark in marks)]


@lesson.input
def ct(hospital):
    """The CT of the night as the VNA has it since its header was repaired: a list of data sets, small in their pixels."""
    known = hospital.truth["case_17"]
    columns, rows = hospital.pacs.rows(
        "SELECT r.series_uid, r.series_no, r.modality, r.description, i.sop_uid, i.sop_class_uid, i.instance_no FROM instance i "
        "JOIN series r ON r.pk = i.series_pk JOIN study s ON s.pk = r.study_pk "
        f"WHERE s.study_uid = '{known['study_uid']}' ORDER BY r.series_no, i.instance_no")
    date, time = (text.replace("-", "").replace(":", "") for text in known["study_dt_local"].split(" "))
    shared = {"PatientName": known["patient_name"], "PatientID": known["patient_id"], "AccessionNumber": known["accession"],
              "PatientBirthDate": known["birth_date"].replace("-", ""), "PatientSex": known["sex"], "StudyDate": date, "StudyTime": time,
              "TimezoneOffsetFromUTC": known["tz_offset"], "StudyDescription": "CT HEAD", "StudyID": "17"}
    return [_object(known["study_uid"], series, sop, sop_class, modality, number, place, {**shared, "SeriesDescription": text or ""})
            for series, number, modality, text, sop, sop_class, place in rows]


def _object(study, series, sop, sop_class, modality, series_number, number, shared):
    """A DICOM object with a true header and 16 x 16 pixels; one of no images has none."""
    from pydicom.dataset import Dataset, FileMetaDataset

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = EXPLICIT
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = sop_class, sop
    made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = sop_class, sop, study, series
    made.Modality, made.SeriesNumber, made.InstanceNumber = modality, series_number, number
    for keyword, value in shared.items():
        setattr(made, keyword, value)
    if sop_class in (CT, MR):
        made.Rows = made.Columns = 16
        made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
        made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
        made.add_new("PixelData", "OW", bytes(512))
    return made


def _octets(dataset):
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@lesson.input
def refused(hospital):
    """The manifest that the VNA sent in that night, as the registry refused it: a data set."""
    from coursekit.hospital.images.ko import manifest

    return manifest(hospital)


# --- 1

ACTORS = {
    "imaging source": ("imaging document source", "hv vna", "vna", "archive", "source"),
    "repository": ("document repository", "hv repository"), "registry": ("document registry", "nmh registry"),
    "index": ("patient index", "nmh index", "pix manager", "patient identifier cross reference manager"),
    "audit repository": ("audit record repository", "audit", "audit trail", "arr", "trail"),
}
# what it is, in words; who keeps it
CORE = {
    "pixels": ("the pixel data of the head CT", "imaging source"),
    "dose": ("the dose report of the CT, an X-Ray Radiation Dose SR that the scanner made", "imaging source"),
    "manifest": ("the list of the CT's SOP Instance UIDs, a Key Object Selection", "repository"),
    "report": ("the radiologist's report of the CT, a PDF", "repository"),
    "hash": ("the SHA-1 and the size of that PDF, for whoever wants to compare", "registry"),
    "status": ("that the PDF is Approved", "registry"),
    "link": ("that an ID of Harbour Vale and one of Eastcliff are the same person", "index"),
    "who": ("for the privacy officer: who asked for her documents at 07:10Z", "audit repository"),
}
MORE = {
    "place": ("the OID of the repository from which the PDF can be had", "registry"),
    "accession": ("the accession number by which the PDF can be looked for", "registry"),
    "first": ("the first version of the PDF, after a second one has replaced it", "repository"),
    "replaced": ("that the second version replaced the first", "registry"),
}


# Of what a colleague believes, a sentence of its own: {(key, where it was put): sentence}
BELIEFS = {
    ("hash", "repository"): "The repository has the bytes and could compute both. But whoever compares asks for the entry, ITI-18, before "
    "or without fetching a byte: `hash` and `size` are attributes of the entry, and queries go to the registry.",
    ("first", "registry"): "It is old, but it is a document still: the registry remembers *that* it was replaced; its bytes stay where "
    "they were, and who cites it fetches them with ITI-43.",
    ("status", "repository"): "Approved or Deprecated changes when something replaces the document; its bytes don't change. "
    "availabilityStatus stands in the entry, which ITI-18 asks for.",
    ("link", "registry"): "The registry is told IDs of the *region*. That two hospitals' numbers are one person, it never hears.",
    ("pixels", "repository"): "The region gets a list of the images. The images themselves never leave the VNA until somebody fetches them "
    "there, RAD-69.",
    ("report", "registry"): "No query returns a byte of a document: ITI-18 answers with entries, and ITI-43 is asked elsewhere.",
    ("manifest", "imaging source"): "The VNA made it and handed it over, RAD-68. Others fetch it where documents are, with ITI-43.",
    ("manifest", "registry"): "It sounds like metadata, and is a document: a DICOM file that is fetched with ITI-43; queries do not look "
    "into it.",
    ("place", "repository"): "Who does not know where the PDF is cannot ask there. It stands in what a query returns.",
    ("accession", "repository"): "A repository is asked by uniqueId only, ITI-43. Whoever has another number, and looks for "
    "what belongs to it, queries: ITI-18.",
    ("replaced", "repository"): "The repository has two documents and does not know that they belong together: RPLC is an association "
    "between *entries*.",
    ("who", "registry"): "The registry reports what it was asked, as all do (ITI-20), and the trail is kept out of its reach.",
}


def _about(number, given, what):
    """The sentence on one thing that was put elsewhere."""
    key = next(key for key, (text, _) in (CORE | MORE).items() if text == what)
    return f"`{number}` is {what}. " + BELIEFS.get(
        (key, given), "Follow somebody who needs it: which transaction do they send, and who answers it?")


def actor(text):
    """A reading: one of the five actors, as a person may write it."""
    if type(text) is not str:
        raise ValueError(f"give one of the words {', '.join(ACTORS)}, in quotes")
    word = re.sub(r"[\s_\-]+", " ", text.strip(" '\"").casefold()).removeprefix("the ")
    for name, others in ACTORS.items():
        if word == name or word in others:
            return name
    raise ValueError(f"an actor is one of {', '.join(ACTORS)}")


def _chosen(hospital):
    """{T1: key of what it is}, in the order of this edition."""
    draw = _draw(hospital, "things")
    keys = [*CORE, *draw.sample(sorted(MORE), 2)]
    draw.shuffle(keys)
    return {f"T{number}": key for number, key in enumerate(keys, 1)}


@lesson.input
def things(hospital):
    """What has to be kept somewhere: {its number: what it is}."""
    return {number: (CORE | MORE)[key][0] for number, key in _chosen(hospital).items()}


def _put(things, **changes):
    """Who keeps each, with some put elsewhere by their keys."""
    elsewhere = {(CORE | MORE)[key][0]: where for key, where in changes.items()}
    keepers = dict((CORE | MORE).values()) | elsewhere
    return {number: keepers[what] for number, what in things.items()}


@lesson.exercise
class WhatBelongsWhere:
    """`chea02.things` lists ten things, T1 to T10, that somebody will look for. For each: **which actor keeps it**, so that a question
    about it is answered there? Give a dictionary `{"T1": "registry", ...}`. The actors are `"imaging source"`, `"repository"`,
    `"registry"`, `"index"` and `"audit repository"`.
    """

    answer = Table("where", entries=("thing", "actor"), reading={"actor": actor}, told=True,
                   remark=lambda number, column, given, right, input: _about(number.upper(), given, input("things")[number.upper()]))

    def solution(things):
        keeper = {                                      # what it is: who keeps it
            "the pixel data of the head CT": "imaging source",
            "the dose report of the CT, an X-Ray Radiation Dose SR that the scanner made": "imaging source",
            "the list of the CT's SOP Instance UIDs, a Key Object Selection": "repository",
            "the radiologist's report of the CT, a PDF": "repository",
            "the first version of the PDF, after a second one has replaced it": "repository",
            "that an ID of Harbour Vale and one of Eastcliff are the same person": "index",
            "for the privacy officer: who asked for her documents at 07:10Z": "audit repository",
        }
        where = {}
        for number in things:
            where[number] = keeper.get(things[number], "registry")      # all the rest is said *about* documents
        return where

    def images_in_the_repository(things):
        return _put(things, pixels="repository", dose="repository")

    def dose_report_in_the_repository(things):
        return _put(things, dose="repository")

    def documents_in_the_registry(things):
        return _put(things, manifest="registry", report="registry", first="registry")

    def manifest_at_the_source(things):
        return _put(things, manifest="imaging source")

    def metadata_in_the_repository(things):
        return _put(things, **dict.fromkeys(("hash", "status", "place", "accession", "replaced"), "repository"))

    def identities_in_the_registry(things):
        return _put(things, link="registry")

    def trail_in_the_registry(things):
        return _put(things, who="registry")

    def first_version_gone(things):
        return _put(things, first="registry", hash="repository")

    wrong_ways = {
        images_in_the_repository: "You put what the scanner made into the document repository. XDS-I.b publishes a *manifest* only; DICOM "
        "objects stay with the imaging document source and are fetched there, RAD-69 (RAD TF-1 18). A region that copied them would need "
        "a second archive as large as the VNA.",
        dose_report_in_the_repository: "You took the dose report for a document because it is called a report. It is a DICOM object of the "
        "study, listed in the manifest beside the images, and fetched like them (RAD TF-3 4.68.4.1.2.1).",
        documents_in_the_registry: "You put documents into the registry. It keeps what is said *about* documents; their bytes are in a "
        "repository, which ITI-43 asks (ITI TF-1 10). No query can return a byte of a document.",
        manifest_at_the_source: "The VNA makes the manifest, but does not keep it for others: it hands it to a repository with RAD-68, "
        "where it is a document like any other and is fetched with ITI-43. Only what the manifest lists stays at the VNA.",
        metadata_in_the_repository: "You left metadata in the repository. It passes them on with ITI-42; queries, ITI-18, go to the "
        "registry alone, and what is to be found has to be there (ITI TF-1 10.1.1.3).",
        identities_in_the_registry: "The registry learns from the identity feed which IDs of the *region* exist. That two hospitals' "
        "numbers are one person, it never hears: that is the index, the PIX manager, which ITI-9 asks (ITI TF-1 5).",
        trail_in_the_registry: "Each actor *reports* what it did to the audit record repository, which keeps it out of their reach "
        "(ATNA, ITI TF-1 9). A registry that kept the list of its own readers could also lose it.",
        first_version_gone: "A document that was replaced is Deprecated, not gone: its bytes stay where they were, and who cites it "
        "can still fetch it (ITI TF-3 4.2.2.2.1).",
    }
    hints = [
        "Three questions, three addresses: *what is there?* (ITI-18), *give me this document* (ITI-43), *give me these DICOM objects* "
        "(RAD-69).",
        "What would be left in each actor if all others burned down? In the registry: entries and relations, no content at all.",
        "Whatever the scanner made is a DICOM object and stays with the VNA. Whatever somebody published as a document, the manifest "
        "included, is in the repository, in all its versions.",
    ]
    praise = ("So the region can be small where the VNA is large: it holds lists and metadata. And a query that finds nothing says "
              "nothing about whether there are images.")


# --- domains for checks: the actors that a check needs, and no more

class NoOrder(Registry):
    """A registry whose answers to FindDocuments come in another order than that of registration; the profile promises none."""

    def query(self, name, given):
        """As of every registry, but what is Approved stands among what is Deprecated."""
        found = super().query(name, given)
        if name not in ("FindDocuments", "FindDocumentsByReferenceId"):
            return found
        old = [one for one in found if one["availabilityStatus"] == DEPRECATED]
        return old[:1] + [one for one in found if one["availabilityStatus"] != DEPRECATED] + old[1:]


class Consumer(Client):
    """A client that reads manifests, patient by patient; who takes another document for one is told so.

    names : of its arguments, by which a call is shown, since ports say nothing
    """

    def __init__(self, variables, names, **more):
        super().__init__(variables, called="patient", **more)
        self.names = names

    def _as_written(self, case):
        return f"`{self.variables[0]}({self.names})`"

    def _returned(self, case, value, unclear):
        if value is not None:
            return super()._returned(case, value, unclear)
        said = (f"For {case} your function returned None. Is a `return` missing? Or does it stand in a loop, where it is not reached when "
                "there is nothing to go through, or before the rest has had its turn?")
        return Verdict(Outcome.NOT_YET, said, "unreadable")

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        name, text = (*ran.raised, "", "")[:2]
        if name == "InvalidDicomError" or "Dataset' object" in text and "'CurrentRequestedProcedureEvidenceSequence'" in text:
            said = ("What came is a document, but no manifest: the patient has reports too, and not every DICOM object is a list of "
                    "images. The entry's formatCode tells them apart, before anything is fetched.")
            return Verdict(verdict.outcome, f"{verdict.message} {said}", "no_manifest")
        if name == "IndexError":
            said = ("If that list is the documents of an answer: one that brings none says why, look at its `problems`. Was the repository "
                    "asked that has the document, by its own OID?")
            return Verdict(verdict.outcome, f"{verdict.message} {said}", verdict.label)
        return verdict


def _never_found(state):
    """A sentence where no query can have found anything, which a client that looks at entries alone does not notice."""
    answers, formats = state["asked"]()
    if answers and not any(answer.startswith("Success") for answer in answers):
        return (f"The registry refused your queries: {answers[0]}. Then `entries` is empty, and it looks as if there were nothing; "
                "`problems` says what is wrong with the query. FindDocuments needs the patient and a list of statuses.")
    if formats and all(codes and not any("^^" in one for one in codes) for codes in formats):
        return ("In your queries the format code stands without its scheme. In a query a code is code, `^^` and scheme, as "
                "`Code(KO_STORAGE, DICOM_UIDS)` writes it; as it is, no entry fits, and the registry answers Success with none.")
    return ""


def _asked(registry):
    """A function that gives what a registry has answered to stored queries from now on, and the format codes that each asked for."""
    before = len(registry.journal)

    def said():
        events = list(registry.journal)[before:]
        return ([event.detail for event in events if event.what == "ITI-18 response"],
                [[value.text or "" for slot in event.data.body.iter("{*}Slot") if slot.get("name") == "$XDSDocumentEntryFormatCode"
                  for value in slot.iter("{*}Value")] for event in events if event.what == "ITI-18"])
    return said


class EitherOrder(ImagingSource):
    """An imaging source that writes an entry's references the other way round where `turned` is set; the profile promises no order."""

    turned = False

    def entry(self, *given):
        """As of every source, with the study's reference before the accession number's when `turned`."""
        made = super().entry(*given)
        return made.copy(referenceIdList=made["referenceIdList"][::-1]) if self.turned else made


class Unattended(ImagingSource):
    """An imaging source whose own publisher is switched off; what others made is sent."""

    def manifest(self, study, uid):
        """Not now."""
        raise CourseError("The VNA's own publisher is switched off until its settings are mended. Build the manifest yourself, and "
                          "send it with `domain.source.submit`.")


def _folder():
    """A folder for the objects of a check, gone at its end."""
    return tempfile.TemporaryDirectory(prefix="coursekit-chea02-", ignore_cleanup_errors=True)


@contextlib.contextmanager
def _domain(plans, patients, kind=ImagingSource, registry=Registry, oid=SOURCE, title="HV_VNA"):
    """Registry, repository and imaging source with some invented studies; what an affinity domain has, as far as it is needed here."""
    with _folder() as folder, contextlib.ExitStack() as running:
        registry = running.enter_context(registry())
        registry.know(*patients)
        repository = running.enter_context(Repository("HV_REPOSITORY", REPOSITORY, registry.url))
        store = _kept(running, folder, plans)
        source = running.enter_context(kind(store, oid, title))
        yield SimpleNamespace(registry=registry, repository=repository, source=source, archive=SimpleNamespace(store=store))


def _kept(running, folder, plans):
    """A Store with some invented studies, closed at the end."""
    store = Store(folder)
    running.callback(store.close)
    for plan in plans:
        for _, octets in _made_of(plan):
            store.put(octets)
    return store


def _invented(draw, series=2, most=3):
    """A study that the learner has not seen, with so many series of images, each of at most so many: a dictionary of plain data."""
    study = f"2.999.4.{_digits(draw, 8)}"
    number = _digits(draw)
    return {
        "study": study, "patient": cx(f"NM4{_digits(draw)}", REGION), "local": cx(f"HV{number}", OURS), "pid": f"HV{number}",
        "name": f"{draw.choice(('KELLER', 'VISSER', 'MAZUR', 'BRANDT', 'OKAFOR'))}^{draw.choice(('SANNE', 'JOAN', 'TUNDE', 'MARCO'))}",
        "accession": f"A25{_digits(draw, 8)}",
        "series": [(f"{study}.{place}", draw.randrange(1, most + 1)) for place in range(1, series + 1)],
    }


def _objects(plan):
    """The objects of an invented study: its images, and a dose report in a series of its own. They are shared: read them only."""
    return [one for one, _ in _made_of(plan)]


def _made_of(plan):
    return _made(plan["study"], plan["pid"], plan["name"], plan["accession"], tuple(plan["series"]), plan.get("modality", "CT"),
                 plan.get("date", TODAY))


@lru_cache(maxsize=256)
def _made(study, pid, name, accession, series, modality, date):
    """(data set, bytes of its file) of each object of a study."""
    shared = {"PatientName": name, "PatientID": pid, "AccessionNumber": accession, "StudyDate": date,
              "StudyTime": "061500", "TimezoneOffsetFromUTC": "+0200", "StudyDescription": f"{modality} HEAD"}
    made = [_object(study, uid, f"{uid}.{number}", MR if modality == "MR" else CT, modality, place, number, shared)
            for place, (uid, count) in enumerate(series, 1) for number in range(1, count + 1)]
    made.append(_object(study, f"{study}.504", f"{study}.504.1", DOSE, "SR", 504, 1, shared))
    return [(one, _octets(one)) for one in made]


def _flagged(plan, objects):
    """Key images that a radiologist flagged: a Key Object Selection that withdraws nothing."""
    made = _object(plan["study"], f"{plan['study']}.505", f"{plan['study']}.505.1", KO_STORAGE, "KO", 505, 1, {
        "PatientName": plan["name"], "PatientID": plan["pid"], "AccessionNumber": plan["accession"], "StudyDate": TODAY,
        "StudyTime": "061500"})
    fill(made, ("113002", "For Referring Provider"), device("HV_VNA", SOURCE), None, plan["study"],
         {str(one.SeriesInstanceUID): [(str(one.SOPClassUID), str(one.SOPInstanceUID))] for one in objects[:1]})
    return made


def _withdraw(store, objects):
    """Rejection notes (IHE RAD TF-2 4.66, IOCM) that withdraw some objects of a study, one for each series."""
    for uid in dict.fromkeys(one.SeriesInstanceUID for one in objects):
        store.put(_octets(rejection_note([one for one in objects if one.SeriesInstanceUID == uid])))


def _withdraw_for_each_reason(store, objects):
    """Rejection notes for objects of a study, one for each, under the four titles in turn."""
    for one, (code, meaning) in zip(objects, itertools.cycle(REJECTIONS.items())):
        note = rejection_note([one])
        note.ConceptNameCodeSequence[0].CodeValue, note.ConceptNameCodeSequence[0].CodeMeaning = code, meaning
        store.put(_octets(note))


def _manifest(plan, objects, uid, location=SOURCE, title="HV_VNA", header=None):
    """A manifest of some objects, made by hand: a FileDataset."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = KO_STORAGE, uid, EXPLICIT
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False)
    values = {"PatientName": plan["name"], "PatientID": plan["pid"], "AccessionNumber": plan["accession"], "PatientBirthDate": "",
              "PatientSex": "", "StudyDate": plan.get("date", TODAY), "StudyTime": "061500", "StudyID": "", "ReferringPhysicianName": "",
              "TimezoneOffsetFromUTC": "+0200", "StudyDescription": f"{plan.get('modality', 'CT')} HEAD", "SeriesNumber": 900,
              "Manufacturer": "coursekit", "ContentDate": "20250407", "ContentTime": "061500", **(header or {})}
    for keyword, value in values.items():
        setattr(made, keyword, value)
    made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = KO_STORAGE, uid, plan["study"], f"{uid}.0"
    series = {}
    for one in objects:
        series.setdefault(str(one.SeriesInstanceUID), []).append((str(one.SOPClassUID), str(one.SOPInstanceUID)))
    fill(made, MANIFEST, device(title, location), None, plan["study"], series, RetrieveAETitle=title, RetrieveLocationUID=location)
    return made


def _report(plan, uid, repository_url, patient, dicom=False):
    """Publish a report of an invented study: a PDF, or `dicom`, a DICOM object that wraps one."""
    from coursekit.standards.xds import facts
    from coursekit.standards.xds.facts import SET
    from coursekit.standards.xds.metadata import Entry, association

    octets, mime, code = b"%PDF-1.7 invented", "application/pdf", Code("urn:ihe:rad:PDF", "1.3.6.1.4.1.19376.1.2.3", "Radiology XDS-I PDF")
    if dicom:
        octets = _octets(_object(plan["study"], f"{uid}.3", uid, PDF, "DOC", 700, 1, {
            "PatientName": plan["name"], "PatientID": plan["pid"], "MIMETypeOfEncapsulatedDocument": mime,
            "EncapsulatedDocument": octets + b" "}))
        mime, code = "application/dicom", Code(PDF, DICOM_UIDS, "Encapsulated PDF Storage")
    entry = Entry(DOCUMENT, {
        "entryUUID": "Report", "mimeType": mime, "objectType": facts.STABLE, "creationTime": NOW, "languageCode": "en-US",
        "patientId": patient, "sourcePatientId": plan["local"], "uniqueId": uid, "title": "Report",
        "formatCode": code, "referenceIdList": (f"{plan['study']}^^^^{STUDY}",),
        **{name: (code,) if name == "confidentialityCode" else code for name, code in CODES.items()}})
    held = Entry(SET, {"entryUUID": "Set01", "submissionTime": NOW, "contentTypeCode": CODES["classCode"], "patientId": patient,
                       "sourceId": "2.999.1.1.70", "uniqueId": f"{uid}.1"})
    document_sharing.provide(repository_url, [entry, held, association(facts.HAS_MEMBER, "Set01", "Report", facts.ORIGINAL)],
                             {"Report": octets}, sender="EMR")


def _sops(manifest):
    """What a manifest names as evidence: a list of SOP Instance UIDs."""
    return [str(one.ReferencedSOPInstanceUID) for study in manifest.get("CurrentRequestedProcedureEvidenceSequence") or []
            for series in study.get("ReferencedSeriesSequence") or [] for one in series.get("ReferencedSOPSequence") or []]


# --- 2

def listed_uid(value):
    """A reading: a UID of a list."""
    if type(value) in (int, float):
        raise ValueError("asked is a list of UIDs, text, and not how many there are")
    if type(value) is not str:
        raise ValueError("asked is a list of UIDs, text; of an image that came, that is its `unique_id`")
    value = value.strip(" '\"")
    if value.casefold().startswith("urn:uuid:"):
        raise ValueError("that is an entryUUID, the name of an *entry*; a document is called by `entry[\"uniqueId\"]`, "
                         "an object by its SOP Instance UID")
    return value


def _images(manifests, patient, wanted):
    """What a consumer gets of a patient: SOP Instance UIDs. `wanted` says of a manifest which of its objects."""
    return sorted({sop for one in manifests if one["patient"] == patient for sop in wanted(one)})


def _given(one):
    """What a source gives of an Approved manifest; of another, nothing."""
    return set(one["listed"]) - set(one["gone"]) if one["status"] == APPROVED else set()


@lesson.exercise
class ImagesOf:
    """Write the consumer: the function `images_of(registry, repositories, sources, patient)`. It returns the **SOP Instance UIDs of all
    DICOM objects that it really received** for a patient, as a list.

    - `registry` is the registry's URL, `patient` a patient ID of the region (CX).
    - `repositories` and `sources` are what the domain's directory holds: `{OID: URL}`, by repositoryUniqueId and by Retrieve Location UID.
      Harbour Vale and Eastcliff have one of each; a source may hand a manifest to the other hospital's repository.
    - Only *Approved* documents count, and of them those with the **formatCode** of a manifest. Reports are documents too: some are PDF,
      some DICOM objects that list no images.
    - All series of one manifest are at the same source here. Some objects were withdrawn after it was published: for them an error comes,
      and for the others of the same manifest the images. Return what came.

    It is tried against two repositories and two sources, with several patients; one of them has nothing.
    """

    answer = Consumer("images_of", "registry, repositories, sources, patient", result=Set("", reading=listed_uid), noticed=_never_found,
                      whole=True)
    points = 3

    def solution(registry, repositories, sources, patient):
        received = []
        found = document_sharing.query(registry, "FindDocuments", {
            "$XDSDocumentEntryPatientId": patient,
            "$XDSDocumentEntryStatus": [APPROVED],
            "$XDSDocumentEntryFormatCode": [Code(KO_STORAGE, DICOM_UIDS)],
        })
        for entry in found.entries:
            place = entry["repositoryUniqueId"]
            fetched = document_sharing.retrieve(repositories[place], [(place, entry["uniqueId"])])
            manifest = dcmread(io.BytesIO(fetched.documents[0].octets))
            series = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
            answer = retrieve_images(sources[series.RetrieveLocationUID], manifest)
            for image in answer.documents:
                received.append(image.unique_id)
        return received

    @contextlib.contextmanager
    def stage(draw):
        plans = [_invented(draw, most=2) for _ in range(5)]
        both, stale, replaced, theirs, _ = plans            # of the last there is nothing
        theirs |= OLD_MR
        second = _invented(draw, most=2)                    # of `both`, at Eastcliff
        lent = _invented(draw, 1, 1)                        # of `stale`, at Eastcliff, with its manifest in Harbour Vale's repository
        manifests = []
        with _folder() as folder, contextlib.ExitStack() as running:
            registry = running.enter_context(Registry())
            registry.know(*(one["patient"] for one in plans))
            sides = {}
            for repository_id, source_id, title, studies in ((REPOSITORY, SOURCE, "HV_VNA", (both, stale, replaced)),
                                                             (ECC_REPOSITORY, ECC_SOURCE, "ECC_PACS", (second, theirs, lent))):
                repository = running.enter_context(Repository(title, repository_id, registry.url))
                store = _kept(running, f"{folder}/{title}", studies)
                sides[title] = repository, running.enter_context(ImagingSource(store, source_id, title)), store
            for number, (plan, title, patient) in enumerate((
                    (both, "HV_VNA", both["patient"]), (second, "ECC_PACS", both["patient"]), (stale, "HV_VNA", stale["patient"]),
                    (replaced, "HV_VNA", replaced["patient"]), (theirs, "ECC_PACS", theirs["patient"]),
                    (lent, "ECC_PACS", stale["patient"])), 1):
                repository, source, store = sides[title]
                repository = sides["HV_VNA"][0] if plan is lent else repository
                objects, uid = _objects(plan), f"2.999.8.{_digits(draw, 8)}"
                shown, gone, old = objects, [], None
                if plan is replaced:        # its first version listed two more: one was withdrawn, one the source would still give
                    source.publish(plan["study"], repository.url, patient, plan["local"], f"{uid}.7", NOW)
                    manifests.append({"patient": patient, "uid": f"{uid}.7", "status": DEPRECATED, "title": title,
                                      "in": repository.unique_id, "old": False, "listed": [str(one.SOPInstanceUID) for one in objects],
                                      "gone": [str(objects[0].SOPInstanceUID)]})
                    old = document_sharing.query(registry.url, "FindDocuments", {
                        "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).ids[0]
                    _withdraw(store, objects[:1])
                    shown = objects[1:-1]
                made = _manifest(plan, shown, uid, source.unique_id, title)
                source.submit(made, repository.url, patient, plan["local"], NOW, replaces=old)
                if number % 2:
                    _report(plan, f"{uid}.5", repository.url, patient, dicom=plan is theirs)
                if plan is stale:
                    _withdraw(store, objects[:2])
                    gone = [str(one.SOPInstanceUID) for one in objects[:2]]
                manifests.append({"patient": patient, "uid": uid, "status": APPROVED, "title": title, "in": repository.unique_id,
                                  "old": plan is theirs, "listed": [str(one.SOPInstanceUID) for one in shown], "gone": gone})
            urls = {repository.unique_id: repository.url for repository, _, _ in sides.values()}
            sources = {source.unique_id: source.url for _, source, _ in sides.values()}
            asked = _asked(registry)
            yield [((registry.url, dict(urls), dict(sources), one["patient"]),
                    {"patient": one["patient"], "manifests": manifests, "asked": asked}) for one in plans]

    def right(state):
        return _images(state["manifests"], state["patient"], _given)

    def listed(state):
        return _images(state["manifests"], state["patient"], lambda one: one["listed"] if one["status"] == APPROVED else ())

    def manifests_themselves(state):
        return _images(state["manifests"], state["patient"], lambda one: [one["uid"]] if one["status"] == APPROVED else ())

    def our_repository_only(state):
        return _images(state["manifests"], state["patient"], lambda one: _given(one) if one["in"] == REPOSITORY else ())

    def our_source_only(state):
        return _images(state["manifests"], state["patient"], lambda one: _given(one) if one["title"] == "HV_VNA" else ())

    def first_repository_for_all(state):
        own = [one for one in state["manifests"] if one["patient"] == state["patient"] and one["status"] == APPROVED]
        return _images(own, state["patient"], lambda one: _given(one) if one["in"] == own[0]["in"] else ())

    def source_of_the_repository(state):
        return _images(state["manifests"], state["patient"],
                       lambda one: _given(one) if (one["in"] == REPOSITORY) == (one["title"] == "HV_VNA") else ())

    def asked_for_less(state):
        return _images(state["manifests"], state["patient"], lambda one: () if one["old"] else _given(one))

    def first_manifest_only(state):
        own = [one for one in state["manifests"] if one["patient"] == state["patient"] and one["status"] == APPROVED]
        return _images(own[:1], state["patient"], _given)

    def complete_answers_only(state):
        return _images(state["manifests"], state["patient"], lambda one: () if one["gone"] else _given(one))

    def deprecated_listed(state):
        return _images(state["manifests"], state["patient"], lambda one: one["listed"])

    def deprecated_fetched(state):
        return _images(state["manifests"], state["patient"], lambda one: set(one["listed"]) - set(one["gone"]))

    wrong_ways = {
        listed: "You return what the manifests *list*. A manifest is a promise; an object that was withdrawn since, the source answers "
        "with XDSDocumentUniqueIdError, and the status is PartialSuccess. What was received stands in `answer.documents`.",
        manifests_themselves: "Those are the uniqueIds of the *documents*: the SOP Instance UIDs of the manifests themselves. The "
        "images are what they list, and come from the imaging source, RAD-69.",
        our_repository_only: "What lies in Eastcliff's repository is missing: every document was asked of Harbour Vale's. The entry's "
        "repositoryUniqueId says where it is (ITI TF-2 3.43), and `repositories` makes a URL of that.",
        our_source_only: "What lies at Eastcliff's source is missing: all images were asked of Harbour Vale's. The manifest's Retrieve "
        "Location UID says where they are (RAD TF-3 4.69), and `sources` makes a URL of that.",
        first_repository_for_all: "All documents of a patient were asked of the repository of her *first* entry. That is the fault of "
        "GP_AGENDA, Northmere's practice system: what the other hospital has is missing. Each entry has a repositoryUniqueId of its own.",
        source_of_the_repository: "You asked the source of that hospital in whose repository the manifest was. One patient has a manifest "
        "in Harbour Vale's repository whose images are at Eastcliff: where they are says the manifest, in Retrieve Location UID (RAD TF-3 "
        "4.69), and not the entry.",
        asked_for_less: "The patient whose only study is an MR of last year has nothing in your list. Does your query ask for CT, or for a "
        "time, as the portal's in the log did? Asked is everything: patient, status, and the formatCode of manifests.",
        first_manifest_only: "You fetch the first manifest and stop. A patient has as many as she has studies: go through all entries.",
        complete_answers_only: "You drop an answer whose status is not Success. PartialSuccess brings what could be had, with an error "
        "for each object that could not; a doctor wants the 200 images that are there.",
        deprecated_listed: "You went by what all manifests list, the replaced ones too. A replaced manifest is Deprecated: ask for "
        "`$XDSDocumentEntryStatus` Approved, and count what the source really sends.",
        deprecated_fetched: "You followed a Deprecated manifest as well. It was replaced, and lists something that the new "
        "one does not; the source still has it, and sends it to whoever asks. Only what an Approved manifest lists counts: ask for "
        "`$XDSDocumentEntryStatus` Approved alone.",
    }
    hints = [
        "Three steps inside each other: for each entry of FindDocuments fetch the manifest, for each manifest fetch the images, for each "
        "image keep its `unique_id`. The worked cells above have every call.",
        "Nothing is asked at a fixed address: `repositories[entry[\"repositoryUniqueId\"]]` is one URL, and the manifest's first "
        "series says in `RetrieveLocationUID` which of `sources` is the other.",
        "`\"$XDSDocumentEntryFormatCode\": [Code(KO_STORAGE, DICOM_UIDS)]` leaves only manifests; `answer.documents` is what came, "
        "whatever `answer.status` says.",
    ]
    praise = ("A consumer that goes by the two identifiers knows one address, the registry's, and a directory: whoever joins the region "
              "with a repository of their own needs no change in it. (One that asks everybody for everything gets the same images, for as "
              "long as the region is small enough to bear it.)")


# --- 3

class TypeCode(Text):
    """A typeCode, which is never empty."""

    def read(self, given):
        """The text, or a Code as one; who leaves it empty is told what stands there."""
        value = plain(given)
        if type(value) is list and len(value) in (2, 3) and all(type(one) is str for one in value):
            given = f"{value[0]}^^{value[1]}"
        try:
            return super().read(given)
        except Unclear:
            if given is None or type(given) is str:
                raise Unreadable('Where the table has nothing for the procedure, the value is the word "open".') from None
            raise


def event(value):
    """A reading: code and scheme of an event, `CT^^1.2.840.10008.2.16.4`, or a Code."""
    if type(value) is list and len(value) in (2, 3) and all(type(one) is str for one in value):
        return f"{value[0]}^^{value[1]}".casefold()
    text = " ".join(value.split()).strip("'\"").casefold() if type(value) is str else ""
    if not re.fullmatch(r"[^^]+\^\^[^^]+", text):
        raise ValueError('an event is code, `^^` and scheme, as queries write it: "CT^^1.2.840.10008.2.16.4"')
    return text


def _about_cx(text, right):
    """A sentence on a patient ID that is not the right one."""
    if "^" not in text:
        return f"{short(text)} is a number without its issuer. A CX is `number^^^&OID&ISO`."
    number, _, authority = text.partition("^^^")
    if not re.fullmatch(r"&[0-9.]+&ISO", authority, re.IGNORECASE):
        return f"{short(text)} is not written as a CX: `number^^^&OID&ISO`."
    if number.casefold() == right.partition("^^^")[0].casefold():
        return f"{short(text)} has the right number, and not its issuer."
    return f"{short(text)} is another patient's, or another domain's."


def _about_start(text, right):
    """A sentence on a time that is not the right one."""
    if not re.fullmatch(r"[0-9]{14}", text):
        return f"Your function gives {short(text)}. Asked is `YYYYMMDDHHMMSS`: 14 digits, no fraction, no zone behind them."
    try:
        away = datetime.strptime(text, "%Y%m%d%H%M%S") - datetime.strptime(right, "%Y%m%d%H%M%S")
    except ValueError:
        return f"Your function gives {short(text)}, which is no time."
    minutes = away.total_seconds() / 60
    if minutes % 1:
        return f"Your function gives {short(text)}, which is off by {abs(away.total_seconds()):,.0f} seconds: take the seconds as they are."
    way = "late" if minutes > 0 else "early"
    return (f"Your function gives {short(text)}, which is {abs(minutes):,.0f} minutes too {way}. An offset of +0200 says that local "
            "clocks are two hours *ahead* of UTC; -0330 that they are behind. Both have hours *and* minutes.")


def _about_type(text, right):
    """A sentence on a typeCode that is not the right one."""
    if right == "open":
        return f"{short(text)} was put in where the table `types` has nothing for the procedure; that is not for a program to decide."
    if text == "open":
        return ("The table has a code for that procedure: look it up by `study[\"procedure\"]` in `types`, the table that your function "
                "is called with. It is not always the one that you saw.")
    return f"{short(text)} is not what the table `types` has for the procedure: code, `^^` and scheme, as they stand there."


def _described(document, study, types, utc=True, sign=1, **changes):
    """As the solution, with one idea changed."""
    offset = study["offset"]
    away = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:])) * (-1 if offset[0] == "-" else 1)
    moment = datetime.strptime(study["date"] + study["time"][:6], "%Y%m%d%H%M%S") - (sign * away if utc else timedelta())
    accession = f"{study['accession']}^^^&{study['accession issuer']}&ISO^{ACCESSION}"
    value = {
        "hash": hashlib.sha1(document).hexdigest(), "size": len(document), "patientId": study["region patient"],
        "sourcePatientId": cx(study["patient"], study["issuer"]), "serviceStartTime": moment.strftime("%Y%m%d%H%M%S"),
        "referenceIdList": [f"{study['uid']}^^^^{STUDY}", *([accession] if study["accession"] else [])],
        "eventCodeList": [f"{one}^^{DCM}" for one in study["modalities"] if one not in ("KO", "PR", "SR")],
        "typeCode": types.get(study["procedure"], "open"),
    }
    return {**value, **changes}


@lesson.exercise
class Describe:
    """Write the function `describe(document, study, types)`: what the entry of a manifest says. `document` are the manifest's bytes,
    `study` is a dictionary as the VNA has it (such as `chea02.study`), `types` the table from local procedure codes to the affinity
    domain's, which grows. It returns a dictionary with

    - `"hash"`, `"size"`: SHA-1 of the document in hexadecimal, and its length in bytes;
    - `"patientId"`, `"sourcePatientId"`: the patient, for the region and for the hospital, each as CX;
    - `"serviceStartTime"`: when the study began, **in UTC**, `YYYYMMDDHHMMSS`, without fractions of a second. Here each study has a time of
      six digits or more, and an offset;
    - `"referenceIdList"`: a list of CXi: the Study Instance UID always, the accession number with **its own issuer** if there is one;
    - `"eventCodeList"`: a list, for each **acquisition** modality `"CT^^1.2.840.10008.2.16.4"` (code and scheme, as queries write them).
      A study may be of any of them: CT, MR, US, XA, ... It has other objects as well, which are made of images or about them and are no
      event. Of these three kinds come here: `"KO"` (key objects), `"PR"` (how to show an image), `"SR"` (structured reports, that of the
      dose too);
    - `"typeCode"`: what the table has for the procedure, or `"open"` if it has nothing: then a person has to decide.
    """

    answer = Function("describe", result=Fields("entry", {
        "hash": Text(""), "size": Number(""), "patientId": Text("", remark=_about_cx), "sourcePatientId": Text("", remark=_about_cx),
        "serviceStartTime": Text("", remark=_about_start), "referenceIdList": Set(""), "eventCodeList": Set("", reading=event),
        "typeCode": TypeCode("", remark=_about_type)}))
    points = 3

    def solution(document, study, types):
        began = datetime.strptime(study["date"] + study["time"][:6] + study["offset"], "%Y%m%d%H%M%S%z")
        references = [study["uid"] + "^^^^" + STUDY]
        if study["accession"] != "":
            references.append(study["accession"] + "^^^&" + study["accession issuer"] + "&ISO^" + ACCESSION)
        events = []
        for modality in study["modalities"]:
            if modality not in ("KO", "PR", "SR"):
                events.append(modality + "^^" + DCM)
        return {
            "hash": hashlib.sha1(document).hexdigest(),
            "size": len(document),
            "patientId": study["region patient"],
            "sourcePatientId": study["patient"] + "^^^&" + study["issuer"] + "&ISO",
            "serviceStartTime": began.astimezone(UTC).strftime("%Y%m%d%H%M%S"),
            "referenceIdList": references,
            "eventCodeList": events,
            "typeCode": types.get(study["procedure"], "open"),
        }

    def cases(draw, study, types):
        cases = [(b"\0" * 128 + b"DICM", study, dict(types))]
        for number in range(9):
            procedure = draw.choice(sorted(types)) if number % 3 else draw.choice(UNKNOWN)
            issuer = OURS if number % 2 else THEIRS
            offset = ("+0100", "+0200", "-0500", "+0530", "+0000", "+0200", "-0330", "+0100", "+0200")[number]
            accession = "" if number == 4 else f"A25{_digits(draw, 8)}"
            cases.append((bytes(draw.randrange(256) for _ in range(draw.randrange(200, 900))), {
                "uid": f"2.999.4.{_digits(draw, 8)}", "date": draw.choice(("20250330", "20250401", "20241231")),
                "time": draw.choice(("024103", "003015.250000", "234559", "120000.5")), "offset": offset, "patient": f"HV{_digits(draw)}",
                "issuer": THEIRS if number in (3, 6) else OURS, "region patient": cx(f"NM4{_digits(draw)}", REGION),
                "accession": accession, "accession issuer": issuer,
                "modalities": (["CT"], ["CT", "SR"], ["PT", "CT", "KO"], ["CT", "SR", "KO"], ["MR", "PR"], ["CT", "KO"], ["PT", "CT", "SR"],
                               ["MG", "PR"], ["US"])[number],
                "procedure": procedure}, dict(types)))
        # One whose local code has got into the table since, and modalities that are seldom thought of.
        cases.append((b"DICM" * draw.randrange(40, 90), {**cases[2][1], "uid": f"2.999.4.{_digits(draw, 8)}", "procedure": "PETCT",
                                                         "modalities": ["XA", "NM", "SR"]},
                      {**types, "PETCT": "PETCT^^2.999.1.9.14"}))
        return cases

    def local_time(document, study, types):
        return _described(document, study, types, utc=False)

    def offset_added(document, study, types):
        return _described(document, study, types, sign=-1)

    def with_fraction(document, study, types):
        right = _described(document, study, types)
        return {**right, "serviceStartTime": right["serviceStartTime"] + study["time"][6:]}

    def local_as_patient(document, study, types):
        return _described(document, study, types, patientId=cx(study["patient"], study["issuer"]))

    def patients_exchanged(document, study, types):
        return _described(document, study, types, patientId=cx(study["patient"], study["issuer"]), sourcePatientId=study["region patient"])

    def region_as_source(document, study, types):
        return _described(document, study, types, sourcePatientId=study["region patient"])

    def md5(document, study, types):
        return _described(document, study, types, hash=hashlib.md5(document, usedforsecurity=False).hexdigest())

    def sha256(document, study, types):
        return _described(document, study, types, hash=hashlib.sha256(document).hexdigest())

    def base64_hash(document, study, types):
        import base64
        return _described(document, study, types, hash=base64.b64encode(hashlib.sha1(document).digest()).decode())

    def size_in_kilobytes(document, study, types):
        return _described(document, study, types, size=len(document) / 1024)

    def own_oid_written_down(document, study, types):
        return _described(document, study, types, sourcePatientId=cx(study["patient"], OURS))

    def issuer_of_the_patient(document, study, types):
        return _described(document, {**study, "accession issuer": study["issuer"]}, types)

    def empty_accession_too(document, study, types):
        accession = f"{study['accession']}^^^&{study['accession issuer']}&ISO^{ACCESSION}"
        return _described(document, study, types, referenceIdList=[f"{study['uid']}^^^^{STUDY}", accession])

    def accession_only(document, study, types):
        return _described(document, study, types, referenceIdList=_described(document, study, types)["referenceIdList"][1:])

    def without_issuer(document, study, types):
        right = _described(document, study, types)["referenceIdList"]
        return _described(document, study, types, referenceIdList=[
            right[0], *([f"{study['accession']}^^^^{ACCESSION}"] if study["accession"] else [])])

    def key_objects_too(document, study, types):
        return _described(document, study, types, eventCodeList=[f"{one}^^{DCM}" for one in study["modalities"]])

    def reports_too(document, study, types):
        return _described(document, study, types, eventCodeList=[f"{one}^^{DCM}" for one in study["modalities"] if one != "KO"])

    def size_of_the_hex(document, study, types):
        return _described(document, study, types, size=2 * len(document))

    def first_modality(document, study, types):
        return _described(document, study, types, eventCodeList=[f"{study['modalities'][0]}^^{DCM}"])

    def local_code_passed(document, study, types):
        return _described(document, study, types, typeCode=types.get(study["procedure"], study["procedure"]))

    def type_guessed(document, study, types):
        return _described(document, study, types, typeCode=types.get(study["procedure"], DEFAULT_TYPE))

    wrong_ways = {
        local_time: "The start is in local time. Document sharing has no time zones: each DTM is UTC (ITI TF-3 Table 4.2.3.1.7-2), or "
        "a query for the night finds the images of the evening. DICOM times are local, and Timezone Offset From UTC says how far.",
        offset_added: "You went the wrong way: +0200 means that local clocks are two hours *ahead* of UTC, so the offset is taken off. "
        "(A sign in the offset, as -0500, turns it round by itself.)",
        with_fraction: "A DTM of metadata ends with the seconds: YYYYMMDDHHMMSS (ITI TF-3 Table 4.2.3.1.7-2). The fraction that "
        "DICOM's time may carry has to go.",
        local_as_patient: "patientId holds the hospital's own number. The registry knows IDs of the affinity domain only and answers "
        "XDSUnknownPatientId, as it did in that night (ITI TF-2 3.42.4.1.3). The hospital's number belongs into sourcePatientId.",
        patients_exchanged: "patientId and sourcePatientId are exchanged. patientId is the region's, under which all hospitals file; "
        "sourcePatientId is what the source calls her.",
        region_as_source: "sourcePatientId holds the region's ID once more. It is the patient as the *source* knows her, so that an "
        "entry can be traced back when a merge went wrong (ITI TF-3 4.2.3.2.22).",
        md5: "That hash is an MD5, 32 digits long. The hash attribute is SHA-1 (ITI TF-3 4.2.3.2.10); the repository computes it anew "
        "and answers XDSRepositoryMetadataError.",
        sha256: "That hash is a SHA-256, 64 digits long. A better function, but the attribute is SHA-1 (ITI TF-3 4.2.3.2.10), and both "
        "sides have to compute the same.",
        base64_hash: "You wrote the SHA-1 in base64, as FHIR's Attachment.hash has it. In XDS metadata it is hexadecimal, 40 digits "
        "(ITI TF-3 4.2.3.2.10).",
        size_in_kilobytes: "The size is in kilobytes. The attribute counts bytes (ITI TF-3 4.2.3.2.21).",
        own_oid_written_down: "Harbour Vale's OID is written into your function. A VNA keeps studies of other hospitals too, and their "
        "patients' numbers were given by somebody else: the issuer comes with the study.",
        issuer_of_the_patient: "The accession number bears the issuer of the *patient's* ID. Eastcliff's accession numbers come to us "
        "with their studies: issued by another authority, the same number is another order (Issuer of Accession Number, (0008,0051)).",
        empty_accession_too: "A study without an accession number got a reference with nothing in front. A CXi needs a value (ITI TF-3 "
        "Table 4.2.3.1.7-2); leave the reference out.",
        accession_only: "The Study Instance UID is missing among the references. It is the only one that is always there, and how a source "
        "finds its own manifest again.",
        without_issuer: "The accession number has no issuer. Every hospital counts from the beginning of the year: without an "
        "assigning authority in CXi.4 it means somebody else's order too (ITI TF-3 4.2.3.2.28).",
        key_objects_too: "All modalities of the study are there. KO, PR or SR among the events would say that such a thing was *acquired*. "
        "eventCodeList has the modalities with which images were acquired (PS3.16 CID 29; RAD TF-3 4.68.4.1.2.3.2); a key object is made "
        "at a desk.",
        reports_too: "You left out the key objects, and other things that were not acquired are there still: SR, or PR. eventCodeList has "
        "the modalities with which *images were acquired* (PS3.16 CID 29; RAD TF-3 4.68.4.1.2.3.2). The dose report is found by the "
        "manifest, which lists it.",
        size_of_the_hex: "Twice too large: you counted hexadecimal digits, two of which are a byte. `len(document)` counts bytes.",
        first_modality: "Only the first modality is there. eventCodeList may have many values: a PET/CT has two, and a query for CT "
        "would not find this study.",
        local_code_passed: "A code that the table lacks was passed on as it is. Its scheme is ours, the affinity domain does not have "
        "it: the registry checks code *and* scheme, and refuses the whole submission (ITI TF-2 3.42.4.1.3).",
        type_guessed: "Where the table has nothing you put in a general code. It would be accepted, and a query by type would miss the "
        "study for ever. A gap in a vocabulary is a decision of the domain's governance, no default of a program.",
    }
    hints = [
        "Write it entry by entry, and look at one with `describe(b\"...\", chea02.study, chea02.types)`. The worked cell above has the "
        "two that need a library: `hashlib` and `datetime`.",
        "A CX is `number^^^&OID&ISO`. A CXi of an accession number is the same with `^` and the type behind it; of a Study Instance "
        "UID nothing stands between value and type.",
        "`\"%Y%m%d%H%M%S%z\"` reads date, time and offset together, once the fraction is cut off; `.astimezone(UTC)` moves the clock.",
        "`types.get(code, \"open\")` is the table's value, or `\"open\"`. A study without accession number has one reference.",
    ]
    praise = ("An entry like this is found by patient, by accession number, by study, by modality and by night, in any hospital of the "
              "region. What is not in it cannot be asked for.")


@lesson.input
def study(hospital):
    """The study of the night as the VNA has it, for its entry: a dictionary."""
    known = hospital.truth["case_17"]
    date, time = (text.replace("-", "").replace(":", "") for text in known["study_dt_local"].split(" "))
    return {"uid": known["study_uid"], "date": date, "time": time, "offset": known["tz_offset"], "patient": known["patient_id"],
            "issuer": OURS, "region patient": region(hospital), "accession": known["accession"],
            "accession issuer": OURS, "modalities": ["CT", "SR"], "procedure": "CTHD"}


@lesson.input
def types(hospital):
    """The affinity domain's typeCode for each local procedure code: {local: "code^^scheme"}."""
    return dict(TYPES)


# --- 4

def _broken(plan):
    """(objects of the archive, those that were withdrawn, the faulty manifest)."""
    objects = _objects(plan)
    withdrawn = objects[:len(REJECTIONS)] if "withdrawn" in plan["faults"] else []
    listed = [one for one in objects if not ("late series" in plan["faults"] and str(one.SeriesInstanceUID) == plan["series"][1][0])]
    header = {"PatientID": plan["typed"], "PatientName": plan["name"][:-1], "AccessionNumber": ""} if "header" in plan["faults"] else {}
    made = _manifest(plan, listed, plan["uid"], FORMER, "HV_PACS" if "title" in plan["faults"] else plan["ae"], header)
    if "flagged" in plan["faults"]:
        objects = [*objects, _flagged(plan, objects)]
    return objects, withdrawn, made


def _mended(domain, manifest, patient, local, location=None, title=None, rejected=False, notes=(), header=True, content=True,
            listed=None, classes=None, send=True, flagged=True, own_series=True):
    """As the solution, with one idea changed. `notes`: titles of rejection notes that are taken for key images."""
    uid = str(manifest.StudyInstanceUID)
    series, image = {}, None
    for one in domain.source.store.kept(study=[uid], rejected=rejected):
        withdraws = rejection(one.path)[0]
        if one.sop_class != KO_STORAGE or (withdraws in notes if withdraws else flagged):
            image = dcmread(one.path, stop_before_pixels=True)
            if (listed is None or one.sop in listed) and (classes is None or one.sop_class in classes):
                series.setdefault(one.series if own_series else "2.999.5.1", []).append((one.sop_class, one.sop))
    for keyword in ("PatientName", "PatientID", "AccessionNumber") if header else ():
        manifest[keyword] = image[keyword]
    before, title = manifest.ContentSequence, title or domain.source.title
    fill(manifest, MANIFEST, device(title, SOURCE), None, uid, series, RetrieveAETitle=title,
         RetrieveLocationUID=location or domain.source.unique_id)
    if not content:
        manifest.ContentSequence = before
    if send:
        domain.source.submit(manifest, domain.repository.url, patient, local, NOW)


def _but(*titles):
    """The titles of rejection notes but for these."""
    return [code for code in REJECTIONS if code not in titles]


@lesson.exercise
class PublishAgain:
    """The VNA's publisher is switched off until its settings are mended, so the manifests that the registry refused have to be put
    right and sent by hand. Write the function `publish_again(domain, manifest, patient, local)`:

    - `domain` runs, with `domain.source` (its `store`, its `unique_id`, its `title`) and `domain.repository`. It is tried on two
      domains, whose sources have other OIDs and titles;
    - `manifest` is a data set as the VNA sent it. It may have one fault or several: it names the source by an OID that is no longer its
      own, and by an AE title that is not; it lacks a series that arrived later; it lists objects that were withdrawn since; its header has
      what was typed at the scanner;
    - `patient` and `local` are her IDs in the region and in the hospital, as CX.

    Your function makes the manifest list **all objects that the archive has of the study and that are not withdrawn**: images, dose
    report, key images that somebody flagged, under whatever title, but no *rejection notes*. Each series says where to get its objects;
    **Patient's Name, Patient ID and Accession Number** are those of the images. Then it publishes it, `domain.source.submit(manifest,
    domain.repository.url, patient, local, NOW)`. The manifest may keep its SOP Instance UID, or get a new one: it was refused, so nobody
    has a document of that UID. The check does what Eastcliff does: it queries, reads the manifest, and fetches.
    """

    answer = Server("publish_again", called="domain", returned=False)
    points = 3

    def solution(domain, manifest, patient, local):
        study = manifest.StudyInstanceUID
        series = {}
        for one in domain.source.store.kept(study=[study]):
            header = dcmread(one.path, stop_before_pixels=True)
            withdraws = False
            if one.sop_class == KO_STORAGE:
                withdraws = header.ConceptNameCodeSequence[0].CodeValue in REJECTIONS
            if not withdraws:
                image = header
                if one.series not in series:
                    series[one.series] = []
                series[one.series].append((one.sop_class, one.sop))
        manifest.PatientName = image.PatientName
        manifest.PatientID = image.PatientID
        manifest.AccessionNumber = image.AccessionNumber
        source = domain.source
        fill(manifest, MANIFEST, device(source.title, source.unique_id), None, study, series,
             RetrieveAETitle=source.title, RetrieveLocationUID=source.unique_id)
        source.submit(manifest, domain.repository.url, patient, local, NOW)

    def cases(draw):
        made = []
        for faults, oid, title in ((("header", "late series", "flagged"), SOURCE, "HV_VNA"),
                                   (("withdrawn", "title"), "2.999.1.1.75", "HV_ARCHIVE")):
            plan = {**_invented(draw), "oid": oid, "ae": title}
            if "withdrawn" in faults:                       # four of them, for all reasons that there are; some stay
                plan["series"] = [(uid, draw.randrange(3, 5)) for uid, _ in plan["series"]]
            made.append(({**plan, "uid": f"2.999.8.{_digits(draw, 8)}", "typed": plan["pid"].replace("V", "VO"), "faults": faults},))
        return made

    @contextlib.contextmanager
    def stage(plan):
        objects, withdrawn, manifest = _broken(plan)
        with _domain([plan], [plan["patient"]], Unattended, oid=plan["oid"], title=plan["ae"]) as domain:
            if "flagged" in plan["faults"]:
                domain.source.store.put(_octets(objects[-1]))
            _withdraw_for_each_reason(domain.source.store, withdrawn)
            yield (domain, manifest, plan["patient"], plan["local"]), SimpleNamespace(
                domain=domain, plan=plan, images=objects, right=[str(one.SOPInstanceUID) for one in objects if one not in withdrawn],
                withdrawn=[str(one.SOPInstanceUID) for one in withdrawn])

    def visit(_, bench):
        return _as_eastcliff_sees_it(bench)

    def as_it_was(domain, manifest, patient, local):
        domain.source.submit(manifest, domain.repository.url, patient, local, NOW)

    def local_as_patient(domain, manifest, patient, local):
        _mended(domain, manifest, local, patient)

    def region_as_source(domain, manifest, patient, local):
        _mended(domain, manifest, patient, patient)

    def another_patient(domain, manifest, patient, local):
        _mended(domain, manifest, cx("NM0", REGION), local)

    def another_source_patient(domain, manifest, patient, local):
        _mended(domain, manifest, patient, cx("HV0", OURS))

    def oid_written_down(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, location=SOURCE)

    def title_written_down(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, title="HV_VNA")

    def never_sent(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, send=False)

    def location_only(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, listed=_sops(manifest), rejected=True)

    def header_left(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, header=False)

    def former_location(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, location=FORMER)

    def location_of_the_repository(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, location=domain.repository.unique_id)

    def former_title(domain, manifest, patient, local):
        first = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
        _mended(domain, manifest, patient, local, title=str(first.RetrieveAETitle))

    def withdrawn_too(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, rejected=True)

    def notes_too(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, notes=_but())

    def one_title_only(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, notes=_but("113001"))

    def titles_that_say_rejected(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, notes=_but("113001", "113037"))

    def all_titles_but_one(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, notes=_but("113001", "113037", "113038"))

    def no_key_objects(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, flagged=False)

    def a_series_of_its_own(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, own_series=False)

    def images_only(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, classes=[CT])

    def evidence_only(domain, manifest, patient, local):
        _mended(domain, manifest, patient, local, content=False)

    wrong_ways = {
        as_it_was: "The manifest went out as it was, its header with what was typed at the scanner. Accepted is not the same as right: the "
        "registry looks at metadata, never into the document.",
        local_as_patient: "It was sent with the hospital's number as the region's: XDSUnknownPatientId. `submit` takes the region's ID "
        "first, `patient`, then the hospital's, `local` (ITI TF-2 3.42.4.1.3).",
        another_patient: "It was sent under an ID that is neither the region's nor the hospital's for this patient: XDSUnknownPatientId. "
        "Her IDs are the function's arguments, `patient` and `local`. (`region` is, in this notebook, the patient of the night.)",
        another_source_patient: "sourcePatientId is a stranger's number. Her IDs are the function's arguments, `patient` and `local`; "
        "`submit` takes them in this order.",
        oid_written_down: "The OID of this notebook's VNA is written into your function, and the second domain's source has another. That "
        "is how the fault of the night came about: an OID kept where nobody mends it. `domain.source.unique_id` is what the source is "
        "called.",
        title_written_down: "The AE title of this notebook's VNA is written into your function, and the second domain's source has "
        "another: `domain.source.title`.",
        region_as_source: "The entry gives the region's ID for the hospital's, too. sourcePatientId is the patient as the *source* "
        "knows her (ITI TF-3 4.2.3.2.22): `submit` takes `patient`, then `local`.",
        never_sent: "Nothing was published. `submit` sends the manifest to the repository, which tells the registry; a data set that was "
        "mended in memory helps nobody.",
        location_only: "You mended what each series says of the source and left the list as it was. What arrived later is not in it; "
        "what was withdrawn still is. The archive is asked, `domain.source.store.kept(study=[...])`, and the list made from what it "
        "answers.",
        header_left: "The list is right, but the manifest still bears what was typed at the scanner. It has to agree with the images "
        "that it lists, or a viewer shows two patients, and `submit` takes the accession number for the entry from there.",
        former_location: "Retrieve Location UID still names the VNA as its old configuration did. RAD-69 asks by that OID; the source "
        "answers XDSUnknownRepositoryId (RAD TF-3 4.69). `domain.source.unique_id` is what it is called now.",
        location_of_the_repository: "Retrieve Location UID names the document repository. That has the manifest; the images are at the "
        "imaging document source, which has an OID of its own (RAD TF-3 4.68.4.1.2.2).",
        former_title: "Retrieve AE Title was left as it came, and is not the source's. Who fetches by C-MOVE asks at that title: "
        "`domain.source.title` is the right one.",
        withdrawn_too: "Withdrawn objects are listed. A source that no longer gives an object has to take it off the list "
        "(RAD TF-3 4.68.4.1.2.1): Eastcliff would ask for it and get an error. `kept` leaves them out unless it is told otherwise.",
        notes_too: "The rejection note is listed among the images. It tells the *archive* what to withdraw (IHE IOCM); a doctor at "
        "Eastcliff has no use for it. It is a Key Object Selection whose title is one of `REJECTIONS`.",
        one_title_only: "Rejection notes of three titles are listed still. You leave one kind out; there are four, and the one for a wrong "
        "worklist entry, say, withdraws no less than the one for bad quality. Ask whether the title is *in* `REJECTIONS`.",
        titles_that_say_rejected: "Two rejection notes are listed still. Not every title that withdraws says *Rejected*: an incorrect "
        "worklist entry and a retention period that is over do so as well. `REJECTIONS` has all four codes.",
        all_titles_but_one: "A rejection note is listed still: you leave out three of the four titles that withdraw. `REJECTIONS` has all "
        "of them.",
        no_key_objects: "A key object was left out that withdraws nothing: with it a radiologist flagged an image, (113002, DCM, \"For "
        "Referring Provider\"), and Eastcliff's doctor wants to see that. There are many such titles, \"Of Interest\" is one of them "
        "(PS3.16 CID 7010). Only a key object whose title is one of `REJECTIONS` stays out.",
        a_series_of_its_own: "The objects are listed under a Series Instance UID that the archive does not have. RAD-69 asks by study, "
        "series and object, and the source gives nothing that is not in that series: `one.series` is its own.",
        images_only: "You listed the images alone. The dose report is an object of the study as they are, and Eastcliff's physicist asks "
        "for it; so are the key images that somebody flagged. Only what withdraws others stays behind.",
        evidence_only: "Content Sequence still names the old objects. A key object document names each twice, in Content Sequence and "
        "in the evidence (0040,A375); both have to be the same set (PS3.3 C.17.6.2). `fill` writes both.",
    }
    hints = [
        "The worked cell above builds a manifest of a small study with `fill`. The same call on the manifest that you are given writes "
        "evidence, Content Sequence and title anew.",
        "`domain.source.store.kept(study=[study])` are the objects that were not withdrawn, each with `series`, `sop`, `sop_class` and "
        "`path`. Put them into a dictionary from series to a list of pairs.",
        "Of what has the SOP class `KO_STORAGE`, look at the title: `dcmread(one.path).ConceptNameCodeSequence[0].CodeValue`. If it is in "
        "`REJECTIONS`, it withdraws others and stays out.",
        "The header: read one image with `dcmread(one.path, stop_before_pixels=True)` and set the three attributes of the manifest from "
        "it.",
        "`RetrieveAETitle=` and `RetrieveLocationUID=` are what `domain.source` calls itself; `submit` takes first the region's patient.",
    ]
    praise = ("Eastcliff finds one document, reads it, and gets every object it names. 07:10Z would have been a telephone call less.")


def _whose(number, plan):
    """Whose a patient ID is, in words."""
    return {plan["local"]: "the hospital's number", plan["patient"]: "the region's ID"}.get(number, "another patient's number")


def _filed_under(domain, plan):
    """Under which patient ID the last submission came, in words."""
    key = next(one.key for one in ATTRIBUTES[DOCUMENT] if one.name == "patientId")
    given = [one.get("value") for event in domain.repository.journal if event.what == "ITI-41"
             for one in event.data.body.iter("{*}ExternalIdentifier") if one.get("identificationScheme") == key]
    return f"it was submitted under {_whose(given[-1], plan)}" if given else "it was submitted without a patient ID"


def _as_eastcliff_sees_it(bench):
    """What a consumer finds, reads and gets of a study: {what was looked at: what was seen}."""
    domain, plan = bench.domain, bench.plan
    found = document_sharing.query(domain.registry.url, "FindDocuments", {
        "$XDSDocumentEntryPatientId": plan["patient"], "$XDSDocumentEntryStatus": [APPROVED]}, sender="ECC_PORTAL")
    answers = _answers(domain)
    told = str(len(found.entries)) + (" beside each other, for one study" if len(found.entries) > 1 else "")
    if not found.entries:
        told += f"; {_filed_under(domain, plan)}, and the answer was {answers[-1]}" if answers else "; nothing was submitted"
    seen = {"Documents of her that Eastcliff finds": told}
    if len(found.entries) != 1:
        return seen
    entry = found.entries[0]
    wanted = [(entry["repositoryUniqueId"], entry["uniqueId"])]
    fetched = document_sharing.retrieve(domain.repository.url, wanted, sender="ECC_PORTAL").documents
    seen["sourcePatientId of its entry"] = _whose(entry["sourcePatientId"], plan)
    manifest = dcmread(io.BytesIO(fetched[0].octets))
    image = bench.images[0]
    for keyword, name in (("PatientName", "Patient's Name"), ("PatientID", "Patient ID"), ("AccessionNumber", "Accession Number")):
        value = str(manifest.get(keyword, "")).strip()
        same = value == str(image.get(keyword, "")).strip()
        seen[f"{name} in the manifest"] = "as in the images" if same else f"{short(value) if value else 'empty,'} not as in the images"
    studies = manifest.get("CurrentRequestedProcedureEvidenceSequence") or []
    same = [str(one.StudyInstanceUID) for one in studies] == [plan["study"]]
    seen["Study Instance UID of the evidence"] = "that of the images" if same else "another, or more than one"
    every = [one for study in studies for one in study.get("ReferencedSeriesSequence") or []]
    for keyword, name, right in (
            ("RetrieveLocationUID", "Retrieve Location UID", domain.source.unique_id),
            ("RetrieveAETitle", "Retrieve AE Title", domain.source.title)):
        values = {str(one.get(keyword, "")) for one in every}
        seen[f"{name} of its series"] = ("the source's own" if values == {right} else "missing in a series" if "" in values or not values
                                         else f"not the source's: {', '.join(sorted(values - {right}))}")
    listed = _sops(manifest)
    text = f"{len(set(listed) & set(bench.right))} of {len(bench.right)} that the archive gives"
    wrong = len(set(listed) & set(bench.withdrawn))
    other = len(set(listed) - set(bench.right) - set(bench.withdrawn))
    twice = len(listed) - len(set(listed))
    for count, what in ((wrong, "that were withdrawn"), (other, "that are no images of the study"), (twice, "listed twice")):
        text += f", {count} {what}" if count else ""
    classes = {str(one.SOPInstanceUID): str(one.SOPClassUID) for one in bench.images}
    lacking = {classes[uid] for uid in set(bench.right) - set(listed)}
    names = {CT: "images", DOSE: "the dose report", KO_STORAGE: "key images that were flagged"}
    kinds = [names[one] for one in names if one in lacking]
    seen["Objects in its evidence"] = text + (f"; what is missing: {', '.join(kinds)}" if kinds else "")
    own = {str(one.SOPInstanceUID): str(one.SeriesInstanceUID) for one in bench.images}
    astray = sum(own.get(str(one.ReferencedSOPInstanceUID), str(series.SeriesInstanceUID)) != str(series.SeriesInstanceUID)
                 for series in every for one in series.get("ReferencedSOPSequence") or [])
    seen["Series under which they stand"] = "their own" if not astray else f"another than their own for {astray} of them"
    content = [str(one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for one in manifest.get("ContentSequence") or []
               if one.get("ReferencedSOPSequence")]
    seen["Objects in its Content Sequence"] = "the same" if sorted(content) == sorted(listed) else "not the same as in the evidence"
    titles = [str(one.get("CodeValue", "")) for one in manifest.get("ConceptNameCodeSequence") or []]
    seen["Title of the document"] = "Manifest" if titles == [MANIFEST[0]] else "another"
    images = retrieve_images(domain.source.url, manifest, sender="ECC_PORTAL")
    codes = sorted({one.code for one in images.problems})
    came = f"{images.status.rpartition(':')[2]} with {len(images.documents)} objects"
    seen["Answer to RAD-69"] = f"{came}: {', '.join(codes)}" if codes else came
    return seen


# --- 5

def _corrected(domain, repaired, statuses=(APPROVED,), manifests=True, own=True, unique_id=False, only_if=False, last=False, replaces=True,
               old_uid=False, part=False, place=None, source="local", leaks=False):
    """As the solution, with one idea changed. `place`: which of an entry's references is looked at."""
    old = None
    for one in repaired:
        found = document_sharing.query(domain.registry.url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": one["patient"], "$XDSDocumentEntryStatus": list(statuses)}).entries
        reference, fits = f"{one['study']}^^^^{STUDY}", []
        for entry in found:
            written = entry.get("referenceIdList", ())
            written = written if place is None else [written[place]]
            is_manifest = not manifests or (entry["mimeType"] == "application/dicom" if manifests == "mime" else
                                            entry["formatCode"].code == KO_STORAGE)
            if is_manifest and (not own or reference in written or part and one["study"] in str(written)):
                fits.append(entry)
        old = fits[-1 if last else 0] if fits else old if leaks else None
        if only_if and not old:
            continue
        target = (old["uniqueId"] if unique_id else old.id) if old and replaces else None
        uid = old["uniqueId"] if old_uid and old else one["uid"]
        number = cx("HV0", OURS) if source == "stranger" else one[source]
        domain.source.publish(one["study"], domain.repository.url, one["patient"], number, uid, NOW, replaces=target)


@lesson.exercise
class Correct:
    """Some studies were repaired in the archive: other header, other images. Their manifests in the region have to follow. Write the
    function `correct(domain, repaired)`. `repaired` is a list of dictionaries, for each study `"study"` (Study Instance UID),
    `"patient"` and `"local"` (CX), and `"uid"`, the new manifest's own UID. The publisher is mended by now:

    `domain.source.publish(study, domain.repository.url, patient, local, uid, NOW, replaces=...)`

    - Where the region has an *Approved* manifest of **this study**, the new one takes its place: `replaces=` is that entry's **entryUUID**.
    - Where it has none, the new one is published as the first: `replaces=None`.
    - No other document of the patient may change: her other studies, her reports (which refer to the same study; one is a PDF, others are
      DICOM objects).

    It is tried on three patients: of one study there is a manifest; of one it was replaced twice already; one was never published. All
    manifests are of this one source (those of another would not be yours to replace). A registry promises no order of what it finds, and a
    source none of an entry's references.
    """

    answer = Server("correct", called="domain", returned=False)
    points = 3

    def solution(domain, repaired):
        for one in repaired:
            found = document_sharing.query(domain.registry.url, "FindDocuments", {
                "$XDSDocumentEntryPatientId": one["patient"],
                "$XDSDocumentEntryStatus": [APPROVED],
            })
            old = None
            for entry in found.entries:
                is_manifest = entry["formatCode"].code == KO_STORAGE
                if is_manifest and one["study"] + "^^^^" + STUDY in entry["referenceIdList"]:
                    old = entry.id
            domain.source.publish(one["study"], domain.repository.url, one["patient"], one["local"], one["uid"], NOW, replaces=old)

    def cases(draw):
        plans = []
        for before in BEFORE:
            plan, others = _invented(draw, 1, 2), []
            if before == "one":                             # she has two other studies, of which one was published before and one behind it
                others = [_invented(draw, 1, 1), _invented(draw, 1, 1)]
            elif before == "none":                          # her other study has a UID that begins with that of this one
                others = [{**_invented(draw, 1, 1), "study": f"{plan['study']}.7", "series": [(f"{plan['study']}.7.1", 1)]}]
            plans.append({**plan, "uid": f"2.999.8.{_digits(draw, 8)}.9", "before": before, "others": others})
        return [(plans,)]

    @contextlib.contextmanager
    def stage(plans):
        studies = [*plans, *(other for plan in plans for other in plan["others"])]
        with _domain(studies, [plan["patient"] for plan in plans], EitherOrder, NoOrder) as domain:
            olds = {plan["study"]: _before(domain, plan) for plan in plans}
            repaired = [{name: plan[name] for name in ("study", "patient", "local", "uid")} for plan in plans]
            yield (domain, repaired), SimpleNamespace(domain=domain, plans=plans, olds=olds, answers=_answers(domain))

    def visit(_, bench):
        seen = {}
        for plan in bench.plans:
            seen |= {f"{BEFORE[plan['before']]}: {what}": value for what, value in _corrections(bench, plan).items()}
        errors = sorted({answer for answer in _answers(bench.domain)[len(bench.answers):] if answer != "Success"})
        # Why there is no new one; a failure that somebody overcame is none.
        said = f"; a submission was answered {' and '.join(errors)}" if errors else ""
        return {what: value + said if value.endswith("not the new one") else value for what, value in seen.items()}

    def second_submission(domain, repaired):
        _corrected(domain, repaired, replaces=False)

    def by_unique_id(domain, repaired):
        _corrected(domain, repaired, unique_id=True)

    def same_unique_id(domain, repaired):
        _corrected(domain, repaired, old_uid=True)

    def any_status(domain, repaired):
        _corrected(domain, repaired, statuses=(APPROVED, DEPRECATED))

    def deprecated_only(domain, repaired):
        _corrected(domain, repaired, statuses=(DEPRECATED,))

    def any_manifest_of_hers(domain, repaired):
        _corrected(domain, repaired, own=False)

    def first_of_the_study(domain, repaired):
        _corrected(domain, repaired, manifests=False)

    def last_of_the_study(domain, repaired):
        _corrected(domain, repaired, manifests=False, last=True)

    def part_of_the_uid(domain, repaired):
        _corrected(domain, repaired, part=True, last=True)

    def only_where_there_was_one(domain, repaired):
        _corrected(domain, repaired, only_if=True)

    def first_reference(domain, repaired):
        _corrected(domain, repaired, place=0)

    def last_reference(domain, repaired):
        _corrected(domain, repaired, place=-1)

    def by_mime_type(domain, repaired):
        _corrected(domain, repaired, manifests="mime")

    def last_by_mime_type(domain, repaired):
        _corrected(domain, repaired, manifests="mime", last=True)

    def region_as_source(domain, repaired):
        _corrected(domain, repaired, source="patient")

    def stranger_as_source(domain, repaired):
        _corrected(domain, repaired, source="stranger")

    def old_of_the_study_before(domain, repaired):
        _corrected(domain, repaired, leaks=True)

    wrong_ways = {
        second_submission: "You published it a second time, beside the first. Now two manifests of one study are Approved, and "
        "Eastcliff's doctor has to guess which. A correction is one submission with the association RPLC: the registry deprecates the "
        "old entry in the same transaction (ITI TF-2 3.42.4.1.3.5).",
        by_unique_id: "You named the old manifest by its uniqueId. Associations join *entries*, by entryUUID, `entry.id` (ITI TF-3 "
        "4.2.2); a uniqueId names the document, and the registry answers UnresolvedReferenceException.",
        same_unique_id: "The new manifest bears the old one's UID. Another content under a uniqueId that is taken is "
        "XDSNonIdenticalHash (ITI TF-2 3.42.4.1.3): a document that changed is another document, and gets a UID of its own, here `uid`.",
        any_status: "You looked among Deprecated entries too, and replaced one that had been replaced before: "
        "XDSRegistryDeprecatedDocumentError. Only an Approved entry can be replaced. That it comes first, or last, nobody promises: ask "
        "for that status.",
        deprecated_only: "You asked for *Deprecated* entries. Those have been replaced already; what is to be replaced is Approved. So "
        "where there was one Approved manifest you found none, and published a second beside it.",
        any_manifest_of_hers: "You replaced a manifest of the *patient*, the first or the last that was found. It is of another study, "
        "which now nobody finds. Which study an entry is about stands in its referenceIdList.",
        first_of_the_study: "You replaced the first document that refers to the study. A report refers to it too: it is Deprecated "
        "now, and the old manifest is still Approved. formatCode tells a manifest from a report.",
        last_of_the_study: "You replaced the last document that refers to the study. A report refers to it too: it is Deprecated now, "
        "and the old manifest may still be Approved. formatCode tells a manifest from a report.",
        part_of_the_uid: "You did not compare the whole reference. One UID may begin as another does: 2.999.4.1 is in 2.999.4.1.7, and her "
        "other study was replaced. Compare whole values: the UID, `^^^^` and the type.",
        only_where_there_was_one: "A study without a manifest stayed without one. Where the first submission failed, as in that night, the "
        "correction *is* the first submission: `replaces=None`.",
        first_reference: "Where an accession number stands before the study among the references, you did not find the old manifest, and "
        "published a second beside it. An entry has several references, in any order: ask whether yours is *in* "
        "`entry[\"referenceIdList\"]`.",
        last_reference: "Where an accession number stands behind the study among the references, you did not find the old manifest, and "
        "published a second beside it. An entry has several references, in any order: ask whether yours is *in* "
        "`entry[\"referenceIdList\"]`.",
        by_mime_type: "You replaced the first DICOM object that refers to the study, and that was a report: application/dicom is the "
        "mimeType of every DICOM object. The **formatCode** says of which SOP class it is.",
        last_by_mime_type: "You replaced the last DICOM object that refers to the study, and that was a report: application/dicom is the "
        "mimeType of every DICOM object. The **formatCode** says of which SOP class it is.",
        region_as_source: "sourcePatientId holds the region's ID. `publish` takes `one[\"patient\"]` for the region, then "
        "`one[\"local\"]`, the number in the hospital (ITI TF-3 4.2.3.2.22).",
        stranger_as_source: "The new entry bears a stranger's number as sourcePatientId: a repair has made a mix-up. Each study comes "
        "with its own, `one[\"local\"]`. (`local` alone is, in this notebook, the patient of the night.)",
        old_of_the_study_before: "The study that was never published got the old manifest of the study *before* it, which is Deprecated by "
        "then: XDSRegistryDeprecatedDocumentError. `old = None` belongs inside the outer loop, so that each study begins anew.",
    }
    hints = [
        "First look, then publish: FindDocuments of the patient, Approved; go through the entries; keep the `id` of the one that is a "
        "manifest and of this study.",
        "A manifest has `entry[\"formatCode\"].code == KO_STORAGE`. Its study stands in `entry[\"referenceIdList\"]`, as the CXi that "
        "you wrote in exercise 3: the Study Instance UID, `^^^^` and the type.",
        "Begin with `old = None`, set it inside the `if`, and publish once, behind the loop, with `replaces=old`: that covers the "
        "study that was never published.",
    ]
    praise = ("One Approved manifest, the one before Deprecated and tied to it: who kept the old link sees that there is something "
              "newer. Note that your source had to ask the registry first: one that keeps no entryUUIDs is a Document Consumer, too.")


BEFORE = {"one": "A study with a manifest", "replaced": "A study whose manifest was replaced before",
          "none": "A study that was never published"}


def _before(domain, plan):
    """What the region has of a patient before the correction. Returns the entryUUID of the study's Approved manifest, or None."""
    url, patient, objects, old = domain.repository.url, plan["patient"], _objects(plan), None
    uid = plan["uid"].removesuffix(".9")
    domain.source.turned = plan["before"] == "replaced"     # the study's reference first, then the accession number's

    def publish(place):
        for number, other in enumerate(plan["others"][place:place + 1], place):
            domain.source.publish(other["study"], url, patient, other["local"], f"{uid}.6.{number}", NOW)

    if plan["before"] != "one":                             # the report is before the manifest, or behind it
        _report(plan, f"{uid}.5", url, patient, dicom=plan["before"] == "replaced")
    publish(0)
    for version in range(1, 1 + {"one": 1, "replaced": 3, "none": 0}[plan["before"]]):
        faulty = _manifest(plan, objects[1:], f"{uid}.{version}", header={"AccessionNumber": f"{plan['accession']}0", "PatientID": "HV0"})
        domain.source.submit(faulty, url, patient, plan["local"], NOW, replaces=old)
        old = next(one.id for one in _entries(domain, patient) if one["uniqueId"] == faulty.SOPInstanceUID)
    publish(1)
    if plan["before"] == "one":
        _report(plan, f"{uid}.5", url, patient, dicom=True)
    domain.source.turned = False
    return old


def _answers(domain):
    """What was answered to submissions, in order, by the repository itself or by the registry through it."""
    return [event.detail for event in domain.repository.journal if event.what == "ITI-41 response"]


def _corrections(bench, plan):
    """What a consumer finds of a study that was to be corrected: {what was looked at: what was seen}."""
    url, old = bench.domain.registry.url, bench.olds[plan["study"]]
    entries = document_sharing.query(url, "FindDocuments", {
        "$XDSDocumentEntryPatientId": plan["patient"], "$XDSDocumentEntryStatus": [APPROVED, DEPRECATED]}, sender="ECC_PORTAL").entries
    reference = f"{plan['study']}^^^^{STUDY}"
    own = [one for one in entries if one["formatCode"].code == KO_STORAGE and reference in one.get("referenceIdList", ())]
    approved = [one for one in own if one["availabilityStatus"] == APPROVED]
    new = next((one for one in approved if one["uniqueId"] == plan["uid"]), None)
    which = "not the new one" if new is None else "the new one" if len(approved) == 1 else "the new one among them"
    seen = {"Approved manifests of it": f"{len(approved)}, {which}"}
    others = [one for one in entries if one not in own]
    kept = sum(one["availabilityStatus"] == APPROVED for one in others)
    lost = sorted({"a manifest of another study" if one["formatCode"].code == KO_STORAGE else "a report" for one in others
                   if one["availabilityStatus"] != APPROVED})
    seen["the patient's other documents that are Approved"] = (
        f"{kept} of {len(others)}" + (f", Deprecated now is {' and '.join(lost)}" if lost else ""))
    if old:
        before = next(one for one in own if one.id == old)
        links = document_sharing.query(url, "GetAssociations", {"$uuid": [old]}, sender="ECC_PORTAL").entries
        tied = new is not None and any(link["type"] == RPLC and (link["source"], link["target"]) == (new.id, old) for link in links)
        status = before["availabilityStatus"].rpartition(":")[2]
        seen["the manifest before it"] = f"{status}, {'with' if tied else 'without'} RPLC from the new one"
    if new is not None:
        seen["sourcePatientId of the new one"] = _whose(new["sourcePatientId"], plan)
        fetched = document_sharing.retrieve(bench.domain.repository.url, [(REPOSITORY, plan["uid"])], sender="ECC_PORTAL").documents
        manifest = dcmread(io.BytesIO(fetched[0].octets))
        right = [str(one.SOPInstanceUID) for one in _objects(plan)]
        seen["the new one lists"] = "what the archive has" if sorted(_sops(manifest)) == sorted(right) else "something else"
        seen["its accession number"] = "that of the repaired study" if manifest.AccessionNumber == plan["accession"] else "another"
    return seen


def _entries(domain, patient):
    return document_sharing.query(domain.registry.url, "FindDocuments", {
        "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries


# --- 6

class Once(Set):
    """A Set in which nothing may be there twice."""

    def read(self, given):
        """As a Set; who names something twice is told so."""
        found, value = super().read(given), plain(given)
        if type(value) is list and len(found) < len(value):
            raise Unreadable("A manifest is on your list more than once, say for each object that is gone, and would be replaced as often: "
                             "the second time it is XDSRegistryDeprecatedDocumentError. Put it there behind the inner loop, once.")
        return found


STALE = ("some", "most", "all", "mixed", "between")         # of the kinds of manifests below


def _of_kind(state, *kinds):
    """The uniqueIds of a patient's manifests of some kinds."""
    return [one["uid"] for one in state["manifests"] if one["kind"] in kinds]


@lesson.exercise
class Stale:
    """Find them before Eastcliff does. Write the function `stale(registry, repository, source, patient)`: it returns the **uniqueIds of the
    Approved manifests** of a patient that name an object which **the source no longer gives**, as a list, each once. Where there are none,
    the list is empty.

    - The first three are URLs, `patient` is a CX of the region. There is one repository and one source.
    - Ask as Eastcliff would, by RAD-69: an object that the source no longer gives comes back as an error `XDSDocumentUniqueIdError` in
      `answer.problems`. If some are gone the status is PartialSuccess, if all are, Failure.
    - Other errors mean other repairs: a manifest that names the source by a wrong OID is not stale. It may be both, wrong in some series
      and stale in another: then it belongs on the list.

    It is tried on patients with healthy, stale, replaced and misaddressed manifests, of CT and others, and with reports: a PDF, or a DICOM
    object that is no manifest (its **formatCode** is another).
    """

    answer = Consumer("stale", "registry, repository, source, patient", result=Once("", reading=listed_uid), noticed=_never_found,
                      whole=True)
    points = 2

    def solution(registry, repository, source, patient):
        found = document_sharing.query(registry, "FindDocuments", {
            "$XDSDocumentEntryPatientId": patient,
            "$XDSDocumentEntryStatus": [APPROVED],
            "$XDSDocumentEntryFormatCode": [Code(KO_STORAGE, DICOM_UIDS)],
        })
        uids = []
        for entry in found.entries:
            fetched = document_sharing.retrieve(repository, [(entry["repositoryUniqueId"], entry["uniqueId"])])
            manifest = dcmread(io.BytesIO(fetched.documents[0].octets))
            withdrawn = 0
            for problem in retrieve_images(source, manifest).problems:
                if problem.code == "XDSDocumentUniqueIdError":
                    withdrawn = withdrawn + 1
            if withdrawn > 0:
                uids.append(entry["uniqueId"])
        return uids

    @contextlib.contextmanager
    def stage(draw):
        # Of each patient the manifests, in the order of registration
        wanted = (("most", "healthy"), ("misaddressed", "all", "some"), ("replaced", "mixed", "between"), ("healthy", "misaddressed"))
        patients = [(cx(f"NM4{_digits(draw)}", REGION), [
            (kind, _invented(draw, 2 if kind in ("most", "between") else 1, 1) | (OLD_MR if kind == "some" else {})) for kind in kinds])
            for kinds in wanted]
        with _domain([plan for _, plans in patients for _, plan in plans], [one for one, _ in patients]) as domain:
            url, store, cases, asked = domain.repository.url, domain.source.store, [], []
            for number, (patient, plans) in enumerate(patients):
                manifests = []
                for kind, plan in plans:
                    objects, uid, old = _objects(plan), f"2.999.8.{_digits(draw, 8)}", None
                    if kind == "replaced":                  # the first of its patient
                        domain.source.publish(plan["study"], url, patient, plan["local"], uid, NOW)
                        manifests.append({"uid": uid, "kind": kind})
                        old, uid = _entries(domain, patient)[0].id, f"{uid}.2"
                        _withdraw(store, objects[:1])
                    location = FORMER if kind == "misaddressed" else SOURCE
                    shown = objects[1:] if kind == "replaced" else objects
                    made = _manifest(plan, shown, uid, location)
                    for place in {"mixed": (0,), "between": (0, 2)}.get(kind, ()):
                        made.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[place].RetrieveLocationUID = FORMER
                    domain.source.submit(made, url, patient, plan["local"], NOW, replaces=old)
                    manifests.append({"uid": uid, "kind": "healthy" if kind == "replaced" else kind})
                    if kind in STALE:
                        _withdraw(store, {"some": objects[:1], "most": objects[:2], "all": objects, "mixed": objects[1:],
                                          "between": objects[1:2]}[kind])
                if number != 2:
                    _report(plan, f"{uid}.5", url, patient, dicom=number == 0)
                cases.append(((domain.registry.url, url, domain.source.url, patient),
                              {"manifests": manifests, "asked": lambda: asked[0]()}))
            asked.append(_asked(domain.registry))
            yield cases

    def right(state):
        return _of_kind(state, *STALE)

    def partial_only(state):
        return _of_kind(state, "some", "most")

    def failures_only(state):
        return _of_kind(state, "all", "misaddressed", "mixed", "between")

    def wholly_gone_only(state):
        return _of_kind(state, "all")

    def more_than_one(state):
        return _of_kind(state, "most", "all")

    def any_problem(state):
        return _of_kind(state, *STALE, "misaddressed")

    def one_code_only(state):
        return _of_kind(state, "some", "most", "all")

    def last_code_only(state):
        return _of_kind(state, "some", "most", "all", "mixed")

    def asked_for_less(state):
        return [uid for uid in _of_kind(state, *STALE) if uid not in _of_kind(state, "some")]

    def deprecated_too(state):
        return _of_kind(state, *STALE, "replaced")

    def all_of_the_patient(state):
        hit = _of_kind(state, *STALE)
        return [one["uid"] for one in state["manifests"] if hit and one["kind"] != "replaced"]

    def never_reset(state):
        found = []
        for one in state["manifests"]:
            if one["kind"] != "replaced" and (found or one["kind"] in STALE):
                found.append(one["uid"])
        return found

    def first_only(state):
        first = next(one for one in state["manifests"] if one["kind"] != "replaced")
        return [first["uid"]] if first["kind"] in STALE else []

    def first_stale_only(state):
        return _of_kind(state, *STALE)[:1]

    def nothing_found(state):
        return []

    wrong_ways = {
        partial_only: "You asked for PartialSuccess. A manifest of which *everything* was withdrawn gets Failure, and is as stale as "
        "one can be. Since nothing is left to replace it with, removing it is what remains.",
        failures_only: "You asked for Failure. A manifest of which some objects are gone gets PartialSuccess; a Failure, on the other "
        "hand, may have other reasons, such as a wrong OID. The *codes* tell.",
        wholly_gone_only: "You report only manifests of which nothing is left. One missing image is enough: the list says something "
        "that the source no longer keeps (RAD TF-3 4.68.4.1.2.1).",
        any_problem: "You take any error for a withdrawal. XDSUnknownRepositoryId says that the manifest names the source by a wrong "
        "OID: all its images are there. That is repaired in the VNA's settings, for all manifests at once, and not study by study.",
        more_than_one: "You report the manifests of which more than one object is gone. One is enough.",
        one_code_only: "You miss the manifests that have both faults: in one series they name the source by a wrong OID, in another they "
        "list what was withdrawn. Whether the *first* problem, or *every* problem, is XDSDocumentUniqueIdError does not answer the "
        "question; ask whether *any* is.",
        last_code_only: "You miss a manifest with both faults in which what was withdrawn stands *between* two series with a wrong OID. "
        "Does the first or last problem decide, or does a later one take back what an earlier one has found (an `else` that sets it to "
        "False)? Once found, it stays found.",
        asked_for_less: "You miss the manifest of an MR of last year. Does your query ask for CT, or for a time? Asked is everything: "
        "patient, status, and the formatCode of manifests.",
        never_reset: "Every manifest behind a stale one is on your list, healthy ones too. What you note of a manifest has to begin anew "
        "with each: set it back *inside* the loop over the entries.",
        deprecated_too: "Deprecated manifests are on your list. They were replaced already, and of course name what was withdrawn; who "
        "would 'correct' them gets XDSRegistryDeprecatedDocumentError.",
        all_of_the_patient: "You report all manifests of a patient as soon as one is stale. The others are right, and replacing them would "
        "deprecate links that people use.",
        first_only: "You look at the first manifest of a patient only. The loop has to go through all entries, and `return` belongs "
        "behind it.",
        first_stale_only: "You stop at the first stale manifest. A patient may have two: `return` belongs behind the loop over the "
        "entries.",
        nothing_found: "Your function finds none. `answer.status` is a whole URN, and `answer.problems` a list of objects with a "
        "`code`; compare with `problem.code == \"XDSDocumentUniqueIdError\"`.",
    }
    hints = [
        "It is the consumer of exercise 2 with another question at the end: not what came, but what did not, and why.",
        "`retrieve_images(source, manifest).problems` is a list; each has a `code`. Count those with the code that the question names.",
        "One entry goes on the list once, however many of its objects are gone: ask behind the inner loop whether the count is above 0.",
    ]
    praise = ("This is the proof for a study, and no job for every night: RAD-69 brings the pixels of all that is still there, and each "
              "question is a record of access to a patient's data. For the whole region the source compares its manifests with its own "
              "index, or lets each rejection note call for a replacement. (It happens: the region's log of this month, of which you saw "
              "two lines, has such a manifest. A general practitioner found it.)")


# --- 7

def _rounded(answer, right):
    """Whether an answer is the right share, rounded. What comes to 1 is more likely wrong than rounded."""
    return any(number == round(right, digits) and number != 1 for number in answer for digits in range(2, 9))


def _about_chain(case, answer):
    """A sentence on a share that fits no known way, where the chain says what to look at; or None."""
    (chain,) = case
    if _rounded(answer, Availability.solution(chain)):
        return None
    if any(number == 1 for number in answer):
        return "A share of 1 would never fail, and no chain is that good. Availabilities are not added up."
    many, unlike = max(map(len, chain)), any(len(set(stage)) > 1 for stage in chain)
    if many > 2:
        return f"A stage of that chain has {many} machines: it is down when all {many} are, each with its own numbers."
    return "In a stage of that chain the machines differ: each counts with its own MTBF and MTTR." if unlike else None


class Share(Number):
    """A share that is asked unrounded; who has rounded the right one is told so."""

    def difference(self, answer, other):
        """None when they agree to nine digits."""
        difference = super().difference(answer, other)
        if difference and _rounded(answer, other[0]):
            return Difference("It is right, and rounded: give the share as it comes, without `round`.", "rounded")
        return difference


def _stage(machine):
    up, repair = machine
    return up / (up + repair)


@lesson.exercise
class Availability:
    """Write the function `availability(chain)`: the share of time in which a look-up works, between 0 and 1.

    - `chain` is a list of stages, all of which a look-up needs, one after the other: index, registry, repository, source, say; there may be
      fewer or more.
    - A stage is a list of machines, of which **one** is enough.
    - A machine is a pair `(MTBF, MTTR)`: hours that it runs on the average until it fails, and hours until it is back.

    Machines fail independently of each other. Do not round: the share is compared to nine digits.
    """

    answer = Function("availability", result=Share(tolerance=1e-9), remark=_about_chain)
    points = 2

    def solution(chain):
        works = 1
        for stage in chain:
            all_down = 1
            for up, repair in stage:
                all_down = all_down * repair / (up + repair)
            works = works * (1 - all_down)
        return works

    def cases(draw):
        def machine():
            return draw.choice((500, 1000, 2000, 8000)), draw.choice((1, 2, 4, 8, 24))

        chains = [[[machine()]], [[machine(), machine()]], [[machine()], [machine()], [machine()]]]
        for _ in range(6):
            chains.append([[machine() for _ in range(draw.randrange(1, 4))] for _ in range(draw.randrange(2, 5))])
        chains.append([[machine()] for _ in range(6)])
        return [(chain,) for chain in chains]

    def all_in_series(chain):
        return math.prod(_stage(machine) for stage in chain for machine in stage)

    def all_in_parallel(chain):
        return 1 - math.prod(1 - _stage(machine) for stage in chain for machine in stage)

    def weakest_stage(chain):
        return min(1 - math.prod(1 - _stage(machine) for machine in stage) for stage in chain)

    def best_machine(chain):
        return math.prod(max(_stage(machine) for machine in stage) for stage in chain)

    def mean_of_the_machines(chain):
        return math.prod(sum(_stage(machine) for machine in stage) / len(stage) for stage in chain)

    def mean_of_the_stages(chain):
        return sum(1 - math.prod(1 - _stage(machine) for machine in stage) for stage in chain) / len(chain)

    def repair_over_uptime(chain):
        return math.prod(1 - math.prod(repair / up for up, repair in stage) for stage in chain)

    def first_machine_only(chain):
        return math.prod(_stage(stage[0]) for stage in chain)

    def mean_of_all(chain):
        every = [_stage(machine) for stage in chain for machine in stage]
        return sum(every) / len(every)

    def downtimes_added(chain):
        return 1 - sum(math.prod(1 - _stage(machine) for machine in stage) for stage in chain)

    def unavailability(chain):
        return 1 - math.prod(1 - math.prod(1 - _stage(machine) for machine in stage) for stage in chain)

    def failures_in_a_stage_added(chain):
        return math.prod(1 - sum(1 - _stage(machine) for machine in stage) for stage in chain)

    wrong_ways = {
        all_in_series: "You multiplied all machines, as if each were needed. In a stage *one* is enough: it is down only when all of "
        "them are down together. By your formula a second machine makes things worse.",
        all_in_parallel: "You took everything as parallel, as if one machine anywhere were enough. A registry does not stand in for an "
        "index: stages are in series, and all are needed.",
        weakest_stage: "You took the weakest stage. A chain is *worse* than its weakest link: the downtimes of the others come on top, "
        "at other hours.",
        best_machine: "You counted the best machine of each stage, and the second one for nothing. Two at 99 % fail together in one hour "
        "of 10,000.",
        mean_of_the_machines: "You took the mean of a stage's machines. By that a second, equal machine changes nothing.",
        mean_of_the_stages: "You took the mean of the stages. Four stages that all are needed are not as good as their mean: multiply.",
        repair_over_uptime: "You divided MTTR by MTBF. Here MTBF counts the hours that a machine *runs*, and the repair comes on top: it "
        "is down MTTR of every *MTBF + MTTR* hours. (Who counts from failure to failure calls the running hours MTTF, and then your "
        "quotient is right. Ask which is meant when a vendor names a number.)",
        first_machine_only: "You looked at the first machine of each stage only. The others of the stage stand in for it.",
        mean_of_all: "You took the mean of all machines. Which of them are needed together, and which stand in for each other, is lost "
        "in it: multiply.",
        downtimes_added: "You added up the downtimes of the stages. That is nearly right for small ones, and counts twice the hours in "
        "which two stages are down at once; multiply the availabilities.",
        unavailability: "That is the share of time in which a look-up does *not* work. Asked is the other one.",
        failures_in_a_stage_added: "Inside a stage you added the downtimes. That is the chance that *some* machine is down; the stage "
        "is down when *all* are, which is the product.",
    }
    hints = [
        "From the inside: one machine is up MTBF / (MTBF + MTTR) of the time, and down the rest.",
        "A stage is down when all its machines are: multiply what they are down, and take that off 1.",
        "A look-up works when all stages do: multiply what the stages are up. Two loops inside each other, each with a product that "
        "begins at 1.",
    ]
    praise = ("Now an architecture has a number. Beware of its one assumption: two machines on one power line, one switch or one "
              "release do not fail independently.")


availability = Availability.solution    # as the learner has it, for what follows


# --- 8

SYSTEMS = {                 # those of the domain beside the registry: what each is in it
    "NMH_INDEX": "Patient Identity Source, PIX Manager", "HV_REPOSITORY": "Document Repository", "ECC_REPOSITORY": "Document Repository",
    "HV_VNA": "Imaging Document Source", "ECC_VNA": "Imaging Document Source", "HV_EMR": "Document Consumer",
    "ECC_PORTAL": "Document Consumer",
}
REGISTRIES = ("NMH_REGISTRY", "HV_REGISTRY", "ECC_REGISTRY")
BESIDE = ("ARR", "HIS")                 # in the picture of the domain, and no part of the draft: they may be named
RUNNING = {"HV_REPOSITORY": REPOSITORY, "HV_VNA": SOURCE}               # have published under these
WITH_OIDS = {"HV_REPOSITORY": OURS, "ECC_REPOSITORY": THEIRS, "HV_VNA": OURS, "ECC_VNA": THEIRS}
CHAIN = ("index", "registry", "repository", "VNA")          # what a look-up needs
MACHINES = (*CHAIN, "audit")
NEIGHBOUR = "urn:oid:2.999.1.8"         # the home of the community next door
# OIDs that are those of vocabularies, of Northmere's typeCodes too
TAKEN = {code.scheme for code in CODES.values()} | {code.partition("^^")[2] for code in TYPES.values()}
GROUPS = ("time client", "secure node", "PIX consumer", "document consumer", "identity feed")
PAIR_MINUTES = 5                        # until the second machine has taken over
OVERSIZE = {"entries": 1.5, "queries per second": 2}
SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6}


@lesson.input
def brief(hospital):
    """What the architecture has to carry: a dictionary of numbers."""
    draw = _draw(hospital, "brief")
    machines = [(2000, 4), (2000, 3), (20000, 12), (2000, 2)]
    draw.shuffle(machines)
    return {
        "studies a year, Harbour Vale": draw.randrange(178_000, 194_000, 1000),
        "studies a year, Eastcliff": draw.randrange(20_000, 28_000, 1000),
        "documents a study": 2,
        "share of documents that are replaced once": 0.06,
        "years": 7,
        "look-ups a day": draw.randrange(8_000, 12_000, 500),
        "stored queries a look-up": 3,
        "share of the day's look-ups in the busiest hour": 0.14,
        "busiest second of that hour, times its mean": 4,
        "MTBF, MTTR (h)": {**dict(zip(CHAIN, machines)), "audit": (2000, 8)},
        "a look-up may be impossible (h a year)": 20,
        "nothing in a look-up may be away at a stretch for more than (h)": 5,
        "machines": 8,
        "images of the study": draw.randrange(560, 660, 10),
        "MB an image": 0.53,
        "line to Eastcliff (Mb/s)": 200,
        "seconds until the manifest is there": 0.65,
        "seconds a RAD-69 request costs beside its images": 0.25,
        "first images within (s)": 3.0,
        "whole study within (s)": 17.0,
    }


def _sized(brief):
    """What the numbers of a brief come to: entries, stored queries a second."""
    studies = brief["studies a year, Harbour Vale"] + brief["studies a year, Eastcliff"]
    documents = studies * brief["documents a study"] * brief["years"]
    hour = brief["look-ups a day"] * brief["stored queries a look-up"] * brief["share of the day's look-ups in the busiest hour"]
    return {"entries": documents * (1 + brief["share of documents that are replaced once"]),
            "queries per second": hour / 3600 * brief["busiest second of that hour, times its mean"]}


def _fits(share, most):
    """How a size fits what is needed, of which it is a share: "good", or what it is instead, and the share, which tells ways apart."""
    if 0.999 <= share <= most:
        return "good"
    return "too few" if share < 1 else "too many", float(f"{share:.2g}")


def _seconds(brief, images):
    """(seconds until the first images are there, until all are) with so many images a request."""
    each, cost = brief["MB an image"] * 8 / brief["line to Eastcliff (Mb/s)"], brief["seconds a RAD-69 request costs beside its images"]
    start, count = brief["seconds until the manifest is there"], brief["images of the study"]
    return start + cost + min(images, count) * each, start + math.ceil(count / images) * cost + count * each


def _down(brief, machines):
    """Hours a year in which a look-up is impossible."""
    chain = [[brief["MTBF, MTTR (h)"][name]] * machines[name] for name in CHAIN]
    return (1 - Availability.solution(chain)) * 8766


def _settings(value):
    """A reading: the design as ``trial`` takes it. Raises ValueError with a sentence."""
    if type(value) is not dict:
        raise ValueError("a design is a dictionary with the entries of the template")
    parts = ("registry", "oids", "home", *GROUPS, "machines", "entries", "queries per second", "images per request")
    missing, extra = [name for name in parts if name not in value], [name for name in value if name not in parts]
    if missing or extra:
        raise ValueError(f"the entry `{missing[0]}` is missing" if missing else f"an entry `{str(extra[0])[:40]}` was not asked for")
    read = {}
    for name in ("registry", *GROUPS):
        read[name] = _names(name, value[name])
    value = {**value, **{name: _pairs(value[name]) for name in ("oids", "machines")}}
    for name, wanted in (("oids", WITH_OIDS), ("machines", MACHINES)):
        if type(value[name]) is not dict or set(value[name]) != set(wanted):
            raise ValueError(f"`{name}` is a dictionary with the entries {', '.join(wanted)}")
    read["oids"] = {}
    for name, one in value["oids"].items():
        if type(one) is not str:
            raise ValueError(f"the OID of {name} is a text")
        read["oids"][name] = one.strip()
    if type(value["home"]) is not str:
        raise ValueError("`home` is a text")
    read["home"] = value["home"].strip()
    read["machines"] = {name: _count(f"machines of {name}", value["machines"][name], 1, 2, whole=True) for name in MACHINES}
    for name, whole in (("entries", False), ("queries per second", False), ("images per request", True)):
        read[name] = _count(name, value[name], 1 if whole else 0, 1e12, whole)
    return read


def _pairs(given):
    """A list of pairs as a dictionary; anything else as it is."""
    pairs = type(given) is list and bool(given) and all(type(one) is list and len(one) == 2 and type(one[0]) is str for one in given)
    return dict(given) if pairs else given


def _names(part, given):
    if type(given) is str:
        given = given.split(",")
    if type(given) is not list or not all(type(one) is str for one in given):
        raise ValueError(f"`{part}` is a list of names of systems")
    names = [re.sub(r"[\s\-]+", "_", one.strip()).upper() for one in given]
    unknown = [name for name in names if name not in (*SYSTEMS, *REGISTRIES, *BESIDE)]
    if unknown:
        raise ValueError(f"`{part}` names {unknown[0][:40]}, which is no system of the domain")
    return sorted(set(names))


def _count(what, given, least, most, whole):
    if type(given) is str:                                      # "3,131,240", "3.1 million", "4 per second"
        written = re.fullmatch(r"(\d[\d,_ ]*(?:\.\d+)?)\s*(thousand|million|k|m)?(?:\s*(?<![a-z])[a-z/][a-z /]*)?",
                               given.strip().casefold())
        given = float(re.sub(r"[,_ ]", "", written[1])) * SCALES.get(written[2], 1) if written else given
    if type(given) not in (int, float) or not math.isfinite(given) or not least <= given <= most:
        raise ValueError(f"`{what}` is 1 or 2" if most == 2 else f"`{what}` is a number, {least:,} or more")
    if whole and given != int(given):
        raise ValueError(f"`{what}` is a whole number")
    return int(given) if whole else float(given)


class OwnSettings(Config):
    """Settings for the learner's own numbers, which no other hospital has."""

    def judge(self, exercise, given, editions):
        """The verdict on the settings, on the learner's hospital alone."""
        return super().judge(exercise, given, Editions(editions.own))


DRAFT = {
    "registry": ["HV_REGISTRY", "ECC_REGISTRY"],
    "oids": {"HV_REPOSITORY": "2.999.1.1.72", "HV_VNA": "2.999.1.1.72", "ECC_REPOSITORY": "2.999.1.2.072", "ECC_VNA": "ECC_VNA"},
    "home": "2.999.1.8",
    "time client": ["HV_VNA", "ECC_VNA"],
    "secure node": ["HV_REPOSITORY", "ECC_REPOSITORY"],
    "PIX consumer": ["ECC_PORTAL"],
    "document consumer": ["HV_EMR", "ECC_PORTAL"],
    "identity feed": ["HV_REPOSITORY"],
    "machines": {"index": 1, "registry": 2, "repository": 2, "VNA": 2, "audit": 2},
    "entries": 40_000_000, "queries per second": 1, "images per request": 2000,
}


@lesson.input
def draft(hospital):
    """The integrator's draft of the architecture, in the form of the answer: a dictionary."""
    return json.loads(json.dumps(DRAFT))


def _designed(brief, **changes):
    """A design that works, with some of its parts changed."""
    systems = ["NMH_REGISTRY", *SYSTEMS]
    sources, consumers = ["HV_VNA", "ECC_VNA"], ["HV_EMR", "ECC_PORTAL"]
    machines = dict.fromkeys(MACHINES, 1)
    for name, (_, repair) in brief["MTBF, MTTR (h)"].items():
        if name in CHAIN and repair > brief["nothing in a look-up may be away at a stretch for more than (h)"]:
            machines[name] = 2
    while _down(brief, machines) > brief["a look-up may be impossible (h a year)"]:
        single = [name for name in CHAIN if machines[name] == 1]
        machines[max(single, key=lambda name: 1 - _stage(brief["MTBF, MTTR (h)"][name]))] = 2
    images = 1
    while _seconds(brief, images)[1] > brief["whole study within (s)"]:
        images += 1
    sized = _sized(brief)
    return {
        "registry": ["NMH_REGISTRY"], "oids": {name: f"{arc}.{72 if 'REPOSITORY' in name else 71}" for name, arc in WITH_OIDS.items()},
        "home": f"urn:oid:{REGION}", "time client": systems, "secure node": systems, "PIX consumer": sources + consumers,
        "document consumer": sources + consumers, "identity feed": ["NMH_REGISTRY"], "machines": machines,
        "entries": math.ceil(sized["entries"]), "queries per second": math.ceil(sized["queries per second"] * 10) / 10,
        "images per request": images, **changes}


@lesson.exercise
class Design:
    """Write the architecture. `design` has the form of the integrator's draft; the rules above and the numbers of `chea02.brief` judge it:

    - `"registry"`: the systems that are a Document Registry of the domain;
    - `"oids"`: the repositoryUniqueId of each repository, the Retrieve Location UID of each VNA; Harbour Vale gives OIDs under
      2.999.1.1, Eastcliff under 2.999.1.2. Harbour Vale's two systems run already, and keep those of the map in part 1. `"home"`: the
      domain's homeCommunityId; the community next door has `urn:oid:2.999.1.8`;
    - `"time client"`, `"secure node"`, `"PIX consumer"`, `"document consumer"`: which systems are also that, each list with all who need to
      be and, for the two consumers, nobody else. The VNAs have the option to replace documents, and keep no entryUUIDs;
    - `"identity feed"`: which get the feed of patient IDs, ITI-8, beside the index;
    - `"machines"`: of each kind 1 or 2. A look-up needs the index, the registry, and one hospital's repository and VNA, those that have
      what is looked for; the other hospital's do not stand in for them. So `"repository"` means the machines of *one* repository, and the
      brief's number of machines is the sum of the five numbers;
    - `"entries"`: for how many the registry is bought; `"queries per second"`: for how many in the busiest second. With reserve, up to 1.5
      times the entries that are needed, and up to twice the queries, will do;
    - `"images per request"`: how many images a consumer asks for in one RAD-69 request. This one sends one request at a time, on one
      connection, and shows its images when the answer is complete.
    """

    answer = OwnSettings("design", reading=_settings, called="settings of the design", shape="a dictionary", template=(
        "design = {\n"
        '    "registry": [...],\n'
        '    "oids": {"HV_REPOSITORY": ..., "HV_VNA": ..., "ECC_REPOSITORY": ..., "ECC_VNA": ...},\n'
        '    "home": ...,\n'
        '    "time client": [...],\n'
        '    "secure node": [...],\n'
        '    "PIX consumer": [...],\n'
        '    "document consumer": [...],\n'
        '    "identity feed": [...],\n'
        '    "machines": {"index": ..., "registry": ..., "repository": ..., "VNA": ..., "audit": ...},\n'
        '    "entries": ...,\n'
        '    "queries per second": ...,\n'
        '    "images per request": ...,\n'
        "}"))
    points = 4

    def solution(brief):
        studies = brief["studies a year, Harbour Vale"] + brief["studies a year, Eastcliff"]
        documents = studies * brief["documents a study"] * brief["years"]
        queries = brief["look-ups a day"] * brief["stored queries a look-up"]
        busiest_hour = queries * brief["share of the day's look-ups in the busiest hour"]
        numbers = brief["MTBF, MTTR (h)"]
        machines = {"index": 2, "registry": 2, "repository": 2, "VNA": 2, "audit": 1}           # nine: one too many
        best = 0
        for name in ["index", "registry", "repository", "VNA"]:                                 # which can stay single? (exercise 7)
            chain = []
            for other in ["index", "registry", "repository", "VNA"]:
                if other == name:
                    chain.append([numbers[other]])
                else:
                    chain.append([numbers[other], numbers[other]])
            up, repair = numbers[name]
            if repair <= brief["nothing in a look-up may be away at a stretch for more than (h)"] and availability(chain) > best:
                best = availability(chain)
                single = name
        machines[single] = 1
        images = 1
        seconds = brief["whole study within (s)"] + 1
        while seconds > brief["whole study within (s)"]:                                        # as few as are quick enough
            images = images + 1
            requests = math.ceil(brief["images of the study"] / images)
            seconds = (brief["seconds until the manifest is there"]
                       + requests * brief["seconds a RAD-69 request costs beside its images"]
                       + brief["images of the study"] * brief["MB an image"] * 8 / brief["line to Eastcliff (Mb/s)"])
        everybody = ["NMH_REGISTRY", "NMH_INDEX", "HV_REPOSITORY", "ECC_REPOSITORY", "HV_VNA", "ECC_VNA", "HV_EMR", "ECC_PORTAL"]
        ask = ["HV_VNA", "ECC_VNA", "HV_EMR", "ECC_PORTAL"]
        return {
            "registry": ["NMH_REGISTRY"],
            "oids": {"HV_REPOSITORY": "2.999.1.1.72", "HV_VNA": "2.999.1.1.71",
                     "ECC_REPOSITORY": "2.999.1.2.72", "ECC_VNA": "2.999.1.2.71"},
            "home": "urn:oid:2.999.1.9",
            "time client": everybody,
            "secure node": everybody,
            "PIX consumer": ask,
            "document consumer": ask,
            "identity feed": ["NMH_REGISTRY"],
            "machines": machines,
            "entries": 1.1 * documents * (1 + brief["share of documents that are replaced once"]),
            "queries per second": 1.2 * busiest_hour / 3600 * brief["busiest second of that hour, times its mean"],
            "images per request": images,
        }

    def trial(settings, hospital):
        asked = lesson.input_of("brief", hospital)
        everybody = {*settings["registry"], *SYSTEMS}
        ask = {"HV_VNA", "ECC_VNA", "HV_EMR", "ECC_PORTAL"}
        needed = {"time client": everybody, "secure node": everybody, "PIX consumer": ask, "document consumer": ask,
                  "identity feed": set(settings["registry"])}
        oids = settings["oids"]
        sized, machines = _sized(asked), settings["machines"]
        images = min(settings["images per request"], asked["images of the study"])
        (first, whole), requests = _seconds(asked, images), math.ceil(asked["images of the study"] / images)
        limit = asked["nothing in a look-up may be away at a stretch for more than (h)"]
        too_long = [name for name in CHAIN if machines[name] == 1 and asked["MTBF, MTTR (h)"][name][1] > limit]
        hours = "too many" if _down(asked, machines) > asked["a look-up may be impossible (h a year)"] else "good"
        bought = "too many" if sum(machines.values()) > asked["machines"] else "good"
        return {
            "registries": len(settings["registry"]), "no registry": [name for name in settings["registry"] if name not in REGISTRIES],
            "with urn": [name for name in WITH_OIDS if oids[name].casefold().startswith("urn:")],
            "malformed": [name for name in WITH_OIDS if not is_oid(oids[name]) and not oids[name].casefold().startswith("urn:")],
            "the arc": [name for name, arc in WITH_OIDS.items() if oids[name] == arc],
            "foreign": [name for name, arc in WITH_OIDS.items() if is_oid(oids[name]) and not f"{oids[name]}.".startswith(f"{arc}.")],
            "shared": sorted(name for name in WITH_OIDS if list(oids.values()).count(oids[name]) > 1),
            "moved": [name for name, oid in RUNNING.items() if oids[name] != oid],
            "home": _home(settings["home"], oids),
            "lacking": {group: sorted(needed[group] - set(settings[group])) for group in GROUPS},
            "useless feed": sorted(set(settings["identity feed"]) - {*settings["registry"], "NMH_INDEX"}),
            "useless right": [[group, name] for group in ("PIX consumer", "document consumer")
                              for name in settings[group] if name not in ask and name not in BESIDE],
            "too long": too_long, "hours": hours, "machines": bought if bought == "good" else [sum(machines.values()), asked["machines"]],
            # Which there are two of, where that will not do: so a way is told from others that will not.
            "pairs": [name for name in MACHINES if machines[name] > 1] if too_long or "too many" in (hours, bought) else [],
            **{name: _fits(settings[name] / sized[name], most) for name, most in OVERSIZE.items()},
            "first": [images, f"{first:.2f}", asked["first images within (s)"]] if first > asked["first images within (s)"] else "good",
            "whole": [requests, f"{whole:.2f}", asked["whole study within (s)"]] if whole > asked["whole study within (s)"] else "good",
        }

    def faults(outcome):
        said = []
        if outcome["registries"] != 1:
            said.append(f"The domain has {outcome['registries']} registries. A consumer asks the one of its own community; what another "
                        "one has is not found. A domain has one Document Registry and as many repositories as it likes (ITI TF-1 10).")
        if outcome["no registry"]:
            said.append(f"{outcome['no registry'][0]} is no registry. Northmere's may be called NMH_REGISTRY, or be one of those of the "
                        "draft.")
        for part, what in (
                ("with urn", "has `urn:oid:` in front. repositoryUniqueId and Retrieve Location UID are bare OIDs; the URN is for `home`"),
                ("malformed", "is no OID: digits and dots, no part with a zero in front, 64 characters at most"),
                ("the arc", "is the arc itself, under which the hospital gives OIDs: put a number of its own behind it"),
                ("foreign", "lies under the arc of another organisation"), ("shared", "is used twice"),
                ("moved", "is not that of the map, under which it has published: all that names it in entries or manifests would be found "
                 "no more, as in that night")):
            if outcome[part]:
                said.append(f"The OID of {outcome[part][0]} {what}.")
        if outcome["home"] != "good":
            said.append(_HOMES.get(outcome["home"]) or f"`home` is {outcome['home']}. That OID names something else already.")
        for group, lacking in outcome["lacking"].items():
            if lacking:
                said.append(f"{lacking[0]} is not on the list `{group}`. {_WHY[group]}")
        if outcome["useless feed"]:
            said.append(f"{outcome['useless feed'][0]} gets the identity feed too. By Northmere's rule nobody does but index and registry: "
                        "others ask the index, ITI-9, when they need an ID, and have no copy that can go out of step.")
        if outcome["useless right"]:
            group, name = outcome["useless right"][0]
            said.append(f"{name} is on the list `{group}`, and asks for nothing by that: {_ASKS[group]} By Northmere's rule nobody may "
                        "ask who does not need to; each right is a certificate, a line in the audit trail's rules, and a way in.")
        if outcome["too long"]:
            said.append(f"A look-up needs the {outcome['too long'][0]}, of which there is one machine; when it fails it is away for "
                        f"longer than is allowed at a stretch, however seldom that is.")
        if outcome["hours"] != "good":
            said.append("Over the year look-ups are impossible for longer than is allowed. Use your function of exercise 7: which "
                        "single machines cost the most hours?")
        if outcome["machines"] != "good":
            count, limit = outcome["machines"]
            said.append(f"These are {count} machines, and there is money for {limit}. Something has to stay single: what a look-up does "
                        "not wait for, or what comes back in time and costs the fewest hours a year.")
        for part, what in (("entries", "entries"), ("queries per second", "queries a second")):
            if outcome[part] != "good":
                beyond = f" More than {OVERSIZE[part]} times what is needed is no reserve any more."
                reserve = beyond if outcome[part][0] == "too many" else ""
                said.append(f"The registry is bought for {outcome[part][0]} {what}. {_SIZES[part]}{reserve}")
        if outcome["first"] != "good":
            images, seconds, limit = outcome["first"]
            said.append(f"The first images come too late: with {images} in a request they are there after {seconds} s, and the brief "
                        f"allows {limit} s. A request is shown when all its images are there, so a large one keeps the doctor waiting.")
        if outcome["whole"] != "good":
            requests, seconds, limit = outcome["whole"]
            said.append(f"The whole study comes too late: it takes {requests} requests and {seconds} s, and the brief allows {limit} s. "
                        "Each request costs its own time: fewer, larger ones cost less.")
        return said

    def a_registry_each(brief):
        everybody = ["HV_REGISTRY", "ECC_REGISTRY", *SYSTEMS]
        return _designed(brief, registry=["HV_REGISTRY", "ECC_REGISTRY"], **{
            "identity feed": ["HV_REGISTRY", "ECC_REGISTRY"], "time client": everybody, "secure node": everybody})

    def one_oid_for_both(brief):
        return _designed(brief, oids={"HV_REPOSITORY": "2.999.1.1.72", "HV_VNA": "2.999.1.1.72", "ECC_REPOSITORY": "2.999.1.2.72",
                                      "ECC_VNA": "2.999.1.2.72"})

    def the_same_at_both_hospitals(brief):
        return _designed(brief, oids={"HV_REPOSITORY": "2.999.1.1.72", "HV_VNA": "2.999.1.1.71", "ECC_REPOSITORY": "2.999.1.1.72",
                                      "ECC_VNA": "2.999.1.1.71"})

    def bare_home(brief):
        return _designed(brief, home=REGION)

    def neighbours_home(brief):
        return _designed(brief, home=NEIGHBOUR)

    def sources_do_not_ask_the_index(brief):
        return _designed(brief, **{"PIX consumer": ["HV_EMR", "ECC_PORTAL"]})

    def sources_do_not_query(brief):
        return _designed(brief, **{"document consumer": ["HV_EMR", "ECC_PORTAL"]})

    def registry_without_feed(brief):
        return _designed(brief, **{"identity feed": []})

    def feed_to_all(brief):
        return _designed(brief, **{"identity feed": ["NMH_REGISTRY", "HV_REPOSITORY", "ECC_REPOSITORY"]})

    def everybody_asks(brief):
        everybody = ["NMH_REGISTRY", *SYSTEMS]
        return _designed(brief, **{"PIX consumer": everybody, "document consumer": everybody})

    def only_who_is_asked_is_secure(brief):
        return _designed(brief, **{"secure node": ["NMH_REGISTRY", "NMH_INDEX", "HV_REPOSITORY", "ECC_REPOSITORY", "HV_VNA", "ECC_VNA"]})

    def everything_twice(brief):
        return _designed(brief, machines=dict.fromkeys(MACHINES, 2))

    def registry_alone_twice(brief):
        return _designed(brief, machines={**dict.fromkeys(MACHINES, 1), "registry": 2})

    def seldom_is_enough(brief):
        numbers = brief["MTBF, MTTR (h)"]
        often = sorted(CHAIN, key=lambda name: _stage(numbers[name]))[:3]
        return _designed(brief, machines={name: 2 if name in often else 1 for name in MACHINES})

    def images_counted(brief):
        return _designed(brief, entries=_sized(brief)["entries"] / brief["documents a study"] * brief["images of the study"])

    def replaced_are_gone(brief):
        return _designed(brief, entries=_sized(brief)["entries"] / (1 + brief["share of documents that are replaced once"]))

    def one_year(brief):
        return _designed(brief, entries=_sized(brief)["entries"] / brief["years"])

    def mean_of_the_day(brief):
        return _designed(brief, **{"queries per second": brief["look-ups a day"] * brief["stored queries a look-up"] / 86400})

    def mean_of_the_busiest_hour(brief):
        return _designed(brief, **{"queries per second": _sized(brief)["queries per second"]
                                   / brief["busiest second of that hour, times its mean"]})

    def manifests_alone(brief):
        return _designed(brief, entries=_sized(brief)["entries"] / brief["documents a study"])

    def one_query_a_look_up(brief):
        return _designed(brief, **{"queries per second": _sized(brief)["queries per second"] / brief["stored queries a look-up"]})

    def all_at_once(brief):
        return _designed(brief, **{"images per request": brief["images of the study"]})

    def one_by_one(brief):
        return _designed(brief, **{"images per request": 1})

    wrong_ways = {
        a_registry_each: "Each hospital has a registry of its own. Then there are two domains: a consumer asks the registry of its own, "
        "and what the other has is not found, with Success and no entries. One registry a domain; several domains are joined by gateways "
        "(ITI TF-1 10, 18).",
        one_oid_for_both: "Repository and VNA of a hospital share an OID. They are two actors that answer two transactions at two "
        "addresses; the directory has one URL for an OID, so either ITI-43 or RAD-69 goes astray (XDSUnknownRepositoryId).",
        the_same_at_both_hospitals: "Eastcliff's systems bear Harbour Vale's OIDs, copied with the configuration. Half of all "
        "retrieves would go to the wrong hospital. An OID is unique in the world: take it from one's own arc.",
        bare_home: "`home` is a bare OID. homeCommunityId is a URN, `urn:oid:` and the OID (ITI TF-2 3.38); a gateway compares the whole "
        "text.",
        neighbours_home: "`home` is that of the community next door. Gateways know communities by it: it would be asked for our documents.",
        sources_do_not_ask_the_index: "The VNAs do not ask the index. Then they have only the hospital's number to file under, and the "
        "registry answers XDSUnknownPatientId: that was 05:40Z. A source has to learn the region's ID, by ITI-9 or another way.",
        sources_do_not_query: "The VNAs can't query the registry. Who replaces a manifest needs the entryUUID of the old one (exercise "
        "5), and these VNAs keep none: so they have to ask, as a Document Consumer does (ITI TF-1 10.2.1).",
        registry_without_feed: "The registry gets no identity feed. It would know no patient at all and refuse every submission (ITI "
        "TF-1 10.1.2.6).",
        feed_to_all: "The repositories get the identity feed, too. They have no use for it: a repository stores octets and passes "
        "metadata on; the registry alone checks patient IDs. Every feed is one more that can go out of step.",
        everybody_asks: "You let everybody ask the index and the registry. A repository stores octets, the registry answers, the index "
        "answers: none of them has a question to ask. By Northmere's rule nobody may ask who does not need to; each right is one more way "
        "in.",
        only_who_is_asked_is_secure: "Those who ask are no secure nodes. IHE groups *every* actor with ATNA, the consumers too (ITI TF-1 "
        "10; RAD TF-1 18): half of what an auditor wants to know is who asked.",
        everything_twice: "Everything twice is more than there is money for. A look-up does not wait for the audit trail (senders keep "
        "their records until it is back), and not every single machine costs so many hours.",
        registry_alone_twice: "You doubled the registry, as everybody does. It was not the only single point of failure: index, "
        "repository and VNA are as necessary to a look-up.",
        seldom_is_enough: "You doubled those that cost the most hours a year. The hours are right now, but one machine that fails "
        "seldom stays away, when it does, for longer than is allowed at a stretch: the year's sum says nothing about the worst night.",
        images_counted: "You bought entries for images. The registry has an entry for each *document*: a study is one manifest, "
        "however many images it lists.",
        replaced_are_gone: "You did not count what is replaced. A replaced entry is Deprecated, not deleted: it stays, and the new one "
        "comes on top (ITI TF-3 4.2.2.2.1).",
        one_year: "These are the entries of one year. The registry keeps them for all the years of the brief.",
        mean_of_the_day: "You took the mean of 24 hours. At night hardly anybody asks: size for the busiest second of the busiest "
        "hour, or Monday at nine is a queue.",
        mean_of_the_busiest_hour: "You took the mean of the busiest hour. Inside that hour, too, requests come in bursts: the brief "
        "says how much more the busiest second brings.",
        manifests_alone: "You counted one document a study, the manifest. The report is a document as well, with an entry of its own.",
        one_query_a_look_up: "You counted look-ups as queries. A portal asks the registry several times for one patient: documents, "
        "relations, the next page.",
        all_at_once: "One request for the whole study: the first image is shown when the last is there. The manifest lists all "
        "objects, so a consumer is free to ask for them in parts.",
        one_by_one: "One request for each image: the first is there at once, but every request costs its own time, and there are as many "
        "as images.",
    }
    hints = [
        "Take the draft and go through it with the table of rules, line by line: which registries, which OIDs, who is grouped with what.",
        "Everybody who takes part in XDS keeps time and is a secure node. Who files under the region's ID, or asks with it, has to get "
        "it from the index. Who replaces has to query.",
        "Machines: first those that stay away for too long at a stretch, then, with your function of exercise 7, those that cost the "
        "most hours, until the year's sum fits. 8766 hours are a year.",
        "Entries are documents times years, and the replaced ones on top. Queries: look-ups times queries, in the busiest hour, per "
        "second, times the peak.",
        "Images: seconds until the first = until the manifest + one request + its images over the line (8 bits a byte). Seconds for "
        "all = until the manifest + as many requests as it takes + all images. Try some numbers between 1 and all.",
    ]
    praise = ("An architecture that can be argued for: each box is there for a rule or for a number. (More than one choice of the machine "
              "that stays single keeps within the brief; the best of them costs half the hours of the worst. Was yours the best?) Keep the "
              "rules as a checklist; integrators' drafts repeat their mistakes.")


def _home(home, oids):
    """What is to be said of a homeCommunityId: "good", or what it is instead."""
    if is_oid(home):
        return "bare"
    oid = home[len("urn:oid:"):]
    if not home.casefold().startswith("urn:oid:"):
        return "no urn:oid"
    if not is_oid(oid):
        return "no oid"
    if not home.startswith("urn:oid:"):
        return "capitals"
    if home == NEIGHBOUR:
        return "the neighbour's"
    used = [name for name in WITH_OIDS if oids[name] == oid]
    if used:
        return f"the OID that {used[0]} has in your design"
    if any(f"{oid}.".startswith(f"{one}.") for one in TAKEN):
        return "the OID of one of Northmere's vocabularies, or lies under it"
    return "good" if f"{oid}.".startswith(f"{REGION}.") else "another's"


_HOMES = {
    "bare": "`home` is a bare OID. homeCommunityId is a URN, `urn:oid:` and the OID (ITI TF-2 3.38).",
    "no urn:oid": "`home` is not written as a homeCommunityId: an OID with `urn:oid:` in front (ITI TF-2 3.38).",
    "no oid": "What stands behind `urn:oid:` in `home` is no OID: digits and dots, no part with a zero in front, 64 characters at most.",
    "capitals": "`home` is to be written `urn:oid:` in small letters: gateways compare the whole text.",
    "the neighbour's": "`home` is that of the community next door: gateways know communities by it.",
    "another's": "`home` does not lie under Northmere's OID, 2.999.1.9. An OID that somebody else gives out may be given to another "
    "community, or mean something already.",
}
_WHY = {
    "time client": "Every actor of the domain keeps Consistent Time: those of XDS.b and XDS-I.b (ITI TF-1 10; RAD TF-1 18), and by "
    "Northmere's rule the index, a PIX Manager, too. An audit trail of clocks that disagree proves nothing.",
    "secure node": "Every actor of the domain is an ATNA Secure Node or Secure Application: those of XDS.b and XDS-I.b (ITI TF-1 9, 10; "
    "RAD TF-1 18), and by Northmere's rule the index, a PIX Manager, too.",
    "PIX consumer": "Who files under the region's ID, or asks with it, has to learn it.",
    "document consumer": "Who queries the registry is a Document Consumer; a source that replaces and keeps no entryUUIDs has to query "
    "(ITI TF-1 10.2.1).",
    "identity feed": "A registry takes documents only of patients that the feed has told it (ITI TF-1 10.1.2.6).",
}
_ASKS = {
    "PIX consumer": "it files nothing under the region's ID, and looks for nobody.",
    "document consumer": "it looks for no documents, and replaces none.",
}
_SIZES = {
    "entries": "An entry for each document that was ever published in all the years, replaced ones included.",
    "queries per second": "The busiest second of the busiest hour counts.",
}
