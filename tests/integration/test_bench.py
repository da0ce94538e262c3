"""The benches still run: on sizes too small to measure anything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.parametrize(
    ("bench", "told"),
    [("identity.py", "306 records"), ("segments.py", "300 customers: dws"), ("kpis.py", "every KPI in")],
)
def test_a_bench_measures_what_is_built_today(bench, told):
    root = BENCH.parents[1]
    run = subprocess.run(
        [sys.executable, BENCH / bench, "300"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert told in run.stdout
