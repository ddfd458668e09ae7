"""Statistics: against R, against their own properties, and on input that has no answer."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptmreuse.errors import StudyError
from ptmreuse.statistics import agreement, coder_error, estimate, overlap, ranks, shares, size, trend
from ptmreuse.statistics.ranks import rank_intervals
from ptmreuse.statistics.shares import clustered_share, several_shares

CASES = json.loads((Path(__file__).parent / "reference" / "statistics.json").read_text(encoding="utf-8"))
SEED = 20260313


# ------------------------------------------------------------------------------------------- against R


def limits(e):
    return {"low": e.low, "high": e.high}


def several(method):
    def call(counts, conf):
        shares = several_shares(counts, method=method, conf=conf)
        inside = all(e.low <= e.value <= e.high for e in shares)
        return {"low": [e.low for e in shares], "high": [e.high for e in shares], "est_inside": inside}

    return call


def uniform(counts):
    e = shares.goodness_of_fit(counts, test="chi2")
    return {"chi2": e.detail["chi2"], "df": e.detail["df"], "p": e.p, "stdres": e.detail.get("z")}


def chi_square(table, yates):
    assert not yates
    e = overlap.independence(table, test="chi2")
    d = e.detail
    return {k: d[k] for k in ("chi2", "df", "min_expected")} | {"p": e.p, "stdres": d["residuals"]}


def cells(table):
    holm, bh = (overlap.post_hoc_cells(table, method=m) for m in ("holm", "bh"))
    shape = np.shape(table)
    values = {"p": holm["p"], "p_holm": holm["p_adjusted"], "p_bh": bh["p_adjusted"]}
    return {k: v.to_numpy().reshape(shape) for k, v in values.items()}


def logit(k, n, x):
    e = trend.trend(k, n, x)
    d = e.detail
    named = {"b0": d["b0"], "b1": d["b1"], "se1": d["se1"], "p1": d["p_wald"], "or_per_year": e.value}
    return named | limits(e) | {"deviance": d["deviance"], "df_resid": d["df_resid"]}


def quasibinomial(k, n, x):
    d = trend.trend(k, n, x).detail
    return {"dispersion": d["dispersion"], "b1": d["b1"], "se1": d["se_quasi"]}


def rate(family):
    def call(k, n, x):
        e = trend.rate_trend(k, x, n, family=family)
        d = e.detail
        named = {"b1": d["b1"], "se1": d["se1"], "se1_given_theta": d["se1"], "rate_ratio": e.value}
        named |= {"pearson_dispersion": d["dispersion"], "deviance": d["deviance"]}
        return named | {"alpha": d.get("alpha"), "loglik": d.get("loglik")}

    return call


def growth(k, x):
    e = trend.growth(k, x, family="poisson")
    return {"growth_pct": 100 * e.value, "low": 100 * e.low, "high": 100 * e.high}


def prop_trend(k, n, score):
    e = trend.trend(k, n, score)
    return {"chi2": e.detail["chi2"], "df": e.detail["df"], "p": e.p, "z": e.detail["z"]}


def rao_scott(paper, field, y):
    d = overlap.clustered_independence(field, y, paper, resamples=99).detail
    return {"chi2": d["chi2"], "df": d["df"], "p": d["p_first"]}


def gee(paper, field, y, corstr, ref):
    fit = trend.clustered_logit(y, field, paper, structure=corstr, reference=ref).values()
    details = [e.detail for e in fit]
    return {"coef": [d["b"] for d in details], "se": [d["se"] for d in details], "corr": details[0]["correlation"]}


def ratio(numerator, denominator):
    e = shares.clustered_share(numerator, denominator)
    return {"ratio": e.value, "se": e.detail["se"]}


def kappa(table):
    e = agreement.agreement(table).kappa
    return {"kappa": e.value, "se": e.detail["se"]} | limits(e)


def gwet(table):
    e = agreement.agreement(table).ac1
    return {"ac1": e.value, "se": e.detail["se"]}


def gwet_raw(raters):
    e = agreement.agreement_of_many(pd.DataFrame(raters)).ac1
    return {"ac1": e.value, "se": e.detail["se"]} | limits(e)


def fleiss(counts):
    # The case gives votes per unit and category; which coder gave which vote does not matter to Fleiss' kappa.
    votes = [np.repeat(range(len(row)), row) for row in counts]
    return {"kappa": agreement.agreement_of_many(pd.DataFrame(votes)).kappa.value}


def homogeneity(test):
    def call(table):
        e = agreement.marginal_homogeneity(table, test=test)
        return {"p": e.p, "chi2": e.detail.get("statistic"), "df": e.detail.get("df")}

    return call


def classifier(tp, fp, fn, tn):
    rates = coder_error.coder_accuracy(tp, fp, fn, tn)
    names = {"sens": "sensitivity", "spec": "specificity", "ppv": "ppv", "npv": "npv", "acc": "accuracy"}
    return {k: {"est": rates[v].value} | limits(rates[v]) for k, v in names.items()} | {"f1": rates["f1"].value}


def corrected(e):
    return {"est": e.value} | limits(e)


def rogan_gladen(pos, n, se, sp, conf):
    # R's epiR does not cut at 0 and 1.
    est, low, high = coder_error.rogan_gladen(pos, n, se, sp, conf=conf, refuse=False).detail["uncut"]
    return {"est": est, "low": low, "high": high}


def lang_reiczigel(pos, n, tp, n_pos, tn, n_neg, conf):
    return corrected(coder_error.lang_reiczigel(pos, n, tp, n_pos, tn, n_neg, conf=conf, refuse=False))


def doubly_coded(function):
    def call(y1f1, y0f1, y1f0, y0f0, unlab_f1, unlab_f0, alpha, lam=None):
        tuning = {"tuning": lam} if function is coder_error.ppi_share else {}
        e = function([[y1f1, y1f0], [y0f1, y0f0]], (unlab_f1, unlab_f0), conf=1 - alpha, **tuning)
        return corrected(e) | {"se": e.detail["se"], "lam": e.detail.get("tuning")}

    return call


def stratified(stratum, N, n, k, fpc):
    e = shares.stratified_share(N, n, k, fpc=fpc)
    return {"p": e.value} | {key: e.detail[key] for key in ("se", "total", "total_se")}


def raw_share(stratum, N, n, k):
    return {"p": shares.stratified_share(N, n, k).detail["raw"]}


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


def conditional_odds(table):
    e = shares.odds_ratio(table)
    return {"or": e.value, "p": e.p} | limits(e)


def tipping(share, threshold):
    e = coder_error.tipping_point(share, threshold)
    fpr, sp = e.detail["fpr_max"], e.detail["sp_min"]
    return {"ppv_min_if_no_fn": e.value, "fpr_max_if_se1": fpr, "sp_min_if_se1": sp}


def firth(k, n, x):
    d = trend.trend(k, n, x, firth=True).detail
    return {"b0": d["b0"], "b1": d["b1"], "se1_unpenalized_info": d["se1"]}


def v(corrected):
    def call(table, conf=0.95):
        e = overlap.cramers_v(table, corrected=corrected, conf=conf)
        return {"v": e.value} | limits(e)

    return call


# One public call per R function. Every function of the cases has a counterpart.
PUBLIC = {
    "ci_wilson": lambda k, n, conf: limits(shares.proportion(k, n, conf=conf)),
    "ci_clopper_pearson": lambda k, n, conf: limits(shares.proportion(k, n, conf=conf, method="beta")),
    "ci_agresti_coull": lambda k, n, conf: limits(shares.proportion(k, n, conf=conf, method="agresti_coull")),
    "ci_multinomial_goodman": several("goodman"),
    "ci_multinomial_sison_glaz": several("sison-glaz"),
    "gof_uniform": uniform,
    "gof_uniform_exact_p": lambda counts: {"p": shares.goodness_of_fit(counts, test="monte-carlo").p},
    "cramers_v": v(False),
    "cramers_v_bias_corrected": v(True),
    "cramers_v_ci_ncchisq": v(False),
    "fisher_exact_p": lambda table: {"p": overlap.independence(table, test="fisher").p},
    "chi2_independence": chi_square,
    "chi2_monte_carlo_p": lambda table: {"p": overlap.independence(table, test="monte-carlo").p},
    "odds_ratio_conditional": conditional_odds,
    "posthoc_residual_p": cells,
    "cochran_armitage": prop_trend,
    "logit_trend": logit,
    "logit_separation_flag": lambda k, n, x: {"separated": trend.trend(k, n, x).detail["separated"]},
    "firth_logit": firth,
    "quasibinomial_trend": quasibinomial,
    "poisson_trend": rate("poisson"),
    "quasipoisson_trend": rate("quasipoisson"),
    "negbin_trend": rate("negbin"),
    "annual_growth_pct": growth,
    "rao_scott_first_order": rao_scott,
    "gee_logit": gee,
    "cluster_ratio_se": ratio,
    "spmi_bootstrap_p": lambda W, Y: {"p": overlap.multi_select(W, Y).p},
    "gwet_ac1": gwet,
    "gwet_ac1_raw": gwet_raw,
    "krippendorff_alpha_nominal": lambda table: {"alpha": agreement.agreement(table).alpha.value},
    "cohen_kappa": kappa,
    "fleiss_kappa": fleiss,
    "pabak": lambda table: {"pabak": agreement.agreement(table).pabak.value},
    "mcnemar_exact": homogeneity("mcnemar"),
    "bhapkar": homogeneity("bhapkar"),
    "bowker": homogeneity("bowker"),
    "classifier_metrics": classifier,
    "rogan_gladen_known": rogan_gladen,
    "lang_reiczigel": lang_reiczigel,
    "ppi_mean": doubly_coded(coder_error.ppi_share),
    "tenenbein_double_sampling": doubly_coded(coder_error.tenenbein),
    "stratified_proportion": stratified,
    "raw_share": raw_share,
    "two_phase_sens_ppv": sens_ppv,
    "power_one_proportion_arcsine": lambda p1, p0, n, alpha: {
        "power": size.power_one_share(p1, p0, n, alpha=alpha).value
    },
    "power_two_proportions_arcsine": lambda p1, p2, n1, n2, alpha: {
        "power": size.power_two_shares(p1, p2, n1, n2, alpha=alpha).value
    },
    "power_chisq": lambda w, n, df, alpha: {"power": size.power_chi2(w, n, df, alpha=alpha).value},
    "n_for_proportion": needed,
    "n_for_proportion_epiR": needed_whole,
    "p_adjust": lambda p, method: {"p_adj": ranks.adjust(p, method.lower())},
    "diff_two_proportions_newcombe": newcombe,
    "two_prop_chisq": two_shares,
    "tipping_point_majority": tipping,
    "manski_bounds": lambda yes, no, unknown: limits(shares.manski_bounds(yes, no, unknown)),
    "binom_test": lambda k, n, p0: {"p": shares.binomial_test(k, n, p0).p},
    "poisson_exact_ci": lambda k: limits(shares.exact_count(k)),
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


def test_cochran_armitage_is_statsmodels_but_for_its_n():
    from statsmodels.stats.contingency_tables import Table

    k, n = np.array([1, 3, 4, 9]), np.array([10, 12, 9, 14])
    table = Table(np.column_stack([n - k, k]), shift_zeros=False)
    z = table.test_ordinal_association(np.arange(4), np.array([0, 1])).zscore
    ours = trend.cochran_armitage(k, n, range(4))
    assert ours**2 == pytest.approx(z**2 * n.sum() / (n.sum() - 1))


def test_korn_graubard_is_capped_at_n():
    e = shares.stratified_share([631, 4000, 12880], [80, 120, 100], [66, 6, 0], method="korn-graubard")
    assert (round(e.low, 4), round(e.high, 4)) == (0.0217, 0.0703)


def test_the_order_of_the_five_most_reused_models_is_noise():
    names = ["AlexNet", "AlphaFold 2", "model 3", "model 4", "model 5"]
    ranks = rank_intervals([25, 23, 19, 18, 18], names, seed=SEED)
    assert (ranks["rank_low"] == 1).all()
    assert (ranks["rank_high"] == 5).all()
    assert ranks["p_first"].sum() == pytest.approx(1)
    assert ranks["p_first"][0] == pytest.approx(0.51, abs=0.03)
    assert shares.goodness_of_fit([25, 23, 19, 18, 18]).p == pytest.approx(0.74, abs=0.005)
    assert shares.binomial_test(25, 48, 0.5).p == pytest.approx(0.89, abs=0.005)


def test_what_zero_misses_in_a_check_still_allows():
    assert [int(coder_error.missed_bound(16880, n).high) for n in (300, 1000)] == [166, 48]
    assert coder_error.missed_bound(16880, 1000, found=631).detail["lowest_sensitivity"] == pytest.approx(
        0.93, abs=0.005
    )


def test_lower_sensitivity_makes_a_majority_safer():
    rates = [coder_error.tipping_point(0.7029, sensitivity=s).detail["fpr_max"] for s in (1, 0.95, 0.9, 0.8)]
    assert np.round(rates, 3).tolist() == [0.406, 0.456, 0.506, 0.606]


def test_smallest_effects_this_study_can_see():
    assert size.detectable_effect(900, 14).value == pytest.approx(0.143, abs=0.0005)
    assert size.detectable_share(0.7, 15, 600, deff=2).value < size.detectable_share(0.7, 15, 600).value


def test_mantel_haenszel_and_chi_square_agree_in_one_stratum():
    table = [[8, 2], [3, 7]]
    e = overlap.common_odds_ratio([table])
    assert e.value == pytest.approx(8 * 7 / (2 * 3))
    assert e.detail["chi2"] == pytest.approx(19 / 20 * overlap.independence(table, test="chi2").detail["chi2"])


def test_stuart_maxwell_of_two_categories_is_mcnemar_without_correction():
    e = agreement.marginal_homogeneity([[20, 5], [10, 15]], test="stuart-maxwell")
    assert e.detail["statistic"] == pytest.approx((10 - 5) ** 2 / 15)


def test_concentration_of_equal_models_is_their_number():
    e = shares.concentration([7] * 8)
    assert (e.value, e.detail["effective"]) == (pytest.approx(1 / 8), pytest.approx(8))


def test_rao_scott_of_one_row_per_paper_is_pearson():
    rows, columns = list("aabbccabca") * 5, list("xyxyxyyxxx") * 5
    e = overlap.clustered_independence(rows, columns, range(50), resamples=99)
    table = pd.crosstab(pd.Series(rows), pd.Series(columns))
    plain = overlap.independence(table, test="chi2").detail
    assert e.detail["chi2"] == pytest.approx(plain["chi2"])
    assert e.detail["deff"] == pytest.approx(50 / 49, rel=0.2)


def test_second_order_correction_without_overlap_is_pearson():
    # One category and its complement: the four pairwise chi-squares are one and the same.
    rng = np.random.default_rng(SEED)
    w, y = rng.integers(0, 2, 200), rng.integers(0, 2, 200)
    e = overlap.multi_select(np.column_stack([w, 1 - w]), np.column_stack([y, 1 - y]), resamples=99)
    chi2 = overlap.independence(pd.crosstab(w, y), test="chi2").detail["chi2"]
    corrected = e.detail["rao_scott"]
    assert e.detail["statistic"] == pytest.approx(4 * chi2)
    assert (corrected["statistic"], corrected["df"]) == (pytest.approx(chi2, rel=0.05), pytest.approx(1))


def test_cluster_robust_logit_of_single_rows_is_hc1():
    y, x = [1, 0, 1, 1, 0, 0, 1, 0, 1, 1], list("aabbabbaab")
    fit = trend.clustered_logit(y, x, range(10), structure="glm")
    assert fit["intercept"].value == pytest.approx((2 / 5) / (3 / 5))
    assert fit["b"].value == pytest.approx((4 / 5) / (1 / 5) / (2 / 3))
    # Each group has its own parameter: the variance of a logit, with the correction n/(n - parameters).
    assert fit["intercept"].detail["se"] == pytest.approx(math.sqrt(10 / 8 / (5 * 2 / 5 * 3 / 5)))


def test_overlapping_fields_need_no_reference_field():
    rng = np.random.default_rng(SEED)
    fields = pd.DataFrame(rng.integers(0, 2, (400, 3)), columns=["Bio", "Earth", "Neuro"])
    chance = 1 / (1 + np.exp(0.5 - 1.2 * fields["Bio"]))
    fit = trend.clustered_logit((rng.random(400) < chance).astype(int), fields, range(400), structure="glm")
    assert fit["Bio"].low > 1
    assert fit["Earth"].low < 1 < fit["Earth"].high


def test_exchangeable_gee_ignores_copies_of_a_row():
    # Ten copies of every row tell nothing new: the independence logit is fooled, the clustered ones are not.
    rng = np.random.default_rng(SEED)
    y, x = rng.integers(0, 2, 60), rng.choice(["a", "b"], 60)
    single = trend.clustered_logit(y, x, range(60), structure="independence")
    copies = trend.clustered_logit(
        np.repeat(y, 10), np.repeat(x, 10), np.repeat(range(60), 10), structure="independence"
    )
    assert copies["b"].detail["se"] == pytest.approx(single["b"].detail["se"])


def test_design_effect_of_copied_pairs_is_their_number():
    rng = np.random.default_rng(SEED)
    a = rng.integers(0, 2, 300)
    e = shares.clustered_share(5 * a, np.full(300, 5), resamples=99)
    assert e.detail["deff"] == pytest.approx(5, rel=0.01)


def test_fractional_counting_weighs_a_paper_once():
    # A paper in two fields counts 1/2 in each: shares of fields add up to 1.
    fields = pd.DataFrame({"paper": [1, 1, 2, 3, 3], "field": list("abaab")})
    weight = 1 / fields.groupby("paper")["field"].transform("size")
    shares = []
    for name in "ab":
        inside = (weight * (fields["field"] == name)).groupby(fields["paper"]).sum()
        shares.append(clustered_share(inside, np.ones(3), unit="papers", resamples=99).value)
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
        assert e.low < e.high or math.isnan(e.conf)
    elif e.reason == "":
        assert "CI" not in e.sentence
    assert e.p is None or 0 <= e.p <= 1


@CHEAP
@given(parts(), st.sampled_from(["wilson", "beta", "agresti_coull"]), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
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
    honest(shares.equivalence(*one, *two, 0.2))
    table = [[one[0], one[1] - one[0]], [two[0], two[1] - two[0]]]
    for kind in ("conditional", "sample"):
        ratio = shares.odds_ratio(table, kind=kind)
        honest(ratio)
        turned = shares.odds_ratio([table[1][::-1], table[0][::-1]], kind=kind)
        assert ratio.value == pytest.approx(turned.value, rel=1e-4, nan_ok=True)


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
    e = shares.clustered_share(*data, resamples=299, seed=SEED)
    honest(e)
    random.shuffle(rows)
    assert repr(shares.clustered_share(*zip(*rows, strict=True), resamples=299, seed=SEED)) == repr(e)
    ones = shares.clustered_share(*data, weights=[1] * len(rows), resamples=299, seed=SEED)
    assert repr(ones) == repr(e)


@CHEAP
@given(tables(), st.randoms(use_true_random=False))
def test_tables_are_honest_and_have_no_order(table, random):
    table = np.array(table)
    e = overlap.independence(table, test="chi2")
    honest(e)
    honest(overlap.cramers_v(table, corrected=False))
    rows, columns = list(range(table.shape[0])), list(range(table.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    turned = overlap.independence(table[np.ix_(rows, columns)], test="chi2")
    assert turned.value == pytest.approx(e.value, nan_ok=True)
    assert turned.p == pytest.approx(e.p)
    assert overlap.independence(table.T, test="chi2").p == pytest.approx(e.p)
    cells = overlap.post_hoc_cells(table)
    assert (cells["p_adjusted"] >= cells["p"] - 1e-12).all()


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
    for family in ("poisson", "quasipoisson", "negbin"):
        rate = trend.rate_trend(k, year, n, family=family)
        honest(rate)
        honest(trend.growth(k, year, family=family))


@MANY
@given(squares())
def test_agreement_is_honest_and_has_no_names(table):
    counts = np.array(table)
    a = agreement.agreement(counts, resamples=199, seed=SEED)
    for e in (a.raw, a.kappa, a.alpha, a.ac1, a.pabak):
        honest(e)
    turned = agreement.agreement(counts[::-1, ::-1], resamples=199, seed=SEED)
    swapped = agreement.agreement(counts.T, resamples=199, seed=SEED)
    for name in ("raw", "kappa", "alpha", "ac1"):
        for other in (turned, swapped):
            assert getattr(other, name).value == pytest.approx(getattr(a, name).value, nan_ok=True)
    units = [(i, j) for i, row in enumerate(table) for j, x in enumerate(row) for _ in range(x)]
    sequences = agreement.agreement(*map(list, zip(*units, strict=True)), resamples=9) if units else a
    many = agreement.agreement_of_many(pd.DataFrame(units, columns=["one", "two"]), resamples=9)
    for name in ("alpha", "ac1"):
        assert getattr(sequences, name).value == pytest.approx(getattr(a, name).value, nan_ok=True)
        assert getattr(many, name).value == pytest.approx(getattr(a, name).value, nan_ok=True)
    for test in ("bhapkar", "stuart-maxwell", "bowker"):
        honest(agreement.marginal_homogeneity(counts, test=test))


@MANY
@given(squares(size=(2, 2)), st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_corrections_are_honest(table, rest):
    (a, b), (c, d) = table
    for e in (
        coder_error.ppi_share(table, rest),
        coder_error.tenenbein(table, rest),
        coder_error.rogan_gladen(a, a + b, 0.9, 0.95),
        coder_error.rogan_gladen(a, a + b, 0.9, 0.95, refuse=False),
        coder_error.lang_reiczigel(a, a + b, c, c + d, d, c + d),
        *coder_error.coder_accuracy(a, b, c, d, resamples=199).values(),
    ):
        if "unreliable" not in e.reason:
            honest(e)


@MANY
@given(st.integers(2, 25), st.integers(0, 10**6))
def test_rows_that_share_papers_are_honest(size, seed):
    rng = np.random.default_rng(seed)
    rows, columns = rng.choice(list("abc"), size), rng.choice(list("xy"), size)
    cluster, order = rng.integers(0, 8, size), rng.permutation(size)
    e = overlap.clustered_independence(rows, columns, cluster, resamples=99, seed=SEED)
    honest(e)
    for x in trend.clustered_logit(columns == "x", rows, range(size)).values():
        honest(x)
    turned = overlap.clustered_independence(rows[order], columns[order], cluster[order], resamples=99, seed=SEED)
    assert turned.sentence == e.sentence
    for structure in ("exchangeable", "independence", "glm"):
        for x in trend.clustered_logit(columns == "x", rows, cluster, structure=structure).values():
            honest(x)
    fields, patterns = rng.integers(0, 2, (size, 3)), rng.integers(0, 2, (size, 2))
    e = overlap.multi_select(fields, patterns, resamples=99, seed=SEED)
    honest(e)
    assert overlap.multi_select(fields[order], patterns[order], resamples=99, seed=SEED).sentence == e.sentence


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
    "clustered_share": lambda s: shares.clustered_share([1, 0, 2, 1, 0, 1], [1, 2, 2, 3, 1, 1], seed=s),
    "rank_intervals": lambda s: ranks.rank_intervals([9, 8, 8, 2], list("abcd"), seed=s),
    "goodness_of_fit": lambda s: shares.goodness_of_fit([3, 1, 0, 2], seed=s),
    "monte-carlo": lambda s: overlap.independence([[3, 1, 0], [1, 4, 2]], test="monte-carlo", seed=s),
    "fisher": lambda s: overlap.independence([[3, 1, 0], [1, 4, 2]], test="fisher", seed=s),
    "multi_select": lambda s: overlap.multi_select([[1, 0], [1, 1], [0, 1]] * 5, [[1], [0], [0]] * 5, seed=s),
    "clustered_independence": lambda s: overlap.clustered_independence(
        list("aabb") * 4, list("xyyy") * 4, np.repeat(range(8), 2), seed=s
    ),
    "alpha": lambda s: agreement.agreement([[20, 5], [10, 15]], seed=s).alpha,
    "f1": lambda s: coder_error.coder_accuracy(21, 3, 2, 84, seed=s)["f1"],
}


@pytest.mark.parametrize("name", SAMPLED)
def test_same_seed_same_result(name):
    assert repr(SAMPLED[name](SEED)) == repr(SAMPLED[name](SEED))
    assert repr(SAMPLED[name](SEED)) != repr(SAMPLED[name](SEED + 1)), "the seed is not used"


# ---------------------------------------------------------------------------------- no answer, no number

NOTHING = {
    "proportion": lambda: shares.proportion(0, 0),
    "binomial_test": lambda: shares.binomial_test(0, 0, 0.5),
    "difference": lambda: shares.difference(0, 0, 0, 0),
    "odds_ratio": lambda: shares.odds_ratio([[0, 0], [0, 0]]),
    "goodness_of_fit": lambda: shares.goodness_of_fit([]),
    "several_shares": lambda: shares.several_shares([0, 0])[0],
    "clustered_share": lambda: shares.clustered_share([], []),
    "clustered_share, empty papers": lambda: shares.clustered_share([0, 0], [0, 0]),
    "standardised_share": lambda: shares.standardised_share([0], [0], [1]),
    "stratified_share": lambda: shares.stratified_share([10], [0], [0]),
    "manski_bounds": lambda: shares.manski_bounds(0, 0, 0),
    "concentration": lambda: shares.concentration([]),
    "cramers_v": lambda: overlap.cramers_v([[0, 0], [0, 0]]),
    "independence": lambda: overlap.independence([]),
    "common_odds_ratio": lambda: overlap.common_odds_ratio([]),
    "multi_select": lambda: overlap.multi_select([], []),
    "clustered_independence": lambda: overlap.clustered_independence([], [], []),
    "clustered_logit": lambda: trend.clustered_logit([], [], [])["intercept"],
    "trend": lambda: trend.trend([], [], []),
    "rate_trend": lambda: trend.rate_trend([0, 0], [1, 2], [10, 10]),
    "growth": lambda: trend.growth([], []),
    "agreement": lambda: agreement.agreement([], []).kappa,
    "agreement, sentence": lambda: agreement.agreement([[0, 0], [0, 0]]),
    "agreement_of_many": lambda: agreement.agreement_of_many(pd.DataFrame()).alpha,
    "marginal_homogeneity": lambda: agreement.marginal_homogeneity([[0, 0], [0, 0]]),
    "coder_accuracy": lambda: coder_error.coder_accuracy(0, 0, 0, 0)["f1"],
    "two_phase": lambda: coder_error.two_phase([10], [0], [0], [1])["sensitivity"],
    "missed_bound": lambda: coder_error.missed_bound(10, 0),
    "rogan_gladen": lambda: coder_error.rogan_gladen(0, 0, 0.9, 0.9),
    "lang_reiczigel": lambda: coder_error.lang_reiczigel(0, 0, 9, 10, 9, 10),
    "ppi_share": lambda: coder_error.ppi_share([[0, 0], [0, 0]], (3, 4)),
    "tenenbein": lambda: coder_error.tenenbein([[0, 0], [0, 0]], (3, 4)),
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
    "one category": lambda: shares.goodness_of_fit([10]),
    "one row": lambda: overlap.independence([[3, 4, 5]]),
    "one group": lambda: shares.odds_ratio([[3, 4], [0, 0]]),
    "empty group": lambda: shares.difference(3, 4, 0, 0),
    "one paper": lambda: shares.clustered_share([2], [2]),
    "one year": lambda: trend.trend([3], [10], [2014]),
    "all papers": lambda: trend.trend([5, 5], [5, 5], [1, 2]),
    "last year only": lambda: trend.rate_trend([0, 0, 5], [1, 2, 3]),
    "one cluster": lambda: overlap.clustered_independence(list("aabb"), list("xyxy"), [1] * 4),
    "one outcome": lambda: trend.clustered_logit([1, 1, 1], list("aab"), [1, 2, 3])["b"],
    "a category with 0 only": lambda: trend.clustered_logit([1, 0, 0, 0], list("aabb"), [1, 2, 3, 4])["b"],
    "dependent columns": lambda: trend.clustered_logit(
        [1, 0, 1, 0], pd.DataFrame({"a": [1, 0, 1, 0], "b": [0, 1, 0, 1]}), [1, 2, 3, 4], structure="glm"
    )["a"],
    "constant coders": lambda: agreement.agreement(["yes"] * 4, ["yes"] * 4).kappa,
    "constant coders, alpha": lambda: agreement.agreement(["yes"] * 4, ["yes"] * 4).alpha,
    "constant field": lambda: overlap.multi_select([[1]] * 5, [[1], [0], [1], [0], [1]]),
    "unsampled stratum": lambda: shares.stratified_share([10, 20], [5, 0], [1, 0]),
    "unsampled year": lambda: shares.standardised_share([1, 0], [5, 0], [1, 1]),
    "no true yes": lambda: coder_error.two_phase([10, 20], [5, 5], [0, 0], [1, 0])["sensitivity"],
    "all unknown": lambda: shares.manski_bounds(0, 0, 10),
    "coder by chance": lambda: coder_error.rogan_gladen(39, 110, 0.5, 0.5, refuse=False),
    "coder worse than chance": lambda: coder_error.lang_reiczigel(39, 110, 3, 10, 3, 10, refuse=False),
    "too rare to correct": lambda: coder_error.rogan_gladen(631, 17511, 0.9, 0.97),
    "below the false positives": lambda: coder_error.lang_reiczigel(8, 210, 18, 30, 45, 50),
    "too rare for so small a check": lambda: coder_error.lang_reiczigel(631, 17511, 190, 200, 390, 400),
    "no claim to overturn": lambda: coder_error.tipping_point(0.4),
    "nothing to detect": lambda: size.detectable_share(0.5, 2, 600),
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
    for table in ([[5, 0], [0, 5]], [[6, 4], [0, 0]]):
        kappa = agreement.agreement(table).kappa
        assert math.isnan(kappa.low)
        assert "no interval" in kappa.sentence
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
    assert "left out 1 empty rows" in overlap.independence([[0, 0], [3, 4], [5, 1]]).reason
    assert "no papers in 2015" in trend.trend([1, 0, 2], [5, 0, 5], [2014, 2015, 2016]).reason
    assert agreement.agreement(["a", "b", None], ["a", "a", "b"]).raw.detail["n_missing"] == 1
    assert shares.clustered_share([1, 0, 0], [1, 1, 0]).detail["empty_clusters"] == 1
    e = overlap.multi_select([[1, 1], [0, 1], [1, 1], [0, 1]], [[1], [0], [0], [1]], resamples=99)
    assert "all or none have it" in e.reason


IMPOSSIBLE = {
    "k > n": lambda: shares.proportion(5, 4),
    "negative": lambda: shares.proportion(-1, 4),
    "fractional": lambda: overlap.independence([[1.5, 2], [3, 4]]),
    "fractional, fisher": lambda: overlap.independence([[1.5, 2], [3, 4]], test="fisher"),
    "missing": lambda: shares.proportion(float("nan"), 4),
    "text": lambda: shares.proportion("three", 4),
    "infinite": lambda: shares.exact_count(float("inf")),
    "NaN among p": lambda: ranks.adjust([0.1, float("nan")]),
    "p above 1": lambda: ranks.adjust([0.1, 1.1]),
    "unknown method": lambda: ranks.adjust([0.1], "hs"),
    "confidence of 95": lambda: shares.proportion(1, 2, conf=95),
    "different lengths": lambda: trend.trend([1, 2], [3, 4], [1]),
    "more numerator than denominator": lambda: shares.clustered_share([3], [2]),
    "negative weights": lambda: shares.standardised_share([1], [2], [-1]),
    "more sampled than there are": lambda: shares.stratified_share([3], [4], [1]),
    "not 2 x 2": lambda: shares.odds_ratio([[1, 2, 3], [4, 5, 6]]),
    "not square": lambda: agreement.agreement([[1, 2, 3], [4, 5, 6]]),
    "ragged": lambda: agreement.agreement([[1, 2], [3]]),
    "not 0 or 1": lambda: overlap.multi_select([[2]], [[1]]),
    "a row without paper": lambda: overlap.clustered_independence(list("ab"), list("xy"), [1, None]),
    "no such reference": lambda: trend.clustered_logit([1, 0], list("ab"), [1, 2], reference="c"),
    "counts without exposure": lambda: trend.rate_trend([1, 2], [1, 2], [0, 5]),
    "sensitivity of 90": lambda: coder_error.rogan_gladen(3, 10, 90, 0.9),
    "misses more than checked": lambda: coder_error.missed_bound(10, 5, 6),
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
