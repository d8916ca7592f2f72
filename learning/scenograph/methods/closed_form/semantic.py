"""Semantic matching (SM) and semantic correlation matching (SCM): comparing class posteriors."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from scenograph.components import solvers
from scenograph.data.contracts import FeatureSplit
from scenograph.methods.closed_form.cca import cca
from scenograph.methods.contracts import FloatArray, Trained
from scenograph.methods.kernel import Matrix
from scenograph.methods.projector import LinearMap, LinearProjector, linear_map
from scenograph.scene.errors import InvalidInput


@solvers("semantic_matching.v1")
def semantic_matching(
    train: FeatureSplit, *, image_inverse_ridge: float = 1.0, text_inverse_ridge: float = 1.0
) -> Trained:
    """A multinomial logistic regression a modality; items are compared by their class posteriors.

    Errors: InvalidInput (an item without a label, or fewer than two classes).
    Source: Rasiwasia et al., ACM MM 2010 (SM).
    """
    return Trained(
        LinearProjector(
            _posterior(train.image, train.labels, image_inverse_ridge),
            _posterior(train.text, train.labels, text_inverse_ridge),
        )
    )


@solvers("semantic_correlation_matching.v1")
def semantic_correlation_matching(
    train: FeatureSplit,
    *,
    dimension: int,
    image_inverse_ridge: float = 1.0,
    text_inverse_ridge: float = 1.0,
) -> Trained:
    """Semantic matching on top of CCA's projections. (Not the hashing method of the same letters.)

    Errors: as `semantic_matching`, and as `cca`.
    Source: Rasiwasia et al., ACM MM 2010 (SCM).
    """
    correlated = cca(train, dimension=dimension).projector
    assert isinstance(correlated, LinearProjector)
    image = _posterior(correlated.image(train.image), train.labels, image_inverse_ridge)
    text = _posterior(correlated.text(train.text), train.labels, text_inverse_ridge)
    return Trained(LinearProjector(_chain(correlated.image_map, image), _chain(correlated.text_map, text)))


def _posterior(features: FloatArray, labels: np.ndarray, inverse_ridge: float) -> LinearMap:
    """Multinomial logistic regression of standardised features; an item of k labels counts 1/k for each."""
    rows, classes = np.nonzero(labels)
    if len(np.unique(rows)) < len(labels) or len(np.unique(classes)) < 2:
        raise InvalidInput("semantic matching needs a label for every item, and two classes")
    x = features.astype(np.float64)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    share = 1.0 / labels.sum(axis=1)[rows]
    model = LogisticRegression(C=inverse_ridge, max_iter=1000)
    model.fit(((x - mean) / scale)[rows], classes, sample_weight=share)
    weight, bias = model.coef_.T, model.intercept_
    if weight.shape[1] == 1:  # two classes: one logit, between them
        weight, bias = np.hstack([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return linear_map(mean, weight / scale[:, None], bias, activation="softmax")


def _chain(first: LinearMap, then: LinearMap) -> LinearMap:
    """`then` of `first`, where `first` has neither kernel nor activation."""
    weight: Matrix = first.weight @ then.weight
    bias = (first.bias - then.mean) @ then.weight + then.bias
    return linear_map(first.mean, weight, bias, activation=then.activation)
