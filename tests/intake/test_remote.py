"""Archives behind URLs: streamed from a store in memory, from a server that speaks S3, and HTTP."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from avon_analytics.errors import ArchiveError, DamagedFile
from avon_analytics.intake.archive import remote
from avon_analytics.intake.archive.files import find_files
from avon_analytics.intake.archive.lines import FileReader
from avon_analytics.intake.archive.masking import is_url, masked
from avon_analytics.intake.read.verify import verify_archive

if TYPE_CHECKING:
    from tests.intake.conftest import Archive, Desk, OpenDesk

fsspec = pytest.importorskip("fsspec")
pytestmark = pytest.mark.any_engine
KEY, PASSWORD = "AKIAOFTHESETESTS", "secret/of+these=tests"


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def line(archive: Archive, ms: int, **fields: Any) -> bytes:
    return (archive.raw(archive.patient(ms, **fields)) + "\n").encode()


def fill(files: Any, where: str, archive: Archive) -> None:
    """Five files in a folder, of which one is none of an archive."""
    files.pipe(f"{where}/2024/a.jsonl", line(archive, 1))
    files.pipe(f"{where}/2024/b.jsonl.gz", gzip.compress(line(archive, 2)))
    files.pipe(f"{where}/2025/c [x].json", line(archive, 3))
    files.pipe(f"{where}/2025/it's.ndjson", line(archive, 4) + b"\n{bad\n")
    files.pipe(f"{where}/2025/notes.txt", b"no delivery")


def check_files_folders_and_globs(files: Any, root: str, archive: Archive, desk: Desk) -> None:
    """What a store of objects must do, whichever it is."""
    receipt = desk.load(f"{root}/2024/*.jsonl*")
    assert (receipt.loaded, len(receipt.files), receipt.files_passed_over) == (2, 2, 0)
    receipt = desk.load(root, f"{root}/2024/a.jsonl")
    assert (receipt.loaded, receipt.quarantined, receipt.blank) == (2, 1, 1)
    assert (receipt.files_unchanged, receipt.files_passed_over) == (2, 1)
    assert desk.load(f"{root}/").files_unchanged == 4
    assert desk.load(f"{root}/2025/c [x].json").files_unchanged == 1

    # Grown, and replaced by another of the same size at once: both are seen.
    files.pipe(f"{root}/2024/a.jsonl", line(archive, 1) + line(archive, 5))
    assert desk.load(root).loaded == 1
    desk.add_up()
    files.pipe(f"{root}/2024/a.jsonl", line(archive, 1) + line(archive, 6))
    receipt = desk.load(root)
    assert (receipt.loaded, receipt.duplicate) == (1, 1)
    assert "read whole again" in receipt.files[0].note
    names = desk.column("SELECT file FROM archive_files ORDER BY file")
    assert len(names) == 4
    assert all("://" in name for name in names)

    for nothing in ("none.jsonl", "none/*.jsonl"):
        with pytest.raises(ArchiveError, match=r"there is no file or folder .*none"):
            desk.load(f"{root}/{nothing}")
    cut = gzip.compress(line(archive, 7) * 3)[:-7]
    files.pipe(f"{root}/cut.jsonl.gz", cut)
    with pytest.raises(DamagedFile, match=r"cut\.jsonl"):
        desk.load(f"{root}/cut.jsonl.gz")
    assert desk.load(f"{root}/cut.jsonl.gz", allow_truncated=True).loaded == 1


def test_a_store_in_memory(memory: Any, archive: Archive, desk: Desk) -> None:
    fill(memory, "memory://clinic/hooks", archive)
    check_files_folders_and_globs(memory, "memory://clinic/hooks", archive, desk)


def test_a_conflict_is_judged_by_reading_the_line_again(
    memory: Any, archive: Archive, desk: Desk
) -> None:
    memory.pipe("memory://a/later.jsonl", line(archive, 1, gender="x"))
    early = archive.raw(archive.patient(1, gender="y"), received="2025-03-09T12:00:00Z")
    memory.pipe("memory://a/early.jsonl", early.encode() + b"\n")
    desk.load("memory://a/later.jsonl")
    receipt = desk.load("memory://a/early.jsonl")
    assert (receipt.loaded, receipt.quarantined) == (1, 0)
    assert desk.column("SELECT gender FROM patients") == ["y"]
    assert desk.column("SELECT content IS NULL FROM quarantine") == [False]
    desk.add_up()


def test_what_stands_before_a_file_that_cannot_be_opened_is_stored(
    memory: Any, archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for ms in (1, 2):
        memory.pipe(f"memory://a/{ms}.jsonl", line(archive, ms))
    opened = type(memory).open

    def refuse(files: Any, path: str, *how: Any, **more: Any) -> Any:
        if path.endswith("2.jsonl"):
            raise PermissionError
        return opened(files, path, *how, **more)

    monkeypatch.setattr(type(memory), "open", refuse)
    with pytest.raises(ArchiveError, match="nothing of it was loaded; 1 file before it was"):
        desk.load("memory://a")
    assert desk.column("SELECT file FROM archive_files") == ["memory:///a/1.jsonl"]
    desk.add_up()


def test_signatures_are_verified_without_a_store(memory: Any, archive: Archive) -> None:
    memory.pipe("memory://a/b.jsonl", line(archive, 1))
    found = verify_archive("memory://a", "whsec_of_these_tests")
    assert found[["file", "verified"]].to_numpy().tolist() == [["memory:///a/b.jsonl", 1]]


def test_remote_and_local_mix(memory: Any, archive: Archive, desk: Desk) -> None:
    memory.pipe("memory://a/b.jsonl", line(archive, 1))
    receipt = desk.load("memory://a", archive.write(line(archive, 1).strip()))
    assert (receipt.loaded, receipt.duplicate) == (1, 1)


class _Watched:
    """A remote file that counts how much is held of it at once."""

    def __init__(self, size: int) -> None:
        self.left, self.largest = size, 0

    def read(self, size: int) -> bytes:
        self.largest = max(self.largest, size)
        piece = b"x" * 79 + b"\n"
        given = min(size, self.left) // 80 * 80
        self.left -= given
        return piece * (given // 80)

    def close(self) -> None:
        pass


def test_a_remote_file_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = _Watched(80 * 10**6)
    asked: dict[str, Any] = {}

    class Files:
        def open(self, path: str, mode: str, **options: Any) -> Any:
            asked.update(options)
            return watched

    monkeypatch.setattr(remote, "file_system", lambda url: (Files(), "big"))
    reader = FileReader("s3://bucket/big.jsonl")
    assert sum(len(batch) for batch in reader.batches()) == 10**6
    assert watched.largest <= 4 << 20
    assert asked == {"block_size": 4 << 20, "cache_type": "readahead"}


# -- a server that speaks S3 --------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    pytest.importorskip("moto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            for _ in range(300):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    s3fs = pytest.importorskip("s3fs")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3fs.S3FileSystem.clear_instance_cache()
    files = fsspec.filesystem("s3")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()


def test_s3(s3: Any, archive: Archive, desk: Desk) -> None:
    s3.mkdir("clinic")
    fill(s3, "s3://clinic/hooks", archive)
    check_files_folders_and_globs(s3, "s3://clinic/hooks", archive, desk)
    s3.mkdir("empty")
    with pytest.raises(ArchiveError, match="hold no archive file"):
        desk.load("s3://empty")


def test_s3_in_many_parts(s3: Any, archive: Archive, desk: Desk) -> None:
    """A file of several blocks gives the same as from a disk."""
    notes = [hashlib.sha512(bytes([n])).hexdigest() * 600 for n in range(150)]
    text = b"".join(line(archive, n, note=note) for n, note in enumerate(notes))
    assert len(text) > 10 << 20
    s3.mkdir("parts")
    s3.pipe("s3://parts/plain.jsonl", text)
    s3.pipe("s3://parts/packed.jsonl.gz", gzip.compress(text, 1))
    receipt = desk.load("s3://parts", within={"batch_bytes": 1 << 20})
    assert (receipt.loaded, receipt.duplicate) == (150, 150)
    digest = hashlib.sha256(text).hexdigest()
    assert desk.column("SELECT sha256 FROM archive_files") == [digest, digest]


def test_who_may_not_read_is_told_so_and_no_key_is_shown(
    s3: Any,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    told = []
    for url in ("s3://nobody/a.jsonl", "s3://nobody/*.jsonl", "s3://nobody"):
        with pytest.raises(ArchiveError) as caught:
            desk.load(url)
        told += ["".join(traceback.format_exception(caught.value))]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    type(s3).clear_instance_cache()
    with pytest.raises(ArchiveError, match="cannot be reached") as caught:
        desk.load("s3://clinic/a.jsonl")
    told += ["".join(traceback.format_exception(caught.value))]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    type(s3).clear_instance_cache()
    with pytest.raises(ArchiveError) as caught:
        desk.load("s3://clinic/a.jsonl")
    told += ["".join(traceback.format_exception(caught.value)), *capfd.readouterr(), caplog.text]
    assert not [text for text in told if KEY in text or PASSWORD in text]


# -- credentials and packages -------------------------------------------------------------------

URLS = {
    "https://ann:pw@files.example/a.jsonl": "https://***@files.example/a.jsonl",
    "https://files.example/a.jsonl?X-Amz-Signature=5e&v=2": (
        "https://files.example/a.jsonl?X-Amz-Signature=***&v=2"
    ),
    "sftp://ann@host:22/x/*.jsonl": "sftp://***@host:22/x/*.jsonl",
    "s3://bucket/a b/c[1].jsonl": "s3://bucket/a b/c[1].jsonl",
    "s3://key:pw@bucket/a": "s3://***@bucket/a",
    "az://c/a?sas_token=x%20y&z=": "az://c/a?sas_token=***&z=",
    "https://[bad/a?sig=x": "https://[bad/a?sig=***",
    "https://[::1]:80/a@b?x=1": "https://[::1]:80/a@b?x=***",
    "https://ann:pw@[::1]/a": "https://***@[::1]/a",
    "s3://KEY:se/cret@bucket/a.jsonl": "s3://***@bucket/a.jsonl",
    "s3://KEY:se?cr#et@bucket/a.jsonl": "s3://***@bucket/a.jsonl",
    "s3://KEY:s@e/c@bucket/a.jsonl": "s3://***@bucket/a.jsonl",
    "s3://KEY:12/34@bucket/a.jsonl": "s3://***@bucket/a.jsonl",
    "https://h/a?pass=x&pw=y;z=1&token": "https://h/a?pass=***&pw=***;z=***&***",
    "https://h/a?file=a.jsonl&page=2": "https://h/a?file=a.jsonl&page=2",
    "https://h/a#sig=abc": "https://h/a#sig=***",
    "https://h/a#abc": "https://h/a#***",
    "https://h/a;jsessionid=33/x": "https://h/a;jsessionid=***/x",
    "https://h:8080/a@b.jsonl": "https://h:8080/a@b.jsonl",
    "simplecache::s3://K:p/w@bucket/a": "simplecache::s3://***@bucket/a",
    "zip://x.jsonl::s3://K:p/w@b/y.zip?pw=3": "zip://x.jsonl::s3://***@b/y.zip?pw=***",
    "abfs://c1@account.dfs/a@b.jsonl": "abfs://***@account.dfs/a@b.jsonl",
    "s3://bucket/2025-0?/a@b#1.jsonl": "s3://bucket/2025-0?/a@b#1.jsonl",
}


@pytest.mark.parametrize("url", URLS)
def test_credentials_in_a_url_are_masked(url: str) -> None:
    assert masked(url) == URLS[url]
    assert masked(masked(url)) == masked(url)
    assert is_url(url)


@pytest.mark.parametrize("path", ["a.jsonl", "/x/a://b", "C:\\x", "./s3://x", "s3:/x", "://x", ""])
def test_a_path_is_no_url(path: str) -> None:
    assert not is_url(path)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.partition("?")[0])


def test_a_signed_url_over_http_is_stored_without_its_signature(
    archive: Archive, desk: Desk
) -> None:
    pytest.importorskip("aiohttp")
    archive.write(line(archive, 1).strip(), name="day.jsonl")
    handler = partial(_Handler, directory=str(archive.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/day.jsonl?Signature=Sesame&v=1"
            receipt = desk.load(url)
            assert receipt.loaded == 1
            assert desk.load(url).files_unchanged == 1
            (stored,) = desk.column("SELECT file FROM archive_files")
            assert re.search(r"/day\.jsonl\?Signature=\*\*\*&v=1#[0-9a-f]{16}$", stored)
            assert "Sesame" not in f"{receipt} {receipt.as_dict()}"
            with pytest.raises(ArchiveError, match="no file or folder") as caught:
                desk.load(url.replace("day", "night"))
            assert "Sesame" not in "".join(traceback.format_exception(caught.value))
        finally:
            server.shutdown()
            thread.join()


def test_a_web_server_that_serves_no_parts_is_read_in_one_answer(
    archive: Archive, desk: Desk
) -> None:
    """A file of several blocks, and one that breaks off in the middle."""
    pytest.importorskip("aiohttp")
    lines = [archive.raw(archive.patient(n, note="x" * 1_000_000)) for n in range(1, 12)]
    path = archive.write(*lines, name="day.jsonl")

    class Handler(_Handler):
        def copyfile(self, source: Any, outputfile: Any) -> None:
            text = source.read()
            outputfile.write(text[: len(text) // 2] if "cut" in self.path else text)

    handler = partial(Handler, directory=str(archive.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/day.jsonl"
            with pytest.raises(ArchiveError, match="broke off"):
                desk.load(f"{url}?cut")
            assert desk.load(url).loaded == 11
        finally:
            server.shutdown()
            thread.join()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert desk.column("SELECT sha256 FROM archive_files WHERE loaded = 11") == [digest]


def test_a_web_server_that_stops_giving_parts_has_broken_off(archive: Archive, desk: Desk) -> None:
    """It says how long the file is, and has an empty answer for what lies behind its middle."""
    pytest.importorskip("aiohttp")
    lines = [archive.raw(archive.patient(n, note="x" * 1_000_000)) for n in range(1, 12)]
    text = archive.write(*lines, name="day.jsonl").read_bytes()
    kept = {"day": len(text) // 2}

    class Handler(_Handler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()

        def do_GET(self) -> None:
            asked = self.headers.get("Range", f"bytes=0-{len(text) - 1}")
            first, last = map(int, asked.removeprefix("bytes=").split("-"))
            part = text[first : min(last + 1, kept["day"])]
            self.send_response(206)
            self.send_header("Content-Length", str(len(part)))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(text)}")
            self.end_headers()
            self.wfile.write(part)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/day.jsonl"
            with pytest.raises(ArchiveError, match=f"of its {len(text):,} bytes, and no more"):
                desk.load(url)
            kept["day"] = len(text)
            desk.load(url)
        finally:
            server.shutdown()
            thread.join()
    assert desk.column("SELECT count(*) FROM events") == [11]


def test_a_missing_package_is_named_with_how_to_get_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ArchiveError, match=r"gs://b/a\.jsonl.*gcsfs"):
        desk.load("gs://b/a.jsonl")
    with pytest.raises(ArchiveError, match="no such kind of URL"):
        desk.load("s4://b/a.jsonl")
    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ArchiveError, match=r"pip install 'avon-analytics\[remote\]'"):
        desk.load("s3://b/a.jsonl")


def test_files_found_with_a_password_are_opened_with_it(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch, memory: Any
) -> None:
    """As sftp has it: the password stands in the URL, and the listing does not repeat it."""
    memory.pipe("memory://x/a.jsonl", line(archive, 1))
    opened = []

    def file_system(url: str) -> tuple[Any, str]:
        opened.append(url)
        return memory, "/" + url.partition("@host/")[2]

    monkeypatch.setattr(remote, "file_system", file_system)
    assert desk.load("sftp://ann:pw@host/x").loaded == 1
    assert opened == ["sftp://ann:pw@host/x", "sftp://ann:pw@host/x/a.jsonl"]
    (stored,) = desk.column("SELECT file FROM archive_files")
    assert re.fullmatch(r"sftp://\*\*\*@host/x/a\.jsonl#[0-9a-f]{16}", stored)


def test_urls_that_differ_in_what_is_masked_alone_are_two_files(
    archive: Archive, desk: Desk, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch, memory: Any
) -> None:
    for n in range(4):
        memory.pipe(f"memory://c{n}/a.jsonl", line(archive, n) + line(archive, 9))

    def file_system(url: str) -> tuple[Any, str]:
        number = re.search(r"key=(\d)|//c(\d)@", url)
        assert number is not None
        return memory, f"/c{number[1] or number[2]}/a.jsonl"

    monkeypatch.setattr(remote, "file_system", file_system)
    monkeypatch.setattr(remote, "url_of", lambda path, given, files: given)
    urls = [
        "https://h/?key=0",
        "https://h/?key=1",
        "abfs://c2@acc/a.jsonl",
        "abfs://c3@acc/a.jsonl",
    ]
    receipt = desk.load(*urls)
    assert (receipt.lines, receipt.loaded, receipt.duplicate) == (8, 5, 3)
    names = [file.file for file in receipt.files]
    assert [name.partition("#")[0] for name in names] == [
        *["abfs://***@acc/a.jsonl"] * 2,
        *["https://h/?key=***"] * 2,
    ]
    assert len(set(names)) == 4
    assert desk.load(*reversed(urls)).files_unchanged == 4
    assert verify_archive(urls, "whsec_of_these_tests")["verified"].tolist() == [2, 2, 2, 2]
    # Another store has another key, so that nobody can try secrets against the names of one.
    other = open_desk()
    assert {file.file for file in other.load(*urls).files}.isdisjoint(names)
    desk.add_up()


def test_no_module_keeps_a_url_with_credentials(
    archive: Archive, desk: Desk, monkeypatch: pytest.MonkeyPatch, memory: Any
) -> None:
    memory.pipe("memory://x/a.jsonl", line(archive, 1))
    monkeypatch.setattr(remote, "file_system", lambda url: (memory, "/x/a.jsonl"))
    assert desk.load("sftp://ann:hunter2@host/x/a.jsonl").loaded == 1
    assert "hunter2" not in repr(find_files("sftp://ann:hunter2@host/x/a.jsonl"))
    modules = [module for name, module in sys.modules.items() if name.startswith("avon_analytics")]
    assert len(modules) > 20
    for module in modules:
        for name, value in vars(module).items():
            if name != "__builtins__" and isinstance(value, dict | list | set | tuple | str):
                assert "hunter2" not in repr(value), f"{module.__name__}.{name}"
