"""The audit trail: messages, what is hidden among them, and that everybody else had a reason."""

import io
import re
from collections import Counter

import pydicom
import pytest

from coursekit.hospital import audit, clock, hospital
from coursekit.standards import audit as dicom

SEEDS = range(8)


@pytest.fixture(scope="module", params=SEEDS)
def h(request):
    return hospital(request.param, 1000 if request.param % 2 else "tiny")


def read(h, event):
    return dicom.read(dicom.read_syslog(h.audit.lines[event.number - 1]).text)


def test_messages_are_sound_save_those_that_are_not(h):
    kinds = Counter()
    for number, (event, line) in enumerate(zip(h.audit.events, h.audit.lines), 1):
        assert event.number == number and "\n" not in line
        header = dicom.read_syslog(line)
        assert header.facility == 10 and header.kind in ("DICOM+RFC3881", "IHE+RFC-3881")
        assert header.severity == (4 if event.event == "110113" or event.outcome in ("8", "12") else 5)
        assert len(line.encode("utf-8")) < dicom.MOST_OCTETS
        assert bool(dicom.problems(header.text)) == bool(event.malformed), line
        kinds[event.malformed] += 1
        said = dicom.read(header.text)
        assert (said["event"], said["action"], said["source"]) == (event.event, event.action, event.source)
        assert sum(one["requestor"] for one in said["participants"]) <= 1
        if event.malformed != "no active participant" and event.user_id:
            assert f"{event.user_id}@hvgh.example" in [one["user_id"] for one in said["participants"]]
        if event.study_uid and event.event != "110113":
            assert event.study_uid in [one["id"] for one in said["objects"]]
    assert {*audit.MALFORMED} == {*kinds} - {None}
    assert 0.015 < 1 - kinds[None] / len(h.audit.lines) < 0.025


def test_all_events_are_there(h):
    events = {event.event for event in h.audit.events}
    assert events == {*dicom.EVENTS}
    types = {event.event_type for event in h.audit.events}
    assert {"110120", "110121", "110122", "110123", "110124", "110125", "110126", "110127", "110131"} <= types


def test_roles_are_those_of_the_standard(h):
    """PS3.15 A.5.3.3, A.5.3.4, A.5.3.7, A.5.3.10: who must be in a message of each kind."""
    both = {"110152", "110153"}
    must = {"110102": both, "110104": both, "110112": both, "110107": {"110155"}}
    for event in h.audit.events:
        if event.event in must and not event.malformed:
            said = read(h, event)
            assert must[event.event] <= {role for one in said["participants"] for role in one["roles"]}
            if event.event == "110112":
                (query,) = said["objects"]
                assert query["id_type"] == "110181" and query["query"]
                assert query["details"]["TransferSyntax"] == b"1.2.840.10008.1.2"


def test_queries_are_data_sets():
    h, seen = hospital(0, "tiny"), set()
    for event in h.audit.events:
        if event.event == "110112" and not event.malformed:
            octets = read(h, event)["objects"][0]["query"]
            data = pydicom.dcmread(io.BytesIO(octets), force=True)
            seen |= {element.keyword for element in data}
    assert {"PatientID", "PatientName", "ScheduledProcedureStepSequence", "QueryRetrieveLevel"} <= seen


def test_the_same_bytes_again():
    from coursekit.hospital.audit import Audit
    h = hospital(3, 1000)
    assert Audit(h).lines == h.audit.lines
    assert h.audit.lines != hospital(5, 1000).audit.lines


def test_the_stream_is_octet_counted():
    h = hospital(0, "tiny")
    deframer = dicom.Deframer()
    assert [one.decode("utf-8") for one in deframer.feed(h.audit.stream(0, 300))] == h.audit.lines[:300]


def encounters(h):
    """{patient ID, or Study Instance UID of what was examined for it: units where the patient was}.

    A study may be filed under a mistyped or retired number; then only its order leads to the encounter.
    """
    places = {}
    orders = dict(zip(*h.truth["study_order"].values()))
    location = dict(h.pacs.rows("SELECT o.pk, v.location FROM orders o JOIN visit v ON v.pk = o.visit_pk")[1])
    for pk, uid in h.pacs.rows("SELECT pk, study_uid FROM study WHERE created_utc >= '2025-03-08'")[1]:
        places[uid] = {location.get(orders.get(pk))}
    for pid, location in h.pacs.rows("SELECT p.pid, v.location FROM visit v JOIN patient p ON p.pk = v.patient_pk "
                                     "WHERE coalesce(v.discharged_local, '9') > '2025-03-07'")[1]:
        places.setdefault(pid, set()).add(location)
    return places


def test_whoever_treats_has_an_encounter_and_the_guilty_have_none(h):
    places = encounters(h)
    treating = {user.user_id: user.unit for user in h.staff.users
                if user.role in ("physician", "nurse") and user.unit not in ("Wound clinic", "Eastcliff Clinic")}
    for event in h.audit.events:
        if event.user_id in treating and event.patient_id and event.event in ("110103", "110110", "110109") and not event.incident:
            where = places.get(event.patient_id, set()) | places.get(event.study_uid, set())
            assert treating[event.user_id] in where, event
    for incident in h.audit.incidents:
        facts = incident.facts
        if incident.id.startswith(("B1-01", "B1-04-1")):
            unit = h.staff.user(facts["user_id"]).unit
            assert unit not in places.get(facts["patient_id"], ())
            others = [event for event in h.audit.events if event.user_id == facts["user_id"]
                      and event.patient_id == facts["patient_id"] and event.incident != incident.id]
            assert others == []
    trauma = next(one for one in h.audit.incidents if one.id == "B1-11-1")
    assert trauma.facts["innocent"] and "Emergency" in places[trauma.facts["patient_id"]]


def test_every_incident_has_its_traces(h):
    ids = [one.id for one in h.audit.incidents]
    assert len(ids) == len(set(ids)) and {one[:5] for one in ids} == {
        "B1-01", "B1-02", "B1-03", "B1-04", "B1-05", "B1-06", "B1-07", "B1-08", "B1-09", "B1-10", "B1-11", "B1-12"}
    for incident in h.audit.incidents:
        events = h.audit.of(incident)
        assert events and incident.systems == ("audit",)
        assert all(not event.malformed for event in events) or incident.id == "B1-09-1"
        for key in ("user_id", "patient_id", "study_uid"):
            if key in incident.facts:
                assert incident.facts[key] in [getattr(event, key) for event in events]
        assert len(audit.trace(h, incident)) == len(events)
    assert audit.incidents(h) == h.audit.incidents


def test_the_planted_patterns(h):
    found = {one.id: one for one in h.audit.incidents}

    def events(name):
        return h.audit.of(found[name])
    departed = h.staff.user(found["B1-02-1"].facts["user_id"])
    assert departed.left < found["B1-02-1"].at_utc[:10] and not departed.disabled
    first, second = (clock.seconds(event.utc[:19]) for event in events("B1-03-1"))
    assert 0 < second - first < 180 and len({event.host for event in events("B1-03-1")}) == 2
    exported = [event for event in events("B1-05-1") if event.event == "110106"]
    assert len({event.study_uid for event in exported}) == 48
    assert all("2025-04-03 00:" in event.utc for event in exported)             # two o'clock in Amsterdam
    outcomes = [event.outcome for event in events("B1-06-1") if event.event == "110114"]
    assert outcomes[-1] == "0" and len(outcomes) == 15 and "0" not in outcomes[:-1]
    wild = [read(h, event)["objects"][0]["query"] for event in events("B1-07-1")]
    assert len(wild) == 26 and all(b"*" in query for query in wild)
    trauma = events("B1-11-1")
    assert len({event.user_id for event in trauma}) >= 5 and len(trauma) >= 15
    assert clock.seconds(trauma[-1].utc[:19]) - clock.seconds(trauma[0].utc[:19]) <= 1200


def test_a_hole_in_the_numbers_shows_what_is_missing(h):
    gap = next(one for one in h.audit.incidents if one.id == "B1-08-1").facts
    holes, last = [], {}
    for event, line in zip(h.audit.events, h.audit.lines):
        number = dicom.read_syslog(line).sequence
        before = last.get(event.source)
        if before is not None and number != before + 1 and number != 1:
            holes.append((event.source, before + 1, number - 1))
        last[event.source] = number
    assert holes == [(gap["source"], *h.audit.gap_sequence)]
    inside = [event for event in h.audit.events if event.source == gap["source"] and gap["from_utc"] <= event.utc < gap["to_utc"]]
    assert inside == []


def test_times_as_the_sources_write_them(h):
    fast = next(one for one in h.audit.incidents if one.id == "B1-09-1")
    for event, line in zip(h.audit.events, h.audit.lines):
        shown = re.search(r'EventDateTime="([^"]+)"', line)[1]
        ahead = fast.facts["seconds_ahead"] if event.source == fast.facts["source"] and event.utc >= fast.at_utc else 0
        if event.source in ("CT_ER", "CTER01"):
            assert shown.endswith("+02:00" if event.utc >= "2025-03-31 06:15" else "+01:00")
            ahead = 3600 * int(shown[-4])
        elif event.source == "NM1":
            assert len(shown) == 23
        else:
            assert shown.endswith("Z")
        assert clock.seconds(shown[:19].replace("T", " ")) - clock.seconds(event.utc[:19]) == ahead


def test_case_17(h):
    case = h.truth["case_17"]
    incident = next(one for one in h.incidents if one.id == "C17")
    trace = audit.trace(h, incident)
    moments = {one.what: one.at_utc for one in trace}
    for what in ("registered", "ordered", "worklist_refused", "mpps_refused", "received", "manifest_refused", "partner_asked"):
        assert moments[what] == incident.facts[what + "_utc"], what
    events = h.audit.of(incident)
    assert ("ctuser", "110114") in [(event.user_id, event.event) for event in events]
    assert "110127" in [event.event_type for event in events]
    sent = [event for event in events if event.event == "110104"]
    assert {"CTER01", "HV_PACS"} <= {event.source for event in sent}
    assert {event.patient_id for event in sent} == {case["typed_id"]} and {event.study_uid for event in sent} == {case["study_uid"]}
    asked = [read(h, event)["objects"][0] for event in events if event.event == "110112"]
    assert len(asked) == 3 and all(one["details"]["NumberOfMatches"] == b"0" for one in asked)
    # The merge that the archive refused left nothing.
    assert not [event for event in h.audit.events if event.utc.startswith(case["merge_refused_utc"]) and event.event == "110110"]


def test_every_study_of_the_month_has_its_transfers(h):
    sent = {event.study_uid for event in h.audit.events if event.event == "110104"}
    _, rows = h.pacs.rows("SELECT study_uid, created_utc FROM study WHERE created_utc >= '2025-03-08 05:31:00' AND n_series > 0 "
                          "AND created_utc < '2025-04-07 05:00:00'")
    lost = [created for uid, created in rows if uid not in sent]
    assert all("2025-03-22 02:0" <= created < "2025-03-22 03:40:00" for created in lost)


def test_identifiers_are_invented(h):
    for line in h.audit.lines[:400]:
        for uid in re.findall(r'ParticipantObjectID="([\d.]{12,})"', line):
            assert uid.startswith("2.999.") or uid.startswith("1.2.840.10008.")
