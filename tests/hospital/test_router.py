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


def test_the_newest_prior_comes_first_and_what_is_cached_is_not_moved_again(exams):
    done = router.moves(exams, router.rules_of([{**ALL, "hours": 0.05}]))
    of_exam, of_study = {}, {}
    for move in done:
        of_exam.setdefault((move.exam.accession, move.asked), []).append((move.began, move.prior.days))
        of_study.setdefault((move.exam.day, move.prior.uid), []).append(move)
    assert all(sorted(rows) == rows and [days for _, days in rows] == sorted(days for _, days in rows) for rows in of_exam.values())
    assert all(len(moves) == 1 for moves in of_study.values())


def test_one_move_serves_two_exams_of_a_patient_while_the_cache_keeps_it():
    series = (router.Series("CT", "Chest 3.0", 90, 50_000_000, True), router.Series("CT", "Lung 1.0 thin", 300, 150_000_000, False))
    prior = router.Prior("2.999.1", "CT CHEST", "CHEST", ("CT",), 400.0, series, True)
    hour = 3600

    def exam(name, modality, begins, opened=True):
        return router.Exam(name, "CT of the chest", modality, "CHEST", 0, begins, -20 * hour, (prior._replace(opened=opened),))

    rules = router.rules_of([{**ALL, "hours": 1}])
    first, second = exam("A1", "CT", 8 * hour, opened=False), exam("A2", "CR", 9 * hour)
    (move,) = router.moves([first, second], rules)
    both = router.replay([first, second], rules)
    assert move.exam is first and both["opened"] == 1 and both["hit"] == 100.0 and both["waste"] == 75.0 and both["late"] == 0.0
    # On its way at the same time: not asked for again, and late for both.
    at_once = router.rules_of([{**ALL, "hours": 0.01}])
    together = [exam("A1", "CT", 8 * hour), exam("A2", "CR", 8 * hour)]
    assert len(router.moves(together, at_once)) == 1 and router.replay(together, at_once)["late"] == 100.0
    # A move for a later exam is none for one that had begun; nor one that would be purged before the later exam.
    only_the_second = router.rules_of([{**ALL, "modality": ["CR"], "hours": 0.5}])
    assert router.replay([exam("A1", "CT", 8 * hour), second._replace(priors=first.priors)], only_the_second)["hit"] == 0.0
    early = router.rules_of([{**ALL, "hours": 20}])
    assert len(router.moves([exam("A1", "CT", 8 * hour), exam("A2", "CR", 16 * hour)], early)) == 2
    assert router.replay([exam("A1", "CT", 8 * hour), exam("A2", "CR", 16 * hour)], early)["gone"] == 0


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
