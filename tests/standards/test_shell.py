"""The shell in memory: the same as the real tools where these are installed, and harmless."""

import datetime
import os
import random
import shutil
import subprocess

import pytest

from coursekit.hospital import hospital
from coursekit.lessons.cpas_12_unix_server import File, changed_on
from coursekit.standards.shell import Shell
from coursekit.standards.shell.session import UTILITIES

NOW = datetime.datetime(2025, 3, 31, 7, 15)
USERS = {"root": ("root",), "anna": ("anna", "adm"), "ben": ("ben",)}
# Each is carried out in a folder that holds the hospital's tree. Real `find` and `grep -r` keep no order: their lines are sorted.
COMMANDS = r"""
find . -name "allowed-aets*" | sort
find . -type f | wc -l
find etc srv -type l | sort
find etc -maxdepth 1 | sort
find srv -mindepth 2 -name "*.conf" -not -path "*2024*" | sort
find . -name "*.bak" -o -name "*.new" | sort
find etc \( -name "*.bak" -o -name "*.conf" \) -type f | sort
find . -size +10k | sort
find srv -name "*.conf" -exec grep -l port {} \; | sort
find srv -name "*.conf" -exec grep -c port {} + | sort
grep -rl CT_ER etc srv opt | sort
grep -r port srv/hvpacs | sort
grep -rn "^port" srv/hvpacs/conf/2025-02/conf.d | sort
grep -c RJ var/log/hvmwl/mwl.log
grep RJ var/log/hvmwl/mwl.log | cut -d' ' -f7 | sort | uniq -c | sort -rn
grep -o 'calling=[A-Z0-9_]*' var/log/hvmwl/mwl.log | sort | uniq -c
grep -rl status=FAILED var/spool/hvpacs/done | xargs grep -h "^dest=" | sort | uniq -c | sort -rn
grep -rh -B2 status=FAILED var/spool/hvpacs/done | grep dest | sort | uniq -c
grep -r -B3 -A1 FAILED var/spool/hvpacs/done/00 var/spool/hvpacs/done/01 var/spool/hvpacs/done/02 | sort
grep -B1 RJ var/log/hvmwl/mwl.log
grep -n -A1 CT2 etc/hosts srv/hvmwl/site/allowed-aets.ini
awk '/RJ/ {print $7}' var/log/hvmwl/mwl.log | sort | uniq -c
awk '{print $4, $1}' var/log/hvmwl/mwl.log | head -3
awk -F= '{print $1}' srv/hvmwl/site/allowed-aets.ini
awk '/RJ/ {n[$7]++} END {for (t in n) print n[t], t}' var/log/hvmwl/mwl.log | sort
awk -F= '{ seen[$1] += 1; } END { for (key in seen) { print key ": " seen[key]; } }' srv/hvmwl/site/allowed-aets.ini | sort
sed -sn 3p etc/hosts etc/crontab
awk '$4 == "CT_ER" {print $0}' var/log/hvmwl/mwl.log | wc -l
sed -n 3,5p etc/hosts
sed 's/CT_ER/CTER01/' srv/hvmwl/site/allowed-aets.ini
sed -n '/CT/p' etc/hosts srv/hvmwl/site/allowed-aets.ini
sed -e '2d' -e '/^$/d' -e 's/=/ = /g' srv/hvpacs/conf/2025-02/conf.d/10-aes.conf
sed '/^\[allowed\]/a CTER01 = 10.20.30.41' srv/hvmwl/site/allowed-aets.ini | head -4
sed '$a X = 1' etc/crontab
sed 's/\r//' tmp/t/w | cat -A
sed 's/\r$//' tmp/t/w | cat -A
sed -E 's/(\r|\t)+/</g' tmp/t/w | cat -A
sed 's/ /\t/;s/b/\r\n/' tmp/t/a | cat -A
sed '/\t/d' tmp/t/w | cat -A
sed 's/[\r\t]/_/g' tmp/t/w | cat -A
sed 's/\\r/x/' tmp/t/w | cat -A
sed '$a one\ttwo' tmp/t/b | cat -A
sed '1a\  indented' tmp/t/b
awk -F'\t' '{print $2}' tmp/t/w | cat -A
awk '/\t/ {print $1}' tmp/t/w
grep -c '.*.*=.*.*' tmp/t/w
grep -c -e CT2 -e MR1 var/log/hvmwl/mwl.log
grep -ce CT2 -eMR1 var/log/hvmwl/mwl.log
grep -v -e C-FIND -e nothing var/log/hvmwl/mwl.log | head -3
grep -rl -e port -e backlog srv/hvpacs/conf | sort
ls -d /
ls -d etc/ /etc/
cp etc/hosts /dev/null; echo $?
grep '[^ ]*=[^ ]*' etc/crontab | head -2
tail -n 1 tmp/t/w | tr -d '\r' | cat -A
sed -E 's/([0-9]+)\.([0-9]+)/\2.\1/;s/local/LOCAL/' etc/hosts | head -3
sed '/HV_MWL/,/^$/d' srv/hvpacs/conf/2025-02/aes.ini | head -9
head -3 etc/hosts
head -n -20 etc/hosts
tail -n +25 etc/hosts
head -1 etc/hosts etc/crontab
wc etc/hosts
wc -l etc/hosts etc/crontab
wc etc/hosts etc/crontab
cat etc/hosts | wc
cat etc/hosts | wc -l
sort tmp/t/a
sort -n tmp/t/a
sort -k2 -n tmp/t/a
sort -k2,2n -k1,1r tmp/t/a
sort -rn -k2 tmp/t/a
sort -u tmp/t/a
sort -f tmp/t/a
sort -t: -k2 tmp/t/b
uniq -c tmp/t/a
uniq --count --ignore-case tmp/t/a
sort tmp/t/a | uniq -d
cut -d: -f2 tmp/t/b
cut -d: -f2- -s tmp/t/b
cut -c1-3 tmp/t/b
tr a-z A-Z < tmp/t/b
tr -d ':\n' < tmp/t/b
tr -s ' ' < tmp/t/a
tr '\0' ' ' < proc/412/cmdline
tr '\0' '\n' < proc/412/cmdline | grep ini
cat -A tmp/t/a
cat -n tmp/t/b
readlink srv/hvpacs/conf/current
ls srv/hvpacs/conf
ls -F srv/hvpacs/conf
ls -d etc/h*
ls etc/hvpacs srv/hvmwl
ls -A tmp/t tmp
echo a   b "c  d" 'e $HOME' \$x "a\"b"
echo $(head -1 etc/hosts) "$(ls tmp/t)"
A=tmp/t; cat $A/b; echo "$A" '$A' ${A}x
false && echo no || echo yes; true && echo ok
grep -q nothing etc/hosts; echo $?
grep x nosuchfile 2>/dev/null; echo $?
cp etc/hosts{,.bak} && diff etc/hosts etc/hosts.bak; echo $?
echo 'new = 1' >> etc/hosts.bak; diff etc/hosts etc/hosts.bak
sed -i.old 's/localhost/LH/' etc/hosts.bak; diff etc/hosts etc/hosts.bak; ls etc/hosts*
sed -i '3d' etc/hosts.bak; diff -u etc/hosts etc/hosts.bak | tail -n +3
mkdir -p q/w && touch q/w/e && mv q/w/e q/f && ls -R q && rm -r q && ls q
chmod 640 tmp/t/a; stat -c '%a %A %n' tmp/t/a; chmod o+r,g-r tmp/t/a; stat -c %A tmp/t/a; chmod a=r tmp/t/a; stat -c %a tmp/t/a
printf '%s = %s\n' CTER01 10.20.30.41 x y
grep -E 'CT(_ER|2) ' srv/hvmwl/site/allowed-aets.ini
grep 'CT_ER\|CT2' srv/hvmwl/site/allowed-aets.ini
grep -w CT etc/hosts srv/hvpacs/conf/2025-02/aes.ini | head -4
grep -i '^ct' srv/hvmwl/site/allowed-aets.ini
grep -v '^#' srv/hvmwl/site/allowed-aets.ini | grep -c =
grep '[[:digit:]]\{3\}' etc/hosts | head -2
grep -F '[tls]' -r srv
grep -x '\[tls\]' -rl srv
grep -L port srv/hvpacs/conf/2025-02/conf.d/*
grep -l '[^0-9]11112$' srv/hvpacs/conf/2025-02/conf.d/* etc/hvpacs/*
grep -r --include='*.conf' -l 2672 . | sort
zcat var/log/hvpacs/hvpacs.log.2.gz | head -1
zgrep -c CT_ER var/log/hvpacs/hvpacs.log.2.gz
find . -name '*.job' | xargs grep -l WS_MG1 | wc -l
find var/spool -name '*.job' -exec cat {} + | grep -c dest=HV_VNA
ls var/spool/hvpacs/done | head -2 | xargs -I{} echo x{}y
ls tmp/t | xargs -n1 echo f
cat tmp/t/a | tee tmp/t/c | wc -l; cat tmp/t/c
ls nosuch 2>&1 | tail -1
cat nosuch tmp/t/b 2>&1
head -1 nosuch 2>&1
sort nosuch 2>&1
basename etc/hvpacs/x.conf .conf; dirname etc/hvpacs/x
test -f etc/hosts && echo there
[ -d etc ] && echo dir
ls -l proc | wc -l
grep -c '' etc/hosts
ls *.nothing 2>&1
"""


def gnu():
    """Whether the machine has the tools with which the shell is compared."""
    if shutil.which("bash") is None or shutil.which("find") is None:
        return False
    line = "grep --version; sort --version; find --version; sed --version"
    said = subprocess.run(["bash", "-c", line], capture_output=True, text=True).stdout
    return all(name in said for name in ("GNU grep", "GNU coreutils", "GNU findutils", "GNU sed"))


@pytest.fixture(scope="module")
def files():
    tree = hospital(0, "tiny").servers.tree()
    jobs = "/var/spool/hvpacs/done/"
    few = [File(*entry, changed_on(entry)) for entry in tree if not entry.path.startswith(jobs) or entry.path < jobs + "10"]
    return [*few, File("/tmp/t/a", b"b 2\na 10\nb 2\nc  3\n\nA 1\n", 0o644, "root:root", None, NOW),
            File("/tmp/t/b", b"x:1:2\ny:3\nnone\n", 0o644, "root:root", None, NOW),
            File("/tmp/t/w", b"[a]\r\nx\ty\tz\r\nq = \\r 1\r\n", 0o644, "root:root", None, NOW)]


@pytest.mark.skipif(not gnu(), reason="the GNU tools are not installed")
def test_the_same_as_the_real_tools(files, tmp_path):
    shell = Shell(files, USERS, "root", NOW, "host")
    folder = tmp_path / "server"
    shell.lay_out(folder)
    other = []
    for line in COMMANDS.strip().splitlines():
        shell.here = "/"
        got = shell.sh(line)
        real = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        if (got.text, got.status) != (real.stdout.replace("bash: line 1: ", "bash: "), real.returncode):
            other.append((line, got.text, got.errors, got.status, real.stdout, real.stderr, real.returncode))
    assert other == []


@pytest.fixture
def shell():
    return Shell([
        File("/etc/a.conf", b"port = 104\n", 0o644, "root:root", None, NOW), File("/etc/key", b"secret\n", 0o640, "root:adm", None, NOW),
        File("/etc/own", b"mine\n", 0o044, "anna:anna", None, NOW), File("/etc/closed", b"no\n", 0o600, "root:root", None, NOW),
        File("/etc/link", b"", 0o777, "root:root", "a.conf", NOW), File("/etc/loop", b"", 0o777, "root:root", "loop", NOW),
        File("/home/anna/x y", b"1\n2\n", 0o644, "anna:anna", None, NOW)], USERS, "anna", NOW, "host")


@pytest.mark.parametrize(("line", "printed"), [
    ("cat /etc/key", "secret\n"), ("cat /etc/own", ""), ("cat /etc/closed", ""), ("sudo cat /etc/closed", "no\n"),
    ("sudo -u ben cat /etc/key", ""), ("sudo -u ben cat /etc/own", "mine\n"), ("cat 'x y' | wc -l", "2\n"),
    ("cat x\\ y | tail -n 1", "2\n"),
    ("cat \"x y\" > z; cat z", "1\n2\n"), ("echo x >> /etc/a.conf; cat /etc/link", "port = 104\n"),
    ("echo x | sudo tee -a /etc/link > /dev/null; cat /etc/a.conf", "port = 104\nx\n"),
    ("sudo echo x > /etc/a.conf; wc -l /etc/a.conf", "1 /etc/a.conf\n"),
    ("readlink -f /etc/link", "/etc/a.conf\n"), ("cat /etc/loop", ""), ("ls *", "x y\n"), ("ls '*'", ""),
    ("cd /etc && ls -d c* && pwd", "closed\n/etc\n"),
    ("true && echo a || echo b", "a\n"), ("false && echo a || echo b", "b\n"), ("cat nothing 2>/dev/null; echo $?", "1\n"),
    ("cat nothing 2>&1 | wc -l", "1\n"), ("chmod 600 /etc/a.conf; stat -c %a /etc/a.conf", "644\n"), ("# nothing", ""), ("", ""),
    ("echo a |\n tr a b", "b\n"), ("sudo mv 'x y' /etc/a.conf; stat -c %U:%a /etc/a.conf", "anna:644\n"),
    ("sudo cp 'x y' /etc/a.conf; stat -c %U:%a /etc/a.conf", "root:644\n"),
    ("sudo sh -c 'echo x >> /etc/a.conf'; tail -1 /etc/a.conf", "x\n"),
    ("sudo sed -i s/104/11112/ /etc/a.conf; cat /etc/link", "port = 11112\n"), ("sed -i s/104/1/ /etc/a.conf; cat /etc/a.conf", "port = "
    "104\n"),
    ("ls -ld /tmp", "drwxrwxrwt 2 root root 4096 Mar 31 07:15 /tmp\n"), ("echo a > /tmp/a; cat /tmp/a; rm /tmp/a; ls /tmp", "a\n"),
    ("sudo touch /tmp/a; rm /tmp/a; ls /tmp", "a\n"), ("ls /root; cd /root; sudo ls -d /root", "/root\n"), 
    ("ls -d /mnt /run /var/tmp", "/mnt\n/run\n/var/tmp\n"),
    ("sudo touch CLOSED/a; find / -name a", ""), ("sudo touch CLOSED/a; sudo find / -name a", "CLOSED/a\n"),
    ("sudo cp 'x y' CLOSED/a; sudo chmod 644 CLOSED/a; cat CLOSED/a; sudo cat CLOSED/a", "1\n2\n"), ("sudo touch CLOSED/a; ls CLOSED/*", ""),
    ("sudo cp 'x y' CLOSED/a; grep -rc 1 CLOSED 2>&1; echo $?", "grep: CLOSED: Permission denied\n2\n"),
    ("sudo cp 'x y' CLOSED/a; sudo chmod 711 CLOSED; cat CLOSED/a; ls CLOSED 2>&1",
     "1\n2\nls: cannot open directory 'CLOSED': Permission denied\n"),
    ("sudo sh -c 'echo a > CLOSED/a'; sudo ls CLOSED", "a\n"), ("echo a > CLOSED/a; sudo ls CLOSED", ""),
    ("ls -l /etc/link", "lrwxrwxrwx 1 root root 6 Mar 31 07:15 /etc/link -> a.conf\n"),
])
def test_users_words_and_redirections(shell, line, printed):
    line, printed = (text.replace("CLOSED", "/root") for text in (line, printed))         # a folder of the simulated server
    assert shell.sh(line).text == printed


def test_a_copy_and_the_original_do_not_see_each_other(shell):
    other = shell.copy()
    other.sh("sudo rm -rf /etc; cd /; X=1")
    assert "a.conf" in shell.sh("ls /etc").text and shell.sh("pwd; echo $X").text == "/home/anna\n\n"
    assert other.sh("ls /etc").status == 2


def test_nothing_reaches_the_machine(shell, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for line in (f"rm -rf {victim}", f"sudo rm -rf {tmp_path}", f"echo x > {victim}", f"sudo sh -c 'rm -rf {tmp_path}'", "sudo rm -rf /",
                 f"find {tmp_path} -delete", f"echo $(rm -rf {victim})", f"cat {victim}"):
        assert "precious" not in shell.sh(line).text
    assert victim.read_text() == "precious"


def test_whatever_is_typed_gets_an_answer(shell):
    chance = random.Random(12)
    words = [*UTILITIES, "|", "&&", "||", ";", ">", ">>", "<", "2>&1", "$(", ")", "`", "'", '"', "\\", "*", "[", "{a,b}", "-n", "-k2",
             "-r", "-l", "/etc/*",
             "x y", "/", "..", "s/a/b/", "{print $1}", "\n", "$?", "~", "-", "--", "-x", "$a", "1,3", "-exec", "{}", "\\;", "", "\0",
             "\ud800", "\u201c"]
    for _ in range(3000):
        line = " ".join(chance.choice(words) for _ in range(chance.randrange(1, 9)))
        output = shell.copy().sh(line)
        repr(output).encode("utf-8")
        assert isinstance(output.text, str) and isinstance(output.status, int)


@pytest.mark.parametrize("line", ["for x in a; do echo $x; done", "ls &", "cat << END", "(ls)", "echo 'a", "echo $(ls", "vi x", "top",
                                  "awk 'BEGIN {x=1}'",
                                  "grep -P x y", "ls --frob", "ps -Z", "df -h", "\u201cls\u201d", "| ls", "ls | | wc", "ls >",
                                  "x" * 20_000])
def test_what_it_does_not_know_it_refuses_in_words(shell, line):
    output = shell.sh(line)
    assert output.status and len(output.errors) > 15 and not output.text


@pytest.mark.parametrize("line", [r"grep '\(a*\)*c' /tmp/a", "grep -E '(a+)+$' /tmp/a", "grep -E '(.|a)*x' /tmp/a",
                                  r"sed 's/\(a*a*\)*b//' /tmp/a", "awk '/(a*)*c/ {print $1}' /tmp/a",
                                  "grep -E '((a{2,40}){2,40})c' /tmp/a"])
def test_an_expression_that_would_never_end_is_refused(shell, line):
    shell.sh("echo " + "a" * 60 + " > /tmp/a")
    assert "holds a repetition itself" in shell.sh(line).errors


@pytest.mark.parametrize("line", ["grep -E '([0-9]+-){2}[0-9]+'", "grep -E '(CT|MR)+1'", "grep '.*.*.*.*.*.*.*.*C.*'",
                                  "grep -E '([^ ]+ ){2}'"])
def test_ordinary_repetitions_are_not_refused(shell, line):
    assert shell.sh(f"echo '2025-03-31 CT1 x' | {line}").text == "2025-03-31 CT1 x\n"


def test_the_disks_are_told_in_other_units():
    disks = ("Filesystem 1B-blocks Used Available Use% Mounted on\n/dev/b 214748364800 5368709120 209379655680 3% /var\n"
             "/dev/c 1000 500 500 50% /a\n")
    recorded = {"df -B1 /var /a": disks, "du -sB1 /var": "5368709121\t/var\n", "lsof +L1": "COMMAND PID USER NAME\nx 8 ben (deleted)\n"}
    shell = Shell([], USERS, "anna", NOW, "host", recorded=recorded)
    assert shell.sh("df -h /var").lines[1].split() == ["/dev/b", "200G", "5.0G", "195G", "3%", "/var"]
    assert shell.sh("df -k /var/log").status and shell.sh("mkdir /tmp/x; df -h /tmp").status
    assert shell.sh("df -h /var/lib").lines == shell.sh("df -h /var").lines and len(shell.sh("df -h").lines) == 3
    assert shell.sh("df /var").lines[1].split()[1] == "209715200" and shell.sh("df -m /var").lines[1].split()[2] == "5120"
    assert shell.sh("sudo du -sh /var").text == "5.1G\t/var\n" and shell.sh("sudo du -s /var/").text == "5242881\t/var\n"
    assert shell.sh("sudo du -sb /var").text == "5368709121\t/var\n" and "sum of /var" in shell.sh("du -sh /etc").errors
    assert "`sudo` before it" in shell.sh("du -sb /var").errors and (shell.sh("lsof +L1").text, shell.status) == ("", 1)
    assert "deleted" in shell.sh("sudo lsof -nP +L1").text and "recorded" in shell.sh("lsof -i").errors


def test_services_are_told_in_several_ways():
    unit = b"[Service]\nExecReload=/bin/kill -HUP $MAINPID\n"
    heard = []
    shell = Shell([File("/etc/systemd/system/web.service", unit, 0o644, "root:root", None, NOW),
                   File("/etc/systemd/system/db.service", b"[Service]\n", 0o644, "root:root", None, NOW)], USERS, "anna", NOW, "host",
                  processes=((7, "ben", "Feb12", "/opt/webd --x"), (8, "ben", "Feb12", "/opt/dbd")), services={"web": 7, "db": 8},
                  hears={"web": lambda session, verb: heard.append(verb)})
    for line in ("systemctl reload web", "service web reload", "pkill -HUP webd", "killall -HUP webd", "kill -s HUP 7", "kill -HUP 7"):
        assert shell.sh(f"sudo {line}").status == 0 and shell.sh(line).status
    shell.sh("sudo systemctl restart web db")
    assert heard == ["reload"] * 6 + ["restart"] and [told[:2] for told in shell.told[-2:]] == [("web", "restart"), ("db", "restart")]
    assert "not applicable" in shell.sh("sudo systemctl reload db").errors and shell.sh("systemctl daemon-reload").status
    for line, said, status in (("stop web", "", 0), ("is-active web", "inactive\n", 3), ("stop web", "", 0), ("reload web", "", 1),
                               ("start web", "", 0), ("is-active web", "active\n", 0), ("start web", "", 0)):
        assert (shell.sh(f"sudo systemctl {line}").text, shell.status) == (said, status), line
    assert heard[-2:] == ["stop", "start"] and shell.sh("systemctl stop web").status == 1
    assert shell.sh("sudo systemctl daemon-reload").status == 0 and shell.sh("sudo pkill -HUP nothing").status == 1
    assert "not installed" in shell.sh("dos2unix x").errors
    assert len(shell.sh("pidof dbd webd").text.split()) == 2 and shell.sh("pidof web").status == 1
    assert shell.sh("sudo kill -HUP $(pidof webd)").status == 0 and heard[-1] == "reload"


def test_a_service_that_was_started_anew_has_another_number():
    unit = File("/usr/lib/systemd/system/web.service", b"[Service]\nExecReload=/bin/kill -HUP $MAINPID\n", 0o644, "root:root", None, NOW)
    said = File("/proc/7/cmdline", b"/opt/webd\0", 0o444, "root:root", None, NOW)
    shell = Shell([unit, said], USERS, "anna", NOW, "host", processes=((7, "ben", "Feb12", "/opt/webd"),), services={"web": 7})
    other = shell.copy()
    assert shell.sh("pidof webd").text == "7\n" and shell.sh("sudo systemctl reload web; pidof webd").text == "7\n"
    number = shell.sh("sudo systemctl restart web; pidof webd").text.strip()
    assert number != "7" and shell.sh(f"ls /proc; cat /proc/{number}/cmdline").text == f"{number}\n/opt/webd\0"
    assert "No such process" in shell.sh("sudo kill -HUP 7").errors and shell.sh(f"sudo kill -HUP {number}").status == 0
    assert f"Main PID: {number}" in shell.sh("systemctl status web").text and "07:15" in shell.sh("ps -ef | grep webd").text
    assert shell.sh("sudo systemctl stop web; pidof webd; ls /proc").text == "" and shell.sh("sudo systemctl start web; pidof webd").text
    assert other.sh("pidof webd; ls /proc").text == "7\n7\n"


def test_what_a_substitution_complains_of_is_seen(shell):
    output = shell.sh("echo found $(nothere) `cat /nofile` > out; cat out")
    assert output.text == "found\n" and "nothere: command not found" in output.errors and "/nofile: No such file" in output.errors


def test_install_makes_a_copy_with_owner_and_mode():
    shell = Shell([File("/srv/list", b"x\n", 0o640, "ben:ben", None, NOW)], USERS, "anna", NOW, "host")
    assert shell.sh("sudo install -m 640 -o ben -g ben /srv/list /srv/list.old; sudo install /srv/list /tmp").status == 0
    assert shell.nodes["/srv/list.old"][:4] == ("f", b"x\n", 0o640, "ben") and shell.nodes["/tmp/list"].mode == 0o755
    assert "Permission denied" in shell.sh("install /srv/list /tmp/a").errors and "in digits" in shell.sh("sudo install -m u+x a b").errors
    assert "Operation not permitted" in shell.sh("echo > a; install -o ben a b").errors


def test_what_grows_without_end_is_stopped(shell):
    assert "so many" in shell.sh("echo " + "{a,b}" * 40).errors
    assert "a million" in shell.sh("A=ab\n" + "A=$A$A\n" * 40).errors
    assert "twenty million" in shell.sh("cat 'x y' > a\n" + "cat a a > b; cat b b > a\n" * 14 + "cat a").errors


def test_long_output_is_cut_when_it_is_shown(shell):
    shell.sh("echo " + "a " * 90 + "| tr ' ' '\\n' > many")
    assert "more lines" in repr(shell.sh("cat many")) and len(shell.sh("cat many").lines) > 80
    assert repr(shell.sh("true")) == "(prints nothing)" and repr(shell.sh("false")) == "[exit status 1]"
