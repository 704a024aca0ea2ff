"""The verifier inside an export needs Python alone, and names exactly what differs in its bundle."""

from __future__ import annotations

import ast
import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from provenance.audit_log.bundle import write_bundle
from provenance.audit_log.export_verifier import verifier
from provenance.audit_log.note import sign_note, with_signatures
from provenance.audit_log.offline.notes import parse_key
from tests.simulators.bundles import SIZE, STORES, a_bundle, findings_of, unpacked, verify
from tests.simulators.logs import SimulatedLog, a_leaf, a_log, a_signer, a_witness, an_opening, jsonl


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Return an unpacked export bundle."""
    return unpacked(tmp_path / "bundle")


# ---- the script ----------------------------------------------------------------------------------------------


def test_the_script_is_one_file_without_a_package_and_without_a_name_twice() -> None:
    tree = ast.parse(verifier())
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else name.name) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    defined += [
        name.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for name in node.targets
        if isinstance(name, ast.Name)
    ]
    assert sorted(defined) == sorted(set(defined)) and "main" in defined


def test_a_whole_bundle_passes_as_folder_and_as_zip_in_both_languages(bundle: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bundle.zip"
    packed.write_bytes(a_bundle())
    code, text = verify(bundle)
    assert code == 0 and "300 entries" in text and "300 openings" in text and "2 manifests" in text
    assert "log held by the operator alone" in text and "Nothing is wrong." in text
    assert verify(bundle, packed, "--key", a_signer().vkey) == (0, text)
    code, text = verify(bundle, "--lang", "zh-Hans")
    assert code == 0 and "300 条" in text and "日志仅由运营者保管" in text and "未发现问题。" in text


def test_a_bundle_without_openings_and_manifests_passes(tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(a_bundle(openings=range(0), stores=[]))).extractall(tmp_path)
    code, text = verify(tmp_path)
    assert code == 0 and "0 openings" in text and "0 manifests" in text


def test_an_empty_log_and_an_empty_folder_do_not_pass(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.zip").write_bytes(a_bundle(a_log(0), openings=range(0), stores=[]))
    code, found = findings_of(bundle, tmp_path / "empty.zip")
    assert (code, [each["code"] for each in found]) == (2, ["log-empty"])
    (tmp_path / "nothing").mkdir()
    code, found = findings_of(bundle, tmp_path / "nothing")
    assert code == 1 and found == [{"code": "file-missing", "path": "log.vkey"}]
    assert verify(bundle, tmp_path / "nowhere")[0] == 2


def test_a_key_told_elsewhere_is_held_against_the_bundles_own(bundle: Path) -> None:
    code, found = findings_of(bundle, "--key", a_signer("other").vkey)
    assert code == 1 and [each["code"] for each in found] == ["key-differs", "checkpoint-unsigned"]
    (bundle / "log.vkey").write_text(a_signer("other").vkey)
    code, found = findings_of(bundle)
    assert code == 2 and [each["code"] for each in found] == ["checkpoint-unsigned"]
    (bundle / "log.vkey").write_text("nonsense")
    assert findings_of(bundle) == (2, [{"code": "key-malformed", "path": "log.vkey"}])
    assert verify(bundle, "--key", "nonsense")[0] == 64
    assert verify(bundle, "--nonsense")[0] == 64


def test_a_witness_is_named_and_a_forged_one_found(bundle: Path) -> None:
    note, witness = a_log(SIZE).checkpoint(), a_witness()
    line = witness.cosign(note.rpartition("\n\n")[0] + "\n", at=datetime(2026, 11, 23, tzinfo=UTC))
    (bundle / "log/checkpoint").write_text(with_signatures(note, [line]))
    code, text = verify(bundle, "--witness", witness.vkey)
    assert code == 0 and "cosigned by witness.example/one" in text
    assert "log held by the operator alone" in verify(bundle)[1]
    forged = witness.cosign("other\n", at=datetime(2026, 11, 23, tzinfo=UTC))
    (bundle / "log/checkpoint").write_text(with_signatures(note, [forged]))
    code, found = findings_of(bundle, "--witness", witness.vkey)
    assert (code, [each["code"] for each in found]) == (1, ["checkpoint-forged"])


def test_a_log_changed_since_a_held_checkpoint_is_found(bundle: Path, tmp_path: Path) -> None:
    held, other = tmp_path / "held", SimulatedLog().grow([a_leaf(9_000), *a_log(SIZE).entries[1:]])
    held.write_text(a_log(SIZE).checkpoint(100))
    assert verify(bundle, "--since", held)[0] == 0
    held.write_text(other.checkpoint(100))
    expected = {"code": "held-rewritten", "path": str(held), "held": 100}
    assert findings_of(bundle, "--since", held) == (1, [expected])
    held.write_text(other.checkpoint())
    assert findings_of(bundle, "--since", held)[1] == [{"code": "held-forked", "path": str(held), "size": SIZE}]
    assert findings_of(bundle, "--since", tmp_path / "nowhere")[0] == 2


def replaced(path: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def tamper(bundle: Path) -> None:
        (bundle / path).write_bytes(change((bundle / path).read_bytes()))

    return tamper


def removed(path: str) -> Callable[[Path], None]:
    return lambda bundle: (bundle / path).unlink()


def flipped(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def store_path(number: int) -> str:
    import hashlib

    return f"manifests/{hashlib.sha256(STORES[number][1]).hexdigest()}.c2pa"


def with_other_opening(**change: Any) -> Callable[[bytes], bytes]:
    return lambda _: jsonl([an_opening(3), {**an_opening(7), **change}])


def relisted(data: bytes) -> bytes:
    """Return an index in which two manifests have changed places."""
    first, second = map(json.loads, data.splitlines())
    first["manifest"], second["manifest"] = second["manifest"], first["manifest"]
    return jsonl([first, second])


LAST = "log/tile/entries/001.p/44"
TAMPERED: Mapping[str, tuple[Callable[[Path], None], list[dict[str, Any]]]] = {
    "an entry": (
        replaced("log/tile/entries/000", flipped(2 + 198 + 27)),
        [{"code": "entry-changed", "index": 1, "path": "tile/entries/000"}],
    ),
    "a cut bundle": (
        replaced(LAST, lambda data: data[:-1]),
        [{"code": "bundle-damaged", "path": "tile/entries/001.p/44", "index": 299}],
    ),
    "a hash": (
        replaced("log/tile/0/001.p/44", flipped(65)),
        [{"code": "tile-changed", "path": "tile/0/001.p/44", "place": 2}],
    ),
    "a missing tile": (removed("log/tile/1/000.p/1"), [{"code": "file-missing", "path": "tile/1/000.p/1"}]),
    "a missing bundle": (removed(LAST), [{"code": "file-missing", "path": "tile/entries/001.p/44"}]),
    "the checkpoint": (
        replaced("log/checkpoint", lambda data: data.replace(b"\n300\n", b"\n299\n")),
        [{"code": "checkpoint-forged", "path": "log/checkpoint", "name": "colophon.example/log"}],
    ),
    "no checkpoint": (removed("log/checkpoint"), [{"code": "checkpoint-missing", "path": "log/checkpoint"}]),
    "no key": (removed("log.vkey"), [{"code": "file-missing", "path": "log.vkey"}]),
    "details": (replaced("openings.jsonl", with_other_opening(details={})), [{"code": "opening-fails", "index": 7}]),
    "a salt": (replaced("openings.jsonl", with_other_opening(salt="00" * 32)), [{"code": "opening-fails", "index": 7}]),
    "an opening's index": (
        replaced("openings.jsonl", with_other_opening(index=8)),
        [{"code": "opening-of-other", "index": 8}],
    ),
    "an opening cut short": (
        replaced("openings.jsonl", lambda data: data[:-3]),
        [{"code": "opening-malformed", "path": "openings.jsonl", "line": 300}],
    ),
    "no openings": (removed("openings.jsonl"), [{"code": "file-missing", "path": "openings.jsonl"}]),
    "a missing manifest": (removed(store_path(0)), [{"code": "file-missing", "path": store_path(0)}]),
    "a manifest in another's place": (
        replaced("manifests.jsonl", relisted),
        [
            {"code": "manifest-swapped", "path": store_path(0), "manifest": "urn:c2pa:2"},
            {"code": "manifest-swapped", "path": store_path(1), "manifest": "urn:c2pa:1"},
        ],
    ),
    "an unlisted manifest": (
        replaced("manifests.jsonl", lambda data: data.splitlines(keepends=True)[0]),
        [{"code": "manifest-unlisted", "path": store_path(1)}],
    ),
    "a listed path outside": (
        replaced("manifests.jsonl", lambda data: data.replace(store_path(0).encode(), b"../../etc/passwd")),
        [
            {"code": "manifest-line", "path": "manifests.jsonl", "line": 1},
            {"code": "manifest-unlisted", "path": store_path(0)},
        ],
    ),
    "no list of manifests": (
        removed("manifests.jsonl"),
        [
            {"code": "file-missing", "path": "manifests.jsonl"},
            *({"code": "manifest-unlisted", "path": path} for path in sorted(map(store_path, (0, 1)))),
        ],
    ),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_whatever_differs_is_named_and_nothing_else(bundle: Path, name: str) -> None:
    tamper, expected = TAMPERED[name]
    tamper(bundle)
    code, found = findings_of(bundle)
    assert code == (2 if name == "no checkpoint" else 1)
    assert sorted(found, key=str) == sorted(expected, key=str)


def test_a_swapped_manifest_is_named_with_its_digest(bundle: Path) -> None:
    (bundle / store_path(0)).write_bytes(STORES[1][1])
    digest = store_path(1).removeprefix("manifests/").removesuffix(".c2pa")
    assert findings_of(bundle) == (
        1,
        [{"code": "manifest-changed", "path": store_path(0), "found": f"sha256:{digest}"}],
    )


def test_a_zip_with_a_damaged_or_doubled_member_does_not_pass(bundle: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bundle.zip"
    data = bytearray(a_bundle())
    at = data.index(b"log/tile/0/000") + 600
    data[at] ^= 0xFF
    packed.write_bytes(bytes(data))
    code, found = findings_of(bundle, packed)
    assert (code == 2 and "log/tile/0/000" in found[-1]["reason"]) or code == 1
    doubled = io.BytesIO(a_bundle())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(doubled, "a") as archive:
        archive.writestr("openings.jsonl", b"")
    packed.write_bytes(doubled.getvalue())
    assert findings_of(bundle, packed) == (1, [{"code": "file-twice", "path": "openings.jsonl"}])
    packed.write_bytes(a_bundle()[:-30])
    assert findings_of(bundle, packed)[0] == 2


def test_bundles_of_the_same_contents_are_the_same_bytes_even_to_a_stream() -> None:
    class Stream(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += data
            return len(data)

    stream = Stream()
    write_bundle(stream, log_files=a_log(1).files.items(), vkey=a_signer().vkey, openings=[], manifests=[])  # type: ignore[arg-type]
    assert zipfile.ZipFile(io.BytesIO(bytes(stream.data))).testzip() is None
    assert a_bundle() == a_bundle()


def test_one_manifest_under_two_names_is_stored_once() -> None:
    stores = [("urn:c2pa:1", b"urn:c2pa:1 urn:c2pa:2"), ("urn:c2pa:2", b"urn:c2pa:1 urn:c2pa:2")]
    archive = zipfile.ZipFile(io.BytesIO(a_bundle(stores=stores)))
    assert len([name for name in archive.namelist() if name.endswith(".c2pa")]) == 1
    assert len(archive.read("manifests.jsonl").splitlines()) == 2


def test_the_readme_tells_how_in_both_languages(bundle: Path) -> None:
    said = (bundle / "README.txt").read_text("utf-8")
    assert "python3 verify.py --key" in said and "请与日志保管者在别处公布的密钥比对" in said
    for name in ("log/checkpoint", "log.vkey", "openings.jsonl", "manifests.jsonl", "verify.py"):
        assert said.count(name) >= 2, name


def test_the_keys_of_log_and_witness_are_told_apart() -> None:
    assert (parse_key(a_signer().vkey).algorithm, parse_key(a_witness().vkey).algorithm) == (1, 4)
    for vkey in ("", "a+b", a_signer().vkey[:-4], a_signer().vkey.replace("+", "+0", 1)):
        with pytest.raises(ValueError):
            parse_key(vkey)


def test_after_a_rotation_an_older_checkpoint_still_verifies(bundle: Path, tmp_path: Path) -> None:
    before, after = a_signer("before"), a_signer()
    older = tmp_path / "older"
    older.write_text(sign_note(a_log(SIZE).head(200).text(), [before]))
    assert findings_of(bundle, "--since", older)[1] == [
        {"code": "checkpoint-unsigned", "path": str(older), "name": after.name}
    ]
    assert findings_of(bundle, "--key", before.vkey, "--key", after.vkey, "--since", older) == (0, [])
    (bundle / "other.vkeys").write_text(before.vkey + "\n")
    assert findings_of(bundle, "--since", older) == (0, [])
    assert findings_of(bundle, "--key", after.vkey, "--since", older) == (0, [])
    (bundle / "other.vkeys").write_text("nonsense\n")
    assert {"code": "key-malformed", "path": "other.vkeys"} in findings_of(bundle)[1]


def test_a_key_that_only_the_bundle_lists_does_not_vouch_for_its_checkpoint(bundle: Path) -> None:
    (bundle / "other.vkeys").write_text(a_signer().vkey + "\n")
    code, found = findings_of(bundle, "--key", a_signer("other").vkey)
    assert code == 1 and [each["code"] for each in found] == ["key-differs", "checkpoint-unsigned"]
