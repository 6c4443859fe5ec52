"""What people call a model that is to be fetched: a repository of the Hugging Face hub, a URL, or a name.

hf:OWNER/REPO                the file of the repository that suits most people
hf:OWNER/REPO:Q8_0           the one of this quantisation
hf:OWNER/REPO/FILE.gguf      this one; OWNER/REPO@REVISION is of another revision than main
https://host/path/FILE.gguf  a file anywhere
qwen3-4b                     one of the recommended models
"""

import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from poly_engine.errors import InvalidRequest, suggestion
from poly_engine.models.recommended import recommended

__all__ = ["HubReference", "Reference", "UrlReference", "is_file_name", "parse_reference"]

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?"
_HUB = re.compile(
    rf"hf:(?:/{{0,2}})(?P<repo>{_NAME}/{_NAME})(?:@(?P<revision>[^:@]+?))?"
    r"(?::(?P<quant>[A-Za-z0-9_.-]{1,32})|/(?P<file>[^:@]+\.gguf))?/?",
    re.IGNORECASE | re.ASCII,
)
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}", re.ASCII)
_HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
_HUB_PAGE = re.compile(rf"/(?P<repo>{_NAME}/{_NAME})(?:/(?:resolve|blob)/(?P<revision>[^/]+)/(?P<file>.+\.gguf))?/?")
_LONGEST = 2000
_LONGEST_PART = 200


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model in a repository of the hub: the file of that name, or else of that quantisation, or else the one that
    suits most people.
    """

    repo: str
    quant: str | None = None
    file: str | None = None
    revision: str = "main"

    def __str__(self) -> str:
        revision = "" if self.revision == "main" else f"@{self.revision}"
        place = f"/{self.file}" if self.file else f":{self.quant}" if self.quant else ""
        return f"hf:{self.repo}{revision}{place}"


@dataclass(frozen=True, slots=True)
class UrlReference:
    """A file at a URL, which may hold a password before the host or a key behind the question mark."""

    url: str

    def __str__(self) -> str:
        """The URL as others may read it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


Reference: TypeAlias = HubReference | UrlReference


def parse_reference(text: str) -> Reference:
    """What `text` means. A page of a file on the hub means the file. Raises InvalidRequest that says what is wrong."""
    if len(text) > _LONGEST or not text.isprintable():
        raise InvalidRequest(f"{text[:60]!r}… is too long or not printable: it cannot name a model")
    if text[:3].lower() == "hf:":
        return _hub_reference(text)
    if "://" in text:
        return _page_of_the_hub(text) or _url_reference(text)
    for one in recommended():
        if one.name == text:
            return parse_reference(one.reference)
    names = [one.name for one in recommended()]
    raise InvalidRequest(
        f"{text} names no model that could be fetched: say hf:OWNER/REPO, hf:OWNER/REPO:QUANT, https://… "
        f"or a recommended name{suggestion(text, names)}"
    )


def is_file_name(path: str) -> bool:
    """Whether `path`, which somebody else wrote, names a file in a folder, and nothing outside of it."""
    parts = path.split("/")
    return path.isprintable() and all(
        part not in {"", ".", ".."} and len(part.encode()) <= _LONGEST_PART and not set(part) & set('\\:*?"<>|')
        for part in parts
    )


def _hub_reference(text: str) -> HubReference:
    match = _HUB.fullmatch(text)
    if match is None:
        raise InvalidRequest(
            f"{text} is no model of the hub: it is written hf:OWNER/REPO, hf:OWNER/REPO:QUANT, such as "
            "hf:Qwen/Qwen3-4B-GGUF:Q4_K_M, or hf:OWNER/REPO/FILE.gguf"
        )
    return _checked(match["repo"], match["quant"], match["file"], match["revision"], text)


def _page_of_the_hub(text: str) -> HubReference | None:
    """What people copy from the address bar: the page of a file is no file."""
    try:
        parts = urlsplit(text)
        is_hub = parts.scheme == "https" and parts.hostname in _HUB_HOSTS and parts.port in {None, 443}
    except ValueError:
        return None
    match = _HUB_PAGE.fullmatch(unquote(parts.path)) if is_hub else None
    return _checked(match["repo"], None, match["file"], match["revision"], text) if match else None


def _checked(repo: str, quant: str | None, file: str | None, revision: str | None, text: str) -> HubReference:
    if ".." in repo or "--" in repo:
        raise InvalidRequest(f"{text}: {repo} is no name of a repository")
    if file is not None and not is_file_name(file):
        raise InvalidRequest(f"{text}: {file} is no name of a file in a repository")
    if revision is not None and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise InvalidRequest(f"{text}: {revision} is no revision: it is a branch, a tag or a commit")
    return HubReference(repo, quant, file, revision or "main")


def _url_reference(text: str) -> UrlReference:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as a port that is none
        is_url = False
    if not is_url:
        raise InvalidRequest(f"{text} is no URL of a file: it begins with https:// or http:// and names a host")
    return UrlReference(text)
