"""Exercises: what is asked, how an answer is read, and what the learner is told.

This room knows nothing of DICOM, HL7 or hospitals: whatever a lesson needs of them it passes in.
"""

from coursekit.checking.kinds.base import Kind
from coursekit.checking.kinds.bytes import Bytes
from coursekit.checking.kinds.choice import Choice
from coursekit.checking.kinds.client import Client
from coursekit.checking.kinds.config import Config
from coursekit.checking.kinds.fields import Fields
from coursekit.checking.kinds.file import File
from coursekit.checking.kinds.function import Function
from coursekit.checking.kinds.message import Message
from coursekit.checking.kinds.number import Number
from coursekit.checking.kinds.pick import Pick
from coursekit.checking.kinds.query import Query
from coursekit.checking.kinds.server import Server
from coursekit.checking.kinds.set import Set
from coursekit.checking.kinds.table import Table
from coursekit.checking.kinds.tests import Tests
from coursekit.checking.kinds.text import Text
from coursekit.checking.lesson import Exercise, Lesson
from coursekit.checking.verdict import Outcome, Verdict

__all__ = [
    "Bytes",
    "Choice",
    "Client",
    "Config",
    "Exercise",
    "Fields",
    "File",
    "Function",
    "Kind",
    "Lesson",
    "Message",
    "Number",
    "Outcome",
    "Pick",
    "Query",
    "Server",
    "Set",
    "Table",
    "Tests",
    "Text",
    "Verdict",
]
