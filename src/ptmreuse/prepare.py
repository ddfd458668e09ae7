"""The first two steps: the coded papers in use and the simulated corpus, both as study tables."""

import json

from ptmreuse import simulation, sources, study


def write_evidence(step, values, scratch):
    """Write the study tables of the source in use.

    Parameters
    ----------
    step : steps.Step
    values : dict
        The parameters of the run.
    scratch : Path
        Receives the folder ``tables``.
    """
    tables = sources.load_source(**{name: values[name] for name in step.parameters if name != "coder"})
    study.of_coder(tables, values["coder"])
    study.write(tables, scratch / "tables")


def write_simulated(step, values, scratch):
    """Write the simulated corpus: study tables, search hits and the planted truth, side by side."""
    tables, hits, truth = simulation.simulate_corpus(values["seed"], papers=values["simulated_papers"])
    study.accounting(tables)
    study.write(tables, scratch / "tables")
    hits.to_csv(scratch / "hits.csv", index=False, lineterminator="\n")
    (scratch / "truth.json").write_text(json.dumps(truth, indent=1, sort_keys=True) + "\n", encoding="utf-8")
