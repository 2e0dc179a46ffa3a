"""Candidates for an acceptance test: archives that are good, each in its own way, and archives with one fault each.

    with CANDIDATES["dates_end"]() as archive:
        Scu("ACCEPT1", "HV_PACS", archive.port).find("STUDY", StudyDate="20240228-20240301", PatientID="")

    with bench() as install:
        scu = install("dates_end")          # the same, started when it is first called; and with a receiver for C-MOVE beside it

All hold the same test data set, `TEST_SET`, and answer the same few callers. `GOOD` names those that meet every requirement and differ in
what DICOM leaves free; `FAULTY` the others. A candidate's `says` tells what a user would notice of its fault.
"""

import contextlib
import copy
import datetime
import io
import itertools
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from coursekit.systems.archive import Archive
from coursekit.systems.dicom_server import DicomServer
from coursekit.systems.scu import Scu
from coursekit.systems.store import KEY_OBJECT_SELECTION, Store

TITLE = "HV_PACS"
TESTER, RECEIVER = "ACCEPT1", "ACCEPT2"  # the test station, as it calls and as it receives
CALLERS = (TESTER, "CT2", "WS_ED1")      # whom a candidate may be called by
CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
CLASSES = (CT, MR, KEY_OBJECT_SELECTION)
EXPLICIT = "1.2.840.10008.1.2.1"        # in which the VR of private attributes travels along
ROOT = "2.999.77"
PAGE, FETCH = 10, 0.2                   # answers of a query that are there at once; seconds that the database needs for the others
LOOKS = 40                              # in that time, whether a C-CANCEL has come: on a busy machine both take longer
LATEST = 50 * LOOKS                     # looks for one that is due: it may be late on a busy machine, and is to find the query running
TOGETHER = 30                           # callers at a time; of a faulty one they get fewer
ASKED = 8                               # callers at a time that a candidate has to serve
COMMITTED_WITHIN = 2.0                  # seconds; a good one needs a hundredth, on a very busy machine a hundred times that
LEAVING = 2.0                           # seconds that the end of an association may take which nobody releases


class Study(NamedTuple):
    """A study of the test data set. `series` is ((modality, number of images), ...)."""

    patient: str
    name: str
    birth_date: str
    sex: str
    date: str
    time: str
    accession: str
    description: str
    series: tuple

    @property
    def uid(self):
        """Study Instance UID."""
        return f"{ROOT}.{int(self.patient[2:])}"


TEST_SET = (
    Study("ZZ0001", "ZZTEST^ANNA", "19700101", "F", "20231231", "235959", "T231231001", "CT head", (("CT", 1),)),
    Study("ZZ0002", "ZZTEST^ANNABEL", "19800229", "F", "20240228", "0730", "T240228001", "CT chest", (("CT", 1),)),
    Study("ZZ0003", "ZZTEST^HANNA", "", "F", "20240229", "000000", "T240229000000001", "MR knee right", (("MR", 1),)),
    Study("ZZ0004", "ZZTESTER^ANNA", "19991231", "F", "20240301", "120000.5", "T240301001", "CT abdomen", (("CT", 1),)),
    Study("ZZ0005", "ZZTEST^JÜRGEN", "19450508", "M", "20240229", "101500", "T240229002", "CT Schädel", (("CT", 1),)),
    Study("ZZ0006", "ZZTEST^TARO=山田^太郎=やまだ^たろう", "19610817", "M", "20241231", "090000", "T241231001", "MR brain", (("MR", 1),)),
    Study("ZZ0007", "ZZTEST^MULTI", "19530430", "O", "20250101", "000001", "T250101001", "CT and MR", (("CT", 5), ("CT", 2), ("MR", 1))),
    Study("ZZ0008", "ZZTEST^OTTO", "20250406", "M", "20250407", "081500", "T250407001", "CT head", (("CT", 2),)),
    *(Study(f"ZZ{number}", f"ZZLOAD^N{number}", "19600101", "O", "20240615", "120000", f"T2406151{number}", "Load", (("CT", 1),))
      for number in range(1001, 1009)),
)


def image(study, series, number, **attributes):
    """A small image of the test data set, ready to be sent.

    study : Study; series, number : from 1
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    modality = study.series[series - 1][0]
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID = CT if modality == "CT" else MR
    made.StudyInstanceUID, made.SeriesInstanceUID = study.uid, f"{study.uid}.{series}"
    made.SOPInstanceUID = f"{study.uid}.{series}.{number}"
    made.PatientID, made.PatientName, made.PatientBirthDate, made.PatientSex = study.patient, study.name, study.birth_date, study.sex
    made.StudyDate, made.StudyTime, made.AccessionNumber = study.date, study.time, study.accession
    made.StudyDescription, made.ReferringPhysicianName, made.StudyID = study.description, "", ""
    made.Modality, made.SeriesNumber, made.InstanceNumber = modality, series, number
    made.Rows = made.Columns = 16
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.add_new("PixelData", "OW", bytes((place * 7 + series + number) % 16 for place in range(512)))
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return made


def test_objects():
    """Three images that test whether an archive keeps what it is sent, of one study: two CT, of which the second comes in Implicit VR, and
    an MR. They have private attributes, texts of full length, letters of several scripts, decimals, sequences, and empty attributes of
    type 2.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import ImplicitVRLittleEndian

    study = Study("ZZ0077", "ZZTEST^ŻANETA^MARÍA=山田^花子", "", "F", "20240229", "235959.999999", "T240229000000077",
                  "Knie rechts, 3 Ebenen " + "x" * 42,
                  (("CT", 1), ("CT", 1), ("MR", 1)))
    made = [image(study, series, 1, ImageComments="x" * 200, InstitutionName="Hôpital de la Côte, Zürich",
                  PixelSpacing=["0.48828", "0.48828"],
                  ImagePositionPatient=["-124.75586", "-0.00001", "51.125"], ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
            for series in (1, 2, 3)]
    made[1].file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    for one in (made[0], made[2]):
        one.private_block(0x0019, "HVGH TEST 1", create=True).add_new(0x01, "LO", "kernel 7, private")
    for one in made:
        items = []
        for code, meaning in (("HV1", "first of two"), ("HV2", "second of two")):
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "99HVGH", meaning
            items.append(item)
        one.ProcedureCodeSequence = items
    return made


def rejection_note(images):
    """A Key Object Selection that withdraws images of one series for quality reasons (IHE RAD TF-2 4.66, IOCM), ready to be sent."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    images = list(images)
    first, note = images[0], Dataset()
    for keyword in ("SpecificCharacterSet", "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                    "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName"):
        if keyword in first:
            note[keyword] = first[keyword]
    note.SOPClassUID, note.Modality = KEY_OBJECT_SELECTION, "KO"
    note.SeriesInstanceUID, note.SOPInstanceUID = f"{first.SOPInstanceUID}.88", f"{first.SOPInstanceUID}.88.1"
    note.SeriesNumber, note.InstanceNumber = 88, 1
    note.ValueType, note.ContinuityOfContent = "CONTAINER", "SEPARATE"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "113001", "DCM", "Rejected for Quality Reasons"
    note.ConceptNameCodeSequence = [title]
    evidence, series = Dataset(), Dataset()
    evidence.StudyInstanceUID, series.SeriesInstanceUID = first.StudyInstanceUID, first.SeriesInstanceUID
    series.ReferencedSOPSequence = [_reference(one) for one in images]
    evidence.ReferencedSeriesSequence = [series]
    note.CurrentRequestedProcedureEvidenceSequence = [evidence]
    note.ContentSequence = [_pointer(one) for one in images]
    note.file_meta = FileMetaDataset()
    note.file_meta.MediaStorageSOPClassUID, note.file_meta.MediaStorageSOPInstanceUID = note.SOPClassUID, note.SOPInstanceUID
    note.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return note


def _reference(one):
    return _reference_to(one.SOPClassUID, one.SOPInstanceUID)


def _reference_to(sop_class, sop):
    from pydicom.dataset import Dataset

    made = Dataset()
    made.ReferencedSOPClassUID, made.ReferencedSOPInstanceUID = sop_class, sop
    return made


def _pointer(one):
    from pydicom.dataset import Dataset

    made = Dataset()
    made.RelationshipType, made.ValueType, made.ReferencedSOPSequence = "CONTAINS", "IMAGE", [_reference(one)]
    return made


@lru_cache(maxsize=1)
def _loaded():
    """The folder of an archive that holds the test data set, made once; every candidate gets a copy."""
    folder = tempfile.TemporaryDirectory(prefix="coursekit-test-set-", ignore_cleanup_errors=True)
    store = Store(folder.name)
    for study in TEST_SET:
        for series, (_, count) in enumerate(study.series, 1):
            for number in range(1, count + 1):
                store.put(_bytes(image(study, series, number)))
    store.close()
    return folder


def _bytes(dataset):
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


# The candidates

class Candidate(Archive):
    """HV_PACS 7 as it should be: an archive with the test data set, which a few callers may use, at most TOGETHER at the same time.

    says : what a user notices of its fault; "" of a good one
    """

    says = ""
    together = TOGETHER
    syntaxes = None                     # the transfer syntaxes of images that it takes; None: the uncompressed ones
    allowed = CALLERS
    patience = 0                        # seconds that a caller is let wait for a place
    hears_cancel = True
    cancel_is_due = False                   # whether its test station is about to send a C-CANCEL

    def __init__(self, peers=None):
        super().__init__(TITLE, peers, self.allowed)
        self._own = None
        self._door, self._inside = threading.Condition(), set()

    def _begin(self):
        self._own = tempfile.TemporaryDirectory(prefix="coursekit-candidate-", ignore_cleanup_errors=True)
        self.folder = Path(self._own.name) / "archive"
        shutil.copytree(_loaded().name, self.folder)
        super()._begin()

    def _end(self):
        super()._end()
        if self._own:
            self._own.cleanup()
            self._own = None

    def _serve(self, *contexts):
        # Storage of a few SOP classes only: it starts in a tenth of the time.
        super()._serve(*((abstract, self.syntaxes if both else syntaxes, both) for abstract, syntaxes, both in contexts
                         if not both or abstract in CLASSES))

    # Who is inside is counted here. pynetdicom counts threads, and that of a caller who has left runs on for a moment.

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_REQUESTED, self._enters), (evt.EVT_PDU_RECV, self._takes_leave),
                (evt.EVT_REJECTED, self._leaves), (evt.EVT_CONN_CLOSE, self._leaves)]

    def _enters(self, event):
        """Give a caller a place, or reject it."""
        from pynetdicom import evt

        if self.callers and event.assoc.requestor.primitive.calling_ae_title.strip() not in self.callers:
            return                                          # it is rejected without one
        with self._door:
            if self._door.wait_for(lambda: len(self._inside) < self.together, self.patience):
                self._inside.add(event.assoc)
                return
        event.assoc.acse.send_reject(0x02, 0x03, 0x02)      # PS3.8 Table 9-21: transient, by the presentation layer, local limit exceeded
        evt.trigger(event.assoc, evt.EVT_REJECTED, {})
        event.assoc.kill()

    def _takes_leave(self, event):
        """The place of a caller is free before its release is answered: whoever calls after that answer finds it so."""
        from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RQ

        if isinstance(event.pdu, (A_RELEASE_RQ, A_ABORT_RQ)):
            self._leaves(event)

    def _leaves(self, event):
        with self._door:
            if event.assoc in self._inside:
                self._inside.remove(event.assoc)
                self._left()
                self._door.notify_all()

    def _left(self):
        """What happens when a place has become free."""

    def _find(self, event):
        event = _Query(event, self.hears_cancel)
        for count, (status, answer) in enumerate(super()._find(event)):
            yield status, answer
            if count == PAGE - 1:                           # so that a C-CANCEL finds the query still running
                for _ in range(LATEST if self.cancel_is_due and self.hears_cancel else LOOKS):
                    if event.is_cancelled:
                        break
                    time.sleep(FETCH / LOOKS)


class _Query:
    """The event of a C-FIND that may be asked more than once whether it was cancelled: pynetdicom says so a single time."""

    def __init__(self, event, hears_cancel):
        self._event, self._hears_cancel, self._cancelled = event, hears_cancel, False

    def __getattr__(self, name):
        return getattr(self._event, name)

    @property
    def is_cancelled(self):
        """Whether a C-CANCEL has come."""
        self._cancelled = self._cancelled or self._hears_cancel and self._event.is_cancelled
        return self._cancelled


class OtherOrder(Candidate):
    """Good: newest first, and the images of a C-GET or C-MOVE from the last to the first."""

    def _matching(self, level, keys):
        return super()._matching(level, keys)[::-1]

    def _chosen(self, identifier, rejected=False):
        return super()._chosen(identifier, rejected)[::-1]


class FewOptionalKeys(OtherOrder):
    """Good: as that, and it does not know some optional keys, and says so with FF01H (PS3.4 C.4.1.1.4). It has places for as many callers
    as it has to serve, and not one more."""

    together, patience = ASKED, LEAVING
    unknown = ("StudyDescription", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "ModalitiesInStudy", "BodyPartExamined")

    def _find(self, event):
        asked = any(keyword in event.identifier for keyword in self.unknown)
        for status, answer in super()._find(event):
            if answer is not None and asked:
                answer, status = copy.copy(answer), 0xFF01
                for keyword in self.unknown:
                    answer.pop(keyword, None)
            yield status, answer


class TellsMore(Candidate):
    """Good: it says with each answer where to retrieve it from (PS3.4 C.4.1.1.3.2), sends ISO_IR 100 where that will do, compares names
    with regard to case (PS3.4 C.2.2.2.1), and notes in each object, in a private block of its own, when it came."""

    def _matching(self, level, keys):
        wanted = str(keys.get("PatientName", "")).rstrip("^=")      # empty parts at the end may be there or not (PS3.5 6.2.1)
        found = super()._matching(level, keys)
        letters = [part for part in wanted.replace("?", "*").split("*") if part]
        return [one for one in found if all(part in str(one.PatientName) for part in letters)]

    def _find(self, event):
        for status, answer in super()._find(event):
            if answer is not None:
                answer.RetrieveAETitle, answer.InstanceAvailability = TITLE, "ONLINE"
                _in_latin_1(answer)
            yield status, answer

    def _content(self, event, uid):
        return _changed(super()._content(event, uid), _stamp)


def _in_latin_1(answer):
    texts = {element.keyword: str(element.value) for element in answer if element.VR == "PN"}
    try:
        "".join([*texts.values(), str(answer.get("StudyDescription", ""))]).encode("latin-1")
    except UnicodeEncodeError:
        return
    answer.SpecificCharacterSet = "ISO_IR 100"
    for keyword, text in texts.items():                 # pydicom's names remember how they were encoded before
        setattr(answer, keyword, text)


def _stamp(dataset):
    dataset.private_block(0x0077, "HVGH PACS 7", create=True).add_new(1, "DT", "20250407073000")


def _changed(content, change):
    """The bytes of a DICOM file after `change`, a function that changes its data set."""
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(content))
    change(dataset)
    return _bytes(dataset)


GOOD = {"plain": Candidate, "other_order": OtherOrder, "few_optional_keys": FewOptionalKeys, "tells_more": TellsMore}
FAULTY = {}


def _faulty(name, says):
    """Decorator: a candidate with a fault, under its name in the catalogue; `says` is what a user notices."""
    def enter(candidate):
        candidate.says = says
        FAULTY[name] = candidate
        return candidate

    return enter


def _with(keys, **values):
    """A copy of a query with other values; None takes a key out."""
    changed = copy.deepcopy(keys)
    for keyword, value in values.items():
        if value is None:
            changed.pop(keyword, None)
        elif keyword in changed:
            setattr(changed, keyword, value)
    return changed


def _range(keys):
    """The first and last day of the range of dates in a query, "" where it is open; None where it has no range."""
    text = str(keys.get("StudyDate", "") or "")
    return [part.strip() for part in text.split("-")] if text.count("-") == 1 else None


# Queries

@_faulty("names_all", "answers a query for names with * with all patients")
class _NamesAll(Candidate):
    def _matching(self, level, keys):
        return super()._matching(level, _with(keys, PatientName="") if "*" in str(keys.get("PatientName", "")) else keys)


@_faulty("names_star", "takes * in a query for exactly one letter")
class _NamesStar(Candidate):
    def _matching(self, level, keys):
        return super()._matching(level, _with(keys, PatientName=str(keys.get("PatientName", "")).replace("*", "?")))


@_faulty("names_question", "takes ? in a query for any number of letters")
class _NamesQuestion(Candidate):
    def _matching(self, level, keys):
        return super()._matching(level, _with(keys, PatientName=str(keys.get("PatientName", "")).replace("?", "*")))


@_faulty("names_begin", "takes a name without * and ? for the beginning of one")
class _NamesBegin(Candidate):
    def _matching(self, level, keys):
        wanted = str(keys.get("PatientName", "") or "")
        plain = wanted and "*" not in wanted and "?" not in wanted
        return super()._matching(level, _with(keys, PatientName=wanted.rstrip("^=") + "*") if plain else keys)


@_faulty("names_family", "compares the family name alone")
class _NamesFamily(Candidate):
    def _matching(self, level, keys):
        wanted = str(keys.get("PatientName", "") or "")
        return super()._matching(level, _with(keys, PatientName=wanted.split("^")[0] + "^*") if "^" in wanted else keys)


@_faulty("dates_ignored", "does not look at a range of dates at all")
class _DatesIgnored(Candidate):
    def _matching(self, level, keys):
        return super()._matching(level, _with(keys, StudyDate="") if _range(keys) else keys)


@_faulty("dates_prefix", "looks, of a range with two ends, at the first date only")
class _DatesPrefix(Candidate):
    def _matching(self, level, keys):
        ends = _range(keys)
        return super()._matching(level, _with(keys, StudyDate=ends[0]) if ends and all(ends) else keys)


class _DatesDropped(Candidate):
    """Leaves out the day at one end of a range of dates that has two ends, or that has the other one open."""

    end, closed = 0, True

    def _matching(self, level, keys):
        ends, found = _range(keys), super()._matching(level, keys)
        if not ends or bool(all(ends)) != self.closed:
            return found
        return [one for one in found if str(one.StudyDate) != ends[self.end]]


@_faulty("dates_begin", "leaves out the first day of a range with two ends")
class _DatesBegin(_DatesDropped):
    pass


@_faulty("dates_end", "leaves out the last day of a range with two ends")
class _DatesEnd(_DatesDropped):
    end = 1


@_faulty("since_begin", "leaves out the first day of a range without an end")
class _SinceBegin(_DatesDropped):
    closed = False


@_faulty("until_end", "leaves out the last day of a range without a beginning")
class _UntilEnd(_DatesDropped):
    end, closed = 1, False


class _DatesNext(Candidate):
    """For each study that fits a range of dates, where `is_spoiled(range)`, the one behind it."""

    def is_spoiled(self, ends):
        raise NotImplementedError

    def _matching(self, level, keys):
        found, ends = super()._matching(level, keys), _range(keys)
        if not ends or level != "STUDY" or not self.is_spoiled(ends):
            return found
        fit = {str(one.StudyInstanceUID) for one in found}
        everything = sorted(super()._matching(level, _with(keys, StudyDate="")), key=lambda one: str(one.PatientID))
        return [everything[(place + 1) % len(everything)] for place, one in enumerate(everything) if str(one.StudyInstanceUID) in fit]


@_faulty("dates_next", "answers a range with two ends with as many studies as fit, but with others")
class _DatesNextClosed(_DatesNext):
    def is_spoiled(self, ends):
        return bool(ends[0] and ends[1])


@_faulty("dates_open", "answers a range with an open end with as many studies as fit, but with others")
class _DatesNextOpen(_DatesNext):
    def is_spoiled(self, ends):
        return not (ends[0] and ends[1])


class _DatesShifted(Candidate):
    """The ends of ranges of dates that have two, or one, are moved by some days."""

    days, closed = (0, 0), True

    def _matching(self, level, keys):
        ends = _range(keys)
        if not ends or bool(all(ends)) != self.closed:
            return super()._matching(level, keys)
        wide = "-".join(_later(end, days) for end, days in zip(ends, self.days, strict=True))
        return super()._matching(level, _with(keys, StudyDate=wide))


def _later(day, days):
    """A day some days later, as DICOM writes it; what is no day stays."""
    try:
        return (datetime.datetime.strptime(day, "%Y%m%d") + datetime.timedelta(days)).strftime("%Y%m%d")
    except ValueError:
        return day


@_faulty("dates_early", "takes in the day before the first day of a range with two ends")
class _DatesEarly(_DatesShifted):
    days = (-1, 0)


@_faulty("dates_late", "takes in the day after the last day of a range with two ends")
class _DatesLate(_DatesShifted):
    days = (0, 1)


@_faulty("since_early", "takes in the day before the first day of a range without an end")
class _SinceEarly(_DatesShifted):
    days, closed = (-1, 0), False


@_faulty("until_late", "takes in the day after the last day of a range without a beginning")
class _UntilLate(_DatesShifted):
    days, closed = (0, 1), False


@_faulty("doubled", "sends every answer twice")
class _Doubled(Candidate):
    def _matching(self, level, keys):
        return [one for one in super()._matching(level, keys) for _ in range(2)]


@_faulty("one_twice", "sends, of more than five studies, one twice and another not at all")
class _OneTwice(Candidate):
    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        return [found[1], *found[1:]] if level == "STUDY" and len(found) > 5 else found


@_faulty("one_missing", "leaves out one of more than five studies")
class _OneMissing(Candidate):
    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        return found[1:] if level == "STUDY" and len(found) > 5 else found


@_faulty("accession_cut", "shows no more than ten characters of an accession number")
class _AccessionCut(Candidate):
    def _find(self, event):
        for status, answer in super()._find(event):
            if answer is not None and answer.get("AccessionNumber"):
                answer = copy.copy(answer)
                answer.AccessionNumber = answer.AccessionNumber[:10]
            yield status, answer


@_faulty("charset_missing", "sends names in UTF-8 and calls that Latin-1")
class _CharsetMissing(Candidate):
    def _find(self, event):
        for status, answer in super()._find(event):
            if answer is not None:
                answer = copy.copy(answer)
                for element in list(answer):
                    if element.VR == "PN" and element.value:
                        setattr(answer, element.keyword, str(element.value).encode("utf-8").decode("latin-1"))
                if not all(str(element.value).isascii() for element in answer if element.VR == "PN"):
                    answer.SpecificCharacterSet = "ISO_IR 100"
            yield status, answer


@_faulty("series_counts", "shows for each series the number of images of the whole study")
class _SeriesCounts(Candidate):
    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        if level == "SERIES":
            for one in found:
                one.NumberOfSeriesRelatedInstances = len(self.store.kept(study=[str(one.StudyInstanceUID)]))
        return found


@_faulty("study_counts", "shows for each study the number of its series as the number of its images")
class _StudyCounts(Candidate):
    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        if level == "STUDY":
            for one in found:
                one.NumberOfStudyRelatedInstances = one.NumberOfStudyRelatedSeries
        return found


@_faulty("study_series", "shows for each study one series, whatever it has")
class _StudySeries(Candidate):
    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        if level == "STUDY":
            for one in found:
                one.NumberOfStudyRelatedSeries = 1
        return found


@_faulty("cancel_ignored", "goes on with a query that was cancelled, to its end")
class _CancelIgnored(Candidate):
    hears_cancel = False


@_faulty("cancel_failed", "ends a query that was cancelled with C000H, unable to process")
class _CancelFailed(Candidate):
    def _find(self, event):
        for status, answer in super()._find(event):
            yield 0xC000 if status == 0xFE00 else status, answer


# Storage

@_faulty("private_dropped", "drops private attributes of what it is sent")
class _PrivateDropped(Candidate):
    def _content(self, event, uid):
        return _changed(super()._content(event, uid), lambda dataset: dataset.remove_private_tags())


@_faulty("series_uid_changed", "gives what it is sent another Series Instance UID")
class _SeriesUidChanged(Candidate):
    def _content(self, event, uid):
        def rename(dataset):
            dataset.SeriesInstanceUID += ".7"

        return _changed(super()._content(event, uid), rename)


@_faulty("pixels_cut", "loses the last part of the pixels: the lower edge of images is black")
class _PixelsCut(Candidate):
    def _content(self, event, uid):
        def cut(dataset):
            if "PixelData" in dataset:
                keep = len(dataset.PixelData) * 7 // 8
                dataset.PixelData = dataset.PixelData[:keep] + bytes(len(dataset.PixelData) - keep)

        return _changed(super()._content(event, uid), cut)


@_faulty("implicit_cut", "loses the last part of the pixels of images that come in Implicit VR")
class _ImplicitCut(_PixelsCut):
    def _content(self, event, uid):
        implicit = event.context.transfer_syntax == "1.2.840.10008.1.2"
        return super()._content(event, uid) if implicit else Candidate._content(self, event, uid)


@_faulty("letters_lost", "keeps, in names of persons, ? for every letter outside the English alphabet")
class _LettersLost(Candidate):
    def _content(self, event, uid):
        def ask(dataset):
            for element in dataset.iterall():
                if element.VR == "PN" and element.value:
                    element.value = str(element.value).encode("ascii", "replace").decode()

        return _changed(super()._content(event, uid), ask)


@_faulty("text_cut", "cuts texts of more than 32 characters")
class _TextCut(Candidate):
    def _content(self, event, uid):
        def cut(dataset):
            for element in dataset.iterall():
                if element.VR == "LO" and element.VM == 1:
                    element.value = str(element.value)[:32]

        return _changed(super()._content(event, uid), cut)


@_faulty("fractions_cut", "keeps times without the fraction of a second")
class _FractionsCut(Candidate):
    def _content(self, event, uid):
        def cut(dataset):
            for element in dataset:
                if element.VR == "TM" and element.value:
                    element.value = str(element.value).split(".")[0]

        return _changed(super()._content(event, uid), cut)


@_faulty("third_lost", "says success for every third object that it is sent, and has lost it")
class _ThirdLost(Candidate):
    came = 0

    def _kept(self, event, uid):
        self.came += 1
        return (0x0000, "") if self.came % 3 == 0 else super()._kept(event, uid)


@_faulty("empty_dropped", "drops attributes that are empty, type 2 among them")
class _EmptyDropped(Candidate):
    def _content(self, event, uid):
        def drop(dataset):
            for element in list(dataset):
                if element.is_empty:
                    del dataset[element.tag]

        return _changed(super()._content(event, uid), drop)


@_faulty("decimals_rounded", "rounds pixel spacing and positions to one decimal place")
class _DecimalsRounded(Candidate):
    def _content(self, event, uid):
        def rounded(dataset):
            for element in dataset:
                if element.VR == "DS" and not element.is_empty:
                    values = element.value if element.VM > 1 else [element.value]
                    shorter = [f"{float(one):.1f}" for one in values]
                    element.value = shorter if element.VM > 1 else shorter[0]

        return _changed(super()._content(event, uid), rounded)


@_faulty("items_lost", "keeps the first item of a sequence and drops the others")
class _ItemsLost(Candidate):
    def _content(self, event, uid):
        def first(dataset):
            for element in dataset:
                if element.VR == "SQ":
                    element.value = element.value[:1]

        return _changed(super()._content(event, uid), first)


@_faulty("capitals", "keeps texts in capital letters")
class _Capitals(Candidate):
    def _content(self, event, uid):
        def raise_letters(dataset):
            for element in dataset.iterall():
                if element.VR in ("PN", "LO", "SH", "LT", "ST", "UT") and element.value and element.VM == 1:
                    element.value = str(element.value).upper()

        return _changed(super()._content(event, uid), raise_letters)


@_faulty("foreign_sent", "sends an image of another patient along with what it is asked for")
class _ForeignSent(Candidate):
    def _chosen(self, identifier, rejected=False):
        asked_for = super()._chosen(identifier, rejected)
        foreign = self.store.kept(study=[TEST_SET[0].uid])
        return asked_for + [one for one in foreign if asked_for and one not in asked_for]


@_faulty("implicit_only", "takes images in Implicit VR only, and refuses the scanners' Explicit VR")
class _ImplicitOnly(Candidate):
    syntaxes = ["1.2.840.10008.1.2"]


# Storage commitment

@_faulty("commits_all", "takes responsibility for images that it never got")
class _CommitsAll(Candidate):
    def _outcome(self, asked):
        _, result = super()._outcome(asked)
        result.ReferencedSOPSequence = [_named(item) for item in asked.ReferencedSOPSequence]
        result.pop("FailedSOPSequence", None)
        return 1, result


def _named(item):
    return _reference_to(item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID)


@_faulty("commits_unnamed", "says nothing in its report of images that it never got")
class _CommitsUnnamed(Candidate):
    def _outcome(self, asked):
        kind, result = super()._outcome(asked)
        result.pop("FailedSOPSequence", None)
        return 1, result


@_faulty("commits_together", "refuses responsibility for all images when one of them is missing")
class _CommitsTogether(Candidate):
    def _outcome(self, asked):
        kind, result = super()._outcome(asked)
        if kind == 2:
            failed = [_named(item) for item in asked.ReferencedSOPSequence]
            for item in failed:
                item.FailureReason = 0x0110
            result.FailedSOPSequence = failed
            result.pop("ReferencedSOPSequence", None)
        return kind, result


@_faulty("commits_silently", "accepts a request for storage commitment and never reports")
class _CommitsSilently(Candidate):
    def _reported(self, caller, event_type, result, association):
        return False


# Retrieve

def _spoiling(event, spoil):
    """Let `spoil` change each response of a C-MOVE before it is sent."""
    dimse = event.assoc.dimse
    send = dimse.send_msg

    def send_msg(primitive, context):
        if hasattr(primitive, "NumberOfCompletedSuboperations"):
            spoil(primitive)
        send(primitive, context)

    dimse.send_msg = send_msg


def _counting(by):
    """What counts in a last response that says success so many images more than were sent."""
    def count(primitive):
        if primitive.Status == 0x0000:
            primitive.NumberOfCompletedSuboperations = max((primitive.NumberOfCompletedSuboperations or 0) + by, 0)

    return count


@_faulty("move_short", "leaves out the last image of a C-MOVE, and counts it as sent")
class _MoveShort(Candidate):
    def _move(self, event):
        answers = super()._move(event)
        yield next(answers)
        for count in answers:                           # at most one number; none where the destination is unknown
            if count:
                _spoiling(event, _counting(1))
            yield max(count - 1, 0)
            yield from itertools.islice(answers, max(count - 1, 0))
            return


@_faulty("move_other", "sends, in place of a series of a study, as many images of its other series")
class _MoveOther(Candidate):
    def _chosen(self, identifier, rejected=False):
        asked_for = super()._chosen(identifier, rejected)
        if "SeriesInstanceUID" not in identifier:
            return asked_for
        study = super()._chosen(_with(identifier, SeriesInstanceUID=None, SOPInstanceUID=None), rejected)
        others = [one for one in study if one not in asked_for]
        return others[:len(asked_for)] or asked_for


@_faulty("move_study", "sends the whole study when one series is asked for")
class _MoveStudy(Candidate):
    def _chosen(self, identifier, rejected=False):
        wider = _with(identifier, SeriesInstanceUID=None, SOPInstanceUID=None) if "StudyInstanceUID" in identifier else identifier
        return super()._chosen(wider, rejected)


@_faulty("move_unable", "answers a C-MOVE to a destination that it does not know with C000H, unable to process")
class _MoveUnable(Candidate):
    def _move(self, event):
        def unable(primitive):
            if primitive.Status == 0xA801:
                primitive.Status = 0xC000

        _spoiling(event, unable)
        yield from super()._move(event)


@_faulty("move_miscounts", "sends all that a C-MOVE asks for, and counts one too few in its last response")
class _MoveMiscounts(Candidate):
    def _move(self, event):
        _spoiling(event, _counting(-1))
        yield from super()._move(event)


# Performed procedure steps, rejection notes

@_faulty("step_reopened", "lets a completed procedure step be changed")
class _StepReopened(Candidate):
    def _step(self, uid):
        before = super()._step(uid)
        return before and ("IN PROGRESS", before[1])


@_faulty("step_endless", "lets no procedure step be completed")
class _StepEndless(Candidate):
    def _step(self, uid):
        before = super()._step(uid)
        return before and ("COMPLETED", before[1])


@_faulty("rejected_neighbour", "does not find, where an image is rejected, the last of the others of its study either, though it sends it")
class _RejectedNeighbour(Candidate):
    def _begin(self):
        self._hidden = set()
        super()._begin()

    def _content(self, event, uid):
        def look(note):
            if note.SOPClassUID == KEY_OBJECT_SELECTION:
                rejected = {str(one.ReferencedSOPInstanceUID) for item in note.ContentSequence for one in item.ReferencedSOPSequence}
                others = [one.sop for one in self.store.kept(study=[str(note.StudyInstanceUID)]) if one.sop not in rejected]
                self._hidden |= set(sorted(others)[-1:])

        return _changed(super()._content(event, uid), look)

    def _matching(self, level, keys):
        found = super()._matching(level, keys)
        return [one for one in found if str(one.SOPInstanceUID) not in self._hidden] if level == "IMAGE" else found


@_faulty("rejected_withheld", "does not send, where an image is rejected, the last of the others of its study either, though it finds it")
class _RejectedWithheld(_RejectedNeighbour):
    def _matching(self, level, keys):
        return Candidate._matching(self, level, keys)

    def _chosen(self, identifier, rejected=False):
        return [one for one in super()._chosen(identifier, rejected) if one.sop not in self._hidden]


@_faulty("rejected_sent", "no longer finds images that were rejected, and still sends them with their study")
class _RejectedSent(Candidate):
    def _chosen(self, identifier, rejected=False):
        return super()._chosen(identifier, rejected=True)


@_faulty("rejected_listed", "goes on finding images that were rejected, and no longer sends them")
class _RejectedListed(Candidate):
    def _begin(self):
        self._withdrawn = set()
        super()._begin()

    def _content(self, event, uid):
        def of_interest(note):
            if note.SOPClassUID == KEY_OBJECT_SELECTION:
                note.ConceptNameCodeSequence[0].CodeValue = "113000"
                for item in note.get("ContentSequence", []):
                    self._withdrawn |= {str(one.ReferencedSOPInstanceUID) for one in item.get("ReferencedSOPSequence", [])}

        return _changed(super()._content(event, uid), of_interest)

    def _chosen(self, identifier, rejected=False):
        return [one for one in super()._chosen(identifier, rejected) if one.sop not in self._withdrawn]


# Associations

@_faulty("anybody", "answers callers that are not in its list")
class _Anybody(Candidate):
    allowed = None


@_faulty("seven_together", "takes seven callers at a time, and turns the others away")
class _SevenTogether(Candidate):
    together = ASKED - 1


@_faulty("leaks", "takes fewer callers after each rush, until it is started again")
class _Leaks(Candidate):
    together = ASKED
    _rush = False

    def _left(self):
        self._rush = self._rush or len(self._inside) == self.together - 1       # all places were taken
        if self._rush and not self._inside:
            self.together, self._rush = max(self.together - 1, ASKED // 2), False


@_faulty("slow", "takes a third of a second longer for every query")
class _Slow(Candidate):
    def _matching(self, level, keys):
        time.sleep(0.33)
        return super()._matching(level, keys)


CANDIDATES = {**GOOD, **FAULTY}


# The test station

_STARTING = threading.Lock()


class Receiver(DicomServer):
    """Where the images of a C-MOVE arrive: a storage SCP that keeps what came in memory."""

    def __init__(self, title=RECEIVER):
        super().__init__(title)
        self.received = []

    def _begin(self):
        self._serve(*((one, None, False) for one in CLASSES))

    def _end(self):
        self._hang_up()

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_C_STORE, self._store)]

    def _store(self, event):
        came = event.dataset
        came.file_meta = event.file_meta
        self.received.append(came)
        self._note(event, "C-STORE-RQ")
        self._reply(event, "C-STORE-RSP", "0000H")
        return 0x0000


class Tester(Scu):
    """A test station that calls a candidate, which is started when it is first called.

    Beside the services of an `Scu` it has

    received()  : the images that came by the last C-MOVE to ``ACCEPT2``, a list of data sets
    calling(title) : the same station under another AE title
    queries     : what was asked by C-FIND, a list of (level, {keyword: value}, cancel_after, number of answers)
    calls       : what else was asked, a list of ("C-STORE", number of objects), ("C-GET", level), ("C-MOVE", destination) and
                  ("C-ECHO", callers at a time)
    """

    def __init__(self, system, receiver, title=TESTER, queries=None, calls=None):
        self._system, self._receiver = system, receiver
        self.queries, self.calls = [] if queries is None else queries, [] if calls is None else calls
        super().__init__(title, TITLE, None, syntaxes=[EXPLICIT], classes=CLASSES)

    @property
    def port(self):
        """Where the candidate listens; it is started if it does not run."""
        with _STARTING:                 # several threads may call at the same moment
            return self._system.start().port

    @port.setter
    def port(self, _):
        pass

    def __deepcopy__(self, memo):
        return self                     # a station is no data: who copies it talks to the same system

    def calling(self, title):
        """The same station, calling under another AE title."""
        return Tester(self._system, self._receiver, title, self.queries, self.calls)

    def find(self, level="STUDY", keys=None, cancel_after=None, **more):
        """C-FIND, as of an `Scu`; what was asked is noted in `queries`."""
        self._system.cancel_is_due = type(cancel_after) is int and cancel_after <= PAGE
        try:
            answers = super().find(level, keys, cancel_after, **more)
        finally:
            self._system.cancel_is_due = False
        self.queries.append((level, {**(keys if type(keys) is dict else {}), **more}, cancel_after, len(answers)))
        return answers

    def store(self, objects):
        """C-STORE, as of an `Scu`."""
        statuses = super().store(objects)
        self.calls.append(("C-STORE", len(statuses)))
        return statuses

    def get(self, level="STUDY", keys=None, **more):
        """C-GET, as of an `Scu`."""
        self.calls.append(("C-GET", level))
        return super().get(level, keys, **more)

    def echo_together(self, count):
        """C-ECHO of several callers, as of an `Scu`."""
        self.calls.append(("C-ECHO", count))
        return super().echo_together(count)

    def move(self, to, level="STUDY", keys=None, **more):
        """C-MOVE, as of an `Scu`; what came before is forgotten."""
        self.calls.append(("C-MOVE", to))
        self._receiver.received.clear()
        return super().move(to, level, keys, **more)

    def received(self):
        """The images that came by the last C-MOVE to this station."""
        return list(self._receiver.received)

    def commit(self, objects, seconds=COMMITTED_WITHIN):
        """Storage commitment, as of an `Scu`; the report is waited for two seconds."""
        return super().commit(objects, seconds)


@contextlib.contextmanager
def bench():
    """A test bench: gives a function from the name of a candidate, or a candidate's class, to a Tester. At the end all are stopped."""
    installed = []
    with Receiver() as receiver:
        def install(name):
            system = (CANDIDATES[name] if isinstance(name, str) else name)({RECEIVER: (receiver.host, receiver.port)})
            installed.append(system)
            return Tester(system, receiver)

        try:
            yield install
        finally:
            with ThreadPoolExecutor(8) as stopping:     # each takes a moment in which it only waits
                list(stopping.map(lambda system: system.stop(), installed))
