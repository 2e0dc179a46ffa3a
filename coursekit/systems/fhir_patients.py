"""The patient index over FHIR R4: PIXm and PDQm (IHE ITI-83, ITI-78, ITI-119, ITI-104), JSON over HTTP.

    with PixManager() as manager, FhirPatients(manager.index) as fhir:
        fhir.url                                        # GET .../Patient/$ihe-pix?sourceIdentifier=urn:oid:2.999.1.1|HV100234

It stands on the same PatientIndex as PIX and PDQ over MLLP, so the answers are the same.

Sources: IHE PIXm 3.0.4 and PDQm 3.x (profiles.ihe.net); FHIR R4 (4.0.1) Patient, Parameters, Bundle, OperationOutcome.
"""

import asyncio
import json
import re

from coursekit.systems.patient_index import LINK, REVIEW, Identifier, Person, UnknownDomain, UnknownIdentifier, score
from coursekit.systems.transaction_audit import FhirRequest
from coursekit.systems.web import WebServer

JSON = "application/fhir+json"
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
GENDERS = {"F": "female", "M": "male", "O": "other", "U": "unknown"}
SEXES = {word: letter for letter, word in GENDERS.items()}
OID = "urn:oid:"
SEARCH = {"family": "family", "given": "given", "birthdate": "birth_date", "gender": "sex", "address-city": "city", "address-postalcode": "zip",
          "telecom": "phone"}


class Outcome(Exception):
    """A request that is answered with an OperationOutcome: HTTP status, issue code, a sentence."""

    def __init__(self, status, code, sentence):
        super().__init__(sentence)
        self.status, self.code = status, code


class FhirPatients(WebServer):
    """The FHIR side of a PatientIndex. `certificates` as of ``WebServer``; feeds and queries leave a record where `audit` is set."""

    def __init__(self, index, name="NMH_FHIR", port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.index = index

    @property
    def url(self):
        """The base to which /Patient is added."""
        return f"{self.origin}/fhir"

    def _application(self):
        from tornado.web import Application, RequestHandler

        system = self

        class Door(RequestHandler):
            """One request."""

            def get(self, operation):
                """Search or ask."""
                served = {None: ("ITI-78", system.search), "$ihe-pix": ("ITI-83", system.cross_reference)}
                transaction, work = served.get(operation, ("", None))
                return self._do(work, self._arguments(), transaction=transaction)

            def post(self, operation):
                """$match, or an operation whose parameters come in the body."""
                return self._do(system.match if operation == "$match" else None, self._body(), transaction="ITI-119")

            def put(self, operation):
                """A patient's record as a hospital has it now."""
                return self._do(system.feed if operation is None else None, self._arguments(), self._body(), transaction="ITI-104")

            def _arguments(self):
                return {name: [self.get_query_argument(name)] if len(values) == 1 else self.get_query_arguments(name)
                        for name, values in self.request.query_arguments.items()}

            def _body(self):
                try:
                    return json.loads(self.request.body or b"null")
                except ValueError:
                    return None

            async def _do(self, work, *given, transaction=""):
                path = self.request.path.removeprefix("/fhir")
                system.journal.add("client", system.name, f"{self.request.method} {path}")
                try:
                    if work is None:
                        raise Outcome(404, "not-supported", f"{self.request.method} {path} is not served here.")
                    status, resource = work(*given)
                except Outcome as problem:
                    status, resource = problem.status, {"resourceType": "OperationOutcome", "issue": [
                        {"severity": "error", "code": problem.code, "diagnostics": str(problem)}]}
                system.journal.add(system.name, "client", str(status), resource["resourceType"])
                if system.audit and work:
                    asked, told = FhirRequest(self.request.uri, self.request.body), "Success" if status < 400 else "Failure"
                    await asyncio.get_running_loop().run_in_executor(
                        None, system.audit.note, system.name, transaction, system.caller(self.request), asked, status, told)
                self.set_status(status)
                self.set_header("Content-Type", f"{JSON}; charset=utf-8")
                self.finish(json.dumps(resource, ensure_ascii=False, indent=1))

            def log_exception(self, kind, value, trace):
                """Nothing for the notebook to print."""

        return Application([(r"/fhir/Patient(?:/(\$[a-z-]+))?/?", Door)], log_function=lambda handler: None)

    # ITI-83

    def cross_reference(self, arguments):
        """$ihe-pix: (status, Parameters). Raises Outcome."""
        source = self._identifier(arguments.get("sourceIdentifier", [""])[0])
        wanted = []
        for text in arguments.get("targetSystem", ()):
            for one in text.split(","):
                domain = one.strip().removeprefix(OID)
                if domain not in self.index.domains:
                    raise Outcome(403, "code-invalid", "targetSystem not found")
                wanted.append(domain)
        try:
            others = self.index.cross_reference(source, wanted or None)
        except UnknownIdentifier:
            raise Outcome(404, "not-found", "sourceIdentifier Patient Identifier not found") from None
        return 200, {"resourceType": "Parameters", "parameter": [
            {"name": "targetIdentifier", "valueIdentifier": _as_identifier(one)} for one in others]}

    def _identifier(self, text):
        system, bar, number = text.partition("|")
        if not bar or not number or not system.startswith(OID):
            raise Outcome(400, "invalid", "An identifier is written as urn:oid:...|number.")
        domain = system.removeprefix(OID)
        if domain not in self.index.domains:
            raise Outcome(400, "invalid", "sourceIdentifier Assigning Authority not found")
        return Identifier(domain, number)

    # ITI-78

    def search(self, arguments):
        """Patient?family=...&birthdate=...: (status, Bundle). Raises Outcome."""
        criteria, domains = {}, []
        for name, values in arguments.items():
            field, _, modifier = name.partition(":")
            value = values[0]
            if field in ("_format", "active"):
                continue
            if field == "identifier":
                system, bar, number = value.partition("|")
                if bar and system:
                    domain = system.removeprefix(OID)
                    if domain not in self.index.domains:
                        raise Outcome(404, "not-found", "The assigning authority of identifier is not known.")
                    if number:
                        criteria["domain"] = domain
                    else:
                        domains.append(domain)          # the domain alone: whose numbers are wanted
                if number or not bar:
                    criteria["number"] = number or value
            elif field in SEARCH:
                if field == "birthdate":
                    value = value.removeprefix("eq").replace("-", "")
                elif field == "gender":
                    value = SEXES.get(value, value)
                elif modifier != "exact":
                    value = value.rstrip("*") + "*"     # a string matches what begins with it (FHIR search, string)
                criteria[SEARCH[field]] = value
            else:
                raise Outcome(400, "not-supported", f"{name} can't be searched by.")
        if not criteria and not domains:
            raise Outcome(400, "required", "The search names nothing to search by.")
        found = self.index.search(criteria, domains or None)
        return 200, self._bundle([(self.patient(numbers, person), {"mode": "match"}) for numbers, person in found])

    def _bundle(self, found):
        """The answer to a search: found is a list of (Patient, how it was found)."""
        entries = [{"fullUrl": f"{self.url}/Patient/{patient['id']}", "resource": patient, "search": how} for patient, how in found]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(entries)} | _full({"entry": entries})

    def patient(self, numbers, person):
        """A Patient resource."""
        resource = {"resourceType": "Patient", "id": f"{numbers[0].domain}.{numbers[0].number}".replace("_", "-")[:64],
                    "identifier": [_as_identifier(one) for one in numbers],
                    "name": [_full({"family": person.family, "given": [one for one in (person.given, person.middle) if one]})]}
        if person.sex:
            resource["gender"] = GENDERS.get(person.sex, "unknown")
        if len(person.birth_date) == 8:
            resource["birthDate"] = f"{person.birth_date[:4]}-{person.birth_date[4:6]}-{person.birth_date[6:]}"
        address = _full({"line": [person.street] if person.street else [], "city": person.city, "postalCode": person.zip})
        if address:
            resource["address"] = [address]
        if person.phone:
            resource["telecom"] = [{"system": "phone", "value": person.phone}]
        return resource

    # ITI-119

    def match(self, parameters):
        """$match: (status, Bundle), the likeliest first, with a score from 0 to 1 and a grade. Raises Outcome."""
        given = {one.get("name"): one for one in (parameters or {}).get("parameter", ())} if isinstance(parameters, dict) else {}
        resource = given.get("resource", {}).get("resource")
        if not isinstance(resource, dict) or resource.get("resourceType") != "Patient":
            raise Outcome(400, "required", "$match takes Parameters with a resource, which is a Patient.")
        asked = person_of(resource)
        best = max(score(asked, asked), LINK)
        certain_only = bool(given.get("onlyCertainMatches", {}).get("valueBoolean"))
        found = {}
        for identifier, person, cluster in self.index.identities():
            points = score(asked, person)
            if points >= (LINK if certain_only else REVIEW) and points > found.get(cluster, (0.0,))[0]:
                found[cluster] = (points, identifier, person)
        ranked = sorted(found.values(), key=lambda one: (-one[0], one[1]))[:given.get("count", {}).get("valueInteger", 100)]
        entries = []
        for points, identifier, person in ranked:
            grade = "certain" if points >= LINK else "probable" if points >= (LINK + REVIEW) / 2 else "possible"
            numbers = [identifier, *self.index.cross_reference(identifier)]
            entries.append((self.patient(numbers, person), {"mode": "match", "score": round(min(points / best, 1.0), 2),
                                                            "extension": [{"url": GRADE, "valueCode": grade}]}))
        return 200, self._bundle(entries)

    # ITI-104

    def feed(self, arguments, resource):
        """PUT Patient?identifier=...: (status, Patient); 201 for a new one. A link of type replaced-by merges. Raises Outcome."""
        identifier = self._identifier(arguments.get("identifier", [""])[0])
        if not isinstance(resource, dict) or resource.get("resourceType") != "Patient":
            raise Outcome(400, "structure", "The body is no Patient.")
        if _as_identifier(identifier) not in [{key: one.get(key) for key in ("system", "value")} for one in resource.get("identifier", ())]:
            raise Outcome(400, "invalid", "The Patient does not have the identifier of the address.")
        replaced = next((link["other"].get("identifier", {}) for link in resource.get("link", ()) if link.get("type") == "replaced-by"), None)
        try:
            if replaced is not None:
                survivor = self._identifier(f"{replaced.get('system')}|{replaced.get('value')}")
                self.index.merge(survivor, identifier)
                return 200, resource
            new = identifier not in [one for one, _, _ in self.index.identities()]
            self.index.admit(identifier, person_of(resource))
        except (UnknownIdentifier, UnknownDomain) as problem:
            raise Outcome(422, "business-rule", str(problem)) from None
        return 201 if new else 200, resource


def person_of(resource):
    """The Person of a Patient resource."""
    name = (resource.get("name") or [{}])[0]
    given = name.get("given") or []
    address = (resource.get("address") or [{}])[0]
    phone = next((one.get("value", "") for one in resource.get("telecom", ()) if one.get("system") in ("phone", None)), "")
    return Person(name.get("family", ""), given[0] if given else "", given[1] if len(given) > 1 else "",
                  re.sub(r"\D", "", resource.get("birthDate", "")), SEXES.get(resource.get("gender", ""), ""),
                  (address.get("line") or [""])[0], address.get("city", ""), address.get("postalCode", ""), phone)


def _full(parts):
    """What has a value: FHIR's JSON knows neither empty texts nor empty lists (R4, json.html)."""
    return {name: value for name, value in parts.items() if value}


def _as_identifier(identifier):
    return {"system": f"{OID}{identifier.domain}", "value": identifier.number}
