"""The persons of an edition, before the archive's records of them go wrong."""

import numpy as np

from coursekit.hospital import clock, names, story, world
from coursekit.hospital.clock import DAY, NEVER
from coursekit.hospital.draws import Draws

# Year of birth: (weight, first, last).
BIRTHS = ((10, 1930, 1939), (22, 1940, 1949), (28, 1950, 1959), (26, 1960, 1969), (20, 1970, 1979), (18, 1980, 1989),
          (15, 1990, 1999), (10, 2000, 2009), (7, 2010, 2019))
# Who may have a procedure: sex and years of birth that fit examinations from 2021 to 2025.
POOLS = {"any": ("FM", 1900, 2100), "women over 40": ("F", 1938, 1980), "women of 18 to 45": ("F", 1980, 2002),
         "men over 45": ("M", 1935, 1975)}


class People:
    """Persons as parallel lists: `name` (clean PN), `sex`, `birth` (days since 1970), `issuer`, `pid` (None: to come).

    `roles` finds the persons of the story, `ordinary` and `eastcliff` are the positions of the others, and `pools`
    the ordinary persons who may have a procedure.
    """

    def __init__(self, seed, studies):
        self.name, self.sex, self.birth, self.issuer, self.pid = [], [], [], [], []
        self.roles = {}
        case = story.case_17(seed)
        told = story.people(seed)
        for role, (name, sex, birth, pid) in told.items():
            self.roles[role] = self.add(name, sex, birth, world.HVGH, pid)
        _, sex, birth, _ = told["P1"]
        self.roles["P1 typed"] = self.add(case["typed_name"], sex, birth, world.HVGH, case["typed_id"])
        self.roles["P1 temporary"] = self.add(case["temporary_name"], sex, None, world.HVGH, case["temporary_id"])
        draws = Draws(seed, "people")
        name, sex, birth, _ = told["P5"]
        number = story.ECC_ID_OF_P5 if seed == 0 else f"EC-{draws.one(80000, 89999)}"
        self.roles["P5 at Eastcliff"] = self.add(name, sex, birth, world.ECC, number)

        self.ordinary = self.invent(draws, max(300, studies * 28 // 100), world.HVGH)
        for place, (name, sex) in enumerate(names.OTHER_SCRIPTS):
            self.name[self.ordinary[place]], self.sex[self.ordinary[place]] = name, sex
        self.eastcliff = np.append(self.roles["P5 at Eastcliff"],
                                   self.invent(draws, max(20, studies * 4 // 1000), world.ECC))
        sexes = np.array(self.sex)[self.ordinary]
        years = np.array(self.birth)[self.ordinary] // 365 + 1970          # near enough to sort people by age
        self.pools = {who: self.ordinary[((sexes == sex) if len(sex) == 1 else True) & (first <= years) & (years <= last)]
                      for who, (sex, first, last) in POOLS.items()}

    def add(self, name, sex, birth, issuer, pid):
        """Add one person and return the position; `birth` is text or None."""
        self.name.append(name)
        self.sex.append(sex)
        self.birth.append(NEVER if birth is None else clock.seconds(birth) // DAY)
        self.issuer.append(issuer)
        self.pid.append(pid)
        return len(self.name) - 1

    def copy(self, person, pid):
        """Add a second record of `person` under another identifier and return its position."""
        for column in (self.name, self.sex, self.birth, self.issuer):
            column.append(column[person])
        self.pid.append(pid)
        return len(self.name) - 1

    def invent(self, draws, count, issuer):
        """Add `count` persons of one issuer and return their positions."""
        first = len(self.name)
        language = draws.choose((34, 14, 10, 9, 7, 6, 8, 5, 5, 5), count)
        female = draws.happens(520, count)
        family, given, middle = draws.raw(count), draws.raw(count), draws.raw(count)
        has_middle = draws.happens(230, count)
        texts = np.empty(count, dtype=object)
        for place, (families, women, men) in enumerate(names.LANGUAGES):
            for sex, givens in ((True, women), (False, men)):
                here = np.flatnonzero((language == place) & (female == sex))
                families_here = np.array([text.upper() for text in families], dtype=object)
                givens_here = np.array([text.upper() for text in givens], dtype=object)
                text = (families_here[family[here] % np.uint64(len(families))] + "^"
                        + givens_here[given[here] % np.uint64(len(givens))])
                more = has_middle[here]
                text[more] += "^" + givens_here[middle[here][more] % np.uint64(len(givens))]
                texts[here] = text
        self.name += texts.tolist()
        self.sex += np.where(female, "F", "M").tolist()
        years = draws.spread(BIRTHS, count)
        self.birth += ((years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
                       + draws.below(365, count)).tolist()
        self.issuer += [issuer] * count
        self.pid += [None] * count
        return np.arange(first, first + count)
