"""The second reckoning of credit codes agrees with the library of numbers, and with the engine."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from sent import gate_of, holding, row
from stdnum.cn import uscc

from quality.credit_code import ALPHABET, wrong_check

BODIES = st.from_regex(r"[0-9]{8}[0-9A-HJ-NPQRTUWXY]{9}", fullmatch=True)


@given(st.lists(st.tuples(BODIES, st.sampled_from(ALPHABET)), max_size=20))
def test_a_code_is_wrong_where_the_library_of_numbers_finds_it_so(parts: list[tuple[str, str]]) -> None:
    codes = [body + character for body, character in parts]
    found = wrong_check(pd.Series(codes, dtype="str"))
    assert [code for code, wrong in zip(codes, found, strict=True) if pd.isna(wrong)] == list(
        filter(uscc.is_valid, codes)
    )


def test_what_is_not_of_the_form_of_a_code_is_left_to_the_rule_of_its_form() -> None:
    found = wrong_check(pd.Series([None, "", "9111", "91110000600037341I", "９１110000600037341A"], dtype="str"))
    assert found.isna().all()


def test_a_customer_whose_code_has_a_slip_is_let_in_and_counted() -> None:
    with holding("customers", [row("customers", credit_code="91110000600037341A")]) as session:
        gate = gate_of("customers")
        counted = gate.split(session)
        found = gate.measure(session, counted)
    assert (counted.outcomes["accepted"], counted.inaccurate) == (1, 0)
    assert found["credit_code_check_character"] == counted.broken["credit_code_check_character"] == 1
