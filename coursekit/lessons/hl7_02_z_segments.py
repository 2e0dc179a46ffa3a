"""The hospital's own extensions, Z segments: the exercises of lesson hl7-02."""

import contextlib
import re
import sys
import time
from collections import Counter

from coursekit.checking import Config, Fields, Function, Lesson, Message, Outcome, Server, Set, Table, Text, Verdict
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import is_library
from coursekit.hospital import feed
from coursekit.hospital.draws import Draws
from coursekit.standards import hl7
from coursekit.systems.engine import Engine
from coursekit.systems.mllp import Listener, Sender
from coursekit.systems.system import running

lesson = Lesson(
    "hl7-02",
    title="The hospital's own extensions: Z segments",
    version=1,
    minutes=90,
    objectives=[
        "find out which Z segments cross an engine, what each means with each sender, and enter them in a registry that checks them",
        "give every destination the Z segments that it takes, and move what has a home in the standard to that home",
        "say of a change to a specification whom it breaks, sender or receiver, and who has to be asked",
    ],
    covers=["manage the hospital specific extensions", "manage and control the interface specifications"],
    needs=["cpas-01"],
)

SINCE = "2025-03-31 00:00:00"                       # the last week of the feed
# What the field ZPI-1 of the HIS means: code, and what PID-15 (CE) says of that language.
LANGUAGES = {
    "NL": "nl^Dutch^ISO639", "DE": "de^German^ISO639", "EN": "en^English^ISO639", "TR": "tr^Turkish^ISO639", "PL": "pl^Polish^ISO639",
    "AR": "ar^Arabic^ISO639", "NO": "no^Norwegian^ISO639", "DA": "da^Danish^ISO639",
}
TABLES = {
    "languages": list(LANGUAGES), "yes_no": ["Y", "N"], "insurers": ["CZ", "VG", "DA", "ME"], "devices": ["PM", "IC", "LR", "NO"],
    "severities": ["SV", "MO", "MI"],
}
# The registry as it should be: sender and segment, who answers for it, what each field holds.
OWNERS = {"HIS": "patient administration", "RIS": "radiology", "ECC_RIS": "Eastcliff Clinic", "CARD": "cardiology", "VOX": "radiology"}
FIELDS = {
    ("HIS", "ZPI"): {1: "IS languages", 2: "IS yes_no"},
    ("HIS", "ZVI"): {1: "IS yes_no", 2: "ST"},
    ("RIS", "ZDS"): {1: "RP"},
    ("RIS", "ZAL"): {1: "CE", 2: "IS severities"},
    ("ECC_RIS", "ZPI"): {1: "IS insurers", 2: "ST"},
    ("CARD", "ZDS"): {1: "RP"},
    ("CARD", "ZPI"): {1: "IS devices", 2: "DT", 3: "IS yes_no"},
    ("VOX", "ZVX"): {1: "NM", 2: "ST"},
}
TYPES = ("ST", "NM", "DT", "CE", "RP", "IS")
ALSO = {"CWE": "CE", "CNE": "CE"}                    # other names for the same here: later versions' coded elements
# Who takes what from whom: system, field, source, whether the interface specification names it. A source may be a system that has the
# value from elsewhere and passes it on.
CONSUMERS = (
    ("KIOSK", "ZPI-1", "HIS", "yes"), ("LETTERS", "ZPI-1", "HIS", "yes"), ("LETTERS", "ZPI-2", "HIS", "yes"),
    ("SIGNAGE", "ZPI-1", "HIS", "no"), ("SMS", "ZPI-1", "LETTERS", "no"), ("SURVEY", "ZPI-1", "SMS", "no"),
    ("PRINTSHOP", "ZPI-2", "LETTERS", "yes"),
    ("BILLING", "ZPI-1", "ECC_RIS", "yes"), ("BILLING", "ZPI-2", "ECC_RIS", "yes"), ("REFERRALS", "ZPI-1", "ECC_RIS", "yes"),
    ("REFUNDS", "ZPI-2", "ECC_RIS", "no"),
    ("CLAIMS", "ZPI-2", "BILLING", "yes"), ("DEBTORS", "ZPI-2", "CLAIMS", "no"),
    ("MR_SAFETY", "ZPI-1", "CARD", "yes"), ("MR_SAFETY", "ZPI-3", "CARD", "yes"), ("PACE_CLINIC", "ZPI-1", "CARD", "no"),
    ("WARRANTY", "ZPI-2", "CARD", "yes"), ("MR1", "ZPI-1", "MR_SAFETY", "no"), ("WHITEBOARD", "ZPI-1", "MR1", "no"),
    ("HV_PACS", "ZDS-1", "RIS", "yes"), ("HV_MWL", "ZDS-1", "RIS", "yes"), ("HV_PACS", "ZDS-1", "CARD", "yes"),
    ("CONTRAST", "ZAL-1", "RIS", "yes"), ("CONTRAST", "ZAL-2", "RIS", "no"), ("PHARMACY", "ZAL-1", "CONTRAST", "no"),
    ("RECEPTION", "ZVI-1", "HIS", "yes"), ("PORTERS", "ZVI-2", "HIS", "no"), ("TYPING_POOL", "ZVX-1", "VOX", "no"),
)
CHANGES = (("HIS", "ZPI-1"), ("CARD", "ZPI-1"), ("ECC_RIS", "ZPI-2"))


# --- the week's messages

def _week(hospital):
    """What came to the engine in the last week, as hl7.Message, with the Z segments that the feed's senders add, in order of time.

    The feed has ZDS of its own; the others are derived here. Cardiology and the clinic send an ADT^A08 about some of the patients whom the
    HIS registers: of the implanted device, of the insurance.
    """
    draws = Draws(hospital.seed, "hl7-02 Z segments")
    found, registered = [], 0
    for one in feed.feed(hospital, SINCE):
        if one.receiver != feed.ENGINE or one.event == "ACK":
            continue
        message = hl7.parse(one.bytes)
        message["MSH-18"] = "UNICODE UTF-8"          # as the engine hands it on, so that every name can be written
        found.append(message)
        if one.sender == "HIS" and one.event == "ADT^A04" and "test patient" not in one.quirks:
            registered += 1
            if registered % 3 == 1:
                found.append(_update(message, "CARD", "C"))
            if registered % 4 == 2:
                found.append(_update(message, "ECC_RIS", "E"))
    for sender, extend in (("HIS", _his), ("RIS", _ris), ("ECC_RIS", _clinic), ("CARD", _cardiology), ("VOX", _speech)):
        extend([message for message in found if message.sender == sender], draws)
    return found


def _update(message, sender, letter):
    """An ADT^A08 of another sender about the patient of an ADT of the HIS."""
    made = message.copy()
    made["MSH-3"], made["MSH-9"], made["MSH-10"] = sender, "ADT^A08^ADT_A01", letter + message.control_id[1:]
    if sender == "CARD":
        made["MSH-2"] = "~^\\&"                      # cardiology's separators
    return made


def _one(draws, *choices):
    return choices[draws.one(0, len(choices) - 1)]


def _last(carriers, wrong):
    """Wrong values: of the last messages that carry a segment, the first gets the first of `wrong` (place, value), and so on."""
    for segment, (place, value) in zip(reversed(carriers), wrong):
        segment[place] = value


def _his(messages, draws):
    patients, visits = [], []
    for message in messages:
        if message.event not in ("ADT^A01", "ADT^A04", "ADT^A08", "ADT^A28", "ADT^A31"):
            continue
        language = "NL" if message["PID-15"] else _one(draws, "NL", "NL", "NL", "NL", "DE", "EN", "TR", "PL", "AR", "NO", "")
        print_large = _one(draws, "", "", "N", "Y")
        patients.append(message.add(f"ZPI|{language}|{print_large}", after="PID"))
        if message.event in ("ADT^A01", "ADT^A04"):
            note = _one(draws, "", "", "", "needs two porters", "oxygen", "own wheelchair")
            visits.append(message.add(f"ZVI|{_one(draws, 'N', 'N', 'N', 'Y', '')}|{note}", after="PV1"))
    patients[0][1], patients[0][2], patients[1][1], patients[1][2] = "NL", "", "", "Y"      # so that each kind is there in any edition
    _last(patients, [(1, "NLD"), (2, "J")])
    _last(visits, [(1, "VIP")])


def _ris(messages, draws):
    substances = "IOD^Iodinated contrast^99HV", "GAD^Gadolinium contrast^99HV", "BAR^Barium contrast^99HV"
    orders = [message for message in messages if message.event == feed.ORDERS_2_3_1 and "ZDS" in message]
    carriers = []
    for place, message in enumerate(orders):
        for number in range(2 if place in (1, 5) else _one(draws, 0, 0, 0, 1, 1, 2)):
            severity = _one(draws, "SV", "MO", "MI", "")
            carriers.append(message.add(f"ZAL|{substances[(place + number) % 3]}|{severity}".rstrip("|")))
    _last(carriers, [(1, "contrast"), (2, "HIGH")])


def _clinic(messages, draws):
    carriers = []
    for message in messages:
        if message.event in ("ADT^A08", "OMI^O23"):
            policy = f"{draws.one(1000, 9999)}-{draws.one(100000, 999999)}"
            insurer = _one(draws, "CZ", "VG", "ME", "DA")
            carriers.append(message.add(f"ZPI|{insurer}|{_one(draws, policy, policy, '')}".rstrip("|"), after="PID"))
    carriers[0][1], carriers[0][2] = "VG", f"{draws.one(1000, 9999)}-{draws.one(100000, 999999)}"
    _last(carriers, [(1, "VG1")])


def _cardiology(messages, draws):
    carriers = []
    for message in messages:
        if message.event in ("ADT^A08", "ORM^O01"):
            device = _one(draws, "NO", "NO", "PM", "IC", "LR")
            date = f"20{draws.one(10, 24)}{draws.one(1, 12):02}{draws.one(1, 28):02}"
            more = f"|{date}|{_one(draws, 'Y', 'Y', 'N', '')}".rstrip("|") if device != "NO" else ""
            carriers.append(message.add(f"ZPI|{device}{more}"))
    # A message with a device comes first, then one without: in any edition.
    for segment, device in zip(carriers, ("PM", "NO")):
        segment[1], segment[2], segment[3] = device, "" if device == "NO" else "20190314", "" if device == "NO" else "Y"
    _last(carriers, [(1, "PACER"), (2, "20230231"), (3, "YS"), (2, "14.03.2019")])


def _speech(messages, draws):
    carriers = []
    for message in messages:
        if message.event == "ORU^R01":
            seconds, station = draws.one(20, 400), _one(draws, "", "", "", "REC01", "REC02")
            carriers.append(message.add(f"ZVX|{seconds}|{station}".rstrip("|"), after="OBR"))
    _last(carriers, [(1, "2:35")])


def _as_omi(order):
    """An order of the RIS as its next release sends it: OMI^O23 of v2.5.1 with IPC. IPC-3 is empty, and ZDS still there."""
    steps, requested = order.segments("OBR"), hl7.Segment(order.segment("OBR").fields)
    control = hl7.Segment(order.segment("ORC").fields)
    start, priority = control["7.4"], control["7.6"]
    control[7] = ""
    requested[4] = "^".join(requested[4].split("^")[:3])
    for place in (18, 19, 20, 24, 27):
        requested[place] = ""
    made = hl7.parse("|".join(["MSH", *order.segment("MSH").fields[2:]]))
    made["MSH-9"], made["MSH-12"] = "OMI^O23^OMI_O23", "2.5.1"
    for segment in (order.segment("PID"), order.segment("PV1"), control, f"TQ1|1||||||{start}||{priority}", requested):
        made.add(segment)
    for step in steps:
        made.add(f"IPC|{step[18]}|{step[19]}||{step[20]}|{step[24]}")
    made.add(order.segment("ZDS"))
    return made


# --- inputs

@lesson.input
def week(hospital):
    """What came to the engine from Monday to the next Monday morning: a list of hl7.Message, in order of time."""
    return _week(hospital)


@lesson.input
def z_values(hospital):
    """{(sender, segment, field, value): how often it came in the week}; a segment without a value counts as its field 0."""
    found = Counter()
    for message in lesson.input_of("week", hospital):
        for segment in message.segments():
            if segment.name.startswith("Z"):
                found[message.sender, segment.name, 0, ""] += 1
                for number in range(1, len(segment) + 1):
                    if segment[number]:
                        found[message.sender, segment.name, number, segment[number]] += 1
    return dict(found)


@lesson.input
def languages(hospital):
    """{code in the ZPI-1 of the HIS: what PID-15 says of that language}."""
    return dict(LANGUAGES)


@lesson.input
def tables(hospital):
    """{name of a table: its codes}."""
    return {name: list(codes) for name, codes in TABLES.items()}


@lesson.input
def consumers(hospital):
    """Who takes which field from whom: a DataFrame with system, field, source, and whether the specification names it."""
    import pandas as pd
    draws = Draws(hospital.seed, "hl7-02 consumers")
    rows = list(CONSUMERS)
    rows = [rows.pop(draws.one(0, len(rows) - 1)) for _ in CONSUMERS]
    return pd.DataFrame(rows, columns=["system", "field", "source", "in_specification"])


@lesson.input
def change(hospital):
    """The change request of the week: whose field is to go."""
    sender, field = CHANGES[hospital.seed % len(CHANGES)]
    return {"sender": sender, "field": field}


@lesson.input
def next_release(hospital):
    """Orders as the RIS's next release sends them, from its test system: a list of hl7.Message, OMI^O23."""
    orders = [message for message in lesson.input_of("week", hospital) if message.event == feed.ORDERS_2_3_1 and message.sender == "RIS"]
    found = [_as_omi(order) for order in orders if "ZDS" in order and "PV1" in order]
    for place, message in enumerate(found):
        if place % 4 == 1:                           # entered on a screen of the new release: IPC-3 is filled
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            if place % 8 == 1:
                message.remove("ZDS")
    return found


@lesson.input
def clinic_order(hospital):
    """An order of the clinic, OMI^O23 with IPC: of the week, or of the weeks before it."""
    found = [one for one in lesson.input_of("week", hospital) if one.event == "OMI^O23" and one.sender == "ECC_RIS"]
    if found:
        order = found[0].copy()
        order.remove("ZPI")
        return order
    return hl7.parse(next(one.bytes for one in hospital.feed if one.event == "OMI^O23" and one.sender == "ECC_RIS"))


# --- what a person may write

def field_name(value):
    """"ZPI-1" from that, "ZPI.1", "zpi_1" or "ZPI 1"."""
    return re.sub(r"[\s._\-]+", "-", str(value).strip().upper())


def percent(value):
    """A number from "85 %"."""
    return float(value.strip(" %")) if isinstance(value, str) else value


def letter(value):
    """The letter of a meaning, from "b", "B)", "b: insurer", or words that stand in one meaning only, such as "cardiac device"."""
    text = re.sub(r"^([a-z])[).:,]+ .*", r"\1", str(value).strip(" .):('\"").casefold())
    said = [one for one, meaning in MEANINGS.items() if len(text) > 3 and text in meaning.casefold()]
    if text not in MEANINGS and len(said) != 1:
        raise ValueError(f"give one of the letters {', '.join(MEANINGS)}")
    return text if text in MEANINGS else said[0]


def control_id(value):
    """A control ID, from it or "MSH-10: C63093NW"."""
    return re.sub(r"(?i)^(msh-10|control id)\b[\s:=]*", "", str(value).strip(" .'\"")).strip(" '\"")


def side(value):
    """One of the four answers, from it, a near form such as "the sender", "senders" or "none", or a list of those who break."""
    if type(value) is list:
        who = {side(one) for one in value} - {"nobody"}
        return "nobody" if not who else who.pop() if len(who) == 1 else "both"
    text = re.sub(r"^(the|its) ", "", str(value).strip(" .'\"").casefold()).removesuffix("s")
    text = {"none": "nobody", "neither": "nobody", "no one": "nobody", "noone": "nobody", "either": "both"}.get(text, text)
    if text not in ("sender", "receiver", "both", "nobody"):
        raise ValueError('return "sender", "receiver", "both" or "nobody"')
    return text


def department(value):
    """A department by its name in OWNERS, from it or a part that tells, such as "Eastcliff" or "cardiology department"; else as written."""
    words = set(re.findall(r"\w+", value.casefold())) - {"the", "department", "dept", "of", "group"}
    found = {one for one in OWNERS.values() if words and words <= set(one.casefold().split())}
    return found.pop() if len(found) == 1 else value.strip()


def _frame(given):
    """A DataFrame with columns of different names, as pandas' own type; None when it is none."""
    if not is_library(given, "pandas", "DataFrame"):
        return None
    frame = sys.modules["pandas"].DataFrame(given)
    return frame if frame.columns.is_unique else None


# --- the registry

def valid(value, kind):
    """Whether the value of a field (text as it stands in the message) is of a type: one of TYPES, IS with the name of its table."""
    if kind.startswith("IS "):
        return value in TABLES[kind[3:]]
    parts = value.split("^")
    if kind == "NM":
        return bool(re.fullmatch(r"[+-]?\d+(\.\d*)?", value))
    if kind == "DT":
        return _is_date(value)
    if kind == "CE":
        return len(parts) >= 3 and all(parts[:3])
    if kind == "RP":
        return bool(re.fullmatch(r"\d+(\.\d+)+", parts[0])) and parts[3:4] == ["DICOM"]
    return True


def _is_date(value):
    if not re.fullmatch(r"\d{4}(\d\d(\d\d)?)?", value):
        return False
    try:
        time.strptime(value, "%Y%m%d"[:len(value) - 2])             # 4, 6, 8 digits: %Y, %Y%m, %Y%m%d
    except ValueError:
        return False
    return True


def registry_of(settings):
    """The registry in the form that ``trial`` takes: a list of dictionaries. Raises ValueError with a sentence."""
    if type(settings) is not list:
        raise ValueError("a registry is a list of entries")
    return [_entry(one, number) for number, one in enumerate(settings, 1)]


def _entry(one, number):
    wanted = ("segment", "sender", "owner", "readers", "fields")
    if type(one) is not dict or sorted(map(str, one)) != sorted(wanted):
        raise ValueError(f"entry {number} should have {', '.join(wanted)}, and nothing else")
    readers = re.split(r"[,;\s]+", one["readers"].strip()) if type(one["readers"]) is str else one["readers"]
    if type(readers) is not list or any(type(name) is not str for name in readers):
        raise ValueError(f"the readers of entry {number} should be a list of systems")
    if type(one["fields"]) is not dict:
        raise ValueError(
            f'the fields of entry {number} should be a dictionary from the number of a field to its type, such as {{1: "ST"}}')
    fields = {}
    for place, kind in one["fields"].items():
        digits = re.sub(r"^.*[-._]", "", str(place)).strip()
        if not digits.isdecimal():
            raise ValueError(f"entry {number} has a field {place!r}; a field is called by its number")
        fields[int(digits)] = _type(kind, f"field {digits} of entry {number}")
    return {"segment": str(one["segment"]).strip().upper(), "sender": str(one["sender"]).strip().upper(),
            "owner": department(str(one["owner"])), "readers": sorted({name.strip().upper() for name in readers if name.strip()}),
            "fields": fields}


def _type(kind, where):
    words = re.findall(r"\w+", str(kind))
    name = words[0].upper() if words else ""
    name = ALSO.get(name, name)
    if len(words) == 2 and name == "ID" and words[1].casefold() in TABLES:
        if words[1].casefold() != "yes_no":                            # Y and N are HL7's own table 0136
            raise ValueError(f"{where} is ID, which is for a table of HL7's own, and {words[1].casefold()!r} is the hospital's: that is IS")
        name = "IS"
    if len(words) == 2 and name == "IS" and words[1].casefold() in TABLES:
        return f"IS {words[1].casefold()}"
    if len(words) == 1 and name in TYPES[:-1]:
        return name
    raise ValueError(f"{where} has the type {str(kind)[:40]!r}; the types are {', '.join(TYPES[:-1])}, and IS with the name of a table, "
                     'such as "IS yes_no"')


# --- the exercises

class InventoryTable(Table):
    """A table of fields; it says whose segment a missing row is about, why one does not belong there, and when shares are no percents."""

    def judge(self, exercise, given, editions):
        """As for every Table."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("missing row", "extra row", "value"):
            return verdict
        solution = self._computed(exercise, exercise.solution, editions)
        there, right = self._keyed(self.read(*given), solution), self._keyed(solution, solution)
        said = ""
        if verdict.label == "missing row":
            sender, field = next(key for key in right if key not in there)
            said = f"One that is missing is about a field of {sender.upper()}'s {field[:3].upper()}."
        elif verdict.label == "extra row":
            sender, field = next(key for key in there if key not in right)
            if (sender, field[:3]) in {(one, name[:3]) for one, name in right}:
                said = "No message of this sender has a value there, and a field that is never filled gets no row."
        elif all(type(row[3]) in (int, float) and row[3] <= 1 for row in there.values()):
            said = "It's asked in percent: 85, not 0.85."
        elif all(row[2] == _of_all_senders(right, key[1][:3]) for key, row in there.items()):
            said = "You counted a segment by its name, whoever sent it. Count those of each sender by themselves."
        return Verdict(verdict.outcome, f"{verdict.message} {said}".strip(), verdict.label)


def _of_all_senders(rows, name):
    """How many segments of a name all senders together sent, by the rows of an inventory."""
    return sum({sender: row[2] for (sender, field), row in rows.items() if field[:3] == name}.values())


@lesson.exercise
class Inventory:
    """Make the **inventory** of the week: a table with one row for each **field of a Z segment of a sender** that has a value at least
    once. Its columns:

    - `sender`: MSH-3;
    - `field`: such as `"ZDS-1"`;
    - `segments`: how many segments of that name this sender sent. A message may carry several of one name;
    - `filled`: in how many percent of those segments the field has a value, to whole percent.

    Answer with a list of dictionaries, or a DataFrame.
    """

    answer = InventoryTable("inventory", key=["sender", "field"], tolerance=0.6, reading={"field": field_name, "filled": percent})
    points = 3
    praise = ("This table is what nobody at the hospital had: the same field name stands in it with three senders. A fill rate tells a "
              "sender's habit. Who reads a field it does not tell, and a field that is seldom filled may be the vital one.")

    def solution(week):
        segments = {}
        filled = {}
        for message in week:
            for segment in message.segments():
                if segment.name.startswith("Z"):
                    carrier = (message.sender, segment.name)
                    segments[carrier] = segments.get(carrier, 0) + 1
                    for number in range(1, len(segment) + 1):
                        if segment[number] != "":
                            field = (message.sender, segment.name, number)
                            filled[field] = filled.get(field, 0) + 1
        rows = []
        for (sender, name, number), times in filled.items():
            total = segments[(sender, name)]
            rows.append({"sender": sender, "field": name + "-" + str(number), "segments": total, "filled": round(100 * times / total)})
        return rows

    def of_all_messages(week):
        sent = Counter(message.sender for message in week)
        found = _counted(week)
        return [{"sender": sender, "field": f"{name}-{number}", "segments": total, "filled": round(100 * times / sent[sender])}
                for (sender, name, number), (total, times) in found.items()]

    def first_of_a_message(week):
        found = _counted(week, lambda message: [message.segment(name) for name in dict.fromkeys(
            one.name for one in message.segments()) if name.startswith("Z")])
        return _rows(found)

    def whoever_sent_it(week):
        totals, times = Counter(), Counter()
        found = _counted(week)
        for (_, name, number), (total, filled) in found.items():
            totals[name, number] += total
            times[name, number] += filled
        return _rows({key: (totals[key[1:]], times[key[1:]]) for key in found})

    def place_is_enough(week):
        totals, times = Counter(), Counter()
        for message in week:
            for segment in message.segments():
                if segment.name.startswith("Z"):
                    totals[message.sender, segment.name] += 1
                    for number in range(1, len(segment) + 1):
                        times[message.sender, segment.name, number] += 1
        return _rows({key: (totals[key[:2]], filled) for key, filled in times.items()})

    def last_field_left_out(week):
        return _rows(_counted(week, numbers=lambda segment: range(1, len(segment))))

    def counted_from_the_name(week):
        return _rows(_counted(week, numbers=lambda segment: range(len(segment) + 1)))

    def messages_counted(week):
        totals, times = Counter(), Counter()
        for message in week:
            for name in dict.fromkeys(segment.name for segment in message.segments()):
                if name.startswith("Z"):
                    totals[message.sender, name] += 1
            for segment in message.segments():
                if segment.name.startswith("Z"):
                    for number in range(1, len(segment) + 1):
                        if segment[number]:
                            times[message.sender, segment.name, number] += 1
        return _rows({key: (totals[key[:2]], filled) for key, filled in times.items()})

    def cut_off(week):
        return [{"sender": sender, "field": f"{name}-{number}", "segments": total, "filled": int(100 * times / total)}
                for (sender, name, number), (total, times) in _counted(week).items()]

    wrong_ways = {
        of_all_messages: "You divided by all messages of the sender. A fill rate says how often a field is filled *where its segment is "
        "there*; an ADT that carries no Z segment can't have left a field of it empty.",
        first_of_a_message: "You looked at the first segment of a name in each message only: `message[\"ZAL-1\"]` and "
        "`message.segment(\"ZAL\")` mean that. A Z segment may repeat as any other; `message.segments(\"ZAL\")` gives all.",
        whoever_sent_it: "You counted a segment by its name, whoever sent it. A Z segment has no meaning but that of its sender: count "
        "sender and name together.",
        place_is_enough: "You counted a field as filled when its separator is there. Between two separators there may be nothing (HL7 "
        "v2.5.1 2.5.3: not present); look whether there is a text.",
        last_field_left_out: "You left out the last field of every segment. `len(segment)` is the number of its last field, and `range` "
        "ends before its second number: `range(1, 3)` gives 1 and 2.",
        counted_from_the_name: "You counted from 0. Place 0 of a segment is its name; its fields have the numbers from 1.",
        messages_counted: "You counted messages that carry the segment, but the filled fields of every segment in them. Asked is the "
        "number of *segments*; some messages carry two of one name.",
        cut_off: "You cut the percentages off: `int` and `//` make 99 of 99.9. To the nearest whole percent: `round`.",
    }
    hints = [
        "Two loops: over the messages of `week`, and over `message.segments()` in each. A Z segment's name starts with Z: "
        "`segment.name.startswith(\"Z\")`.",
        "Count in two dictionaries: how many segments there are of each `(message.sender, segment.name)`, and how often each field of "
        "them is not `\"\"`. `len(segment)` is the number of its last field, and `range(1, len(segment) + 1)` goes up to it.",
        "A dictionary counts so: `segments[key] = segments.get(key, 0) + 1`. At the end, one row for each key of the second dictionary, "
        "with `round(100 * times / total)`.",
    ]


def _z_segments(message):
    return [segment for segment in message.segments() if segment.name.startswith("Z")]


def _counted(week, segments=_z_segments, numbers=lambda segment: range(1, len(segment) + 1)):
    """{(sender, segment's name, field): (number of segments, of those with a value)}."""
    totals, times = Counter(), Counter()
    for message in week:
        for segment in segments(message):
            totals[message.sender, segment.name] += 1
            for number in numbers(segment):
                times[message.sender, segment.name, number] += segment[number] != ""
    return {key: (totals[key[:2]], filled) for key, filled in times.items() if filled}


def _rows(found):
    return [{"sender": sender, "field": f"{name}-{number}", "segments": total, "filled": round(100 * times / total)}
            for (sender, name, number), (total, times) in found.items()]


MEANINGS = {
    "a": "the language a patient speaks, and whether letters are to be in large print",
    "b": "who insures the patient, and the number of the policy",
    "c": "the cardiac device that a patient carries, the date of implantation, and whether it's MR conditional",
    "d": "the isolation of a patient, and the ward and bed",
    "e": "the consent to research, and the date of the signature",
}


class MeaningOf(Text):
    """The letter of a meaning; a wrong one is told what its values would be."""

    WOULD = {
        "a": "a language would be one of the codes in `languages`, nearly always, and large print Y or N. Is it?",
        "b": "an insurer would come with a number that is another for each patient. Does it?",
        "c": "a device would often be missing, and come with a date and with Y or N where there is one. Does it?",
        "d": "an isolation would come with a ward and a bed. Is there any?",
        "e": "a consent would have a date in every message where there is a consent, and no third field. Look at all three.",
    }

    def difference(self, answer, other):
        """None when the letters agree."""
        return None if answer == other else Difference(f"{answer} can't be: {self.WOULD[answer]}", "meaning")


class ControlId(Text):
    """A control ID; the message that has it is taken as well."""

    def read(self, given):
        """The control ID as text."""
        return super().read(given.control_id if type(given) is hl7.Message else given)


def _about_misread(name, given, right, input_of):
    if name != "misread":
        return None
    found = next((message for message in input_of("week") if message.control_id.casefold() == str(given).casefold()), None)
    if found is None:
        return "no message of the week has this MSH-10."
    if found.sender != "CARD":
        return f"that is a message of {found.sender}. Asked is one of CARD."
    if "ZPI" not in found:
        return "that message has no ZPI."
    if found["ZPI-1"] in LANGUAGES:
        return "that message would be misread, but an earlier one of CARD already is."
    return "its ZPI-1 is in no table of languages: a reader that looks there would at least notice that something is odd."


@lesson.exercise
class ThreeMeanings:
    """The HIS means **a** by ZPI. What do the other two mean? Give the letter for `ECC_RIS` and for `CARD`:

    | letter | meaning |
    | --- | --- |
    | a | the language a patient speaks, and whether letters are to be in large print |
    | b | who insures the patient, and the number of the policy |
    | c | the cardiac device that a patient carries, the date of implantation, and whether it's MR conditional |
    | d | the isolation of a patient, and the ward and bed |
    | e | the consent to research, and the date of the signature |

    And the evidence that this is dangerous: suppose that KIOSK, which takes every ZPI-1 for what the **HIS** means by it, got CARD's
    messages too. `misread` is the **control ID** (MSH-10) of the **first** message of CARD in `week` whose ZPI-1 KIOSK would find in
    `languages` and believe.
    """

    answer = Fields("zpi", {
        "ECC_RIS": MeaningOf("", reading=letter), "CARD": MeaningOf("", reading=letter), "misread": ControlId("", reading=control_id),
    }, remark=_about_misread)
    points = 2
    praise = ("No parser, no validator and no acknowledgement noticed: the segment is well formed, the code is in the table, and it "
              "means something else. What a Z segment means is decided by MSH-3 as much as by its name.")

    def solution(week, languages):
        first = ""
        for message in week:
            if message.sender == "CARD" and message["ZPI-1"] in languages and first == "":
                first = message.control_id
        return {"ECC_RIS": "b", "CARD": "c", "misread": first}

    def one_meaning_for_all(week, languages):
        return {**ThreeMeanings.solution(week, languages), "ECC_RIS": "a", "CARD": "a"}

    def the_two_exchanged(week, languages):
        return {**ThreeMeanings.solution(week, languages), "ECC_RIS": "c", "CARD": "b"}

    def a_date_is_a_signature(week, languages):
        return {**ThreeMeanings.solution(week, languages), "CARD": "e"}

    def first_with_zpi(week, languages):
        first = next(message.control_id for message in week if message.sender == "CARD" and "ZPI" in message)
        return {**ThreeMeanings.solution(week, languages), "misread": first}

    def of_the_his(week, languages):
        first = next(message.control_id for message in week if message.sender == "HIS" and message["ZPI-1"] in languages)
        return {**ThreeMeanings.solution(week, languages), "misread": first}

    wrong_ways = {
        one_meaning_for_all: "You took one name for one meaning. Count the values of ZPI-1 and ZPI-2 for each sender by itself: a "
        "language is never followed by a long number.",
        the_two_exchanged: "You exchanged the clinic's meaning and cardiology's. Which of the two is followed by a number, another for "
        "each patient, and which by a date?",
        a_date_is_a_signature: "A date alone does not make it a consent: what would the third field of CARD be then, and why has it no "
        "date in so many messages?",
        first_with_zpi: "That is CARD's first message with a ZPI. KIOSK would look its ZPI-1 up in `languages` and not find it: noticed, "
        "not misread. Asked is the first that passes for a language.",
        of_the_his: "That message is of the HIS, and KIOSK reads it rightly. Asked is one of CARD that it would believe.",
    }
    hints = [
        "Print `message[\"ZPI-1\"]`, `[\"ZPI-2\"]` and `[\"ZPI-3\"]` of some twenty messages of one sender, then of the next.",
        "A value that both meanings have is the trap: which of the codes that CARD sends is also a key of `languages`?",
        "For `misread`: go through `week` in order, keep to `message.sender == \"CARD\"`, and stop at the first whose "
        "`message[\"ZPI-1\"]` is in `languages`.",
    ]


REGISTRY = [
    {"segment": "ZDS", "sender": "RIS", "owner": "radiology", "readers": ["HV_PACS", "HV_MWL"],
     "fields": {1: "RP"}},
    {"segment": "ZDS", "sender": "CARD", "owner": "cardiology", "readers": ["HV_PACS"], "fields": {1: "RP"}},
    {"segment": "ZVI", "sender": "HIS", "owner": "patient administration", "readers": ["RECEPTION", "PORTERS"],
     "fields": {1: "IS yes_no", 2: "ST"}},
    {"segment": "ZVX", "sender": "VOX", "owner": "radiology", "readers": ["TYPING_POOL"],
     "fields": {1: "NM", 2: "ST"}},
]
OPEN = (
    {"segment": "ZPI", "sender": "HIS", "owner": "patient administration", "readers": ["KIOSK", "LETTERS", "SIGNAGE"],
     "fields": {1: "IS languages", 2: "IS yes_no"}},
    {"segment": "ZPI", "sender": "ECC_RIS", "owner": "Eastcliff Clinic", "readers": ["BILLING", "REFERRALS", "REFUNDS"],
     "fields": {1: "IS insurers", 2: "ST"}},
    {"segment": "ZPI", "sender": "CARD", "owner": "cardiology", "readers": ["MR_SAFETY", "PACE_CLINIC", "WARRANTY"],
     "fields": {1: "IS devices", 2: "DT", 3: "IS yes_no"}},
    {"segment": "ZAL", "sender": "RIS", "owner": "radiology", "readers": ["CONTRAST"], "fields": {1: "CE", 2: "IS severities"}},
)
TEMPLATE = """registry = [
    {"segment": "ZDS", "sender": "RIS", "owner": "radiology", "readers": ["HV_PACS", "HV_MWL"],
     "fields": {1: "RP"}},
    {"segment": "ZDS", "sender": "CARD", "owner": "cardiology", "readers": ["HV_PACS"], "fields": {1: "RP"}},
    {"segment": "ZVI", "sender": "HIS", "owner": "patient administration", "readers": ["RECEPTION", "PORTERS"],
     "fields": {1: "IS yes_no", 2: "ST"}},
    {"segment": "ZVX", "sender": "VOX", "owner": "radiology", "readers": ["TYPING_POOL"],
     "fields": {1: "NM", 2: "ST"}},
    ...,       # ZAL of the RIS, and the entries of ZPI
]"""


def _changed(**changes):
    """The right registry, with changes to the open entries: {"segment_sender": {key: value}}."""
    return REGISTRY + [{**one, **changes.get(f"{one['segment']}_{one['sender']}", {})} for one in OPEN]


class Registry(Config):
    """A registry, of which some entries are given: untouched while nothing but these is there."""

    def read(self, given):
        """A table with a row for each entry is taken as well."""
        frame = _frame(given)
        return super().read(given if frame is None else frame.to_dict("records"))

    def not_answered(self, given):
        """`...` as a whole, or behind as many entries as are given."""
        value = given[0]
        return type(value) is list and len(value) == len(REGISTRY) + 1 and value[-1] is ... or super().not_answered(given)


@lesson.exercise
class RegistryOfSegments:
    """Complete the **registry**. Each entry says of a Z segment *of one sender*: its `owner` (the department that answers for the
    sender, from the list above), its `readers` (every system that takes one of its fields **from that sender itself**, see
    `consumers`; whether the specification names it does not matter here), and its `fields`: {number: type} for every field that had a
    value, and for no other.

    Four entries are there. Those of `ZAL` and `ZPI` are yours. Types: `"ST"` any text, `"NM"` a number, `"DT"` a date, `"CE"` a coded
    element, `"RP"` a reference pointer, `"IS "` and the name of a table in `tables`, such as `"IS yes_no"`.

    The registry is tried on the week, and on another hospital's: everything that came must be registered, what is right must pass, and
    the **wrong values** that are in these messages must be found. A type that takes everything finds none.
    """

    answer = Registry("registry", reading=registry_of, template=TEMPLATE, called="entries")
    points = 3
    praise = ("Now an engine can warn when a new Z segment turns up, and whoever finds a wrong value knows whom to call. All of "
              "them had been acknowledged with AA.")

    def solution():
        given = [
            {"segment": "ZDS", "sender": "RIS", "owner": "radiology", "readers": ["HV_PACS", "HV_MWL"],
             "fields": {1: "RP"}},
            {"segment": "ZDS", "sender": "CARD", "owner": "cardiology", "readers": ["HV_PACS"], "fields": {1: "RP"}},
            {"segment": "ZVI", "sender": "HIS", "owner": "patient administration", "readers": ["RECEPTION", "PORTERS"],
             "fields": {1: "IS yes_no", 2: "ST"}},
            {"segment": "ZVX", "sender": "VOX", "owner": "radiology", "readers": ["TYPING_POOL"],
             "fields": {1: "NM", 2: "ST"}},
        ]
        added = [
            {"segment": "ZAL", "sender": "RIS", "owner": "radiology", "readers": ["CONTRAST"], "fields": {1: "CE", 2: "IS severities"}},
            {"segment": "ZPI", "sender": "HIS", "owner": "patient administration", "readers": ["KIOSK", "LETTERS", "SIGNAGE"],
             "fields": {1: "IS languages", 2: "IS yes_no"}},
            {"segment": "ZPI", "sender": "ECC_RIS", "owner": "Eastcliff Clinic", "readers": ["BILLING", "REFERRALS", "REFUNDS"],
             "fields": {1: "IS insurers", 2: "ST"}},
            {"segment": "ZPI", "sender": "CARD", "owner": "cardiology", "readers": ["MR_SAFETY", "PACE_CLINIC", "WARRANTY"],
             "fields": {1: "IS devices", 2: "DT", 3: "IS yes_no"}},
        ]
        return given + added

    def one_entry_for_zpi():
        return [one for one in _changed() if (one["segment"], one["sender"]) not in (("ZPI", "ECC_RIS"), ("ZPI", "CARD"))]

    def one_meaning():
        shared = {1: "IS languages", 2: "IS yes_no"}
        return _changed(ZPI_ECC_RIS={"fields": shared}, ZPI_CARD={"fields": {**shared, 3: "IS yes_no"}})

    def all_text():
        two = {"fields": {1: "ST", 2: "ST"}}
        return _changed(ZPI_HIS=two, ZPI_ECC_RIS=two, ZPI_CARD={"fields": {1: "ST", 2: "ST", 3: "ST"}}, ZAL_RIS=two)

    def three_fields_each():
        return _changed(ZPI_HIS={"fields": {1: "IS languages", 2: "IS yes_no", 3: "ST"}},
                        ZPI_ECC_RIS={"fields": {1: "IS insurers", 2: "ST", 3: "ST"}})

    def a_date_is_a_number():
        return _changed(ZPI_CARD={"fields": {1: "IS devices", 2: "NM", 3: "IS yes_no"}})

    def one_owner():
        return _changed(ZPI_ECC_RIS={"owner": "patient administration"}, ZPI_CARD={"owner": "patient administration"})

    def as_specified():
        return _changed(ZPI_HIS={"readers": ["KIOSK", "LETTERS"]}, ZPI_ECC_RIS={"readers": ["BILLING", "REFERRALS"]},
                        ZPI_CARD={"readers": ["MR_SAFETY", "WARRANTY"]})

    def second_hand_too():
        return _changed(ZPI_HIS={"readers": ["KIOSK", "LETTERS", "SIGNAGE", "SMS", "SURVEY", "PRINTSHOP"]},
                        ZPI_ECC_RIS={"readers": ["BILLING", "REFERRALS", "REFUNDS", "CLAIMS", "DEBTORS"]},
                        ZPI_CARD={"readers": ["MR_SAFETY", "PACE_CLINIC", "WARRANTY", "MR1", "WHITEBOARD"]},
                        ZAL_RIS={"readers": ["CONTRAST", "PHARMACY"]})

    def trial(settings, hospital):
        return _tried(settings, lesson.input_of("z_values", hospital))

    def faults(outcome):
        return _faults(outcome)

    wrong_ways = {
        one_entry_for_zpi: "One entry for ZPI is not enough: what the other two senders of it send is in no entry. A Z segment is "
        "registered by sender *and* name.",
        one_meaning: "You gave all three ZPI the fields of the HIS. So the registry calls nearly every message of the clinic and of "
        "cardiology wrong, and lets the others pass because a code happens to be a language.",
        all_text: "With ST everywhere nothing is ever wrong, and the wrong values of the week pass. The type is the only thing in a "
        "registry that a machine can check.",
        three_fields_each: "You entered a third field for senders that never filled one. What nobody sends has no meaning yet: on the "
        "day when it comes, the registry should say that it isn't registered.",
        a_date_is_a_number: "A date has digits only, but not every eight digits are a date: one wrong value in cardiology's ZPI-2 "
        "passes as a number.",
        one_owner: "You entered one owner for all three ZPI. Patient administration can't say what the clinic or cardiology mean: each "
        "entry's owner is the department that answers for its *sender*.",
        as_specified: "You left out the systems that the specification does not name. They read the segment all the same, and they will "
        "stop working all the same.",
        second_hand_too: "You entered systems that get the value from another reader. They matter for a change (part 7), but they do not "
        "read the segment: their source is another system.",
    }
    hints = [
        "Write an entry for each pair of sender and name in your inventory that has none yet, by the pattern of the four that are there.",
        "For `readers`, take the rows of `consumers` whose `source` is the sender and whose `field` begins with the segment's name: "
        "`consumers[consumers[\"source\"] == \"RIS\"]`.",
        "For the types, look at the values, and choose the narrowest type that still takes the right ones: a table of `tables` where all "
        "but a wrong value stand in one; a date; for a code with text and coding system, CE.",
    ]


def _tried(registry, z_values):
    """What comes of a registry on a week's values, plain data."""
    entries, outcome = {}, {"twice": [], "unregistered": [], "never": [], "owner": [], "extra reader": [], "missing reader": [],
                            "unlisted": [], "refused": {}, "passed": {}, "unused": []}
    for entry in registry:
        key = entry["sender"], entry["segment"]
        if key in entries:
            outcome["twice"].append(key)
        entries[key] = entry
    for key, entry in entries.items():
        if key not in FIELDS:
            outcome["never"].append(key)
            continue
        outcome["unused"] += [(*key, number) for number in sorted(entry["fields"]) if number not in FIELDS[key]]
        if entry["owner"].casefold() != OWNERS[key[0]].casefold():
            outcome["owner"].append((*key, entry["owner"]))
        readers = {}
        for system, field, source, specified in CONSUMERS:
            if source == key[0] and field.startswith(key[1]):
                readers[system] = max(specified, readers.get(system, ""))              # "yes" when any of its rows says so
        outcome["extra reader"] += [(*key, name) for name in entry["readers"] if name not in readers]
        outcome["missing reader"] += [(*key, readers[name]) for name in sorted(set(readers) - set(entry["readers"]))]
    for (sender, name, number, value), times in z_values.items():
        key, place = (sender, name), (sender, name, number)
        if key not in entries:
            if key not in outcome["unregistered"]:
                outcome["unregistered"].append(key)
        elif number and number not in entries[key]["fields"]:
            if place not in outcome["unlisted"]:
                outcome["unlisted"].append(place)
        elif number:
            good = valid(value, FIELDS[key][number])
            if valid(value, entries[key]["fields"][number]) != good:
                counts = outcome["refused" if good else "passed"]
                counts[place] = counts.get(place, 0) + times
    return outcome


def _faults(outcome):
    """Sentences on what is not good enough."""
    found = [f"{sender}'s {name} has more than one entry. Whoever looks it up finds two answers." for sender, name in outcome["twice"]]
    found += [f"{sender} sends {name}, and no entry is about it." for sender, name in outcome["unregistered"]]
    found += [f"an entry is about {name} of {sender}, which never came." for sender, name in outcome["never"]]
    found += [f"of {sender}'s {name}, the field {name}-{number} has values and is not registered."
              for sender, name, number in outcome["unlisted"]]
    found += [f"the department {owner!r} can't answer for what {sender} sends in {name}: part 3 has a table of who answers for whom."
              for sender, name, owner in outcome["owner"]]
    found += [f"by `consumers`, {system} does not take {name} from {sender} itself." for sender, name, system in outcome["extra reader"]]
    found += [f"a system that takes {name} from {sender} is not among the readers" + (
              "." if specified == "yes" else ". The specification does not name it, but it reads the segment all the same.")
              for sender, name, specified in outcome["missing reader"]]
    found += [f"{times} value{'s' * (times > 1)} of {sender}'s {name}-{number} that {'are' if times > 1 else 'is'} right would be called "
              "wrong: another type, or another table." for (sender, name, number), times in outcome["refused"].items()]
    found += [f"a wrong value in {sender}'s {name}-{number} passes. A narrower type would find it."
              for (sender, name, number), times in outcome["passed"].items()]
    found += [f"{name}-{number} of {sender} is registered, and never had a value." for sender, name, number in outcome["unused"]]
    return [one[:1].upper() + one[1:] for one in found]


class Changed(Message):
    """A message that the learner's function returns: the first thing that is wrong with it, the segments before their fields.

    said : a function of (part, its value in the answer or None, what is right or None), with a sentence on a wrong part, or None
    """

    def __init__(self, said=lambda part, given, right: None):
        super().__init__("", reading=hl7.parts, objects=(hl7.Message,))
        self.said = said

    def difference(self, answer, other):
        """None when both say the same in all parts."""
        if answer == other:
            return None
        added = [part for part in answer if part not in other and not part.startswith("Z")]       # these tell the most
        part = next(part for part in ["segments", *added, *other, *answer] if answer.get(part) != other.get(part))
        given, right = answer.get(part), other.get(part)
        if part == "segments":
            ours, theirs = Counter(given.split()), Counter(right.split())
            gone, extra = list(theirs - ours), list(ours - theirs)
            if gone:
                one = f"one of its {theirs[gone[0]]} {gone[0]}" if theirs[gone[0]] > 1 else f"the {gone[0]}"
                told = f"{one} is gone and should have stayed." + (
                    "" if gone[0].startswith("Z") else " Its name does not even begin with Z.")
            elif extra:
                told = f"a {extra[0]} is there that should not be in it any more."
            else:
                told = "its segments stand in another order."
        elif given is None:
            told = f"{part} should have a value, and is empty."
        elif right is None:
            told = f"{part} should be empty, and has a value."
        else:
            told = f"{part} should have another value."
        sentence = self.said(part, given, right)
        return Difference(f"{told} {sentence}" if sentence else told, "value")


class OfMessages(Function):
    """A function of a message, and perhaps more, that returns it changed; a case is told by the message's MSH."""

    def _as_written(self, case):
        message, *rest = case
        names = ["message", *("languages" if type(one) is dict else repr(one) for one in rest)]
        return f"`{self.variables[0]}({', '.join(names)})` with the {message.event} {message.control_id} of {message.sender}"

    def _told(self, case, value):
        return f"Look at what came of {self._as_written(case)}:"


@lesson.exercise
class ForDestination:
    """Write `for_destination(message, keep)`: what a destination gets of a message (a `Message`, as those in `week`).

    `keep` lists the Z segments that this destination takes, as pairs **(sender, name)**, such as `[("RIS", "ZDS"), ("CARD", "ZDS")]`. All
    other Z segments are **removed**. Nothing else may change, nor the order of what stays. Return the message.
    """

    answer = OfMessages("for_destination", result=Changed())
    points = 2
    praise = ("This one step serves every destination, with a list of its own. It strips by sender and name, so a Z segment that turns "
              "up next month goes nowhere until somebody registers it.")

    def solution(message, keep):
        for segment in message.segments():
            if segment.name.startswith("Z") and (message.sender, segment.name) not in keep:
                message.remove(segment)
        return message

    def by_name_alone(message, keep):
        names = [name for _, name in keep]
        return _without(message, lambda segment: segment.name.startswith("Z") and segment.name not in names)

    def all_of_them(message, keep):
        return _without(message, lambda segment: segment.name.startswith("Z"))

    def what_is_listed(message, keep):
        return _without(message, lambda segment: (message.sender, segment.name) in keep)

    def whatever_is_not_listed(message, keep):
        return _without(message, lambda segment: (message.sender, segment.name) not in keep)

    def nothing_removed(message, keep):
        return message

    def pair_by_pair(message, keep):
        for pair in keep:
            _without(message, lambda segment: segment.name.startswith("Z") and (message.sender, segment.name) != pair)
        return message

    def from_the_first_on(message, keep):
        names = [segment.name for segment in message.segments()]
        first = next((place for place, name in enumerate(names) if name.startswith("Z") and (message.sender, name) not in keep), len(names))
        gone = [id(segment) for segment in message.segments()[first:]]
        return _without(message, lambda segment: id(segment) in gone)

    def the_last_segment(message, keep):
        last = message.segments()[-1]
        return _without(message, lambda segment: segment is last and segment.name.startswith("Z")
                        and (message.sender, segment.name) not in keep)

    def emptied(message, keep):
        for segment in message.segments():
            if segment.name.startswith("Z") and (message.sender, segment.name) not in keep:
                for number in range(1, len(segment) + 1):
                    segment[number] = ""
        return message

    def one_of_each(message, keep):
        seen = set()
        return _without(message, lambda segment: segment.name.startswith("Z") and (message.sender, segment.name) not in keep
                        and not (segment.name in seen or seen.add(segment.name)))

    def known_ones_only(message, keep):
        known = [name for _, name in FIELDS]
        return _without(message, lambda segment: segment.name in known and (message.sender, segment.name) not in keep)

    def sender_and_name_apart(message, keep):
        senders, names = [sender for sender, _ in keep], [name for _, name in keep]
        return _without(message, lambda segment: segment.name.startswith("Z") and not (message.sender in senders and segment.name in names))

    def empty_ones_too(message, keep):
        return _without(message, lambda segment: segment.name.startswith("Z") and (
            (message.sender, segment.name) not in keep or not any(segment.fields[1:])))

    def kept_at_the_end(message, keep):
        kept = [segment for segment in message.segments() if (message.sender, segment.name) in keep]
        for segment in [one for one in message.segments() if one.name.startswith("Z")]:
            message.remove(segment)
        for segment in kept:
            message.add(segment)
        return message

    def cases(draw, week):
        return _cases_of_stripping(draw, week)

    wrong_ways = {
        by_name_alone: "You went by the name alone. A destination that takes ZPI from cardiology would get that of the HIS and of the "
        "clinic as well, and read a language as a device. `keep` has pairs: compare with `(message.sender, segment.name)`.",
        all_of_them: "You removed all Z segments. The archive would lose the Study Instance UID in ZDS: those in `keep` must stay. (If "
        "you did compare: `keep` has pairs in parentheses, the sender first. A pair in brackets, or with the name first, equals none.)",
        known_ones_only: "You removed those Z segments that you know. A new one, nobody's yet, would go to every destination: remove "
        "whatever begins with Z and is not in `keep`.",
        what_is_listed: "It is the other way round: what is in `keep` stays, every other Z segment goes.",
        whatever_is_not_listed: "You remove whatever is not in `keep`, and the first such segment is the header, MSH. Only segments "
        "whose name begins with Z may go.",
        nothing_removed: "Every message came back as it was: your condition was true for no segment, or nothing was removed. Go through "
        "`message.segments()`, ask `segment.name.startswith(\"Z\")`, and remove. (A name has three letters, so `== \"Z\"` and "
        "`message.segments(\"Z\")` find none.)",
        pair_by_pair: "You go through `keep` pair by pair and remove what is not *this* pair: so what one pair lets stay the next one "
        "removes, and where `keep` is empty nothing goes. Ask once for each segment, with `not in keep`.",
        from_the_first_on: "You cut the message off at the first unwanted Z segment. Behind it come segments of the standard; a Z "
        "segment neither ends a message nor a group, and a receiver that does not know it passes over it (HL7 v2.5.1 2.6.2).",
        the_last_segment: "You looked at the last segment only. A Z segment may stand anywhere behind MSH, in the middle of a group too, "
        "and several times: go by the name, not by the place.",
        emptied: "The fields are empty but the segment is still there. Asked is that the destination does not get it at all.",
        one_of_each: "Only the first segment of each name is gone. Some messages have several of one name: go through all segments.",
        sender_and_name_apart: "You asked whether the sender is in some pair and the name is in some pair. They must be in the *same* "
        "pair: one destination may take cardiology's ZPI and the HIS's ZVI, and then the HIS's ZPI would get through.",
        empty_ones_too: "You removed a Z segment that the destination takes, because it has no value. That it is there may say something "
        "by itself, and only its receiver knows: what is in `keep` stays as it is.",
        kept_at_the_end: "What you kept has moved to the end. Where a segment stands says what it belongs to: leave those that stay "
        "where they are, and remove the others only.",
    }
    hints = [
        "`message.segments()` gives all segments in order; `segment.name` is the name, `message.sender` the sender; "
        "`message.remove(segment)` takes one segment out.",
        "Two conditions must hold for a segment to go: its name starts with Z, *and* its pair is not in `keep`.",
        "`(message.sender, segment.name) not in keep`. Put both conditions into one `if` inside the loop, and `return message` behind "
        "the loop.",
    ]


def _without(message, gone):
    """The message without the segments for which `gone` is true."""
    for segment in [one for one in message.segments() if gone(one)]:
        message.remove(segment)
    return message


def _cases_of_stripping(draw, week):
    """(message, keep) of each sender, with Z segments in the middle, at the end, twice, without a value, and none."""
    def some(sender, *names, several=False):
        found = [one for one in week if one.sender == sender and all(name in one for name in names)
                 and (not several or len(one.segments(names[0])) > 1)]
        return draw.choice(found).copy()

    archive, safety = [("RIS", "ZDS"), ("CARD", "ZDS")], [("CARD", "ZPI")]
    twice = some("RIS", "ZAL", several=True)
    middle = some("RIS", "ZDS")
    middle.add("ZNT|1|since Monday", after=middle.segment("ORC"))
    report = some("VOX", "ZVX")
    report["OBX-5"] = "ZPI and ZAL removed by the reader"
    bare = some("RIS", "ZDS")                                # with a Z segment that has a name and no value
    bare.add("ZNT", after=bare.segment("ORC"))
    device = some("CARD", "ZPI")
    device.add("ZDS|2.999.2.1^HVGH^Application^DICOM")
    cases = [
        (some("HIS", "ZPI", "ZVI"), []), (some("HIS", "ZPI", "ZVI"), safety), (some("HIS", "ZPI", "ZVI"), [("HIS", "ZVI")]),
        (some("HIS", "ZPI"), [("HIS", "ZPI"), ("HIS", "ZVI")]), (some("HIS", "ZPI", "ZVI"), [("HIS", "ZVI"), *safety]),
        (twice, archive), (twice.copy(), [("RIS", "ZAL")]), (some("RIS", "ZDS"), safety), (middle, archive), (middle.copy(), []),
        (some("ECC_RIS", "ZPI"), safety), (some("CARD", "ZPI"), safety), (device, archive), (device.copy(), archive + safety),
        (report, archive), (some("RIS", "SCH"), archive), (bare, [("RIS", "ZNT")]), (bare.copy(), [("RIS", "ZDS")]),
    ]
    draw.shuffle(cases)
    return cases


@lesson.exercise
class StudyUidHome:
    """The next release of the RIS sends OMI^O23 of v2.5.1. Most of its orders leave IPC-3, the Study Instance UID, empty and still send
    ZDS; some come with both, some with IPC-3 alone.

    Write `uid_home(message)`, which brings the UID home: where there is a ZDS, put its UID into **IPC-3 of every IPC**, then remove ZDS.
    Should an IPC-3 have another UID already, the one in ZDS counts: archive and worklist have gone by ZDS until now. A ZDS without a UID
    is removed too, but then every IPC-3 keeps what it has. A message without ZDS stays as it is.

    IPC-3 is an EI, ZDS-1 an RP; look at the clinic's IPC-3 above for what it should hold. Return the message.
    """

    answer = OfMessages("uid_home", result=Changed(lambda part, given, right: _about_uid(part, given, right)))
    points = 2
    praise = ("With the UID in IPC-3 a receiver of OMI^O23 finds it where the standard has it. But HV_PACS and HV_MWL read ZDS-1 today: "
              "before the RIS changes to OMI^O23, both must have learnt to take that message and to read IPC-3.")

    def solution(message):
        if "ZDS" in message:
            uid = message["ZDS-1.1"]
            if uid != "":
                for ipc in message.segments("IPC"):
                    ipc[3] = uid
            message.remove("ZDS")
        return message

    def erased_by_an_empty_one(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def empty_zds_stays(message):
        if message["ZDS-1.1"] != "":
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def first_step_only(message):
        if "ZDS" in message:
            message["IPC-3"] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def whole_pointer(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1"]
            message.remove("ZDS")
        return message

    def whole_pointer_into_the_first(message):
        if "ZDS" in message:
            message["IPC-3"] = message["ZDS-1"]
            message.remove("ZDS")
        return message

    def with_the_application(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = "^".join(message["ZDS-1"].split("^")[:2])
            message.remove("ZDS")
        return message

    def only_where_empty(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                if ipc[3] == "":
                    ipc[3] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def emptied_without_zds(message):
        for ipc in message.segments("IPC"):
            ipc[3] = message["ZDS-1.1"]
        message.remove("ZDS")
        return message

    def zds_stays(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
        return message

    def counted_from_the_name(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[2] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def last_segment_gone(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            message.remove(message.segments()[-1])
        return message

    def cases(draw, next_release):
        return _cases_of_orders(draw, next_release)

    wrong_ways = {
        first_step_only: "`message[\"IPC-3\"]` is that of the first IPC. An order of several steps has several IPC, and all of them "
        "belong to one study: go through `message.segments(\"IPC\")`.",
        whole_pointer: "You copied ZDS-1 as a whole. An RP is pointer, application, `Application`, `DICOM`; an EI is identifier, "
        "namespace, universal ID, its type. So IPC-3 would say that `DICOM` is the type of the universal ID `Application`. Only the "
        "first component means the same in both.",
        whole_pointer_into_the_first: "Two things. You copied ZDS-1 as a whole, an RP, into a field that is an EI: only the first "
        "component means the same in both. And `message[\"IPC-3\"]` is that of the first IPC; an order of several steps has several.",
        with_the_application: "You took two components of ZDS-1. In an EI the second is the namespace that gave the identifier; a UID "
        "needs none, and the clinic's IPC-3 has none. Take the first component only.",
        only_where_empty: "Where IPC-3 and ZDS differ you kept IPC-3, and the images that the modality makes under ZDS's UID would not "
        "be found under the order's. By the exercise, ZDS counts.",
        emptied_without_zds: "Where there is no ZDS you emptied IPC-3: `message[\"ZDS-1.1\"]` is `\"\"` then. Those messages had a UID. "
        "Ask first whether `\"ZDS\" in message`.",
        erased_by_an_empty_one: "Where ZDS has no UID you emptied IPC-3, which had one. Take the UID first, and ask whether it is `\"\"`.",
        empty_zds_stays: "A ZDS that has no UID is still there. It says nothing, and is removed as well: ask for the UID only before you "
        "put it into IPC-3.",
        zds_stays: "ZDS is still there. Two places for one fact will differ one day, and nobody will know which counts.",
        counted_from_the_name: "The UID is in IPC-2, the Requested Procedure ID, which is lost. `ipc[3]` is field 3; only a list made "
        "with `split` counts the name as 0, and MSH has its own rule.",
        last_segment_gone: "You removed whatever stood last. ZDS may stand elsewhere, and then another segment is lost: remove it by its "
        "name.",
    }
    hints = [
        "`message[\"ZDS-1.1\"]` is the first component of ZDS-1. `\"ZDS\" in message` says whether there is one.",
        "`for ipc in message.segments(\"IPC\"):` goes through all IPC; `ipc[3] = ...` sets field 3 of one.",
        "All steps belong under `if \"ZDS\" in message:`. There, `uid = message[\"ZDS-1.1\"]`; then the loop under `if uid != \"\":`; "
        "and `message.remove(\"ZDS\")` behind the loop, under the first `if` only. `return message` stands outside.",
    ]


def _cases_of_orders(draw, orders):
    """Messages with one IPC and several, with ZDS at the end and in front of them, without ZDS or its UID, with a comment behind it."""
    with_zds = [one for one in orders if "ZDS" in one]
    cases = [one.copy() for one in draw.sample(with_zds, 4)]
    cases += [draw.choice([one for one in orders if "ZDS" not in one]).copy()]
    several = draw.choice(with_zds).copy()
    for number in (2, 3):
        ipc = hl7.Segment(several.segment("IPC").fields)
        ipc[4] = f"{ipc[4]}-{number}"
        several.add(ipc, after="IPC")
    early = several.copy()
    pointer = early.segment("ZDS")
    early.remove(pointer)
    early.add(pointer, after="OBR")
    behind = draw.choice(with_zds).copy()
    behind.add("ZAL|IOD^Iodinated contrast^99HV|SV")
    both, other = draw.choice(with_zds).copy(), several.copy()
    for ipc in both.segments("IPC"):
        ipc[3] = both["ZDS-1.1"]
    other["IPC[2]-3"] = f"{other['ZDS-1.1']}.2"
    cases += [several, early, behind, both, other]
    for rest in ("^^Application^DICOM", "^ARCHIVE^Application^DICOM"):       # the RP with another application, or none
        cases.append(draw.choice(with_zds).copy())
        cases[-1]["ZDS-1"] = cases[-1]["ZDS-1.1"] + rest
    for known in (both["IPC-3"], ""):                                        # a ZDS without a UID
        cases.append(draw.choice(with_zds).copy())
        cases[-1]["IPC-3"], cases[-1]["ZDS-1"] = known, "^HVGH^Application^DICOM"
    draw.shuffle(cases)
    return [(one,) for one in cases]


def _about_uid(part, given, right):
    place = re.fullmatch(r"IPC(?:\[(\d+)\])?-3\.(\d)(.*)", part)
    if place and given is None and place[1]:
        return "An order of several steps has several IPC, of one study."
    if place and place[2] != "1":
        return "IPC-3 is an EI, in which only the first component of the RP means the same."
    if place and given is None:
        return "Where ZDS has no UID, or where there is no ZDS, IPC-3 keeps what it has."
    if place and right is not None and given is not None:
        return "It is the first component of ZDS-1 that belongs there, and nothing else."
    return None


@lesson.exercise
class LanguageHome:
    """Write `move_language(message, languages)`, which brings the language that the **HIS** sends in ZPI-1 to **PID-15**.

    - Only the HIS means a language by ZPI. Of every other sender, nothing changes.
    - When the code in ZPI-1 is a key of `languages` and PID-15 is empty: PID-15 gets the text that stands there (a CE, such as
      `nl^Dutch^ISO639`), and ZPI-1 is emptied. When PID-15 has that very text already, ZPI-1 is emptied, too.
    - When PID-15 has **another** value, both stay: a person has to look. The whole field counts as it stands: `nl^^LOCAL`, `^Dutch`, a
      text with more components or in other letters, and HL7's `""` (*delete*) are all other values.
    - When the code is no key of `languages`, or is empty, PID and ZPI-1 stay as they are: a code that nobody knows must not get lost. The
      whole ZPI-1 counts as it stands: neither `nl` nor `NL^x` is the key `NL`, nor is one with a blank.
    - ZPI-2 has no home in the standard and stays, whatever its value. A ZPI of the HIS has these two fields; one that has **no value
      (left)** in both is removed, also one that came so.

    Return the message.
    """

    answer = OfMessages("move_language", result=Changed(lambda part, given, right: _about_language(part, given, right)))
    points = 3
    praise = ("Each field went where it has a meaning that others share, and what has none stayed in the registry's care. The Z segment "
              "dies when its last field has found a home, not before.")

    def solution(message, languages):
        if message.sender == "HIS" and "ZPI" in message:
            zpi = message.segment("ZPI")
            code = zpi[1]
            if code in languages:
                if message["PID-15"] == "":
                    message["PID-15"] = languages[code]
                if message["PID-15"] == languages[code]:
                    zpi[1] = ""
            if zpi[1] == "" and zpi[2] == "":
                message.remove(zpi)
        return message

    def whoever_sends(message, languages):
        if "ZPI" in message:
            _home(message, languages)
        return message

    def the_code_alone(message, languages):
        return _home(message, {code: code for code in languages}) if _of_the_his(message) else message

    def first_component_alone(message, languages):
        return _home(message, {code: text.split("^")[0] for code, text in languages.items()}) if _of_the_his(message) else message

    def appended_to_pid(message, languages):
        return _home(message, languages, "PID-40") if _of_the_his(message) else message

    def language_of_the_message(message, languages):
        return _home(message, languages, "MSH-19") if _of_the_his(message) else message

    def one_place_off(message, languages):
        return _home(message, languages, "PID-16") if _of_the_his(message) else message

    def whole_segment_gone(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] in languages and message["PID-15"] == "":
                message["PID-15"] = languages[message["ZPI-1"]]
            message.remove("ZPI")
        return message

    def two_homes(message, languages):
        if _of_the_his(message) and message["ZPI-1"] in languages and message["PID-15"] == "":
            message["PID-15"] = languages[message["ZPI-1"]]
        return message

    def not_emptied(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] in languages and message["PID-15"] == "":
                message["PID-15"] = languages[message["ZPI-1"]]
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def contradiction_lost(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] in languages:
                if message["PID-15"] == "":
                    message["PID-15"] = languages[message["ZPI-1"]]
                message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def written_over(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] in languages:
                message["PID-15"] = languages[message["ZPI-1"]]
                message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def only_into_an_empty_one(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] in languages and message["PID-15"] == "":
                message["PID-15"] = languages[message["ZPI-1"]]
                message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def a_table_of_its_own(message, languages):
        return _home(message, LANGUAGES) if _of_the_his(message) else message

    def empty_ones_of_others_too(message, languages):
        if _of_the_his(message):
            return _home(message, languages)
        return _without(message, lambda segment: segment.name == "ZPI" and not any(segment.fields[1:]))

    def unknown_code_lost(message, languages):
        if _of_the_his(message):
            if message["ZPI-1"] not in languages:
                message["ZPI-1"] = ""
            _home(message, languages)
        return message

    def written_over_with_nothing(message, languages):
        if _of_the_his(message):
            message["PID-15"] = languages.get(message["ZPI-1"], "")
            if message["ZPI-1"] in languages:
                message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def empty_segment_left(message, languages):
        if _of_the_his(message) and message["ZPI-1"] in languages:
            if message["PID-15"] == "":
                message["PID-15"] = languages[message["ZPI-1"]]
            if message["PID-15"] == languages[message["ZPI-1"]]:
                message["ZPI-1"] = ""
        return message

    def removed_only_when_moved(message, languages):
        if _of_the_his(message) and message["ZPI-1"] in languages:
            _home(message, languages)
        return message

    def every_code_is_known(message, languages):
        if _of_the_his(message):
            zpi = message.segment("ZPI")
            text = languages[zpi[1]]
            if message["PID-15"] == "":
                message["PID-15"] = text
            if message["PID-15"] == text:
                zpi[1] = ""
            if zpi[2] == "":
                message.remove(zpi)
        return message

    def same_code_is_enough(message, languages):
        if _of_the_his(message):
            code = message["ZPI-1"]
            if code in languages and message["PID-15.1"] in ("", languages[code].split("^")[0]):
                message["PID-15"] = languages[code]
                message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def same_code_empties(message, languages):
        if _of_the_his(message):
            code = message["ZPI-1"]
            if code in languages:
                if message["PID-15"] == "":
                    message["PID-15"] = languages[code]
                if message["PID-15.1"] == languages[code].split("^")[0]:
                    message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def small_letters_too(message, languages):
        if _of_the_his(message):
            known = message["ZPI-1"].upper()
            if known in languages:
                if message["PID-15"] == "":
                    message["PID-15"] = languages[known]
                if message["PID-15"] == languages[known]:
                    message["ZPI-1"] = ""
            if message["ZPI-1"] == message["ZPI-2"] == "":
                message.remove("ZPI")
        return message

    def cases(draw, week):
        return _cases_of_languages(draw, week)

    wrong_ways = {
        whoever_sends: "You moved ZPI-1 of other senders too. A patient of cardiology without a device would speak Norwegian from now "
        "on: NO is in the table. Ask `message.sender` first.",
        the_code_alone: "PID-15 has the bare code of the Z segment now. It's a CE: code, text and coding system, as `languages` gives "
        "them; without the coding system nobody outside knows whose NL it is.",
        first_component_alone: "PID-15 has a code alone now. It's a CE: code, text and coding system, the whole text that `languages` has; "
        "without the coding system nobody outside knows whose code it is.",
        appended_to_pid: "You appended a field of your own to PID. HL7 puts its own new fields exactly there (v2.5.1 2.8), so the next "
        "version gives your field another meaning. The language has a home already.",
        language_of_the_message: "MSH-19 is the language in which the *message* is written, not what the patient speaks.",
        one_place_off: "That is PID-16, the marital status. `message[\"PID-15\"]` counts as the standard does; a list made with `split` "
        "has the segment's name at place 0.",
        whole_segment_gone: "You removed ZPI as a whole, and with it who needs large print, and the codes that nobody knew. Only what "
        "has found a home may go.",
        two_homes: "The language is in PID-15 now and still in ZPI-1. Two places for one fact will differ one day: empty the old one.",
        unknown_code_lost: "A code that is not in `languages` is gone from ZPI-1, and PID-15 has nothing of it. What can't be translated "
        "must stay where it was, so that somebody can look into it.",
        written_over_with_nothing: "You wrote into PID-15 whether or not the code is known. So a language that was there was replaced by "
        "nothing, or by another one.",
        written_over: "You wrote over a PID-15 that had a value. Whoever entered it asked the patient, perhaps, and nobody will see that "
        "the two contradicted each other. Write only where PID-15 is empty.",
        contradiction_lost: "PID-15 is right, but where it says another language than ZPI-1 you emptied ZPI-1, so nobody will ever see "
        "that the two contradicted each other. Empty it only where PID-15 says the same.",
        only_into_an_empty_one: "You emptied ZPI-1 only when you had filled PID-15 yourself. Where PID-15 has the very text that "
        "`languages` gives for the code, the language has found its home as well, and ZPI-1 has done its work.",
        a_table_of_its_own: "Your function goes by a table of its own. It is given one, `languages`, and the next one may have a code "
        "more or a code less.",
        empty_ones_of_others_too: "You removed an empty ZPI of another sender. Of other senders nothing changes: what an empty ZPI means "
        "with them is for them to say.",
        not_emptied: "The language is in PID-15 and still in ZPI-1. Two places for one fact will differ one day: once PID-15 says the "
        "same, set field 1 of the ZPI to `\"\"`.",
        empty_segment_left: "A ZPI without any value is still in the message. Remove it when no field has a value left, also when it "
        "came empty.",
        removed_only_when_moved: "A ZPI that came without any value is still there: you ask for emptiness only when a language was "
        "moved. That `if` belongs behind the other one, not into it.",
        same_code_is_enough: "You compared the code of PID-15 only, and wrote over a text of another coding system. `nl^^LOCAL` is "
        "another value than the one in `languages`: compare the whole field, and let both stay.",
        same_code_empties: "You compared the code of PID-15 only, and emptied ZPI-1 where PID-15 has another text. `nl^^LOCAL` is another "
        "value than the one in `languages`: compare the whole field.",
        small_letters_too: "You took a code in small letters for the one in capitals. It is no key of `languages`: what somebody typed "
        "otherwise than agreed on stays where it is, so that the sender can put it right.",
        every_code_is_known: "Not every ZPI-1 is a key of `languages`: some are empty, one is mistyped. Ask `code in languages` before "
        "you look it up.",
    }
    hints = [
        "Begin with the question whether it concerns you at all: `message.sender == \"HIS\" and \"ZPI\" in message`.",
        "`zpi = message.segment(\"ZPI\")` is the segment; `zpi[1] in languages` asks whether its code is known. Inside that stand two more "
        "`if`, one after the other: if PID-15 is `\"\"`, it gets the text; if PID-15 *now* is that text, field 1 of ZPI is emptied.",
        "Last, and not only when a language was moved: if `zpi[1]` and `zpi[2]` are both `\"\"`, `message.remove(zpi)`.",
    ]


def _of_the_his(message):
    return message.sender == "HIS" and "ZPI" in message


def _home(message, languages, place="PID-15"):
    """The language of ZPI-1 in `place`, all else as the solution does it."""
    zpi = message.segment("ZPI")
    text, there = languages.get(zpi[1]), message["PID-15"]
    if text is not None:
        if there == "":
            message[place] = text
        if there in ("", text):
            zpi[1] = ""
    if not any(zpi.fields[1:]):
        message.remove(zpi)
    return message


def _cases_of_languages(draw, week):
    """Messages of the HIS with each state of ZPI-1, ZPI-2 and PID-15, and messages of others."""
    plain = [one for one in week if one.sender == "HIS" and one.event == "ADT^A04" and "ZPI" in one]

    def registration(code, large, known, sender="HIS"):
        message = draw.choice(plain).copy()
        message["MSH-3"], message["ZPI-1"], message["ZPI-2"], message["PID-15"] = sender, code, large, known
        return message

    cases = []
    codes = draw.sample(list(LANGUAGES), 4)
    for code, large, known in ((codes[0], "", ""), (codes[1], "Y", ""), (codes[2], "N", ""), (codes[3], "", ""), ("NLD", "", ""),
                               ("NLD", "Y", ""), ("", "Y", ""), ("", "", ""), ("", "Y", "de^German^ISO639"), ("", "", "de^German^ISO639"),
                               ("NL", "", "nl^Dutch^ISO639"), ("NL", "Y", "nl^Dutch^ISO639"), ("??", "", "tr^Turkish^ISO639"),
                               ("DE", "", "tr^Turkish^ISO639"), ("EN", "Y", "nl^Dutch^ISO639"),
                               ("NL", "Y", "nl^Nederlands^99HV"), ("DE", "", "de^^LOCAL"), ("nl", "Y", ""), ("tr", "", ""),
                               ("NL", "", "^Dutch (text only)"), ("DE", "Y", '""'), ("NL", "", "nl^Dutch^ISO639^nld^^ISO639-2"),
                               ("EN", "Y", "en^english^ISO639"), ("NL", "?", ""), (" NL", "", ""), ("NL^x", "Y", "")):
        cases.append(registration(code, large, known))
    for event in ("ADT^A28^ADT_A05", "ADT^A31^ADT_A05", "ORM^O01^ORM_O01"):                # the sender counts, not the event
        cases.append(registration("PL", "", ""))
        cases[-1]["MSH-9"] = event
        if not event.startswith("ADT"):
            cases[-1].remove("EVN")
    cases.append(registration("NL", "", "", sender="HISTO"))                               # a new sender; it has HIS in its name
    for sender in ("CARD", "ECC_RIS"):
        carriers = [one for one in week if one.sender == sender and "ZPI" in one]
        cases += [draw.choice(carriers).copy() for _ in range(2)]
        cases.append(draw.choice(carriers).copy())
        for number in (1, 2, 3)[:len(cases[-1].segment("ZPI"))]:
            cases[-1][f"ZPI-{number}"] = ""
    cases.append(next(one for one in week if one.sender == "CARD" and one["ZPI-1"] == "NO").copy())
    cases.append(draw.choice([one for one in week if one.sender == "HIS" and "ZPI" not in one]).copy())
    cases = [(one, dict(LANGUAGES)) for one in cases]
    for code in (codes[0], "GR"):        # with another table: without one of the codes, and with one more, in which text and code differ
        table = {one: text for one, text in LANGUAGES.items() if one != codes[0]}
        cases.append((registration(code, "Y", ""), {**table, "GR": "el^Greek^ISO639"}))
    draw.shuffle(cases)
    return cases


def _about_language(part, given, right):
    place = part.rsplit(".", 1)[0]
    if place == "MSH-19":
        return "MSH-19 is the language in which the *message* is written, not what the patient speaks."
    if place.startswith("PID-") and right is None and place != "PID-15":
        return "The language belongs into PID-15."
    if place == "PID-15" and part != "PID-15.1" and given is None:
        return "PID-15 is a CE: code, text and coding system, the whole text that `languages` has."
    if place == "PID-15" and given is None:
        return "It's the language that was there before, or that of a code in ZPI-1 that is known."
    if place == "PID-15" and right is None:
        return ("Only a code of the HIS that is a key of `languages` as it stands may be moved, and only into a PID-15 that is empty as a "
                "whole.")
    if place == "PID-15":
        return "Is it the text that `languages` has? And did you write over a language that was there?"
    if place == "ZPI-1" and given is None:
        return "What can't be moved must not get lost: a code that is no key of `languages`, one that PID-15 contradicts, another sender's."
    if place == "ZPI-1" and right is None:
        return "The language stands in PID-15 now; so ZPI-1 should be emptied."
    if place == "ZPI-2" and given is None:
        return "ZPI-2 has no home elsewhere."
    if part == "segments":
        kept = given.split().count("ZPI") - right.split().count("ZPI")
        return {1: "That ZPI has no value in any field, or none that is left.",
                -1: "A field of that ZPI has a value that stays (a code that is no key as it stands, or that PID-15 contradicts; any "
                    "ZPI-2), or it is another sender's."}.get(kept)
    return None


def _what_changes(old, new):
    if old is None or new is None:
        came, usage = (True, new["usage"]) if old is None else (False, old["usage"])
        what = f"{'a new field comes' if came else 'a field disappears'}, with usage {usage}"
    else:
        parts = [f"{name} goes from {old[name]} to {new[name]}" for name in ("usage", "length") if old[name] != new[name]]
        parts += [f"the code {code} goes" for code in old["codes"] if code not in new["codes"]]
        parts += [f"the code {code} comes" for code in new["codes"] if code not in old["codes"]]
        what = ", ".join(parts) or "nothing differs but, perhaps, the order of the codes"
    if old is None:
        what += ". Nobody has sent anything in its place so far, and a receiver passes over what it does not expect"
    if new is None:
        what += ". What the new text does not have, it does not forbid: who still sends it is passed over"
    return f"There {what}. Ask for each what an unchanged sender may still send, and what an unchanged receiver may now meet."


class Side(Text):
    """Whom a change breaks."""

    takes = '"sender", "receiver", "both" or "nobody"'


@lesson.exercise
class WhoBreaks:
    """Write `breaks(old, new)`: whom does a change of **one field** in a specification break? Return `"sender"`, `"receiver"`, `"both"` or
    `"nobody"`.

    The field is a CE. `old` and `new` are what the specification says of it before and after: dictionaries with `usage` (`"R"` required
    or `"O"` optional), `codes` (the list of codes allowed in its first component, in no order) and `length` (how long the **text** in its
    second component may be; it has nothing to do with the codes). `None` means that the specification does not have the field; a new one
    stands at the end of its segment, where nobody has sent anything so far. What a text does **not have**, it does not **forbid**: a
    sender may go on sending a field that was taken out, and a receiver passes over any field that it does not expect.

    - A change breaks the **sender** when one that keeps to the old text may now send something, or leave something out, that the new text
      forbids.
    - It breaks the **receiver** when one that was built for the old text may now get something, or miss something, that the old text
      excluded.
    """

    answer = Function("breaks", result=Side("", reading=side), about=_what_changes)
    points = 3
    praise = ("*Breaking* is no property of a change alone: it has a direction. If anybody breaks, the new version of the specification "
              "is a major one, and the other side can't be told \"only something added\".")

    def solution(old, new):
        sender = False
        receiver = False
        if old is None:
            sender = new["usage"] == "R"
        elif new is None:
            receiver = old["usage"] == "R"
        else:
            if old["usage"] == "O" and new["usage"] == "R":
                sender = True
            if old["usage"] == "R" and new["usage"] == "O":
                receiver = True
            if new["length"] < old["length"]:
                sender = True
            if new["length"] > old["length"]:
                receiver = True
            for code in old["codes"]:
                if code not in new["codes"]:
                    sender = True
            for code in new["codes"]:
                if code not in old["codes"]:
                    receiver = True
        if sender and receiver:
            answer = "both"
        elif sender:
            answer = "sender"
        elif receiver:
            answer = "receiver"
        else:
            answer = "nobody"
        return answer

    def wider_is_safe(old, new):
        return _who(old, new, without=("wider",))

    def more_codes_are_safe(old, new):
        return _who(old, new, without=("codes added",))

    def longer_and_more_are_safe(old, new):
        return _who(old, new, without=("wider", "codes added"))

    def gone_is_forbidden(old, new):
        if old is not None and new is None:
            return "both" if old["usage"] == "R" else "sender"
        return _who(old, new)

    def looser_is_safe(old, new):
        return _who(old, new, without=("wider", "codes added", "loosened", "gone"))

    def required_is_an_addition(old, new):
        return _who(old, new, without=("required", "new"))

    def a_new_required_field_is_added(old, new):
        return _who(old, new, without=("new",))

    def other_direction(old, new):
        return {"sender": "receiver", "receiver": "sender"}.get(_who(old, new), _who(old, new))

    def first_difference_only(old, new):
        signs = _signs(old, new)
        return _said(signs[:1])

    def any_difference_breaks_both(old, new):
        return "nobody" if old == new else "both"

    def new_optional_breaks(old, new):
        return "receiver" if old is None and new["usage"] == "O" else _who(old, new)

    def gone_is_safe(old, new):
        return _who(old, new, without=("gone",))

    def order_of_codes(old, new):
        if old and new and sorted(old["codes"]) == sorted(new["codes"]) and old["codes"] != new["codes"]:
            return "both"
        return _who(old, new)

    def length_of_the_code(old, new):
        return _who(old, new, without=("wider", "shorter"))

    def number_of_codes(old, new):
        if not old or not new:
            return _who(old, new)
        signs = [sign for sign in _signs(old, new) if not sign[0].startswith("codes")]
        more = len(new["codes"]) - len(old["codes"])
        return _said(signs + ([("", "receiver")] if more > 0 else [("", "sender")] if more < 0 else []))

    def cases(draw):
        return _cases_of_changes(draw)

    wrong_ways = {
        wider_is_safe: "You took a longer text for harmless. It is for senders; a receiver's database column has the old length, and "
        "cuts off or refuses what is longer. Widening is the change that is called safe most often and isn't.",
        more_codes_are_safe: "You took a new code for harmless. A receiver built for the old table has nothing to do with it: error "
        "queue, or *other*. It is the receiver whom a new code breaks.",
        longer_and_more_are_safe: "You took a longer text and a new code for harmless. They are, for senders. A receiver's database "
        "column has the old length, and its table has the old codes: it cuts off, refuses, or shows *other*.",
        gone_is_forbidden: "You took a field that the text has no longer for one that it forbids. It's only unknown now: a sender that "
        "still sends it does no harm, because receivers pass over it (HL7 v2.5.1 2.6.2). To forbid it, a text would have to say so.",
        looser_is_safe: "You took every loosening for harmless: longer, more codes, no longer required, no longer there. It is, for the "
        "sender. A receiver relied on what the old text promised.",
        required_is_an_addition: "You took it for an addition when a field becomes required, or comes as a required one. Senders that "
        "leave it out, as they were allowed to, are refused from that day on.",
        a_new_required_field_is_added: "A new field at the end is harmless when it is optional. A *required* one is not: every sender "
        "that has not been changed leaves it out.",
        other_direction: "Sender and receiver are exchanged. Ask who *notices*: where the new text forbids more, a sender that has not "
        "changed is at fault; where it allows more, a receiver that has not changed is surprised.",
        first_difference_only: "You stopped at the first difference. A change may do two things at once, one that breaks senders and one "
        "that breaks receivers: look at usage, length and codes, each with an `if` of its own.",
        any_difference_breaks_both: "Not every difference breaks both. Keep two questions apart: what may an unchanged sender still "
        "send, and what may an unchanged receiver now get?",
        new_optional_breaks: "A new optional field breaks nobody: a receiver passes over fields that it does not expect (HL7 v2.5.1 "
        "2.6.2), and a sender may leave it out.",
        gone_is_safe: "A required field that disappears is missed by receivers that relied on it. For an unchanged sender it's harmless: "
        "what it still sends is passed over.",
        order_of_codes: "The codes are the same, only in another order: a table has none. Compare code by code with `in`, not list with "
        "list.",
        length_of_the_code: "To you no change of `length` matters. It is not the length of a code, but of the text beside it: an unchanged "
        "sender still writes long ones, an unchanged receiver has room for the old length only.",
        number_of_codes: "You compared how many codes there are. One may have gone and another come, and then both sides break: ask for "
        "each code whether it is in the other list.",
    }
    hints = [
        "Keep two variables, `sender = False` and `receiver = False`, and set each to True where it applies. Treat `old is None` and "
        "`new is None` first: who misses something when a *required* field comes, or goes? An optional one may be left out anyway.",
        "Where both texts have the field: where the new one **forbids** something that was allowed, an unchanged sender is at fault. "
        "Where it **allows** something that was forbidden, an unchanged receiver is surprised. Go through usage, length and codes with "
        "these two sentences.",
        "For the codes: a loop over `old[\"codes\"]` that asks `if code not in new[\"codes\"]`, and one the other way round. Use `if` "
        "each time, not `elif`; at the end, choose among the four answers.",
    ]


def _signs(old, new):
    """What changed, in the order usage, length, codes: a list of (what, who breaks)."""
    if old is None:
        return [("new", "sender")] if new["usage"] == "R" else []
    if new is None:
        return [("gone", "receiver")] if old["usage"] == "R" else []
    found = [{"OR": ("required", "sender"), "RO": ("loosened", "receiver")}.get(old["usage"] + new["usage"])]
    found.append(("shorter", "sender") if new["length"] < old["length"] else None)
    found.append(("wider", "receiver") if new["length"] > old["length"] else None)
    found.append(("codes removed", "sender") if set(old["codes"]) - set(new["codes"]) else None)
    found.append(("codes added", "receiver") if set(new["codes"]) - set(old["codes"]) else None)
    return [sign for sign in found if sign]


def _said(signs):
    who = {side for _, side in signs}
    return "both" if len(who) == 2 else who.pop() if who else "nobody"


def _who(old, new, without=()):
    return _said([sign for sign in _signs(old, new) if sign[0] not in without])


def _cases_of_changes(draw):
    """Each change alone, and changes that come together."""
    def field(usage, length, codes):
        return {"usage": usage, "length": length, "codes": draw.sample(codes, len(codes))}

    long, short = draw.randrange(20, 60), draw.randrange(4, 18)
    some = draw.sample(["IOD", "GAD", "BAR", "SON", "CO2", "AIR"], 4)
    fewer, other = some[:3], [*some[:3], "XEN"]
    base = field("O", long, some)
    cases = [
        (None, field("R", short, some)), (None, field("O", short, some)), (field("R", short, some), None), (field("O", short, some), None),
        (base, field("R", long, some)), (field("R", long, some), base),
        (base, field("O", short, some)), (field("O", short, some), base),
        (base, field("O", long, fewer)), (field("O", long, fewer), base), (base, field("O", long, other)),
        (base, {**base, "codes": [*base["codes"][1:], base["codes"][0]]}), (base, dict(base)),
        (base, field("R", long + 1, some)), (base, field("R", short, fewer)), (field("R", short, fewer), base),
        (field("R", short, some), field("O", short, fewer)), (field("O", short, some), field("O", long, fewer)),
        (base, field("O", short, [*some, "XEN"])), (field("R", long, some), field("R", long - 1, some)),
        # A new code stands first, in the middle, or last; and one that is a part of another.
        (base, {**base, "codes": ["XEN", *base["codes"]]}), (base, {**base, "codes": [*base["codes"][:2], "XEN", *base["codes"][2:]]}),
        (base, {**base, "codes": [*base["codes"], "XEN"]}), ({**base, "codes": ["AIRX", "IOD"]}, {**base, "codes": ["IOD", "AIRX", "AIR"]}),
        ({**base, "codes": ["XEN", *base["codes"]]}, base), ({**base, "codes": [*base["codes"], "XEN"]}, base),
    ]
    draw.shuffle(cases)
    return cases


class Impacted(Set):
    """Systems; one too many is told why it does not belong there."""

    def read(self, given):
        """Rows of `consumers` are taken for the systems in them."""
        frame = _frame(given)
        return super().read(given if frame is None or "system" not in frame.columns else frame["system"])

    def judge(self, exercise, given, editions):
        """As for every Set, but an extra system is explained."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "extra":
            return verdict
        right = {name.casefold() for name in exercise.computed(exercise.solution, editions.own)}
        extra = next(str(written) for written in self.read(*given).values() if str(written).strip().casefold() not in right)
        rows = [row for row in CONSUMERS if row[0].casefold() == extra.strip().casefold()]
        if extra.strip().upper() in OWNERS:
            said = "it is a sender. Asked is who loses a value, not whose it was."
        elif not rows:
            said = "no row of `consumers` is about it."
        else:
            taken = ", ".join(f"{field} from {source}" for _, field, source, _ in rows)
            said = f"it takes {taken}. Does the value that goes come that way?"
        return Verdict(Outcome.NOT_YET, f"`{extra}` does not belong there: {said}", "extra")


@lesson.exercise
class WhoIsImpacted:
    """A change request is on the desk: `change` says which `field` of which `sender` is to go. **Which systems lose a value**?

    Answer with the names of all of them, those too that have it from another system, and those that no specification names. A system that
    passes a value on keeps the field's name, as `consumers` shows it.
    """

    answer = Impacted("impacted")
    points = 2
    praise = ("These are the people to call before the release, and some of them did not know themselves that they depend on this field. "
              "The specification names half of them at best.")

    def solution(consumers, change):
        rows = consumers[consumers["field"] == change["field"]]
        found = [change["sender"]]
        for turn in range(10):                                   # again and again, as one does by hand: no way is longer than that
            for system, source in zip(rows["system"], rows["source"]):
                if source in found and system not in found:
                    found.append(system)
        return found[1:]                                         # without the sender

    def direct_readers(consumers, change):
        return _reached(consumers, change, steps=1)

    def two_steps(consumers, change):
        return _reached(consumers, change, steps=2)

    def whoever_sends(consumers, change):
        return sorted(set(consumers["system"][consumers["field"] == change["field"]]))

    def whole_segment(consumers, change):
        segment = change["field"].split("-")[0]
        return _reached(consumers.assign(field=[change["field"] if one.startswith(segment) else one for one in consumers["field"]]), change)

    def as_specified(consumers, change):
        return _reached(consumers[consumers["in_specification"] == "yes"], change)

    wrong_ways = {
        direct_readers: "You stopped at those who take the field from its sender. Some of them pass it on, and whoever has it from them "
        "loses it as well, a day later and without an error.",
        two_steps: "You went two steps. The chain is longer: go on until no new system turns up.",
        whoever_sends: "You took everybody who reads a field of this name. That is another field with another sender: nothing changes "
        "for them. They would be called for nothing, and not believe you next time.",
        whole_segment: "You took all readers of the segment. Only one field goes; who reads another one of it loses nothing.",
        as_specified: "You kept to the rows that the specification names. The others read the field all the same: this is how changes "
        "that were \"agreed with everybody\" break something.",
    }
    hints = [
        "Begin with the rows whose `source` is the sender of the change and whose `field` is its field.",
        "Then look for rows whose `source` is one of the systems found, with the same field; and again, until nothing new comes. To do it "
        "by hand is quite enough.",
        "`consumers[consumers[\"field\"] == change[\"field\"]]` are the rows that can matter. Begin at the sender, follow the column "
        "`source` from row to row, and write the names down: `impacted = [\"...\", \"...\"]`. The column `in_specification` plays no part.",
    ]


def _reached(consumers, change, steps=99):
    """The systems that a field reaches in at most so many steps."""
    found, sources = set(), {change["sender"]}
    for _ in range(steps):
        sources = {row.system for row in consumers.itertuples() if row.source in sources and row.field == change["field"]} - found
        found |= sources
    return sorted(found)


class Bench:
    """What a visitor needs: the messages to send and the receivers."""

    def __init__(self, messages, pacs, safety):
        self.messages, self.pacs, self.safety = messages, pacs, safety


@contextlib.contextmanager
def _receivers(messages):
    """The two receivers, while the learner's engine runs: (their ports, Bench)."""
    before = running()
    try:
        with Listener("HV_PACS") as pacs, Listener("MR_SAFETY") as safety:
            yield (pacs.port, safety.port), Bench(messages, pacs, safety)
    finally:
        for system in running():                         # what a function that failed half-way has started
            if system not in before:
                system.stop()


PATIENCE = 5.0             # seconds until all messages should be delivered


@lesson.exercise
class TwoDestinationsLive:
    """Now with a running engine. Write `start_engine(pacs_port, safety_port)`: it starts an `Engine`, gives it two destinations,
    `HV_PACS` and `MR_SAFETY`, on these ports, and **returns the engine**, which goes on running. Real senders then send it a morning's
    messages over MLLP, and real receivers note what arrives:

    - **HV_PACS** gets every order in the form of an `ORM^O01`, whoever sends it, whether it has a ZDS or not. Of the Z segments it gets
      `[("RIS", "ZDS"), ("CARD", "ZDS")]`, as pairs of sender and name, and no other;
    - **MR_SAFETY** gets everything that CARD sends, and nothing else. Of the Z segments it gets `[("CARD", "ZPI")]`;
    - nothing else is delivered anywhere, and nothing but Z segments is changed.

    What has not turned up in the week may turn up this morning: a new Z segment, a new sender. The cell above starts an engine in the same
    way. Do not stop yours: the check does.
    """

    answer = Server("start_engine", called="engine")
    points = 3
    praise = ("Two destinations got different messages out of one. The engine reads a message anew for each channel, so what one channel "
              "strips the other still has; and cardiology's orders went to both.")

    def solution(pacs_port, safety_port):
        from coursekit.systems.engine import Engine

        def strip(message, keep):
            for segment in message.segments():
                if segment.name.startswith("Z") and (message.sender, segment.name) not in keep:
                    message.remove(segment)

        def for_pacs(message):
            strip(message, [("RIS", "ZDS"), ("CARD", "ZDS")])

        def for_safety(message):
            strip(message, [("CARD", "ZPI")])

        def is_order(message):
            return message.event == "ORM^O01"

        def from_cardiology(message):
            return message.sender == "CARD"

        engine = Engine("HV_ENGINE").start()
        engine.destination("HV_PACS", pacs_port)
        engine.destination("MR_SAFETY", safety_port)
        engine.channel("orders", filter=is_order, map=[for_pacs], to="HV_PACS")
        engine.channel("devices", filter=from_cardiology, map=[for_safety], to="MR_SAFETY")
        return engine

    def nothing_stripped(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, orders=lambda message: None, devices=lambda message: None)

    def everything_stripped(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, orders=_keep(), devices=_keep())

    def known_ones_stripped(pacs_port, safety_port):
        def for_pacs(message):
            _without(message, lambda segment: segment.name in ("ZAL", "ZPI", "ZVI", "ZVX") or
                     segment.name == "ZDS" and message.sender not in ("RIS", "CARD"))

        return _engine(pacs_port, safety_port, orders=for_pacs, devices=lambda message: message.remove("ZDS"))

    def by_name_alone(pacs_port, safety_port):
        def for_pacs(message):
            _without(message, lambda segment: segment.name.startswith("Z") and segment.name != "ZDS")

        return _engine(pacs_port, safety_port, orders=for_pacs)

    def one_channel(pacs_port, safety_port):
        engine = _engine(pacs_port, safety_port)
        engine.channel("orders", filter=lambda message: message.event == "ORM^O01" or message.sender == "CARD", map=[_keep(*PACS, *SAFETY)],
                       to=["HV_PACS", "MR_SAFETY"])
        engine.channel("devices", filter=lambda message: False, to="MR_SAFETY")
        return engine

    def a_pair_too_many(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, orders=_keep(*PACS, *SAFETY))

    def one_list_for_both(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, orders=_keep(*PACS, *SAFETY), devices=_keep(*PACS, *SAFETY))

    def whoever_has_zpi(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_device=lambda message: "ZPI" in message)

    def everything_to_safety(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_device=None)

    def only_with_zpi(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_device=lambda message: message.sender == "CARD" and "ZPI" in message)

    def orders_of_the_ris(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_order=lambda message: message.sender == "RIS" and message.event == "ORM^O01")

    def orders_with_zds(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_order=lambda message: "ZDS" in message)

    def every_kind_of_order(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_order=lambda message: message["MSH-9.1"] in ("ORM", "OMI"))

    def no_orders_to_safety(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_device=lambda message: message.sender == "CARD" and message.event != "ORM^O01")

    def no_filter(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_order=None)

    def anywhere_in_the_text(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_order=lambda message: "ORM" in str(message))

    def sender_anywhere(pacs_port, safety_port):
        return _engine(pacs_port, safety_port, is_device=lambda message: "CARD" in str(message))

    def ports_exchanged(pacs_port, safety_port):
        return _engine(safety_port, pacs_port)

    def stage(messages):
        return _receivers(messages)

    def cases(draw, week):
        return [(_morning(draw, week),)]

    def visit(engine, bench):
        return _visit(engine, bench)

    wrong_ways = {
        nothing_stripped: "Z segments that this destination does not take went through. A step that strips them belongs into `map=` of "
        "the channel.",
        everything_stripped: "All Z segments are gone, those too that the destination needs.",
        known_ones_stripped: "You remove the Z segments that you know. One that nobody has registered went through: remove whatever begins "
        "with Z, but what is in the destination's list.",
        by_name_alone: "You keep a ZDS whoever sends it. This sender is a new one, and nobody has asked what it means by ZDS: the list "
        "has pairs of sender and name, as in exercise 4.",
        one_channel: "One channel with two destinations gives both the same message. They take different ones: make a channel for each; "
        "the engine reads the message anew for each of them.",
        a_pair_too_many: "HV_PACS does not take CARD's ZPI: the list of its step has a pair too many.",
        one_list_for_both: "Both channels keep the pairs of both destinations. Each destination has a list of its own.",
        whoever_has_zpi: "MR_SAFETY got messages of other senders that have a ZPI: a language or an insurer, where it looks for a "
        "cardiac device. Filter by `message.sender`, not by the name of the segment.",
        everything_to_safety: "MR_SAFETY takes what CARD sends and nothing else. Say so in `filter=` of its channel.",
        only_with_zpi: "MR_SAFETY takes everything that CARD sends, and some of it has no ZPI: the filter should ask for the sender alone.",
        orders_of_the_ris: "Others send orders too. Filter by the event, not by the sender.",
        orders_with_zds: "The archive gets every order, and some have no ZDS. Filter by the event, not by a segment.",
        every_kind_of_order: "The clinic's orders are OMI^O23, with other segments, and HV_PACS takes `ORM^O01` only: filter by type "
        "*and* event.",
        no_orders_to_safety: "MR_SAFETY takes everything that CARD sends, its orders included: the patient on the table has the device, "
        "not the ADT.",
        no_filter: "HV_PACS got messages that are no orders. Say in `filter=` which messages the channel takes.",
        anywhere_in_the_text: "Your filter looks for ORM anywhere in the message. A patient called NORMAN has it in the name: ask "
        "`message.event`.",
        sender_anywhere: "Your filter looks for CARD anywhere in the message. A patient called RICARDA has it in the name, whoever sends "
        "it: ask `message.sender`.",
        ports_exchanged: "Look at the ports of the two destinations, the first argument is HV_PACS's, and at `to=` of the two channels: "
        "one pair is exchanged.",
    }
    hints = [
        "`engine = Engine(\"HV_ENGINE\").start()`, then `engine.destination(name, port)` for each of the two, then a channel for each.",
        "`engine.channel(name, filter=function, map=[function], to=name)`: a filter gets the message and returns True or False; a step "
        "of the map gets the message and changes it. Your `for_destination` from exercise 4 can be used: a step that has one argument, "
        "`message`, calls it with the list of that destination and returns what it returns.",
        "HV_PACS: a filter that returns `message.event == \"ORM^O01\"`, and a step `for_destination(message, [(\"RIS\", \"ZDS\"), "
        "(\"CARD\", \"ZDS\")])`. MR_SAFETY: a filter for the sender, and a step with its own list. At the end `return engine`.",
    ]


PACS, SAFETY = [("RIS", "ZDS"), ("CARD", "ZDS")], [("CARD", "ZPI")]


def _keep(*pairs):
    """A step that removes all Z segments but those of these senders and names."""
    def stripped(message):
        _without(message, lambda segment: segment.name.startswith("Z") and (message.sender, segment.name) not in pairs)
    return stripped


def _is_order(message):
    return message.event == "ORM^O01"


def _is_cardiology(message):
    return message.sender == "CARD"


def _engine(pacs_port, safety_port, is_order=_is_order, orders=_keep(*PACS), is_device=_is_cardiology, devices=_keep(*SAFETY)):
    """The solution's engine, with other filters or steps."""
    engine = Engine("HV_ENGINE").start()
    engine.destination("HV_PACS", pacs_port)
    engine.destination("MR_SAFETY", safety_port)
    engine.channel("orders", filter=is_order, map=[orders], to="HV_PACS")
    engine.channel("devices", filter=is_device, map=[devices], to="MR_SAFETY")
    return engine


def _morning(draw, week):
    """Messages of each kind, and what the week did not have: two orders of cardiology that both receivers should get, one of them with a
    new Z segment; an order without ZDS; orders and devices of new senders, and an order of the clinic's that is an ORM^O01.
    """
    def some(sender, *names, event=None):
        found = [one for one in week if one.sender == sender and all(name in one for name in names) and event in (None, one.event)]
        return draw.choice(found).copy()

    def of_another(order, sender, number):
        order["MSH-3"], order["MSH-10"] = sender, number + order.control_id[1:]
        return order

    plain = [one for one in week if one.sender == "RIS" and one.event == "ORM^O01" and "ZDS" in one and "ZAL" not in one and "PV1" in one]
    first, second, third, bare, strange, early = [one.copy() for one in draw.sample(plain, 6)]
    for order, zpi in ((first, "ZPI|PM|20190314|Y"), (second, "ZPI|NO")):
        of_another(order, "CARD", "C").add(zpi, after="PID")
        order["ORC-1"] = "NW"
    second.add("ZNT|1|since Monday", after="PV1")
    bare.remove("ZDS")
    of_another(strange, "ENDO", "N")
    of_another(early, "ECC_RIS", "E")["MSH-4"] = "ECC"
    changed = some("RIS", "ZDS", "ZAL")
    changed["ORC-1"] = "SC"                                   # an order whatever its ORC says
    report = some("CARD", event="ORU^R01") if any(one.sender == "CARD" and one.event == "ORU^R01" for one in week) else None
    if report is None:
        report = of_another(some("VOX", event="ORU^R01"), "CARD", "C")
        report.remove("ZVX")
    older = of_another(some("HIS", "ZPI", "ZVI"), "CARD_OLD", "CO")
    clinic = next((one.copy() for one in week if one.event == "OMI^O23"), None)
    if clinic is None:
        clinic = of_another(_as_omi(third), "ECC_RIS", "E")
        clinic.remove("ZDS")
    named = some("VOX", "ZVX")                                # the letters that a careless filter looks for, where they mean nothing
    named["PID-5"] = "NORMAN^RICARDA"
    result = of_another(some("VOX", "ZVX", "PV1"), "VOX", "VR")
    if "ORC" not in result:                                   # a result may have one (v2.5.1 chapter 7, ORU^R01)
        result.add("ORC|RE", after="PV1")
    device = some("CARD", "ZPI", "EVN")
    of_another(device, "CARD", "K")                           # cardiology's, whatever its control ID begins with
    # What goes wrong first is told: so the plain ones come before the odd ones.
    return [changed, first, some("HIS", "ZPI", "ZVI"), device, some("VOX", "ZVX"),
            some("ECC_RIS", "ZPI", event="ADT^A08"), some("RIS", "SCH"), second, bare, report, clinic, strange, named, result, early, older]


def _visit(engine, bench):
    """Send the morning's messages to the engine and see what arrives: {receiver and message, in words: what came of it}."""
    with Sender("127.0.0.1", engine.port, seconds=6.0) as sender:
        for message in bench.messages:
            sender.send(message)
    getattr(engine, "settle", time.sleep)(PATIENCE)                 # what is no Engine gets the whole time
    problems = {}                                                   # what the error queue says of a message's control ID
    with contextlib.suppress(Exception):
        for problem in engine.errors:
            problems[problem.message.control_id] = problem.sentence
    came = {receiver.name: [event.data for event in receiver.journal if event.target == receiver.name and
                            isinstance(event.data, hl7.Message)] for receiver in (bench.pacs, bench.safety)}
    seen = {}
    for receiver, takes, keep in ((bench.pacs, _is_order, PACS), (bench.safety, _is_cardiology, SAFETY)):
        arrived = came[receiver.name]
        seen[f"{receiver.name}, the whole morning"] = _as_a_whole(engine, bench, receiver, came, problems)
        for message in bench.messages:
            of_it = [one for one in arrived if one.control_id == message.control_id]
            seen[f"{receiver.name} and the {message.event} {message.control_id} of {message.sender}"] = _arrival(
                message, of_it, takes(message), keep, problems.get(message.control_id))
    return seen


def _as_a_whole(engine, bench, receiver, came, problems):
    """Whether anything arrived at a receiver, in words; where nothing did, why, as far as the engine shows it."""
    only_orders = {one.control_id for one in bench.messages if _is_order(one) and not _is_cardiology(one)}
    only_devices = {one.control_id for one in bench.messages if _is_cardiology(one) and not _is_order(one)}
    at_pacs, at_safety = ({one.control_id for one in came[name]} for name in (bench.pacs.name, bench.safety.name))
    if only_devices <= at_pacs and only_orders <= at_safety and not only_orders & at_pacs and not only_devices & at_safety:
        return "what was meant for the other destination arrived, and nothing of its own"
    if came[receiver.name] or problems:
        return "messages arrived"
    why = ""
    with contextlib.suppress(Exception):                             # what is no Engine shows nothing
        why = _why_nothing(engine, bench, receiver)
    return "not a single message arrived" + why


def _why_nothing(engine, bench, receiver):
    """What an engine that delivered nothing to a receiver is set to, in words."""
    names = [one.name for one in engine._destinations.values() if one.port == receiver.port]
    if not names:
        return "; no destination of your engine has its port, the one that your function was called with"
    channels = [one for one in engine._channels.values() if callable(one.to) or names[0] in ([one.to] if type(one.to) is str else one.to)]
    if not channels:
        return f"; no channel of your engine leads to {names[0]}"
    channel, counts = channels[0], engine.counters[channels[0].name]
    if len(channels) > 1 or counts.received == 0 or counts.filtered < counts.received or channel.filter is None:
        return ""
    told = f"; the filter of the channel `{channel.name}` took none of the {counts.received} messages"
    if all(channel.filter(message.copy()) is None for message in bench.messages):
        told += ": it returned None for every one, so a `return` seems to be missing in it"
    return told


def _arrival(sent, arrived, due, keep, problem=None):
    """What came of a message at a receiver, in words; `due` is whether it should have arrived, `problem` what the error queue says."""
    if not arrived:
        said = f"; the engine's error queue says: {problem.rstrip('.')}" if problem else ""
        return f"it did not arrive, and should have{said}" if due else "it did not arrive"
    if len(arrived) > 1:
        return f"it arrived {len(arrived)} times"
    if not due:
        return "it arrived, and should not have"
    names = [segment.name for segment in arrived[0].segments() if segment.name.startswith("Z")]
    told = f"it arrived with {' '.join(names) or 'no Z segment'}"
    wanted = [segment.name for segment in sent.segments() if segment.name.startswith("Z") and (sent.sender, segment.name) in keep]
    if names != wanted:
        return told + f" instead of {' '.join(wanted) or 'none'}"
    rest = [hl7.parts(_without(one.copy(), lambda segment: segment.name.startswith("Z"))) for one in (sent, arrived[0])]
    changed = next((place for place in {**rest[0], **rest[1]} if rest[0].get(place) != rest[1].get(place)), "")
    return told + (f", and {changed} changed" if changed else "")
