"""Where the seals of days are kept: one blob for each company and day, created once and never changed (design 4.8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import IO, Protocol

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContentSettings
from azure.storage.blob.aio import ContainerClient

from shared.table_keys import encode

_SUFFIX = ".ndjson"


class RootStore(Protocol):
    """Keeps what was sealed; nothing in it can be replaced."""

    async def prepare(self) -> None:
        """Have a place for seals."""

    async def create(self, connection: str, company: str, day: date, content: IO[bytes]) -> bool:
        """Keep the seal of a day; ``False`` where the day has one already, which stays."""
        ...

    def days(self, connection: str, company: str) -> AsyncIterator[date]:
        """The days that have a seal, in order."""
        ...

    def lines(self, connection: str, company: str, day: date, offset: int = 0) -> AsyncIterator[bytes]:
        """The lines of a day's seal from the byte ``offset`` on, without their ends; none for a day without one."""
        ...


class BlobRootStore:
    """Seals as blobs of one container, below ``prefix``."""

    def __init__(self, container: ContainerClient, prefix: str, *, may_create: bool) -> None:
        self._container = container
        self._prefix = prefix
        self._may_create = may_create
        """Whether the container is the app's own; with an immutability policy it was made by the deployment."""

    async def prepare(self) -> None:
        """Create the container where it is the app's own."""
        if self._may_create:
            try:
                await self._container.create_container()
            except ResourceExistsError:
                return

    async def create(self, connection: str, company: str, day: date, content: IO[bytes]) -> bool:
        """See :meth:`RootStore.create`; the service decides which of two comes first."""
        blob = self._container.get_blob_client(f"{self._folder(connection, company)}{day.isoformat()}{_SUFFIX}")
        try:
            # Not to overwrite is If-None-Match: * on the wire.
            await blob.upload_blob(
                content, overwrite=False, content_settings=ContentSettings(content_type="application/x-ndjson")
            )
        except ResourceExistsError:
            return False
        return True

    async def days(self, connection: str, company: str) -> AsyncIterator[date]:
        """See :meth:`RootStore.days`."""
        folder = self._folder(connection, company)
        try:
            async for name in self._container.list_blob_names(name_starts_with=folder):
                try:
                    yield date.fromisoformat(name.removeprefix(folder).removesuffix(_SUFFIX))
                except ValueError:
                    continue
        except ResourceNotFoundError:
            return

    async def lines(self, connection: str, company: str, day: date, offset: int = 0) -> AsyncIterator[bytes]:
        """See :meth:`RootStore.lines`."""
        blob = self._container.get_blob_client(f"{self._folder(connection, company)}{day.isoformat()}{_SUFFIX}")
        try:
            download = await blob.download_blob(offset=offset)
        except HttpResponseError as error:
            if error.status_code in (404, 416):  # no such blob, or nothing behind the offset
                return
            raise
        rest = b""
        async for chunk in download.chunks():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
        if rest:
            yield rest

    def _folder(self, connection: str, company: str) -> str:
        return f"{self._prefix}/{encode(connection)}/{encode(company)}/"
