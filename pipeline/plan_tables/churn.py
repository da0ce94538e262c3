"""The early warning of churn: the twelve indicators with what they weigh, the limits of the score, its classes."""

from datetime import date, timedelta

import pyarrow as pa

from pipeline.plan import Label, Plan
from pipeline.plan.churn import INDICATORS, Churn, Indicator
from pipeline.plan_tables.rows import DATE, DOUBLE, INTEGER, TEXT, Row, class_row, labels, months_before, months_en

SCHEME = "churn"
HOURS_A_DAY = 24

SCHEMAS = {
    "plan.churn": pa.schema(
        {
            "recent_months": INTEGER,
            "recent_start": DATE,
            "before_months": INTEGER,
            "before_start": DATE,
            "whole_months": INTEGER,
            "least_events": INTEGER,
            "answer_hours": INTEGER,
            "answered_until": DATE,
            "warned_from": DOUBLE,
            "warned_from_text": TEXT,
            "watched_from": DOUBLE,
            "watched_from_text": TEXT,
            "least_told_share": DOUBLE,
        }
    ),
    "plan.churn_indicators": pa.schema(
        {
            "indicator": TEXT,
            "position": INTEGER,
            "label_zh": TEXT,
            "label_en": TEXT,
            "definition_zh": TEXT,
            "definition_en": TEXT,
            "weight": DOUBLE,
            "calm": DOUBLE,
            "alarm": DOUBLE,
        }
    ),
}

LABELS = {
    "warned": Label(zh="流失预警", en="Churn warning"),
    "watch": Label(zh="需要留意", en="Worth watching"),
    "calm": Label(zh="状态平稳", en="Calm"),
    "unknown": Label(zh="依据不足", en="Too little known"),
    "gone": Label(zh="已经流失", en="Already gone"),
    "no_order": Label(zh="尚未下单", en="No order yet"),
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The limits on a day, and the indicators that have a weight."""
    churn = plan.segments.churn
    told = definitions(churn)
    return {
        "plan.churn": [_limits(churn, as_of)],
        "plan.churn_indicators": [
            indicator_row(name, position, *told[name], churn.indicators[name])
            for position, name in enumerate(INDICATORS, start=1)
            if churn.indicators[name].weight
        ],
    }


def indicator_row(name: str, position: int, label: Label, definition: Label, indicator: Indicator) -> Row:
    """A row of `plan.churn_indicators`."""
    return {
        "indicator": name,
        "position": position,
        **labels(label),
        "definition_zh": definition.zh,
        "definition_en": definition.en,
        **indicator.model_dump(),
    }


def classes(plan: Plan) -> list[Row]:
    """The classes from the most urgent on."""
    churn = plan.segments.churn
    warned, watched, least = churn.warned_from, churn.watched_from, f"{churn.least_told_share * 100:g}%"
    definitions = {
        "warned": Label(zh=f"流失评分至少 {warned:g}。", en=f"A churn score of at least {warned:g}."),
        "watch": Label(
            zh=f"流失评分至少 {watched:g}、低于 {warned:g}。",
            en=f"A churn score of at least {watched:g} and less than {warned:g}.",
        ),
        "calm": Label(zh=f"流失评分低于 {watched:g}。", en=f"A churn score of less than {watched:g}."),
        "unknown": Label(
            zh=f"有依据的指标所占权重低于 {least}，不评分。",
            en=f"The indicators that can be told weigh less than {least}: no score.",
        ),
        "gone": Label(zh="按生命周期已经流失，不再预警。", en="Churned by the lifecycle: past a warning."),
        "no_order": Label(zh="还没有下过单，无从流失。", en="Has not ordered yet, and has nothing to leave."),
    }
    return [
        class_row(SCHEME, f"{SCHEME}_{name}", position, f"{SCHEME}_{name}", label, definitions[name])
        for position, (name, label) in enumerate(LABELS.items(), start=1)
    ]


def check(plan: Plan) -> None:
    """What the limits may be is told by the plan itself."""


def _limits(churn: Churn, as_of: date) -> Row:
    whole = churn.recent_months + churn.before_months
    return {
        "recent_months": churn.recent_months,
        "recent_start": months_before(as_of, churn.recent_months),
        "before_months": churn.before_months,
        "before_start": months_before(as_of, whole),
        "whole_months": whole,
        "least_events": churn.least_events,
        "answer_hours": churn.answer_hours,
        "answered_until": as_of - timedelta(days=-(-churn.answer_hours // HOURS_A_DAY)),
        "warned_from": churn.warned_from,
        "warned_from_text": f"{churn.warned_from:g}",
        "watched_from": churn.watched_from,
        "watched_from_text": f"{churn.watched_from:g}",
        "least_told_share": churn.least_told_share,
    }


def definitions(churn: Churn) -> dict[str, tuple[Label, Label]]:
    """Name and meaning of each indicator, with the months of the plan."""
    late_zh, late_en = f"近 {churn.recent_months} 个月", f"the last {months_en(churn.recent_months)}"
    before_zh, before_en = f"此前 {churn.before_months} 个月", f"the {months_en(churn.before_months)} before"
    whole = churn.recent_months + churn.before_months
    whole_zh, whole_en = f"近 {whole} 个月", f"the last {months_en(whole)}"
    fall_zh, fall_en = f"{late_zh}月均比{before_zh}月均下降的比例", f"{late_en} a month against {before_en}, 0-1"
    return {
        "overdue": (
            Label(zh="超出下单节奏", en="Overdue"),
            Label(zh="距最近一次下单的天数，是自身平均间隔的几倍", en="Days since the last order, in own mean gaps"),
        ),
        "order_frequency_fall": (
            Label(zh="下单变少", en="Fewer orders"),
            Label(zh=f"下单次数{fall_zh}", en=f"Fall of orders, {fall_en}"),
        ),
        "order_value_fall": (
            Label(zh="客单价下降", en="Smaller orders"),
            Label(
                zh=f"{late_zh}客单价比{before_zh}下降的比例",
                en=f"Fall of the mean order value, {late_en} against {before_en}, 0-1",
            ),
        ),
        "activity_fall": (
            Label(zh="活跃度下降", en="Less active"),
            Label(
                zh=f"客户参与活动、试用、下载、打开邮件、咨询和服务请求的次数，{fall_zh}",
                en="Fall of the customer's own activity (events, trials, downloads, e-mails opened, consultations, "
                f"service requests), {fall_en}",
            ),
        ),
        "login_fall": (
            Label(zh="登录和访问减少", en="Fewer logins"),
            Label(zh=f"登录和访问官网的次数，{fall_zh}", en=f"Fall of logins and site visits, {fall_en}"),
        ),
        "complaint_rise": (
            Label(zh="投诉增加", en="More complaints"),
            Label(
                zh=f"{late_zh}投诉次数，比按{before_zh}的月均多出几次",
                en=f"Complaints of {late_en} beyond those expected by {before_en}",
            ),
        ),
        "unanswered": (
            Label(zh="请求未及时答复", en="Requests left unanswered"),
            Label(
                zh=f"{whole_zh}的咨询、投诉和服务请求中，未在 {churn.answer_hours} 小时内答复的比例",
                en=f"Part of the consultations, complaints and service requests of {whole_en} not answered within "
                f"{churn.answer_hours} hours, 0-1",
            ),
        ),
        "nps_low": (
            Label(zh="推荐意愿低", en="Would not recommend"),
            Label(zh=f"{whole_zh}内最近一次推荐意愿打分，0-10", en=f"Last recommendation of {whole_en}, 0-10"),
        ),
        "csat_low": (
            Label(zh="满意度低", en="Not satisfied"),
            Label(
                zh=f"{whole_zh}内最近一次满意度打分，折算为 0-1",
                en=f"Last satisfaction of {whole_en}, 0-1 of its scale",
            ),
        ),
        "payment_delay": (
            Label(zh="付款变慢", en="Pays later"),
            Label(
                zh=f"{late_zh}订单的付款平均比{before_zh}的平均晚多少天，未付的算到当天",
                en=f"Mean days by which orders of {late_en} are paid later than those of {before_en}; unpaid ones "
                "count to the day",
            ),
        ),
        "refund_share": (
            Label(zh="退款偏多", en="Refunds"),
            Label(zh=f"{whole_zh}退款占销售额的比例", en=f"Refunds of {whole_en} as part of sales, 0-1"),
        ),
        "breadth": (
            Label(zh="购买品类少", en="Few products"),
            Label(zh=f"{whole_zh}买过几种产品", en=f"Different products bought in {whole_en}"),
        ),
    }
