"""Groups by age and spend: the rules by priority, and the classes they make."""

from datetime import date

import pyarrow as pa

from pipeline.errors import ConfigurationError
from pipeline.plan import GroupRule, Label, Plan
from pipeline.plan_tables.rows import DOUBLE, INTEGER, TEXT, Row, class_row, currency_zh, limits_told

NO_GROUP_ID = "no_group"
NO_GROUP = Label(zh="未分组", en="No group")
KINDS = {
    "person": Label(zh="个人客户", en="Persons"),
    "company": Label(zh="企业客户", en="Companies"),
    None: Label(zh="所有客户", en="All customers"),
}
RANGES = ("age", "amount", "spend_percentile")

SCHEMAS = {
    "plan.group_rules": pa.schema(
        {
            "priority": INTEGER,
            "rule_id": TEXT,
            "kind": TEXT,
            **{f"{name}_{end}": DOUBLE for name in RANGES for end in ("least", "below")},
            "strategy_zh": TEXT,
            "strategy_en": TEXT,
            "effect_zh": TEXT,
            "effect_en": TEXT,
        }
    )
}


def rows(plan: Plan, as_of: date) -> dict[str, list[Row]]:
    """The rules in the order they are tried."""
    return {
        "plan.group_rules": [_rule(rule, priority) for priority, rule in enumerate(plan.segments.groups.rules, start=1)]
    }


def classes(plan: Plan) -> list[Row]:
    """The groups in the order they are tried, and who is in none."""
    nowhere = Label(
        zh="不符合任何分组规则，或缺少判断所需的出生年份。",
        en="Meets no rule of a group, or lacks the year of birth that would tell.",
    )
    groups = [
        *[(rule.id, rule.label, _definition(rule, plan)) for rule in plan.segments.groups.rules],
        (NO_GROUP_ID, NO_GROUP, nowhere),
    ]
    return [
        class_row("group", class_id, position, f"group_{class_id}", label, definition)
        for position, (class_id, label, definition) in enumerate(groups, start=1)
    ]


def check(plan: Plan) -> None:
    """Refuse a group that takes the name of those who are in none.

    Raises:
        ConfigurationError: one does.
    """
    if NO_GROUP_ID in {rule.id for rule in plan.segments.groups.rules}:
        raise ConfigurationError(
            f"plan.yaml segments.groups.rules: the id {NO_GROUP_ID} is Tuoke's own; rename the rule"
        )


def _rule(rule: GroupRule, priority: int) -> Row:
    ranges = {"age": rule.age, "amount": rule.amount, "spend_percentile": rule.spend_percentile}
    limits = {
        f"{name}_{end}": limit
        for name, range_ in ranges.items()
        for end, limit in (("least", range_.least), ("below", range_.below))
    }
    told = {
        f"{name}_{language}": getattr(label, language)
        for name, label in (("strategy", rule.strategy), ("effect", rule.effect))
        for language in ("zh", "en")
    }
    return {"priority": priority, "rule_id": rule.id, "kind": rule.kind, **limits, **told}


def _definition(rule: GroupRule, plan: Plan) -> Label:
    """Who belongs to a group as a manager reads it."""
    kind, unit = KINDS[rule.kind], currency_zh(plan)
    zh = [
        kind.zh,
        limits_told(rule.age, "年龄", "满{}", "不满{}", "、", lambda years: f" {years:g} 岁"),
        limits_told(rule.amount, "近 12 个月净消费", "至少{}", "低于{}", "、", lambda money: f" {money:,.2f} {unit}"),
        limits_told(rule.spend_percentile, "消费不低于同类买家的比例", "至少{}", "低于{}", "、", _percent_zh),
    ]
    en = [
        kind.en,
        limits_told(rule.age, "age ", "from {}", "below {}", " and ", "{:g}".format),
        limits_told(
            rule.amount,
            "net spend in the last 12 months ",
            "at least {}",
            "less than {}",
            " and ",
            lambda money: f"{money:,.2f} {plan.currency}",
        ),
        limits_told(
            rule.spend_percentile, "spends as much as ", "at least {}", "less than {}", " and ", _percent_of_buyers
        ),
    ]
    return Label(zh=f"{'，'.join(filter(None, zh))}。", en=f"{'; '.join(filter(None, en))}.")


def _percent_zh(share: float) -> str:
    return f" {share * 100:g}%"


def _percent_of_buyers(share: float) -> str:
    return f"{share * 100:g}% of the buyers of the kind"
