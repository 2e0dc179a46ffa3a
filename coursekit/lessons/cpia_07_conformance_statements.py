"""Conformance statements, read and proven: the exercises of lesson cpia-07.

The five products and their vendors are invented. Their statements follow the template of PS3.2 Annex N in what they say, and real
statements in how they say it: names without UIDs, a list "for all" with exceptions, a sentence of the brochure.
"""

import random
import re
import textwrap

from coursekit.checking import Config, Fields, Function, Lesson, Number, Pick, Table, Text
from coursekit.checking.reading import short
from coursekit.errors import CourseError
from coursekit.standards import dicom
from coursekit.standards.sniffer import Sniffer
from coursekit.systems.dicom_server import DicomServer
from coursekit.systems.scu import Scu

lesson = Lesson(
    "cpia-07",
    title="Conformance statements, read and proven",
    version=1,
    minutes=90,
    objectives=[
        "say from two conformance statements which objects will pass, in which direction and in which transfer syntax, and which will not",
        "prove it: configure both sides from their statements, and let the association judge",
        "find the gaps before installation, fill in the installation sheet, and ask what no statement answers",
    ],
    covers=["interface specifications, conformance statements, IHE profile definitions"],
    needs=["cpas-04", "cpas-11"],
)

STORAGE = "1.2.840.10008.5.1.4.1.1."
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BASELINE, PROCESS_14, LOSSLESS = (EXPLICIT[:-2] + end for end in (".4.50", ".4.57", ".4.70"))
JPEG_LS, JPEG_2000, MPEG_2, RLE = (EXPLICIT[:-2] + end for end in (".4.80", ".4.90", ".4.100", ".5"))
LOSSY_JPEG_2000, BIG_ENDIAN = (EXPLICIT[:-2] + end for end in (".4.91", ".2"))         # of products that no statement here describes
SYNTAXES = {
    IMPLICIT: "Implicit VR Little Endian", EXPLICIT: "Explicit VR Little Endian", BASELINE: "JPEG Baseline",
    PROCESS_14: "JPEG Lossless, Process 14", LOSSLESS: "JPEG Lossless, First-Order Prediction (SV1)", JPEG_LS: "JPEG-LS Lossless",
    JPEG_2000: "JPEG 2000 Lossless", MPEG_2: "MPEG2 Main Profile", RLE: "RLE Lossless",
}
LOSSY = (BASELINE, MPEG_2)
LIST_A = [IMPLICIT, EXPLICIT, LOSSLESS, JPEG_2000, RLE]     # what the archive takes, in its order of preference
PLAIN = [IMPLICIT, EXPLICIT]
MAMMOGRAM, RAW_MAMMOGRAM, TOMOSYNTHESIS = STORAGE + "1.2", STORAGE + "1.2.1", STORAGE + "13.1.3"
DOSE, CAD = STORAGE + "88.67", STORAGE + "88.50"
SCREEN_DUMP = STORAGE + "7"
OFFICIAL = {
    MAMMOGRAM: "Digital Mammography X-Ray Image Storage - For Presentation",
    RAW_MAMMOGRAM: "Digital Mammography X-Ray Image Storage - For Processing",
    TOMOSYNTHESIS: "Breast Tomosynthesis Image Storage", DOSE: "X-Ray Radiation Dose SR Storage", CAD: "Mammography CAD SR Storage",
    STORAGE + "2": "CT Image Storage", STORAGE + "4": "MR Image Storage", STORAGE + "1": "Computed Radiography Image Storage",
    STORAGE + "1.1": "Digital X-Ray Image Storage - For Presentation", STORAGE + "12.1": "X-Ray Angiographic Image Storage",
    STORAGE + "3.1": "Ultrasound Multi-frame Image Storage", STORAGE + "6.1": "Ultrasound Image Storage",
    STORAGE + "6.2": "Enhanced US Volume Storage", STORAGE + "7.2": "Multi-frame Grayscale Byte Secondary Capture Image Storage",
    STORAGE + "7.4": "Multi-frame True Color Secondary Capture Image Storage", STORAGE + "77.1.4": "VL Photographic Image Storage",
    STORAGE + "88.22": "Enhanced SR Storage", STORAGE + "88.34": "Comprehensive 3D SR Storage",
    STORAGE + "88.33": "Comprehensive SR Storage", STORAGE + "88.59": "Key Object Selection Document Storage",
    STORAGE + "11.1": "Grayscale Softcopy Presentation State Storage", STORAGE + "11.2": "Color Softcopy Presentation State Storage",
    STORAGE + "9.1.2": "General ECG Waveform Storage", STORAGE + "104.1": "Encapsulated PDF Storage",
    SCREEN_DUMP: "Secondary Capture Image Storage",
}
MORE_IMAGES = {             # of products that no statement here describes
    STORAGE + "20": "Nuclear Medicine Image Storage", STORAGE + "128": "Positron Emission Tomography Image Storage",
    STORAGE + "12.2": "X-Ray Radiofluoroscopic Image Storage", STORAGE + "77.1.1": "VL Endoscopic Image Storage",
    STORAGE + "77.1.2": "VL Microscopic Image Storage", STORAGE + "481.1": "RT Image Storage",
}
RETIRED = {STORAGE + "3.1": STORAGE + "3", STORAGE + "6.1": STORAGE + "6"}         # the SOP class of today: the retired one of its name
OWN_WORDS = {SCREEN_DUMP: "Screen dumps", STORAGE + "104.1": "Report as PDF", STORAGE + "88.33": "Echo measurements"}
WITH_PIXELS = [STORAGE + end for end in ("6.2", "7.2", "7.4", "77.1.4")]
WITHOUT_PIXELS = [STORAGE + end for end in ("88.22", "88.34", "88.59", "11.1", "11.2", "9.1.2")]
DOCUMENTS = [DOSE, CAD, STORAGE + "88.33", STORAGE + "104.1", *WITHOUT_PIXELS]         # which nobody sends in a syntax for images
BOTH_WAYS = [STORAGE + end for end in ("2", "12.1")]
PRIVATE = "2.999.77.6.1"
PRIVATE_SYNTAX = "2.999.77.6.2"
ECHO = "US_ECHO2"


# --- statements

class Statement:
    """A product's conformance statement: shown as a document; its tables are lists of dictionaries, got by their names.

    product : the product and its version
    device  : what it is at the hospital
    tables  : {heading: list of rows, each a dictionary of texts, or list of sentences}
    """

    def __init__(self, product, device, tables):
        self.product, self.device, self.tables = product, device, tables

    def __getitem__(self, name):
        """The table whose heading holds `name`."""
        found = [heading for heading in self.tables if name.casefold() in heading.casefold()]
        if not found:
            raise KeyError(f"{name}; the statement has {', '.join(self.tables)}")
        return self.tables[found[0]]

    def __repr__(self):
        parts = [f"DICOM CONFORMANCE STATEMENT   {self.product}   ({self.device})"]
        for heading, content in self.tables.items():
            body = _as_table(content) if content and isinstance(content[0], dict) else "\n".join(
                textwrap.fill(sentence, 118) for sentence in content)
            parts.append(f"{heading}\n{'-' * len(heading)}\n{body}")
        return "\n\n".join(parts)

    def show(self, *names):
        """The document with these tables alone."""
        return Statement(self.product, self.device, {
            heading: content for heading, content in self.tables.items() if any(name.casefold() in heading.casefold() for name in names)})


WIDEST = {"SOP class": 40, "transfer syntaxes": 30, "requirement": 100, "question": 100, "abstract": 34, "proposed": 38}


def _as_table(rows):
    """Rows as text with aligned columns, long cells broken into lines."""
    names = list(rows[0])
    width = {name: min(max(len(name), *(len(row[name]) for row in rows)), WIDEST.get(name, 60)) for name in names}
    lines = ["  ".join(f"{name:<{width[name]}}" for name in names).rstrip()]
    for row in rows:
        cells = {name: textwrap.wrap(row[name], width[name]) or [""] for name in names}
        for place in range(max(map(len, cells.values()))):
            line = (f"{cells[name][place] if place < len(cells[name]) else '':<{width[name]}}" for name in names)
            lines.append("  ".join(line).rstrip())
    return "\n".join(lines)


class Listed:
    """Rows that are shown as text, one below the other."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns

    def __repr__(self):
        return _as_table([{column: str(row[column]) for column in self.columns} for row in self.rows])


def _named(syntaxes):
    return "; ".join(SYNTAXES[one] for one in syntaxes)


def _row(number, name, uid, scu, scp, syntaxes):
    return {"row": number, "SOP class": name, "UID": uid, "SCU": scu, "SCP": scp, "transfer syntaxes": syntaxes}


def _yes(role):
    return "Yes" if role else "No"


def _shuffled(items, draw):
    items = list(items)
    draw.shuffle(items)
    return items


def _draw(hospital, what):
    return random.Random(f"cpia-07 {what} {hospital.seed}")


# The parts that the rows of the scanner's storage table play, one row each, and what is to be said of them.
PARTS = ("same", "plain", "renamed", "last", "retired", "absent", "sends only", "lossy", "own list", "receives", "supported", "private")
VERDICTS = {"same": "works", "plain": "works", "renamed": "works", "last": "works", "retired": "class", "absent": "class",
            "sends only": "class", "private": "class", "lossy": "syntax", "own list": "syntax", "receives": "not proposed",
            "supported": "ask"}


def _plan(hospital):
    """{part: SOP class UID} of this edition, and the parts in the order of the scanner's table."""
    draw = _draw(hospital, "plan")
    ultrasound, pictures, documents = (_shuffled(group, draw) for group in (RETIRED, WITH_PIXELS, WITHOUT_PIXELS))
    both, own = _shuffled(BOTH_WAYS, draw), _shuffled(OWN_WORDS, draw)
    parts = {"retired": ultrasound[0], "same": ultrasound[1], "last": pictures[0], "lossy": pictures[1], "own list": pictures[2],
             "absent": documents[0], "sends only": documents[1], "plain": documents[2], "supported": both[0], "receives": both[1],
             "renamed": own[0], "private": PRIVATE}
    return parts, _shuffled(PARTS, draw)


def _echo_row(number, part, uid):
    """A row of the scanner's storage table, as its vendor wrote it."""
    if part == "supported":
        return _row(number, f"{OFFICIAL[uid].split(' Image')[0]}: supported", uid, "", "", _named([EXPLICIT, IMPLICIT]))
    name, shown, roles, syntaxes = {
        "same": (OFFICIAL.get(uid), uid, ("Yes", "No"), [EXPLICIT, IMPLICIT]),
        "plain": (OFFICIAL.get(uid), "", ("Yes", "No"), [EXPLICIT, IMPLICIT]),         # a name that no retired SOP class has, too
        "renamed": (OWN_WORDS.get(uid), uid, ("Yes", "No"), [EXPLICIT, IMPLICIT]),
        "last": (OFFICIAL.get(uid), uid, ("Yes", "No"), [BASELINE, JPEG_LS, RLE]),
        "retired": (OFFICIAL.get(uid), RETIRED.get(uid), ("Yes", "No"), [EXPLICIT, IMPLICIT]),
        "absent": (OFFICIAL.get(uid), uid, ("Yes", "No"), [EXPLICIT, IMPLICIT]),
        "sends only": (OFFICIAL.get(uid), uid, ("Yes", "No"), [EXPLICIT, IMPLICIT]),
        "lossy": (OFFICIAL.get(uid), uid, ("Yes", "No"), [BASELINE, MPEG_2]),
        "own list": (OFFICIAL.get(uid), uid, ("Yes", "No"), [LOSSLESS, JPEG_2000]),
        "receives": (OFFICIAL.get(uid), uid, ("No", "Yes"), [EXPLICIT, IMPLICIT]),
        "private": ("Echo 6 loop with raw data (private)", uid, ("Yes", "No"), [EXPLICIT, IMPLICIT]),
    }[part]
    return _row(number, name, shown, *roles, _named(syntaxes))


def _archive_entries(hospital):
    """What the archive takes and sends: tuples (UID, SCU, SCP, transfer syntaxes), in the order of its table."""
    parts, _ = _plan(hospital)
    left_out = {parts["absent"]}
    entries = []
    for uid in OFFICIAL:
        if uid in left_out or uid == CAD:
            continue
        entries.append((uid, True, uid != parts["sends only"], PLAIN if uid == parts["own list"] else LIST_A))
    return entries


@lesson.input
def echo(hospital):
    """The conformance statement of the new echocardiography scanner."""
    parts, order = _plan(hospital)
    met, numbers = _met(hospital), sheet_numbers(hospital)
    storage = [_echo_row(f"E{number}", part, parts[part]) for number, part in enumerate(order, 1)]
    services = [
        {"service": "Verification", "SCU": "Yes", "SCP": "Yes"},
        {"service": "Modality Worklist - FIND", "SCU": "Yes", "SCP": "No"},
        {"service": "Modality Performed Procedure Step", "SCU": "Yes" if met["MPPS"] else "Option", "SCP": "No"},
        {"service": "Storage Commitment Push Model", "SCU": "Option", "SCP": "No"},
        {"service": "Study Root Query/Retrieve - FIND", "SCU": "Yes", "SCP": "No"},
        {"service": "Study Root Query/Retrieve - MOVE", "SCU": "Yes", "SCP": "No"},
    ]
    return Statement("Quarrystone Echo 6.1", f"{ECHO}, echocardiography", {
        "Overview": ["The Echo 6 acquires ultrasound clips and sends them to DICOM archives. Safe archiving of every clip with confirmed "
                     "storage. All connections are DICOM compatible."],
        "Services": services,
        "Storage SOP classes": storage,
        "Application entities": [
            _entity("storage as SCU, worklist, query", ECHO, "-", numbers["longest_to_scanner"]),
            _entity("commitment, verification, storage as SCP", f"{ECHO}_SC", numbers["report_port"], numbers["longest_to_scanner"]),
        ],
        "Association parameters": [
            f"Associations at the same time: {'4' if met['two at once'] else '1'}. Extended negotiation: none; role selection is accepted "
            "for storage commitment.",
            "Option SafeStore (not in the base product): storage commitment is requested (N-ACTION) by the commitment AE. The "
            "association is closed after the N-ACTION response; the N-EVENT-REPORT request is received on a new association.",
        ],
        "Character sets": ["Sent, and displayed from the worklist: ISO_IR 6, ISO_IR 100" + (", ISO_IR 192." if met["characters"] else ".")],
        "Security": ["TLS: " + ("BCP 195 RFC 8996, 9325 profile, TLS 1.2 and 1.3, with client certificates; when called, at the same port."
                                if met["TLS"] else "Basic TLS Secure Transport Connection Profile (retired), TLS 1.0.")
                     + " Time: NTP client."],
        "IHE integration statement": _profiles([
            ("Scheduled Workflow.b (SWF.b), with all paid options", "Acquisition Modality", "-"),
            ("Consistent Time (CT)", "Time Client", "-"),
        ]),
    })


def _entity(what, title, port, longest):
    return {"AE": what, "AE title": title, "listens at port": str(port), "opens associations": "Yes", "maximum PDU received": str(longest)}


def _profiles(rows):
    return [{"profile": profile, "actor": actor, "options": options} for profile, actor, options in rows]


@lesson.input
def archive(hospital):
    """The conformance statement of HV_PACS."""
    parts, _ = _plan(hospital)
    numbers = sheet_numbers(hospital)
    storage = []
    for number, (uid, scu, scp, syntaxes) in enumerate(_archive_entries(hospital), 1):
        name = "" if uid == parts["plain"] else OFFICIAL[uid]
        storage.append(_row(f"P{number}", name, uid, _yes(scu), _yes(scp), "list A" if syntaxes is LIST_A else f"only {_named(syntaxes)}"))
    return Statement("Holmgard Archive 8.2", "HV_PACS, archive", {
        "Overview": ["The archive stores, finds and retrieves composite objects. Storage as SCU serves C-MOVE, and sends what the "
                     "archive's own viewer makes."],
        "Services": [
            {"service": "Verification", "SCU": "Yes", "SCP": "Yes"},
            {"service": "Study Root Query/Retrieve - FIND, MOVE, GET", "SCU": "No", "SCP": "Yes"},
            {"service": "Storage Commitment Push Model", "SCU": "No", "SCP": "Yes"},
            {"service": "Modality Performed Procedure Step", "SCU": "No", "SCP": "Yes"},
        ],
        "Storage SOP classes": storage,
        "Transfer syntaxes": ["List A, for all storage SOP classes unless their row says otherwise, in the order in which the archive "
                              "prefers them: " + "; ".join(f"{SYNTAXES[one]} ({one})" for one in LIST_A) + "."],
        "Application entities": [_entity("all services", "HV_PACS", 11112, numbers["longest_to_archive"])],
        "Association parameters": [
            "Associations at the same time: 100. Extended negotiation: none; role selection is accepted for storage (C-GET), and proposed "
            "for storage commitment.",
            "The result of storage commitment (N-EVENT-REPORT) is sent on a new association to the AE that asked for it."],
        "Character sets": ["ISO_IR 6, 100, 101, 144, 192. Stored as received."],
        "Security": ["TLS: BCP 195 RFC 8996, 9325 profile, with client certificates, at a second port; calls by TLS as well."],
        "IHE integration statement": _profiles([
            ("Scheduled Workflow.b (SWF.b)", "Image Manager/Image Archive", "-"),
            ("Consistent Time (CT)", "Time Client", "-"),
        ]),
    })


@lesson.input
def mammo(hospital):
    """The conformance statement of MG1."""
    rows = [
        (MAMMOGRAM, "Yes", "No", [EXPLICIT, IMPLICIT]), (RAW_MAMMOGRAM, "Yes", "No", [EXPLICIT, IMPLICIT]),
        (TOMOSYNTHESIS, "Yes", "No", [LOSSLESS]), (DOSE, "Yes", "No", [EXPLICIT, IMPLICIT]), (CAD, "No", "Yes", [EXPLICIT, IMPLICIT]),
    ]
    return Statement("Velmora MX 4.0", "MG1, mammography", {
        "Overview": ["Full field mammography and tomosynthesis. Tomosynthesis is supported."],
        "Storage SOP classes": [_row(f"M{number}", OFFICIAL[uid], uid, scu, scp, _named(syntaxes))
                                for number, (uid, scu, scp, syntaxes) in enumerate(rows, 1)],
    })


@lesson.input
def station(hospital):
    """The conformance statement of WS_MG1."""
    rows = [(MAMMOGRAM, "No", "Yes"), (TOMOSYNTHESIS, "No", "Yes"), (CAD, "No", "Yes"), (SCREEN_DUMP, "Yes", "Yes")]
    return Statement("Lindenfold Viewer 5.3", "WS_MG1, reading workstation", {
        "Overview": ["Reading of mammograms and tomosynthesis."],
        "Storage SOP classes": [_row(f"W{number}", OFFICIAL[uid], uid, scu, scp, _named(PLAIN))
                                for number, (uid, scu, scp) in enumerate(rows, 1)],
    })


@lesson.input
def ris(hospital):
    """The conformance statement of HV_MWL, with its IHE integration statement and what it says of HL7."""
    return Statement("Pennard RIS 12", "HV_MWL, worklist and performed procedure steps", {
        "Services": [
            {"service": "Verification", "SCU": "Yes", "SCP": "Yes"},
            {"service": "Modality Worklist - FIND", "SCU": "No", "SCP": "Yes"},
            {"service": "Modality Performed Procedure Step", "SCU": "No", "SCP": "Yes"},
        ],
        "Character sets": ["ISO_IR 6, 100, 192. The worklist is sent in ISO_IR 192 where a name needs it."],
        "IHE integration statement": _profiles([
            ("Scheduled Workflow.b (SWF.b)" if _met(hospital)["SWF.b"] else "Scheduled Workflow (SWF)",
             "Department System Scheduler/Order Filler", "-"),
            ("Consistent Time (CT)", "Time Client", "-"),
        ]),
    })


# --- tidy rows, and what really comes of them

def tidy(statement):
    """The storage rows of a statement whose rows all have a UID and a role, as plain data: a list of dictionaries with the name, the UID of
    the SOP class, whether SCU and SCP, and the UIDs of the transfer syntaxes in their order."""
    by_name = {name: uid for uid, name in SYNTAXES.items()}
    found = []
    for row in statement["Storage SOP classes"]:
        syntaxes = LIST_A if row["transfer syntaxes"] == "list A" else [
            by_name[one] for one in row["transfer syntaxes"].removeprefix("only ").split("; ")]
        found.append({"name": row["SOP class"], "sop_class": row["UID"], "scu": row["SCU"] == "Yes", "scp": row["SCP"] == "Yes",
                      "transfer_syntaxes": list(syntaxes)})
    return found


@lesson.input
def mammo_rows(hospital):
    """The storage rows of MG1 as plain data."""
    return tidy(mammo(hospital))


@lesson.input
def station_rows(hospital):
    """The storage rows of WS_MG1 as plain data."""
    return tidy(station(hospital))


@lesson.input
def archive_rows(hospital):
    """The storage rows of HV_PACS as plain data."""
    return tidy(archive(hospital))


@lesson.input
def caught(hospital):
    """What was captured when MG1 sent to WS_MG1: the presentation contexts, as text."""
    capture = hospital.capture("mg_ctx")
    seen = Sniffer(capture.packets, capture.truth["hosts"]).contexts
    return Listed(seen.to_dict("records"), ["client", "server", "abstract", "proposed", "result", "answer"])


class NotTidy(CourseError, ValueError):
    """What a learner wants to associate, or to configure an entity from, is no list of contexts or rows."""


class Configured(DicomServer):
    """A DICOM application entity on the loopback that accepts what the rows of its statement say as SCP, in their order of preference.

    title : its AE title
    rows  : of `tidy`

    It stores nothing: it shows which presentation contexts would be accepted.
    """

    def __init__(self, title, rows):
        super().__init__(title)
        for row in rows if type(rows) in (list, tuple) else [rows]:
            if type(row) is not dict or not {"sop_class", "scp", "transfer_syntaxes"} <= set(row):
                raise NotTidy(f"{title} is configured from tidy rows, with `sop_class`, `scp` and `transfer_syntaxes`, such as "
                              f"`station_rows` or `archive_rows`. This is none: {short(row)}")
        self._contexts = [(row["sop_class"], row["transfer_syntaxes"], False) for row in rows if row["scp"]]

    def _begin(self):
        self._serve(*self._contexts)

    def _end(self):
        self._hang_up()


def associate(server, proposed, calling="MG1"):
    """Open an association to a running `Configured`, note its answer for each presentation context, and release it.

    proposed : list of dictionaries with `sop_class` and `transfer_syntaxes`, as UIDs or names; at most 128. They get the ids 1, 3, 5, ...

    Gives a list of dictionaries: id, result (a value of PS3.8 Table 9-18) and the accepted transfer_syntax, or None.

    Raises NotTidy when that can't be read.
    """
    if type(proposed) not in (list, tuple):
        raise NotTidy(f"{calling} proposes a list of dictionaries with `sop_class` and `transfer_syntaxes`. "
                      f"This is none: {short(proposed)}")
    try:
        contexts = export_list(list(proposed))
    except ValueError as problem:
        raise NotTidy(f"{calling} can't propose this: {problem}.") from None
    answered = Scu(calling, server.title, server.port).negotiate(contexts)
    return [{"id": id, "result": result, "transfer_syntax": syntax} for id, result, syntax in answered]


class Reported(DicomServer):
    """The side of a scanner, on the loopback, that hears the results of storage commitment: an SCU that is called."""

    def _begin(self):
        from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

        self._serve((Verification, None, False), (StorageCommitmentPushModel, None, True))

    def _end(self):
        self._hang_up()

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_N_EVENT_REPORT, self._report)]

    def _accepted(self, event):
        roles = event.assoc.requestor.role_selection.values()
        wish = ", and wants to be SCP" if any(one.scp_role for one in roles) else ""
        self._note(event, "A-ASSOCIATE-RQ", f"calls {event.assoc.requestor.primitive.called_ae_title}{wish}")
        agreed = wish and any(one.as_scu for one in event.assoc.accepted_contexts)      # seen from here: this side is SCU
        self._reply(event, "A-ASSOCIATE-AC", "agrees: the caller is SCP" if agreed else "")

    def _report(self, event):
        failed = len(event.event_information.get("FailedSOPSequence") or [])
        self._note(event, "N-EVENT-REPORT-RQ", f"event type {event.event_type}, {failed} failed")
        self._reply(event, "N-EVENT-REPORT-RSP", "0000H")
        return 0x0000, None


def commitment(scanner="NM1", archive="HV_VNA"):
    """Storage commitment between two systems that really run on this computer: what both associations carry, a list of events.

    The scanner asks for one image, which it never sent, and releases; the archive reports on an association that it opens itself.
    """
    from coursekit.systems.archive import Archive
    from coursekit.systems.system import Event

    with Reported(scanner) as called, Archive(archive, peers={scanner: (called.host, called.port)}) as keeper:
        Scu(scanner, archive, keeper.port).commit([(STORAGE + "20", "2.999.77.1.1")], seconds=0.001)       # asks, and does not wait
        called.journal.wait("A-RELEASE-RQ")
        keeper.journal.wait("A-RELEASE-RQ")
        noted = [one for one in keeper.journal if not one.what.startswith("N-EVENT-REPORT")] + list(called.journal)
    events = []
    for one in noted:
        events.append(Event(one.source, one.target, one.what, one.detail.removesuffix("1 presentation context accepted")))
        if one.what == "A-RELEASE-RQ":                  # which pynetdicom answers by itself
            events.append(Event(one.target, one.source, "A-RELEASE-RP"))
    return events


# --- 1: roles

FLOWS = (           # what happens, whose role is asked, in which SOP class, the role, whether that system opened the association
    ("CT2 sends a series to HV_PACS, which keeps it.", "HV_PACS", "CT Image Storage", "SCP", False),
    ("MR1 asks HV_MWL for today's worklist.", "HV_MWL", "Modality Worklist - FIND", "SCP", False),
    ("WS_MG1 asks HV_PACS to send last year's mammograms to WS_MG1 (C-MOVE).", "WS_MG1", "Study Root Query/Retrieve - MOVE", "SCU", True),
    ("HV_PACS carries out that C-MOVE: it opens an association to WS_MG1 and sends the mammograms.", "HV_PACS",
     "Digital Mammography X-Ray Image Storage - For Presentation", "SCU", True),
    ("The same association as in D, seen from its other end: the mammograms arrive at WS_MG1.", "WS_MG1",
     "Digital Mammography X-Ray Image Storage - For Presentation", "SCP", False),
    ("US_ECHO1 sends its clips to HV_PACS.", "US_ECHO1", "Ultrasound Multi-frame Image Storage", "SCU", True),
    ("WS_CH1 opens an association to HV_PACS and fetches a CT by C-GET; the images come back on that same association.", "WS_CH1",
     "CT Image Storage", "SCP", True),
    ("CT2 had asked for storage commitment. Now HV_PACS opens an association to CT2 and reports: all images are safe.", "CT2",
     "Storage Commitment Push Model", "SCU", False),
)
LETTERS = "ABCDEFGH"


@lesson.input
def flows(hospital):
    """Eight things that happen on the network: {letter: what happens, and whose role is asked}."""
    return {letter: _asked(flow) for letter, flow in zip(LETTERS, FLOWS, strict=True)}


def _asked(flow):
    happens, system, sop_class, _, _ = flow
    return f"{happens}\n{system}'s role for {sop_class}?"


def role(value):
    """"SCU" or "SCP", from that or from the words."""
    text = re.sub(r"[^a-z]", "", str(value).casefold())
    known = {"scu": "SCU", "user": "SCU", "serviceclassuser": "SCU", "scp": "SCP", "provider": "SCP", "serviceclassprovider": "SCP"}
    if text not in known:
        raise ValueError('a role is "SCU" or "SCP"')
    return known[text]


def _roles(flows, rule):
    return {letter: rule(*FLOWS[LETTERS.index(letter)]) for letter in flows}


def _other(one):
    return "SCP" if one == "SCU" else "SCU"


SAID_OF_FLOWS = (
    "who sends the C-STORE request here, and who performs it?",
    "who sends the C-FIND request, and who answers it?",
    "the C-MOVE request comes from the workstation. That images will come to it is another SOP class's affair.",
    "in that second association the archive sends the C-STORE requests.",
    "here the workstation gets C-STORE requests and performs them.",
    "the scanner sends the C-STORE requests; the archive performs them.",
    "who sends the C-STORE requests, when the images come back? That it opened the association makes nobody a user for good: role "
    "selection (PS3.7 D.3.3.4) is there for this.",
    "the roles belong to the service, not to the association: who asked for commitment, and who provides it? N-EVENT-REPORT goes from "
    "the provider to the user (PS3.4 J.3.3).",
)


def _about_a_flow(letter, column, given, right, input):
    return f"About flow {letter.upper()}: {SAID_OF_FLOWS[LETTERS.index(letter.upper())]}"


@lesson.exercise
class Roles:
    """For each of the eight flows: which role does the named system play, **for the SOP class that is named with it**, `"SCU"` or
    `"SCP"`?

    `roles` is a dictionary: `{"A": "SCU", "B": ...}`.
    """

    answer = Table("roles", entries=("flow", "role"), reading={"role": role}, remark=_about_a_flow)
    points = 2
    praise = ("So you know which column of a statement to look at: one side needs the Yes in SCU, the other in SCP, for the same SOP "
              "class. And role selection is needed in G, the C-GET, where the caller receives, and in H, the report, where the caller is "
              "the provider.")

    def solution():
        return {                # whose request is it? Who sends it is SCU, who performs it is SCP
            "A": "SCP",         # C-STORE: HV_PACS performs it
            "B": "SCP",         # C-FIND: HV_MWL performs it
            "C": "SCU",         # C-MOVE: WS_MG1 sends it
            "D": "SCU",         # C-STORE: HV_PACS sends it
            "E": "SCP",         # C-STORE: WS_MG1 performs it
            "F": "SCU",         # C-STORE: US_ECHO1 sends it
            "G": "SCP",         # C-STORE: WS_CH1 performs it
            "H": "SCU",         # N-ACTION: it was CT2 that asked
        }

    def swapped(flows):
        return _roles(flows, lambda happens, system, sop_class, role, opened: _other(role))

    def who_calls_is_user(flows):
        return _roles(flows, lambda happens, system, sop_class, role, opened: "SCU" if opened else "SCP")

    def servers_are_providers(flows):
        return _roles(flows, lambda happens, system, sop_class, role, opened: "SCP" if system.startswith("HV_") else "SCU")

    def who_has_is_provider(flows):
        def rule(happens, system, sop_class, role, opened):
            return _other(role) if "Storage" in sop_class and "Commitment" not in sop_class else role

        return _roles(flows, rule)

    wrong_ways = {
        swapped: "All the other way round. SCU is the service class *user*: it sends the request. SCP, the *provider*, performs it and "
        "answers.",
        who_calls_is_user: "You went by who opens the association. That is only the default (PS3.7 D.3.3.4): in a C-GET the caller "
        "receives C-STORE requests, and a commitment report comes from the provider on an association that the provider opened.",
        servers_are_providers: "You went by what a machine is. An archive that carries out a C-MOVE sends, and a workstation that gets "
        "images receives: each machine has both roles, in different SOP classes.",
        who_has_is_provider: "You took whoever has the images for their provider. What a storage SCP provides is *storage*: it is the "
        "one that receives (PS3.4 Annex B).",
    }
    hints = [
        "A role always belongs to one SOP class. Which request is sent in that service, C-STORE, C-FIND, C-MOVE, N-ACTION?",
        "Who sends that request is the SCU, who performs it is the SCP. Who opened the association does not matter.",
        "In storage the sender is the user. N-EVENT-REPORT is the one exception here: it is a notice that goes back from the provider "
        "to the user.",
    ]


# --- 2: the overlap of a pair

def verdict(value):
    """A verdict of the question, from its word."""
    text = re.sub(r"[^a-z]+", " ", str(value).casefold()).strip()
    known = {"works": "works", "work": "works", "class": "class", "sop class": "class", "syntax": "syntax", "transfer syntax": "syntax",
             "not proposed": "not proposed", "never": "not proposed", "never proposed": "not proposed", "notproposed": "not proposed",
             "ask": "ask", "ask vendor": "ask", "ask the vendor": "ask"}
    if text not in known:
        raise ValueError('the words are "works", "class", "syntax", "not proposed" and "ask"')
    return known[text]


@lesson.input
def rows_of_echo(hospital):
    """What is true of each row of the scanner's storage table: {row: part}. Not for learners' eyes."""
    _, order = _plan(hospital)
    return {f"E{number}": part for number, part in enumerate(order, 1)}


def _overlap(rows_of_echo, **other):
    return {row: other.get(part.replace(" ", "_"), VERDICTS[part]) for row, part in rows_of_echo.items()}


SAID_OF_PARTS = {
    "same": "go through the three questions: SCU, the same UID as SCP, a common transfer syntax.",
    "plain": "this row has a standard name and no UID, and a row of the archive has a UID and no name. Look the name up with `uid`.",
    "renamed": "compare the UIDs; what a vendor calls a SOP class is his affair.",
    "last": "compare all of the transfer syntaxes on both sides, not only the first.",
    "retired": "compare the UIDs character by character: the names are the same, the SOP classes are not.",
    "absent": "is this UID anywhere in the archive's table?",
    "sends only": "the UID is in the archive's table. In which role? Who sends to whom here?",
    "lossy": "is any of the scanner's transfer syntaxes in the archive's list?",
    "own list": "the archive's row for this SOP class says otherwise than list A.",
    "receives": "in which role does the scanner have this SOP class? Will it ever send such an object?",
    "supported": "the scanner's row does not say in which role. Can you know from it that the scanner sends?",
    "private": "a private SOP class is one like any other: it must stand in the archive's table.",
}


def _about_a_row(row, column, given, right, input):
    if given == "syntax" and right == "works":
        return f"About {row.upper()}: write the archive's list for this SOP class beside the scanner's, and compare each with each."
    return f"About {row.upper()}: {SAID_OF_PARTS[input('rows_of_echo')[row.upper()]]}"


@lesson.exercise
class Overlap:
    """US_ECHO2 will send to HV_PACS. What do the two statements say about **each row of the scanner's storage table** (`E1`, `E2`, ...)?

    - `"works"`: the scanner proposes it, and the archive will accept;
    - `"class"`: the archive will not accept the SOP class from the scanner (context result 3);
    - `"syntax"`: the archive accepts the SOP class, but none of the scanner's transfer syntaxes (result 4);
    - `"not proposed"`: the scanner never sends such an object;
    - `"ask"`: the statement does not say enough; ask the vendor.

    Take the statements at their word. `overlap` is a dictionary: `{"E1": "works", "E2": ...}`.
    """

    answer = Table("overlap", entries=("row", "verdict"), reading={"verdict": verdict}, remark=_about_a_row)
    points = 4
    praise = "That list goes to the vendor before the purchase order, not after the first exam."

    def solution(echo, archive):
        from coursekit.lessons.cpia_07_conformance_statements import uid
        list_a = archive["Transfer syntaxes"][0]
        taken = {}                                              # what the archive receives: {SOP class: its transfer syntaxes}
        for row in archive["Storage SOP classes"]:
            if row["SCP"] == "Yes":
                taken[row["UID"]] = row["transfer syntaxes"]
        found = {}
        for row in echo["Storage SOP classes"]:
            sop_class = row["UID"]
            if sop_class == "":                                 # a standard name without a UID
                sop_class = uid(row["SOP class"])
            if row["SCU"] == "":
                found[row["row"]] = "ask"
            elif row["SCU"] == "No":
                found[row["row"]] = "not proposed"
            elif sop_class not in taken:
                found[row["row"]] = "class"
            else:
                accepted = taken[sop_class]
                if accepted == "list A":
                    accepted = list_a
                found[row["row"]] = "syntax"
                for one in row["transfer syntaxes"].split("; "):
                    if one in accepted:
                        found[row["row"]] = "works"
        return found

    def by_the_names(rows_of_echo):
        return _overlap(rows_of_echo, plain="class", renamed="class", retired="works")

    def retired_is_as_good(rows_of_echo):
        return _overlap(rows_of_echo, retired="works")

    def listed_is_enough(rows_of_echo):
        return _overlap(rows_of_echo, sends_only="works")

    def supported_is_both(rows_of_echo):
        return _overlap(rows_of_echo, supported="works")

    def who_receives_sends(rows_of_echo):
        return _overlap(rows_of_echo, receives="works")

    def list_a_for_all(rows_of_echo):
        return _overlap(rows_of_echo, own_list="works")

    def first_of_each_side(rows_of_echo):
        return _overlap(rows_of_echo, same="syntax", plain="syntax", renamed="syntax", last="syntax")

    def a_common_syntax_overlooked(rows_of_echo):
        return _overlap(rows_of_echo, last="syntax")

    def lossy_is_turned_into_something(rows_of_echo):
        return _overlap(rows_of_echo, lossy="works")

    def private_passes(rows_of_echo):
        return _overlap(rows_of_echo, private="works")

    def three_for_four(rows_of_echo):
        swapped = {"class": "syntax", "syntax": "class"}
        return {row: swapped.get(one, one) for row, one in _overlap(rows_of_echo).items()}

    wrong_ways = {
        by_the_names: "You compared names. On the wire there are only UIDs: the same thing can have two names, and the same name can "
        "stand for two SOP classes, of which one is retired (PS3.6 Table A-1).",
        retired_is_as_good: "One row of the scanner has the name of a row of the archive and another UID: that of a retired SOP class. "
        "An archive that does not list it answers *abstract syntax not supported*.",
        listed_is_enough: "One of the SOP classes is in the archive's table as SCU only: the archive can send such objects, not receive "
        "them. The scanner is the SCU of its storage; the other side must be SCP.",
        supported_is_both: "*Supported* without a role says nothing about the direction: it may be that the scanner displays such "
        "images and never makes any. Ask, and let the answer be written down.",
        who_receives_sends: "One row has Yes as SCP and No as SCU: the scanner receives such objects, and will never propose to send one.",
        list_a_for_all: "List A is for all *unless their row says otherwise*. One row of the archive does, and what it takes is not "
        "what the scanner offers.",
        first_of_each_side: "You compared the first transfer syntax of each side. A context is accepted if *any* of those proposed is "
        "acceptable (PS3.7 D.3.2).",
        a_common_syntax_overlooked: "In one row you found no common transfer syntax, and there is one. Compare each of the scanner's "
        "with the archive's whole list, both to the end: any one that both have is enough (PS3.7 D.3.2).",
        lossy_is_turned_into_something: "One row offers only lossy transfer syntaxes that are not in the archive's list. Nobody "
        "translates for you: without a common one the context is refused.",
        private_passes: "A private SOP class needs a partner who lists it, as any other. An archive that takes whatever comes would "
        "have to say so in its statement.",
        three_for_four: "Class and syntax are changed over. If the archive does not take the SOP class from a caller, the transfer "
        "syntaxes are not even looked at (PS3.8 Table 9-18).",
    }
    hints = [
        "For each row three questions in turn: is the scanner SCU? Is the **same UID** in the archive's table, with Yes under SCP? Is "
        "there a transfer syntax on both sides?",
        "A name without a UID: `uid(\"...\")` looks it up. A UID with the same name as in the other table: compare the digits to the end.",
        "Read the archive's last column to the end: a few rows do not have list A. And a row that names no role answers no question.",
    ]


# --- 3: the prediction

def _letters(text):
    return re.sub(r"[^a-z0-9]", "", text.casefold())


AMBIGUOUS = "jpeglossless"          # of which there are two: what a sender means who writes no more is for him to say

# {letters of a name: UID}: names as the statements and exercises write them, with or without the words that nobody says
NAMED = {_letters(written): digits for digits, name in {**SYNTAXES, **OFFICIAL}.items()
         for written in (name, name.replace(" Storage", ""), name.replace(" Image Storage", ""), name.removesuffix(" (SV1)"))}


NAMED |= {                          # the services as the statements name them; and two names as captures write them
    _letters(written): digits for written, digits in (
        ("Modality Worklist - FIND", "1.2.840.10008.5.1.4.31"), ("Study Root Query/Retrieve - FIND", "1.2.840.10008.5.1.4.1.2.2.1"),
        ("Study Root Query/Retrieve - MOVE", "1.2.840.10008.5.1.4.1.2.2.2"),
        ("Study Root Query/Retrieve - GET", "1.2.840.10008.5.1.4.1.2.2.3"),
        ("JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])", LOSSLESS),
        ("JPEG Lossless, Non-Hierarchical (Process 14)", PROCESS_14))}


class NoSuchUid(CourseError, ValueError):
    """What was written is no UID, and no name of one."""


def uid(value):
    """A UID from its digits or from a name, as the statements write it or as PS3.6 does."""
    if _letters(str(value)) == AMBIGUOUS:
        raise NoSuchUid("two transfer syntaxes are JPEG Lossless: First-Order Prediction (.4.70), and Process 14 with any predictor "
                        "(.4.57). Say which")
    try:
        return NAMED.get(_letters(str(value))) or dicom.uid(value)
    except ValueError as problem:
        raise NoSuchUid(str(problem)) from None


def syntax_uid(value):
    """The UID of a transfer syntax from its UID or name; None for nothing."""
    if value is None or str(value).strip().casefold() in ("", "none", "-"):
        return None
    return uid(value)


def _accepted_row(context, accepted):
    return next((row for row in accepted if row["sop_class"] == context["sop_class"] and row["scp"]), None)


def _row_if_scp(context, rows):
    """The first of these rows that has the SOP class, if it is one of an SCP."""
    row = next((row for row in rows if row["sop_class"] == context["sop_class"]), None)
    return row if row and row["scp"] else None


def _first_common(offered, taken, also=None):
    """The first transfer syntax of `taken` that is offered, and is in `also` if that is given."""
    return next((one for one in taken if one in offered and (also is None or one in also)), None)


def _answers(proposed, accepted, row_of=_accepted_row, choose=None):
    """The prediction of somebody who finds the acceptor's row and the transfer syntax in these ways."""
    choose = choose or (lambda offered, taken: next((one for one in taken if one in offered), None))
    answers = []
    for context in proposed:
        row = row_of(context, accepted)
        syntax = None if row is None else choose(context["transfer_syntaxes"], row["transfer_syntaxes"])
        answers.append({"id": context["id"], "result": 3 if row is None else 4 if syntax is None else 0, "transfer_syntax": syntax})
    return answers


def _about_a_context(case, result):
    """The first context of a case whose answer is not right: what it offers, what the rows say, and what was answered. None where not all
    contexts are answered once, which the table itself tells."""
    proposed, accepted = case
    names = [re.sub(r"[\s_-]+", "_", name.strip()).casefold() for name in result.columns]
    asked, spare = {"id", "result", "transfer_syntax"}, {"name", "sop_class", "transfer_syntaxes"}
    if not asked <= set(names) <= asked | spare:
        return None
    rows = [dict(zip(names, row, strict=True)) for row in result.rows]
    answers = {_whole(row["id"]): row for row in rows}
    if len(answers) < len(rows) or set(answers) != {context["id"] for context in proposed}:
        return None
    for context, right in zip(proposed, _answers(proposed, accepted), strict=True):
        given = answers[context["id"]]
        try:
            syntax = syntax_uid(given["transfer_syntax"])
        except ValueError:
            syntax = given["transfer_syntax"]
        if (_whole(given["result"]), syntax) != (right["result"], right["transfer_syntax"]):
            found = [f"a row as {' and '.join(name.upper() for name in ('scu', 'scp') if row[name])} with "
                     f"{_listed(row['transfer_syntaxes'])}" for row in accepted if row["sop_class"] == context["sop_class"]]
            said = f"result {given['result']} and {_spoken(syntax) if type(syntax) is str else syntax}"
            return (f"Look at context {context['id']}, for {context['sop_class']}. It offers {_listed(context['transfer_syntaxes'])}. The "
                    f"other side has for that SOP class {', and '.join(found) or 'no row'}. You answer {said}.")
    return None


def _whole(value):
    """A number from what looks like one, anything else as it is."""
    text = str(value).removesuffix(".0").strip()
    return int(text) if text.isdecimal() else value


def _listed(syntaxes):
    return "; ".join(map(_spoken, syntaxes))


@lesson.exercise
class Predict:
    """Write `predict(proposed, accepted)`. `proposed` is what the caller puts into its A-ASSOCIATE-RQ, a list of dictionaries with `id`,
    `name`, `sop_class` and `transfer_syntaxes`; `accepted` are the storage rows of the called side, with `name`, `sop_class`, `scu`,
    `scp` and `transfer_syntaxes` **in its order of preference**, as in `archive_rows`. A SOP class may have two rows there, one for each
    role.

    It returns a list with a dictionary for **each** proposed context: `{"id": ..., "result": ..., "transfer_syntax": ...}`. The id is that
    of the context (odd, but not always 1, 3, 5); the result is 0, 3 or 4; the transfer syntax is the UID of the one that will be accepted,
    or None.

    It will be tried on pairs of products that you have not seen, with private SOP classes and private, lossy and retired transfer syntaxes
    among theirs. A row takes what it lists.
    """

    answer = Function("predict", remark=_about_a_context, result=Table(
        "contexts", key=["id"], reading={"transfer_syntax": syntax_uid}, told=True, spare=["name", "sop_class", "transfer_syntaxes"],
        takes="a list of dictionaries, one for each proposed context"))
    points = 4
    praise = "A few lines, and for every pair of statements they answer as two configured programs really answer."

    def solution(proposed, accepted):
        answers = []
        for context in proposed:
            result, syntax = 3, None
            for row in accepted:
                if row["sop_class"] == context["sop_class"] and row["scp"]:
                    result = 4
                    for one in row["transfer_syntaxes"]:
                        if one in context["transfer_syntaxes"] and syntax is None:
                            result, syntax = 0, one
            answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
        return answers

    def cases(draw):
        return [_case(draw, situations) for situations in (
            *((one,) for one in SITUATIONS), ("common", "scu only", "no syntax"), ("twice", "absent", "retired"),
            ("explicit first", "compressed only", "implicit first"), _shuffled(SITUATIONS, draw), _shuffled(SITUATIONS, draw))]

    def roles_ignored(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["sop_class"] == context["sop_class"]), None))

    def both_users(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["sop_class"] == context["sop_class"] and row["scu"]), None))

    def first_row_of_the_class(proposed, accepted):
        return _answers(proposed, accepted, _row_if_scp)

    def last_row_of_the_class(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: _row_if_scp(context, reversed(rows)))

    def last_row_of_all(proposed, accepted):
        return _answers(proposed, accepted[-1:])

    def last_row_of_all_for_the_result(proposed, accepted):
        results = [one["result"] for one in _answers(proposed, accepted[-1:])]
        return [{**one, "result": result} for one, result in zip(_answers(proposed, accepted), results, strict=True)]

    def by_name(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["name"] == context["name"] and row["scp"]), None))

    def callers_order(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: next((one for one in offered if one in taken), None))

    def first_of_both(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: taken[0] if taken[0] == offered[0] else None)

    def callers_first(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: offered[0] if offered[0] in taken else None)

    def acceptors_first(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: taken[0] if taken[0] in offered else None)

    def all_must_be_taken(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: next(
            (one for one in taken if one in offered), None) if set(offered) <= set(taken) else None)

    def default_always_works(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: next(
            (one for one in taken if one in offered), IMPLICIT))

    def implicit_is_always_taken(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: (
            IMPLICIT if IMPLICIT in offered else _first_common(offered, taken)))

    def implicit_preferred(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(offered, [IMPLICIT, *taken], taken))

    def explicit_preferred(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(offered, [EXPLICIT, *taken], taken))

    def uncompressed_always_works(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(offered, taken) or _first_common(offered, PLAIN))

    def first_order_always_works(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(offered, [*taken, LOSSLESS]))

    def one_lossless_for_the_other(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(
            {*offered, *((PROCESS_14, LOSSLESS) if {PROCESS_14, LOSSLESS} & set(offered) else ())}, taken))

    def last_common(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: next(
            (one for one in reversed(taken) if one in offered), None))

    def three_for_all(proposed, accepted):
        return [{**one, "result": 3 if one["result"] == 4 else one["result"]} for one in _answers(proposed, accepted)]

    def three_and_four_swapped(proposed, accepted):
        return [{**one, "result": {3: 4, 4: 3}.get(one["result"], 0)} for one in _answers(proposed, accepted)]

    def a_class_a_context(proposed, accepted):
        answers, seen = [], set()
        for context, answer in zip(proposed, _answers(proposed, accepted), strict=True):
            if context["sop_class"] not in seen:
                answers.append(answer)
            seen.add(context["sop_class"])
        return answers

    def one_context_a_class(proposed, accepted):
        answers, taken = [], set()
        for context, answer in zip(proposed, _answers(proposed, accepted), strict=True):
            refused = context["sop_class"] in taken and answer["result"] == 0
            answers.append({**answer, "result": 4, "transfer_syntax": None} if refused else answer)
            if answer["result"] == 0:
                taken.add(context["sop_class"])
        return answers

    def lossy_never(proposed, accepted):
        return _answers(proposed, accepted, choose=lambda offered, taken: _first_common(offered, [
            one for one in taken if one not in (*LOSSY, LOSSY_JPEG_2000)]))

    def merged_contexts(proposed, accepted):
        offered = {}
        for context in proposed:
            offered.setdefault(context["sop_class"], []).extend(context["transfer_syntaxes"])
        return _answers([{**context, "transfer_syntaxes": offered[context["sop_class"]]} for context in proposed], accepted)

    def own_ids(proposed, accepted):
        return [{**one, "id": 2 * place + 1} for place, one in enumerate(_answers(proposed, accepted))]

    def piece_of_the_row(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if context["sop_class"] in row["sop_class"] and row["scp"]), None))

    def piece_of_the_context(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: next(
            (row for row in rows if row["sop_class"] in context["sop_class"] and row["scp"]), None))

    def carried_over(proposed, accepted):
        answers, before = [], None
        for one in _answers(proposed, accepted):
            before = one["transfer_syntax"] or before
            answers.append({**one, "transfer_syntax": before})
        return answers

    def begun_once(proposed, accepted):
        answers, result, syntax = [], 3, None
        for context, one in zip(proposed, _answers(proposed, accepted), strict=True):
            if one["result"] != 3:
                result, syntax = one["result"], one["transfer_syntax"] or syntax
            answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
        return answers

    def begun_once_and_kept(proposed, accepted):
        answers, result, syntax = [], 3, None
        for context, one in zip(proposed, _answers(proposed, accepted), strict=True):
            if one["result"] != 3:
                result = 4
                if syntax is None and one["result"] == 0:
                    result, syntax = 0, one["transfer_syntax"]
            answers.append({"id": context["id"], "result": result, "transfer_syntax": syntax})
        return answers

    def default_when_refused(proposed, accepted):
        return [{**one, "transfer_syntax": IMPLICIT if one["result"] == 4 else one["transfer_syntax"]}
                for one in _answers(proposed, accepted)]

    def offered_when_refused(proposed, accepted):
        return [{**one, "transfer_syntax": one["transfer_syntax"] or context["transfer_syntaxes"][0]}
                for context, one in zip(proposed, _answers(proposed, accepted), strict=True)]

    def four_for_all(proposed, accepted):
        return [{**one, "result": 4 if one["result"] == 3 else one["result"]} for one in _answers(proposed, accepted)]

    def rejected_by_the_user(proposed, accepted):
        return [{**one, "result": 1 if one["result"] == 3 else one["result"]} for one in _answers(proposed, accepted)]

    def retired_never(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: None if context["sop_class"] in RETIRED.values()
                        else _accepted_row(context, rows))

    def private_never(proposed, accepted):
        return _answers(proposed, accepted, lambda context, rows: None if not context["sop_class"].startswith("1.2.840.10008")
                        else _accepted_row(context, rows))

    def private_always(proposed, accepted):
        def row_of(context, rows):
            return _accepted_row(context, rows) or (None if context["sop_class"].startswith("1.2.840.10008") else
                                                    {"transfer_syntaxes": PLAIN})

        return _answers(proposed, accepted, row_of)

    def refused_left_out(proposed, accepted):
        return [one for one in _answers(proposed, accepted) if one["result"] == 0]

    wrong_ways = {
        roles_ignored: "A row that lists the SOP class is not enough: the called side must have it as SCP. In an association without "
        "role selection the caller is SCU and the called side SCP (PS3.7 D.3.3.4).",
        both_users: "You looked for SCU on both sides. Two users have nothing to say to each other: the caller sends, so the called "
        "side must be SCP.",
        first_row_of_the_class: "You look only at the first row that has the SOP class. It may be the row of the other role, and the "
        "one as SCP comes further down: both conditions belong to the same row.",
        last_row_of_the_class: "The last row that has the SOP class decides in your function. It may be the row of the other role: a row "
        "that does not fit must not undo what one before it has found.",
        last_row_of_all: "The last row of the table decides in your function. Does an `else` in the inner loop set the result back to 3? "
        "Then every row that is not the right one does so, also after that was found. Begin with 3 before the loop, and leave the `else` "
        "out.",
        last_row_of_all_for_the_result: "Your transfer syntaxes are right, but the result is 3 unless the last row of the table is the "
        "right one. Does an `else` in the inner loop set it back? Begin with 3 before that loop, and leave the `else` out.",
        by_name: "You compared the names. Names are for readers; the request carries UIDs alone, and a retired SOP class may have the "
        "name of its successor.",
        callers_order: "You took the first of the *caller's* transfer syntaxes that the other side has. The choice is the acceptor's "
        "(PS3.7 D.3.2), and its statement says in which order it prefers them.",
        first_of_both: "You compared only the first transfer syntax of both sides. Any one that both have is enough.",
        callers_first: "You looked only at the first transfer syntax of the caller. All that are proposed in the context count.",
        acceptors_first: "You looked only at the acceptor's favourite. If the context does not offer that, the acceptor takes the next "
        "in its list that it does.",
        all_must_be_taken: "You refuse a context as soon as one of its transfer syntaxes is unknown to the other side. One that both "
        "have is enough.",
        default_always_works: "You fall back on Implicit VR Little Endian where nothing is common. It is the default that everybody "
        "shall offer (PS3.5 10.1); but what a context does not offer cannot be accepted.",
        implicit_is_always_taken: "You take Implicit VR Little Endian whenever the caller offers it. It is the default that every "
        "*caller* shall offer (PS3.5 10.1). Which one is taken, if any, is for the other side's row to say: look whether it is in that "
        "list, and where.",
        implicit_preferred: "Where both sides have Implicit VR Little Endian you take that. The row has an order of preference, and "
        "Implicit may stand behind another.",
        explicit_preferred: "Where both sides have Explicit VR Little Endian you take that. It may be the better one, but the row has an "
        "order of preference: HV_PACS and WS_MG1 themselves prefer Implicit.",
        uncompressed_always_works: "You accept an uncompressed transfer syntax that the row does not list. What is in no list is not "
        "taken, however simple it is: that is result 4.",
        first_order_always_works: "You accept JPEG Lossless, First-Order Prediction (.4.70) from whoever offers it. It is the default "
        "among the lossless JPEGs, but the row of the other side must list it.",
        one_lossless_for_the_other: "You take the one JPEG Lossless for the other. .4.57 is Process 14 with any predictor, .4.70 that "
        "with first-order prediction: two UIDs, two transfer syntaxes, and a context offers the one or the other.",
        last_common: "You went on after the first common transfer syntax, and so took the acceptor's least favoured one. Stop at the "
        "first.",
        three_for_all: "You answer 3 whenever it fails. If the SOP class is accepted and only the transfer syntaxes are not, the result "
        "is another one, and it sends you to another page of the statement (PS3.8 Table 9-18).",
        three_and_four_swapped: "3 and 4 are changed over: 3 is about the abstract syntax, that is the SOP class, and 4 about the "
        "transfer syntaxes.",
        four_for_all: "You answer 4 whenever it fails. 4 is about the transfer syntaxes of a SOP class that the other side does take; one "
        "that it does not take at all has a result of its own (PS3.8 Table 9-18).",
        rejected_by_the_user: "1 is *user rejection*, for whatever reason. Some products answer so; asked is the result that says why: the "
        "abstract syntax, that is the SOP class, is not supported.",
        own_ids: "You number the answers yourself. An answer belongs to the context whose `id` it has, and callers leave numbers out.",
        piece_of_the_row: "You look for the context's UID inside the row's. With `in` between two texts Python finds pieces: "
        "1.2.840.10008.5.1.4.1.1.2 is a piece of 1.2.840.10008.5.1.4.1.1.20, another SOP class. UIDs are the same or they are not: `==`.",
        piece_of_the_context: "You look for the row's UID inside the context's. With `in` between two texts Python finds pieces: "
        "1.2.840.10008.5.1.4.1.1.2 is a piece of 1.2.840.10008.5.1.4.1.1.20, another SOP class. UIDs are the same or they are not: `==`.",
        carried_over: "A refused context has the transfer syntax of one before it. Set it back to None at the beginning of each turn of "
        "the outer loop.",
        begun_once: "Result and transfer syntax are set once, before the loop over the contexts, so a context for which nothing is found "
        "has those of one before it. Set both at the beginning of each turn of the outer loop.",
        begun_once_and_kept: "Result and transfer syntax are set once, before the loop over the contexts. After the first one that is "
        "accepted the transfer syntax is never None again, so nothing more is found. Set both at the beginning of each turn of the outer "
        "loop.",
        default_when_refused: "With result 4 you return Implicit VR Little Endian. A refused context has no transfer syntax: None.",
        offered_when_refused: "A refused context has one of the transfer syntaxes that it offered. None was accepted there: None.",
        a_class_a_context: "You answered once per SOP class. A caller may propose the same SOP class in several contexts, and each is "
        "answered for itself.",
        one_context_a_class: "You refuse a second context of a SOP class when one has been accepted. A caller may propose the same SOP "
        "class in several contexts, each is answered for itself, and several may be accepted, in different transfer syntaxes.",
        lossy_never: "You refuse lossy transfer syntaxes. Whether images should be sent so is for the hospital to say; a side whose row "
        "lists one accepts it like any other.",
        merged_contexts: "You put the transfer syntaxes of all contexts of a SOP class together. Each context is judged by its own list.",
        retired_never: "You refuse whatever is retired. Old devices may still send it, and a statement that lists the retired UID as SCP "
        "accepts it like any other.",
        private_never: "You refuse whatever is private. If both sides list the same private UID, it is accepted like any other.",
        private_always: "You accept private SOP classes that the other side does not list. They need a row like any other.",
        refused_left_out: "Only the accepted contexts are in your list. The answer holds a result for every context that was proposed "
        "(PS3.8 9.3.3.2).",
    }
    hints = [
        "Two loops: for each context, go through the acceptor's rows. Begin with result 3 and None, and improve on it when you find "
        "something.",
        "The row must have the context's `sop_class`, and True in `scp`. Then it is 4 at worst.",
        "Go through the **row's** transfer syntaxes in their order; the first that is in the context's list is the one. Do not let a "
        "later one take its place.",
        "Append one dictionary for each context, inside the outer loop and after the inner ones.",
    ]


SITUATIONS = ("common", "retired", "retired on both sides", "scu only", "both roles", "roles in two rows", "no syntax", "implicit first",
              "explicit first", "implicit refused", "compressed only", "first order refused", "another process", "absent", "private",
              "private absent", "twice", "more offered", "longer", "shorter", "far down both lists", "lossy", "accepted twice",
              "unusual syntaxes")


def _case(draw, situations):
    """Proposed contexts and an acceptor's rows in which these situations occur, each with a SOP class of its own."""
    proposed, accepted = [], []                     # the rows of a SOP class stay together, in their order
    named = {**OFFICIAL, **MORE_IMAGES}
    images = iter(_shuffled([uid for uid in named if uid not in (*RETIRED, *DOCUMENTS)], draw))
    documents, retired = iter(_shuffled(DOCUMENTS, draw)), iter(_shuffled(RETIRED.items(), draw))
    ids = sorted(draw.sample(range(1, 256, 2), 2 * len(situations) + 2))        # odd (PS3.8 9.3.2.2), with gaps

    def propose(name, uid, syntaxes):
        proposed.append({"id": ids[len(proposed)], "name": name, "sop_class": uid, "transfer_syntaxes": list(syntaxes)})

    def accept(name, uid, scu, scp, syntaxes):
        row = {"name": name, "sop_class": uid, "scu": scu, "scp": scp, "transfer_syntaxes": list(syntaxes)}
        if accepted and accepted[-1][0]["sop_class"] == uid:
            accepted[-1].append(row)
        else:
            accepted.append([row])

    def image(offered, taken, role=(False, True)):
        uid = next(images)
        propose(named[uid], uid, offered)
        accept(named[uid], uid, *role, taken)

    def document(offered, taken):
        uid = next(documents)
        propose(OFFICIAL[uid], uid, offered)
        accept(OFFICIAL[uid], uid, False, True, taken)

    uid = next(documents)                           # something is accepted in every case
    propose(OFFICIAL[uid], uid, [EXPLICIT])
    accept(OFFICIAL[uid], uid, True, True, [EXPLICIT])
    for situation in situations:
        first, second, third, fourth = _shuffled([EXPLICIT, LOSSLESS, JPEG_2000, RLE], draw)
        if situation == "common":                   # three in common, in another order; the acceptor's favourite is not offered
            image([first, second, third], [fourth, second, first, third])
        elif situation == "retired":
            today, old = next(retired)
            propose(OFFICIAL[today], old, [EXPLICIT, IMPLICIT])
            accept(OFFICIAL[today], today, False, True, [IMPLICIT, EXPLICIT])
        elif situation == "retired on both sides":
            today, old = next(retired)
            propose(OFFICIAL[today], old, [EXPLICIT, IMPLICIT])
            accept(OFFICIAL[today], old, False, True, [IMPLICIT, EXPLICIT])
        elif situation == "scu only":
            image([first, IMPLICIT], [IMPLICIT, first], (True, False))
        elif situation == "both roles":             # and the vendor's own name
            image([second, first], [first, second], (True, True))
            proposed[-1]["name"] += " (own)"
        elif situation == "roles in two rows":      # in both orders
            for roles in ((True, False), (False, True)):
                uid = next(documents)
                propose(OFFICIAL[uid], uid, [IMPLICIT, EXPLICIT])
                for scu in roles:
                    accept(OFFICIAL[uid], uid, scu, not scu, [IMPLICIT, EXPLICIT] if scu else [EXPLICIT, IMPLICIT])
        elif situation == "no syntax":
            image([BASELINE, JPEG_LS], [IMPLICIT, first, second])
        elif situation == "implicit first":
            document([EXPLICIT, IMPLICIT], [IMPLICIT, EXPLICIT])
        elif situation == "explicit first":
            document([IMPLICIT, EXPLICIT], [EXPLICIT, IMPLICIT])
        elif situation == "implicit refused":
            document([IMPLICIT], [EXPLICIT])
        elif situation == "compressed only":        # and both uncompressed ones offered, and one
            image([EXPLICIT, IMPLICIT], [BASELINE, LOSSLESS])
            propose(proposed[-1]["name"], proposed[-1]["sop_class"], [EXPLICIT])
        elif situation == "first order refused":
            image([LOSSLESS], [IMPLICIT, EXPLICIT, RLE])
        elif situation == "another process":
            image([PROCESS_14], [IMPLICIT, LOSSLESS])
            image([LOSSLESS], [PROCESS_14, RLE])
        elif situation == "absent":
            uid = next(images)
            propose(named[uid], uid, [first, IMPLICIT])
        elif situation == "private":
            propose("raw data (private)", f"{PRIVATE}.{draw.randrange(1, 9)}", [first, second])
            accept("loops of the echo", proposed[-1]["sop_class"], False, True, [second, third])
        elif situation == "private absent":
            propose("raw data (private)", f"{PRIVATE}.{draw.randrange(10, 99)}", [EXPLICIT, IMPLICIT])
        elif situation == "twice":
            image([BASELINE], [second, first])
            propose(proposed[-1]["name"], proposed[-1]["sop_class"], [first, second])
        elif situation == "more offered":           # than the acceptor has
            image([BASELINE, second, JPEG_LS], [second])
        elif situation == "longer":                 # one UID begins the other
            propose("raw data (private)", f"{PRIVATE}.9", [first, second])
            accept("raw data of another kind (private)", f"{PRIVATE}.9.1", False, True, [second, first])
        elif situation == "far down both lists":    # as RLE in list A: the fifth of the one, and of the other
            image([*_shuffled([BASELINE, JPEG_LS, PROCESS_14, LOSSY_JPEG_2000], draw), first], [IMPLICIT, second, third, fourth, first])
        elif situation == "lossy":                  # the only one in common, and the acceptor's favourite
            image([first, BASELINE], [second, BASELINE])
            image([first, BASELINE], [BASELINE, first])
        elif situation == "accepted twice":         # the same SOP class, each time in another transfer syntax
            image([EXPLICIT, IMPLICIT], [IMPLICIT, EXPLICIT, PROCESS_14, LOSSLESS])
            propose(proposed[-1]["name"], proposed[-1]["sop_class"], [LOSSLESS, PROCESS_14])
        elif situation == "unusual syntaxes":       # a private one; a retired one
            image([first, PRIVATE_SYNTAX], [PRIVATE_SYNTAX, first])
            image([IMPLICIT, BIG_ENDIAN], [BIG_ENDIAN, IMPLICIT])
        else:                                       # shorter
            propose("loops (private)", f"{PRIVATE}.9.2.5", [first, second])
            accept("loops of another kind (private)", f"{PRIVATE}.9.2", False, True, [second, first])
    for uid in list(documents)[:3]:                 # rows that nobody asks for
        accept(OFFICIAL[uid], uid, draw.random() < 0.5, True, [IMPLICIT, EXPLICIT])
    return proposed, [row for rows in _shuffled(accepted, draw) for row in rows]


# --- 4: the export list of MG1, tried for real

MENU = [EXPLICIT, IMPLICIT, LOSSLESS, PROCESS_14, BASELINE]       # what MG1's new release can offer for its images
MOST_CONTEXTS = 128
ANOTHER_PROCESS = ("Process 14 with any predictor and Process 14 with first-order prediction are two transfer syntaxes with a UID each. "
                   "HV_PACS has only one of them in list A, and not the one in which you offer tomosynthesis.")


def export_list(value):
    """The learner's contexts as a list of [SOP class UID, [transfer syntax UIDs]]."""
    if type(value) is dict and "sop_class" not in value:
        raise ValueError("a dictionary holds each SOP class once, and so only one context for it. Write a list of dictionaries, one for "
                         "each context: there a SOP class may come more than once")
    if type(value) is dict:
        value = [value]
    read = []
    for number, one in enumerate(value, 1):
        if type(one) is dict:
            for entry in ("sop_class", "transfer_syntaxes"):
                if entry not in one:
                    raise ValueError(f"context {number} lacks the entry `{entry}`; a context has `sop_class` and `transfer_syntaxes`")
            strange = [entry for entry in one if entry not in ("sop_class", "transfer_syntaxes", "id", "name", "scu", "scp")]
            if strange:
                raise ValueError(f"context {number} has an entry {short(strange[0])}; a context has `sop_class` and `transfer_syntaxes`")
            sop_class, syntaxes = one["sop_class"], one["transfer_syntaxes"]
        elif type(one) is list and len(one) == 2:
            sop_class, syntaxes = one
        else:
            raise ValueError(f"context {number} should be a dictionary with `sop_class` and `transfer_syntaxes`")
        syntaxes = [part for one in (syntaxes if type(syntaxes) is list else [syntaxes]) for part in _several(one)]
        if not syntaxes:
            raise ValueError(f"context {number} has no transfer syntax: every context offers at least one")
        uids = []
        for written in (sop_class, *syntaxes):
            try:
                uids.append(uid(written))
            except ValueError as problem:
                raise ValueError(f"in context {number}, {short(written)} can't be read: {problem}") from None
        read.append([uids[0], uids[1:]])
    if not read:
        raise ValueError("the list is empty, so nothing would be sent")
    if len(read) > MOST_CONTEXTS:
        raise ValueError("an association has at most 128 presentation contexts, with the odd ids from 1 to 255")
    return read


def _several(written):
    """The parts of a text in which a statement lists its transfer syntaxes; anything else as a list of one."""
    if type(written) is not str:
        return [written]
    if re.fullmatch(r"[\d.,;\s]+", written):                             # UIDs
        return [part for part in re.split(r"[;,\s]+", written) if part]
    return [name for part in re.split(r"\s*[;\n]\s*", written.strip()) if part for name in _by_commas(part)]


def _by_commas(written):
    """The names in a text that parts them by commas, which a name may hold as well; the text itself where that gives no known names."""
    parts, found = written.split(","), []
    while 0 < len(parts) < 30:
        sizes = [size for size in range(len(parts), 0, -1) if _names_something(",".join(parts[:size]))]
        if not sizes:
            return [written]
        found.append(",".join(parts[:sizes[0]]).strip())
        parts = parts[sizes[0]:]
    return [written] if parts else found


def _names_something(written):
    try:
        return bool(uid(written.strip()))
    except ValueError:
        return _letters(written) == AMBIGUOUS


def _negotiated(title, rows, contexts):
    """What a peer configured by these rows really answers: [[SOP class, accepted transfer syntax], ...], sorted."""
    proposed = [{"sop_class": sop_class, "transfer_syntaxes": syntaxes} for sop_class, syntaxes in contexts]
    with Configured(title, rows) as server:
        answers = associate(server, proposed)
    by_id = {2 * place + 1: one["sop_class"] for place, one in enumerate(proposed)}
    return sorted([by_id[one["id"]], one["transfer_syntax"]] for one in answers if one["result"] == 0)


@lesson.exercise
class ExportList:
    """Velmora's new release lets you write MG1's list of presentation contexts yourself. The list is **one for all destinations**. Write it
    so that

    - mammograms (For Presentation) and tomosynthesis reach **both** HV_PACS and WS_MG1, dose reports (X-Ray Radiation Dose SR) HV_PACS;
    - tomosynthesis *can* go to HV_PACS in JPEG Lossless, First-Order Prediction: a volume has hundreds of megabytes. MG1 sends in the most
      compressed transfer syntax that was accepted;
    - nothing is offered in a lossy transfer syntax (the next peer might accept it), and no raw data (For Processing);
    - PS3.5 sections 10.1 and 10.2 are kept: for each SOP class Implicit VR Little Endian is offered in at least one context, and so is
      First-Order Prediction (.4.70) for each that is offered in any JPEG Lossless.

    `exports` is a list of dictionaries `{"sop_class": ..., "transfer_syntaxes": [...]}`, best with UIDs. MG1 can offer Explicit and
    Implicit VR Little Endian for all objects, and for images also JPEG Lossless, First-Order Prediction (SV1); JPEG Lossless, Process 14;
    JPEG Baseline.

    The check configures HV_PACS and WS_MG1 from their statements and really opens the associations. **Any list that does it is right.**
    """

    answer = Config("exports", reading=export_list, called="contexts", shape="a list of dictionaries")
    points = 4
    praise = ("The acceptor chooses within a context; the requestor chooses among the contexts that were accepted. Who wants a say "
              "proposes the transfer syntax in a context of its own.")

    def solution():
        return [
            {"sop_class": "1.2.840.10008.5.1.4.1.1.1.2", "transfer_syntaxes": ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]},
            {"sop_class": "1.2.840.10008.5.1.4.1.1.13.1.3", "transfer_syntaxes": ["1.2.840.10008.1.2.4.70"]},
            {"sop_class": "1.2.840.10008.5.1.4.1.1.13.1.3", "transfer_syntaxes": ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]},
            {"sop_class": "1.2.840.10008.5.1.4.1.1.88.67", "transfer_syntaxes": ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]},
        ]

    def as_it_was():
        return _exports([LOSSLESS])

    def all_in_one():
        return _exports([LOSSLESS, EXPLICIT, IMPLICIT])

    def uncompressed_only():
        return _exports([EXPLICIT, IMPLICIT])

    def default_forgotten():
        return _exports([LOSSLESS], [EXPLICIT])

    def another_process():
        return _exports([PROCESS_14], [EXPLICIT, IMPLICIT])

    def lossy_too():
        return _exports([LOSSLESS], [BASELINE], [EXPLICIT, IMPLICIT])

    def raw_too():
        return _exports([LOSSLESS], [EXPLICIT, IMPLICIT]) + [{"sop_class": RAW_MAMMOGRAM, "transfer_syntaxes": [EXPLICIT, IMPLICIT]}]

    def dose_forgotten():
        return _exports([LOSSLESS], [EXPLICIT, IMPLICIT])[:-1]

    def without_the_jpeg_default():
        return [{"sop_class": MAMMOGRAM, "transfer_syntaxes": [PROCESS_14]}, *_exports([LOSSLESS], [EXPLICIT, IMPLICIT])]

    def mammograms_as_raw():
        return [{"sop_class": RAW_MAMMOGRAM, "transfer_syntaxes": [EXPLICIT, IMPLICIT]}, *_exports([LOSSLESS], [EXPLICIT, IMPLICIT])[1:]]

    wrong_ways = {
        as_it_was: "That is how MG1 was: tomosynthesis in JPEG Lossless alone. The workstation answers with result 4, transfer syntaxes "
        "not supported, as in the ticket.",
        all_in_one: "All transfer syntaxes of tomosynthesis are in one context. In whatever order they stand there, it does not bind the "
        "acceptor: HV_PACS took its own favourite, an uncompressed one, and a context is accepted with one transfer syntax only.",
        uncompressed_only: "Everything arrives, and every tomosynthesis goes uncompressed: no context with JPEG Lossless was offered.",
        default_forgotten: "It would work with these two, but one SOP class is offered without the default transfer syntax in any "
        "context, which PS3.5 section 10.1 requires. The next peer may know nothing else.",
        another_process: ANOTHER_PROCESS,
        lossy_too: "JPEG Baseline is lossy. That today's peers refuse it does not help: the next one may accept it, and then MG1 sends "
        "in it.",
        raw_too: "For Processing is the raw data. Neither the site nor the workstation wants them, and HV_PACS would accept.",
        dose_forgotten: "Images arrive, dose reports do not: their SOP class is in no context.",
        without_the_jpeg_default: "Everything arrives. But mammograms are offered in JPEG Lossless, Process 14, and nowhere in First-Order "
        "Prediction, the default of the lossless JPEGs, which PS3.5 section 10.2 requires of whoever offers one of them.",
        mammograms_as_raw: "You offered Digital Mammography *For Processing*, the raw data, in place of *For Presentation*. The two "
        "have a SOP class each.",
    }
    hints = [
        "Three SOP classes. One context is enough for two of them: Explicit and Implicit VR Little Endian.",
        "What does HV_PACS accept when a context offers JPEG Lossless *and* an uncompressed transfer syntax? Look at its order of "
        "preference.",
        "A SOP class may be proposed in several contexts, each with transfer syntaxes of its own, and each is answered for itself.",
    ]

    def trial(settings, hospital):
        return {
            "offered": sorted([sop_class, sorted(syntaxes)] for sop_class, syntaxes in settings),
            "HV_PACS": _negotiated("HV_PACS", archive_rows(hospital), settings),
            "WS_MG1": _negotiated("WS_MG1", station_rows(hospital), settings),
        }

    def faults(outcome):
        offered, found = {}, []
        for sop_class, syntaxes in outcome["offered"]:
            offered.setdefault(sop_class, set()).update(syntaxes)
        known = {MAMMOGRAM, RAW_MAMMOGRAM, TOMOSYNTHESIS, DOSE}
        for sop_class, syntaxes in offered.items():
            name = OFFICIAL.get(sop_class, sop_class)
            if sop_class not in known:
                found.append(f"MG1 does not send {name}: its statement has no such SOP class as SCU.")
            elif syntaxes - set(MENU if sop_class != DOSE else PLAIN):
                found.append(f"MG1 cannot offer {_spoken(min(syntaxes - set(MENU if sop_class != DOSE else PLAIN)))} for {name}.")
        if RAW_MAMMOGRAM in offered:
            found.append("Raw data (For Processing) are offered.")
        for sop_class, syntaxes in offered.items():
            if syntaxes & set(LOSSY):
                found.append(f"{OFFICIAL.get(sop_class, sop_class)} is offered in a lossy transfer syntax.")
        for peer, wanted in (("HV_PACS", (MAMMOGRAM, TOMOSYNTHESIS, DOSE)), ("WS_MG1", (MAMMOGRAM, TOMOSYNTHESIS))):
            accepted = {sop_class for sop_class, _ in outcome[peer]}
            for sop_class in wanted:
                if sop_class not in offered:
                    found.append(f"{OFFICIAL[sop_class]} is not offered at all.")
                elif sop_class not in accepted:
                    found.append(f"{peer} accepted no context for {OFFICIAL[sop_class]}: it takes none of the transfer syntaxes.")
        if not found and [TOMOSYNTHESIS, LOSSLESS] not in outcome["HV_PACS"]:
            found.append(_why_uncompressed([syntaxes for sop_class, syntaxes in outcome["offered"] if sop_class == TOMOSYNTHESIS]))
        for sop_class, syntaxes in offered.items():
            if IMPLICIT not in syntaxes:
                found.append(f"{OFFICIAL.get(sop_class, sop_class)} is offered without Implicit VR Little Endian (PS3.5 section 10.1).")
            if PROCESS_14 in syntaxes and LOSSLESS not in syntaxes:
                found.append(f"{OFFICIAL.get(sop_class, sop_class)} is offered in JPEG Lossless, Process 14. Whoever offers a lossless "
                             "JPEG offers the default of these, First-Order Prediction, for that SOP class too (PS3.5 section 10.2).")
        return found


def _why_uncompressed(contexts):
    """Why HV_PACS accepted tomosynthesis, but not in First-Order Prediction. contexts: the transfer syntaxes of each that was offered."""
    for syntaxes in contexts:
        if LOSSLESS in syntaxes:
            return (f"HV_PACS accepted tomosynthesis, but not in JPEG Lossless, First-Order Prediction. In the context that offers it "
                    f"HV_PACS took {SYNTAXES[_first_common(syntaxes, LIST_A)]}, which stands there as well and which it prefers.")
    if any(PROCESS_14 in syntaxes for syntaxes in contexts):
        return ANOTHER_PROCESS
    return "Tomosynthesis arrives, and always uncompressed: no context offers it in JPEG Lossless, First-Order Prediction."


def _spoken(syntax):
    """The name of a transfer syntax."""
    from pydicom.uid import UID

    return SYNTAXES.get(syntax) or UID(syntax).name


def _exports(*of_tomosynthesis):
    """An export list in which tomosynthesis is proposed in these contexts."""
    return [{"sop_class": MAMMOGRAM, "transfer_syntaxes": [EXPLICIT, IMPLICIT]},
            *({"sop_class": TOMOSYNTHESIS, "transfer_syntaxes": list(one)} for one in of_tomosynthesis),
            {"sop_class": DOSE, "transfer_syntaxes": [EXPLICIT, IMPLICIT]}]


# --- 5: the installation sheet

def sheet_numbers(hospital):
    """The numbers of this edition's statements: PDU lengths in bytes, and the port of the scanner's commitment AE."""
    draw = _draw(hospital, "sheet")
    return {"longest_to_archive": draw.choice([65536, 131072]), "longest_to_scanner": draw.choice([16384, 28672, 32768]),
            "report_port": draw.choice([4006, 4104, 10104, 11120])}


@lesson.input
def true_sheet(hospital):
    """What belongs into the installation sheet. Not for learners' eyes."""
    return InstallationSheet.solution(echo(hospital), archive(hospital))


class Port(Number):
    """A port, also as "11112/tcp", "TCP 11112" or "port 11112"."""

    def __init__(self):
        super().__init__("port", named=("tcp port", "tcp", "port"))

    def read(self, given):
        """As a number is read."""
        return super().read(re.sub(r"(?i)\s*[/(]?\s*tcp\s*\)?\s*$", "", given) if type(given) is str else given)


def host(value):
    """An address alone; that a network of one host is written behind it does not matter."""
    text = str(value).strip().removesuffix("/32")
    if re.fullmatch(r"[\d.]+:\d+", text):
        raise ValueError("it is an address with a port; asked is the address alone, and the port has an entry of its own")
    if "/" in text:
        raise ValueError("it is an address with a network mask; asked is the address alone")
    if re.search(r"(^|\.)0\d", text):
        raise ValueError("the parts of an address are written without leading zeros, which some programs read as octal")
    return text


ENTRIES = {"storage_port": Port(), "report_caller": Text("title", case=True), "report_title": Text("title", case=True),
           "report_host": Text("host", reading=host), "report_port": Port(), "role_in_report": Text("role", reading=role),
           "longest_to_archive": Number("bytes", unit="bytes"), "longest_to_scanner": Number("bytes", unit="bytes")}


def _about_the_sheet(name, answer, right, input):
    if type(answer) is str and answer.casefold() == right.casefold():
        return "the letters are right, but in an AE title upper and lower case count."
    if name.startswith("longest"):
        return _about_a_length(answer, right, [int(row["maximum PDU received"]) for statement in ("echo", "archive")
                                               for row in input(statement)["Application entities"]])
    return {
        "storage_port": "at which port does the side that is called for storage listen? See its application entities.",
        "report_caller": "which system sends the N-EVENT-REPORT request, and what do both statements say about the association that it "
                         "goes over?",
        "report_title": "the archive reports to the AE that asked. Which of the scanner's two AEs sends the N-ACTION? Upper and lower case "
                        "count.",
        "report_host": "the report goes to the scanner; its address is in the text of the exercise.",
        "report_port": "which of the scanner's AEs listens, and where?",
        "role_in_report": "roles do not turn round with the association: who uses the commitment service, and who provides it?",
    }[name]


def _about_a_length(answer, right, announced):
    if any(abs(one * 1024 - right[0] * 1000) < 1 for one in answer):
        return "kB are thousands of bytes, and what you mean are KiB, 1024 bytes each. Write the bytes, as the statement does."
    if not set(answer) & set(announced):
        return ("that number stands in neither statement. Each side announces the greatest PDU length that it *receives*, among its "
                "application entities.")
    return "each side announces what *it* receives. Look at the receiver's statement."


@lesson.exercise
class InstallationSheet:
    """US_ECHO2 gets the address 10.20.30.66. Fill in the sheet for the network group and the archive's administrator, from the two
    statements (`echo` and `archive`). Storage commitment is to be used:

    - `storage_port`: the port that the scanner calls to store;
    - `report_caller`: the AE title of the system that **opens** the association for the result of storage commitment;
    - `report_title`, `report_host`, `report_port`: whom it calls there: AE title, address, port. (It is also the entry that the archive's
      AE table needs, and a rule for the firewall);
    - `role_in_report`: the scanner's role for Storage Commitment Push Model in that association;
    - `longest_to_archive`, `longest_to_scanner`: the greatest PDU length that a P-DATA-TF may have, in bytes, on its way to the archive,
      and to the scanner.
    """

    answer = Fields("sheet", ENTRIES, remark=_about_the_sheet)
    points = 3
    praise = "Two firewall rules, one for each direction. Most installations ask for one, and commitment then fails at night, silently."

    def solution(echo, archive):
        pacs = archive["Application entities"][0]
        asks = echo["Application entities"][1]                  # the AE that asks for commitment, and listens
        return {
            "storage_port": int(pacs["listens at port"]),
            "report_caller": "HV_PACS",
            "report_title": asks["AE title"],
            "report_host": "10.20.30.66",
            "report_port": int(asks["listens at port"]),
            "role_in_report": "SCU",
            "longest_to_archive": int(pacs["maximum PDU received"]),
            "longest_to_scanner": int(asks["maximum PDU received"]),
        }

    def no_new_association(true_sheet):
        return {**true_sheet, "report_caller": f"{ECHO}_SC"}

    def storage_ae_calls(true_sheet):
        return {**true_sheet, "report_caller": ECHO}

    def to_the_storage_ae(true_sheet):
        return {**true_sheet, "report_title": ECHO}

    def to_itself(true_sheet):
        return {**true_sheet, "report_host": "10.20.10.10"}

    def to_the_port_of_habit(true_sheet):
        return {**true_sheet, "report_port": 104}

    def to_the_archives_port(true_sheet):
        return {**true_sheet, "report_port": true_sheet["storage_port"]}

    def to_the_scanners_port(true_sheet):
        return {**true_sheet, "storage_port": true_sheet["report_port"]}

    def storage_at_104(true_sheet):
        return {**true_sheet, "storage_port": 104}

    def roles_turn(true_sheet):
        return {**true_sheet, "role_in_report": "SCP"}

    def lengths_swapped(true_sheet):
        return {**true_sheet, "longest_to_archive": true_sheet["longest_to_scanner"],
                "longest_to_scanner": true_sheet["longest_to_archive"]}

    def smaller_for_both(true_sheet):
        return {**true_sheet, "longest_to_archive": true_sheet["longest_to_scanner"]}

    def larger_for_both(true_sheet):
        return {**true_sheet, "longest_to_scanner": true_sheet["longest_to_archive"]}

    def header_counted_to_the_archive(true_sheet):
        return {**true_sheet, "longest_to_archive": true_sheet["longest_to_archive"] + 6}

    def header_counted_to_the_scanner(true_sheet):
        return {**true_sheet, "longest_to_scanner": true_sheet["longest_to_scanner"] + 6}

    def header_taken_off_to_the_archive(true_sheet):
        return {**true_sheet, "longest_to_archive": true_sheet["longest_to_archive"] - 6}

    def header_taken_off_to_the_scanner(true_sheet):
        return {**true_sheet, "longest_to_scanner": true_sheet["longest_to_scanner"] - 6}

    wrong_ways = {
        no_new_association: "You let the scanner open the association for the report. It closes its own after the N-ACTION response; "
        "whoever has something to report must call back, and both statements say so.",
        storage_ae_calls: "The scanner's storage AE opens associations for storing. The result of commitment travels the other way: its "
        "sender calls.",
        to_the_storage_ae: "That AE sends images and listens nowhere. The report goes to the AE that sent the N-ACTION.",
        to_itself: "That is the address of the one that reports. It is to call the scanner.",
        to_the_port_of_habit: "104 is the registered port, and many devices use it; this one's statement names another.",
        to_the_archives_port: "That is the port at which the archive listens. Here the archive calls, so the scanner's port counts.",
        to_the_scanners_port: "That is the scanner's port. To store, the scanner calls the archive, at the port where that listens.",
        storage_at_104: "104 is the registered port, but the archive's statement names another.",
        roles_turn: "The direction of the association has turned, the roles have not: who asked for commitment stays its user. That is "
        "why the caller proposes role selection here: it is SCP although it calls (PS3.7 D.3.3.4, PS3.4 J.3.3).",
        lengths_swapped: "The two lengths are changed over. What a side announces is the longest that it *receives* (PS3.8 D.1).",
        smaller_for_both: "You took the smaller length for both directions. They need not be equal: each side announces what it "
        "receives (PS3.8 D.1), and the other keeps to that.",
        larger_for_both: "You took the larger length for both directions. The scanner would get PDUs longer than it announced, and may "
        "abort.",
        header_counted_to_the_archive: "So many bytes go over the wire to the archive, the six of the header among them. PDU length is "
        "what stands in the field of that name: the bytes behind the header. That is what a side announces (PS3.8 D.1).",
        header_taken_off_to_the_archive: "You took six bytes off for the header of the PDU. The length that the archive announces does "
        "not hold it: PDU length is what stands in the field of that name, the bytes behind the header (PS3.8 D.1).",
        header_taken_off_to_the_scanner: "You took six bytes off for the header of the PDU. The length that the scanner announces does "
        "not hold it: PDU length is what stands in the field of that name, the bytes behind the header (PS3.8 D.1).",
        header_counted_to_the_scanner: "So many bytes go over the wire to the scanner, the six of the header among them. PDU length is "
        "what stands in the field of that name: the bytes behind the header. That is what a side announces (PS3.8 D.1).",
    }
    hints = [
        "The tables *Application entities* and *Association parameters* of both statements hold all of it.",
        "The scanner asks (N-ACTION) and closes. Later somebody must call back: who, whom, and where does that AE listen?",
        "Maximum length: the receiver's statement decides, for each direction by itself. And a role belongs to the service, not to the "
        "caller.",
    ]


# --- 6: gaps

# key, topic in the list, what the hospital requires, what is to be said when the learner takes it for met (or for missing) wrongly
REQUIREMENTS = (
    ("commitment", "deleting", "Echo clips are deleted from the scanner only after HV_PACS has confirmed them by storage commitment.",
     "Look for Storage Commitment Push Model in the scanner's services, and in the options below them: storage alone, and a sentence "
     "of the overview, promise nothing."),
    ("MPPS", "exam progress", "The scanner tells HV_MWL when an exam begins and ends (Modality Performed Procedure Step).",
     "Look for the service in both statements: the scanner as SCU, the RIS as SCP. A Yes counts; an option is not in the offer."),
    ("worklist", "worklist", "The scanner takes patients and orders from HV_MWL's worklist.",
     "Worklist: the scanner as SCU, the RIS as SCP."),
    ("characters", "letters",
     "Names such as Łukasz or Γεωργία are displayed rightly at the scanner (worklist in ISO_IR 192, UTF-8).",
     "ISO_IR 100 is Latin-1: it has no Ł and no Greek letters. Which character sets does the scanner's statement name?"),
    ("SWF.b", "orders", "The RIS takes orders as OMG^O19 in HL7 2.5.1, as IHE SWF.b has it.",
     "SWF and SWF.b are two profiles: in one, without its option HL7 v2.5.1, the order filler gets its orders in HL7 2.3.1 (ORM^O01), in "
     "the other in 2.5.1 (OMG^O19). Which does the RIS's integration statement name?"),
    ("priors", "prior clips", "A prior clip can be fetched from HV_PACS onto the scanner (C-MOVE) for comparison.",
     "To fetch by C-MOVE the scanner needs query and move as SCU *and* storage as SCP, or there is nobody to send to."),
    ("two at once", "at a time", "The scanner can send one exam while it queries the worklist.",
     "How many associations at the same time does the scanner have?"),
    ("TLS", "security", "Between scanner and archive TLS by the BCP 195 RFC 8996, 9325 profile can be switched on later.",
     "Compare the profiles that scanner and archive name under *Security*, word for word."),
    ("pdu", "PDU lengths", "Scanner and archive can associate although their maximum PDU lengths differ.",
     "Maximum PDU lengths need not be equal: each side announces what it receives."),
    ("verification", "testing", "From HV_PACS the scanner can be tested with C-ECHO.",
     "Verification: the archive as SCU, the scanner as SCP."),
    ("time", "clock", "The scanner takes its time from the hospital's NTP server.",
     "The scanner's statement names NTP, and its integration statement Consistent Time."),
    ("report", "firewall", "The association for a performed procedure step, or a worklist query, needs no port on the scanner.",
     "In both the scanner calls, as SCU, and the answer comes back on its own association."),
)


def numbered(letter):
    """A reading of ids of a list such as R01: of "R01", "r1", "1" and 1."""
    def read(value):
        written = re.fullmatch(rf"(?i)\s*(?:{letter}\s*)?0*(\d{{1,2}})\s*", str(value))
        if not written:
            raise ValueError(f"an id is {letter} with two digits, as in the list")
        return f"{letter}{int(written[1]):02}"

    return read


def _met(hospital):
    """{key of a requirement: whether it is met} in this edition: four of seven are not."""
    draw = _draw(hospital, "gaps")
    missing = {"commitment", "priors"} | set(_shuffled(["MPPS", "two at once", "TLS"], draw)[:1]) | {draw.choice(["characters", "SWF.b"])}
    return {key: key not in missing for key, _, _, _ in REQUIREMENTS}


@lesson.input
def requirements(hospital):
    """The hospital's requirements, to be read: a list of dictionaries."""
    order = _shuffled(REQUIREMENTS, _draw(hospital, "requirements"))
    return [{"id": f"R{number:02}", "topic": topic, "requirement": text} for number, (_, topic, text, _) in enumerate(order, 1)]


@lesson.input
def requirement_list(hospital):
    """The requirements as text."""
    return Listed(requirements(hospital), ["id", "topic", "requirement"])


@lesson.input
def gaps_of(hospital):
    """{id of a requirement: (its key, whether it is met)}. Not for learners' eyes."""
    order, met = _shuffled(REQUIREMENTS, _draw(hospital, "requirements")), _met(hospital)
    return {f"R{number:02}": (key, met[key]) for number, (key, _, _, _) in enumerate(order, 1)}


def _gaps(gaps_of, add=(), leave=()):
    return [id for id, (key, met) in gaps_of.items() if (not met or key in add) and key not in leave]


def _about_a_requirement(row, too_many):
    return next(said for _, _, text, said in REQUIREMENTS if text == row["requirement"])


@lesson.exercise
class Gaps:
    """Which of the `requirements` are **not** met by what the statements of the scanner (`echo`), the archive (`archive`) and the RIS
    (`ris`) say? A paid option that is not in the offer counts as not there.

    Answer with a list of their ids: `gaps = ["R..", ...]`.
    """

    answer = Pick("gaps", about="requirements", column="id", looks="R00", reading=numbered("R"), remark=_about_a_requirement)
    points = 3
    praise = "Each gap can be a line in the contract now: with a date, or with a price."

    def solution(requirements, echo, ris):
        scanner = {}                                            # {service: whether the scanner is SCU of it}
        for row in echo["Services"]:
            scanner[row["service"]] = row["SCU"]
        clips = ["1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.3"]      # the SOP class of clips, and its retired predecessor
        receives_clips = False
        for row in echo["Storage SOP classes"]:
            if row["UID"] in clips and row["SCP"] == "Yes":
                receives_clips = True
        open_topics = []
        if scanner["Storage Commitment Push Model"] != "Yes":               # an option that is not in the offer
            open_topics.append("deleting")
        if scanner["Modality Performed Procedure Step"] != "Yes":
            open_topics.append("exam progress")
        if not receives_clips:                                              # C-MOVE sends them by C-STORE to the scanner
            open_topics.append("prior clips")
        if "ISO_IR 192" not in echo["Character sets"][0]:
            open_topics.append("letters")
        if "SWF.b" not in ris["IHE integration statement"][0]["profile"]:
            open_topics.append("orders")
        if "same time: 1." in echo["Association parameters"][0]:
            open_topics.append("at a time")
        if "BCP 195" not in echo["Security"][0]:
            open_topics.append("security")
        found = []
        for row in requirements:
            if row["topic"] in open_topics:
                found.append(row["id"])
        return found

    def storage_implies_commitment(gaps_of):
        return _gaps(gaps_of, leave=("commitment",))

    def move_is_enough(gaps_of):
        return _gaps(gaps_of, leave=("priors",))

    def equal_pdus(gaps_of):
        return _gaps(gaps_of, add=("pdu",))

    def scanner_needs_ports(gaps_of):
        return _gaps(gaps_of, add=("report",))

    def the_met_ones(gaps_of):
        return [id for id, (_, met) in gaps_of.items() if met]

    wrong_ways = {
        storage_implies_commitment: "Storage does not imply storage commitment. A C-STORE response of 0000H says that the object was "
        "received; who takes responsibility for keeping it says so by N-EVENT-REPORT, another SOP class (PS3.4 Annex J). *Safe "
        "archiving* in an overview is no service, and an option that is not bought does not run.",
        move_is_enough: "Query and move as SCU only ask. What is asked for comes by C-STORE on a second association, and for that the "
        "scanner must be storage SCP.",
        equal_pdus: "Maximum PDU lengths need not agree: each side announces what it receives, and the other keeps to it (PS3.8 D.1).",
        scanner_needs_ports: "Worklist and performed procedure step are asked for and answered on an association that the scanner "
        "opens. Of the services here only commitment reports, images sent by C-MOVE, and a test by C-ECHO call the scanner.",
        the_met_ones: "These are the requirements that *are* met. Asked are the others.",
    }
    hints = [
        "Take each requirement to the table that decides it: Services, Association parameters, Character sets, Security, IHE "
        "integration statement. An overview decides nothing.",
        "For a service to run, one side must be SCU and the other SCP. For C-MOVE think of both associations.",
        "Read the small words: options, retired, the letter behind a profile's name, the number behind ISO_IR.",
    ]


# --- 7: what the worklist tells the images

ATTRIBUTES = (      # attribute, tag, whether the hospital needs it in the images
    ("Patient's Name", "(0010,0010)", True), ("Patient ID", "(0010,0020)", True), ("Issuer of Patient ID", "(0010,0021)", True),
    ("Patient's Birth Date", "(0010,0030)", True), ("Patient's Sex", "(0010,0040)", True), ("Patient's Weight", "(0010,1030)", False),
    ("Medical Alerts", "(0010,2000)", False), ("Accession Number", "(0008,0050)", True),
    ("Referring Physician's Name", "(0008,0090)", True), ("Study Instance UID", "(0020,000D)", True), ("Admission ID", "(0038,0010)", True),
    ("Requested Procedure Description", "(0032,1060)", True), ("Requested Procedure ID", "(0040,1001)", True),
    ("Reason for the Requested Procedure", "(0040,1002)", True),
    ("Scheduled Procedure Step ID", "(0040,0009)", True), ("Requesting Physician", "(0032,1032)", False),
)
# Four ways to get lost: the RIS does not return it; the scanner does not ask; it asks and only shows it; it asks and does nothing more.
LOSSES = ("not returned", "not asked", "shown only", "kept inside")
CAN_BE_LOST = ("Issuer of Patient ID", "Referring Physician's Name", "Admission ID", "Requested Procedure Description",
               "Requested Procedure ID", "Scheduled Procedure Step ID", "Accession Number", "Reason for the Requested Procedure")
TYPE_3 = ("Issuer of Patient ID", "Reason for the Requested Procedure")        # the others the RIS must return (PS3.4 Table K.6-1)


DISPLAYED = ("Patient's Name", "Patient ID", "Patient's Birth Date", "Accession Number")


@lesson.input
def worklist_plan(hospital):
    """{attribute: how it gets lost, "" if it does not}. Not for learners' eyes."""
    draw = _draw(hospital, "worklist")
    first = draw.choice(TYPE_3)
    lost = dict(zip([first, *_shuffled([one for one in CAN_BE_LOST if one != first], draw)], LOSSES))
    lost |= {"Patient's Weight": "not asked", "Medical Alerts": "shown only", "Requesting Physician": "kept inside"}
    return {name: lost.get(name, "") for name, _, _ in ATTRIBUTES}


@lesson.input
def echo_worklist(hospital):
    """What the two statements say of each worklist attribute, side by side: a list of dictionaries."""
    rows = []
    for name, tag, needed in ATTRIBUTES:
        lost = worklist_plan(hospital)[name]
        asked = lost != "not asked"
        rows.append({
            "attribute": name, "tag": tag, "RIS returns": _yes(lost != "not returned"), "scanner asks": _yes(asked),
            "scanner displays": _yes(lost == "shown only" or asked and lost != "kept inside" and name in DISPLAYED),
            "scanner copies to images": _yes(lost in ("", "not returned", "not asked")), "hospital needs it in images": _yes(needed)})
    return rows


@lesson.input
def worklist_table(hospital):
    """The worklist attributes as text."""
    return Listed(echo_worklist(hospital), list(echo_worklist(hospital)[0]))


def attribute(value):
    """An attribute of the table as its tag: from the tag in any form, the keyword, the name or the end of one name."""
    known = {dicom.tag(number): _letters(name.replace(" the ", " ")) for name, number, _ in ATTRIBUTES}
    try:
        found = dicom.tag(value)
    except ValueError:
        written = _letters(re.sub(r"(?i)\bthe\b", "", str(value)))
        ends = [number for number, name in known.items() if len(written) > 2 and name.endswith(written)]
        found = ends[0] if len(ends) == 1 else None
    if found not in known:
        raise ValueError("it is no attribute of the table. Write a name or a tag as they stand there, such as Patient's Sex or (0010,0040)")
    return found


def _lost(rows, rule):
    return [row["attribute"] for row in rows if row["hospital needs it in images"] == "Yes" and not rule(row)]


def _all_three(row):
    return row["RIS returns"] == row["scanner asks"] == row["scanner copies to images"] == "Yes"


def _about_an_attribute(row, too_many):
    if row["hospital needs it in images"] == "No":
        return "Nobody asked for it in the images."
    if not too_many:
        return "Follow each needed attribute from the RIS to the image: returned, asked for, copied. Only with three Yes does it arrive."
    return "It is returned, asked for and copied: it arrives."


@lesson.exercise
class LostOnTheWay:
    """The worklist works, and is not all that the images need: which of the attributes **that the hospital needs in the images** will not
    get from the RIS into the images? Answer with a list of their names, or of their tags.
    """

    answer = Pick("lost", about="echo_worklist", column="attribute", looks="Patient's Sex", reading=attribute, remark=_about_an_attribute)
    points = 2
    praise = "A worklist that \"works\" may still leave these to the keyboard. Now the vendor knows which boxes of its mapping to tick."

    def solution(echo_worklist):
        found = []
        for row in echo_worklist:
            arrives = row["RIS returns"] == "Yes" and row["scanner asks"] == "Yes" and row["scanner copies to images"] == "Yes"
            if row["hospital needs it in images"] == "Yes" and not arrives:
                found.append(row["attribute"])
        return found

    def displayed_is_copied(echo_worklist):
        return _lost(echo_worklist, lambda row: row["RIS returns"] == row["scanner asks"] == "Yes" and "Yes" in (
            row["scanner displays"], row["scanner copies to images"]))

    def asked_is_enough(echo_worklist):
        return _lost(echo_worklist, lambda row: row["RIS returns"] == row["scanner asks"] == "Yes")

    def whatever_is_asked_comes(echo_worklist):
        return _lost(echo_worklist, lambda row: row["scanner asks"] == row["scanner copies to images"] == "Yes")

    def returned_unasked(echo_worklist):
        return _lost(echo_worklist, lambda row: row["RIS returns"] == row["scanner copies to images"] == "Yes")

    def only_the_copying(echo_worklist):
        return _lost(echo_worklist, lambda row: row["scanner copies to images"] == "Yes")

    def must_be_displayed(echo_worklist):
        return _lost(echo_worklist, lambda row: _all_three(row) and row["scanner displays"] == "Yes")

    def needed_or_not(echo_worklist):
        return [row["attribute"] for row in echo_worklist if not _all_three(row)]

    wrong_ways = {
        displayed_is_copied: "You took what is displayed for what is in the image. One attribute is on the screen of the scanner and in "
        "no object: display and mapping are two columns.",
        asked_is_enough: "You took what is asked for and returned to be in the image. The scanner must also copy it: the statement has "
        "a column for that.",
        whatever_is_asked_comes: "You forgot the other side: return keys of type 3 an SCP need not support (PS3.4 section K.2.2.1.2). One "
        "attribute that the scanner asks for is never returned.",
        returned_unasked: "The SCP returns what was asked for, and nothing else (PS3.4 Annex K). One attribute that the RIS has is "
        "never in the query.",
        only_the_copying: "You looked at the copying alone. What was never asked for, or never returned, cannot be copied.",
        must_be_displayed: "It need not be on the screen to be in the image: identifiers seldom are.",
        needed_or_not: "Some of these the hospital does not need in the images: look at the last column.",
    }
    hints = [
        "An attribute goes through three doors: the scanner asks for it, the RIS returns it, the scanner copies it.",
        "Go down the last column first, and cross out the rows with No. The column *displays* opens no door.",
        "Of the rest, each row with a No at one of the three doors is lost.",
    ]


# --- 8: lengths and optionality

LIMITS = {"SH": 16, "CS": 16, "AE": 16, "LO": 64, "PN": 64, "LT": 10240}      # characters (PS3.5 Table 6.2-1); PN: of a component group


@lesson.input
def hl7_spec(hospital):
    """The vendor's HL7 specification, beside the worklist attributes that are filled from it: a list of dictionaries."""
    draw = _draw(hospital, "lengths")
    people = _shuffled([("PV1-8", "Referring Physician's Name"), ("OBR-16", "Requesting Physician")], draw)
    usages = _shuffled(["R", "O", "RE"], draw)
    rows = [
        ("PID-3.1", 250, "ID number 20", "R", "Patient ID", "LO", "1"),
        ("PID-5", 250, "family 50, given 30, middle 30, suffix 10", "R", "Patient's Name", "PN", "1"),
        (people[0][0], 250, "family 24, given 16", "O", people[0][1], "PN", "2"),
        (people[1][0], 250, "family 40, given 40", "O", people[1][1], "PN", "2"),
        ("PV1-19.1", 250, "ID number 15", "O", "Admission ID", "LO", "2"),
        ("OBR-18", 60, f"text {draw.choice([12, 16, 20, 24])}", "R", "Accession Number", "SH", "2"),
        ("OBR-19", 60, f"text {draw.choice([20, 22, 24])}", "O", "Requested Procedure ID", "SH", "1"),
        ("OBR-20", 60, "text 16", usages[0], "Scheduled Procedure Step ID", "SH", "1"),
        ("OBR-21", 60, "text 16", usages[1], "Scheduled Station AE Title", "AE", "1"),
        ("OBR-24", 10, "code 4", usages[2], "Modality", "CS", "1"),
        ("OBR-44.2", 250, f"text {draw.choice([80, 100, 199])}", "R", "Requested Procedure Description", "LO", "1C"),
        ("NTE-3", 65536, "text 2000 in all NTE", "O", "Requested Procedure Comments", "LT", "3"),
    ]
    return [{"HL7 field": field, "field length": length, "longest parts": parts, "usage": usage, "DICOM attribute": name, "VR": vr,
             "type": type}
            for field, length, parts, usage, name, vr, type in _shuffled(rows, draw)]


@lesson.input
def hl7_table(hospital):
    """The specification as text."""
    return Listed(hl7_spec(hospital), list(hl7_spec(hospital)[0]))


def problem(value):
    """A problem of the question, from its word."""
    text = re.sub(r"[^a-z]+", " ", str(value).casefold()).strip()
    known = {"none": "none", "no": "none", "ok": "none", "length": "length", "too long": "length", "empty": "empty", "both": "both",
             "length and empty": "both", "empty and length": "both", "length empty": "both", "empty length": "both"}
    if text not in known:
        raise ValueError('the words are "none", "length", "empty" and "both"')
    return known[text]


def field(value):
    """A field of HL7 as "PID-3.1", also from "PID.3.1" and "pid 3.1"."""
    written = re.fullmatch(r"\s*([A-Za-z][A-Za-z0-9]{2})[-._ ]*(\d+)(?:[-.](\d+))?\s*", str(value))
    if not written:
        raise ValueError("a field is written as in the table, such as PID-3.1")
    return f"{written[1].upper()}-{written[2]}" + (f".{written[3]}" if written[3] else "")


def _parts(row):
    return [int(number) for number in re.findall(r"\d+", row["longest parts"])]


def _problems(hl7_spec, too_long=None, may_lack=None):
    """{field: problem} by these two rules; the right ones are the default."""
    too_long = too_long or (lambda row: _longest(row) > LIMITS[row["VR"]])
    may_lack = may_lack or (lambda row: row["type"] == "1" and row["usage"] in ("O", "RE"))
    words = {(False, False): "none", (True, False): "length", (False, True): "empty", (True, True): "both"}
    return {row["HL7 field"]: words[too_long(row), may_lack(row)] for row in hl7_spec}


def _longest(row):
    """The longest value that may arrive in the attribute, in characters: of a name its components with the carets before the last, of
    which the suffix is the fifth."""
    carets = 4 if "suffix" in row["longest parts"] else len(_parts(row)) - 1
    return sum(_parts(row)) + (carets if row["VR"] == "PN" else 0)


def _about_a_field(field, column, given, right, input):
    row = next(row for row in input("hl7_spec") if row["HL7 field"].casefold() == str(field).casefold())
    if (given in ("length", "both")) == (right in ("length", "both")):          # that half is right
        said = "what does its usage allow the sender, and what does its type demand of the worklist?"
    elif row["VR"] == "PN":
        said = "the components of a name share one group: add them up, with the carets, and compare with the group's limit."
    else:
        said = "compare the part that goes into the attribute, not the whole field, with the limit of its VR."
    return f"About {row['HL7 field']}: {said}"


@lesson.exercise
class LengthsAndUsage:
    """For each row of `hl7_spec`: can what the HL7 side may send fill the DICOM attribute?

    - `"none"`: no problem;
    - `"length"`: a value that the HL7 side allows may be too long for the attribute;
    - `"empty"`: the attribute must have a value in the worklist (type 1), and the HL7 side may leave it out;
    - `"both"`.

    `problems` is a dictionary: `{"PID-3.1": "none", ...}`.
    """

    answer = Table("problems", entries=("HL7 field", "problem"), reading={"HL7 field": field, "problem": problem}, remark=_about_a_field)
    points = 3
    praise = "Each of them is a rule for the interface engine: refuse, shorten by an agreed rule, fill from elsewhere. Silence is none."

    def solution(hl7_spec):
        limits = {"SH": 16, "CS": 16, "AE": 16, "LO": 64, "PN": 64, "LT": 10240}
        found = {}
        for row in hl7_spec:
            longest = 0                                         # "family 24, given 16" -> 40
            for word in row["longest parts"].replace(",", " ").split():
                if word.isdigit():
                    longest = longest + int(word)
            if row["VR"] == "PN":
                longest = longest + 4                           # five components: at most four carets
            too_long = longest > limits[row["VR"]]
            may_lack = row["type"] == "1" and row["usage"] != "R"
            if too_long and may_lack:
                found[row["HL7 field"]] = "both"
            elif too_long:
                found[row["HL7 field"]] = "length"
            elif may_lack:
                found[row["HL7 field"]] = "empty"
            else:
                found[row["HL7 field"]] = "none"
        return found

    def whole_field(hl7_spec):
        return _problems(hl7_spec, too_long=lambda row: row["field length"] > LIMITS[row["VR"]])

    def a_component_a_limit(hl7_spec):
        return _problems(hl7_spec, too_long=lambda row: max(_parts(row)) > LIMITS[row["VR"]])

    def short_is_long(hl7_spec):
        return _problems(hl7_spec, too_long=lambda row: _longest(row) > {**LIMITS, "SH": 64}[row["VR"]])

    def always_fits(hl7_spec):
        return _problems(hl7_spec, too_long=lambda row: False)

    def re_is_required(hl7_spec):
        return _problems(hl7_spec, may_lack=lambda row: row["type"] == "1" and row["usage"] == "O")

    def type_2_needs_a_value(hl7_spec):
        return _problems(hl7_spec, may_lack=lambda row: row["type"] in ("1", "2") and row["usage"] in ("O", "RE"))

    def optional_is_empty(hl7_spec):
        return _problems(hl7_spec, may_lack=lambda row: row["usage"] in ("O", "RE"))

    def never_empty(hl7_spec):
        return _problems(hl7_spec, may_lack=lambda row: False)

    wrong_ways = {
        whole_field: "You compared the length of the whole field. Of PID-3 with its 250 characters only the first component becomes the "
        "Patient ID; of a name the components that PN has.",
        a_component_a_limit: "You compared each component of a name by itself. In DICOM the limit holds for the component *group*, all "
        "five with their carets together (PS3.5 section 6.2).",
        short_is_long: "You gave SH the room of LO. Short String is the one with the small limit: accession number and the IDs of "
        "procedure and step are SH (PS3.5 Table 6.2-1).",
        always_fits: "You found nothing too long. Compare the longest parts with the limits of the VRs, row by row.",
        re_is_required: "RE means *required or empty*: the sender fills it if it has the value, and may send it empty. For a type 1 "
        "attribute that is not enough.",
        type_2_needs_a_value: "Type 2 must be there and may be empty. Only type 1 must have a value (PS3.5 section 7.4).",
        optional_is_empty: "You took every optional field for a problem. It is one only where the attribute must have a value, type 1.",
        never_empty: "You found nothing that may lack. Which rows are type 1 in the worklist, and what does their usage allow?",
    }
    hints = [
        "Two questions for each row. Longest parts against the limit of the VR; usage against the type.",
        "For PN add up the components and the carets, at most four: the suffix is the fifth component. For the others only the named part "
        "counts, not the field's length.",
        "Type 1 needs a value always. Usage R gives one; RE and O do not have to. Types 1C, 2 and 3 may lack it here.",
    ]


# --- 9: what no statement answers

QUESTIONS = (       # topic, question, whether a statement answers it, what is to be said about it
    ("transfer syntaxes", "Which transfer syntaxes does the scanner offer for multi-frame images?", True,
     "The table of storage SOP classes says it."),
    ("PDF", "Does the archive accept the SOP class Encapsulated PDF?", True, "The archive's table of storage SOP classes says it."),
    ("PDU length", "How long a PDU may one send to the scanner?", True, "It stands under the application entities."),
    ("port", "At which port does the scanner wait for the result of commitment?", True, "It stands under the application entities."),
    ("order filler", "In which IHE profile is the RIS an order filler?", True, "It stands in the integration statement."),
    ("commitment", "Does the archive report commitment on the same association?", True, "It stands under the association parameters."),
    ("viewer", "Will the archive's viewer show the clips that the archive takes as the scanner shows them, in speed and colour?", False,
     "A storage SCP keeps; whether anything displays the object, and how, no table of these statements says."),
    ("throughput", "How many exams an hour can the scanner send while the archive serves forty workstations?", False,
     "Throughput under load is not what a conformance statement is about."),
    ("strain", "Are the strain values in the SR report computed correctly?", False,
     "That a value can be sent says nothing about whether it is right."),
    ("update", "Will the scanner come up with the same settings after its next software update?", False,
     "A statement is about one version; what a later one does is a matter of the contract."),
    ("tests", "Was the pair scanner 6.1 and archive 8.2 ever tested together, and with what result?", False,
     "PS3.2 describes claims, not tests (PS3.2 section 1). A Connectathon result or a reference site would answer."),
    ("series names", "Do our reading room's hanging protocols find the series descriptions that the scanner writes?", False,
     "Free text that a site agrees on is in no template."),
    ("alarms", "When a clip fails to send at 3 am, does anybody notice?", False,
     "Alarms and how they are handled are not in these statements: ask, and try."),
    ("corrections", "Does the scanner keep a correction of the patient's name that arrives while the exam is running?", False,
     "How a product behaves between two messages is seldom described, and here it is not."),
)


TELLING = ("viewer", "strain", "tests")


@lesson.input
def questions(hospital):
    """Twelve questions about the installation: a list of dictionaries."""
    draw = _draw(hospital, "questions")
    answered, open_ones = ([one for one in QUESTIONS if one[2] is side] for side in (True, False))
    always = [one for one in open_ones if one[0] in TELLING]
    others = _shuffled([one for one in open_ones if one[0] not in TELLING], draw)
    chosen = _shuffled(answered + always + others[:3], draw)
    return [{"id": f"Q{number:02}", "topic": topic, "question": text} for number, (topic, text, _, _) in enumerate(chosen, 1)]


@lesson.input
def question_list(hospital):
    """The questions as text."""
    return Listed(questions(hospital), ["id", "topic", "question"])


ANSWERED = {topic: answered for topic, _, answered, _ in QUESTIONS}


def _about_a_question(row, too_many):
    return next(said for topic, _, _, said in QUESTIONS if topic == row["topic"])


def _open(questions, *taken_as_answered):
    return [row["id"] for row in questions if not ANSWERED[row["topic"]] and row["topic"] not in taken_as_answered]


@lesson.exercise
class QuestionsForTheVendor:
    """Which of the twelve `questions` are **not answered** by the statements that you have (`echo`, `archive`, `ris`), so that they must be
    put to the vendors, or tested? Answer with a list of their ids: `to_ask = ["Q..", ...]`.
    """

    answer = Pick("to_ask", about="questions", column="id", looks="Q00", reading=numbered("Q"), remark=_about_a_question)
    points = 2
    praise = "Conformance is a promise about messages. Interoperability, and whether results are right, are for your acceptance test."

    def solution(questions):
        answered = [
            "transfer syntaxes",            # echo, Storage SOP classes
            "PDF",                          # archive, Storage SOP classes
            "PDU length",                   # echo, Application entities
            "port",                         # echo, Application entities
            "order filler",                 # ris, IHE integration statement
            "commitment",                   # archive, Association parameters
        ]
        found = []
        for row in questions:
            if row["topic"] not in answered:
                found.append(row["id"])
        return found

    def the_answered_ones(questions):
        return [row["id"] for row in questions if ANSWERED[row["topic"]]]

    def taken_is_shown(questions):
        return _open(questions, "viewer")

    def sent_is_right(questions):
        return _open(questions, "strain")

    def conforming_is_tested(questions):
        return _open(questions, "tests")

    def everything(questions):
        return [row["id"] for row in questions]

    wrong_ways = {
        the_answered_ones: "These are the questions that the statements *do* answer. Asked are the others.",
        taken_is_shown: "Whether an object is taken is in the statement; what a viewer makes of it is not. A clip may be stored and play "
        "at the wrong speed, or never be shown at all.",
        sent_is_right: "That a value can be sent and stored is one thing. Whether it is the right value is a question of clinical "
        "acceptance.",
        conforming_is_tested: "You take two statements that fit for a test. They are claims; the standard describes no procedure that "
        "would verify them (PS3.2 section 1). Conformance is not interoperability.",
        everything: "You would ask all of them. Half are answered already, and a vendor who is asked what is in his statement answers "
        "the rest less carefully.",
    }
    hints = [
        "For each question, name the table of a statement in which the answer stands. If there is none, it must be asked.",
        "Roles, SOP classes, transfer syntaxes, titles, ports, lengths, character sets, security and profiles are in the statements.",
        "Whether a thing is shown, fast, correct, noticed, tested, or the same after an update is not.",
    ]


# --- all pairs at once

@lesson.input
def pairs(hospital):
    """What passes between the storage of MG1 and its two peers, computed from the statements: rows for `figures.conformance.matrix`."""
    peers = {"HV_PACS": archive_rows(hospital), "WS_MG1": station_rows(hospital)}
    cells = []
    for row in mammo_rows(hospital):
        if not row["scu"]:
            continue
        proposed = [{"id": 1, **row}]
        answers = [_answers(proposed, rows)[0] for rows in peers.values()]
        cells.append((row["name"].replace("Digital Mammography X-Ray Image Storage", "Mammogram").removesuffix(" Storage"), [
            (one["result"], SYNTAXES.get(one["transfer_syntax"], "")) for one in answers]))
    return list(peers), cells
