"""An old archive that studies have to leave, live, with the habits that make a migration hard; each can be switched on.

    with OldArchive(studies, rows_per_series=True, limit=50, tells=False) as source:
        Scu("HV_MOVER", source.title, source.port).find("STUDY", PatientID="EC-1*", StudyInstanceUID="")

It lists its studies from memory; objects it has only of those that `load` made. Such habits are described by those who migrate for a
living, and by van Ooijen et al., DICOM data migration for PACS transition, Int J Comput Assist Radiol Surg 2014.
"""

import io
import threading
from typing import NamedTuple

from coursekit.standards import matching
from coursekit.systems.archive import Archive
from coursekit.systems.candidates import CLASSES, image
from coursekit.systems.scu import NoAssociation, Scu, dataset

TITLE = "ECC_PACS"
LATE = 0.3                              # seconds after its last answer to a C-MOVE in which the last object still comes
RESPONSE_LIMIT = 0xB001                 # "matching reached response limit": a warning of the Repository Query, PS3.4 C.6.4
LONG_CODE = "CHEST ABDOMEN PELVIS"      # 20 characters, where a CS has 16 at most (PS3.5 Table 6.2-1)


class OldStudy(NamedTuple):
    """A study that an old archive lists. `date` "YYYYMMDD", or "" where nobody entered one; `series` is ((modality, images), ...)."""

    uid: str
    patient: str
    name: str
    birth_date: str
    sex: str
    date: str
    time: str
    accession: str
    description: str
    series: tuple


class OldArchive(Archive):
    """An archive with the studies of a hospital that leaves it.

    studies         : list of OldStudy
    rows_per_series : a C-FIND at level STUDY answers with a row for each series of a study
    limit           : after so many rows a C-FIND ends; None: never. Studies without a date stand at the end of its list
    tells           : whether it then ends with the warning B001; else with 0000, as if that were all
    early           : the final response to a C-MOVE comes before the last object
    new_uids        : what C-MOVE sends has a new Study Instance UID
    long_codes      : the Body Part Examined of what it sends is longer than a CS may be
    together        : associations at the same time; the next one is rejected, transient, local limit exceeded (PS3.8 Table 9-21)
    """

    def __init__(self, studies, rows_per_series=False, limit=None, tells=True, early=False, new_uids=False, long_codes=False,
                 together=None, title=TITLE, peers=None):
        super().__init__(title, peers)
        self.studies, self.rows_per_series, self.limit, self.tells = list(studies), rows_per_series, limit, tells
        self.early, self.new_uids, self.long_codes, self.together = early, new_uids, long_codes, together
        self._listed, self._late = [], []

    def load(self, studies):
        """Make objects of some of its studies, so that they can be retrieved: small CT and MR images stand for whatever it lists.

        It must run.
        """
        for study in studies:
            for series, (_, count) in enumerate(study.series, 1):
                for number in range(1, count + 1):
                    written = io.BytesIO()
                    image(study, series, number).save_as(written, enforce_file_format=True)
                    self.store.put(written.getvalue())

    # Beginning and end

    def _begin(self):
        studies = sorted(self.studies, key=lambda one: (one.date == "", one.date, one.uid))
        self._listed = [row for study in studies for row in self._rows(study)]
        super()._begin()

    def _end(self):
        for thread in self._late:
            thread.join()
        self._late.clear()
        super()._end()

    def _serve(self, *contexts):
        # Storage of a few SOP classes only: it starts in a tenth of the time.
        super()._serve(*(one for one in contexts if not one[2] or one[0] in CLASSES))
        if self.together is not None:
            self._entity.maximum_associations = self.together

    # Query

    def _rows(self, study):
        """The answers at level STUDY for a study: a list of Dataset."""
        series = [[one] for one in study.series] if self.rows_per_series else [list(study.series)]
        return [dataset(
            SpecificCharacterSet="ISO_IR 192", StudyInstanceUID=study.uid, PatientID=study.patient, PatientName=study.name,
            PatientBirthDate=study.birth_date, PatientSex=study.sex, StudyDate=study.date, StudyTime=study.time,
            AccessionNumber=study.accession, StudyDescription=study.description, StudyID="", ReferringPhysicianName="",
            ModalitiesInStudy=sorted({modality for modality, _ in some}), NumberOfStudyRelatedSeries=len(some),
            NumberOfStudyRelatedInstances=sum(count for _, count in some)) for some in series]

    def _matching(self, level, keys):
        if level != "STUDY":
            return super()._matching(level, keys)
        return [dataset(one) for one in self._listed if matching.matches(one, keys)]

    def _find(self, event):
        sent = 0
        for status, answer in super()._find(event):
            if answer is not None and sent == self.limit:
                last = RESPONSE_LIMIT if self.tells else 0x0000
                self._reply(event, "C-FIND-RSP", f"{last:04X}H after {sent} answers")
                yield last, None
                return
            sent += answer is not None
            yield status, answer

    # Retrieve

    def _move(self, event):
        told, held, number = False, None, event.request.MessageID
        for said in super()._move(event):
            if isinstance(said, int):                                           # how many sub-operations there will be
                told = self.early and said > 1
                yield said - told
            elif isinstance(said, tuple) and said[0] == 0xFF00 and said[1] is not None:
                if held is not None:
                    yield 0xFF00, held
                held = self._as_sent(said[1])
            else:
                yield said
        if held is not None and told:
            thread = threading.Timer(LATE, self._send_late, (event.move_destination.strip(), held))
            thread.name = f"{self.title} message {number}, its last object"
            self._late.append(thread)
            thread.start()
        elif held is not None:
            yield 0xFF00, held

    def _send_late(self, destination, one):
        host, port = self.peers[destination]
        try:
            Scu(self.title, destination, port, host).store(one)
        except NoAssociation:                                                   # whoever asked did not wait for it
            self.journal.add(self.title, destination, "C-STORE-RQ", "not delivered")

    def _as_sent(self, one):
        from pydicom import config
        from pydicom.dataelem import DataElement

        if self.new_uids:
            one.StudyInstanceUID = f"{one.StudyInstanceUID}.1"
        if self.long_codes:
            one["BodyPartExamined"] = DataElement("BodyPartExamined", "CS", LONG_CODE, validation_mode=config.IGNORE)
        return one
