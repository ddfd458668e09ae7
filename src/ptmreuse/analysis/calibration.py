"""Calibration: do the book's statistics find what was planted, as often as they say?

Corpora with known effects, and null twins without any, are simulated many times. Every function that the
notebooks call is applied to them as the notebooks apply it, and its interval or p value is compared with the
truth: an interval of 95 % confidence must hold the truth in 95 of 100 corpora, a test at the 5 % level may
reject in 5 of 100 null twins. *Traps* are the calculations that the book avoids, in the same table.
"""

import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from tqdm import tqdm

from ptmreuse import paths
from ptmreuse.analysis import patterns, sampling
from ptmreuse.errors import StudyError
from ptmreuse.evidence import items, simulated, study
from ptmreuse.statistics import agreement, coder_error, overlap, shares, trend
from ptmreuse.statistics.estimate import Estimate
from ptmreuse.statistics.shares import difference, odds_ratio, proportion

TABLE = paths.DATA / "calibration.csv"
SEED, REPETITIONS, PAPERS, RESAMPLES = 20260313, 400, 9000, 499
FIRST = 5  # the table also keeps the hits of so many first repetitions, which a test makes again
CONF, LEVEL = 0.95, 0.05
ACCEPTED = 0.99  # central probability of the counts with which a row holds
PILOT_PAPERS, PILOT_REUSING, PER_YEAR = 110, 23, 10
PERIOD, GROUP = 2021, 100  # papers from this year on against earlier ones, so many drawn from each
WORLDS = ("planted", "null twin", "raters")
CHECKED = {"yes": 150, "deep learning only": 200, "no": 100, "unknown": 15}  # drawn per label of the coder
VALIDATED = 100  # papers of each true answer in a validation sample
# As the book shows them; where reuse is as rare as in the first release; raters who guess, often or rarely yes.
RATERS = {
    "": {"n": 300, "prevalence": 0.2, "sensitivity": 0.85, "specificity": 0.95},
    "rare_": {"n": 300, "prevalence": 0.036, "sensitivity": 0.85, "specificity": 0.99},
    "null_": {"n": 300, "prevalence": 0.2, "sensitivity": 0.2, "specificity": 0.8},
    "null_rare_": {"n": 300, "prevalence": 0.2, "sensitivity": 0.05, "specificity": 0.95},
}
TENTH = 10  # rank of the model whose rank interval is checked besides that of the first


class Check(NamedTuple):
    """One row of the table: what is checked, on what, against which truth."""

    key: str
    label: str
    function: str
    sample: str
    truth_is: str
    world: str = "planted"  # or null twin, raters
    measure: str = "coverage"  # or rejection, power
    log: bool = False  # bias on the log scale, for ratios
    trap: bool = False  # what the book does not do


_CORPUS = "value of the corpus that was sampled"
_PLANTED = "planted effect (superpopulation)"
_NONE = "no effect (superpopulation)"
_MIX = "planted mix, given the papers' fields"
_DL = "all deep-learning papers"
_PILOT = f"{PILOT_PAPERS} full texts at random"
_EVEN = f"{PER_YEAR} full texts a year, 11 years"
_ALL = "all full texts of a corpus"
_FEW = f"{PILOT_REUSING} reusing papers at random"
_REUSING = "all reusing papers of a corpus"
_TENTH_PART = "a tenth of each stratum"
_LABELS = f"{sum(CHECKED.values())} papers within the coder's labels"
_TWO = f"{GROUP} full texts from {PERIOD} on, {GROUP} earlier"
_RATED, _RARE, _GUESSED, _GUESSED_RARE = (
    f"{r['n']} papers, two raters of sensitivity {r['sensitivity']:g}, specificity {r['specificity']:g}, "
    f"prevalence {100 * r['prevalence']:g} %"
    for r in RATERS.values()
)
_CLOSED = "closed form of the raters' accuracy"

CHECKS = (
    Check("share", "Share of papers", "shares.proportion", _PILOT, _CORPUS),
    Check("standardised", "Year-standardised share", "shares.standardised_share", _EVEN, _CORPUS),
    Check("even_raw", "Raw share of even years", "shares.proportion", _EVEN, _CORPUS, trap=True),
    Check("journals", "Stratified share, 4 strata", "sampling.draw, shares.stratified_share", _TENTH_PART, _CORPUS),
    Check("cells", "Stratified share, year and journal", "sampling.draw, shares.stratified_share", _TENTH_PART,
          _CORPUS),
    Check("difference", "Difference of two shares", "shares.difference", _TWO, _CORPUS),
    Check("odds", "Odds ratio of two groups", "shares.odds_ratio", _TWO, _CORPUS, log=True),
    Check("trend", "Trend over years", "trend.trend", _ALL, _PLANTED, log=True),
    Check("trend_few", "Trend over years, few papers", "trend.trend", _EVEN, _PLANTED, log=True),
    Check("field", "Effect of one field among eight", "trend.clustered_logit", _DL, _PLANTED,
          log=True),
    Check("field_year", "Trend beside eight fields", "trend.clustered_logit", _DL, _PLANTED,
          log=True),
    Check("pairs", "Adaptation, share of pairs", "patterns.pattern_shares", _REUSING, _MIX),
    Check("pairs_few", "Adaptation, share of pairs, few papers", "patterns.pattern_shares", _FEW, _CORPUS),
    Check("pairs_naive", "Adaptation, pairs as if independent", "shares.proportion", _REUSING, _MIX, trap=True),
    Check("papers_few", "Adaptation, share of papers, few papers", "patterns.pattern_shares", _FEW, _CORPUS),
    Check("rank_first", "Rank of the leading pattern, few papers", "patterns.rank", _FEW, _CORPUS),
    Check("rank_second", "Rank of the second pattern, few papers", "patterns.rank", _FEW, _CORPUS),
    Check("lead", "Adaptation rather than conceptual, few papers", "patterns.lead_over", _FEW, _CORPUS),
    Check("model_first", "Rank of the most popular model", "patterns.most_reused", _REUSING, "planted popularity"),
    Check("model_tenth", f"Rank of model {TENTH} by popularity", "patterns.most_reused", _REUSING,
          "planted popularity"),
    Check("corrected", "Prevalence corrected for coder error", "coder_error.two_phase", _LABELS, _CORPUS),
    Check("apparent", "Prevalence by the coder's own labels", "shares.proportion", _ALL, _CORPUS, trap=True),
    Check("ppv", "Positive predictive value", "coder_error.two_phase", _LABELS, _CORPUS),
    Check("missed", "Missed among the coder's no", "coder_error.two_phase", _LABELS, _CORPUS),
    Check("sensitivity", "Sensitivity, weighted", "coder_error.two_phase", _LABELS, _CORPUS),
    Check("specificity", "Specificity, weighted", "coder_error.two_phase", _LABELS, _CORPUS),
    Check("rogan", "Prevalence, accuracy known", "coder_error.rogan_gladen", _PILOT, _CORPUS),
    Check("lang", "Prevalence, accuracy measured", "coder_error.lang_reiczigel",
          f"{_PILOT}; {VALIDATED} true yes, {VALIDATED} true no", _CORPUS),
    Check("raw", "Raw agreement", "agreement.agreement", _RATED, _CLOSED, "raters"),
    Check("kappa", "Cohen's kappa", "agreement.agreement", _RATED, _CLOSED, "raters"),
    Check("alpha", "Krippendorff's alpha", "agreement.agreement", _RATED, _CLOSED, "raters"),
    Check("ac1", "Gwet's AC1", "agreement.agreement", _RATED, _CLOSED, "raters"),
    Check("rare_raw", "Raw agreement, rare category", "agreement.agreement", _RARE, _CLOSED, "raters"),
    Check("rare_kappa", "Cohen's kappa, rare category", "agreement.agreement", _RARE, _CLOSED, "raters"),
    Check("rare_alpha", "Krippendorff's alpha, rare category", "agreement.agreement", _RARE, _CLOSED, "raters"),
    Check("rare_ac1", "Gwet's AC1, rare category", "agreement.agreement", _RARE, _CLOSED, "raters"),
    Check("null_kappa", "Cohen's kappa of guessing raters", "agreement.agreement", _GUESSED, "kappa 0", "raters"),
    Check("null_alpha", "Krippendorff's alpha of guessing raters", "agreement.agreement", _GUESSED, "alpha 0",
          "raters"),
    Check("null_rare_kappa", "Cohen's kappa of guessing raters, rare category", "agreement.agreement", _GUESSED_RARE,
          "kappa 0", "raters"),
    Check("null_rare_alpha", "Krippendorff's alpha of guessing raters, rare category", "agreement.agreement",
          _GUESSED_RARE, "alpha 0", "raters"),
    Check("null_pairs", "Adaptation, share of pairs, null twin", "patterns.pattern_shares", _REUSING,
          "planted mix (superpopulation)", "null twin"),
    Check("null_difference", "Two shares differ", "shares.difference", _TWO, _NONE, "null twin", "rejection"),
    Check("null_odds", "Odds of two groups differ", "shares.odds_ratio", _TWO, _NONE, "null twin", "rejection"),
    Check("null_trend", "A trend over years", "trend.trend", _ALL, _NONE, "null twin", "rejection"),
    Check("null_trend_few", "A trend over years, few papers", "trend.trend", _EVEN, _NONE, "null twin",
          "rejection"),
    Check("curvature", "The trend is not linear", "trend.trend", _ALL, "a linear trend", "planted", "rejection"),
    Check("null_fields", "Fields or year bear on reuse", "trend.clustered_logit", _DL, _NONE, "null twin",
          "rejection"),
    Check("null_select", "Fields differ in patterns (permutation)", "overlap.multi_select", _REUSING, _NONE,
          "null twin", "rejection"),
    Check("null_bootstrap", "Fields differ in patterns (bootstrap)", "overlap.multi_select", _REUSING, _NONE,
          "null twin", "rejection"),
    Check("null_rao", "Fields differ in patterns (Rao-Scott)", "overlap.multi_select", _REUSING, _NONE,
          "null twin", "rejection"),
    Check("null_stacked", "Fields differ in patterns, rows as if independent", "overlap.independence", _REUSING,
          _NONE, "null twin", "rejection", trap=True),
    Check("null_lead", "Adaptation leads, patterns swapped by a coin", "patterns.lead_over", _FEW, _NONE, "null twin",
          "rejection"),
    Check("power_trend_few", "Planted trend found, few papers", "trend.trend", _EVEN, _PLANTED, "planted",
          "power"),
    Check("power_select", "Planted field patterns found", "overlap.multi_select", _REUSING, _PLANTED, "planted",
          "power"),
)  # fmt: skip


def calibrate(seed, repetitions, *, papers=PAPERS, resamples=RESAMPLES, worlds=WORLDS, workers=1, progress=False):
    """Measured coverage and false-positive rates of the functions that the book uses (data kind: simulated).

    Parameters
    ----------
    seed, repetitions : int
        The first repetitions are the same however many follow.
    papers : int
        Papers that the searches of each simulated corpus find; at 9,000 about 3,460 full texts and 910 reusing
        papers.
    resamples : int
        Bootstrap and permutation resamples inside each repetition. Fewer than the book's, which adds a little
        noise to each interval.
    worlds : sequence of {'planted', 'null twin', 'raters'}
        Which checks to make.
    workers : int
        Processes; the result does not depend on it.
    progress : bool
        Show a progress bar.

    Returns
    -------
    DataFrame
        One row per check: label, function, sample, truth_is, world, measure (coverage of a 95 % interval,
        rejection at the 5 % level, or power, which is not judged), nominal, repetitions (with a result),
        undefined (without), hits, first_hits (in the first five repetitions), value (hits/repetitions), low,
        high (Clopper-Pearson, 95 %), least, most (the central 99 % of rates if the nominal one is true), truth
        (mean), bias and bias_se (mean of estimate less truth; of logarithms for ratios), holds (yes: coverage
        not below `least`, or rejection not above `most`; no; trap: the book does not do this; not judged) and
        remark.

    Raises
    ------
    StudyError
        On an unknown world, or less than one repetition.

    Examples
    --------
    >>> table = calibrate(1, 4, worlds=["raters"], resamples=99)
    >>> table["function"].unique().tolist(), int(table["repetitions"].max())
    (['agreement.agreement'], 4)
    """
    unknown = sorted(set(worlds) - set(WORLDS))
    if unknown or repetitions < 1:
        raise StudyError(
            expected=f"one repetition or more of the worlds {', '.join(WORLDS)}",
            found=f"{repetitions} of {', '.join(unknown or worlds)}",
            where="calibrate",
            do="correct the call",
        )
    once = partial(_repetition, seed=seed, papers=papers, resamples=resamples, worlds=tuple(worlds))
    bar = {"desc": "calibrate", "unit": "corpus", "total": repetitions, "disable": not progress}
    if workers == 1:
        made = list(tqdm(map(once, range(repetitions)), **bar))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            made = list(tqdm(pool.map(once, range(repetitions)), **bar))
    outcomes = pd.DataFrame(sum(made, []), columns=["number", "key", "hit", "error", "truth"])
    return pd.DataFrame([_row(c, outcomes[outcomes["key"] == c.key]) for c in CHECKS if c.key in set(outcomes["key"])])


def _repetition(number, seed, papers, resamples, worlds):
    """The outcomes of one repetition; it depends on the seed and its number only."""
    corpus_seed, *seeds = np.random.SeedSequence((seed, number)).spawn(4)
    corpus_seed, results = int(corpus_seed.generate_state(1)[0]), {}
    if "planted" in worlds:
        results |= _planted(simulated.simulate_corpus(corpus_seed, papers), seeds[0], resamples)
    if "null twin" in worlds:
        results |= _twin(simulated.simulate_corpus(corpus_seed, papers, null=True), seeds[1], resamples)
    if "raters" in worlds:
        results |= _raters(seeds[2], resamples)
    return [(number, key, *_outcome(key, *result)) for key, result in results.items()]


_CHECK = {check.key: check for check in CHECKS}


def _outcome(key, found, truth):
    """Hit (1, 0, NaN where undefined), error and truth of one result: an Estimate with its truth, or a p value."""
    if _CHECK[key].measure != "coverage":
        return (math.nan if found is None else float(found <= LEVEL)), math.nan, truth
    if math.isnan(found.value) or math.isnan(found.low) or math.isnan(found.high):
        return math.nan, math.nan, truth
    # A hair of tolerance: a limit computed to be the truth itself holds it.
    hit = found.low - 1e-12 <= truth <= found.high + 1e-12
    if _CHECK[key].log:
        finite = 0 < found.value < math.inf
        return float(hit), math.log(found.value / truth) if finite else math.nan, truth
    return float(hit), found.value - truth, truth


def _row(check, outcomes):
    made = outcomes.dropna(subset="hit")
    n, hits = len(made), int(made["hit"].sum())
    rate = shares.proportion(hits, n, unit="repetitions", method="beta")
    nominal = {"coverage": CONF, "rejection": LEVEL, "power": math.nan}[check.measure]
    least = most = math.nan
    holds, remark = "not judged", ""
    if n and check.measure != "power":
        few, many = (int(stats.binom.ppf(q, n, nominal)) for q in ((1 - ACCEPTED) / 2, (1 + ACCEPTED) / 2))
        least, most = few / n, many / n
        wrong, careful = (hits < few, hits > many) if check.measure == "coverage" else (hits > many, hits < few)
        holds = "no" if wrong else "yes"
        if careful:
            remark = "wider than need be" if check.measure == "coverage" else "rejects less often than it may"
        if check.trap:
            holds = "trap"
    return {
        "label": check.label,
        "function": check.function,
        "sample": check.sample,
        "truth_is": check.truth_is,
        "world": check.world,
        "measure": check.measure,
        "nominal": nominal,
        "repetitions": n,
        "undefined": len(outcomes) - n,
        "hits": hits,
        "first_hits": int(made.loc[made["number"] < FIRST, "hit"].sum()),
        "value": rate.value,
        "low": rate.low,
        "high": rate.high,
        "least": least,
        "most": most,
        "truth": round(made["truth"].mean(), 9),
        "bias": made["error"].mean(),
        "bias_se": made["error"].sem(),
        "holds": holds,
        "remark": remark,
    }


# The corpora -------------------------------------------------------------------------------------------


def _coded(tables):
    """Full texts with their true codes and what the fallible coder said: one row per paper."""
    true, said = (tables["uses"][tables["uses"]["coder"] == c].set_index("paper") for c in simulated.CODERS)
    papers = tables["papers"].set_index("paper").loc[true.index]
    return pd.DataFrame(
        {
            "year": papers["year"].astype("int64"),
            "megajournal": papers["megajournal"],
            "dl": true["uses_dl"] == "yes",
            "ptm": true["uses_ptm"] == "yes",
            "said_dl": said["uses_dl"],
            "said_ptm": said["uses_ptm"],
        }
    ).reset_index()


def _integer(rng):
    return int(rng.integers(2**32))


def _drawn(frame, n, rng):
    """n rows at random, by the book's own sampling."""
    return sampling.draw(frame.assign(frame="all"), ["frame"], n / len(frame), _integer(rng))


def _even_years(full_texts, rng):
    """As the pilot was drawn: the same number from each of eleven years."""
    recent = full_texts[full_texts["year"] > full_texts["year"].max() - 11]
    return recent, recent.groupby("year").sample(n=PER_YEAR, random_state=_integer(rng))


def _periods(full_texts, rng):
    """Deep-learning papers and papers drawn, late and early; and the same of the whole corpus."""
    counts = []
    for part in (full_texts[full_texts["year"] >= PERIOD], full_texts[full_texts["year"] < PERIOD]):
        counts.append((_drawn(part, GROUP, rng)["dl"].sum(), GROUP, part["dl"].mean()))
    (k1, n1, p1), (k2, n2, p2) = counts
    return (int(k1), n1, int(k2), n2), p1, p2


def _yearly(papers):
    return papers.groupby("year")["dl"].agg(["sum", "size"]).reset_index()


def _trend(papers):
    counts = _yearly(papers)
    return trend.trend(counts["sum"], counts["size"], counts["year"])


def _field_logit(tables, full_texts):
    """Reuse among deep-learning papers by year and eight overlapping fields."""
    dl = full_texts[full_texts["dl"]]
    member = _membership(tables, dl["paper"]).assign(year=dl["year"].to_numpy() - 2015)
    return trend.clustered_logit(dl["ptm"].astype("int64"), member, dl["paper"], structure="glm")


def _membership(tables, papers):
    """0/1 table of papers in the eight fields."""
    member = _cross(tables["fields"], "field")
    return member.reindex(index=papers, columns=study.FIELDS, fill_value=0).reset_index(drop=True)


def _cross(rows, column):
    """Rows per paper and category; twenty times as fast as pandas.crosstab."""
    return rows.groupby(["paper", column]).size().unstack(fill_value=0)


def _select(tables, codes, resamples, rng):
    """Fields by patterns, both 0/1 per reusing paper."""
    patterns = _cross(codes, "pattern").clip(upper=1)
    fields = _membership(tables, patterns.index)
    return overlap.multi_select(fields, patterns.reset_index(drop=True), resamples=resamples, seed=_integer(rng))


def _planted(corpus, seeds, resamples):
    tables, _, truth = corpus
    rng = np.random.default_rng(seeds)
    full_texts, planted = _coded(tables), truth["planted"]
    again = {"conf": CONF, "resamples": resamples}
    few = _drawn(full_texts, PILOT_PAPERS, rng)
    found = {"share": (shares.proportion(few["dl"].sum(), len(few)), full_texts["dl"].mean())}

    recent, even = _even_years(full_texts, rng)
    counts, weights = _yearly(even), recent.groupby("year").size()
    target = recent["dl"].mean()
    found["standardised"] = shares.standardised_share(counts["sum"], counts["size"], weights), target
    found["even_raw"] = shares.proportion(even["dl"].sum(), len(even)), target

    for key, strata in (("journals", ["megajournal"]), ("cells", ["year", "megajournal"])):
        drawn = sampling.draw(full_texts, strata, 0.1, _integer(rng)).groupby(strata)
        size, hits = drawn["stratum_size"].first(), drawn["ptm"].agg(["size", "sum"])
        found[key] = shares.stratified_share(size, hits["size"], hits["sum"]), full_texts["ptm"].mean()

    (k1, n1, k2, n2), p1, p2 = _periods(full_texts, rng)
    found["difference"] = shares.difference(k1, n1, k2, n2), p1 - p2
    found["odds"] = shares.odds_ratio([[k1, n1 - k1], [k2, n2 - k2]]), p1 / (1 - p1) / (p2 / (1 - p2))

    slope = math.exp(planted["trend_log_odds_per_year"]["uses_dl"])
    found["trend"], found["trend_few"] = (_trend(full_texts), slope), (_trend(even), slope)
    found["curvature"] = found["trend"][0].detail["curvature"]["p"], math.nan
    found["power_trend_few"] = found["trend_few"][0].p, math.nan
    logit = _field_logit(tables, full_texts)
    field = study.FIELDS[1]
    found["field"] = logit[field], math.exp(planted["field_log_odds"][field])
    found["field_year"] = logit["year"], math.exp(planted["trend_log_odds_per_year"]["uses_ptm_given_dl"])
    return found | _patterns(tables, planted, rng, again) | _coder(full_texts, rng)


def _patterns(tables, planted, rng, again):
    codes = items.items(study.of_coder(tables, simulated.CODERS[0]))
    mix = planted["pattern_mix_expected"]["adaptation"]
    pairs = patterns.pattern_shares(codes, **again, seed=_integer(rng))[1]["adaptation", "pairs"]
    naive = proportion(int(pairs.detail["k"]), int(pairs.n))
    found = {"pairs": (pairs, mix), "pairs_naive": (naive, mix)}
    found["power_select"] = _select(tables, codes, again["resamples"], rng).p, math.nan

    papers = codes[["paper"]].drop_duplicates()
    some = codes[codes["paper"].isin(_drawn(papers, PILOT_REUSING, rng)["paper"])]
    _, shares = patterns.pattern_shares(some, **again, seed=_integer(rng))
    having = _cross(codes, "pattern") > 0
    found["pairs_few"] = shares["adaptation", "pairs"], (codes["pattern"] == "adaptation").mean()
    found["papers_few"] = shares["adaptation", "papers"], having["adaptation"].mean()
    order = codes["pattern"].value_counts()
    for key, place in (("rank_first", 0), ("rank_second", 1)):
        ranked = patterns.rank(some, "pattern", order.index[place], **again, seed=_integer(rng))
        found[key] = ranked, float(1 + (order > order.iloc[place]).sum())
    truth = having.loc[having["adaptation"] != having["conceptual"], "adaptation"].mean()
    found["lead"] = patterns.lead_over(some, "adaptation", "conceptual", conf=CONF), truth

    ranks = patterns.most_reused(codes, "canonical", **again, seed=_integer(rng)).set_index("name")
    for key, place in (("model_first", 1), ("model_tenth", TENTH)):
        row = ranks.loc[simulated.MODELS[place - 1]]
        estimate = Estimate(float(row["rank"]), float(row["rank_low"]), float(row["rank_high"]))
        found[key] = estimate, float(place)
    return found


def _coder(full_texts, rng):
    """Shares corrected for the fallible coder's errors, and its measured accuracy."""
    said = full_texts["said_ptm"]
    label = said.where((said != "no") | (full_texts["said_dl"] != "yes"), "deep learning only")
    sizes, drawn, hits = [], [], []
    for name, wanted in CHECKED.items():
        stratum = full_texts[label == name]
        sample = _drawn(stratum, min(wanted, len(stratum)), rng)
        sizes.append(len(stratum)), drawn.append(len(sample)), hits.append(int(sample["ptm"].sum()))
    phases = coder_error.two_phase(sizes, drawn, hits, [name == "yes" for name in CHECKED])
    yes, true = said == "yes", full_texts["ptm"]
    found = {
        "corrected": (phases["prevalence"], true.mean()),
        "apparent": (shares.proportion(yes.sum(), (said != "unknown").sum()), true.mean()),
        "ppv": (phases["ppv"], true[yes].mean()),
        "missed": (phases["missed"], true[~yes].mean()),
        "sensitivity": (phases["sensitivity"], yes[true].mean()),
        "specificity": (phases["specificity"], (~yes)[~true].mean()),
    }
    # Deep learning, where the coder's answer depends on the true one alone.
    known = full_texts[full_texts["said_dl"] != "unknown"]
    few = _drawn(known, PILOT_PAPERS, rng)
    k, target = int((few["said_dl"] == "yes").sum()), known["dl"].mean()
    accuracy = simulated.SENSITIVITY["uses_dl"], simulated.SPECIFICITY["uses_dl"]
    found["rogan"] = coder_error.rogan_gladen(k, len(few), *accuracy), target
    positive, negative = (_drawn(known[known["dl"] == answer], VALIDATED, rng) for answer in (True, False))
    right = int((positive["said_dl"] == "yes").sum()), int((negative["said_dl"] == "no").sum())
    found["lang"] = coder_error.lang_reiczigel(k, len(few), right[0], VALIDATED, right[1], VALIDATED), target
    return found


def _twin(corpus, seeds, resamples):
    tables, _, truth = corpus
    rng = np.random.default_rng(seeds)
    full_texts = _coded(tables)
    (k1, n1, k2, n2), *_ = _periods(full_texts, rng)
    found = {
        "null_difference": difference(k1, n1, k2, n2).p,
        "null_odds": odds_ratio([[k1, n1 - k1], [k2, n2 - k2]]).p,
        "null_trend": _trend(full_texts).p,
        "null_trend_few": _trend(_even_years(full_texts, rng)[1]).p,
        "null_fields": _field_logit(tables, full_texts)["year"].detail["p_all"],
    }
    codes = items.items(study.of_coder(tables, simulated.CODERS[0]))
    select = _select(tables, codes, resamples, rng)
    found |= {"null_select": select.p, "null_bootstrap": select.detail["p_bootstrap"]}
    found["null_rao"] = select.detail["rao_scott"]["p"]
    stacked = codes.merge(tables["fields"][tables["fields"]["field"].isin(study.FIELDS)], on="paper")
    found["null_stacked"] = overlap.independence(pd.crosstab(stacked["field"], stacked["pattern"]), test="chi2").p
    # A coin per paper decides which of two patterns is called which: neither can lead but by chance.
    papers = _drawn(codes[["paper"]].drop_duplicates(), PILOT_REUSING, rng)["paper"]
    swapped = set(papers[rng.random(len(papers)) < 0.5])
    other = codes["pattern"].replace({"adaptation": "conceptual", "conceptual": "adaptation"})
    pattern = codes["pattern"].where(~codes["paper"].isin(swapped), other)
    some = codes.assign(pattern=pattern)[codes["paper"].isin(papers)]
    found["null_lead"] = patterns.lead_over(some, "adaptation", "conceptual", conf=CONF).p
    found = {key: (p, math.nan) for key, p in found.items()}
    shares = patterns.pattern_shares(codes, conf=CONF, resamples=resamples, seed=_integer(rng))[1]
    return found | {"null_pairs": (shares["adaptation", "pairs"], truth["planted"]["pattern_mix"]["adaptation"])}


def _raters(seeds, resamples):
    rng = np.random.default_rng(seeds)
    found = {}
    for prefix, asked in RATERS.items():
        codes = simulated.simulate_raters(_integer(rng), **asked).pivot(index="paper", columns="rater", values="code")
        measured = agreement.agreement(*codes.to_numpy().T, resamples=resamples, seed=_integer(rng))
        truth = agreement_of_raters(asked["prevalence"], asked["sensitivity"], asked["specificity"])
        found |= {prefix + m: (getattr(measured, m), truth[m]) for m in ("raw", "kappa", "alpha", "ac1")}
    return {key: result for key, result in found.items() if key in _CHECK}


def agreement_of_raters(prevalence, sensitivity, specificity):
    """The coefficients of agreement that two raters of known accuracy tend to.

    Parameters
    ----------
    prevalence, sensitivity, specificity : float
        The raters err independently given the truth.

    Returns
    -------
    dict
        raw, kappa, alpha (equal to kappa, as both raters use the categories alike), ac1.

    Examples
    --------
    >>> {name: round(x, 3) for name, x in agreement_of_raters(0.2, 0.85, 0.95).items()}
    {'raw': 0.873, 'kappa': 0.617, 'alpha': 0.617, 'ac1': 0.81}
    """
    yes = prevalence * sensitivity + (1 - prevalence) * (1 - specificity)
    raw = prevalence * (sensitivity**2 + (1 - sensitivity) ** 2)
    raw += (1 - prevalence) * (specificity**2 + (1 - specificity) ** 2)
    chance, split = yes**2 + (1 - yes) ** 2, 2 * yes * (1 - yes)
    kappa = (raw - chance) / (1 - chance)
    return {"raw": raw, "kappa": kappa, "alpha": kappa, "ac1": (raw - split) / (1 - split)}


# The table ---------------------------------------------------------------------------------------------


def write_table(path=None, *, seed=SEED, repetitions=REPETITIONS, workers=2, progress=True):
    """Calibrate and write the table; the same seed writes the same bytes.

    Parameters
    ----------
    path : Path, optional
        Default ``data/calibration.csv``.
    seed, repetitions, workers, progress
        As in `calibrate`.

    Returns
    -------
    DataFrame
    """
    table = calibrate(seed, repetitions, workers=workers, progress=progress)
    # Six digits: more would be noise of the machine's arithmetic.
    table.to_csv(path or TABLE, index=False, lineterminator="\n", float_format="%.6g")
    return table


def read_table(path=None):
    """The committed table.

    Returns
    -------
    DataFrame
        As `calibrate`, to six digits.
    """
    table = study.read_csv(path or TABLE)
    texts = ("label", "function", "sample", "truth_is", "world", "measure", "holds", "remark")
    return table.assign(**{c: pd.to_numeric(table[c]) for c in table.columns if c not in texts})


def judged(table):
    """The rows that had to hold: neither power nor methods shown for contrast.

    Returns
    -------
    DataFrame
    """
    return table[table["holds"].isin(["yes", "no"])]


def contrast(table, measure):
    """The rows of one measure for a figure: of those that hold the lowest and the highest, of the others all.

    Parameters
    ----------
    table : DataFrame
        From `calibrate`.
    measure : {'coverage', 'rejection'}

    Returns
    -------
    DataFrame
        label, group, value, low, high; rates from 0 to 1.

    Examples
    --------
    >>> contrast(read_table(), "rejection")["label"].str.partition(":")[0].tolist()
    ['lowest that holds', 'highest that holds', 'Fields differ in patterns, rows as if independent']
    """
    part = table[table["measure"] == measure].sort_values(["value", "label"])
    hold = part[part["holds"] == "yes"]
    ends = hold.iloc[[0, -1]].assign(group="holds")
    ends["label"] = ["lowest that holds: ", "highest that holds: "] + ends["label"]
    groups = {"trap": "avoided by this book", "no": "does not hold"}
    others = part[part["holds"].isin(groups)]
    shown = pd.concat([ends, others.assign(group=others["holds"].map(groups))], ignore_index=True)
    return shown[["label", "group", "value", "low", "high"]]
