"""US states: what a clerk types, and which ZIP codes belong where."""

from __future__ import annotations

import pytest

from shared.mapping.states import state_code
from shared.mapping.zip_prefixes import states_of_zip
from shared.states import STATES


@pytest.mark.parametrize(
    ("typed", "code"),
    [("TX", "TX"), ("tx", "TX"), (" Texas ", "TX"), ("new  york", "NY"), ("D.C.", "DC"), ("Washington, D.C.", "DC"),
     ("District of Columbia", "DC"), ("Puerto Rico", "PR"), ("AP", "AP"), ("Mass.", "MA"), ("Wash.", "WA"),
     ("US-MA", "MA"), ("us-ma", "MA"), ("USA-CA", "CA"), ("N.Y.", "NY"), ("W. Va.", "WV"), ("W.Va.", "WV"),
     ("N. Mex.", "NM"),
     ("U.S. Virgin Islands", "VI"), ("Calif.", "CA"), ("MA, US", "MA"), ("MA-US", "MA"), ("US_MA", "MA"),
     ("California, USA", "CA"), ("Massachusetts (MA)", "MA"), ("MA - Massachusetts", "MA"),
     ("State of Texas", "TX"), ("Commonwealth of Virginia", "VA"), ("Washington State", "WA"),
     ("N. Carolina", "NC"), ("No. Dakota", "ND"), ("W. Virginia", "WV"), ("West Va.", "WV"), ("Hawai\u02bbi", "HI")],
)  # fmt: skip
def test_a_code_or_a_name_is_understood(typed: str, code: str) -> None:
    assert state_code(typed, {}) == code


@pytest.mark.parametrize("typed", ["ZZ", "Texass", "ON", "12", "", "MA (TX)", "US", "Winston-Salem"])
def test_anything_else_is_no_state(typed: str) -> None:
    assert state_code(typed, {}) is None


def test_the_settings_map_wins() -> None:
    assert state_code("Lone  Star", {"lone star": "TX"}) == "TX"
    assert state_code("CA", {"ca": "NV"}) == "NV"


@pytest.mark.parametrize(
    ("zip_code", "states"),
    [("00501", "NY"), ("00601", "PR"), ("00801", "VI"), ("02101", "MA"), ("02903", "RI"), ("05501", "MA"),
     ("05602", "VT"), ("06390", "NY"), ("06340", "CT"), ("09001", "AE"), ("10001-1234", "NY"), ("19901", "DE"),
     ("20001", "DC"), ("20101", "VA"), ("20601", "MD"), ("30301", "GA"), ("33901", "FL"), ("34002", "AA"),
     ("39901", "GA"), ("42223", "KY TN"), ("02861", "MA RI"), ("97635", "CA OR"), ("86515", "AZ NM"),
     ("89439", "CA NV"),
     ("59221", "MT ND"), ("88063", "NM TX"), ("56901", "DC"), ("57901", ""), ("60601", "IL"), ("73301", "TX"),
     ("73401", "OK"), ("73960", "OK TX"), ("79901", "TX"), ("83414", "WY"), ("83401", "ID"), ("88510", "TX"),
     ("90002", "CA"), ("96201", "AP"), ("96701", "HI"), ("96799", "AS"), ("96910", "GU"), ("96950", "MP"),
     ("99501", "AK"), ("00001", ""), ("98765", "")],
)  # fmt: skip
def test_a_zip_code_tells_its_states(zip_code: str, states: str) -> None:
    assert states_of_zip(zip_code) == frozenset(states.split())


def test_the_companys_own_states_of_a_zip_code_win() -> None:
    assert states_of_zip("82801-1234", {"82801": ("MT", "WY")}) == {"MT", "WY"}
    assert states_of_zip("42223", {"42223": ("KY",)}) == {"KY"}
    assert states_of_zip("42224", {"42223": ("KY",)}) == {"KY"}


def test_every_state_has_zip_codes_and_every_zip_code_a_known_state() -> None:
    found = {state for number in range(100000) for state in states_of_zip(f"{number:05}")}
    assert found == STATES
