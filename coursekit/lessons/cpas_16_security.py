"""Security basics: the exercises of lesson cpas-16."""

import hashlib
import re
import struct
import sys
from base64 import b64encode
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from coursekit.checking import Bytes, Choice, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import Rows, _cells
from coursekit.checking.reading import Unclear, Unreadable, is_a, is_library, plain, short, single, span
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital import world
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-16",
    title="Security basics",
    version=1,
    minutes=90,
    objectives=[
        "say what an incident harms, and what proves who is calling: not an AE title, not the sender of a mail",
        "check stored passwords, signatures of updates, certificates and accounts",
        "find a program that hides in a DICOM file, and the backup that survives ransomware",
    ],
    covers=["basic security concepts"],
    needs=["cpas-14"],
)

SECRETS = (  # what people choose, and what the makers set: the list against which the accounts are tested
    "Harbour2025!", "Welcome1", "changeme", "pacs", "Brinkmere7", "Summer2024", "radiology", "P@ssw0rd",
)
ROUNDS = 600  # a thousandth of what a real system should take: a check must not make anybody wait


def _in_any_order(draws, items):
    """The items, shuffled by `draws`."""
    lots = draws.raw(len(items)).tolist()
    return [item for _, item in sorted(zip(lots, items, strict=True), key=lambda pair: pair[0])]


def _number(seed, name, bits):
    """A number of exactly that many bits which depends on the edition and the name alone."""
    digest = hashlib.shake_256(f"{seed} {name}".encode()).digest(bits // 8)
    return int.from_bytes(digest, "big") | 3 << bits - 2


class Told(Table):
    """A table of two columns, a name and a finding, in which the first row that is not right is told by itself.

    tell : function of the hospital, the answer and the solution (each a dict from name to finding); a sentence, or ""
    """

    def __init__(self, variables, tell, **details):
        super().__init__(variables, **details)
        self.tell = tell

    def judge(self, exercise, given, editions):
        """As for a table; where no wrong way fits, the reason of the first wrong row."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label not in ("value", "missing row", "extra row"):
            return verdict
        right = self._computed(exercise, exercise.solution, editions)
        sentence = self.tell(editions.own, self._pairs(self.read(*given), right), self._pairs(right, right))
        return Verdict(Outcome.NOT_YET, sentence, verdict.label) if sentence else verdict

    def _pairs(self, table, right):
        readings = [self.reading.get(column) for column in right.columns]
        return dict(_cells(row, readings) for row in self._arranged(table, right))


def _by_finding(value, reading, words):
    """Rows (name, finding) of a dictionary from a finding to a list of names, or None when it is no such dictionary."""
    if type(value) is dict and value and all(reading(word) in words for word in value):
        return [(name, word) for word, names in value.items() for name in (names if type(names) is list else [names])]
    return None


# ---- what was harmed

EVENTS = {
    "confidentiality": (
        "The memory card of the wound camera is left in a taxi. It is not encrypted; all photographs are in the archive already.",
        "A laptop in the guest WLAN can list the patients of HV_PACS.",
        "A support bundle with 300 patient names goes to a vendor by plain e-mail.",
    ),
    "integrity": (
        "CR_ER1 marks left knees as right ones.",
        "The clock of CTER01 was not put forward to summer time; its images seem to be older than their order.",
        "Somebody at a CT console, logged in as `ctuser`, puts a wrong date of birth in the place of the right one.",
    ),
    "availability": (
        "HV_VNA is full and takes no images for an afternoon; the scanners keep them and send them again at night.",
        "HV_PACS stands still for two hours after a power failure.",
        "The firewall cuts the idle connections of MR1; complete studies arrive, but hours late.",
        "A certificate ends in the night, and no workstation can open the archive in the morning.",
    ),
}
RANSOM = ("Ransomware locks the file share of the dental clinic. Nothing has left the house, and what is restored from the backup "
          "the next day is as it was.")


REASONS = (  # a piece of an event, and what to ask when it is put under a wrong word
    ("taxi", "the archive has all photographs, unchanged. But what can the taxi's next passenger do?"),
    ("guest WLAN", "the list is right, and nobody has to wait for it. But who is reading it?"),
    ("support bundle", "the names are right, and HV_PACS works. But what may happen to a mail on its way, and at its end?"),
    ("left knees", "everybody can open the image, and nobody else has seen it. But does it say what is so?"),
    ("summer time", "the images are there, and only those see them who may. But does their time say what is so?"),
    ("date of birth", "the record can be opened, and only by those who may. But does it say what is so?"),
    ("HV_VNA is full", "no image is lost, altered or seen by strangers. But what could nobody do that afternoon?"),
    ("power failure", "nothing was altered, and no stranger saw anything. But what could nobody do for two hours?"),
    ("idle connections", "the studies arrive complete, and nobody else has seen them. But what does the radiologist do until then?"),
    ("certificate ends", "nothing was altered, and no stranger saw anything. But what could nobody do in the morning?"),
    ("Ransomware", "nothing has left the house, and what was restored is as it was. But what could the clinic not do until then?"),
)
WORDS = ("confidentiality", "integrity", "availability")
STEMS = dict(zip(WORDS, ("confid", "integ", "avail"), strict=True))


def _harmed_otherwise(hospital, mine, ours):
    """Why the first wrong event is wrong."""
    for number, word in mine.items():
        if number in ours and word not in WORDS:
            several = sum(stem in str(word) for stem in STEMS.values()) > 1
            return f"Event {number}: {short(word)} " + ("is more than one word. Asked is the one that is harmed first." if several
                                                         else "is none of the three words.")
    texts = {row["event"]: row["what"] for row in lesson.input_of("events", hospital)}
    wrong = [number for number, word in mine.items() if number in ours and word != ours[number]]
    if set(mine) - set(ours):
        return "The events have the numbers 1 to 9. Is the number of the event in the column `event`?"
    if not wrong:
        return f"{len(mine)} of the {len(ours)} events are there, and right. What about the others?"
    text = next(reason for piece, reason in REASONS if piece in texts[wrong[0]])
    more = f" ({len(wrong) - 1} more not right.)" if wrong[1:] else ""
    return f"Event {wrong[0]}: {text}{more}"


class Events(Told):
    """The events with what each harms; also the words alone in the order of the events, or for each word its events."""

    takes = "one of the three words for each event, such as `{1: \"...\", 2: \"...\"}`, or a list in the order of the events"

    def read(self, given):
        """As for a table, and in the shorter forms."""
        if is_library(given, "pandas", "DataFrame"):
            table = super().read(given)
            if table.columns == ["harmed"]:                     # in the order of the events, or with their numbers as the index
                return Rows(["event", "harmed"], [(number, *row) for number, row in enumerate(table.rows, 1)])
            if "event" not in map(str.casefold, table.columns) and "index of the rows" in table.columns:
                table.columns[table.columns.index("index of the rows")] = "event"
            return table
        value = plain(given)
        if type(value) is str:
            value = re.findall(r"[^\W\d_]+", value)
            if len(value) == 1 and re.fullmatch("[ciaCIA]{2,}", value[0]):
                value = list(value[0])
                if len(value) != 9:
                    raise Unclear(f"{len(value)} letters, while there are nine events")
        if type(value) is list and value and all(type(one) is str for one in value):
            if len(value) != 9:
                raise Unclear(f"{len(value)} word{'s' * (len(value) > 1)}, while there are nine events")
            return Rows(["", ""], list(enumerate(value, 1)))
        if rows := _by_finding(value, protected, WORDS):
            return Rows(["", ""], rows)
        return super().read(given)


def protected(value):
    """One of the three words, from the word, its adjective or its first letter."""
    text = str(value).strip(" .'\"").casefold()
    alone = sum(stem in text for stem in STEMS.values()) == 1 and not re.search(r"\bnot?\b", text)
    for word, stem in STEMS.items():
        if text == word[0] or text.startswith(stem) and alone:
            return word
    return text


@lesson.input
def events(hospital):
    """Nine things that happened here: a list of dictionaries."""
    draws = Draws(hospital.seed, "cpas-16 events")
    rows = [(RANSOM, "availability")]
    for word, texts in EVENTS.items():
        rows += [(text, word) for text in _in_any_order(draws, texts)[: 2 if word == "availability" else 3]]
    return [{"event": number, "what": text} for number, (text, _) in enumerate(_in_any_order(draws, rows), 1)]


def _harmed(events, change):
    truth = {text: word for word, texts in EVENTS.items() for text in texts} | {RANSOM: "availability"}
    return [{"event": row["event"], "harmed": change(truth[row["what"]], row["what"])} for row in events]


@lesson.exercise
class WhatWasHarmed:
    """What does each of the events harm **first and directly**: confidentiality, integrity or availability?

    Give a table with the columns `event` (its number) and `harmed` (one of the three words, or its first letter).
    """

    answer = Events("harmed", _harmed_otherwise, key=["event"], reading={"harmed": protected}, spare=["what"])

    def solution(events):
        seen = ("taxi", "guest WLAN", "support bundle")                    # by people who should not
        untrue = ("left knees", "summer time", "date of birth")
        rows = []
        for row in events:
            if any(word in row["what"] for word in seen):
                rows.append({"event": row["event"], "harmed": "confidentiality"})
            elif any(word in row["what"] for word in untrue):
                rows.append({"event": row["event"], "harmed": "integrity"})
            else:                                                          # somebody could not work
                rows.append({"event": row["event"], "harmed": "availability"})
        return rows

    def all_confidentiality(events):
        return _harmed(events, lambda word, what: "confidentiality")

    def locked_is_confidential(events):
        return _harmed(events, lambda word, what: "confidentiality" if what == RANSOM else word)

    def locked_is_changed(events):
        return _harmed(events, lambda word, what: "integrity" if what == RANSOM else word)

    def wrong_is_missing(events):
        return _harmed(events, lambda word, what: "availability" if word == "integrity" else word)

    def late_is_wrong(events):
        return _harmed(events, lambda word, what: "integrity" if word == "availability" else word)

    wrong_ways = {
        all_confidentiality: "Security is more than secrecy. Where nobody saw what they should not see, confidentiality is unharmed: "
        "look for what is wrong, and for what could not be used.",
        locked_is_confidential: "All right but for the ransomware. It encrypts, but encryption by a stranger is no leak: the text says "
        "that nothing left the house. What could the dental clinic not do that day?",
        locked_is_changed: "All right but for the ransomware. The restored files are as they were, so no false datum came of it. What "
        "could the dental clinic not do that day?",
        wrong_is_missing: "Where you say availability, some images were there all the time: they were wrong, or went with wrong words. "
        "A side, a time, a date of birth that is not true harms something else.",
        late_is_wrong: "What comes late or not at all is not false. Integrity is harmed when a datum is changed or untrue; here they "
        "were true, and out of reach.",
    }
    hints = [
        "Ask three questions of each event, in this order: did somebody see what they should not? Is something untrue now? Could "
        "somebody not work?",
        "No attacker is needed: a wrong marker and a full disk are security incidents too.",
        'The form: `harmed = [{"event": 1, "harmed": "integrity"}, {"event": 2, "harmed": ...}, ...]`, or shorter a dictionary, '
        '`{1: "I", 2: "C", ...}`, or the nine letters in the order of the events, `["I", "C", ...]`.',
    ]
    praise = "The three words decide what comes first: a leak is reported, a falsehood is corrected and marked, an outage is bridged."


# ---- who is calling

GUESTS = "10.20.90."


class Line(NamedTuple):
    """A line of the log of HV_PACS: who asked for which service, from where, and what it was told."""

    line: int
    time: str
    calling: str
    address: str
    service: str
    answer: str


@lesson.input
def ae_table(hospital):
    """The AE table of HV_PACS: title and address of each device."""
    import pandas
    return pandas.DataFrame([(aet, host) for aet, host, *_ in world.DEVICES if aet not in ("HV_PACS", "CT_ER")], columns=["aet", "address"])


@lesson.input
def log(hospital):
    """The associations of Sunday evening at HV_PACS: a DataFrame."""
    import pandas
    draws = Draws(hospital.seed, "cpas-16 log")
    at = {aet: host for aet, host, *_ in world.DEVICES}
    regular = _in_any_order(draws, [(aet, "C-STORE") for aet in ("CTER01", "CT2", "DX_CH1", "CR_ER1", "MR1")]
                            + [(aet, "C-FIND") for aet in ("WS_ED1", "HV_ROUTER", "WS_CH1", "WS_MG1")])
    guest = GUESTS + str(draws.one(40, 90))
    borrowed = ("WS_CH1", "WS_MG1", "WS_ED1")[draws.one(0, 2)]
    odd = [("CT_DEMO", GUESTS + "17", "C-STORE", "accepted"), ("ANY-SCU", guest, "C-FIND", "refused, calling AE title unknown"),
           (borrowed, guest, "C-FIND", "accepted")]
    rows = [(aet, at[aet], service, "accepted") for aet, service in regular]
    for place, row in zip(sorted(draws.sample(range(1, 12), 3).tolist()), odd, strict=True):
        rows.insert(place, row)
    minute = draws.one(3, 9)
    lines = []
    for number, row in enumerate(rows, 1):
        lines.append(Line(number, f"{19 + minute // 60}:{minute % 60:02d}", *row))
        minute += draws.one(2, 9)
    return pandas.DataFrame(lines, index=range(1, len(lines) + 1))


@lesson.input
def rules(hospital):
    """The rules of the firewall, in their order."""
    return hospital.projects.security.rules


def _line(log, fits):
    return next(row["line"] for row in log.to_dict("records") if fits(row))


class LineNumber(Number):
    """The number of a line, also as "line 11", or the row of the log itself."""

    def read(self, given):
        """As for a number."""
        if is_library(given, "pandas", "Series"):
            row = sys.modules["pandas"].Series(given)
            given = next((value for name, value in zip(plain(row.index), plain(row)) if name == "line"), given)
        if is_library(given, "pandas", "DataFrame"):
            table = Table("log").read(given)
            if "line" in table.columns and len(table.rows) == 1:
                given = table.rows[0][table.columns.index("line")]
        value = single(plain(given))
        if type(value) is str:
            if re.fullmatch(r"\s*\d{1,2}:\d\d\s*", value):
                raise Unreadable("That is a time. Give the number of the line, from the column `line`.")
            named = (re.findall(r"\b(?:line|row|no\.?|number)\s*(\d{1,9})\b", value.casefold())
                     or re.findall(r"(?<![\w.:-])\d{1,9}(?![\w.:-])", value))
            if len(named) == 1:
                return (int(named[0]),)
            if len(set(named)) > 1:
                raise Unreadable(f"{short(value)} names several lines. Asked is one.")
            if re.fullmatch(r"\s*[A-Za-z][\w-]*\s*", value):
                raise Unreadable(f"{short(value)} is a title. Give the number of its line, from the column `line`.")
        return super().read(given)


class Caller(Choice):
    """A measure and a line of the log; a line that shows nothing is told by itself."""

    def judge(self, exercise, given, editions):
        """As for every choice."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "evidence":
            return verdict
        line = self.read(*given)[1]
        if isinstance(line, Unclear):
            return verdict
        rows = {row["line"]: row for row in lesson.input_of("log", editions.own).to_dict("records")}
        if line[0] not in rows:
            return Verdict(Outcome.NOT_YET, "The measure is right, but the log has no line with that number: take it from the "
                           "column `line`.", "evidence")
        row = rows[line[0]]
        return Verdict(Outcome.NOT_YET, f"The measure is right. In line {line[0]} {row['calling']} calls from {row['address']}, and the AE "
                       "table gives just this address for it. Compare title and address of the others with the table.", "evidence")


@lesson.exercise
class NoProof:
    """One line of `log` shows that an AE title proves nothing: the **title of one device, used by another machine**. Which line is
    it? And which measure would have refused that caller, whatever title **and address** it gives and wherever its cable ends, while
    the device itself can go on working?

    Give the letter as `measure` and the number of the line as `at_line`.
    """

    answer = Caller(
        "measure, at_line",
        options={
            "A": "A list in HV_PACS of the AE titles that may call.",
            "B": "TLS in which HV_PACS alone shows a certificate.",
            "C": "TLS in which both sides show a certificate of the hospital's own certificate authority.",
            "D": "A longer AE title for HV_PACS, which outsiders cannot guess.",
            "E": "Encrypted disks in HV_PACS.",
            "F": "A list in HV_PACS of the AE titles that may call, each with its IP address.",
        },
        evidence=LineNumber("at_line"),
    )

    def solution(ae_table, log):
        known = dict(zip(ae_table["aet"], ae_table["address"]))
        for row in log.to_dict("records"):
            if row["calling"] in known and row["address"] != known[row["calling"]]:
                line = row["line"]
        return "C", line

    def list_of_titles(log):
        return "A", None

    def server_only(log):
        return "B", None

    def secret_title(log):
        return "D", None

    def disks(log):
        return "E", None

    def title_and_address(log):
        return "F", None

    def the_stranger(log):
        return "C", _line(log, lambda row: row["calling"] == "CT_DEMO")

    def the_refused(log):
        return "C", _line(log, lambda row: row["answer"] != "accepted")

    def the_renamed(log):
        return "C", _line(log, lambda row: row["calling"] == "CTER01")

    wrong_ways = {
        list_of_titles: "The title in that line *is* on such a list: it belongs to a device of the house. A list keeps out who does not "
        "know a right title, and titles stand in every log, on stickers and in every association request in clear text.",
        server_only: "Then the caller knows that it speaks with the true archive. The archive still does not know who calls: that "
        "half of the proof is missing.",
        secret_title: "A title travels unencrypted in every association request (PS3.8 section 9.3.2); all devices must know it. What "
        "everybody knows is no secret.",
        disks: "That protects a disk that is stolen or thrown away. A running archive decrypts for whoever it answers.",
        title_and_address: "That is what most archives check, and it would have refused this laptop in the guest WLAN. But an address is "
        "no proof either: whoever plugs in at the device's own socket, or beside it, can give the device's title and its address too.",
        the_stranger: "The measure is right. That line shows another weakness: HV_PACS takes images from titles that it does not know. "
        "But nobody there borrows the title of another device.",
        the_refused: "The measure is right. In that line the caller gives a title that HV_PACS does not know, and is refused. What does "
        "the same machine try next?",
        the_renamed: "The measure is right. That scanner was renamed on 29 March; title and address fit the table. Compare the "
        "addresses of the others.",
    }
    hints = [
        "Lay `log` beside `ae_table`: where does the address not belong to the title?",
        "`log.merge(ae_table, left_on=\"calling\", right_on=\"aet\")` puts both addresses into one row: `address_x` from the log, "
        "`address_y` from the table.",
        "A measure that stops a borrowed name must ask for something that cannot be read off a sticker: a private key.",
    ]
    praise = (
        "Identification (\"I am WS_...\") is not authentication (the proof). With a certificate on both sides, each proves that it "
        "holds a private key; IHE calls it node authentication (ITI-19). It proves a machine of the house, not yet which one: another "
        "device of the house could still borrow the title, unless HV_PACS also ties each title to its certificate."
    )


# ---- passwords

class Digest(Bytes):
    """A hash: bytes, or the same in hexadecimal."""

    def read(self, given):
        """The bytes."""
        value = plain(given)
        if type(value) is str:
            try:
                return bytes.fromhex(re.sub("^0[xX]", "", value.strip()))
            except ValueError:
                raise Unclear("text that is not hexadecimal") from None
        if type(value) is bytes and re.fullmatch(rb"[0-9a-fA-F]{64}", value):               # as binascii.hexlify gives it
            return bytes.fromhex(value.decode())
        return super().read(given)

    def difference(self, answer, other):
        """None when both are equal; of two hashes it does not help to know where they begin to differ."""
        if answer != other and len(answer) == len(other):
            return Difference("It is another hash: something else went in, or in another order, or it is another hash function.", "value")
        if answer != other:
            return Difference(f"It has {len(answer)} bytes, and SHA-256 always gives 32: is it another function, or was it cut?", "value")
        return None


@lru_cache(maxsize=1024)
def hashed(password, salt, rounds=ROUNDS):
    """What HV_PACS stores of a password; the learner's function of exercise 3 does the same."""
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex(salt), rounds)


@lesson.exercise
class HashedPassword:
    """Write the function `hashed(password, salt, rounds)`. It gets a password (text), a salt as it stands in the table
    (**hexadecimal text**) and the number of rounds. It returns the hash that HV_PACS stores: **PBKDF2 with HMAC-SHA-256**, over
    the password in UTF-8 and the bytes of the salt.

    Bytes or hexadecimal text, as you like.
    """

    answer = Function("hashed", result=Digest("hash"))
    points = 2

    def solution(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex(salt), rounds)

    def salt_as_text(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), salt.encode("utf-8"), rounds)

    def without_salt(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), b"", rounds)

    def plain_hash(password, salt, rounds):
        return hashlib.sha256(password.encode("utf-8")).digest()

    def salted_once(password, salt, rounds):
        return hashlib.sha256(bytes.fromhex(salt) + password.encode("utf-8")).digest()

    def always_600(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex(salt), 600)

    def latin(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("latin-1"), bytes.fromhex(salt), rounds)

    def not_encoded(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password, bytes.fromhex(salt), rounds)

    def blanks_cut(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.strip().encode("utf-8"), bytes.fromhex(salt), rounds)

    def swapped(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", bytes.fromhex(salt), password.encode("utf-8"), rounds)

    def the_word_password(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", b"password", bytes.fromhex(salt), rounds)

    def password_of_the_example(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", b"Harbour2025!", bytes.fromhex(salt), rounds)

    def salt_of_the_example(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex("9f3c"), rounds)

    def loop_of_the_example(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8"), bytes.fromhex("07ab"), rounds)

    def the_example(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", b"Harbour2025!", bytes.fromhex("9f3c"), 600)

    def the_end_of_the_example(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha256", b"Harbour2025!", bytes.fromhex("07ab"), 600)

    def sha1(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha1", password.encode("utf-8"), bytes.fromhex(salt), rounds)

    def sha512(password, salt, rounds):
        return hashlib.pbkdf2_hmac("sha512", password.encode("utf-8"), bytes.fromhex(salt), rounds)

    wrong_ways = {
        not_encoded: "PBKDF2 takes bytes, and something is still text: `.encode(\"utf-8\")` makes bytes of the password, "
        "`bytes.fromhex` of the salt.",
        blanks_cut: "You cut the blanks off the ends of the password. A blank is a character of it like any other: take it as it comes.",
        swapped: "Salt and password have changed places: behind the name of the hash function the password comes first, then the salt.",
        the_word_password: "You hash the word `password` itself. In quotation marks it is a text; without them it is what the "
        "function gets.",
        password_of_the_example: "The password of the example still stands in it, so everybody gets the same one. Take the function's "
        "`password`.",
        salt_of_the_example: "The first salt of the example is still in it, or its `for` line, which puts the example's salts in place of "
        "yours. Take the function's `salt`; no loop is needed.",
        loop_of_the_example: "The `for` line of the example is still in it: it puts the example's salts, one after the other, in place of "
        "the one that the function gets. No loop is needed.",
        the_example: "It is the example, whatever comes in. Put the three names from the function's first line in the places of the "
        "example's password, salt and rounds.",
        the_end_of_the_example: "It is the example with its loop, whatever comes in. Put the three names from the function's first line in "
        "the places of the example's password, salt and rounds; no loop is needed.",
        sha1: "That is PBKDF2 with SHA-1, an older hash function with 20 bytes. Asked is the one of the example.",
        sha512: "That is PBKDF2 with SHA-512, which gives 64 bytes. Asked is the one of the example.",
        salt_as_text: "You put in the salt as text, the letters and digits themselves. They are hexadecimal: two of them are one byte, "
        "as in a dump. `bytes.fromhex` reads them.",
        without_salt: "The salt is missing. Without it two people with the same password get the same hash, and one table of hashed "
        "words serves for all hospitals.",
        plain_hash: "That is the bare SHA-256 of the password: no salt, one round. A graphics card tries thousands of millions of these "
        "a second.",
        salted_once: "Salted, but hashed a single time. The point of PBKDF2 is that one try costs many rounds.",
        always_600: "You always take 600 rounds. The number stands beside each hash, so that it can be raised over the years; use "
        "`rounds`.",
        latin: "For passwords in plain letters it fits, but not for `é` or `ü`: you encoded them as Latin-1. Asked is UTF-8.",
    }
    hints = [
        "The example above the exercise does it for one password, one salt and one number of rounds.",
        '`password.encode("utf-8")` makes bytes of the password, `bytes.fromhex(salt)` of the salt.',
        'One line: `return hashlib.pbkdf2_hmac("sha256", ..., ..., rounds)`.',
    ]
    praise = "Nobody can turn it back; one can only try words. The salt makes each account a job of its own, the rounds make each try dear."

    def cases(draw):
        words = ["Harbour2025!", "changeme", "Größe 38", "café-noir", "correct horse battery staple", "blank behind ", "x"]
        usual = [(word, draw.randbytes(draw.choice((8, 16))).hex(), draw.choice((1, 250, 600, 1000))) for word in words for _ in range(2)]
        sentence = "a password may be a whole sentence, as long as its owner likes to type it, and this one is long"
        odd = [(" blanks at both ends ", draw.randbytes(8).hex(), 600), ("Winter2025", "00" + draw.randbytes(7).hex(), 600),
               (sentence, draw.randbytes(23).hex() + "00", 2000)]
        return usual + odd


# ---- signatures

def _prime(seed, name, bits):
    """A prime of that many bits, the first three of them ones, so that a product of up to four has full length."""
    number = _number(seed, name, bits) | 7 << bits - 3 | 1
    small = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53)  # so that Fermat's test is seldom needed
    while number % 65537 == 1 or not all(number % one for one in small) or pow(2, number - 1, number) != 1:
        number += 2
    return number


class Key(NamedTuple):
    """A public key: its modulus n and its exponent e."""

    n: int
    e: int

    def __repr__(self):
        return f"Key(n={str(self.n)[:12]}... ({self.n.bit_length()} bits), e={self.e})"


@lru_cache(maxsize=8)
def _pair(seed, name, letters="pqrs"):
    """A public RSA key and the private exponent to it: 512 bits for each letter. Four small primes (RFC 8017) are found faster than two."""
    modulus = order = 1
    for letter in letters:
        prime = _prime(seed, f"{name} {letter}", 512)
        modulus, order = modulus * prime, order * (prime - 1)
    return Key(modulus, 65537), pow(65537, -1, order)


class Package(NamedTuple):
    """An update as it was downloaded, with the check sum that stands beside it on the page, and its signature."""

    name: str
    data: bytes
    sha256: str
    signature: int

    def __repr__(self):
        return f"{self.name}: {len(self.data)} bytes, SHA-256 on the page {self.sha256[:16]}..., signature {str(self.signature)[:12]}..."


def fits(data, signature, key):
    """Whether `signature` was made over `data` with the private key that belongs to `key`."""
    return pow(signature, key.e, key.n) == int.from_bytes(hashlib.sha256(data).digest(), "big")


@lru_cache(maxsize=4)
def _downloads(seed):
    """The vendor's key, the key on the page, the packages, and what was done to each."""
    draws = Draws(seed, "cpas-16 downloads")
    (right, private), (other, forged) = _pair(seed, "vendor"), _pair(seed, "page")
    fates = _in_any_order(draws, ["genuine", "genuine", "damaged", "sum renewed", "signed anew", "wrong sum"])
    parts = _in_any_order(draws, ["archive", "worklist", "viewer", "router", "audit", "database"])
    packages = []
    for part, fate in zip(parts, fates, strict=True):
        name = f"hv-{part}-7.2.{draws.one(3, 9)}.pkg"
        data = f"HVPKG1\n{part}\n".encode() + hashlib.shake_256(f"{seed} {part}".encode()).digest(400)
        sha, signed = hashlib.sha256(data).hexdigest(), pow(int.from_bytes(hashlib.sha256(data).digest(), "big"), private, right.n)
        if fate in ("damaged", "sum renewed", "signed anew"):
            data = data[:200] + bytes([data[200] ^ 1]) + data[201:]
        if fate in ("sum renewed", "signed anew"):
            sha = hashlib.sha256(data).hexdigest()
        if fate == "signed anew":
            signed = pow(int.from_bytes(hashlib.sha256(data).digest(), "big"), forged, other.n)
        if fate == "wrong sum":  # the page still shows the sum of the version before
            sha = hashlib.sha256(data + b"before").hexdigest()
        packages.append(Package(name, data, sha, signed))
    return right, other, packages


@lesson.input
def packages(hospital):
    """Six updates for HV_PACS as they were downloaded: a list."""
    return _downloads(hospital.seed)[2]


@lesson.input
def contract_key(hospital):
    """The vendor's public key, as printed in the contract of 2019."""
    return _downloads(hospital.seed)[0]


@lesson.input
def page_key(hospital):
    """The key that lies beside the downloads on the page."""
    return _downloads(hospital.seed)[1]


def package(value):
    """The name of a package, from its name or the package itself."""
    value = value[0] if isinstance(value, list) and value else value
    name = str(value).strip(" '\"").split(":")[0].casefold()
    if not name.startswith("hv-"):
        raise ValueError("give the names of the packages, as they are printed: hv-...-7.2. and so on")
    return name.removesuffix(".pkg")


GENUINE = {**dict.fromkeys(("genuine", "true", "yes", "ok", "good", "real"), True),
           **dict.fromkeys(("false", "no", "fake", "forged", "bad", "not genuine", "not ok", "changed", "damaged"), False)}


class Packages(Set):
    """Names of packages; one without its version stands for the only package of that part."""

    def read(self, given):
        """As for a set; also names in running text, and a word such as "genuine" or "false" for each package."""
        value = plain(given) if is_a(given, (str, dict)) else None
        if type(value) is str and (names := re.findall(r"hv-[\w.-]*\w", value.casefold())):
            return super().read(names)
        if type(value) is dict and value and all(type(word) is str and word.strip().casefold() in GENUINE for word in value.values()):
            return super().read([name for name, word in value.items() if GENUINE[word.strip().casefold()]])
        return super().read(given)

    def difference(self, answer, other):
        """None when both hold the same packages."""
        whole = {re.sub(r"-[\d.]+$", "", name): name for name in other}
        return super().difference({whole.get(name, name): given for name, given in answer.items()}, other)


@lesson.exercise
class GenuineUpdates:
    """Which of the six `packages` really come **from the vendor, unchanged**? (Whether you would *install* one today is another
    question: where anything at all does not fit, the vendor is asked first.)

    Answer with a list of their names.
    """

    answer = Packages("genuine", reading=package)
    points = 2

    def solution(packages, contract_key):
        return [one.name for one in packages if fits(one.data, one.signature, contract_key)]

    def sum_fits(packages):
        return [one.name for one in packages if hashlib.sha256(one.data).hexdigest() == one.sha256]

    def key_of_the_page(packages, page_key):
        return [one.name for one in packages if fits(one.data, one.signature, page_key)]

    def either_key(packages, contract_key, page_key):
        return [one.name for one in packages if fits(one.data, one.signature, contract_key) or fits(one.data, one.signature, page_key)]

    def sum_and_signature(packages, contract_key):
        return [one.name for one in packages
                if fits(one.data, one.signature, contract_key) and hashlib.sha256(one.data).hexdigest() == one.sha256]

    def all_signed(packages):
        return [one.name for one in packages if one.signature]

    def those_forged(packages, contract_key):
        return [one.name for one in packages if not fits(one.data, one.signature, contract_key)]

    wrong_ways = {
        sum_fits: "These are those whose check sum fits the page. Whoever can change the package on the page can change the sum beside "
        "it too: a hash alone proves that nothing got lost on the way, and not who made it.",
        key_of_the_page: "You checked with the key that lies beside the downloads. Whoever put a false package there put their own key "
        "beside it. Which key did the hospital get by another way?",
        either_key: "You took either key. The one on the page has signed something that the vendor's key has not: then it is not the "
        "vendor's.",
        sum_and_signature: "You ask that the check sum fits as well. Before you *install* one, that is the right caution: a mismatch is a "
        "question to the vendor. But here it is asked who made a package. What does the sum on the page prove of that?",
        all_signed: "Each has a signature, but does it fit? A signature is a number that belongs to one content and one key; copied to "
        "something else it says nothing.",
        those_forged: "Your condition is turned round: what should be kept is left out. Is there a `not` too many?",
    }
    hints = [
        "`fits(one.data, one.signature, key)` is True when that signature belongs to that content and that key.",
        "There are two keys. One came with the contract, by post, in 2019; the other lies where the packages lie.",
        "`genuine = [one.name for one in packages if fits(...)]`: fill in content, signature and the key that you trust. Or the loop with "
        "`append` above the exercise, with another condition.",
    ]
    praise = (
        "A signature joins content and maker. What it hangs on is the key: it must come by another way than what it is to prove. (And it "
        "covers what was signed, no more: here the content, not the name on the page. An old genuine package under a new name would pass.)"
    )


# ---- certificates

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1  # the curve P-256 of NIST (FIPS 186)
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
      0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def _times(number, point):
    """A point of P-256 added to itself `number` times, in Jacobian coordinates to save the divisions."""
    x, y, z = 0, 1, 0
    for bit in f"{number:b}":
        if z:
            s, m = 4 * x * y * y % _P, 3 * (x - z * z) * (x + z * z) % _P
            x2 = (m * m - 2 * s) % _P
            x, y, z = x2, (m * (s - x2) - 8 * y**4) % _P, 2 * y * z % _P
        if bit == "1":
            if not z:
                x, y, z = *point, 1
                continue
            h, r = (point[0] * z * z - x) % _P, (point[1] * z**3 - y) % _P
            x2 = (r * r - h**3 - 2 * x * h * h) % _P
            x, y, z = x2, (r * (x * h * h - x2) - y * h**3) % _P, z * h % _P
    inverse = pow(z, -1, _P)
    return x * inverse**2 % _P, y * inverse**3 % _P


def _tlv(tag, *parts):
    """A value in DER, the binary form of certificates: tag, length, content (X.690)."""
    content = b"".join(parts)
    length = len(content)
    size = b"" if length < 128 else length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(size) if size else length]) + size + content


def _integer(number):
    return _tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


_COMMON_NAME, _ORGANIZATION = bytes.fromhex("0603550403"), bytes.fromhex("060355040a")
_EC_P256 = _tlv(0x30, bytes.fromhex("06072a8648ce3d0201"), bytes.fromhex("06082a8648ce3d030107"))
_RSA = _tlv(0x30, bytes.fromhex("06092a864886f70d010101"), b"\5\0")
_ECDSA_SHA256 = _tlv(0x30, bytes.fromhex("06082a8648ce3d040302"))
_BASIC_CONSTRAINTS, _KEY_USAGE, _ALTERNATIVE_NAME = (bytes.fromhex(f"0603551d{one}") for one in ("13", "0f", "11"))


def _name(organization, common):
    def part(oid, text):
        return _tlv(0x31, _tlv(0x30, oid, _tlv(0x0C, text.encode())))
    return _tlv(0x30, part(_ORGANIZATION, organization), part(_COMMON_NAME, common))


def _signed(content, private):
    """A signature by ECDSA over `content`, and around both the frame of a certificate."""
    digest = hashlib.sha256(content).digest()
    once = int.from_bytes(hashlib.sha512(private.to_bytes(32, "big") + digest).digest(), "big") % _N
    r = _times(once, _G)[0] % _N
    s = pow(once, -1, _N) * (int.from_bytes(digest, "big") + r * private) % _N
    return _tlv(0x30, content, _ECDSA_SHA256, _tlv(3, b"\0", _tlv(0x30, _integer(r), _integer(s))))


class Certificate(NamedTuple):
    """A certificate that a host of the hospital shows; `signed` says whether the signature fits the key of the hospital's
    authority.

    Times are GMT, as in every certificate. `pem` is the certificate itself, which any other program reads.
    """

    host: str
    subject: str
    issuer: str
    names: tuple
    not_before: datetime
    not_after: datetime
    key: str
    signed: bool
    pem: str

    def __repr__(self):
        return "\n".join([
            f"{self.host}", f"    Subject    {self.subject}", f"    Issuer     {self.issuer}",
            f"    Valid      {_gmt(self.not_before)} to {_gmt(self.not_after)}",
            f"    Key        {self.key}", f"    SAN        {', '.join('DNS:' + name for name in self.names)}",
            f"    Signature  {'fits' if self.signed else 'does NOT fit'} the key of {AUTHORITY}",
        ])


AUTHORITY = "Harbour Vale Device CA"
HOUSE = "Harbour Vale General Hospital"


class _Maker:
    """Makes the certificates of one edition; every private key follows from the seed and is thrown away."""

    def __init__(self, seed):
        self.seed = seed

    def private(self, name):
        return _number(self.seed, "key of " + name, 256) % _N

    def make(self, host, subject, signer, issuer=(HOUSE, AUTHORITY), names=(), begins=None, ends=None, weak=False, authority=False):
        """A Certificate: `signer` names whose private key signs, `issuer` what the certificate says about that."""
        if weak:
            point = _tlv(3, b"\0", _tlv(0x30, _integer(_pair(self.seed, "weak", "pq")[0].n), _integer(65537)))
            key = _tlv(0x30, _RSA, point)
        else:
            x, y = _times(self.private(host), _G)
            key = _tlv(0x30, _EC_P256, _tlv(3, b"\0\4", x.to_bytes(32, "big"), y.to_bytes(32, "big")))
        limits = [_tlv(0x30, _BASIC_CONSTRAINTS, b"\1\1\xff", _tlv(4, _tlv(0x30, b"\1\1\xff" if authority else b""))),
                  _tlv(0x30, _KEY_USAGE, b"\1\1\xff", _tlv(4, b"\3\2\1\6" if authority else b"\3\2\7\x80"))]
        if names:
            limits.append(_tlv(0x30, _ALTERNATIVE_NAME, _tlv(4, _tlv(0x30, *(_tlv(0x82, name.encode()) for name in names)))))
        content = _tlv(
            0x30, _tlv(0xA0, _integer(2)), _integer(_number(self.seed, "serial " + host, 64)), _ECDSA_SHA256, _name(*issuer),
            _tlv(0x30, *(_tlv(23, f"{when:%y%m%d%H%M%SZ}".encode()) for when in (begins, ends))), _name(*subject), key,
            _tlv(0xA3, _tlv(0x30, *limits)),
        )
        text = b64encode(_signed(content, self.private(signer))).decode()
        rows = [text[at : at + 64] for at in range(0, len(text), 64)]
        pem = "\n".join(["-----BEGIN CERTIFICATE-----", *rows, "-----END CERTIFICATE-----", ""])
        return Certificate(host, f"O={subject[0]}, CN={subject[1]}", f"O={issuer[0]}, CN={issuer[1]}", tuple(names), begins, ends,
                           "RSA, 1024 bits" if weak else "elliptic curve P-256, 256 bits", signer == AUTHORITY, pem)


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _gmt(when):
    """A time as OpenSSL prints it: "Apr  7 06:15:00 2025 GMT"."""
    return f"{_MONTHS[when.month - 1]} {when.day:2d} {when:%H:%M:%S} {when.year} GMT"


NOW_GMT = world.NOW - timedelta(hours=2)  # the wall clock shows summer time


@lesson.input
def chain(hospital):
    """The certificates of the hospital's root, of its authority for devices and of a host: a list."""
    maker, years = _Maker(hospital.seed), {"begins": datetime(2020, 1, 7, 9), "ends": datetime(2040, 1, 7, 9)}
    root, authority, host = (HOUSE, "Harbour Vale Root CA"), (HOUSE, AUTHORITY), (HOUSE, "hv-engine.hvgh.example")
    return [maker.make(root[1], root, root[1], root, **years, authority=True),
            maker.make(authority[1], authority, root[1], root, **years, authority=True),
            maker.make(host[1], host, AUTHORITY, names=(host[1],), begins=datetime(2024, 9, 3, 8), ends=datetime(2025, 10, 5, 8))]


@lesson.input
def certificates(hospital):
    """What ten hosts show when one asks them over TLS on Monday at 07:30: a list of Certificate."""
    draws, maker = Draws(hospital.seed, "cpas-16 certificates"), _Maker(hospital.seed)
    hosts = _in_any_order(draws, ["hv-pacs", "hv-mwl", "hv-vna", "arr", "emr", "ws-ch1", "ct2", "us-echo1", "portal",
                                  "ris"])
    found = []
    for short, fate in zip(hosts, ("plain", "ends today", "wildcard", "other subject", "expired", "begins today", "wrong name", "impostor",
                                   "self-signed", "weak"), strict=True):
        host, minutes = f"{short}.hvgh.example", draws.one(0, 50)
        begins = datetime(2024, draws.one(4, 12), draws.one(1, 28), 8, minutes)
        more = {"names": (host,), "begins": begins, "ends": begins + timedelta(397)}
        subject, signer = (HOUSE, host), AUTHORITY
        if fate == "ends today":
            more["ends"] = datetime(2025, 4, 7, 6, minutes)                     # 08:.. by the wall clock
        elif fate == "wildcard":
            more["names"] = ("*.hvgh.example",)
        elif fate == "other subject":
            subject = (HOUSE, f"{short} device certificate")
        elif fate == "expired":
            more["ends"] = datetime(2025, 4, draws.one(1, 6), 21, minutes)
        elif fate == "begins today":
            more |= {"begins": datetime(2025, 4, 7, 6, minutes), "ends": datetime(2026, 4, 7, 6, minutes)}
        elif fate == "wrong name":
            more["names"] = (f"{short}-old.hvgh.example",)
        elif fate == "impostor":
            signer = "somebody else"
        elif fate == "self-signed":
            subject, signer = ("Factory default", host), host
            more |= {"issuer": subject, "ends": begins + timedelta(3650)}
        elif fate == "weak":
            more["weak"] = True
        found.append(maker.make(host, subject, signer, **more))
    return _in_any_order(draws, found)


def _covers(name, host):
    """Whether a name of a certificate stands for the host; a star stands for one label (RFC 9525)."""
    return name == host or (name.startswith("*.") and name[2:] == host.partition(".")[2])


def _faulty(certificates, now=NOW_GMT, skip=(), name=lambda one: any(_covers(name, one.host) for name in one.names),
            known=lambda one: one.signed, weak=lambda one: one.key.startswith("RSA")):
    """The findings as the solution has them, save where a wrong way sees it otherwise."""
    rows = []
    for one in certificates:
        finding = "ok"
        if not known(one):
            finding = "issuer"
        elif now < one.not_before:
            finding = "early"
        elif now > one.not_after:
            finding = "ended"
        elif not name(one):
            finding = "name"
        elif weak(one):
            finding = "weak"
        rows.append({"host": one.host, "finding": "ok" if finding in skip else finding})
    return rows


def finding(value):
    """The finding in one word, from what people call it."""
    text = " ".join(str(value).strip(" .'\"").casefold().replace("-", " ").split())
    for word, others in {
        "ok": ("ok", "okay", "valid", "good", "fine", "none", "nan", "no fault", ""), "ended": ("ended", "expired", "too late", "end"),
        "early": ("early", "not yet valid", "not valid yet", "too early", "not yet", "begins later"),
        "name": ("name", "wrong name", "wrong host", "hostname", "san", "wrong san"),
        "issuer": ("issuer", "unknown issuer", "wrong issuer", "untrusted issuer", "untrusted", "self signed", "signature", "unknown ca"),
        "weak": ("weak", "weak key", "key", "short key"),
    }.items():
        if text in others:
            return word
    return text


def host(value):
    """A host's name with its domain, in small letters."""
    name = str(value).strip(" .'\"").casefold().replace("_", "-")
    return name if "." in name else f"{name}.hvgh.example"


def _by_host(value, depth=3):
    """With each Certificate among keys, values and items replaced by its host, as deep as a list of rows goes."""
    if type(value) is Certificate:
        return value.host
    if type(value) is dict and depth:
        return {_by_host(key, 0): _by_host(one, depth - 1) for key, one in value.items()}
    return [_by_host(one, depth - 1) for one in value] if type(value) in (list, tuple) and depth else value


class Round(Told):
    """The certificates with what is found; also the findings alone in their order, or for each finding its hosts.

    A certificate itself is as good as its host.
    """

    takes = "a finding for each of the ten hosts, as a dictionary, a table, or a list in the order of `certificates`"

    def judge(self, exercise, given, editions):
        """As for a table; findings alone are those of the hosts in their order."""
        hosts = [row[0] for row in self._computed(exercise, exercise.solution, editions).rows]
        value = self._alone(given[0])
        if type(value) is list and len(value) == len(hosts) and all(type(one) is str for one in value):
            given = (list(zip(hosts, value, strict=True)),)
        return super().judge(exercise, given, editions)

    def _alone(self, given):
        """What was given as plain data, where it can be findings alone; None for a dictionary, and a Series or table with names."""
        if is_a(given, dict) or is_library(given, "pandas", "DataFrame") or is_library(given, "pandas", "Series") and all(
                type(one) is str for one in plain(given.index)):
            return None
        try:
            return plain(_by_host(given))
        except Unclear:
            return None

    def read(self, given):
        """As for a table, and by finding."""
        given = _by_host(given)
        if is_a(given, dict):
            if rows := _by_finding(plain(given), finding, ("ok", *NOT_SO)):
                return Rows(["host", "finding"], rows)
        return super().read(given)


NOT_SO = {  # why a host that is refused for this reason is refused wrongly
    "early": "You say that it is not valid yet. Lay the first of its two times beside the clock in GMT.",
    "ended": "You say that it has ended. Lay the second of its two times beside the clock in GMT.",
    "name": "You say that it is not made for this host. Read the line SAN alone, without the subject; a star there stands for one part.",
    "issuer": "You say that the authority did not sign it. What does the line Signature say? Neither Subject nor Issuer decides that.",
    "weak": "You say that its key is too weak. RSA and elliptic curves have a measure of their own each.",
}
LOOK_AT = {"early": "its first time", "ended": "its second time", "name": "the line SAN, part for part", "issuer": "the line Signature",
           "weak": "the line Key"}


def _found_otherwise(hospital, mine, ours):
    """Why the first wrong host is wrong."""
    for name, word in mine.items():
        if name not in ours:
            return ""
        if word not in ("ok", *NOT_SO):
            return f"{name}: {short(word)} is none of the six words `ok`, `early`, `ended`, `name`, `issuer` and `weak`."
    wrong = [name for name, word in mine.items() if word != ours[name]]
    missing = [name for name in ours if name not in mine]
    if not wrong:
        if all(ours[name] == "ok" for name in missing):
            return "The ones that are refused are right. But a row is asked for each of the ten: hosts in order get one too, with `ok`."
        return f"What is there is right, but {len(missing)} of the ten hosts have no row."
    name = wrong[0]
    if mine[name] == "ok":
        reason = f"a careful client refuses it. Look again at {LOOK_AT[ours[name]]}."
    else:
        reason = NOT_SO[mine[name]] + (" It is refused all the same, but for another reason." if ours[name] != "ok" else "")
    return f"{name}: {reason}" + (f" ({len(wrong) - 1} more not right.)" if wrong[1:] else "")


@lesson.exercise
class CertificateRound:
    """It is Monday 7 April 2025, 07:30 by the clock on the wall. Which of the ten `certificates` would a careful client refuse
    now, and why?

    Give a table with the columns `host` and `finding`, a row for each of the ten: `ok`, `early` (not valid yet), `ended`, `name`
    (not made for this host), `issuer` (not signed by the hospital's authority) or `weak` (a key that is no longer accepted). None
    has more than one fault.
    """

    answer = Round("findings", _found_otherwise, key=["host"], reading={"host": host, "finding": finding}, spare=Certificate._fields[1:])
    points = 2

    def solution(certificates):
        now = datetime(2025, 4, 7, 5, 30)                       # 07:30 in summer time is 05:30 GMT
        rows = []
        for one in certificates:
            if not one.signed:
                found = "issuer"
            elif now < one.not_before:
                found = "early"
            elif now > one.not_after:
                found = "ended"
            elif one.host not in one.names and "*.hvgh.example" not in one.names:
                found = "name"                                  # a star stands for the first part of a name
            elif one.key == "RSA, 1024 bits":
                found = "weak"
            else:
                found = "ok"
            rows.append({"host": one.host, "finding": found})
        return rows

    def wall_clock(certificates):
        return _faulty(certificates, now=world.NOW)

    def common_name(certificates):
        return _faulty(certificates, name=lambda one: one.subject.endswith("CN=" + one.host))

    def either_name(certificates):
        return _faulty(certificates, name=lambda one: one.subject.endswith("CN=" + one.host) or one.host in one.names)

    def star_not_taken(certificates):
        return _faulty(certificates, name=lambda one: one.host in one.names)

    def issuer_by_name(certificates):
        return _faulty(certificates, known=lambda one: one.issuer.endswith("CN=" + AUTHORITY))

    def self_signed_will_do(certificates):
        return _faulty(certificates, known=lambda one: one.signed or not one.issuer.endswith("CN=" + AUTHORITY))

    def smaller_is_weaker(certificates):
        return _faulty(certificates, weak=lambda one: not one.key.startswith("RSA"))

    def no_weak_key(certificates):
        return _faulty(certificates, weak=lambda one: False)

    def days_only(certificates):
        today = datetime(2025, 4, 7)
        rows = _faulty(certificates)
        for row, one in zip(rows, certificates, strict=True):
            if row["finding"] == "early" and one.not_before.date() == today.date():
                row["finding"] = "ok"
        return rows

    wrong_ways = {
        wall_clock: "These are the findings of a clock that is ahead of GMT. The times in a certificate are GMT, and since 30 March the "
        "clock on the wall shows two hours more. One that seems over still holds, and one that seems to hold has not begun.",
        common_name: "You went by the CN of the subject. Clients look at the SAN, the subject alternative names, and no longer at the "
        "CN (RFC 9525): a right CN does not help, and an odd one does not harm.",
        either_name: "You took a right CN for enough. Clients look only at the SAN, the subject alternative names (RFC 9525).",
        star_not_taken: "All right but one: a star in a name stands for the first part of a host's name, whatever it is. (Whether one "
        "likes it is another question: its key opens all doors.)",
        issuer_by_name: "One certificate only *says* that the hospital's authority issued it. Anybody can write a name into the field "
        "Issuer; the signature is what counts.",
        self_signed_will_do: "You let a self-signed certificate pass. It encrypts as well as any, but with whom? Anybody can make one "
        "with this name in a minute: encryption without authentication.",
        smaller_is_weaker: "256 bits of an elliptic curve are not less than 1024 of RSA: lengths compare only within one kind. P-256 is "
        "about as strong as RSA with 3072 bits, and RSA with 1024 is refused today.",
        no_weak_key: "One key is too short: look at the line Key. RSA with 1024 bits has not been accepted for years; 2048 is the least.",
        days_only: "All right but one: it is made for today, yet not for this hour. Mind the zone of the times.",
    }
    hints = [
        "Five questions for each: signature fits? begun? not over? is the host among the names of SAN? key long enough?",
        "GMT is two hours behind the clock on the wall now. So what time is it in GMT?",
        "Three to five hosts are in order. Look again at those where only a detail is unusual: a star, a CN that is no host's name, a "
        "time of today.",
        "`[{\"host\": ..., \"finding\": ...}, ...]` with the ten hosts, or a dictionary `{\"ct2\": \"ok\", ...}`; `.hvgh.example` may "
        "be left out.",
    ]
    praise = "The one that ends this morning passes, though not for long. Put all end dates into a calendar, with a warning 60 days before."


# ---- devices

@lesson.input
def inventory(hospital):
    """The modalities in the hospital's inventory, with what the last scan of the network found open: a DataFrame."""
    import pandas
    found = [one for one in hospital.projects.security.devices if one.kind == "modality"]
    return pandas.DataFrame(
        [(one.device, one.ip, one.operating_system, one.support_ends, one.patched, ", ".join(one.open_ports)) for one in found],
        columns=["device", "address", "operating_system", "support_ends", "patched", "open_ports"],
    )


TODAY = str(world.NOW.date())


def _picked(inventory, fits):
    return [row["device"] for row in inventory.to_dict("records") if fits(row, set(row["open_ports"].split(", ")) & {"23", "445", "3389"})]


def device(value):
    """The name of a device, with a hyphen as good as an underscore."""
    return str(value).strip(" '\"").casefold().replace("-", "_")


class Devices(Set):
    """Names of devices, also as the rows of the inventory that hold them; the first that does not belong is told by itself."""

    def read(self, given):
        """As for a set; of a table its column `device`."""
        if is_library(given, "pandas", "DataFrame"):
            table = Table("inventory").read(given)
            if "device" in table.columns:
                given = [row[table.columns.index("device")] for row in table.rows]
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for a set."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra", "missing"):
            return verdict
        rows = {device(row["device"]): row for row in lesson.input_of("inventory", editions.own).to_dict("records")}
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        for name in answer:
            if name in rows and name not in right:
                row = rows[name]
                which = f"{row['device']} does not belong there: its "
                if row["support_ends"] >= TODAY:
                    return Verdict(Outcome.NOT_YET, which + "support has not ended yet. Compare the year, too.", "extra")
                if not row["open_ports"]:
                    return Verdict(Outcome.NOT_YET, f"{row['device']} does not belong there: the scan found no open port on it.", "extra")
                return Verdict(Outcome.NOT_YET, which + "open ports hold none of the three. 104 is DICOM, which imaging needs.", "extra")
        if verdict.label == "missing":
            return Verdict(Outcome.NOT_YET, "What you have is right, but not all. Look for 23, for 445 and for 3389, also where several "
                           "ports stand together, and at every operating system out of support.", "missing")
        return verdict


@lesson.exercise
class OldAndOpen:
    """Which devices in `inventory` run an operating system whose support **has ended** (before today, 7 April 2025), **and**
    answer on at least one of the ports for telnet, Windows file sharing or remote desktop?

    Answer with a list of their names.
    """

    answer = Devices("old_and_open", reading=device)

    def solution(inventory):
        found = []
        for row in inventory.to_dict("records"):
            open_ports = row["open_ports"].split(", ")          # whole ports: the text "23" also stands in 2375
            risky = "23" in open_ports or "445" in open_ports or "3389" in open_ports
            if row["support_ends"] < "2025-04-07" and risky:
                found.append(row["device"])
        return found

    def old(inventory):
        return _picked(inventory, lambda row, risky: row["support_ends"] < TODAY)

    def risky(inventory):
        return _picked(inventory, lambda row, risky: risky)

    def either(inventory):
        return _picked(inventory, lambda row, risky: risky or row["support_ends"] < TODAY)

    def turned_round(inventory):
        return _picked(inventory, lambda row, risky: risky and row["support_ends"] >= TODAY)

    wrong_ways = {
        old: "Those are all whose system is out of support. The second condition is missing: which of them offer a door that imaging "
        "does not need?",
        risky: "Those are all with such a door, also where support still runs. Either the second condition is missing, or it does not "
        "reach all three ports: where `&` and `|` stand in one condition, the part with `|` needs brackets around it.",
        either: "You joined the two conditions by *or*. Asked are the devices to which both apply.",
        turned_round: "Those are the ones with such a door whose support still runs. Turn the comparison of the dates round.",
    }
    hints = [
        "Two conditions for each row: `support_ends` lies before today, and `open_ports` has 23, 445 or 3389.",
        "Dates of the form 2025-04-07 sort as text: `row[\"support_ends\"] < \"2025-04-07\"`.",
        "`inventory[inventory[\"support_ends\"] < \"2025-04-07\"]` keeps the rows that fit the first condition; the second you can then "
        "see with the naked eye.",
    ]
    praise = (
        "For these the patch will not come. What helps: close the port if the vendor agrees, a network segment of their own with a "
        "firewall that lets through what imaging needs, and a date for the replacement."
    )


# ---- the disc from outside

def _element(tag, vr, value):
    """An element in Explicit VR Little Endian; `value` of even length."""
    length = struct.pack("<HI", 0, len(value)) if vr in ("OB", "OW") else struct.pack("<H", len(value))
    return struct.pack("<HH", *tag) + vr.encode() + length + value


def _text(value, vr="LO"):
    value = value.encode("latin-1")
    return value + (b"\0" if vr == "UI" else b" ") * (len(value) % 2)


def _image(preamble, uid, name, pid, slice_number, extra=b""):
    """A small CT image as a file, with that preamble; `extra` is a private element's value."""
    meta = [_element((2, 1), "OB", b"\0\1"), _element((2, 2), "UI", _text("1.2.840.10008.5.1.4.1.1.2", "UI")),
            _element((2, 3), "UI", _text(uid, "UI")), _element((2, 16), "UI", _text("1.2.840.10008.1.2.1", "UI")),
            _element((2, 18), "UI", _text("2.999.3.16", "UI"))]
    meta = b"".join(meta)
    pixels = b"".join(struct.pack("<H", 40 + 8 * row + column) for row in range(8) for column in range(8))
    rows = [((8, 0x16), "UI", "1.2.840.10008.5.1.4.1.1.2"), ((8, 0x18), "UI", uid), ((8, 0x20), "DA", "20250321"), ((8, 0x60), "CS", "CT"),
            ((9, 0x10), "LO", "ECC MEDIA 1.0"), ((9, 0x1001), "OB", extra or bytes(16)),
            ((0x10, 0x10), "PN", name), ((0x10, 0x20), "LO", pid), ((0x20, 0xD), "UI", uid.rsplit(".", 2)[0]),
            ((0x20, 0xE), "UI", uid.rsplit(".", 1)[0]), ((0x20, 0x13), "IS", str(slice_number)),
            ((0x28, 2), "US", 1), ((0x28, 4), "CS", "MONOCHROME2"), ((0x28, 0x10), "US", 8), ((0x28, 0x11), "US", 8),
            ((0x28, 0x100), "US", 16), ((0x28, 0x101), "US", 12), ((0x28, 0x102), "US", 11), ((0x28, 0x103), "US", 0),
            ((0x7FE0, 0x10), "OW", pixels)]
    body = b"".join(
        _element(tag, vr, value if isinstance(value, bytes) else struct.pack("<H", value) if vr == "US" else _text(value, vr))
        for tag, vr, value in rows
    )
    return preamble.ljust(128, b"\0") + b"DICM" + _element((2, 0), "UL", struct.pack("<I", len(meta))) + meta + body


# The head of a Windows program without any code: it names a processor and no section, so there is nothing to run.
_DOS_HEAD = b"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0"
_OTHER_DOS_HEAD = b"MZP\0\2\0\0\0\4\0\x0f\0\xff\xff\0\0\xb8\0"  # as another compiler writes it
_OLD_PROGRAM = b"NE\5\x3c" + bytes(20)  # the head of a program for 16-bit Windows, without any code either
_DOS_PROGRAM = b"MZ\x10\0\2\0\0\0\2\0"  # the head of a program for DOS, older than Windows: no second head
_PROGRAM = b"PE\0\0" + struct.pack("<HHIIIHH", 0x14C, 0, 0, 0, 0, 0, 0x102)


def _file(kind, *details):
    """An image with a preamble of that kind: zeros, text, small letters, TIFF (of either byte order), table or program.

    "other program" has another second word and fills the preamble to its end, "old program" is for 16-bit Windows, "DOS program" has no
    second head, "damaged program" a pointer to nowhere; "text, PE" holds what looks like a program's head, to which nothing points.
    """
    if kind in ("program", "other program", "old program"):
        head = (_OTHER_DOS_HEAD if kind == "other program" else _DOS_HEAD).ljust(60, b"\0")
        proper = _OLD_PROGRAM if kind == "old program" else _PROGRAM
        at = _image(head, *details, proper).index(proper)
        said = b"harmless: no code, made for a lesson"
        said += b" on DICM files, to its end." if kind == "other program" else b""
        return _image(head + struct.pack("<I", at) + said.ljust(64, b"." if kind == "other program" else b"\0"), *details, proper)
    if kind in ("DOS program", "damaged program"):
        pointer, said = (0, b"") if kind == "DOS program" else (0x7FFFFF00, b"harmless: no code, made for a lesson")
        return _image(_DOS_PROGRAM.ljust(60, b"\0") + struct.pack("<I", pointer) + said, *details, b"a note: DICM " + bytes(range(1, 220)))
    preambles = {"TIFF": b"II*\0" + struct.pack("<IH", 8, 0), "TIFF, MM": b"MM\0*" + struct.pack(">IH", 8, 0), "zeros": b"",
                 "text": b"SCAN BY CT MZ-40, ECC\0", "small letters": b"mz-40 ct, ECC\0", "text, PE": b"SCAN BY PET/SPECT, ECC\0",
                 "second letter": b"NZ-40 CT, ECC\0", "letters early": b"(MZ-40) CT, ECC\0",
                 "table": b"TABLE OF SLICES\0".ljust(60, b"\0") + struct.pack("<4I", 4096, 8192, 12288, 16384)}
    return _image(preambles[kind], *details, _PROGRAM if kind == "text, PE" else b"")


@lesson.input
def disc(hospital):
    """The images on Eastcliff's disc: a dictionary from file name to bytes."""
    draws = Draws(hospital.seed, "cpas-16 disc")
    person = hospital.truth["people"]["P5 at Eastcliff"]
    kinds = ["zeros", *_in_any_order(draws, ["zeros", "program", "TIFF", "text"])]    # the notebook shows the first
    study = f"2.999.3.{draws.one(1000, 9999)}"
    return {f"IMG{number:05d}.dcm": _file(kind, f"{study}.1.{number}", person["name"], person["pid"], number)
            for number, kind in enumerate(kinds, 1)}


@lesson.exercise
class CleanPreamble:
    """Write the function `clean(data)` for the import station. It gets the bytes of a DICOM file from a disc and returns the bytes that
    may be imported: of a file that **begins as a Windows program**, with the whole preamble zeros and everything behind it as it is;
    of every other file, unchanged.

    It is tried on the files of other discs.
    """

    answer = Function("clean", result=Bytes("cleaned"))
    points = 2

    def solution(data):
        if data[0:2] == b"MZ":
            data = bytes(128) + data[128:]
        return data

    def as_it_was(data):
        return data

    def every_preamble(data):
        return bytes(128) + data[128:]

    def letters_anywhere(data):
        return bytes(128) + data[128:] if b"MZ" in data[:128] else data

    def small_letters_too(data):
        return bytes(128) + data[128:] if data[0:2].upper() == b"MZ" else data

    def first_letter(data):
        return bytes(128) + data[128:] if data[0:1] == b"M" else data

    def four_bytes(data):
        return bytes(128) + data[128:] if data[0:4] == b"MZ\x90\0" else data

    def offset_60(data):
        return bytes(128) + data[128:] if data[60:64] != bytes(4) else data

    def pe_anywhere(data):
        return bytes(128) + data[128:] if b"PE" in data else data

    def new_programs_only(data):
        return bytes(128) + data[128:] if data[0:2] == b"MZ" and b"PE" in data else data

    def known_head(data):
        at = int.from_bytes(data[60:64], "little")
        return bytes(128) + data[128:] if data[0:2] == b"MZ" and data[at : at + 2] in (b"PE", b"NE") else data

    def tiff_too(data):
        return bytes(128) + data[128:] if data[0:2] in (b"MZ", b"II") else data

    def digits(data):
        return b"0" * 128 + data[128:] if data[0:2] == b"MZ" else data

    def put_in_front(data):
        return bytes(128) + data if data[0:2] == b"MZ" else data

    def thrown_away(data):
        return b"" if data[0:2] == b"MZ" else data

    def two_bytes(data):
        return bytes(2) + data[2:] if data[:2] == b"MZ" else data

    def dos_header_only(data):
        return bytes(64) + data[64:] if data[:2] == b"MZ" else data

    def preamble_cut_off(data):
        return data[128:] if data[:2] == b"MZ" else data

    def prefix_too(data):
        return bytes(132) + data[132:] if data[:2] == b"MZ" else data

    def prefix_twice(data):
        return bytes(128) + b"DICM" + data[128:] if data[:2] == b"MZ" else data

    def private_element_too(data):
        return bytes(128) + data[128:].replace(_PROGRAM, bytes(len(_PROGRAM))) if data[:2] == b"MZ" else data

    wrong_ways = {
        as_it_was: "Your function returns every file as it was, the programs too. If it has an `if`, that never holds. What you cut out of "
        "`data`, with a colon, is bytes, and bytes equal only bytes: mind the `b`; a single place, such as `data[0]`, is a number. And if "
        "it follows the number at offset 60: all four bytes, the low one first.",
        every_preamble: "Programs are cleaned, but other files are changed as well. One that a TIFF viewer can open is a TIFF no more. "
        "The order is: only what begins as a program.",
        letters_anywhere: "You look for `MZ` anywhere in the preamble. In one file it is part of a scanner's name. Windows looks at the "
        "first two bytes and nowhere else.",
        small_letters_too: "You took `mz` for `MZ`. Windows compares bytes, not letters: in one file a scanner's name begins so, and you "
        "wiped it.",
        first_letter: "Programs are cleaned, but one letter is not enough: a TIFF image may begin with `MM` (its numbers stand with the "
        "high byte first), and you wiped it.",
        four_bytes: "Only `MZ` makes the beginning of a program. What stands behind it differs from compiler to compiler, and one "
        "program of the discs got through.",
        offset_60: "It goes by what stands at offset 60. In one file that is part of a harmless table, and you wiped it; in a program for "
        "DOS nothing stands there, and it got through. By what does the *beginning* of a program show?",
        pe_anywhere: "You look for `PE` anywhere. Those two letters stand in PET and SPECT as well, and a clean file was changed.",
        new_programs_only: "You ask for `PE` as well. A program for an older Windows has `NE` in its place, and one of those got through: "
        "`MZ` at the beginning is enough to clean.",
        known_head: "You ask for a second head, `PE` or `NE`, as well. A program for DOS has none, and one of those got through: `MZ` at "
        "the beginning is enough to clean.",
        tiff_too: "The TIFF images were wiped too. They begin with `II`, which is allowed and useful; only programs are to be changed.",
        digits: "`b\"0\"` is the digit zero, the byte 30 in hexadecimal. Asked are bytes whose value is zero: see the last line of the "
        "example.",
        put_in_front: "You put zeros in front and left all of the old file behind them, the program's head too. The zeros take the place "
        "of the preamble: what comes behind them begins with `DICM`.",
        thrown_away: "Nothing is left of the programs: the images in them are lost. Asked is the file with an empty preamble.",
        two_bytes: "Without `MZ` Windows will not start it, but the rest of the program's head is still there. Asked is that the whole "
        "preamble is zero.",
        dos_header_only: "The first 64 bytes are zero, but the preamble is longer: it ends where `DICM` begins.",
        preamble_cut_off: "You cut the preamble off. Then `DICM` stands at the beginning instead of at offset 128, and the file is no "
        "DICOM file any more (PS3.10 section 7.1). Its 128 bytes stay, as zeros.",
        prefix_too: "The four letters `DICM` are gone too. They are not part of the preamble; by them a reader knows a DICOM file.",
        prefix_twice: "`DICM` is there twice now: what stands behind the preamble begins with it already.",
        private_element_too: "The preamble is clean, but you emptied a private element too. Asked is everything behind the preamble as "
        "it was: without the preamble nothing points there, so it is dead data, and evidence.",
    }
    hints = [
        "A Windows program begins with the letters `MZ`: `data[0:2] == b\"MZ\"` is true for it alone.",
        "`bytes(128)` makes 128 zero bytes, `data[128:]` is everything from `DICM` on, and `+` joins.",
        "Three lines: `if ...:`, under it, moved to the right, `data = ...`, and last, not moved, `return data`.",
    ]
    praise = (
        "Windows no longer starts the copy, for nothing points to the rest of the program now; its remains still lie in a private "
        "element, dead. First the disc is put aside, untouched, as evidence, and Eastcliff is rung: why did its disc hold a program?"
    )

    def cases(draw):
        kinds = ["program", "zeros", "TIFF", "text", "other program", "TIFF, MM", "table", "text, PE", "zeros", "program", "old program",
                 "small letters", "DOS program", "second letter", "damaged program", "letters early"]
        return [(_file(kind, f"2.999.3.{draw.randrange(1000, 9999)}.{draw.randrange(1, 9)}.{number}", f"TEST^DISC{number}",
                       f"EC-{draw.randrange(80000, 89999)}", number),) for number, kind in enumerate(kinds, 1)]


# ---- mail

def link_host(value):
    """The domain that somebody registered: the last two parts of the host, from a host or a whole address."""
    return ".".join(_whole_host(value).split(".")[-2:])


def _whole_host(value):
    """The host, from a host, a whole address or a few words around it."""
    if type(value) is list:
        raise ValueError("these are several. Give one domain or host")
    text = str(value).strip(" <>\"'`.").casefold().replace("hxxp", "http").replace("[.]", ".")       # as it is written not to be clicked
    text = re.sub(r"^(?:the )?(?:domain|host)(?: is)?:? +", "", text)
    if "@" in text and "/" not in text:
        raise ValueError("that is the address of somebody's mail. Asked is where the link leads")
    text = text.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0].rsplit("@", 1)[-1].split(":", 1)[0].strip(".")
    parts = text.split(".")
    if len(parts) < 2 or not all(parts):
        raise ValueError("that is no host or domain such as example.org")
    return text


class Mail(NamedTuple):
    """A mail as it lies in the inbox; `links` are pairs of what is shown and where it leads."""

    sender: str
    subject: str
    text: str
    links: tuple

    def __repr__(self):
        links = "\n".join(f"    [{shown}] leads to {target}" for shown, target in self.links)
        return f"From:    {self.sender}\nSubject: {self.subject}\n\n    {self.text}\n{links}\n"


@lesson.input
def mails(hospital):
    """Four mails of this morning: a dictionary from letter to Mail."""
    draws = Draws(hospital.seed, "cpas-16 mails")
    owner = ("account-review", "secure-login", "mail-quota", "it-helpdesk")[draws.one(0, 3)]
    top = ("test", "invalid")[draws.one(0, 1)]
    number = draws.one(1000, 9999)
    four = [
        ("phishing", Mail("Service Desk <service@hvgh.example>", "HV_PACS: second factor from May",
                          "Dear colleague, from May on HV_PACS asks for a second factor. Please sign in once and register your telephone; "
                          "it takes two minutes. Regards, Service Desk",
                          (("https://portal.hvgh.example/signin", f"https://portal.hvgh.example.{owner}.{top}/signin?u={number}"),))),
        ("urgent", Mail("Security Officer <security@hvgh.example>", "URGENT: do not open discs from Eastcliff",
                        "Until further notice bring all discs of Eastcliff to Imaging IT. DO NOT open them. Whoever has opened one changes "
                          "their password TODAY. Details in the ticket.",
                        (("ticket", f"https://desk.hvgh.example/tickets/{number}"),))),
        ("outside", Mail("Brinkmere Support <support@brinkmere.example>", f"Case {number}: update 7.2 released",
                         "The updates that you asked for are on the download page. The release notes name the changes.",
                         (("release notes", f"https://download.brinkmere.example/hv/{number}"),))),
        ("careless", Mail("Ward 3B <ward3b@hvgh.example>", "pls help",
                          "hi, the viewr on our pc dosnt open since friday, can sombody come?? thx",
                          (("our pc in the inventry", f"https://desk.hvgh.example/devices?id={number}"),))),
    ]
    return {letter: mail for letter, (_, mail) in zip("ABCD", _in_any_order(draws, four), strict=True)}


def _letter(mails, sender):
    return next(letter for letter, mail in mails.items() if mail.sender.startswith(sender))


def _target(mails, sender):
    return mails[_letter(mails, sender)].links[0][1]


class LeadsTo(Choice):
    """A mail and the domain or the host of its link: the right end with something else in front of it is neither."""

    def judge(self, exercise, given, editions):
        """As for every choice."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label == "evidence":                         # then the letter is right
            found = self.read(*given)[1]
            said = "its link leads elsewhere: read its host from the right, from the end that stands before the first `/`."
            if isinstance(found, Unclear):
                said = f"about where it leads: {found.sentence(self.evidence.takes)}"
            return Verdict(Outcome.NOT_YET, f"The mail is right. But {said}", "evidence")
        host = _target(lesson.input_of("mails", editions.own), "Service").split("/")[2]
        if verdict.correct and _whole_host(single(plain(given[1]))) not in (host, link_host(host)):
            return Verdict(Outcome.NOT_YET, "The mail is right, and so is the end of what you gave. But it is neither the whole host of "
                           "the link nor the domain that somebody registered, which has two parts here.", "evidence")
        return verdict


@lesson.exercise
class Phishing:
    """Which of the four `mails` is phishing, an attempt to get at a password? And who would get it: which **domain** does its link
    really lead to?

    Give the letter as `phishing` and the domain or the host as `leads_to`.
    """

    answer = LeadsTo(
        "phishing, leads_to",
        options={"A": "The first mail.", "B": "The second mail.", "C": "The third mail.", "D": "The fourth mail."},
        evidence=Text("leads_to", reading=link_host),
    )

    def solution(mails):
        for letter, mail in mails.items():
            shown, target = mail.links[0]
            host = target.split("/")[2]                             # between :// and the next /
            domain = ".".join(host.split(".")[-2:])                 # its last two parts
            if domain not in ("hvgh.example", "brinkmere.example"):
                found = letter, domain
        return found

    def the_urgent(mails):
        return _letter(mails, "Security"), None

    def from_outside(mails):
        return _letter(mails, "Brinkmere"), None

    def the_careless(mails):
        return _letter(mails, "Ward"), None

    def what_is_shown(mails):
        return _letter(mails, "Service"), "portal.hvgh.example"

    def without_its_end(mails):
        return _letter(mails, "Service"), _target(mails, "Service").split("/")[2].rsplit(".", 1)[0]

    def behind_the_hyphen(mails):
        return _letter(mails, "Service"), _target(mails, "Service").split("/")[2].rsplit("-", 1)[1]

    wrong_ways = {
        the_urgent: "That one is urgent and speaks of a password, but its link leads into the house. Urgency is a sign, no proof: look "
        "where the links lead.",
        from_outside: "That one comes from outside, but from a vendor who has a case open with you, and its link leads to that vendor. "
        "Outside is no proof.",
        the_careless: "Bad spelling is a weak sign: a tired nurse writes so, and a good forger does not. Its link leads into the house.",
        what_is_shown: "The mail is right. But a domain is read from the right: what stands in front of it, anybody may put before a "
        "domain of their own. Read the whole host, up to the first `/`.",
        without_its_end: "The mail is right. The end of the host is missing, and just the end decides whose it is.",
        behind_the_hyphen: "The mail is right. A hyphen belongs to a name like a letter; only a dot separates the parts of a host.",
    }
    hints = [
        "Where a link leads tells more than the text it shows or the name in From: both can be written by anybody.",
        "The host is what stands between `https://` and the next `/`. It is read from the right: the last two parts say who registered it "
        "(three where a country registers under `.co.uk` and the like; here two are enough).",
        "Only one of the four links leads neither to hvgh.example nor to brinkmere.example.",
    ]
    praise = (
        "Even From: said hvgh.example: the sender of a mail, like an AE title, is what somebody says. Report it, do not forward it; and "
        "whoever typed a password there changes it at once, tells the service desk, and is not blamed."
    )


# ---- backups

class Copy(NamedTuple):
    """A copy of the server HV_PACS, system and database.

    `reachable`: with an administrator's password it can be overwritten over the network.
    """

    copy: str
    taken: str
    kind: str
    place: str
    reachable: bool
    restore_test: str


@lesson.input
def drill(hospital):
    """The security officer's drill: when the intruder came in, when the disks were encrypted, when it was noticed."""
    draws = Draws(hospital.seed, "cpas-16 drill")
    came = datetime(2025, 4, 3, draws.one(14, 20), draws.one(0, 59))
    locked = datetime(2025, 4, 6, draws.one(2, 4), draws.one(5, 55))
    noticed = locked + timedelta(hours=draws.one(3, 5), minutes=draws.one(1, 50))
    moments = {"intruder in since": came, "encrypted at": locked, "noticed at": noticed}
    return {name: f"{when:%Y-%m-%d %H:%M}" for name, when in moments.items()}


@lesson.input
def copies(hospital):
    """The copies of the server HV_PACS on the day of the drill: a DataFrame."""
    import pandas
    draws = Draws(hospital.seed, "cpas-16 copies")
    minute = draws.one(0, 25)
    rows = [
        (datetime(2025, 3, 31, 1, minute), "full, on tape", "safe at Eastcliff", False, "passed"),
        (datetime(2025, 4, 1, 1, minute + 3), "full, cannot be changed for 30 days", "second data centre", False, "passed"),
        (datetime(2025, 4, 2, 1, minute + 4), "full, cannot be changed for 30 days", "second data centre", False, "passed"),
        (datetime(2025, 4, 3, 1, minute + 1), "full, cannot be changed for 30 days", "second data centre", False, "failed"),
        (datetime(2025, 4, 3, 12, minute + 9), "disk to disk", "data centre, share BACKUP", True, "passed"),
        (datetime(2025, 4, 4, 1, minute + 2), "full, cannot be changed for 30 days", "second data centre", False, "passed"),
        (datetime(2025, 4, 5, 1, minute + 6), "full, cannot be changed for 30 days", "second data centre", False, "passed"),
        (datetime(2025, 4, 5, 12, minute + 9), "disk to disk", "data centre, share BACKUP", True, "passed"),
        (datetime(2025, 4, 6, 2, 0), "replica, follows every change", "second data centre", True, "passed"),
    ]
    return pandas.DataFrame(
        [Copy(f"K{number}", f"{row[0]:%Y-%m-%d %H:%M}", *row[1:]) for number, row in enumerate(rows, 1)]
    )


def _hours(copies, drill, fits, until="encrypted at"):
    last = max(row["taken"] for row in copies.to_dict("records") if fits(row, drill["intruder in since"]))
    return (datetime.fromisoformat(drill[until]) - datetime.fromisoformat(last)).total_seconds() / 3600


class Hours(Number):
    """A number of hours, also as "10:20", "4 days, 3:40:00" or the difference of two times."""

    def __init__(self, variables, **details):
        super().__init__(variables, **details)
        self.takes = "a number of hours"

    def read(self, given):
        """As for a number."""
        if (seconds := span(given)) is not None:
            return (seconds / 3600,)
        value = single(plain(given))
        if type(value) is str:
            clock = re.fullmatch(r"(?:(\d{1,4}) days?,? *)?(\d{1,3}) ?(?::|h(?:ours?)?(?: and)?) ?([0-5]?\d)(?::\d\d| ?m(?:in(?:utes?)?)?)?"
                                 r"(?: ?h)?", value.strip().casefold())
            if clock:
                return (24 * int(clock[1] or 0) + int(clock[2]) + int(clock[3]) / 60,)
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for a number; whole hours, minutes as decimals and missing days are told as such."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("close", "value"):
            return verdict
        hours, right = self.read(*given)[0], self._computed(exercise, exercise.solution, editions)[0]
        said, label = ("That is not the number that was asked. Which is the newest copy that all three conditions leave? And did you "
                       "reckon from its `taken` to `encrypted at`?", "value")
        if verdict.label == "close" and hours == int(hours) and abs(hours - right) < 1:
            said, label = "That is in whole hours. Asked are hours to the nearest tenth: six minutes are a tenth.", "rounded"
        elif verdict.label == "close" and abs(int(right) + right % 1 * 0.6 - hours) < 0.006:
            said, label = "You wrote the minutes behind the point. They are sixtieths of an hour: minutes / 60.", "minutes"
        elif verdict.label == "close":
            said, label = "Close, but not it. Reckon once more: full days times 24, plus hours, plus minutes / 60.", "close"
        elif 0 <= hours < 24 <= right and min((right - hours) % 24, (hours - right) % 24) < self.tolerance + 1e-6:
            said, label = ("The full days are missing. `.seconds` of a time between holds only what goes beyond them; `.total_seconds()` "
                           "holds all.", "days")
        return Verdict(Outcome.NOT_YET, said, label)


@lesson.exercise
class HoursLost:
    """In the drill the server is restored **as it stood in one copy**, system and database together. How many hours of work are lost:
    from the **newest copy that can be trusted** to the moment of encryption?

    A copy can be trusted if the intruder could not reach it, if it was taken before the intruder came, and if its restore test was
    passed. In hours, to the nearest tenth.
    """

    answer = Hours("hours_lost", unit="h", tolerance=0.05)

    def solution(copies, drill):
        trusted = copies[~copies["reachable"] & (copies["taken"] < drill["intruder in since"]) & (copies["restore_test"] == "passed")]
        newest = datetime.fromisoformat(trusted["taken"].max())
        encrypted = datetime.fromisoformat(drill["encrypted at"])
        return (encrypted - newest).total_seconds() / 3600

    def the_replica(copies, drill):
        return _hours(copies, drill, lambda row, came: True)

    def reachable_too(copies, drill):
        return _hours(copies, drill, lambda row, came: row["taken"] < came and row["restore_test"] == "passed")

    def after_the_intruder(copies, drill):
        return _hours(copies, drill, lambda row, came: not row["reachable"])

    def untested(copies, drill):
        return _hours(copies, drill, lambda row, came: not row["reachable"] and row["taken"] < came)

    def until_noticed(copies, drill):
        return _hours(copies, drill, HoursLost.trusted, "noticed at")

    def from_the_intruder(copies, drill):
        return (datetime.fromisoformat(drill["encrypted at"]) - datetime.fromisoformat(drill["intruder in since"])).total_seconds() / 3600

    def the_tape(copies, drill):
        return _hours(copies, drill, lambda row, came: "tape" in row["kind"])

    def one_too_old(copies, drill):
        return _hours(copies, drill, lambda row, came: HoursLost.trusted(row, came) and row["copy"] == "K2")

    def just_after(copies, drill):
        return _hours(copies, drill, lambda row, came: row["copy"] == "K6")

    def the_share_at_the_end(copies, drill):
        return _hours(copies, drill, lambda row, came: row["kind"] == "disk to disk")

    def trusted(row, came):
        return not row["reachable"] and row["taken"] < came and row["restore_test"] == "passed"

    wrong_ways = {
        the_replica: "You took the newest of all, the replica. It follows every change, encryption included: a replica, like RAID, "
        "helps against a broken disk and not against a wrong or hostile command.",
        reachable_too: "That copy lies on a share which the intruder can reach with an administrator's password. Ransomware looks for "
        "such shares first.",
        after_the_intruder: "That copy was taken when the intruder was in the house already. Restore it and the back door comes with it.",
        untested: "The restore test of that copy failed. It is a copy only on paper; go back to the one before.",
        one_too_old: "That copy can be trusted, but a newer one can be trusted too. Go on through the list.",
        just_after: "That copy cannot be changed, but it was taken a few hours after the intruder came in: what stood on the server then, "
        "stands in the copy as well.",
        the_share_at_the_end: "That copy lies on a share which the intruder could reach, and it was taken when the intruder was in.",
        until_noticed: "You counted until it was noticed. Asked is until the encryption: what was lost of the work saved till then. The "
        "hours after it are downtime.",
        from_the_intruder: "That is how long the intruder was in. Asked is the time from the newest trusted copy on.",
        the_tape: "The tape is safe, but a newer copy can be trusted too: it cannot be changed for 30 days, not even by an administrator.",
    }
    hints = [
        "Strike out the rows: first those that are reachable, then those taken after the intruder came, then those whose test failed.",
        "Of the rest the newest counts. From its `taken` to `encrypted at`: full days times 24, plus hours, plus minutes / 60.",
        "`datetime.fromisoformat(later) - datetime.fromisoformat(earlier)` is the time between; `.total_seconds() / 3600` makes hours "
        "of it.",
    ]
    praise = (
        "That is what the last days' backups are worth when a server is put back as it was. How much may be lost at most is called RPO, "
        "recovery point objective, and is agreed beforehand."
    )


# ---- accounts

RIGHTS = {
    "viewer": ("see",),
    "reader": ("see", "report"),
    "technologist": ("see", "send", "correct"),
    "editor": ("see", "correct", "merge", "delete"),
    "administrator": ("see", "correct", "merge", "delete", "accounts"),
    "service": ("see", "send"),
}
NEEDS = {
    "nurse": ("see",), "physician": ("see",), "researcher": ("see",),
    "clerk": ("see", "correct", "merge"),
    "radiologist": ("see", "report"), "technologist": ("see", "send", "correct"),
    "PACS administrator": ("see", "correct", "merge", "delete", "accounts"),
}


class Account(NamedTuple):
    """An account of HV_PACS."""

    user_id: str
    purpose: str
    role: str
    disabled: bool
    salt: str
    rounds: int
    hash: str


def _fates(hospital):
    """Who is in the review: (user, role in HV_PACS, password, what is to be found or why nothing is), in no order."""
    staff, draws = hospital.staff, Draws(hospital.seed, "cpas-16 accounts")
    here = [user for user in staff.users if user.kind == "person" and not user.left]
    taken = set()

    def somebody(job):
        some = [user for user in here if user.role == job and user.user_id not in taken]
        user = some[draws.one(0, len(some) - 1)]
        taken.add(user.user_id)
        return user
    words = _in_any_order(draws, SECRETS)
    gone = [user for user in staff.users if user.left]
    forgotten = next(user for user in gone if not user.disabled)
    closed = [user for user in gone if user.disabled][:2]
    shared = staff.user("ctuser")
    fates = [
        (forgotten, _usual(forgotten.role), None, "left"), (shared, "technologist", words[0], "shared"),
        (somebody("clerk"), "editor", None, "rights"), (somebody("researcher"), "administrator", None, "rights"),
        (somebody("technologist"), "technologist", words[1], "password"), (somebody("physician"), "viewer", words[2], "password"),
        (closed[0], _usual(closed[0].role), words[3], "closed"), (closed[1], "editor", None, "closed"),
        (somebody("nurse"), "viewer", None, "leaves later"), (somebody("radiologist"), "viewer", None, "too few rights"),
        (staff.user("svc_router"), "service", None, "service"), (staff.user("svc_vna"), "service", None, "service"),
        (somebody("radiologist"), "reader", None, "fine"), (somebody("PACS administrator"), "administrator", None, "fine"),
        (somebody("nurse"), "viewer", None, "fine"), (somebody("technologist"), "technologist", None, "fine"),
    ]
    return sorted(fates, key=lambda fate: fate[0].user_id)


def _usual(job):
    """The role that a job gets, as whoever fills the post is given it."""
    return {"radiologist": "reader", "technologist": "technologist", "PACS administrator": "administrator"}.get(job, "viewer")


@lesson.input
def accounts(hospital):
    """Sixteen accounts of HV_PACS: a list of Account."""
    found = []
    for user, role, word, _ in _fates(hospital):
        salt = hashlib.shake_256(f"salt {hospital.seed} {user.user_id}".encode()).hexdigest(8)
        password = word or hashlib.shake_256(f"secret {hospital.seed} {user.user_id}".encode()).hexdigest(10)
        purpose = "a person" if user.kind == "person" else user.name
        found.append(Account(user.user_id, purpose, role, user.disabled, salt, ROUNDS, hashed(password, salt).hex()))
    return found


@lesson.input
def personnel(hospital):
    """What personnel says about the persons behind the accounts: a list of dictionaries."""
    return [{"user_id": user.user_id, "job": user.role, "unit": user.unit,
             "last_day": "2025-04-30" if fate == "leaves later" else user.left or ""}
            for user, _, _, fate in _fates(hospital) if user.kind == "person"]


@lesson.input
def known_words(hospital):
    """Passwords that people choose and makers set, as every attacker's list has them."""
    return list(SECRETS)


@lesson.input
def role_rights(hospital):
    """What each role of HV_PACS may do."""
    return dict(RIGHTS)


@lesson.input
def job_needs(hospital):
    """What each job needs to do in HV_PACS."""
    return dict(NEEDS)


@lesson.input
def after_the_last_day(hospital):
    """What the audit trail holds of a forgotten account since its owner left: a DataFrame, without the account's name."""
    import pandas
    user = next(user for user in hospital.staff.users if user.left and not user.disabled)
    found = [one for one in hospital.audit.events if one.user_id == user.user_id and one.utc[:10] > user.left]
    what = {"110114": "user authentication", "110103": "DICOM instances accessed", "110112": "query"}
    return pandas.DataFrame([(one.utc[:19], what.get(one.event, one.event), one.host, one.patient_id or "") for one in found],
                            columns=["utc", "event", "host", "patient_id"])


@lesson.input
def same_hash(hospital):
    """A function that says whether two hashes are the same, each as bytes or in hexadecimal."""
    return _same_hash


def _same_hash(one, other):
    try:
        return Digest("hash").read(one) == Digest("hash").read(other)
    except Unclear:                                 # nothing came back yet, or no hash
        return False


def reviewed(value):
    """A finding of the review in one word."""
    text = str(value).strip(" .'\"").casefold()
    for word, others in {
        "ok": ("ok", "okay", "none", "nan", "fine", "in order", "", "-", "disabled"),
        "left": ("left", "leaver", "has left"), "shared": ("shared", "shared login"),
        "rights": ("rights", "right", "too many rights", "role"), "password": ("password", "weak password", "known password"),
    }.items():
        if text in others:
            return word
    return text


def _review(accounts, personnel, fates=(), left=lambda person: person and person["last_day"] and person["last_day"] < TODAY,
            shared=lambda one: "shared" in one.purpose, rights=lambda role, job: set(RIGHTS[role]) - set(NEEDS.get(job, RIGHTS[role])),
            words=SECRETS, disabled=False, order=("left", "shared", "rights", "password")):
    """The findings as the solution has them, save where a wrong way sees it otherwise."""
    people, rows = {person["user_id"]: person for person in personnel}, []
    for one in accounts:
        if one.disabled and not disabled:
            continue
        person = people.get(one.user_id)
        holds = {"left": left(person), "shared": shared(one), "rights": person and rights(one.role, person["job"]),
                 "password": any(hashed(word, one.salt).hex() == one.hash for word in words)}
        found = next((word for word in order if holds[word]), None)
        if found:
            rows.append({"user_id": one.user_id, "finding": found})
    return rows


FINDINGS = ("left", "shared", "rights", "password")
HARMLESS = {  # why an account is not in the review
    "closed": "it is disabled: nobody can log in with it, so nothing is left to do.",
    "leaves later": "its owner is still here: lay `last_day` beside today's date. Its role is what the job needs.",
    "too few rights": "its role may do less than the job needs. That is a nuisance, and no finding of the four.",
    "service": "a machine logs in with it. It is no person, so nobody left; and it is not shared by persons.",
    "fine": "none of the four applies: its owner is here, it belongs to one person, the role fits the job, and no known word opens it.",
}
ABSENT = {
    "left": "Lay `last_day` of everybody whose account is not disabled beside today's date.",
    "shared": "Read the column `purpose`: is each of them one person's?",
    "rights": "Lay the rights of each role beside the needs of the job, right by right.",
    "password": "What does the cell above print behind `Fits`? Disabled accounts in it do not count.",
}


def _reviewed_otherwise(hospital, mine, ours):
    """Why the first account that is not right in a review is not."""
    fates = {user.user_id: fate for user, _, _, fate in _fates(hospital)}
    for user, word in mine.items():
        if user not in fates:
            return f"{short(user)} is no `user_id` of the sixteen accounts."
        if word not in FINDINGS:
            return f"{user}: {short(word)} is none of the four findings `left`, `shared`, `rights` and `password`."
        if user not in ours:
            return f"{user} does not belong there: {HARMLESS[fates[user]]}"
        if word != ours[user]:
            earlier = FINDINGS.index(ours[user]) < FINDINGS.index(word)
            return f"{user} belongs there, but not for that reason. " + (
                "Another finding stands before it in the list: of several, the first counts." if earlier
                else "Does that finding really apply? Go through the list from the top.")
    absent = [user for user in ours if user not in mine]
    return absent and f"What you have is right, but {len(absent)} more belong there. {ABSENT[ours[absent[0]]]}".replace(
        "1 more belong ", "1 more belongs ")


class Review(Told):
    """The findings of the review; also as a dictionary from a finding to its accounts. Rows that say `ok` do not matter."""

    takes = "a table with `user_id` and `finding`"

    def read(self, given):
        """As for a table, and by finding."""
        if is_a(given, dict):
            if rows := _by_finding(plain(given), reviewed, FINDINGS):
                return Rows(["user_id", "finding"], rows)
        table = super().read(given)
        names = [name.casefold() for name in table.columns]
        which = [names.index("finding")] if "finding" in names else range(len(names))     # other columns of the input may be empty
        table.rows = [row for row in table.rows if not any(reviewed(row[place]) == "ok" for place in which)]
        return table


@lesson.exercise
class AccountReview:
    """The security officer's list: which accounts of HV_PACS need something done, and for which reason?

    Give a table with the columns `user_id` and `finding`, a row for each account that is **not disabled** and to which one of
    these applies; if several do, the first counts. The other accounts need no row.

    1. `left`: its owner's last day is past.
    2. `shared`: several persons log in with it.
    3. `rights`: its role may do something that its owner's job does not need.
    4. `password`: its password is in `known_words`.
    """

    answer = Review("review", _reviewed_otherwise, key=["user_id"], reading={"finding": reviewed},
                    spare=(*Account._fields[1:], "job", "unit", "last_day"))
    points = 3

    def solution(accounts, personnel, known_words, role_rights, job_needs, same_hash):
        rows = []
        for one in accounts:
            found = "ok"                                        # from the last finding to the first: the first is to count
            for word in known_words:
                if same_hash(hashed(word, one.salt, one.rounds), one.hash):
                    found = "password"
            for person in personnel:
                if person["user_id"] == one.user_id:
                    for right in role_rights[one.role]:
                        if right not in job_needs[person["job"]]:
                            found = "rights"
            if "shared" in one.purpose:
                found = "shared"
            for person in personnel:
                if person["user_id"] == one.user_id and person["last_day"] != "" and person["last_day"] < "2025-04-07":
                    found = "left"
            if found != "ok" and not one.disabled:
                rows.append({"user_id": one.user_id, "finding": found})
        return rows

    def disabled_too(accounts, personnel):
        return _review(accounts, personnel, disabled=True)

    def leaves_later(accounts, personnel):
        return _review(accounts, personnel, left=lambda person: person and person["last_day"])

    def service_as_left(accounts, personnel):
        return _review(accounts, personnel, shared=lambda one: "shared" in one.purpose or one.role == "service")

    def not_in_personnel(accounts, personnel):
        return _review(accounts, personnel, left=lambda person: not person or person["last_day"] and person["last_day"] < TODAY)

    def shared_by_password(accounts, personnel):
        return _review(accounts, personnel, order=("left", "rights", "password", "shared"))

    def no_passwords(accounts, personnel):
        return _review(accounts, personnel, words=())

    def other_role(accounts, personnel):
        return _review(accounts, personnel, rights=lambda role, job: set(RIGHTS[role]) ^ set(NEEDS[job]))

    def rights_forgotten(accounts, personnel):
        return _review(accounts, personnel, rights=lambda role, job: False)

    def delete_only(accounts, personnel):
        return _review(accounts, personnel, rights=lambda role, job: "accounts" in RIGHTS[role] and "accounts" not in NEEDS[job])

    wrong_ways = {
        disabled_too: "Disabled accounts are in your table. Nobody can log in with them, so nothing is left to do; they stay, so that "
        "old entries of the audit trail keep a name.",
        leaves_later: "One of them is still employed: its last day lies ahead. Note the date; today the account is needed.",
        service_as_left: "You counted service accounts as shared. A machine logs in with them and no person does: what they hold is "
        "kept in the machine's settings, and somebody is named as their owner.",
        not_in_personnel: "You took everything that personnel does not know for a leaver. Service accounts and shared logins are no "
        "persons; nobody has left there.",
        shared_by_password: "All right but one: the shared login has a known password as well, and of several findings the first in the "
        "list counts. A new password would not cure it: nobody could still tell who did what.",
        no_passwords: "The passwords were not tried, or none was found: does `hashed` of exercise 3 work, and do you compare the same "
        "form (bytes with bytes, hexadecimal with hexadecimal)?",
        other_role: "One of them has *fewer* rights than the job needs. That is a nuisance for its owner and no danger; least privilege "
        "asks about too many.",
        rights_forgotten: "The rights are missing: put the right of each role beside the needs of each job.",
        delete_only: "You found the administrator who should not be one, but there is another role with more than its owner needs: look "
        "at every right, not only at `accounts`.",
    }
    hints = [
        "Go through the four findings one by one, each over all accounts; leave out the disabled ones first.",
        "Leavers: `last_day` before 2025-04-07. Shared: `purpose` says so. Rights: the row of the role in `role_rights` beside the row "
        "of the job in `job_needs`.",
        "Passwords: the cell above the exercise tries `known_words` with your function `hashed` and prints what fits.",
        'Six rows. They may be typed: `review = [{"user_id": "...", "finding": "left"}, ...]`, or as a dictionary `{"ctuser": ..., ...}`.',
    ]
    praise = (
        "Disable, do not delete; give everybody a login of their own; take back what is not needed; have the passwords changed. And do "
        "it every month: personnel's list is the only one that knows who has left."
    )
