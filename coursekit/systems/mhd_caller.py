"""A document source and a document consumer of MHD: the other side of FhirDocuments, a function for each transaction.

    mhd_provide(fhir.url, entries, {"Document01": octets})                                              # ITI-65
    mhd_find(fhir.url, {"patient.identifier": "urn:oid:2.999.1.9|NM100017", "status": "current"})       # ITI-67
    mhd_lists(fhir.url, {"code": "submissionset", ...})                                                 # ITI-66
    mhd_retrieve(resource["content"][0]["attachment"]["url"])                                           # ITI-68

Each returns an Answer and raises NoAnswer when there is none. `sender` is a name, or a ``web.Caller``.

Sources: IHE MHD 4.2.3 2:3.65, 2:3.66, 2:3.67, 2:3.68.
"""

import base64
import hashlib
import http.client
import json
import ssl
import uuid
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from coursekit.standards.xds import facts, mhd
from coursekit.standards.xds.facts import ASSOCIATION
from coursekit.standards.xds.metadata import Problem
from coursekit.systems import certificates
from coursekit.systems.document_sharing import SENDER
from coursekit.systems.fhir_patients import JSON
from coursekit.systems.transaction_audit import FhirRequest
from coursekit.systems.web import Caller, NoAnswer


@dataclass
class Answer:
    """What came back.

    status     : of HTTP
    media_type : of what came
    octets     : what came
    """

    status: int
    media_type: str
    octets: bytes

    def __repr__(self):
        return f"<{self.status}, {self.media_type}, {len(self.octets):,} bytes>"

    @property
    def resource(self):
        """The resource that came, {} if it was none."""
        found = json.loads(self.octets) if "json" in self.media_type else {}
        return found if isinstance(found, dict) else {}

    @property
    def resources(self):
        """The resources that a search found."""
        return mhd.elements(self.resource, "entry.resource")

    @property
    def entries(self):
        """What a search found as Entry, each with what FHIR says of it."""
        return [mhd.from_fhir(one) for one in self.resources]

    @property
    def locations(self):
        """Where the resources of a bundle are, in its order."""
        return mhd.elements(self.resource, "entry.response.location")

    @property
    def problems(self):
        """The issues of an OperationOutcome as a list of Problem, whose codes are XDS's where it says them, else FHIR's."""
        issues = [one for path in ("issue", "entry.response.outcome.issue") for one in mhd.elements(self.resource, path)]
        return [Problem((mhd.elements(one, "details.coding.code") or [one.get("code", "")])[0], one.get("diagnostics", ""),
                        one.get("severity") == "warning") for one in issues]


def mhd_provide(url, entries, documents, sender=SENDER):
    """ITI-65, Provide Document Bundle: metadata (list of Entry) and documents, {entry's id: bytes}."""
    return ask(url, "POST", json.dumps(bundle(entries, documents)).encode("utf-8"), sender=sender, transaction="ITI-65")


def bundle(entries, documents):
    """The Bundle of ITI-65 for a submission of XDS: its entries, as document_sharing.provide takes them, and its documents."""
    names = {entry.id: entry.id if entry.id.startswith(mhd.UUID) else f"{mhd.UUID}{uuid.uuid4()}" for entry in entries}
    links = [entry for entry in entries if entry.kind == ASSOCIATION]
    parts = []

    def add(name, resource):
        parts.append({"fullUrl": name, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}})

    for entry in entries:
        if entry.kind == ASSOCIATION:
            continue
        octets, binary = documents.get(entry.id), f"{mhd.UUID}{uuid.uuid4()}"
        if octets is not None:                          # a source says both, and accurately (2:3.65.4.1.2.1)
            entry = entry.copy(hash=entry.get("hash") or hashlib.sha1(octets).hexdigest(), size=entry.get("size") or str(len(octets)))
        resource = mhd.to_fhir(entry.copy(entryUUID=names[entry.id]), binary)
        # A set's members that are the memberships of folders are no affair of FHIR. What is not in the bundle is on the server.
        targets = [(link["type"], names.get(link["target"], f"DocumentReference/{link['target'].removeprefix(mhd.UUID)}")) for link in links
                   if link["source"] == entry.id and link["target"] not in {one.id for one in links}]
        items = [{"item": {"reference": target}} for kind, target in targets if kind == facts.HAS_MEMBER]
        relations = [{"code": mhd.RELATES[kind], "target": {"reference": target}} for kind, target in targets if kind in mhd.RELATES]
        add(names[entry.id], resource | ({"entry": items} if items else {}) | ({"relatesTo": relations} if relations else {}))
        for kind, target in targets:
            if kind == facts.RPLC:                      # says that the other one is superseded from now on (2:3.65.4.1.2.3)
                parts.append({"fullUrl": f"{mhd.UUID}{uuid.uuid4()}", "request": {"method": "PATCH", "url": target}, "resource": {
                    "resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
                        {"name": "type", "valueCode": "replace"}, {"name": "path", "valueString": "DocumentReference.status"},
                        {"name": "value", "valueCode": "superseded"}]}]}})
        if octets is not None:
            add(binary, {"resourceType": "Binary", "contentType": entry.get("mimeType"), "data": base64.b64encode(octets).decode("ascii")})
    return {"resourceType": "Bundle", "meta": {"profile": [f"{mhd.PROFILES}IHE.MHD.Comprehensive.ProvideBundle"]}, "type": "transaction",
            "entry": parts}


def mhd_find(url, search, sender=SENDER):
    """ITI-67, Find Document References: {parameter: value, or a list of values that each have to be fulfilled}."""
    return ask(f"{url}/DocumentReference?{urlencode(search, doseq=True)}", sender=sender, transaction="ITI-67")


def mhd_lists(url, search, sender=SENDER):
    """ITI-66, Find Document Lists: parameters as of `mhd_find`, with code submissionset or folder."""
    return ask(f"{url}/List?{urlencode(search, doseq=True)}", sender=sender, transaction="ITI-66")


def mhd_retrieve(url, accept="*/*", sender=SENDER):
    """ITI-68, Retrieve Document: what an attachment's url leads to."""
    return ask(url, accept=accept, sender=sender, transaction="ITI-68")


def ask(url, method="GET", body=None, accept=JSON, sender=SENDER, seconds=30.0, transaction=""):
    """A request over HTTP, whose body is JSON; `sender` is a name, or a ``web.Caller``. Returns the Answer.

    transaction : as what a caller with a trail records it; "" leaves no record
    """
    where, caller = urlsplit(url), sender if isinstance(sender, Caller) else Caller(sender)
    if where.scheme == "https":
        context = certificates.caller_context(caller.certificates)
        connection = http.client.HTTPSConnection(where.hostname, where.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=seconds)
    headers = {"Accept": accept, "X-Sender": caller.name, **({"Content-Type": JSON} if body is not None else {})}
    status, told = None, "Failure"
    try:
        connection.request(method, f"{where.path}?{where.query}" if where.query else where.path, body, headers)
        response = connection.getresponse()
        answer = Answer(response.status, response.headers.get("Content-Type", ""), response.read())
        status, told = answer.status, "Success" if answer.status < 400 else "Failure"
        return answer
    except (OSError, http.client.HTTPException) as problem:
        said = certificates.why(problem) if isinstance(problem, ssl.SSLError) else type(problem).__name__
        raise NoAnswer(f"{where.hostname} does not answer over HTTP ({said}).") from None
    finally:
        connection.close()
        if caller.audit:
            caller.audit.asked(caller.name, transaction, url.partition("?")[0], FhirRequest(url, body or b""), status, told)
