"""Pairwise likelihood of a batch against what is known of every training pair."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from scenograph.components import losses
from scenograph.losses.likelihood import negative_log_likelihood, shared_labels

Pairs = Literal["inter", "intra", "both"]


@losses("bank-likelihood.v1")
class BankLikelihood(nn.Module):
    """Pairwise negative log-likelihood of the batch's vectors and both banks' rows, which get no gradient:
    between modalities, within each, or both summed.

    Shapes: image, text (B, D), labels (B, classes), image_bank, text_bank (n, D), bank_labels (n, classes)
    -> scalar.  Source: Jiang and Li 2017 (DCMH), eq. 1; within a modality Yang et al. 2017 (PRDH).
    """

    def __init__(self, *, pairs: Pairs = "inter") -> None:
        super().__init__()
        self.pairs = pairs

    def forward(
        self,
        image: Tensor,
        text: Tensor,
        labels: Tensor,
        image_bank: Tensor,
        text_bank: Tensor,
        bank_labels: Tensor,
    ) -> Tensor:
        similar = shared_labels(labels, bank_labels)
        total = image.new_zeros(())
        if self.pairs in {"inter", "both"}:
            total = total + negative_log_likelihood(image, text_bank, similar)
            total = total + negative_log_likelihood(text, image_bank, similar)
        if self.pairs in {"intra", "both"}:
            total = total + negative_log_likelihood(image, image_bank, similar)
            total = total + negative_log_likelihood(text, text_bank, similar)
        return total
