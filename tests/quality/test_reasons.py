"""Reasons in Chinese: what keeps a figure from being final is told clause by clause."""

import re

import pytest

from assets.chinese import chinese
from quality.reasons import RATE_NAMES, STATE_NAMES, in_chinese

NAMES = {"cac": "客户获取成本", "nps": "净推荐值"}


@pytest.mark.parametrize(
    ("reason", "chinese_reason"),
    [
        ("no rows", "没有数据行"),
        ("orders: no source is declared", "订单：未配置来源"),
        (
            "answers: accuracy 95.2%, asked at least 98.0%; duplicates 3.0%, asked at most 2.0%",
            "问卷回答：准确性 95.2%，要求不低于 98.0%；重复率 3.0%，要求不高于 2.0%",
        ),
        ("leads: volume: 12 rows, 1,400 are usual", "线索：数据量：共 12 行，通常为 1,400 行"),
        (
            "orders: freshness: the newest row is of 2026-11-01, 19 days behind; 3 are allowed",
            "订单：新鲜度：最新一行为 2026-11-01，落后 19 天；容许 3 天",
        ),
        ("customers: not in the source: name, phone", "客户：来源未提供：name、phone"),
        ("leads.phone or leads.email is not mapped", "leads.phone 或 leads.email 未配置映射"),
        ("the plan says nothing under definitions.audience", "方案未填写 definitions.audience"),
        ("cac: denominator is 0; nps: expenses: withheld", "客户获取成本：分母为 0；净推荐值：费用：暂不公布"),
        ("missing: cac, nps; provisional: cac", "缺失：客户获取成本、净推荐值；暂定：客户获取成本"),
        ("missing: nps, so that the weights are cac 60.0%", "缺失：净推荐值；其余权重：客户获取成本 60.0%"),
        ("no budget is for it", "没有对应的预算"),
        ("has no score for cac, nps, which others have", "缺少其他成员都有的得分：客户获取成本、净推荐值"),
        ("the intervals touch: nobody is ranked before another", "区间相互重叠，不分先后"),
        ("something nobody has said before", "something nobody has said before"),
    ],
)
def test_a_reason_is_told_in_chinese_with_its_names_and_numbers(reason: str, chinese_reason: str):
    told = in_chinese(reason, NAMES)
    assert told == chinese_reason
    assert re.findall(r"\d", told) == re.findall(r"\d", reason)


def test_nothing_said_is_nothing_told():
    assert in_chinese(None) is None


def test_rates_and_states_are_called_what_the_dictionary_calls_them():
    words = chinese().words
    assert {name: words["dimension"][name] for name in RATE_NAMES} == RATE_NAMES
    assert {name: words["state"][name] for name in STATE_NAMES} == STATE_NAMES
