"""Each incident is found, by its facts alone, in each system that is said to show it, and the systems agree."""

import datetime
import importlib

import pytest

from coursekit.hospital import hospital
from coursekit.hospital.incidents import KINDS, SYSTEMS

# system: module and function that finds an incident there, f(h, incident) -> list of Evidence.
FINDERS = {
    "pacs": ("incidents", "trace"), "feed": ("feed", "trace"), "worklist": ("worklist", "trace"),
    "mpps": ("worklist", "trace_mpps"), "audit": ("audit", "trace"), "capture": ("captures", "evidence"),
    "log": ("logs", "trace"), "registry": ("registry", "trace"),
}
SEEDS = range(1, 25)
CLOCKS_AGREE_TO = 5         # seconds: from one system to the next


def finders():
    """Those of the systems that have been built: name -> function."""
    built = {}
    for system, (module, function) in FINDERS.items():
        try:
            built[system] = getattr(importlib.import_module(f"coursekit.hospital.{module}"), function)
        except (ImportError, AttributeError):
            assert system not in ("pacs", "feed", "worklist", "mpps"), system
    return built


def apart(one, other):
    return abs((datetime.datetime.fromisoformat(one) - datetime.datetime.fromisoformat(other)).total_seconds())


def disagreements(h, incidents):
    """A sentence for each trace that is missing or contradicts the facts."""
    found, built = [], finders()
    for incident in incidents:
        for system in incident.systems:
            if system not in built:
                continue
            evidence = built[system](h, incident)
            if not evidence:
                found.append(f"{incident.id}: no trace in {system}")
            for trace in evidence:
                if system == "capture":                 # with the capture's name and the frame's number
                    trace = trace[2]
                found += [f"{incident.id}: {system} says {key} {value!r}, the facts {incident.facts.get(key)!r}"
                          for key, value in trace.ids.items() if incident.facts.get(key) != value]
                instant = incident.facts.get(trace.what + "_utc")
                if instant and apart(trace.at_utc, instant) > CLOCKS_AGREE_TO:
                    found.append(f"{incident.id}: {system} has {trace.what} at {trace.at_utc}, the facts at {instant}")
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_traces_agree(seed):
    h = hospital(seed, "tiny")
    assert disagreements(h, h.incidents) == []


@pytest.mark.parametrize("seed", (1, 7, 101))
def test_traces_of_the_other_rooms_agree(seed):
    h = hospital(seed, "tiny")
    others = h.all_incidents[len(h.incidents):]
    assert {incident.id[:2] for incident in others} == {"B1", "B3", "D2", "F8", "K4"}
    assert disagreements(h, others) == []
    assert len({incident.id for incident in h.all_incidents}) == len(h.all_incidents)


def test_broken_studies_of_every_class_are_recent_in_every_edition():
    classes = {kind for kind in KINDS if kind.startswith("A1")} - {"A1-12"}          # needs a limb of the last 30 days
    for seed in SEEDS:
        recent = {incident.id[:5] for incident in hospital(seed, "tiny").incidents if len(incident.systems) > 1}
        assert classes <= recent, (seed, classes - recent)


def test_the_comparison_sees_a_contradiction():
    h = hospital(1, "tiny")
    case = h.incidents[0]
    wrong = case._replace(facts={**case.facts, "planned_study_uid": "2.999.200.7.1", "merge_refused_utc": "2025-03-30 04:05:00"})
    text = "\n".join(disagreements(h, [wrong]))
    assert "feed says planned_study_uid" in text and "feed has merge_refused" in text
    nowhere = case._replace(facts={**case.facts, "temporary_id": "HVTMP9999"})
    assert "no trace in feed" in "\n".join(disagreements(h, [nowhere]))


def test_incidents_are_well_formed_and_stable():
    for seed in (1, 2):
        h = hospital(seed, "tiny")
        assert h.incidents[0].id == "C17"
        assert len({incident.id for incident in h.incidents}) == len(h.incidents)
        for incident in h.incidents:
            assert set(incident.systems) <= SYSTEMS.keys() and incident.systems
            assert incident.kind in KINDS.values() and incident.facts
            assert "2014" < incident.at_utc <= "2025-04-07 05:30:00"
    from coursekit.hospital.incidents import incidents
    assert incidents(hospital(1, "tiny")) == hospital(1, "tiny").incidents


def test_every_kind_happens_somewhere():
    kinds = {incident.kind for seed in SEEDS for incident in hospital(seed, "tiny").incidents}
    assert kinds == set(KINDS.values())


def test_the_default_edition_has_every_kind_in_the_last_30_days():
    recent = {incident.kind for incident in hospital().incidents if incident.at_utc >= "2025-03-08 05:30:00"}
    assert recent == set(KINDS.values())


def test_incidents_of_the_default_edition_leave_traces():
    h = hospital()
    some = [incident for incident in h.incidents if len(incident.systems) > 1 or incident.id.startswith("E1")]
    assert disagreements(h, some) == []


def test_case_17_of_the_default_edition_is_the_course_s():
    facts = hospital().incidents[0].facts
    assert {key: facts[key] for key in ("temporary_id", "temporary_name", "accession", "planned_study_uid", "typed_id",
                                        "study_uid", "patient_id", "station_aet")} == {
        "temporary_id": "HVTMP0077", "temporary_name": "UNKNOWN^FEMALE-77", "accession": "A2503300017",
        "planned_study_uid": "2.999.200.7.25033017", "typed_id": "HV10O234", "study_uid": "2.999.100.41.20250330.1",
        "patient_id": "HV100234", "station_aet": "CTER01"}


@pytest.mark.parametrize("seed", (0, 1, 2, 3))
def test_case_17_happens_in_this_order_though_the_naive_clocks_say_otherwise(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    case = h.incidents[0]
    moments = {trace.what: trace.at_utc for system in ("pacs", "feed", "worklist", "mpps")
               for trace in finders()[system](h, case)}
    order = [moments["registered"], moments["ordered"], moments["worklist_refused"], moments["mpps_refused"],
             case.facts["first_image_utc"], moments["received"], moments["merge_refused"],
             case.facts["manifest_refused_utc"], case.facts["partner_asked_utc"]]
    assert order == sorted(order) and len(set(order)) == len(order)
    assert moments["ordered"] == "2025-03-30 01:22:10" and case.facts["first_image_utc"] == "2025-03-30 01:41:03"
    assert apart(moments["merge_refused"], "2025-03-30 05:05:00") <= CLOCKS_AGREE_TO
    # Read without zones, the images (study time) are 41 minutes older than their order (MSH-7).
    ordered = next(message.text.split("|")[6] for message in h.feed if case.facts["accession"] in message.text)
    assert ordered == "20250330032210+0200"
    naive = case.facts["study_dt_local"].replace("-", "").replace(" ", "").replace(":", "")
    assert naive == "20250330024103" and naive < ordered[:14]
