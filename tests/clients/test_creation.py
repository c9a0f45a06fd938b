"""Training clients made of checkpoints, through the public client."""

from __future__ import annotations

import pytest

from tests.clients.servers import keeping
from tinkex_py import ServiceClient, or_raise

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
