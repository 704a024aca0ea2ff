"""What can go wrong, said once in each language that Colophon speaks."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Language = Literal["en", "zh-Hans"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-Hans")


class Fault(Exception):
    """A refusal or failure that says what happened and what to do next, in English and Chinese.

    A subclass gives ``code`` (stable, kebab-case, part of the API) and the two sentence templates;
    the values that fill them are keyword arguments and stay readable as attributes.
    """

    code: ClassVar[str] = "fault"
    en: ClassVar[str] = "Something went wrong. Try again; if it stays, tell the operator."
    zh: ClassVar[str] = "出现问题。请重试；若仍然如此，请告知运营者。"

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.__dict__.update(values)
        super().__init__(self.said("en"))

    def said(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh-Hans"); English for any other."""
        template = self.zh if language == "zh-Hans" else self.en
        return template.format(**self.values)

    def as_json(self) -> dict[str, Any]:
        """Return code and both sentences, as they are kept in records."""
        return {"code": self.code, "en": self.said("en"), "zh-Hans": self.said("zh-Hans")}

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.values)


def _rebuild(kind: type[Fault], values: dict[str, Any]) -> Fault:
    return kind(**values)


class ProvenanceError(Fault):
    """A fault in recording or reading where an image comes from."""


class NotCanonical(ProvenanceError):
    """A value has no canonical JSON form."""

    code = "not-canonical"
    en = "This value cannot be written as canonical JSON: {reason}."
    zh = "该值无法写成规范 JSON：{reason}。"


class FileMissing(ProvenanceError):
    """A stored file is not where its digest says."""

    code = "file-missing"
    en = "The file {digest} is not in the store. Ask the operator to restore it from a backup."
    zh = "存储中没有文件 {digest}。请运营者从备份中恢复。"


class FileAltered(ProvenanceError):
    """A stored file no longer has the digest it is stored under."""

    code = "file-altered"
    en = "The file stored as {digest} has other contents now. Ask the operator to restore it from a backup."
    zh = "以 {digest} 存储的文件内容已改变。请运营者从备份中恢复。"


class StorageFull(ProvenanceError):
    """There is no room left for a file."""

    code = "storage-full"
    en = "There is no room left to store the picture. Nothing was kept; the operator must free space first."
    zh = "存储空间不足，图片未保存。请运营者先腾出空间。"
