"""Product tax codes and exemption types of a transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.documents import Customer, PostedDocument
from shared.mapping import ExemptionRule, HoldReason, Mapped, exemption_of, needs_tax_categories
from shared.transactions import ExemptionType
from tests.unit.mapping.builders import AUSTIN, charge, company, document, held, line, mapped, notes, outcome, parts

CODES = company(
    product_tax_codes={
        "items": {"Book": "81100", "FEE": "19000", "PLAIN": "", "BLANK": " "},
        "tax_item_groups": {"CLOTHES": "20010", "FOOD": "40030"},
        "categories": {"Apparel": "20010", "Groceries": "40030"},
    }
)
KNOWN = {"81100", "19000", "20010", "40030"}
EXEMPT = company(
    exempt_tax_groups={"EX-GOV": "government", "EX-RES": "wholesale"}, exempt_customer_groups={"CLUBS": "other"}
)


def codes(posted: PostedDocument, **options: Any) -> list[str]:
    order = mapped(posted, CODES, **({"tax_categories": KNOWN} | options))
    return [item.product_tax_code for item in order.line_items]


@pytest.mark.parametrize(
    ("product", "group", "category", "code"),
    [("BOOK", "food", "apparel", "81100"), ("X", "food", "apparel", "40030"), ("X", "Y", "APPAREL", "20010"),
     ("X", "Y", "Z", ""), ("", "", "", "")],
)  # fmt: skip
def test_the_item_wins_over_its_tax_group_and_that_over_its_category(
    product: str, group: str, category: str, code: str
) -> None:
    assert codes(document(line(product=product, tax_item_group=group, category=category))) == [code]


@pytest.mark.parametrize("product", ["PLAIN", "BLANK"])
def test_an_item_mapped_to_a_blank_code_is_sent_without_one_whatever_its_groups(product: str) -> None:
    assert codes(document(line(product=product, tax_item_group="FOOD", category="Apparel"))) == [""]


def test_a_charge_line_gets_a_code_like_an_item() -> None:
    assert codes(document(line(), charges=(charge("5", "fee", shipping=False),))) == ["", "19000"]


def test_a_charge_line_gets_a_code_by_its_item_tax_group() -> None:
    handling = replace(charge("5", "HANDLING", shipping=False), tax_item_group="Food")
    assert codes(document(line(), charges=(handling,))) == ["", "40030"]


def test_a_code_that_taxjar_does_not_know_is_held_with_its_item() -> None:
    result = held(document(line(product="BOOK")), CODES, tax_categories={"20010"})
    assert result.reasons == (HoldReason.UNKNOWN_PRODUCT_TAX_CODE,)
    assert "81100 of item BOOK" in result.message


def test_the_codes_as_sent_are_given_back_by_line() -> None:
    posted = document(line(product="BOOK", sequence=7), line(sequence=9), charges=(charge("5", "FEE", shipping=False),))
    result = outcome(posted, CODES, tax_categories=KNOWN)
    assert isinstance(result, Mapped)
    assert result.tax_codes == {"7": "81100", "9": "", "charge-0": "19000"}


def test_kept_codes_win_over_the_settings_and_are_not_judged_again() -> None:
    posted = document(line(product="BOOK", sequence=7), line(product="BOOK", sequence=8))
    assert codes(posted, kept_tax_codes={"7": "31000", "8": ""}, tax_categories=None) == ["31000", ""]


def test_a_line_that_was_not_there_before_is_mapped_by_the_settings() -> None:
    assert codes(document(line(product="BOOK", sequence=7)), kept_tax_codes={"6": ""}) == ["81100"]


def test_a_code_needs_the_categories() -> None:
    assert needs_tax_categories([document(line()), document(line(), line(category="apparel"))], CODES)
    assert needs_tax_categories([document(line(), charges=(charge("5", "fee", shipping=False),))], CODES)
    assert not needs_tax_categories([document(line(), charges=(charge("5", "FEE"),))], CODES)
    assert not needs_tax_categories([document(line(product="BOOK"))], company())
    with pytest.raises(ValueError, match="categories"):
        outcome(document(line(product="BOOK")), CODES, tax_categories=None)


def test_no_tax_in_an_exempt_tax_group_states_the_exemption() -> None:
    assert mapped(document(line(), tax_group="ex-gov"), EXEMPT).exemption_type is ExemptionType.GOVERNMENT


def test_no_tax_in_an_exempt_tax_group_states_the_exemption_also_without_a_customer() -> None:
    posted = document(line(), tax_group="EX-GOV", customer=None)
    assert mapped(posted, EXEMPT).exemption_type is ExemptionType.GOVERNMENT


def test_no_tax_in_another_tax_group_states_the_customers_exemption() -> None:
    posted = document(line(), tax_group="TX-AUS", customer=Customer("C-1", tax_group="EX-RES"))
    assert mapped(posted, EXEMPT).exemption_type is ExemptionType.WHOLESALE


def test_no_tax_without_any_exemption_is_not_exempt() -> None:
    assert mapped(document(line(), tax_group="TX-AUS"), EXEMPT).exemption_type is ExemptionType.NON_EXEMPT


def test_tax_from_an_exempt_customer_is_reported_as_not_exempt_with_a_warning() -> None:
    posted = document(line(tax="8.25"), tax_group="EX-RES", customer=Customer("C-1", tax_group="ex-res"))
    assert mapped(posted, EXEMPT).exemption_type is ExemptionType.NON_EXEMPT
    warning = notes(posted, EXEMPT)
    assert "8.25" in warning
    assert "C-1" in warning


@pytest.mark.parametrize(("states", "is_listed"), [(["CA", "NV"], False), (["CA", "TX"], True), ([], True)])
def test_tax_from_a_customer_who_is_exempt_elsewhere_is_ordinary_tax(states: list[str], is_listed: bool) -> None:
    settings = company(exempt_tax_groups={"EX-RES": "wholesale"}, exempt_regions={"EX-RES": states})
    posted = document(line(tax="8.25"), customer=Customer("C-1", tax_group="EX-RES"), delivery_address=AUSTIN)
    assert mapped(posted, settings).exemption_type is ExemptionType.NON_EXEMPT
    assert ("exempt customer C-1" in notes(posted, settings)) is is_listed
    assert bool(parts(posted, settings)[0].tax_from_exempt_customer) is is_listed


def test_tax_from_any_other_customer_is_not_listed() -> None:
    for posted in (document(line(tax="8.25"), tax_group="EX-GOV"), document(line(tax="8.25"), customer=None)):
        (part,) = parts(posted, EXEMPT)
        assert part.transaction.exemption_type is ExemptionType.NON_EXEMPT
        assert not part.tax_from_exempt_customer


@pytest.mark.parametrize(
    ("tax_group", "customer_group", "federal_indicator", "tax_group_exempt", "exemption"),
    [
        ("EX-RES", "CLUBS", "Federal", True, (ExemptionType.WHOLESALE, ExemptionRule.TAX_GROUP)),
        ("ex-gov", "", "None", None, (ExemptionType.GOVERNMENT, ExemptionRule.TAX_GROUP)),
        ("CHURCH", "clubs", "Federal", True, (ExemptionType.OTHER, ExemptionRule.CUSTOMER_GROUP)),
        ("CHURCH", "RETAIL", "Federal", True, (ExemptionType.GOVERNMENT, ExemptionRule.FEDERAL)),
        ("CHURCH", "", "NonFederal", True, (ExemptionType.OTHER, ExemptionRule.EXEMPT_IN_DYNAMICS)),
        ("TX", "RETAIL", "NonFederalException", False, None),
        ("TX", "", "", None, None),
    ],
)
def test_tax_group_map_customer_group_map_federal_indicator_and_a_group_that_taxes_nothing_are_asked_in_this_order(
    tax_group: str, customer_group: str, federal_indicator: str, tax_group_exempt: bool | None, exemption: object
) -> None:
    customer = Customer(
        "C-1",
        tax_group=tax_group,
        customer_group=customer_group,
        federal_indicator=federal_indicator,
        tax_group_exempt=tax_group_exempt,
    )
    found = exemption_of(customer, EXEMPT)
    assert (found and (found.type, found.rule)) == exemption


def test_only_the_exemption_that_no_setting_names_carries_a_warning_with_its_group() -> None:
    unmapped = exemption_of(Customer("C-1", tax_group="CHURCH", tax_group_exempt=True), EXEMPT)
    mapped_group = exemption_of(Customer("C-1", tax_group="EX-RES", tax_group_exempt=True), EXEMPT)
    assert unmapped
    assert "CHURCH" in unmapped.warning
    assert mapped_group
    assert mapped_group.warning == ""
