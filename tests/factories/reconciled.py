"""Records of every kind that reconciling compares, and a way to change them unseen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from generation.actions.rendering import render_next
from generation.actions.requesting import cancel_generation
from generation.models import Generation
from provenance.audit_log.sequencing import sequence
from provenance.licensing.actions.granting import give_grant, revoke_grant
from provenance.licensing.actions.offering import offer_by_grant
from provenance.licensing.actions.opting_out import record_opt_out
from tests.factories.log import entries
from tests.factories.records import (
    a_model,
    a_party,
    a_request,
    a_style,
    a_work,
    a_worker,
    an_artist,
    as_image,
    in_style,
)


def records_of_every_kind(keys: Path) -> None:
    """Leave rows of every kind that the log tells of, and requests that ended in several ways."""
    model = a_model()
    ada = an_artist("ada")
    party = a_party("Ada Painter", member=ada)
    work = a_work(ada, party, licence="CC-BY-4.0")
    own = a_style(model, party=party, slug="own", name="Own", token="owntoken", works=[work])
    offer = offer_by_grant(actor=ada.actor(), party=party, subject_kind="style", subject_id=own.pk)
    grant = give_grant(actor=ada.actor(), offer=offer, licensee_id=an_artist("lee").pk)
    revoke_grant(actor=ada.actor(), grant=grant)
    style = a_style(model, party=a_party("Bo Carver"))
    mara = an_artist()
    a_request(mara, seeds=(2**63 - 1, 2), disclosure="private", **in_style(style))
    a_request(mara, seeds=(5,), **as_image(work))
    worker = a_worker(keys)
    assert render_next(worker=worker) and render_next(worker=worker)
    cancel_generation(actor=mara.actor(), generation_id=a_request(mara).pk)
    a_request(mara, **in_style(a_style(model, party=party, slug="closed", name="Closed", token="clsd", licence="")))
    record_opt_out(actor=ada.actor(), party=party, subject_kind="work", subject_id=work.pk, source="a letter")
    a_request(mara)
    entries(300)
    sequence()
    assert sorted(Generation.objects.values_list("state", flat=True)) == sorted(
        ["done", "done", "cancelled", "refused", "queued"]
    )


@contextmanager
def behind_the_servers_back() -> Iterator[Any]:
    """Lend a cursor for which no trigger stands, as a superuser has one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor
