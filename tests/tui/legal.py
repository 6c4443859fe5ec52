"""A made-up office that the pictures of the README are about: its models, tasks, contracts and questions."""

from poly_engine.types import Hit, ModelInfo, TaskInfo

__all__ = ["ANSWER", "ANSWERS", "CONFIG", "DOCUMENTS", "HITS", "MODELS", "QUESTION", "TASKS", "THOUGHTS"]

TASKS = (
    TaskInfo("legal", "qwen3-4b", "Answers from the contracts, and says where it is written"),
    TaskInfo("recipe", "qwen3-4b", "Makes JSON of a recipe"),
    TaskInfo("translate", "gemma-3-1b", "Into Dutch"),
    TaskInfo("search", "bge-small", "Makes vectors"),
)

QUESTION = "When may the supplier end the agreement?"
THOUGHTS = "The user asks when the supplier may end the agreement. Clause 11.2 has the cases."
ANSWER = """The supplier may terminate in **three** cases, each with a notice in writing:

1. **Non-payment** for 30 days after a reminder [1].
2. **A material breach** that is not remedied within 15 days [2]:

   | Breach          | Days | Clause |
   |-----------------|-----:|:------:|
   | late delivery   |   15 |  11.3  |
   | confidentiality |    0 |  11.4  |

3. **Insolvency** of the customer.

> Nothing in this clause limits other rights of the parties.
"""

ANSWERS = {
    "0.4": "The supplier may terminate in three cases: payment is overdue by thirty days [1], a material breach is "
    "not remedied within fifteen days of a notice [2], or the customer is insolvent.",
    "0.7": "There are three cases in which the supplier may end it: payment is overdue by thirty days [1], a material "
    "breach is not remedied in time [2], and insolvency. Each of them needs a notice in writing.",
}
"""What is said at which temperature."""

DOCUMENTS = {
    "/srv/contracts/msa-2024.pdf": """11.2 The Supplier may end this Agreement if payment is overdue by thirty days.

11.3 A material breach which is not remedied within fifteen days ends it.

11.4 A breach of confidentiality ends it at once.

12.1 Notices are sent in writing to the address in the schedule.""",
    "/srv/contracts/order-form-07.pdf": """Payment is due within fourteen days of the invoice.

If payment is overdue, interest of eight per cent is owed.""",
    "/srv/contracts/dpa.docx": """The processor acts on instructions of the controller only.

Subprocessors are named in annex B.""",
    "/srv/contracts/annex-a-prices.md": "Prices are fixed for the first year.",
}


def _hit(text: str, page: int, score: float, ranks: tuple[int, int]) -> Hit:
    return Hit(
        text=text,
        source="msa-2024.pdf",
        score=score,
        place=page,
        start=0,
        end=len(text),
        headings=("11 Termination",),
        first_page=page,
        vector_rank=ranks[0],
        vector_score=score - 0.04,
        words_rank=ranks[1],
        words_score=11 * score,
    )


HITS = (
    _hit("11.2 The Supplier may terminate this Agreement if payment is overdue by more than 30 days.", 7, 0.81, (1, 2)),
    _hit("11.3 A material breach which is not remedied within fifteen days of a notice ends it.", 9, 0.77, (2, 1)),
)

MODELS = (
    ModelInfo(
        "qwen3-4b",
        "/models/qwen3-4b-q4_k_m.gguf",
        "loaded",
        2_497_000_000,
        architecture="qwen3",
        n_params=4_020_000_000,
        context_size=4096,
        train_context_size=40_960,
        embedding_size=2560,
        device="gpu",
        memory_bytes=3_240_000_000,
        quantization="Q4_K_M",
        n_running=2,
    ),
    ModelInfo(
        "gemma-3-1b",
        "/models/gemma-3-1b-it-q8_0.gguf",
        "unloaded",
        1_069_000_000,
        architecture="gemma3",
        n_params=1_000_000_000,
        train_context_size=32_768,
        memory_bytes=1_420_000_000,
        quantization="Q8_0",
    ),
    ModelInfo(
        "bge-small",
        "/models/bge-small-en-v1.5-f16.gguf",
        "unloaded",
        67_000_000,
        architecture="bert",
        n_params=33_400_000,
        train_context_size=512,
        embedding_size=384,
        memory_bytes=92_000_000,
        quantization="F16",
    ),
)

CONFIG = """\
# What the lawyers use.
[models.qwen]
model_path = "qwen3-4b-q4_k_m.gguf"

[models.tiny]
model_path = "bge-small-en-v1.5-f16.gguf"

[tasks.legal]
model = "qwen"
description = "Answers from the contracts, and says where it is written"
system = "You answer from the sources only."
temperature = 0.4   # low: it quotes
stop_sequences = ["\\nUser:"]
memorization = { memory = "contracts", retrieve = 3 }
seed = 7

[tasks.recipe]
model = "qwen"
biaser = { json_schema = { type = "object", properties = { dish = { type = "string" } }, required = ["dish"] } }

[memories.contracts]
embedding_model = "tiny"
"""
