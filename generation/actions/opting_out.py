"""Opt-outs of delivered images: whichever of its files somebody names, it is the image that is opted out."""

from __future__ import annotations

from collections.abc import Sequence

from generation import image_files
from provenance.attribution import queries as attribution
from provenance.fingerprint import Fingerprint
from provenance.licensing.actions.opting_out import NO_FINGERPRINT, KnownForm


def other_forms(digest: str, pixels: str) -> Sequence[KnownForm]:
    """Return the other files of the delivered images that a file is, by its digest or that of its pixels."""
    found = image_files.forms_with(digest=digest) or (image_files.forms_with(delivered_pixels=pixels) if pixels else [])
    known = [
        KnownForm(file, its_pixels, kept.get(file, NO_FINGERPRINT))
        for form in found
        for kept in [_kept(form)]
        for file, its_pixels in image_files.files_of_image(form.output.digest)
        if file != digest
    ]
    return list({one.digest: one for one in known}.values())


def _kept(form: image_files.Form) -> dict[str, Fingerprint]:
    """Return what is kept of each file of an image, as delivered, by its digest."""
    rows = attribution.kept_of("image", subject=form.output.use_id).exclude(stage="raw")
    return {
        row.digest: Fingerprint(pdq=attribution.codes_of(row), quality=row.quality, iscc=row.iscc) for row in rows
    }
