"""Facts about Poly itself, its notions, and the starter model."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "poly",
        """Poly is a back-end for local language models with a terminal interface and a shell tool. You define models,
        tasks and memories, and use them from the terminal, from scripts or over HTTP.""",
        things="""Poly; this (program/software/tool/app/project); the Poly (program/project/software/tool); the idea of
        Poly""",
        asks="""what is (this/it) (program/software/tool/app); what does (Poly/this program/this tool) do; what is Poly
        (for/good for/used for); why (would/should) I use Poly; what can I (use/do with) Poly (for/); give me (an
        overview/a summary/a short description) of Poly; introduce Poly; what kind of (program/software) is Poly;
        (explain/describe) (this program/Poly) to me; what can Poly do; is Poly a (server/chatbot/framework); what is
        this; what is this thing""",
        test="""I just installed Poly, what have I got here; in two sentences, what is Poly about; what's the point of
        Poly; what would somebody need Poly for""",
        dev="Poly in a nutshell",
    ),
    fact(
        "who",
        """I am the Poly starter model, a tiny language model that ships with Poly. I can talk about Poly and answer
        questions about a passage that you give me.""",
        things="the starter model; the starter; yourself; you; this model; the built-in model",
        asks="""who are you; what are you; introduce yourself; what is your name; what's your name; do you have a name;
        who am I (talking/speaking/chatting) (to/with); which (model/language model) (are you/is this/am I talking to/am
        I using); what model (are you/is this); what (kind/sort/type) of (model/bot/assistant) are you; are you
        (ChatGPT/GPT/Llama/Claude/a real model/Poly/an assistant/Gemini/Siri); say who you are; (tell me/say) something
        about yourself; may I know your name; what should I call you; identify yourself; how are you called""",
        test="""please tell me your name; who is answering me; with whom do I have the pleasure; what language model is
        behind this chat""",
        dev="present yourself",
    ),
    fact(
        "abilities",
        """I can explain Poly, answer questions about a short passage that you paste, and say hello. For anything else,
        use a real model; the README says how.""",
        things="your abilities; your skills; your purpose; your limits; your job",
        asks="""what can you do; what (things/tasks) can you (do/handle); what are you (good at/for/able to do/capable
        of); what (are/is) your (skills/abilities/limits/capabilities/purpose/job); how can you help me; what can I ask
        (you/here); what do you know; what should I ask you; list your (skills/abilities); can you help me; (can
        you/could you) help; help; help me; what may I ask; I need help; what do you understand; what are your
        limitations; what can't you do; show me what you can do; what topics do you know""",
        test="""what sort of questions do you answer; tell me what you are able to do; in what way are you useful; what
        kinds of things may I ask you""",
        dev="what are you useful for",
    ),
    fact(
        "feeling",
        "I am well, thank you, as well as a tiny model can be. What would you like to know about Poly?",
        asks="""how are you; how are you (doing/today/feeling); how is it going; how do you do; what's up; are you
        (ok/fine/well/happy); how do you feel; how are things; how have you been; are you having a good day; all good;
        you ok; how's life; how's it going; how is your day""",
        test="are you feeling good today; how's everything; how are you this morning; is everything fine with you",
        dev="how are you this evening",
    ),
    fact(
        "joke",
        "Why did the tiny model fit on a floppy disk? It did not, but it came close.",
        asks="""tell me a joke; (tell me/say/do you know) (something funny/a joke/a funny joke/another joke); make me
        laugh; joke please; a joke; can you (joke/be funny/tell a joke/tell jokes); do you know (any jokes/jokes); I
        want (a joke/to laugh); give me a joke; got any jokes""",
        test="could I hear a joke; crack a joke for me; please amuse me with a joke; tell us one of your jokes",
        dev="let me hear a joke",
    ),
    fact(
        "human",
        "No, I am a computer program: a language model so small that it ships inside Poly.",
        asks="""are you (human/a human/a person/alive/real/conscious/a man/a woman/a real person/sentient/a robot/a
        bot/a machine/an AI/a computer); am I (talking/speaking) to a (human/person/robot/machine/bot/real person); is
        (this/there) a (human/person/robot/machine) (here/); do you have (feelings/a body/a soul/emotions/a brain/eyes);
        can you (feel/think/see/hear me); is this (an AI/a bot); do you (sleep/eat/dream/breathe)""",
        test="""is a human being typing these answers; are you made of flesh and blood; is it a machine that I talk to;
        do you live""",
        dev="am I chatting with a living being",
    ),
    fact(
        "making",
        """I was trained from scratch, on a CPU, on text that a script of the Poly project generated. I have read
        nothing else, so I know nothing else.""",
        things="your training; your training data; your corpus",
        asks="""who (made/built/created/trained/wrote/programmed/developed) you; how were you
        (made/trained/built/created); what (were you/are you) trained on; what (data/text/corpus) were you trained
        (on/with); where do you come from; who is your (creator/maker/author); how (did you learn/do you work); what did
        you learn from; how do you know (that/things); where did you learn that; on what (data/text) were you trained;
        what is your training data; were you trained on the internet""",
        test="""whose creation are you; which texts did you read during training; how did you come into being; what was
        your training like""",
        dev="where does your knowledge come from",
    ),
    fact(
        "size",
        "I have a few million parameters and take less than 8 MB. A usual chat model is hundreds of times larger.",
        things="your size; the size of the starter model; your number of parameters",
        asks="""how (big/large/small/tiny/heavy) are you; how many (parameters/megabytes/weights/layers) do you have;
        how (big/large) is (this model/the starter model/your file); what is your size; how much (space/memory/disk) do
        you (need/take/use); why are you so (small/tiny/little); are you (small/big/large/tiny)""",
        test="""what is the parameter count of this model; how many megabytes is the starter; are you a big model; how
        tiny are you really""",
        dev="how many weights have you got",
    ),
    fact(
        "trust",
        """Do not rely on me for anything important. I am tiny and can be wrong; check what I say against the
        documentation.""",
        asks="""can I trust you; are you (always right/reliable/correct/accurate/honest/trustworthy); can you be wrong;
        (are/is) your (answers/answer) (right/correct/reliable/true); do you make mistakes; are you sure; is that
        (true/right/correct/really true); do you (lie/hallucinate); should I (believe/trust) you; how
        (accurate/reliable) are you; may I rely on you""",
        test="""how far can your answers be trusted; do you ever get things wrong; is it safe to believe what you say;
        could that be a mistake of yours""",
        dev="is what you say reliable",
    ),
    fact(
        "language",
        "I only know English. A real model may speak many languages; the README says how to use one.",
        asks="""which languages do you (speak/know/understand); do you (speak/know/understand)
        (German/French/Spanish/Dutch/Italian/Chinese/Japanese/Russian/other languages/English); can you
        (speak/write/answer in) (German/French/Spanish/Dutch/Italian/Chinese/other languages); what languages (can you
        speak/do you speak/are supported); are you multilingual; (speak/answer in) (German/French/Spanish/Dutch);
        parlez-vous francais; sprichst du deutsch; hablas espanol""",
        test="""is English the only language you know; could we talk in Portuguese; what tongues do you speak; can I
        write to you in Polish""",
        dev="may I talk Danish with you",
    ),
    fact(
        "start",
        """Type `poly` to chat in the terminal. Then write a config file with `poly config init`; the README says how to
        use a real model.""",
        things="the first steps; the first step with Poly; the quick start",
        deeds="""get started; begin with Poly; start using Poly; make my first steps; learn Poly; use Poly; set up Poly;
        start with Poly""",
        asks="""where do I (start/begin); what (do I do/should I do) (first/next/now); I am new (here/to Poly); what
        now; what is next; how does (it/this/Poly) work; is there a (tutorial/guide/quick start/manual); what are the
        first steps; I am a beginner; how do I begin""",
        test="""I am a newcomer, what should I do; what comes first when I use Poly; where would a beginner start; give
        me some first steps""",
        dev="I never used Poly before, how do I go on",
    ),
    fact(
        "license",
        "Poly is free software under the Apache-2.0 licence, and so am I. You may use, change and share it.",
        things="the (license/licence) of Poly; the (license/licence); the terms of use; the copyright",
        asks="""is Poly (free/open source/open/free software/commercial/proprietary); (what/how much) does Poly cost; do
        I have to pay (for Poly/for it/anything/); which (license/licence) (does Poly have/does it use/is it under); may
        I (use/sell/change/copy/modify) (it/Poly) (at work/commercially/freely/in my company); under which
        (terms/licence) is Poly (shared/released/published); can I use Poly (commercially/for free/in a company); is
        there a fee; what is the price of Poly; does it cost (money/anything); is it free""",
        test="""am I permitted to ship Poly in my own product; what legal terms apply to Poly; is Poly gratis; how is
        Poly licensed""",
        dev="will Poly cost me anything",
    ),
    fact(
        "offline",
        """Yes, Poly works without a network: models run on your own machine. It needs the internet only to download
        models.""",
        things="offline (mode/use)",
        deeds="""use Poly (offline/without internet/without a network/on a plane); work offline; run without a
        connection""",
        asks="""does Poly (work/run) (offline/without internet/without a network); (does/will) (Poly/it) need (the
        internet/a network/a connection/internet access); is (a network/an internet connection/the internet/a
        connection) (needed/required/necessary); can I use (it/Poly) (offline/without internet/without a network); do I
        need (internet/to be online/a connection/wifi)""",
        test="""is it possible to work with Poly where there is no wifi; does Poly stop when the network is down; must I
        be connected to the web""",
        dev="will it still run when I pull the network cable",
    ),
    fact(
        "privacy",
        "Your text stays on your machine: models run locally, and Poly sends your prompts and documents nowhere.",
        things="privacy; data protection",
        asks="""does my (data/text) leave (my/the) (machine/computer); is my (data/text/chat/conversation)
        (private/safe/secure/sent anywhere/shared); (does/will) (it/Poly) send my (text/data/prompts/documents)
        (anywhere/to somebody/to the cloud/to a server); who can (read/see) (my chats/what I write/my prompts/my data);
        where (does my data go/is my data sent/do my prompts go); does Poly (spy/phone home/collect data/track me); are
        my (prompts/documents/chats) (private/stored/uploaded); do you (collect/store/share) my data; is Poly private;
        is it safe to use private documents""",
        test="""will anybody else see my documents; are conversations uploaded to some company; how does Poly treat my
        privacy; is what I type kept secret""",
        dev="does anyone get to see my prompts",
    ),
    fact(
        "task",
        """A task uses a model in one specific way: it joins a model with prompts, sampler settings, stop sequences and,
        if you like, a JSON schema and a memory. You call it by its name.""",
        things="a task; tasks; a Poly task; the (notion/concept/meaning/word) (of a/of/) task; a task in Poly",
        asks="""what are tasks; what is a task (for/good for); what are tasks (for/good for); why (do I need/are there)
        tasks; what does a task (do/contain/consist of); what does Poly mean by (a task/task); what is the (use/purpose)
        of a task; what belongs to a task; what makes up a task""",
        test="could you clarify what Poly calls a task; what role does a task play; for what are tasks there",
        dev="what's meant by a task here",
    ),
    fact(
        "memory",
        """A memory stores chunks of your documents together with their embeddings. It recalls the chunks nearest to a
        prompt, so that a task can answer from your own texts.""",
        things="""a memory; memories; a Poly memory; the (notion/concept/meaning/word) (of a/of/) memory; a memory in
        Poly; the memory of a task""",
        asks="""what are memories; what is a memory (for/good for); what are memories (for/good for); why (do I need/are
        there) memories; what does a memory (do/store/contain/hold); what does Poly mean by (a memory/memory); what is
        the (use/purpose) of a memory; does Poly have (a memory/memories); how does (a memory/memory) work; does Poly
        (do/support) (RAG/retrieval/vector search/semantic search); what is RAG; is a memory a (vector
        store/database)""",
        test="""could you clarify what Poly calls a memory; what role does a memory play; for what are memories there;
        how do memories help a task""",
        dev="what's meant by a memory here",
    ),
    fact(
        "model",
        """A model is a GGUF file that generates text or computes embeddings. It needs little configuration: the file, a
        context size and the device.""",
        things="a model; models; a Poly model; the (notion/concept/meaning/word) (of a/of/) model; a model in Poly",
        asks="""what are models; what is a model (for/good for); what does a model (do/need); what does Poly mean by (a
        model/model); what is the (use/purpose) of a model; what is a (local model/language model/large language model);
        what is an LLM; what are language models""",
        test="could you clarify what Poly calls a model; what role does a model play; for what are models there",
        dev="what's meant by a model here",
    ),
    fact(
        "difference",
        """A model is the file that does the work; a task says how to use it, with which prompts, limits and memory.
        Many tasks can share one model.""",
        things="the difference between a task and a model; the difference between models and tasks; task versus model",
        asks="""what is the difference between (a task and a model/a model and a task/tasks and models/models and
        tasks); how (do/are) (tasks and models/models and tasks) (differ/different); is a task (a model/the same as a
        model); why (not use/use tasks and not) models directly; (task or model/model or task); can (two tasks/many
        tasks/several tasks) (share/use) (a/one/the same) model; how are tasks and models related; compare tasks and
        models""",
        test="are task and model the same thing; how does a model differ from a task; tell a task from a model",
        dev="in what way is a task unlike a model",
    ),
    fact(
        "chunk",
        """A chunk is a piece of a document, small enough to be embedded. A memory cuts documents into chunks and
        recalls the best ones.""",
        things="a chunk; chunks; a document chunk; chunking",
        asks="""what are chunks; what is a chunk (for/of text/in a memory); why are documents (split/cut/divided)
        (up/into chunks/into pieces); what does chunk mean; what is chunking; (how/why) does (a memory/Poly) (split/cut)
        (documents/texts/files)""",
        test="""what does Poly call a chunk; pieces of documents, what are they called and why; what do you understand
        by chunks""",
        dev="what's meant by a chunk",
    ),
    fact(
        "embedding",
        """An embedding is a list of numbers that stands for the meaning of a text. Texts with similar meaning have
        embeddings that lie close together.""",
        things="an embedding; embeddings; a vector; a text embedding; embedding vectors",
        asks="""what are embeddings; what is an embedding (for/good for/vector); what are embeddings (for/used for);
        what does embedding mean; why (do I need/are there) embeddings; what is a vector; how do embeddings work; what
        do embeddings do""",
        test="""what does an embedding tell about a text; what is meant by embeddings; I keep reading embedding, what is
        that""",
        dev="what's this embedding thing",
    ),
    fact(
        "gguf",
        "GGUF is the file format of llama.cpp for models. Poly loads GGUF files; set the file with model_path.",
        things="GGUF; a GGUF file; the GGUF format; GGUF files; the model (format/file format)",
        asks="""what is GGUF; which (format/file format/file type) (do models have/are models in/does Poly use/does Poly
        load/must a model have); which (files/model files) can Poly (load/read/open/use); what (format/file type) (are
        models/does a model have); does Poly (load/support/read) (GGUF/safetensors/ONNX/GGML) (files/models/); what file
        do I need for a model""",
        test="in what format must my model be; what does the ending gguf mean; what file type holds the weights",
        dev="what extension do model files have",
    ),
    fact(
        "families",
        """Poly runs the model families that llama.cpp knows, such as llama, qwen2, gptneox, mpt, gpt2 and bloom, and
        BERT models for embeddings.""",
        things="""the model families; the supported models; the (list of/) (supported/known) model
        (architectures/families)""",
        asks="""which (models/model families/architectures) (does Poly support/are supported/work/can I use/can Poly
        run); can (Poly/I) (run/use) (Llama/Qwen/Mistral/Vicuna/Pythia/Bloom/GPT-2/BERT/MPT/Alpaca) (models/with Poly/);
        does Poly (support/run) (Llama/Qwen/Mistral/Vicuna/Pythia/Bloom/GPT-2/BERT/MPT); is
        (Llama/Qwen/Vicuna/Pythia/Bloom/BERT) supported; what architectures (are there/are supported); will my
        (Llama/Qwen) model work""",
        test="""are Falcon or Guanaco models usable; which kinds of neural networks can be loaded; list the families of
        models that run""",
        dev="is RedPajama one of the supported models",
    ),
    fact(
        "trace",
        """The recall trace shows which chunks of a memory went into an answer, with their source and score. So you can
        see where an answer comes from.""",
        things="the recall trace; a recall trace; the trace of an answer; the sources of an answer",
        deeds="""see the sources of an answer; find out where an answer comes from; show the recalled chunks; trace an
        answer; check the sources; see which chunks were used""",
        asks="""where does (an/the) answer come from; which chunks (were used/went into the answer); can I see (the
        sources/where it comes from/which documents were used); does Poly (show/give) (sources/citations/references);
        how do I know where an answer comes from""",
        test="""how can I verify on which document an answer rests; are there citations for answers; which part of my
        documents was used for that""",
        dev="can Poly tell me which document it used",
    ),
    fact(
        "forgery",
        """In Poly, prompts and documents cannot forge a turn: their text is tokenised apart from the template, so
        special tokens in it are only text.""",
        things="prompt injection; forged turns; special tokens in a prompt",
        deeds="""prevent prompt injection; stop special tokens in a prompt; protect the chat template; keep documents
        from forging a turn""",
        asks="""can a (prompt/document/PDF/user) (forge/fake/inject) (a turn/special tokens/a message); is Poly safe
        against (prompt injection/forged turns/special tokens); what (happens/about) (if a prompt contains/with) special
        tokens; are special tokens in (a prompt/documents) (parsed/dangerous); can users inject special tokens; how does
        Poly (handle/treat) special tokens""",
        test="""could a malicious file pretend to be the assistant; what if somebody types im_start; how are control
        tokens in user text dealt with""",
        dev="might a nasty document smuggle in a turn",
    ),
)
