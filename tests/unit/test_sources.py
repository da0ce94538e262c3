"""Mapping, line numbers, row ids, formats and the probe."""

import datetime as dt
import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import rows_of, write_small_company

import pipeline.sources.delimited
from assets.day import ProjectDay
from assets.ods import land
from pipeline.errors import ConfigurationError, SourceError
from pipeline.project import Feed, Project
from pipeline.sources import FeedReader, Probe, probe
from pipeline.sources.chunk import text_of
from pipeline.sources.mapping import translate
from pipeline.urls import normalise_url
from quality.contract import contracts

DAY = dt.date(2026, 11, 20)
COLUMNS = ("id", "name", "channel", "amount")


def reader(landing: Path, *, required: tuple[str, ...] = ("id",), **feed: Any) -> FeedReader:
    return FeedReader(
        Feed(**({"source": "crm", "file": "leads.csv"} | feed)),
        table="leads",
        columns=COLUMNS,
        required=required,
        landing=landing,
        as_of=DAY,
        environment={},
    )


def rows(feed_reader: FeedReader) -> list[dict[str, Any]]:
    with feed_reader:
        return [row for batch in feed_reader.batches() for row in batch.to_pylist()]


def look(landing: Path, *, required: tuple[str, ...] = ("id",), **feed: Any) -> Probe:
    return probe(
        Feed(**({"source": "crm", "file": "leads.csv"} | feed)),
        table="leads",
        columns=COLUMNS,
        required=required,
        landing=landing,
        as_of=DAY,
        environment={},
    )


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    (tmp_path / "leads.csv").write_text("id,客户,渠道,amount\n1,王, 展会 ,5\n2,Li,搜索,6\n3,Chen,other,7\n")
    return tmp_path


# mapping


def test_columns_are_renamed_and_those_of_the_same_name_are_taken(landing):
    landed = rows(reader(landing, columns={"name": "客户"}))
    assert [(row["id"], row["name"], row["channel"]) for row in landed] == [
        ("1", "王", None),
        ("2", "Li", None),
        ("3", "Chen", None),
    ]


def test_values_are_translated_blanks_aside_and_others_stay_as_sent(landing):
    landed = rows(reader(landing, columns={"channel": "渠道"}, values={"channel": {"展会": "expo", "搜索": "search"}}))
    assert [row["channel"] for row in landed] == ["expo", "search", "other"]


def test_constants_fill_a_column(landing):
    assert {row["channel"] for row in rows(reader(landing, constants={"channel": "field"}))} == {"field"}


def test_where_keeps_rows_with_one_of_the_values_and_counts_the_others(landing):
    feed_reader = reader(landing, where={"渠道": ["展会", "other"]})
    assert [(row["id"], row["_line"]) for row in rows(feed_reader)] == [("1", 2), ("3", 4)]
    report = feed_reader.report
    assert (report.rows_read, report.rows_landed, report.rows_filtered) == (3, 2, 1)


def test_exclude_leaves_out_rows_with_one_of_the_values_and_counts_them(landing):
    feed_reader = reader(landing, exclude={"渠道": ["展会", "other"], "id": ["3"]})
    assert [(row["id"], row["_line"]) for row in rows(feed_reader)] == [("2", 3)]
    assert (feed_reader.report.rows_read, feed_reader.report.rows_filtered) == (3, 2)


def test_a_star_stands_for_any_text_and_other_signs_for_themselves(tmp_path):
    numbers = ["C536", "536", "c536", "5.6", " C1 ", ""]
    (tmp_path / "leads.csv").write_text("id,名\n" + "".join(f"{number},x\n" for number in numbers))
    assert [row["id"] for row in rows(reader(tmp_path, where={"id": ["C*"]}))] == ["C536", " C1 "]
    assert [row["id"] for row in rows(reader(tmp_path, where={"id": ["*.*", "c*6"]}))] == ["c536", "5.6"]
    assert [row["id"] for row in rows(reader(tmp_path, exclude={"id": ["*5*", ""]}))] == [" C1 "]


def test_of_aliases_the_exact_one_counts_then_the_first_that_fits(tmp_path):
    (tmp_path / "leads.csv").write_text("id\nC536\nC999\n536\nA1\n")
    aliases = {"C*": "refund", "C999": "test", "5*": "sale", "*6": "never"}
    landed = rows(reader(tmp_path, columns={"channel": "id"}, values={"channel": aliases}))
    assert [row["channel"] for row in landed] == ["refund", "test", "sale", "A1"]


def test_a_column_that_exclude_names_must_be_there(landing):
    with pytest.raises(SourceError, match=r"leads.csv has no column 状态 \(named in exclude\)"):
        rows(reader(landing, exclude={"状态": ["作废"]}))


def test_a_column_declared_absent_is_not_taken_from_one_of_the_same_name(landing):
    assert {row["amount"] for row in rows(reader(landing, absent={"amount": "not kept"}))} == {None}


def test_one_source_column_may_fill_two(landing):
    landed = rows(reader(landing, columns={"name": "客户", "channel": "客户"}))
    assert all(row["name"] == row["channel"] for row in landed)


def test_a_sum_of_a_column_the_table_does_not_have_is_a_mistake_in_sources_yaml(landing):
    with pytest.raises(ConfigurationError, match=r"leads\.lines\.sum: leads has no column total; it has id, name"):
        reader(landing, lines={"sum": ["total"]})


@pytest.mark.parametrize("key", ["columns", "constants", "absent"])
def test_a_mapping_to_a_column_the_table_does_not_have_is_a_mistake_in_sources_yaml(landing, key):
    with pytest.raises(ConfigurationError, match=rf"leads\.{key}: leads has no column nmae; it has id, name"):
        reader(landing, **{key: {"nmae": "客户"}})


def test_the_report_says_what_is_filled_and_what_is_unused(landing):
    feed_reader = reader(landing, columns={"name": "客户"}, constants={"channel": "x"})
    rows(feed_reader)
    assert feed_reader.report.columns_found == ["id", "客户", "渠道", "amount"]
    assert feed_reader.report.columns_filled == ["id", "name", "channel", "amount"]
    assert feed_reader.report.columns_unused == ["渠道"]


def test_a_null_is_translated_to_nothing():
    assert translate(pa.array([None, "", "a"]), {"": "blank", "a": "A"}).to_pylist() == [None, "blank", "A"]


# rows and where they come from


def test_batches_have_the_announced_schema(landing):
    feed_reader = reader(landing)
    with feed_reader:
        schemas = {batch.schema for batch in feed_reader.batches()}
    assert schemas == {feed_reader.schema}
    assert feed_reader.schema.names == [*COLUMNS, "_row_id", "_source", "_line"]


def test_a_row_id_is_stable_and_tells_table_input_and_line(landing):
    first, again = rows(reader(landing)), rows(reader(landing))
    assert [row["_row_id"] for row in first] == [row["_row_id"] for row in again]
    assert len({row["_row_id"].split("-")[0] for row in first}) == 1
    assert [row["_row_id"].split("-")[1] for row in first] == ["2", "3", "4"]
    assert {row["_source"] for row in first} == {"crm:leads.csv"}


def test_all_files_of_a_pattern_are_read_in_the_order_of_their_names(tmp_path):
    for name in ("b_2026-11-20.csv", "a_2026-11-20.csv", "a_2026-11-19.csv", ".c_2026-11-20.csv"):
        (tmp_path / name).write_text(f"id,name\n1,{name[:1]}\n")
    feed_reader = reader(tmp_path, file="*_{as_of}.csv")
    assert [row["name"] for row in rows(feed_reader)] == ["a", "b"]
    assert [file.name for file in feed_reader.report.inputs] == ["a_2026-11-20.csv", "b_2026-11-20.csv"]
    assert all(len(file.sha256) == 64 and file.size == 12 for file in feed_reader.report.inputs)


def test_files_of_one_pattern_may_order_their_columns_differently(tmp_path):
    (tmp_path / "a.csv").write_text("id,name\n1,Wang\n")
    (tmp_path / "b.csv").write_text("name,extra,id\nLi,x,2\n")
    feed_reader = reader(tmp_path, file="*.csv")
    assert [(row["id"], row["name"]) for row in rows(feed_reader)] == [("1", "Wang"), ("2", "Li")]
    assert feed_reader.report.columns_found == ["id", "name", "extra"]


def test_two_systems_fill_one_table_each_in_its_own_encoding_form_and_names(tmp_path):
    root = write_small_company(tmp_path / "company", {})
    feeds = [
        {
            "source": "east",
            "file": "east/*.csv",
            "encoding": "gb18030",
            "columns": {"staff_id": "工号", "name": "姓名"},
        },
        {"source": "west", "file": "west.xlsx", "sheet": "People", "header_row": 2, "currency": "USD"},
    ]
    (root / "sources.yaml").write_text(yaml.safe_dump({"tables": {"staff": feeds}}))
    (root / "landing" / "east").mkdir(parents=True)
    for name in ("a", "b"):
        text = f"工号,姓名,team_id,joined_on\n{name}1,王,T1,2025-01-01\n"
        (root / "landing" / "east" / f"{name}.csv").write_bytes(text.encode("gb18030"))
    with xlsxwriter.Workbook(root / "landing" / "west.xlsx") as workbook:
        page = workbook.add_worksheet("People")
        page.write(0, 0, "Staff")
        page.write_row(1, 0, ["staff_id", "name", "team_id", "joined_on"])
        page.write_row(2, 0, ["c1", "Lee", "T2", "2025-01-01"])
    land(contracts()["staff"], ProjectDay(Project.read(root), DAY))
    landed = rows_of(root, "ods.staff", DAY)
    assert [(row["staff_id"], row["name"], row["currency"], row["_source"], row["_line"]) for row in landed] == [
        ("a1", "王", None, "east:east/a.csv", 2),
        ("b1", "王", None, "east:east/b.csv", 2),
        ("c1", "Lee", "USD", "west:west.xlsx", 3),
    ]


def test_leaving_a_reader_early_closes_the_file(tmp_path):
    (tmp_path / "leads.csv").write_text("id\n" + "1\n" * 5_000_000)
    with reader(tmp_path) as feed_reader:
        next(feed_reader.batches())
    assert feed_reader.report.inputs == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_are_those_an_editor_shows(tmp_path, ending):
    lines = ["title", "", "id,name", "1,Wang", "", '2,"Li', 'Si"', "   ", "3,short,row", "4,Zhao", ",", '5,"a""b"']
    (tmp_path / "leads.csv").write_bytes(ending.join(lines).encode())
    feed_reader = reader(tmp_path, header_row=3)
    landed = rows(feed_reader)
    assert [(row["id"], row["name"], row["_line"]) for row in landed] == [
        ("1", "Wang", 4),
        ("2", f"Li{ending}Si", 6),
        ("4", "Zhao", 10),
        ("5", 'a"b', 12),
    ]
    assert [(row.line, row.raw) for row in feed_reader.report.unreadable] == [(9, "3,short,row")]


# cells with everything that ends rows, fields or quotes
CELLS = st.text(st.sampled_from('ab,"\n\r 中'), min_size=1, max_size=4)


@settings(deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS) | st.tuples(CELLS) | st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30),
    st.integers(150, 400),
)
def test_any_mixture_of_rows_gets_the_right_lines(tmp_path_factory, table, block):
    """Every row starts where the rows before it end, whatever blocks the parser sees."""
    folder = tmp_path_factory.mktemp("landing")
    texts = [",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in table]
    (folder / "leads.csv").write_bytes(("id,name\n0,first\n" + "".join(f"{text}\n" for text in texts)).encode())
    starts, line = [], 3
    for text in texts:
        starts.append(line)
        line += 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
    feed_reader = reader(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.sources.delimited, "BLOCK", block)
        landed = rows(feed_reader)
    fits = [(start, *row) for start, row in zip(starts, table, strict=True) if len(row) == 2]
    assert [(row["_line"], row["id"], row["name"]) for row in landed] == [(2, "0", "first"), *fits]
    ragged = [start for start, row in zip(starts, table, strict=True) if len(row) != 2]
    assert [row.line for row in feed_reader.report.unreadable] == ragged


def test_a_quote_inside_an_unquoted_value_is_a_character(tmp_path):
    (tmp_path / "leads.csv").write_text('id,name\n1,5" pipe\n2,Li\n')
    assert [row["name"] for row in rows(reader(tmp_path))] == ['5" pipe', "Li"]


def test_a_single_column_may_have_blank_lines(tmp_path):
    (tmp_path / "leads.csv").write_text("id\n1\n\n2\n")
    assert [(row["id"], row["_line"]) for row in rows(reader(tmp_path))] == [("1", 2), ("2", 4)]


# formats


def test_tab_separated_text_is_read(tmp_path):
    (tmp_path / "leads.tsv").write_text("id\tname\n1\tWang, Li\n")
    assert [row["name"] for row in rows(reader(tmp_path, file="leads.tsv", delimiter="\t"))] == ["Wang, Li"]


def test_compressed_text_is_read_with_its_lines(tmp_path):
    (tmp_path / "leads.csv.gz").write_bytes(gzip.compress(b"id,name\n1,Wang\n"))
    assert [(row["id"], row["_line"]) for row in rows(reader(tmp_path, file="leads.csv.gz"))] == [("1", 2)]


def test_json_lines_keep_numbers_as_written_and_tell_null_from_blank(tmp_path):
    lines = [
        '{"id": 7.50, "name": ""}',
        "",
        '{"id": 12345678901234567890, "name": null}',
        '{"id": true}',
    ]
    (tmp_path / "leads.jsonl").write_text("\n".join(lines))
    landed = rows(reader(tmp_path, file="leads.jsonl"))
    assert [(row["id"], row["name"], row["_line"]) for row in landed] == [
        ("7.50", "", 1),
        ("12345678901234567890", None, 3),
        ("true", None, 4),
    ]


def test_lines_that_are_not_json_objects_are_kept_back(tmp_path):
    (tmp_path / "leads.jsonl").write_text('{"id": 1}\n[1]\n{"id": }\n{}\n{"id": 2}\n')
    feed_reader = reader(tmp_path, file="leads.jsonl")
    assert [row["id"] for row in rows(feed_reader)] == ["1", "2"]
    assert [(row.line, row.rule_id, row.raw) for row in feed_reader.report.unreadable] == [
        (2, "ragged_row", "[1]"),
        (3, "ragged_row", '{"id": }'),
        (4, "ragged_row", "{}"),
    ]


def test_nested_json_is_landed_as_json(tmp_path):
    (tmp_path / "leads.jsonl").write_text(json.dumps({"id": 1, "name": {"zh": ["王", 1.5]}}) + "\n")
    assert rows(reader(tmp_path, file="leads.jsonl"))[0]["name"] == '{"zh":["王","1.5"]}'


def test_parquet_is_landed_as_text_without_exponents(tmp_path):
    shanghai = dt.datetime(2026, 11, 20, 0, 30, tzinfo=dt.UTC)
    table = pa.table(
        {
            "id": pa.array([Decimal("100.00"), None], pa.decimal128(18, 2)),
            "name": pa.array(["王", ""]).dictionary_encode(),
            "channel": pa.array([shanghai, None], pa.timestamp("us", "Asia/Shanghai")),
            "amount": pa.array([2e20, 0.1]),
        }
    )
    pq.write_table(table, tmp_path / "leads.parquet")
    landed = rows(reader(tmp_path, file="leads.parquet"))
    assert [[row[column] for column in (*COLUMNS, "_line")] for row in landed] == [
        ["100.00", "王", "2026-11-20 00:30:00Z", "200000000000000000000", 1],
        [None, "", None, "0.1", 2],
    ]


def test_a_damaged_parquet_file_stops_the_run(tmp_path):
    (tmp_path / "leads.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(SourceError, match=r"leads\.parquet is damaged or no Parquet file"):
        rows(reader(tmp_path, file="leads.parquet"))


def test_a_sheet_is_landed_with_the_row_numbers_excel_shows(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "leads.xlsx") as workbook:
        page = workbook.add_worksheet()
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        page.write(0, 0, "Report of November")
        page.write_row(2, 1, ["id", "name", "channel", "amount"])
        page.write_row(4, 1, [123, "王"])
        page.write_datetime(4, 3, dt.datetime(2026, 11, 20), day)
        page.write_number(4, 4, 0.1 + 0.2)
        page.write_row(6, 1, ["00123", " Li "])
        page.write_datetime(6, 3, dt.datetime(2026, 11, 20, 8, 30, 15), moment)
        page.write_boolean(6, 4, True)
    landed = rows(reader(tmp_path, file="leads.xlsx", header_row=3))
    assert [[row[column] for column in (*COLUMNS, "_line")] for row in landed] == [
        ["123", "王", "2026-11-20", "0.3", 5],
        ["00123", " Li ", "2026-11-20 08:30:15", "true", 7],
    ]


def test_a_file_whose_name_says_no_format_needs_one(tmp_path):
    (tmp_path / "leads.dat").write_text("id\n1\n")
    with pytest.raises(ConfigurationError, match=r"the ending '\.dat' says no format"):
        rows(reader(tmp_path, file="leads.dat"))
    assert [row["id"] for row in rows(reader(tmp_path, file="leads.dat", format="csv"))] == ["1"]


@pytest.mark.parametrize("encoding", ["utf8mb4", "hex"])
def test_an_encoding_that_does_not_exist_is_a_mistake_in_sources_yaml(landing, encoding):
    with pytest.raises(ConfigurationError, match=f"no text encoding '{encoding}'"):
        rows(reader(landing, encoding=encoding))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(12.0, "12", id="whole-float"),
        pytest.param(1e-7, "0.0000001", id="small-float"),
        pytest.param(1.5e20, "150000000000000000000", id="large-float"),
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(Decimal("1E+2"), "100", id="decimal"),
        pytest.param(False, "false", id="boolean"),
        pytest.param(
            dt.datetime(2026, 11, 20, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=8))),
            "2026-11-20 08:30:00+08:00",
            id="zone",
        ),
        pytest.param(dt.time(8, 30), "08:30:00", id="time"),
        pytest.param(memoryview(b"\xff\x00"), "ff00", id="bytes"),
        pytest.param(None, None, id="null"),
    ],
)
def test_typed_values_as_text(value, text):
    assert text_of(value) == text


# probe


def test_a_probe_tells_what_is_mapped_and_what_is_not(landing):
    found = look(landing, columns={"name": "客户"}, constants={"channel": "x"}, absent={"amount": "not kept"})
    assert found.inputs == ["leads.csv"]
    assert found.mapped == {"id": "id", "name": "客户"}
    assert found.unmapped == ["amount"]
    assert found.columns_unused == ["渠道", "amount"]
    assert (found.missing, found.complaint) == ([], None)
    assert (found.rows_read, found.rows_unreadable) == (3, 0)


def test_a_probe_tells_missing_columns_without_raising(landing):
    found = look(landing, columns={"name": "姓名"}, where={"state": ["won"]}, required=("id", "channel"))
    assert found.missing == ["channel", "state", "姓名"]
    assert found.complaint is not None
    assert "姓名 (mapped to name)" in found.complaint


def test_a_probe_of_a_missing_file_raises(tmp_path):
    with pytest.raises(SourceError, match=r"leads\.csv is not in"):
        look(tmp_path)


def test_a_probe_does_not_read_a_large_file_to_its_end(tmp_path):
    good = "id,name\n" + "1,Wang\n" * 5_000_000
    (tmp_path / "leads.csv").write_text(good + '2,"never closed')
    found = look(tmp_path)
    assert 10 <= found.rows_read < 5_000_000


# database URLs


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2"])
def test_a_postgresql_url_gets_the_driver_that_is_installed(scheme):
    url = normalise_url(f"{scheme}://reader:secret@db.example:5432/crm?sslmode=require")
    assert url.drivername == "postgresql+psycopg2"
    assert url.query["sslmode"] == "require"


@pytest.mark.parametrize("url", ["postgresql+psycopg://db.example/crm", "sqlite:///crm.db"])
def test_a_url_that_names_its_driver_keeps_it(url):
    assert normalise_url(url).render_as_string() == url


@pytest.mark.parametrize("url", ["secret", "postgresql://reader:se:cr@et@db.example:secret/crm"])
def test_what_is_no_url_is_refused_without_repeating_it(url):
    with pytest.raises(ConfigurationError) as caught:
        normalise_url(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
