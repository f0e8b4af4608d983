"""The faces of the rooms: every name they promise is there, and importing them costs nothing."""

import subprocess
import sys

import pytest
from vetset import curate, evaluate, train

FACES = {"curate": curate, "evaluate": evaluate, "train": train}


@pytest.mark.parametrize(("room", "name"), [(room, name) for room, face in FACES.items() for name in face.__all__])
def test_every_promised_name_is_there(room, name):
    assert getattr(FACES[room], name) is not None
    assert name in dir(FACES[room])
    assert name in FACES[room]._HOMES


@pytest.mark.parametrize("room", FACES)
def test_another_name_is_an_attribute_error(room):
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = FACES[room].nonesuch


@pytest.mark.parametrize("room", FACES)
def test_the_face_alone_imports_no_library(room):
    code = f"import sys, vetset.{room}; print(sorted({{'polars', 'numpy', 'numba', 'pyarrow', 'torch'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("room", FACES)
def test_a_name_that_was_asked_for_is_looked_up_once(room):
    name = FACES[room].__all__[0]
    assert getattr(FACES[room], name) is vars(FACES[room])[name]
    assert dir(FACES[room]) == sorted(FACES[room].__all__)
