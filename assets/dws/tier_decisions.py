"""The tier of every buyer at every re-rating since the first order, and what a re-rating today would decide.

The past is played again each day from what was on record by each day of re-rating: what was ordered before it and
entered by then. So a day's table depends on that day's data alone, a late order moves no tier that was frozen before
it came, and what is published for one day never depends on whether another day was run. Sums are SQL; places, scores
and the walk through the re-ratings are arrays over the customers, one step per re-rating (S4 客户分级; I37, I38).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from assets.day import ProjectDay
from assets.factory import python_asset
from pipeline.engine import Session, snippet
from pipeline.lake import Lake
from pipeline.plan import Plan, Tiers
from pipeline.plan_tables import months_before
from pipeline.plan_tables.tiers import BASE, POTENTIAL, UNRATED, VIP, rating_days
from pipeline.tables import TableSpec

SALES, CUSTOMERS, LINKS = "dws.sales", "dwd.customers", "dwd.customer_links"
INPUTS = (SALES, CUSTOMERS, LINKS)
BUYERS, SPENT = "main.tier_buyers", "main.tier_sales"

CLASSES = np.array([UNRATED, BASE, POTENTIAL, VIP], dtype=object)
"""By rank: what is higher is worth more."""
RULES = np.array(
    ["entry", "upgrade", "downgrade", "warned", "kept", "kept_no_rise", "kept_in_margin", "kept_no_fall"], dtype=object
)
"""What a decision goes by; the first three change the tier."""
ENTRY, UPGRADE, DOWNGRADE, WARNED, KEPT, NO_RISE, IN_MARGIN, NO_FALL = range(len(RULES))
PARTS = ("contribution", "strategic", "growth")
ENDLESS = date(9999, 12, 31)

TIER_DECISIONS = TableSpec(
    name="dws.tier_decisions",
    description="One row per buyer and re-rating that moved the tier, the latest one, and the trial of the day itself.",
    grain=("customer_id", "rated_on", "is_official"),
    columns={
        "customer_id": ("text", "Customer, who has ordered"),
        "rated_on": ("date", "Day of re-rating; of a trial the day itself"),
        "is_official": ("boolean", "Whether it is a re-rating; false: what one would decide with the day's data"),
        "is_change": ("boolean", "Whether it gave the customer the first tier or another one"),
        "is_latest": ("boolean", "Whether it is the customer's latest re-rating; false of a trial"),
        "class_id": ("text", "Tier from then on: vip, potential, base"),
        "previous_class_id": ("text", "Tier until then; unrated of a first rating"),
        "rule_id": (
            "text",
            "entry, upgrade, downgrade, warned, kept, kept_no_rise, kept_in_margin or kept_no_fall",
        ),
        "score": ("double precision", "Weighted mean of the parts that can be told, 0 to 100; NULL where none can"),
        "contribution_score": ("double precision", "100 x share of the year's buyers who spent as much or less"),
        "strategic_score": ("double precision", "100 where the plan's definition holds, else 0; NULL where unknown"),
        "growth_score": (
            "double precision",
            "100 x share of the later half in the spend of both halves, 50 where they are equal; NULL for who spent in "
            "neither, or first ordered in the later one",
        ),
        "annual_amount": ("numeric(18,2)", "Net spend of the 12 months before"),
        "previous_annual_amount": ("numeric(18,2)", "Net spend of the 12 months before those"),
        "change_rate": ("double precision", "Rise of the one against the other; NULL where there was nothing before"),
        "warnings": ("bigint", "Re-ratings in a row at which the customer was warned"),
    },
)

_MEASURED = [(SALES, column) for column in ("net_amount", "ordered_on", "recorded_on")]
_DECLARED = [(CUSTOMERS, column) for column in ("grade", "company_size", "industry")]
LINEAGE = {
    **{column: _MEASURED for column in TIER_DECISIONS.columns},
    **{column: [*_MEASURED, *_DECLARED] for column in ("score", "strategic_score", "class_id", "rule_id")},
    "customer_id": [(SALES, "customer_id"), (CUSTOMERS, "customer_id")],
}


@dataclass(frozen=True)
class Rating:
    """One day of rating: it counts what was ordered up to the last day, and entered in the source by then."""

    rated_on: date
    last_day: date
    is_official: bool

    @property
    def recorded_until(self) -> date:
        """A trial counts what is there, whenever it came."""
        return self.last_day if self.is_official else ENDLESS


@dataclass
class Standing:
    """Where each buyer stands between two ratings: the rank of the tier, 0 before the first, and warnings in a row."""

    ranks: np.ndarray
    warnings: np.ndarray

    @classmethod
    def of(cls, buyers: int) -> "Standing":
        """Nobody is rated yet."""
        return cls(np.zeros(buyers, dtype=np.int8), np.zeros(buyers, dtype=np.int64))


@dataclass
class _Kept:
    """The decisions worth a row, as they are found."""

    frames: list[pd.DataFrame] = field(default_factory=list)

    def table(self, ids: np.ndarray) -> pd.DataFrame:
        """Their rows, with the customers' ids for their places."""
        rows = pd.concat(self.frames, ignore_index=True)
        amounts = {name: _money(rows[name]) for name in ("annual_amount", "previous_annual_amount")}
        names = {name: CLASSES[rows[name]] for name in ("class_id", "previous_class_id")}
        names["rule_id"] = RULES[rows["rule_id"]]
        return rows.assign(customer_id=ids[rows["code"]], **names, **amounts)[list(TIER_DECISIONS.columns)]


def tier_decisions_asset(plan: Plan) -> dg.AssetsDefinition:
    """`dws.tier_decisions` as an asset."""
    return python_asset(
        TIER_DECISIONS,
        compute_tier_decisions,
        inputs=INPUTS,
        plan=plan,
        lineage=LINEAGE,
        uses_plan=True,
        kinds=("python", "duckdb"),
    )


def compute_tier_decisions(day: ProjectDay) -> pd.DataFrame:
    """`dws.tier_decisions` of a day."""
    with _session(day) as (session, kept):
        return tier_decisions(session, day.project.plan, day.as_of, kept)


def tier_decisions(session: Session, plan: Plan, as_of: date, kept: Mapping[date, str] | None = None) -> pd.DataFrame:
    """The rows of `dws.tier_decisions`, out of dws.sales, dwd.customers and dwd.customer_links.

    `kept` names, by their day, the tables that hold the customers as they stood on earlier days: a declared grade
    counts as it was on record on the eve of a re-rating, or on the first day that is kept.
    """
    tiers = plan.segments.tiers
    ids, first_ordered_on = _keep_sales(session)
    standing, decisions = Standing.of(len(ids)), _Kept()
    ratings = list(_ratings(tiers, first_ordered_on, as_of))
    lists: dict[str, pd.DataFrame | None] = {}
    latest = max((rating.rated_on for rating in ratings if rating.is_official), default=None)
    for rating in ratings:
        spend = session.frame(_spend(rating, tiers.growth_months))
        customers = _as_it_stood(kept or {as_of: CUSTOMERS}, rating.last_day)
        if customers not in lists:
            lists[customers] = _listed(session, tiers, customers)
        scored = parts(spend, lists[customers], tiers, plan.segments.abc.a_until)
        decided = decide(scored, standing, tiers)
        is_latest = rating.is_official and rating.rated_on == latest
        wanted = decided[decided["is_change"] | is_latest | (not rating.is_official)]
        decisions.frames.append(
            wanted.assign(rated_on=rating.rated_on, is_official=rating.is_official, is_latest=is_latest)
        )
        if rating.is_official:
            codes = decided["code"].to_numpy()
            standing.ranks[codes], standing.warnings[codes] = decided["class_id"], decided["warnings"]
    return decisions.table(ids)


def parts(spend: pd.DataFrame, listed: pd.DataFrame | None, tiers: Tiers, a_until: float) -> pd.DataFrame:
    """The buyers of a rating with the three parts of their score, and the score, all 0 to 100.

    `spend` has code, annual, previous, recent, earlier (hundredths of the currency) and is_new; `listed` has code,
    is_listed and is_known, of those the customers' table knows, or is None where the plan declares no list.
    """
    places = _Places.of(spend["annual"].to_numpy())
    scored = {
        "contribution": 100 * places.shares,
        "strategic": _strategic(spend["code"].to_numpy(), places.in_class_a(a_until), listed, tiers),
        "growth": _growth(spend),
    }
    weights = {name: getattr(tiers.weights, name) for name in PARTS}
    score = _weighted_mean([scored[name] for name in PARTS], [weights[name] for name in PARTS])
    return spend.assign(**{f"{name}_score": values for name, values in scored.items()}, score=np.round(score, 2))


def decide(scored: pd.DataFrame, standing: Standing, tiers: Tiers) -> pd.DataFrame:
    """What a rating decides of each buyer, given where they stand."""
    codes, score = scored["code"].to_numpy(), scored["score"].to_numpy()
    rank, warnings = standing.ranks[codes].astype(int), standing.warnings[codes]
    cut_offs = np.array([0, 0, tiers.cut_offs.potential, tiers.cut_offs.vip])
    by_score = 1 + (score >= cut_offs[2]).astype(int) + (score >= cut_offs[3])
    change, risen, fallen = _change(scored, tiers)
    in_margin = ~(score < cut_offs[rank] - tiers.margin)
    rules = {
        ENTRY: rank == 0,
        KEPT: by_score == rank,
        UPGRADE: (by_score > rank) & risen,
        NO_RISE: by_score > rank,
        IN_MARGIN: in_margin,
        NO_FALL: ~fallen,
        WARNED: warnings < tiers.warnings,
    }
    rule = np.select(list(rules.values()), list(rules), default=DOWNGRADE)
    is_change = rule <= DOWNGRADE
    return pd.DataFrame(
        {
            "code": codes,
            "class_id": np.where(is_change, by_score, rank),
            "previous_class_id": rank,
            "rule_id": rule,
            "is_change": is_change,
            "warnings": np.where(rule == WARNED, warnings + 1, 0),
            "change_rate": change,
            "annual_amount": scored["annual"],
            "previous_annual_amount": scored["previous"],
            **{name: scored[name] for name in ("score", *[f"{part}_score" for part in PARTS])},
        }
    )


def _change(scored: pd.DataFrame, tiers: Tiers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The yearly change of spend, and whether it is a rise or a fall enough to move.

    Against nothing there is no rate: then the score alone decides a rise, and only who spends nothing now has fallen.
    """
    annual, previous = scored["annual"].to_numpy(), scored["previous"].to_numpy()
    comparable = previous > 0
    change = np.full(len(annual), np.nan)
    np.divide(annual - previous, previous, out=change, where=comparable)
    change = np.round(change, 9)
    risen = np.where(comparable, change >= tiers.upgrade, annual > 0)
    fallen = np.where(comparable, change <= tiers.fall, annual <= 0)
    return change, risen, fallen


@dataclass(frozen=True)
class _Places:
    """For each amount how many of the amounts above 0 are as large or smaller, and what all up to them come to."""

    amounts: np.ndarray
    up_to: np.ndarray
    reached: np.ndarray

    @classmethod
    def of(cls, amounts: np.ndarray) -> "_Places":
        """Places among amounts; who is not above 0 has none."""
        order = np.argsort(amounts, kind="stable")
        ordered = amounts[order]
        last_of_ties = np.searchsorted(ordered, ordered, side="right")
        below = np.searchsorted(ordered, 0, side="right")
        up_to = np.empty(len(amounts), dtype=np.int64)
        up_to[order] = np.maximum(last_of_ties - below, 0)
        return cls(amounts, up_to, np.concatenate([[0], np.cumsum(ordered[below:])]))

    @property
    def shares(self) -> np.ndarray:
        """The share of the amounts above 0 that are as large or smaller; 0 for what is not above 0."""
        return self.up_to / max(len(self.reached) - 1, 1)

    def in_class_a(self, until: float) -> np.ndarray:
        """Whether those who spent more made less than this share of all (I34)."""
        more = self.reached[-1] - self.reached[self.up_to]
        return (self.amounts > 0) & (more < until * self.reached[-1])


def _strategic(codes: np.ndarray, in_class_a: np.ndarray, listed: pd.DataFrame | None, tiers: Tiers) -> np.ndarray:
    """100 where any part of the definition holds; unknown where none does and what would tell is not on record."""
    holds = in_class_a & tiers.strategic.class_a
    known = np.full(len(codes), tiers.strategic.class_a and listed is None)
    if listed is not None:
        holds = holds | _flag(listed, "is_listed", codes)
        known = _flag(listed, "is_known", codes)
    return np.where(holds, 100.0, np.where(known, 0.0, np.nan))


def _flag(listed: pd.DataFrame, name: str, codes: np.ndarray) -> np.ndarray:
    """What the list says of each code; of those it does not know, no."""
    places = listed["code"].to_numpy()
    said = np.zeros(1 + max(codes.max(initial=0), places.max(initial=0)), dtype=bool)
    said[places] = listed[name].to_numpy(dtype=bool)
    return said[codes]


def _growth(spend: pd.DataFrame) -> np.ndarray:
    """The later half's share of both; a refund takes a half to 0 at most."""
    recent, earlier = (np.maximum(spend[name].to_numpy(), 0) for name in ("recent", "earlier"))
    share = np.full(len(spend), np.nan)
    told = (recent + earlier > 0) & ~spend["is_new"].to_numpy(dtype=bool)
    np.divide(100 * recent, recent + earlier, out=share, where=told)
    return share


def _weighted_mean(values: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """Of what can be told; nothing where nothing can."""
    total, weight = np.zeros(len(values[0])), np.zeros(len(values[0]))
    for part, of_part in zip(values, weights, strict=True):
        told = ~np.isnan(part)
        total += np.where(told, of_part * np.nan_to_num(part), 0.0)
        weight += np.where(told, of_part, 0.0)
    return np.divide(total, weight, out=np.full(len(total), np.nan), where=weight > 0)


def _ratings(tiers: Tiers, first_ordered_on: date | None, as_of: date) -> Iterator[Rating]:
    """The re-ratings since somebody ordered, or since the plan says, and the trial of the day."""
    if first_ordered_on is not None:
        since = max(tiers.rated_since or first_ordered_on, first_ordered_on)
        for day in rating_days(since, as_of, tiers.months):
            yield Rating(day, day - timedelta(days=1), is_official=True)
    yield Rating(as_of, as_of, is_official=False)


def _keep_sales(session: Session) -> tuple[np.ndarray, date | None]:
    """Hold the sales of those who ever bought, by their place among them; returns their ids and the first day."""
    session.keep(
        BUYERS,
        snippet(
            "select s.customer_id, cast(row_number() over (order by s.customer_id) - 1 as bigint) as code,"
            " min(s.ordered_on) as first_ordered_on"
            " from dws.sales as s inner join dwd.customers as c on c.customer_id = s.customer_id"
            " where not s.is_refund group by s.customer_id"
        ),
    )
    session.keep(
        SPENT,
        snippet(
            "select b.code, s.ordered_on, s.recorded_on, s.is_refund, cast(s.net_amount * 100 as bigint) as cents"
            " from dws.sales as s inner join main.tier_buyers as b on b.customer_id = s.customer_id"
        ),
    )
    buyers = session.frame(
        snippet("select b.customer_id, b.first_ordered_on from main.tier_buyers as b order by b.code")
    )
    first = buyers["first_ordered_on"].min()
    return buyers["customer_id"].to_numpy(dtype=object), None if buyers.empty else first.date()


def _spend(rating: Rating, growth_months: int) -> exp.Expr:
    """What each buyer on record spent in the windows of a rating."""
    return snippet(
        "select s.code,"
        " min(s.ordered_on) filter (where not s.is_refund) > $half_ago as is_new,"
        " cast(coalesce(sum(s.cents) filter (where s.ordered_on > $year_ago), 0) as bigint) as annual,"
        " cast(coalesce(sum(s.cents) filter (where s.ordered_on > $two_years_ago and s.ordered_on <= $year_ago), 0)"
        " as bigint) as previous,"
        " cast(coalesce(sum(s.cents) filter (where s.ordered_on > $half_ago), 0) as bigint) as recent,"
        " cast(coalesce(sum(s.cents) filter (where s.ordered_on > $halves_ago and s.ordered_on <= $half_ago), 0)"
        " as bigint) as earlier"
        " from main.tier_sales as s"
        " where s.ordered_on <= $last_day and s.recorded_on <= $recorded_until"
        " group by s.code having count(*) filter (where not s.is_refund) > 0 order by s.code",
        last_day=rating.last_day,
        recorded_until=rating.recorded_until,
        year_ago=months_before(rating.last_day, 12),
        two_years_ago=months_before(rating.last_day, 24),
        half_ago=months_before(rating.last_day, growth_months),
        halves_ago=months_before(rating.last_day, 2 * growth_months),
    )


def _listed(session: Session, tiers: Tiers, customers: str) -> pd.DataFrame | None:
    """Whose grade, size or industry the plan declares strategic, and of whom any of them is known."""
    lists = tiers.strategic.lists
    if not lists:
        return None
    holds = exp.or_(*[exp.column(column, "c").isin(*values) for column, values in lists.items()])
    told = [exp.column(column, "c").is_(exp.null()).not_() for column in lists]
    return session.frame(
        snippet(
            "select b.code, bool_or(coalesce($holds, false)) as is_listed, bool_or($told) as is_known"
            " from $customers as c inner join dwd.customer_links as k on k.source_customer_id = c.customer_id"
            " inner join main.tier_buyers as b on b.customer_id = k.customer_id group by b.code order by b.code",
            holds=exp.paren(holds),
            told=exp.paren(exp.or_(*told)),
            customers=exp.to_table(customers),
        )
    )


def _as_it_stood(kept: Mapping[date, str], last_day: date) -> str:
    """The customers of the last day kept on or before a day; of the first one where none is."""
    before = [day for day in kept if day <= last_day]
    return kept[max(before) if before else min(kept)]


@contextmanager
def _session(day: ProjectDay) -> Iterator[tuple[Session, dict[date, str]]]:
    """A session with the inputs, and the customers of earlier days where a declared list makes them matter."""
    plan = day.project.plan
    days = _kept_days(day.lake, day.as_of) if plan.segments.tiers.strategic.lists else []
    kept = {kept_on: f"kept.customers_{kept_on:%Y%m%d}" for kept_on in days}
    tables = {name: day.relation(name) for name in INPUTS}
    tables |= {name: day.lake.snapshot(CUSTOMERS, kept_on) for kept_on, name in kept.items()}
    with day.engine.session(zone=plan.timezone, tables=tables, values={}) as session:
        yield session, kept


def _kept_days(lake: Lake, as_of: date) -> list[date]:
    return [kept_on for kept_on in lake.days(CUSTOMERS) if kept_on <= as_of]


def _money(cents: pd.Series) -> pd.Series:
    """Hundredths as money."""
    amounts = pc.multiply(pc.cast(pa.array(cents), pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    return pd.Series(pd.array(amounts.cast(pa.decimal128(18, 2)), dtype=pd.ArrowDtype(pa.decimal128(18, 2))))
