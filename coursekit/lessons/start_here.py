"""Exercises of `0_start_here`: a tour of checks, hints, solutions and progress on the hospital's list of devices."""

from coursekit.checking import Lesson, Number, Set, Text

lesson = Lesson(
    "start",
    title="Start here",
    version=1,
    minutes=10,
    objectives=[
        "run a cell, give an answer and have it checked",
        "ask for a hint, and for a solution when you are stuck",
        "see your progress, close the laptop, and go on tomorrow",
    ],
)


@lesson.input
def devices(hospital):
    """The PACS's list of DICOM devices: one row per AE title."""
    return hospital.tables["ae"][["aet", "host", "port", "modality", "location", "description"]].fillna("")


@lesson.exercise
class HowManyDevices:
    """How many DICOM devices does the list hold? Each row is one AE title.

    Put the number in place of the `...` and run the cell. `devices` in a cell of its own shows the list, and
    `len(devices)` counts its rows, so `device_count = len(devices)` is as good an answer as a number that you counted."""

    answer = Number("device_count")
    praise = "A number, the text '26', or a calculation: an answer counts in every form that a person would call right."

    def solution(devices):
        return len(devices)

    def different_addresses(devices):
        return devices.host.nunique()

    def with_a_modality(devices):
        return (devices.modality != "").sum()

    def columns(devices):
        return len(devices.columns)

    wrong_ways = {
        different_addresses: "That is the number of different IP addresses. Two AE titles may share one address: look at the CT of "
        "the emergency department, which was renamed.",
        with_a_modality: "That counts only the devices that make images. The archive, the router and the workstations are DICOM "
        "devices too: each has an AE title.",
        columns: "That is the number of columns. Each device is a row.",
    }
    hints = [
        "Run a cell with only the word `devices` in it: the list appears, with its size below.",
        "`len(...)` gives the number of rows of a table. What belongs between the brackets?",
        "Write `device_count = len(devices)` in place of `device_count = ...`.",
    ]


@lesson.exercise
class TheArchive:
    """What is the **AE title** of the PACS archive? Write it between quotes: `archive_aet = "..."`."""

    answer = Text("archive_aet", case=True)
    praise = "An AE title is the name under which a DICOM application is addressed, and upper and lower case count."

    def solution(devices):
        return devices.aet[devices.description == "PACS archive"].iloc[0]

    def its_address(devices):
        return devices.host[devices.description == "PACS archive"].iloc[0]

    def its_port(devices):
        return str(devices.port[devices.description == "PACS archive"].iloc[0])

    def the_vna(devices):
        return devices.aet[devices.description == "Vendor neutral archive"].iloc[0]

    def its_description(devices):
        return "PACS archive"

    wrong_ways = {
        its_address: "That is its IP address, which the network uses. The AE title is the name in the column `aet`.",
        its_port: "That is the port on which it listens. The AE title is the name in the column `aet`.",
        the_vna: "That is the vendor neutral archive, a second archive beside the PACS.",
        its_description: "That says what it is. The name by which other devices call it stands in the column `aet`.",
    }
    hints = [
        "AE stands for application entity; the list has a column `aet`.",
        "Find the row whose description is 'PACS archive', and read its first column.",
        "It begins with `HV_`. Copy it with the quotes around it, in the same upper and lower case.",
    ]


@lesson.exercise
class TheCtScanners:
    """Which AE titles have belonged to **CT scanners** (modality `CT`)? Give a list: `ct_aets = ["...", "..."]`."""

    answer = Set("ct_aets")
    points = 2
    praise = "The order in a list does not matter here. `CT_ER` and `CTER01` are one machine: remember that renaming."

    def solution(devices):
        return list(devices.aet[devices.modality == "CT"])

    def with_pet_ct(devices):
        return list(devices.aet[(devices.modality == "CT") | (devices.description == "PET/CT")])

    def by_name(devices):
        return list(devices.aet[devices.aet.str.contains("CT")])

    def only_today(devices):
        return [aet for aet in devices.aet[devices.modality == "CT"] if aet != "CT_ER"]

    wrong_ways = {
        with_pet_ct: "The PET/CT makes CT images too, but the list files it under `PT`, and the question asks for modality `CT`.",
        by_name: "You looked for the letters CT in the name. Optical coherence tomography (OCT) and the PET/CT have them too: go by "
        "the column `modality`.",
        only_today: "Today's titles are there. The question asks for all that have belonged to a CT: one scanner had another title "
        "until 29 March.",
    }
    hints = [
        "The column `modality` says what each device makes.",
        'A list stands in square brackets, each name in quotes, with commas between: `["ONE", "TWO"]`.',
        "There are three rows with `CT` in the column `modality`; two of them have the same IP address.",
    ]
