"""A task, ready to be used: its prompts, its sampler, and what it keeps private."""

import random
from collections.abc import Mapping

from poly_engine import sampling
from poly_engine.batch.messages import Generate
from poly_engine.batch.opened import OpenedModel, Vocabulary
from poly_engine.config import TaskConfig
from poly_engine.config.tasks import PLAIN_SETTINGS
from poly_engine.errors import IllegalToken, InvalidRequest
from poly_engine.overrides import NEVER
from poly_engine.prompts import AffixPrompts, Prompts, Said, Written
from poly_engine.sampling import SamplerChain
from poly_engine.template import ChatTemplate
from poly_engine.tools.plan import CallPlan
from poly_engine.types import Bias, Overrides

_N_SEEDS = 0xFFFFFFFF  # llama.cpp takes 32 bits, and the last number to mean "any"


class Task:
    """What a task of the configuration means for a model."""

    def __init__(self, name: str, config: TaskConfig) -> None:
        self.name = name
        self.config = config

    def prompts(self, model: OpenedModel, system: str | None) -> Prompts:
        """How to prompt `model`. `system` replaces the system message of the task.

        Raises InvalidRequest when the model cannot write, the task has no place for a system message, or the template
        cannot be used.
        """
        config = self.config
        if not model.can_write:
            raise InvalidRequest(f"model {config.model} of task {self.name} computes embeddings only, it cannot write")
        source = model.chat_template if config.template == "auto" else config.template
        message = self._system_message(system)
        if self._has_own_prompts:
            if system is not None:
                raise InvalidRequest(f"task {self.name} writes its own prompts and has no place for a system message")
            return AffixPrompts(Written(config.prelude or "", "system"), config.prefix or "", config.postfix or "")
        if source is None or source == "none":
            return AffixPrompts(message or Written(""), "", "")
        return ChatTemplate(source, message, model.vocabulary.special_names)

    def _system_message(self, system: str | None) -> Written | Said | None:
        """What the caller says in place of the configuration may not hold special tokens, and it may."""
        if system is not None:
            return Said(system, "system")
        return None if self.config.system is None else Written(self.config.system, "system")

    def check(self, prompt: str) -> None:
        """Raise IllegalToken if a text of a caller holds what the task keeps private."""
        for text in self.config.private_tokens:
            if text in prompt:
                raise IllegalToken(f"illegal token encountered: task {self.name} keeps {text!r} to itself")

    def max_tokens(self, overrides: Overrides) -> int | None:
        """How long an answer may be; None if only the context limits it."""
        return self.config.max_tokens if overrides.max_tokens is None else overrides.max_tokens

    def bias(self, schema: Bias | Mapping[str, object] | None) -> Bias | None:
        """What an answer has to look like: `schema` if it is given, else what the task says. Raises InvalidSchema."""
        if schema is None:
            return None if self.config.biaser is None else self.config.biaser.bias
        return schema if isinstance(schema, Bias) else Bias.of_schema(schema)

    def check_calls(self, schema: object) -> None:
        """Raise InvalidRequest if tools cannot be called beside what else binds the answer."""
        if schema is not None:
            raise InvalidRequest("an answer is bound to a schema or calls tools: leave out either")
        if self.config.biaser is not None:
            raise InvalidRequest(f"task {self.name} binds its answers by a biaser and cannot call tools beside it")

    def bias_prompt(self, bias: Bias | None) -> str | None:
        """What the model reads between its thoughts and an answer with `bias`; None if it is not to think before."""
        return (self.config.bias_prompt or None) if bias is not None else None

    def request(
        self,
        number: int,
        tokens: list[int],
        overrides: Overrides,
        vocabulary: Vocabulary,
        *,
        max_tokens: int,
        bias: Bias | None = None,
        continues: bool = False,
        calls: CallPlan | None = None,
    ) -> Generate:
        """The request to continue `tokens`. Stop sequences do not count where there is a bias: it says where the answer
        ends. A free answer in which tools may be called ends where the calls begin. Raises InvalidRequest for settings
        that cannot be.
        """
        config = self.config
        seed = config.seed if overrides.seed is None else overrides.seed
        stops = config.stop_sequences if overrides.stop_sequences is None else overrides.stop_sequences
        signs = calls.signs if calls and not bias else ()
        is_opening = calls is not None and calls.is_opening
        return Generate(
            number,
            tuple(tokens),
            self._sampler(overrides, bias),
            (random.getrandbits(32) if seed is None else seed) % _N_SEEDS,
            max_tokens=max_tokens,
            stop_sequences=() if bias else (*stops, *(() if is_opening else signs)),
            private_texts=tuple(config.private_tokens),
            private_ids=self._private_ids(vocabulary),
            bias=bias,
            continues=continues,
            logit_bias=_logit_bias(overrides, vocabulary),
            logprobs=overrides.logprobs,
            marks=calls.marks if calls else (),
            openings=signs if is_opening else (),
        )

    @property
    def _has_own_prompts(self) -> bool:
        return any(text is not None for text in (self.config.prelude, self.config.prefix, self.config.postfix))

    def _private_ids(self, vocabulary: Vocabulary) -> frozenset[int]:
        parsed = [vocabulary.template_tokens(text) for text in self.config.private_tokens]
        return frozenset(tokens[0] for tokens in parsed if len(tokens) == 1)

    def _sampler(self, overrides: Overrides, bias: Bias | None) -> SamplerChain:
        changes = {key: value for key in PLAIN_SETTINGS if (value := getattr(overrides, key)) is not None}
        if self.config.samplers is not None:
            if changes:
                raise InvalidRequest(f"task {self.name} fixes its samplers; {', '.join(changes)} cannot be set beside")
            return sampling.parse(self.config.samplers)
        settings = {key: getattr(self.config, key) for key in PLAIN_SETTINGS}
        if bias is not None and "repeat_penalty" not in self.config.model_fields_set:
            settings["repeat_penalty"] = 1.0  # else the quote that ends a text is the less likely the more there were
        settings |= changes
        try:
            return sampling.from_settings(**settings)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error


def _logit_bias(overrides: Overrides, vocabulary: Vocabulary) -> tuple[tuple[int, float], ...]:
    """What is added to logits; the tokens that end an answer that is not to end never come. Raises InvalidRequest."""
    biases = dict(overrides.logit_bias or ())
    if overrides.ignore_eos:
        biases |= dict.fromkeys(vocabulary.ends, NEVER)
    if sum(bias == NEVER for bias in biases.values()) == vocabulary.n_tokens:
        raise InvalidRequest("logit_bias leaves no token to be drawn: at least one has to have more than -100")
    return tuple(biases.items())
