"""The queue of exceptions: one study of each class, and what its dossier shows."""

import re

import pytest

from coursekit.hospital import hospital
from coursekit.hospital.exceptions import CLASSES, SOUND, queue

SEEDS = range(1, 25)


def archive(text, pattern):
    return re.search(pattern, text)[1]


def orders(text):
    return re.findall(r"order (\S+)  (\S+) (.+), born (\S+), (.+), (\S+) at \S+, ([A-Z ]+)$", text, re.MULTILINE)


def shows(case):
    """Whether the dossier shows what is wrong, read as somebody at the desk would."""
    text = case.dossier
    patient, name = archive(text, r"patient (\S+)  "), archive(text, r"patient \S+  (.*?)  born")
    accession = archive(text, r"accession (.+?)   ")
    own = [order for order in orders(text) if order[0] == accession]
    return {
        "A1-01": accession == "(none)",
        "A1-02": bool(own) and own[0][1] != patient and own[0][2].split("^")[0] == name.split("^")[0].strip(),
        "A1-03": bool(own) and own[0][1] == patient and sum(order[1] == patient for order in orders(text)) > 1,
        "A1-04": any(order[6] == "SCHEDULED" and order[1] != patient for order in orders(text)),
        "A1-05": "MPPS       DISCONTINUED" in text,
        "A1-06": ", accession " in text and text.count(", ") > 0 and bool(re.search(r"MPPS .*accession \S+, A\d+", text)),
        "A1-07": f"MRG-1 {patient}" in text,
        "A1-08": bool(own) and own[0][1] == patient and own[0][2] != name,
        "A1-09": "MPPS       IN PROGRESS" in text,
        "A1-10": bool(m := re.search(r"lists (\d+) objects, (\d+) arrived", text)) and int(m[1]) > int(m[2]),
        "A1-11": "2 files with different SHA-256" in text,
        "A1-12": bool(m := re.search(r"side ([RL])", text)) and any(
            order[0] == accession and order[4].endswith({"R": " left", "L": " right"}[m[1]]) for order in orders(text)),
        "A1-13": accession.endswith("-") or len(accession) == 16 and any(order[0].startswith(accession) and order[0] != accession
                                                                        for order in orders(text)),
    }


@pytest.mark.parametrize("seed", (0, *SEEDS))
def test_each_dossier_shows_its_class_and_no_sound_study_looks_ill(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    cases = queue(h)
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))
    assert len({case.kind for case in cases}) == len(cases) >= (14 if seed == 0 else 10)
    for case in cases:
        if case.kind != SOUND:
            assert shows(case)[case.kind], (seed, case.kind, case.dossier)
        else:
            assert not [kind for kind, seen in shows(case).items() if seen and kind not in ("A1-03", "A1-04")], case.dossier
    assert SOUND in {case.kind for case in cases}


@pytest.mark.parametrize("seed", (0, *SEEDS))
def test_the_other_half_of_an_exchange_and_of_a_split_exam_is_named(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    for case in queue(h):
        also = re.search(r"also: study (\S+), began \S+, accession (.+?), .*, body part (.+)$", case.dossier, re.MULTILINE)
        accession, part = archive(case.dossier, r"accession (.+?)   "), archive(case.dossier, r"body part (\w*)")
        if case.kind == "A1-05":
            assert also[2] == accession and also[1] != case.study_uid
        if also and case.kind == "A1-03":
            assert also[2] != accession and also[3] != part


def test_every_class_is_in_some_small_edition():
    assert {case.kind for seed in SEEDS for case in queue(hospital(seed, "tiny"))} == set(CLASSES)


def test_the_queue_is_stable_and_its_order_tells_nothing():
    h = hospital(3, "tiny")
    assert queue(h) == queue(h)
    orders = {tuple(case.kind for case in queue(hospital(seed, "tiny"))) for seed in (1, 2, 3, 4)}
    assert len(orders) == 4 and not any(list(order) == sorted(order) for order in orders)
