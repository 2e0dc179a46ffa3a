"""The patient index: weights, links, merges, reviews."""

import random

import pytest

from coursekit.systems.patient_index import (LINK, REVIEW, Identifier, IndexStopped, PatientIndex, Person, UnknownDomain, UnknownIdentifier,
                                             compare, plain, score)

HVGH, ECC, NMH = "2.999.1.1", "2.999.1.2", "2.999.1.9"
DOMAINS = {HVGH: "HVGH", ECC: "ECC", NMH: "NMH"}
ANNA = Person("VANDERMEER", "ANNA", "ELISE", "19610817", "F", "Quay 4", "Harbour Vale", "1011AB", "5550101")


@pytest.fixture
def index():
    index = PatientIndex(DOMAINS)
    yield index
    index.close()


@pytest.mark.parametrize("change, how", [
    ({}, {"family": "same", "given": "same", "birth_date": "same", "sex": "same", "zip": "same", "phone": "same"}),
    ({"family": "Van der Meer"}, {"family": "same"}), ({"family": "VANDERMEIR"}, {"family": "alike"}), ({"family": "SMITH"}, {"family": "other"}),
    ({"given": "A"}, {"given": "initial"}), ({"given": "ANA"}, {"given": "alike"}), ({"birth_date": "19610717"}, {"birth_date": "near"}),
    ({"birth_date": "19400101"}, {"birth_date": "other"}), ({"sex": "M"}, {"sex": "other"}), ({"zip": ""}, {}),
])
def test_how_records_agree(change, how):
    found = {one.field: one.how for one in compare(ANNA, ANNA._replace(**change))}
    assert {field: found[field] for field in how} == how
    assert "zip" not in found or change.get("zip", "x") != ""
    assert score(ANNA, ANNA._replace(**change)) == score(ANNA._replace(**change), ANNA)


def test_day_and_month_turned_and_unknown_sex():
    one = ANNA._replace(birth_date="19610708")
    assert {found.how for found in compare(one, one._replace(birth_date="19610807")) if found.field == "birth_date"} == {"turned"}
    assert all(found.field != "sex" for found in compare(ANNA, ANNA._replace(sex="U")))


def test_accents_and_hyphens_do_not_count():
    assert plain("Müller-Lüdenscheidt") == plain("MULLER LUDENSCHEIDT") and plain("O'Brien") == "OBRIEN" and plain("Strauß") == plain("STRAUSS")


def test_one_person_in_two_hospitals(index):
    index.admit(Identifier(HVGH, "HV100234"), ANNA)
    index.admit(Identifier(ECC, "EC-1"), ANNA._replace(family="VAN DER MEER", zip=""))
    assert index.cross_reference(Identifier(HVGH, "HV100234")) == [Identifier(ECC, "EC-1")]
    assert index.cross_reference(Identifier(ECC, "EC-1"), [HVGH]) == [Identifier(HVGH, "HV100234")]
    assert index.cross_reference(Identifier(HVGH, "HV100234"), [NMH]) == [] and not index.reviews()


def test_a_doubtful_pair_waits_for_a_person(index):
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    index.admit(Identifier(ECC, "EC-1"), Person("VANDERMEER", "ANNE", birth_date="19610817", sex="M"))
    review, = index.reviews()
    assert REVIEW <= review.score < LINK and index.cross_reference(Identifier(HVGH, "HV1")) == []
    index.decide(review, same=True)
    assert index.cross_reference(Identifier(HVGH, "HV1")) == [Identifier(ECC, "EC-1")] and not index.reviews()
    index.unlink(Identifier(ECC, "EC-1"))
    assert index.cross_reference(Identifier(HVGH, "HV1")) == [] == index.cross_reference(Identifier(ECC, "EC-1"))


def test_twins_are_not_linked(index):
    index.admit(Identifier(HVGH, "HV1"), Person("NGUYEN", "LINH", birth_date="20010203", sex="F", zip="1"))
    index.admit(Identifier(ECC, "EC-1"), Person("NGUYEN", "MINH", birth_date="20010203", sex="M", zip="1"))
    assert index.cross_reference(Identifier(HVGH, "HV1")) == []


def test_two_numbers_of_one_hospital_are_a_duplicate_to_be_looked_at(index):
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    index.admit(Identifier(HVGH, "HV2"), ANNA)
    assert index.cross_reference(Identifier(HVGH, "HV1")) == [] and len(index.reviews()) == 1
    index.admit(Identifier(ECC, "EC-1"), ANNA)
    assert index.cross_reference(Identifier(ECC, "EC-1")) == [], "two persons fit: a person has to decide"
    index.merge(Identifier(HVGH, "HV1"), Identifier(HVGH, "HV2"))
    with pytest.raises(UnknownIdentifier, match="merged into HV1"):
        index.cross_reference(Identifier(HVGH, "HV2"))


def test_a_merge_brings_the_links_of_both(index):
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    index.admit(Identifier(HVGH, "HVTMP"), Person("UNKNOWN", "FEMALE-77"))
    index.admit(Identifier(NMH, "NM7"), Person("UNKNOWN", "FEMALE-77"))
    index.link(Identifier(HVGH, "HVTMP"), Identifier(NMH, "NM7"))
    index.merge(Identifier(HVGH, "HV1"), Identifier(HVGH, "HVTMP"))
    assert index.cross_reference(Identifier(HVGH, "HV1")) == [Identifier(NMH, "NM7")]
    for pair in ((("HV1", "HVTMP")), ("HV1", "HV1"), ("HV9", "HV1"), ("HV1", "HV9")):
        with pytest.raises(UnknownIdentifier):
            index.merge(*(Identifier(HVGH, one) for one in pair))
    with pytest.raises(UnknownIdentifier, match="one assigning authority"):
        index.merge(Identifier(HVGH, "HV1"), Identifier(NMH, "NM7"))


def test_what_is_not_known(index):
    with pytest.raises(UnknownDomain):
        index.admit(Identifier("2.999.7", "1"), ANNA)
    with pytest.raises(UnknownIdentifier, match="HV1 is not known in HVGH"):
        index.cross_reference(Identifier(HVGH, "HV1"))
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    with pytest.raises(UnknownDomain):
        index.cross_reference(Identifier(HVGH, "HV1"), ["2.999.7"])
    assert index.domain("HVGH") == HVGH == index.domain("HVGH", HVGH) == index.domain("", HVGH)
    for namespace, oid in (("HVGH", ECC), ("XX", ""), ("", ""), ("", "2.999.7")):
        with pytest.raises(UnknownDomain):
            index.domain(namespace, oid)


def test_search(index):
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    index.admit(Identifier(ECC, "EC-1"), ANNA)
    index.admit(Identifier(HVGH, "HV2"), Person("VANDERBERG", "ILSE", birth_date="19700101", sex="F"))

    def numbers(criteria, domains=None):
        return [[one.number for one in found] for found, _ in index.search(criteria, domains)]

    assert numbers({"family": "vander*"}) == [["HV1", "EC-1"], ["HV2"]] or numbers({"family": "vander*"}) == [["EC-1", "HV1"], ["HV2"]]
    assert numbers({"family": "Van der Meer", "birth_date": "19610817"}, [ECC]) == [["EC-1"]]
    assert numbers({"number": "HV2"}) == [["HV2"]] and numbers({"sex": "M"}) == [] and numbers({"family": "van*"}, [NMH]) == []


def test_it_tells_of_changes_and_keeps_everything(tmp_path):
    told = []
    index = PatientIndex(DOMAINS, tmp_path, told.append)
    index.admit(Identifier(HVGH, "HV1"), ANNA)
    index.admit(Identifier(HVGH, "HV1"), ANNA._replace(phone="1"))                   # an update changes no cross-reference
    index.admit(Identifier(ECC, "EC-1"), ANNA)
    index.close()
    assert told == [[Identifier(HVGH, "HV1")], [Identifier(ECC, "EC-1")]]
    again = PatientIndex(DOMAINS, tmp_path)
    assert again.cross_reference(Identifier(ECC, "EC-1")) == [Identifier(HVGH, "HV1")] and again.person(Identifier(HVGH, "HV1")).phone == "1"
    again.close()


def test_every_number_is_in_one_cluster_whatever_happens(index):
    """Links are symmetric and transitive after any sequence of admissions, merges, links and unlinks."""
    draw = random.Random(8)
    numbers = [Identifier(draw.choice(list(DOMAINS)), f"N{n}") for n in range(30)]
    for _ in range(400):
        one, other = draw.choice(numbers), draw.choice(numbers)
        try:
            if draw.random() < 0.6:
                index.admit(one, Person(draw.choice("ABC") * 5, draw.choice("XY") * 4, birth_date=f"19700{draw.randrange(1, 4)}01", sex="F"))
            elif draw.random() < 0.5:
                draw.choice([index.merge, index.link])(one, other)
            else:
                index.unlink(one)
        except (UnknownIdentifier, UnknownDomain):
            pass
    living = [identifier for identifier, _, _ in index.identities()]
    assert len(living) > 5
    for one in living:
        for other in index.cross_reference(one):
            assert one in index.cross_reference(other)
            assert set(index.cross_reference(other)) | {other} == set(index.cross_reference(one)) | {one}


def test_an_index_that_was_stopped_says_so_in_one_sentence(index):
    one = Identifier(HVGH, "HV100234")
    index.admit(one, ANNA)
    index.close()
    index.close()
    for ask in (lambda: index.cross_reference(one), lambda: index.person(one), index.reviews, index.identities, lambda: len(index),
                lambda: index.admit(one, ANNA), lambda: index.search({"family": "X"}), lambda: index.merge(one, one)):
        with pytest.raises(IndexStopped, match="is stopped and answers nothing any more"):
            ask()
