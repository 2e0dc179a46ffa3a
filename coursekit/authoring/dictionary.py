"""The data dictionary: the database from its schema, what else the hospital holds from its code, and who uses which table."""

import importlib
import inspect
import re

from coursekit import authoring, lessons, shipped
from coursekit.hospital import images, schema

# Rooms of the hospital beside the database, by the attribute through which a notebook reaches them.
ROOMS = (
    ("h.feed and feed.batches(h)", "feed"), ("h.worklist and h.mpps", "worklist"), ("h.incidents and h.all_incidents", "incidents"),
    ("exceptions.queue(h)", "exceptions"), ("h.audit", "audit"), ("h.staff", "staff"), ("h.logs", "logs"), ("h.servers", "servers"),
    ("h.capture(name)", "captures"), ("h.registry", "registry"), ("h.projects", "projects"), ("the module hanging", "hanging"),
    ("the module router", "router"),
)


def used_in():
    """{table: ids of the lessons whose module or notebook asks it}, in the order of the ladder."""
    texts = {}
    for entry in lessons.catalogue():
        module = inspect.getsource(importlib.import_module(entry.module))
        cells = authoring.read(shipped.notebooks() / entry.notebook).cells
        texts[entry.id] = "\n".join([module, *(cell.source for cell in cells)])
    return {table.name: [id for id, text in texts.items()
                         if re.search(rf"\b(FROM|JOIN|UPDATE|INTO)\s+{table.name}\b|\btables\[.{{0,2}}{table.name}\b", text)]
            for table in schema.TABLES}


def text():
    """The dictionary as Markdown."""
    lines = [schema.dictionary(used_in()).rstrip(), "", "# Beside the database", "",
             "What a notebook reaches through `h = hospital()`. Lists hold named rows; a row's parts stand in its heading, in order.", ""]
    for reached, room in ROOMS:
        module = importlib.import_module(f"coursekit.hospital.{room}")
        lines += [f"## {reached}", "", _paragraphs(module.__doc__), ""]
        for name, row in rows(module).items():
            lines += [f"**{name}** ({', '.join(row._fields)})", ""]
            if not row.__doc__.startswith(f"{name}("):
                lines += [_paragraphs(row.__doc__), ""]
    lines += ["## h.image(name)", "", "| name | what it is |", "|---|---|"]
    lines += [f"| {name} | {meaning} |" for names in images.CATALOGUE.values() for name, meaning in names.items()]
    return "\n".join(lines) + "\n"


def rows(module):
    """The named tuples that a module defines for others, in its order: {name: class}."""
    return {name: one for name, one in vars(module).items()
            if inspect.isclass(one) and issubclass(one, tuple) and hasattr(one, "_fields")
            and one.__module__ == module.__name__ and not name.startswith("_")}


def _paragraphs(doc):
    """A docstring as Markdown: lists of names with their meaning as lists, tables as they are typed, the rest as it is."""
    text = re.sub(r"^(=+ +=.*?)(?=\n\n)", r"```text\n\1\n```", inspect.cleandoc(doc), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^( *)([a-z_]+(?:, [a-z_]+)*) *: (?=\S)", r"\1- `\2`: ", text, flags=re.MULTILINE)


def write():
    """Write the dictionary into the datasets folder."""
    (shipped.datasets() / "data_dictionary.md").write_text(text(), encoding="utf-8", newline="\n")
