"""The face of the room: every name it promises is there, and importing it costs nothing."""

import subprocess
import sys

import pytest
from vetset import curate


@pytest.mark.parametrize("name", curate.__all__)
def test_every_promised_name_is_there(name):
    assert getattr(curate, name) is not None
    assert name in dir(curate)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = curate.nonesuch


def test_the_face_alone_imports_no_library():
    code = "import sys, vetset.curate; print(sorted({'polars', 'numpy', 'numba', 'pyarrow'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
