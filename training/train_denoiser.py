"""Train the demo network: a small dilated denoiser for Gaussian noise of σ = 25/255 on gray photographs.

    python training/train_denoiser.py --out src/atrous/demo_network

needs PyTorch and scikit-image (the ``dev`` extra), downloads nothing, and writes ``denoiser.onnx`` and ``results.json``.
The network is that of IRCNN (Zhang et al., "Learning Deep CNN Denoiser Prior for Image Restoration", CVPR 2017) made small:
dilated 3×3 convolutions that predict the noise. One seed decides the weights, the crops and the noise.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from photographs import HELD_OUT, Crops, gray
from torch import nn

from atrous.demo_network import SIGMA, add_noise, psnr

DILATIONS = (1, 2, 4, 8, 4, 2, 1, 1)  # one per convolution; the last one is the output layer
OPSET = 17
NOISE_SEED = 25  # of the noise on the held-out photographs


def denoiser(channels: int) -> nn.Sequential:
    """Convolution and ReLU in turn, ending with a convolution: (N, 1, H, W) noisy in, (N, 1, H, W) noise out."""
    layers: list[nn.Module] = []
    for index, dilation in enumerate(DILATIONS):
        first, last = index == 0, index == len(DILATIONS) - 1
        conv = nn.Conv2d(1 if first else channels, 1 if last else channels, 3, padding=dilation, dilation=dilation)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="linear" if last else "relu")
        nn.init.zeros_(conv.bias)
        layers += [conv] if last else [conv, nn.ReLU(inplace=True)]
    with torch.no_grad():
        layers[-1].weight *= 0.1  # start near "no noise", where the loss is known and the steps are calm
    return nn.Sequential(*layers)


def held_out_results(denoise: nn.Module) -> dict[str, dict[str, float]]:
    """PSNR in dB of each held-out photograph before and after; the noise is float32, not clipped."""
    results = {}
    for name, load in HELD_OUT.items():
        clean = gray(load())
        noisy = add_noise(clean, SIGMA, NOISE_SEED)
        with torch.no_grad():
            noise = denoise(torch.from_numpy(noisy)[None, None])[0, 0].numpy()
        before, after = psnr(noisy, clean), psnr(noisy - noise, clean)
        results[name] = {"noisy": round(before, 2), "denoised": round(after, 2), "gain": round(after - before, 2)}
    return results


def train(options: argparse.Namespace) -> nn.Module:
    """Minimise the squared error of the predicted noise; returns the running mean of the weights."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    rng = np.random.default_rng(options.seed)
    crops = Crops.of_training_photographs(options.crop)
    net = denoiser(options.channels).to(memory_format=torch.channels_last)
    # the mean of the last thousand or so weights is better than the weights themselves, at no cost
    mean = torch.optim.swa_utils.AveragedModel(net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.999))
    adam = torch.optim.Adam(net.parameters(), lr=options.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, options.steps, eta_min=options.rate / 1000)
    start, losses = time.monotonic(), []
    for step in range(1, options.steps + 1):
        clean = torch.from_numpy(crops.batch(options.batch, rng))
        # bfloat16 doubles the speed where the CPU has it; the last tenth is float32, as the network will be run
        loss = squared_error(net, clean, bfloat16=options.bfloat16 and step <= 0.9 * options.steps)
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        mean.update_parameters(net)
        losses.append(loss.item())
        if step % options.report == 0 or step == options.steps:
            print(f"step {step}/{options.steps}  {time.monotonic() - start:.0f} s  {progress(mean, losses)}", flush=True)
            losses.clear()
            if options.checkpoint:
                torch.save(mean.module.state_dict(), options.checkpoint)
    return mean.module


def squared_error(net: nn.Module, clean: torch.Tensor, bfloat16: bool) -> torch.Tensor:
    """The mean squared error of the noise that the network sees in crops with fresh noise."""
    noise = torch.randn_like(clean) * SIGMA
    noisy = (clean + noise).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        guess = net(noisy)
    return (guess.float() - noise).square().mean()


def progress(net: nn.Module, losses: Sequence[float]) -> str:
    """The loss since the last line as PSNR, and the gains on the held-out photographs, which decide nothing."""
    gains = ", ".join(f"{name} {result['gain']:+.2f}" for name, result in held_out_results(net).items())
    return f"crops {-10 * np.log10(np.mean(losses)):.2f} dB  {gains}"


def to_onnx(net: nn.Sequential) -> onnx.ModelProto:
    """The network as ONNX: ``denoised = noisy - convolutions(noisy)``, symbolic batch, height and width."""
    nodes, weights, value = [], [], "noisy"
    convs = [layer for layer in net if isinstance(layer, nn.Conv2d)]
    for index, conv in enumerate(convs, start=1):
        for part, tensor in (("weight", conv.weight), ("bias", conv.bias)):
            array = np.ascontiguousarray(tensor.detach().numpy(), dtype=np.float32)
            weights.append(numpy_helper.from_array(array, f"conv{index}.{part}"))
        dilation = conv.dilation[0]
        result = f"conv{index}" if index < len(convs) else "noise"
        nodes.append(
            helper.make_node(
                "Conv",
                [value, f"conv{index}.weight", f"conv{index}.bias"],
                [result],
                name=f"conv{index}",
                kernel_shape=[3, 3],
                dilations=[dilation] * 2,
                pads=[dilation] * 4,
                strides=[1, 1],
            )
        )
        if index < len(convs):
            nodes.append(helper.make_node("Relu", [result], [f"relu{index}"], name=f"relu{index}"))
            value = f"relu{index}"
    nodes.append(helper.make_node("Sub", ["noisy", "noise"], ["denoised"], name="residual"))
    shape = ["batch", 1, "height", "width"]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name in ("noisy", "denoised")]
    graph = helper.make_graph(nodes, "atrous dilated denoiser, gray, sigma 25/255", *ends, initializer=weights)
    model = helper.make_model(graph, producer_name="atrous", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Train the demo network of atrous.", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for denoiser.onnx and results.json")
    parser.add_argument("--channels", type=int, default=32, help="channels of the hidden layers")
    parser.add_argument("--steps", type=int, default=12_000, help="optimiser steps")
    parser.add_argument("--batch", type=int, default=16, help="crops a step")
    parser.add_argument("--crop", type=int, default=64, help="pixels a side of a crop")
    parser.add_argument("--rate", type=float, default=2e-3, help="first learning rate; a cosine brings it to a thousandth")
    parser.add_argument("--seed", type=int, default=1, help="of weights, crops and noise")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    parser.add_argument("--report", type=int, default=500, help="steps between two lines of progress")
    parser.add_argument("--checkpoint", type=Path, default=None, help="file to keep the weights in at each line of progress")
    parser.add_argument("--bfloat16", action=argparse.BooleanOptionalAction, default=True, help="for nine tenths of the steps")
    return parser.parse_args(given)


def main() -> None:
    """Train, measure on the held-out photographs, write both files."""
    options = arguments()
    options.out.mkdir(parents=True, exist_ok=True)
    net = train(options).to(memory_format=torch.contiguous_format)
    (options.out / "denoiser.onnx").write_bytes(to_onnx(net).SerializeToString())
    results = {"sigma": "25/255", "noise_seed": NOISE_SEED, "clipped": False, "psnr_db": held_out_results(net)}
    (options.out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
