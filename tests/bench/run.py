"""`make bench`: how long a day takes and how much memory, beside a floor and beside plain pandas, in one run.

The floor (floor.py) is the machine itself: it reads the same files once and copies the same output into the same
server. Plain pandas (pandas_reference.py) does the part from customers and orders to RFM in Postgres. Each is a
process of its own, on a project folder of its own. Of several rounds the fastest of each counts: noise only adds.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import psutil
import sqlalchemy
import typer
import yaml
from judgement import GATE_1, GATE_2
from measured import Measured, measure
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import pipeline.demo
from pipeline.demo import SCALES, TRUTH_FILE, write_company
from pipeline.project import PLAN_FILE, SOURCES_FILE, Project
from pipeline.settings import usual_workers
from pipeline.warehouse.embedded import EmbeddedServer

CACHE = Path(tempfile.gettempdir()) / "tuoke-bench"
DAY = date(2026, 11, 20)
LAYERS = ("ods", "dwd", "identity", "dq", "dws", "ads", "published")
SHOWN = {"dwd": "dwd, the gates", "identity": "dwd, who is the same customer"}
CONFIGURED = (SOURCES_FILE, PLAN_FILE)
PART = ("customers", "orders")
PANDAS_STEPS = ("customers", "orders", "rfm", "to_sql")
FLOOR_AIM, PANDAS_AIM = 4, 5
MISMATCHES = """
    select count(*)
    from bench.pandas_customer_rfm as p
    full join dws.customer_rfm as t on t.customer_id = p.customer_id
    where (p.recency_days, p.frequency, p.monetary_amount::numeric(18, 2), p.r_score, p.f_score, p.m_score, p.class_id)
        is distinct from (t.recency_days, t.frequency, t.monetary_amount, t.r_score, t.f_score, t.m_score, t.class_id)
"""

console = Console()


def main(
    scale: Annotated[str, typer.Option(help=f"Size of the company: {', '.join(SCALES)}.")] = "M",
    rounds: Annotated[int, typer.Option(help="How often each is measured.", min=1)] = 3,
    cache: Annotated[Path, typer.Option(help="Where companies are kept.")] = CACHE,
) -> None:
    """Measure a day of a synthetic company."""
    for name in [name for name in os.environ if name.startswith(("TUOKE_", "DAGSTER_"))]:
        del os.environ[name]
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("")

        def tell(what: str) -> None:
            progress.reset(task, description=what)

        tell(f"writing company {scale}")
        company = company_of(scale, cache)
        found = [one_round(company, cache, tell, number) for number in range(1, rounds + 1)]
    show(scale, rounds, *map(best, zip(*found, strict=True)))


def company_of(scale: str, cache: Path) -> Path:
    """The folder of a company, written where it is not there yet. Another version of the demo is another company."""
    code = sha256()
    for path in sorted(Path(pipeline.demo.__file__).parent.iterdir()):
        code.update(path.read_bytes() if path.is_file() else b"")
    folder = cache / f"{scale}-{code.hexdigest()[:12]}"
    if not (folder / TRUTH_FILE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_company(folder, scale=SCALES[scale], as_of=DAY)
    return folder


def one_round(company: Path, cache: Path, tell: Callable[[str], None], number: int) -> tuple[Measured, ...]:
    """Each thing once: the day as it is run and step after step, the floor under it, the part, the part in pandas."""
    with folder_on(company, cache) as root, server_of(root) as (url, server):
        tell(f"round {number}: the whole day")
        run = measure("whole.py", root, DAY, usual_workers(), server=server)
    with folder_on(company, cache) as root, server_of(root) as (url, server):
        tell(f"round {number}: the whole day, step after step")
        day = measure("whole.py", root, DAY, 1, server=server)
        tell(f"round {number}: the floor")
        floor = measure("floor.py", root, DAY, url, server=server)
    with folder_on(company, cache, tables=PART) as root, server_of(root) as (url, server):
        tell(f"round {number}: customers to RFM")
        part = measure("part.py", root, DAY, server=server)
        tell(f"round {number}: customers to RFM in pandas")
        pandas = measure("pandas_reference.py", root, DAY, url, server=server)
        check_equal(url)
    return run, day, floor, part, pandas


@contextmanager
def folder_on(company: Path, cache: Path, tables: tuple[str, ...] = ()) -> Iterator[Path]:
    """A project folder on a company's files, that is gone afterwards: with all tables, or with these, where records
    are then compared by exact keys alone, as plain pandas does."""
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache) as name:
        root = Path(name)
        shutil.copy(company / ".env", root / ".env")
        sources, plan = (yaml.safe_load((company / file).read_text(encoding="utf-8")) for file in CONFIGURED)
        if tables:
            sources["tables"] = {table: feed for table, feed in sources["tables"].items() if table in tables}
            plan["identity"] = {"is_enabled": False}
        for file, content in zip(CONFIGURED, (sources, plan), strict=True):
            (root / file).write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
        (root / "landing").symlink_to(company / "landing", target_is_directory=True)
        yield root


@contextmanager
def server_of(root: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The folder's own server, running, so that no measured program has to start it."""
    embedded = EmbeddedServer(Project.read(root).postgres)
    embedded.start()
    try:
        pid = int((embedded.data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        yield embedded.url().render_as_string(hide_password=False), psutil.Process(pid)
    finally:
        embedded.stop()


def check_equal(url: str) -> None:
    """Stop where pandas came to other numbers than the pipeline: then the two did not do the same work."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        differing = connection.execute(sqlalchemy.text(MISMATCHES)).scalar_one()
    engine.dispose()
    if differing:
        raise SystemExit(f"{differing:,} customers have other RFM numbers in pandas than in dws.customer_rfm")


def best(found: tuple[Measured, ...]) -> Measured:
    """The fastest."""
    return min(found, key=lambda measured: measured.seconds)


def show(
    scale: str, rounds: int, run: Measured, day: Measured, floor: Measured, part: Measured, pandas: Measured
) -> None:
    """Three tables, and how the aims are met."""
    base, judged = floor.spent("scan", "copy"), day.spent(GATE_1, GATE_2)
    own = day.spent("run") - judged
    taken = f"best of {rounds}" if rounds > 1 else "one round"
    console.print(day_table(day, base, f"A day of company {scale} step after step, {taken}"))
    workers, memory = usual_workers(), run.peak() / 2**20
    console.print(
        f"with {workers} workers {run.spent('run'):.1f} s, {run.spent('run') / base:.2f} × floor, {memory:,.0f} MB\n"
    )
    console.print(floor_table(floor))
    console.print(part_table(part, pandas))
    part_own = part.spent("run") - part.spent(GATE_1, GATE_2)
    verdict("the day without GX", own / base, "× the floor", own <= FLOOR_AIM * base, f"at most {FLOOR_AIM}")
    ahead = pandas.spent(*PANDAS_STEPS) / part_own
    verdict("customers to RFM without GX", ahead, "× as fast as pandas", ahead >= PANDAS_AIM, f"at least {PANDAS_AIM}")


def day_table(day: Measured, base: float, title: str) -> Table:
    """The day layer by layer; what Great Expectations takes is on lines of its own."""
    table = plain_table(title, "seconds", "× floor", "peak MB", "server MB")
    judged = {"dwd": GATE_1, "published": GATE_2}

    def line(name: str, seconds: float, *spans: str, style: str = "") -> None:
        memory = (day.peak(*spans), day.server_peak(*spans)) if spans else ()
        cells = [f"{held / 2**20:,.0f}" for held in memory] or ["", ""]
        table.add_row(name, f"{seconds:.1f}", f"{seconds / base:.2f}", *cells, style=style)

    for layer in LAYERS:
        apart = day.spent(judged[layer]) if layer in judged else 0
        line(SHOWN.get(layer, layer), day.spent(layer) - apart, layer)
        if layer in judged:
            line(f"{layer}, Great Expectations", apart, judged[layer])
    rest = day.spent("run") - day.spent(*LAYERS)
    line("Dagster around the steps", rest)
    table.add_section()
    line("the day", day.spent("run"), "run", style="bold")
    line("the day without Great Expectations", day.spent("run") - day.spent(*judged.values()), style="bold")
    line("start of the process", day.seconds - day.spent("run"))
    return table


def floor_table(floor: Measured) -> Table:
    """The floor."""
    table = plain_table("The floor", "seconds", "MB", "MB/s")
    for name, what, moved in (("scan", "files scanned", "bytes_in"), ("copy", "tables copied", "bytes_out")):
        seconds, size = floor.spent(name), floor.facts[moved] / 2**20
        table.add_row(what, f"{seconds:.1f}", f"{size:,.0f}", f"{size / seconds:,.0f}")
    table.add_section()
    table.add_row("the floor", f"{floor.spent('scan', 'copy'):.1f}", "", "", style="bold")
    return table


def part_table(part: Measured, pandas: Measured) -> Table:
    """Customers to RFM to Postgres, twice."""
    table = plain_table("Customers and orders to RFM in Postgres", "seconds", "peak MB")
    judged = part.spent(GATE_1, GATE_2)
    lines = [("Tuoke", part, part.spent("run")), ("Tuoke without Great Expectations", part, part.spent("run") - judged)]
    lines.append(("pandas and to_sql", pandas, pandas.spent(*PANDAS_STEPS)))
    for name, measured, seconds in lines:
        table.add_row(name, f"{seconds:.1f}", f"{measured.peak() / 2**20:,.0f}")
    for step in PANDAS_STEPS:
        table.add_row(f"  {step}", f"{pandas.spent(step):.1f}", "", style="dim")
    return table


def plain_table(title: str, *figures: str) -> Table:
    """A table of figures, each line with a name."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    for figure in figures:
        table.add_column(figure, justify="right")
    return table


def verdict(what: str, ratio: float, unit: str, is_met: bool, aim: str) -> None:
    """How an aim is met."""
    said = "[green]met[/]" if is_met else "[red]missed[/]"
    console.print(f"{what}: {ratio:.1f} {unit}; the aim is {aim}: {said}")


if __name__ == "__main__":
    typer.run(main)
