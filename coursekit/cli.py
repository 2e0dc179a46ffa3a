"""The command `coursekit`. Each subcommand loads what it needs when it is used, so that `--help` is fast."""

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.learner.bar import Bar

FOLDER = "my-coursekit"
START_PAGE = "0_start_here.ipynb"


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command line; the exit code: 0 when all is well, 1 with a sentence on stderr when not."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a Windows console that lacks a letter of a folder's name
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except CourseError as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog="coursekit",
        description="A hands-on course for PACS administrators. Begin with: coursekit lab",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    lab = commands.add_parser(
        "lab",
        help="open the course in your browser",
        description="Makes or updates your own copy of the notebooks in FOLDER and opens it in JupyterLab. "
        "What you wrote in a notebook is never overwritten.",
    )
    lab.add_argument("folder", metavar="FOLDER", nargs="?", default=FOLDER, help=f"where your notebooks are ({FOLDER})")
    lab.add_argument("--no-browser", action="store_true", help="only show the address to open")
    lab.add_argument("--port", type=_port, help="the port on this computer; a free one near 8888 if not given")
    lab.set_defaults(run=_lab)

    doctor = commands.add_parser(
        "doctor",
        help="check that this computer is ready for the course",
        description="Checks what the course needs on this computer and says how to mend what is missing.",
    )
    doctor.add_argument("folder", metavar="FOLDER", nargs="?", default=FOLDER, help=f"your notebooks ({FOLDER})")
    doctor.set_defaults(run=_doctor)

    progress = commands.add_parser(
        "progress",
        help="show what you have done and earned",
        description="Shows your exercises, points, attempts and hints by lesson. The record stays on this computer.",
    )
    progress.add_argument("--passport", metavar="FILE.html", help="write a page to print: your skills, with dates")
    progress.add_argument("--name", default="", help="whose passport it is; stands on the page only")
    progress.set_defaults(run=_progress)

    dataset = commands.add_parser(
        "dataset",
        help="build or verify the data of the simulated hospital",
        description="The course comes with the data of a simulated hospital; no real patient is in it.",
    )
    actions = dataset.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, run, text in (
        ("build", _build, "make the data anew, in FOLDER"),
        ("verify", _verify, "compare the files in FOLDER with the list of their hashes"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("folder", metavar="FOLDER", nargs="?", help="the course's own data if not given")
        action.set_defaults(run=run)
    judge = actions.add_parser(
        "judge",
        help="for authors: have outside tools judge everything in an edition",
        description="dciodvfy, DCMTK, tshark, hl7apy and lxml, as far as installed, judge images, captures, messages, audit trail "
        "and worklist. Exit code 1 when they find an error that is not expected.",
    )
    judge.add_argument("--jobs", type=_positive, default=2, help="how many judges work at once (2)")
    judge.add_argument("--schemas", metavar="FOLDER", help="where dicom-audit/*.xsd is, the schema of audit messages")
    judge.set_defaults(run=_judge)
    sheet = actions.add_parser(
        "sheet",
        help="for authors: a contact sheet of all images of an edition",
        description="Writes one picture of all images to FILE, and further pages beside it.",
    )
    sheet.add_argument("file", metavar="FILE.png", help="the first page; the second is FILE-2.png")
    sheet.set_defaults(run=_sheet)
    for action in (judge, sheet):
        action.add_argument("--seed", type=int, default=0, help="the edition; 0, the course's own, if not given")

    author = commands.add_parser(
        "author",
        help="for authors: bring notebooks in step with their lessons and run them",
        description="Puts the exercises of each lesson into its notebook, runs it and writes it with its outputs.",
    )
    author.add_argument("lessons", metavar="LESSON", nargs="*", help="a lesson's id, such as cpas-06")
    author.add_argument("--all", action="store_true", help="all lessons, and the data dictionary")
    author.set_defaults(run=_author)
    return parser


def _port(text):
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)


def _positive(text):
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("this is a whole number from 1")
    return int(text)


def _lab(options):
    from coursekit.learner.workspace import update

    report = update(options.folder)
    print("\n".join(report.lines()))
    if not (report.folder / START_PAGE).is_file():
        raise CourseError(f"The start page {START_PAGE} is not in {report.folder}: choose another folder.")
    print("Opening JupyterLab. If no browser appears, open the address below that begins with http://127.0.0.1.")
    print("To end, save your notebooks and press Ctrl-C in this window.", flush=True)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={report.folder}",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.allow_root=True",  # in a container there may be no other user
        "--log-level=WARN",  # the address is shown all the same
        "--ServerApp.answer_yes=True",  # Ctrl-C ends it without a question, which Windows could not be asked
        f"--LabApp.default_url=/lab/tree/{START_PAGE}",
        f"--LabApp.app_settings_dir={Path(__file__).parent / 'learner' / 'lab_settings'}",  # asks no server for news
    ]
    if options.no_browser:
        command.append("--no-browser")
    if options.port:
        command.append(f"--ServerApp.port={options.port}")
    # A kernel named python3 in the user's own folder, of another Python, must not run the notebooks.
    return _run(command, dict(os.environ, JUPYTER_PREFER_ENV_PATH="1"))


def _run(command, environment):
    """Run a command to its end; its exit code. Ctrl-C reaches it by itself, a request to terminate is passed on."""
    child, ending = None, False

    def terminate(*_):
        nonlocal ending
        ending = True
        if child:
            child.terminate()

    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, terminate)
    child = subprocess.Popen(command, env=environment)
    if ending:  # the request came before there was a child to pass it on to
        child.terminate()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _doctor(options):
    from coursekit.learner.doctor import examine

    print("Looking at this computer; this takes up to a minute.", flush=True)
    problems = 0
    for finding in examine(options.folder):
        print(finding, flush=True)
        problems += finding.state == "problem"
    print(f"Problems found: {problems}." if problems else "Everything that the course needs is there.")
    return 1 if problems else 0


def _progress(options):
    from coursekit import lessons
    from coursekit.learner import passport, progress, record
    from coursekit.learner.files import reason

    loaded = [lessons.load(entry.id) for entry in lessons.catalogue()]
    standings = record.summary(record.read())
    if not options.passport:
        print(progress.table(loaded, standings))
        return
    try:
        Path(options.passport).write_text(passport.page(loaded, standings, options.name), encoding="utf-8", newline="\n")
    except OSError as error:
        raise CourseError(f"The passport could not be written to {options.passport}: {reason(error)}.") from error
    print(f"Written: {options.passport}. Open it in a browser; it prints on one or two sheets.")


def _build(options):
    from coursekit.hospital import edition
    from coursekit.learner.files import reason

    folder = _dataset_folder(options)
    with Bar() as bar:
        try:
            edition.build(folder, bar.advance)
        except OSError as error:
            raise CourseError(f"The dataset could not be written into {folder}: {reason(error)}.") from error
    print(f"The dataset is in {folder}.")


def _verify(options):
    from coursekit.hospital import edition

    folder = _dataset_folder(options)
    try:
        faults = edition.verify(folder)
    except OSError as error:
        raise CourseError(f"The dataset in {folder} can't be read: {error.strerror or error}.") from error
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(f"The dataset in {folder} is whole.")


def _judge(options):
    from coursekit.authoring import judges
    from coursekit.hospital import hospital

    with Bar() as bar:
        rows = judges.judge(hospital(options.seed), options.jobs, options.schemas, bar.advance)
    print(judges.table(rows))
    print(judges.details(rows))
    return 1 if judges.failed(rows) else 0


def _sheet(options):
    from coursekit.authoring import contact_sheet
    from coursekit.hospital import hospital
    from coursekit.learner.files import reason

    with Bar() as bar:
        try:
            files = contact_sheet.write(hospital(options.seed), options.file, bar.advance)
        except OSError as error:
            raise CourseError(f"The contact sheet could not be written to {options.file}: {reason(error)}.") from error
    print("\n".join(map(str, files)))


def _author(options):
    from coursekit import authoring, lessons

    if bool(options.lessons) == options.all:
        raise CourseError("Name the lessons, such as cpas-06, or say --all.")
    authoring.author([entry.id for entry in lessons.catalogue()] if options.all else options.lessons)
    if options.all:
        from coursekit.authoring import dictionary
        dictionary.write()


def _dataset_folder(options):
    from coursekit.hospital import edition

    return Path(options.folder) if options.folder else edition.default_folder()
