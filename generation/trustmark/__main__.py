"""Turn TrustMark's published files into a folder of safetensors: ``python -m generation.trustmark SOURCE TARGET``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from generation.trustmark.weights import VARIANTS, convert
from provenance.credentials.watermark.contract import WatermarkUnavailable


def main() -> int:
    """Convert one variant; return 1, with a sentence, where its files are not in order."""
    parser = argparse.ArgumentParser(prog="python -m generation.trustmark", description=__doc__)
    parser.add_argument("source", type=Path, help="folder with trustmark_Q.yaml, encoder_Q.ckpt, decoder_Q.ckpt")
    parser.add_argument("target", type=Path, help="folder to write · 输出目录")
    parser.add_argument("--variant", choices=VARIANTS, default="Q")
    asked = parser.parse_args()
    try:
        config = convert(asked.source, asked.target, variant=asked.variant)
    except WatermarkUnavailable as fault:
        print(f"{fault.said('en')}\n{fault.said('zh-Hans')}", file=sys.stderr)
        return 1
    print(f"com.adobe.trustmark.{config.variant} → {asked.target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
