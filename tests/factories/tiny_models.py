"""Random-weight diffusers folders of every family, small enough to build and draw with in a test.

Each builder writes what `save_pretrained` of that family's pipeline writes, tokenizers included; nothing
is fetched. One latent spans 8 pixels, as in the real models.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from peft import LoraConfig, get_peft_model_state_dict
from tokenizers.pre_tokenizers import ByteLevel

WORDS = ("a", "red", "cat", "hat", "in", "on", "of", "the", "house", "tree")
SIDE = 64
TEXT_WIDTH = 32


def build_tiny_model(family: str, folder: Path, *, seed: int = 0) -> Path:
    """Write a tiny model of a family into a folder and return that folder."""
    torch.manual_seed(seed)
    pipeline = BUILDERS[family]()
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_lora(folder: Path, *, model: Path, component: str, targets: list[str], seed: int = 7) -> Path:
    """Write a random LoRA adapter for a component of a tiny model, as diffusers saves one; its file."""
    torch.manual_seed(seed)
    pipeline = diffusers.DiffusionPipeline.from_pretrained(model, local_files_only=True)
    part = getattr(pipeline, component)
    part.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights=False, target_modules=targets))
    pipeline.save_lora_weights(folder, **{f"{component}_lora_layers": get_peft_model_state_dict(part)})
    return folder / "pytorch_lora_weights.safetensors"


def _byte_vocabulary(*, specials: list[str], word_end: str = "") -> tuple[dict[str, int], list[Any]]:
    """Return a vocabulary of all bytes with the merges that make each of WORDS one token."""
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(letter + word_end for letter in letters)] if word_end else list(letters)
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], word[-1] + word_end]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            if pair not in merges:
                merges.append(pair)
                tokens.append("".join(pair))
            pieces[:2] = ["".join(pair)]
    unique = list(dict.fromkeys([*tokens, *specials]))
    return {token: number for number, token in enumerate(unique)}, merges


def _clip_tokenizer() -> transformers.CLIPTokenizer:
    vocabulary, merges = _byte_vocabulary(specials=["<|startoftext|>", "<|endoftext|>"], word_end="</w>")
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def _clip_text(kind: type, *, projection: int = TEXT_WIDTH) -> Any:
    tokenizer = _clip_tokenizer()
    return kind(
        transformers.CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=TEXT_WIDTH,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            projection_dim=projection,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            hidden_act="gelu",
        )
    ).eval()


def _t5(*, width: int = TEXT_WIDTH) -> tuple[Any, Any]:
    letters = [chr(code) for code in range(33, 127)]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(f"▁{word}", -3.0) for word in WORDS] + [(letter, -5.0) for letter in letters]
    tokenizer = transformers.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=512)
    config = transformers.T5Config(
        vocab_size=len(tokenizer) + 8,
        d_model=width,
        d_kv=8,
        d_ff=37,
        num_layers=2,
        num_heads=4,
    )
    return tokenizer, transformers.T5EncoderModel(config).eval()


def _qwen_tokenizer() -> Any:
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    vocabulary, merges = _byte_vocabulary(specials=specials)
    tokenizer = transformers.Qwen2Tokenizer(vocab=vocabulary, merges=merges, model_max_length=2048)
    tokenizer.add_special_tokens({"additional_special_tokens": specials[1:]})
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def _kl_vae(*, channels: int, shift: float | None = None) -> diffusers.AutoencoderKL:
    return diffusers.AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(4, 4, 8, 8),
        layers_per_block=1,
        norm_num_groups=2,
        latent_channels=channels,
        sample_size=SIDE,
        scaling_factor=0.5,
        shift_factor=shift,
        use_quant_conv=shift is None,
        use_post_quant_conv=shift is None,
    ).eval()


def _unet(*, channels: int, cross: int, **more: Any) -> diffusers.UNet2DConditionModel:
    return diffusers.UNet2DConditionModel(
        sample_size=SIDE // 8,
        in_channels=more.pop("in_channels", channels),
        out_channels=channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=cross,
        **more,
    ).eval()


def _diffusion_scheduler() -> Any:
    return diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _stable_diffusion() -> Any:
    return diffusers.StableDiffusionPipeline(
        unet=_unet(channels=4, cross=TEXT_WIDTH),
        vae=_kl_vae(channels=4),
        text_encoder=_clip_text(transformers.CLIPTextModel),
        tokenizer=_clip_tokenizer(),
        scheduler=_diffusion_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _inpainting_only() -> Any:
    """Return Stable Diffusion trained to inpaint: its UNet also takes the mask and the masked picture."""
    parts = _stable_diffusion().components
    parts["unet"] = _unet(channels=4, cross=TEXT_WIDTH, in_channels=9)
    return diffusers.StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)


def _starter_like() -> Any:
    """Return what our own starter model is: six latent channels, a tiny autoencoder, v-prediction."""
    vae = diffusers.AutoencoderTiny(
        latent_channels=6,
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    ).eval()
    scheduler = diffusers.DPMSolverMultistepScheduler(
        beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction", steps_offset=1
    )
    return diffusers.StableDiffusionPipeline(
        unet=_unet(
            channels=6,
            cross=TEXT_WIDTH,
            addition_embed_type="text",
            encoder_hid_dim=TEXT_WIDTH,
            addition_embed_type_num_heads=4,
            resnet_time_scale_shift="scale_shift",
        ),
        vae=vae,
        text_encoder=_clip_text(transformers.CLIPTextModel),
        tokenizer=_clip_tokenizer(),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _stable_diffusion_xl() -> Any:
    return diffusers.StableDiffusionXLPipeline(
        unet=_unet(
            channels=4,
            cross=2 * TEXT_WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + TEXT_WIDTH,
            transformer_layers_per_block=1,
            use_linear_projection=True,
        ),
        vae=_kl_vae(channels=4),
        text_encoder=_clip_text(transformers.CLIPTextModel),
        text_encoder_2=_clip_text(transformers.CLIPTextModelWithProjection),
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    )


def _stable_diffusion_3() -> Any:
    tokenizer_3, text_encoder_3 = _t5(width=2 * TEXT_WIDTH)
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=SIDE // 8,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=TEXT_WIDTH * 2,
        caption_projection_dim=TEXT_WIDTH,
        pooled_projection_dim=2 * TEXT_WIDTH,
        pos_embed_max_size=32,
        dual_attention_layers=(0,),
        qk_norm="rms_norm",
    ).eval()
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer,
        vae=_kl_vae(channels=16, shift=0.05),
        text_encoder=_clip_text(transformers.CLIPTextModelWithProjection),
        text_encoder_2=_clip_text(transformers.CLIPTextModelWithProjection),
        text_encoder_3=text_encoder_3,
        tokenizer=_clip_tokenizer(),
        tokenizer_2=_clip_tokenizer(),
        tokenizer_3=tokenizer_3,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )


def _flux() -> Any:
    tokenizer_2, text_encoder_2 = _t5()
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=TEXT_WIDTH,
        pooled_projection_dim=TEXT_WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(4, 6, 6),
    ).eval()
    return diffusers.FluxPipeline(
        transformer=transformer,
        vae=_kl_vae(channels=4, shift=0.05),
        text_encoder=_clip_text(transformers.CLIPTextModel),
        text_encoder_2=text_encoder_2,
        tokenizer=_clip_tokenizer(),
        tokenizer_2=tokenizer_2,
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    )


def _qwen_image() -> Any:
    tokenizer = _qwen_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "bos_token_id": tokenizer.eos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1000000.0},
    }
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": 16,
    }
    config = transformers.Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4,
        latents_std=[1.0] * 4,
    ).eval()
    transformer = diffusers.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        axes_dims_rope=(4, 6, 6),
    ).eval()
    return diffusers.QwenImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae,
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config).eval(),
        tokenizer=tokenizer,
        transformer=transformer,
    )


def _z_image() -> Any:
    tokenizer = _qwen_tokenizer()
    config = transformers.Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
    )
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 64, 64],
    ).eval()
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_kl_vae(channels=4, shift=0.05),
        text_encoder=transformers.Qwen3Model(config).eval(),
        tokenizer=tokenizer,
        transformer=transformer,
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "stable-diffusion": _stable_diffusion,
    "stable-diffusion-xl": _stable_diffusion_xl,
    "stable-diffusion-3": _stable_diffusion_3,
    "flux": _flux,
    "qwen-image": _qwen_image,
    "z-image": _z_image,
    "starter": _starter_like,
    "inpainting-only": _inpainting_only,
}
