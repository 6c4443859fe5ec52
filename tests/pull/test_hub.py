"""Models of the hub: which of its files is meant, and a cache that other tools find them in."""

import asyncio
import random
from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir

from poly_engine.errors import PullFailed
from poly_engine.models import download as downloading
from poly_engine.models.found import find_pulled
from poly_engine.models.pull import PullProgress, pull
from tests.pull.gguf_bytes import gguf_bytes
from tests.pull.hub_server import COMMIT, HubServer, sha256

REPO = "acme/tiny-GGUF"
SMALL, LARGE = gguf_bytes(20_000, 1), gguf_bytes(40_000, 2)
FILES = {"tiny-Q4_K_M.gguf": SMALL, "tiny-Q8_0.gguf": LARGE, "mmproj-F16.gguf": gguf_bytes(10)}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "_PAUSES_S", (0.0,) * 5)


@pytest.fixture
def cache(home: Path) -> Path:
    return home / "hf" / "hub"


async def test_a_model_of_the_hub_comes_into_the_cache_where_other_tools_find_it(hub: HubServer, cache: Path) -> None:
    hub.publish(REPO, FILES)

    pulled = await pull(f"hf:{REPO}:q8_0")

    assert pulled.path.read_bytes() == LARGE
    assert (pulled.size_bytes, pulled.sha256, pulled.was_there) == (len(LARGE), sha256(LARGE), False)
    assert pulled.reference == f"hf:{REPO}/tiny-Q8_0.gguf"
    theirs = hf_hub_download(REPO, "tiny-Q8_0.gguf", cache_dir=cache, local_files_only=True)
    assert Path(theirs) == pulled.path
    (repo,) = scan_cache_dir(cache).repos
    assert (repo.repo_id, repo.nb_files, repo.size_on_disk) == (REPO, 1, len(LARGE))


async def test_what_other_tools_fetched_is_not_fetched_again(hub: HubServer, cache: Path) -> None:
    hub.publish(REPO, FILES)
    theirs = await asyncio.to_thread(hf_hub_download, REPO, "tiny-Q8_0.gguf", cache_dir=cache, endpoint=hub.hub.url)
    hub.cdn.asked.clear()

    pulled = await pull(f"hf:{REPO}:Q8_0")

    assert (pulled.path, pulled.was_there) == (Path(theirs), True)
    assert hub.cdn.asked == []


async def test_without_a_quantisation_it_is_the_one_that_suits_most(hub: HubServer) -> None:
    hub.publish(REPO, FILES)

    assert (await pull(f"hf:{REPO}")).path.name == "tiny-Q4_K_M.gguf"


async def test_a_quantisation_that_there_is_not_is_answered_with_those_there_are(hub: HubServer) -> None:
    hub.publish(REPO, FILES)

    with pytest.raises(PullFailed) as error:
        await pull(f"hf:{REPO}:Q5_K_M")

    assert str(error.value) == (
        f"hf:{REPO} has no Q5_K_M. There is: tiny-Q4_K_M.gguf (Q4_K_M, 0 MB), tiny-Q8_0.gguf (Q8_0, 0 MB)"
    )


async def test_a_model_in_several_files_comes_with_all_of_them(hub: HubServer) -> None:
    rest = gguf_bytes(30_000, 3, architecture=None)
    names = [f"big/tiny-Q4_K_M-0000{number}-of-00002.gguf" for number in (1, 2)]
    hub.publish(REPO, {names[0]: SMALL, names[1]: rest})
    seen: list[PullProgress] = []

    pulled = await pull(f"hf:{REPO}", on_progress=seen.append)

    assert pulled.path.name == Path(names[0]).name
    assert (pulled.path.parent / Path(names[1]).name).read_bytes() == rest
    assert pulled.size_bytes == len(SMALL) + len(rest)
    assert (seen[0].phase, seen[-1].phase) == ("resolving", "done")
    assert seen[-1].n_done == seen[-1].n_total == pulled.size_bytes
    assert [one.n_done for one in seen] == sorted(one.n_done for one in seen)


async def test_a_model_that_lacks_one_of_its_files_is_not_fetched(hub: HubServer) -> None:
    hub.publish(REPO, {"tiny-Q4_K_M-00001-of-00002.gguf": SMALL})

    with pytest.raises(PullFailed, match="only some of the files"):
        await pull(f"hf:{REPO}")

    assert hub.cdn.asked == []


async def test_several_models_of_one_quantisation_have_to_be_named(hub: HubServer) -> None:
    hub.publish(REPO, {"a-Q4_K_M.gguf": SMALL, "b-Q4_K_M.gguf": LARGE})

    with pytest.raises(PullFailed, match=rf"name one as hf:{REPO}/FILE. There is: a-Q4_K_M.gguf"):
        await pull(f"hf:{REPO}")

    assert (await pull(f"hf:{REPO}/b-Q4_K_M.gguf")).path.read_bytes() == LARGE


async def test_twenty_cuts_are_gone_on_with_through_the_redirects_of_the_hub(hub: HubServer) -> None:
    hub.publish(REPO, FILES)
    offsets = sorted(random.Random(3).sample(range(1, len(SMALL)), 20))
    hub.cdn.answers = [hub.cdn.cut(end - begin) for begin, end in zip([0, *offsets], offsets, strict=False)]

    pulled = await pull(f"hf:{REPO}")

    assert pulled.path.read_bytes() == SMALL
    assert [asked.first_byte for asked in hub.cdn.asked] == [0, *offsets]


async def test_other_bytes_than_the_hub_tells_of_are_never_in_the_cache(hub: HubServer, cache: Path) -> None:
    hub.publish(REPO, FILES)
    hub.cdn.put(f"/blobs/{sha256(SMALL)}", gguf_bytes(20_000, 9))

    with pytest.raises(PullFailed, match="came damaged"):
        await pull(f"hf:{REPO}")

    assert [path for path in cache.rglob("*") if not path.is_dir()] == []


async def test_the_token_goes_to_the_hub_and_not_to_where_its_files_are(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"
    hub.publish(REPO, FILES)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    await pull(f"hf:{REPO}")

    assert [asked.headers.get("Authorization") for asked in hub.hub.asked] == ["Bearer hf_secret"] * 2
    assert [asked.headers.get("Authorization") for asked in hub.cdn.asked] == [None]


async def test_the_token_that_other_tools_keep_is_used(hub: HubServer, home: Path) -> None:
    hub.token = "hf_kept"
    hub.publish(REPO, FILES)
    (home / "hf").mkdir()
    (home / "hf" / "token").write_text("hf_kept\n")

    assert (await pull(f"hf:{REPO}")).path.read_bytes() == SMALL


@pytest.mark.usefixtures("hub")
async def test_a_repository_that_nobody_shows_is_told_of() -> None:
    with pytest.raises(PullFailed, match="has no repository acme/nothing: check its name, and that HF_TOKEN is set"):
        await pull("hf:acme/nothing")


async def test_a_revision_that_there_is_not_is_told_of(hub: HubServer) -> None:
    hub.publish(REPO, FILES)

    with pytest.raises(PullFailed, match="has no revision v2"):
        await pull(f"hf:{REPO}@v2:Q8_0")


async def test_a_revision_can_be_named(hub: HubServer) -> None:
    hub.publish(REPO, FILES)

    assert (await pull(f"hf:{REPO}@{COMMIT}:Q8_0")).path.read_bytes() == LARGE


async def test_a_hub_that_is_none_is_told_of(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.cdn.put(f"/api/models/{REPO}/revision/main", b"<html>Hello</html>")
    monkeypatch.setenv("HF_ENDPOINT", hub.cdn.url)

    with pytest.raises(PullFailed, match="is HF_ENDPOINT set right"):
        await pull(f"hf:{REPO}")


async def test_a_hub_that_nobody_runs_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(PullFailed, match=r"http://127\.0\.0\.1:9 cannot be reached"):
        await pull(f"hf:{REPO}")


@pytest.mark.parametrize(
    "name", ["../../evil.gguf", "/etc/evil.gguf", "a\\b.gguf", "a//b.gguf", "./a.gguf", "a\n.gguf"]
)
async def test_a_name_that_leads_out_of_the_cache_is_as_if_it_were_not_there(name: str, hub: HubServer) -> None:
    hub.publish(REPO, {name: SMALL})

    with pytest.raises(PullFailed, match="has no model in GGUF format"):
        await pull(f"hf:{REPO}")


async def test_what_was_pulled_is_found_without_a_network(hub: HubServer, tmp_path: Path) -> None:
    hub.publish(REPO, FILES)
    assert find_pulled(f"hf:{REPO}:Q8_0") is None
    pulled = await pull(f"hf:{REPO}:Q8_0")
    elsewhere = await pull(f"hf:{REPO}:Q8_0", tmp_path / "models")
    hub.hub.asked.clear()

    assert find_pulled(f"hf:{REPO}:Q8_0") == pulled.path
    assert find_pulled(pulled.reference) == pulled.path
    assert find_pulled(f"hf:{REPO}:Q4_K_M") is None
    assert elsewhere.path == tmp_path / "models" / REPO / "tiny-Q8_0.gguf"
    assert find_pulled(f"hf:{REPO}:Q8_0", tmp_path / "models") == elsewhere.path
    assert hub.hub.asked == []


async def test_a_cache_that_has_it_all_is_not_written_to(hub: HubServer, cache: Path) -> None:
    hub.publish(REPO, FILES)
    await pull(f"hf:{REPO}")
    before = {path: path.lstat().st_mtime_ns for path in cache.rglob("*")}

    again = await pull(f"hf:{REPO}")

    assert again.was_there
    assert {path: path.lstat().st_mtime_ns for path in cache.rglob("*")} == before


async def test_offline_is_offline(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.publish(REPO, FILES)
    pulled = await pull(f"hf:{REPO}")
    hub.hub.asked.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert (await pull(f"hf:{REPO}")).path == pulled.path
    with pytest.raises(PullFailed, match="HF_HUB_OFFLINE"):
        await pull("hf:acme/other")
    assert hub.hub.asked == []


async def test_a_newer_version_comes_beside_the_older_one(hub: HubServer) -> None:
    hub.publish(REPO, FILES)
    older = await pull(f"hf:{REPO}")
    hub.commit = "f" * 40
    hub.publish(REPO, {"tiny-Q4_K_M.gguf": LARGE})

    newer = await pull(f"hf:{REPO}")

    assert (older.path.read_bytes(), newer.path.read_bytes()) == (SMALL, LARGE)
    assert find_pulled(f"hf:{REPO}") == newer.path
