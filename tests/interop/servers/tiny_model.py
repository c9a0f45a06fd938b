"""A tiny random Qwen3 with a tokenizer of bytes: `python tiny_model.py FOLDER`. Every server holds the same one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

WIDTH, INNER, LAYERS, HEADS, KEY_HEADS, HEAD, WORDS, CONTEXT = 64, 128, 2, 4, 2, 16, 512, 512
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

CONFIG = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KEY_HEADS,
    "head_dim": HEAD,
    "vocab_size": WORDS,
    "max_position_embeddings": CONTEXT,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "attention_bias": False,
    "eos_token_id": 258,
    "pad_token_id": 256,
    "torch_dtype": "float32",
}
TOKENIZER = {
    "tokenizer_class": "PreTrainedTokenizerFast",
    "eos_token": SPECIAL[2],
    "pad_token": SPECIAL[0],
    "model_max_length": CONTEXT,
}
SHAPES = {
    "self_attn.q_proj": (HEADS * HEAD, WIDTH),
    "self_attn.k_proj": (KEY_HEADS * HEAD, WIDTH),
    "self_attn.v_proj": (KEY_HEADS * HEAD, WIDTH),
    "self_attn.o_proj": (WIDTH, HEADS * HEAD),
    "mlp.gate_proj": (INNER, WIDTH),
    "mlp.up_proj": (INNER, WIDTH),
    "mlp.down_proj": (WIDTH, INNER),
}
ONES = {
    "self_attn.q_norm": HEAD,
    "self_attn.k_norm": HEAD,
    "input_layernorm": WIDTH,
    "post_attention_layernorm": WIDTH,
}


def weights() -> dict[str, np.ndarray]:
    """Small normal matrices, and norms that change nothing."""
    chance = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return (chance.standard_normal(shape) * 0.05).astype(np.float32)

    found = {"model.embed_tokens": drawn(WORDS, WIDTH), "lm_head": drawn(WORDS, WIDTH), "model.norm": _ones(WIDTH)}
    for layer in range(LAYERS):
        found |= {f"model.layers.{layer}.{name}": drawn(*shape) for name, shape in SHAPES.items()}
        found |= {f"model.layers.{layer}.{name}": _ones(size) for name, size in ONES.items()}
    return {f"{name}.weight": tensor for name, tensor in found.items()}


def tokenizer() -> Tokenizer:
    """One token for each byte, and three that are special."""
    made = Tokenizer(models.BPE(vocab={sign: at for at, sign in enumerate(sorted(_alphabet()))}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(list(SPECIAL))
    return made


def main() -> None:
    """Write it."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights(), str(folder / "model.safetensors"), metadata={"format": "pt"})
    tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(TOKENIZER))
    (folder / "config.json").write_text(json.dumps(CONFIG))


def _ones(size: int) -> np.ndarray:
    return np.ones(size, np.float32)


def _alphabet() -> list[str]:
    return pre_tokenizers.ByteLevel.alphabet()


if __name__ == "__main__":
    main()
