"""What is wrong with a value is said with its path, its value and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

from tinkex_py import (
    AdamOptimizerConfig,
    AdamParams,
    Datum,
    DimuonOptimizerConfig,
    DimuonParams,
    LoraConfig,
    ModelInput,
    OtherOptimizer,
    RecoveryPolicy,
    RetryConfig,
    SamplingParams,
    TensorData,
    check,
)
from tinkex_py.types import (
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    PromptProvenanceSpan,
    SampledProvenanceSpan,
    SessionSearchRequest,
)
from tinkex_py.types.validation import problem

TEXT = ModelInput.from_ints([1, 2])
GAPS: Any = np.ma.array([1, 2], np.int64)


def datum(**inputs: Any) -> Datum:
    return Datum(TEXT, {"target_tokens": [1, 2], **inputs})


GOOD: dict[str, object] = {
    "batch": [datum(weights=[0.5, 1]), datum(weights=np.ones(2))],
    "large": datum(weights=np.ones(100_000, np.float32)),
    "input": ModelInput(
        (
            ImageChunk(b"x", "png"),
            ImageAssetPointerChunk("jpeg", "https://a.test", 3),
            DmelChunk(b"x"),
            EncodedTextChunk([1]),
        )
    ),
    "tensor": TensorData([1.0]),
    "sampling": SamplingParams(max_tokens=1, seed=-3, stop=["a"], top_k=5),
    "stop text": SamplingParams(stop="a\nb"),
    "stop ids": SamplingParams(stop=[1, 2]),
    "no stop": SamplingParams(stop=[]),
    "image": ImageChunk(b"x", "png"),
    "image elsewhere": ImageAssetPointerChunk("jpeg", "https://a.test"),
    "audio": DmelChunk(b"x"),
    "text": EncodedTextChunk([1, 2]),
    "retries": RetryConfig(max_connections=None),
    "recovery": RecoveryPolicy(),
    "adam": AdamParams(),
    "adam config": AdamOptimizerConfig(),
    "dimuon": DimuonParams(learning_rate=0.02),
    "dimuon config": DimuonOptimizerConfig(),
    "lora": LoraConfig(seed=3),
    "name": "step-1",
    "loss config": {"clip_low_threshold": 0.8, "mode": "x"},
}


@pytest.mark.parametrize("value", GOOD.values(), ids=GOOD)
def test_a_good_value_passes(value: object) -> None:
    assert check(value) == Success(value)


BAD: dict[str, tuple[Any, str]] = {
    "no data": ([], "data"),
    "not a datum": ([1], "data[0]"),
    "not a value": (1.5, "data"),
    "weights nan": ([datum(weights=[1.0, float("nan")])], "data[0].loss_fn_inputs['weights'][1]"),
    "ragged": ([datum(), datum(logprobs=[[1.0], [1.0, 2.0]])], "data[1].loss_fn_inputs['logprobs'][1]"),
    "target tokens": (datum(target_tokens=[[1, -3]]), "datum.loss_fn_inputs['target_tokens'][0][1]"),
    "input's name": (Datum(ModelInput.from_ints([1]), {"\ud800": [1.0]}), "datum.loss_fn_inputs"),
    "input's empty name": ([Datum(ModelInput.from_ints([1]), {"": [1.0]})], "data[0].loss_fn_inputs"),
    "target floats": (datum(target_tokens=TensorData([1.5])), "datum.loss_fn_inputs['target_tokens']"),
    "target zeros": ([datum(target_tokens=TensorData([0.0, 0.0]))], "data[0].loss_fn_inputs['target_tokens']"),
    "second": ([datum(), Datum(ModelInput((ImageChunk(b"", "png"),)), {})], "data[1].model_input.chunks[0].data"),
    "input": (Datum(ModelInput.from_ints([-1]), {}), "datum.model_input.chunks[0].tokens[0]"),
    "no input": (Datum(5, {}), "datum.model_input"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "nothing for loss inputs": (Datum(TEXT, None), "datum.loss_fn_inputs"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "loss inputs without names": ([datum(), Datum(TEXT, [1, 2])], "data[1].loss_fn_inputs"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "gaps": (datum(weights=GAPS), "datum.loss_fn_inputs['weights']"),
    "gaps among tokens": (ModelInput.from_ints(GAPS), "model_input.chunks[0].tokens"),
    "no shape": (TensorData([1, 2], shape=5), "tensor.shape"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "no chunks": (ModelInput(5), "model_input.chunks[0]"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "a text for chunks": (ModelInput("hello"), "model_input.chunks[0]"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "chunk": (ModelInput((5,)), "model_input.chunks[0]"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "image bytes": (ModelInput((ImageChunk(b"", "png"),)), "model_input.chunks[0].data"),
    "image format": (ModelInput((ImageChunk(b"x", "gif"),)), "model_input.chunks[0].format"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "image tokens": (ModelInput((ImageChunk(b"x", "png", -1),)), "model_input.chunks[0].expected_tokens"),
    "image location": (ModelInput((ImageAssetPointerChunk("png", ""),)), "model_input.chunks[0].location"),
    "a chunk of its own": (ImageChunk(b"", "png"), "chunk.data"),
    "text of its own": (EncodedTextChunk([1, -1]), "chunk.tokens[1]"),
    "retries": (RetryConfig(max_connections=0), "retry_config.max_connections"),
    "recovery": (RecoveryPolicy(max_attempts=0), "recovery.max_attempts"),
    "audio": (ModelInput((DmelChunk(b""),)), "model_input.chunks[0].dmel"),
    "tensor": (TensorData([float("inf")]), "tensor[0]"),
    "max_tokens": (SamplingParams(max_tokens=0), "sampling_params.max_tokens"),
    "temperature": (SamplingParams(temperature=float("nan")), "sampling_params.temperature"),
    "top_p": (SamplingParams(top_p=0), "sampling_params.top_p"),
    "top_k": (SamplingParams(top_k=0), "sampling_params.top_k"),
    "stop mixed": (SamplingParams(stop=["a", 1]), "sampling_params.stop"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "stop number": (SamplingParams(stop=5), "sampling_params.stop"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "seed": (SamplingParams(seed=2**63), "sampling_params.seed"),
    "learning rate": (AdamParams(learning_rate=float("inf")), "optim_params.learning_rate"),
    "dimuon rate": (DimuonParams(learning_rate=-1), "optim_params.learning_rate"),
    "other settings": (OtherOptimizer("lion", 5), "optimizer.settings"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    "dimuon version": (DimuonOptimizerConfig(version=0), "optimizer.version"),
    "beta": (AdamParams(beta1=1.0), "optim_params.beta1"),
    "rank": (LoraConfig(rank=True), "lora_config.rank"),
    "nothing to train": (LoraConfig(train_mlp=False, train_attn=False, train_unembed=False), "lora_config"),
    "name": ("", "name"),
    "control characters": ("a\x00b", "name"),
    "loss config name": ({1: 2}, "loss_fn_config"),
    "loss config value": ({"clip": float("nan")}, "loss_fn_config['clip']"),
}


@pytest.mark.parametrize(("value", "path"), BAD.values(), ids=BAD)
def test_a_bad_value_is_refused_with_its_path(value: object, path: str) -> None:
    refused = check(value)
    assert isinstance(refused, Failure)
    assert refused.failure().path == path
    assert refused.failure().message.startswith(path)


def test_a_datum_keeps_what_is_wrong_with_it() -> None:
    inputs: Any = [1, 2]
    broken = Datum(TEXT, inputs)
    assert (broken == Datum(TEXT, {}), broken == Datum(TEXT, inputs)) == (False, True)
    assert check(broken.with_provenance([], [])).failure().path == "datum.loss_fn_inputs"


def test_the_caller_says_what_it_calls_the_value() -> None:
    found = problem(AdamParams(eps=-1), "params")
    assert found is not None
    assert (found.path, found.value) == ("params.eps", "-1")


PROMPT = PromptProvenanceSpan(sequence_id="a", length=1)
SAMPLED = SampledProvenanceSpan(sequence_id="b", length=1, offset=3)
ROW = Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [2, 3]})
MATRIX = Datum(ModelInput.from_ints([1, 2]), {"target_tokens": [[2], [3]]})


def test_spans_that_cover_every_position_pass() -> None:
    for example in (ROW, MATRIX, Datum(ROW.model_input, {})):
        told = example.with_provenance([PROMPT, SAMPLED], [PROMPT, SAMPLED])
        assert (check(told), told == example, hash(told) == hash(example)) == (Success(told), False, False)
    assert check(MATRIX.with_provenance([PROMPT, SAMPLED], [PROMPT])).unwrap().loss_fn_input_spans == (PROMPT,)


SPANS: dict[str, tuple[Any, Any, str]] = {
    "too few": ([PROMPT], [PROMPT, SAMPLED], "datum.model_input_spans"),
    "too few targets": ([PROMPT, SAMPLED], [SAMPLED], "datum.loss_fn_input_spans"),
    "negative": ([PROMPT, PromptProvenanceSpan(sequence_id="a", length=-1)], [], "datum.model_input_spans[1]"),
    "offset": ([SampledProvenanceSpan(sequence_id="a", length=1, offset=-1)], [], "datum.model_input_spans[0]"),
    "nameless": ([PromptProvenanceSpan(sequence_id="", length=2)], [], "datum.model_input_spans[0].sequence_id"),
    "something else": ([5], [], "datum.model_input_spans[0]"),
    "no spans": (5, [], "datum.model_input_spans[0]"),
    "nothing": ([PROMPT, SAMPLED], None, "datum.loss_fn_input_spans[0]"),
}


@pytest.mark.parametrize(("inputs", "targets", "path"), SPANS.values(), ids=SPANS)
def test_spans_that_say_something_else_are_refused(inputs: Any, targets: Any, path: str) -> None:
    found = check(ROW.with_provenance(inputs, targets)).failure()
    assert found.path == path


def test_an_integer_that_python_makes_no_text_of_is_refused_in_few_words() -> None:
    huge: Any = 1 << 20_000
    settings = check(SamplingParams(max_tokens=huge)).failure()
    assert (settings.path, settings.value) == ("sampling_params.max_tokens", "an integer of 20001 bits")
    assert check(TensorData([huge])).failure().value == "an integer of 20001 bits"


ARRAY: Any = np.ones(2)
PLACED: dict[str, tuple[object, str]] = {
    "a weight": (LoraConfig(train_unembed=ARRAY), "lora_config.train_unembed"),
    "a checkpoint": (RecoveryPolicy(checkpoint=ARRAY), "recovery.checkpoint"),
    "a picture's format": (ImageChunk(b"\x89", ARRAY), "chunk.format"),
    "an address's format": (ImageAssetPointerChunk(ARRAY, "s3://a"), "chunk.format"),
}


@pytest.mark.parametrize(("value", "path"), PLACED.values(), ids=PLACED)
def test_an_array_in_the_place_of_a_word_or_a_truth_value_is_refused(value: object, path: str) -> None:
    assert check(value).failure().path == path


def test_a_search_is_looked_at_too() -> None:
    assert check(SessionSearchRequest()) == Success(SessionSearchRequest())
    assert check(SessionSearchRequest(limit=0)).failure().path == "request.limit"


class Greedy(SamplingParams, frozen=True, kw_only=True):
    temperature: float = 0.0


class Fast(AdamParams, frozen=True, kw_only=True):
    learning_rate: float = 0.01


class Patient(RetryConfig, frozen=True, kw_only=True):
    progress_timeout: float = 86400.0


@pytest.mark.parametrize(
    ("fit", "unfit", "path"),
    [
        (Greedy(), Greedy(top_k=0), "sampling_params.top_k"),
        (Fast(), Fast(beta1=2.0), "optim_params.beta1"),
        (Patient(), Patient(jitter_factor=1.0), "retry_config.jitter_factor"),
    ],
)
def test_settings_of_ones_own_kind_follow_the_rules_of_their_kind(fit: object, unfit: object, path: str) -> None:
    assert check(fit) == Success(fit)
    assert check(unfit).failure().path == path


def test_what_no_operation_takes_is_told_what_they_take() -> None:
    assert check(5).failure().message == (
        "data is 5: give a Datum, a list of them, an input, a tensor, settings, a search or a name"
    )
