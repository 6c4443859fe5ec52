"""The figures of an answer: while it comes, and those that are kept."""

from poly_engine.types import BiasState, Progress, Thinking, Token
from poly_tui.chats.facts import measured_fact
from poly_tui.chats.tree import ChatTurn
from poly_tui.inspector.figures import Figures, kept_figures
from poly_tui.inspector.live import figure_rows
from poly_tui.inspector.records import MOST_RECORDS, Record, Records
from poly_tui.screens.meter import Meter
from tests.tui.inspector.steps import FACTS, Clock


class Answer:
    """An answer that comes by a clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turn = ChatTurn("q", task="legal", model="big")
        self.meter = Meter(self.clock)
        self.meter.open(4096)
        self.meter.ask()
        self.record = Record(self.clock)

    def hear(self, *events: Progress | Thinking | Token, after_s: float = 0.0) -> None:
        for event in events:
            self.clock.now += after_s
            self.meter.hear(event)
            self.record.hear(event)
            self.record.beat()

    @property
    def figures(self) -> Figures:
        return self.record.figures(self.turn, self.meter.status, "contracts")


def test_while_an_answer_comes_the_queue_the_prompt_and_the_reply_are_measured() -> None:
    answer = Answer()
    answer.hear(Progress(100, 500), after_s=0.25)
    answer.hear(Progress(300, 500), Progress(500, 500), after_s=0.5)
    answer.hear(*[Token("x", 1)] * 11, after_s=0.5)
    figures = answer.figures
    assert (figures.queued_s, figures.n_prompt, figures.n_cached, figures.prefill_s) == (0.25, 500, 100, 1.0)
    assert figures.prefill_per_s == 400.0
    assert (figures.n_reply, figures.n_thought, figures.tokens_per_s, figures.first_token_s) == (11, 0, 2.0, 1.75)
    assert (figures.speeds, figures.peak) == ((2.0,) * 10, 2.0)
    assert (figures.context_used, figures.task, figures.model, figures.memory) == (511, "legal", "big", "contracts")


def test_thoughts_are_counted_apart_and_reading_them_is_not_reading_the_prompt() -> None:
    answer = Answer()
    answer.hear(Progress(0, 8), Progress(8, 8), after_s=0.5)
    answer.hear(Thinking("a", 1), Thinking("b", 1), Progress(10, 10), Token("x", 1), after_s=0.5)
    figures = answer.figures
    assert (figures.n_reply, figures.n_thought, figures.n_prompt, figures.prefill_s) == (1, 2, 8, 0.5)


def test_the_figures_of_the_engine_are_the_ones_that_are_kept() -> None:
    turn = ChatTurn("q", task="legal", model="big", state="complete", facts=dict(FACTS))
    figures = kept_figures(turn)
    assert (figures.state, figures.is_writing, figures.tokens_per_s) == ("came to its end", False, 48.0)
    assert (figures.n_prompt, figures.n_cached, figures.prefill_s, figures.queued_s) == (1612, 1200, 0.38, 0.03)
    assert (figures.n_reply, figures.n_thought, figures.thought_s, figures.forced_share) == (300, 12, 0.4, 0.25)
    assert (figures.context_used, figures.context_size, figures.bias_state) == (1924, 4096, "complete")
    assert (figures.speeds, figures.peak) == ((10.0, 40.0, 48.0, 51.0, 45.5), 51.0)


def test_of_an_answer_that_was_stopped_what_was_measured_is_kept() -> None:
    answer = Answer()
    answer.hear(Progress(8, 8))
    answer.hear(*[Token("x", 1, bias_state="open")] * 5, after_s=0.5)
    answer.meter.stop()
    answer.turn.state = "stopped"
    answer.turn.facts["measured"] = measured_fact(answer.record.measured(answer.meter.status))
    figures = kept_figures(answer.turn)
    assert (figures.state, figures.n_reply, figures.tokens_per_s, figures.first_token_s) == ("stopped", 5, 2.0, 0.5)
    assert (figures.context_used, figures.context_size, figures.bias_state) == (13, 4096, "open")
    assert figures.forced_share == 0.0
    assert figures.n_prompt is None


def test_of_a_turn_of_earlier_versions_nothing_is_made_up() -> None:
    turn = ChatTurn("q", state="complete", facts={"usage": "?", "measured": {"speeds": ["fast"], "bias_state": "odd"}})
    figures = kept_figures(turn)
    assert (figures.tokens_per_s, figures.n_prompt, figures.bias_state, figures.speeds) == (None, None, None, ())


def test_the_last_answers_are_held_and_older_ones_are_let_go() -> None:
    records = Records(Clock())
    turns = [ChatTurn(str(n)) for n in range(MOST_RECORDS + 1)]
    for turn in turns:
        records.begin(turn)
        records.hear(Token(turn.prompt, 1))
    assert records.of(turns[0]) is None
    oldest = records.of(turns[1])
    assert oldest is not None
    assert [token.text for token in oldest.tokens] == ["1"]


def test_the_page_says_what_is_known_and_leaves_open_what_is_not() -> None:
    rows = [row.plain.rstrip() for row in figure_rows(kept_figures(ChatTurn("q", state="cut", facts=dict(FACTS))), 38)]
    assert rows[0] == "48.0 tok/s ▂▇███ peak 51.0"
    assert "state       cut off at the limit of t…" in rows
    assert "  read      0.38 s  1084 tok/s" in rows
    assert "context     ████░░░░ 1.9k/4.1k 47%" in rows
    assert "schema      ✓ complete" in rows
    nothing = [row.plain.rstrip() for row in figure_rows(Figures(), 38)]
    assert len(nothing) == len(rows)
    assert "prompt      -" in nothing


def test_every_row_fits_the_width() -> None:
    states: list[BiasState | None] = [None, "open", "closing", "complete"]
    for state in states:
        figures = Figures(state="x" * 50, bias_state=state, model="漢字" * 30, speeds=(1.0,) * 90, peak=12345.6)
        assert all(row.cell_length <= 33 for row in figure_rows(figures, 33))
