"""The ledger: nothing is lost, nothing appears. Rows and money that came in equal rows and money that went on."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pipeline.engine import Session, snippet
from pipeline.errors import LedgerError
from pipeline.tables import TableSpec
from quality.contract import Contract

NO_CURRENCY = "-"
COUNTED = ("accepted", "late", "quarantined", "merged", "added_up", "out_of_scope", "repaired")
"""The ways on. What came, and what corrections changed of it, went one of them."""

LEDGER = TableSpec(
    name="dq.ledger",
    description=(
        "Where every row and every amount of a source table went: "
        "in + corrected = accepted + late + quarantined + merged + added up + out of scope + repaired."
    ),
    grain=("table_name", "layer", "currency"),
    columns={
        "table_name": ("text", "Canonical table"),
        "layer": (
            "text",
            "ods: from the source into the lake; dwd: through the gate; golden: from records to things; dws: into the "
            "table the figures are made of; ads: into the total of the campaign, before it starts of the baseline",
        ),
        "currency": ("text", "ISO 4217 code the row states, - where the table has no money or the row states none"),
        "rows_in": ("bigint", "Rows that came"),
        "rows_corrected": (
            "bigint",
            "Rows that corrections brought to the gate beside those in ods: lines that could not be read, rows of "
            "earlier days; less those whose currency they changed into another",
        ),
        "rows_accepted": ("bigint", "Rows let through in time"),
        "rows_late": ("bigint", "Rows let through that were entered too late"),
        "rows_quarantined": ("bigint", "Rows kept back with a reason"),
        "rows_merged": ("bigint", "Rows that repeat another and were merged into it"),
        "rows_added_up": ("bigint", "Lines that went into the row of another line of the same order"),
        "rows_out_of_scope": ("bigint", "Rows the mapping leaves out on purpose"),
        "rows_repaired": ("bigint", "Lines that could not be read and went on to the gate as they were corrected"),
        "amount_in": ("numeric(18,2)", "Money of the rows that came"),
        "amount_corrected": ("numeric(18,2)", "Money that corrections added to it; below 0 where they took some away"),
        "amount_accepted": ("numeric(18,2)", "Money let through in time"),
        "amount_late": ("numeric(18,2)", "Money let through late"),
        "amount_quarantined": ("numeric(18,2)", "Money kept back"),
        "amount_merged": ("numeric(18,2)", "Money of merged rows"),
        "amount_added_up": (
            "numeric(18,2)",
            "Money of lines that were added up; it is read of their order, so always 0",
        ),
        "amount_out_of_scope": ("numeric(18,2)", "Money of rows left out on purpose; not read, so always 0"),
        "amount_repaired": ("numeric(18,2)", "Money of those lines; not read, so always 0"),
        "is_balanced": ("boolean", "Whether both sides are equal, in rows and in money"),
    },
)

Tally = dict[str, tuple[int, Decimal]]
"""Currency -> rows and money."""


def landing_entry(
    contract: Contract,
    *,
    read: int,
    landed: int,
    unreadable: int,
    out_of_scope: int,
    added_up: int = 0,
    repaired: int = 0,
) -> dict[str, Any]:
    """The ledger's row of a table between source and lake; money can't be read there yet.

    `repaired` are the lines that could not be read, but were corrected: they go on to the gate.
    """
    sides = {
        "accepted": landed,
        "quarantined": unreadable,
        "added_up": added_up,
        "out_of_scope": out_of_scope,
        "repaired": repaired,
    }
    return _entry(
        contract.table, "ods", NO_CURRENCY, (read, Decimal(0)), {name: (n, Decimal(0)) for name, n in sides.items()}
    )


def gate_entries(
    contract: Contract, sent: Tally, outcomes: dict[str, Tally], corrected: Tally | None = None
) -> list[dict[str, Any]]:
    """The ledger's rows of a table through the gate, one per currency. Each side is counted from what was written."""
    corrected = corrected or {}
    currencies = sorted({currency for tally in [sent, corrected, *outcomes.values()] for currency in tally})
    nothing = (0, Decimal(0))
    return [
        _entry(
            contract.table,
            "dwd",
            currency,
            sent.get(currency, nothing),
            {name: tally.get(currency, nothing) for name, tally in outcomes.items()},
            corrected.get(currency, nothing),
        )
        for currency in currencies
    ]


def onward_entries(contract: Contract, layer: str, came: Tally, went: Tally) -> list[dict[str, Any]]:
    """The ledger's rows of a table in a layer behind the gate, where nothing is kept back any more."""
    nothing = (0, Decimal(0))
    return [
        _entry(contract.table, layer, currency, came.get(currency, nothing), {"accepted": went.get(currency, nothing)})
        for currency in sorted({*came, *went})
    ]


def golden_entry(contract: Contract, *, records: int, things: int, merged: int) -> dict[str, Any]:
    """The ledger's row of a table whose records were found to be fewer things than there are records."""
    sides = {"accepted": (things, Decimal(0)), "merged": (merged, Decimal(0))}
    return _entry(contract.table, "golden", NO_CURRENCY, (records, Decimal(0)), sides)


def difference(put_in: Tally, taken_out: Tally) -> Tally:
    """What one tally has more than another, by currency.

    >>> difference({"CNY": (2, Decimal(30))}, {"CNY": (1, Decimal(10)), "USD": (1, Decimal(5))})
    {'CNY': (1, Decimal('20')), 'USD': (-1, Decimal('-5'))}
    """
    nothing = (0, Decimal(0))
    found = {}
    for currency in sorted({*put_in, *taken_out}):
        (rows, money), (rows_less, money_less) = put_in.get(currency, nothing), taken_out.get(currency, nothing)
        found[currency] = (rows - rows_less, money - money_less)
    return found


def _entry(
    table: str,
    layer: str,
    currency: str,
    came: tuple[int, Decimal],
    sides: dict[str, tuple[int, Decimal]],
    corrected: tuple[int, Decimal] = (0, Decimal(0)),
) -> dict[str, Any]:
    sides = {name: sides.get(name, (0, Decimal(0))) for name in COUNTED}
    rows = {f"rows_{name}": rows for name, (rows, _) in sides.items()}
    amounts = {f"amount_{name}": amount for name, (_, amount) in sides.items()}
    return {
        "table_name": table,
        "layer": layer,
        "currency": currency,
        "rows_in": came[0],
        "amount_in": came[1],
        "rows_corrected": corrected[0],
        "amount_corrected": corrected[1],
        **rows,
        **amounts,
        "is_balanced": (came[0] + corrected[0], came[1] + corrected[1])
        == (sum(rows.values()), sum(amounts.values(), Decimal(0))),
    }


def tally(session: Session, query: Any) -> Tally:
    """Rows and money of a query's rows, by currency."""
    by_currency = snippet(
        "select coalesce(rows.currency, '-') as currency, count(*) as n, coalesce(sum(rows.amount), 0) as amount"
        " from $rows as rows group by coalesce(rows.currency, '-')",
        rows=query.subquery(),
    )
    return {currency: (rows, Decimal(amount)) for currency, rows, amount in session.rows(by_currency)}


def demand_balance(entries: Iterable[dict[str, Any]]) -> None:
    """Stop at the first entry whose sides differ.

    Raises:
        LedgerError: with both sides of the entry.
    """
    for entry in entries:
        if not entry["is_balanced"]:
            went = sum(entry[f"rows_{name}"] for name in COUNTED)
            money = sum(entry[f"amount_{name}"] for name in COUNTED)
            raise LedgerError(
                f"the ledger of {entry['table_name']} ({entry['layer']}, {entry['currency']}) does not balance: "
                f"{entry['rows_in'] + entry['rows_corrected']} rows and "
                f"{entry['amount_in'] + entry['amount_corrected']} came, {went} rows and {money} went on; "
                "nothing is published, run the day again and report it if it stays"
            )
