"""What a real worker writes into a delivered file beside its manifest: XMP, and a timestamp where one is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from generation.models import Output
from provenance import storage
from provenance.credentials.queries import credential_of
from provenance.credentials.reading import read
from provenance.verification.verify import verify
from tests.factories.delivered import an_output
from tests.factories.records import an_artist
from tests.simulators.timestamps import NAME, authority

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def decide(settings: Any) -> Any:
    """Return a function that changes the operator's decisions for one test."""

    def change(**decisions: Any) -> None:
        settings.ENVIRONMENT = settings.ENVIRONMENT.model_copy(update=decisions)

    return change


def delivered(keys: Path, **asked: Any) -> tuple[Output, bytes]:
    output = an_output(keys, an_artist(), **asked)
    return output, storage.load(output.digest)


def test_a_delivered_file_says_in_xmp_what_made_it_and_who_provides_it(keys: Path, decide: Any) -> None:
    decide(provider="某工作室")
    output, data = delivered(keys, prompt="a lamp", disclosure="public")
    packet = data[data.index(b"<?xpacket begin") : data.index(b'<?xpacket end="r"?>')].decode()
    assert "/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>" in packet
    assert "<Iptc4xmpExt:AIPromptInformation>a lamp</Iptc4xmpExt:AIPromptInformation>" in packet
    assert '"ContentProducer":"某工作室"' in packet
    assert f"<dc:identifier>{output.manifest_id}</dc:identifier>" in packet
    record = read(data, trust_pem=None).assertion("org.colophon.generation")
    assert record["raw_pixels"] == output.raw_pixels


def test_a_private_prompt_is_in_no_byte_of_the_delivered_file(keys: Path) -> None:
    _, data = delivered(keys, prompt="zyzzyva quokka", disclosure="private")
    assert b"<?xpacket begin" in data
    assert b"zyzzyva" not in data and b"AIPromptInformation" not in data


def test_a_configured_authority_stamps_what_is_delivered_and_the_record_shows_it(
    keys: Path, decide: Any, tmp_path: Path
) -> None:
    with authority(tmp_path / "authority") as server:
        decide(timestamp_url=server.url)
        output, data = delivered(keys)
        assert verify(data).check("timestamp").evidence["authority"] == NAME
        credential = credential_of(output.digest)
        assert credential is not None
        (stamp,) = [check for check in credential.verdict["checks"] if check["code"] == "timestamp"]
        assert stamp["evidence"]["authority"] == NAME


def test_an_authority_that_is_down_costs_no_delivery(keys: Path, decide: Any) -> None:
    decide(timestamp_url="http://127.0.0.1:9/")
    _, data = delivered(keys)
    assert verify(data).check("timestamp").result == "not_checked"
    assert not verify(data).check("timestamp").evidence
