"""What learners give in lesson cpsa-01 beyond the solutions and wrong ways, and the data that they are asked about."""

import json
import re
import socketserver
import threading
import xml.etree.ElementTree as ET
from collections import defaultdict
from datetime import UTC, datetime, timedelta

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
        if int("0" + re.sub(r"\D", "", root[0].attrib["EventOutcomeIndicator"] or "1")) not in range(0, 13, 4) or \
                not root[0].attrib["EventOutcomeIndicator"].isdigit():
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
    ({"code": lambda m: m.find("EventIdentification/EventID").get("csd-code") is None}, "only_the_event"),
    ({"outcome": lambda said: said in ("1", "2")}, "value"),
    ({"outcome": lambda said: said != "0"}, "failure_is_a_fault"),
    ({"participant": lambda m: m.find("ActiveParticipant") is None or m.find("ActiveParticipant").get("UserName") is None},
     "without_children"),
    ({"order": "ocp"}, "value"), ({"order": "poc"}, "any_order"),
])
def test_checks_that_are_nearly_right_are_not(editions, change, label):
    verdict = judged("IsItValid", editions, lambda xml: taught.IsItValid._as(xml, **change))
    assert verdict.outcome is Outcome.NOT_YET
    if label != "without_children":                         # there a message without names may happen to fit another idea
        assert verdict.label == label, verdict


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

    for form in (with_a_moment, in_another_zone, with_pandas, with_z):
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
                          ({"starts": lambda row: row["type"] == "110122"}, "failed_ones_too")):
        assert judged("Sessions", editions, lambda logins, change=change: taught._sessions(logins, **change)).label == label
    assert judged("Sessions", editions, lambda logins: print(taught._sessions(logins))).outcome is Outcome.NOT_YET


# who looked

def test_who_looked_in_other_forms(editions):
    right = solved("WhoLooked", editions)
    frame = pandas.DataFrame(right)
    forms = [frame, frame.set_index("user"), [(one["user"].upper(), one["how"].upper(), str(one["message"])) for one in right],
             [{**one, "message": float(one["message"])} for one in right[::-1]],
             {one["user"]: (one["how"], one["message"]) for one in right}]
    for form in forms:
        assert judged("WhoLooked", editions, form).correct, form


def test_false_accusations_and_misses_are_told(editions):
    right = solved("WhoLooked", editions)
    assert {one["how"] for one in right} == {"opened", "listed"}
    trail, request, roster = (lesson.input_of(name, editions.own) for name in ("trail", "request", "roster"))
    radiologist = next(one for one in taught._looks(trail, request, roster, lambda row: row["unit"] == "Radiology"))
    assert "does not belong" in judged("WhoLooked", editions, [*right, radiologist]).message
    assert judged("WhoLooked", editions, [one for one in right if one["how"] == "opened"]).label == "openings_only"
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
                   {"source": "hv_pacs"}, {"lost": float(right["lost"])}, {"lost": str(right["lost"])}, {"ahead": "43.2 min"},
                   {"ahead": 2591}, {"after": (at + timedelta(hours=1)).isoformat() + "+01:00"}):
        assert judged("CanItBeTrusted", editions, {**right, **change}).correct, change
    for change, says in (({"ahead": -2592}, "sign"), ({"lost": right["lost"] + 1}, "difference of the two numbers"),
                         ({"ahead": 1296}, "number"), ({"clock": "CTER01"}, "offset that it really used"), ({"source": "MR1"}, "not"),
                         ({"after": "02:09"}, "write the time"), ({"after": f"{at + timedelta(minutes=1)}"}, "not")):
        verdict = judged("CanItBeTrusted", editions, {**right, **change})
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize("seed", range(4))
def test_there_is_one_hole_and_one_clock(seed):
    own = hospital(seed, "tiny")
    assert len(taught._holes(lesson.input_of("read_trail", own))) == 1
    transfers = lesson.input_of("transfers", own)
    ahead = (transfers.sender_says - transfers.archive_says).dt.total_seconds()
    assert set(transfers.sender[ahead.abs() > 60]) == {"HV_ROUTER"}


# the review

def test_policies_of_others_are_right(editions):
    right = EXERCISES["Policy"].solution()
    points = right["points"]
    without_one = {name: number for name, number in points.items() if name != "two_sites"}
    forms = [
        json.dumps(right), {**right, "report_from": 9.5}, {"points": {**points, "wrong_number": -500, "service": -1000}, "report_from": 10},
        {"points": without_one, "report_from": 10}, {"points": {**points, "override": 5, "listed_person": 5}, "report_from": 10},
        {"points": {name: number / 10 for name, number in points.items()}, "report_from": 1},
        {"points": {**points, "night": 0, "same_name": 0}, "report_from": 10}]
    for form in forms:
        verdict = judged("Policy", editions, form)
        assert verdict.correct, (form, verdict)


@pytest.mark.parametrize("change, drop, says", [
    ({}, ("left",), "Not before all others"), ({}, ("burst",), "needs action today"), ({}, ("alphabet", "two_sites"), "2 of 11"),
    ({"off_shift": 10}, (), "outside the roster"), ({"left": 0, "no_relation": 10}, (), "Not before all others"),
    ({"night": 1, "no_relation": 9}, (), "care relation"),
    ({"wrong_number": -5}, (), None), ({"no_relation": 21}, (), "innocent"),
])
def test_policies_that_are_nearly_right_are_not(editions, change, drop, says):
    points = {name: number for name, number in {**EXERCISES["Policy"].solution()["points"], **change}.items() if name not in drop}
    verdict = judged("Policy", editions, {"points": points, "report_from": 10 if change.get("wrong_number") is None else 5})
    assert verdict.outcome is Outcome.NOT_YET, verdict
    assert says is None or says in verdict.message, verdict


def test_policies_that_cannot_be_read_get_a_sentence(editions):
    for form, says in (({"points": {}}, "entries"), ({"points": {"nights": 1}, "report_from": 1}, "no signal"),
                       ({"points": [], "report_from": 1}, "dictionary"), ({"points": {"night": "much"}, "report_from": 1}, "no number"),
                       ({"points": {"night": 1}, "report_from": 0}, "above 0")):
        assert says in judged("Policy", editions, form).message, form
    with pytest.raises(CourseError, match="no signal"):
        lesson.input_of("review", editions.own).try_out({"points": {"nights": 1}, "report_from": 1})


def test_a_trial_tells_whom_it_accuses(editions):
    tried = lesson.input_of("review", editions.own).try_out({"points": {"override": 1}, "report_from": 1})
    assert "innocent, most often: night, override, no_relation, wrong_number (1)" in repr(tried)
    assert "an account whose password was guessed" in repr(tried)


# the message

def test_messages_of_others_are_right(editions):
    right, facts = solved("Correction", editions), lesson.input_of("correction", editions.own)
    compact = taught._correction_message(facts)
    forms = [right.encode("utf-8"), '<?xml version="1.0" encoding="UTF-8"?>\n' + right, "\ufeff" + compact,
             right.replace("05:12:30Z", "07:12:30+02:00"), right.replace("05:12:30Z", "05:12:30.000Z"),
             right.replace(facts["user"], facts["user"].split("@")[0]), right.replace('"true"', '"1"'), compact,
             right.replace('AlternativeUserID="AETITLES=HV_PACS" ', ""),
             right.replace("<ParticipantObjectName>CT HEAD", "<ParticipantObjectName>Study"),
             right.replace(">VANDERMEER^ANNA^ELISE<", ">Vandermeer^Anna<")]
    for form in forms:
        verdict = judged("Correction", editions, form)
        assert verdict.correct, (form, verdict)


@pytest.mark.parametrize("old, new, says", [
    ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="4"', "succeed"),
    ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="1"', "none of 0, 4"), ("csd-code=", "code=", "RFC 3881"),
    ("CT HEAD", "CT HEAD VANDERMEER", "free text"), ('UserIsRequestor="false"', 'UserIsRequestor="true"', "everal participants"),
    ('AuditSourceID="HV_PACS"', 'AuditSourceID="ARR"', "Which system"), ("110180", "110181", "study"),
    ("05:12:30Z", "05:12:31Z", "When did it happen"),
    ("<AuditMessage>", '<!DOCTYPE a [<!ENTITY b "c">]><AuditMessage>', "document type"), ("</AuditMessage>", "", "well-formed"),
])
def test_messages_that_are_nearly_right_are_not(editions, old, new, says):
    verdict = judged("Correction", editions, solved("Correction", editions).replace(old, new))
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


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
                while octets := self.request.recv(7):
                    for message in stream.feed(octets):
                        keep(message)
        return _started(Sender)

    for right in (by_file, by_deframer):
        verdict = judged("Repository", editions, right)
        assert verdict.correct, verdict


def test_repositories_that_are_none(editions):
    for wrong in (lambda keep: [], lambda keep: 7, lambda keep: 1 / 0):
        assert judged("Repository", editions, wrong).outcome is Outcome.NOT_YET

    def text_kept(keep):
        return EXERCISES["Repository"].solution(lambda message: keep(message.decode("utf-8")))
    assert "not bytes" in judged("Repository", editions, text_kept).message
