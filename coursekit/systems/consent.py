"""What patients allow: policies that they acknowledge, and who may therefore see which documents (in the way of IHE BPPC and APPC).

    consents = Consents(POLICIES, default=OPT_IN_NEEDED)
    consents.acknowledge(Consent("NM100017^^^&2.999.1.9&ISO", "2.999.1.9.20.1", start="20250101"))
    consents.decide(user, entry)                        # Decision: whether, why, and what has to be done besides
    consents.visible(entries, user, "NMH_RESPONDING", audit)                   # what is left of an answer; each decision leaves a record

`user` is an ``xua.Assertion``: one that was checked, or what a consumer itself knows of its user.

Sources: IHE ITI TF-1 19 (BPPC: implied and explicit consent, opt-in, opt-out), TF-2 3.18.4.1.3.5 (enforcement at a consumer), TF-3 5.1.2.1
(acknowledgements as documents); APPC (rules by role, purpose, person and organization); HL7 v3 ActReason (purposes), Confidentiality;
XACML 3.0 7.18 (obligations: who can't fulfil one denies).
"""

from dataclasses import replace
from typing import NamedTuple

from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import ASSOCIATION, DOCUMENT
from coursekit.standards.xds.metadata import Code

CONFIDENTIALITY = "2.16.840.1.113883.5.25"
LEVELS = ("U", "L", "M", "N", "R", "V")                 # unrestricted, low, moderate, normal, restricted, very restricted
_ACT_REASON, _ROLES = "2.16.840.1.113883.5.8", "2.999.1.9.16"
TREATMENT, EMERGENCY = Code("TREAT", _ACT_REASON, "treatment"), Code("ETREAT", _ACT_REASON, "emergency treatment")
PAYMENT, RESEARCH = Code("HPAYMT", _ACT_REASON, "payment"), Code("HRESCH", _ACT_REASON, "research")
ON_REQUEST = Code("PATRQT", _ACT_REASON, "the patient's own request")
PHYSICIAN, RADIOLOGIST, NURSE = (Code(one.upper(), _ROLES, one) for one in ("physician", "radiologist", "nurse"))
RESEARCHER, CLERK, PATIENT = (Code(one.upper(), _ROLES, one) for one in ("researcher", "clerk", "patient"))
AUDIT, NOTICE = "audit", "notice"                       # obligations: leave a record of it; tell the patient
ACKNOWLEDGEMENT = Code("57016-8", "2.16.840.1.113883.6.1")                     # classCode of acknowledgements (TF-3 5.1.2.1.1.1)


class Rule(NamedTuple):
    """What a policy permits.

    roles, purposes : tuples of Code; a user needs one of each
    most        : the highest confidentiality of a document, one of LEVELS
    obligations : what has to be done when the rule is made use of

    The role PATIENT is that of patients who ask for their own documents, and of those who speak for a minor.
    """

    roles: tuple
    purposes: tuple
    most: str = "N"
    obligations: tuple = ()


class Policy(NamedTuple):
    """A privacy policy of a domain: its OID, what it's called, and the Rules of what it permits. All else it denies."""

    oid: str
    title: str
    rules: tuple = ()


class Consent(NamedTuple):
    """That a patient has acknowledged a policy. Times are in UTC, YYYY[MM[DD[hh[mm[ss]]]]].

    patient : CX
    policy  : OID
    start, end, revoked : since when it holds, until when, and when the patient took it back; "" for never
    by      : the user who gave it in the name of a minor; "" for the patient
    barred  : users and organizations (urn:oid:...) that the patient shuts out, whatever the policy says
    """

    patient: str
    policy: str
    start: str
    end: str = ""
    revoked: str = ""
    by: str = ""
    barred: frozenset = frozenset()


class Voice(NamedTuple):
    """Who may speak for a patient: a user, until the day that a minor comes of age; "" for the patient."""

    patient: str
    user: str
    until: str = ""


class Decision(NamedTuple):
    """Whether a user may see a document, why, what has to be done then, and whether it's an emergency that breaks the glass."""

    permit: bool
    reason: str
    obligations: tuple = ()
    emergency: bool = False


class Notice(NamedTuple):
    """What a patient has to be told: who has seen which documents (uniqueIds), when and why."""

    patient: str
    user: str
    moment: str
    reason: str
    documents: tuple


_OWN = Rule((PATIENT,), (ON_REQUEST,), "V")
_GLASS = Rule((PHYSICIAN, RADIOLOGIST), (EMERGENCY,), "R", (AUDIT, NOTICE))
_CARE = Rule((PHYSICIAN, RADIOLOGIST, NURSE), (TREATMENT,), "N")
OPT_IN_NEEDED = Policy("2.999.1.9.20.0", "Nothing is shared before the patient agrees", (_GLASS, _OWN))
POLICIES = (            # the affinity domain's
    OPT_IN_NEEDED,
    Policy("2.999.1.9.20.1", "Share for treatment", (_CARE, _GLASS, _OWN)),
    Policy("2.999.1.9.20.2", "Share for treatment, restricted documents too", (_CARE._replace(most="R"), _GLASS, _OWN)),
    Policy("2.999.1.9.20.3", "Share for treatment and research", (_CARE, Rule((RESEARCHER,), (RESEARCH,), "N"), _GLASS, _OWN)),
    Policy("2.999.1.9.20.4", "Do not share, but in an emergency", (_GLASS, _OWN)),
    Policy("2.999.1.9.20.5", "Do not share, not even in an emergency", (_OWN,)),
)


class Consents:
    """The consents of a domain's patients.

    policies : the Policies of the domain
    default  : the Policy for a patient who has acknowledged none that holds now: an opt-in domain denies by it, an opt-out domain permits
    voices   : Voices: patients' own accounts, and who speaks for minors
    clock    : a function that gives the time in UTC as YYYYMMDDHHMMSS

    `notices` is the list of Notices that emergencies have left.
    """

    def __init__(self, policies=POLICIES, default=OPT_IN_NEEDED, voices=(), clock=None):
        self.policies, self.default, self.voices = {one.oid: one for one in policies}, default, tuple(voices)
        self._clock = clock or (lambda: "20250407060000")
        self._consents, self.notices = [], []

    def acknowledge(self, *consents):
        """Take Consents. Of a patient's, the one that began last counts; when it has ended or was revoked, none does."""
        self._consents += consents

    def revoke(self, patient, moment):
        """A patient takes back the consent that counts now: from `moment` on it does no more."""
        held = self._newest(patient, moment)
        self._consents = [one._replace(revoked=moment) if one is held else one for one in self._consents]

    def decide(self, user, entry):
        """The Decision whether a user may see an object of the registry (an Entry; a document, or a set or folder that holds some)."""
        patient, now = entry.get("patientId", ""), _full(self._clock())
        if user is None:
            return Decision(False, "Nobody says who asks.")
        consent = self._holding(patient, now)
        policy = self.policies.get(consent.policy) if consent else self.default
        if policy is None:
            return Decision(False, f"The patient has acknowledged the policy {consent.policy}, which is not known here.")
        if consent and consent.barred & {user.user, user.organization_id}:
            return Decision(False, f"The patient has barred {user.user if user.user in consent.barred else user.organization_id}.")
        # A document whose label nobody here understands is shown to nobody (3.18.4.1.3.5); sets and folders have none.
        labels = [one.code if one.scheme == CONFIDENTIALITY else "" for one in entry.get("confidentialityCode", ())]
        if entry.kind == DOCUMENT and not (labels and set(labels) <= set(LEVELS)):
            return Decision(False, "The document's confidentialityCode is not understood here.")
        level = max((LEVELS.index(one) for one in labels), default=LEVELS.index("N"))
        return self._by_rules(policy, user, level, self._speaks(user.user, patient, now))

    def _by_rules(self, policy, user, level, speaks):
        purpose = user.purpose.display or user.purpose.code if user.purpose else "no purpose"
        for_purpose = [rule for rule in policy.rules if _has(rule.purposes, (user.purpose,))]
        fitting = [rule for rule in for_purpose if _has(rule.roles, [one for one in user.roles if speaks or not _has((PATIENT,), (one,))])]
        for rule in fitting:
            if level <= LEVELS.index(rule.most):
                return Decision(True, f"“{policy.title}” permits it for {purpose}, up to confidentiality {rule.most}.", rule.obligations,
                                _has((EMERGENCY,), (user.purpose,)))
        if fitting:
            most = max((rule.most for rule in fitting), key=LEVELS.index)
            return Decision(False, f"“{policy.title}” permits documents up to confidentiality {most}; this one is {LEVELS[level]}.")
        if for_purpose:
            roles = ", ".join(one.display or one.code for one in user.roles) or "anybody without a role"
            return Decision(False, f"“{policy.title}” permits it for {purpose}, but not to {roles}.")
        return Decision(False, f"“{policy.title}” permits nothing for {purpose}.")

    def _newest(self, patient, moment):
        begun = [one for one in self._consents if one.patient == patient and _full(one.start) <= _full(moment)]
        return max(begun, key=lambda one: _full(one.start), default=None)

    def _holding(self, patient, now):
        """The consent that counts now, or None. What was said for a minor holds until the minor comes of age, and can speak."""
        newest = self._newest(patient, now)
        if newest is None or any(time and _full(time) <= now for time in (newest.end, newest.revoked)):
            return None
        return newest if not newest.by or self._speaks(newest.by, patient, now) else None

    def _speaks(self, user, patient, now):
        return any(one.patient == patient and one.user == user and (not one.until or now < _full(one.until)) for one in self.voices)

    # Enforcement

    def visible(self, entries, user, name, audit=None):
        """The entries of an answer that a user may see, in order. An association goes with an object that it leads from or to.

        name  : who enforces it, as records name it
        audit : a ``transaction_audit.TransactionAudit``; one record for each patient, decision and reason. Without it nothing is permitted
                that has to be recorded
        """
        groups, hidden = {}, set()
        for entry in entries:
            if entry.kind == ASSOCIATION:
                continue
            decision = self.decide(user, entry)
            if AUDIT in decision.obligations and audit is None:
                decision = Decision(False, "It would have to be recorded, and there is no audit trail.")
            groups.setdefault((entry.get("patientId", ""), decision), []).append(entry.get("uniqueId", ""))
            if not decision.permit:
                hidden.add(entry.id)
        for (patient, decision), documents in groups.items():
            if NOTICE in decision.obligations:
                self.notices.append(Notice(patient, user.user, self._clock(), decision.reason, tuple(documents)))
            if audit is not None:
                audit.decided(name, user, patient, documents, decision.permit, decision.reason, decision.emergency)
        return [one for one in entries if one.id not in hidden and not (
            one.kind == ASSOCIATION and hidden & {one.get("source"), one.get("target")})]

    def enforce(self, answer, user, name, audit=None):
        """A document consumer's part: a ``document_sharing.Answer`` with metadata, without what its user may not see; as of `visible`."""
        seen = self.visible(answer.entries, user, name, audit)
        return replace(answer, entries=seen, ids=[one.id for one in seen])


def acknowledged(entries):
    """The Consents that document entries tell of: approved acknowledgements of policies, whose OIDs are their events (TF-3 5.1.2.1.1)."""
    return [Consent(one["patientId"], event.code, one.get("serviceStartTime") or one["creationTime"], one.get("serviceStopTime", ""))
            for one in entries if one.kind == DOCUMENT and one.get("availabilityStatus") == facts.APPROVED
            and _has((ACKNOWLEDGEMENT,), (one.get("classCode"),)) for event in one.get("eventCodeList", ())]


def _has(wanted, given):
    """Whether one of some Codes is among others; display names do not count."""
    return bool({(one.code, one.scheme) for one in wanted} & {(one.code, one.scheme) for one in given if one})


def _full(moment):
    return moment.ljust(14, "0")
