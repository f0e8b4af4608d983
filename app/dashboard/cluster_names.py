"""The clusters of a rule, and the row that names each: numbers change with the next check, a row's id does not."""

from __future__ import annotations

import streamlit as st

from ...curate.review.cluster_list import Clusters, list_clusters
from ...curate.review.desk import Look

PAGE = "duplicates"


@st.cache_resource(max_entries=4, show_spinner="Listing clusters…")
def clusters_of(key: str, rule: str, _look: Look) -> Clusters:
    """Return the clusters that a rule found."""
    return list_clusters(_look.view, rule)


def numbered(look: Look, clusters: Clusters, name: str | None) -> int | None:
    """Return the number of the cluster that a row names, or, as after another check, that holds the row."""
    if name is None:
        return None
    place = int(look.view.positions([name])[0])
    number = clusters.named(place)
    return clusters.holding(place) if number is None else number


def name_of(look: Look, clusters: Clusters, number: int) -> str:
    """Return the id of the row that names a cluster."""
    return look.view.rows["id"][int(clusters.table["key"][number])]
