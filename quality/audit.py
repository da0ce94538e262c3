"""The monthly audit: what was wrong, how often, whether it gets better, and how much of it was mended.

Beside it the back-check: whether bad contact data is where customers are not reached, and so where it comes from.
"""

from collections.abc import Collection
from datetime import date

import pandas as pd

from pipeline.corrections import REPAIRED
from pipeline.tables import TableSpec

AUDIT = TableSpec(
    name="dq.audit_monthly",
    description=(
        "Every rule over the month of the day, up to it: rows of all deliveries of what arrives as increments, of a "
        "snapshot those of the month's latest."
    ),
    grain=("table_name", "rule_id"),
    columns={
        "month": ("text", "Month the day belongs to, 2026-11"),
        "table_name": ("text", "Canonical table"),
        "rule_id": ("text", "Rule of the contract, or what is wrong with a line that is no row"),
        "dimension": ("text", "Quality dimension the rule counts for"),
        "severity": ("text", "error: the row is kept back; warning or info: it is let in and counted"),
        "owner": ("text", "Who answers for the table"),
        "deliveries": ("bigint", "Days of the month whose rows are counted"),
        "rows_judged": ("bigint", "Rows judged"),
        "rows_broken": ("bigint", "Rows that break the rule, as they stand after corrections"),
        "broken_rate": ("double precision", "rows_broken / rows_judged, 0 to 1"),
        "share_of_table": ("double precision", "Part of all that is broken in the table that breaks this rule, 0 to 1"),
        "previous_broken_rate": (
            "double precision",
            "The same rate of the month before; NULL where nothing was judged",
        ),
        "change": ("double precision", "broken_rate less that of the month before: below 0 is better"),
        "rows_kept_back": ("bigint", "Rows this rule was the first to keep back, before any correction"),
        "rows_repaired": ("bigint", "Of those, rows corrected and let in since"),
        "repaired_rate": ("double precision", "rows_repaired / rows_kept_back, 0 to 1; NULL where none was kept back"),
        "message_zh": ("text", "What is wrong with such a row, in Chinese"),
        "message_en": ("text", "What is wrong with such a row, in English"),
    },
)

BACKCHECK = TableSpec(
    name="dq.contact_backcheck",
    description=(
        "Bad contact data against reach, by the channel and the owner leads came through: where the one is high and "
        "the other low, contact data is taken down wrongly there."
    ),
    grain=("channel", "owner_id"),
    columns={
        "channel": ("text", "Channel the leads came through; (unknown) where the source names none"),
        "owner_id": ("text", "Member of staff who works them; (unknown) where the source names none"),
        "leads": ("bigint", "Leads delivered, those kept back included"),
        "bad_contacts": ("bigint", "Of those, leads kept back for phone or e-mail, or without both"),
        "bad_contact_rate": ("double precision", "bad_contacts / leads, 0 to 1; NULL without leads"),
        "calls": ("bigint", "Calls whose outcome is known"),
        "reached_calls": ("bigint", "Of those, calls that reached somebody, by the plan's definition"),
        "reach_rate": ("double precision", "reached_calls / calls, 0 to 1; NULL without calls"),
        "is_suspect": ("boolean", "Whether contact data is worse and reach lower than over all"),
    },
)
CONTACT = ("phone", "email")
UNKNOWN = "(unknown)"
KEYS = ["table_name", "rule_id"]


def month_of(day: date) -> str:
    """
    >>> month_of(date(2026, 11, 20))
    '2026-11'
    """
    return f"{day:%Y-%m}"


def audit_monthly(
    judged: pd.DataFrame, before: pd.DataFrame, kept_back: pd.DataFrame, rules: pd.DataFrame, month: str
) -> pd.DataFrame:
    """The table `dq.audit_monthly`.

    Args:
        judged: A row per delivery of the month and rule: table_name, rule_id, rows_total, unexpected_rows.
        before: The same of the month before.
        kept_back: The rows of `dq.quarantine` delivered in the month.
        rules: What is said of each rule: table_name, rule_id, dimension, severity, owner, message_zh, message_en.
        month: The month.
    """
    found = _rates(judged)
    earlier = _rates(before)[[*KEYS, "broken_rate"]].rename(columns={"broken_rate": "previous_broken_rate"})
    is_repaired = kept_back["state"] == REPAIRED
    mended = (
        kept_back.assign(rows_repaired=is_repaired.astype("int64"))
        .groupby(["table_name", "first_rule_id"], as_index=False)
        .agg(rows_kept_back=("rows_repaired", "size"), rows_repaired=("rows_repaired", "sum"))
        .rename(columns={"first_rule_id": "rule_id"})
    )
    rows = (
        rules.merge(found, on=KEYS, how="inner", validate="one_to_one")
        .merge(earlier, on=KEYS, how="left", validate="one_to_one")
        .merge(mended, on=KEYS, how="left", validate="one_to_one")
        .fillna({"rows_kept_back": 0, "rows_repaired": 0})
    )
    all_broken = rows.groupby("table_name")["rows_broken"].transform("sum")
    return rows.assign(
        month=month,
        share_of_table=rows["rows_broken"] / all_broken.where(all_broken > 0),
        change=rows["broken_rate"] - rows["previous_broken_rate"],
        repaired_rate=rows["rows_repaired"] / rows["rows_kept_back"].where(rows["rows_kept_back"] > 0),
    )


def _rates(judged: pd.DataFrame) -> pd.DataFrame:
    """A month's deliveries put together; what was never evaluated is not there."""
    rows = (
        judged[judged["unexpected_rows"].notna()]
        .groupby(KEYS, as_index=False)
        .agg(
            deliveries=("rows_total", "size"), rows_judged=("rows_total", "sum"), rows_broken=("unexpected_rows", "sum")
        )
    )
    return rows.assign(broken_rate=rows["rows_broken"] / rows["rows_judged"].where(rows["rows_judged"] > 0))


def contact_backcheck(
    leads: pd.DataFrame, kept_back: pd.DataFrame, calls: pd.DataFrame, not_reached: Collection[str]
) -> pd.DataFrame:
    """The table `dq.contact_backcheck`.

    Args:
        leads: Leads let in: channel, owner_id, phone, email.
        kept_back: Leads kept back: channel, owner_id, rule_ids.
        calls: Calls: channel, staff_id, outcome.
        not_reached: Outcomes by which nobody was reached, in any case of letters.
    """
    unreached = {outcome.lower() for outcome in not_reached}
    let_in = _by_place(leads).assign(bad=leads[list(CONTACT)].isna().all(axis=1))
    breaks = [any(rule.startswith(CONTACT) for rule in rule_ids.split(",")) for rule_ids in kept_back["rule_ids"]]
    out = _by_place(kept_back).assign(bad=pd.Series(breaks, index=kept_back.index, dtype=bool))
    called = _by_place(calls.rename(columns={"staff_id": "owner_id"})[calls["outcome"].notna()])
    called = called.assign(reached=[outcome.lower() not in unreached for outcome in calls["outcome"].dropna()])
    place = ["channel", "owner_id"]
    delivered = (
        pd.concat([let_in, out], ignore_index=True)
        .groupby(place)
        .agg(leads=("bad", "size"), bad_contacts=("bad", "sum"))
    )
    reach = called.groupby(place).agg(calls=("reached", "size"), reached_calls=("reached", "sum"))
    rows = delivered.join(reach, how="outer").fillna(0).astype("int64").reset_index()
    rates = {
        "bad_contact_rate": rows["bad_contacts"] / rows["leads"].where(rows["leads"] > 0),
        "reach_rate": rows["reached_calls"] / rows["calls"].where(rows["calls"] > 0),
    }
    is_worse = rates["bad_contact_rate"] * rows["leads"].sum() > rows["bad_contacts"].sum()
    is_less_reached = rates["reach_rate"] * rows["calls"].sum() < rows["reached_calls"].sum()
    return rows.assign(**rates, is_suspect=is_worse & is_less_reached)


def _by_place(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[["channel", "owner_id"]].fillna(UNKNOWN)
