"""What the cleaners make of what people write: each row is a text as sent and the value it becomes."""

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlglot import exp
from stdnum.cn import uscc

from pipeline.engine import DuckDBEngine, Session, inline, snippet, standard_macros

NONE = None


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="Asia/Shanghai", tables={}, values={}) as session:
        yield session


def made(session: Session, call: str, sent: str) -> Any:
    """What a call makes of `x`, a text that went through clean_text."""
    said = exp.select(snippet("clean_text($sent)", sent=sent).as_("x")).subquery("said")
    [[value]] = session.rows(inline(exp.select(snippet(call)).from_(said), standard_macros()))
    return value


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("  张三 ", "张三"),
        ("\t张三\n", "张三"),
        ("\u00a0张三\u3000", "张三"),
        ("Ｃ００１＿ａ", "C001_a"),
        ("张\u200b三\ufeff", "张三"),
        ("\u202eabc\u202c", "abc"),
        ("上海（浦东）有限公司", "上海（浦东）有限公司"),
        ("a  b", "a  b"),
        ("👍 好", "👍 好"),
        ("null", "null"),
        ("NA", "NA"),
        ("007", "007"),
        ("　\u200b ", NONE),
        ("", NONE),
    ],
)
def test_text(session: Session, sent: str, text: str | None) -> None:
    assert made(session, "x", sent) == text


@pytest.mark.parametrize(
    ("sent", "phone"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("138-0013-8000", "13800138000"),
        ("１３８００１３８０００", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("+86-13800138000", "13800138000"),
        ("008613800138000", "13800138000"),
        ("8613800138000", "13800138000"),
        ("（+86）13800138000", "13800138000"),
        ("13800138000.0", "13800138000"),
        ("010-12345678", "01012345678"),
        ("(010)12345678", "01012345678"),
        ("010 1234 5678", "01012345678"),
        ("0571-8765-4321", "057187654321"),
        ("0571-87654321", "057187654321"),
        ("0571-87654321-801", "057187654321-801"),
        ("0571-87654321转801", "057187654321-801"),
        ("0571-87654321 轉 801", "057187654321-801"),
        ("(0571) 87654321 ext. 801", "057187654321-801"),
        ("0571-87654321分机801", "057187654321-801"),
        ("+86 571 8765 4321", "057187654321"),
        ("+86-0571-87654321", "057187654321"),
        ("+86 10 12345678", "01012345678"),
        ("400-820-8820", "4008208820"),
        ("400 820 8820-12", "4008208820-12"),
        ("800-820-8820", "8008208820"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("0014155550100", "+14155550100"),
        ("+852 2345 6789", "+85223456789"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_phone(session: Session, sent: str, phone: str) -> None:
    assert made(session, "clean_phone(x)", sent) == phone


@pytest.mark.parametrize(
    "sent",
    [
        "12345",
        "1380013800O",
        "99912345678",
        "12800138000",
        "not a phone",
        "13800138000/13900139000",
        "+86 12345",
        "1.38E+10",
    ],
)
def test_what_is_no_phone_stays_as_it_was_said(session: Session, sent: str) -> None:
    assert made(session, "clean_phone(x)", sent) == sent


@pytest.mark.parametrize(
    ("sent", "email"),
    [
        ("Zhang.San@Example.COM", "Zhang.San@example.com"),
        (" someone@example.com ", "someone@example.com"),
        ("someone＠example．com", "someone@example.com"),
        ("someone@example。com", "someone@example.com"),
        ("mailto:someone@example.com", "someone@example.com"),
        ("张三 <someone@Example.com>", "someone@example.com"),
        ("sales#mail.example", "sales#mail.example"),
        ("a@b@c.example", "a@b@c.example"),
    ],
)
def test_email(session: Session, sent: str, email: str) -> None:
    assert made(session, "clean_email(x)", sent) == email


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        ("1234.5", "1234.50"),
        ("-1234.50", "-1234.50"),
        ("+12", "12.00"),
        (".5", "0.50"),
        ("1,234.50", "1234.50"),
        ("1，234.50", "1234.50"),
        ("１，２３４．５０", "1234.50"),
        ("12,345,678", "12345678.00"),
        ("¥1,234.50", "1234.50"),
        ("￥1,234.50", "1234.50"),
        ("$12", "12.00"),
        ("-¥5", "-5.00"),
        ("¥-5", "-5.00"),
        ("1234.5元", "1234.50"),
        ("RMB 1,234", "1234.00"),
        ("1234 CNY", "1234.00"),
        ("人民币1234元", "1234.00"),
        ("12.5万", "125000.00"),
        ("12.5 万元", "125000.00"),
        ("12.5萬", "125000.00"),
        ("1.2亿", "120000000.00"),
        ("1.2億元", "120000000.00"),
        ("3千", "3000.00"),
        ("2百万", "2000000.00"),
        ("2千万", "20000000.00"),
        ("0.00001万", "0.10"),
        ("1,234.5万", "12345000.00"),
        ("-3万", "-30000.00"),
        ("(1,234.50)", "-1234.50"),
        ("（1,234.50）", "-1234.50"),
        ("(¥5万)", "-50000.00"),
        ("1,234.50-", "-1234.50"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("0.1", "0.10"),
        ("1.005", "1.01"),
    ],
)
def test_amount(session: Session, sent: str, amount: str) -> None:
    assert made(session, "clean_decimal(x)", sent) == Decimal(amount)


@pytest.mark.parametrize(
    "sent",
    [
        "1.234,50",
        "1,23",
        "12,34,567",
        "1,234,5",
        "1 234.50",
        "-(5)",
        "(-5)",
        "-5-",
        "--5",
        "5%",
        "€5",
        "USD 5",
        "5k",
        "万",
        "12.",
        "1e3",
        "1e999",
        "NaN",
        "inf",
        "面议",
        "5-6",
        "99999999999999999",
        "9999999999亿",
        "0x10",
    ],
)
def test_what_is_no_amount_is_nothing(session: Session, sent: str) -> None:
    assert made(session, "clean_decimal(x)", sent) is None


def test_an_amount_is_exact_where_a_double_is_not(session: Session) -> None:
    assert made(session, "clean_decimal(x)", "9007199254740993.01") == Decimal("9007199254740993.01")
    assert made(session, "clean_decimal(x)", "900719925474.099301万") == Decimal("9007199254740993.01")


@pytest.mark.parametrize(
    ("sent", "number"),
    [("5", 5), ("-5", -5), ("1,234", 1234), ("5.0", 5), ("3千", 3000), ("5.5", NONE), ("五", NONE), ("9" * 19, NONE)],
)
def test_whole_number(session: Session, sent: str, number: int | None) -> None:
    assert made(session, "clean_integer(x)", sent) == number


@pytest.mark.parametrize(
    ("sent", "rate"),
    [
        ("12.5%", 0.125),
        ("12.5％", 0.125),
        ("100 %", 1.0),
        ("0.125", 0.125),
        ("-3%", -0.03),
        ("%", NONE),
        ("1.234,5%", NONE),
    ],
)
def test_rate(session: Session, sent: str, rate: float | None) -> None:
    assert made(session, "clean_rate(x)", sent) == rate


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        *[(yes, True) for yes in ("是", "有", "真", "对", "對", "Yes", "TRUE", "y", "1", "1.0", "√", "ＹＥＳ")],
        *[(no, False) for no in ("否", "无", "無", "假", "错", "No", "false", "N", "0", "×")],
        *[(neither, NONE) for neither in ("也许", "2", "-", "null")],
    ],
)
def test_yes_or_no(session: Session, sent: str, said: bool | None) -> None:
    assert made(session, "clean_boolean(x)", sent) is said


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2026-03-05", date(2026, 3, 5)),
        ("2026-3-5", date(2026, 3, 5)),
        ("2026/3/5", date(2026, 3, 5)),
        ("2026/03/05 23:59:59", date(2026, 3, 5)),
        ("2026.3.5", date(2026, 3, 5)),
        ("20260305", date(2026, 3, 5)),
        ("20260305143000", date(2026, 3, 5)),
        ("2026年3月5日", date(2026, 3, 5)),
        ("２０２６年３月５日", date(2026, 3, 5)),
        ("2026年3月5号", date(2026, 3, 5)),
        ("2026年3月5日 下午3点", date(2026, 3, 5)),
        ("2024-02-29", date(2024, 2, 29)),
        ("46000", date(2025, 12, 9)),
        ("46000.0", date(2025, 12, 9)),
        ("46000.5", date(2025, 12, 9)),
        ("32874", date(1990, 1, 1)),
        ("54788", date(2049, 12, 31)),
        ("2026-03-05T15:59:59Z", date(2026, 3, 5)),
        ("2026-03-05T16:00:00Z", date(2026, 3, 6)),
        ("2026-03-06T00:30:00+09:00", date(2026, 3, 5)),
        ("1900-01-01", date(1900, 1, 1)),
        ("2099-12-31", date(2099, 12, 31)),
    ],
)
def test_day(session: Session, sent: str, day: date) -> None:
    assert made(session, "clean_date(x)", sent) == day


@pytest.mark.parametrize(
    "sent",
    [
        "2026-02-30",
        "2025-02-29",
        "2026-13-01",
        "2026/2/30",
        "20260230",
        "2026年2月30日",
        "0000-00-00",
        "0001-01-01",
        "1899-12-31",
        "2100-01-01",
        "9999-12-31",
        "03/05/2026",
        "05.03.2026",
        "5-3-2026",
        "26-03-05",
        "2026-3/5",
        "2026-03",
        "2026",
        "32873",
        "54789",
        "1990",
        "4600",
        "460000",
        "1767225600",
        "昨天",
        "25:61",
        "2026-03-05 24:00:00",
        "2026-03-05 10:60",
    ],
)
def test_what_is_no_day_is_nothing(session: Session, sent: str) -> None:
    assert made(session, "clean_date(x)", sent) is None
    assert made(session, "clean_timestamp(x)", sent) is None


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        ("2026-03-05 14:30:15", "2026-03-05 14:30:15+08"),
        ("2026-03-05T14:30", "2026-03-05 14:30:00+08"),
        ("2026-03-05 14:30:15.250", "2026-03-05 14:30:15.25+08"),
        ("2026/3/5 9:05", "2026-03-05 09:05:00+08"),
        ("2026.3.5 9:05:07", "2026-03-05 09:05:07+08"),
        ("20260305143000", "2026-03-05 14:30:00+08"),
        ("2026-03-05", "2026-03-05 00:00:00+08"),
        ("2026-03-05T14:30:00Z", "2026-03-05 22:30:00+08"),
        ("2026-03-05T14:30:00+08:00", "2026-03-05 14:30:00+08"),
        ("2026-03-05 14:30:00 +0800", "2026-03-05 14:30:00+08"),
        ("2026-03-05 14:30:00 UTC", "2026-03-05 22:30:00+08"),
        ("2026-03-05T14:30:00-05:00", "2026-03-06 03:30:00+08"),
        ("2026年3月5日 14:30", "2026-03-05 14:30:00+08"),
        ("2026年3月5日14时30分", "2026-03-05 14:30:00+08"),
        ("2026年3月5日14时30分20秒", "2026-03-05 14:30:20+08"),
        ("2026年3月5日 下午3点", "2026-03-05 15:00:00+08"),
        ("2026年3月5日 上午9点5分", "2026-03-05 09:05:00+08"),
        ("2026年3月5日 中午12点", "2026-03-05 12:00:00+08"),
        ("2026年3月5日 凌晨12点", "2026-03-05 00:00:00+08"),
        ("2026/3/5 下午 3:20:10", "2026-03-05 15:20:10+08"),
        ("2026/3/5 3:20 PM", "2026-03-05 15:20:00+08"),
        ("2026-03-05 12:05 am", "2026-03-05 00:05:00+08"),
        ("46000.5", "2025-12-09 12:00:00+08"),
        ("46000.999999", "2025-12-10 00:00:00+08"),
    ],
)
def test_moment(session: Session, sent: str, moment: str) -> None:
    assert made(session, "cast(clean_timestamp(x) as varchar)", sent) == moment


@pytest.mark.parametrize("sent", ["2026年3月5日 下午25点", "2026-03-05 14:75", "2026-03-05 13:61:00", "2026-03-05 9"])
def test_what_is_no_time_of_day_makes_no_moment(session: Session, sent: str) -> None:
    assert made(session, "clean_timestamp(x)", sent) is None


def test_where_clocks_are_put_forward_a_time_that_never_was_is_the_one_an_hour_on() -> None:
    with DuckDBEngine(memory_limit="1GB", threads=1).session(zone="Europe/Berlin", tables={}, values={}) as session:
        assert made(session, "cast(clean_timestamp(x) as varchar)", "2026-03-29 02:30:00") == "2026-03-29 03:30:00+02"


@pytest.mark.parametrize(
    ("sent", "fits"),
    [
        ("91110000600037341L", True),
        ("91110000600037341A", False),
        ("91110000600037314L", False),
        ("91110000600037341", False),
        ("9111000060003734IL", False),
        ("91110000600037341l", False),
        ("", NONE),
    ],
)
def test_credit_code(session: Session, sent: str, fits: bool | None) -> None:
    assert made(session, "is_credit_code(x)", sent) is fits


def test_of_all_check_characters_the_one_of_another_reckoning_fits(session: Session) -> None:
    alphabet, chance = "0123456789ABCDEFGHJKLMNPQRTUWXY", random.Random(32100)
    bodies = ["".join(chance.choices("0123456789", k=8) + chance.choices(alphabet, k=9)) for _ in range(300)]
    codes = [body + character for body in bodies for character in alphabet]
    rows = exp.values([(code,) for code in codes], alias="codes", columns=["code"])
    query = exp.select("code", snippet("is_credit_code(code)")).from_(rows)
    fitting = [code for code, fits in session.rows(inline(query, standard_macros())) if fits]
    assert sorted(fitting) == sorted(body + uscc.calc_check_digit(body) for body in bodies)
