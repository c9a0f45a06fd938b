"""What a sample is asked for is checked before it is sent, and its answer has to hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tinkex_py import (
    AdamParams,
    Datum,
    ModelInput,
    PromptAltTokens,
    SampledSequence,
    SampleResponse,
    SamplingParams,
    TensorData,
)
from tinkex_py.types import ImageChunk
from tinkex_py.types.questions import Question, complete, lacking, misfit

PROMPT = ModelInput.from_ints([1, 2, 3])
UNKNOWN = ModelInput((ImageChunk(b"x", "png"),))
SEQUENCE = SampledSequence(stop_reason="stop", tokens=[7])
RESPONSE = SampleResponse(sequences=[SEQUENCE])
EXAMPLE = Datum(PROMPT, {})
BEST = [[(7, -0.1)]]


def question(**options: Any) -> Question:
    given: dict[str, Any] = {"prompt": PROMPT, "num_samples": 1, "sampling_params": SamplingParams()}
    return Question(**(given | options))


GOOD: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": {
        "include_prompt_logprobs": True,
        "topk_prompt_logprobs": 3,
        "topk_sample_logprobs": 2,
        "target_prompt_logprobs": TensorData([[5, -1], [6, 7]]),
        "prompt_alt_tokens_k": 2,
        "prompt_logprobs_last_n": 2,
        "record_stability_info": True,
    },
    "sparse targets": {"target_prompt_logprobs": TensorData([6], "int64", (2, 1), [0, 0, 1], [0])},
    "a prompt of unknown length": {
        "prompt": UNKNOWN,
        "include_prompt_logprobs": True,
        "prompt_logprobs_last_n": 1000,
        "target_prompt_logprobs": TensorData([[1], [2], [3], [4]]),
    },
    "no targets": {"prompt": ModelInput.from_ints([1]), "target_prompt_logprobs": TensorData(np.zeros((0, 2), int))},
}


@pytest.mark.parametrize("options", GOOD.values(), ids=GOOD)
def test_nothing_is_wrong_with(options: dict[str, Any]) -> None:
    assert question(**options).problem() is None


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no samples": ({"num_samples": 0}, "num_samples"),
    "no prompt": ({"prompt": [1, 2]}, "prompt"),
    "temperature": ({"sampling_params": SamplingParams(temperature=-1)}, "sampling_params.temperature"),
    "a number for a choice": ({"include_prompt_logprobs": 1}, "include_prompt_logprobs"),
    "negative k": ({"topk_sample_logprobs": -1}, "topk_sample_logprobs"),
    "a text": ({"prompt": "hello"}, "prompt"),
    "settings by name": ({"sampling_params": {"max_tokens": 5}}, "sampling_params"),
    "settings of something else": ({"sampling_params": AdamParams()}, "sampling_params"),
    "negative alternatives": ({"prompt_alt_tokens_k": -1}, "prompt_alt_tokens_k"),
    "none of the last": (
        {"include_prompt_logprobs": True, "prompt_logprobs_last_n": 0},
        "prompt_logprobs_last_n",
    ),
    "the last of nothing": ({"prompt_logprobs_last_n": 1}, "prompt_logprobs_last_n"),
    "more than there are": (
        {"include_prompt_logprobs": True, "prompt_logprobs_last_n": 3},
        "prompt_logprobs_last_n",
    ),
    "float targets": ({"target_prompt_logprobs": TensorData([[1.0], [2.0]])}, "target_prompt_logprobs"),
    "flat targets": ({"target_prompt_logprobs": TensorData.of([1, 2])}, "target_prompt_logprobs.shape"),
    "too few rows": ({"target_prompt_logprobs": TensorData([[1, 2]])}, "target_prompt_logprobs.shape"),
    "no token": ({"target_prompt_logprobs": TensorData([[1, 2], [3, -2]])}, "target_prompt_logprobs[1][1]"),
    "no tensor": ({"target_prompt_logprobs": TensorData([[1, None]], "int64")}, "target_prompt_logprobs[0][1]"),
}


@pytest.mark.parametrize(("options", "path"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_with_its_path(options: dict[str, Any], path: str) -> None:
    found = question(**options).problem()
    assert found is not None
    assert (found.path, path in found.message) == (path, True)


REMEDIES = {
    "nothing before the last": ([1], 1, "leave it out: the prompt has nothing before its last token"),
    "more than there are": ([1, 2], 2, "give 1 at most"),
    "less than one": ([1, 2], 0, "give "),
    "no prompt logprobs": ([1, 2], 1, "ask for include_prompt_logprobs=True with it"),
}


@pytest.mark.parametrize(("tokens", "last", "remedy"), REMEDIES.values(), ids=REMEDIES)
def test_what_may_be_asked_of_the_last_tokens_is_said(tokens: list[int], last: int, remedy: str) -> None:
    found = question(prompt=ModelInput.from_ints(tokens), prompt_logprobs_last_n=last).problem()
    assert found is not None
    assert f"prompt_logprobs_last_n is {last}: {remedy}" in found.message


@pytest.mark.parametrize("prompt", [[1, 2], "hi", None, np.array([1, 2]), EXAMPLE], ids=repr)
def test_a_prompt_of_another_kind_is_told_what_it_should_be(prompt: Any) -> None:
    found = question(prompt=prompt).problem()
    assert found is not None
    assert found.path == "prompt"
    assert found.message.startswith("prompt is ")
    assert found.message.endswith(": give a ModelInput, such as ModelInput.from_ints(tokens)")


@pytest.mark.parametrize("params", [{"max_tokens": 5}, None, AdamParams(), AdamParams(eps=-1)], ids=repr)
def test_settings_of_another_kind_are_told_what_they_should_be(params: Any) -> None:
    found = question(sampling_params=params).problem()
    assert found is not None
    assert (found.path, "give SamplingParams" in found.message) == ("sampling_params", True)


ASKED: dict[str, tuple[dict[str, Any], SampleResponse]] = {
    "include_prompt_logprobs": (
        {"include_prompt_logprobs": True},
        structs.replace(RESPONSE, prompt_logprobs=[None, -1.0, -2.0]),
    ),
    "topk_prompt_logprobs": (
        {"topk_prompt_logprobs": 1},
        structs.replace(RESPONSE, topk_prompt_logprobs=[None, *BEST, *BEST]),
    ),
    "topk_sample_logprobs": (
        {"topk_sample_logprobs": 1},
        SampleResponse(sequences=[structs.replace(SEQUENCE, topk_logprobs=BEST), structs.replace(SEQUENCE, tokens=[])]),
    ),
    "target_prompt_logprobs": (
        {"target_prompt_logprobs": TensorData([[1], [2]])},
        structs.replace(RESPONSE, target_prompt_logprobs=TensorData([[-1.0], [-2.0]])),
    ),
    "prompt_alt_tokens_k": (
        {"prompt_alt_tokens_k": 1},
        structs.replace(
            RESPONSE,
            prompt_alt_tokens=PromptAltTokens(tokens=TensorData([[4], [5]]), logprobs=TensorData([[-1.0], [-2.0]])),
        ),
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_without_what_was_asked_for_is_a_missing_capability(name: str) -> None:
    options, answer = ASKED[name]
    missing = lacking(question(**options), RESPONSE)
    assert missing is not None
    assert (missing.capability, missing.available, name in missing.message) == (name, (), True)
    assert lacking(question(**options), answer) is None
    assert lacking(question(), RESPONSE) is None


def test_what_is_there_is_named_beside_what_lacks() -> None:
    asked = question(include_prompt_logprobs=True, topk_prompt_logprobs=1)
    missing = lacking(asked, structs.replace(RESPONSE, prompt_logprobs=[None, -1.0, -2.0]))
    assert missing is not None
    assert missing.available == ("include_prompt_logprobs",)


def test_scores_before_the_last_ones_asked_for_show_a_server_that_ignores_the_option() -> None:
    last = question(include_prompt_logprobs=True, prompt_logprobs_last_n=1)
    ignored = lacking(last, structs.replace(RESPONSE, prompt_logprobs=[None, -1.0, -2.0]))
    assert ignored is not None
    assert ignored.capability == "prompt_logprobs_last_n"
    assert lacking(last, structs.replace(RESPONSE, prompt_logprobs=[None, None, -2.0])) is None


def test_a_prompt_of_one_token_has_nothing_to_tell() -> None:
    assert lacking(question(prompt=ModelInput.from_ints([1]), include_prompt_logprobs=True), RESPONSE) is None


GAPS: dict[str, tuple[Question, list[float | None], list[float | None]]] = {
    "there": (question(), [None, -1.0, -2.0], [None, -1.0, -2.0]),
    "left out": (question(), [-1.0, -2.0], [None, -1.0, -2.0]),
    "only the last": (question(prompt_logprobs_last_n=1), [-2.0], [None, None, -2.0]),
    "of unknown length": (question(prompt=UNKNOWN), [-1.0], [-1.0]),
    "of an odd length": (question(), [-1.0], [-1.0]),
}


@pytest.mark.parametrize(("asked", "given", "expected"), GAPS.values(), ids=GAPS)
def test_the_gap_at_the_beginning_is(asked: Question, given: list[float | None], expected: list[float | None]) -> None:
    answer = structs.replace(RESPONSE, prompt_logprobs=given, topk_prompt_logprobs=None)
    assert complete(asked, answer).prompt_logprobs == expected


def test_sequences_are_named_by_position_as_far_as_there_are_names() -> None:
    answer = SampleResponse(sequences=[SEQUENCE, structs.replace(SEQUENCE, sequence_id="own"), SEQUENCE])
    named = complete(question(), answer, ["a", "b"]).sequences
    assert [sequence.sequence_id for sequence in named] == ["a", "own", None]
    assert complete(question(), RESPONSE, ["a", "b", "c"]).sequences == [structs.replace(SEQUENCE, sequence_id="a")]


MISFITS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no samples": ({}, {"sequences": []}, "1 samples were asked for, and 0 came"),
    "too few samples": ({"num_samples": 3}, {"sequences": [SEQUENCE] * 2}, "3 samples were asked for, and 2 came"),
    "too many samples": ({}, {"sequences": [SEQUENCE] * 2}, "1 samples were asked for, and 2 came"),
    "scores of other tokens": (
        {},
        {"sequences": [structs.replace(SEQUENCE, logprobs=[-1.0, -2.0])]},
        "a sample has 1 tokens and 2 log-probabilities",
    ),
    "scores of another prompt": (
        {},
        {"prompt_logprobs": [None, -1.0]},
        "the prompt has 3 tokens, and 2 log-probabilities of it came",
    ),
}


@pytest.mark.parametrize(("options", "answer", "reason"), MISFITS.values(), ids=MISFITS)
def test_an_answer_to_another_question_is_told(options: dict[str, Any], answer: dict[str, Any], reason: str) -> None:
    assert misfit(question(**options), structs.replace(RESPONSE, **answer)) == reason


FITS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "without scores": ({}, {}),
    "with scores": (
        {},
        {"sequences": [structs.replace(SEQUENCE, logprobs=[-1.0])], "prompt_logprobs": [None, -1.0, -2.0]},
    ),
    "to a prompt of unknown length": ({"prompt": UNKNOWN}, {"prompt_logprobs": [-1.0]}),
    "to a picture": ({"prompt": ModelInput((ImageChunk(b"x", "png", 3),))}, {"prompt_logprobs": [-1.0]}),
}


@pytest.mark.parametrize(("options", "answer"), FITS.values(), ids=FITS)
def test_an_answer_to_the_question_is_one(options: dict[str, Any], answer: dict[str, Any]) -> None:
    assert misfit(question(**options), structs.replace(RESPONSE, **answer)) is None
