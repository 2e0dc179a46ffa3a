"""What stands still in every edition: the hospital, its partners, its devices, its storage."""

import datetime

NAME = "Harbour Vale General Hospital"
TIME_ZONE = "Europe/Amsterdam"
NOW = datetime.datetime(2025, 4, 7, 7, 30)      # the course clock: wall clock of TIME_ZONE, summer time

HVGH, ECC, NMH = 1, 2, 3
ISSUERS = ((HVGH, "HVGH", "2.999.1.1"), (ECC, "ECC", "2.999.1.2"), (NMH, "NMH", "2.999.1.9"))

# aet, host, port, modality, location, description. Station Name is the AE title, as often in practice.
DEVICES = (
    ("HV_PACS", "10.20.10.10", 11112, None, "Data centre", "PACS archive"),
    ("HV_ROUTER", "10.20.10.12", 11114, None, "Data centre", "Router and prefetcher"),
    ("HV_MWL", "10.20.10.20", 11113, None, "Data centre", "RIS worklist and MPPS"),
    ("HV_VNA", "10.20.10.40", 11115, None, "Data centre", "Vendor neutral archive"),
    ("CT_ER", "10.20.30.41", 104, "CT", "Emergency", "CT of the emergency department, title until 2025-03-29"),
    ("CTER01", "10.20.30.41", 104, "CT", "Emergency", "CT of the emergency department, title since 2025-03-29"),
    ("CT2", "10.20.30.42", 104, "CT", "Radiology", "CT"),
    ("MR1", "10.20.30.43", 104, "MR", "Radiology", "MR"),
    ("PETCT1", "10.20.30.44", 104, "PT", "Nuclear medicine", "PET/CT"),
    ("PETMR1", "10.20.30.45", 104, "PT", "Nuclear medicine", "PET/MR"),
    ("NM1", "10.20.30.46", 104, "NM", "Nuclear medicine", "Gamma camera"),
    ("DX_CH1", "10.20.30.51", 104, "DX", "Radiology", "Digital radiography"),
    ("CR_ER1", "10.20.30.52", 104, "CR", "Emergency", "Computed radiography, also for mobile rounds"),
    ("MG1", "10.20.30.53", 104, "MG", "Breast clinic", "Mammography: full field and tomosynthesis"),
    ("RF1", "10.20.30.54", 104, "RF", "Radiology", "Fluoroscopy"),
    ("XA_CATH1", "10.20.30.61", 104, "XA", "Cath lab", "Angiography"),
    ("IVUS1", "10.20.30.62", 104, "IVUS", "Cath lab", "Intravascular ultrasound"),
    ("OCT1", "10.20.30.63", 104, "IVOCT", "Cath lab", "Intravascular optical coherence tomography"),
    ("US_ECHO1", "10.20.30.64", 104, "US", "Cardiology", "Echocardiography"),
    ("US_OB1", "10.20.30.65", 104, "US", "Obstetrics", "Ultrasound"),
    ("IO_DENT1", "10.20.30.71", 104, "IO", "Dental clinic", "Intra-oral radiography"),
    ("PX_DENT1", "10.20.30.72", 104, "PX", "Dental clinic", "Panoramic radiography"),
    ("XC_WOUND", "10.20.30.73", 104, "XC", "Wound clinic", "Wound photography"),
    ("WS_CH1", "10.20.40.11", 104, None, "Radiology", "Reading workstation"),
    ("WS_MG1", "10.20.40.12", 104, None, "Breast clinic", "Reading workstation, mammography"),
    ("WS_ED1", "10.20.40.13", 104, None, "Emergency", "Viewing workstation"),
)

TB = 10 ** 12
FILE_SYSTEMS = ((1, "/archive/online1", "ONLINE", 40 * TB), (2, "/archive/near1", "NEARLINE", 240 * TB),
                (3, "/archive/tape1", "OFFLINE", 600 * TB))
ONLINE, NEARLINE = 1, 2

WARDS = {"O": ("Outpatient clinic", "Oncology clinic", "Orthopaedic clinic", "Breast clinic"),
         "E": ("Emergency",),
         "I": ("Ward 2A", "Ward 3B", "Ward 4C", "Intensive care", "Stroke unit")}
