"""The routes of :mod:`shared.api.overview`; the one table has them all."""

from __future__ import annotations

from shared.api import overview
from shared.api.route import AnyRoute, Nothing, Route
from shared.api_models.connector import Activity, Status
from shared.api_models.jobs import BackfillList, BackfillShown
from shared.api_models.taxjar import ExemptCustomers
from shared.flows.customers import exempt
from shared.flows.operations import activity, status
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.people.roles import Role

CSV = "text/csv"

OVERVIEW: tuple[AnyRoute, ...] = (
    Route(
        name="show_status",
        path="status",
        methods=("GET",),
        role=Role.VIEWER,
        handle=overview.show_status,
        query=status.StatusQuery,
        body=Nothing,
        answer=Status,
    ),
    Route(
        name="list_activity",
        path="activity/{connection}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=overview.list_activity,
        query=activity.ActivityQuery,
        body=Nothing,
        answer=Activity,
    ),
    Route(
        name="list_exempt_customers",
        path="customers/{connection}/{company}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=overview.list_exempt_customers,
        query=exempt.CustomersQuery,
        body=Nothing,
        answer=ExemptCustomers,
        formats=(CSV,),
    ),
    Route(
        name="list_backfills",
        path="backfills/{connection}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=overview.list_backfills,
        query=JobsQuery,
        body=Nothing,
        answer=BackfillList,
    ),
    Route(
        name="cancel_backfill",
        path="backfills/{connection}/{job}",
        methods=("DELETE",),
        role=Role.OPERATOR,
        handle=overview.cancel_backfill,
        query=Nothing,
        body=Cancellation,
        answer=BackfillShown,
    ),
)
