"""TrustMark: its code word, its networks on random weights, and the conversion that runs nothing it reads."""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generation.trustmark.codec import CODE_BITS, MENDED, PACKET_BITS, id_in, packet_of
from generation.trustmark.networks import HidingNetwork, ReadingNetwork
from generation.trustmark.watermark import TrustMarkWatermark
from generation.trustmark.weights import CONFIG, FILES, config_in, convert
from provenance.credentials.watermark.contract import Watermark, WatermarkUnavailable
from tests.factories.trustmarks import KNOWN, placed_weights, published
from tests.services import REPOSITORY

IDS = st.binary(min_size=8, max_size=8)
REFERENCE = (
    "00000000" "00000001" "00000010" "00000011" "00000100" "00000101" "00000110" "00000111" "0000"
    "0001011011111110010110111100" "0010"
)  # fmt: skip
"""What trustmark 0.9.2 of PyPI encodes for the bytes 0 to 7 and four zeros in its schema BCH_4."""


def test_the_code_word_is_bit_for_bit_what_trustmark_itself_writes() -> None:
    assert "".join(map(str, packet_of(bytes(range(8))))) == REFERENCE


@given(id=IDS, wrong=st.sets(st.integers(0, CODE_BITS - 1), max_size=MENDED))
def test_up_to_four_wrong_bits_are_mended_wherever_they_are(id: bytes, wrong: set[int]) -> None:
    bits = list(packet_of(id))
    for place in wrong:
        bits[place] ^= 1
    assert id_in(bits) == (id, len(wrong))


@given(id=IDS, wrong=st.sets(st.integers(0, CODE_BITS - 1), min_size=5, max_size=8))
def test_more_wrong_bits_never_read_as_the_id_that_was_hidden(id: bytes, wrong: set[int]) -> None:
    bits = list(packet_of(id))
    for place in wrong:
        bits[place] ^= 1
    found = id_in(bits)
    assert found is None or found[0] != id


def test_random_bits_hardly_ever_read_as_an_id() -> None:
    chance = random.Random(1)
    found = sum(id_in([chance.getrandbits(1) for _ in range(PACKET_BITS)]) is not None for _ in range(20_000))
    assert found <= 6  # one in 20,000 is expected


@pytest.mark.parametrize("bits", [[], [0] * 99, [1] * 100])
def test_what_is_no_packet_of_this_schema_reads_as_nothing(bits: list[int]) -> None:
    assert id_in(bits) is None


# ---- networks --------------------------------------------------------------------------------------------------


def test_the_networks_have_as_many_weights_as_those_of_the_papers_and_trustmark_s_names() -> None:
    counts = {
        kind: sum(one.numel() for one in ReadingNetwork(kind=kind, bits=1_000, side=224).parameters())
        for kind in ("resnet18", "resnet50")
    }
    assert counts == {"resnet18": 11_689_512, "resnet50": 25_557_032}
    names = HidingNetwork(bits=100, side=256, width=32, down=4, middle=1, then="silu").state_dict()
    assert {
        "secret2image.dense.weight", "pre.conv.weight", "enc.3.conv.bias", "middle.0.model.0.model.1.conv.weight",
        "dec.3.conv2.conv.weight", "post.2.conv.bias",
    } <= set(names)  # fmt: skip


@pytest.mark.parametrize(("height", "width"), [(64, 64), (90, 133), (400, 260)])
def test_a_picture_of_any_shape_is_marked_and_read(tmp_path: Path, height: int, width: int) -> None:
    mark: Watermark = TrustMarkWatermark(placed_weights(tmp_path))
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    marked = mark.embed(pixels, id=KNOWN)
    assert (marked.shape, marked.dtype) == (pixels.shape, np.uint8) and (marked != pixels).any()
    found = mark.read(marked)
    assert found is not None and (found.id, found.mended_bits, found.code_bits) == (KNOWN, 0, 96)
    assert mark.algorithm == "com.adobe.trustmark.Q" and not mark.reads_at_once


def test_another_id_is_another_mark_and_the_same_one_the_same(tmp_path: Path) -> None:
    mark = TrustMarkWatermark(placed_weights(tmp_path))
    pixels = np.full((64, 64, 3), 128, np.uint8)
    one, again, other = (mark.embed(pixels, id=id) for id in (KNOWN, KNOWN, bytes(8)))
    assert (one == again).all() and (one != other).any()


def test_weights_that_read_nothing_read_nothing(tmp_path: Path) -> None:
    mark = TrustMarkWatermark(placed_weights(tmp_path, says=None))
    assert mark.read(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)) is None


def test_threads_share_networks_that_are_loaded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, loaded = TrustMarkWatermark(placed_weights(tmp_path)), []
    filled = TrustMarkWatermark._filled
    monkeypatch.setattr(TrustMarkWatermark, "_filled", lambda *told: loaded.append(told[2]) or filled(*told))
    pixels, found = np.zeros((64, 64, 3), np.uint8), []
    threads = [threading.Thread(target=lambda: found.append(mark.read(pixels))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(loaded) == ["decoder", "encoder"] and len(found) == 4 and None not in found


def test_asking_for_the_name_loads_no_torch(tmp_path: Path) -> None:
    folder = placed_weights(tmp_path)
    code = (
        "import sys; from pathlib import Path; from generation.trustmark.watermark import TrustMarkWatermark; "
        f"print(TrustMarkWatermark(Path({str(folder)!r})).algorithm, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["com.adobe.trustmark.Q", "False"]


# ---- placing weights -------------------------------------------------------------------------------------------


def converted(source: Path, target: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "generation.trustmark", str(source), str(target), *more]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_command_turns_the_published_files_into_a_folder_that_is_read(tmp_path: Path) -> None:
    done = converted(published(tmp_path / "source"), tmp_path / "target")
    assert done.returncode == 0 and "com.adobe.trustmark.Q" in done.stdout, done.stderr
    assert {path.name for path in (tmp_path / "target").iterdir()} == {CONFIG, *FILES.values()}
    config = config_in(tmp_path / "target")
    assert (config.width, config.down, config.middle, config.kind, config.variant) == (4, 2, 1, "resnet18", "Q")


class Harmful:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("is_plain_pickle", [True, False])
def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(tmp_path: Path, is_plain_pickle: bool) -> None:
    source, trap = published(tmp_path / "source"), tmp_path / "was-run"
    if is_plain_pickle:
        (source / "encoder_Q.ckpt").write_bytes(pickle.dumps(Harmful(trap)))
    else:
        torch.save({"state_dict": {}, "hyper": Harmful(trap)}, source / "encoder_Q.ckpt")
    done = converted(source, tmp_path / "target")
    assert done.returncode == 1 and "encoder_Q.ckpt" in done.stderr and "Traceback" not in done.stderr
    assert not trap.exists()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1_000])


def test_files_that_are_missing_cut_short_or_of_something_else_are_named(tmp_path: Path) -> None:
    breaks: list[tuple[str, Any]] = [
        ("decoder_Q.ckpt", Path.unlink), ("encoder_Q.ckpt", _cut), ("trustmark_Q.yaml", Path.unlink),
        ("trustmark_Q.yaml", lambda path: path.write_text("model: [1")),
        ("trustmark_Q.yaml", lambda path: path.write_text("model: {params: {}}")),
        ("encoder_Q.ckpt", lambda path: torch.save({"state_dict": {"other": torch.zeros(1)}}, path)),
    ]  # fmt: skip
    for number, (name, harm) in enumerate(breaks):
        source = published(tmp_path / str(number))
        harm(source / name)
        with pytest.raises(WatermarkUnavailable, match=name):
            convert(source, tmp_path / f"target-{number}", variant="Q")


def test_a_folder_that_was_changed_since_is_not_used(tmp_path: Path) -> None:
    for number, name in enumerate((*FILES.values(), CONFIG)):
        folder = placed_weights(tmp_path / str(number))
        (folder / name).write_bytes(b"{}")
        with pytest.raises(WatermarkUnavailable):
            TrustMarkWatermark(folder).read(np.zeros((64, 64, 3), np.uint8))


@pytest.mark.parametrize(
    "change", [{"side": 63}, {"bits": 64}, {"v": 2}, {"variant": "Z"}, {"strength": 9}, {"side": 10**9}]
)
def test_settings_that_no_conversion_writes_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = placed_weights(tmp_path)
    stated = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(stated | change))
    with pytest.raises(WatermarkUnavailable, match="conversion"):
        config_in(folder)


def test_weights_of_another_network_than_the_settings_say_are_refused(tmp_path: Path) -> None:
    folder = placed_weights(tmp_path)
    stated = json.loads((folder / CONFIG).read_text())
    stated["encoder"]["width"] = 8
    (folder / CONFIG).write_text(json.dumps(stated))
    with pytest.raises(WatermarkUnavailable, match="does not fit"):
        TrustMarkWatermark(folder).embed(np.zeros((64, 64, 3), np.uint8), id=KNOWN)
