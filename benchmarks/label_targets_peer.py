"""cleanlab's multi-label scores, in an environment of its own: python label_targets_peer.py IN.npz OUT.npz

IN holds vectors (n, d), given (n, k) of 0 and 1, and ours (n, k), out-of-sample chances of presence. OUT gets, by the chances of
five-fold logistic regressions and by ours, the doubt of each cell and of each row.
"""

import sys

import numpy as np
from cleanlab.multilabel_classification import get_label_quality_scores
from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
from sklearn.linear_model import LogisticRegression  # noqa: TID253 - it is a script of another environment
from sklearn.model_selection import KFold  # noqa: TID253


def out_of_sample(vectors: np.ndarray, given: np.ndarray) -> np.ndarray:
    chances = np.zeros(given.shape)
    for learnt, judged in KFold(5, shuffle=True, random_state=0).split(vectors):
        for label in range(given.shape[1]):
            if np.ptp(given[learnt, label]) == 0:
                chances[judged, label] = given[learnt[0], label]
                continue
            model = LogisticRegression(max_iter=200).fit(vectors[learnt], given[learnt, label])
            chances[judged, label] = model.predict_proba(vectors[judged])[:, 1]
    return chances


def main() -> None:
    asked = np.load(sys.argv[1])
    labels = [list(np.flatnonzero(row)) for row in asked["given"]]
    told = {}
    for name, chances in (("own", out_of_sample(asked["vectors"], asked["given"])), ("ours", asked["ours"])):
        told[f"{name}_cells"] = 1 - get_label_quality_scores_per_class(labels, chances)
        told[f"{name}_rows"] = 1 - get_label_quality_scores(labels, chances)
    np.savez(sys.argv[2], **told)


main()
