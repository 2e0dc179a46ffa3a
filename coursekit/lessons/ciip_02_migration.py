"""Migration from one vendor to another: the exercises of lesson ciip-02."""

import contextlib
import datetime
import io
import random
import re

from coursekit.checking import Client, Config, Fields, File, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, plain
from coursekit.errors import CourseError
from coursekit.hospital import names
from coursekit.hospital.draws import Draws
from coursekit.hospital.projects import BYTES_PER_MS, OBJECT_MS
from coursekit.systems.old_archive import OldArchive, OldStudy
from coursekit.systems.scu import Scu

lesson = Lesson(
    "ciip-02",
    title="Migration from one vendor to another",
    version=1,
    minutes=120,
    objectives=[
        "judge whether a migration is finished: reconcile both sides, and say what a sample without an error proves",
        "decide study by study what moves by itself, what a rule may correct, what a person must see and what stays",
        "plan the next one: a complete inventory of a source with quirks, how long it takes, in which order, and what C-MOVE leaves behind",
    ],
    covers=["developing a migration strategy from one vendor to another"],
    needs=["cpas-06", "cpas-07", "cpas-09"],
)

RECENT = "2024-01-01"                   # the vendor sampled CT studies from that day on
CONFIDENCE = 0.95
OWN_SAMPLE = 300                        # studies that HVGH drew for itself
INVENTORY_STORAGE = "1.2.840.10008.5.1.4.1.1.201.1"

# --- the migration that is reported as finished


def _frame(rows):
    import pandas as pd

    return pd.DataFrame(rows, columns=rows[0]._fields)


@lesson.input
def source(hospital):
    """The inventory of HV_PACS, the old archive: a DataFrame, a row for each study; columns of coursekit.hospital.projects.Held."""
    return _frame(hospital.projects.migration.source)


@lesson.input
def target(hospital):
    """The inventory of HV_VNA, the new archive: a DataFrame, a row for each study as it lists them; columns of projects.Arrived."""
    return _frame(hospital.projects.migration.target)


@lesson.input
def nights(hospital):
    """The nights of the migration: a DataFrame; columns of projects.Night."""
    return _frame(hospital.projects.migration.nights)


@lesson.input
def runs(hospital):
    """What each night moved, by modality: a DataFrame; columns of projects.Run."""
    return _frame(hospital.projects.migration.runs)


@lesson.input
def errors(hospital):
    """The mover's error log: a DataFrame; columns of projects.LogLine."""
    return _frame(hospital.projects.migration.errors)


@lesson.input
def vendor_sample(hospital):
    """What the vendor compared by attributes and pixels: a DataFrame; columns of projects.Sampled."""
    return _frame(hospital.projects.migration.sample)


@lesson.input
def own_sample(hospital):
    """OWN_SAMPLE studies, drawn by lot from the whole source and compared: a DataFrame with study_uid, modality, study_date, differs."""
    import pandas as pd

    migration, draws = hospital.projects.migration, Draws(hospital.seed, "ciip-02 own sample")
    held, wrong = migration.source, migration.truth["discrepancies"]
    drawn = [held[place] for place in draws.sample(range(len(held)), OWN_SAMPLE).tolist()]
    return pd.DataFrame([(one.study_uid, one.modality, one.study_date, one.study_uid in wrong) for one in drawn],
                        columns=["study_uid", "modality", "study_date", "differs"])


class Share(Number):
    """A percentage that may be written as a limit: "at most 5 %", "< 5"."""

    def _from_text(self, text):
        return super()._from_text(re.sub(r"(?i)^\s*(at most|up to|less than|not more than|<=?|\u2264)\s*", "", text))


class Near(Share):
    """A share that may be off by 3 per cent of itself: so far the rule of three is from the exact limit, and no more."""

    def _near(self, number, target, relative=0.03):
        return super()._near(number, target, relative)


ENOUGH = (2994.2, 3000)                 # so many without a wrong one say "at most 0.1 per cent": exactly, and by the rule of three


class Needed(Number):
    """A number for which anything between the exact reckoning and the rule of three will do."""

    def _near(self, number, target, relative=0.0):
        if target == ENOUGH[1] and not relative:
            return ENOUGH[0] <= number <= ENOUGH[1] and number != int(ENOUGH[0])
        return super()._near(number, target, relative)


def upper_bound(n, k, confidence=CONFIDENCE):
    """Up to which share of wrong ones a sample speaks that has `k` wrong ones among `n`, with 95 % confidence, one-sided.

    The share at which `k` or fewer would be found in only 5 % of all samples: the exact binomial limit (Clopper and Pearson,
    Biometrika 1934). From 0 to 1.
    """
    if k >= n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(60):
        share = (low + high) / 2
        chance = term = (1 - share) ** n
        for i in range(k):
            term = term * (n - i) / (i + 1) * share / (1 - share)
            chance = chance + term
        if chance > 1 - confidence:
            low = share
        else:
            high = share
    return high


@lesson.input
def counted(hospital):
    """What comes of comparing both inventories, rightly and otherwise: a dict; made once, for a comparison takes a while."""
    source, target = lesson.input_of("source", hospital), lesson.input_of("target", hospital)
    both = source.merge(target.drop_duplicates("study_uid"), on="study_uid", suffixes=("_old", "_new"))
    images_old, images_new = both.instances_old - both.attachments_old, both.instances_new - both.attachments_new
    every = source.merge(target, on="study_uid", suffixes=("_old", "_new"))
    return {
        "short, every row": int((every.instances_new < every.instances_old).sum()),
        "other patient, every row": int((every.patient_id_new != every.patient_id_old).sum()),
        "right": Reconcile.solution(source, target),
        "missing, by rows": len(source) - int(target.study_uid.isin(source.study_uid).sum()),
        "missing, by accession": int((~source.accession.isin(set(target.accession.dropna()))).sum()),
        "short, in objects": int((both.instances_old - both.instances_new).sum()),
        "short, of all objects": int(source.instances.sum() - target.instances.sum()),
        "short, in images": int((images_new < images_old).sum()),
    }


@lesson.exercise
class Reconcile:
    """Compare `source` and `target`, study by study, by the Study Instance UID. How many **studies** are

    - `missing`: in the source, and not in the target under their UID;
    - `extra`: in the target, and not in the source;
    - `short`: in both, and with fewer instances in the target;
    - `other_patient`: in both, and in the target under another `patient_id` (leave the issuer aside);
    - `twice`: in the target more than once?

    Where the target has several rows for a study, its *first* row counts for `short` and `other_patient`. A study may be counted in more
    than one entry.
    """

    answer = Fields("compared", {name: Number("", named=("studies", "study"))
                                 for name in ("missing", "extra", "short", "other_patient", "twice")})
    points = 3

    def solution(source, target):
        first = target.drop_duplicates("study_uid")
        both = source.merge(first, on="study_uid", suffixes=("_old", "_new"))
        return {
            "missing": len(source) - len(both),
            "extra": len(first) - len(both),
            "short": int((both.instances_new < both.instances_old).sum()),
            "other_patient": int((both.patient_id_new != both.patient_id_old).sum()),
            "twice": len(target) - len(first),
        }

    def totals_agree():
        return {"missing": 0, "extra": 0, "short": 0, "other_patient": 0, "twice": 0}

    def every_copy(counted):
        return {**counted["right"], "missing": counted["missing, by rows"]}

    def short_in_any_row(counted):
        return {**counted["right"], "short": counted["short, every row"]}

    def another_patient_in_any_row(counted):
        return {**counted["right"], "other_patient": counted["other patient, every row"]}

    def missing_under_another_patient(counted):
        return {**counted["right"], "other_patient": counted["right"]["other_patient"] + counted["right"]["missing"]}

    def by_uid_and_patient(counted):
        return {**counted["right"], "missing": counted["right"]["missing"] + counted["right"]["other_patient"]}

    def what_is_left_over(counted):
        return {**counted["right"], "missing": counted["right"]["missing"] - counted["right"]["extra"]}

    def by_accession(counted):
        return {**counted["right"], "missing": counted["missing, by accession"]}

    def rows_of_the_target(counted):
        return {**counted["right"], "extra": counted["right"]["extra"] + counted["right"]["twice"]}

    def the_other_way_round(counted):
        return {**counted["right"], "missing": counted["right"]["extra"], "extra": counted["right"]["missing"]}

    def missing_are_short_too(counted):
        return {**counted["right"], "short": counted["right"]["short"] + counted["right"]["missing"]}

    def objects_for_studies(counted):
        return {**counted["right"], "short": counted["short, in objects"]}

    def net_of_all_objects(counted):
        return {**counted["right"], "short": counted["short, of all objects"]}

    def images_alone(counted):
        return {**counted["right"], "short": counted["short, in images"]}

    def issuer_too(counted):
        return {**counted["right"], "other_patient": counted["right"]["other_patient"] + counted["right"]["twice"]}

    def nothing_extra(counted):
        return {**counted["right"], "extra": 0}

    def both_rows(counted):
        return {**counted["right"], "twice": 2 * counted["right"]["twice"]}

    wrong_ways = {
        totals_agree: "You trust the totals. They agree because what is there twice makes up for what is not there: two errors of the same "
        "size are no proof. Compare study by study.",
        every_copy: "Where the target has a study twice, `merge` gives two rows, and they hide as many studies that are not there. Take "
        "the copies out of the target first: `drop_duplicates(\"study_uid\")`.",
        short_in_any_row: "You compared the second rows of the target too: a study whose first row is whole is then short because of its "
        "second. `first = target.drop_duplicates(\"study_uid\")`, and compare with that.",
        another_patient_in_any_row: "You compared every row of the target: a study that is filed rightly in its first row is counted "
        "because of its second, under an ID that was typed otherwise. Compare with `target.drop_duplicates(\"study_uid\")`; the second "
        "rows have an entry of their own, `twice`.",
        missing_under_another_patient: "You count the studies that are not in the target at all as well. In a left or outer merge they "
        "have no ID on the other side, and *nothing* is not equal to anything. Asked are those that are in both.",
        by_uid_and_patient: "You looked for UID and Patient ID together: a study that arrived under another patient is then missing. Asked "
        "is the UID alone; the other patient has an entry of its own.",
        what_is_left_over: "That is the difference between what is not there and what is there in excess. A study too many does not make "
        "up for one that is lost: another patient is waiting for it.",
        by_accession: "You looked for the accession number. Some studies have none, and what arrived under a new Study Instance UID has "
        "its number still: you take it for found. The question asks for the UID, the unique key of a study (PS3.4 C.6.2.1): what links to "
        "the old one, a report or a key object, no longer finds it.",
        rows_of_the_target: "You counted rows of the target, so a second row of a known study counts as a study that nobody sent. Count "
        "studies: each UID once.",
        the_other_way_round: "`missing` and `extra` are exchanged. Missing is what the old archive has and the new one has not.",
        missing_are_short_too: "You count studies that are not there at all as short as well. Short are those that are in both, with fewer "
        "instances; in an outer merge, the others have no number to compare.",
        objects_for_studies: "That is how many objects are lacking. Asked is of how many *studies*: the list that somebody has to work off "
        "has a line for each.",
        net_of_all_objects: "You subtracted the sums of all instances. There a study that is listed twice pays for one that lacks images. "
        "Compare the two numbers of each study.",
        images_alone: "You compared images, without what else a study has. A study that lost its presentation states, key objects or dose "
        "reports is short as well; they are instances like any other.",
        issuer_too: "You counted the second copies as well, because they have no issuer. Asked is the `patient_id` of the first row. (That "
        "a number without its issuer names nobody is true, and these copies have an entry of their own: `twice`.)",
        nothing_extra: "You found nothing in excess. Look the other way round too: is there a UID in the target that the source does not "
        "have?",
        both_rows: "You counted the rows of the studies that are there more than once, both of them. Asked is how many studies these are.",
    }
    hints = [
        "First the target without its second rows: `first = target.drop_duplicates(\"study_uid\")`. Its length against that of `target` is "
        "one of the entries already.",
        "Then those that are in both: `both = source.merge(first, on=\"study_uid\", suffixes=(\"_old\", \"_new\"))`. What `source` has "
        "more than `both` is missing, what `first` has more is extra.",
        "`(both.instances_new < both.instances_old).sum()` counts rows; the same with `!=` for the two columns of the patient's ID.",
    ]
    praise = "Equal totals, and yet hundreds of patients are affected in a large archive. This list, and not the totals, is what the " \
        "acceptance protocol needs; the studies in it have to be explained one by one, or moved again."


def _nearly_enough(name, given, right, input_of):
    """A sentence on a number of studies that is almost enough, or more than it takes, and on other limits that are near."""
    if name == "vendor_at_most" and Near("")._near(100 * given[0], right[0]):
        return "It is a hundred times too small: is it a fraction, where a percentage is asked?"
    if name == "own_at_most":
        own = input_of("own_sample")
        share, n, k = float(own.differs.mean()), len(own), int(own.differs.sum())
        near = {"the upper end of a two-sided interval, 2.5 % on each side; `upper_bound(n, k)` as it stands has 5 % on one side":
                upper_bound(n, k, 0.975),
                "the limit for one wrong study more than there are: count again": upper_bound(n, k + 1),
                "the limit for one wrong study less than there are: count again": upper_bound(n, k - 1)}
        told = [what for what, limit in near.items() if abs(given[0] - 100 * limit) < 0.06]
        if told:
            return f"That is {'. Or it is '.join(told)}."
        if abs(given[0] - 100 * (share + 1.96 * (share * (1 - share) / n) ** 0.5)) < 0.06:
            return "That is the bell curve with 1.96, the upper end of a two-sided interval. With so few wrong ones the bell does not " \
                "fit, and one side is asked: take `upper_bound`."
    if name == "not_covered":
        target = input_of("target")
        among = (target.modality == "CT") & (target.study_date >= RECENT)
        if abs(given[0] - 100 * (1 - float(among.mean()))) < 0.06:
            return "That is reckoned from the rows of `target`, where studies are missing and others stand twice. Take `source`."
    if name == "needed" and 2295 <= given[0] <= 2305:
        return "So many it takes for 90 % confidence. The question asks for 95 %."
    if name == "needed" and 2900 <= given[0] < ENOUGH[0]:
        return "With so many, a share of 0.1 per cent still shows no wrong one in just over 5 % of all samples: it takes some more."
    if name == "needed" and ENOUGH[1] < given[0] <= 3100:
        return "So many are enough, but it takes fewer. Reckon without rounding on the way."
    return None


@lesson.exercise
class SampleSays:
    """What do the two samples prove? Work out, all with **95 % confidence, one-sided**:

    - `vendor_at_most`: the vendor's sample has no wrong study. Up to how many **per cent** of the studies like these may be wrong all
      the same? (Rule of three or exact.)
    - `needed`: how many studies without a single wrong one does it take to say *at most 0.1 per cent*? (Either way of reckoning.)
    - `not_covered`: the vendor drew from the CT studies with a `study_date` from 2024-01-01 on. How many **per cent** of the studies in
      `source` are not of that kind, so that his sample says nothing about them?
    - `own_at_most`: HVGH's own sample has some wrong ones. Up to how many **per cent** of all studies may be wrong? Count them, and take
      `upper_bound`.

    Give two decimals of `vendor_at_most`, one of the last two.
    """

    answer = Fields("proof", {"vendor_at_most": Near("", unit="%"), "needed": Needed("", named=("studies",)),
                              "not_covered": Number("", unit="%", tolerance=0.06), "own_at_most": Share("", unit="%", tolerance=0.06)},
                    remark=_nearly_enough)
    points = 3

    def solution(source, vendor_sample, own_sample):
        n = len(vendor_sample)
        covered = source[(source.modality == "CT") & (source.study_date >= "2024-01-01")]
        wrong = int(own_sample.differs.sum())
        return {
            "vendor_at_most": 100 * 3 / n,
            "needed": 3 / 0.001,
            "not_covered": 100 * (1 - len(covered) / len(source)),
            "own_at_most": 100 * upper_bound(len(own_sample), wrong),
        }

    def none_is_none(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "vendor_at_most": 0}

    def one_in_so_many(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "vendor_at_most": 100 / len(vendor_sample)}

    def two_sided(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "vendor_at_most": 100 * (1 - 0.025 ** (1 / len(vendor_sample)))}

    def one_per_mille_of_the_archive(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": round(0.001 * len(source))}

    def the_share_upside_down(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 1000}

    def per_cent_for_per_mille(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 30}

    def one_per_cent(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 300}

    def ten_by_feeling(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 10000}

    def the_whole_archive(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": len(source)}

    def needed_for_two_sides(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 3688}

    def needed_for_ninety(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "needed": 2302}

    def recent_or_ct(source, vendor_sample, own_sample):
        neither = (source.modality != "CT") & (source.study_date < RECENT)
        return {**SampleSays.solution(source, vendor_sample, own_sample), "not_covered": 100 * float(neither.mean())}

    def covered(source, vendor_sample, own_sample):
        right = SampleSays.solution(source, vendor_sample, own_sample)
        return {**right, "not_covered": 100 - right["not_covered"]}

    def any_date(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "not_covered": 100 * float((source.modality != "CT").mean())}

    def any_modality(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "not_covered": 100 * float((source.study_date < RECENT).mean())}

    def not_in_the_sample(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "not_covered": 100 * (1 - len(vendor_sample) / len(source))}

    def as_found(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "own_at_most": 100 * float(own_sample.differs.mean())}

    def three_again(source, vendor_sample, own_sample):
        return {**SampleSays.solution(source, vendor_sample, own_sample), "own_at_most": 100 * 3 / len(own_sample)}

    def found_and_three(source, vendor_sample, own_sample):
        right = SampleSays.solution(source, vendor_sample, own_sample)
        return {**right, "own_at_most": 100 * (float(own_sample.differs.mean()) + 3 / len(own_sample))}

    def by_the_bell(source, vendor_sample, own_sample):
        share, n = float(own_sample.differs.mean()), len(own_sample)
        limit = share + 1.645 * (share * (1 - share) / n) ** 0.5
        return {**SampleSays.solution(source, vendor_sample, own_sample), "own_at_most": 100 * limit}

    def the_other_sample(source, vendor_sample, own_sample):
        right = SampleSays.solution(source, vendor_sample, own_sample)
        return {**right, "own_at_most": 100 * upper_bound(len(vendor_sample), int(own_sample.differs.sum()))}

    wrong_ways = {
        none_is_none: "No wrong one *in the sample* is not no wrong one in the archive. Whoever throws a die five times and sees no six "
        "does not have a die without one. Ask how large the share could be, so that such a sample would still be seen once in twenty "
        "times.",
        one_in_so_many: "*Fewer than one in n* is no bound: with that share, a sample of n without a wrong one is seen more than a third "
        "of the time, (1 - 1/n) to the power n. For 95 % confidence it has to be so large that it is seen in 5 %.",
        two_sided: "That is the upper end of a two-sided interval, 2.5 % on each side. With nothing found there is no lower end to speak "
        "of; the question asks for one side.",
        one_per_mille_of_the_archive: "You took 0.1 per cent of the archive. What a sample proves depends on how many it has, and hardly "
        "on how large the archive is it was drawn from.",
        the_share_upside_down: "In so many studies *one* wrong one is expected at 0.1 per cent, and more than a third of such samples show "
        "none all the same. So nothing is proved by it.",
        per_cent_for_per_mille: "0.1 per cent is 0.001, not 0.1: divide by that.",
        one_per_cent: "That is what it takes to say *at most 1 per cent*. A tenth of the share takes ten times as many.",
        ten_by_feeling: "That is ten divided by 0.001. With nothing wrong found it takes fewer: the rule of three says how many.",
        the_whole_archive: "You would compare all of it. Then no confidence is needed, for there is nothing left to guess; a sample "
        "without a wrong one does it with far fewer.",
        needed_for_two_sides: "So many it takes for 2.5 % on one side, as in a two-sided interval. The question asks for 5 % on one side.",
        needed_for_ninety: "So many it takes for 90 % confidence. The question asks for 95 %.",
        recent_or_ct: "You took off the recent studies *and* the CTs, each for itself. The vendor drew what is both, CT and recent: a "
        "recent MR or an old CT is not covered either.",
        covered: "That is the share that the sample can speak of. Asked is the other one, of which it says nothing.",
        any_date: "You left out the date: the vendor drew recent CTs alone. Old ones have other scanners, other transfer syntaxes and "
        "other dirt.",
        any_modality: "You left out the modality: recent studies of all others are not covered either.",
        not_in_the_sample: "You counted what is not in the sample itself. A sample drawn by lot speaks for all that it could have drawn; "
        "it is silent about those that had no chance.",
        as_found: "That is the share found in the sample, the best guess. The question asks up to what it may be: a guess from a few "
        "hundred has a margin, and the contract's limit has to lie above its upper end.",
        three_again: "The rule of three holds where *nothing* was found. Here wrong ones were: give their number to `upper_bound`.",
        found_and_three: "You added the rule of three to what was found. The margin grows with what is found: use `upper_bound` with both "
        "numbers.",
        by_the_bell: "You took the bell curve, share + 1.645 x standard error. With so few wrong ones the distribution leans to one side, "
        "and this limit is too low: it promises more than it holds. The exact limit takes the lean into account.",
        the_other_sample: "You used the size of the vendor's sample with what HVGH found. Take the size of HVGH's own.",
    }
    hints = [
        "The rule of three: with nothing wrong in n, the share is at most 3/n, with 95 % confidence. For `needed`, turn it round.",
        "`source[(source.modality == \"CT\") & (source.study_date >= \"2024-01-01\")]` are the studies that he could draw; their share, "
        "and then the rest of it.",
        "`own_sample.differs.sum()` counts the wrong ones; `upper_bound(n, k)` gives a fraction: times 100.",
    ]
    praise = "So the vendor's sample is true, small, and taken where nothing goes wrong; and it was drawn from what had arrived, where " \
        "no lost study can ever be. Your own, drawn by lot from the source's list, speaks of far more than the 0.1 per cent of the " \
        "contract. (300 are few: even without a single wrong one they would prove no more than *at most 1 per cent*.)"


# --- what becomes of each study


def surviving(patient_id, patients):
    """The ID under which a patient is known now: follows `now` from merge to merge; None if an ID on the way is not known."""
    while patient_id in patients and patients[patient_id]["now"] is not None:
        patient_id = patients[patient_id]["now"]
    return patient_id if patient_id in patients else None


def _as_it_stands(patient_id, patients):
    return patient_id


def _days_apart(one, other):
    return abs((datetime.date.fromisoformat(one) - datetime.date.fromisoformat(other)).days)


SAME_DAY = {True: lambda one, other: one == other, False: lambda one, other: True, "month": lambda one, other: one[:7] == other[:7],
            "near": lambda one, other: _days_apart(one, other) <= 1}
SAME_MODALITY = {True: lambda one, other: one == other, False: lambda one, other: True,
                 "CR is DX": lambda one, other: one == other or {one, other} == {"CR", "DX"}}


def _decided(study, patients, orders, tests="leave", empty="leave", withdrawn="leave", unclear="manual", follow=surviving,
             follow_order=surviving, follow_found=surviving, own_id=False, own_id_found=False, born="survivor", passes=(),
             same_patient=True, foreign="manual", of_nobody="manual", of_anybody=False, merged="fix", search=True, unknown="search",
             no_number="search", found="fix", found_for_none="fix", modality=True, date=True, same_exam=False, guess=False,
             none_fits=None, nobody=None, few=1,
             test_id=lambda one: one.startswith("ZZ"), merged_tests=False, late_leave=False, birth_date_first=False):
    """What the policy says of a study; each argument is a way to read it otherwise."""
    leave = study["objects"] < few and empty == "leave" or study["withdrawn"] and withdrawn == "leave" \
        or test_id(study["patient_id"]) and tests == "leave" \
        or merged_tests and (surviving(study["patient_id"], patients) or "").startswith("ZZ")
    if birth_date_first and study["birth_date"] == "":
        return unclear
    if leave and not late_leave:
        return "leave"
    patient = follow(study["patient_id"], patients)
    if patient is None:
        return nobody or unclear
    if born:
        theirs = patients[study["patient_id"] if born == "as it stands" else patient]["birth_date"]
        empty_ones = [name for name, one in (("study", study["birth_date"]), ("master", theirs)) if one == ""]
        length = 4 if born == "year" else 10
        if "both" in passes and len(empty_ones) == 2 or any(one in passes for one in empty_ones):
            pass
        elif empty_ones or theirs[:length] != study["birth_date"][:length]:
            return unclear
        elif born == "both" and patients[study["patient_id"]]["birth_date"] != theirs:
            return unclear
    if leave:
        return "leave"
    changed = merged if patient != study["patient_id"] else "auto"
    order = orders.get(study["accession"])
    ours = {False: (patient,), True: (study["patient_id"],), "either": (patient, study["patient_id"])}
    if order is not None:
        if of_nobody != "manual" and surviving(order["patient_id"], patients) is None:
            if of_nobody != "search":
                return changed
        elif same_patient and follow_order(order["patient_id"], patients) not in ours[own_id]:
            if foreign != "search":
                return foreign
        elif same_exam and (order["date"], order["modality"]) != (study["date"], study["modality"]):
            return unclear
        else:
            return changed
    how = no_number if study["accession"] == "" else unknown
    if not search or how != "search":
        return (how if how != "search" else "manual") if changed == "auto" or how == "manual" else changed
    fitting = [one for one in orders.values() if (
        of_anybody or follow_found(one["patient_id"], patients) in ours[own_id_found])
               and SAME_DAY[date](one["date"], study["date"]) and SAME_MODALITY[modality](one["modality"], study["modality"])]
    if len(fitting) == 1 or guess and fitting:
        return (found_for_none if study["accession"] == "" else found) if changed == "auto" else changed
    return none_fits if none_fits and not fitting else unclear


def _once(patient_id, patients):
    known = patients.get(patient_id)
    return None if known is None else known["now"] or patient_id


def _rule(study, patients, orders):
    """Which rule decides about a study, and by what: a sentence."""
    patient, number = surviving(study["patient_id"], patients), study["accession"]
    if study["objects"] == 0 or study["withdrawn"] or study["patient_id"].startswith("ZZ"):
        why = "has no objects" if study["objects"] == 0 else "is withdrawn" if study["withdrawn"] else "is of a test patient"
        return f"Rule 1 decides here, before all others: the study {why}."
    if patient is None:
        return "Rule 2 decides here: nobody has that Patient ID, now or before a merge."
    if patients[patient]["birth_date"] != study["birth_date"]:
        born, says = patients[patient]["birth_date"] or "(empty)", study["birth_date"] or "nothing"
        return f"Rule 2 decides here: the patient is {patient} now, born {born}; the study says {says}."
    if study["birth_date"] == "":
        return f"Rule 2 decides here: neither the study nor the master, for {patient}, has a birth date."
    if number in orders:
        if surviving(orders[number]["patient_id"], patients) != patient:
            theirs = orders[number]["patient_id"]
            who = "an ID that nobody has" if surviving(theirs, patients) is None else "another patient"
            return f"Rule 3 decides here: `orders` has the number, and its order is of {theirs}, {who}."
        said = f"`orders` has the number; its order is of {orders[number]['patient_id']}, the same patient"
    else:
        fitting = [one for one, order in orders.items() if surviving(order["patient_id"], patients) == patient
                   and (order["date"], order["modality"]) == (study["date"], study["modality"])]
        if len(fitting) != 1:
            return f"Rule 3 decides here: `orders` has no such number, and {len(fitting) or 'no'} orders fit patient, date and modality."
        said = f"`orders` has no such number, and one order fits, {fitting[0]}"
    return f"Rules 1 to 3 let it through ({said}), so rule 4 decides; the patient is {patient} now."


PILES = ("auto", "fix", "manual", "leave")


def _pile(value):
    """One of the four words, however it is written; ValueError for anything else."""
    word = " ".join(value.split()).strip("'\"` ").casefold() if type(value) is str else value
    if word not in PILES:
        held = "; what is held back in quarantine is `manual`" if type(word) is str and ("quarantine" in word or "held" in word) else ""
        raise ValueError(f"it is none of the four words `auto`, `fix`, `manual` and `leave`{held}")
    return word


class Decides(Function):
    """A function of a study and two tables, of which the study is what a person wants to see."""

    def _as_written(self, case):
        study = case[0]
        said = ", ".join(f"{name} {value!r}" for name, value in study.items())
        return f"the study with {said}"


@lesson.exercise
class Decide:
    """HVGH's migration policy, for each study of the old archive, in this order:

    1. **leave**: the study has no objects, or all its objects are withdrawn, or it is of a test patient (the Patient ID that it carries
       begins with `ZZ`).
    2. Who is it? The ID under which the patient is known *now*, `surviving(...)`. Not known: **manual**. The birth date that the master
       has for *this* ID is not the study's: **manual**. One of the two is empty, or both: **manual**, for nothing is then witnessed.
    3. Which order? If `orders` has the study's accession number: the order must be of the same patient (an order may stand under a
       retired ID too); else **manual**. Date and modality are not compared then: exams are put off, or done on another device, under
       the order that they have. If the accession number is empty or not known: look for orders of this patient with the same date and
       the same modality, letter by letter (`CR` is not `DX`). Exactly one: that is it. None or several: **manual**.
    4. If the Patient ID or the accession number has to be changed: **fix** (a rule corrects it, the UIDs stay, and the old value goes
       into the Original Attributes Sequence). Else **auto**.

    Write `decide(study, patients, orders)`, which returns one of the four words. The three look as in the cell above.
    """

    answer = Decides("decide", result=Text("", reading=_pile), about=_rule)
    points = 4

    def solution(study, patients, orders):
        if study["objects"] == 0 or study["withdrawn"] or study["patient_id"].startswith("ZZ"):
            return "leave"
        patient = surviving(study["patient_id"], patients)
        if patient is None:
            return "manual"
        if study["birth_date"] == "":
            return "manual"
        if patients[patient]["birth_date"] != study["birth_date"]:
            return "manual"
        accession = study["accession"]
        if accession in orders:
            if surviving(orders[accession]["patient_id"], patients) != patient:
                return "manual"
        else:
            fitting = []
            for number in orders:
                order = orders[number]
                same_patient = surviving(order["patient_id"], patients) == patient
                if same_patient and order["date"] == study["date"] and order["modality"] == study["modality"]:
                    fitting.append(number)
            if len(fitting) != 1:
                return "manual"
            accession = fitting[0]
        if patient != study["patient_id"]:
            return "fix"
        if accession != study["accession"]:
            return "fix"
        return "auto"

    def drops_the_unclear(study, patients, orders):
        return _decided(study, patients, orders, unclear="leave")

    def takes_the_first(study, patients, orders):
        return _decided(study, patients, orders, guess=True)

    def merged_goes_by_itself(study, patients, orders):
        return _decided(study, patients, orders, merged="auto")

    def merged_to_a_person(study, patients, orders):
        return _decided(study, patients, orders, merged="manual")

    def one_merge_only(study, patients, orders):
        return _decided(study, patients, orders, follow=_once)

    def birth_date_of_the_retired_id(study, patients, orders):
        return _decided(study, patients, orders, born="as it stands")

    def year_of_birth(study, patients, orders):
        return _decided(study, patients, orders, born="year")

    def an_empty_birth_date_will_do(study, patients, orders):
        return _decided(study, patients, orders, passes=("study",))

    def an_empty_one_in_the_master_will_do(study, patients, orders):
        return _decided(study, patients, orders, passes=("master",))

    def both_empty_are_the_same(study, patients, orders):
        return _decided(study, patients, orders, passes=("both",))

    def birth_date_before_all(study, patients, orders):
        return _decided(study, patients, orders, birth_date_first=True)

    def a_single_z(study, patients, orders):
        return _decided(study, patients, orders, test_id=lambda one: one.startswith("Z"))

    def merged_into_a_test_patient(study, patients, orders):
        return _decided(study, patients, orders, merged_tests=True)

    def order_of_nobody_is_none(study, patients, orders):
        return _decided(study, patients, orders, of_nobody="search")

    def order_of_nobody_will_do(study, patients, orders):
        return _decided(study, patients, orders, of_nobody="will do")

    def order_under_either_id(study, patients, orders):
        return _decided(study, patients, orders, own_id="either", follow_order=_as_it_stands)

    def found_under_either_id(study, patients, orders):
        return _decided(study, patients, orders, own_id_found="either", follow_found=_as_it_stands)

    def same_month(study, patients, orders):
        return _decided(study, patients, orders, date="month")

    def days_around(study, patients, orders):
        return _decided(study, patients, orders, date="near")

    def cr_is_dx(study, patients, orders):
        return _decided(study, patients, orders, modality="CR is DX")

    def order_as_it_stands(study, patients, orders):
        return _decided(study, patients, orders, follow_order=_as_it_stands)

    def orders_found_as_they_stand(study, patients, orders):
        return _decided(study, patients, orders, follow_found=_as_it_stands)

    def both_as_they_stand(study, patients, orders):
        return _decided(study, patients, orders, own_id=True, follow_order=_as_it_stands)

    def found_where_both_stand_alike(study, patients, orders):
        return _decided(study, patients, orders, own_id_found=True, follow_found=_as_it_stands)

    def order_against_the_studys_id(study, patients, orders):
        return _decided(study, patients, orders, own_id=True)

    def found_by_the_studys_id(study, patients, orders):
        return _decided(study, patients, orders, own_id_found=True)

    def foreign_number_is_unknown(study, patients, orders):
        return _decided(study, patients, orders, foreign="search")

    def foreign_number_is_corrected(study, patients, orders):
        return _decided(study, patients, orders, foreign="fix")

    def compares_the_exam_too(study, patients, orders):
        return _decided(study, patients, orders, same_exam=True)

    def orders_of_anybody(study, patients, orders):
        return _decided(study, patients, orders, of_anybody=True)

    def no_order_no_change(study, patients, orders):
        return _decided(study, patients, orders, none_fits="auto")

    def no_order_stays_behind(study, patients, orders):
        return _decided(study, patients, orders, none_fits="leave")

    def empty_number_to_a_person(study, patients, orders):
        return _decided(study, patients, orders, no_number="manual")

    def unknown_number_to_a_person(study, patients, orders):
        return _decided(study, patients, orders, unknown="manual")

    def leaves_at_last(study, patients, orders):
        return _decided(study, patients, orders, late_leave=True)

    def one_object_is_none(study, patients, orders):
        return _decided(study, patients, orders, few=2)

    def zz_anywhere(study, patients, orders):
        return _decided(study, patients, orders, test_id=lambda one: "ZZ" in one)

    def any_birth_date(study, patients, orders):
        return _decided(study, patients, orders, born=False)

    def accession_alone(study, patients, orders):
        return _decided(study, patients, orders, same_patient=False)

    def never_looks_for_an_order(study, patients, orders):
        return _decided(study, patients, orders, search=False)

    def unknown_numbers_stay(study, patients, orders):
        return _decided(study, patients, orders, unknown="auto")

    def found_goes_by_itself(study, patients, orders):
        return _decided(study, patients, orders, found="auto", found_for_none="auto")

    def no_number_is_no_change(study, patients, orders):
        return _decided(study, patients, orders, found_for_none="auto")

    def birth_date_of_both_ids(study, patients, orders):
        return _decided(study, patients, orders, born="both")

    def any_modality(study, patients, orders):
        return _decided(study, patients, orders, modality=False)

    def any_day(study, patients, orders):
        return _decided(study, patients, orders, date=False)

    def withdrawn_too(study, patients, orders):
        return _decided(study, patients, orders, withdrawn="")

    def empty_too(study, patients, orders):
        return _decided(study, patients, orders, empty="")

    def tests_too(study, patients, orders):
        return _decided(study, patients, orders, tests="")

    def strangers_stay_behind(study, patients, orders):
        return _decided(study, patients, orders, nobody="leave")

    wrong_ways = {
        drops_the_unclear: "You leave behind what is unclear. A study that nobody can assign today is still a patient's, and the law's "
        "retention period runs for it: it is held back for a person, never dropped.",
        takes_the_first: "Where several orders fit you take one of them. Of two CTs on one day one is then under the other's report. A "
        "rule may correct only what has a single answer.",
        merged_goes_by_itself: "You send studies of merged patients as they are. Their headers carry the retired ID, and in the new "
        "archive the patient has two folders: the change of the ID is a fix.",
        merged_to_a_person: "Every study under a retired ID goes to a person. The master says without doubt who survives; a rule can do "
        "it. (Not on purpose? Then look what you compare the order's patient with: the ID that the study carries, or the patient as known "
        "now.)",
        one_merge_only: "You follow a merge once. The ID that it leads to may have been merged itself: go on until `now` is None.",
        birth_date_of_the_retired_id: "You compare the birth date of the ID that the study carries. After a merge that entry counts no "
        "longer: a wrong merge, of two people, shows just there, where the patient as known now was born on another day.",
        year_of_birth: "You compare the year of birth alone. Many people are born in one year: compare the whole date.",
        an_empty_birth_date_will_do: "You let an empty birth date pass. Then nothing but a typed number says who it is: there is no second "
        "witness, and the policy wants one.",
        an_empty_one_in_the_master_will_do: "You let a study pass where the *master* has no birth date. There is nothing to compare the "
        "study's with, and the policy wants a second witness.",
        both_empty_are_the_same: "Where neither the study nor the master has a birth date, you take the two for the same: `\"\" == \"\"` "
        "is True. But nothing is witnessed by that. Ask for the empty one by itself.",
        birth_date_before_all: "You ask for an empty birth date before rule 1. What has no objects, is withdrawn or of a test patient "
        "stays, whatever its birth date.",
        a_single_z: "You leave behind every study whose Patient ID begins with one `Z`. A real patient's ID may begin so, and the study "
        "would be lost in silence. A test patient's begins with two: `\"ZZ\"`.",
        merged_into_a_test_patient: "You leave a study because its ID was merged *into* a test patient's. It carries a patient's own ID: "
        "rule 1 does not ask further, and the birth date of rule 2 shows that the merge was a mistake. A person looks, and nothing is "
        "dropped.",
        order_of_nobody_is_none: "The number is known, but its order is of an ID that nobody has, and you go on as if there were no such "
        "order. Then it is not of the same patient: `surviving(...)` gives None for it, and None is not this patient.",
        order_of_nobody_will_do: "The number is known, but its order is of an ID that nobody has, and you let it pass. Nobody is not the "
        "same patient: a person has to look.",
        order_under_either_id: "You compare the order's ID as it stands with two IDs, the study's and the one known now. A chain has "
        "more: the order may stand under a third. Compare `surviving(...)` of the order's ID with the patient as known now.",
        found_under_either_id: "Where you look for orders, you compare their ID as it stands with two IDs, the study's and the one known "
        "now. A chain has more: compare `surviving(...)` of the order's ID with the patient as known now.",
        same_month: "You look for orders of the same *month*. A follow-up a week later fits then as well: compare the whole date.",
        days_around: "You take orders of the day before and after as well. The policy says the same date: what else might be meant is for "
        "a person to see.",
        cr_is_dx: "You take CR and DX for one modality. They are often mixed up between RIS and device, and a hospital may make that a "
        "rule of its policy; this one does not say so, and a person has to look.",
        order_as_it_stands: "You compare the ID in the order as it stands. The order may have been placed before the merge: ask "
        "`surviving(...)` for it as well, where the number is known.",
        orders_found_as_they_stand: "Where you look for orders, you compare their ID as it stands. They may have been placed before a "
        "merge, or the study may carry a retired ID: compare `surviving(...)` of the order's ID with the patient as known now.",
        both_as_they_stand: "Where the number is known, you compare the IDs of order and study as they stand. Either may be a retired one: "
        "compare `surviving(...)` of the order's ID with the patient as known now.",
        found_where_both_stand_alike: "Where you look for orders, you compare their ID and the study's as they stand. Either may be a "
        "retired one: compare `surviving(...)` of the order's ID with the patient as known now.",
        order_against_the_studys_id: "Where the number is known, you compare the order's patient as known now with the ID that the *study* "
        "carries. That one may be retired: compare with the patient of rule 2.",
        found_by_the_studys_id: "Where you look for orders, you compare their patient as known now with the ID that the *study* carries. "
        "That one may be retired: compare with the patient of rule 2.",
        foreign_number_is_unknown: "A number that belongs to *another patient's* order you treat as unknown, and give the study a new one. "
        "But the number says one patient and the ID another: one of the two is wrong, and no rule can say which.",
        foreign_number_is_corrected: "Where the number is that of another patient's order you correct something. What, and by what? The "
        "number says one patient and the ID another, and no rule can say which is wrong.",
        compares_the_exam_too: "You compare date or modality where the number is known. The policy does not ask it: exams are put off, and "
        "done on another device, under the order that they have. Patient and number are two witnesses.",
        orders_of_anybody: "You look for an order of the same day and modality, whoever it is of. On any day there are many CTs: it must "
        "be *this patient's*.",
        no_order_no_change: "Where no order fits you let the study go. It arrives with a number that no system knows, or with none, and no "
        "report will ever find it: a person has to look.",
        no_order_stays_behind: "Where no order fits you leave the study behind. It is a patient's all the same: held back for a person, "
        "not dropped.",
        empty_number_to_a_person: "You give every study without a number to a person. Patient, day and modality point to a single order in "
        "most cases; only where they do not, somebody has to look.",
        unknown_number_to_a_person: "You give every study with an unknown number to a person. Treat it as an empty one: look for the order "
        "by patient, day and modality first.",
        leaves_at_last: "You ask who it is before you ask whether it moves at all. A test patient is in no master and goes to a person "
        "then, and so do the empty and the withdrawn of unknown patients. Rule 1 comes first.",
        one_object_is_none: "You leave behind studies of a single object. A radiograph is often just that: no objects means 0.",
        zz_anywhere: "You take every ID that holds `ZZ` for a test patient's. Asked is whether it *begins* so: `.startswith(\"ZZ\")`.",
        any_birth_date: "You do not compare the birth date. An ID that was typed one digit off is the valid ID of somebody else; the birth "
        "date is the second witness.",
        accession_alone: "You take the accession number's word. Numbers come again after a change of the RIS, and other hospitals use the "
        "same: the order must be of the same patient.",
        never_looks_for_an_order: "You do not look for an order where the number is empty or unknown. Patient, day and modality point to a "
        "single one in most cases.",
        unknown_numbers_stay: "A number that the RIS does not know is no better than none: typed wrongly, or from a system that is gone. "
        "Look for the order as if it were empty.",
        found_goes_by_itself: "Where you found the order by patient, day and modality, the accession number in the object has to be "
        "changed: that is a fix.",
        no_number_is_no_change: "Where the study has no number and you found its order, you send it as it is. But from empty to that "
        "number is a change as well: fix.",
        birth_date_of_both_ids: "You compare the birth date of the ID that the study carries as well as the survivor's. That entry is "
        "retired and counts no longer: what it says wrongly may be just what was corrected.",
        any_modality: "You look for orders of the same day, of any modality. The patient may have had a radiograph and a CT that day.",
        any_day: "You look for orders of the same modality on any day: then the number of last year's CT fits as well.",
        withdrawn_too: "You migrate withdrawn objects. Somebody took them out, because they are another patient's or misleading; in the "
        "new archive they are visible again, unless it takes over the mark as well.",
        empty_too: "You migrate studies without objects. There is nothing that could arrive; they only spoil the comparison.",
        tests_too: "You migrate the test patients. Their studies belong to nobody, and in the new archive they turn up in statistics and "
        "searches.",
        strangers_stay_behind: "You leave behind the studies of patients whom the master does not know. Somebody typed that ID; there is a "
        "patient behind it. Held back for a person, not dropped.",
    }
    hints = [
        "Take the rules in their order, each with a `return` of its own. What is left after rule 3 is either `\"fix\"` or `\"auto\"`.",
        "For rule 2: `patient = surviving(study[\"patient_id\"], patients)`, then `if patient is None:`, then compare "
        "`patients[patient][\"birth_date\"]`. Two empty birth dates are equal for Python: ask for that first.",
        "For rule 3: `if study[\"accession\"] in orders:` ... `else:` go through `for number in orders:`, put those that fit into a list, "
        "and look at its length.",
        "Remember the accession number that counts in the end, the study's own or the one that you found, and compare both, ID and number, "
        "at the end with what the study says.",
    ]
    praise = "Four piles, by rules that stand on one page: that is what the vendor's engineers can run, and what the board can sign."

    def cases(draw):
        found = []

        def born(turn=0):
            return f"{draw.randrange(1930, 2015)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"

        def day():
            return f"{draw.randrange(2016, 2025)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"

        for turn in range(3):
            stays, retired, older, stranger = (f"EC-{number}" for number in draw.sample(range(10000, 100000), 4))
            birth_date, date, modality = born(), day(), draw.choice(("CT", "MR", "CR", "US"))
            patients = {older: {"birth_date": birth_date, "now": retired}, retired: {"birth_date": birth_date, "now": stays},
                        stays: {"birth_date": birth_date, "now": None}, stranger: {"birth_date": birth_date, "now": None},
                        f"ZZ{turn}": {"birth_date": birth_date, "now": None}, f"EC-ZZ{turn}": {"birth_date": birth_date, "now": None},
                        f"Z-4{turn}": {"birth_date": birth_date, "now": None}, f"ZZ-8{turn}": {"birth_date": "1901-01-01", "now": None},
                        f"EC-1{turn}": {"birth_date": birth_date, "now": f"ZZ-8{turn}"}}
            other_day = birth_date[:8] + ("11" if birth_date[8:] != "11" else "12")
            other_year = str(int(birth_date[:4]) - 1) + birth_date[4:]
            other_month = f"{birth_date[:5]}{int(birth_date[5:7]) % 12 + 1:02d}{birth_date[7:]}"
            wrongly = {**patients, retired: {"birth_date": other_day, "now": stays}, older: {"birth_date": other_year, "now": retired}}
            known, more, another, other = (f"E{number}" for number in draw.sample(range(100000, 1000000), 4))
            wrong_modality = "DX" if modality != "DX" else "CT"
            study = {"patient_id": stays, "birth_date": birth_date, "accession": known, "date": date, "modality": modality,
                     "objects": draw.randrange(1, 900), "withdrawn": False}
            order = {"patient_id": stays, "date": date, "modality": modality}
            own = {known: order}

            def case(study, orders, patients=patients, others=True):
                # Beside its own orders stand those of others, of the same day and modality.
                beside = {another: {**order, "patient_id": stranger}, **orders, other: {**order, "patient_id": "EC-0"}}
                found.append((study, patients, beside if others else orders))

            def in_that_month(day):
                return f"{date[:8]}{(int(date[8:]) + day - 1) % 28 + 1:02d}"

            next_day = in_that_month(1) if date[8:] != "28" else in_that_month(-1)

            case(study, own)
            case({**study, "objects": 0}, own)
            case({**study, "withdrawn": True}, own)
            case({**study, "patient_id": f"ZZ{turn}"}, {known: {**order, "patient_id": f"ZZ{turn}"}})
            case({**study, "patient_id": f"ZZ9{turn}"}, own)                               # rule 1 before rule 2
            case({**study, "withdrawn": True, "patient_id": "EC-1O" + stays[-3:]}, own)
            case({**study, "objects": 0, "birth_date": day()}, own)
            case({**study, "patient_id": "EC-1O" + stays[-3:]}, own)                       # a letter O
            case({**study, "birth_date": day()}, own)
            case({**study, "birth_date": day(), "accession": ""}, own)
            for birth in ("", other_day, other_month, other_year):
                case({**study, "birth_date": birth}, own)
            for birth in ("", birth_date):                                                 # the master has none
                case({**study, "birth_date": birth}, own, {**patients, stays: {"birth_date": "", "now": None}})
                case({**study, "birth_date": birth, "accession": ""}, own, {**patients, stays: {"birth_date": "", "now": None}})
            case({**study, "birth_date": "", "objects": 0}, own)
            case({**study, "birth_date": "", "patient_id": f"ZZ{turn}"}, own)
            case({**study, "patient_id": f"Z-4{turn}"}, {known: {**order, "patient_id": f"Z-4{turn}"}})
            case({**study, "patient_id": f"EC-1{turn}"}, {known: {**order, "patient_id": f"EC-1{turn}"}})    # merged by mistake
            case({**study, "objects": 1}, own)
            case({**study, "patient_id": f"EC-ZZ{turn}"}, {known: {**order, "patient_id": f"EC-ZZ{turn}"}})
            for under, its_own in ((retired, other_day), (older, other_year)):             # two people merged into one by mistake
                case({**study, "patient_id": under, "birth_date": its_own}, own, wrongly)
                case({**study, "patient_id": under}, own, wrongly)
            case(study, {known: {**order, "date": day(), "modality": wrong_modality}})     # the number is enough
            for under in (retired, older):
                case({**study, "patient_id": under}, own)
                case({**study, "patient_id": under}, {known: {**order, "patient_id": retired}})
                case(study, {known: {**order, "patient_id": under}})
                case({**study, "patient_id": under, "accession": ""}, own)
                case({**study, "patient_id": under, "accession": ""}, {more: {**order, "patient_id": under}})
            case(study, {known: {**order, "patient_id": stranger}})                        # the number of somebody else
            case(study, {known: {**order, "patient_id": stranger}, more: dict(order)})     # ... and an order of his own that would fit
            case({**study, "patient_id": retired}, {known: {**order, "patient_id": stranger}, more: {**order, "patient_id": older}})
            case(study, {known: {**order, "patient_id": "EC-0"}})                          # ... of nobody
            case(study, {known: {**order, "patient_id": "EC-0"}, more: dict(order)})
            for taken, ordered in (("CR", "DX"), ("DX", "CR")):
                case({**study, "accession": "", "modality": taken}, {more: {**order, "modality": ordered}})
            case({**study, "accession": ""}, {more: {**order, "modality": modality.lower()}})              # letter by letter
            case({**study, "accession": ""}, {known: {**order, "patient_id": stranger}}, others=False)
            for accession in ("", f"X{draw.randrange(1000)}"):
                asking = {**study, "accession": accession}
                case(asking, own)
                case(asking, {})
                case(asking, {**own, more: dict(order)})
                case(asking, {**own, more: {**order, "modality": wrong_modality}})
                case(asking, {**own, more: {**order, "date": day()}})
                case(asking, {known: {**order, "modality": wrong_modality}})
                case(asking, {known: {**order, "date": day()}})
                case(asking, {known: {**order, "date": next_day}})
                case(asking, {known: {**order, "date": in_that_month(12)}})
                case(asking, {known: {**order, "patient_id": retired}})
        return found


# --- the next source, live


def _ecc(draw, count, undated=8, imported=4, heavy=False, patients=None):
    """Studies as Eastcliff Clinic's archive lists them: a list of OldStudy, patients of its own and `imported` ones of HVGH.

    heavy    : whether every other patient's ID begins with the same digits
    patients : the Patient ID of each study, in place of those that are drawn
    """
    found, uids = [], draw.sample(range(10 ** 6, 10 ** 7), count)
    for place, number in enumerate(uids):
        families, women, men = draw.choice(names.LANGUAGES)
        sex = draw.choice("FM")
        name = f"{draw.choice(families)}^{draw.choice(women if sex == 'F' else men)}".upper()
        birth_date = f"{draw.randrange(1930, 2010)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}"
        date = f"{draw.randrange(2016, 2025)}{draw.randrange(1, 13):02d}{draw.randrange(1, 29):02d}"
        when = ("", "") if count - place <= undated else (date, f"{draw.randrange(7, 19):02d}1500")
        begins = "88" if heavy and place % 2 else f"{draw.randrange(100):02d}"
        patient = f"HV{draw.randrange(100000, 190000)}" if place < imported else f"EC-{begins}{draw.randrange(1000):03d}"
        patient = patients[place] if patients else patient
        modality, images = draw.choice((("CT", 180), ("MR", 240), ("CR", 2), ("US", 30), ("MG", 4)))
        series = [(modality, max(1, images * draw.randrange(50, 150) // 100)) for _ in range(draw.choice((1, 1, 2, 3)))]
        if place % 3 == 0 or count - place <= undated:
            series.append(("PR", 1))
        found.append(OldStudy(f"2.999.300.{number}", patient, name, birth_date, sex, *when, f"E{number % 1000000:06d}", f"{modality} study",
                              tuple(series)))
    return found


@lesson.input
def undated_patient(hospital):
    """The Patient ID of somebody in ECC_PACS whose study has no date, and who has no other: str."""
    studies = lesson.input_of("ecc_studies", hospital)
    return next(one.patient for one in studies if not one.date and [other.patient for other in studies].count(one.patient) == 1)


@lesson.input
def ecc_studies(hospital):
    """What Eastcliff Clinic's archive lists: a list of OldStudy."""
    return _ecc(random.Random(f"ciip-02 {hospital.seed}"), 70, heavy=True)


def _begin_with(draw, *starts):
    """A Patient ID for each of the beginnings, no two the same: a list."""
    found = []
    while len(found) < len(starts):
        start = starts[len(found)]
        missing = 8 - len(start)                            # "EC-" and five digits, "HV" and six
        one = f"{start}{draw.randrange(10 ** missing):0{missing}d}"
        if one not in found:
            found.append(one)
    return found


def _to_be_asked(draw, new):
    """(studies, limit) of an archive of exercise 4, `new` or older: no number but `limit` itself tells in both what was cut off.

    Each digit begins an ID of either kind. In the older one the IDs are alike in four digits, or in one, and one patient has more rows
    than the new one's limit.
    """
    limit = draw.choice((5, 6, 7) if new else (20, 21, 22))
    each = [start + digit for start in ("EC-", "HV") for digit in "0123456789"]
    while True:
        patients = _begin_with(draw, *each)
        if not new:
            alike = _begin_with(draw, *["EC-884"] * 14, *["HV6"] * 10)
            patients = [one for one in patients if one not in alike] + alike + [alike[0]] * 3              # one with four studies
        draw.shuffle(patients)
        studies = _ecc(draw, len(patients), patients=patients)
        rows = [one.patient for one in studies for _ in (one.series if not new else one.series[:1])]
        most = max(map(rows.count, rows))
        if new or 7 <= most < limit < min(sum(one.startswith(start) for one in rows) for start in ("EC-884", "HV6")):
            return studies, limit


def _listed(state, prefix, cut=True):
    """The rows that a source sends for the Patient IDs with `prefix`: pairs (Study Instance UID, whether it has a date)."""
    rows = [(uid, dated) for uid, patient, dated, count in state["list"] if patient.startswith(prefix) for _ in range(count)]
    return rows[:state["limit"]] if cut else rows


def _harvest(state, starts=("EC-", "HV"), deep=("EC-", "HV"), digits="0123456789",
             split=lambda state, rows: len(rows) >= state["limit"]):
    """What a client with some idea gets: {Study Instance UID: whether it has a date}, and the rows without a date."""
    found, undated, todo = {}, [], list(starts)
    while todo:
        start = todo.pop()
        rows = _listed(state, start)
        if split(state, rows) and len(start) < 9 and (start.startswith(deep) or deep == () and start in starts):
            todo += [f"{start}{digit}" for digit in digits]
        else:
            found.update(rows)
            undated += [uid for uid, dated in rows if not dated]
    return found, undated


def _of(found):
    return {"studies": list(found), "undated": sum(not dated for dated in found.values())}


class Studies(Set):
    """Study Instance UIDs of an archive, each once."""

    def read(self, given):
        found, value = super().read(given), plain(given)
        entries = re.findall(r"[\d.]{9,}", value) if type(value) is str else value if type(value) is list else ()
        if len(entries) > len(found):
            raise Unreadable(f"It has {len(entries)} entries, and they are {len(found)} studies. Each is asked once: rows are not studies.")
        return found

    def difference(self, answer, other):
        if answer and all(uid not in other and re.fullmatch(r"2\.999\.[\d.]+", uid) for uid in answer):
            return Difference("None of these studies is in the archive that was asked about. Did you ask at `port`? An archive that you "
                              "started yourself is another one.", "another archive")
        return super().difference(answer, other)


class Undated(Number):
    """A number of studies without a date."""

    def difference(self, answer, other):
        if super().difference(answer, other) is None:
            return None
        empty = " Where none was entered, StudyDate is the empty text, `\"\"`, and not None." if not answer[0] else ""
        return Difference(f"You count {answer[0]} studies without a date, which is not their number.{empty}", "value")


@lesson.exercise
class CompleteInventory:
    """Write `inventory(port, limit)`: it asks the old archive `ECC_PACS` at `port` for **all** its studies, and returns a dictionary:

    - `"studies"`: the Study Instance UIDs, each once, in any form (a list, a set);
    - `"undated"`: how many of these **studies** have no Study Date.

    `limit` is from the vendor's conformance statement of *that* archive: a query ends after so many rows, with a warning or without one.
    Each Patient ID there is `EC-` and five digits, or `HV` and six; so no ID is the beginning of another. No single patient has as many
    rows as the limit.

    It is tried against two archives of that vendor, of different releases, with other patients and other limits than the one above: one
    is much smaller.
    """

    answer = Client("inventory", result=Fields("", {"studies": Studies("", case=True), "undated": Undated("", named=("studies", "study"))}),
                    called="archive", about=lambda state: state["about"])
    points = 4

    def solution(port, limit):
        scu = Scu("HV_MOVER", "ECC_PACS", port)
        dates = {}
        todo = ["EC-", "HV"]
        while len(todo) > 0:
            start = todo.pop()
            answers = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            if len(answers) >= limit:
                for digit in "0123456789":
                    todo.append(start + digit)
            else:
                for one in answers:
                    dates[one.StudyInstanceUID] = one.StudyDate
        undated = 0
        for uid in dates:
            if dates[uid] == "":
                undated = undated + 1
        return {"studies": list(dates), "undated": undated}

    @contextlib.contextmanager
    def stage(draw):
        with contextlib.ExitStack() as running:
            cases = []
            for new, about in ((True, "It tells of its limit, and has a row for each study."),
                               (False, "It does not tell of its limit, has a row for each series, many of its Patient IDs begin "
                               "alike, and one patient has many rows, though fewer than the limit.")):
                studies, limit = _to_be_asked(draw, new)
                archive = running.enter_context(OldArchive(studies, rows_per_series=not new, limit=limit, tells=new))
                inside = sorted(studies, key=lambda one: (one.date == "", one.date, one.uid))         # as it lists them
                state = {"list": [(one.uid, one.patient, one.date != "", 1 if new else len(one.series)) for one in inside],
                         "limit": limit, "tells": new, "about": about}
                cases.append(((archive.port, limit), state))
            yield cases

    def right(state):
        return _of(dict(_listed(state, "", cut=False)))

    def asked_once(state):
        return _of(dict(_listed(state, "")))

    def by_dates(state):
        return _of({uid: dated for uid, dated in _listed(state, "", cut=False) if dated})

    def by_the_warning(state):
        return _of(_harvest(state, split=lambda state, rows: state["tells"] and len(rows) >= state["limit"])[0])

    def no_answer_at_all(state):
        return {"studies": [], "undated": 0}

    def nine_digits(state):
        return _of(_harvest(state, digits="123456789")[0])

    def never_splits(state):
        return _of(_harvest(state, split=lambda state, rows: False)[0])

    def one_digit(state):
        return _of(_harvest(state, deep=())[0])

    def own_patients_only(state):
        return _of(_harvest(state, starts=("EC-",))[0])

    def hv_never_split(state):
        return _of(_harvest(state, deep=("EC-",))[0])

    def as_the_four_shown(state):
        return _of(_harvest(state, starts=("EC-", "HV1"))[0])

    def undated_rows(state):
        found, undated = _harvest(state)
        return {"studies": list(found), "undated": len(undated)}

    def dated_are_counted(state):
        right = CompleteInventory.right(state)
        return {**right, "undated": len(right["studies"]) - right["undated"]}

    wrong_ways = {
        asked_once: "You asked once. The archive ended at its limit, and the rest of its studies is nowhere in your list. Nothing in a "
        "list shows what it lacks: compare its length with the limit.",
        by_dates: "All studies with a date are there, and none of the others. A range of dates does not find a study that has none "
        "(empty values can be asked for where both sides agree on it, PS3.4 C.2.2.2.7; here they do not). Go by the Patient ID.",
        by_the_warning: "In the archive that does not tell of its limit you never asked for less. Either you go on only where it says "
        "B001, a warning of newer services (PS3.4 C.6.4); an old one ends with 0000, success, at the limit. Or you compare the number of "
        "*studies* with `limit`, and it counts *rows*: with a row for each series, an answer that was cut off has fewer studies than that.",
        no_answer_at_all: "Your list is empty: no query was answered with a row. Look at `.statuses` of an answer. Anything but FF00H and "
        "0000H or B001H says that the query was not taken, as at level PATIENT, which this model does not have (Study Root: STUDY, SERIES, "
        "IMAGE; PS3.4 C.6.2).",
        nine_digits: "Patients are not in your list whose ID has a 0 where you go on. There are ten digits: \"0123456789\".",
        never_splits: "You asked for `EC-` and for `HV`, and never for less, although an answer had as many rows as the limit. More than "
        "the limit never come, for there the archive stops: ask with `>=`, and with `limit` itself, which is another for each archive.",
        one_digit: "You split once. A part that reaches the limit again must be split again, as often as it takes: put its parts back on "
        "the list of what is to be done.",
        own_patients_only: "The studies of patients with `HV` are not in your list. They came on discs, and nobody changed their IDs; what "
        "has a strange number is what easily gets lost in a migration.",
        hv_never_split: "You split `EC-`, and never `HV`, although its answer may have been cut off as well: the archives differ in how "
        "many such patients they have. Treat both beginnings alike.",
        as_the_four_shown: "Of the patients with `HV` you have those whose number begins with 1. The four that are shown above do; others "
        "begin otherwise.",
        undated_rows: "You counted rows without a date. The older archive sends a row for each *series* of a study, so a study may come "
        "several times. Count each UID once.",
        dated_are_counted: "You counted the studies that have a date. Asked are those that have none.",
    }
    hints = [
        "The cells above have the query; `len(answers) >= limit` tells that it may have been cut.",
        "Keep a list of what is still to be asked: `todo = [\"EC-\", \"HV\"]`, and `while len(todo) > 0:` take one with `todo.pop()`. "
        "Where the answer may have been cut, append ten longer beginnings, one for each digit; else keep what came.",
        "Keep the studies in a dictionary, `dates[one.StudyInstanceUID] = one.StudyDate`: a second row of a study then changes nothing.",
        "At the end go through the dictionary and count the dates that are empty, `\"\"`.",
    ]
    praise = "Before you believe it, compare its length with the number of studies that the old vendor reads from his database. Only " \
        "where both agree you know that it is complete."


# --- how long


@lesson.input
def sheet(hospital):
    """What was measured and agreed for Eastcliff Clinic's archive: a dict of numbers; the notebook explains them."""
    draws = Draws(hospital.seed, "ciip-02 sheet")
    while True:
        objects = draws.one(380, 520) * 100_000
        made = {"objects": objects, "bytes": objects * draws.one(480, 620) * 1000, "ms_per_object": draws.one(14, 20) * 10,
                "mb_per_second": draws.one(15, 25), "associations": 2, "line_mbit": draws.one(3, 5) * 100,
                "usable": draws.one(55, 70) / 100,
                "target_per_second": draws.one(12, 18), "again": draws.one(3, 6) / 100, "window_hours": draws.one(5, 6), "nights_a_week": 6,
                "new_objects_a_day": draws.one(20, 28) * 1000}
        days = sorted(way(made)["days"] for way in (HowLong.solution, *HowLong.by_days))
        once, binary = _hours(made, again=False)["network_hours"], _hours(made, mega=1024 * 1024)["network_hours"]
        # No two ideas come to the same number by chance.
        if all(later - earlier > 3.4 for earlier, later in zip(days, days[1:])) and abs(once - binary) > 2.4:
            return made


def _hours(sheet, again=True, both=True, objects=True, size=True, bits=8, mega=1e6, usable=True):
    """Hours of the three stages."""
    factor = 1 + sheet["again"] if again else 1
    count, volume = sheet["objects"] * factor, sheet["bytes"] * factor
    seconds = (count * sheet["ms_per_object"] / 1000 if objects else 0) + (volume / (sheet["mb_per_second"] * 1e6) if size else 0)
    return {"source_hours": seconds / (sheet["associations"] if both else 1) / 3600,
            "network_hours": volume * bits / (sheet["line_mbit"] * mega * (sheet["usable"] if usable else 1)) / 3600,
            "target_hours": count / sheet["target_per_second"] / 3600}


def _days(sheet, hours, nights=None, growth=1.0, sent=1.0, volume=None):
    """Days of the calendar for so many hours of work; `sent`, `volume`: how often the speed and the volume count an object."""
    a_day = sheet["window_hours"] * (nights or sheet["nights_a_week"]) / 7
    done = sheet["objects"] * sent * a_day / hours
    return sheet["objects"] * (volume or sent) / (done - sheet["new_objects_a_day"] * growth)


def _other_days(name, given, right, input_of):
    """A sentence on days that were reckoned otherwise, where no wrong way fits; two ideas may come to nearly the same number."""
    sheet = input_of("sheet")
    slowest, again = max(_hours(sheet).values()), 1 + sheet["again"]
    ideas = {
        "Your volume counts each object once, and your speed counts what is sent again as well. Count both alike: `sheet[\"objects\"]` "
        "are done in the hours of the slowest stage.": _days(sheet, slowest, sent=again, volume=1),
        "You let the clinic add on five days of the week only. `new_objects_a_day` come in on every day of the calendar.":
            _days(sheet, slowest, growth=5 / 7),
        "You count what is sent again twice: in the volume, and in the hours of the slowest stage, which are longer for it already. The "
        "volume is `sheet[\"objects\"]`, each object once.": _days(sheet, slowest, volume=again),
    }
    told = [sentence for sentence, days in ideas.items() if name == "days" and abs(given[0] - days) < 1.6]
    return f"One of these: {' Or: '.join(told)}" if len(told) > 1 else "".join(told)


@lesson.exercise
class HowLong:
    """How long will Eastcliff's archive take, by `sheet`? All objects go through three stages at the same time, one behind the other, as
    on a conveyor belt. Work out

    - `source_hours`: hours that the source needs for all of its objects (with those that are sent again), both associations at work;
    - `network_hours`: hours that the line needs for all of them;
    - `target_hours`: hours that the target needs for all of them;
    - `days`: **days of the calendar** until nothing is left in the source that is not in the target, if the work is done in the windows
      only, and the clinic goes on adding to the old archive meanwhile. Count each object once here. All of `objects` get done in the
      hours of the slowest stage, for what is sent again is in these hours; how many is that on an average day? `new_objects_a_day` come
      in. (A new object takes as long as an old one, what is sent again included.)

    Whole hours are near enough, and whole days.
    """

    answer = Fields("duration", {"source_hours": Number("", unit="h", tolerance=1.1), "network_hours": Number("", unit="h", tolerance=1.1),
                                 "target_hours": Number("", unit="h", tolerance=1.1),
                                 "days": Number("", unit="days", tolerance=1.6)}, remark=_other_days)
    points = 3

    def solution(sheet):
        objects = sheet["objects"] * (1 + sheet["again"])
        size = sheet["bytes"] * (1 + sheet["again"])
        source_seconds = objects * sheet["ms_per_object"] / 1000 + size / (sheet["mb_per_second"] * 1e6)
        source_hours = source_seconds / sheet["associations"] / 3600
        network_hours = size * 8 / (sheet["line_mbit"] * 1e6 * sheet["usable"]) / 3600
        target_hours = objects / sheet["target_per_second"] / 3600
        slowest = max(source_hours, network_hours, target_hours)
        hours_a_day = sheet["window_hours"] * sheet["nights_a_week"] / 7
        objects_a_day = sheet["objects"] * hours_a_day / slowest
        days = sheet["objects"] / (objects_a_day - sheet["new_objects_a_day"])
        return {"source_hours": source_hours, "network_hours": network_hours, "target_hours": target_hours, "days": days}

    def nothing_again(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, again=False)}

    def line_without_repetitions(sheet):
        return {**HowLong.solution(sheet), "network_hours": _hours(sheet, again=False)["network_hours"]}

    def target_without_repetitions(sheet):
        return {**HowLong.solution(sheet), "target_hours": _hours(sheet, again=False)["target_hours"]}

    def one_association(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, both=False)}

    def size_only(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, objects=False)}

    def number_only(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, size=False)}

    def bytes_for_bits(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, bits=1)}

    def binary_megabits(sheet):
        return {**HowLong.solution(sheet), "network_hours": _hours(sheet, mega=1024 * 1024)["network_hours"]}

    def the_whole_line(sheet):
        return {**HowLong.solution(sheet), **_hours(sheet, usable=False)}

    def one_after_the_other(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, sum(_hours(sheet).values()))}

    def by_the_line(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, _hours(sheet)["network_hours"])}

    def by_the_target(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, _hours(sheet)["target_hours"])}

    def mean_of_the_stages(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, sum(_hours(sheet).values()) / 3)}

    def day_and_night(sheet):
        return {**HowLong.solution(sheet), "days": max(_hours(sheet).values()) / 24}

    def every_night(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values()), nights=7)}

    def no_growth(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values()), growth=0)}

    def growth_once(sheet):
        hours = max(_hours(sheet).values())
        first = _days(sheet, hours, growth=0)
        return {**HowLong.solution(sheet), "days": first * (1 + sheet["new_objects_a_day"] * first / sheet["objects"])}

    def nights_for_days(sheet):
        # growth by the day, work by the night, and then the nights are not turned into days
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values())) * sheet["nights_a_week"] / 7}

    def growth_of_the_nights_only(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values()), growth=sheet["nights_a_week"] / 7)}

    def growth_sent_once(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values()), sent=1 + sheet["again"])}

    def hours_by_the_window(sheet):
        return {**HowLong.solution(sheet), "days": max(_hours(sheet).values()) / sheet["window_hours"]}

    def volume_once_and_speed_again(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, max(_hours(sheet).values()), sent=1 + sheet["again"], volume=1)}

    def one_after_the_other_without_growth(sheet):
        return {**HowLong.solution(sheet), "days": _days(sheet, sum(_hours(sheet).values()), growth=0)}

    by_days = (one_after_the_other, by_the_line, by_the_target, mean_of_the_stages, day_and_night, every_night, no_growth, growth_once,
               nights_for_days, growth_of_the_nights_only, growth_sent_once, hours_by_the_window, volume_once_and_speed_again,
               one_after_the_other_without_growth)
    wrong_ways = {
        nothing_again: "You left out what has to be sent a second time. Failed sub-operations, aborted associations and stopped nights "
        "cost as much as the first time; `again` is their share.",
        line_without_repetitions: "You left out what goes over the line a second time: `again` is its share, at every stage.",
        target_without_repetitions: "You left out what the target has to take a second time: `again` is its share, at every stage.",
        one_association: "You reckoned with one association. The source serves two at a time, each with objects of its own.",
        size_only: "You divided bytes by a speed, and left out what each *object* costs: look-up, opening a file, a C-STORE and its "
        "answer. With small objects this is most of the time.",
        number_only: "You left out the time for reading the bytes. An object costs its fixed time and then the time for its size.",
        bytes_for_bits: "Lines are told in bits, archives in bytes. Eight bits are a byte.",
        binary_megabits: "You took 1024 x 1024 bits for a megabit. Lines are told in decimal units: a million bits.",
        the_whole_line: "The line is not yours alone: `usable` is the share that is left for the migration, protocol overhead taken off.",
        one_after_the_other: "You added the stages. They work at the same time: while the target stores an object, the source reads the "
        "next. The slowest sets the pace, the others wait for it.",
        by_the_line: "You reckoned with the line. Here it is not the slowest: look which stage takes longest.",
        by_the_target: "You reckoned with the target. Here it is not the slowest: look which stage takes longest.",
        mean_of_the_stages: "You took the mean of the stages. A chain of stages is as fast as its slowest.",
        day_and_night: "So many days it would take at 24 hours a day, and with nothing added. In the day the archive belongs to its "
        "readers; the window is a few hours of a night.",
        every_night: "You let it run seven nights a week. In one of them the backup has the archive.",
        no_growth: "You left out what the clinic adds every day. It is in the old archive, too, and must follow: only what you move "
        "*beyond* it makes the rest smaller.",
        nights_for_days: "That is the number of nights with a run. Asked are days of the calendar, and not each of them has a run.",
        growth_of_the_nights_only: "You let the clinic add only on days with a run. It adds every day, on that of the backup too.",
        growth_sent_once: "You took the clinic's new objects off the number that is *sent* in a day, repetitions included. But of the new "
        "ones a share has to be sent again as well. Count objects that are done: `sheet[\"objects\"]`, without `again`, by the hours that "
        "they take.",
        hours_by_the_window: "That is the number of nights that the slowest stage fills, and no more. Not each day has a night with a run, "
        "and every day the clinic adds something.",
        one_after_the_other_without_growth: "You added the stages, which work at the same time: the slowest sets the pace. And you left "
        "out what the clinic adds every day.",
        growth_once: "You added what comes in during the first reckoning, once. While you move that, more comes in, and so on. The rest "
        "shrinks by the difference of the two speeds: volume / (speed - growth).",
    }
    hints = [
        "First the two totals, times `1 + sheet[\"again\"]`. The source: number x milliseconds / 1000, plus bytes / (megabytes per second "
        "x a million), all that divided by the associations, and by 3600.",
        "The line: bytes x 8, divided by megabits per second x a million x usable share. The target: number / number per second. Both / "
        "3600.",
        "Days: the slowest stage sets the pace. On an average day it works window x nights / 7 hours: how many objects are that? Take off "
        "what the clinic adds, and divide the volume by the rest.",
    ]
    praise = "Now you know not only how long, but what to buy: a faster line would change nothing here. A wider window would, or " \
        "whatever speeds up the slowest stage; and if the new exams went to the new archive from the first day, none would have to follow."


# --- in which order

START = "2024-04-08"                    # a Monday: day 0 of the replayed year
NIGHTS = 200
LIVE = 14                               # the day on which the new archive takes over
MOST = 2500                             # studies of a replay: of a large hospital every n-th patient
LATER = 2.0                             # points by which an order may miss more unbooked priors than the best that we know
SORTED = {"newest": lambda one: (-one.day, one.pk), "oldest": lambda one: (one.day, one.pk), "smallest": lambda one: (one.seconds, one.pk),
          "largest": lambda one: (-one.seconds, one.pk), "patient id": lambda one: (one.patient, one.pk)}


class _Prior:
    """A study in the old archive: `day` from START (negative), `seconds` that the mover needs for it."""

    __slots__ = ("pk", "patient", "day", "modality", "seconds")

    def __init__(self, pk, patient, day, modality, seconds):
        self.pk, self.patient, self.day, self.modality, self.seconds = pk, patient, day, modality, seconds


@lesson.input
def year(hospital):
    """What a migration of HV_PACS from START on would have met: ([_Prior], [(day of the exam, day it was ordered, [_Prior])])."""
    total = hospital.pacs.rows("SELECT count(*) FROM study")[1][0][0]
    every = max(1, round(total / MOST))
    day = f"CAST(julianday(substr({{}}, 1, 10)) - julianday('{START}') AS INTEGER)"
    studies = [_Prior(*row[:4], (row[4] * OBJECT_MS + row[5] // BYTES_PER_MS) / 1000 + 30) for row in hospital.pacs.rows(
        f"SELECT s.pk, s.patient_pk, {day.format('s.study_dt_local')}, (SELECT max(modality) FROM series WHERE study_pk = s.pk AND "
        "modality NOT IN ('SR', 'PR', 'KO')), s.n_instances, s.size_bytes FROM study s WHERE s.deleted = 0 AND s.n_instances > 0 AND "
        f"s.study_dt_local < '{START}' AND s.patient_pk % {every} = 0 ORDER BY s.study_dt_local DESC, s.pk")[1]]
    orders = hospital.pacs.rows(
        f"SELECT patient_pk, {day.format('scheduled_local')}, {day.format('ordered_utc')}, modality FROM orders WHERE "
        f"patient_pk % {every} = 0 AND scheduled_local >= '{START}' AND scheduled_local < date('{START}', '+{NIGHTS} days') "
        "AND status <> 'CANCELLED' ORDER BY scheduled_local, pk")[1]
    by_patient = {}
    for one in studies:
        by_patient.setdefault(one.patient, []).append(one)
    exams = []
    for patient, at, ordered, modality in orders:
        priors = by_patient.get(patient, [])
        opened = [one for one in priors if one.modality == modality][:2]
        opened += [one for one in priors[:1] if one not in opened]
        if opened:
            exams.append((at, ordered, opened))
    return studies, exams


def steps_of(value):
    """The steps of a plan as (what, days, years, modalities); ValueError with a sentence for what is no step."""
    steps = [value] if type(value) is dict else value
    if type(steps) is not list or not 0 < len(steps) <= 12:
        raise ValueError("a plan is a list of one to twelve steps")
    found = []
    for number, step in enumerate(steps, 1):
        if type(step) is not dict:
            raise ValueError(f"step {number} is no dictionary")
        step = {str(name).strip().casefold(): one for name, one in step.items()}
        if set(step) - {"studies", "days", "years", "modality"}:
            strange = sorted(set(step) - {"studies", "days", "years", "modality"})[0]
            raise ValueError(f"step {number} has an entry `{strange}`, which nobody knows")
        what = " ".join(str(step.get("studies", "")).strip().casefold().replace("_", " ").split())
        if what != "booked" and what not in SORTED:
            raise ValueError(f"the `studies` of step {number} are \"booked\", \"newest\", \"oldest\", \"smallest\", "
                             "\"largest\" or \"patient id\"")
        if (what == "booked") != ("days" in step):
            raise ValueError(f"step {number} needs `days`" if what == "booked" else f"`days` in step {number} goes with \"booked\" alone")
        modalities = step.get("modality", [])
        modalities = modalities.replace(",", " ").split() if type(modalities) is str else modalities
        if type(modalities) is not list or any(type(one) is not str for one in modalities) or "modality" in step and not modalities:
            raise ValueError(f"the `modality` of step {number} is a list such as [\"CT\", \"MR\"]")
        found.append((what, int(_number(step.get("days", 1), number, "days", 120)), _number(step.get("years", 200), number, "years", 200),
                      tuple(sorted(one.strip().upper() for one in modalities))))
    return found


def _number(value, step, name, most):
    try:
        number = float(value) if type(value) in (int, float, str) else None
    except ValueError:
        number = None
    if number is None or not 0 < number <= most or name == "days" and number != int(number):
        raise ValueError(f"the `{name}` of step {step} must be a {'whole ' * (name == 'days')}number from 1 to {most}")
    return number


def _replayed(studies, exams, steps):
    """What comes of a plan: {"booked", "unbooked": per cent of the opened priors that were missed, "left": studies never moved, ...}."""
    # A night has the number of the day on whose evening it begins. None from Sunday to Monday: the backup.
    worked = [night for night in range(NIGHTS) if night % 7 != 6]
    capacity = sum(one.seconds for one in studies) / (len(worked) - 2)
    queues = [None if what == "booked" else iter(sorted(
        (one for one in studies if one.day >= -365.25 * years and (not modalities or one.modality in modalities)), key=SORTED[what]))
        for what, _, years, modalities in steps]
    coming, moved, by_step, budget = {}, {}, [0] * len(steps), 0.0
    for exam in exams:
        coming.setdefault(exam[0], []).append(exam)
    for night in worked:
        budget += capacity
        for place, ((what, days, years, modalities), queue) in enumerate(zip(steps, queues)):
            if what == "booked":
                queue = (one for day in range(night + 1, night + 1 + days) for _, ordered, opened in coming.get(day, ()) if ordered <= night
                         for one in opened if one.day >= -365.25 * years and (not modalities or one.modality in modalities))
            while budget > 0 and (one := next(queue, None)) is not None:
                if one.pk not in moved:
                    moved[one.pk] = night
                    by_step[place] += 1
                    budget -= one.seconds
    missed, there, kinds = {"booked": 0, "unbooked": 0}, {"booked": 0, "unbooked": 0}, {}
    mondays = 0
    for day, ordered, opened in exams:
        if day >= LIVE:
            last = day - 1 - (day % 7 == 0)                                   # the last night with a run before that day
            kind = "booked" if ordered <= last else "unbooked"
            for one in opened:
                late = moved.get(one.pk, NIGHTS) >= day
                there[kind] += 1
                missed[kind] += late
                mondays += late and kind == "booked" and day % 7 == 0
                if late and kind == "unbooked":
                    kinds[one.modality] = kinds.get(one.modality, 0) + 1
    share = {kind: 100 * missed[kind] / max(1, there[kind]) for kind in missed}
    return {"booked": share["booked"], "unbooked": share["unbooked"], "left": len(studies) - len(moved), "by_step": by_step,
            "priors": there, "missed": missed, "mondays": mondays, "most": max(kinds, key=lambda one: (kinds[one], one), default="")}


KNOWN_BEST = [("booked", 7, 200, ()), ("newest", 1, 200, ())]


def _outcome(studies, exams, steps):
    best = _replayed(studies, exams, KNOWN_BEST)["unbooked"]
    booked = [place for place, step in enumerate(steps) if step[0] == "booked"]
    return {**_replayed(studies, exams, steps), "allowed": best + LATER, "no step": not booked,
            "stands behind": bool(booked) and booked[0] > 0,
            "restricted": bool(booked) and all(years < 200 or modalities for what, _, years, modalities in steps if what == "booked")}


class Replay:
    """A migration of HV_PACS that begins on START, tried on what was examined in the days after it."""

    def __init__(self, studies, exams):
        self._studies, self._exams = studies, exams

    def __repr__(self):
        return f"<a year of {len(self._exams)} exams with priors; try_out(plan)>"

    def try_out(self, plan):
        """A Report on what comes of `plan`, a list of steps."""
        try:
            steps = steps_of(plain(plan))
        except (ValueError, Unclear) as problem:
            raise CourseError(f"The mover does not take this plan: {problem}.") from None
        return Report(_outcome(self._studies, self._exams, steps))


class Report:
    """What came of a plan. `outcome` holds the numbers."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __repr__(self):
        out = self.outcome
        return "\n".join((
            f"booked    {out['booked']:5.1f} %  of the {out['priors']['booked']} priors opened for exams known before the last night: "
            "not there yet",
            f"unbooked  {out['unbooked']:5.1f} %  of the {out['priors']['unbooked']} priors opened for all other exams: not there yet "
            f"(wanted: at most {out['allowed']:.1f} %)",
            f"left      {out['left']:5d}    studies never moved",
            f"moved by the steps: {', '.join(map(str, out['by_step']))}"))


@lesson.input
def replay(hospital):
    """The year to try a plan on: a Replay."""
    return Replay(*lesson.input_of("year", hospital))


@lesson.exercise
class OrderOfMigration:
    """Write the plan: in which order do the studies go? It is a list of steps. Each night the mover goes through the steps from the first
    to the last, until the night is over. Good enough is a plan with which, in the replayed year,

    - **booked**: at most 0.5 % of the priors for booked exams are not there yet when they are opened;
    - **unbooked**: of the priors for all other exams, at most two points more than with the best order that we know; the report has the
      limit for its year as `wanted`;
    - **left**: no study stays behind. (What the policy of part 3 leaves is not in the replay.) This one cannot be made up for by the
      others.

    `replay.try_out(plan)` tells you where you are. The check replays your plan in years of other hospitals as well.
    """

    answer = Config("plan", reading=steps_of, called="steps", shape="a list of dictionaries", template="plan = [\n    ...,\n]")
    points = 4

    def solution():
        return [{"studies": "booked", "days": 7}, {"studies": "newest"}]

    def as_hvgh_did():
        return [{"studies": "oldest"}]

    def newest_first():
        return [{"studies": "newest"}]

    def booked_at_last():
        return [{"studies": "newest"}, {"studies": "booked", "days": 7}]

    def one_day_ahead():
        return [{"studies": "booked", "days": 1}, {"studies": "newest"}]

    def booked_then_oldest():
        return [{"studies": "booked", "days": 7}, {"studies": "oldest"}]

    def booked_then_largest():
        return [{"studies": "booked", "days": 7}, {"studies": "largest"}]

    def smallest_first():
        return [{"studies": "smallest"}]

    def two_years_only():
        return [{"studies": "booked", "days": 7}, {"studies": "newest", "years": 2}]

    def booked_alone():
        return [{"studies": "booked", "days": 7}]

    def some_modalities():
        return [{"studies": "booked", "days": 7}, {"studies": "newest", "modality": ["CT", "MR"]}]

    wrong_ways = {
        as_hvgh_did: "That is how HVGH's own migration went, oldest first: easy to run, because the list does not change at its end. For "
        "most of the time what is opened is still in the old archive.",
        newest_first: "Newest first is right for those who come unannounced. But for a booked exam you know days ahead which studies will "
        "be opened, the old ones included, and you do nothing with it.",
        booked_at_last: "The step for booked exams stands behind one that takes every night to its end: its turn comes when all is moved. "
        "The steps are taken in their order.",
        one_day_ahead: "One day ahead leaves out the Mondays: the night from Sunday to Monday has no run, so the last run before a Monday "
        "is in the night from Saturday to Sunday, and from there the Monday is two days ahead. (A holiday or a stopped service makes it "
        "more.)",
        booked_then_oldest: "Booked exams are served. For the others, emergencies and inpatients, the *newest* priors are opened, and with "
        "this order they come last.",
        booked_then_largest: "Booked exams are served. The largest studies first is an order for storage people: what is opened for an "
        "emergency is the newest, large or small.",
        smallest_first: "Smallest first makes a fine curve: most of the *studies* are done in the first weeks. Readers ask for others, and "
        "the bytes are all still there.",
        two_years_only: "What is older than two years stays behind. It has retention periods too (for children much longer), and when the "
        "old archive is switched off it is gone.",
        booked_alone: "Only what somebody has an appointment for is moved; the rest stays behind when the old archive is switched off.",
        some_modalities: "Two modalities are moved, the rest stays behind when the old archive is switched off.",
    }
    hints = [
        "Two kinds of exams, two kinds of steps: what is booked is known, so serve it first, each night. For what is not known, guess what "
        "readers open: look at the three replays above.",
        "`days` says how many days ahead the step looks. The replay has no run in the night from Sunday to Monday: which is the last one "
        "before a Monday, and how far from there is it to the Monday's exams?",
        "At the end of the plan a step without `years` and without `modality` must take all that is left.",
    ]
    praise = "A quarter or more of the unbooked priors is late even with the best order, in the months before the end: so plan a bridge " \
        "for them, the new archive asking the old one on demand, and tell the emergency department before and not after."

    def trial(settings, hospital):
        return _outcome(*lesson.input_of("year", hospital), settings)

    def faults(outcome):
        found = []
        if outcome["left"]:
            found.append(f"left: {outcome['left']} studies were never moved. Which step takes what the others leave?")
        if outcome["booked"] > 0.5:
            mondays = f", {outcome['mondays']} of them on a Monday" if outcome["mondays"] else ""
            why = " No step takes them first." if outcome["no step"] else (
                " Their step stands behind another, which is served first, each night." if outcome["stands behind"] else
                " Their step takes priors of some years or modalities only; the others are opened too." if outcome["restricted"] else "")
            found.append(f"booked: {outcome['missed']['booked']} of the {outcome['priors']['booked']} priors for booked exams were not "
                         f"there yet{mondays}.{why}")
        if outcome["unbooked"] > outcome["allowed"]:
            found.append(f"unbooked: {outcome['unbooked']:.1f} % of the priors for exams that nobody could know were not there yet, most "
                         f"of them {outcome['most']}. At most {outcome['allowed']:.1f} % are wanted in this year, two points more than "
                         f"with the best order that we know. It depends on what the nights take after the booked ones.")
        return found


# --- what C-MOVE does not bring

THINGS = {       # what: (where the old archive keeps it, how it comes)
    "presentation states": ("objects of the study, SOP class Grayscale Softcopy Presentation State Storage", "C-MOVE"),
    "key object selections": ("objects of the study, modality KO; they mark images for readers", "C-MOVE"),
    "dose reports": ("objects of the study, SOP class X-Ray Radiation Dose SR Storage", "C-MOVE"),
    "scanned request forms": ("objects of the study, SOP class Encapsulated PDF Storage", "C-MOVE"),
    "secondary captures of the 3D workstation": ("objects of the study, SOP class Secondary Capture Image Storage", "C-MOVE"),
    "arrows and measurements of readers": ("rows of the table ANNOT, in the vendor's own format", "export"),
    "star on key images": ("column KEY_FLAG of the table IMAGE", "export"),
    "saved window of an image": ("rows of the table DISPLAY", "export"),
    "teaching folders": ("rows of the table FOLDER, with the UIDs of the studies in them", "export"),
    "sticky notes on a study": ("column NOTE of the table STUDY", "export"),
    "merges of patients": ("the table PATIENT; the objects' headers still say the old ID. HV_VNA needs them; the HIS has all", "HL7"),
    "corrected names and birth dates": ("the table PATIENT; the objects' headers are as they came. HV_VNA needs them; the HIS has all",
                                        "HL7"),
    "cancelled and moved orders": ("the table ORDERS, a copy of what the RIS sent. HV_VNA needs them, for it fetches priors by orders; the "
                                   "RIS has all", "HL7"),
    "images withdrawn as wrong patient": ("objects that a rejection note hides. The board: they stay behind, kept on a disc in the safe",
                                          "nothing"),
    "copies fetched from HV_VNA": ("objects that the clinic asked HV_VNA for, to compare; unchanged", "nothing"),
    "reports": ("in the RIS, which stays, and where readers go on opening them; the old archive has no more than a link", "nothing"),
}
PARTS = (("C-MOVE", 3), ("export", 4), ("HL7", 2), ("nothing", 2))


@lesson.input
def things(hospital):
    """What else ECC_PACS keeps beside images: a DataFrame with thing and kept."""
    import pandas as pd

    draws = Draws(hospital.seed, "ciip-02 things")
    chosen = []
    for way, count in PARTS:
        fitting = [thing for thing, (_, how) in THINGS.items() if how == way]
        chosen += [fitting[place] for place in draws.sample(range(len(fitting)), count).tolist()]
    chosen = [thing for _, thing in sorted(zip(draws.raw(len(chosen)).tolist(), chosen))]
    return pd.DataFrame([(thing, THINGS[thing][0]) for thing in chosen], columns=["thing", "kept"])


def _way(text):
    """How a thing comes, as the question names it."""
    known = {"cmove": "C-MOVE", "hl7": "HL7", "export": "export", "nothing": "nothing"}
    word = "".join(letter for letter in text.casefold() if letter.isalnum()) if type(text) is str else ""
    if word not in known:
        raise ValueError("the four ways are C-MOVE, HL7, export and nothing")
    return known[word]


WHY_NOT = {      # of a thing that comes the second way: why it does not come the first
    ("C-MOVE", "export"): "a C-MOVE brings objects, and a row or column of the vendor's database is none.",
    ("C-MOVE", "HL7"): "a C-MOVE brings objects, and this stands in a table; the objects keep the headers with which they came.",
    ("C-MOVE", "nothing"): "whatever a C-MOVE would bring, it is not wanted from there: it must stay behind, or is in its place already.",
    ("HL7", "C-MOVE"): "these are objects with pixels, marks or doses in them. ADT and order messages carry no objects.",
    ("HL7", "export"): "HIS and RIS have never heard of it, so they have nothing to send.",
    ("HL7", "nothing"): "the question is not only who knows it, but whether HV_VNA has to get it at all. This it need not get.",
    ("export", "C-MOVE"): "objects of a study come with the study. An export costs money, and this one would bring nothing more.",
    ("export", "HL7"): "another system of the house knows it first hand and completely. Nobody has to pay the old vendor for a copy.",
    ("export", "nothing"): "HV_VNA need not get it from the old archive, so nothing has to be exported.",
    ("nothing", "C-MOVE"): "it belongs to the study, and readers want it in the new archive. Does it come with the images?",
    ("nothing", "HL7"): "HV_VNA needs it, and does not have it yet. Who can send it?",
    ("nothing", "export"): "it is nowhere else, and is gone when the old archive is switched off. Readers use it every day.",
}


def _where(thing, column, given, right, input_of):
    """A sentence on a thing that goes another way, from where it is kept."""
    why = WHY_NOT.get((_exactly(given), _exactly(right)), "one of the four ways is asked.")
    return f"The list says: *{THINGS[thing][0]}*. {why[0].upper()}{why[1:]}"


def _exactly(way):
    """A way as it is written in the table, whatever became of its letters; None for something else."""
    try:
        return _way(way)
    except ValueError:
        return None


@lesson.exercise
class WhatElse:
    """What of the `things` comes with the images, and what needs a way of its own? For each thing one of

    - `"C-MOVE"`: it is an object of the study that the archive hands out, so a C-MOVE of the study brings it;
    - `"HL7"`: the new archive needs it, and the hospital's own systems know it and can send it again (ADT and order messages);
    - `"export"`: it is in the old archive's database alone: the old vendor has to export it, and somebody to turn it into objects or rows;
    - `"nothing"`: the new archive need not get it: it is there already, or stays in another system, or stays behind on purpose.

    Give a dictionary `{"dose reports": "...", ...}` with all things of the list.
    """

    answer = Table("ways", entries=("thing", "way"), reading={"way": _way}, told=True, remark=_where)
    points = 2

    def solution(things):
        found = {}
        for row in things.itertuples():
            if row.kept.startswith("objects of the study"):
                found[row.thing] = "C-MOVE"
            elif "HV_VNA needs" in row.kept:
                found[row.thing] = "HL7"
            elif row.kept.startswith("rows") or row.kept.startswith("column"):
                found[row.thing] = "export"
            else:
                found[row.thing] = "nothing"
        return found

    def c_move_brings_all(things):
        return {thing: "C-MOVE" for thing in things.thing}

    def images_alone(things):
        return {thing: "export" if way == "C-MOVE" else way for thing, way in WhatElse.solution(things).items()}

    def what_the_screen_shows(things):
        return {thing: "C-MOVE" if way == "export" else way for thing, way in WhatElse.solution(things).items()}

    def merges_come_with_the_study(things):
        return {thing: "C-MOVE" if way == "HL7" else way for thing, way in WhatElse.solution(things).items()}

    def merges_from_the_old_database(things):
        return {thing: "export" if way == "HL7" else way for thing, way in WhatElse.solution(things).items()}

    def complete_is_complete(things):
        return {thing: "C-MOVE" if way == "nothing" else way for thing, way in WhatElse.solution(things).items()}

    def what_has_no_object_is_lost(things):
        return {thing: "nothing" if way == "export" else way for thing, way in WhatElse.solution(things).items()}

    wrong_ways = {
        c_move_brings_all: "You expect all of it from C-MOVE. It brings the objects of a study, nothing else: what stands in a table of "
        "the vendor's database has no SOP class, and no DICOM service hands it out.",
        images_alone: "You have objects exported that are no images. Presentation states, key objects, dose reports and encapsulated "
        "documents are objects with a Storage SOP Class; a C-MOVE of the study brings them too, if the new archive takes their class.",
        what_the_screen_shows: "You take what the old viewer *shows* for objects. It draws them from its database; in the study that "
        "C-MOVE sends they are not.",
        merges_come_with_the_study: "You expect merges and corrections with the objects. The old archive changed its database, and left "
        "the headers as they came: C-FIND shows the new ID, the objects bring the old one.",
        merges_from_the_old_database: "You would have the old vendor export what your own systems know, first hand and up to date. What "
        "the old archive has of it is a copy, and nobody says that it is complete.",
        complete_is_complete: "You bring what need not or must not come: what the board leaves behind, what is in HV_VNA already, or what "
        "stays in the RIS. Withdrawn images would be visible again in an archive that does not know their mark.",
        what_has_no_object_is_lost: "You give up what has no object. Readers will look for their measurements and folders the first "
        "morning. Export them, or have the board decide in writing to do without.",
    }
    hints = [
        "The column `kept` says it. Objects of the study: C-MOVE, unless they stay behind or the new archive has them already.",
        "A table of the database: does HV_VNA need what is in it, and who else has it? HIS and RIS are the better source.",
        "Whatever is left, known to the old database alone, needs an export, and an offer from the old vendor with a price.",
    ]
    praise = "Ask for the exports in the contract, while the old vendor still wants something from you."


# --- the inventory as an object


@lesson.input
def records(hospital):
    """Rows of ECC_PACS for some studies, as they came: a DataFrame with study_uid, patient_id, issuer, study_date, accession, images and
    asked.

    Two of the studies are of one patient, two have no accession number, and two came in one answer: only the first column tells all apart.
    """
    import pandas as pd

    draw = random.Random(f"ciip-02 records {hospital.seed}")
    studies = _ecc(draw, 6, undated=2, imported=1)
    rows = []
    for place, one in enumerate(studies):
        issuer = "HVGH" if one.patient.startswith("HV") else "ECC"
        before, asked = rows[-1][-1] if rows else "", f"202504071{2 + place // 3}{place * 7:02d}{draw.randrange(60):02d}"
        for _, images in one.series:
            rows.append((one.uid, studies[1].patient if place == 4 else one.patient, issuer, one.date,
                         "" if place in (3, 5) else one.accession, images, before if place == 3 else asked))
    return pd.DataFrame(rows, columns=["study_uid", "patient_id", "issuer", "study_date", "accession", "images", "asked"])


@lesson.input
def blank(hospital):
    """An object with what is the same in each of HVGH's inventories: a pydicom Dataset, to be completed."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = INVENTORY_STORAGE
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = f"2.999.300.201.{hospital.seed + 1}"
    made.SpecificCharacterSet = "ISO_IR 192"
    made.ContentDate, made.ContentTime = "20250407", "120000"
    made.InventoryPurpose = "ECC to HV_VNA"         # pydicom prints no text (LT) of more than 16 characters
    made.Manufacturer, made.ManufacturerModelName, made.DeviceSerialNumber, made.SoftwareVersions = "HVGH", "HV_MOVER", "1", "1.0"
    return made


RECORD = ("Patient ID (0010,0020)", "Issuer of Patient ID (0010,0021)", "Study Date (0008,0020)", "Accession Number (0008,0050)",
          "Item Inventory DateTime (0008,0404)")
COUNTS = {"NumberOfStudyRecordsInInstance": "Number of Study Records in Instance (0008,0427)",
          "TotalNumberOfStudyRecords": "Total Number of Study Records (0008,0428)"}
HEAD = ("SOP Class UID (0008,0016)", "Inventory Level (0008,0403)", *COUNTS.values(), "SOP Instance UID (0008,0018)",
        "Specific Character Set (0008,0005)", "Content Date (0008,0023)", "Content Time (0008,0033)", "Inventory Purpose (0008,0401)",
        "Manufacturer (0008,0070)", "Manufacturer's Model Name (0008,1090)", "Device Serial Number (0018,1000)",
        "Software Versions (0018,1020)", "Inventory Completion Status (0008,0426)")
OF_ONE = ("Patient ID (", "Patient's ", "Issuer of Patient ID (", "Other Patient IDs Sequence (", "Study Instance UID (", "Study Date (",
          "Accession Number (", "Series Instance UID (", "Modality (")     # of a patient, study or series: not at the top
META = {"MediaStorageSOPClassUID": "Media Storage SOP Class UID (0002,0002)",
        "MediaStorageSOPInstanceUID": "Media Storage SOP Instance UID (0002,0003)"}
HERE = datetime.timezone(datetime.timedelta(hours=2))                     # Amsterdam in April


def _moment(text):
    """A date and time (DT) in one form: a fraction of no length goes, an offset from UTC is reckoned into the hospital's time."""
    found = re.fullmatch(r"(\d{14})(\.0{1,6})?([+-]\d{4})?", text)
    if not found or not found[3]:
        return found[1] if found else text
    try:
        return datetime.datetime.strptime(found[1] + found[3], "%Y%m%d%H%M%S%z").astimezone(HERE).strftime("%Y%m%d%H%M%S")
    except ValueError:
        return text


def _file_meta(content):
    """The file meta information of a data set or file, by keyword: a dict of text. ValueError where no file can be made of a data set."""
    import pydicom

    if type(content) is bytes:
        meta = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True).file_meta
    else:
        meta = getattr(content, "file_meta", None)
        if meta is None or not meta.get("TransferSyntaxUID"):
            raise ValueError("your data set has no file meta information, so no file can be made of it. Start from a copy of `blank`, "
                             "`inventory_object = copy.deepcopy(blank)`, which has it")
        for keyword, name in COUNTS.items():
            value = pydicom.Dataset.get(content, keyword)
            if type(value) in (str, float):
                how = "as text, in quotes" if type(value) is str else f"as {value}, with a decimal point"
                raise ValueError(f"{name} is given {how}. It is a whole number, such as `len(studies)`")
    return {keyword: str(meta.get(keyword, "")) for keyword in META}


def inventory_parts(contents):
    """{"the inventory": ..., "the record of study <UID>": ...} of an Inventory object, given as data set or file."""
    import pydicom

    from coursekit.standards.objects import attributes

    if len(contents) != 1:
        raise ValueError("one object is asked")
    meta = _file_meta(contents[0]) if issubclass(type(contents[0]), pydicom.Dataset) else {}
    (flat,) = attributes(contents).values()                                 # a sentence for what is no DICOM object
    meta = meta or _file_meta(contents[0])
    level = flat.get("Inventory Level (0008,0403)", "")
    if level != level.upper():
        raise ValueError(f"Inventory Level is `{level[:16]}`. It is a Code String (CS): upper-case letters only (PS3.5 Table 6.2-1)")
    if level and level not in ("STUDY", "SERIES", "INSTANCE"):
        raise ValueError(f"Inventory Level is `{level[:16]}`. It is one of STUDY, SERIES and INSTANCE (PS3.3 C.38.1)")
    for name in flat:
        if " item " not in name and name.startswith(OF_ONE):
            raise ValueError(f"{name} stands at the top of the object. An Inventory belongs to no patient, study or series (PS3.3 A.88): "
                             "what is of a single one stands in its record only. Was it filled in, or left over from `example`?")
    head = {name: flat[name] for name in HEAD if name in flat}
    # "An empty Sequence, or a Sequence with a single empty Item": all studies (PS3.3 C.38.2)
    scope = "Scope of Inventory Sequence (0008,0400)"
    if scope in flat:
        keys = [name for name in flat if name.startswith(f"{scope} item")]
        head[scope] = "all studies" if not keys else "by dates" if any(
            "Study Date" in name and flat[name] for name in keys) else "by other keys"
    if "SOP Class UID (0008,0016)" in head:
        head |= {name: meta[keyword] for keyword, name in META.items()}
    sequence, found = "Inventoried Studies Sequence (0008,0423)", {"the inventory": head}
    items = int(flat.get(sequence, "0 items").split()[0])
    uids = {flat.get(f"{sequence} item {number} > Study Instance UID (0020,000D)") for number in range(1, 1 + items)}
    if items > 1 and len(uids) == 1 and None not in uids:
        raise ValueError(f"all {items} records are the same one. A `Dataset()` that is made once, before the loop, is filled again and "
                         f"again, and the list holds {items} times what was filled in last. Make a new one inside the loop")
    for number in range(1, 1 + items):
        record = {name.split(" > ", 1)[1]: value for name, value in flat.items() if name.startswith(f"{sequence} item {number} > ")}
        uid = record.get("Study Instance UID (0020,000D)")
        if not uid:
            raise ValueError(f"record {number} of the Inventoried Studies Sequence has no Study Instance UID")
        if f"the record of study {uid}" in found:
            raise ValueError(f"the study {uid} has two records, and they would be taken for two studies. What is a row for each series of "
                             f"one study, is one record")
        record = {name: record[name] for name in RECORD if name in record}
        if RECORD[-1] in record:
            moment = record[RECORD[-1]]
            if moment and not re.fullmatch(r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?", moment):
                raise ValueError(f"{RECORD[-1]} of the study {uid} is `{moment[:30]}`. A date with a time (DT) is written YYYYMMDDHHMMSS, "
                                 "without anything between (PS3.5 Table 6.2-1)")
            record[RECORD[-1]] = _moment(moment)
        found[f"the record of study {uid}"] = record
    return found


def _built(records, blank, level="STUDY", sop_class=INVENTORY_STORAGE, undated=True, counted=len, total=len, scope=(),
           issuer=lambda row: row.issuer, made_up="", at=lambda row: row.asked, by="study_uid"):
    """An Inventory of the records; each argument is a way to get it wrong."""
    import copy

    from pydicom.dataset import Dataset

    made = copy.deepcopy(blank)
    made.SOPClassUID, made.InventoryLevel, made.ScopeOfInventorySequence = sop_class, level, list(scope)
    rows, items = records.drop_duplicates(by), []
    for row in rows.itertuples():
        if row.study_date or undated:
            one = Dataset()
            one.StudyInstanceUID, one.PatientID, one.AccessionNumber = row.study_uid, row.patient_id, row.accession
            one.IssuerOfPatientID = issuer(row)
            one.StudyDate = row.study_date or made_up
            one.ItemInventoryDateTime = at(row)
            items.append(one)
    made.InventoriedStudiesSequence = items
    made.NumberOfStudyRecordsInInstance, made.TotalNumberOfStudyRecords = counted(items), total(items)
    return made


@lesson.exercise
class InventoryObject:
    """Complete `blank` to an **Inventory** object of the studies in `records`: a data set, in the variable `inventory_object`. HV_VNA's
    mover reads

    - the SOP Class UID of Inventory Storage;
    - Scope of Inventory Sequence: present, without keys, because the inventory is of all studies;
    - Inventory Level: there are records of studies only;
    - Inventoried Studies Sequence: **one record for each study**, with Study Instance UID, Patient ID, Issuer of Patient ID, Study Date
      and Accession Number (each present, and empty where it is not known), and the Item Inventory DateTime: when the archive was asked
      about it;
    - Number of Study Records in Instance, and Total Number of Study Records (there is no second object).

    Keep all that `blank` has, as it is; what is of a single patient or study stands in its record only. Inventory Completion Status
    (0008,0426) is set by the tool that writes the file at the very end; leave it out here.
    """

    answer = File("inventory_object", reading=inventory_parts)
    points = 3

    def solution(records, blank):
        import copy
        from pydicom.dataset import Dataset
        made = copy.deepcopy(blank)
        made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.201.1"
        made.ScopeOfInventorySequence = []
        made.InventoryLevel = "STUDY"
        studies = []
        for row in records.drop_duplicates("study_uid").itertuples():
            one = Dataset()
            one.StudyInstanceUID = row.study_uid
            one.PatientID = row.patient_id
            one.IssuerOfPatientID = row.issuer
            one.StudyDate = row.study_date
            one.AccessionNumber = row.accession
            one.ItemInventoryDateTime = row.asked
            studies.append(one)
        made.InventoriedStudiesSequence = studies
        made.NumberOfStudyRecordsInInstance = len(studies)
        made.TotalNumberOfStudyRecords = len(studies)
        return made

    def as_a_manifest(records, blank):
        return _built(records, blank, sop_class="1.2.840.10008.5.1.4.1.1.88.59")

    def as_a_query(records, blank):
        return _built(records, blank, sop_class="1.2.840.10008.5.1.4.1.1.201.2")

    def down_to_the_instances(records, blank):
        return _built(records, blank, level="INSTANCE")

    def without_the_undated(records, blank):
        return _built(records, blank, undated=False)

    def a_date_for_each(records, blank):
        return _built(records, blank, made_up="19000101")

    def images_counted(records, blank):
        return _built(records, blank, counted=lambda items: int(records.images.sum()))

    def rows_counted(records, blank):
        return _built(records, blank, counted=lambda items: len(records), total=lambda items: len(records))

    def the_rest_to_come(records, blank):
        return _built(records, blank, total=lambda items: 0)

    def when_it_was_examined(records, blank):
        return _built(records, blank, at=lambda row: row.study_date or row.asked[:8])

    def when_it_began(records, blank):
        return _built(records, blank, at=lambda row: blank.ContentDate + blank.ContentTime)

    def scope_by_dates(records, blank):
        from pydicom.dataset import Dataset

        wanted, item = Dataset(), Dataset()
        wanted.StudyDate = "20160101-20241231"
        item.RangeMatchingSequence = [wanted]
        return _built(records, blank, scope=[item])

    def scope_by_keys(records, blank):
        from pydicom.dataset import Dataset

        wanted, item = Dataset(), Dataset()
        wanted.PatientID = "*"
        item.RangeMatchingSequence = [wanted]
        return _built(records, blank, scope=[item])

    def complete_already(records, blank):
        made = _built(records, blank)
        made.InventoryCompletionStatus = "COMPLETE"
        return made

    def number_without_issuer(records, blank):
        return _built(records, blank, issuer=lambda row: "")

    def one_issuer_for_all(records, blank):
        return _built(records, blank, issuer=lambda row: "ECC")

    def down_to_the_series(records, blank):
        return _built(records, blank, level="SERIES")

    def rows_in_total(records, blank):
        return _built(records, blank, total=lambda items: len(records))

    def one_for_each_patient(records, blank):
        return _built(records, blank, by="patient_id")

    def one_for_each_number(records, blank):
        return _built(records, blank, by="accession")

    def one_for_each_moment(records, blank):
        return _built(records, blank, by="asked")

    wrong_ways = {
        as_a_manifest: "That is the SOP class of a key object selection. A manifest points at the objects of one patient; an inventory "
        "belongs to no patient, and is stored with a class of its own (PS3.4 Annex GG).",
        as_a_query: "That is Inventory - FIND, the service that asks *for* inventories. The object itself is of Inventory Storage.",
        down_to_the_instances: "The level says which records are inside. A reader who finds INSTANCE looks for series and instances in "
        "each record, and takes every study for empty.",
        down_to_the_series: "The level says which records are inside. A reader who finds SERIES looks for series in each record, and "
        "takes every study for empty.",
        without_the_undated: "The studies without a date are not in it. They are in the archive, so they are in the inventory: their Study "
        "Date is there and empty.",
        a_date_for_each: "You gave the studies without a date one. Nobody knows it; a made-up date decides later about retention and about "
        "which prior is the newest. Present and empty says what is true.",
        images_counted: "That is the number of images. The attribute counts records of *studies* in the sequence (PS3.3 C.38.1).",
        rows_counted: "That is the number of rows that came. The archive sent one for each series; the attribute counts the items of the "
        "sequence.",
        rows_in_total: "The total is of *study records* too, of all objects of the inventory together, and this is the only one. You "
        "counted the rows that came.",
        one_for_each_patient: "You have one record for each patient. One of them has two studies, and the second is not in your "
        "inventory: go by the Study Instance UID.",
        one_for_each_number: "You have one record for each accession number. Some studies have none, and only the first of these is in "
        "your inventory: go by the Study Instance UID.",
        one_for_each_moment: "You have one record for each time of asking. Two studies came in one answer, and the second is not in your "
        "inventory: go by the Study Instance UID.",
        the_rest_to_come: "The total is of all objects of the inventory together. There is this one only, so it is the same number.",
        when_it_was_examined: "That is the day of the exam. Item Inventory DateTime says when the *record* was made, and is never before "
        "the Content Date and Time of the inventory (PS3.3 C.38.1): who reconciles two inventories goes by it.",
        when_it_began: "That is when the inventory began. Each record has its own moment, when the archive was asked about the study; what "
        "changed in between would be taken for known.",
        scope_by_dates: "You give the scope dates. Then the inventory claims to be of those with a date in it only, and studies "
        "without one, which match no range, do not belong there. An empty sequence means all studies (PS3.3 C.38.2).",
        scope_by_keys: "You give the scope a key. Then the inventory claims to be of what that key selects. Without keys it is of all "
        "studies: an empty sequence says so (PS3.3 C.38.2).",
        complete_already: "Inventory Completion Status is there. It says whether *the making* of the inventory came to its end, so the "
        "tool that writes the file sets it last; the question has it left out.",
        one_issuer_for_all: "You gave all of them one issuer. Some patients came from HVGH and kept its number: each row says whose "
        "number it is.",
        number_without_issuer: "The Patient IDs are without their issuer. Two hospitals may use the same number; here both kinds stand in "
        "one archive.",
    }
    hints = [
        "`inventory_object = copy.deepcopy(blank)`, then attributes by their keywords, as with any data set: "
        "`inventory_object.InventoryLevel = \"...\"`. The three levels are STUDY, SERIES and INSTANCE.",
        "One record for each study: `records.drop_duplicates(\"study_uid\").itertuples()` gives one row for each. Make a `Dataset()` for "
        "it *inside* the loop, and append it to a list.",
        "`inventory_object.InventoriedStudiesSequence = studies`, and `len(studies)` for both numbers. An empty sequence is `[]`.",
    ]
    praise = "A file that any archive with this SOP class understands, and that says of itself when and of what it was made. Ask for it " \
        "in your next request for proposals, for the day when the archive that you buy now has to be left."
