"""Image exchange: which mechanism, how fast, across communities, on media, through the logs: the exercises of lesson chea-03.

Southmark, Westhaven and the other communities are invented, as all persons are. Sources: IHE ITI TF-1 15 (XDR), 16 (XDM), 18 (XCA), 27
(XCPD); ITI TF-2 3.32, 3.38, 3.39, 3.43; RAD TF-2 4.61; RAD TF-3 4.68, 4.69, 4.75; DICOM PS3.18.
"""

import base64
import contextlib
import hashlib
import http.client
import io
import json
import random
import re
import socket
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote, urlencode, urlsplit

from coursekit.checking import Client, Fields, File, Function, Lesson, Number, Server, Set, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.standards import soap, xml
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import APPROVED, DOCUMENT, HAS_MEMBER, ORIGINAL, QUERY, RIM, SET, STABLE
from coursekit.standards.xds.metadata import Author, Code, Entry, Problem, association
from coursekit.systems import candidates, document_sharing
from coursekit.systems.dicomweb import DicomWeb
from coursekit.systems.document_sharing import query, retrieve
from coursekit.systems.gateways import InitiatingGateway, RespondingGateway
from coursekit.systems.imaging_source import ACCESSION, CODES, ImagingSource, retrieve_images
from coursekit.systems.registry import Registry, add_errors, told
from coursekit.systems.proxy import Faults, Proxy
from coursekit.systems.repository import Repository
from coursekit.systems.store import Store
from coursekit.systems.web import NoAnswer, SoapServer

lesson = Lesson(
    "chea-03",
    title="Image exchange scenarios",
    version=1,
    minutes=180,
    objectives=[
        "choose a mechanism for a scenario, name the fact that decided, and say when the first image will be there",
        "make gateways between communities work: say to whom an object belongs, who gave no answer, and what the physician may be told",
        "send a package on media, file a foreign exam under a local order, and follow one exchange from screen to image and through the "
        "logs",
    ],
    covers=["Manage and coordinate the many imaging exchange scenarios"],
    needs=["chea-02"],
)

NORTHMERE, SOUTHMARK, WESTHAVEN, EASTLAND, OVERLAND, MIDMOOR = (f"urn:oid:2.999.1.{number}" for number in (9, 8, 7, 6, 5, 14))
NAMES = {NORTHMERE: "Northmere", SOUTHMARK: "Southmark", WESTHAVEN: "Westhaven", EASTLAND: "Eastland", OVERLAND: "Overland",
         MIDMOOR: "Midmoor"}
KOS = Code("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.2.6.1", "Key Object Selection Document")
IHE_FORMATS = "1.3.6.1.4.1.19376.1.2.3"
BASIC_SR = "1.2.840.10008.5.1.4.1.1.88.11"
MOMENT = "20250407053000"               # the course clock in UTC


# --- 1

FACTS = ("link", "initiative", "recipient", "knows", "community", "client")
_MECHANISMS = {"pdi": "PDI", "xdm": "XDM", "xdmoverdirect": "XDM", "vendorcloud": "vendor cloud", "cloud": "vendor cloud", "xdri": "XDR-I",
               "xdr": "XDR-I", "xdsib": "XDS-I.b", "xdsi": "XDS-I.b", "xcai": "XCA-I", "xca": "XCA-I", "mhdwia": "MHD+WIA",
               "wiamhd": "MHD+WIA", "mhdandwia": "MHD+WIA", "dicomweb": "DICOMweb"}
# What the cards of the notebook tell, and their facts in the order of FACTS; then how long there is, and how much it is.
_CARDS = (
    ("Eastcliff sends a stroke patient to Harbour Vale at 02:10. The ambulance is under way; the images have to be there before it.",
     "services", "sender", "known", "study", "own", "SOAP", "minutes", 640),
    ("The tumour board meets next week. Nobody has said yet which hospital's oncologist will read; she looks the patient up on that day.",
     "services", "sender", "unknown", "patient", "own", "SOAP", "days", 2100),
    ("A tourist of Eastland breaks a leg here. His country has a gateway to ours. He knows that he had an MR, not where.",
     "services", "reader", "unknown", "patient", "another", "SOAP", "hours", 310),
    ("A patient moves overseas. Her new doctor has a computer and nothing else that ours could reach.",
     "none", "sender", "unknown", "patient", "another", "SOAP", "days", 900),
    ("A family doctor with a secure mail address (Direct) gets the report and four key images.",
     "mail", "sender", "known", "patient", "own", "SOAP", "days", 6),
    ("A Harbour Vale physician asks on the ward for what Eastcliff has of her patient. Her workstation is a Document Consumer.",
     "services", "reader", "known", "patient", "own", "SOAP", "hours", 420),
    ("The same physician in the corridor, with the FHIR app on her tablet.",
     "services", "reader", "known", "patient", "own", "FHIR", "hours", 420),
    ("Eastcliff's radiologist reads nights for Harbour Vale. The worklist tells his viewer the Study Instance UID and which archive to "
     "call.",
     "services", "reader", "known", "study", "own", "FHIR", "minutes", 640),
    ("A private clinic has no endpoint of its own. It subscribes to the same image-sharing service as we do, with a browser.",
     "portal", "sender", "known", "study", "another", "FHIR", "hours", 250),
    ("Southmark's trauma centre takes a patient over and wants the images before he lands. It runs a Document Recipient.",
     "services", "sender", "known", "study", "another", "SOAP", "minutes", 1500),
    ("A woman of Northmere is brought into Southmark's emergency room, unconscious, with her papers. The app there speaks FHIR.",
     "services", "reader", "unknown", "patient", "another", "FHIR", "minutes", 800),
    ("A 3 GB cardiac CT goes to the surgeon at the university hospital, who operates next week. His hospital has a Document Recipient.",
     "services", "sender", "known", "patient", "own", "SOAP", "days", 3000),
)


def _mechanism_name(value):
    """A mechanism as a person may write it, in one form."""
    word = re.sub(r"[^a-z]", "", str(value).casefold())
    known = _MECHANISMS.get(word)
    if word in FACTS:
        raise ValueError("that is a fact; the mechanism comes first, and behind it the fact that decided")
    if word in ("none", "nobody", "nothing", "telephone"):
        raise ValueError(f"it names no mechanism. Whoever had to ask by telephone, the images still come by one: look at what the card's "
                         f"`link` can carry. The mechanisms are {', '.join(dict.fromkeys(_MECHANISMS.values()))}")
    if known is None:
        raise ValueError(f"the mechanisms are {', '.join(dict.fromkeys(_MECHANISMS.values()))}")
    return known


class Decision(Fields):
    """A mechanism and the fact that decided; who calls the second `decided_by` is understood."""

    def _is_pairs(self, value):
        return super()._is_pairs(value) or type(value) is list and len(value) == 2 and all(
            type(one) is list and len(one) == 2 and one[0] in ("mechanism", "decided_by") for one in value)

    def _written(self, given):
        written = super()._written(given)
        return {"fact" if type(name) is str and name.strip().casefold() in ("decided_by", "decided by", "decided", "by") else name: value
                for name, value in written.items()}


def _card(story, *facts_of):
    return {"story": story, **dict(zip((*FACTS, "urgency", "MB"), facts_of, strict=True))}


@lesson.input
def cards(hospital):
    """The twelve scenarios: a list of dictionaries."""
    return [_card(*one) for one in _CARDS]


_PRESUMES = {
    "PDI": "PDI is for the link `none`: a patient's hands. Where there are services, a mail address or a portal, nobody has to carry a "
           "disc, however large or urgent the images are",
    "XDM": "XDM is what a mail address can take. It presumes the link `mail`",
    "vendor cloud": "a vendor's cloud presumes that both sides subscribe to it, the link `portal`",
    "XDR-I": "XDR-I presumes services, a sender who acts, and a recipient who is known",
    "XDS-I.b": "XDS-I.b is for a sender whose reader is not known yet, and for a reader who knows the patient alone, looks in the own "
               "community and speaks SOAP",
    "XCA-I": "XCA-I is for a reader who knows the patient alone and looks in another community",
    "MHD+WIA": "MHD with WIA is for a reader who knows the patient alone, looks in the own community and speaks FHIR",
    "DICOMweb": "DICOMweb alone presumes a reader who knows the study's UID and the archive that has it",
}


def _not_this_mechanism(given, right):
    return f"{_PRESUMES[given]}. Is this card so? Go through its facts in the order of the table."


def _not_this_fact(given, right):
    if given.casefold() in ("urgency", "mb", "size"):
        return (f"the mechanism is right, but `{given}` is no fact of the table. Urgency and size say how fast it has to be, not which "
                "way it goes.")
    if given.casefold() not in FACTS:
        return f"the mechanism is right. What decided is one of the facts of the table: {', '.join(FACTS)}."
    return "the mechanism is right, and another fact decided. Stop at the first fact behind which only one mechanism is left."


def _facts_of_it(case, answer):
    """What the facts of the card were, and which of the two texts is wrong."""
    (card,) = case
    right = Mechanism.solution(card)
    said = [f"About `{name}`: {remark(answer[name], value)}"
            for name, remark, value in zip(("mechanism", "fact"), (_not_this_mechanism, _not_this_fact), right)
            if answer[name].casefold() != value.casefold()]
    return f"Its facts: {', '.join(f'{name} {card[name]}' for name in FACTS)}. {said[0]}"


def _chosen(card, urgent=False, known=False, nobody="XDS-I.b", borders=True, study="study", web=False, mail="XDM", portal="vendor cloud",
            large=None, client_first=False, sender_decides="recipient", community_first=False):
    """As the solution, with one idea changed."""
    if large is not None and card["MB"] > large:
        return "PDI", "link"
    if card["link"] == "none":
        return "PDI", "link"
    if card["link"] == "mail" and mail:
        return mail, "link"
    if card["link"] == "portal" and portal:
        return portal, "link"
    if urgent and card["urgency"] == "minutes" or known and card["recipient"] == "known":
        return "XDR-I", "recipient"
    if card["initiative"] == "sender":
        return ("XDR-I" if card["recipient"] == "known" else nobody), sender_decides
    if community_first and card["community"] == "another":
        return "XCA-I", "community"
    if web and card["client"] == "FHIR" or card["knows"] == study:
        return "DICOMweb", "knows"
    if client_first and card["client"] == "FHIR":
        return "MHD+WIA", "client"
    if borders and card["community"] == "another":
        return "XCA-I", "community"
    return ("MHD+WIA" if card["client"] == "FHIR" else "XDS-I.b"), "client"


@lesson.exercise
class Mechanism:
    """Write the function `mechanism(card)`: it returns the mechanism for a scenario, and the fact that decided.

    `card` is a dictionary as in `cards`. Go through its facts in this order, and stop as soon as only one mechanism is left; the fact at
    which you stop is the one that decided. (A physician who looks up a patient in the own community: after `community` two are left,
    XDS-I.b and MHD+WIA, so it is `client` that decides.) Every card has a value for each fact; those further down than the fact at which
    you stopped say nothing about that card:

    | fact | values |
    |---|---|
    | `link` | `"none"`: a patient's hands; `"mail"`: a Direct address; `"portal"`: a shared subscription; `"services"`: endpoints |
    | `initiative` | who acts: the `"sender"`, who has the images, or the `"reader"`, who wants them |
    | `recipient` | for the sender: is the reader `"known"` when the images are ready, or `"unknown"`? |
    | `knows` | the reader knows the `"study"`, its UID and an archive that gives it to this viewer by DICOMweb, or the `"patient"` only |
    | `community` | where the reader looks: in the `"own"` one or in `"another"` |
    | `client` | what the reader's program speaks: `"SOAP"` or `"FHIR"` |

    Without services it is always the side with the images that sends, though the reader may have asked for them by telephone.

    Return two texts, such as `return "PDI", "link"`. The mechanisms are `"PDI"`, `"XDM"`, `"vendor cloud"`, `"XDR-I"`, `"XDS-I.b"`,
    `"XCA-I"`, `"MHD+WIA"` and `"DICOMweb"`. It will be tried on the twelve cards and on others.
    """

    answer = Function("mechanism", result=Decision(
        "", {"mechanism": Text("", reading=_mechanism_name, remark=_not_this_mechanism), "fact": Text("", remark=_not_this_fact)},
        in_order=True, takes='two texts, the mechanism and the fact, such as `return "PDI", "link"`'), remark=_facts_of_it)
    points = 3

    def solution(card):
        if card["link"] == "none":
            return "PDI", "link"
        if card["link"] == "mail":
            return "XDM", "link"
        if card["link"] == "portal":
            return "vendor cloud", "link"
        if card["initiative"] == "sender":
            if card["recipient"] == "known":
                return "XDR-I", "recipient"
            return "XDS-I.b", "recipient"
        if card["knows"] == "study":
            return "DICOMweb", "knows"
        if card["community"] == "another":
            return "XCA-I", "community"
        if card["client"] == "FHIR":
            return "MHD+WIA", "client"
        return "XDS-I.b", "client"

    def cases(draw, cards):
        made = []
        for link in ("none", "mail", "portal"):
            for initiative, recipient in (("sender", "known"), ("sender", "unknown"), ("reader", "known"), ("reader", "unknown")):
                made.append((link, initiative, recipient, draw.choice(("study", "patient")), draw.choice(("own", "another")),
                             draw.choice(("SOAP", "FHIR"))))
        for place in range(32):
            bits = [place >> bit & 1 for bit in range(5)]
            made.append(("services", ("sender", "reader")[bits[0]], ("known", "unknown")[bits[1]], ("study", "patient")[bits[2]],
                         ("own", "another")[bits[3]], ("SOAP", "FHIR")[bits[4]]))
        # Urgency and size come in both values beside every combination: neither decides.
        return [(card,) for card in cards] + [
            (_card("", *one, urgency, draw.randrange(*size)),) for one in made
            for urgency, size in (("minutes", (5, 400)), ("days", (1200, 4000)))]

    def urgent_is_pushed(card):
        return _chosen(card, urgent=True)

    def known_is_pushed(card):
        return _chosen(card, known=True)

    def pushed_to_nobody(card):
        return _chosen(card, nobody="XDR-I")

    def one_big_community(card):
        return _chosen(card, borders=False)

    def web_without_address(card):
        return _chosen(card, web=True)

    def always_looked_up(card):
        return _chosen(card, study=None)

    def mail_is_a_service(card):
        return _chosen(card, mail=None)

    def portal_is_a_service(card):
        return _chosen(card, portal=None)

    def large_on_disc(card):
        return _chosen(card, large=1000)

    def client_before_community(card):
        return _chosen(card, client_first=True)

    def community_before_knows(card):
        return _chosen(card, community_first=True)

    def initiative_decided(card):
        return _chosen(card, sender_decides="initiative")

    wrong_ways = {
        urgent_is_pushed: "You push whatever is urgent. Urgency says how fast, not who acts: a reader in an emergency room who needs "
        "priors can't wait for somebody to push them. It is no fact of the table.",
        known_is_pushed: "You push whenever the recipient is known, even when it is the reader who acts. Nobody at the source knows of her "
        "wish; she has to be able to pull.",
        pushed_to_nobody: "You push to a recipient whom nobody knows yet. XDR goes straight from source to recipient, and no registry is "
        "involved (ITI TF-1 15): without an address there is no XDR. What has to wait for an unknown reader is published.",
        one_big_community: "You look in the own registry for what lies in another community. A registry answers for its affinity domain; "
        "across communities a query goes from gateway to gateway (ITI TF-1 18).",
        web_without_address: "You take DICOMweb whenever the client speaks FHIR. WADO-RS fetches from an archive that you can name, a "
        "study whose UID you know (PS3.18 10.4). Who knows the patient alone has to find both first.",
        always_looked_up: "You look up what is known already. With the Study Instance UID and the archive's address in hand, a registry, a "
        "manifest and two more requests add nothing but time.",
        mail_is_a_service: "You treat a mail address as if it were an endpoint. Behind it nobody runs an actor that answers SOAP or FHIR; "
        "what can go there is a ZIP file as an attachment (ITI TF-2 3.32).",
        portal_is_a_service: "You treat a browser as if it were an endpoint. The clinic runs no actor of IHE; what both sides have is the "
        "subscription.",
        large_on_disc: "You put large studies on a disc. Size decides how long it takes, not the mechanism: what lies on a disc waits for "
        "somebody to carry it, and to import it by hand.",
        client_before_community: "You asked what the client speaks before you asked where the images are. In another community its own "
        "responder can't look; the border is crossed first, whatever is spoken on this side of it. The order of the table matters.",
        community_before_knows: "You asked where the reader looks before you asked what the reader knows. A study whose UID and archive "
        "are known needs nobody to look for it: it's fetched from that archive, wherever it stands. `knows` comes first in the table.",
        initiative_decided: "You say that the initiative decided where the sender acts. It does not settle the mechanism yet: push or "
        "publish depends on one fact more. Stop at the last fact that you had to look at.",
    }
    hints = [
        "Each fact is an `if`. A `return` ends the function, so what stands below needs no `else`.",
        "Begin with `link`: three of its four values settle the mechanism at once. What remains are services on both sides.",
        "Then the sender's side: whoever has an address can push, whoever has none can only publish. What did you have to look at last?",
        "Then the reader's side, from what needs least (study and archive are known) to what needs most.",
    ]
    praise = ("No card needed a new mechanism, and none was chosen by habit. When the next department asks for *the* image exchange, ask "
              "six questions back.")


# --- 2

CUT = 0.0101                            # seconds: two decimals, rounded or cut off


@lesson.input
def transfer(hospital):
    """The stroke CT and the line from Eastcliff: objects, object_MB, Mbit_s, rtt_ms."""
    draw = random.Random(f"transfer {hospital.seed}")
    return {"objects": draw.randrange(480, 900, 20), "object_MB": draw.choice((0.51, 0.52, 0.53, 0.54)),
            "Mbit_s": draw.choice((80, 100, 120)), "rtt_ms": draw.randrange(30, 62, 2)}


@lesson.input
def stroke(hospital):
    """A stroke CT as XDR-I sends it: (entries, {id of an entry: bytes}), its manifest and each image a document (RAD TF-3 4.68)."""
    draw = random.Random(f"stroke {hospital.seed}")
    patient, number = f"EC-{draw.randrange(80000, 89999)}^^^&2.999.1.2&ISO", draw.randrange(1000, 9999)
    images = small_study(draw, patient.split("^")[0], f"E2504{number}", f"2.999.63.{number}", 3)
    sort = Code("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.2.6.1", "CT Image Storage")
    entries = [entry_of(place, patient, entryUUID=f"Image{place}", formatCode=sort, uniqueId=f"2.999.63.{number}.1.{place}",
                        author=(Author(institutions=("Eastcliff Clinic",)),)) for place in range(1, len(images) + 1)]
    documents = {entry.id: octets for entry, octets in zip(entries, images)}
    with contextlib.ExitStack() as kept:
        folder = kept.enter_context(tempfile.TemporaryDirectory(prefix="coursekit-store-", ignore_cleanup_errors=True))
        store = kept.enter_context(contextlib.closing(Store(folder)))
        for one in images:
            store.put(one)
        manifest = ImagingSource(store, "2.999.1.2.71", "ECC_VNA").manifest(f"2.999.63.{number}", f"2.999.63.{number}.900")
    documents["Manifest"] = _octets(manifest)
    entries.insert(0, entry_of(9, patient, entryUUID="Manifest", title="Manifest", uniqueId=f"2.999.63.{number}.900",
                               author=(Author(institutions=("Eastcliff Clinic",)),)))
    for entry in entries:
        _strip(entry)
    return submission(number, entries, patient), documents


@lesson.input
def measured(hospital):
    """A function that fetches a study over a slow line, as one package and by its first image: [(way, seconds)], the fastest first."""
    return over_a_line


def over_a_line(count=40, bandwidth=40_000.0, delay=0.02):
    """What `measured` gives: a study of small images, its line so many bytes a second, each direction so many seconds long."""
    draw = random.Random("line")
    faults, uid = Faults(delay=(delay, delay), bandwidth=bandwidth), "2.999.64.1"
    with archive_of(small_study(draw, "HV100001", "A25040001", uid, count)) as web, ImagingSource(web.store, "2.999.1.1.71") as source, \
            Proxy(("127.0.0.1", web.port), faults=faults) as to_web, Proxy(("127.0.0.1", source.port), faults=faults) as to_source:
        manifest, taken = source.manifest(uid, f"{uid}.900"), []
        for way, fetch in (
                ("RAD-69, all images in one package", lambda: retrieve_images(f"http://127.0.0.1:{to_source.port}/", manifest)),
                ("WADO-RS, the first image", lambda: _wado(to_web.port, f"/dicom-web/studies/{uid}/series/{uid}.1/instances/{uid}.1.1"))):
            began = time.perf_counter()
            fetch()
            taken.append((way, time.perf_counter() - began))
    return sorted(taken, key=lambda one: one[1])


def _wado(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": 'multipart/related; type="application/dicom"'})
        return connection.getresponse().read()
    finally:
        connection.close()


def _strip(entry):
    """Take what a repository or a package adds out of an entry."""
    for name in ("hash", "size", "repositoryUniqueId"):
        del entry.values[name]


def _times(transfer, bits=8, mega=1.0, milli=1000, set_up=2, connections=3, all_in_xdr=True, first_by_web=True, answers=True, association=1,
           set_up_each=False, all_in_xds=True, requests=(1, 3, 1)):
    """As the solution, with one idea changed. `requests`: how many round trips those of XDR-I, XDS-I.b and WADO-RS cost."""
    trip = transfer["rtt_ms"] / milli
    one = transfer["object_MB"] * mega * bits / transfer["Mbit_s"]
    every = transfer["objects"] * one
    start = (set_up + association) * trip
    return {
        "xdr": (set_up + requests[0]) * trip + (every if all_in_xdr else one),
        "xds": (set_up * connections + requests[1]) * trip + (every if all_in_xdr and all_in_xds else one),
        "web": (set_up + requests[2]) * trip + (one if first_by_web else every),
        "store": start + one + trip,
        "store_all": transfer["objects"] * (one + trip * (answers + (set_up + association if set_up_each else 0)))
        + (0 if set_up_each else start) + (0 if answers else trip),
    }


_COUNTED = {
    "xdr": "count: one connection, one request with its answer, and the bits of how many objects?",
    "xds": "count: how many connections, how many requests with their answers, and the bits of how many objects?",
    "web": "count: one connection, one request with its answer, and the bits of how many objects?",
    "store": "count: the connection, the association, and one C-STORE with its answer and its bits.",
    "store_all": "count: connection and association once for all, and then each object, from the first to the last, with its bits and its "
                 "answer.",
}


def _too_far(given, right):
    return any(number == round(right[0], digits) for number in given for digits in (0, 1))


def _on_time(name, given, right, input_of):
    """A sentence on a time that no wrong way explains, or None."""
    if _too_far(given, right):
        return "it is rounded too far: give seconds with two decimals, since a round trip is a few hundredths."
    half = input_of("transfer")["rtt_ms"] / 2000
    if name in ("xdr", "store", "store_all") and any(abs(right[0] - half - number) < CUT for number in given):
        return ("half a round trip is missing. It is true that what is pushed is there before its answer is back; here each request counts "
                "with its answer.")
    return _COUNTED[name] if any(right[0] / 2 < number < 2 * right[0] for number in given) else None


class Seconds(Number):
    """Seconds with two decimals at least: rounded or cut off."""

    def difference(self, answer, other):
        """None when they are the same to two decimals, rounded, or the first is the other one cut off."""
        if any(-1e-9 <= other[0] - number < CUT for number in answer):
            return None
        return super().difference(answer, other)


class Times(Fields):
    """Seconds by name; who has rounded all of them too far is told that, whatever else they look like."""

    def judge(self, exercise, given, editions):
        """As for all fields."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label == "unreadable":
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        if all(self.entries[name].difference(answer[name], right[name]) is None or _too_far(answer[name], right[name]) for name in right):
            return Verdict(Outcome.NOT_YET, "They are rounded too far: give seconds with two decimals, since a round trip is a few "
                           "hundredths.", "value")
        return verdict


@lesson.exercise
class FirstImage:
    """After how many seconds is the **first image** there, at Harbour Vale, by each way? `transfer` says how many objects the study
    has, how large each is (MB, all alike), what the line carries (Mbit/s) and its round-trip time (ms). Give seconds, with two decimals at
    least.

    Reckon so: a new connection costs two round trips before anything can be asked (TCP one, TLS 1.3 one). Then each request with its answer
    costs one round trip, and the images themselves their bits over the line. (What is pushed is there half a round trip before its answer
    is back; do not split hairs, count request *and* answer.) What the programs compute, and the few bytes of queries and manifests, cost
    nothing.

    - `"xdr"`: XDR-I. One message, on one connection, holds **all** objects; nothing can be opened before the message is complete.
    - `"xds"`: XDS-I.b. Query (ITI-18), manifest (ITI-43) and images (RAD-69): three requests to three actors, each over a connection of its
      own. This consumer asks by RAD-69 for all objects at once, so the answer is one package. (It might ask for one.)
    - `"web"`: WADO-RS of one object of a study that is known.
    - `"store"`: C-STORE over TLS, all objects over one association, which costs one round trip more; each object waits for the answer
      to the one before. (Many senders keep two to four associations going; this one has one.) When is the first one stored?
    - `"store_all"`: and the last one?
    """

    answer = Times("first_image", {name: Seconds("", unit="s", tolerance=0.006) for name in ("xdr", "xds", "web", "store", "store_all")},
                    remark=_on_time, takes="a dictionary with the entries `xdr`, `xds`, `web`, `store` and `store_all`")
    points = 2

    def solution(transfer):
        trip = transfer["rtt_ms"] / 1000
        one = transfer["object_MB"] * 8 / transfer["Mbit_s"]
        objects = transfer["objects"]
        return {
            "xdr": 3 * trip + objects * one,
            "xds": 9 * trip + objects * one,
            "web": 3 * trip + one,
            "store": 4 * trip + one,
            "store_all": 3 * trip + objects * (one + trip),
        }

    def bytes_as_bits(transfer):
        return _times(transfer, bits=1)

    def binary_mega(transfer):
        return _times(transfer, mega=2 ** 20 / 1e6)

    def milliseconds(transfer):
        return _times(transfer, milli=1)

    def light_is_instant(transfer):
        return _times(transfer, milli=float("inf"))

    def connections_free(transfer):
        return _times(transfer, set_up=0, association=0)

    def one_connection(transfer):
        return _times(transfer, connections=1)

    def requests_free(transfer):
        return _times(transfer, requests=(0, 0, 0))

    def requests_free_by_xds(transfer):
        return _times(transfer, requests=(1, 0, 1))

    def last_request_alone(transfer):
        return _times(transfer, requests=(1, 1, 1))

    def request_free_by_web(transfer):
        return _times(transfer, requests=(1, 3, 0))

    def older_tls(transfer):
        return _times(transfer, set_up=3)

    def message_opened_early(transfer):
        return _times(transfer, all_in_xdr=False)

    def answer_opened_early(transfer):
        return _times(transfer, all_in_xds=False)

    def web_takes_all(transfer):
        return _times(transfer, first_by_web=False)

    def stores_do_not_wait(transfer):
        return _times(transfer, answers=False)

    def association_free(transfer):
        return _times(transfer, association=0)

    def association_for_each(transfer):
        return _times(transfer, set_up_each=True)

    wrong_ways = {
        bytes_as_bits: "You divided megabytes by megabits. A line is sold in bits, files are counted in bytes of eight.",
        binary_mega: "You took 2**20 for a megabyte. MB is a million bytes, and a line's Mbit/s a million bits; MiB would be the other.",
        milliseconds: "The round-trip time is in milliseconds, and you took it for seconds.",
        light_is_instant: "You counted the bits and left out the round trips. For one image they are the greater part.",
        connections_free: "You let connections cost nothing. TCP's handshake (RFC 9293 3.5) and TLS's (RFC 8446 2) each want an answer "
        "from the other side before the first request can go, and so does the association (PS3.8 7.1).",
        one_connection: "You let the three requests of XDS-I.b share a connection. They go to three actors: registry, repository, imaging "
        "document source. Each has an address of its own.",
        requests_free: "You counted the connections and let the requests cost nothing. Behind the two round trips of a connection, a "
        "request with its answer costs one of its own.",
        requests_free_by_xds: "You counted three connections and let the three requests cost nothing. Each, with its answer, costs a "
        "round trip of its own.",
        last_request_alone: "You counted three connections, and one request of the three. Query and manifest are requests as well.",
        request_free_by_web: "You counted the connection and let the request cost nothing. With its answer it costs a round trip of its "
        "own.",
        older_tls: "You reckon three round trips for a connection, as with TLS 1.2, whose handshake takes two. Many sites still run it; "
        "here it is TLS 1.3, whose handshake takes one (RFC 8446 2).",
        answer_opened_early: "Your way by XDS-I.b waits for one object. This consumer asks for all objects in one RAD-69, and the answer "
        "is one package, as with XDR-I: nothing can be opened before all of it is there.",
        message_opened_early: "You open the package after its first image. XDR-I and RAD-69 carry the objects in *one* SOAP message with "
        "MTOM; its receiver gives out what is complete.",
        web_takes_all: "You fetched the whole study by WADO-RS. One object can be asked for by its own address "
        "(PS3.18 10.4.1), and that is why a viewer can show it before the rest has come.",
        stores_do_not_wait: "You let the sender run ahead. Without an agreed asynchronous window a C-STORE waits for the answer to the one "
        "before (PS3.7 D.3.3.3): one round trip for every object.",
        association_free: "One round trip is missing. Behind TCP and TLS the association wants an answer of its own before the first "
        "C-STORE (A-ASSOCIATE), and the C-STORE wants one as well: count both.",
        association_for_each: "You open a connection and an association for each object. One association carries the whole study.",
    }
    hints = [
        "Two numbers first: the time of a round trip in seconds, and the time that one object needs on the line.",
        "Then count round trips: two for every new connection, one for every request with its answer.",
        "C-STORE: two for the connection, one for the association, and then one for each object that is stored.",
        "For `\"xds\"` count actors: how many connections, how many requests? The images come with the last of them.",
    ]
    praise = ("A pushed study is complete when it can be opened; a pulled image is there in a moment, and the rest follows. At 02:10 both "
              "numbers count: say which one a contract promises.")


# --- 3

class Asked(NamedTuple):
    """What a responding gateway is asked: name of the stored query, homeCommunityId, patient ID; "" where it has none."""

    name: str
    home: str
    patient: str


class OpenGateway(SoapServer):
    """A responding gateway whose two decisions are somebody else's: what to refuse, and how to mark an answer.

    oid      : the OID of its community
    registry : the URL of the community's registry
    check    : a function of Asked that returns the code of an error, or None
    mark     : a function of a query:AdhocQueryResponse (lxml) that marks what is in it
    failed   : what went wrong in one of the two, in words; "" if nothing did
    """

    def __init__(self, oid, registry, name="SMK_RESPONDING", port=0):
        super().__init__(name, port)
        self.oid, self.registry, self.check, self.mark, self.failed = oid, registry, None, None, ""
        self.actions = {facts.ACTIONS["ITI-38"][0]: ("ITI-38", self._query)}

    def _query(self, message):
        from lxml import etree

        asked = message.body.find(f"{{{RIM}}}AdhocQuery")
        code = self._do(self.check, _asked(asked))
        if code:
            body = etree.Element(f"{{{QUERY}}}AdhocQueryResponse", nsmap={"query": QUERY, "rim": RIM}, status=facts.FAILURE)
            add_errors(body, [Problem(str(code), "The gateway refuses the query.")])
            etree.SubElement(body, f"{{{RIM}}}RegistryObjectList")
        else:
            asked.attrib.pop("home", None)
            body = document_sharing.ask(self.registry, "ITI-18", message.body, self.name).response.body
        self._do(self.mark, body)
        return soap.Message(facts.ACTIONS["ITI-38"][1], body, reply_to=None)

    def _do(self, function, argument):
        if function is None:
            return None
        try:
            return function(argument)
        except Exception as problem:
            self.failed = self.failed or f"it stopped with `{type(problem).__name__}`: {problem}"
            raise

    def _told(self, reply):
        return told(reply.body)


def _asked(element):
    """The Asked of a rim:AdhocQuery."""
    patient = ""
    for slot in element.iterfind(f"{{{RIM}}}Slot"):
        if slot.get("name", "").casefold().endswith("patientid"):
            patient = "".join(value.text or "" for value in slot.iter(f"{{{RIM}}}Value")).strip("'")
    return Asked(facts.QUERY_NAMES.get(element.get("id", ""), ""), element.get("home", ""), patient)


def entry_of(number, patient, source="2.999.1.8.72", **more):
    """A document entry as a registry holds it, invented."""
    values = {
        "entryUUID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}", "mimeType": "application/dicom", "objectType": STABLE,
        "creationTime": MOMENT, "languageCode": "en-GB", "patientId": patient, "sourcePatientId": patient, "uniqueId": f"2.999.8.{number}",
        "hash": hashlib.sha1(str(number).encode()).hexdigest(), "size": "2048", "repositoryUniqueId": source, "formatCode": KOS,
        "author": (Author(institutions=("Southmark Hospital",)),), "title": "CT head",
        **{name: (code,) if name == "confidentialityCode" else code for name, code in CODES.items()}}
    return Entry(DOCUMENT, {**values, **more})


def submission(number, entries, patient):
    """A submission set with these entries: a list of Entry."""
    held = Entry(SET, {"entryUUID": f"urn:uuid:00000000-0000-4000-9000-{number:012d}", "submissionTime": MOMENT, "patientId": patient,
                       "contentTypeCode": CODES["classCode"], "sourceId": "2.999.1.8.71", "uniqueId": f"2.999.9.{number}"})
    return [*entries, held, *(association(HAS_MEMBER, held.id, one.id, ORIGINAL) for one in entries)]


@contextlib.contextmanager
def southmark(patient, count):
    """Southmark's registry with some documents of a patient, its OpenGateway, and our initiating gateway: gives the two gateways."""
    with Registry("SMK_REGISTRY", authority=("SMK", "2.999.1.8")) as registry, OpenGateway("2.999.1.8", registry.url) as gateway, \
            InitiatingGateway(NORTHMERE, None, {}, {SOUTHMARK: gateway.url}, seconds=30.0) as ours:
        gateway.journal = ours.journal                  # one journal, in the order of what happened
        registry.know(patient)
        registry.submit(submission(1, [entry_of(number, patient) for number in range(1, count + 1)], patient))
        yield gateway, ours


@lesson.input
def border(hospital):
    """The function `southmark`."""
    return southmark


def _homes(answer, tag):
    """The homeCommunityIds on the elements of a kind in an answer, in words."""
    elements = list(answer.response.body.iter(f"{{{RIM}}}{tag}"))
    if not elements:
        return f"none came; the answer is {_errors(answer)}"
    found = [element.get("home") or "none" for element in elements]
    astray = ", and a location, which belongs to errors" if any("location" in element.attrib for element in elements) else ""
    return f"{len(found)} with the homeCommunityId {' and '.join(sorted(set(found)))}{astray}"


def _errors(answer):
    codes = [f"{one.code} at location {one.location or 'none'}" for one in answer.problems]
    if any("home" in element.attrib for element in answer.response.body.iter("{*}RegistryError")):
        codes.append("an attribute home, which belongs to objects")
    return f"{answer.status.rpartition(':')[2]}" + (f" with {', '.join(codes)}" if codes else "")


def _marked_again(gateway):
    """What becomes of an answer in which somebody else has left marks: a warning, two errors, three objects."""
    from lxml import etree

    answer = etree.Element(f"{{{QUERY}}}AdhocQueryResponse", nsmap={"query": QUERY, "rim": RIM}, status=facts.PARTIAL)
    add_errors(answer, [Problem("XDSRegistryError", "invented", warning=place == 0, location=location)
                        for place, location in enumerate(("Registry.java:214", "", "SMK_REGISTRY"))])
    listed = etree.SubElement(answer, f"{{{RIM}}}RegistryObjectList")
    for tag, home in (("ExtrinsicObject", WESTHAVEN), ("RegistryPackage", ""), ("ObjectRef", f"{SOUTHMARK}8")):
        etree.SubElement(listed, f"{{{RIM}}}{tag}", home=home)
    try:
        if gateway.mark is not None:
            gateway.mark(answer)
    except Exception as problem:
        return f"it stopped with `{type(problem).__name__}`: {problem}"
    errors = [element.get("location") or "none" for element in answer.iter("{*}RegistryError")]
    homes = [element.get("home") or "none" for element in listed]
    return f"{', '.join(homes)}; {', '.join(errors)}"


@lesson.exercise
class WhoseIsIt:
    """Write the function `set_up(gateway)`: it gives Southmark's responding gateway its two decisions. `gateway.oid` is the OID of the
    community, `"2.999.1.8"`; its **homeCommunityId** is that OID as a URN, `urn:oid:` in front.

    - `gateway.check = check`, where `check(query)` returns the code of an error, or `None` if the query may go on to the registry.
      `query.name`, `query.home` and `query.patient` are texts, `""` where the request has none.
      A query that names another community: `"XDSUnknownCommunity"`. A query that names no community may pass if it has a patient ID; if it
      has none, it's `"XDSMissingHomeCommunityId"`.
    - `gateway.mark = mark`, where `mark(answer)` changes the answer before it leaves, lxml as in the cell above. Every `ExtrinsicObject`,
      `RegistryPackage` and `ObjectRef` gets the attribute `home`, every `RegistryError` the attribute `location`: the homeCommunityId.

      What stands there already, such as the name of a program that found an error, is written over.

    A real initiating gateway and a client will ask yours. The answers come from a real registry, and one, with two errors and marks of
    somebody else, was made by hand.
    """

    answer = Server("set_up", called="gateway", returned=False, kept=False)
    points = 3

    def solution(gateway):
        home = "urn:oid:" + gateway.oid

        def check(query):
            if query.home and query.home != home:
                return "XDSUnknownCommunity"
            if not query.home and not query.patient:
                return "XDSMissingHomeCommunityId"
            return None

        def mark(answer):
            for element in answer.iter("{*}ExtrinsicObject", "{*}RegistryPackage", "{*}ObjectRef"):
                element.set("home", home)
            for error in answer.iter("{*}RegistryError"):
                error.set("location", home)

        gateway.check = check
        gateway.mark = mark

    def cases(draw):
        return [(f"SM{draw.randrange(10000, 99999)}^^^&2.999.1.8&ISO", draw.randrange(2, 5))]

    @contextlib.contextmanager
    def stage(patient, count):
        with southmark(patient, count) as (gateway, ours):
            yield (gateway,), (gateway, ours, patient)

    def visit(nothing, bench):
        gateway, ours, patient = bench
        find = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}
        status = {"$XDSDocumentEntryStatus": [APPROVED], "$XDSSubmissionSetStatus": [APPROVED], "$XDSFolderStatus": [APPROVED]}
        one = {"$XDSDocumentEntryUniqueId": ["2.999.8.1"]}

        def ask(name, parameters, leaves=True, home=None, through=True):
            if through:
                return query(ours.url, name, parameters, leaves, home)
            return document_sharing.ask(gateway.url, "ITI-38", document_sharing.query_body(name, parameters, leaves, home))

        found = {}

        def saw(what, seen, *arguments, **more):
            try:
                found[what] = seen(ask(*arguments, **more))
            except soap.Fault:
                found[what] = "a SOAP fault instead of an answer"

        saw("FindDocuments through the initiating gateway: document entries",
            lambda answer: f"{_homes(answer, 'ExtrinsicObject')}, {_errors(answer)}", "FindDocuments", find)
        saw("FindDocuments for references: ObjectRef", lambda answer: _homes(answer, "ObjectRef"), "FindDocuments", find, leaves=False)
        saw("GetAll through the initiating gateway: submission sets", lambda answer: _homes(answer, "RegistryPackage"),
            "GetAll", {"$patientId": patient, **status})
        saw("GetDocuments, which names Southmark", lambda answer: _homes(answer, "ExtrinsicObject"), "GetDocuments", one, home=SOUTHMARK)
        saw("FindDocuments that names no community, asked directly", lambda answer: _homes(answer, "ExtrinsicObject"),
            "FindDocuments", find, through=False)
        saw("GetAll of a patient, which names no community, asked directly",
            lambda answer: f"{_homes(answer, 'RegistryPackage')}, {_errors(answer)}", "GetAll",
            {"$patientId": patient, **status}, through=False)
        saw("GetDocuments that names no community, asked directly", _errors, "GetDocuments", one, through=False)
        folder = {"$XDSFolderUniqueId": ["2.999.8.5"]}
        for name, parameters in (
                ("GetFolders", folder), ("GetAssociations", {"$uuid": ["urn:uuid:00000000-0000-4000-8000-000000000001"]}),
                ("GetRelatedDocuments", {"$XDSDocumentEntryUniqueId": "2.999.8.1", "$AssociationTypes": [HAS_MEMBER]})):
            saw(f"{name} that names no community, asked directly", _errors, name, parameters, through=False)
        saw("FindSubmissionSets of a patient, which names no community, asked directly",
            lambda answer: f"{_homes(answer, 'RegistryPackage')}, {_errors(answer)}", "FindSubmissionSets",
            {"$XDSSubmissionSetPatientId": patient, "$XDSSubmissionSetStatus": [APPROVED]}, through=False)
        saw("FindDocuments that names Westhaven, asked directly", _errors, "FindDocuments", find, home=WESTHAVEN, through=False)
        saw("GetDocuments that names Westhaven, asked directly", _errors, "GetDocuments", one, home=WESTHAVEN, through=False)
        for other in (f"{SOUTHMARK}8", SOUTHMARK.removeprefix("urn:oid:"), SOUTHMARK.replace("2.999", "1.2.999")):
            saw(f"FindDocuments that names {other}, asked directly", _errors, "FindDocuments", find, home=other, through=False)
        saw("FindDocuments without a status, which the registry refuses", _errors, "FindDocuments", {"$XDSDocumentEntryPatientId": patient},
            home=SOUTHMARK, through=False)
        saw("FindDocuments for a patient who is not known", _errors, "FindDocuments", {**find, "$XDSDocumentEntryPatientId": "X" + patient},
            through=False)
        found["An answer made by hand, with marks of somebody else: homes and locations"] = _marked_again(gateway)
        unset = [f"gateway.{name}" for name in ("check", "mark") if getattr(gateway, name) is None]
        said = gateway.failed or "no exception"
        if unset:
            said = (f"{' and '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set. A function inside set_up does nothing as long as "
                    "the gateway has not been given it, at the end of set_up, without parentheses: gateway.check = check")
        return {"Your functions": said} | found

    def bare_oid(gateway):
        _mark_by(gateway, home=gateway.oid)

    def uuid_urn(gateway):
        _mark_by(gateway, home="urn:uuid:" + gateway.oid)

    def no_namespace(gateway):
        _mark_by(gateway, tags=("ExtrinsicObject", "RegistryPackage", "ObjectRef"), errors=False)

    def both_everywhere(gateway):
        _mark_by(gateway, everywhere=True)

    def named_by_get(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home not in ("", home)
                 else "XDSMissingHomeCommunityId" if asked.name.startswith("Get") and not asked.home else None)

    def entries_alone(gateway):
        _mark_by(gateway, tags=("{*}ExtrinsicObject",))

    def no_references(gateway):
        _mark_by(gateway, tags=("{*}ExtrinsicObject", "{*}RegistryPackage"))

    def no_sets(gateway):
        _mark_by(gateway, tags=("{*}ExtrinsicObject", "{*}ObjectRef"))

    def errors_of_nobody(gateway):
        _mark_by(gateway, errors=False)

    def always_needed(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home not in ("", home)
                 else None if asked.home else "XDSMissingHomeCommunityId")

    def never_needed(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home not in ("", home) else None)

    def patient_always_needed(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home not in ("", home)
                 else None if asked.patient else "XDSMissingHomeCommunityId")

    def everybodys(gateway):
        _mark_by(gateway, check=lambda asked, home: None if asked.home or asked.patient else "XDSMissingHomeCommunityId")

    def patient_excuses(gateway):
        _mark_by(gateway, check=lambda asked, home: None if asked.patient or asked.home == home
                 else "XDSUnknownCommunity" if asked.home else "XDSMissingHomeCommunityId")

    def oid_somewhere_in_it(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home and gateway.oid not in asked.home
                 else None if asked.home or asked.patient else "XDSMissingHomeCommunityId")

    def oid_at_its_end(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home and not asked.home.endswith(gateway.oid)
                 else None if asked.home or asked.patient else "XDSMissingHomeCommunityId")

    def ours_at_its_beginning(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSUnknownCommunity" if asked.home and not asked.home.startswith(home)
                 else None if asked.home or asked.patient else "XDSMissingHomeCommunityId")

    def codes_exchanged(gateway):
        _mark_by(gateway, check=lambda asked, home: "XDSMissingHomeCommunityId" if asked.home not in ("", home)
                 else None if asked.home or asked.patient else "XDSUnknownCommunity")

    wrong_ways = {
        bare_oid: "The homeCommunityId is an OID *in the syntax of a URI* (ITI TF-2 3.38.4.1.2.1). A bare OID is another value: nobody "
        "routes by it, and a query that names your community rightly is refused.",
        uuid_urn: "`urn:uuid:` says that a UUID follows. A homeCommunityId is an OID (ITI TF-2 3.38.4.1.2.1).",
        no_namespace: "`mark` was called, and nothing in the answer was marked. The names of the elements have a namespace: without `{*}` "
        "in front `iter` finds none of them, and says nothing.",
        both_everywhere: "You set both attributes on every element. Objects say whose they are in `home`, errors where they come from in "
        "`location`; the schemas of ebXML RegRep know neither the other way round.",
        named_by_get: "You go by the name of the query. GetAll begins with Get as well, and it names a patient: look at whether there is a "
        "patient ID (ITI TF-2 3.38.4.1.2.1).",
        entries_alone: "You marked document entries only. A query for references returns `ObjectRef`, and GetAll submission sets: who "
        "wants to ask on about one of these has to know whose it is (ITI TF-2 3.38.4.1.3).",
        no_references: "`ObjectRef` has no homeCommunityId in your answers. Consumers that ask for references get nothing else, and could "
        "ask nobody for the metadata behind them (ITI TF-2 3.38.4.1.3).",
        no_sets: "Submission sets, `RegistryPackage`, have no homeCommunityId in your answers (ITI TF-2 3.38.4.1.3).",
        errors_of_nobody: "Your errors don't say where they come from. In a consolidated answer of five communities nobody would know "
        "which one to call: `location` has to hold the homeCommunityId (ITI TF-2 3.38.4.1.3).",
        always_needed: "You refuse every query that names no community. It is needed only where there is no patient ID: a query by "
        "patient may go to all communities, and name none (ITI TF-2 3.38.4.1.2.1).",
        never_needed: "You let everything pass that names no community. A query by entryUUID or uniqueId says nothing of where to look, "
        "so it has to name the community; the gateway checks that (ITI TF-2 3.38.4.1.3).",
        patient_always_needed: "You refuse every query without a patient ID, also one that names Southmark itself. GetDocuments with "
        "Southmark's homeCommunityId says where to look, and may go on: the code is for queries that name *neither*.",
        everybodys: "You answer for a community that is not yours. What would come back bears Southmark's homeCommunityId though "
        "another one was asked; the caller has to hear that it is not known here (ITI TF-2 3.38.4.1.3).",
        patient_excuses: "You look at the community only where there is no patient ID. Whoever names a community means that one, patient "
        "or not; this one is not it (ITI TF-2 3.38.4.1.3).",
        oid_somewhere_in_it: "You look whether your OID is somewhere *in* what is named. So it is in 2.999.1.88, which is another "
        "community's; and a bare OID is no homeCommunityId. Compare the whole text.",
        oid_at_its_end: "You look whether what is named *ends* with your OID. A bare OID does so, and is no homeCommunityId; another, "
        "longer one may end like yours as well. Compare the whole text.",
        ours_at_its_beginning: "You look whether what is named *begins* like yours. 2.999.1.88 begins with 2.999.1.8, and is another "
        "community. Compare the whole text.",
        codes_exchanged: "The two codes are exchanged: one says that a community is named and not known here, the other that none is "
        "named.",
    }
    hints = [
        "Two functions inside `set_up`; at its end give them to the gateway: `gateway.check = check`, `gateway.mark = mark`, without "
        "parentheses.",
        "Make the homeCommunityId once, before both functions: a text, and `gateway.oid` behind it. Inside they can use it.",
        '`answer.iter("{*}ExtrinsicObject", "{*}ObjectRef")` goes through elements of several names; `element.set("home", ...)` sets an '
        "attribute.",
        "In `check` two questions: is a community named, and is it another one? Is none named, and no patient either? Otherwise `None`.",
    ]
    praise = ("Every object now says whose it is, and every error who made it. That is all that federation rests on: who has lost the "
              "homeCommunityId once can't fetch the document any more.")


def _mark_by(gateway, home=None, tags=("{*}ExtrinsicObject", "{*}RegistryPackage", "{*}ObjectRef"), errors=True, check=None,
             everywhere=False):
    """As the solution, with one idea changed."""
    home = home or f"urn:oid:{gateway.oid}"
    check = check or (lambda asked, home: "XDSUnknownCommunity" if asked.home not in ("", home)
                      else None if asked.home or asked.patient else "XDSMissingHomeCommunityId")

    def mark(answer):
        for element in answer.iter(*tags, *(["{*}RegistryError"] if everywhere else [])):
            element.set("home", home)
            if everywhere:
                element.set("location", home)
        for error in answer.iter("{*}RegistryError") if errors else ():
            error.set("location", home)

    gateway.check, gateway.mark = (lambda asked: check(asked, home)), mark


# --- 4

class Community(SoapServer):
    """A responding gateway that plays a part.

    home   : its homeCommunityId
    has    : {patient ID: how many documents it has of that patient}
    errors : {patient ID: codes of the errors that the answer holds besides}; where there are no documents it fails by them
    """

    def __init__(self, home, has=None, errors=None):
        super().__init__(f"{NAMES.get(home, home).upper()}_RESPONDING")
        self.home, self.has, self.errors = home, dict(has or {}), dict(errors or {})
        self.actions = {facts.ACTIONS["ITI-38"][0]: ("ITI-38", self._query)}

    def _query(self, message):
        from lxml import etree

        patient = _asked(message.body.find(f"{{{RIM}}}AdhocQuery")).patient
        problems = [Problem(code, "as it plays its part", location=self.home) for code in self.errors.get(patient, ())]
        if patient not in self.has:
            problems.append(Problem("XDSUnknownPatientId", "This patient is not known here.", location=self.home))
        count = self.has.get(patient, 0)
        status = facts.SUCCESS if not problems else facts.PARTIAL if count else facts.FAILURE
        body = etree.Element(f"{{{QUERY}}}AdhocQueryResponse", nsmap={"query": QUERY, "rim": RIM}, status=status)
        add_errors(body, problems)
        body.append(metadata.write([entry_of(number, patient, homeCommunityId=self.home) for number in range(1, count + 1)]))
        return soap.Message(facts.ACTIONS["ITI-38"][1], body, reply_to=None)

    def _told(self, reply):
        return told(reply.body)


def asking(urls):
    """A function `ask(home, patient, seconds)` that sends ITI-38 to a community and returns the Answer, or raises NoAnswer.

    urls : {homeCommunityId: URL}
    """
    def ask(home, patient, seconds):
        body = document_sharing.query_body("FindDocuments", {
            "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}, home=home)
        try:
            return document_sharing.ask(urls[home], "ITI-38", body, "NMH_INITIATING", seconds)
        except (soap.Fault, soap.BadSoap) as problem:
            raise NoAnswer(f"The community {home} gives no answer that can be used: {problem}") from None
    return ask


@lesson.input
def federation(hospital):
    """What the notebook needs of communities: a function that starts some which play a part, and `asking`."""
    return Community, asking


FULL, EMPTY, STRANGER, PARTLY, BROKEN, SILENT = "full", "empty", "stranger", "partly", "broken", "silent"
# The codes that stand in an answer beside its entries, or alone: each comes in some case.
PARTLY_CODES = (("XDSTooManyResults",), ("XDSTooManyResults", "XDSRegistryBusy"), ("XDSResultNotSinglePatient",))
BROKEN_CODES = (("XDSRegistryError",), ("XDSUnknownCommunity",), ("XDSResultNotSinglePatient",), ("XDSRegistryOutOfResources",),
                ("XDSUnknownPatientId", "XDSRegistryError"))
PATIENCE = 6.0                          # seconds for which a community is asked alone until it counts as asked one after the other


class _Crowd:
    """Whether the communities of a case were asked together: each waits for the others, in vain only if they are asked in turn."""

    def __init__(self):
        self.lock, self.asked = threading.Condition(), {}
        self.in_turn = self.unlimited = self.hasty = self.nowhere = False
        self.twice, self.together, self.expected = "", 0, 0

    def join(self, case, home, expected, seconds, limit):
        with self.lock:
            self.unlimited |= not isinstance(seconds, (int, float)) or seconds > limit
            self.hasty |= isinstance(seconds, (int, float)) and seconds < 0.9 * limit          # what is left of it may be a little less
            asked = self.asked.setdefault(case, set())
            self.twice = self.twice or (home if home in asked else "")
            asked.add(home)
            self.lock.notify_all()
            if not self.in_turn and not self.lock.wait_for(lambda: len(self.asked[case]) >= expected or self.in_turn, PATIENCE):
                self.in_turn, self.together, self.expected = True, len(self.asked[case]), expected
                self.lock.notify_all()


def _status_word(value):
    """A status as a person may write it: the URN or its last part."""
    words = {"success": "Success", "partialsuccess": "PartialSuccess", "failure": "Failure"}
    known = words.get(str(value).strip().rpartition(":")[2].replace(" ", "").casefold())
    if known is None:
        raise ValueError("the statuses are Success, PartialSuccess and Failure, or their URNs")
    return known


def _error_of(value):
    """An error as text "code homeCommunityId"; a pair will do, and a colon or comma between them."""
    said = " ".join(map(str, value)) if type(value) is list else str(value)
    return re.sub(r"^(\w+)\s*[:,;]?\s+", r"\1 ", " ".join(said.split()))


def _communities_met(state):
    """What the communities of a case did, in a sentence."""
    does = {FULL: "answered with {} entries", EMPTY: "had none", STRANGER: "did not know the patient", SILENT: "gave no answer",
            PARTLY: "answered with {} entries and by an error", BROKEN: "answered by an error alone"}
    nobody = state["nobody"]
    met = [f"{NAMES[home]} {does[part].format(count)}" + (f" ({' and '.join(codes)})" if codes else "")
           for home, (part, count, codes) in state["parts"].items()]
    if nobody:
        met.append(f"{nobody} had nobody who fits and {'was' if nobody == 1 else 'were'} not to be asked")
    return f"There {', '.join(met)}." if met else "There `patients` was empty."


def _not_this_status(given, right):
    return ("look at two things: is there any error in your list, and did anybody who was asked answer by entries, or without an error "
            "of that list? An answer that holds such an error and nothing else does not count.")


def _not_this_word(given, right):
    return ("two questions decide it, neither the status nor your list of errors: did any entry come, and did all who were asked answer "
            "without any error, XDSUnknownPatientId included?")


def _federated(state, lost=False, strangers=False, partial=True, failures_told=True, named=True, empty_says="unknown",
               status_by_documents=False, all_refused=False, beside_told=True, anyone=False, say_by_status=False, nobody_answers=False,
               say_by_errors=False):
    """What a right initiating gateway makes of communities in a state, or one with one idea changed."""
    documents, errors, answered = 0, [], state["nobody"] if nobody_answers else 0
    gap = False                             # somebody who was asked did not answer, or not without an error
    for home, (part, count, codes) in state["parts"].items():
        here = ("XDSUnavailableCommunity",) if part == SILENT else ("XDSUnknownPatientId",) if part == STRANGER else codes
        if part == PARTLY and not beside_told:
            here = ()
        gap = gap or bool(here)
        told = [code for code in here if strangers or code != "XDSUnknownPatientId"]
        errors += [f"{code} {home if named else NORTHMERE}" for code in told]
        if part != SILENT and (part in (FULL, PARTLY) or not told or anyone and part == BROKEN):
            answered += 1
        documents += 0 if part == PARTLY and not partial else count
    if errors and lost:
        return {"status": "Failure", "documents": 0, "errors": errors, "say": "unknown"}
    status = "Success" if not errors else "PartialSuccess" if answered else "Failure"
    if status_by_documents and errors:
        status = "PartialSuccess" if documents else "Failure"
    if not failures_told:
        status, errors, gap = "Success", [], False
    if say_by_errors:
        gap = bool(errors)
    say = ("some" if documents else empty_says) if gap else "all" if documents else "none"
    if all_refused and status != "Success":
        say = "unknown"
    if say_by_status:
        say = {"PartialSuccess": "some", "Failure": "unknown"}.get(status, "all" if documents else "none")
    return {"status": status, "documents": documents, "errors": errors, "say": say}


@lesson.exercise
class FanOut:
    """Write the function `federated(ask, patients, seconds)`: what an initiating gateway does with a FindDocuments.

    - `patients` is a dictionary of other communities: homeCommunityId -> the patient's ID in that community, or `None` where patient
      discovery has *answered* that they have nobody who fits: nobody is asked there, and nothing is missing. It may be that nobody at all
      is to be asked. (The own registry, which is asked by ITI-18, is somebody else's work.)
    - `ask(home, patient, seconds)` sends ITI-38 to a community, waits at most so many seconds, and returns its answer, which has
      `entries` and `problems`, none or one or several (each with a `code`). If nothing comes in time, or nothing that can be used, it
      raises `NoAnswer`.

    Ask all of them **at once**, however many, each once and with the limit `seconds`, and return a dictionary:

    - `"documents"`: how many entries came, from all communities together;
    - `"errors"`: a list of texts, code and homeCommunityId with a blank between: whatever codes came, but `XDSUnknownPatientId`, which is
      not passed on (ITI TF-2 3.38.4.1.3). A community that gives no answer is `XDSUnavailableCommunity`;
    - `"status"`: `"Success"` if that list is empty; `"PartialSuccess"` if it is not, and at least one community *that was asked* answered
      by entries or without an error of the list; `"Failure"` when none of them did;
    - `"say"`: what the physician may be told. `"all"`: this is all that the communities have; `"some"`: there is this, and there may be
      more; `"none"`: they have nothing; `"unknown"`: nothing came, and nobody knows whether there is anything. `"all"` and `"none"` hold
      only if everybody who was asked answered without *any* error; here `XDSUnknownPatientId` counts.
    """

    answer = Client("federated", result=Fields("", {
        "documents": Number(""), "errors": Set("", reading=_error_of, case=True),
        "status": Text("", reading=_status_word, remark=_not_this_status), "say": Text("", remark=_not_this_word)}),
        noticed=lambda state: state["seen"](), called="case", about=_communities_met, whole=True)
    points = 4

    def solution(ask, patients, seconds):
        homes = []
        for home in patients:
            if patients[home] is not None:
                homes.append(home)

        def ask_one(home):
            try:
                return ask(home, patients[home], seconds)
            except NoAnswer:
                return None

        with ThreadPoolExecutor(max_workers=20) as pool:
            answers = list(pool.map(ask_one, homes))

        documents = 0
        answered = 0                          # communities with entries, or without an error that is passed on
        complete = True                       # no error at all, and everybody answered
        errors = []
        for home, answer in zip(homes, answers):
            if answer is None:
                errors.append("XDSUnavailableCommunity " + home)
                complete = False
            else:
                failed = False
                for problem in answer.problems:
                    complete = False
                    if problem.code != "XDSUnknownPatientId":
                        errors.append(problem.code + " " + home)
                        failed = True
                documents = documents + len(answer.entries)
                if answer.entries or not failed:
                    answered = answered + 1

        if len(errors) == 0:
            status = "Success"
        elif answered > 0:
            status = "PartialSuccess"
        else:
            status = "Failure"

        if documents > 0 and complete:
            say = "all"
        elif documents > 0:
            say = "some"
        elif complete:
            say = "none"
        else:
            say = "unknown"
        return {"documents": documents, "errors": errors, "status": status, "say": say}

    @contextlib.contextmanager
    def stage(draw):
        homes = [SOUTHMARK, WESTHAVEN, EASTLAND, OVERLAND, MIDMOOR]
        plays = [(FULL, FULL, EMPTY, None), (FULL, SILENT, EMPTY, STRANGER), (SILENT, EMPTY, None, EMPTY), (SILENT, SILENT, BROKEN, SILENT),
                 (EMPTY, STRANGER, None, EMPTY), (PARTLY, FULL, EMPTY, STRANGER), (BROKEN, FULL, SILENT, FULL),
                 (PARTLY, SILENT, None, BROKEN), (STRANGER, SILENT, None, None), (STRANGER, FULL, FULL, None), (None, SILENT, BROKEN, None),
                 (FULL, EMPTY, FULL, BROKEN, PARTLY), (PARTLY, EMPTY, FULL), (BROKEN, EMPTY, EMPTY), (BROKEN, EMPTY), (BROKEN, None),
                 (EMPTY, EMPTY, None), (None, None, None), ()]
        crowd, limit, cases, used = _Crowd(), draw.choice((20, 25, 30)), [], {PARTLY: 0, BROKEN: 0}
        with contextlib.ExitStack() as running:
            silent = running.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
            server = running.enter_context(Community(SOUTHMARK))
            for case, play in enumerate(plays):
                draw.shuffle(homes)
                parts, patients, urls = {}, {}, {}
                for home, part in zip(homes, play):
                    patients[home] = patient = None if part is None else (
                        f"{draw.choice('ABCDEFG')}{draw.randrange(10 ** 6)}^^^&{home.removeprefix('urn:oid:')}&ISO")
                    if part:
                        codes = ()
                        if part in used:            # in turn, so that each of them comes
                            all_codes = PARTLY_CODES if part == PARTLY else BROKEN_CODES
                            codes = all_codes[used[part] % len(all_codes)]
                            used[part] += 1
                        parts[home] = part, draw.randrange(1, 6) if part in (FULL, PARTLY) else 0, codes
                        urls[home] = f"http://127.0.0.1:{silent.getsockname()[1]}/" if part == SILENT else server.url
                        server.errors[patient] = codes
                        if part not in (STRANGER, SILENT):
                            server.has[patient] = parts[home][1]
                state = {"parts": parts, "nobody": play.count(None), "seen": lambda: _noticed(crowd)}
                cases.append(((_played(case, parts, urls, crowd, limit), patients, limit), state))
            yield cases

    def right(state):
        return _federated(state)

    def all_or_nothing(state):
        return _federated(state, lost=True)

    def strangers_are_errors(state):
        return _federated(state, strangers=True)

    def parts_thrown_away(state):
        return _federated(state, partial=False)

    def failures_hidden(state):
        return _federated(state, failures_told=False)

    def errors_beside_entries(state):
        return _federated(state, beside_told=False)

    def anybody_counts(state):
        return _federated(state, anyone=True)

    def said_by_errors(state):
        return _federated(state, say_by_errors=True)

    def nobody_counts(state):
        return _federated(state, nobody_answers=True)

    def said_by_status(state):
        return _federated(state, say_by_status=True)

    def errors_of_the_gateway(state):
        return _federated(state, named=False)

    def nothing_is_none(state):
        return _federated(state, empty_says="none")

    def empty_answers_do_not_count(state):
        return _federated(state, status_by_documents=True)

    def partial_is_failure(state):
        return _federated(state, all_refused=True)

    wrong_ways = {
        all_or_nothing: "One community failed, and you gave back nothing. What the others have is lost to the physician for no reason: "
        "successes and failures go back together, as PartialSuccess (ITI TF-2 3.38.4.1.3).",
        strangers_are_errors: "You pass XDSUnknownPatientId on. A consumer of XDS does not expect this error (ITI TF-2 3.38.4.1.3), and "
        "can do nothing about it: it belongs into the log of those who look after identities, and into what the physician is told.",
        errors_beside_entries: "A community answered with entries *and* an error, and the error is lost. It has more than it gave: that "
        "part is missing, and it has a name.",
        anybody_counts: "You count a community that answered with an error and nothing else. It has done nothing for the physician: "
        "without entries, an answer counts only if it holds no error.",
        nobody_counts: "You count communities that were not asked. Where `patients` says `None` discovery has answered, and that is no "
        "answer to this query: if all who were asked fail, nothing was found out, and the status is Failure.",
        said_by_status: "You read what to say off the status. PartialSuccess also stands where a community without documents answered and "
        "another one was silent: nothing came, so it is not `some`.",
        said_by_errors: "You read what to say off your list of errors, or off the status. XDSUnknownPatientId stands in neither, and it "
        "does not mean *nothing*: discovery has just said that the community has this patient under that number. It may be stale or "
        "merged, and the documents may lie under another one: that is `some` or `unknown`.",
        parts_thrown_away: "A community answered with entries *and* an error, and you dropped its entries. Look at both lists of an "
        "answer, whatever its status.",
        failures_hidden: "You hide all failures: a community that is down looks like one that has nothing. The physician reads *no priors* "
        "where nobody answered.",
        errors_of_the_gateway: "All your errors name Northmere. Each has to name the community in which it happened, else nobody knows "
        "whom to call, or what is missing.",
        nothing_is_none: "You say that there is nothing where somebody did not answer. No entries and an error is *not known*: the one "
        "report that matters may lie with the one that was silent.",
        empty_answers_do_not_count: "You count a community that has nothing as if it had not answered. An empty list is a success: with "
        "it, a failure elsewhere makes PartialSuccess, not Failure.",
        partial_is_failure: "You tell the physician nothing where a part failed. PartialSuccess is a success with a gap: show what came, "
        "and name the gap.",
    }
    hints = [
        "Write `ask_one(home)` first: it asks one community and returns its answer, or `None` when `NoAnswer` was raised (`try` and "
        "`except`).",
        "`with ThreadPoolExecutor(max_workers=20) as pool:` and in it `answers = list(pool.map(ask_one, homes))`: all at once, answers in "
        "the order of `homes`.",
        "`for home, answer in zip(homes, answers):` goes through both. Count entries, collect errors, and count who answered.",
        "`say` depends on two questions: did anything come, and was there no error at all? That makes four words. The second needs a "
        "variable of its own: True at the beginning, False as soon as anybody fails, also by the error that is not passed on.",
    ]
    praise = ("Late, silent and broken communities cost you their part and nothing more, and the screen says whose part that is. It never "
              "says *nothing* where it means *not known*.")


def _played(case, parts, urls, crowd, limit):
    """The function `ask` of a case of FanOut."""
    send = asking(urls)

    def ask(home, patient, seconds=None):
        if home not in parts:
            crowd.nowhere = True
            raise NoAnswer(f"The community {home} has no address here.")
        crowd.join(case, home, len(parts), seconds, limit)
        # Who never answers need not be waited for to the end; to the others there is no hurry.
        return send(home, patient, 0.05 if parts[home][0] == SILENT else 30.0)

    return ask


def _noticed(crowd):
    """What was noticed of how communities were asked; "" if nothing."""
    if crowd.nowhere:
        return ("You asked a community in which the patient has no ID: where `patients` says `None`, nobody is asked, and nothing is "
                "missing.")
    if crowd.twice:
        return (f"You asked {NAMES[crowd.twice]} twice in one case. Each is asked once: who asks a silent one again makes the physician "
                "wait twice as long.")
    if crowd.hasty:
        return ("You asked with a limit of your own, shorter than `seconds`. Who answers late, but in time, would be taken for one that is "
                "down: the third thing that `ask` takes is `seconds`.")
    if crowd.unlimited:
        return ("You asked without the limit, or with a longer one: the third thing that `ask` takes is `seconds`. Without it one silent "
                "community holds up all the others.")
    if crowd.in_turn:
        if crowd.together > 1:
            return (f"You asked {crowd.together} of {crowd.expected} communities at once, and the others had to wait until one of those "
                    "had answered. How many a pool asks at a time is its `max_workers`.")
        return ("You asked one community after the other: while the first was asked, no other was. With three silent ones the physician "
                "waits three times the limit. `pool.map` asks all at once.")
    return ""


# --- 5

ISO_NAME, ISO_FOLDER = re.compile(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?"), re.compile("[A-Z0-9_]{1,8}")
LINKS = "LINKS"                         # the word in INDEX.HTM in whose place the links stand
LARGEST_PACKAGE = 20_000_000
INDEX = ('<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title>From Harbour Vale</title></head>'
         '<body><h1>Harbour Vale General Hospital</h1><p>A letter and a report:</p>'
         f'<ul>{LINKS}</ul><p><a href="README.TXT">About this package</a></p></body></html>\n')
README = ("Harbour Vale General Hospital, Radiology, radiology@hvgh.example\nMade by: coursekit package writer 1.0, Harbour Vale IT\n"
          "IHE_XDM holds a directory for each submission set, with its METADATA.XML and its documents.\n")


def written_metadata(entries):
    """METADATA.XML, as bytes: the lcm:SubmitObjectsRequest that a repository would send on, with these entries in it."""
    from lxml import etree

    root = etree.Element(f"{{{facts.LCM}}}SubmitObjectsRequest", nsmap={"lcm": facts.LCM})
    root.append(metadata.write(entries))
    return xml.encode(root)


@lesson.input
def metadata_xml(hospital):
    """The function `written_metadata`."""
    return written_metadata


@lesson.input
def papers(hospital):
    """What goes to the family doctor: {id of its document entry: bytes}."""
    draw = random.Random(f"papers {hospital.seed}")
    words = ("no acute bleeding", "old lacunar infarct", "no fracture", "unchanged since the prior", "small subdural rim, stable")
    report = f"CT head. Findings: {draw.choice(words)}; {draw.choice(words)}. Médecin: Dr Ashford.\n" * draw.randrange(4, 9)
    letter = f"Dear colleague, thank you for sending the patient. We suggest a check in {draw.randrange(3, 9)} weeks. – Dr Régis\n"
    return {"Letter": letter.encode("utf-8"), "Report": report.encode("utf-8")}


@lesson.input
def entries(hospital):
    """Their metadata, without URI, hash and size: a list of Entry."""
    draw = random.Random(f"entries {hospital.seed}")
    patient, number = f"HV{draw.randrange(100000, 199999)}^^^&2.999.1.1&ISO", draw.randrange(1000, 9999)
    text = Code("urn:ihe:iti:xds:2017:mimeTypeSufficient", IHE_FORMATS, "mimeType Sufficient")
    found = [entry_of(place, patient, entryUUID=name, mimeType="text/plain", formatCode=text, title=name,
                      uniqueId=f"2.999.130.{number}.{place}", author=(Author(institutions=("Harbour Vale General Hospital",)),))
             for place, name in enumerate(("Letter", "Report"), 1)]
    for entry in found:
        _strip(entry)
    held = Entry(SET, {"entryUUID": "Set01", "submissionTime": MOMENT, "contentTypeCode": CODES["classCode"], "patientId": patient,
                       "sourceId": "2.999.1.1.71", "uniqueId": f"2.999.131.{number}"})
    links = [association(HAS_MEMBER, "Set01", entry.id, ORIGINAL, f"urn:uuid:00000000-0000-4000-a000-00000000000{place}")
             for place, entry in enumerate(found, 1)]
    return [*found, held, *links]


def _package(contents):
    """What a Portable Media Importer finds in a package (ITI TF-2 3.32.4.1): {thing: {part: what it is, in words}}.

    Raises ValueError with a sentence when it is no ZIP.
    """
    if len(contents) == 1 and type(contents[0]) is io.BytesIO:
        raise ValueError("this is the file in memory; its bytes are what `.getvalue()` returns, behind the `with`")
    if len(contents) == 1 and type(contents[0]) is zipfile.ZipFile:
        raise ValueError("this is the archive through which the package was written; the package is the bytes of the file under it: its "
                         "`.getvalue()`, behind the `with`")
    if len(contents) != 1 or type(contents[0]) is not bytes:
        raise ValueError("give one package: its bytes, or the path of the file")
    try:
        with zipfile.ZipFile(io.BytesIO(contents[0])) as package:
            names = [one.filename for one in package.infolist() if not one.is_dir()]
            if sum(one.file_size for one in package.infolist()) > LARGEST_PACKAGE:
                raise ValueError("the package holds more than any answer here")
            files = {name: package.read(name) for name in names}
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError) as problem:
        raise ValueError(f"this is no ZIP file that can be read ({type(problem).__name__}); was it closed before its bytes were "
                         "taken?") from None
    if not files:
        raise ValueError("the package is empty")
    folders = sorted({name.split("/")[1] for name in files if name.startswith("IHE_XDM/") and name.count("/") > 1})
    found = {"the package": {
        "Its INDEX.HTM": "in a folder" if "INDEX.HTM" not in files and any(name.endswith("/INDEX.HTM") for name in files)
        else _index_says(files.get("INDEX.HTM")),
        "Its README.TXT": "missing" if "README.TXT" not in files else "there" if files["README.TXT"].strip() else "empty",
        "Its folder IHE_XDM": _folders_say(folders, names),
        "What starts by itself": ", ".join(name for name in names if name.casefold().startswith("autorun")) or "nothing",
        "The name of a file or folder": next(_bad_names(names), "as it should be"),
    }}
    place = f"IHE_XDM/{folders[0]}/" if folders else ""
    listed = files.get(f"{place}METADATA.XML")
    said, described = _described(listed, files, place)
    more = sorted(set(files) - {"INDEX.HTM", "README.TXT", f"{place}METADATA.XML", *described})
    found |= said | {"what else is in the package": {"Its files": ", ".join(more) or "none"}}
    return found | {"INDEX.HTM, as a browser shows it": {"Its links": _links_say(files, sorted(described & set(files)))}}


def _bad_names(names):
    """The parts of names that ISO 9660 level 1 does not allow; of a folder with a slash behind it."""
    for name in names:
        *folders, file = name.split("/")
        yield from (f"{folder}/" for folder in folders if not ISO_FOLDER.fullmatch(folder))
        if not ISO_NAME.fullmatch(file):
            yield file


def _links_say(files, documents):
    """Where the links of INDEX.HTM lead, in words."""
    octets = files.get("INDEX.HTM", b"")
    if _index_says(octets) != "XHTML":
        return "-"
    if LINKS.encode() in octets:
        return f"the word {LINKS} still stands in it"
    hrefs = [link.get("href") or "" for link in xml.parse(octets).iter("{*}a")]
    led_to = {_resolved("", unquote(href)) for href in hrefs if not href.startswith("/")}
    if not led_to & set(documents):
        inside = {name.rpartition("/")[2] for name in documents}
        return "only as if INDEX.HTM lay in the folder of the documents" if led_to & inside else "none leads to a document"
    lacking = [name for name in documents if name not in led_to]
    astray = [href for href in hrefs if _resolved("", unquote(href)) not in files]
    return f"none leads to {lacking[0]}" if lacking else f"{astray[0]} leads nowhere" if astray else "lead to all documents"


def _folders_say(folders, names):
    """What the folder IHE_XDM holds, in words."""
    if len(folders) == 1:
        return "one submission set"
    if folders:
        return f"{len(folders)} submission sets, where one was asked"
    if any(name.startswith("IHE_XDM/") for name in names):
        return "no folder of a submission set"
    where = next((name.rpartition("/")[0] or "the root" for name in names if name.rpartition("/")[2].upper() == "METADATA.XML"), "")
    return "missing" + (f"; METADATA.XML lies in {where[:60]}" if where else "")


_ITS_FILE = "The file to which its URI leads"
_URIS = {
    "missing": "Its entry has no URI: nothing says which file it is.",
    "several values": "Its URI has several values. A text where a tuple is asked is taken letter by letter; a tuple of one text has a "
                      "comma: `(name,)`.",
    "leads to a file only if it is read from the root": "Its URI counts from the root of the package, not from the folder of METADATA.XML.",
    "begins at a root": "Its URI begins with `/`: that is no place relative to the folder of METADATA.XML, and leads nowhere in a package.",
    "is not relative": "Its URI is not relative to the folder of METADATA.XML.",
    "has a backslash": "Its URI holds a backslash. What separates folders in a URI, and in the names of a ZIP file, is `/`.",
    "leads to a file only if case does not matter": "Its URI and the name of its file differ in upper and lower case.",
    "leads nowhere": "Its URI leads to no file in the package, seen from the folder of METADATA.XML.",
    "there is no document in the package": "The package holds no document.",
    "-": "Its URI can't be read before METADATA.XML can.",
}
_HASHES = {
    "missing": "Its entry has no hash.", "-": "Its hash can't be compared: there is no file.",
    "SHA-256": "Its hash is a SHA-256; XDS compares SHA-1.", "MD5": "Its hash is an MD5; XDS compares SHA-1 (ITI TF-3 4.2.3.2.10).",
    "SHA-1 in base64": "Its hash is in base64, not in hexadecimal.",
    "of something else": "Its hash is not the SHA-1 of the file to which its URI leads, in hexadecimal. Of which bytes was it taken?",
}


def _no_name(value, _):
    """A sentence on the first name of a package that ISO 9660 level 1 does not allow, or None."""
    if value == "as it should be":
        return None
    if value.endswith("/") and "." in value:
        return f"The name of the folder `{value[:60]}` has a point. Folders have no extension in ISO 9660 level 1: at most 8 characters."
    stem, _, extension = value.rstrip("/").partition(".")
    why = ("it has small letters" if value != value.upper()
           else "a backslash does not separate folders in a ZIP file: `/` does" if "\\" in value
           else "it has more than one point" if "." in extension
           else f"{len(stem)} characters before the point are more than 8" if len(stem) > 8
           else f"an extension of {len(extension)} characters is more than 3" if len(extension) > 3
           else "only capital letters, digits and `_` are allowed")
    return f"The name `{value[:60].rstrip('/')}` is none of ISO 9660 level 1: {why}."


_FREE = {
    "Its links": lambda value, _: None if value == "lead to all documents" else "They can't be followed before it is XHTML." if value == "-"
    else f"Its links: {value}. They are seen from the root, where INDEX.HTM lies.",
    "The extension of its file": lambda value, _: None if value == "TXT"
    else "It can't be told before the URI leads to a file." if value == "-"
    else f"The extension of its file is {value or 'missing'}. Its mimeType is `text/plain`; a double click goes by the extension, `TXT`.",
    "The name of a file or folder": _no_name,
    "Its folder IHE_XDM": lambda value, _: None if value == "one submission set" else f"Its folder IHE_XDM: {value}.",
    "Its metadata": lambda value, _: None if value == "sound" else "Its metadata can't be told before it can be read." if value == "-"
    else f"Its metadata is not right: {value}",
    "Its files": lambda value, _: None if value == "none" else f"`{value[:80]}`: no entry leads there, and it was not asked for. Who gets "
    "the package has to trust whatever is in it.",
    "Its URI": lambda value, _: None if value == "leads to a file" else _URIS[value],
    "Its hash": lambda value, _: None if value == "SHA-1 of the file, hexadecimal" else _HASHES[value],
    "Its size": lambda value, _: None if value == "that of the file" else "Its entry has no size." if value == "missing"
    else "Its size is not the number of bytes of its file.",
    "It": lambda value, _: None if value == "there" else "It can't be read: it is no XML." if value == "no XML"
    else "It is missing in the folder of the submission set.",
}


def _index_says(octets):
    if octets is None:
        return "missing"
    try:
        root = xml.parse(octets)
    except xml.BadXml:
        return "no XHTML: not even XML"
    return "XHTML" if root.tag == "{http://www.w3.org/1999/xhtml}html" else f"no XHTML: its root is {root.tag}"


def _described(listed, files, place):
    """What METADATA.XML says, and whether it is true of the files; and the names of the files to which its entries lead."""
    parts = ("Its URI", _ITS_FILE, "The extension of its file", "Its size", "Its hash")
    unread = {f"the document {name}": dict.fromkeys(parts, "-") for name in ("Letter", "Report")}
    if listed is None:
        return {"METADATA.XML": {"It": "missing", "Its metadata": "-", "The documents that it describes": "-"}, **unread}, set(files)
    try:
        root = xml.parse(listed)
    except xml.BadXml:
        return {"METADATA.XML": {"It": "no XML", "Its metadata": "-", "The documents that it describes": "-"}, **unread}, set(files)
    holder = root if root.tag == f"{{{RIM}}}RegistryObjectList" else root.find(f".//{{{RIM}}}RegistryObjectList")
    entries, problems = metadata.read(holder) if holder is not None else ([], [])
    documents = {entry.get("uniqueId"): entry for entry in entries if entry.kind == DOCUMENT}
    # What XDM asks beyond a submission to a repository (hash, size, URI) is looked at below, document by document.
    problems = problems or metadata.check([entry.copy(hash=None, size=None, URI=None) for entry in entries], "ITI-41")
    if holder is None:
        problems = [Problem("XDSRepositoryMetadataError", "there is no RegistryObjectList in it.")]
    documents_there = any(name.rpartition("/")[2].upper() not in ("INDEX.HTM", "README.TXT", "METADATA.XML") for name in files)
    said = {"METADATA.XML": {"It": "there", "Its metadata": problems[0].context if problems else "sound",
                             "The documents that it describes": ", ".join(sorted(documents))}}
    led_to = set()
    for uid, entry in documents.items():
        where = entry.get("URI", ())
        absolute = len(where) == 1 and (":" in where[0] or where[0].startswith(("/", "\\")))
        path = _resolved(place, where[0]) if len(where) == 1 and not absolute else None
        octets = files.get(path)
        led_to.add(path)
        said[f"the document {entry.get('title') or uid}"] = {
            "Its URI": "missing" if not where else "several values" if len(where) > 1 else "leads to a file" if octets is not None
            else "leads to a file only if it is read from the root" if where[0] in files
            else "begins at a root" if absolute and where[0].startswith("/") else "is not relative" if absolute and ":" in where[0]
            else "has a backslash" if "\\" in where[0]
            else "leads to a file only if case does not matter" if path.casefold() in map(str.casefold, files)
            else "leads nowhere" if documents_there else "there is no document in the package",
            _ITS_FILE: "-" if octets is None else hashlib.sha256(octets).hexdigest(),
            "The extension of its file": "-" if octets is None else path.rpartition("/")[2].partition(".")[2],
            "Its size": "missing" if not entry.get("size") else "-" if octets is None
            else "that of the file" if entry["size"] == str(len(octets)) else f"{entry['size']}, not that of the file",
            "Its hash": _hash_says(entry.get("hash"), octets),
        }
    return said, led_to


def _resolved(place, uri):
    """The name in the package of a URI that is relative to the folder of METADATA.XML."""
    parts = place.rstrip("/").split("/") if place else []
    for part in uri.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _hash_says(value, octets):
    if not value:
        return "missing"
    if octets is None:
        return "-"
    digest = hashlib.sha1(octets)
    if value.casefold() == digest.hexdigest():
        return "SHA-1 of the file, hexadecimal"
    others = {hashlib.sha256(octets).hexdigest(): "SHA-256", hashlib.md5(octets, usedforsecurity=False).hexdigest(): "MD5",
              base64.b64encode(digest.digest()).decode(): "SHA-1 in base64"}
    return others.get(value, "of something else")


@lesson.input
def index(hospital):
    """The text of INDEX.HTM."""
    return INDEX


@lesson.input
def readme(hospital):
    """The text of README.TXT."""
    return README


def _packed(papers, entries, folder="IHE_XDM/SUBSET01/", index=INDEX, readme=README, more=(), names=None, uri=None, digest=None, size=None,
            files=True, around="", uris=None, links=None):
    """A package as the solution makes it, with one idea changed."""
    names = names or {"Letter": "LETTER.TXT", "Report": "REPORT.TXT"}
    digest = digest or (lambda octets: hashlib.sha1(octets).hexdigest())
    written, store = [], io.BytesIO()
    if index is not None and links != LINKS:
        index = index.replace(LINKS, "".join(f'<li><a href="{folder if links is None else links}{names[name]}">{name}</a></li>'
                                             for name in papers))
    with zipfile.ZipFile(store, "w") as package:
        for name, content in (("INDEX.HTM", index), ("README.TXT", readme), *more):
            if content is not None:
                package.writestr(around + name, content)
        for entry in entries:
            if entry.id in papers:
                octets = papers[entry.id]
                if files:
                    package.writestr(around + folder + names[entry.id], octets)
                entry = entry.copy(URI=((uri or "") + (uris or names)[entry.id],), hash=digest(octets),
                                   size=str(size(octets) if size else len(octets)))
            written.append(entry)
        package.writestr(f"{around}{folder}METADATA.XML", written_metadata(written))
    return store.getvalue()


@lesson.exercise
class PackageForTheDoctor:
    """Make `package`, the bytes of a ZIP file that a Portable Media Importer takes (XDM, ITI TF-2 3.32): the two documents of `papers`, and
    their metadata, `entries`. It goes to the family doctor's Direct address.

    - In the root: `INDEX.HTM` and `README.TXT`, with the texts `index` and `readme`. In `index` the word `LINKS` gives way to a link to
      each document, as in the cell above: a browser opens it, seen from the root. Nothing that starts by itself.
    - In `IHE_XDM` one folder for the submission set, and in it `METADATA.XML` and the two documents. Nothing else.
    - Names as ISO 9660 level 1 wants them: capital letters, digits and `_`; folders at most 8, files at most 8 and, behind a point, at most
      3. Both documents are `text/plain`: they end in `.TXT`.
    - Each document entry gets what XDM needs beyond what it has: its **URI**, seen from the folder in which `METADATA.XML` lies, its
      **hash**, and its **size** in bytes.

    `papers` has the ids of the document entries as its keys. Give `package` as bytes.
    """

    answer = File("package", reading=_package, free=_FREE)
    points = 3

    def solution(papers, entries, index, readme, metadata_xml):
        names = {"Letter": "LETTER.TXT", "Report": "REPORT.TXT"}
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            links = ""
            described = []
            for entry in entries:
                if entry.id in papers:
                    octets = papers[entry.id]
                    name = names[entry.id]
                    archive.writestr("IHE_XDM/SUBSET01/" + name, octets)
                    links = links + '<li><a href="IHE_XDM/SUBSET01/' + name + '">' + entry.id + "</a></li>"
                    described.append(entry.copy(URI=(name,), hash=hashlib.sha1(octets).hexdigest(), size=len(octets)))
                else:
                    described.append(entry)
            archive.writestr("IHE_XDM/SUBSET01/METADATA.XML", metadata_xml(described))
            archive.writestr("INDEX.HTM", index.replace("LINKS", links))
            archive.writestr("README.TXT", readme)
        return file.getvalue()

    def no_index(papers, entries):
        return _packed(papers, entries, index=None)

    def no_readme(papers, entries):
        return _packed(papers, entries, readme=None)

    def starts_by_itself(papers, entries):
        return _packed(papers, entries, more=(("AUTORUN.INF", "[autorun]\nopen=VIEWER.EXE\n"),))

    def folder_around_it(papers, entries):
        return _packed(papers, entries, around="PACKAGE/")

    def no_folder_for_the_set(papers, entries):
        return _packed(papers, entries, folder="IHE_XDM/")

    def small_letters(papers, entries):
        return _packed(papers, entries, names={"Letter": "letter.txt", "Report": "report.txt"})

    def uids_as_names(papers, entries):
        return _packed(papers, entries, names={entry.id: entry["uniqueId"] for entry in entries if entry.id in papers})

    def uris_exchanged(papers, entries):
        return _packed(papers, entries, uris={"Letter": "REPORT.TXT", "Report": "LETTER.TXT"})

    def program_added(papers, entries):
        return _packed(papers, entries, more=(("VIEWER.EXE", "MZ"),))

    def uri_from_the_root(papers, entries):
        return _packed(papers, entries, uri="IHE_XDM/SUBSET01/")

    def uri_of_the_computer(papers, entries):
        return _packed(papers, entries, uri="file:///D:/IHE_XDM/SUBSET01/")

    def another_digest(papers, entries):
        return _packed(papers, entries, digest=lambda octets: hashlib.sha256(octets).hexdigest())

    def digest_in_base64(papers, entries):
        return _packed(papers, entries, digest=lambda octets: base64.b64encode(hashlib.sha1(octets).digest()).decode())

    def characters_counted(papers, entries):
        return _packed(papers, entries, size=lambda octets: len(octets.decode("utf-8")))

    def documents_forgotten(papers, entries):
        return _packed(papers, entries, files=False)

    def links_forgotten(papers, entries):
        return _packed(papers, entries, links=LINKS)

    def links_like_uris(papers, entries):
        return _packed(papers, entries, links="")

    wrong_ways = {
        no_index: "The root has no INDEX.HTM. It is what a person without an importer opens first (ITI TF-2 3.32.4.1.2).",
        no_readme: "The root has no README.TXT: who made this, with what, and whom to call (ITI TF-2 3.32.4.1.2.2).",
        starts_by_itself: "Something in the root starts by itself when the medium is put in. That is forbidden (ITI TF-2 3.32.4.1.2.2), "
        "and any hospital's virus scanner will refuse the rest as well.",
        folder_around_it: "All lies in one more folder, as when a folder is zipped instead of what is in it. An importer looks for "
        "INDEX.HTM and IHE_XDM in the root, and finds neither.",
        no_folder_for_the_set: "METADATA.XML lies in IHE_XDM itself. Each submission set has a folder of its own in it, because a medium "
        "may hold several (ITI TF-2 3.32.4.1.2.2).",
        small_letters: "Small letters are not for names of files here: ISO 9660 level 1, also on media that could do more "
        "(ITI TF-2 3.32.4.1.2.1).",
        uids_as_names: "A UID is no name for a file: too long, and with points in it (ITI TF-2 3.32.4.1.2.1).",
        uris_exchanged: "The URI of one entry leads to the file of the other document. A doctor who opens the report reads the letter, "
        "and an importer that compares hashes says that both are damaged.",
        program_added: "There is a program in the package. XDM does not forbid other files in the root, but none was asked for, and many "
        "a mail filter stops a mail with a program in it.",
        uri_from_the_root: "Your URIs count from the root of the package. They are relative to the folder in which METADATA.XML lies "
        "(ITI TF-2 3.32.4.1.2.2); read so, they lead nowhere.",
        uri_of_the_computer: "Your URIs name a drive. On the doctor's computer it is another one, or none: they are relative, to the "
        "folder in which METADATA.XML lies (ITI TF-2 3.32.4.1.2.2).",
        another_digest: "Your hash is a SHA-256. It would be the better one, but importers compare SHA-1 (ITI TF-3 4.2.3.2.10), and will "
        "tell the doctor that the file is damaged.",
        digest_in_base64: "Your hash is in base64, as FHIR and MHD write it. In XDS's metadata it's hexadecimal (ITI TF-3 4.2.3.2.10).",
        characters_counted: "Your size counts letters. An é takes two bytes in UTF-8, and the importer compares with the size of the file "
        "in bytes.",
        links_forgotten: "In INDEX.HTM the word LINKS still stands where the links should be. Without an importer it is the only way to "
        "the documents: whoever opens it in a browser sees a heading and no letter.",
        links_like_uris: "Your links are seen from the folder of METADATA.XML, as the URIs are. INDEX.HTM lies in the root, and a browser "
        "looks from there.",
        documents_forgotten: "The documents are described and not there. Unlike XDS, where the document waits in a repository, a package "
        "has to hold everything.",
    }
    hints = [
        "Begin with the cell above that writes an archive, now with the names of this package. What is left is the loop over `entries`.",
        "A submission also holds a submission set and associations; of these nothing changes. `if entry.id in papers:` finds the document "
        "entries.",
        "`entry.copy(URI=(name,), hash=..., size=...)`: the URI is a tuple of one text, mind the comma; the size is `len(...)` of the "
        "bytes.",
        "Collect all entries, changed or not, in a new list, and the links in a text; write `METADATA.XML` and `INDEX.HTM` from them at "
        "the end. The bytes are complete when the `with` is left: `file.getvalue()` behind it.",
    ]
    praise = ("The doctor's program can check every file before it shows one, and a person with a browser can read it without any "
              "program. Signed and encrypted by S/MIME, it may go.")


# --- 6

def search(url, **keys):
    """QIDO-RS for studies: a list of dictionaries from keyword to value (PS3.18 10.6).

    url  : of the DICOMweb server
    keys : keywords of DICOM, such as StudyInstanceUID="2.999.7"
    """
    from pydicom.datadict import keyword_for_tag

    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    try:
        connection.request("GET", f"{where.path}/studies?{urlencode(keys)}", headers={"Accept": "application/dicom+json"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status == 204:
        return []
    if answer.status != 200:
        raise ValueError(f"the archive answers {answer.status}: {body.decode('utf-8', 'replace')[:200]}")
    found = []
    for one in json.loads(body):
        values = {keyword_for_tag(int(tag, 16)): (element.get("Value") or [""])[0] for tag, element in one.items()}
        found.append({name: value.get("Alphabetic", "") if isinstance(value, dict) else value for name, value in values.items()})
    return found


@lesson.input
def qido(hospital):
    """The function `search`."""
    return search


def small_study(draw, patient, accession, uid, count=1, name=None, series=1, title="CT head"):
    """Small CT images of a study: a list of bytes, each a DICOM file."""
    of = candidates.Study("HV100001", name or f"ZZ^{draw.choice('ABCDEFGH')}", "19600101", "F", "20250404", "101500", accession, title,
                          (("CT", count),) * series)
    found = []
    for place in range(1, series + 1):
        for number in range(1, count + 1):
            image = candidates.image(of, place, number, PatientID=patient, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.{place}",
                                     SOPInstanceUID=f"{uid}.{place}.{number}", TimezoneOffsetFromUTC="+0200")
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            found.append(_octets(image))
    return found


def _octets(dataset):
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


@contextlib.contextmanager
def archive_of(studies):
    """A DICOMweb server over an archive's store that holds these objects (bytes): gives it."""
    with tempfile.TemporaryDirectory(prefix="coursekit-store-", ignore_cleanup_errors=True) as folder:
        store = Store(folder)
        try:
            for one in studies:
                store.put(one)
            with DicomWeb(store) as web:
                yield web
        finally:
            store.close()


@contextlib.contextmanager
def two_of_a_number(number):
    """An archive with a study under an accession number, and one of another patient under another: gives the DICOMweb server."""
    draw = random.Random(number)
    with archive_of([*small_study(draw, "HV100777", number, "2.999.65.1"),
                     *small_study(draw, "HV100888", "A250401099", "2.999.65.2")]) as web:
        yield web


@lesson.input
def shelf(hospital):
    """The function `two_of_a_number`."""
    return two_of_a_number


NEW, HERE, STOP = "import", "here already", "stop"


def _filed(state, found="by study", new_uid=False, foreign=False, authority=None, strangers=True, number="found",
           asked_of="order", of="exam"):
    """What is done with a foreign exam, by a right reconciliation or one with one idea changed."""
    exam, order = state["exam"], state["order"]
    here = {"by study": state["here"], "by accession": state["same number"], "by patient": state["same patient"], "never": None,
            "by study and patient": state["here"] if state["same patient"] == state["here"] else None}[found]
    whose = (order if asked_of == "order" else exam)["PatientID"]
    action = NEW if here is None else HERE if here["PatientID"] == whose or not strangers else STOP
    oid = exam["Issuer"] if authority is None else authority
    return {"action": action, "study": exam["StudyInstanceUID"] + (".1" if new_uid else ""),
            "accession": here["AccessionNumber"] if here and (number == "found" or number == "stop" and action != STOP)
            else exam["AccessionNumber"] if foreign else order["AccessionNumber"],
            "reference": f"{(exam if of == 'exam' else order)['AccessionNumber']}^^^{f'&{oid}&ISO' if oid else ''}^{ACCESSION}"}


def _study_kept(given, right):
    return ("UIDs are unique in the world, and references between objects hold by them: an importer keeps valid ones "
            "(RAD TF-2 4.61.4.1.1.1). What has to be the local one is the patient and the order.")


def _not_this_reference(given, right):
    """What is wrong with a CXi."""
    number, _, rest = right.partition("^")
    if given.partition("^")[0] != number:
        return "it does not begin with the foreign number, the one that the other hospital gave and prints on its reports."
    if given.casefold() == right.casefold():
        return "the letters are right, but upper and lower case matter here."
    if given.count("^") != 4:
        return (f"count the `^`: a CXi has five components, so four of them stand in between, and yours has {given.count('^')}. The second "
                "and third component are empty.")
    issuer = given.split("^")[3]
    if issuer.count("&") != 2 or not issuer.startswith("&"):
        return "the issuer, the fourth component, has three parts with `&` between: an empty name, the OID, and `ISO`."
    if given.split("^")[4] != ACCESSION:
        return "the type, the last component, is `urn:ihe:iti:xds:2013:accession`."
    return "the issuer is not the one that gave the number: `exam[\"Issuer\"]`."


def _not_this_number(given, right):
    return ("if the archive has the study, it has a number there, and keeps it, also where you stop; if not, it is imported under that of "
            "the local order.")


def _not_this_action(given, right):
    if given not in (NEW, HERE, STOP):
        return f'the three are "{NEW}", "{HERE}" and "{STOP}".'
    if right == NEW:
        return ("the archive does not have this study, under nobody's ID. That another study here bears the same number, ours or the "
                "foreign one, or is of the same patient, is no reason to stop, and does not mean that this one is here.")
    if right == STOP:
        return ("the archive has this study, and under an ID that is not the order's. Compare the whole ID; a foreign one in our archive "
                "is not the order's either.")
    return "the archive has this study, and under the ID of the order's patient."


def _met_in_archive(state):
    if state["here"] is None:
        number = state["order"]["AccessionNumber"] if state["order number used"] else ""
        return "There the archive did not have the study" + (f", but another one of the patient under the order's number, {number}."
                                                             if number else ".")
    found = state["here"]["PatientID"]
    whose = ("the order's patient" if found == state["order"]["PatientID"] else "the other hospital, the foreign one"
             if found == state["exam"]["PatientID"] else "another patient")
    return f"There the archive had the study, under the ID of {whose}: {found}."


def _action_word(value):
    return re.sub(r"[\s_\-]+", " ", str(value).strip(" '\"").casefold())


@lesson.exercise
class ForeignExam:
    """Write the function `reconcile(url, exam, order)`: what becomes of a study that another hospital sent, when a local order to read
    it is there. `search(url, StudyInstanceUID=...)`, or with another keyword, asks Harbour Vale's archive (QIDO-RS) and returns a list
    of dictionaries.

    `exam` has `"StudyInstanceUID"`, `"AccessionNumber"`, `"Issuer"` (the OID of who gave that number) and `"PatientID"`, all foreign;
    `order` has `"AccessionNumber"` and `"PatientID"`, both ours. Return a dictionary:

    - `"action"`: `"here already"` if the archive has **this study** under the Patient ID of the order; `"stop"` if it has it under any
      other, the foreign one included (a person has to look); otherwise `"import"`;
    - `"study"`: the Study Instance UID that the images have in our archive;
    - `"accession"`: the accession number of the study in our archive when you have done that. If the archive has the study, it keeps the
      number that it has there, also where you say `"stop"`; if not, it is imported under that of the order;
    - `"reference"`: the **foreign** number as referenceIdList has it, a CXi: `number^^^&OID&ISO^urn:ihe:iti:xds:2013:accession`.
    """

    answer = Client("reconcile", result=Fields("", {
        "action": Text("", reading=_action_word, remark=_not_this_action), "study": Text("", case=True, remark=_study_kept),
        "accession": Text("", case=True, remark=_not_this_number), "reference": Text("", case=True, remark=_not_this_reference)}),
        called="case", about=_met_in_archive, whole=True)
    points = 3

    def solution(url, exam, order):
        found = search(url, StudyInstanceUID=exam["StudyInstanceUID"])
        accession = order["AccessionNumber"]
        action = "import"
        if found:
            accession = found[0]["AccessionNumber"]
            action = "here already"
            if found[0]["PatientID"] != order["PatientID"]:
                action = "stop"
        reference = exam["AccessionNumber"] + "^^^&" + exam["Issuer"] + "&ISO^urn:ihe:iti:xds:2013:accession"
        return {"action": action, "study": exam["StudyInstanceUID"], "accession": accession, "reference": reference}

    @contextlib.contextmanager
    def stage(draw):
        def digits():
            return str(draw.randrange(1000, 9999))

        objects, cases = [], []
        kinds = ("number of somebody else's", "new", "here", "of a stranger", "patient known", "number of the patient's own",
                 "of a stranger, same digits", "of a stranger, longer ID", "under the foreign ID")
        for place, kind in enumerate(kinds):
            patient, foreign = f"HV10{digits()}", f"EC-{digits()}"
            exam = {"StudyInstanceUID": f"2.999.60.{draw.randrange(10 ** 6)}.{place}", "AccessionNumber": f"A2504{digits()}{place}",
                    "Issuer": draw.choice(("2.999.1.2", "2.999.1.8.3")), "PatientID": foreign}
            order = {"AccessionNumber": f"A2504{digits()}9{place}", "PatientID": patient}
            state = {"exam": exam, "order": order, "here": None, "same number": None, "same patient": None,
                     "order number used": kind == "patient known"}
            whose = {"here": patient, "of a stranger": f"HV20{digits()}", "of a stranger, same digits": f"HW{patient[2:]}",
                     "of a stranger, longer ID": f"{patient}0", "under the foreign ID": foreign}
            if kind in whose:
                row = {"AccessionNumber": f"A2503{digits()}", "PatientID": whose[kind]}
                objects += small_study(draw, row["PatientID"], row["AccessionNumber"], exam["StudyInstanceUID"])
                state["here"] = row
                state["same patient"] = row if kind == "here" else None
            elif kind != "new":
                row = {"AccessionNumber": (exam if kind.startswith("number") else order)["AccessionNumber"],
                       "PatientID": f"HV30{digits()}" if kind == "number of somebody else's" else patient}
                objects += small_study(draw, row["PatientID"], row["AccessionNumber"], f"2.999.61.{draw.randrange(10 ** 9)}.{place}")
                state["same number"] = row if kind.startswith("number") else None
                state["same patient"] = row if row["PatientID"] == patient else None
            cases.append((exam, order, state))
        with archive_of(objects) as web:
            yield [((web.url, dict(exam), dict(order)), state) for exam, order, state in cases]

    def right(state):
        return _filed(state)

    def never_looked(state):
        return _filed(state, found="never")

    def by_number(state):
        return _filed(state, found="by accession")

    def by_patient(state):
        return _filed(state, found="by patient")

    def by_study_and_patient(state):
        return _filed(state, found="by study and patient")

    def patient_of_the_exam(state):
        return _filed(state, asked_of="exam")

    def either_patient(state):
        said = _filed(state)
        foreign = state["here"] is not None and state["here"]["PatientID"] == state["exam"]["PatientID"]
        return {**said, "action": HERE} if foreign else said

    def always_the_orders(state):
        return _filed(state, number="order")

    def orders_at_stop(state):
        return _filed(state, number="stop")

    def number_of_the_order(state):
        return _filed(state, of="order")

    def strangers_overlooked(state):
        return _filed(state, strangers=False)

    def new_uids(state):
        return _filed(state, new_uid=True)

    def foreign_number(state):
        return _filed(state, foreign=True)

    def number_of_nobody(state):
        return _filed(state, authority="")

    def number_of_ours(state):
        return _filed(state, authority="2.999.1.1")

    wrong_ways = {
        never_looked: "Whatever the archive has, you import: your function never finds a study that is here. It does not ask, or it asks "
        "for more than the Study Instance UID, such as a number or ID that the study does not have *here*. What came by disc last week "
        "comes again tonight over the network: with the same UIDs, under another order.",
        by_study_and_patient: "You asked for the study *and* the patient of the order. The same study under another patient's ID is then "
        "not found, and is imported a second time; that one most of all has to be seen by a person. Ask for the study alone, then look "
        "whose it is.",
        patient_of_the_exam: "You compare the patient of the archive's study with the foreign ID. Whoever has it under that one has not "
        "reconciled it yet: ask whether it is the patient of the *order*.",
        either_patient: "You take the foreign ID for as good as ours. A study that lies here under it was sent and never reconciled: no "
        "order of ours finds it, and a person has to look before anything is linked.",
        always_the_orders: "You give the number of the local order even where the archive has the study already. There it has it under "
        "the number with which it came, and nothing is imported now.",
        orders_at_stop: "Where it is to stop, you give the number of the local order. Nothing is imported then: the archive has the study "
        "under the number that was found, under the other patient.",
        number_of_the_order: "Your reference holds the number of *our* order. It is there so that the study can be found under the number "
        "that the other hospital gave and prints on its reports; ours stands in the header anyway.",
        by_number: "You looked for the accession number. Two hospitals that count from the same day meet: what you found under the number "
        "is a study of *ours*, of another patient perhaps. An accession number holds within its issuer only (0008,0051); the Study "
        "Instance UID holds everywhere.",
        by_patient: "You looked for the patient. That somebody has a study here does not say that it is this one.",
        strangers_overlooked: "You found the study and did not ask whose it is. Under another patient's ID one of the two is wrong, and "
        "nobody but a person can say which.",
        new_uids: "You gave the study a new UID. UIDs are unique in the world, and references between objects hold by them: an importer "
        "keeps valid ones (RAD TF-2 4.61.4.1.1.1). The same study imported twice could never be recognised.",
        foreign_number: "You file the study under the foreign accession number. Our RIS has no order of that number, or another one's; the "
        "images would be reported under nothing. The local order's number goes into the header (RAD TF-2 4.61).",
        number_of_nobody: "Your reference names no issuer. A number without one is nobody's: FindDocumentsByReferenceId would find ours "
        "and theirs together (ITI TF-3 4.2.3.2.28).",
        number_of_ours: "Your reference gives the foreign number Harbour Vale's OID. So written it means *our* order of that number, which "
        "is another exam (ITI TF-3 4.2.3.2.28).",
    }
    hints = [
        "What makes a study the same study, at any hospital? Ask the archive for that.",
        "`found = search(...)` is a list, empty when there is nothing; `if found:` asks. `found[0][\"PatientID\"]` is whose it is.",
        "Begin with the case that nothing is found: the action, and the number of the order. Then change both if something is found.",
        "The reference is texts joined by `+`: the number, three `^`, `&`, the OID, `&ISO`, one `^`, and the type.",
    ]
    praise = ("The foreign exam hangs beside the local ones, under a number that your RIS knows, and can still be found under the one that "
              "Eastcliff reads out on the telephone.")


# --- 7

VIEWER, OURS_GATEWAY, THEIR_GATEWAY, THEIR_REGISTRY = "HV_VIEWER", "NMH_INITIATING", "SMK_RESPONDING", "SMK_REGISTRY"
SUMMER = timedelta(hours=2)             # of Harbour Vale's wall clock before UTC, in April


class _Night:
    """The logs of four actors over a quarter of an hour, with one exchange that took long, and a clock that is off."""

    def __init__(self, seed):
        draw = random.Random(f"night {seed}")
        self.draw, self.rows, self.count = draw, [], 0
        self.off = draw.choice((-1, 1)) * draw.randrange(23, 95)
        self.slow, self.took = draw.choice((THEIR_GATEWAY, THEIR_REGISTRY)), draw.randrange(140, 230) / 10
        self.others = draw.randrange(1, 4)
        self.behind = draw.randrange(12, 29) / 10       # of the other one of the two, which is not to blame
        start = datetime(2025, 4, 7, 0, 8, draw.randrange(5, 55), tzinfo=UTC)
        self.asked = start + timedelta(seconds=draw.randrange(200, 400), milliseconds=draw.randrange(100, 900))
        for place in range(5):
            self.exchange(start + timedelta(seconds=44 * place + draw.randrange(20), milliseconds=draw.randrange(999)))
        self.first = self.exchange(self.asked, slow=True)
        self.took -= draw.randrange(11, 39) / 10
        self.exchange(self.asked + timedelta(seconds=9, milliseconds=250), slow=True)      # the physician pressed the button again
        for place in range(4):
            self.exchange(self.asked + timedelta(seconds=2 + 31 * place + draw.randrange(20), milliseconds=draw.randrange(999)))
        self.rows.sort(key=lambda row: (row.pop("true"), row["actor"]))

    def id(self):
        self.count += 1
        return f"{self.draw.getrandbits(32):08x}"

    def write(self, moment, actor, what, name, relates="", cause=""):
        shown = moment + timedelta(seconds=self.off if actor == THEIR_GATEWAY else 0)
        text = ((shown + SUMMER).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if actor == VIEWER
                else shown.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
        self.rows.append({"true": moment, "actor": actor, "time": text, "what": what, "message_id": name, "relates_to": relates,
                          "cause": cause})

    def exchange(self, moment, slow=False):
        """One FindDocuments from the viewer to Southmark's registry and back. Returns the viewer's MessageID."""
        draw, chain, names, sent = self.draw, (VIEWER, OURS_GATEWAY, THEIR_GATEWAY, THEIR_REGISTRY), [], []
        for place, (source, target) in enumerate(zip(chain, chain[1:])):
            name, kind = self.id(), "ITI-38" if target == THEIR_GATEWAY else "ITI-18"
            self.write(moment, source, f"sent {kind} to {target}", name, cause=names[-1] if names else "")
            if source == OURS_GATEWAY and slow:
                for other in range(self.others):
                    asked, answered, late = self.id(), self.id(), moment + timedelta(milliseconds=300 + 90 * other)
                    community = ("WHV_RESPONDING", "EST_RESPONDING", "OVL_RESPONDING")[other]
                    self.write(moment + timedelta(milliseconds=1), source, f"sent ITI-38 to {community}", asked, cause=names[-1])
                    self.write(late, source, f"received ITI-38 response from {community}", answered, asked)
            sent.append(moment)
            moment += timedelta(milliseconds=20)
            self.write(moment, target, f"received {kind} from {source}", name)
            names.append(name)
            own = 0 if not slow or target == OURS_GATEWAY else self.took if target == self.slow else self.behind
            moment += timedelta(seconds=own, milliseconds=draw.randrange(6, 40))
        for source, target, name in zip(chain[2::-1], chain[:0:-1], reversed(names)):
            answer, kind = self.id(), "ITI-38" if target == THEIR_GATEWAY else "ITI-18"
            self.write(moment, target, f"sent {kind} response to {source}", answer, name)
            moment += timedelta(milliseconds=20)
            self.write(moment, source, f"received {kind} response from {target}", answer, name)
            moment += timedelta(milliseconds=draw.randrange(3, 12))
        return names[0]


def with_letters(events):
    """SOAP messages of a journal, told by their MessageIDs, each a letter in the order of appearance: a list of events."""
    letters, told_so = {}, []

    def letter(name):
        return letters.setdefault(name, chr(ord("A") + len(letters)))

    for event in events:
        said = f"MessageID {letter(event.data.message_id)}"
        if event.data.relates_to:
            said += f", RelatesTo {letter(event.data.relates_to)}"
        told_so.append(replace(event, detail=said))
    return told_so


@lesson.input
def lettered(hospital):
    """The function `with_letters`."""
    return with_letters


@lesson.input
def night(hospital):
    """The logs of four actors, put together: a DataFrame: actor, time, what, message_id, relates_to, cause. MessageIDs are shortened."""
    import pandas

    return pandas.DataFrame(_Night(hospital.seed).rows)


@lesson.input
def complaint(hospital):
    """The MessageID of the query about which the physician complained."""
    return _Night(hospital.seed).first


def _of(rows, complaint):
    """The MessageIDs of the requests that belong to an exchange."""
    names, before = {complaint}, 0
    while len(names) > before:
        before = len(names)
        names |= {row["message_id"] for row in rows if row["cause"] in names}
    return names


def _traced(night, complaint, zone=2, counted="requests", slow=None, whole=False, clock=None, sign=1, again=False, next_door=False):
    """As the solution, with one idea changed."""
    rows = night.to_dict("records")
    names = _of(rows, complaint)
    lines = [row for row in rows if row["message_id"] in names or row["relates_to"] in names]
    # Per request and actor: when it came or went, and when its answer did.
    took = {}
    for row in lines:
        key = row["relates_to"] or row["message_id"], row["actor"]
        moment = datetime.fromisoformat(row["time"].replace("Z", ""))
        took.setdefault(key, []).append(moment)
    actors = (OURS_GATEWAY, THEIR_GATEWAY, THEIR_REGISTRY)
    inside, chain = {}, [complaint]
    for actor in actors:
        span = (max(took[chain[-1], actor]) - min(took[chain[-1], actor])).total_seconds()
        below = next((row["message_id"] for row in lines
                      if row["cause"] == chain[-1] and row["what"].endswith((THEIR_GATEWAY, THEIR_REGISTRY))), None)
        waited = (max(took[below, actor]) - min(took[below, actor])).total_seconds() if below else 0
        inside[actor] = span if whole else span - waited
        chain.append(below)
    who = slow or max(inside, key=inside.get)
    if next_door:                           # measured in the log of the one that asked it
        asked = chain[actors.index(who)]
        span = took[asked, actors[actors.index(who) - 1]]
        heard = took[asked, who]
        inside[who] += (max(span) - min(span)).total_seconds() - (max(heard) - min(heard)).total_seconds()
    theirs = took[chain[1], THEIR_GATEWAY]
    ours = took[chain[1], OURS_GATEWAY]
    off = ((min(theirs) - min(ours)) + (max(theirs) - max(ours))).total_seconds() / 2
    local = min(took[complaint, VIEWER])
    if again:
        local = next(moment for moment in (datetime.fromisoformat(row["time"]) for row in rows if row["actor"] == VIEWER
                                           and row["what"].startswith("sent")) if moment - local > timedelta(seconds=9, milliseconds=200)
                     and moment - local < timedelta(seconds=9, milliseconds=300))
    return {
        "asked_at": (local - timedelta(hours=zone)).strftime("%H:%M:%S.%f")[:-3],
        "requests": {"requests": len(names), "lines": len(lines), "one": 1, "both": 2 * len(names)}[counted],
        "slow": who, "seconds": round(inside[who], 3), "clock": clock or THEIR_GATEWAY,
        "off_by": 7200 if clock == VIEWER else round(sign * off, 1),
    }


def _actor(value):
    """The name of an actor in one form."""
    return re.sub(r"[^A-Z]", "_", str(value).strip(" '\"").upper())


def _clock_time(value):
    """A time of day as HH:MM:SS, with its fraction if there is one; a date before it doesn't matter."""
    found = re.search(r"(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d+))?(?:\s*([+-])(\d\d):?(\d\d)?)?", str(value))
    if not found:
        raise ValueError("write hours, minutes and seconds, such as 02:10:00")
    if found[5] and (found[6] != "00" or found[7] not in (None, "00")):
        raise ValueError(f"it names the zone {found[5]}{found[6]}:{found[7] or '00'}; write what a clock of UTC shows at that moment")
    return f"{int(found[1]):02}:{found[2]}:{found[3]}" + (f".{found[4]}" if found[4] else "")


class ClockTime(Text):
    """A time of day as a log has it: cut or rounded to whole seconds, or to as many digits of a fraction as are given."""

    def difference(self, answer, other):
        """None when the answer is the other time, cut or rounded."""
        given, right = _seconds_of(answer), _seconds_of(other)
        finest = 10 ** -min(len(answer.partition(".")[2]), 3)
        if abs(given - right) <= finest / 2 + 1e-6 or -1e-6 <= right - given < finest - 1e-6:
            return None
        return Difference("That is not what was asked.", "value")


def _seconds_of(clock):
    hours, minutes, seconds = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


class Tenth(Number):
    """A number of which a tenth is asked: exact, or rounded to a tenth; what is given more exactly has to be right more exactly."""

    def difference(self, answer, other):
        """None when it is the other number, or that rounded to a tenth."""
        if any(abs(number - other[0]) <= (0.0501 if abs(number - round(number, 1)) < 1e-9 else 0.006) for number in answer):
            return None
        return super().difference(answer, other)


def _on_trace(name, given, right, _):
    """A sentence on a wrong entry of the trace that no wrong way explains, or None."""
    if name == "asked_at":
        return ("it is the time at which HV_VIEWER sent the query whose MessageID is `complaint`, brought to UTC. The next actor's line "
                "is of the moment at which it came; another query, or another clock, gives another time.")
    if name == "requests" and given[0] < right[0]:
        return ("there are more. Each request may be the `cause` of further ones, and our gateway asked more than one community: look at "
                "`cause` again for each MessageID that you have found, until nothing new comes.")
    if name == "requests":
        return ("there are fewer. Answers don't count, a line in a second log is no second request, and her second query is another "
                "exchange.")
    if name == "slow":
        if given.upper() not in (VIEWER, OURS_GATEWAY, THEIR_GATEWAY, THEIR_REGISTRY):
            return f"no actor of these logs is called {given}; their names are in the column `actor`."
        return (f"{given} took some time of its own, but not most of it. For each actor: from its request in to its answer out, without "
                "the time from its own request out to the answer to that.")
    if name == "seconds" and any(number == round(right[0]) for number in given):
        return "it is rounded too far: a tenth of a second is asked."
    if name == "seconds" and any(abs(number / 1000 - right[0]) < 0.1 for number in given):
        return "those are milliseconds."
    if name == "seconds" and all(number < 0 for number in given):
        return "no time is less than nothing: subtract the earlier time from the later one."
    if name == "seconds":
        return ("take four times of that actor's own log (request in, request out, answer in, answer out; only two where it asked nobody), "
                "all of this exchange: the complaint's, not the second query's.")
    if name == "clock":
        if given.upper() not in (VIEWER, OURS_GATEWAY, THEIR_GATEWAY, THEIR_REGISTRY):
            return f"no actor of these logs is called {given}; their names are in the column `actor`."
        return (f"{given} disagrees with one neighbour only, or with none. The clock that is wrong disagrees with the actor before it "
                "*and* the one behind it.")
    if name == "off_by":
        return ("compare its log with a neighbour's, for the request and for the answer to it. Each difference holds the way as well, once "
                "added and once subtracted; their mean is the clock's.")
    return None


@lesson.exercise
class OneExchange:
    """A physician complains: *I asked once, and it took forever.* `complaint` is the MessageID of her query, `night` the four logs.
    Follow the exchange that began with **that** query, and fill in:

    - `"asked_at"`: when she asked, in **UTC**, hours, minutes and seconds;
    - `"requests"`: how many requests of the exchange these logs show, hers included; a request counts once, however many logs have it,
      and answers don't count;
    - `"slow"`: the actor at which the time was lost: not who waited for another one, but who worked or slept;
    - `"seconds"`: how long that actor took itself, from request to answer, without what it waited for others, to a tenth of a second;
    - `"clock"`: the actor whose clock is wrong;
    - `"off_by"`: by how many seconds, to half a second; positive if it is ahead of the others.
    """

    answer = Fields("trace", {"asked_at": ClockTime("", reading=_clock_time), "requests": Number(""), "slow": Text("", reading=_actor),
                              "seconds": Tenth("", unit="s"), "clock": Text("", reading=_actor),
                              "off_by": Number("", unit="s", tolerance=0.25)}, remark=_on_trace)
    points = 3

    def solution(night, complaint):
        lines = night.to_dict("records")          # a list of dictionaries, one for each line

        requests = [complaint]
        for line in lines:
            if line["cause"] in requests:
                requests.append(line["message_id"])

        when = {}                                 # what an actor did in this exchange: the time at which it did so
        for line in lines:
            if line["message_id"] in requests or line["relates_to"] in requests:
                when[line["actor"] + " " + line["what"]] = datetime.fromisoformat(line["time"].replace("Z", ""))

        asked = when["HV_VIEWER sent ITI-18 to NMH_INITIATING"]
        ours_out = when["NMH_INITIATING sent ITI-38 to SMK_RESPONDING"]
        gateway_in = when["SMK_RESPONDING received ITI-38 from NMH_INITIATING"]
        gateway_out = when["SMK_RESPONDING sent ITI-18 to SMK_REGISTRY"]
        registry_in = when["SMK_REGISTRY received ITI-18 from SMK_RESPONDING"]
        registry_answers = when["SMK_REGISTRY sent ITI-18 response to SMK_RESPONDING"]
        gateway_hears = when["SMK_RESPONDING received ITI-18 response from SMK_REGISTRY"]
        gateway_answers = when["SMK_RESPONDING sent ITI-38 response to NMH_INITIATING"]
        ours_hears = when["NMH_INITIATING received ITI-38 response from SMK_RESPONDING"]

        of_registry = (registry_answers - registry_in).total_seconds()
        of_gateway = (gateway_answers - gateway_in).total_seconds() - (gateway_hears - gateway_out).total_seconds()
        slow, seconds = "SMK_REGISTRY", of_registry
        if of_gateway > of_registry:
            slow, seconds = "SMK_RESPONDING", of_gateway

        there = (gateway_in - ours_out).total_seconds()
        back = (gateway_answers - ours_hears).total_seconds()
        return {
            "asked_at": str(asked - timedelta(hours=2)), "requests": len(requests), "slow": slow, "seconds": seconds,
            "clock": "SMK_RESPONDING", "off_by": (there + back) / 2,
        }

    def local_time(night, complaint):
        return _traced(night, complaint, zone=0)

    def winter_time(night, complaint):
        return _traced(night, complaint, zone=1)

    def added(night, complaint):
        return _traced(night, complaint, zone=-2)

    def lines_counted(night, complaint):
        return _traced(night, complaint, counted="lines")

    def hers_alone(night, complaint):
        return _traced(night, complaint, counted="one")

    def both_times(night, complaint):
        return _traced(night, complaint, counted="both")

    def second_query(night, complaint):
        return _traced(night, complaint, again=True)

    def waiting_included(night, complaint):
        return _traced(night, complaint, slow=THEIR_GATEWAY, whole=True)

    def who_waited(night, complaint):
        return _traced(night, complaint, slow=OURS_GATEWAY, whole=True)

    def seen_by_its_neighbour(night, complaint):
        return _traced(night, complaint, next_door=True)

    def viewers_clock(night, complaint):
        return _traced(night, complaint, clock=VIEWER)

    def wrong_way_round(night, complaint):
        return _traced(night, complaint, sign=-1)

    wrong_ways = {
        local_time: "That is what the viewer's log says, and it writes Harbour Vale's wall clock. The others write UTC, as their Z says.",
        winter_time: "You subtracted one hour. In April Harbour Vale lives by summer time, two hours ahead of UTC.",
        added: "You added the two hours. The wall clock is *ahead* of UTC: to come to UTC they are subtracted.",
        lines_counted: "You counted lines of the logs. A request stands in two logs, with its sender and its receiver, and answers have "
        "lines as well.",
        hers_alone: "You counted hers alone. Each gateway asks on under a *new* MessageID; `cause` says for which request.",
        both_times: "You counted the second query as well. She pressed the button again; that is another exchange, with a MessageID of "
        "its own.",
        second_query: "That is when she pressed the button again. The complaint is about the first query: `complaint` is its MessageID.",
        waiting_included: "A gateway's time from request to answer includes what it waited for the one behind it. Subtract that (from its "
        "own request out to the answer in), and then compare who took most.",
        who_waited: "You named the one that waited longest. A gateway's time from request to answer includes that of everybody behind it: "
        "subtract what it waited for the next one.",
        seen_by_its_neighbour: "You measured in the log of the one that asked it. From its request out to the answer in there are two "
        "ways over the network as well: take the slow actor's own log, from its request in to its answer out.",
        viewers_clock: "You blame the viewer: its times are two hours ahead. That is its time zone, not its clock. Whose clock disagrees "
        "with *both* its neighbours once all are in UTC?",
        wrong_way_round: "Everything is right but the sign. A clock that is ahead writes times that are too late: a request seems to "
        "arrive long after it was sent; one that is behind seems to get it before.",
    }
    hints = [
        '`night[night["message_id"] == complaint]` shows her query: two lines, two logs, two ways to write a time.',
        '`night[night["cause"] == complaint]` shows what the gateway asked on her behalf. Go on with those MessageIDs until nothing new '
        "comes.",
        'Answers are found by `relates_to`. For each actor write down four times: request in, request out, answer in, answer out.',
        "Own time = (answer out - request in) - (answer in - request out), all of one log, so that a wrong clock does no harm.",
        "The clock: a request can't arrive before it was sent, nor a minute later. Compare both directions; the way takes the same each "
        "time, so the mean of the two differences is the clock's.",
    ]
    praise = ("Times of one log, differences only; between logs, MessageIDs. With that you can say who was slow without believing "
              "anybody's clock, and you have found a node that keeps its time badly (ITI-1).")


# --- 8

class Region(NamedTuple):
    """What a consumer sees of two communities: URL of its gateway, {homeCommunityId: URL of the imaging document source}; the actors."""

    gateway: str
    sources: dict
    actors: dict


@contextlib.contextmanager
def two_regions(patients):
    """Northmere and Southmark, complete: registry, repository and imaging document source of each, and the gateways between them.

    patients : {patient ID in Northmere: the same patient's ID in Southmark}
    """
    with contextlib.ExitStack() as running:
        actors = {}
        for home, name, authority in ((NORTHMERE, "NMH", "2.999.1.9"), (SOUTHMARK, "SMK", "2.999.1.8")):
            folder = running.enter_context(tempfile.TemporaryDirectory(prefix="coursekit-store-", ignore_cleanup_errors=True))
            store = Store(folder)
            running.callback(store.close)
            registry = running.enter_context(Registry(f"{name}_REGISTRY", authority=(name, authority)))
            repository = running.enter_context(Repository(f"{name}_REPOSITORY", f"{authority}.72", registry.url))
            source = running.enter_context(ImagingSource(store, f"{authority}.71", f"{name}_VNA", name=f"{name}_SOURCE"))
            registry.know(*(patients if home == NORTHMERE else patients.values()))
            actors[home] = registry, repository, source
        registry, repository, _ = actors[SOUTHMARK]
        theirs = running.enter_context(RespondingGateway(SOUTHMARK, registry.url, {repository.unique_id: repository.url}, "SMK_RESPONDING"))
        registry, repository, _ = actors[NORTHMERE]
        ours = running.enter_context(InitiatingGateway(
            NORTHMERE, registry.url, {repository.unique_id: repository.url}, {SOUTHMARK: theirs.url},
            lambda home, patient: patient if home == NORTHMERE else patients.get(patient), 30.0))
        yield Region(ours.url, {home: source.url for home, (_, _, source) in actors.items()}, {**actors, "gateways": (ours, theirs)})


def published(region, home, patient, draw, count, uid, number, replaces=None, series=1, title="CT head"):
    """A study of some images in each of its series, stored and its manifest published in a community. Returns the entryUUID of the
    manifest."""
    registry, repository, source = region.actors[home]
    if replaces is None:
        for one in small_study(draw, patient.split("^")[0], f"A2504{number:04d}", uid, count, series=series, title=title):
            source.store.put(one)
    source.publish(uid, repository.url, patient, patient, f"{uid}.900.{number}", MOMENT, replaces)
    return next(entry.id for entry in query(registry.url, "FindDocuments", {
        "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries
        if entry["uniqueId"] == f"{uid}.900.{number}")


def withdrawn(region, home, uid, numbers, series=1):
    """Images of a series withdrawn from a community's archive; its manifest is not replaced."""
    from pydicom import dcmread

    source = region.actors[home][2]
    kept = {one.sop: one for one in source.store.kept(study=[uid])}
    source.store.put(_octets(candidates.rejection_note([dcmread(kept[f"{uid}.{series}.{number}"].path) for number in numbers])))


def _report(region, home, patient, number):
    """A report, which is no manifest, in a community's repository."""
    text = f"Report {number}: nothing acute.".encode()
    entry = entry_of(number, patient, mimeType="text/plain", uniqueId=f"2.999.70.{number}", title="CT head",
                     formatCode=Code("urn:ihe:iti:xds:2017:mimeTypeSufficient", IHE_FORMATS, "mimeType Sufficient"))
    _strip(entry)
    document_sharing.provide(region.actors[home][1].url, submission(number, [entry], patient), {entry.id: text})


def pushed_and_pulled(journal, count=3):
    """Events for two sequence diagrams: a push, from the recipient's journal, and the same study published and pulled.

    journal : of a DocumentRecipient that has taken a manifest and `count` images
    """
    push = [replace(event, detail=event.detail or f"manifest and {count} images, as parts of one message (MTOM)") for event in journal]
    here = "NM1^^^&2.999.1.9&ISO"
    with two_regions({here: "SM1^^^&2.999.1.8&ISO"}) as region:
        published(region, NORTHMERE, here, random.Random(1), count, "2.999.80.1", 1)
        registry, repository, source = region.actors[NORTHMERE]
        before = [len(actor.journal) for actor in (registry, repository, source)]
        entry = query(registry.url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": here, "$XDSDocumentEntryStatus": [APPROVED]}, sender="HV_VIEWER").entries[0]
        retrieve(repository.url, [(entry["repositoryUniqueId"], entry["uniqueId"])], sender="HV_VIEWER")
        retrieve_images(source.url, source.manifest("2.999.80.1", "2.999.80.1.900"), sender="HV_VIEWER")
        pull = [event for actor, begun in zip((registry, repository, source), before) for event in list(actor.journal)[begun:]]
    details = {"ITI-18": "what is there of her?", "ITI-43": "the manifest", "RAD-69": f"the {count} images"}
    return push, [replace(event, detail=details.get(event.what, event.detail)) for event in pull]


@lesson.input
def both_ways(hospital):
    """The function `pushed_and_pulled`."""
    return pushed_and_pulled


def _shared_report(region, home, patient, uid, number):
    """A structured report on a study: DICOM as a manifest is, with references to the images as a manifest has, and none."""
    registry, repository, source = region.actors[home]
    report = source.manifest(uid, f"{uid}.800")
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = BASIC_SR
    report.Modality, report.SeriesDescription = "SR", "Report"
    entry = entry_of(number, patient, uniqueId=f"{uid}.800", title="Structured report",
                     formatCode=Code(BASIC_SR, KOS.scheme, "Basic Text SR Storage"))
    _strip(entry)
    document_sharing.provide(repository.url, submission(number, [entry], patient), {entry.id: _octets(report)})


@lesson.input
def regions(hospital):
    """What the notebook needs of the two regions: `two_regions`, `published` and `withdrawn`."""
    return two_regions, published, withdrawn


def _fetched(state, homes=(NORTHMERE, SOUTHMARK), right_source=True, arrived=True, deprecated=False, first=False, missing=True,
             series=None, most=None, any_dicom=False, once=False, listed=False, errors=True):
    """What a right consumer returns in a state, or one with one idea changed."""
    studies = [one for one in state["studies"] if one["home"] in homes and (deprecated or not one["deprecated"])][:1 if first else None]
    images, lacking = 0, []
    for one in studies:
        gone = one["images"] if one["home"] != NORTHMERE and not right_source else one["gone"]
        images += len(one["images"]) - (len(gone) if arrived else 0)
        lacking += gone if missing and arrived else []
    if series:
        lacking = [uid for uid in lacking if uid.split(".")[-2] == series]
    reports = [one for one in state["studies"] if one["report"]] if any_dicom else []
    images += 0 if once else sum(len(one["images"]) - len(one["gone"]) for one in reports)
    if listed:
        images = sum(len(one["images"]) for one in studies)
    return {"manifests": len(studies) + len(reports), "images": images, "missing": sorted(set(lacking))[:most],
            "errors": [f"XDSUnavailableCommunity {home}" for home in state["silent"]] if errors else []}


def _studies_met(state):
    """What there was of a patient, in a sentence."""
    told = [f"a manifest of {len(one['images'])} images in {NAMES[one['home']]}"
            + (f", of which {len(one['gone'])} were withdrawn" if one["gone"] else "") + (", replaced" if one["deprecated"] else "")
            + (", and a structured report" if one["report"] else "") for one in state["studies"]]
    silent = "".join(f" {NAMES[home]} gave no answer to the query." for home in state["silent"])
    return (f"There was {'; '.join(told)}." if told else "There was nothing of that patient.") + silent


_WATCHED = []                           # the journal of the initiating gateway of the last stage


class Fetcher(Client):
    """A client that fetches across communities; who forgets whose a document is, or takes another document for a manifest, is told so."""

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        name = (*ran.raised, "")[0]
        unnamed = any(event.what == "ITI-43 response" and "XDSUnknownRepositoryId" in event.detail for event in _WATCHED[-1])
        if name == "IndexError" and unnamed:
            said = ("A retrieval brought no documents: our gateway answered it with XDSUnknownRepositoryId. Without the entry's "
                    "homeCommunityId, `home=`, it takes every repository for one of its own (ITI TF-2 3.39.4.1.2).")
            return Verdict(verdict.outcome, f"{verdict.message} {said}", "not_named")
        if name == "InvalidDicomError":
            said = ("What came is a document, but no manifest: a report may be a plain text. The entry's formatCode tells them apart, "
                    "before anything is fetched.")
            return Verdict(verdict.outcome, f"{verdict.message} {said}", "no_manifest")
        return verdict


def _never_found(state):
    """A sentence where the gateway has refused every query, which a consumer that looks at entries alone does not notice."""
    answers = [event.detail for event in list(_WATCHED[-1])[state["before"]:] if event.what == "ITI-18 response"]
    if not answers or any(answer.startswith(("Success", "PartialSuccess")) for answer in answers):
        return ""
    return (f"Your queries were refused: {answers[0]}. Then `entries` is empty, and it looks as if there were nothing; `problems` says "
            "what is wrong with the query. FindDocuments needs the patient and a status.")


def _uid(value):
    """A SOP Instance UID as text; a number is none."""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", str(value).strip()) or type(value) in (int, float):
        raise ValueError("the answer is a list of SOP Instance UIDs, one for each image that did not come")
    return str(value).strip()


@lesson.exercise
class AllTheWay:
    """Write the function `fetch(gateway, sources, patient)`: a consumer that goes all the way, from a patient to the images, across two
    communities.

    - `gateway` is the URL of the initiating gateway; it takes `query(gateway, "FindDocuments", ...)` and
      `retrieve(gateway, ..., home=...)`, and asks both communities, or more.
    - `sources` is a dictionary: homeCommunityId -> URL of that community's imaging document source, for `retrieve_images`.
    - `patient` is the patient's ID here; the gateway translates it.

    A patient may have documents that are no manifests, DICOM or not, and manifests that were replaced: only **approved manifests** count.
    A study may have several series. Return a dictionary:

    - `"manifests"`: how many manifests there are;
    - `"images"`: how many images really came, from all communities;
    - `"missing"`: the SOP Instance UIDs that a manifest lists and that did not come, as a list;
    - `"errors"`: the problems of the *query's* answer, as in exercise 4: texts, the problem's `code` and `location` with a blank between.
      They name communities of which you can't know whether they have a manifest.
    """

    answer = Fetcher("fetch", result=Fields("", {"manifests": Number(""), "images": Number(""), "missing": Set("", reading=_uid, case=True),
                                         "errors": Set("", reading=_error_of, case=True)}),
                     noticed=_never_found, called="patient", about=_studies_met, whole=True)
    points = 4

    def solution(gateway, sources, patient):
        from pydicom import dcmread

        found = query(gateway, "FindDocuments", {
            "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED], "$XDSDocumentEntryFormatCode": KOS})
        images = 0
        missing = []
        for entry in found.entries:
            home = entry["homeCommunityId"]
            pair = [(entry["repositoryUniqueId"], entry["uniqueId"])]
            answer = retrieve(gateway, pair, home=home)
            manifest = dcmread(io.BytesIO(answer.documents[0].octets))
            came = []
            for document in retrieve_images(sources[home], manifest, home=home).documents:
                came.append(document.unique_id)
            images = images + len(came)
            for study in manifest.CurrentRequestedProcedureEvidenceSequence:
                for series in study.ReferencedSeriesSequence:
                    for reference in series.ReferencedSOPSequence:
                        if reference.ReferencedSOPInstanceUID not in came:
                            missing.append(reference.ReferencedSOPInstanceUID)
        errors = []
        for problem in found.problems:
            errors.append(problem.code + " " + problem.location)
        return {"manifests": len(found.entries), "images": images, "missing": missing, "errors": errors}

    @contextlib.contextmanager
    def stage(draw):
        number = draw.randrange(1000, 9999)
        ids = {f"NM{number}{place}^^^&2.999.1.9&ISO": f"SM{number}{place}^^^&2.999.1.8&ISO" for place in range(3)}
        here, there = list(ids), list(ids.values())
        states = {patient: [] for patient in here}
        with two_regions(ids) as region:
            def study(patient, home, count, gone=(), replaced=False, series=1, report=False, title="CT head"):
                """`gone`: of each series, the numbers of the images that were withdrawn."""
                uid, place = f"2.999.62.{number}.{len(states)}.{sum(map(len, states.values()))}", sum(map(len, states.values())) + 1
                own = patient if home == NORTHMERE else ids[patient]
                images = [f"{uid}.{one}.{image}" for one in range(1, series + 1) for image in range(1, count + 1)]
                lacking = [f"{uid}.{one}.{image}" for one, numbers in enumerate(gone, 1) for image in numbers]
                one = {"home": home, "images": images, "gone": lacking, "deprecated": False, "report": report}
                entry = published(region, home, own, draw, count, uid, 10 * place, series=series, title=title)
                if replaced:
                    states[patient].append({**one, "deprecated": True})
                    published(region, home, own, draw, count, uid, 10 * place + 1, replaces=entry)
                for at, numbers in enumerate(gone, 1):
                    withdrawn(region, home, uid, numbers, at)
                if report:
                    _shared_report(region, home, own, uid, 510 + place)
                states[patient].append(one)

            study(here[0], NORTHMERE, draw.randrange(3, 5), replaced=True)
            study(here[0], SOUTHMARK, 4, gone=[sorted(draw.sample(range(1, 5), lacking)) for lacking in (2, 1)], series=2)
            study(here[1], SOUTHMARK, draw.randrange(2, 5), report=True, title="CT abdomen")
            _report(region, NORTHMERE, here[0], 501)
            _report(region, SOUTHMARK, there[1], 502)
            _WATCHED[:] = [region.actors["gateways"][0].journal]
            before = len(_WATCHED[-1])
            cases = [((region.gateway, dict(region.sources), patient), {"studies": states[patient], "before": before, "silent": []})
                     for patient in here]
            # The same region once more, through a gateway that knows a third community too, of which nobody answers.
            with contextlib.closing(socket.socket()) as taken:
                taken.bind(("127.0.0.1", 0))                # a port on which nobody listens
                gateway = region.actors["gateways"][0]
                communities = {**gateway.communities, WESTHAVEN: f"http://127.0.0.1:{taken.getsockname()[1]}/"}
                with InitiatingGateway(
                        NORTHMERE, gateway.registry, gateway.repositories, communities,
                        lambda home, patient: patient if home == WESTHAVEN else gateway.patients(home, patient), 30.0) as wide:
                    wide.journal = gateway.journal
                    yield cases + [((wide.url, dict(region.sources), patient),
                                    {"studies": states[patient], "before": before, "silent": [WESTHAVEN]}) for patient in here[2:]]

    def right(state):
        return _fetched(state)

    def own_community_alone(state):
        return _fetched(state, homes=(NORTHMERE,))

    def own_source_for_all(state):
        return _fetched(state, right_source=False)

    def manifest_believed(state):
        return _fetched(state, arrived=False)

    def listed_counted(state):
        return _fetched(state, listed=True)

    def nothing_named(state):
        return _fetched(state, missing=False)

    def errors_not_told(state):
        return _fetched(state, errors=False)

    def first_series(state):
        return _fetched(state, series="1")

    def first_missing(state):
        return _fetched(state, most=1)

    def whatever_is_dicom(state):
        return _fetched(state, any_dicom=True)

    def whatever_is_dicom_once(state):
        return _fetched(state, any_dicom=True, once=True)

    def replaced_ones_too(state):
        return _fetched(state, deprecated=True)

    def first_manifest(state):
        return _fetched(state, first=True)

    wrong_ways = {
        own_community_alone: "Only Northmere's images came. The gateway answers for both communities: each entry says by its "
        "homeCommunityId where it lies, and the retrieval has to name it (ITI TF-2 3.39.4.1.2).",
        own_source_for_all: "You ask Northmere's imaging document source for Southmark's images. It does not have them. The entry in which "
        "the manifest was found says which community's source to ask.",
        manifest_believed: "You counted what the manifests list. A manifest says what *was* there when it was published; what has been "
        "withdrawn since does not come (RAD TF-3 4.68.4.1.2.1 wants the manifest replaced then). Count what came.",
        listed_counted: "`missing` is right, and `images` counts what the manifests list, with those that did not come. Count the "
        "documents of RAD-69's answers.",
        errors_not_told: "You leave out the errors of the query's answer. A community that gave the gateway no answer may have a manifest "
        "of which you never heard: without the error your result looks complete, and says *there is no more* where nobody knows.",
        nothing_named: "The count is right, and nobody learns that something is missing. A reader who gets fewer images than the manifest "
        "lists has to see it.",
        first_series: "You compared the first series of each manifest with what came. A CT study has several: go through all items of "
        "`ReferencedSeriesSequence`.",
        first_missing: "You name one image, and more are missing. Collect all of them.",
        whatever_is_dicom: "You took every DICOM document for a manifest. A shared structured report is `application/dicom` too, and "
        "lists images as well. What tells a manifest is its **formatCode**, the SOP Class of the Key Object Selection (RAD TF-3 "
        "4.68.4.1.2.3.2).",
        whatever_is_dicom_once: "You counted every DICOM document as a manifest. A shared structured report is `application/dicom` too, "
        "and lists images as well. What tells a manifest is its **formatCode**, the SOP Class of the Key Object Selection (RAD TF-3 "
        "4.68.4.1.2.3.2).",
        replaced_ones_too: "You took replaced manifests too, so images come twice. A query without a status, or with Deprecated in it, "
        "returns what is no longer valid.",
        first_manifest: "You took the first manifest only. `entries` is a list: go through all of it.",
    }
    hints = [
        "The cells above do it for one community. What changes: the gateway instead of registry and repository, `home=` when the "
        "manifest is retrieved, and the source chosen by it.",
        "`entry[\"homeCommunityId\"]` says where the entry lies: `retrieve` takes it as `home=`, and `sources[home]` is whom to ask for "
        "the images.",
        "`\"$XDSDocumentEntryFormatCode\": KOS` in the query leaves manifests only.",
        "`retrieve_images(...)` returns an answer whose `documents` have a `unique_id` each: collect these, then go through the manifest "
        "and look which of its SOP Instance UIDs are not among them.",
        "`found.problems` of the query holds what went wrong, each with `code` and `location`: a loop as over `answer.problems` in "
        "exercise 4.",
    ]
    praise = ("From a patient to the last image, over a border, with every gap named. Your consumer does in three steps what a vendor "
              "calls *image-enabled federation*.")
