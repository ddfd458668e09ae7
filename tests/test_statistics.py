"""Statistics: against R, against their own properties, and on input that has no answer."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ptmreuse.errors import StudyError
from ptmreuse.statistics import agreement, coder_error, estimate, overlap, ranks, shares, size, survey, trend
from ptmreuse.statistics.ranks import rank_intervals
from ptmreuse.statistics.shares import clustered_share

CASES = json.loads((Path(__file__).parent / "reference" / "statistics.json").read_text(encoding="utf-8"))
SEED = 20260313


# ------------------------------------------------------------------------------------------- against R


def limits(e):
    return {"low": e.low, "high": e.high}


def logit(k, n, x):
    e = trend.trend(k, n, x)
    d = e.detail
    named = {"b0": d["b0"], "b1": d["b1"], "se1": d["se1"], "p1": d["p_wald"], "or_per_year": e.value}
    low, high = d["wald"]
    return named | {"low": low, "high": high, "deviance": d["deviance"], "df_resid": d["df_resid"]}


def quasibinomial(k, n, x):
    d = trend.trend(k, n, x).detail
    return {"dispersion": d["dispersion"], "b1": d["b1"], "se1": d["se_quasi"]}


def ratio(numerator, denominator):
    e = shares.clustered_share(numerator, denominator)
    return {"ratio": e.value, "se": e.detail["se"]}


def kappa(table):
    e = agreement.agreement(table).kappa
    half = 1.959963984540054 * (e.detail["se"] or math.nan)  # R's limits are Wald's
    return {"kappa": e.value, "se": e.detail["se"], "low": e.value - half, "high": e.value + half}


def gwet(table):
    e = agreement.agreement(table).ac1
    return {"ac1": e.value, "se": e.detail["se"]}


def classifier(tp, fp, fn, tn):
    rates = coder_error.coder_accuracy(tp, fp, fn, tn)
    names = {"sens": "sensitivity", "spec": "specificity", "ppv": "ppv", "npv": "npv", "acc": "accuracy"}
    return {k: {"est": rates[v].value} | limits(rates[v]) for k, v in names.items()} | {"f1": rates["f1"].value}


def corrected(e):
    return {"est": e.value} | limits(e)


def rogan_gladen(pos, n, se, sp, conf):
    # R's epiR does not cut at 0 and 1.
    est, low, high = coder_error.rogan_gladen(pos, n, se, sp, conf=conf).detail["uncut"]
    return {"est": est, "low": low, "high": high}


def ppi(y1f1, y0f1, y1f0, y0f0, unlab_f1, unlab_f0, alpha, lam):
    e = coder_error.ppi_share([[y1f1, y1f0], [y0f1, y0f0]], (unlab_f1, unlab_f0), conf=1 - alpha)
    half = 1.959963984540054 * e.detail["se"]  # the limits of the case are normal ones
    return {
        "est": e.value,
        "low": e.value - half,
        "high": e.value + half,
        "se": e.detail["se"],
        "lam": e.detail["tuning"],
    }


def stratified(stratum, N, n, k, fpc):
    e = shares.stratified_share(N, n, k)
    return {"p": e.value, "se": e.detail["se"]} | {"total": e.value * sum(N), "total_se": e.detail["se"] * sum(N)}


def sens_ppv(stratum, N, n, k):
    found = coder_error.two_phase(N, n, k, [name.startswith("llm_pos") for name in stratum])
    sens, ppv = found["sensitivity"], found["ppv"]
    return {"sens": sens.value, "sens_se": sens.detail["se"], "ppv": ppv.value, "ppv_se": ppv.detail["se"]}


def needed(p, moe, conf, N):
    return {"n": size.sample_size(moe, p, conf=conf, population=N).detail["exact"]}


def needed_whole(p, moe, conf, N):
    return {"n": size.sample_size(moe, p, conf=conf, population=N).value}


def newcombe(k1, n1, k2, n2):
    e = shares.difference(k1, n1, k2, n2)
    return {"diff": e.value} | limits(e)


def two_shares(k1, n1, k2, n2):
    d = shares.difference(k1, n1, k2, n2).detail
    return {"chi2": d["chi2"], "p": d["p_chi2"]}


def tipping(share, threshold):
    ppv, fpr = coder_error.tipping_point(share)  # one half
    return {"ppv_min_if_no_fn": ppv, "fpr_max_if_se1": fpr, "sp_min_if_se1": 1 - fpr}


def firth(k, n, x):
    b0, b1, _, _, se, _ = trend._firth(np.array(k), np.array(n), np.array(x, dtype=float), 0.95)
    return {"b0": b0, "b1": b1, "se1_unpenalized_info": se}


# One public call per R function. Every function of the cases has a counterpart.
PUBLIC = {
    "ci_wilson": lambda k, n, conf: limits(shares.proportion(k, n, conf=conf)),
    "ci_clopper_pearson": lambda k, n, conf: limits(shares.proportion(k, n, conf=conf, method="beta")),
    "logit_trend": logit,
    "logit_separation_flag": lambda k, n, x: {"separated": trend.trend(k, n, x).detail["separated"]},
    "firth_logit": firth,
    "quasibinomial_trend": quasibinomial,
    "cluster_ratio_se": ratio,
    "spmi_bootstrap_p": lambda W, Y: {"p": overlap.multi_select(W, Y).p},
    "gwet_ac1": gwet,
    "krippendorff_alpha_nominal": lambda table: {"alpha": agreement.agreement(table).alpha.value},
    "cohen_kappa": kappa,
    "pabak": lambda table: {"pabak": agreement.agreement(table).pabak.value},
    "classifier_metrics": classifier,
    "rogan_gladen_known": rogan_gladen,
    "ppi_mean": ppi,
    "stratified_proportion": stratified,
    "two_phase_sens_ppv": sens_ppv,
    "n_for_proportion": needed,
    "n_for_proportion_epiR": needed_whole,
    "p_adjust": lambda p, method: {"p_adj": ranks.adjust(p, method.lower())},
    "diff_two_proportions_newcombe": newcombe,
    "two_prop_chisq": two_shares,
    "tipping_point_majority": tipping,
}


def agree(got, expected, rtol, atol):
    """Whether every expected number was got; null stands for NaN or None."""
    if isinstance(expected, dict):
        return all(agree(got[key], value, rtol, atol) for key, value in expected.items())
    if isinstance(expected, list):
        return len(got) == len(expected) and all(agree(g, e, rtol, atol) for g, e in zip(got, expected, strict=True))
    if expected is None:
        return got is None or math.isnan(got)
    if isinstance(expected, bool):
        return got is expected
    expected = float(expected)  # "Inf" is written as a string
    if got is None or math.isnan(got):
        return False
    return got == expected or abs(got - expected) <= atol + rtol * abs(expected)


@pytest.mark.parametrize("case", CASES, ids=[c["id"] for c in CASES])
def test_r_reference(case):
    got = PUBLIC[case["function"]](**case["input"])
    shown = {key: got[key] for key in case["expected"]}
    assert agree(got, case["expected"], **case["tolerance"]), f"{case['r_call']}: {shown} != {case['expected']}"


def test_every_case_has_a_counterpart():
    assert {c["function"] for c in CASES} == set(PUBLIC)


# ------------------------------------------------- numbers of the published study and of the literature


def test_wilson_is_not_fooled_by_zero_hits():
    e = shares.proportion(0, 10)
    assert (e.low, round(e.high, 3)) == (0, 0.278)
    e = shares.proportion(631, 17511)
    assert [round(100 * x, 2) for x in (e.value, e.low, e.high)] == [3.60, 3.34, 3.89]


def test_the_order_of_the_five_most_reused_models_is_noise():
    names = ["AlexNet", "AlphaFold 2", "model 3", "model 4", "model 5"]
    table = rank_intervals([25, 23, 19, 18, 18], names)
    assert (table["rank_low"] == 1).all()
    assert (table["rank_high"] == 5).all()


def test_a_rank_ends_where_the_exact_test_tells_counts_apart():
    # 12 against 3 of 15: p = .035; 12 against 4 of 16: p = .077.
    table = rank_intervals([12, 4, 3, 0], list("abcd")).set_index("name")
    assert table[["rank_low", "rank_high"]].to_numpy().tolist() == [[1, 2], [1, 3], [2, 3]]  # d was not counted


def test_lower_sensitivity_makes_a_majority_safer():
    rates = [coder_error.tipping_point(0.7029, sensitivity=s)[1] for s in (1, 0.95, 0.9, 0.8)]
    assert np.round(rates, 3).tolist() == [0.406, 0.456, 0.506, 0.606]


def test_second_order_correction_is_that_of_bilder_and_loughin():
    # Written out as in the paper: over every joint answer, the derivative of each pairwise marginal difference.
    rng = np.random.default_rng(SEED)
    w, y = rng.integers(0, 2, (60, 3)), rng.integers(0, 2, (60, 2))
    w[:20, 0] = y[:20, 0]
    joint, counts = np.unique(np.hstack([w, y]), axis=0, return_counts=True)
    tau, n = counts / 60, 60
    row, column = tau @ joint[:, :3], tau @ joint[:, 3:]
    pairs = [(i, j) for i in range(3) for j in range(2)]
    both = np.array([tau @ (joint[:, i] * joint[:, 3 + j]) for i, j in pairs])
    slope = np.array(
        [joint[:, i] * joint[:, 3 + j] - row[i] * joint[:, 3 + j] - column[j] * joint[:, i] for i, j in pairs]
    )
    weight = np.array([row[i] * (1 - row[i]) * column[j] * (1 - column[j]) for i, j in pairs])
    spread = slope @ (np.diag(tau) - np.outer(tau, tau)) @ slope.T
    eigen = np.linalg.eigvals(spread / weight[:, None]).real
    statistic = n * sum((both - [row[i] * column[j] for i, j in pairs]) ** 2 / weight)
    found = overlap.multi_select(w, y, resamples=99).detail
    assert found["statistic"] == pytest.approx(statistic)
    assert found["rao_scott"]["statistic"] == pytest.approx(6 * statistic / (eigen**2).sum())
    assert found["rao_scott"]["df"] == pytest.approx(36 / (eigen**2).sum())


@settings(max_examples=15)
@given(st.integers(2, 25), st.integers(0, 10**6))
def test_multi_select_is_honest_and_has_no_order(size, seed):
    rng = np.random.default_rng(seed)
    fields, patterns, order = rng.integers(0, 2, (size, 3)), rng.integers(0, 2, (size, 2)), rng.permutation(size)
    e = overlap.multi_select(fields, patterns, resamples=99, seed=SEED)
    honest(e)
    assert overlap.multi_select(fields[order], patterns[order], resamples=99, seed=SEED).sentence == e.sentence


def test_design_effect_of_copied_pairs_is_their_number():
    rng = np.random.default_rng(SEED)
    a = rng.integers(0, 2, 300)
    e = shares.clustered_share(5 * a, np.full(300, 5))
    assert e.detail["deff"] == pytest.approx(5, rel=0.01)


def test_fractional_counting_weighs_a_paper_once():
    # A paper in two fields counts 1/2 in each: shares of fields add up to 1.
    fields = pd.DataFrame({"paper": [1, 1, 2, 3, 3], "field": list("abaab")})
    weight = 1 / fields.groupby("paper")["field"].transform("size")
    shares = []
    for name in "ab":
        inside = (weight * (fields["field"] == name)).groupby(fields["paper"]).sum()
        shares.append(clustered_share(inside, np.ones(3), unit="papers").value)
    assert sum(shares) == pytest.approx(1)


# ------------------------------------------------------------------------------------------- properties

CHEAP = settings(max_examples=60)
MANY = settings(max_examples=15)


@st.composite
def parts(draw, most=60):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


@st.composite
def years(draw):
    size = draw(st.integers(2, 8))
    n = draw(st.lists(st.integers(0, 15), min_size=size, max_size=size))
    return [draw(st.integers(0, m)) for m in n], n, list(range(2014, 2014 + size))


@st.composite
def papers(draw):
    m = draw(st.lists(st.integers(0, 4), min_size=1, max_size=12))
    return [draw(st.integers(0, x)) for x in m], m


def tables(rows=(1, 4), most=25):
    return st.tuples(st.integers(*rows), st.integers(*rows)).flatmap(
        lambda shape: st.lists(
            st.lists(st.integers(0, most), min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        )
    )


def squares(size=(1, 4), most=25):
    return st.integers(*size).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, most), min_size=k, max_size=k), min_size=k, max_size=k)
    )


def honest(e):
    """What holds of every estimate: its interval has width and contains it, and NaN has a reason."""
    assert isinstance(e.sentence, str)
    if math.isnan(e.value):
        assert e.reason
        assert "n/a" in e.sentence
        assert e.p is None
        return
    assert math.isnan(e.low) == math.isnan(e.high)
    if not math.isnan(e.low):
        assert e.low <= e.value <= e.high
        assert e.low < e.high
    elif e.reason == "":
        assert "CI" not in e.sentence
    assert e.p is None or 0 <= e.p <= 1


@CHEAP
@given(parts(), st.sampled_from(["wilson", "beta"]), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_proportion_is_honest_and_symmetric(part, method, conf):
    k, n = part
    e = shares.proportion(k, n, method=method, conf=conf)
    honest(e)
    other = shares.proportion(n - k, n, method=method, conf=conf)
    assert (e.low, e.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))
    wider = shares.proportion(k, n, method=method, conf=(1 + conf) / 2)
    assert wider.low <= e.low
    assert wider.high >= e.high


@CHEAP
@given(parts(), st.integers(2, 50))
def test_more_papers_narrow_the_interval(part, factor):
    (k, n), width = part, lambda e: e.high - e.low
    assert width(shares.proportion(factor * k, factor * n)) < width(shares.proportion(k, n))
    narrow, wide = size.sample_size(0.02).value, size.sample_size(0.05).value
    assert narrow > wide
    assert size.sample_size(0.02, population=n).value <= n


@CHEAP
@given(parts(), parts())
def test_differences_are_honest_and_antisymmetric(one, two):
    e, back = shares.difference(*one, *two), shares.difference(*two, *one)
    honest(e)
    assert (e.value, e.low, e.p) == (pytest.approx(-back.value), pytest.approx(-back.high), pytest.approx(back.p))


def test_a_weighted_share_of_nothing_but_hits_is_one_however_the_weights_are_rounded():
    weights = [1, 1, 4, 3, 1]  # as parts of 10 they add up to 1.0000000000000002
    for found in (
        shares.standardised_share([1] * 5, [1] * 5, weights),
        shares.stratified_share(weights, [1] * 5, [1] * 5),
    ):
        assert found.value == found.high == 1 > found.low


@CHEAP
@given(years(), st.randoms(use_true_random=False))
def test_strata_are_honest_and_have_no_order(data, random):
    k, n, _ = data
    order = list(range(len(n)))
    random.shuffle(order)
    weights = [i % 3 for i in range(len(n))]
    population = [x + i for i, x in enumerate(n)]

    def turned(*columns):
        return [[c[i] for i in order] for c in columns]

    for function, columns in (
        (shares.standardised_share, (k, n, weights)),
        (shares.stratified_share, (population, n, k)),
    ):
        e = function(*columns)
        honest(e)
        other = function(*turned(*columns))
        assert other.value == pytest.approx(e.value, nan_ok=True)
        assert other.low == pytest.approx(e.low, nan_ok=True)
    if all(n):
        even = shares.standardised_share(k, n, n)
        assert even.value == pytest.approx(sum(k) / sum(n))
        one = shares.standardised_share([sum(k)], [sum(n)], [1])
        wilson = shares.proportion(sum(k), sum(n))
        assert (one.low, one.high) == (pytest.approx(wilson.low), pytest.approx(wilson.high))
    for e in coder_error.two_phase(population, n, k, [i % 2 for i in range(len(n))]).values():
        honest(e)


@MANY
@given(papers(), st.randoms(use_true_random=False))
def test_clustered_share_is_honest_and_has_no_order(data, random):
    rows = list(zip(*data, strict=True))
    e = shares.clustered_share(*data)
    honest(e)
    random.shuffle(rows)
    assert repr(shares.clustered_share(*zip(*rows, strict=True))) == repr(e)


@MANY
@given(years())
def test_trends_are_honest_and_have_no_order(data):
    k, n, year = data
    e = trend.trend(k, n, year)
    honest(e)
    back = trend.trend(k[::-1], n[::-1], year[::-1])
    assert back.value == pytest.approx(e.value, rel=1e-5, nan_ok=True)
    if not math.isnan(e.value):
        no = trend.trend([m - x for x, m in zip(k, n, strict=True)], n, year)
        assert no.value == pytest.approx(1 / e.value, rel=1e-4)
        assert no.p == pytest.approx(e.p)


@MANY
@given(squares())
def test_agreement_is_honest_and_has_no_names(table):
    counts = np.array(table)
    a = agreement.agreement(counts)
    for e in (a.raw, a.kappa, a.alpha, a.ac1, a.pabak):
        honest(e)
    turned = agreement.agreement(counts[::-1, ::-1])
    swapped = agreement.agreement(counts.T)
    for name in ("raw", "kappa", "alpha", "ac1"):
        for other in (turned, swapped):
            assert getattr(other, name).value == pytest.approx(getattr(a, name).value, nan_ok=True)
    units = [(i, j) for i, row in enumerate(table) for j, x in enumerate(row) for _ in range(x)]
    sequences = agreement.agreement(*map(list, zip(*units, strict=True))) if units else a
    for name in ("kappa", "alpha", "ac1", "pabak"):  # a category that nobody used does not count
        assert getattr(sequences, name).value == pytest.approx(getattr(a, name).value, nan_ok=True)


@MANY
@given(squares(size=(2, 2)), st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_corrections_are_honest(table, rest):
    (a, b), (c, d) = table
    for e in (
        coder_error.ppi_share(table, rest),
        coder_error.rogan_gladen(a, a + b, 0.9, 0.95),
        *coder_error.coder_accuracy(a, b, c, d).values(),
    ):
        if "unreliable" not in e.reason:
            honest(e)


@CHEAP
@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=12))
def test_adjusted_p_only_grow_and_keep_their_order(p):
    made = [x for x in p if x is not None]
    for method in ("holm", "bh"):
        adjusted = ranks.adjust(p, method)
        assert [x is None for x in p] == np.isnan(adjusted).tolist()
        kept = adjusted[~np.isnan(adjusted)]
        assert (kept >= made).all()
        assert (np.diff(kept[np.argsort(made, kind="stable")]) >= -1e-12).all()
    assert (ranks.adjust(made, "bh") <= ranks.adjust(made) + 1e-12).all()


# ---------------------------------------------------------------------------------- seeds

SAMPLED = {
    "multi_select": lambda s: overlap.multi_select([[1, 0], [1, 1], [0, 1]] * 5, [[1], [0], [0]] * 5, seed=s),
}


@pytest.mark.parametrize("name", SAMPLED)
def test_same_seed_same_result(name):
    assert repr(SAMPLED[name](SEED)) == repr(SAMPLED[name](SEED))
    assert repr(SAMPLED[name](SEED)) != repr(SAMPLED[name](SEED + 1)), "the seed is not used"


# ---------------------------------------------------------------------------------- no answer, no number

NOTHING = {
    "proportion": lambda: shares.proportion(0, 0),
    "difference": lambda: shares.difference(0, 0, 0, 0),
    "clustered_share": lambda: shares.clustered_share([], []),
    "clustered_share, empty papers": lambda: shares.clustered_share([0, 0], [0, 0]),
    "standardised_share": lambda: shares.standardised_share([0], [0], [1]),
    "stratified_share": lambda: shares.stratified_share([10], [0], [0]),
    "multi_select": lambda: overlap.multi_select([], []),
    "trend": lambda: trend.trend([], [], []),
    "agreement": lambda: agreement.agreement([], []).kappa,
    "agreement, table": lambda: agreement.agreement([[0, 0], [0, 0]]).kappa,
    "coder_accuracy": lambda: coder_error.coder_accuracy(0, 0, 0, 0)["f1"],
    "two_phase": lambda: coder_error.two_phase([10], [0], [0], [1])["sensitivity"],
    "rogan_gladen": lambda: coder_error.rogan_gladen(0, 0, 0.9, 0.9),
    "ppi_share": lambda: coder_error.ppi_share([[0, 0], [0, 0]], (3, 4)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_nothing_gives_no_number(name):
    e = NOTHING[name]()
    assert e.sentence.startswith("n/a (0 ")
    if isinstance(e, estimate.Estimate):
        assert math.isnan(e.value)
        assert e.p is None
        assert e.reason


UNDEFINED = {
    "empty group": lambda: shares.difference(3, 4, 0, 0),
    "one paper": lambda: shares.clustered_share([2], [2]),
    "one year": lambda: trend.trend([3], [10], [2014]),
    "all papers": lambda: trend.trend([5, 5], [5, 5], [1, 2]),
    "constant coders": lambda: agreement.agreement(["yes"] * 4, ["yes"] * 4).kappa,
    "constant coders, alpha": lambda: agreement.agreement(["yes"] * 4, ["yes"] * 4).alpha,
    "constant field": lambda: overlap.multi_select([[1]] * 5, [[1], [0], [1], [0], [1]]),
    "unsampled stratum": lambda: shares.stratified_share([10, 20], [5, 0], [1, 0]),
    "unsampled year": lambda: shares.standardised_share([1, 0], [5, 0], [1, 1]),
    "no true yes": lambda: coder_error.two_phase([10, 20], [5, 5], [0, 0], [1, 0])["sensitivity"],
    "coder by chance": lambda: coder_error.rogan_gladen(39, 110, 0.5, 0.5),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_undefined_gives_a_reason(name):
    e = UNDEFINED[name]()
    assert math.isnan(e.value)
    assert e.p is None
    assert e.sentence.startswith(f"{e.label} n/a (")
    assert e.sentence.endswith(f"{e.reason})")


def test_no_interval_out_of_agreement():
    """No width is no certainty: the interval is exact, or missing with the reason."""
    e = shares.clustered_share([1, 2, 3], [1, 2, 3])
    exact = shares.proportion(3, 3, method="beta")
    assert (e.value, e.low, e.high) == (1, exact.low, exact.high)
    assert "all papers agree" in e.sentence
    e = shares.stratified_share([500, 1000], [30, 30], [0, 0])
    assert e.low == 0 < e.high
    kappa = agreement.agreement([[6, 4], [0, 0]]).kappa
    assert math.isnan(kappa.low) and "no interval" in kappa.sentence
    perfect = agreement.agreement([[5, 0], [0, 5]]).kappa  # by Wilson 72 % at least, half of it by chance
    assert perfect.low == pytest.approx(1 - 2 * (1 - shares.proportion(10, 10).low)) and perfect.high == 1
    sensitivity = coder_error.two_phase([100, 1000], [50, 100], [50, 0], [1, 0])["sensitivity"]
    assert sensitivity.value == 1
    assert sensitivity.low < 0.9
    assert "no disagreement was seen" in coder_error.ppi_share([[20, 0], [0, 80]], (300, 700)).sentence


def test_separated_years_get_firth_and_a_word():
    e = trend.trend([0, 0, 5], [5, 5, 5], [1, 2, 3])
    assert e.detail["separated"]
    assert "Firth" in e.method
    assert "separated" in e.sentence
    assert 1 < e.low < e.value < e.high < math.inf


def test_what_was_left_out_is_said():
    assert "no papers in 2015" in trend.trend([1, 0, 2], [5, 0, 5], [2014, 2015, 2016]).reason
    assert agreement.agreement(["a", "b", None], ["a", "a", "b"]).raw.detail["n_missing"] == 1
    assert shares.clustered_share([1, 0, 0], [1, 1, 0]).detail["empty_clusters"] == 1
    e = overlap.multi_select([[1, 1], [0, 1], [1, 1], [0, 1]], [[1], [0], [0], [1]], resamples=99)
    assert "all or none have it" in e.reason


IMPOSSIBLE = {
    "k > n": lambda: shares.proportion(5, 4),
    "negative": lambda: shares.proportion(-1, 4),
    "missing": lambda: shares.proportion(float("nan"), 4),
    "text": lambda: shares.proportion("three", 4),
    "NaN among p": lambda: ranks.adjust([0.1, float("nan")]),
    "p above 1": lambda: ranks.adjust([0.1, 1.1]),
    "unknown method": lambda: ranks.adjust([0.1], "hs"),
    "confidence of 95": lambda: shares.proportion(1, 2, conf=95),
    "different lengths": lambda: trend.trend([1, 2], [3, 4], [1]),
    "more numerator than denominator": lambda: shares.clustered_share([3], [2]),
    "negative weights": lambda: shares.standardised_share([1], [2], [-1]),
    "more sampled than there are": lambda: shares.stratified_share([3], [4], [1]),
    "not square": lambda: agreement.agreement([[1, 2, 3], [4, 5, 6]]),
    "ragged": lambda: agreement.agreement([[1, 2], [3]]),
    "not 0 or 1": lambda: overlap.multi_select([[2]], [[1]]),
    "sensitivity of 90": lambda: coder_error.rogan_gladen(3, 10, 90, 0.9),
    "runner-up ahead": lambda: coder_error.codes_to_flip(3, 5),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_input_is_one_clear_sentence(name):
    with pytest.raises(StudyError) as caught:
        IMPOSSIBLE[name]()
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert "expected" in message
    assert "found" in message


def test_a_coder_checked_whole_on_one_side_has_honest_errors():
    # All 631 yes checked, 1,000 of 16,880 no: what is unknown is the misses alone.
    found = coder_error.two_phase([631, 16880], [631, 1000], [560, 9], [True, False])
    missed = shares.stratified_share([16880], [1000], [9]).detail["mover"]
    low, high = (560 / (560 + 16880 * x) for x in reversed(missed))
    assert (found["sensitivity"].low, found["sensitivity"].high) == pytest.approx((low, high))
    assert found["specificity"].low < found["specificity"].value < found["specificity"].high


def test_a_trend_counts_what_years_differ_by_beyond_chance():
    # No trend, a year effect of sd 0.3 on the logit: the binomial limits hold the truth in three of four series.
    rng, year = np.random.default_rng(7), np.arange(2014, 2025)
    held = {"quasi": 0, "wald": 0}
    for _ in range(150):
        share = 1 / (1 + np.exp(1.3 - rng.normal(0, 0.3, 11)))
        e = trend.trend(rng.binomial(100, share), np.full(11, 100), year)
        assert (e.p < 0.05) != (e.low <= 1 <= e.high)
        held["quasi"] += e.low <= 1 <= e.high
        held["wald"] += e.detail["wald"][0] <= 1 <= e.detail["wald"][1]
    assert held["quasi"] >= 135 and held["wald"] <= 128
    e = trend.trend([0] * 9 + [1, 1], [1000] * 11, year)  # two papers of 11,000 leave a dispersion of .1 by chance
    assert e.low < 1 < e.high and e.p > 0.05 and e.reason == ""


def test_standardised_share_covers_with_ten_papers_a_year():
    rng, n = np.random.default_rng(5), np.full(11, 10)
    for share in (0.2, 0.01):
        held = [shares.standardised_share(rng.binomial(n, share), n, n) for _ in range(600)]
        assert sum(e.low <= share <= e.high for e in held) >= 555  # 92.5 %; Wilson within MOVER: 87 to 90 %


def test_many_papers_take_no_time():
    m = np.arange(200_000) % 7 + 1
    e = shares.clustered_share(m // 2, m)
    assert e.low < e.value < e.high < e.low + 0.01


def test_a_share_of_pairs_covers_where_few_papers_hold_most_of_them():
    rng = np.random.default_rng(11)
    shapes = {"zipf": lambda: rng.zipf(2.2, 40).clip(max=60), "giant": lambda: np.r_[np.ones(39, int), 25]}
    for sizes in shapes.values():
        held = 0
        for _ in range(400):
            m = sizes()
            e = shares.clustered_share(rng.binomial(m, rng.beta(0.45, 0.55, len(m))), m)
            held += e.low <= 0.45 <= e.high
        assert held >= 372  # 93 %; a bootstrap of papers: 84 to 90 %


@pytest.mark.parametrize(
    "call",
    [
        lambda: overlap.multi_select([[3, 1], [1, 3]], [[0], [1]], resamples=0),
        lambda: shares.proportion("3", 4),
        lambda: shares.proportion(2**64, 2**64),
    ],
)
def test_a_number_that_is_none_is_one_sentence(call):
    with pytest.raises(StudyError):
        call()


# --- documented limits, at both sides ----------------------------------------------------------------------


def test_chi_square_from_an_expected_count_of_five():
    at, below = shares.difference(4, 20, 6, 20), shares.difference(4, 20, 5, 20)
    assert [e.detail["test"] for e in (at, below)] == ["chi-square", "Fisher's exact test"]


def test_two_papers_have_one_degree_of_freedom_whatever_their_sizes():
    for pairs in ([1, 2], [1, 40]):
        e = shares.clustered_share([0, 1], pairs)
        ends = shares.wilson_limits(e.value, e.detail["effective"], stats.t.ppf(0.975, 1))
        assert (e.low, e.high) == pytest.approx(ends)


def test_five_of_the_rarer_label_are_enough_for_prediction_power():
    table, n, m = [[3, 1], [2, 94]], 100, 1000
    enough, few = coder_error.ppi_share(table, (50, 950)), coder_error.ppi_share(table, (49, 951))
    assert not math.isnan(enough.value) and few.reason.startswith("refused: 4.9 of the rarer label")
    coder = np.repeat([1, 0], [55, 1045])  # the coder's labels of all units
    covariance = 3 / n - 4 / n * 5 / n
    assert enough.detail["tuning"] == pytest.approx(covariance / (1 + n / m) / coder.var(ddof=1), rel=1e-12)


def test_curvature_needs_four_years_and_dispersion_one_yes_a_year():
    assert trend.trend([1, 3, 5, 8], [20] * 4, range(4)).detail["curvature"] is not None
    assert trend.trend([1, 3, 6], [20] * 3, range(3)).detail["curvature"] is None
    ones, fewer = [0, 1, 1, 1, 1, 1, 1, 2], [0, 0, 1, 1, 1, 1, 1, 2]
    found = [trend.trend(k, [50] * 8, range(8)) for k in (ones, fewer)]
    assert [e.method for e in found] == ["quasi-binomial logit", "logit"]
    assert all(e.detail["dispersion"] < 1 for e in found)  # only then does it matter


def test_equal_counts_are_listed_by_name():
    assert ranks.rank_intervals([5, 5, 9], ["b", "a", "c"])["name"].tolist() == ["c", "a", "b"]


def test_a_p_value_of_one_in_a_thousand_is_printed():
    assert [estimate.print_p(p) for p in (0.001, 0.00099)] == ["p = .001", "p < .001"]


def test_a_stratum_resampled_varies_as_a_sample_of_its_papers_does():
    drawn = survey.resampled([10**6], [[[1], [0], [0], [1]]], resamples=20_000, seed=1)
    assert drawn.std() / 10**6 == pytest.approx(math.sqrt(0.25 / 3), rel=0.02)  # p (1 - p) / (n - 1)


def test_one_degree_of_freedom_is_enough_for_a_survey_interval():
    low = [shares.korn_graubard(0.5, 0.3, 2, df, 0.95)[0] for df in (1, 0)]
    assert [math.isnan(x) for x in low] == [False, True]


def test_a_survey_interval_is_never_that_of_more_papers_than_there_are():
    # However small the error, ten papers are 5 of 10: Clopper-Pearson, 18.7 to 81.3 %.
    assert shares.korn_graubard(0.5, 0.01, 10, 9, 0.95) == pytest.approx((0.187086, 0.812914), abs=1e-6)
