"""Why a figure is not final, in Chinese: what is told in English clause by clause, told again for Chinese readers.

A reason is made of clauses with "; " between them; each may begin with what it is of: a source, a KPI, a rate.
"""

import re
from collections.abc import Mapping
from functools import cache

from quality.contract import contracts

RATE_NAMES = {
    "completeness": "完整性",
    "accuracy": "准确性",
    "duplicates": "重复率",
    "timeliness": "及时性",
    "cell_completeness": "单元格完整性",
    "volume": "数据量",
    "freshness": "新鲜度",
}
STATE_NAMES = {"final": "正式", "provisional": "暂定", "withheld": "暂不公布"}
HEADINGS = {"missing": "缺失", "provisional": "暂定", "not in the source": "来源未提供"}

WITHOUT = r"without the (\w{3}) ([\d,.−]+) of (\w+) that names no ([\w ]+) \(([\d.]+%) of all \w+\)"
"""What the figure of a member leaves out."""
PHRASES = (
    (r"no rows", "没有数据行"),
    (r"no value", "没有数值"),
    (r"no target", "没有目标"),
    (r"no source(?: is declared)?", "未配置来源"),
    (r"can't be read", "无法读取"),
    (r"can't be had here", "此处无法取得"),
    (r"has no value in the period", "该周期没有数值"),
    (r"no measure is declared", "未申报应对措施"),
    (r"no day it was found, so no deadline", "未填发现日期，无法确定期限"),
    (r"the source does not say when rows were entered", "来源未说明数据的录入时间"),
    (r"(\S+) or (\S+) is in no source", "来源中没有 {0} 或 {1}"),
    (r"([\d,]+) rows, ([\d,]+) are usual", "共 {0} 行，通常为 {1} 行"),
    (r"the newest row is of (\S+), (\d+) days behind", "最新一行为 {0}，落后 {1} 天"),
    (r"(\d+) are allowed", "容许 {0} 天"),
    (r"(\w+) ([\d.]+%), asked at least ([\d.]+%)", "{0} {1}，要求不低于 {2}"),
    (r"(\w+) ([\d.]+%), asked at most ([\d.]+%)", "{0} {1}，要求不高于 {2}"),
    (r"(.+) is not mapped", "{0} 未配置映射"),
    (r"the plan says nothing under (\S+)", "方案未填写 {0}"),
    (r"numerator is unknown: it has no rows", "分子未知：没有数据行"),
    (r"denominator is unknown: it has no rows", "分母未知：没有数据行"),
    (r"denominator is 0", "分母为 0"),
    (r"not scorable: there is no target for it", "无法评分：没有目标"),
    (r"missing: (.+), so that the weights are (.+)", "缺失：{0}；其余权重：{1}"),
    (r"not scored: the target has no floor on its worse side", "未评分：目标没有设下限值"),
    (r"has no score for (.+), which others have", "缺少其他成员都有的得分：{0}"),
    (r"no interval for (.+)", "没有区间：{0}"),
    (r"no budget is for it", "没有对应的预算"),
    (r"its costs are charged to shared lines", "费用记在共用预算中"),
    (
        r"not held against the target for the whole: what names no member is for all of them",
        "不与整体目标相比：未注明成员的数额归全体共有",
    ),
    (
        rf"not held against the target for the whole: {WITHOUT}",
        "不与整体目标相比：不含未注明{3}的{2} {1} {0}（占全部{2}的 {4}）",
    ),
    (
        r"not held against a target: too short for what is booked by the month",
        "不与目标相比：费用按月入账，周期过短",
    ),
    (WITHOUT, "不含未注明{3}的{2} {1} {0}（占全部{2}的 {4}）"),
    (r"the intervals touch: nobody is ranked before another", "区间相互重叠，不分先后"),
)
"""What is said -> the same in Chinese; the parts in brackets are carried over, by their names where they have any."""
LIST = ", "


def in_chinese(reason: str | None, names: Mapping[str, str] | None = None) -> str | None:
    """A reason in Chinese; a clause that is not known stays as it is.

    Args:
        names: What KPIs are called; sources and rates are known.

    >>> in_chinese("orders: accuracy 95.2%, asked at least 98.0%; denominator is 0")
    '订单：准确性 95.2%，要求不低于 98.0%；分母为 0'
    """
    if not isinstance(reason, str):
        return None
    return "；".join(_clause(clause, names or {}) for clause in reason.split("; "))


@cache
def _names() -> dict[str, str]:
    return {name: contract.label.zh for name, contract in contracts().items()} | RATE_NAMES


def _clause(clause: str, names: Mapping[str, str]) -> str:
    for phrase, chinese in PHRASES:
        if found := re.fullmatch(phrase, clause):
            return chinese.format(*(_listed(part, _names() | dict(names)) for part in found.groups()))
    head, colon, rest = clause.partition(": ")
    if colon and head in HEADINGS:
        return f"{HEADINGS[head]}：{_listed(rest, names)}"
    # a source may have the name of a KPI that counts its rows: what is wrong is wrong with the source
    if colon and (name := _names().get(head, names.get(head))):
        return f"{name}：{_clause(rest, names)}"
    return STATE_NAMES.get(clause, clause)


def _listed(part: str, names: Mapping[str, str]) -> str:
    """The names in a list; a number has no thousands of its own here, so a comma and a blank part two."""
    if LIST not in part:
        return _weighed(part.replace(" or ", " 或 "), names)
    return "、".join(_weighed(name, names) for name in part.split(LIST))


def _weighed(name: str, names: Mapping[str, str]) -> str:
    """A name, with the weight that may stand behind it."""
    if name in names:
        return names[name]
    bare, blank, weight = name.partition(" ")
    return names.get(bare, bare) + blank + weight
