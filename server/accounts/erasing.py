"""Erasing an account with all that it made: what goes and what stays is told before, and asked for twice."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.db import connection, transaction

from generation.actions.erasing import Extent, erase_person, extent_of_erasure
from generation.errors import ErasureNotConfirmed
from provenance.actor import Actor
from server.accounts.models import Account

CONFIRM_WITHIN_SECONDS = 3600
SALT = "colophon.erasure"
GOES: Sequence[dict[str, str]] = (
    {
        "en": "Your pictures' files and manifest stores, your works' and adapters' files, except where another "
        "person's record holds the very same file.",
        "zh-Hans": "您的图片文件与凭证存储、作品文件与适配器文件；若他人的记录持有完全相同的文件，则该文件除外。",
    },
    {
        "en": "Your prompts, names, titles, recipients and evidence in every record, and what opens your log entries.",
        "zh-Hans": "各记录中您的提示词、姓名、标题、接收方与证据，以及开启您日志条目的内容。",
    },
    {
        "en": "Your account: nobody can sign in with it again. Requests that wait or render are called off first. "
        "Your works and styles are withdrawn, and a name that opted out can no longer be recognised in prompts.",
        "zh-Hans": "您的账户：此后无人能再用它登录。等待中或生成中的请求会先被取消。您的作品与风格将被撤回，"
        "已选择退出的姓名也无法再在提示词中被识别。",
    },
)
STAYS: Sequence[dict[str, str]] = (
    {
        "en": "Copies that were delivered, exports and backups that others hold: they cannot be recalled.",
        "zh-Hans": "已交付的副本，以及他人持有的导出文件与备份：无法召回。",
    },
    {
        "en": "Digests, states, times, log entries without their contents, and every proof. Whoever holds a picture of "
        "yours can still check it, and reads that its record was erased.",
        "zh-Hans": "摘要、状态、时间、不含内容的日志条目以及全部证明。持有您图片的人仍可核验，并会看到其记录已删除。",
    },
    {
        "en": "The credit to you in other people's records of what they made with your works, as its licence asks, and "
        "what auditors and operators did in office.",
        "zh-Hans": "他人使用您作品的记录中依许可对您的署名，以及审计者与运营者履职的记录。",
    },
)


def erasure_told(account: Account) -> dict[str, Any]:
    """Return what would go, what would stay, and the confirmation that asks for it within an hour."""
    return {
        "is_erased": False,
        "reaches": dataclasses.asdict(extent_of_erasure(account.pk)),
        "goes": list(GOES),
        "stays": list(STAYS),
        "confirmation": signing.dumps(str(account.pk), salt=SALT),
        "needs_password": account.has_usable_password(),
    }


def require_confirmed(account: Account, *, confirmation: str, password: str) -> None:
    """Raise ErasureNotConfirmed unless the person was told within the hour, and knows the account's password."""
    try:
        told = signing.loads(confirmation, salt=SALT, max_age=CONFIRM_WITHIN_SECONDS)
    except signing.BadSignature as error:
        raise ErasureNotConfirmed() from error
    is_theirs = told == str(account.pk)
    if not is_theirs or (account.has_usable_password() and not account.check_password(password)):
        raise ErasureNotConfirmed()


def hold_standing(account: Account) -> bool:
    """Keep an account from being erased until the caller's transaction ends; False when it has been.

    What a person asks for in the very moment of the erasure is either erased with the rest or never recorded.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM accounts_account WHERE id = %s AND is_active FOR SHARE", [account.pk])
        return bool(cursor.rowcount)


@transaction.atomic
def erase_account(*, actor: Actor, account: Account) -> Extent:
    """Erase a person with the account, in one transaction; raise UnderDispute while it has to wait."""
    held = Account.objects.select_for_update().get(pk=account.pk)
    extent = erase_person(actor=actor, account_id=held.pk)
    held.tokens.all().delete()
    held.name = f"erased-{held.pk}"
    held.is_active = held.is_artist = held.is_auditor = held.is_operator = False
    held.set_unusable_password()
    held.save()
    return extent
