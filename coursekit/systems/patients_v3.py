"""The patient index over HL7 v3: PIXV3 and PDQV3 (IHE ITI-44, ITI-45, ITI-47), SOAP 1.2.

    with PixManager() as manager, PatientsV3(manager.index) as v3:
        v3.url                                          # PRPA_IN201309UV02 and the others

It stands on the same PatientIndex as PIX and PDQ over MLLP and FHIR, so the answers are the same.

Sources: IHE ITI TF-2 3.44 (identity feed), 3.45 (PIX query, six cases), 3.47 (demographics query, three cases; continuation).
"""

import contextlib
import threading
from typing import NamedTuple

from coursekit.standards import hl7v3, soap
from coursekit.standards.hl7v3 import BadInteraction, Problem
from coursekit.systems.patient_index import Identifier, Person, UnknownIdentifier
from coursekit.systems.web import SoapServer

MOST_WAITING = 100                      # queries whose answers are kept for a continuation; the oldest is forgotten first
SOURCE = f"/{hl7v3.PIX_QUERY}/{hl7v3.QUERY}/parameterList/patientIdentifier/value"


class PatientsV3(SoapServer):
    """The HL7 v3 side of a PatientIndex: PIX manager and demographics supplier, with the Continuation Option."""

    def __init__(self, index, name="NMH_V3", port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.index = index
        self._waiting, self._lock = {}, threading.Lock()
        works = {hl7v3.ADD: self._feed, hl7v3.REVISE: self._feed, hl7v3.RESOLVE: self._feed,
                 hl7v3.PIX_QUERY: self._cross_reference, hl7v3.PDQ_QUERY: self._demographics}
        self.actions = {hl7v3.action(one): (hl7v3.INTERACTIONS[one].transaction, work) for one, work in works.items()}
        self.actions |= {hl7v3.CONTINUE: ("ITI-47", self._continue), hl7v3.CANCEL: ("ITI-47", self._continue)}

    # ITI-44

    def _feed(self, message):
        name = _named(message)
        try:
            self._take(name, hl7v3.read_feed(message.body))
        except BadInteraction as problem:
            return _answer(hl7v3.ACKNOWLEDGEMENT, hl7v3.acknowledgement(message.body, problem.problems))
        return _answer(hl7v3.ACKNOWLEDGEMENT, hl7v3.acknowledgement(message.body))

    def _take(self, name, told):
        here, prior = (f"/{name}/{role}/id" for role in (hl7v3.PATIENT, hl7v3.SUBSUMED))
        identifier = self._served(told.identifiers, here)
        if name != hl7v3.RESOLVE:
            with _at(here):
                self.index.admit(identifier, Person(**told.person))
            return
        subsumed = self._served(told.subsumed, prior)
        with _at(here):
            self.index.person(identifier)
        with _at(prior):
            self.index.merge(identifier, subsumed)

    def _served(self, identifiers, where):
        """The first identifier whose assigning authority is served. Raises BadInteraction."""
        for root, extension in identifiers:
            if root in self.index.domains:
                return Identifier(root, extension)
        roots = ", ".join(dict.fromkeys(root for root, _ in identifiers))
        raise BadInteraction(Problem("204", f"The assigning authority {roots or 'that is not named'} is not served here.", where))

    # ITI-45

    def _cross_reference(self, message):
        _named(message)
        found, person, problem = [], None, None
        try:
            asked = hl7v3.read_pix_query(message.body)
            source, wanted = self._served(asked.identifiers, SOURCE), self._wanted(asked)
            with _at(SOURCE):                           # case 4
                found = self.index.cross_reference(source, wanted or None)
                person = self.index.person(source)._asdict()
        except BadInteraction as refused:
            problem = refused
        return _answer(hl7v3.PIX_ANSWER, hl7v3.pix_answer(message.body, found, person, self.index.domains, problem))

    def _wanted(self, asked):
        """The OIDs of the assigning authorities that are asked for. Raises BadInteraction (3.45.4.2.3 case 5, 3.47.4.2.3 case 3)."""
        unknown = [Problem("204", f"The assigning authority {root} is not served here.", where)
                   for root, where in asked.domains if root not in self.index.domains]
        if unknown:
            raise BadInteraction(*unknown)
        return list(dict.fromkeys(root for root, _ in asked.domains))

    # ITI-47

    def _demographics(self, message):
        _named(message)
        try:
            asked = hl7v3.read_pdq_query(message.body)
            wanted = self._wanted(asked)
            people = self.search(asked, wanted)
        except BadInteraction as problem:
            return _answer(hl7v3.PDQ_ANSWER, hl7v3.pdq_answer(message.body, problem=problem))
        quantity = len(people) if asked.quantity is None else asked.quantity
        return self._shown(message.body, _key(asked.query_id), _Results(people, wanted, hl7v3.find(message.body, hl7v3.QUERY), quantity, 0))

    def search(self, asked, wanted=()):
        """The persons that fit what is asked for (hl7v3.Asked): a list of (list of Identifier, Person).

        wanted : OIDs; identifiers of others are left out, and so is who has none of these
        """
        found = {}
        for criteria in asked.criteria:
            if asked.identifiers:
                criteria = {**criteria, "number": asked.identifiers[0][1]}
            for numbers, person in self.index.search(criteria):
                found.setdefault(numbers[0], (numbers, person))
        kept = []
        for numbers, person in found.values():
            shown = [one for one in numbers if not wanted or one.domain in wanted]
            if shown and all(one in numbers for one in asked.identifiers) and self._born(numbers, asked.born):
                kept.append((shown, person))
        return kept

    def _born(self, numbers, between):
        """Whether a record of these numbers has a date of birth between two, of which one or both may be partial or missing."""
        first, last = between
        dates = [self.index.person(one).birth_date for one in numbers] if first or last else []
        return not (first or last) or any(date and date >= first and (not last or date[:len(last)] <= last) for date in dates)

    def _shown(self, request, key, results):
        """The answer with the persons from `results.start` on; what remains waits for a continuation."""
        people, wanted, query, quantity, start = results
        shown = people[start:start + quantity]
        end = start + len(shown)
        with self._lock:
            self._waiting.pop(key, None)
            if end < len(people):
                self._waiting[key] = results._replace(start=end)
                if len(self._waiting) > MOST_WAITING:
                    del self._waiting[next(iter(self._waiting))]
        return _answer(hl7v3.PDQ_ANSWER, hl7v3.pdq_answer(
            request, [(numbers, person._asdict()) for numbers, person in shown], len(people), len(people) - end, wanted, self.index.domains,
            query=query))

    def _continue(self, message):
        if message.body.tag not in (f"{{{hl7v3.HL7}}}{hl7v3.CONTINUATION}", f"{{{hl7v3.HL7}}}{hl7v3.CONTINUATION}_Cancel"):
            raise soap.Fault(f"The Body of a continuation holds {hl7v3.CONTINUATION}.")
        try:
            query_id, quantity, start, cancels = hl7v3.read_continuation(message.body)
            key = _key(query_id)
            with self._lock:
                results = self._waiting.pop(key, None) if cancels else self._waiting.get(key)
            if cancels:
                return _answer(hl7v3.ACKNOWLEDGEMENT, hl7v3.acknowledgement(message.body))
            if results is None:
                raise BadInteraction(Problem("204", "There is nothing to continue.",
                                             f"/{hl7v3.CONTINUATION}/controlActProcess/queryContinuation/queryId"))
        except BadInteraction as problem:
            return _answer(hl7v3.PDQ_ANSWER, hl7v3.pdq_answer(message.body, problem=problem))
        if quantity is not None:
            results = results._replace(quantity=quantity)
        if start is not None:
            results = results._replace(start=max(start - 1, 0))
        return self._shown(message.body, key, results)

    def _told(self, reply):
        answer = hl7v3.read_answer(reply.body)
        codes = dict.fromkeys(one.code for one in answer.problems)
        said = " ".join(filter(None, (answer.acknowledged, answer.code, *codes)))
        return f"Failure: {said}" if answer.problems else said


class _Results(NamedTuple):
    """What a query has found, and how much of it was sent: the persons, OIDs wanted, the query's element, quantity, the next one."""

    people: list
    wanted: list
    query: object
    quantity: int
    start: int


def _named(message):
    """The interaction that a request's action announces. Raises soap.Fault when its body is another."""
    name = message.action.rpartition(":")[2]
    if message.body.tag != f"{{{hl7v3.HL7}}}{name}":
        raise soap.Fault(f"The Body of {message.action} holds {name} of HL7 v3.")
    return name


def _answer(name, body):
    return soap.Message(hl7v3.action(name), body, reply_to=None)


@contextlib.contextmanager
def _at(where):
    """An identifier that the index does not know lies at this place of the message."""
    try:
        yield
    except UnknownIdentifier as problem:
        raise BadInteraction(Problem("204", str(problem), where)) from None


def _key(query_id):
    return query_id.get("root"), query_id.get("extension")
