"""Gateways between communities (IHE XCA): what one region has is found and fetched from another.

    with RespondingGateway("urn:oid:2.999.1.8", registry.url, {repository.unique_id: repository.url}) as theirs, \\
         InitiatingGateway("urn:oid:2.999.1.9", own_registry.url, {}, {theirs.home: theirs.url}) as ours:
        document_sharing.query(ours.url, "FindDocuments", {...})           # ITI-18 here, ITI-38 to each community

A gateway passes on what it was shown of the user (IHE XUA), and may enforce what patients allow.

Sources: IHE ITI TF-2 3.38, 3.39 (cross gateway query and retrieve); TF-1 18 (XCA); TF-3 Table 4.2.4.1-2 (XDSDocumentUniqueIdError: not
available, or not to this requester).
"""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

from coursekit.standards import soap, xua
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import ASSOCIATION, QUERY, RIM, RS, XDSB
from coursekit.standards.xds.metadata import Problem
from coursekit.systems import document_sharing
from coursekit.systems.registry import add_errors, told
from coursekit.systems.web import Caller, NoAnswer, SoapServer

OBJECTS = tuple(f"{{{RIM}}}{name}" for name in ("ExtrinsicObject", "RegistryPackage", "Association", "ObjectRef"))


class RespondingGateway(SoapServer):
    """The door of a community.

    home         : its homeCommunityId, urn:oid:...
    registry     : the URL of its registry
    repositories : {repositoryUniqueId: URL}
    certificates : as of ``WebServer``; it shows them to registry and repositories, too
    policy       : a ``consent.Consents``: then answers hold what the user of the checked assertion may see (`assertions`), and nothing else
    """

    def __init__(self, home, registry, repositories, name="NMH_RESPONDING", port=0, certificates=None, policy=None):
        super().__init__(name, port, certificates)
        self.home, self.registry, self.repositories, self.policy = home, registry, dict(repositories), policy
        self.actions = {facts.ACTIONS["ITI-38"][0]: ("ITI-38", self._query), facts.ACTIONS["ITI-39"][0]: ("ITI-39", self._retrieve)}

    def _query(self, message):
        name, home = _asked(message)
        problem = None
        if home and home != self.home:
            problem = Problem("XDSUnknownCommunity", f"This is the community {self.home}, not {home}.", location=self.home)
        elif not home and name and not name.startswith("Find") and name != "GetAll":
            problem = Problem("XDSMissingHomeCommunityId", f"{name} names objects of a community: AdhocQuery/@home has to say of which.",
                              location=self.home)
        if problem:
            return _query_answer("ITI-38", [], [problem])
        body = deepcopy(message.body)
        body.find(f"{{{RIM}}}AdhocQuery").attrib.pop("home", None)
        option = body.find(f"{{{QUERY}}}ResponseOption")
        kind = option.get("returnType") if option is not None else None
        if self.policy and kind == "ObjectRef":
            option.set("returnType", "LeafClass")       # what there is to decide about stands in the metadata
        answer, problems = _forwarded(self, message, self.registry, "ITI-18", body, self.home)
        objects = _objects(answer, self.home)
        if self.policy:
            objects = self._visible(message, objects)
            if kind == "ObjectRef":
                objects = [_reference(one) for one in objects]
        return _query_answer("ITI-38", objects, problems)

    def _visible(self, message, objects):
        """Those of some elements that the user may see. The ends of associations that come without them are looked up."""
        entries = [entry for one in objects for entry in metadata.read(_listed([one]))[0]]
        there = {one.id for one in entries}
        ends = {one.get(end) for one in entries if one.kind == ASSOCIATION for end in ("source", "target")} - there - {None}
        beside = [entry for end in sorted(ends) for entry in self._documents(message, "$XDSDocumentEntryEntryUUID", end)]
        seen = {one.id for one in self.policy.visible(entries + beside, message.user, self.name, self.audit)}
        return [one for one in objects if one.get("id") in seen]

    def _documents(self, message, parameter, value):
        """The document entries that a value names."""
        body = document_sharing.query_body("GetDocuments", {parameter: [value]})
        answer, _ = _forwarded(self, message, self.registry, "ITI-18", body, self.home)
        return answer.entries if answer is not None else []

    def _available(self, message, uid):
        """Whether a document is registered, and the user may see all that is registered of it."""
        entries = self._documents(message, "$XDSDocumentEntryUniqueId", uid)
        return bool(entries) and len(self.policy.visible(entries, message.user, self.name, self.audit)) == len(entries)

    def _retrieve(self, message):
        found, problems = [], []
        for asked in message.body.iterfind(f"{{{XDSB}}}DocumentRequest"):
            home, repository, uid = _request(asked)
            if home != self.home:
                code = "XDSUnknownCommunity" if home else "XDSMissingHomeCommunityId"
                problems.append(Problem(code, f"This is the community {self.home}, not {home or 'one that is not named'}.", location=self.home))
            elif repository not in self.repositories:
                problems.append(Problem("XDSUnknownRepositoryId", f"The community has no repository {repository}.", location=self.home))
            elif self.policy and not self._available(message, uid):
                # The same for what is not there and for what the user may not see: else the error would say that there is something.
                problems.append(Problem("XDSDocumentUniqueIdError", f"The document {uid} is not available.", location=self.home))
            else:
                answer, more = _fetched(self, message, self.repositories[repository], "ITI-43", [(None, repository, uid)], self.home)
                found += answer
                problems += more
        return _retrieve_answer("ITI-39", found, problems, self.home)

    def _told(self, reply):
        return told(reply.body)


class InitiatingGateway(SoapServer):
    """What consumers of a community ask in place of their registry and repositories, to be answered from all communities.

    home, registry, repositories : of its own community, as of RespondingGateway; its registry may be None
    communities : {homeCommunityId: URL of its responding gateway}
    patients    : a function (homeCommunityId, patient ID) that gives the patient's ID in that community, or None where it has none. If None,
                  all communities use the same IDs
    seconds     : how long it waits for a community
    certificates : as of RespondingGateway
    """

    def __init__(self, home, registry, repositories, communities, patients=None, seconds=5.0, name="NMH_INITIATING", port=0,
                 certificates=None):
        super().__init__(name, port, certificates)
        self.home, self.registry, self.repositories, self.communities = home, registry, dict(repositories), dict(communities)
        self.patients, self.seconds = patients or (lambda home, patient: patient), seconds
        self.actions = {facts.ACTIONS["ITI-18"][0]: ("ITI-18", self._query), facts.ACTIONS["ITI-43"][0]: ("ITI-43", self._retrieve)}

    def _query(self, message):
        name, home = _asked(message)
        if home and home != self.home and home not in self.communities:
            return _query_answer("ITI-18", [], [Problem("XDSUnknownCommunity", f"No community {home} is known here.", location=home)])
        if not home and name and not name.startswith("Find") and name != "GetAll":
            return _query_answer("ITI-18", [], [Problem("XDSMissingHomeCommunityId", f"{name} names objects of a community: AdhocQuery/@home has "
                                                                                     "to say of which.", location=self.home)])
        homes = [home] if home else [*([self.home] if self.registry else []), *self.communities]
        with ThreadPoolExecutor(max(len(homes), 1)) as askers:
            answers = list(askers.map(lambda one: self._ask(one, message), homes))
        objects = [element for found, _ in answers for element in found]
        problems = [one for _, more in answers for one in more]
        # A community that does not know the patient has nothing, which is no error among several (3.38.4.1.3.3)
        if len(homes) > 1:
            problems = [one for one in problems if one.code != "XDSUnknownPatientId"]
        return _query_answer("ITI-18", objects, problems, some=len(homes) > len({one.location for one in problems}))

    def _ask(self, home, message):
        body = deepcopy(message.body)
        asked = body.find(f"{{{RIM}}}AdhocQuery")
        for slot in asked.iterfind(f"{{{RIM}}}Slot"):
            if slot.get("name", "").lower().endswith("patientid"):
                for value in slot.iter(f"{{{RIM}}}Value"):
                    patient = self.patients(home, (value.text or "").strip("'"))
                    if patient is None:
                        return [], []
                    value.text = document_sharing.written(patient)
        if home == self.home:
            asked.attrib.pop("home", None)
            answer, problems = _forwarded(self, message, self.registry, "ITI-18", body, home, self.seconds)
        else:
            asked.set("home", home)
            answer, problems = _forwarded(self, message, self.communities[home], "ITI-38", body, home, self.seconds)
        found = _objects(answer, home if home == self.home else None)
        return found, problems + _homeless(found, home)

    def _retrieve(self, message):
        by_place, problems = {}, []
        for asked in message.body.iterfind(f"{{{XDSB}}}DocumentRequest"):
            home, repository, uid = _request(asked)
            if home in (None, "", self.home):
                if repository in self.repositories:
                    by_place.setdefault((self.home, self.repositories[repository]), []).append((None, repository, uid))
                else:
                    problems.append(Problem("XDSUnknownRepositoryId", f"The community has no repository {repository}.", location=self.home))
            elif home in self.communities:
                by_place.setdefault((home, self.communities[home]), []).append((home, repository, uid))
            else:
                problems.append(Problem("XDSUnknownCommunity", f"No community {home} is known here.", location=home))
        with ThreadPoolExecutor(max(len(by_place), 1)) as askers:
            answers = list(askers.map(lambda place: _fetched(
                self, message, place[0][1], "ITI-43" if place[0][0] == self.home else "ITI-39", place[1], place[0][0], self.seconds),
                by_place.items()))
        found = [one for documents, _ in answers for one in documents]
        return _retrieve_answer("ITI-43", found, problems + [one for _, more in answers for one in more], self.home)

    def _told(self, reply):
        return told(reply.body)


def _asked(message):
    """(name of the stored query, homeCommunityId that is asked, or "")."""
    query = message.body.find(f"{{{RIM}}}AdhocQuery")
    if message.body.tag != f"{{{QUERY}}}AdhocQueryRequest" or query is None:
        raise soap.Fault("The Body holds a query:AdhocQueryRequest with a rim:AdhocQuery.")
    return facts.QUERY_NAMES.get(query.get("id", "")), query.get("home", "")


def _request(element):
    return tuple(element.findtext(f"{{{XDSB}}}{name}") for name in ("HomeCommunityId", "RepositoryUniqueId", "DocumentUniqueId"))


def _forwarded(gateway, message, url, transaction, body, home, seconds=30.0):
    """(Answer or None, list of Problem) of a request that a gateway makes because of a message, in the name of the same user."""
    request = soap.Message(facts.ACTIONS[transaction][0], body, packaged=transaction in facts.PACKAGED, user=message.user)
    answer, problems = None, []
    caller = Caller(gateway.name, gateway.certificates, xua.token(message.headers), gateway.audit)
    try:
        answer = document_sharing.sent(url, request, caller, seconds)
        problems = [one._replace(location=one.location or home) for one in answer.problems]
    except (NoAnswer, soap.BadSoap, soap.Fault) as problem:
        problems = [Problem("XDSUnavailableCommunity", f"The community {home} did not answer: {problem}", location=home)]
    return answer, problems


def _objects(answer, home):
    """The elements of an answer, each with @home; one that has it already keeps it."""
    listed = answer.response.body.find(f"{{{RIM}}}RegistryObjectList") if answer is not None else None
    found = [element for element in listed if element.tag in OBJECTS] if listed is not None else []
    for element in found:
        if home and not element.get("home"):
            element.set("home", home)
    return found


def _homeless(objects, home):
    """The Problem of a community whose answer does not say, of each object, whose it is (3.38.4.1.3); an association need not say it."""
    lacking = [one.get("id", "") for one in objects if one.tag != f"{{{RIM}}}Association" and not one.get("home")]
    return [Problem("XDSMissingHomeCommunityId", f"The responding gateway of {home} returned without homeCommunityId: {', '.join(lacking)}.",
                    location=home)] if lacking else []


def _fetched(gateway, message, url, transaction, requests, home, seconds=30.0):
    """(documents, Problems) of an ITI-43 or ITI-39 for some (homeCommunityId, repositoryUniqueId, uniqueId)."""
    from lxml import etree

    body = etree.Element(f"{{{XDSB}}}RetrieveDocumentSetRequest", nsmap={"xdsb": XDSB})
    for of, repository, uid in requests:
        document_sharing.add_request(body, repository, uid, of)
    answer, problems = _forwarded(gateway, message, url, transaction, body, home, seconds)
    return [one._replace(home=one.home or home) for one in answer.documents] if answer is not None else [], problems


def _listed(objects):
    from lxml import etree

    listed = etree.Element(f"{{{RIM}}}RegistryObjectList")
    listed.extend(deepcopy(objects))
    return listed


def _reference(element):
    """A rim:ObjectRef in place of an object."""
    from lxml import etree

    return etree.Element(f"{{{RIM}}}ObjectRef", {name: element.get(name) for name in ("id", "home") if element.get(name)})


def _query_answer(transaction, objects, problems, some=False):
    """An AdhocQueryResponse: Failure when all failed, PartialSuccess when some did."""
    from lxml import etree

    errors = [one for one in problems if not one.warning]
    status = facts.SUCCESS if not errors else facts.PARTIAL if objects or some else facts.FAILURE
    body = etree.Element(f"{{{QUERY}}}AdhocQueryResponse", nsmap={"query": QUERY, "rim": RIM}, status=status)
    add_errors(body, problems)
    etree.SubElement(body, f"{{{RIM}}}RegistryObjectList").extend(objects)
    return soap.Message(facts.ACTIONS[transaction][1], body, reply_to=None)


def _retrieve_answer(transaction, documents, problems, home):
    from lxml import etree

    status = facts.SUCCESS if not problems else facts.PARTIAL if documents else facts.FAILURE
    body = etree.Element(f"{{{XDSB}}}RetrieveDocumentSetResponse", nsmap={"xdsb": XDSB})
    answer = soap.Message(facts.ACTIONS[transaction][1], body, reply_to=None, packaged=True)
    etree.SubElement(body, f"{{{RS}}}RegistryResponse", nsmap={"rs": RS}, status=status)
    add_errors(body[0], problems)
    for one in documents:
        document_sharing.add_document(answer, one.repository, one.unique_id, one.mime_type, one.octets, one.home or home)
    return answer
