"""Projects, procurement, management: every planted fault is found again from the files alone; the files tie to the archive."""

import csv
import datetime
import io
import statistics
from collections import Counter

import pytest

from coursekit.hospital import clock, hospital, projects, story, world
from coursekit.hospital.audit import local
from coursekit.hospital.clock import DAY, HOUR, seconds
from coursekit.hospital.projects import Projects

FORM = "%Y-%m-%d %H:%M:%S"


@pytest.fixture(scope="module", params=range(2))
def h(request):
    return hospital(request.param, 1000 if request.param % 2 else "tiny")


@pytest.fixture(scope="module")
def p(h):
    return Projects(h)


def wall(text):
    return datetime.datetime.strptime(text, FORM)


# ---- upgrade

def test_the_plan_by_longest_paths(p):
    """Early times by relaxing until nothing changes, late times from how far a delay reaches the end."""
    tasks = {task.task_id: task for task in p.upgrade.tasks}

    def run(delayed=None):
        start = dict.fromkeys(tasks, 0)
        if delayed:
            start[delayed] = early[delayed] + 1
        while True:
            before = dict(start)
            for name, task in tasks.items():
                for text in task.predecessors:
                    other = tasks[text[:3]]
                    lag = int(text[5:] or 0) + (0 if text[3:5] == "SS" else other.likely)
                    start[name] = max(start[name], start[other.task_id] + lag)
            if start == before:
                return start
    early = run()
    end = max(early[name] + task.likely for name, task in tasks.items())
    for slot in p.upgrade.schedule:
        assert slot.early_start == early[slot.task_id]
        late = run(slot.task_id)
        assert (max(late[name] + task.likely for name, task in tasks.items()) > end) == (slot.slack == 0), slot
    assert end == p.upgrade.truth["duration"] and all(task.optimistic <= task.likely <= task.pessimistic for task in tasks.values())


def test_a_circle_of_tasks_is_refused(p):
    first, *others = p.upgrade.tasks
    with pytest.raises(ValueError, match="circle"):
        projects.critical_path_method([first._replace(predecessors=("T46",)), *others])


def test_phases_wait_for_each_other_but_tasks_do_not(p):
    phase = {task.task_id: task.phase for task in p.upgrade.tasks}
    edges = {(phase[text[:3]], task.phase) for task in p.upgrade.tasks for text in task.predecessors}
    one, other = p.upgrade.truth["phases_in_a_circle"]
    assert (one, other) in edges and (other, one) in edges
    names = Counter(task.name for task in p.upgrade.tasks)
    assert tuple(task.task_id for task in p.upgrade.tasks if names[task.name] > 1) == p.upgrade.truth["same_name"]


def test_what_is_planted_in_the_plan(p):
    up, truth = p.upgrade, p.upgrade.truth
    assert ("T13", "T14") in truth["overbooked"]
    vendor = next(one for one in up.resources if one.away_from)
    slot = next(one for one in up.schedule if one.task_id == truth["absent"])
    assert up.date(slot.early_start) <= vendor.away_from <= vendor.away_until and vendor.away_from < up.date(slot.early_finish)
    hit = [one.kind for one in up.constraints if one.first <= truth["go_live_early"] <= one.last]
    assert truth["go_live_forbidden_by"] in hit
    assert len(truth["checks_failed"]) == 1 and next(one for one in up.checks if one.check_id == truth["checks_failed"][0]).critical
    not_rerun = [one.test_id for one in up.tests if one.round_1 == "FAIL" and not one.round_2]
    assert not_rerun == truth["not_rerun"] and len(not_rerun) >= 2 and truth["closed_untested"]
    assert len(up.issues) > 20 and len(up.risks) > 10
    planned = sum(task.cost_eur for task, slot in zip(up.tasks, up.schedule) if up.date(slot.early_finish - 1) <= up.status_date)
    earned = sum(task.cost_eur * one.percent // 100 for task, one in zip(up.tasks, up.progress))
    assert earned < planned and 0 < earned < sum(one.actual_cost_eur for one in up.progress) * 1.02


def test_holidays_are_those_of_the_calendar():
    """Easter by the rule of Gauss; what hangs on it, by days."""
    for year in (2024, 2025):
        a, b, c = year % 19, year % 4, year % 7
        d = (19 * a + 24) % 30
        easter = datetime.date(year, 3, 22) + datetime.timedelta(d + (2 * b + 4 * c + 6 * d + 5) % 7)
        for days in (1, 39, 50):
            assert str(easter + datetime.timedelta(days)) in projects.HOLIDAYS
    assert str(projects.working_day("2025-04-18", 1)) == "2025-04-22"           # the Monday is Easter Monday


# ---- migration

def test_discrepancies_are_found_by_comparing_the_inventories(h, p):
    m, found = p.migration, {}
    assert len(m.source) == len(m.target) > 500                                  # and yet much is wrong
    source = {one.study_uid: one for one in m.source}
    rows = {}
    for one in m.target:
        rows.setdefault(one.study_uid, []).append(one)
    lines = {one.study_uid: one.text for one in m.errors if "tried again" not in one.text}
    changed = m.truth["changed_uids"]
    back = {new: old for old, new in changed.items()}
    for uid, one in source.items():
        here = rows.get(uid) or rows.get(changed.get(uid), [])
        if not here:
            found[uid] = ("empty in the source" if not one.instances else "private transfer syntax"
                          if one.transfer_syntax == projects.PRIVATE_SYNTAX
                          else "quarantined" if "unknown to the patient" in lines.get(uid, "") else "missing")
        elif len(here) > 1:
            found[uid] = "duplicate"
        elif uid in changed:
            found[uid] = "changed UID"
            assert here[0][1:9] == (one.patient_id, *one[2:9])                   # all but the UID agrees
        elif here[0].instances != one.instances:
            found[uid] = ("orphaned SR or PR" if one.transfer_syntax == projects.PRIVATE_SYNTAX else "SR, PR or KO left behind"
                          if here[0].instances == one.instances - one.attachments and not here[0].attachments else "short")
        elif here[0].patient_id != one.patient_id:
            found[uid] = "merged patient"
    found.update({uid: "deleted in the source" for uid in rows if uid not in source and uid not in back})
    assert found == m.truth["discrepancies"]
    assert set(found.values()) == set(projects.DISCREPANCIES)


def test_what_was_tried_again_has_arrived_and_second_rows_differ(p):
    m, rows = p.migration, {}
    source = {one.study_uid: one for one in m.source}
    for one in m.target:
        rows.setdefault(one.study_uid, []).append(one)
    again = [one.study_uid for one in m.errors if "tried again" in one.text]
    assert again and all(rows[uid][0].instances == source[uid].instances for uid in again)
    twice = [(source[uid], *here) for uid, here in rows.items() if len(here) > 1]
    assert all(first.issuer and first.instances == old.instances and first.patient_id == old.patient_id for old, first, _ in twice)
    assert any(second.instances < first.instances for _, first, second in twice)
    assert any(second.patient_id != first.patient_id for _, first, second in twice)


def test_migrated_studies_are_the_archives(h, p):
    m, kinds = p.migration, p.migration.truth["discrepancies"]
    known = {uid: (count, size, deleted) for uid, count, size, deleted in
             h.pacs.rows("SELECT study_uid, n_instances, size_bytes, deleted FROM study")[1]}
    assert all(known[one.study_uid] == (one.instances, one.size_bytes, 0) for one in m.source)
    assert all(known[uid][2] for uid, kind in kinds.items() if kind == "deleted in the source")
    assert kinds[h.truth["case_17"]["study_uid"]] == "quarantined"
    merged = {pid for (pid,) in h.pacs.rows("SELECT pid FROM patient WHERE merged_into IS NOT NULL")[1]}
    by_uid = {one.study_uid: one for one in m.target}
    assert all(by_uid[uid].patient_id in merged for uid, kind in kinds.items() if kind == "merged patient")
    assert sum(row[2] for row in m.inventory) == len(m.source)


def test_nights(p):
    m = p.migration
    assert [sum(one) for one in zip(*[night[4:7] for night in m.nights])] == [
        len(m.target), sum(one.instances for one in m.target), sum(one.size_bytes for one in m.target)]
    assert sum(run.studies for run in m.runs) == len(m.target)
    windows = {night.night: night for night in m.nights}
    assert windows["2025-03-30"].hours == 2 and windows["2025-03-29"].hours == 3  # the clock change
    for one in m.target:
        at = moment_local(one.arrived_utc)
        assert windows[at[:10]].starts_local <= at <= windows[at[:10]].ends_local, one
    dead = [night.night for night in m.nights if not night.studies]
    assert m.truth["stopped"] in dead and "nobody noticed" in windows[m.truth["stopped"]].note
    load = {night.night: (night.instances * projects.OBJECT_MS + night.size_bytes // projects.BYTES_PER_MS) / night.hours
            for night in m.nights}
    usual = sorted(load[night] for night in load if load[night] and night not in m.truth["slow_nights"]
                   and night < m.truth["rebuild_since"])
    slow = [load[night] for night in m.truth["slow_nights"]]
    assert sum(slow) / len(slow) < 0.6 * sum(usual) / len(usual) and not set(slow) & {0}
    assert m.truth["rebuild_since"] == "2025-04-05"                               # the night after the disk failed
    assert len(m.sample) and not any(one.pixels_differ for one in m.sample)
    assert m.error_log().count("\n") == len(m.errors)


def moment_local(utc):
    return clock.text([local(seconds(utc))])[0]


# ---- training

def test_classes_and_bookings(h, p):
    t = p.training
    sessions = {one.session_id: one for one in t.sessions}
    booked = Counter(one.session_id for one in t.attendance)
    assert all(booked[name] <= one.seats for name, one in sessions.items())
    busy = Counter((one.room, one.starts_local) for one in t.sessions)
    assert set(busy.values()) == {1} and max(one.ends_local for one in t.sessions) < projects.RELEASE_6
    roles = {one.course_id: one.roles for one in t.courses}
    assert all(one.role in roles[sessions[one.session_id].course_id] for one in t.attendance)
    assert 25 < len(t.truth["untrained"]) < len(t.users) - 60
    nights = {True: [], False: []}
    for one in t.attendance:
        start = seconds(sessions[one.session_id].starts_local)
        shift = h.staff.shift_of(h.staff.user(one.user_id), start // DAY - 1)
        nights[shift is not None and start - 8 * HOUR < shift[1] <= start].append(one.status == "no show")
    if len(nights[True]) > 5:
        assert sum(nights[True]) / len(nights[True]) > sum(nights[False]) / len(nights[False])


def test_the_item_with_the_wrong_key_discriminates_against_the_able(p):
    t = p.training
    key = {one.item: one.key for one in t.items}
    answers = {}
    for one in t.responses:
        if one.occasion == "before":
            answers.setdefault(one.user_id, {})[one.item] = one.chosen == key[one.item]
    biserial = {}
    for item in key:
        rest = [sum(row.values()) - row[item] for row in answers.values()]
        own = [row[item] for row in answers.values()]
        biserial[item] = statistics.correlation(rest, own) if len(set(own)) > 1 else 0
    assert min(biserial, key=biserial.get) == t.truth["miskeyed"] and biserial[t.truth["miskeyed"]] < -0.1
    right = Counter(item for row in answers.values() for item, ok in row.items() if ok)
    assert right.most_common(1)[0][0] == t.truth["too_easy"]
    after = {one.user_id for one in t.responses if one.occasion == "after"}
    assert after < set(answers)


# ---- tender

def test_claims_that_the_documents_contradict(p):
    t = p.tender
    wanted = {one.req_id: one for one in t.requirements}
    says = {(one.vendor, one.key): one.role for one in t.statements}
    found = {vendor: [] for vendor in t.vendors}
    for one in t.answers:
        evidence = wanted[one.req_id].evidence
        if one.code == "yes" and evidence and says.get((one.vendor, evidence), "SCU") == "SCU":
            found[one.vendor].append(one.req_id)
    assert found == {vendor: sorted(ids) for vendor, ids in t.truth["contradicted"].items()}
    assert wanted[t.truth["by_evidence"]["Lanternfish"]].mandatory
    failed = [(one.vendor, one.req_id) for one in t.answers if one.code != "yes" and wanted[one.req_id].mandatory]
    assert failed == list(t.truth["knocked_out"].items())


def test_the_winner_depends_on_the_weight_of_the_price(p):
    t = p.tender
    totals = {vendor: sum(one.eur for one in t.prices if one.vendor == vendor) for vendor in t.vendors}
    left = [vendor for vendor in t.vendors if vendor not in t.truth["knocked_out"] and vendor not in t.truth["by_evidence"]]
    cheapest = min(totals[vendor] for vendor in left)

    def winner(share):
        return max(left, key=lambda vendor: share * t.technical[vendor] + (100 - share) * 100 * cheapest / totals[vendor])
    assert 50 < t.truth["flip_share"] < t.quality_share
    assert winner(t.truth["flip_share"] + 1) == winner(t.quality_share) == "Brinkmere"
    assert winner(t.truth["flip_share"] - 1) == "Quillhaven"
    assert max(t.technical, key=t.technical.get) == "Veldstone"                  # the best is out
    assert sum(t.category_weights.values()) == 100
    assert not [one for one in t.prices if one.vendor == "Quillhaven" and one.item.startswith("Exit")]
    assert min(one.year for one in t.prices if one.vendor == "Lanternfish" and one.kind == "support") == 3


def test_sop_classes_of_the_tender_are_the_standards(p):
    from pydicom.uid import UID_dictionary
    for one in [*p.tender.requirements, *p.tender.statements]:
        key = one.evidence if hasattr(one, "evidence") else one.key
        if key.startswith("sop:"):
            name, kind, *_ = UID_dictionary[key[4:]]
            assert kind == "SOP Class" and name in (one.text if hasattr(one, "text") else one.name) and "Retired" not in name


def test_evaluators(p):
    points = {}
    for one in p.tender.scores:
        points.setdefault((one.evaluator, one.vendor), []).append(one.points)
    mean = {key: sum(some) / len(some) for key, some in points.items()}
    assert mean["cardiology", "Lanternfish"] > mean["imaging IT", "Lanternfish"] + 0.5
    assert all(1 <= one.points <= 4 for one in p.tender.scores if one.evaluator == "radiology")
    assert all(0 <= one.points <= 5 for one in p.tender.scores)


# ---- speech

def test_critical_errors(h, p):
    s = p.speech
    signs = {
        "negation lost": lambda said, heard: negations(heard) < negations(said), "negation turned to new": lambda said,
        heard: negations(heard) < negations(said),
        "side changed": lambda said, heard: sides(said) != sides(heard),
        "decimal point lost": lambda said, heard: sum("." in w[:-1] and w[0].isdigit() for w in said) > sum("." in w[:-1] and w[0].isdigit()
            for w in heard),
        "unit changed": lambda said, heard: sum(w in ("mm", "millimetres") for w in said) != sum(w in ("mm", "millimetres") for w in heard)}

    def negations(words):
        return sum(word in ("no", "not") for word in words)

    def sides(words):
        return [word for word in words if word in ("left", "right")]
    dictations = {one[0] for one in h.logs.dictation}
    assert 30 < len(s.pairs) <= 400 and {one.study_uid for one in s.pairs} <= dictations
    for one in s.pairs:
        said, heard = ([word.strip(",.") if not word[:1].isdigit() else word for word in text.lower().split()]
                       for text in (one.reference, one.recognised))
        kind = s.truth["critical"].get(one.study_uid)
        assert kind in (None, *projects.CRITICAL)
        if kind:
            assert signs[kind](said, heard), one
        else:
            assert negations(said) == negations(heard) and sides(said) == sides(heard), one


def test_turnaround_before_and_after(p):
    s, truth = p.speech, p.speech.truth
    enrolled = {one.user_id: one.enrolled for one in s.speakers}
    hours = {}
    for one in s.turnaround:
        assert one.available_utc < one.dictated_utc < one.final_utc
        after = one.dictated_utc[:10] >= enrolled[one.user_id]
        if not after or one.user_id in truth["kept_typist"]:
            assert one.method == "typist"
        hours.setdefault((one.user_id == truth["slower"], after), []).append(seconds(one.final_utc) - seconds(one.dictated_utc))
    mean = {key: sum(some) / len(some) for key, some in hours.items()}
    assert mean[False, True] < mean[False, False] / 2 and mean[True, True] > mean[False, True]


# ---- changes

def test_every_fault_of_the_requests_is_found_and_no_other(p):
    c = p.changes
    near = {frozenset((one.source, one.target)) for one in c.interfaces}
    users = {one.group: set(one.systems) for one in c.stakeholders}
    freezes = [one for one in c.calendar if one.kind == "freeze"]
    found = {kind: [] for kind in c.fault_kinds}
    for one in c.requests:
        for period in freezes:
            if one.starts_local < period.ends_local and period.starts_local < one.ends_local and ("*" in period.systems
                or set(one.systems) & set(period.systems)):
                found["in a freeze"].append(one.change_id)
        if one.kind == "emergency" and one.began_local and not one.approved_local:
            found["emergency never approved"].append(one.change_id)
        if one.kind == "normal" and one.began_local and one.approved_local > one.began_local:
            found["approved afterwards"].append(one.change_id)
        if one.kind == "standard" and not any(known in one.title for known in c.standard):
            found["not a standard change"].append(one.change_id)
        if one.risk == "high" and not one.back_out:
            found["no back-out"].append(one.change_id)
        if one.approved_by == one.implementer:
            found["approved by the implementer"].append(one.change_id)
        if one.kind != "emergency" and any(systems & set(one.systems) and group not in one.notified for group, systems in users.items()):
            found["nobody told"].append(one.change_id)
        if one.ended_local and one.ended_local > one.ends_local:
            found["overran"].append(one.change_id)
    for place, one in enumerate(c.requests):
        for other in c.requests[place + 1:]:
            if one.starts_local < other.ends_local and other.starts_local < one.ends_local:
                if set(one.systems) & set(other.systems):
                    found["overlap"].append(frozenset((one.change_id, other.change_id)))
                elif any(frozenset((a, b)) in near for a in one.systems for b in other.systems):
                    found["overlap of neighbours"].append(frozenset((one.change_id, other.change_id)))
    for kind in found:
        planted = [frozenset(ids) if isinstance(ids, tuple) else ids for ids in c.truth[kind]]
        assert Counter(found[kind]) == Counter(planted), kind
        assert planted
    assert len(c.requests) > 400 and [one.change_id for one in c.requests] == sorted(one.change_id for one in c.requests)


def test_the_change_behind_case_17(h, p):
    c = p.changes
    by_id = {one.change_id: one for one in c.requests}
    cause, cure = (by_id[c.truth["case_17"][key]] for key in ("cause", "cure"))
    assert seconds(cause.began_local) < local(story.RENAMED) < seconds(cause.ended_local) and cause.systems == ("CTER01",)
    assert seconds(cure.began_local) <= local(story.REPAIRED) <= seconds(cure.ended_local) and cure.kind == "emergency"
    assert {"HV_MWL", "HV_PACS", "HV_ROUTER", "DOSE", "BILLING"} <= set(c.affected("CTER01"))
    assert "HV_MWL" not in cause.systems and "Emergency" not in cause.notified
    assert "CTER01" in c.downstream("HV_MWL") and "WS_CH1" in c.downstream("SAN")       # through HV_PACS


def test_configuration_items_are_those_of_the_network(p):
    hosts = {aet: host for aet, host, *_ in world.DEVICES}
    known = {one.system: one for one in p.changes.systems}
    assert all(known[aet].host == host for aet, host in hosts.items() if aet != "CT_ER") and len(known) >= 60
    assert all(one.source in known and one.target in known for one in p.changes.interfaces) and len(p.changes.interfaces) > 250


def test_notices(p):
    c = p.changes
    signs = {"end": " until ", "time zone": "Europe/Amsterdam", "impact": "Impact:", "workaround": "Workaround:", "contact": "Contact:"}
    for one in c.notices:
        lacks = [name for name, sign in signs.items() if sign not in one.text]
        assert lacks == ([c.notice_faults[one.change_id]] if one.change_id in c.notice_faults else [])
    assert len(c.notice_faults) > 3


# ---- workflow

def test_events_tell_the_true_times_by_their_clocks(h, p):
    w = p.workflow
    by_uid = {times["study"].uid: accession for accession, times in w.true_times.items()}
    seen = Counter()
    for one in w.events:
        accession = by_uid.get(one.study_uid, one.accession)
        utc = w.true_times[accession][one.activity]
        ahead = w.truth["clocks"].get(one.source, 0)
        if one.source == "HV_PACS":
            assert one.at == clock.text([utc])[0].replace(" ", "T") + "Z"
        elif one.source == "RIS":
            assert datetime.datetime.strptime(one.at, "%d-%m-%Y %H:%M") == wall(clock.text([local(utc) + ahead])[0]).replace(second=0)
        elif one.source == "VOX":
            assert seconds(one.at) == local(utc) + ahead
        elif one.source == "MPPS":
            assert datetime.datetime.strptime(one.at, "%Y%m%d.%H%M%S") == wall(clock.text([local(utc)])[0])
        seen[accession, one.activity] += 1
    assert sorted(key for key, count in seen.items() if count > 1) == sorted(w.truth["twice"])
    assert not set(w.truth["missing"]) & set(seen)
    assert {one.source for one in w.events} == set(w.sources)


def test_case_17_seems_older_than_its_order(h, p):
    case = h.truth["case_17"]
    w = p.workflow
    assert case["accession"] in w.truth["locked_out"]
    (header,) = [one for one in w.events if one.source == "header" and one.study_uid == case["study_uid"]]
    (ordered,) = [one for one in w.events if one.accession == case["accession"] and one.activity == "ordered"][:1]
    assert header.at == case["study_dt_local"] and header.accession == ""
    assert wall(header.at) < datetime.datetime.strptime(ordered.at, "%d-%m-%Y %H:%M")
    assert (case["accession"], "stored") in w.truth["no accession"]


def test_final_reports_are_those_of_the_feed(h, p):
    sent = {}
    for message in h.feed:
        if message.event == "ORU^R01" and message.receiver != "EMR":
            sent.setdefault(seconds(message.at_utc), []).append(message.text)
    finals = [(accession, times["final"]) for accession, times in p.workflow.true_times.items() if "final" in times]
    assert finals and all(any(f"|{accession}|" in text for text in sent[at]) for accession, at in finals)


# ---- departments

def test_departments(h, p):
    d = p.departments
    users = {user.user_id for user in h.staff.users}
    rules = {one.rule for one in d.rules}
    assert all(one.owner in users and one.rule in rules for one in d.inventory)
    pids = {pid for (pid,) in h.pacs.rows("SELECT pid FROM patient")[1]}
    assert {one.patient_id for one in d.holds} <= pids and d.truth["ended_holds"]
    for one in d.share:
        what, pid = d.truth["share"][one.path]
        assert (pid.lower() in one.path.lower()) == (what == "patient ID"), one
    assert len(d.share) > 1000 and set(what for what, _ in d.truth["share"].values()) == {"patient ID", "patient ID cut off", "name only",
                                                                                          "nothing"}


def test_jobs_that_clash_by_marking_minutes(p):
    jobs, used = p.departments.jobs, {}
    for job in jobs:
        start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (job.starts, job.ends))
        used[job.job] = {(day * 1440 + minute) % 10_080 for day in job.weekdays
                         for minute in range(start, end + (1440 if end <= start else 0))}
    found = [(one.job, other.job) for place, one in enumerate(jobs) for other in jobs[place + 1:] if one.uses == other.uses
             and used[one.job] & used[other.job]]
    assert found == p.departments.truth["clashes"] and len(found) >= 3


# ---- desk

def test_tickets(h, p):
    k = p.desk
    assert len(k.tickets) > 6500 and len({one.ticket_id for one in k.tickets}) == len(k.tickets)
    wrong = {one.ticket_id: k.matrix[one.impact, one.urgency] for one in k.tickets
             if one.priority != k.matrix[one.impact, one.urgency] and "-" not in one.ticket_id}
    assert wrong == k.truth["priority"] and wrong
    assert k.matrix == {(i, u): max(1, i + u - 1) for i in (1, 2, 3) for u in (1, 2, 3)}
    first = {one.ticket_id: one for one in k.tickets}
    for again, once in k.truth["twice"].items():
        assert first[again].caller == first[once].caller and first[again].summary == first[once].summary.upper()
    assert [one.ticket_id for one in k.tickets if one.resolved_local and one.resolved_local < one.opened_local
            and "-" not in one.ticket_id] \
        == k.truth["impossible"]
    weeks = Counter((seconds(one.opened_local) - seconds(projects.DESK_FROM)) // (7 * DAY) for one in k.tickets)
    assert weeks[9] > weeks[30] > 150                                            # a new release
    trained = set(p.training.trained)
    asked = Counter(one.caller in trained for one in k.tickets if one.category == "how-to"
                    and projects.RELEASE_6 < one.opened_local < "2024-11-10")
    people = len(p.training.truth["untrained"]), len(trained)
    assert asked[False] / people[0] > 1.5 * asked[True] / people[1]


def test_case_17_at_the_desk(p):
    k = p.desk
    named = {k.truth["story"][one.ticket_id]: one for one in reversed(k.tickets) if one.ticket_id in k.truth["story"]}
    worklist = named["C17"]
    assert worklist.opened_local.startswith("2025-03-30 03:43") and worklist.priority > k.matrix[worklist.impact, worklist.urgency]
    assert seconds(worklist.resolved_local) == local(story.REPAIRED) and "K4-01-1" in named


def test_service_hours():
    friday = seconds("2025-04-18 16:30:00")
    assert projects.service_minutes(friday, seconds("2025-04-22 08:30:00")) == 60          # a weekend and Easter Monday between
    assert projects.service_minutes(friday - 10 * HOUR, friday) == 510
    for minutes in (0, 10, 30, 31, 700):
        assert projects.service_minutes(friday, projects.after_service(friday, minutes)) == minutes


def test_service_levels_by_minutes_that_pass(p):
    """A sample counted minute by minute; the night of the clock change in true hours."""
    k = p.desk
    for one in k.tickets[::211]:
        level = k.levels[one.priority - 1]
        if not one.resolved_local or level.clock == "always":
            continue
        at, minutes = wall(one.opened_local), 0
        while at < wall(one.answered_local):
            minutes += projects.is_working(at.date()) and 8 <= at.hour < 17
            at += datetime.timedelta(minutes=1)
        if abs(minutes - level.answer_minutes) > 1:
            assert ("answer" in k.late.get(one.ticket_id, ())) == (minutes > level.answer_minutes), one
    assert 100 < len(k.late) < len(k.tickets) // 4


def test_on_call(p):
    k = p.desk
    covered = sorted((one.starts_local, one.ends_local) for one in k.duties)
    gaps = []
    for (_, end), (start, _) in zip(covered, covered[1:]):
        if seconds(start) - seconds(end) > 9 * HOUR:
            gaps.append(start)
    assert gaps == [k.truth["gap"][1]]
    one, other = k.truth["overlap"]
    assert one in k.duties and other in k.duties and one.ends_local > other.starts_local
    assert sum(a.ends_local > b.starts_local for a, b in zip(k.duties, k.duties[1:])) == 1
    assert k.truth["two_weeks"] and k.truth["skill_gap"]
    found = []
    for work in k.worked:
        if work.kind == "day":
            ended = [one.ends_local for one in k.worked if one.user_id == work.user_id and one.starts_local < work.starts_local]
            if ended and (wall(work.starts_local) - wall(max(ended))).total_seconds() < 11 * 3600:
                found.append((work.user_id, work.starts_local))
    assert found == k.truth["rest"] and len(found) > 5
    tickets = {one.ticket_id: one for one in k.tickets}
    for work in k.worked:
        if work.kind == "call-out":
            duty = [one for one in k.duties if one.user_id == work.user_id
                    and one.starts_local <= tickets[work.ticket_id].answered_local < one.ends_local]
            assert duty and tickets[work.ticket_id].priority <= 2


# ---- security

def test_devices(p):
    s = p.security
    for one in s.devices:
        assert any(one.ip.startswith(start) and zone == one.zone for start, zone in s.zones)
    twice = [ip for ip, count in Counter(one.ip for one in s.devices).items() if count > 1]
    assert {tuple(one.device for one in s.devices if one.ip == ip) for ip in twice} == {s.truth["address_twice"]}
    assert [one.device for one in s.devices if one.kind == "modality" and one.zone != "modalities"] == s.truth["wrong_zone"]
    assert [one.device for one in s.devices if one.seen is None] == s.truth["never_seen"]
    assert all(one.support_ends is None or one.patched <= one.support_ends for one in s.devices)
    assert len(s.devices) > 150 and len({one.device for one in s.devices}) == len(s.devices)


def test_risk_register(p):
    s = p.security
    assert [one.risk_id for one in s.register if one.likelihood * one.impact != one.score] == s.truth["wrong_scores"] != []
    assert [one.risk_id for one in s.register if not one.owner] == s.truth["no_owner"] != []
    assert len(s.truth["overdue"]) == 3


def test_remote_sessions(p):
    s = p.security
    changes = {one.change_id: one for one in p.changes.requests}
    tickets = {one.ticket_id for one in p.desk.tickets}
    until = {one.vendor: one.last for one in s.contracts}
    found = {key: [] for key in ("no_reference", "outside_window", "after_contract", "never_ended", "shared_account")}
    for one in s.sessions:
        change = changes.get(one.reference)
        assert change or one.reference is None or one.reference in tickets
        if one.reference is None:
            found["no_reference"].append(one.session_id)
        if change and not change.starts_local <= one.started_local <= one.ended_local <= change.ends_local:
            found["outside_window"].append(one.session_id)
        if one.started_local[:10] > until[one.vendor]:
            found["after_contract"].append(one.session_id)
        if one.ended_local is None:
            found["never_ended"].append(one.session_id)
        for other in s.sessions:
            if (other.account == one.account and other.source_ip != one.source_ip
                    and other.started_local < one.started_local < (other.ended_local or "")):
                found["shared_account"].append(one.session_id)
    for key, ids in found.items():
        assert ids == s.truth[key] and ids, key
    assert len(s.sessions) > 150
    assert any(one.reference == p.changes.truth["case_17"]["cause"] for one in s.sessions)


# ---- files

def test_files(p):
    for file, (part, what, delimiter) in projects.FILES.items():
        text = p.text(file)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        listed = getattr(getattr(p, part), what)
        assert len(rows) == len(listed) + 1 and tuple(rows[0]) == listed[0]._fields, file
        assert text.endswith("\r\n") and len({len(row) for row in rows}) == 1
    assert "€ 1." in p.text("prices.csv")
    with pytest.raises(KeyError):
        p.text("secrets.csv")


def test_same_seed_same_files():
    one, other, third = Projects(hospital(5, 1000)), Projects(hospital(5, 1000)), Projects(hospital(6, 1000))
    for file in ("tickets.csv", "changes.csv", "migration_target.csv", "scores.csv", "remote_access.csv", "attendance.csv"):
        assert other.text(file) == one.text(file) != third.text(file)


def test_the_scan_shows_the_devices_that_answered(p):
    from xml.etree import ElementTree
    hosts = ElementTree.fromstring(p.security.scan()).findall("host")
    seen = [one for one in p.security.devices if one.seen]
    assert [host.find("address[@addrtype='ipv4']").get("addr") for host in hosts] == [one.ip for one in seen]
    for host, one in zip(hosts, seen):
        assert {port.get("portid") for port in host.iter("port")} == set(one.open_ports) - {"123"}
        if one.device == "HV_PACS":
            assert host.find("ports/port[@portid='11112']/service").get("name") == "dicom"


def test_firewall_rules(p):
    s = p.security

    def first(source, target, port, without=None):
        return next(one for one in s.rules if one.number != without and one.source in (source, "any") and one.target in (target, "any")
                    and one.port in (port, 0))
    assert first("guests", "imaging servers", 11112).number == s.truth["too_wide"]
    assert first("guests", "imaging servers", 11112, s.truth["too_wide"]).action == "deny"
    twice = s.rules[s.truth["never_used"] - 1]
    earlier = first(twice.source, twice.target, twice.port)
    assert earlier.number < twice.number and earlier.action == twice.action
    assert first("guests", "reading", 104).action == "deny" and first("imaging servers", "modalities", 104).action == "allow"


def test_buffers_and_roadmap(p):
    assert {one.system for one in p.changes.buffers} == {one.system for one in p.changes.systems if one.kind == "modality"}
    assert any(one.bytes_per_hour for one in p.changes.buffers)
    assert len(p.desk.roadmap) == 8 and {one.year for one in p.desk.roadmap} == {1, 2, 3}
