"""Faults of the machine and bad input: one sentence, an exit code of its own, and no row lost."""

import contextlib
import errno
import inspect
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

import made_release
from ptmreuse import __main__ as command_line
from ptmreuse import errors, one_run, parameters, paths
from ptmreuse.coding import batch
from ptmreuse.errors import StudyError
from ptmreuse.evidence import items, pilot, release, study
from ptmreuse.evidence.folder import read_folder
from ptmreuse.statistics import agreement


@pytest.fixture
def folder(tmp_path):
    study.write({n: t for n, t in pilot.embedded().items() if n in study.CODED}, tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EISDIR, errno.ENAMETOOLONG, 9999])
def test_what_the_machine_refuses_is_one_sentence_with_the_path(number, monkeypatch, capsys):
    def refuse(options):
        """As every command, it says what it does."""
        raise OSError(number, "said by the system", "my/place.csv")

    monkeypatch.setattr(command_line.upkeep, "show_parameters", refuse)
    monkeypatch.setattr(command_line, "_silence", lambda: None)
    assert command_line.main(["parameters"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("ERROR: my/place.csv: expected ") and said.count("\n") == 1


def test_a_folder_in_place_of_a_file_and_too_little_memory_are_said(folder):
    assert "too little" in str(errors.of_machine(MemoryError()))
    (folder / "papers.csv").unlink()
    (folder / "papers.csv").mkdir()
    with pytest.raises(StudyError, match=r"found the folder papers\.csv"):
        read_folder(folder)


def test_any_code_page_takes_the_output():
    command, page = [sys.executable, "-m", "ptmreuse", "parameters"], {"PYTHONIOENCODING": "cp932"}
    made = subprocess.run(command, capture_output=True, text=True, env=os.environ | page, check=False)
    assert made.returncode == 0 and not made.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: " + "9" * 5000, "found inf"),
        ("confidence: " + "1" * 5000, "found inf"),
        ("a: " + "[" * 20_000, "deep nesting"),
        ("a: &a [x]\nb: [*a, *a]", "found a sequence"),
        ('source: tables\ntables: "C:\\new\\table"', "in one line"),
        ("source: tables\ntables: ~", "or nothing, found ~"),
        ("source: tables\ntables: null", "found null"),
        ("tables: mine", "add source: tables"),
        ("release: mine.db", "add source: release"),
        (b"\xff\xfe\x00", "in UTF-8"),
    ],
)
def test_a_bad_parameter_file_is_one_short_sentence(tmp_path, text, said):
    (tmp_path / "p.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StudyError) as error:
        parameters.read(tmp_path / "p.yml")
    assert said in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_slip_in_the_parameters_cell_names_cell_and_line(tmp_path, encoding):
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": "resamples = 9999\nseed = = 3"}
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [cell]}), encoding=encoding)
    said = "parameters cell, line 2" if encoding == "utf-8" else "a Jupyter notebook"
    with pytest.raises(StudyError, match=said):
        parameters.of_notebook(tmp_path / "n.ipynb")


def test_two_runs_in_one_place_are_one_sentence_and_a_killed_one_holds_nothing(tmp_path):
    place = str(tmp_path / "lock")
    hold = f"from ptmreuse.one_run import only_run as run\nwith run({place!r}, 'x'): print(1, flush=True); input()"
    other = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    other.stdout.readline()
    with pytest.raises(StudyError, match="another run"), one_run.only_run(tmp_path / "lock", "x"):
        pass
    other.kill()
    other.communicate()
    with one_run.only_run(tmp_path / "lock", "x"):
        pass


def test_a_field_outside_the_eight_is_kept_and_counted():
    counted = pd.DataFrame({"paper": ["a", "b", "c"], "pattern": "adaptation"})
    fields = pd.DataFrame({"paper": ["a", "a", "b"], "field": ["Chemistry", "Medicine", "Medicine"]})
    table = items.per_field(counted, fields, "pattern").set_index("field")["whole"]
    assert table.to_dict() == {"Chemistry": 1, "another field": 1, "no field recorded": 1}


def test_a_doi_is_one_paper_however_it_is_written(folder):
    papers = study.read_csv(folder / "papers.csv")
    papers.loc[:1, "doi"] = ["10.5555/A.1", "https://www.doi.org/10.5555/a.1"]
    papers.to_csv(folder / "papers.csv", index=False)
    with pytest.raises(StudyError, match=r"10\.5555/a\.1 for '"):
        read_folder(folder)


def test_stray_quotation_marks_in_a_file_with_old_line_ends_swallow_no_row(folder):
    lines = (folder / "papers.csv").read_text().splitlines()
    lines[2], lines[3] = lines[2].replace("PLOS", '"PLOS'), lines[3].replace("PLOS", 'PLOS"')
    text = "\r".join(lines) + "\r"
    (folder / "papers.csv").write_bytes(text.encode())
    with pytest.raises(StudyError, match="quotation mark"):
        read_folder(folder)


def test_coding_again_keeps_what_a_person_added(tmp_path):
    (tmp_path / "a.txt").write_text("Methods\n\nWe fine-tuned a ResNet-50 pre-trained on ImageNet.\n", encoding="utf-8")
    batch.code_files([tmp_path / "a.txt"], tmp_path / "out")
    papers = study.read_csv(tmp_path / "out" / "papers.csv").assign(year="2021", natural_science="yes")
    papers.to_csv(tmp_path / "out" / "papers.csv", index=False)
    pd.DataFrame({"paper": papers["paper"], "field": "Chemistry"}).to_csv(tmp_path / "out" / "fields.csv", index=False)
    batch.code_files([tmp_path / "a.txt"], tmp_path / "out")
    again = study.read_csv(tmp_path / "out" / "papers.csv").iloc[0]
    assert (again["year"], again["natural_science"]) == ("2021", "yes")
    assert study.read_csv(tmp_path / "out" / "fields.csv")["field"].tolist() == ["Chemistry"]


def test_comparing_folders_without_a_common_paper_is_refused(folder, tmp_path, capsys):
    other = {name: study.read_csv(folder / f"{name}.csv") for name in study.CODED}
    study.write({name: table.assign(paper="x" + table["paper"]) for name, table in other.items()}, tmp_path / "other")
    assert command_line.main(["compare", str(folder), str(tmp_path / "other")]) == 1
    assert "none in both" in capsys.readouterr().err


def test_coders_without_a_common_category_have_a_reason():
    found = agreement.agreement(["a", "b", "a"], ["c", "d", "c"])
    assert found.kappa.value == 0 and "share no category" in found.kappa.reason


def test_kept_tables_of_a_database_that_were_edited_are_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(release.paths, "BUILD", tmp_path / "build")
    made_release.write_release(tmp_path / "r.db", 1, 120, messy=False, text_kb=0.1)
    first = release.read_release(tmp_path / "r.db")
    kept = next((tmp_path / "build" / "release").iterdir())
    for spoil in (lambda: (kept / "uses.csv").write_text("paper\n"), lambda: [f.unlink() for f in kept.iterdir()]):
        spoil()
        assert len(release.read_release(tmp_path / "r.db")["uses"]) == len(first["uses"]) > 0
    assert len(release.extract(tmp_path / "r.db")["uses"]) == len(first["uses"])


def test_the_served_book_stays_on_this_machine_and_within_its_folder(tmp_path, monkeypatch):
    import http.client
    import threading
    from concurrent.futures import ThreadPoolExecutor

    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text("the book")
    (tmp_path / "secret").write_text("secret")
    monkeypatch.setattr(command_line.paths, "HTML", tmp_path / "html")
    started = []
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", lambda server: started.append(server))
    assert command_line.main(["serve", "--port", "0"]) == 0
    server = started[0]
    monkeypatch.undo()
    assert server.server_address[0] == "127.0.0.1"
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def ask(path):
        client = http.client.HTTPConnection(*server.server_address, timeout=5)
        client.request("GET", path)
        reply = client.getresponse()
        return reply.status, reply.read()

    try:
        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(ask, ["/"] * 100)) == {(200, b"the book")}
        for path in ("/../secret", "/%2e%2e/secret", "//secret", "/..%2fsecret", "/%00", "/" + "x" * 3000):
            status, body = ask(path)
            assert status in (400, 404, 414) and b"secret" not in body
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
def test_a_figure_left_open_is_said(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()\n"
        's.run_cell(\'from ptmreuse.book.record import Recorder; Recorder("x", kind="coded")\')\n'
        "s.run_cell('import matplotlib.pyplot as p; p.plot([1]); p.show()')"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"MPLBACKEND": "agg", "PTMREUSE_RESULTS": str(tmp_path)},
    )  # fmt: skip
    assert "give it to record.figure" in made.stderr


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks up the child in /proc")
@pytest.mark.slow
def test_a_child_that_builds_pages_ends_with_its_parent(tmp_path):
    code = f"""
import subprocess
from pathlib import Path
from ptmreuse.book import site
real, build = subprocess.run, "from jupyter_book.cli.main import main; main()"
wait = "import time; open({str(tmp_path / "pid")!r}, 'w').write(str(os.getpid())); time.sleep(60)"
subprocess.run = lambda command, **more: real([*command[:2], command[2].replace(build, wait)], **more)
site.sphinx(Path("."))
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    child = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    parent.kill()
    parent.wait()
    until(lambda: not child.exists() or child.read_text().split()[2] == "Z")


def until(done):
    for _ in range(200):
        if done():
            return
        time.sleep(0.1)
    pytest.fail("not within 20 s")


DRIP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n"


@pytest.fixture
def endpoint_that(tmp_path):
    """Start a server that answers each connection by a function of the connection; gives code-llm's arguments."""
    pytest.importorskip("openai")
    (tmp_path / "a.txt").write_text("Methods\n\nWe trained a convolutional network on leaves.\n", encoding="utf-8")
    listening, opened = socket.create_server(("127.0.0.1", 0)), []

    def start(answer):
        def serve():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                opened.append(connection)
                threading.Thread(target=one, args=[connection], daemon=True).start()

        def one(connection):
            with contextlib.suppress(OSError), connection:
                connection.recv(100_000)
                answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        return ["code-llm", tmp_path / "a.txt", "--model", "m", "--base-url", address, "--cache", tmp_path / "c.db",
                "--out", tmp_path / "out", "--timeout", "1", "--max-retries", "0"]  # fmt: skip

    yield start
    listening.close()
    for connection in opened:  # whoever still answers ends
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def ask(capsys, monkeypatch):
    """Run a command in this process; its exit code and what it said on stderr."""
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *a, **k: None)  # no server has a certificate

    def asked(*arguments):
        code = command_line.main([str(argument) for argument in arguments])
        return code, capsys.readouterr().err

    return asked


def drip(connection, head=DRIP):
    connection.sendall(head)
    while True:
        connection.sendall(b" ")
        time.sleep(0.2)


@pytest.mark.parametrize("head", [DRIP, b"HTTP/1.1 200 OK\r\nX:"])
def test_a_reply_that_drips_ends_at_the_timeout(endpoint_that, ask, tmp_path, head):
    started = time.monotonic()
    code, _ = ask(*endpoint_that(lambda connection: drip(connection, head)))
    assert code == 0 and time.monotonic() - started < 15
    assert "no reply within 1 seconds" in (tmp_path / "out" / "rejects.csv").read_text()


@pytest.mark.parametrize("charset", ["rot13", "no-such", "utf-16", "idna"])
def test_a_reply_in_a_wrong_charset_is_a_reject(endpoint_that, ask, tmp_path, charset):
    reply = b"HTTP/1.1 %b\r\nContent-Type: application/json; charset=%b\r\nContent-Length: 2\r\n\r\n{}"
    statuses = iter([b"200 OK", b"500 No", b"200 OK"])
    code, _ = ask(*endpoint_that(lambda connection: connection.sendall(reply % (next(statuses), charset.encode()))))
    assert code == 0
    assert len(study.read_csv(tmp_path / "out" / "rejects.csv")) == 1


def test_interrupting_ends_at_once(endpoint_that):
    asked = threading.Event()
    arguments = endpoint_that(lambda connection: (asked.set(), drip(connection)))
    arguments[arguments.index("--timeout") + 1] = "600"
    command = [sys.executable, "-m", "ptmreuse", *map(str, arguments)]
    # Tests that run in the background would hand down that an interrupt is ignored.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)} if os.name == "posix" else {}
    with subprocess.Popen(command, stderr=subprocess.PIPE, **heard) as asking:
        assert asked.wait(30)
        started = time.monotonic()
        asking.send_signal(signal.SIGINT)
        said = asking.communicate(timeout=30)[1].decode()
    assert asking.returncode == 130 and time.monotonic() - started < 4 and "Traceback" not in said


@pytest.mark.parametrize(
    "more", [["--max-retries", "-1"], ["--timeout", "0"], ["--timeout", "nan"], ["--sampling", '{"temperature": NaN}']]
)
def test_settings_that_cannot_be_sent_are_one_sentence(endpoint_that, ask, more):
    code, said = ask(*endpoint_that(drip), *more)
    assert code == 1 and said.startswith("ERROR: model coder, settings")


def test_the_output_folder_is_checked_before_the_first_question(endpoint_that, ask, tmp_path):
    (tmp_path / "out").write_text("a file")
    asked = []
    code, said = ask(*endpoint_that(asked.append))
    assert code == 4 and "out" in said and not asked


def test_a_second_run_on_one_cache_is_refused(endpoint_that, ask, tmp_path):
    with one_run.only_run(tmp_path / "c.db.lock", "x"):
        code, said = ask(*endpoint_that(drip))
    assert code == 1 and "another run that uses it" in said


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(("answers", "said"), [(True, "Using .venv as it is"), (False, "make did not make")])
def test_make_never_clears_an_environment_that_it_did_not_make(tmp_path, answers, said):
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(paths.ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nexit {0 if answers else 1}\n")
    python.chmod(0o755)
    made = subprocess.run(["make", "book"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert python.exists() and said in made.stdout and (made.returncode == 0) == answers


def test_every_command_runs_a_function():
    """A parser of the same name as its function would take the function's place."""
    commands = command_line._parser([])._subparsers._group_actions[0].choices
    assert all(inspect.isfunction(command.get_default("command")) for command in commands.values())
