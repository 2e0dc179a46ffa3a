"""What learners give in lesson cpas-11 beyond the solutions and wrong ways, and the data that they are asked about."""

import ipaddress
import threading
import time

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpas_11_new_workstation as module
from coursekit.lessons.cpas_11_new_workstation import lesson
from coursekit.systems.caller import call

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SETUP = EXERCISES["NewStation"].solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def test_right_answers_in_other_forms_are_right(editions):
    wanted, missed = lesson.input_of("wanted", editions.own), solved("MissedHosts", editions)
    assert judged("MissedHosts", editions, ", ".join(missed)).correct
    assert judged("MissedHosts", editions, {wanted[name] for name in missed}).correct                   # by address
    assert judged("MissedHosts", editions, [name.lower().replace("_", "-") for name in missed]).correct
    plan = solved("AnnexPlan", editions)
    prefix = lesson.input_of("annex", editions.own).split("/")[1]
    assert judged("AnnexPlan", editions, {"Broadcast": plan["broadcast"], "devices": str(plan["devices"]), "mask": f"/{prefix}"}).correct
    assert judged("AnnexPlan", editions, {**plan, "mask": int(prefix)}).correct
    said = solved("WhatPingSays", editions)
    assert judged("WhatPingSays", editions, {name.replace(" ", "_"): f"{one.upper()})" for name, one in said.items()}).correct
    cause, hop = solved("WhereTheTimeGoes", editions)
    assert judged("WhereTheTimeGoes", editions, "b", str(hop)).correct
    assert judged("WhereTheTimeGoes", editions, EXERCISES["WhereTheTimeGoes"].answer.options["B"], float(hop)).correct
    assert judged("SharedAddresses", editions, " ".join(solved("SharedAddresses", editions))).correct
    failing = solved("WhichRung", editions)
    words = {1: "cable", 2: "Address", 3: "way", 4: "port", 5: "rung 5"}
    assert judged("WhichRung", editions, {name: words[rung] for name, rung in failing.items()}).correct
    edit = solved("OneEdit", editions)
    assert judged("OneEdit", editions, {**edit, "column": {"aet": "AE title", "host": "IP", "port": "port"}[edit["column"]]}).correct


@pytest.mark.parametrize(("given", "label"), [
    ({"mask": "0.0.0.31"}, "unreadable"), ({"mask": "255.255.0.255"}, "unreadable"), ({"broadcast": "10.20.46"}, "unreadable"),
    ({"devices": -1}, "value"),
])
def test_a_plan_that_cannot_be(editions, given, label):
    verdict = judged("AnnexPlan", editions, {**solved("AnnexPlan", editions), **given})
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_case_counts_in_a_title():
    for seed in (0, 3, 6):                      # editions in which the title is wrong
        editions = Editions(hospital(seed, "tiny"))
        edit = solved("OneEdit", editions)
        assert edit["column"] == "aet" and judged("OneEdit", editions, {**edit, "value": edit["value"].lower()}).outcome is Outcome.NOT_YET


def test_ports_may_be_numbers_or_text():
    editions = Editions(hospital(2, "tiny"))
    edit = solved("OneEdit", editions)
    assert edit["column"] == "port" and judged("OneEdit", editions, {**edit, "value": int(edit["value"])}).correct


@pytest.mark.parametrize("changes", [
    {"ip": "10.20.40.10", "entry_host": "10.20.40.10"}, {"ip": "10.20.40.19", "entry_host": " 10.20.40.19 "}, {"mask": "/26"}, {"mask": 26},
    {"ip": "10.20.40.16/26"}, {"port": "11112"}, {"pacs_host": "hv-pacs.hvgh.example"}, {"pacs_host": "HV-PACS"}, {"aet": "WS_ED2  "},
    {"aet": "WS_ED02", "entry_aet": "WS_ED02"},
])
def test_any_set_up_that_works_is_right(editions, changes):
    assert judged("NewStation", editions, {**SETUP, **changes}).correct
    assert judged("NewStation", editions, {name.upper(): value for name, value in {**SETUP, **changes}.items()}).correct


@pytest.mark.parametrize(("changes", "says"), [
    ({"ip": "10.20.40.80", "entry_host": "10.20.40.80"}, "workstations' network"),
    ({"ip": "10.20.40.0", "entry_host": "10.20.40.0"}, "first address"),
    ({"ip": "10.20.40.63"}, "first address"), ({"ip": "10.20.40.61", "entry_host": "10.20.40.61"}, "keeps for itself"),
    ({"ip": "10.20.40.1"}, "another device"), ({"mask": "/30"}, "gateway"), ({"mask": "/25"}, "burner"), ({"mask": "/28"}, "gateway"),
    ({"gateway": "10.20.40.2"}, "no router"), ({"gateway": "10.20.40.16"}, "gateway"), ({"dns": "10.20.10.10"}, "name server"),
    ({"aet": "WS_CH1", "entry_aet": "WS_CH1"}, "in use"), ({"aet": "ws_ed2", "entry_aet": "ws_ed2"}, "request"),
    ({"aet": "EDVIEWER", "entry_aet": "EDVIEWER"}, "request"),
    ({"aet": "WS_ED2_EMERGENCY_X"}, "16 characters"), ({"port": 0}, "65535"), ({"port": "DICOM"}, "65535"),
    ({"port": 135, "entry_port": 135}, "another program"),
    ({"pacs_port": 2762}, "refused"), ({"pacs_host": "10.20.10.40"}, "refused"), ({"pacs_aet": "HVPACS"}, "called AE title"),
    ({"pacs_host": "pacs"}, "four numbers"),
    ({"entry_aet": "WS_ED1"}, "A801H"), ({"entry_host": "10.20.40.17"}, "finds nobody"), ({"entry_port": 4242}, "no answer"),
    ({"port": 11113}, "refused"), ({"entry_host": "10.20.40.11", "entry_port": 104}, "another"), ({"mask": "255.255.255.191"}, "mask"),
    ({"ip": "10.20.40.16.1"}, "four numbers"),
])
def test_a_set_up_that_does_not_work_is_refused_with_what_happens(editions, changes, says):
    verdict = judged("NewStation", editions, {**SETUP, **changes})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_set_up_in_another_shape_gets_a_sentence(editions):
    assert "missing" in judged("NewStation", editions, {"ip": "10.20.40.16"}).message
    assert "not asked for" in judged("NewStation", editions, {**SETUP, "vlan": 40}).message
    assert "still open" in judged("NewStation", editions, {**SETUP, "dns": ...}).message
    assert judged("NewStation", editions, [SETUP]).outcome is Outcome.NOT_YET
    assert "neither text nor" in judged("NewStation", editions, {**SETUP, "port": 11112.5}).message


def test_probes(editions):
    solution = EXERCISES["Probe"].solution

    def with_underscores(host, port, called):
        return solution(host, port, called).upper().replace(" ", "_")

    def in_one_go(host, port, called):
        answer = call(host, port, called)
        if answer.reply in ("no DICOM", "hung up"):
            return "not dicom"
        return ({"refused": "refused"}.get(answer.tcp) or {"nothing": "silent", "A-ABORT": "aborted"}.get(answer.reply)
                or {(2, 3, 2): "busy", (1, 1, 7): "called", (1, 1, 3): "calling"}.get((answer.result, answer.source, answer.reason))
                or ("ok" if answer.context == 0 else "no context"))

    def swapped(host, port, called):
        answer = call(host, port, "WS_ED1", called)
        return "called" if answer.reason == 7 else solution(host, port, called)

    def last_line_forgotten(host, port, called):
        found = solution(host, port, called)
        if found != "ok":
            return found

    assert judged("Probe", editions, with_underscores).correct and judged("Probe", editions, in_one_go).correct
    assert judged("Probe", editions, swapped).label == "titles_swapped"
    assert "`return` missing" in judged("Probe", editions, last_line_forgotten).message
    assert judged("Probe", editions, lambda host, port, called: "ok").outcome is Outcome.NOT_YET
    assert judged("Probe", editions, lambda host, port: "ok").label == "error"


def test_the_check_of_the_probe_is_quick_and_leaves_nothing_behind(editions):
    before, start = threading.active_count(), time.perf_counter()
    assert judged("Probe", editions, EXERCISES["Probe"].solution).correct
    assert time.perf_counter() - start < 6 and threading.active_count() == before          # about 1 s, on Windows 3 s; never an open end


@pytest.mark.parametrize("seed", range(10))
def test_the_data_on_every_seed(seed):
    h = hospital(seed, "tiny")
    network = ipaddress.ip_network(lesson.input_of("annex", h))
    assert 8 <= network.num_addresses <= 32 and not any(network.overlaps(ipaddress.ip_network(one)) for _, one, _ in module.PLAN)
    assert network.broadcast_address.packed[3] not in (255, 0)
    hops = lesson.input_of("hops", h)
    line = EXERCISES["WhereTheTimeGoes"].computed(EXERCISES["WhereTheTimeGoes"].solution, h)[1]
    quick = [min(times) for hop, times, _ in hops if times and hop < line and min(times) < 100]
    slow = [min(times) for hop, times, _ in hops if times and hop >= line]
    assert max(quick) + 20 < min(slow) and sum(not times for _, times, _ in hops) == 1
    assert sum(min(times) > 100 for _, times, _ in hops if times) == 1
    assert len(EXERCISES["SharedAddresses"].computed(EXERCISES["SharedAddresses"].solution, h)) == 2
    rung = {"physical": 1, "address": 2, "routing": 3, "transport": 4, "association": 5}
    truth = {one.name: rung[one.layer] for one in h.servers.bundles}
    assert EXERCISES["WhichRung"].computed(EXERCISES["WhichRung"].solution, h) == truth
    edit = EXERCISES["OneEdit"].computed(EXERCISES["OneEdit"].solution, h)
    table = lesson.input_of("ae_table", h)
    assert str(table.loc[edit["row"], edit["column"]]) != edit["value"] and table.at[edit["row"], "aet"].upper()[:2] == "WS"
    log = str(lesson.input_of("move_log", h))
    assert ("A801H" in log) == (edit["column"] == "aet") and ("refused" in log) == (edit["column"] == "port")


def test_the_desk_takes_whatever_is_typed(editions):
    ed1, ch1 = lesson.input_of("ed1", editions.own), lesson.input_of("ch1", editions.own)
    for typed in ("", "999.1.1.1", "hv-pasc", None, 10.2, "10.20.10", "10.20.10.10 ", 169090600):
        for desk in (ed1, ch1):
            assert str(desk.ping(typed)).startswith("C:\\>ping") and str(desk.tracert(typed)) and str(desk.test(typed, "x"))
    assert "Reply from 10.20.10.10" in str(ch1.ping("hv-pacs.hvgh.example")) and "could not find" in str(ed1.ping("hv-pacs"))
    assert "True" in str(ch1.test("10.20.10.10", 11112)) and "False" in str(ch1.test("10.20.10.10", 104))
    assert "Reply from 10.20.40.15" in str(ch1.ping(module.UNLISTED)) and "unreachable" in str(ch1.ping(module.OFF))


def test_the_plan_agrees_with_the_hospital():
    hosts = {host.name: host for host in module._hosts()}
    for host in hosts.values():
        assert ipaddress.ip_address(host.gateway) in host.network
    truth = hospital(0, "tiny").servers.truth["ws_ed1"]
    assert (hosts["WS_ED1"].ip, hosts["WS_ED1"].mask, hosts["WS_ED1"].gateway) == (truth["ip"], truth["right_mask"], truth["right_gateway"])
    assert not {f"10.20.40.{last}" for last in (10, 16, 17, 18, 19)} & {host.ip for host in hosts.values()}
