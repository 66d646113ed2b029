"""``atrous bench`` from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from atrous.bench import peers
from atrous.bench.suites import LayerCase, NetworkCase, parse_suite, read_suite
from atrous.cli import main

SUITE = "# two layers\n\none conv:f32:c2:i9x9:k4:w3x3:p1\ntwo conv:f32:c4:i30:k4:w3:g4\n"
QUICK = ["--rounds", "1", "--slice", "0", "--threads", "1"]


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text(SUITE)
    return path


def test_a_file_of_problems(suite: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out, plots = tmp_path / "run.json", tmp_path / "plots"
    command = ["bench", str(suite), "--peers", "torch,atrous", *QUICK, "--json", str(out), "--plots", str(plots)]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "GFLOP/s" in printed.out
    assert "geometric means" in printed.out
    assert [line.split()[:2] for line in printed.out.splitlines() if line.startswith((" one", " two"))] == [
        ["one", "few"],
        ["two", "depthwise"],
    ]
    read = json.loads(out.read_text())
    assert [row["name"] for row in read["rows"]] == ["one", "two"]
    assert list(read["rows"][0]["peers"]) == ["atrous", "torch"]
    assert read["threads"] == 1
    assert read["machine"]["cores"] >= 1
    assert set(read["versions"]) == {"python", "numpy", "atrous", "torch"}
    assert set(read["copy_bytes_per_second"]) >= {"L1", "L2", "memory"}
    assert sorted(path.name for path in plots.iterdir()) == ["ratio.svg", "roofline.svg"]


def test_only_some_names_in_float64_and_an_absent_peer(
    suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = replace(peers.PEERS[2], name="gone", distribution="no-such-library")
    monkeypatch.setattr(peers, "PEERS", (peers.PEERS[0], gone))
    assert main(["bench", str(suite), "--only", "t*", "--dtype", "float64", *QUICK]) == 0
    printed = capsys.readouterr().out
    assert "gone: absent; pip install no-such-library" in printed
    assert " one " not in printed
    assert "float64" in printed.splitlines()[0]


def test_an_onnx_file_with_its_sizes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from atrous.graph.networks import dncnn

    path = tmp_path / "small.onnx"
    dncnn(depth=3, width=4).save(path)
    assert main(["bench", str(path), "--input", "1x1x16x16", "--peers", "atrous,onnxruntime", *QUICK]) == 0
    assert "milliseconds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "torch,caffe"], "--peers: got caffe; the peers are atrous, atrous.conv, torch, "),
        (["--peers", ","], "--peers: got no name; the peers are atrous"),
        (["--only", "x*"], "--only: got 'x*'; no name of "),
        (["--dtype", "float16"], "--dtype: got 'float16'; it must be float32 or float64"),
        (["--input", "1x3x9x9"], "--input: got 1x3x9x9 with the suite "),
    ],
)
def test_wrong_use(arguments: list[str], message: str, suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", str(suite), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"atrous: {message}")


def test_a_suite_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "toru"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("atrous: toru: cannot be read (")
    assert err.endswith("a suite is one of tour, full, networks, a text file, or an ONNX file\n")
    assert main(["bench", "none.onnx"]) == 2
    assert capsys.readouterr().err == "atrous: none.onnx: there is no such file; it must be an ONNX model\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one", "mine, line 1: got 'one'; a line is a name and a problem"),
        ("# no\n\n", "mine: no line holds a problem"),
        ("a conv:f32:c1:i9:k1:w3\na conv:f32:c1:i9:k1:w3", "mine, line 2: the name 'a' came before; names must differ"),
        ("a conv:f32:c1:i9:k1", "mine, line 1: problem: 'conv:f32:c1:i9:k1', position 18: field 'w' is missing"),
        ("a net:lenet:1x0", "mine, line 1: network: got '1x0'; behind its name comes the shape of its input"),
    ],
)
def test_bad_lines_are_refused_by_number(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  the message is read below
        parse_suite(text, "mine")
    assert str(raised.value).startswith(message)


def test_a_suite_names_networks_beside_itself(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    (tmp_path / "suite.txt").write_text("a net:net.onnx:1x3x8x8\nb net:lenet\nc conv:f32:c1:i9:k1:w3\n")
    a, b, c = read_suite(str(tmp_path / "suite.txt"))
    assert a == NetworkCase("a", str((tmp_path / "net.onnx").resolve()), ((1, 3, 8, 8),))
    assert b == NetworkCase("b", "lenet")
    assert isinstance(c, LayerCase)
    assert str(c) == "c conv:f32:c1:i9:k1:w3"
    assert str(b.typed("float64")) == "b net:lenet"
