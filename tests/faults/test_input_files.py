"""What is wrong with files in real life, and what becomes of it."""

import gzip
import json
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml
from runs import bytes_of, order, write_small_company
from sent import gate_of, holding, row
from sqlglot import parse_one

import pipeline.sources.delimited
from assets.day import ProjectDay
from assets.ods import land
from assets.ods.columns import Drift, drift, drifts, steady_result
from pipeline.errors import SourceError
from pipeline.project import Feed, Project
from pipeline.sources import FeedReader, FeedReport, UnreadableRow
from pipeline.sources import spreadsheet as spreadsheets
from quality.contract import contracts

DAY, YESTERDAY = date(2026, 11, 20), date(2026, 11, 19)
HEADER = "id,name,amount\n"


@dataclass
class Landed:
    """What a feed brought."""

    rows: list[dict[str, Any]]
    report: FeedReport

    def values(self, *columns: str) -> list[tuple[Any, ...]]:
        return [tuple(row[column] for column in columns) for row in self.rows]

    @property
    def unreadable(self) -> list[UnreadableRow]:
        return self.report.unreadable


Deliver = Callable[..., Landed]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Put a file into the landing folder, read it, and return what was landed."""

    def read(
        content: str | bytes | None, *, file: str = "orders.csv", required: tuple[str, ...] = ("id",), **feed: Any
    ) -> Landed:
        if content is not None:
            (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
        reader = FeedReader(
            Feed(source="finance", file=file, **feed),
            table="orders",
            columns=("id", "name", "amount"),
            required=required,
            landing=tmp_path,
            as_of=DAY,
            environment={},
        )
        with reader:
            rows = [row for batch in reader.batches() for row in batch.to_pylist()]
        return Landed(rows, reader.report)

    return read


def sheet(path: Path, rows: list[list[str]]) -> None:
    """A workbook with one sheet of texts."""
    with xlsxwriter.Workbook(path) as workbook:
        page = workbook.add_worksheet("Data")
        for number, row in enumerate(rows):
            for place, text in enumerate(row):
                page.write_string(number, place, text)


def encrypted_workbook() -> bytes:
    """The smallest file that is what Excel writes under a password: a compound file with an EncryptedPackage."""
    end, free, allocation = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    head = struct.pack("<8s16x5H6x9I", magic, 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0)
    sectors = struct.pack("<109I", 0, *[free] * 108) + struct.pack("<128I", allocation, end, *[free] * 126)

    def entry(name: str, kind: int, child: int) -> bytes:
        text = name.encode("utf-16-le")
        return text.ljust(64, b"\0") + struct.pack("<HBB3I36xIQ", len(text) + 2, kind, 1, free, free, child, end, 0)

    return head + sectors + entry("Root Entry", 5, 1) + entry("EncryptedPackage", 2, free) + bytes(256)


# absent and empty files


def test_a_missing_file_is_named_and_worth_another_try(deliver):
    with pytest.raises(SourceError, match=r"orders_2026-11-20\.csv is not in") as caught:
        deliver(None, file="orders_{as_of}.csv")
    assert caught.value.transient


def test_a_zero_byte_file_stops_the_run_even_where_empty_is_allowed(deliver):
    with pytest.raises(SourceError, match=r"orders\.csv is empty \(0 bytes\)"):
        deliver(b"", allow_empty=True)


def test_a_compressed_file_with_nothing_in_it_stops_the_run(deliver):
    with pytest.raises(SourceError, match="is empty, it has not even a header"):
        deliver(gzip.compress(b""), file="orders.csv.gz")


def test_a_header_without_rows_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"has no rows; .* allow_empty: true"):
        deliver(HEADER)


def test_a_header_without_rows_is_fine_where_empty_is_allowed(deliver):
    landed = deliver(HEADER, allow_empty=True)
    assert (landed.rows, landed.report.rows_read, landed.report.columns_found) == ([], 0, ["id", "name", "amount"])


def test_the_same_file_delivered_again_gives_the_same_rows_and_hash(deliver):
    content = HEADER + "1,Wang,12.50\n2,李,3\n"
    first, second = deliver(content), deliver(content)
    assert first.rows == second.rows
    assert first.report.inputs == second.report.inputs


# files cut off or still growing


def test_a_file_cut_off_in_the_middle_of_a_row_stops_the_run(deliver):
    with pytest.raises(SourceError, match="ends in the middle of line 3"):
        deliver(HEADER + "1,Wang,12.50\n2,Li")


def test_a_last_row_without_line_break_is_a_row(deliver):
    assert deliver(HEADER + "1,Wang,12.50\n2,Li,3").values("id", "_line") == [("1", 2), ("2", 3)]


def test_a_truncated_gz_stops_the_run(deliver):
    rows = HEADER + "".join(f"{n},{os.urandom(4).hex()},1\n" for n in range(5000))
    with pytest.raises(SourceError, match="cut off or damaged"):
        deliver(gzip.compress(rows.encode())[:-3000], file="orders.csv.gz")


def test_a_gz_with_a_wrong_checksum_stops_the_run(deliver):
    packed = bytearray(gzip.compress((HEADER + "1,Wang,12.50\n").encode()))
    packed[-6] ^= 0xFF
    with pytest.raises(SourceError, match="cut off or damaged"):
        deliver(bytes(packed), file="orders.csv.gz")


def test_plain_text_that_is_called_gz_stops_the_run(deliver):
    with pytest.raises(SourceError, match="cut off or damaged"):
        deliver(HEADER + "1,Wang,12.50\n", file="orders.csv.gz")


def test_json_lines_cut_off_in_the_middle_of_a_line_stop_the_run(deliver):
    with pytest.raises(SourceError, match="ends in the middle of line 2"):
        deliver('{"id": "1"}\n{"id": "2', file="orders.jsonl")


def test_a_file_that_changes_while_it_is_read_is_worth_another_try(tmp_path, deliver):
    path = tmp_path / "orders.csv"
    path.write_text(HEADER + "1,Wang,12.50\n")
    reader = FeedReader(
        Feed(source="finance", file="orders.csv"),
        table="orders",
        columns=("id", "name", "amount"),
        required=("id",),
        landing=tmp_path,
        as_of=DAY,
        environment={},
    )
    batches = reader.batches()
    next(batches)
    with path.open("a") as file:
        file.write("2,Li,3\n")
    with pytest.raises(SourceError, match="changed while it was read") as caught:
        list(batches)
    assert caught.value.transient


@pytest.mark.parametrize("ending", [".part", ".filepart", ".crdownload", ".tmp"])
def test_a_file_that_is_still_being_copied_is_not_part_of_a_pattern(tmp_path, deliver, ending):
    (tmp_path / f"orders_2.csv{ending}").write_text(HEADER + "2,Li,3\n")
    (tmp_path / ".orders_3.csv").write_text(HEADER + "3,Chen,3\n")
    (tmp_path / "orders_1.csv").write_text(HEADER + "1,Wang,12.50\n")
    landed = deliver(None, file="orders_*", format="csv")
    assert [file.name for file in landed.report.inputs] == ["orders_1.csv"]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        pytest.param(
            "orders.csv.gz", gzip.compress(b"order_id\n" * 9999)[:-9], "cut off or damaged", id="truncated-gz"
        ),
        pytest.param("orders.csv", b"order_id,amount\n1,5\n2", "ends in the middle", id="cut-off-row"),
        pytest.param("orders.csv", b'order_id\n1\n"2\n3\n', "never closes", id="open-quote"),
    ],
)
def test_of_a_damaged_file_nothing_is_landed_and_what_was_landed_before_stays(tmp_path, file, content, message):
    root = write_small_company(tmp_path / "company", {"orders": [order(1)]})
    day = ProjectDay(Project.read(root), DAY)
    land(contracts()["orders"], day)
    before = bytes_of(root)
    (root / "landing" / file).write_bytes(content)
    feed = {"source": "erp", "file": file, "absent": dict.fromkeys(contracts()["orders"].required[1:], "no")}
    (root / "sources.yaml").write_text(yaml.safe_dump({"tables": {"orders": feed}}))
    with pytest.raises(SourceError, match=message):
        land(contracts()["orders"], ProjectDay(Project.read(root), DAY))
    assert bytes_of(root) == before


# encodings


def test_a_gbk_file_declared_as_utf8_stops_the_run_and_names_both_encodings(deliver):
    rows = HEADER + "1,王小明,5\n2,李四,6\n"
    with pytest.raises(SourceError, match=r"not in utf-8: .*line 2 among them; it reads as gb18030"):
        deliver(rows.encode("gb18030"))


def test_a_gbk_header_declared_as_utf8_stops_the_run(deliver):
    with pytest.raises(SourceError, match="line 1: the header is not in utf-8"):
        deliver("id,姓名\n1,Wang\n".encode("gbk"))


@pytest.mark.parametrize(
    "encoding", ["gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be", "big5", "utf-8", "utf-8-sig"]
)
def test_a_declared_encoding_gives_the_right_characters(deliver, encoding):
    content = ("id,姓名,amount\n" + "1,王小明,5\n" * 3).encode(encoding)
    landed = deliver(content, encoding=encoding, columns={"name": "姓名"})
    assert landed.values("id", "name") == [("1", "王小明")] * 3


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "big5", "latin-1", "cp1252"])
def test_a_utf8_file_declared_as_something_else_stops_the_run(deliver, encoding):
    with pytest.raises(SourceError, match=r"is UTF-8; .*garbled"):
        deliver(HEADER + "1,王小明,5\n", encoding=encoding)


def test_one_accented_letter_is_enough_to_tell_utf8_from_latin_1(deliver):
    with pytest.raises(SourceError, match="is UTF-8"):
        deliver(HEADER + "1,José,5\n", encoding="latin-1")


def test_two_gbk_characters_that_happen_to_be_utf8_are_read_as_declared(deliver):
    content = (HEADER + "1,谭强,5\n").encode("gbk")
    assert content.decode("utf-8")
    assert deliver(content, encoding="gbk").values("name") == [("谭强",)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_not_part_of_the_first_column(deliver, encoding):
    landed = deliver((HEADER + "1,Wang,5\n").encode(encoding), encoding=encoding.removesuffix("-sig"))
    assert landed.report.columns_found == ["id", "name", "amount"]


def test_a_utf16_mark_contradicts_utf8(deliver):
    with pytest.raises(SourceError, match="starts with the mark of utf-16; set encoding: utf-16"):
        deliver((HEADER + "1,Wang,5\n").encode("utf-16"))


def test_text_without_zero_bytes_is_not_utf16(deliver):
    with pytest.raises(SourceError, match="declared as utf-16-le but can't be"):
        deliver(HEADER + "1,Wang,5\n", encoding="utf-16-le")


def test_a_nul_character_costs_one_row(deliver):
    landed = deliver(HEADER + "1,Wang,5\n2,L\0i,6\n3,Chen,7\n")
    assert landed.values("id") == [("1",), ("3",)]
    assert [(row.rule_id, row.line, row.raw) for row in landed.unreadable] == [("nul_byte", 3, r"2,L\x00i,6")]


def test_a_byte_that_is_no_text_costs_one_row(deliver):
    rows = b"".join(b"%d,Wang,5\n" % number for number in range(200))
    landed = deliver(HEADER.encode() + rows + b"200,Wa\xffng,5\n201,Li,5\n")
    assert len(landed.rows) == 201
    assert [(row.rule_id, row.line, row.raw) for row in landed.unreadable] == [("invalid_byte", 202, r"200,Wa\xffng,5")]


def test_half_a_character_in_json_costs_one_row(deliver):
    landed = deliver('{"id": "1"}\n{"id": "2", "name": "\\ud83d"}\n', file="orders.jsonl")
    assert landed.values("id") == [("1",)]
    assert [(row.rule_id, row.line, row.raw) for row in landed.unreadable] == [("invalid_byte", 2, r"2,\ud83d")]


# ragged rows


def test_ragged_rows_are_kept_back_with_their_lines_and_text(deliver):
    landed = deliver(HEADER + "1,Wang,5\n2,Li,6,more\n3,Chen\n4,Zhao,8\n")
    assert landed.values("id", "_line") == [("1", 2), ("4", 5)]
    assert [(row.rule_id, row.line, row.raw, row.message) for row in landed.unreadable] == [
        ("ragged_row", 3, "2,Li,6,more", "4 fields where the header has 3"),
        ("ragged_row", 4, "3,Chen", "2 fields where the header has 3"),
    ]
    assert landed.report.rows_read == 4


def test_a_file_whose_rows_all_have_one_field_more_than_the_header_stops_the_run(deliver):
    with pytest.raises(SourceError, match="not one row can be read; .*line 2, has 4 fields where the header has 3"):
        deliver(HEADER + "1,Wang,5,\n2,Li,6,\n")


def test_a_quote_that_never_closes_stops_the_run(deliver):
    with pytest.raises(SourceError, match="a quote that opens near line 3 never closes"):
        deliver(HEADER + '1,Wang,5\n2,"Li,6\n3,Chen,7\n4,Zhao,8\n')


def test_a_quote_that_never_closes_in_a_ragged_row_stops_the_run(deliver):
    with pytest.raises(SourceError, match="a quote that opens near line 4 never closes"):
        deliver(HEADER + '1,Wang,5\n2\n3,Chen,7,"Li\n4,Zhao,8\n')


def test_a_quote_that_never_closes_in_a_long_file_stops_the_run_within_bounded_memory(deliver):
    rows = "".join(f"{number},Wang,5\n" for number in range(1_200_000))
    with pytest.raises(SourceError, match=r"line 3 on is longer than 4 MB.*quote"):
        deliver(HEADER + '0,Wang,5\n1,"Li,6\n' + rows)


def test_too_many_rows_that_cannot_be_read_stop_the_run(deliver, monkeypatch):
    monkeypatch.setattr(pipeline.sources.delimited, "REFUSED_LIMIT", 50)
    with pytest.raises(SourceError, match="near line 3: 1 field where the header has 3"):
        deliver(HEADER + "1,Wang,5\n" + "x\n" * 60)


# schema drift


def test_a_column_that_stands_twice_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"columns of the same name: name \(columns 2, 4\)"):
        deliver("id,name,amount,name\n1,Wang,5,Wang\n")


def test_a_renamed_column_stops_the_run_and_lists_what_was_found(deliver):
    with pytest.raises(SourceError) as caught:
        deliver("编号,姓名,amount\n1,Wang,5\n", columns={"id": "客户编号", "name": "姓名"})
    assert "客户编号 (mapped to id); columns found: 编号, 姓名, amount." in str(caught.value)


def test_a_missing_required_column_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"no column amount \(required\)"):
        deliver("id,name\n1,Wang\n", required=("id", "amount"))


def test_a_required_column_declared_absent_is_null(deliver):
    landed = deliver("id,name\n1,Wang\n", required=("id", "amount"), absent={"amount": "finance has none"})
    assert landed.values("amount") == [(None,)]


def test_another_delimiter_than_declared_is_guessed_in_the_message(deliver):
    with pytest.raises(SourceError, match=r"Is the delimiter ';'\? It is declared as ','"):
        deliver("id;name;amount\n1;Wang;5\n")


def test_a_json_key_that_no_line_has_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"no column 客户 \(mapped to name\); columns found: id"):
        deliver('{"id": "1"}\n{"id": "2"}\n', file="orders.jsonl", columns={"name": "客户"})


def test_a_new_column_is_left_out_and_reported(deliver):
    landed = deliver("id,name,amount,vip\n1,Wang,5,yes\n")
    assert landed.report.columns_unused == ["vip"]
    assert "vip" not in landed.rows[0]


def test_the_order_of_the_columns_does_not_matter(deliver):
    one = deliver("id,name,amount\n1,Wang,5\n")
    other = deliver("amount,id,name\n5,1,Wang\n")
    assert one.rows == other.rows


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A company that delivered its staff yesterday."""
    root = write_small_company(tmp_path / "company", {"staff": []})
    write_staff(root, YESTERDAY, "staff_id,team_id,joined_on,fax,role\n1,T1,2025-01-01,0,x\n")
    land(contracts()["staff"], ProjectDay(Project.read(root), YESTERDAY))
    return root


def write_staff(root: Path, day: date, text: str) -> None:
    (root / "landing" / f"staff_{day}.csv").write_text(text)


@pytest.mark.parametrize(
    ("header", "change"),
    [
        pytest.param("staff_id,team_id,joined_on,fax,role", Drift(YESTERDAY), id="the-same"),
        pytest.param("role,fax,staff_id,team_id,joined_on", Drift(YESTERDAY, is_reordered=True), id="another-order"),
        pytest.param("staff_id,team_id,joined_on,fax,role,vip", Drift(YESTERDAY, ("vip",)), id="one-more"),
        pytest.param("staff_id,team_id,joined_on,fax", Drift(YESTERDAY, (), ("role",)), id="one-less"),
        pytest.param(
            "staff_id,team_id,joined_on,telefax,role", Drift(YESTERDAY, ("telefax",), ("fax",)), id="one-renamed"
        ),
    ],
)
def test_columns_that_came_or_went_since_the_delivery_before_are_told_and_only_warn(company, header, change):
    cells = ["2025-01-01" if name == "joined_on" else "1" for name in header.split(",")]
    write_staff(company, DAY, f"{header}\n{','.join(cells)}\n")
    day = ProjectDay(Project.read(company), DAY)
    landing = land(contracts()["staff"], day)
    feeds, found = day.project.sources.feeds("staff"), [report.columns_found for report in landing.reports]
    assert drifts(day.lake, "staff", DAY, feeds, found) == [change]
    result = steady_result("staff", DAY, [change])
    assert (result.passed, result.severity.value) == (not change.added and not change.removed, "WARN")


def test_a_required_column_that_went_stops_the_run(company):
    write_staff(company, DAY, "staff_id,joined_on,fax,role\n1,2025-01-01,0,x\n")
    with pytest.raises(SourceError, match=r"no column team_id \(required\)"):
        land(contracts()["staff"], ProjectDay(Project.read(company), DAY))


def test_the_first_delivery_differs_from_nothing(tmp_path):
    assert drift(None, None, ["a"]) == Drift()


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,234.50", "1234.50"), ("¥12", "12.00"), ("1.234,50", None), ("12 apples", None), ("1 234,5", None)],
)
def test_a_number_written_another_way_is_the_same_number_or_none(text, amount):
    assert amounts(text) == [amount]


def amounts(*texts: str) -> list[str | None]:
    """What the gate makes of the amounts of orders."""
    rows = [row("orders", order_id=f"{number}", amount=text) for number, text in enumerate(texts)]
    with holding("orders", rows) as session:
        gate_of("orders").split(session)
        query = parse_one("select cast(amount as varchar) from gate.settled order by _line", read="duckdb")
        return [value for (value,) in session.rows(query)]


# limits


def test_a_field_of_ten_megabytes_stops_the_run_and_names_the_limit(deliver):
    with pytest.raises(SourceError, match="longer than 4 MB, the limit of a row"):
        deliver(HEADER + "1,Wang,5\n2," + "x" * (10 << 20) + ",6\n")


def test_a_line_of_json_of_ten_megabytes_stops_the_run_and_names_the_limit(deliver):
    with pytest.raises(SourceError, match="a line of more than 4 MB, the limit of a row"):
        deliver(json.dumps({"id": "x" * (10 << 20)}), file="orders.jsonl")


def test_a_text_of_one_megabyte_is_landed_whole(deliver):
    landed = deliver(HEADER + "1," + "字" * (1 << 20) + ",5\n")
    assert len(landed.rows[0]["name"]) == 1 << 20


def test_five_thousand_columns_are_read(deliver):
    names = ",".join(f"c{number}" for number in range(5000))
    landed = deliver(f"id,{names}\n1{',' * 5000}\n")
    assert landed.values("id") == [("1",)]
    assert len(landed.report.columns_unused) == 5000


def test_a_workbook_that_unpacks_to_too_much_stops_the_run(tmp_path, deliver, monkeypatch):
    monkeypatch.setattr(spreadsheets, "UNPACKED_LIMIT", 1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * (3 << 20))
    with pytest.raises(SourceError, match=r"bomb\.xlsx unpacks to .* more than the"):
        deliver(None, file="bomb.xlsx")


# workbooks


def test_a_csv_renamed_to_xlsx_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"orders\.xlsx is not a workbook .*set format: csv"):
        deliver(HEADER + "1,Wang,5\n", file="orders.xlsx")


def test_a_workbook_renamed_to_csv_stops_the_run(tmp_path, deliver):
    sheet(tmp_path / "orders.csv", [["id", "name", "amount"], ["1", "Wang", "5"]])
    with pytest.raises(SourceError, match="is a zip archive or Excel workbook, not text"):
        deliver(None)


def test_an_encrypted_workbook_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"orders\.xlsx is encrypted; have it delivered without a password"):
        deliver(encrypted_workbook(), file="orders.xlsx")


def test_a_damaged_workbook_of_old_excel_stops_the_run(deliver):
    with pytest.raises(SourceError, match=r"orders\.xls is not a workbook"):
        deliver(encrypted_workbook()[:100], file="orders.xls")


def test_a_sheet_that_is_not_there_is_named_with_those_that_are(tmp_path, deliver):
    sheet(tmp_path / "orders.xlsx", [["id"], ["1"]])
    with pytest.raises(SourceError, match="no sheet 'Orders'; sheets found: Data"):
        deliver(None, file="orders.xlsx", sheet="Orders")


def test_hidden_sheets_are_passed_over_and_text_in_cells_stays_text(tmp_path, deliver):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as workbook:
        workbook.add_worksheet("scratch").hide()
        page = workbook.add_worksheet("Data")
        page.activate()
        page.write_row(0, 0, ["id", "name", "amount"])
        page.write_string(1, 0, "00123")
        page.write_string(1, 1, "#N/A")
        page.write_formula(1, 2, "=1/0", None, "#DIV/0!")
    landed = deliver(None, file="orders.xlsx")
    assert landed.values("id", "name", "amount") == [("00123", "#N/A", "#DIV/0!")]


@pytest.mark.parametrize("counts_from_1904", [False, True])
def test_a_date_cell_is_the_day_excel_shows_in_both_of_its_calendars(tmp_path, deliver, counts_from_1904):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx", {"date_1904": counts_from_1904}) as workbook:
        page = workbook.add_worksheet()
        page.write_row(0, 0, ["id", "name", "amount"])
        page.write_datetime(1, 1, datetime(2026, 11, 20), workbook.add_format({"num_format": "dd/mm/yy"}))
        page.write_datetime(2, 1, datetime(2026, 11, 20, 8, 30), workbook.add_format({"num_format": "hh:mm"}))
        page.write_number(1, 2, 46000)
    landed = deliver(None, file="orders.xlsx")
    assert landed.values("name", "amount") == [("2026-11-20", "46000"), ("2026-11-20 08:30:00", "")]


def test_an_error_and_a_formula_nobody_computed_are_no_blanks(tmp_path, deliver):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as workbook:
        workbook.add_worksheet("Notes").write_formula(1, 1, "=NA()", None, "#N/A")
        page = workbook.add_worksheet("Data")
        page.write_row(1, 2, ["id", "name", "amount"])
        page.write_row(2, 2, ["1", "Wang"])
        page.write_formula(2, 4, "=2*3", None, "")
        page.write_row(3, 2, ["2", "Li"])
        page.write_formula(3, 4, "=1/0", None, "#DIV/0!")
        page.write_row(4, 2, ["3", "Chen"])
        page.write_formula(4, 4, "=2*3", None, 6)
        page.write_row(5, 2, ["4", "Zhao"])
    landed = deliver(None, file="orders.xlsx", sheet="Data", header_row=2)
    assert landed.values("id", "amount", "_line") == [
        ("1", "=2*3 [never computed]", 3),
        ("2", "#DIV/0!", 4),
        ("3", "6", 5),
        ("4", "", 6),
    ]


@pytest.mark.parametrize("text", ["#N/A", "#DIV/0!", "=2*3 [never computed]"])
def test_an_error_is_no_amount(text):
    assert amounts(text) == [None]


def test_a_header_cell_over_several_columns_stops_the_run(tmp_path, deliver):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as workbook:
        page = workbook.add_worksheet("Data")
        page.write(0, 0, "id")
        page.merge_range(0, 1, 0, 2, "amount")
        page.write_row(1, 0, ["1", "5", "6"])
    with pytest.raises(SourceError, match="'amount' in row 1 spans columns 2 to 3; have each column named by itself"):
        deliver(None, file="orders.xlsx")


def test_a_header_of_two_rows_is_read_from_the_lower_one_and_what_reaches_down_into_it(tmp_path, deliver):
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as workbook:
        page = workbook.add_worksheet("Data")
        page.merge_range(0, 0, 1, 0, "id")
        page.merge_range(0, 1, 0, 2, "November")
        page.write_row(1, 1, ["name", "amount"])
        page.write_row(2, 0, ["1", "Wang", "5"])
    landed = deliver(None, file="orders.xlsx", header_row=2)
    assert landed.values("id", "name", "amount") == [("1", "Wang", "5")]


# paths


def test_a_link_out_of_the_landing_folder_is_refused(tmp_path, tmp_path_factory, deliver):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.csv"
    secret.write_text(HEADER + "1,Wang,5\n")
    (tmp_path / "orders.csv").symlink_to(secret)
    with pytest.raises(SourceError, match="a link that leaves"):
        deliver(None)


@pytest.mark.parametrize("pattern", ["more/orders.csv", "*/*.csv", "**/*.csv"])
def test_a_folder_that_is_a_link_out_of_the_landing_folder_is_refused(tmp_path, tmp_path_factory, deliver, pattern):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "orders.csv").write_text(HEADER + "1,Wang,5\n")
    (tmp_path / "more").symlink_to(elsewhere)
    with pytest.raises(SourceError, match="a link that leaves|is not in"):
        deliver(None, file=pattern)


@pytest.mark.parametrize("file", ["../secret.csv", "a/../../secret.csv", "/etc/passwd"])
def test_a_path_out_of_the_landing_folder_is_refused(file):
    with pytest.raises(ValueError, match="leaves the landing folder"):
        Feed(source="finance", file=file)


# values that other readers spoil


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("110101199003070011", id="18-digit-id"),
        pytest.param("007", id="leading-zeros"),
        pytest.param("NA", id="Namibia"),
        pytest.param("None", id="surname"),
        pytest.param("null", id="the-word-null"),
        pytest.param("1e999", id="too-large"),
        pytest.param("inf", id="infinity"),
        pytest.param("NaN", id="not-a-number"),
        pytest.param(" padded ", id="blanks-around"),
        pytest.param("１２３", id="full-width-digits"),
        pytest.param("zero\u200bwidth", id="zero-width-space"),
        pytest.param("=cmd|' /C calc'!A0", id="formula"),
        pytest.param("<script>alert(1)</script>", id="markup"),
        pytest.param("'; drop table orders; --", id="sql"),
        pytest.param("👩‍💻 \u202eRTL", id="emoji-and-direction-marks"),
        pytest.param(r"\N", id="copy-null"),
        pytest.param("", id="blank"),
    ],
)
@pytest.mark.parametrize("file", ["orders.csv", "orders.jsonl", "orders.xlsx"])
def test_text_is_landed_exactly_as_sent(tmp_path, deliver, file, text):
    if file.endswith(".xlsx"):
        sheet(tmp_path / file, [["id", "name", "amount"], ["1", text, "5"]])
        landed = deliver(None, file=file)
    elif file.endswith(".jsonl"):
        landed = deliver(json.dumps({"id": "1", "name": text}, ensure_ascii=False) + "\n", file=file)
    else:
        landed = deliver(HEADER + f'1,"{text}",5\n', file=file)
    assert landed.values("name") == [(text,)]


def test_an_unquoted_blank_between_delimiters_is_blank_and_not_null(deliver):
    assert deliver(HEADER + "1,,5\n").values("name") == [("",)]


def test_a_value_may_hold_line_breaks_and_the_next_row_has_the_right_line(deliver):
    landed = deliver(HEADER + '1,"Wang\nXiaoming",5\n\n2,"Li\r\nSi",6\r\n3,Chen,7\n')
    assert landed.values("id", "name", "_line") == [("1", "Wang\nXiaoming", 2), ("2", "Li\r\nSi", 5), ("3", "Chen", 7)]
