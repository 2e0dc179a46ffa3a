"""A patient identity source, a PIX consumer and a demographics consumer over HL7 v3: the other side of PatientsV3.

    feed(v3.url, Identifier("2.999.1.1", "HV1"), Person("VANDERMEER", "ANNA"))                  # ITI-44
    cross_reference(v3.url, Identifier("2.999.1.1", "HV1"), ["2.999.1.2"])                      # ITI-45
    demographics(v3.url, {"family": "VANDER*", "birth_date": "19610817"})                       # ITI-47

Each returns an Answer and raises what `web.ask` raises. Sources: IHE ITI TF-2 3.44, 3.45, 3.47.
"""

from dataclasses import dataclass, field

from coursekit.standards import hl7v3, soap
from coursekit.systems import web
from coursekit.systems.patient_index import Identifier, Person

SENDER = "consumer"
DEVICES = ("2.999.1.1.44", "2.999.1.9.44")              # the sending application and the receiving one


@dataclass
class Answer:
    """What came back.

    acknowledged : CA or CE, the acknowledgement of a feed; AA or AE, that of a query
    code         : OK, NF (no data), AE (error) or QE (error in the parameters); "" for a feed
    problems     : list of hl7v3.Problem: code, sentence, XPath
    identifiers  : list of Identifier, those of all persons
    people       : list of (list of Identifier, Person) (ITI-47)
    remaining    : how many persons are still to be sent (ITI-47)
    request, response : the soap.Message that were exchanged
    """

    acknowledged: str
    code: str = ""
    problems: list = field(default_factory=list)
    identifiers: list = field(default_factory=list)
    people: list = field(default_factory=list)
    remaining: int = 0
    request: object = field(default=None, repr=False)
    response: object = field(default=None, repr=False)

    def __repr__(self):
        found = [f"{len(self.identifiers)} identifiers"] if self.identifiers else []
        return f"<{', '.join([f'{self.acknowledged} {self.code}'.strip(), *found, *(one.code for one in self.problems)])}>"


def feed(url, identifier, person=Person(), revised=False, subsumed=None, sender=SENDER):
    """ITI-44, Patient Identity Feed: a record that was added, or `revised`; or a merge, in which `identifier` survives `subsumed`."""
    name = hl7v3.RESOLVE if subsumed else hl7v3.REVISE if revised else hl7v3.ADD
    return ask(url, name, hl7v3.feed(name, DEVICES, identifier, person._asdict(), subsumed), sender)


def cross_reference(url, identifier, domains=(), sender=SENDER):
    """ITI-45, PIX Query: the other identifiers of a patient; `domains` are the OIDs of the assigning authorities of interest."""
    return ask(url, hl7v3.PIX_QUERY, hl7v3.pix_query(DEVICES, identifier, domains), sender)


def demographics(url, criteria, domains=(), quantity=None, sender=SENDER):
    """ITI-47, Patient Demographics Query: criteria, domains and quantity as `hl7v3.pdq_query` takes them."""
    return ask(url, hl7v3.PDQ_QUERY, hl7v3.pdq_query(DEVICES, criteria, domains, quantity), sender)


def more(url, answer, quantity=None, start=None, sender=SENDER):
    """The next persons of a demographics query, of which `answer` brought some: `quantity`, from the one of the number `start` on."""
    begun = hl7v3.read_answer(answer.response.body)
    return sent(url, soap.Message(hl7v3.CONTINUE, hl7v3.continuation(DEVICES, begun, quantity, start)), sender)


def cancel(url, answer, sender=SENDER):
    """Say that nothing more is wanted of a demographics query."""
    begun = hl7v3.read_answer(answer.response.body)
    return sent(url, soap.Message(hl7v3.CANCEL, hl7v3.continuation(DEVICES, begun, cancel=True)), sender)


def ask(url, name, body, sender=SENDER, seconds=30.0):
    """An interaction with this body (an element) to a URL. Returns the Answer."""
    return sent(url, soap.Message(hl7v3.action(name), body), sender, seconds)


def sent(url, message, sender=SENDER, seconds=30.0):
    """Send a soap.Message with an interaction to a URL. Returns the Answer."""
    response, told, audit = None, "Failure", getattr(sender, "audit", None)
    try:
        response = web.ask(url, message, sender, seconds)
        read = hl7v3.read_answer(response.body)
        told = "Failure" if read.problems else "Success"
    finally:
        if audit:
            audit.asked(sender.name, _transaction(message), url, message, response, told)
    people = [([Identifier(*one) for one in identifiers], Person(**person)) for identifiers, person in read.people]
    identifiers = [one for several, _ in people for one in several]
    return Answer(read.acknowledged, read.code, read.problems, identifiers, people, read.remaining, message, response)


def _transaction(message):
    interaction = hl7v3.INTERACTIONS.get(message.body.tag.rpartition("}")[2])
    return interaction.transaction if interaction else "ITI-47"             # what else there is cancels one
