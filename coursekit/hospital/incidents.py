"""What went wrong at the hospital: each incident with the facts that tie its traces together.

A fault planted in one place shows, as it would in life, in all the systems that saw it. The rooms that render a system's
traces (feed, worklist, audit, captures, logs, ...) take the incidents of the hospital and write what that system
would have noted; a test looks for each incident in each system that it names.
"""

from typing import NamedTuple

SYSTEMS = {
    "pacs": "the PACS database",
    "feed": "HL7 v2 messages between HIS, RIS, engine and PACS",
    "worklist": "modality worklist queries and items",
    "mpps": "modality performed procedure steps",
    "audit": "audit messages in the audit record repository",
    "capture": "network captures",
    "log": "system and vendor logs",
    "registry": "the regional document registry's log",
}


class Incident(NamedTuple):
    """One incident.

    id      : lab, class and number, such as "A1-04-2"; stable for a seed
    kind    : what happened, in a few words
    at_utc  : when it began, 'YYYY-MM-DD HH:MM:SS'
    facts   : dict of the identifiers and times that its traces share: patient_id, accession, study_uid, station_aet, ...
    systems : names of SYSTEMS in which it can be found
    """

    id: str
    kind: str
    at_utc: str
    facts: dict
    systems: tuple
