"""Score labels by cleanlab, in an environment of its own: vectors and labels in, one quality a row and option out.

Called by ``labels.py`` as ``PYTHON labels_peer.py IN.npz OUT.npz``; needs cleanlab (Apache-2.0) and scikit-learn there.
"""

import sys
import warnings

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression  # noqa: TID253 - it is a script of another environment
from sklearn.model_selection import StratifiedKFold, cross_val_predict  # noqa: TID253

OPTIONS = {
    "self_confidence": False, "normalized_margin": False, "confidence_weighted_entropy": False,
    "self_confidence+": True, "normalized_margin+": True,
}  # fmt: skip
"""Method to whether predicted probabilities are adjusted by class thresholds; the first is the default."""


def main() -> None:
    """Predict out of sample by five-fold logistic regression, the peer's own recommendation, and score."""
    warnings.filterwarnings("ignore")
    given = np.load(sys.argv[1])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=1000)
    chances = cross_val_predict(model, given["vectors"], given["labels"], cv=folds, method="predict_proba")
    scores = {}
    for name, adjust in OPTIONS.items():
        quality = get_label_quality_scores(given["labels"], chances, method=name.rstrip("+"), adjust_pred_probs=adjust)
        scores[name] = 1 - quality
    np.savez(sys.argv[2], **scores)


if __name__ == "__main__":
    main()
