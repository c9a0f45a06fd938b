"""TuFT on a CPU, in one process: `python tuft_on_cpu.py PORT MODEL KEY FOLDER`. Batches in protobuf, strict fields.

Its own server and training code; only what needs an accelerator or a cluster is replaced: Ray's actors by objects in
this process, vLLM by a small sampler. Nothing of its answers is changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
import tuft.backends.hf_training_model as training
import tuft.backends.sampling_backend as sampling
import uvicorn
from peft import PeftModel
from tinker import types
from tuft.backends.base_backend import BaseSamplingBackend
from tuft.config import AppConfig, ModelConfig
from tuft.server import create_root_app

CONTEXT, LABEL = 256, "Qwen/Qwen3-0.6B"


class Here:
    """An object that stands for Ray's reference to it: what is awaited is the method's own coroutine."""

    def __init__(self, target: object) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        return type("Method", (), {"remote": staticmethod(method)})


class Sampler(sampling.DummySamplingBackend):
    """Samples token by token from the model and its adapters."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        path = str(config.model_path)
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(path)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype="auto").eval()
        self.adapted: PeftModel | None = None

    async def add_adapter(self, lora_id: str, adapter_path: Path) -> None:
        if self.adapted is None:
            self.adapted = PeftModel.from_pretrained(self.model, str(adapter_path), adapter_name=lora_id).eval()
        else:
            self.adapted.load_adapter(str(adapter_path), adapter_name=lora_id)
        self.lora_adapters[lora_id] = adapter_path

    async def remove_adapter(self, lora_id: str) -> None:
        if self.lora_adapters.pop(lora_id, None) and self.adapted is not None and self.lora_adapters:
            self.adapted.delete_adapter(lora_id)

    async def sample(
        self,
        prompt: Any,
        num_samples: int,
        sampling_params: Any,
        include_prompt_logprobs: bool = False,
        topk_prompt_logprobs: int = 0,
        lora_id: str | None = None,
    ) -> Any:
        ids = prompt.to_ints()
        if len(ids) >= self.config.max_model_len:
            limit = self.config.max_model_len
            raise ValueError(
                f"The decoder prompt (length {len(ids)}) is longer than the maximum model length of {limit}."
            )
        sequences = [self._sequence(ids, sampling_params, turn, lora_id) for turn in range(num_samples)]
        known, best = self._prompt(ids, lora_id, topk_prompt_logprobs)
        return types.SampleResponse(
            sequences=sequences,
            _prompt_logprobs_list=known if include_prompt_logprobs else None,
            _topk_prompt_logprobs_list=best if topk_prompt_logprobs else None,
        )

    def _sequence(self, ids: list[int], params: Any, turn: int, lora_id: str | None) -> Any:
        chance = torch.Generator()
        chance.manual_seed(int.from_bytes(os.urandom(6), "little") if params.seed is None else params.seed + turn)
        stop = [params.stop] if isinstance(params.stop, str) else list(params.stop or [self.tokenizer.eos_token_id])
        tokens: list[int] = []
        logprobs: list[float] = []
        for _ in range(min(params.max_tokens or 16, self.config.max_model_len - len(ids))):
            logits = self._logits([*ids, *tokens], lora_id)[-1]
            tokens.append(_chosen(logits, params, chance))
            logprobs.append(float(torch.log_softmax(logits, -1)[tokens[-1]]))
            if tokens[-1] in stop or any(isinstance(each, str) and each in self._text(tokens) for each in stop):
                return types.SampledSequence(stop_reason="stop", _tokens_list=tokens, _logprobs_list=logprobs)
        return types.SampledSequence(stop_reason="length", _tokens_list=tokens, _logprobs_list=logprobs)

    def _prompt(self, ids: list[int], lora_id: str | None, count: int) -> tuple[list[Any], list[Any]]:
        rows = torch.log_softmax(self._logits(ids, lora_id), -1)[:-1]
        known = [None, *(float(row[token]) for row, token in zip(rows, ids[1:], strict=True))]
        tops = [torch.topk(row, max(count, 1)) for row in rows]
        return known, [
            None,
            *([(int(a), float(b)) for a, b in zip(top.indices, top.values, strict=True)] for top in tops),
        ]

    def _text(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens)

    def _logits(self, ids: list[int], lora_id: str | None) -> torch.Tensor:
        tokens = torch.tensor([ids])
        with torch.no_grad():
            if self.adapted is None:
                return self.model(input_ids=tokens).logits[0].float()
            if lora_id is None:
                with self.adapted.disable_adapter():
                    return self.adapted(input_ids=tokens).logits[0].float()
            self.adapted.set_adapter(lora_id)
            return self.adapted(input_ids=tokens).logits[0].float()


def _chosen(logits: torch.Tensor, params: Any, chance: torch.Generator) -> int:
    if params.temperature == 0:
        return int(logits.argmax())
    scaled = logits / params.temperature
    if params.top_k and params.top_k > 0:
        least = torch.topk(scaled, min(params.top_k, scaled.numel())).values[-1]
        scaled = scaled.masked_fill(scaled < least, float("-inf"))
    shares = torch.softmax(scaled, -1)
    if params.top_p < 1:
        ordered, places = torch.sort(shares, descending=True)
        shares[places[ordered.cumsum(0) - ordered > params.top_p]] = 0
    return int(torch.multinomial(shares / shares.sum(), 1, generator=chance))


def main() -> None:
    """Serve until stopped."""
    port, model, key, folder = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    for name in ("reset_peak_memory_stats", "empty_cache"):  # the training code calls these without asking
        setattr(torch.cuda, name, lambda *_, **__: None)
    for name in ("memory_allocated", "memory_reserved", "max_memory_allocated"):
        setattr(torch.cuda, name, lambda *_, **__: 0)
    training.HFTrainingModel.get_actor = classmethod(lambda made, config: Here(made(config)))
    BaseSamplingBackend.create_backend = classmethod(lambda _made, config, **_: Sampler(config))
    only = ModelConfig(model_name=LABEL, model_path=model, max_model_len=CONTEXT, max_lora_rank=32, max_loras=64)
    config = AppConfig(checkpoint_dir=folder, supported_models=[only], authorized_users={key: "interoperation"})
    config.ensure_directories()
    uvicorn.run(create_root_app(config), port=port, log_level="warning")


main()
