"""The roster: accounts, shifts, relations."""

import pytest

from coursekit.hospital import clock, hospital


@pytest.fixture(scope="module", params=range(8))
def h(request):
    return hospital(request.param, 1000 if request.param % 2 else "tiny")


def test_accounts(h):
    users = h.staff.users
    assert len({user.user_id for user in users}) == len(users)
    numbers = [user.employee_number for user in users if user.employee_number]
    assert len(set(numbers)) == len(numbers)
    assert all(user.user_id.isascii() and user.user_id.isprintable() for user in users)
    left = [user for user in users if user.left]
    assert [user.disabled for user in left].count(False) == 1
    assert {user.kind for user in users} == {"person", "service", "shared"}


def test_somebody_is_always_there(h):
    for unit, role in (("Emergency", "nurse"), ("Emergency", "physician"), ("Radiology", "radiologist"),
                       ("Radiology", "technologist"), ("Admissions", "clerk"), ("Intensive care", "nurse")):
        for hour in range(0, 24 * 8, 3):
            assert h.staff.on_duty(unit, role, clock.seconds("2025-03-24") + hour * 3600), (unit, role, hour)
    assert not h.staff.on_duty("Outpatient clinic", "physician", clock.seconds("2025-03-30 12:00:00"))


def test_shifts(h):
    shifts = h.staff.shifts
    assert shifts == sorted(shifts, key=lambda shift: (shift.starts_local, shift.ends_local, shift.user_id))
    for shift in shifts:
        user = h.staff.user(shift.user_id)
        assert user.kind == "person" and (not user.left or shift.starts_local[:10] < user.left)
        assert shift.starts_local < shift.ends_local
    on = {shift.user_id for shift in shifts if shift.starts_local <= "2025-03-26 03:00:00" < shift.ends_local}
    for user in h.staff.on_duty("Emergency", "nurse", clock.seconds("2025-03-26 03:00:00")):
        assert user.user_id in on


def test_relations(h):
    staff = h.staff
    (employee,) = staff.related("employee")
    assert employee.patient_id == h.truth["people"]["P7"]["pid"]
    assert staff.user(employee.user_id).name == employee.patient_name
    (namesake,) = staff.related("same surname")
    assert staff.user(namesake.user_id).name.split("^")[0] == namesake.patient_name.split("^")[0]
    assert len(staff.related("VIP")) == 3 and len({one.patient_id for one in staff.relations}) == len(staff.relations)
    known = {row[0] for row in h.pacs.rows("SELECT pid FROM patient")[1]}
    assert {one.patient_id for one in staff.relations} <= known


def test_workplaces_are_no_devices(h):
    devices = {row[0] for row in h.pacs.rows("SELECT host FROM ae")[1]}
    assert not devices & {h.staff.host(user) for user in h.staff.users if user.kind == "person"}


def test_frames(h):
    assert len(h.staff.frame("users")) == len(h.staff.users)
    assert list(h.staff.frame("shifts")) == ["user_id", "unit", "starts_local", "ends_local"]
    assert "kind" in h.staff.frame("relations")
