"""Shared documents over FHIR R4 that run: a document recipient and responder before XDS (IHE MHD, option XDS on FHIR), JSON over HTTP.

    with Registry() as registry, Repository(registry=registry.url) as repository, \\
         FhirDocuments(registry.url, repository.url) as fhir:
        fhir.url                            # GET .../DocumentReference?patient.identifier=urn:oid:2.999.1.9|NM100017&status=current

It keeps nothing: what it's given goes on as ITI-41, and what it's asked as ITI-18 and ITI-43, so the answers are those of XDS.

Sources: IHE MHD 4.2.3 (profiles.ihe.net/ITI/MHD) 2:3.65, 2:3.66, 2:3.67, 2:3.68; FHIR R4 (4.0.1) http, search, Bundle, OperationOutcome;
ITI TF-3 Table 4.2.4.1-2 (error codes).
"""

import asyncio
import base64
import binascii
import json
import re
import uuid
from urllib.parse import urlencode

from coursekit.standards import mime, soap
from coursekit.standards.xds import facts, mhd
from coursekit.standards.xds.facts import DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Code, Problem, association, is_uuid
from coursekit.systems import document_sharing
from coursekit.systems.fhir_patients import JSON
from coursekit.systems.transaction_audit import FhirRequest
from coursekit.systems.web import Caller, NoAnswer, WebServer

PREFIXES = {DOCUMENT: "$XDSDocumentEntry", SET: "$XDSSubmissionSet", FOLDER: "$XDSFolder"}       # of the names of a query's parameters
OUTCOMES = {            # error code of XDS: HTTP status and issue type of FHIR; others are breaches of XDS's rules
    "XDSRegistryNotAvailable": (503, "transient"), "XDSTooManyResults": (403, "too-costly"), "XDSUnknownPatientId": (422, "not-found"),
    "XDSDocumentUniqueIdError": (410, "deleted"), "XDSUnknownRepositoryId": (410, "not-found"), "XDSMissingDocument": (422, "required"),
    "XDSRegistryError": (500, "exception"), "XDSRepositoryError": (500, "exception"), "FHIRDocumentNotSupported": (422, "not-supported")}
RULE = (422, "business-rule")


class Outcome(Exception):
    """A request that is answered with an OperationOutcome.

    status   : of HTTP
    code     : an issue type of FHIR, of those problems for which `OUTCOMES` has no other
    problems : list of Problem, whose codes are XDS's, or ""
    """

    def __init__(self, status, code, *problems):
        super().__init__(problems[0])
        self.status, self.code = status, code
        self.problems = [Problem("", one) if isinstance(one, str) else one for one in problems]


class FhirDocuments(WebServer):
    """The FHIR side of registry and repositories.

    registry     : the URL of the registry
    repository   : the URL of the repository to which documents go
    repositories : {repositoryUniqueId: URL} of others from which documents are fetched
    patients     : the base of a FHIR server of patients, such as FhirPatients.url, to which references to patients lead; none do if ""
    certificates : as of ``WebServer``; it shows them to registry and repositories, too
    """

    largest = 128 << 20

    def __init__(self, registry, repository, repositories=None, patients="", name="NMH_MHD", port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.registry, self.repository, self.repositories, self.patients = registry, repository, dict(repositories or {}), patients

    @property
    def url(self):
        """The base, to which bundles are sent and /DocumentReference is added."""
        return f"{self.origin}/fhir"

    def _application(self):
        from tornado.web import Application, RequestHandler

        system = self

        class Door(RequestHandler):
            """One request."""

            async def _answer(self, path):
                arguments = {name: [one.decode("utf-8", "replace") for one in values] for name, values in self.request.arguments.items()}
                status, kind, octets = await asyncio.get_running_loop().run_in_executor(
                    None, system.answer, self.request.method, path.strip("/"), arguments, self.request.body, self.request.headers,
                    system.caller(self.request))
                self.set_status(status)
                self.set_header("Content-Type", kind)
                self.finish(octets)

            get = post = put = patch = delete = _answer

            def log_exception(self, kind, value, trace):
                """Nothing for the notebook to print."""

        return Application([("/fhir(.*)", Door)], log_function=lambda handler: None)

    def answer(self, method, path, arguments, body, headers, sender=""):
        """What a request is answered with: (HTTP status, Content-Type, bytes)."""
        sender = sender or "client"
        what, id = (path.split("/") + [""])[:2]
        search = method == "GET" and not id or method == "POST" and id == "_search"
        name = ("ITI-65" if (method, path) == ("POST", "") else "ITI-68" if (method, what) == ("GET", "Binary") else
                search and {"List": "ITI-66", "DocumentReference": "ITI-67"}.get(what) or f"{method} /{what}")
        asked = urlencode(arguments, doseq=True)
        self.journal.add(sender, self.name, name, asked, data=body or None)
        request = FhirRequest(f"/fhir/{path}" + (f"?{asked}" if asked and method == "GET" else ""), body or b"")
        try:
            if name == "ITI-68":
                entry = self._entry(id)
                request = request._replace(patient=entry.get("patientId", ""))
                kind, result = self.document(entry, headers.get("Accept", "*/*"))
            else:
                kind, result = self._result(name, method, what, id, arguments, body, headers)
            status = 200
        except Outcome as refused:
            problems, status = refused.problems, OUTCOMES.get(refused.problems[0].code, (refused.status,))[0]
            kind, result = JSON, outcome(problems, refused.code)
        except (NoAnswer, soap.Fault, soap.BadSoap) as problem:
            status, kind, result = 503, JSON, outcome([Problem("XDSRegistryNotAvailable", f"What lies behind does not answer: {problem}")])
        except Exception as problem:                    # a bug of ours, or of a learner's registry
            said = f"{self.name} failed with {type(problem).__name__}: {problem}"
            status, kind, result = 500, JSON, outcome([Problem("", said)], "exception")
        told = " ".join([str(status), *([kind] if isinstance(result, bytes) else mhd.elements(result, "issue.details.coding.code"))])
        self.journal.add(self.name, sender, f"{name} response", told, data=result)
        if self.audit:
            self.audit.note(self.name, name, sender, request, status, "Success" if status < 400 else "Failure")
        if isinstance(result, bytes):
            return status, kind, result
        return status, f"{kind}; charset=utf-8", json.dumps(result, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    def _result(self, name, method, what, id, arguments, body, headers):
        """(Content-Type, resource or bytes). Raises Outcome."""
        format = arguments.pop("_format", [headers.get("Accept", "")])[0]
        if "xml" in format and "json" not in format:
            raise Outcome(406, "not-supported", "Resources are served as JSON.")
        if name == "ITI-65":
            if "json" not in headers.get("Content-Type", ""):
                raise Outcome(415, "not-supported", f"A bundle is taken as {JSON}.")
            try:
                bundle = json.loads(body)
            except (ValueError, RecursionError):
                raise Outcome(400, "structure", "The body is no JSON.") from None
            return JSON, self.provide(bundle)
        if name == "ITI-67":
            return JSON, self.search(DOCUMENT, arguments)
        if name == "ITI-66":
            codes = {one.rpartition("|")[2] for value in arguments.get("code", ()) for one in value.split(",")}
            kinds = [kind for kind, code in mhd.LIST_CODE.items() if code in codes]
            if len(kinds) != 1:
                raise Outcome(400, "required", "code has to be submissionset or folder.")
            return JSON, self.search(kinds[0], arguments)
        if method == "GET" and what in ("DocumentReference", "List") and id:
            return JSON, self.read(what, id)
        if method == "GET" and what == "metadata":
            return JSON, self.capabilities()
        raise Outcome(404, "not-supported", f"{name} is not served here.")

    # ITI-65

    def provide(self, bundle):
        """Take a transaction bundle, all or nothing. Returns the Bundle of type transaction-response. Raises Outcome."""
        if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
            raise Outcome(400, "structure", "ITI-65 is a Bundle of type transaction.")
        try:
            parts = [_Part(entry) for entry in mhd.elements(bundle, "entry")]
            by_address = {address: part for part in parts for address in part.addresses}
            for part in parts:
                part.read({address: one.resource for address, one in by_address.items()})
            sets = [part for part in parts if part.kind == SET]
            if len(sets) != 1:
                raise Outcome(422, "invariant", f"The bundle holds one List of the code submissionset; this one holds {len(sets)}.")
            links = [link for part in parts for link in _links(part, sets[0], by_address)]
        except mhd.BadResource as problem:
            raise Outcome(400, "invalid", str(problem)) from None
        documents = _documents(parts, by_address)
        replaced = {link["target"] for link in links if link["type"] == facts.RPLC}
        if any(part.method == "PATCH" and part.uuid not in replaced for part in parts):
            raise Outcome(*RULE, "A PATCH says that a document which is replaced in the bundle is superseded, and no more.")
        entries = [part.entry for part in parts if part.entry]
        answer = document_sharing.provide(self.repository, entries + links, documents, sender=self._caller)
        if answer.status != facts.SUCCESS:
            raise Outcome(*RULE, *answer.problems)
        made = [{"response": {"status": "201 Created" if part.method == "POST" else "200 OK", "location": part.location}} for part in parts]
        if answer.problems:
            made[parts.index(sets[0])]["response"]["outcome"] = outcome(answer.problems)
        return {"resourceType": "Bundle", "meta": {"profile": [f"{mhd.PROFILES}IHE.MHD.ProvideDocumentBundleResponse"]},
                "type": "transaction-response", "entry": made}

    # ITI-66 and ITI-67

    def search(self, kind, arguments):
        """What a search finds: a Bundle of type searchset. Parameters that nobody knows are ignored. Raises Outcome."""
        prefix = PREFIXES[kind]
        given = {name: values for name, values in arguments.items() if name.partition(":")[0] in mhd.SEARCHES[kind]}
        try:
            name, asked, tests = _asked(kind, given)
        except mhd.BadResource as problem:
            raise Outcome(400, "invalid", str(problem)) from None
        if f"{prefix}PatientId" not in asked or f"{prefix}Status" not in asked:
            raise Outcome(400, "required", "A search names patient or patient.identifier, and status.")
        found = [entry for entry in self._query(name, asked).entries if all(test(entry) for test in tests)]
        shown = [{"fullUrl": f"{self.url}/{resource['resourceType']}/{resource['id']}", "resource": resource, "search": {"mode": "match"}}
                 for resource in self._resources(found)]
        profile = "FindDocumentReferencesComprehensiveResponseMessage" if kind == DOCUMENT else "FindDocumentListsResponseMessage"
        used = given if kind == DOCUMENT else {"code": mhd.LIST_CODE[kind], **given}
        link = {"relation": "self", "url": f"{self.url}/{mhd.RESOURCE[kind]}?{urlencode(used, doseq=True)}"}
        bundle = {"resourceType": "Bundle", "meta": {"profile": [f"{mhd.PROFILES}IHE.MHD.{profile}"]}, "type": "searchset",
                  "total": len(shown), "link": [link]}
        return {**bundle, "entry": shown} if shown else bundle              # FHIR has no empty arrays

    def read(self, what, id):
        """The DocumentReference or List of an id. Raises Outcome."""
        wanted = f"{mhd.UUID}{id}"
        for query, parameter in (("GetDocuments", "$XDSDocumentEntryEntryUUID"),) if what == "DocumentReference" else (
                ("GetFolders", "$XDSFolderEntryUUID"), ("GetSubmissionSetAndContents", "$XDSSubmissionSetEntryUUID")):
            found = [entry for entry in self._query(query, {parameter: wanted}).entries if entry.id == wanted]
            if found:
                return self._resources(found)[0]
        raise Outcome(404, "not-found", f"There is no {what} {id}.")

    @property
    def _caller(self):
        return Caller(self.name, self.certificates, audit=self.audit)

    def _query(self, name, parameters, leaves=True):
        answer = document_sharing.query(self.registry, name, parameters, leaves, sender=self._caller)
        if answer.status != facts.SUCCESS:
            raise Outcome(400, "invalid", *answer.problems)
        return answer

    def _resources(self, entries):
        """Resources of entries of a kind, with their relations or members."""
        links = self._query("GetAssociations", {"$uuid": [entry.id for entry in entries]}).entries if entries else []
        members, kinds = [link["target"] for link in links if link["type"] == facts.HAS_MEMBER], {}
        if members and entries[0].kind != DOCUMENT:     # what else a set has as members, those of folders, FHIR does not know
            for kind, query in ((DOCUMENT, "GetDocuments"), (FOLDER, "GetFolders")):
                kinds |= dict.fromkeys(self._query(query, {f"{PREFIXES[kind]}EntryUUID": members}, leaves=False).ids, kind)
        made = []
        for entry in entries:
            id = entry.id.removeprefix(mhd.UUID)
            resource = mhd.to_fhir(entry, f"{self.url}/Binary/{id}", self.patients)
            own = [link for link in links if link["source"] == entry.id]
            relations = [{"code": mhd.RELATES[link["type"]], "target": {"reference": _address(DOCUMENT, link["target"])}} for link in own
                         if link["type"] in mhd.RELATES]
            items = [{"item": {"reference": _address(kinds[link["target"]], link["target"])}} for link in own if link["target"] in kinds]
            made.append(resource | ({"relatesTo": relations} if relations else {}) | ({"entry": items} if items else {}))
        return made

    # ITI-68

    def _entry(self, id):
        found = self._query("GetDocuments", {"$XDSDocumentEntryEntryUUID": f"{mhd.UUID}{id}"}).entries
        if not found:
            raise Outcome(404, "not-found", "Document Not Found")
        return found[0]

    def document(self, entry, accept):
        """(media type, bytes) of the document of an Entry. Raises Outcome."""
        if not _accepted(entry["mimeType"], accept):
            raise Outcome(406, "not-supported", f"The document is {entry['mimeType']}, and is not transformed.")
        repository = entry["repositoryUniqueId"]
        where = self.repositories.get(repository, self.repository)
        answer = document_sharing.retrieve(where, [(repository, entry["uniqueId"])], sender=self._caller)
        if not answer.documents:
            raise Outcome(410, "not-found", *answer.problems)
        return answer.documents[0].mime_type, answer.documents[0].octets

    def capabilities(self):
        """The CapabilityStatement (ITI TF-2 Appendix Z.3)."""
        kinds = {"date": "date", "patient": "reference", "family": "string", "given": "string", "reference id": "reference"}
        searched = {"DocumentReference": mhd.SEARCHES[DOCUMENT], "List": {**mhd.SEARCHES[SET], "code": mhd.Search((), "token")}}
        resources = [{"type": name, "interaction": [{"code": "read"}, {"code": "search-type"}], "searchParam": [
            {"name": parameter, "type": kinds.get(search.form, "token")} for parameter, search in searches.items()]}
            for name, searches in searched.items()]
        rest = {"mode": "server", "interaction": [{"code": "transaction"}],
                "resource": [*resources, {"type": "Binary", "interaction": [{"code": "read"}]}]}
        return {"resourceType": "CapabilityStatement", "status": "active", "date": "2025-04-07", "kind": "instance",
                "implementation": {"description": f"{self.name}: shared documents", "url": self.url},
                "fhirVersion": "4.0.1", "format": ["json"], "rest": [rest]}


def outcome(problems, code=RULE[1]):
    """An OperationOutcome of some Problem; those whose code is not one of `OUTCOMES` become issues of the type `code`."""
    return {"resourceType": "OperationOutcome", "issue": [
        {"severity": "warning" if one.warning else "error", "code": OUTCOMES.get(one.code, (0, code))[1],
         "diagnostics": one.context or one.code, **({"details": {"coding": [{"code": one.code}]}} if one.code else {})}
         for one in problems]}


def _address(kind, uuid):
    return f"{mhd.RESOURCE[kind]}/{uuid.removeprefix(mhd.UUID)}"


def _accepted(media_type, accept):
    """Whether an Accept header allows a media type (RFC 9110 12.5.1)."""
    ranges = [mime.parameters(one)[0] for one in accept.split(",")]
    return media_type.partition(";")[0] in ranges or "*/*" in ranges or f"{media_type.partition('/')[0]}/*" in ranges


# A bundle that is provided

class _Part:
    """An entry of a bundle.

    addresses : by what the bundle's references lead to it
    kind, entry, uuid : of a DocumentReference or List, else None; uuid is also that of the document that a PATCH is for
    location  : where its resource is afterwards
    """

    def __init__(self, entry):
        request = entry.get("request") if isinstance(entry, dict) else None
        self.resource = entry.get("resource") if isinstance(request, dict) else None
        if not isinstance(self.resource, dict):
            raise mhd.BadResource("Each entry of the bundle has a resource and a request.")
        self.method, self.location = str(request.get("method")), str(request.get("url"))
        self.type, self.kind = self.resource.get("resourceType"), mhd.kind_of(self.resource)
        self.addresses = [one for one in (entry.get("fullUrl"), "id" in self.resource and f"{self.type}/{self.resource['id']}")
                          if isinstance(one, str)]
        self.entry = self.uuid = None

    def read(self, others):
        """Take in what the resource says. Raises Outcome, BadResource."""
        if self.type == "Bundle":
            raise Outcome(*RULE, Problem("FHIRDocumentNotSupported", "FHIR documents are not taken; a Binary holds a document."))
        if self.type == "Parameters" and self.method == "PATCH":
            self.uuid = _target({"reference": self.location}, {})
        elif self.kind and self.method == "POST":
            self.entry = mhd.from_fhir(self.resource, others).copy(availabilityStatus=None)
            self.uuid = self.entry.values.setdefault("entryUUID", f"{mhd.UUID}{uuid.uuid4()}")
            self.location = _address(self.kind, self.uuid)
        elif self.type != "Patient" and (self.type, self.method) != ("Binary", "POST"):
            raise Outcome(422, "not-supported", f"{self.method} of a {self.type} has no place in the bundle here.")


def _target(reference, by_address):
    """The entryUUID that a reference to a DocumentReference or List leads to, in the bundle or in the registry. Raises BadResource."""
    address = str((mhd.elements(reference, "reference") or mhd.elements(reference, "identifier.value") or [""])[0])
    inside = by_address.get(address)
    found = inside.uuid if inside else mhd.UUID + address.rpartition("/")[2].removeprefix(mhd.UUID).lower()
    if not is_uuid(found):
        raise mhd.BadResource(f"The reference {address} leads to nothing in the bundle, nor to a resource of this server.")
    return found


def _links(part, submission_set, by_address):
    """The associations that a part of a bundle says: members of a List, relations of a DocumentReference."""
    if part.kind == DOCUMENT:
        for relation in mhd.elements(part.resource, "relatesTo"):
            said = relation.get("code") if isinstance(relation, dict) else None
            kind = next((urn for urn, code in mhd.RELATES.items() if code == said), None)
            if kind is None:
                raise mhd.BadResource(f"relatesTo.code is {said}; it's one of {', '.join(dict.fromkeys(mhd.RELATES.values()))}.")
            yield association(kind, part.uuid, _target(relation.get("target"), by_address))
    elif part.kind:
        for item in mhd.elements(part.resource, "entry.item"):
            inside = by_address.get((mhd.elements(item, "reference") or [None])[0])
            by_value = facts.REFERENCE if inside is None else facts.ORIGINAL if inside.kind == DOCUMENT else None
            member = association(facts.HAS_MEMBER, part.uuid, _target(item, by_address), by_value if part.kind == SET else None)
            yield member
            if part.kind == FOLDER:                     # which the set has as a member, too (ITI TF-3 4.2.2.1.2)
                yield association(facts.HAS_MEMBER, submission_set.uuid, member.id)


def _documents(parts, by_address):
    """{entryUUID: bytes} of the documents, which are Binary resources of the bundle. Raises Outcome."""
    documents, problems = {}, []
    used = set()
    for part in parts:
        if part.kind != DOCUMENT:
            continue
        if len(mhd.elements(part.resource, "content")) != 1:
            raise Outcome(422, "invariant", "A DocumentReference of MHD has one content.")
        url, kind = ((mhd.elements(part.resource, f"content.attachment.{name}") or [""])[0] for name in ("url", "contentType"))
        binary = by_address.get(url) if isinstance(url, str) else None
        if binary is None or binary.type != "Binary":
            problems.append(Problem("XDSMissingDocument", f"{url} is no Binary of the bundle; documents are not fetched from elsewhere."))
        elif binary.resource.get("contentType") != kind:
            said = binary.resource.get("contentType")
            problems.append(Problem("XDSRepositoryMetadataError", f"{url} is {said}, and its DocumentReference says {kind}."))
        else:
            try:
                documents[part.uuid] = base64.b64decode(binary.resource.get("data", ""), validate=True)
            except (binascii.Error, ValueError, TypeError):
                raise Outcome(400, "invalid", "Binary.data is no base64.") from None
            binary.location = f"Binary/{part.uuid.removeprefix(mhd.UUID)}"
            used.add(id(binary))
    problems += [Problem("XDSMissingDocumentMetadata", "A Binary is the document of no DocumentReference.") for part in parts
                 if part.type == "Binary" and id(part) not in used]
    if problems:
        raise Outcome(*RULE, *problems)
    return documents


# What a search asks

def _asked(kind, given):
    """(name of a stored query, {its parameter: value}, list of tests that an entry has to stand besides). Raises BadResource."""
    slots, bounds, names, tests = {}, {}, {}, []
    for argument, values in given.items():
        name, _, modifier = argument.partition(":")
        asks, form = mhd.SEARCHES[kind][name]
        if modifier and (name, modifier) != ("related", "identifier"):
            raise mhd.BadResource(f"The modifier of {argument} is not supported")
        for value in values:                            # a parameter that comes again has to be fulfilled again
            options = [one.replace("\\,", ",") for one in re.split(r"(?<!\\),", value)]
            if form == "date":
                _narrow(bounds, asks, options)
            elif form in ("family", "given"):
                if len(options) > 1 or form in names:
                    raise mhd.BadResource(f"{argument} takes one name")
                names[form] = options[0]
            elif form == "identifier":
                tests.append(lambda entry, options=options: any(_identified(entry, *_token(one)) for one in options))
            else:
                slots.setdefault(asks[0], []).append([FORMS[form](one) for one in options])
            if form == "reference id":                  # the stored query knows patterns, which find too much
                tests.append(lambda entry, options=options: any(_refers(entry, *_token(one)) for one in options))
    if names:
        slots["AuthorPerson"] = [[f"%^{names.get('family', '')}%^{names.get('given', '')}%"]]
        tests.append(lambda entry: any(_called(one.person, names) for one in entry.get("author", ())))
    query = {DOCUMENT: "FindDocuments", SET: "FindSubmissionSets", FOLDER: "FindFolders"}[kind]
    query += "ByReferenceId" if "ReferenceIdList" in slots else ""
    asked = {f"{PREFIXES[kind]}{end}": bound for end, bound in bounds.items()}
    for end, values in slots.items():
        parameter = f"{PREFIXES[kind]}{end}"
        single = len(values) == 1 and len(values[0]) == 1 and not facts.QUERIES[query].parameters[parameter].many
        asked[parameter] = values[0][0] if single else values if len(values) > 1 else values[0]
    return query, asked, tests


def _token(text):
    """(system, value) of a token; None for a system that is not said."""
    system, bar, value = text.rpartition("|")
    return (system if bar else None), value


def _patient(reference):
    found = mhd.patient_id(reference)
    if found is None:
        raise mhd.BadResource(f"No patient ID is known for {reference}; patient.identifier can name one")
    return found


def _patient_identifier(text):
    system, value = _token(text)
    return mhd.cx({"system": system or "", "value": value})


def _status(text):
    status = {"current": facts.APPROVED, "superseded": facts.DEPRECATED, "retired": facts.DEPRECATED}.get(_token(text)[1])
    if status is None:
        raise mhd.BadResource(f"status is {text}; it's current or superseded")
    return status


def _code(text):
    system, value = _token(text)
    if not system or not value:
        raise mhd.BadResource(f"{text} has to be written as system|code, because XDS finds a code with its scheme alone")
    return Code(value, mhd.scheme_of(system))


FORMS = {               # how a value of a search is written in a stored query
    "patient": _patient, "patient id": _patient_identifier, "status": _status, "token": _code,
    "oid": lambda text: _token(text)[1].removeprefix(mhd.OID), "reference id": lambda text: f"{_token(text)[1].removeprefix(mhd.OID)}^%"}


def _narrow(bounds, asks, options):
    """Narrow {name of a bound: time} by a date with its prefix (FHIR search, date)."""
    if len(options) > 1:
        raise mhd.BadResource("Dates that are alternatives can't be asked for")
    prefix, date = (options[0][:2], options[0][2:]) if options[0][:2].isalpha() else ("eq", options[0])
    first, last = mhd.span(date)
    limits = {"eq": (first, last), "ge": (first, None), "gt": (last, None), "sa": (last, None), "lt": (None, first), "eb": (None, first),
              "le": (None, last)}.get(prefix)
    if limits is None:
        raise mhd.BadResource(f"The prefix {prefix} of a date is not supported")
    for ask in asks:
        for end, limit, narrower in (("From", limits[0], max), ("To", limits[1], min)):
            if limit:
                bounds[f"{ask}{end}"] = narrower(limit, bounds.get(f"{ask}{end}", limit), key=lambda time: time.ljust(14, "0"))


def _identified(entry, system, value):
    """Whether an identifier of a resource is that of a token: its uniqueId or entryUUID."""
    resource = mhd.to_fhir(entry)
    return any(one["value"] == value and system in (None, one["system"]) for one in (
        *mhd.elements(resource, "masterIdentifier"), *mhd.elements(resource, "identifier")))


def _refers(entry, system, value):
    found = [mhd.identifier_of(one) for one in entry.get("referenceIdList", ())]
    return any(one["value"] == value and system in (None, one.get("system", "")) for one in found)


def _called(xcn, names):
    """Whether a person's names begin so, as a string of FHIR does: without regard to case."""
    parts = dict(zip(("family", "given"), [*xcn.split("^")[1:3], "", ""], strict=False))
    return all(parts[which].casefold().startswith(name.casefold()) for which, name in names.items())
