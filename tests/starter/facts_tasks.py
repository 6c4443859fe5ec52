"""Facts about the keys of a task: prompts, limits, samplers, schemas."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "prelude",
        "The prelude is text that a task puts at the very start of a session, once, before the first prompt.",
        things="the prelude; a prelude; prelude; the prelude of a task; the system prompt (of a task/)",
        deeds="""(set/write/use/add) a (prelude/system prompt); give a task (instructions/a system prompt/a role/a
        personality); put text at the start of a session""",
        asks="""what (is/does) (the/a) prelude (for/do/); where does the (system prompt/prelude) go; when is the prelude
        used; how often is the prelude (used/sent); does a task have a system prompt""",
        test="""standing instructions for a task, where do they belong; text that is said once when a chat begins; my
        task should always act like a pirate""",
        dev="opening words of a session",
    ),
    fact(
        "prefix",
        "The prefix goes before every prompt of a task and the postfix goes after it, for instance to mark who speaks.",
        things="""the prefix; the postfix; a prefix; a postfix; prefix and postfix; prefix; postfix; the prefix of a
        task""",
        deeds="""put text (before/after/around) (every/each/a) prompt; (set/use/add/write) (a/the) (prefix/postfix);
        wrap every prompt; add text to every prompt""",
        asks="""what (is/does) (the/a) (prefix/postfix) (for/do/); what are (prefix and postfix/prefixes/postfixes)
        (for/); what goes (before/after) (every/each) prompt; where does the (prefix/postfix) go; what is the difference
        between prefix and postfix""",
        test="""surround what the user types with fixed words; which keys hold the text on either side of a prompt;
        something is to be added behind each message""",
        dev="text on both sides of the user's input",
    ),
    fact(
        "template",
        """Give the task no prompts, or `template = "auto"`, and Poly uses the chat template that is stored in the GGUF
        file.""",
        things="the chat template; template; template = auto; a chat template; the template key; the prompt template",
        deeds="""use the (chat template/template/model's own template/model's template); set the (chat
        template/template); format a chat for a model; choose a chat template""",
        asks="""what (is/does) (the chat template/template/template = auto/a chat template) (for/do/); does Poly use the
        chat template (of the model/); which (chat template/template) is used; where does the chat template come from;
        does Poly support (ChatML/jinja/chat templates)""",
        test="""every model wants its chat in a special form, who cares for that; must I write the role markers by hand;
        is the format in the model file honoured""",
        dev="role markers of the model",
    ),
    fact(
        "stop",
        """Put words in stop_sequences of the task: generation ends when one of them appears, and no part of it is
        shown.""",
        things="stop_sequences; a stop sequence; stop sequences; stop words; the stop_sequences setting",
        deeds="""(stop/end) (the output/generation/an answer) at a (word/marker/string); set (stop words/stop
        sequences/a stop sequence); end (the output/generation) when a word appears; add a stop word""",
        asks="""what (is/are/does) (stop_sequences/a stop sequence/stop sequences/stop words) (for/do/); can I use stop
        (words/sequences/strings); how do stop sequences work; where do stop (words/sequences) go""",
        test="""the text should break off as soon as it says END; certain strings must terminate the reply; halt at a
        particular phrase""",
        dev="phrase which finishes the text",
    ),
    fact(
        "private",
        "private_tokens of a task are never shown in the output, and a prompt that contains one is refused.",
        things="private_tokens; private tokens; a private token; the private_tokens setting",
        deeds="""hide tokens (in the output/from the user/); keep tokens (private/secret/out of the output); refuse
        prompts with (certain/special) tokens; set private tokens; forbid a token""",
        asks="""what (is/are/does) (private_tokens/private tokens/a private token) (for/do/); which tokens are
        (hidden/refused/private); why was my prompt refused; what happens with private tokens; where do private tokens
        go""",
        test="""some markers must not be seen by users; input with a secret marker should be rejected; conceal internal
        tokens""",
        dev="markers nobody may see",
    ),
    fact(
        "maxtokens",
        "Set max_tokens in the task, or `--max-tokens N` with `poly run`: an answer ends after that many tokens.",
        things="max_tokens; the max_tokens setting; --max-tokens; the token limit; the limit of an answer",
        deeds="""(limit/cap/restrict/set) the length (of an answer/of answers/of the output/); make answers
        (shorter/longer/short); get (shorter/longer) answers; limit the (number of/) tokens; set (the/a) (token
        limit/max_tokens/limit)""",
        asks="""what (is/does) (max_tokens/--max-tokens) (for/do/); how long can an answer (be/get); answers are too
        (long/short); why does the answer (end/stop) early; is there a token limit; what limits the length of an
        answer""",
        test="""at most a hundred pieces per reply, how; it writes whole novels, I want brief output; the reply is cut
        off, what setting might it be""",
        dev="a ceiling for the amount of text",
    ),
    fact(
        "temperature",
        "temperature sets how random the output is: low values are steady, high ones are creative. The default is 0.8.",
        things="temperature; the temperature; the temperature setting; the effect of temperature",
        deeds="""make the output (less random/more random/more creative/steadier/more steady/more varied/less creative);
        (change/set/lower/raise) the temperature; get (more creative/steadier/less random/more varied) (output/answers);
        control the randomness""",
        asks="""what (is/does) (the/) temperature (for/do/); what is the default temperature; (which/what) temperature
        (should I use/is good); is the output random; how random is the output; what does a (low/high) temperature do;
        answers are too (random/boring/creative/wild)""",
        test="""I wish for wilder stories; the model should be calmer in its choice of words; which setting steers
        creativity""",
        dev="more adventurous text",
    ),
    fact(
        "topk",
        "top_k keeps only the k most likely tokens before one is drawn. The default is 40.",
        things="top_k; top-k; top k; the top_k setting; the effect of top_k; top k sampling",
        deeds="""(set/change/lower/raise/use) top_k; limit the (candidates/candidate tokens/number of candidates); keep
        only the most likely tokens""",
        asks="""what (is/does) (top_k/top-k/top k) (for/do/mean/); what is the default (of/for) top_k; which top_k
        (should I use/is good); how does top_k work""",
        test="""how many candidates are considered for each token; explain the sampler with the k; draw from just the
        ten best tokens""",
        dev="meaning of k in sampling",
    ),
    fact(
        "topp",
        "top_p keeps the most likely tokens until their probabilities add up to p. The default is 0.95.",
        things="top_p; top-p; top p; the top_p setting; nucleus sampling; the effect of top_p; top p sampling",
        deeds="(set/change/lower/raise/use) top_p; use nucleus sampling; cut off unlikely tokens by their sum",
        asks="""what (is/does) (top_p/top-p/top p/nucleus sampling) (for/do/mean/); what is the default (of/for) top_p;
        which top_p (should I use/is good); how does (top_p/nucleus sampling) work""",
        test="""the sampler that adds up probabilities, what is it; explain the nucleus option; which parameter has 0.95
        as its default""",
        dev="meaning of p in sampling",
    ),
    fact(
        "minp",
        "min_p drops tokens whose probability is less than that share of the best token's probability.",
        things="min_p; min-p; min p; the min_p setting; the effect of min_p; min p sampling",
        deeds="(set/change/lower/raise/use) min_p; drop unlikely tokens relative to the best one; use min p sampling",
        asks="""what (is/does) (min_p/min-p/min p) (for/do/mean/); which min_p (should I use/is good); how does min_p
        work; does Poly (have/support) min_p""",
        test="""throw away tokens far worse than the best one; explain the minimum probability option; is there a cut
        relative to the top token""",
        dev="meaning of min p",
    ),
    fact(
        "penalty",
        "repeat_penalty makes tokens less likely that were used before. The default is 1.30, over the last 64 tokens.",
        things="""repeat_penalty; the repeat penalty; the repetition penalty; repetition_penalty_last_n; the
        repeat_penalty setting""",
        deeds="""(avoid/stop/prevent/reduce) (repetition/repetitions/loops/repeated words); (set/change/lower/raise)
        (repeat_penalty/the repeat penalty/the repetition penalty); keep the model from repeating itself""",
        asks="""what (is/does) (repeat_penalty/the repeat penalty/repetition_penalty_last_n/the repetition penalty)
        (for/do/); what is the default (of/for) repeat_penalty; the model repeats itself; it says the same (thing/words)
        again and again; why does it repeat itself""",
        test="""the same sentence comes over and over; punish words that already occurred; it is stuck in a loop, which
        option helps""",
        dev="parrot like output",
    ),
    fact(
        "samplers",
        """With `samplers = ["topk:k=40", "temperature:0.7"]` a task lists its samplers one by one, for instance with
        mirostat.""",
        things="""samplers; the samplers key; the samplers list; sampler strings; a sampler; mirostat; the samplers
        setting""",
        deeds="""(set/choose/list/use/combine) (samplers/the samplers/mirostat/several samplers); write a sampler
        string; use mirostat; choose how tokens are drawn""",
        asks="""what (is/are/does) (samplers/a sampler/sampler strings/mirostat) (for/do/); which samplers (are
        there/can I use/does Poly have); does Poly support mirostat; how (are/do) samplers (written/work/configured)""",
        test="""I want full control of the sampling chain; in what form are sampling steps listed; tail free or typical
        sampling, can I have it""",
        dev="custom chain for drawing tokens",
    ),
    fact(
        "schema",
        "Give the task `biaser = { json_schema = {...} }`: then its output always is valid JSON that fits the schema.",
        things="""a biaser; the biaser; biaser; json_schema; a JSON schema; the json_schema key; structured output;
        json_schema_file""",
        deeds="""(get/force/produce) (valid JSON/JSON/JSON output/structured output) (from a task/from a model/);
        (constrain/restrict/bias) the output (to a schema/to JSON/); make a task (return/give/answer in) JSON; use a
        (JSON schema/schema/biaser); bind the output to a schema""",
        asks="""can Poly (produce/make/guarantee) (JSON/valid JSON/structured output); what (is/does) (a/the)
        (biaser/json_schema/JSON schema) (for/do/); is structured output possible; can a task (return/answer in/give)
        JSON; does Poly support (JSON schemas/structured output/grammars); how do I get JSON back; can the output break
        the schema""",
        test="""I want answers as objects with fixed fields; the reply must always parse; make the model stick to a
        given structure; fill a form with a task""",
        dev="machine parseable objects from a task",
    ),
    fact(
        "biasprompt",
        "With bias_prompt the model first thinks in free text that stays hidden; then the biased answer is generated.",
        things="bias_prompt; the bias_prompt; a bias prompt; the bias prompt; the bias_prompt key",
        deeds="""(set/use/write) (a bias prompt/bias_prompt/a bias_prompt); let the model think before (JSON/the
        JSON/the biased answer); think first and then answer in JSON""",
        asks="""what (is/does) (bias_prompt/a bias prompt/the bias prompt) (for/do/); can the model think before (it
        answers in JSON/the JSON); when is the bias prompt used; how does bias_prompt work""",
        test="""a hidden phase of thought ahead of the structured answer; may it reason silently before filling the
        schema; text between thinking and JSON""",
        dev="reason first, object later",
    ),
)
