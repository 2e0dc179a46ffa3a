"""What learners give in lesson cpas-16 beyond the solutions and wrong ways, and the lesson's artefacts beside other tools."""

import hashlib
import io
import re
import shutil
import ssl
import subprocess
import warnings
from binascii import hexlify
from datetime import timedelta

import pydicom
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpas_16_security as module
from coursekit.lessons.cpas_16_security import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
FINDINGS = {"issuer": 18, "ended": 10, "early": 9, "name": 62, "weak": 66}  # OpenSSL's codes; an impostor's signature has 7
NOW = "1744003800"  # 7 April 2025, 05:30 GMT


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _solution(name, hospital):
    return EXERCISES[name].computed(EXERCISES[name].solution, hospital)


def _input(name, hospital):
    return lesson.input_of(name, hospital)


def _judged(editions, name, *given):
    return EXERCISES[name].judge(given, editions)


def test_right_answers_in_other_forms_are_right(editions):
    import numpy
    import pandas
    own = editions.own
    letters = {row["event"]: row["harmed"][0].upper() for row in _solution("WhatWasHarmed", own)}
    measure, line = _solution("NoProof", own)
    genuine = _solution("GenuineUpdates", own)
    findings = _solution("CertificateRound", own)
    old = _solution("OldAndOpen", own)
    letter, domain = _solution("Phishing", own)
    leads_to = module._target(_input("mails", own), "Service").split("/")[2]
    assert leads_to.endswith("." + domain)
    hours = _solution("HoursLost", own)
    review = _solution("AccountReview", own)
    by_finding = {word: [row["user_id"] for row in review if row["finding"] == word] for word in module.FINDINGS}
    by_word = {word: [event for event, one in letters.items() if one == word[0].upper()] for word in module.WORDS}
    inventory = _input("inventory", own)
    said = {"ok": "OK", "ended": "expired", "early": "not yet valid", "name": "wrong name", "issuer": "untrusted issuer", "weak": "weak key"}
    certificates = _input("certificates", own)
    named = {row["host"]: row["finding"] for row in findings}
    for name, *given in [
        ("CertificateRound", {one: named[one.host] for one in certificates}),
        ("CertificateRound", [(one, named[one.host]) for one in certificates]),
        ("CertificateRound", {word: [one for one in certificates if named[one.host] == word] for word in ("ok", *module.NOT_SO)}),
        ("CertificateRound", pandas.Series(list(named.values()))), ("CertificateRound", numpy.array(list(named.values()))),
        ("CertificateRound", pandas.DataFrame({"host": list(named), "finding": list(named.values())})),
        ("OldAndOpen", [one.replace("_", "-") for one in old]), ("OldAndOpen", pandas.Series(old).unique()),
        ("GenuineUpdates", pandas.Series(genuine).array), ("GenuineUpdates", [one.rpartition("-")[0] for one in genuine]),
        ("GenuineUpdates", {one.name: one.name in genuine for one in _input("packages", own)}),
        ("GenuineUpdates", pandas.DataFrame({"name": genuine})), ("Phishing", letter, domain.replace(".", "[.]")),
        ("AccountReview", pandas.DataFrame({"user_id": [one.user_id for one in _input("accounts", own)]}).assign(
            finding=lambda table: table["user_id"].map({row["user_id"]: row["finding"] for row in review}))),
        ("WhatWasHarmed", letters), ("WhatWasHarmed", [(event, word) for event, word in letters.items()]),
        ("WhatWasHarmed", pandas.DataFrame(_solution("WhatWasHarmed", own)).sample(frac=1, random_state=2)),
        ("WhatWasHarmed", list(letters.values())), ("WhatWasHarmed", ", ".join(letters.values())),
        ("WhatWasHarmed", "".join(letters.values())), ("WhatWasHarmed", by_word), ("WhatWasHarmed", pandas.Series(list(letters.values()))),
        ("NoProof", "C", f"line {line}"), ("NoProof", "C", f"Line {line}, WS_CH1 from 10.20.90.7"), ("NoProof", "C", line),
        ("CertificateRound", {row["host"].split(".")[0].replace("-", "_"): row["finding"] for row in findings}),
        ("OldAndOpen", inventory[inventory["device"].isin(old)]), ("OldAndOpen", inventory[inventory["device"].isin(old)]["device"]),
        ("HoursLost", timedelta(hours=hours)), ("HoursLost", f"{int(hours)}:{round(hours % 1 * 60):02d}"),
        ("HoursLost", str(timedelta(hours=hours))), ("HoursLost", f"{int(hours)} h {round(hours % 1 * 60)} min"),
        ("AccountReview", by_finding),
        ("AccountReview", {"left": by_finding["left"][0], **{w: by_finding[w] for w in module.FINDINGS[1:]}}),
        ("NoProof", "C", _input("log", own).loc[line]), ("NoProof", "C", _input("log", own).query(f"line == {line}")),
        ("CertificateRound", [row["finding"] for row in findings]),
        ("CertificateRound", pandas.Series({row["host"]: row["finding"] for row in findings})),
        ("CertificateRound", {word: [row["host"] for row in findings if row["finding"] == word] for word in ("ok", *module.NOT_SO)}),
        ("AccountReview", pandas.Series({row["user_id"]: row["finding"] for row in review})),
        ("AccountReview", {**dict.fromkeys((one.user_id for one in _input("accounts", own)), "ok"),
                           **{row["user_id"]: row["finding"] for row in review}}),
        ("NoProof", "c", str(line)), ("NoProof", "c)", line),
        ("GenuineUpdates", set(genuine)), ("GenuineUpdates", ", ".join(genuine)), ("GenuineUpdates", [name[:-4] for name in genuine]),
        ("GenuineUpdates", [one for one in _input("packages", own) if one.name in genuine]),
        ("CertificateRound", {row["host"].split(".")[0]: said[row["finding"]] for row in findings}),
        ("CertificateRound", {row["host"].upper(): row["finding"].upper() for row in findings}),
        ("CertificateRound", pandas.DataFrame(findings)[["finding", "host"]]),
        ("OldAndOpen", " ".join(old)), ("OldAndOpen", pandas.Series(old)), ("OldAndOpen", [name.lower() for name in old]),
        ("Phishing", letter.lower(), leads_to), ("Phishing", letter, ".".join(leads_to.split(".")[-2:])),
        ("Phishing", letter, f"https://{leads_to}/password?u=1"), ("Phishing", letter, leads_to.upper()),
        ("HoursLost", round(hours, 1)), ("HoursLost", f"{hours:.1f} hours"), ("HoursLost", f"{hours:.2f}".replace(".", ",")),
        ("AccountReview", {row["user_id"]: row["finding"] for row in review}),
        ("AccountReview", pandas.DataFrame(review).sort_values("finding")),
        ("AccountReview", [(row["user_id"].upper(), row["finding"].upper()) for row in review]),
    ]:
        verdict = _judged(editions, name, *given)
        assert verdict.outcome is Outcome.CORRECT, (name, given, verdict)


def test_tables_and_texts_that_an_administrator_makes_of_the_inputs_are_right(editions):
    import numpy
    import pandas
    own = editions.own
    harmed = {row["event"]: row["harmed"] for row in _solution("WhatWasHarmed", own)}
    findings = {row["host"]: row["finding"] for row in _solution("CertificateRound", own)}
    review = {row["user_id"]: row["finding"] for row in _solution("AccountReview", own)}
    genuine, packages, accounts = _solution("GenuineUpdates", own), _input("packages", own), pandas.DataFrame(_input("accounts", own))
    copies, drill = _input("copies", own), _input("drill", own)
    since = pandas.Timestamp(drill["encrypted at"]) - pandas.to_datetime(copies["taken"])
    right = next(place for place, one in enumerate(since) if abs(one.total_seconds() / 3600 - _solution("HoursLost", own)) < 0.01)
    merged = accounts.merge(pandas.DataFrame(_input("personnel", own)), on="user_id", how="left")
    letter, _ = _solution("Phishing", own)
    leads_to = module._target(_input("mails", own), "Service").split("/")[2]
    for name, *given in [
        ("WhatWasHarmed", [dict(row, harmed=harmed[row["event"]]) for row in _input("events", own)]),
        ("WhatWasHarmed", pandas.DataFrame({"harmed": list(harmed.values())}, index=list(harmed))),
        ("WhatWasHarmed", pandas.DataFrame({"harmed": list(harmed.values())})),
        ("GenuineUpdates", " ".join(genuine[:2]) + "\n" + genuine[2]), ("GenuineUpdates", str(genuine)),
        ("GenuineUpdates", {one.name: "genuine" if one.name in genuine else "false" for one in packages}),
        ("CertificateRound", [{"host": one.host, "key": one.key, "finding": findings[one.host]} for one in _input("certificates", own)]),
        ("AccountReview", merged.assign(finding=merged["user_id"].map(review)).dropna(subset="finding")),
        ("AccountReview", merged.assign(finding=merged["user_id"].map(review))),
        ("AccountReview", {one.user_id: review.get(one.user_id, "disabled" if one.disabled else "-") for one in _input("accounts", own)}),
        ("Phishing", letter, "the domain " + ".".join(leads_to.split(".")[-2:])),
        ("HoursLost", since.iloc[right]), ("HoursLost", since[[right]]), ("HoursLost", [since.iloc[right]]),
        ("HoursLost", since.values[right]),
        ("HoursLost", since[[right]].values), ("HoursLost", numpy.timedelta64(int(since.iloc[right].total_seconds() // 60), "m")),
    ]:
        verdict = _judged(editions, name, *given)
        assert verdict.outcome is Outcome.CORRECT, (name, given, verdict)


def test_answers_that_are_right_only_in_part_are_told_why(editions):
    import numpy
    own = editions.own
    harmed = {row["event"]: row["harmed"] for row in _solution("WhatWasHarmed", own)}
    line, hours = _solution("NoProof", own)[1], _solution("HoursLost", own)
    letter, domain = _solution("Phishing", own)
    whole, minutes = int(hours), round(hours % 1 * 60)
    event = next(event for event, word in harmed.items() if word == "integrity")
    for name, given, said in [
        ("WhatWasHarmed", ({**harmed, event: "integrity or confidentiality"},), "more than one word"),
        ("WhatWasHarmed", ({**harmed, event: "integrity not harmed"},), "none of the three words"),
        ("WhatWasHarmed", ("IACIACCI",), "8 letters, while there are nine"),
        ("NoProof", ("C", f"{line} and 4"), "several lines"), ("NoProof", ("C", "WS_MG1"), "is a title"),
        ("NoProof", ("C", "line " + "9" * 5000), ""),
        ("Phishing", (letter, f"www.{domain}"), "neither the whole host"),
        ("Phishing", (letter, f"example.{domain}"), "neither the whole host"),
        ("Phishing", (letter, f"xx.{domain}"), "neither the whole host"),
        ("Phishing", (letter, "somewhere.example"), "The mail is right. But its link"),
        ("Phishing", (letter, ["a.example", "b.example"]), "The mail is right. But about where it leads"),
        ("HoursLost", (hours % 24,), "full days are missing"), ("HoursLost", (whole + minutes / 100,), "minutes behind the point"),
        ("HoursLost", (hours - 1.9,), "Reckon once more"), ("HoursLost", ("2025-04-06 04:51",), "a date"),
        ("HoursLost", (1.5 * hours,), "all three conditions"),
        ("HoursLost", (numpy.timedelta64("NaT"),), "a missing value"), ("HoursLost", ("9" * 400 + " days, 1:00",), ""),
    ]:
        verdict = _judged(editions, name, *given)
        assert verdict.outcome is Outcome.NOT_YET and said in verdict.message, (name, given, verdict)
        assert "may stand" not in verdict.message


def test_wrong_answers_are_told_apart(editions):
    own = editions.own
    _, line = _solution("NoProof", own)
    letter = _solution("Phishing", own)[0]
    leads_to = module._target(_input("mails", own), "Service").split("/")[2]
    hours = _solution("HoursLost", own)
    review = {row["user_id"]: row["finding"] for row in _solution("AccountReview", own)}
    findings = {row["host"]: row["finding"] for row in _solution("CertificateRound", own)}
    for name, given, label in [
        ("NoProof", ("A", line), "list_of_titles"), ("NoProof", ("B", None), "server_only"), ("NoProof", ("E", 0), "disks"),
        ("NoProof", ("C", 99), "evidence"), ("NoProof", ("C", ...), None),
        ("GenuineUpdates", ([one.name for one in _input("packages", own)],), "all_signed"),
        ("GenuineUpdates", (_solution("GenuineUpdates", own)[:1],), "missing"),
        ("GenuineUpdates", ([re.sub(r"[\d.]+pkg", "9.9.9.pkg", one) for one in _solution("GenuineUpdates", own)],), "extra"),
        ("CertificateRound", ({host: finding for host, finding in findings.items() if finding != "ok"},), "missing row"),
        ("CertificateRound", (dict.fromkeys(findings, "ok"),), "value"),
        ("OldAndOpen", ([],), "empty"),
        ("Phishing", (letter, "hvgh.example"), "what_is_shown"), ("Phishing", (letter, "service@hvgh.example"), "evidence"),
        ("NoProof", ("F", line), "title_and_address"),
        ("Phishing", (letter, leads_to.rsplit("-", 1)[1]), "behind_the_hyphen"), ("Phishing", (letter, "password"), "evidence"),
        ("Phishing", (letter, leads_to.rsplit(".", 1)[0]), "without_its_end"),
        ("HoursLost", (hours / 24,), "factor"), ("HoursLost", (hours * 60,), "factor"), ("HoursLost", (int(hours) - 1,), "close"),
        ("HoursLost", (int(hours),), "rounded"),
        ("HoursLost", (int(hours) + 1,), "rounded"),
        ("AccountReview", ({**review, "ctuser": "password"},), "shared_by_password"),
        ("AccountReview", ({user: finding for user, finding in review.items() if finding != "password"},), "no_passwords"),
        ("AccountReview", ({user: finding for user, finding in review.items() if finding != "left"},), "missing row"),
    ]:
        verdict = _judged(editions, name, *given)
        assert verdict.outcome is (Outcome.NOT_YET if label else Outcome.NOT_ANSWERED), (name, given, verdict)
        assert label is None or verdict.label == label, (name, verdict)


@pytest.mark.parametrize(("function", "label"), [
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds, dklen=32), "correct"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", bytes(password, "utf8"), bytes.fromhex(salt), rounds).hex().upper(),
     "correct"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha512", password.encode(), bytes.fromhex(salt), rounds), "sha512"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", bytes.fromhex(salt), password.encode(), rounds), "swapped"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha1", password.encode(), bytes.fromhex(salt), rounds).hex(), "sha1"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds)[:16], "value"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", b"password", bytes.fromhex(salt), rounds), "the_word_password"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", b"Harbour2025!", b"\x9f<", 600), "the_example"),
    (lambda password, salt, rounds: "not hexadecimal", "unreadable"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password, bytes.fromhex(salt), rounds), "not_encoded"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds), "not_encoded"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password.strip().encode(), bytes.fromhex(salt), rounds), "blanks_cut"),
    (lambda password, salt, rounds: hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds).hex(" "), "correct"),
    (lambda password, salt, rounds: "0x" + hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds).hex(), "correct"),
    (lambda password, salt, rounds: print(password), "unreadable"),
    (lambda password, salt, rounds: hexlify(hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds)), "correct"),
    *((lambda password, salt, rounds, change=change: hashlib.pbkdf2_hmac("sha256", *change(password, salt, rounds)), "value")
      for change in (
        lambda password, salt, rounds: (password.encode(), int(salt, 16).to_bytes((int(salt, 16).bit_length() + 7) // 8, "big"), rounds),
        lambda password, salt, rounds: (password.lstrip().encode(), bytes.fromhex(salt), rounds),
        lambda password, salt, rounds: (password.rstrip().encode(), bytes.fromhex(salt), rounds),
        lambda password, salt, rounds: (password.encode()[:72], bytes.fromhex(salt), rounds),
        lambda password, salt, rounds: (password.encode(), bytes.fromhex(salt), min(rounds, 1000)),
        lambda password, salt, rounds: (password.encode(), bytes.fromhex(salt)[:16], rounds),
        lambda password, salt, rounds: (password.encode(), bytes.fromhex(salt).rstrip(b"\0"), rounds),
    )),
])
def test_a_hash_may_be_bytes_or_hexadecimal(editions, function, label):
    assert _judged(editions, "HashedPassword", function).label == label


def _by_pydicom(data):
    ds = pydicom.dcmread(io.BytesIO(data))
    if ds.preamble.startswith(b"MZ"):
        ds.preamble = bytes(128)
    ds.save_as(file := io.BytesIO())
    return file.getvalue()


def _by_pointer(data):
    at = int.from_bytes(data[60:64], "little")
    return bytearray(128) + data[128:] if data[at : at + 4] == b"PE\0\0" else data


def _by_known_head(data):
    at = int.from_bytes(data[60:64], "little")
    return bytes(128) + data[128:] if data[0:2] == b"MZ" and data[at : at + 2] in (b"PE", b"NE") else data


@pytest.mark.parametrize(("function", "label"), [
    (_by_pydicom, "correct"), (_by_pointer, "new_programs_only"),
    (lambda data: bytes(128) + data[128:] if data[0:2] == b"MZ" and b"PE" in data else data, "new_programs_only"),
    (lambda data: bytes(128) + data[128:] if data[0:2] == b"MZ" and data[128:132] == b"DICM" else data, "correct"),
    (lambda data: data.replace(data[:128], bytes(128), 1) if data.startswith(b"MZ") else data, "correct"),
    (lambda data: b"\0" * 128 + data[128:] if data[0] == 0x4D and data[1] == 0x5A else data, "correct"),
    (lambda data: bytes(128) + data[128:] if data[0:2] == "MZ" else data, "as_it_was"),
    (lambda data: bytes(128) + data[128:] if any(data[:128]) else data, "every_preamble"),
    (lambda data: bytes(128) + data[128:] if data[0:2] == b"MZ" else None, "unreadable"),
    (lambda data: bytes(128) + data[128:] if data[0:2].upper() == b"MZ" else data, "small_letters_too"),
    (lambda data: bytes(128) + data[128:] if data[0:1] == b"M" else data, "first_letter"),
    (lambda data: bytes(128) + data[128:] if data[0] == 77 else data, "first_letter"),
    (lambda data: bytes(128) + data[128:] if data[0] == b"M" else data, "as_it_was"),
    (lambda data: bytes(128) + data[128:] if data[0:4] == b"MZ\x90\x00" else data, "four_bytes"),
    (lambda data: bytes(128) + data[128:] if data.startswith(b"MZ\x90") else data, "four_bytes"),
    (lambda data: bytes(128) + data[128:] if data[60:64] != bytes(4) else data, "offset_60"),
    (lambda data: bytes(128) + data[128:] if b"PE" in data else data, "pe_anywhere"),
    (lambda data: bytes(128) + data[128:] if b"PE\0\0" in data else data, "pe_anywhere"),
    (lambda data: bytes(128) + data[128:] if data[0:2] in (b"MZ", b"II") else data, "tiff_too"),
    (lambda data: b"0" * 128 + data[128:] if data[0:2] == b"MZ" else data, "digits"),
    (lambda data: bytes(128) + data if data[0:2] == b"MZ" else data, "put_in_front"),
    (lambda data: b"" if data[0:2] == b"MZ" else data, "thrown_away"),
    (lambda data: bytes(127) + data[128:] if data[0:2] == b"MZ" else data, "value"),
    (_by_known_head, "known_head"),
    *((lambda data, length=length: bytes(length) + data[length:] if data[0:2] == b"MZ" else data, "value") for length in (100, 127, 129)),
    *((lambda data, holds=holds: bytes(128) + data[128:] if holds(data) else data, "value") for holds in (
        lambda data: data[1:2] == b"Z", lambda data: b"MZ" in data[:4], lambda data: b"MZ" in data[:10],
        lambda data: b"harmless" in data[:128],
        lambda data: data[0:2] == b"MZ" and int.from_bytes(data[60:64], "little") < len(data),
        lambda data: data[0:2] == b"MZ" and int.from_bytes(data[60:64], "little") > 300,
        lambda data: data[0:2] == b"MZ" and data[60:64] != bytes(4),
    )),
    *((lambda data, tail=tail: bytes(128) + tail(data) if data[0:2] == b"MZ" else data, "value") for tail in (
        lambda data: data[128:726], lambda data: b"DICM" + data.split(b"DICM")[1], lambda data: data[data.find(b"DICM"):],
        lambda data: data[data.rfind(b"DICM"):],
    )),
])
def test_a_preamble_may_be_emptied_in_other_ways(editions, function, label):
    assert _judged(editions, "CleanPreamble", function).label == label


@pytest.mark.parametrize("seed", range(10))
def test_the_events_are_of_all_three_kinds(seed):
    h = hospital(seed, "tiny")
    rows = _solution("WhatWasHarmed", h)
    assert [row["event"] for row in rows] == list(range(1, 10))
    assert {row["harmed"] for row in rows} == {"confidentiality", "integrity", "availability"}
    for word, texts in module.EVENTS.items():
        whole = [{"event": 1, "what": text} for text in texts]
        assert all(row["harmed"] == word for text in whole for row in EXERCISES["WhatWasHarmed"].solution([text]))


@pytest.mark.parametrize("seed", range(10))
def test_the_disc_is_read_by_pydicom_and_holds_one_program_without_code(seed):
    disc = _input("disc", hospital(seed, "tiny"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slices = [pydicom.dcmread(io.BytesIO(data)) for data in disc.values()]
        assert all(one.pixel_array.shape == (8, 8) for one in slices)
    assert len({one.SOPInstanceUID for one in slices}) == 5 and len({one.StudyInstanceUID for one in slices}) == 1
    assert not any(disc["IMG00001.dcm"][:128])
    (program,) = [data for data in disc.values() if data.startswith(b"MZ")]
    head = int.from_bytes(program[60:64], "little")
    assert program[head : head + 4] == b"PE\0\0"
    assert program[head + 6 : head + 8] == bytes(2) and program[head + 20 : head + 22] == bytes(2)  # no section, no optional header


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("seed", range(4))
def test_openssl_finds_the_same_faults_in_the_certificates(seed, tmp_path):
    h = hospital(seed, "tiny")
    root, authority, example = _input("chain", h)
    for name, one in (("root", root), ("authority", authority)):
        (tmp_path / name).write_text(one.pem)
    findings = {row["host"]: row["finding"] for row in _solution("CertificateRound", h)}
    codes = set()
    for one in (*_input("certificates", h), example):
        (tmp_path / "host").write_text(one.pem)
        said = subprocess.run(
            ["openssl", "verify", "-attime", NOW, "-verify_hostname", one.host, "-auth_level", "2", "-CAfile", tmp_path / "root", "-untrusted",
             tmp_path / "authority", tmp_path / "host"], capture_output=True, text=True)
        if findings.get(one.host, "ok") == "ok":
            assert said.returncode == 0, said
        else:
            code = int(said.stderr.split("error ")[1].split()[0] if "error " in said.stderr else said.stdout.split("error ")[1].split()[0])
            codes.add(code)
            assert code in (FINDINGS[findings[one.host]], 7 if findings[one.host] == "issuer" else None), (one, said)
    assert codes == {7, 9, 10, 18, 62, 66}


@pytest.mark.parametrize("seed", range(4))
def test_python_reads_the_certificates_as_they_are_printed(seed, tmp_path):
    for one in _input("chain", hospital(seed, "tiny"))[:2]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=one.pem)
        (read,) = context.get_ca_certs()
        assert read["notAfter"] == module._gmt(one.not_after) and read["notBefore"] == module._gmt(one.not_before)
        assert ", ".join(f"{'CN' if key == 'commonName' else 'O'}={value}" for ((key, value),) in read["subject"]) == one.subject


@pytest.mark.parametrize("seed", range(10))
def test_signatures_hold_against_a_changed_bit(seed):
    h = hospital(seed, "tiny")
    key, packages = _input("contract_key", h), _input("packages", h)
    genuine = [one for one in packages if module.fits(one.data, one.signature, key)]
    assert len(genuine) == 3 and key.n.bit_length() == _input("page_key", h).n.bit_length() == 2048
    assert not any(module.fits(one.data + b"\0", one.signature, key) for one in genuine)
    assert sum(hashlib.sha256(one.data).hexdigest() == one.sha256 for one in packages) == 4


@pytest.mark.parametrize("seed", range(10))
def test_the_inputs_tell_no_answers(seed):
    h = hospital(seed, "tiny")
    (forgotten,) = [row["user_id"] for row in _solution("AccountReview", h) if row["finding"] == "left"]
    frame = _input("after_the_last_day", h)
    assert forgotten not in frame.to_csv() and len(frame) >= 2
    assert all(word not in repr(_input("accounts", h)) for word in ("rights", "password", "left"))
    assert len(_solution("AccountReview", h)) == 6


def _says(editions, name, given):
    verdict = _judged(editions, name, given)
    assert verdict.outcome is Outcome.NOT_YET, (name, given, verdict)
    assert "DataFrame" not in verdict.message
    return verdict.message


def test_each_wrong_event_has_a_reason_of_its_own(editions):
    own = editions.own
    right = {row["event"]: row["harmed"] for row in _solution("WhatWasHarmed", own)}
    said = set()
    for event, word in right.items():
        for other in set(module.WORDS) - {word}:
            message = _says(editions, "WhatWasHarmed", {**right, event: other})
            assert message.startswith(f"Event {event}: ") or "ransomware" in message.casefold(), message
            assert word not in message
            said.add(message.split(": ", 1)[-1])
    assert len(said) >= 9
    assert "none of the three words" in _says(editions, "WhatWasHarmed", {**right, 1: "secrecy"})
    assert "What about the others" in _says(editions, "WhatWasHarmed", {1: right[1]})
    assert "nine events" in _says(editions, "WhatWasHarmed", ["I", "A"])
    assert "1 word, while" in _says(editions, "WhatWasHarmed", "integrity")
    for texts in module.EVENTS.values():
        assert all(sum(piece in text for piece, _ in module.REASONS) == 1 for text in texts)


def test_a_line_of_the_log_is_told_by_itself(editions):
    log = _input("log", editions.own)
    line = next(row["line"] for row in log.to_dict("records") if row["calling"] == "CT2")
    verdict = _judged(editions, "NoProof", "C", line)
    assert "CT2 calls from" in verdict.message and verdict.label == "evidence"
    assert "column `line`" in _judged(editions, "NoProof", "C", "20:14").message


def test_each_wrong_certificate_has_a_reason_of_its_own(editions):
    right = {row["host"]: row["finding"] for row in _solution("CertificateRound", editions.own)}
    some = next(host for host, word in right.items() if word == "ok")
    for word in module.NOT_SO:
        verdict = _judged(editions, "CertificateRound", {**right, some: word})
        assert verdict.message.startswith(f"{some}: You say") or verdict.label == "star_not_taken", verdict
    bad = {host: word for host, word in right.items() if word != "ok"}
    assert "hosts in order get one too" in _says(editions, "CertificateRound", bad)
    assert "none of the six words" in _says(editions, "CertificateRound", {**right, some: "broken"})
    assert "Look again at" in _says(editions, "CertificateRound", dict.fromkeys(right, "ok"))
    signed_by_another = next(host for host, word in right.items() if word == "issuer")
    assert "but for another reason" in _says(editions, "CertificateRound", {**right, signed_by_another: "name"})


def test_packages_are_told_by_name(editions):
    for given in ([0, 3, 4], ["worklist", "router", "archive"], "0, 3"):
        assert "give the names of the packages" in _says(editions, "GenuineUpdates", given)


def test_a_device_that_does_not_belong_is_told_by_itself(editions):
    old = _solution("OldAndOpen", editions.own)
    assert "DICOM, which imaging needs" in _says(editions, "OldAndOpen", [*old, "PETCT1"])
    assert "support has not ended" in _says(editions, "OldAndOpen", [*old, "CT2"])
    for name in ("CT_DEMO", "XC_WOUND", "US_ED_POCUS"):
        assert "found no open port" in _says(editions, "OldAndOpen", [*old, name])
    assert "not all" in _says(editions, "OldAndOpen", old[1:])


def test_each_wrong_account_has_a_reason_of_its_own(editions):
    own = editions.own
    review = {row["user_id"]: row["finding"] for row in _solution("AccountReview", own)}
    for user, _, _, fate in module._fates(own):
        if fate in module.HARMLESS:
            verdict = _judged(editions, "AccountReview", {**review, user.user_id: "left"})
            assert module.HARMLESS[fate] in verdict.message or verdict.label == "leaves_later", verdict
    for user, word in review.items():
        if word != "shared":
            without = {other: finding for other, finding in review.items() if other != user}
            verdict = _judged(editions, "AccountReview", without)
            assert module.ABSENT[word] in verdict.message or verdict.label == "delete_only", verdict
    leaver = next(user for user, word in review.items() if word == "left")
    assert "of several, the first counts" in _says(editions, "AccountReview", {**review, leaver: "rights"})
    assert "none of the four findings" in _says(editions, "AccountReview", {**review, leaver: "idle"})


def test_hashes_are_the_same_in_whatever_form_exercise_3_takes(editions):
    same, one = _input("same_hash", editions.own), _input("accounts", editions.own)[0].hash
    assert all(same(form, one) for form in (bytes.fromhex(one), bytearray.fromhex(one), one.upper(), f" {bytes.fromhex(one).hex(' ')}"))
    assert not any(same(form, one) for form in (None, ..., one[:-2], b"", "zz", 7))


@pytest.mark.parametrize("returned", ["bytes", "hex"])
def test_the_review_is_shown_with_either_form_of_hash(editions, returned, monkeypatch):
    def hashed(password, salt, rounds):
        made = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), rounds)
        return made if returned == "bytes" else made.hex()

    before = _solution("AccountReview", editions.own)
    monkeypatch.setattr(module, "hashed", hashed)
    solution, own = EXERCISES["AccountReview"].solution, editions.own
    names = ("accounts", "personnel", "known_words", "role_rights", "job_needs", "same_hash")
    assert solution(*(_input(name, own) for name in names)) == before


def test_a_host_that_only_ends_like_the_house_is_not_the_house():
    mails = {"A": module.Mail("Service Desk", "", "", (("ticket", "https://desk.hvgh.example/x"),)),
             "B": module.Mail("Service Desk", "", "", (("ticket", "https://nothvgh.example/x"),))}
    assert EXERCISES["Phishing"].solution(mails) == ("B", "nothvgh.example")


def test_praise_is_whole():
    assert all(exercise.praise.rstrip()[-1] in ".?!)" for exercise in lesson.exercises)
