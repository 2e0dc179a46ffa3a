"""The pictures of security: that they are drawn, and what they say."""

import pandas
import pytest

from coursekit.figures import security
from coursekit.hospital import hospital
from coursekit.lessons.cpas_16_security import lesson


def test_the_tools_say_which_key_does_what():
    picture = security.tools()
    assert picture.png.startswith(b"\x89PNG")
    assert "signature, key pair: the hash of a message goes in with the private key" in picture.says
    assert "with the public key one gets: it fits, or not" in picture.says
    assert picture.says.count("one gets: the message") == 2
    assert repr(picture) == repr(security.tools())


@pytest.mark.parametrize("seed", range(2))
def test_a_chain_names_its_certificates(seed):
    picture = security.chain(*lesson.input_of("chain", hospital(seed, "tiny")))
    assert picture.png.startswith(b"\x89PNG")
    assert "hv-engine.hvgh.example, issuer Harbour Vale Device CA, until 2025-10-05" in picture.says


def test_backups_are_named_with_what_matters_of_each():
    copies = pandas.DataFrame({"copy": ["K1", "K2"], "taken": ["2025-04-01 01:00", "2025-04-02 01:00"], "kind": ["tape", "replica"],
                               "reachable": [False, True], "restore_test": ["failed", "passed"]})
    picture = security.backups(copies, {"intruder in since": "2025-04-01 12:00", "encrypted at": "2025-04-02 03:00"})
    assert picture.png.startswith(b"\x89PNG")
    assert "K1 2025-04-01 01:00, tape; K2" in picture.says
    assert "reachable" not in picture.says and "failed" not in picture.says          # that is for the learner to look up
    assert "encrypted at 2025-04-02 03:00" in picture.says
