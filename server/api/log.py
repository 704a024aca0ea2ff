"""The public log: checkpoint, tiles, verifier key and proofs, in the forms that other people's tools read (C2SP)."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from generation import image_files
from provenance.audit_log import files, proofs, queries, witnesses
from provenance.audit_log.errors import EntryUnknown, NoCheckpointYet, OldSizeDiffers, RequestMalformed

PLAIN = "text/plain; charset=utf-8"


class PublicFile(APIView):
    """An address that anyone may read, as often as a monitor needs to."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()


class PublishedCheckpoint(PublicFile):
    """The checkpoint in force."""

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the signed note of the newest published checkpoint; 503 before the first."""
        note = files.published()
        if note is None:
            raise NoCheckpointYet(seconds=proofs.SECONDS_TO_A_CHECKPOINT)
        return HttpResponse(note, content_type=PLAIN, headers={"Cache-Control": "no-cache"})


class VerifierKeyText(PublicFile):
    """The key that checkpoints verify with."""

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the key that signed the checkpoint in force; compare it with what the operator publishes elsewhere."""
        keys, note = queries.keys(), files.published()
        if not keys:
            raise NoCheckpointYet(seconds=proofs.SECONDS_TO_A_CHECKPOINT)
        key = proofs.key_of(note) if note else keys[-1]
        return HttpResponse(key.vkey + "\n", content_type=PLAIN, headers={"Cache-Control": "no-cache"})


class Tile(PublicFile):
    """One tile or entry bundle."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes})
    def get(self, request: Request, path: str) -> HttpResponse:
        """Return hashes or entries as C2SP tlog-tiles lays them out; they never change."""
        try:
            data = proofs.tile(path)
        except FileNotFoundError as error:
            raise NotFound() from error
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return HttpResponse(data, content_type="application/octet-stream", headers=headers)


class WitnessKeyText(PublicFile):
    """The key with which this installation cosigns."""

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request) -> HttpResponse:
        """Return the verifier key of this witness; 404 where the operator has named no log to witness."""
        if not settings.ENVIRONMENT.log_witnessed:
            raise NotFound()
        return HttpResponse(witnesses.own_key().vkey + "\n", content_type=PLAIN, headers={"Cache-Control": "no-cache"})


class AddCheckpoint(APIView):
    """Cosigns the checkpoints of logs that the operator has named, each only as a continuation of the one before."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle = {"POST": "account"}

    @extend_schema(request={"text/plain": str}, responses={(200, "text/plain"): str, (409, "text/x.tlog.size"): str})
    def post(self, request: Request) -> HttpResponse:
        """Return a cosignature line (C2SP tlog-witness); 409 with the size that we know where it is another."""
        body = request.body
        if len(body) > witnesses.LARGEST_REQUEST:
            raise RequestMalformed(reason_en="it is larger than 64 KiB", reason_zh="超过 64 KiB")
        try:
            line = witnesses.cosign(body, at=timezone.now())
        except OldSizeDiffers as error:
            return HttpResponse(f"{error.values['size']}\n", status=409, content_type=witnesses.SIZE_TYPE)
        return HttpResponse(line, content_type=PLAIN)


class ImageProof(APIView):
    """The proof that an image's delivery is in the log; made anew for each call, which is counted like any other."""

    permission_classes = (AllowAny,)

    @extend_schema(responses={(200, "text/plain"): str})
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Return a c2sp.org/tlog-proof@v1 file; 503 with Retry-After until a checkpoint includes the entry."""
        forms = image_files.forms_with(digest=digest)
        if not forms or not forms[0].leaves[-1]:
            raise EntryUnknown()
        text = proofs.proof_file(forms[0].leaves[-1], witnesses=witnesses.witness_keys())
        headers = {
            "Cache-Control": "no-cache",
            "Content-Disposition": f'attachment; filename="colophon-{digest[7:15]}.tlog-proof"',
        }
        return HttpResponse(text, content_type=PLAIN, headers=headers)
