"""A new modality and what its images must say: the exercises of lesson cpia-06."""

import contextlib
import copy
import functools
import logging
import random
import re
import socket
import socketserver
import sys
from dataclasses import dataclass

from coursekit.checking import Client, Fields, Function, Kind, Lesson, Number, Outcome, Set, Table, Text, Verdict
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, is_library, plain, short, type_name
from coursekit.hospital import worklist
from coursekit.standards import dicom, objects

lesson = Lesson(
    "cpia-06",
    title="A new modality and what its images must say",
    version=1,
    minutes=150,
    objectives=[
        "hold what a device sends against the hospital's requirement profile, by type, condition and value, and name tag and rule",
        "say what a new software release changed, private attributes included, and which rules of the hospital that breaks",
        "prove that image, worklist item, performed procedure step, dose report and phantom agree",
    ],
    covers=["validate any new software and new modality interface against the hospital specific requirements for information content"],
    needs=["cpas-01", "cpas-04"],
)

DATE = "20250407"
# AE title: modality, SOP Class UID, manufacturer, model, software, serial number, body part, series, procedure code, procedure
DEVICES = {
    "CTER01": ("CT", "1.2.840.10008.5.1.4.1.1.2", "Norrland Imaging", "Torus 64", "8.1.0", "NI-41077", "HEAD", "HEAD 3.0 Hr38", "CTHEAD",
               "CT HEAD"),
    "CR_ER1": ("CR", "1.2.840.10008.5.1.4.1.1.1", "Pellicula Medical", "PlateReader 3", "5.4", "PM-2217", "KNEE", "Knee AP", "XRKNEE",
               "XR KNEE"),
    "MR1": ("MR", "1.2.840.10008.5.1.4.1.1.4", "Helio Systems", "Tarn 1.5T", "E12", "HS-0954", "BRAIN", "T2 transverse", "MRBRAIN",
            "MR BRAIN"),
    "US_OB1": ("US", "1.2.840.10008.5.1.4.1.1.6.1", "Sondar", "Aurora OB", "3.0.7", "SO-551", "UTERUS", "Obstetric", "USOB",
               "US OBSTETRIC"),
    "MG1": ("MG", "1.2.840.10008.5.1.4.1.1.1.2", "Aldergate Imaging", "Mamma 3D", "3.0", "2.999-MG-0077", "BREAST", "R CC", "MGSCREEN",
            "MG SCREENING BILATERAL"),
}
BORN = {"US": (1984, 2006), "MG": (1952, 1975)}       # of an obstetric ultrasound, of screening; the other exams are for everybody
PAIRED = ("KNEE", "HAND", "WRIST", "HIP", "SHOULDER", "BREAST", "CLAVICLE")
FINE, ABSENT, EMPTY, UNEXPECTED, VALUE = "ok", "absent", "empty", "not expected", "value"


# --- the hospital's requirement profile

@dataclass(frozen=True)
class Rule:
    """A line of the requirement profile.

    keyword   : the attribute
    standard  : its type in the DICOM Standard
    kind      : its type at this hospital: "1", "1C", "2", "2C" or "3"; never looser than the standard's
    condition : in words, when a 1C or 2C attribute is required; "" for the other types
    otherwise : whether it may be present when the condition does not hold
    values    : the values on its list; empty when any will do
    closed    : whether no other value may be used (enumerated values), or others may too (defined terms)
    inside    : the keyword of the sequence in whose items it stands, or ""
    """

    keyword: str
    standard: str
    kind: str
    condition: str = ""
    otherwise: bool = False
    values: tuple = ()
    closed: bool = False
    inside: str = ""

    @property
    def tag(self):
        """Its tag, as "(0010,0020)"."""
        return dicom.tag(self.keyword).upper()

    def applies(self, ds):
        """Whether its condition holds for the image `ds`; True for a rule without one."""
        return CONDITIONS[self.condition](ds) if self.condition else True

    def __repr__(self):
        where = f"{self.inside} > " if self.inside else ""
        return f"<{where}{self.keyword} {self.tag}, type {self.kind}>"

    def __deepcopy__(self, memo):
        return self


def _value(ds, keyword):
    return str(ds.get(keyword) or "")


CONDITIONS = {
    "CT or MR": lambda ds: _value(ds, "Modality") in ("CT", "MR"),
    "CT": lambda ds: _value(ds, "Modality") == "CT",
    "CR, DX or MG": lambda ds: _value(ds, "Modality") in ("CR", "DX", "MG"),
    "CT, Image Type value 1 is ORIGINAL": lambda ds: (
        _value(ds, "Modality") == "CT" and list(ds.get("ImageType") or [""])[0] == "ORIGINAL"),
    "paired body part, Image Laterality absent": lambda ds: (
        _value(ds, "BodyPartExamined") in PAIRED and "ImageLaterality" not in ds),
}
REQUEST = "RequestAttributesSequence"
PROFILE = (
    Rule("SpecificCharacterSet", "1C", "1", values=("ISO_IR 100", "ISO_IR 192"), closed=True),
    Rule("TimezoneOffsetFromUTC", "3", "1"),
    Rule("AccessionNumber", "2", "1"),
    Rule("ReferringPhysicianName", "2", "2"),
    Rule("StationName", "3", "1"),
    Rule("SeriesDescription", "3", "1"),
    Rule("PatientID", "2", "1"),
    Rule("IssuerOfPatientID", "3", "1", values=("HVGH",), closed=True),
    Rule("PatientBirthDate", "2", "2"),
    Rule("PatientSex", "2", "2", values=("M", "F", "O"), closed=True),
    Rule("BodyPartExamined", "3", "1", values=("ABDOMEN", "BRAIN", "BREAST", "CHEST", "HAND", "HEAD", "HIP", "KNEE", "LSPINE", "PELVIS",
                                               "SHOULDER", "UTERUS", "WRIST")),
    Rule("Laterality", "2C", "2C", "paired body part, Image Laterality absent", values=("R", "L"), closed=True),
    Rule("PatientPosition", "2C", "2C", "CT or MR", otherwise=True, values=("HFS", "HFP", "FFS", "FFP", "HFDR", "HFDL", "FFDR", "FFDL")),
    Rule("BurnedInAnnotation", "3", "3", values=("YES", "NO"), closed=True),
    Rule("RescaleIntercept", "1", "1C", "CT", otherwise=True),
    Rule("CTDIvol", "3", "1C", "CT, Image Type value 1 is ORIGINAL", otherwise=True),
    Rule("IrradiationEventUID", "3", "1C", "CT", otherwise=True),
    Rule("ExposureIndex", "3", "1C", "CR, DX or MG"),
    Rule(REQUEST, "3", "1"),
    Rule("RequestedProcedureID", "1C", "1", inside=REQUEST),
    Rule("ScheduledProcedureStepID", "1C", "1", inside=REQUEST),
    Rule("ScheduledProtocolCodeSequence", "3", "1C", "CT or MR", otherwise=True, inside=REQUEST),
)
CODES = "ProcedureCodeSequence"
# A second profile, of the research archive, with another sequence and lists of its own: the validator is tried with it, too.
RESEARCH = (
    Rule("PatientSex", "2", "2", values=("F", "M"), closed=True),
    Rule("BurnedInAnnotation", "3", "1", values=("NO",), closed=True),
    Rule("RescaleType", "1C", "1C", "CT", otherwise=True, values=("HU",), closed=True),
    Rule(CODES, "3", "1"),
    Rule("CodeValue", "1C", "1", inside=CODES),
    Rule("CodingSchemeDesignator", "1C", "1", values=("99HV", "SCT"), closed=True, inside=CODES),
    Rule("CodingSchemeVersion", "1C", "1C", "CT or MR", inside=CODES),
)


@lesson.input
def profile(hospital):
    """The requirement profile: a tuple of Rule."""
    return PROFILE


@lesson.input
def profile_table(hospital):
    """The same as a table."""
    import pandas

    return pandas.DataFrame([{
        "tag": rule.tag, "attribute": f"> {rule.keyword}" if rule.inside else rule.keyword, "standard": rule.standard, "HVGH": rule.kind,
        "condition": rule.condition, "otherwise": "may be present" if rule.otherwise else "",
        "values": (", ".join(rule.values[:6]) + (", ..." if len(rule.values) > 6 else "")),
        "list": ("closed" if rule.closed else "open") if rule.values else "",
    } for rule in PROFILE])


# --- what the devices of the acceptance test send

def _order(device, draw):
    """The worklist item of the acceptance test at a device: a Dataset as HV_MWL answers it."""
    modality, *_, code, procedure = DEVICES[device]
    number = draw.randrange(60, 98)
    step = f"SPS{draw.randrange(30000, 60000)}"
    item = {
        "SpecificCharacterSet": "ISO_IR 192", "AccessionNumber": f"A{DATE[2:]}99{number:02d}",
        "ReferringPhysicianName": draw.choice(worklist.REFERRERS)[1],
        "PatientName": f"TESTPATIENT^{draw.choice(('ALFA', 'BRAVO', 'DELTA', 'ECHO', 'KILO', 'OSCAR'))}",
        "PatientID": f"HV9{draw.randrange(10000, 99999)}", "IssuerOfPatientID": "HVGH",
        "PatientBirthDate": f"{draw.randrange(*BORN.get(modality, (1941, 1999)))}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}",
        "PatientSex": "F" if modality in ("MG", "US") else draw.choice("FM"),
        "StudyInstanceUID": f"2.999.200.9.{DATE[2:]}.{number}", "RequestedProcedureDescription": procedure,
        "RequestedProcedureCodeSequence": [worklist.code(code, procedure)], "RequestedProcedureID": f"RP{draw.randrange(30000, 60000)}",
        "ScheduledProcedureStepSequence": [{
            "Modality": modality, "ScheduledStationAETitle": device, "ScheduledStationName": device,
            "ScheduledProcedureStepStartDate": DATE, "ScheduledProcedureStepStartTime": "091500",
            "ScheduledProcedureStepDescription": procedure, "ScheduledProcedureStepID": step,
            "ScheduledProtocolCodeSequence": [worklist.code(code, procedure)],
        }],
    }
    return worklist.dataset(item)


def _image(device, order, number=1):
    """The header of an image that `device` makes for the worklist item `order`, as this hospital wants it: a Dataset without pixels."""
    from pydicom import Dataset

    modality, sop_class, maker, model, software, serial, part, series, *_ = DEVICES[device]
    step = order.ScheduledProcedureStepSequence[0]
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if modality == "CT" else ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, f"{order.StudyInstanceUID}.2.{number}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DATE
    ds.StudyTime, ds.SeriesTime, ds.AcquisitionTime, ds.ContentTime = "092010", "092241", "092255", "092255"
    ds.TimezoneOffsetFromUTC = "+0200"
    ds.AccessionNumber, ds.Modality = order.AccessionNumber, modality
    ds.Manufacturer, ds.InstitutionName = maker, "Harbour Vale General Hospital"
    ds.ReferringPhysicianName, ds.StationName = order.ReferringPhysicianName, device
    ds.StudyDescription, ds.SeriesDescription, ds.ManufacturerModelName = order.RequestedProcedureDescription, series, model
    ds.ProcedureCodeSequence = copy.deepcopy(list(order.RequestedProcedureCodeSequence))
    ds.PatientName, ds.PatientID, ds.IssuerOfPatientID = order.PatientName, order.PatientID, order.IssuerOfPatientID
    ds.PatientBirthDate, ds.PatientSex = order.PatientBirthDate, order.PatientSex
    ds.BodyPartExamined, ds.DeviceSerialNumber, ds.SoftwareVersions = part, serial, software
    ds.StudyInstanceUID, ds.SeriesInstanceUID = order.StudyInstanceUID, f"{order.StudyInstanceUID}.2"
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "1", 2, 1, number
    ds.BurnedInAnnotation = "NO"
    request = Dataset()
    request.ScheduledProcedureStepDescription = step.ScheduledProcedureStepDescription
    request.ScheduledProcedureStepID = step.ScheduledProcedureStepID
    request.RequestedProcedureID = order.RequestedProcedureID
    request.ScheduledProtocolCodeSequence = copy.deepcopy(list(step.ScheduledProtocolCodeSequence))
    ds.RequestAttributesSequence = [request]
    _OF_MODALITY[modality](ds, number)
    return ds


def _of_ct(ds, number):
    """As release 8.1.0 writes it; what 7.2.1 wrote otherwise stands in `_release`."""
    _planes(ds, number)
    ds.KVP, ds.ConvolutionKernel, ds.SliceThickness, ds.CTDIvol = "120", "Hr38", "3", 42.1
    ds.CTDIPhantomTypeCodeSequence = [objects.code("113690", "DCM", "IEC Head Dosimetry Phantom")]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.PatientPosition, ds.ProtocolName, ds.ReconstructionDiameter = "FFS", "HEAD_ROUTINE", "250"
    ds.IrradiationEventUID = f"{ds.StudyInstanceUID}.7.2"
    del ds.BurnedInAnnotation
    _private(ds, {RECON: {0x01: ("IS", 212), 0x02: ("LO", "MODE 220")},
                  NORRLAND: {0x01: ("IS", 388), 0x02: ("IS", 415), 0x10: ("LO", "TUBE 107"), 0x20: ("LO", "AI DENOISE 2")}})


NORRLAND, RECON = "NORRLAND CT ACQ 01", "NORRLAND RECON 02"


def _private(ds, elements):
    """Write the private elements of group 0019, {creator: {last two digits: (VR, value)}}: a block for each creator, in this order."""
    for tag in [element.tag for element in ds.group_dataset(0x0019)]:
        del ds[tag]
    for creator, inside in elements.items():
        block = ds.private_block(0x0019, creator, create=True)
        for place, (vr, value) in inside.items():
            block.add_new(place, vr, str(value))


def _of_mr(ds, number):
    _planes(ds, number)
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength, ds.SliceThickness = "4200", "98", "12", "4"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]


def _planes(ds, number):
    ds.PatientPosition, ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = "HFS", ds.StudyInstanceUID + ".9", ""
    ds.ImagePositionPatient, ds.ImageOrientationPatient = ["-120", "-120", str(3 * number)], ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing = ["0.5", "0.5"]


def _of_cr(ds, number):
    ds.Laterality, ds.ViewPosition, ds.PatientOrientation = "R", "AP", ["L", "F"]
    ds.ExposureIndex, ds.TargetExposureIndex, ds.DeviationIndex, ds.ImagerPixelSpacing = "412", "400", "0.1", ["0.15", "0.15"]


def _of_us(ds, number):
    ds.PatientOrientation = ""


def _of_mg(ds, number):
    ds.ImageLaterality, ds.PresentationIntentType, ds.PatientOrientation = "R", "FOR PRESENTATION", ["P", "L"]
    ds.ImagerPixelSpacing, ds.ExposureIndex = ["0.1", "0.1"], "388"


_OF_MODALITY = {"CT": _of_ct, "MR": _of_mr, "CR": _of_cr, "US": _of_us, "MG": _of_mg}


def _with_pixels(ds, side=16):
    """`ds` with a small square of grey, so that it is a whole object."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", side, side
    ds.BitsAllocated = ds.BitsStored = 8 if ds.Modality in ("US", "OT") else 16
    ds.BitsStored = min(ds.BitsStored, 12)
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    ds.add_new("PixelData", "OB" if ds.BitsAllocated == 8 else "OW", bytes(side * side * ds.BitsAllocated // 8))
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _frame(value):
    """A table as pandas' own DataFrame, whatever class of the learner's it is; None for anything else."""
    return sys.modules["pandas"].DataFrame(value) if is_library(value, "pandas", "DataFrame") else None


def _pairs(value):
    """The rows of a table of two columns, as pairs; None for anything else."""
    frame = _frame(value)
    if frame is None or len(frame.columns) != 2:
        return None
    return [list(pair) for pair in zip(plain(frame.iloc[:, 0]), plain(frame.iloc[:, 1]), strict=True)]


class Word(Text):
    """One of a few words; a Text that refuses every other."""

    def __init__(self, words):
        super().__init__("", reading=self._one)
        self.words = words
        self.takes = f"one of the words {', '.join(words)}"

    def _one(self, value):
        text = " ".join(str(value).strip(" '\".").casefold().replace("_", " ").split())
        if text not in self.words:
            raise ValueError(f"the words are {', '.join(self.words)}")
        return text


def _state(ds, keyword, kind, applies, otherwise):
    """What there is to be seen in a case of exercise 1, and where its rule stands."""
    if keyword not in ds:
        how = "is not there"
    elif ds[keyword].is_empty:
        how = "is there, without items" if ds[keyword].VR == "SQ" else "is there, without a value"
    else:
        how = "is there, with an item" if ds[keyword].VR == "SQ" else f"is there, with the value {short(str(ds[keyword].value))}"
    if kind in ("1", "2", "3"):
        rule = f"the row of type {kind}"
    elif applies:
        rule = f"what {kind} is like while its condition holds"
    elif otherwise:
        rule = f"what the row of {kind} says of *may be present otherwise*"
    else:
        rule = f"what the row of {kind} says of a condition that does not hold"
    return f"In this data set `{keyword}` {how}. Look up in the table {rule}."


@lesson.exercise
class TypeFault:
    """Write the function `type_fault(ds, keyword, kind, applies, otherwise)`: does the attribute `keyword` in the data set `ds` keep to its
    type? It returns **one word**: `"ok"`, `"absent"`, `"empty"`, or `"not expected"` for an attribute that is there and must not be.

    - `kind` is the type as text: `"1"`, `"1C"`, `"2"`, `"2C"` or `"3"`.
    - `applies` is True when the condition of a type 1C or 2C holds, `otherwise` is True when the profile says *may be present otherwise*.
      For types 1, 2 and 3 they are True and False; take no notice.

    A sequence without items is empty; one that has an item is not, even if nothing stands in that item. The function is tried on data
    sets that you have not seen. (One combination is not among them: a 1C or 2C attribute that may be present otherwise, whose condition
    does not hold, and that is there *empty*. The standard says nothing of it.)
    """

    answer = Function("type_fault", result=Word((FINE, ABSENT, EMPTY, UNEXPECTED)), about=_state)
    points = 3

    def solution(ds, keyword, kind, applies, otherwise):
        if kind == "3":
            return "ok"
        if kind in ("1C", "2C") and not applies:
            if keyword in ds and not otherwise:
                return "not expected"
            return "ok"
        if keyword not in ds:
            return "absent"
        if kind in ("1", "1C") and ds[keyword].is_empty:
            return "empty"
        return "ok"

    def cases(draw):
        from pydicom import Dataset

        valued = {"PatientID": f"HV{draw.randrange(101000, 198999)}", "StationName": draw.choice(list(DEVICES)),
                  "KVP": "120", "AccessionNumber": f"A{DATE[2:]}99{draw.randrange(10, 99)}"}
        zero = {"RescaleIntercept": "0", "PixelRepresentation": 0, "GantryDetectorTilt": "0.0", "SmallestImagePixelValue": 0}
        empty = {"PatientID": "", "StationName": "", "KVP": "", "PatientName": "", "Rows": None, "ImagePositionPatient": []}
        item = Dataset()
        item.RequestedProcedureID = f"RP{draw.randrange(30000, 60000)}"
        sorts = {
            "valued": list(valued.items()), "zero": list(zero.items()), "empty": list(empty.items()),
            "no items": [("RequestAttributesSequence", []), ("ProcedureCodeSequence", [])],
            "items": [("RequestAttributesSequence", [item]), ("ReferencedStudySequence", [item, Dataset()])],
            "a bare item": [("RequestAttributesSequence", [Dataset()]), ("ProcedureCodeSequence", [Dataset()])],
            "absent": [("BodyPartExamined", ABSENT), ("ProtocolName", ABSENT)],
        }
        kinds = [("1", True, False), ("2", True, False), ("3", True, False), ("1C", True, False), ("1C", True, True), ("2C", True, False),
                 ("1C", False, False), ("2C", False, False), ("1C", False, True), ("2C", False, True)]
        cases = []
        for kind, applies, otherwise in kinds:
            for sort, chosen in sorts.items():
                if sort in ("empty", "no items") and otherwise and not applies:
                    continue                    # PS3.5 7.4.2 asks for a value "under these conditions", and says nothing of the others
                keyword, value = draw.choice(chosen)
                ds = Dataset()
                ds.Modality = "CT"
                ds.SOPInstanceUID = f"2.999.200.9.{draw.randrange(1, 999)}.1"
                if value is not ABSENT:
                    setattr(ds, keyword, value)
                cases.append((ds, keyword, kind, applies, otherwise))
        return cases

    def present_is_valid(ds, keyword, kind, applies, otherwise):
        if kind == "3":
            return "ok"
        if kind in ("1C", "2C") and not applies:
            return "not expected" if keyword in ds and not otherwise else "ok"
        return "ok" if keyword in ds else "absent"

    def two_like_one(ds, keyword, kind, applies, otherwise):
        if kind == "3":
            return "ok"
        if kind in ("1C", "2C") and not applies:
            return "not expected" if keyword in ds and not otherwise else "ok"
        if keyword not in ds:
            return "absent"
        return "empty" if ds[keyword].is_empty else "ok"

    def two_c_like_one_c(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, "1C" if kind == "2C" else kind, applies, otherwise)

    def two_c_never_checked(ds, keyword, kind, applies, otherwise):
        return "ok" if kind == "2C" else TypeFault.solution(ds, keyword, kind, applies, otherwise)

    def two_like_three(ds, keyword, kind, applies, otherwise):
        found = TypeFault.solution(ds, keyword, kind, applies, otherwise)
        return "ok" if found == "absent" and kind in ("2", "2C") else found

    def unconditional(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, kind, True, otherwise)

    def conditional_never_checked(ds, keyword, kind, applies, otherwise):
        return "ok" if kind in ("1C", "2C") else TypeFault.solution(ds, keyword, kind, applies, otherwise)

    def nothing_is_forbidden(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, kind, applies, True)

    def otherwise_overlooked(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, kind, applies, False)

    def zero_is_empty(ds, keyword, kind, applies, otherwise):
        found = TypeFault.solution(ds, keyword, kind, applies, otherwise)
        required = kind == "1" or kind == "1C" and applies
        return "empty" if found == "ok" and required and not ds[keyword].value else found

    def no_items_is_a_value(ds, keyword, kind, applies, otherwise):
        found = TypeFault.solution(ds, keyword, kind, applies, otherwise)
        return "ok" if found == "empty" and ds[keyword].VR == "SQ" else found

    def three_may_not_be_empty(ds, keyword, kind, applies, otherwise):
        if kind == "3" and keyword in ds and ds[keyword].is_empty:
            return "empty"
        return TypeFault.solution(ds, keyword, kind, applies, otherwise)

    def three_like_two(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, "2" if kind == "3" else kind, applies, otherwise)

    def three_like_one(ds, keyword, kind, applies, otherwise):
        return TypeFault.solution(ds, keyword, "1" if kind == "3" else kind, applies, otherwise)

    def empty_counts_as_absent(ds, keyword, kind, applies, otherwise):
        found = TypeFault.solution(ds, keyword, kind, applies, otherwise)
        return "absent" if found == "empty" else found

    def empty_is_not_there(ds, keyword, kind, applies, otherwise):
        if keyword in ds and ds[keyword].is_empty:
            ds = {}
        return TypeFault.solution(ds, keyword, kind, applies, otherwise)

    def emptiness_first(ds, keyword, kind, applies, otherwise):
        if kind in ("1", "1C") and keyword in ds and ds[keyword].is_empty:
            return "empty"
        return TypeFault.solution(ds, keyword, kind, applies, otherwise)

    def empty_may_stay(ds, keyword, kind, applies, otherwise):
        found = TypeFault.solution(ds, keyword, kind, applies, otherwise)
        return "ok" if found == "not expected" and ds[keyword].is_empty else found

    wrong_ways = {
        present_is_valid: "For you an attribute that is present is in order. A device that sends every tag of the list, all of them "
        "empty, would pass. Types 1 and 1C need a value: their length shall not be zero (PS3.5 section 7.4.1).",
        two_like_one: "You refuse empty attributes of type 2 as well. Type 2 says: I have looked, and the value is not known; a birth "
        "date of an unconscious patient, say. It must be there and may be empty (PS3.5 section 7.4.3).",
        two_c_like_one_c: "You refuse an empty attribute of type 2C. When the condition holds, 2C is like 2: there, but perhaps empty "
        "(PS3.5 section 7.4.4).",
        two_c_never_checked: "You leave out type 2C. While its condition holds it is like 2: it must be there. While the condition does "
        "not hold, it must not, unless it may be present otherwise (PS3.5 section 7.4.4).",
        two_like_three: "You let an attribute of type 2 be missing. Unknown is said with an empty attribute, not with none: the absence "
        "of type 2 is a protocol violation (PS3.5 section 7.4.3).",
        unconditional: "You require types 1C and 2C of every image. They are required only while their condition holds; a CT has no "
        "exposure index to give (PS3.5 sections 7.4.2 and 7.4.4). Look at `applies`.",
        conditional_never_checked: "You leave out 1C and 2C, as if conditional meant optional. While the condition holds, 1C is as "
        "strict as 1, and 2C as 2 (PS3.5 sections 7.4.2 and 7.4.4).",
        nothing_is_forbidden: "When its condition does not hold, you let a 1C or 2C attribute be there all the same. The standard says "
        "*shall not be included*, unless its description adds *may be present otherwise* (PS3.5 sections 7.4.2 and 7.4.4).",
        otherwise_overlooked: "You refuse attributes whose description says *may be present otherwise*. For these a condition that does "
        "not hold only takes the duty away. Look at `otherwise`.",
        zero_is_empty: "You take the number zero for no value: a rescale intercept of 0, a pixel representation of 0. `not value` is "
        "true for 0 as well as for nothing. Ask the element whether it `is_empty`.",
        no_items_is_a_value: "A sequence without items passes for one with a value. Its VM is always 1, with or without items (PS3.5 "
        "section 7.5); but of type 1 it needs at least one item (section 7.4.1).",
        three_may_not_be_empty: "You refuse an empty attribute of type 3. An optional attribute may be absent or empty, and both mean "
        "the same (PS3.5 section 7.4.5).",
        three_like_two: "You require attributes of type 3. They are optional: a device that leaves them out is within the standard "
        "(PS3.5 section 7.4.5). If the hospital needs one, its *profile* makes a 1 of it.",
        three_like_one: "You treat type 3 like type 1. It is optional: absent or empty, both are in order (PS3.5 section 7.4.5).",
        empty_counts_as_absent: "An attribute that is there and empty you call absent. For the vendor these are two different mistakes: "
        "one forgot the attribute, the other its value.",
        empty_is_not_there: "You treat an empty attribute like a missing one. For type 2 they are opposites: empty is in order, missing "
        "is not (PS3.5 section 7.4.3); and what must not be included must not be there empty either.",
        emptiness_first: "You ask whether the attribute is empty before you ask whether it may be there at all. Of a 1C attribute whose "
        "condition does not hold, the fault is that it was sent; that it is empty as well mends nothing (PS3.5 section 7.4.2).",
        empty_may_stay: "Where the condition does not hold, you let an empty attribute stay. *Shall not be included in the data set* "
        "(PS3.5 sections 7.4.2 and 7.4.4) means the element, with or without a value.",
    }
    hints = [
        "Ask in this order: which type? If it is conditional, does the condition hold? Is the attribute there? And only then: has it a "
        "value?",
        "Type 3 is always in order. 1C and 2C are like 1 and 2 while `applies` is true; else the attribute must be missing, unless "
        "`otherwise` is true.",
        "`keyword in ds` tells whether it is there; `ds[keyword].is_empty` whether it has no value, for sequences too. Only types 1 and "
        "1C mind that.",
        "Begin with `if kind == \"3\": return \"ok\"`. Then comes `if kind in (\"1C\", \"2C\") and not applies:`, with a return in each "
        "of its branches.",
    ]
    praise = ("With these few lines you can hold any device against any profile: all five types, and the two states that people mix up "
              "most, absent and empty.")


type_fault = TypeFault.solution


@lesson.input
def type_check(hospital):
    """The function of exercise 1 as the lesson has it, so that a slip there does not follow the learner."""
    return type_fault


# --- the validator

FAULTS = {              # what goes wrong with the images of a device: a name, and a function of the header
    "no character set": lambda ds: delattr(ds, "SpecificCharacterSet"),
    "latin 2": lambda ds: setattr(ds, "SpecificCharacterSet", "ISO_IR 101"),
    "no zone": lambda ds: delattr(ds, "TimezoneOffsetFromUTC"),
    "accession empty": lambda ds: setattr(ds, "AccessionNumber", ""),
    "no referrer": lambda ds: delattr(ds, "ReferringPhysicianName"),
    "station empty": lambda ds: setattr(ds, "StationName", ""),
    "series unnamed": lambda ds: delattr(ds, "SeriesDescription"),
    "issuer of the vendor": lambda ds: setattr(ds, "IssuerOfPatientID", "LOCAL"),
    "issuer in small letters": lambda ds: setattr(ds, "IssuerOfPatientID", "hvgh"),
    "no issuer": lambda ds: delattr(ds, "IssuerOfPatientID"),
    "no patient ID": lambda ds: delattr(ds, "PatientID"),
    "patient ID empty": lambda ds: setattr(ds, "PatientID", ""),
    "no birth date": lambda ds: delattr(ds, "PatientBirthDate"),
    "sex unknown": lambda ds: setattr(ds, "PatientSex", "U"),
    "sex of another list": lambda ds: setattr(ds, "PatientSex", "R"),
    "no sex": lambda ds: delattr(ds, "PatientSex"),
    "part empty": lambda ds: setattr(ds, "BodyPartExamined", ""),
    "burned in": lambda ds: setattr(ds, "BurnedInAnnotation", "N"),
    "no request": lambda ds: delattr(ds, REQUEST),
    "request without items": lambda ds: setattr(ds, REQUEST, []),
    "no procedure": lambda ds: delattr(ds[REQUEST].value[0], "RequestedProcedureID"),
    "step empty": lambda ds: setattr(ds[REQUEST].value[0], "ScheduledProcedureStepID", ""),
    "second request bare": lambda ds: ds[REQUEST].value.append(_bare()),
    "two requests, each at fault": lambda ds: _at_fault_each(ds),
    "first of two requests at fault": lambda ds: (_second(ds), delattr(ds[REQUEST].value[0], "RequestedProcedureID")),
}
NO_PROTOCOL = {"no protocol": lambda ds: delattr(ds[REQUEST].value[0], "ScheduledProtocolCodeSequence")}
FAULTS_OF = {
    "CT": {"no position": lambda ds: delattr(ds, "PatientPosition"), "no intercept": lambda ds: delattr(ds, "RescaleIntercept"),
           "no dose": lambda ds: delattr(ds, "CTDIvol"), "no event": lambda ds: delattr(ds, "IrradiationEventUID"),
           "exposure index": lambda ds: setattr(ds, "ExposureIndex", "100"),
           "laterality of a head": lambda ds: setattr(ds, "Laterality", "B"), **NO_PROTOCOL},
    "MR": {"no position": lambda ds: delattr(ds, "PatientPosition"), "laterality of a head": lambda ds: setattr(ds, "Laterality", "R"),
           "protocol empty": lambda ds: setattr(ds[REQUEST].value[0], "ScheduledProtocolCodeSequence", [])},
    "CR": {"no index": lambda ds: delattr(ds, "ExposureIndex"), "no side": lambda ds: delattr(ds, "Laterality"),
           "both sides": lambda ds: setattr(ds, "Laterality", "B"), "side of another list": lambda ds: setattr(ds, "Laterality", "M"),
           "side told twice": lambda ds: setattr(ds, "ImageLaterality", "R")},
}
RARE_PARTS = {"CT": "SKULL", "MR": "ORBIT", "CR": "CLAVICLE", "US": "BLADDER"}      # of PS3.16 Annex L, and not on the profile's list
# What looks odd and is in order.
ODDITIES = {
    "unknown birth date": lambda ds: setattr(ds, "PatientBirthDate", ""),
    "sex not told": lambda ds: setattr(ds, "PatientSex", ""),
    "rare part": lambda ds: setattr(ds, "BodyPartExamined", RARE_PARTS[ds.Modality]),
    "no annotation told": lambda ds: ds.pop("BurnedInAnnotation", None),
    "annotation empty": lambda ds: setattr(ds, "BurnedInAnnotation", ""),
    "two requests": lambda ds: _second(ds),
}
ODDITIES_OF = {
    "CT": {"no rescaling needed": lambda ds: setattr(ds, "RescaleIntercept", "0"),
           "reformatted": lambda ds: (setattr(ds, "ImageType", ["DERIVED", "SECONDARY", "AXIAL"]), delattr(ds, "CTDIvol")),
           "head first, in a vendor's words": lambda ds: setattr(ds, "PatientPosition", "HFS TILT")},
    "MR": {"position empty": lambda ds: setattr(ds, "PatientPosition", ""), "rescaled": lambda ds: setattr(ds, "RescaleIntercept", "0")},
    "CR": {"side of the image": lambda ds: (delattr(ds, "Laterality"), setattr(ds, "ImageLaterality", "L")),
           "side not told": lambda ds: setattr(ds, "Laterality", ""), **NO_PROTOCOL},
    "US": {"position told": lambda ds: setattr(ds, "PatientPosition", "HFS"), **NO_PROTOCOL},
}


def _bare():
    """An item of the Request Attributes Sequence as a device fills it that knows of the reason alone."""
    from pydicom import Dataset

    item = Dataset()
    item.ReasonForTheRequestedProcedure, item.RequestedProcedureID = "second look", "RP30000"
    return item


def _second(ds):
    """A second item of the Request Attributes Sequence, like the first: that one returned."""
    ds[REQUEST].value.append(copy.deepcopy(ds[REQUEST].value[0]))
    return ds[REQUEST].value[1]


def _at_fault_each(ds):
    """Make two items of the Request Attributes Sequence, whose Requested Procedure ID is not there in the one, empty in the other."""
    _second(ds).RequestedProcedureID = ""
    del ds[REQUEST].value[0].RequestedProcedureID


def _for_research(device, draw, sex=None, burned="NO", rescale=None, codes=1, change=None):
    """A header of `device` for the second profile: with these values, and so many procedure codes, the last changed by `change`."""
    ds = _dump(device, draw)
    ds.BurnedInAnnotation, ds.PatientSex = burned, ds.PatientSex if sex is None else sex
    if rescale:
        ds.RescaleType = rescale
    ds[CODES].value.extend(copy.deepcopy(ds[CODES].value[0]) for _ in range(codes - 1))
    if ds.Modality in ("CT", "MR"):
        for item in ds[CODES].value:
            item.CodingSchemeVersion = "2025"
    if change:
        change(ds[CODES].value[-1])
    return ds


def _research(draw):
    """Headers for the second profile, with what is wrong by it and what only looks odd."""
    def vendor(item):
        item.CodingSchemeDesignator = "99VENDOR"

    made = [
        _for_research("CTER01", draw),
        _for_research("CTER01", draw, burned="YES", change=lambda item: delattr(item, "CodingSchemeVersion")),
        _for_research("MR1", draw, rescale="US"),
        _for_research("MR1", draw, sex="", codes=2, change=vendor),
        _for_research("CR_ER1", draw, sex="O", change=lambda item: setattr(item, "CodingSchemeVersion", "2025")),
        _for_research("CR_ER1", draw, codes=2, change=lambda item: setattr(item, "CodingSchemeDesignator", "SCT")),
        _for_research("US_OB1", draw, change=lambda item: setattr(item, "CodeValue", "")),
        _for_research("MG1", draw, burned="YES", change=vendor),
    ]
    bare = _for_research("MG1", draw)
    del bare[CODES]
    return [*made, bare]


def _dump(device, draw, faults=(), oddities=()):
    """A header of `device` with these faults and oddities."""
    ds = _image(device, _order(device, draw))
    for name in oddities:
        (ODDITIES | ODDITIES_OF.get(ds.Modality, {}))[name](ds)
    for name in faults:
        (FAULTS | FAULTS_OF.get(ds.Modality, {}))[name](ds)
    return ds


@lesson.input
def dumps(hospital):
    """Headers of six exams of the candidates: {name: Dataset}. Two are in order, though they look odd."""
    draw = random.Random(f"cpia-06 candidates {hospital.seed}")
    made = {
        "CTER01, trauma head": _dump("CTER01", draw, ["no dose", "step empty"], ["unknown birth date"]),
        "CTER01, reformats": _dump("CTER01", draw, [], ["reformatted", "rare part"]),
        "CR_ER1, new plates": _dump("CR_ER1", draw, ["both sides", "accession empty"], ["sex not told"]),
        "MR1, trial sequence": _dump("MR1", draw, [], ["position empty", "annotation empty", "two requests"]),
        "US_OB1, loan unit": _dump("US_OB1", draw, ["no request", "issuer of the vendor", "no zone"]),
        "MG1, release 3.0": _dump("MG1", draw, ["second request bare", "no referrer"]),
    }
    return made


class Findings(Kind):
    """What a validator finds: pairs of tag and word, in any order; a pair that is there twice, for two items, counts once."""

    takes = "a list of pairs, each a tag and a word"

    def read(self, given):
        """A dict from (tag, word) to the pair as it was given."""
        if given is None:
            raise Unclear("None. Of a device in order it is an empty list")
        if type(given) is str:
            raise Unclear(describe(given))
        pairs = _pairs(given)
        value = plain(given) if pairs is None else pairs
        if type(value) is dict:
            value = [list(pair) for pair in value.items()]
        if type(value) is list and len(value) == 2 and all(type(part) in (str, int) for part in value) and _is_word(value[1]):
            value = [value]
        if type(value) is not list:
            raise Unclear(describe(given))
        found = {}
        for pair in value:
            if type(pair) is not list or len(pair) != 2:
                raise Unreadable("Each finding is a pair, a tag and a word, such as `(\"(0010,0040)\", \"absent\")`; one of yours is "
                                 f"{short(pair)}.")
            try:
                found[_attribute(pair[0]), Word(WORDS)._one(pair[1])] = pair
            except (ValueError, TypeError) as problem:
                raise Unreadable(f"The finding {short(pair)} can't be read: {str(problem).rstrip('.')}.") from None
        return found

    def difference(self, answer, other):
        """None when both have the same findings."""
        extra = [pair for key, pair in answer.items() if key not in other]
        missing = [key for key in other if key not in answer]
        if extra:
            tags = {tag for tag, _ in other}
            tag, word = self._key(extra[0])
            if tag in tags:
                return Difference(f"{short(extra[0])}: the attribute is at fault, but not so.", "word")
            return Difference(f"{short(extra[0])} is a false alarm: this device keeps to that rule.", "extra")
        if missing:
            tag = missing[0][0].upper()
            where = next((f"{rule.inside} > {rule.keyword}" if rule.inside else rule.keyword for rule in PROFILE + RESEARCH
                          if rule.tag == tag), "")
            what = "the one fault" if len(other) == 1 else f"{len(missing)} of the {len(other)} faults"
            first = "It is" if len(missing) == 1 else "The first of them is"
            return Difference(f"It overlooks {what} of this device. {first} about {tag} {where}.", "missing")
        return None

    def _key(self, pair):
        return _attribute(pair[0]), pair[1]


WORDS = (ABSENT, EMPTY, UNEXPECTED, VALUE)


def _is_word(value):
    try:
        return bool(Word(WORDS)._one(value))
    except ValueError:
        return False


def _attribute(value):
    """The tag of an attribute; of a path through a sequence, such as "RequestAttributesSequence > RequestedProcedureID", that of its
    end."""
    if isinstance(value, str) and ">" in value:
        value = value.rsplit(">", 1)[1].strip()
    return dicom.tag(value)


def _validated(ds, profile, items_of=None, applies=None, kind=None, otherwise=None, values=None):
    """The reference validator with one of its parts replaced, for the wrong ways."""
    found = []
    for rule in profile:
        items = (items_of or _items_of)(ds, rule)
        for item in items:
            needed = applies(rule, ds, item) if applies else rule.applies(ds)
            word = type_fault(item, rule.keyword, kind(rule) if kind else rule.kind, needed,
                              rule.otherwise if otherwise is None else otherwise)
            if word == FINE and (values or _off_the_list)(rule, item):
                word = VALUE
            if word != FINE:
                found.append((rule.tag, word))
    return found


def _items_of(ds, rule):
    return (ds.get(rule.inside) or []) if rule.inside else [ds]


def _of_which(ds, profile):
    """Of which device a case of exercise 2 is, and what it is held against."""
    device, modality = next((title, row[0]) for title, row in DEVICES.items() if row[0] == ds.Modality)
    which = ("" if profile == PROFILE else " It was held not against the notebook's profile, but against a second one, which the function "
             "got as its `profile`: with another sequence, and lists of its own.")
    return f"The image is one of {device} ({modality}).{which}"


def _found_wrong(case, found):
    """What is wrong with the findings of a case, and which device it is of."""
    kind = Findings("")
    return f"{_of_which(*case)} {kind.difference(found, kind.read(Validator.solution(*case))).message}"


def _off_the_list(rule, item):
    there = rule.keyword in item and not item[rule.keyword].is_empty
    return bool(rule.closed and there and str(item[rule.keyword].value) not in rule.values)


@lesson.exercise
class Validator:
    """Write the validator, `findings(ds, profile)`: it returns a **list of findings**, each a pair `(rule.tag, word)`. The word is what
    `type_fault` says when that isn't `"ok"`; or `"value"`, when the attribute keeps to its type and has a value that a **closed** list
    does not have.

    Rules with an `inside` are about **each item** of that sequence; their condition is still about the image. A device in order gives an
    empty list. The order of the pairs does not matter, nor whether the same pair is there twice, for two items.

    It is tried on devices that you have not seen, some of them faultless; and with a second profile besides this one, which has rules
    about another sequence, and closed lists of its own. What counts: every fault, and no false alarm.
    """

    answer = Function("findings", result=Findings(""), about=_of_which, remark=_found_wrong)
    points = 4

    def solution(ds, profile):
        found = []
        for rule in profile:
            items = [ds]
            if rule.inside:
                items = ds.get(rule.inside) or []           # a sequence that is missing has no items
            for item in items:
                word = type_fault(item, rule.keyword, rule.kind, rule.applies(ds), rule.otherwise)
                if word == "ok" and rule.closed and rule.keyword in item:
                    element = item[rule.keyword]
                    if not element.is_empty and element.value not in rule.values:
                        word = "value"
                if word != "ok":
                    found.append((rule.tag, word))
        return found

    def cases(draw, dumps):
        made = [ds for ds in dumps.values()]
        everything = [(modality, name) for modality in FAULTS_OF for name in (*FAULTS, *FAULTS_OF[modality])]
        draw.shuffle(everything)
        device_of = {row[0]: device for device, row in DEVICES.items()}
        together = {"no request", "request without items", "no procedure", "step empty", "second request bare", "no protocol",
                    "protocol empty", "two requests, each at fault", "first of two requests at fault"}
        while everything:
            modality = everything[0][0]
            chosen = []
            for one in list(everything):
                clash = any(_about(one[1]) == _about(name) for name in chosen) or one[1] in together and together & set(chosen)
                if one[0] == modality and not clash and len(chosen) < 5:
                    chosen.append(one[1])
                    everything.remove(one)
            made.append(_dump(device_of[modality], draw, chosen))
        for modality, odd in ODDITIES_OF.items():
            for name in odd:
                general = [one for one in ODDITIES if _about(one) != _about(name)]
                draw.shuffle(general)
                made.append(_dump(device_of[modality], draw, [], [name, *general[:2]]))
        return [(ds, PROFILE) for ds in made] + [(ds, RESEARCH) for ds in _research(draw)]

    def top_level_only(ds, profile):
        return _validated(ds, profile, items_of=lambda ds, rule: [ds])

    def sequences_left_out(ds, profile):
        return _validated(ds, [rule for rule in profile if not rule.inside])

    def first_item_only(ds, profile):
        return _validated(ds, profile, items_of=lambda ds, rule: _items_of(ds, rule)[:1])

    def last_item_only(ds, profile):
        return _validated(ds, profile, items_of=lambda ds, rule: _items_of(ds, rule)[-1:])

    def always_the_same_sequence(ds, profile):
        return _validated(ds, profile, items_of=lambda ds, rule: (ds.get(REQUEST) or []) if rule.inside else [ds])

    def missing_sequence_demands(ds, profile):
        from pydicom import Dataset

        return _validated(ds, profile, items_of=lambda ds, rule: _items_of(ds, rule) or [Dataset()])

    def condition_of_the_item(ds, profile):
        return _validated(ds, profile, applies=lambda rule, ds, item: True)

    def item_asked(ds, profile):
        return _validated(ds, profile, applies=lambda rule, ds, item: rule.applies(item))

    def otherwise_forbidden(ds, profile):
        return _validated(ds, profile, otherwise=False)

    def otherwise_always(ds, profile):
        return _validated(ds, profile, otherwise=True)

    def terms_as_enumerated(ds, profile):
        return _validated(ds, profile, values=lambda rule, item: bool(
            rule.values and rule.keyword in item and not item[rule.keyword].is_empty and str(item[rule.keyword].value) not in rule.values))

    def no_values(ds, profile):
        return _validated(ds, profile, values=lambda rule, item: False)

    def empty_is_off_the_list(ds, profile):
        return _validated(ds, profile, values=lambda rule, item: bool(
            rule.closed and rule.keyword in item and str(item[rule.keyword].value) not in rule.values))

    def every_list_is_a_duty(ds, profile):
        return _validated(ds, profile, values=lambda rule, item: bool(rule.closed and str(item.get(rule.keyword, "")) not in rule.values))

    def type_of_the_standard(ds, profile):
        return _validated(ds, profile, kind=lambda rule: rule.standard)

    def only_types_one(ds, profile):
        return [pair for rule in profile if rule.kind in ("1", "1C") for pair in _validated(ds, [rule])]

    def stops_at_the_first(ds, profile):
        return _validated(ds, profile)[:1]

    def first_for_each_tag(ds, profile):
        kept = {}
        for tag, word in _validated(ds, profile):
            kept.setdefault(tag, word)
        return list(kept.items())

    def last_for_each_tag(ds, profile):
        return list(dict(_validated(ds, profile)).items())

    def value_besides_the_type(ds, profile):
        found = []
        for rule in profile:
            for item in _items_of(ds, rule):
                word = type_fault(item, rule.keyword, rule.kind, rule.applies(ds), rule.otherwise)
                found += [(rule.tag, word)] * (word != FINE) + [(rule.tag, VALUE)] * _off_the_list(rule, item)
        return found

    def whatever_the_case(ds, profile):
        return _validated(ds, profile, values=lambda rule, item: (
            _off_the_list(rule, item) and str(item[rule.keyword].value).upper() not in rule.values))

    wrong_ways = {
        top_level_only: "You look for the attributes of the Request Attributes Sequence in the image itself, and find none of them at "
        "any device. They stand in the **items** of the sequence: each item is a data set of its own (PS3.5 section 7.5).",
        sequences_left_out: "You leave out what stands inside the Request Attributes Sequence. A device may send the sequence and leave "
        "its items bare; without the step's ID the images never find back to their worklist item.",
        first_item_only: "You look at the first item of a sequence only. An image that serves two orders has two items, and each must "
        "keep to the rule.",
        last_item_only: "Of several items you judge the last only. Perhaps the test stands behind the loop over the items, where it is "
        "carried out once: indent it, so that it is inside.",
        always_the_same_sequence: "You look into the Request Attributes Sequence, whichever sequence the rule is about. Its name is "
        "`rule.inside`: another profile may have rules about another sequence.",
        missing_sequence_demands: "Where the whole sequence is missing or has no items, you report the attributes inside as well. The "
        "fault is the sequence's; what stands in an item can only be asked of an item that is there.",
        condition_of_the_item: "You require conditional attributes of every image, whatever their condition: exposure index of a CT, "
        "CTDIvol of a radiograph. `rule.applies(ds)` tells whether the condition holds for the image.",
        item_asked: "Inside sequences you judge as if the condition were about the *item*, as `rule.applies(item)` does. An item does not "
        "know of which modality the image is: the condition is about the image, `rule.applies(ds)`, also for the rules with an `inside`.",
        otherwise_forbidden: "You refuse attributes that may be present otherwise, such as a rescale intercept outside CT. The profile "
        "says so in `rule.otherwise`.",
        otherwise_always: "You let every conditional attribute be present when its condition does not hold. Only some rules allow that: "
        "`rule.otherwise`.",
        terms_as_enumerated: "You refuse values that are not on an **open** list. Its values are defined terms: a device may use others "
        "(PS3.5 section 3.10). Only a closed list, of enumerated values, may not be extended.",
        no_values: "You check the types and never the values. A device can send every attribute, and in it what nobody here can use: "
        "another issuer, a sex that no list has.",
        empty_is_off_the_list: "You report an empty attribute of type 2 or 3 for not being on its list. Nothing is no wrong value: "
        "whether it may be empty, the type says, and the list is about the values that are there.",
        every_list_is_a_duty: "You report `value` for attributes that are absent or empty and may be so. A list says which values are "
        "allowed *if there is one*.",
        type_of_the_standard: "You check the standard's types. A device can keep to the standard and be useless here: the hospital's "
        "column is stricter, and that is what a requirement profile is for. Look at `rule.kind`.",
        only_types_one: "You look at types 1 and 1C only. Type 2 must be there too, if perhaps empty; and a closed list counts for every "
        "type.",
        stops_at_the_first: "Your list ends with the first fault. A vendor who mends one fault per visit comes often. Is there a "
        "`return` inside the loop?",
        first_for_each_tag: "Of each tag you report one finding, the first; perhaps there is a `break` behind it. Two items of a sequence "
        "may fail in two ways, one without the attribute and one with an empty one: that makes two findings.",
        last_for_each_tag: "Of each tag you report one finding, the last; perhaps they are kept in a dictionary with the tags for its "
        "keys. Two items of a sequence may fail in two ways, one without the attribute and one with an empty one: that makes two "
        "findings, two pairs.",
        value_besides_the_type: "You report `value` besides what `type_fault` says. What must not be there at all is at fault for that; "
        "its value is asked only of an attribute that keeps to its type, when the word is `\"ok\"`.",
        whatever_the_case: "You compare the values without regard to upper and lower case. An issuer `hvgh` is another than `HVGH` for "
        "the systems that match it: compare the value as it stands.",
    }
    hints = [
        "A loop over the rules, and inside it a loop over the data sets that the rule is about: the image alone, or the items of a "
        "sequence.",
        "`ds.get(rule.inside) or []` gives the items, and an empty list when the sequence is missing. `type_fault(item, rule.keyword, "
        "rule.kind, rule.applies(ds), rule.otherwise)` gives the word.",
        "The list comes second: only when the word is `\"ok\"`, `rule.closed` is true, and the attribute is there and not empty.",
        "`found = []` before the loops, `found.append((rule.tag, word))` inside the inner one, `return found` behind both, at the left.",
    ]
    praise = "Every fault with its tag and its rule, and no false alarm: that is a report a vendor can work with."


@lesson.input
def report(hospital):
    """What the reference validator finds in `dumps`: {name: list of (tag, word)}."""
    return {name: Validator.solution(ds, PROFILE) for name, ds in lesson.input_of("dumps", hospital).items()}


def _about(name):
    """Which attribute a fault or an oddity is about, by its name; so that no two are about the same."""
    groups = (("character", "latin"), ("issuer",), ("patient ID",), ("birth date",), ("sex",), ("part", "side"),
              ("annotation", "burned"), ("position", "head first"), ("intercept", "rescal"), ("dose", "reformatted"), ("index",),
              ("laterality",))
    return next((group for group in groups if any(word in name for word in group)), name)


# --- what was to be copied from the worklist

COPIES = (              # in the image, in the worklist item
    ("AccessionNumber", "AccessionNumber"),
    ("ReferringPhysicianName", "ReferringPhysicianName"),
    ("PatientName", "PatientName"), ("PatientID", "PatientID"), ("IssuerOfPatientID", "IssuerOfPatientID"),
    ("PatientBirthDate", "PatientBirthDate"), ("PatientSex", "PatientSex"),
    ("StudyInstanceUID", "StudyInstanceUID"),
    (f"{REQUEST} > RequestedProcedureID", "RequestedProcedureID"),
    (f"{REQUEST} > ScheduledProcedureStepID", "ScheduledProcedureStepSequence > ScheduledProcedureStepID"),
    ("ProcedureCodeSequence > CodeValue", "RequestedProcedureCodeSequence > CodeValue"),
)
OTHER = "other"


def look(ds, path):
    """The value at the end of a path such as "RequestAttributesSequence > RequestedProcedureID", in the first item of each sequence, as
    text.

    None when the attribute is not there, or no item to hold it; "" when it is there and empty.
    """
    *sequences, keyword = path.split(" > ")
    for sequence in sequences:
        items = ds.get(sequence) or []
        if not items:
            return None
        ds = items[0]
    if keyword not in ds:
        return None
    return "" if ds[keyword].is_empty else str(ds[keyword].value)


@lesson.input
def path_reader(hospital):
    """The function `look`."""
    return look


def _same(one, other):
    """Whether two values say the same: padding, and empty components at the end of a name, say nothing (PS3.5 sections 6.2 and 6.2.1)."""
    return one.strip().rstrip("^") == other.strip().rstrip("^")


def _not_copied(orders, sent, copies=COPIES, same=_same, absent=ABSENT, empty=EMPTY, skip=True):
    """Rows (device, attribute, how) of what is in the worklist item and not, or otherwise, in the image.

    `absent` or `empty` None: not told; `skip` False: what the worklist item leaves empty is compared as well.
    """
    rows = []
    for device, order in orders.items():
        for inside, listed in copies:
            wanted, got = look(order, listed), look(sent[device], inside)
            if not wanted and (skip or wanted is None):
                continue
            how = absent if got is None else empty if got == "" else "" if same(got, wanted) else OTHER
            if how:
                rows.append({"device": device, "attribute": inside, "how": how})
    return rows


@lesson.input
def copies(hospital):
    """What the hospital wants copied: a table of the attribute in the image and where it stands in the worklist item."""
    import pandas

    return pandas.DataFrame(COPIES, columns=["in the image", "in the worklist item"])


@lesson.input
def orders(hospital):
    """The worklist items of the acceptance test: {AE title: Dataset}."""
    draw = random.Random(f"cpia-06 orders {hospital.seed}")
    made = {device: _order(device, draw) for device in DEVICES}
    made[_acceptance(hospital)[3]].PatientBirthDate = ""
    return made


def _acceptance(hospital):
    """The devices, in the order of what is wrong (or, of the fourth, odd) with their images in exercise 3."""
    devices = list(DEVICES)
    random.Random(f"cpia-06 devices {hospital.seed}").shuffle(devices)
    return devices


@lesson.input
def sent(hospital):
    """The images that came of them: {AE title: Dataset}, a header each."""
    draw = random.Random(f"cpia-06 sent {hospital.seed}")
    items = lesson.input_of("orders", hospital)
    made = {device: _image(device, order) for device, order in items.items()}
    own_study, no_request, deep_accession, odd, own_codes = (made[device] for device in _acceptance(hospital))
    own_study.StudyInstanceUID, own_study.AccessionNumber = f"2.999.100.9.{DATE}.{draw.randrange(1, 90)}", ""
    del no_request.RequestAttributesSequence
    deep_accession.RequestAttributesSequence[0].AccessionNumber = deep_accession.AccessionNumber
    del deep_accession.AccessionNumber
    odd.PatientName, odd.AccessionNumber = f"{odd.PatientName}^^^", f"{odd.AccessionNumber} "
    odd.StudyDescription = "Acceptance test, do not read"
    odd.PatientBirthDate = f"19{draw.randrange(60, 90)}0101"            # the worklist item has none: typed at the device
    own_codes.RequestAttributesSequence[0].ScheduledProcedureStepID = ""
    del own_codes.IssuerOfPatientID
    code = own_codes.ProcedureCodeSequence[0]
    code.CodeValue, code.CodingSchemeDesignator = f"P{draw.randrange(100, 999)}", "99VENDOR"
    own_codes.StudyDescription = "Protocol 1"
    return made


class Parts(Table):
    """A Table in which mistakes may come together: when the whole answer fits no wrong way, the wrong way speaks all of whose mistakes are
    in it, and of several the one that makes most. A row that is told otherwise is not left out: no wrong way speaks that leaves it out."""

    def judge(self, exercise, given, editions):
        """As for every kind; then by a row that cannot be meant so, and by the mistakes."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra row", "missing row", "repeated row", "value"):
            return verdict
        solution = self._computed(exercise, exercise.solution, editions)
        written = self._arranged(self.read(*given), solution)
        for row in written:
            sentence = self.odd(*row)
            if sentence:
                return Verdict(Outcome.NOT_YET, sentence, "unreadable")
        right, rows = self._rows(solution, solution), self._rows(self.read(*given), solution)
        if len(right & rows) < len(right) / 3:
            return verdict                                              # too little of it is right to say what is wrong
        places = [solution.columns.index(name) for name in self.key]
        told = {tuple(row[place] for place in places) for row in rows - right}
        parts = {}
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._rows(self._computed(exercise, way, editions), solution)
            extra, missing = wrong - right, right - wrong
            left_out = {tuple(row[place] for place in places) for row in missing}
            left_out -= {tuple(row[place] for place in places) for row in extra}
            if extra <= rows and not missing & rows and not left_out & told:
                parts[feedback, way.__name__] = len(extra) + len(missing)
        if not parts:
            return verdict
        feedback, name = max(parts, key=parts.get)
        return Verdict(Outcome.NOT_YET, f"More than one thing is not right yet. Look at this first. {feedback}", name)

    def odd(self, *row):
        """A sentence on a row, as it was written, that says something that cannot be meant so; or None."""

    def _rows(self, table, solution):
        """The rows as they are compared, the columns in the order of the solution."""
        return {self._cells(row, solution.columns) for row in self._arranged(table, solution)}


def in_the_image(value):
    """The tag of an attribute of `copies` from what may be written for it: its path, keyword or tag; or its sequence, where `copies` has
    one attribute of it only."""
    parts = [value]
    if isinstance(value, str):
        parts = re.split(r"\s*(?:\[0\])?\s*(?:>|/|\.(?=[A-Z(]))\s*", value.strip())
    tags = [dicom.tag(part) for part in parts]
    for place, _ in COPIES:
        path = [dicom.tag(keyword) for keyword in place.split(" > ")]
        if tags == path or tags == path[-1:]:
            return path[-1]
    inside = [place for place, _ in COPIES if dicom.tag(place.split(" > ")[0]) == tags[0] and " > " in place]
    if len(tags) == 1 and len(inside) == 1:
        return dicom.tag(inside[0].split(" > ")[1])
    if len(tags) == 1 and inside:
        raise ValueError(f"`copies` asks for {len(inside)} attributes inside that sequence: give each that was not copied a row of its "
                         "own, also when the whole sequence is missing")
    if len(tags) > 1 or tags[0] in {dicom.tag(keyword) for _, listed in COPIES for keyword in listed.split(" > ")}:
        raise ValueError("that is no place in the image that `copies` has. Name the attribute as its column `in the image` does; the other "
                         "column is about the worklist item")
    return tags[0]


class CopyTable(Parts):
    """What was not copied; an attribute is told as in the image, a device by its AE title."""

    def __init__(self):
        super().__init__("not_copied", key=("device", "attribute"),
                         reading={"device": self._device, "attribute": in_the_image, "how": Word((ABSENT, EMPTY, OTHER))._one})

    @staticmethod
    def _device(value):
        text = str(value).strip(" '\"").upper()
        return next((title for title in DEVICES if re.match(rf"{title}(?![A-Z0-9_])", text)), text)

    def odd(self, device, attribute, how):
        """A device that is none, or an attribute that is no place in the image."""
        if self._device(device) not in DEVICES:
            return f"There is no device {short(device)}; the AE titles are {', '.join(DEVICES)}."
        try:
            in_the_image(attribute)
        except (ValueError, TypeError) as problem:
            return f"About the attribute {short(attribute)}: {str(problem).rstrip('.')}."
        return None


@lesson.exercise
class NotCopied:
    """Which attributes in the table `copies` did the devices **not** take from their worklist items? Give a table with a row for each and
    the columns

    - `device`: the AE title;
    - `attribute`: the attribute in the image, as `copies` has it, or its tag; where a whole sequence is missing, a row for each
      attribute that `copies` wants inside;
    - `how`: `"absent"` when the image does not have it (or has no item to hold it), `"empty"` when it has no value there, `"other"` when
      it says something else than the worklist item.

    What the worklist item itself leaves empty could not be copied: leave it out, whatever the image has there. Padding, and empty
    components at the end of a name, say nothing: `A^B^^` is `A^B`.
    """

    answer = CopyTable()
    points = 3

    def solution(orders, sent, copies):
        rows = []
        for device in orders:
            for place, listed in zip(copies["in the image"], copies["in the worklist item"]):
                wanted = look(orders[device], listed)
                got = look(sent[device], place)
                if not wanted:
                    continue                                # nothing to copy
                if got is None:
                    how = "absent"
                elif got == "":
                    how = "empty"
                elif got.strip().rstrip("^") != wanted.strip().rstrip("^"):
                    how = "other"
                else:
                    continue
                rows.append({"device": device, "attribute": place, "how": how})
        return rows

    def letter_by_letter(orders, sent):
        return _not_copied(orders, sent, same=lambda one, other: one == other)

    def top_level_only(orders, sent):
        return _not_copied(orders, sent, [pair for pair in COPIES if ">" not in pair[0]])

    def nested_sought_above(orders, sent):
        return _not_copied(orders, sent, [(inside.rsplit(" > ", 1)[-1], listed) for inside, listed in COPIES])

    def description_too(orders, sent):
        return _not_copied(orders, sent, [*COPIES, ("StudyDescription", "RequestedProcedureDescription")])

    def empty_is_copied(orders, sent):
        return _not_copied(orders, sent, empty=None)

    def empty_is_absent(orders, sent):
        return _not_copied(orders, sent, empty=ABSENT)

    def absent_is_empty(orders, sent):
        return _not_copied(orders, sent, absent=EMPTY)

    def absent_is_no_matter(orders, sent):
        return _not_copied(orders, sent, absent=None)

    def nothing_to_copy(orders, sent):
        return _not_copied(orders, sent, skip=False)

    def accession_of_the_request(orders, sent):
        rows = _not_copied(orders, sent)
        deep = {device for device, ds in sent.items() if REQUEST in ds and "AccessionNumber" in ds[REQUEST].value[0]}
        return [row for row in rows if not (row["device"] in deep and row["attribute"] == "AccessionNumber")]

    def codes_left_to_the_device(orders, sent):
        return [row for row in _not_copied(orders, sent) if "CodeValue" not in row["attribute"]]

    wrong_ways = {
        letter_by_letter: "You compare letter by letter. A blank behind an accession number is padding, and `A^B^^^` is the same name as "
        "`A^B` (PS3.5 sections 6.2 and 6.2.1): the device that you report for these has copied faithfully.",
        top_level_only: "You looked at the attributes of the image itself only. What tells the scheduled step stands in the items of "
        "sequences, and an image without it ends in the list of exceptions.",
        nested_sought_above: "You looked for the attributes of a sequence in the image itself, and they seem to be missing at every "
        "device. A path with `>` leads into the first item of the sequence.",
        description_too: "You compared Study Description with Requested Procedure Description. The hospital's list does not ask for "
        "that, and many devices put the name of the protocol there. A validator checks what is on the list, and nothing else.",
        empty_is_copied: "You let empty attributes pass. The worklist item had a value for them, so the device knew it: type 2 excuses "
        "what is *unknown*.",
        empty_is_absent: "An attribute that is there without a value you call absent. Its tag was sent: the vendor looks for another "
        "mistake then.",
        absent_is_empty: "You call attributes empty that were not sent at all. `ds.get` cannot tell the two apart when it is given an "
        "empty text to fall back on; `keyword in ds` can.",
        absent_is_no_matter: "You only compared what both have. An attribute that the image does not have at all was not copied either.",
        nothing_to_copy: "You hold against a device what its worklist item leaves empty. There was nothing to copy: skip a row when what "
        "`look` finds in the worklist item is empty, before you look at the image.",
        accession_of_the_request: "You took an accession number inside the Request Attributes Sequence for the image's own. There it is "
        "one of several possible requests (PS3.3 section 10.6); archive and worklist are matched by the one at the top, (0008,0050).",
        codes_left_to_the_device: "You let a code pass that is not the one in the worklist item. Procedure Code Sequence is to hold the "
        "requested procedure's code; a device's own protocol code there sends the study to the wrong hanging protocol and the wrong "
        "bill.",
    }
    hints = [
        "Two loops, one inside the other: over the devices, and over the rows of `copies`. `look` from the cell above fetches a value by "
        "its path.",
        "`look` gives None for what is not there and an empty text for what is empty. Make both sides comparable first: `.strip()` for "
        "padding, `.rstrip(\"^\")` for the name's empty ends; but not of a None.",
        "Skip what is empty in the worklist item. Then three cases: None is `absent`, the empty text is `empty`, and what differs is "
        "`other`.",
        "`rows.append({\"device\": device, \"attribute\": place, \"how\": how})`, and in the end the list of rows is the table.",
    ]
    praise = ("Each row is a task for a vendor, with device and attribute. Once they are mended, the order finds its images: what the "
              "worklist knows, nobody has to type or guess a second time. One more thing, which is no fault in copying: one image has a "
              "birth date, and its worklist item has none. Somebody typed it at the device; ask where it came from.")


# --- two releases of one scanner

def _release(hospital, release):
    """An image of one and the same raw data by release 7.2.1 or 8.1.0: a Dataset with private attributes."""
    draw = random.Random(f"cpia-06 releases {hospital.seed}")
    ds = _image("CTER01", _order("CTER01", draw))
    dose, angle, filter_, mode, tube = (draw.randrange(100, 999) for _ in range(5))
    before = {
        NORRLAND: {0x01: ("IS", dose), 0x02: ("IS", angle), 0x10: ("LO", f"TUBE {tube}")},
        RECON: {0x01: ("IS", filter_), 0x02: ("LO", f"MODE {mode}"), 0x05: ("CS", "OFF")},
    }
    after = copy.deepcopy(before)
    changed, place = draw.choice(((NORRLAND, 0x01), (NORRLAND, 0x02), (RECON, 0x01)))
    after[changed][place] = ("IS", before[changed][place][1] + draw.randrange(1, 9))
    after[NORRLAND][0x20] = ("LO", "AI DENOISE 2")
    del after[RECON][0x05]
    if release == "8.1.0":
        _private(ds, {RECON: after[RECON], NORRLAND: after[NORRLAND]})          # it begins with the other block
        return ds
    _private(ds, before)
    ds.SoftwareVersions, ds.SeriesDescription, ds.ConvolutionKernel, ds.PatientPosition = release, "Head 3.0 brain", "H31s", "HFS"
    ds.ProtocolName, ds.ImageComments, ds.BurnedInAnnotation = "Head routine", "Uncompressed", "NO"
    del ds.ReconstructionDiameter
    return ds


VOLATILE = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "IrradiationEventUID", "StudyDate",
            "SeriesDate", "AcquisitionDate", "ContentDate", "StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")


def _attributes_of(ds):
    """A table of the attributes of `ds`: tag, private creator, place and value; without UIDs of instances, dates and times, and
    reservations of blocks."""
    import pandas

    rows = []
    for element in ds:
        if element.keyword in VOLATILE or element.VR == "SQ" or element.tag.is_private_creator:
            continue
        group, number = f"{element.tag.group:04X}", f"{element.tag.element:04X}"
        rows.append({
            "tag": f"({group},{number})",
            "creator": element.private_creator or "",
            "place": f"({group},xx{number[2:]})" if element.tag.is_private else f"({group},{number})",
            "value": "\\".join(map(str, element.value)) if element.VM > 1 else str(element.value),
        })
    return pandas.DataFrame(rows)


@lesson.input
def old_image(hospital):
    """The image that release 7.2.1 made of the test scan: a Dataset."""
    return _release(hospital, "7.2.1")


@lesson.input
def new_image(hospital):
    """The image that release 8.1.0 made of the same raw data: a Dataset."""
    return _release(hospital, "8.1.0")


@lesson.input
def old(hospital):
    """The attributes of `old_image` as a table."""
    return _attributes_of(lesson.input_of("old_image", hospital))


@lesson.input
def new(hospital):
    """The attributes of `new_image` as a table."""
    return _attributes_of(lesson.input_of("new_image", hospital))


def _drift(old, new, on=("creator", "place")):
    """Rows (creator, place, change) of what differs between two tables of attributes, matched by the columns `on`."""
    def keyed(frame):
        return {tuple(row[name] for name in on): row for row in frame.to_dict("records")}

    before, after = keyed(old), keyed(new)
    rows = []
    for key in {**before, **after}:
        change = "added" if key not in before else "removed" if key not in after else (
            "changed" if before[key]["value"] != after[key]["value"] else "")
        if change:
            row = after.get(key, before.get(key))
            rows.append({"creator": row["creator"], "place": row["place"], "change": change})
    return rows


def place_of(value):
    """The place of an attribute: a standard tag, or a private one as "(0019,xx02)"."""
    text = str(value).strip(" '\"").casefold()
    found = re.fullmatch(r"\(?([0-9a-f]{4}),\s*xx([0-9a-f]{2})\)?", text)
    return f"({found[1]},xx{found[2]})" if found else dicom.tag(value)


class DriftTable(Parts):
    """A table of changes; the creator of a standard attribute may be told in any way that says there is none."""

    def __init__(self):
        super().__init__("drift", key=("creator", "place"), reading={"creator": self._creator, "place": place_of, "change": self._change})

    @staticmethod
    def _creator(value):
        text = "" if value is None or value != value else " ".join(str(value).strip(" '\"-").split())
        return "" if text.casefold() in ("", "none", "nan", "standard", "dicom") else text

    def difference(self, answer, other):
        """As for every table; the creator of a standard attribute is called empty, and not quoted."""
        found = super().difference(answer, other)
        return found and Difference(found.message.replace("`creator` is ``", "`creator` is empty"), found.label)

    def odd(self, creator, place, change):
        """A private attribute whose place is told with its block."""
        found = re.fullmatch(r"\(?([0-9a-f]{3}[13579bdf]),?\s*(?!00)[0-9a-f]{2}([0-9a-f]{2})\)?", str(place).strip(" '\"").casefold())
        if not found:
            return None
        without = f"({found[1].upper()},xx{found[2]})"
        return (f"{short(place)} is a tag. Write the place of a private attribute without its block, here `{without}`: the block may be "
                "another one in every data set, and creator and last two digits say what the attribute is (PS3.5 section 7.8.1).")

    @staticmethod
    def _change(value):
        return {"new": "added", "gone": "removed", "left_only": "removed", "right_only": "added", "both": "changed"}.get(
            str(value).strip().casefold(), str(value))


@lesson.exercise
class Drift:
    """What did release 8.1.0 change? Compare the tables `old` and `new` and give a table with a row for **each attribute that differs** and
    the columns

    - `creator`: its private creator, or `""` for a standard attribute;
    - `place`: as the tables have it, such as `"(0018,0015)"` or `"(0019,xx02)"`;
    - `change`: `"added"` (8.1.0 sends it, 7.2.1 did not), `"removed"`, or `"changed"` (both send it, with different values).
    """

    answer = DriftTable()
    points = 3

    def solution(old, new):
        both = old.merge(new, on=["creator", "place"], how="outer", suffixes=("_old", "_new"), indicator="where")
        rows = []
        for row in both.itertuples():
            if row.where == "right_only":
                change = "added"
            elif row.where == "left_only":
                change = "removed"
            elif row.value_old != row.value_new:
                change = "changed"
            else:
                continue
            rows.append({"creator": row.creator, "place": row.place, "change": change})
        return rows

    def by_tag(old, new):
        return _drift(old, new, ("tag",))

    def by_tag_and_creator(old, new):
        return _drift(old, new, ("creator", "tag"))

    def by_place_alone(old, new):
        return _drift(old, new, ("place",))

    def merged_on_the_value(old, new):
        turned = {"added": ("added",), "removed": ("removed",), "changed": ("removed", "added")}
        return [{**row, "change": change} for row in _drift(old, new) for change in turned[row["change"]]]

    def standard_only(old, new):
        return [row for row in _drift(old, new) if not row["creator"]]

    def changed_only(old, new):
        return [row for row in _drift(old, new) if row["change"] == "changed"]

    def added_and_removed_only(old, new):
        return [row for row in _drift(old, new) if row["change"] != "changed"]

    def of_both_only(old, new):
        return [row for row in _drift(old, new) if row["change"] != "added"]

    def of_the_new_only(old, new):
        return [row for row in _drift(old, new) if row["change"] != "removed"]

    def the_wrong_way_round(old, new):
        turned = {"added": "removed", "removed": "added", "changed": "changed"}
        return [{**row, "change": turned[row["change"]]} for row in _drift(old, new)]

    def release_left_out(old, new):
        return [row for row in _drift(old, new) if row["place"] != "(0018,1020)"]

    wrong_ways = {
        by_tag: "You matched private attributes by their full tag. The block, the first two digits of the element number, is given out "
        "anew in each data set: (0019,1001) belonged to one creator in the old image and to another in the new one (PS3.5 section "
        "7.8.1). Match by creator and place.",
        by_tag_and_creator: "You matched by creator *and* full tag, so each private attribute seems to have gone and come again. Its "
        "block moved, and that means nothing: a reader must find a creator's block wherever it is (PS3.5 section 7.8.1). Match by "
        "creator and place.",
        by_place_alone: "You matched by place without the creator. Two creators both have an element xx01, and you compared the one's "
        "with the other's. A private attribute is known by its creator and its place together (PS3.5 section 7.8.1).",
        merged_on_the_value: "You matched by the value as well. Then an attribute whose value differs finds no partner: it seems to be "
        "removed and added, and nothing is left that could have changed. What tells *which* attribute it is belongs in `on`, and no more.",
        standard_only: "You left out the private attributes. The hospital's own list of private attributes to keep, for dose and for "
        "research, is about exactly these.",
        changed_only: "You compared what both images have. What only one of them has is a change as well: an outer join keeps it.",
        added_and_removed_only: "You found what came and what went. An attribute that both send with different values has changed too, "
        "and rules that read the value notice.",
        of_both_only: "What only the new release sends is missing in your table. `how=\"left\"` keeps the old image's rows only; use "
        "`how=\"outer\"`.",
        of_the_new_only: "What the new release no longer sends is missing in your table. That is the change that hurts most: something "
        "at this hospital may need it.",
        the_wrong_way_round: "Your *added* and *removed* have changed places. Seen from release 8.1.0: added is what it sends and 7.2.1 "
        "did not.",
        release_left_out: "You left out Software Versions, because it had to change. A table of differences shows all of them; that one "
        "of them was expected is said beside it.",
    }
    hints = [
        "Which two columns together tell which attribute it is, in both images alike? For a private one, the block is not part of it.",
        "`old.merge(new, on=[...], how=\"outer\", suffixes=(\"_old\", \"_new\"), indicator=\"where\")` puts the two side by side, as in "
        "the cell above.",
        "In the column `where`, `right_only` is what only the new image has, `left_only` what only the old one has. Of the rest, compare "
        "`value_old` with `value_new`.",
        "A loop with `for row in both.itertuples():`, the three cases, and `continue` for what is the same in both.",
    ]
    praise = ("A release note of your own, more honest than the vendor's: it also has what nobody meant to change. The gravest line "
              "is Patient Position (0018,5100): HFS, head first, before, and FFS, feet first, now, of the same raw data, so one of "
              "them is false. Image Position (Patient) is not in your table, it stayed as it was; of a patient who lies the other way "
              "round, it should have changed too. That speaks for a wrong label; what is true, the anatomy in the images must show. The "
              "validator of part 2 let it pass, for FFS stands on the list; the test patients of part 1 have it too. No signature before "
              "that is mended. Burned In Annotation is gone: the profile allows that (type 3), but whoever lets out only images that say "
              "NO, for research say, will let out none. And the private `AI DENOISE 2` (0019,xx20) tells of a new step in the "
              "reconstruction: medical physics must hear of that.")


# --- the rules that read these attributes

SERIES = (              # number; description, kernel and third value of Image Type by release 7.2.1; the same by 8.1.0
    (1, ("Topogram 0.6", "T20s", "LOCALIZER"), ("TOPOGRAM 0.6 Tr20", "Tr20", "LOCALIZER")),
    (2, ("Head 3.0 brain", "H31s", "AXIAL"), ("HEAD 3.0 Hr38", "Hr38", "AXIAL")),
    (3, ("Head 1.0 brain", "H31s", "AXIAL"), ("HEAD 1.0 Hr38", "Hr38", "AXIAL")),
    (4, ("Head 1.0 bone", "H60s", "AXIAL"), ("HEAD 1.0 Hr64", "Hr64", "AXIAL")),
    (5, ("CTA 0.75 arterial", "B26f", "AXIAL"), ("CTA 0.75 Bv36", "Bv36", "AXIAL")),
    (6, ("CTA MIP cor", "B26f", "MIP"), ("CTA MIP COR Bv36", "Bv36", "CORONAL")),
    (7, ("Perfusion 5.0", "H20f", "AXIAL"), ("PERF 5.0 Hr20", "Hr20", "AXIAL")),
    (8, ("Perfusion CBF", "H20f", "CBF"), ("PERF CBF Hr20", "Hr20", "PERFUSION")),
    (9, ("Dose report", "", "OTHER"), ("Dose report", "", "OTHER")),
)
RULES = (               # used by, attribute, pattern
    ("hanging protocol: brain window", "SeriesDescription", "Head 3.0*"),
    ("hanging protocol: bone", "ConvolutionKernel", "H6?s"),
    ("prefetch: last CTA", "SeriesDescription", "CTA 0.75*"),
    ("hanging protocol: MIP", "SeriesDescription", "*MIP*"),
    ("router: perfusion to the AI server", "SeriesDescription", "Perfusion*"),
    ("hanging protocol: vessels", "ConvolutionKernel", "B26?f"),            # fits nothing, and nobody noticed
    ("router: no topograms to the VNA", "ImageType3", "LOCALIZER"),
    ("prefetch: thin slices", "SeriesDescription", "* 1.0 *"),
    ("hanging protocol: colour maps", "ImageType3", "C*"),
    ("dose server", "SeriesDescription", "Dose *"),
    ("router: lungs to the 3D server", "ConvolutionKernel", "*36"),
    ("hanging protocol: left over from the old scanner", "ConvolutionKernel", "U9*"),
    ("router: perfusion to the stroke unit", "SeriesDescription", "Perfusion"),
    ("router: standard kernels to the trial archive", "ConvolutionKernel", "*0*"),
    ("hanging protocol: projections", "ImageType3", "*P*"),                 # as many as before, and others
    ("prefetch: heads of the old scanner", "SeriesDescription", "HEAD*"),   # found none before
)


def _rules_of(hospital):
    draw = random.Random(f"cpia-06 rules {hospital.seed}")
    names = [f"R{number}" for number in range(1, len(RULES) + 1)]
    shuffled = list(RULES)
    draw.shuffle(shuffled)
    return [(name, *rule) for name, rule in zip(names, shuffled, strict=True)]


@lesson.input
def rules(hospital):
    """The hospital's rules that read what a CT writes into its series: a table of rule, used by, attribute, pattern."""
    import pandas

    return pandas.DataFrame(_rules_of(hospital), columns=["rule", "used by", "attribute", "pattern"])


def _series(release):
    import pandas

    return pandas.DataFrame([(row[0], *row[1 if release == "7.2.1" else 2]) for row in SERIES],
                            columns=["SeriesNumber", "SeriesDescription", "ConvolutionKernel", "ImageType3"])


@lesson.input
def old_series(hospital):
    """The series of the stroke protocol by release 7.2.1: a table."""
    return _series("7.2.1")


@lesson.input
def new_series(hospital):
    """The series of the same protocol by release 8.1.0: a table."""
    return _series("8.1.0")


def _hits(rules, series, matches):
    """{rule: list of the series numbers whose attribute fits its pattern}."""
    return {rule["rule"]: [row["SeriesNumber"] for row in series.to_dict("records") if matches(row[rule["attribute"]], rule["pattern"])]
            for rule in rules.to_dict("records")}


def _fits(text, pattern):
    from fnmatch import fnmatchcase

    return fnmatchcase(text, pattern)


def _broken(rules, old_series, new_series, broken=lambda before, after: before != after, matches=_fits):
    before, after = _hits(rules, old_series, matches), _hits(rules, new_series, matches)
    return [rule for rule in before if broken(before[rule], after[rule])]


def rule_name(value):
    """The name of a rule: "R7" from "R7", "r7", "rule 7" or 7."""
    found = re.fullmatch(r"(?:rule\s*)?r?\s*(\d{1,2})", str(value).strip(" '\"").casefold())
    if not found:
        raise ValueError("a rule's name is an R and its number")
    return f"R{int(found[1])}"


class RuleNames(Set):
    """A Set of rules' names, which may be rows of the table of rules."""

    def read(self, given):
        """A dict from each name to the value as it was given."""
        frame = _frame(given)
        if frame is not None and list(frame.columns).count("rule") == 1:
            given = frame["rule"]
        return super().read(given)

    def difference(self, answer, other):
        """None when both hold the same names."""
        if other and not answer:
            return Difference("It is empty: by that, each rule finds the same series as before. Compare them rule by rule.", "empty")
        return super().difference(answer, other)


@lesson.exercise
class BrokenRules:
    """Which rules of the hospital **find other series** with release 8.1.0 than with 7.2.1? Give their names as a list, such as `broken =
    ["R2", "R5"]`.

    The two tables `old_series` and `new_series` are the same nine series of one stroke protocol, and a series has the same number in
    both. A rule finds a series when the attribute fits the whole pattern: `*` stands for any characters or none, `?` for exactly one.
    Upper and lower case differ.
    """

    answer = RuleNames("broken", reading=rule_name)
    points = 2

    def solution(rules, old_series, new_series):
        from fnmatch import fnmatchcase

        found = []
        for rule in rules.itertuples():
            before = []
            for number, text in zip(old_series["SeriesNumber"], old_series[rule.attribute]):
                if fnmatchcase(text, rule.pattern):
                    before.append(number)
            after = []
            for number, text in zip(new_series["SeriesNumber"], new_series[rule.attribute]):
                if fnmatchcase(text, rule.pattern):
                    after.append(number)
            if before != after:
                found.append(rule.rule)
        return found

    def finds_nothing_now(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, lambda before, after: not after)

    def lost_what_it_had(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, lambda before, after: bool(before) and not after)

    def fewer_than_before(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, lambda before, after: bool(set(before) - set(after)))

    def other_number(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, lambda before, after: len(before) != len(after))

    def texts_compared(rules, old_series, new_series):
        found = []
        for rule in rules.to_dict("records"):
            before, after = ([text for text in series[rule["attribute"]] if _fits(text, rule["pattern"])]
                             for series in (old_series, new_series))
            if before != after:
                found.append(rule["rule"])
        return found

    def attribute_changed(rules, old_series, new_series):
        changed = {name for name in old_series.columns if not old_series[name].equals(new_series[name])}
        return [rule["rule"] for rule in rules.to_dict("records") if rule["attribute"] in changed]

    def without_regard_to_case(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, matches=lambda text, pattern: _fits(text.casefold(), pattern.casefold()))

    def anywhere_in_the_text(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, matches=lambda text, pattern: _fits(text, f"*{pattern}*"))

    def stars_taken_off(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, matches=lambda text, pattern: pattern.strip("*") in text)

    def question_mark_for_any(rules, old_series, new_series):
        return _broken(rules, old_series, new_series, matches=lambda text, pattern: _fits(text, pattern.replace("?", "*")))

    def unbroken(rules, old_series, new_series):
        broken = _broken(rules, old_series, new_series)
        return [rule for rule in rules["rule"] if rule not in broken]

    wrong_ways = {
        finds_nothing_now: "These are the rules that find nothing with release 8.1.0. A rule that finds *more* than before is broken as "
        "well: suddenly heads go where only vessels should. And one that found nothing before, and finds nothing now, has not changed.",
        lost_what_it_had: "You have the rules that lost all their series. Those that lose one of several, or find series that they never "
        "meant, are missing: nobody notices them until images hang in the wrong place.",
        fewer_than_before: "You have the rules that lost a series. A rule may also *gain* one: it then sends, or hangs, what was never "
        "meant.",
        other_number: "You compared how many series each rule finds. A rule may find as many as before and others: compare which.",
        texts_compared: "You compared the texts that a rule finds. They changed nearly everywhere; what counts is whether the rule finds "
        "the same *series*. Collect the numbers, Series Number, and compare those.",
        attribute_changed: "You have every rule about an attribute that changed. A pattern may be loose enough to fit the new text too; "
        "try it.",
        without_regard_to_case: "You took no notice of upper and lower case. These rules do: `Head*` does not find `HEAD 3.0`.",
        anywhere_in_the_text: "You take a pattern for found where it fits a part of the text only. It must fit from beginning to end: a "
        "pattern without a star at its end must end where the text ends.",
        stars_taken_off: "You asked whether the text holds the pattern without its stars. So each rule may find its text anywhere, and "
        "`?` is taken for a question mark. Let `fnmatchcase(text, pattern)` compare, stars and all.",
        question_mark_for_any: "You let `?` stand for none, or for several characters. It is exactly one.",
        unbroken: "These are the rules that go on as before. Asked are the others.",
    }
    hints = [
        "For each rule: which series does it find in `old_series`, which in `new_series`? Compare the lists of their numbers.",
        "`fnmatchcase(text, pattern)` from Python's `fnmatch` tells whether a text fits; the cell above shows it. The attribute's name "
        "is the name of the column: `series[rule.attribute]`.",
        "Collect the numbers with a loop over `zip(series[\"SeriesNumber\"], series[rule.attribute])`, once for each release, and keep "
        "the rule when the two lists differ.",
    ]
    praise = "These go to their owners before the release does: viewer, router, prefetcher. Nobody else would have told them."


# --- the phantom

SHORT_GAP = 38.5                        # mm between slices as a wrong header has them; the phantom's plates are 40 mm apart
WATER = (130, 270, 240, 300)            # a box of water in the middle slice: longer than wide, and off the diagonal
STRETCHED = 0.468750                    # mm, a pixel spacing that belongs to another field of view


def _phantom_faults(hospital):
    """(0 or 1: which value of Pixel Spacing is wrong; whether the rescale intercept is wrong, and not the positions)."""
    draw = random.Random(f"cpia-06 phantom {hospital.seed}")
    return draw.randrange(2), draw.random() < 0.5


def _scanned(hospital):
    """The hospital's phantom, turned so that its inserts lie where they disturb, on a scanner whose water is not quite 0 HU: three slices.

    In the first slice the insert of air lies across the middle row, and that of polyethylene in the box of water; the middle pixel of the
    middle slice is not like the mean of its surroundings. The scanner's water is not even, as in life: it rises a little down the rows,
    so that a box whose rows and columns are exchanged has another mean; and the mean of the box lies a third above a whole number, where
    no pixel and no median is.
    """
    import numpy

    slices = copy.deepcopy(hospital.image("ct_qc_smooth"))
    draw = random.Random(f"cpia-06 water {hospital.seed}")
    pixels = [ds.pixel_array.copy() for ds in slices]
    down, across = numpy.mgrid[-31:32, -31:32]
    inside = numpy.nonzero(down**2 + across**2 <= 31**2)                    # an insert and a little around it
    for one, other in (((372, 372), (256, 421)), ((139, 372), (256, 256))):
        here, there = ((inside[0] + row - 31, inside[1] + column - 31) for row, column in (one, other))
        pixels[0][here], pixels[0][there] = pixels[0][there].copy(), pixels[0][here].copy()
    top, bottom, left, right = water(hospital)
    box = pixels[1][top:bottom, left:right]
    row, column = numpy.unravel_index(box.argmax(), box.shape)
    middle = (256 - top, 256 - left)
    box[row, column], box[middle] = int(box[middle]), int(box[row, column])
    rows = numpy.arange(len(pixels[1]))
    shading = numpy.rint((rows - (top + bottom) / 2) * 0.01).astype("int32")
    mean = float(box.mean()) + float(shading[top:bottom].mean()) + float(slices[1].RescaleIntercept)
    target = draw.choice((-4, -3, 3, 4)) + 1 / 3
    shift = int(numpy.floor(target - mean))
    part = target - mean - shift                                            # of the rows are one higher, so that the mean is the target
    higher = numpy.floor((rows + 1 - top) * part).astype("int32") - numpy.floor((rows - top) * part).astype("int32")
    for ds, one in zip(slices, pixels, strict=True):
        ds.PixelData = (one.astype("int32") + shift + (shading + higher)[:, None]).astype("<u2").tobytes()
    return slices


@lesson.input
def phantom(hospital):
    """The water phantom as the new release sends it: a list of three Datasets."""
    slices = _scanned(hospital)
    wrong_value, wrong_intercept = _phantom_faults(hospital)
    for number, ds in enumerate(slices):
        ds.PatientID = "QC-CTER01"
        ds.StationName, ds.ManufacturerModelName, ds.SoftwareVersions, ds.DeviceSerialNumber = "CTER01", "Torus 64", "8.1.0", "NI-41077"
        ds.Manufacturer, ds.file_meta.SourceApplicationEntityTitle = "Norrland Imaging", "CTER01"
        ds.SeriesDescription, ds.ConvolutionKernel, ds.PatientPosition = "QC WATER 5.0 Hr38", "Hr38", "FFS"
        ds.TimezoneOffsetFromUTC = "+0200"
        ds.pop("Laterality", None)
        spacing = [float(value) for value in ds.PixelSpacing]
        spacing[wrong_value] = STRETCHED
        ds.PixelSpacing = [f"{value:.6f}" for value in spacing]
        x, y = (f"{-spacing[place] * (side - 1) / 2:.4f}" for place, side in ((1, ds.Columns), (0, ds.Rows)))
        ds.ImagePositionPatient = [x, y, ds.ImagePositionPatient[2]]
        if wrong_intercept:
            ds.RescaleIntercept = str(int(ds.RescaleIntercept) - 60)
        else:
            ds.ImagePositionPatient = [x, y, f"{(1 - number) * SHORT_GAP:.1f}"]
        del ds.SliceLocation
    return slices


@lesson.input
def water(hospital):
    """Where there is nothing but water in the middle slice: first row, row after the last, first column, column after the last."""
    return WATER


SUSPECTS = ("PixelSpacing", "RescaleIntercept", "ImagePositionPatient", "SliceThickness")


def suspect(value):
    """The tag of one of the attributes that may be wrong."""
    found = dicom.tag(value)
    if found not in map(dicom.tag, SUSPECTS):
        raise ValueError(f"the attributes to choose from are {', '.join(SUSPECTS)}")
    return found


def _mean(slices, water):
    """The mean of the box `water` in some slices, in HU by their headers."""
    top, bottom, left, right = water
    return sum(float(ds.pixel_array[top:bottom, left:right].mean()) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
               for ds in slices) / len(slices)


_MEASURING = {          # what to check of a measure that is wrong in no known way
    "across_mm": "It is not what the header gives. In the middle slice, count the pixels of row 256 that are above -500 HU; times one of "
    "the two values of Pixel Spacing, with all its digits. Round only the result, to a tenth.",
    "down_mm": "It is not what the header gives. In the middle slice, count the pixels of column 256 that are above -500 HU; times the "
    "other value of Pixel Spacing, with all its digits. Round only the result, to a tenth.",
    "water_hu": "It is not the mean of that box. Check three things: the slice, which is the middle one, `phantom[1]`; the box, first its "
    "rows, then its columns; and slope and intercept of the header.",
    "gap_mm": "It is not what the header gives: take the third value of Image Position (Patient) of two slices that lie side by side.",
    "wrong": "Hold all four measures against the data sheet, each with its tolerance. Each that lies beyond it points to one attribute.",
}
SHEET = {"across_mm": 200, "down_mm": 200, "gap_mm": 40}


def _measured_wrong(name, given, right, input_):
    """A sentence on an entry of exercise 6 that is wrong in no known way."""
    if name in SHEET and SHEET[name] in given:
        return "That is what the data sheet says. Measure what the *images* say, and then compare the two."
    return _MEASURING[name]


class Distance(Number):
    """A Number without a sign: whichever of two things is taken from the other."""

    def read(self, given):
        """The numbers that the answer may mean, none of them negative."""
        return tuple(abs(number) for number in super().read(given))


@lesson.exercise
class Phantom:
    """Measure the phantom in `phantom` by what its **headers** say, and hold it against the data sheet in the text. Give one dictionary:

    - `across_mm`: its diameter along the middle **row** (row 256) of the middle slice, in mm, to a tenth; count the pixels above -500 HU;
    - `down_mm`: its diameter along the middle **column** (column 256), likewise;
    - `water_hu`: the mean of the pixels in the box `water` of the middle slice, in HU, to a tenth;
    - `gap_mm`: the distance of two neighbouring slices, in mm;
    - `wrong`: a list of the attributes in which the release is wrong, out of `PixelSpacing`, `RescaleIntercept`, `ImagePositionPatient`
      and `SliceThickness`.
    """

    answer = Fields("measured", {"across_mm": Number("", unit="mm", tolerance=0.15), "down_mm": Number("", unit="mm", tolerance=0.15),
                                 "water_hu": Number("", unit="HU", tolerance=0.1), "gap_mm": Distance("", unit="mm", tolerance=0.05),
                                 "wrong": Set("", reading=suspect)}, remark=_measured_wrong)
    points = 3

    def solution(phantom, water):
        middle = phantom[1]
        hu = middle.pixel_array * float(middle.RescaleSlope) + float(middle.RescaleIntercept)
        top, bottom, left, right = water
        across = (hu[256, :] > -500).sum() * middle.PixelSpacing[1]
        down = (hu[:, 256] > -500).sum() * middle.PixelSpacing[0]
        water_hu = hu[top:bottom, left:right].mean()
        gap = abs(phantom[0].ImagePositionPatient[2] - phantom[1].ImagePositionPatient[2])
        wrong = []
        if abs(across - 200) > 2 or abs(down - 200) > 2:
            wrong.append("PixelSpacing")
        if abs(water_hu) > 5:
            wrong.append("RescaleIntercept")
        if abs(gap - 40) > 0.5:
            wrong.append("ImagePositionPatient")
        return {"across_mm": across, "down_mm": down, "water_hu": water_hu, "gap_mm": gap, "wrong": wrong}

    def spacing_swapped(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "across_mm": right["across_mm"] / phantom[1].PixelSpacing[1] * phantom[1].PixelSpacing[0],
                "down_mm": right["down_mm"] / phantom[1].PixelSpacing[0] * phantom[1].PixelSpacing[1]}

    def across_by_the_rows(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "across_mm": right["across_mm"] / phantom[1].PixelSpacing[1] * phantom[1].PixelSpacing[0]}

    def down_by_the_columns(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "down_mm": right["down_mm"] / phantom[1].PixelSpacing[0] * phantom[1].PixelSpacing[1]}

    def in_pixels(phantom, water):
        right = Phantom.solution(phantom, water)
        down, across = phantom[1].PixelSpacing
        return {**right, "across_mm": right["across_mm"] / across, "down_mm": right["down_mm"] / down}

    def divided_by_the_spacing(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "across_mm": right["across_mm"] / float(phantom[1].PixelSpacing[1]) ** 2,
                "down_mm": right["down_mm"] / float(phantom[1].PixelSpacing[0]) ** 2}

    def whole_row(phantom, water):
        ds = phantom[1]
        return {**Phantom.solution(phantom, water), "across_mm": ds.Columns * ds.PixelSpacing[1], "down_mm": ds.Rows * ds.PixelSpacing[0]}

    def stored_values(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "water_hu": right["water_hu"] - float(phantom[1].RescaleIntercept)}

    def intercept_taken_away(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "water_hu": right["water_hu"] - 2 * float(phantom[1].RescaleIntercept)}

    def in_the_first_slice(phantom, water):
        first = [phantom[0], phantom[0], phantom[2]]
        measured = Phantom.solution(first, water)
        return {**Phantom.solution(phantom, water), "across_mm": measured["across_mm"], "water_hu": measured["water_hu"]}

    def water_of_the_first_slice(phantom, water):
        return {**Phantom.solution(phantom, water), "water_hu": _mean(phantom[:1], water)}

    def water_of_the_last_slice(phantom, water):
        return {**Phantom.solution(phantom, water), "water_hu": _mean(phantom[2:], water)}

    def water_of_all_slices(phantom, water):
        return {**Phantom.solution(phantom, water), "water_hu": _mean(phantom, water)}

    def one_pixel(phantom, water):
        ds = phantom[1]
        return {**Phantom.solution(phantom, water), "water_hu": float(ds.pixel_array[256, 256]) + float(ds.RescaleIntercept)}

    def intercept_of_other_scanners(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "water_hu": right["water_hu"] - float(phantom[1].RescaleIntercept) - 1024}

    def water_of_the_data_sheet(phantom, water):
        return {**Phantom.solution(phantom, water), "water_hu": 0}

    def gap_is_the_thickness(phantom, water):
        return {**Phantom.solution(phantom, water), "gap_mm": float(phantom[1].SliceThickness)}

    def first_to_last(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "gap_mm": 2 * right["gap_mm"]}

    def thickness_suspected(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "wrong": [*right["wrong"], "SliceThickness"]}

    def spacing_passes(phantom, water):
        right = Phantom.solution(phantom, water)
        return {**right, "wrong": [name for name in right["wrong"] if name != "PixelSpacing"]}

    def spacing_alone(phantom, water):
        return {**Phantom.solution(phantom, water), "wrong": ["PixelSpacing"]}

    def one_too_many(phantom, water):
        return {**Phantom.solution(phantom, water), "wrong": ["PixelSpacing", "RescaleIntercept", "ImagePositionPatient"]}

    wrong_ways = {
        across_by_the_rows: "You measured the diameter across with the first value of Pixel Spacing. That is the distance of one *row* "
        "from the next, and measures down a column; along a row it is that of the columns (PS3.3 section 10.7.1.3).",
        down_by_the_columns: "You measured the diameter down with the second value of Pixel Spacing. That is the distance of one *column* "
        "from the next, and measures along a row; down a column it is that of the rows (PS3.3 section 10.7.1.3).",
        spacing_swapped: "You took the values of Pixel Spacing for x and y. The first is the distance of one *row* from the next, so it "
        "measures down a column; the second is that of the columns, and measures along a row (PS3.3 section 10.7.1.3).",
        in_pixels: "That is the number of pixels. In mm it is that times the distance from one pixel to the next.",
        divided_by_the_spacing: "You divided by the spacing. A pixel *is* so many mm: multiply.",
        whole_row: "That is the whole field of view. The phantom ends before it: count only the pixels above -500 HU.",
        stored_values: "That is the mean of the stored values. HU = stored value times Rescale Slope plus Rescale Intercept (PS3.3 "
        "section C.11.1).",
        intercept_taken_away: "You subtracted Rescale Intercept. It is added, with its own sign (PS3.3 section C.11.1).",
        in_the_first_slice: "You measured in the first slice. It has inserts: one of air lies across the middle row, another in the "
        "middle. The middle slice, `phantom[1]`, is water alone.",
        water_of_the_first_slice: "That is the box in the first slice, and there an insert lies in it. Only the middle slice, "
        "`phantom[1]`, is water alone.",
        water_of_the_last_slice: "That is the box in the last slice, and there bars lie in it. Only the middle slice, `phantom[1]`, is "
        "water alone.",
        water_of_all_slices: "That is the mean of all three slices. In two of them something else than water lies in the box; take "
        "`phantom[1]` alone.",
        one_pixel: "That is a single pixel. One pixel is mostly noise; asked is the mean of all pixels in the box.",
        intercept_of_other_scanners: "You took -1024 for the rescale intercept, as most CT images have it, those of part 1 too. Every "
        "image has its own in its header, and the phantom's is another.",
        water_of_the_data_sheet: "That is what the data sheet says of water. Measure what the *images* say, and then compare the two.",
        gap_is_the_thickness: "That is Slice Thickness: how thick the slice is that an image shows. Slices may lie apart or overlap; "
        "where they are, Image Position (Patient) says (PS3.3 section C.7.6.2).",
        first_to_last: "That is the way from the first to the last slice, two gaps.",
        thickness_suspected: "You suspect Slice Thickness as well, because it differs from the distance of the slices. That is allowed: "
        "here there is nothing between the slices, as in any scan with gaps.",
        spacing_passes: "The phantom is round. What do your two diameters say?",
        spacing_alone: "One more attribute disagrees with the data sheet. Look at water and at the plates.",
        one_too_many: "You suspect one too many. Hold water and the distance of the plates against the data sheet, each with its "
        "tolerance.",
    }
    hints = [
        "First make HU of the stored values, as the cell above does for the first slice. Everything else is counting, a mean, and a "
        "difference.",
        "`hu[256, :]` is the middle row, `hu[:, 256]` the middle column; `(... > -500).sum()` counts. Then times the spacing, and mind "
        "which of its two values.",
        "`hu[top:bottom, left:right].mean()` with the four numbers of `water`. For the gap, take the third coordinate of Image Position "
        "(Patient) of two neighbours.",
        "The data sheet tells what is right: a diameter in both directions, water, and the distance of the plates. Whatever lies beyond "
        "its tolerance points to one attribute.",
    ]
    praise = ("No header check finds this: every attribute was there, with a proper value. Only the phantom knows what is true, so it "
              "belongs into every acceptance test.")


# --- image, performed procedure step and dose report

CONSISTENT, DOSE_SUM, DOSE_EVENT, MISSING, STUDY = "consistent", "dose total", "event dose", "objects missing", "other study"
TOLERANCE = 0.1                         # mGy·cm: what rounding may make of a total


@dataclass(frozen=True)
class Exam:
    """What one exam left at three systems.

    series : list of dictionaries, one for each series that arrived: its UID, description, SOP Class UID, number of objects, Irradiation
             Event UID, CTDIvol (mGy) and Study Instance UID; a dose report has "" and None for event and CTDIvol
    step   : the performed procedure step as the modality sent it (PS3.4 Table F.7.2-1): a Dataset
    report : the X-Ray Radiation Dose SR: a Dataset
    """

    series: list
    step: object
    report: object


def _nums(container, code):
    """The NUM items of a structured report with this code as their concept, at any depth."""
    for item in container.get("ContentSequence") or []:
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == code:
            yield item.MeasuredValueSequence[0]
        yield from _nums(item, code)


def _uids(container):
    """The items among the children of a container that hold an Irradiation Event UID."""
    return (item for item in container.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "113769")


def doses(report):
    """The irradiation events of a dose report (PS3.16 TID 10013): a list of dictionaries with `event`, its UID, `CTDIvol` (mGy) and
    `DLP` (mGy·cm)."""
    rows = []
    for item in report.ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == "113819":            # CT Acquisition
            rows.append({"event": str(next(_uids(item)).UID), "CTDIvol": float(next(_nums(item, "113830")).NumericValue),
                         "DLP": float(next(_nums(item, "113838")).NumericValue)})
    return rows


def total_dlp(report):
    """The CT Dose Length Product Total of a dose report (PS3.16 TID 10012), in mGy·cm."""
    return float(next(_nums(report, "113813")).NumericValue)


@lesson.input
def report_reader(hospital):
    """The functions `doses` and `total_dlp`."""
    return doses, total_dlp


def _exam(number, draw, fault, oddity):
    """An exam of the acceptance test: chest number `number`, with a fault and an oddity; with the oddity "no report" it is the dose report
    that is missing."""
    from coursekit.hospital.images import image

    report = image("sr_dose_ct", 600 + number)
    study = f"2.999.200.9.{DATE[2:]}.{number}"
    report.StudyInstanceUID, report.SeriesInstanceUID, report.SOPInstanceUID = study, f"{study}.501", f"{study}.501.1"
    report.StudyDate = report.SeriesDate = report.ContentDate = DATE
    report.AccessionNumber = f"A{DATE[2:]}99{number:02d}"
    acquisitions = [item for item in report.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == "113819"]
    for place, item in enumerate(acquisitions, 1):
        next(_uids(item)).UID = f"{study}.7.{place}"
    # Each exam has a dose of its own: CTDIvol in mGy, the scanned length in mm.
    dose, length = round(draw.uniform(4.5, 12.5), 2), draw.randrange(2400, 3600) / 10
    for code, value in (("113830", dose), ("113825", length), ("113838", round(dose * length / 10, 2))):
        next(_nums(acquisitions[1], code)).NumericValue = f"{value:g}"
    (scout, scout_dose, _), (spiral, spiral_dose, spiral_dlp) = [row.values() for row in doses(report)]
    total = next(_nums(report, "113813"))
    total.NumericValue = f"{sum(row['DLP'] for row in doses(report)) - (0.04 if oddity == 'rounded' else 0):.2f}"
    if fault == DOSE_SUM:
        total.NumericValue = f"{spiral_dlp:.2f}"                              # the topogram is forgotten
    ct, sr = "1.2.840.10008.5.1.4.1.1.2", str(report.SOPClassUID)
    slices = int(length / 5) - 1                                              # images of 5 mm; what is scanned is a little longer
    rows = [(1, "Topogram", ct, 1, scout, scout_dose), (2, "Chest 5.0 soft", ct, slices, spiral, spiral_dose)]
    if oddity == "two kernels":
        rows.append((3, "Chest 1.0 lung", ct, slices * 5, spiral, spiral_dose))
    rows.append((501, "Dose report", sr, 1, "", None))
    if fault == DOSE_EVENT:
        rows[1] = (*rows[1][:5], round(spiral_dose * 1.12, 2))
    series = [{"SeriesInstanceUID": f"{study}.{row[0]}", "SeriesDescription": row[1], "SOPClassUID": row[2], "objects": row[3],
               "IrradiationEventUID": row[4], "CTDIvol": row[5], "StudyInstanceUID": study} for row in rows]
    step = _step(study if fault != STUDY else f"2.999.200.9.{DATE[2:]}.{number - 20}", report, series)
    if fault == MISSING and oddity == "no report":
        del series[-1]
    elif fault == MISSING:
        series[1]["objects"] -= draw.randrange(1, 4)
    return Exam(series, step, report)


def _step(study, report, series):
    """The completed performed procedure step of an exam, cut down to what this lesson reads: images and other objects in sequences of
    their own."""
    from pydicom import Dataset

    from coursekit.hospital.images.common import item

    step = Dataset()
    step.Modality, step.PerformedStationAETitle, step.PerformedProcedureStepStatus = "CT", "CT2", "COMPLETED"
    step.ScheduledStepAttributesSequence = [item(StudyInstanceUID=study, AccessionNumber=report.AccessionNumber)]
    step.PerformedSeriesSequence = []
    for row in series:
        references = [item(ReferencedSOPClassUID=row["SOPClassUID"], ReferencedSOPInstanceUID=f"{row['SeriesInstanceUID']}.{number}")
                      for number in range(1, row["objects"] + 1)]
        images = row["SOPClassUID"] != report.SOPClassUID
        step.PerformedSeriesSequence.append(item(
            SeriesInstanceUID=row["SeriesInstanceUID"], SeriesDescription=row["SeriesDescription"],
            ReferencedImageSequence=references if images else [],
            ReferencedNonImageCompositeSOPInstanceSequence=[] if images else references))
    return step


@lesson.input
def exams(hospital):
    """Seven exams of the acceptance test: {name: Exam}."""
    draw = random.Random(f"cpia-06 exams {hospital.seed}")
    kinds = [(DOSE_SUM, ""), (DOSE_EVENT, ""), (MISSING, ""), (MISSING, "no report"), (STUDY, "two kernels"), (CONSISTENT, "two kernels"),
             (CONSISTENT, "rounded")]
    draw.shuffle(kinds)
    numbers = draw.sample(range(31, 59), len(kinds))
    return {f"exam {place}": _exam(number, draw, *kind) for place, (number, kind) in enumerate(zip(numbers, kinds, strict=True), 1)}


def _judged(exam, total_of=None, event_tolerance=0.005, tolerance=TOLERANCE, non_images=True, study=True, reports=True, last=False):
    """The word for an exam, for the wrong ways with one part replaced; `last` True: the total is looked at when all else agrees."""
    events = doses(exam.report)
    dlps, dose_of = [row["DLP"] for row in events], {row["event"]: row["CTDIvol"] for row in events}
    other = abs((total_of(exam, dlps) if total_of else sum(dlps)) - total_dlp(exam.report)) > tolerance
    if other and not last:
        return DOSE_SUM
    images = [row for row in exam.series if row["CTDIvol"] is not None]
    if any(abs(row["CTDIvol"] - dose_of[row["IrradiationEventUID"]]) > event_tolerance for row in images):
        return DOSE_EVENT
    told = sum(len(one.ReferencedImageSequence) + (len(one.ReferencedNonImageCompositeSOPInstanceSequence) if non_images else 0)
               for one in exam.step.PerformedSeriesSequence)
    if told != sum(row["objects"] for row in exam.series if reports or row["CTDIvol"] is not None):
        return MISSING
    if study and any(row["StudyInstanceUID"] != exam.step.ScheduledStepAttributesSequence[0].StudyInstanceUID for row in exam.series):
        return STUDY
    return DOSE_SUM if other else CONSISTENT


def _all_judged(exams, **parts):
    return {name: _judged(exam, **parts) for name, exam in exams.items()}


def _once_for_each_series(exam, dlps):
    """The sum of the DLP by somebody who adds an event's for each series that was made of it."""
    of = {row["event"]: row["DLP"] for row in doses(exam.report)}
    return sum(of[row["IrradiationEventUID"]] for row in exam.series if row["IrradiationEventUID"])


class Verdicts(Fields):
    """A word for each exam; a wrong word is told what it would need."""

    NEEDS = {
        CONSISTENT: "for that all four must agree: total and events, events and images, counts, study. One of them does not.",
        DOSE_SUM: "for that the reported total must differ from the sum of the events' DLP by more than rounding. Add each irradiation "
        "event once.",
        DOSE_EVENT: "for that a series must have another CTDIvol than the event of the same Irradiation Event UID.",
        MISSING: "for that fewer objects must have arrived than the step lists, images and other objects together.",
        STUDY: "for that the step must name another Study Instance UID than the series have.",
    }

    def __init__(self):
        super().__init__("verdicts", {f"exam {number}": Word(tuple(self.NEEDS)) for number in range(1, 8)}, in_order=True,
                         remark=lambda name, given, right, input_: f"*{given}* it is not: {self.NEEDS[given]}")

    def _written(self, given):
        """The words by exam: also from a table of two columns, and where an exam is told by its number."""
        pairs = _pairs(given)
        if pairs is not None and all(type(name) in (str, int) for name, _ in pairs):
            given = dict(pairs)
        if is_library(given, "pandas", "Series"):
            series = sys.modules["pandas"].Series(given)
            given = dict(zip(plain(series.index), plain(series), strict=True))
        if type(given) is dict and all(type(name) is int for name in given) and set(given) == set(range(1, 8)):
            given = {f"exam {number}": word for number, word in given.items()}
        return super()._written(given)

    def judge(self, exercise, given, editions):
        """As for every kind; else the wrong way speaks all of whose mistakes are in the answer, of several the one that makes most; and
        where there is none, only what the first wrong word would need."""
        verdict = super().judge(exercise, given, editions)
        if verdict.outcome is not Outcome.NOT_YET or verdict.label == "unreadable":
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        parts = {}
        for way in exercise.wrong_ways:
            wrong = self._computed(exercise, way, editions)
            if wrong == answer:
                return Verdict(Outcome.NOT_YET, exercise.wrong_ways[way], way.__name__)
            mistakes = [name for name in right if wrong[name] != right[name]]
            if mistakes and all(wrong[name] == answer[name] for name in mistakes):
                parts[way] = len(mistakes)
        if parts:
            way = max(parts, key=parts.get)
            return Verdict(Outcome.NOT_YET, f"Look at this first. {exercise.wrong_ways[way]}", way.__name__)
        name = next(name for name in right if answer[name] != right[name])
        return Verdict(Outcome.NOT_YET, f"About `{name}`: {self.remark(name, answer[name], right[name], None)}", "value")


@lesson.exercise
class Consistent:
    """Do the three agree? Give for each exam in `exams` one word:

    - `"dose total"`: the report's total is not the sum of its irradiation events, by more than 0.1 mGy·cm;
    - `"event dose"`: a series has another CTDIvol in its headers than its irradiation event in the report;
    - `"objects missing"`: fewer objects arrived than the performed procedure step lists;
    - `"other study"`: the step names another Study Instance UID than the series that arrived;
    - `"consistent"`: nothing of that.

    No exam has more than one of these faults. Judge by eye, from what the cell above prints, and with a calculator; or write a loop.
    """

    answer = Verdicts()
    points = 3

    def solution(exams):
        words = {}
        for name, exam in exams.items():
            # what the performed procedure step says: how many objects, of which study
            listed = 0
            for part in exam.step.PerformedSeriesSequence:
                listed = listed + len(part.ReferencedImageSequence) + len(part.ReferencedNonImageCompositeSOPInstanceSequence)
            study = exam.step.ScheduledStepAttributesSequence[0].StudyInstanceUID
            # what the dose report says: the sum of the events, and the CTDIvol of each
            dlp = 0
            ctdi_of = {}
            for event in doses(exam.report):
                dlp = dlp + event["DLP"]
                ctdi_of[event["event"]] = event["CTDIvol"]
            # what arrived, series by series; a dose report has no dose of its own
            word = "consistent"
            arrived = 0
            for series in exam.series:
                arrived = arrived + series["objects"]
                if series["StudyInstanceUID"] != study:
                    word = "other study"
                if series["CTDIvol"] is not None:
                    if abs(series["CTDIvol"] - ctdi_of[series["IrradiationEventUID"]]) > 0.005:
                        word = "event dose"
            if arrived < listed:
                word = "objects missing"
            if abs(dlp - total_dlp(exam.report)) > 0.1:
                word = "dose total"
            words[name] = word
        return words

    def dose_once_for_each_series(exams):
        return _all_judged(exams, total_of=_once_for_each_series)

    def no_tolerance(exams):
        return _all_judged(exams, tolerance=0.001)

    def images_only(exams):
        return _all_judged(exams, non_images=False)

    def reports_not_counted(exams):
        return _all_judged(exams, non_images=False, reports=False)

    def counts_only(exams):
        return {name: MISSING if word == MISSING else CONSISTENT for name, word in _all_judged(exams).items()}

    def study_not_looked_at(exams):
        return _all_judged(exams, study=False)

    def header_is_trusted(exams):
        return _all_judged(exams, event_tolerance=1000)

    def total_is_trusted(exams):
        return _all_judged(exams, tolerance=10000)

    def spiral_alone(exams):
        return _all_judged(exams, total_of=lambda exam, dlps: max(dlps))

    def topogram_left_out(exams):
        return _all_judged(exams, total_of=lambda exam, dlps: max(dlps), last=True)

    def ctdi_is_added(exams):
        return _all_judged(exams, total_of=lambda exam, dlps: sum(row["CTDIvol"] or 0 for row in exam.series))

    wrong_ways = {
        dose_once_for_each_series: "You counted an irradiation event once for each series that was made of it. Two kernels reconstructed "
        "from one spiral are one exposure: the Irradiation Event UID (0008,3010) is the same in both. Add each event once.",
        no_tolerance: "In one exam the total differs from the sum by a few hundredths only. Each event's DLP is rounded, and so is the "
        "total: the question allows 0.1.",
        images_only: "You counted the images that the step lists, and all objects that arrived. The dose report is an object too; the "
        "step lists it apart, in the Referenced Non-Image Composite SOP Instance Sequence (0040,0220).",
        reports_not_counted: "You counted images only, at the step and among what arrived. In one exam all images are there and the dose "
        "report is not: the step lists it apart, in the Referenced Non-Image Composite SOP Instance Sequence (0040,0220).",
        counts_only: "Only what is missing counts with you. All images can have arrived, with the wrong study or a dose that nobody gave.",
        study_not_looked_at: "One exam has all its objects, and its step belongs to another study: with that the RIS closes the wrong "
        "order, or none. Compare the Study Instance UID in the Scheduled Step Attributes Sequence (0040,0270).",
        header_is_trusted: "You did not compare the CTDIvol in the images with that in the report. When the two differ, dose server and "
        "viewer show different doses of one exam.",
        total_is_trusted: "You trusted the reported total. Add up the DLP of the irradiation events yourself: a release that forgets the "
        "topogram, as the screens of some consoles do on purpose, reports too little, exam by exam.",
        spiral_alone: "You compared the total with the largest event. The topogram is an exposure too, and in the total (PS3.16 TID "
        "10012).",
        topogram_left_out: "In your sums the topogram is missing: so the one total that leaves it out looks right, and right ones look "
        "wrong. It is an exposure too, and in the total (PS3.16 TID 10012).",
        ctdi_is_added: "With you no total is right. Perhaps you added CTDIvol values? CTDIvol, in mGy, says how strong the scanner's "
        "output was, however long it scanned; what is added up is DLP, in mGy·cm, which has the length of the scan in it.",
    }
    hints = [
        "Four comparisons per exam. Begin with the one that needs no report: how many objects does the step list, and how many arrived?",
        "The step lists images in one sequence and the dose report in another; both count. Its Study Instance UID stands in the "
        "Scheduled Step Attributes Sequence.",
        "`doses(exam.report)` from the cell above gives the events. Add their DLP, each event once, and compare with the total; compare "
        "each series' CTDIvol with that of the event that has the same UID.",
        "The cell above prints all that is needed: judge by eye, with a calculator, and type seven words.",
    ]
    praise = ("Two of the seven exams tell one story at archive, RIS and dose server; the other five go back to the vendor, each with its "
              "word. Before all of them agree, nobody should sign.")


# --- what a device offers, and what arrives

IMPLICIT, EXPLICIT, JPEG_LOSSLESS = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"
RLE = "1.2.840.10008.1.2.5"
UNCOMPRESSED = (EXPLICIT, IMPLICIT)
VERIFICATION, SECONDARY_CAPTURE, DOSE_SR = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.67"
CT, MG_PRESENTATION, MG_PROCESSING, TOMOSYNTHESIS = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "1.2", "1.2.1", "13.1.3"))
PRESENTATION_STATE = "1.2.840.10008.5.1.4.1.1.11.1"
ULTRASOUND, ULTRASOUND_CLIP, MEASUREMENTS = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("6.1", "3.1", "88.33"))
PRIVATE_CLASS = "2.999.77.1.3"          # the SOP class of a vendor's own raw data
OFFERS = {              # AE title: (SOP class, transfer syntaxes) of each presentation context
    "CTER01": ((VERIFICATION, (IMPLICIT,)), (CT, UNCOMPRESSED), (CT, (JPEG_LOSSLESS,)), (SECONDARY_CAPTURE, UNCOMPRESSED),
               (DOSE_SR, UNCOMPRESSED), (PRESENTATION_STATE, UNCOMPRESSED), (PRIVATE_CLASS, UNCOMPRESSED)),
    "MG1": ((MG_PRESENTATION, UNCOMPRESSED), (MG_PROCESSING, UNCOMPRESSED), (TOMOSYNTHESIS, (JPEG_LOSSLESS,))),
    "US_OB1": ((ULTRASOUND, UNCOMPRESSED), (ULTRASOUND_CLIP, (RLE,)), (MEASUREMENTS, UNCOMPRESSED)),
}
ANEW = ("US_OB1",)      # devices that call anew for every object, as ultrasounds do that send each image when it is taken


def jpeg_lossless(side):
    """A square of even grey, 12 bits, as JPEG Lossless (process 14, selection value 1): bytes.

    Every difference from the prediction is zero, category 0, for which the one Huffman code is a single bit 0 (ITU-T T.81 annex H).
    """
    header = (b"\xff\xd8" + b"\xff\xc3\x00\x0b\x0c" + side.to_bytes(2, "big") * 2 + b"\x01\x01\x11\x00"
              + b"\xff\xc4\x00\x14\x00" + bytes([1] + [0] * 15) + b"\x00" + b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00")
    return header + bytes(side * side // 8) + b"\xff\xd9"


class Device:
    """A device of the acceptance test, as its storage client behaves: it offers contexts, and sends an exam in those that are accepted.

    title   : its AE title
    offers  : pairs (SOP Class UID, transfer syntaxes), one for each presentation context
    objects : the exam: Datasets with file meta information
    calls   : of each time it has sent: a dictionary with the `port`, the AE title `called`, and `statuses`, what each C-STORE was answered
    """

    def __init__(self, title, offers, objects):
        self.title, self._offers, self.objects, self.calls = title, offers, objects, []

    def __repr__(self):
        return f"<{self.title}: send(host, port, called) sends the exam of the acceptance test>"

    def __deepcopy__(self, memo):
        return self                     # but for what it notes of its calls, nothing changes it

    def send(self, host, port, called="HV_PACS"):
        """Send the exam to the archive of the AE title `called`; an object whose context is not accepted stays behind, as it does on a
        scanner."""
        from pynetdicom import AE, build_context, evt

        from coursekit.standards.associations import at_once

        handlers = [(evt.EVT_CONN_OPEN, at_once)]
        statuses = []
        self.calls.append({"port": port, "called": called, "statuses": statuses})
        for objects in [[ds] for ds in self.objects] if self.title in ANEW else [self.objects]:
            contexts = [build_context(sop_class, list(syntaxes)) for sop_class, syntaxes in self._offers]
            association = AE(self.title).associate(host, port, ae_title=called, contexts=contexts, evt_handlers=handlers)
            if not association.is_established:
                return
            accepted = {(context.abstract_syntax, syntax) for context in association.accepted_contexts
                        for syntax in self._sendable(context)}
            for ds in objects:
                if (ds.SOPClassUID, ds.file_meta.TransferSyntaxUID) in accepted:
                    statuses.append(association.send_c_store(ds).get("Status"))
            association.release()

    @staticmethod
    def _sendable(context):
        """The transfer syntaxes of objects that go out in an accepted context: of two uncompressed ones, one is turned into the other."""
        chosen = context.transfer_syntax[0]
        return UNCOMPRESSED if chosen in UNCOMPRESSED else (chosen,)


def _object(device, sop_class, order, number):
    """A small object of the exam: a Dataset with its file meta information."""
    if sop_class in (CT, ULTRASOUND):
        ds = _with_pixels(_image(device, order, number))
    elif sop_class == ULTRASOUND_CLIP:
        ds = _clip(_image(device, order, number))
    else:
        ds = copy.deepcopy(_small(sop_class))
        series = ds.SeriesNumber
        ds.StudyInstanceUID, ds.SeriesInstanceUID = order.StudyInstanceUID, f"{order.StudyInstanceUID}.{series}"
        ds.SOPInstanceUID = f"{ds.SeriesInstanceUID}.{number}"
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = sop_class, ds.SOPInstanceUID
    return ds


def _clip(ds):
    """`ds` as a clip of two frames, in RLE Lossless."""
    from pydicom.uid import RLELossless

    ds.SOPClassUID = ULTRASOUND_CLIP
    _with_pixels(ds)
    ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = 2, "40", 0x00181063
    ds.PixelData = ds.PixelData * 2
    ds.compress(RLELossless, generate_instance_uid=False)
    return ds


@functools.lru_cache(maxsize=None)
def _small(sop_class):
    """An object of the hospital, of which little more is left than its true header; the exams of the test send copies of it."""
    from pydicom.encaps import encapsulate

    from coursekit.hospital.images import image

    if sop_class == DOSE_SR:
        return image("sr_dose_ct")
    if sop_class == SECONDARY_CAPTURE:
        ds = _with_pixels(_image("US_OB1", _order("US_OB1", random.Random(1))))
        ds.SOPClassUID, ds.Modality, ds.ConversionType, ds.SeriesNumber = sop_class, "OT", "WSD", 900
        ds.ImageType = ["DERIVED", "SECONDARY"]
        return ds
    ds = image("dbt_lmlo" if sop_class == TOMOSYNTHESIS else "mg_lmlo")
    ds.Rows = ds.Columns = 16
    ds.PixelData = bytes(2 * 16 * 16)
    if sop_class == TOMOSYNTHESIS:
        ds.NumberOfFrames, ds.PerFrameFunctionalGroupsSequence = 1, [ds.PerFrameFunctionalGroupsSequence[0]]
        ds.PixelData, ds.file_meta.TransferSyntaxUID = encapsulate([jpeg_lossless(16)]), JPEG_LOSSLESS
        ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def _device(title, draw, counts):
    """A Device that sends so many objects of each SOP class."""
    order = _order(title, draw)
    objects, number = [], 0
    for sop_class, count in counts.items():
        for _ in range(count):
            number += 1
            objects.append(_object(title, sop_class, order, number))
    return Device(title, OFFERS[title], objects)


@lesson.input
def scanner(hospital):
    """The emergency CT with release 8.1.0: a Device with the exam of the acceptance test."""
    device = _device("CTER01", random.Random(f"cpia-06 scanner {hospital.seed}"), {CT: 3, DOSE_SR: 1})
    for ds in device.objects:
        ds.PatientBirthDate = ""                # one attribute that is there and empty, to look at
    return device


@lesson.input
def mammograph(hospital):
    """The mammograph with release 3.0: a Device with a tomosynthesis."""
    return _device("MG1", random.Random(f"cpia-06 mammograph {hospital.seed}"), {MG_PRESENTATION: 1, TOMOSYNTHESIS: 2})


def sop_class_name(value):
    """The UID of a SOP class, from the UID or from its name; a name with the UID in brackets behind it as well."""
    found = re.search(r"\d+(?:\.\d+){4,}", str(value))
    return found[0] if found else dicom.uid(str(value))


class Counts(Table):
    """A dictionary from SOP class to number; an empty one is one, too."""

    def read(self, given):
        """The rows."""
        pairs = _pairs(given)
        if pairs is None and plain(given) == {}:
            return Rows(list(self.entries), [])
        return super().read(given if pairs is None else pairs)


@contextlib.contextmanager
def _errors_of_handlers():
    """The exceptions that pynetdicom swallows while the body runs: it notes that a handler raised one, and goes on."""
    raised = []

    class Listener(logging.Handler):
        def emit(self, record):
            if record.exc_info and record.name in ("pynetdicom.service_class", "pynetdicom.events"):     # where handlers are called
                raised.append(record.exc_info[1])

    listener = Listener(logging.ERROR)
    logging.getLogger("pynetdicom").addHandler(listener)
    try:
        yield raised
    finally:
        logging.getLogger("pynetdicom").removeHandler(listener)


@contextlib.contextmanager
def _servers_that_end_soon():
    """While the body runs, pynetdicom's servers look every 20 ms whether they are to end; with their own half a second, a check takes twice
    as long. Gives a list of those that have begun."""
    from pynetdicom.transport import AssociationServer

    begun = []

    def serve_forever(self, poll_interval=0.02):
        begun.append(self)
        socketserver.BaseServer.serve_forever(self, poll_interval)

    AssociationServer.serve_forever = serve_forever
    try:
        yield begun
    finally:
        del AssociationServer.serve_forever


def _listens(port):
    """Whether somebody takes calls at a port of this computer."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except (OSError, OverflowError, TypeError):
        return False


def _in_words(error):
    """An exception of a learner's handler: its type and its text."""
    try:
        text = str(error)[:120].replace("`", "'")
    except BaseException:               # its `__str__` is the learner's too
        text = ""
    return f"{type_name(error)}: {text}" if text else type_name(error)


def _noticed(state):
    """What a device, or the check, saw of a capture that must not be, whatever it returned: a sentence, or None."""
    statuses = [status for call in state["calls"] for status in call["statuses"] if status != 0x0000]
    if state["raised"]:
        error = state["raised"][0]
        failed = "; the device's object is answered with C211H, a failure" if 0xC211 in statuses else ""
        key = ""
        if type(error) is KeyError and len(error.args) == 1 and is_a(error.args[0], str):
            key = (f" {short(error.args[0])} is not in the dictionary. A number can only be added to when there is one: put a 0 for each "
                   "class when the device proposes it for the first time, with `evt.EVT_REQUESTED`.")
        return (f"One of your handlers stopped with `{_in_words(error)}`. pynetdicom catches that and goes on, so that you do not see "
                f"it{failed}.{key}")
    if 0xC002 in statuses:
        return ("Your server answered an object with C002H, a failure: that is what pynetdicom sends when the handler of C-STORE returns "
                "no status. Is its `return 0x0000` missing? A scanner would keep the object and try again.")
    if statuses and statuses[0] is not None:
        return (f"Your server answered an object with {statuses[0]:04X}H, which is not success. What it has taken it must answer with "
                "0000H, or the scanner keeps the object and tries again.")
    called = [call["called"] for call in state["calls"] if call["called"] != "CAPTURE"]
    if called:
        return (f"The device called {short(called[0])}. Give its `send` the AE title `\"CAPTURE\"`, so that nobody takes this for a "
                "delivery to the archive.")
    if state.get("listens"):
        return ("Your server still listens after the function has ended, and takes what anybody sends. End it with `server.shutdown()`, "
                "also when something fails on the way: that is what `finally` is for.")
    return None


@lesson.exercise
class Capture:
    """Write `capture(device)`: it starts a storage server on this computer that accepts every storage SOP class in every transfer syntax,
    lets the device send its exam there by `device.send("127.0.0.1", port, "CAPTURE")`, ends the server, and returns **a dictionary** from
    the UID of each SOP class that the device **offers** to the number of objects of it that **arrived**; 0 where it offers a class and
    sends nothing.

    Every presentation context that the device proposes counts as an offer, whether it is accepted or not. While it sends its exam, a
    device may call more than once and propose the same contexts again: what arrived before still counts. It is tried with three devices,
    over real associations.
    """

    answer = Client("capture", result=Counts("", entries=("SOP class", "arrived"), reading={"SOP class": sop_class_name}), noticed=_noticed,
                    called="device")
    points = 3

    def solution(device):
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

        counts = {}

        def on_request(event):
            for context in event.assoc.requestor.requested_contexts:
                uid = str(context.abstract_syntax)
                if uid not in counts:               # a device that calls again keeps its numbers
                    counts[uid] = 0

        def on_store(event):
            uid = str(event.request.AffectedSOPClassUID)
            counts[uid] = counts[uid] + 1
            return 0x0000

        server_ae = AE("CAPTURE")
        for context in AllStoragePresentationContexts:
            server_ae.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        handlers = [(evt.EVT_REQUESTED, on_request), (evt.EVT_C_STORE, on_store)]
        server = server_ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        try:
            device.send("127.0.0.1", server.server_address[1], "CAPTURE")
        finally:
            server.shutdown()
        return counts

    @contextlib.contextmanager
    def stage(draw):
        exams = {
            "CTER01": {CT: draw.randrange(3, 7), SECONDARY_CAPTURE: 1, DOSE_SR: 1},
            "MG1": {MG_PRESENTATION: draw.randrange(3, 5), TOMOSYNTHESIS: 2},
            "US_OB1": {ULTRASOUND: draw.randrange(2, 4), ULTRASOUND_CLIP: 2},
        }
        titles = list(exams)
        draw.shuffle(titles)
        devices = {title: _device(title, draw, exams[title]) for title in titles}
        states = {title: {"offers": OFFERS[title], "sent": exams[title], "calls": devices[title].calls, "raised": [], "title": title,
                          "so far": {one: exams[one] for one in titles[:place + 1]}, "all": exams} for place, title in enumerate(titles)}
        with _errors_of_handlers() as raised, _servers_that_end_soon() as begun:
            yield [((devices[title],), states[title]) for title in titles]
        open_ports = [server.server_address[1] for server in begun if server.fileno() >= 0]
        ended = [server.server_address[1] for server in begun if server.server_address[1] not in open_ports]
        for state in states.values():
            state["raised"] = raised
            # (The port of one that has ended may be somebody else's by now.)
            state["listens"] = any(call["port"] not in ended and _listens(call["port"]) for call in state["calls"])

    def right(state):
        return _counted(state, lambda uid, count: count)

    def uncompressed_only(state):
        taken = {uid for uid, syntaxes in state["offers"] if EXPLICIT in syntaxes}
        return _counted(state, lambda uid, count: count if uid in taken else 0)

    def some_compressed_only(state):
        taken = {uid for uid, syntaxes in state["offers"] if EXPLICIT in syntaxes or JPEG_LOSSLESS in syntaxes}
        return _counted(state, lambda uid, count: count if uid in taken else 0)

    def wiped_by_the_next_call(state):
        if state["title"] not in ANEW:
            return _counted(state, lambda uid, count: count)
        last = list(state["sent"])[-1]
        return _counted(state, lambda uid, count: 1 if uid == last else 0)

    def one_dictionary_for_all(state):
        return _together(state["all"])

    def dictionary_never_emptied(state):
        return _together(state["so far"])

    def only_what_arrived(state):
        return _counted(state, lambda uid, count: count or None)

    def accepted_contexts(state):
        return _counted(state, lambda uid, count: None if uid in (PRIVATE_CLASS, VERIFICATION) else count)

    def accepted_without_private(state):
        return _counted(state, lambda uid, count: None if uid == PRIVATE_CLASS else count)

    def storage_only(state):
        return _counted(state, lambda uid, count: None if uid == VERIFICATION else count)

    def contexts_counted(state):
        offers = [uid for uid, _ in state["offers"]]
        return _counted(state, lambda uid, count: offers.count(uid))

    def never_counted(state):
        return _counted(state, lambda uid, count: 0)

    def once_or_never(state):
        return _counted(state, lambda uid, count: min(count, 1))

    def no_offers(state):
        return {"SOP class": [], "arrived": []}

    wrong_ways = {
        uncompressed_only: "The tomosynthesis of one device and the clips of another did not arrive at your server. Each is offered in one "
        "compressed transfer syntax only, and your server accepts uncompressed ones. (Without a list of syntaxes, "
        "`add_supported_context` accepts these, and deflated.) The context is refused with result 4; the device keeps the images, and the "
        "archive has no error to show.",
        some_compressed_only: "Your server accepts JPEG Lossless, and not every transfer syntax: the clips of one device, in RLE Lossless, "
        "stay behind. pynetdicom has the list of all, `ALL_TRANSFER_SYNTAXES`.",
        wiped_by_the_next_call: "One device calls anew for every object, and proposes the same contexts each time. Your handler puts a 0 "
        "there again, and what was counted before is gone. Put the 0 only where there is no number yet: `if uid not in counts:`.",
        one_dictionary_for_all: "Your dictionary has what *other* devices offered, too. It was made once, outside `capture`, and all calls "
        "of `capture` write into it. Make it inside, so that each call has one of its own.",
        dictionary_never_emptied: "Your dictionary still has what the devices before offered. It was made outside `capture`, and nobody "
        "empties it. Make it inside, so that each call has one of its own.",
        only_what_arrived: "You report what arrived. A class that is offered and did not come in this exam is what you are after: "
        "presentation states, say, or raw data, that will come one day.",
        accepted_contexts: "You report the contexts that your server accepted. What a device proposes and you refuse is an offer as "
        "well; a private SOP class is the first thing to ask the vendor about. `requested_contexts` has them all.",
        accepted_without_private: "A SOP class is missing that is no standard one. The device proposes it, your server refuses it: ask "
        "the vendor what stays behind on the scanner.",
        storage_only: "You left out the Verification context. It is one of those that the device proposes; the question asks for every "
        "one.",
        contexts_counted: "You counted presentation contexts. One class may be offered in several, with other transfer syntaxes, and "
        "many objects may come in one.",
        never_counted: "All your numbers are 0. Is the handler of C-STORE in the list `evt_handlers`, and does it add to the number?",
        once_or_never: "You note *that* a class arrived, not how many objects. Add one each time: `counts[uid] = counts[uid] + 1`.",
        no_offers: "Your dictionary is empty. The device's proposal comes with `evt.EVT_REQUESTED`; is that handler in the list "
        "`evt_handlers`?",
    }
    hints = [
        "The cell above counts all objects. Two things are to be added: a handler for `evt.EVT_REQUESTED`, which comes before anything "
        "is accepted, and a number for each SOP class.",
        "In the handler of `evt.EVT_REQUESTED`, loop over `event.assoc.requestor.requested_contexts`; where "
        "`str(context.abstract_syntax)` is not yet in `counts`, put a 0 there.",
        "In the handler of `evt.EVT_C_STORE`, the class is `str(event.request.AffectedSOPClassUID)`; add one to its number, and return "
        "0x0000.",
        "Both handlers belong in the list: `[(evt.EVT_REQUESTED, on_request), (evt.EVT_C_STORE, on_store)]`. In the end, return `counts`.",
    ]
    praise = ("What a device offers and what it really sends: with this capture you know both before it meets the archive, and the "
              "vendor's conformance statement can be held against it.")


def _counted(state, number):
    """The table that says `number(uid, count)` for each offered class; None leaves the class out."""
    rows = [(uid, number(uid, state["sent"].get(uid, 0))) for uid in dict.fromkeys(uid for uid, _ in state["offers"])]
    rows = [row for row in rows if row[1] is not None]
    return {"SOP class": [uid for uid, _ in rows], "arrived": [count for _, count in rows]}


def _together(exams):
    """The table of what all these devices, {title: {SOP class: number}}, offered and sent."""
    numbers = {uid: sent.get(uid, 0) for title, sent in exams.items() for uid, _ in OFFERS[title]}
    return {"SOP class": list(numbers), "arrived": list(numbers.values())}
