"""What is deleted stays for a while, and can be had back."""

from poly_tui.memories.bin import GRACE_S, Bin


def test_what_is_deleted_is_due_only_when_its_time_is_over() -> None:
    deleted = Bin()
    deleted.throw("m", ["a", "b"], now=100.0)
    assert deleted.empty(100.0 + GRACE_S - 1) == []
    assert deleted.sources("m") == {"a", "b"}
    (thrown,) = deleted.empty(100.0 + GRACE_S)
    assert (thrown.memory, thrown.sources) == ("m", ("a", "b"))
    assert deleted.is_empty


def test_what_was_deleted_last_is_had_back_first_and_only_that_of_the_same_memory() -> None:
    deleted = Bin()
    deleted.throw("m", ["a"], now=0.0)
    deleted.throw("m", ["b"], now=1.0)
    deleted.throw("n", ["a"], now=2.0)
    taken = deleted.take_back("m")
    assert taken is not None
    assert taken.sources == ("b",)
    assert (deleted.holds("m", "a"), deleted.holds("m", "b"), deleted.holds("n", "a")) == (True, False, True)


def test_a_document_that_is_taken_in_again_is_no_longer_about_to_be_forgotten() -> None:
    deleted = Bin()
    deleted.throw("m", ["a", "b"], now=0.0)
    deleted.spare("m", "a")
    assert [one.sources for one in deleted.empty()] == [("b",)]


def test_what_is_deleted_already_is_not_deleted_twice() -> None:
    deleted = Bin()
    deleted.throw("m", ["a"], now=0.0)
    assert deleted.throw("m", ["a"], now=5.0) is None
