"""A filed document would now be different: nothing is sent, a person gets a complete proposal (design 4.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.filing.corrections import CorrectionIds, correction_ids, reversal_of
from shared.filing.filed import FiledTransaction, Json, Role
from shared.taxjar.wire import to_wire
from shared.transactions import Kind

Difference = dict[str, dict[str, str | None]]
"""Field → ``filed`` and ``new``, in TaxJar's field names."""


class ProposalStep(StrEnum):
    """How far a correction has come."""

    PROPOSED = "proposed"
    APPROVED = "approved"


class Pair(BaseModel):
    """What changes for one filed transaction: its reversal, its replacement, or both."""

    model_config = ConfigDict(frozen=True)

    part: str
    """The id under which the part was filed first."""
    filed: FiledTransaction | None = None
    """What TaxJar holds; ``None`` where it holds nothing of the part."""
    lost: FiledTransaction | None = None
    """What was filed and TaxJar no longer holds."""
    reversal: FiledTransaction | None = None
    """Absent where TaxJar holds nothing that could be taken back."""
    replacement: FiledTransaction | None = None
    """Absent where the part has no successor."""
    difference: Difference = {}

    @property
    def sent(self) -> tuple[FiledTransaction, ...]:
        """What is sent on approval, in this order."""
        return tuple(each for each in (self.reversal, self.replacement) if each)

    def numbered(self, number: int, on: date) -> Pair:
        """The same with the ids of correction ``number``, both transactions dated ``on``.

        0 is the number of a part that is filed for the first time: it keeps its id.
        """
        ids = correction_ids(self.part, number) if number else CorrectionIds(self.part, self.part)

        def dated(one: FiledTransaction | None, transaction_id: str) -> FiledTransaction | None:
            if one is None:
                return None
            payload = {**one.payload, "transaction_id": transaction_id, "transaction_date": on.isoformat()}
            changes = {"transaction_id": transaction_id, "payload": payload, "number": number, "approved": True}
            return one.model_copy(update=changes)

        return self.model_copy(
            update={
                "reversal": dated(self.reversal, ids.reversal),
                "replacement": dated(self.replacement, ids.replacement),
            }
        )


class Proposal(BaseModel):
    """A correction, complete: what it would change and exactly what would be sent."""

    model_config = ConfigDict(frozen=True)

    step: ProposalStep = ProposalStep.PROPOSED
    pairs: tuple[Pair, ...]
    content: str
    """Names what would be filed instead; a dismissal is remembered by it."""
    fingerprint: str = ""
    tax_codes: dict[str, str] | None = None
    skip: tuple[str, str] | None = None
    """Reason and message of a document that ends as skipped once it is reversed."""

    def numbered(self, numbers: Sequence[int], on: date) -> Proposal:
        """The same correction with a number for each pair, all transactions dated ``on``."""
        pairs = (pair.numbered(number, on) for pair, number in zip(self.pairs, numbers, strict=True))
        return self.model_copy(update={"pairs": tuple(pairs)})

    def approved(self, numbers: Sequence[int], on: date) -> Proposal:
        """The correction as a person approved it on the day ``on``."""
        return self.numbered(numbers, on).model_copy(update={"step": ProposalStep.APPROVED})

    @property
    def sent(self) -> tuple[FiledTransaction, ...]:
        """Everything that is sent on approval, in order."""
        return tuple(each for pair in self.pairs for each in pair.sent)

    def stored(self) -> Json:
        """As the ledger keeps it."""
        return self.model_dump(mode="json", exclude_none=True)

    def shown(self) -> Json:
        """As answers show it. The fields of a single pair stand beside the pairs as well."""
        pairs = [_shown_pair(pair) for pair in self.pairs]
        return {
            "step": self.step.value,
            "difference": {
                (f"{pair.part}.{field}" if len(self.pairs) > 1 else field): change
                for pair in self.pairs
                for field, change in pair.difference.items()
            },
            "pairs": pairs,
            **({name: pairs[0][name] for name in ("filed", "ids", "kinds", "payloads")} if len(pairs) == 1 else {}),
        }


def _shown_pair(pair: Pair) -> Json:
    sent = {"reversal": pair.reversal, "replacement": pair.replacement}
    return {
        "transaction_id": pair.filed.transaction_id if pair.filed else pair.part,
        "difference": pair.difference,
        "filed": pair.filed.payload if pair.filed else None,
        "ids": {name: one.transaction_id for name, one in sent.items() if one},
        "kinds": {name: one.kind.value for name, one in sent.items() if one},
        "payloads": {name: one.payload for name, one in sent.items() if one},
    }


def reversal_for(filed: FiledTransaction, on: date) -> FiledTransaction:
    """What takes back ``filed``, still under its id."""
    taken_back = reversal_of(filed.transaction, filed.transaction_id, on)
    changes = {"kind": taken_back.kind, "payload": to_wire(taken_back), "role": Role.REVERSAL, "late": False}
    return filed.model_copy(update=changes)


def next_numbers(pairs: Iterable[Pair], filed: Iterable[FiledTransaction]) -> tuple[int, ...]:
    """The next correction number of each pair's part, by what is filed; 0 for a part that never was."""
    used: dict[str, int] = {}
    for each in filed:
        used[each.part] = max(used.get(each.part, 0), each.number)
    numbers = []
    for pair in pairs:
        if pair.part in used:
            used[pair.part] += 1
        numbers.append(used.setdefault(pair.part, 0))
    return tuple(numbers)


def accepted(proposal: Proposal, filed: Iterable[FiledTransaction]) -> tuple[FiledTransaction, ...]:
    """What is filed once a person has dismissed ``proposal``: all as TaxJar holds it."""
    held = {(pair.filed.kind, pair.filed.transaction_id): pair.filed for pair in proposal.pairs if pair.filed}
    lost = {(pair.lost.kind, pair.lost.transaction_id) for pair in proposal.pairs if pair.lost}
    found = []
    for each in filed:
        known = (each.kind, each.transaction_id)
        if known in lost:
            each = each.model_copy(update={"role": Role.DELETED})
        elif known in held:
            each = each.model_copy(update={"payload": held[known].payload})
        found.append(each)
    return tuple(found)


def read_proposal(stored: Mapping[str, Any], part: str) -> Proposal:
    """The proposal that :meth:`Proposal.stored` wrote; version 1 knew one pair, of the document's one ``part``."""
    if "pairs" in stored:
        return Proposal.model_validate(stored)
    payloads, kinds, ids = stored["payloads"], stored["kinds"], stored["ids"]
    reversed_kind = Kind.ORDER if kinds["reversal"] == Kind.REFUND else Kind.REFUND
    filed_id = str(stored["filed"]["transaction_id"])
    number = int(stored["number"])
    filed = FiledTransaction(transaction_id=filed_id, kind=reversed_kind, payload=stored["filed"], part=part)

    def sent(name: str, role: Role) -> FiledTransaction | None:
        if name not in payloads:
            return None
        return FiledTransaction(
            transaction_id=ids[name],
            kind=kinds[name],
            payload=payloads[name],
            role=role,
            part=part,
            number=number,
            line_keys=tuple(stored.get("tax_codes") or ()),
        )

    pair = Pair(
        part=part,
        filed=filed,
        reversal=sent("reversal", Role.REVERSAL),
        replacement=sent("replacement", Role.CURRENT),
        difference=stored.get("difference") or {},
    )
    return Proposal(
        step=ProposalStep.PROPOSED if stored.get("step") == ProposalStep.PROPOSED else ProposalStep.APPROVED,
        pairs=(pair,),
        content=stored["content"],
        fingerprint=stored.get("fingerprint", ""),
        tax_codes=stored.get("tax_codes"),
        skip=stored.get("skip"),
    )
