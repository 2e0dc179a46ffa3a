"""What learners give in lesson cpas-12 beyond the solutions and wrong ways, and the answers beside the hospital's truth."""

import os
import random
import shutil
import subprocess

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpas_12_unix_server import ALLOWED, entry_of, lesson, listing, timetable_of, unseen_servers

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
LOG, JOBS = "/var/log/hvmwl/mwl.log", "/var/spool/hvpacs/done"
RELOAD = "sudo systemctl reload hvmwl"


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


@pytest.fixture(scope="module")
def server(editions):
    return lesson.input_of("server", editions.own)


@pytest.mark.parametrize(("name", "given"), [
    ("FindTheLists", 'find / -iname "*ALLOWED-aets*"'), ("FindTheLists", 'find / -type f -name "*allowed-aets*" | sort'),
    ("FindTheLists", "find / | grep allowed-aets"), ("FindTheLists", 'cd / ; find . -name "*allowed-aets*"'),
    ("FindTheLists", 'sudo find / -name "*allowed-aets*" 2>/dev/null'), ("FindTheLists", '$ find / -name "allowed-aets*"'),
    ("FindTheLists", "hvadmin@hv-app1:~$ find / -name '*allowed-aets*' -print"), ("FindTheLists", ["find / -name '*allowed-aets*'"]),
    ("CountRefusals", f"awk '/A-ASSOCIATE-RJ/ {{print $7}}' {LOG} | sort | uniq -c"),
    ("CountRefusals", f"grep -o 'calling=[A-Z0-9_]*' {LOG} | cut -d= -f2 | sort | uniq -c | sort -rn"),
    ("CountRefusals", f"cat {LOG} | grep RJ | sed 's/.*calling=//; s/ .*//' | sort | uniq -c"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d' ' -f7 | sort | uniq -c | awk '{{print $2, $1}}'"),
    ("CountFailedJobs", f"grep -r -B2 status=FAILED {JOBS} | grep -o 'dest=.*' | sort | uniq -c"),
    ("CountFailedJobs", f"find {JOBS} -name '*.job' -exec grep -l FAILED {{}} + | xargs awk -F= '/dest/ {{print $2}}' | sort | uniq -c"),
    ("CountFailedJobs", f"cd {JOBS}; grep -l FAILED */* | xargs cat | grep dest | sort | uniq -c"),
    ("CountFailedJobs", f"grep -h dest= $(grep -rl FAILED {JOBS}) | sort | uniq -c | sort -n"),
    ("AddTheScanner", f"sudo cp {ALLOWED} ~/old\nsudo sh -c 'echo \"CTER01 = 10.20.30.41\" >> {ALLOWED}'\nsudo kill -HUP 412"),
    ("AddTheScanner", f"sudo sed -i.bak '$a CTER01 = 10.20.30.41' {ALLOWED}; sudo systemctl restart hvmwl"),
    ("AddTheScanner", f"F={ALLOWED}; sudo cp -p $F $F.$(date +%F) && echo 'CTER01=10.20.30.41' | sudo tee -a $F && {RELOAD}"),
    ("AddTheScanner", "sudo cp /etc/hvmwl/site/allowed-aets.ini{,.old}\n"
                      f"sudo sed -i '/^CT_ER/a CTER01 = 10.20.30.41' /etc/hvmwl/site/allowed-aets.ini\n{RELOAD}"),
    ("AddTheScanner", f"sudo cat {ALLOWED} > old\nprintf '# ticket\\nCTER01 = 10.20.30.41\\n' | sudo tee -a {ALLOWED}\n{RELOAD}"),
    ("AddTheScanner", f"sudo cat {ALLOWED} > old; cp old new; echo 'CTER01 = 10.20.30.41' >> new; sudo cp new {ALLOWED}; {RELOAD}"),
    ("WorklistReads", f" '{ALLOWED}' \n"), ("WorklistReads", [ALLOWED]), ("WorklistReads", ALLOWED.replace("/site", "//site")),
])
def test_right_answers_in_other_forms_are_right(editions, name, given):
    verdict = EXERCISES[name].judge((given,), editions)
    assert verdict.outcome is Outcome.CORRECT, verdict


def test_what_sh_printed_is_as_good_as_its_text(editions, server):
    assert EXERCISES["WorklistReads"].judge((server.sh("readlink -f /etc/hvmwl/site/allowed-aets.ini"),), editions).correct
    assert EXERCISES["FindTheLists"].judge((server.sh("find / -name '*allowed-aets*'"),), editions).label == "unreadable"


@pytest.mark.parametrize(("form", "right"), [("{}T{}", True), ("{} {}:00", True), ("{},  {}", True), ("at {} {}", False), ("{}", False)])
def test_a_moment_may_be_written_in_several_ways(editions, form, right):
    exercise = EXERCISES["NextReading"]
    day, time = exercise.computed(exercise.solution, editions.own).split()
    assert exercise.judge((form.format(day, time),), editions).correct == right


@pytest.mark.parametrize(("name", "given", "label", "says"), [
    ("FindTheLists", "find / -name *allowed-aets*", "from_here", "no quotes"),
    ("FindTheLists", "fnd / -name x", "nothing", "command not found"),
    ("FindTheLists", "find / -name '*allowed", "nothing", "not closed"),
    ("FindTheLists", "sh('find /')", "unreadable", "Leave out"),
    ("FindTheLists", "find / -name '*.conf'", "value", "does not belong"),
    ("FindTheLists", "find /etc /opt /srv /home -name '*allowed-aets*'", "value", "only true here?"),
    ("CountRefusals", "echo '6 CTER01'", "value", "only true here?"),
    ("CountRefusals", f"grep RJ {LOG} | cut -f 7 | sort | uniq -c", "whole_lines", "time of its own"),
    ("CountRefusals", "grep RJ mwl.log | sort | uniq -c", "nothing", "No such file"),
    ("CountFailedJobs", "for f in *; do grep x $f; done", "nothing", "no loops"),
    ("CountFailedJobs", f"grep -rc FAILED {JOBS}", "value", "does not belong"),
    ("AddTheScanner", f"echo 'CTER01 = 10.20.30.41' >> {ALLOWED}", "unchanged", "Permission denied"),
    ("AddTheScanner", f"sudo nano {ALLOWED}", "unchanged", "does not have"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; echo 'CTERO1 = 10.20.30.41' | sudo tee -a {ALLOWED}; {RELOAD}", "other", "letter by "
    "letter"),
    ("AddTheScanner", f"{RELOAD}; sudo cp -p {ALLOWED} o; echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}", "too early", "before the "
    "new line"),
    ("AddTheScanner", f"echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}; sudo cp -p {ALLOWED} o; {RELOAD}", "copy too late", "after "
    "the change"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}; systemctl reload hvmwl", "not_told",
     "authentication required"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}; sudo systemctl reload hvpacs",
     "not_told",
     "README"),
    ("AddTheScanner", f"sudo sed -i.o '1i CTER01 = 10.20.30.41' {ALLOWED}; {RELOAD}", "outside", "[allowed]"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED} {ALLOWED}; {RELOAD}", "twice", "more "
    "than once"),
    ("AddTheScanner", "sudo rm -rf /srv/hvmwl", "gone", "no longer"), ("AddTheScanner", "sudo rm -rf /", "unchanged", "dangerous"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; sudo cp allowed-aets.ini.new {ALLOWED}; {RELOAD}", "emptied", "one line"),
    ("WorklistReads", "allowed-aets.ini", "unreadable", "from the root"), ("WorklistReads", ALLOWED.upper(), "case", "case"),
    ("NextReading", "Thursday", "unreadable", "as in"),
])
def test_wrong_answers_are_told_apart(editions, name, given, label, says):
    verdict = EXERCISES[name].judge((given,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_a_check_changes_nothing_on_the_learners_server(editions, server):
    before = dict(server.nodes)
    EXERCISES["AddTheScanner"].judge(("sudo rm -rf /; sudo systemctl reload hvmwl",), editions)
    EXERCISES["FindTheLists"].judge(("cd /etc; sudo rm -rf /srv",), editions)
    assert server.nodes == before and server.here == "/home/hvadmin" and server.told == []


@pytest.mark.parametrize("seed", range(6))
def test_the_answers_are_the_truth_of_the_hospital(seed):
    h = hospital(seed, "tiny")
    truth = h.servers.truth
    answers = {name: exercise.computed(exercise.solution, h) for name, exercise in EXERCISES.items()}
    assert answers["WorklistReads"].strip() == truth["allowed_aets_file"] == ALLOWED
    assert answers["ArchiveReads"].strip() == truth["active_config"]
    assert answers["NotRead"] == ("B", truth["unreadable"]) and answers["WhereIsTheSpace"] == ("B", truth["deleted_bytes"])
    counted = lesson.input_of("server", h).sh(answers["CountFailedJobs"]).lines
    assert {line.split()[1].removeprefix("dest="): int(line.split()[0]) for line in counted} == truth["failed_jobs"]
    minute, hour, *_, weekday = timetable_of(seed).split()
    assert answers["NextReading"] == f"2025-04-0{int(weekday) - 1} {int(hour):02d}:{int(minute):02d}" and int(weekday) in (4, 5, 6)


@pytest.mark.parametrize("seed", range(10))
def test_each_listing_has_its_traps(seed):
    rows = [line.split() for line in listing(hospital(seed, "tiny")).splitlines()]
    assert len(rows) == 10 == len({row[-1] for row in rows})
    assert any(row[0] == "--w-r--r--" and row[2] == "hvmwl" for row in rows)
    assert any(row[0] == "-rw----r--" and row[3] == "hvmwl" for row in rows)


def test_the_unseen_servers_differ_in_what_is_asked():
    for seed in range(5):
        for server in unseen_servers(random.Random(seed)):
            refused = [line.split()[6] for line in server.sh(f"grep RJ {LOG}").lines]
            assert len(set(refused)) >= 4 and all(a != b for a, b in zip(refused, refused[1:]))
            failed = server.sh(f"grep -rl FAILED {JOBS} | xargs grep -h dest= | sort | uniq -c").lines
            assert len(failed) == 3 and len(server.sh("find / -name '*allowed-aets*'").lines) == 5


@pytest.mark.parametrize(("new", "word"), [
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\n", ""), (b"[allowed]\nCTER01=10.20.30.41\nCT2 = 2\nCT_ER = 1\n", ""),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\n\n# ours\nCTER01 = 10.20.30.41", ""),
    (b"CTER01 = 10.20.30.41\n[allowed]\nCT_ER = 1\nCT2 = 2\n", "outside"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\r\n", "crlf"), (b"[allowed]\nCT2 = 2\nCTER01 = 10.20.30.41\n", "renamed"),
    (b"[allowed]\nCT_ER = 1\nCTER01 = 10.20.30.41\n", "lost"), (b"CTER01 = 10.20.30.41\n", "emptied"), (b"", "emptied"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\ncter01 = 10.20.30.41\n", "other"), (b"[allowed]\nCT_ER = 1\nCT2 = 2\n", "unchanged"),
])
def test_what_became_of_the_list(new, word):
    assert entry_of(b"[allowed]\nCT_ER = 1\nCT2 = 2\n", new) == word


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("find") is None or os.name != "posix", reason="needs a UNIX shell")
def test_in_a_real_terminal_the_same_lines_give_the_same(server, tmp_path):
    folder = tmp_path / "hv-app1"
    assert server.lay_out(folder) == len(server.nodes) > 10_000
    for name in ("FindTheLists", "CountRefusals", "CountFailedJobs"):
        line = EXERCISES[name].solution()
        typed = line.replace("find /", "find .").replace(" /var", " var")
        real = subprocess.run(["bash", "-c", typed], cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        assert sorted(one.strip().removeprefix(".") for one in real.splitlines()) == sorted(one.strip() for one in server.sh(line).lines)
    with pytest.raises(FileExistsError):
        server.lay_out(folder)
