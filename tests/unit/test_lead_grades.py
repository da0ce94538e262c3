"""The quality of leads, on rows small enough to check by eye."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import Row, a_plan, run_model
from pydantic import ValidationError

from pipeline.plan import Definitions, GradeCuts, LeadGrades, Market, PartWeights, Plan

EMPTY = dict.fromkeys(("name", "phone", "email", "company", "demand_tag", "product"))
WHOLE = {
    "name": "王小明",
    "phone": "13900139000",
    "email": "wang@example.com",
    "company": "东方机械",
    "demand_tag": "设备",
    "product": "空调",
}
ONLY = {"source": 0.0, "fit": 0.0, "form": 0.0, "behaviour": 0.0}


def graded(leads: list[Row], *, plan: Plan | None = None, **others: list[Row]) -> list[Row]:
    """The grades of the leads in their order."""
    return run_model("dws.lead_grades", {"leads": leads, **others}, plan=plan)


def by(weights: dict[str, float], **rules: Any) -> Plan:
    """A plan in which only these parts weigh."""
    return a_plan(lead_grades=LeadGrades(weights=PartWeights(**ONLY | weights), **rules))


def came(lead: str | None, day: str, **cells: Any) -> Row:
    return {"lead_id": lead, "kind": "webinar", "occurred_at": f"{day} 09:00"} | cells


# --- grades ---


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        pytest.param(100.0, "A", id="the-best"),
        pytest.param(65.0, "A", id="exactly-a"),
        pytest.param(64.9, "B", id="just-below-a"),
        pytest.param(50.0, "B", id="exactly-b"),
        pytest.param(35.0, "C", id="exactly-c"),
        pytest.param(34.9, "D", id="just-below-c"),
        pytest.param(0.0, "D", id="the-worst"),
    ],
)
def test_a_grade_begins_exactly_at_its_points(score: float, grade: str) -> None:
    [row] = graded([{"score": score}], plan=by({"source": 1.0}))
    assert (row["grade"], row["grade_score"]) == (grade, score)


def source_state(table: str, state: str) -> Row:
    return {"table_name": table, "state": state, "reason": "too few", "reason_zh": "过少"}


@pytest.mark.parametrize(
    ("states", "told"),
    [
        pytest.param([], ("final", None, None), id="sound"),
        pytest.param(
            [source_state("leads", "provisional")], ("provisional", "leads: too few", "线索：过少"), id="leads"
        ),
        pytest.param([source_state("interactions", "provisional")], ("final", None, None), id="no-contact-was-used"),
        pytest.param([source_state("orders", "withheld")], ("final", None, None), id="what-no-grade-is-made-of"),
    ],
)
def test_a_grade_is_as_good_as_the_sources_it_was_made_of(
    states: list[Row], told: tuple[str, str | None, str | None]
) -> None:
    [row] = graded([{"score": 70.0}], **{"dq.source_states": states})
    assert (row["state"], row["reason"], row["reason_zh"], row["grade"]) == (*told, "A")


def test_contacts_that_were_used_and_are_doubtful_make_the_grade_so() -> None:
    contacts = [came("L1", "2026-10-02")]
    [row] = graded(
        [{"score": 70.0}], interactions=contacts, **{"dq.source_states": [source_state("interactions", "provisional")]}
    )
    assert (row["state"], row["contacts"]) == ("provisional", 1)
    assert (row["reason"], row["reason_zh"]) == ("interactions: too few", "互动：过少")


def test_contacts_below_their_floor_tell_nothing() -> None:
    contacts = [came("L1", "2026-10-02")]
    [row] = graded(
        [{"score": 70.0}], interactions=contacts, **{"dq.source_states": [source_state("interactions", "withheld")]}
    )
    assert (row["state"], row["contacts"], row["behaviour_points"]) == ("final", None, None)


def test_leads_below_their_floor_have_no_grade_and_say_so() -> None:
    [row] = graded([{"score": 70.0}], **{"dq.source_states": [{"table_name": "leads", "state": "withheld"}]})
    assert (row["state"], row["grade"], row["grade_score"]) == ("withheld", None, None)
    assert (row["reason"], row["reason_zh"]) == ("leads: withheld", "线索：暂不公布")
    assert row["sentence_zh"] == "线索数据质量低于底线，暂不评级。"


def test_the_plan_says_where_a_grade_begins() -> None:
    [row] = graded([{"score": 80.0}], plan=by({"source": 1.0}, cuts=GradeCuts(a=90, b=85, c=10)))
    assert row["grade"] == "C"


def test_parts_are_weighed_by_the_plan() -> None:
    leads = [WHOLE | {"score": 80.0}, EMPTY | {"score": 80.0, "name": "王"}]
    rows = graded(leads, plan=by({"source": 3.0, "form": 1.0}))
    assert [row["form_points"] for row in rows] == [100, pytest.approx(100 / 6)]
    assert [row["grade_score"] for row in rows] == pytest.approx([85, (240 + 100 / 6) / 4])


def test_a_part_that_can_not_be_told_of_a_lead_is_left_out() -> None:
    rows = graded([WHOLE | {"score": None}, WHOLE | {"score": 40.0}], plan=by({"source": 1.0, "form": 1.0}))
    assert [row["source_points"] for row in rows] == [None, 40]
    assert [row["grade_score"] for row in rows] == [100, 70]
    assert [row["told_share"] for row in rows] == [0.5, 1.0]


def test_a_lead_of_which_nothing_can_be_told_has_no_grade_and_says_so() -> None:
    [row] = graded([{"score": None}], plan=by({"source": 1.0}))
    assert (row["state"], row["grade"], row["grade_score"], row["told_share"]) == ("withheld", None, None, 0.0)
    assert row["sentence_zh"] == "暂不评级：可评部分占权重的 0.0%，要求不低于 30.0%。"


@pytest.mark.parametrize(("form", "grade"), [(0.3, "A"), (0.29, None)])
def test_a_lead_of_which_less_is_told_than_the_plan_asks_for_has_no_grade(form: float, grade: str | None) -> None:
    """Names and phones of leads a CRM knows nothing else of make no good leads."""
    [row] = graded([WHOLE | {"score": None}], plan=by({"source": 1 - form, "form": form}, least_told=0.3))
    assert (row["grade"], row["form_points"], row["told_share"]) == (grade, 100, pytest.approx(form))
    assert row["state"] == ("final" if grade else "withheld")
    told = "29.0% of the weights can be told, asked are at least 30.0%"
    assert row["reason"] == (None if grade else told)
    assert (row["sentence_en"] == f"No grade: {told}.") == (grade is None)
    assert row["reason_zh"] == (None if grade else "可评部分占权重的 29.0%，要求不低于 30.0%")


# --- the form ---


def test_a_field_that_no_lead_has_is_asked_of_none() -> None:
    """A CRM without e-mail addresses makes nobody's form worse."""
    rows = graded([EMPTY | {"name": "王", "phone": "139"}, EMPTY | {"phone": "138"}], plan=by({"form": 1.0}))
    assert [(row["fields_given"], row["fields_asked"]) for row in rows] == [(2, 2), (1, 2)]
    assert [row["form_points"] for row in rows] == [100, 50]


def test_only_fields_of_the_plan_are_asked() -> None:
    [row] = graded([WHOLE | {"company": None}], plan=by({"form": 1.0}, form=["name", "phone"]))
    assert (row["fields_given"], row["fields_asked"], row["form_points"]) == (2, 2, 100)


# --- behaviour ---


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        pytest.param("2026-08-31", False, id="31-days-before"),
        pytest.param("2026-09-01", True, id="30-days-before"),
        pytest.param("2026-10-31", True, id="30-days-after"),
        pytest.param("2026-11-01", False, id="31-days-after"),
    ],
)
def test_contacts_count_around_the_day_of_entry(day: str, counts: bool) -> None:
    lead = {"lead_id": "L1", "created_at": "2026-10-01 09:00"}
    other = {"lead_id": "L2", "created_at": "2026-10-01 09:00"}
    rows = graded([lead, other], interactions=[came("L1", day), came("L2", "2026-10-02")])
    assert [row["contacts"] for row in rows] == [int(counts), 1]


def test_what_a_lead_did_not_do_by_itself_is_no_behaviour() -> None:
    leads = [{"lead_id": "L1"}, {"lead_id": "L2"}]
    contacts = [came("L1", "2026-10-02", kind="call"), came("L2", "2026-10-02")]
    assert [row["contacts"] for row in graded(leads, interactions=contacts)] == [0, 1]


@pytest.mark.parametrize("end", ["won_at", "lost_at"])
def test_what_comes_after_the_end_of_a_lead_does_not_make_its_grade(end: str) -> None:
    """A grade must not know what it is to foretell."""
    lead = {"lead_id": "L1", end: "2026-10-05 12:00"}
    contacts = [came("L1", "2026-10-05"), came("L1", "2026-10-06"), came("L1", "2026-10-09")]
    assert graded([lead], interactions=contacts)[0]["contacts"] == 1


def test_contacts_of_the_customer_that_name_no_lead_are_the_leads_too() -> None:
    leads = [{"lead_id": "L1", "customer_id": "C1"}, {"lead_id": "L2"}]
    contacts = [came(None, "2026-10-02", customer_id="C1"), came("L2", "2026-10-02", customer_id="C1")]
    assert [row["contacts"] for row in graded(leads, customers=[{}], interactions=contacts)] == [1, 1]


def test_points_for_behaviour_end_at_the_plans_number_of_contacts() -> None:
    leads = [{"lead_id": f"L{number}"} for number in range(1, 5)]
    contacts = [came(f"L{number}", "2026-10-02") for number in range(1, 5) for _ in range(number - 1)]
    rows = graded(leads, interactions=contacts, plan=by({"behaviour": 1.0}, full_contacts=2))
    assert [row["behaviour_points"] for row in rows] == [0, 50, 100, 100]


def test_where_no_contact_of_any_lead_is_recorded_behaviour_is_not_told() -> None:
    [row] = graded([{}])
    assert (row["contacts"], row["behaviour_points"]) == (None, None)


# --- fit ---


def fit(plan: Plan, **customer: Any) -> float | None:
    lead = {"customer_id": "C1", "created_at": "2026-10-01 09:00"}
    return graded([lead], customers=[customer], plan=plan)[0]["fit_points"]


def test_fit_is_whether_the_campaign_is_meant_for_the_customer() -> None:
    plan = a_plan(definitions=Definitions(audience=Market(industries=["教育"])))
    assert [fit(plan, industry=industry) for industry in ("教育", "采矿", None)] == [100, 0, None]
    assert fit(a_plan(), industry="教育") is None


def test_fit_is_not_asked_of_a_customer_who_was_entered_after_the_lead() -> None:
    """Most of these are on record because they bought."""
    plan = a_plan(definitions=Definitions(audience=Market(industries=["教育"])))
    days = ("2026-10-01 08:00", "2026-10-02 08:00")
    assert [fit(plan, industry="教育", created_at=day) for day in days] == [100, None]


# --- what is told ---


def test_a_grade_is_told_in_numbers() -> None:
    plan = a_plan(definitions=Definitions(audience=Market(industries=["教育"])))
    leads = [WHOLE | {"lead_id": "L1", "score": 80.0, "customer_id": "C1", "email": None}, WHOLE]
    contacts = [came("L1", "2026-10-02")]
    row = graded(leads, customers=[{"industry": "教育"}], interactions=contacts, plan=plan)[0]
    assert row["sentence_zh"] == "A 级（76.2 分）：来源评分 80.0，属于目标客户，信息填写 5/6 项，主动互动 1 次。"
    assert row["sentence_en"] == (
        "Grade A, 76.2 points: source score 80.0, in the target group, 5 of 6 fields filled in, came by itself 1 time."
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        pytest.param({"cuts": {"a": 50.0, "b": 60.0}}, "grades must fall", id="b-above-a"),
        pytest.param({"weights": ONLY}, "all weights are 0", id="nothing-weighs"),
    ],
)
def test_rules_that_grade_nothing_are_refused(rules: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        LeadGrades.model_validate(rules)


# --- what grades are for ---

LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "score": st.none() | st.floats(0, 100),
            "name": st.sampled_from([None, "王"]),
            "phone": st.sampled_from([None, "139"]),
            "demand_tag": st.sampled_from([None, "设备"]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(leads=LEADS)
def test_every_lead_has_one_grade_or_tells_too_little_and_more_points_never_a_worse_one(leads: list[Row]) -> None:
    rows = graded(leads)
    assert sorted(row["lead_id"] for row in rows) == sorted(f"L{number + 1}" for number in range(len(leads)))
    for row in rows:
        assert (row["grade"] is None) == (row["grade_score"] is None) == (row["state"] == "withheld")
        assert (row["grade"] is None) == (row["told_share"] < LeadGrades().least_told)
    ranked = sorted((row for row in rows if row["grade"]), key=lambda row: row["grade_score"], reverse=True)
    assert [row["grade"] for row in ranked] == sorted(row["grade"] for row in ranked)


def test_the_funnel_tells_how_many_of_each_grade_are_won() -> None:
    """F087: whether grades rank shows in what becomes of them."""
    leads = [
        *[{"score": 90.0, "won_at": "2026-10-20 09:00"}] * 3,
        {"score": 90.0, "lost_at": "2026-10-20 09:00"},
        {"score": 40.0, "won_at": "2026-10-20 09:00"},
        *[{"score": 40.0, "lost_at": "2026-10-20 09:00"}] * 3,
    ]
    rows = run_model("ads.funnel_wide", {"leads": leads}, plan=by({"source": 1.0}))
    won = {row["member"]: row["won_of_start_rate"] for row in rows if row["dimension"] == "grade"}
    assert won == {"A": 0.75, "C": 0.25}
    assert Counter(row["dimension"] for row in rows)["grade"] == 6
