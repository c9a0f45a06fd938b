"""Which call of ours each recording is of: a table from names of cases to small functions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np

from tests.replay.asked import (
    PATH,
    batch,
    cancelled,
    created_and_stepped,
    custom,
    first_of,
    forward,
    logprobs,
    sample,
    sampled,
    sampled_from,
    searched,
    sequence_ids,
    short,
    spoken,
    stepped,
    traced,
    types,
)
from tests.replay.making import (
    admin,
    administering,
    asking,
    closed,
    done,
    each,
    ignored,
    informed,
    last,
    made_by,
    named,
    opened,
    path_of,
    rest,
    sampling,
    service,
    starting,
    submitted,
    training,
    waited,
)
from tests.replay.stage import MODEL, Call
from tinkex_py import AdamParams, Datum, ImageAssetPointerChunk, ModelInput, SamplingParams, TensorData
from tinkex_py.endpoints.models import unload_model

TENSORS = Datum(
    ModelInput.from_ints([1, 2]),
    {
        "target_tokens": [[1, 2], [3, 4]],
        "weights": np.array([[0.5, 0.25], [0.0, 1.0]], np.float64),
        "advantages": np.array([1.0, 2.0], np.float16),
        "mask": np.array([1, 0], np.int32),
        "scalar": np.array(3, np.int64),
        "empty": np.zeros(0, np.float32),
        "logprobs": TensorData([-1.5, -2.5], "float32"),
    },
)
POINTER = Datum(ModelInput([ImageAssetPointerChunk("jpeg", "https://x.test/a.jpg", 2)]), {"target_tokens": [2]})
ZONED = datetime(2026, 7, 13, tzinfo=timezone(timedelta(hours=2)))
NAIVE = datetime(2026, 7, 14)  # noqa: DTZ001 - as it was recorded
BAD_TARGET = TensorData([1.0, 2.0], "float32", [2, 1])

CALLS: dict[str, Call] = {
    # Startup and authentication
    "startup": opened,
    "startup_rest_client": rest(lambda r: r.get_server_capabilities()),
    "startup_client_config_404": rest(lambda r: r.get_server_capabilities()),
    "startup_dynamic_config_404": rest(lambda r: r.get_server_capabilities()),
    "startup_*": opened,
    "capabilities": starting(lambda s: s.get_server_capabilities()),
    "auth_jwt_exchange": rest(lambda r: each(r.get_server_capabilities(), r.whoami())),
    "auth_jwt_invalid_token_replay": rest(lambda r: last(r.get_server_capabilities(), r.get_training_run("run-1"))),
    "auth_credential_cmd": rest(lambda r: r.get_server_capabilities()),
    "close_success_detail": lambda stage: closed(stage, "success", detail="done"),
    "close_interrupted_no_detail": lambda stage: closed(stage, "interrupted"),
    "heartbeat_and_config_refresh": lambda stage: waited(stage, 12),
    "heartbeat_410_stops": lambda stage: waited(stage, 21),
    "telemetry_batch": lambda stage: closed(stage, "success"),
    # Models
    "create_lora_minimal": service(lambda s: informed(s.create_lora_training_client(MODEL))),
    "create_lora": service(
        lambda s: made_by(s.create_lora_training_client(MODEL, rank=16, seed=7, user_metadata={"a": "b"}))
    ),
    "create_lora_full": service(
        lambda s: informed(
            s.create_lora_training_client(
                MODEL,
                rank=16,
                seed=7,
                train_mlp=False,
                train_attn=True,
                train_unembed=False,
                user_metadata={"a": "b"},
                optimizer=types.DimuonOptimizerConfig(),
            )
        )
    ),
    "create_lora_second_model": service(
        lambda s: each(made_by(s.create_lora_training_client(MODEL)), made_by(s.create_lora_training_client(MODEL)))
    ),
    "from_state_with_optimizer*": service(lambda s: made_by(s.create_training_client_from_state_with_optimizer(PATH))),
    "from_state*": service(lambda s: made_by(s.create_training_client_from_state(PATH))),
    "get_info": training(lambda t, _: t.get_info()),
    "unload_model": training(lambda t, stage: stage.service.execute(unload_model(t.model_id))),
    # Steps
    "forward_backward_image": training(
        lambda t, stage: (
            batch(t, stage) if stage.recording.exchanges else t.forward_backward([POINTER], "cross_entropy")
        )
    ),
    "chunks_image_asset_pointer_refused": training(lambda t, _: t.forward_backward([POINTER], "cross_entropy")),
    "forward_backward_no_data": training(lambda t, _: t.forward_backward([], "cross_entropy")),
    "forward_backward_on_client_future": created_and_stepped,
    "forward_backward_*": training(batch),
    "forward_backward": training(batch),
    "forward": training(forward),
    "loss_fn_config_empty": training(lambda t, stage: t.forward_backward(stage.data(), "cross_entropy", {})),
    "loss_fn_*": training(batch),
    "chunks_*": training(batch),
    "chunking_*": training(batch),
    "metrics_*": training(batch),
    "decode_fb_*": training(batch),
    "late_metric_without_suffix": training(batch),
    "tensors_dtypes_and_shapes": training(lambda t, _: t.forward_backward([TENSORS], "cross_entropy")),
    "tensors_*": training(batch),
    "torch_tensor_inputs": training(batch),
    "torch_forward_backward_custom_*": training(custom),
    "pipelined_seq_ids": training(
        lambda t, stage: submitted(
            t.forward_backward([first_of(stage)], "cross_entropy"),
            t.optim_step(AdamParams()),
            t.forward_backward([first_of(stage)], "cross_entropy"),
            t.optim_step(AdamParams()),
        )
    ),
    "seq_after_rejected_submission": training(
        lambda t, _: each(t.optim_step(AdamParams()), t.optim_step(AdamParams()))
    ),
    "optim_step_nan": training(lambda t, _: t.optim_step(AdamParams(learning_rate=float("nan")))),
    "optim_step_unknown_family": training(lambda t, _: t.optim_step(types.OtherOptimizer("lion", {"lr": 0.1}))),
    "optim_step_dimuon": training(lambda t, _: t.optim_step(types.DimuonParams(learning_rate=0.02))),
    "optim_step*": training(stepped),
    "future_*": training(stepped),
    "late_telemetry_ships_api_key": training(lambda t, stage: ignored(stepped(t, stage))),
    # Saving and loading
    "save_state_full": training(
        lambda t, stage: t.save_state(
            "ckpt-1", ttl_seconds=3600, overwrite=True, user_metadata=stage.bodies("save_weights")[0]["user_metadata"]
        )
    ),
    "save_state*": training(lambda t, _: t.save_state("ckpt-1")),
    "save_for_sampler_full": training(
        lambda t, stage: t.save_weights_for_sampler(
            "s-1", ttl_seconds=3600, user_metadata=stage.bodies("save_weights_for_sampler")[0]["user_metadata"]
        )
    ),
    "save_for_sampler*": training(lambda t, _: t.save_weights_for_sampler("s-1")),
    "save_and_get_sampling_client_inflight": training(
        lambda t, _: named(t.save_weights_and_get_sampling_client(kind="inflight"))
    ),
    "save_and_get_sampling_client": training(lambda t, _: t.save_weights_and_get_sampling_client()),
    "save_ephemeral_retry_503": training(lambda t, _: done(t.save_weights_and_get_sampling_client())),
    "save_external_full": training(
        lambda t, stage: t.save_weights_external(
            "hf",
            ttl_seconds=3600,
            age_encryption_recipients=stage.bodies("save_weights_external")[0]["age_encryption_recipients"],
        )
    ),
    "save_external*": training(lambda t, _: t.save_weights_external("hf")),
    "load_state_with_optimizer": training(lambda t, _: t.load_state_with_optimizer(PATH)),
    "load_state": training(lambda t, _: t.load_state(PATH)),
    # Sampling
    "training_create_sampling_client": training(lambda t, stage: named(t.create_sampling_client(sampled(stage)))),
    "create_sampling_client_base": service(lambda s: named(s.create_sampling_client(base_model=MODEL))),
    "create_sampling_client": service(lambda s: s.create_sampling_client(base_model=MODEL)),
    "create_sampling_client_path": sampled_from,
    "sample_seq_ids": sampling(lambda s, _: sequence_ids(each(short(s), short(s), short(s)))),
    "retrieve_futures_poll_three": sampling(lambda s, _: sequence_ids(submitted(short(s), short(s), short(s)))),
    "retrieve_futures_*": sampling(lambda s, _: short(s)),
    "cancel_future": sampling(cancelled),
    "sample_bad_target_dtype": sampling(
        lambda s, _: s.sample(
            ModelInput.from_ints([1, 2, 3]), 1, SamplingParams(max_tokens=3), target_prompt_logprobs=BAD_TARGET
        )
    ),
    "sample*": sampling(sample),
    "decode_sample_*": sampling(sample),
    "compute_logprobs*": sampling(logprobs),
    # REST and administration; most recordings say it themselves
    "0.38.0/rest_copy_weights_retry": rest(lambda r: path_of(r.copy_weights(PATH, "proj-2"))),
    "rest_copy_weights_no_project": asking(spoken),
    "rest_copy_weights*": asking(lambda r, stage: path_of(spoken(r, stage))),
    "service_copy_weights": starting(lambda s: path_of(s.copy_weights(PATH))),
    "rest_export_session_trace": rest(traced),
    "rest_search_sessions_full": rest(searched),
    "rest_search_sessions_accessible": rest(
        lambda r: r.search_sessions(types.SessionSearchRequest(owner=types.AccessibleSearchOwner()))
    ),
    "0.38.0/rest_*": asking(spoken),
    "path_encoding_*": asking(spoken),
    "tinker_path_invalid": asking(spoken),
    "error_*_then_ok": rest(lambda r: done(r.get_training_run("run-1"))),
    "error_*": rest(lambda r: r.get_training_run("run-1")),
    "redirect_cross_origin_httpx": admin(lambda a: a.get_audit_log()),
    "redirect_cross_origin_pyqwest": rest(lambda r: r.get_session("session-0")),
    "admin_audit_log_redirect": admin(lambda a: a.get_audit_log()),
    "admin_billing_usage_datetime": admin(lambda a: a.get_billing_usage(ZONED, NAIVE)),
    "admin_checkpoint_storage": admin(
        lambda a: each(
            a.get_current_checkpoint_storage_usage(), a.get_current_checkpoint_storage_usage(project_id="proj-1")
        )
    ),
    "admin_*": administering(spoken),
    # REST as the older releases were recorded
    "rest_get_training_run": rest(lambda r: r.get_training_run("run-1")),
    "rest_list_training_runs": rest(lambda r: r.list_training_runs()),
    "rest_list_checkpoints": rest(lambda r: r.list_checkpoints("run-1")),
    "rest_list_user_checkpoints": rest(lambda r: r.list_user_checkpoints()),
    "rest_archive_url_*": rest(lambda r: r.get_checkpoint_archive_url_from_tinker_path(PATH)),
    "rest_delete": rest(lambda r: r.delete_checkpoint("run-1", "weights/0001")),
    "rest_publish": rest(lambda r: r.publish_checkpoint_from_tinker_path(PATH)),
    "rest_weights_info": rest(lambda r: r.get_weights_info_by_tinker_path(PATH)),
    "rest_get_session": rest(lambda r: r.get_session("session-0")),
    "rest_list_sessions": rest(lambda r: r.list_sessions()),
}
