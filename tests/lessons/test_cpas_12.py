"""What learners give in lesson cpas-12 beyond the solutions and wrong ways, and the answers beside the hospital's truth."""

import datetime
import os
import random
import shutil
import subprocess
from pathlib import PurePosixPath

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpas_12_unix_server import ALLOWED, WRONG_EFFECTS, entry_of, lesson, listing, moment, timetable_of, unseen_servers

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
LOG, JOBS = "/var/log/hvmwl/mwl.log", "/var/spool/hvpacs/done"
RELOAD = "sudo systemctl reload hvmwl"
COPY, ADD = f"sudo cp -p {ALLOWED} old", f"echo 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}"
DONE = f"{COPY}; {ADD}; {RELOAD}"


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


@pytest.fixture(scope="module")
def server(editions):
    return lesson.input_of("server", editions.own)


@pytest.mark.parametrize(("name", "given"), [
    ("FindTheLists", 'find / -iname "*ALLOWED-aets*"'), ("FindTheLists", 'find / -type f -name "*allowed-aets*" | sort'),
    ("FindTheLists", "find / | grep allowed-aets"), ("FindTheLists", 'cd / ; find . -name "*allowed-aets*"'),
    ("FindTheLists", 'sudo find / -name "*allowed-aets*" 2>/dev/null'), ("FindTheLists", '$ find / -name "*allowed-aets*"'),
    ("FindTheLists", "find / -name '*allowed-aets*' -ls"), ("FindTheLists", "find / -name '*allowed-aets*' -exec ls -l {} +"),
    ("FindTheLists", "find / -name '*allowed-aets*' | xargs ls -l"), ("FindTheLists", "find / -iname '*ALLOWED-AETS*'"),
    ("FindTheLists", "hvadmin@hv-app1:~$ find / -name '*allowed-aets*' -print"), ("FindTheLists", ["find / -name '*allowed-aets*'"]),
    ("CountRefusals", f"awk '/A-ASSOCIATE-RJ/ {{print $7}}' {LOG} | sort | uniq -c"),
    ("CountRefusals", f"grep RJ {LOG} | grep -o 'calling=[A-Za-z0-9_-]*' | cut -d= -f2 | sort | uniq -c | sort -rn"),
    ("CountRefusals", f"cat {LOG} | grep RJ | sed 's/.*calling=//; s/ .*//' | sort | uniq -c"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d' ' -f7 | sort | uniq -c | awk '{{print $2, $1}}'"),
    ("CountFailedJobs", f"grep -rh -B9 status=FAILED {JOBS} | grep ^dest= | sort | uniq -c"),
    ("CountFailedJobs", f"find {JOBS} -name '*.job' -exec grep -l status=FAILED {{}} + "
                        "| xargs awk -F= '/^dest/ {print $2}' | sort | uniq -c"),
    ("CountFailedJobs", f"cd {JOBS}; grep -l status=FAILED */* | xargs cat | grep ^dest | sort | uniq -c"),
    ("CountFailedJobs", f"grep -h ^dest= $(grep -rl '=FAILED' {JOBS} | xargs grep -l status=FAILED) | sort | uniq -c | sort -n"),
    ("AddTheScanner", f"sudo cp {ALLOWED} ~/old\nsudo sh -c 'echo \"CTER01 = 10.20.30.41\" >> {ALLOWED}'\nsudo pkill -HUP mwld"),
    ("AddTheScanner", f"sudo sed -i.bak '$a CTER01 = 10.20.30.41' {ALLOWED}; sudo systemctl restart hvmwl"),
    ("AddTheScanner", f"F={ALLOWED}; sudo cp -p $F $F.$(date +%F) && echo 'CTER01 = 10.20.30.41' | sudo tee -a $F && {RELOAD}"),
    ("AddTheScanner", rf"{COPY}; tail -n 1 ~/allowed-aets.ini.new | sed 's/\r//' | sudo tee -a {ALLOWED}; {RELOAD}"),
    ("AddTheScanner", rf"{COPY}; tail -n 1 ~/allowed-aets.ini.new | sed 's/\r$//' | sudo tee -a {ALLOWED}; {RELOAD}"),
    ("AddTheScanner", f"{COPY}; tail -n 1 allowed-aets.ini.new | sed 's/\r//' | sudo tee -a {ALLOWED}; {RELOAD}"),
    ("AddTheScanner", rf"{COPY}; tail -n 1 allowed-aets.ini.new | tr -d '\r' | sudo tee -a {ALLOWED}; {RELOAD}"),
    ("CountRefusals", f"awk '/A-ASSOCIATE-RJ/ {{n[$7]++}} END {{for (t in n) print n[t], t}}' {LOG}"),
    ("CountRefusals", f"grep RJ {LOG} | awk '{{count[$7] += 1}} END {{for (one in count) {{print one \": \" count[one]}}}}'"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h -e ^dest= -e ^nothing= | sort | uniq -c"),
    ("CountRefusals", f"grep -e A-ASSOCIATE-RJ -e nothing {LOG} | cut -d' ' -f7 | sort | uniq -c"),
    ("AddTheScanner", f"{DONE}; echo '2025-03-31 added CTER01' | tee -a ~/notes.txt"), ("AddTheScanner", f"{DONE}; foo"),
    ("AddTheScanner", rf"{COPY}; sed -i 's/\r$//' allowed-aets.ini.new; tail -n 1 allowed-aets.ini.new | sudo tee -a {ALLOWED}; {RELOAD}"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl restart hvmwl; sudo kill -HUP $(pidof mwld)"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl status chronyd; {RELOAD}"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo kill -HUP $(pidof mwld)"), ("AddTheScanner", f"{COPY}; {ADD}; sudo kill -HUP `pgrep mwld`"),
    ("AddTheScanner", f"sudo install -m 640 {ALLOWED} {ALLOWED}.old; {ADD}; {RELOAD}"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d' ' -f7 | sort | uniq --count"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl stop hvmwl; sudo systemctl start hvmwl"),
    ("WorklistReads", PurePosixPath(ALLOWED)), ("WorklistReads", ALLOWED.replace("/site", "/site/../site")),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo pkill -HUP mwld"), ("AddTheScanner", f"{COPY}; {ADD}; sudo killall -s HUP mwld"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo service hvmwl reload"), ("AddTheScanner", f"sudo cp {ALLOWED} /tmp; {ADD}; {RELOAD}"),
    ("AddTheScanner", "sudo cp /etc/hvmwl/site/allowed-aets.ini{,.old}\n"
                      f"sudo sed -i '/^CT_ER/a CTER01 = 10.20.30.41' /etc/hvmwl/site/allowed-aets.ini\n{RELOAD}"),
    ("AddTheScanner", f"sudo cat {ALLOWED} > old\nprintf 'CTER01 = 10.20.30.41\\n' | sudo tee -a {ALLOWED}\n{RELOAD}"),
    ("AddTheScanner", f"sudo cat {ALLOWED} > old; cp old new; echo 'CTER01 = 10.20.30.41' >> new; sudo cp new {ALLOWED}; {RELOAD}"),
    ("WorklistReads", f" '{ALLOWED}' \n"), ("WorklistReads", [ALLOWED]), ("WorklistReads", ALLOWED.replace("/site", "//site")),
])
def test_right_answers_in_other_forms_are_right(editions, name, given):
    verdict = EXERCISES[name].judge((given,), editions)
    assert verdict.outcome is Outcome.CORRECT, verdict


def test_what_sh_printed_is_as_good_as_its_text(editions, server):
    assert EXERCISES["WorklistReads"].judge((server.sh("readlink -f /etc/hvmwl/site/allowed-aets.ini"),), editions).correct
    assert EXERCISES["FindTheLists"].judge((server.sh("find / -name '*allowed-aets*'"),), editions).label == "unreadable"


@pytest.mark.parametrize(("form", "right"), [("{}T{}", True), ("{} {}:00", True), ("{},  {}", True), ("at {} {}", True), ("{}", False),
                                            ("{} {} CEST", True), ("{} {} UTC", False)])
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
    ("CountRefusals", "echo '6 CTER01'", "number", "only true here?"),
    ("FindTheLists", "find / -name '*aets*'", "second_half", "half of what"),
    ("FindTheLists", "find / -name '*allowed*'", "first_half", "half of what"),
    ("FindTheLists", "find / -name 'allowed-aets*'", "begins_so", "*begins* so"),
    ("FindTheLists", "find / -name 'allowed-aets.*'", "with_a_dot", "without a dot"),
    ("FindTheLists", "find / -name *ALLOWED-AETS*", "in_capitals", "case differ"),
    ("FindTheLists", "find / -type f -name '*Allowed-aets*'", "in_capitals", "case differ"),
    ("FindTheLists", "find / -name 'allowed-aets'", "exact_name", "whole name"),
    ("FindTheLists", "find / -type d -name '*allowed-aets*'", "nothing", "went nowhere"),
    ("FindTheLists", "find / -name '*allowed-aets*' | wc -l", "counted", "how many"),
    ("FindTheLists", "find / | grep -c allowed-aets", "counted", "how many"),
    ("FindTheLists", r"find / | grep '\(a*\)*allowed'", "nothing", "holds a repetition itself"),
    ("CountRefusals", f"grep A-ASSOCIATE-RJ {LOG} | cut -d ' ' -f 4 | sort | uniq -c", "the_fourth_field", "another field"),
    ("CountRefusals", f"grep RJ {LOG} | awk '{{print $3}}' | sort | uniq -c", "another field", "6 A-ASSOCIATE-RJ"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq", "titles_alone", "each once"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7", "not_counted", "not their number"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | cut -d = -f 2 | sort", "no number", "`CTER01` has no number"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq -c | sort -rn | head -n 5", "the_first_five", "goes unseen"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq -c | sort -rn | head", "value", "is missing"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h ^dest= | sort", "not_counted", "joined and counted"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs awk -F= '/dest/ {{print $2}}' | sort", "no number", "has no number"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h error= | sort | uniq -c", "value", "connection timed out"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h ^dest= | sort | uniq -c | sort -rn | head -n 5", "value",
     "is missing"),
    ("CountRefusals", f"grep RJ {LOG} | cut -f 7 | sort | uniq -c", "whole_lines", "time of its own"),
    ("CountRefusals", "grep RJ mwl.log | sort | uniq -c", "nothing", "No such file"),
    ("CountFailedJobs", "for f in *; do grep x $f; done", "nothing", "no loops"),
    ("CountFailedJobs", f"grep -rc FAILED {JOBS}", "file names", "names of files"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS}", "file names", "look into these files"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs sed -n 3p | sort | uniq -c", "one_stream", "one long text"),
    ("CountRefusals", f"grep CTER01 {LOG} | wc -l", "one number", "one number for all"),
    ("CountRefusals", f"grep RJ {LOG} | grep -c CTER01", "one number", "a number for each title"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | uniq | wc -l", "one number", "one number for all"),
    ("CountRefusals", f"cat {LOG} | grep RJ | cut -d= -f 5", "more behind", "Cut out the title alone"),
    ("CountRefusals", f"cat {LOG} | grep RJ | cut -d= -f 5 | sort | uniq -c", "more behind", "Cut out the title alone"),
    ("ArchiveReads", "/srv/hvpacs/conf/2025-02", "the_folder", "Give the file in it"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo kill -HUP $(pidofx mwld)", "not_told", "pidofx: command not found"),
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
    ("CountRefusals", f"grep 'not in allowed-aets' {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "one_reason", "wrong title"),
    ("CountRefusals", f"grep reason=3 {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "one_reason", "wrong title"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq -d -c", "repeated_alone", "a single time"),
    ("CountRefusals", f"grep C-FIND {LOG} | cut -d ' ' -f 4 | sort | uniq -c", "queries_counted", "let in"),
    ("CountFailedJobs", f"grep -rL status=OK {JOBS} | xargs grep -h ^dest= | sort | uniq -c", "all_but_ok", "cancelled"),
    ("CountFailedJobs", f"grep -h ^dest= $(grep -rl FAILED {JOBS}) | sort | uniq -c", "the_word_alone", "second time"),
    ("AddTheScanner", f"{DONE}; sudo rm {LOG}", LOG, "mwld's log"),
    ("AddTheScanner", f"{DONE}; sudo sh -c '> {LOG}'", LOG, "mwld's log"),
    ("AddTheScanner", f"{DONE}; sudo chmod 777 /srv/hvmwl/site", "/srv/hvmwl/site", "which is not the list"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} /srv/hvpacs/conf/2025-02/conf.d/old; {ADD}; {RELOAD}", "loaded", "reads all that lies there"),
    ("AddTheScanner", f"{DONE}; sudo systemctl stop hvmwl", "stopped", "nobody gets a worklist"),
    ("AddTheScanner", "sudo rm -rf /srv/hvmwl", "gone", "no longer"), ("AddTheScanner", "sudo rm -rf /", "unchanged", "dangerous"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} o; sudo cp allowed-aets.ini.new {ALLOWED}; {RELOAD}", "replaced", "a heading and"),
    ("AddTheScanner", f"{COPY}; echo CTER01 = 10.20.30.41 > n; sudo cp n {ALLOWED}; {RELOAD}", "emptied", "no device"),
    ("AddTheScanner", f"{DONE}; sudo chmod 777 {ALLOWED}", "open_to_all", "every account"),
    ("AddTheScanner", f"{DONE}; sudo chmod 644 {ALLOWED}", "read_by_all", "may read the list"),
    ("AddTheScanner", f"{DONE}; sudo chmod 755 {ALLOWED}", "read_by_all", "may read the list"),
    ("AddTheScanner", f"{DONE}; sudo chmod 660 {ALLOWED}", "group writes", "group may write"),
    ("AddTheScanner", f"{DONE}; sudo chmod 600 {ALLOWED}", "group lost", "group has lost"),
    ("AddTheScanner", f"{DONE}; sudo chmod 040 {ALLOWED}", "owner lost", "cannot read its own list"),
    ("AddTheScanner", f"{DONE}; sudo chmod 740 {ALLOWED}", "mode", "permissions"),
    ("AddTheScanner", f"{COPY}; sudo chmod 666 {ALLOWED}; echo 'CTER01 = 10.20.30.41' >> {ALLOWED}; sudo chmod 640 {ALLOWED}; {RELOAD}",
     "open for a moment", "for a moment"),
    ("AddTheScanner", f"{DONE}; sudo chown root:root {ALLOWED}", "shut", "may not read it"),
    ("AddTheScanner", f"{DONE}; sudo chown root {ALLOWED}", "owner", "another owner or group"),
    ("AddTheScanner", f"{DONE}; sudo chown hvadmin:hvadmin {ALLOWED}", "mine", "belongs to you"),
    ("AddTheScanner", f"sudo cat {ALLOWED} > l; {COPY}; echo 'CTER01 = 10.20.30.41' >> l; sudo mv l {ALLOWED}; {RELOAD}", "moved_over",
     "`mv` puts"),
    ("AddTheScanner", f"{DONE}; sudo systemctl restart hvpacs", "archive_too", "stop the archive"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl restart hvmwl hvpacs", "archive_too", "stop the archive"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl daemon-reload", "with_daemon_reload", "units"),
    ("AddTheScanner", f"{COPY}; {ADD}", "not_told", "README"),
    ("AddTheScanner", f"sudo cp -p {ALLOWED} /nowhere/x; echo x", "unchanged", "has not changed"),
    ("AddTheScanner", f"{COPY}; {RELOAD}", "unchanged", "has not changed"),
    ("AddTheScanner", f"{COPY}; sudo sed -i '/^CT_ER/d' {ALLOWED}; {ADD}; {RELOAD}", "deleted", "was removed"),
    ("AddTheScanner", f"{COPY}; sudo sed -i 's/^CT_ER/# CT_ER/' {ALLOWED}; {ADD}; {RELOAD}", "commented", "a comment"),
    ("AddTheScanner", f"{COPY}; sudo sed -i 's/^CT_ER/CTER01/' {ALLOWED}; {RELOAD}", "renamed", "has become"),
    ("AddTheScanner", f"{COPY}; echo 'CTER01=10.20.30.41' | sudo tee -a {ALLOWED}; {RELOAD}", "form", "look at the blanks"),
    ("AddTheScanner", f"{COPY}; echo 'CTER01 = 10.20.30.41  ' | sudo tee -a {ALLOWED}; {RELOAD}", "blanks", "nobody sees"),
    ("AddTheScanner", f"{COPY}; printf 'CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}; {RELOAD}", "no end", "no line end"),
    ("AddTheScanner", rf"{COPY}; printf '\nCTER01 = 10.20.30.41\n' | sudo tee -a {ALLOWED}; {RELOAD}", "blank", "empty line"),
    ("AddTheScanner", rf"{COPY}; printf '# ticket\nCTER01 = 10.20.30.41\n' | sudo tee -a {ALLOWED}; {RELOAD}", "comment", "comment"),
    ("AddTheScanner", f"{COPY}; echo 'CTER01 = 10.20.30.14' | sudo tee -a {ALLOWED}; {RELOAD}", "address", "another address"),
    ("FindTheLists", "find / -maxdepth 5 -name '*allowed-aets*'", "value", "only true here?"),
    ("FindTheLists", "find / -type f | grep -w allowed-aets", "value", "only true here?"),
    ("FindTheLists", "find / -name '*allowed-aets*' | head", "value", "only true here?"),
    ("FindTheLists", "find / -size -2 -name '*allowed-aets*'", "value", "only true here?"),
    ("FindTheLists", "find / -name '*allowed-aet*'", "value", "allowed-aetitles"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | cut -c 1-14 | sort | uniq -c", "value", "US-VAS"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq -ci", "number", "CTER01"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | tr a-z A-Z | sort | uniq -c", "number", "only true here?"),
    ("CountRefusals", f"grep result=1 {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "is missing"),
    ("CountRefusals", f"grep source=1 {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "is missing"),
    ("CountRefusals", f"grep -v C-FIND {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "from"),
    ("CountRefusals", f"grep calling= {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "only true here?"),
    ("CountRefusals", f"grep A-ASSOCIATE {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "only true here?"),
    ("CountRefusals", f"tail -n 100 {LOG} | grep RJ | cut -d ' ' -f 7 | sort | uniq -c", "number", "only true here?"),
    ("CountRefusals", f"head -n 983 {LOG} | grep RJ | cut -d ' ' -f 7 | sort | uniq -c", "number", "only true here?"),
    ("CountRefusals", f"grep RJ {LOG} | cut -d ' ' -f 7 | sort | uniq -c | head -n 20", "value", "is missing"),
    ("CountRefusals", f"grep -h RJ {LOG}* | cut -d ' ' -f 7 | sort | uniq -c", "number", "number is not"),
    ("CountRefusals", f"grep -E 'reason=(3|7)' {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "is missing"),
    ("CountRefusals", f"grep -e reason=3 -e reason=7 {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "value", "is missing"),
    ("CountRefusals", f"grep 'mwl.412. A-ASSOCIATE-RJ' {LOG} | cut -d ' ' -f 7 | sort | uniq -c", "nothing",
     "On hv-app1 the output is right"),
    ("CountRefusals", f"grep RJ {LOG} | grep 2025-03 | cut -d ' ' -f 7 | sort | uniq -c", "nothing", "only true here?"),
    ("CountRefusals", f"grep -o 'calling=[A-Z0-9_]*' {LOG} | cut -d= -f2 | sort | uniq -c", "value", "only true here?"),
    ("CountFailedJobs", f"grep -rl -e status=OK -e status=FAILED {JOBS} | xargs grep -h ^dest= | sort | uniq -c", "number",
     "its number is not"),
    ("CountFailedJobs", f"grep -rl 'connection timed out' {JOBS} | xargs grep -h ^dest= | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h ^dest= | sort | uniq -cd", "value", "is missing"),
    ("CountFailedJobs", f"grep -l status=FAILED {JOBS}/*/0*.job | xargs grep -h ^dest= | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -l status=FAILED {JOBS}/??/* | xargs grep -h ^dest= | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -rh -B2 status=FAILED {JOBS} | grep ^dest= | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs sed -sn 3p | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -rl status=F {JOBS} | xargs grep -h ^dest= | sort | uniq -c", "number", "only true here?"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep -h dest= | sort | uniq -c", "value", "oldest="),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | xargs grep dest= | sort | uniq -c", "names in front", "-h"),
    ("CountFailedJobs", f"grep -rh -B1 status=FAILED {JOBS} | grep dest= | sort | uniq -c", "nothing", "went nowhere"),
    ("CountFailedJobs", f"grep -rl status=FAILED {JOBS} | grep ^dest= | sort | uniq -c", "names_instead_of_contents", "list of file names"),
    ("AddTheScanner", f"{DONE}; sudo systemctl stop chronyd", "service", "nothing to do"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo systemctl restart crond", "service", "nothing to do"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo kill -HUP 412", "by_number", "by the name"),
    ("AddTheScanner", f"{COPY}; {ADD}; sudo kill -1 412", "by_number", "by the name"),
    ("AddTheScanner", f"{COPY}; echo '# CTER01 = 10.20.30.41' | sudo tee -a {ALLOWED}; {RELOAD}", "as comment", "a comment"),
    ("AddTheScanner", f"{COPY}; sudo sed -i '/XC_WOUND/a CTER01 = 10.20.30.41' {ALLOWED}; {RELOAD}", "unchanged", "On hv-app1 all is"),
    ("AddTheScanner", f"{DONE}; sudo sed -i 1d {ALLOWED}; {RELOAD}", "comment lost", "A comment"),
    ("AddTheScanner", f"{COPY}; echo CTER01 | sudo tee -a {ALLOWED}; {RELOAD}", "no address", "without an address"),
    ("AddTheScanner", rf"{COPY}; tr -d '\r' < allowed-aets.ini.new | sudo tee -a {ALLOWED}; {RELOAD}", "more", "more than that"),
    ("AddTheScanner", rf"{DONE}; sudo sed -i 's/$/\r/' {ALLOWED}; {RELOAD}", "crlf all", "All lines"),
    ("AddTheScanner", f"sudo sed -i '$a CTER01 = 10.20.30.41' /opt/hvmwl/share/allowed-aets.ini; {RELOAD}", "into_the_template",
     "template"),
    ("AddTheScanner", f"{DONE}; echo x | tee notes.txt", "/home/hvadmin/notes.txt", "changed or removed"),
    ("ArchiveReads", "/opt/hvpacs/etc/default.env", "known", "forget"),
    ("ArchiveReads", "/etc/systemd/system/hvpacs.service.d/override.conf", "known", "environment file"),
    ("WorklistReads", "/etc/hvmwl/allowed-aets.ini", "known", "no such file"),
    ("NextReading", "2024-04-05 02:19", "year", "2025"),
    ("AddTheScanner", f"{COPY}; dos2unix allowed-aets.ini.new", "unchanged", "not installed"),
    ("WorklistReads", "allowed-aets.ini", "unreadable", "from the root"), ("WorklistReads", ALLOWED.upper(), "case", "case"),
    ("NextReading", "Thursday", "unreadable", "as in"), ("NextReading", "2025-03-30 02:30", "past", "over already"),
    ("NextReading", "2025-04-01 12:00", "value", "one by one"),
    ("ArchiveReads", "/srv/hvpacs/conf/2025-02/aes.ini", "beside", "folder is right"),
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
            assert len(set(refused)) > 10 and all(a != b for a, b in zip(refused, refused[1:]))
            failed = server.sh(f"grep -rl status=FAILED {JOBS} | xargs grep -h ^dest= | sort | uniq -c").lines
            assert "1 dest=" in " ".join(" ".join(failed).split()) and server.sh("sudo cat /proc/$(pidof mwld)/cmdline").status == 0
            reasons = {line.split()[5] for line in server.sh(f"grep RJ {LOG}").lines}
            assert min(map(refused.count, refused)) == 1 and reasons == {f"reason={number}" for number in (1, 2, 3, 7)}
            assert len(failed) == 12 and len(server.sh("find / -name '*allowed-aets*'").lines) == 12


@pytest.mark.parametrize(("new", "word"), [
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\n", ""), (b"[allowed]\nCTER01 = 10.20.30.41\nCT_ER = 1\nCT2 = 2\n", ""),
    (b"[allowed]\nCTER01=10.20.30.41\nCT2 = 2\nCT_ER = 1\n", "form"), (b"[allowed]\nCTER01 = 10.20.30.41\nCT2 = 2\nCT_ER = 1\n", "order"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\n\n# ours\nCTER01 = 10.20.30.41\n", "comment"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\n\nCTER01 = 10.20.30.41\n", "blank"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41", "no end"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\n CTER01 = 10.20.30.41\n", "blanks"),
    (b"[allowed]\nCT_ER=1\nCT2 = 2\nCTER01 = 10.20.30.41\n", "altered"),
    (b"[allowed]\nCT_ER = 9\nCT2 = 2\nCTER01 = 10.20.30.41\n", "altered"), (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 9\n", "address"),
    (b"[allowed]\n#CT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\n", "commented"),
    (b"CTER01 = 10.20.30.41\n[allowed]\nCT_ER = 1\nCT2 = 2\n", "outside"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\r\n", "crlf"), (b"[allowed]\nCT2 = 2\nCTER01 = 10.20.30.41\n", "deleted"),
    (b"[allowed]\r\nCT_ER = 1\r\nCT2 = 2\r\nCTER01 = 10.20.30.41\r\n", "crlf all"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01 = 10.20.30.41\nX = 1\n", "more"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\nCTER01\n", "no address"), (b"[allowed]\nCT_ER = 1\nCT2 = 2\n#CTER01 = 1\n", "as comment"),
    (b"[allowed]\nCTER01 = 10.20.30.41\nCT2 = 2\n", "renamed"), (b"[allowed]\nCTER01 = 10.20.30.41\n", "replaced"),
    (b"[allowed]\nCT_ER = 1\nCTER01 = 10.20.30.41\n", "lost"), (b"CTER01 = 10.20.30.41\n", "emptied"), (b"", "emptied"),
    (b"[allowed]\nCT_ER = 1\nCT2 = 2\ncter01 = 10.20.30.41\n", "other"), (b"[allowed]\nCT_ER = 1\nCT2 = 2\n", "unchanged"),
])
def test_what_became_of_the_list(new, word):
    assert entry_of(b"[allowed]\nCT_ER = 1\nCT2 = 2\n", new) == word


@pytest.mark.skipif(shutil.which("bash") is None or shutil.which("find") is None or os.name != "posix", reason="needs a UNIX shell")
def test_in_a_real_terminal_the_same_lines_give_the_same(server, tmp_path):
    folder = tmp_path / "hv-app1"
    assert server.lay_out(folder) == f"{len(server.nodes):,} files, folders and links are now in the folder hv-app1."
    assert len(server.nodes) > 10_000
    for name in ("FindTheLists", "CountRefusals", "CountFailedJobs"):
        line = EXERCISES[name].solution()
        typed = line.replace("find /", "find .").replace(" /var", " var")
        real = subprocess.run(["bash", "-c", typed], cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        assert sorted(one.strip().removeprefix(".") for one in real.splitlines()) == sorted(one.strip() for one in server.sh(line).lines)
    (folder / "mine").write_text("precious")
    assert "already" in server.lay_out(folder) and (folder / "mine").read_text() == "precious"


@pytest.mark.parametrize("told", ["restart", "reload"])
def test_the_praise_says_what_was_not_asked_for(editions, told):
    message = EXERCISES["AddTheScanner"].judge((f"{COPY}; {ADD}; sudo systemctl {told} hvmwl",), editions).message
    assert ("You restarted mwld" in message) == (told == "restart") and "`diff` of copy and list" in message
    message = EXERCISES["AddTheScanner"].judge((f"{COPY}; {ADD}; sudo diff old {ALLOWED}; {RELOAD}",), editions).message
    assert "restarted" not in message and "`diff` of copy" not in message and "every account" not in message
    for copy in (f"sudo cat {ALLOWED} > /tmp/new.ini", f"sudo install {ALLOWED} /home/hvadmin/allowed-aets.bak"):
        verdict = EXERCISES["AddTheScanner"].judge((f"{copy}; {ADD}; {RELOAD}",), editions)
        assert verdict.correct and f"every account can read `{copy.split()[-1]}`" in " ".join(verdict.message.split()), verdict


@pytest.mark.parametrize(("given", "read"), [
    ("Saturday 5 April 2025, 02:19", "2025-04-05 02:19"), ("05/04/2025 02:19", "2025-04-05 02:19"), ("5.4.2025 02.19", "2025-04-05 02:19"),
    ("2025-04-05 02:19 CEST", "2025-04-05 02:19"), ("Sat, 5 Apr 2025 2:19 am", "2025-04-05 02:19"),
    ("April 5th, 2025 at 2:19 pm", "2025-04-05 14:19"), ("Sat Apr  5 02:19:00 CEST 2025", "2025-04-05 02:19"),
    ("2025/04/05 02:19", "2025-04-05 02:19"), ("2025-04-05 00:19Z", "2025-04-05 02:19"), ("2025-04-05T00:19:00+00:00", "2025-04-05 02:19"),
])
def test_a_moment_is_read_as_people_write_it(given, read):
    assert moment(given) == read


@pytest.mark.parametrize("given", ["Saturday 02:19", "5 Abril 2025 02:19", "2025-04-05", "", None, 7])
def test_what_is_no_moment_is_refused(given):
    with pytest.raises(ValueError, match="as in"):
        moment(given)


def test_every_word_for_what_is_wrong_has_a_sentence_of_its_own():
    assert len(set(WRONG_EFFECTS.values())) == len(WRONG_EFFECTS)
    assert not any("10.20.30.41" in said or ALLOWED in said for said in WRONG_EFFECTS.values())


def test_each_trap_of_a_listing_is_told_by_itself(editions):
    exercise = EXERCISES["WhoMayRead"]
    right = exercise.computed(exercise.solution, editions.own)
    rows = {line.split()[-1]: line.split() for line in lesson.input_of("listing", editions.own).splitlines()}
    for name, (mode, _, owner, group, *_) in rows.items():
        if name in right:
            verdict = exercise.judge(([one for one in right if one != name],), editions)
            assert verdict.message.startswith(("You left out", "A user may be", "What you have is right, but it is not all. Look again at"))
            assert name not in verdict.message
        else:
            letters = "first" if owner == "hvmwl" else "middle" if group in ("hvmwl", "imaging") else "last"
            verdict = exercise.judge(([name],), editions)
            assert verdict.label == "extra", verdict
            assert f"`{name}`" in verdict.message and f"the {letters} three letters" in verdict.message, verdict
    assert exercise.judge((right[::-1],), editions).correct and exercise.judge((", ".join(right),), editions).correct
    assert exercise.judge(([right[0].capitalize(), *right[1:]],), editions).label == "case"
    assert "not the name" in exercise.judge(([*right, "nothing.txt"],), editions).message


def test_the_file_and_the_bytes_are_told_by_themselves(editions):
    folder, space = "/srv/hvpacs/conf/2025-02", EXERCISES["WhereIsTheSpace"]
    number = space.computed(space.solution, editions.own)[1]
    for name in ("10-aes.conf", "20-listener.conf", "25-tls.conf"):
        assert "may read that one" in EXERCISES["NotRead"].judge(("B", f"{folder}/conf.d/{name}"), editions).message
    assert "may read that one" not in EXERCISES["NotRead"].judge(("B", f"{folder}/conf.d/30-commit.conf.bak"), editions).message
    assert EXERCISES["NotRead"].judge(("B", "/etc/hvpacs/conf.d/30-commit.conf"), editions).label == "below_etc"
    right = EXERCISES["NotRead"].computed(EXERCISES["NotRead"].solution, editions.own)[1]
    for option in ("B: chown hvpacs:hvpacs on the file; its mode may stay.", "B: `chown hvpacs:hvpacs` on the file; its mode may stay."):
        assert EXERCISES["NotRead"].judge((option, right), editions).correct
    assert EXERCISES["NotRead"].judge(("B", f"{folder}/pacs.conf"), editions).label == "the_main_file"
    for given in (f"{number / 1e9:.0f} GB", f"{number / 2**30:.1f} GiB", round(number, -6)):
        assert "rounded" in EXERCISES["WhereIsTheSpace"].judge(("B", given), editions).message
    assert EXERCISES["WhereIsTheSpace"].judge(("b", f"{number:,}"), editions).correct


def test_day_and_time_are_told_by_themselves(editions):
    exercise = EXERCISES["NextReading"]
    day, time = exercise.computed(exercise.solution, editions.own).split()
    for given, label in ((f"{day} 00:{time[3:]}", "hour_left_out"), (f"{day} 23:11", "time"), (f"2025-04-20 {time}", "day"),
                         (f"2025-04-{int(day[-2:]) + 7:02d} {time}", "a_week_later"),
                         (f"2025-03-{int(day[-2:]) + 24} {time}", "the_last_one")):
        verdict = exercise.judge((given,), editions)
        assert verdict.label == label and day not in verdict.message and time not in verdict.message, verdict


def test_the_worklist_writes_into_its_log_what_it_read(server):
    mine = server.copy()
    assert "18 titles read" in mine.sh(f"{RELOAD}; tail -n 1 {LOG}").text
    assert "19 titles read" in mine.sh(f"{ADD}; {RELOAD}; tail -n 1 {LOG}").lines[-1]
    assert "Permission denied" in mine.sh(f"sudo chown root:root {ALLOWED}; {RELOAD}; tail -n 1 {LOG}").text
    assert mine.sh(f"grep -c RJ {LOG}").text == server.sh(f"grep -c RJ {LOG}").text


def test_cron_has_made_the_worklist_read_its_list_each_week(editions, server):
    day, time = EXERCISES["NextReading"].computed(EXERCISES["NextReading"].solution, editions.own).split()
    lines = server.sh(f"grep RELOAD {LOG}").lines
    assert len(lines) == 3 and all(f"T{time}:01+01:00" in line and "18 titles read" in line for line in lines)
    assert (datetime.date.fromisoformat(day) - datetime.date.fromisoformat(lines[-1][:10])).days == 7
    stamps = [datetime.datetime.fromisoformat(line.split()[0]) for line in server.sh(f"cat {LOG}").lines]
    assert stamps == sorted(stamps)


def test_the_server_agrees_with_what_the_exercises_say(server):
    mine = server.copy()
    assert "imaging" in mine.sh("id hvmwl").text and "imaging:x:995:hvmwl" in mine.sh("cat /etc/group").text
    assert mine.sh("ls /root; find / -name x").errors.count("Permission denied") == 2
    assert mine.sh("sudo systemctl restart hvmwl; pidof mwld").text != "412\n"
    assert "Main PID: 412" not in mine.sh("systemctl status hvmwl").text
    assert f"hv_mwl[{mine.sh('pidof mwld').text.strip()}] START" in mine.sh(f"tail -n 1 {LOG}").text
    assert mine.sh("lsof +L1").text == "" and "inactive" in mine.sh("sudo systemctl stop chronyd; systemctl is-active chronyd").text


def test_a_restart_of_the_archive_frees_the_space(server):
    mine = server.copy()
    assert mine.sh("sudo systemctl restart hvpacs; sudo lsof +L1; sudo systemctl restart hvpacs").text == ""
    used, found = (int(mine.sh(line).text.split()[place]) for line, place in (("df -B1 /var | tail -1", 2), ("sudo du -sB1 /var", 0)))
    assert used == found and "deleted" in server.sh("sudo lsof +L1").text
    assert "not applicable" in mine.sh("sudo systemctl reload hvpacs").errors


def test_a_command_that_takes_too_long_is_ended(editions, monkeypatch):
    monkeypatch.setattr("coursekit.lessons.cpas_12_unix_server.SECONDS", 0.05)
    for name in ("FindTheLists", "AddTheScanner"):
        verdict = EXERCISES[name].judge(("find / -exec grep -c '.*e.*e.*e.*e.*e.*e.*zz' {} \\;",), editions)
        assert verdict.label == "time" and "did not come to an end" in verdict.message, verdict
