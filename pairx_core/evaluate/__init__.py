"""Does the model, and does its explanation, separate right from wrong?"""

from pairx_core.evaluate.accuracy import LineAccuracy, RetrievalAccuracy, line_accuracy, retrieval_accuracy
from pairx_core.evaluate.truth import SAME_POINT, BodyMap, read_truth, right_lines

__all__ = [
    "SAME_POINT",
    "BodyMap",
    "LineAccuracy",
    "RetrievalAccuracy",
    "line_accuracy",
    "read_truth",
    "retrieval_accuracy",
    "right_lines",
]
