"""Samples, and what they are taken from."""

from __future__ import annotations

import pytest

from tests.local_server.driving import RANDOM, TEXT, Driven, Json, refused


def sampler(driven: Driven, **source: object) -> str:
    body: Json = {"session_id": driven.session(), "sampling_session_seq_id": 0, **(source or {"base_model": RANDOM})}
    return str(driven.post("create_sampling_session", body)["sampling_session_id"])


def sample(sampler_id: str, **fields: object) -> Json:
    return {
        "sampling_session_id": sampler_id,
        "prompt": TEXT,
        "sampling_params": {"max_tokens": 3, "seed": 1},
        **fields,
    }


def test_a_sample_has_an_id_for_each_sequence(driven: Driven) -> None:
    promise = driven.post("asample", sample(sampler(driven), num_samples=2))
    request_id = promise["request_id"]
    assert promise == {"request_id": request_id, "sample_sequence_ids": [f"{request_id}:0", f"{request_id}:1"]}


def test_a_sample_holds_tokens_and_their_logprobs(driven: Driven) -> None:
    output = driven.result(
        "asample", sample(sampler(driven), num_samples=2, prompt_logprobs=True, topk_prompt_logprobs=2)
    )
    sequences, prompt, top = output["sequences"], output["prompt_logprobs"], output["topk_prompt_logprobs"]
    assert [(len(one["tokens"]), len(one["logprobs"]), one["stop_reason"]) for one in sequences] == [
        (3, 3, "length")
    ] * 2
    assert (prompt[0], len(prompt), top[0], len(top), len(top[1])) == (None, 5, None, 5, 2)


def test_only_the_last_prompt_logprobs_are_told_when_so_many_are_wanted(driven: Driven) -> None:
    everything = driven.logprobs({"base_model": RANDOM})
    assert driven.logprobs({"base_model": RANDOM, "prompt_logprobs_last_n": 2}) == [None, None, None, *everything[3:]]


def test_only_the_last_tables_of_the_prompt_are_told_when_so_many_are_wanted(driven: Driven) -> None:
    asked: Json = {"topk_prompt_logprobs": 2}
    everything, last = (
        driven.result("asample", sample(sampler(driven), **asked, **more))["topk_prompt_logprobs"]
        for more in ({}, {"prompt_logprobs_last_n": 2})
    )
    assert last == [None, None, None, *everything[3:]]
    assert [len(row) for row in last[3:]] == [2, 2]


def test_the_same_seed_draws_the_same_sample(driven: Driven) -> None:
    sampler_id = sampler(driven)
    first, second = (driven.result("asample", sample(sampler_id)) for _ in range(2))
    assert first == second


def test_samples_without_a_seed_differ(driven: Driven) -> None:
    body = sample(sampler(driven), sampling_params={"max_tokens": 20})
    first, second = (driven.result("asample", body) for _ in range(2))
    assert first != second


def test_a_repeated_sample_number_answers_the_same_promise(driven: Driven) -> None:
    sampler_id = sampler(driven)
    first = driven.post("asample", sample(sampler_id, seq_id=7))
    assert driven.post("asample", sample(sampler_id, seq_id=7)) == first
    conflict = driven.call("POST", "asample", sample(sampler_id, seq_id=7, num_samples=2))
    assert refused(conflict) == (409, "seq_id 7 was used before in this sampling session")


def test_a_base_model_may_be_sampled_without_a_session(driven: Driven) -> None:
    body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": {"max_tokens": 1}}
    assert "sequences" in driven.result("asample", body)


def test_the_most_probable_tokens_of_a_sample_are_told(driven: Driven) -> None:
    output = driven.result("asample", sample(sampler(driven), num_samples=2, topk_sample_logprobs=3))
    for one in output["sequences"]:
        top = one["topk_sampled_logprobs"]
        assert [len(each) for each in top] == [3] * len(one["tokens"])
        assert all(each == sorted(each, key=lambda pair: -pair[1]) for each in top)


def test_tokens_asked_about_are_told_as_they_were_asked_about(driven: Driven) -> None:
    asked = {"data": [108, -1, 101, 0, 111, 108, 1, 2], "dtype": "int64", "shape": [4, 2]}
    sparse: Json = {"data": [101, 0], "dtype": "int64", "shape": [4, 2], "sparse_crow_indices": [0, 0, 2, 2, 2]}
    sparse["sparse_col_indices"] = [0, 1]
    questions: Json = {"prompt_logprobs": True, "topk_prompt_logprobs": 259}
    output = driven.result("asample", sample(sampler(driven), target_prompt_logprobs=asked, **questions))
    told = output["target_prompt_logprobs"]
    tables = [dict(map(tuple, row)) for row in output["topk_prompt_logprobs"][1:]]
    expected = [tables[place // 2].get(token, 0.0) for place, token in enumerate(asked["data"])]
    assert told == {"data": pytest.approx(expected), "dtype": "float32", "shape": [4, 2]}
    assert told["data"][1] == 0.0
    listed = driven.result("asample", sample(sampler(driven), target_prompt_logprobs=sparse))["target_prompt_logprobs"]
    assert listed == {**sparse, "dtype": "float32", "data": pytest.approx(expected[2:4])}


def test_alternatives_are_the_best_tokens_that_the_prompt_does_not_have(driven: Driven) -> None:
    output = driven.result("asample", sample(sampler(driven), prompt_alt_tokens_k=2, topk_prompt_logprobs=3))
    expected = [
        [token for token, _ in row if token != own][:2]
        for row, own in zip(output["topk_prompt_logprobs"][1:], TEXT["chunks"][0]["tokens"][1:], strict=True)
    ]
    found = output["prompt_alt_tokens"]
    assert (found["tokens"]["shape"], found["logprobs"]["shape"]) == ([4, 2], [4, 2])
    assert found["tokens"]["data"] == [token for row in expected for token in row]


@pytest.mark.parametrize(
    "indices", [{}, {"sparse_crow_indices": [0], "sparse_col_indices": []}], ids=["dense", "sparse"]
)
def test_nothing_can_be_asked_about_the_only_token(driven: Driven, indices: Json) -> None:
    asked: Json = {"data": [], "dtype": "int64", "shape": [0, 2], **indices}
    prompt: Json = {"chunks": [{"tokens": [72]}]}
    output = driven.result("asample", sample(sampler(driven), prompt=prompt, target_prompt_logprobs=asked))
    assert output["target_prompt_logprobs"] == {**asked, "dtype": "float32"}


UNFIT = "target_prompt_logprobs: the sparse indices do not fit 1 values in the shape [4, 2]"
FALLING = "target_prompt_logprobs: sparse_crow_indices must rise from 0 to the number of values"


def listed(crow: list[int] | None, col: list[int]) -> Json:
    tensor: Json = {"data": [1], "dtype": "int64", "shape": [4, 2], "sparse_col_indices": col}
    return tensor if crow is None else {**tensor, "sparse_crow_indices": crow}


@pytest.mark.parametrize(
    ("tensor", "reason"),
    [
        ({"data": [1], "dtype": "int64"}, "target_prompt_logprobs: it must be a matrix of token ids, with its shape"),
        (
            {"data": [1], "dtype": "int64", "shape": [4, 2]},
            "target_prompt_logprobs: its 1 elements do not fit the shape [4, 2]",
        ),
        (
            {"data": [1], "dtype": "int64", "shape": [4, 2], "sparse_crow_indices": [0, 1]},
            UNFIT,
        ),
        (listed([0, 1, 1, 1], [0]), UNFIT),
        (listed([0, 1, 1, 1, 1], [2]), UNFIT),
        (listed([0, 1, 1, 1, 1], []), UNFIT),
        (listed(None, [0]), UNFIT),
        (listed([0, 1, 0, 1, 1], [0]), FALLING),
        (listed([1, 1, 1, 1, 1], [0]), FALLING),
        (
            {"data": [1] * 4, "dtype": "float32", "shape": [4, 1]},
            "target_prompt_logprobs: it must be a matrix of token ids of int64, not of float32",
        ),
        (
            {"data": [1] * 2, "dtype": "int64", "shape": [2, 1]},
            "target_prompt_logprobs must have 4 rows, one for each prompt token after the first",
        ),
        (
            {"data": [], "dtype": "int64", "shape": [10**12, 0]},
            "target_prompt_logprobs must have 4 rows, one for each prompt token after the first",
        ),
        (
            {"data": [], "dtype": "int64", "shape": [0, 2**63]},
            "target_prompt_logprobs must have 4 rows, one for each prompt token after the first",
        ),
        (
            {"data": [999] * 4, "dtype": "int64", "shape": [4, 1]},
            "target_prompt_logprobs holds 999, which is no token id from 0 to 258 and not -1",
        ),
        (
            {"data": [1] * 5, "dtype": "int64", "shape": [5, 1]},
            "target_prompt_logprobs must have 4 rows, one for each prompt token after the first",
        ),
    ],
    ids=[
        "no matrix",
        "misshapen",
        "sparse",
        "rows without marks",
        "column",
        "columns",
        "columns only",
        "falling marks",
        "late marks",
        "numbers",
        "too short",
        "very long",
        "very wide",
        "no token",
        "too long",
    ],
)
def test_tokens_that_cannot_be_asked_about_are_named(driven: Driven, tensor: Json, reason: str) -> None:
    failed = driven.result("asample", sample(sampler(driven), target_prompt_logprobs=tensor))
    assert failed == {"error": reason, "category": "user"}


def test_stops_are_texts_or_token_ids(driven: Driven) -> None:
    failed = driven.result("asample", sample(sampler(driven), sampling_params={"stop": ["a", 1]}))
    error = "stop is a text, a list of texts or a list of token ids, not a mixture"
    assert failed == {"error": error, "category": "user"}


def test_a_stop_token_ends_a_sample(driven: Driven) -> None:
    everything = list(range(259))
    output = driven.result("asample", sample(sampler(driven), sampling_params={"stop": everything}))
    assert [(len(one["tokens"]), one["stop_reason"]) for one in output["sequences"]] == [(1, "stop")]


def test_a_chunk_that_is_no_text_is_named_by_its_place(driven: Driven) -> None:
    chunks = [*TEXT["chunks"], {"type": "image", "data": "", "format": "png"}]
    found = driven.result("asample", sample(sampler(driven), prompt={"chunks": chunks}))
    assert found["error"] == "prompt.chunks[1] is 'image': the embedded models read text only"


def test_an_empty_prompt_fails_the_promise(driven: Driven) -> None:
    failed = driven.result("asample", sample(sampler(driven), prompt={"chunks": []}))
    assert failed["category"] == "user"


def test_an_unknown_sampler_is_404(driven: Driven) -> None:
    assert refused(driven.call("POST", "asample", sample("s"))) == (404, "there is no sampling session 's'")
    assert refused(driven.call("GET", "samplers/s")) == (404, "there is no sampler 's'")


def test_a_sampler_needs_a_source(driven: Driven) -> None:
    assert driven.status("POST", "create_sampling_session", {"session_id": driven.session()}) == 422
    assert driven.status("POST", "asample", {"prompt": TEXT}) == 422


def test_a_sampler_tells_what_it_samples_from(driven: Driven) -> None:
    sampler_id = sampler(driven)
    assert driven.get(f"samplers/{sampler_id}") == {"sampler_id": sampler_id, "base_model": RANDOM}


def test_a_repeated_sampling_session_is_the_same_one(driven: Driven) -> None:
    body: Json = {"session_id": driven.session(), "sampling_session_seq_id": 4, "base_model": RANDOM}
    assert driven.post("create_sampling_session", body) == driven.post("create_sampling_session", body)
    other = {**body, "base_model": "tinkex/tiny-english"}
    assert refused(driven.call("POST", "create_sampling_session", other))[0] == 409


def test_a_snapshot_does_not_move_when_training_goes_on(driven: Driven) -> None:
    model_id = driven.model()
    driven.train(model_id)
    snapshot = driven.result("save_weights_for_sampler", {"model_id": model_id, "sampling_session_seq_id": 0})
    before = driven.logprobs(snapshot)
    driven.train(model_id)
    later = driven.result("save_weights_for_sampler", {"model_id": model_id})
    assert driven.logprobs(snapshot) == before != driven.logprobs(later)


def test_a_sampler_of_a_checkpoint_outlives_the_checkpoint(driven: Driven) -> None:
    model_id = driven.model()
    driven.train(model_id)
    path = driven.result("save_weights_for_sampler", {"model_id": model_id, "path": "a"})["path"]
    before = driven.logprobs({"model_path": path})
    sampler_id = sampler(driven, model_path=path)
    assert driven.status("DELETE", f"training_runs/{model_id}/checkpoints/sampler_weights/a") == 204
    assert driven.logprobs({"sampling_session_id": sampler_id}) == before
    assert driven.get(f"samplers/{sampler_id}") == {"sampler_id": sampler_id, "base_model": RANDOM, "model_path": path}


def test_a_sampler_of_a_checkpoint_outlives_its_replacement(driven: Driven) -> None:
    model_id = driven.model()
    save = {"model_id": model_id, "path": "a", "overwrite": True}
    path = driven.result("save_weights", save)["path"]
    before = driven.logprobs({"model_path": path})
    driven.train(model_id)
    _ = driven.post("save_weights", save)
    sampler_id = sampler(driven, model_path=path)
    assert driven.logprobs({"sampling_session_id": sampler_id}) == before != driven.logprobs({"model_path": path})
