"""The array that works: every loss that it must bear, the layout, the arithmetic of Q; and what the pictures say."""

import itertools
import random

import numpy as np
import pandas
import pytest

from coursekit.errors import CourseError
from coursekit.figures.storage import Array, four_ways, growth, raid5, raid6, times_two, traffic
from coursekit.figures.storage import _inverse, _power, _product

DATA = random.Random(15).randbytes(5003)


def _same(one, other):
    return all(np.array_equal(one.disk(number), other.disk(number)) for number in range(one._blocks.shape[0]))


def _slowly(a, b):
    """The product in GF(2^8), bit by bit: an independent way."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11D << (bit - 8)
    return product


def test_products_are_those_of_long_multiplication():
    for a, b in itertools.product(range(0, 256, 5), range(256)):
        assert _product(a, b) == _slowly(a, b)
    assert all(_product(value, _inverse(value)) == 1 for value in range(1, 256))
    assert times_two(0x80) == 0x1D and _power(8) == 0x1D and len({_power(exponent) for exponent in range(255)}) == 255


@pytest.mark.parametrize("disks", [3, 5, 8])
def test_raid5_bears_the_loss_of_any_disk(disks):
    array = raid5(DATA, disks, stripes=11)
    assert array.read() == DATA
    for lost in range(disks):
        degraded = array.pull(lost)
        assert degraded.read() == DATA and degraded.lost == []
        assert not degraded.rebuild(lost).missing and _same(degraded.rebuild(lost), array)
        assert not degraded.disk(lost).any() and array.disk(lost).any()
    assert array.pull(0, 1).lost == list(range(11)) and array.pull(0, 1).read() != DATA


@pytest.mark.parametrize("disks", [4, 7, 12])
def test_raid6_bears_the_loss_of_any_two_disks(disks):
    array = raid6(DATA, disks, stripes=13)
    for lost in itertools.combinations(range(disks), 2):
        degraded = array.pull(*lost)
        assert degraded.read() == DATA and degraded.lost == []
        assert _same(degraded.rebuild(lost[1]).rebuild(lost[0]), array)
    assert array.pull(0, 1, 2).lost == list(range(13))


def test_p_is_the_xor_and_q_the_weighted_sum_of_the_data():
    array = raid6(DATA, 6, stripes=9)
    for stripe in range(9):
        blocks = {array.role(disk, stripe): array._blocks[disk, stripe] for disk in range(6)}
        data = [blocks[f"D{stripe * 4 + place}"] for place in range(4)]
        assert np.array_equal(blocks["P"], data[0] ^ data[1] ^ data[2] ^ data[3])
        for at in (0, -1):
            weighted = [_slowly(int(block[at]), 2**place) for place, block in enumerate(data)]
            assert blocks["Q"][at] == weighted[0] ^ weighted[1] ^ weighted[2] ^ weighted[3]


def test_the_layout_is_that_of_linux_md():
    def rows(array, stripes):
        return [" ".join(array.role(disk, stripe) for disk in range(array._blocks.shape[0])) for stripe in range(stripes)]

    assert rows(raid5(DATA, 4), 5) == ["D0 D1 D2 P", "D4 D5 P D3", "D8 P D6 D7", "P D9 D10 D11", "D12 D13 D14 P"]
    assert rows(raid6(DATA, 5), 3) == ["Q D0 D1 D2 P", "D3 D4 D5 P Q", "D7 D8 P Q D6"]


def test_bad_blocks_beside_a_lost_disk():
    array = raid6(DATA, 7).pull(2)
    assert array.damage([(4, 3)]).read() == DATA
    punctured = array.damage([(4, 3), (0, 3), (5, 9)])
    assert punctured.lost == [3] and punctured.read() != DATA and array.read() == DATA
    rebuilt = punctured.rebuild(2)
    assert (2, 3) in rebuilt.missing and (2, 9) not in rebuilt.missing and rebuilt.lost == [3]
    assert rebuilt.rebuild(4).lost == [3]                        # what could not be computed does not come back


@pytest.mark.parametrize(("make", "disks"), [(raid5, 2), (raid6, 3)])
def test_too_few_disks_are_refused(make, disks):
    with pytest.raises(CourseError, match="at least"):
        make(DATA, disks)


@pytest.mark.parametrize("wrong", [
    lambda array: array.pull(7), lambda array: array.pull(-1), lambda array: array.pull("1"), lambda array: array.pull([1, 3]),
    lambda array: array.rebuild(5), lambda array: array.rebuild(), lambda array: array.disk(5), lambda array: array.damage([(5, 0)]),
    lambda array: array.damage([(0, 16)]),
])
def test_what_is_not_there_is_refused_in_a_sentence(wrong):
    with pytest.raises(CourseError, match=r"There is no (disk|stripe)|Say which disk"):
        wrong(raid5(DATA, 5))


def test_what_is_lost_is_told(capsys):
    array = raid5(DATA, 5)
    whole = array.pull(1).read()
    assert repr(whole) == "<5,003 bytes; all blocks read or computed>" and whole == DATA and capsys.readouterr().out == ""
    torn = array.pull(1, 3)
    assert repr(torn).endswith("32 blocks missing, data lost in stripes 0 to 15>")
    assert "stripes 0 to 15, which read as zeros here" in repr(torn.read()) and len(repr(torn.read())) < 100
    assert "a real array answers such a read with an error" in capsys.readouterr().out
    assert torn.rebuild(1).missing == torn.missing
    assert "disk 1: stripes 0 to 15 cannot be computed" in capsys.readouterr().out
    one = raid6(DATA, 7).pull(2).damage([(4, 3), (0, 3)])
    assert "data lost in stripe 3>" in repr(one) and "data lost in stripe 3:" in (one.read(), capsys.readouterr().out)[1]
    assert "stripes 3, 5" in repr(one.damage([(4, 5), (0, 5)]))


def test_two_disks_are_rebuilt_at_once(capsys):
    array = raid6(DATA, 7)
    assert _same(array.pull(1, 3).rebuild(1, 3), array) and not array.pull(1, 3).rebuild(1, 3).missing
    assert capsys.readouterr().out == ""


def test_whether_a_learner_has_found_the_lost_stripes():
    array = raid6(DATA, 7).pull(2).damage([(4, 3), (0, 3), (4, 10), (0, 10), (5, 9)])
    for right in ([3, 10], (10, 3), {3, 10}, "3, 10", "stripe 3 and stripe 10", ["3", "10"], [3.0, 10.0], np.array([3, 10]),
                  pandas.Series([3, 10])):
        assert array.loses(right), right
    for wrong in ([], [3], [3, 9, 10], 3, None, "", [3, 11], 2, True):
        assert not array.loses(wrong), wrong


def test_pictures_say_what_they_show():
    picture = raid6(DATA, 5, stripes=3).pull(1).damage([(0, 0), (2, 0)]).picture("A small array", verdict=True)
    assert picture.png.startswith(b"\x89PNG")
    assert repr(picture).startswith("Picture: A small array. The blocks of disk 0 to 4, for each stripe, those that cannot be read in")
    assert "stripe 0: (Q) (D0) (D1) D2 P [3 missing: lost]" in repr(picture) and "stripe 1: D3 (D4) D5 P Q" in repr(picture)
    assert "RAID 5 of 4 disks" in repr(raid5(DATA, 4, stripes=2).picture()) and isinstance(raid5(DATA, 4), Array)
    assert "SAN: the server sees a disk (LUN)" in repr(four_ways()) and four_ways().png.startswith(b"\x89PNG")
    trace = pandas.DataFrame({"minute": ["07:00", "07:01"], "reads": [300, 900], "writes": [400, 90]})
    assert "most reads at 07:01 (900 reads, 90 writes); most writes at 07:00" in repr(traffic(trace))
    assert traffic(trace).png.startswith(b"\x89PNG")


def test_growth_tells_when_the_line_is_reached():
    used = {"2024-04-01": 100.0, "2025-04-01": 140.0, "2025-04-07": 141.0}
    assert "reaches it" not in repr(growth(used, 200))
    assert "at 40 TB a year the dashed line reaches it in 2026-09" in repr(growth(used, 200, 40))
    for pace, says in ((-3, "that never comes"), (0, "that never comes"), (0.001, "that takes forty years or more")):
        told = " ".join(repr(growth(used, 200, pace)).split())
        assert "reaches it" not in told and f"at {pace:g} TB a year {says}, so no dashed line leads there" in told
    for pace in (None, 40):
        assert "at 141 TB, which is reached already." in " ".join(repr(growth(used, 141, pace)).split())
    assert growth(used, 200, 40).png.startswith(b"\x89PNG")
    for pace in ("40 TB", "40", True, [40]):
        with pytest.raises(CourseError, match="per_year is a number"):
            growth(used, 200, pace)
    assert "2026-09" in repr(growth(used, 200, np.float64(40)))
    months = {"2025-01-01": 100.0, "2025-02-01": 103.0, "2025-03-01": 105.5, "2025-04-01": 110.5, "2025-04-07": 111.0}
    assert "A month brought 3.0 TB as a rule; most came in 2025-03, 5.0 TB" in " ".join(repr(growth(months, 200)).split())
    assert "A month" not in repr(growth({"2025-04-01": 1.0, "2025-04-07": 1.5}, 2))
