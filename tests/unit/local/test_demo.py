"""The demo runs at any hour, and shows the documents that become several transactions."""

from __future__ import annotations

from local.demo.today import TIME_ZONE
from shared.settings import CompanySettings


def test_the_companies_of_the_demo_count_days_as_the_demo_posts() -> None:
    from local.demo.story import company_settings

    zones = {CompanySettings.model_validate(settings).time_zone for settings in company_settings().values()}
    assert {str(zone) for zone in zones} == {TIME_ZONE}


def test_what_the_demo_shows_differs_where_taxjar_holds_something_else() -> None:
    from local.demo.showcase import show_transactions
    from local.simulators.taxjar.records import Account

    assert show_transactions(Account("demo", 1, [])) == 4
