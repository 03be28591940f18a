"""Handlers about how things stand: status, activity, exempt customers, and the jobs that run by themselves."""

from __future__ import annotations

from shared.api.route import Call, Nothing
from shared.flows.backfill import manage
from shared.flows.customers import exempt
from shared.flows.operations import activity, status
from shared.flows.work.jobs import Cancellation, JobsQuery
from shared.web import Answer


async def show_status(call: Call[status.StatusQuery, Nothing]) -> Answer:
    """Whether it runs, what waits, and what to do next."""
    shown, caller = await status.show_status(call.connector, call.query), call.caller
    you = {"id": caller.object_id, "name": caller.name, "roles": [caller.role.value]}
    shown["you"] = you if caller.is_person else None
    shown["rules"] = call.people.model_dump(include={"keys_may_decide", "approver_must_differ"})
    return Answer(body=shown)


async def list_activity(call: Call[activity.ActivityQuery, Nothing]) -> Answer:
    """What people and schedules did, newest first."""
    return Answer(body=await activity.list_activity(call.connector, call.connection, call.query))


async def list_exempt_customers(call: Call[exempt.CustomersQuery, Nothing]) -> Answer:
    """Who is exempt in TaxJar, where and by which rule, and whom TaxJar refused."""
    return await exempt.list_exempt_customers(call.connector, call.connection, call.company, call.query)


async def list_backfills(call: Call[JobsQuery, Nothing]) -> Answer:
    """Backfills, newest first."""
    return Answer(body=await manage.list_backfills(call.connector, call.connection, call.query))


async def cancel_backfill(call: Call[Nothing, Cancellation]) -> Answer:
    """Stop a backfill at its next step."""
    job = call.request.route["job"]
    return Answer(body=await manage.cancel_backfill(call.connector, call.connection, job, call.body))
