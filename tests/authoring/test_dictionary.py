"""The data dictionary is generated, up to date and complete."""

import importlib
import pkgutil

import coursekit.hospital
from coursekit import shipped
from coursekit.authoring import dictionary
from coursekit.hospital import images, schema


def test_the_file_is_what_the_code_says():
    path = shipped.datasets() / "data_dictionary.md"
    assert path.read_text(encoding="utf-8") == dictionary.text(), "run `coursekit author --all`"


def test_it_says_which_lessons_use_a_table():
    used = dictionary.used_in()
    assert "cpas-06" in used["study"] and "cpas-06" in used["series"] and "cpas-06" in used["orders"]
    assert set(used) == {table.name for table in schema.TABLES}
    assert f"Used in {', '.join(used['orders'])}." in dictionary.text()


def test_every_room_with_rows_of_its_own_is_there():
    # What rooms of the database hand each other, and no notebook sees.
    inside = {"flow", "schema", "catalogue", "feed_quirks", "capture_stage", "capture_scenes"}
    named = {room for _, room in dictionary.ROOMS}
    for module in pkgutil.iter_modules(coursekit.hospital.__path__):
        if not module.ispkg and dictionary.rows(importlib.import_module(f"coursekit.hospital.{module.name}")):
            assert module.name in named | inside, module.name


def test_every_row_of_a_room_and_every_image_is_described():
    text = dictionary.text()
    for _, room in dictionary.ROOMS:
        for name, row in dictionary.rows(importlib.import_module(f"coursekit.hospital.{room}")).items():
            assert f"**{name}** ({', '.join(row._fields)})" in text
    assert all(f"| {name} | " in text for name in images.names())
