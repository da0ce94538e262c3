"""Personal data and secrets: what a person wrote or is called is said nowhere but where it must be kept.

A company sends values that are found nowhere else (canaries): in good rows, in rows that are quarantined, merged or
unreadable. Its day is evaluated, then spoilt in every way that makes some library speak of rows. What was said
meanwhile is searched for every canary: screens, Python's log, Dagster's history, the server's log, tables of readers.
"""

import io
import logging
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import great_expectations.expectations as gxe
import pytest
import sqlalchemy
import yaml
from databases import a_database, query
from runs import (
    DAY,
    PUBLICATION,
    Outcome,
    all_made_of,
    customer,
    deliver,
    evaluate,
    gate_of,
    rows_of,
    write_small_company,
)
from sent import row
from sqlglot import exp

from assets import published
from pipeline.commands.history import open_history
from pipeline.commands.instance import instance_folder
from pipeline.lake import Lake
from pipeline.project import SOURCES_FILE, Project
from pipeline.warehouse.embedded import EmbeddedServer
from quality.gate import Gate

REPOSITORY = Path(__file__).parents[2]
START = "from pipeline.cli import app; app()"

PERSON = {
    "name": "Canaria Bona 朱鹮",
    "phone": "13912344301",
    "email": "canaria.bona@canary.example",
    "address": "Canaria-Allee 4711",
}
MERGED = {"name": "Canaria Bona 朱鹮", "phone": "13912344301", "email": "canaria.copy@canary.example"}
QUARANTINED = {
    "name": "Canaria Mala 彩鹮",
    "phone": "canaria-no-phone",
    "email": "canaria.mala@canary.example",
    "address": "Canaria-Gasse 4712",
}
LEAD = {"name": "Canaria Lead 白鹮", "phone": "13912344302", "email": "canaria.lead@canary.example"}
BAD_LEAD = {"name": "Canaria Noid 黑鹮", "phone": "13912344303", "email": "canaria.noid@canary.example"}
STAFF = {"name": "Canaria Staff 红鹮"}
ANSWER = {"text": "Canaria wrote this 圣鹮"}
BAD_ANSWER = {"text": "Canaria wrote that 隐鹮"}
UNREADABLE = "C90,Canaria Ragged 秃鹮,13912344304"
WITH_NUL = "Canaria Nul\0 美鹮"
COMPANY = "Canaria Company Ltd 鹮科技"
"""A company's name is no personal data and is shown, but it is a cell of a row all the same: no log repeats it."""

PERSONAL = sorted(
    {
        value
        for cells in (PERSON, MERGED, QUARANTINED, LEAD, BAD_LEAD, STAFF, ANSWER, BAD_ANSWER)
        for value in cells.values()
    }
    | {"Canaria Ragged", "13912344304", "Canaria Nul"}
)
SECRETS = {"hash key": "canary-hash-key", "database password": "canary-password", "source password": "canary-crm"}

CUSTOMERS = [
    *[customer(number) for number in range(1, 11)],
    customer(11, kind="company", name=COMPANY),
    customer(12, kind="person", gender="other", **PERSON),
    customer(12, kind="person", gender="other", updated_at="2026-11-01 08:00:00", **MERGED),
    customer(13, kind="person", **QUARANTINED),
    customer(14, name=WITH_NUL),
]
BEHIND = ("ods", "dwd", "quarantine", "landing")
"""Where rows are kept as they were sent."""
DELIVERIES = {
    "customers": CUSTOMERS,
    "leads": [row("leads", lead_id="L1", **LEAD), row("leads", lead_id="", **BAD_LEAD), row("leads", lead_id="L2")],
    "staff": [row("staff", staff_id="x", **STAFF)],
    "answers": [
        row("answers", answer_id="A1", **ANSWER),
        row("answers", answer_id="", **BAD_ANSWER),
        row("answers", answer_id="A2"),
    ],
}


@dataclass(frozen=True)
class Company:
    """A project folder with a history of its runs, and the database it publishes to."""

    root: Path
    database: sqlalchemy.URL

    def evaluate(self, **how: Any) -> Outcome:
        """Evaluate the day, everything that is said of it kept in the history `tuoke run` writes."""
        with open_history(instance_folder(Project.read(self.root))) as instance:
            return evaluate(self.root, self.database, instance=instance, log_level="DEBUG", **how)

    def tuoke(self, *arguments: str | Path) -> str:
        """What a command prints on both streams."""
        done = subprocess.run(
            [sys.executable, "-c", START, *map(str, arguments)],
            env={
                "PYTHONPATH": str(REPOSITORY),
                "PATH": "/usr/bin:/bin",
                "TUOKE_DATABASE_URL": self.database.render_as_string(hide_password=False),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr


@dataclass(frozen=True)
class Told:
    """How each run ended, and everything that was said, by the place it was said in."""

    company: Company
    outcomes: Mapping[str, Outcome]
    lake: str
    """What the lake held of the day's tables before anything was spoilt."""
    places: Mapping[str, str]

    def where(self, what: str) -> list[str]:
        """The places that hold the text, also as JSON writes it."""
        return [place for place, said in self.places.items() if what in said or ascii(what)[1:-1] in said]


Spoil = Callable[[Company, pytest.MonkeyPatch], Outcome]


def without_a_header(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    _send_without_header(company.root, ["C12", *PERSON.values()])
    return company.evaluate(selection=gate_of("customers"))


def without_a_header_and_a_cell_twice(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    _send_without_header(company.root, ["C12", *PERSON.values(), PERSON["name"]])
    return company.evaluate(selection=gate_of("customers"))


def _send_without_header(root: Path, cells: Sequence[str]) -> None:
    (root / "landing" / f"customers_{DAY}.csv").write_text(f"{','.join(cells)}\n", encoding="utf-8")


def with_an_open_quote(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    file = deliver(company.root, "customers", CUSTOMERS)
    file.write_text(file.read_text(encoding="utf-8").replace(PERSON["name"], f'"{PERSON["name"]}', 1), encoding="utf-8")
    return company.evaluate(selection=gate_of("customers"))


def with_a_closed_gate(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    deliver(company.root, "customers", [customer(13, **QUARANTINED), customer(14, **QUARANTINED)])
    return company.evaluate(selection=gate_of("customers"))


def with_a_rule_that_fails(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    deliver(company.root, "customers", CUSTOMERS)
    patch.setattr(
        "quality.gate.expectation", lambda *_, **__: gxe.ExpectColumnValuesToBeBetween(column="name", max_value=1)
    )
    return company.evaluate(selection=gate_of("customers"))


def with_a_rule_without_its_column(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("quality.gate.expectation", lambda *_, **__: gxe.ExpectColumnValuesToNotBeNull(column="gone"))
    return company.evaluate(selection=gate_of("customers"))


def with_judgements_that_differ(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr(
        "quality.gate.expectation", lambda *_, **__: gxe.ExpectColumnValuesToBeInSet(column="phone", value_set=[])
    )
    return company.evaluate(selection=gate_of("customers"))


def with_an_engine_that_quotes_a_cell(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    def kept_back(gate: Gate) -> exp.Select:
        return exp.select("_row_id", "cast(name as integer) as name").from_("gate.settled")

    patch.setattr(Gate, "kept_back", kept_back)
    return company.evaluate(selection=gate_of("customers"))


def with_a_server_that_quotes_a_cell(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr(published, "postgres_type", lambda _: "bigint")
    patch.setattr("pipeline.warehouse.publishing.fit", lambda _, tables: tables)
    return company.evaluate(selection=all_made_of("customers"))


def with_a_key_the_server_finds_twice(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    of = published.Published.table

    def by_name(table: published.Published, day: Any) -> Any:
        found = of(table, day)
        if table.name == "dws.customer_segments":
            object.__setattr__(found, "grain", ("display_name",))
            object.__setattr__(found, "files", found.files * 2)
        return found

    patch.setattr(published.Published, "table", by_name)
    patch.setattr("pipeline.warehouse.publishing.fit", lambda _, tables: tables)
    return company.evaluate(selection=PUBLICATION)


def with_a_source_that_quotes_a_cell(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    text = f"select '{PERSON['name']}' || (:as_of)::date::text as who"
    query_text = f"select cast(t.who as integer) as campaign_id from ({text}) as t"
    feed = {
        "source": "crm",
        "database": "CRM_URL",
        "query": query_text.replace(PERSON["name"], "' || chr(67) || 'anaria Bona"),
    }
    _declare(company.root, "campaigns", feed)
    return company.evaluate(selection=gate_of("campaigns"))


def with_a_wrong_password_at_the_source(company: Company, patch: pytest.MonkeyPatch) -> Outcome:
    _declare(company.root, "campaigns", {"source": "crm", "database": "CRM_TCP_URL", "query": "select 1"})
    return company.evaluate(selection=gate_of("campaigns"))


SPOILT: list[tuple[Spoil, str]] = [
    (without_a_header, "looks like a row of data"),
    (without_a_header_and_a_cell_twice, "columns of the same name"),
    (with_an_open_quote, "never closes"),
    (with_a_closed_gate, "rows are quarantined"),
    (with_a_rule_that_fails, "could not be evaluated"),
    (with_a_rule_without_its_column, "could not be evaluated"),
    (with_judgements_that_differ, "the two judgements differ"),
    (with_an_engine_that_quotes_a_cell, "ConversionException"),
    (with_a_server_that_quotes_a_cell, "a value does not fit its column"),
    (with_a_key_the_server_finds_twice, "grain does not hold"),
    (with_a_source_that_quotes_a_cell, "invalid input syntax"),
    (with_a_wrong_password_at_the_source, "CRM_TCP_URL"),
]


def _declare(root: Path, table: str, feed: Mapping[str, str]) -> None:
    sources = yaml.safe_load((root / SOURCES_FILE).read_text(encoding="utf-8"))
    sources["tables"][table] = dict(feed)
    (root / SOURCES_FILE).write_text(yaml.safe_dump(sources), encoding="utf-8")


@pytest.fixture(scope="module")
def told(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    root = write_small_company(tmp_path_factory.mktemp("personal") / "company", DELIVERIES)
    heard = io.StringIO()
    everything = logging.StreamHandler(heard)
    with a_database(cluster) as bare:
        company = Company(root, bare.set(password=SECRETS["database password"]))
        _keep_secrets(root, bare)
        with (root / "landing" / f"customers_{DAY}.csv").open("a", encoding="utf-8") as file:
            file.write(f"{UNREADABLE}\n")
        screens = [company.tuoke("run", root, "--date", str(DAY)), company.tuoke("quarantine", "list", root)]
        assert query(bare, "select count(*) from meta.publications") == [(1,)], screens[0]
        assert "rows wait for their owners" in screens[1]
        lake = "\n".join(str(rows_of(root, f"{layer}.{table}")) for layer in BEHIND for table in DELIVERIES)
        outcomes: dict[str, Outcome] = {}
        logging.getLogger().addHandler(everything)
        logging.getLogger().setLevel(logging.DEBUG)
        try:
            with redirect_stdout(heard), redirect_stderr(heard):
                for spoil, _ in SPOILT:
                    with pytest.MonkeyPatch.context() as patch:
                        outcomes[spoil.__name__] = spoil(company, patch)
        finally:
            logging.getLogger().setLevel(logging.WARNING)
            logging.getLogger().removeHandler(everything)
        _send_without_header(root, ["C12", *PERSON.values()])
        screens += [company.tuoke("check", root, "--date", str(DAY)), company.tuoke("run", root, "--date", str(DAY))]
        places = {
            "screens": "\n".join(screens),
            "Python's log and both streams": heard.getvalue(),
            **_history(root / "dagster"),
            "the server's log": (cluster.data / "log").read_text(encoding="utf-8", errors="replace"),
            **_seen_by_readers(bare),
        }
        yield Told(company, outcomes, lake, places)


def _keep_secrets(root: Path, bare: sqlalchemy.URL) -> None:
    crm = bare.set(password=SECRETS["source password"])
    tcp = f"postgresql://tuoke:{SECRETS['source password']}@127.0.0.1:1/crm"
    lines = {
        "TUOKE_HASH_KEY": SECRETS["hash key"],
        "CRM_URL": crm.render_as_string(hide_password=False),
        "CRM_TCP_URL": tcp,
    }
    (root / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in lines.items()), encoding="utf-8")


def _history(folder: Path) -> dict[str, str]:
    """Every file below Dagster's folder, and every value of every table of its databases, unpacked."""
    places = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            place = f"Dagster: {path.relative_to(folder)}"
            places[place] = path.read_bytes().decode("utf-8", errors="replace")
            if path.suffix == ".db":
                places[f"{place}, values"] = "\n".join(_values(path))
    return places


def _values(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            for found in database.execute(f'select * from "{table}"'):
                yield from map(_text, found)


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("utf-8", errors="replace")
    except zlib.error:
        return value.decode("utf-8", errors="replace")


READABLE = """
    select format('%I.%I', n.nspname, c.relname), string_agg(format('t.%I::text', a.attname), ', ' order by a.attnum)
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    inner join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where
        c.relkind in ('r', 'p', 'v', 'm', 'f')
        and n.nspname <> 'information_schema'
        and n.nspname !~ '^pg_toast'
        and has_schema_privilege('tuoke_reader', n.oid, 'usage')
        and has_column_privilege('tuoke_reader', c.oid, a.attnum, 'select')
        and format('%I.%I', n.nspname, c.relname) <> 'pg_catalog.pg_hba_file_rules'
    group by 1
    order by 1
"""


def _seen_by_readers(database: sqlalchemy.URL) -> dict[str, str]:
    """Everything the reader's role may read, the server's own catalogue and statistics included."""
    return {
        f"readers: {relation}": str(query(database, f"select row({columns})::text from {relation} as t"))
        for relation, columns in query(database, READABLE)
    }


# --- that there is something to find -------------------------------------------------------------------------------


def test_every_canary_is_in_the_lake(told: Told):
    assert [value for value in PERSONAL if value not in told.lake] == []


@pytest.mark.parametrize(("spoil", "said"), SPOILT, ids=[spoil.__name__ for spoil, _ in SPOILT])
def test_every_spoilt_run_failed_as_meant(told: Told, spoil: Spoil, said: str):
    outcome = told.outcomes[spoil.__name__]
    assert not outcome.success
    assert said in outcome.message, outcome.message
    assert [place for place in told.where(said) if place.startswith("Dagster: history/runs/")], "the search finds it"


def test_companies_are_shown_to_readers_and_people_by_their_first_character(told: Told):
    segments = told.places["readers: dws.customer_segments_current"]
    assert COMPANY in segments
    assert "C*" in segments


# --- that nothing is found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", PERSONAL)
def test_personal_data_is_said_nowhere(told: Told, what: str):
    assert told.where(what) == []


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_are_said_nowhere(told: Told, secret: str):
    assert told.where(SECRETS[secret]) == []


def test_no_log_repeats_a_cell_of_a_row(told: Told):
    assert [place for place in told.where(COMPANY) if not place.startswith("readers: dws.")] == []


def test_the_hash_key_is_in_no_file_but_its_own(told: Told):
    root = told.company.root
    holding = [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file() and SECRETS["hash key"].encode() in path.read_bytes()
    ]
    assert holding == [".env"]
    assert not any(
        SECRETS["hash key"] in str(rows_of(root, ".".join(file.relative_to(root / "lake").parts[:2])))
        for file in Lake(root / "lake").root.rglob(f"as_of={DAY}/*.parquet")
    )
