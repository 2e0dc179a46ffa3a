"""A patient identifier cross-reference manager and demographics supplier that runs: HL7 v2 over MLLP (IHE PIX and PDQ).

    with PixManager(domains={"2.999.1.1": "HVGH", "2.999.1.2": "ECC", "2.999.1.9": "NMH"}) as manager:
        manager.hl7_port                                # ITI-8 and ITI-30 feeds, ITI-9 and ITI-21 queries
        manager.index                                   # the PatientIndex behind it

Sources: IHE ITI TF-2 3.8 and 3.30 (feeds), 3.9 (PIX query), 3.10 (update notification), 3.21 (demographics query), Appendix C (HL7
conventions). HL7 v2.5 chapters 2, 3, 5.
"""

import re
import threading
from datetime import datetime

from coursekit.standards import hl7
from coursekit.standards.hl7 import Refusal
from coursekit.systems.mllp import Listener, NoAnswer, Sender
from coursekit.systems.patient_index import Identifier, PatientIndex, Person, UnknownDomain, UnknownIdentifier
from coursekit.systems.system import System

ADMITS = ("A01", "A04", "A05", "A08", "A28", "A31")      # events of ITI-8 and ITI-30 that bring a patient's record
DOMAINS = {"2.999.1.1": "HVGH", "2.999.1.2": "ECC", "2.999.1.9": "NMH"}
FIELDS = {              # parameters of QPD-3 (ITI TF-2 3.21.4.1.2.2) and what of the index they ask for
    "@PID.3.1": "number", "@PID.5.1": "family", "@PID.5.1.1": "family", "@PID.5.2": "given", "@PID.7": "birth_date", "@PID.7.1": "birth_date",
    "@PID.8": "sex", "@PID.11.1": "street", "@PID.11.1.1": "street", "@PID.11.3": "city", "@PID.11.5": "zip", "@PID.13.1": "phone",
}


class PixManager(System):
    """The manager.

    domains   : {OID: namespace} of the assigning authorities that it serves
    sources   : {(MSH-3.1, MSH-4.1): OID} of the authority that a source means when PID-3.4 is empty
    consumers : {name: (host, port, OIDs)}: who is told over MLLP of changed cross-references (ITI-10), and of which domains
    index     : a PatientIndex, or a learner's own object with its methods; one in memory of its own if None
    folder    : where its own index keeps what it must not lose
    certificates : as of ``web.WebServer``: then it speaks TLS only, with its consumers too

    Where `audit` is set to a ``transaction_audit.TransactionAudit``, each feed, query and notification leaves its records.
    """

    def __init__(self, name="NMH_INDEX", domains=None, sources=None, consumers=None, index=None, folder=None, hl7_port=0, clock=None,
                 certificates=None):
        super().__init__(name)
        self.domains, self.sources, self.consumers = dict(domains or DOMAINS), dict(sources or {}), dict(consumers or {})
        self.index, self._own, self._folder, self.hl7_port = index, index is None, folder, hl7_port
        self._clock = clock or (lambda: datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z"))
        self._listener, self._lock, self._pages, self._sent, self.audit = None, threading.Lock(), {}, 0, None
        self.certificates = certificates

    def __repr__(self):
        if not self._runs:
            return f"<PIX manager {self.name} is stopped>"
        return f"<PIX manager {self.name} runs: {len(self.index)} patient numbers, {len(self.journal)} events>"

    def _begin(self):
        if self._own:
            self.index = PatientIndex(self.domains, self._folder, self._notify)
        self._listener = Listener(self.name, answer=self.answer, port=self.hl7_port, certificates=self.certificates, refused=self._refused)
        self._listener.journal = self.journal
        self._listener.start()
        self.hl7_port = self._listener.port

    def _end(self):
        if self._listener:
            self._listener.stop()
            self._listener = None
        if self._own and self.index is not None:
            self.index.close()

    # Messages

    def _refused(self, reason):
        if self.audit:
            self.audit.node_refused(self.name, self.host, reason)

    def answer(self, message):
        """What a message (``hl7.Message``) is answered with, another. Raises Refusal."""
        return self.audit.heard(self.name, message, self._answer) if self.audit else self._answer(message)

    def _answer(self, message):
        kind, trigger = message["MSH-9.1"], message["MSH-9.2"]
        if kind == "ADT":
            return self._feed(message, trigger)
        if message.event in ("QBP^Q22", "QBP^Q23"):
            return self._cross_reference_query(message) if trigger == "Q23" else self._demographics_query(message)
        if kind == "QCN" and trigger == "J01":
            self._pages.pop(message["QID-1"], None)
            return hl7.reply(message)
        known = kind in ("ADT", "QBP", "QCN")
        raise Refusal("AR", f"{message.event} is not served here.", "201" if known else "200", "MSH^1^9^1^2" if known else "MSH^1^9^1^1")

    def _feed(self, message, trigger):
        if trigger == "A40":
            surviving, retired = self._identifier(message, "PID-3", "PID^1^3"), self._identifier(message, "MRG-1", "MRG^1^1")
            try:
                self.index.merge(surviving, retired)
            except UnknownIdentifier as problem:
                raise Refusal("AE", str(problem), "204", "MRG^1^1") from None
            return hl7.reply(message)
        if trigger not in ADMITS:
            raise Refusal("AR", f"{message.event} is no event of the identity feed.", "201", "MSH^1^9^1^2")
        identifier = self._identifier(message, "PID-3", "PID^1^3")
        if not message["PID-5.1"]:
            raise Refusal("AE", "PID-5 is empty: a record needs a name.", "101", "PID^1^5")
        try:
            self.index.admit(identifier, person_of(message))
        except UnknownIdentifier as problem:
            raise Refusal("AE", str(problem), "204", "PID^1^3") from None
        return hl7.reply(message)

    def _identifier(self, message, place, where):
        """The first number at a place whose assigning authority is served. Raises Refusal."""
        found = []
        for number in range(1, message[place].count("~") + 2):
            value, namespace, oid = (message[f"{place}[{number}].{part}"] for part in ("1", "4.1", "4.2"))
            if not value:
                continue
            if not namespace and not oid:
                default = self.sources.get((message["MSH-3.1"], message["MSH-4.1"]))
                if default:
                    return Identifier(default, hl7.unescape(value))
            try:
                return Identifier(self.index.domain(namespace, oid), hl7.unescape(value))
            except UnknownDomain as problem:
                found.append(str(problem))
        if found:
            raise Refusal("AE", found[0], "204", f"{where}^1^4")
        raise Refusal("AE", f"{place} holds no patient number.", "101", where)

    # ITI-9

    def _cross_reference_query(self, message):
        wanted, wrong = self._domains_wanted(message, "QPD-4")
        number, namespace, oid = (message[f"QPD-3.{part}"] for part in ("1", "4.1", "4.2"))
        try:
            domain = self.index.domain(namespace, oid)
        except UnknownDomain as problem:
            return self._response(message, "RSP^K23^RSP_K23", "AE", [("QPD^1^3^1^4", "204", str(problem))])
        if wrong:
            return self._response(message, "RSP^K23^RSP_K23", "AE", [(f"QPD^1^4^{wrong[0]}", "204", "The domain that is asked for is not served here.")])
        try:
            others = self.index.cross_reference(Identifier(domain, hl7.unescape(number)), wanted or None)
        except UnknownIdentifier as problem:
            return self._response(message, "RSP^K23^RSP_K23", "AE", [("QPD^1^3^1^1", "204", str(problem))])
        if not others:
            return self._response(message, "RSP^K23^RSP_K23", "NF")
        # PID-5 says nothing and that it does so: an empty first repetition, and a name of type S (3.9.4.2.2.5)
        return self._response(message, "RSP^K23^RSP_K23", "OK", people=[f"PID|||{'~'.join(map(self.cx, others))}||~^^^^^^S"])

    def _domains_wanted(self, message, place):
        """(OIDs that are asked for, numbers of the repetitions whose domain is not served)."""
        wanted, wrong = [], []
        for number in range(1, message[place].count("~") + 2):
            namespace, oid = message[f"{place}[{number}].4.1"], message[f"{place}[{number}].4.2"]
            if not namespace and not oid:
                continue
            try:
                wanted.append(self.index.domain(namespace, oid))
            except UnknownDomain:
                wrong.append(number)
        return wanted, wrong

    # ITI-21

    def _demographics_query(self, message):
        wanted, wrong = self._domains_wanted(message, "QPD-8")
        if wrong:
            return self._response(message, "RSP^K22^RSP_K21", "AE", [
                (f"QPD^1^8^{number}", "204", "The domain that is asked for is not served here.") for number in wrong])
        criteria, issuer = {}, set()
        for part in filter(None, message["QPD-3"].split("~")):
            name, _, value = part.partition("^")
            name, value = name.replace("&", "."), hl7.unescape(value)
            if name in ("@PID.3.4", "@PID.3.4.1", "@PID.3.4.2"):
                issuer |= set(value.split("&")[:2]) - {""}
            elif name in FIELDS:
                criteria[FIELDS[name]] = value
            else:
                return self._response(message, "RSP^K22^RSP_K21", "AE", [("QPD^1^3", "207", f"{name} can't be searched by.")])
        if issuer:
            # An authority that is not served here has given nobody a number.
            criteria["domain"] = next((oid for oid, namespace in self.domains.items() if issuer <= {oid, namespace}), "none")
        if not criteria:
            return self._response(message, "RSP^K22^RSP_K21", "AE", [("QPD^1^3", "101", "QPD-3 asks for nothing.")])
        tag, pointer = message["QPD-2"], message["DSC-1"]
        with self._lock:
            if pointer:
                people = self._pages.pop(pointer, None)
                if people is None:
                    return self._response(message, "RSP^K22^RSP_K21", "AE", [("DSC^1^1", "204", "There is nothing to continue.")])
            else:
                people = self.index.search(criteria, wanted or None)
            limit = re.match(r"\d+", message["RCP-2.1"])
            shown, rest = (people[:int(limit[0])], people[int(limit[0]):]) if limit and int(limit[0]) else (people, [])
            following = None
            if rest:
                following = f"{tag}.{len(self._pages) + 1}"
                self._pages[following] = rest
        lines = [self._demographics(numbers, person) for numbers, person in shown]
        return self._response(message, "RSP^K22^RSP_K21", "OK" if lines else "NF", people=lines, pointer=following)

    def _demographics(self, numbers, person):
        text = [hl7.escape(part) for part in person]
        family, given, middle, birth, sex, street, city, code, phone = text
        name, address = "^".join((family, given, middle)).rstrip("^"), f"{street}^^{city}^^{code}".rstrip("^")
        return f"PID|||{'~'.join(map(self.cx, numbers))}||{name}^^^^L||{birth}|{sex}|||{address}||{phone}".rstrip("|")

    def cx(self, identifier):
        """An Identifier as CX: number^^^namespace&OID&ISO."""
        return f"{hl7.escape(identifier.number)}^^^{self.domains[identifier.domain]}&{identifier.domain}&ISO"

    def _response(self, message, kind, status, errors=(), people=(), pointer=None):
        """RSP: MSH MSA [ERR] QAK QPD [PID ...] [DSC]."""
        made = hl7.acknowledgement(message)
        made["MSH-9"] = kind
        made["MSA-1"] = "AE" if status == "AE" else "AA"
        for where, code, sentence in errors:
            made.add(f"ERR||{where}|{code}^{hl7.ERRORS[code]}^HL70357|E||||{hl7.escape(sentence)}")
        made.add(f"QAK|{message['QPD-2']}|{status}")
        made.add(message.segment("QPD"))
        for line in people:
            made.add(line)
        if pointer:
            made.add(f"DSC|{pointer}|I")
        return made

    # ITI-10

    def _notify(self, identifiers):
        """Tell consumers of persons whose cross-references have changed, each with the numbers of the domains that it wants to hear of."""
        for name, (host, port, domains) in self.consumers.items():
            for identifier in identifiers:
                numbers = [one for one in [identifier, *self.index.cross_reference(identifier)] if one.domain in domains]
                if not numbers:
                    continue
                self._sent += 1
                text = (f"MSH|^~\\&|{self.name}|NMH|{name}||{self._clock()}||ADT^A31^ADT_A05|{self.name}{self._sent}|P|2.5\r"
                        f"EVN||{self._clock()}\rPID|||{'~'.join(map(self.cx, numbers))}|| \rPV1||N\r")
                sender, message, answer = Sender(host, port, certificates=self.certificates), hl7.parse(text), None
                try:
                    answer = sender.send(message)
                    self.journal.add(self.name, name, "ADT^A31", f"answered {answer['MSA-1']}")
                except NoAnswer as problem:
                    self.journal.add(self.name, name, "ADT^A31", str(problem))
                finally:
                    sender.close()
                if self.audit:
                    told = "Success" if answer is not None and answer["MSA-1"] in hl7.ACCEPTED else "Failure"
                    self.audit.asked(self.name, "ITI-10", f"|{name}", message, answer, told, f"NMH|{self.name}")


def person_of(message):
    """The Person that PID describes."""
    def at(place):
        text = message[place]
        return "" if text == hl7.NULL else hl7.unescape(text)

    return Person(at("PID-5.1.1"), at("PID-5.2"), at("PID-5.3"), at("PID-7.1")[:8], at("PID-8"), at("PID-11.1.1"), at("PID-11.3"), at("PID-11.5"),
                  at("PID-13.1"))
