"""The people and the incident that every edition tells of; edition 0 tells it with the names the course prints.

Case 17: in the night of the change to summer time an unconscious woman gets a CT on a scanner that was renamed the
day before. The worklist refuses it, the technologist types identifiers by hand, the scanner's clock missed the
change, and the merge of the emergency record never reaches the archive.
"""

from coursekit.hospital import clock, names
from coursekit.hospital.draws import Draws

# role: name, sex, birth date, patient ID. Roles as in the course: P1 is the patient of Case 17.
PEOPLE = {
    "P1": ("VANDERMEER^ANNA^ELISE", "F", "1961-08-17", "HV100234"),
    "P2": ("BRANDT^ILSE", "F", "1966-02-03", "HV100311"),
    "P3": ("OKAFOR^DANIEL", "M", "1958-11-21", "HV100402"),
    "P4a": ("NGUYEN^LINH", "F", "1990-06-12", "HV100455"),
    "P4b": ("NGUYEN^LINH^T", "F", "1990-06-12", "HV100456"),
    "P5": ("SILVA^MARCO", "M", "1971-04-30", "HV100518"),
    "P6": ("ROSSI^GIULIA", "F", "1993-09-08", "HV100540"),
    "P6 baby": ("BABY BOY^ROSSI", "M", "2025-04-02", "HV100779"),
    "P7": ("KOLB^PETRA", "F", "1979-01-15", "HV100603"),
    "P8": ("HADDAD^YUSUF", "M", "1986-07-27", "HV100641"),
    "P9": ("LINDQVIST^ERIK", "M", "1968-12-05", "HV100688"),
    "P10": ("OYELARAN^TEMI", "F", "1954-03-19", "HV100702"),
    # Two of P1's family name, examined in the same days: a search for the name alone finds them too.
    "namesake 1": ("VANDERMEER^JAN", "M", "1957-05-23", "HV100815"),
    "namesake 2": ("VANDERMEER^ANNEKE", "F", "1988-10-02", "HV100877"),
}
ECC_ID_OF_P5 = "EC-88120"

# Family names of P1 in other editions; nobody else there has them, as nobody here is a Vandermeer.
FAMILIES_OF_P1 = ("HOLLANDER", "WINTERSWIJK", "STEENBERGEN", "MOLENAAR", "VAN DUIN", "ZUIDEMA", "KORENHOF", "HAVERKAMP",
                  "OOSTERWOLDE", "LINDEBOOM", "ROOSENDAAL", "BLANKENSTEIN")

# role, procedure, class, start (wall clock): the examinations of the story beside Case 17.
EXAMS = (
    ("P1", "XCHPA", "O", "2023-05-09 10:12:40"), ("P1", "CTHD", "O", "2024-02-20 14:31:05"),
    ("P2", "MGSCR", "O", "2021-03-10 09:20:11"), ("P2", "MGSCR", "O", "2023-03-15 09:41:52"),
    ("P2", "MGDX", "O", "2025-03-19 11:05:33"),
    ("P3", "XACOR", "I", "2025-03-20 09:14:20"), ("P3", "IVUS", "I", "2025-03-20 09:48:02"),
    ("P3", "IVOCT", "I", "2025-03-20 10:06:47"),
    ("P4a", "USABD", "O", "2025-03-25 13:10:09"), ("P4b", "USABD", "O", "2025-03-25 13:45:51"),
    ("P5", "PETCT", "O", "2025-03-26 08:55:18"),
    ("P6", "USOB", "O", "2024-11-05 10:25:00"), ("P6", "USOB", "O", "2025-02-11 10:40:37"),
    ("P6 baby", "XCHAP", "I", "2025-04-02 05:22:16"),
    ("P7", "MRKN", "O", "2025-03-12 16:20:44"),
    ("P8", "PXPAN", "O", "2025-03-27 09:02:30"), ("P8", "IOBW", "O", "2025-03-27 09:15:12"),
    ("P9", "MRBR", "O", "2024-09-17 15:00:21"), ("P9", "MRBR", "O", "2025-03-18 15:05:08"),
    ("P10", "XCWND", "O", "2025-04-01 11:30:00"), ("P10", "XCWND", "O", "2025-04-04 11:42:00"),
    ("namesake 1", "CTHD", "E", "2025-03-29 11:20:35"), ("namesake 2", "CTHD", "E", "2025-03-28 21:07:19"),
)

# The instants of Case 17, and what befell the scanner (all UTC).
RENAMED = clock.seconds("2025-03-29 13:00:00")              # CT_ER becomes CTER01; the worklist refuses it
SUMMER_TIME = clock.seconds("2025-03-30 01:00:00")          # its clock stays on winter time
BORN = clock.seconds("2025-04-02 00:05:00")                  # the baby of P6, at 02:05 on the wall clock
REPAIRED = clock.seconds("2025-03-31 06:15:00")             # Monday morning: clock set, worklist told
ORDERED = clock.seconds("2025-03-30 01:22:10")
REGISTERED = clock.seconds("2025-03-30 01:14:00")
FIRST_IMAGE = clock.seconds("2025-03-30 01:41:03")
RECEIVED = clock.seconds("2025-03-30 01:44:27")
MERGE_REFUSED = clock.seconds("2025-03-30 05:05:00")
PARTNER_ASKED = clock.seconds("2025-03-30 07:10:00")


def people(seed):
    """The story's people of edition `seed`: {role: (name, sex, birth date text, patient ID)}.

    Edition 0 has those printed in the course; in others they have other names and numbers, and the same ties.
    """
    if seed == 0:
        return dict(PEOPLE)
    draws = Draws(seed, "story")
    numbers = draws.sample(range(201, 900), len(PEOPLE))
    numbers = numbers[draws.raw(len(numbers)).argsort(kind="stable")].tolist()
    told = {}
    for (role, (_, sex, birth, _)), number in zip(PEOPLE.items(), numbers):
        language = names.LANGUAGES[draws.one(0, len(names.LANGUAGES) - 1)]
        givens = language[1] if sex == "F" else language[2]
        family = language[0][draws.one(0, len(language[0]) - 1)].upper()
        first = draws.one(0, len(givens) - 1)
        given = givens[first].upper()
        if role == "P1":
            family = FAMILIES_OF_P1[draws.one(0, len(FAMILIES_OF_P1) - 1)]
            given += "^" + givens[(first + 1) % len(givens)].upper()
        elif role == "P4b":
            family, given = told["P4a"][0].split("^")
            given += "^T"
        elif role == "P6 baby":
            family, given = "BABY BOY", told["P6"][0].split("^")[0]
        elif role.startswith("namesake"):
            family = told["P1"][0].split("^")[0]
        told[role] = (f"{family}^{given}", sex, birth, f"HV100{number}")
    return told


def hand_side(seed):
    """The side of the hand in the image of one, L or R; of the hand that was X-rayed under another patient too."""
    return "L" if seed == 0 else "LR"[Draws(seed, "dx_hand").one(0, 1)]


def case_series_uid(seed, series_no):
    """Series Instance UID of a series of Case 17: the scanner, which had no order, made it from its own Study Instance UID.

    The head series, number 2, has another last component in other editions, so that the length of the UID differs.
    """
    last = series_no if series_no < 2 else 900 + series_no
    if series_no == 2:
        last = 2 if seed == 0 else Draws(seed, "bytes series").one(2, 89)
    return f"{case_17(seed)['study_uid']}.{last}"


def case_17(seed):
    """What is true of Case 17 in edition `seed`: a dict of identifiers and times (text; `*_utc` in UTC)."""
    name, sex, birth, pid = people(seed)["P1"]
    family, given = name.split("^")[:2]
    temporary, number, count = 77, 17, 1
    if seed:
        draws = Draws(seed, "case 17")
        temporary, number, count = draws.one(11, 99), draws.one(11, 49), draws.one(1, 4)
    instant = {key: clock.text([when])[0] for key, when in (
        ("registered_utc", REGISTERED), ("ordered_utc", ORDERED), ("first_image_utc", FIRST_IMAGE),
        ("received_utc", RECEIVED), ("merge_refused_utc", MERGE_REFUSED), ("partner_asked_utc", PARTNER_ASKED))}
    return {
        "patient_id": pid, "patient_name": name, "sex": sex, "birth_date": birth,
        "typed_id": pid[:4] + "O" + pid[5:], "typed_name": f"{family}^{given[:-2]}{given[-1]}",
        "temporary_id": f"HVTMP00{temporary}", "temporary_name": f"UNKNOWN^FEMALE-{temporary}",
        "accession": f"A250330{number:04d}", "planned_study_uid": f"2.999.200.7.250330{number}",
        "study_uid": f"2.999.100.41.20250330.{count}", "station_aet": "CTER01", "former_aet": "CT_ER",
        "study_dt_local": "2025-03-30 02:41:03", "tz_offset": "+0100", **instant,
    }
