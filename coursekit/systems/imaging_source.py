"""An imaging document source that runs: it publishes manifests of an archive's studies, and gives out the images (IHE XDS-I.b).

    with Archive("HV_VNA") as archive, ImagingSource(archive.store, "2.999.100.40") as source:
        source.publish(study_uid, repository.url, patient, source_patient)       # RAD-68
        source.url                                                              # RAD-69 over SOAP

A manifest says what images there are, not what they look like: a Key Object Selection, kept in a document repository like any other document.
Who has read it asks the source for the images.

Sources: IHE RAD TF-2 4.68 (manifest), 4.69 (retrieve); RAD TF-3 4.68.4.1.2.3 (metadata); PS3.3 A.35.4, PS3.16 TID 2010.
"""

import io
import uuid
from datetime import UTC, datetime

from coursekit.errors import CourseError
from coursekit.standards import soap
from coursekit.standards.key_objects import KO_STORAGE, MANIFEST, device, fill
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import DOCUMENT, RS, SET, XDSB
from coursekit.standards.xds.metadata import Author, Code, Entry, Problem, association
from coursekit.systems import document_sharing
from coursekit.systems.registry import add_errors, told
from coursekit.systems.store import rejection
from coursekit.systems.web import Caller, SoapServer

IHERAD = "urn:ihe:rad:xdsi-b:2009"
ACTION, ANSWER = facts.ACTIONS["RAD-69"]
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.999.1.100.2", "HV_SOURCE"
DCM, DICOM_UIDS, ACCESSION, STUDY = ("1.2.840.10008.2.16.4", "1.2.840.10008.2.6.1", "urn:ihe:iti:xds:2013:accession",
                                     "urn:ihe:iti:xds:2016:studyInstanceUID")
# Modalities of what is derived or put together: none of those with which images are acquired (PS3.16 CID 29), so no events.
NOT_ACQUIRED = ("ANN", "ASMT", "AU", "CTPROTOCOL", "DOC", "FID", "KO", "M3D", "PLAN", "PR", "REG", "RTDOSE", "RTINTENT", "RTPLAN", "RTRAD",
                "RTRECORD", "RTSEGANN", "RTSTRUCT", "RWV", "SEG", "SMR", "SR", "STAIN", "TEXTUREMAP", "XAPROTOCOL")


# What a manifest has in common with the images of its study; of the first, all that it has to have, be it empty (PS3.3 C.7.1.1, C.7.2.1).
TYPE_2 = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
          "ReferringPhysicianName")
SHARED = (*TYPE_2, "SpecificCharacterSet", "TimezoneOffsetFromUTC", "IssuerOfPatientID", "StudyDescription")


class NoStudy(CourseError, LookupError):
    """The archive has no object of a study, or all of them were withdrawn."""


class ImagingSource(SoapServer):
    """The source.

    store     : the Store of an archive
    unique_id : its OID, which manifests name as Retrieve Location UID and requests as RepositoryUniqueId
    title     : the AE title at which the images can be had by C-MOVE
    codes     : {attribute: Code} of the affinity domain for what the images do not say: classCode, typeCode, healthcareFacilityTypeCode,
                practiceSettingCode, confidentialityCode
    certificates : as of ``WebServer``; it shows them to a repository, too
    """

    def __init__(self, store, unique_id, title="HV_VNA", codes=None, name="HV_SOURCE", port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.store, self.unique_id, self.title = store, unique_id, title
        self.codes = {**CODES, **(codes or {})}
        self.actions = {ACTION: ("RAD-69", self._retrieve)}

    def __repr__(self):
        return f"<imaging document source {self.name} {'runs' if self._runs else 'is stopped'}: {len(self.journal)} events>"

    # RAD-68

    def manifest(self, study, uid):
        """The manifest of a study: a FileDataset that lists every object which the archive has of it and which was not withdrawn.

        Key objects are listed too, such as the images that a radiologist flagged, but for the notes that withdraw others.

        uid : the manifest's own SOP Instance UID; its series has the same with .0 at the end, if that is not too long

        Raises NoStudy.
        """
        from pydicom import dcmread
        from pydicom.dataset import FileDataset, FileMetaDataset

        kept = [one for one in self.store.kept(study=[study]) if one.sop_class != KO_STORAGE or rejection(one.path)[0] is None]
        if not kept:
            raise NoStudy(f"The archive has no images of the study {study}, or all of them were withdrawn.")
        first = dcmread(kept[0].path, stop_before_pixels=True)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = KO_STORAGE, uid, EXPLICIT
        # Not pydicom's own, which name its version: who submits a uniqueId again must have the same hash (ITI TF-2 3.42.4.1.3).
        meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION
        made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False)
        for keyword in SHARED:
            if keyword in first:
                made[keyword] = first[keyword]
            elif keyword in TYPE_2:
                setattr(made, keyword, "")
        made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = KO_STORAGE, uid, study, _beside(uid, 0)
        made.SeriesNumber, made.SeriesDescription, made.Manufacturer = 900, "XDS-I manifest", "coursekit"
        made.ContentDate, made.ContentTime = first.get("StudyDate", ""), first.get("StudyTime", "")
        series = {}
        for one in kept:
            series.setdefault(one.series, []).append((one.sop_class, one.sop))
        fill(made, MANIFEST, device(self.title, self.unique_id), None, study, series, RetrieveAETitle=self.title,
             RetrieveLocationUID=self.unique_id)
        return made

    def publish(self, study, repository, patient, source_patient, uid, moment, replaces=None):
        """Publish the manifest of a study: to a document repository, at its URL. Returns the Answer.

        patient        : the patient ID of the affinity domain, a CX
        source_patient : the patient ID of the hospital, a CX
        uid            : the manifest's SOP Instance UID, which is its uniqueId too
        moment         : the time in UTC, YYYYMMDDHHMMSS
        replaces       : entryUUID of the manifest that this one takes the place of
        """
        return self.submit(self.manifest(study, uid), repository, patient, source_patient, moment, replaces)

    def submit(self, manifest, repository, patient, source_patient, moment, replaces=None):
        """Send a manifest, a data set that somebody made, to a document repository. Arguments as of ``publish``; returns the Answer.

        Raises NoStudy when its Study Instance UID is none of the archive's.
        """
        stream = io.BytesIO()
        manifest.save_as(stream, enforce_file_format=True)
        entry, uid = self.entry(manifest, patient, source_patient, moment), str(manifest.SOPInstanceUID)
        held = Entry(SET, {"entryUUID": "Set01", "submissionTime": moment, "contentTypeCode": self.codes["classCode"], "patientId": patient,
                           "sourceId": self.unique_id, "uniqueId": _beside(uid, 1)})
        links = [association(facts.HAS_MEMBER, "Set01", "Manifest", facts.ORIGINAL)]
        if replaces:
            links.append(association(facts.RPLC, "Manifest", replaces))
        return document_sharing.provide(repository, [entry, held, *links], {"Manifest": stream.getvalue()},
                                        Caller(self.name, self.certificates, audit=self.audit))

    def entry(self, manifest, patient, source_patient, moment):
        """The DocumentEntry of a manifest (RAD TF-3 4.68.4.1.2.3): its modality and body part as events, accession number and study as references."""
        study = manifest.StudyInstanceUID
        found = self.store.find("STUDY", _keys(StudyInstanceUID=study))
        if not found:
            raise NoStudy(f"The manifest is of the study {study}, of which the archive has no images.")
        modalities = found[0].get("ModalitiesInStudy") or []
        modalities = [modalities] if isinstance(modalities, str) else list(modalities)
        authority = source_patient.split("^^^")[1]
        references = [f"{study}^^^^{STUDY}"]
        if manifest.get("AccessionNumber"):
            references.insert(0, f"{manifest.AccessionNumber}^^^{authority}^{ACCESSION}")
        values = {
            "entryUUID": "Manifest", "mimeType": "application/dicom", "objectType": facts.STABLE, "creationTime": moment, "languageCode": "en-US",
            "patientId": patient, "sourcePatientId": source_patient, "uniqueId": str(manifest.SOPInstanceUID),
            "formatCode": Code(KO_STORAGE, DICOM_UIDS, "Key Object Selection Document"), "title": str(manifest.get("StudyDescription", "")),
            "eventCodeList": tuple(Code(one, DCM, one) for one in modalities if one not in NOT_ACQUIRED), "referenceIdList": tuple(references),
            "author": (Author(institutions=(self.title,)),), "serviceStartTime": _start(manifest),
            **{name: (code,) if name == "confidentialityCode" else code for name, code in self.codes.items()},
        }
        return Entry(DOCUMENT, {name: value for name, value in values.items() if value})

    # RAD-69

    def _retrieve(self, message):
        from lxml import etree

        if message.body.tag != f"{{{IHERAD}}}RetrieveImagingDocumentSetRequest":
            raise soap.Fault("The Body of RAD-69 holds an iherad:RetrieveImagingDocumentSetRequest.")
        syntaxes = [(one.text or "").strip() for one in message.body.iterfind(f"{{{IHERAD}}}TransferSyntaxUIDList/{{{IHERAD}}}TransferSyntaxUID")]
        body = etree.Element(f"{{{XDSB}}}RetrieveDocumentSetResponse", nsmap={"xdsb": XDSB})
        answer = soap.Message(ANSWER, body, reply_to=None, packaged=True)
        problems, found = [], []
        for study in message.body.iterfind(f"{{{IHERAD}}}StudyRequest"):
            for series in study.iterfind(f"{{{IHERAD}}}SeriesRequest"):
                for asked in series.iterfind(f"{{{XDSB}}}DocumentRequest"):
                    uids = study.get("studyInstanceUID"), series.get("seriesInstanceUID")
                    repository, sop = (asked.findtext(f"{{{XDSB}}}{name}", "") for name in ("RepositoryUniqueId", "DocumentUniqueId"))
                    octets = self._object(*uids, repository, sop, syntaxes, problems)
                    if octets is not None:
                        found.append((asked.findtext(f"{{{XDSB}}}HomeCommunityId"), sop, octets))
        status = facts.SUCCESS if not problems else facts.PARTIAL if found else facts.FAILURE
        etree.SubElement(body, f"{{{RS}}}RegistryResponse", nsmap={"rs": RS}, status=status)
        add_errors(body[0], problems)
        for home, sop, octets in found:
            document_sharing.add_document(answer, self.unique_id, sop, "application/dicom", octets, home)
        return answer

    def _object(self, study, series, repository, sop, syntaxes, problems):
        """The bytes of an object's file in a transfer syntax that was asked for, or None and one Problem more."""
        if not study or not series:
            problems.append(Problem("XDSIRequestError", "A study or series is asked for without its Instance UID."))
        elif repository != self.unique_id:
            problems.append(Problem("XDSUnknownRepositoryId", f"This is the source {self.unique_id}, not {repository}."))
        elif not syntaxes:
            problems.append(Problem("XDSRepositoryError", "No transfer syntax is asked for."))
        else:
            kept = self.store.kept(study=[study], series=[series], sop=[sop])
            if not kept:
                problems.append(Problem("XDSDocumentUniqueIdError", f"The object {sop} is not in that series and study, or was withdrawn."))
            elif kept[0].transfer_syntax in syntaxes:
                return kept[0].path.read_bytes()
            elif EXPLICIT in syntaxes:
                return _explicit(kept[0], problems)
            else:
                problems.append(Problem("XDSRepositoryError", f"The object {sop} is to be had in {kept[0].transfer_syntax} only."))
        return None

    def _told(self, reply):
        return told(reply.body)


CODES = {
    "classCode": Code("IMAGES", "2.999.1.9.11", "Images"), "typeCode": Code("18748-4", "2.16.840.1.113883.6.1", "Diagnostic imaging study"),
    "healthcareFacilityTypeCode": Code("HOSP", "2.999.1.9.13", "Hospital"), "practiceSettingCode": Code("RAD", "2.999.1.9.12", "Radiology"),
    "confidentialityCode": Code("N", "2.16.840.1.113883.5.25", "normal"),
}


def retrieve_images(url, manifest, syntaxes=(EXPLICIT,), home=None, sender="consumer"):
    """RAD-69, Retrieve Imaging Document Set: the objects that a manifest (a data set) lists. Returns an Answer."""
    from lxml import etree

    body = etree.Element(f"{{{IHERAD}}}RetrieveImagingDocumentSetRequest", nsmap={"iherad": IHERAD, "xdsb": XDSB})
    for study in manifest.CurrentRequestedProcedureEvidenceSequence:
        of_study = etree.SubElement(body, f"{{{IHERAD}}}StudyRequest", studyInstanceUID=str(study.StudyInstanceUID))
        for series in study.ReferencedSeriesSequence:
            of_series = etree.SubElement(of_study, f"{{{IHERAD}}}SeriesRequest", seriesInstanceUID=str(series.SeriesInstanceUID))
            for one in series.ReferencedSOPSequence:
                document_sharing.add_request(of_series, str(series.get("RetrieveLocationUID", "")), str(one.ReferencedSOPInstanceUID), home)
    listed = etree.SubElement(body, f"{{{IHERAD}}}TransferSyntaxUIDList")
    for syntax in syntaxes:
        etree.SubElement(listed, f"{{{IHERAD}}}TransferSyntaxUID").text = syntax
    return document_sharing.sent(url, soap.Message(ACTION, body, packaged=True), sender)


def _beside(uid, number):
    """Another UID for what belongs to a manifest, its series or submission set: the same on every run, and never of more than 64 signs."""
    made = f"{uid}.{number}"
    return made if len(made) <= 64 else f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, made).int}"


def _start(manifest):
    """Study Date and Time in UTC, YYYYMMDDHHMMSS; "" where the images do not say in which zone they are (DICOM times are local)."""
    offset = str(manifest.get("TimezoneOffsetFromUTC", "") or "")
    local = f"{manifest.get('StudyDate', '')}{str(manifest.get('StudyTime', '')).split('.')[0]}"
    try:
        return datetime.strptime(local + offset, "%Y%m%d%H%M%S%z").astimezone(UTC).strftime("%Y%m%d%H%M%S")
    except ValueError:
        return ""


def _explicit(kept, problems):
    from coursekit.systems.dicomweb import NotAcceptable, converted

    try:
        return converted(kept, {EXPLICIT})
    except NotAcceptable as problem:
        problems.append(Problem("XDSRepositoryError", str(problem)))
        return None


def _keys(**values):
    from pydicom.dataset import Dataset

    keys = Dataset()
    for keyword, value in values.items():
        setattr(keys, keyword, value)
    return keys
