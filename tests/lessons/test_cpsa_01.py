"""What learners give in lesson cpsa-01 beyond the solutions and wrong ways, and the data that they are asked about."""

import base64
import inspect
import json
import re
import socketserver
import textwrap
import threading
import xml.etree.ElementTree as ET
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.lessons import cpsa_01_audit_trails as taught
from coursekit.lessons.cpsa_01_audit_trails import lesson
from coursekit.standards import audit

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def judged(name, editions, given):
    return EXERCISES[name].judge((given,), editions)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


# the data

def test_the_trail_says_what_the_messages_say():
    own = hospital(1, "tiny")
    for line, entry in zip(lesson.input_of("lines", own), lesson.input_of("read_trail", own), strict=True):
        header = audit.read_syslog(line)
        said = audit.read(header.text)
        person = next((one for one in said["participants"] if one["requestor"]), None)
        assert (entry.event, entry.type, entry.action, entry.outcome, entry.sequence, entry.source) == (
            said["event"], (said["event_types"] or [None])[0], said["action"], said["outcome"], header.sequence, said["source"])
        assert (entry.user, entry.host) == ((person["user_id"].removesuffix("@hvgh.example"), person["host"]) if person else (None, None))
        assert entry.patient == next((one["id"] for one in said["objects"] if one["id_type"] == "2"), None)
        assert datetime.fromisoformat(entry.utc + "+00:00") == datetime.fromisoformat(header.when).replace(microsecond=0)
        query = next((one["query"] for one in said["objects"] if one["query"]), None)
        if entry.search:
            assert all(key.split("=", 1)[1].encode() in query for key in entry.search.split("; "))


@pytest.mark.parametrize("seed", range(4))
def test_whom_the_review_could_accuse(seed):
    """Each incident is one case; whoever has no care relation and is innocent has an excuse; the physician of Case 17 among them."""
    own = hospital(seed, "tiny")
    cases = lesson.input_of("judged_cases", own)
    assert {case.truth for case in cases} == {"", *taught.BLAMED}
    for case in cases:
        if not case.truth and "no_relation" in case.signals:
            assert case.signals & set(taught.EXCUSES), case
        if case.truth:
            assert not case.signals & set(taught.EXCUSES), case
    physician = next(one for one in own.audit.incidents if one.id == "B1-04-2").facts["user_id"]
    night = next(case for case in cases if case.user == physician and "override" in case.signals)
    assert {"no_relation", "wrong_number"} <= night.signals and not night.truth
    # No names before a rule has named them.
    assert not {"user", "day", "truth"} & set(lesson.input_of("cases", own).columns)


def test_the_night_of_case_17_is_in_order_by_utc_alone():
    rows = lesson.input_of("case_trail", hospital(0, "tiny"))
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert [row[0][:19] for row in rows] != sorted(row[0][:19] for row in rows)
    assert rows[0][3] == "the CT is ordered" and rows[-1][3] == "Eastcliff asks for the CT: nothing"
    assert {"worklist query refused: CTER01 is not known", "emergency override", "manifest refused"} <= {row[3] for row in rows}


def test_the_keys_of_a_search_and_whom_they_show():
    from coursekit.hospital.audit import query_bytes
    octets = query_bytes([(0x00080052, "STUDY"), (0x00100010, "KO*"), (0x00100020, ""), (0x0020000D, "")])
    assert taught.keys_of(octets) == "PatientName=KO*"
    for key, shown in (("K*", True), ("KOLB^*", True), ("kolb*", True), ("KOL?^PETRA", True), ("*", True), ("KOLBE*", False),
                       ("L*", False)):
        assert taught.fits_name(key, "KOLB^PETRA") == shown, key


# messages

def test_checks_written_by_others_are_right(editions):
    def with_any(xml):
        root = ET.fromstring(xml)
        if any("code" in element.attrib for element in root.iter()):
            return "CODE"
        said = root[0].attrib.get("EventOutcomeIndicator") or "1"
        if int("0" + re.sub(r"\D", "", said)) not in range(0, 13, 4) or not said.isdigit():
            return " outcome "
        return "participant" if len(root.findall("ActiveParticipant")) == 0 else "ok"

    def with_problems(xml):
        found = " ".join(audit.problems(xml))
        for word, sign in (("code", "attribute code of"), ("outcome", "EventOutcomeIndicator"),
                           ("participant", "ActiveParticipant is missing")):
            if sign in found:
                return word
        return "ok"

    for right in (with_any, with_problems):
        assert judged("IsItValid", editions, right).correct


@pytest.mark.parametrize("change, label", [
    ({"code": lambda m: m.find("EventIdentification/EventID").get("csd-code") is None}, "value"),
    ({"code": lambda m: m.find("EventIdentification/EventID").get("code") is not None}, "only_the_event"),
    ({"outcome": lambda said: said in ("1", "2")}, "value"),
    ({"outcome": lambda said: said != "0"}, "failure_is_a_fault"),
    ({"participant": lambda m: m.find("ActiveParticipant") is None or m.find("ActiveParticipant").get("UserName") is None},
     "without_children"),
    ({"order": "ocp"}, "outcome_first"), ({"order": "cpo"}, "participant_before_outcome"), ({"order": "poc"}, "any_order"),
    ({"code": lambda m: any(one.get("code") for one in m.iter())}, "empty_is_none"),
    ({"outcome": lambda said: said not in (0, 4, 8, 12)}, "numbers_against_text"),
    ({"outcome": lambda said: said not in "0,4,8,12"}, "part_of_a_text"),
    ({"outcome": lambda said: said not in "0 4 8 12"}, "part_of_a_text"),
])
def test_checks_that_are_nearly_right_are_not(editions, change, label):
    verdict = judged("IsItValid", editions, lambda xml: taught.IsItValid._as(xml, **change))
    assert verdict.outcome is Outcome.NOT_YET
    if label != "without_children":                         # there a message without names may happen to fit another idea
        assert verdict.label == label, verdict


def test_checks_that_look_elsewhere_are_told_so(editions):
    right = EXERCISES["IsItValid"].solution

    def check(code=None, outcome=None, participant=None):
        return judged("IsItValid", editions, lambda xml: taught.IsItValid._as(xml, code=code, outcome=outcome, participant=participant))

    assert check(code=lambda m: any(low.get("code") is not None for one in m for low in one)).label == "two_levels"
    assert check(code=lambda m: any(one.get("csd-code") is None for one in m.iter())).label == "any_code_word"
    assert check(code=lambda m: any(name.endswith("code") for one in m.iter() for name in one.attrib)).label == "any_code_word"
    assert check(outcome=lambda said: False).label == "outcome_not_asked"
    assert "one of the four that are allowed?" in check(outcome=lambda said: said is None).message
    assert "at all" in check(outcome=lambda said: said not in ("0", "4", "8", "12", None)).message
    assert "NoneType" in check(outcome=lambda said: said.strip() not in ("0", "4", "8", "12")).message
    assert check(code=lambda m: "csd-code" not in ET.tostring(m, encoding="unicode")).label == "somewhere_the_new"
    assert check(code=lambda m: False).label == "code_not_asked"

    def returned_at_the_first(xml):
        for element in ET.fromstring(xml).iter():
            if element.get("code") is not None:
                return "code"
            else:
                return taught.IsItValid._as(xml, code=lambda message: False)
    assert judged("IsItValid", editions, returned_at_the_first).label == "code_not_asked"
    assert check(participant=lambda m: not any(one.get("UserIsRequestor") == "true" for one in m.findall("ActiveParticipant"))).label == (
        "requestor_is_the_participant")
    assert check(participant=lambda m: m.find("ActiveParticipant") is None or len(m.find("ActiveParticipant")) == 0).label == (
        "without_children")
    assert "not the number" not in judged("IsItValid", editions, lambda xml: "outcome" if 'Indicator="12"' in xml else right(xml)).message
    twelve = judged("IsItValid", editions, lambda xml: "outcome" if 'Indicator="12"' in xml and right(xml) == "ok" else right(xml))
    assert "one of the four that are allowed" in twelve.message and "csd-code" not in twelve.message.split("it returned")[1]


@pytest.mark.parametrize("holds, label", [
    (lambda xml: "code=" in xml, "any_code_word"), (lambda xml: ' code="' in xml, "text_of_the_message"),
    (lambda xml: re.search(r"<[^>]*\scode=", xml) is not None, "pattern_in_a_tag"),
    (lambda xml: any(one.get("code") and not one.get("csd-code") for one in ET.fromstring(xml).iter()), "value"),
    (lambda xml: any(one.get("codeSystemName") is None and one.get("csd-code") is None and one.get("originalText")
                     or one.get("code") is not None for one in ET.fromstring(xml).iter()), "value"),
    (lambda xml: re.search(r"\scode=", xml) is not None, "value"), (lambda xml: re.search(r'<[^>]*\scode="', xml) is not None, "value"),
])
def test_a_search_in_the_text_is_no_check(editions, holds, label):
    verdict = judged("IsItValid", editions, lambda xml: taught.IsItValid._as(xml, code=lambda _: holds(xml)))
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


@pytest.mark.parametrize("word", ["ActiveParticipant", "<ActiveParticipant"])
def test_a_participant_in_a_text_or_a_comment_is_none(editions, word):
    assert not judged("IsItValid", editions, lambda xml: taught.IsItValid._as(xml, participant=lambda _: word not in xml)).correct


def test_what_a_check_has_overlooked_is_told(editions):
    for word, says in (("ok", "none of the first three"), ("outcome", "is it one of the four"),
                       ("participant", "no element ActiveParticipant"),
                       ("code", "has an attribute `code`")):
        right = EXERCISES["IsItValid"].solution
        verdict = judged("IsItValid", editions, lambda xml, word=word: "?" if right(xml) == word else right(xml))
        assert says in verdict.message, verdict


@pytest.mark.parametrize("changed, label", [
    ({"who": lambda message, people: next((one.get("UserID") for one in people if one.get("UserIsRequestor") != "false"), "nobody")},
     "all_but_the_word_false_first"),
    ({"who": lambda message, people: ([one.get("UserID") for one in people if one.get("UserIsRequestor") != "false"] or ["nobody"])[-1]},
     "all_but_the_word_false"),
    ({"who": lambda message, people: ([one.get("UserID").split("@")[0] for one in people
                                       if one.get("UserIsRequestor") in ("true", "1")] or ["nobody"])[0]}, "without_the_domain"),
])
def test_who_began_it_by_other_marks(editions, changed, label):
    assert judged("WhoAndWhen", editions, lambda xml, stamp: taught._acted(xml, stamp, **changed)).label == label


def test_a_person_who_began_nothing(editions):
    def person_first(place):
        def who(message, people):
            persons = [one.get("UserID") for one in people if "@" in one.get("UserID")]
            marked = [one.get("UserID") for one in people if one.get("UserIsRequestor") in ("true", "1")]
            return persons[place] if persons else marked[0] if marked else "nobody"
        return who

    def set_back(message, people):
        user = "nobody"
        for one in people:
            user = one.get("UserID") if one.get("UserIsRequestor") in ("true", "1") else "nobody"
        return user

    for who, label in ((person_first(-1), "person_before_requestor"), (person_first(0), "first_person_before_requestor"),
                       (set_back, "set_back_by_else"), (lambda message, people: people[-1].get("UserID"), "last_participant")):
        assert judged("WhoAndWhen", editions, lambda xml, stamp, who=who: taught._acted(xml, stamp, who)).label == label


@pytest.mark.parametrize("wrong", [
    lambda xml, stamp: {**EXERCISES["WhoAndWhen"].solution(xml, stamp), "utc": stamp[:19].replace("T", " ")} if re.search(
        r'EventDateTime="[^"]{19}"', xml) else EXERCISES["WhoAndWhen"].solution(xml, stamp),
    lambda xml, stamp: EXERCISES["WhoAndWhen"].solution(xml.replace("+05:30", "+05:00"), stamp),
    lambda xml, stamp: ET.fromstring(xml).findall("ActiveParticipant")[0] is None or EXERCISES["WhoAndWhen"].solution(xml, stamp),
])
def test_headers_with_an_offset_half_hours_and_nobody_at_all(editions, wrong):
    assert judged("WhoAndWhen", editions, wrong).outcome is Outcome.NOT_YET


def test_what_is_wrong_about_the_user_is_told(editions):
    def acted(who):
        return judged("WhoAndWhen", editions, lambda xml, stamp: taught._acted(xml, stamp, who)).message
    marked = ("true", "1")
    assert "a device is marked" in acted(lambda message, people: next(
        (one.get("UserID") for one in people if one.get("UserIsRequestor") in marked and "@" in one.get("UserID")), "nobody"))
    assert "AlternativeUserID" in acted(lambda message, people: next(
        (one.get("AlternativeUserID") or one.get("UserID") for one in people if one.get("UserIsRequestor") in marked), "nobody"))


def test_offsets_with_a_minus(editions):
    def plus_only(xml, stamp):
        said = ET.fromstring(xml).find("EventIdentification").get("EventDateTime")
        moment = datetime.fromisoformat(said if "+" in said or said.endswith("Z") else stamp)
        return {**EXERCISES["WhoAndWhen"].solution(xml, stamp), "utc": f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}
    assert judged("WhoAndWhen", editions, plus_only).label == "offsets_with_a_plus_only"

    def an_hour_off(xml, stamp):
        found = EXERCISES["WhoAndWhen"].solution(xml, stamp)
        return {**found, "utc": str(datetime.fromisoformat(found["utc"]) + timedelta(hours=1))}
    message = judged("WhoAndWhen", editions, an_hour_off).message
    assert "whole hours" in message and "character by character" not in message


def test_who_and_when_in_other_forms(editions):
    right = EXERCISES["WhoAndWhen"].solution

    def with_a_moment(xml, stamp):
        found = right(xml, stamp)
        return {"utc": datetime.fromisoformat(found["utc"]).replace(tzinfo=UTC), "user": found["user"].upper()}

    def in_another_zone(xml, stamp):
        found = with_a_moment(xml, stamp)
        return {**found, "utc": found["utc"].astimezone(datetime.fromisoformat("2025-01-01T00:00:00+02:00").tzinfo).isoformat()}

    def with_pandas(xml, stamp):
        found = right(xml, stamp)
        return pandas.Series({"user": found["user"], "utc": pandas.Timestamp(found["utc"])})

    def with_z(xml, stamp):
        found = right(xml, stamp)
        return {**found, "utc": found["utc"].replace(" ", "T") + "Z"}

    def by_hand(xml, stamp):
        found = right(xml, stamp)
        return found["user"], f"{datetime.fromisoformat(found['utc']):%d.%m.%Y %H:%M:%S}"

    def with_utc(xml, stamp):
        found = right(xml, stamp)
        return {**found, "utc": found["utc"] + " UTC"}

    for form in (with_a_moment, in_another_zone, with_pandas, with_z, by_hand, with_utc):
        assert judged("WhoAndWhen", editions, form).correct, form.__name__


@pytest.mark.parametrize("wrong", [
    lambda xml, stamp: {**EXERCISES["WhoAndWhen"].solution(xml, stamp), "user": "nobody"},
    lambda xml, stamp: {**EXERCISES["WhoAndWhen"].solution(xml, stamp), "utc": datetime.fromisoformat(stamp).isoformat()},
    lambda xml, stamp: {**EXERCISES["WhoAndWhen"].solution(xml, stamp),
                        "user": EXERCISES["WhoAndWhen"].solution(xml, stamp)["user"].split("@")[0]},
    lambda xml, stamp: {**EXERCISES["WhoAndWhen"].solution(xml, stamp), "user": None},
    lambda xml, stamp: EXERCISES["WhoAndWhen"].solution(xml, stamp)["user"],
])
def test_who_and_when_half_right(editions, wrong):
    verdict = judged("WhoAndWhen", editions, wrong)
    assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 20


# sessions

def test_sessions_written_by_others_are_right(editions):
    def with_stacks(logins):
        waiting, rows = defaultdict(list), []
        for row in logins:
            key = row["user"], row["host"]
            if row["type"] == "110122":
                if row["outcome"] == "0":
                    rows.append([*key, row["utc"], None])
                    waiting[key].append(rows[-1])
            elif waiting[key]:
                waiting[key].pop()[3] = row["utc"]
        return rows

    def as_a_frame(logins):
        return pandas.DataFrame(with_stacks(logins), columns=["user", "host", "begin", "end"]).iloc[::-1]

    def as_times(logins):
        frame = as_a_frame(logins)
        return frame.assign(begin=pandas.to_datetime(frame.begin), end=pandas.to_datetime(frame.end))

    for right in (with_stacks, as_a_frame, as_times):
        assert judged("Sessions", editions, right).correct, right.__name__


def test_sessions_half_right(editions):
    for change, label in (({"same": lambda one, row: one["user"] == row["user"]}, "by_user_alone"), ({"oldest": True}, "the_oldest"),
                          ({"merge": True}, "one_at_a_time"), ({"keep_open": False}, "ended_ones_only"),
                          ({"starts": lambda row: row["type"] == "110122"}, "failed_ones_too"), ({"every": True}, "all_of_them"),
                          ({"closes": True}, "closed_by_the_next"),
                          ({"ends": lambda row: row["outcome"] == "0"}, "successful_logouts_only"),
                          ({"else_ends": True}, "failed_logins_end"), ({"youngest_only": True}, "the_last_one_only"),
                          ({"again": True}, "ended_again"),
                          ({"starts": lambda row: row["outcome"] == 0}, "outcome_as_a_number"),
                          ({"starts": lambda row: row["type"] == 110122}, "outcome_as_a_number")):
        assert judged("Sessions", editions, lambda logins, change=change: taught._sessions(logins, **change)).label == label
    def after_it_began(logins):
        found = []
        for row in logins:
            if row["type"] == "110122" and row["outcome"] == "0":
                found.append({"user": row["user"], "host": row["host"], "begin": row["utc"], "end": None})
            for one in reversed(found) if row["type"] == "110123" else ():
                if (one["user"], one["host"], one["end"]) == (row["user"], row["host"], None) and one["begin"] < row["utc"]:
                    one["end"] = row["utc"]
                    break
        return found
    assert not judged("Sessions", editions, after_it_began).correct

    def next_logout(logins):
        found = []
        for place, row in enumerate(logins):
            if row["type"] == "110122" and row["outcome"] == "0":
                end = next((one["utc"] for one in logins[place:] if one["type"] == "110123" and one["user"] == row["user"]
                            and one["host"] == row["host"]), None)
                found.append({"user": row["user"], "host": row["host"], "begin": row["utc"], "end": end})
        return found
    assert "may not serve two" in judged("Sessions", editions, next_logout).message
    empty = judged("Sessions", editions, lambda logins: [{**one, "end": one["end"] or ""} for one in taught._sessions(logins)])
    assert "not an empty text" in empty.message
    word = judged("Sessions", editions, lambda logins: [{**one, "end": str(one["end"])} for one in taught._sessions(logins)])
    assert "leave the quotation marks away" in word.message and "upper and lower" not in word.message
    assert judged("Sessions", editions, lambda logins: taught._sessions(logins[:1])).label == "returned_in_the_loop"
    by_pair = judged("Sessions", editions, taught.Sessions.__dict__["one_for_each_pair"])
    assert by_pair.label == "one_for_each_pair"
    assert judged("Sessions", editions, lambda logins: [{**one, "type": "110122"} for one in taught._sessions(logins)]).correct
    assert judged("Sessions", editions, lambda logins: print(taught._sessions(logins))).outcome is Outcome.NOT_YET


def test_a_login_that_was_no_success_is_told(editions):
    def sessions(*outcomes):
        return judged("Sessions", editions, lambda logins: taught._sessions(
            logins, starts=lambda row: row["type"] == "110122" and row["outcome"] in outcomes))
    for outcomes, says in ((("0", "1"), "outcome 1"), (("0", "12"), "outcome 12"), (("0", "4"), "outcome 4"), (("0", "8"), "outcome 8")):
        verdict = sessions(*outcomes)
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_which_sessions_are_missing_is_told(editions):
    def last_open_one_left_out(logins):
        found = taught._sessions(logins)
        last = max((one for one in found if one["end"] is None), key=lambda one: one["begin"], default=None)
        return [one for one in found if one is not last]

    def within_a_second_left_out(logins):
        return [one for one in taught._sessions(logins) if one["end"] != one["begin"]]
    assert "without a logout is missing" in judged("Sessions", editions, last_open_one_left_out).message
    assert "within one second" in judged("Sessions", editions, within_a_second_left_out).message


# who looked

def test_who_looked_in_other_forms(editions):
    right = solved("WhoLooked", editions)
    frame = pandas.DataFrame(right)
    forms = [frame, frame.set_index("user"), [(one["user"].upper(), one["how"].upper(), str(one["message"])) for one in right],
             [{**one, "message": float(one["message"])} for one in right[::-1]],
             {one["user"]: (one["how"], one["message"]) for one in right},
             [{**one, "message": f"#{one['message']}"} for one in right], [{**one, "message": f"{one['message']:,}"} for one in right],
             [{**one, "user": one["user"] + "@hvgh.example"} for one in right]]
    for form in forms:
        assert judged("WhoLooked", editions, form).correct, form


def test_false_accusations_and_misses_are_told(editions):
    right = solved("WhoLooked", editions)
    assert {one["how"] for one in right} == {"opened", "listed"}
    trail, request, roster = (lesson.input_of(name, editions.own) for name in ("trail", "request", "roster"))
    radiologist = next(one for one in taught._looks(trail, request, roster, lambda row: row["unit"] == "Radiology"))
    message = judged("WhoLooked", editions, [*right, radiologist]).message
    assert "does not belong" in message and "imaging units" in message
    for user, says in (("svc_router", "service account"), ("nosuchuser", "no such account")):
        assert says in judged("WhoLooked", editions, [*right, {"user": user, "how": "opened", "message": 1}]).message
    by_date = trail[(trail.source == "HV_PACS") & trail.search.str.startswith("StudyDate", na=False)]
    assert len(by_date) == 1
    burst = {"user": by_date.user.iloc[0], "how": "listed", "message": int(by_date.number.iloc[0])}
    assert "search by date alone" in judged("WhoLooked", editions, [*right, burst]).message
    listed = next(one for one in right if one["how"] == "listed")
    own = trail[(trail.user == listed["user"]) & (trail.event == "110112") & (trail.number < listed["message"])]
    early = own[own.search == "PatientName=A*"].number.iloc[0]
    message = judged("WhoLooked", editions, [{**one, "message": int(early)} if one is listed else one for one in right]).message
    assert "`A*`" in message and "does not show her" in message
    assert judged("WhoLooked", editions, [one for one in right if one["how"] == "opened"]).label == "openings_only"
    first = next(one for one in right if one["how"] == "opened")
    search = next(one for one in EXERCISES["WhoLooked"].computed(taught.WhoLooked.__dict__["search_as_evidence"], editions.own)
                  if one["message"] not in [own["message"] for own in right])
    with_search = [search if one["user"] == search["user"] else one for one in right]
    assert judged("WhoLooked", editions, with_search).message.count("search") and right != with_search
    later = trail[(trail.user == first["user"]) & (trail.event == "110103") & (trail.patient == request["patient_id"])].number.max()
    if later > first["message"]:
        verdict = judged("WhoLooked", editions, [{**one, "message": int(later)} if one is first else one for one in right])
        assert "proves since when" in verdict.message, verdict
    index = [{**one, "message": one["message"] - 1} if one is first else one for one in right]
    assert "column `number`" in judged("WhoLooked", editions, index).message
    assert "Somebody who opened her images" in judged("WhoLooked", editions, [one for one in right if one is not first]).message
    employee = {"user": editions.own.staff.related("employee")[0].user_id, "how": "opened", "message": 1}
    assert not judged("WhoLooked", editions, [*right, employee]).correct
    assert not judged("WhoLooked", editions, [{**one, "how": "opened"} for one in right]).correct
    assert not judged("WhoLooked", editions, right[:1]).correct
    assert not judged("WhoLooked", editions, [one["user"] for one in right]).correct


# holes and clocks

def test_trust_in_other_forms(editions):
    right = solved("CanItBeTrusted", editions)
    at = pandas.Timestamp(right["after"])
    for change in ({"after": at}, {"after": at.to_pydatetime()}, {"after": f"{at:%Y-%m-%dT%H:%M}"}, {"after": f"{at:%Y-%m-%d %H:%M:%S}Z"},
                   {"after": f"{at:%d.%m.%Y %H:%M}"}, {"after": f"{at:%d %B %Y, %H:%M} UTC"}, {"after": f"{at:%Y-%m-%d %H:%M} UTC"},
                   {"source": "hv_pacs"}, {"source": "HV PACS"}, {"clock": "HV-ROUTER"}, {"clock": "HVROUTER"},
                   {"lost": float(right["lost"])}, {"lost": str(right["lost"])}, {"ahead": "43.2 min"},
                   {"ahead": "43 min 12 s"}, {"ahead": 2591}, {"ahead": 2583}, {"ahead": 2615},
                   {"after": (at + timedelta(hours=1)).isoformat() + "+01:00"}):
        assert judged("CanItBeTrusted", editions, {**right, **change}).correct, change
    for change, says in (({"ahead": -2592}, "sign"), ({"lost": right["lost"] + 1}, "difference of the two numbers"),
                         ({"lost": -3}, "restart"),
                         ({"ahead": 1296}, "another number"), ({"ahead": 43}, "sked are seconds"), ({"ahead": -9}, "day by day"),
                         ({"clock": "CTER01"}, "offset that it really used"), ({"source": "MR1"}, "nowhere jump up"),
                         ({"source": "PACS"}, "as it stands there"), ({"clock": "router"}, "as it stands there"),
                         ({"clock": "US_ECHO1"}, "all the month long"),
                         ({"after": "2025-03-22"}, "time of day as well"), ({"ahead": 1296}, "later than"),
                         ({"after": "02:09"}, "write the time"), ({"after": f"{at + timedelta(minutes=1)}"}, "one minute off"),
                         ({"after": f"{at + timedelta(minutes=9)}"}, "another moment")):
        verdict = judged("CanItBeTrusted", editions, {**right, **change})
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize("seed", range(4))
def test_there_is_one_hole_and_one_clock(seed):
    own = hospital(seed, "tiny")
    assert len(taught._holes(lesson.input_of("read_trail", own))) == 1
    transfers = lesson.input_of("transfers", own)
    ahead = (transfers.sender_says - transfers.archive_says).dt.total_seconds()
    assert set(transfers.sender[ahead > 0]) == {"HV_ROUTER"} and set(transfers.sender[ahead < 0]) > {"HV_ROUTER", "CT2"}
    late = transfers[(transfers.sender == "HV_ROUTER") & (transfers.archive_says >= "2025-03-25")]
    assert len(late) > 60 and (ahead[late.index] > 2500).all() and late.archive_says.dt.date.nunique() >= 10       # witnesses
    right = EXERCISES["CanItBeTrusted"].computed(EXERCISES["CanItBeTrusted"].solution, own)
    assert right["source"] == "HV_PACS" and right["clock"] == "HV_ROUTER" and abs(right["ahead"] - 2592) < 10


# the review

def test_policies_of_others_are_right(editions):
    right = EXERCISES["Policy"].solution()
    points = right["points"]
    without_one = {name: number for name, number in points.items() if name != "two_sites"}
    forms = [
        json.dumps(right), {**right, "report_from": 9.5}, {"points": {**points, "wrong_number": -40, "service": -40}, "report_from": 10},
        {"points": without_one, "report_from": 10}, {"points": {**points, "override": 4, "listed_person": 5}, "report_from": 10},
        {"points": {name: number / 10 for name, number in points.items()}, "report_from": 1},
        {"points": {**points, "night": 0, "same_name": 0}, "report_from": 10}]
    for form in forms:
        verdict = judged("Policy", editions, form)
        assert verdict.correct, (form, verdict)


@pytest.mark.parametrize("change, drop, says", [
    ({}, ("left",), "Not before all others"), ({}, ("burst",), "needs action today"), ({}, ("alphabet", "two_sites"), "2 of 11"),
    ({"off_shift": 10}, (), "outside the roster"), ({"left": 0, "no_relation": 10}, (), "Not before all others"),
    ({"night": 1, "no_relation": 9}, (), "care relation"),
    ({"wrong_number": -5}, (), None), ({"no_relation": 21}, (), "innocent"), ({"wrong_number": -150}, (), "nothing else"),
    ({"service": -1000, "wrong_number": -1000, "trauma_call": -1000}, (), "hides everything"),
    ({"service": -97}, (), "the account also has service"), ({"wrong_number": -50, "service": -50}, (), "service and wrong_number"),
    ({"service": -20, "wrong_number": -20, "trauma_call": -20, "override": 6, "night": 4}, (), "somebody innocent has night, override"),
    ({"exported": 9, "night": 1}, (), "somebody innocent has night, exported"),
    ({"trauma_call": -9, "override": 9}, (), "override, no_relation, trauma_call"),
    ({"many_opened": -95}, (), "outweighs"), ({"override": -1000}, (), "outweighs"), ({"same_name": -1000}, (), "outweighs"),
    ({"two_sites": -1000}, (), "outweighs"), ({"alphabet": -1000}, (), "outweighs"), ({"log_and_hole": -1000}, (), "outweighs"),
    ({"override": -40, "same_name": -40, "many_opened": -40}, (), "outweighs"),
    ({"left": 25, "burst": 25, "mass_export": 25, "two_sites": 24, "alphabet": 24, "log_and_hole": 24}, (), "stands before it"),
])
def test_policies_that_are_nearly_right_are_not(editions, change, drop, says):
    points = {name: number for name, number in {**EXERCISES["Policy"].solution()["points"], **change}.items() if name not in drop}
    least = 5 if change in ({"wrong_number": -5}, {"wrong_number": -150}) else 10
    verdict = judged("Policy", editions, {"points": points, "report_from": least})
    assert verdict.outcome is Outcome.NOT_YET, verdict
    assert says is None or says in verdict.message, verdict


def test_policies_that_cannot_be_read_get_a_sentence(editions):
    for form, says in (({"points": {}}, "entries"), ({"points": {"nights": 1}, "report_from": 1}, "no signal"),
                       ({"points": [], "report_from": 1}, "dictionary"),
                       ({"points": {"night": "1000"}, "report_from": 1}, "quotation marks"),
                       ({"points": {"left": 10_000}, "report_from": 1}, "not within"),
                       ({"points": {"left": float("inf")}, "report_from": 1}, "not within"),
                       ({"points": {"night": 1}, "report_from": 0}, "above 0")):
        assert says in judged("Policy", editions, form).message, form
    with pytest.raises(CourseError, match="no signal"):
        lesson.input_of("review", editions.own).try_out({"points": {"nights": 1}, "report_from": 1})


def test_a_trial_takes_numbers_of_numpy_and_tells_what_is_hidden(editions, capsys):
    review, right = lesson.input_of("review", editions.own), EXERCISES["Policy"].solution()
    as_numpy = {name: numpy.int64(number) for name, number in right["points"].items()}
    review.try_out({"points": as_numpy, "report_from": numpy.float64(10)})
    told = capsys.readouterr().out
    assert "not reported" not in told and "next month" not in told and "reported    11 cases" in told
    review.try_out({"points": {**right["points"], "service": -1000}, "report_from": 10})
    assert "a password is guessed, and the account also has service: not reported" in " ".join(capsys.readouterr().out.split())
    review.try_out({"points": {**right["points"], "left": 25, "two_sites": 24, "alphabet": 24}, "report_from": 10})
    assert "stands before it" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(CourseError, match="still open"):
        review.try_out({"points": {"left": ...}, "report_from": 1})
    with pytest.raises(CourseError, match="no number"):
        review.try_out({"points": {"left": True}, "report_from": 1})


def test_a_trial_tells_whom_it_accuses(editions, capsys):
    lesson.input_of("review", editions.own).try_out({"points": {"override": 1}, "report_from": 1})
    told = " ".join(capsys.readouterr().out.split())
    assert "innocent, most often: night, override, no_relation, wrong_number (1)" in told
    assert "an account whose password was guessed" in told


# the message

def test_messages_of_others_are_right(editions):
    right, facts = solved("Correction", editions), lesson.input_of("correction", editions.own)
    compact = taught._correction_message(facts)
    forms = [right.encode("utf-8"), '<?xml version="1.0" encoding="UTF-8"?>\n' + right, "\ufeff" + compact,
             right.replace("05:12:30Z", "07:12:30+02:00"), right.replace("05:12:30Z", "05:12:30.000Z"),
             right.replace('"true"', '"1"').replace('"false"', '"0"'), compact, right.replace(' NetworkAccessPointTypeCode="2"', ""),
             right.replace('AETITLES=HV_PACS" ', 'AETITLES=HV_PACS" UserName="HV_PACS" NetworkAccessPointID="10.20.10.10" '),
             right.replace('originalText="DICOM Instances Accessed"', 'originalText="instances accessed"'),
             right.replace(_STUDY_NAME, _STUDY_NAME + _contents(re.search(
                 r'1\.2" NumberOfInstances="(\d+)"', lesson.input_of("samples", editions.own)["opened"])[1])),
             right.replace(_STUDY_NAME, _STUDY_NAME + _detail("AccessionNumber", facts["accession"])),
             right.replace("<ParticipantObjectName>CT HEAD", "<ParticipantObjectName>Study"),
             right.replace(">VANDERMEER^ANNA^ELISE<", ">Vandermeer^Anna<")]
    for form in forms:
        verdict = judged("Correction", editions, form)
        assert verdict.correct, (form, verdict)


def _contents(count):
    return "<ParticipantObjectDescription>" \
        f'<SOPClass UID="1.2.840.10008.5.1.4.1.1.2" NumberOfInstances="{count}"/></ParticipantObjectDescription>'


def _detail(kind, value):
    return f'<ParticipantObjectDetail type="{kind}" value="{base64.b64encode(value.encode()).decode()}"/>'


_STUDY_NAME = "<ParticipantObjectName>CT HEAD</ParticipantObjectName>"


@pytest.mark.parametrize("old, new, says", [
    ('UserID="2214"', 'UserID="1190"', "The archive's UserID"), ('AlternativeUserID="AETITLES=HV_PACS" ', "", "AlternativeUserID"),
    ("AETITLES=HV_PACS", "HV_PACS", "AlternativeUserID"), ("AETITLES=HV_PACS", "AETITLES=HV_PACS;HV_VIEW", "AlternativeUserID"),
    ("DICOM Instances Accessed", "User Authentication", "contradict"), ("Study Instance UID", "Patient Number", "contradict"),
    ('"AETITLES=HV_PACS" ', '"AETITLES=HV_PACS" NetworkAccessPointID="10.20.60.162" ', "another machine"),
    ('NetworkAccessPointTypeCode="2"/>', 'NetworkAccessPointTypeCode="2"><RoleIDCode csd-code="110154" codeSystemName="DCM" '
     'originalText="Destination Media"/></ActiveParticipant>', "RoleIDCode 110154"),
    ('SiteID="HVGH"', 'SiteID="EASTCLIFF"', "another house"),
    ('AuditSourceID="HV_PACS"/>', 'AuditSourceID="HV_PACS"><AuditSourceTypeCode csd-code="2"/></AuditSourceIdentification>',
     "something else"),
    (_STUDY_NAME, _STUDY_NAME + _contents(1), "those of this study"), ("CT HEAD", "MR KNEE", "not that of this CT"),
    ("CT HEAD", "ct head van der meer, anna", "outside the patient's own object"),
    ("CT HEAD", "CT HEAD ANNA ELISE", "outside the patient's own object"),
    ('TypeCodeRole="3"', 'TypeCodeRole="1"', "The study's object, by type and role, is not right"),
    ("RFC-3881", "DCM", "kind of the patient's number"), ('PointTypeCode="2"', 'PointTypeCode="1"', "what kind of address"),
    ("</EventIdentification>", '<EventTypeCode csd-code="110122" codeSystemName="DCM" originalText="Login"/></EventIdentification>',
     "EventTypeCode"),
    (_STUDY_NAME, _STUDY_NAME + _detail("AccessionNumber", "XXX"), "has to be true"),
    (_STUDY_NAME, _STUDY_NAME + _detail("PatientID", "HV10O234"), "has to be true"),
    (_STUDY_NAME, _STUDY_NAME + '<ParticipantObjectDetail type="AccessionNumber" value="A2503300017"/>', "base64"),
    (_STUDY_NAME, _STUDY_NAME + '<ParticipantObjectDetail type="wrong_id" value="HV10O234"/>', "is plain text"),
    ('TypeCode="2"\n          ParticipantObjectTypeCodeRole="3"', 'TypeCode="1"\n          ParticipantObjectTypeCodeRole="3"',
     "The study's object, by type and role, is not right"),
    (_STUDY_NAME, _STUDY_NAME + _detail("Comment", "was Vandermeer"), "outside the patient's own object"),
    ("@hvgh.example", "", "with what is behind the @"), ("<AuditMessage>", "<AuditMessage><!-- was VANDERMEER^ANA -->", "or a comment"),
    ("<AuditMessage>", "<85>1 2025-04-07T05:12:30Z h HV_PACS 2214 m - <AuditMessage>", "header of a syslog message"),
    ('csd-code="110103" codeSystemName="DCM"', 'csd-code="110103" codeSystemName="IHE"', "DICOM's own"),
    ('<ActiveParticipant UserID="2214"', '<ActiveParticipant UserID="viewer" UserIsRequestor="false"/><ActiveParticipant UserID="2214"',
     "Only the admin"),
    ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="4"', "succeed"),
    ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="1"', "none of 0, 4"), ("csd-code=", "code=", "RFC 3881"),
    ("CT HEAD", "CT HEAD Vandermeer", "outside the patient's own object"),
    ('UserIsRequestor="false"', 'UserIsRequestor="true"', "everal participants"),
    ('AuditSourceID="HV_PACS"', 'AuditSourceID="ARR"', "Which system"), ("110180", "110181", "study"),
    ('csd-code="2" codeSystemName="RFC-3881"', 'csd-code="110180" codeSystemName="DCM"', "patient's number"),
    ("05:12:30Z", "05:12:31Z", "When did it happen"),
    ("<AuditMessage>", '<!DOCTYPE a [<!ENTITY b "c">]><AuditMessage>', "document type"), ("</AuditMessage>", "", "well-formed"),
])
def test_messages_that_are_nearly_right_are_not(editions, old, new, says):
    verdict = judged("Correction", editions, solved("Correction", editions).replace(old, new))
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_name_beside_the_account_is_that_persons(editions):
    right, facts = solved("Correction", editions), lesson.input_of("correction", editions.own)
    place = f'UserID="{facts["user"]}"'
    for name in (facts["name"], facts["name"].replace(", ", "^"), facts["name"].title(), facts["user"].split("@")[0]):
        assert judged("Correction", editions, right.replace(place, f'{place} UserName="{name}"')).correct, name
    verdict = judged("Correction", editions, right.replace(place, f'{place} UserName="FERREIRA, CONCEIÇÃO"'))
    assert verdict.label == "name" and "innocent" in verdict.message
    assert judged("Correction", editions, right.replace('UserID="2214"', 'UserID="2214" UserName="HV_PACS"')).correct
    assert judged("Correction", editions, ET.fromstring(right)).correct


def test_two_patients_are_one_too_many(editions):
    right = solved("Correction", editions)
    begin = right.rindex("<ParticipantObjectIdentification")
    twice = right[:begin] + right[begin:right.index("</AuditMessage>")].replace("HV100234", "HV10O234") + right[begin:]
    assert "several such objects" in judged("Correction", editions, twice).message


def test_the_message_that_is_copied_and_half_changed(editions):
    """The message of part 1 with a new time and action alone is still that of somebody else, of the wrong number and name."""
    facts = lesson.input_of("correction", editions.own)
    line = lesson.input_of("samples", editions.own)["opened"]
    copied = re.sub(r'EventDateTime="[^"]*"', 'EventDateTime="2025-04-07T05:12:30Z"', line[line.index("<AuditMessage"):])
    copied = copied.replace('EventActionCode="R"', 'EventActionCode="U"')
    assert judged("Correction", editions, copied).outcome is Outcome.NOT_YET
    copied = re.sub(r'UserID="[^"]*" UserName="[^"]*" UserIsRequestor="true" NetworkAccessPointID="[^"]*"',
                    f'UserID="{facts["user"]}" UserIsRequestor="true" NetworkAccessPointID="{facts["host"]}"', copied)
    assert judged("Correction", editions, copied).outcome is Outcome.NOT_YET
    copied = copied.replace(facts["wrong_id"], facts["patient_id"])
    assert judged("Correction", editions, copied).label == "the_old_name"
    assert judged("Correction", editions, copied.replace(facts["wrong_name"], facts["patient_name"])).correct


# the repository

class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, False


def _started(handler):
    server = _Tcp(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def test_repositories_of_others_are_right(editions):
    def by_file(keep):
        class Sender(socketserver.StreamRequestHandler):
            def handle(self):
                while True:
                    digits = b""
                    while (one := self.rfile.read(1)) not in (b" ", b""):
                        digits += one
                    message = self.rfile.read(int(digits or 0))
                    if not digits or len(message) < int(digits):
                        return
                    keep(message)
        return _started(Sender)

    def by_deframer(keep):
        class Sender(socketserver.BaseRequestHandler):
            def handle(self):
                stream = audit.Deframer()
                while octets := self.request.recv(3):
                    for message in stream.feed(octets):
                        keep(message)
        return _started(Sender)

    for right in (by_file, by_deframer):
        verdict = judged("Repository", editions, right)
        assert verdict.correct, verdict


def _wrong(take):
    return lambda keep: taught._repository(keep, take)


def test_a_bytearray_is_as_good(editions):
    def by_bytearray(keep):
        return EXERCISES["Repository"].solution(lambda message: keep(bytearray(message)))
    assert judged("Repository", editions, by_bytearray).correct


def test_the_length_has_to_be_used(editions):
    def parts_between_headers(receive):
        waiting = b""
        while octets := receive(4096):
            waiting += octets
            some = re.split(rb"\d+ (?=<\d+>1 )", waiting)
            for one in some:
                if one.endswith(b"Message>"):
                    yield one
                    waiting = b""

    def second_end(receive):
        waiting = b""
        while octets := receive(4096):
            waiting += octets
            while waiting.count(b"AuditMessage>") >= 2:
                end = waiting.index(b"AuditMessage>", waiting.index(b"AuditMessage>") + 1) + 13
                yield waiting[waiting.index(b"<"):end]
                waiting = waiting[end:]

    for wrong in (parts_between_headers, second_end):
        assert judged("Repository", editions, _wrong(wrong)).outcome is Outcome.NOT_YET


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")          # the loop is stopped by one
def test_a_loop_that_never_ends_is_told_and_stopped(editions):
    def endless(keep):
        class Sender(socketserver.BaseRequestHandler):
            def handle(self):
                waiting = b""
                while True:
                    octets = self.request.recv(4096)
                    if octets == b"":
                        return
                    waiting += octets
                    while b" " in waiting:
                        length, rest = waiting.split(b" ", 1)
                        if len(rest) >= int(length):
                            keep(rest[:int(length)])
                            waiting = rest[int(length):]
        return _started(Sender)

    def one_thread(keep):
        threaded = endless(keep)
        threaded.shutdown()
        threaded.server_close()
        server = socketserver.TCPServer(("127.0.0.1", 0), threaded.RequestHandlerClass)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    assert judged("Repository", editions, endless).label == "no_way_out"
    assert judged("Repository", editions, one_thread).outcome is Outcome.NOT_YET
    message = judged("Repository", editions, _handles(("socketserver.ThreadingTCPServer(", "socketserver.TCPServer("),
                                                      ("server.daemon_threads = True", ""))).message
    assert "without `Threading`" in message
    for one in threading.enumerate():
        if "process_request" in one.name:
            one.join(5)                                 # told to end, and maybe not out of its last lines yet
            assert not one.is_alive()


def _handles(*body):
    """A learner's server, whose `handle` has the solution's lines but for those that are replaced: (old, new)."""
    source = inspect.getsource(taught.Repository.__dict__["solution"]).replace("def solution", "def repository")
    for old, new in body:
        assert old in source, old
        source = source.replace(old, new)
    names = {}
    exec(textwrap.dedent(source), names)
    return names["repository"]


@pytest.mark.parametrize("old, new, label, says", [
    ("waiting + octets", "octets", "forgotten", "broke off with `ValueError"),
    ("break", "return", "returns_when_not_whole", "connection is closed"),
    ("waiting + octets", 'waiting + octets.replace(b"\\xef\\xbb\\xbf", b"")', "value", "byte order mark"),
    ("keep(rest[:size])", "keep(rest[:min(size, 2048)])", "value", "8,187 octets"),
    ("int(length)", "int(length[-4:])", "value", "12,000 octets"),
    ("keep(rest[:size])", "keep(rest[:size]) if size <= 32768 else None", "value", "40,000 octets"),
    ("keep(rest[:size])", "keep(rest[:size]) if size <= 65536 else None", "value", "70,000 octets"),
    ("keep(rest[:size])", 'keep(rest[:size].decode("utf-8", "replace").encode())', "value", "not even UTF-8"),
    ("keep(rest[:size])", 'keep(rest[:size]) if rest[:1] == b"<" else None', "value", "no header of syslog"),
    ('while b" " in waiting', 'while len(octets) < 4096 and b" " in waiting', "value", "nothing behind it"),
    ("keep(rest[:size])", "keep(rest[:size]) if size <= 1500 else None", "value", "kept 0 of 1 messages."),
    ("keep(rest[:size])", "self.server.seen = getattr(self.server, 'seen', []) + [rest[:size]]; "
     "keep(rest[:size]) if self.server.seen.count(rest[:size]) == 1 else None", "value", "two times"),
])
def test_slips_in_the_handler(editions, old, new, label, says):
    verdict = judged("Repository", editions, _handles((old, new)))
    assert verdict.label == label and says in verdict.message and "only when something comes after" not in verdict.message, verdict


def test_what_is_returned_is_the_server(editions):
    started = []

    def port_of_it(keep):
        started.append(EXERCISES["Repository"].solution(keep))
        return started[0].server_address[1]
    message = judged("Repository", editions, port_of_it).message
    started[0].shutdown()
    started[0].server_close()
    assert "`return server`" in message and ".start()" not in message


def test_repositories_that_are_none(editions):
    for wrong in (lambda keep: [], lambda keep: 7, lambda keep: 1 / 0):
        assert judged("Repository", editions, wrong).outcome is Outcome.NOT_YET

    def text_kept(keep):
        return EXERCISES["Repository"].solution(lambda message: keep(message.decode("utf-8")))
    assert "not bytes" in judged("Repository", editions, text_kept).message
