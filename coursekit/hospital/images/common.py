"""What every object carries, whatever its modality: identity, times, identifiers, pixels' encoding."""

from coursekit.hospital import names, story, world
from coursekit.standards import objects

ROOT = "2.999"
HOSPITAL = "Harbour Vale General Hospital"
EXPLICIT = "1.2.840.10008.1.2.1"
code, item = objects.code, objects.item             # where every image finds them


def dataset(sop_class, uids, device, transfer_syntax=EXPLICIT):
    """A FileDataset with its file meta information.

    sop_class       : SOP Class UID
    uids            : Study, Series and SOP Instance UID
    device          : AE title of the sender, which is also its Station Name (see ``world.DEVICES``)
    transfer_syntax : UID; Explicit VR Little Endian unless the pixels are compressed
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(uids[2])
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(f"{ROOT}.1.100.1")
    meta.ImplementationVersionName = "HVGH_2025"
    meta.SourceApplicationEntityTitle = device
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False)      # as its transfer syntax, which is explicit
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = UID(sop_class), UID(uids[2])
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(uids[0]), UID(uids[1])
    ds.InstitutionName = HOSPITAL
    ds.StationName = device
    ds.ReferringPhysicianName = ""
    return ds


def person(draws, ds, sex):
    """Give `ds` an invented patient."""
    families, women, men = names.LANGUAGES[draws.one(0, len(names.LANGUAGES) - 1)]
    given = women if sex == "F" else men
    family = families[draws.one(0, len(families) - 1)]
    ds.PatientName = f"{family}^{given[draws.one(0, len(given) - 1)]}".upper()
    ds.PatientID = f"HV{draws.one(101000, 198999)}"
    ds.PatientBirthDate = f"{draws.one(1938, 1998)}{draws.one(1, 12):02d}{draws.one(1, 28):02d}"
    ds.PatientSex = sex


def when(ds, date, study, series, content):
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = date
    ds.StudyTime, ds.SeriesTime, ds.AcquisitionTime, ds.ContentTime = study, series, content, content


def encoding(ds, pixels, stored, signed=False):
    """The Image Pixel attributes for `pixels` (frames, rows, columns, samples or rows, columns) and the pixels."""
    ds.Rows, ds.Columns = pixels.shape[-2:] if pixels.ndim == 2 else pixels.shape[1:3]
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = stored
    ds.HighBit = stored - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"


def patient(ds, name, identifier, birth, sex):
    """The Patient module: `name` and `identifier` as text, `birth` as YYYYMMDD, `sex` F, M or O."""
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, identifier, birth, sex
    ds.IssuerOfPatientID = "HVGH"


def story_person(ds, seed, role):
    """Make the patient of `ds` one of the story's people, as edition `seed` names them (see ``story.PEOPLE``)."""
    name, sex, birth, identifier = story.people(seed)[role]
    patient(ds, name, identifier, birth.replace("-", ""), sex)


def ordered(date, number):
    """Study Instance UID and accession number of an examination of `date` (YYYYMMDD); `number` is 1 to 99.

    The records of an edition count a day's accession numbers from 1 and never reach 9900, and their UIDs have an arc
    of their own: an image's identifiers are never those of another examination.
    """
    return f"{ROOT}.200.9.{date[2:]}.{number}", f"A{date[2:]}99{number:02d}"


def invented(device, date, number):
    """Study Instance UID that a device made up because it had no order; `device` is an AE title of ``world.DEVICES``."""
    octet = next(host.rsplit(".", 1)[1] for title, host, *_ in world.DEVICES if title == device)
    return f"{ROOT}.100.{octet}.{date}.{number}"


def clock_time(start, later):
    """The time (HHMMSS) `later` whole seconds after `start` (HHMMSS), on the same day."""
    seconds = int(start[:2]) * 3600 + int(start[2:4]) * 60 + int(start[4:6]) + later
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


def number(value, digits=4):
    """`value` as a Decimal String: at most `digits` decimals, no trailing zeros, no minus before zero."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def axial(ds, shape, spacing, z, thickness, frame):
    """The Image Plane and Frame of Reference modules of a transverse slice, head first supine, centred on x = y = 0.

    shape : rows, columns
    spacing, thickness : mm
    z     : mm, of the slice's middle; grows towards the head
    frame : Frame of Reference UID
    """
    ds.PatientPosition = "HFS"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame, ""
    ds.ImagePositionPatient = [number(-(count - 1) / 2 * spacing) for count in (shape[1], shape[0])] + [number(z)]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing = [number(spacing, 6)] * 2
    ds.SliceThickness = number(thickness)


def window(ds, center, width):
    ds.WindowCenter, ds.WindowWidth = number(center), number(width)


def scale(ds, slope, intercept, kind):
    """The Modality LUT: output = slope · stored + intercept, in `kind` (Rescale Type)."""
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = number(slope, 8), number(intercept, 8), kind
