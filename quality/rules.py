"""A rule, said twice: as a predicate of the engine that splits the rows, and as an expectation on the frame.

Both look at the typed relation of the gate, whose helper columns are named here: `_raw_x` is the text of a column
that is not text, `_unread_x` that text where no value could be made of it, `_key_rule` the hash two rows share when
the rule takes them for one, `_due` the last moment a row may be entered in its source, `_rated_since` the first day
there is a rate of exchange for its currency. The frame alone has
`_wrong_check_x`, the codes of x whose check character is wrong by the library's own reckoning.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from pipeline.engine import snippet
from quality.contract import Contract, Rule, contracts
from quality.erasure import is_about, looks_for_personal

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

KEY_PREFIX = "_key_"
RAW_PREFIX = "_raw_"
UNREAD_PREFIX = "_unread_"
DUE = "_due"
RATED_SINCE = "_rated_since"
WRONG_CHECK_PREFIX = "_wrong_check_"
FROM_PREFIX = "_from_"
SOURCE = "_source"
NOT_OF = "not_of"
"""Argument of a rule: the sources whose rows it is not asked of."""


@dataclass(frozen=True)
class Day:
    """What a rule must know beside the row."""

    as_of: date
    zone: ZoneInfo
    currency: str
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a value may be, by name: the plan's channels and products, the regions and industries of the national
    standards. One that is empty judges nothing."""
    erased: frozenset[str] = frozenset()
    """Customers whose personal data is erased: no rule looks for it."""
    rated: Mapping[str, date] = field(default_factory=dict)
    """Currency -> the first day there is a rate of exchange into the plan's."""
    missing_words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Reason -> what sources write instead of a value."""

    @property
    def next_day(self) -> date:
        """The first day that is in the future."""
        return self.as_of + timedelta(days=1)


def is_of_moments(rule: Rule, contract: Contract) -> bool:
    """Whether it compares two moments, of which the first may have been written as a day."""
    return rule.kind == "not_before" and all(contract.by_name[name].type == "timestamp" for name in rule.columns)


def looked_at(rule: Rule, contract: Contract, *, typed: bool = True) -> tuple[str, ...]:
    """The columns of the relation a rule reads: of the typed one, or of dwd, which has no helper columns but keys."""
    first = rule.columns[0]
    match rule.kind:
        case "required":
            return (_raw_name(contract, first) if typed else first,)
        case "type":
            return (f"{UNREAD_PREFIX}{first}",)
        case "unique":
            return (f"{KEY_PREFIX}{rule.id}",)
        case "recorded_in_time":
            return (rule.columns[1], DUE)
        case "rate_known":
            return (rule.columns[1], RATED_SINCE)
    return rule.columns


def _raw_name(contract: Contract, name: str) -> str:
    return name if contract.by_name[name].type == "text" else f"{RAW_PREFIX}{name}"


# --- the predicate -------------------------------------------------------------------------------------------------

_PREDICATES = {
    "required": "$x is null",
    "expected": "$x is null",
    "type": "$x is not null",
    "pattern": "not regexp_matches($x, $pattern)",
    "length": "length($x) > $maximum",
    "check_character": "credit_remainder($x) <> 0",
    "above": "$x <= $limit",
    "not_in_future": "$x >= $next_day",
    "rate_known": "$x < $y",
    "not_before": "$x < $y",
    "not_below": "$x < $y",
    "not_above": "$x > $y",
    "minimum_when": "$y = $equals and $x < $minimum",
    "required_when": "$y = $equals and $x is null",
    "unique": "$x is not null and count(*) over (partition by $x) > 1",
    "recorded_in_time": "$x > $y",
}


def broken(rule: Rule, contract: Contract, day: Day) -> exp.Expr:
    """True where a row of the typed relation breaks the rule, never NULL."""
    columns = [exp.column(name, quoted=True) for name in looked_at(rule, contract)]
    if rule.kind == "range":
        predicate = _outside(columns[0], rule.arguments["minimum"], rule.arguments["maximum"])
    elif rule.kind in ("allowed", "listed", "standard", "plan_currency"):
        predicate = columns[0].isin(*_values(rule, day)).not_()
    elif rule.kind == "key":
        predicate = _shared(rule, columns)
    elif is_of_moments(rule, contract):
        # midnight is what remains of a day without a time: a deal closed on the day it was entered is not backdated
        predicate = snippet("$x < $y and $x <> date_trunc('day', $y)", x=columns[0], y=columns[1])
    else:
        values = dict(rule.arguments) | {"next_day": _moment(rule, contract, day)}
        predicate = snippet(_PREDICATES[rule.kind], x=columns[0], y=columns[-1], **values)
    if NOT_OF in rule.arguments:
        predicate = exp.and_(predicate, exp.column(SOURCE, quoted=True).isin(*rule.arguments[NOT_OF]).not_())
    if contract.about and day.erased and looks_for_personal(rule, contract):
        predicate = exp.and_(exp.not_(is_about(contract, day.erased)), exp.paren(predicate))
    return snippet("coalesce($predicate, false)", predicate=predicate)


def _values(rule: Rule, day: Day) -> tuple[str, ...]:
    if rule.kind == "plan_currency":
        return (day.currency, *(day.rated if rule.arguments.get("converted") else ()))
    return rule.arguments["values"] if rule.kind == "allowed" else day.lists[rule.arguments["list"]]


def _outside(x: exp.Expr, minimum: float | None, maximum: float | None) -> exp.Expr:
    bounds = [snippet("$x < $bound", x=x, bound=minimum)] if minimum is not None else []
    bounds += [snippet("$x > $bound", x=x, bound=maximum)] if maximum is not None else []
    return exp.or_(*bounds)


def _shared(rule: Rule, columns: list[exp.Column]) -> exp.Expr:
    """Whether another row has the same key; one that lacks a part it must have shares it with nobody."""
    complete = [column.is_(exp.null()).not_() for column in columns if column.name not in rule.arguments["optional"]]
    rows = exp.Window(this=snippet("count(*)"), partition_by=columns)
    return exp.and_(*complete, snippet("$rows > 1", rows=rows))


def _moment(rule: Rule, contract: Contract, day: Day) -> exp.Expr:
    """The first moment of the next day, as the type of the rule's column."""
    literal = exp.cast(exp.Literal.string(day.next_day.isoformat()), "date")
    return literal if contract.by_name[rule.columns[0]].type == "date" else exp.cast(literal, "timestamptz")


# --- the expectation -----------------------------------------------------------------------------------------------


def expectation(rule: Rule, contract: Contract, day: Day, *, typed: bool) -> "Expectation":
    """The rule as a native expectation; `typed` says whether the frame is the gate's typed relation or dwd's."""
    import great_expectations.expectations as gxe

    columns = looked_at(rule, contract, typed=typed)
    arguments = rule.arguments
    simple: Mapping[str, Callable[[], Expectation]] = {
        "required": lambda: gxe.ExpectColumnValuesToNotBeNull(column=columns[0], **_when(arguments)),
        "type": lambda: gxe.ExpectColumnValuesToBeNull(column=columns[0]),
        "expected": lambda: gxe.ExpectColumnValuesToNotBeNull(column=columns[0]),
        "allowed": lambda: gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=list(_values(rule, day))),
        "listed": lambda: gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=list(_values(rule, day))),
        "standard": lambda: gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=list(_values(rule, day))),
        "range": lambda: gxe.ExpectColumnValuesToBeBetween(
            column=columns[0], min_value=arguments["minimum"], max_value=arguments["maximum"]
        ),
        "pattern": lambda: gxe.ExpectColumnValuesToMatchRegex(column=columns[0], regex=arguments["pattern"]),
        "length": lambda: gxe.ExpectColumnValueLengthsToBeBetween(column=columns[0], max_value=arguments["maximum"]),
        "above": lambda: gxe.ExpectColumnValuesToBeBetween(
            column=columns[0], min_value=arguments["limit"], strict_min=True
        ),
        "check_character": lambda: gxe.ExpectColumnValuesToBeNull(column=f"{WRONG_CHECK_PREFIX}{columns[0]}"),
        "plan_currency": lambda: gxe.ExpectColumnValuesToBeInSet(column=columns[0], value_set=list(_values(rule, day))),
        "rate_known": lambda: _at_least(columns[0], columns[1]),
        "not_in_future": lambda: gxe.ExpectColumnValuesToBeBetween(
            column=columns[0], max_value=_bound(day), strict_max=True
        ),
        "not_before": lambda: _at_least(
            columns[0], f"{FROM_PREFIX}{rule.id}" if is_of_moments(rule, contract) else columns[1]
        ),
        "not_below": lambda: _at_least(columns[0], columns[1]),
        "not_above": lambda: _at_least(columns[1], columns[0]),
        "recorded_in_time": lambda: _at_least(columns[1], columns[0]),
        "minimum_when": lambda: gxe.ExpectColumnValuesToBeBetween(
            column=columns[0], min_value=arguments["minimum"], **_when(arguments)
        ),
        "required_when": lambda: gxe.ExpectColumnValuesToNotBeNull(column=columns[0], **_when(arguments)),
        "key": lambda: _unlike_any_other(columns, arguments["optional"]),
        "unique": lambda: gxe.ExpectColumnValuesToBeUnique(column=columns[0]),
    }
    return simple[rule.kind]()


def earliest(moment: "pd.Series", other: "pd.Series", zone: ZoneInfo) -> "pd.Series":
    """What a moment must not lie before: the other one, but a day of its own, which is midnight, that day."""
    return other.where(moment != other.dt.tz_convert(zone).dt.normalize(), moment)


def _bound(day: Day) -> datetime:
    return datetime.combine(day.next_day, time.min, day.zone)


def _at_least(larger: str, smaller: str) -> "Expectation":
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=larger, column_B=smaller, or_equal=True, ignore_row_if="either_value_is_missing"
    )


def _unlike_any_other(columns: tuple[str, ...], optional: tuple[str, ...]) -> "Expectation":
    """For the library two blanks are the same in a key of several columns, and no value at all in one of a single."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    if len(columns) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=columns[0])
    present = [Column(name).is_not_null() for name in columns if name not in optional]
    return gxe.ExpectCompoundColumnsToBeUnique(
        column_list=list(columns), ignore_row_if="never", row_condition=reduce(and_, present)
    )


def _when(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A condition as an object of the library: its strings are evaluated as code, these are not."""
    from great_expectations.expectations.row_conditions import Column

    conditions = [Column(arguments["column"]) == arguments["equals"]] if "equals" in arguments else []
    conditions += [Column(SOURCE).is_not_in(arguments[NOT_OF])] if NOT_OF in arguments else []
    return {"row_condition": reduce(and_, conditions)} if conditions else {}


# --- the words -----------------------------------------------------------------------------------------------------

VALUE_NAMES = {"sale": "销售", "refund": "退款"}
"""What the values of conditions are called in Chinese."""
_WORDS: dict[str, tuple[str, str]] = {
    "required": ("{zh}为必填项", "{en} is required"),
    "type": ("{zh}无法识别", "{en} can't be read"),
    "allowed": ("{zh}不在允许的取值内", "{en} is not one of the allowed values"),
    "expected": ("{zh}未填写", "{en} is not filled in"),
    "listed": ("{zh}不在方案列出的取值内", "{en} is not one of those the plan lists"),
    "standard": ("{zh}无法对应 {standard}", "{en} is not known to {standard}"),
    "range": ("{zh}超出允许范围", "{en} is out of range"),
    "pattern": ("{zh}格式不正确", "{en} has the wrong form"),
    "length": ("{zh}过长", "{en} is too long"),
    "check_character": ("{zh}校验码不正确", "{en} has a wrong check character"),
    "above": ("{zh}须大于 {limit}", "{en} must be more than {limit}"),
    "not_in_future": ("{zh}晚于评估日", "{en} lies after the day evaluated"),
    "plan_currency": ("{zh}与方案币种不一致", "{en} is not the plan's currency"),
    "not_convertible": (
        "{zh}与方案币种不一致，且没有汇率",
        "{en} is not the plan's, and there is no rate of exchange for it",
    ),
    "rate_known": ("{zh}在{other_zh}当日及之前没有汇率", "{en} has no rate of exchange on that day or before"),
    "not_before": ("{zh}早于{other_zh}", "{en} lies before {other_en}"),
    "not_below": ("{zh}低于{other_zh}", "{en} is below {other_en}"),
    "not_above": ("{zh}高于{other_zh}", "{en} is above {other_en}"),
    "minimum_when": (
        "{other_zh}为{equals_zh}时{zh}不得低于 {minimum}",
        "{en} of a {equals} must be at least {minimum}",
    ),
    "required_when": ("{other_zh}为{equals_zh}时{zh}为必填项", "{en} is required for a {equals}"),
    "key": ("{all_zh}重复", "{key_en} is there more than once"),
    "unique": ("重复记录：{all_zh}相同", "The same {all_en} is there more than once"),
    "known": ("{zh}在{table_zh}中查不到", "{en} is not among the {table_en}"),
    "refunds_within": ("退款合计超过原订单金额", "Refunds add up to more than the order"),
    "recorded_in_time": ("录入晚于规定的 {days} 天", "Entered more than {days} days after the event"),
}


def message(rule: Rule, contract: Contract) -> tuple[str, str]:
    """What is wrong with a row that breaks the rule, in Chinese and English."""
    labels = [contract.by_name[name].label for name in rule.columns]
    words = {
        "zh": labels[0].zh,
        "en": labels[0].en,
        "other_zh": labels[-1].zh,
        "other_en": labels[-1].en.lower(),
        "all_zh": "、".join(label.zh for label in labels),
        "all_en": ", ".join(label.en.lower() for label in labels),
        "key_en": ", ".join([labels[0].en, *(label.en.lower() for label in labels[1:])]),
    } | dict(rule.arguments)
    words["equals_zh"] = VALUE_NAMES.get(str(words.get("equals")), words.get("equals"))
    if rule.kind == "known":
        label = contracts()[rule.arguments["table"]].label
        words |= {"table_zh": label.zh, "table_en": label.en.lower()}
    chinese, english = _WORDS["not_convertible" if rule.arguments.get("converted") else rule.kind]
    return chinese.format_map(words), english.format_map(words)
