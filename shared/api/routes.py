"""The one table of routes: the keyed functions, the door for people and the API's description are made from it."""

from __future__ import annotations

from shared.api import jobs, operations, review
from shared.api.overview_routes import OVERVIEW
from shared.api.reconciliation_routes import RECONCILIATIONS
from shared.api.route import AnyRoute, Anything, Nothing, Route
from shared.api_models.connector import Accepted, Health, Moved, Ping
from shared.api_models.documents import DocumentList, DocumentShown, Retried
from shared.api_models.jobs import BackfillShown, JobStarted, Reconciliation, RunStarted
from shared.api_models.months import Completeness, FilingPeriods, PeriodClosed
from shared.api_models.taxjar import NexusRegionList, Rate, Tax
from shared.flows.audit import export
from shared.flows.backfill import start
from shared.flows.live import nexus, taxes
from shared.flows.reconciliation import completeness
from shared.flows.reconciliation import reconcile as reconciliation
from shared.flows.reconciliation.workbook import CONTENT_TYPE as XLSX
from shared.flows.review import decide, documents, filing_periods, listing, period_list, redrive
from shared.people.roles import Role
from shared.taxjar.taxes import TaxRequest

CSV = "text/csv"
DECISIONS = {"approve": Role.APPROVER, "dismiss": Role.APPROVER, "settle": Role.APPROVER}
"""What only an approver decides about a document; the others an operator."""

_REVIEW: tuple[AnyRoute, ...] = (
    Route(
        name="list_documents",
        path="documents/{connection}/{company}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=review.list_documents,
        query=listing.DocumentFilter,
        body=Nothing,
        answer=DocumentList,
        formats=(CSV,),
    ),
    Route(
        name="show_document",
        path="documents/{connection}/{company}/{transaction_id}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=review.show_document,
        query=documents.Shown,
        body=Nothing,
        answer=DocumentShown,
    ),
    Route(
        name="decide_document",
        path="documents/{connection}/{company}/{transaction_id}/{decision}",
        methods=("POST",),
        role=Role.OPERATOR,
        stricter=DECISIONS,
        decides=True,
        handle=review.decide_document,
        query=documents.Chosen,
        body=decide.DecisionBody,
        answer=DocumentShown,
        status=202,
    ),
    Route(
        name="retry_documents",
        path="documents/{connection}/{company}/retry",
        methods=("POST",),
        role=Role.OPERATOR,
        decides=True,
        handle=review.retry_documents,
        query=listing.DocumentFilter,
        body=redrive.Redrive,
        answer=Retried,
        status=202,
    ),
    Route(
        name="close_filing_period",
        path="filing-periods/{connection}/{company}/{state}",
        methods=("PUT",),
        role=Role.APPROVER,
        decides=True,
        handle=review.close_filing_period,
        query=Nothing,
        body=filing_periods.Closing,
        answer=PeriodClosed,
    ),
    Route(
        name="list_filing_periods",
        path="filing-periods/{connection}/{company}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=review.list_filing_periods,
        query=period_list.PeriodsQuery,
        body=Nothing,
        answer=FilingPeriods,
    ),
    Route(
        name="show_completeness",
        path="completeness/{connection}/{company}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=review.show_completeness,
        query=completeness.CompletenessQuery,
        body=Nothing,
        answer=Completeness,
        formats=(CSV, XLSX),
    ),
)

_JOBS: tuple[AnyRoute, ...] = (
    Route(
        name="start_backfill",
        path="backfills/{connection}",
        methods=("POST",),
        role=Role.OPERATOR,
        handle=jobs.start_backfill,
        query=Nothing,
        body=start.BackfillRequest,
        answer=JobStarted,
        status=202,
    ),
    Route(
        name="show_backfill",
        path="backfills/{connection}/{job}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=jobs.show_backfill,
        query=Nothing,
        body=Nothing,
        answer=BackfillShown,
    ),
    Route(
        name="reconcile",
        path="reconciliations/{connection}/{company}",
        methods=("GET", "POST"),
        role=Role.VIEWER,
        stricter={"POST": Role.OPERATOR},
        handle=jobs.reconcile,
        query=reconciliation.ReconcileQuery,
        body=Anything,
        answer=Reconciliation,
        formats=(CSV,),
    ),
    Route(
        name="run_now",
        path="runs/{function}",
        methods=("POST",),
        role=Role.OPERATOR,
        handle=jobs.run_now,
        query=Nothing,
        body=Anything,
        answer=RunStarted,
        status=202,
    ),
)

_OPERATIONS: tuple[AnyRoute, ...] = (
    Route(
        name="receive_business_event",
        path="business-events/{connection}",
        methods=("POST", "OPTIONS"),
        role=None,
        handle=operations.receive_business_event,
        query=Anything,
        body=Anything,
        answer=Accepted,
        status=202,
        also=(200,),
        needs_storage=False,
    ),
    Route(
        name="list_nexus_regions",
        path="nexus/{connection}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=operations.list_nexus_regions,
        query=nexus.NexusQuery,
        body=Nothing,
        answer=NexusRegionList,
        formats=(CSV,),
    ),
    Route(
        name="calculate_tax",
        path="taxes/{connection}",
        methods=("POST",),
        role=Role.OPERATOR,
        handle=operations.calculate_tax,
        query=taxes.TaxQuery,
        body=TaxRequest,
        answer=Tax,
    ),
    Route(
        name="look_up_rate",
        path="rates/{connection}/{zip}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=operations.look_up_rate,
        query=operations.PlaceQuery,
        body=Nothing,
        answer=Rate,
    ),
    Route(
        name="ping_connection",
        path="connections/{connection}/ping",
        methods=("POST",),
        role=Role.OPERATOR,
        handle=operations.ping_connection,
        query=Nothing,
        body=Anything,
        answer=Ping,
        needs_storage=False,
    ),
    Route(
        name="confirm_move",
        path="connections/{connection}/{company}/move",
        methods=("POST",),
        role=Role.APPROVER,
        decides=True,
        handle=operations.confirm_move,
        query=Nothing,
        body=decide.Why,
        answer=Moved,
        status=202,
    ),
    Route(
        name="export_audit",
        path="audit/{connection}/{company}",
        methods=("GET",),
        role=Role.VIEWER,
        handle=operations.export_audit,
        query=export.ExportQuery,
        body=Nothing,
        formats=("application/x-ndjson",),
    ),
    Route(
        name="health",
        path="health",
        methods=("GET",),
        role=Role.VIEWER,
        handle=operations.health,
        query=Anything,
        body=Anything,
        answer=Health,
        needs_key=False,
        needs_storage=False,
    ),
)

ROUTES: tuple[AnyRoute, ...] = (*_REVIEW, *_JOBS, *RECONCILIATIONS, *_OPERATIONS, *OVERVIEW)
