"""The tests of a file run together, one file on each core."""

import os
import subprocess
import sys
from pathlib import Path

FILES = ["tests/checking/test_number.py", "tests/checking/test_bytes.py"]


def test_the_tests_of_a_file_stay_on_one_core():
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}      # this run's own are not its
    ran = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "-v", *FILES], cwd=Path(__file__).parent.parent,
                         env=outside, capture_output=True, text=True, encoding="utf-8")
    cores = {}
    for line in ran.stdout.splitlines():
        if "PASSED" in line:
            core, test = line.split()[0], line.split("PASSED ")[1]
            cores.setdefault(test.split("::")[0], set()).add(core)
    assert sorted(cores) == sorted(FILES), ran.stdout[-2000:] + ran.stderr[-500:]
    assert all(len(one) == 1 for one in cores.values()), cores
    assert set.union(*cores.values()) == {"[gw0]", "[gw1]"}
