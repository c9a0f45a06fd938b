"""`tinkex sample`: continuations of a prompt, printed as each is done."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from tinkex_py.cli.display import counted, harmless_text
from tinkex_py.cli.invocation import FOLDER, Invocation, invoked
from tinkex_py.cli.options import Command, Finite, Output, Place
from tinkex_py.cli.surprise import pieces, show_pieces
from tinkex_py.cli.tables import write_json, write_line
from tinkex_py.clients.promises import Promise
from tinkex_py.clients.sampling import SamplingClient
from tinkex_py.clients.service import ServiceClient
from tinkex_py.errors import FileFailed, InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types import ModelInput, SampledSequence, SampleResponse, SamplingParams
from tinkex_py.types.files import failed, reason
from tinkex_py.types.tokenizing import Tokenizer

BASE_MODEL = "tinkex/tiny-english"
_TOGETHER = 64
"""Sequences that are waited for at once."""
_FILE = Place(allow_dash=True, dir_okay=False)


class Sampled(Struct, frozen=True, kw_only=True):
    """A sequence as it is written for programs."""

    index: int
    text: str
    tokens: Sequence[int]
    logprobs: Sequence[float] | None
    stop_reason: str


@click.command(cls=Command)
@click.argument("prompt", required=False)
@click.option("--prompt-file", type=_FILE, help="Take the prompt from a file: a text, or a JSON list of token ids.")
@click.option("--base-model", help=f"Sample from this base model.  [default: {BASE_MODEL} of the embedded engine]")
@click.option("--model-path", metavar="PATH", help="Sample from saved weights: tinker://...")
@click.option("--max-tokens", type=click.IntRange(1), default=64, show_default=True, help="Tokens of a sample at most.")
@click.option("--temperature", type=Finite(0), default=1.0, show_default=True, help="0 takes the likeliest.")
@click.option("--top-k", type=int, default=-1, show_default=True, help="-1 filters nothing.")
@click.option("--top-p", type=Finite(0, 1, min_open=True), default=1.0, show_default=True, help="1 filters nothing.")
@click.option("-n", "--num-samples", type=click.IntRange(1), default=1, show_default=True, help="How many samples.")
@click.option("--seed", type=int, help="Gives the same samples again.")
@click.option("--stop", multiple=True, help="End where this text comes; may be repeated.")
@click.option("--show-logprobs", is_flag=True, help="Colour each token by how likely it was.")
@click.option(
    "-o", "--output", type=Output(), help="Write the samples to this file as JSON too; - is the screen, and JSON alone."
)
@click.option("--out", type=Place(), default=FOLDER, show_default=True, help="The engine's folder.")
@invoked
def sample(
    invocation: Invocation,
    prompt: str | None,
    prompt_file: Path | None,
    base_model: str | None,
    model_path: str | None,
    num_samples: int,
    seed: int | None,
    out: Path,
    output: Path | None,
    stop: tuple[str, ...],
    max_tokens: int,
    temperature: float,
    top_k: int,
    top_p: float,
    *,
    show_logprobs: bool,
) -> None:
    """Continue PROMPT, or the prompt in a file, or on standard input (-).

    Each sequence is printed as soon as it is done. Where neither a server nor a key is named, the embedded engine
    samples, from checkpoints in --out.
    """
    if base_model is not None and model_path is not None:
        raise click.UsageError("Give either --base-model or --model-path.")
    if str(output) == "-":
        invocation.options.output_format, output = "json", None
    question = _prompt(invocation, prompt, prompt_file)
    if output is not None:
        invocation.check_place(output)
    params = SamplingParams(
        max_tokens=max_tokens, temperature=temperature, top_k=top_k, top_p=top_p, stop=stop or None, seed=seed
    )
    base_model = base_model or (BASE_MODEL if model_path is None else None)
    with invocation.client(ServiceClient, out, engine=True) as service:
        sampler = invocation.or_exit(service.create_sampling_client(model_path, base_model))
        tokenizer = invocation.or_exit(sampler.get_tokenizer())
        tokens = list(tokenizer.encode(question)) if isinstance(question, str) else question
        if not tokens:
            invocation.fail(InvalidInput(message="the prompt is empty: give a text or token ids", path="prompt"))
        asked = _asked(sampler, ModelInput.from_ints(tokens), params, num_samples)
        samples: list[Sampled] = []
        for index, outcome in _arriving(asked):
            sequence = invocation.or_exit(outcome).sequences[0]
            samples.append(_sampled(index, sequence, tokenizer))
            _show(invocation, samples[-1], tokenizer, several=num_samples > 1, logprobs=show_logprobs)
    samples.sort(key=lambda each: each.index)
    if invocation.format == "json":
        write_json(invocation, {"prompt_tokens": tokens, "samples": samples})
    if output is not None:
        content = msgspec.json.encode({"prompt_tokens": tokens, "samples": samples})
        invocation.save(output, msgspec.json.format(content, indent=2) + b"\n")


def _prompt(invocation: Invocation, prompt: str | None, file: Path | None) -> str | list[int]:
    """The prompt from wherever it was given, in text or in tokens."""
    if prompt is not None and file is not None:
        raise click.UsageError("Give a prompt or --prompt-file, not both.")
    if file is not None and str(file) != "-":
        return _read(invocation, file)
    if prompt is not None and prompt != "-":
        return _argument(invocation, prompt)
    if prompt is None and file is None and (sys.stdin is None or sys.stdin.isatty()):
        raise click.UsageError("Give a prompt, --prompt-file, or text on standard input.")
    return "" if sys.stdin is None else _standard_input(invocation)


def _argument(invocation: Invocation, prompt: str) -> str:
    """The text, refused where it holds bytes that are none: Python keeps those as halves of characters."""
    try:
        _ = prompt.encode("utf-8")
    except UnicodeEncodeError:
        invocation.fail(InvalidInput(message="the prompt can't be read: it is no text in UTF-8", path="prompt"))
    return prompt


def _standard_input(invocation: Invocation) -> str:
    """All of it, as UTF-8 whatever the locale, and refused where it isn't."""
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").replace("\r\n", "\n").removesuffix("\n")
    except UnicodeDecodeError:
        message = "standard input can't be read: it is no text in UTF-8"
        invocation.fail(FileFailed(message=message, path="-"))


def _read(invocation: Invocation, file: Path) -> str | list[int]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        invocation.fail(failed(file, f"can't be read: {reason(error)}"))
    try:
        return msgspec.json.decode(text, type=list[int])
    except msgspec.DecodeError as error:
        if file.suffix == ".json":
            message = f"{file} is no JSON list of token ids: {error}"
            invocation.fail(FileFailed(message=message, path=str(file)))
        return text.removesuffix("\n")


def _asked(
    sampler: SamplingClient, prompt: ModelInput, params: SamplingParams, count: int
) -> list[Promise[SampleResponse]]:
    """A promise for each sequence, so that each can be shown as it is done; each has a seed of its own."""
    return [
        sampler.sample(
            prompt,
            1,
            params if params.seed is None else msgspec.structs.replace(params, seed=params.seed + index),
        )
        for index in range(count)
    ]


def _arriving(promises: Sequence[Promise[SampleResponse]]) -> Iterator[tuple[int, Outcome[SampleResponse]]]:
    """Each outcome with its place, in the order in which they come."""
    with ThreadPoolExecutor(min(_TOGETHER, len(promises))) as pool:
        waiting: dict[Future[Outcome[SampleResponse]], int] = {
            pool.submit(promise.result): index for index, promise in enumerate(promises)
        }
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            for promise in promises:
                promise.cancel()


def _sampled(index: int, sequence: SampledSequence, tokenizer: Tokenizer) -> Sampled:
    logprobs = None if sequence.logprobs is None else [float(each) for each in sequence.logprobs]
    tokens = [int(token) for token in sequence.tokens]
    return Sampled(
        index=index,
        text=tokenizer.decode(tokens),
        tokens=tokens,
        logprobs=logprobs,
        stop_reason=sequence.stop_reason,
    )


def _show(invocation: Invocation, found: Sampled, tokenizer: Tokenizer, *, several: bool, logprobs: bool) -> None:
    match invocation.format:
        case "json":
            return
        case "jsonl":
            write_line(invocation, found)
        case "table":
            if several:
                invocation.note(f"[{found.index + 1}] {counted(len(found.tokens), 'token')}, {found.stop_reason}")
            if logprobs and found.logprobs is not None:
                show_pieces(invocation.out, pieces(found.tokens, found.logprobs, tokenizer.decode))
            else:
                invocation.write(harmless_text(found.text) + "\n")
