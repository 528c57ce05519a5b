"""VGG19, ResNet50 and SENet50 of Le, Tran and Rege (2020) in PyTorch, from the text and the papers that it cites.

The text (sections III.D and IV.A.2) names the networks, PyTorch, 30 epochs and SGD with learning rate 0.0001. The
layers come from the papers that it cites: Simonyan and Zisserman 2014 (table 1, column E), He et al. 2016 (table 1)
and Hu et al. 2018 (table 1, figure 3, equations 2 to 4). Only the last layer differs: it has one unit per class.

Every network maps images of shape (batch, 3, size, size), float32, channels first, to logits (batch, classes).
Weights have PyTorch's shapes: convolution (out, in, height, width), linear (out, in), batch normalisation (channels,).
VGG19 flattens its last map in the order channels, height, width.

`size` is 224 in all three papers. The smallest size that keeps every layer is 32: each network halves its input five
times, so the last map is then 1 x 1.
"""

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

SIZE = 224  # pixels; the input size of all three cited papers
SMALLEST_SIZE = 32  # pixels; the last map is 1 x 1
CLASSES = 4  # CASME II and SAMM; SMIC has 3
EPOCHS = 30
LEARNING_RATE = 1e-4
VGG19_LAYERS: tuple[tuple[int, int], ...] = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # (convolutions, filters)
RESNET50_LAYERS: tuple[tuple[int, int], ...] = ((3, 64), (4, 128), (6, 256), (3, 512))  # (blocks, filters of the 3 x 3)
EXPANSION = 4  # a block ends with four times the filters of its 3 x 3 convolution

SILENT: tuple[str, ...] = (
    "The input size is not given: 224, the size of the three cited papers.",
    "How the three regions enter the network is not given: the networks take one RGB image.",
    "The scaling of the pixels is not given: the networks take whatever they are given and normalise nothing.",
    "Initial weights are not given: He et al. 2015 here (normal, fan-out) and N(0, 0.01) for linear layers. Pretrained"
    " weights are likely, since SGD at 0.0001 for 30 epochs changes random weights little.",
    "Because no weights are named, the text does not say where the stride of a bottleneck lies. The first 1 x 1"
    " convolution has it in the original Caffe models and in VGGFace2, the 3 x 3 convolution in torchvision. ResNet50"
    " with PyTorch suggests torchvision, so its default is the 3 x 3. Hu et al. call their network SE-ResNet-50;"
    " 'senet50' is VGGFace2's name, so SENet50's default is the first 1 x 1.",
    "The max pooling of ResNet50 is not specified: padding of 1 here, as in torchvision. SENet50 has no padding and"
    " rounds the size up, as in Caffe; the maps have the same size with both.",
    "VGG19 with or without batch normalisation is not given: without, as in its paper, with dropout of 0.5 after each"
    " of the two hidden linear layers.",
    "The depth of the change is not given: the last linear layer is replaced, no layer is added or frozen.",
    "Convolutions before batch normalisation have no bias; `bias=True` adds the biases of Keras' ResNet50.",
    "The two linear layers of a squeeze-and-excitation block have biases, as in the public models; the equations of"
    " Hu et al. have none. The reduction ratio is theirs, 16.",
    "Epsilon and momentum of batch normalisation are not given: PyTorch's 1e-5 and 0.1.",
    "The loss is not named: cross-entropy of the softmax, without class weights.",
    "Momentum, weight decay and batch size of SGD are not given: no momentum and no decay, the defaults of PyTorch."
    " The batch size is the caller's choice.",
    "No schedule is given: the learning rate is constant.",
)

Stride = Literal["1x1", "3x3"]
Pool = Literal["padded", "ceil"]


class VGG19(nn.Module):
    """Sixteen 3 x 3 convolutions in five groups and three linear layers (Simonyan and Zisserman 2014, column E)."""

    def __init__(self, size: int = SIZE, classes: int = CLASSES, hidden: int = 4096) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for convolutions, filters in VGG19_LAYERS:
            for _ in range(convolutions):
                layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.ReLU()]
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * (size // 32) ** 2, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, 3, size, size)."""
        return self.classifier(self.features(images))


class SqueezeExcitation(nn.Module):
    """Scale every channel by a factor between 0 and 1 that depends on all channels' means (Hu et al., eq. 2 to 4)."""

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        self.down = nn.Linear(channels, channels // ratio)
        self.up = nn.Linear(channels // ratio, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the scaled maps, shape (batch, channels, height, width) as given."""
        factors = torch.sigmoid(self.up(torch.relu(self.down(maps.mean(dim=(2, 3))))))
        return maps * factors[:, :, None, None]


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolution, each with batch normalisation, plus the shortcut (He et al., figure 5)."""

    def __init__(self, channels: int, filters: int, stride: int, ratio: int | None, stride_in: Stride, bias: bool):
        super().__init__()
        first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
        last = EXPANSION * filters
        self.reduce = convolution(channels, filters, 1, first, bias)
        self.middle = convolution(filters, filters, 3, second, bias)
        self.increase = convolution(filters, last, 1, 1, bias)
        self.excitation = nn.Identity() if ratio is None else SqueezeExcitation(last, ratio)
        same = stride == 1 and channels == last
        self.shortcut = nn.Identity() if same else convolution(channels, last, 1, stride, bias)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (batch, 4 * filters, height / stride, width / stride)."""
        residual = torch.relu(self.middle(torch.relu(self.reduce(maps))))
        residual = self.excitation(self.increase(residual))
        return torch.relu(residual + self.shortcut(maps))


def convolution(channels: int, filters: int, kernel: int, stride: int, bias: bool) -> nn.Sequential:
    """Convolution that keeps the size (divided by `stride`), then batch normalisation with PyTorch's defaults."""
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, bias=bias), nn.BatchNorm2d(filters)
    )


class ResNet50(nn.Module):
    """7 x 7 convolution, max pooling, 16 bottlenecks in four stages, global mean, one linear layer (table 1).

    `ratio` is the reduction ratio of squeeze-and-excitation, None for no such block.
    """

    def __init__(self, classes: int, ratio: int | None, stride_in: Stride, pool: Pool, bias: bool) -> None:
        super().__init__()
        self.stem = convolution(3, 64, 7, 2, bias)
        self.pool = nn.MaxPool2d(3, 2, padding=1) if pool == "padded" else nn.MaxPool2d(3, 2, ceil_mode=True)
        stages: list[nn.Module] = []
        channels = 64
        for stage, (blocks, filters) in enumerate(RESNET50_LAYERS):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(Bottleneck(channels, filters, stride, ratio, stride_in, bias))
                channels = EXPANSION * filters
        self.stages = nn.Sequential(*stages)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (batch, classes) for images (batch, 3, size, size)."""
        maps = self.stages(self.pool(torch.relu(self.stem(images))))
        return self.classifier(maps.mean(dim=(2, 3)))


def initialise(network: nn.Module) -> nn.Module:
    """Set the weights as He et al. 2015 (convolutions, fan-out) and N(0, 0.01) (linear); biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


def vgg19(size: int = SIZE, classes: int = CLASSES) -> nn.Module:
    """VGG19: 139,586,628 parameters at 224 pixels with 4 classes."""
    return initialise(VGG19(size, classes))


def resnet50(classes: int = CLASSES, stride_in: Stride = "3x3", pool: Pool = "padded", bias: bool = False) -> nn.Module:
    """ResNet50: 23,516,228 parameters with 4 classes, of any input size from 32 pixels.

    With `bias` and the 53,120 moving means and variances it has 23,595,908 values, the count of Keras.
    """
    return initialise(ResNet50(classes, None, stride_in, pool, bias))


def senet50(
    classes: int = CLASSES, ratio: int = 16, stride_in: Stride = "1x1", pool: Pool = "ceil", bias: bool = False
) -> nn.Module:
    """SENet50: 26,047,220 parameters with 4 classes, of any input size from 32 pixels."""
    return initialise(ResNet50(classes, ratio, stride_in, pool, bias))


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits (batch, classes) and class numbers (batch,), int64; a scalar."""
    return nn.functional.cross_entropy(logits, labels)


def optimizer(parameters: Iterable[nn.Parameter]) -> torch.optim.SGD:
    """Stochastic gradient descent with learning rate 0.0001 (section IV.A.2), no momentum, no weight decay."""
    return torch.optim.SGD(parameters, lr=LEARNING_RATE)


def schedule(epoch: int) -> float:
    """Learning rate of an epoch, counted from 0: constant."""
    if not 0 <= epoch < EPOCHS:
        raise ValueError(f"epoch {epoch}: the paper trains for {EPOCHS} epochs, counted from 0")
    return LEARNING_RATE
