"""A byte-sized decoder-only transformer: forward pass, hand-written backward pass, any float type. Pure.

Pre-norm blocks with gain-free RMS norm (arXiv:1910.07467), rotary attention, a squared-ReLU MLP (arXiv:2109.08668)
and an untied unembedding. A batch is padded on the right: causal rows never see what comes after them, so padding
needs no mask, only a zero gradient.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tinkex_py.local.architecture import Architecture, Floats, Parameters, Tokens
from tinkex_py.local.attention import attend, attend_backward, rotations, turned

EPSILON = 1e-6


class AttentionTape(NamedTuple):
    """What the backward pass of one attention needs; heads are `[B, H, T, S]`, rows are `[B * T, width]`."""

    normed: Floats
    scale: Floats
    query: Floats
    key: Floats
    value: Floats
    mixed: Floats
    normalizers: Floats


class MlpTape(NamedTuple):
    """What the backward pass of one MLP needs: normalized rows, their scale, and the rectified `[B * T, hidden]`."""

    normed: Floats
    scale: Floats
    rectified: Floats


class Tape(NamedTuple):
    """What a forward pass leaves behind: logits `[B * T, vocabulary]` and the intermediate values of every block."""

    tokens: Tokens
    layers: tuple[tuple[AttentionTape, MlpTape], ...]
    normed: Floats
    scale: Floats
    logits: Floats


def normalize(rows: Floats) -> tuple[Floats, Floats]:
    """Scale each row to a mean square of one; also return the factors `[N, 1]`."""
    squares = np.einsum("nd,nd->n", rows, rows)
    scale = (1.0 / np.sqrt(squares / rows.shape[1] + EPSILON))[:, None]
    return rows * scale, scale


def _normalize_backward(normed: Floats, scale: Floats, slope: Floats) -> Floats:
    share = np.einsum("nd,nd->n", slope, normed)[:, None] / normed.shape[1]
    outer: Floats = (slope - normed * share) * scale
    return outer


def _attention(
    parameters: Parameters, prefix: str, rows: Floats, architecture: Architecture, length: int
) -> tuple[Floats, AttentionTape]:
    heads, size = architecture.heads, architecture.width // architecture.heads
    normed, scale = normalize(rows)
    fused = (normed @ parameters[f"{prefix}.attention.qkv"]).reshape(-1, length, 3 * heads, size)
    factors = rotations(architecture.context, heads, size, rows.dtype.name)[:length]
    query_key = turned(fused[:, :, : 2 * heads], factors)
    query, key = (part.transpose(0, 2, 1, 3) for part in (query_key[:, :, :heads], query_key[:, :, heads:]))
    value = fused[:, :, 2 * heads :].transpose(0, 2, 1, 3)
    mixed, normalizers = attend(query, key, value)
    written = mixed.transpose(0, 2, 1, 3).reshape(rows.shape) @ parameters[f"{prefix}.attention.output"]
    return rows + written, AttentionTape(normed, scale, query, key, value, mixed, normalizers)


def _attention_backward(
    parameters: Parameters, prefix: str, tape: AttentionTape, slope: Floats, architecture: Architecture
) -> tuple[Floats, dict[str, Floats]]:
    batch, heads, length, size = tape.query.shape
    mixed_rows = tape.mixed.transpose(0, 2, 1, 3).reshape(slope.shape)
    mixed_slope = slope @ parameters[f"{prefix}.attention.output"].T
    slopes = attend_backward(*tape[2:], mixed_slope.reshape(batch, length, heads, size).transpose(0, 2, 1, 3))
    fused_slope = np.empty((batch, length, 3, heads, size), slope.dtype)
    for part, part_slope in enumerate(slopes):
        fused_slope[:, :, part] = part_slope.transpose(0, 2, 1, 3)
    query_key = fused_slope[:, :, :2].reshape(batch, length, 2 * heads, size)
    factors = rotations(architecture.context, heads, size, slope.dtype.name)[:length]
    fused_slope[:, :, :2] = turned(query_key, factors.conj()).reshape(batch, length, 2, heads, size)
    fused_rows = fused_slope.reshape(len(slope), -1)
    normed_slope = fused_rows @ parameters[f"{prefix}.attention.qkv"].T
    gradients: dict[str, Floats] = {
        f"{prefix}.attention.qkv": tape.normed.T @ fused_rows,
        f"{prefix}.attention.output": mixed_rows.T @ slope,
    }
    return slope + _normalize_backward(tape.normed, tape.scale, normed_slope), gradients


def _mlp(parameters: Parameters, prefix: str, rows: Floats) -> tuple[Floats, MlpTape]:
    normed, scale = normalize(rows)
    rectified = normed @ parameters[f"{prefix}.mlp.up"]
    rectified = np.maximum(rectified, 0, out=rectified)
    return rows + (rectified * rectified) @ parameters[f"{prefix}.mlp.down"], MlpTape(normed, scale, rectified)


def _mlp_backward(
    parameters: Parameters, prefix: str, tape: MlpTape, slope: Floats
) -> tuple[Floats, dict[str, Floats]]:
    inner = slope @ parameters[f"{prefix}.mlp.down"].T
    inner *= tape.rectified
    inner *= 2
    gradients: dict[str, Floats] = {
        f"{prefix}.mlp.up": tape.normed.T @ inner,
        f"{prefix}.mlp.down": (tape.rectified * tape.rectified).T @ slope,
    }
    normed_slope = inner @ parameters[f"{prefix}.mlp.up"].T
    return slope + _normalize_backward(tape.normed, tape.scale, normed_slope), gradients


def forward(parameters: Parameters, tokens: Tokens, architecture: Architecture) -> Tape:
    """Run tokens `[B, T]` through the transformer."""
    rows = parameters["embedding"][tokens.reshape(-1)]
    layers: list[tuple[AttentionTape, MlpTape]] = []
    for index in range(architecture.layers):
        rows, attention = _attention(parameters, f"layers.{index}", rows, architecture, tokens.shape[1])
        rows, mlp = _mlp(parameters, f"layers.{index}", rows)
        layers.append((attention, mlp))
    normed, scale = normalize(rows)
    return Tape(tokens, tuple(layers), normed, scale, normed @ parameters["unembedding"])


def backward(parameters: Parameters, tape: Tape, slope: Floats, architecture: Architecture) -> dict[str, Floats]:
    """Return the gradient of every parameter for the gradient `slope` `[B * T, vocabulary]` of the logits."""
    gradients: dict[str, Floats] = {"unembedding": tape.normed.T @ slope}
    rows = _normalize_backward(tape.normed, tape.scale, slope @ parameters["unembedding"].T)
    for index in reversed(range(architecture.layers)):
        attention, mlp = tape.layers[index]
        rows, of_mlp = _mlp_backward(parameters, f"layers.{index}", mlp, rows)
        rows, of_attention = _attention_backward(parameters, f"layers.{index}", attention, rows, architecture)
        gradients |= of_mlp | of_attention
    embedding = np.zeros_like(parameters["embedding"])
    np.add.at(embedding, tape.tokens.reshape(-1), rows)
    return gradients | {"embedding": embedding}


def log_softmax(logits: Floats) -> Floats:
    """Return log-probabilities `[N, vocabulary]` in nats."""
    shifted: Floats = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
