"""Reading any picture's content credentials: bounded, offline, and down to the last ingredient."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import c2pa  # type: ignore[import-untyped]  # it ships no types
from PIL import Image

from provenance.credentials.manifest import PROMPT_TYPE
from provenance.picture import FORMATS, NotAPicture, PictureTooLarge, require_few_parts

LARGEST_FILE = 64 * 2**20
LARGEST_PIXELS = 200_000_000
"""More than is ever decoded elsewhere: a camera's picture is read for its manifest, not for its pixels."""
LARGEST_STORE = 16 * 2**20
LARGEST_PROMPT = 64 * 2**10
STORE = b"c2pa"
"""What stands in every file that carries a manifest store: the store's own label, and its type."""
DEVELOPMENT_NAME = "Colophon Development CA"
TRUSTED, UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
ELSEWHERE = "manifest.inaccessible"
"""Of an ingredient whose credentials were not in it: they were not fetched, which says nothing against it."""
_OF_TRUST = {TRUSTED, UNTRUSTED}

State = Literal["present", "absent", "remote", "unreadable", "not_looked_for"]
"""Absent is what was looked for and not there; in a file of a kind or size that is not read, nothing was looked for."""
Weight = Literal["success", "informational", "failure"]
_WEIGHTS: tuple[Weight, ...] = ("success", "informational", "failure")


class FileTooLarge(PictureTooLarge):
    """The file has more bytes or pixels than are read for credentials."""

    code = "file-too-large"
    en = "This picture is too large to be read ({what}): at most 64 MB and 200 million pixels are."
    zh = "图片过大，无法读取（{what}）：最多读取 64 MB、2 亿像素。"


@dataclass(frozen=True)
class Finding:
    """One line of the C2PA library's validation: its status code, where, and its own words."""

    code: str
    weight: Weight
    uri: str = ""
    explanation: str = ""

    @property
    def is_about_trust(self) -> bool:
        """Say whether this only says that someone is not on a trust list, not that anything changed."""
        return self.code.endswith(".untrusted")

    def as_json(self) -> dict[str, str]:
        """Return the finding as it is recorded."""
        return {"code": self.code, "weight": self.weight, "uri": self.uri, "explanation": self.explanation}


@dataclass(frozen=True)
class Signer:
    """Whom the signing certificate names, who issued it, and from when to when it holds."""

    name: str
    organization: str
    issuer: str
    algorithm: str
    not_before: str
    not_after: str
    signed_at: str
    timestamp_authority: str

    @property
    def is_development(self) -> bool:
        """Say whether the certificate's issuer calls itself a Colophon development authority."""
        return self.issuer.startswith(DEVELOPMENT_NAME)


@dataclass(frozen=True)
class IngredientRead:
    """One ingredient of one manifest in the file, with everything found against or for it."""

    manifest_id: str
    label: str
    title: str
    relationship: str
    types: tuple[str, ...]
    own_manifest_id: str
    metadata: Mapping[str, Any]
    text: str
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return the failures other than an untrusted signer's, and credentials that were not fetched."""
        failures = (one for one in self.findings if one.weight == "failure" and one.code != ELSEWHERE)
        return tuple(one for one in failures if not one.is_about_trust)

    @property
    def is_untrusted(self) -> bool:
        """Say whether nobody vouches for who signed its own manifest; what was found last counts."""
        words = [one for one in self.findings if one.code in _OF_TRUST and self.own_manifest_id in one.uri]
        return bool(words) and words[-1].code == UNTRUSTED


@dataclass(frozen=True)
class StoreBeside:
    """A manifest store that is not in the file: its bytes, and the address that it was fetched from, if it was."""

    data: bytes = field(repr=False)
    address: str = ""


@dataclass(frozen=True)
class Reading:
    """What a picture's content credentials say, and how the C2PA library judges them."""

    media_type: str
    state: State
    problem: str = ""
    validation_state: str = ""
    manifest_id: str = ""
    manifests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    findings: tuple[Finding, ...] = field(default=(), repr=False)
    ingredients: tuple[IngredientRead, ...] = field(default=(), repr=False)
    signer: Signer | None = None
    updates: frozenset[str] = frozenset()
    """Update manifests: they bind no content of their own, so what the one below states holds unchanged."""
    beside: StoreBeside | None = None
    """Where the credentials are not in the file itself."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Return the active manifest as the library tells it."""
        return self.manifests.get(self.manifest_id, {})

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return the active manifest's failures other than an untrusted signer."""
        return tuple(one for one in self.findings if one.weight == "failure" and not one.is_about_trust)

    def codes(self, *weights: Weight) -> frozenset[str]:
        """Return the status codes found with any of these weights."""
        return frozenset(one.code for one in self.findings if one.weight in weights)

    def as_updated(self) -> Reading:
        """Return the reading from the manifest whose statements hold, which an update manifest only adds to."""
        below, seen = self, {self.manifest_id}
        while parent := _updated_by(below):
            if parent in seen:
                break
            seen.add(parent)
            below = replace(below, manifest_id=parent)
        return below

    def assertion(self, label: str) -> Mapping[str, Any]:
        """Return one assertion of the active manifest; empty where there is none."""
        found = (one for one in _dicts(self.manifest.get("assertions")) if one.get("label") == label)
        data = next(found, {}).get("data")
        return data if isinstance(data, dict) else {}


def _updated_by(reading: Reading) -> str:
    """Return the manifest that a reading's active one updates; nothing where it is no update."""
    if reading.manifest_id not in reading.updates:
        return ""
    own = (one for one in reading.ingredients if one.manifest_id == reading.manifest_id)
    parents = (one.own_manifest_id for one in own if one.relationship == "parentOf")
    return next((parent for parent in parents if parent in reading.manifests), "")


def settings(*, trust_pem: str | None, authorities_pem: str | None = None) -> dict[str, Any]:
    """Return the library's settings for offline work that trusts these roots.

    Beside roots of timestamp authorities nothing that is read of a signer's trust may be believed as it stands: the
    library takes them for signers as well (``verification/stamped.py``).
    """
    chosen: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
        "core": {"allowed_network_hosts": []},
    }
    roots = {"manifest": trust_pem, "tsa": authorities_pem}
    anchors = [{"trust_anchors": pem, "trust_kind": kind} for kind, pem in roots.items() if pem]
    return chosen | ({"trust": {"anchors": anchors}} if anchors else {})


def media_type_of(data: bytes) -> str:
    """Return what a file is by its own bytes, whatever its name says; nothing is decoded.

    Raises NotAPicture, or PictureTooLarge or TooManyParts for more than is read.
    """
    if len(data) > LARGEST_FILE:
        raise FileTooLarge(what=f"{-(-len(data) // 2**20)} MB")
    media_type = _sniffed(data)
    require_few_parts(data)
    _check_pixels(data)
    return media_type


def _sniffed(data: bytes) -> str:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in {b"avif", b"avis"}:
        return "image/avif"
    raise NotAPicture()


def _check_pixels(data: bytes) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=list(FORMATS)) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    raise FileTooLarge(what=f"{image.width} × {image.height}")
    except Image.DecompressionBombError as error:
        raise FileTooLarge(what=f"> {LARGEST_PIXELS:,} px") from error
    except PictureTooLarge:
        raise
    except Exception:  # Pillow's readers of damaged files raise nearly everything, RuntimeError included
        # A header that cannot be read is never decoded; what its manifest says is told all the same,
        # since a manifest that was tampered with breaks the checksums of the file around it.
        return


def read(
    data: bytes,
    *,
    trust_pem: str | None = None,
    authorities_pem: str | None = None,
    beside: StoreBeside | None = None,
) -> Reading:
    """Return the content credentials of a picture, validated against these trusted roots; nothing is fetched.

    A store beside the file is read in place of one in it. Raises NotAPicture or PictureTooLarge;
    everything else that can be wrong with a file is in the reading.
    """
    media_type = media_type_of(data)
    store = (beside.data or b"\0") if beside else None  # the library takes no empty one
    try:
        with (
            c2pa.Context.from_dict(settings(trust_pem=trust_pem, authorities_pem=authorities_pem)) as context,
            c2pa.Reader(media_type, io.BytesIO(data), manifest_data=store, context=context) as reader,
        ):
            return replace(_told(reader, media_type), beside=beside)
    except c2pa.C2paError.ManifestNotFound:
        return Reading(media_type=media_type, state="absent")
    except (c2pa.C2paError, ValueError, KeyError, TypeError, RecursionError) as error:
        read_so_far = replace(_not_read(media_type, str(error)), beside=beside)
        # No store in the file either, so the picture is damaged and not its credentials.
        is_torn = read_so_far.state == "unreadable" and STORE not in data and not beside
        return Reading(media_type=media_type, state="absent") if is_torn else read_so_far


def _not_read(media_type: str, words: str) -> Reading:
    if words.startswith("Remote: must fetch"):
        return Reading(media_type=media_type, state="remote", problem=words.partition(" from url ")[2])
    return Reading(media_type=media_type, state="unreadable", problem=words)


def _told(reader: c2pa.Reader, media_type: str) -> Reading:
    report = json.loads(reader.json())
    results = report.get("validation_results") or {}
    active = report["active_manifest"]
    manifests = report["manifests"]
    detail = json.loads(reader.crjson())
    certificates = _certificates(detail)
    return Reading(
        media_type=media_type,
        state="present",
        validation_state=str(report.get("validation_state", "")),
        manifest_id=active,
        manifests=manifests,
        findings=tuple(_findings(results.get("activeManifest"))),
        ingredients=tuple(_ingredients(reader, manifests, results, active)),
        signer=_signer(manifests[active], certificates.get(active, {})),
        updates=frozenset(
            _text(one.get("label")) for one in _dicts(detail.get("manifests")) if one.get("isUpdateManifest") is True
        ),
    )


def _certificates(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(manifest.get("label")): manifest.get("signature") or {} for manifest in _dicts(report.get("manifests"))}


def _signer(manifest: Mapping[str, Any], signature: Mapping[str, Any]) -> Signer | None:
    short = manifest.get("signature_info") or {}
    certificate = signature.get("certificateInfo") or {}
    if not short and not certificate:
        return None
    subject, issuer = certificate.get("subject") or {}, certificate.get("issuer") or {}
    validity, stamp = certificate.get("validity") or {}, signature.get("timeStampInfo") or {}
    authority = (stamp.get("certificateInfo") or {}).get("subject") or {}
    return Signer(
        name=_text(short.get("common_name") or subject.get("CN")),
        organization=_text(short.get("issuer") or subject.get("O")),
        issuer=_text(issuer.get("CN") or issuer.get("O")),
        algorithm=_text(short.get("alg")).lower(),
        not_before=_text(validity.get("notBefore")),
        not_after=_text(validity.get("notAfter")),
        signed_at=_text(short.get("time") or stamp.get("timestamp")),
        timestamp_authority=_text(authority.get("CN")),
    )


def _ingredients(
    reader: c2pa.Reader, manifests: Mapping[str, Any], results: Mapping[str, Any], active: str
) -> Iterator[IngredientRead]:
    """Yield the ingredients of every manifest in the store, the active one's first, always in one order."""
    later = _later_findings(results)
    for manifest_id in sorted(manifests, key=lambda name: (name != active, name)):  # the library's order is random
        for one in _dicts(manifests[manifest_id].get("ingredients")):
            place = (manifest_id, _text(one.get("label")))
            yield IngredientRead(
                manifest_id=manifest_id,
                label=place[1],
                title=_text(one.get("title")) or _title_of(manifests, one),
                relationship=_text(one.get("relationship")),
                types=tuple(_text(kind.get("type")) for kind in _dicts(one.get("data_types"))),
                own_manifest_id=_text(one.get("active_manifest")),
                metadata=one["metadata"] if isinstance(one.get("metadata"), dict) else {},
                text=_prompt_text(reader, one),
                findings=(*_recorded_findings(one), *later.get(place, ())),
            )


def _title_of(manifests: Mapping[str, Any], ingredient: Mapping[str, Any]) -> str:
    """Return the title that an ingredient's own manifest has: C2PA asks writers not to repeat it beside that."""
    own = manifests.get(_text(ingredient.get("active_manifest")))
    return _text(own.get("title")) if own else ""


def _recorded_findings(ingredient: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what was found when the ingredient was taken in: a change before that shows nowhere else."""
    results = ingredient.get("validation_results") or {}
    yield from _findings(results.get("activeManifest"))
    for delta in _dicts(results.get("ingredientDeltas")):
        yield from _findings(delta.get("validationDeltas"))
    # Claims of version 1 list bare statuses, of which only the failures were kept.
    for status in _dicts(ingredient.get("validation_status")):
        if status.get("success") is not True:
            yield _finding(status, "failure")


def _later_findings(results: Mapping[str, Any]) -> dict[tuple[str, str], tuple[Finding, ...]]:
    found: dict[tuple[str, str], tuple[Finding, ...]] = {}
    for delta in _dicts(results.get("ingredientDeltas")):
        parts = _text(delta.get("ingredientAssertionURI")).split("/")
        place = (parts[2] if len(parts) > 2 else "", parts[-1])
        found[place] = (*found.get(place, ()), *_findings(delta.get("validationDeltas")))
    return found


def _findings(results: Any) -> Iterator[Finding]:
    if isinstance(results, dict):
        for weight in _WEIGHTS:
            for status in _dicts(results.get(weight)):
                yield _finding(status, weight)


def _finding(status: Mapping[str, Any], weight: Weight) -> Finding:
    return Finding(_text(status.get("code")), weight, _text(status.get("url")), _text(status.get("explanation")))


def _prompt_text(reader: c2pa.Reader, ingredient: Mapping[str, Any]) -> str:
    data = ingredient.get("data")
    is_prompt = any(kind.get("type") == PROMPT_TYPE for kind in _dicts(ingredient.get("data_types")))
    if not is_prompt or not isinstance(data, dict) or not data.get("identifier"):
        return ""
    target = io.BytesIO()
    try:
        reader.resource_to_stream(str(data["identifier"]), target)
    except c2pa.C2paError:
        return ""
    return target.getvalue()[:LARGEST_PROMPT].decode(errors="replace")


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
