"""Clients made of checkpoints and models, through the public client: what they were given is what is asked for."""

from __future__ import annotations

import pytest
from returns.result import Success

from tests.clients.fronts import error_of
from tests.clients.servers import keeping
from tinkex_py import Config, ModelInput, SamplingParams, ServiceClient, or_raise
from tinkex_py.errors import InvalidInput, OutOfSequence

ANSWERS: dict[str, tuple[int, object]] = {
    "weights_info": (200, {"base_model": "its own", "is_lora": True, "lora_rank": 8}),
    "create_model": (200, {"request_id": "r"}),
    "load_weights": (200, {"request_id": "r"}),
    "retrieve_future": (200, {"model_id": "s:train:0"}),
}
WAYS = {"by three requests": (False, "create_model"), "by one": (True, "load_weights")}


@pytest.mark.parametrize(("by_load", "names_it"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("given", ["another", None])
def test_another_base_model_takes_the_place_of_the_checkpoints_own(
    *, by_load: bool, names_it: str, given: str | None
) -> None:
    with keeping(ANSWERS) as server, ServiceClient(base_url=server.address, api_key="tml-key") as service:
        made = service.create_training_client_from_state("tinker://run/weights/a", base_model=given, by_load=by_load)
        assert or_raise(made).model_id == "s:train:0"
    assert [body.get("base_model") for body in server.bodies(names_it)] == [given or (None if by_load else "its own")]


def test_a_client_that_can_not_be_known_to_be_loaded_names_the_checkpoint_to_go_on_from() -> None:
    lost = (409, {"detail": "Sequence conflict: expected 2, got 1."})
    with (
        keeping({**ANSWERS, "load_weights": lost}) as server,
        ServiceClient(base_url=server.address, api_key="tml-key") as service,
    ):
        made = service.create_training_client_from_state_with_optimizer("tinker://run/weights/a")
    assert error_of(OutOfSequence, made).checkpoint == "tinker://run/weights/a"


def test_a_path_and_its_base_model_may_be_given_together_as_to_the_official_sdk() -> None:
    path = "tinker://run/sampler_weights/a"
    with keeping() as server, ServiceClient(base_url=server.address, api_key="tml-key") as service:
        both = or_raise(service.create_sampling_client(path, "its own"))
        neither = error_of(InvalidInput, service.create_sampling_client())
        assert both.get_base_model() == Success("its own")
    asked = [(body["model_path"], body["base_model"]) for body in server.bodies("create_sampling_session")]
    assert (asked, "base_model" in neither.message) == ([(path, "its own")], True)


def test_everything_that_tells_a_release_of_the_protocol_tells_that_of_the_settings() -> None:
    with keeping() as server:
        settings = Config(base_url=server.address, api_key="tml-key", sdk_version="0.24.1", telemetry=True)
        with ServiceClient(settings) as service:
            _ = or_raise(service.create_sampling_client(base_model="a"))
    told = [(name, body["sdk_version"]) for name, body, _ in server.asked if "sdk_version" in (body or {})]
    assert {name for name, _ in told} == {"config", "dynamic_config", "create_session", "telemetry"}
    assert {version for _, version in told} == {"0.24.1"}


@pytest.mark.parametrize("wanted", [True, False])
def test_samples_of_a_client_keep_what_stable_training_needs_where_that_is_asked_for(*, wanted: bool) -> None:
    with keeping() as server, ServiceClient(base_url=server.address, api_key="tml-key") as service:
        made = or_raise(service.create_sampling_client(base_model="a", record_stability_info=wanted))
        for prompt in ([1], [2]):
            _ = or_raise(made.sample(ModelInput.from_ints(prompt), 1, SamplingParams(max_tokens=1)).result(timeout=60))
    assert [body.get("record_stability_info", False) for body in server.bodies("asample")] == [wanted, wanted]
