"""The starter model's words: a small byte-level vocabulary and text encoder, both in CLIP's format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

LENGTH = 32
WIDTH = 192
VOCABULARY = 1600
START, END = "<|startoftext|>", "<|endoftext|>"
_CLIP_PIECES = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def learn_vocabulary(sentences: Sequence[str], *, folder: Path) -> CLIPTokenizer:
    """Learn byte pairs from sentences and return the tokenizer that CLIP's own class makes of them."""
    learner = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix="</w>", continuing_subword_prefix=""))
    learner.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[],
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(sentences, trainer)
    learned = json.loads(learner.to_str())["model"]
    return _in_clip_format(learned["vocab"], learned["merges"], alphabet=alphabet, folder=folder)


def read_vocabulary(folder: Path) -> CLIPTokenizer:
    """Return the tokenizer of a folder that ``learn_vocabulary`` filled."""
    return CLIPTokenizer.from_pretrained(
        folder,
        model_max_length=LENGTH,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        unk_token=END,
    )


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return an untrained text encoder for a vocabulary."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=3,
            num_attention_heads=6,
            max_position_embeddings=LENGTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def _in_clip_format(
    vocabulary: dict[str, int], merges: Sequence[Sequence[str]], *, alphabet: Sequence[str], folder: Path
) -> CLIPTokenizer:
    """Write vocab.json and merges.txt as CLIP has them, every byte alone and at a word's end, and load them."""
    pieces = sorted(vocabulary, key=lambda piece: vocabulary[piece])
    ordered = dict.fromkeys([*alphabet, *(f"{byte}</w>" for byte in alphabet), *pieces, START, END])
    folder.mkdir(parents=True, exist_ok=True)
    numbered = {piece: number for number, piece in enumerate(ordered)}
    (folder / "vocab.json").write_text(json.dumps(numbered, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_vocabulary(folder)
