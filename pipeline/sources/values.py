"""What a feed says of its values, so that the gate can read them: a unit, a time zone, the form of a date, a product.

Text that does not fit what was agreed must not be read some other way by luck: it is landed as sent with the reason
in brackets behind it, which no cleaner takes for a value, and the gate keeps the row back.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.]\d{1,9})?)?(?:Z|[-+]\d{2}:?\d{2})?)?")
DAY_AND_TIME = re.compile(
    r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|[.](\d{1,2})[.]|年(\d{1,2})月)(\d{1,2})日?"
    r"(?:[T ] ?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.](\d{1,6})\d*)?)?)?"
)
OWN_OFFSET = re.compile(r".*\d:\d{2}(?::\d{2}(?:[.]\d+)?)? ?(?:Z|UTC|GMT|[-+]\d{2}(?::?\d{2})?)")
PLAIN_NUMBER = re.compile(r"([-+]?)[¥$]?((?:\d+|\d{1,3}(?:,\d{3})+)(?:[.]\d+)?)")

UNITS = {
    "千": "千", "千元": "千", "万": "万", "万元": "万", "十万元": "十万", "百万": "百万", "百万元": "百万",
    "千万": "千万", "千万元": "千万", "亿": "亿", "亿元": "亿",
}  # fmt: skip
"""What may be declared as the unit of a column -> the word behind a number."""
STATES_ITS_UNIT = "[千万萬亿億元圆圓%％]"
CAN_BE_A_NUMBER = r"^[\p{Nd}\p{Z}\p{C}\p{P}\p{S}A-Za-zＡ-Ｚａ-ｚ人民币]*$"

MULTIPLIED = " × "


def in_unit(sent: pa.StringArray, unit: str) -> pa.StringArray:
    """Numbers with the unit's word behind the last digit; what names a unit of its own, or is none, stays as sent.

    >>> in_unit(pa.array(["12.5", "(1,200)", "3 元", "待定"]), "万元").to_pylist()
    ['12.5万', '(1,200万)', '3 元', '待定']
    """
    is_plain = pc.and_(
        pc.match_substring_regex(sent, CAN_BE_A_NUMBER), pc.invert(pc.match_substring_regex(sent, STATES_ITS_UNIT))
    )
    named = pc.replace_substring_regex(sent, r"^([\s\S]*\p{Nd})(\P{Nd}*)$", rf"\1{UNITS[unit]}\2")
    return pc.if_else(pc.fill_null(is_plain, False), named, sent)


def in_format(sent: pa.StringArray, form: str) -> pa.StringArray:
    """Dates of this `strptime` format as ISO 8601.

    A date in ISO's own form, as a workbook's date cells have it, is left alone, unless the format starts with the
    year itself and could mean something else by it.

    >>> in_format(pa.array(["03/04/2026", "2026-04-03", "04/2026"]), "%d/%m/%Y").to_pylist()
    ['2026-04-03', '2026-04-03', '04/2026 [not %d/%m/%Y]']
    """
    may_be_iso = not form.startswith(("%Y", "%y"))

    def read(text: str) -> str:
        plain = _ordinary(text)
        if may_be_iso and ISO.fullmatch(plain):
            return text
        try:
            found = datetime.strptime(plain, form)
        except ValueError:
            return _unread(text, f"not {form}")
        return found.isoformat(sep=" ") if tells_time(form) else found.date().isoformat()

    return _each(sent, read)


def tells_time(form: str) -> bool:
    """Whether a format holds a time of day."""
    return any(part in form for part in ("%H", "%I", "%T", "%X", "%c"))


def tells_day(form: str) -> bool:
    """Whether a moment that was written in a format can be read out of it again, to the minute if it tells the time."""
    moment = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    try:
        again = datetime.strptime(moment.strftime(form), form)
    except (ValueError, re.error):
        return False
    is_same_time = (again.hour, again.minute) == (moment.hour, moment.minute)
    return again.date() == moment.date() and (is_same_time or not tells_time(form))


def local_time(sent: pa.StringArray, zone: ZoneInfo) -> pa.StringArray:
    """Moments without an offset as local time of the zone, with the offset it has then; others as sent.

    A time that the clocks skip is no time. Of one they show twice the first is taken.

    >>> local_time(pa.array(["2026-11-20 8:30", "2026/3/8 2:30", "2026-03-08T07:30Z"]),
    ...     ZoneInfo("America/New_York")).to_pylist()
    ['2026-11-20 08:30:00-05:00', '2026/3/8 2:30 [no local time of America/New_York]', '2026-03-08T07:30Z']
    """

    def read(text: str) -> str:
        if text.endswith("]"):
            return text
        plain = _ordinary(text)
        found = DAY_AND_TIME.fullmatch(plain)
        if found is None:
            return text if OWN_OFFSET.fullmatch(plain) else _unread(text, f"no local time of {zone.key}")
        year, *months, day, hour, minute, second, fraction = found.groups()
        month = next(filter(None, months))
        clock = (int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0")))
        try:
            moment = datetime(int(year), int(month), int(day), *clock, tzinfo=zone)
            is_skipped = moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None)
        except (ValueError, OverflowError):
            is_skipped = True
        return _unread(text, f"no local time of {zone.key}") if is_skipped else _with_offset(moment)

    return _each(sent, read)


def _with_offset(moment: datetime) -> str:
    """With the offset in hours and minutes, as it is written; before standard time there were seconds too."""
    offset = moment.utcoffset() or timedelta(0)
    whole = timedelta(minutes=round(offset / timedelta(minutes=1)))
    shown = (moment.replace(tzinfo=None) - offset + whole).isoformat(sep=" ")
    sign, minutes = ("-", -whole) if whole < timedelta(0) else ("+", whole)
    return f"{shown}{sign}{minutes // timedelta(hours=1):02d}:{minutes // timedelta(minutes=1) % 60:02d}"


def product(columns: Sequence[pa.StringArray]) -> pa.StringArray:
    """The exact product of plain numbers, row by row; blank where all are, else the texts as sent, told apart.

    >>> product([pa.array(["3", "1,000", "2", ""]), pa.array(["0.335", "-2", "x", ""])]).to_pylist()
    ['1.005', '-2000', '2 × x', '']
    """
    rows = list(zip(*(column.to_pylist() for column in columns), strict=True))
    # most goods are sold at few prices and in few quantities
    products = {row: _multiplied(row) for row in dict.fromkeys(rows)}
    return pa.array([products[row] for row in rows], pa.string())


def _multiplied(parts: Sequence[str | None]) -> str | None:
    plain = [_ordinary(part or "") for part in parts]
    if not any(plain):
        return parts[0]
    numbers = [PLAIN_NUMBER.fullmatch(part) for part in plain]
    if not all(numbers):
        return MULTIPLIED.join(part or "" for part in parts)
    with localcontext(prec=200):
        total = Decimal(1)
        for number in filter(None, numbers):
            total *= Decimal(number[1] + number[2].replace(",", ""))
        return format(total, "f")


def _each(sent: pa.StringArray, read: Callable[[str], str]) -> pa.StringArray:
    """The function of every text that is not blank; each distinct one is read once."""
    codes = pc.dictionary_encode(sent)
    words = [read(word) if word.strip() else word for word in codes.dictionary.to_pylist()]
    return pc.take(pa.array(words, pa.string()), codes.indices)


def _ordinary(text: str) -> str:
    """Without blanks around it and invisible characters, full-width ones in their ordinary form."""
    visible = (letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    return "".join(visible).strip()


def _unread(text: str, reason: str) -> str:
    return f"{text} [{reason}]"
