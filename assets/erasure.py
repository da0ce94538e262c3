"""Erasure: a customer's personal data is taken out of every day that is kept, and out of what readers see.

Rows, ids, money and times stay. A table's day is replaced whole, so that an erasure that was interrupted is finished
by the next one: what is erased already is not found again.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from hashlib import md5
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlglot import exp

from assets.day import ProjectDay
from assets.models import models, published
from assets.published import CUSTOMER_GRAIN
from pipeline.corrections import Corrections, put
from pipeline.engine import Model, Relation
from pipeline.lake import PART, PREFIX, Lake
from pipeline.project import Project
from pipeline.warehouse import Warehouse
from quality.contract import Contract, contracts
from quality.erasure import blanked, erased_line, is_about, names_one_of, personal_columns, without_personal

LINKS = "dwd.customer_links"
ROWS = "held.rows"
SENT = "row_as_sent"
KEPT_BACK, UNREADABLE, LINES = "quarantine", "landing", "lines"
"""Layers of the lake that hold rows, and lines that are none, as they were sent."""
CORRECTIONS = "corrections."
QUARANTINE = "dq.quarantine"


@dataclass(frozen=True)
class Person:
    """A customer: the id it goes by, and every id it was sent under."""

    customer_id: str
    ids: frozenset[str]


@dataclass(frozen=True)
class Held:
    """How many rows of a table's day hold personal data of a person."""

    table: str
    as_of: date
    file: Path
    rows: int


@dataclass(frozen=True)
class Eraser:
    """Erases one person from a project."""

    project: Project
    person: Person

    # --- what is kept ---

    def find(self) -> list[Held]:
        """Where personal data of the person lies in the lake."""
        return [Held(*place, found) for place in self._places() if (found := self._erased(*place)[1])]

    def erase(self, places: Iterable[Held]) -> Iterator[Held]:
        """Replace each place by one without it."""
        for place in places:
            rows, found = self._erased(place.table, place.as_of, place.file)
            if place.table.startswith(CORRECTIONS):
                put(rows, place.file)
            else:
                with self._lake.write(place.table, place.as_of) as file:
                    pq.write_table(rows, file, compression="zstd")
            yield replace(place, rows=found)

    @cached_property
    def _lake(self) -> Lake:
        return ProjectDay(self.project, date.max).lake

    def _places(self) -> Iterator[tuple[str, date, Path]]:
        """Every file that may hold personal data of customers, corrections included: table, day, file."""
        for file in sorted(self._lake.root.glob(f"*/*/{PREFIX}*/{PART}")):
            table = ".".join(file.parts[-4:-2])
            if self._contract(table) or table in self._shown or table == QUARANTINE:
                yield table, date.fromisoformat(file.parent.name.removeprefix(PREFIX)), file
        corrections = Corrections(self.project.corrections)
        for table in corrections.tables():
            for file in corrections.files(table, date.max) if self._contract(f"{CORRECTIONS}{table}") else ():
                yield f"{CORRECTIONS}{table}", file.as_of, file.path

    def _contract(self, table: str) -> Contract | None:
        """The contract by which rows of a table of the lake hold personal data of customers."""
        layer, name = table.split(".", 1)
        if layer == LINES:
            name = name.rpartition("_")[0]
        about = [contract for contract in contracts().values() if contract.about and personal_columns(contract)]
        tables = {contract.gated: contract for contract in about}
        if layer in ("ods", "dwd", LINES, KEPT_BACK, UNREADABLE, "corrections"):
            tables |= {f"{layer}.{contract.table}": contract for contract in about}
        return tables.get(f"{layer}.{name}")

    @cached_property
    def _shown(self) -> dict[str, list[str]]:
        """Tables with a row per customer -> their columns that are made of personal ones."""
        found = {
            name: _made_of_personal(model, {table: self._columns(table) for table in model.inputs})
            for name, model in models().items()
            if model.grain == CUSTOMER_GRAIN and self._lake.days(name)
        }
        return {name: columns for name, columns in found.items() if columns}

    def _columns(self, table: str) -> list[str]:
        return pq.read_schema(self._lake.file(table, self._lake.days(table)[-1])).names

    def _erased(self, table: str, as_of: date, file: Path) -> tuple[pa.Table, int]:
        """The rows of a table's day without personal data of the person, and in how many there was some."""
        rows = _read(file)
        contract, layer = self._contract(table), table.split(".", 1)[0]
        if table == QUARANTINE:
            return self._without_texts(rows, [contracts()[name] for name in rows["table_name"].to_pylist()], "row_id")
        if contract is not None and layer in (KEPT_BACK, UNREADABLE):
            return self._without_texts(rows, [contract] * rows.num_rows, "_row_id")
        columns = self._shown.get(table) or personal_columns(contract)
        columns = [name for name in columns if name in rows.column_names]
        as_sent = layer in ("ods", LINES, "corrections")
        where = self._about(contract or contracts()["customers"], file, columns, as_of, as_sent=as_sent)
        left = blanked(rows, columns, where)
        if contract is None or not table.startswith(CORRECTIONS):
            return left, pc.sum(where).as_py() or 0
        # what a correction is about is known by what it said: the same as will be landed from now on
        left, changed = self._without_texts(left, [contract] * rows.num_rows, "_row_id")
        hashes = pa.array(
            [md5((text or "").encode()).hexdigest() for text in left[f"_{SENT}"].to_pylist()], pa.string()
        )
        at = left.schema.get_field_index("_sent_hash")
        return left.set_column(at, left.schema.field(at), hashes), max(pc.sum(where).as_py() or 0, changed)

    def _about(self, contract: Contract, file: Path, columns: Sequence[str], as_of: date, *, as_sent: bool) -> pa.Array:
        """For each row of a file whether it is about the person and any of the columns is filled."""
        day = ProjectDay(self.project, as_of)
        filled = exp.or_(*[exp.column(name, quoted=True).is_(exp.null()).not_() for name in columns])
        about = is_about(contract, self.person.ids | self._known_as(as_of), as_sent=as_sent)
        query = exp.select(exp.and_(about, filled)).from_(ROWS)
        zone, tables = self.project.plan.timezone, {ROWS: Relation((file,))}
        with day.engine.session(zone=zone, tables=tables, values={}) as session:
            return pa.array([told for (told,) in session.rows(query)], pa.bool_())

    def _known_as(self, as_of: date) -> frozenset[str]:
        """The ids that stood for the person on a day."""
        if not self._lake.file(LINKS, as_of).is_file():
            return frozenset()
        links = _read(self._lake.file(LINKS, as_of))
        own = links.filter(pc.is_in(links["source_customer_id"], pa.array(sorted(self.person.ids))))
        return frozenset(own["customer_id"].to_pylist())

    # --- rows and lines as they were sent ---

    def _without_texts(self, rows: pa.Table, held: Sequence[Contract], row_id: str) -> tuple[pa.Table, int]:
        name = next(name for name in (SENT, f"_{SENT}", "raw") if name in rows.column_names)
        sent = list(zip(held, rows[row_id].to_pylist(), rows[name].to_pylist(), strict=True))
        left = self.without_personal(sent)
        changed = sum(text != was for text, (_, _, was) in zip(left, sent, strict=True))
        at = rows.schema.get_field_index(name)
        return rows.set_column(at, rows.schema.field(at), pa.array(left, pa.string())), changed

    def without_personal(self, sent: Sequence[tuple[Contract, str, str | None]]) -> list[str | None]:
        """What is left of rows and lines as they were sent: each with its contract and the id of its row."""
        left = [text for _, _, text in sent]
        for contract in {contract.table: contract for contract, _, _ in sent if contract.about}.values():
            own = [place for place, (held, _, text) in enumerate(sent) if held is contract and text]
            cells = {place: cells for place in own if (cells := _cells(left[place])) is not None}
            for place in self._told_about(contract, cells):
                left[place] = without_personal(left[place] or "", contract)
            for place in set(own) - set(cells):
                if names_one_of(left[place] or "", self.person.ids):
                    left[place] = erased_line(sent[place][1])
        return left

    def _told_about(self, contract: Contract, cells: dict[int, dict]) -> list[int]:
        """The places whose cells say that they are about the person."""
        assert contract.about is not None
        names = [contract.about.column, *contract.about.when]
        values = {name: pa.array([told.get(name) for told in cells.values()], pa.string()) for name in names}
        rows = pa.table({"place": pa.array(cells, pa.int64()), **values})
        query = exp.select("place").from_(ROWS).where(is_about(contract, self.person.ids, as_sent=True))
        engine, zone = ProjectDay(self.project, date.max).engine, self.project.plan.timezone
        with engine.session(zone=zone, tables={}, values={ROWS: rows}) as session:
            return [place for (place,) in session.rows(query)]

    # --- what readers see ---

    def erase_published(self) -> dict[str, int]:
        """Take the person out of every published day, in one transaction; rows changed by table.

        Raises:
            WarehouseError: Postgres can't be reached or refuses; what it has stays as it is.
        """
        shown = {table.name: self._shown[table.name] for table in published() if table.name in self._shown}
        ids = sorted(self.person.ids.union(*(self._known_as(day) for day in self._lake.days(LINKS))))

        def left(rows: Sequence[tuple[str, str, str]]) -> list[str | None]:
            return self.without_personal([(contracts()[table], row_id, text) for table, row_id, text in rows])

        with Warehouse.of(self.project) as warehouse:
            return warehouse.erase(shown, ids, {QUARANTINE: (("table_name", "row_id"), SENT)}, left)


def person_of(project: Project, customer_id: str) -> Person:
    """The customer an id belongs to, by the latest day that knows it; an id no day knows stands for itself."""
    day = ProjectDay(project, date.max)
    erased = day.erasures.same_person(customer_id)
    for known in reversed(day.lake.days(LINKS)):
        links = dict(
            zip(*_read(day.lake.file(LINKS, known)).select(["source_customer_id", "customer_id"]), strict=True)
        )
        told = {str(own): str(customer) for own, customer in links.items()}
        golden = told.get(customer_id) or (customer_id if customer_id in told.values() else None)
        if golden is not None:
            own = {source for source, customer in told.items() if customer == golden}
            return Person(golden, frozenset({*own, golden, customer_id, *erased}))
    return Person(customer_id, frozenset({customer_id, *erased}))


def _made_of_personal(model: Model, schema: Mapping[str, list[str]]) -> list[str]:
    personal = {(f"dwd.{c.table}", name) for c in contracts().values() for name in personal_columns(c)}
    return [column for column, sources in model.lineage(schema).items() if personal & set(sources)]


def _read(file: Path) -> pa.Table:
    with pq.ParquetFile(file) as parquet:
        return parquet.read()


def _cells(text: str | None) -> dict | None:
    """A row as it was sent; None of a line that is none."""
    try:
        cells = json.loads(text or "")
    except ValueError:
        return None
    return cells if isinstance(cells, dict) else None


def by_table(places: Collection[Held]) -> dict[str, tuple[int, int]]:
    """Table -> rows and days."""
    return {
        table: (sum(p.rows for p in places if p.table == table), len({p.as_of for p in places if p.table == table}))
        for table in sorted({place.table for place in places})
    }
