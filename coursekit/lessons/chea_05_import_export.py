"""A disc comes in, a study goes out: the exercises of lesson chea-05."""

import contextlib
import copy
import datetime
import hashlib
import io
import re
import warnings
from pathlib import PurePosixPath, PureWindowsPath

from coursekit.checking import Client, Config, Fields, File, Function, Lesson, Number, Outcome, Set, Table, Text, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.verdict import Verdict
from coursekit.hospital import story
from coursekit.hospital.draws import Draws
from coursekit.standards import objects
from coursekit.systems.archive import Archive
from coursekit.systems.scu import Scu

lesson = Lesson(
    "chea-05",
    title="Import and export of images",
    version=1,
    minutes=180,
    objectives=[
        "audit a disc against PS3.10 and decide, series by series, what of it is imported and for whom",
        "reconcile foreign images as IRWF.b wants it, store them into the archive, and notice what only looks like a duplicate",
        "de-identify a study by PS3.15 Annex E and its options, and write the policy that decides all this before a disc arrives",
    ],
    covers=["develop and manage a comprehensive image import and export policy"],
    needs=["cpas-07", "cpas-13", "cpas-16"],
)

CT, PET, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.4"
US, SC, PR = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.11.1"
DIRECTORY = "1.2.840.10008.1.3.10"
EXPLICIT = "1.2.840.10008.1.2.1"
NOW = "20250407101500+0200"
ECC = "ECC"

# What PS3.15 2024b has in Table E.1-1 for the attributes that this lesson meets: the column "Basic Prof." and the columns of some options.
# Action codes change from edition to edition (Patient ID was Z, and is Z/D in 2024b), so a table without its edition is worth nothing.
PROFILE = {
    "AccessionNumber": {"basic": "Z"},
    "AcquisitionDate": {"basic": "X/Z", "full dates": "K", "modified dates": "C"},
    "AcquisitionDateTime": {"basic": "X/Z/D", "full dates": "K", "modified dates": "C"},
    "ContentCreatorName": {"basic": "Z/D"},
    "ContentDate": {"basic": "Z/D", "full dates": "K", "modified dates": "C"},
    "DeviceSerialNumber": {"basic": "X/Z/D", "device": "K"},
    "FrameOfReferenceUID": {"basic": "U", "UIDs": "K"},
    "ImageComments": {"basic": "X", "descriptors": "C"},
    "InstitutionName": {"basic": "X/Z/D", "institution": "K"},
    "OperatorsName": {"basic": "X/Z/D"},
    "PatientAge": {"basic": "X", "characteristics": "K"},
    "PatientBirthDate": {"basic": "Z"},
    "PatientID": {"basic": "Z/D"},
    "PatientName": {"basic": "Z"},
    "PatientSex": {"basic": "Z", "characteristics": "K"},
    "ProtocolName": {"basic": "X/D", "descriptors": "C"},
    "ReferencedImageSequence": {"basic": "X/Z/U*", "UIDs": "K"},
    "ReferencedSOPInstanceUID": {"basic": "U", "UIDs": "K"},
    "SeriesDate": {"basic": "X/D", "full dates": "K", "modified dates": "C"},
    "SeriesDescription": {"basic": "X", "descriptors": "C"},
    "StationName": {"basic": "X/Z/D", "device": "K"},
    "StudyDate": {"basic": "Z", "full dates": "K", "modified dates": "C"},
    "StudyDescription": {"basic": "X", "descriptors": "C"},
    "StudyInstanceUID": {"basic": "U", "UIDs": "K"},
}
# The same table, resolved by the Type that each attribute has in the MR Image and the Grayscale Softcopy Presentation State IOD, with the
# option of modified dates; attributes that Table E.1-1 does not list are kept, and private ones have a rule of their own.
ACTIONS = {
    **dict.fromkeys(("InstanceCreationDate", "InstanceCreationTime", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate",
                     "AcquisitionDateTime", "StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "PresentationCreationDate",
                     "PresentationCreationTime", "ContributionDateTime"), "C"),
    **dict.fromkeys(("InstitutionName", "RetrieveAETitle", "StationName", "StudyDescription", "SeriesDescription", "OperatorsName",
                     "IssuerOfPatientID", "OtherPatientIDsSequence", "PatientAge", "PatientWeight", "DeviceSerialNumber", "ProtocolName",
                     "ImageComments", "RequestAttributesSequence", "OriginalAttributesSequence"), "X"),
    **dict.fromkeys(("AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID",
                     "ContentCreatorName"), "Z"),
    **dict.fromkeys(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID", "ReferencedSOPInstanceUID"), "U"),
}
# CID 7050 De-identification Method (PS3.16).
METHODS = {
    "113100": "Basic Application Confidentiality Profile", "113101": "Clean Pixel Data Option",
    "113102": "Clean Recognizable Visual Features Option", "113103": "Clean Graphics Option", "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option", "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option", "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option", "113110": "Retain UIDs Option", "113111": "Retain Safe Private Option",
    "113112": "Retain Institution Identity Option",
}


# --- objects

# What the modules of a modality want beside what `_image` sets itself.
_MODULES = {
    CT: {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "RescaleIntercept": "-1024", "RescaleSlope": "1", "KVP": "120",
         "AcquisitionNumber": 1},
    PET: {"ImageType": ["ORIGINAL", "PRIMARY"], "Units": "BQML", "CountsSource": "EMISSION", "SeriesType": ["WHOLE BODY", "IMAGE"],
          "NumberOfSlices": 3, "CorrectedImage": ["DECY", "ATTN"], "DecayCorrection": "START", "CollimatorType": "NONE",
          "RadiopharmaceuticalInformationSequence": [], "PatientOrientationCodeSequence": [], "PatientGantryRelationshipCodeSequence": [],
          "RescaleIntercept": "0", "RescaleSlope": "1", "FrameReferenceTime": "0", "ActualFrameDuration": "120000", "ImageIndex": 1,
          "DecayFactor": "1", "AcquisitionNumber": 1},
    SC: {"ConversionType": "WSD"},
    US: {"ImageType": ["ORIGINAL", "PRIMARY"]},
}


def _image(sop_class, modality, uids, number, who, device, **more):
    """A small image: a FileDataset with invented pixels, of 16 x 16.

    uids : Study, Series and SOP Instance UID
    who  : name, Patient ID, issuer ("" for none), birth date, sex
    more : further attributes by keyword; None takes one away
    """
    import numpy

    from coursekit.hospital.images import common, mr

    ds = common.dataset(sop_class, uids, device)
    ds.Manufacturer, ds.BodyPartExamined, ds.PatientOrientation = "", "CHEST", ""
    if sop_class == MR:
        mr.sequence(ds, 2500, 20, 1.5, 5)
    if sop_class in (CT, MR, PET):
        common.axial(ds, (16, 16), 20, 5 * number, 5, f"{uids[0]}.9")
        del ds.PatientOrientation
    if sop_class == PET:
        del ds.PatientPosition                          # its orientation is coded (PS3.3 C.8.4.6)
    for keyword, value in _MODULES.get(sop_class, {}).items():
        setattr(ds, keyword, copy.deepcopy(value))
    ds.PatientName, ds.PatientID, ds.IssuerOfPatientID, ds.PatientBirthDate, ds.PatientSex = who
    if not ds.IssuerOfPatientID:
        del ds.IssuerOfPatientID
    ds.Modality, ds.InstanceNumber, ds.SeriesNumber = modality, number, 1
    ds.StudyID, ds.AccessionNumber = "1", ""
    common.when(ds, "20250321", "091200", "091500", "091530")
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    row = numpy.arange(16, dtype=numpy.uint8 if sop_class == US else numpy.uint16)
    common.encoding(ds, row[:, None] * 12 + row * 3 + number, {US: 8, PET: 16}.get(sop_class, 12))
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def _bytes(ds):
    """A data set as the bytes of a DICOM file."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # of names that are no File IDs, which some discs have on purpose
        ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _dicomdir(listed, file_set="ECC_CD"):
    """The bytes of a DICOMDIR (PS3.3 Annex F) with PATIENT, STUDY, SERIES, IMAGE and PRESENTATION records.

    listed : tuples (path with "/", FileDataset, whether the record is in use), grouped by patient, study and series
    """
    from pydicom import dcmread
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.fileset import DIRECTORY_RECORDERS
    from pydicom.uid import UID

    records, kinds, last = [], [], {}

    def add(kind, ds, parent):
        record = DIRECTORY_RECORDERS[kind](ds)
        record.OffsetOfTheNextDirectoryRecord = record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
        record.RecordInUseFlag, record.DirectoryRecordType = 0xFFFF, kind
        records.append(record)
        kinds.append((kind, parent))
        return len(records) - 1

    for path, ds, in_use in listed:
        parent = None
        for kind, key in (("PATIENT", ds.PatientID + str(ds.PatientName)), ("STUDY", ds.StudyInstanceUID),
                          ("SERIES", ds.SeriesInstanceUID)):
            place = (kind, parent, key)
            if place not in last:
                last[place] = add(kind, ds, parent)
            parent = last[place]
        record = records[add("PRESENTATION" if ds.Modality == "PR" else "IMAGE", ds, parent)]
        record.RecordInUseFlag = 0xFFFF if in_use else 0
        parts = path.split("/")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")             # as in `_bytes`
            record.ReferencedFileID = parts if len(parts) > 1 else path
        record.ReferencedSOPClassUIDInFile, record.ReferencedSOPInstanceUIDInFile = ds.SOPClassUID, ds.SOPInstanceUID
        record.ReferencedTransferSyntaxUIDInFile = ds.file_meta.TransferSyntaxUID
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(DIRECTORY), UID("2.999.301.8.1")
    meta.TransferSyntaxUID, meta.ImplementationClassUID = UID(EXPLICIT), UID("2.999.301.8")
    directory = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    directory.FileSetID, directory.FileSetConsistencyFlag, directory.DirectoryRecordSequence = file_set, 0, records
    first = last_of_root = 0
    for link in (False, True):                          # written twice: where an item lies is known when it has been written
        directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = first
        directory.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = last_of_root
        content = _bytes(directory)
        if link:
            return content
        offsets = [item.seq_item_tell for item in dcmread(io.BytesIO(content)).DirectoryRecordSequence]
        roots = [offset for offset, (_, parent) in zip(offsets, kinds) if parent is None]
        first, last_of_root = (roots[0], roots[-1]) if roots else (0, 0)
        for place, record in enumerate(records):
            below = [offsets[other] for other, (_, parent) in enumerate(kinds) if parent == place]
            behind = [offsets[other] for other in range(place + 1, len(records)) if kinds[other][1] == kinds[place][1]]
            record.OffsetOfReferencedLowerLevelDirectoryEntity = below[0] if below else 0
            record.OffsetOfTheNextDirectoryRecord = behind[0] if behind else 0


# --- the disc of the ticket

def _people(hospital):
    """P5 as Eastcliff knows him and as we do, and somebody else: each (name, Patient ID, issuer, birth date, sex)."""
    at_eastcliff = hospital.truth["people"]["P5 at Eastcliff"]
    people = story.people(hospital.seed)
    name, sex, birth, ours = people["P5"]
    birth = birth.replace("-", "")
    draws = Draws(hospital.seed, "chea-05 other")
    other = (("ADLER^KONRAD", "M"), ("WHITLOCK^JOAN", "F"), ("FONTANA^DARIO", "M"))[draws.one(0, 2)]
    return {
        "there": (at_eastcliff["name"], at_eastcliff["pid"], ECC, birth, sex), "here": (name, ours, "HVGH", birth, sex),
        # A number of Eastcliff's old system, which happens to be one of ours too: P1's.
        "other": (other[0], people["P1"][3], "", f"19{draws.one(35, 70)}0{draws.one(1, 9)}1{draws.one(0, 9)}", other[1]),
    }


def _spelled(name):
    """A name as another system writes it: only its first letters capital."""
    return "^".join(part.title() for part in name.split("^"))


def _other_day(birth):
    """A birth date with day and month exchanged, or another day where that is none or the same."""
    day, month = birth[6:], birth[4:6]
    return birth[:4] + day + month if int(day) < 13 and day != month else birth[:6] + ("11" if day != "11" else "12")


def _series_of_disc(hospital):
    """The series on the disc, in the order in which they lie there: dicts of what `_image` wants, and of what is right about them."""
    who, draws = _people(hospital), Draws(hospital.seed, "chea-05 series")
    there = who["there"]
    primary, localizer, screen = ["ORIGINAL", "PRIMARY", "AXIAL"], ["ORIGINAL", "PRIMARY", "LOCALIZER"], ["DERIVED", "SECONDARY"]
    base = {"who": there, "date": "20250321", "burned": "", "lossy": "", "decision": "import"}
    found = [
        {**base, "class": PET, "modality": "PT", "says": "PET WB AC", "type": ["ORIGINAL", "PRIMARY"], "count": 3,
         "who": (_spelled(there[0]), *there[1:])},
        {**base, "class": CT, "modality": "CT", "says": "CT low dose 3.0", "type": primary, "count": 3},
        {**base, "class": CT, "modality": "CT", "says": "Topogram", "type": localizer, "count": 1, "decision": "skip"},
        {**base, "class": SC, "modality": "CT", "says": "Fusion, screen", "type": screen, "count": 1, "burned": "YES", "decision": "hold"},
        {**base, "class": US, "modality": "US", "says": "Abdomen", "type": ["ORIGINAL", "PRIMARY"], "count": 2, "who": who["other"],
         "burned": "YES", "decision": "refuse"},
        {**base, "class": CT, "modality": "CT", "says": "Thorax 5.0", "type": primary, "count": 2, "lossy": "01", "date": "20230914"},
        {**base, "class": CT, "modality": "CT", "says": "Thorax 5.0", "type": primary, "count": 2, "date": "20240226",
         "who": (*there[:3], _other_day(there[3]), there[4]), "decision": "hold"},
        {**base, "class": MR, "modality": "MR", "says": "Knee PD sag", "type": ["ORIGINAL", "PRIMARY", "OTHER"], "count": 2,
         "date": "20220511", "decision": "skip"},
        {**base, "class": CT, "modality": "CT", "says": "Thorax 5.0", "type": primary, "count": 1, "date": "20240612",
         "who": (there[0], "88-120", "", there[3], there[4])},
    ]
    draws_order = draws.raw(len(found)).argsort(kind="stable").tolist()
    return [found[place] for place in draws_order]


def _images_of(series, place, hospital):
    """The images of one series of the disc."""
    day = series["date"]
    study = f"2.999.301.5.{day}.{1 + (series['modality'] == 'US') + 2 * (series['who'][1] == '88-120')}"
    made = []
    for number in range(1, series["count"] + 1):
        uids = (study, f"{study}.{place}", f"{study}.{place}.{number}")
        ds = _image(series["class"], series["modality"], uids, number, series["who"], "ECC_PET1")
        ds.InstitutionName, ds.SeriesNumber = "Eastcliff Clinic", place
        ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = day
        ds.ImageType, ds.SeriesDescription = series["type"], series["says"]
        ds.AccessionNumber = f"E{day[2:]}{place:03d}"
        for keyword, value in (("BurnedInAnnotation", series["burned"]), ("LossyImageCompression", series["lossy"])):
            if value:
                setattr(ds, keyword, value)
        made.append(ds)
    return made


@lesson.input
def disc(hospital):
    """The disc from Eastcliff as the import station reads it: a dictionary from path, with "/", to the bytes of the file."""
    draws = Draws(hospital.seed, "chea-05 disc")
    listed, files = [], {}
    for place, series in enumerate(_series_of_disc(hospital), 1):
        for number, ds in enumerate(_images_of(series, place, hospital), 1):
            path = f"ECC/{series['modality']}{place:02d}/IM{number:04d}"
            listed.append((path, ds, True))
            files[path] = _bytes(ds)
    order = draws.raw(len(listed)).argsort(kind="stable").tolist()
    lost, renamed, long, left_out, dropped = (listed[place][0] for place in order[:5])
    # Copied by hand: one file did not arrive, one has its name in small letters, one a longer name; one nobody entered, and one record is
    # out of use.
    del files[lost]
    files[renamed.lower()] = files.pop(renamed)
    folder = long.rpartition("/")[0]
    files[f"{folder}/IMAGE_0001.dcm"] = files.pop(long)
    listed = [(path, ds, path != dropped) for path, ds, _ in listed if path != left_out]
    del files[dropped]
    files["DICOMDIR"] = _dicomdir(listed)
    files["AUTORUN.INF"] = b"[autorun]\r\nopen=VIEWER\\START.EXE\r\n"
    files["VIEWER/START.EXE"] = b"MZ" + bytes(62)                  # two letters of a program's head and no program
    files["VIEWER/HELP.DCM"] = b"Double-click an image to open it.\r\n"
    files["README.TXT"] = b"Eastcliff Clinic. This disc holds images of one patient.\r\n"
    return dict(sorted(files.items()))


@lesson.input
def disc_series(hospital):
    """What the headers on the disc say, a line for each series: a DataFrame."""
    import pandas

    rows = []
    for place, series in enumerate(_series_of_disc(hospital), 1):
        name, pid, issuer, birth, sex = series["who"]
        rows.append({"series": f"S{place}", "name": name, "patient_id": pid, "issuer": issuer, "birth_date": birth, "sex": sex,
                     "study_date": series["date"], "modality": series["modality"], "description": series["says"],
                     "image_type": "\\".join(series["type"]), "burned_in": series["burned"], "lossy": series["lossy"]})
    return pandas.DataFrame(rows)


@lesson.input
def request(hospital):
    """The order to import, as the RIS has it: a dictionary."""
    name, pid, issuer, birth, sex = _people(hospital)["here"]
    return {"PatientName": name, "PatientID": pid, "IssuerOfPatientID": issuer, "PatientBirthDate": birth, "PatientSex": sex,
            "AccessionNumber": "A2504079901", "modalities": ["PT", "CT"]}


# --- 1

def _audited(disc, dicom=None, listed=None, same=lambda path: path, conforms=None, named=None, itself=False, every_record=False,
             kinds=None):
    """As the solution, with one idea changed."""
    from pydicom import dcmread
    from pydicom.fileset import is_conformant_file_id

    dicom = dicom or (lambda path, content: content[128:132] == b"DICM")
    records = []
    for record in dcmread(io.BytesIO(disc["DICOMDIR"])).DirectoryRecordSequence:
        if "ReferencedFileID" in record and (every_record or record.RecordInUseFlag == 0xFFFF) and (
                kinds is None or record.DirectoryRecordType in kinds):
            value = record.ReferencedFileID
            records.append((listed or (lambda value: value if isinstance(value, str) else "/".join(value)))(value))
    there = [path for path, content in disc.items() if dicom(path, content) and (itself or path != "DICOMDIR")]
    known = {same(path) for path in records}
    paths = {same(path) for path in disc}
    conforms = conforms or (lambda path: is_conformant_file_id(PurePosixPath(path)))
    unlisted = [path for path in there if same(path) not in known]
    looked_at = {"records": records, "unlisted": unlisted}.get(named, there)
    return {"missing": [path for path in records if same(path) not in paths], "unlisted": unlisted,
            "bad_names": [path for path in looked_at if not conforms(path)]}


class Paths(Set):
    """Paths as text or as path objects."""

    def read(self, given):
        """As for Set, path objects as their text."""
        if type(given) in (list, tuple, set):
            given = [str(one) if type(one) in (PurePosixPath, PureWindowsPath) else one for one in given]
        return super().read(given)


class OnObjects(Function):
    """A function on discs or data sets, which a message names by what they are and not by their bytes."""

    def _as_written(self, case):
        return f"`{self.variables[0]}({', '.join(map(_in_short, case))})`"

    def _told(self, case, value):
        return f"For {self._as_written(case)}:" if _is_object(value) or type(value) in (list, tuple) else super()._told(case, value)


def _in_short(value):
    """A disc, an object or a list of them in a few words, anything else as Python writes it."""
    if type(value) is dict and "DICOMDIR" in value:
        paths = list(value)
        return f"a disc with {', '.join(paths[:6])}{f' and {len(paths) - 6} more' if len(paths) > 6 else ''}"
    if type(value) is list and value and all(map(_is_object, value)):
        return f"[{', '.join(map(_in_short, value))}]"
    if _is_object(value):
        return f"{value.get('Modality', 'object')} {value.get('InstanceNumber', '')}".strip()
    text = repr(value).replace("`", "")
    if type(value) is dict and len(text) > 60:
        first = next(iter(value))
        return f"{{{first!r}: {value[first]!r}, and {len(value) - 1} more}}"
    return text if len(text) <= 160 else text[:159] + "\u2026"


def _path(value):
    """A path with "/" between its parts."""
    if type(value) is list and all(type(one) is str for one in value):
        value = "/".join(value)
    if type(value) is not str:
        raise ValueError("a path is text, such as ECC/CT02/IM0001")
    return value.strip().replace("\\", "/")


@lesson.exercise
class AuditTheDisc:
    """Write the function `audit(disc)`. `disc` is a dictionary from path to bytes, as above; it returns a dictionary with three lists of
    paths, written with `/` as in `disc`:

    - `"missing"`: the files that an active record of the DICOMDIR refers to and that the disc does not have (one that is there is not
      missing, whatever it holds);
    - `"unlisted"`: the DICOM files of the disc, other than the DICOMDIR itself, that no active record refers to. The directory is the
      file at the path `DICOMDIR`; one of that name in a folder is a file as any other;
    - `"bad_names"`: the DICOM files of the disc whose path is no valid **File ID** (PS3.10 sections 8.2 and 8.5), listed or not;
      `is_conformant_file_id(PurePosixPath(path))` knows the rule.

    A DICOM file is one that has `DICM` right behind its preamble of 128 bytes, whatever its name, its folder, and what the preamble holds.
    It will be tried on discs that you do not see.
    """

    answer = OnObjects("audit", result=Fields("", {
        name: Paths("", reading=_path, case=True) for name in ("missing", "unlisted", "bad_names")}))
    points = 3

    def solution(disc):
        import io
        from pathlib import PurePosixPath

        from pydicom import dcmread
        from pydicom.fileset import is_conformant_file_id

        listed = []
        for record in dcmread(io.BytesIO(disc["DICOMDIR"])).DirectoryRecordSequence:
            if "ReferencedFileID" in record and record.RecordInUseFlag == 0xFFFF:
                parts = record.ReferencedFileID
                if type(parts) is str:                  # a path of one part
                    parts = [parts]
                listed.append("/".join(parts))

        missing = []
        for path in listed:
            if path not in disc:
                missing.append(path)

        unlisted, bad_names = [], []
        for path, content in disc.items():
            if path == "DICOMDIR" or content[128:132] != b"DICM":
                continue
            if path not in listed:
                unlisted.append(path)
            if not is_conformant_file_id(PurePosixPath(path)):
                bad_names.append(path)
        return {"missing": missing, "unlisted": unlisted, "bad_names": bad_names}

    def cases(draw, disc):
        def made(paths, called=None, drop=(), unused=(), nobody=(), more=()):
            """A disc with these images. `called` gives the names that the directory has for some; `nobody` entered some."""
            found, entries = {}, []
            for number, path in enumerate(paths, 1):
                study = f"2.999.301.7.{draw.randrange(1000, 9999)}"
                who = (draw.choice(("KAYA^OMER", "MARSH^EDITH")), f"EC-{draw.randrange(20000, 29999)}", ECC, "19610202", "M")
                ds = _image(CT, "CT", (study, f"{study}.1", f"{study}.1.{number}"), number, who, "ECC_CT1")
                if path not in nobody:
                    entries.append(((called or {}).get(path, path), ds, path not in unused))
                if path not in drop:
                    found[path] = _bytes(ds)
            found["DICOMDIR"] = _dicomdir(entries)
            return {**found, **dict(more)}

        def with_marks(folder):
            who = ("KAYA^OMER", f"EC-{draw.randrange(20000, 29999)}", ECC, "19610202", "M")
            study = f"2.999.301.7.{draw.randrange(1000, 9999)}"
            image = _image(MR, "MR", (study, f"{study}.1", f"{study}.1.1"), 1, who, "ECC_MR1")
            entries = [(f"{folder}/IM0001", image, True), (f"{folder}/PR0001", _marks([image], who, 2), True)]
            return {**{path: _bytes(ds) for path, ds, _ in entries}, "DICOMDIR": _dicomdir(entries)}

        def odd_names():
            """Names at the edges of the rule, good and bad."""
            good = [f"{'/'.join('ABCDEFG')}/IM{two}", f"CT_{two}/2_IM", f"{two}/ABCDEFGH", f"CT{two}/_"]
            bad = [f"CT{two}/ABCDEFGHI", f"CT-{two}/IM1", f"CT{two}/IM 1", f"ct{two}/IM2", f"CT{two}/Im3", f"CT{two}/IM+4"]
            return made([*good, *bad], nobody=bad)

        def odd_contents():
            """A record whose file is none of DICOM, a preamble that is that of a TIFF file, and an image in the viewer's folder."""
            paths = [f"CT{two}/IM0001", f"CT{two}/IM0002", f"CT{two}/IM0003", "VIEWER/DEMO"]
            found = made(paths, nobody=["VIEWER/DEMO", paths[2]])
            found[paths[0]] = b"Access to this file was denied by the virus scanner.".ljust(200)
            found[paths[2]] = (b"II*\0" + bytes([8, 0, 0, 0])).ljust(128, b"\x01") + found[paths[2]][128:]
            return found

        two = f"{draw.randrange(10, 99)}"
        # Beside the File-set: DICM elsewhere than behind a preamble, and the directory of a disc that somebody copied into a folder.
        text = [("README.TXT", b"Read me. Each image has the letters DICM in it.".ljust(150)), ("VIEWER/PLAYER.EXE", b"MZ" + bytes(200)),
                ("INDEX.HTM", b"<html></html>"), ("VIEWER/CACHE", b"DICM" + bytes(200)), ("OLD/DICOMDIR", _dicomdir([]))]
        return [
            (disc,),
            (made([f"CT{two}/IM0001", f"CT{two}/IM0002"], more=text),),
            (made([f"IM00{two}", f"IM01{two}"], drop=[f"IM01{two}"]),),
            (made([f"ct{two}/im0001", f"CT{two}/IM0002"], called={f"ct{two}/im0001": f"CT{two}/IM0001"}),),
            (made([f"CT{two}/IM0001", f"CT{two}/IM0002", f"CT{two}/IM0003"], unused=[f"CT{two}/IM0002"], drop=[f"CT{two}/IM0002"]),),
            (made([f"CT{two}/IM0001", f"CT{two}/IM0002"], unused=[f"CT{two}/IM0002"], more=text),),
            (made([f"CT{two}/IM0001", f"CT{two}/IMG_THORAX"], nobody=[f"CT{two}/IM0001"], more=[(f"CT{two}/NOTE.DCM", b"no image")]),),
            (made([f"CT{two}/IM0001", f"THORAX_CT_{two}/IM0002"]),),
            (with_marks(f"MR{two}"),),
            (made(["/".join("ABCDEFGH") + f"/IM{two}", f"CT/IM{two}.DCM"]),),
            (odd_names(),),
            (odd_contents(),),
        ]

    def by_extension(disc):
        return _audited(disc, dicom=lambda path, content: path.lower().endswith(".dcm"))

    def everything(disc):
        return _audited(disc, dicom=lambda path, content: True)

    def prefix_anywhere(disc):
        return _audited(disc, dicom=lambda path, content: b"DICM" in content)

    def prefix_first(disc):
        return _audited(disc, dicom=lambda path, content: content[:4] == b"DICM")

    def every_directory(disc):
        return _audited(disc, dicom=lambda path, content: content[128:132] == b"DICM" and path.rpartition("/")[2] != "DICOMDIR")

    def directory_too(disc):
        return _audited(disc, itself=True)

    def case_ignored(disc):
        return _audited(disc, same=str.upper)

    def inactive_too(disc):
        return _audited(disc, every_record=True)

    def never_asked(disc):
        from pydicom import dcmread

        return [record.ReferencedFileID for record in dcmread(io.BytesIO(disc["DICOMDIR"])).DirectoryRecordSequence]

    def images_only(disc):
        return _audited(disc, kinds=("IMAGE",))

    def letters(disc):
        return _audited(disc, listed="/".join)

    def backslashes(disc):
        return _audited(disc, listed=lambda value: value if isinstance(value, str) else "\\".join(value))

    def names_of_the_records(disc):
        return _audited(disc, named="records")

    def names_of_the_unlisted(disc):
        return _audited(disc, named="unlisted")

    def last_part_only(disc):
        from pydicom.fileset import is_conformant_file_id

        return _audited(disc, conforms=lambda path: is_conformant_file_id(PurePosixPath(path.rpartition("/")[2])))

    def any_number_of_parts(disc):
        return _audited(disc, conforms=lambda path: all(re.fullmatch("[A-Z0-9_]{1,8}", part) for part in path.split("/")))

    def dos_names(disc):
        return _audited(disc, conforms=lambda path: len(path.split("/")) <= 8 and all(
            re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?", part) for part in path.split("/")))

    def exchanged(disc):
        right = AuditTheDisc.solution(disc)
        return {**right, "missing": right["unlisted"], "unlisted": right["missing"]}

    wrong_ways = {
        by_extension: "You took the files that end in `.dcm` for the DICOM files. On a conformant disc no image does, because a File ID "
        "has no dot (PS3.10 section 8.5); what a file is, its prefix DICM says (section 7.1).",
        everything: "You took every file for a DICOM file. A viewer, a README, INDEX.HTM may lie on the disc beside the File-set; they "
        "are none of its files and have no record.",
        prefix_anywhere: "You look for DICM anywhere in the file. A README may speak of it, a program search for it: only at 128, right "
        "behind the preamble, does it make a DICOM file (PS3.10 section 7.1).",
        prefix_first: "You look for DICM at the beginning of the file. There lies the preamble, of 128 bytes; the prefix follows it "
        "(PS3.10 section 7.1).",
        every_directory: "You pass over every file of the name DICOMDIR. Only the one at the top is this disc's directory; one in a "
        "folder, left there by somebody who copied another disc, is a DICOM file that no record refers to.",
        directory_too: "The DICOMDIR has the prefix DICM too, and you report it as unlisted. It is the directory of the File-set, under a "
        "reserved name (PS3.10 section 8.6), and no record refers to it.",
        case_ignored: "You compared without regard to case. `im0001` is no File ID, and a reader on a system that tells cases apart does "
        "not find the file: the record's file is missing, and another lies there unlisted.",
        inactive_too: "You take records for references whose Record In-use Flag (0004,1410) is 0000H. They are out of use (PS3.3 section "
        "F.3.2.2): their file need not be there, and if it is, nothing refers to it.",
        never_asked: "You take the file of every record, and most records have none: a PATIENT, a STUDY, a SERIES is no file. Ask first: "
        "`\"ReferencedFileID\" in record`, as in the cell above.",
        images_only: "You looked at IMAGE records only. Other objects have records of other types, PRESENTATION, SR DOCUMENT and more "
        "(PS3.3 section F.5), and refer to files all the same: ask for `ReferencedFileID`.",
        letters: "Where Referenced File ID has one part only, pydicom gives a text and not a list, and `\"/\".join` puts a slash between "
        "its letters. The attribute has one to eight values; ask which of the two you have.",
        backslashes: "You joined the parts with a backslash. In the file the backslash separates the *values* of Referenced File ID; the "
        "paths in `disc` have `/`.",
        names_of_the_records: "You looked at the names in the DICOMDIR. Asked are the DICOM files that lie on the disc: what nobody "
        "entered may have a bad name, and a record may point to a file that is not there.",
        names_of_the_unlisted: "You looked at the names of unlisted files only. A record may also refer to a file with an invalid name, "
        "as many burning programs write it.",
        last_part_only: "You looked at the last part of each path. Every part has to keep the rule, and there may be eight at most "
        "(PS3.10 section 8.2).",
        any_number_of_parts: "You let a path have as many parts as it likes. A File ID has eight at most (PS3.10 section 8.2).",
        dos_names: "You let a dot and an extension pass, as DOS does. A part of a File ID has one to eight characters of A to Z, 0 to 9 "
        "and the underscore, and no dot (PS3.10 section 8.5).",
        exchanged: "`missing` and `unlisted` are exchanged: missing is what the directory promises and the disc lacks.",
    }
    hints = [
        "Two steps. First the list of paths that the DICOMDIR refers to, by the cell above; then one loop over it and one over "
        "`disc.items()`.",
        "A record counts if it has a `ReferencedFileID` and its `RecordInUseFlag` is 0xFFFF. One with a single part gives a text: `if "
        "type(parts) is str: parts = [parts]`.",
        "In the loop over the disc, go on to the next file (`continue`) where the path is `\"DICOMDIR\"` or `content[128:132]` is not "
        "`b\"DICM\"`. What is left is a DICOM file: is it listed, and is its name valid? These are two questions, and one file can fail "
        "both.",
    ]
    praise = "Three lists, and you can tell Eastcliff what is wrong with the disc before anybody double-clicks the viewer on it."


# --- 2

def _who(row, request, names=str.casefold):
    """How many of name, birth date and sex differ from the request."""
    pairs = ((names(row["name"]), names(request["PatientName"])), (row["birth_date"], request["PatientBirthDate"]),
             (row["sex"], request["PatientSex"]))
    return sum(ours != theirs for ours, theirs in pairs)


def _decided(disc_series, request, differ=_who, one="hold", more="refuse", localizer="skip", modality="skip", burned="hold", lossy=None,
             no_issuer=None, other_first=None):
    """As the solution, with one idea changed."""
    found = {}
    for _, row in disc_series.iterrows():
        different = differ(row, request)
        if other_first and row["modality"] not in request["modalities"]:
            decision = other_first
        elif no_issuer and different == 0 and not row["issuer"]:
            decision = no_issuer
        elif different > 1:
            decision = more
        elif different == 1:
            decision = one
        elif row["modality"] not in request["modalities"]:
            decision = modality
        elif "LOCALIZER" in row["image_type"]:
            decision = localizer
        elif row["burned_in"] == "YES":
            decision = burned
        else:
            decision = lossy if lossy and row["lossy"] == "01" else "import"
        found[row["series"]] = decision
    return found


def _rule_to_read(series, column, given, right, input):
    if given not in ("import", "hold", "refuse", "skip"):
        return f"`{str(given)[:30]}` is none of the four words: each decision is `import`, `hold`, `refuse` or `skip`."
    row = next(one for _, one in input("disc_series").iterrows() if one["series"] == series.upper())
    return f"{series.upper()} is the series `{row['description']}` of {row['name']}. Take the rules in their order; the first one decides."


@lesson.exercise
class DecideEachSeries:
    """Decide for each series in `disc_series` by the rules of policy P-12, taken in this order; the first that applies decides:

    1. **Whose?** Compare name, birth date and sex with `request`. Upper and lower case in the name do not matter; what is empty
       differs. One of the three differs: `"hold"`, a person looks. Two or three differ: `"refuse"`, it is another patient. The **Patient
       ID decides nothing**: without an issuer a number belongs to nobody, and Eastcliff's numbers are not ours.
    2. **Wanted?** A modality that is not in the request, or an image type LOCALIZER: `"skip"`.
    3. **Burned in?** Burned In Annotation YES: `"hold"`, somebody reads what stands in the pixels. (Empty here: the attribute is missing,
       as in most CT and PET. It holds up no image that came from the scanner as it is.)
    4. Everything else: `"import"`. A lossy series too: it is marked as lossy, and worse than the original, but of its date there is no
       other.

    `decisions` is a dictionary, `{"S1": "import", ...}`, with an entry for every series.
    """

    answer = Table("decisions", entries=("series", "decision"), told=True, remark=_rule_to_read)
    points = 2

    def solution(disc_series, request):
        decisions = {}
        for _, row in disc_series.iterrows():
            different = 0
            if row["name"].upper() != request["PatientName"].upper():
                different = different + 1
            if row["birth_date"] != request["PatientBirthDate"]:
                different = different + 1
            if row["sex"] != request["PatientSex"]:
                different = different + 1
            if different > 1:
                decision = "refuse"
            elif different == 1:
                decision = "hold"
            elif row["modality"] not in request["modalities"] or "LOCALIZER" in row["image_type"]:
                decision = "skip"
            elif row["burned_in"] == "YES":
                decision = "hold"
            else:
                decision = "import"
            decisions[row["series"]] = decision
        return decisions

    def whole_disc(disc_series, request):
        return {series: "import" for series in disc_series["series"]}

    def by_number(disc_series, request):
        known = disc_series["patient_id"].mode()[0]
        return _decided(disc_series, request, differ=lambda row, asked: 0 if row["patient_id"] == known else 2)

    def by_issuer(disc_series, request):
        return _decided(disc_series, request, differ=lambda row, asked: _who(row, asked) if row["issuer"] else max(2, _who(row, asked)))

    def exact_spelling(disc_series, request):
        return _decided(disc_series, request, differ=lambda row, asked: _who(row, asked, names=str))

    def name_alone(disc_series, request):
        return _decided(disc_series, request, differ=lambda row, asked: 2 * (row["name"].casefold() != asked["PatientName"].casefold()))

    def one_is_another_patient(disc_series, request):
        return _decided(disc_series, request, one="refuse")

    def another_is_held(disc_series, request):
        return _decided(disc_series, request, more="hold")

    def lossy_refused(disc_series, request):
        return _decided(disc_series, request, lossy="refuse")

    def lossy_held(disc_series, request):
        return _decided(disc_series, request, lossy="hold")

    def lossy_skipped(disc_series, request):
        return _decided(disc_series, request, lossy="skip")

    def strange_number_held(disc_series, request):
        return _decided(disc_series, request, no_issuer="hold")

    def wanted_first(disc_series, request):
        return _decided(disc_series, request, other_first="skip")

    def burned_in_skipped(disc_series, request):
        return _decided(disc_series, request, burned="skip")

    def burned_in_imported(disc_series, request):
        return _decided(disc_series, request, burned="import")

    def all_of_the_patient(disc_series, request):
        return _decided(disc_series, request, localizer="import", modality="import")

    def localizers_imported(disc_series, request):
        return _decided(disc_series, request, localizer="import")

    def unwanted_refused(disc_series, request):
        return _decided(disc_series, request, localizer="refuse", modality="refuse")

    wrong_ways = {
        whole_disc: "You import the whole disc, another patient's images among them. From then on they lie in this patient's record, and "
        "a reader compares with them.",
        by_number: "You went by the Patient ID. One series of the patient has his number in another form, and another patient's "
        "ultrasound has one that looks like ours and is P1's here: a number says whose it is only together with its issuer (PS3.3 "
        "C.7.1.1).",
        by_issuer: "You refuse what has no Issuer of Patient ID. That attribute is optional (Type 3, PS3.3 Table 10-18), and many discs "
        "lack it; name, birth date and sex are there.",
        exact_spelling: "You compared the name letter by letter. The same person is written once in capitals and once not; the policy "
        "says that case does not matter, and the prior would be lost to the reader.",
        name_alone: "You compared the name alone. Two people may share it: the series with another birth date needs a look before it gets "
        "into this record.",
        one_is_another_patient: "You refuse where a single fact differs. Day and month get exchanged, a digit is mistyped: one difference "
        "is a question for a person, not an answer.",
        another_is_held: "You hold what differs in two or three facts. Then it waits in your queue, and it is no question any more: it "
        "does not come in, and whoever burned the disc is told.",
        lossy_refused: "You refuse the lossy series. It is degraded, and it says so in (0028,2110); but it is the only CT of that "
        "day. Import it, as it is, and never compress it again.",
        lossy_held: "You hold the lossy series. Nobody can decide more about it than the header says: (0028,2110) is 01, and stays so.",
        lossy_skipped: "You skip the lossy series. It was asked for, and there is no better one of that study date (the other "
        "Thorax series are other examinations): worse than the original is no reason to leave it on the disc.",
        strange_number_held: "You hold the series whose number has another form and no issuer. The policy says that the Patient ID decides "
        "nothing, for or against: name, birth date and sex are what it asks, and all three agree.",
        wanted_first: "You asked rule 2 before rule 1: what is of a modality that nobody asked for you skip, without a look at whose it "
        "is. Take the rules in their order; that another patient's images lie on this disc must not go unnoticed.",
        burned_in_skipped: "You skip what has text burned in. It is the patient's and was asked for; what stands in the pixels has to be "
        "read by somebody, and then it may come in.",
        burned_in_imported: "You import what has text burned into its pixels without a look. Nobody knows whose name stands there.",
        all_of_the_patient: "Everything of the right patient is imported. A topogram and a knee nobody asked for cost space, prefetching "
        "and a reader's time for as long as the record is kept.",
        localizers_imported: "The localizer is imported. Its Image Type says what it is, in the third value (PS3.3 C.8.2.1.1.1 for CT).",
        unwanted_refused: "You refuse what was not asked for. `refuse` says that it is another patient's, and the sender is told so; a "
        "knee of the right patient is left on the disc, `skip`.",
    }
    hints = [
        "A loop over the rows, `for _, row in disc_series.iterrows():`, and for each row the rules with `if` and `elif` in their order. "
        "By hand is fine too: there are nine.",
        "Count for each row how many of the three facts differ. `row[\"name\"].upper()` makes capitals of a name.",
        "The Patient ID, the issuer and the lossy flag are in the table, and no rule asks for them. Only name, birth date, sex, modality, "
        "image type and burned-in do.",
    ]
    praise = "What comes in is his, is wanted, and has been looked at where a machine can't."


# --- 3

TRACE = "Original Attributes Sequence (0400,0561)"
_BESIDE = ("Issuer of Patient ID", "Specific Character Set")            # may stand beside previous values although they are as they were


_IN_THE_META = "Media Storage SOP Instance UID (0002,0003)"
_OWN_UIDS = ("SOP Instance UID (0008,0018)", "Study Instance UID (0020,000D)", "Series Instance UID (0020,000E)")


class DataSets(File):
    """Data sets that a function returns, compared attribute by attribute.

    remark : a function of (part, its value or None where it is missing, the right value or None), which gives a sentence on the first part
             that is wrong, or None
    """

    takes = "a data set, or a list of data sets"

    def __init__(self, variables, reading, remark):
        super().__init__(variables, reading)
        self.remark = remark

    def difference(self, answer, other):
        """As for File, with the remark behind it."""
        place = self._first_wrong(answer, other)
        if place is None:
            return None
        name, part, difference = place
        given = part and answer[name].get(part)
        sentence = part and self.remark(part, given, other[name].get(part))
        yours = f"It is {_seen(given)}." if difference.label in ("value", "extra part") and _seen(given) else ""
        return Difference(" ".join(filter(None, (difference.message, yours, sentence))), difference.label)


def _seen(value):
    """What stands in a part, as it is shown to whoever put it there; "" where that says nothing."""
    if type(value) is not str or value in (_READABLE, "a new one", "another") or re.match("the new UID|[0-9a-f]{64}$", value):
        return ""
    text = value.replace("`", "")
    return f"`{text if len(text) <= 60 else text[:59] + chr(0x2026)}`" if text else "empty"


def _data_sets(contents):
    """The data sets of what a function returned, files read; what is neither stays as it is, and ``objects.attributes`` says so."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    found = []
    for one in contents:
        try:
            found.append(dcmread(io.BytesIO(one)) if type(one) is bytes else one)
        except InvalidDicomError:
            found.append(one)
    return found


def _in_order(ds):
    """A copy of a data set with the items of its trace by their times and its other numbers in order: no standard asks for an order."""
    made = copy.deepcopy(ds)
    for keyword, inside in (("OriginalAttributesSequence", ("AttributeModificationDateTime",)),
                            ("OtherPatientIDsSequence", ("PatientID", "IssuerOfPatientID"))):
        if made.get(keyword):
            setattr(made, keyword, sorted(made[keyword].value, key=lambda item: [str(item.get(name, "")) for name in inside]))
    return made


def _is_object(value):
    from pydicom import Dataset

    return issubclass(type(value), Dataset)


def reconciled_parts(contents):
    """What reconciled objects say, for DataSets: as ``objects.attributes``, without what may or may not stand in a trace.

    An attribute that was absent or empty before has no previous value to keep: that it's listed empty, or not at all, is the same. A UID of
    the image that is none of Eastcliff's counts as a new one, whichever it is; Instance Origin Status IMPORTED may be there.
    """
    contents = _data_sets(contents)
    found = objects.attributes([_in_order(one) if _is_object(one) else one for one in contents])
    by_name = dict(zip(found, contents, strict=True))
    for name, parts in found.items():
        for part, value in list(parts.items()):
            inside = part.rpartition(" > ")[2]
            if part in _OWN_UIDS and not re.fullmatch(r"2\.999\.301\.6\.\d{5}(\.1(\.\d)?)?", value):
                parts[part] = "a new one"
            if (part, value) == ("Instance Origin Status (0400,0600)", "IMPORTED"):
                del parts[part]
            if "Modified Attributes Sequence (0400,0550) item 1 > " in part and (
                    value == "" or inside.startswith(_BESIDE) and parts.get(inside) == value):
                del parts[part]
        meta = getattr(by_name[name], "file_meta", None)
        named, own = str((meta or {}).get("MediaStorageSOPInstanceUID", "")), parts.get(_OWN_UIDS[0])
        parts[_IN_THE_META] = "as the data set has it" if named in ("", own) or own == "a new one" else "another"
    return found


def _of_reconciled(part, given, right):
    """What to look at where a part of a reconciled object is wrong; for DataSets."""
    inside = part.rpartition(" > ")[2]
    if part in _OWN_UIDS:
        return "The importer uses valid UIDs as they are (IHE RAD TF-2 4.61.4.1.1.1)."
    if part == _IN_THE_META:
        return "It names another object than the data set does. The SOP Instance UID stays as it was, and so does this."
    if part.startswith(TRACE) and "(0400,0550) item" in part:
        if right is None:
            return ("Modified Attributes Sequence lists previous values of what you changed, and of nothing else: what agreed was not "
                    "changed, and what was absent or empty had no value.")
        return "It belongs to the previous values in the trace. Read the old value before you set the new one, and note it there."
    if inside.startswith(("Reason for the Attribute", "Type of Patient ID")) and type(given) is str and given.upper() == right:
        return "It is a code string (VR CS), and these have capital letters only (PS3.5 section 6.2)."
    if part.startswith("Other Patient IDs Sequence"):
        if inside.startswith("Patient ID"):
            return "There belongs the number that the image came with, read before it was replaced."
        if inside.startswith("Issuer"):
            return "There belongs the issuer of the *old* number, as the image said it, or else the source of the disc."
    return None


def _reconciled(image, local, source, now, uids="", issuer=True, trace=True, keep_trace=True, old=True, listed=None, other=True,
                keep_other=True, other_issuer=True, late=False, reason="COERCE", accession=True, only=None, retired=False,
                compared_late=False, foreign_issuer=None, empty_is_one=False):
    """As the solution, with one idea changed."""
    from pydicom.dataset import Dataset

    wanted = {keyword: value for keyword, value in local.items() if only is None or keyword in only}
    if not issuer:
        wanted.pop("IssuerOfPatientID", None)
    if not accession:
        wanted.pop("AccessionNumber", None)
    foreign = objects.item(PatientID=image.PatientID, IssuerOfPatientID=image.get("IssuerOfPatientID") or source, TypeOfPatientID="TEXT")
    if empty_is_one and image.get("IssuerOfPatientID") == "":
        foreign.IssuerOfPatientID = ""
    if not other_issuer:
        del foreign.IssuerOfPatientID
    if foreign_issuer:
        foreign.IssuerOfPatientID = {"local": local["IssuerOfPatientID"], "source": source}[foreign_issuer]
    before = Dataset()
    for keyword, value in wanted.items():
        if compared_late:
            setattr(image, keyword, value)
        previous = image.get(keyword)
        if previous != value or listed == "all":
            setattr(before, keyword, previous if old else value)
            setattr(image, keyword, value)
    if "study" in uids:
        image.StudyInstanceUID = f"{image.StudyInstanceUID}.77"
    if "all" in uids:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(image, keyword, f"{image[keyword].value}.77")
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    if late:
        foreign.PatientID = image.PatientID
    if late == "both":
        foreign.IssuerOfPatientID = image.IssuerOfPatientID
    earlier = list(image.get("OriginalAttributesSequence", []))
    if trace:
        made = objects.item(ModifiedAttributesSequence=[before], AttributeModificationDateTime=now, ModifyingSystem="HV_IMPORT",
                            SourceOfPreviousValues=source, ReasonForTheAttributeModification=reason)
        image.OriginalAttributesSequence = [*(earlier if keep_trace else []), made]
    if retired:
        image.OtherPatientIDs = str(foreign.PatientID)
    elif other:
        image.OtherPatientIDsSequence = [*(image.get("OtherPatientIDsSequence", []) if keep_other else []), foreign]
    return image


def _foreign(draw, number, who, **more):
    """A CT image from Eastcliff."""
    study = f"2.999.301.6.{draw.randrange(10000, 99999)}"
    ds = _image(CT, "CT", (study, f"{study}.1", f"{study}.1.{number}"), number, who, "ECC_CT1")
    ds.InstitutionName, ds.StudyDescription, ds.AccessionNumber = "Eastcliff Clinic", "CT THORAX", f"E{draw.randrange(10**6, 10**7)}"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


@lesson.input
def foreign(hospital):
    """An image from the disc, CT of the patient, as Eastcliff wrote it: a data set."""
    import random

    return _foreign(random.Random(f"foreign {hospital.seed}"), 1, _people(hospital)["there"])


@lesson.input
def local(hospital):
    """What our hospital has for the patient and the import: a dictionary from keyword to value."""
    return {keyword: value for keyword, value in request(hospital).items() if keyword != "modalities"}


@lesson.input
def now(hospital):
    """The time of the import, as DICOM writes date and time (VR DT)."""
    return NOW


@lesson.exercise
class Reconcile:
    """Write the function `reconcile(image, local, source, now)`. `image` is a data set from the disc, `local` a dictionary from keyword to
    the value that our hospital has (as above; another import has more keywords or fewer), `source` who sent the disc, such as `"ECC"`. It
    returns the data set, so that

    - each attribute in `local` has our value;
    - **Other Patient IDs Sequence** (0010,1002) has one item more: the Patient ID that the image came with, its Issuer of Patient ID, or
      `source` where the image does not say one (it is absent, or empty), and Type of Patient ID `TEXT`;
    - **Original Attributes Sequence** (0400,0561) has one item more. In its Modified Attributes Sequence stand the *previous* values of
      the attributes that you changed, and of no others. An attribute that was absent or empty had no value: leave it out there, or put it
      there empty. Attribute Modification DateTime is `now`, Modifying System `HV_IMPORT`, Source of Previous Values `source`, and the
      reason the one for this case;
    - everything else is as it was. Whatever the two sequences held before stays there.

    It will be tried on images with an issuer, with an empty one and with none, with earlier items, and with facts that agree already.
    """

    answer = OnObjects("reconcile", result=DataSets("", reading=reconciled_parts, remark=_of_reconciled))
    points = 4

    def solution(image, local, source, now):
        from pydicom.dataset import Dataset

        other = Dataset()
        other.PatientID = image.PatientID
        other.IssuerOfPatientID = image.get("IssuerOfPatientID") or source
        other.TypeOfPatientID = "TEXT"

        before = Dataset()
        for keyword in local:
            old = image.get(keyword)
            if old != local[keyword]:
                if old is not None:
                    setattr(before, keyword, old)
                setattr(image, keyword, local[keyword])

        trace = Dataset()
        trace.ModifiedAttributesSequence = [before]
        trace.AttributeModificationDateTime = now
        trace.ModifyingSystem = "HV_IMPORT"
        trace.SourceOfPreviousValues = source
        trace.ReasonForTheAttributeModification = "COERCE"

        image.OtherPatientIDsSequence = list(image.get("OtherPatientIDsSequence", [])) + [other]
        image.OriginalAttributesSequence = list(image.get("OriginalAttributesSequence", [])) + [trace]
        return image

    def cases(draw, foreign, local):
        name, ours, birth = local["PatientName"], f"HV{draw.randrange(101000, 198999)}", "19580423"
        again = {**local, "PatientID": ours, "PatientBirthDate": birth, "AccessionNumber": f"A25040799{draw.randrange(10, 99)}"}
        earlier = objects.item(
            ModifiedAttributesSequence=[objects.item(PatientID="T-4711")], AttributeModificationDateTime="20240301080000+0100",
            ModifyingSystem="ECC_PACS", SourceOfPreviousValues="", ReasonForTheAttributeModification="CORRECT")
        number = f"EC-{draw.randrange(20000, 29999)}"
        # Numbers that the image brings along: one of them is the same as its own, and another issuer's.
        known = [objects.item(PatientID="NM00417", IssuerOfPatientID="NMH", TypeOfPatientID="TEXT"),
                 objects.item(PatientID=number, IssuerOfPatientID="NMH", TypeOfPatientID="TEXT")]
        more = {**again, "StudyID": f"{draw.randrange(30000, 39999)}"}
        fewer = {keyword: value for keyword, value in again.items() if keyword not in ("AccessionNumber", "PatientSex")}
        later = [f"202504{draw.randrange(10, 30)}{draw.randrange(10, 18)}{draw.randrange(10, 59)}00+0200" for _ in range(4)]
        return [
            (foreign, local, "ECC", NOW),
            (_foreign(draw, 2, (name, number, "", birth, "M"), AccessionNumber=""), again, "ECC", later[0]),
            (_foreign(draw, 3, (_spelled(name), number, "ECC2", "19580424", "M"), OriginalAttributesSequence=[earlier],
                      OtherPatientIDsSequence=known), more, "ECC", later[1]),
            (_foreign(draw, 4, (name, ours, "", birth, local["PatientSex"])), fewer, "SEAVIEW", later[2]),
            # There, and empty: no issuer either.
            (_foreign(draw, 5, (name, number, "", birth, local["PatientSex"]), IssuerOfPatientID=""), again, "SEAVIEW", later[3]),
        ]

    def new_uids(image, local, source, now):
        return _reconciled(image, local, source, now, uids="all")

    def new_study(image, local, source, now):
        return _reconciled(image, local, source, now, uids="study")

    def issuer_kept(image, local, source, now):
        return _reconciled(image, local, source, now, issuer=False)

    def id_alone(image, local, source, now):
        return _reconciled(image, local, source, now, only=("PatientID", "IssuerOfPatientID", "AccessionNumber"))

    def accession_kept(image, local, source, now):
        return _reconciled(image, local, source, now, accession=False)

    def no_trace(image, local, source, now):
        return _reconciled(image, local, source, now, trace=False)

    def earlier_trace_lost(image, local, source, now):
        return _reconciled(image, local, source, now, keep_trace=False)

    def trace_of_the_new(image, local, source, now):
        return _reconciled(image, local, source, now, old=False)

    def everything_listed(image, local, source, now):
        return _reconciled(image, local, source, now, listed="all")

    def corrected(image, local, source, now):
        return _reconciled(image, local, source, now, reason="CORRECT")

    def number_lost(image, local, source, now):
        return _reconciled(image, local, source, now, other=False)

    def other_numbers_lost(image, local, source, now):
        return _reconciled(image, local, source, now, keep_other=False)

    def other_without_issuer(image, local, source, now):
        return _reconciled(image, local, source, now, other_issuer=False)

    def read_too_late(image, local, source, now):
        return _reconciled(image, local, source, now, late="both")

    def number_read_too_late(image, local, source, now):
        return _reconciled(image, local, source, now, late=True)

    def our_issuer(image, local, source, now):
        return _reconciled(image, local, source, now, foreign_issuer="local")

    def source_for_issuer(image, local, source, now):
        return _reconciled(image, local, source, now, foreign_issuer="source")

    def empty_issuer_kept(image, local, source, now):
        return _reconciled(image, local, source, now, empty_is_one=True)

    def compared_too_late(image, local, source, now):
        return _reconciled(image, local, source, now, compared_late=True)

    def retired_attribute(image, local, source, now):
        return _reconciled(image, local, source, now, retired=True)

    wrong_ways = {
        new_uids: "You gave the image new UIDs. The importer shall use valid UIDs as they are (IHE RAD TF-2 4.61.4.1.1.1): the report "
        "from Eastcliff points at these objects, and the next disc will bring them again.",
        new_study: "You gave the study a new Study Instance UID. It is the same study, wherever it lies (IHE RAD TF-2 4.61.4.1.1.1); with "
        "two UIDs nobody finds that he has it twice.",
        issuer_kept: "The Patient ID is ours, and Issuer of Patient ID still says whose the old one was. Number and issuer belong "
        "together: now it claims to be a number of Eastcliff's.",
        id_alone: "Name, birth date and sex are as Eastcliff has them. IRWF.b reconciles the patient's demographics, too: in one record "
        "one person has one name.",
        accession_kept: "The accession number is still Eastcliff's. An accession number counts within the system that gave it; here it "
        "may be another exam's. The import has an order of its own.",
        no_trace: "There is no trace. Nobody will know under which number and name these images came, and no report from Eastcliff will "
        "ever be matched (PS3.3 C.12.1.1.9).",
        earlier_trace_lost: "The item that was in Original Attributes Sequence is gone. Any existing items shall be preserved (PS3.3 "
        "C.12.1.1.9): each is a step of the image's way.",
        trace_of_the_new: "The trace holds our values. It is there for the previous ones: read them before you set the new ones.",
        everything_listed: "The trace lists attributes that you did not change, because both sides agreed already. Modified Attributes "
        "Sequence holds what was modified (PS3.3 C.12.1.1.9); compare before you note.",
        corrected: "The reason says CORRECT. That is for values that were *wrong*, such as a wrong worklist item; COERCE is for those of "
        "another institution that are replaced on import (PS3.3 Table C.12.1.1.9-1).",
        number_lost: "Other Patient IDs Sequence does not have the number under which the image came. The trace is for auditors; a query "
        "by the old number, and a reader who has Eastcliff's letter in hand, look here.",
        other_numbers_lost: "The numbers that were in Other Patient IDs Sequence are gone. Add yours to the list that is there.",
        other_without_issuer: "The item in Other Patient IDs Sequence has no issuer. A number of which nobody knows who gave it is no use "
        "to anyone; where the image does not say it, you know whose disc it was.",
        read_too_late: "The new item in Other Patient IDs Sequence has our own number and issuer. They were read after our values had been "
        "set; note what the image came with first.",
        number_read_too_late: "The new item in Other Patient IDs Sequence has our own number. It is the number under which the rest of the "
        "world knows him that belongs there, read before ours replaces it.",
        our_issuer: "The foreign number got our issuer. We did not give it: with it you say that it is one of *our* numbers, and here that "
        "may be another person's.",
        source_for_issuer: "You take the source for the issuer also where the image names one. Who burned the disc need not be who gave "
        "the number; `source` is for images that do not say.",
        empty_issuer_kept: "Where the image has an Issuer of Patient ID that is empty, the old number has an empty issuer now. Empty says "
        "as little as absent, and `image.get(keyword, other)` gives the other only where the attribute is absent: `or` takes both.",
        compared_too_late: "The trace lists no previous values. You set the new value before you compared, and then old and new are always "
        "the same: read the old one first.",
        retired_attribute: "You used Other Patient IDs (0010,1000). It is retired, because it has no place for an issuer; the sequence "
        "(0010,1002) took its place (PS3.3 C.2.2).",
    }
    hints = [
        "The worked example of cpas-07 leaves a trace for three attributes. New is the loop, `for keyword in local:`, with "
        "`image.get(keyword)` for the old value and `setattr(image, keyword, value)` to set one.",
        "Build the item of Other Patient IDs first, while the image still has its old number: `image.get(\"IssuerOfPatientID\") or "
        "source` gives the issuer, or the source where there is none.",
        "Inside the loop, only if old and new differ: `setattr(before, keyword, old)` where there is an old one, then set the new value. "
        "What agrees is no modification.",
        "`list(image.get(\"OriginalAttributesSequence\", [])) + [trace]` is what was there and the new item; the same for the other "
        "sequence. The reasons are COERCE and CORRECT: which of them is for an import?",
    ]
    praise = "Ours by number, name and order, theirs by UID, and whoever asks can see what they were called before."


# --- 4

def _without_trace(ds):
    made = copy.deepcopy(ds)
    for keyword in ("OriginalAttributesSequence", "InstanceCoercionDateTime"):
        if keyword in made:
            del made[keyword]
    return made


def content_digest(ds):
    """A digest of what a data set says and shows; its trace and its file meta information do not count."""
    lines = []
    for part, value in next(iter(objects.attributes([_without_trace(ds)]).values())).items():
        lines.append(f"{part}={value}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@lesson.input
def reconciled(hospital):
    """The image from the disc, reconciled as exercise 3 wants it: a data set."""
    return Reconcile.solution(foreign(hospital), local(hospital), ECC, NOW)


@lesson.input
def digest(hospital):
    """A function: the digest of what a data set says and shows, its trace left out."""
    return content_digest


class Importer(Client):
    """A client that is given images, which a message names by what they are."""

    def _as_written(self, case):
        return f"`{self.variables[0]}({', '.join(map(_in_short, case))})`"


def _import_images(draw, place):
    """Images for an import: (there already, to be imported, there already in another series of the study)."""
    study = f"2.999.301.9.{draw.randrange(10000, 99999)}.{place}"
    who = ("SADLER^RUPERT", f"HV{draw.randrange(101000, 198999)}", "HVGH", "19540901", "M")
    # Those from the sixth on are in the archive alone: what it has of the series is not what the disc has.
    made = [_image(CT, "CT", (study, f"{study}.1", f"{study}.1.{number}"), number, who, "HV_IMPORT") for number in range(1, 10)]
    trace = objects.item(ModifiedAttributesSequence=[objects.item(PatientID="EC-1")], AttributeModificationDateTime="20250301101500+0100",
                         ModifyingSystem="HV_IMPORT", SourceOfPreviousValues="ECC", ReasonForTheAttributeModification="COERCE")
    same, other = copy.deepcopy(made[0]), copy.deepcopy(made[1])
    same.OriginalAttributesSequence = [trace]
    # The same UID, other pixels; or the same pixels with other words, where only a header was changed.
    if place == 1:
        other.PixelData = bytes(len(other.PixelData))
    else:
        other.ImageComments = "Left and right exchanged, corrected"
    scout = [_image(CT, "CT", (study, f"{study}.2", f"{study}.2.{number}"), number, who, "HV_IMPORT") for number in range(1, place + 1)]
    if place == 1:
        return [same, other, *made[5:]], [*made[:4], copy.deepcopy(made[2])], scout
    return [other, *made[6:]], [made[1], made[3], made[4]], scout


@lesson.exercise
class BringThemIn:
    """Write the function `bring_in(images, port)`: it brings reconciled images into the archive that listens at `port`, and **never
    overwrites**. For each image it asks the archive first:

    - no object with that SOP Instance UID is there: store it;
    - one is there, and its `digest` is the same: it is a duplicate, leave it. (Stored again, it would replace the trace of the first
      import);
    - one is there with another digest: it is a **conflict**, do not store it.

    It returns a dictionary: `"stored"` and `"same"` are numbers of images, `"conflict"` is the list of SOP Instance UIDs, and `"found"` is
    the number of images that the archive then has of the series, asked with C-FIND: it may have had some that are not on the disc. All
    images of a call belong to one series and are CT; the study may have other series.

    It is tried against a real archive over DIMSE, with two discs. One of them has the same file twice.
    """

    answer = Importer("bring_in", result=Fields("", {
        "stored": Number("", named=("image",)), "same": Number("", named=("image",)), "conflict": Set("", case=True),
        "found": Number("", named=("image",))}),
        noticed=lambda state: state["noticed"], called="disc")
    points = 3

    def solution(images, port):
        scu = Scu("HV_IMPORT", "HV_PACS", port, syntaxes=["1.2.840.10008.1.2.1"], classes=["1.2.840.10008.5.1.4.1.1.2"])
        stored, same, conflict = 0, 0, []
        for image in images:
            there = scu.get("IMAGE", StudyInstanceUID=image.StudyInstanceUID, SeriesInstanceUID=image.SeriesInstanceUID,
                            SOPInstanceUID=image.SOPInstanceUID)
            if len(there) == 0:
                scu.store(image)
                stored = stored + 1
            elif digest(there[0]) == digest(image):
                same = same + 1
            else:
                conflict.append(image.SOPInstanceUID)
        found = scu.find("IMAGE", StudyInstanceUID=images[0].StudyInstanceUID, SeriesInstanceUID=images[0].SeriesInstanceUID,
                         SOPInstanceUID="")
        return {"stored": stored, "same": same, "conflict": conflict, "found": len(found)}

    @contextlib.contextmanager
    def stage(draw):
        with Archive("HV_PACS") as archive:
            cases = []
            for place in (1, 2):
                there, images, beside = _import_images(draw, place)
                for one in [*there, *beside]:
                    archive.store.put(_bytes(one))
                kept = {one.SOPInstanceUID: content_digest(one) for one in there}
                new, same, conflict = {}, 0, []
                for image in images:
                    uid, value = image.SOPInstanceUID, content_digest(image)
                    if uid not in {**kept, **new}:
                        new[uid] = value
                    elif {**kept, **new}[uid] == value:
                        same += 1
                    else:
                        conflict.append(str(uid))
                state = {"stored": len(new), "same": same, "conflict": conflict, "count": len(images),
                         "there": len(there), "beside": len(beside),
                         "twice": len(images) - len({image.SOPInstanceUID for image in images}), "noticed": None, "uids": list(kept),
                         "new pixels": place == 1}
                cases.append(((images, archive.port), state))
            yield cases
            asked = any(event.what.startswith("C-") for event in archive.journal)
            again = [event for event in archive.journal if event.what == "C-STORE-RSP" and re.search("it was there|it took", str(event))]
            for (images, _), state in cases:
                for image in images:
                    kept = archive.store.kept(sop=[image.SOPInstanceUID])
                    if image.SOPInstanceUID in state["conflict"] and kept and _kept_digest(kept[0]) == content_digest(image):
                        state["noticed"] = (
                            "One object of the archive is gone: your function stored an image with its SOP Instance UID over it, and the "
                            "archive answered 0000H, success, because PS3.4 lets it. A status says that it took the image, not what it "
                            "did with the one before. Compare first, and do not send a conflict.")
                    elif asked and not kept and state["noticed"] is None:
                        state["noticed"] = (
                            "The archive does not have an image that is new to it. Is each new one really sent, with `scu.store(image)`?")
            if again and not any(state["noticed"] for _, state in cases):
                cases[0][1]["noticed"] = (
                    "You sent an image that the archive has already, with the same digest. `digest` leaves the trace out: stored again, a "
                    "duplicate may take the place of the one that is there, and the trace of the first import is gone. Leave it alone.")

    def right(state):
        return {"stored": state["stored"], "same": state["same"], "conflict": state["conflict"], "found": state["there"] + state["stored"]}

    def uid_is_enough(state):
        return {**BringThemIn.right(state), "same": state["same"] + len(state["conflict"]), "conflict": []}

    def all_stored(state):
        return {**BringThemIn.right(state), "stored": state["count"], "same": 0, "conflict": []}

    def every_old_one_a_conflict(state):
        return {**BringThemIn.right(state), "same": 0,
                "conflict": [*state["conflict"], *(uid for uid in state["uids"] if uid not in state["conflict"])]}

    def asked_once(state):
        return {**BringThemIn.right(state), "stored": state["stored"] + state["twice"], "same": state["same"] - state["twice"]}

    def found_are_those_of_the_disc(state):
        return {**BringThemIn.right(state), "found": state["count"]}

    def found_are_the_new(state):
        return {**BringThemIn.right(state), "found": state["stored"]}

    def found_in_all_series(state):
        return {**BringThemIn.right(state), "found": state["there"] + state["stored"] + state["beside"]}

    def found_are_the_studies(state):
        return {**BringThemIn.right(state), "found": 1}

    def asked_too_early(state):
        return {**BringThemIn.right(state), "found": state["there"]}

    def pixels_alone(state):
        return BringThemIn.right(state) if state["new pixels"] else BringThemIn.uid_is_enough(state)

    def header_alone(state):
        return BringThemIn.uid_is_enough(state) if state["new pixels"] else BringThemIn.right(state)

    wrong_ways = {
        uid_is_enough: "You take every image whose SOP Instance UID is there for a duplicate. The UID names the object, and two systems "
        "may have different contents under it: a header was corrected on one side. Compare the digests, too.",
        all_stored: "You count every image as stored. That the archive answered 0000H tells that it took the image; it answers the same "
        "for a duplicate, and for one that replaces another (PS3.4 B.2.3 has no status for that).",
        every_old_one_a_conflict: "You call every image whose UID is there a conflict. The disc may hold what has been imported before: "
        "the same content is a duplicate and nobody's problem.",
        asked_once: "A disc may have the same file twice, as one here does. You asked the archive before you began to store; the second "
        "one finds the first there only if you ask for each image when it is its turn.",
        found_are_the_new: "`found` counts what you stored. Asked is what the archive *has* of the series, those that were there included: "
        "ask it with C-FIND at level IMAGE.",
        found_are_those_of_the_disc: "`found` is the number of images on the disc. Asked is what the archive *has* of the series: it may "
        "have had some that are not on the disc, and one that is there twice it has once. Ask it with C-FIND at level IMAGE.",
        found_in_all_series: "`found` counts the images of all series of the study: your C-FIND at level IMAGE does not name the series. "
        "This archive answers it all the same. Give it the Series Instance UID as well.",
        found_are_the_studies: "`found` is 1. At level STUDY one study answers, and at level SERIES one series; the images answer at level "
        "IMAGE.",
        asked_too_early: "The new images have arrived, but your `found` is what the archive had before them. Ask with C-FIND after the "
        "loop, when all is stored.",
        pixels_alone: "Where the pixels agree you see a duplicate. A sender who corrects a name, a side or a comment leaves the pixels as "
        "they are: the two say different things. `digest` takes in header and pixels.",
        header_alone: "Where the header agrees you see a duplicate. Two images may say the same and show something else: `digest` takes in "
        "header and pixels.",
    }
    hints = [
        "The cells above have all four calls: `scu.get` at level IMAGE with the three UIDs, `digest`, `scu.store`, `scu.find`.",
        "In a loop over the images: get; `len(there) == 0` means that it is not there. Else `there[0]` is the archive's, to be compared.",
        "Give `Scu` its `syntaxes` and `classes` as above. Store inside the loop, so that a file that is on the disc twice finds its twin "
        "in the archive.",
    ]
    praise = "Nothing of yours was overwritten, and the one image on which two hospitals disagree is on a list for a person."


def _kept_digest(kept):
    from pydicom import dcmread

    return content_digest(dcmread(kept.path))


# --- 5

@lesson.input
def profile(hospital):
    """Lines of Table E.1-1 in the edition 2024b: {keyword: {"basic": code, option: code}}."""
    return PROFILE


def _line_to_read(row, dicom_type, options):
    """What decides a case of OneAction, without the letter."""
    agreed = [option for option in options if option in row]
    if agreed:
        return f"Agreed on is `{agreed[0]}`, and the row has a code for it, which takes precedence."
    code = row["basic"]
    if "/" not in code:
        return f"No option that was agreed on has a code in the row, so it is the basic code, `{code}`, whatever the Type."
    return (f"No option that was agreed on has a code in the row, so it is the basic code, `{code}`: its line in the table above has a "
            f"letter for Type {dicom_type}. (`dicom_type` is a text: `\"{dicom_type}\"`, not the number.)")


@lesson.exercise
class OneAction:
    """Write the function `action(row, dicom_type, options)`: what has to be done with an attribute.

    - `row` is its line of the table, such as `{"basic": "X/D", "modified dates": "C"}`: the code in the column *Basic Prof.*, and those in
      the columns of options;
    - `dicom_type` is the Type that the attribute has in the object at hand: `"1"`, `"2"` or `"3"`;
    - `options` is the list of options that the trial has agreed on, such as `["modified dates", "safe private"]`.

    An agreed option that has a code in the row takes precedence over the basic one (no row here has codes for two agreed options). A code
    without a slash is the answer as it is; one with slashes is **resolved by the Type**, as in the table above. The function
    returns one letter: `"D"`, `"Z"`, `"X"`, `"K"`, `"C"` or `"U"` (`"U*"` is as good as `"U"`).
    """

    answer = Function("action", result=Text("", reading=lambda value: str(value).strip().rstrip("*").upper()), about=_line_to_read)
    points = 2

    def solution(row, dicom_type, options):
        code = row["basic"]
        for option in options:
            if option in row:
                code = row[option]
        choices = code.split("/")
        if len(choices) == 1:
            return code
        if dicom_type == "1":
            return choices[-1]
        if dicom_type == "2" and "Z" in choices:
            return "Z"
        return choices[0]

    def cases(draw):
        rows = [PROFILE[keyword] for keyword in sorted(PROFILE)]
        types = {"X/Z": ("2", "3"), "X/D": ("1", "3"), "Z/D": ("1", "2"), "X": ("3",), "Z": ("2", "3")}
        agreed = (["modified dates", "safe private"], [], ["full dates"], ["device", "characteristics"], ["institution", "descriptors"],
                  ["UIDs"])
        found = [(row, dicom_type, options) for row in rows for dicom_type in types.get(row["basic"], ("1", "2", "3"))
                 for options in (agreed[0], agreed[1], draw.choice(agreed[2:]))]
        found += [(row, "3", options) for row in rows for options in agreed[2:] if set(options) & set(row)]
        draw.shuffle(found)
        return found

    def first_letter(row, dicom_type, options):
        return _one_action(row, options, lambda choices: choices[0])

    def last_letter(row, dicom_type, options):
        return _one_action(row, options, lambda choices: choices[-1])

    def as_type_2_always(row, dicom_type, options):
        return _one_action(row, options, lambda choices: "Z" if "Z" in choices else choices[0])

    def second_letter(row, dicom_type, options):
        choices = _one_action(row, options, lambda choices: choices)
        return choices[1] if dicom_type == "2" and len(choices) > 1 else OneAction.solution(row, dicom_type, options)

    def unresolved(row, dicom_type, options):
        return "/".join(_one_action(row, options, lambda choices: choices))

    def no_options(row, dicom_type, options):
        return OneAction.solution(row, dicom_type, [])

    def every_option(row, dicom_type, options):
        return OneAction.solution(row, dicom_type, [name for name in row if name != "basic"])

    def basic_wins(row, dicom_type, options):
        return OneAction.solution(row, dicom_type, options if "/" not in row["basic"] else [])

    def as_if_required(row, dicom_type, options):
        return OneAction.solution(row, "1" if dicom_type == "2" else dicom_type, options)

    def as_if_empty_will_do(row, dicom_type, options):
        return OneAction.solution(row, "2" if dicom_type == "1" else dicom_type, options)

    def first_option_only(row, dicom_type, options):
        return OneAction.solution(row, dicom_type, options[:1])

    def optional_kept(row, dicom_type, options):
        right = OneAction.solution(row, dicom_type, options)
        return "K" if dicom_type == "3" and right == "X" else right

    wrong_ways = {
        first_letter: "You come to the first letter for every Type. If you do ask for the Type: it is a text, `\"1\"`, and "
        "`dicom_type == 1` is never true. If you don't: `X/Z/D` does not mean X; it is removed *unless* the object needs it, and without a "
        "Type 1 attribute it is no valid object any more.",
        as_type_2_always: "You come to the same letter for every Type, the one for Type 2. If you do ask for the Type: it is a text, "
        "`\"1\"`, and `dicom_type == 1` is never true.",
        second_letter: "For Type 2 you take the second of the letters. In `X/Z/D` that is Z; but `Z/D` leaves one out, and its second "
        "letter is the dummy. Which letters a code has, ask: `\"Z\" in choices`.",
        last_letter: "You take the last letter, whatever the Type (which is a text: `dicom_type == 3` is never true). Then a dummy is "
        "invented where the attribute could have gone: `X/D` is X unless D is required to keep the object conformant (PS3.15 Table "
        "E.1-1a).",
        unresolved: "You return the code as it stands. A slash is a question that the object's IOD answers: which Type has the attribute "
        "there?",
        no_options: "The agreed options change nothing. Each has a column of its own in Table E.1-1, and what stands there takes the "
        "place of the basic code.",
        first_option_only: "You look at the first of the agreed options only. Several may be agreed on, and this attribute may be the "
        "second one's: ask each of the list.",
        every_option: "You use the column of every option that has a code. An option counts only where it was agreed on; all of them at "
        "once would leave the data nearly as they were.",
        basic_wins: "Where the basic code has a slash you do not look at the options. The agreed option's column decides in either case.",
        as_if_required: "For Type 2 you put a dummy value. Type 2 must be there and may be empty (PS3.5 section 7.4.3): Z is enough.",
        as_if_empty_will_do: "You empty what has Type 1. It must have a value (PS3.5 section 7.4.1): that is what D, and U for UIDs, are "
        "for.",
        optional_kept: "You keep what is optional. Type 3 says that the object can do without it: the best that can happen to a private "
        "fact.",
    }
    hints = [
        "First the code: `row[\"basic\"]`, unless an agreed option is in `row`. `if option in row:` asks.",
        "`code.split(\"/\")` gives the letters. One letter: that is the answer. Several: they stand from the lightest object to the "
        "strictest, for Type 3, then 2, then 1; one of them may be left out.",
        "Type 1 takes the last. Type 2 takes Z where there is one. Type 3 takes the first.",
    ]
    praise = "The table says what may be known, the IOD what must be there. Both have the last word."


def _one_action(row, options, choose):
    code = row["basic"]
    for option in options:
        code = row.get(option, code)
    return choose(code.split("/"))


# --- 6

PRIVATE_BLOCK, SERVICE_BLOCK, ROUTER_BLOCK = "HELIO MR DIFFUSION", "HELIO SERVICE", "NORR ROUTER"
WORKSTATION_BLOCK = "CORVID WORKSTATION"


def _diffusion(draw, who, number, b_value, study, block=0x10, **more):
    """A diffusion image of MR1 with what goes with it, private elements included."""
    from pydicom.dataelem import DataElement

    from coursekit.hospital.images import common

    ds = _image(MR, "MR", (study, f"{study}.7", f"{study}.7.{number}"), number, who, "MR1")
    ds.SeriesNumber = 7
    common.when(ds, "20250318", "150508", "152800", "152830")
    ds.ImageType, ds.ScanningSequence, ds.BodyPartExamined = ["ORIGINAL", "PRIMARY", "DIFFUSION"], "EP", "BRAIN"
    ds.InstanceCreationDate, ds.InstanceCreationTime = ds.StudyDate, "152900"
    ds.AcquisitionDateTime = f"{ds.StudyDate}152830.250000"
    ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "A2503189931", "31831", "ASHFORD^MIRIAM"
    ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "MR BRAIN", f"DWI b{b_value}", f"DWI {str(who[0]).split('^')[0]}"
    ds.Manufacturer, ds.ManufacturerModelName, ds.DeviceSerialNumber = "Helio Systems", "Tarn 1.5T", "HT-20417"
    ds.OperatorsName = "JANSEN^K"
    ds.PatientAge = f"{2025 - int(who[3][:4]) - (who[3][4:] > ds.StudyDate[4:]):03d}Y"
    ds.PatientWeight, ds.ImageComments = "81", f"{who[0]}, second run"
    ds.RepetitionTime, ds.EchoTime = "4200", "88"
    ds.OtherPatientIDsSequence = [
        objects.item(PatientID=f"EC-{draw.randrange(20000, 29999)}", IssuerOfPatientID=ECC, TypeOfPatientID="TEXT")]
    ds.RequestAttributesSequence = [objects.item(RequestedProcedureID="RP31831", ScheduledProcedureStepID="SPS31831")]
    purpose = objects.code("109103", "DCM", "Modifying Equipment")
    # Where the code was taken from, with a UID of the standard that is no class.
    purpose.ContextIdentifier, purpose.ContextUID = "7005", "1.2.840.10008.6.1.486"
    purpose.MappingResource, purpose.ContextGroupVersion = "DCMR", "20240324"
    # The router notes the order as well, and the table has no line for the sequence in which it does.
    ds.ReferencedRequestSequence = [objects.item(StudyInstanceUID=study, AccessionNumber=ds.AccessionNumber)]
    ds.ContributingEquipmentSequence = [objects.item(
        PurposeOfReferenceCodeSequence=[purpose], Manufacturer="Norr Imaging",
        InstitutionName="Harbour Vale General Hospital", StationName="HV_ROUTER", OperatorsName="VERBEEK^TOM",
        ContributionDateTime=f"{ds.StudyDate}153100")]
    # The router's item has private elements of its own, in a block that is another's in the data set above it, and some of the scanner's.
    item = ds.ContributingEquipmentSequence[0]
    for number_of_element, vr, value in (
            (0x0010, "LO", ROUTER_BLOCK), (0x0011, "LO", PRIVATE_BLOCK), (0x100C, "LO", f"for {who[1]}"), (0x110C, "IS", str(b_value)),
            (0x1120, "LO", f"from {who[0]}")):
        item.add(DataElement((0x0019, number_of_element), vr, value))
    # The vendor says in the object itself which of its private elements identify nobody (PS3.3 C.12.1, PS3.15 E.3.10).
    ds.PrivateDataElementCharacteristicsSequence = [objects.item(
        PrivateGroupReference=0x0019, PrivateCreatorReference=PRIVATE_BLOCK, BlockIdentifyingInformationStatus="MIXED",
        NonidentifyingPrivateElements=[0x0C, 0x0E])]
    service = 0x10 if block != 0x10 else 0x11
    for number_of_block, creator, elements in (
            (block, PRIVATE_BLOCK, ((0x0C, "IS", str(b_value)), (0x0E, "FD", [0.0, 0.6, 0.8]), (0x20, "LO", f"cc {who[0]}"))),
            (service, SERVICE_BLOCK, ((0x0C, "LO", str(who[1])),))):
        ds.add_new((0x0019, number_of_block), "LO", creator)
        for number_of_element, vr, value in elements:
            ds.add(DataElement((0x0019, number_of_block * 0x100 + number_of_element), vr, value))
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    return ds


def _marks(images, who, number):
    """A presentation state of these images: whose references have to survive."""
    from coursekit.hospital.images import common

    first = images[0]
    ds = common.dataset(PR, (first.StudyInstanceUID, f"{first.StudyInstanceUID}.70", f"{first.StudyInstanceUID}.70.{number}"), "WS_CH1")
    ds.PatientName, ds.PatientID, ds.IssuerOfPatientID, ds.PatientBirthDate, ds.PatientSex = who
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.AccessionNumber, ds.StudyID = "PR", 70, number, first.AccessionNumber, first.StudyID
    ds.StudyDate = ds.PresentationCreationDate = first.StudyDate
    ds.StudyTime, ds.PresentationCreationTime = first.StudyTime, "164200"
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = "TUMOUR", "", "RADEMAKER^INE"
    ds.Manufacturer, ds.BodyPartExamined, ds.PresentationLUTShape = "", "BRAIN", "IDENTITY"
    ds.DisplayedAreaSelectionSequence = [objects.item(
        DisplayedAreaTopLeftHandCorner=[1, 1], DisplayedAreaBottomRightHandCorner=[16, 16], PresentationSizeMode="SCALE TO FIT",
        PresentationPixelAspectRatio=[1, 1])]
    ds.ReferencedSeriesSequence = [objects.item(
        RetrieveAETitle="HV_PACS", SeriesInstanceUID=first.SeriesInstanceUID,
        ReferencedImageSequence=[objects.item(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID)
                                 for one in images])]
    # The workstation has private elements too, in a group of its own, and declares nothing.
    ds.add_new((0x0029, 0x0010), "LO", WORKSTATION_BLOCK)
    ds.add_new((0x0029, 0x1001), "LO", f"read for {who[0]}")
    return ds


def _trial_set(draw, who, first, study, block=0x10):
    """Two diffusion images and a presentation state of them, of one person."""
    images = [_diffusion(draw, who, first + place, b_value, study, block) for place, b_value in enumerate((0, 1000))]
    return [*images, _marks(images, who, first + 100)]


def _subject(hospital):
    name, sex, birth, pid = story.people(hospital.seed)["P9"]
    return (name, pid, "HVGH", birth.replace("-", ""), sex)


@lesson.input
def trial_images(hospital):
    """What the trial wants of P9's examination: two diffusion images and the reader's presentation state. A list of data sets."""
    import random

    return _trial_set(random.Random(f"trial {hospital.seed}"), _subject(hospital), 1, "2.999.200.9.250318.31")


@lesson.input
def actions(hospital):
    """What is done with each attribute, by keyword: Table E.1-1 of 2024b resolved for these objects, with modified dates. A dictionary."""
    return dict(ACTIONS)


_UID = re.compile(r"(?=.{1,64}$)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")


def exported_parts(contents):
    """What objects for export say, for DataSets: as ``objects.attributes``, but

    - a UID that is neither the standard's nor of the hospital's root 2.999 is told by where it stands first, because any new one is right,
      unless it has what followed the root in the old one, or its date: then whoever puts the root back has the old one;
    - whether the file meta information names the same SOP Instance UID is a part of its own;
    - a private creator without elements does not count, nor the order of the objects and of the method codes, nor what (0012,0063) says;
    - a method code is its value, its scheme, and whether its meaning is that of CID 7050.
    """
    contents = _data_sets(contents)
    found = objects.attributes(contents)
    names, first = sorted(found), {}
    objects_by_name = dict(zip(found, contents, strict=True))
    own = ("SOP Instance UID (0008,0018)", "Study Instance UID (0020,000D)", "Series Instance UID (0020,000E)",
           "Frame of Reference UID (0020,0052)")
    places = [(name, part) for name in names for part in own if part in found[name]]
    places += [(name, part) for name in names for part in found[name]]
    for name, part in places:
        value = found[name][part]
        if part.rpartition(" > ")[2].partition(" (")[0].endswith("UID") and _UID.fullmatch(value) and not value.startswith(
                ("1.2.840.10008.", "2.999.")):
            first.setdefault(value, _READABLE if _holds_the_old_one(value) else f"the new UID of {part} in {name}")
    for name in names:
        ds = objects_by_name[name]
        parts = {part: first.get(value, value) for part, value in found[name].items()}
        meta = getattr(ds, "file_meta", None)
        if meta is not None:
            parts[_IN_THE_META] = (
                "as the data set has it" if str(meta.get("MediaStorageSOPInstanceUID", "")) == str(ds.SOPInstanceUID) else "another")
        codes = _method_codes(parts)
        for part in list(parts):
            block = re.fullmatch(r"(.* > )?element \(([0-9A-F]{4}),00([0-9A-F]{2})\)", part)
            if block and not any(other.startswith(f"{block[1] or ''}element ({block[2]},{block[3]}") for other in parts):
                del parts[part]
            elif part.startswith((_CODES, "De-identification Method (0012,0063)")):
                del parts[part]
        if codes:
            parts[_CODES] = codes
        found[name] = parts
    return found


_CODES = "De-identification Method Code Sequence (0012,0064)"
_READABLE = "a UID that has the old one in it"


def _holds_the_old_one(uid):
    """Whether a UID has in it what stood behind our root in the old one, with or without dots, or the date that was a part of it."""
    return "20092503" in uid.replace(".", "") or re.search(r"(^|\.)2503\d\d(\.|$)", uid) is not None


def _method_codes(parts):
    """The items of De-identification Method Code Sequence as (code, scheme, "" or what is wrong with the meaning), in order."""
    items = {}
    for part, value in parts.items():
        item, inside = part.removeprefix(_CODES).partition(" > ")[::2]
        if part.startswith(_CODES) and inside:
            items.setdefault(item, {})[inside.partition(" (")[0]] = value
    found = []
    for item in items.values():
        code, meaning = item.get("Code Value", ""), item.get("Code Meaning", "")
        right = METHODS.get(code, meaning).casefold().split() == meaning.casefold().split() and meaning != ""
        found.append((code, item.get("Coding Scheme Designator", ""), "" if right else "another meaning" if meaning else "no meaning"))
    return sorted(found)


def _of_exported(part, given, right):
    """What to look at where a part of an exported object is wrong; for DataSets."""
    inside = part.rpartition(" > ")[2]
    keyword = _keyword(inside)
    action = ACTIONS.get(keyword)
    if part in ("Patient's Name (0010,0010)", "Patient ID (0010,0020)"):
        return "There belongs the subject of that patient, from the key."
    if part == _CODES:
        return _of_codes(given or [], right)
    if inside.startswith("element ("):
        if given is None:
            return "`is_safe` says yes to it: it should have stayed."
        asked = ", asked with the item in which it stands," if " > " in part else ""
        return f"`is_safe`{asked} says no to it, or it stands where its object declares nothing." if right is None else None
    if action == "U" and given is not None:
        return _of_a_uid(given)
    if action == "X" and right is None:
        return "Its action is X: it is removed, wherever it stands."
    if action == "Z" and right == "":
        return ("Its action is Z, wherever it stands: it has to be there, and empty." if given is None else
                "Its action is Z, wherever it stands. The profile lets you choose between empty and a dummy; agreed here is empty.")
    if action == "C" and right is not None:
        if re.fullmatch(r"\d{8}.*", given or "") and given != right:
            return ("It is a date, and not moved by the days of *this* patient, once: `subject, days = key[image.PatientID]`, for each "
                    "image, before the walk.")
        return "Its action is C: `shifted(element, days)` is its new value, for a date, and for date and time in one (VR DT) as well."
    return "It is not among `actions`, so it stays as it was." if action is None and right is not None and part not in SAID else None


SAID = ("Patient Identity Removed (0012,0062)", "Longitudinal Temporal Information Modified (0028,0303)", _IN_THE_META)


def _keyword(inside):
    """The keyword of an attribute that is named as ``objects.attributes`` does."""
    from pydicom.datadict import keyword_for_tag

    tag = re.search(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)", inside)
    return keyword_for_tag(int(tag[1] + tag[2], 16)) if tag else ""


def _of_a_uid(given):
    if given.startswith("2.999."):
        return "It begins with our root 2.999: it is the old one, or a new one that names the hospital all the same."
    if given == _READABLE:
        return "It has a part of the old one in it, behind another root: what followed 2.999, or at least the date of the examination."
    if not _UID.fullmatch(given) and not given.startswith("the new UID"):
        return "It is no UID: numbers with dots between them, none with a zero in front, 64 characters at most (PS3.5 section 9.1)."
    if given.startswith("the new UID"):
        return "It is the same as another UID of the list that was different, or it is not the one that its old UID became elsewhere."
    return None


def _of_codes(given, right):
    """What is wrong with the method codes: with one that is there, or that some are missing."""
    for code, scheme, meaning in given:
        if code not in METHODS:
            return f"`{code[:20]}` is no code of CID 7050." if code else "An item has no Code Value."
        if code not in [one for one, *_ in right]:
            return f"It says {code}, {METHODS[code]}, and that is not what was agreed on and done."
        if scheme != "DCM":
            lacks = f"{scheme[:16]} is not that of these codes" if scheme else "is missing"
            return (f"In the item of {code}, Coding Scheme Designator {lacks}. A code means something only together with its scheme "
                    "(PS3.3 section 8.1).")
        if meaning:
            return f"In the item of {code}, Code Meaning is missing." if meaning == "no meaning" else (
                f"In the item of {code}, Code Meaning is not that of `method_codes`.")
    if len({code for code, *_ in given}) < len(given):
        return "A code is there twice."
    return "At least one code is missing: the profile has one, and each option that was agreed on." if given else None


def _with_uids(images, keywords=None, deep=True, each=False, meta=True, value=None, skip=()):
    """As the solution, with one idea changed."""
    from pydicom.uid import generate_uid

    new = {}
    keywords = keywords or {keyword for keyword, action in ACTIONS.items() if action == "U"}

    def one(dataset, element):
        if element.keyword in keywords and element.keyword not in skip:
            old = str(element.value)
            if old not in new:
                new[old] = value(old) if value else generate_uid()
            element.value = new[old]

    for image in images:
        if each:
            new = {}
        image.walk(one, recursive=deep)
        if meta:
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return images


class NewUids(OnObjects):
    """A function that replaces UIDs, of which two calls are compared: no UID may come again for other images."""

    AGAIN = ("In one call all is right. In the next, for other images, {count} of the new UIDs came again: two examinations now have the "
             "same UIDs at the recipient. A UID is never given twice, not tomorrow and not by anybody else; counting from the same number "
             "in every call, behind a root that is nobody's, does not see to that. `generate_uid()` does.")
    COMPUTED = ("The set hangs together as before, and the same images get the same UIDs in every call: good for a second delivery. It has "
                "a price. If yours are remembered, in a table outside the function, that table is a second key: guard it, for it "
                "leads back. If they are computed from the old ones, a secret has to be among what they are computed from; without one, "
                "whoever guesses our old UIDs, a date and a few small numbers, computes the new ones and compares.")

    def judge(self, exercise, given, editions):
        """As for every function, and then over two calls."""
        verdict = super().judge(exercise, given, editions)
        if not verdict.correct:
            return verdict
        cases = exercise.cases_on(editions.own)
        ran = running.run_all([lambda case=case: given[0](*copy.deepcopy(case)) for case in (*cases, cases[0])], self.seconds)
        if ran.stopped:
            return self._stopped(ran, [*cases, cases[0]])
        first, *others, again = (_replaced(images) for images in ran.returned)
        twice = first.intersection(*others)
        if twice:
            exercise.failed = copy.deepcopy(cases[-1])
            return Verdict(Outcome.NOT_YET, self.AGAIN.format(count=len(twice)), "again")
        return Verdict(verdict.outcome, self.COMPUTED, verdict.label, verdict.points) if first == again else verdict


def _replaced(images):
    """The new UIDs of some objects: a set of texts."""
    return {str(element.value) for image in _data_sets(images) for element in image.iterall()
            if ACTIONS.get(element.keyword) == "U"}


@lesson.exercise
class ReplaceUids:
    """Write the function `replace_uids(images)`: it replaces the UIDs of a list of data sets, and returns the list.

    - Every attribute that `actions` marks with `"U"` gets a new UID, **wherever it stands**: at the top and in the items of sequences.
    - **Consistently**: the same old UID becomes the same new one in all objects of the list, and different ones stay different.
    - Other UIDs, such as SOP Class UIDs or those of a list of codes, stay.
    - The file meta information follows: (0002,0003) Media Storage SOP Instance UID is the object's new SOP Instance UID.

    New ones come from `generate_uid()` of pydicom, or from anywhere, but not from our root `2.999`, which would name the hospital; they
    have nothing of the old ones in them, and no call gives a UID that another call has given for other images. The order of the list does
    not matter.
    """

    answer = NewUids("replace_uids", result=DataSets("", reading=exported_parts, remark=_of_exported))
    points = 3

    def solution(images):
        from pydicom.uid import generate_uid

        new = {}

        def one(dataset, element):
            if actions.get(element.keyword) == "U":
                if element.value not in new:
                    new[element.value] = generate_uid()
                element.value = new[element.value]

        for image in images:
            image.walk(one)
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        return images

    def cases(draw, trial_images):
        who = ("ABIOLA^NGOZI", f"HV{draw.randrange(101000, 198999)}", "HVGH", "19711103", "F")
        other = ("MARSH^EDITH", f"HV{draw.randrange(101000, 198999)}", "HVGH", "19490817", "F")
        return [(trial_images,), (_trial_set(draw, who, 1, f"2.999.200.9.250319.{draw.randrange(10, 40)}")
                                  + _trial_set(draw, other, 11, f"2.999.200.9.250319.{draw.randrange(50, 90)}"),)]

    def top_level_only(images):
        return _with_uids(images, deep=False)

    def each_object_for_itself(images):
        return _with_uids(images, each=True)

    def all_uids(images):
        return _with_uids(images, keywords={*(keyword for keyword, action in ACTIONS.items() if action == "U"), "SOPClassUID",
                                            "ReferencedSOPClassUID", "ContextUID"})

    def all_but_the_classes(images):
        return _with_uids(images, keywords={*(keyword for keyword, action in ACTIONS.items() if action == "U"), "ContextUID"})

    def without_frame(images):
        return _with_uids(images, skip=("FrameOfReferenceUID",))

    def without_references(images):
        return _with_uids(images, skip=("ReferencedSOPInstanceUID",))

    def study_alone(images):
        return _with_uids(images, keywords={"StudyInstanceUID"})

    def meta_forgotten(images):
        return _with_uids(images, meta=False)

    def longer_ones(images):
        return _with_uids(images, value=lambda old: f"{old}.1")

    def other_root(images):
        return _with_uids(images, value=lambda old: old.replace("2.999", "1.2.826.0.1.3680043.8.498", 1))

    def one_for_all(images):
        from pydicom.uid import generate_uid

        uid = generate_uid()
        return _with_uids(images, value=lambda old: uid)

    wrong_ways = {
        top_level_only: "You looked at the top of each data set only. In the items of sequences the old UIDs still stand: they point into "
        "our archive, and the presentation state no longer finds its images. The attributes of Table E.1-1 count in nested items, too "
        "(PS3.15 E.1).",
        each_object_for_itself: "The same old UID became different ones: two images of one series are in two series now, and the "
        "presentation state refers to nothing. U means internally consistent within a set of instances (PS3.15 Table E.1-1a), so what "
        "each old UID became has to be remembered over the whole list.",
        all_uids: "You replaced every UID, and with them those of the standard, which are the same everywhere: SOP Class UIDs say what "
        "*kind* of object it is, and with an invented one no reader knows what to do with it. `actions` tells which to replace.",
        all_but_the_classes: "You replaced Context UIDs, too: such a one says from which list of the standard a code was taken, and is the "
        "same everywhere. Not whether a UID is one of a class decides, but whether `actions` has `\"U\"` for it.",
        without_frame: "The Frame of Reference UID is still ours. It is as unique as the others: whoever has both sets finds the study by "
        "it.",
        without_references: "The references still name the old SOP Instance UIDs. They identify the images in our archive, and find none "
        "in the trial's.",
        study_alone: "You replaced the Study Instance UID alone. Series and instances keep theirs, and each of them names the examination.",
        meta_forgotten: "The file meta information still has the old UID in (0002,0003). It is part of the file, and a reader that "
        "compares both refuses it.",
        longer_ones: "Your new UIDs begin with the old ones. They name the hospital and the study as before, and a UID of more than 64 "
        "characters is none (PS3.5 section 9.1).",
        other_root: "Your new UIDs have another root, and behind it something of the old ones: all that followed our root, so that anybody "
        "puts it back and has the study, or at least the date of the examination. Nothing of the old one may be read in the new one.",
        one_for_all: "All UIDs became one and the same. Different things need different UIDs, or one object replaces the other in the "
        "trial's archive.",
    }
    hints = [
        "`image.walk(one)` calls `one(dataset, element)` for every element, in nested items as well, as in the cell above. What is to be "
        "replaced, `actions.get(element.keyword) == \"U\"` tells.",
        "A dictionary `new = {}` outside `one` remembers what each old UID became. Only if `element.value` is not in it yet, make a new "
        "one.",
        "After the walk, for each image: `image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID`. Then `return images`.",
    ]
    praise = "The set hangs together as before, and no UID in it can be looked up in our archive, or comes again in the next set."


@lesson.input
def ready_uids(hospital):
    """A function that replaces the UIDs, ready made."""
    return ReplaceUids.solution


# --- 7

def shifted_value(element, days):
    """The value of a date, time or date and time, later by whole days; a time of day stays."""
    text = str(element.value)
    if element.VR == "TM" or len(text) < 8:
        return text
    day = datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8])) + datetime.timedelta(days=days)
    return f"{day.year:04d}{day.month:02d}{day.day:02d}{text[8:]}"


def safe_elements(image):
    """What the object itself declares to identify nobody: a set of (group, private creator, last two digits of the element)."""
    found = set()
    for block in image.get("PrivateDataElementCharacteristicsSequence", []):
        for number in block.get("NonidentifyingPrivateElements", []):
            found.add((block.PrivateGroupReference, block.PrivateCreatorReference, number))
    return found


def element_is_safe(dataset, element, safe):
    """Whether a private element is one of `safe`, or the creator of a block that has such elements."""
    group, number = element.tag.group, element.tag.element
    if number < 0x100:
        return any((group, element.value) == one[:2] for one in safe)
    creator = dataset.get((group, number >> 8))
    return creator is not None and (group, creator.value, number & 0xFF) in safe


@lesson.input
def shifted(hospital):
    """A function: the value of a date element, later by whole days."""
    return shifted_value


@lesson.input
def safe_private(hospital):
    """A function: the private elements that an object declares safe."""
    return safe_elements


@lesson.input
def is_safe(hospital):
    """A function: whether a private element is one of those."""
    return element_is_safe


@lesson.input
def method_codes(hospital):
    """CID 7050, De-identification Method: a dictionary from code to meaning."""
    return dict(METHODS)


@lesson.input
def key(hospital):
    """The trial's key: {Patient ID: (subject, days by which the dates are shifted)}. It stays in the hospital."""
    return {_subject(hospital)[1]: ("NM-ONC-07", -Draws(hospital.seed, "chea-05 key").one(11, 340))}


AGREED = ("113100", "113107", "113111")


def _deidentified(images, key, private="safe", deep=True, offset=None, cleaned=None, emptied=None, removed=None, birth=False, codes=AGREED,
                  flag="MODIFIED", removed_flag="YES", subject=True, uids=True, sign=1, declared=None, scheme="DCM"):
    """As the solution, with one idea changed."""
    first, first_safe = next(iter(key.values())), safe_elements(images[0])
    if uids:
        _with_uids(images)
    for image in images:
        name, by = first if offset == "first of all" else key[image.PatientID]
        by = (first[1] if offset == "first" else by) * sign
        safe = first_safe if declared == "first" else safe_elements(image)

        def one(dataset, element):
            action = ACTIONS.get(element.keyword, "K")
            if element.tag.is_private:
                keep = {"safe": lambda: element_is_safe(dataset, element, safe), "all": lambda: True, "none": lambda: False,
                        "number": lambda: element.tag.element < 0x100 or (element.tag.element & 0xFF) in (0x0C, 0x0E),
                        "top": lambda: dataset is not image or element_is_safe(dataset, element, safe),
                        "image": lambda: element_is_safe(image, element, safe),
                        "block": lambda: (element.value if element.tag.element < 0x100 else getattr(
                            dataset.get((element.tag.group, element.tag.element >> 8)), "value", "")) == PRIVATE_BLOCK}[private]()
                if not keep:
                    del dataset[element.tag]
            elif element.keyword == "PatientBirthDate" and birth:
                element.value = shifted_value(element, by)
            elif action == "X":
                if removed == "emptied":
                    element.value = None
                else:
                    del dataset[element.tag]
            elif action == "Z":
                if emptied == "removed":
                    del dataset[element.tag]
                else:
                    element.value = None
            elif action == "C" and cleaned != "kept":
                if cleaned == "emptied":
                    element.value = None
                elif cleaned != "dates" or element.VR != "DT":
                    element.value = shifted_value(element, by)

        image.walk(one, recursive=deep)
        image.PatientName = image.PatientID = name if subject else ""
        image.PatientIdentityRemoved = removed_flag
        image.DeidentificationMethodCodeSequence = [objects.code(number, scheme, METHODS[number]) for number in codes]
        image.LongitudinalTemporalInformationModified = flag
    return images


@lesson.exercise
class Deidentify:
    """Write the function `deidentify(images, key)`: it makes of a list of data sets what may leave the house, and returns the list.
    `key` is a dictionary from Patient ID to (subject, days). The trial and you have agreed on the Basic Profile with two options:
    *modified dates* and *safe private*.

    - UIDs: as in exercise 6. Then, wherever an attribute stands, by `actions`: `"X"` is removed, `"Z"` is there and empty, `"C"` is
      `shifted(element, days)` with the days **of that patient**; whatever `actions` does not have stays.
    - Private elements, at the top **and in the items of sequences**, stay only where `is_safe(dataset, element, safe)` says so, with
      `safe = safe_private(image)` of **that image**: each declares for itself. (A private creator whose elements are all gone may stay
      or go; it says no more than a vendor's name.)
    - Then Patient's Name and Patient ID get the subject.
    - The object says what was done: Patient Identity Removed (0012,0062), **De-identification Method Code Sequence** (0012,0064) with the
      codes of the profile and of the two options, and of no others, and Longitudinal Temporal Information Modified (0028,0303). A code is
      an item with Code Value, Coding Scheme Designator `DCM` and Code Meaning, as in `method_codes`.

    It will be tried with more than one patient.
    """

    answer = OnObjects("deidentify", result=DataSets("", reading=exported_parts, remark=_of_exported))
    points = 5

    def solution(images, key):
        from pydicom.dataset import Dataset

        codes = []
        for number in ["113100", "113107", "113111"]:
            item = Dataset()
            item.CodeValue = number
            item.CodingSchemeDesignator = "DCM"
            item.CodeMeaning = method_codes[number]
            codes.append(item)

        replace_uids(images)
        for image in images:
            subject, days = key[image.PatientID]
            safe = safe_private(image)

            def one(dataset, element):
                action = actions.get(element.keyword)
                if element.tag.is_private:
                    if not is_safe(dataset, element, safe):
                        del dataset[element.tag]
                elif action == "X":
                    del dataset[element.tag]
                elif action == "Z":
                    element.value = None
                elif action == "C":
                    element.value = shifted(element, days)

            image.walk(one)
            image.PatientName = subject
            image.PatientID = subject
            image.PatientIdentityRemoved = "YES"
            image.DeidentificationMethodCodeSequence = codes
            image.LongitudinalTemporalInformationModified = "MODIFIED"
        return images

    def cases(draw, trial_images, key):
        people = [(name, f"HV{draw.randrange(101000, 198999)}", "HVGH", f"19{draw.randrange(40, 80)}0512", sex)
                  for name, sex in (("ABIOLA^NGOZI", "F"), ("WRONA^PIOTR", "M"))]
        images = [*_trial_set(draw, people[0], 1, "2.999.200.9.250319.41"),
                  *_trial_set(draw, people[1], 11, "2.999.200.9.250320.42", block=0x11)]
        # The second image of the second patient declares its direction not to be safe.
        images[4].PrivateDataElementCharacteristicsSequence[0].NonidentifyingPrivateElements = [0x0C, 0x0D]
        two = {people[0][1]: ("NM-ONC-21", draw.randrange(-300, -20)), people[1][1]: ("NM-ONC-22", draw.randrange(20, 300))}
        return [(trial_images, key), (images, two)]

    def no_private(images, key):
        return _deidentified(images, key, private="none")

    def all_private(images, key):
        return _deidentified(images, key, private="all")

    def private_by_number(images, key):
        return _deidentified(images, key, private="number")

    def private_by_block(images, key):
        return _deidentified(images, key, private="block")

    def private_at_the_top(images, key):
        return _deidentified(images, key, private="top")

    def private_by_the_image(images, key):
        return _deidentified(images, key, private="image")

    def top_level_only(images, key):
        return _deidentified(images, key, deep=False)

    def first_declaration(images, key):
        return _deidentified(images, key, declared="first")

    def date_and_time_forgotten(images, key):
        return _deidentified(images, key, cleaned="dates")

    def all_codes(images, key):
        return _deidentified(images, key, codes=tuple(METHODS))

    def another_scheme(images, key):
        return _deidentified(images, key, scheme="SCT")

    def one_offset_for_all(images, key):
        return _deidentified(images, key, offset="first")

    def first_of_the_key(images, key):
        return _deidentified(images, key, offset="first of all")

    def dates_as_they_were(images, key):
        return _deidentified(images, key, cleaned="kept")

    def dates_emptied(images, key):
        return _deidentified(images, key, cleaned="emptied")

    def dates_the_other_way(images, key):
        return _deidentified(images, key, sign=-1)

    def birth_date_shifted(images, key):
        return _deidentified(images, key, birth=True)

    def removed_where_empty(images, key):
        return _deidentified(images, key, emptied="removed")

    def emptied_where_removed(images, key):
        return _deidentified(images, key, removed="emptied")

    def profile_alone(images, key):
        return _deidentified(images, key, codes=("113100",))

    def full_dates(images, key):
        return _deidentified(images, key, codes=("113100", "113106", "113111"))

    def options_alone(images, key):
        return _deidentified(images, key, codes=("113107", "113111"))

    def dates_said_to_be_removed(images, key):
        return _deidentified(images, key, flag="REMOVED")

    def dates_said_to_be_true(images, key):
        return _deidentified(images, key, flag="UNMODIFIED")

    def nobody(images, key):
        return _deidentified(images, key, subject=False)

    def uids_kept(images, key):
        return _deidentified(images, key, uids=False)

    wrong_ways = {
        no_private: "All private elements are gone, and with them the b-value: of a diffusion series without it nothing can be computed. "
        "The trial agreed on the Retain Safe Private Option (PS3.15 E.3.10) for exactly this. If you did ask `is_safe`: a creator comes "
        "before its elements, and once it is deleted nobody owns the block, so that none of its elements is safe. Leave a creator that "
        "`is_safe` says yes to.",
        all_private: "All private elements are still there. In some of them stand the patient's name and number: private means unknown, "
        "and unknown goes, unless it is known to be safe (PS3.15 E.3.10).",
        private_by_number: "You went by the numbers of the private elements. Who owns `(0019,xx0C)` says the private creator of its "
        "block, and blocks move: in one object the same number is another vendor's, with the Patient ID in it (PS3.5 section 7.8.1).",
        private_by_block: "You kept the whole block of a creator that has safe elements. Its status is MIXED: the object lists which of "
        "its elements are safe, and the comment is not among them.",
        private_at_the_top: "You cleaned the private elements at the top of the object only. The items of sequences have some, too: here "
        "the router wrote the Patient ID into its own, and the scanner's name is in another. What is private and not known to be safe "
        "goes, wherever it stands.",
        private_by_the_image: "You asked `is_safe` with the image, also about elements that stand in an item of a sequence. An item has "
        "blocks of its own (PS3.5 section 7.8.1): what is the scanner's block at the top is the router's there. Ask with `dataset`, which "
        "is where the element stands.",
        top_level_only: "You looked at the top level only. In the items of sequences stand an operator's name, the station and the "
        "hospital (Contributing Equipment), the accession number (Referenced Request), and the archive's AE title (Referenced Series).",
        first_declaration: "You took one declaration for all images: that of the first, or all of them together. Each object declares its "
        "own private elements: what is known to be safe in one is unknown in another, and unknown goes.",
        date_and_time_forgotten: "Attributes that hold date and time in one (VR DT), such as Acquisition DateTime (0008,002A), still have "
        "the true day. Their action is C as well, and `shifted` knows them.",
        all_codes: "The object says that every option was applied. Each code is a promise: that the pixels were cleaned, the UIDs kept, "
        "the dates true and not true. Only the profile and the two agreed options belong there.",
        another_scheme: "113100 and the others are codes of DICOM itself, scheme DCM (PS3.16). Under SCT the number is looked up in SNOMED "
        "CT, where it means something else or nothing.",
        one_offset_for_all: "All patients got the same number of days. Whoever knows one patient's true date then has everybody's: take "
        "the days from the key, by the object's own Patient ID.",
        first_of_the_key: "All patients got the subject and the days of the first in the key: they are one person now, and whoever knows "
        "one true date has everybody's. Each image has its patient's: `subject, days = key[image.PatientID]`.",
        dates_as_they_were: "The dates are the true ones. With modified dates agreed, C means that they are shifted; a date of "
        "examination and a hospital are enough to find a patient in a list.",
        dates_emptied: "The dates are empty. The trial measures how a tumour changes over weeks: with the modified dates option the "
        "intervals stay, shifted by the patient's days (PS3.15 E.3.6).",
        dates_the_other_way: "The dates went in the other direction: `days` is added, and may be negative.",
        birth_date_shifted: "You shifted the birth date. It is Z, with this option too: a shifted one still tells the age, which was not "
        "agreed on.",
        removed_where_empty: "Where the action is Z, you removed the attribute. Name, birth date, sex are Type 2: they must be there, and "
        "may be empty; without them the object is not valid.",
        emptied_where_removed: "Where the action is X, you emptied the attribute. It then says that something was there; X is to remove "
        "it.",
        profile_alone: "The object says that the Basic Profile was applied, and nothing of the options. A recipient then believes that "
        "there are no dates and no private elements in it: each option that was used has its own code in (0012,0064).",
        full_dates: "The code says Full Dates: that the dates are the true ones. Whoever reads it takes your shifted days for real.",
        options_alone: "The options are coded, the profile to which they belong is not. An option does not stand without it (PS3.15 E.3).",
        dates_said_to_be_removed: "(0028,0303) says REMOVED. That is for the profile without a dates option; the dates here are shifted "
        "(PS3.15 E.3.6).",
        dates_said_to_be_true: "(0028,0303) says UNMODIFIED. That is for the full dates option; these here are shifted (PS3.15 E.3.6).",
        nobody: "Name and Patient ID are empty. The profile would allow it, but the trial can't tell its subjects apart: the subject from "
        "the key belongs there.",
        uids_kept: "The UIDs are those of our archive. Whoever has access to it finds the patient with one query: `replace_uids(images)` "
        "comes first.",
    }
    hints = [
        "The frame is that of exercise 6: a function `one(dataset, element)` and `image.walk(one)` for each image. Call "
        "`replace_uids(images)` first, before the loop.",
        "Inside the loop, before the walk: `subject, days = key[image.PatientID]` and `safe = safe_private(image)`. After the walk the "
        "Patient ID is gone.",
        "In `one`, first ask `element.tag.is_private`, and then for the action; `del dataset[element.tag]` removes an element, "
        "`element.value = None` empties it, as in the cell above.",
        "After the walk set five things: name, ID, the flag YES, the list of codes (three items, made once before the loop), and how the "
        "dates were treated: REMOVED, UNMODIFIED or MODIFIED.",
    ]
    praise = ("The b-values are there, the intervals are true, the references hold, and the data set leads back to nobody without your "
              "key. The file around it has more to say: read on.")


# The solutions call these by the names that the notebook gives them.
actions, digest, replace_uids = ACTIONS, content_digest, ReplaceUids.solution
shifted, safe_private, is_safe, method_codes = shifted_value, safe_elements, element_is_safe, METHODS


# --- 8

BANDS = (5, 10, 20, 40)
WANTED_K = 5


@lesson.input
def subjects(hospital):
    """The trial's subjects as a recipient sees them: a DataFrame with `subject`, `sex`, `age` in years and `month` of the examination."""
    import pandas

    draws = Draws(hospital.seed, "chea-05 subjects")
    count = 240
    sexes, months = draws.below(2, count), draws.between(1, 12, count)
    ages = draws.spread(((3, 40, 49), (4, 50, 59), (5, 60, 69), (4, 70, 79)), count)
    return pandas.DataFrame({
        "subject": [f"NM-ONC-{number + 1:03d}" for number in range(count)], "sex": ["FM"[place] for place in sexes.tolist()],
        "age": ages.tolist(), "month": [f"2024-{month:02d}" for month in months.tolist()]})


def _groups(subjects, band=1, half=False, columns=("sex", "age", "month")):
    """The sizes of the groups that agree in these columns, ages in bands and, if `half`, half-years for months."""
    frame = subjects.assign(age=subjects["age"] // band, month=subjects["month"].str[5:].astype(int) > 6 if half else subjects["month"])
    return frame.groupby(list(columns)).size()


def _group_to_look_at(entry, given, right, input):
    return {"k": "Make groups by all three columns at once; `k` is the size of the smallest.",
            "alone": "Make groups by all three columns at once; alone is who is in a group of size 1.",
            "band": "It is one of 5, 10, 20 and 40."}[entry]


@lesson.exercise
class HowSmallIsTheCrowd:
    """The recipient of the trial's data knows of each subject sex, age in years and month of the examination. So does an insurer, a
    neighbour, a newspaper. Fill in

    - `k`: how many subjects the **smallest group** has that agree in all three;
    - `alone`: how many subjects share these three with **nobody**;
    - `band`: the data are made coarser. Half-years (January to June, July to December) take the place of months, and the age comes in
      bands of 5, 10, 20 or 40 years, counted from 0 (`age // band`). Which is the **narrowest** band with which every group has at least 5
      subjects?
    """

    answer = Fields("risk", {
        "k": Number("", named=("subject",)), "alone": Number("", named=("subject",)), "band": Number("", named=("year",))},
        remark=_group_to_look_at)
    points = 2

    def solution(subjects):
        sizes = subjects.groupby(["sex", "age", "month"]).size()
        coarse = subjects.copy()
        coarse["half"] = coarse["month"] > "2024-06"
        fitting = []
        for band in [5, 10, 20, 40]:
            coarse["band"] = coarse["age"] // band
            if coarse.groupby(["sex", "band", "half"]).size().min() >= 5:
                fitting.append(band)
        risk = {"k": int(sizes.min()), "alone": int((sizes == 1).sum()), "band": fitting[0]}
        return risk

    def without_the_month(subjects):
        sizes = _groups(subjects, columns=("sex", "age"))
        return {**HowSmallIsTheCrowd.solution(subjects), "k": int(sizes.min()), "alone": int((sizes == 1).sum())}

    def in_one_of_them(subjects):
        return {**HowSmallIsTheCrowd.solution(subjects), "alone": int((subjects["age"].value_counts() == 1).sum())}

    def average_group(subjects):
        return {**HowSmallIsTheCrowd.solution(subjects), "k": float(_groups(subjects).mean())}

    def number_of_groups(subjects):
        return {**HowSmallIsTheCrowd.solution(subjects), "alone": len(_groups(subjects))}

    def not_alone(subjects):
        right = HowSmallIsTheCrowd.solution(subjects)
        return {**right, "alone": len(subjects) - right["alone"]}

    def share_alone(subjects):
        right = HowSmallIsTheCrowd.solution(subjects)
        return {**right, "alone": round(100 * right["alone"] / len(subjects), 1)}

    def widest(subjects):
        right = HowSmallIsTheCrowd.solution(subjects)
        return {**right, "band": 40 if right["band"] != 40 else 20}

    def one_too_wide(subjects):
        right = HowSmallIsTheCrowd.solution(subjects)
        return {**right, "band": 20 if right["band"] == 10 else 2 * right["band"]}

    def narrowest(subjects):
        right = HowSmallIsTheCrowd.solution(subjects)
        return {**right, "band": 5 if right["band"] != 5 else 1}

    wrong_ways = {
        without_the_month: "You left the month out. A group agrees in *all* that the recipient knows: the more he knows, the smaller it "
        "gets.",
        in_one_of_them: "You looked at the age for itself. Each column looks harmless; it is the combination that singles somebody out.",
        average_group: "That is the size of the average group. A person is found in the smallest: k is a minimum.",
        number_of_groups: "That is the number of groups, those with several subjects included. Alone are the subjects whose group has one "
        "member.",
        not_alone: "Those are the subjects that do share the three with somebody.",
        share_alone: "That is a share in per cent; asked is how many subjects.",
        one_too_wide: "That band is wide enough, but a narrower one is, too. Begin with 5 and take the first that fits.",
        widest: "With that band no group is too small, but is it the narrowest one? Each year that you give away is missing in the "
        "analysis.",
        narrowest: "With that band some groups are still smaller than 5. Look at the smallest group, in half-years, for each of the four.",
    }
    hints = [
        "`subjects.groupby([\"sex\", \"age\", \"month\"]).size()` gives the size of every group; `.min()` is the smallest.",
        "Alone are those in groups of size 1: `(sizes == 1).sum()` counts them, for such a group has one subject.",
        "For the bands, on a copy: `coarse[\"half\"] = coarse[\"month\"] > \"2024-06\"` and `coarse[\"band\"] = coarse[\"age\"] // band`, "
        "in a loop over the four bands; group by sex, band and half, and print `.min()` for each.",
    ]
    praise = ("No name, no number, and still hardly anybody in the crowd. That is what a table of attributes can't do for you: how many "
              "people share what is left, you have to count.")


# --- 9

CONDITIONS = {
    "direction": ("import", "export"), "patient": ("same", "unclear", "other"), "wanted": ("yes", "no"), "twin": ("none", "same", "other"),
    "burned_in": ("yes", "no", "unknown"), "purpose": ("care", "trial", "teaching"), "consent": ("yes", "no"), "face": ("yes", "no"),
}
DECISIONS = ("import", "hold", "refuse", "skip", "send", "de-identify")


def policy_of(given):
    """The rules of a policy in one form: a list of ({condition: set of values}, decision). Raises ValueError with a sentence."""
    if type(given) is dict:
        given = [given]
    rules = []
    for number, rule in enumerate(given, 1):
        if type(rule) is not dict:
            raise ValueError(f"rule {number} is no dictionary")
        named = {str(name).strip().casefold().replace(" ", "_").replace("-", "_"): value for name, value in rule.items()}
        if "then" not in named:
            raise ValueError(f"rule {number} has no entry `then`")
        then = str(named.pop("then")).strip().casefold().replace("_", "-").replace("deidentify", "de-identify")
        if then not in DECISIONS:
            raise ValueError(f"rule {number}: `then` is one of {', '.join(DECISIONS)}")
        wanted = {}
        for name, value in named.items():
            if name not in CONDITIONS:
                raise ValueError(f"rule {number}: a card has no fact `{name[:30]}`")
            values = {_fact(one) for one in (value if type(value) is list else [value])}
            unknown = values - set(CONDITIONS[name])
            if unknown or not values:
                raise ValueError(f"rule {number}: `{name}` is one of {', '.join(CONDITIONS[name])}")
            wanted[name] = values
        rules.append((wanted, then))
    return rules


def _fact(value):
    return {True: "yes", False: "no"}.get(value, str(value).strip().casefold()) if type(value) is bool else str(value).strip().casefold()


def _decide(rules, card):
    """(what the first rule that fits says, its number); ("hold", 0) where none does."""
    for number, (wanted, then) in enumerate(rules, 1):
        if all(card.get(name) in values for name, values in wanted.items()):
            return then, number
    return "hold", 0


class Example(tuple):
    """(card, decision), with the number of the rule that decided, which does not count when two policies' outcomes are compared."""

    def __new__(cls, card, decided, rule):
        made = super().__new__(cls, (card, decided))
        made.rule = rule
        return made

    def __getnewargs__(self):
        return (*self, self.rule)

    @property
    def told(self):
        """The card, its facts and what caught it, in words."""
        card, decided = self
        facts = ", ".join(f"`{name}` {value}" for name, value in card.items() if name not in ("number", "direction"))
        return (f"The first is {card['number']} ({card['direction']}; {facts}), on which your rules decide `{decided}`: "
                + (f"rule {self.rule} is the first that fits." if self.rule else "none fits."))


@lesson.input
def cards(hospital):
    """The series that came in or were to go out in a month, a dictionary of facts each."""
    draws = Draws(hospital.seed, "chea-05 cards")

    def one_of(*weighted):
        values = [value for value, weight in weighted for _ in range(weight)]
        return values[draws.one(0, len(values) - 1)]

    found = []
    for number in range(1, 121):
        card = {"number": f"C{number:03d}", "direction": one_of(("import", 3), ("export", 2)),
                "burned_in": one_of(("no", 8), ("yes", 1), ("unknown", 1))}
        if card["direction"] == "import":
            card |= {"patient": one_of(("same", 12), ("unclear", 1), ("other", 2)), "wanted": one_of(("yes", 3), ("no", 1)),
                     "twin": one_of(("none", 9), ("same", 2), ("other", 1))}
        else:
            card |= {"purpose": one_of(("care", 3), ("trial", 3), ("teaching", 2)), "consent": one_of(("yes", 5), ("no", 1)),
                     "face": one_of(("no", 5), ("yes", 1))}
        found.append(card)
    # Whatever chance does: each case that matters is there.
    for number, facts in enumerate((
            {"patient": "other", "wanted": "yes", "twin": "same", "burned_in": "yes"}, {"patient": "other", "wanted": "no", "twin": "none"},
            {"patient": "unclear", "wanted": "no", "twin": "none"}, {"patient": "unclear", "wanted": "yes", "twin": "same"},
            {"patient": "same", "wanted": "yes", "twin": "other", "burned_in": "no"}, {"patient": "same", "wanted": "no", "twin": "other"},
            {"patient": "same", "wanted": "yes", "twin": "same", "burned_in": "yes"},
            {"patient": "same", "wanted": "no", "burned_in": "yes", "twin": "none"},
            {"patient": "same", "wanted": "yes", "twin": "none", "burned_in": "unknown"}), 121):
        found.append({"number": f"C{number}", "direction": "import", "burned_in": "no", **facts})
    for number, facts in enumerate((
            {"purpose": "care", "consent": "no", "face": "yes", "burned_in": "yes"}, {"purpose": "care", "consent": "no", "face": "no"},
            {"purpose": "trial", "consent": "no", "face": "yes"}, {"purpose": "trial", "consent": "yes", "face": "yes"},
            {"purpose": "teaching", "consent": "yes", "face": "yes"},
            {"purpose": "trial", "consent": "yes", "face": "no", "burned_in": "yes"},
            {"purpose": "teaching", "consent": "yes", "face": "no", "burned_in": "unknown"},
            {"purpose": "teaching", "consent": "no", "face": "no"},
            {"purpose": "trial", "consent": "no", "face": "no", "burned_in": "yes"}), 130):
        found.append({"number": f"C{number}", "direction": "export", "burned_in": "no", **facts})
    return found


def _proper(card):
    """What the house wants of a card."""
    if card["direction"] == "import":
        if card["patient"] != "same":
            return {"other": "refuse", "unclear": "hold"}[card["patient"]]
        if card["twin"] != "none":
            return {"other": "hold", "same": "skip"}[card["twin"]]
        if card["wanted"] == "no":
            return "skip"
        return "import" if card["burned_in"] == "no" else "hold"
    if card["purpose"] == "care":
        return "send"
    if card["consent"] == "no":
        return "refuse"
    return "de-identify" if card["face"] == "no" and card["burned_in"] == "no" else "hold"


# What a decision does that is not the proper one: (name, whether it's this, of (proper, decided, card), the sentence). The first that
# applies counts, so that the worst is told first.
HARMS = (
    ("other way", lambda proper, decided, card: decided in ("import", "send", "de-identify")
     and (decided == "import") != (card["direction"] == "import"),
     "series go in the wrong direction: what comes in is not sent, and what goes out not imported"),
    ("wrong record", lambda proper, decided, card: decided == "import" and card.get("patient") == "other",
     "another patient's series get into this patient's record"),
    ("doubtful record", lambda proper, decided, card: decided == "import" and card.get("patient") == "unclear",
     "series get into a record of which nobody knows that they belong there"),
    ("identified", lambda proper, decided, card: decided == "send" and proper != "send",
     "series leave the house with everybody's names in them, for a trial or for teaching"),
    ("without consent", lambda proper, decided, card: decided == "de-identify" and proper == "refuse",
     "series go out although the patient said no"),
    ("recognisable", lambda proper, decided, card: decided == "de-identify" and proper == "hold" and card["face"] == "yes",
     "series go out with a clean header and a face that can be rendered"),
    ("readable", lambda proper, decided, card: decided == "de-identify" and proper == "hold",
     "series go out with a clean header and with pixels in which something is written, or may be"),
    ("overwritten", lambda proper, decided, card: decided == "import" and card.get("twin") == "other",
     "objects of the archive are overwritten by others with their UIDs"),
    ("unread pixels", lambda proper, decided, card: decided == "import" and proper == "hold" and card.get("twin") == "none",
     "series come in with pixels in which something is written, or may be, and nobody has read it"),
    ("twice", lambda proper, decided, card: decided == "import" and card.get("twin") == "same",
     "series are imported that are there already"),
    ("unwanted", lambda proper, decided, card: decided == "import", "series are imported that nobody asked for"),
    ("pseudonym", lambda proper, decided, card: decided == "de-identify",
     "a colleague who treats the patient gets a pseudonym where a name is needed"),
    ("lost", lambda proper, decided, card: decided in ("refuse", "skip") and proper not in ("refuse", "skip"),
     "series are refused or skipped that somebody needs, or should have looked at"),
    ("answered wrongly", lambda proper, decided, card: decided in ("refuse", "skip"),
     "senders get the wrong answer: `refuse` is for what must not be, `skip` for what need not be"),
    ("waits", lambda proper, decided, card: decided == "hold",
     "series wait for a person although the case is clear"),
)


@lesson.exercise
class ThePolicy:
    """Write the policy as rules. `policy` is a list of dictionaries; each has conditions, and `"then"`, the decision:

        {"direction": "import", "patient": "other", "then": "refuse"}
        {"direction": "export", "purpose": ["trial", "teaching"], "then": "..."}

    A condition may have one value or a list of values. Rules are tried in their order, **the first that fits decides**, and what no rule
    fits is held for a person. What the house wants, in its own words:

    - *In, what matters most first:* another patient's images are refused. Where identity is unclear, a person looks; so too where the
      archive has another content under the same UID. What is there already, or was not asked for, is skipped. What has text in its pixels,
      or of which that is unknown, is read by a person before it comes in. Everything else is imported.
    - *Out, what matters most first:* colleagues who treat the patient get everything, with names. For trials and teaching, what has no
      consent is refused. What has a face that can be rendered, or text in its pixels, or of which that is unknown, waits for a person who
      cleans it. Everything else is de-identified.
    - Staff have time for what is unclear, not for what is clear.

    The check replays your policy on these cards, and then on those of months that you do not see.
    """

    answer = Config("policy", reading=policy_of, template="policy = [\n    ...,\n]", called="rules")
    points = 3

    def solution():
        return [
            {"direction": "import", "patient": "other", "then": "refuse"},
            {"direction": "import", "patient": "unclear", "then": "hold"},
            {"direction": "import", "twin": "other", "then": "hold"},
            {"direction": "import", "twin": "same", "then": "skip"},
            {"direction": "import", "wanted": "no", "then": "skip"},
            {"direction": "import", "burned_in": ["yes", "unknown"], "then": "hold"},
            {"direction": "import", "then": "import"},
            {"direction": "export", "purpose": "care", "then": "send"},
            {"direction": "export", "consent": "no", "then": "refuse"},
            {"direction": "export", "face": "yes", "then": "hold"},
            {"direction": "export", "burned_in": ["yes", "unknown"], "then": "hold"},
            {"direction": "export", "then": "de-identify"},
        ]

    def import_all():
        return [{"direction": "import", "then": "import"}, *ThePolicy.solution()[7:]]

    def wanted_first():
        rules = ThePolicy.solution()
        return [rules[4], rules[0], rules[1], rules[2], rules[3], *rules[5:]]

    def pixels_first():
        rules = ThePolicy.solution()
        return [rules[5], *rules[:5], *rules[6:]]

    def unclear_refused():
        return [{**rule, "then": "refuse"} if rule.get("patient") == "unclear" else rule for rule in ThePolicy.solution()]

    def twins_all_skipped():
        return [{"direction": "import", "twin": ["same", "other"], "then": "skip"} if "twin" in rule else rule
                for place, rule in enumerate(ThePolicy.solution()) if place != 3]

    def header_is_enough():
        return [rule for rule in ThePolicy.solution() if not (rule["direction"] == "export" and ("burned_in" in rule or "face" in rule))]

    def faces_forgotten():
        return [rule for rule in ThePolicy.solution() if "face" not in rule]

    def unknown_is_no():
        return [{**rule, "burned_in": "yes"} if "burned_in" in rule else rule for rule in ThePolicy.solution()]

    def consent_for_care():
        rules = ThePolicy.solution()
        return [*rules[:7], rules[8], rules[7], *rules[9:]]

    def teaching_identified():
        return [{**rule, "purpose": ["care", "teaching"]} if "purpose" in rule else rule for rule in ThePolicy.solution()]

    def care_anonymous():
        return [rule for rule in ThePolicy.solution() if "purpose" not in rule]

    def hold_everything():
        return [{"direction": ["import", "export"], "then": "hold"}]

    wrong_ways = {
        import_all: "Everything that is on a disc comes in, another patient's images among them.",
        wanted_first: "The rule on what was not asked for comes first, and with `skip` it decides on other patients' images, too. Nobody "
        "tells the sender that his disc holds them, and the unclear ones nobody looks at: identity comes before everything.",
        pixels_first: "The rule on burned-in text comes before those on identity. Another patient's ultrasound then waits in your queue "
        "in place of being refused.",
        unclear_refused: "You refuse what is unclear. One difference, such as a turned birth date, is a question for a person; refused, "
        "the prior is missing when the patient is read.",
        twins_all_skipped: "You skip whatever has its UID in the archive already. With another content it is no duplicate: one of the two "
        "is wrong, and nobody will look which.",
        header_is_enough: "You de-identify by the header alone. A name in the pixels of an ultrasound, and a face that anybody can render "
        "from a thin head scan, go out with it (PS3.15 E.3.1 and E.3.2 are options of their own for this).",
        faces_forgotten: "A head scan with thin slices is a portrait: the face can be rendered from it. The Clean Recognizable Visual "
        "Features Option (PS3.15 E.3.2, code 113102) is for that, and a person who runs it.",
        unknown_is_no: "You take `unknown` for NO. Burned In Annotation is optional (Type 3 in most images), and a card says `unknown` "
        "only where it is missing in an image of a kind that often has text in it: nobody knows, so a person looks.",
        consent_for_care: "The rule on consent comes before the one on care. What the patient refused is the use for trials and teaching; "
        "the colleague who treats him is left without images.",
        teaching_identified: "For teaching, series leave with the patients' names. A lecture is no treatment.",
        care_anonymous: "Colleagues who treat the patient get pseudonyms. They can't match the images to anybody: de-identification is "
        "for whoever need not know.",
        hold_everything: "Everything waits for a person. Nothing can go wrong, and nothing goes at all: by Friday somebody will put a "
        "disc into the nearest workstation.",
    }
    hints = [
        "Begin with the directions: `\"direction\": \"import\"` in each rule for what comes in, `\"export\"` for what goes out; the last "
        "rule of each direction has no other condition, and catches the rest.",
        "The order does the work. In: whose is it, is it there, was it asked for, what is in the pixels. Out: for whom, did the patient "
        "agree, what can be seen.",
        "A fact with three values, such as `burned_in`, needs two of them in one rule: `[\"yes\", \"unknown\"]`.",
    ]
    praise = "A policy that a machine can follow, a person can read, and an auditor can replay on last month's cards."

    def trial(settings, hospital):
        counts, example = {name: 0 for name, *_ in HARMS}, {}
        for card in lesson.input_of("cards", hospital):
            proper, (decided, rule) = _proper(card), _decide(settings, card)
            if proper == decided:
                continue
            name = next(name for name, applies, _ in HARMS if applies(proper, decided, card))
            counts[name] += 1
            example.setdefault(name, Example(card, decided, rule))
        return {"counts": counts, "examples": example}

    def faults(outcome):
        told = []
        for name, _, text in HARMS:
            count = outcome["counts"][name]
            if count:
                told.append(f"On {count} card{'s' * (count != 1)}: {text}. {outcome['examples'][name].told}")
        return told


@lesson.input
def replay(hospital):
    """A function: what a policy decides on the cards, counted: {"import": 31, ...}."""
    seen = lesson.input_of("cards", hospital)

    def count(policy):
        rules = policy_of(policy)
        found = {}
        for card in seen:
            decision, _ = _decide(rules, card)
            found[decision] = found.get(decision, 0) + 1
        return dict(sorted(found.items()))

    return count
