"""Law: whatever arrives is answered, with a status below 500, and all work that came of it can be done."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from tinkex_py.local.incoming import Held, Incoming, incoming
from tinkex_py.local.routes import endpoints
from tinkex_py.local.server import Server
from tinkex_py.request import Pairs, Reply

Values: TypeAlias = "st.SearchStrategy[Any]"

RANDOM = "tinkex/tiny-random"
SESSION, MODEL = "session-5feceb66-0", "session-5feceb66-0:train:0"
SAVED = f"tinker://{MODEL}/weights/a"
SAMPLER = f"{SESSION}:sample:0"

words = st.sampled_from(["a", "", "..", "weights", SESSION, MODEL, SAVED, RANDOM, SAMPLER, "promise-5feceb66-0"])
parts = words | st.text(max_size=8)
wild = st.integers(-2, 5) | st.sampled_from([2**31, 2**63, 10**30]) | st.floats()
values = st.recursive(
    st.none() | st.booleans() | wild | parts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(parts, inner, max_size=5),
    max_leaves=12,
)


def shaped(**fields: Values) -> Values:
    """An object with these fields."""
    return st.fixed_dictionaries(fields)


def with_(
    optional: dict[str, st.SearchStrategy[object]], **fields: st.SearchStrategy[object]
) -> st.SearchStrategy[object]:
    """An object with these fields, and perhaps the optional ones."""
    return st.fixed_dictionaries(fields, optional=optional)


def maybe(strategy: Values) -> Values:
    """None as often as not."""
    return st.none() | strategy


few = st.lists(st.integers(-1, 4), max_size=4)
tensors = with_(
    {"shape": few, "sparse_crow_indices": few, "sparse_col_indices": few},
    data=st.lists(st.integers(0, 300) | st.none() | st.floats(-2, 2), max_size=4),
    dtype=st.sampled_from(["int64", "float32", "bfloat16", ""]),
)
text = shaped(tokens=st.lists(st.integers(-1, 300) | st.integers(), max_size=4))
inputs = shaped(chunks=st.lists(text | shaped(type=parts), max_size=3))
good = st.lists(st.integers(0, 258), min_size=1, max_size=4).map(
    lambda ids: {
        "model_input": {"chunks": [{"tokens": ids}]},
        "loss_fn_inputs": {"target_tokens": {"data": ids, "dtype": "int64"}},
    }
)
datums = good | shaped(
    model_input=inputs, loss_fn_inputs=st.dictionaries(parts | st.just("target_tokens"), tensors, max_size=2)
)
batches = shaped(
    data=st.lists(datums, max_size=2),
    loss_fn=st.sampled_from(["cross_entropy", "importance_sampling", "ppo", "none"]),
    loss_fn_config=maybe(st.dictionaries(parts | st.just("beta"), st.floats() | parts, max_size=1)),
)
step = {"model_id": st.just(MODEL), "seq_id": st.sampled_from([None, 1, 2, 2, 3])}
save = with_(
    {"overwrite": st.booleans(), "ttl_seconds": st.sampled_from([1, 3600, None]), "user_metadata": values},
    **step,
    path=maybe(parts),
)
settings = shaped(
    max_tokens=st.integers(-1, 3),
    temperature=st.floats(),
    top_k=st.integers(),
    top_p=st.floats() | st.just(1.0),
    stop=maybe(parts | st.lists(st.integers(-1, 300), max_size=2)),
    seed=maybe(st.integers()),
)
config = with_({"seed": st.integers(), "train_mlp": st.booleans()}, rank=st.integers(-1, 200))
fresh = {"session_id": st.just(SESSION), "model_seq_id": st.integers(0, 3)}
PLAUSIBLE: dict[str, Values] = {
    "create_model": with_({"lora_config": config, "user_metadata": values}, **fresh, base_model=st.just(RANDOM)),
    "get_info": shaped(model_id=words),
    "unload_model": shaped(model_id=words),
    "weights_info": shaped(tinker_path=words),
    "forward": shaped(**step, forward_input=batches),
    "forward_backward": with_({"forward_only": st.booleans()}, **step, forward_backward_input=batches),
    "optim_step": shaped(**step, adam_params=shaped(learning_rate=st.floats(), beta1=st.floats(), eps=st.floats())),
    "save_weights": save,
    "save_weights_for_sampler": save,
    "load_weights": shaped(path=words, optimizer=st.booleans(), **step) | shaped(path=st.just(SAVED), **fresh),
    "create_sampling_session": shaped(session_id=st.just(SESSION), base_model=maybe(words), model_path=maybe(words)),
    "asample": with_(
        {
            "num_samples": st.integers(0, 3),
            "prompt_logprobs": maybe(st.booleans()),
            "topk_prompt_logprobs": st.integers(0, 999),
        },
        prompt=inputs | good.map(lambda datum: datum["model_input"]),
        base_model=st.just(RANDOM),
        sampling_params=settings,
    ),
    "retrieve_future": shaped(request_id=words),
    "retrieve_futures": shaped(target=shaped(sampling_session_id=words), prev_cursor=st.integers(0, 3)),
    "cancel_future": shaped(request_id=words),
    "join_sampling_session": shaped(sampling_session_id=words),
    "copy_weights": shaped(source_path=words | st.just(SAVED), destination_project_id=parts),
    "sessions/search": shaped(
        user_metadata=values, limit=st.integers(0, 3), statuses=maybe(st.lists(shaped(type=parts)))
    ),
    "save_weights_external": save,
}


def encoded(body: object) -> bytes:
    return json.dumps(body).encode()


plausible = st.sampled_from(list(PLAUSIBLE)).flatmap(
    lambda path: PLAUSIBLE[path].map(lambda body: incoming("POST", f"/api/v1/{path}", (), encoded(body)))
)
names = st.sampled_from(["content-type", "content-encoding", "x-idempotency-key", "x-api-key"])
texts = st.sampled_from(["", "application/json", "application/x-protobuf", "gzip", "k"]) | st.text(max_size=4)
paths = st.text(max_size=20) | st.sampled_from([path for _, path in endpoints()]).flatmap(
    lambda path: st.lists(parts, min_size=path.count("*"), max_size=path.count("*")).map(
        lambda opened: "".join(before + part for before, part in zip(path.split("*"), [*opened, ""], strict=True))
    )
)
anything = st.builds(
    Incoming,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]) | st.text(max_size=5),
    path=paths,
    query=st.lists(st.tuples(st.sampled_from(["limit", "offset"]) | st.text(max_size=3), parts), max_size=2).map(tuple),
    headers=st.lists(st.tuples(names, texts), max_size=2).map(tuple),
    body=st.binary(max_size=30) | values.map(encoded),
)


def post(server: Server, path: str, body: object, sent: Pairs = ()) -> Reply | Held:
    return server.handle(incoming("POST", f"/api/v1/{path}", sent, json.dumps(body).encode()))


@contextmanager
def started() -> Generator[Server]:
    """A server with a session, a model and a checkpoint, in a folder of its own."""
    with TemporaryDirectory() as outer:
        server = Server(now=lambda: 1e9, directory=Path(outer) / "inner")
        answers = [
            post(server, "create_session", {}),
            post(server, "create_model", {"session_id": SESSION, "base_model": RANDOM, "lora_config": {"rank": 1}}),
            post(server, "save_weights", {"model_id": MODEL, "path": "a"}),
        ]
        work(server)
        assert [answer.status for answer in answers if isinstance(answer, Reply)] == [200, 200, 200]
        yield server
        # Nothing has left the folder: beside it there is nothing, whatever the names were.
        assert [path.name for path in Path(outer).iterdir()] == ["inner"]


def work(server: Server) -> None:
    while server.work():
        pass


@given(st.lists(anything | plausible, max_size=6))
def test_whatever_arrives_is_answered(arriving: list[Incoming]) -> None:
    with started() as server:
        for request in arriving:
            found = server.handle(request)
            assert isinstance(found, Held) or found.status < 500
            work(server)


@given(plausible)
def test_no_promise_fails_by_a_mistake_of_the_server(request: Incoming) -> None:
    with started() as server:
        found = server.handle(request)
        work(server)
        if isinstance(found, Reply) and found.status == 200 and b"request_id" in found.body:
            result = post(server, "retrieve_future", json.loads(found.body))
            assert isinstance(result, Held) or b'"category":"server"' not in result.body
