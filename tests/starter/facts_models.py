"""Facts about the keys of models and memories, and about installing Poly."""

from .facts import Fact, fact

FACTS: tuple[Fact, ...] = (
    fact(
        "context",
        """context_size is how many tokens a model can see at once, prompt and answer together. By default the GGUF file
        says it, as far as memory allows.""",
        things="""context_size; the context size; the context window; the context; the context_size setting; the context
        length""",
        deeds="""(change/set/increase/raise/enlarge/lower) the (context/context size/context window); get a
        (bigger/larger/longer) context; fit a longer (text/prompt/chat); use long prompts""",
        asks="""what (is/does) (context_size/the context size/the context window/the context) (for/do/); how (much
        text/many tokens/long a prompt) can (it/a model/the model) (see/take/handle/read); what is the default context
        size; my prompt is too long; how big is the context; how long can a prompt be""",
        test="""the whole document does not fit in; how far back can it look; which key says how much the model keeps in
        view""",
        dev="room for longer conversations",
    ),
    fact(
        "threads",
        "Set threads_per_session in the model's table; by default Poly uses the cores of the machine.",
        things="threads_per_session; threads; the number of threads; CPU threads; the threads setting",
        deeds="""(use/set) (more/fewer/all/less) (CPU cores/cores/threads/CPUs); (change/set/limit) the (number of/)
        threads; make it faster on the CPU; use all my cores; leave a core free""",
        asks="""how many (threads/cores/CPUs) does Poly use; what (is/does) threads_per_session (for/do/); does Poly use
        all (cores/my cores); how many threads should I (use/set); is Poly multithreaded""",
        test="""my processor has sixteen cores, are they busy; keep the CPU load down; which setting tells how parallel
        a model computes""",
        dev="spread the work over the processor",
    ),
    fact(
        "gpu",
        """Set `use_gpu = true` in the model's table, and gpu_layers to the number of layers for the GPU. `poly doctor`
        says if it can.""",
        things="use_gpu; gpu_layers; the GPU; GPU support; GPU acceleration; the gpu_layers setting; CUDA",
        deeds="""(use/enable/turn on/switch on) (my GPU/the GPU/GPU acceleration/the graphics card/CUDA/Metal); offload
        layers (to the GPU/); run a model on the (GPU/graphics card/video card); speed up a model with the GPU""",
        asks="""does Poly (support/use/run on) (GPUs/the GPU/a GPU/CUDA/graphics cards/NVIDIA/Metal/Vulkan); what
        (is/does) (use_gpu/gpu_layers) (for/do/); is GPU acceleration (possible/supported); can (Poly/it/I) use
        (my/the/a) (GPU/graphics card); how many layers go to the GPU; why is my GPU (idle/not used)""",
        test="""I own an RTX card, let it do the work; move part of the network to video memory; hardware acceleration,
        please; the graphics chip stays cold""",
        dev="calculate on the video card",
    ),
    fact(
        "batch",
        "batch_size is how many prompt tokens a model takes in at a time; larger values read long prompts faster.",
        things="batch_size; the batch size; the batch_size setting; the batch_size key",
        deeds="""(set/change/raise/lower/increase) (batch_size/the batch size); read (long prompts/prompts) faster;
        speed up reading prompts""",
        asks="""what (is/does) (batch_size/the batch size) (for/do/); which batch size (should I use/is good); how does
        batch_size work; what is a batch size; how large should batch_size be""",
        test="""how many tokens of my input are digested together; take in a lengthy input quicker; meaning of the batch
        option""",
        dev="prompt tokens per gulp",
    ),
    fact(
        "lora",
        "List adapter files in lora_adapters of the model: Poly applies them when it loads the model.",
        things="lora_adapters; LoRA; a LoRA adapter; LoRA adapters; adapters; the lora_adapters key",
        deeds="""(use/load/apply/add) (a LoRA/LoRA adapters/an adapter/a LoRA adapter/adapters/LoRAs); use a fine-tuned
        adapter; add a fine-tune to a model""",
        asks="""does Poly (support/load) (LoRA/LoRA adapters/adapters/fine-tunes); what (is/are/does)
        (lora_adapters/LoRA adapters/a LoRA) (for/do/); can I (use/load) (a LoRA/LoRA adapters/adapters); where do LoRA
        adapters go""",
        test="""I fine tuned a small adapter, where do I put it; low rank weights on top of a base model; patch the base
        model with extra weights""",
        dev="low-rank patch files",
    ),
    fact(
        "store",
        "A memory keeps its chunks in a local file store by default. Qdrant and PostgreSQL with pgvector work, too.",
        things="""store; the store of a memory; the file store; Qdrant; pgvector; the vector store; the vector database;
        the store key""",
        deeds="""(use/connect/set up/configure) (Qdrant/pgvector/PostgreSQL/Postgres/a vector database/another store);
        (choose/change) the store (of a memory/); keep a memory in (Qdrant/Postgres/PostgreSQL/a database)""",
        asks="""where (does a memory keep/are/does a memory store) (its chunks/chunks stored/its data/memories stored);
        which (stores/databases/vector databases/vector stores) (are there/does Poly support/can I use/work with Poly);
        does Poly support (Qdrant/pgvector/PostgreSQL/Postgres); what is (the file store/Qdrant/pgvector); do I need a
        (database/vector database); where is a memory (stored/kept)""",
        test="""our company already runs Postgres, could a memory live there; on which back-ends may chunks be held; is
        an external database necessary for memories""",
        dev="back-end that holds the vectors",
    ),
    fact(
        "chunksettings",
        """Set chunk_max_tokens and chunk_separators in the memory: documents are cut at the separators into chunks of
        that size.""",
        things="""chunk_max_tokens; chunk_separators; the chunk size; the chunk settings; the size of chunks; the
        chunk_max_tokens setting""",
        deeds="""(change/set/lower/raise/choose) the (chunk size/size of chunks/chunk settings); make chunks
        (smaller/larger/bigger/shorter/longer); control how documents are (split/cut/divided); split documents (at
        paragraphs/at lines/by paragraph)""",
        asks="""how (big/large/long) (is a chunk/are chunks); what (is/does/are) (chunk_max_tokens/chunk_separators)
        (for/do/); where are documents (split/cut); chunks are too (big/small/long/short); what is the chunk size; which
        separators are used""",
        test="""the recalled pieces are overly long; documents should be divided at blank lines; which keys rule the
        size of the pieces""",
        dev="granularity of the pieces",
    ),
    fact(
        "storeprompts",
        """With `memorization = { memory = "NAME", store_prompts = true }` a task also stores what users say in its
        memory.""",
        things="store_prompts; the store_prompts setting; the store_prompts key",
        deeds="""(remember/store/save/keep) (prompts/what users say/what I say/user prompts/my prompts) (in a memory/);
        let a task (remember/learn from) (chats/conversations/what users say/prompts); make a task remember
        (conversations/chats/what I say)""",
        asks="""what (is/does) store_prompts (for/do/); can a task (remember what I say/store prompts/remember
        prompts/learn from its users); are prompts (stored/remembered) in a memory; does a task remember (what users
        say/earlier chats/earlier conversations)""",
        test="""next week it should still know what I told it; user messages are to be added to the memory; long term
        recollection of prompts""",
        dev="keep utterances for later",
    ),
    fact(
        "formats",
        "Poly ingests plain text, Markdown, HTML, PDF and DOCX files.",
        things="""the (document/file) formats; the (supported/) (file types/document formats/document types); PDF files;
        DOCX files; Word documents""",
        deeds="(ingest/read/import/load) (a PDF/PDFs/Word files/a Word document/DOCX files/HTML/Markdown files)",
        asks="""which (files/documents/formats/file types/document types) (can I ingest/can Poly read/does Poly
        read/work/are supported/can be ingested); can Poly (read/ingest/import) (PDF/PDFs/Word/DOCX/HTML/Markdown)
        (files/); does Poly (read/support/ingest) (PDF/PDFs/Word documents/DOCX/HTML/Markdown); are
        (PDF/DOCX/Word/HTML/Markdown) files supported; what can be ingested""",
        test="""will it understand my Word letters; is a web page acceptable as a document; of what type may documents
        be; may I feed it portable document files""",
        dev="acceptable kinds of documents",
    ),
    fact(
        "concurrent",
        """Many chats can share one model at once: Poly decodes them together in one batch, and computes a shared
        prelude only once.""",
        things="continuous batching; batching; concurrency; parallel sessions; parallel chats; concurrent users",
        deeds="""serve (many/several) (users/clients/chats/sessions) (at once/at the same time/in parallel); run
        (several/many/parallel) (chats/sessions/prompts) (at once/in parallel/on one model); share a model between
        users""",
        asks="""can (many/several/two) (users/people/chats/clients/sessions) use (it/Poly/a model/one model) at
        (once/the same time); does Poly (support/do) (batching/continuous batching/parallel requests/concurrent users);
        what happens with (many/several) (users/requests) at once; how many (users/clients/chats) can it serve; is
        batching supported""",
        test="""ten people will chat simultaneously, is that a problem; does each session need a model of its own; what
        about simultaneous requests""",
        dev="a crowd of users in parallel",
    ),
    fact(
        "install",
        """Poly is a Python package: it needs Python 3.11 or newer and a C++ compiler. The README has the command that
        sets it up.""",
        things="""the installation; the requirements; the system requirements; the installation of Poly; the Python
        version""",
        deeds="""(install/set up/build/get/download) (Poly/this program/the Poly package) (on another machine/with
        pip/from source/on my machine/); update the Poly package""",
        asks="""what does Poly (need/require) (to run/to be installed/); which (Python/Python version) (do I need/does
        Poly need/is required); is Poly (written in Python/a Python package/a Rust program); what are the (system/)
        requirements (of Poly/); in which (programming/) language is Poly written; do I need (Python/a compiler/a
        GPU)""",
        test="""what must be on a computer before Poly can go on it; is Python 3.9 recent enough; I want it on my other
        laptop""",
        dev="prerequisites for the setup",
    ),
)
