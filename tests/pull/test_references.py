"""What a model to be fetched is called, and which of several quantisations is meant."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from poly_engine.errors import InvalidRequest, PullFailed
from poly_engine.models.found import find_models, find_pulled, url_path
from poly_engine.models.quants import choose, quant_of, variants
from poly_engine.models.recommended import recommended
from poly_engine.models.references import HubReference, UrlReference, parse_reference
from tests.pull.gguf_bytes import gguf_bytes

MEANT = {
    "hf:Qwen/Qwen3-4B-GGUF": HubReference("Qwen/Qwen3-4B-GGUF"),
    "hf:Qwen/Qwen3-4B-GGUF:Q4_K_M": HubReference("Qwen/Qwen3-4B-GGUF", "Q4_K_M"),
    "HF:a/b:q8_0": HubReference("a/b", "q8_0"),
    "hf://a/b": HubReference("a/b"),
    "hf:a/b@v1.0:Q8_0": HubReference("a/b", "Q8_0", revision="v1.0"),
    "hf:a/b/x-q8_0.gguf": HubReference("a/b", file="x-q8_0.gguf"),
    "hf:a/b/Q4/x-00001-of-00002.gguf": HubReference("a/b", file="Q4/x-00001-of-00002.gguf"),
    "https://huggingface.co/a/b": HubReference("a/b"),
    "https://hf.co/a/b/": HubReference("a/b"),
    "https://huggingface.co/a/b/blob/main/x.gguf": HubReference("a/b", file="x.gguf"),
    "https://huggingface.co/a/b/resolve/v2/x%20y.gguf?download=true": HubReference(
        "a/b", file="x y.gguf", revision="v2"
    ),
    "https://example.com/x.gguf": UrlReference("https://example.com/x.gguf"),
    "http://localhost:8000/x.gguf": UrlReference("http://localhost:8000/x.gguf"),
}
MEANINGLESS = [
    "", "qwen", "hf:", "hf:a", "hf:a/b/c", "hf:a/b:", "hf:a/b:Q4 K", "hf:../b", "hf:a/..", "hf:a/b@../x:Q4",
    "hf:a/b/../../x.gguf", "hf:a/b/x\\y.gguf", "hf:a/b//x.gguf", "file:///etc/passwd", "ftp://host/x", "https://",
    "https://host:port/x", "hf:a/b\n", "hf:" + "a" * 3000, "~/x.gguf",
]  # fmt: skip


@pytest.mark.parametrize("text", MEANT)
def test_a_reference_means_a_repository_or_a_url(text: str) -> None:
    assert parse_reference(text) == MEANT[text]


@pytest.mark.parametrize("text", MEANINGLESS)
def test_what_names_no_model_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_reference(text)


@pytest.mark.parametrize("reference", [one for one in MEANT.values() if isinstance(one, HubReference)])
def test_a_reference_to_the_hub_means_the_same_when_it_is_written_out(reference: HubReference) -> None:
    assert parse_reference(str(reference)) == reference


def test_a_mistyped_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidRequest, match="did you mean qwen3-4b"):
        parse_reference("qwen3-4B")


def test_the_secrets_of_a_url_are_not_shown() -> None:
    shown = str(parse_reference("https://ann:pass@host/x.gguf?key=secret"))

    assert shown == "https://host/x.gguf"


def test_the_recommended_models_are_named_once_and_mean_one_file_each() -> None:
    names = [one.name for one in recommended()]

    assert len(set(names)) == len(names)
    assert {one.use for one in recommended()} == {"chat", "embedding"}
    for one in recommended():
        reference = parse_reference(one.name)
        assert reference == parse_reference(one.reference)
        assert isinstance(reference, HubReference)
        assert reference.quant
        assert one.licence in {"Apache-2.0", "MIT"}


QUANTS = {
    "qwen2.5-0.5b-instruct-q4_k_m.gguf": "Q4_K_M",
    "Llama-3.2-1B-Instruct-Q8_0.gguf": "Q8_0",
    "Q6_K/big-Q6_K-00001-of-00002.gguf": "Q6_K",
    "nomic-embed-text-v1.5.Q8_0.gguf": "Q8_0",
    "nomic-embed-text-v1.5.f16.gguf": "F16",
    "Phi-3-mini-4k-instruct-q4.gguf": "Q4",
    "Phi-3-mini-4k-instruct-fp16.gguf": "F16",
    "model-UD-Q4_K_XL.gguf": "UD-Q4_K_XL",
    "model-IQ2_XXS.gguf": "IQ2_XXS",
    "gpt-oss-20b-mxfp4.gguf": "MXFP4",
    "gpt-oss-20b-MXFP4_MOE.gguf": "MXFP4_MOE",
    "model-BF16.gguf": "BF16",
    "bitnet-TQ2_0.gguf": "TQ2_0",
    "qwen3-4b.gguf": "",
    "ggml-model.gguf": "",
}


@pytest.mark.parametrize("name", QUANTS)
def test_the_name_of_a_file_tells_its_quantisation(name: str) -> None:
    assert quant_of(name) == QUANTS[name]


@dataclass(frozen=True)
class File:
    name: str
    size_bytes: int | None = None


def best_of(*quants: str) -> str:
    return choose(variants(File(f"m-{quant}.gguf") for quant in quants), None, None, "here").quant


@pytest.mark.parametrize(
    ("quants", "best"),
    [
        (("F16", "Q8_0", "Q4_K_M", "Q4_K_S", "Q2_K"), "Q4_K_M"),
        (("Q8_0", "Q4_0", "Q4_K_S", "Q5_K_M"), "Q4_K_S"),
        (("Q8_0", "Q6_K", "Q5_K_S", "Q3_K_M"), "Q5_K_S"),
        (("F16", "Q8_0"), "Q8_0"),
        (("F16", "Q3_K_M", "Q2_K"), "Q3_K_M"),
        (("F32", "BF16"), "BF16"),
        (("UD-Q4_K_XL", "IQ4_XS", "UD-IQ1_S"), "UD-Q4_K_XL"),
        (("MXFP4", "F16"), "MXFP4"),
    ],
)
def test_without_a_quantisation_the_nearest_to_q4_k_m_is_chosen(quants: tuple[str, ...], best: str) -> None:
    assert best_of(*quants) == best
    assert best_of(*reversed(quants)) == best


def test_what_goes_with_a_model_is_no_model() -> None:
    files = [File(name) for name in ("mmproj-F16.gguf", "m-imatrix.gguf", "README.md", "m-lora-f16.gguf", "m-f16.gguf")]

    assert [one.name for one in variants(files)] == ["m-f16.gguf"]


def test_a_repository_without_models_is_told_of() -> None:
    with pytest.raises(PullFailed, match="hf:a/b has no model in GGUF format"):
        choose(variants([File("model.safetensors")]), None, None, "hf:a/b")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://host/a/m.gguf", "host/a/m.gguf"),
        ("https://host:8443/m.gguf?key=1", "host_8443/m.gguf"),
        ("http://[::1]:80/m.gguf", "__1_80/m.gguf"),
        ("https://host/get", "host/get.gguf"),
    ],
)
def test_each_url_has_its_place(url: str, path: str, tmp_path: Path) -> None:
    assert url_path(tmp_path, url) == tmp_path / path


def test_urls_that_differ_in_their_question_alone_have_places_of_their_own(tmp_path: Path) -> None:
    assert url_path(tmp_path, "https://host/get?id=1") != url_path(tmp_path, "https://host/get?id=2")


@pytest.mark.parametrize(
    "path", ["", "/", "/../../m.gguf", "/%2e%2e/m.gguf", "/a%2f..%2fm.gguf", "/a%00.gguf", "/a%5cb"]
)
def test_a_url_that_names_no_file_has_no_place(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="does not name a file"):
        url_path(tmp_path, f"https://host{path}")


def test_folders_are_searched_for_models(tmp_path: Path) -> None:
    content = gguf_bytes(10)
    for name in (
        "b/x-Q8_0.gguf",
        "a-F16.gguf",
        "s-00001-of-00002.gguf",
        "t-00001-of-00002.gguf",
        "t-00002-of-00002.gguf",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "dangling.gguf").symlink_to(tmp_path / "nowhere")

    found = list(find_models([tmp_path, tmp_path / "missing"]))

    assert [(one.path.relative_to(tmp_path).as_posix(), one.quant) for one in found] == [
        ("a-F16.gguf", "F16"),
        ("b/x-Q8_0.gguf", "Q8_0"),
        ("t-00001-of-00002.gguf", ""),
    ]
    assert found[2].size_bytes == 2 * len(content)


def test_nothing_that_was_pulled_is_found_where_nothing_is() -> None:
    assert find_pulled("hf:a/b") is None
    assert find_pulled("https://host/m.gguf") is None
