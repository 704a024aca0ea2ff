"""Independent readers of C2PA, written by others, agree with us about our own files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from provenance.credentials.manifest import Edit, InputUsed, Prompt
from provenance.credentials.marking import ENDINGS
from provenance.credentials.signing import PemKey, sign_image
from provenance.credentials.timestamps import TimestampAuthority
from provenance.credentials.updating import stamp_later
from tests import services
from tests.simulators.pictures import colophon, digest, on_listed, opened, over_listed, picture, signed
from tests.simulators.tampering import stripped, with_edited_assertion, with_other_pixel
from tests.simulators.timestamps import authority

ORACLES = Path(__file__).resolve().parent.parent / "oracles"
UNREAD_BY_C2PA_TS = frozenset({"webp"})
"""It knows PNG, JPEG, MP3 and the family of AVIF; no RIFF."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, key: PemKey) -> list[Path]:
    """Return files of ours in every format: every disclosure, one made over another, and a later form of one."""
    folder = tmp_path_factory.mktemp("whole")
    parent = signed(key, number=9).data
    sketch = InputUsed(role="image", name="Sketch", digest=digest("f"), licence="CC0-1.0", credit_line="", data=parent)
    changes: dict[str, Mapping[str, Any]] = {
        "public": {},
        "committed": {"prompt": Prompt.committed("a fox", salt=b"s" * 32)},
        "private": {"prompt": Prompt.private()},
        "over": {"inputs": (sketch,)},
        "over-listed": {"inputs": over_listed(key, picture("image/jpeg", seed=5), media_type="image/jpeg")},
        "on-listed": {"references": on_listed(key, picture(seed=5), picture(seed=6))},
        "rendition": {"opened": opened(parent, Edit("c2pa.cropped", "Cropped"))},
        "transcoded": {"opened": opened(parent, Edit("c2pa.transcoded", "Encoded again", by="nobody"))},
        "edited-elsewhere": {"opened": opened(parent, Edit("c2pa.edited", "Edited", by="unknown"))},
    }
    paths = []
    for media_type, ending in ENDINGS.items():
        for name, change in changes.items():
            path = folder / f"{name}.{ending}"
            path.write_bytes(signed(key, media_type=media_type, **change).data)
            paths.append(path)
    return paths


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, key: PemKey) -> list[Path]:
    """Return files of ours that were changed after they were signed."""
    folder = tmp_path_factory.mktemp("changed")
    image = signed(key).data
    edits = {"pixel": with_other_pixel(image), "words": with_edited_assertion(image, b"red fox", b"big dog")}
    for name, data in edits.items():
        (folder / f"{name}.png").write_bytes(data)
    return sorted(folder.iterdir())


@pytest.fixture
def encypher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the encypher-c2pa reader, telling nobody anything."""
    services.require_tool("encypher")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    import encypher_c2pa

    return encypher_c2pa


def ending_of(path: Path) -> str:
    return path.suffix.removeprefix(".")


def by_encypher(reader: Any, path: Path, key: PemKey) -> Mapping[str, Any]:
    report: Mapping[str, Any] = reader.verify(
        str(path), trust_pem=key.root_pem, no_default_trust=True, telemetry=False, online=False
    )
    return report


def by_c2pa_ts(*paths: Path) -> list[dict[str, Any]]:
    """Return what @trustnxt/c2pa-ts says of each file; skip where it is not installed."""
    node = services.require_tool("node")
    if not (ORACLES / "node_modules" / "@trustnxt" / "c2pa-ts").is_dir():
        sentence = "@trustnxt/c2pa-ts is not here: run npm install in tests/oracles"
        if "node" in os.environ.get("COLOPHON_REQUIRE", "").split(","):
            pytest.fail(f"{sentence} (COLOPHON_REQUIRE names node)", pytrace=False)
        pytest.skip(sentence)
    script = ORACLES / "read_with_c2pa_ts.mjs"
    done = subprocess.run([node, str(script), *map(str, paths)], capture_output=True, check=True, timeout=120)
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports


def test_encypher_finds_our_files_whole_and_signed_by_whom_we_trust(
    encypher: Any, whole: list[Path], key: PemKey
) -> None:
    for path in whole:
        report = by_encypher(encypher, path, key)
        told = (report["integrity"], report["signature"], report["hard_binding"], report["trust"]["status"])
        assert told == ("valid", "valid", "match", "valid_for_supplied_material"), path.name
        assert report["validation_results"]["failure"] == [], path.name


def test_encypher_reads_compact_manifests_and_c2pa_ts_says_that_it_does_not(
    encypher: Any, key: PemKey, tmp_path: Path
) -> None:
    compact = sign_image(picture(), media_type="image/png", colophon=colophon(), key=key, is_compact=True)
    path = tmp_path / "compact.png"
    path.write_bytes(compact.data)
    assert by_encypher(encypher, path, key)["integrity"] == "valid"
    (report,) = by_c2pa_ts(path)
    assert report["isValid"] is False and "Compressed manifests are not supported" in json.dumps(report)


def test_encypher_finds_every_change(encypher: Any, changed: list[Path], key: PemKey) -> None:
    assert {path.name: by_encypher(encypher, path, key)["integrity"] for path in changed} == {
        "pixel.png": "invalid",
        "words.png": "invalid",
    }


def test_c2pa_ts_finds_our_files_valid_under_the_id_that_we_chose(whole: list[Path]) -> None:
    for report in by_c2pa_ts(*(path for path in whole if ending_of(path) not in UNREAD_BY_C2PA_TS)):
        assert report["isValid"] is True, report
        assert report["label"] == colophon().manifest_id


def test_c2pa_ts_knows_no_webp(whole: list[Path]) -> None:
    unread = [path for path in whole if ending_of(path) in UNREAD_BY_C2PA_TS]
    assert unread and {report.get("isReadable") for report in by_c2pa_ts(*unread)} == {False}


def test_c2pa_ts_finds_every_change(changed: list[Path]) -> None:
    found = {Path(report["path"]).name: report for report in by_c2pa_ts(*changed)}
    assert {name: report["isValid"] for name, report in found.items()} == {"pixel.png": False, "words.png": False}
    assert "assertion.dataHash.mismatch" in {status["code"] for status in found["pixel.png"]["statuses"]}


def test_c2pa_ts_reads_no_timestamp_of_version_two_neither_ours_nor_c2pa_s_own(key: PemKey, tmp_path: Path) -> None:
    """It takes the token that C2PA 2 embeds for an authority's whole answer, and an AVIF's updated store for none."""
    paths = {name: tmp_path / name for name in ("stamped.png", "updated.png", "updated.avif")}
    with authority(tmp_path / "authority") as running:
        known = TimestampAuthority(running.url)
        said, name = colophon(), f"urn:c2pa:{UUID(int=20, version=4)}"
        image = sign_image(picture(), media_type="image/png", colophon=said, key=key, timestamps=known)
        paths["stamped.png"].write_bytes(image.data)
        for media_type in ("image/png", "image/avif"):
            late = stamp_later(
                signed(key, media_type=media_type).data, manifest_id=name, software=said.software, key=key,
                timestamps=known,
            )  # fmt: skip
            paths[f"updated.{ENDINGS[media_type]}"].write_bytes(late.data)
    corpus = Path(services.require_tool("corpus"))
    png, avif = [paths["stamped.png"], paths["updated.png"]], paths["updated.avif"]
    *stamped, bmff = by_c2pa_ts(*png, corpus / "rs-CACA.jpg", avif)
    for report in stamped:
        assert [one["explanation"] for one in report["statuses"]] == ["Failed to deserialize signature content"]
    assert bmff["hasManifest"] is False


def test_c2pa_ts_finds_no_manifest_where_there_is_none(tmp_path: Path, key: PemKey) -> None:
    for name, data in {"bare.png": picture(), "stripped.png": stripped(signed(key).data)}.items():
        (tmp_path / name).write_bytes(data)
    assert [report["hasManifest"] for report in by_c2pa_ts(*sorted(tmp_path.iterdir()))] == [False, False]
