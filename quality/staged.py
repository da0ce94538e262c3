"""Gate 2: what must hold of a staged Postgres table before readers may see it."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import GateClosed
from pipeline.forking import CAN_FORK, helper

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

    from quality.suites import Outcome

STATES = ("final", "provisional", "withheld")
SCHEMES = ("rfm", "rfm_score", "abc", "matrix", "tier", "lifecycle", "churn", "persona", "group")


def expectations(name: str, grain: Sequence[str], rows: int) -> dict[str, "Expectation"]:
    """The rules of one published table by id: all computed rows, one per grain, figures within their range."""
    import great_expectations.expectations as gxe

    shared = {
        "rows_arrived": gxe.ExpectTableRowCountToBeBetween(min_value=rows, max_value=rows),
        "grain_unique": _unique(grain),
        **{f"{column}_required": gxe.ExpectColumnValuesToNotBeNull(column=column) for column in grain},
    }
    own = _OWN.get(name)
    return shared | (own() if own else {})


def _unique(grain: Sequence[str]) -> "Expectation":
    import great_expectations.expectations as gxe

    if len(grain) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=grain[0])
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(grain))


def _kpi_values() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    withheld = {"row_condition": Column("state") == "withheld"}
    return {
        "state_allowed": gxe.ExpectColumnValuesToBeInSet(column="state", value_set=list(STATES)),
        "withheld_has_no_value": gxe.ExpectColumnValuesToBeNull(column="value", **withheld),
        "withheld_has_a_reason": gxe.ExpectColumnValuesToNotBeNull(column="reason", **withheld),
        "score_range": gxe.ExpectColumnValuesToBeBetween(column="score", min_value=0, max_value=200),
        "value_finite": gxe.ExpectColumnValuesToNotBeInSet(column="value", value_set=[float("inf"), float("-inf")]),
    }


def _channel_scorecard() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    nobody = {"row_condition": Column("new_customers") == 0}
    unrated = {"row_condition": Column("rating_id").is_null()}
    shares = ("effective_weight", "lead_reach_rate", "new_customer_share", "advised_share")
    return {
        "nobody_won_is_not_rated": gxe.ExpectColumnValuesToBeNull(column="rating_id", **nobody),
        "nobody_won_has_no_cost_per_customer": gxe.ExpectColumnValuesToBeNull(column="cac_amount", **nobody),
        "no_rating_has_a_reason": gxe.ExpectColumnValuesToNotBeNull(column="rating_reason_en", **unrated),
        "score_range": gxe.ExpectColumnValuesToBeBetween(column="value_score", min_value=0, max_value=100),
        **{
            f"{name}_range": gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=1) for name in shares
        },
    }


def _people_scorecard() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    return {
        "roster_days_positive": gxe.ExpectColumnValuesToBeBetween(column="roster_days", min_value=1),
        "on_time_range": gxe.ExpectColumnValuesToBeBetween(column="task_on_time_rate", min_value=0, max_value=1),
        "appraisal_range": gxe.ExpectColumnValuesToBeBetween(column="appraisal_score", min_value=0, max_value=200),
    }


def _campaign_scorecard() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    no_cost = {"row_condition": Column("input_amount").is_null()}
    return {
        "conversion_range": gxe.ExpectColumnValuesToBeBetween(column="conversion_rate", min_value=0, max_value=1),
        "no_cost_no_return": gxe.ExpectColumnValuesToBeNull(column="io_ratio", **no_cost),
        "advice_told": gxe.ExpectColumnValuesToNotBeNull(column="advice_en"),
    }


def _quality_scorecard() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    return {"rate_range": gxe.ExpectColumnValuesToBeBetween(column="rate", min_value=0, max_value=1)}


def _ledger() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    return {"balanced": gxe.ExpectColumnValuesToBeInSet(column="is_balanced", value_set=[True])}


def _customer_segments() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    return {
        **{
            f"{scheme}_class_required": gxe.ExpectColumnValuesToNotBeNull(column=f"{scheme}_class_id")
            for scheme in SCHEMES
        },
        "rfm_rule_required": gxe.ExpectColumnValuesToNotBeNull(column="rfm_rule_id"),
        "abc_allowed": gxe.ExpectColumnValuesToBeInSet(column="abc_class_id", value_set=["A", "B", "C"]),
        "alive_range": gxe.ExpectColumnValuesToBeBetween(column="value_alive_probability", min_value=0, max_value=1),
        "churn_score_range": gxe.ExpectColumnValuesToBeBetween(column="churn_score", min_value=0, max_value=100),
    }


def _funnel_wide() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    dropped = {"row_condition": Column("drop_node").is_not_null()}
    withheld = {"row_condition": Column("state") == "withheld"}
    return {
        "drop_range": gxe.ExpectColumnValuesToBeBetween(column="drop_rate", min_value=0, max_value=1, strict_min=True),
        "withheld_counts_nothing": gxe.ExpectColumnValuesToBeNull(column="created_leads", **withheld),
        "drop_has_leads": gxe.ExpectColumnValuesToBeBetween(column="drop_leads", min_value=1, **dropped),
        "waiting_told": gxe.ExpectColumnValuesToNotBeNull(column="drop_waiting_leads", **dropped),
        "nobody_won_who_was_not_entered": gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="created_leads", column_B="won_leads", or_equal=True
        ),
    }


def _case_reports() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    bare = {"row_condition": Column("report") == "before_after"}
    problem = {"row_condition": Column("problem_zh").is_not_null()}
    return {
        "bare_comparison_is_graded_d": gxe.ExpectColumnValuesToBeInSet(column="evidence_grade", value_set=["D"]),
        "bare_comparison_has_a_grade": gxe.ExpectColumnValuesToNotBeNull(column="evidence_grade", **bare),
        "no_word_of_effect": gxe.ExpectColumnValuesToNotMatchRegex(column="sentence_zh", regex="效果|效应"),
        "problem_has_an_owner": gxe.ExpectColumnValuesToNotBeNull(column="owner", **problem),
        "problem_has_a_day": gxe.ExpectColumnValuesToNotBeNull(column="due_on", **problem),
    }


def _goal_checks() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    smart = {"row_condition": Column("assessment") == "smart"}
    five = ("specific", "measurable", "achievable", "relevant", "time_bound")
    return {
        "assessment_allowed": gxe.ExpectColumnValuesToBeInSet(
            column="assessment", value_set=["smart", "weak", "unclear"]
        ),
        "target_required": gxe.ExpectColumnValuesToNotBeNull(column="target"),
        **{
            f"smart_is_{name}": gxe.ExpectColumnValuesToBeInSet(column=f"is_{name}", value_set=[True], **smart)
            for name in five
        },
    }


def _incentives() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    withheld = {"row_condition": Column("state") == "withheld"}
    told = {"row_condition": Column("state") != "withheld"}
    return {
        "rate_range": gxe.ExpectColumnValuesToBeBetween(column="step_rate", min_value=0, max_value=1),
        "withheld_has_no_amount": gxe.ExpectColumnValuesToBeNull(column="incentive_amount", **withheld),
        "told_has_an_amount": gxe.ExpectColumnValuesToNotBeNull(column="incentive_amount", **told),
    }


def _cohorts() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    running = {"row_condition": Column("is_complete") == False}  # noqa: E712 - a condition of Great Expectations
    no_payback = {"row_condition": Column("payback_months").is_null()}
    return {
        "retention_range": gxe.ExpectColumnValuesToBeBetween(column="retention_rate", min_value=0, max_value=1),
        "running_month_has_no_retention": gxe.ExpectColumnValuesToBeNull(column="retention_rate", **running),
        "no_payback_has_a_reason": gxe.ExpectColumnValuesToNotBeNull(column="payback_reason_en", **no_payback),
    }


def _lead_grades() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    told, withheld = {"row_condition": Column("state") != "withheld"}, {"row_condition": Column("state") == "withheld"}
    return {
        "grade_allowed": gxe.ExpectColumnValuesToBeInSet(column="grade", value_set=["A", "B", "C", "D"]),
        "grade_required": gxe.ExpectColumnValuesToNotBeNull(column="grade", **told),
        "withheld_has_no_grade": gxe.ExpectColumnValuesToBeNull(column="grade", **withheld),
        "score_range": gxe.ExpectColumnValuesToBeBetween(column="grade_score", min_value=0, max_value=100),
    }


def _segment_transitions() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    return {"share_range": gxe.ExpectColumnValuesToBeBetween(column="share_of_from", min_value=0, max_value=1)}


def _customer_directory() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    # whatever the model says: what is not masked does not look like this
    forms = {
        "phone_tail": "^[0-9]{4}$",
        "email_domain": "^[^@]+$",
        **dict.fromkeys(("name_hash", "phone_hash", "email_hash"), "^[0-9a-f]{64}$"),
    }
    person = {"row_condition": (Column("kind") != "company") | Column("kind").is_null()}
    return {
        **{
            f"{name}_masked": gxe.ExpectColumnValuesToMatchRegex(column=name, regex=form)
            for name, form in forms.items()
        },
        "display_name_masked": gxe.ExpectColumnValuesToMatchRegex(column="display_name", regex="^.[*]$", **person),
    }


def _budget_variance() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    withheld = {"row_condition": Column("state") == "withheld"}
    statuses = ["on_plan", "warning", "overspent", "unbudgeted"]
    return {
        "adds_up_to_the_ledger": gxe.ExpectColumnValuesToBeInSet(column="is_reconciled", value_set=[True]),
        "reconciliation_told": gxe.ExpectColumnValuesToNotBeNull(column="is_reconciled"),
        "status_allowed": gxe.ExpectColumnValuesToBeInSet(column="budget_status", value_set=statuses),
        "to_date_status_allowed": gxe.ExpectColumnValuesToBeInSet(column="to_date_status", value_set=statuses),
        "overspent_in_all_is_overspent_so_far": gxe.ExpectColumnValuesToBeInSet(
            column="to_date_status", value_set=["overspent"], row_condition=Column("budget_status") == "overspent"
        ),
        "withheld_has_no_status": gxe.ExpectColumnValuesToBeNull(column="budget_status", **withheld),
        "withheld_has_a_reason": gxe.ExpectColumnValuesToNotBeNull(column="reason_en", **withheld),
    }


def _risk_register() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    bands = ["extreme", "high", "medium", "low"]
    return {
        "score_range": gxe.ExpectColumnValuesToBeBetween(column="risk_score", min_value=1, max_value=25),
        "band_allowed": gxe.ExpectColumnValuesToBeInSet(column="rule_band", value_set=bands),
        "band_required": gxe.ExpectColumnValuesToNotBeNull(column="rule_band"),
    }


def _alert_signals() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    judged = {"row_condition": Column("is_judged") == True}  # noqa: E712 - a condition of Great Expectations
    levels = ["red", "yellow", "blue"]
    return {
        "level_allowed": gxe.ExpectColumnValuesToBeInSet(column="alert_level", value_set=levels),
        "judged_has_a_level": gxe.ExpectColumnValuesToNotBeNull(column="alert_level", **judged),
        "owner_required": gxe.ExpectColumnValuesToNotBeNull(column="owner"),
    }


def _actions() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe

    told = ("sentence_zh", "sentence_en")
    required = ("owner", "due_on", "evidence_table", "evidence_keys", "advice_zh", "advice_en")
    return {
        **{f"{name}_has_a_number": gxe.ExpectColumnValuesToMatchRegex(column=name, regex="[0-9]") for name in told},
        **{f"{name}_required": gxe.ExpectColumnValuesToNotBeNull(column=name) for name in (*told, *required)},
    }


def _claims() -> dict[str, "Expectation"]:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    unknown = {"row_condition": Column("verdict") == "not_told"}
    judged = {"row_condition": Column("verdict").is_in(["holds", "contradicted"])}
    verdicts = ["holds", "contradicted", "not_told", "opinion"]
    return {
        "verdict_allowed": gxe.ExpectColumnValuesToBeInSet(column="verdict", value_set=verdicts),
        "verdict_required": gxe.ExpectColumnValuesToNotBeNull(column="verdict"),
        "not_told_has_a_reason": gxe.ExpectColumnValuesToNotBeNull(column="reason_en", **unknown),
        "judged_has_a_number": gxe.ExpectColumnValuesToNotBeNull(column="computed_number", **judged),
    }


_OWN: Mapping[str, Callable[[], dict[str, "Expectation"]]] = {
    "ads.actions": _actions,
    "ads.alert_signals": _alert_signals,
    "ads.budget_variance": _budget_variance,
    "ads.campaign_scorecard": _campaign_scorecard,
    "ads.claims": _claims,
    "ads.channel_scorecard": _channel_scorecard,
    "ads.case_reports": _case_reports,
    "ads.cohorts": _cohorts,
    "ads.goal_checks": _goal_checks,
    "ads.incentives": _incentives,
    "ads.funnel_wide": _funnel_wide,
    "ads.staff_scorecard": _people_scorecard,
    "ads.team_scorecard": _people_scorecard,
    "ads.kpi_values": _kpi_values,
    "ads.risk_register": _risk_register,
    "ads.segment_transitions": _segment_transitions,
    "dq.quality_scorecard": _quality_scorecard,
    "dq.ledger": _ledger,
    "dws.customer_directory": _customer_directory,
    "dws.customer_segments": _customer_segments,
    "dws.lead_grades": _lead_grades,
}


class Staged(NamedTuple):
    """A table as it is staged in Postgres."""

    name: str
    relation: str
    """`schema.table`."""
    grain: tuple[str, ...]
    rows: int


def audit(url: str, tables: Sequence[Staged], *, side_by_side: bool) -> None:
    """Judge the staged tables of a database by their rules, half of them in a process beside this one if allowed.

    Raises:
        GateClosed: a rule does not hold.
        NotEvaluated: a rule could not be computed.
    """
    if not (side_by_side and CAN_FORK):
        return _audit(url, tables)
    # once, before the other process is forked
    import great_expectations.expectations  # noqa: F401

    with helper() as other:
        there = other.submit(_audit, url, tables[1::2])
        _audit(url, tables[::2])
        return there.result()


def _audit(url: str, tables: Sequence[Staged]) -> None:
    from quality.suites import tables_of, validate_table

    with tables_of(url) as source:
        for name, relation, grain, rows in tables:
            demand(validate_table(source, relation, expectations(name, grain, rows), name), name)


def demand(outcomes: Mapping[str, "Outcome"], name: str) -> None:
    """Close the gate at a rule that does not hold.

    Raises:
        GateClosed: with each rule and its count.
    """
    failed = [f"{rule} ({outcome.unexpected:,} rows)" for rule, outcome in outcomes.items() if not outcome.success]
    if failed:
        raise GateClosed(f"{name} as staged breaks {', '.join(failed)}; readers keep the last published day")
