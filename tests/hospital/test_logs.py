"""Logs of machines: what each shows of the incidents, in its own way of writing; reject logs, storage, disks, displays."""

import csv
import io
import json
import re
from collections import Counter

import pytest

from coursekit.hospital import captures, clock, hospital, logs


@pytest.fixture(scope="module", params=range(5))
def h(request):
    return hospital(request.param, 1000 if request.param % 2 else "tiny")


def test_logs_are_in_order_and_end_now(h):
    for name in logs.FILES:
        records = h.logs.records(name)
        times = [record.utc for record in records]
        assert times == sorted(times) and len(records) > 20 and times[-1] < clock.NOW_UTC
        text = h.logs.text(name)
        assert text.count("\n") == len(records) and text.endswith("\n")


FORMS = {"pacs": r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z (INFO |WARN |ERROR) \S+ .+",
         "router": r"\d\d/\d\d/2025 \d\d:\d\d:\d\d\|.+",
         "worklist": r"2025-\d\d-\d\dT\d\d:\d\d:\d\d\+0[12]:00 hv_mwl\[412\] .+",
         "engine": r"2025-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00\t[A-Z_>]+\t.+", "scanner": r"2025-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+ .+",
         "syslog": r"(Mar|Apr) [ 1-3]\d \d\d:\d\d:\d\d [a-z0-9-]+ .+"}


def test_each_vendor_writes_in_its_own_way(h):
    for name, form in FORMS.items():
        for record in h.logs.records(name):
            assert re.fullmatch(form, record.text), record


def test_wall_clocks(h):
    """The same refusal by a wall clock that knows of summer time, and by one that doesn't."""
    (mwl,) = [one for one in h.logs.records("worklist") if one.what == "worklist_refused"]
    (scanner,) = [one for one in h.logs.records("scanner") if one.what == "worklist_refused"]
    assert mwl.utc == scanner.utc
    assert mwl.text.startswith("2025-03-30T03:36:20+02:00") and scanner.text.startswith("2025-03-30 02:36:20")


def test_every_incident_that_names_the_log_is_found(h):
    for incident in [*h.incidents, *logs.incidents(h)]:
        if "log" in incident.systems:
            found = logs.trace(h, incident)
            assert found, incident
            for one in found:
                assert incident.facts.get(one.what + "_utc", one.at_utc) == one.at_utc
                assert all(incident.facts[key] == value for key, value in one.ids.items())
    for incident in captures.incidents(h):
        found = logs.trace(h, incident)
        assert found and all(one.at_utc == incident.at_utc for one in found), incident


def test_case_17_in_the_logs(h):
    incident = next(one for one in h.incidents if one.id == "C17")
    moments = {one.what: one.at_utc for one in logs.trace(h, incident)}
    for what in ("worklist_refused", "mpps_refused", "first_image", "received", "merge_refused", "manifest_refused"):
        assert moments[what] == incident.facts[what + "_utc"]
    assert incident.facts["typed_id"] in h.logs.text("scanner")
    assert incident.facts["study_uid"] in h.logs.text("pacs")


def test_studies_of_the_log_are_those_of_the_archive(h):
    known = dict(h.pacs.rows("SELECT study_uid, n_instances FROM study")[1])
    stored = Counter()
    parts = {}
    for record in h.logs.records("pacs"):
        begun = re.search(r"(assoc\[\d+\]) association \S+ -> HV_PACS accepted, study (\S+),", record.text)
        if begun:
            parts[begun[1]] = begun[2]
        ended = re.search(r"(assoc\[\d+\]) stored (\d+) objects", record.text)
        if ended:
            stored[parts[ended[1]]] += int(ended[2])
    assert stored and all(count <= known[uid] for uid, count in stored.items())


def table(text, delimiter):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_reject_logs_tell_what_is_true(h):
    exposures = h.logs.exposures
    helio, orbis, marlin = (table(h.logs.rejects(vendor), sign) for vendor, sign in (("helio", ";"), ("orbis", ","), ("marlin", "\t")))
    assert len(helio) == sum(one.device == "DX_CH1" for one in exposures)
    assert len(orbis) == sum(one.device == "CR_ER1" and not one.kept for one in exposures)
    assert len(marlin) == sum(one.device == "MG1" and not one.kept for one in exposures)
    assert {row["Reason"] for row in helio} <= {"", *logs.HELIO.values()} and "Test" in {row["Reason"] for row in helio}
    truth = [one for one in exposures if one.device == "CR_ER1" and not one.kept]
    for row, one in zip(orbis, truth):
        assert int(row["Code"]) == logs.ORBIS[one.reason] and int(row["S"]) == 20_000 // one.ei
    for one in exposures:
        assert one.kept == (one.reason is None) and (one.reason in (None, *logs.REASONS)) and one.utc < clock.NOW_UTC
    # Every kept exposure is an image in the archive, and so is every repeat that was sent there.
    kept = sum(one.kept or one.repeat_sent for one in exposures)
    archived = h.pacs.rows(
        "SELECT sum(n_instances) FROM series WHERE station_aet IN ('DX_CH1', 'CR_ER1', 'MG1') AND modality IN ('DX', 'CR', 'MG') "
        "AND created_utc >= '2025-01-07 05:30:00' AND study_pk IN (SELECT pk FROM study)")[1][0][0]
    assert kept == archived


def test_notes_of_rejection_name_images_of_the_archive(h):
    series = {uid: (aet, count) for uid, aet, count in h.pacs.rows("SELECT series_uid, station_aet, n_instances FROM series")[1]}
    notes = h.logs.rejection_notes
    assert notes == sorted(notes) and len({note[4] for note in notes}) == len(notes) and notes[-1][0] < clock.text([clock.NOW_UTC])[0]
    for _, code, meaning, device, sop_uid in notes:
        uid, number = sop_uid.rsplit(".", 1)
        assert series[uid][0] == device and 1 <= int(number) <= series[uid][1] and logs.NOTES[code] == meaning
    for device in ("DX_CH1", "CR_ER1", "MG1"):
        assert {note[1] for note in notes if note[3] == device} == set(logs.NOTES)


def test_reject_returns_hold_a_season_a_change_and_a_silent_month(h):
    rows = h.logs.reject_returns
    assert len(rows) == 36 and rows[0][0] == "2022-01" and rows[-1][0] == "2024-12"
    counts = {month: (n, rejects) for month, n, rejects in rows}
    beyond = []
    for month in (f"{number:02d}" for number in range(1, 13)):
        past = [counts[f"{year}-{month}"] for year in (2022, 2023)]
        usual = sum(rejects for _, rejects in past) / sum(n for n, _ in past)
        assert (usual > 0.12) == (month in ("07", "08"))
        n, rejects = counts[f"2024-{month}"]
        z = (rejects / n - usual) / (usual * (1 - usual) / n) ** 0.5
        assert abs(z) < 2.8 or abs(z) > 3.7
        beyond.append((z > 3) - (z < -3))
    since = beyond.index(1)
    assert since in (8, 9, 10) and beyond[since:] == [1] * (12 - since) and sorted(beyond[:since]) == [-1] + [0] * (since - 1)


def test_storage(h):
    files = h.logs.filesystems
    near = [row for row in files if row[1] == "/archive/near1"]
    assert [row[3] for row in near] == sorted(row[3] for row in near) and all(0 < row[3] <= row[2] for row in files)
    assert near[-1][0] == "2025-04-07" and near[-1][3] * 100 // near[-1][2] == 78
    months = {row[0] for row in h.logs.volumes}
    assert min(months) == "2022-04" and max(months) == "2025-04" and len(months) == 37


def test_disks(h):
    shelf = json.loads(h.logs.inventory())
    assert len(shelf["disks"]) == 12 and shelf["members"] + shelf["hot_spares"] == 12
    (failed,) = [one for one in h.logs.disks if one.state == "failed"]
    (suspect,) = [one for one in h.logs.disks if one.predictive_failure and one.state == "online"]
    incident = next(one for one in logs.incidents(h) if one.id == "K4-01-1")
    assert (incident.facts["failed_slot"], incident.facts["suspect_slot"]) == (failed.slot, suspect.slot)
    assert any(f"slot {failed.slot}: disk failed" in text for _, _, text in h.logs.controller_log)
    assert len(h.logs.smart().splitlines()) == 13
    assert clock.to_local(clock.seconds(incident.at_utc)) == clock.seconds("2025-04-04 17:40:12")


def test_photometer_readings(h):
    """Contrast response against the GSDF with ambient light: within 10 % where nothing is wrong, beyond where it is."""
    for name, fault in h.logs.display_faults.items():
        rows = [one for one in h.logs.readings if one.display == name and one.date == "2025-04-01"]
        assert [one.level for one in rows] == list(range(0, 256, 15))
        light = [float(one.luminance) + float(one.ambient) for one in rows]
        step = (logs.index(light[-1]) - logs.index(light[0])) / 17
        worst = max(abs((logs.index(b) - logs.index(a)) / step - 1) for a, b in zip(light, light[1:]))
        if fault is None:
            assert worst < 0.10, (name, worst)
        elif fault == "room too bright":
            assert light[-1] / light[0] < 250
        elif fault == "backlight aged":
            before = [float(one.luminance) for one in h.logs.readings if one.display == name and one.date == "2024-07-02"]
            assert float(rows[-1].luminance) < 0.6 * before[-1]
        else:
            assert worst > 0.20, (name, fault, worst)


def test_dictation(h):
    speakers = {user.user_id for user in h.staff.group("Radiology", "radiologist")}
    rows = h.logs.dictation
    assert rows
    for _, _, user_id, begun, ended, signed, words, by in rows:
        assert begun < ended < signed and user_id in speakers and words >= 35 and by in ("speech", "typist")


def test_the_same_again():
    h = hospital(2, "tiny")
    again = logs.Logs(h)
    for name in logs.FILES:
        assert again.text(name) == h.logs.text(name)
    assert again.rejects("marlin") == h.logs.rejects("marlin") and again.readings == h.logs.readings
