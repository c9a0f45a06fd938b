"""What is downloaded: archives, exported weights, traces; and copies of checkpoints."""

from __future__ import annotations

import io
import json
import tarfile
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from safetensors.numpy import load

from tests.local_server.driving import RANDOM, TEXT, Driven, Json, refused
from tinkex_py.local.bases import ARCHITECTURE, load_base
from tinkex_py.local.incoming import Held, incoming
from tinkex_py.local.links import LIFETIME
from tinkex_py.local.transformer import forward, log_softmax
from tinkex_py.outcome import or_raise
from tinkex_py.request import Pairs, Reply


def fetched(driven: Driven, url: str, headers: Pairs = ()) -> Reply:
    """What an address leads to."""
    reply = driven.server.handle(incoming("GET", urlsplit(url).path, headers, b""))
    assert not isinstance(reply, Held)
    return reply


def saved(driven: Driven, path: str = "save_weights", **fields: object) -> tuple[str, Json]:
    model_id = driven.model()
    return model_id, driven.result(path, {"model_id": model_id, "path": "a", **fields})


def test_an_archive_is_a_tar_of_what_was_saved(driven: Driven) -> None:
    model_id, _ = saved(driven)
    place = f"training_runs/{model_id}/checkpoints/weights/a/archive"
    redirect = driven.call(
        "GET", place, headers=(("accept", "application/json"), ("accept", "application/gzip"), ("host", "h:1"))
    )
    assert isinstance(redirect, Reply)
    assert (redirect.status, dict(redirect.headers)["expires"]) == (302, "Thu, 01 Jan 1970 01:16:40 GMT")
    listed = driven.call("GET", place, headers=(("accept", "application/json"), ("host", "h:1")))
    assert isinstance(listed, Reply)
    url = dict(redirect.headers)["location"]
    assert url.startswith("http://h:1/api/v1/files/")
    assert url.encode() in listed.body
    with tarfile.open(fileobj=io.BytesIO(fetched(driven, url).body)) as archive:
        assert archive.getnames() == ["adapter.safetensors", "checkpoint.json", "optimizer.safetensors"]


def test_an_export_is_downloaded_file_by_file(driven: Driven) -> None:
    model_id, result = saved(driven, "save_weights_external")
    assert result["path"] == f"tinker://{model_id}/external_weights/a"
    assert driven.get("checkpoints")["checkpoints"][0]["checkpoint_type"] == "external"
    found = driven.get(f"training_runs/{model_id}/checkpoints/external_weights/a/external_weights_urls")
    contents = {name: fetched(driven, url).body for name, url in found["urls"].items()}
    assert set(contents) == {"adapter.safetensors", "checkpoint.json"}
    assert sum(map(len, contents.values())) == result["size_bytes"]


def test_the_base_with_an_exported_adapter_is_what_is_sampled_from(driven: Driven) -> None:
    """By the formula of docs/serving.md."""
    model_id = driven.model()
    driven.train(model_id)
    sampler = driven.result("save_weights_for_sampler", {"model_id": model_id, "sampling_session_seq_id": 0})
    _ = driven.result("save_weights_external", {"model_id": model_id, "path": "a"})
    place = f"training_runs/{model_id}/checkpoints/external_weights/a/external_weights_urls"
    contents = {name: fetched(driven, url).body for name, url in driven.get(place)["urls"].items()}
    rank = json.loads(contents["checkpoint.json"])["lora_config"]["rank"]
    adapter = load(contents["adapter.safetensors"])
    matrices = dict(or_raise(load_base(RANDOM)).parameters)
    for name in {name.rpartition(".")[0] for name in adapter}:
        matrices[name] = matrices[name] + 32 / rank * adapter[f"{name}.lora_A"] @ adapter[f"{name}.lora_B"]
    tokens = np.array(TEXT["chunks"][0]["tokens"])
    table = log_softmax(forward(matrices, tokens[None], ARCHITECTURE).logits)
    expected = table[np.arange(len(tokens) - 1), tokens[1:]].tolist()
    assert driven.logprobs({"sampling_session_id": sampler["sampling_session_id"]})[1:] == pytest.approx(expected)


def exported(driven: Driven) -> tuple[str, str]:
    """A file of an export: the checkpoint's place, and the file's address."""
    model_id, _ = saved(driven, "save_weights_external")
    place = f"training_runs/{model_id}/checkpoints/external_weights/a"
    return place, str(driven.get(f"{place}/external_weights_urls")["urls"]["adapter.safetensors"])


def test_a_content_has_a_tag_that_another_one_does_not_have(driven: Driven) -> None:
    place, url = exported(driven)
    before = fetched(driven, url)
    assert fetched(driven, url).header("etag") == before.header("etag")
    assert fetched(driven, url, (("range", "bytes=2-5"),)).header("etag") == before.header("etag")
    model_id = place.split("/")[1]
    driven.train(model_id)
    assert driven.status("DELETE", place) == 204
    _ = driven.result("save_weights_external", {"model_id": model_id, "path": "a"})
    after = fetched(driven, url)
    assert len(after.body) == len(before.body)
    assert after.header("etag") != before.header("etag")


def test_an_archive_is_the_same_whenever_it_is_asked_for(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    model_id, _ = saved(driven)
    listed = driven.get(f"training_runs/{model_id}/checkpoints/weights/a/archive")
    before = fetched(driven, listed["url"])
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert fetched(driven, listed["url"]) == before


MEANT: dict[str, tuple[Pairs, int]] = {
    "a range": ((("range", "bytes=2-5"),), 206),
    "of this content": ((("range", "bytes=2-5"), ("if-range", "TAG"), ("if-match", "TAG")), 206),
    "of another content": ((("range", "bytes=2-5"), ("if-range", '"other"')), 200),
    "of a day's content": ((("range", "bytes=2-5"), ("if-range", "Thu, 01 Jan 1970 00:00:00 GMT")), 200),
    "of another content than may be": ((("range", "bytes=2-5"), ("if-match", '"other"')), 412),
    "of any content": ((("range", "bytes=2-5"), ("if-match", "*")), 206),
    "behind the end": ((("range", "bytes=99999999-"), ("if-range", "TAG")), 416),
    "behind the end of another content": ((("range", "bytes=99999999-"), ("if-range", '"other"')), 200),
    "backwards": ((("range", "bytes=5-2"),), 200),
}


@pytest.mark.parametrize(("headers", "status"), MEANT.values(), ids=MEANT)
def test_a_range_is_of_the_content_that_is_meant(driven: Driven, headers: Pairs, status: int) -> None:
    _, url = exported(driven)
    whole = fetched(driven, url)
    tag = whole.header("etag") or ""
    reply = fetched(driven, url, tuple((name, value.replace("TAG", tag)) for name, value in headers))
    assert reply.status == status
    if status == 206:
        assert (reply.body, reply.header("content-range")) == (whole.body[2:6], f"bytes 2-5/{len(whole.body)}")
    if status == 200:
        assert reply == whole


def test_an_address_is_good_for_a_time_and_for_what_it_names(driven: Driven) -> None:
    model_id, _ = saved(driven, "save_weights_external")
    place = f"training_runs/{model_id}/checkpoints/external_weights/a"
    url = str(driven.get(f"{place}/external_weights_urls")["urls"]["checkpoint.json"])
    assert fetched(driven, url.replace("/files/", "/files/x")).status == 403
    driven.time += LIFETIME + 1
    assert refused(fetched(driven, url)) == (403, "this address is expired: ask for a new one")


def test_an_address_of_a_deleted_checkpoint_is_404(driven: Driven) -> None:
    model_id, _ = saved(driven, "save_weights_external")
    place = f"training_runs/{model_id}/checkpoints/external_weights/a"
    url = str(driven.get(f"{place}/external_weights_urls")["urls"]["checkpoint.json"])
    assert driven.status("DELETE", place) == 204
    assert fetched(driven, url).status == 404


def test_a_token_for_the_server_is_no_address(driven: Driven) -> None:
    jwt = driven.post("auth/token", {})["jwt"]
    assert driven.status("GET", f"files/{jwt}/x") == 404


@pytest.mark.parametrize("part", ["archive", "external_weights_urls"])
def test_there_is_nothing_to_download_of_a_checkpoint_that_is_not_there(driven: Driven, part: str) -> None:
    model_id, _ = saved(driven)
    assert driven.status("GET", f"training_runs/{model_id}/checkpoints/external_weights/a/{part}") == 404


def test_only_an_export_has_addresses_of_its_files(driven: Driven) -> None:
    model_id, _ = saved(driven)
    status, detail = refused(
        driven.call("GET", f"training_runs/{model_id}/checkpoints/weights/a/external_weights_urls")
    )
    assert (status, detail.endswith("make one with save_weights_external")) == (400, True)


def test_an_export_is_not_encrypted(driven: Driven) -> None:
    body: Json = {"model_id": driven.model(), "path": "a", "seq_id": 1, "age_encryption_recipients": ["age1"]}
    status, detail = refused(driven.call("POST", "save_weights_external", body))
    assert (status, detail[0]["loc"]) == (422, ["body", "age_encryption_recipients"])
    assert "path" in driven.result("save_weights_external", {**body, "age_encryption_recipients": []})


def test_a_trace_holds_the_session_and_its_runs(driven: Driven) -> None:
    session_id = driven.session()
    model_id = driven.model(session_id)
    exported = driven.get(f"sessions/{session_id}/trace_export")
    assert exported["status"] == "ready"
    trace = fetched(driven, exported["url"]).body
    assert all(name.encode() in trace for name in (session_id, model_id))
    assert driven.status("GET", "sessions/none/trace_export") == 404


def test_a_copy_is_a_checkpoint_of_its_own_in_the_other_project(driven: Driven) -> None:
    model_id, result = saved(driven)
    before = driven.logprobs({"model_path": result["path"]})
    body: Json = {"source_path": result["path"], "destination_project_id": "p", "ttl_seconds": 3600}
    copied = driven.post("copy_weights", body)["tinker_path"]
    assert driven.status("DELETE", f"training_runs/{model_id}/checkpoints/weights/a") == 204
    assert driven.logprobs({"model_path": copied}) == before
    runs = driven.get("training_runs", (("project_id", "p"),))["training_runs"]
    assert [run["last_checkpoint"]["tinker_path"] for run in runs] == [copied]
    loaded = driven.result("load_weights", {"session_id": driven.session(), "path": copied, "optimizer": True})
    assert loaded["path"] == copied


@pytest.mark.parametrize(("path", "status"), [("x", 422), ("tinker://run/weights/a", 404)])
def test_what_is_not_there_is_not_copied(driven: Driven, path: str, status: int) -> None:
    assert driven.status("POST", "copy_weights", {"source_path": path, "destination_project_id": "p"}) == status
