"""The catalogue of procedures: what can be ordered, on which device, and which series it leaves in the archive.

Volumes, series and sizes have the shape of a general hospital's; sizes are those of the usual matrix, 2 bytes a pixel
or the usual compression.
"""

from typing import NamedTuple


class Slot(NamedTuple):
    """A series that a procedure may leave: present in `permille` of 1000 studies, low to high instances."""

    modality: str
    description: str
    permille: int
    low: int
    high: int
    bytes_each: int
    kind: str = ""          # SOP class, where the modality alone does not say it


class Procedure(NamedTuple):
    """An entry of the catalogue. `weights`: how often as outpatient, emergency, inpatient; `who` may have it."""

    code: str
    description: str
    modality: str
    body_part: str
    weights: tuple
    devices: tuple
    minutes: tuple
    slots: tuple
    who: str = "any"
    sided: bool = False


KB = 1000
DOSE = Slot("SR", "Dose report", 860, 1, 1, 32 * KB, "dose")
KEY_IMAGES = Slot("KO", "Key images", 40, 1, 1, 6 * KB)


def states(permille):
    return Slot("PR", "Presentation state", permille, 1, 3, 14 * KB)


def ct(*reconstructions, patient_protocol=180):
    scout = Slot("CT", "Topogram", 900, 1, 2, 530 * KB)
    thin = tuple(Slot("CT", name, share, low, high, 526 * KB) for name, share, low, high in reconstructions)
    return (scout,) + thin + (DOSE, Slot("OT", "Patient protocol", patient_protocol, 1, 2, 786 * KB, "secondary"),
                              states(90), KEY_IMAGES)


def mr(*sequences):
    return tuple(Slot("MR", name, share, low, high, size * KB) for name, share, low, high, size in sequences) + (
        states(120), KEY_IMAGES)


def radiograph(modality, low, high, size):
    # A digital room writes a series for each view, a plate reader one for all.
    if modality == "DX":
        return (Slot("DX", "View 1", 1000, 1, low, size), Slot("DX", "View 2", 120, 1, high - low + 1, size),
                states(50))
    return (Slot("CR", "Plates", 1000, low, high, size), states(20))


def xray(code, name, part, weights, modality, low, high, sided=False, size=9500 * KB):
    devices = (("DX_CH1", 1),) if modality == "DX" else (("CR_ER1", 1),)
    return Procedure(code, name, modality, part, weights, devices, (3, 12),
                     radiograph(modality, low, high, size), sided=sided)


ANY_CT = (("CT2", 7), ("CT_ER", 3))
ER_CT = (("CT_ER", 8), ("CT2", 2))

PROCEDURES = (
    # code, description, body part, weights (outpatient, emergency, inpatient)
    xray("XCHPA", "XR CHEST PA/LAT", "CHEST", (190, 20, 60), "DX", 2, 2),
    xray("XCHAP", "XR CHEST AP PORTABLE", "CHEST", (0, 110, 420), "CR", 1, 1, size=8100 * KB),
    xray("XABD", "XR ABDOMEN", "ABDOMEN", (20, 40, 50), "DX", 1, 2),
    xray("XHAND", "XR HAND", "HAND", (60, 80, 4), "DX", 2, 3, True, 5200 * KB),
    xray("XWRIST", "XR WRIST", "WRIST", (30, 90, 4), "CR", 2, 3, True, 4800 * KB),
    xray("XKNEE", "XR KNEE", "KNEE", (100, 50, 10), "DX", 2, 3, True),
    xray("XANKLE", "XR ANKLE", "ANKLE", (25, 90, 4), "CR", 2, 3, True, 4800 * KB),
    xray("XFOOT", "XR FOOT", "FOOT", (45, 60, 5), "DX", 2, 3, True),
    xray("XSHLD", "XR SHOULDER", "SHOULDER", (50, 50, 5), "CR", 2, 3, True, 8100 * KB),
    xray("XPELV", "XR PELVIS", "PELVIS", (40, 45, 25), "DX", 1, 2),
    xray("XHIP", "XR HIP", "HIP", (45, 40, 30), "DX", 2, 2, True),
    xray("XCSP", "XR CERVICAL SPINE", "CSPINE", (25, 25, 5), "CR", 2, 3, False, 8100 * KB),
    xray("XLSP", "XR LUMBAR SPINE", "LSPINE", (50, 15, 8), "DX", 2, 3),

    Procedure("CTHD", "CT HEAD", "CT", "HEAD", (18, 130, 40), ER_CT, (6, 15),
              ct(("Head 5.0", 1000, 28, 40), ("Head 1.0 bone", 600, 140, 220))),
    Procedure("CTCH", "CT CHEST", "CT", "CHEST", (50, 20, 40), ANY_CT, (8, 20),
              ct(("Chest 3.0", 1000, 90, 130), ("Lung 1.0 thin", 900, 280, 400), ("MPR coronal", 500, 60, 110))),
    Procedure("CTPA", "CT PULMONARY ANGIO", "CT", "CHEST", (3, 45, 30), ER_CT, (10, 25),
              ct(("PE 1.0 thin", 1000, 260, 380), ("MPR coronal", 700, 80, 110))),
    Procedure("CTAP", "CT ABDOMEN PELVIS", "CT", "ABDOMENPELVIS", (60, 60, 55), ANY_CT, (10, 25),
              ct(("Portal venous 3.0", 1000, 130, 180), ("MPR coronal", 800, 70, 110))),
    Procedure("CTCAP", "CT CHEST ABDOMEN PELVIS", "CT", "CHESTABDPELVIS", (45, 15, 20), ANY_CT, (12, 28),
              ct(("Chest 1.0 thin", 900, 280, 400), ("Portal venous 3.0", 1000, 190, 250),
                 ("MPR coronal", 700, 80, 120))),
    Procedure("CTCSP", "CT CERVICAL SPINE", "CT", "CSPINE", (4, 30, 5), ER_CT, (8, 15),
              ct(("Spine 1.0 bone", 1000, 180, 260), ("MPR sagittal", 900, 40, 70))),
    Procedure("CTCOR", "CT CORONARY ANGIO", "CT", "CORONARYARTERY", (22, 2, 6), (("CT2", 1),), (20, 40),
              ct(("Best diastolic 0.6", 1000, 220, 320), ("Calcium score", 900, 40, 60),
                 ("Functional 1.5", 200, 600, 900), patient_protocol=400)),

    Procedure("MRBR", "MR BRAIN", "MR", "BRAIN", (60, 6, 25), (("MR1", 1),), (20, 45),
              mr(("Localizer", 950, 3, 9, 140), ("T1 sag", 900, 22, 30, 300), ("T2 tra", 1000, 24, 34, 530),
                 ("FLAIR tra", 950, 24, 34, 300), ("DWI", 900, 50, 90, 80), ("T1 post", 400, 120, 176, 200))),
    Procedure("MRLSP", "MR LUMBAR SPINE", "MR", "LSPINE", (60, 3, 8), (("MR1", 1),), (20, 35),
              mr(("Localizer", 950, 3, 9, 140), ("T1 sag", 1000, 13, 17, 400), ("T2 sag", 1000, 13, 17, 400),
                 ("T2 tra", 950, 24, 40, 300))),
    Procedure("MRKN", "MR KNEE", "MR", "KNEE", (55, 0, 2), (("MR1", 1),), (20, 35),
              mr(("Localizer", 950, 3, 9, 140), ("PD fs sag", 1000, 24, 32, 420), ("PD fs cor", 950, 22, 30, 420),
                 ("T1 cor", 800, 22, 30, 420)), sided=True),
    Procedure("MRABD", "MR ABDOMEN", "MR", "ABDOMEN", (22, 1, 10), (("MR1", 1),), (30, 50),
              mr(("Localizer", 950, 9, 21, 140), ("T2 HASTE", 1000, 30, 40, 210), ("DWI", 900, 90, 130, 60),
                 ("T1 VIBE dynamic", 900, 280, 360, 210), ("MRCP", 300, 40, 70, 300))),
    Procedure("MRPRO", "MR PROSTATE", "MR", "PROSTATE", (18, 0, 1), (("MR1", 1),), (30, 45),
              mr(("Localizer", 950, 9, 15, 140), ("T2 tra", 1000, 24, 30, 530), ("DWI", 1000, 80, 110, 60),
                 ("ADC", 1000, 20, 28, 60), ("DCE", 500, 600, 900, 70)), who="men over 45"),

    Procedure("USABD", "US ABDOMEN", "US", "ABDOMEN", (110, 35, 45), (("US_OB1", 1),), (15, 30),
              (Slot("US", "Abdomen", 1000, 18, 45, 920 * KB), Slot("SR", "Measurements", 90, 1, 1, 20 * KB))),
    Procedure("USOB", "US OBSTETRIC", "US", "UTERUS", (90, 6, 8), (("US_OB1", 1),), (15, 35),
              (Slot("US", "Fetus", 1000, 20, 60, 920 * KB), Slot("SR", "OB-GYN report", 700, 1, 1, 24 * KB)),
              who="women of 18 to 45"),
    Procedure("USECHO", "US ECHOCARDIOGRAM", "US", "HEART", (70, 12, 50), (("US_ECHO1", 1),), (25, 45),
              (Slot("US", "Clips", 1000, 35, 80, 4600 * KB, "multi-frame"),
               Slot("SR", "Adult echo report", 650, 1, 1, 30 * KB))),

    Procedure("MGSCR", "MG SCREENING BILATERAL", "MG", "BREAST", (120, 0, 0), (("MG1", 1),), (8, 15),
              (Slot("MG", "FFDM", 1000, 4, 5, 27000 * KB), Slot("MG", "DBT", 350, 2, 4, 180000 * KB, "tomosynthesis"),
               Slot("SR", "CAD", 100, 1, 1, 60 * KB), states(60)), who="women over 40"),
    Procedure("MGDX", "MG DIAGNOSTIC", "MG", "BREAST", (35, 0, 1), (("MG1", 1),), (10, 25),
              (Slot("MG", "FFDM", 1000, 2, 6, 27000 * KB), Slot("MG", "DBT", 500, 1, 2, 180000 * KB, "tomosynthesis"),
               states(120)), who="women over 40", sided=True),

    Procedure("RFSWAL", "RF BARIUM SWALLOW", "RF", "ESOPHAGUS", (14, 1, 12), (("RF1", 1),), (15, 30),
              (Slot("RF", "Fluoro", 1000, 4, 14, 6000 * KB), Slot("SR", "Dose report", 500, 1, 1, 40 * KB, "dose"))),
    Procedure("XACOR", "XA CORONARY ANGIOGRAM", "XA", "CORONARYARTERY", (12, 10, 22), (("XA_CATH1", 1),), (30, 90),
              (Slot("XA", "Coronaries", 1000, 8, 22, 22000 * KB), Slot("SR", "Dose report", 900, 1, 1, 60 * KB, "dose"))),
    Procedure("IVUS", "IVUS CORONARY", "IVUS", "CORONARYARTERY", (2, 1, 6), (("IVUS1", 1),), (10, 25),
              (Slot("IVUS", "Pullback", 1000, 1, 3, 90000 * KB),)),
    Procedure("IVOCT", "OCT CORONARY", "IVOCT", "CORONARYARTERY", (2, 1, 6), (("OCT1", 1),), (10, 25),
              (Slot("IVOCT", "Pullback", 1000, 1, 3, 140000 * KB),)),
    Procedure("PETCT", "PET/CT WHOLE BODY FDG", "PT", "WHOLEBODY", (40, 0, 5), (("PETCT1", 1),), (30, 50),
              (Slot("PT", "PET AC", 1000, 280, 350, 80 * KB), Slot("PT", "PET NAC", 600, 280, 350, 80 * KB),
               Slot("CT", "Topogram", 950, 1, 1, 530 * KB), Slot("CT", "CT AC 3.0", 1000, 280, 350, 526 * KB),
               Slot("SR", "Dose report", 500, 1, 1, 32 * KB, "dose"))),
    Procedure("PETMR", "PET/MR BRAIN", "PT", "BRAIN", (8, 0, 1), (("PETMR1", 1),), (40, 60),
              (Slot("MR", "T1 MPRAGE", 1000, 160, 192, 140 * KB), Slot("PT", "PET AC", 1000, 90, 127, 130 * KB))),
    Procedure("NMBONE", "NM BONE SCAN", "NM", "WHOLEBODY", (26, 0, 6), (("NM1", 1),), (30, 50),
              (Slot("NM", "Whole body", 1000, 1, 2, 1100 * KB), Slot("OT", "Result screen", 300, 1, 2, 2400 * KB, "secondary"))),

    Procedure("IOBW", "IO BITEWING", "IO", "JAW", (25, 1, 1), (("IO_DENT1", 1),), (4, 10),
              (Slot("IO", "Bitewings", 1000, 2, 4, 1500 * KB),)),
    Procedure("PXPAN", "PX PANORAMIC", "PX", "JAW", (22, 2, 2), (("PX_DENT1", 1),), (4, 8),
              (Slot("PX", "Panoramic", 1000, 1, 1, 7000 * KB),)),
    Procedure("XCWND", "XC WOUND PHOTOGRAPHY", "XC", None, (14, 0, 12), (("XC_WOUND", 1),), (3, 8),
              (Slot("XC", "Photographs", 1000, 2, 6, 2100 * KB),)),
)

PLACE = {procedure.code: at for at, procedure in enumerate(PROCEDURES)}

# Body Part Examined as senders write it instead: (from the catalogue, per mille, as sent).
BODY_PART_DIRT = {
    "CHEST": ((80, "THORAX"), (50, "PORT CXR"), (60, None)),
    "ABDOMEN": ((60, "ABD"), (50, None)),
    "HEAD": ((70, "SKULL"), (40, None)),
    "CSPINE": ((80, "C SPINE"), (40, None)),
    "KNEE": ((50, "knee"), (40, None)),
}
OTHER_BODY_PART_DIRT = ((40, None),)

# SOP classes (PS3.4 B.5, PS3.6 A) by the kind of a slot, else by its modality.
STORAGE = "1.2.840.10008.5.1.4.1.1."
SOP_CLASSES = {
    "CR": "1", "DX": "1.1", "MG": "1.2", "tomosynthesis": "13.1.3", "IO": "1.3", "PX": "1.1", "CT": "2", "MR": "4",
    "US": "6.1", "IVUS": "3.1", "multi-frame": "3.1", "IVOCT": "14.1", "OCT": "14.1", "secondary": "7",
    "PR": "11.1", "XA": "12.1", "RF": "12.2", "NM": "20", "PT": "128", "XC": "77.1.4",
    "SR": "88.22", "dose": "88.67", "KO": "88.59",
}
EXPLICIT, JPEG_LOSSLESS, JPEG_BASELINE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"
TRANSFER_SYNTAXES = {"tomosynthesis": JPEG_LOSSLESS, "MG": JPEG_LOSSLESS, "XA": JPEG_LOSSLESS,
                     "US": JPEG_BASELINE, "IVUS": JPEG_BASELINE, "multi-frame": JPEG_BASELINE, "XC": JPEG_BASELINE}
