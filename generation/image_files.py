"""The files of delivered images, the first and every later form: found by what is known of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from generation.errors import UnknownImage
from generation.models import Output, Rendition
from provenance.actor import Actor
from provenance.compiled_query import CompiledObjects, text


@dataclass(frozen=True)
class Form:
    """One file of a delivered image: the one first delivered, or a rendition of it."""

    output: Output
    rendition: Rendition | None = None

    @property
    def file(self) -> Output | Rendition:
        """Return the row that describes the file: digest, manifest, pixels, size and type."""
        return self.rendition or self.output

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the leaf hashes of its entries: the request's, the delivery's, and the rendition's own."""
        own = (self.rendition.leaf,) if self.rendition else ()
        return (self.output.generation.request_leaf, self.output.delivered_leaf, *own)


COLUMNS = ("digest", "manifest_id", "delivered_pixels")
Fitting = dict[str, tuple[bool, bool]]
"""By column, whether a delivered image's first file fits, and whether a rendition of one does."""


def forms_with(**wanted: str) -> list[Form]:
    """Return the files with a digest, manifest id or pixel digest, oldest first; of one image the first form alone."""
    ((column, value),) = wanted.items()
    return forms_fitting(column, value, fitting=files_fitting(**wanted))


def files_fitting(**wanted: str) -> Fitting:
    """Say by one short statement which of some values any file has: most pictures that strangers verify are none."""
    with connection.cursor() as cursor:
        cursor.execute(_fits(tuple(wanted)), [value for value in wanted.values() for _ in range(2)])
        told = cursor.fetchone()
    return {column: (told[2 * place], told[2 * place + 1]) for place, column in enumerate(wanted)}


@lru_cache
def _fits(columns: tuple[str, ...]) -> str:
    """Return the statement that asks for a value in each of some columns, which must be known ones."""
    places = [COLUMNS.index(column) for column in columns]
    tables = ("generation_output", "generation_rendition")
    asked = [f"EXISTS (SELECT FROM {table} WHERE {COLUMNS[place]} = %s)" for place in places for table in tables]
    return f"SELECT {', '.join(asked)}"


def forms_fitting(column: str, value: str, *, fitting: Fitting) -> list[Form]:
    """Return the files with a value in a column, where any were said to fit; ordered as ``forms_with``."""
    is_first, is_later = fitting[column]
    forms: dict[int, Form] = {}
    for output in FIRST_FILES[column].of(value=value) if is_first else ():
        forms.setdefault(output.pk, Form(output))
    for rendition in LATER_FILES[column].of(value=value) if is_later else ():
        forms.setdefault(rendition.output_id, Form(rendition.output, rendition))
    return list(forms.values())


def _first_files() -> QuerySet[Output]:
    """Return the files first delivered, without the models' vocabulary: some hundred kilobytes."""
    outputs = Output.objects.select_related("generation__model").defer("generation__model__vocabulary")
    return outputs.order_by("delivered_at", "id")


def _later_files() -> QuerySet[Rendition]:
    forms = Rendition.objects.select_related("output__generation__model").defer("output__generation__model__vocabulary")
    return forms.order_by("made_at", "id")


def _with(files: Callable[[], QuerySet[Any]], column: str) -> CompiledObjects[Any]:
    return CompiledObjects(lambda: files().filter(**{column: text("value")}))


FIRST_FILES: dict[str, CompiledObjects[Output]] = {column: _with(_first_files, column) for column in COLUMNS}
LATER_FILES: dict[str, CompiledObjects[Rendition]] = {column: _with(_later_files, column) for column in COLUMNS}


def is_any_watermarked() -> bool:
    """Say whether any delivered image carries a watermark that a copy could be known by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM generation_output WHERE watermark IS NOT NULL)")
        return bool(cursor.fetchone()[0])


def watermarks_kept() -> int:
    """Return among how many watermarked images a copy's id is looked up; where they are many, as of this minute."""
    watermarked = Output.objects.exclude(watermark=None).order_by()
    few = watermarked[:MANY].count()
    return few if few < MANY else _many_watermarked(int(time.time() // 60))


MANY = 10_000
"""Counting as many takes two milliseconds; a million takes a quarter of a second."""


@lru_cache(maxsize=1)
def _many_watermarked(_minute: int) -> int:
    return Output.objects.exclude(watermark=None).count()


def forms_watermarked(watermark: str) -> list[Form]:
    """Return the image that carries an id, 16 hex digits, in its pixels."""
    return [Form(output) for output in _first_files().filter(watermark=watermark)]


def form_visible_to(actor: Actor, *, digest: str) -> Form:
    """Return a file of an image of an account's own, or of anyone's to an auditor; raise UnknownImage otherwise."""
    for form in forms_with(digest=digest):
        if actor.has("auditor") or form.output.generation.owner_id == actor.account_id:
            return form
    raise UnknownImage()


def image_that_is(digest: str) -> Output | None:
    """Return the delivered image that a file is, in any of its forms; None for one that is not ours."""
    forms = forms_with(digest=digest)
    return forms[0].output if forms else None


def files_of_image(digest: str) -> list[tuple[str, str]]:
    """Return the digest and the pixels' of every file of an image, by the digest of the one first delivered."""
    first = Output.objects.filter(digest=digest).values_list("digest", "delivered_pixels")
    later = Rendition.objects.filter(output__digest=digest).order_by("made_at", "id")
    return [*first, *later.values_list("digest", "delivered_pixels")]


def form_named(name: str) -> Form | None:
    """Return the delivered file with this digest or manifest id, its UUID alone included; None where there is none."""
    if "\0" in name:  # which the database takes for no text at all
        return None
    manifest_id = name if name.startswith("urn:c2pa:") else f"urn:c2pa:{name}"
    return next(iter(forms_with(digest=name) or forms_with(manifest_id=manifest_id)), None)


def delivered_files(digests: Iterable[str]) -> set[str]:
    """Return which of some digests are files of delivered images whose record was not erased."""
    among = list(digests)
    outputs = Output.objects.filter(digest__in=among, generation__erased_at=None)
    renditions = Rendition.objects.filter(digest__in=among, output__generation__erased_at=None)
    return {*outputs.values_list("digest", flat=True), *renditions.values_list("digest", flat=True)}
