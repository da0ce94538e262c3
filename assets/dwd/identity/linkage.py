"""How likely two records are one customer, by the model of Fellegi and Sunter as Splink computes it.

Each comparison says how alike two records are in one respect. Every degree of likeness has a weight: how often it is
found between records of one customer (m), over how often between any two records (u). What can be learnt from the
records is learnt, the rest is as declared here.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlglot import exp

from assets.dwd.identity.clusters import LINK_COLUMNS
from assets.dwd.identity.features import FEATURES, block_column
from pipeline.engine import Session, snippet
from pipeline.plan import Identity

if TYPE_CHECKING:
    from splink import Linker

SEED = 20_261_120
U_PAIRS = 250_000
M_PAIRS = 200_000
LEAST_RECORDS = 500
LEAST_PAIRS = 200
"""Below these the records are too few to learn from."""
USUAL_DUPLICATES = 0.01
"""Share of records that repeat another, where there is nothing to count."""
USUAL_RECALL = 0.8
"""Share of repeated records that agree in the name and in something that is their own."""


@dataclass(frozen=True)
class Degree:
    """A degree of likeness: the condition on columns _l and _r, and how often it holds (m, u)."""

    condition: str
    m: float
    u: float


@dataclass(frozen=True)
class Comparison:
    """How one column is compared; the last degree is what is left. Equal values weigh more the rarer they are."""

    column: str
    degrees: tuple[Degree, ...]
    is_rarity_weighed: bool = True


COMPARISONS = (
    Comparison(
        "name",
        (
            Degree("name_l = name_r", 0.75, 1e-3),
            Degree(
                "case when regexp_matches(name_l, '[a-z]') then least(length(name_l), length(name_r)) >= 5 and"
                " (damerau_levenshtein(name_l, name_r) <= 2 or jaro_winkler_similarity(name_l, name_r) >= 0.92)"
                " else least(length(name_l), length(name_r)) >= 5 and"
                " len(list_intersect(string_split(name_l, ''), string_split(name_r, '')))"
                " >= greatest(length(name_l), length(name_r)) - 1 end",
                0.15,
                1e-3,
            ),
            # distances count bytes, of which a Chinese character has three: those names are compared by characters
            Degree(
                "case when regexp_matches(name_l, '[a-z]')"
                " then len(list_intersect(string_split(name_l, ' '), string_split(name_r, ' '))) > 0"
                " else len(list_intersect(string_split(name_l, ''), string_split(name_r, '')))"
                " >= greatest(length(name_l), length(name_r)) - 1 end",
                0.06,
                2e-2,
            ),
            Degree("else", 0.04, 0.98),
        ),
    ),
    Comparison(
        "phone",
        (
            Degree("phone_l = phone_r", 0.75, 1e-5),
            Degree("damerau_levenshtein(phone_l, phone_r) = 1", 0.05, 1e-5),
            Degree("else", 0.20, 1.0),
        ),
    ),
    Comparison(
        "email",
        (
            Degree("email_l = email_r", 0.80, 1e-5),
            Degree("damerau_levenshtein(email_l, email_r) = 1", 0.05, 1e-4),
            Degree("else", 0.15, 1.0),
        ),
    ),
    Comparison(
        "credit_code",
        (
            Degree("credit_code_l = credit_code_r", 0.94, 1e-5),
            Degree("damerau_levenshtein(credit_code_l, credit_code_r) = 1", 0.04, 1e-5),
            Degree("else", 0.02, 1.0),
        ),
    ),
    Comparison(
        "address",
        (
            Degree("address_l = address_r", 0.70, 1e-4),
            Degree(
                "numbers_l is not distinct from numbers_r and jaro_winkler_similarity(address_l, address_r) >= 0.85",
                0.12,
                1e-4,
            ),
            Degree(
                "len(list_intersect(string_split(address_l, ' '), string_split(address_r, ' '))) * 2"
                " >= greatest(len(string_split(address_l, ' ')), len(string_split(address_r, ' ')))",
                0.08,
                5e-3,
            ),
            Degree("else", 0.10, 0.99),
        ),
    ),
    Comparison(
        "region",
        (
            Degree("region_l = region_r", 0.85, 0.05),
            Degree("jaro_winkler_similarity(region_l, region_r) >= 0.9", 0.07, 0.01),
            Degree("else", 0.08, 0.94),
        ),
    ),
    Comparison(
        "birth_year",
        (
            Degree("birth_year_l = birth_year_r", 0.93, 0.02),
            Degree("damerau_levenshtein(birth_year_l, birth_year_r) = 1", 0.05, 0.2),
            Degree("else", 0.02, 0.78),
        ),
        is_rarity_weighed=False,
    ),
    Comparison(
        "gender",
        (Degree("gender_l = gender_r", 0.97, 0.5), Degree("else", 0.03, 0.5)),
        is_rarity_weighed=False,
    ),
)

CONTRADICTIONS = (
    # a legal entity has one code: a branch shares its head office's contacts, but not that
    "l.kind = 'company' and r.kind = 'company' and damerau_levenshtein(l.credit_code, r.credit_code) > 1",
    # parent and child share a home, a telephone, sometimes a name
    "abs(cast(l.birth_year as integer) - cast(r.birth_year as integer)) >= 15"
    " and coalesce(l.credit_code <> r.credit_code, true)",
    # a household: people under one roof, with one telephone, have names and years of birth of their own
    "l.name <> r.name and l.birth_year <> r.birth_year"
    " and not coalesce(damerau_levenshtein(l.credit_code, r.credit_code) <= 2, false)",
    "case when regexp_matches(l.name, '[a-z]') then jaro_winkler_similarity(l.name, r.name) < 0.7"
    " and len(list_intersect(string_split(l.name, ' '), string_split(r.name, ' '))) = 0"
    " else len(list_intersect(string_split(l.name, ''), string_split(r.name, ''))) * 2"
    " < greatest(length(l.name), length(r.name)) end and coalesce(l.credit_code <> r.credit_code, true)",
    # namesakes and neighbours: without a contact or a number of their own, all that is left must agree
    "not (coalesce(damerau_levenshtein(l.phone, r.phone) <= 1, false)"
    " or coalesce(damerau_levenshtein(l.email, r.email) <= 1, false)"
    " or coalesce(damerau_levenshtein(l.credit_code, r.credit_code) <= 2, false)"
    " or ((l.name = r.name or (regexp_matches(l.name, '^[a-z0-9 ]{5,}$') and damerau_levenshtein(l.name, r.name) <= 2))"
    " and coalesce(l.birth_year = r.birth_year, true) and jaro_winkler_similarity(l.address, r.address) >= 0.85"
    " and list_sort(string_split(l.numbers, '')) is not distinct from list_sort(string_split(r.numbers, ''))))",
)
"""What two records of one customer can't differ in, however alike they are."""

STRONG_PAIRS = (("name", "phone"), ("name", "email"), ("name", "credit_code"), ("name", "address"))
"""What two records of one customer agree in, and two of different customers hardly ever."""
TRAINING_BLOCKS = ("phone", "email", "credit_code", "address", "name")


@dataclass(frozen=True)
class Model:
    """The weights two records are compared by."""

    comparisons: tuple[Comparison, ...]
    prior: float
    """Probability that any two records are one customer."""
    learnt: tuple[str, ...] = ()
    """Columns whose weights were learnt from the records."""

    @property
    def told(self) -> str:
        """Where the weights come from."""
        declared = [comparison.column for comparison in self.comparisons if comparison.column not in self.learnt]
        return f"learnt: {', '.join(self.learnt) or 'none'}; as declared: {', '.join(declared) or 'none'}"


def likely_links(session: Session, rules: Identity) -> tuple[pd.DataFrame, Model]:
    """The pairs of the features that are at least as likely as the plan asks, and the model that says so.

    One row per pair: customer_id, other_customer_id, rule_id, probability.
    """
    # what it has to say is about models a person tries out, and its errors come as exceptions all the same
    logging.getLogger("splink").setLevel(logging.ERROR)
    with session.in_one_thread():
        model = learnt(session)
    if not model.comparisons or not rules.blocks:
        return pd.DataFrame(columns=list(LINK_COLUMNS)), model
    linker = _linker(session, model, [_block_on(block_column(place)) for place, _ in enumerate(rules.blocks)])
    scored = linker.inference.predict(threshold_match_probability=rules.threshold, warning_mode="never")
    pairs = snippet(
        "select customer_id_l as customer_id, customer_id_r as other_customer_id, 'splink' as rule_id,"
        " round(match_probability, 9) as probability from $scored as scored"
        " inner join $features as l on l.customer_id = scored.customer_id_l"
        " inner join $features as r on r.customer_id = scored.customer_id_r",
        scored=exp.to_table(scored.physical_name),
        features=exp.to_table(FEATURES),
    )
    for contradiction in CONTRADICTIONS:
        pairs = pairs.where(snippet("not coalesce($x, false)", x=snippet(contradiction)))
    return session.frame(pairs), model


# --- what is learnt ------------------------------------------------------------------------------------------------


def learnt(session: Session) -> Model:
    """The model, learnt as far as the records allow."""
    [(records, *filled)] = session.rows(
        exp.select(snippet("count(*)"), *[snippet("count($x)", x=exp.column(c.column)) for c in COMPARISONS]).from_(
            FEATURES
        )
    )
    # among few records whatever is shared looks common: there the declared share counts and not the rarity
    used = tuple(
        replace(comparison, is_rarity_weighed=comparison.is_rarity_weighed and count >= LEAST_RECORDS)
        for comparison, count in zip(COMPARISONS, filled, strict=True)
        if count
    )
    model = Model(used, prior=min(2 * USUAL_DUPLICATES / max(records, 1), 0.1))
    strong = [pair for pair in STRONG_PAIRS if {*pair} <= {comparison.column for comparison in used}]
    if records < LEAST_RECORDS or sum(_pairs_within(session, pair) for pair in strong) < LEAST_PAIRS:
        return model
    linker = _linker(session, model, [])
    linker.training.estimate_probability_two_random_records_match(
        [_block_on(*pair) for pair in strong], recall=USUAL_RECALL
    )
    linker.training.estimate_u_using_random_sampling(
        max_pairs=U_PAIRS, seed=SEED, min_count_per_level=None, num_chunks=1
    )
    for name in filter({comparison.column for comparison in used}.__contains__, TRAINING_BLOCKS):
        if _pairs_within(session, [name]) < LEAST_PAIRS:
            continue
        linker.training.estimate_parameters_using_expectation_maximisation(
            _block_on(name), estimate_without_term_frequencies=True, max_pairs=M_PAIRS, record_sample_proportion=1.0
        )
    return _sound(model, linker.misc.save_model_to_json())


def _pairs_within(session: Session, columns: Sequence[str]) -> int:
    """Pairs of records that agree in all these columns."""
    keys = [exp.column(name) for name in columns]
    sizes = exp.select(snippet("count(*)").as_("size")).from_(FEATURES).group_by(*keys)
    for key in keys:
        sizes = sizes.where(key.is_(exp.null()).not_())
    [(pairs,)] = session.rows(
        exp.select(snippet("coalesce(sum(size * (size - 1) / 2), 0)")).from_(sizes.subquery("sizes"))
    )
    return int(pairs)


def _sound(model: Model, found: Mapping[str, Any]) -> Model:
    """The model with what was learnt, where that makes sense: likeness speaks for one customer, difference against."""
    comparisons, taken = [], []
    for comparison in model.comparisons:
        [own] = [entry for entry in found["comparisons"] if entry["output_column_name"] == comparison.column]
        levels = [level for level in own["comparison_levels"] if not level.get("is_null_level")]
        degrees = tuple(
            replace(degree, m=_seen(level, "m_probability", degree.m), u=_seen(level, "u_probability", degree.u))
            for degree, level in zip(comparison.degrees, levels, strict=True)
        )
        is_sound = degrees[0].m > 10 * degrees[0].u and degrees[-1].m < degrees[-1].u
        comparisons.append(replace(comparison, degrees=degrees) if is_sound else comparison)
        taken += [comparison.column] if is_sound else []
    prior = found["probability_two_random_records_match"]
    return Model(tuple(comparisons), prior if 0 < prior < 0.1 else model.prior, tuple(taken))


def _seen(level: Mapping[str, Any], name: str, usual: float) -> float:
    """A share as it was found; as declared where it was not seen often enough to be found."""
    share = level.get(name)
    return share if isinstance(share, float) and share > 1e-5 else usual


# --- Splink --------------------------------------------------------------------------------------------------------


def _linker(session: Session, model: Model, blocks: list[Any]) -> "Linker":
    from splink import Linker, SettingsCreator

    backend = session.linkage()
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="customer_id",
        probability_two_random_records_match=model.prior,
        comparisons=[_comparison(comparison) for comparison in model.comparisons],
        blocking_rules_to_generate_predictions=blocks,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    return Linker(backend.register(FEATURES.removeprefix("main.")), settings, log_level=None, validate_settings=False)


def _block_on(*columns: str) -> Any:
    from splink import block_on

    return block_on(*columns)


def _comparison(comparison: Comparison) -> Any:
    from splink.comparison_library import CustomComparison

    return CustomComparison(
        output_column_name=comparison.column,
        comparison_levels=list(_levels(comparison)),
    )


def _levels(comparison: Comparison) -> Iterator[Any]:
    from splink.comparison_level_library import CustomLevel, ElseLevel, ExactMatchLevel, NullLevel

    yield NullLevel(comparison.column)
    equal, *between, other = comparison.degrees
    yield ExactMatchLevel(comparison.column, term_frequency_adjustments=comparison.is_rarity_weighed).configure(
        m_probability=equal.m, u_probability=equal.u
    )
    for degree in between:
        yield CustomLevel(degree.condition).configure(m_probability=degree.m, u_probability=degree.u)
    yield ElseLevel().configure(m_probability=other.m, u_probability=other.u)
