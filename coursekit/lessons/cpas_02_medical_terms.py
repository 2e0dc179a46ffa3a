"""Reading the request, body systems, medical terms, exam names: the exercises of lesson cpas-02."""

import re
import sys

from coursekit.checking import Config, Lesson, Pick, Table
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain, short
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital.catalogue import PROCEDURES
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-02",
    title="Reading the request: body systems, medical terms, exam names",
    version=1,
    minutes=90,
    objectives=[
        "take a medical term apart, name the organ and its body system, and know which abbreviations to ask about",
        "map another clinic's exam names to this hospital's codes and to DICOM body parts, without falling for letters inside words",
        "see what stops a request: no side, the wrong side, a safety question, an exam that does not fit",
    ],
    covers=["various body parts and body systems", "most common medical terms"],
    needs=["start"],
)


def _in_any_order(draws, items):
    """The items, shuffled by `draws`."""
    lots = draws.raw(len(items)).tolist()
    return [item for _, item in sorted(zip(lots, items, strict=True), key=lambda pair: pair[0])]


def _one_of(draws, items):
    return items[draws.one(0, len(items) - 1)]


def _numbered(draws, rows):
    """The rows, dictionaries, shuffled and numbered from 1."""
    return [{"number": number, **row} for number, row in enumerate(_in_any_order(draws, rows), 1)]


class Sheet(Table):
    """A form with numbered rows, which the learner fills in: each row is its number and a word from a list for each column.

    variables : the learner's variable
    columns   : {column: {word: other ways to write it}}
    rows      : how many rows the form has
    instead   : {column: (words, sentence)}: words that are often given in place of the column's own, and what to say then
    remark    : a function of (row of `about`, column, word given, right word, input), which gives a sentence on that mistake or None;
                `input` gives another of the lesson's inputs by its name
    about     : the lesson's input of which the form is filled in, rows with a "number"

    Forgives what Table forgives, rows without a heading, `{number: words}` and, where a row has one word, the words in their order. A
    wrong row is diagnosed by itself: the first wrong word decides which wrong way it is. Rows that are still open are checked last.
    Whatever is wrong is told with its rows.
    """

    takes = "a list of rows, each in round brackets"

    def __init__(self, variables, columns, rows, about=None, remark=None, instead=None):
        super().__init__(variables, key=["number"], told=True)
        self.about, self.tell, self.instead = about, remark, instead or {}
        self.columns = ["number", *columns]
        self.words = columns
        self.known = {
            column: {_bare(other): word for word, others in words.items() for other in (word, *others)} for column, words in columns.items()
        }
        self.rows = rows

    def not_answered(self, given):
        """`...` as a whole, or in every place of the form."""
        if super().not_answered(given):
            return True
        if type(given[0]) is list and given[0] and all(row is Ellipsis for row in given[0]):
            return True
        if type(given[0]) is not list or not given[0] or any(type(row) is not tuple or len(row) < 2 for row in given[0]):
            return False
        return all(value is Ellipsis for row in given[0] for value in row[1:])

    def read(self, given):
        """The rows with each word in its listed form."""
        value = given
        if is_library(given, "pandas", "Series"):
            series = sys.modules["pandas"].Series(given)
            numbers, words = plain(series.index), plain(series)
            # Counted from 0 by pandas itself, they are no numbers of the form.
            value = given = words if numbers == list(range(self.rows)) else dict(zip(numbers, words, strict=True))
        if type(given) is dict and given and all(type(key) in (int, str) and str(key).strip().isdigit() for key in given):
            value = [[key, *(words if type(words) is list else [words])] for key, words in plain(given).items()]
        elif type(given) in (list, tuple) and len(self.words) == 1 and len(given) == self.rows and all(
            type(word) is str or word is None or word is Ellipsis for word in given
        ):
            value = list(enumerate(given, 1))
        if type(value) in (list, tuple):
            for row in value:
                if type(row) in (list, tuple) and len(row) > 1 and len(row) != len(self.columns) and type(row[0]) is int:
                    row_number = short(row[0]).strip("`")
                    raise Unreadable(f"Row {row_number} has {len(row)} values, not {len(self.columns)}. Is a comma missing between two "
                                     "words, so that Python made one of them, or is there one too many?")
        table = super().read(value)
        found = []
        for row in self._in_order(table):
            try:
                number = int(str(row[0]).strip(" .:#"))
            except ValueError:
                raise Unreadable(f"A row begins with {short(row[0])}. Each row begins with its number.") from None
            found.append((number, *(self._word(number, column, word) for column, word in zip(self.words, row[1:], strict=True))))
        return Rows(self.columns, found)

    def _in_order(self, table):
        """The table's rows with the form's columns, by name or, where there are no names, in the order of the form."""
        names = [str(name).removeprefix("index of ").strip().casefold() for name in table.columns]
        if set(self.columns) <= set(names):
            places = [names.index(column) for column in self.columns]
            return [[row[place] for place in places] for row in table.rows]
        unnamed = not set(names) & set(self.columns)
        if unnamed and len(names) == len(self.columns):
            return table.rows
        raise Unreadable(f"Each row has {len(self.columns)} values: {', '.join(f'`{column}`' for column in self.columns)}.")

    def _word(self, number, column, value):
        if value is Ellipsis:
            return value
        missing = value is None or type(value) is float and value != value      # a NaN is what pandas makes of nothing
        if missing and "none" in self.words[column]:
            return "none"
        if value is None or type(value) not in (str, int):
            raise Unreadable(f"In row {number}, `{column}` is {describe(value)}; it should be a word in quotes.")
        word = self.known[column].get(_bare(str(value)))
        if word is None:
            words, sentence = self.instead.get(column, ((), ""))
            if _bare(str(value)) in words:
                raise Unreadable(f"In row {number}, `{column}`: {short(str(value))} {sentence}")
            listed = list(self.words[column])
            which = f"The words are: {', '.join(listed)}." if len(listed) <= 16 else "Look at the list above the exercise."
            raise Unreadable(f"In row {number}, {short(str(value))} is not a word that `{column}` can have. {which}")
        return word

    def judge(self, exercise, given, editions):
        """As for every kind; of an answer that mixes mistakes, the first wrong row is diagnosed. Open places are told last."""
        try:
            answer = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        left = next(((row[0], column) for row in sorted(answer.rows, key=lambda row: row[0])
                     for column, word in zip(self.words, row[1:], strict=True) if word is Ellipsis), None)
        if left is None:
            verdict = super().judge(exercise, given, editions)
            if verdict.label == "missing row":
                return self._first_wrong(exercise, answer, editions, " And rows are missing.") or verdict
            if verdict.label in {way.__name__ for way in exercise.wrong_ways}:
                return Verdict(verdict.outcome, f"{self._wrong_rows(exercise, answer, editions)}: {verdict.message}", verdict.label)
            if verdict.correct or verdict.label in ("extra row", "repeated row"):
                return verdict
            return self._first_wrong(exercise, answer, editions) or verdict
        row, column = left
        return self._first_wrong(exercise, answer, editions, f" And `{column}` of row {row} is still open.") or Verdict(
            Outcome.NOT_YET, f"What is filled in is right so far. In row {row}, `{column}` is still open: put your answer in place of the "
            "`...`.", "open")

    def _first_wrong(self, exercise, answer, editions, more=""):
        """The verdict on the first wrong word of an answer, or None when no word that is filled in is wrong."""
        answer, right = self._by_number(answer), self._by_number(self._computed(exercise, exercise.solution, editions))
        wrong = ((number, place) for number in right if number in answer for place, word in enumerate(right[number])
                 if answer[number][place] is not Ellipsis and answer[number][place] != word)
        number, place = next(wrong, (None, None))
        if number is None:
            return None
        column, word = self.columns[place + 1], answer[number][place]
        label, sentence = "value", "this is not right."
        for way, feedback in exercise.wrong_ways.items():
            if self._by_number(self._computed(exercise, way, editions))[number][place] == word:
                label, sentence = way.__name__, feedback
                break
        else:
            if self.tell:
                def get(name):
                    return exercise.lesson.input_of(name, editions.own)

                item = next(row for row in get(self.about) if row["number"] == number)
                sentence = self.tell(item, column, word, right[number][place], get) or sentence
        return Verdict(Outcome.NOT_YET, f"Row {number}, `{column}`: {sentence}{more}", label)

    def _wrong_rows(self, exercise, answer, editions):
        """The rows that are wrong, in words: "Row 3", "Rows 3, 5 and 7"."""
        answer, right = self._by_number(answer), self._by_number(self._computed(exercise, exercise.solution, editions))
        *others, last = [str(number) for number in right if answer[number] != right[number]]
        return f"Rows {', '.join(others)} and {last}" if others else f"Row {last}"

    @staticmethod
    def _by_number(rows):
        return {row[0]: row[1:] for row in sorted(rows.rows)}

    def stub(self):
        """The form with its words open."""
        rows = "\n".join(f"    ({number}, {', '.join('...' for _ in self.words)})," for number in range(1, self.rows + 1))
        return f"{self.variables[0]} = [\n    # ({', '.join(self.columns)})\n{rows}\n]"


def _bare(word):
    """A word as it is compared: without case, quotes, doubled blanks, hyphens and an article in front."""
    bare = " ".join(word.replace("-", " ").strip(" .!'\"").casefold().split())
    return re.sub("^(an?|the) (?=.)", "", bare)


# ---- words in parts

ROOTS = {
    "cholecyst": "gallbladder", "cyst": "bladder", "nephr": "kidney", "ren": "kidney", "suprarenal": "adrenal gland", "ureter": "ureter",
    "uter": "uterus", "hyster": "uterus", "hepat": "liver", "gastr": "stomach", "col": "colon", "append": "appendix",
    "pancreat": "pancreas", "thyroid": "thyroid gland", "trache": "windpipe", "bronch": "airways", "pneumon": "lung", "thorac": "chest",
    "card": "heart", "tens": "blood pressure", "splen": "spleen", "crani": "skull", "dur": "cover of the brain", "myel": "spinal cord",
    "lapar": "abdomen", "arthr": "joint", "spondyl": "vertebra", "vertebr": "vertebra", "cost": "rib", "mamm": "breast",
}
ENDINGS = {
    "ectomy": "removal", "ostomy": "opening", "otomy": "incision", "itis": "inflammation", "osis": "wear", "ography": "picture",
    "ogram": "picture", "oscopy": "look inside", "omegaly": "enlarged",
}
PREFIXES = {
    "hyper": "too much", "hypo": "too little", "supra": "above", "sub": "below", "peri": "around", "inter": "between", "intra": "inside",
    "endo": "inside",
}
SYSTEMS = {
    "circulatory": ("heart", "blood vessels", "blood pressure"),
    "digestive": ("stomach", "colon", "appendix", "liver", "gallbladder", "pancreas"),
    "endocrine": ("thyroid gland", "adrenal gland", "pituitary gland"),
    "musculoskeletal": ("joint", "vertebra", "rib", "skull", "muscles"),
    "nervous": ("brain", "cover of the brain", "spinal cord"),
    "reproductive": ("uterus", "ovaries", "prostate", "breast"),
    "respiratory": ("windpipe", "airways", "lung"),
    "urinary": ("kidney", "ureter", "bladder"),
}

TERMS = (  # one of each group stands on the form
    ("cholecystitis", "cholecystectomy"),
    ("cystitis", "cystography"),
    ("colostomy", "gastrostomy", "nephrostomy", "tracheostomy"),
    ("thoracotomy", "craniotomy", "laparotomy"),
    ("appendicitis", "pancreatitis", "hepatitis", "arthritis"),
    ("arthrosis", "spondylosis"),
    ("myelography", "mammogram", "arthrogram"),
    ("bronchoscopy", "gastroscopy", "colonoscopy", "arthroscopy"),
    ("nephrectomy", "gastrectomy", "hysterectomy", "colectomy", "splenectomy"),
    ("hepatomegaly", "splenomegaly", "cardiomegaly"),
)
ORGANS = ("abdomen", "adrenal gland", "airways", "appendix", "bladder", "breast", "chest", "colon", "gallbladder", "heart", "joint",
          "kidney", "liver", "lung", "pancreas", "skull", "spinal cord", "spleen", "stomach", "ureter", "uterus", "vertebra", "windpipe")
OTHER_NAMES = {
    "colon": ("bowel", "large bowel", "large intestine"), "windpipe": ("trachea",), "airways": ("airway", "bronchi", "bronchus"),
    "gallbladder": ("gall bladder",), "bladder": ("urinary bladder",), "kidney": ("kidneys",), "joint": ("joints",),
    "vertebra": ("vertebrae", "spine"), "lung": ("lungs",), "chest": ("thorax",), "abdomen": ("belly", "abdominal wall"),
    "breast": ("breasts",), "uterus": ("womb",), "skull": ("cranium",), "adrenal gland": ("adrenal", "adrenals", "adrenal glands"),
}
SAYS = {
    "removal": ("remove", "removed", "cutting out", "cut out", "excision"), "opening": ("an opening", "opening that stays", "stoma"),
    "incision": ("cut", "cut into", "cutting into"), "inflammation": ("inflamed",),
    "wear": ("wear and tear", "lasting condition", "condition", "degeneration"), "picture": ("image", "imaging", "x ray"),
    "look inside": ("looking inside", "endoscopy"), "enlarged": ("enlargement", "too big"),
}
NOT_THIS_ORGAN = {  # (how the term begins, organ given): why not
    ("bronch", "lung"): "The airways lead into the lung, but the root for the lung itself is pneumon. What does the list have behind "
    "bronch?",
    ("bronch", "windpipe"): "The windpipe has a root of its own, trache. What does the list have behind bronch?",
    ("trache", "airways"): "The list has two roots for the way of the air; the one in this term is the part in the neck.",
    ("spondyl", "joint"): "Joints have a root of their own, arthr. Which root does this term begin with?",
    ("arthr", "vertebra"): "Vertebrae have roots of their own, spondyl and vertebr. Which root does this term begin with?",
    ("cyst", "gallbladder"): "For the gallbladder chole, bile, would stand in front of the root. Here it stands alone.",
    ("cyst", "kidney"): "The kidney has the roots nephr and ren. Which organ do its ureters lead to?",
    ("thorac", "lung"): "What is cut into is the wall around; the lung has a root of its own, pneumon.",
    ("gastr", "abdomen"): "The abdomen has a root of its own, lapar. This one means a single organ in it.",
}
ENDINGS_SAY = "Cover the beginning of the term: which line of the table of suffixes is the end of it?"


def _on_terms(item, column, given, right, get):
    """A sentence on a wrong organ or ending."""
    if column == "says":
        return ENDINGS_SAY
    why = next((why for (root, organ), why in NOT_THIS_ORGAN.items() if item["term"].startswith(root) and organ == given), None)
    return why or "Look for the longest root of the list with which the term begins; the organ stands behind its =."


@lesson.input
def roots(hospital):
    """Roots of medical terms: part -> organ."""
    return dict(ROOTS)


@lesson.input
def endings(hospital):
    """Suffixes: part -> what it says."""
    return dict(ENDINGS)


@lesson.input
def prefixes(hospital):
    """Prefixes: part -> what it says."""
    return dict(PREFIXES)


@lesson.input
def systems(hospital):
    """Body systems: name -> organs."""
    return {system: list(organs) for system, organs in SYSTEMS.items()}


@lesson.input
def terms(hospital):
    """Ten terms from the requests of the night: a list of {"number", "term"}."""
    draws = Draws(hospital.seed, "cpas-02 terms")
    return _numbered(draws, [{"term": _one_of(draws, group)} for group in TERMS])


def _terms_told(terms, roots, endings):
    """Organ and ending of each term, by the longest part that fits."""
    rows = []
    for row in terms:
        root = max((part for part in roots if row["term"].startswith(part)), key=len)
        ending = max((part for part in endings if row["term"].endswith(part)), key=len)
        rows.append((row["number"], roots[root], endings[ending]))
    return rows


@lesson.exercise
class TermsInParts:
    """What do the ten terms in `terms` say?

    For each give the **organ** (a word from behind the = in the list of roots) and what its **ending** says: removal, opening, incision,
    inflammation, wear, picture, look inside, enlarged.
    """

    answer = Sheet("told", {"organ": {organ: OTHER_NAMES.get(organ, ()) for organ in ORGANS}, "says": SAYS}, len(TERMS),
                   about="terms", remark=_on_terms, instead={
                       "organ": (ROOTS, "is the root itself. Which organ stands behind its = in the list?"),
                       "says": ({*ENDINGS, "megaly"}, "is the ending itself. What does it say, by the table of suffixes?")})

    def solution(terms, roots, endings):
        rows = []
        for row in terms:
            # The longest root of the list with which the term begins.
            longest = ""
            for root in roots:
                if row["term"].startswith(root) and len(root) > len(longest):
                    longest = root
            for ending in endings:
                if row["term"].endswith(ending):
                    says = endings[ending]
            rows.append((row["number"], roots[longest], says))
        return rows

    def removal_is_a_cut(terms, roots, endings):
        return _terms_told(terms, roots, endings | {"ectomy": "incision"})

    def opening_is_a_cut(terms, roots, endings):
        return _terms_told(terms, roots, endings | {"ostomy": "incision", "otomy": "opening"})

    def wear_is_inflammation(terms, roots, endings):
        return _terms_told(terms, roots, endings | {"itis": "wear", "osis": "inflammation"})

    def one_bladder(terms, roots, endings):
        return _terms_told(terms, roots | {"cholecyst": "bladder"}, endings)

    def looking_is_a_picture(terms, roots, endings):
        return _terms_told(terms, roots, endings | {"oscopy": "picture"})

    wrong_ways = {
        removal_is_a_cut: "-ectomy is not a mere cut: something is taken out, and the images of afterwards lack an organ or a part "
        "of it. The ending that means cutting into something is -otomy, without the c.",
        opening_is_a_cut: "-ostomy and -otomy differ by one letter. With the s there is a stoma, an opening that stays; without it "
        "something is cut into and closed again.",
        wear_is_inflammation: "You exchanged -itis and -osis. Think of tonsillitis, which is hot and sore; -osis is a lasting "
        "condition; of joints and vertebrae the list calls it wear.",
        one_bladder: "The root cyst alone is the bladder that holds urine. With chole, bile, before it, it is another sac: look for the "
        "longest root in the table that fits.",
        looking_is_a_picture: "-oscopy is done with an instrument that is put inside and looked through, not by radiology's machines. "
        "Images end in -ography (the making) and -ogram (the result).",
    }
    hints = [
        "Cover the ending first: what is left at the beginning is the root, with an o between them that only joins.",
        "If several roots of the table fit the beginning, the longest one counts.",
        "The endings -ectomy, -ostomy and -otomy are the ones that are mixed up: removal, an opening that stays, a cut. Which is which "
        "stands in the table of endings.",
    ]
    praise = ("An -ectomy on a request explains an organ that is missing, whole or in part; an -ostomy often a tube or bag. Neither is a "
              "fault of the viewer, and you can tell the caller so.")


WORDS = (
    ("hypothyroidism", "hyperthyroidism"), ("hypertension", "hypotension"), ("suprarenal gland",), ("periureteric",), ("intrauterine",),
    ("intervertebral", "intercostal"), ("intrahepatic",), ("pericholecystic",), ("subdural",), ("endotracheal", "endobronchial"),
)
SYSTEM_NAMES = {
    "circulatory": ("cardiovascular", "vascular"), "digestive": ("gastrointestinal", "gi"), "endocrine": ("hormonal",),
    "musculoskeletal": ("skeletal", "msk"), "nervous": ("neurological", "neuro"), "reproductive": ("genital",),
    "respiratory": ("pulmonary",), "urinary": ("renal",),
}
SYSTEM_NAMES = {name: (*others, *(f"{one} system" for one in (name, *others))) for name, others in SYSTEM_NAMES.items()}
PREFIX_NAMES = {
    "too much": ("too high", "more", "high"), "too little": ("too low", "less", "low"), "above": ("over",), "below": ("under", "beneath"),
    "around": ("about",), "between": (), "inside": ("within", "in"),
}


NOT_THIS_SYSTEM = {  # (part of the word, system given): why not
    ("cost", "respiratory"): "The ribs move when one breathes, but the organ that the word names is a bone.",
    ("cost", "circulatory"): "It is about the ribs (cost), not the coronary vessels.",
    ("dur", "musculoskeletal"): "The dura lies under the skull, but it is not bone: it is the cover of the brain.",
    ("vertebr", "nervous"): "The spinal cord runs inside the vertebrae; the word names the bones.",
    ("thyroid", "respiratory"): "The thyroid gland lies before the windpipe. The system follows from what it makes.",
    ("thyroid", "digestive"): "The thyroid gland lies in the neck and makes hormones; no food passes it.",
    ("trache", "digestive"): "Behind the windpipe runs the gullet; the word names the way of the air.",
    ("uter", "urinary"): "The womb lies behind the bladder; the system follows from what the organ does.",
    ("cyst", "urinary"): "There are two bladders, and before the root cyst stands chole.",
    ("tens", "nervous"): "Tension is meant of the blood vessels: the list has it behind tens.",
}


def _on_words(item, column, given, right, get):
    """A sentence on a wrong prefix or system."""
    if column == "prefix":
        return "Compare the first letters of the word with the table of prefixes: what stands beside them?"
    why = next((why for (part, system), why in NOT_THIS_SYSTEM.items() if part in item["word"] and system == given), None)
    return why or "Find the organ by the longest root in the word; the table of systems says in which line that organ stands."


@lesson.input
def words(hospital):
    """Ten words with a prefix from the requests of the night: a list of {"number", "word"}."""
    draws = Draws(hospital.seed, "cpas-02 words")
    return _numbered(draws, [{"word": _one_of(draws, group)} for group in WORDS])


def _words_told(words, prefixes, roots, systems):
    rows = []
    system_of = {organ: system for system, organs in systems.items() for organ in organs}
    for row in words:
        prefix = next(part for part in prefixes if row["word"].startswith(part))
        root = max((part for part in roots if part in row["word"]), key=len)
        rows.append((row["number"], prefixes[prefix], system_of[roots[root]]))
    return rows


@lesson.exercise
class WordsAndSystems:
    """What does the **prefix** of each word in `words` say, and to which **system** does the organ in it belong?

    Prefixes say: too much, too little, above, below, around, between, inside. Systems: circulatory, digestive, endocrine, musculoskeletal,
    nervous, reproductive, respiratory, urinary.
    """

    answer = Sheet("placed", {"prefix": PREFIX_NAMES, "system": SYSTEM_NAMES}, len(WORDS),
                   about="words", remark=_on_words, instead={
                       "prefix": (PREFIXES, "is the prefix itself. What does it say, by the table of prefixes?"),
                       "system": ({organ for organs in SYSTEMS.values() for organ in organs},
                                  "is an organ. In which line of the table of systems does it stand?")})

    def solution(words):
        meant = {
            "hypothyroidism": ("too little", "endocrine"), "hyperthyroidism": ("too much", "endocrine"),
            "hypertension": ("too much", "circulatory"), "hypotension": ("too little", "circulatory"),
            "suprarenal gland": ("above", "endocrine"), "periureteric": ("around", "urinary"),
            "intrauterine": ("inside", "reproductive"), "intervertebral": ("between", "musculoskeletal"),
            "intercostal": ("between", "musculoskeletal"), "intrahepatic": ("inside", "digestive"),
            "pericholecystic": ("around", "digestive"), "subdural": ("below", "nervous"),
            "endotracheal": ("inside", "respiratory"), "endobronchial": ("inside", "respiratory"),
        }
        rows = []
        for row in words:
            prefix, system = meant[row["word"]]
            rows.append((row["number"], prefix, system))
        return rows

    def hyper_and_hypo(words, prefixes, roots, systems):
        return _words_told(words, prefixes | {"hyper": "too little", "hypo": "too much"}, roots, systems)

    def inter_and_intra(words, prefixes, roots, systems):
        return _words_told(words, prefixes | {"inter": "inside", "intra": "between"}, roots, systems)

    def by_the_neighbour(words, prefixes, roots, systems):
        return _words_told(words, prefixes, roots | {"suprarenal": "kidney"}, systems)

    def ureter_and_uterus(words, prefixes, roots, systems):
        return _words_told(words, prefixes, roots | {"ureter": "uterus", "uter": "ureter"}, systems)

    def one_bladder(words, prefixes, roots, systems):
        return _words_told(words, prefixes, roots | {"cholecyst": "bladder"}, systems)

    def sub_and_supra(words, prefixes, roots, systems):
        return _words_told(words, prefixes | {"sub": "above", "supra": "below"}, roots, systems)

    wrong_ways = {
        hyper_and_hypo: "You exchanged hyper- and hypo-. A hyperactive child has a lot of activity; a hypodermic needle goes under the "
        "skin, and hypo- is the low one.",
        inter_and_intra: "You exchanged inter- and intra-. An international flight goes from one country to another; an intravenous line "
        "lies in the vein.",
        by_the_neighbour: "You went by the neighbour in the picture. The organ sits on the kidney, and its name says so, but what it makes "
        "are hormones. The system follows from what an organ does.",
        ureter_and_uterus: "Two words that look alike: the ureter carries urine from the kidney, the uterus carries a child. Read "
        "the letters behind the u once more.",
        one_bladder: "There are two bladders. Chole- is bile: the sac under the liver, which helps to digest fat.",
        sub_and_supra: "You exchanged sub- and supra-. A submarine goes down; super and supra are on top.",
    }
    hints = [
        "Take the prefix off. In what is left, find the longest root of the table; it gives the organ.",
        "The table of systems says where each organ belongs. Ask what the organ does, not what lies beside it.",
        "Two of the roots hide in longer ones: ren in suprarenal, cyst in cholecyst. Two look alike: ureter and uter.",
    ]
    praise = "So a request speaks of an organ even where it does not name it, and you know which department will read the images."


# ---- abbreviations

READINGS = {
    "MS": ("multiple sclerosis", "mitral stenosis"),
    "PE": ("pulmonary embolism", "pleural effusion"),
    "RA": ("rheumatoid arthritis", "right atrium"),
    "LLL": ("left lower lobe", "left lower lid"),
    "PID": ("pelvic inflammatory disease", "prolapsed intervertebral disc"),
    "OD": ("overdose", "right eye"),
}
SHORTENED = {
    "MS": (("MR BRAIN", "MS since 2015, new optic neuritis. New plaques?"), ("US ECHOCARDIOGRAM", "MS, diastolic murmur. Valve area?"),
           ("XR CHEST PA/LAT", "MS. Pre-operative.")),
    "PE": (("CT PULMONARY ANGIO", "Sudden dyspnoea after a long flight, D-dimer raised. PE?"),
           ("XR CHEST AP PORTABLE", "PE on the right, 800 ml drained yesterday. Fluid left?"),
           ("XR CHEST AP PORTABLE", "PE. Nasogastric tube, position?")),
    "RA": (("XR HAND", "RA, morning stiffness, swollen finger joints. Erosions?"),
           ("XR CHEST AP PORTABLE", "New central venous catheter. Tip in RA?")),
    "LLL": (("XR CHEST PA/LAT", "Cough and fever. Pneumonia LLL?"),
            ("CT HEAD", "Blow to the face, LLL torn, cannot open the eye. Fracture?")),
    "PID": (("US ABDOMEN", "Woman of 24, fever, discharge, pain in the lower abdomen. PID?"),
            ("MR LUMBAR SPINE", "Sciatica for six weeks. PID L5/S1?")),
    "OD": (("CT HEAD", "Unconscious after OD, empty boxes of tablets beside the bed. Bleeding?"),
           ("CT HEAD", "Metal splinter OD since noon, sees blurred. Position?")),
}


@lesson.input
def readings(hospital):
    """What an abbreviation may mean: abbreviation -> readings, the one most often meant here first."""
    return {short: list(meanings) for short, meanings in READINGS.items()}


@lesson.input
def shortened(hospital):
    """Eight requests with an abbreviation: a list of {"number", "exam", "text", "abbreviation"}."""
    draws = Draws(hospital.seed, "cpas-02 abbreviations")
    rows = [(short, text) for short in ("MS", "PE") for text in SHORTENED[short]]
    for short in _in_any_order(draws, ["RA", "LLL", "PID", "OD"])[:2]:
        rows.append((short, SHORTENED[short][1 if len(rows) == 6 else draws.one(0, 1)]))
    return _numbered(draws, [{"exam": exam, "text": text, "abbreviation": short} for short, (exam, text) in rows])


def _meant(shortened, change):
    """A row for each request, by `change(abbreviation, place of the meaning among its readings or None)`."""
    rows = []
    for row in shortened:
        place = next(at for at, text in enumerate(SHORTENED[row["abbreviation"]]) if text[1] == row["text"])
        rows.append((row["number"], change(row["abbreviation"], place if place < 2 else None)))
    return rows


def _on_abbreviations(item, column, given, right, get):
    """A sentence on a reading of another abbreviation."""
    if given != "ask" and given not in READINGS[item["abbreviation"]]:
        return f"That is no reading of {item['abbreviation']}: look at its line in `readings`."
    return None


@lesson.exercise
class WhatIsMeant:
    """What does the abbreviation in each request of `shortened` mean?

    Choose one of its `readings`, or `"ask"` where neither the text nor the exam decides.
    """

    answer = Sheet("meaning", {"means": {reading: () for two in READINGS.values() for reading in two} | {
        "multiple sclerosis": ("sclerosis",), "mitral stenosis": ("stenosis",), "pulmonary embolism": ("embolism", "lung embolism"),
        "pleural effusion": ("effusion",), "rheumatoid arthritis": ("arthritis",), "right atrium": ("atrium",),
        "left lower lobe": ("lower lobe", "lobe"), "left lower lid": ("left lower eyelid", "lower lid", "lid", "eyelid"),
        "right eye": ("eye",),
        "pelvic inflammatory disease": ("pelvic inflammation",),
        "prolapsed intervertebral disc": ("prolapsed disc", "disc prolapse", "disc"),
        "ask": ("ask back", "ask the referrer", "ask them", "unclear", "?")}}, 8, about="shortened", remark=_on_abbreviations)
    points = 2

    def solution(shortened):
        # All texts that may stand on the form; yours are eight of them.
        means = {
            "MS since 2015, new optic neuritis. New plaques?": "multiple sclerosis",
            "MS, diastolic murmur. Valve area?": "mitral stenosis",
            "MS. Pre-operative.": "ask",
            "Sudden dyspnoea after a long flight, D-dimer raised. PE?": "pulmonary embolism",
            "PE on the right, 800 ml drained yesterday. Fluid left?": "pleural effusion",
            "PE. Nasogastric tube, position?": "ask",
            "RA, morning stiffness, swollen finger joints. Erosions?": "rheumatoid arthritis",
            "New central venous catheter. Tip in RA?": "right atrium",
            "Cough and fever. Pneumonia LLL?": "left lower lobe",
            "Blow to the face, LLL torn, cannot open the eye. Fracture?": "left lower lid",
            "Woman of 24, fever, discharge, pain in the lower abdomen. PID?": "pelvic inflammatory disease",
            "Sciatica for six weeks. PID L5/S1?": "prolapsed intervertebral disc",
            "Unconscious after OD, empty boxes of tablets beside the bed. Bleeding?": "overdose",
            "Metal splinter OD since noon, sees blurred. Position?": "right eye",
        }
        rows = []
        for row in shortened:
            rows.append((row["number"], means[row["text"]]))
        return rows

    def always_the_usual(shortened, readings):
        return _meant(shortened, lambda short, place: readings[short][0])

    def never_asks(shortened, readings):
        return _meant(shortened, lambda short, place: readings[short][place or 0])

    def never_asks_the_rarer(shortened, readings):
        return _meant(shortened, lambda short, place: readings[short][1 if place is None else place])

    def always_asks(shortened, readings):
        return _meant(shortened, lambda short, place: "ask")

    def the_other_one(shortened, readings):
        return _meant(shortened, lambda short, place: "ask" if place is None else readings[short][1 - place])

    wrong_ways = {
        never_asks: "Here nothing decides: the film is made for another reason, in a patient with either, and the text gives no further "
        "word. A guess that sounds likely goes into the protocol and into the report. What would you do at the desk?",
        never_asks_the_rarer: "Here nothing decides, not even for the rarer reading. What would you do at the desk?",
        always_the_usual: "You took the reading that is most frequent here. Read on: the exam and the other words of the request point "
        "to one of them, or to none.",
        always_asks: "Asking is never dangerous, but here the request itself answers: look at the exam and at the words beside the "
        "abbreviation.",
        the_other_one: "The exam and the other words fit the other reading. Which organ is imaged, and would it show this?",
    }
    hints = [
        "Ask of each request: which organ does the exam show, and which complaint stands beside the abbreviation?",
        "Optic neuritis belongs to the nerves, a murmur to the heart; what is drained is fluid; a D-dimer looks for clots.",
        "Where the film is made for something else, an operation or a tube, and the abbreviation stands there alone, nothing decides.",
    ]
    praise = "You asked where asking is the only right answer, and did not bother the referrer where the request speaks for itself."


NOTES = (  # (dangerous, note): one of each group
    ("unit", ("Heparin 5000 U before the angiogram.", "Insulin 10 u this morning, glucose 6.1 mmol/l.")),
    ("unit", ("Heparin 5000 IU given in the ED.", "Vitamin D 800 IU, osteoporosis.")),
    ("day", ("Metformin 500 mg q.d., eGFR 74.", "Bisoprolol 5 mg QD, pulse 58.")),
    ("day", ("Prednisolone 10 mg q.o.d.", "Furosemide 20 mg QOD.")),
    ("zero", ("Lorazepam 1.0 mg before the MR.", "Hyoscine butylbromide 20.0 mg for the MR of the abdomen.")),
    ("point", ("Lorazepam .5 mg for claustrophobia.", "Alprazolam .25 mg, anxious.")),
    ("salt", ("MS 5 mg i.v. before the transfer.", "MgSO4 2 g given in the ED.", "MSO4 10 mg for the pain.")),
    ("", ("Nodule in the right upper lobe, 5.0 mm, follow-up.", "Liver lesion 12.0 mm in January, growing?")),
    ("", ("Creatinine 1.0 mg/dl, eGFR 71.", "INR 1.0 before the biopsy.")),
    ("", ("Lorazepam 0.5 mg before the MR.", "Heparin 5000 units before the angiogram.")),
    ("", ("US of the abdomen in 2024: gallstones.", "Seen in the ED, sent to US by Dr Quist.")),
    ("", ("Aspirin 100 mg daily.", "Bisoprolol 2.5 mg daily, stop on the day of the CT.")),
)


@lesson.input
def notes(hospital):
    """Twelve notes on medicines and findings: a list of {"number", "text"}."""
    draws = Draws(hospital.seed, "cpas-02 notes")
    return _numbered(draws, [{"text": _one_of(draws, texts)} for _, texts in NOTES])


def _dangerous(notes, *kinds):
    kind_of = {text: kind for kind, texts in NOTES for text in texts}
    return [row["number"] for row in notes if kind_of[row["text"]] in kinds]


def note_number(value):
    """A note as text, from `3`, `"3"` or `"note 3"`."""
    found = re.fullmatch(r"\s*(?:note|line|row)?\s*#?(\d{1,3})\.?\s*", str(value), re.IGNORECASE)
    if not found:
        raise ValueError("give the numbers of the notes")
    return f"note {int(found[1])}"


def _on_notes(row, extra):
    """Why a note does not belong there, or which line of the list one that lacks is under."""
    if not extra:
        kind = next(kind for kind, texts in NOTES if row["text"] in texts)
        return {
            "unit": "Look at the first two lines of the list: how is a unit written? Small letters count as well.",
            "day": "Look at the line for how often a medicine is given: with full stops or without, in capitals or not.",
            "zero": "Look for a dose with a zero behind its point: it is read as ten times as much.",
            "point": "Look for a dose with nothing before its point, which is easily overlooked.",
            "salt": "Look for letters that stand for two drugs, a painkiller and a mineral.",
        }[kind]
    if re.search(r"\d\.0\b", row["text"]):
        return ("There is a zero behind the point, but of something measured, a laboratory value or a size, not of a dose: read the "
                "footnote.")
    if re.search(r"\bUS\b", row["text"]):
        return "US stands for ultrasound there; the U of the list stands behind a number."
    if re.search(r"\d\.\d", row["text"]):
        return "The figure before and the figure behind its point are as the list wants them."
    return "What the list forbids to shorten is written out there: how often, and the unit."


@lesson.exercise
class DoNotUse:
    """Which of the `notes` hold something from the *Do Not Use* list?

    Give a list of their numbers.
    """

    answer = Pick("dangerous", about="notes", column="number", looks="5", reading=note_number, remark=_on_notes)

    def solution(notes):
        # All notes that may stand among the twelve and hold something from the list; yours are seven of them.
        listed = [
            # a unit
            "Heparin 5000 U before the angiogram.", "Insulin 10 u this morning, glucose 6.1 mmol/l.",
            "Heparin 5000 IU given in the ED.", "Vitamin D 800 IU, osteoporosis.",
            # daily, every other day
            "Metformin 500 mg q.d., eGFR 74.", "Bisoprolol 5 mg QD, pulse 58.",
            "Prednisolone 10 mg q.o.d.", "Furosemide 20 mg QOD.",
            # a zero behind the point, in a dose
            "Lorazepam 1.0 mg before the MR.", "Hyoscine butylbromide 20.0 mg for the MR of the abdomen.",
            # no zero before the point
            "Lorazepam .5 mg for claustrophobia.", "Alprazolam .25 mg, anxious.",
            # letters for two drugs
            "MS 5 mg i.v. before the transfer.", "MgSO4 2 g given in the ED.", "MSO4 10 mg for the pain.",
        ]
        numbers = []
        for row in notes:
            if row["text"] in listed:
                numbers.append(row["number"])
        return numbers

    def every_trailing_zero(notes):
        zeros = [row["number"] for row in notes if re.search(r"\d\.0\b", row["text"])]
        return sorted({*_dangerous(notes, "unit", "day", "zero", "point", "salt"), *zeros})

    def letters_only(notes):
        return _dangerous(notes, "unit", "day", "salt")

    def no_leading_zero_overlooked(notes):
        return _dangerous(notes, "unit", "day", "zero", "salt")

    def salts_overlooked(notes):
        return _dangerous(notes, "unit", "day", "zero", "point")

    def units_only(notes):
        return _dangerous(notes, "unit")

    def us_too(notes):
        us = [row["number"] for row in notes if re.search(r"\bUS\b", row["text"])]
        return sorted({*_dangerous(notes, "unit", "day", "zero", "point", "salt"), *us})

    wrong_ways = {
        every_trailing_zero: "You took every zero behind a point. The list means doses. Where the zero tells how exactly something was "
        "measured (a laboratory value, the size of a lesion), it may stand: read the footnote.",
        letters_only: "You looked at the letters alone. Two entries of the list are about decimal points: one zero too many, one zero "
        "missing.",
        no_leading_zero_overlooked: "One is missing: a dose whose point is easily overlooked, because nothing stands before it. Tenfold "
        "is soon given.",
        salts_overlooked: "One is missing: letters that stand for two different drugs, a painkiller and a mineral.",
        units_only: "You have the units. The list has more: how often, decimal points, and letters that stand for two drugs.",
        us_too: "US stands for ultrasound there; it is no dose. The U of the list stands behind a number.",
    }
    hints = [
        "Go through the list entry by entry, and through all twelve notes for each.",
        "Small letters and full stops make no difference: `u` is as bad as `U`, `q.d.` as bad as `QD`.",
        "The zero behind the point: is the number a dose, or something measured? The point in front: is there a zero before it?",
        "Seven of the twelve hold something from the list.",
    ]
    praise = "You do not correct such a note yourself: you ask its author, and the RIS team takes the spelling out of their text blocks."


# ---- words meet pictures

SEEN = {  # image: (request, what is to be seen, without the word that decides)
    "ct_head": ("Fall on the head, takes anticoagulants. Subdural haematoma?",
                "a slice across, an oval ring of white, inside it grey; along one side, between ring and grey, a lighter crescent"),
    "mr_brain_t2": ("First seizure. Intracerebral mass?",
                    "a slice across, an oval with a thin dark ring; bright fluid in the middle and in the folds, and a bright patch "
                    "within the grey on one side"),
    "us_abdomen": ("Colic under the right ribs after meals. Cholelithiasis?",
                   "a fan of grey speckles; a black pear-shaped sac with a bright dot in it that throws a dark shadow; beside it a "
                   "bean-shaped organ"),
    "us_carotid": ("TIA last night. Carotid stenosis?",
                   "grey speckles with a horizontal tube, in it a patch of colour where something flows; below it a curve that rises and "
                   "falls"),
    "xa_coronary": ("Angina at rest. Coronary stenosis?",
                    "a light field, a thin tube from above, and from its end dark branches that spread like a tree; no bones in front"),
    "rf_swallow": ("Dysphagia for solid food. Aspiration?",
                   "a side view of jaw, neck and vertebrae; in front of the vertebrae a dark spindle"),
    "nm_bone": ("Carcinoma of the prostate, PSA rising. Osseous metastases?",
                "a whole person, coarse and glowing: skull, ribs, spine, pelvis, legs"),
    "mg_lcc": ("Palpable lump. Mass, microcalcifications?",
               "half an oval with its rounded side to one edge, grey and white tissue in it with a dense white patch; the letters CC"),
}
LETTERS = "ABCDEFGH"


@lesson.input
def hung(hospital):
    """The eight images: letter -> name in the hospital's collection."""
    draws = Draws(hospital.seed, "cpas-02 images")
    return dict(zip(LETTERS, _in_any_order(draws, list(SEEN)), strict=True))


@lesson.input
def hung_images(hospital):
    """The eight images themselves: letter -> Dataset or list of them."""
    return {letter: hospital.image(name) for letter, name in lesson.input_of("hung", hospital).items()}


@lesson.input
def chest(hospital):
    """A chest CT, whose slices show the three planes."""
    return hospital.image("ct_chest")


@lesson.input
def looks(hospital):
    """What is to be seen: letter -> text."""
    return {letter: SEEN[name][1] for letter, name in lesson.input_of("hung", hospital).items()}


@lesson.input
def indications(hospital):
    """Eight requests: a list of {"number", "text"}."""
    draws = Draws(hospital.seed, "cpas-02 indications")
    return _numbered(draws, [{"text": text} for text, _ in SEEN.values()])


def _matched(indications, hung, change):
    """The letter of each request's image, after `change` (image: the one taken for it)."""
    name_of = {text: name for name, (text, _) in SEEN.items()}
    letter_of = {name: letter for letter, name in hung.items()}
    return [(row["number"], letter_of[change.get(name_of[row["text"]], name_of[row["text"]])]) for row in indications]


def _exchanged(one, other):
    return {one: other, other: one}


WORDS_OF = {  # image: what the word of its request says
    "ct_head": "Subdural: below the dura, so at the rim, between skull and brain.",
    "mr_brain_t2": "Intracerebral: inside the brain. A mass there is a patch within the grey.",
    "us_abdomen": "Chole- is bile and -lith- a stone: a sac with something bright in it that throws a shadow.",
    "us_carotid": "The carotid is an artery that runs along the neck; ultrasound shows its flow.",
    "xa_coronary": "The coronary arteries surround the heart and branch.",
    "rf_swallow": "Dys- is difficult, -phagia eating: the way from mouth to stomach is filmed.",
    "nm_bone": "Osseous means of bone, and metastases may be in any of them.",
    "mg_lcc": "A lump that can be felt and small specks of calcium are looked for in the breast.",
}


def _on_images(item, column, given, right, get):
    """A sentence on another image than the one that was made."""
    name = next(name for name, (text, _) in SEEN.items() if text == item["text"])
    return f"{WORDS_OF[name]} Image {given} shows {get('looks')[given]}."


@lesson.exercise
class WordsMeetPictures:
    """Which of the images A to H was made for which request in `indications`?"""

    answer = Sheet("image_of", {"image": {letter: (f"image {letter}", f"picture {letter}") for letter in LETTERS}}, len(SEEN),
                   about="indications", remark=_on_images)
    points = 2

    def solution(indications, looks):
        # The word that decides in the request, and what the image of that organ shows.
        shows = {
            "Subdural": "crescent", "Intracerebral": "patch within the grey", "Cholelithiasis": "sac with a bright dot",
            "Carotid": "horizontal tube", "Coronary": "like a tree", "Dysphagia": "dark spindle", "Osseous": "whole person",
            "microcalcifications": "letters CC",
        }
        rows = []
        for row in indications:
            for word in shows:
                for letter in looks:
                    if word in row["text"] and shows[word] in looks[letter]:
                        rows.append((row["number"], letter))
        return rows

    def both_heads(indications, hung):
        return _matched(indications, hung, _exchanged("ct_head", "mr_brain_t2"))

    def both_stenoses(indications, hung):
        return _matched(indications, hung, _exchanged("us_carotid", "xa_coronary"))

    def both_ultrasounds(indications, hung):
        return _matched(indications, hung, _exchanged("us_carotid", "us_abdomen"))

    def both_cancers(indications, hung):
        return _matched(indications, hung, _exchanged("nm_bone", "mg_lcc"))

    def colic_is_swallowing(indications, hung):
        return _matched(indications, hung, _exchanged("us_abdomen", "rf_swallow"))

    wrong_ways = {
        both_heads: "Two heads. Subdural means below the dura, so between skull and brain; intracerebral means in the brain itself. In "
        "which image does the abnormal patch lie at the rim?",
        both_stenoses: "A stenosis is a narrowing, but of which vessel? The coronary arteries lie around the heart like a crown and branch "
        "like a tree; the carotid runs along the neck as one tube.",
        both_ultrasounds: "Both are ultrasound. Chole- is bile, and -lith- a stone, which throws a shadow; a stenosis is looked for in a "
        "vessel.",
        both_cancers: "Metastases are daughter tumours far from where the cancer began; osseous means in bone. So which image shows bones?",
        colic_is_swallowing: "Dys- is difficult, -phagia eating: so the way from mouth to stomach is filmed. Chole- is bile.",
    }
    hints = [
        "Find the organ in each request first: -dural, -cerebral, chole-, carotid, coronary, -phagia, osseous.",
        "Two images show a head. One has its abnormal patch at the rim below the bone, the other within the brain.",
        "Two ultrasounds: a sac with a shadow below a bright dot, and a tube with flow. The one with coarse glowing bones is from "
        "nuclear medicine.",
    ]
    praise = ("Eight requests, eight devices. When somebody calls because a study hangs with the wrong patient, this is the glance that "
              "tells you whether image and request can belong together.")


# ---- exam names

CODES = {procedure.code: procedure.description for procedure in PROCEDURES}
MADE_WITH = {
    "DX": "plain X-rays", "CR": "plain X-rays", "CT": "the CT", "MR": "the MR", "US": "ultrasound", "MG": "mammography",
    "RF": "fluoroscopy", "XA": "a catheter in the cath lab", "PT": "PET", "NM": "nuclear medicine", "PX": "the panoramic apparatus",
    "IO": "a film in the mouth", "IVUS": "ultrasound inside a vessel", "IVOCT": "light inside a vessel", "XC": "a camera",
}
MACHINES = {procedure.code: MADE_WITH[procedure.modality] for procedure in PROCEDURES}
CODE_WORDS = {code: (name,) for code, name in CODES.items()} | {"none": ("no code", "-", "not offered", "n/a", "na")}
NOT_THIS_CODE = {  # (word of the name, code given): why not
    ("IVP", "CTAP"): "CT has replaced the IVP nearly everywhere, but the referrer has not ordered a CT: whether they want one is asked, "
    "not coded. Does the catalogue have the exam that is named?",
    ("DEXA", "NMBONE"): "A bone scan is made with a radionuclide and looks for places of high turnover. DEXA measures the density of bone "
    "by X-rays, with an apparatus of its own.",
    ("CATH", "USECHO"): "An echocardiogram is ultrasound. CATH is catheter: one is put into the heart.",
    ("CATH", "CTCOR"): "In the CT contrast flows into a vein of the arm. CATH is catheter: one is put through an artery to the heart.",
    ("CORONARY CTA", "CTPA"): "Both are angiographies in the CT, but of other arteries: coronary ones belong to the heart.",
    ("MRCP", "MRPRO"): "MRCP shows the ducts of bile and pancreas; the list of old and short names says with which exam it is made.",
    ("BILAT", "MGDX"): "A diagnostic mammogram follows a finding, of one side. What does this name say about its purpose?",
    ("C/A/P", "CTAP"): "Three letters, three regions: C is the first.",
    ("C/A/P", "CTCH"): "Three letters, three regions; your exam has one.",
    ("CHEST 2V", "XCHAP"): "Two views are made of a patient who stands; a portable is made at the bed, and is not named here.",
    ("KUB", "CTAP"): "CT KUB is an everyday request, but then CT stands before it. Alone, KUB is by custom something else.",
    ("KUB", "XPELV"): "Kidneys, ureters, bladder: that is more than the pelvis.",
}


def _on_codes(item, column, given, right, get):
    """A sentence on a wrong code."""
    why = next((why for (word, code), why in NOT_THIS_CODE.items() if word in item["name"] and code == given), None)
    if why:
        return why
    if given == "none":
        return ("There is a code for this name, under another word. Look once more at the list of old and short names, and in the "
                "catalogue at the exams of that machine. Whether the exam fits is another question.")
    if right == "none":
        return f"Your code is an exam made with {MACHINES[given]}. Is the one that is named the same exam, or only its neighbour?"
    if MACHINES[given] != MACHINES[right]:
        views = " Views (2V, 3V) are of plain X-rays." if re.search(r"\b\dV\b", item["name"]) else ""
        return f"Your code is an exam made with {MACHINES[given]}. Which machine does the name say?{views}"
    named = re.search(r"\b\dV\b|/LAT", item["name"])
    views = " How many views does it name (2V, PA/LAT), and does your exam have as many?" if named else ""
    return f"The machine may be right. Look at the rest of the name: body part, views, position of the patient, purpose.{views}"


TRICKY_NAMES = (
    ("KUB SUPINE", "XABD"), ("CAT SCAN BRAIN PLAIN", "CTHD"), ("CORONARY CTA", "CTCOR"), ("CXR PORT", "XCHAP"),
    ("CT CHEST PE PROTOCOL", "CTPA"), ("IVP W TOMOGRAMS", "none"), ("LEFT HEART CATH W CORONARIES", "XACOR"),
)
OTHER_NAMES_OF_EXAMS = (
    ("PLAIN FILM CHEST 2V", "XCHPA"), ("CT C/A/P W", "CTCAP"), ("MRCP", "MRABD"), ("OPG", "PXPAN"), ("2D ECHO (TTE)", "USECHO"),
    ("MAMMO SCREEN BILAT", "MGSCR"), ("BONE SCINTIGRAPHY", "NMBONE"), ("BARIUM ESOPHAGRAM", "RFSWAL"), ("SONO RUQ", "USABD"),
    ("C-SPINE 3V", "XCSP"), ("PLAIN FILM L-SPINE", "XLSP"), ("DEXA BONE DENSITY", "none"),
)


@lesson.input
def catalogue(hospital):
    """The hospital's catalogue of procedures: a DataFrame of code, name, modality, body part, whether a side is needed."""
    import pandas
    return pandas.DataFrame(
        [(p.code, p.description, p.modality, p.body_part or "", "yes" if p.sided else "") for p in PROCEDURES],
        columns=["code", "description", "modality", "body_part", "sided"],
    )


@lesson.input
def eastcliff(hospital):
    """Twelve exam names of Eastcliff's request form: a list of {"number", "name"}."""
    draws = Draws(hospital.seed, "cpas-02 names")
    names = [name for name, _ in TRICKY_NAMES] + [name for name, _ in _in_any_order(draws, list(OTHER_NAMES_OF_EXAMS))[:5]]
    return _numbered(draws, [{"name": name} for name in names])


@lesson.input
def ordered(hospital):
    """Six of Eastcliff's orders in the feed: a DataFrame of OBR-4, one of them with a code that is not of our catalogue."""
    import pandas
    rows = []
    for message in reversed(hospital.feed):
        if message.sender == "ECC_RIS" and message.event == "OMI^O23":
            for segment in message.text.split("\r"):
                fields = segment.split("|")
                if fields[0] == "OBR" and len(rows) < 200:
                    code, name, system = (fields[4].split("^") + ["", ""])[:3]
                    rows.append((code, name, system))
    # A code of their new catalogue, and a few of ours, each once.
    rows = list(dict.fromkeys(rows))
    rows = [row for row in rows if row[0].startswith("EC.")][:1] + [row for row in rows if not row[0].startswith("EC.")][:5]
    return pandas.DataFrame(sorted(rows), columns=["OBR-4.1", "OBR-4.2", "OBR-4.3"])


def _mapped(eastcliff, **change):
    code_of = dict(TRICKY_NAMES + OTHER_NAMES_OF_EXAMS)
    names = {"brain": "CAT SCAN BRAIN PLAIN", "cta": "CORONARY CTA", "port": "CXR PORT", "pe": "CT CHEST PE PROTOCOL",
             "ivp": "IVP W TOMOGRAMS", "kub": "KUB SUPINE"}
    code_of |= {names[what]: code for what, code in change.items()}
    return [(row["number"], code_of[row["name"]]) for row in eastcliff]


@lesson.exercise
class TheirNamesOurCodes:
    """Which code of this hospital's `catalogue` is meant by each of Eastcliff's exam names in `eastcliff`?

    Answer `"none"` where the hospital has no such exam: a wrong code is worse than a question.
    """

    answer = Sheet("our_code", {"code": CODE_WORDS}, 12, about="eastcliff", remark=_on_codes)
    points = 2

    def solution(eastcliff):
        # All names that may stand on the form; yours are twelve of them.
        code_of = {
            "KUB SUPINE": "XABD",                           # alone: a plain film of the abdomen
            "CAT SCAN BRAIN PLAIN": "CTHD",                 # CAT is CT; head and brain are the same exam
            "CORONARY CTA": "CTCOR",                        # angiography in the CT ...
            "LEFT HEART CATH W CORONARIES": "XACOR",        # ... and with a catheter
            "CXR PORT": "XCHAP",                            # at the bed: AP
            "CT CHEST PE PROTOCOL": "CTPA",                 # the arteries of the lung
            "IVP W TOMOGRAMS": "none", "DEXA BONE DENSITY": "none",
            "PLAIN FILM CHEST 2V": "XCHPA", "C-SPINE 3V": "XCSP", "PLAIN FILM L-SPINE": "XLSP",
            "CT C/A/P W": "CTCAP", "MRCP": "MRABD", "OPG": "PXPAN", "2D ECHO (TTE)": "USECHO",
            "MAMMO SCREEN BILAT": "MGSCR", "BONE SCINTIGRAPHY": "NMBONE",
            "BARIUM ESOPHAGRAM": "RFSWAL", "SONO RUQ": "USABD",
        }
        rows = []
        for row in eastcliff:
            rows.append((row["number"], code_of[row["name"]]))
        return rows

    def brain_is_mr(eastcliff):
        return _mapped(eastcliff, brain="MRBR")

    def angiogram_is_catheter(eastcliff):
        return _mapped(eastcliff, cta="XACOR")

    def portable_overlooked(eastcliff):
        return _mapped(eastcliff, port="XCHPA")

    def protocol_overlooked(eastcliff):
        return _mapped(eastcliff, pe="CTCH")

    def the_nearest_code(eastcliff):
        return _mapped(eastcliff, ivp="XABD")

    def kidneys_by_ultrasound(eastcliff):
        return _mapped(eastcliff, kub="USABD")

    wrong_ways = {
        brain_is_mr: "You went by the organ. The catalogue's MR BRAIN is another machine; a CAT scan is one with X-rays, and plain says "
        "that no contrast is given. Which exam of that machine shows what lies inside the skull?",
        angiogram_is_catheter: "Both show the coronary arteries, but a CTA is made in the CT with contrast into an arm vein; XACOR needs a "
        "catheter through an artery and a cath lab.",
        portable_overlooked: "That is the code for a patient who stands in front of the detector. A portable is made at the bed, "
        "from front to back, with another device and another worklist.",
        protocol_overlooked: "The words name the chest, the protocol names the question: PE is looked for in the pulmonary arteries, "
        "with contrast timed for them. An ordinary CT of the chest would miss it.",
        the_nearest_code: "An IVP (intravenous pyelogram) is a series of films with contrast passing through the kidneys. The plain film "
        "that you chose has no contrast and shows something else. Is there such an exam in the catalogue at all?",
        kidneys_by_ultrasound: "Kidneys, ureters, bladder: that is what KUB stands for. CT KUB and US KUB are everyday requests, but "
        "then the machine stands before it. Which exam is meant by KUB alone?",
    }
    hints = [
        "Split each name: machine, body part, what else (contrast, view, protocol). The list of old and foreign names stands above.",
        "`catalogue[catalogue[\"modality\"] == \"CT\"]` shows the exams of one machine alone.",
        "CAT is CT; CTA is an angiography in the CT, CATH one with a catheter; CXR is a chest X-ray and PORT one at the bed; KUB without a "
        "machine is a plain film. Two names may have no code here: look for their machine in the catalogue.",
    ]
    praise = ("This is the table that the interface needs. Keep it with its date: a name that is new tomorrow must not find an old code "
              "by chance.")


BODY_PARTS = set((  # the regions, joints, bones and larger organs among the values of PS3.16 Annex L
    "ABDOMEN ABDOMENPELVIS ACJOINT ADRENAL ANKLE AORTA ARM BACK BLADDER BRAIN BREAST CALCANEUS CALF CERVIX CHEST CHESTABDOMEN "
    "CHESTABDPELVIS CLAVICLE COCCYX COLON CORONARYARTERY CSPINE CTSPINE EAR ELBOW ESOPHAGUS EXTREMITY EYE FACE FEMUR FIBULA FINGER FOOT "
    "FOREARM GALLBLADDER HAND HEAD HEADNECK HEART HIP HUMERUS IAC ILIUM JAW KIDNEY KNEE LEG LIVER LSPINE LSSPINE LUNG MAXILLA "
    "MEDIASTINUM NECK NECKCHEST NOSE ORBIT OVARY PANCREAS PATELLA PELVIS PROSTATE RADIUS RADIUSULNA RIB SCAPULA SELLA SHOULDER SIJOINT "
    "SKULL SPINE SPLEEN SSPINE STERNUM STOMACH THIGH THUMB THYROID TIBIA TIBIAFIBULA TLSPINE TMJ TOE TRACHEA TSPINE ULNA URETER UTERUS "
    "WHOLEBODY WRIST ZYGOMA").split())
PHRASES = (  # (machine, words of the name, body part, what may follow)
    ("XR", "CHEST", "CHEST", ("2V", "PA/LAT", "DECUB")), ("", "CXR", "CHEST", ("PORT", "PA", "1V")),
    ("CT", "THORAX", "CHEST", ("W", "W/O", "HR")),
    ("", "KUB", "ABDOMEN", ("1V", "SUPINE", "ERECT")), ("US", "ABD", "ABDOMEN", ("COMPLETE", "LTD", "RUQ")),
    ("MR", "ABDOMEN", "ABDOMEN", ("W/WO", "W/O", "MRCP")), ("CT", "ABD/PELV", "ABDOMENPELVIS", ("W", "W/O", "W/WO")),
    ("CT", "CHEST/ABD/PELV", "CHESTABDPELVIS", ("W", "STAGING", "TRAUMA")), ("CT", "CAP", "CHESTABDPELVIS", ("W", "STAGING", "TRAUMA")),
    ("XR", "C-SPINE", "CSPINE", ("3V", "FLEX/EXT", "AP/LAT")), ("CT", "CERVICAL SPINE", "CSPINE", ("W/O", "TRAUMA", "RECON")),
    ("XR", "L-SPINE", "LSPINE", ("2V", "3V", "STANDING")), ("MR", "LUMBAR SPINE", "LSPINE", ("W/O", "W/WO", "SAG ONLY")),
    ("CT", "HEAD", "HEAD", ("W/O", "W", "TRAUMA")), ("MR", "BRAIN", "BRAIN", ("W/WO", "STROKE", "W/O")),
    ("MR", "IAC", "IAC", ("W/WO", "W/O", "B")),
    ("MR", "CARDIAC VIABILITY", "HEART", ("W", "STRESS", "W/WO")), ("XR", "SCAPULA", "SCAPULA", ("R", "L", "Y-VIEW")),
    ("XR", "SHOULDER ABDUCTION", "SHOULDER", ("R", "L", "B")), ("MR", "SHOULDER", "SHOULDER", ("R", "L", "W/O")),
    ("MR", "PELVIS CERVIX CA", "PELVIS", ("W/WO", "STAGING", "W")), ("XR", "PELVIS", "PELVIS", ("AP", "INLET", "1V")),
    ("XR", "HIP FEMORAL HEAD", "HIP", ("R", "L", "B")), ("XR", "HIP", "HIP", ("R", "L", "2V")), ("XR", "HAND", "HAND", ("R", "L", "3V")),
    ("XR", "WRIST", "WRIST", ("R", "L", "SCAPHOID")), ("XR", "KNEE", "KNEE", ("STANDING B", "R", "L")),
    ("XR", "ANKLE", "ANKLE", ("R", "L", "3V")),
    ("XR", "FOOT", "FOOT", ("R", "L", "WB")), ("", "OUTSIDE FILMS", None, ("REVIEW", "IMPORT", "2ND OPINION")),
)


def in_capitals(name):
    """A name as the engine compares it: capitals, all other signs than letters and digits as blanks, a blank at each end."""
    return f" {re.sub('[^A-Z0-9]+', ' ', name.upper()).strip()} "


def first_fit(rules, name):
    """The first of the rules whose word stands in the name, capitals or not; (None, None) when there is none."""
    pairs = rules.items() if type(rules) is dict else rules
    return next(((word, part) for word, part in pairs if word.upper() in in_capitals(name)), (None, None))


def body_part_by(rules, name):
    """The body part of the first rule whose word stands in the name; None when there is none."""
    return first_fit(rules, name)[1]


@lesson.input
def names(hospital):
    """Thirty exam names of Eastcliff with the body part that each should get: a DataFrame."""
    import pandas
    draws = Draws(hospital.seed, "cpas-02 body parts")
    rows = [(f"{machine} {phrase} {_one_of(draws, tails)}".strip(), part) for machine, phrase, part, tails in PHRASES]
    return pandas.DataFrame(_in_any_order(draws, rows), columns=["name", "body_part"], dtype=object)


@lesson.input
def body_part(hospital):
    """The engine's rule: a function of rules and name."""
    return body_part_by


def rule_list(value):
    """The rules as the engine takes them: a list of (word in capitals, body part)."""
    pairs = list(value.items()) if type(value) is dict else value
    rules = []
    for pair in pairs:
        if type(pair) is not list and type(pair) is not tuple or len(pair) != 2 or any(type(one) is not str for one in pair):
            if type(pair) in (list, tuple) and len(pair) == 2 and type(pair[0]) is str and pair[1] is None:
                raise ValueError(f"the rule for `{pair[0].strip()}` gives None, which is no body part. A name that no rule fits gets None "
                                 "by itself: leave that rule out")
            raise ValueError('each rule is a pair of texts, ("WORD", "BODYPART")')
        word, part = pair
        if not word.strip():
            raise ValueError("a rule has an empty word, which stands in every name")
        if "  " in word:
            raise ValueError(f"`{word}` has two blanks together, and the engine leaves one: such a word stands in no name")
        if re.search("[^A-Za-z0-9 ]", word):
            raise ValueError(f"`{word}` holds a sign that the engine has already turned into a blank; write a blank in its place")
        if part.strip() != part.strip().upper() or " " in part.strip() or len(part.strip()) > 16:
            raise ValueError(f"`{part}` is no body part of PS3.16 Annex L: those are capitals without blanks, at most 16 characters")
        if part.strip() not in BODY_PARTS:
            raise ValueError(f"`{part}` is not among the body parts that this check knows, regions, joints and bones of PS3.16 Annex L. "
                             "For the names of this exercise those in the column `body_part` of `names` are enough")
        rules.append((word.upper(), part.strip()))
    return rules


GOOD_RULES = [
    ("CHEST ABDOMEN PELV", "CHESTABDPELVIS"), ("CHEST ABD PELV", "CHESTABDPELVIS"), (" CAP ", "CHESTABDPELVIS"),
    ("CHEST ABD", "CHESTABDOMEN"), ("ABDOMEN PELV", "ABDOMENPELVIS"), ("ABD PELV", "ABDOMENPELVIS"),
    ("CHEST", "CHEST"), (" CXR ", "CHEST"), ("THORAX", "CHEST"), (" KUB ", "ABDOMEN"), ("ABDOMEN", "ABDOMEN"), (" ABD ", "ABDOMEN"),
    ("CERVICAL SPINE", "CSPINE"), (" C SPINE", "CSPINE"), (" L SPINE", "LSPINE"), ("LUMBAR", "LSPINE"),
    (" HIP ", "HIP"), (" PELVIS ", "PELVIS"), (" IAC ", "IAC"), ("CARDIAC", "HEART"), ("SCAPULA", "SCAPULA"), ("SHOULDER", "SHOULDER"),
    (" CT HEAD ", "HEAD"), (" MR HEAD ", "HEAD"), (" BRAIN ", "BRAIN"), (" HAND ", "HAND"), (" WRIST ", "WRIST"), (" KNEE ", "KNEE"),
    (" ANKLE ", "ANKLE"), (" FOOT ", "FOOT"),
]
_TWO = "Two regions are named, with the first written out: a rule for one region comes before one for both."
_THREE = "Three regions are named, all written out: a rule for fewer of them comes first."
_NO_PELVIS = "No pelvis is named. A rule may give only the regions that its word names."
_INSIDE = "The letters of your word stand inside {}. Blanks around a short word make it stand alone, whatever comes after."
SAME_REGIONS = (  # names that come later, of regions that stand in `names`: (name, body parts that are good)
    ("KUB 2V", ("ABDOMEN",)), ("CT ABD LTD W", ("ABDOMEN",)), ("CT CHEST NODULE", ("CHEST",)), ("MR THORAX W", ("CHEST",)),
    ("CXR LAT", ("CHEST",)), ("MR CARDIAC MORPHOLOGY", ("HEART",)), ("CT CARDIAC W", ("HEART",)), ("CT IAC W/O", ("IAC",)),
    ("MR KNEE L", ("KNEE",)), ("MR HIP R", ("HIP",)), ("CT HAND L", ("HAND",)), ("MR WRIST R", ("WRIST",)), ("MR ANKLE L", ("ANKLE",)),
    ("CT FOOT R", ("FOOT",)), ("CT SHOULDER L", ("SHOULDER",)), ("CT SCAPULA R", ("SCAPULA",)), ("CT PELVIS W", ("PELVIS",)),
    ("CT BRAIN W/O", ("BRAIN", "HEAD")), ("MR C-SPINE W", ("CSPINE",)), ("XR CERVICAL SPINE 3V", ("CSPINE",)),
    ("CT L-SPINE W/O", ("LSPINE",)), ("XR LUMBAR SPINE 2V", ("LSPINE",)),
)
LATER = (  # names that come later: (name, body parts that are good, {body part that is not: (what holds the word that led there, why)})
    ("CT ABDOMEN PELVIS W", ("ABDOMENPELVIS",), dict.fromkeys(("ABDOMEN", "PELVIS"), ("ABDOMEN PELVIS", _TWO))),
    ("CT ABDOMEN/PELVIS W/O", ("ABDOMENPELVIS",), dict.fromkeys(("ABDOMEN", "PELVIS"), (
        "ABDOMEN PELVIS", f"{_TWO} The engine has turned / into a blank."))),
    *((name, ("CHESTABDPELVIS",), dict.fromkeys(("CHEST", "ABDOMEN", "PELVIS", "ABDOMENPELVIS", "CHESTABDOMEN"), (
        "CHEST ABDOMEN PELVIS", _THREE))) for name in ("CT CHEST ABDOMEN PELVIS W", "CT CHEST/ABDOMEN/PELVIS TRAUMA")),
    ("CT CHEST ABD W", ("CHESTABDOMEN", "CHEST", "ABDOMEN", None), dict.fromkeys(("CHESTABDPELVIS", "ABDOMENPELVIS", "PELVIS"), (
        "CHEST ABD", _NO_PELVIS))),
    ("CT ABDOMEN W", ("ABDOMEN",), dict.fromkeys(("CHESTABDPELVIS", "ABDOMENPELVIS", "PELVIS"), ("CT ABDOMEN", _NO_PELVIS))),
    *((name, good, {}) for name, good in SAME_REGIONS),
    ("MR CERVICAL CANCER STAGING", (None, "PELVIS", "UTERUS", "CERVIX"), {"CSPINE": ("CERVICAL", "CERVICAL is of the neck of the womb "
     "here. Which word behind it says that the spine is meant?")}),
    ("CT WHIPPLE FOLLOW UP", (None, "ABDOMEN"), {"HIP": ("WHIPPLE", "Whipple was a surgeon, and the letters of your word stand inside the "
     "name. Blanks around a short word make it stand alone.")}),
    ("XR SKULL 2V", (None, "SKULL", "HEAD"), {}), ("CT SINUSES W/O", (None, "SKULL", "HEAD", "FACE"), {}),
    ("MR ORBITS", (None, "SKULL", "HEAD", "ORBIT", "EYE", "FACE"), {}),
    ("XR SACROILIAC JOINTS", (None, "PELVIS", "SIJOINT"), {"IAC": ("SACROILIAC", "The joints between sacrum and ilium. "
     + _INSIDE.format("SACROILIAC"))}),
    ("US ILIAC VEINS", (None, "PELVIS"), {"IAC": ("ILIAC", _INSIDE.format("ILIAC"))}),
    ("XR THORACIC SPINE AP/LAT", (None, "TSPINE", "SPINE"), {
        "LSPINE": ("SPINE", "SPINE alone is any part of the spine. Which word before it says lumbar?"),
        "CSPINE": ("C SPINE", "SPINE alone is any part of the spine, and THORACIC ends in C. What must stand before SPINE when the neck is "
                   "meant?"),
        "CHEST": ("THORACIC", "The thoracic spine is no chest, though its name comes from the thorax. Which word means the chest?")}),
    ("XR DORSAL SPINE AP/LAT", (None, "TSPINE", "SPINE"), {
        "LSPINE": ("L SPINE", "DORSAL, of the back, ends in L as CERVICAL does, and a rule before it for CERVICAL does not help here. What "
                   "must be before the L?")}),
    ("XR THUMB ABDUCTION STRESS", (None, "THUMB", "HAND", "FINGER"), {
        "ABDOMEN": ("ABDUCTION", "The letters of your word stand inside ABDUCTION. A rule before it helps for the shoulder alone; blanks "
                    "around a short word help for every name."),
        "SHOULDER": ("ABDUCTION", "ABDUCTION is a movement, of a thumb as well. Which word names the shoulder?")}),
    ("NM CAPTOPRIL RENOGRAM", (None, "KIDNEY"), {"CHESTABDPELVIS": ("CAPTOPRIL", "Captopril is a medicine, and the letters of your word "
     "stand inside its name. Blanks around a short word make it stand alone.")}),
    ("XR ELBOW R TRAUMA", (None, "ELBOW", "ARM"), {}), ("MR FEMUR L W/WO", (None, "FEMUR", "THIGH", "LEG"), {}),
    ("XR CLAVICLE B 1V", (None, "CLAVICLE", "SHOULDER"), {}), ("XR AC JOINTS 3V", (None, "ACJOINT", "SHOULDER", "CLAVICLE"), {}),
    ("XR ELBOW RADIAL HEAD", (None, "ELBOW", "RADIUS", "ARM", "FOREARM"), {"HEAD": ("RADIAL HEAD", "The radius, a bone of the forearm, "
     "has a head as the femur has one, and there may be others. What stands before HEAD in a name where the skull is meant?")}),
)


def _later(rules):
    """The later names with what the rules make of them, what would be good, and the word that decided."""
    rows = []
    for name, good, _ in LATER:
        word, got = first_fit(rules, name)
        rows.append([name, got, got if got in good else good[0], word])
    return rows


def _first(*rules):
    """The good rules with others before them."""
    return [*rules, *GOOD_RULES]


@lesson.input
def first_rules(hospital):
    """The rules with which the interface went live: the words of the catalogue alone, in the order of its lines."""
    return [("CHEST", "CHEST"), ("ABD", "ABDOMEN"), ("HAND", "HAND"), ("WRIST", "WRIST"), ("KNEE", "KNEE"), ("ANKLE", "ANKLE"),
            ("FOOT", "FOOT"), ("SHOULDER", "SHOULDER"), ("PELVIS", "PELVIS"), ("HEAD", "HEAD"), ("HIP", "HIP"), ("C SPINE", "CSPINE"),
            ("L SPINE", "LSPINE"), ("BRAIN", "BRAIN"), ("IAC", "IAC"), ("CAP", "CHESTABDPELVIS")]


@lesson.exercise
class BodyPartRules:
    """Write the engine's rules, `rules`: a list of pairs `("WORD", "BODYPART")`, the first that fits decides.

    They must give each of the thirty names in `names` its body part. Where no body part is named (`None`), no rule may fit. The check
    tries the rules on names that came later, too:

    - the same regions with another machine, view, side, contrast or question, or written out (`ABDOMEN` for `ABD`). They must get their
      body part as well, and never a region that is not named;
    - regions that are not in `names` (a thumb, an elbow), words that hold the letters of a short one by chance, and parts of the body
      that only sound like a region (the neck of the womb, the head of a bone). No rule should fit these, so that a human looks at them. A
      rule of your own for such a region may stay if it gives the region itself, or the larger one in which it lies.
    """

    answer = Config("rules", reading=rule_list, called="rules")
    points = 3

    def solution():
        return [
            # Three regions before two of them, two before one.
            ("CHEST ABDOMEN PELV", "CHESTABDPELVIS"), ("CHEST ABD PELV", "CHESTABDPELVIS"), (" CAP ", "CHESTABDPELVIS"),
            ("CHEST ABD", "CHESTABDOMEN"), ("ABDOMEN PELV", "ABDOMENPELVIS"), ("ABD PELV", "ABDOMENPELVIS"),
            ("CHEST", "CHEST"), (" CXR ", "CHEST"), ("THORAX", "CHEST"),
            (" KUB ", "ABDOMEN"), ("ABDOMEN", "ABDOMEN"), (" ABD ", "ABDOMEN"),     # not ABDUCTION
            ("CERVICAL SPINE", "CSPINE"), (" C SPINE", "CSPINE"),                   # not the cervix, not THORACIC SPINE
            (" L SPINE", "LSPINE"), ("LUMBAR", "LSPINE"),                           # not CERVICAL SPINE, not DORSAL SPINE
            (" HIP ", "HIP"), (" PELVIS ", "PELVIS"),                               # not WHIPPLE
            (" IAC ", "IAC"), ("CARDIAC", "HEART"),                                 # CARDIAC ends in IAC
            ("SCAPULA", "SCAPULA"), ("SHOULDER", "SHOULDER"),
            (" CT HEAD ", "HEAD"), (" MR HEAD ", "HEAD"), (" BRAIN ", "BRAIN"),     # not the head of femur or radius
            (" HAND ", "HAND"), (" WRIST ", "WRIST"), (" KNEE ", "KNEE"), (" ANKLE ", "ANKLE"), (" FOOT ", "FOOT"),
        ]

    def trial(settings, hospital):
        frame = lesson.input_of("names", hospital)
        rows = [[name, body_part_by(settings, name), want] for name, want in zip(frame["name"], frame["body_part"], strict=True)]
        # The later names are tried when the thirty are right.
        return rows + _later(settings) if all(got == want for _, got, want in rows) else rows

    def faults(outcome):
        wrong = [(name, got, want) for name, got, want, *_ in outcome if got != want]
        if not wrong:
            return []
        name, got, want = wrong[0]
        # A fourth entry, the word that decided, is with the later names alone.
        word = next((words[0] for one, _, _, *words in outcome if words and one == name), None)
        reasons = next((why for one, _, why in LATER if one == name), None)
        if reasons is not None:
            if got is None:
                why = "fits none of your rules. A rule for a machine, a view or a question, or one that holds them beside the body part, " \
                    "finds no other name."
            else:
                holds, reason = reasons.get(got, ("", ""))
                if word.strip() not in holds:
                    reason = (f"The first of your rules that fits is that for `{word.strip()}`: does that word name a region? A machine, a "
                              "side, a view or a part of another word do not; such a name is for a human.")
                why = f"gets `{got}`. {reason}"
            return [f"The thirty names are right. Of those that came later, `{name}` {why}"]
        good = len(outcome) - len(wrong)
        count = f"{good} of {len(outcome)} names get{'s' * (good == 1)} the right body part. "
        # A wrong body part is worse than none, so it is told first.
        name, got, want = min(wrong, key=lambda row: row[1] is None)
        if got is None:
            return [f"{count}None of your rules fits `{name}`: a human has to look at it. Which word of it names the body part?"]
        if want is None:
            return [f"{count}`{name}` gets `{got}`, although no body part is named in it."]
        return [f"{count}`{name}` gets `{got}`. Look for the first of your rules whose letters stand in it: is it the word that you "
                f"meant, and should a more particular rule come before it?"]

    def letters_inside_words():
        return _first(("CHEST ABD", "CHESTABDPELVIS"), ("IAC", "IAC"), ("CAP", "CHESTABDPELVIS"))

    def abduction():
        return _first(("CHEST ABD", "CHESTABDPELVIS"), ("ABD PELV", "ABDOMENPELVIS"), ("ABD", "ABDOMEN"))

    def one_region_first():
        return _first(("CHEST", "CHEST"), (" ABD ", "ABDOMEN"))

    def cervix_is_the_neck():
        return _first(("CERVI", "CSPINE"))

    def cervical_ends_in_l():
        return _first(("L SPINE", "LSPINE"))

    def head_of_the_femur():
        return _first(("HEAD", "HEAD"))

    def long_words_only():
        return [rule for rule in GOOD_RULES if rule[0].strip() not in ("CXR", "KUB", "CAP", "IAC", "ABD")]

    def the_first_rules(first_rules):
        return first_rules

    wrong_ways = {
        letters_inside_words: "Your short words are found inside longer ones: `IAC` in CARDIAC, `CAP` in SCAPULA. Put a blank before and "
        "behind a word that must stand alone.",
        abduction: "`ABD` stands in more names than you think: lifting the arm sideways is ABDuction. Blanks around a word make it stand "
        "alone.",
        one_region_first: "Your rule for one region comes before the rule for several, so a CT of two or three regions is filed under "
        "the first. The particular comes before the general.",
        cervix_is_the_neck: "Cervix is Latin for neck, and the womb has one too: `CERVI` finds both. Write the word out that means the "
        "spine.",
        cervical_ends_in_l: "CERVICAL ends in L, and the next word is SPINE: your word for the lumbar spine stands in it. What must be "
        "before the L?",
        head_of_the_femur: "The thigh bone has a head, which sits in the hip. A word may name a part of another region; the rule for "
        "that region must come first.",
        long_words_only: "What your rules find is right, but they know long words alone. Which short names does Eastcliff use?",
        the_first_rules: "Those are the rules that went live and mis-filed the night's requests. Look at the names for which they go "
        "wrong.",
    }
    hints = [
        "Start from `first_rules` and the cell that shows where they go wrong. Take the wrong names one by one.",
        "Two cures: a blank before and behind a short word, as in `\" CAP \"`; and order, the longer or more particular word first.",
        "Short names that need a rule of their own: CXR, KUB, CAP, IAC, ABD. Put them in order: three regions (CHEST ABD PELV, and the "
        "same with ABDOMEN) before two (ABD PELV, ABDOMEN PELV), two before one, HIP before HEAD.",
        "`\" L SPINE\"` with a blank in front is not in CERVICAL SPINE. Write SPINE behind CERVICAL, so that neither CERVIX nor another "
        "cervical thing fits. Other short words, such as HIP, want blanks as well. Bones have heads: let the machine stand before HEAD.",
    ]
    praise = ("These rules file by words, which is what one does where no code is sent. Where the sender has codes, map the codes: a "
              "text may be reworded at any time, and no one tells you.")


# ---- sides

SIDES = (  # (what is wrong, variants of (exam, side of the order, text))
    ("", (("XR KNEE", "L", "Fall on the left knee, effusion."), ("XR HAND", "R", "Right hand caught in a door."))),
    ("empty", (("XR HAND", "", "Fracture of the fourth metacarpal?"), ("XR HIP", "", "Cannot walk since a fall. Fracture?"))),
    ("said", (("XR WRIST", "", "Fall, pain in the right wrist."), ("XR SHOULDER", "", "Dislocated left shoulder."))),
    ("against", (("XR ANKLE", "R", "Sprained left ankle, swollen."), ("XR FOOT", "L", "Heavy box fell on the right foot."))),
    ("against", (("XR SHOULDER", "R", "Lt shoulder, cannot lift the arm."), ("MR KNEE", "L", "Meniscus, rt knee, locks."))),
    ("ro", (("XR FOOT", "L", "R/O fracture of the fifth metatarsal."), ("XR WRIST", "L", "R/O fracture of the scaphoid."))),
    ("unpaired", (("CT ABDOMEN PELVIS", "", "Pain, left > right. Diverticulitis?"),
                  ("US ABDOMEN", "", "Colic on the right. Cholelithiasis?"))),
    ("unpaired", (("XR LUMBAR SPINE", "", "Pain into the right leg. L5?"), ("CT HEAD", "", "Weak left arm since 06:00. Bleeding?"))),
    ("unpaired", (("XR CHEST PA/LAT", "", "Cough and fever. Pneumonia?"), ("XR PELVIS", "", "Fall from a ladder."))),
    ("both", (("XR KNEE", "B", "Standing, both sides. Gonarthrosis?"), ("XR HAND", "B", "Bilateral, RA. Erosions?"))),
    ("leave", (("XR HIP", "R", "Has left the ward for a weekend at home; right hip, check of the prosthesis."),
               ("MR KNEE", "R", "Left school early because of it: right knee, locks."))),
    ("", (("MG DIAGNOSTIC", "L", "Palpable lump, left breast."), ("XR ANKLE", "L", "Twisted the left ankle."))),
)


@lesson.input
def orders(hospital):
    """Twelve orders of the night: a list of {"accession", "exam", "side", "text"}; side as in the order, "" when empty."""
    draws = Draws(hospital.seed, "cpas-02 sides")
    rows = [{"exam": exam, "side": side, "text": text} for exam, side, text in (_one_of(draws, variants) for _, variants in SIDES)]
    first = 100 + draws.one(0, 700)
    return [{"accession": f"A2504060{first + 3 * place:03}", **row} for place, row in enumerate(_in_any_order(draws, rows))]


@lesson.input
def sided(hospital):
    """The exams of the catalogue that need a side: a list of their descriptions."""
    return [procedure.description for procedure in PROCEDURES if procedure.sided]


def _back(orders, *kinds):
    kind_of = {text: kind for kind, variants in SIDES for _, _, text in variants}
    return [row["accession"] for row in orders if kind_of[row["text"]] in kinds]


def _on_sides(row, extra):
    """Why an order need not go back, or why one that lacks must."""
    kind = next(kind for kind, variants in SIDES for _, _, text in variants if text == row["text"])
    if not extra:
        return {
            "empty": "Look at the sided exams whose field is empty.",
            "said": "Look at the sided exams whose field is empty. That the text names a side does not fill the field.",
            "against": "Read the texts of the sided exams against their field: lt is left, rt is right.",
        }[kind]
    return {
        "unpaired": f"{row['exam']} is not in `sided`: this part of the body is there once, and no side is ordered, whatever side hurts.",
        "ro": "R/O is rule out, and says nothing about a side.",
        "both": "B means both sides, and the text says the same.",
        "leave": "There left is what somebody did; the side of the exam stands elsewhere in the text.",
        "": "Its field has a side, and the text names the same.",
    }[kind]


@lesson.exercise
class WhichSide:
    """Which of the `orders` must go **back to the referrer** because of the side?

    Those of a `sided` exam whose side is empty, whatever the text says; and those whose text names the other side. Give a list of their
    accession numbers.
    """

    answer = Pick("back", about="orders", column="accession", looks="A2504060000", remark=_on_sides)
    points = 2

    def solution(orders):
        # All texts of orders that would have to go back; yours are four of them.
        must_go_back = [
            # The field is empty.
            "Fracture of the fourth metacarpal?", "Cannot walk since a fall. Fracture?",
            # The field is empty; that the text names a side does not fill it.
            "Fall, pain in the right wrist.", "Dislocated left shoulder.",
            # The text names the other side.
            "Sprained left ankle, swollen.", "Heavy box fell on the right foot.",
            "Lt shoulder, cannot lift the arm.", "Meniscus, rt knee, locks.",
        ]
        numbers = []
        for row in orders:
            if row["text"] in must_go_back:
                numbers.append(row["accession"])
        return numbers

    def empty_only(orders):
        return _back(orders, "empty", "said")

    def text_is_enough(orders):
        return _back(orders, "empty", "against")

    def rule_out_is_right(orders):
        return _back(orders, "empty", "said", "against", "ro")

    def every_empty_side(orders):
        return _back(orders, "empty", "said", "against", "unpaired")

    def both_is_no_side(orders):
        return _back(orders, "empty", "said", "against", "both")

    def left_is_a_verb(orders):
        return _back(orders, "empty", "said", "against", "leave")

    wrong_ways = {
        empty_only: "You have those without a side. Read the texts of the others against their side as well: R or L in the field, "
        "another word in the text.",
        text_is_enough: "You took the side from the text where the field was empty. The worklist, and so the scanner and the DICOM "
        "header, get the field alone; and nobody at the PACS desk chooses a side for a patient: the referrer does.",
        rule_out_is_right: "R/O has nothing to do with right: it is rule out, the question whether something can be excluded.",
        every_empty_side: "Not every exam needs a side. Head, chest, spine and abdomen are there once; a side in their text tells where "
        "it hurts.",
        both_is_no_side: "B means both sides, and the text says the same. Such an order is complete.",
        left_is_a_verb: "In that text left is what somebody did, not a side; the side of the exam stands further on.",
    }
    hints = [
        "First ask whether the exam is in `sided`. If not, it cannot lack a side.",
        "Among the sided ones: which have an empty side? They go back, whatever the text says.",
        "Among the rest: does the text name the other side? lt is left, rt is right, R/O is rule out, and left may be a verb.",
        "Four of the twelve go back: two with an empty side, two with the other side in the text.",
    ]
    praise = "One image of the wrong side is an exposure for nothing, and a surgeon may trust it. A telephone call takes two minutes."


# ---- safety

SCREENED = (  # (flag, kind, variants of (exam, contrast, patient, text))
    ("pregnancy", "", (("XR PELVIS", "none", "F 27", "Fall from a horse. 8 weeks pregnant."),
                       ("CT ABDOMEN PELVIS", "iodinated", "F 33", "Appendicitis? Period two weeks late. eGFR 98."))),
    ("kidney", "", (("CT ABDOMEN PELVIS", "iodinated", "M 71", "Diverticulitis? eGFR 24."),
                    ("CT PULMONARY ANGIO", "iodinated", "M 66", "PE? eGFR 19."))),
    ("implant", "", (("MR BRAIN", "gadolinium", "M 58", "Seizure. Pacemaker since 2016. eGFR 80."),
                     ("MR LUMBAR SPINE", "none", "M 44", "Sciatica. Metal splinter in the right eye, works with a lathe."))),
    ("allergy", "", (("CT CHEST", "iodinated", "M 52", "Staging. Hives after contrast at a CT in 2021. eGFR 88."),
                     ("CT CHEST", "iodinated", "F 63", "Staging. Short of breath after contrast at a CT in 2019. eGFR 81."))),
    ("", "gadolinium", (("MR ABDOMEN", "gadolinium", "M 69", "Liver lesion. eGFR 26."),
                        ("MR BRAIN", "gadolinium", "F 74", "Metastases? eGFR 22."))),
    ("", "no contrast", (("CT HEAD", "none", "F 81", "Fall on the head. eGFR 17."),
                         ("CT CERVICAL SPINE", "none", "M 77", "Fall. eGFR 21."))),
    ("", "far", (("XR WRIST", "none", "F 31", "Fall. 20 weeks pregnant."), ("XR ANKLE", "none", "F 25", "Twisted. 12 weeks pregnant."))),
    ("", "no rays", (("US OBSTETRIC", "none", "F 29", "20 weeks pregnant. Anatomy of the fetus."),
                     ("US ABDOMEN", "none", "F 35", "16 weeks pregnant. Colic."))),
    ("", "no magnet", (("CT CHEST", "none", "M 80", "Nodule, follow-up. Pacemaker."),
                       ("XR CHEST PA/LAT", "none", "M 76", "Dyspnoea. Pacemaker since January."))),
    ("", "food", (("CT CHEST", "iodinated", "F 49", "Staging. Allergic to shellfish. eGFR 92."),
                  ("CT ABDOMEN PELVIS", "iodinated", "M 39", "Abscess? Allergic to prawns. eGFR 105."))),
    ("", "metformin", (("CT ABDOMEN PELVIS", "iodinated", "M 64", "Abscess? Diabetes, takes metformin. eGFR 71."),
                       ("CT CHEST", "iodinated", "F 67", "Staging. Diabetes, takes metformin. eGFR 64."))),
    ("", "other contrast", (("CT ABDOMEN PELVIS", "iodinated", "M 57", "Ileus? Hives after gadolinium at an MR in 2022. eGFR 77."),
                            ("MR BRAIN", "gadolinium", "M 62", "Tumour? Hives after contrast at a CT in 2018. eGFR 70."))),
)


@lesson.input
def screened(hospital):
    """Twelve requests with their contrast: a list of {"number", "exam", "contrast", "patient", "text"}."""
    draws = Draws(hospital.seed, "cpas-02 safety")
    rows = [_one_of(draws, variants) for _, _, variants in SCREENED]
    return _numbered(draws, [dict(zip(("exam", "contrast", "patient", "text"), row, strict=True)) for row in rows])


def _flags(screened, **change):
    """The flag of each request; `change` gives another for a kind of request."""
    rows = []
    for row in screened:
        flag, kind = next((flag, kind) for flag, kind, variants in SCREENED if any(text == row["text"] for *_, text in variants))
        rows.append((row["number"], change.get(kind.replace(" ", "_"), flag) if kind else flag))
    return [(number, flag or "none") for number, flag in rows]


OVERLOOKED = {  # flag: what was not seen
    "pregnancy": "Look at the machine, at what lies in its beam, and at what the text says about weeks. Which line of the sheet is that?",
    "kidney": "Something is injected: compare the eGFR of the text with the figure on the sheet.",
    "implant": "Look at the machine, and for something in this person that a magnet could move or disturb. An eye counts as well.",
    "allergy": "Something is injected, and the text tells what happened at an earlier exam. Was it the same kind of contrast? Trouble with "
    "breathing is a reaction as much as a rash.",
}
BOTH_HALVES = {  # flag: its line of the sheet, as a question
    "pregnancy": "This flag needs rays through the region between diaphragm and knees, and a patient who is or may be pregnant. Which half "
    "is missing?",
    "kidney": "This flag needs iodinated contrast into a vessel, and an eGFR below 30. Which half is missing?",
    "implant": "This flag needs the MR, and electronics or metal in the body. Which half is missing?",
    "allergy": "This flag needs contrast, and an earlier reaction to the same kind. Which half is missing?",
}


def _on_flags(item, column, given, right, get):
    """A sentence on a flag that was overlooked or that is not raised."""
    return OVERLOOKED[right] if given == "none" else BOTH_HALVES[given]


@lesson.exercise
class SafetyFlags:
    """Which flag of the department's sheet does each request in `screened` raise: pregnancy, kidney, implant, allergy, or none?

    Each raises one at most.
    """

    answer = Sheet("flag", {"flag": {"pregnancy": ("pregnant", "pregnancy flag"), "kidney": ("kidneys", "renal", "egfr", "kidney flag"),
                                     "implant": ("mr safety", "metal", "implant flag"),
                                     "allergy": ("allergic", "reaction", "contrast reaction", "allergy flag"),
                                     "none": ("no", "go", "no flag", "-")}}, len(SCREENED),
                   about="screened", remark=_on_flags)
    points = 2

    def solution(screened):
        # All requests for which both halves of a line on the sheet hold; yours are four of them.
        raised = {
            "Fall from a horse. 8 weeks pregnant.": "pregnancy",
            "Appendicitis? Period two weeks late. eGFR 98.": "pregnancy",
            "Diverticulitis? eGFR 24.": "kidney",
            "PE? eGFR 19.": "kidney",
            "Seizure. Pacemaker since 2016. eGFR 80.": "implant",
            "Sciatica. Metal splinter in the right eye, works with a lathe.": "implant",
            "Staging. Hives after contrast at a CT in 2021. eGFR 88.": "allergy",
            "Staging. Short of breath after contrast at a CT in 2019. eGFR 81.": "allergy",
        }
        rows = []
        for row in screened:
            if row["text"] in raised:
                rows.append((row["number"], raised[row["text"]]))
            else:
                rows.append((row["number"], "none"))
        return rows

    def contrast_is_contrast(screened):
        return _flags(screened, gadolinium="kidney", other_contrast="allergy")

    def every_low_egfr(screened):
        return _flags(screened, no_contrast="kidney")

    def every_pregnancy(screened):
        return _flags(screened, far="pregnancy", no_rays="pregnancy")

    def every_pacemaker(screened):
        return _flags(screened, no_magnet="implant")

    def food_is_iodine(screened):
        return _flags(screened, food="allergy")

    def every_diabetic(screened):
        return _flags(screened, metformin="kidney")

    wrong_ways = {
        every_diabetic: "Metformin is a reason to look at the kidneys, and here they have been looked at. Compare the eGFR with the sheet.",
        contrast_is_contrast: "You treated both kinds of contrast alike. Iodine (CT, X-ray) and gadolinium (MR) are different "
        "substances: the sheet asks for the kidneys before iodine, and a reaction counts for its own kind by this sheet. "
        "(Many would still mention it to the radiologist.)",
        every_low_egfr: "The kidneys are poor, but look at the column contrast: nothing is injected.",
        every_pregnancy: "Two questions decide: does the machine use X-rays or radionuclides at all, and does the beam pass between "
        "diaphragm and knees?",
        every_pacemaker: "A pacemaker is a question for the magnet. Which machine is ordered?",
        food_is_iodine: "An allergy to seafood is to its protein, not to iodine. The sheet asks for an earlier reaction to the same kind "
        "of contrast.",
    }
    hints = [
        "Take the sheet line by line. Each flag has two conditions, and both must hold.",
        "Pregnancy: machine and place of the beam. Kidney: iodinated contrast and eGFR. Implant: MR and metal. Allergy: earlier reaction "
        "and the same kind of contrast.",
        "Four requests raise a flag, one each.",
    ]
    praise = ("A flag is no refusal: it makes somebody qualified decide. You see to it that the question reaches them before the patient "
              "does.")


# ---- the night's list

NIGHT = (  # (kind, code, action, variants of (name, side, patient, text))
    ("", "XCHPA", "go", (("CXR PA/LAT", "", "M 47", "Cough and fever. Pneumonia LLL?"),
                         ("CXR 2V", "", "F 58", "Pre-operative, cholecystectomy."))),
    ("ro", "XWRIST", "go", (("XR WRIST 3V", "L", "F 44", "R/O fracture of the scaphoid."),
                            ("XR WRIST 3V", "L", "M 15", "Fall. R/O fracture of the radius."))),
    ("calm", "USOB", "go", (("OB US", "", "F 29", "20 weeks pregnant. Anatomy of the fetus."),
                            ("OB US", "", "F 34", "12 weeks pregnant, twins?"))),
    ("calm", "CTHD", "go", (("CAT SCAN HEAD PLAIN", "", "M 79", "Fall, takes anticoagulants. eGFR 22. Subdural haematoma?"),
                            ("CAT SCAN HEAD PLAIN", "", "F 83", "Confused since noon. eGFR 18. Bleeding?"))),
    ("side", "XKNEE", "side", (("XR KNEE 2V", "", "M 36", "Fall, haemarthrosis."),
                               ("XR KNEE 2V", "", "F 62", "Gonarthrosis, worse on the right."))),
    ("side", "XSHLD", "side", (("XR SHOULDER 3V", "R", "M 23", "Dislocated left shoulder."),
                               ("XR SHOULDER 3V", "L", "F 71", "Rt shoulder, cannot lift the arm."))),
    ("pe", "CTPA", "safety", (("CT CHEST PE PROTOCOL", "", "M 68", "Sudden dyspnoea. eGFR 21."),
                              ("CT CHEST PE PROTOCOL", "", "F 74", "Haemoptysis, D-dimer raised. eGFR 25."))),
    ("safety", "MRBR", "safety", (("MRI BRAIN", "", "F 51", "First seizure. Cochlear implant since 2019."),
                                  ("MRI BRAIN", "", "M 60", "Headache. Pacemaker since 2012."))),
    ("misfit", "MRPRO", "exam", (("MRI PROSTATE", "", "F 66", "Rising PSA."), ("MRI PROSTATE", "", "F 58", "Follow-up after biopsy."))),
    ("misfit", "XHAND", "exam", (("XR HAND 3V", "", "M 49", "Haematuria, flank pain. Nephrolithiasis?"),
                                 ("XR HAND 3V", "", "F 55", "Dysphagia for solid food."))),
    ("none", "none", "exam", (("IVP", "", "M 41", "Colic. Nephrolithiasis?"), ("DEXA", "", "F 69", "Osteoporosis?"))),
)


@lesson.input
def night(hospital):
    """Eastcliff's list of Saturday night: a list of {"number", "name", "side", "patient", "text"}."""
    draws = Draws(hospital.seed, "cpas-02 night")
    rows = [_one_of(draws, variants) for *_, variants in NIGHT]
    return _numbered(draws, [dict(zip(("name", "side", "patient", "text"), row, strict=True)) for row in rows])


def _triaged(night, code=None, **change):
    """Code and action of each request; `code` replaces the code of the PE protocol, `change` the action of a kind of request."""
    rows = []
    for row in night:
        kind, right, action = next((kind, right, action) for kind, right, action, variants in NIGHT
                                   if any(text == row["text"] for *_, text in variants))
        rows.append((row["number"], code if code and kind == "pe" else right, change.get(kind, action)))
    return rows


NOT_THIS_ACTION = {  # right action: {action given: why not}
    "exam": {
        "go": "Read exam, record and question together: would that picture answer what is asked?",
        "side": "Something comes before the side: does the exam exist here, does it fit the record, can it answer the question?",
        "safety": "Something comes before safety: does the exam exist here, does it fit the record, can it answer the question?",
    },
    "side": {
        "exam": "The exam exists here, fits the record and can answer the question, so the first action does not apply. What is wrong with "
        "the order is in a field.",
        "safety": "No line of the sheet holds for this request. Look at the fields of the order.",
    },
    "safety": {
        "exam": "The exam exists here, fits the record and can answer the question. The text holds something else that somebody qualified "
        "must know before.",
        "side": "Is this exam in `sided`? If not, it cannot lack a side. Read the text against the sheet.",
    },
    "go": {
        "exam": "The exam exists here, fits the record and can answer the question: compare it with the table of questions.",
        "side": "Is the exam in `sided`? If so, the field has a side, and the text does not name another.",
        "safety": "Take the line of the sheet that you think of: one of its two halves is missing here.",
    },
}


def _on_the_night(item, column, given, right, get):
    """A sentence on a wrong code or action."""
    if column == "action":
        return NOT_THIS_ACTION[right].get(given)
    if given == "none":
        return "The code is that of the exam which is named, even where it does not fit: this name has one in the catalogue."
    if "CAT SCAN" in item["name"]:
        return f"A CAT scan is a CT, whatever the organ; your code is an exam made with {MACHINES[given]}. Which region is named?"
    return _on_codes(item, column, given, right, get)


@lesson.exercise
class TheNightsList:
    """Clear Eastcliff's list of Saturday night: for each request in `night` the **code** of this hospital's catalogue (or `"none"`) and
    the **action**.

    Actions, the first that applies:

    1. `exam`: the exam does not exist here, does not fit the patient's record (call), or cannot answer the question
    2. `side`: a sided exam whose side is empty or contradicts the text
    3. `safety`: a flag of the department's sheet
    4. `go`

    The code is that of the exam which is named, even where it does not fit. A PE protocol is always made with iodinated contrast, a
    plain CT without.
    """

    answer = Sheet("cleared", {
        "code": CODE_WORDS,
        "action": {"exam": ("wrong exam", "call"), "side": ("laterality",), "safety": ("flag",), "go": ("ok",)},
    }, len(NIGHT), about="night", remark=_on_the_night)
    points = 3

    def solution(night):
        # All names and texts that may stand on the list, not yours alone.
        code_of = {
            "CXR PA/LAT": "XCHPA", "CXR 2V": "XCHPA", "XR WRIST 3V": "XWRIST",
            "OB US": "USOB", "CAT SCAN HEAD PLAIN": "CTHD", "XR KNEE 2V": "XKNEE",
            "XR SHOULDER 3V": "XSHLD", "CT CHEST PE PROTOCOL": "CTPA", "MRI BRAIN": "MRBR",
            "MRI PROSTATE": "MRPRO", "XR HAND 3V": "XHAND", "IVP": "none",
            "DEXA": "none",
        }
        # What does not simply go on, by the text of the request.
        stopped = {
            "Rising PSA.": "exam",
            "Follow-up after biopsy.": "exam",
            "Haematuria, flank pain. Nephrolithiasis?": "exam",
            "Dysphagia for solid food.": "exam",
            "Colic. Nephrolithiasis?": "exam",
            "Osteoporosis?": "exam",
            "Fall, haemarthrosis.": "side",
            "Gonarthrosis, worse on the right.": "side",
            "Dislocated left shoulder.": "side",
            "Rt shoulder, cannot lift the arm.": "side",
            "Sudden dyspnoea. eGFR 21.": "safety",
            "Haemoptysis, D-dimer raised. eGFR 25.": "safety",
            "First seizure. Cochlear implant since 2019.": "safety",
            "Headache. Pacemaker since 2012.": "safety",
        }
        rows = []
        for row in night:
            if row["text"] in stopped:
                action = stopped[row["text"]]
            else:
                action = "go"
            rows.append((row["number"], code_of[row["name"]], action))
        return rows

    def by_the_words(night):
        return _triaged(night, code="CTCH")

    def exam_never_doubted(night):
        hand = {row["number"] for row in night if "HAND" in row["name"]}
        return [(number, code, "side" if number in hand else action) for number, code, action in _triaged(night, misfit="go")]

    def sides_overlooked(night):
        return _triaged(night, side="go")

    def rule_out_is_right(night):
        return _triaged(night, ro="side")

    def every_flag(night):
        return _triaged(night, calm="safety")

    def flags_overlooked(night):
        return _triaged(night, pe="go", safety="go")

    def missing_is_go(night):
        return _triaged(night, none="go")

    wrong_ways = {
        by_the_words: "You mapped the words, not the protocol. PE stands for something in the arteries of the lung, for which the "
        "catalogue has an exam of its own.",
        exam_never_doubted: "Read exam, record and question together. Does the exam fit what the record says of this person, and would "
        "that picture answer what is asked? Where it does not fit the record, one calls.",
        sides_overlooked: "Look at the side once more: the exam is a sided one. Is a side given, and does the text name the same?",
        rule_out_is_right: "R/O is rule out; it says nothing about a side.",
        every_flag: "Both conditions of a flag must hold. Ultrasound has no rays, and for a plain exam nothing is injected.",
        flags_overlooked: "The request is complete and the exam is right, but the text holds something that the department's sheet wants "
        "to know before: kidneys or metal.",
        missing_is_go: "What has no code here cannot go on: there is nothing that the worklist could show.",
    }
    hints = [
        "Go through each request in the order of the actions, and stop at the first that applies.",
        "`exam`: the organ of the exam, the organ of the question, the patient's sex. Three requests fail here; one of them also lacks a "
        "side, but exam comes first.",
        "`side`: two requests. `safety`: two, one for the kidneys and one for the magnet.",
        "The other four go on. What looks like a reason to stop in them is R/O, a plain exam, or ultrasound.",
    ]
    praise = ("Eleven requests, and each caller can be told in one sentence what is missing. This is what the clerk's list lacked on "
              "Saturday night.")
