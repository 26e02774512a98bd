"""What sources publish becomes discoveries: each once per repository, duplicates kept with the reason."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from pipeline import clock
from pipeline.domain import urls
from pipeline.models import Discovery, Source
from pipeline.services import telemetry
from pipeline.sources.fetch import HttpFetcher
from pipeline.sources.parse import ContentError, entries
from pipeline.sources.port import Entry, Fetched, Fetcher, FetchError

MAX_EXCERPT, MAX_TITLE = 2000, 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What one look at one source brought."""

    new: int
    duplicates: int
    problem: str = ""


def fetcher() -> Fetcher:
    """The real fetcher; only the sandbox's own address is free of the rule against private addresses."""
    sandbox = settings.CONTROLPLANE.sandbox_url
    return HttpFetcher(frozenset({urlsplit(sandbox).netloc}) if sandbox else frozenset())


def collect(source: Source, fetch: Fetcher) -> Collected:
    """Look at one source; its fault is written on the source and never stops the others."""
    try:
        fetched = fetch.fetch(source.url, etag=source.etag, last_modified=source.last_modified)
        found = () if fetched.not_modified else entries(source.kind, fetched, source.selector)
    except (FetchError, ContentError) as error:
        _note(source, problem=str(error)[:500], failures=source.failures + 1)
        telemetry.emit("source.failed", source=source.name, problem=str(error))
        return Collected(0, 0, str(error))
    new, duplicates = _take(source, found)
    _remember(source, fetched)
    telemetry.emit("source.read", source=source.name, entries=len(found), new=new, duplicates=duplicates)
    return Collected(new, duplicates)


def _remember(source: Source, fetched: Fetched) -> None:
    """The validators are kept only after all entries are stored, so that a crash in between reads them again."""
    fields: dict[str, object] = {"problem": "", "failures": 0}
    if not fetched.not_modified:
        fields |= {"etag": fetched.etag[:300], "last_modified": fetched.last_modified[:100]}
    _note(source, **fields)


def _note(source: Source, **fields: object) -> None:
    """Bookkeeping, not a setting: named fields only and no history entry."""
    fields["checked_at"] = clock.now()
    Source.objects.filter(pk=source.pk).update(**fields)
    for name, value in fields.items():
        setattr(source, name, value)


def _take(source: Source, found: Sequence[Entry]) -> tuple[int, int]:
    new = duplicates = 0
    for entry in found:
        row = _store(source, entry)
        new += row is not None and row.status == Discovery.Status.NEW
        duplicates += row is not None and row.status == Discovery.Status.DUPLICATE
    return new, duplicates


def _store(source: Source, entry: Entry) -> Discovery | None:
    """None when this very entry was seen before, or its address cannot be used."""
    entry_key = hashlib.sha256(f"{entry.url}\n{entry.title}".encode()).hexdigest()
    if Discovery.objects.filter(repository=source.repository, source=source, entry_key=entry_key).exists():
        return None
    try:
        normalised = urls.url_key(entry.url)
        fingerprint = urls.fingerprint(entry.url, entry.title)
    except ValueError as error:
        telemetry.emit("discovery.refused", source=source.name, url=entry.url[:300], reason=str(error))
        return None
    row = Discovery(
        repository=source.repository,
        source=source,
        url=entry.url,
        normalised_url=normalised,
        title=entry.title[:MAX_TITLE],
        normalised_title=urls.normalise_title(entry.title)[:MAX_TITLE],
        fingerprint=fingerprint,
        entry_key=entry_key,
        excerpt=entry.excerpt[:MAX_EXCERPT],
        published_at=entry.published_at,
        found_at=clock.now(),
    )
    original, reason = _original(row)
    if original is not None:
        row.status, row.duplicate_of, row.reason = Discovery.Status.DUPLICATE, original, reason[:500]
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return None  # another monitor run stored it at this moment
    return row


def _original(row: Discovery) -> tuple[Discovery | None, str]:
    """The earlier discovery that this one repeats, and why."""
    firsts = Discovery.objects.filter(repository=row.repository).exclude(status=Discovery.Status.DUPLICATE)
    same_address = firsts.filter(normalised_url=row.normalised_url) | firsts.filter(fingerprint=row.fingerprint)
    same_title = firsts.filter(normalised_title=row.normalised_title).exclude(normalised_url=row.normalised_url)
    sighting = _sighting(row)
    for other in (*same_address.order_by("pk")[:500], *same_title.order_by("-pk")[:50]):
        reason = urls.duplicate_reason(sighting, [_sighting(other)])
        if reason is None and other.fingerprint == row.fingerprint:
            reason = "Address and title are the same once spelling is set aside."
        if reason is not None:
            return other, reason
    return None, ""


def _sighting(row: Discovery) -> urls.Sighting:
    return urls.Sighting(row.url, row.title, published_at=row.published_at)
