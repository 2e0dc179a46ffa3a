"""The insides of servers and workstations: a file tree of the PACS server, and what command lines print.

``Servers.tree()`` yields the files of hv-app1, the UNIX server that runs HV_PACS and HV_MWL, as they were on the Monday after
Case 17, an hour before the worklist was told of the scanner's new name; ``write(folder)`` lays them into a folder.
``transcripts`` are the outputs of commands, ``bundles`` small sets of them with one fault each, and ``truth`` says what is
really so: which configuration is in use, what fills the disk, why a service does not start.
"""

import os
import shutil
import struct
import zlib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from coursekit.hospital import clock
from coursekit.hospital.audit import Lot, local
from coursekit.hospital.clock import DAY
from coursekit.hospital.draws import Draws

JOBS = 100, 100                 # folders of finished send jobs, and jobs in each
SNAPSHOT = clock.seconds("2025-03-31 05:15:00")            # UTC
CONF = "/srv/hvpacs/conf/2025-02"
GIB = 2 ** 30
BLOCK = 4096                    # what a file takes of a disk is a whole number of these

# Commands and what they print: the same for all editions, save what stands in braces.
TRANSCRIPTS = {
    "ws_ed1 ipconfig.txt": r"""
C:\>ipconfig /all

Windows IP Configuration

   Host Name . . . . . . . . . . . . : WS-ED1
   Primary Dns Suffix  . . . . . . . : hvgh.example

Ethernet adapter Ethernet:

   Physical Address. . . . . . . . . : 02-48-56-14-28-0D
   DHCP Enabled. . . . . . . . . . . : No
   IPv4 Address. . . . . . . . . . . : 10.20.40.13(Preferred)
   Subnet Mask . . . . . . . . . . . : 255.255.0.0
   Default Gateway . . . . . . . . . : 10.20.41.1
   DNS Servers . . . . . . . . . . . : 10.20.50.5
""",
    "ws_ed1 route.txt": r"""
C:\>route print -4

IPv4 Route Table
Active Routes:
Network Destination        Netmask          Gateway       Interface  Metric
          0.0.0.0          0.0.0.0       10.20.41.1      10.20.40.13    281
        10.20.0.0      255.255.0.0         On-link      10.20.40.13    281
""",
    "ws_ed1 arp.txt": r"""
C:\>arp -a

Interface: 10.20.40.13 --- 0xb
  Internet Address      Physical Address      Type
  10.20.40.11           02-48-56-14-28-0b     dynamic
  10.20.40.12           02-48-56-14-28-0c     dynamic
  10.20.255.255         ff-ff-ff-ff-ff-ff     static
""",
    "ws_ed1 netstat.txt": r"""
C:\>netstat -ano

Active Connections

  Proto  Local Address          Foreign Address        State           PID
  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       904
  TCP    0.0.0.0:104            0.0.0.0:0              LISTENING       4312
  TCP    10.20.40.13:49712      10.20.10.10:7070       SYN_SENT        5120
""",
    "ws_ed1 tasklist.txt": r"""
C:\>tasklist /svc

Image Name                     PID Services
========================= ======== =================================
svchost.exe                    904 RpcEptMapper, RpcSs
hvreceive.exe                 4312 HVReceive
viewer.exe                    5120 N/A
""",
    "ws_ed1 sc.txt": r"""
C:\>sc qc HVReceive
[SC] QueryServiceConfig SUCCESS

SERVICE_NAME: HVReceive
        TYPE               : 10  WIN32_OWN_PROCESS
        START_TYPE         : 2   AUTO_START
        BINARY_PATH_NAME   : "C:\HVPACS\bin\hvreceive.exe" --store H:\incoming
        SERVICE_START_NAME : LocalSystem
""",
    "ws_ed1 net_use.txt": r"""
C:\>net use

Status       Local     Remote                    Network
-------------------------------------------------------------------------------
OK           H:        \\hv-file\images           Microsoft Windows Network
""",
    "ws_ed1 events.xml": r"""
<Events>
  <Event>
    <System><Provider Name="HVReceive"/><EventID>1009</EventID><Level>2</Level>
      <TimeCreated SystemTime="2025-04-04T11:02:09Z"/></System>
    <EventData><Data>H:\incoming: path not found</Data></EventData>
  </Event>
  <Event>
    <System><Provider Name="Service Control Manager"/><EventID>7031</EventID><Level>2</Level>
      <TimeCreated SystemTime="2025-04-04T11:02:11Z"/></System>
    <EventData><Data>HVReceive terminated unexpectedly</Data></EventData>
  </Event>
</Events>
""",
    "ws_ed1 hosts.txt": r"""
# C:\Windows\System32\drivers\etc\hosts
127.0.0.1 localhost
10.20.10.11 hv-pacs.hvgh.example
""",
    "ws_ed1 nslookup.txt": r"""
C:\>nslookup hv-pacs.hvgh.example
Server:  dns.hvgh.example
Address:  10.20.50.5

Name:    hv-pacs.hvgh.example
Address:  10.20.10.10
""",
    "ws_ed1 icacls.txt": r"""
C:\>icacls C:\HVPACS\conf\receive.ini
C:\HVPACS\conf\receive.ini BUILTIN\Administrators:(F)
                             BUILTIN\Users:(RX)
""",
    "nightly.bat": r"""
@echo off
set COUNT=0
for %%f in (H:\incoming\*.dcm) do (
  set /a COUNT=COUNT+1
  C:\HVPACS\bin\send.exe %%f
  if %ERRORLEVEL% NEQ 0 echo failed %%f>> %~dp0failed.txt
)
echo %COUNT% sent
""",
    "receive.reg": r"""
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\SOFTWARE\HVPACS\Receive]
"AETitle"="ws_ed1"
"Port"=dword:00000068
"Store"="H:\\incoming"
""",
    "ws_ch1 tracert pacs.txt": r"""
C:\>tracert -d 10.20.10.10

Tracing route to 10.20.10.10 over a maximum of 30 hops

  1    <1 ms    <1 ms    <1 ms  10.20.40.1
  2     1 ms     1 ms     1 ms  10.20.0.1
  3     *        *        *     Request timed out.
  4     2 ms     2 ms     2 ms  10.20.10.10

Trace complete.
""",
    "ws_ch1 tracert eastcliff.txt": r"""
C:\>tracert -d 10.60.40.15

Tracing route to 10.60.40.15 over a maximum of 30 hops

  1    <1 ms    <1 ms    <1 ms  10.20.40.1
  2     1 ms     1 ms     1 ms  10.20.0.1
  3    38 ms    37 ms    39 ms  10.99.0.2
  4    39 ms    38 ms    38 ms  10.60.0.1
  5    39 ms    39 ms    40 ms  10.60.40.15

Trace complete.
""",
    "ws_ch1 tracert loop.txt": r"""
C:\>tracert -d 10.20.30.200

Tracing route to 10.20.30.200 over a maximum of 30 hops

  1    <1 ms    <1 ms    <1 ms  10.20.40.1
{loop}
Trace complete.
""",
    "us_ob1 arp.txt": r"""
hv-app1$ arp -n 10.20.30.65; sleep 20; arp -n 10.20.30.65
Address          HWtype  HWaddress           Iface
10.20.30.65      ether   02:48:56:14:1e:41   eth0
10.20.30.65      ether   02:48:56:aa:00:65   eth0
""",
    "pacs df.txt": r"""
hv-app1$ df -B1 /var /archive/online1
Filesystem        1B-blocks            Used       Available Use% Mounted on
/dev/sda3  {size:16d} {used:15d} {free:15d}  {percent}% /var
/dev/mapper/vg-online1 40000000000000 34000000000000 6000000000000  85% /archive/online1
""",
    "pacs du.txt": r"""
hv-app1$ du -sB1 /var
{seen}	/var
""",
    "pacs lsof.txt": r"""
hv-app1$ lsof +L1
COMMAND   PID   USER   FD   TYPE DEVICE     SIZE/OFF NLINK   NODE NAME
hvpacsd  2214 hvpacs    7w   REG    8,3 {deleted:12d}     0 393222 /var/log/hvpacs/trace.log (deleted)
""",
    "pacs ps.txt": r"""
hv-app1$ ps -eo pid,user,args
  PID USER     COMMAND
    1 root     /usr/lib/systemd/systemd
  412 hvmwl    /opt/hvmwl/bin/mwld --port 11113 --allowed /etc/hvmwl/site/allowed-aets.ini
  622 chrony   /usr/sbin/chronyd
 2214 hvpacs   /opt/hvpacs/bin/hvpacsd --config /etc/hvpacs/pacs.conf
""",
    "pacs ss.txt": r"""
hv-app1$ ss -ltnp
State   Recv-Q  Send-Q   Local Address:Port    Peer Address:Port  Process
LISTEN  0       64       10.20.10.10:11112     0.0.0.0:*      users:(("hvpacsd",pid=2214,fd=5))
LISTEN  0       64       10.20.10.10:2672      0.0.0.0:*      users:(("hvpacsd",pid=2214,fd=6))
LISTEN  0       16       10.20.10.20:11113     0.0.0.0:*      users:(("mwld",pid=412,fd=4))
""",
    "pacs systemctl.txt": r"""
hv-app1$ systemctl status hvpacs
hvpacs.service - HV PACS archive
     Loaded: loaded (/etc/systemd/system/hvpacs.service; enabled)
    Drop-In: /etc/systemd/system/hvpacs.service.d
             override.conf
     Active: active (running)
   Main PID: 2214 (hvpacsd)
""",
    "pacs ls.txt": r"""
hv-app1$ ls -l /srv/hvpacs/conf/2025-02/conf.d; id hvpacs
-rw-r--r-- 1 hvpacs hvpacs  41 Feb 17 10:02 10-aes.conf
-rw-r--r-- 1 hvpacs hvpacs  37 Feb 12 09:10 20-listener.conf
-rw-r--r-- 1 hvpacs hvpacs  52 Feb 17 10:05 25-tls.conf
-rw------- 1 root   root    23 Mar 12 16:40 30-commit.conf
uid=990(hvpacs) gid=990(hvpacs) groups=990(hvpacs)
""",
    "pacs var_growth.txt": r"""
hv-app1$ cat /var/log/df-var.log
{growth}""",
    "ct_er rename.txt": r"""
hv-app1$ grep -c CTER01 /srv/hvmwl/site/allowed-aets.ini
0
hv-app1$ grep -n CT_ER /srv/hvmwl/site/allowed-aets.ini
3:CT_ER = 10.20.30.41
hv-app1$ date -u
2025-03-31 05:15:00
""",
}


class Entry(NamedTuple):
    """A file, or a symbolic link if `target` is given. `path` is absolute; `mode` as chmod takes it; owner 'user:group'."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    owner: str = "root:root"
    target: str | None = None


class Bundle(NamedTuple):
    """What somebody typed at a machine that cannot send, and the truth: at which layer the fault is, and what it is.

    layer: 'physical', 'address', 'routing', 'transport', 'association'
    """

    name: str
    transcripts: dict
    layer: str
    cause: str


def stored_gzip(octets):
    """`octets` as a gzip file without compression (RFC 1951 3.2.4, RFC 1952): the same bytes whatever zlib is installed."""
    parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff"]
    pieces = [octets[start:start + 65_535] for start in range(0, len(octets), 65_535)] or [b""]
    for number, piece in enumerate(pieces):
        parts.append(struct.pack("<BHH", number == len(pieces) - 1, len(piece), 65_535 - len(piece)) + piece)
    return b"".join(parts) + struct.pack("<II", zlib.crc32(octets), len(octets) & 0xFFFFFFFF)


def windows(text):
    """Text with the line ends of Windows."""
    return text.replace("\n", "\r\n")


class Servers:
    """Servers and workstations of one hospital."""

    def __init__(self, h):
        self.h = h

    def __repr__(self):
        return "<servers: .tree(), .write(folder), .transcripts, .bundles, .truth>"

    @cached_property
    def truth(self):
        """What is really so: a dict.

        active_config, listener_config : the files that HV_PACS reads, behind links and includes
        listener_port, should_be       : where it listens for TLS, and where it should (digits exchanged)
        allowed_aets_file              : the list of HV_MWL, which lacks CTER01
        decoys                         : files that look like the configuration and are not read
        unreadable, why                : a file that the service cannot read, and the reason
        deleted_log, deleted_bytes     : a log that was removed but is still open, and its size
        var_bytes, var_used            : size of /var and what df says is used, bytes
        var_bytes_per_day, var_full_on : its growth, and the date when it is full
        failed_jobs                    : how many send jobs failed, by destination
        ws_ed1                         : how the new workstation is configured, and how it should be
        stopped_service                : why a Windows service stopped, with event id and time
        """
        lot = Lot(Draws(self.h.seed, "servers truth"))
        size, growth = 200 * GIB, (lot.between(21, 38) * GIB) // 10
        used = size * lot.between(86, 91) // 100
        days = (size - used) // growth
        failed = {"WS_ED1": lot.between(40, 90), "WS_MG1": lot.between(5, 15), "HV_VNA": lot.between(1, 4)}
        return {
            "active_config": f"{CONF}/pacs.conf", "listener_config": f"{CONF}/conf.d/25-tls.conf", "listener_port": 2672,
            "should_be": 2762, "allowed_aets_file": "/srv/hvmwl/site/allowed-aets.ini",
            "decoys": [
                "/etc/hvpacs/pacs.conf.bak", "/etc/hvpacs/pacs.conf.2019", "/opt/hvpacs/share/templates/pacs.conf",
                "/home/hvadmin/pacs.conf.new", "/opt/hvmwl/share/allowed-aets.ini", "/etc/hvmwl/allowed-aets.ini.bak"],
            "unreadable": f"{CONF}/conf.d/30-commit.conf", "why": "mode 0600, owner root; the service runs as hvpacs",
            "deleted_log": "/var/log/hvpacs/trace.log", "deleted_bytes": lot.between(30, 60) * GIB + lot.below(GIB) // BLOCK * BLOCK,
            "var_bytes": size, "var_used": used, "var_bytes_per_day": growth,
            "var_full_on": clock.text([SNAPSHOT + (days + 1) * DAY])[0][:10], "failed_jobs": failed,
            "ws_ed1": {"ip": "10.20.40.13", "mask": "255.255.0.0", "gateway": "10.20.41.1", "right_mask": "255.255.255.192",
                       "right_gateway": "10.20.40.1"},
            "stopped_service": {"service": "HVReceive", "event_id": 7031, "time_local": "2025-04-04 13:02:11", "pid": 4312,
                                "cause": "its folder is on drive H:, a mapped drive that a service does not have"},
        }

    # ---- the UNIX server

    def tree(self):
        """Yield the entries of the server's file system: more than 10,000, all small."""
        truth, h = self.truth, self.h
        aes = h.pacs.rows("SELECT aet, host, port, coalesce(modality, '') FROM ae ORDER BY pk")[1]

        def conf(path, text, mode=0o644, owner="hvpacs:hvpacs"):
            return Entry(path, text.encode("utf-8"), mode, owner)
        yield conf("/etc/systemd/system/hvpacs.service",
                   "[Unit]\nDescription=HV PACS archive\nAfter=network-online.target\n\n[Service]\nUser=hvpacs\n"
                   "EnvironmentFile=/opt/hvpacs/etc/default.env\nExecStart=/opt/hvpacs/bin/hvpacsd --config ${HVPACS_CONF}\n"
                   "Restart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n", owner="root:root")
        yield conf("/etc/systemd/system/hvpacs.service.d/override.conf",
                   "# survives upgrades of the package\n[Service]\nEnvironmentFile=\nEnvironmentFile=/etc/default/hvpacs\n",
                   owner="root:root")
        yield conf("/opt/hvpacs/etc/default.env", "HVPACS_CONF=/opt/hvpacs/share/templates/pacs.conf\n", owner="root:root")
        yield conf("/etc/default/hvpacs",
                   "# read by hvpacs.service, see its override\nHVPACS_CONF=/etc/hvpacs/pacs.conf\nLANG=C.UTF-8\n",
                   owner="root:root")
        yield Entry("/etc/hvpacs/pacs.conf", mode=0o777, target="/srv/hvpacs/conf/current/pacs.conf")
        yield Entry("/srv/hvpacs/conf/current", mode=0o777, target="2025-02")
        active = "[archive]\naetitle = HV_PACS\nstore = /archive/online1\nloglevel = info\n\n[include]\nfiles = conf.d/*.conf\n"
        yield conf(truth["active_config"], active)
        yield conf(f"{CONF}/conf.d/10-aes.conf", "[aes]\nformat = ini\nfile = ../aes.ini\n")
        yield conf(f"{CONF}/conf.d/20-listener.conf", "[listener]\nport = 11112\nbacklog = 64\n")
        yield conf(truth["listener_config"], f"[tls]\n# for WS_ED1, asked for on 2025-02-17\nport = {truth['listener_port']}\n")
        yield conf(truth["unreadable"], "[commit]\nport = 11116\n", 0o600, "root:root")
        yield conf(f"{CONF}/aes.ini", "".join([f"[{aet}]\nhost = {host}\nport = {port}\nmodality = {modality}\n\n"
                                              for aet, host, port, modality in aes]))
        yield conf("/srv/hvpacs/conf/2024-06/pacs.conf", active + "\n[listener]\nport = 104\n")
        yield conf("/srv/hvrouter/aes.xml", "<aes>\n" + "".join([f'  <ae title="{aet}" host="{host}" port="{port}"/>\n'
                                                                for aet, host, port, _ in aes[:14]]) + "</aes>\n")
        yield conf("/srv/hvvna/aes.yaml", "aes:\n" + "".join([f"  - aet: {aet}\n    host: {host}\n    port: {port}\n"
                                                             for aet, host, port, _ in aes[2:]]))
        decoys = ((11112, ""), (104, "# before the move\n"), (11112, "# template, copied at installation\n"), (11112, ""))
        for path, (port, note) in zip(truth["decoys"], decoys):
            text = note + active + f"\n[listener]\nport = {port}\n"
            # One was saved on Windows: byte order mark and carriage returns.
            yield Entry(path, ("\ufeff" + windows(text)).encode("utf-8") if path.startswith("/root") else text.encode("utf-8"))
        allowed = "# AE titles that may ask for the worklist\n[allowed]\n" + "".join(
            [f"{aet} = {host}\n" for aet, host, _, modality in aes if modality and aet != "CTER01"])
        yield conf(truth["allowed_aets_file"], allowed, 0o640, "hvmwl:hvmwl")
        yield conf("/opt/hvmwl/share/allowed-aets.ini", "[allowed]\nSAMPLE = 192.0.2.1\n", owner="root:root")
        yield conf("/etc/hvmwl/allowed-aets.ini.bak", allowed.replace("CT_ER", "CT1"), owner="root:root")
        yield Entry("/etc/hvmwl/site", mode=0o777, target="/srv/hvmwl/site")
        arguments = ("/opt/hvmwl/bin/mwld", "--port", "11113", "--allowed", "/etc/hvmwl/site/allowed-aets.ini", "")
        yield Entry("/proc/412/cmdline", "\0".join(arguments).encode("ascii"), 0o444)
        yield Entry("/proc/412/environ", b"USER=hvmwl\0LANG=C\0", 0o400, "hvmwl:hvmwl")
        yield Entry("/proc/2214/cmdline", b"/opt/hvpacs/bin/hvpacsd\0--config\0/etc/hvpacs/pacs.conf\0", 0o444)
        yield Entry("/proc/2214/environ", b"HVPACS_CONF=/etc/hvpacs/pacs.conf\0LANG=C.UTF-8\0", 0o400, "hvpacs:hvpacs")
        yield conf("/etc/crontab", "SHELL=/bin/sh\n30 3 * * 3 root systemctl restart hvpacs\n"
                   "15 2 * * * root /opt/hvpacs/bin/purge --days 4\n0 * * * * backup /usr/local/bin/copy-conf /etc/hvpacs /backup\n",
                   owner="root:root")
        names = [f"{host} {aet.lower().replace('_', '-')}.hvgh.example\n" for aet, host, *_ in aes if aet != "CTER01"]
        yield conf("/etc/hosts", "127.0.0.1 localhost\n" + "".join(names), owner="root:root")
        yield from self._var_log()
        yield from self._jobs()

    def _var_log(self):
        logs, by_day = self.h.logs, {}
        for record in logs.records("pacs"):
            if record.utc >= SNAPSHOT:
                break
            by_day.setdefault(record.text[:10], []).append(record.text)
        days = sorted(by_day, reverse=True)
        for age, day in enumerate(days):
            octets = ("\n".join(by_day[day]) + "\n").encode("utf-8")
            name = "/var/log/hvpacs/hvpacs.log" + ("" if age == 0 else f".{age}" if age == 1 else f".{age}.gz")
            yield Entry(name, octets if age < 2 else stored_gzip(octets), 0o640, "hvpacs:adm")
        for path, name, owner in (("/var/log/hvmwl/mwl.log", "worklist", "hvmwl:adm"),
                                  ("/var/log/messages", "syslog", "root:adm")):
            lines = [record.text + "\n" for record in logs.records(name) if record.utc < SNAPSHOT]
            yield Entry(path, "".join(lines).encode("utf-8"), 0o640, owner)

    def _jobs(self):
        """Finished send jobs, 10,000 small files; those that failed are to be found and counted."""
        lot, truth = Lot(Draws(self.h.seed, "servers jobs")), self.truth
        folders, each = JOBS
        total = folders * each
        failed = {}
        for place, (title, count) in enumerate(truth["failed_jobs"].items()):
            while sum(one == title for one in failed.values()) < count:
                failed[(lot.below(total) // 3 * 3 + place) % total] = title
        sent_to = ("HV_VNA", "HV_VNA", "HV_VNA", "WS_CH1", "WS_MG1", "WS_ED1")
        begins = SNAPSHOT - 20 * DAY
        times = clock.text([begins + number * 20 * DAY // total for number in range(total)])
        for number in range(total):
            title = failed.get(number) or lot.pick(sent_to)
            state = "status=FAILED\nerror=connection timed out\n" if number in failed else "status=OK\n"
            yield Entry(f"/var/spool/hvpacs/done/{number // each:02d}/{number:05d}.job",
                        (f"job={number}\ntime={times[number]}Z\ndest={title}\nobjects={lot.between(1, 400)}\n"
                         + state).encode("ascii"),
                        0o640, "hvpacs:hvpacs")

    def write(self, folder):
        """Lay the tree into `folder` and return the number of entries.

        Modes are set as far as the system knows them; owners are not (the entries of ``tree`` tell them). Links are made
        inside the folder and relative; where the system refuses links, the target is copied.
        """
        folder, links, made, count = Path(folder), [], set(), 0
        for entry in self.tree():
            place = folder / entry.path.lstrip("/")
            if place.parent not in made:
                place.parent.mkdir(parents=True, exist_ok=True)
                made.add(place.parent)
            count += 1
            if entry.target is not None:
                links.append((place, entry.target))
                continue
            place.write_bytes(entry.content)
            os.chmod(place, entry.mode | 0o400)                 # else the learner could not clean up on some systems
        for place, target in reversed(links):
            inside = folder / target.lstrip("/") if target.startswith("/") else place.parent / target
            try:
                os.symlink(os.path.relpath(inside, place.parent), place, target_is_directory=inside.is_dir())
            except (OSError, NotImplementedError):
                shutil.copytree(inside, place) if inside.is_dir() else shutil.copyfile(inside, place)
        return count

    # ---- what commands print

    @cached_property
    def transcripts(self):
        """{name: text}: outputs of commands on Windows and UNIX machines; names end in '.txt', '.bat', '.xml' or '.reg'."""
        truth = self.truth
        size, used, deleted = truth["var_bytes"], truth["var_used"], truth["deleted_bytes"]
        growth = [f"{clock.text([local(SNAPSHOT - days * DAY)])[0][:10]} {used - days * truth['var_bytes_per_day']}\n"
                  for days in range(14, -1, -1)]
        hops = [f" {hop:2d}     1 ms     1 ms     1 ms  {'10.20.0.1' if hop % 2 == 0 else '10.20.0.9'}\n" for hop in range(2, 31)]
        given = {"size": size, "used": used, "free": size - used, "percent": -(-100 * used // size), "seen": used - deleted,
                 "deleted": deleted, "growth": "".join(growth), "loop": "".join(hops)}
        texts = {}
        for name, text in TRANSCRIPTS.items():
            text = text.removeprefix("\n").format(**given)
            texts[name] = windows(text) if name.startswith("ws_") or name.endswith((".bat", ".reg")) else text
        return texts

    @cached_property
    def bundles(self):
        """Twelve machines that cannot send: a list of Bundle, in an order of the seed's own."""
        lot = Lot(Draws(self.h.seed, "servers bundles"))
        pacs, gate = "10.20.10.10", "10.20.30.1"
        gate_mac, other = "02-48-56-14-1e-01", 11114 + lot.below(2)

        def ping(host, answer, time_to_live=61):
            said = {"ok": f"Reply from {host}: bytes=32 time<1ms TTL={time_to_live}", "none": "Request timed out."}.get(
                answer, f"Reply from {answer}")
            return windows(f"C:\\>ping {host}\n\n" + f"{said}\n" * 4)

        def probe(answer, port=11112):
            # Test-NetConnection prints the same for a refused port and a silent one.
            failed = "" if answer == "open" else f"WARNING: TCP connect to ({pacs} : {port}) failed\n"
            return windows(f"PS C:\\> Test-NetConnection {pacs} -Port {port}\n\n{failed}"
                           f"RemotePort       : {port}\nTcpTestSucceeded : {answer == 'open'}\n")

        def socket(answer, port=11112):
            said = {"refused": "No connection could be made because the target machine actively refused it",
                    "timeout": "A connection attempt failed because the connected party did not properly respond after a period of time, "
                    "or established connection failed because connected host has failed to respond"}[answer]
            return windows(f'PS C:\\> [Net.Sockets.TcpClient]::new("{pacs}", {port})\n\n'
                           f'Exception calling ".ctor" with "2" argument(s): "{said} {pacs}:{port}"\n')

        def arp(*rows):
            # Windows leaves out an address that nobody answered for; the broadcast address is always there.
            rows = [f"  {address:<21} {mac:<21} dynamic\n" for address, mac in rows]
            return windows("C:\\>arp -a\n\n" + "".join(rows) + f"  {'10.20.30.255':<21} {'ff-ff-ff-ff-ff-ff':<21} static\n")

        def ipconfig(*rows):
            return windows("C:\\>ipconfig\n\nEthernet adapter Ethernet:\n" + "".join([f"   {row}\n" for row in rows]))

        def rejected(reason):
            return ("F: Association Rejected:\nF: Result: Rejected Permanent, Source: Service User\n"
                    f"F: Reason: {reason} AE Title Not Recognized\n")
        reached = {"ping": ping(pacs, "ok"), "probe": probe("open")}
        found = [Bundle("", *rest) for rest in (
            ({"ipconfig": ipconfig("Media State . . . . . : Media disconnected")}, "physical", "the cable is not connected"),
            ({"ipconfig": ipconfig("IPv4 Address. . . : 10.20.30.52", "Subnet Mask . . . : 255.255.255.0",
                                   "Default Gateway . : 10.20.30.1"),
              "ping gateway": ping(gate, "10.20.30.52: Destination host unreachable."),
              "ping neighbour": ping("10.20.30.51", "10.20.30.52: Destination host unreachable."), "arp": arp()}, "physical",
             "nobody on the wire answers ARP: wrong VLAN or port"),
            ({"ipconfig": ipconfig("Autoconfiguration IPv4 Address. . : 169.254.37.12", "Subnet Mask . . . : 255.255.0.0")},
             "address", "no DHCP server answered"),
            ({"arp": arp(("10.20.30.65", "02-48-56-14-1e-41"), (gate, gate_mac)),
              "arp later": arp(("10.20.30.65", "02-48-56-aa-00-65"), (gate, gate_mac))}, "address",
             "two hosts have the same address"),
            # The disc burner is its neighbour, so the address is right for this wire.
            ({"ipconfig": ipconfig("IPv4 Address. . . : 10.20.40.81", "Subnet Mask . . . : 255.255.255.192",
                                   "Default Gateway . : 10.20.40.1"),
              "ping neighbour": ping("10.20.40.70", "ok", 64),
              "ping": ping(pacs, "10.20.40.81: Destination host unreachable.")}, "routing", "the gateway lies outside the subnet"),
            ({"ping gateway": ping(gate, "ok", 255), "ping": ping(pacs, "10.20.0.9: TTL expired in transit."),
              "probe": probe("timeout"), "arp": arp((gate, gate_mac))}, "routing", "two routers send the packets round in a circle"),
            ({"ping": ping(pacs, "ok"), "probe": probe("timeout"), "socket": socket("timeout")}, "transport", "a firewall drops the port"),
            # No answer to ping, and yet the refusal shows that the host is reached.
            ({"ping": ping(pacs, "none"), "probe": probe("refused", other), "socket": socket("refused", other)}, "transport",
             "nothing listens on the port"),
            # No answer to ping, and yet the port is open: echo requests are filtered.
            ({"ping": ping(pacs, "none"), "probe": probe("open"), "echo": rejected("Called")}, "association",
             "the called AE title is wrong"),
            ({**reached, "echo": rejected("Calling")}, "association", "the server does not know the caller"),
            ({**reached, "store": "I: Association Accepted (Max Send PDV: 16372)\nE: No Acceptable Presentation Contexts\n"},
             "association", "no presentation context was accepted"),
            ({**reached, "echo": "I: Received Echo Response (Success)\n",
              "move": "W: Move response with error status (Refused: MoveDestinationUnknown)\n"}, "association",
             "the archive does not know the station as a destination"))]
        order = []
        while found:
            order.append(found.pop(lot.below(len(found))))
        return [one._replace(name=f"station {number}") for number, one in enumerate(order, 1)]
