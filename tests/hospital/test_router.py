"""The router: what it moves by rules, and what comes of it."""

import pytest

from coursekit.hospital import hospital, router
from coursekit.hospital.draws import Draws

READ = ["CR", "DX", "CT", "MR", "MG"]
ALL = {"modality": READ, "prior_modality": READ, "body_part": "", "count": 12, "years": 20, "hours": 1}


@pytest.fixture(scope="module")
def exams():
    return router.demand(hospital(3, "tiny"))


def test_the_router_makes_so_many_moves_at_a_time_and_none_twice(exams):
    for rules in ([{**ALL, "hours": 0.05}], [ALL], [ALL, {**ALL, "count": 2}]):
        done = router.moves(exams, router.rules_of(rules))
        edges = sorted([(move.began, 1) for move in done] + [(move.done, -1) for move in done], key=lambda edge: (edge[0], edge[1]))
        running = 0
        for _, change in edges:
            running += change
            assert running <= router.STREAMS
        assert all(move.asked <= move.began < move.done and move.asked >= move.exam.known for move in done)
    once, twice = (router.replay(exams, router.rules_of(rules)) for rules in ([ALL], [ALL, ALL]))
    assert once == twice


def test_an_edition_is_the_same_each_time(exams):
    assert exams == router.demand(hospital(3, "tiny")) and exams != router.demand(hospital(4, "tiny"))
    assert Draws(3, "router").below(1000, 3).tolist() == Draws(3, "router").below(1000, 3).tolist()


def test_no_rule_no_waste_and_all_of_it_no_miss(exams):
    nothing, everything = (router.replay(exams, router.rules_of([{**ALL, **change}])) for change in ({"count": 0}, {"prior_modality": [
        *READ, "US", "PT", "XA", "NM", "RF", "IVUS", "OCT", "IVOCT", "IO", "PX", "XC"]}))
    assert (nothing["hit"], nothing["waste"], nothing["moved"]) == (0.0, 0.0, 0.0)
    assert everything["hit"] == 100.0 and not everything["missing"] and everything["waste"] > 80


def test_what_comes_too_early_is_purged(exams):
    kept, purged = (router.replay(exams, router.rules_of([{**ALL, "hours": hours}])) for hours in (20, 48))
    assert kept["gone"] == 0 < purged["gone"] and purged["hit"] < kept["hit"]


def test_every_exam_and_prior_is_of_the_archive():
    h = hospital(0, "tiny")
    uids = set(h.tables["study"].study_uid)
    accessions = set(h.tables["orders"].accession)
    exams = router.demand(h)
    assert all(exam.accession in accessions and prior.uid in uids for exam in exams for prior in exam.priors)
    opened = sum(prior.opened for exam in exams for prior in exam.priors)
    assert 60 < opened < len([prior for exam in exams for prior in exam.priors]) / 3
