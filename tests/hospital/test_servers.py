"""The server's file tree and the transcripts: what is really so can be found in them."""

import gzip
import os
import posixpath
import re
from collections import Counter
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from coursekit.hospital import hospital, servers


@pytest.fixture(scope="module", params=range(4))
def h(request):
    return hospital(request.param, 1000 if request.param % 2 else "tiny")


@pytest.fixture(scope="module")
def tree(h):
    return {entry.path: entry for entry in h.servers.tree()}


def follow(tree, path):
    """The path behind all links, as a kernel walks it."""
    for _ in range(10):
        for place in [path[:at] for at in range(1, len(path) + 1) if path[at:at + 1] in ("/", "")]:
            if place in tree and tree[place].target is not None:
                path = posixpath.normpath(posixpath.join(posixpath.dirname(place), tree[place].target) + path[len(place):])
                break
        else:
            return path


def test_many_small_files(h, tree):
    assert len(tree) > 10_000
    assert len(tree) == sum(1 for _ in h.servers.tree())                        # no path twice
    assert all(len(entry.content) < 300_000 for entry in tree.values())
    assert not any(set(':*?"<>|\\') & set(path) for path in tree)               # Windows can hold them


def test_the_way_to_the_configuration(h, tree):
    truth = h.servers.truth
    args = tree["/proc/2214/cmdline"].content.split(b"\0")
    asked = args[args.index(b"--config") + 1].decode()
    assert follow(tree, asked) == truth["active_config"] and truth["active_config"] in tree
    override = tree["/etc/systemd/system/hvpacs.service.d/override.conf"].content.decode()
    environment = re.findall(r"EnvironmentFile=(\S+)", override)[-1]
    assert f"HVPACS_CONF={asked}" in tree[environment].content.decode()
    assert f"port = {truth['listener_port']}" in tree[truth["listener_config"]].content.decode()
    args = tree["/proc/412/cmdline"].content.split(b"\0")
    assert follow(tree, args[args.index(b"--allowed") + 1].decode()) == truth["allowed_aets_file"]
    allowed = tree[truth["allowed_aets_file"]].content.decode()
    assert "CT_ER =" in allowed and "CTER01" not in allowed
    for path in truth["decoys"]:
        assert path in tree
    assert tree[truth["unreadable"]].mode == 0o600 and tree[truth["unreadable"]].owner == "root:root"


def test_failed_jobs_can_be_counted(h, tree):
    failed = Counter()
    for path, entry in tree.items():
        if path.endswith(".job") and b"status=FAILED" in entry.content:
            failed[re.search(rb"dest=(\S+)", entry.content)[1].decode()] += 1
    assert failed == h.servers.truth["failed_jobs"]


def test_refusals_in_the_log_are_those_before_the_repair(h, tree):
    text = tree["/var/log/hvmwl/mwl.log"].content.decode()
    assert "calling=CTER01 not in allowed-aets" in text and "2025-03-31T08" not in text


def test_written_into_a_folder(tmp_path):
    h = hospital(0, "tiny")
    tree = {entry.path: entry for entry in h.servers.tree()}
    assert h.servers.write(tmp_path) == len(tree)
    active = tmp_path / "etc/hvpacs/pacs.conf"
    assert active.read_bytes() == tree[h.servers.truth["active_config"]].content
    if os.name == "posix":
        assert active.resolve() == (tmp_path / h.servers.truth["active_config"].lstrip("/")).resolve()
        assert (tmp_path / h.servers.truth["unreadable"].lstrip("/")).stat().st_mode & 0o777 == 0o600
    rotated = sorted((tmp_path / "var/log/hvpacs").glob("*.gz"))
    with gzip.open(rotated[0]) as stream:
        assert stream.read().startswith(b"2025-03-")


def test_gzip_of_any_length():
    for size in (0, 1, 65_535, 65_536, 200_000):
        octets = bytes(range(256)) * (size // 256 + 1)
        assert gzip.decompress(servers.stored_gzip(octets[:size])) == octets[:size]


def test_transcripts_agree_with_the_truth(h):
    truth, said = h.servers.truth, h.servers.transcripts
    size, used = map(int, re.search(r"/dev/sda3\s+(\d+)\s+(\d+)", said["pacs df.txt"]).groups())
    seen = int(re.search(r"^(\d+)\t/var", said["pacs du.txt"], re.MULTILINE)[1])
    held = int(re.search(r"8,3\s+(\d+)", said["pacs lsof.txt"])[1])
    assert used - seen == held == truth["deleted_bytes"] and size == truth["var_bytes"]
    assert not any(number % servers.BLOCK for number in (used, seen, held, size))            # disks are filled by blocks
    rows = [line.split() for line in said["pacs var_growth.txt"].splitlines()[1:]]
    assert {int(b[1]) - int(a[1]) for a, b in zip(rows, rows[1:])} == {truth["var_bytes_per_day"]}
    for name, text in said.items():
        assert text.replace("\r\n", "").count("\r") == 0
        windows = name.startswith("ws_") or name.endswith((".bat", ".reg"))
        assert ("\r\n" in text) == windows and not (windows and "\n" in text.replace("\r\n", "")), name
    ed1 = truth["ws_ed1"]
    right = ip_interface(f"{ed1['ip']}/{ed1['right_mask']}").network
    assert ip_address(ed1["right_gateway"]) in right and ip_address(ed1["gateway"]) not in right
    assert ip_address("10.20.10.10") in ip_network(f"{ed1['ip']}/{ed1['mask']}", strict=False)
    assert ed1["mask"] in said["ws_ed1 ipconfig.txt"]
    assert str(truth["stopped_service"]["event_id"]) in said["ws_ed1 events.xml"]


def test_bundles(h):
    bundles = h.servers.bundles
    assert len(bundles) == 12 and len({one.cause for one in bundles}) == 12
    assert {one.layer for one in bundles} == {"physical", "address", "routing", "transport", "association"}
    for one in bundles:
        assert one.transcripts and not any(one.cause in text for text in one.transcripts.values())


def test_bundles_print_what_windows_prints(h):
    pages = ["\n".join(one.transcripts.values()) for one in h.servers.bundles]
    everything = "\n".join(pages)
    assert "(incomplete)" not in everything                                     # that is how Linux and macOS say it
    assert "WARNING: TCP connect to (10.20.10.10 : 11112) failed" in everything and "connect failed:" not in everything
    assert sum("actively refused it" in page for page in pages) == sum("did not properly respond" in page for page in pages) == 1
    for line in everything.splitlines():
        if line.startswith("Reply from 10.20.10.10"):
            assert line.endswith("TTL=61")                                      # three routers, as in the simulated network
        if line.startswith("Reply from 10.20.30.1:"):
            assert line.endswith("TTL=255")                                     # the own gateway: no router between
    assert not any("IPv4 Address. . . : 10.20.40.70" in page for page in pages)  # that is the disc burner's
