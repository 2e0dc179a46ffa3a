"""A document source and a document consumer: the other side of registry and repository, a function for each transaction.

    provide(repository.url, entries, {"Document01": octets})                     # ITI-41
    query(registry.url, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]})     # ITI-18
    retrieve(repository.url, [(repository_id, unique_id)])                       # ITI-43

Each returns an Answer and raises what `web.ask` raises. `sender` is a name, or a ``web.Caller`` with certificates and a user's assertion.

Sources: IHE ITI TF-2 3.18, 3.41, 3.42, 3.43.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from coursekit.standards import soap
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import LCM, QUERY, RIM, RS, XDSB
from coursekit.standards.xds.metadata import Problem
from coursekit.systems import web

SENDER = "consumer"


class Document(NamedTuple):
    """A document that was retrieved: its uniqueId, its repository's, its media type, its bytes, and the homeCommunityId if it came with one."""

    unique_id: str
    repository: str
    mime_type: str
    octets: bytes
    home: str = ""


@dataclass
class Answer:
    """What came back.

    status    : a URN: facts.SUCCESS, PARTIAL or FAILURE
    problems  : list of Problem, its errors and warnings
    entries   : list of Entry (ITI-18 with metadata)
    ids       : list of entryUUIDs (ITI-18)
    documents : list of Document (ITI-43)
    request, response : the soap.Message that were exchanged
    """

    status: str
    problems: list = field(default_factory=list)
    entries: list = field(default_factory=list)
    ids: list = field(default_factory=list)
    documents: list = field(default_factory=list)
    request: object = field(default=None, repr=False)
    response: object = field(default=None, repr=False)

    def __repr__(self):
        found = [f"{len(many)} {what}" for many, what in ((self.entries or self.ids, "metadata objects"), (self.documents, "documents")) if many]
        return f"<{', '.join([self.status.rpartition(':')[2], *found, *(one.code for one in self.problems)])}>"


def register(url, entries, sender=SENDER):
    """ITI-42, Register Document Set-b: metadata to a registry."""
    from lxml import etree

    body = etree.Element(f"{{{LCM}}}SubmitObjectsRequest", nsmap={"lcm": LCM})
    body.append(metadata.write(entries))
    return ask(url, "ITI-42", body, sender)


def provide(url, entries, documents, sender=SENDER):
    """ITI-41, Provide and Register Document Set-b: metadata and documents, {entry's id: bytes}, to a repository."""
    from lxml import etree

    body = etree.Element(f"{{{XDSB}}}ProvideAndRegisterDocumentSetRequest", nsmap={"xdsb": XDSB, "lcm": LCM})
    etree.SubElement(body, f"{{{LCM}}}SubmitObjectsRequest").append(metadata.write(entries))
    message = soap.Message(facts.ACTIONS["ITI-41"][0], body, packaged=True)
    for id, octets in documents.items():
        message.attach(etree.SubElement(body, f"{{{XDSB}}}Document", id=id), octets)
    return sent(url, message, sender)


def query(url, name, parameters, leaves=True, home=None, sender=SENDER):
    """ITI-18, Registry Stored Query.

    name       : a key of `facts.QUERIES`, or an id
    parameters : {parameter: value, or a list of values; a list of lists makes a slot of each}. Texts are quoted here; codes are
                 metadata.Code; numbers, and the times of parameters that end in From or To, go as they are
    leaves     : whether metadata are wanted (LeafClass), or references (ObjectRef)
    home       : homeCommunityId, for a gateway
    """
    return ask(url, "ITI-18", query_body(name, parameters, leaves, home), sender)


def query_body(name, parameters, leaves=True, home=None):
    """The query:AdhocQueryRequest of a stored query. Arguments as of `query`."""
    from lxml import etree

    body = etree.Element(f"{{{QUERY}}}AdhocQueryRequest", nsmap={"query": QUERY, "rim": RIM})
    etree.SubElement(body, f"{{{QUERY}}}ResponseOption", returnComposedObjects="true", returnType="LeafClass" if leaves else "ObjectRef")
    asked = etree.SubElement(body, f"{{{RIM}}}AdhocQuery", id=facts.QUERIES[name].id if name in facts.QUERIES else name)
    if home:
        asked.set("home", home)
    for parameter, value in parameters.items():
        slots = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        for one in slots:
            inside = etree.SubElement(etree.SubElement(asked, f"{{{RIM}}}Slot", name=parameter), f"{{{RIM}}}ValueList")
            etree.SubElement(inside, f"{{{RIM}}}Value").text = written(one, parameter.endswith(("From", "To")))
    return body


def written(value, number=False):
    """A value of a parameter as it stands in rim:Value (3.18.4.1.2.3.5): 'text', ('a','b'), 20250407."""
    if isinstance(value, metadata.Code):                # in parentheses, even one alone (3.18.4.1.2.3.4)
        return written([value])
    if isinstance(value, list):
        texts = [f"{one.code}^^{one.scheme}" if isinstance(one, metadata.Code) else one for one in value]
        return f"({','.join(map(written, texts))})"
    return str(value) if number or isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def retrieve(url, documents, home=None, sender=SENDER):
    """ITI-43, Retrieve Document Set: documents are pairs (repositoryUniqueId, uniqueId); `home` is the homeCommunityId, for a gateway."""
    from lxml import etree

    body = etree.Element(f"{{{XDSB}}}RetrieveDocumentSetRequest", nsmap={"xdsb": XDSB})
    for repository, unique_id in documents:
        add_request(body, repository, unique_id, home)
    return ask(url, "ITI-43", body, sender)


def add_request(parent, repository, unique_id, home=None):
    """An xdsb:DocumentRequest in an element (ITI TF-2 3.43.4.1.2)."""
    from lxml import etree

    one = etree.SubElement(parent, f"{{{XDSB}}}DocumentRequest")
    for name, text in (("HomeCommunityId", home), ("RepositoryUniqueId", repository), ("DocumentUniqueId", unique_id)):
        if text or name != "HomeCommunityId":
            etree.SubElement(one, f"{{{XDSB}}}{name}").text = text


def add_document(answer, repository, unique_id, mime_type, octets, home=None):
    """An xdsb:DocumentResponse in the body of an answer (a soap.Message), its document in the package (3.43.4.2.2)."""
    from lxml import etree

    one = etree.SubElement(answer.body, f"{{{XDSB}}}DocumentResponse")
    for name, text in (("HomeCommunityId", home), ("RepositoryUniqueId", repository), ("DocumentUniqueId", unique_id), ("mimeType", mime_type)):
        if text:
            etree.SubElement(one, f"{{{XDSB}}}{name}").text = text
    answer.attach(etree.SubElement(one, f"{{{XDSB}}}Document"), octets)


def ask(url, transaction, body, sender=SENDER, seconds=30.0):
    """A request with this body (an element) to a URL. Returns the Answer."""
    return sent(url, soap.Message(facts.ACTIONS[transaction][0], body, packaged=transaction in facts.PACKAGED), sender, seconds)


def sent(url, message, sender=SENDER, seconds=30.0):
    """Send a soap.Message of document sharing to a URL. Returns the Answer."""
    response, status, audit = None, facts.FAILURE, getattr(sender, "audit", None)
    try:
        response = web.ask(url, message, sender, seconds)
        status = _status(response.body)
    finally:
        if audit:
            audit.asked(sender.name, facts.TRANSACTION_OF.get(message.action, ""), url, message, response, status.rpartition(":")[2])
    body = response.body
    answer = Answer(status, request=message, response=response)
    answer.problems = [Problem(one.get("errorCode", ""), one.get("codeContext", ""), one.get("severity", "").endswith("Warning"), one.get("location", ""))
                       for one in body.iter(f"{{{RS}}}RegistryError")]
    listed = body.find(f"{{{RIM}}}RegistryObjectList")
    if listed is not None:
        answer.entries, _ = metadata.read(listed)
        answer.ids = [one.get("id") for one in listed]
    for one in body.iterfind(f"{{{XDSB}}}DocumentResponse"):
        uid, repository, kind = (one.findtext(f"{{{XDSB}}}{name}", "") for name in ("DocumentUniqueId", "RepositoryUniqueId", "mimeType"))
        answer.documents.append(Document(uid, repository, kind, response.octets(one.find(f"{{{XDSB}}}Document")),
                                         one.findtext(f"{{{XDSB}}}HomeCommunityId", "")))
    return answer


def _status(body):
    return body.get("status") or next((one.get("status", "") for one in body.iter(f"{{{RS}}}RegistryResponse")), "")
