"""Evaluating the answers to a request for proposals: the exercises of lesson ciip-04.

Four invented vendors answer the hospital's tender for a new archive (coursekit.hospital.projects.Tender). What they claim is held against
their own documents, their prices are made comparable, and the rules of the award are tried on tenders that nobody has seen.
"""

import io
import math
import re

from coursekit.checking import Config, Fields, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unclear, is_a, plain
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError
from coursekit.hospital import projects
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "ciip-04",
    title="Evaluating the answers to a request for proposals",
    version=1,
    minutes=160,
    objectives=[
        "score answers so that a mandatory requirement cannot be averaged away, and hold each claim against the vendor's own documents",
        "make prices comparable over seven years, and say which weight, bid or evaluator decides who is first",
        "write a requirement that a test can fail, and rules of award that hold on tenders which you have not seen",
    ],
    covers=["Being part of a multi-functional team to evaluate RFP responses"],
    needs=["cpas-05", "cpia-07"],
)

YEARS = 7


def euros(text):
    """The number in an amount as the price sheets write it: '€ 207.000,00' is 207000.0."""
    return float(text.replace("€", "").replace(".", "").replace(",", "."))


def first(scores, weights):
    """The vendor with the highest weighted score. `scores`: {vendor: {category: score}}; `weights`: {category: percent}."""
    totals = {}
    for vendor in scores:
        totals[vendor] = sum(weights[category] * scores[vendor][category] for category in weights)
    return max(totals, key=totals.get)


# --- inputs

@lesson.input
def requirements(hospital):
    """The requirements of the tender: a DataFrame with req_id, category, text, mandatory, weight and evidence."""
    import pandas as pd
    return pd.DataFrame(hospital.projects.tender.requirements)


@lesson.input
def answers(hospital):
    """The vendors' answers: a DataFrame with vendor, req_id, code and text."""
    import pandas as pd
    return pd.DataFrame(hospital.projects.tender.answers)


@lesson.input
def points(hospital):
    """What an answer's code counts by the scoring guide, before any proof: a dict from code to points."""
    return dict(projects.POINTS)


@lesson.input
def category_weights(hospital):
    """What the categories count, points in a hundred: a dict."""
    return dict(hospital.projects.tender.category_weights)


@lesson.input
def statements(hospital):
    """The lists of the vendors' own documents, line by line: a DataFrame with vendor, document, evidence, name and role."""
    import pandas as pd
    return pd.DataFrame(hospital.projects.tender.statements).rename(columns={"key": "evidence"})


@lesson.input
def sections(hospital):
    """Where in its documents a vendor has its lists: a DataFrame with vendor, kind (evidence's first three letters), document, section."""
    import pandas as pd
    draws, rows = Draws(hospital.seed, "ciip-04 sections"), []
    for vendor in hospital.projects.tender.vendors:
        chapter, place, ihe, hl7 = draws.one(2, 5), draws.one(1, 6), draws.one(2, 4), draws.one(3, 6)
        rows += [(vendor, "sop", "DICOM Conformance Statement", f"DICOM CS {chapter}.{place}"),
                 (vendor, "web", "DICOM Conformance Statement", f"DICOM CS {chapter}.{place + 1}"),
                 (vendor, "ihe", "IHE Integration Statement", f"IHE IS {ihe}"),
                 (vendor, "hl7", "HL7 interface specification", f"HL7 spec {hl7}.{draws.one(1, 4)}")]
    return pd.DataFrame(rows, columns=["vendor", "kind", "document", "section"])


@lesson.input
def price_sheet(hospital):
    """The price sheets as they came: a DataFrame with vendor, kind, item, year (1 to 7) and eur, text such as '€ 207.000,00'."""
    import pandas as pd
    return pd.read_csv(io.StringIO(hospital.projects.text("prices.csv")), sep=";")


@lesson.input
def volumes(hospital):
    """What the tender asks prices for: a DataFrame with year, stored_tb and studies."""
    import pandas as pd
    return pd.DataFrame(hospital.projects.tender.volumes)


@lesson.input
def marks(hospital):
    """The evaluators' points: a DataFrame with evaluator, vendor, req_id and points."""
    import pandas as pd
    return pd.DataFrame(hospital.projects.tender.scores)


@lesson.input
def category_scores(hospital):
    """Each vendor's score of 100 in each category, with what its lists contradict counted as no: {vendor: {category: score}}."""
    answers, requirements = lesson.input_of("answers", hospital), lesson.input_of("requirements", hospital)
    found = _all_of(answers, requirements, lesson.input_of("statements", hospital), lesson.input_of("sections", hospital))
    contradicted = set(zip(found.vendor, found.req_id, strict=True))
    codes = ["no" if key in contradicted else code
             for key, code in zip(zip(answers.vendor, answers.req_id, strict=True), answers.code, strict=True)]
    sums = _scored(answers.assign(code=codes), requirements, projects.POINTS).groupby(["vendor", "category"])[["got", "most"]].sum()
    shares = 100 * sums.got / sums.most
    return {vendor: {category: round(float(shares[vendor, category]), 2) for category in projects.CATEGORY_WEIGHTS}
            for vendor in projects.VENDORS}


@lesson.input
def quality_by_rule_2(hospital):
    """The quality of those that are left when no contradiction can be explained, points of 100: {vendor: score}."""
    scores, weights = lesson.input_of("category_scores", hospital), lesson.input_of("category_weights", hospital)
    out = {*hospital.projects.tender.truth["knocked_out"], *hospital.projects.tender.truth["by_evidence"]}
    return {vendor: round(total, 2) for vendor, total in _totals(scores, weights).items() if vendor not in out}


@lesson.input
def quality_by_marks(hospital):
    """The quality of those that are left if an evaluator's marks, of 5, stood in place of the codes: {evaluator: {vendor: score}}."""
    marks, requirements = lesson.input_of("marks", hospital), lesson.input_of("requirements", hospital)
    left, weights = lesson.input_of("quality_by_rule_2", hospital), lesson.input_of("category_weights", hospital)
    both = marks.merge(requirements, on="req_id")
    both = both.assign(got=both.weight * both.points, most=both.weight * 5)
    sums = both.groupby(["evaluator", "vendor", "category"])[["got", "most"]].sum()
    shares, found = 100 * sums.got / sums.most, {}
    for evaluator in sorted(marks.evaluator.unique()):
        totals = _totals({vendor: {name: float(shares[evaluator, vendor, name]) for name in weights} for vendor in left}, weights)
        found[evaluator] = {vendor: round(total, 2) for vendor, total in totals.items()}
    return found


def _scored(answers, requirements, points):
    """Answers beside their requirements, with what they got of what can be got."""
    both = answers.merge(requirements, on="req_id")
    return both.assign(got=both.weight * both.code.map(points), most=both.weight * 4)


# --- 1 the score on paper

def _on_paper(scored, category_weights):
    sums = scored.groupby(["vendor", "category"])[["got", "most"]].sum().reset_index()
    sums["part"] = sums.category.map(category_weights) * sums.got / sums.most
    return sums.groupby("vendor").part.sum().to_dict()


def _left(answers, requirements):
    both = answers.merge(requirements, on="req_id")
    failed = both[both.mandatory & (both.code != "yes")]
    return answers[~answers.vendor.isin(failed.vendor)]


class Scores(Table):
    """A score for each vendor; who has none of them (None, "out") is left out."""

    def read(self, given):
        """The table, without the vendors that have no score."""
        rows = super().read(given)
        kept = [row for row in rows.rows if not any(_is_none(cell) for cell in row)]
        return Rows(rows.columns, kept, rows.otherwise) if len(rows.columns) == 2 and kept else rows

    def difference(self, answer, other):
        """As for every Table; of a vendor too many or too few it says why."""
        difference = super().difference(answer, other)
        if difference and difference.label in ("extra row", "missing row"):
            why = {"extra row": "Leave a vendor out that is out; any number for it is a score.",
                   "missing row": "Who has answered *yes* to all that is mandatory is in. What the documents say comes in part 2."}
            return Difference(f"{difference.message} {why[difference.label]}", difference.label)
        return difference


def _is_none(cell):
    return cell is None or (is_a(cell, float) and math.isnan(cell)) or (is_a(cell, str) and _bare(cell) in ("", "out", "none", "nan"))


def _score(value):
    """A reading: a score, also as '93,6' or '93.6 %'."""
    if is_a(value, str) and re.fullmatch(r"\s*\d+([.,]\d+)?\s*(%|points)?\s*", value):
        return float(re.search(r"\d+([.,]\d+)?", value)[0].replace(",", "."))
    return value


def _about_a_score(vendor, column, given, right, input):
    """What to look at, of a score that no wrong way explains."""
    if is_a(given, (int, float)) and 0 < given <= 1:
        return "Scores are asked in points of 100, not of 1."
    if is_a(given, (int, float)) and given == round(given) and abs(given - right) <= 0.5:
        return "It is a whole number: one decimal is asked."
    return None


@lesson.exercise
class OnPaper:
    """What do the vendors score **on paper**, if one believes every answer? Give only the vendors that are still in: whoever
    answers a **mandatory** requirement with anything but `yes` is out before anything is weighed.

    For each vendor that is left, in points of 100:

    1. the answer's points (`points`) times the requirement's `weight`;
    2. in each category: the sum of these, divided by the sum of `weight` times 4 (4 is what `yes` gets);
    3. the categories, each times its points in `category_weights`, added up.

    One decimal is enough. Give a dictionary such as `{"Brinkmere": 71.5, ...}`, or a Series with the vendors as its index.
    """

    answer = Scores("on_paper", entries=("vendor", "score"), tolerance=0.06, reading={"score": _score}, remark=_about_a_score)
    points = 2

    def solution(answers, requirements, points, category_weights):
        both = answers.merge(requirements, on="req_id")
        failed = both[both.mandatory & (both.code != "yes")]
        left = both[~both.vendor.isin(failed.vendor)].copy()
        left["got"] = left.weight * left.code.map(points)
        left["most"] = left.weight * 4
        sums = left.groupby(["vendor", "category"])[["got", "most"]].sum().reset_index()
        sums["part"] = sums.category.map(category_weights) * sums.got / sums.most
        return sums.groupby("vendor").part.sum().round(2).to_dict()

    def nobody_is_out(answers, requirements, points, category_weights):
        return _on_paper(_scored(answers, requirements, points), category_weights)

    def categories_forgotten(answers, requirements, points):
        sums = _scored(_left(answers, requirements), requirements, points).groupby("vendor")[["got", "most"]].sum()
        return (100 * sums.got / sums.most).to_dict()

    def categories_alike(answers, requirements, points, category_weights):
        alike = {category: 100 / len(category_weights) for category in category_weights}
        return _on_paper(_scored(_left(answers, requirements), requirements, points), alike)

    def mean_of_the_points(answers, requirements, points):
        left = _left(answers, requirements)
        return (25 * left.code.map(points).groupby(left.vendor).mean()).to_dict()

    def weights_forgotten(answers, requirements, points, category_weights):
        return _on_paper(_scored(_left(answers, requirements), requirements.assign(weight=1), points), category_weights)

    def not_normalised(answers, requirements, points, category_weights):
        scored = _scored(_left(answers, requirements), requirements, points)
        heavy = scored.category.map(category_weights)
        sums = scored.assign(got=heavy * scored.got, most=heavy * scored.most).groupby("vendor")[["got", "most"]].sum()
        return (100 * sums.got / sums.most).to_dict()

    def of_five(answers, requirements, points, category_weights):
        right = OnPaper.solution(answers, requirements, points, category_weights)
        return {vendor: score * 4 / 5 for vendor, score in right.items()}

    def mandatory_left_out(answers, requirements, points, category_weights):
        left = _left(answers, requirements)
        return _on_paper(_scored(left, requirements[~requirements.mandatory], points), category_weights)

    def yes_alone(answers, requirements, points, category_weights):
        only = {code: 4 * (code == "yes") for code in points}
        return _on_paper(_scored(_left(answers, requirements), requirements, only), category_weights)

    wrong_ways = {
        nobody_is_out: "Your numbers are right, but one of the vendors is out and still has a score. Among 137 answers one failed "
        "mandatory requirement costs a point or two: so it is averaged away. Look for `mandatory` answers that are not `yes`; a date on a "
        "road map is no `yes`. Knock out first, weigh then.",
        categories_forgotten: "You put all requirements into one sum. Then a category counts as much as it has requirements: storage has "
        "38 of them and service ten. What a category is to count stands in `category_weights`; first make each a share of its own most.",
        categories_alike: "You let every category count the same. The tender has said what they count, in `category_weights`; a vendor may "
        "rely on what was published.",
        mean_of_the_points: "That is the mean of the points, with neither the requirements' weights nor the categories'. A requirement of "
        "weight 1 and a mandatory one then count the same.",
        weights_forgotten: "The categories are weighed, but inside them every requirement counts the same. Multiply the points by `weight` "
        "before you add them up.",
        not_normalised: "You multiplied by the category's weight without dividing by the most that can be got in the category. Then a "
        "category counts by its weight times the number of its requirements. Make each category a share first.",
        of_five: "You divided by 5. Five points are given for proof, and an answer on paper has none yet: the question divides by 4, what "
        "`yes` gets.",
        mandatory_left_out: "You scored without the mandatory requirements. They decide who is out, and they count afterwards as well: all "
        "requirements of a category make up its share.",
        yes_alone: "You counted `yes` alone. `partial` and `third party` have points as well: take them from `points`.",
    }
    hints = [
        "Begin with `both = answers.merge(requirements, on=\"req_id\")`: each answer beside its requirement.",
        "Who is out: `both[both.mandatory & (both.code != \"yes\")]` shows the failed ones. `both[~both.vendor.isin(failed.vendor)]` is "
        "what is left.",
        "`both[\"got\"] = both.weight * both.code.map(points)`, likewise `most`, and then `.groupby([\"vendor\", \"category\"])[[\"got\", "
        "\"most\"]].sum().reset_index()`.",
        "In that small table: `sums.category.map(category_weights) * sums.got / sums.most` is what a category brings. Add it up by vendor.",
    ]
    praise = ("The bid that would have come first with the usual spreadsheet is out, and you can name the requirement. Nobody has examined "
        "a claim yet: that comes next.")


# --- 2 claims and documents

def _why(value):
    """A reading: what a document says in place of what the answer claims."""
    words = set(re.findall(r"[a-z]+", str(value).casefold().replace("n't", " not")))
    user = words & {"scu", "user"} and not words & {"scp", "provider", "not", "no"}
    lacks = words & {"undeclared", "absent", "missing", "lacking", "nowhere"} or (
        words & {"not", "no"} and words & {"declared", "listed", "there", "line", "found", "mentioned"})
    if bool(user) == bool(lacks):
        raise ValueError("it is \"user only\" or \"not declared\"")
    return "user only" if user else "not declared"


DOCUMENTS = {"DICOM CS": ("dicom", "cs", "conformance"), "IHE IS": ("ihe", "is", "integration"), "HL7 spec": ("hl7", "spec", "interface")}


def _section(value):
    """A reading: a document and the number of a section, such as 'DICOM CS 4.2', however the document is called."""
    if value is None or (is_a(value, float) and math.isnan(value)):
        raise ValueError("a section is there for each contradicted claim. A claim without a line in a document has no `document` after the "
                         "merge: merge `sections` on `vendor` and `kind`, the first three letters of the claim's own `evidence`")
    text = str(value).casefold()
    words = set(re.findall(r"[a-z]+7?", text))
    named = [name for name, signs in DOCUMENTS.items() if words & set(signs)]
    numbers = re.findall(r"\d+(?:\.\d+)*", text.replace("hl7", ""))
    if len(named) != 1 or not numbers:
        raise ValueError("write it as `sections` has it, the document and the number")
    return f"{named[0]} {numbers[-1]}"


class Accusations(Table):
    """A table of accusations, where one too many is told why it does not stand."""

    def judge(self, exercise, given, editions):
        """As for every Table; of the first accusation that is wrong it says what speaks for the vendor, of one that lacks whose it is."""
        verdict = super().judge(exercise, given, editions)
        about = {"extra row": self._extra, "missing row": self._lacking, "repeated row": self._repeated}.get(verdict.label)
        if about is None:
            return verdict
        sentence = about(exercise, self.read(*given), editions.own)
        return Verdict(Outcome.NOT_YET, f"{verdict.message} {sentence}", verdict.label) if sentence else verdict

    def _keys(self, exercise, given, hospital):
        """The keys of the answer's rows and those of the right ones."""
        solution = self.read(exercise.computed(exercise.solution, hospital))
        return self._keyed(given, solution), self._keyed(solution, solution)

    def _extra(self, exercise, given, hospital):
        theirs, right = self._keys(exercise, given, hospital)
        extra = next(key for key in theirs if key not in right)
        claims, wanted = exercise.lesson.input_of("answers", hospital), exercise.lesson.input_of("requirements", hospital)
        claim = claims[(claims.vendor.str.casefold() == extra[0]) & (claims.req_id.str.casefold() == extra[1])]
        if claim.empty:
            return "There is no such answer."
        if claim.code.iloc[0] != "yes":
            return f"The vendor's answer there is `{claim.code.iloc[0]}`: who admits that something is lacking, claims nothing."
        if not wanted[wanted.req_id == claim.req_id.iloc[0]].evidence.iloc[0]:
            return ("Its `evidence` is empty: no line of these lists would speak of it. Not proven is not contradicted. In the table an "
                    "empty `evidence` is the text `\"\"` and not NaN, so `notna()` keeps it; `evidence != \"\"` leaves it out.")
        return ("The vendor's document has the line, in a role that includes the provider. If you have many such rows: merge on `vendor` "
                "**and** `evidence`, or a claim meets the lines of other vendors as well.")

    def _lacking(self, exercise, given, hospital):
        theirs, right = self._keys(exercise, given, hospital)
        vendors = {vendor.casefold(): vendor for vendor in projects.VENDORS}
        gone = sorted({key[0] for key in right} - {key[0] for key in theirs})
        if gone:
            return f"There is none of {vendors[gone[0]]}. All four are asked, whoever is out already."
        lacks = next(key for key in right if key not in theirs)
        evidence = exercise.lesson.input_of("requirements", hospital).set_index("req_id").evidence
        about = {"sop": "a SOP class", "web": "a DICOMweb service", "ihe": "an IHE actor", "hl7": "an HL7 message"}
        return f"At least one of {vendors[lacks[0]]} is missing, about {about[evidence[lacks[1].upper()][:3]]}."

    def _repeated(self, exercise, given, hospital):
        return ("If a claim stands there once for each of two sections: both lists are in one document. Merge `sections` on `vendor` and "
                "`kind`, and each claim meets its own.")


def _about_an_accusation(key, column, given, right, input):
    """What to look at in an accusation that is right but for a column."""
    if column == "section":
        return "The first three letters of the claim's `evidence` are the `kind` by which `sections` is to be read, for the same vendor."
    return "A line with the role `SCU` makes the vendor a user only; where there is no line, nothing is declared."


def _claims(answers, requirements, statements, sections, how="left", on=("vendor", "evidence")):
    """Claims that a document could prove, beside the line of the document."""
    claims = answers[answers.code == "yes"].merge(requirements[requirements.evidence != ""], on="req_id")
    claims = claims.assign(kind=claims.evidence.str[:3]).merge(sections[["vendor", "kind", "section"]], on=["vendor", "kind"])
    lines = statements[[*on, "role"]].drop_duplicates(list(on))
    found = claims.merge(lines, on=list(on), how=how)
    found["why"] = found.role.map(lambda role: "user only" if role == "SCU" else "not declared" if role != role else "")
    return found


def _rows(found):
    return found[["vendor", "req_id", "section", "why"]].reset_index(drop=True)


@lesson.exercise
class Contradicted:
    """Which claims do the documents of the four vendors contradict, those of a vendor that is out already included? A claim is an answer
    `yes` to a requirement with `evidence`. It is contradicted when the vendor's own document

    - has the line, but the product is there only the **user** of the service (role `SCU`), where the requirement asks for the provider:
      `why` is `"user only"`;
    - does **not have** the line: `why` is `"not declared"`.

    Give a table with the columns `vendor`, `req_id`, `section` (where the list stands or would have to stand, as `sections` has it, such as
    `"DICOM CS 4.4"`) and `why`, a row for each contradicted claim. The letters will be made of it: a row that does not stand, or that cites
    another document, costs more than one that you missed.
    """

    answer = Accusations("contradicted", key=["vendor", "req_id"], reading={"why": _why, "section": _section}, remark=_about_an_accusation,
                         spare=["role", "document", "evidence", "name", "kind", "code", "text", "text_x", "text_y", "category",
                                "mandatory", "weight", "got", "most", "remark"])
    points = 3

    def solution(answers, requirements, statements, sections):
        claims = answers[answers.code == "yes"].merge(requirements, on="req_id")
        claims = claims[claims.evidence != ""].copy()
        claims["kind"] = claims.evidence.str[:3]
        claims = claims.merge(sections[["vendor", "kind", "section"]], on=["vendor", "kind"])
        beside = claims.merge(statements[["vendor", "evidence", "role"]], on=["vendor", "evidence"], how="left")
        beside["why"] = "proven"
        beside.loc[beside.role == "SCU", "why"] = "user only"
        beside.loc[beside.role.isna(), "why"] = "not declared"
        return beside.loc[beside.why != "proven", ["vendor", "req_id", "section", "why"]].reset_index(drop=True)

    def listed_is_proven(answers, requirements, statements, sections):
        found = _claims(answers, requirements, statements, sections)
        return _rows(found[found.why == "not declared"])

    def lines_alone(answers, requirements, statements, sections):
        found = _claims(answers, requirements, statements, sections, how="inner")
        return _rows(found[found.why == "user only"])

    def both_roles_suspected(answers, requirements, statements, sections):
        found = _claims(answers, requirements, statements, sections)
        found.loc[found.role == "SCU/SCP", "why"] = "user only"
        return _rows(found[found.why != ""])

    def admitted_ones_too(answers, requirements, statements, sections):
        return _rows(_all_of(answers.assign(code="yes"), requirements, statements, sections))

    def without_any_evidence(answers, requirements, statements, sections):
        right = _rows(_all_of(answers, requirements, statements, sections))
        silent = answers[answers.code == "yes"].merge(requirements[requirements.evidence == ""], on="req_id")
        return right.to_dict("records") + _rows(silent.assign(section="0", why="not declared")).to_dict("records")

    def anybodys_document(answers, requirements, statements, sections):
        found = _claims(answers, requirements, statements, sections, on=("evidence",))
        return _rows(found[found.why != ""])

    def without_those_who_are_out(answers, requirements, statements, sections):
        found = _all_of(_left(answers, requirements), requirements, statements, sections)
        return _rows(found)

    def mandatory_alone(answers, requirements, statements, sections):
        found = _all_of(answers, requirements, statements, sections)
        return _rows(found[found.mandatory])

    def dicom_alone(answers, requirements, statements, sections):
        found = _all_of(answers, requirements, statements, sections)
        return _rows(found[found.kind == "sop"])

    wrong_ways = {
        listed_is_proven: "You took every line in a document for a proof. Look at `role`: a product that only *sends* an object (SCU) does "
        "not store it. To support a SOP class says nothing without the role; PS3.2, section 7.3, has the statement name it.",
        lines_alone: "You have the lines with the wrong role. But a document also contradicts by what it leaves out: whoever claims a SOP "
        "class declares it in the conformance statement (PS3.2, section 7.3), and an integration statement lists the profiles and actors "
        "that are implemented. Merge with `how=\"left\"`, so that claims without a line stay in the table.",
        both_roles_suspected: "`SCU/SCP` means user and provider: the requirement is met. You would accuse the vendors of dozens of claims "
        "that their documents prove.",
        admitted_ones_too: "Some of your rows are answers such as `partial` or `roadmap`. Who admits that something is lacking has claimed "
        "nothing that a document could contradict: only `yes` is a claim.",
        without_any_evidence: "You accuse vendors of answers that no line of these lists would speak of: `evidence` is empty there, the "
        "text `\"\"` and not NaN, so that `evidence != \"\"` leaves it out and `notna()` does not. Not proven is not contradicted; ask for "
        "a demonstration.",
        anybodys_document: "You looked whether *any* vendor's document has the line. Each vendor has to prove its claim with its own: "
        "merge on `vendor` and `evidence`.",
        without_those_who_are_out: "You left out the vendor that failed on paper. Its documents are asked for as well: a loser wants to "
        "know why, and the board how far its claims went.",
        mandatory_alone: "Those are the contradicted claims among the mandatory requirements. The others earn points as well, and a "
        "pattern of claims that do not stand is what you want to see before a contract.",
        dicom_alone: "You looked at SOP classes only. Integration statements, HL7 specifications and the DICOMweb services are documents "
        "too.",
    }
    hints = [
        "Three conditions make a claim that can be checked: the code is `yes`, `evidence` is not the empty text (`!= \"\"`), and it is "
        "the vendor's own document that counts.",
        "`claims.merge(statements[[\"vendor\", \"evidence\", \"role\"]], on=[\"vendor\", \"evidence\"], how=\"left\")` keeps claims "
        "without a line; their role is then missing: `.role.isna()`.",
        "`kind` of a claim is the beginning of its evidence: `claims.evidence.str[:3]`. With it, `sections` can be merged on vendor and "
        "kind.",
        "Make a column `why`: `beside.loc[beside.role == \"SCU\", \"why\"] = \"user only\"`, likewise for the missing ones. Keep the rows "
        "that have one of the two.",
    ]
    praise = ("Each row is a sentence for the letter to the vendor: *you answered yes to ..., your ... in section ... says otherwise.* It "
        "may be a mistake in the document: let them explain in writing, and write the explanation into the contract.")


def _all_of(answers, requirements, statements, sections):
    found = _claims(answers, requirements, statements, sections)
    return found[found.why != ""]


# --- 3 prices

def _amounts(price_sheet):
    return price_sheet.assign(eur=price_sheet.eur.map(euros))


def _costs(sheet, exit_eur, exit_year=YEARS, rate=1.04, shift=0, of_fees=lambda year: (1.08 / 1.04) ** year):
    """paid, npv and npv_8 of each vendor; `of_fees`: by what the fees for studies grow in a year when studies grow faster."""
    fees = sheet.kind == "service"
    factor = rate ** (sheet.year - shift)
    faster = sheet.eur.where(~fees, sheet.eur * sheet.year.map(of_fees))
    parts = sheet.assign(paid=sheet.eur, npv=sheet.eur / factor, npv_8=faster / factor)
    sums = parts.groupby("vendor")[["paid", "npv", "npv_8"]].sum()
    sums.loc["Quillhaven"] += [exit_eur, exit_eur / rate ** (exit_year - shift), exit_eur / rate ** (exit_year - shift)]
    return sums


def _at_the_highest(sheet, vendor, kind, years, rate=1.04):
    """[paid, npv, npv_8] of a vendor's missing lines of a kind in some years, at the highest price that another asks for them."""
    others = sheet[(sheet.vendor != vendor) & (sheet.kind == kind) & sheet.year.isin(years)].groupby("year").eur.max()
    present = others / rate ** others.index.to_series()
    growth = (1.08 / 1.04) ** others.index.to_series() if kind == "service" else 1
    return [others.sum(), present.sum(), (present * growth).sum()]


class Offers(Table):
    """The table of costs; amounts may be written as the sheets write them, and a dictionary may hold one for each vendor."""

    def read(self, given):
        """The table, also of a dictionary of dictionaries."""
        if is_a(given, dict) and given and all(is_a(one, dict) for one in given.values()):
            value = plain(given)
            by_vendor = value
            if {str(name).casefold() for name in value} & {"paid", "npv", "npv_8"}:                 # what DataFrame.to_dict() gives
                by_vendor = {vendor: {column: value[column].get(vendor) for column in value} for vendor in next(iter(value.values()))}
            given = [{"vendor": vendor, **one} if is_a(one, dict) else one for vendor, one in by_vendor.items()]
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every Table; of the vendor whose exit is put in it says what went wrong with that, column by column."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "value":
            return verdict
        solution = self._computed(exercise, exercise.solution, editions)
        rows, right = self._keyed(self.read(*given), solution), self._keyed(solution, solution)
        names = solution.columns
        row, wanted = (dict(zip(names, table[("quillhaven",)], strict=True)) for table in (rows, right))
        price = _highest_exit(_amounts(exercise.lesson.input_of("price_sheet", editions.own)))
        said = _of_the_exit({name: row[name] - wanted[name] for name in ("paid", "npv", "npv_8")
                             if is_a(row[name], (int, float))}, price, price / 1.04**YEARS)
        return Verdict(Outcome.NOT_YET, said, "exit") if said else verdict


def _of_the_exit(off, price, present):
    """What to say of how far Quillhaven's sums are off, {column: euros}, where it is one thing with the exit that explains it; or None."""
    def is_off(name, by):
        return name in off and abs(off[name] - by) <= 1000
    lacks = [name for name in off if is_off(name, -(price if name == "paid" else present))]
    twice = [name for name in off if is_off(name, price if name == "paid" else present)]
    whole = [name for name in ("npv", "npv_8") if is_off(name, price - present)]
    fine = [name for name in off if is_off(name, 0)]
    if lacks and len(lacks) + len(fine) == 3 and fine:
        return (f"Quillhaven's exit is in {_and(fine)}, but not in {_and(lacks)}. It has to be put into each of the three sums; into the "
                "two present values as what it is worth today.")
    if twice and len(twice) + len(fine) == 3:
        return (f"Quillhaven's exit is twice in {_and(twice)}. Has a cell with `+=` run twice? Each run adds once more: make the sums anew "
                "in the same cell, before the line that adds.")
    if whole and len(whole) + len(fine) == 3:
        return (f"You put Quillhaven's exit into {_and(whole)} at its full price. It falls due in year 7: in a present value it counts "
                "divided by 1.04 to the power of 7.")
    return None


def _and(names):
    return " and ".join(f"`{name}`" for name in names)


def _amount(value):
    """A reading: an amount in euros, also as the price sheets write it."""
    if is_a(value, str):
        text = value.replace("€", "").replace("EUR", "").strip()
        if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", text):
            return euros(text)
        return float(text.replace(",", "").replace(" ", ""))
    return value


def _about_a_cost(vendor, column, given, right, input):
    """What to look at, of an amount that is not right, though it may be the only wrong one of its row."""
    if not is_a(given, (int, float)):
        return None
    if given < 100_000 and (abs(1000 * given - right) < 1000 * 1000 or abs(1_000_000 * given - right) < 100_000):
        return f"Amounts are asked in euros, not in {'thousands' if given >= 100 else 'millions'} of them."
    sheet, name = _amounts(input("price_sheet")), {one.casefold(): one for one in projects.VENDORS}[vendor]
    for way, feedback in Costs.wrong_ways.items():
        wrong = way(input("price_sheet")).set_index("vendor").loc[name, column]
        if abs(wrong - given) <= 1000 < abs(wrong - right):
            return feedback
    if name == "Quillhaven":
        exits = sheet[sheet.item.str.startswith("Exit")]
        discount = 1 if column == "paid" else 1.04**YEARS
        for line in exits[exits.eur < exits.eur.max()].itertuples():
            if abs(right - (exits.eur.max() - line.eur) / discount - given) <= 1000:
                return (f"You put in {line.vendor}'s price for the exit. Rule 3 takes the highest that any other bidder asks, whoever is "
                        "still in.")
    return None


def _highest_exit(sheet):
    return sheet[sheet.item.str.startswith("Exit")].eur.max()


@lesson.exercise
class Costs:
    """What does each offer cost in seven years, made **comparable** by the rules above? For all four vendors, in euros:

    - `paid`: all payments of the seven years added up, with what a sheet leaves out, not discounted;
    - `npv`: their net present value at 4 % a year; payments fall at the **end** of a year, those of year 1 too;
    - `npv_8`: the same net present value if studies grow by 8 % a year instead of 4 %. Only the lines `Fee for ... studies` (kind
      `service`) change here. The studies of year 1 have grown once since the tender was written, those of year 2 twice, and so on; so
      each fee is multiplied by 1.08/1.04 **to the power of its year**.

    Give a table with the columns `vendor`, `paid`, `npv` and `npv_8`, or one with the vendors as its index. Rounded to a thousand euros is
    exact enough.
    """

    answer = Offers("costs", key=["vendor"], tolerance=1000, told=True, remark=_about_a_cost,
                    reading={"paid": _amount, "npv": _amount, "npv_8": _amount})
    points = 3

    def solution(price_sheet):
        sheet = price_sheet.copy()
        sheet["eur"] = sheet.eur.map(euros)
        sheet["npv"] = sheet.eur / 1.04 ** sheet.year
        sheet["npv_8"] = sheet.npv
        fees = sheet.kind == "service"
        sheet.loc[fees, "npv_8"] = sheet.npv * (1.08 / 1.04) ** sheet.year
        costs = sheet.groupby("vendor")[["eur", "npv", "npv_8"]].sum().rename(columns={"eur": "paid"})
        missing = sheet[sheet.item.str.startswith("Exit")].eur.max()
        costs.loc["Quillhaven", "paid"] += missing
        costs.loc["Quillhaven", "npv"] += missing / 1.04 ** 7
        costs.loc["Quillhaven", "npv_8"] += missing / 1.04 ** 7
        return costs.round().reset_index()

    def sheets_as_they_are(price_sheet):
        return _costs(_amounts(price_sheet), 0).reset_index()

    def purchase_alone(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet[sheet.year == 1], 0).reset_index()

    def one_off_alone(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet[sheet.kind.isin(["one-off", "licence", "hardware"])], _highest_exit(sheet)).reset_index()

    def year_one_not_discounted(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), shift=1).reset_index()

    def not_discounted(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), rate=1.0).reset_index()

    def discounted_once(price_sheet):
        right = Costs.solution(price_sheet).set_index("vendor")
        sheet = _amounts(price_sheet)
        growing = _costs(sheet, _highest_exit(sheet), rate=1.0).npv_8
        return right.assign(npv=right.paid / 1.04**YEARS, npv_8=growing / 1.04**YEARS).reset_index()

    def exit_at_once(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), exit_year=1).reset_index()

    def exit_at_the_mean(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, sheet[sheet.item.str.startswith("Exit")].eur.mean()).reset_index()

    def exit_at_the_lowest(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, sheet[sheet.item.str.startswith("Exit")].eur.min()).reset_index()

    def gift_taken_back(price_sheet):
        sheet = _amounts(price_sheet)
        right, support = _costs(sheet, _highest_exit(sheet)), sheet[(sheet.vendor == "Lanternfish") & (sheet.kind == "support")]
        yearly = support[support.year == support.year.min()].eur.sum()
        present = yearly / 1.04 + yearly / 1.04**2
        right.loc["Lanternfish"] += [2 * yearly, present, present]
        return right.reset_index()

    def gift_at_the_highest(price_sheet):
        sheet = _amounts(price_sheet)
        right = _costs(sheet, _highest_exit(sheet))
        right.loc["Lanternfish"] += _at_the_highest(sheet, "Lanternfish", "support", (1, 2))
        return right.reset_index()

    def fees_put_in(price_sheet):
        sheet = _amounts(price_sheet)
        right = _costs(sheet, _highest_exit(sheet))
        right.loc["Quillhaven"] += _at_the_highest(sheet, "Quillhaven", "service", range(1, YEARS + 1))
        return right.reset_index()

    def swapped(price_sheet):
        return Costs.solution(price_sheet).rename(columns={"paid": "npv", "npv": "paid"})

    def nothing_grows(price_sheet):
        right = Costs.solution(price_sheet)
        return right.assign(npv_8=right.npv)

    def growth_not_discounted(price_sheet):
        sheet = _amounts(price_sheet)
        growing = _costs(sheet, _highest_exit(sheet), rate=1.0).npv_8
        return Costs.solution(price_sheet).set_index("vendor").assign(npv_8=growing).reset_index()

    def discounted_at_eight(price_sheet):
        sheet = _amounts(price_sheet)
        dearer = _costs(sheet, _highest_exit(sheet), rate=1.08).npv
        return Costs.solution(price_sheet).set_index("vendor").assign(npv_8=dearer).reset_index()

    def storage_grows_too(price_sheet):
        sheet = _amounts(price_sheet)
        storage = sheet[sheet.kind == "storage"]
        more = (storage.eur / 1.04**storage.year * ((1.08 / 1.04) ** storage.year - 1)).groupby(storage.vendor).sum()
        right = _costs(sheet, _highest_exit(sheet))
        return right.assign(npv_8=right.npv_8 + more).reset_index()

    def growth_added(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), of_fees=lambda year: 1 + 0.04 * year).reset_index()

    def growth_from_year_two(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), of_fees=lambda year: (1.08 / 1.04) ** (year - 1)).reset_index()

    def growth_upon_growth(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), of_fees=lambda year: 1.08**year).reset_index()

    def growth_once(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), of_fees=lambda year: 1.08 / 1.04 + 0 * year).reset_index()

    def multiplied(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), rate=1 / 1.04).reset_index()

    def four_per_cent_off(price_sheet):
        sheet = _amounts(price_sheet)
        return _costs(sheet, _highest_exit(sheet), rate=1 / 0.96).reset_index()

    def presents_swapped(price_sheet):
        return Costs.solution(price_sheet).rename(columns={"npv": "npv_8", "npv_8": "npv"})

    def everything_grows(price_sheet):
        right = Costs.solution(price_sheet).set_index("vendor")
        sheet = _amounts(price_sheet)
        grown = (sheet.eur / 1.04**sheet.year * (1.08 / 1.04) ** sheet.year).groupby(sheet.vendor).sum()
        grown["Quillhaven"] += _highest_exit(sheet) / 1.04**YEARS * (1.08 / 1.04) ** YEARS
        return right.assign(npv_8=grown).reset_index()

    wrong_ways = {
        sheets_as_they_are: "You added up the sheets as they came. One vendor's sheet has no line for the exit, and so it looks cheaper by "
        "just what will be paid in year 7. Rule 3 of the tender says what is put in.",
        purchase_alone: "Those are the payments of the first year. Support, storage that grows, fees and the exit come later, and they are "
        "about half of the money.",
        one_off_alone: "You counted what is bought: licences, hardware, one-off work. Support, storage and fees for each study are paid "
        "year after year: total cost of ownership has both.",
        year_one_not_discounted: "You left the first year undiscounted, as if it were paid on the day of the contract. Here payments fall "
        "at the end of a year: those of year 1 are a year away.",
        not_discounted: "Your net present values are not discounted: each payment is to be divided by 1.04 to the power of its year.",
        discounted_once: "You discounted the whole sum as if all were paid at the end of year 7. Each payment has its own year.",
        exit_at_once: "You put the missing exit into year 1. It is paid when one leaves, in year 7, and then it is worth less today.",
        exit_at_the_mean: "You put in the mean of what the others ask for the exit. Rule 3 takes the highest: who leaves a price out is "
        "not to profit from it.",
        exit_at_the_lowest: "You put in the lowest price that another asks for the exit. Rule 3 takes the highest: who leaves a price out "
        "is not to profit from it.",
        gift_taken_back: "You put in the support of years 1 and 2 that Lanternfish does not charge. It has confirmed in writing that they "
        "cost nothing (letter 2): that is a price, and no hole in the sheet.",
        gift_at_the_highest: "You put in the support of years 1 and 2 for Lanternfish, at another's price. Lanternfish has confirmed in "
        "writing that it costs nothing (letter 2): that is a price, and no hole in the sheet.",
        fees_put_in: "You put in fees for Quillhaven's studies, at another's price. Quillhaven has confirmed in writing that it charges "
        "none (letter 3): that is a price, and no hole in the sheet.",
        swapped: "`paid` and `npv` have changed places: what is paid later is worth less today, so `npv` is the smaller one.",
        nothing_grows: "`npv_8` is the same as `npv`. For whoever charges a fee for each study it is higher: with 8 % there are more "
        "studies than the sheet reckons with.",
        growth_not_discounted: "`npv_8` is not discounted. It is a net present value too: at 4 % a year, each payment by its year.",
        discounted_at_eight: "You discounted by 8 % a year. The 8 % are the growth of the studies; money still earns 4 %.",
        storage_grows_too: "In `npv_8` you let the storage grow as well. More studies would fill more of it, true; but asked are the fees "
        "alone, so that one sees what they do.",
        growth_added: "`npv_8` grows by 4 % of the first fee each year. Growth is compounded: each year is 1.08/1.04 times further from "
        "the sheet than the year before.",
        growth_from_year_two: "In `npv_8` the fee of year 1 is unchanged. The sheet's fee of year 1 holds the growth once already, so it "
        "changes too: the power is the year, and not the year less one.",
        growth_upon_growth: "In `npv_8` you let the sheet's fees grow by 8 % a year. They hold 4 % a year already: divide that out.",
        growth_once: "In `npv_8` every fee is multiplied by 1.08/1.04 once, whatever its year. Growth is compounded: the fee of year 7 has "
        "grown seven times.",
        multiplied: "Your present values multiply by 1.04 to the power of the year. A later payment is worth less today: divide.",
        four_per_cent_off: "You took 4 % off for each year (0.96 to the power of it). Today's worth is what grows to the payment at 4 %: "
        "divide by 1.04 to the power of the year; 1 / 1.04 is a little more than 0.96.",
        presents_swapped: "`npv` and `npv_8` have changed places: with more studies there are more fees, so `npv_8` is the higher one.",
        everything_grows: "In `npv_8` you let all lines grow. Only the fees go by the number of studies; licences, servers and support do "
        "not.",
    }
    hints = [
        "`price_sheet.eur.map(euros)` makes numbers of the amounts. Group by vendor and add up: that is `paid` without the missing exit.",
        "Present value: a new column, `sheet.eur / 1.04 ** sheet.year`, and its sum for each vendor.",
        "`sheet.item.str.startswith(\"Exit\")` marks the lines of the exit. Which vendor has none? Add to that vendor's sums what rule 3 "
        "says, for the present values divided by 1.04 to the power of 7.",
        "`npv_8`: copy the column of present values; for the fees, `sheet.kind == \"service\"`, multiply it by `(1.08 / 1.04) ** "
        "sheet.year`; add up.",
    ]
    praise = ("Three numbers for each offer, and the difference between the last two is what a vendor earns in fees when your hospital "
        "grows faster than you told it. Ask for a cap on it.")


# --- 4 where quality and price change places

class ShareOrNone(Number):
    """A share in per cent, or None where there is none."""

    def __init__(self, tolerance):
        super().__init__("", unit="%", tolerance=tolerance)
        self.takes = "a number (a share in per cent) or None"

    def read(self, given):
        """As for every Number; an empty tuple for None."""
        return () if given is None else super().read(given)

    def difference(self, answer, other):
        """None when both are None, or both the same number."""
        if answer and other:
            return super().difference(answer, other)
        if not answer and not other:
            return None
        return Difference("There the two change places at no share between 0 and 100: `None` is asked."
                          if answer else "There is a share between 0 and 100 at which the two tie.", "value")


def _about_a_share(case, returned):
    """What to look at where None was returned and there is a share."""
    if returned == () and FlipsAt.solution(*case) is not None:
        return ("There is a share between 0 and 100 at which the two tie. If you try shares one after the other: two totals with decimals "
                "are hardly ever exactly equal (`==`), and the tie is rarely at a whole per cent. Watch for the share after which the "
                "other one is ahead, in steps of a tenth.")
    return None


@lesson.exercise
class FlipsAt:
    """At which weight of quality do two bids change places? Write `flips_at(a, b, lowest)`.

    `a` and `b` are two bids, dictionaries such as `{"quality": 92.0, "npv": 3500000}`; `lowest` is the lowest net present value of all bids
    that count. The total of a bid is

        share * quality + (100 - share) * price points,    divided by 100

    with price points = 100 * `lowest` / `npv`. Return the `share` of quality, in per cent, at which the two totals are equal. If there is
    none between 0 and 100, return `None`: then one of the two is ahead whatever the weight. Either of the two may be the better or the
    dearer one; two bids that are alike in both do not occur. Right to a tenth of a per cent is enough.
    """

    answer = Function("flips_at", result=ShareOrNone(tolerance=0.11), remark=_about_a_share)
    points = 3

    def solution(a, b, lowest):
        better = a["quality"] - b["quality"]
        cheaper = 100 * lowest / b["npv"] - 100 * lowest / a["npv"]
        if better + cheaper == 0:
            return None
        share = 100 * cheaper / (better + cheaper)
        return share if 0 < share < 100 else None

    def divided_by_nothing(a, b, lowest):
        better = a["quality"] - b["quality"]
        cheaper = 100 * lowest / b["npv"] - 100 * lowest / a["npv"]
        share = 100 * cheaper / (better + cheaper)
        return share if 0 < share < 100 else None

    def as_a_fraction(a, b, lowest):
        share = FlipsAt.solution(a, b, lowest)
        return None if share is None else share / 100

    def share_of_the_price(a, b, lowest):
        share = FlipsAt.solution(a, b, lowest)
        return None if share is None else 100 - share

    def lowest_of_the_two(a, b, lowest):
        return FlipsAt.solution(a, b, min(a["npv"], b["npv"]))

    def whatever_comes_out(a, b, lowest):
        better = a["quality"] - b["quality"]
        cheaper = 100 * lowest / b["npv"] - 100 * lowest / a["npv"]
        return 100 * cheaper / (better + cheaper)

    def a_better_and_dearer(a, b, lowest):
        return FlipsAt.solution(a, b, lowest) if a["quality"] > b["quality"] else None

    def a_straight_line(a, b, lowest):
        better, cheaper = a["quality"] - b["quality"], 100 * (a["npv"] - b["npv"]) / lowest
        share = 100 * cheaper / (better + cheaper) if better + cheaper else -1
        return share if 0 < share < 100 else None

    def upside_down(a, b, lowest):
        better, cheaper = a["quality"] - b["quality"], 100 * b["npv"] / lowest - 100 * a["npv"] / lowest
        share = 100 * cheaper / (better + cheaper) if better + cheaper else -1
        return share if 0 < share < 100 else None

    def to_the_next_ten(a, b, lowest):
        share = FlipsAt.solution(a, b, lowest)
        return None if share is None else float(math.ceil(share / 10) * 10)

    wrong_ways = {
        divided_by_nothing: "There the sum below the line is 0: one of the two is as many points better as it is points cheaper, so its "
        "lead is the same at every share, and they never tie. Ask for that before you divide.",
        as_a_fraction: "You return a fraction of 1. The share is asked in per cent.",
        share_of_the_price: "You return the share of the price. The share of quality is asked: the rest of the hundred.",
        lowest_of_the_two: "You take the lower of the two for the reference. The points of both are reckoned from `lowest`, which may be a "
        "third bid's: that one moves the place where the two change, though it is neither of them.",
        whatever_comes_out: "You return numbers below 0 or above 100 as well. There one bid is both better and cheaper than the other: no "
        "weight lets them change places.",
        a_better_and_dearer: "You find a share only if `a` is the better one. It may be `b` that is better and dearer: the two tie at the "
        "same share in whichever order they are given.",
        a_straight_line: "You let the price points fall in a straight line with the price. The tender's formula divides: 100 x `lowest` / "
        "`npv`; the dearer a bid, the less another thousand euros cost it.",
        upside_down: "Your price points are `npv` / `lowest`: the dearest bid gets the most. It is the other way round.",
        to_the_next_ten: "You seem to try shares in steps of ten. The two tie somewhere between: step by a tenth, or solve the equation.",
    }
    hints = [
        "At the share that is asked both totals are the same. With x for it: x * qa + (100 - x) * pa = x * qb + (100 - x) * pb.",
        "Bring the terms together: x * (qa - qb) = (100 - x) * (pb - pa). The left side is what quality gives to a, the right side what "
        "the price gives to b.",
        "So x = 100 * (pb - pa) / ((qa - qb) + (pb - pa)). Compute pa and pb first, from `lowest`.",
        "At the end: `if 0 < x < 100: return x`, else `return None`. When the sum below the line is 0 the division fails: ask for that "
        "first.",
    ]
    praise = ("If the share of the tender lies near this number, the weight decides, and not the bids. Then it had better been argued "
        "before the envelopes were opened.")

    def cases(draw):
        found = []
        for number in range(36):
            qa, pa = draw.randrange(700, 980) / 10, draw.randrange(300, 480) * 10000
            gap, dearer = draw.randrange(15, 120) / 10, draw.randrange(4, 60) * 10000
            sign = 1 if number % 4 else -1                              # every fourth: one is better and cheaper
            b = {"quality": round(qa - gap, 1), "npv": pa - sign * dearer}
            a = {"quality": qa, "npv": pa}
            lowest = min(pa, b["npv"]) - (draw.randrange(20, 90) * 10000 if number % 3 else 0)
            found.append((a, b, lowest) if number % 2 else (b, a, lowest))
        # One is better by 25 points and cheaper by 25 price points: its lead is the same at every share.
        found.append(({"quality": 90.0, "npv": 3_000_000}, {"quality": 65.0, "npv": 4_000_000}, 3_000_000))
        # A tie near either end, at 1.5 and 97.8 per cent; and two bids that hardly differ, which tie all the same, at 52.2.
        found.append(({"quality": 92.0, "npv": 4_000_000}, {"quality": 71.0, "npv": 3_985_000}, 3_500_000))
        found.append(({"quality": 87.7, "npv": 3_600_000}, {"quality": 88.1, "npv": 4_400_000}, 3_500_000))
        found.append(({"quality": 85.2, "npv": 4_010_000}, {"quality": 85.0, "npv": 4_000_000}, 3_500_000))
        return found


# --- 5 which weight turns it

class Categories(Set):
    """A list of categories; one that is returned as text keeps its blanks."""

    def read(self, given):
        """The categories."""
        return super().read([one for one in given.split(",") if one.strip()] if is_a(given, str) else given)


@lesson.exercise
class Turning:
    """Whose weight turns the result? Write `turning(scores, weights, factor)`: a list of the categories whose weight alone, multiplied by
    `factor`, makes **another vendor first**.

    `scores` is `{vendor: {category: score}}`, `weights` is `{category: per cent}` and adds up to 100. When one weight is multiplied, the
    **others** are all scaled by one and the same number, so that the sum stays 100 (no weight gets above 100 by it). Change one weight at
    a time, from the original ones. If none turns the result, return an empty list. You may use `first(scores, weights)` from above.
    """

    answer = Function("turning", result=Categories("", named=("category",)))
    points = 3

    def solution(scores, weights, factor):
        before = first(scores, weights)
        found = []
        for category in weights:
            new = weights[category] * factor
            scale = (100 - new) / (100 - weights[category])
            changed = {}
            for name in weights:
                changed[name] = weights[name] * scale
            changed[category] = new
            if first(scores, changed) != before:
                found.append(category)
        return found

    def others_unchanged(scores, weights, factor):
        before = first(scores, weights)
        return [category for category in weights if first(scores, {**weights, category: weights[category] * factor}) != before]

    def others_scaled_to_a_hundred(scores, weights, factor):
        before, found = first(scores, weights), []
        for category in weights:
            new = weights[category] * factor
            changed = {name: weights[name] * (100 - new) / 100 for name in weights}
            if first(scores, {**changed, category: new}) != before:
                found.append(category)
        return found

    def taken_in_equal_parts(scores, weights, factor):
        before, found = first(scores, weights), []
        for category in weights:
            new = weights[category] * factor
            part = (weights[category] - new) / (len(weights) - 1)
            changed = {name: weights[name] + part for name in weights}
            if first(scores, {**changed, category: new}) != before:
                found.append(category)
        return found

    def any_places(scores, weights, factor):
        before, found = _order(scores, weights), []
        for category in weights:
            if _order(scores, _moved(weights, category, factor)) != before:
                found.append(category)
        return found

    def one_upon_another(scores, weights, factor):
        before, changed, found = first(scores, weights), dict(weights), []
        for category in weights:
            new = weights[category] * factor
            changed = {name: changed[name] * (100 - new) / (100 - weights[category]) for name in weights}
            changed[category] = new
            if first(scores, changed) != before:
                found.append(category)
        return found

    def again_and_again(scores, weights, factor):
        before, changed, found = first(scores, weights), dict(weights), []
        for category in weights:
            changed = _moved(changed, category, factor)
            if first(scores, changed) != before:
                found.append(category)
        return found

    def where_the_first_is_not_best(scores, weights, factor):
        before = first(scores, weights)
        return [category for category in weights if max(scores, key=lambda vendor: scores[vendor][category]) != before]

    def compared_with_itself(scores, weights, factor):
        return []

    def tried_both_ways(scores, weights, factor):
        found, other = Turning.solution(scores, weights, factor), Turning.solution(scores, weights, 1 / factor)
        return found + [name for name in other if name not in found]

    def doubled_always(scores, weights, factor):
        return Turning.solution(scores, weights, 2)

    def the_heaviest(scores, weights, factor):
        return [max(weights, key=weights.get)]

    wrong_ways = {
        others_unchanged: "You multiply one weight among the others, as they were. Whether you leave the sum at 112 or bring it back to "
        "100 afterwards is one and the same for the order: the one that you changed then has 24 of 112, which is 21 per cent, where 24 "
        "were meant.",
        others_scaled_to_a_hundred: "You multiply the others by (100 - new) / 100. They made up 100 - old before, not 100: divide by that, "
        "or the sum is no longer 100.",
        taken_in_equal_parts: "You take the difference from the others in equal parts. So a light category loses nearly all its weight, "
        "and a heavy one hardly any: the weights among them change too. Multiply all others by one number.",
        any_places: "You name a category if any two vendors change places. Asked is the first place: who would get the contract.",
        one_upon_another: "You change one weight after another without going back. Each category is to be tried alone, from the original "
        "weights: make a new dictionary for each.",
        again_and_again: "You change a weight that has been changed already: each category begins with what the one before has left. Begin "
        "each time with the original weights, in a new dictionary.",
        where_the_first_is_not_best: "You name each category in which another vendor is better. That may turn the result if the category "
        "gets heavy enough; whether it does at this factor, only the totals tell.",
        compared_with_itself: "You return an empty list in every case. If your loop has `changed = weights`: that makes no copy, both "
        "names stand for one dictionary, and you compare the changed weights with themselves. Make a new one, `changed = {}`, and note who "
        "is first before the loop.",
        tried_both_ways: "You name what turns the result at `factor`, and also what does at 1 / `factor`. Asked is the one that is given: "
        "who wants to know both calls the function twice.",
        doubled_always: "You double the weight whatever `factor` is. It may be 0.5 as well, or any other number.",
        the_heaviest: "You name the heaviest category. It has most of the weight, but if the vendors do not differ there, it decides "
        "nothing.",
    }
    hints = [
        "First note who is first with the original weights: `before = first(scores, weights)`. Then a loop: `for category in weights:`.",
        "Inside: `new = weights[category] * factor`. What is left for the others is `100 - new`; before it was `100 - weights[category]`.",
        "So all others are multiplied by `(100 - new) / (100 - weights[category])`. Fill a new dictionary, then put `new` in for the "
        "category itself.",
        "`if first(scores, changed) != before:` put the category into the list with `found.append(category)`. After the loop `return "
        "found`.",
    ]
    praise = ("A short list of the weights that somebody will argue about. If it is empty for half and double, the first place in quality "
        "is robust. Whether the award is, depends on the price as well: hold the lead against the line of the award, as in the picture.")

    def cases(draw):
        # Another tender has a category more, light ones, and other factors.
        names, vendors = [*projects.CATEGORY_WEIGHTS, "energy use"], ["Northlight", "Ostrea", "Pelham", "Quay"]
        found, light = [], 0                                        # of those in which a category of less than 5 per cent turns the result
        while len(found) < 40 or light < 2:
            some = draw.sample(names, draw.randrange(4, 8))
            parts = [draw.choice((1, *range(3, 10))) for _ in some]
            weights = {name: 100 * part / sum(parts) for name, part in zip(some, parts)}
            scores = {vendor: {name: draw.randrange(700, 1000) / 10 for name in some} for vendor in vendors[:draw.randrange(3, 5)]}
            factor = draw.choice([2, 2, 1.5, 0.5, 0.75])
            # No rounding may decide, and the first two are near each other.
            margins = [_margin(scores, _moved(weights, name, factor)) for name in some]
            if 0.1 < _margin(scores, weights) < 4 and min(margins) > 0.1 and max(weights.values()) < 45:
                turning = min((weights[name] for name in Turning.solution(scores, weights, factor)), default=100) < 5
                light += turning
                if len(found) < 40 or turning:
                    found.append((scores, weights, factor))
        return found


def _moved(weights, category, factor):
    new = weights[category] * factor
    return {name: new if name == category else weight * (100 - new) / (100 - weights[category]) for name, weight in weights.items()}


def _totals(scores, weights):
    return {vendor: sum(weights[name] * one[name] for name in weights) / sum(weights.values()) for vendor, one in scores.items()}


def _order(scores, weights):
    totals = _totals(scores, weights)
    return sorted(totals, key=totals.get)


def _margin(scores, weights):
    """By how much the first leads."""
    best = sorted(_totals(scores, weights).values())
    return best[-1] - best[-2]


@lesson.input
def needed_lead(hospital):
    """How many points of quality Brinkmere has to lead by, so that Quillhaven does not win by its price, at 70 to 30: a number."""
    npv = Costs.solution(lesson.input_of("price_sheet", hospital)).set_index("vendor").npv
    lowest = min(npv["Brinkmere"], npv["Quillhaven"])
    return round(float(30 * (100 * lowest / npv["Quillhaven"] - 100 * lowest / npv["Brinkmere"]) / 70), 2)


@lesson.input
def leads(hospital):
    """How far Brinkmere leads Quillhaven in quality, after rule 2, when a category's weight is halved and doubled: a DataFrame.

    Columns: category, weight (percent), halved, doubled (points of 100; below 0 Quillhaven is first)
    """
    import pandas as pd
    scores, weights = lesson.input_of("category_scores", hospital), lesson.input_of("category_weights", hospital)

    def lead(changed):
        totals = _totals(scores, changed)
        return round(totals["Brinkmere"] - totals["Quillhaven"], 2)
    rows = [(name, weight, lead(_moved(weights, name, 0.5)), lead(_moved(weights, name, 2))) for name, weight in weights.items()]
    return pd.DataFrame(rows, columns=["category", "weight", "halved", "doubled"])


# --- 6 the evaluators

def _means(marks):
    return marks.groupby(["evaluator", "vendor"]).points.mean().unstack()


def _standard(marks):
    """The mean standard scores: a row for each evaluator, a column for each vendor."""
    by = marks.groupby("evaluator").points
    return _means(marks.assign(points=(marks.points - by.transform("mean")) / by.transform("std")))


def _concordance(ranks):
    """Kendall's W of a table of ranks, a row for each of m judges, a column for each of n objects: 12 S / (m² (n³ - n))."""
    judges, objects = ranks.shape
    sums = ranks.sum()
    return float(12 * ((sums - sums.mean()) ** 2).sum() / (judges**2 * (objects**3 - objects)))


def _lift(table, evaluator, vendor):
    others = table.drop(evaluator)[vendor].mean()
    return float(table.loc[evaluator, vendor] - others)


def _about_the_panel(name, answer, right, input):
    """What to look at, of an entry that no wrong way explains."""
    if name in ("W", "lift") and 0.006 < abs(answer[0] - right[0]) <= 0.055 and answer[0] == round(answer[0], 1):
        return "Two decimals are asked. Yours has one: if it is rounded, round it less."
    if name == "W":
        others = {
            "You took the vendors' mean ranks. S is made of their rank **sums**, over all evaluators.": right[0] / 25,
            "Did you rank by the medians? Most of them are alike, so that they say nearly nothing of the order. Rank by the **means**.":
            _concordance(input("marks").groupby(["evaluator", "vendor"]).points.median().unstack().rank(axis=1))}
        nearest = min(others, key=lambda one: abs(others[one] - answer[0]))
        if abs(others[nearest] - answer[0]) < 0.006:
            return nearest
    if name == "W" and abs(answer[0] - right[0] * 60 / 64) < 0.006:
        return "You divided by n cubed alone. From the cube n is subtracted: it is n³ − n."
    if name == "lift":
        solved = Panel.solution(input("marks"))
        if abs(answer[0] - _standard(input("marks")).loc[solved["evaluator"], solved["vendor"]]) < 0.006:
            return ("That is the evaluator's own mean standard score for the vendor. From it the other four's mean is to be subtracted: "
                    "they may rate that vendor above or below their own means as well.")
    if name == "W" and answer[0] > 10:
        return None                                                       # a percentage, as Number says
    return {
        "W": "S is made of the vendors' rank sums: `(sums - sums.mean()) ** 2`, added up. m is the number of those who rank, n the number "
        "of those who are ranked. W is never below 0 or above 1.",
        "evaluator": "In standard scores another evaluator is further from the other four, for one of the vendors. Above or below them "
        "does not matter: look for the largest distance.",
        "vendor": "The evaluator is right, but for another vendor the distance from the other four is larger.",
        "lift": "Take that evaluator's mean standard score for the vendor, and subtract from it the mean of the other four evaluators' "
        "means for the same vendor.",
    }[name]


@lesson.exercise
class Panel:
    """Do the five evaluators agree, and does one of them see a vendor with other eyes than the rest?

    - `W`: Kendall's coefficient of concordance. For each evaluator the four vendors are ranked by the **mean** of the points that they
      got; with `m` evaluators and `n` vendors, W = 12 S / (m² (n³ − n)), where S is the sum of the squared deviations of the vendors'
      rank sums from their mean. Two decimals.
    - `evaluator` and `vendor`: whose points for whom stand out most, once each evaluator's points are made **standard scores** (minus the
      evaluator's own mean, divided by the evaluator's own standard deviation, over all 548).
    - `lift`: by how much: that evaluator's mean standard score for that vendor, minus the mean of the **other four** evaluators' means for
      it. Two decimals.
    """

    answer = Fields("panel", {"W": Number("", tolerance=0.006), "evaluator": Text(""), "vendor": Text(""),
                              "lift": Number("", tolerance=0.006)}, remark=_about_the_panel)
    points = 3

    def solution(marks):
        means = marks.groupby(["evaluator", "vendor"]).points.mean().unstack()
        sums = means.rank(axis=1).sum()
        m, n = means.shape
        W = 12 * ((sums - sums.mean()) ** 2).sum() / (m**2 * (n**3 - n))
        by_evaluator = marks.groupby("evaluator").points
        z = (marks.points - by_evaluator.transform("mean")) / by_evaluator.transform("std")
        table = z.groupby([marks.evaluator, marks.vendor]).mean().unstack()
        others = (table.sum() - table) / (m - 1)
        evaluator, vendor = (table - others).abs().stack().idxmax()
        return {"W": round(W, 2), "evaluator": evaluator, "vendor": vendor, "lift": round((table - others).loc[evaluator, vendor], 2)}

    def vendors_rank_evaluators(marks):
        return {**Panel.solution(marks), "W": _concordance(_means(marks).rank().T)}

    def mean_correlation(marks):
        right, judges = Panel.solution(marks), marks.evaluator.nunique()
        return {**right, "W": (judges * _concordance(_means(marks).rank(axis=1)) - 1) / (judges - 1)}

    def every_answer_ranked(marks):
        each = marks.pivot(index="evaluator", columns=["vendor", "req_id"], values="points")
        return {**Panel.solution(marks), "W": _concordance(each.rank(axis=1))}

    def squared_once(marks):
        means = _means(marks)
        return {**Panel.solution(marks), "W": _concordance(means.rank(axis=1)) * len(means)}

    def m_and_n_changed(marks):
        ranks = _means(marks).rank(axis=1)
        m, n = ranks.shape
        return {**Panel.solution(marks), "W": _concordance(ranks) * m**2 * (n**3 - n) / (n**2 * (m**3 - m))}

    def highest_points(marks):
        evaluator, vendor = _means(marks).stack().idxmax()
        return {**Panel.solution(marks), "evaluator": evaluator, "vendor": vendor}

    def lowest_points(marks):
        evaluator, vendor = _means(marks).stack().idxmin()
        return {**Panel.solution(marks), "evaluator": evaluator, "vendor": vendor}

    def narrowest_scale(marks):
        return {**Panel.solution(marks), "evaluator": marks.groupby("evaluator").points.std().idxmin()}

    def lift_in_points(marks):
        right = Panel.solution(marks)
        return {**right, "lift": _lift(_means(marks), right["evaluator"], right["vendor"])}

    def other_way_round(marks):
        right = Panel.solution(marks)
        return {**right, "lift": -right["lift"]}

    def lift_over_all_five(marks):
        right = Panel.solution(marks)
        return {**right, "lift": right["lift"] * 4 / 5}

    wrong_ways = {
        vendors_rank_evaluators: "You ranked the evaluators for each vendor. That says how alike their *scales* stand for every vendor: "
        "near 1 when one is always strict and another always mild. Rank the vendors within each evaluator: `rank(axis=1)` if the "
        "evaluators are the rows.",
        mean_correlation: "That is the mean of the rank correlations of all pairs of evaluators, which is akin to W, but lower: "
        "(m W − 1) / (m − 1). If you did use the formula of W, look at n³ − n: from the cube n is subtracted.",
        every_answer_ranked: "You let each evaluator rank all 548 answers. Most of them have the same few points, so ties make up nearly "
        "all of it. Asked is the order of the four vendors, by their means.",
        squared_once: "You divided by m and not by m squared: W is never above 1.",
        m_and_n_changed: "You took m for n and n for m: m are the evaluators, who rank, and n the vendors, who are ranked.",
        highest_points: "You name the evaluator with the highest points of all. They are high for whoever is rated: a mild scale, and no "
        "favour. To accuse a colleague of it costs you the panel. In standard scores another evaluator stands out.",
        lowest_points: "You name the evaluator with the lowest points of all. They are low for whoever is rated: a strict scale, and no "
        "disfavour. In standard scores another evaluator stands out.",
        narrowest_scale: "You name the evaluator who uses the fewest points of the scale. In a sum such marks weigh less; that is a scale, "
        "and no favour. In standard scores, which undo it, another evaluator stands out.",
        lift_in_points: "`lift` is in points of the guide. Evaluators whose points lie close together would then never stand out: it is "
        "asked in standard scores.",
        other_way_round: "You subtracted the evaluator's mean from the others'. Asked is by how much the evaluator is above the other "
        "four.",
        lift_over_all_five: "You compared with the mean of all five, that evaluator among them. So a fifth of the favour is hidden: "
        "compare with the other four.",
    }
    hints = [
        "`marks.groupby([\"evaluator\", \"vendor\"]).points.mean().unstack()` is a table with a row for each evaluator and a column for "
        "each vendor. `.rank(axis=1)` ranks within the rows, `.sum()` adds up the columns.",
        "S: `((sums - sums.mean()) ** 2).sum()`. Then 12 times S, divided by m squared times (n cubed minus n).",
        "Standard scores: `by = marks.groupby(\"evaluator\").points`, then `(marks.points - by.transform(\"mean\")) / "
        "by.transform(\"std\")`. Put them into a column and make the same table of means of it.",
        "The mean of the other four: `others = (table.sum() - table) / 4`. Look for the largest distance in `table - others`, whichever "
        "its sign.",
    ]
    praise = ("They agree on the order more than chance would have it, though not all on all of it; the scales differ; and one vendor is "
        "seen with other eyes by one of five. That is no proof of bad faith: whoever works with a product may know it better. It is a "
        "question to be asked in the room, before the marks are final.")


# --- 7 a requirement that can be failed

PARTS = {
    "actor": ("Image Manager/Image Archive", "Acquisition Modality", "Order Filler", "the system"),
    "profile": ("SWF.b", "PIR", "IOCM", "CT"),
    "transaction": ("RAD-8", "RAD-10", "RAD-12", "RAD-14", "RAD-66", "ITI-1"),
    "from_until": ("message sent to acknowledgement", "acknowledgement to query finds it", "message sent to users are content"),
    "statistic": ("mean", "median", "90th percentile", "95th percentile", "99th percentile", "maximum"),
    "load": ("idle", "busy hour"),
    "evidence": ("brochure", "integration statement", "reference site", "test on site"),
}
CALLED = {                                                   # what the table says of a word
    "SWF.b": "scheduled workflow", "PIR": "patient information reconciliation", "IOCM": "imaging object change management",
    "CT": "consistent time", "RAD-8": "Modality Images Stored", "RAD-10": "Storage Commitment", "RAD-12": "Patient Update",
    "RAD-14": "Query Images", "RAD-66": "Rejection Note Stored", "ITI-1": "Maintain Time",
}
NUMBERS = {"seconds": (1, 100_000), "merges": (1, 1000)}
NEEDED = {"actor": "Image Manager/Image Archive", "profile": "PIR", "transaction": "RAD-12",
          "from_until": "acknowledgement to query finds it", "statistic": "95th percentile", "load": "busy hour",
          "evidence": "test on site", "seconds": 60}
MISJUDGED = 10                                               # percent of the tests that may end wrongly
ENOUGH = 65                                                  # merges: with fewer, luck misjudges a product of the bench,
BARELY = range(52, ENOUGH)                                   # but for a few numbers among these
NAMES = ("actor", "profile", "transaction")                  # who does what: right or not, whatever a test would measure
# What is wrong with each word, and with a number that is too small or too large.
WRONG_WORDS = {
    ("evidence", "integration statement"): "The proof is the vendor's own statement. IHE lets vendors publish it, and does not check it: "
    "its accuracy is theirs alone. Every product on the bench has a statement: the bad ones pass with the good ones.",
    ("evidence", "brochure"): "The proof is a brochure. Every product on the bench has one: the bad ones pass with the good ones.",
    ("evidence", "reference site"): "The proof is another hospital's: other load, other interfaces, another version, chosen by the vendor. "
    "On the bench the bad ones pass with the good ones.",
    ("from_until", "message sent to acknowledgement"): "You measure until the acknowledgement. At most it says that the product has taken "
    "the message over: one product of the bench acknowledges merges and then loses them. Measure what the reader sees.",
    ("from_until", "message sent to users are content"): "Nobody can measure when users are content: two testers would come to two "
    "results. Name an event that a clock can stop at.",
    ("statistic", "mean"): "You demand a mean. A product with one late merge in ten has a fine mean, because nine are quick; and merges "
    "that never come are in no mean at all. Say how many of a hundred have to be in time.",
    ("statistic", "median"): "You demand a median: half of the merges may be late. The reading rooms need 95 of 100.",
    ("statistic", "maximum"): "You demand that not one of the merges is late. The reading rooms need 95 of 100: products that they would "
    "be content with fail your test, and their vendors will not bid, or will price the risk.",
    ("statistic", "99th percentile"): "You demand 99 of 100. The reading rooms need 95: products that they would be content with fail your "
    "test.",
    ("statistic", "90th percentile"): "You demand 90 of 100. The reading rooms need 95: a product in which one merge in ten is late passes "
    "about every second time.",
    ("load", "idle"): "You test when nobody works. Two products of the bench are quick then and slow in the busy hour.",
    ("merges", "few"): "So few merges leave too much to luck: by it a product with one late merge in ten passes too often, or one with one "
    "late merge in fifty fails too often. Reckon with `chance(allowed, merges, late)` how many are needed.",
    ("merges", "between"): "That still leaves too much to luck, though a few merges less would just do. How many may be late is a whole "
    "number, 5 % rounded down, so it jumps: just before a jump the test is too strict for a good product, just after it too lax for a bad "
    "one. With more merges that evens out. Reckon with `chance(allowed, merges, late)`.",
    ("seconds", "short"): "Your limit is shorter than a minute: products that the reading rooms would be content with fail it, and you "
    "would pay for speed that nobody asked for.",
    ("seconds", "long"): "Your limit is longer than a minute: a product that keeps the reading rooms waiting longer than they can passes "
    "your test.",
    ("actor", "the system"): "*The system* is nobody. A tender has several; the interface engine, the RIS and the archive would each say "
    "that it is the other's part. Name the IHE actor.",
    ("actor", "Order Filler"): "The Order Filler hears of a merge as well, but it is not what you are buying: name the IHE actor that an "
    "archive is.",
    ("actor", "Acquisition Modality"): "A modality makes images. What is to be found under the new number is kept elsewhere: name the IHE "
    "actor that an archive is.",
    ("transaction", "RAD-8"): "That transaction is about images that a modality stores. A merge of patients is another one.",
    ("transaction", "RAD-10"): "With that transaction a modality asks whether its images are kept. A merge of patients is another one.",
    ("transaction", "RAD-14"): "With that transaction a display asks for images. It may show whether a merge has been applied, but the "
    "merge comes with another one.",
    ("transaction", "RAD-66"): "That transaction withdraws single objects by a rejection note. A merge of patients is another one.",
    ("transaction", "ITI-1"): "That transaction sets clocks. A merge of patients is another one.",
    ("profile", "SWF.b"): "SWF.b leads from the order to the images. Whatever transactions it shares with others: the profile whose "
    "subject is that a patient's records are put right afterwards is another one, and a requirement names that.",
    ("profile", "IOCM"): "IOCM is about objects that are rejected or corrected. Patients whose records are put right are the subject of "
    "another profile.",
    ("profile", "CT"): "Consistent Time sets clocks. Patients whose records are put right are the subject of another profile.",
}


def requirement_of(value):
    """A requirement as a dict of its parts: words as in PARTS, numbers within NUMBERS. Raises ValueError with a sentence."""
    if type(value) is not dict:
        raise ValueError("it is a dictionary with the parts of the table")
    given = {re.sub(r"[\s\-]+", "_", str(name).strip().casefold()): one for name, one in value.items()}
    unknown = [name for name in given if name not in PARTS and name not in NUMBERS]
    if unknown:
        raise ValueError(f"there is no part {unknown[0]!r}")
    found = {}
    for name, words in PARTS.items():
        if name not in given:
            raise ValueError(f"the part `{name}` is missing")
        found[name] = _one_of(name, given[name], words)
    for name, (low, high) in NUMBERS.items():
        if name not in given:
            raise ValueError(f"the part `{name}` is missing")
        number = _number(given[name])
        if number is None or not low <= number <= high:
            raise ValueError(f"`{name}` is a number from {low} to {high}")
        found[name] = number
    if found["merges"] != int(found["merges"]):
        raise ValueError("`merges` is a whole number")
    return {**found, "merges": int(found["merges"])}


def _number(value):
    """A number, also as text with its unit: '60 s', '<= 60', '1 minute', '40,0 %'; None of anything else."""
    written = re.fullmatch(r"\s*(?:<=|=<|≤|at most|max\.?)?\s*(\d+(?:[.,]\d+)?)\s*(s|sec|seconds?|%|min|minutes?|merges)?\s*",
                           value) if type(value) is str else None
    if written:
        value = float(written[1].replace(",", ".")) * (60 if (written[2] or "").startswith("min") else 1)
    return value if type(value) in (int, float) and math.isfinite(value) else None


def _one_of(name, value, words):
    """The word of the list that is meant, with or without what the table says of it."""
    if type(value) is str:
        meant = [word for word in words if _begins(_bare(value), _bare(word)) or word in CALLED and _bare(value) == _bare(CALLED[word])]
        if meant:
            return max(meant, key=len)
    raise ValueError(f"`{name}` is one of {', '.join(words)}")


def _begins(text, word):
    """Whether a text begins with a word; RAD-12 does not begin with RAD-1."""
    return text.startswith(word) and not (word[-1].isdigit() and text[len(word):len(word) + 1].isdigit())


def _bare(text):
    return re.sub(r"[^a-z0-9]+", "", text.casefold())


class Product:
    """An archive on the test bench, and what becomes of its merges.

    idle, busy : of a thousand merges so many are late, when nobody works and in the busy hour
    lost       : of a thousand so many never come, though they were acknowledged
    fast, slow : after how many seconds a merge is seen, from and to: where it is in time, and where it is late
    """

    def __init__(self, name, idle, busy, lost=0, fast=(2, 25), slow=(90, 600)):
        self.name, self.idle, self.busy, self.lost, self.fast, self.slow = name, idle, busy, lost, fast, slow

    @property
    def good(self):
        """Whether it is what the reading rooms need: in the busy hour 95 of 100 merges seen within a minute."""
        return self.busy + self.lost <= 50

    def over(self, seconds, load):
        """The share of merges that are not seen after so many seconds."""
        late, lost = (self.busy if load == "busy hour" else self.idle) / 1000, self.lost / 1000

        def beyond(low, high):
            return min(1, max(0, (high - seconds) / (high - low)))
        return lost + late * beyond(*self.slow) + (1 - late - lost) * beyond(*self.fast)

    def passes(self, wanted):
        """The probability with which it passes the test of a requirement."""
        if wanted["evidence"] != "test on site" or wanted["from_until"] == "message sent to acknowledgement":
            return 1.0                                  # paper says what the vendor wrote on it; and all acknowledge within two seconds
        if wanted["statistic"] == "mean":               # of those that come
            late = (self.busy if wanted["load"] == "busy hour" else self.idle) / (1000 - self.lost)
            return float(late * sum(self.slow) / 2 + (1 - late) * sum(self.fast) / 2 <= wanted["seconds"])
        of_hundred = {"median": 50, "90th percentile": 10, "95th percentile": 5, "99th percentile": 1, "maximum": 0}[wanted["statistic"]]
        return chance(wanted["merges"] * of_hundred // 100, wanted["merges"], self.over(wanted["seconds"], wanted["load"]))


def chance(allowed, merges, late):
    """The probability that of so many merges at most `allowed` are late, when each is late with probability `late` (binomial)."""
    return sum(math.comb(merges, count) * late**count * (1 - late) ** (merges - count) for count in range(allowed + 1))


@lesson.input
def bench(hospital):
    """Eleven archives on a test bench; the learner's requirement is tried on them: a list of Product."""
    draws = Draws(hospital.seed, "ciip-04 bench")
    return [Product("A", 5, 20), Product("B", draws.one(2, 8), draws.one(8, 18)), Product("C", draws.one(2, 8), draws.one(5, 12)),
            Product("D, slow when busy", draws.one(4, 12), 100), Product("E, slow when busy", draws.one(4, 12), draws.one(130, 250)),
            Product("F, a long tail at any time", draws.one(100, 130), draws.one(110, 160)),
            Product("G, loses merges that it has acknowledged", draws.one(2, 6), draws.one(8, 15), draws.one(100, 140)),
            Product("H", draws.one(3, 9), draws.one(12, 20)), Product("J, very slow", draws.one(600, 700), draws.one(700, 900)),
            Product("K", draws.one(2, 6), draws.one(6, 12), fast=(50, 60)),
            Product("L, takes a little more than a minute", draws.one(10, 20), draws.one(140, 180), slow=(60.5, 61))]


@lesson.exercise
class Testable:
    """All four vendors said *yes* to R064, "Receives ADT^A40 and applies it". Your own archive would have said so too. Rewrite it, so
    that a test can **fail** it. What the reading rooms need: *when a merge has been acknowledged, the patient's studies are found under the
    new number within a minute, in at least 95 of 100 cases, in the busy hour.*

    Give a dictionary with the parts of the table above: words from the lists, and for `seconds` and `merges` (how many are made in the
    test, 1000 at most) numbers.

    The check tries your requirement on eleven archives of which it knows how they really behave, and on others that you do not see. The
    good ones are late in up to 2 of 100 merges, the bad ones in 10 or more, at least when they are busy. A good one may **fail** your test
    with a probability of at most 10 %, and a bad one may **pass** it with at most 10 %.
    """

    answer = Config("rewritten", reading=requirement_of, called="parts", shape="a dictionary",
                    template="rewritten = {\n" + "".join(f'    "{name}": ...,\n' for name in (*PARTS, *NUMBERS)) + "}")
    points = 3

    def solution():
        return {"actor": "Image Manager/Image Archive", "profile": "PIR", "transaction": "RAD-12",
                "from_until": "acknowledgement to query finds it", "statistic": "95th percentile", "load": "busy hour",
                "evidence": "test on site", "seconds": 60, "merges": 300}

    def believed():
        return {**Testable.solution(), "evidence": "integration statement"}

    def the_advertisement():
        return {**Testable.solution(), "evidence": "brochure"}

    def elsewhere():
        return {**Testable.solution(), "evidence": "reference site"}

    def acknowledged_is_done():
        return {**Testable.solution(), "from_until": "message sent to acknowledgement"}

    def contented_users():
        return {**Testable.solution(), "from_until": "message sent to users are content"}

    def on_average():
        return {**Testable.solution(), "statistic": "mean"}

    def in_the_middle():
        return {**Testable.solution(), "statistic": "median"}

    def never_later():
        return {**Testable.solution(), "statistic": "maximum"}

    def nearly_never_later():
        return {**Testable.solution(), "statistic": "99th percentile"}

    def nine_in_ten():
        return {**Testable.solution(), "statistic": "90th percentile"}

    def at_night():
        return {**Testable.solution(), "load": "idle"}

    def twenty_merges():
        return {**Testable.solution(), "merges": 20}

    def in_five_seconds():
        return {**Testable.solution(), "seconds": 5}

    def in_five_minutes():
        return {**Testable.solution(), "seconds": 300}

    def the_system():
        return {**Testable.solution(), "actor": "the system"}

    def the_ris():
        return {**Testable.solution(), "actor": "Order Filler"}

    def from_order_to_image():
        return {**Testable.solution(), "profile": "SWF.b"}

    def images_in_place_of_patients():
        return {**Testable.solution(), "transaction": "RAD-8"}

    def objects_in_place_of_patients():
        return {**Testable.solution(), "transaction": "RAD-66"}

    wrong_ways = {
        believed: WRONG_WORDS["evidence", "integration statement"],
        the_advertisement: WRONG_WORDS["evidence", "brochure"],
        elsewhere: WRONG_WORDS["evidence", "reference site"],
        acknowledged_is_done: WRONG_WORDS["from_until", "message sent to acknowledgement"],
        contented_users: WRONG_WORDS["from_until", "message sent to users are content"],
        on_average: WRONG_WORDS["statistic", "mean"],
        in_the_middle: WRONG_WORDS["statistic", "median"],
        never_later: WRONG_WORDS["statistic", "maximum"],
        nearly_never_later: WRONG_WORDS["statistic", "99th percentile"],
        nine_in_ten: WRONG_WORDS["statistic", "90th percentile"],
        at_night: WRONG_WORDS["load", "idle"],
        twenty_merges: WRONG_WORDS["merges", "few"],
        in_five_seconds: WRONG_WORDS["seconds", "short"],
        in_five_minutes: WRONG_WORDS["seconds", "long"],
        the_system: WRONG_WORDS["actor", "the system"],
        the_ris: WRONG_WORDS["actor", "Order Filler"],
        from_order_to_image: WRONG_WORDS["profile", "SWF.b"],
        images_in_place_of_patients: WRONG_WORDS["transaction", "RAD-8"],
        objects_in_place_of_patients: WRONG_WORDS["transaction", "RAD-66"],
    }
    hints = [
        "Go through the need word by word: what has been acknowledged, who must find what, within which time, how many of a hundred, when.",
        "Who: the IHE actor that an archive is. Which profile reconciles patient information, and which transaction updates a patient? The "
        "table above the exercise has them all.",
        "A mean hides a tail, an acknowledgement hides a loss, a quiet night hides a queue, and paper hides everything.",
        "How many merges: with m of them 5 % of m may be late. `chance(m * 5 // 100, m, 0.10)` is how often a bad product passes, `1 - "
        "chance(m * 5 // 100, m, 0.02)` how often a good one fails: try a few m, in a loop.",
    ]
    praise = ("Actor, profile, transaction, measure, load, sample and proof: a vendor can price that, a tester can carry it out, and a "
        "judge can read it. Most requirements of most tenders say none of it.")

    def trial(settings, hospital):
        misjudged = []
        for one in lesson.input_of("bench", hospital):
            passes = one.passes(settings)
            if (1 - passes if one.good else passes) > MISJUDGED / 100:
                misjudged.append(one.name)
        # What a requirement is known by: its words that are not those of the need, and on which side a number is wrong.
        wrong = [(name, settings[name]) for name in PARTS if settings[name] != NEEDED[name]]
        if settings["seconds"] != NEEDED["seconds"]:
            wrong.append(("seconds", "short" if settings["seconds"] < NEEDED["seconds"] else "long"))
        if settings["merges"] < ENOUGH:
            wrong.append(("merges", "between" if settings["merges"] in BARELY else "few"))
        if not misjudged:                                       # then only the names can be wrong, and what a clock can stop at
            wrong = [(name, word) for name, word in wrong if name in NAMES or word == "message sent to users are content"]
        return {"misjudged": bool(misjudged), "wrong": wrong}

    def faults(outcome):
        wrong = sorted(outcome["wrong"], key=lambda part: list(WRONG_WORDS).index(part))
        found = [WRONG_WORDS[part] for part in wrong]
        if outcome["misjudged"] and not found:
            found.append("A good product fails your test too often, or a bad one passes it too often.")
        if len(found) > 1:
            more = "is one part more that does" if len(found) == 2 else f"are {len(found) - 1} parts more that do"
            found[0] += f" (There {more} not fit the need.)"
        return found


# --- 8 the rules of the award

CEILING = 5_000_000
WORTH = (20_000, 45_000)                                     # euros in seven years that the board will pay for one point of quality
FAR_OFF = (10_000, 100_000)                                  # euros: below and above it, it is not the limit that was missed by a little
RULES = {
    "mandatory": ("out before weighing", "minus 10 points", "counted as points"),
    "proof": ("answers", "documents"),
    "price": ("purchase", "sheet as it came", "comparable npv"),
    "price_points": ("lowest of all / own", "lowest admitted / own", "ceiling"),
}


GOOD_RULES = {"mandatory": "out before weighing", "proof": "documents", "price": "comparable npv", "price_points": "ceiling"}
# Which line of the replay is not 0 when a rule is wrong, and what is wrong with each.
LINES = {"mandatory": "fails", "proof": "claims", "price": "hidden", "price_points": "withdrawn"}
WRONG_RULES = {
    ("mandatory", "counted as points"): "A failed mandatory requirement only costs its points: in some tenders a bid wins that may not be "
    "bought. Whatever is mandatory has to be asked before anything is weighed.",
    ("mandatory", "minus 10 points"): "Ten points are a price for failing a mandatory requirement, and in some tenders a bid can afford "
    "it. What can be bought off is not mandatory.",
    ("proof", "answers"): "You count what vendors answer. In some tenders a bid wins on claims that its own documents contradict: the "
    "reward for writing *yes* everywhere.",
    ("price", "purchase"): "You weigh what is paid in the first year. In some tenders the winner would be another if all seven were "
    "weighed: the bid that moves its price into support and fees profits, and the hospital pays.",
    ("price", "sheet as it came"): "You weigh the sheets as they came. Who leaves the exit out is cheaper on paper, and in some tenders "
    "that decides. Put in what is missing.",
    ("price_points", "lowest of all / own"): "The price points of all bids hang on the lowest, even if that bid is out. In some tenders "
    "the winner would be another if a losing bid had not been made. That invites bids made for nothing else.",
    ("price_points", "lowest admitted / own"): "The scale hangs on the cheapest bid that is admitted, though it loses: in some tenders its "
    "withdrawal makes another the winner. A scale that is published before the opening hangs on nobody.",
}


def rules_of(value):
    """Rules as a dict: words as in RULES, and quality_share, a number from 0 to 100. Raises ValueError with a sentence."""
    if type(value) is not dict:
        raise ValueError("they are a dictionary with the entries of the table")
    given = {re.sub(r"[\s\-]+", "_", str(name).strip().casefold()): one for name, one in value.items()}
    unknown = [name for name in given if name not in RULES and name != "quality_share"]
    if unknown:
        raise ValueError(f"there is no rule {unknown[0]!r}")
    missing = [name for name in (*RULES, "quality_share") if name not in given]
    if missing:
        raise ValueError(f"the rule `{missing[0]}` is missing")
    share = _number(given["quality_share"])
    if share is None or not 0 <= share < 100:
        raise ValueError("`quality_share` is a number from 0 to below 100, in per cent")
    if 0 < share <= 1:
        raise ValueError("`quality_share` is in per cent: a third is 33")
    return {**{name: _one_of(name, given[name], words) for name, words in RULES.items()}, "quality_share": share}


class Bid:
    """A bid of one of the tenders that are replayed.

    quality, claimed : points of 100, with each claim that its documents contradict taken out, and as its answers claim
    fails            : '' or where a mandatory requirement is seen to fail: 'answers' or 'documents'
    purchase, later, left_out : euros: the first year's, the later years' present value, and the present value of what the sheet leaves out
    """

    def __init__(self, name, quality, claimed, fails, purchase, later, left_out):
        self.name, self.quality, self.claimed, self.fails = name, quality, claimed, fails
        self.purchase, self.later, self.left_out = purchase, later, left_out

    def cost(self, kind):
        """The price that is weighed by one of the rules for `price`."""
        return self.purchase + (self.later if kind != "purchase" else 0) + (self.left_out if kind == "comparable npv" else 0)


def award(bids, rules):
    """The Bid that gets the contract by the rules, or None if none is left."""
    share, seen = rules["quality_share"], ("answers", "documents") if rules["proof"] == "documents" else ("answers",)
    admitted = [one for one in bids if one.fails not in seen] if rules["mandatory"] == "out before weighing" else list(bids)
    if not admitted:
        return None
    lowest = min(one.cost(rules["price"]) for one in (bids if rules["price_points"] == "lowest of all / own" else admitted))

    def total(one):
        quality = one.quality if rules["proof"] == "documents" else one.claimed
        if one.fails in seen and rules["mandatory"] == "minus 10 points":
            quality -= 10
        cost = one.cost(rules["price"])
        points = 100 * (1 - cost / CEILING) if rules["price_points"] == "ceiling" else 100 * lowest / cost
        return share * quality + (100 - share) * points, one.name
    return max(admitted, key=total)


class Archive:
    """Old tenders, to try rules on."""

    def __init__(self, tenders):
        self._tenders = tenders

    def __repr__(self):
        return f"<{len(self._tenders)} old tenders; replay(rules)>"

    def replay(self, rules):
        """A Replayed: what would have come of `rules`, a dictionary."""
        try:
            return Replayed(replay(self._tenders, rules_of(plain(dict(rules) if hasattr(rules, "keys") else rules))), len(self._tenders))
        except ValueError as problem:
            raise CourseError(f"The rules can't be used as they are: {problem}.") from None


class Replayed:
    """What came of rules. `outcome` holds the counts."""

    def __init__(self, outcome, tenders):
        self.outcome, self._tenders = outcome, tenders

    def __repr__(self):
        out = self.outcome
        return "\n".join([
            f"of {self._tenders} tenders:",
            f"{out['fails']:4d}  were won by a bid that fails a mandatory requirement, by its answers or its documents",
            f"{out['claims']:4d}  would have another winner if claims that the vendor's documents contradict counted as no",
            f"{out['hidden']:4d}  would have another winner if all costs of the seven years were in the price",
            f"{out['withdrawn']:4d}  would have another winner if one of the losing bids had not been made",
            f"one point of quality is worth about {round(out['worth'], -2):,} euros",
        ])


def replay(tenders, rules):
    """What comes of rules on tenders: counts of what goes wrong, and what a point of quality is worth in euros (a dict)."""
    out, references = {"fails": 0, "claims": 0, "hidden": 0, "withdrawn": 0}, []
    for bids in tenders:
        winner = award(bids, rules)
        out["fails"] += bool(winner.fails)
        out["claims"] += winner is not award(bids, {**rules, "proof": "documents"})
        out["hidden"] += winner is not award(bids, {**rules, "price": "comparable npv"})
        out["withdrawn"] += any(award([one for one in bids if one is not gone], rules) is not winner for gone in bids if gone is not winner)
        costs = sorted(one.cost(rules["price"]) for one in bids)
        references.append(costs[len(costs) // 2] ** 2 / costs[0])         # 100 x lowest / own falls so steeply at the middle price
    reference = CEILING if rules["price_points"] == "ceiling" else sorted(references)[len(references) // 2]
    return {**out, "worth": round(reference / 100 * rules["quality_share"] / (100 - rules["quality_share"]))}


@lesson.input
def old_tenders(hospital):
    """Tenders with five bids each, on which rules are tried: a list of lists of Bid."""
    draws, found = Draws(hospital.seed, "ciip-04 old tenders"), []
    for number in range(150):
        # Two that are near each other, at whatever share the board's worth of a point allows; a cheap weak one; one that fails; one more.
        quality, cost = draws.one(840, 930) / 10, draws.one(360, 420) * 10_000
        ahead, worth = draws.one(20, 90) / 10, draws.one(WORTH[0] - 4000, WORTH[1] + 4000)
        fails = ("answers", "documents")[number % 2]
        made = [("strong", quality, cost, ""), ("near", quality - ahead, cost - round(ahead * worth), ""),
                ("cheap", quality - draws.one(450, 550) / 10, cost - draws.one(60, 90) * 10_000, ""),
                ("failing", quality + draws.one(-90, 40) / 10, cost - draws.one(-10, 90) * 10_000, fails),
                ("other", quality - draws.one(20, 120) / 10, cost + draws.one(-10, 50) * 10_000, "")]
        bids = []
        for name, points, euro, failing in made:
            purchase = euro * draws.one(30, 60) // 100
            left_out = draws.one(60, 160) * 1000 if draws.one(0, 2) == 0 else 0
            claimed = min(100, points + (draws.one(20, 60) / 10 if draws.one(0, 2) == 0 else 0))
            bids.append(Bid(name, points, claimed, failing, purchase, euro - purchase - left_out, left_out))
        found.append(bids)
    return found


@lesson.input
def archive_of_tenders(hospital):
    """The old tenders with their `replay(rules)`."""
    return Archive(lesson.input_of("old_tenders", hospital))


@lesson.exercise
class TheAward:
    """Fix the rules of the **next** tender, before anybody has opened an envelope. They are good enough when on every tender that they
    are tried on

    - no bid wins that fails a mandatory requirement, be it by its answers or by its own documents;
    - a claim that the vendor's own documents contradict earns nothing, and no cost of the seven years stays out of the price;
    - nobody's winning depends on whether some **losing** bid was made or not;
    - one point of quality is worth 20,000 to 45,000 euros in seven years: so much the board is ready to pay for it.

    Give a dictionary with the entries of the table above. `archive_of_tenders.replay(rules)` tells you where you are, as often as you
    like. The check replays your rules on those tenders, and on others that you do not see.
    """

    answer = Config("rules", reading=rules_of, called="rules", shape="a dictionary",
                    template="rules = {\n" + "".join(f'    "{name}": ...,\n' for name in (*RULES, "quality_share")) + "}")
    points = 4

    def solution():
        return {"mandatory": "out before weighing", "proof": "documents", "price": "comparable npv", "price_points": "ceiling",
                "quality_share": 40}

    def as_usual():
        return {"mandatory": "counted as points", "proof": "answers", "price": "sheet as it came", "price_points": "lowest of all / own",
                "quality_share": 70}

    def averaged_away():
        return {**TheAward.solution(), "mandatory": "counted as points"}

    def a_fine():
        return {**TheAward.solution(), "mandatory": "minus 10 points"}

    def believed():
        return {**TheAward.solution(), "proof": "answers"}

    def first_year_alone():
        return {**TheAward.solution(), "price": "purchase"}

    def holes_in_the_sheet():
        return {**TheAward.solution(), "price": "sheet as it came"}

    def any_bid_sets_the_scale():
        return {**TheAward.solution(), "price_points": "lowest of all / own"}

    def admitted_bids_set_the_scale():
        return {**TheAward.solution(), "price_points": "lowest admitted / own"}

    def seventy_thirty():
        return {**TheAward.solution(), "quality_share": 70}

    def price_above_all():
        return {**TheAward.solution(), "quality_share": 10}

    wrong_ways = {
        as_usual: "Those are the rules of the first replay, and each of them has its weak place. Change one after the other and watch the "
        "replay.",
        averaged_away: WRONG_RULES["mandatory", "counted as points"],
        a_fine: WRONG_RULES["mandatory", "minus 10 points"],
        believed: WRONG_RULES["proof", "answers"],
        first_year_alone: WRONG_RULES["price", "purchase"],
        holes_in_the_sheet: WRONG_RULES["price", "sheet as it came"],
        any_bid_sets_the_scale: WRONG_RULES["price_points", "lowest of all / own"],
        admitted_bids_set_the_scale: WRONG_RULES["price_points", "lowest admitted / own"],
        seventy_thirty: "So large a share sounds like *quality first*. Work out what it says: one point of quality is worth more than a "
        "hundred thousand euros. The board has named its limit.",
        price_above_all: "With so small a share a point of quality is worth less than ten thousand euros: a much weaker product wins by a "
        "little lower price. The board is ready to pay more for a point.",
    }
    hints = [
        "Replay rules of your own: `archive_of_tenders.replay({\"mandatory\": \"counted as points\", ...})`. Each line of the report "
        "belongs to one of the rules.",
        "Change one rule at a time and watch which line goes to zero. The first two lines come from `mandatory` and `proof`, the third "
        "from `price`.",
        "The fourth line: with which of the three price points does nobody's score depend on another bid?",
        "The last line: share / (100 - share) times a hundredth of what the price is compared with. Raise or lower the share until it is "
        "within the board's limits.",
    ]
    praise = ("Publish that with the request for proposals, and the evaluation is arithmetic that anybody can repeat. What is left to "
        "judge is what ought to be judged: what is mandatory, and what a point is worth.")

    def trial(settings, hospital):
        out = replay(lesson.input_of("old_tenders", hospital), settings)
        worth = out["worth"]
        wrong = [(name, settings[name]) for name, good in GOOD_RULES.items() if settings[name] != good and out[LINES[name]]]
        if not wrong:                                           # what goes wrong comes of another rule than the one of its line
            wrong = [(name, settings[name]) for name, good in GOOD_RULES.items()
                     if settings[name] != good and any(out[line] for line in LINES.values())]
        side = "more" if worth > WORTH[1] else "less" if worth < WORTH[0] else ""
        if side and not FAR_OFF[0] <= worth <= FAR_OFF[1]:
            side = "far " + side
        elif side and not wrong:
            side = f"about {round(worth, -2):,} euros, {side}"
        return {"wrong": wrong, "worth": side}

    def faults(outcome):
        found = [WRONG_RULES[rule] for rule in outcome["wrong"]]
        if outcome["worth"]:
            found.append(f"With these rules a point of quality is worth {outcome['worth']} than the board will pay for it: look at "
                         "`quality_share`.")
        if len(found) > 1:
            found[0] += " And that is not all: look at each line of the replay."
        return found
