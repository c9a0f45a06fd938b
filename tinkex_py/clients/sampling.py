"""Sampling clients: samples and log-probabilities from a base model or from saved weights."""

from __future__ import annotations

from math import inf

from returns.result import Failure, Success

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, operation, submission
from tinkex_py.clients.samplers import SamplerOperations
from tinkex_py.endpoints.models import weights_info
from tinkex_py.endpoints.sampling import get_sampler
from tinkex_py.errors import InvalidInput, TinkerError
from tinkex_py.plans.capabilities import BRIEFLY, exceeding, require_context, require_model
from tinkex_py.plans.effects import Plan, attempt, compute, halt, require
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.samples import Sampler, sample
from tinkex_py.plans.sources import Source, opened
from tinkex_py.runtime.tokenizers import load_tokenizer
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.limits import settings_problem
from tinkex_py.types.questions import Question
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.sampling import SampleResponse, SamplingParams
from tinkex_py.types.tensor import TensorData, TensorDataLike
from tinkex_py.types.tokenizing import Tokenizer


class SamplingOperations(SamplerOperations):
    """What both sampling clients can do."""

    @submission
    def sample(
        self,
        prompt: ModelInput,
        num_samples: int,
        sampling_params: SamplingParams,
        include_prompt_logprobs: bool = False,
        topk_prompt_logprobs: int = 0,
        topk_sample_logprobs: int = 0,
        target_prompt_logprobs: TensorDataLike | None = None,
        prompt_alt_tokens_k: int = 0,
        prompt_logprobs_last_n: int | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[SampleResponse]:
        """`num_samples` continuations of a prompt `[P]`, and what is asked for about the prompt and the samples.

        `include_prompt_logprobs` gives the log-probability of each prompt token in nats, `prompt_logprobs_last_n` only
        of the last N; `topk_prompt_logprobs` and `topk_sample_logprobs` the K best tokens at each position;
        `target_prompt_logprobs`, token ids `[P-1, K]`, those of tokens that might have come next (-1 is skipped);
        `prompt_alt_tokens_k` K other tokens at each position.

        POST /api/v1/asample. InvalidInput before anything is sent; RequestFailed when sampling fails;
        CapabilityMissing when the server is too old for what was asked for.
        """
        question = Question(
            prompt=prompt,
            num_samples=num_samples,
            sampling_params=sampling_params,
            include_prompt_logprobs=include_prompt_logprobs,
            topk_prompt_logprobs=topk_prompt_logprobs,
            topk_sample_logprobs=topk_sample_logprobs,
            target_prompt_logprobs=None if target_prompt_logprobs is None else TensorData.of(target_prompt_logprobs),
            prompt_alt_tokens_k=prompt_alt_tokens_k,
            prompt_logprobs_last_n=prompt_logprobs_last_n,
            record_stability_info=self._sampler.record_stability_info,
        )
        return self.context.limited(timeout, "sample", self._sample(question, timeout))

    @submission
    def compute_logprobs(
        self, prompt: ModelInput, prompt_logprobs_last_n: int | None = None, *, timeout: float | None = None
    ) -> Plan[list[float | None]]:
        """Log-probabilities `[P]` of a prompt's tokens in nats, None for the first, and for those before the last N.

        POST /api/v1/asample, with one token sampled and thrown away.
        """
        plan = self._logprobs(prompt, prompt_logprobs_last_n, timeout)
        return self.context.limited(timeout, "compute_logprobs", plan)

    @operation
    def get_base_model(self, *, timeout: float | None = None) -> Plan[str]:
        """The name of the model that is sampled from. GET /api/v1/samplers/{sampler_id}, once."""
        return self._known_base_model(self.context.policy(timeout))

    @operation
    def get_tokenizer(self, *, timeout: float | None = None) -> Plan[Tokenizer]:
        """The tokenizer of the base model; ExtraMissing when its package isn't installed."""
        return self._tokenizer(timeout)

    def _sample(
        self, question: Question, timeout: float | None, *, anew: bool | None = None, kept: bool = True
    ) -> Plan[SampleResponse]:
        """The samples, unless the server says that the prompt, and an answer that is `kept`, don't fit the model."""
        found = question.problem()
        if found is not None:
            return (yield from halt(found))
        sampler = yield from self._own()
        yield from self._fitting(question.prompt.length, question.sampling_params.max_tokens if kept else None)
        return (yield from sample(sampler, question, inf if timeout is None else timeout, anew=anew))

    def _fitting(self, prompt: int | None, max_tokens: int | None) -> Plan[None]:
        """What is sampled from is asked for, once, only when some model of the server is too small for this."""
        if self._base_model is None and (yield from exceeding(self.context.capabilities, prompt, max_tokens)):
            _ = yield from self._asking.ask(self._asked_base_model)
        yield from require_context(self.context.capabilities, self._base_model, prompt, max_tokens)

    def _asked_base_model(self) -> Plan[Success[None] | Failure[TinkerError]]:
        _ = yield from attempt(self._known_base_model(BRIEFLY))
        return Success(None)

    def _logprobs(self, prompt: ModelInput, last_n: int | None, timeout: float | None) -> Plan[list[float | None]]:
        question = Question(
            prompt=prompt,
            num_samples=1,
            sampling_params=SamplingParams(max_tokens=1),
            include_prompt_logprobs=True,
            prompt_logprobs_last_n=last_n,
            record_stability_info=self._sampler.record_stability_info,
        )
        anew = self._sampler.retry is None or self._sampler.retry.enable_retry_logic
        response = yield from self._sample(question, timeout, anew=anew, kept=False)
        return list(response.prompt_logprobs or ())

    def _known_base_model(self, policy: Policy) -> Plan[str]:
        if self._base_model is None:
            self._base_model = yield from self._found_base_model(policy)
        return self._base_model

    def _found_base_model(self, policy: Policy) -> Plan[str]:
        source = self._sampler.source
        if source.sampling_session_id is not None:
            return (yield from call(get_sampler(source.sampling_session_id), policy)).base_model
        return source.base_model or (yield from call(weights_info(source.model_path or ""), policy)).base_model

    def _tokenizer(self, timeout: float | None) -> Plan[Tokenizer]:
        name = yield from self._known_base_model(self.context.policy(timeout))
        return (yield from loaded_tokenizer(name))


class SamplingClient(SamplingOperations, Blocking):
    """What is sampled from, made by a service or training client. Blocking: samples are promises, all else returns."""


class AsyncSamplingClient(SamplingOperations, Asynchronous):
    """As SamplingClient, awaitable: samples are async promises, all else is awaited."""


def open_sampler(
    context: Context,
    *,
    base_model: str | None = None,
    model_path: str | None = None,
    retry: RetryConfig | None = None,
    record_stability_info: bool = False,
    timeout: float | None = None,
) -> Plan[Sampler]:
    """A sampling session of a base model, or of the weights that a path names."""
    problem = _unclear(base_model, model_path, retry)
    if problem is not None:
        return (yield from halt(problem))
    if base_model is not None:
        yield from require_model(context.capabilities, base_model, "sampleable")
    wanted = Source(base_model=base_model, model_path=model_path)
    policy = context.policy(context.making(timeout))
    source = yield from opened(context.session, wanted, policy, context.waiting)
    return context.sampler(source, retry=retry, record_stability_info=record_stability_info)


def loaded_tokenizer(model: str, tokenizer_id: str | None = None) -> Plan[Tokenizer]:
    """The tokenizer of a model, loaded away from the runtime's thread."""
    match (yield from compute(lambda: load_tokenizer(model, tokenizer_id))):
        case Failure(reason):
            raise AssertionError(reason)
        case outcome:
            return (yield from require(outcome.unwrap()))


def _unclear(base_model: str | None, model_path: str | None, retry: RetryConfig | None) -> TinkerError | None:
    if base_model is None and model_path is None:
        return InvalidInput(message="nothing to sample from: give model_path or base_model", path="model_path")
    if model_path is not None and not model_path.startswith("tinker://"):
        return InvalidInput(
            message=f"model_path is {model_path!r}; a saved checkpoint's path begins with tinker://",
            path="model_path",
            value=model_path,
        )
    return retry_problem(retry)


def retry_problem(retry: RetryConfig | None) -> InvalidInput | None:
    """What is wrong with the caller's wishes about failed samples."""
    return None if retry is None else settings_problem(retry, "retry_config")
