"""The routes of reconciliations that run as jobs; the one table has them all."""

from __future__ import annotations

from shared.api import jobs
from shared.api.route import AnyRoute, Nothing, Route
from shared.api_models.jobs import JobStarted, ReconciliationJob, ReconciliationJobs, ReconciliationResult
from shared.flows.reconciliation.jobs import ReconciliationRequest
from shared.flows.reconciliation.result import ResultQuery
from shared.flows.reconciliation.workbook import CONTENT_TYPE
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.people.roles import Role

_OF_COMPANY = "reconciliation-jobs/{connection}/{company}"
_JOB = f"{_OF_COMPANY}/{{job}}"

RECONCILIATIONS: tuple[AnyRoute, ...] = (
    Route(
        name="start_reconciliation",
        path=_OF_COMPANY,
        methods=("POST",),
        role=Role.OPERATOR,
        handle=jobs.start_reconciliation,
        query=Nothing,
        body=ReconciliationRequest,
        answer=JobStarted,
        status=202,
    ),
    Route(
        name="list_reconciliations",
        path=_OF_COMPANY,
        methods=("GET",),
        role=Role.VIEWER,
        handle=jobs.list_reconciliations,
        query=JobsQuery,
        body=Nothing,
        answer=ReconciliationJobs,
    ),
    Route(
        name="show_reconciliation",
        path=_JOB,
        methods=("GET",),
        role=Role.VIEWER,
        handle=jobs.show_reconciliation,
        query=ResultQuery,
        body=Nothing,
        answer=ReconciliationResult,
        formats=("text/csv", CONTENT_TYPE),
    ),
    Route(
        name="cancel_reconciliation",
        path=_JOB,
        methods=("DELETE",),
        role=Role.OPERATOR,
        handle=jobs.cancel_reconciliation,
        query=Nothing,
        body=Cancellation,
        answer=ReconciliationJob,
    ),
)
