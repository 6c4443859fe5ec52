"""The network: a small llama, initialised so that it can copy before it has learned anything."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - its customary name
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Shape:
    """The hyperparameters that the GGUF file needs, too."""

    vocabulary: int
    width: int = 256
    layers: int = 5
    heads: int = 4
    feed_forward: int = 512
    rope_base: float = 1e6
    context: int = 1024
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


class Norm(nn.Module):
    """RMS normalisation with a learned scale."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape.width))
        self._epsilon = shape.epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Normalise over the last dimension."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self._epsilon)


class Block(nn.Module):
    """Attention with rotary positions and a SwiGLU feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self._heads, self._head_width = shape.heads, shape.head_width
        self.attn_norm, self.ffn_norm = Norm(shape), Norm(shape)
        self.attn_q, self.attn_k = nn.Linear(width, width), nn.Linear(width, width)
        self.attn_v, self.attn_output = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.ffn_gate, self.ffn_up = (nn.Linear(width, shape.feed_forward, bias=False) for _ in range(2))
        self.ffn_down = nn.Linear(shape.feed_forward, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """One layer over a batch of sequences; cos and sin turn the pairs of each position."""
        batch, length, width = x.shape
        h = self.attn_norm(x)
        q, k, v = (
            project(h).view(batch, length, self._heads, self._head_width).transpose(1, 2)
            for project in (self.attn_q, self.attn_k, self.attn_v)
        )
        mixed = F.scaled_dot_product_attention(_turn(q, cos, sin), _turn(k, cos, sin), v, is_causal=True)
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(batch, length, width))
        h = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Starter(nn.Module):
    """The whole network; input and output embeddings are one matrix."""

    _cos: Tensor
    _sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = [Block(shape) for _ in range(shape.layers)]
        self.blk = nn.ModuleList(self.blocks)
        self.output_norm = Norm(shape)
        angles = torch.arange(shape.context).float()[:, None] * _frequencies(shape)
        self.register_buffer("_cos", angles.cos(), persistent=False)
        self.register_buffer("_sin", angles.sin(), persistent=False)
        self._init_small()
        _init_copying(self)

    def hidden(self, ids: Tensor, positions: Tensor) -> Tensor:
        """The normalised last hidden states; ids and positions are (batch, length)."""
        cos, sin = self._cos[positions][:, None], self._sin[positions][:, None]
        x = self.token_embd(ids)
        for block in self.blocks:
            x = block(x, cos, sin)
        normal: Tensor = self.output_norm(x)
        return normal

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the next token."""
        return hidden @ self.token_embd.weight.T

    def _init_small(self) -> None:
        deep = 0.02 / math.sqrt(2 * self.shape.layers)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=deep if "attn_output" in name or "ffn_down" in name else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        nn.init.normal_(self.token_embd.weight, std=0.03)


def _frequencies(shape: Shape) -> Tensor:
    width = shape.head_width
    return shape.rope_base ** (-torch.arange(0, width, 2).float() / width)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs: the layout of llama.cpp's llama, so the export permutes nothing."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


@torch.no_grad()
def _init_copying(model: Starter) -> None:
    """Build an induction circuit: "after this token came that one, so it comes again".

    Layer 0 writes the tokens 1, 2 and 3 back into the residual stream: a constant key and a query turned by that many
    positions, both made by the biases alone. Layer 1 looks for places whose token before is the present token, or whose
    two tokens before are the present two, and copies what stands there. Deeper layers start near the identity.
    """
    shape, width = model.shape, model.shape.head_width
    read, write = _rotation(shape.width), _rotation(shape.width)
    _look_back(model.blocks[0], shape, read, write)
    matching = model.blocks[1]
    slow_pairs = _content_mask(width, fast=0.0)
    for head, source in zip(range(shape.heads), (0, 0, 1, 0), strict=False):
        rows = _rows(head, width)
        asks = 2.0 * write[:, _rows(0, width)].T if head == 2 else 1.5 * read[:width]
        matching.attn_q.weight[rows] = slow_pairs * asks
        matching.attn_k.weight[rows] = 2.0 * slow_pairs * write[:, _rows(source, width)].T
    _set_identity(matching, 0.7, 0.15)
    for block in model.blocks[2:]:
        for head in range(shape.heads):
            similar = 0.5 * _content_mask(width, fast=0.3) * _rotation(shape.width)[:width]
            block.attn_q.weight[_rows(head, width)] += similar
            block.attn_k.weight[_rows(head, width)] += similar
        _set_identity(block, 0.5, 0.02)


def _look_back(block: Block, shape: Shape, read: Tensor, write: Tensor) -> None:
    width, sharpness, n_pairs = shape.head_width, 6.0, 6
    frequencies = _frequencies(shape)[:n_pairs]
    for head, offset in zip(range(shape.heads), (1, 2, 3, 1), strict=False):
        rows = _rows(head, width)
        key, query = torch.zeros(width), torch.zeros(width)
        key[0 : 2 * n_pairs : 2] = sharpness
        query[0 : 2 * n_pairs : 2] = sharpness * torch.cos(-frequencies * offset)
        query[1 : 2 * n_pairs : 2] = sharpness * torch.sin(-frequencies * offset)
        block.attn_k.bias[rows], block.attn_q.bias[rows] = key, query
        block.attn_v.weight[rows] = read[:width] if head < 3 else read[width : 2 * width]
        block.attn_output.weight[:, rows] = write[:, rows] * 0.04


def _content_mask(width: int, fast: float) -> Tensor:
    """Weights of a head's rows: the fast-turning pairs tell positions, the slow ones can carry content."""
    mask = torch.ones(width, 1)
    mask[:24] = fast
    return mask


def _set_identity(block: Block, value: float, output: float) -> None:
    turn = _rotation(block.attn_v.weight.shape[0])
    block.attn_v.weight.copy_(value * turn)
    block.attn_output.weight.copy_(output * turn.T)


def _rotation(width: int) -> Tensor:
    rotation: Tensor = torch.linalg.qr(torch.randn(width, width))[0]
    return rotation


def _rows(head: int, width: int) -> slice:
    return slice(head * width, (head + 1) * width)
