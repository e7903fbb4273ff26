"""Cells become numbers, with thousands separators and with units; what is no number is left to be named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formsearch.exceptions import InputError
from formsearch.reading.cells import numbers, typed, with_unit
from formsearch.where import rows_where


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6.9B", 6.9e9), ("300M", 3e8), ("1e9", 1e9), ("125 m", 1.25e8), ("1.5T", 1.5e12), ("7b", 7e9), ("12k", 1.2e4),
        ("20 billion tokens", 2e10), ("20B tokens", 2e10), ("400 million", 4e8), ("2.5bn", 2.5e9), ("70 params", 70.0),
        ("1.2e21 FLOPs", 1.2e21), ("1.2 ZFLOPs", 1.2e21), ("3 PFLOP", 3e15), ("1_000", 1e3), ("-4", -4.0), (".5G", 5e8),
        ("7B?", None), ("B", None), ("", None), ("7 B 3", None), ("nan", None), ("0x10", None), ("1e9 apples", None),
    ],
)  # fmt: skip
def test_units(text: str, value: float | None) -> None:
    assert with_unit(text) == (None if value is None else pytest.approx(value, rel=1e-15))


@given(st.floats(1e-3, 1e6), st.sampled_from([("M", 1e6), ("B", 1e9), ("K", 1e3), ("t", 1e12)]))
def test_a_unit_is_a_factor(number: float, unit: tuple[str, float]) -> None:
    assert with_unit(f"{number!r}{unit[0]}") == number * unit[1]


def test_columns_of_plain_numbers_become_numeric_and_names_do_not() -> None:
    def kind(*cells: object, decimal_comma: bool = False) -> str:
        return typed(pd.Series(list(cells), dtype=object), decimal_comma).dtype.kind

    assert kind("1", "2e3", "") == "f"
    assert kind("1,000", "12,345,678.5") == "f"
    assert kind("7B", "13B") == kind("1", "nan") == kind("1", "N/A") == kind("", "") == kind(True, False) == "O"
    assert typed(pd.Series(["1,5", "2,345"]), decimal_comma=True).tolist() == [1.5, 2.345]
    assert typed(pd.Series(["1,500", "2,345"])).tolist() == [1500.0, 2345.0]
    assert typed(pd.Series(["1,000,000", "2"]), decimal_comma=True).tolist() == [1e6, 2.0]


def test_conditions_compare_cells_with_units() -> None:
    frame = pd.DataFrame({"size": ["70M", "6.9B", "300M"], "loss": [1.0, 2.0, 3.0]})
    assert rows_where(frame, "size > 1e8").tolist() == [False, True, True]
    assert rows_where(frame, "size == '70M' or 1e9 < size").tolist() == [True, True, False]
    with pytest.raises(InputError, match="compares text with a number"):
        rows_where(frame.assign(size=["70M", "big", "1"]), "size > 1e8")


def test_units_are_read_only_where_they_are_asked_for() -> None:
    column = pd.Series(["1e9", "7B", "1,000", "oops", None], dtype=object)
    values, example = numbers(column, units=True)
    assert example == "7B"
    np.testing.assert_array_equal(values, [1e9, 7e9, 1000, np.nan, np.nan])
    values, example = numbers(column, units=False)
    assert example is None
    assert np.isnan(values[1])
    assert numbers(pd.Series([True, False]), units=False)[0].tolist() == [1.0, 0.0]
