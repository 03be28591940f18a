"""The exemption of each transaction: by line, in the destination's state, never with tax."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.documents import Customer, PostedDocument
from tests.unit.mapping.builders import AUSTIN, DENVER, company, document, line, mapped, notes, parts

GROUPS = {"EX": "wholesale", "GOV": "government"}


def exemptions(posted: PostedDocument, **settings: Any) -> list[str]:
    sent = [part.transaction for part in parts(posted, company(**({"exempt_tax_groups": GROUPS} | settings)))]
    return [f"{one.ship_to.state} {one.exemption_type} {one.amount}/{one.sales_tax}" for one in sent]


def test_resale_and_own_use_of_an_exempt_customer_are_two_transactions() -> None:
    posted = document(line("100"), line("50", tax="4.13", sequence=2), customer=Customer("C-1", tax_group="EX"))
    assert exemptions(posted) == ["TX wholesale 100.00/0.00", "TX non_exempt 50.00/4.13"]
    first, second = parts(posted, company(exempt_tax_groups=GROUPS))
    assert (str(first.tax_from_exempt_customer), str(second.tax_from_exempt_customer)) == ("0", "4.13")


def test_a_line_of_no_value_takes_the_exemption_of_the_others() -> None:
    lines = (line("0"), line("100", tax_group="EX", sequence=2))
    assert exemptions(document(*lines)) == ["TX wholesale 100.00/0.00"]


def test_a_lines_own_group_counts_before_the_documents() -> None:
    lines = (line("100", tax_group="gov"), line("50", sequence=2), line("20", tax_group="TX", sequence=3))
    posted = document(*lines, tax_group="EX")
    assert exemptions(posted) == ["TX government 100.00/0.00", "TX wholesale 50.00/0.00", "TX non_exempt 20.00/0.00"]


def test_an_exemption_holds_only_in_its_states() -> None:
    lines = (line("100", delivery_address=DENVER), line("50", sequence=2))
    for posted in (document(*lines, tax_group="EX"), document(*lines, customer=Customer("C-1", tax_group="EX"))):
        assert exemptions(posted, exempt_regions={"EX": ["CO"]}) == [
            "CO wholesale 100.00/0.00",
            "TX non_exempt 50.00/0.00",
        ]


def test_the_customers_own_regions_win_where_the_lines_group_is_its_own() -> None:
    regions = {"EX": ["TX"], "C-1": ["CO"]}
    own, other = Customer("C-1", tax_group="ex"), Customer("C-1", tax_group="TX")
    assert exemptions(document(line(), tax_group="EX", customer=own), exempt_regions=regions) == [
        "TX non_exempt 100.00/0.00"
    ]
    assert exemptions(document(line(), tax_group="EX", customer=other), exempt_regions=regions) == [
        "TX wholesale 100.00/0.00"
    ]


def test_a_group_in_which_dynamics_taxes_nothing_is_other_with_a_warning() -> None:
    posted = document(line(), tax_group="CHURCH", tax_group_exempt=True)
    assert exemptions(posted) == ["TX other 100.00/0.00"]
    assert "sales tax group CHURCH" in notes(posted)
    of_line = document(line(tax_group="CHURCH", tax_group_exempt=True))
    assert exemptions(of_line) == ["TX other 100.00/0.00"]
    assert exemptions(document(line(), tax_group="CHURCH", tax_group_exempt=None)) == ["TX non_exempt 100.00/0.00"]
    assert exemptions(document(line(tax="8"), tax_group="CHURCH", tax_group_exempt=True)) == [
        "TX non_exempt 100.00/8.00"
    ]


@pytest.mark.parametrize(
    ("marketplace", "values"),
    [
        ({"sales_origins": ["amz"]}, {"sales_origin": "AMZ"}),
        ({"customers": ["c-7"]}, {"order_account": "C-7"}),
        ({"customers": ["C-1"]}, {}),
        ({"customer_groups": ["MKT"]}, {"customer": Customer("C-1", customer_group="mkt")}),
    ],
)
def test_what_a_marketplace_remits_says_so_unless_it_is_taxed_or_exempt(
    marketplace: dict[str, list[str]], values: dict[str, Any]
) -> None:
    lines = (line("100"), line("50", tax="4", sequence=2), line("20", tax_group="EX", sequence=3))
    assert exemptions(document(*lines, **values), marketplace=marketplace) == [
        "TX marketplace 100.00/0.00",
        "TX non_exempt 50.00/4.00",
        "TX wholesale 20.00/0.00",
    ]


@pytest.mark.parametrize(
    "values",
    [
        {"tax_group": "MKT", "tax_group_exempt": True},
        {"customer": Customer("C-1", tax_group="MKT", tax_group_exempt=True)},
    ],
)
def test_what_a_marketplace_remits_may_be_posted_in_a_group_without_codes(values: dict[str, Any]) -> None:
    posted = document(line(), sales_origin="AMZ", **values)
    settings = {"marketplace": {"sales_origins": ["AMZ"]}}
    assert exemptions(posted, **settings) == ["TX marketplace 100.00/0.00"]
    assert exemptions(replace(posted, sales_origin=""), **settings) == ["TX other 100.00/0.00"]


def test_the_invoice_accounts_marketplace_does_not_count_where_another_customer_ordered() -> None:
    posted = document(line(), order_account="C-2", invoice_account="C-1", customer=Customer("C-2"))
    assert exemptions(posted, marketplace={"customers": ["C-1"]}) == ["TX non_exempt 100.00/0.00"]


def test_a_customer_whose_exemption_ended_is_not_exempt_whatever_was_before() -> None:
    assert mapped(document(line(tax="8.25"), delivery_address=AUSTIN)).exemption_type == "non_exempt"
