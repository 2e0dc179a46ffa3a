"""The X-ray radiation dose report of a CT: PS3.16 TID 10011, with TID 10012 (accumulated) and TID 10013 (each event).

It reports what the headers of "ct_chest" say, and the scout before it.

`truth` gives
    events   list of (kind, CTDIvol in mGy, scanned length in mm, DLP in mGy·cm); DLP = CTDIvol · length / 10
    DLP      mGy·cm, of all events: each to two decimals, then added
    images   name of the images that it reports on
"""

from coursekit.hospital.images import common
from coursekit.hospital.images.ct import SCANNERS
from coursekit.hospital.images.ct_body import Chest

DOSE_SR_STORAGE = "1.2.840.10008.5.1.4.1.1.88.67"
OVERRANGE = 22.0  # mm, beyond the first and last image together, that a spiral needs
SCOUT_CTDIVOL, SCOUT_LENGTH = 0.11, 350.0

# code value, scheme, meaning (UCUM): the units
MGY, MGYCM, MM = ("mGy", "UCUM", "mGy"), ("mGy.cm", "UCUM", "mGy.cm"), ("mm", "UCUM", "mm")
S, KV, MA = ("s", "UCUM", "s"), ("kV", "UCUM", "kV"), ("mA", "UCUM", "mA")
RATIO, EVENTS = ("{ratio}", "UCUM", "ratio"), ("{events}", "UCUM", "events")
SOURCES = ("{X-Ray sources}", "UCUM", "X-Ray sources")


def _dcm(value, meaning):
    return common.code(value, "DCM", meaning)


def _content(relation, kind, name, **elements):
    item = common.item(RelationshipType=relation, ValueType=kind, ConceptNameCodeSequence=[name])
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _container(name, *items, relation="CONTAINS"):
    return _content(relation, "CONTAINER", name, ContinuityOfContent="SEPARATE", ContentSequence=list(items))


def _text(name, text, relation="CONTAINS"):
    return _content(relation, "TEXT", name, TextValue=text)


def _coded(name, value, relation="CONTAINS", *more):
    item = _content(relation, "CODE", name, ConceptCodeSequence=[value])
    if more:
        item.ContentSequence = list(more)
    return item


def _uid(name, uid, relation="CONTAINS"):
    return _content(relation, "UIDREF", name, UID=uid)


def _instant(name, moment, relation):
    return _content(relation, "DATETIME", name, DateTime=moment)


def _measured(name, value, unit):
    measured = common.item(NumericValue=common.number(value), MeasurementUnitsCodeSequence=[common.code(*unit)])
    return _content("CONTAINS", "NUM", name, MeasuredValueSequence=[measured])


def _spiral_length(chest):
    return chest.COUNT * chest.INCREMENT + OVERRANGE


def _events(chest):
    """(kind, CTDIvol, length, DLP) of the scout and of the spiral."""
    return [(kind, ctdi, length, round(ctdi * length / 10, 2)) for kind, ctdi, length in (
        ("scout", SCOUT_CTDIVOL, SCOUT_LENGTH), ("spiral", chest.CTDIVOL, _spiral_length(chest)))]


def _total(chest):
    return round(sum(dlp for *_, dlp in _events(chest)), 2)


def _observer(chest):
    """TID 1002 and 1004: the scanner observed."""
    maker, model, _, serial = SCANNERS["CT2"]
    context = "HAS OBS CONTEXT"
    return [
        _coded(_dcm("121005", "Observer Type"), _dcm("121007", "Device"), context),
        _uid(_dcm("121012", "Device Observer UID"), f"{common.ROOT}.100.42", context),
        _text(_dcm("121013", "Device Observer Name"), "CT2", context),
        _text(_dcm("121014", "Device Observer Manufacturer"), maker, context),
        _text(_dcm("121015", "Device Observer Model Name"), model, context),
        _text(_dcm("121016", "Device Observer Serial Number"), serial, context),
    ]


def _event(chest, number, event):
    """TID 10013: one irradiation event."""
    kind, ctdi, length, dlp = event
    spiral = kind == "spiral"
    table_speed = chest.PITCH * 38.4 / chest.ROTATION  # mm/s
    seconds = round(length / table_speed, 2) if spiral else 3.5
    milliamperes = chest.MA if spiral else 35
    source = [
        _text(_dcm("113832", "Identification of the X-Ray Source"), "A"),
        _measured(_dcm("113733", "KVP"), chest.KV, KV),
        _measured(_dcm("113833", "Maximum X-Ray Tube Current"), milliamperes, MA),
        _measured(_dcm("113734", "X-Ray Tube Current"), milliamperes, MA),
    ]
    if spiral:
        source.append(_measured(_dcm("113834", "Exposure Time per Rotation"), chest.ROTATION, S))
    parameters = [
        _measured(_dcm("113824", "Exposure Time"), seconds, S),
        _measured(_dcm("113825", "Scanning Length"), length, MM),
        _measured(_dcm("113826", "Nominal Single Collimation Width"), 0.6, MM),
        _measured(_dcm("113827", "Nominal Total Collimation Width"), 38.4 if spiral else 3.6, MM),
    ]
    if spiral:
        parameters.append(_measured(_dcm("113828", "Pitch Factor"), chest.PITCH, RATIO))
    parameters.append(_measured(_dcm("113823", "Number of X-Ray Sources"), 1, SOURCES))
    parameters.append(_container(_dcm("113831", "CT X-Ray Source Parameters"), *source))
    acquisition = (common.code("116152004", "SCT", "Spiral Acquisition") if spiral
                   else _dcm("113805", "Constant Angle Acquisition"))
    return _container(
        _dcm("113819", "CT Acquisition"),
        _text(_dcm("125203", "Acquisition Protocol"), "Chest routine" if spiral else "Topogram"),
        _coded(_dcm("123014", "Target Region"), common.code("51185008", "SCT", "Chest")),
        _coded(_dcm("113820", "CT Acquisition Type"), acquisition),
        _uid(_dcm("113769", "Irradiation Event UID"), chest.event(number)),
        _container(_dcm("113822", "CT Acquisition Parameters"), *parameters),
        _container(
            _dcm("113829", "CT Dose"),
            _measured(_dcm("113830", "Mean CTDIvol"), ctdi, MGY),
            _coded(_dcm("113835", "CTDIw Phantom Type"), _dcm("113691", "IEC Body Dosimetry Phantom")),
            _measured(_dcm("113838", "DLP"), dlp, MGYCM)),
    )


def _sr_dose_ct(seed):
    chest = Chest(seed)
    maker, model, software, serial = SCANNERS["CT2"]
    ds = common.dataset(DOSE_SR_STORAGE, (chest.study, f"{chest.study}.501", f"{chest.study}.501.1"), "CT2")
    chest.identify(ds)
    made = common.clock_time(chest.SPIRAL, 41)
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = chest.DATE
    ds.StudyTime, ds.SeriesTime, ds.ContentTime = chest.START, made, made
    ds.Modality, ds.SeriesDescription = "SR", "Dose report"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions, ds.DeviceSerialNumber = maker, model, software, serial
    ds.SeriesNumber, ds.InstanceNumber = 501, 1
    ds.ReferencedPerformedProcedureStepSequence = []
    ds.PerformedProcedureCodeSequence = []
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ReferencedRequestSequence = [common.item(
        StudyInstanceUID=chest.study, ReferencedStudySequence=[], AccessionNumber=chest.accession,
        PlacerOrderNumberImagingServiceRequest="", FillerOrderNumberImagingServiceRequest="", RequestedProcedureID="",
        RequestedProcedureDescription="CT CHEST", RequestedProcedureCodeSequence=[])]

    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_dcm("113701", "X-Ray Radiation Dose Report")]
    ds.ContentTemplateSequence = [common.item(MappingResource="DCMR", TemplateIdentifier="10011")]
    scope, modifier, events = "HAS OBS CONTEXT", "HAS CONCEPT MOD", _events(chest)
    intent = _coded(common.code("363703001", "SCT", "Has Intent"), common.code("261004008", "SCT", "Diagnostic Intent"), modifier)
    ds.ContentSequence = [
        _coded(_dcm("121058", "Procedure reported"), common.code("77477000", "SCT", "Computed Tomography X-Ray"),
               modifier, intent),
        *_observer(chest),
        _instant(_dcm("113809", "Start of X-Ray Irradiation"), chest.DATE + chest.SCOUT, scope),
        _instant(_dcm("113810", "End of X-Ray Irradiation"), chest.DATE + common.clock_time(chest.SPIRAL, 4), scope),
        _coded(_dcm("113705", "Scope of Accumulation"), _dcm("113014", "Study"), scope,
               _uid(_dcm("110180", "Study Instance UID"), chest.study, "HAS PROPERTIES")),
        _container(
            _dcm("113811", "CT Accumulated Dose Data"),
            _measured(_dcm("113812", "Total Number of Irradiation Events"), len(events), EVENTS),
            _measured(_dcm("113813", "CT Dose Length Product Total"), _total(chest), MGYCM)),
        *(_event(chest, number, event) for number, event in enumerate(events, 1)),
        _coded(_dcm("113854", "Source of Dose Information"), _dcm("113856", "Automated Data Collection")),
    ]
    return ds


def _sr_dose_ct_truth(seed):
    chest = Chest(seed)
    return {"events": _events(chest), "DLP": _total(chest), "images": "ct_chest"}


IMAGES = {"sr_dose_ct": _sr_dose_ct}
TRUTH = {"sr_dose_ct": _sr_dose_ct_truth}
