"""The contracts as others read them: the public linter of the standard finds nothing wrong with any of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from quality.contract import FOLDER

ROOT = Path(__file__).parents[2]
OWN_PLACE = ROOT / ".venv" / "linter" / "bin" / "datacontract"
"""Where `make linter` puts it: it asks for other versions of libraries than we do."""


@pytest.fixture(scope="module")
def linter() -> str:
    """The command of the Data Contract CLI."""
    found = os.environ.get("TUOKE_DATACONTRACT") or (str(OWN_PLACE) if OWN_PLACE.is_file() else None)
    found = found or shutil.which("datacontract")
    if found is None:
        complain = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        complain("the Data Contract CLI is not installed; `make linter` installs it, in an environment of its own")
    return found


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.odcs.yaml")), ids=lambda file: file.name.split(".")[0])
def test_a_contract_is_what_the_standard_says_a_contract_is(linter: str, file: Path):
    done = subprocess.run([linter, "lint", "--all-errors", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_linter_refuses_what_is_no_contract(linter: str, tmp_path: Path):
    broken = tmp_path / "broken.odcs.yaml"
    broken.write_text((FOLDER / "rates.odcs.yaml").read_text().replace("logicalType: number", "logicalType: money"))
    done = subprocess.run([linter, "lint", str(broken)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
