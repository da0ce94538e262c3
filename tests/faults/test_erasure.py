"""A customer asks to be erased: nothing personal is left, on no day that is kept and on none evaluated again."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
import sqlalchemy
from databases import a_database, query
from runs import DAY, Outcome, customer, deliver, evaluate, gate_of, rows_of, write_small_company
from sent import row
from typer.testing import CliRunner, Result

from assets.day import ProjectDay
from pipeline.cli import app
from pipeline.commands import quarantine as kept
from pipeline.commands.screen import screen
from pipeline.corrections import REPAIRED
from pipeline.erasures import ERASURES_FILE, Erasures
from pipeline.errors import ConfigurationError
from pipeline.lake import Lake
from pipeline.project import Project
from pipeline.warehouse.embedded import EmbeddedServer
from quality.contract import contracts

DAY_BEFORE = DAY - timedelta(days=1)
DAYS = (DAY_BEFORE, DAY)
PERSON = {
    "name": "Canaria Oblita 朱鹮",
    "phone": "13912344301",
    "email": "oblita@canary.example",
    "address": "Canaria-Allee 4711",
    "birth_year": "1987",
    "gender": "other",
    "kind": "person",
}
CANARIES = [
    "Canaria",
    "13912344301",
    "13912344302",
    "4301",
    "canary.example",
]
OTHER_TEXT = "Said by a colleague whose number happens to be C12"

CUSTOMERS = [
    *[customer(number) for number in range(1, 7)],
    customer(12, created_at="2026-01-05 09:00:00", **PERSON),
    customer(13, created_at="2026-10-05 09:00:00", **PERSON),  # the same person under another id
    customer(14, created_at="2026-03-05 09:00:00", **PERSON | {"customer_id": "Ｃ１２ "}),  # and once more
    customer(12, created_at="2026-01-04 09:00:00", **PERSON | {"phone": "canaria"}),  # quarantined
    customer(15, phone="nobody asked for this one"),
]
LEADS = [
    row("leads", lead_id="L1", customer_id="C13", name="Canaria", phone="13912344302", email="lead@canary.example"),
    row("leads", lead_id="", customer_id="C12", name="Canaria", phone="13912344302", email="lead@canary.example"),
    row("leads", lead_id="L2", customer_id="C1", phone="13812345678"),
]
ANSWERS = [
    row("answers", answer_id="A1", respondent_kind="customer", respondent_id="C12", text="Canaria wrote this"),
    row("answers", answer_id="A2", respondent_kind="staff", respondent_id="C12", text=OTHER_TEXT),
]


@dataclass(frozen=True)
class Company:
    """A project folder with two days, and the database they are published in."""

    root: Path
    database: sqlalchemy.URL

    def evaluate(self, as_of=DAY, selection: dg.AssetSelection | None = None) -> Outcome:
        return evaluate(self.root, self.database, as_of, selection=selection)

    def tuoke(self, *arguments: str, answer: str | None = None) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TUOKE_DATABASE_URL", self.database.render_as_string(hide_password=False))
            patch.delenv("TUOKE_HASH_KEY", raising=False)
            return CliRunner().invoke(app, ["erase", str(self.root), *arguments], input=answer)

    def erase(self, customer_id: str) -> str:
        done = self.tuoke(customer_id, "--yes")
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    def lake(self) -> dict[str, str]:
        """Everything in the lake and in the corrections, by file."""
        files = [*(self.root / "lake").rglob("*.parquet"), *(self.root / "corrections").rglob("*.parquet")]
        return {str(file.relative_to(self.root)): str(pq.read_table(file).to_pylist()) for file in sorted(files)}

    def published(self) -> dict[str, str]:
        """Everything in the database, by table, as its owner sees it."""
        tables = """
            select c.oid::regclass::text from pg_class as c
            where
                c.relkind in ('r', 'p')
                and c.relnamespace::regnamespace::text in ('dws', 'ads', 'dq', 'meta', 'stage')
        """
        owner = str(self.database.username)
        return {
            name: str(query(self.database, f"select t::text from {name} as t", user=owner))
            for (name,) in query(self.database, tables, user=owner)
        }

    def holding(self, *what: str) -> list[str]:
        """Where any of the texts is found."""
        places = self.lake() | self.published()
        return [place for place, said in places.items() if any(text in said for text in what)]

    def ids(self) -> dict[str, list[tuple]]:
        """Who is which customer, and which rows there are: what an erasure leaves alone."""
        links = {
            f"links {day}": [tuple(r.values())[:2] for r in rows_of(self.root, "dwd.customer_links", day)]
            for day in DAYS
        }
        keys = {
            f"{table} {day}": [
                tuple(r[name] for name in contracts()[table].key) for r in rows_of(self.root, f"dwd.{table}", day)
            ]
            for table in ("customers", "leads", "answers")
            for day in DAYS
        }
        return links | keys

    def ledger(self) -> list[dict[str, Any]]:
        return [entry for day in DAYS for entry in rows_of(self.root, "dq.ledger", day)]


@pytest.fixture(scope="module")
def evaluated(cluster: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    root = tmp_path_factory.mktemp("erasure") / "company"
    deliveries = {"customers": CUSTOMERS, "leads": LEADS, "answers": ANSWERS}
    write_small_company(root, deliveries, DAY_BEFORE)
    for table, rows in deliveries.items():
        deliver(root, table, rows)
    for day in DAYS:
        with (root / "landing" / f"customers_{day}.csv").open("a", encoding="utf-8") as file:
            file.write("C12,Canaria Ragged\n")
    with a_database(cluster) as database:
        company = Company(root, database)
        for day, selection in ((DAY_BEFORE, None), (DAY, gate_of("customers"))):
            outcome = company.evaluate(day, selection)
            assert outcome.success, outcome.message
        # a row can be corrected once the gate has seen it; the rest of the day is made of what it was corrected to
        _correct(company)
        yield company


def _correct(company: Company) -> None:
    """The owner of a quarantined row mends its phone, with the number of the person."""
    day = ProjectDay(Project.read(company.root), DAY)
    file = company.root / "handout.csv"
    kept.export_rows(day, file, kept.Wanted("customers"), "both", screen())
    file.write_text(file.read_text(encoding="utf-8-sig").replace("canaria", PERSON["phone"]), encoding="utf-8")
    assert kept.keep_verdicts(day, file, REPAIRED).keys
    file.unlink()
    outcome = company.evaluate()
    assert outcome.success, outcome.message


@pytest.fixture
def company(evaluated: Company, cluster: EmbeddedServer, tmp_path: Path) -> Iterator[Company]:
    """A copy to erase in."""
    root = tmp_path / "company"
    shutil.copytree(evaluated.root, root)
    with a_database(cluster, like=evaluated.database) as database:
        yield Company(root, database)


def test_before_it_is_everywhere_it_may_be(evaluated: Company):
    holding = {place.split("/")[1] if "/" in place else place for place in evaluated.holding("Canaria")}
    assert {"ods", "dwd", "quarantine", "landing", "dq", "customers", "dq.quarantine"} <= holding
    assert evaluated.holding("4301", "canary.example")


@pytest.mark.parametrize("customer_id", ["C12", "C13"])
def test_nothing_is_left_of_a_person_whichever_id_is_named(company: Company, customer_id: str):
    company.erase(customer_id)
    assert company.holding(*CANARIES) == []


def test_rows_ids_money_and_other_people_stay(company: Company):
    ids, ledger = company.ids(), company.ledger()
    counts = {place: said.count("{") for place, said in company.lake().items()}
    company.erase("C12")
    assert company.ids() == ids
    assert company.ledger() == ledger
    assert {place: said.count("{") for place, said in company.lake().items()} == counts
    assert company.holding("13812345678")
    assert company.holding(OTHER_TEXT)


@pytest.mark.parametrize("days", [(DAY_BEFORE, DAY), (DAY,)], ids=["both-days", "the-last-day"])
def test_sources_that_send_it_again_do_not_bring_it_back(company: Company, days: tuple):
    ids = company.ids()
    company.erase("C12")
    for day in days:
        outcome = company.evaluate(day)
        assert outcome.success, outcome.message
    assert company.holding(*CANARIES) == []
    assert all(entry["is_balanced"] for entry in company.ledger())
    again = company.ids()
    assert {place: again[place] for place in ids if place.startswith("links")} == {
        place: found for place, found in ids.items() if place.startswith("links")
    }
    assert again[f"customers {DAY}"] == ids[f"customers {DAY}"]
    assert company.holding("13812345678")
    assert company.holding(OTHER_TEXT)
    kept_back = [r for r in rows_of(company.root, "quarantine.customers") if r["outcome"] == "quarantined"]
    assert kept_back
    assert not any('"customer_id":"C12"' in r["row_as_sent"] for r in kept_back), "no rule looks for what is erased"


def test_an_erasure_that_was_interrupted_is_finished_by_the_next(company: Company, monkeypatch: pytest.MonkeyPatch):
    write, left = Lake.write, iter(range(4))

    def dies(lake: Lake, *place: Any) -> Any:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return write(lake, *place)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "write", dies)
        assert company.tuoke("C12", "--yes").exit_code != 0
    assert company.holding("Canaria")
    assert "C13" in Erasures.read(company.root).ids, "what keeps it from coming back is written first"
    company.erase("C12")
    assert company.holding(*CANARIES) == []


def test_it_is_asked_before(company: Company):
    before = company.lake()
    done = company.tuoke("C12", answer="n\n")
    assert done.exit_code == 1
    assert "Nothing was erased." in done.output
    assert company.lake() == before
    assert not (company.root / ERASURES_FILE).exists()


def test_it_is_told_in_counts_and_what_is_not_touched_is_named(company: Company):
    said = company.erase("C13")
    assert "C13 is customer C12, sent under 2 ids" in said
    assert "ods.customers 8 2" in said
    assert "dws.customer_directory in Postgres" in said
    assert "Not touched: the files in" in said
    assert not any(canary in said for canary in CANARIES)
    again = company.erase("C12")
    assert "Personal data in the lake: none" in again
    assert "in Postgres" not in again.partition("Erased:")[2].partition("erasures.csv")[0]


def test_the_file_of_erasures_holds_ids_and_days_only(company: Company):
    company.erase("C12")
    lines = (company.root / ERASURES_FILE).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "customer_id,person_id,erased_on,reason"
    assert [line.split(",")[:2] for line in lines[1:]] == [["C12", "C12"], ["C13", "C12"]]


def test_statistics_of_the_server_hold_no_sample_of_it(company: Company):
    company.erase("C12")
    samples = """
        select string_agg(concat(most_common_vals::text, histogram_bounds::text), ' ')
        from pg_stats
        where schemaname in ('dws', 'dq')
    """
    [(found,)] = query(company.database, samples, user=str(company.database.username))
    assert not any(canary in (found or "") for canary in CANARIES)


def test_an_unknown_id_is_named(company: Company):
    done = company.tuoke("C99", "--yes")
    assert done.exit_code == 2
    assert not (company.root / ERASURES_FILE).exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("customer_id,erased_on\nC1,2026-11-20\n", "no column person_id, reason", id="columns"),
        pytest.param("customer_id,person_id,erased_on,reason\n,C1,2026-11-20,\n", "line 2 names no", id="no-id"),
    ],
)
def test_a_file_of_erasures_that_is_none_stops_the_day(tmp_path: Path, text: str, said: str):
    (tmp_path / ERASURES_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        Erasures.read(tmp_path)


def test_every_contract_with_personal_data_says_whose_it_is():
    personal = {table for table, contract in contracts().items() if any(c.personal for c in contract.columns)}
    assert {table for table in personal if contracts()[table].about is None} == {"staff"}
