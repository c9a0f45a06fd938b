"""Forward, backward, optimizer steps: bodies of every vintage, and mistakes that end in a failed promise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.local_server.driving import DATUM, Driven, Json, batch
from tinkex_py.local.losses import LOSSES


def of_datum(datum: object, loss: str = "cross_entropy") -> Json:
    return {"data": [datum], "loss_fn": loss}


def test_the_outputs_are_tensors_beside_the_metrics(driven: Driven) -> None:
    output = driven.result("forward_backward", batch(driven.model()))
    assert output == driven.result("forward_backward", batch(driven.model()))
    rows, metrics = output["loss_fn_outputs"], output["metrics"]
    tensor = rows[0]["logprobs"]
    assert (tensor["dtype"], tensor["shape"]) == ("float32", [3])
    assert metrics["loss:sum"] == pytest.approx(-sum(tensor["data"]))


def test_forward_is_forward_backward_without_gradients(driven: Driven) -> None:
    model_id = driven.model()
    step = batch(model_id)
    forward = driven.result("forward", {"model_id": model_id, "forward_input": step["forward_backward_input"]})
    only = driven.result("forward_backward", {**step, "forward_only": True})
    update = driven.result("optim_step", {"model_id": model_id, "adam_params": {}})
    assert forward == only == driven.result("forward_backward", step)
    assert update == {"metrics": {"grad_norm": 0.0}}


def test_gradients_add_up_until_an_optimizer_step(driven: Driven) -> None:
    once, twice = driven.model(), driven.model()
    for model_id in (once, twice, twice):
        _ = driven.post("forward_backward", batch(model_id))
    norms = [driven.result("optim_step", {"model_id": model, "adam_params": {}})["metrics"] for model in (once, twice)]
    assert norms[1] == pytest.approx({"grad_norm": 2 * norms[0]["grad_norm"]})


def test_a_null_configuration_is_none(driven: Driven) -> None:
    model_id = driven.model()
    body: Json = {"model_id": model_id, "forward_backward_input": {**of_datum(DATUM), "loss_fn_config": None}}
    assert driven.result("forward_backward", body) == driven.result("forward_backward", batch(driven.model()))


def test_a_ratio_that_is_infinite_is_told_as_the_largest_number(driven: Driven) -> None:
    inputs: Json = {"target_tokens": {"data": [101], "dtype": "int64"}}
    inputs |= {name: {"data": [value]} for name, value in {"logprobs": -200.0, "advantages": 1.0}.items()}
    datum: Json = {"model_input": {"chunks": [{"tokens": [72]}]}, "loss_fn_inputs": inputs}
    body: Json = {"model_id": driven.model(), "forward_backward_input": {"data": [datum], "loss_fn": "ppo"}}
    metrics = driven.result("forward_backward", body)["metrics"]
    assert metrics["ratio:max"] == np.finfo(np.float32).max
    assert metrics["loss:sum"] == pytest.approx(-1.2)


def test_a_tensor_may_be_sparse(driven: Driven) -> None:
    weights = {
        "data": [2.0],
        "dtype": "float32",
        "shape": [3, 2],
        "sparse_crow_indices": [0, 0, 1, 1],
        "sparse_col_indices": [1],
    }
    targets = {"data": [1, 2, 3, 4, 5, 6], "dtype": "int64", "shape": [3, 2]}
    dense = {"data": [0, 0, 0, 2, 0, 0], "dtype": "float32", "shape": [3, 2]}
    model_id = driven.model()
    outputs: list[Json] = []
    for tensor in (weights, dense):
        datum = {"model_input": DATUM["model_input"], "loss_fn_inputs": {"target_tokens": targets, "weights": tensor}}
        outputs.append(
            driven.result("forward_backward", {"model_id": model_id, "forward_backward_input": of_datum(datum)})
        )
    assert outputs[0] == outputs[1]
    assert "metrics" in outputs[0]


IMAGE: Json = {"data": "aGk=", "format": "png", "type": "image"}
TARGETS: Json = {"target_tokens": {"data": [1], "dtype": "int64"}}
MISTAKES: dict[str, tuple[Json, str]] = {
    "an image": (
        of_datum({"model_input": {"chunks": [{"tokens": [1]}, IMAGE]}, "loss_fn_inputs": TARGETS}),
        "data[0].model_input.chunks[1] is 'image': the embedded models read text only",
    ),
    "audio": (
        of_datum({"model_input": {"chunks": [{"dmel": "aGk=", "type": "dmel"}]}, "loss_fn_inputs": TARGETS}),
        "data[0].model_input.chunks[0] is 'dmel': the embedded models read text only",
    ),
    "an unknown loss": (
        of_datum(DATUM, "dpo"),
        f"there is no loss 'dpo' here; there are {', '.join(LOSSES)}",
    ),
    "no data": ({"data": [], "loss_fn": "cross_entropy"}, "no data: at least one example is needed"),
    "a fraction as a token": (
        of_datum(
            {
                "model_input": {"chunks": [{"tokens": [1]}]},
                "loss_fn_inputs": {"target_tokens": {"data": [1.5], "dtype": "int64"}},
            }
        ),
        "data[0].loss_fn_inputs['target_tokens']: the elements are not all integers of 64 bits",
    ),
    "a shape that does not fit": (
        of_datum(
            {
                "model_input": {"chunks": [{"tokens": [1]}]},
                "loss_fn_inputs": {"target_tokens": {"data": [1], "dtype": "int64", "shape": [2]}},
            }
        ),
        "data[0].loss_fn_inputs['target_tokens']: shape [2] does not hold 1 elements",
    ),
    "a negative shape": (
        of_datum(
            {
                "model_input": {"chunks": [{"tokens": [1]}]},
                "loss_fn_inputs": {"target_tokens": {"data": [1], "dtype": "int64", "shape": [-1, -1]}},
            }
        ),
        "data[0].loss_fn_inputs['target_tokens']: shape [-1, -1] does not hold 1 elements",
    ),
}


HUGE = {"a size": [0, 2**63], "a product": [2**62, 0, 2**62], "bytes": [2**63 - 1, 0]}
NO_ROWS: Json = {"sparse_crow_indices": [0], "sparse_col_indices": []}


@pytest.mark.parametrize(
    ("shape", "indices"),
    [*((shape, {}) for shape in HUGE.values()), (HUGE["a size"], NO_ROWS)],
    ids=[*HUGE, "a sparse one"],
)
def test_a_tensor_of_nothing_has_no_shape_beyond_any_array(driven: Driven, shape: list[int], indices: Json) -> None:
    empty: Json = {"data": [], "dtype": "float32", "shape": shape, **indices}
    datum: Json = {**DATUM, "loss_fn_inputs": {**TARGETS, "weights": empty}}
    body: Json = {"model_id": driven.model(), "forward_backward_input": of_datum(datum)}
    error = f"data[0].loss_fn_inputs['weights']: shape {shape} does not hold 0 elements"
    assert driven.result("forward_backward", body) == {"error": error, "category": "user"}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_in_a_batch_fails_the_promise(driven: Driven, case: str) -> None:
    given, error = MISTAKES[case]
    body: Json = {"model_id": driven.model(), "forward_backward_input": given}
    assert driven.result("forward_backward", body) == {"error": error, "category": "user"}


def test_an_optimizer_that_is_not_there_fails_the_step(driven: Driven) -> None:
    body: Json = {"model_id": driven.model(), "optimizer_params": {"type": "dimuon", "learning_rate": 1e-4}}
    error = "the embedded engine has one optimizer, Adam with adam_params; the step has 'dimuon'"
    assert driven.result("optim_step", body) == {"error": error, "category": "user"}


def test_two_models_interleaved_end_as_the_same_two_apart(driven: Driven) -> None:
    first, second, alone = driven.model(), driven.model(), driven.model()
    for _ in range(3):
        driven.train(first)
        driven.train(second, rate=1e-3)
    for _ in range(3):
        driven.train(alone)
    output = {model: driven.result("forward_backward", batch(model)) for model in (first, second, alone)}
    assert output[first] == output[alone] != output[second]
