"""Does the model, and does its explanation, separate right from wrong?"""

from pairx_core.evaluate.accuracy import LineAccuracy, RetrievalAccuracy, line_accuracy, retrieval_accuracy
from pairx_core.evaluate.job import Evaluated, EvaluationJob
from pairx_core.evaluate.pairs import KnownPair, PairSample, matched_sample, ranked_pairs
from pairx_core.evaluate.plan import Plan
from pairx_core.evaluate.report import write_report
from pairx_core.evaluate.summary import MethodSummary, Summariser
from pairx_core.evaluate.trust import TrustStudy, trust_job
from pairx_core.evaluate.truth import SAME_POINT, BodyMap, read_truth, right_lines

__all__ = [
    "SAME_POINT",
    "BodyMap",
    "Evaluated",
    "EvaluationJob",
    "KnownPair",
    "LineAccuracy",
    "MethodSummary",
    "PairSample",
    "Plan",
    "RetrievalAccuracy",
    "Summariser",
    "TrustStudy",
    "line_accuracy",
    "matched_sample",
    "ranked_pairs",
    "read_truth",
    "retrieval_accuracy",
    "right_lines",
    "trust_job",
    "write_report",
]
