"""What learners give in lesson cpas-10 beyond the solutions and wrong ways, and the lesson's data beside the captures."""

import ipaddress
import re

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpas_10_networks as module
from coursekit.lessons.cpas_10_networks import lesson
from coursekit.standards import pcap

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
SEEDS = range(10)


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _input(name, seed=0):
    return lesson.input_of(name, hospital(seed, "tiny"))


def _right(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def _judge(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


LAYER_NAMES = {1: "physical", 2: "Data link", 3: "Network layer", 4: "L4", 7: "Application"}


def test_layers_in_other_forms_are_right(editions):
    import numpy as np
    import pandas as pd
    by_name = _right("LayerOfASymptom", editions)
    rows = [{"symptom": name, "layer": number} for name, number in by_name.items()]
    for given in (
        by_name, {name: str(number) for name, number in by_name.items()}, {name: LAYER_NAMES[number] for name, number in by_name.items()},
        {name: f"layer {number}" for name, number in by_name.items()}, {name.lower(): number for name, number in by_name.items()},
        {name: 5 if number == 7 else number for name, number in by_name.items()}, list(by_name.items()),
        {"symptom": list(by_name), "layer": list(by_name.values())}, pd.DataFrame(rows)[::-1],
        list(by_name.values()), [str(number) for number in by_name.values()],
        pd.Series(by_name), pd.Series(by_name, name="layer"), pd.Series(by_name).rename_axis("symptom"),
        np.array(list(by_name.values())), pd.Series(list(by_name.values())), " ".join(map(str, by_name.values())),
        ", ".join(f"{name}: {number}" for name, number in by_name.items()), [f"{name}: {number}" for name, number in by_name.items()],
        "\n".join(f"{name} = layer {number}" for name, number in by_name.items()), dict(enumerate(by_name.values(), 1)),
        {name: "TCP" if number == 4 else f"{number} ({LAYER_NAMES[number]})" for name, number in by_name.items()},
        {name: "5 to 7" if number == 7 else number for name, number in by_name.items()},
    ):
        assert _judge("LayerOfASymptom", editions, given).correct, given
    seven = dict(list(by_name.items())[:7])
    assert _judge("LayerOfASymptom", editions, seven).label == "missing row"
    assert _judge("LayerOfASymptom", editions, {name: 10 for name in by_name}).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("write", ["{} or {}", "{}/{}", "{} and {}", "{}, maybe {}", "layer {} ({})"])
def test_two_layers_at_once_are_refused(editions, write):
    right = _right("LayerOfASymptom", editions)
    for name, number in right.items():
        other = 3 if number != 3 else 4
        for two in ((number, other), (other, number)):
            verdict = _judge("LayerOfASymptom", editions, right | {name: write.format(*two)})
            assert verdict.outcome is Outcome.NOT_YET and "one layer is asked" in verdict.message, verdict
    assert not _judge("LayerOfASymptom", editions, {name: "2 (network)" for name in right}).correct


@pytest.mark.parametrize("seed", SEEDS)
def test_each_wrong_layer_of_each_symptom_gets_its_reason(seed):
    own = Editions(hospital(seed, "tiny"))
    right, symptoms = _right("LayerOfASymptom", own), _input("symptoms", seed)
    for name, number in right.items():
        reasons = next(reasons for _, text, reasons in module.SYMPTOMS if text == symptoms[name])
        for other in {1, 2, 3, 4, 7} - {number}:
            verdict = _judge("LayerOfASymptom", own, right | {name: other})
            assert verdict.outcome is Outcome.NOT_YET
            if verdict.label == "value":
                assert verdict.message == f"1 of the eight is not right yet. {name}: {reasons.get(other) or module.AT_LAYER[other]}"
    several = right | {name: 1 if number != 1 else 7 for name, number in list(right.items())[:4]}
    verdict = _judge("LayerOfASymptom", own, several)
    assert verdict.message.startswith("4 of the eight are not right yet. S1: ") and "S3: " in verdict.message


@pytest.mark.parametrize("seed", SEEDS)
def test_the_words_of_the_solution_tell_every_symptom_s_layer(seed):
    symptoms = {f"S{number}": text for number, (_, text, _) in enumerate(module.SYMPTOMS)}
    found = EXERCISES["LayerOfASymptom"].solution(symptoms)
    assert list(found.values()) == [number for number, _, _ in module.SYMPTOMS]
    chosen = list(_input("symptoms", seed).values())
    assert len(chosen) == len(set(chosen)) == 8


@pytest.mark.parametrize(("name", "given"), [
    ("WhoseHardwareAddress", ("b", "02-48-56-00-0A-01")), ("WhoseHardwareAddress", ("B)", "024856000a01")),
    ("WhoseHardwareAddress", ("B", "0248.5600.0a01")), ("WhoseHardwareAddress", ("B", "02 48 56 00 0a 01")),
    ("WhereDicomBegins", ("0x42",)), ("WhereDicomBegins", (66.0,)), ("WhereDicomBegins", ([66],)),
    ("WhereDicomBegins", ("42h",)), ("WhereDicomBegins", ("42 H",)), ("WhereDicomBegins", ("0042H",)), ("WhereDicomBegins", ("offset 66",)),
    ("WhoseHardwareAddress", ("B", "10.20.10.1 at 02:48:56:00:0a:01")), ("WhoseHardwareAddress", ("B", "router 02-48-56-00-0A-01")),
    ("WhereDicomBegins", ("66 bytes",)), ("WhereDicomBegins", ("Offset: 0x42",)), ("WhereDicomBegins", ("byte 66",)),
])
def test_right_answers_in_other_forms_are_right(editions, name, given):
    assert _judge(name, editions, *given).correct


@pytest.mark.parametrize(("name", "given", "label"), [
    ("WhoseHardwareAddress", ("A", "02:48:56:00:0a:01"), "the_scanner"), ("WhoseHardwareAddress", ("B", "10.20.10.1"), "evidence"),
    ("WhoseHardwareAddress", ("B", "02:48:56:14:0a:0a"), "first_six_bytes"), ("WhoseHardwareAddress", ("D", "x"), "the_switch"),
    ("WhereDicomBegins", (54,), "without_options"), ("WhereDicomBegins", (12,), "value"),
    ("WhereDicomBegins", (65,), "one_early"), ("WhereDicomBegins", (76,), "called_title"), ("WhereDicomBegins", (92,), "calling_title"),
    ("WhereDicomBegins", ("66-69",), "unreadable"), ("WhoseHardwareAddress", ("B", "02:48:56:14:0a:0c"), "dicom_router"),
    ("WhoseHardwareAddress", ("B", b"\x02\x48\x56"), "evidence"),
    ("WhatSlowsTheBitewings", ("B", "10.20.30.71"), "evidence"), ("WhatSlowsTheBitewings", ("A", "gi1/0/9"), "cable"),
    ("WhereDicomBegins", ("42",), "words_as_bytes"), ("NetworksThatCollide", (["10.20.30.192"],), "unreadable"),
    ("OneConnectionAtMost", (1000,), "the_line"), ("OneConnectionAtMost", ("1 Gbit/s",), "the_line"),
    ("WhereDicomBegins", (34,), "the_tcp_header"), ("WhereDicomBegins", (14,), "the_ip_header"), ("WhereDicomBegins", ("54h",), "value"),
])
def test_wrong_answers_are_told_apart(editions, name, given, label):
    verdict = _judge(name, editions, *given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_the_source_may_be_cut_from_the_frame(editions):
    frame = _input("frame")
    for given in (frame[6:12].hex(), frame[6:12], bytearray(frame[6:12]), list(frame[6:12])):
        assert _judge("WhoseHardwareAddress", editions, "B", given).correct, given
    assert _judge("WhoseHardwareAddress", editions, "B", frame[0:6]).label == "first_six_bytes"
    assert "six bytes" in _judge("WhoseHardwareAddress", editions, "B", frame[6:11]).message


def test_an_offset_is_not_told_to_be_rounded(editions):
    for given in (65, 67, 64):
        assert "round" not in _judge("WhereDicomBegins", editions, given).message
    assert "range" in _judge("WhereDicomBegins", editions, "66-69").message


def test_other_ways_to_find_the_next_hop_are_right(editions):
    def objects(own, prefix, gateway, target):
        inside = ipaddress.ip_address(target) in ipaddress.ip_interface(f"{own}/{prefix}").network
        return ipaddress.ip_address(target if inside else gateway)

    def by_bits(own, prefix, gateway, target):
        def number(address):
            a, b, c, d = (int(part) for part in address.split("."))
            return ((a * 256 + b) * 256 + c) * 256 + d
        return target if number(own) >> 32 - prefix == number(target) >> 32 - prefix else gateway

    for function in (objects, by_bits):
        assert _judge("NextHop", editions, function).correct
    assert _judge("NextHop", editions, lambda own, prefix, gateway, target: print(target)).label == "unreadable"
    assert _judge("NextHop", editions, lambda own, prefix, gateway, target: target == gateway).label == "unreadable"

    def of_the_gateway(own, prefix, gateway, target):
        inside = ipaddress.ip_address(target) in ipaddress.ip_interface(f"{gateway}/{prefix}").network
        return target if inside else gateway

    def text_in_a_network(own, prefix, gateway, target):
        return target if target in ipaddress.ip_network(f"{own}/{prefix}", strict=False) else gateway

    assert _judge("NextHop", editions, of_the_gateway).label == "network_of_the_gateway"
    verdict = _judge("NextHop", editions, text_in_a_network)
    assert verdict.label == "error" and "asked of text" in verdict.message and "_version" not in verdict.message


@pytest.mark.parametrize("seed", SEEDS)
def test_cases_of_the_next_hop_lie_on_both_sides(seed):
    import random
    cases = EXERCISES["NextHop"].cases(random.Random(f"NextHop {seed}"))
    hops = [(EXERCISES["NextHop"].solution(*case), case) for case in cases]
    assert sum(hop == case[3] for hop, case in hops) >= 8 and sum(hop == case[2] for hop, case in hops) >= 10
    for own, prefix, gateway, target in cases:
        inside = ipaddress.ip_network(f"{own}/{prefix}", strict=False)
        # A gateway outside belongs to a case with a neighbour as its target: to whom else such a host turns, systems decide differently.
        mistyped = own == "10.20.40.13" and gateway == "10.20.41.1"
        assert own not in (gateway, target) and ipaddress.ip_address(target if mistyped else gateway) in inside


def test_networks_may_be_objects_or_one_text(editions):
    right = _right("NetworksThatCollide", editions)
    for given in ([ipaddress.ip_network(one) for one in right], {ipaddress.ip_network(one) for one in right}, tuple(reversed(right)),
                  ", ".join(right), " ".join(right), right + right):
        assert _judge("NetworksThatCollide", editions, given).correct, given
    assert _judge("NetworksThatCollide", editions, right[1:]).label == "missing"
    assert _judge("NetworksThatCollide", editions, [one.split("/")[0] for one in right]).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_too_many_is_explained(seed):
    own = Editions(hospital(seed, "tiny"))
    right, planned, existing = _right("NetworksThatCollide", own), _input("planned", seed), _input("existing", seed)
    for extra in set(planned) - set(right):
        reach = ipaddress.ip_network(extra)
        said = _judge("NetworksThatCollide", own, [*right, extra]).message
        assert f"`{extra}` does not belong there: it reaches from {reach[0]} to {reach[-1]}" in said
    assert "stands in neither list" in _judge("NetworksThatCollide", own, [*right, "192.168.1.0/24"]).message
    assert "it is in use" in _judge("NetworksThatCollide", own, [*right, existing[0]]).message
    assert _judge("NetworksThatCollide", own, existing).label == "all_in_use"
    assert "10.20.40.64/26" in existing and len(existing) == 9


@pytest.mark.parametrize("seed", SEEDS)
def test_planned_networks_have_every_trap(seed):
    planned, existing = _input("planned", seed), [ipaddress.ip_network(one) for one in _input("existing", seed)]
    assert len(set(planned)) == 10
    networks = [ipaddress.ip_network(one) for one in planned]           # none has bits of a host
    hit = [new for new in networks if any(new.overlaps(old) for old in existing)]
    assert len(hit) == 6
    # One collides at Eastcliff only and one with a /26 only, and not all that begin like these collide.
    for only in (lambda old: str(old).startswith("10.60."), lambda old: old.prefixlen == 26):
        assert sum(not any(new.overlaps(old) for old in existing if not only(old)) for new in hit) == 1
    assert any(str(new).startswith("10.60.") for new in networks if new not in hit)
    assert not any(one.overlaps(other) for place, one in enumerate(networks) for other in networks[place + 1:])


@pytest.mark.parametrize("write", [
    lambda port: port, lambda port: port.upper(), lambda port: port.split("/")[-1], lambda port: int(port.split("/")[-1]),
    lambda port: port.removeprefix("gi"), lambda port: "GigabitEthernet" + port[2:], lambda port: "port " + port.split("/")[-1],
    lambda port: "port " + port, lambda port: "switch port " + port,
])
def test_a_port_of_the_switch_in_other_forms(editions, write):
    assert _judge("WhatSlowsTheBitewings", editions, "b", write(_right("WhatSlowsTheBitewings", editions)[1])).correct


@pytest.mark.parametrize("seed", SEEDS)
def test_the_switch_tells_of_one_mismatch(seed):
    port = EXERCISES["WhatSlowsTheBitewings"].solution(_input("switch_addresses", seed))[1]
    rows = [row.split() for row in _input("switch_counters", seed).text.splitlines()[2:]]
    for name, ip in (("office", "10.20.60.71"), ("other_office", "10.20.60.72")):
        decoy = module._port_of(ip, _input("switch_addresses", seed))
        assert _judge("WhatSlowsTheBitewings", Editions(hospital(seed, "tiny")), "B", decoy).label == name
    late = [row[0] for row in rows if int(row[-2]) > 0]
    assert late == [port] and len({row[0] for row in rows}) == 7
    assert all(int(row[-2]) <= int(row[-3]) for row in rows)


def test_hardware_addresses_are_those_of_the_captures():
    h = hospital(0, "tiny")
    for name, aet in (("duplex", "IO_DENT1"), ("no_answer", "WS_ED1")):
        packet = pcap.packets(h.capture(name).packets)[0]
        assert packet.source_mac == module._hardware(module.IP_OF[aet])


def test_rules_in_other_forms_are_right(editions):
    frame = _right("RulesOfTheFirewall", editions)
    rows = frame.to_dict("records")
    by_address = [{**row, "source": module.IP_OF[row["source"]], "target": module.IP_OF[row["target"]]} for row in rows]
    for given in (rows, by_address, [tuple(row.values()) for row in rows], frame[["port", "target", "source"]],
                  [{**row, "port": str(row["port"]), "source": row["source"].lower()} for row in rows]):
        assert _judge("RulesOfTheFirewall", editions, given).correct, given
    for written in ("{source} {target} {port}", "{source}, {target}, {port}", "{source} -> {target} {port}",
                    "{source} → {target} {port}", "{source} -> {target}:{port}", "from {source} to {target} port {port}",
                    "{source} {target} TCP {port}", "{source} {target} {port}/tcp", "{source} -> {target} tcp/{port}",
                    "permit tcp host {source} host {target} eq {port}"):
        assert _judge("RulesOfTheFirewall", editions, "\n".join(written.format(**row) for row in rows)).correct, written
        assert _judge("RulesOfTheFirewall", editions, [written.format(**row) for row in rows]).correct, written
    for written in ("{}/tcp", "TCP {}", "tcp/{}", "TCP/{}", " {} tcp"):
        as_written = [{**row, "port": written.format(row["port"])} for row in rows]
        assert _judge("RulesOfTheFirewall", editions, as_written).correct, written
        assert _judge("RulesOfTheFirewall", editions, [tuple(row.values()) for row in as_written]).correct, written
    assert _judge("RulesOfTheFirewall", editions, [{**row, "source": f"{module.IP_OF[row['source']]}/32"} for row in rows]).correct
    assert not _judge("RulesOfTheFirewall", editions, [{**row, "port": f"{row['port']}/udp"} for row in rows]).correct
    assert _judge("RulesOfTheFirewall", editions, frame.rename(columns={"port": "target_port"})).correct
    assert _judge("RulesOfTheFirewall", editions, rows[1:]).outcome is Outcome.NOT_YET
    assert "more often" in _judge("RulesOfTheFirewall", editions, rows + rows[:1]).message


def test_rules_that_are_not_right_are_told_why(editions):
    frame, handshakes = _right("RulesOfTheFirewall", editions), _input("handshakes")
    rows = frame.to_dict("records")
    judged = lambda given: _judge("RulesOfTheFirewall", editions, given)
    syn = handshakes[handshakes["flags"] == "SYN"]
    assert judged(syn[["source", "target", "target_port"]].drop_duplicates()).label == "every_syn"
    assert "rename" in judged(handshakes[["source", "target", "source_port"]]).message
    assert judged([row for row in rows if (row["source"], row["target"]) != ("HV_PACS", "CTER01")]).label == "without_the_commitment"
    assert judged([row for row in rows if (row["source"], row["target"]) != ("HV_PACS", "WS_CH1")]).label == "without_the_move"
    assert judged([*rows, {"source": "ws_ed1", "target": "10.20.10.10", "port": 11112}]).label == "guessed_for_the_new_one"
    assert "No SYN of it was answered" in judged([*rows, {"source": "WS_ED1", "target": "HV_PACS", "port": 104}]).message
    assert "one host" in judged([{**row, "source": "10.20.30.0/24"} for row in rows]).message
    assert "one rule a line" in judged("CTER01 may call HV_PACS").message


@pytest.mark.parametrize("seed", SEEDS)
def test_the_archive_opens_connections_too(seed):
    rules = EXERCISES["RulesOfTheFirewall"].solution(_input("handshakes", seed))
    assert len(rules) == 5 and set(rules["port"]) == {104, 11112, 11113}
    assert sum(rules["source"] == "HV_PACS") == 2


def test_other_ways_to_reckon_the_seconds_are_right(editions):
    for function in (lambda megabytes, mbit: round(megabytes * 8 / (mbit * 0.9493), 2),
                     lambda megabytes, mbit: megabytes / (mbit / 8) / 0.949,
                     lambda megabytes, mbit: f"{megabytes * 8 / mbit * 1538 / 1460:.3f} s"):
        assert _judge("SecondsOnTheLine", editions, function).correct
    for factor, label in ((1, "no_overhead"), (1 / 8, "a_bare_quotient"), (1.048576, None), (1538 / 1448, None),
                          (1500 / 1460, "only_inside"),
                          (1518 / 1460, "preamble_and_gap"), (1514 / 1460, "frame_as_captured"), (1526 / 1460, "gap_forgotten"),
                          (1530 / 1460, "preamble_forgotten"), (1538 / 1460 / 64, "divided_by_eight"), (1 / 64, "divided_by_eight_alone")):
        verdict = _judge("SecondsOnTheLine", editions, lambda megabytes, mbit: megabytes * 8 / mbit * factor)
        assert not verdict.correct and (label is None or verdict.label == label)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_capture_of_eastcliff_shows_what_the_lesson_reckons(seed):
    packets = _input("eastcliff", seed)
    first, second = packets[0].tcp, packets[1].tcp
    assert 3 in dict(first.options) and 3 not in dict(second.options) and second.window == 65535
    assert all(packet.ip.checksum_right and packet.tcp.checksum_right for packet in packets)
    assert 0.0374 < _input("round_trip", seed) < 0.0396
    talk, = pcap.connections(packets)
    at_most = EXERCISES["OneConnectionAtMost"].solution(packets) * 1e6 / 8
    data = [packet for packet in talk.packets if len(packet.payload) > 1000]
    reached = sum(len(packet.payload) for packet in data) / (data[-1].time - data[0].time) * 1e6
    assert 0.6 * at_most < reached < at_most
    sent = acknowledged = None
    for packet in talk.packets:                 # never more under way than the window
        if packet.source == talk.client:
            sent = packet.tcp.seq + len(packet.payload)
        elif packet.tcp.flags & pcap.ACK:
            acknowledged = packet.tcp.ack
        if sent is not None and acknowledged is not None:
            assert (sent - acknowledged) % (1 << 32) <= 65535 or (acknowledged - sent) % (1 << 32) <= 65535


def test_the_last_exercise_in_other_forms(editions):
    import pandas as pd
    plan = _right("WhatWouldHelpEastcliff", editions)
    for given in (plan, pd.Series(plan), pd.Series(plan, name="seconds"), {name: round(value) for name, value in plan.items()},
                  list(plan.items()),
                  {name: f"{value:.1f}" for name, value in plan.items()}, list(plan.values()), tuple(map(round, plan.values())),
                  {name: f"{value:.1f} s" for name, value in plan.items()}, {name: f"{value / 60:.3f} min" for name, value in plan.items()},
                  {name: f"{value // 60:.0f} min {value % 60:.1f} s" for name, value in plan.items()},
                  {name.replace(" ", ""): value for name, value in plan.items()},
                  [{"Measure": name.upper(), "Seconds": value} for name, value in plan.items()]):
        assert _judge("WhatWouldHelpEastcliff", editions, given).correct, given
    import numpy as np
    for given in (np.array(list(plan.values())), "\n".join(f"{name}: {value:.1f}" for name, value in plan.items()),
                  {name: pd.Timedelta(seconds=value) for name, value in plan.items()},
                  dict(zip(("now", "10 Gbit/s", "256 KiB", "4 associations"), plan.values())),
                  dict(zip(("Now", "line_10_Gbit/s", "window_256_KiB", "four_associations"), plan.values()))):
        assert _judge("WhatWouldHelpEastcliff", editions, given).correct, given
    assert not _judge("WhatWouldHelpEastcliff", editions, "now: 1").correct
    clock = {name: f"{int(value // 60)}:{int(value % 60):02d}" for name, value in plan.items()}
    assert "minutes and seconds" in _judge("WhatWouldHelpEastcliff", editions, clock).message
    minutes = {name: round(value / 60, 1) for name, value in plan.items()}
    assert _judge("WhatWouldHelpEastcliff", editions, minutes).label == "in_minutes"
    assert plan["now"] == plan["line 10 Gbit/s"] > plan["four associations"]


@pytest.mark.parametrize("seed", SEEDS)
def test_each_row_of_the_last_exercise_is_told_what_is_wrong(seed):
    own = Editions(hospital(seed, "tiny"))
    plan, images = _right("WhatWouldHelpEastcliff", own), _input("study", seed)["images"]
    line = _input("study", seed)["bytes"] * 8 / (1e9 * 1460 / 1538)
    trip = _input("round_trip", seed)
    far = plan["four associations"]
    for row, value, label in (
        ("now", line, "line_and_nothing_else"), ("now", line + (trip + 0.025) * images, "line_alone"),
        ("now", plan["now"] / images, "one_image"),
        ("now", plan["now"] - 0.025 * images, "without_the_receiver"), ("now", plan["now"] - trip * images, "without_the_answer_s_way"),
        ("four associations", plan["now"], "four_as_now"), ("window 256 KiB", far, "window_four_times"),
        ("line 10 Gbit/s", plan["now"] / 10, "ten_times_the_line"),
        ("four associations", (plan["now"] - 0.025 * images) / 4 + 0.025 * images, "one_image_at_a_time"),
        ("four associations", (plan["now"] - (trip + 0.025) * images) / 4 + (trip + 0.025) * images, "waits_one_after_the_other"),
        ("four associations", plan["window 256 KiB"], "waits_one_after_the_other"),
        ("four associations", plan["now"] - 0.75 * (trip + 0.025) * images, "one_window_for_four"),
        ("now", plan["now"] - 0.5 * trip * images, "half_the_trip_in_the_wait"),
        ("now", plan["now"] + trip * images, "two_trips_in_the_wait"),
        ("now", plan["now"] * 1000, "in_milliseconds"), ("now", plan["window 256 KiB"], "other row"),
        ("now", (plan["now"] - (trip + 0.025) * images) * 1538 / 1460 + (trip + 0.025) * images, "headers_taken_off"),
        ("now", (plan["now"] - (trip + 0.025) * images) / 8 + (trip + 0.025) * images, "image_in_bytes"),
    ):
        verdict = _judge("WhatWouldHelpEastcliff", own, plan | {row: value})
        assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, (row, verdict)
    measured = sum(until for _, _, until in module._images_sent(_input("eastcliff", seed))) / 2
    verdict = _judge("WhatWouldHelpEastcliff", own, plan | {"now": measured * images})
    assert verdict.label == "as_measured"
    whole = Editions(hospital(0))
    study, trip = (lesson.input_of(one, whole.own) for one in ("study", "round_trip"))
    thousands = module._seconds(study, trip, window=256_000)
    verdict = _judge("WhatWouldHelpEastcliff", whole, _right("WhatWouldHelpEastcliff", whole) | {"window 256 KiB": thousands})
    assert verdict.label == "thousands" and "1024s" in verdict.message
    # An image needs more than one window of each size, so that the formula holds.
    assert _input("study", seed)["bytes"] / images > 2 * 262_144


def test_what_was_measured_is_not_what_is_possible(editions):
    (size, sending, until), (_, second, answered) = module._images_sent(_input("eastcliff"))
    for given, label in ((size * 8 / until / 1e6, "measured"), (11.5, "measured_of_the_first"), (10.1, "measured"),
                         (2 * size * 8 / (until + answered) / 1e6, "measured"), (size * 8 / sending / 1e6, "measured_of_the_first"),
                         (2 * size * 8 / (sending + second) / 1e6, "measured_without_the_wait")):
        assert _judge("OneConnectionAtMost", editions, given).label == label, given


def test_the_rate_may_be_rounded_and_its_unit_may_be_written(editions):
    right = _right("OneConnectionAtMost", editions)
    for given in (round(right, 1), f"{right:.2f} Mbit/s", f"{right:.1f}".replace(".", ","), right * 65536 / 65535):
        assert _judge("OneConnectionAtMost", editions, given).correct, given
    for factor, label in ((1e6, "in_bits"), (1000, "milliseconds_as_seconds"), (125, "bytes_a_millisecond"), (1 / 8, "megabytes"),
                          (2, "one_way"), (256, "scaled_all_the_same")):
        assert _judge("OneConnectionAtMost", editions, round(right * factor, 2)).label == label
    assert _judge("OneConnectionAtMost", editions, round(right / 1000, 4)).label == "in_gigabits"
    assert _judge("OneConnectionAtMost", editions, int(right * 256)).label == "scaled_all_the_same"
    assert _judge("OneConnectionAtMost", editions, 949).label == "data_of_the_line"
    from_the_input = 65_535 * 8 / _input("round_trip")
    assert _judge("OneConnectionAtMost", editions, round(from_the_input)).label == "in_bits"
    for given in (f"{right:.2f} Mbps", f"{right:.2f} Mb/s", f"{right * 1000:.0f} kbit/s", f"{right / 1000:.5f} Gbit/s"):
        assert _judge("OneConnectionAtMost", editions, given).correct, given


@pytest.mark.parametrize("seed", SEEDS)
def test_mebibits_are_told_as_such(seed):
    own = Editions(hospital(seed, "tiny"))
    verdict = _judge("OneConnectionAtMost", own, round(_right("OneConnectionAtMost", own) * 1e6 / 2**20, 2))
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == "mebibits"


def test_pairs_of_networks_are_told_in_words(editions):
    right = _right("NetworksThatCollide", editions)
    for given in ([(one, "10.20.10.0/24") for one in right], ["10.20.300.0/24"], [f"{one} with 10.20.10.0/24" for one in right]):
        verdict = _judge("NetworksThatCollide", editions, given)
        assert verdict.label == "unreadable" and not re.search("octet|appear to be|Unexpected", verdict.message), verdict


def test_rules_for_the_answers_are_told_as_such(editions):
    rows = _right("RulesOfTheFirewall", editions).to_dict("records")
    for port in (rows[0]["port"], 49152):
        back = {"source": rows[0]["target"], "target": rows[0]["source"], "port": port}
        verdict = _judge("RulesOfTheFirewall", editions, [*rows, back])
        assert verdict.outcome is Outcome.NOT_YET and verdict.label == "answers", verdict
    answers = _input("handshakes")
    answers = answers[answers["flags"] == "SYN, ACK"]
    assert _judge("RulesOfTheFirewall", editions, answers[["source", "target", "source_port"]].rename(
        columns={"source_port": "port"}).drop_duplicates()).label == "the_wrong_way_round"


def test_one_segment_is_not_said_of_every_small_number(editions):
    packets = _input("eastcliff")
    segment = 1460 * 8 / (packets[1].time - packets[0].time)
    assert _judge("OneConnectionAtMost", editions, round(segment, 2)).label == "one_segment"
    for given in (0.05, 0.15, 0.5):
        assert _judge("OneConnectionAtMost", editions, given).label == "value"


def test_frames_have_passed_three_routers(editions):
    """As many as a tracert of lesson cpas-11 shows; the workstation began with 128, the scanner with 64."""
    assert _input("echo_frame")[22] == 125 and _input("frame")[22] == 61
    assert {packet.ip.ttl for packet in _input("eastcliff") if packet.ip.source == module.EASTCLIFF[1]} == {121}


@pytest.mark.parametrize("seed", SEEDS)
def test_four_windows_stay_below_the_line(seed):
    assert 4 * EXERCISES["OneConnectionAtMost"].solution(_input("eastcliff", seed)) < module.LINE / 2
    study = _input("study", seed)
    assert study["images"] > 200 and study["bytes"] / study["images"] > 300_000


@pytest.mark.parametrize("seed", SEEDS)
def test_the_gateway_that_is_given_counts_and_so_does_each_mask(seed):
    own = Editions(hospital(seed, "tiny"))

    def hop(clamp=lambda prefix: prefix, router=lambda network, own, gateway: gateway, inside=None):
        def next_hop(own, prefix, gateway, target):
            network = ipaddress.ip_network(f"{own}/{clamp(prefix)}", strict=False)
            near = inside(network, target) if inside else ipaddress.ip_address(target) in network
            return target if near else router(network, own, gateway)
        return next_hop

    first = "first_address_of_the_network"
    for function, label in (
        (hop(), "correct"), (hop(router=lambda network, own, gateway: network[1]), first),
        (hop(router=lambda network, own, gateway: str(network.network_address + 1)), first),
        (hop(router=lambda network, own, gateway: network[-2]), "value"),
        (hop(lambda prefix: max(prefix, 16)), "value"), (hop(lambda prefix: min(prefix, 28)), "value"),
        (hop(lambda prefix: min(prefix, 29)), "value"), (hop(lambda prefix: {21: 22, 20: 22}.get(prefix, prefix)), "value"),
        (lambda own, prefix, gateway, target: hop()(own, prefix, gateway, target) if own.startswith("10.") else gateway, "value"),
        (hop(inside=lambda network, target: network.prefixlen > 20 and target in str(list(network))), "value"),
        (hop(inside=lambda network, target: ipaddress.ip_address(target) in ipaddress.ip_network("10.20.40.11/26", strict=False)),
         "network_of_the_worked_cell"),
    ):
        assert _judge("NextHop", own, function).label == label
    cases = EXERCISES["NextHop"].cases_on(own.own)
    text = [case for case in cases if case[0] == "10.20.18.170"]
    assert text and "10.20.18.17" in str(list(ipaddress.ip_network("10.20.18.170/26", strict=False)))
    if seed == 3:
        slow = hop(inside=lambda network, target: target in [str(one) for one in network])              # and right
        assert _judge("NextHop", own, slow).correct


@pytest.mark.parametrize("seed", SEEDS)
def test_networks_of_the_other_site_and_small_ones_count(seed):
    own = Editions(hospital(seed, "tiny"))
    right, planned = _right("NetworksThatCollide", own), _input("planned", seed)
    assert _judge("NetworksThatCollide", own, [one for one in right if one.startswith("10.20.")]).label == "without_eastcliff"
    ways = EXERCISES["NetworksThatCollide"]
    assert _judge("NetworksThatCollide", own, ways.computed(module.NetworksThatCollide.with_whole_24s, own.own)).label == "with_whole_24s"
    assert not _judge("NetworksThatCollide", own, [one for one in planned if one in right or one.startswith("10.60.")]).correct


@pytest.mark.parametrize("seed", SEEDS)
def test_the_window_is_the_receiver_s_and_counts_data(seed):
    own = Editions(hospital(seed, "tiny"))
    right, packets = _right("OneConnectionAtMost", own), _input("eastcliff", seed)
    assert packets[0].tcp.window == 29_200 != packets[1].tcp.window
    trip = packets[1].time - packets[0].time
    for given, label in ((29_200 * 8 / trip, "the_sender_s_own_window"), (65_535 * 8 * 1460 / 1538 / trip, "headers_taken_off"),
                         (round(right * 1460 / 1538, 2), "headers_taken_off"), (right * 1538 / 1460, "headers_put_on")):
        assert _judge("OneConnectionAtMost", own, given).label == label, given
    if seed == 0:
        assert _judge("OneConnectionAtMost", own, right * 0.93).label == "value"        # near a wrong way is not that way
    for written in ("{:.2f} Mbit", "{:.2f} megabit per second", "{:.2f} Mbits", "{:.2f}Mbit"):
        assert _judge("OneConnectionAtMost", own, written.format(right)).correct, written
    for written in ("{:.2f} MB/s", "{:.2f} kbit"):
        assert not _judge("OneConnectionAtMost", own, written.format(right)).correct, written


def test_a_rule_names_one_host(editions):
    rows = _right("RulesOfTheFirewall", editions).to_dict("records")
    for source, right in (("CTER01 10.20.30.41", True), ("CTER01@10.20.30.41", True), ("CTER01 (10.20.30.41)", True),
                          ("10.20.30.41/32", True), ("CTER01 10.20.30.42", False), ("CTER01 (CT2)", False), ("CTER01 or CT2", False),
                          ("CTER01 and all other CTs", False), ("CTER01 10.20.30.0/24", False)):
        given = [row | {"source": source} if row["source"] == "CTER01" else row for row in rows]
        verdict = _judge("RulesOfTheFirewall", editions, given)
        assert verdict.correct is right and (right or "one host" in verdict.message), (source, verdict)
    given = [row | {"target": "HV_MWL or HV_PACS"} if row["target"] == "HV_MWL" else row for row in rows]
    assert "one host" in _judge("RulesOfTheFirewall", editions, given).message
    lines = [f"{row['source']} {row['target']} {row['port']}   # a remark on it" for row in rows]
    for text in ("\n".join(lines), lines, ["# the rules", *lines]):
        assert _judge("RulesOfTheFirewall", editions, text).correct
    assert "WS_CH1 and" in _judge("RulesOfTheFirewall", editions, [*lines, "WS_CH1 and others HV_PACS 1"]).message


def test_a_rule_for_what_nobody_opened_is_not_called_one_for_answers(editions):
    rows = _right("RulesOfTheFirewall", editions).to_dict("records")
    verdict = _judge("RulesOfTheFirewall", editions, [*rows, {"source": "HV_MWL", "target": "CTER01", "port": 104}])
    assert verdict.label == "extra row" and "HV_MWL may call CTER01. In the list is no SYN" in verdict.message


def test_wrong_bytes_and_offsets_are_told_what_stands_there(editions):
    frame = _input("frame")
    for given, label in ((frame[5:11], "one_byte_early"), ("02:48:56:00:1e:01", "on_the_scanner_s_side"), (frame[11:5:-1], "evidence")):
        verdict = _judge("WhoseHardwareAddress", editions, "B", given)
        assert verdict.label == label and "not what was asked" not in verdict.message, verdict
    for given, said in ((46, "how long the TCP header is"), (80, "inside the DICOM part"), (64, "of the TCP header"),
                        ("0x40", "of the TCP"), (114, "inside the DICOM part"), (3, "of the Ethernet header"), (20, "of the IP header"),
                        (5000, "from 0 to"), (-1, "from 0 to"), (66.5, "whole number")):
        verdict = _judge("WhereDicomBegins", editions, given)
        assert verdict.outcome is Outcome.NOT_YET and said in verdict.message, (given, verdict)
    for given in ("66 (0x42)", "0x42 (66)", "66 = 0x42"):
        assert _judge("WhereDicomBegins", editions, given).correct, given
    assert not _judge("WhereDicomBegins", editions, "66 (0x36)").correct
    assert "range" not in _judge("WhereDicomBegins", editions, "sixty-six").message


def test_words_for_layers_and_ports_of_the_switch(editions):
    right = _right("LayerOfASymptom", editions)
    names = {1: "physical", 2: "Ethernet", 3: "IP", 4: "TCP", 7: "application"}
    assert _judge("LayerOfASymptom", editions, {name: names[number] for name, number in right.items()}).correct
    assert "whole number" in _judge("LayerOfASymptom", editions, right | {"S1": 1.4}).message
    fault, port = _right("WhatSlowsTheBitewings", editions)
    for written in (f"{port} (VLAN 30)", port.replace("gi", "g"), f"{port}, VLAN 30"):
        assert _judge("WhatSlowsTheBitewings", editions, fault, written).correct, written


@pytest.mark.parametrize("seed", SEEDS)
def test_the_uplink_of_the_dental_clinic_is_no_trouble(seed):
    rows = [row.split() for row in _input("switch_counters", seed).text.splitlines()[2:]]
    assert len(rows[-1]) == 10 and max(map(len, repr(_input("switch_counters", seed)).splitlines())) <= 112
    sent, dropped = int(rows[-1][-4]), int(rows[-1][-1])
    assert rows[-1][0] == f"gi1/0/{module.UPLINK}" and 100 <= dropped < sent / 10_000 and sent > 2_000_000
    port, = (row for row in rows if int(row[-2]))
    assert int(port[-2]) < 0.2 * int(port[-3]) and int(port[-3]) < int(port[-4])         # acknowledgements are short: few collide late
