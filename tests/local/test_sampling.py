"""Samples: their log-probabilities, streams, filters, stops and limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.local.cases import LIVELY, example, new_model, refusal, train
from tinkex_py.local.choosing import Streams, choose
from tinkex_py.local.engine import (
    Example,
    SampledSequence,
    SampleOutput,
    SamplerWeights,
    SamplingOptions,
    base_sampler,
    forward_backward,
    sample,
    snapshot,
)
from tinkex_py.local.sampling import stop_sequences
from tinkex_py.local.tokenizer import EOS, decode, encode
from tinkex_py.outcome import or_raise

PROMPT = np.array(encode("to be or"), np.int64)
WEIGHTS = base_sampler(LIVELY)


def sampled(prompt: np.ndarray[Any, Any] = PROMPT, num_samples: int = 1, **options: Any) -> tuple[SampledSequence, ...]:
    chosen = replace(SamplingOptions(max_tokens=12, seed=1, stop=()), **options)
    return or_raise(sample(WEIGHTS, prompt, chosen, num_samples=num_samples)).sequences


def scored() -> SampleOutput:
    options = SamplingOptions(max_tokens=0)
    return or_raise(sample(WEIGHTS, PROMPT, options, prompt_logprobs=True, topk_prompt_logprobs=3))


def test_sampled_log_probabilities_are_those_of_forward() -> None:
    model = train(new_model(), ("to be or not to be",) * 5)
    options = SamplingOptions(max_tokens=40, temperature=0.6, top_k=9, top_p=0.8, stop=(), seed=3)
    [sequence] = or_raise(sample(snapshot(model), PROMPT, options)).sequences
    tokens = np.array((*PROMPT, *sequence.tokens))
    scored_again = Example(tokens=tokens[:-1], inputs={"target_tokens": tokens[1:]})
    output = or_raise(forward_backward(model, (scored_again,), "cross_entropy", forward_only=True)).outputs[0]
    assert sequence.logprobs == pytest.approx(output["logprobs"][len(PROMPT) - 1 :], abs=1e-4)


def test_prompt_log_probabilities_are_those_of_forward_and_the_first_is_none() -> None:
    found = scored().prompt_logprobs
    forward = or_raise(forward_backward(new_model(), (example("to be or"),), "cross_entropy", forward_only=True))
    assert found is not None
    assert found[0] is None
    assert found[1:] == pytest.approx(forward.outputs[0]["logprobs"], abs=1e-4)


def test_top_prompt_log_probabilities_are_the_best_first_and_bound_the_prompts_own() -> None:
    output = scored()
    assert output.topk_prompt_logprobs is not None
    assert output.prompt_logprobs is not None
    assert output.topk_prompt_logprobs[0] is None
    for own, best in zip(output.prompt_logprobs[1:], output.topk_prompt_logprobs[1:], strict=True):
        assert own is not None
        assert best is not None
        assert len(best) == 3
        assert best[0][1] >= best[1][1] >= best[2][1]
        assert own <= best[0][1] + 1e-6


def test_what_is_not_asked_for_is_none() -> None:
    output = or_raise(sample(WEIGHTS, PROMPT, SamplingOptions(max_tokens=1)))
    assert (output.prompt_logprobs, output.topk_prompt_logprobs) == (None, None)


def test_the_same_seed_gives_the_same_samples_and_another_seed_others() -> None:
    assert sampled(num_samples=3) == sampled(num_samples=3)
    assert sampled(num_samples=3) != sampled(num_samples=3, seed=2)


def test_without_a_seed_calls_differ() -> None:
    assert sampled(seed=None) != sampled(seed=None)


def test_each_sample_has_a_stream_of_its_own() -> None:
    together = sampled(num_samples=40)
    assert len({sequence.tokens for sequence in together}) == 40
    assert [one.tokens for one in sampled(num_samples=3)] == [one.tokens for one in together[:3]]


def test_temperature_zero_takes_the_best_token_and_needs_no_seed() -> None:
    greedy = sampled(temperature=0.0, seed=None)
    assert greedy == sampled(temperature=0.0, seed=None)
    [best] = sampled(top_k=1)
    assert greedy[0].tokens == best.tokens


def test_a_very_low_temperature_is_greedy_too() -> None:
    assert sampled(temperature=1e-30)[0].tokens == sampled(temperature=0.0)[0].tokens


def test_a_sample_ends_after_its_stop_and_keeps_it() -> None:
    [free] = sampled(max_tokens=30)
    stop = free.tokens[4:6]
    first = next(end for end in range(2, 31) if free.tokens[end - 2 : end] == stop)
    [stopped] = sampled(max_tokens=30, stop=(decode(stop),)) if max(stop) < 128 else sampled(stop=(stop[1],))
    assert stopped.stop_reason == "stop"
    assert stopped.tokens == free.tokens[: len(stopped.tokens)]
    assert len(stopped.tokens) <= first


def test_samples_that_stop_early_do_not_disturb_the_others() -> None:
    free = sampled(num_samples=8, max_tokens=40)
    stop = free[0].tokens[5]
    for one, stopped in zip(free, sampled(num_samples=8, max_tokens=40, stop=(stop,)), strict=True):
        end = one.tokens.index(stop) + 1 if stop in one.tokens else 40
        assert stopped.tokens == one.tokens[:end]
        assert stopped.stop_reason == ("stop" if stop in one.tokens else "length")
        assert stopped.logprobs == pytest.approx(one.logprobs[:end], abs=1e-5)


@pytest.mark.parametrize(
    ("stop", "sequences"),
    [
        pytest.param(None, ((EOS,),), id="eos"),
        pytest.param((), (), id="never"),
        pytest.param("ab", ((97, 98),), id="string"),
        pytest.param(("é", "<|eos|>"), ((195, 169), (EOS,)), id="strings"),
        pytest.param((10, 258), ((10,), (258,)), id="tokens"),
    ],
)
def test_a_stop_is_a_sequence_of_tokens(stop: Any, sequences: tuple[tuple[int, ...], ...]) -> None:
    assert stop_sequences(SamplingOptions(stop=stop)) == sequences


@pytest.mark.parametrize(
    ("length", "asked", "given"),
    [
        pytest.param(190, None, 10, id="up to the context's end"),
        pytest.param(190, 50, 10, id="no further"),
        pytest.param(200, 5, 1, id="one after a full prompt"),
        pytest.param(3, 0, 0, id="none"),
    ],
)
def test_a_sample_ends_with_the_context(length: int, asked: int | None, given: int) -> None:
    [sequence] = sampled(np.ones(length, np.int64), max_tokens=asked)
    assert (len(sequence.tokens), sequence.stop_reason) == (given, "length")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"max_tokens": -1}, "max_tokens must be 0 or more", id="max_tokens"),
        pytest.param({"temperature": -0.1}, "temperature must be 0 or more, and finite", id="temperature"),
        pytest.param({"temperature": float("nan")}, "temperature must be 0 or more, and finite", id="no temperature"),
        pytest.param({"top_k": -2}, "top_k must be -1 (off) or 1 and more", id="top_k"),
        pytest.param({"top_p": 0.0}, "top_p must be above 0 and at most 1", id="top_p"),
        pytest.param({"stop": ("a", "")}, "a stop string must not be empty", id="empty stop"),
        pytest.param({"stop": (259,)}, "a stop token must be an id from 0 to 258", id="stop token"),
    ],
)
def test_an_option_out_of_range_is_told(options: dict[str, Any], message: str) -> None:
    assert refusal(sample(WEIGHTS, PROMPT, SamplingOptions(**options))) == message


def test_a_prompt_must_have_a_token_and_fit_the_context() -> None:
    options = SamplingOptions(max_tokens=1)
    told = "prompt has {} tokens; it must have 1 to 200, the context's length"
    assert refusal(sample(WEIGHTS, PROMPT[:0], options)) == told.format(0)
    assert refusal(sample(WEIGHTS, np.zeros(201, np.int64), options)) == told.format(201)


def test_weights_that_have_diverged_are_told() -> None:
    parameters = {**LIVELY.parameters, "unembedding": np.full((16, 259), np.nan, np.float32)}
    told = refusal(sample(SamplerWeights(base=LIVELY, parameters=parameters), PROMPT, SamplingOptions(max_tokens=1)))
    assert told == "the log-probabilities are not finite: the weights have diverged"


def test_weights_that_have_diverged_for_other_tokens_than_the_prompts_are_told() -> None:
    embedding = np.full((259, 16), np.nan, np.float32)
    embedding[PROMPT] = LIVELY.parameters["embedding"][PROMPT]
    weights = SamplerWeights(base=LIVELY, parameters={**LIVELY.parameters, "embedding": embedding})
    told = refusal(sample(weights, PROMPT, SamplingOptions(max_tokens=3, temperature=0)))
    assert told == "the log-probabilities are not finite: the weights have diverged"


def test_counts_out_of_range_are_told() -> None:
    options = SamplingOptions(max_tokens=1)
    assert refusal(sample(WEIGHTS, PROMPT, options, num_samples=0)) == "num_samples must be 1 or more, not 0"
    assert (
        refusal(sample(WEIGHTS, PROMPT, options, topk_prompt_logprobs=-1)) == "topk_prompt_logprobs must be 0 or more"
    )


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        pytest.param(SamplingOptions(), {0, 1, 2, 3}, id="nothing"),
        pytest.param(SamplingOptions(top_k=2), {2, 0}, id="top_k"),
        pytest.param(SamplingOptions(top_p=0.5), {2, 0}, id="the smallest head of that mass"),
        pytest.param(SamplingOptions(top_p=0.4), {2}, id="top_p"),
        pytest.param(SamplingOptions(top_p=1e-300), {2}, id="a top_p of nothing is greedy"),
        pytest.param(SamplingOptions(top_k=3, top_p=0.85), {2, 0, 1}, id="top_p of what top_k left"),
        pytest.param(SamplingOptions(temperature=0.1, top_p=0.9), {2}, id="tempered before top_p"),
    ],
)
def test_filters_leave_out_the_tail(options: SamplingOptions, kept: set[int]) -> None:
    numbers = np.linspace(0, 1, 500, endpoint=False)
    logprobs = np.log(np.array([[0.3, 0.2, 0.4, 0.1]])).repeat(500, axis=0)
    assert set(choose(logprobs, options, numbers).tolist()) == kept


def test_tokens_are_drawn_as_often_as_their_tempered_probability() -> None:
    probabilities = np.array([0.3, 0.2, 0.4, 0.1])
    numbers = np.linspace(0, 1, 10000, endpoint=False)
    drawn = choose(np.log(probabilities)[None].repeat(10000, axis=0), SamplingOptions(temperature=0.5), numbers)
    expected = probabilities**2 / (probabilities**2).sum()
    assert np.bincount(drawn) / 10000 == pytest.approx(expected, abs=1e-3)


def test_a_stream_is_the_same_whatever_is_drawn_beside_it() -> None:
    alone, beside = Streams(5, range(3, 4)), Streams(5, range(10))
    for step in range(130):
        assert alone.at(step, np.array([0])) == beside.at(step, np.array([3]))
