"""The regional exchange: its patient index, its registry and its log agree with the hospital and with the rules of IHE."""

import datetime
import re

import pytest
from pydicom import uid as uids

from coursekit.hospital import hospital, registry
from coursekit.hospital.flow import flow, span
from coursekit.hospital.incidents import MANIFEST_REFUSED
from coursekit.hospital.story import PARTNER_ASKED

SEEDS = range(1, 13)
# Where each code may occur: IHE ITI TF-3 table 4.2.4.1-2; RAD-69 answers as ITI-43.
ALLOWED = {
    "ITI-42": {"XDSUnknownPatientId", "XDSPatientIdDoesNotMatch", "XDSDuplicateUniqueIdInRegistry", "XDSNonIdenticalHash",
               "XDSNonIdenticalSize", "XDSRegistryBusy", "UnresolvedReferenceException", "XDSRegistryDeprecatedDocumentError"},
    "ITI-18": {"XDSRegistryBusy"}, "ITI-43": {"XDSDocumentUniqueIdError"}, "RAD-69": {"XDSDocumentUniqueIdError"},
}


@pytest.fixture(scope="module", params=(1, 2, 3, (4, 5000)), ids=str)
def h(request):
    return hospital(*request.param) if isinstance(request.param, tuple) else hospital(request.param, "tiny")


@pytest.fixture
def r(h):
    return registry.exchange(h)


def utc(text):
    return datetime.datetime.fromisoformat(text + "+00:00").timestamp()


def ours(entry):
    """What the patient ID of an entry is at home."""
    pid, authority = entry.source_patient_id.split("^^^")
    return {"&2.999.1.1&ISO": "HVGH", "&2.999.1.2&ISO": "ECC"}[authority], pid


def reference(entry, kind):
    return next((value.split("^")[0] for value in entry.reference_ids if value.endswith(kind)), None)


def incident(r, kind):
    return next(one for one in r.incidents if one.id.startswith(kind))


def sent(r, uid):
    return [record for record in r.log if record.transaction == "ITI-42" and uid in record.documents]


def test_feed_and_log_are_in_order_and_within_the_30_days(r):
    for some in (r.feed, r.log):
        times = [one.at_utc for one in some]
        assert times == sorted(times) and len(times) > 100
        assert "2025-03-08 05:30:00" <= times[0] and times[-1] < "2025-04-07 05:30:00"


def test_nothing_is_made_before_it_is_asked_for(h):
    made = registry.Registry(h)
    assert "_region" not in vars(made)
    assert made.log and "_region" in vars(made)


def test_the_same_edition_tells_the_same(h, r):
    again = registry.Registry(h)
    assert again.log == r.log and again.feed == r.feed and again.entries == r.entries and again.incidents == r.incidents


def test_answers_follow_the_rules(r):
    for record in r.log:
        assert {error.code for error in record.errors} <= ALLOWED[record.transaction]
        assert bool(record.errors) == (record.status != registry.SUCCESS)
        if record.status == registry.FAILURE:
            assert record.count == 0
        if record.status == registry.PARTIAL:                  # ITI-42 and ITI-18 to one registry know no partial success
            assert record.transaction in ("ITI-43", "RAD-69") and record.count > 0
    assert {record.status for record in r.log} == {registry.SUCCESS, registry.PARTIAL, registry.FAILURE}
    assert {record.transaction for record in r.log} == ALLOWED.keys()


def test_lines_of_the_log_can_be_taken_apart(r):
    for record in r.log:
        when, transaction, *fields = record.text.split(" ")
        assert when == record.at_utc.replace(" ", "T") + "Z" and transaction == record.transaction
        said = dict(field.split("=", 1) for field in fields if not field.startswith("error="))
        assert said["status"] == record.status and int(said["count"]) == record.count
        assert said["from"].split("/")[0] == record.source
        assert sum(field.startswith("error=") for field in fields) == len(record.errors)


def test_entries_have_the_forms_of_the_technical_framework(r):
    wrong_times = {one.facts["document_uid"] for one in r.incidents if one.id.startswith("F8-05")}
    assert len({entry.entry_uuid for entry in r.entries}) == len({entry.unique_id for entry in r.entries}) == len(r.entries)
    for entry in r.entries:
        assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", entry.entry_uuid)
        for uid in (entry.unique_id, entry.submission_set, entry.repository):
            assert re.fullmatch(r"2\.999(\.(0|[1-9][0-9]*))+", uid) and len(uid) <= 64
        assert re.fullmatch(r"NM\d+\^\^\^&2\.999\.1\.9&ISO", entry.patient_id)
        assert ours(entry)[0] == ("ECC" if entry.source == "ECC_PACS" else "HVGH")
        assert re.fullmatch(r"[0-9a-f]{40}", entry.hash) and entry.size > 2000
        right = re.fullmatch(r"\d{14}", entry.service_start) is not None
        assert right == (entry.unique_id not in wrong_times)
        assert re.fullmatch(r"\d{14}", entry.creation_time) and re.fullmatch(r"\d{14}", entry.service_stop)
        assert not right or entry.service_start <= entry.service_stop <= entry.creation_time
        assert entry.creation_time <= re.sub(r"\D", "", entry.registered_utc)
        assert all(re.fullmatch(r"[^^]+\^\^\^[^^]*\^urn:ihe:iti:xds:\d{4}:\w+", value) for value in entry.reference_ids)
        assert len(entry.title) <= 128


def test_codes_of_the_standards_are_theirs(r):
    assert uids.UID(registry.KOS[0]).name == "Key Object Selection Document Storage"
    assert uids.UID(registry.DICOM_UIDS).name == "DICOM UID Registry"
    assert uids.UID(registry.DCM).name == "DICOM Controlled Terminology"
    for entry in r.entries:
        assert (entry.class_code == registry.IMAGES) == (entry.mime_type == "application/dicom")
        assert (entry.format_code[:2] == ("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.2.6.1")) == (
            entry.mime_type == "application/dicom")
        assert all(scheme == "1.2.840.10008.2.16.4" for _, scheme, _ in entry.event_codes)


def test_manifests_are_of_studies_of_the_archive(h, r):
    columns, rows = h.pacs.rows("SELECT study_uid, accession, status, deleted, n_instances, created_utc, pk FROM study")
    studies = {row[0]: dict(zip(columns, row)) for row in rows}
    began = h.truth["study_person"]["began_utc"]
    manifests = [entry for entry in r.entries if entry.source == "HV_VNA"]
    assert len(manifests) > 50
    for entry in manifests:
        study = studies[reference(entry, registry.STUDY)]
        assert reference(entry, registry.ACCESSION) == study["accession"] and not study["deleted"] and study["n_instances"] > 0
        assert entry.service_start == re.sub(r"\D", "", began[study["pk"] - 1])
        assert entry.registered_utc > study["created_utc"]
        waited = utc(entry.registered_utc) - utc(study["created_utc"])
        assert study["status"] == "READ" or waited > 4 * 3600 - 300        # what nobody reported goes out after four hours


def test_reports_are_those_of_the_feed_and_corrections_replace_them(h, r):
    final = {message.control_id[1:-1]: message.at_utc for message in h.feed
             if message.receiver == "EMR" and message.event == "ORU^R01" and message.control_id.endswith("F")}
    corrected = {message.control_id[1:-1] for message in h.feed if message.receiver == "EMR" and message.control_id.endswith("C")}
    refused = {entry.unique_id for entry in r.refused}
    reports = [entry for entry in r.entries if entry.source == "EMR"]
    by_uuid = {entry.entry_uuid: entry for entry in r.entries}
    for entry in reports:
        study, version = entry.unique_id.split(".")[4:]
        assert entry.registered_utc > final[study]
        assert entry.status == ("Deprecated" if version == "1" and study in corrected and f"{entry.unique_id[:-1]}2" in {
            one.unique_id for one in reports} else "Approved")
        if version == "2":
            assert study in corrected and by_uuid[entry.replaces].unique_id == entry.unique_id[:-1] + "1"
    known = {entry.unique_id for entry in reports} | refused
    dicom = dict(h.pacs.rows("SELECT pk, n_series FROM study")[1])
    for study, at in final.items():
        if at < "2025-04-07 05:20:00" and dicom[int(study)]:
            assert f"2.999.120.2.{study}.1" in known


def test_a_person_has_one_approved_version_of_each_document(r):
    approved = [entry for entry in r.entries if entry.status == "Approved"]
    assert len({entry.unique_id.rsplit(".", 1)[0] for entry in approved}) == len(approved)


def test_who_is_linked_and_who_is_not(h, r):
    people = h.truth["people"]
    assert r.links["HVGH", people["P5"]["pid"]] == r.links["ECC", people["P5 at Eastcliff"]["pid"]]
    assert r.links["HVGH", people["P4a"]["pid"]] != r.links["HVGH", people["P4b"]["pid"]]
    both = {master for (domain, _), master in r.links.items() if domain == "ECC"} & {
        master for (domain, _), master in r.links.items() if domain == "HVGH"}
    assert len(both) >= 4
    by_master = {}
    for key, master in r.links.items():
        by_master.setdefault((key[0], master), []).append(key)
    assert all(len(keys) == 1 for keys in by_master.values())               # two IDs of one domain become one by a merge alone
    wrong, missed = incident(r, "F8-08").facts, incident(r, "F8-09").facts
    assert r.false_links == [r.links["ECC", wrong["ecc_id"]]] and r.links["HVGH", wrong["patient_id"]] == r.false_links[0]
    assert r.persons["ECC", wrong["ecc_id"]] != r.persons["HVGH", wrong["patient_id"]]
    assert r.missed_links == sorted({incident(r, "F8-04").facts["surviving_id"], missed["patient_id"]})
    assert r.links["ECC", missed["ecc_id"]] != r.links["HVGH", missed["patient_id"]]


def test_the_feed_knows_the_hospital_s_patients_and_merges(h, r):
    f = flow(h, *span())
    typed = set(h.truth["typed_for"]) | {h.truth["case_17"]["typed_patient_pk"]}
    told = {(event.domain, event.patient_id) for event in r.feed}
    for patient in f.patients.values():
        key = patient.issuer, patient.pid
        if patient.pk in typed:
            assert key not in told and key not in r.links
        elif patient.merged_into is None and patient.pid != h.truth["case_17"]["temporary_id"]:
            assert key in r.links
            assert patient.created < f.since or key in told
    merges = {(event.retired_id, event.patient_id) for event in r.feed if event.trigger == "A40" and event.answer == "AA"}
    for patient in f.patients.values():
        if patient.merged_into is not None and f.since <= patient.updated < f.until - 60:
            assert (patient.pid, f.patients[patient.merged_into].pid) in merges
    case = h.truth["case_17"]
    assert (case["temporary_id"], case["patient_id"]) in merges
    assert r.retired["HVGH", case["temporary_id"]] == ("HVGH", case["patient_id"])
    assert {(event.trigger, event.answer, event.error) for event in r.feed if event.answer != "AA"} == {
        ("A34", "AR", "201"), ("A40", "AE", "204")}


def test_links_of_an_earlier_day(h, r):
    case = h.truth["case_17"]
    before, after = r.links_at("2025-03-30 04:00:00"), r.links_at("2025-03-30 05:06:00")
    old, own = ("HVGH", case["temporary_id"]), ("HVGH", case["patient_id"])
    assert before[old] != before[own] and old not in after and after[own] == before[own]
    assert r.links_at("2025-04-07 05:30:00") == r.links


def test_case_17_was_refused_and_the_partner_found_nothing(h, r):
    case = h.truth["case_17"]
    refused, = (record for record in r.log if f"{case['study_uid']}^^^^{registry.STUDY}" in record.references)
    assert utc(refused.at_utc) == MANIFEST_REFUSED and refused.source == "HV_VNA"
    assert refused.patient_id == f"{case['typed_id']}^^^&2.999.1.1&ISO" and refused.status == "Failure"
    assert [error.code for error in refused.errors] == ["XDSUnknownPatientId"]
    asked = next(record for record in r.log if utc(record.at_utc) == PARTNER_ASKED)
    assert asked.source == "ECC_PORTAL" and asked.transaction == "ITI-18" and asked.count == 0 and asked.status == "Success"
    assert asked.patient_id == f"{r.links['HVGH', case['patient_id']]}^^^&2.999.1.9&ISO"
    assert case["study_uid"] not in {reference(entry, registry.STUDY) for entry in r.entries}
    assert any(reference(entry, registry.STUDY) == case["study_uid"] for entry in r.refused)


def test_queries_count_what_was_approved_then(r):
    """Worked out anew from entries, feed and parameters, for every query that the registry answered."""
    replaced = {entry.replaces: entry.registered_utc for entry in r.entries if entry.replaces}
    for record in r.log:
        if record.transaction != "ITI-18" or record.status != "Success":
            continue
        masters = r.links_at(record.at_utc)
        wanted, modality = (record.keys.get("$XDSDocumentEntry" + key) for key in ("ReferenceIdList", "EventCodeList"))
        since = record.keys.get("$XDSDocumentEntryServiceStartTimeFrom", "")
        found = []
        for entry in r.entries:
            if not entry.registered_utc <= record.at_utc < replaced.get(entry.entry_uuid, "9"):
                continue
            home = ours(entry)
            if home not in masters:
                home = r.retired.get(home, home)
            if (record.patient_id == f"{masters.get(home)}^^^&2.999.1.9&ISO" and entry.service_start >= since
                    and (wanted is None or wanted[2:-2] in entry.reference_ids)
                    and (modality is None or any(f"('{code}^^{scheme}')" == modality for code, scheme, _ in entry.event_codes))):
                found.append(entry.unique_id)
        assert sorted(found) == sorted(record.documents) and record.count == len(found), record.text


@pytest.mark.parametrize("seed", SEEDS)
def test_every_incident_leaves_traces_that_agree(seed):
    h = hospital(seed, "tiny")
    found = registry.incidents(h)
    assert {one.kind for one in found} == set(registry.KINDS.values())
    for one in [h.incidents[0], *found]:
        evidence = registry.trace(h, one)
        assert one.id == "C17" or one.systems == ("registry",)
        moments = {shown.what for shown in evidence}
        for key, value in one.facts.items():
            if key.endswith("_utc") and one.id != "C17" and key not in ("corrected_utc", "from_utc", "to_utc"):
                assert key[:-4] in moments, (one.id, key)
        for shown in evidence:
            assert all(one.facts[key] == value for key, value in shown.ids.items()), (one, shown)
            assert shown.ids or shown.what.startswith("asked")
            instant = one.facts.get(shown.what + "_utc")
            assert instant is None or abs(utc(instant) - utc(shown.at_utc)) <= 5, (one, shown)
    assert {"registered", "manifest_refused", "partner_asked"} <= {one.what for one in registry.trace(h, h.incidents[0])}
    assert registry.trace(h, next(one for one in h.incidents if one.id.startswith("A1"))) == []


def test_traces_are_found_by_the_facts_alone():
    h = hospital(1, "tiny")
    for kind, key in (("F8-02", "document_uid"), ("F8-04", "retired_id"), ("F8-09", "ecc_id")):
        one = incident(registry.exchange(h), kind)
        elsewhere = registry.trace(h, one._replace(facts={**one.facts, key: "2.999.7"}))
        assert len(elsewhere) < len(registry.trace(h, one))
    case = h.incidents[0]
    assert "registered" not in {one.what for one in registry.trace(h, case._replace(facts={**case.facts, "temporary_id": "HVTMP1"}))}


def test_a_stale_manifest_stays_approved_and_its_images_are_missing(r):
    facts = incident(r, "F8-01").facts
    entry, = (entry for entry in r.entries if reference(entry, registry.STUDY) == facts["study_uid"] and entry.source == "HV_VNA")
    assert entry.status == "Approved" and entry.unique_id == facts["document_uid"]
    partly, = (record for record in r.log if record.transaction == "RAD-69" and record.at_utc == facts["retrieved_utc"])
    assert partly.status == "PartialSuccess" and len(partly.errors) == facts["n_rejected"] and partly.count > 0
    replaced = [entry for entry in r.entries if entry.source == "HV_VNA" and entry.replaces]
    assert replaced                                                         # others were put right


def test_refusals_are_for_the_planted_reasons(r):
    for kind, code in (("F8-02", "XDSNonIdenticalHash"), ("F8-03", "XDSPatientIdDoesNotMatch"),
                       ("F8-06", "UnresolvedReferenceException"), ("F8-07", "XDSDuplicateUniqueIdInRegistry")):
        facts = incident(r, kind).facts
        refused, = (record for record in sent(r, facts["document_uid"]) if record.errors)
        assert refused.at_utc == facts["refused_utc"] and refused.errors[0].code == code
    facts = incident(r, "F8-02").facts
    held, = (entry for entry in r.entries if entry.unique_id == facts["document_uid"])
    other, = (entry for entry in r.refused if entry.unique_id == facts["document_uid"])
    assert held.hash != other.hash
    facts = incident(r, "F8-06").facts
    held, = (entry for entry in r.entries if entry.unique_id == facts["replaced_uid"])
    assert held.status == "Approved"
    facts = incident(r, "F8-07").facts
    first, second = (record for record in sent(r, facts["document_uid"]))
    assert not first.errors and second.errors[0].context == facts["submission_set"]


def test_the_merge_that_never_arrived_hides_a_document(r):
    facts = incident(r, "F8-04").facts
    by_new, by_old = (next(record for record in r.log if record.transaction == "ITI-18" and record.at_utc == facts[key])
                      for key in ("asked_utc", "asked_old_utc"))
    assert facts["document_uid"] in by_old.documents and facts["document_uid"] not in by_new.documents
    assert by_old.patient_id != by_new.patient_id


def test_wrong_links_show_too_much_or_too_little(r):
    wrong, missed = incident(r, "F8-08").facts, incident(r, "F8-09").facts
    shown = next(record for record in r.log if record.transaction == "ITI-18" and record.at_utc == wrong["asked_utc"])
    owners = {ours(entry) for entry in r.entries if entry.unique_id in shown.documents}
    assert ("HVGH", wrong["patient_id"]) in owners
    hidden = next(record for record in r.log if record.transaction == "ITI-18" and record.at_utc == missed["asked_utc"])
    assert hidden.count == 0
    assert any(ours(entry) == ("HVGH", missed["patient_id"]) and entry.registered_utc < missed["asked_utc"] for entry in r.entries)


def test_one_consumer_asks_the_wrong_repository(r):
    facts = incident(r, "F8-10").facts
    repository = {entry.unique_id: entry.repository for entry in r.entries}
    for record in r.log:
        if record.transaction == "ITI-43" and record.source == "GP_AGENDA":
            wrong = [uid for uid in record.documents if repository[uid] != repository[record.documents[0]]]
            assert len(record.errors) == len(wrong) and record.count == len(record.documents) - len(wrong)
        elif record.transaction == "ITI-43":
            assert record.status == "Success"
    partly = next(record for record in r.log if record.source == "GP_AGENDA" and record.at_utc == facts["retrieved_utc"])
    assert set(partly.documents) == {facts["document_uid"], facts["manifest_uid"]} and partly.status == "PartialSuccess"


def test_what_a_busy_registry_refused_is_sent_again(r):
    facts = incident(r, "F8-11").facts
    for record in r.log:
        if record.transaction in ("ITI-42", "ITI-18"):
            busy = facts["from_utc"] <= record.at_utc < facts["to_utc"]
            assert busy == any(error.code == "XDSRegistryBusy" for error in record.errors)
            if busy and record.transaction == "ITI-42":
                again = next(one for one in sent(r, record.documents[0]) if one.at_utc > record.at_utc)
                assert again.status == "Success"


def test_frames(r):
    for what in ("feed", "entries", "refused", "log"):
        assert len(r.frame(what)) == len(getattr(r, what))
    assert set(r.frame("entries")["format_code"]) >= {registry.KOS[0], "urn:ihe:rad:TEXT"}
