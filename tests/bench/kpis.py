"""How long the whole catalogue takes over every fact, beside one plain scan of the columns it reads.

    python tests/bench/kpis.py 1000000

For that many customers there are ten orders, five interactions and one lead each. The tables the catalogue reads are
built first, by Dagster as on any day; then the one query that measures every KPI by period and dimension is timed, for
three dimensions and for all of them, beside counts of the same columns of the same tables.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from segments import DAY, built, company
from sqlglot import exp

from assets.ads import PERIODS, TARGETS
from assets.ads.catalogue import Catalogue, Dimension, Fact, catalogue
from assets.ads.kpi_query import measured, read_columns
from assets.day import ProjectDay
from pipeline.engine import Session, snippet

DIMENSIONS = get_args(Dimension)


def main(customers: int) -> None:
    """Build what the catalogue reads, then time the catalogue and the scan."""
    with tempfile.TemporaryDirectory(prefix="tuoke-bench-") as folder:
        project = company(Path(folder) / "company", customers, leads=customers, interactions=5 * customers)
        built(project, catalogue().tables)
        day = ProjectDay(project, DAY)
        with day.session(catalogue().tables, [PERIODS, TARGETS]) as session:
            for dimensions in (DIMENSIONS[:3], DIMENSIONS):
                told = timed(session, by(dimensions))
                sys.stdout.write(f"{customers:>9,} customers, {len(dimensions)} dimensions: {told}\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    sys.stdout.write(f"{'':>9} {peak:.2f} GiB at most\n")


def by(dimensions: Sequence[Dimension]) -> Catalogue:
    """The catalogue with no other dimensions than these."""
    facts = {
        name: fact.model_copy(
            update={"dimensions": {kept: fact.dimensions[kept] for kept in dimensions if kept in fact.dimensions}}
        )
        for name, fact in catalogue().facts.items()
    }
    return catalogue().model_copy(update={"facts": facts})


def timed(session: Session, kpis: Catalogue) -> str:
    """How long the scan takes and how long the query."""
    scan = seconds(lambda: [scanned(session, fact) for fact in kpis.facts.values()])
    query = seconds(lambda: session.frame(measured(kpis)))
    return f"{len(kpis.facts)} facts scanned in {scan:.2f} s, every KPI in {query:.1f} s = {query / scan:.0f} x"


def scanned(session: Session, fact: Fact) -> list[tuple]:
    """How many values each column of the fact has: what reading it costs, and nothing else."""
    columns = [exp.column(name, "f") for name in dict.fromkeys([fact.date, *fact.dimensions.values()]) if name]
    values = [column.unalias() for column in read_columns(fact)]
    counts = [snippet("count($x)", x=value) for value in (*columns, *values)]
    return session.rows(
        exp.select(*counts, snippet("count(*)")).from_(exp.alias_(exp.to_table(fact.table), "f", table=True))
    )


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    for size in sys.argv[1:]:
        main(int(size))
