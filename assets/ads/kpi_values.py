"""Every KPI by period and by member of every dimension, with what it is made of and how far it can be trusted."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from assets.ads.benchmarks import with_benchmarks
from assets.ads.catalogue import OR, PARTS, Catalogue, Variant
from assets.ads.intervals import INTERVALS
from assets.ads.kpi_query import BRIEF, KEYS, TOTAL, UNKNOWN, part_column
from assets.ads.left_out import LEFT_OUT, left_out
from pipeline.plan import Definitions, Label
from pipeline.tables import TableSpec
from quality.reasons import in_chinese
from quality.scorecard import STATES, SourceState

SELDOM = ("activity",)
"""Dimensions whose members have a row only of what was observed in any period: most are held in one or two of them."""
FIGURES = ("n", *PARTS)
"""What a variant is made of, and how many observations that is."""

KPI_VALUES = TableSpec(
    name="ads.kpi_values",
    description="One row per KPI, variant, period and member of a dimension; by day and week, and of activities, "
    "where any was observed.",
    grain=("kpi", "variant", "period_kind", "period", "dimension", "member"),
    columns={
        "kpi": ("text", "KPI, as in the catalogue"),
        "variant": ("text", "Which of the KPI's definitions"),
        "is_official": ("boolean", "Whether this variant is the one that counts; targets and scores are about it"),
        "period_kind": ("text", "day, week, month, quarter, campaign or baseline"),
        "period": ("text", "2026-11-20, 2026-W47, 2026-11, 2026-Q4, campaign or baseline"),
        "period_start": ("date", "First day of the period"),
        "period_end": ("date", "First day after the period; of a running one, the day after the day evaluated"),
        "dimension": ("text", "total, channel, team, staff, region, sales_region, product or activity"),
        "member": ("text", "Member of the dimension; (all) of total, (unknown) where the source names none"),
        "value": (
            "double precision",
            "Numerator / denominator, or the numerator alone; rates 0 to 1; NULL with a reason",
        ),
        "numerator": ("double precision", "What is divided, or counted"),
        "denominator": ("double precision", "What it is divided by; NULL for quantities"),
        "n": ("bigint", "Observations: rows behind the denominator, behind the numerator of a quantity"),
        "lower": ("double precision", "Lower end of the 95 % interval, where the KPI has one"),
        "upper": ("double precision", "Upper end of the 95 % interval, where the KPI has one"),
        "target": (
            "double precision",
            "Target of the period: a member's own where the plan names one, else of rates and means that of the whole",
        ),
        "floor": ("double precision", "The value that scores 0; NULL without a target"),
        "milestone_target": (
            "double precision",
            "What the milestones ask for so far: of months that are over, and the even part of the running one",
        ),
        "attainment_rate": ("double precision", "Value / target, not capped; below 1 is good where lower is better"),
        "score": ("double precision", "0 at the floor, 100 at the target, capped by the plan, whichever way is better"),
        "benchmark": (
            "double precision",
            "What others reach: of the whole, by month, quarter, campaign or baseline, where a source says so",
        ),
        "benchmark_period": ("text", "Time that holds for, as its source writes it"),
        "benchmark_source": ("text", "Who says so"),
        "state": (
            "text",
            "final, provisional or withheld, as the worst source it is made of; withheld where nothing tells of a part",
        ),
        "reason": ("text", "Why it is not final, has no value or no score; NULL when there is nothing to say"),
        "reason_zh": ("text", "The same in Chinese"),
        "adds_up": (
            "text",
            "yes: the members of a dimension add up to the total; quotient: a ratio does not; distinct: who is under "
            "two members counts under both, and once in the total",
        ),
        "is_comparable": (
            "boolean",
            "Whether it may be held against a target for the whole: false where more cost or budget than the plan "
            "bears names no member",
        ),
        "left_out_amount": (
            "double precision",
            "Cost or budget that is for all members and not in the figure, since it names none",
        ),
        "left_out_zh": ("text", "The same in words, in Chinese; NULL where nothing is left out"),
        "left_out_en": ("text", "The same in English"),
        "unit": ("text", "count, currency, rate, ratio, score, hours or days"),
        "better": ("text", "higher or lower"),
        "label_zh": ("text", "Name in Chinese"),
        "label_en": ("text", "Name in English"),
    },
)


def one_to(ratio: float) -> str:
    """An input to output ratio as it is printed (S1 表2).

    >>> one_to(215 / 28)
    '1:7.7'
    """
    return f"1:{ratio:.1f}"


def kpi_values(
    parts: pd.DataFrame,
    targets: pd.DataFrame,
    benchmarks: pd.DataFrame,
    catalogue: Catalogue,
    *,
    states: Mapping[str, SourceState],
    unmapped: frozenset[str],
    definitions: Definitions,
    score_cap: float,
    currency: str,
) -> pd.DataFrame:
    """The table `ads.kpi_values`.

    Args:
        parts: The rows of `measured`.
        targets: The rows of `plan.targets`.
        benchmarks: The rows of `dws.benchmarks`, none if they can't be trusted.
        catalogue: What the parts belong to.
        states: How far each contract can be trusted.
        unmapped: Columns `table.column` that the company's sources do not have.
        definitions: The plan's choices: official variants, and what valid leads and high value look at.
        score_cap: The highest score an over-achievement gets.
        currency: The plan's.
    """
    told = _told(catalogue, states, unmapped, definitions)
    return (
        _long(parts, targets, catalogue)
        .merge(told, on=["kpi", "variant"], how="left", validate="many_to_one")
        .pipe(_with_values)
        .pipe(_with_left_out, left_out(parts, catalogue, currency), definitions.shared_cost_limit)
        .pipe(_with_intervals)
        .pipe(_with_targets, targets)
        .pipe(with_scores, score_cap)
        .pipe(with_benchmarks, benchmarks)
        .pipe(_with_reasons, catalogue)
        .sort_values(list(KPI_VALUES.grain), kind="stable", ignore_index=True)[list(KPI_VALUES.columns)]
    )


def _long(parts: pd.DataFrame, targets: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """One row per variant and key, for the dimensions the variant can be had for.

    Rows are picked by number: a frame of its own for each variant takes longer than all that is done with them.
    """
    picked = list(_picked(parts, targets, catalogue))
    rows = np.concatenate([numbers for *_, numbers in picked])
    names = pd.DataFrame([names for *names, _ in picked], columns=["kpi", "variant"])
    names = names.take(np.repeat(np.arange(len(picked)), [len(numbers) for *_, numbers in picked]))
    keys = parts[list(KEYS)].take(rows)
    figures = {
        part: np.concatenate([_figures(parts, part_column(*names, part))[numbers] for *names, numbers in picked])
        for part in FIGURES
    }
    return names.reset_index(drop=True).join(keys.reset_index(drop=True)).assign(**figures)


def _variants(catalogue: Catalogue) -> Iterator[tuple[str, str, Variant]]:
    for kpi_name, kpi in catalogue.kpis.items():
        for name, variant in kpi.variants.items():
            yield kpi_name, name, variant


def _picked(parts: pd.DataFrame, targets: pd.DataFrame, catalogue: Catalogue) -> Iterator[tuple[str, str, np.ndarray]]:
    """KPI, variant, and the numbers of the rows it is told for."""
    is_of = {name: (parts["dimension"] == name).to_numpy(bool) for name in (TOTAL, *parts["dimension"].unique())}
    is_rare = parts["period_kind"].isin(BRIEF) | parts["dimension"].isin(SELDOM)
    is_told = is_of[TOTAL] | ~is_rare.to_numpy(bool)
    is_aimed = _aimed_at(parts, targets)
    for kpi, name, variant in _variants(catalogue):
        had = [is_of[wanted] for wanted in (TOTAL, *catalogue.dimensions(kpi, variant)) if wanted in is_of]
        is_observed = _figures(parts, part_column(kpi, name, "n")) > 0
        is_wanted = is_told | is_observed | is_aimed.get(kpi, False)
        yield kpi, name, np.flatnonzero(np.logical_or.reduce(had) & is_wanted)


def _aimed_at(parts: pd.DataFrame, targets: pd.DataFrame) -> dict[str, np.ndarray]:
    """KPI -> where a member has a target of its own, if any has, in periods long enough to be told without a row."""
    keys = ["period_kind", "period", "dimension", "member"]
    own = targets.loc[(targets["dimension"] != TOTAL) & ~targets["period_kind"].isin(BRIEF)]
    places = pd.MultiIndex.from_frame(parts[keys])
    return {kpi: places.isin(pd.MultiIndex.from_frame(rows[keys])) for kpi, rows in own.groupby("kpi")}


def _figures(parts: pd.DataFrame, column: str) -> np.ndarray:
    """A part of a variant on every row; nothing, where the variant does not have it."""
    return parts[column].to_numpy(float) if column in parts else np.full(len(parts), np.nan)


def _told(
    catalogue: Catalogue,
    states: Mapping[str, SourceState],
    unmapped: frozenset[str],
    definitions: Definitions,
) -> pd.DataFrame:
    """What is the same on every row of a variant: one row each."""
    rows = []
    for name, variant_name, variant in _variants(catalogue):
        kpi, label = catalogue.kpis[name], variant.label or catalogue.kpis[name].label
        source = variant_state(catalogue, variant, states, unmapped, definitions)
        rows.append(
            {
                "kpi": name,
                "variant": variant_name,
                "is_official": catalogue.official(name, definitions) == variant_name,
                "is_quantity": variant.denominator is None,
                "interval": kpi.interval,
                "is_booked_by_month": catalogue.is_booked_by_month(variant),
                "adds_up": catalogue.adds_up(name, variant),
                "state": source.state,
                "state_reason": source.reason,
                "unit": kpi.unit,
                "better": kpi.better,
                "label_zh": label.zh,
                "label_en": label.en,
            }
        )
    return pd.DataFrame(rows)


def variant_state(
    catalogue: Catalogue,
    variant: Variant,
    states: Mapping[str, SourceState],
    unmapped: frozenset[str],
    definitions: Definitions,
) -> SourceState:
    """The worst state among the sources of a variant; withheld where a column or definition it needs is missing."""
    sources = {name: states[name] for name in catalogue.contracts(variant)}
    missing = [
        need for need in catalogue.needs(variant, definitions) if all(column in unmapped for column in need.split(OR))
    ]
    reasons = [
        f"{name}: {source.reason or source.state}" for name, source in sources.items() if source.state != STATES[0]
    ] + [f"{need} is not mapped" for need in missing]
    undeclared = catalogue.undeclared(variant, definitions)
    reasons += [f"the plan says nothing under definitions.{name}" for name in undeclared]
    worst = max((source.state for source in sources.values()), key=STATES.index)
    return SourceState("withheld" if missing or undeclared else worst, "; ".join(reasons) or None)


def _with_values(rows: pd.DataFrame) -> pd.DataFrame:
    """value = numerator / denominator; none where there is nothing to divide by, or the state forbids it."""
    parts = list(FIGURES)
    seen = rows.assign(**rows[parts].where(rows["state"] != "withheld"))
    quotient = seen["numerator"] / seen["denominator"].where(seen["denominator"] != 0)
    return seen.assign(value=seen["numerator"].where(seen["is_quantity"], quotient), n=seen["n"].astype("Int64"))


def _with_left_out(rows: pd.DataFrame, unnamed: pd.DataFrame, limit: float) -> pd.DataFrame:
    """What is not in a member's figure; too much of it, and no target for the whole is one for the member."""
    keys = ["kpi", "variant", "period_kind", "period", "dimension"]
    joined = rows.merge(unnamed, on=keys, how="left", validate="many_to_one")
    is_member = (joined["dimension"] != TOTAL) & (joined["state"] != "withheld")
    told = joined[list(LEFT_OUT)].where(is_member & (joined["member"] != UNKNOWN))
    return joined.assign(**told, is_comparable=~(is_member & (joined["left_out_rate"] > limit)))


def _with_intervals(rows: pd.DataFrame) -> pd.DataFrame:
    """95 % intervals by the KPI's kind; durations do not reach below zero."""
    bounds = pd.DataFrame({"lower": np.nan, "upper": np.nan}, index=rows.index)
    for kind, interval in INTERVALS.items():
        mine = rows.index[(rows["interval"] == kind) & rows["value"].notna()]
        taken = rows.loc[mine]
        figures = (taken[part].to_numpy(float, na_value=np.nan) for part in (*PARTS, "n"))
        bounds.loc[mine, "lower"], bounds.loc[mine, "upper"] = interval(*figures)
    is_duration = rows["unit"].isin(["hours", "days"])
    return rows.assign(lower=bounds["lower"].mask(is_duration & (bounds["lower"] < 0), 0.0), upper=bounds["upper"])


def _with_targets(rows: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Targets of the official variant: a member's own, else of a rate or mean that for the whole.

    The whole's is not one for a member whose figure leaves too much out; its own was set for what its figure is. A
    day or week is not judged by what is booked by the month.
    """
    keys, columns = ["kpi", "period_kind", "period"], ["target", "floor", "milestone_target"]
    of_all = targets.loc[targets["dimension"] == TOTAL].drop(columns=["dimension", "member"])
    own = rows.merge(targets, on=[*keys, "dimension", "member"], how="left", validate="many_to_one")[columns]
    whole = rows.merge(of_all, on=keys, how="left", validate="many_to_one")[columns]
    is_own = own["target"].notna()
    is_alike = rows["is_official"] & ~is_own & ~rows["is_quantity"]
    told = own.astype(float).where(is_own, whole.astype(float).where(is_alike & rows["is_comparable"]))
    told = told.where(rows["is_official"])
    is_brief = rows["is_booked_by_month"] & rows["period_kind"].isin(BRIEF)
    return rows.assign(
        **told.where(~is_brief),
        not_held=is_alike & whole["target"].notna() & ~rows["is_comparable"],
        too_brief=is_brief & told["target"].notna(),
    )


def with_scores(rows: pd.DataFrame, score_cap: float) -> pd.DataFrame:
    """Attainment and score by value, target, floor and better: 0 at the floor and 100 at the target.

    The same line serves both directions, it only slopes the other way.
    """
    higher = rows["better"] == "higher"
    floor = rows["floor"].mask(higher & rows["floor"].isna() & rows["target"].notna(), 0.0)
    span = rows["target"] - floor
    fits = (span > 0).where(higher, span < 0)
    return rows.assign(
        floor=floor,
        attainment_rate=rows["value"] / rows["target"].where(rows["target"] != 0),
        score=(100 * (rows["value"] - floor) / span.where(fits)).clip(0, score_cap),
        can_score=fits | rows["target"].isna(),
    )


def _with_reasons(rows: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Everything that keeps a row from being final, having a value, or having a score.

    What a part of is unknown is withheld; what is divided by nothing is known to have no value.
    """
    told = rows["state"] != "withheld"
    no_numerator = told & rows["numerator"].isna()
    no_denominator = told & ~rows["is_quantity"] & rows["denominator"].isna()
    nobody = Label(zh="未注明成员的数额归全体共有", en="what names no member is for all of them")
    left_out_zh, left_out_en = (
        rows[f"left_out_{lang}"].fillna(getattr(nobody, lang)).astype(object) for lang in ("zh", "en")
    )
    notes = [
        (_alike("numerator is unknown: it has no rows"), no_numerator & ~no_denominator),
        (_alike("denominator is unknown: it has no rows"), no_denominator),
        (_alike("denominator is 0"), told & (rows["denominator"] == 0)),
        (_alike("not scored: the target has no floor on its worse side"), told & ~rows["can_score"]),
        (
            {
                "en": "not held against the target for the whole: " + left_out_en,
                "zh": "不与整体目标相比：" + left_out_zh,
            },
            rows["not_held"],
        ),
        (_alike("not held against a target: too short for what is booked by the month"), rows["too_brief"]),
    ]
    begun = {reason: in_chinese(reason, catalogue.chinese_names) for reason in rows["state_reason"].dropna().unique()}
    reason = rows["state_reason"].fillna("").astype(object)
    reason_zh = rows["state_reason"].map(begun).astype(object).fillna("")
    for note, applies in notes:
        reason = reason.mask(applies, reason + np.where(reason == "", "", "; ") + note["en"])
        reason_zh = reason_zh.mask(applies, reason_zh + np.where(reason_zh == "", "", "；") + note["zh"])
    state = rows["state"].mask(no_numerator | no_denominator, "withheld")
    return rows.assign(
        reason=reason.mask(reason == "", None), reason_zh=reason_zh.mask(reason_zh == "", None), state=state
    )


def _alike(note: str) -> dict[str, str]:
    """A reason that is the same on every row, in both languages."""
    return {"en": note, "zh": in_chinese(note) or note}
