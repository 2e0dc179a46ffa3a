"""Lesson hl7-02: right answers in odd forms, wrong ones that look right, and the data on every edition."""

import copy
import itertools
import time

import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import hl7_02_z_segments as module
from coursekit.standards import hl7
from coursekit.systems.engine import Engine
from coursekit.systems.mllp import Listener, send
from coursekit.systems.system import running

lesson = module.lesson
EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def solved(name, editions):
    return copy.deepcopy(EXERCISES[name].computed(EXERCISES[name].solution, editions.own))


def given(name, editions):
    return lesson.input_of(name, editions.own)


# --- the inventory

def test_an_inventory_in_another_form_is_right(editions):
    rows = solved("Inventory", editions)
    frame = pandas.DataFrame(rows)
    forms = [frame, frame.set_index(["sender", "field"]), frame.sort_values("filled"), rows[::-1],
             [{**row, "field": row["field"].replace("-", ".")} for row in rows],
             [{**row, "sender": row["sender"].lower(), "field": row["field"].lower()} for row in rows],
             [{**row, "filled": f"{row['filled']} %"} for row in rows], [tuple(row.values()) for row in rows],
             {(row["sender"], row["field"]): (row["segments"], row["filled"]) for row in rows},
             {(row["sender"], row["field"]): {"segments": row["segments"], "filled": row["filled"]} for row in rows}]
    for form in forms:
        assert judged("Inventory", editions, form).correct, form
    counts = {(sender, f"{name}-{number}"): count for (sender, name, number), count in module._counted(given("week", editions)).items()}
    exact = [{**row, "filled": 100 * counts[row["sender"], row["field"]][1] / row["segments"]} for row in rows]
    assert judged("Inventory", editions, exact).correct
    cut_off = [{**row, "filled": int(row["filled"])} for row in exact]
    assert not judged("Inventory", editions, cut_off).correct


def test_an_inventory_that_looks_right_is_not(editions):
    rows = solved("Inventory", editions)
    by_share = [{**row, "filled": row["filled"] / 100} for row in rows]
    without_sender = [{name: row[name] for name in ("field", "segments", "filled")} for row in rows]
    with_empty = [*rows, {"sender": "VOX", "field": "ZVX-3", "segments": 1, "filled": 0}]
    names = [{**row, "field": row["field"][:3]} for row in rows]
    for wrong in (by_share, without_sender, rows[:-1], with_empty, names, [{**row, "segments": row["segments"] + 1} for row in rows], []):
        assert judged("Inventory", editions, wrong).outcome is Outcome.NOT_YET
    assert "`filled`" in judged("Inventory", editions, by_share).message
    assert "asked in percent" in judged("Inventory", editions, by_share).message
    assert "a field that is never filled gets no row" in judged("Inventory", editions, with_empty).message
    cut = [{**row, "filled": int(100 * times / row["segments"])} for row, (_, times) in zip(
        rows, (module._counted(given("week", editions))[row["sender"], row["field"][:3], int(row["field"][4:])] for row in rows))]
    assert judged("Inventory", editions, cut).label == "cut_off"
    fewer = [row for row in rows if (row["sender"], row["field"]) != ("CARD", "ZPI-2")]
    assert "about a field of CARD's ZPI" in judged("Inventory", editions, fewer).message


def test_a_range_that_ends_too_early_or_begins_at_the_name_is_told(editions):
    def filled(first, more):
        totals, times = {}, {}
        for message in given("week", editions):
            for segment in message.segments():
                if segment.name.startswith("Z"):
                    totals[message.sender, segment.name] = totals.get((message.sender, segment.name), 0) + 1
                    for number in range(first, len(segment) + more):
                        if segment[number]:
                            key = message.sender, segment.name, number
                            times[key] = times.get(key, 0) + 1
        return [{"sender": sender, "field": f"{name}-{number}", "segments": totals[sender, name],
                 "filled": round(100 * count / totals[sender, name])} for (sender, name, number), count in times.items()]

    assert judged("Inventory", editions, filled(1, 1)).correct
    assert judged("Inventory", editions, filled(1, 0)).label == "last_field_left_out"
    assert judged("Inventory", editions, filled(0, 1)).label == "counted_from_the_name"


def test_an_inventory_of_all_senders_together_is_told(editions):
    rows = solved("Inventory", editions)
    together = {}
    for (sender, name), total in {(row["sender"], row["field"][:3]): row["segments"] for row in rows}.items():
        together[name] = together.get(name, 0) + total
    pooled = [{**row, "segments": together[row["field"][:3]]} for row in rows]
    assert "whoever sent it" in judged("Inventory", editions, pooled).message
    off_by_one = [{**row, "segments": row["segments"] + 1} for row in rows]
    assert "whoever sent it" not in judged("Inventory", editions, off_by_one).message


# --- the meanings

def test_meanings_in_other_words_are_right(editions):
    right = solved("ThreeMeanings", editions)
    forms = [{name.lower(): value for name, value in right.items()}, {**right, "ECC_RIS": "B", "CARD": " C) "}, pandas.Series(right),
             {**right, "ECC_RIS": "b: who insures the patient"}, {**right, "misread": right["misread"].lower() + " "},
             dict(reversed(right.items())), {**right, "ECC_RIS": module.MEANINGS["b"], "CARD": "The cardiac device"},
             {**right, "misread": "MSH-10 " + right["misread"]}, {**right, "misread": "Control ID: " + right["misread"]},
             {**right, "misread": next(one for one in given("week", editions) if one.control_id == right["misread"])}]
    for form in forms:
        assert judged("ThreeMeanings", editions, form).correct, form


def test_every_wrong_letter_and_message_gets_a_sentence_of_its_own(editions):
    right, week = solved("ThreeMeanings", editions), given("week", editions)
    for sender, wrong in itertools.product(("ECC_RIS", "CARD"), "abcde"):
        if wrong != right[sender]:
            verdict = judged("ThreeMeanings", editions, {**right, sender: wrong})
            assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 60 and "not what was asked" not in verdict.message, verdict
    later = [one.control_id for one in week if one.sender == "CARD" and one["ZPI-1"] == "NO"][1]
    assert "an earlier one" in judged("ThreeMeanings", editions, {**right, "misread": later}).message
    device = [one.control_id for one in week if one.sender == "CARD" and one["ZPI-1"] in ("PM", "IC", "LR")][-1]
    assert "no table of languages" in judged("ThreeMeanings", editions, {**right, "misread": device}).message
    clinic = next(one.control_id for one in week if one.sender == "ECC_RIS")
    assert "of ECC_RIS" in judged("ThreeMeanings", editions, {**right, "misread": clinic}).message
    without = next(one for one in week if one.sender == "CARD" and "ZPI" in one).copy()
    without.remove("ZPI")
    assert module._about_misread("misread", without.control_id, right["misread"], lambda name: [without]) == "that message has no ZPI."
    assert "no message of the week" in judged("ThreeMeanings", editions, {**right, "misread": "X1"}).message
    assert judged("ThreeMeanings", editions, {**right, "CARD": "the date"}).label == "unreadable"


# --- the registry

def test_a_registry_in_another_form_is_right(editions):
    right = solved("RegistryOfSegments", editions)
    named = [{**one, "fields": {f"{one['segment']}-{number}": kind.lower() for number, kind in one["fields"].items()}} for one in right]
    loud = [{**one, "owner": one["owner"].upper(), "readers": tuple(name.lower() for name in one["readers"]),
             "segment": one["segment"].lower()} for one in right]
    brackets = [{**one, "fields": {number: f"IS({kind[3:]})" if kind.startswith("IS") else kind for number, kind in one["fields"].items()}}
                for one in right]
    one_reader = [{**one, "readers": one["readers"][0] if len(one["readers"]) == 1 else one["readers"]} for one in right]
    as_text = [{**one, "readers": ", ".join(one["readers"])} for one in right]
    near = {"Eastcliff Clinic": "Eastcliff", "cardiology": "Cardiology department", "patient administration": "the patient administration",
            "radiology": " radiology "}
    called = [{**one, "owner": near[one["owner"]]} for one in right]
    later = [{**one, "fields": {number: kind.replace("CE", "CWE").replace("IS yes_no", "ID yes_no")
                                for number, kind in one["fields"].items()}} for one in right]
    for form in (right[::-1], named, loud, brackets, one_reader, as_text, called, later, pandas.DataFrame(right)):
        verdict = judged("RegistryOfSegments", editions, form)
        assert verdict.correct, verdict


@pytest.mark.parametrize(("entry", "changes", "says"), [
    (5, {"fields": {1: "IS languages", 2: "ST"}}, "HIS's ZPI-2 passes"),
    (5, {"fields": {1: "IS languages"}}, "ZPI-2 has values"),
    (5, {"fields": {1: "IS yes_no", 2: "IS yes_no"}}, "called wrong"),
    (6, {"fields": {1: "IS insurers", 2: "NM"}}, "ECC_RIS's ZPI-2"),
    (6, {"fields": {1: "IS devices", 2: "ST"}}, "ECC_RIS's ZPI-1"),
    (7, {"fields": {1: "IS devices", 2: "ST", 3: "IS yes_no"}}, "CARD's ZPI-2 passes"),
    (7, {"fields": {1: "IS devices", 2: "DT", 3: "ST"}}, "CARD's ZPI-3 passes"),
    (7, {"owner": "MR_SAFETY"}, "can't answer for"), (7, {"owner": "radiology"}, "can't answer for"),
    (7, {"readers": ["MR_SAFETY", "PACE_CLINIC", "WARRANTY", "MR1"]}, "MR1 does not take ZPI from CARD"),
    (7, {"readers": ["MR_SAFETY"]}, "not among the readers. The specification does not name it"),
    (7, {"readers": ["MR_SAFETY", "PACE_CLINIC"]}, "not among the readers."),
    (6, {"readers": ["BILLING", "REFERRALS"]}, "The specification does not name it, but it reads"),
    (7, {"readers": ["KIOSK", "LETTERS", "SIGNAGE"]}, "does not take ZPI from CARD"),
    (7, {"readers": "KIOSK, LETTERS, SIGNAGE"}, "By `consumers`, KIOSK does not take"),
    (6, {"fields": {1: "IS insurers", 2: "ST", 3: "ST"}}, "ZPI-3 of ECC_RIS is registered, and never"),
    (7, {"fields": {1: "IS devices", 2: "DT", 3: "IS yes_no", 4: "ST"}}, "ZPI-4 of CARD is registered, and never"),
    (6, {"owner": "ECC_RIS"}, "'ECC_RIS' can't answer for"),
    (7, {"sender": "VOX"}, "CARD sends ZPI, and no entry"), (7, {"sender": "HIS"}, "more than one entry"),
    (4, {"fields": {1: "ST", 2: "IS severities"}}, "RIS's ZAL-1 passes"), (4, {"fields": {1: "CE", 2: "ST"}}, "RIS's ZAL-2 passes"),
    (4, {"owner": "Eastcliff Clinic"}, "can't answer for"),
    (5, {"fields": {1: "ID languages", 2: "IS yes_no"}}, "'languages' is the hospital's: that is IS"),
    (7, {"fields": {1: "ID devices", 2: "DT", 3: "ID yes_no"}}, "field 1 of entry 8 is ID"),
    (4, {"fields": {1: "XX"}}, "the types are"), (4, {"fields": {"name": "ST"}}, "called by its number"),
    (4, {"fields": ["CE"]}, "dictionary"),
    (4, {"readers": 5}, "list of systems"), (4, {"owner": ...}, "still open"), (4, {"length": 5}, "nothing else"),
])
def test_a_registry_that_does_not_hold_is_refused_with_what_happens(editions, entry, changes, says):
    settings = solved("RegistryOfSegments", editions)
    settings[entry] = {**settings[entry], **changes}
    verdict = judged("RegistryOfSegments", editions, settings)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_registry_half_filled_is_no_untouched_one(editions):
    right = solved("RegistryOfSegments", editions)
    assert judged("RegistryOfSegments", editions, [*right[:4], ...]).outcome is Outcome.NOT_ANSWERED
    assert "still open" in judged("RegistryOfSegments", editions, [*right[:6], ...]).message
    assert "no entry is about it" in judged("RegistryOfSegments", editions, right[:7]).message
    assert "never came" in judged("RegistryOfSegments", editions, [*right, {**right[0], "sender": "VOX"}]).message


def test_types():
    good = {"NM": ("12", "-3", "4.5"), "DT": ("20190314", "2019", "201903"), "CE": ("IOD^Iodine^99HV", "a^b^c^d^e^f"),
            "ST": ("anything at all",), "RP": ("2.999.1^HVGH^Application^DICOM",), "IS yes_no": ("Y", "N")}
    bad = {"NM": ("2:35", "12 s", ""), "DT": ("20230231", "14.03.2019", "2019-03-14", "190314"),
           "CE": ("IOD", "^Iodine^99HV", "IOD^Iodine"), "RP": ("2.999.1", "uid^HVGH^Application^DICOM"), "IS yes_no": ("y", "YES", "")}
    for kind, values in good.items():
        assert all(module.valid(value, kind) for value in values), kind
    for kind, values in bad.items():
        assert not any(module.valid(value, kind) for value in values), kind


# --- stripping

def test_other_ways_to_strip_are_right(editions):
    def from_behind(message, keep):
        found = message.segments()
        for place in range(len(found) - 1, 0, -1):
            if found[place].name[0] == "Z" and (message["MSH-3"], found[place].name) not in keep:
                message.remove(found[place])
        return message

    def built_anew(message, keep):
        lines = []
        for line in repr(message).split("\n"):
            if not line.startswith("Z") or (message.sender, line[:3]) in keep:
                lines.append(line)
        return "\r".join(lines)

    def as_bytes(message, keep):
        return from_behind(message, set(map(tuple, keep))).encode()

    def on_a_copy(message, keep):
        made = message.copy()
        names = {name for sender, name in keep if sender == message.sender}
        for name in {segment.name for segment in made.segments()}:
            if name.startswith("Z") and name not in names:
                made.remove(name)
        return made

    for function in (from_behind, built_anew, as_bytes, on_a_copy):
        verdict = judged("ForDestination", editions, function)
        assert verdict.correct, (function.__name__, verdict)


def test_ways_to_strip_that_look_right_are_not(editions):
    def forgotten_return(message, keep):
        EXERCISES["ForDestination"].solution(message, keep)

    def z_in_the_name(message, keep):
        return module._without(message, lambda one: "Z" in repr(one)[:60] and (message.sender, one.name) not in keep)

    def tidied(message, keep):
        made = EXERCISES["ForDestination"].solution(message, keep)
        made["MSH-5"] = "HV_PACS"
        return made

    def pairs_in_brackets(message, keep):
        return module._without(message, lambda one: one.name.startswith("Z") and [message.sender, one.name] not in keep)

    def either(message, keep):
        senders, names = [one for one, _ in keep], [name for _, name in keep]
        return module._without(message, lambda one: one.name.startswith("Z") and not (message.sender in senders and one.name in names))

    assert "return` missing" in judged("ForDestination", editions, forgotten_return).message
    assert judged("ForDestination", editions, z_in_the_name).outcome is Outcome.NOT_YET
    assert "MSH-5" in judged("ForDestination", editions, tidied).message
    assert judged("ForDestination", editions, pairs_in_brackets).label == "all_of_them"
    assert judged("ForDestination", editions, lambda message, keep: message).outcome is Outcome.NOT_YET
    assert judged("ForDestination", editions, either).label == "sender_and_name_apart"

    def segments_called_z(message, keep):
        for segment in message.segments("Z"):
            if (message.sender, segment.name) not in keep:
                message.remove(segment)
        return message

    def whatever(message, keep):
        for segment in message.segments():
            if (message.sender, segment.name) not in keep:
                message.remove(segment)
        return message

    def whatever_but_msh(message, keep):
        return module._without(message, lambda one: one.name != "MSH" and (message.sender, one.name) not in keep)

    def only_zal(message, keep):
        return module._without(message, lambda one: one.name == "ZAL" and (message.sender, one.name) not in keep)

    assert judged("ForDestination", editions, segments_called_z).label == "nothing_removed"
    assert judged("ForDestination", editions, whatever).label == "whatever_is_not_listed"
    assert "does not even begin with Z" in judged("ForDestination", editions, whatever_but_msh).message
    told = judged("ForDestination", editions, only_zal).message
    assert "should not be in it any more" in told and " of " in told and "object of type" not in told, told


def test_a_message_made_of_text_the_wrong_way_is_no_crash(editions):
    def of_its_type(message, keep):
        return type(message)("\r".join(repr(message).split("\n")))

    verdict = judged("ForDestination", editions, of_its_type)
    assert verdict.label == "unreadable" and "that can't be read" in verdict.message, verdict


def test_an_empty_segment_stays_and_a_pair_has_its_order(editions):
    def empty_too(message, keep):
        return module._without(message, lambda one: one.name.startswith("Z") and (
            (message.sender, one.name) not in keep or not any(one.fields[1:])))

    def name_first(message, keep):
        return module._without(message, lambda one: one.name.startswith("Z") and (one.name, message.sender) not in keep)

    assert judged("ForDestination", editions, empty_too).label == "empty_ones_too"
    swapped = judged("ForDestination", editions, name_first)
    assert swapped.label == "all_of_them" and "the sender first" in swapped.message


# --- homes

def test_other_ways_home_are_right(editions):
    def by_path(message):
        if message["ZDS-1.1"]:
            for number in range(1, len(message.segments("IPC")) + 1):
                message[f"IPC[{number}]-3"] = message["ZDS-1"].split("^")[0]
        message.remove("ZDS")
        return message

    def loop_over_all(message):
        uid = ""
        for segment in message.segments():
            if segment.name == "ZDS":
                uid = segment["1.1"]
                message.remove(segment)
        for segment in message.segments():
            if segment.name == "IPC" and uid:
                segment["3.1"] = uid
        return message

    def language(message, languages):
        if message.sender != "HIS" or "ZPI" not in message:
            return message
        if message["ZPI-1"] in languages and message["PID-15"] in ("", languages[message["ZPI-1"]]):
            message["PID-15"] = languages[message["ZPI-1"]]
            message["ZPI-1"] = ""
        if not any(message.segment("ZPI").fields[1:]):
            message.remove("ZPI")
        return message

    def by_get(message, languages):
        for zpi in message.segments("ZPI"):
            text = languages.get(zpi[1], None)
            if message["MSH-3"] == "HIS":
                if text is not None:
                    message["PID-15"] = text if not message["PID-15"] else message["PID-15"]
                    zpi["1"] = "" if message["PID-15"] == text else zpi["1"]
                if zpi[1] + zpi[2] == "":
                    message.remove(zpi)
        return message.encode()

    for function in (by_path, loop_over_all):
        assert judged("StudyUidHome", editions, function).correct, function.__name__
    for function in (language, by_get):
        verdict = judged("LanguageHome", editions, function)
        assert verdict.correct, (function.__name__, verdict)


def test_ways_home_that_look_right_are_not(editions):
    def only_empty_ones(message):
        if "ZDS" in message and message["IPC-3"] == "":
            message["IPC-3"] = message["ZDS-1.1"]
        message.remove("ZDS")
        return message

    def application_too(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = "^".join(message["ZDS-1"].split("^")[:2])
            message.remove("ZDS")
        return message

    def where_empty(message):
        for ipc in message.segments("IPC"):
            ipc[3] = ipc[3] or message["ZDS-1.1"]
        message.remove("ZDS")
        return message

    def namespace(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"] + "^HVGH^ISO"
            message.remove("ZDS")
        return message

    def first_whole(message):
        if "ZDS" in message:
            message["IPC-3"] = message["ZDS-1"]
            message.remove("ZDS")
        return message

    assert judged("StudyUidHome", editions, where_empty).label == "only_where_empty"
    assert judged("StudyUidHome", editions, application_too).label == "with_the_application"
    assert judged("StudyUidHome", editions, first_whole).label == "whole_pointer_into_the_first"
    told = judged("StudyUidHome", editions, namespace).message
    assert "IPC-3.2 should be empty" in told and "only the first component of the RP" in told and "OMI^O23 R" in told
    for function in (only_empty_ones, application_too, where_empty, lambda message: message, lambda message: ""):
        assert judged("StudyUidHome", editions, function).outcome is Outcome.NOT_YET
    for function in (lambda message, languages: message, lambda message, languages: [message],
                     lambda message, languages: EXERCISES["LanguageHome"].solution(message, {**languages, "NLD": "nl^Dutch^ISO639"})):
        assert judged("LanguageHome", editions, function).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("pointer", "says"), [
    (lambda zds: zds.replace("^HVGH^Application^DICOM", ""), "only the first component of the RP"),
    (lambda zds: zds.removesuffix("^Application^DICOM").removesuffix("^HVGH"), "only the first component of the RP"),
])
def test_a_pointer_with_another_application(editions, pointer, says):
    def cut_by_its_end(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                if message["ZDS-1.1"] != "":
                    ipc[3] = pointer(message["ZDS-1"])
            message.remove("ZDS")
        return message

    verdict = judged("StudyUidHome", editions, cut_by_its_end)
    assert verdict.label == "value" and says in verdict.message, verdict


def test_a_zds_without_a_uid(editions):
    def erased(message):
        if "ZDS" in message:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    def stays(message):
        if message["ZDS-1.1"]:
            for ipc in message.segments("IPC"):
                ipc[3] = message["ZDS-1.1"]
            message.remove("ZDS")
        return message

    assert judged("StudyUidHome", editions, erased).label == "erased_by_an_empty_one"
    assert judged("StudyUidHome", editions, stays).label == "empty_zds_stays"


def a_language(sender=lambda one: one == "HIS", event=lambda one: True, code=lambda message: message["ZPI-1"],
               empty=lambda message: message["PID-15"] == "", same=lambda there, text: there == text,
               text=lambda code, languages: languages[code], unused=lambda large: large == ""):
    """A right move of the language, with one condition otherwise."""
    def move_language(message, languages):
        if sender(message.sender) and event(message.event) and "ZPI" in message:
            if code(message) in languages:
                if empty(message):
                    message["PID-15"] = text(code(message), languages)
                if same(message["PID-15"], languages[code(message)]):
                    message["ZPI-1"] = ""
            if message["ZPI-1"] == "" and unused(message["ZPI-2"]):
                message.remove("ZPI")
        return message
    return move_language


@pytest.mark.parametrize("changes", [
    {"empty": lambda message: message["PID-15.1"] == ""}, {"empty": lambda message: message["PID-15"] in ("", '""')},
    {"sender": lambda one: one not in ("CARD", "ECC_RIS")}, {"sender": lambda one: one.startswith("HIS")},
    {"unused": lambda large: large not in ("Y", "N")},
    {"same": lambda there, text: there.startswith(text)}, {"same": lambda there, text: there.lower() == text.lower()},
    {"code": lambda message: message["ZPI-1"].strip()}, {"code": lambda message: message["ZPI-1.1"]},
    {"text": lambda code, languages: f"{code.lower()}^{languages[code].split('^')[1]}^ISO639"},
    {"event": lambda one: one[:3] == "ADT"}, {"event": lambda one: one in ("ADT^A01", "ADT^A04", "ADT^A08")},
])
@pytest.mark.parametrize("seed", range(2))
def test_a_move_that_is_too_wide_or_too_narrow(changes, seed):
    editions = Editions(hospital(seed, "tiny"))
    assert judged("LanguageHome", editions, a_language()).correct
    verdict = judged("LanguageHome", editions, a_language(**changes))
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == "value", verdict


def a_move(place="PID-15", guard=True, text=lambda text: text, empty=lambda there, text: there == text, unknown=False, sender=True):
    """A function that moves the language, with one thing otherwise than it should be."""
    def move_language(message, languages):
        if (message.sender == "HIS" or not sender) and "ZPI" in message:
            zpi = message.segment("ZPI")
            if message.sender == "HIS" and zpi[1] in languages:
                if message[place] == "" or not guard:
                    message[place] = text(languages[zpi[1]])
                if empty(message[place], text(languages[zpi[1]])):
                    zpi[1] = ""
            elif unknown:
                zpi[1] = ""
            if zpi[1] == zpi[2] == "":
                message.remove(zpi)
        return message
    return move_language


@pytest.mark.parametrize(("move", "label", "says"), [
    (a_move(place="MSH-19"), "value", "MSH-19 is the language in which the *message* is written"),
    (a_move(place="PID-16"), "value", "The language belongs into PID-15"),
    (a_move(text=lambda text: text.split("^")[0]), "first_component_alone", ""),
    (a_move(guard=False), "written_over", ""),
    (a_move(empty=lambda there, text: False), "not_emptied", ""),
    (a_move(empty=lambda there, text: True), "contradiction_lost", ""),
    (a_move(unknown=True), "unknown_code_lost", ""),
    (a_move(sender=False), "empty_ones_of_others_too", ""),
    (lambda message, languages: a_move()(message, module.LANGUAGES), "a_table_of_its_own", ""),
])
@pytest.mark.parametrize("seed", range(3))
def test_each_wrong_move_of_a_language_is_told(move, label, says, seed):
    editions = Editions(hospital(seed, "tiny"))
    assert judged("LanguageHome", editions, a_move()).correct
    verdict = judged("LanguageHome", editions, move)
    assert verdict.label == label and says in verdict.message and "object of type" not in verdict.message, verdict


def compared_by_code(message, languages):
    if message.sender == "HIS" and "ZPI" in message:
        zpi = message.segment("ZPI")
        if zpi[1] in languages and message["PID-15.1"] in ("", languages[zpi[1]].split("^")[0]):
            message["PID-15"] = languages[zpi[1]]
            zpi[1] = ""
        if zpi[1] == zpi[2] == "":
            message.remove(zpi)
    return message


def in_capitals(message, languages):
    if message.sender == "HIS" and "ZPI" in message:
        code = message["ZPI-1"].upper()
        if code in languages:
            if message["PID-15"] == "":
                message["PID-15"] = languages[code]
            if message["PID-15"] == languages[code]:
                message["ZPI-1"] = ""
        if message["ZPI-1"] == message["ZPI-2"] == "":
            message.remove("ZPI")
    return message


@pytest.mark.parametrize("seed", range(3))
def test_a_language_is_compared_as_a_whole_and_as_it_is_written(seed):
    editions = Editions(hospital(seed, "tiny"))
    assert judged("LanguageHome", editions, compared_by_code).label == "same_code_is_enough"
    assert judged("LanguageHome", editions, in_capitals).label == "small_letters_too"


@pytest.mark.parametrize("seed", range(4))
def test_a_judge_from_outside_agrees(seed):
    """hl7apy loses every Z segment or takes what is plain in it; misses IPC-3 until the UID is home; refuses a field behind PID's last."""
    from hl7apy import parser
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException

    def read(message, groups=True):
        return parser.parse_message(message.encode().decode("utf-8"), validation_level=VALIDATION_LEVEL.STRICT, find_groups=groups)

    def strict(message):
        return read(message).validate()

    h = hospital(seed, "tiny")
    order = next(one for one in lesson.input_of("next_release", h) if "ZDS" in one and one["IPC-3"] == "").copy()
    with pytest.raises(HL7apyException, match="IPC_3"):
        strict(order)
    assert strict(EXERCISES["StudyUidHome"].solution(order))
    odd = next(one for one in lesson.input_of("week", h) if one.event == "ADT^A04" and one.sender == "HIS" and "ZPI" in one).copy()
    odd["ZPI-1"] = "not a language"
    odd.add("ZQQ|whatever", after="PID")
    assert strict(odd) and not {"ZPI", "ZQQ"} & {one.name for one in read(odd).children}
    flat = read(odd, groups=False)
    assert flat.validate() and {"ZPI", "ZQQ"} <= {one.name for one in flat.children}
    parted = odd.copy()
    parted["ZPI-1"] = "NL^Dutch"                                             # to it a plain text, with too many components
    with pytest.raises(HL7apyException, match="max limit"):
        read(parted, groups=False)
    with Listener("KIOSK") as kiosk:
        assert send(kiosk.host, kiosk.port, odd)["MSA-1"] == "AA"
    odd["PID-40"] = "nl"
    with pytest.raises(HL7apyException):
        strict(odd)


# --- who breaks

def allowed(field):
    """What a text allows, for the parts that a change may touch: {left out, or (which code or length)}."""
    if field is None:
        return None
    found = {("code", code) for code in field["codes"]} | {("length", length) for length in range(1, field["length"] + 1)}
    return found | ({"left out"} if field["usage"] == "O" else set())


def by_sets(old, new):
    """Another program for the same question: sets of what is allowed, by which a test of the reference does not share its thought."""
    before, after = allowed(old), allowed(new)
    sender = "left out" not in after if before is None else after is not None and not before <= after
    receiver = "left out" not in before if after is None else before is not None and not after <= before
    return {(0, 0): "nobody", (1, 0): "sender", (0, 1): "receiver", (1, 1): "both"}[bool(sender), bool(receiver)]


@pytest.mark.parametrize("seed", range(10))
def test_who_breaks_agrees_with_sets(seed):
    editions = Editions(hospital(seed, "tiny"))
    verdict = judged("WhoBreaks", editions, by_sets)
    assert verdict.correct, verdict
    for case in EXERCISES["WhoBreaks"].cases_on(editions.own):
        assert EXERCISES["WhoBreaks"].solution(*case) == by_sets(*case), case


def test_who_breaks_in_other_words(editions):
    words = {"sender": "the sender", "receiver": "Receivers", "both": "BOTH ", "nobody": "none"}
    assert judged("WhoBreaks", editions, lambda old, new: words[by_sets(old, new)]).correct
    sides = {"sender": ["sender"], "receiver": {"receiver"}, "both": ("receiver", "sender"), "nobody": []}
    assert judged("WhoBreaks", editions, lambda old, new: sides[by_sets(old, new)]).correct
    for wrong in ("sender", "receiver", "both", "nobody"):
        assert judged("WhoBreaks", editions, lambda old, new, wrong=wrong: wrong).outcome is Outcome.NOT_YET
    assert judged("WhoBreaks", editions, lambda old, new: by_sets(new, old)).outcome is Outcome.NOT_YET
    assert judged("WhoBreaks", editions, lambda old, new: "minor").label == "unreadable"
    assert "Ask for each what an unchanged sender" in judged("WhoBreaks", editions, lambda old, new: "both").message
    assert "it returned ['" not in judged("WhoBreaks", editions, lambda old, new: ["x"]).message
    assert judged("WhoBreaks", editions, lambda old, new: ["x", "y"]).message.endswith('return "sender", "receiver", "both" or "nobody".')

    def codes_that_fit(old, new):                                # takes the length for that of the codes, and all of these fit
        def fitting(one):
            return one if one is None else {**one, "length": 0, "codes": [code for code in one["codes"] if len(code) <= one["length"]]}
        return by_sets(fitting(old), fitting(new))

    assert judged("WhoBreaks", editions, codes_that_fit).label == "length_of_the_code"
    def looked_at(which):
        """A right function, but of the codes that might be new it looks at some only."""
        def breaks(old, new):
            if old and new:
                kept = [code for code in new["codes"] if code in old["codes"]]
                new = {**new, "codes": kept + [code for code in which(new["codes"], old["codes"]) if code not in old["codes"]]}
            return by_sets(old, new)
        return breaks

    assert judged("WhoBreaks", editions, looked_at(lambda new, old: new)).correct
    for which in (lambda new, old: new[:1], lambda new, old: new[-1:], lambda new, old: [new[0], new[-1]],
                  lambda new, old: [code for code in new if code not in str(old)]):
        verdict = judged("WhoBreaks", editions, looked_at(which))
        assert verdict.label == "value" and " comes. Ask for each" in verdict.message, verdict
    gone = {"R": "both", "O": "sender"}
    forbidden = judged("WhoBreaks", editions, lambda old, new: gone[old["usage"]] if old and not new else by_sets(old, new))
    assert forbidden.label == "gone_is_forbidden"
    safe = judged("WhoBreaks", editions, lambda old, new: module._who(old, new, without=("wider", "codes added")))
    assert safe.label == "longer_and_more_are_safe"


# --- who is impacted

@pytest.mark.parametrize("seed", range(3))
def test_impacted_in_other_forms(seed):
    editions = Editions(hospital(seed, "tiny"))
    right = solved("WhoIsImpacted", editions)
    consumers, change = lesson.input_of("consumers", editions.own), lesson.input_of("change", editions.own)
    rows = consumers[consumers["system"].isin(right) & (consumers["field"] == change["field"])]
    for form in (right[::-1], set(right), tuple(right), ", ".join(right).lower(), pandas.Series(right), right + right[:1], rows,
                 dict.fromkeys(right, True)):
        assert judged("WhoIsImpacted", editions, form).correct, form
    for name in {row[0] for row in module.CONSUMERS} - set(right):
        verdict = judged("WhoIsImpacted", editions, [*right, name])
        assert verdict.outcome is Outcome.NOT_YET and ("it takes" in verdict.message or verdict.label == "whole_segment"), verdict
    assert "no row" in judged("WhoIsImpacted", editions, [*right, "TOASTER"]).message
    assert judged("WhoIsImpacted", editions, right[:-1]).outcome is Outcome.NOT_YET
    assert "is a sender" in judged("WhoIsImpacted", editions, [*right, lesson.input_of("change", editions.own)["sender"]]).message


# --- live

ALL = [(sender, name) for sender in (*module.OWNERS, "ENDO") for name in ("ZDS", "ZPI")]
PACS, SAFETY = module._keep(*module.PACS), module._keep(*module.SAFETY)


def keep(*names):
    """A step that keeps Z segments of these names, whoever sends them."""
    return module._keep(*[pair for pair in ALL if pair[1] in names])


def test_other_engines_are_right(editions):
    def routed(pacs_port, safety_port):
        """Steps that return another message, one route function, destinations after channels' functions."""
        def orders(message):
            made = message.copy()
            for segment in made.segments():
                if segment.name[0] == "Z" and not (segment.name == "ZDS" and message.sender in ("RIS", "CARD")):
                    made.remove(segment)
            return made

        engine = Engine("MINE", listeners=("in",))
        engine.destination("HV_PACS", pacs_port)
        engine.destination("MR_SAFETY", safety_port)
        engine.channel("a", to=lambda message: ["HV_PACS"] if message["MSH-9.1"] == "ORM" else [], map=orders)
        engine.channel("b", to=lambda message: "MR_SAFETY" if message["MSH-3"] == "CARD" else None, map=[keep("ZPI")])
        return engine.start()

    def other_names(pacs_port, safety_port):
        engine = Engine("E").start()
        engine.destination("one", pacs_port)
        engine.destination("two", safety_port)
        for sender in ("RIS", "CARD", "ENDO", "ECC_RIS"):
            engine.channel(f"orders of {sender}", map=[PACS], to="one",
                           filter=lambda message, sender=sender: (message.sender, message.event) == (sender, "ORM^O01"))
        engine.channel("devices", filter=lambda message: message.sender == "CARD", map=[keep("ZPI")], to=["two"])
        return engine

    for function in (routed, other_names):
        verdict = judged("TwoDestinationsLive", editions, function)
        assert verdict.correct, (function.__name__, verdict)


def test_engines_that_look_right_are_not(editions):
    def changed(pacs_port, safety_port):
        def step(message):
            PACS(message)
            message["PV1-2"] = "O"
            message["PID-8"] = "U"
        return module._engine(pacs_port, safety_port, orders=step)

    def twice(pacs_port, safety_port):
        engine = module._engine(pacs_port, safety_port)
        engine.channel("again", filter=lambda message: message.event == "ORM^O01", map=[PACS], to="HV_PACS")
        return engine

    def failing(pacs_port, safety_port):
        return module._engine(pacs_port, safety_port, orders=lambda message: message.nothing)

    def no_destination(pacs_port, safety_port):
        return Engine("E").start()

    def nothing_returned(pacs_port, safety_port):
        module._engine(pacs_port, safety_port).stop()

    def with_a_with(pacs_port, safety_port):
        with Engine("E") as engine:
            engine.destination("HV_PACS", pacs_port)
            return engine

    assert "changed" in judged("TwoDestinationsLive", editions, changed).message
    assert "arrived 2 times" in judged("TwoDestinationsLive", editions, twice).message
    told = judged("TwoDestinationsLive", editions, failing)
    assert told.label == "value" and "did not arrive, and should have; the engine's error queue says:" in told.message, told
    assert "Your engine did as it should in" in told.message and "client" not in told.message
    assert "One that was started with `with`" in judged("TwoDestinationsLive", editions, with_a_with).message
    assert "no destination of your engine has its port" in judged("TwoDestinationsLive", editions, no_destination).message
    assert "return` missing" in judged("TwoDestinationsLive", editions, nothing_returned).message
    assert judged("TwoDestinationsLive", editions, lambda pacs_port: Engine("E")).label == "error"


def nothing_at_all(message):
    message.event == "ORM^O01"                                   # no return


@pytest.mark.parametrize(("changes", "says"), [
    ({"is_order": nothing_at_all}, "HV_PACS, the whole morning: not a single message arrived; the filter of the channel `orders` took none "
     "of the 16 messages: it returned None for every one"),
    ({"is_order": lambda message: message.event == "ORM_O01"}, "`orders` took none of the 16 messages."),
    ({"is_order": lambda message: message["MSH-9"] == "ORM^O01^ORM_O01"}, "`orders` took none of the 16 messages."),
    ({"is_order": lambda message: message.event == "OMI^O23"}, "did not arrive, and should have"),
    ({"is_order": lambda message: message.sender == "HIS"}, "did not arrive, and should have"),
    ({"is_order": lambda message: message.sender == "CARD" and message.event == "ORM^O01"}, "did not arrive, and should have"),
    ({"is_device": nothing_at_all}, "MR_SAFETY, the whole morning: not a single message arrived; the filter of the channel `devices`"),
    ({"is_device": lambda message: message.sender == "CARDIO"}, "`devices` took none of the 16 messages."),
    ({"is_order": nothing_at_all, "is_device": nothing_at_all}, "`orders` took none of the 16 messages: it returned None"),
])
def test_a_filter_that_takes_nothing_is_told_as_such(editions, changes, says):
    verdict = judged("TwoDestinationsLive", editions, lambda pacs_port, safety_port: module._engine(pacs_port, safety_port, **changes))
    assert verdict.label == "value" and says in verdict.message and "exchanged" not in verdict.message, verdict


def an_engine(pacs_port, safety_port, pacs="HV_PACS", safety="MR_SAFETY", channels=("orders", "devices")):
    engine = Engine("E").start()
    engine.destination("HV_PACS", pacs_port)
    engine.destination("MR_SAFETY", safety_port)
    if "orders" in channels:
        engine.channel("orders", filter=module._is_order, map=[PACS], to=pacs)
    if "devices" in channels:
        engine.channel("devices", filter=module._is_cardiology, map=[SAFETY], to=safety)
    return engine


@pytest.mark.parametrize(("start", "label", "says"), [
    (lambda pacs, safety: an_engine(safety, pacs), "ports_exchanged", "one pair is exchanged"),
    (lambda pacs, safety: an_engine(pacs, safety, "MR_SAFETY", "HV_PACS"), "ports_exchanged", "`to=` of the two channels"),
    (lambda pacs, safety: an_engine(pacs, safety, channels=["devices"]), "value", "no channel of your engine leads to HV_PACS"),
    (lambda pacs, safety: an_engine(pacs, safety, channels=["orders"]), "value", "no channel of your engine leads to MR_SAFETY"),
])
def test_ways_that_cross_or_end_are_told(editions, start, label, says):
    verdict = judged("TwoDestinationsLive", editions, start)
    assert verdict.label == label and says in verdict.message, verdict


def test_ports_that_were_made_up_are_told(editions, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    verdict = judged("TwoDestinationsLive", editions, lambda pacs_port, safety_port: an_engine(9, 11))
    assert verdict.label == "value" and "no destination of your engine has its port" in verdict.message, verdict


def no_more(*names):
    def step(message):
        for name in names:
            message.remove(name)
    return step


@pytest.mark.parametrize(("changes", "label"), [
    ({"is_order": lambda message: "ORC" in message}, "every_kind_of_order"),
    ({"is_order": lambda message: message["MSH-9.1"] in ("ORM", "OMI")}, "every_kind_of_order"),
    ({"is_order": lambda message: "ZDS" in message}, "orders_with_zds"),
    ({"is_order": lambda message: message.sender in ("RIS", "CARD") and message.event == "ORM^O01"}, "value"),
    ({"is_order": lambda message: "ORM" in str(message)}, "anywhere_in_the_text"),
    ({"is_device": lambda message: "CARD" in str(message)}, "sender_anywhere"),
    ({"is_device": lambda message: message.sender == "CARD" and "ZPI" in message}, "only_with_zpi"),
    ({"is_device": lambda message: "ZPI" in message}, "whoever_has_zpi"),
    ({"is_device": lambda message: "ZPI" in message, "devices": keep("ZPI")}, "whoever_has_zpi"),
    ({"is_device": lambda message: True}, "everything_to_safety"),
    ({"orders": no_more("ZAL", "ZPI"), "devices": no_more("ZDS")}, "known_ones_stripped"),
    ({"devices": no_more("ZDS")}, "value"),
    ({"is_device": lambda message: message.control_id.startswith("C")}, "value"),
    ({"is_device": lambda message: message.sender.startswith("CARD")}, "value"),
    ({"is_device": lambda message: "CARD" in message.sender}, "value"),
    ({"is_order": lambda message: message.event == "ORM^O01" and message.sender != "ECC_RIS"}, "value"),
    ({"is_order": lambda message: message.event == "ORM^O01" and message["MSH-4"] == "HVGH"}, "value"),
    ({"is_order": lambda message: message.event == "ORM^O01" and message["ORC-1"] == "NW"}, "value"),
    ({"is_order": lambda message: "ORC" in message and "IPC" not in message}, "value"),
    ({"is_order": lambda message: message.event == "ORM^O01" and message.sender == "RIS"}, "orders_of_the_ris"),
    ({"orders": module._keep(*module.PACS, *module.SAFETY)}, "a_pair_too_many"),
    ({"orders": module._keep(*module.PACS, *module.SAFETY), "devices": module._keep(*module.PACS, *module.SAFETY)}, "one_list_for_both"),
    ({"orders": keep("ZDS")}, "by_name_alone"), ({"orders": keep("ZDS"), "devices": keep("ZPI")}, "by_name_alone"),
])
@pytest.mark.parametrize("seed", range(2))
def test_each_wrong_filter_or_step_is_found(changes, label, seed):
    editions = Editions(hospital(seed, "tiny"))
    verdict = judged("TwoDestinationsLive", editions, lambda pacs_port, safety_port: module._engine(pacs_port, safety_port, **changes))
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_an_engine_of_a_function_that_fails_does_not_stay(editions):
    def half_way(pacs_port, safety_port):
        engine = Engine("E").start()
        engine.destination("HV_PACS", pacs_port)
        return engine.destination("MR_SAFETY", safety_prot)          # noqa: F821

    def another_port(pacs_port, safety_port):
        return module._engine(pacs_port, safety_port).port

    before = running()
    verdict = judged("TwoDestinationsLive", editions, half_way)
    assert verdict.label == "error" and "safety_prot" in verdict.message
    assert judged("TwoDestinationsLive", editions, another_port).label == "unreadable"
    assert set(running()) == set(before)


def test_the_live_check_is_quick(editions):
    solution = EXERCISES["TwoDestinationsLive"].solution
    assert judged("TwoDestinationsLive", editions, solution).correct
    start = time.perf_counter()
    assert judged("TwoDestinationsLive", editions, solution).correct
    assert time.perf_counter() - start < 20         # about 0.1 s


# --- the data

@pytest.mark.parametrize("seed", range(10))
def test_the_week_on_every_seed(seed):
    h = hospital(seed, "tiny")
    week = lesson.input_of("week", h)
    assert len({(message.sender, message.control_id) for message in week}) > 0.95 * len(week)
    carriers = {}
    wrong = {}
    for message in week:
        assert hl7.parse(message.encode()) == message                    # it can be sent, and arrives as it is
        for segment in message.segments():
            if segment.name.startswith("Z"):
                key = message.sender, segment.name
                carriers[key] = carriers.get(key, 0) + 1
                for number in range(1, len(segment) + 1):
                    if segment[number] and not module.valid(segment[number], module.FIELDS[key][number]):
                        wrong[*key, number] = wrong.get((*key, number), 0) + 1
    assert set(module.FIELDS) - {("CARD", "ZDS")} <= set(carriers) <= set(module.FIELDS)
    assert carriers["CARD", "ZPI"] >= 6 and carriers["ECC_RIS", "ZPI"] >= 3
    typed = {("HIS", "ZPI", 1), ("HIS", "ZPI", 2), ("HIS", "ZVI", 1), ("RIS", "ZAL", 1), ("RIS", "ZAL", 2), ("ECC_RIS", "ZPI", 1),
             ("CARD", "ZPI", 1), ("CARD", "ZPI", 2), ("CARD", "ZPI", 3), ("VOX", "ZVX", 1)}
    assert wrong == {**dict.fromkeys(typed, 1), ("CARD", "ZPI", 2): 2}
    # Somebody who reads twenty values can tell the meanings apart.
    assert sum(message["ZPI-1"] in module.LANGUAGES for message in week if message.sender == "HIS") > 10
    assert "NO" in {message["ZPI-1"] for message in week if message.sender == "CARD"}


@pytest.mark.parametrize("seed", range(3))
def test_the_next_release_on_every_seed(seed):
    h = hospital(seed, "tiny")
    orders = lesson.input_of("next_release", h)
    kinds = {("ZDS" in one, one["IPC-3"] != "") for one in orders}
    assert kinds == {(True, False), (True, True), (False, True)}
    assert all(one["IPC-1"] and one["IPC-4"] and one["ORC-7"] == "" and one["TQ1-7"] for one in orders)
    assert lesson.input_of("clinic_order", h)["IPC-3"].startswith("2.999.")


def test_the_registry_of_the_template_is_the_solutions():
    names = {}
    exec(module.TEMPLATE, names)
    assert names["registry"] == [*module.REGISTRY, ...]
    assert sorted(map(str, EXERCISES["RegistryOfSegments"].solution())) == sorted(map(str, [*module.REGISTRY, *module.OPEN]))


def test_everything_registered_is_read_by_somebody():
    assert {(source, field.split("-")[0]) for _, field, source, _ in module.CONSUMERS if source in module.OWNERS} == set(module.FIELDS)
