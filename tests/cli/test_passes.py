"""``atrous passes``."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from atrous.graph.networks import NETWORKS, by_name
from atrous.graph.passes import optimise


def test_each_pass_that_changed_something_has_its_line(atrous) -> None:
    outcome = atrous("passes", "resnet18")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        "resnet18: 68 nodes\n"
        "fold scales and shifts into the weights before them: 68 → 48 nodes; gone 20 BatchNorm (stem.bn, layer1.0.1.bn, …);\n"
        "    changed 20 Conv (stem.conv, layer1.0.1.conv, …)\n"
        "fuse epilogues: 48 → 23 nodes; gone 17 Relu (relu, layer1.0.relu, …), 8 Add (layer1.0.add, layer1.1.add, …);"
        " changed 9\n"
        "    Conv+Relu (stem.conv, layer1.0.1.conv, …), 8 Conv+Add+Relu (layer1.0.2.conv, layer1.1.2.conv, …)\n"
        "together: 68 → 23 nodes\n"
        "  before: 8 Add, 20 BatchNorm, 20 Conv, 1 Linear, 1 MaxPool, 1 ReduceMean, 17 Relu; 102 constants\n"
        "  after: 8 +Add, 17 +Relu, 20 Conv, 1 Linear, 1 MaxPool, 1 ReduceMean; 42 constants\n"
    )


def test_all_nodes_before_and_after(atrous) -> None:
    lines = atrous("passes", "lenet", "--nodes").out.splitlines()
    before, after = lines.index("before:"), lines.index("after:")
    assert (after - before, len(lines) - after) == (12 + 2, 8 + 1)
    assert lines[before + 1] == "  c1       Conv         image, c1.weight, c1.bias → c1"
    assert lines[after + 1] == "  c1       Conv+Tanh    image, c1.weight, c1.bias → tanh"


def test_sizes_fold_what_follows_from_them(atrous) -> None:
    assert atrous("passes", "lenet", "-i", "2x1x32x32").code == 0
    wrong = atrous("passes", "lenet", "-i", "1x3x32x32")
    assert (wrong.code, "got (1, 3, 32, 32)" in wrong.err) == (2, True)


def test_a_network_in_which_nothing_changes(atrous) -> None:
    assert atrous("passes", "conv 3 4", "-i", "1x3x9x9").out.splitlines()[1] == "together: 1 → 1 nodes"


@pytest.mark.parametrize("name", ["context_module", "hifigan", "convnext_tiny"])
def test_the_numbers_are_those_of_the_passes(atrous, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each line goes on where the one before ended; names are shortened, lines kept to the terminal where they can be."""
    monkeypatch.setenv("COLUMNS", "80")
    assert name in NETWORKS
    text = atrous("passes", name).out
    assert max(map(len, text.splitlines())) <= 80
    counts = [tuple(map(int, pair)) for pair in re.findall(r"^[^ ].*?: (\d+) →\s+(\d+)\s+nodes", text, re.MULTILINE)]
    network = by_name(name)
    assert counts[-1] == (len(network.nodes), len(optimise(network).nodes))
    assert all(one[1] == other[0] for one, other in pairwise(counts[:-1]))
