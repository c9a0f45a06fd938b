"""The command as tests run it: in this process, or as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner, Result

from tinkex_py import AdamParams, Datum, ModelInput, SamplingParams, ServiceClient, or_raise
from tinkex_py.cli.commands import tinkex as command

LOOKS = frozenset({"NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"})
"""What somebody, or a service that runs tests, asks of all programs that write to a screen."""


def is_ours(name: str) -> bool:
    """Whether a variable may change what the command does or how it looks, so that no test may inherit it."""
    return name.startswith(("TINKER_", "TINKEX_")) or name in LOOKS


ENVIRONMENT = {**{name: value for name, value in os.environ.items() if not is_ours(name)}, "COLUMNS": "200"}
COMMAND = [sys.executable, "-W", "error", "-c", "from tinkex_py.cli import main; main()"]
KEY = "tml-0123456789abcdef"
DATA = [Datum(ModelInput.from_ints([72, 105]), {"target_tokens": [105, 33], "weights": [1.0, 1.0]})]


class Stock(NamedTuple):
    """A server, and what is in it."""

    address: str
    run_id: str
    training: str
    sampler: str
    session_id: str

    def tinkex(self, *words: str, given: str | None = None) -> Result:
        """A command at this server, in this process."""
        return tinkex(*words, "--base-url", self.address, given=given, TINKER_API_KEY=KEY)

    def json(self, *words: str) -> Any:
        """What a command that succeeds says in JSON."""
        result = self.tinkex(*words, "--format", "json")
        assert (result.exit_code, result.stderr) == (0, "")
        return json.loads(result.stdout)

    def saved(self, *names: str) -> list[str]:
        """New checkpoints of a new run, to be deleted and the like."""
        with self.service() as service:
            trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=1, seed=0))
            return [or_raise(trainer.save_state(name).result()).path for name in names]

    def service(self) -> ServiceClient:
        return ServiceClient(base_url=self.address, api_key=KEY)


def tinkex(*words: str, given: str | None = None, **environment: str) -> Result:
    return CliRunner().invoke(command, words, input=given, env=environment, prog_name="tinkex")


def run_tinkex(*words: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
    )


def stocked(announced: str) -> Stock:
    address = str(json.loads(announced)["address"])
    with ServiceClient(base_url=address, api_key=KEY, user_metadata={"purpose": "test"}) as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2, seed=0))
        _ = or_raise(trainer.forward_backward(DATA, "cross_entropy").result())
        _ = or_raise(trainer.optim_step(AdamParams(learning_rate=0.01)).result())
        training = or_raise(trainer.save_state("state").result()).path
        sampler = or_raise(trainer.save_weights_for_sampler("sampler").result()).path or ""
        sampling = or_raise(trainer.create_sampling_client(sampler))
        _ = or_raise(sampling.sample(ModelInput.from_ints([72]), 1, SamplingParams(max_tokens=1)).result())
        session = service.context.session.known or ""
    return Stock(address, trainer.model_id, training, sampler, session)
