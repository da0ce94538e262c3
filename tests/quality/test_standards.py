"""Regions and industries in the form of the national standards, and what is left as it was sent."""

import pandas as pd
import pytest
from sent import DAY, gate_of, holding, row

from pipeline.folding import fold
from quality.industries import canonical_industries, industry_of, sections
from quality.regions import canonical_regions, find_place, places, region_of


@pytest.mark.parametrize(
    ("text", "code", "names"),
    [
        ("徐汇区虹漕路461号58号楼5楼", "310104", ("上海市", "徐汇区")),
        ("泉州市洛江区万安塘西工业区", "350504", ("福建省", "泉州市", "洛江区")),
        ("我家的地址是江苏淮安清江浦区人民路111号", "320812", ("江苏省", "淮安市", "清江浦区")),
        ("上海市徐汇区虹漕路461号", "310104", ("上海市", "徐汇区")),
        ("上海上海市人民路8号", "31", ("上海市",)),
        ("湖北省仙桃市", "429004", ("湖北省", "仙桃市")),
        ("北京朝阳", "110105", ("北京市", "朝阳区")),
        ("内蒙古自治区呼和浩特市", "1501", ("内蒙古自治区", "呼和浩特市")),
        ("苏州市中山路 1 号", "3205", ("江苏省", "苏州市")),
    ],
)
def test_an_address_tells_its_place(text: str, code: str, names: tuple[str, ...]) -> None:
    place = find_place(text)
    assert place is not None
    assert (place.code, place.names) == (code, names)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("朝阳区建国路 1 号", id="two-cities-have-such-a-county"),
        pytest.param("鼓楼区", id="four-cities-have-such-a-county"),
        pytest.param("南京东路 100 号", id="a-street"),
        pytest.param("中山大学", id="a-university"),
        pytest.param("上海银行大厦", id="a-bank"),
        pytest.param("河南路", id="a-street-named-after-a-province"),
        pytest.param("长春市场", id="a-market"),
        pytest.param("广东省南京市", id="a-city-of-another-province"),
        pytest.param("华东", id="no-province"),
        pytest.param("Shenzhen", id="no-table-gives-it"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_place_that_is_not_certain_is_not_guessed(text: str) -> None:
    assert find_place(text) is None


@pytest.mark.parametrize(
    ("text", "region"),
    [
        *[
            (text, "广东省-深圳市")
            for text in (
                "广东深圳",
                "广东省深圳市",
                "广东-深圳",
                "广东省 深圳市",
                "广东/深圳",
                "深圳",
                "深圳市",
                "深圳市南山区",
                "中国广东省深圳市",
                "廣東省深圳市",
                "廣東-深圳",
            )
        ],
        ("上海-上海", "上海市-上海市"),
        ("上海", "上海市-上海市"),
        ("上海浦东", "上海市-上海市"),
        ("吉林-吉林", "吉林省-吉林市"),
        ("吉林", "吉林省"),
        ("新疆石河子", "新疆维吾尔自治区-石河子市"),
        ("延边州", "吉林省-延边朝鲜族自治州"),
        ("內(nèi)蒙古呼和浩特", "内蒙古自治区-呼和浩特市"),
        ("香港", "香港特别行政区"),
        ("江苏鼓楼区", "江苏省"),
    ],
)
def test_a_region_has_one_form_however_it_is_written(text: str, region: str) -> None:
    assert region_of(text) == region
    assert region in canonical_regions()


def test_the_form_of_a_region_is_its_own_form() -> None:
    assert [region for region in canonical_regions() if region_of(region) != region] == []


def test_every_city_is_known_by_its_name() -> None:
    cities = {code: name for code, name in places().items() if len(code) == 4}
    assert len(cities) == 333
    assert [name for code, name in cities.items() if find_place(name).code != code] == []


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("互联网", "I"),
        ("互聯網", "I"),
        ("IT", "I"),
        ("软件开发", "I"),
        ("I", "I"),
        ("i65", "I"),
        ("6510", "I"),
        ("信息传输、软件和信息技术服务业", "I"),
        ("信息传输,软件及信息技术服务业", "I"),
        ("C 制造业", "C"),
        ("C26 化学原料和化学制品制造业", "C"),
        ("制造", "C"),
        ("Manufacturing", "C"),
        ("批发和零售业", "F"),
        ("餐饮", "H"),
        ("医疗", "Q"),
        ("教育", "P"),
    ],
)
def test_an_industry_is_a_section_however_it_is_called(text: str, letter: str) -> None:
    """I66: aliases of one value."""
    assert industry_of(text) == f"{letter} {sections()[letter]}"


@pytest.mark.parametrize("text", ["J 制造业", "A 类", "99", "其他", "technolgy", "大客户", ""])
def test_an_industry_that_is_not_certain_is_not_guessed(text: str) -> None:
    assert industry_of(text) is None


def test_there_are_twenty_sections_and_each_is_its_own_form() -> None:
    assert len(canonical_industries()) == 20
    assert [industry for industry in canonical_industries() if industry_of(industry) != industry] == []


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("廣東省", "广东省"),
        ("ＡＢＣ　１", "abc 1"),
        ("內(nèi)容", "内容"),
        ("內容（nèi）", "内容"),
        ("(abc)", "(abc)"),
        ("臺灣", "台湾"),
    ],
)
def test_text_folds_to_one_script_and_width(text: str, folded: str) -> None:
    """I66: traditional characters, full width and notes of pronunciation."""
    assert fold(text) == folded


def accepted(rows: list[dict[str, str]], **lists: tuple[str, ...]) -> tuple[pd.DataFrame, dict[str, int]]:
    """What the gate lets through of these customers, and how many break each rule in both judgements."""
    gate = gate_of("customers", day=DAY if not lists else type(DAY)(**{**vars(DAY), "lists": {**DAY.lists, **lists}}))
    with holding("customers", rows) as session:
        counted = gate.split(session)
        found = gate.measure(session, counted)
        return session.frame(gate.accepted()), found


def customers() -> list[dict[str, str]]:
    """Four customers, of whom two are somewhere nobody knows."""
    regions = ["廣東省深圳市", "朝阳区", "华东", ""]
    industries = ["互联网", "I6510", "大客户", " "]
    return [
        row("customers", customer_id=f"C{number}", phone=f"1380013800{number}", region=region, industry=industry)
        for number, (region, industry) in enumerate(zip(regions, industries, strict=True))
    ]


def test_what_the_standard_does_not_know_stays_as_sent_and_is_counted() -> None:
    frame, found = accepted(customers())
    by_id = frame.sort_values("customer_id")
    assert by_id["region"].tolist()[:3] == ["广东省-深圳市", "朝阳区", "华东"]
    assert by_id["industry"].tolist()[:2] == ["I 信息传输、软件和信息技术服务业"] * 2
    assert by_id["industry"].tolist()[2] == "大客户"
    assert by_id[["region", "industry"]].isna().all(axis=1).tolist() == [False, False, False, True]
    assert (found["region_standard"], found["industry_standard"]) == (2, 1)


def test_a_plan_with_regions_and_industries_of_its_own_leaves_them_as_sent() -> None:
    """I62: which industries there are is data."""
    frame, found = accepted(customers(), regions=(), industries=())
    assert sorted(frame["region"].dropna()) == sorted(["廣東省深圳市", "朝阳区", "华东"])
    assert "region_standard" not in found
    assert "industry_standard" not in found
