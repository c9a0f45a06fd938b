"""Losses and regularizers on log-probabilities, for `forward_backward_custom`. Pure; numpy loads with them."""

from tinkex_py.losses.evaluation import ArrayKind
from tinkex_py.losses.objective import CustomLossOutput, Objective, RegularizerOutput, RegularizerSpec, evaluate
from tinkex_py.losses.protocol import Arrays, Evaluation, LossFunction
from tinkex_py.losses.regularizers import (
    L1,
    L2,
    Consistency,
    ElasticNet,
    Entropy,
    GradientPenalty,
    KLDivergence,
    Orthogonality,
)

__all__ = [
    "L1",
    "L2",
    "ArrayKind",
    "Arrays",
    "Consistency",
    "CustomLossOutput",
    "ElasticNet",
    "Entropy",
    "Evaluation",
    "GradientPenalty",
    "KLDivergence",
    "LossFunction",
    "Objective",
    "Orthogonality",
    "RegularizerOutput",
    "RegularizerSpec",
    "evaluate",
]
