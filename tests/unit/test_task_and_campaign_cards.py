"""The list of tasks and the table of campaign activities, on rows small enough to check by eye."""

import pandas as pd
import pytest
from models import DAY, Row, a_plan, run_model

from assets.ads.campaign_scorecard import campaign_scorecard
from pipeline.plan import ActivityCards, Scorecards, Target
from quality.contract import contracts
from quality.scorecard import SourceState

# --- tasks ---


def tasks(*rows: Row) -> list[Row]:
    return run_model("ads.task_tracking", {"tasks": list(rows)})


@pytest.mark.parametrize(
    ("due", "done", "state", "late"),
    [
        pytest.param("2026-11-10", "2026-11-10", "on_time", 0, id="done-on-the-day"),
        pytest.param("2026-11-10", "2026-11-13", "late", 3, id="done-late"),
        pytest.param("2026-11-19", None, "overdue", 1, id="due-yesterday"),
        pytest.param("2026-11-20", None, "open", 0, id="due-today"),
    ],
)
def test_a_task_is_late_from_the_day_after_it_was_due(due: str, done: str | None, state: str, late: int):
    [row] = tasks({"due_on": due, "done_on": done})
    assert (row["task_state"], row["late_days"]) == (state, late)


def test_i54_twelve_of_fifteen_leaves_three_and_the_next_step_says_two():
    """S1 表1: signed 12 (goal 15), next step: 8月10日前推动剩余2家签约."""
    [row] = tasks({"planned_quantity": 15.0, "done_quantity": 12.0, "next_step": "8月10日前推动剩余2家签约"})
    assert (row["open_quantity"], row["carried_quantity"], row["carry_state"]) == (3, 2, "differs")
    assert row["carry_zh"] == "计划减完成为 3，下一步计划写的是 2。"
    assert row["carry_en"] == "Planned less done is 3, the next step says 2."


@pytest.mark.parametrize(
    ("next_step", "state"),
    [
        pytest.param("剩余3家下周签约", "agrees", id="agrees"),
        pytest.param("还剩 3 家", "agrees", id="another-word"),
        pytest.param("close the remaining 3 deals", "agrees", id="english"),
        pytest.param("7月15日前完成线索分级评估", "not_told", id="other-numbers-are-not-taken-for-it"),
        pytest.param(None, "not_told", id="no-next-step"),
    ],
)
def test_i54_only_a_number_that_is_said_to_be_left_is_held_against_the_quantities(next_step: str | None, state: str):
    [row] = tasks({"planned_quantity": 15.0, "done_quantity": 12.0, "next_step": next_step})
    assert (row["carry_state"], row["carry_zh"]) == (state, None)


@pytest.mark.parametrize(
    ("named", "state"),
    [
        pytest.param({"staff_id": "S1", "accountable_id": "S2"}, "complete", id="both"),
        pytest.param({"staff_id": "S1"}, "no_accountable", id="nobody-signs-it-off"),
        pytest.param({"accountable_id": "S2"}, "no_responsible", id="nobody-does-it"),
        pytest.param({"consulted": "市场部", "informed": "财务部"}, "nobody", id="asked-and-told-are-not-enough"),
    ],
)
def test_f058_a_task_names_who_does_it_and_who_signs_it_off(named: Row, state: str):
    """S2 §05: responsible, accountable, consulted, informed."""
    [row] = tasks({"staff_id": None} | named)
    assert row["duty_state"] == state
    assert (row["consulted"], row["informed"]) == (named.get("consulted"), named.get("informed"))


def test_f059_a_stage_is_judged_by_the_tasks_that_are_due():
    rows = tasks(
        {"stage": "执行", "due_on": "2026-11-01", "done_on": "2026-11-01"},
        {"stage": "执行", "due_on": "2026-11-01", "done_on": "2026-11-02"},
        {"stage": "执行", "due_on": "2026-11-02"},
        {"stage": "执行", "due_on": "2026-12-01"},
        {"stage": "评估", "due_on": "2026-12-01"},
    )
    assert {(row["task_stage"], row["stage_due"], row["stage_on_time_rate"]) for row in rows} == {
        ("执行", 3, 1 / 3),
        ("评估", 0, None),
    }


# --- campaign activities ---


def activity(
    leads: int,
    won: int,
    spent: float | None,
    earned: float = 0,
    came: int = 0,
    *,
    targets: dict[str, Target] | None = None,
    states: dict[str, SourceState] | None = None,
    unmapped: tuple[str, ...] = (),
    **campaign: object,
) -> Row:
    """The scorecard of one activity that is over: its leads, those won, its cost, what the first of them paid."""
    own = {"campaign_id": "A1", "starts_on": "2026-09-01", "ends_on": "2026-09-30", **campaign}
    rows = {
        "campaigns": [own],
        "leads": [
            {"lead_id": f"L{n}", "campaign_id": "A1", "won_at": "2026-10-02 09:00" if n < won else None}
            for n in range(leads)
        ],
        "orders": [{"lead_id": "L0", "amount": earned}] if earned else [],
        "expenses": [] if spent is None else [{"campaign_id": "A1", "amount": spent}],
        "interactions": [
            {"kind": "expo", "campaign_id": "A1", "customer_id": f"V{n}", "occurred_at": "2026-09-02 09:00"}
            for n in range(came)
        ],
    }
    plan = a_plan(scorecards=Scorecards(activities=ActivityCards()), targets=targets or {})
    held = pd.DataFrame(run_model("dws.activities", rows, plan=plan))
    told = {name: SourceState("final") for name in contracts()} | (states or {})
    card = campaign_scorecard(held, plan, pd.Timestamp(DAY), states=told, unmapped=frozenset(unmapped))
    [row] = card.astype(object).where(card.notna(), None).to_dict("records")
    return row


@pytest.mark.parametrize(
    ("targets", "won", "spent", "earned", "rate", "printed"),
    [
        pytest.param(15, 5, 20_000, 104_000, 0.333, "1:5.2", id="five-of-fifteen"),
        pytest.param(80, 18, 8_000, 30_400, 0.225, "1:3.8", id="eighteen-of-eighty"),
    ],
)
def test_g4_the_two_activities_of_the_documents(targets, won, spent, earned, rate, printed):
    """S3 三(三): 33.3 % of 15 and 22.5 % of 80; 20,000 at 1:5.2 is 104,000, 8,000 at 1:3.8 is 30,400."""
    row = activity(targets, won, spent, earned)
    assert (row["targets"], row["conversions"], round(row["conversion_rate"], 3)) == (targets, won, rate)
    assert (row["io_text"], float(row["output_amount"])) == (printed, earned)
    assert row["advice_id"] == "keep"


@pytest.mark.parametrize(
    ("told", "advice"),
    [
        pytest.param(dict(leads=9, won=0, spent=5000), "won_nobody", id="u11-spend-and-nobody-won-is-no-success"),
        pytest.param(dict(leads=9, won=3, spent=None, earned=9000), "no_cost", id="no-cost-booked"),
        pytest.param(dict(leads=9, won=3, spent=5000, earned=4999), "below_cost", id="just-below-its-cost"),
        pytest.param(dict(leads=9, won=3, spent=5000, earned=5000), "keep", id="exactly-its-cost"),
        pytest.param(
            dict(leads=9, won=3, spent=50, earned=5000, came=7, expected_participants=10), "few_came", id="seven-of-ten"
        ),
        pytest.param(
            dict(leads=9, won=3, spent=50, earned=5000, came=8, expected_participants=10), "keep", id="eight-of-ten"
        ),
        pytest.param(dict(leads=9, won=0, spent=50, ends_on=None), "running", id="not-over"),
        pytest.param(dict(leads=0, won=0, spent=50, starts_on="2026-12-01", ends_on=None), "not_begun", id="not-begun"),
    ],
)
def test_f189_advice_goes_by_rule(told: dict, advice: str):
    row = activity(**told)
    assert row["advice_id"] == advice
    assert row["advice_zh"] and row["advice_en"]


def test_u11_without_a_cost_there_is_no_return_whatever_it_earned():
    row = activity(9, 3, None, 9000)
    assert (row["io_ratio"], row["io_text"], row["input_amount"]) == (None, None, None)


def test_f077_who_came_is_counted_once_and_held_against_who_was_expected():
    row = activity(9, 3, 50, 5000, came=8, expected_participants=10)
    assert (row["participants"], row["participation_rate"]) == (8, 0.8)
    assert activity(1, 0, 50)["participation_rate"] is None


# --- how it stands to its targets, and how sure that is ---


def test_f094_an_activity_is_held_against_its_own_target_else_of_a_rate_against_that_of_the_whole():
    targets = {
        "lead_conversion_rate": Target(value=0.5),
        "io_ratio": Target(value=10.0, by={"activity": {"A1": 4.0}}),
        "cac": Target(value=100.0, floor=300.0),
        "new_customers": Target(value=50.0, floor=10.0, by={"activity": {"A2": 5.0}}),
    }
    row = activity(10, 3, 500, 1000, targets=targets)
    assert (row["conversion_rate_target"], row["conversion_rate_score"]) == (0.5, pytest.approx(60))
    assert (row["io_ratio_target"], row["io_ratio_attainment_rate"], row["io_ratio_score"]) == (4, 0.5, 50)
    assert (row["cac_target"], row["cac_score"]) == (None, None), "its cost is without wages, the target is not"
    assert (row["new_customers"], row["new_customers_target"], row["new_customers_score"]) == (1, None, None)


def test_who_came_is_held_against_who_was_expected_where_the_plan_says_no_other():
    row = activity(1, 0, 50, came=3, expected_participants=4)
    assert (row["participation_rate_target"], row["participation_rate_score"]) == (1, 75)
    row = activity(1, 0, 50, came=3, expected_participants=4, targets={"participation_rate": Target(value=0.75)})
    assert (row["participation_rate_target"], row["participation_rate_score"]) == (0.75, 100)


def test_few_leads_leave_the_rate_of_an_activity_open():
    """Wilson of 5 of 15, 15.2 to 58.3 %; one sale of 1,000 for 500 could be none or two (compound Poisson)."""
    row = activity(15, 5, 500, 1000)
    assert (row["conversion_rate_lower"], row["conversion_rate_upper"]) == pytest.approx((0.152, 0.583), abs=0.001)
    assert (row["io_ratio_lower"], row["io_ratio_upper"]) == pytest.approx((2 - 1.96 * 2, 2 + 1.96 * 2), abs=0.001)
    assert activity(3, 0, 500)["io_ratio_upper"] is None


@pytest.mark.parametrize(
    ("trouble", "unknown", "known", "reason"),
    [
        pytest.param(
            {"states": {"orders": SourceState("withheld", "no rows")}},
            ("output_amount", "io_ratio", "new_customers", "io_ratio_score"),
            ("targets", "conversions", "input_amount"),
            "orders: no rows",
            id="orders-withheld",
        ),
        pytest.param(
            {"unmapped": ("leads.campaign_id",)},
            ("targets", "conversions", "conversion_rate", "output_amount"),
            ("input_amount",),
            "leads.campaign_id is not mapped",
            id="no-lead-names-an-activity",
        ),
    ],
)
def test_what_can_not_be_told_of_an_activity_is_withheld_and_nothing_is_advised(trouble, unknown, known, reason):
    row = activity(15, 5, 500, 1000, targets={"lead_conversion_rate": Target(value=0.5)}, **trouble)
    assert [name for name in unknown if row[name] is not None] == []
    assert [name for name in known if row[name] is None] == []
    assert (row["state"], row["reason"], row["advice_id"]) == ("withheld", reason, "withheld")
    assert row["reason_zh"]


def test_a_provisional_source_makes_an_activity_provisional():
    row = activity(15, 5, 500, 1000, states={"expenses": SourceState("provisional", "no rows")})
    assert (row["state"], row["reason"], row["io_ratio"]) == ("provisional", "expenses: no rows", 2)
