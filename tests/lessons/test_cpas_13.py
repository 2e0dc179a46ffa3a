"""What learners give in lesson cpas-13 beyond the solutions and wrong ways, and the small part of cmd that carries batch files out."""

import pathlib
import random
import re
import unicodedata

import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpas_13_windows as windows
from coursekit.lessons.cpas_13_windows import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


def _right(editions, name):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def test_a_table_of_listeners_may_be_typed(editions):
    right = _right(editions, "WhoListens")
    rows = [(row["service"], row["pid"], row["port"]) for row in right]
    text = [(service.lower(), str(pid), str(port)) for service, pid, port in reversed(rows)]
    for given in (rows, text, {"Service": [row[0] for row in rows], "PID": [row[1] for row in rows], "Port": [row[2] for row in rows]}):
        assert EXERCISES["WhoListens"].judge((given,), editions).correct
    assert EXERCISES["WhoListens"].judge((rows[:-1],), editions).outcome is Outcome.NOT_YET
    addresses = [(service, pid, f"0.0.0.0:{port}") for service, pid, port in rows]
    for given in (pandas.DataFrame(rows, columns=["service", "pid", "port"]), pandas.DataFrame(rows), addresses):
        assert EXERCISES["WhoListens"].judge((given,), editions).correct
    by_name = {row[0]: row[1:] for row in rows}
    assert EXERCISES["WhoListens"].judge((by_name,), editions).correct
    called = next(row for row in windows._hv_rows(lesson.input_of("netstat", editions.own), lesson.input_of("tasklist", editions.own))
                  if row[5] == 443)
    given = {**by_name, called[0]: (called[2], called[4])}
    assert EXERCISES["WhoListens"].judge((given,), editions).label == "one_outgoing_call"
    assert EXERCISES["WhoListens"].judge(({"HVReceive": (4312,)},), editions).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("given", "label"), [
    (("B", "13:02:09"), "correct"), (("b)", "2025-04-04 13:02:09"), "correct"), (("B", "4 April 2025, 13.02.09 (CEST)"), "correct"),
    (("B", "1:02:09 PM"), "correct"), (("B", "2025-04-04T13:02:09+02:00"), "correct"), (("B", "13:02:09.000"), "correct"),
    (("B", "04.04.2025 13:02:09"), "correct"), (("B", "Fri Apr  4 13:02:09 CEST 2025"), "correct"), (("B", "13:02:09 UTC+2"), "correct"),
    (("B", "13:02:09Z"), "marked_as_utc"), (("B", "13:02:09 UTC"), "marked_as_utc"), (("B", "13:02:09 GMT"), "marked_as_utc"),
    (("B", "2025-04-04T13:02:09+00:00"), "marked_as_utc"), (("B", pandas.Timestamp("2025-04-04T13:02:09Z")), "marked_as_utc"),
    (("B", "11:02:11 UTC"), "the_consequence_as_written"), (("B", "13:02:09+01:00"), "evidence"),
    (("B", "2025-04-05 13:02:09"), "evidence"), (("B", "5 April 2025, 13:02:09"), "evidence"), (("B", "04.05.2025 13:02:09"), "evidence"),
    (("B", "2025-04-04T11:02:09Z"), "as_written"), (("B", "11:02:09"), "as_written"), (("B", "12:02:09"), "winter_time"),
    (("B", "15:02:09"), "two_hours_twice"),
    (("B", "13:02:11"), "the_consequence"), (("B", "11:02:11"), "the_consequence_as_written"), (("B", "13:02:08"), "the_image"),
    (("B", "13:03:16"), "listening_again"), (("B", "13:03:15"), "started_again"),
    (("B", "13:02"), "evidence"), (("B", 1009), "evidence"), (("B", "1:02:09"), "evidence"),
    (("A", "13:02:09"), "port_taken"), (("C", ""), "server_down"), (("D", "x"), "not_readable"), (("E", "03:28:18"), "restarted"),
])
def test_cause_and_time(editions, given, label):
    assert EXERCISES["WhyNothingArrives"].judge(given, editions).label == label


@pytest.mark.parametrize("seed", range(10))
def test_the_time_of_the_cause_is_that_of_the_servers_truth(seed):
    own = Editions(hospital(seed, "tiny"))
    truth = own.own.servers.truth["stopped_service"]
    assert truth["event_id"] == 7031 and truth["service"] == "HVReceive"
    ended = windows._event_time(lesson.input_of("events", own.own), truth["event_id"], 2)
    assert truth["time_local"].endswith(ended) and EXERCISES["WhyNothingArrives"].judge(("B", ended), own).label == "the_consequence"
    times = [when for _, when, _ in windows._told(lesson.input_of("events", own.own))]
    assert times == sorted(times) and len(times) == len(set(times))


@pytest.mark.parametrize(("given", "label"), [
    (r"\\hv-file\images\incoming", "correct"), (r"\\HV-FILE\Images\Incoming" + "\\", "correct"), ("//hv-file/images/incoming", "correct"),
    (r"\\hv-file.hvgh.example\images\incoming", "correct"), (r"'\\hv-file\images\incoming'", "correct"),
    (r"\\10.20.20.10\images\incoming", "correct"),                  # its address stands in netstat
    (r"\hv-file\images\incoming", "one backslash"),                 # what is left of it without r
    (r"hv-file\images\incoming", "no backslashes"), (r"hv-file\images", "no backslashes"),
    (r"\\hv-file.hvgh.local\images\incoming", "another domain"), (r"\\10.20.20.11\images\incoming", "value"),
    ("\\\\\\\\hv-file\\\\images\\\\incoming", "unreadable"),           # r, and doubled all the same
    (r"\\hv-file\images\\incoming", "unreadable"), (r"\\hv-file\scans\incoming", "folder_as_share"),
    (r"\\hv_file\images\incoming", "server"), (r"\\hv-file:\images\incoming", "server"), (r"\\HVGH\images\incoming", "domain"),
    ([r"\\hv-file\images\incoming"], "correct"),
    (r"\\?\UNC\hv-file\images\incoming", "correct"), (pathlib.PureWindowsPath(r"\\hv-file\images\incoming"), "correct"),
    (r"\\hv-file\H\incoming", "letter_without_a_dollar"), (r"\\hv-file\images\incomin", "typing"),
    (r"\\hv-file\images\incoming\x", "part"),
    (r"--store \\hv-file\images\incoming", "correct"), (r"\\hv-file\images\H\incoming", "letter_as_folder"),
    (r"h:\incoming", "the_letter"), (r"\\hv-file\images", "share_alone"), (r"\\hv-file\incoming", "without_the_share"),
    (r"\\hv-file\H$\incoming", "letter_as_share"), (r"F:\Volumes\scans\incoming", "place_on_the_server"),
    (r"\\hv-file\F$\Volumes\scans\incoming", "server_and_drive"), (r"\\hv-files\images\incoming", "typing"), ("", "unreadable"),
])
def test_the_path_to_store(editions, given, label):
    assert EXERCISES["WhereToStore"].judge((given,), editions).label == label


def test_accounts_by_their_other_names(editions):
    svc = next(name for name in _right(editions, "WhichAccounts") if name.startswith("svc_"))
    for given in (
        ["LocalSystem", "NetworkService", svc], {r"NT AUTHORITY\SYSTEM", r"NT AUTHORITY\Network Service", rf"HVGH\{svc}"},
        f"local system, network service, {svc.upper()}", ("SYSTEM", "NETWORK SERVICE", svc),
        ["Local System (SYSTEM)", "Network Service", f"{svc}@hvgh.example"],
        pandas.DataFrame({"account": ["SYSTEM", "Network Service", svc]}),
    ):
        assert EXERCISES["WhichAccounts"].judge((given,), editions).correct, given
    assert EXERCISES["WhichAccounts"].judge(([svc],), editions).label == "domain_accounts_only"
    arrives = EXERCISES["WhichAccounts"].judge(([svc, "Local System", "Network Service", "WS-ED1$"],), editions)
    assert arrives.outcome is Outcome.NOT_YET and "how it arrives" in arrives.message
    assert "no domain `hvgh.local`" in EXERCISES["WhichAccounts"].judge(([f"{svc}@hvgh.local"],), editions).message
    others = [name for name in ("svc_dicom", "svc_import", "svc_nightly") if name != svc]
    for given, label, says in (
        ([svc, "Local System"], "system_by_its_name", ["built-in account is missing"]),
        ([svc, "Network Service"], "network_service_alone", ["built-in account is missing"]),
        ([others[0], "Local Service", "SYSTEM"], "extra",
         ["Local Service has no name", "not both lists", "An account of the domain", "built-in"]),
        ([*others, svc, "Network Service"], "extra", ["not both lists", "built-in"]),
        (["Local System", "Network Service"], "missing", ["An account of the domain"]),
        ([svc, "SYSTEM", "Network Service", "ed.station"], "extra", ["not in the list"]), ([], "empty", ["empty"]),
    ):
        verdict = EXERCISES["WhichAccounts"].judge((given,), editions)
        assert verdict.label == label and all(one in verdict.message for one in says), verdict


def test_the_log_folder_in_other_forms(editions):
    right = _right(editions, "WhereItLogs")
    for given in (right, right.lower(), right.replace("\\", "/"), right + "\\"):
        assert EXERCISES["WhereItLogs"].judge((given,), editions).correct, given
    doubled = EXERCISES["WhereItLogs"].judge((right.replace("\\", "\\\\"),), editions)
    assert doubled.label == "unreadable" and "two backslashes where one belongs" in doubled.message
    for given, says in (("C" + right[1:], "the drive in front"), (right[2:], "drive in front is missing"),
                        (right[3:], "drive in front is missing"), (right.replace(":", ": "), "the drive in front")):
        verdict = EXERCISES["WhereItLogs"].judge((given,), editions)
        assert verdict.label == "drive" and says in verdict.message, given
    eaten = [(r"D:\HVLogs\receive", "D:\\HVLogs\receive"), (r"D:\Logs\store", "D:\\Logs\\store")]
    assert all(windows.windows_path(typed) == windows.windows_path(meant) for meant, typed in eaten)


def test_short_paths_in_other_forms(editions):
    right = _right(editions, "ShortPath")
    for given in (right, right.lower(), f'"{right}"', right.replace("\\", "/")):
        assert EXERCISES["ShortPath"].judge((given,), editions).correct, given
    parts = right.split("\\")
    for place in (2, 3, 4):
        other = parts[place][:-1] + next(number for number in "23478" if number != parts[place][-1])
        verdict = EXERCISES["ShortPath"].judge(("\\".join([*parts[:place], other, *parts[place + 1 :]]),), editions)
        assert verdict.label == "neighbour" and "another patient" in verdict.message
    assert EXERCISES["ShortPath"].judge(("\\".join(parts[:-1]),), editions).label == "folder_alone"
    for name in ("DICOMDIR.DCM", "IMAGE1"):
        verdict = EXERCISES["ShortPath"].judge(("\\".join([*parts[:-1], name]),), editions)
        assert verdict.label == "part" and f"`{name.casefold()}` is not right" in verdict.message, verdict
    for given in (right + ".", "import.exe " + right, right[2:], right.replace("\\EAST", "\\ EAST")):
        verdict = EXERCISES["ShortPath"].judge((given,), editions)
        assert verdict.outcome is Outcome.NOT_YET and "still a long name" not in verdict.message, (given, verdict)
    long = lesson.input_of("long_path", editions.own).split("\\")
    for place in (2, 3):
        verdict = EXERCISES["ShortPath"].judge(("\\".join([*parts[:place], long[place], *parts[place + 1 :]]),), editions)
        assert verdict.label == "half long" and f"`{long[place].casefold()}` is still" in verdict.message


@pytest.mark.parametrize("seed", range(10))
def test_short_names_are_8_3_and_found_by_no_rule(seed):
    own = hospital(seed, "tiny")
    path = EXERCISES["ShortPath"].computed(EXERCISES["ShortPath"].solution, own)
    parts = path.split("\\")[1:]
    assert all(re.fullmatch(r"[A-Z0-9~]{1,8}", part) for part in parts), path
    shorts = windows._shorts(lesson.input_of("listings", own))
    assert len(shorts) == 11 and len(set(shorts.values())) == 11
    assert not path.split("\\")[2].endswith("~1") and not path.split("\\")[3].endswith("~1")


def test_other_ways_to_write_the_functions_are_right(editions):
    def for_unix(data):
        encoding = "utf-8"
        if data[:2] == b"\xff\xfe":
            encoding = "utf-16-le"
        return bytearray("\n".join(data.decode(encoding).lstrip("\ufeff").split("\r\n")), "utf-8")

    def for_unix_by_lines(data):
        text = data.decode("utf-16") if data[:1] == b"\xff" else data.decode("utf-8-sig")
        return "".join(line + "\n" for line in text.splitlines()).encode()          # adds an end to a last line that had none

    def valid_file_id(path):
        return re.fullmatch(r"[A-Z0-9_]{1,8}(\\[A-Z0-9_]{1,8}){0,7}", path) is not None

    assert EXERCISES["ForUnix"].judge((for_unix,), editions).correct
    assert EXERCISES["ForUnix"].judge((for_unix_by_lines,), editions).label == "last_line_end_added"
    assert EXERCISES["ValidFileId"].judge((valid_file_id,), editions).correct


@pytest.mark.parametrize(("function", "label", "says"), [
    (lambda data: data.decode("utf-8-sig").replace("\r\n", "\n").encode(), "utf_8_for_all", "`UnicodeDecodeError`"),
    (lambda data: data.decode().replace("\r\n", "\n").encode(), "utf_8_for_all", "is UTF-16"),
    (lambda data: data.decode("utf-16").replace("\r\n", "\n").encode(), "utf_16_for_all", "Only one that begins"),
    (lambda data: data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig").replace("\r", "").encode(), "every_carriage_return",
     "alone"),
    (lambda data: data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8").replace("\ufeff", "").replace("\r\n", "\n").encode(),
     "every_mark", "inside it belongs"),
    (lambda data: (data.decode("utf-16") if data[:2] == b"\xff\xfe" else data.lstrip(b"\xef\xbb\xbf").decode()).replace(
        "\r\n", "\n").encode(), "bytes_of_the_mark", "removeprefix"),
    (lambda data: data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig" if data[:3] == b"\xef\xbb\xbf" else "cp1252")
     .replace("\r\n", "\n").encode(), "code_page_read", "as in the example"),
    (lambda data: data.decode("utf-16" if data[:2] == b"\xff\xfe" else "cp1252").replace("\r\n", "\n").encode(),
     "code_page_read_with_a_mark_too", "the mark three"),
])
@pytest.mark.parametrize("seed", range(5))
def test_likely_mistakes_in_a_text_file(seed, function, label, says):
    verdict = EXERCISES["ForUnix"].judge((function,), Editions(hospital(seed, "tiny")))
    assert verdict.label == label and says in verdict.message, verdict


def test_a_text_file_already_right_stays_as_it_is():
    for seed in range(5):
        cases = [data for data, in EXERCISES["ForUnix"].cases(random.Random(seed))]
        assert any(EXERCISES["ForUnix"].solution(data) == data for data in cases)
        assert {b"", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n"} < set(cases)
        marked = [data[:1] == b"\xff" for data in cases]
        assert marked == sorted(marked)                             # UTF-16, which is hard to read in a message, comes last


def _decoded(data):
    return data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8-sig").replace("\r\n", "\n")


@pytest.mark.parametrize(("change", "label"), [
    (lambda text: "\n".join(line.rstrip() for line in text.split("\n")), "ends_of_lines_stripped"),
    (lambda text: text.replace("\r", "\n"), "every_kind_of_line_end"),
    (lambda text: "\n".join(line.rstrip("\r") for line in text.split("\n")), "value"),
    (lambda text: "\n".join(line.strip() for line in text.split("\n")), "value"), (str.lstrip, "value"),
    (lambda text: text.rstrip(" "), "value"), (lambda text: text.replace("  ", " "), "value"), (str.expandtabs, "value"),
    (lambda text: text.replace("\x1a", ""), "value"), (lambda text: unicodedata.normalize("NFC", text), "value"),
])
def test_nothing_else_may_change_in_a_text_file(editions, change, label):
    verdict = EXERCISES["ForUnix"].judge((lambda data: change(_decoded(data)).encode(),), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def _by_hand(data):
    if data[:2] != b"\xff\xfe":
        return _decoded(data).encode()
    text = "".join(chr(data[at] + 256 * data[at + 1]) for at in range(2, len(data), 2))
    return text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("function", [
    lambda data: data if len(data) < 4 else _decoded(data).encode(), _by_hand,
    lambda data: (data.decode("utf-16") if b"\0" in data else data.decode("utf-8-sig")).replace("\r\n", "\n").encode(),
    lambda data: _decoded(data[3:] if len(data) > 3 and data[:3] == b"\xef\xbb\xbf" else data).encode()
    if data[:2] == b"\xff\xfe" or len(data) > 3 else data.replace(b"\r\n", b"\n"),
    lambda data: _decoded(data if data[:1] == b"\xff" else data.replace(b"\n\r", b"\n")).encode(),
])
def test_marks_alone_letters_of_four_bytes_and_short_files_are_tried(editions, function):
    assert EXERCISES["ForUnix"].judge((function,), editions).outcome is Outcome.NOT_YET


def test_a_wrong_first_byte_is_named_as_such(editions):
    judge = EXERCISES["ForUnix"].judge
    solution = EXERCISES["ForUnix"].solution
    for function, says in ((lambda data: solution(data) or b"\n", "empty file"), (lambda data: data and b"x" + data, "very first byte"),
                           (lambda data: b"", "Nothing came back")):
        verdict = judge((function,), editions)
        assert verdict.outcome is Outcome.NOT_YET and "offset 0" not in verdict.message and says in verdict.message, verdict


def _device_free(path):
    return EXERCISES["ValidFileId"].solution(path) and "CON" not in path.split("\\") and path != "NUL"


def _by_python_capitals(path):
    parts = path.split("\\")
    return len(parts) <= 8 and all(
        1 <= len(part) <= 8 and all(one.isupper() or one.isdigit() or one == "_" for one in part) for part in parts)


def _by_slashes(path):
    return all(re.fullmatch("[A-Z0-9_]{1,8}", part) is not None for part in path.split("/"))


def _too_early(path):
    for part in path.split("\\"):
        for letter in part:
            if letter not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_":
                return False
            return len(part) < 9 and path.count("\\") < 8
    return False


@pytest.mark.parametrize(("function", "label"), [
    (lambda path: re.match(r"[A-Z0-9_]{1,8}(\\[A-Z0-9_]{1,8}){0,7}$", path) is not None, "line_end_too"),
    (lambda path: re.fullmatch(r"[A-Z0-9_]{1,8}(\\[A-Z0-9_]{1,8}){0,8}", path) is not None, "file_not_counted"),
    (lambda path: re.fullmatch(r"[A-Z0-9_.]{1,8}(\\[A-Z0-9_.]{1,8}){0,7}", path) is not None, "dot_among_the_characters"),
    (lambda path: re.fullmatch(r"([A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?\\?\b){1,8}", path) is not None, "each_with_extension"),
    (_by_python_capitals, "other_capitals_too"), (lambda path: False, "none_pass"),
    (lambda path: EXERCISES["ValidFileId"].solution(path.strip()), "line_end_too"),
    (lambda path: not EXERCISES["ValidFileId"].solution(path), "turned_round"),
    (_device_free, "devices_refused"), (_by_slashes, "cut_at_slashes"), (_too_early, "value"),
    *((lambda path, sign=sign: EXERCISES["ValidFileId"].solution(path.replace(sign, "_")), "value")
      for sign in "$+#:()*;&,=[]@!%^{}'`\u0661"),
    (lambda path: EXERCISES["ValidFileId"].solution(path.replace("/", "\\")), "slashes_too"),
    (lambda path: EXERCISES["ValidFileId"].solution(re.sub(r"[-!#$%&'()@^`{}~]", "_", path)), "signs_of_msdos"),
    (lambda path: re.fullmatch(r"[A-Z\d_]{1,8}(\\[A-Z\d_]{1,8}){0,7}", path) is not None, "value"),
    (lambda path: EXERCISES["ValidFileId"].solution(path) and len(set(path.split("\\"))) == path.count("\\") + 1, "value"),
    (lambda path: EXERCISES["ValidFileId"].solution(path) and set(path.split("\\")[0]) != {"_"}, "value"),
])
def test_likely_mistakes_in_a_file_id(editions, function, label):
    assert EXERCISES["ValidFileId"].judge((function,), editions).label == label


@pytest.mark.parametrize(("answers", "says"), [
    (lambda path: "True", "quotes around True"), (lambda path: print(path), "`return` missing"), (lambda path: 1, "a number"),
    (lambda path: True, "for every path"), (lambda path: re.fullmatch("[A-Z0-9_]{1,8}", path) is not None, "Every path with a folder"),
])
def test_what_is_no_check_of_a_file_id(editions, answers, says):
    verdict = EXERCISES["ValidFileId"].judge((answers,), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_reports_of_the_evenings_in_other_forms(editions):
    right = [row["lines"] for row in _right(editions, "WhatItReports")]
    names = ["2 April", "3 April", "4 April"]
    for given in (
        list(zip(names, right)), dict(zip(names, right)), dict(zip(["2025-04-02", "2025-04-03", "2025-04-04"], right)),
        dict(zip([2, 3, 4], right)), [(night, f"{lines} lines" if lines else "none") for night, lines in zip(names, right)],
        {"night": names, "lines": right}, right, tuple(right),
    ):
        assert EXERCISES["WhatItReports"].judge((given,), editions).correct, given


def test_numbers_of_the_evenings_without_their_names(editions):
    judge = EXERCISES["WhatItReports"].judge
    files = [len(codes) for *_, codes in lesson.input_of("nights", editions.own)]
    assert judge(([files[0], 0, files[2]],), editions).label == "the_other_way_round"
    assert judge(([0, 0, 0],), editions).label == "never"
    assert "`night` is `2 April`" in judge(([2, *(row["lines"] for row in _right(editions, "WhatItReports")[1:])],), editions).message
    assert judge(([0, 0],), editions).outcome is Outcome.NOT_YET


# ---- batch files

LOOP = r"for %%f in (\\hv-file\images\incoming\*.dcm) do ("
SEND = r'C:\HVPACS\bin\send.exe "%%f"'
FAIL = "echo failed %%f>> %~dp0failed.txt"
COUNT = "set /a COUNT=COUNT+1"
END = ")\necho %COUNT% sent\n"
RIGHT = {
    "delayed": f"@echo off\nsetlocal EnableDelayedExpansion\nset COUNT=0\n{LOOP}\n{SEND}\n"
               f"if !ERRORLEVEL! NEQ 0 ({FAIL}) else ({COUNT})\n{END}",
    "delayed, compared as text": f'setlocal enabledelayedexpansion\nset /a COUNT=0\n{LOOP}\n{SEND}\n'
                                 f'if "!errorlevel!"=="0" (\n{COUNT}\n) else (\n{FAIL}\n)\n{END}',
    "and, or": f"@echo off\nset COUNT=0\n{LOOP}\n  {SEND} && {COUNT} || {FAIL}\n{END}",
    "or, and": f'@echo off\nset ALL=0\nset BAD=0\n{LOOP}\nset /a ALL=ALL+1\n{SEND} || {FAIL} && set /a BAD=BAD+1\n)\n'
               "set /a SENT=ALL-BAD\necho %SENT% sent\n",
    "not errorlevel": f"@echo off\nset COUNT=0\n{LOOP}\n{SEND}\nif not errorlevel 1 ({COUNT}) else {FAIL}\n{END}",
    "one line": f"@set COUNT=0\n@{LOOP[:-1]}{SEND} && set /a COUNT+=1 || {FAIL}\n@echo %COUNT% sent",
    "a part that is called": f'@echo off\nset COUNT=0\n{LOOP[:-1]}call :one "%%f"\necho %COUNT% sent\ngoto :eof\n\n:one\n'
                             'C:\\HVPACS\\bin\\send.exe %1\nif %ERRORLEVEL% NEQ 0 goto bad\nset /a COUNT+=1\nexit /b\n:bad\n'
                             'echo failed %~nx1>> "%~dp0failed.txt"\nexit /b 0\n',
    "net use": f"@echo off\nnet use H: \\\\hv-file\\images /persistent:no >nul 2>&1\nset COUNT=0\n"
               f"for %%f in (H:\\incoming\\*.dcm) do (\n{SEND}\nif errorlevel 1 ({FAIL}) else {COUNT}\n{END}",
    "net use where H: is missing": f"@echo off\nif not exist H:\\ net use H: \\\\hv-file\\images\nset COUNT=0\n"
               f"for %%f in (h:\\incoming\\*.dcm) do (\n{SEND}\nif errorlevel 1 ({FAIL}) else {COUNT}\n{END}",
    "pushd": f"@echo off\npushd \\\\hv-file\\images\\incoming\nset COUNT=0\nfor %%f in (*.dcm) do (\n{SEND}\n"
             f"if errorlevel 1 ({FAIL}) else {COUNT}\n)\npopd\n"
             "echo %COUNT% sent",
    "variables": '@echo off\nrem where from\nset "FROM=\\\\hv-file.hvgh.example\\images\\incoming"\n'
                 'set SEND=C:\\HVPACS\\bin\\send.exe\nset COUNT=0\nset FAILED=0\n'
                 'for %%F in ("%FROM%\\*.dcm") do (\n  set /a COUNT+=1\n  "%SEND%" "%%F"\n  if errorlevel 1 (\n    set /a FAILED+=1\n    '
                 '>>"%~dp0failed.txt" echo failed %%~nxF\n  )\n)\nset /a SENT=COUNT-FAILED\necho.\necho %SENT% sent\nexit /b 0',
    "Windows' line ends and capitals": f"@ECHO OFF\nSET COUNT=0\n{LOOP.upper().replace('%%F', '%%F')}\n{SEND.replace('%%f', '%%F')}\n"
                                       f"IF ERRORLEVEL 1 ({FAIL.replace('%%f', '%%F')}) ELSE ({COUNT})\n{END}".replace("\n", "\r\n"),
    "greater or equal": f"setlocal EnableDelayedExpansion\nset COUNT=0\n{LOOP}\n{SEND}\n"
                        f"set RC=!ERRORLEVEL!\nif !RC! GEQ 1 ({FAIL}) else ({COUNT})\n{END}",
    "relative to the batch file": f"@echo off\nset COUNT=0\n{LOOP}\n"
                                  f"\"%~dp0..\\bin\\send.exe\" \"%%f\"\nif errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "to the folder of the batch file": f'@echo off\ncd /d "%~dp0"\nset COUNT=0\n{LOOP}\n{SEND}\n'
                                       f"if errorlevel 1 (echo failed %%f>> failed.txt) else ({COUNT})\n{END}",
    "quoted": f'@echo off\nset COUNT=0\n{LOOP}\n{SEND}\nif errorlevel 1 (echo failed %%f>> "%~dp0failed.txt") else ({COUNT})\n{END}',
    "the server by its address": f"@echo off\nset COUNT=0\n{LOOP.replace('hv-file', '10.20.20.10')}\n{SEND}\n"
                                 f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "from the folder of send.exe": f"@echo off\nset COUNT=0\ncd /d C:\\HVPACS\\bin\n{LOOP}\nsend.exe \"%%f\"\n"
                                   f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "found by PATH": f"@echo off\nset COUNT=0\nset PATH=%PATH%;C:\\HVPACS\\bin\n{LOOP}\nsend \"%%f\"\n"
                     f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "a line that goes on": f"@echo off\nset COUNT=0\n{LOOP}\nC:\\HVPACS\\bin\\send.exe ^\n  \"%%f\"\n"
                           f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "what send.exe says, kept": f"@echo off\nset COUNT=0\n{LOOP}\n{SEND} >> \"%~dp0send.log\" 2>&1\n"
                                f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "a guard with a wildcard": f"@echo off\nset COUNT=0\nif not exist \"{LOOP.split('(')[1].split(')')[0]}\" goto end\n{LOOP}\n{SEND}\n"
                               f"if errorlevel 1 ({FAIL}) else ({COUNT})\n)\n:end\necho %COUNT% sent\n",
    "a guard in front of the loop": f"@echo off\nset COUNT=0\nif exist {LOOP.split('(')[1].split(')')[0]} {LOOP}\n{SEND}\n"
                                    f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "all arguments": f'@echo off\nset COUNT=0\n{LOOP[:-1]}call :one %%f\necho %COUNT% sent\ngoto :eof\n:one\n'
                     'C:\\HVPACS\\bin\\send.exe "%*"\n'
                     'if %ERRORLEVEL% NEQ 0 (\necho failed %*>> "%~dp0failed.txt"\n) else (\nset /a COUNT=COUNT+1\n)\ngoto :eof\n',
    "tried twice where it failed": f"@echo off\nset COUNT=0\n{LOOP}\n{SEND} || {SEND}\nif errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
    "a folder that is asked for": f"@echo off\nif not exist \\\\hv-file\\images\\incoming exit /b 1\nset COUNT=0\n{LOOP}\n{SEND}\n"
                                  f"if errorlevel 1 ({FAIL}) else ({COUNT})\n{END}",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=list(RIGHT))
def test_a_batch_file_may_be_repaired_in_many_ways(editions, text):
    verdict = EXERCISES["NightlyRepaired"].judge((text,), editions)
    assert verdict.correct, verdict


GOOD = f"@echo off\nset COUNT=0\n{LOOP}\n{SEND}\nif errorlevel 1 ({FAIL}) else ({COUNT})\n{END}"
COUNTING = GOOD.replace("set COUNT=0", "set COUNT=0\nset ALL=0\nset BAD=0").replace(SEND, f"set /a ALL+=1\n{SEND}").replace(
    FAIL, f"{FAIL} & set /a BAD+=1")


@pytest.mark.parametrize("line", [
    "%COUNT%", "%DATE% %TIME%: %COUNT% sent", "99 tried, %COUNT% sent", "%COUNT% of %ALL% sent", "%ALL% found, %COUNT% sent",
    "sent: %COUNT%, failed: %BAD%", "Sent %COUNT% failed %BAD%", "%COUNT% sent %BAD% failed", "%COUNT%/%ALL% sent", "OK %COUNT% ERR %BAD%",
    "nightly.bat version 2 finished, %COUNT% sent", "WS_ED1: %COUNT% images sent to the archive",
    "%COUNT% sent, see failed.txt for the rest",
    "%COUNT% files were sent, %BAD% were not sent", "%COUNT% sent (of %ALL%)", "Total sent: %COUNT%", "Job 2: %COUNT% file(s) sent.",
])
def test_the_last_line_may_hold_more_than_the_number(editions, line):
    text = COUNTING.replace("echo %COUNT% sent", f"echo {line}")
    assert EXERCISES["NightlyRepaired"].judge((text,), editions).correct, line


@pytest.mark.parametrize(("line", "label"), [
    ("%DATE% %TIME%", "count"), ("99 sent", "count"), ("%ALL% sent, %COUNT% failed", "counts_all"), ("%ALL% sent (%COUNT%)", "counts_all"),
    ("%BAD% sent, %COUNT% failed", "failures_counted"), ("%COUNT% failed", "count"), ("%COUNT% not sent", "count"),
    ("sent: 0 or 1 or 2 or 3 or 4 or 5 or 6", "count"), ("0 1 2 3 4 5 6", "count"), ("Sent: %COUNT%\necho done", "count"),
    ("%COUNT% sent\necho.", "count"), ('%COUNT% sent\nif exist "%~dp0failed.txt" echo see failed.txt', "count"),
])
def test_the_last_line_says_how_many_were_sent(editions, line, label):
    text = COUNTING.replace("echo %COUNT% sent", f"echo {line}")
    verdict = EXERCISES["NightlyRepaired"].judge((text,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


MAPPED = GOOD.replace("\\\\hv-file\\images", "H:").replace("set COUNT=0", "net use H: \\\\hv-file\\images\nset COUNT=0").replace(
    "echo %COUNT%", ":end\necho %COUNT%")


@pytest.mark.parametrize(("text", "label", "says"), [
    (GOOD.replace("errorlevel 1", "!ERRORLEVEL! NEQ 0"), "not_switched_on", "setlocal"),
    *((MAPPED.replace("images\n", f"images{guard}\n", 1), "mapped", "still there")
      for guard in (" || exit /b 1", " || goto end", "\nif errorlevel 1 exit /b 1")),
    (MAPPED + "net use H: /delete\n", "count", "was deleted successfully"),
    (MAPPED.replace("images\n", "scans\n", 1), "nothing", "no share is found"),
    (MAPPED.replace(LOOP.replace("\\\\hv-file\\images", "H:"), "cd H:\\incoming\nfor %%f in (*.dcm) do ("), "nothing", "without `/d`"),
    (GOOD.replace("if errorlevel", "if not errorlevel"), "turned round", "wrong way round"),
    (GOOD.replace("set /a COUNT=", "set COUNT="), "count", "does not calculate"),
    (GOOD.replace(COUNT, "set COUNT=1"), "count_read_too_early", "nothing is added"),
    *((GOOD.replace(FAIL, f"{FAIL} & {leave}").replace("echo %COUNT%", ":end\necho %COUNT%"), "left", "leave the loop")
      for leave in ("goto end", "exit", "exit /b 1")),
    ("setlocal EnableDelayedExpansion\nset ERRORLEVEL=0\n" + GOOD.replace("errorlevel 1", "!ERRORLEVEL! NEQ 0"), "too few", "hides"),
    ("setlocal EnableDelayedExpansion\n" + GOOD.replace("if errorlevel 1", "set RC=%ERRORLEVEL%\nif !RC! NEQ 0"), "too few",
     "was replaced by its value"),
    (f"@echo off\nset COUNT=0\n{LOOP}\n{SEND} || {FAIL}\n{SEND} && {COUNT}\n{END}", "twice", "once more"),
    (GOOD.replace("*.dcm", "*dcm"), "more", "no image"), (GOOD.replace("*.dcm", "*.dc?"), "more", "no image"),
    (GOOD.replace("%COUNT% sent", "%COUNT:~0,1% sent"), "unreadable", "does not know `%COUNT:~0,1%`"),
    (GOOD.replace("errorlevel 1", "errorlevel 0"), "all_of_them", "always true"),
    (GOOD.replace(COUNT, f'{COUNT} & del "%%f"'), "sent_and_deleted", "storage commitment"),
    (GOOD.replace(FAIL, f'{FAIL} & del "%%f"'), "spoilt", "One that was not sent is then lost"),
    (GOOD + "del /q \\\\hv-file\\images\\incoming\\*.dcm\n", "spoilt", "deletes images"),
    (GOOD + "del /q \\\\hv-file\\images\\incoming\\*.*\n", "spoilt", "deletes images"),
    (GOOD + "del /q \\\\hv-file\\images\\incoming\n", "spoilt", "deletes images"),
    (GOOD.replace(FAIL, f'{FAIL} & echo no> "%%f"'), "spoilt", "writes into them"),
    (GOOD.replace("set COUNT=0", "set COUNT = 0"), "blanks_round_the_sign", "belongs to the name"),
    (GOOD.replace("set COUNT=0", 'set "COUNT = 0"'), "blanks_round_the_sign", "belongs to the name"),
    (f'@echo off\nset COUNT=0\n{LOOP[:-1]}call :one "%%f"\necho %COUNT% sent\n:one\nC:\\HVPACS\\bin\\send.exe %1\n'
     'if %ERRORLEVEL% NEQ 0 (echo failed %1>> "%~dp0failed.txt") else set /a COUNT+=1\n', "falls_into_the_part", "goto :eof"),
    (GOOD.replace("@echo off", '@echo off\necho night of today>> "%~dp0failed.txt"'), "stray", "`night of today`"),
    (GOOD + "echo.>> %~dp0failed.txt\n", "stray", "names no file. Asked"),
    (GOOD + "if %COUNT% EQU 0 echo nothing sent>> %~dp0failed.txt\n", "stray", "`nothing sent`"),
    (GOOD.replace("if errorlevel 1", f"if errorlevel 3 {FAIL}\nif errorlevel 2 {FAIL}\nif errorlevel 1"), "stray", "more than one line"),
    (GOOD.replace("\\\\hv-file\\images", "\\\\hv-file\\F$"), "nothing", "denies access"),
    (GOOD.replace(SEND, f'{SEND} > "%~dp0failed.txt"'), "too few", "`>>`"),
    (GOOD.replace("%COUNT% sent", "!COUNT! sent"), "count", "setlocal"),
    (GOOD.replace("errorlevel 1", "!ERRORLEVEL! EQU 1").replace("set COUNT=0", "setlocal EnableDelayedExpansion\nset COUNT=0"),
     "one_number_alone", "one number alone"),
    ("setlocal EnableDelayedExpansion\n" + GOOD.replace(f"if errorlevel 1 ({FAIL}) else ({COUNT})",
                                                        f"if !ERRORLEVEL! EQU 1 {FAIL}\nif !ERRORLEVEL! EQU 0 {COUNT}"),
     "some codes", "another number"),
    (GOOD.replace(FAIL, 'echo failed>> "%~dp0failed.txt"'), "without_the_name", "do not name the file"),
    (GOOD.replace(FAIL, 'echo failed !f!>> "%~dp0failed.txt"'), "unnamed", "do not say which"),
    (GOOD.replace(FAIL, "echo failed %%f>> failed.txt"), "beside_something_else", "not beside"),
    (GOOD.replace("\\\\hv-file\\images", "X:"), "nothing", "SYSTEM has no drive"),
    (GOOD.replace("set COUNT=0\n", ""), "count_not_set", "at the start"),
    (GOOD.replace("set COUNT=0\n", "if not defined COUNT set COUNT=0\n"), "left over", "already"),
    (GOOD.replace("set COUNT=0", 'set COUNT=0\ndel "%~dp0failed.txt"'), "deleted_first", "last night"),
    (GOOD.replace("set COUNT=0", "set COUNT=0\nif exist %~dp0failed.txt del /q %~dp0failed.txt"), "deleted_first", "last night"),
    (GOOD.replace(LOOP, "cd /d \\\\hv-file\\images\\incoming\nfor %%f in (*.dcm) do ("), "unc_as_current_folder", "UNC"),
    (GOOD.replace("\\\\hv-file", "\\hv-file"), "nothing", "two backslashes"),
    (GOOD.replace("\\\\hv-file\\images", "F:\\Volumes\\scans"), "place_on_the_server", "file server"),
    (f'@echo off\nset COUNT=0\n{LOOP}\n{SEND} || {FAIL}\nset /a COUNT+=1\n{END}', "counts_all", "attempts"),
    (GOOD.replace("@echo off", '@echo off\necho new> "%~dp0failed.txt"'), "not kept", "earlier nights"),
    (GOOD.replace('"%%f"', "'%%f'"), "single_quotes", "double quotes"),
    (GOOD.replace("C:\\HVPACS\\bin\\send.exe", "send.exe"), "not sent", "not recognized"),
    (GOOD.replace('"%%f"', '"%%~nxf"'), "not sent", "It was called as"),
    (GOOD.replace("errorlevel 1", "%%ERRORLEVEL%% NEQ 0"), "all_of_them", "always true"),
    (GOOD.replace("errorlevel 1", "%ERRORLEVEL% NEQ 0"), "still_read_too_early", "when the block is read"),
    (GOOD.replace("errorlevel 1", "errorlevel 2"), "some codes", "lacks a file"),
    (GOOD.replace("*.dcm", "*.*"), "more", "no image"),
    (f"@echo off\nset COUNT=0\n{LOOP}\n{SEND} || {FAIL} && {COUNT}\n{END}", "failures_counted", "**not** sent"),
    (GOOD.replace("@echo off", "@echo off\nsetlocal").replace("echo %COUNT%", "endlocal\necho %COUNT%"), "count",
     "`endlocal` has put COUNT"),
    (GOOD.replace("set COUNT=0", "set COUNT=0\nsetlocal").replace("echo %COUNT%", "endlocal\necho %COUNT%"), "count", "`endlocal` has put"),
    (GOOD.replace("\\\\hv-file\\images", "H:"), "unchanged", "no drive H:"),
    (GOOD.replace("\\\\hv-file\\images", "\\\\hv-file"), "nothing", "It looked in"),
    (GOOD.replace("echo %COUNT% sent", ""), "count", "last line"),
    (GOOD.replace("%%f", "%f"), "unreadable", "two percent signs"),
    (GOOD.replace(") else (", ")\nelse ("), "unreadable", "on the same line"),
    (GOOD.replace("\n)\n", "\n"), "unreadable", "never closed"),
    (GOOD.replace("NEQ", "!=").replace("errorlevel 1", "%ERRORLEVEL% != 0"), "unreadable", "unexpected"),
    (GOOD + "pause\n", "unreadable", "does not know `pause`"),
    (":again\ngoto again\n", "unreadable", "come to an end"), (":again\ncall :again\n", "unreadable", "without end"),
    ("C:\\HVPACS\bin\\send.exe", "unreadable", 'Write `r"""`'), ("%", "nothing", "No file"), ("(((((", "unreadable", "never closed"),
    ("if", "unreadable", "cmd would stop"), ("for", "unreadable", "two percent signs"), ("echo >", "unreadable", "nothing stands behind"),
    (")", "unreadable", "no `(`"), ("if 1 EQU 1", "unreadable", "without a command"), ("dir | find", "unreadable", "a pipe"),
    ("(" * 3000, "unreadable", "nested too deeply"),
])
def test_a_batch_file_that_is_not_right_is_told_why(editions, text, label, says):
    verdict = EXERCISES["NightlyRepaired"].judge((text,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def _printed(text, **more):
    return windows.Rehearsal(text, {"a.dcm": 0, "b.dcm": 4}, **more).printed


def test_percent_is_replaced_when_a_block_is_read_and_errorlevel_asked_when_it_is_carried_out():
    """The example of a question often asked: `%ERRORLEVEL%` of a part called inside `if (...)` stays 0, `if errorlevel` sees 42."""
    text = ("@echo off\necho %ERRORLEVEL%.0\nif %ERRORLEVEL% == 0 (\n echo %ERRORLEVEL%.1\n call :foo\n echo %ERRORLEVEL%.2\n"
            " if errorlevel 42 echo 42.3\n)\n"
            "goto :eof\n:foo\n exit /b 42\ngoto :eof\n")
    assert _printed(text) == ["0.0", "0.1", "0.2", "42.3"]
    assert _printed(text.replace("if %ERRORLEVEL% == 0 (", "").replace("\n)\n", "\n")) == ["0.0", "0.1", "42.2", "42.3"]


def test_and_binds_more_closely_than_or():
    """As in cmd: parentheses, then |, &&, ||, & from the closest to the loosest."""
    assert _printed("echo a || echo b && echo c") == ["a "] and _printed("echo a && echo b || echo c") == ["a ", "b "]
    assert _printed("echo a || echo b && echo c & echo d") == ["a ", "d"] and _printed("echo a || echo b || echo c") == ["a "]
    assert _printed("cd x || echo b && echo c || echo d") == ["b ", "c "] and _printed("cd x && echo b || echo c && echo d") == ["c ", "d"]
    assert _printed("(echo a || echo b) && echo c") == ["a ", "c"]


def test_a_mapped_letter_is_remarked_and_endlocal_noted(editions, capsys):
    remarked = [name for name, text in RIGHT.items() if "A remark" in EXERCISES["NightlyRepaired"].judge((text,), editions).message]
    assert remarked == ["net use", "net use where H: is missing"]
    text = MAPPED.replace(":end", "net use H: /delete").replace("images\n", "images || exit /b 1\n", 1)
    tidy = EXERCISES["NightlyRepaired"].judge((text,), editions)
    assert tidy.correct and "A remark" not in tidy.message
    failing = EXERCISES["NightlyRepaired"].judge((GOOD + "exit /b 7\n",), editions)
    assert failing.correct and "ends with 7 also in a night in which all were sent" in failing.message
    lesson.input_of("rehearse", editions.own)(GOOD.replace("@echo off", "setlocal").replace("echo %COUNT%", "endlocal\necho %COUNT%"))
    assert "note: `endlocal` has put COUNT back" in capsys.readouterr().out
    assert _printed("setlocal\nset A=1\nendlocal\nset A=2\necho %A%") == ["2"]


def test_how_cmd_reads():
    assert _printed("set X=1\nset X=2 & echo %X%") == ["1"] and _printed("set X=2 & rem\necho [%X%]") == ["[2 ]"]
    assert _printed("set COUNT = 0\necho [%COUNT%] [%COUNT %]") == ["[] [ 0]"]
    assert _printed("set X=1\n(\nset X=2\necho %X%\n)\necho %X%") == ["1", "2"]
    assert _printed("setlocal EnableDelayedExpansion\nset X=1\n(\nset X=2\necho !X! %X%\n)") == ["2 1"]
    assert _printed("echo 100%% %NOTSET%. %~n0 ^& !X!") == ["100% . nightly & !X!"]
    assert _printed("if a==A (echo same) else echo other") == ["other"] and _printed("if /i a==A echo same") == ["same"]
    assert _printed("if 10 GTR 9 echo number\nif a10 GTR a9 echo text") == ["number"]
    assert _printed("for %%x in (one \"two three\") do @echo %%~x!") == ["one!", "two three!"]
    assert _printed("set /a N=3-1+4\necho %N%") == ["6"]
    assert _printed("echo a)b\n(echo c)") == ["a)b", "c"]
    assert _printed("if not errorlevel 3 echo low\nif errorlevel 0 echo any", before=2) == ["low", "any"]
    assert _printed("net use H: \\\\hv-file\\images\necho %ERRORLEVEL%", drives={"H:": r"\\hv-file\images"}) == ["2"]
    assert _printed("for %%f in (\\\\hv-file\\images\\incoming\\?.DCM) do echo %%~nf %%~xf %%~nxf") == ["a .dcm a.dcm", "b .dcm b.dcm"]
    there = [one for one in ("*.dcm", "?.dcm", "b*", "*.*", "*.exe", "c.*")
             if _printed(f'if exist "\\\\hv-file\\images\\incoming\\{one}" echo yes')]
    assert there == ["*.dcm", "?.dcm", "b*", "*.*"]
    assert _printed("call :x one \"two three\"\ngoto :eof\n:x\necho [%*] %2") == ['[one "two three"] "two three"']
    assert _printed("net use H: \\\\hv-file\\images\nnet use H: /delete >nul") == ["The command completed successfully."]
    assert _printed("echo one & rem two & echo three") == ["one "]
    asked = "if exist %~dp0failed.txt (echo yes) else echo no\n"
    assert _printed(f"{asked}del %~dp0failed.txt\n{asked}") == ["yes", "no"]
    assert _printed("cd /d %~dp0\ncd") == ["c:\\hvpacs\\jobs"]
    assert _printed("cd \\\\hv-file\\images\necho %ERRORLEVEL%\ncd") == ["1", "C:\\Windows\\System32"]


@pytest.mark.parametrize("seed", range(10))
def test_the_shipped_batch_file_does_what_exercise_9_says(seed):
    """The answer by rule and the batch file carried out agree, evening by evening."""
    own = Editions(hospital(seed, "tiny")).own
    nightly, answer = lesson.input_of("nightly", own), EXERCISES["WhatItReports"].computed(EXERCISES["WhatItReports"].solution, own)
    for (night, net_use, codes), row in zip(lesson.input_of("nights", own), answer, strict=True):
        files = {f"{number:04d}.dcm": code for number, code in enumerate(codes)}
        ran = windows.rehearsed(nightly, files, {"H:": r"\\hv-file\images"}, before=net_use)
        assert (night, len(ran[3])) == (row["night"], row["lines"])
        assert ran[0] == [name for name, code in files.items() if code == 0]


def test_the_practice_night_prints_the_same_each_time(capsys):
    rehearse = lesson.input_of("rehearse", hospital(0, "tiny"))
    for text in (GOOD, "pause", "(", ":x\ncall :x", GOOD.replace(LOOP, "goto nowhere\n" + LOOP)):
        rehearse(text)
    said = capsys.readouterr().out
    assert "really sent: CT0101.dcm, CT neck 0103.dcm" in said and "2 sent" in said
    assert "does not know `pause`" in said and "never closed" in said and "no label :nowhere" in said


def test_whatever_is_written_in_a_batch_file_is_carried_out_or_refused_with_a_sentence(editions):
    draw = random.Random(13)
    odd = ":one\ncall :one %1 !X! %~dpnx0 ^ 2>&1 >nul < rem & | || && :: \u00b2 \u0661"
    pieces = re.findall(r"\w+|\s+|[^\w\s]+", "\n".join([*RIGHT.values(), odd]))
    for _ in range(400):
        text = list(draw.choice(list(RIGHT.values())))
        for _ in range(draw.randrange(1, 12)):
            at = draw.randrange(len(text))
            text[at : at + draw.choice([0, 0, 1, 3])] = draw.choice([draw.choice(pieces), "", draw.choice('()%!"&|><^:\n')])
        verdict = EXERCISES["NightlyRepaired"].judge(("".join(text),), editions)
        assert verdict.outcome in (Outcome.CORRECT, Outcome.NOT_YET), ("".join(text), verdict)
    bomb = "set A=xxxxxxxxxx\n" + "set A=%A%%A%\n" * 60
    assert "longer than cmd takes" in EXERCISES["NightlyRepaired"].judge((bomb,), editions).message
    digits = "9" * 6000
    for text in ("if a==a " * 1000 + "echo x", f"set /a X={digits}", f"echo {digits}", f"exit {digits}", f"if errorlevel {digits} echo"):
        assert EXERCISES["NightlyRepaired"].judge((text,), editions).outcome is Outcome.NOT_YET, text[:20]
