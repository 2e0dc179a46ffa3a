"""Key object selections: documents that point at objects and say why (PS3.3 A.35.4, PS3.16 TID 2010).

    ko_of_interest  the reader flags two slices of "ct_chest" for whoever ordered it
    ko_quality      a test plate with faults of the detector is flagged; it stays in use
    ko_rejected     a carotid ultrasound made under a wrong patient is withdrawn (IHE Imaging Object Change Management)
    ko_manifest     the list of all objects of Case 17 that the VNA published to the region (IHE XDS-I.b), and in vain

The title is the meaning (CID 7010): what a system does with a document of interest, of rejection, or with a manifest
differs. A document is of the study of what it points at, and bears the patient that those objects bear, right or wrong.

`truth` gives
    title     code value of the document's title, DCM
    modifier  code value of its modifier (CID 7011), or None
    images    name of the image or series that it points at; None for Case 17, whose objects only the database knows
    instances list of SOP Instance UIDs, in the document's order
    rejects   whether an archive has to hide what it points at
"""

from coursekit.hospital import clock
from coursekit.hospital.images import common
from coursekit.standards.key_objects import KO_STORAGE, MANIFEST, device, fill, person

SERIES = 801  # key objects have the eight hundreds, as in the archive
OF_INTEREST, QUALITY_ISSUE = ("113000", "Of Interest"), ("113010", "Quality Issue")
WRONG_ENTRY = ("113038", "Incorrect Modality Worklist Entry")
REJECTIONS = ("113001", "113037", "113038", "113039")
DETECTOR_ARTEFACT = ("111214", "Detector artifact(s)")


# What is of the patient and of the study, and so the same in a document as in the images.
SHARED = ("SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
          "QualityControlSubject", "StudyDate", "StudyTime", "AccessionNumber", "StudyID", "StudyDescription", "ReferringPhysicianName")


def beside(image, sop_class, number, device, date, time):
    """A data set in a series of its own in the study of `image`, made later and elsewhere.

    image        : a data set of that study
    number       : of the new series, also the last part of its UID
    device       : AE title of the maker
    date, time   : YYYYMMDD and HHMMSS of the making
    """
    study = image.StudyInstanceUID
    ds = common.dataset(sop_class, (study, f"{study}.{number}", f"{study}.{number}.1"), device)
    for keyword in SHARED:
        if keyword in image:
            ds[keyword] = image[keyword]
    ds.SeriesDate, ds.SeriesTime, ds.SeriesNumber = date, time, number
    ds.Manufacturer, ds.ManufacturerModelName = "Leuchtpult Software", "Reader 12"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "12.1", f"LS-{device}"
    return ds


def selection(images_, device, date, time, title, observer, description, modifier=None):
    """A key object selection in the study of the first of `images_`.

    images_          : list of data sets
    device           : AE title of the maker
    date, time       : YYYYMMDD and HHMMSS of the making
    title, modifier  : (code value, meaning), scheme DCM
    observer         : content items, as ``person`` makes them
    description      : text, or None
    """
    ds = beside(images_[0], KO_STORAGE, SERIES, device, date, time)
    ds.SeriesDescription = "Key images"
    ds.ContentDate, ds.ContentTime = date, time
    series = {}
    for one in images_:
        series.setdefault(one.SeriesInstanceUID, []).append((one.SOPClassUID, one.SOPInstanceUID))
    fill(ds, title, observer, description, images_[0].StudyInstanceUID, series, modifier)
    return ds


def _of_interest(seed):
    from coursekit.hospital import images

    return selection(nodule_slices(seed), "WS_CH1", "20250404", "134210", OF_INTEREST, person("DEMO^READER"), _nodule_text(
        images.truth("ct_chest", seed)["nodule"]))


def nodule_slices(seed):
    """The slice of "ct_chest" through the middle of its nodule and the next one to it: a list of two data sets."""
    from coursekit.hospital import images

    height = images.truth("ct_chest", seed)["nodule"]["centre"][2]
    return sorted(images.image("ct_chest", seed), key=lambda ds: abs(float(ds.ImagePositionPatient[2]) - height))[:2]


def side(nodule):
    """'left' or 'right': the patient's, by the x of a nodule's centre, which grows to the patient's left."""
    return "left" if nodule["centre"][0] > 0 else "right"


def _nodule_text(nodule):
    return f"Nodule in the {side(nodule)} lung, about {round(nodule['diameter'])} mm. See report."


def _quality(seed):
    from coursekit.hospital import images

    plate = images.image("plate_artefact", seed)
    return selection([plate], "WS_ED1", plate.StudyDate, "093512", QUALITY_ISSUE, person("DEMO^QC TECHNOLOGIST"),
                      "Test plate: specks, a scratch and lines. Plate and reader to be cleaned, then test again.",
                      DETECTOR_ARTEFACT)


def _rejected(seed):
    from coursekit.hospital import images

    still = images.image("us_carotid", seed)
    return selection([still], "HV_PACS", still.StudyDate, "155218", WRONG_ENTRY, person("DEMO^PACS ADMINISTRATOR"),
                      "Wrong line of the worklist chosen at US_ECHO1: the image is of another patient. Withdrawn.")


# --- Case 17

VNA_LOCATION = f"{common.ROOT}.100.40"  # Retrieve Location UID of the VNA: the imaging document source


def manifest(h):
    """The manifest that the VNA sent to the region for Case 17, which the registry refused: a FileDataset.

    It lists every object that the archive of `h` (a ``Hospital``) holds of the study, with the archive's UIDs, and where
    to ask for them: Retrieve AE Title and Retrieve Location UID in each series. Patient ID and name are those typed at
    the scanner, which the region does not know.
    """
    from coursekit.hospital.incidents import MANIFEST_REFUSED

    case = h.truth["case_17"]
    series = _stored(h, case["study_uid"])
    date, time = _wall(MANIFEST_REFUSED - 6)
    own = common.invented("HV_VNA", date, 1)
    ds = common.dataset(KO_STORAGE, (case["study_uid"], f"{own}.1", f"{own}.1.1"), "HV_VNA")
    common.patient(ds, case["typed_name"], case["typed_id"], case["birth_date"].replace("-", ""), case["sex"])
    # Stored as the scanner said: its clock was an hour slow.
    ds.StudyDate, ds.StudyTime = (text.replace("-", "").replace(":", "") for text in case["study_dt_local"].split(" "))
    ds.AccessionNumber, ds.StudyID, ds.StudyDescription = "", "17", "CT HEAD"
    ds.SeriesDate = ds.ContentDate = date
    ds.SeriesTime = ds.ContentTime = time
    ds.SeriesNumber, ds.SeriesDescription = SERIES, "XDS-I manifest"
    ds.Manufacturer, ds.ManufacturerModelName = "Magazijn Archives", "Neutral 9"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "9.4.0", "MA-0040"
    fill(ds, MANIFEST, device("HV_VNA", VNA_LOCATION), None, case["study_uid"], series, RetrieveAETitle="HV_VNA",
          RetrieveLocationUID=VNA_LOCATION)
    return ds


def _stored(h, study_uid):
    """The objects of a study by series, as the archive knows them: {Series UID: [(SOP Class UID, SOP Instance UID)]}."""
    series = {}
    for uid, sop_class, instance in h.pacs.rows(
            "SELECT r.series_uid, i.sop_class_uid, i.sop_uid FROM instance i JOIN series r ON r.pk = i.series_pk "
            f"JOIN study s ON s.pk = r.study_pk WHERE s.study_uid = '{study_uid}' ORDER BY r.series_no, i.instance_no")[1]:
        series.setdefault(uid, []).append((sop_class, instance))
    return series


def _wall(utc):
    """Date and time (YYYYMMDD, HHMMSS) of the wall clock at an instant."""
    text = clock.text([int(clock.to_local(utc))])[0]
    return text[:10].replace("-", ""), text[11:].replace(":", "")


def _manifest(seed):
    from coursekit.hospital import hospital

    return manifest(hospital(seed))


def _told(name, images_):
    def tell(seed):
        from coursekit.hospital import images

        ds = images.image(name, seed)
        title = ds.ConceptNameCodeSequence[0].CodeValue
        modifiers = [item.ConceptCodeSequence[0].CodeValue for item in ds.ContentSequence
                     if item.RelationshipType == "HAS CONCEPT MOD"]
        return {
            "title": title, "modifier": modifiers[0] if modifiers else None, "images": images_,
            "instances": [str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for item in ds.ContentSequence
                          if item.ValueType in ("IMAGE", "COMPOSITE")],
            "rejects": title in REJECTIONS,
        }
    return tell


IMAGES = {"ko_of_interest": _of_interest, "ko_quality": _quality, "ko_rejected": _rejected, "ko_manifest": _manifest}
TRUTH = {name: _told(name, about) for name, about in (
    ("ko_of_interest", "ct_chest"), ("ko_quality", "plate_artefact"), ("ko_rejected", "us_carotid"), ("ko_manifest", None))}
