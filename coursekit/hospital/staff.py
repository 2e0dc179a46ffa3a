"""Who works at the hospital: accounts, roles, units, shifts, who left, and who is what to which patient.

The roster is what personnel and privacy office hand to whoever reviews the audit trail. Everybody is invented.
"""

import datetime
from typing import NamedTuple

from coursekit.hospital import clock, names, world
from coursekit.hospital.clock import DAY, HOUR, NOW_LOCAL, NOW_UTC
from coursekit.hospital.draws import Draws

WINDOW_DAYS = 30                        # the audit trail's reach; shifts are known for a week more
FIRST_SHIFT_DAY = NOW_LOCAL // DAY - WINDOW_DAYS - 7
START_UTC = NOW_UTC - WINDOW_DAYS * DAY

# role, unit, how many, pattern. 'day': Monday to Friday; 'rota': two early, two late, two nights, two days off.
POSTS = (
    ("nurse", "Emergency", 12, "rota"), ("physician", "Emergency", 9, "rota"),
    ("nurse", "Ward 2A", 6, "rota"), ("nurse", "Ward 3B", 6, "rota"), ("nurse", "Ward 4C", 6, "rota"),
    ("nurse", "Intensive care", 8, "rota"), ("nurse", "Stroke unit", 6, "rota"),
    ("physician", "Ward 2A", 4, "rota"), ("physician", "Ward 3B", 4, "rota"), ("physician", "Ward 4C", 4, "rota"),
    ("physician", "Intensive care", 4, "rota"), ("physician", "Stroke unit", 4, "rota"),
    ("physician", "Outpatient clinic", 3, "day"), ("physician", "Oncology clinic", 3, "day"),
    ("physician", "Orthopaedic clinic", 3, "day"), ("physician", "Breast clinic", 2, "day"),
    ("nurse", "Outpatient clinic", 2, "day"), ("nurse", "Oncology clinic", 2, "day"),
    ("nurse", "Orthopaedic clinic", 1, "day"), ("nurse", "Breast clinic", 1, "day"),
    ("radiologist", "Radiology", 8, "rota"), ("radiologist", "Radiology", 9, "day"),
    ("technologist", "Radiology", 16, "rota"), ("technologist", "Radiology", 8, "day"),
    ("technologist", "Nuclear medicine", 3, "day"), ("technologist", "Cath lab", 4, "rota"),
    ("sonographer", "Cardiology", 2, "day"), ("sonographer", "Obstetrics", 3, "day"),
    ("dentist", "Dental clinic", 2, "day"), ("nurse", "Wound clinic", 2, "day"),
    ("physiotherapist", "Physiotherapy", 4, "day"), ("clerk", "Admissions", 8, "rota"),
    ("clerk", "Health records", 4, "day"), ("PACS administrator", "Imaging IT", 4, "day"),
    ("engineer", "Clinical engineering", 2, "day"), ("researcher", "Clinical research", 2, "day"),
    ("privacy officer", "Privacy office", 1, "day"), ("physician", "Eastcliff Clinic", 3, "day"),
)
DEPARTED = (("nurse", "Ward 4C", 23), ("researcher", "Clinical research", 41), ("clerk", "Health records", 66),
            ("technologist", "Radiology", 118), ("physician", "Ward 2A", 203))       # days since they left
# Accounts that are nobody's own: (user_id, what it is, unit).
SERVICE = (("svc_router", "service account of HV_ROUTER", "Imaging IT"), ("svc_vna", "service account of HV_VNA", "Imaging IT"),
           ("svc_engine", "service account of HV_ENGINE", "Imaging IT"))
SHARED = (("ctuser", "shared login of the CT consoles", "Radiology"),)
HOURS = {"day": ((8 * HOUR, 17 * HOUR),),
         "rota": ((7 * HOUR, 15 * HOUR + 1800), (15 * HOUR, 23 * HOUR + 1800), (23 * HOUR, 31 * HOUR + 1800))}
ROTA = (0, 0, 1, 1, 2, 2, None, None)
UNITS = tuple(dict.fromkeys(post[1] for post in POSTS))
STREETS = tuple("Quay Street,Lighthouse Lane,Ropewalk,Sailmakers Row,Old Customs Road,Tidal Mill Lane,Harbour Terrace,"
                "Vale Crescent,Fishmarket,Dyke Road,Windmill Close,Chandlers Yard".split(","))


class User(NamedTuple):
    """An account. `kind`: person, service or shared; `name` in DICOM PN form; dates 'YYYY-MM-DD', `left` None: employed.

    `disabled`: the account can no longer log in. `street` and `house`: where the person lives.
    """

    user_id: str
    kind: str
    name: str
    role: str
    unit: str
    pattern: str | None
    employee_number: str | None
    hired: str | None
    left: str | None
    disabled: bool
    street: str | None
    house: int | None


class Shift(NamedTuple):
    """A shift; times are wall-clock, 'YYYY-MM-DD HH:MM:SS'."""

    user_id: str
    unit: str
    starts_local: str
    ends_local: str


class Relation(NamedTuple):
    """What personnel or the privacy office knows about a patient. `user_id` is None for a VIP.

    kind: employee (the patient is this employee), neighbour, same address, same surname, VIP
    """

    kind: str
    user_id: str | None
    patient_id: str
    patient_name: str
    note: str


class Staff:
    """The roster of one hospital: `users`, `shifts`, `relations` (lists), found by `user(user_id)`, `on_duty(...)`."""

    def __init__(self, h):
        draws = Draws(h.seed, "staff")
        self._taken, self._numbers = set(), iter(draws.sample(range(10_000, 99_999), 400).tolist())
        self.users, self._on = [], {}
        for role, unit, count, pattern in POSTS:
            for _ in range(count):
                self._hire(draws, role, unit, pattern)
        today = world.NOW.date()
        for place, (role, unit, days) in enumerate(DEPARTED):
            # The account of the first to leave was forgotten.
            self._hire(draws, role, unit, "rota", left=str(today - datetime.timedelta(days)), disabled=place > 0)
        self._relate(h, draws)
        for user_id, what, unit in SERVICE + SHARED:
            kind = "service" if user_id.startswith("svc_") else "shared"
            self.users.append(User(user_id, kind, what, kind, unit, None, None, None, None, False, None, None))
        self._by_id = {user.user_id: user for user in self.users}
        self._groups, self._turn = {}, {}
        for user in self.users:
            if user.kind == "person" and not user.left:
                group = self._groups.setdefault((user.unit, user.role), [])
                self._turn[user.user_id] = len(group)
                group.append(user)

    def _hire(self, draws, role, unit, pattern, left=None, disabled=False, name=None):
        families, women, men = names.LANGUAGES[draws.one(0, len(names.LANGUAGES) - 1)]
        givens = women if draws.one(0, 99) < 62 else men
        made = f"{families[draws.one(0, len(families) - 1)].upper()}^{givens[draws.one(0, len(givens) - 1)].upper()}"
        name = name or made
        family, given = names.search_form(name).replace("ß", "SS").split("^")[:2]
        stem = "".join(letter for letter in (given[0] + family).lower() if letter.isascii() and letter.isalpha())[:12]
        user_id, number = stem, 1
        while user_id in self._taken:
            number += 1
            user_id = f"{stem}{number}"
        self._taken.add(user_id)
        hired = datetime.date(draws.one(2004, 2023), draws.one(1, 12), draws.one(1, 28))
        user = User(user_id, "person", name, role, unit, pattern, f"E{next(self._numbers)}", str(hired), left, disabled,
                    STREETS[draws.one(0, len(STREETS) - 1)], draws.one(1, 140))
        self.users.append(user)
        return user

    def _relate(self, h, draws):
        """Find patients of the last weeks whom somebody at the hospital knows."""
        person = h.truth["people"]["P7"]
        colleague = self._hire(draws, "physiotherapist", "Physiotherapy", "day", name=person["name"])
        self.relations = [Relation("employee", colleague.user_id, person["pid"], person["name"],
                                   f"{colleague.role}, {colleague.unit}")]
        story = {known["pid"] for known in h.truth["people"].values()}
        since = clock.text([START_UTC + 2 * DAY])[0]
        _, rows = h.pacs.rows(
            "SELECT p.pid, p.name, max(v.class = 'E') FROM study s JOIN patient p ON p.pk = s.patient_pk "
            "LEFT JOIN orders o ON o.accession = s.accession AND o.patient_pk = s.patient_pk "
            "LEFT JOIN visit v ON v.pk = o.visit_pk "
            f"WHERE s.created_utc > '{since}' AND s.created_utc < '2025-04-03' AND s.deleted = 0 AND s.status = 'READ' "
            "AND p.issuer_pk = 1 AND p.merged_into IS NULL AND p.pid LIKE 'HV______' AND p.name LIKE '%^%' "
            "AND substr(p.pid, 3) NOT GLOB '*[^0-9]*' "
            "GROUP BY p.pk HAVING count(DISTINCT s.pk) = 1 ORDER BY p.pk")
        rows = [row for row in rows if row[0] not in story]
        urgent = [row for row in rows if row[2]]
        known = urgent[draws.one(0, len(urgent) - 1)]
        nurse = self._hire(draws, "nurse", "Emergency", "rota",
                           name=known[1].split("^")[0] + "^" + ("HANNA", "ELSE", "MIRA", "TINE")[draws.one(0, 3)])
        self.relations.append(Relation("same surname", nurse.user_id, known[0], known[1],
                                       "says they are not related"))
        rows = [row for row in rows if row[0] != known[0]]
        chosen = [rows[place] for place in draws.sample(range(len(rows)), 5).tolist()]
        clerks = [user for user in self.users if user.unit == "Health records" and not user.left]
        neighbour = clerks[draws.one(0, len(clerks) - 1)]
        self.relations.append(Relation("neighbour", neighbour.user_id, chosen[0][0], chosen[0][1],
                                       f"lives at {neighbour.street} {neighbour.house + 2}"))
        nurses = [user for user in self.users if user.role == "nurse" and user.unit.startswith("Ward") and not user.left]
        home = nurses[draws.one(0, len(nurses) - 1)]
        self.relations.append(Relation("same address", home.user_id, chosen[1][0], chosen[1][1],
                                       f"lives at {home.street} {home.house}"))
        for (pid, name, _), note in zip(chosen[2:], ("alderman of the port", "television presenter", "judge")):
            self.relations.append(Relation("VIP", None, pid, name, note))

    def __repr__(self):
        return f"<staff: {len(self.users)} accounts; see .frame('users'), .frame('shifts'), .frame('relations')>"

    def user(self, user_id):
        """The account `user_id`. Raises KeyError when there is none."""
        return self._by_id[user_id]

    def group(self, unit, role):
        """Everybody of `unit` and `role` who is employed: a list, in the roster's order."""
        return self._groups.get((unit, role), [])

    def host(self, user):
        """The IPv4 address of the computer at which `user` usually works."""
        place = UNITS.index(user.unit)
        turn = self._turn.get(user.user_id, 0)
        if user.role == "radiologist":
            return f"10.20.40.{21 + turn}"
        if user.unit == "Eastcliff Clinic":
            return f"10.60.40.{11 + turn}"
        return f"10.20.60.{8 * place + 1 + turn % 7}"

    def related(self, kind):
        """The relations of one kind: a list."""
        return [relation for relation in self.relations if relation.kind == kind]

    def shift_of(self, user, day):
        """When `user` works on the day (days since 1970, wall clock): (start, end) in seconds, or None."""
        if user.kind != "person":
            return None
        if user.left and day >= clock.seconds(user.left) // DAY:
            return None
        if user.pattern == "day":
            which = 0 if (day + 3) % 7 < 5 else None
        else:
            which = ROTA[(day + 3 * self._turn.get(user.user_id, 0)) % len(ROTA)]
        if which is None:
            return None
        start, end = HOURS[user.pattern][which]
        return day * DAY + start, day * DAY + end

    def on_duty(self, unit, role, local):
        """The users of `unit` and `role` at work at `local` (wall-clock seconds): a list, in the roster's order."""
        key = unit, role, local // 1800
        if key not in self._on:
            moment, day = key[2] * 1800 + 900, local // DAY
            found = []
            for user in self._groups.get((unit, role), ()):
                for of_day in (day - 1, day):
                    shift = self.shift_of(user, of_day)
                    if shift and shift[0] <= moment < shift[1]:
                        found.append(user)
                        break
            self._on[key] = found
        return self._on[key]

    @property
    def shifts(self):
        """All shifts since a week before the audit trail begins: a list of Shift, by start."""
        rows = []
        for user in self.users:
            for day in range(FIRST_SHIFT_DAY, NOW_LOCAL // DAY + 1):
                shift = self.shift_of(user, day)
                if shift:
                    rows.append((shift, user))
        rows.sort(key=lambda row: (row[0], row[1].user_id))
        starts, ends = clock.text([row[0][0] for row in rows]), clock.text([row[0][1] for row in rows])
        return [Shift(row[1].user_id, row[1].unit, start, end) for row, start, end in zip(rows, starts, ends)]

    def frame(self, what):
        """`users`, `shifts` or `relations` as a DataFrame."""
        import pandas
        rows = {"users": self.users, "shifts": self.shifts, "relations": self.relations}[what]
        return pandas.DataFrame(rows, columns=rows[0]._fields)
