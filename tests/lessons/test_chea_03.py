"""What learners give in lesson chea-03 beyond the solutions and wrong ways: right in other forms, wrong and nearly right."""

import contextlib
import hashlib
import io
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from pydicom import dcmread

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import chea_03_exchange_scenarios as module
from coursekit.lessons.chea_03_exchange_scenarios import SOUTHMARK, lesson, search
from coursekit.standards import xml
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems.document_sharing import query, retrieve
from coursekit.systems.imaging_source import retrieve_images
from coursekit.systems.system import Event, running
from coursekit.systems.web import NoAnswer

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


@pytest.fixture(autouse=True)
def nothing_runs_on():
    before = running()
    yield
    assert set(running()) <= set(before)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def right(name, editions, *given):
    verdict = judged(name, editions, *given)
    assert verdict.correct, verdict.message


def wrong(name, editions, given, label):
    verdict = judged(name, editions, given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, (verdict.label, verdict.message)
    return verdict.message


# --- 1

def by_table(card):
    """Another person's program: no ladder, a dictionary, names in other forms, a dictionary returned."""
    simple = {"none": "PDI media", "mail": "xdm over direct", "portal": "cloud"}
    if card["link"] in simple:
        return {"fact": "Link", "mechanism": simple[card["link"]].replace(" media", "")}
    if card["initiative"] == "sender":
        return {"mechanism": "XDR" if card["recipient"] == "known" else "xds-i.b", "decided_by": "recipient"}
    found = ["DICOMweb", "knows"] if card["knows"] == "study" else ["XCA", "community"] if card["community"] == "another" else None
    return dict(zip(("mechanism", "decided_by"), found or [{"FHIR": "MHD/WIA", "SOAP": "XDS-I"}[card["client"]], "client"]))


def test_mechanisms_in_the_forms_that_people_write(editions):
    solution = EXERCISES["Mechanism"].solution
    right("Mechanism", editions, by_table)
    for form in (list, lambda pair: (pair[0].lower(), pair[1].upper()), lambda pair: (pair[0].replace("-", " "), f" {pair[1]} "),
                 lambda pair: [("mechanism", pair[0]), ("decided_by", pair[1])], lambda pair: {"mechanism": pair[0], "fact": pair[1]}):
        right("Mechanism", editions, lambda card, form=form: form(solution(card)))


def test_mechanisms_that_look_right(editions):
    solution = EXERCISES["Mechanism"].solution

    def changed(**facts):
        return lambda card: solution({**card, **facts})

    assert judged("Mechanism", editions, changed(client="SOAP")).outcome is Outcome.NOT_YET
    wrong("Mechanism", editions, changed(community="own"), "one_big_community")
    wrong("Mechanism", editions, changed(knows="patient"), "always_looked_up")
    assert judged("Mechanism", editions, changed(recipient="known")).label == "pushed_to_nobody"
    wrong("Mechanism", editions, lambda card: solution(card)[0], "unreadable")
    assert "the mechanisms are" in judged("Mechanism", editions, lambda card: ("FTP", "link")).message
    for given in (lambda card: ", ".join(solution(card)), lambda card: solution(card)[0], lambda card: print(solution(card))):
        assert "two texts, the mechanism and the fact" in wrong("Mechanism", editions, given, "unreadable")
    assert "is a fact; the mechanism comes first" in judged("Mechanism", editions, lambda card: solution(card)[::-1]).message
    assert "what the card's `link` can carry" in judged("Mechanism", editions, lambda card: (
        "none", "initiative") if card["link"] == "none" and card["initiative"] == "reader" else solution(card)).message
    # the mechanism is right, the fact is not
    urgent = wrong("Mechanism", editions, lambda card: (solution(card)[0], "urgency"), "value")
    assert "Its facts: link services, initiative sender, recipient known, knows study, community own, client SOAP. About `fact`: " in urgent
    assert "the mechanism is right, but `urgency` is no fact of the table" in urgent
    assert "another fact decided" in wrong("Mechanism", editions, lambda card: (solution(card)[0], "client"), "value")
    wrong("Mechanism", editions, lambda card: ("XCA-I", "community") if (card["link"], card["initiative"], card["community"]) == (
        "services", "reader", "another") else solution(card), "community_before_knows")
    for limit in (1000, 1400, 2500):
        assert "nobody has to carry a disc" in judged("Mechanism", editions, lambda card, limit=limit: (
            "PDI", "MB") if card["MB"] > limit else solution(card)).message
    # The twelve cards alone, learnt by heart
    by_heart = {card["story"]: solution(card) for card in lesson.input_of("cards", editions.own)}
    assert not judged("Mechanism", editions, lambda card: by_heart.get(card["story"], ("XCA-I", "community"))).correct
    assert {solution(card)[0] for card in lesson.input_of("cards", editions.own)} == {
        "PDI", "XDM", "vendor cloud", "XDR-I", "XDS-I.b", "XCA-I", "MHD+WIA", "DICOMweb"}


# --- 2

def test_times_in_other_forms(editions):
    times = solved("FirstImage", editions)
    right("FirstImage", editions, {name: f"{seconds:.2f} s" for name, seconds in times.items()})
    right("FirstImage", editions, {name: f"{seconds * 1000:.0f} ms" for name, seconds in times.items()})
    right("FirstImage", editions, {name.upper(): round(seconds, 2) for name, seconds in reversed(times.items())})
    right("FirstImage", editions, list(times.items()))
    right("FirstImage", editions, {name: int(seconds * 100) / 100 for name, seconds in times.items()})          # cut, not rounded
    assert "two decimals" in judged("FirstImage", editions, {name: round(seconds, 1) for name, seconds in times.items()}).message


def test_times_that_look_right(editions):
    times, transfer = solved("FirstImage", editions), lesson.input_of("transfer", editions.own)
    trip = transfer["rtt_ms"] / 1000
    for name in times:
        for change in (trip, -trip, trip / 2):
            assert not judged("FirstImage", editions, {**times, name: times[name] + change}).correct, (name, change)
    assert judged("FirstImage", editions, {**times, "xds": times["xds"] - 4 * trip}).label == "one_connection"
    assert judged("FirstImage", editions, {**times, "store": times["store"] - trip}).label == "association_free"
    for name in ("xdr", "store", "store_all"):
        assert "half a round trip is missing" in judged("FirstImage", editions, {**times, name: times[name] - trip / 2}).message
    one = transfer["object_MB"] * 8 / transfer["Mbit_s"]
    for objects in (1, -1):
        assert "connection and association once for all" in judged(
            "FirstImage", editions, {**times, "store_all": times["store_all"] + objects * (one + trip)}).message
    assert judged("FirstImage", editions, {**times, "xds": 9 * trip + one}).label == "answer_opened_early"
    assert judged("FirstImage", editions, {
        **times, "xdr": times["xdr"] + trip, "xds": times["xds"] + 3 * trip, "web": times["web"] + trip}).label == "older_tls"
    for name, ways in (("xdr", {1: "requests_free"}), ("xds", {3: "requests_free_by_xds", 2: "last_request_alone"}),
                       ("web", {1: "request_free_by_web"})):
        for trips, label in ways.items():
            assert judged("FirstImage", editions, {**times, name: times[name] - trips * trip}).label == label
    assert "`xdr`, `xds`, `web`, `store` and `store_all`" in judged("FirstImage", editions, list(times.values())).message
    every = transfer["objects"] * (times["web"] - 3 * trip) + 3 * trip
    assert judged("FirstImage", editions, {**times, "web": every}).label == "web_takes_all"


# --- 3

def test_gateways_written_by_others(editions):
    def with_loops(gateway):
        home = f"urn:oid:{gateway.oid}"
        names = {"ExtrinsicObject", "RegistryPackage", "ObjectRef", "Association"}      # more than is asked does no harm

        def mark(answer):
            for element in answer.iter():
                name = str(element.tag).rpartition("}")[2]
                if name in names:
                    element.attrib["home"] = home
                elif name == "RegistryError":
                    element.attrib["location"] = home
            return answer

        gateway.mark = mark
        gateway.check = lambda asked: ("XDSUnknownCommunity" if asked.home not in ("", home)
                                       else "" if asked.home == home or asked.patient else "XDSMissingHomeCommunityId")
        return gateway

    def by_name(gateway):
        EXERCISES["WhoseIsIt"].solution(gateway)
        home = "urn:oid:2.999.1.8"

        def check(asked):
            if asked.home == home:
                return None
            if asked.home:
                return "XDSUnknownCommunity"
            return None if asked.name.startswith("Find") or asked.name == "GetAll" else "XDSMissingHomeCommunityId"

        gateway.check = check

    right("WhoseIsIt", editions, with_loops)
    right("WhoseIsIt", editions, by_name)


def test_gateways_that_look_right(editions):
    solution = EXERCISES["WhoseIsIt"].solution

    def nothing(gateway):
        gateway.oid                                      # not untouched, and nothing set

    def only_where_named(gateway):
        solution(gateway)
        mark, seen = gateway.mark, []
        check = gateway.check
        gateway.check = lambda asked: seen.append(asked.home) or check(asked)
        gateway.mark = lambda answer: mark(answer) if seen[-1] else None

    def refuses_in_words(gateway):
        solution(gateway)
        check = gateway.check
        gateway.check = lambda asked: "refused" if check(asked) else None

    def breaks(gateway):
        gateway.check = lambda asked: asked.community
        gateway.mark = lambda answer: None

    def called_at_once(gateway):
        solution(gateway)
        gateway.mark = gateway.mark(__import__("lxml.etree").etree.Element("x"))

    def not_attached(gateway):
        def check(asked):
            return None

        def mark(answer):
            return check

        gateway.seen = mark

    def without_mark(gateway):
        solution(gateway)
        gateway.mark = None

    def by_get(gateway):
        home = "urn:oid:" + gateway.oid
        solution(gateway)
        gateway.check = lambda asked: ("XDSMissingHomeCommunityId" if asked.name.startswith("Get") and asked.home == ""
                                       else "XDSUnknownCommunity" if asked.home not in ("", home) else None)

    def all_attributes(gateway):
        home = "urn:oid:" + gateway.oid
        solution(gateway)

        def mark(answer):
            for element in answer.iter("{*}ExtrinsicObject", "{*}RegistryPackage", "{*}ObjectRef", "{*}RegistryError"):
                element.set("home", home)
                element.set("location", home)

        gateway.mark = mark

    def no_braces(gateway):
        solution(gateway)
        gateway.mark = lambda answer: [element.set("home", "x") for element in answer.iter("ExtrinsicObject")]

    def named_by(same):
        def set_up(gateway):
            solution(gateway)
            home = "urn:oid:" + gateway.oid
            gateway.check = lambda asked: ("XDSUnknownCommunity" if asked.home != "" and not same(asked.home, home, gateway.oid)
                                           else None if asked.home or asked.patient else "XDSMissingHomeCommunityId")
        return set_up

    def names(needs, passes=()):
        def set_up(gateway):
            solution(gateway)
            home = "urn:oid:" + gateway.oid
            gateway.check = lambda asked: ("XDSUnknownCommunity" if asked.home not in ("", home) else "XDSMissingHomeCommunityId"
                                           if asked.home == "" and (asked.name in needs or passes and asked.name not in passes) else None)
        return set_up

    for given, asked in ((names(["GetDocuments", "GetAssociations"]), "GetFolders"),
                         (names([], ["FindDocuments", "GetAll"]), "FindSubmissionSets")):
        assert f"{asked} " in wrong("WhoseIsIt", editions, given, "value")

    def marks(kept):
        def set_up(gateway):
            solution(gateway)
            home = "urn:oid:" + gateway.oid

            def mark(answer):
                for element in answer.iter("{*}ExtrinsicObject", "{*}RegistryPackage", "{*}ObjectRef"):
                    if kept != "home" or not element.get("home"):
                        element.set("home", home)
                for error in answer.iter("{*}RegistryError"):
                    if kept != "location" or not error.get("location"):
                        error.set("location", home)
                    if kept == "others":
                        break

            gateway.mark = mark
        return set_up

    for kept in ("home", "location", "others"):
        assert "made by hand" in wrong("WhoseIsIt", editions, marks(kept), "value"), kept

    def patient_always(gateway):
        solution(gateway)
        home = "urn:oid:" + gateway.oid
        gateway.check = lambda asked: ("XDSMissingHomeCommunityId" if asked.patient == "" else
                                       "XDSUnknownCommunity" if asked.home not in ("", home) else None)

    told = judged("WhoseIsIt", editions, patient_always).message
    assert "none came; the answer is Failure with XDSMissingHomeCommunityId" in told and ".failed" not in told
    wrong("WhoseIsIt", editions, named_by(lambda named, home, oid: oid in named), "oid_somewhere_in_it")
    wrong("WhoseIsIt", editions, named_by(lambda named, home, oid: named.endswith(oid)), "oid_at_its_end")
    wrong("WhoseIsIt", editions, named_by(lambda named, home, oid: named.startswith(home)), "ours_at_its_beginning")
    assert "gateway.check and gateway.mark are not set" in wrong("WhoseIsIt", editions, not_attached, "value")
    assert "gateway.mark is not set" in wrong("WhoseIsIt", editions, without_mark, "value")
    assert "GetAll" in wrong("WhoseIsIt", editions, by_get, "named_by_get")
    wrong("WhoseIsIt", editions, all_attributes, "both_everywhere")
    assert "`{*}`" in wrong("WhoseIsIt", editions, no_braces, "no_namespace")
    for given in (nothing, only_where_named, refuses_in_words, breaks, called_at_once):
        assert judged("WhoseIsIt", editions, given).outcome is Outcome.NOT_YET, given.__name__
    assert "AttributeError" in judged("WhoseIsIt", editions, breaks).message
    assert "asked directly" in judged("WhoseIsIt", editions, only_where_named).message


# --- 4

def threads_by_hand(ask, patients, seconds):
    """Another person's initiating gateway: threads of its own, sets and pairs."""
    answers = {}

    def one(home):
        try:
            answers[home] = ask(home, patients[home], seconds=seconds)
        except Exception:
            answers[home] = None

    threads = [threading.Thread(target=one, args=(home,)) for home in patients if patients[home]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors, good, count, gap = set(), 0, 0, False
    for home, answer in answers.items():
        gap = gap or answer is None or bool(answer.problems)
        if answer is None:
            errors.add(("XDSUnavailableCommunity", home))
        else:
            own = {(one.code, home) for one in answer.problems} - {("XDSUnknownPatientId", home)}
            errors, count, good = errors | own, count + len(answer.entries), good + (not own or bool(answer.entries))
    status = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success" if not errors else "partial success" if good else "FAILURE"
    return {"say": {(True, True): "Some", (True, False): "unknown", (False, True): "all", (False, False): "none"}[gap, count > 0],
            "status": status, "errors": list(errors), "documents": float(count)}


def test_initiating_gateways_written_by_others(editions):
    right("FanOut", editions, threads_by_hand)
    right("FanOut", editions, lambda ask, patients, seconds: threads_by_hand(ask, patients, seconds - 0.2))     # what is left of it

    def with_colons(ask, patients, seconds):
        said = EXERCISES["FanOut"].solution(ask, patients, seconds)
        return {**said, "errors": [one.replace(" ", ": ", 1) for one in said["errors"]]}

    right("FanOut", editions, with_colons)

    def submitted(ask, patients, seconds):
        with ThreadPoolExecutor() as pool:
            waiting = {home: pool.submit(ask, home, patient, seconds) for home, patient in patients.items() if patient is not None}

        def again(home, patient, seconds):               # each of them once more, from what came
            return waiting[home].result()

        return EXERCISES["FanOut"].solution(again, patients, seconds)

    right("FanOut", editions, submitted)


def test_initiating_gateways_that_look_right(editions):
    solution = EXERCISES["FanOut"].solution

    def in_turn(ask, patients, seconds):
        answers = {}
        for home, patient in patients.items():
            if patient:
                try:
                    answers[home] = ask(home, patient, seconds)
                except NoAnswer:
                    answers[home] = None

        def again(home, patient, seconds):
            if answers[home] is None:
                raise NoAnswer("none")
            return answers[home]

        return solution(again, patients, seconds)

    began = time.monotonic()
    assert "one community after the other" in wrong("FanOut", editions, in_turn, "noticed")
    assert module.PATIENCE <= time.monotonic() - began

    def four_at_once(ask, patients, seconds):
        answers = {}

        def one(home):
            try:
                answers[home] = ask(home, patients[home], seconds)
            except NoAnswer:
                answers[home] = None

        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(one, [home for home in patients if patients[home]]))

        def again(home, patient, seconds):
            if answers[home] is None:
                raise NoAnswer("none")
            return answers[home]

        return solution(again, patients, seconds)

    assert "You asked 4 of 5 communities at once" in wrong("FanOut", editions, four_at_once, "noticed")
    assert "without the limit" in wrong("FanOut", editions, lambda ask, patients, seconds: solution(
        lambda home, patient, _: ask(home, patient), patients, seconds), "noticed")
    for hurry in (1, 5):
        assert "shorter than `seconds`" in wrong("FanOut", editions, lambda ask, patients, seconds, hurry=hurry: solution(
            ask, patients, hurry), "noticed")
    assert "nobody is asked" in wrong("FanOut", editions, lambda ask, patients, seconds: solution(
        ask, {home: patient or "" for home, patient in patients.items()}, seconds), "noticed")
    assert "longer one" in wrong("FanOut", editions, lambda ask, patients, seconds: solution(ask, patients, 600), "noticed")
    assert judged("FanOut", editions, lambda ask, patients, seconds: list(solution(ask, patients, seconds).values())).label == "unreadable"

    def fails(ask, patients, seconds):
        with ThreadPoolExecutor() as pool:
            return list(pool.map(lambda home: ask(home, patients[home], seconds), patients))

    assert judged("FanOut", editions, fails).outcome is Outcome.NOT_YET

    def by_status(ask, patients, seconds):
        said = solution(ask, patients, seconds)
        good = "all" if said["documents"] else "none"
        return {**said, "say": {"PartialSuccess": "some", "Failure": "unknown"}.get(said["status"], good)}

    def by_errors(ask, patients, seconds):
        said = solution(ask, patients, seconds)
        return {**said, "say": said["say"] if said["errors"] else "all" if said["documents"] else "none"}

    class Seen:
        """An answer of which a federated() sees only some problems."""

        def __init__(self, answer, keep):
            self.entries, self.problems = answer.entries, [one for place, one in enumerate(answer.problems) if keep(place, one.code)]

    def overlooks(keep):
        return lambda ask, patients, seconds: solution(
            lambda home, patient, limit: Seen(ask(home, patient, limit), keep), patients, seconds)

    wrong("FanOut", editions, by_errors, "said_by_errors")
    for keep in (lambda place, code: not code.startswith("XDSUnknown"), lambda place, code: "Patient" not in code,
                 lambda place, code: code in ("XDSRegistryError", "XDSTooManyResults", "XDSUnknownPatientId", "XDSRepositoryError"),
                 lambda place, code: place == 0):
        assert judged("FanOut", editions, overlooks(keep)).outcome is Outcome.NOT_YET

    def drops_strangers(ask, patients, seconds):            # with whatever else stands in such an answer
        def one(home, patient, limit):
            answer = ask(home, patient, limit)
            known = all(problem.code != "XDSUnknownPatientId" for problem in answer.problems)
            return answer if known else Seen(answer, lambda place, code: code == "XDSUnknownPatientId")
        return solution(one, patients, seconds)

    assert judged("FanOut", editions, drops_strangers).outcome is Outcome.NOT_YET

    def nobody_is_a_failure(ask, patients, seconds):
        said = solution(ask, patients, seconds)
        return said if any(patients.values()) else {**said, "status": "Failure", "say": "unknown"}

    def as_many_as_there_are(ask, patients, seconds):
        ThreadPoolExecutor(max_workers=sum(patient is not None for patient in patients.values())).shutdown()
        return solution(ask, patients, seconds)

    assert "were not to be asked" in judged("FanOut", editions, nobody_is_a_failure).message
    assert "max_workers must be greater than 0" in judged("FanOut", editions, as_many_as_there_are).message

    def asks_again(ask, patients, seconds):
        def twice(home, patient, limit):
            try:
                return ask(home, patient, limit)
            except NoAnswer:
                return ask(home, patient, limit)
        return solution(twice, patients, seconds)

    assert "twice in one case" in wrong("FanOut", editions, asks_again, "noticed")

    def of_silent_ones(ask, patients, seconds):
        said = solution(ask, patients, seconds)
        kept = [one for one in said["errors"] if "TooMany" not in one]
        return {**said, "errors": kept, **({} if kept else {"status": "Success"})}

    def beside(answer):
        return Seen(answer, lambda place, code: not answer.entries)

    def whoever_answered(ask, patients, seconds):
        said, homes = solution(ask, patients, seconds), [home for home in patients if patients[home]]
        silent = sum("Unavailable" in one for one in said["errors"])
        return {**said, "status": "Success" if not said["errors"] else "PartialSuccess" if silent < len(homes) else "Failure"}

    def none_counts(ask, patients, seconds):
        said = solution(ask, patients, seconds)
        nobody = any(patient is None for patient in patients.values())
        return {**said, "status": "PartialSuccess" if said["status"] == "Failure" and nobody else said["status"]}

    wrong("FanOut", editions, none_counts, "nobody_counts")
    wrong("FanOut", editions, by_status, "said_by_status")
    assert judged("FanOut", editions, of_silent_ones).outcome is Outcome.NOT_YET
    wrong("FanOut", editions, lambda ask, patients, seconds: solution(lambda home, patient, limit: beside(ask(home, patient, limit)),
                                                                     patients, seconds), "errors_beside_entries")
    wrong("FanOut", editions, whoever_answered, "anybody_counts")

    def changed(**entries):
        return lambda ask, patients, seconds: {**solution(ask, patients, seconds), **entries}

    told = judged("FanOut", editions, changed(documents=77)).message
    assert "cases. For case 1 it returned" in told and "There " in told and " answered with " in told

    for given in (changed(say="some"), changed(status="PartialSuccess"), changed(errors=[]), changed(documents=3)):
        assert judged("FanOut", editions, given).outcome is Outcome.NOT_YET


# --- 5

def packed(editions, change=lambda name, content: (name, content), folder="IHE_XDM/SUBSET01/", more=(), compression=zipfile.ZIP_DEFLATED,
           extension=".TXT", **copies):
    papers, entries = (lesson.input_of(name, editions.own) for name in ("papers", "entries"))
    file, described, links = io.BytesIO(), [], ""
    with zipfile.ZipFile(file, "w", compression) as archive:
        for place, entry in enumerate(reversed(entries)):
            if entry.id in papers:
                name, octets = f"DOC{place:05}{extension}", papers[entry.id]
                links += f"<li><a href='./{folder}{name}'>{entry['title']}</a></li>"
                archive.writestr(*change(f"{folder}{name}", octets))
                values = {"URI": (name,), "hash": hashlib.sha1(octets).hexdigest().upper(), "size": str(len(octets))}
                entry = entry.copy(**{**values, **copies})
            described.append(entry)
        for name, content in ((f"{folder}METADATA.XML", module.written_metadata(described)), ("README.TXT", "Who made it"),
                              ("INDEX.HTM", module.INDEX.replace("LINKS", links)), *more):
            archive.writestr(*change(name, content))
    return file.getvalue()


def test_packages_made_by_others(editions, tmp_path):
    right("PackageForTheDoctor", editions, packed(editions))                 # other names, order, compression, capitals in the hash
    right("PackageForTheDoctor", editions, bytearray(packed(editions, compression=zipfile.ZIP_STORED)))
    right("PackageForTheDoctor", editions, packed(editions, folder="IHE_XDM/S1/"))
    # the metadata without the request around them, as somebody makes them who knows metadata.write
    root = b"lcm:SubmitObjectsRequest"
    assert root in packed(editions, compression=zipfile.ZIP_STORED)
    right("PackageForTheDoctor", editions, packed(editions, lambda name, content: (
        name, xml.encode(xml.parse(content)[0]) if name.endswith("METADATA.XML") else content)))
    right("PackageForTheDoctor", editions, packed(editions, more=(("IHE_XDM/", ""), ("IHE_XDM/SUBSET01/", ""))))
    (tmp_path / "package.zip").write_bytes(packed(editions))
    right("PackageForTheDoctor", editions, tmp_path / "package.zip")
    right("PackageForTheDoctor", editions, [packed(editions)])


def test_packages_that_look_right(editions):
    def told(*arguments, **more):
        return judged("PackageForTheDoctor", editions, packed(editions, *arguments, **more))

    def with_index(links):
        return told(lambda name, content: (name, module.INDEX.replace("LINKS", links) if name == "INDEX.HTM" else content))

    for links, why in (("LINKS", "LINKS still stands"), ("", "none leads to a document"), ("<li>IHE_XDM</li>", "none leads to a document"),
                       ("<li><a href='DOC00003.TXT'/><a href='DOC00004.TXT'/></li>", "as if INDEX.HTM lay in the folder"),
                       ("<li><a href='IHE_XDM/SUBSET01/DOC00003.TXT'/></li>", "none leads to IHE_XDM/SUBSET01/DOC00004.TXT")):
        message = with_index(links).message
        assert why in message or "LINKS still stands" in message or "looks from there" in message, message
    papers, entries = (lesson.input_of(name, editions.own) for name in ("papers", "entries"))
    wrong("PackageForTheDoctor", editions, module._packed(papers, entries, links="LINKS"), "links_forgotten")
    wrong("PackageForTheDoctor", editions, module._packed(papers, entries, links=""), "links_like_uris")
    assert "leads nowhere" in judged("PackageForTheDoctor", editions, module._packed(
        papers, entries, index=module.INDEX.replace("README.TXT", "ABOUT.TXT"))).message
    for extension in (".PDF", ".DCM", ""):
        assert "Its mimeType is `text/plain`" in told(extension=extension).message
    assert "`SUBSET.01/` has a point" in told(folder="IHE_XDM/SUBSET.01/").message
    for uri in ("/DOC00003.TXT", "/IHE_XDM/SUBSET01/DOC00003.TXT"):
        assert "begins with `/`" in told(URI=(uri,)).message
    assert told(size="1").message.endswith("Its size is not the number of bytes of its file.")
    assert "not the SHA-1 of the file to which its URI leads" in told(hash=hashlib.sha1(b"x").hexdigest()).message
    assert "letter by letter" in told(URI="DOC00001.TXT").message and "no URI" in told(URI=None).message
    assert "has small letters" in told(lambda name, content: (name.replace("METADATA.XML", "metadata.xml"), content)).message
    assert "missing in the folder of the submission set" in told(
        lambda name, content: (name.replace("METADATA.XML", "META.XML"), content)).message
    for name, why in (("TOO_LONG_A.TXT", "more than 8"), ("A.TEXT", "more than 3"), ("A-B.TXT", "digits and `_`"), ("A.B.C", "one point")):
        message = told(more=((f"IHE_XDM/SUBSET01/{name}", "x"),)).message
        assert f"`{name}`" in message and why in message
    assert "backslash" in told(URI=("..\\SUBSET01\\DOC00001.TXT",)).message and "upper and lower" in told(URI=("doc00003.txt",)).message
    md5 = {entry.id: hashlib.md5(lesson.input_of("papers", editions.own)["Letter"], usedforsecurity=False).hexdigest()
           for entry in lesson.input_of("entries", editions.own)}
    assert "MD5" in told(hash=md5["Letter"]).message
    assert "The package holds no document" not in told(URI=("NOWHERE.TXT",)).message
    assert told(more=(("VIEWER.EXE", "MZ"),)).label == "program_added"
    assert "`IHE_XDM/SUBSET01/EXTRA.TXT`: no entry leads there" in told(more=(("IHE_XDM/SUBSET01/EXTRA.TXT", "x"),)).message
    assert "IHE_XDM: missing; METADATA.XML lies in IHEXDM/SUBSET01" in told(folder="IHEXDM/SUBSET01/").message
    assert "2 submission sets" in told(more=(("IHE_XDM/SUBSET02/METADATA.XML", "<x/>"),)).message
    papers, entries = (lesson.input_of(name, editions.own) for name in ("papers", "entries"))
    for kept in (2, 3):
        file = io.BytesIO(module._packed(papers, entries[:kept]))
        message = judged("PackageForTheDoctor", editions, file.getvalue()).message
        assert "In METADATA.XML: Its metadata is not right: " in message and len(message) > 60, message
    lists = module._packed(papers, entries).replace(b"RegistryObjectList", b"RegistryObjectLost")
    assert not judged("PackageForTheDoctor", editions, lists).correct
    exchanged = module._packed(papers, entries, uris={"Letter": "REPORT.TXT", "Report": "LETTER.TXT"})
    assert "file of the other document" in wrong("PackageForTheDoctor", editions, exchanged, "uris_exchanged")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("INDEX.HTM", "x")
    for given in (file, archive):
        assert "`.getvalue()`" in judged("PackageForTheDoctor", editions, given).message
    assert not judged("PackageForTheDoctor", editions, packed(editions)[:-30]).message.endswith("?.")
    assert told(hash=None).outcome is told(size=None).outcome is told(URI=None).outcome is Outcome.NOT_YET
    assert told(URI="DOC00001").outcome is Outcome.NOT_YET                               # a text instead of a tuple: letter by letter
    assert told(lambda name, content: (name.lower(), content)).outcome is Outcome.NOT_YET
    assert told(lambda name, content: (name.replace("/", "\\"), content)).outcome is Outcome.NOT_YET
    no_xml = told(lambda name, content: (name, "<html>&nbsp;" if name == "INDEX.HTM" else content))
    assert no_xml.message.startswith("In the package: Its INDEX.HTM")
    assert told(lambda name, content: (name, b"" if name.startswith("IHE_XDM/SUBSET01/DOC") else content)).outcome is Outcome.NOT_YET
    assert told(patientId="HV1").outcome is Outcome.NOT_YET
    assert told(uniqueId="2.999.1").outcome is Outcome.NOT_YET
    for given in (b"PK", b"", packed(editions)[:-30], "package", {"a": packed(editions), "b": packed(editions)}):
        assert judged("PackageForTheDoctor", editions, given).label == "unreadable"


# --- 6

def test_reconciliations_by_others(editions):
    def over_all(url, exam, order):
        here = [one for one in search(url) if one["StudyInstanceUID"] == exam["StudyInstanceUID"]]
        mine = [one for one in here if one["PatientID"] == order["PatientID"]]
        return {"Reference": "^".join([exam["AccessionNumber"], "", "", f"&{exam['Issuer']}&ISO", "urn:ihe:iti:xds:2013:accession"]),
                "accession": (here or [order])[0]["AccessionNumber"], "study": exam["StudyInstanceUID"],
                "action": "Here_already" if mine else "STOP" if here else "import "}

    right("ForeignExam", editions, over_all)
    right("ForeignExam", editions, lambda url, exam, order: list(EXERCISES["ForeignExam"].solution(url, exam, order).items()))


def test_reconciliations_that_look_right(editions):
    solution = EXERCISES["ForeignExam"].solution

    def changed(**entries):
        return lambda url, exam, order: {**solution(url, exam, order), **{name: of(exam, order) for name, of in entries.items()}}

    assert wrong("ForeignExam", editions, changed(study=lambda exam, order: "2.25.4711"), "value").count("RAD TF-2 4.61")
    wrong("ForeignExam", editions, changed(accession=lambda exam, order: order["AccessionNumber"]), "always_the_orders")
    for of, why in ((lambda number, oid: f"{number}^^^^&{oid}&ISO^urn:ihe:iti:xds:2013:accession", "count the `^`"),
                    (lambda number, oid: f"{number}^^^{oid}^urn:ihe:iti:xds:2013:accession", "three parts with `&`"),
                    (lambda number, oid: f"{number}^^^&{oid}&iso^urn:ihe:iti:xds:2013:accession", "upper and lower case"),
                    (lambda number, oid: f"{number}^^^&{oid}&ISO^accession", "the type, the last component"),
                    (lambda number, oid: f"{number}^^^&{oid}.7&ISO^urn:ihe:iti:xds:2013:accession", "exam[\"Issuer\"]")):
        assert why in wrong("ForeignExam", editions, changed(
            reference=lambda exam, order, of=of: of(exam["AccessionNumber"], exam["Issuer"])), "value")
    assert "number of *our* order" in wrong("ForeignExam", editions, changed(
        reference=lambda exam, order: f"{order['AccessionNumber']}^^^&{exam['Issuer']}&ISO^urn:ihe:iti:xds:2013:accession"),
        "number_of_the_order")

    def by(keys, whose="order"):
        def reconcile(url, exam, order):
            found = search(url, **keys(exam, order))
            said = solution(url, exam, order)
            action = "import" if not found else "here already" if found[0]["PatientID"] == (
                order if whose == "order" else exam)["PatientID"] else "stop"
            return {**said, "action": action, "accession": found[0]["AccessionNumber"] if found else order["AccessionNumber"]}
        return reconcile

    def study(exam, **more):
        return {"StudyInstanceUID": exam["StudyInstanceUID"], **more}

    wrong("ForeignExam", editions, by(lambda exam, order: study(exam, PatientID=order["PatientID"])), "by_study_and_patient")
    wrong("ForeignExam", editions, by(lambda exam, order: study(exam), whose="exam"), "patient_of_the_exam")

    def alike(same):
        def reconcile(url, exam, order):
            said, found = solution(url, exam, order), search(url, **study(exam))
            whose = "here already" if found and same(found[0]["PatientID"], order["PatientID"]) else "stop"
            return {**said, "action": whose if found else "import"}
        return reconcile

    for same in (lambda one, other: one[-3:] == other[-3:], lambda one, other: one.startswith(other)):
        assert "Compare the whole ID" in wrong("ForeignExam", editions, alike(same), "value")

    def either(url, exam, order):
        said, found = solution(url, exam, order), search(url, **study(exam))
        ids = exam["PatientID"], order["PatientID"]
        return {**said, "action": "here already"} if found and found[0]["PatientID"] in ids else said

    wrong("ForeignExam", editions, either, "either_patient")
    for key, action in (("exam", "stop"), ("order", "here already")):
        def by_number(url, exam, order, key=key, action=action):
            said = solution(url, exam, order)
            found = search(url, AccessionNumber={"exam": exam, "order": order}[key]["AccessionNumber"])
            return {**said, "action": action} if found and said["action"] == "import" else said

        assert "does not have this study" in wrong("ForeignExam", editions, by_number, "value")
    assert "asks for more than the Study Instance UID" in wrong("ForeignExam", editions, by(
        lambda exam, order: study(exam, AccessionNumber=exam["AccessionNumber"])), "never_looked")

    def order_where_it_stops(url, exam, order):
        said = solution(url, exam, order)
        return {**said, "accession": order["AccessionNumber"] if said["action"] == "stop" else said["accession"]}

    wrong("ForeignExam", editions, order_where_it_stops, "orders_at_stop")
    assert not judged("ForeignExam", editions, changed(reference=lambda exam, order: exam["AccessionNumber"])).correct
    assert not judged("ForeignExam", editions, changed(reference=lambda exam, order: f"{order['AccessionNumber']}^^^&2.999.1.1&ISO^"
                                                                                     "urn:ihe:iti:xds:2013:accession")).correct
    wrong("ForeignExam", editions, changed(reference=lambda exam, order: f"{exam['AccessionNumber']}^^^^urn:ihe:iti:xds:2013:accession"),
          "number_of_nobody")

    def both_keys(url, exam, order):                     # the study *and* the patient: one of a stranger's is then not found
        found = search(url, StudyInstanceUID=exam["StudyInstanceUID"], PatientID=order["PatientID"])
        return {**solution(url, exam, order), "action": "here already" if found else "import"}

    assert not judged("ForeignExam", editions, both_keys).correct


# --- 7

@pytest.mark.parametrize("seed", range(6))
def test_traces_in_other_forms(seed):
    editions = Editions(hospital(seed, "tiny"))
    trace = dict(solved("OneExchange", editions))
    moment = datetime.fromisoformat(trace["asked_at"])
    trace["asked_at"] = f"{moment:%H:%M:%S}"
    hours, minutes, seconds = trace["asked_at"].split(":")
    rounded = moment + timedelta(microseconds=500_000)
    for form in (f"{moment:%Y-%m-%dT%H:%M:%S}+00:00", f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
                 f"{moment:%H:%M:%S.%f}"[:-3], f"{int(hours)}:{minutes}:{seconds}",
                 f"{trace['asked_at']} UTC", f"{rounded:%H:%M:%S}"):
        right("OneExchange", editions, {**trace, "asked_at": form})
    gateways = moment + timedelta(milliseconds=20)
    for form in (f"{gateways:%H:%M:%S.%f}"[:-3], f"{moment + timedelta(seconds=2):%H:%M:%S}", f"{moment - timedelta(seconds=1):%H:%M:%S}"):
        assert judged("OneExchange", editions, {**trace, "asked_at": form}).outcome is Outcome.NOT_YET, form
    right("OneExchange", editions, {**trace, "seconds": round(trace["seconds"], 1)})
    right("OneExchange", editions, {**trace, "seconds": round(trace["seconds"], 2)})
    for away in (0.04, -0.04, 0.1, -0.1):
        given = round(trace["seconds"] + away, 3)
        if given != round(given, 1):
            assert judged("OneExchange", editions, {**trace, "seconds": given}).outcome is Outcome.NOT_YET, given
    assert "in the log of the one that asked it" in wrong(
        "OneExchange", editions, {**trace, "seconds": round(trace["seconds"] + 0.04, 3)}, "seen_by_its_neighbour")
    for away in (0.5, -0.5, 1):
        assert judged("OneExchange", editions, {**trace, "off_by": trace["off_by"] + away}).outcome is Outcome.NOT_YET
    right("OneExchange", editions, {**trace, "slow": trace["slow"].lower().replace("_", " "), "clock": "smk-responding",
                                    "seconds": f"{trace['seconds']:.1f} s", "off_by": str(round(trace["off_by"])),
                                    "requests": str(trace["requests"])})
    right("OneExchange", editions, {**trace, "seconds": timedelta(seconds=trace["seconds"]), "off_by": timedelta(seconds=trace["off_by"])})
    # what belongs to somebody else, or to the second query, is far from right
    night, complaint = (lesson.input_of(name, editions.own) for name in ("night", "complaint"))
    for way in (lambda: module._traced(night, complaint, slow=trace["slow"], whole=True)["seconds"],
                lambda: module._traced(night, complaint, slow=module.THEIR_GATEWAY, whole=True)["seconds"]):
        if abs(way() - trace["seconds"]) > 0.01:
            assert abs(way() - trace["seconds"]) > 1
            assert judged("OneExchange", editions, {**trace, "seconds": way()}).outcome is Outcome.NOT_YET
    other = [line for line in night.to_dict("records") if line["what"] == "sent ITI-18 to NMH_INITIATING"]
    for line in other:
        if line["message_id"] != complaint:
            with contextlib.suppress(TypeError, ValueError, IndexError):
                took = EXERCISES["OneExchange"].solution(night, line["message_id"])["seconds"]
                assert abs(took - trace["seconds"]) > 0.5
    assert abs(trace["off_by"]) >= 23 and trace["seconds"] > 13
    one_way = trace["off_by"] + 0.02                     # without the mean of both directions: good enough
    right("OneExchange", editions, {**trace, "off_by": one_way})


def test_traces_that_look_right(editions):
    trace = solved("OneExchange", editions)
    for change, label in (({"off_by": -trace["off_by"]}, "wrong_way_round"), ({"slow": "NMH_INITIATING"}, "who_waited"),
                          ({"clock": "HV_VIEWER"}, "viewers_clock"), ({"requests": 1}, "hers_alone")):
        assert judged("OneExchange", editions, {**trace, **change}).label == label
    registry = {"SMK_REGISTRY": "SMK_RESPONDING", "SMK_RESPONDING": "SMK_REGISTRY"}[trace["slow"]]
    told = {name: judged("OneExchange", editions, {**trace, name: value}).message for name, value in (
        ("slow", registry), ("clock", "SMK_REGISTRY"), ("requests", trace["requests"] - 1), ("seconds", round(trace["seconds"])),
        ("asked_at", "00:12:17"))}
    assert "includes what it waited" in told["slow"] or "not most of it" in told["slow"]
    assert "one neighbour only" in told["clock"] and "there are more" in told["requests"] and "a tenth" in told["seconds"]
    assert "HV_VIEWER sent the query" in told["asked_at"]
    for name, value, why in (("slow", "SMK", "no actor of these logs"), ("clock", "the viewer", "no actor of these logs"),
                             ("seconds", round(trace["seconds"] * 1000), "milliseconds"),
                             ("seconds", -trace["seconds"], "subtract the earlier"),
                             ("asked_at", "2025-04-07T02:11:56+02:00", "names the zone +02:00")):
        assert why in judged("OneExchange", editions, {**trace, name: value}).message
    for change in ({"asked_at": "09:15"}, {"clock": "SMK_REGISTRY"}, {"seconds": trace["seconds"] + 1}, {"requests": trace["requests"] + 1},
                   {"slow": "HV_VIEWER"}, {"off_by": trace["off_by"] + 2}):
        assert judged("OneExchange", editions, {**trace, **change}).outcome is Outcome.NOT_YET, change


# --- 8

def by_format(gateway, sources, patient):
    """Another person's consumer: all documents, told apart by their format; all of a community in one retrieval; a set of UIDs."""
    found = query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED})
    manifests = [entry for entry in found.entries if entry["formatCode"].code == module.KOS.code]
    came, listed = set(), set()
    for home in {entry["homeCommunityId"] for entry in manifests}:
        pairs = [(entry["repositoryUniqueId"], entry["uniqueId"]) for entry in manifests if entry["homeCommunityId"] == home]
        for document in retrieve(gateway, pairs, home=home).documents:
            manifest = dcmread(io.BytesIO(document.octets))
            came |= {one.unique_id for one in retrieve_images(sources[document.home], manifest).documents}
            images = [item for item in manifest.ContentSequence if "ReferencedSOPSequence" in item]
            listed |= {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in images}
    return {"images": len(came), "missing": listed - came, "manifests": len(manifests),
            "errors": {(one.code, one.location) for one in found.problems}}


def test_consumers_by_others(editions):
    right("AllTheWay", editions, by_format)
    right("AllTheWay", editions, lambda *given: list({**by_format(*given), "missing": sorted(by_format(*given)["missing"]),
                                                           "errors": sorted(by_format(*given)["errors"])}.items()))


def test_consumers_that_look_right(editions):
    def elsewhere(gateway, sources, patient):
        return by_format(gateway, dict.fromkeys(sources, sources[module.NORTHMERE]), patient)

    def own_registry_alone(gateway, sources, patient):
        result = by_format(gateway, sources, patient)
        found = query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED},
                      home=SOUTHMARK)
        return {**result, "manifests": len(found.entries)}

    def counted(gateway, sources, patient):
        result = by_format(gateway, sources, patient)
        return {**result, "missing": len(result["missing"])}

    solution = EXERCISES["AllTheWay"].solution

    def first_series(gateway, sources, patient):
        said = solution(gateway, sources, patient)
        return {**said, "missing": [uid for uid in said["missing"] if uid.split(".")[-2] == "1"]}

    def whatever_is_dicom(gateway, sources, patient):
        found = query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED})
        manifests, images, missing = [entry for entry in found.entries if entry["mimeType"] == "application/dicom"], 0, []
        for entry in manifests:
            answer = retrieve(gateway, [(entry["repositoryUniqueId"], entry["uniqueId"])], home=entry["homeCommunityId"])
            manifest = dcmread(io.BytesIO(answer.documents[0].octets))
            came = {one.unique_id for one in retrieve_images(sources[entry["homeCommunityId"]], manifest).documents}
            images += len(came)
            missing += {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in manifest.ContentSequence
                        if "ReferencedSOPSequence" in item} - came
        return {"manifests": len(manifests), "images": images, "missing": missing, "errors": by_format(gateway, sources, patient)["errors"]}

    def unnamed(gateway, sources, patient):
        for entry in query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED,
                                                      "$XDSDocumentEntryFormatCode": module.KOS}).entries:
            docs = retrieve(gateway, [(entry["repositoryUniqueId"], entry["uniqueId"])]).documents
            dcmread(io.BytesIO(docs[0].octets))

    def any_format(gateway, sources, patient):
        for entry in query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED}).entries:
            docs = retrieve(gateway, [(entry["repositoryUniqueId"], entry["uniqueId"])], home=entry["homeCommunityId"]).documents
            dcmread(io.BytesIO(docs[0].octets))

    def out_of_its_own_list(gateway, sources, patient):
        return [][0]

    def without_status(gateway, sources, patient):
        found = query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient})
        return {"manifests": len(found.entries), "images": 0, "missing": [], "errors": []}

    def by_title(gateway, sources, patient):
        found = query(gateway, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": APPROVED})
        return {**solution(gateway, sources, patient), "manifests": sum(one["title"] == "CT head" for one in found.entries)}

    def listed(gateway, sources, patient):
        said = solution(gateway, sources, patient)
        return {**said, "images": said["images"] + len(said["missing"])}

    assert judged("AllTheWay", editions, by_title).outcome is Outcome.NOT_YET
    wrong("AllTheWay", editions, listed, "listed_counted")
    wrong("AllTheWay", editions, lambda *given: {**solution(*given), "errors": []}, "errors_not_told")
    assert "a list of SOP Instance UIDs" in wrong("AllTheWay", editions, counted, "unreadable")

    assert "Without the entry's homeCommunityId" in wrong("AllTheWay", editions, unnamed, "not_named")
    assert "formatCode" in wrong("AllTheWay", editions, any_format, "no_manifest")
    assert "homeCommunityId" not in wrong("AllTheWay", editions, out_of_its_own_list, "error")
    assert "Your queries were refused: Failure: XDSStoredQueryMissingParam" in wrong("AllTheWay", editions, without_status, "noticed")
    wrong("AllTheWay", editions, first_series, "first_series")
    wrong("AllTheWay", editions, lambda *given: {**solution(*given), "missing": sorted(solution(*given)["missing"])[:1]}, "first_missing")
    assert "formatCode" in wrong("AllTheWay", editions, whatever_is_dicom, "whatever_is_dicom")
    wrong("AllTheWay", editions, elsewhere, "own_source_for_all")
    for given in (own_registry_alone, lambda *given: {**by_format(*given), "images": 3},
                  lambda *given: {**by_format(*given), "missing": []}):
        assert judged("AllTheWay", editions, given).outcome is Outcome.NOT_YET


# --- what the notebook shows

def test_a_first_image_is_sooner_than_a_package():
    (first, sooner), (second, later) = module.over_a_line(bandwidth=20_000.0)          # 0.15 and 4 seconds, so that a pause turns nothing round
    assert "first image" in first and "package" in second and sooner < later


def test_an_archive_that_has_no_such_study_gives_an_empty_list():
    with module.two_of_a_number("A1") as web:
        assert search(web.url, StudyInstanceUID="2.999.404") == [] and len(search(web.url)) == 2
        with pytest.raises(ValueError, match="400"):
            search(web.url, Colour="red")


def test_what_is_pushed_is_a_manifest_and_its_images(editions):
    entries, documents = lesson.input_of("stroke", editions.own)
    manifest = dcmread(io.BytesIO(documents["Manifest"]))
    listed = {item.ReferencedSOPInstanceUID
              for series in manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
              for item in series.ReferencedSOPSequence}
    assert listed == {str(dcmread(io.BytesIO(octets)).SOPInstanceUID) for name, octets in documents.items() if name != "Manifest"}
    assert [entry.get("formatCode") == module.KOS for entry in entries if entry.kind == "DocumentEntry"] == [True, False, False, False]


def test_a_push_and_a_pull_side_by_side():
    push, pull = module.pushed_and_pulled([Event("A", "B", "ITI-41"), Event("B", "A", "ITI-41 response", "Success")])
    assert push[0].detail.startswith("manifest and 3 images") and push[1].detail == "Success"
    assert [event.what for event in pull] == ["ITI-18", "ITI-18 response", "ITI-43", "ITI-43 response", "RAD-69", "RAD-69 response"]
    assert {event.detail for event in pull[1::2]} == {"Success"}


def test_message_ids_as_letters():
    def event(name, relates_to=None):
        return Event("A", "B", "ITI-18", data=SimpleNamespace(message_id=name, relates_to=relates_to))

    shown = module.with_letters([event("urn:1"), event("urn:2"), event("urn:3", "urn:2"), event("urn:4", "urn:1")])
    assert [one.detail for one in shown] == ["MessageID A", "MessageID B", "MessageID C, RelatesTo B", "MessageID D, RelatesTo A"]
