"""A certificate that ended: what a timestamp saves, what it does not, and whose word counts for what.

The certificate is in force for a few seconds, in which everything is signed and stamped for real; then it has ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from provenance.credentials.manifest import Software
from provenance.credentials.signing import PemKey, pem_chain, sign_image
from provenance.credentials.timestamps import TimestampAuthority
from provenance.credentials.updating import stamp_later
from provenance.verification.__main__ import main
from provenance.verification.trust import Trust, trust_in
from provenance.verification.verdict import Check, Verdict
from provenance.verification.verify import verify
from tests.simulators import certificates
from tests.simulators.pictures import colophon, over, over_listed, picture, signed
from tests.simulators.tampering import with_other_pixel
from tests.simulators.timestamps import NAME, Authority, authority
from tests.unit.verdicts import failed

IN_FORCE_SECONDS = 5
OTHER_ROOT = certificates.chain(now=datetime.now(UTC)).root_pem


@dataclass(frozen=True)
class Ended:
    """Files of a signer whose certificate has ended, the signer's root and the authority's."""

    files: dict[str, bytes]
    root_pem: str
    stamps_pem: str

    def trust(self) -> Trust:
        """Return the right lists: the signer's root among signers, the authority's among authorities."""
        return trust_in(self.root_pem, timestamps_pem=self.stamps_pem)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """Sign and stamp while the certificate is in force, and wait until it has ended."""
    now = datetime.now(UTC)
    ends_in = timedelta(seconds=IN_FORCE_SECONDS)
    chain = certificates.chain(now=now, starts=ends_in - timedelta(days=1), days=1)
    with authority(tmp_path_factory.mktemp("authority")) as server:
        files = _signed(_key(chain, now), _key(certificates.chain(now=now, name="Another signer"), now), server)
    time.sleep(max(0.0, (now + ends_in - datetime.now(UTC)).total_seconds()) + 1.1)
    yield Ended(files, chain.root_pem, server.root_pem)


def _key(chain: certificates.Chain, now: datetime) -> PemKey:
    return pem_chain(chain_pem=chain.pem, key_pem=chain.key_pem(), root_pem=chain.root_pem, now=now)


def _signed(key: PemKey, other: PemKey, server: Authority) -> dict[str, bytes]:
    stamps = TimestampAuthority(server.url)

    def sign(key: PemKey, timestamps: TimestampAuthority | None, *, made_over: bytes | None = None) -> bytes:
        said = colophon() if made_over is None else colophon(number=2, inputs=over(made_over))
        return sign_image(picture(), media_type="image/png", colophon=said, key=key, timestamps=timestamps).data

    unstamped, stamped = sign(key, None), sign(key, stamps)
    trusting_both = replace(other, root_pem=other.root_pem + key.root_pem)
    manifest_id, software = f"urn:c2pa:{uuid4()}", Software("Colophon", "0.1.0")
    return {
        "unstamped": unstamped,
        "stamped": stamped,
        "later": stamp_later(
            unstamped, manifest_id=manifest_id, software=software, key=key, timestamps=stamps
        ).data,
        "over stamped": sign(other, None, made_over=stamped),
        "over unstamped": sign(other, None, made_over=unstamped),
        "over listed": signed(trusting_both, inputs=over_listed(key, picture())).data,
    }  # fmt: skip


@pytest.mark.parametrize("file", ["stamped", "later"])
def test_a_signature_outlives_its_certificate_where_a_vouched_for_authority_stamped_it(ended: Ended, file: str) -> None:
    verdict = verify(ended.files[file], trust=ended.trust())
    assert (verdict.outcome, verdict.validation_state, failed(verdict)) == ("trusted", "Trusted", set())
    assert "as the timestamp shows" in verdict.check("signer.not_expired").en
    assert "Atelier signer" in verdict.check("signer.trusted").en
    assert verdict.check("timestamp").result == "passed"
    assert verdict.signer is not None and datetime.fromisoformat(verdict.signer.not_after) < datetime.now(UTC)


def test_the_command_says_so_too(ended: Ended, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {"signers.pem": ended.root_pem, "authorities.pem": ended.stamps_pem}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "fox.png").write_bytes(ended.files["stamped"])
    trust = ["--trust", str(tmp_path / "signers.pem"), "--trust-timestamps", str(tmp_path / "authorities.pem")]
    assert main([str(tmp_path / "fox.png"), *trust]) == 0
    assert NAME in capsys.readouterr().out


def test_without_a_timestamp_it_does_not(ended: Ended) -> None:
    verdict = verify(ended.files["unstamped"], trust=ended.trust())
    assert verdict.outcome == "failed"
    assert failed(verdict) == {"signer.not_expired"}
    assert verdict.check("manifest.integrity").result == "passed"


@pytest.mark.parametrize("file", ["unstamped", "stamped"])
def test_of_a_signer_on_the_list_it_is_not_said_that_nobody_vouches(ended: Ended, file: str) -> None:
    check = verify(ended.files[file], trust=trust_in(ended.root_pem)).check("signer.trusted")
    assert (check.result, "nobody" in check.en) == ("not_checked", False)


@pytest.mark.parametrize("listed", [None, OTHER_ROOT])
def test_a_stamp_of_an_authority_that_is_not_on_the_list_saves_nothing(ended: Ended, listed: str | None) -> None:
    verdict = verify(ended.files["stamped"], trust=trust_in(ended.root_pem, timestamps_pem=listed))
    assert verdict.outcome == "failed"
    assert "signer.not_expired" in failed(verdict)
    assert verdict.check("timestamp").result == "not_checked"


@pytest.mark.parametrize("file", ["stamped", "later"])
@pytest.mark.parametrize("signers", [None, OTHER_ROOT])
def test_a_root_that_is_listed_for_timestamps_alone_makes_no_signer_trusted(
    ended: Ended, file: str, signers: str | None
) -> None:
    both = ended.stamps_pem + ended.root_pem
    verdict = verify(ended.files[file], trust=trust_in(signers, timestamps_pem=both))
    assert (verdict.outcome, verdict.validation_state) == ("untrusted", "Valid")
    assert verdict.check("signer.trusted").result == ("failed" if signers else "not_checked")
    assert verdict.check("signer.not_expired").result == "passed"


def test_a_signer_whom_no_list_names_stays_untrusted_after_the_certificate_s_end(ended: Ended) -> None:
    verdict = verify(ended.files["stamped"], trust=trust_in(OTHER_ROOT, timestamps_pem=ended.stamps_pem))
    assert (verdict.outcome, failed(verdict)) == ("untrusted", {"signer.trusted"})


def test_a_stamp_saves_no_picture_that_was_changed(ended: Ended) -> None:
    verdict = verify(with_other_pixel(ended.files["stamped"]), trust=ended.trust())
    assert (verdict.outcome, failed(verdict)) == ("failed", {"manifest.integrity"})


@pytest.mark.parametrize(
    ("file", "is_vouched"), [("over stamped", True), ("over unstamped", False), ("over listed", False)]
)
def test_an_ingredient_s_signer_is_vouched_for_after_the_end_where_its_own_stamp_is(
    ended: Ended, file: str, is_vouched: bool
) -> None:
    check = _sketch(verify(ended.files[file], trust=ended.trust()))
    assert check.result == "passed"
    assert ("not on the list of trusted signers" in check.en) is not is_vouched


def test_an_ingredient_whose_certificate_had_ended_when_it_was_used_is_not_told_as_changed(
    ended: Ended, key: PemKey
) -> None:
    verdict = verify(signed(key, number=7, inputs=over(ended.files["unstamped"])).data, trust_pem=key.root_pem)
    check = _sketch(verdict)
    assert (verdict.outcome, check.result) == ("trusted", "not_checked")
    assert "has ended" in check.en and "does not mean" in check.en
    assert {step.signed for step in verdict.history} == {"file"}
    changed = with_other_pixel(ended.files["unstamped"])
    verdict = verify(signed(key, number=7, inputs=over(changed)).data, trust_pem=key.root_pem)
    assert (verdict.outcome, _sketch(verdict).result) == ("failed", "failed")


def test_an_ingredient_s_signer_is_not_vouched_for_by_the_authorities_list(ended: Ended) -> None:
    both = ended.stamps_pem + ended.root_pem
    check = _sketch(verify(ended.files["over stamped"], trust=trust_in(OTHER_ROOT, timestamps_pem=both)))
    assert "not on the list of trusted signers" in check.en


def _sketch(verdict: Verdict) -> Check:
    (check,) = [one for one in verdict.checks if one.subject == "Sketch"]
    return check
