"""TrustMark's two networks, with the names that its published weights have.

One draws a picture with bits in it from a picture and bits (a U-Net; Ronneberger, Fischer and Brox 2015), the other
reads bits from a picture (a ResNet; He, Zhang, Ren and Sun 2015, its stride in the 3 by 3 convolution).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SECRET_SIDE = 16
ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh}
LAYERS = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3)}


class Convolution(nn.Module):
    """A convolution and what follows it."""

    def __init__(self, inputs: int, outputs: int, size: int, *, stride: int = 1, padding: int = 0, then: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, padding)
        self.then = ACTIVATIONS[then]() if then else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after it."""
        found: Tensor = self.then(self.conv(x))
        return found


class Residual(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, channels: int, *, then: str) -> None:
        super().__init__()
        first = Convolution(channels, channels, 3, padding=1, then=then)
        self.model = nn.Sequential(first, Convolution(channels, channels, 3, padding=1, then=""))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after it."""
        found: Tensor = self.model(x) + x
        return found


class Residuals(nn.Module):
    """Several of them, one after another."""

    def __init__(self, number: int, channels: int, *, then: str) -> None:
        super().__init__()
        self.model = nn.Sequential(*(Residual(channels, then=then) for _ in range(number)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after them."""
        found: Tensor = self.model(x)
        return found


class Rise(nn.Module):
    """Twice the size, and what was there on the way down."""

    def __init__(self, channels: int, *, beside: int, then: str) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = Convolution(channels, half, 2, then=then)
        self.conv2 = Convolution(half + beside, half, 3, padding=1, then=then)

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        """Return the features at twice the size."""
        wide = functional.pad(functional.interpolate(x, scale_factor=2.0, mode="nearest"), (0, 1, 0, 1))
        found: Tensor = self.conv2(torch.cat([self.conv1(wide), beside], dim=1))
        return found


class SecretPicture(nn.Module):
    """Bits as a coarse picture."""

    def __init__(self, bits: int, side: int) -> None:
        super().__init__()
        self.dense = nn.Linear(bits, SECRET_SIDE * SECRET_SIDE * 3)
        self.scale = side // SECRET_SIDE

    def forward(self, secret: Tensor) -> Tensor:
        """Return three channels of the picture's side."""
        small = self.dense(secret).view(-1, 3, SECRET_SIDE, SECRET_SIDE)
        return functional.relu(functional.interpolate(small, scale_factor=float(self.scale), mode="nearest"))


class HidingNetwork(nn.Module):
    """Draws a picture with bits in it, from -1 to 1."""

    def __init__(self, *, bits: int, side: int, width: int, down: int, middle: int, then: str) -> None:
        super().__init__()
        self.secret2image = SecretPicture(bits, side)
        self.pre = Convolution(6, width, 3, padding=1, then=then)
        widths = [width * 2**step for step in range(down + 1)]
        self.enc = nn.ModuleList(
            Convolution(before, after, 3, stride=2, padding=1, then="relu")
            for before, after in pairwise(widths)
        )
        self.middle = nn.ModuleList(Residuals(middle, widths[-1], then=then) for _ in range(middle))
        self.dec = nn.ModuleList(
            Rise(channels, beside=channels // 2 + (6 if channels == widths[1] else 0), then=then)
            for channels in reversed(widths[1:])
        )
        self.post = nn.Sequential(
            Convolution(width, width, 3, padding=1, then=then),
            Convolution(width, width // 2, 1, then="silu"),
            Convolution(width // 2, 3, 1, then="tanh"),
        )

    def forward(self, picture: Tensor, secret: Tensor) -> Tensor:
        """Return the picture, shape (n, 3, side, side), with bits, shape (n, bits), in it."""
        inputs = torch.cat([picture, self.secret2image(secret)], dim=1)
        x, beside = self.pre(inputs), []
        for block in self.enc:
            beside.append(x)
            x = block(x)
        for block in self.middle:
            x = block(x)
        beside[0] = torch.cat([beside[0], inputs], dim=1)
        for block, left in zip(self.dec, reversed(beside), strict=True):
            x = block(x, left)
        found: Tensor = self.post(x)
        return found


class BasicBlock(nn.Module):
    """Two 3 by 3 convolutions of a ResNet."""

    expansion = 1

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = _downsample(inputs, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after it."""
        found = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(found)) + (self.downsample(x) if self.downsample else x))


class Bottleneck(nn.Module):
    """A 3 by 3 convolution of a ResNet between two that narrow and widen."""

    expansion = 4

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        wide = channels * self.expansion
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample = _downsample(inputs, wide, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after it."""
        found = functional.relu(self.bn1(self.conv1(x)))
        found = functional.relu(self.bn2(self.conv2(found)))
        return functional.relu(self.bn3(self.conv3(found)) + (self.downsample(x) if self.downsample else x))


def _downsample(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if inputs == outputs and stride == 1:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """A ResNet whose last layer has one output a bit."""

    def __init__(self, layers: Sequence[int], *, is_deep: bool, bits: int, width: int) -> None:
        super().__init__()
        block: type[BasicBlock] | type[Bottleneck] = Bottleneck if is_deep else BasicBlock
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inputs = width
        for number, length in enumerate(layers):
            channels, blocks = width * 2**number, []
            for place in range(length):
                blocks.append(block(inputs, channels, 2 if number and not place else 1))
                inputs = channels * block.expansion
            setattr(self, f"layer{number + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, bits)

    def forward(self, x: Tensor) -> Tensor:
        """Return one number a bit, above zero for one."""
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        found: Tensor = self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))
        return found


class ReadingNetwork(nn.Module):
    """Reads bits from a picture, which it looks at no larger than a side."""

    def __init__(self, *, kind: str, bits: int, side: int, width: int = 64) -> None:
        super().__init__()
        self.side = side
        self.decoder = ResNet(LAYERS[kind], is_deep=kind == "resnet50", bits=bits, width=width)

    def forward(self, picture: Tensor) -> Tensor:
        """Return one number a bit for pictures of shape (n, 3, height, width), from -1 to 1."""
        if min(picture.shape[-2:]) > self.side:
            picture = functional.interpolate(
                picture, size=(self.side, self.side), mode="bilinear", align_corners=False
            )
        found: Tensor = self.decoder(picture)
        return found
