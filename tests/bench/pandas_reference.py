"""Customers -> RFM -> Postgres as one writes it with pandas and `to_sql`: the measure for what the engine is worth.

It reads the same two files, keeps the same rules and comes to the same numbers, and does no more than that: no
landing, no quarantine, no ledger, no second judgement, no sentences. Text is handled by pandas' own string methods.
"""

import sys
from datetime import date
from pathlib import Path

import pandas as pd
import sqlalchemy
from stages import Stages

from pipeline.plan import Plan
from pipeline.plan_tables import plan_tables
from pipeline.project import Project

TABLE, SCHEMA = "pandas_customer_rfm", "bench"
INVISIBLE = "[\u00ad\u200b-\u200f\u2060\ufeff\x01-\x08]"
PHONE = r"(?:1[3-9][0-9]{9}|0[0-9]{9,11}|[+][0-9]{7,15})"
EMAIL = r"[^@ ]+@[^@ ]+[.][^@ .]+"
CREDIT_CODE = r"[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"
NUMBER = r"[-+]?[¥￥]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:[.][0-9]+)?"


def main(root: Path, as_of: date, url: str, report: Path) -> None:
    """Compute and write the table, and report how long each step took."""
    project, stages = Project.read(root), Stages()
    end = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    with stages("customers"):
        customers, links = golden_customers(read(project, "customers", as_of), end)
    with stages("orders"):
        orders = valid_orders(read(project, "orders", as_of), links, end, project.plan.currency)
    with stages("rfm"):
        table = rfm(customers, orders, project.plan, as_of)
    with stages("to_sql"):
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text(f"create schema if not exists {SCHEMA}"))
        table.to_sql(TABLE, engine, schema=SCHEMA, if_exists="replace", index=False)
        engine.dispose()
    stages.save(report, rows=len(table))


def read(project: Project, table: str, as_of: date) -> pd.DataFrame:
    """A table's file under its canonical names, every cell as clean text; lines that are no rows are left out."""
    [feed] = project.sources.feeds(table)
    sent = pd.read_csv(
        project.landing / str(feed.file).format(as_of=as_of),
        dtype="str",
        encoding=feed.encoding,
        keep_default_na=False,
        na_values=[""],
        on_bad_lines="skip",
    ).rename(columns={source: name for name, source in feed.columns.items()})
    sent = sent[~sent[sent.columns[-1]].str.contains("\0", regex=False, na=False)]
    cleaned = sent.apply(clean)
    return cleaned.assign(**{name: cleaned[name].replace(words) for name, words in feed.values.items()})


def clean(text: pd.Series) -> pd.Series:
    """Without invisible and full-width characters, trimmed; blank is missing."""
    ordinary = text.str.replace(INVISIBLE, "", regex=True).str.normalize("NFKC").str.strip()
    return ordinary.mask(ordinary == "")


def numbers(text: pd.Series) -> pd.Series:
    """Amounts in whole cents, so that sums are exact; missing where the text is no number."""
    plain = text.where(text.str.fullmatch(NUMBER, na=False)).str.replace("[¥￥,+]", "", regex=True)
    return (pd.to_numeric(plain, errors="coerce") * 100).round()


def moments(text: pd.Series) -> pd.Series:
    """Points in time, however the day is written; missing where it can't be read."""
    return pd.to_datetime(text.str.replace("/", "-", regex=False), format="ISO8601", errors="coerce")


def unreadable(text: pd.Series, value: pd.Series) -> pd.Series:
    """Where something was sent that is no value."""
    return text.notna() & value.isna()


def golden_customers(sent: pd.DataFrame, end: pd.Timestamp) -> tuple[pd.DataFrame, pd.Series]:
    """One row per real customer, and the golden id of every id that was sent."""
    phone = sent["phone"].str.replace("[ ()（）-]", "", regex=True)
    typed = sent.assign(
        phone=phone.str.replace(r"^(?:\+|00)?86(1[3-9][0-9]{9})$", r"\1", regex=True),
        born=numbers(sent["birth_year"]) / 100,
        created=moments(sent["created_at"]),
        updated=moments(sent["updated_at"]),
    )
    required = ["customer_id", "name", "phone", "demand_tag", "source_channel", "created_at"]
    broken = (
        typed[required].isna().any(axis=1)
        | (typed["name"].str.len() > 200)
        | ~typed["kind"].isin(["company", "person"]) & typed["kind"].notna()
        | ~typed["gender"].isin(["female", "male", "other"]) & typed["gender"].notna()
        | ~typed["phone"].str.fullmatch(PHONE, na=True)
        | ~typed["email"].str.fullmatch(EMAIL, na=True)
        | ~typed["credit_code"].str.fullmatch(CREDIT_CODE, na=True)
        | unreadable(typed["birth_year"], typed["born"])
        | (typed["born"].notna() & ~typed["born"].between(1900, 2030))
        | unreadable(typed["created_at"], typed["created"])
        | unreadable(typed["updated_at"], typed["updated"])
        | (typed["created"] >= end)
        | (typed["updated"] < typed["created"])
    )
    standing = typed[~broken].sort_values(["updated", "created"], ascending=False, kind="stable")
    links = standing[["customer_id"]].assign(golden=standing["customer_id"])
    keys = (
        [standing["customer_id"]],
        [standing["customer_id"].str.lower(), standing["phone"]],
        [standing["name"].str.lower(), standing["phone"], standing["address"].str.lower()],
    )
    for key in keys:
        first = links.groupby([part.fillna("") for part in key], sort=False)["golden"].transform("first")
        links = links.assign(golden=first)
    golden = links.drop_duplicates("customer_id").set_index("customer_id")["golden"]
    return standing[standing["customer_id"].isin(golden.unique())].drop_duplicates("customer_id"), golden


def valid_orders(sent: pd.DataFrame, links: pd.Series, end: pd.Timestamp, currency: str) -> pd.DataFrame:
    """One row per order that can be trusted, under the golden id of its customer."""
    typed = sent.assign(
        cents=numbers(sent["amount"]),
        cost=numbers(sent["cost_amount"]),
        ordered=moments(sent["ordered_at"]),
        paid=moments(sent["paid_on"]),
        recorded=moments(sent["recorded_at"]),
    )
    required = ["order_id", "customer_id", "ordered_at", "amount", "currency", "kind"]
    broken = (
        typed[required].isna().any(axis=1)
        | unreadable(typed["ordered_at"], typed["ordered"])
        | unreadable(typed["amount"], typed["cents"])
        | unreadable(typed["cost_amount"], typed["cost"])
        | unreadable(typed["paid_on"], typed["paid"])
        | unreadable(typed["recorded_at"], typed["recorded"])
        | (typed["ordered"] >= end)
        | (typed["paid"] >= end)
        | ((typed["kind"] == "sale") & (typed["cents"] < 0))
        | (typed["cost"] < 0)
        | (typed["currency"] != currency)
        | ~typed["kind"].isin(["sale", "refund"])
        | ((typed["kind"] == "refund") & typed["refund_of"].isna())
    )
    newest = typed[~broken].sort_values(["recorded", "ordered"], ascending=False, kind="stable")
    orders = newest.drop_duplicates("order_id")
    return orders.assign(
        customer_id=orders["customer_id"].map(links).fillna(orders["customer_id"]),
        ordered_on=orders["ordered"].dt.normalize(),
        is_refund=orders["kind"] == "refund",
        net=orders["cents"].where(orders["kind"] == "sale", -orders["cents"].abs()),
    )


def rfm(customers: pd.DataFrame, orders: pd.DataFrame, plan: Plan, as_of: date) -> pd.DataFrame:
    """Recency, frequency, amount, their fifths and the class of every customer."""
    tables = plan_tables(plan, as_of, additive=frozenset())
    settings = tables["plan.settings"].to_pylist()[0]
    sales = orders[~orders["is_refund"]]
    recent = orders[orders["ordered_on"] > pd.Timestamp(settings["rfm_window_start"])]
    bought = pd.DataFrame(
        {
            "last_ordered_on": sales.groupby("customer_id")["ordered_on"].max(),
            "frequency": recent[~recent["is_refund"]].groupby("customer_id").size(),
            "cents": recent.groupby("customer_id")["net"].sum(),
        }
    )
    table = customers[["customer_id"]].join(bought, on="customer_id")
    table = table.assign(
        recency_days=(pd.Timestamp(as_of) - table["last_ordered_on"]).dt.days.astype("Int64"),
        frequency=table["frequency"].fillna(0).astype("int64"),
        monetary_amount=table["cents"].fillna(0).astype("int64") / 100,
    ).drop(columns="cents")
    known = table[table["last_ordered_on"].notna()]
    return table.assign(
        r_score=fifths(known["last_ordered_on"]),
        f_score=fifths(known["frequency"]),
        m_score=fifths(known["monetary_amount"]),
        class_id=classes(known, tables["plan.rfm_rules"].to_pandas(), tables),
    ).fillna({"class_id": "no_order"})


def fifths(values: pd.Series) -> pd.Series:
    """1 to 5 by the share of those below; equal values score equally."""
    share = (values.rank(method="min") - 1) / (len(values) - 1)
    return (share * 5 // 1 + 1).clip(upper=5).astype("Int64")


def classes(known: pd.DataFrame, rules: pd.DataFrame, tables: dict) -> pd.Series:
    """The first rule that holds, else the cell of the grid."""
    grid = tables["plan.rfm_grid"].to_pylist()[0]
    is_high = (
        known["last_ordered_on"] > pd.Timestamp(grid["last_order_after"]),
        known["frequency"] >= grid["frequency"],
        known["monetary_amount"] >= grid["amount"],
    )
    found = pd.Series(None, index=known.index, dtype="str")
    for cell in tables["plan.rfm_cells"].to_pylist():
        wanted = (cell["is_recent"], cell["is_frequent"], cell["is_large"])
        inside = [high == flag for high, flag in zip(is_high, wanted, strict=True)]
        found = found.mask(inside[0] & inside[1] & inside[2], cell["grid_id"])
    for rule in rules.sort_values("priority", ascending=False).itertuples():
        found = found.mask(_holds(known, rule), rule.rule_id)
    return found


def _holds(known: pd.DataFrame, rule: tuple) -> pd.Series:
    holds = pd.Series(True, index=known.index)
    if pd.notna(rule.last_order_after):
        holds &= known["last_ordered_on"] > pd.Timestamp(rule.last_order_after)
    if pd.notna(rule.last_order_until):
        holds &= known["last_ordered_on"] <= pd.Timestamp(rule.last_order_until)
    for column, part in (("frequency", "frequency"), ("monetary_amount", "amount")):
        if pd.notna(least := getattr(rule, f"{part}_least")):
            holds &= known[column] >= least
        if pd.notna(below := getattr(rule, f"{part}_below")):
            holds &= known[column] < below
    return holds


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
