"""The one place that turns faults into status codes, as RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import get_language
from rest_framework import exceptions
from rest_framework.response import Response

from generation import errors as generation
from generation.pipelines.errors import PipelineError
from generation.request import InvalidRequest
from generation.training import errors as training
from provenance.actor import NotPermitted
from provenance.audit_log import errors as audit_log
from provenance.audit_log.entry import EntryTooLarge
from provenance.credentials import errors as credentials
from provenance.disputes import errors as disputes
from provenance.errors import Fault, FileAltered, FileMissing, NotCanonical, StorageFull
from provenance.licensing import errors as licensing
from provenance.picture import NotAPicture, PictureTooLarge, TooManyParts
from provenance.verification.trust import TrustUnreadable
from provenance.works import errors as works
from server.api.fetching import UrlNotAllowed, UrlNotFetched
from server.api.limits import TooManyStreams, TooMuchToCheck
from server.one_thread import UploadStalled
from server.problems import PROBLEM, DatabaseAway, broken_by, headers_of, of_http, problem_details, said


class BodyTooLarge(Fault):
    """What was sent is more than the site takes in one request."""

    code = "too-large"
    en = "This is more than one request may bring: {megabytes} MB with all that is in it. Send a smaller file."
    zh = "单次请求的全部内容不得超过 {megabytes} MB。请发送较小的文件。"


STATUS: dict[type[Fault], int] = {
    TooMuchToCheck: 503,
    TooManyStreams: 429,
    BodyTooLarge: 413,
    UploadStalled: 408,
    DatabaseAway: 503,
    generation.UnknownModel: 422,
    generation.NoModel: 503,
    generation.UnknownGeneration: 404,
    credentials.KeyUnfit: 503,
    credentials.KeyUnreachable: 503,
    credentials.KeyRevoked: 503,
    credentials.KeyRevokedAlready: 409,
    credentials.UnknownKey: 422,
    credentials.RevokedFromFuture: 422,
    generation.UnknownImage: 404,
    generation.TooManyRenditions: 409,
    generation.StyleNotCarried: 422,
    generation.InputMissing: 422,
    generation.KeyReused: 409,
    generation.AlreadyEnded: 409,
    generation.TooAlike: 422,
    generation.LikenessUnknown: 422,
    generation.NotARetouch: 422,
    generation.LooksLikeAnother: 422,
    generation.NotReplayable: 409,
    generation.ReasonNeeded: 422,
    generation.RecordErased: 410,
    generation.UnderDispute: 409,
    generation.ErasureNotConfirmed: 422,
    generation.ReasonMissing: 422,
    training.UnknownTraining: 404,
    training.TrainingUnderWay: 409,
    training.TrainingEnded: 409,
    training.TrainingError: 422,
    InvalidRequest: 422,
    PipelineError: 422,
    generation.AdapterTooLarge: 413,
    NotPermitted: 403,
    works.WorksError: 422,
    works.NotTheOwner: 403,
    works.UnknownParty: 404,
    works.NoSuchProposal: 409,
    works.WrongState: 409,
    works.SlugTaken: 409,
    works.GuardianNeeded: 403,
    works.CapacityEnded: 403,
    works.AuditorConcerned: 403,
    works.NotVerified: 409,
    works.AlreadyMember: 409,
    works.NotInvited: 404,
    works.LastMember: 409,
    works.UnknownFlag: 404,
    works.FlagDecided: 409,
    licensing.UnknownLicence: 422,
    licensing.TermsInvalid: 422,
    licensing.TermsTooWide: 422,
    licensing.NothingToLift: 409,
    licensing.WorksNotOffered: 409,
    licensing.OwnersNotAgreed: 409,
    licensing.WorkNotUsable: 422,
    licensing.UnknownOffer: 404,
    licensing.UnknownGrant: 404,
    licensing.OfferNotStanding: 409,
    licensing.AlreadyRevoked: 409,
    licensing.GrantNotWaiting: 409,
    licensing.SubjectNotUsable: 409,
    licensing.NotForTaking: 409,
    licensing.OwnOffer: 409,
    licensing.ExclusiveElsewhere: 409,
    licensing.GrantedElsewhere: 409,
    licensing.AlreadyOpen: 409,
    licensing.MoneyError: 422,
    licensing.UsesExhausted: 409,
    licensing.NothingPayable: 409,
    licensing.PayoutDiffers: 409,
    licensing.PeriodBackwards: 422,
    licensing.StatementTooLong: 422,
    licensing.ListUnreadable: 422,
    licensing.UnknownOptOut: 404,
    licensing.OptOutEnded: 409,
    works.WorkAlreadyListed: 409,
    disputes.UnknownDispute: 404,
    disputes.NothingToDispute: 422,
    disputes.NoticeIncomplete: 422,
    disputes.WrongStep: 409,
    disputes.Recused: 403,
    disputes.NoNewOwner: 422,
    disputes.EvidenceUnfit: 422,
    disputes.TooManyOpen: 409,
    disputes.ImageDisputed: 409,
    EntryTooLarge: 422,
    audit_log.EntryUnknown: 404,
    audit_log.NotInTree: 422,
    audit_log.NotAnEarlierSize: 422,
    audit_log.NotYetPublished: 503,
    audit_log.RequestMalformed: 400,
    audit_log.NoteNotSigned: 403,
    audit_log.NoteForged: 403,
    audit_log.UnknownLog: 404,
    audit_log.OldSizeDiffers: 409,
    audit_log.StoryDiffers: 422,
    audit_log.NoCheckpointYet: 503,
    NotCanonical: 422,
    NotAPicture: 422,
    PictureTooLarge: 413,
    TooManyParts: 422,
    FileMissing: 404,
    UrlNotAllowed: 422,
    UrlNotFetched: 422,
    TrustUnreadable: 503,
    FileAltered: 500,
    StorageFull: 507,
}


def status_of(fault: Fault) -> int:
    """Return the HTTP status of a fault: that of its nearest listed kind, else 500."""
    return next((STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS), 500)


def problem(fault: Fault, *, status: int, **more: Any) -> Response:
    """Return a fault as problem details, in the caller's language and in both."""
    language = "zh-Hans" if (get_language() or "en").startswith("zh") else "en"
    body = problem_details(fault, status=status, language=language, **more)
    return Response(body, status=status, content_type=PROBLEM)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the problem details of any error that a caller can do something about; None for the rest."""
    if isinstance(error, OperationalError | InterfaceError):
        error, _ = broken_by(error)
    if isinstance(error, Fault):
        more = {"field": error.values["field"]} if isinstance(error, InvalidRequest | licensing.TermsInvalid) else {}
        response = problem(error, status=status_of(error), **more)
        for name, value in headers_of(error).items():
            response[name] = value
        return response
    if isinstance(error, exceptions.ValidationError):
        return _validation(error)
    if isinstance(error, exceptions.APIException):
        response = _plain(error.status_code, detail=str(error.detail) if error.status_code == 400 else "")
        if isinstance(error, exceptions.Throttled) and error.wait is not None:
            response["Retry-After"] = str(int(error.wait) + 1)
        if header := getattr(error, "auth_header", None):
            response["WWW-Authenticate"] = header
        return response
    if isinstance(error, Http404):
        return _plain(404)
    if isinstance(error, PermissionDenied):
        return _plain(403)
    if isinstance(error, RequestDataTooBig):
        return _plain(413)
    if isinstance(error, DataError | SuspiciousOperation):  # such as a NUL in an address, or thousands of form fields
        return _plain(400)
    return None


def _plain(status: int, *, detail: str = "") -> Response:
    return problem(of_http(status, detail=detail), status=status)


_FIELD: dict[str, tuple[str, str]] = {
    "required": ("is missing.", "缺少此项。"),
    "null": ("may not be null.", "不能为 null。"),
    "blank": ("may not be empty.", "不能为空。"),
    "empty": ("is an empty file.", "文件为空。"),
    "max_length": ("is too long.", "过长。"),
    "min_value": ("is too small.", "数值过小。"),
    "max_value": ("is too large.", "数值过大。"),
    "max_string_length": ("has too many digits.", "位数过多。"),
    "invalid_choice": ("is none of the values that can be chosen.", "不是可选的值。"),
    "not_a_list": ("must be a list.", "必须是列表。"),
    "unknown": ("is no field of this request.", "没有此字段。"),
    "null_characters_not_allowed": ("is not valid UTF-8 text.", "不是有效的 UTF-8 文本。"),
    "surrogate_characters_not_allowed": ("is not valid UTF-8 text.", "不是有效的 UTF-8 文本。"),
}
_NOT_VALID = ("has a value of the wrong kind.", "值的类型或格式不正确。")


def _validation(error: exceptions.ValidationError) -> Response:
    """Return what is wrong with each field; REST framework would say it in the caller's language alone."""
    faults = {field: list(dict.fromkeys(_flat(items))) for field, items in _by_field(error.detail).items()}
    en = "; ".join(
        f"{field} {' '.join(_FIELD.get(code, _NOT_VALID)[0] for code in codes)}" for field, codes in faults.items()
    )
    zh = "；".join(
        f"{field}：{''.join(_FIELD.get(code, _NOT_VALID)[1] for code in codes)}" for field, codes in faults.items()
    )
    errors = [{"field": field, "codes": codes} for field, codes in faults.items()]
    return problem(said("invalid-request", en, zh), status=422, errors=errors)


def _by_field(detail: Any) -> dict[str, Any]:
    return detail if isinstance(detail, dict) else {"body": detail}


def _flat(items: Any) -> list[str]:
    """Return the codes of all faults in a field, however deep they lie."""
    inner = list(items.values()) if isinstance(items, dict) else items
    if isinstance(inner, list):
        return [code for item in inner for code in _flat(item)]
    return [str(items.code)]
