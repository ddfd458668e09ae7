"""Association of a property with the year, the field or another property: tables, trends, regression.

Tables hold one row per independent unit. Codes of which a paper can have several (fields, patterns), and
rows that share a paper, have functions of their own: `multi_select`, `rao_scott`, `clustered_logit`.
"""

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import StratifiedTable, Table
from statsmodels.tools.sm_exceptions import IterationLimitWarning, PerfectSeparationWarning

from ptmreuse.errors import StudyError
from ptmreuse.statistics import (
    NAN,
    Estimate,
    adjust,
    numbers,
    one_of,
    parts_of,
    print_p,
    same_length,
    undefined,
    whole_counts,
    within,
)

# ------------------------------------------------------------------------ tables of independent units


def _trim(where, table):
    """Table without its empty rows and columns, their names, and a sentence about what was left out."""
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(whole_counts(where, table, 2))
    counts = whole_counts(where, frame.to_numpy(), 2)
    rows, columns = counts.sum(axis=1) > 0, counts.sum(axis=0) > 0
    trimmed = pd.DataFrame(counts, index=frame.index, columns=frame.columns).loc[rows, columns]
    dropped = [f"{n} empty {name}" for n, name in ((sum(~rows), "rows"), (sum(~columns), "columns")) if n]
    return trimmed, f"left out {' and '.join(dropped)}" if dropped else ""


def cramers_v(table, *, corrected=True, unit="papers", conf=0.95):
    """Cramér's V of an r x c table of independent units.

    Parameters
    ----------
    table : array-like or pandas.DataFrame of int
        One unit in one cell. Empty rows and columns are left out, and `reason` says so.
    corrected : bool
        Bias-corrected: the plain V of small or sparse tables is too large, and may lie above its own limits.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        Limits from the noncentral chi-square distribution. NaN with less than two rows or columns in use.

    Notes
    -----
    Bergsma (2013), A bias-correction for Cramér's V; Smithson (2003) for the limits.

    Examples
    --------
    >>> print(cramers_v([[20, 30, 10], [5, 25, 15]], corrected=False).sentence)
    Cramér's V 0.28, 95 % CI [0.06, 0.46] (noncentral chi-square), n = 105 papers
    """
    trimmed, left_out = _trim("cramers_v, table", table)
    conf = within("cramers_v, conf", conf, closed=False)
    label = "bias-corrected Cramér's V" if corrected else "Cramér's V"
    n, (r, c) = int(trimmed.to_numpy().sum()), trimmed.shape
    if min(r, c) < 2:
        return undefined(n, unit, "less than two categories", conf=conf, label=label, scale="number")
    chi2 = stats.chi2_contingency(trimmed, correction=False)
    if corrected:
        value, root = _bias_corrected(chi2.statistic / n, n, r, c)
        if math.isnan(value):
            return undefined(n, unit, "too few units", conf=conf, label=label, scale="number")
    else:
        value, root = stats.contingency.association(trimmed, method="cramer"), min(r, c) - 1
    low, high = (min(1.0, math.sqrt(x / n / root)) for x in _noncentrality(chi2.statistic, chi2.dof, conf))
    reason = left_out
    if high == 0:
        low, high = NAN, NAN
        reason = "; ".join(filter(None, [left_out, "no interval: closer to independence than chance is"]))
    detail = {"chi2": float(chi2.statistic), "df": int(chi2.dof), "se": NAN}
    method = "noncentral chi-square"
    return Estimate(float(value), low, high, conf, method, n, unit, None, reason, detail, label, "number")


def _bias_corrected(phi2, n, r, c):
    """Bergsma's V and the smaller corrected dimension less 1; arrays welcome."""
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    root = np.minimum(rows, columns) - 1
    phi2 = np.maximum(0, phi2 - (r - 1) * (c - 1) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(root > 0, np.minimum(1.0, np.sqrt(phi2 / root)), np.nan), root


def _noncentrality(statistic, df, conf):
    """Limits of the noncentrality of a chi-square statistic; 0 where even 0 is too large."""
    limits = []
    for tail in ((1 + conf) / 2, (1 - conf) / 2):
        if stats.chi2.cdf(statistic, df) <= tail:
            limits.append(0.0)
        else:
            top = statistic + 20 * math.sqrt(statistic + df) + 100
            limits.append(optimize.brentq(lambda x, t=tail: stats.ncx2.cdf(statistic, df, x) - t, 1e-12, top))
    return limits


def independence(table, *, test="auto", unit="papers", conf=0.95, resamples=99_999, seed=0):
    """Test and size of the association in an r x c table of independent units.

    Parameters
    ----------
    table : array-like or pandas.DataFrame of int
        One unit in one cell. Empty rows and columns are left out, and `reason` says so.
    test : {'auto', 'chi2', 'monte-carlo', 'fisher'}
        'auto' is Pearson's chi-square without continuity correction, or its Monte-Carlo version where more than a
        fifth of the expected counts are below 5 or one is below 1. 'fisher' is exact for 2 x 2, else
        Monte-Carlo.
    unit, conf
        As in `statistics.proportion`.
    resamples, seed : int
        Of the Monte-Carlo tests.

    Returns
    -------
    Estimate
        Bias-corrected Cramér's V with its interval, and p. `detail` has chi2, df, p_chi2, min_expected,
        expected and adjusted residuals (arrays of the trimmed table), v (uncorrected) and the test used.

    Examples
    --------
    >>> effect, test = independence([[41, 160, 38], [22, 70, 20], [3, 17, 2], [12, 61, 9]]).sentence.split("; ")
    >>> print(effect)
    bias-corrected Cramér's V 0.00, 95 % CI [0.00, 0.10] (noncentral chi-square), n = 455 papers
    >>> print(test)
    chi-square(6) = 4.28, p = .639
    """
    one_of("independence, test", test, ("auto", "chi2", "monte-carlo", "fisher"))
    size = cramers_v(table, unit=unit, conf=conf)
    trimmed, _ = _trim("independence, table", table)
    if min(trimmed.shape) < 2:
        return size
    chi2 = stats.chi2_contingency(trimmed, correction=False)
    expected = chi2.expected_freq
    sparse = (expected < 5).mean() > 0.2 or expected.min() < 1
    test = {True: "monte-carlo", False: "chi2"}[sparse] if test == "auto" else test
    # A generator is spent by a test: every test makes its own.
    draws = stats.MonteCarloMethod(n_resamples=resamples, rng=np.random.default_rng(seed))
    statistic = f"chi-square({chi2.dof}) = {chi2.statistic:.2f},"
    if test == "chi2":
        p, name = chi2.pvalue, statistic
    elif test == "monte-carlo":
        p = stats.chi2_contingency(trimmed, correction=False, method=draws).pvalue
        name = f"{statistic} Monte-Carlo ({resamples:,} draws)"
    else:
        small = trimmed.shape == (2, 2)
        p = stats.fisher_exact(trimmed, method=None if small else draws).pvalue
        name = "Fisher's exact test" if small else f"Fisher's test ({resamples:,} draws)"
    detail = size.detail | {
        "p_chi2": float(chi2.pvalue),
        "min_expected": float(expected.min()),
        "expected": expected,
        "residuals": Table(trimmed.to_numpy(), shift_zeros=False).standardized_resids,
        "v": float(stats.contingency.association(trimmed, method="cramer")),
        "test": name,
    }
    return replace(size, p=np.asarray(p).item(), detail=detail)


def post_hoc_cells(table, *, method="holm"):
    """Which cells of an r x c table of independent units depart from independence.

    Parameters
    ----------
    table : array-like or pandas.DataFrame of int
        Names are taken from a data frame. Empty rows and columns are left out.
    method : {'holm', 'bh'}
        Adjustment over all cells: Holm to confirm, Benjamini-Hochberg to explore.

    Returns
    -------
    pandas.DataFrame
        One row per cell: row, column, observed, expected, difference, z (adjusted residual), p, p_adjusted,
        m (number of cells tested). No rows with less than two categories in use.

    Notes
    -----
    Agresti (2013), section 3.3.1. Where units share a paper z is as wrong as chi-square: see
    `multi_select`.

    Examples
    --------
    >>> post_hoc_cells([[8, 2], [1, 5]])[["row", "column", "z", "p_adjusted"]].round(3)
       row  column      z  p_adjusted
    0    0       0  2.472       0.054
    1    0       1 -2.472       0.054
    2    1       0 -2.472       0.054
    3    1       1  2.472       0.054
    """
    one_of("post_hoc_cells, method", method, ("holm", "bh"))
    trimmed, _ = _trim("post_hoc_cells, table", table)
    columns = ["row", "column", "observed", "expected", "difference", "z", "p", "p_adjusted", "m"]
    if min(trimmed.shape) < 2:
        return pd.DataFrame(columns=columns)
    fit = Table(trimmed.to_numpy(), shift_zeros=False)
    z = fit.standardized_resids
    p = 2 * stats.norm.sf(np.abs(z))
    names = pd.MultiIndex.from_product([trimmed.index, trimmed.columns], names=["row", "column"])
    cells = names.to_frame(index=False).assign(observed=trimmed.to_numpy().ravel(), expected=fit.fittedvalues.ravel())
    cells["difference"] = cells["observed"] - cells["expected"]
    return cells.assign(z=z.ravel(), p=p.ravel(), p_adjusted=adjust(p, method).ravel(), m=p.size)


def common_odds_ratio(tables, *, unit="papers", conf=0.95):
    """Odds ratio common to several 2 x 2 tables, such as one per year (Mantel-Haenszel).

    Parameters
    ----------
    tables : sequence of 2 x 2 tables of int
        Strata without units, or where all are alike, tell nothing and are left out.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        `p` is the Cochran-Mantel-Haenszel test without continuity correction; `detail` has its chi2, the p
        of equal odds ratios (Breslow-Day with Tarone's correction) and the odds ratio of the pooled table.

    Examples
    --------
    >>> effect, test = common_odds_ratio([[[8, 2], [3, 7]], [[12, 5], [6, 9]]]).sentence.split("; ")
    >>> print(effect)
    common odds ratio 4.99, 95 % CI [1.53, 16.25] (Mantel-Haenszel), n = 52 papers
    >>> print(test)
    chi-square(1) = 7.33, p = .007
    """
    conf = within("common_odds_ratio, conf", conf, closed=False)
    counts = [whole_counts("common_odds_ratio, tables", t, 2) for t in tables]
    wrong = [t.shape for t in counts if t.shape != (2, 2)]
    if wrong:
        found = " x ".join(map(str, wrong[0]))
        where = "common_odds_ratio, tables"
        raise StudyError(expected="2 x 2 tables", found=found, where=where, do="give one 2 x 2 table per stratum")
    used = [t for t in counts if t.sum(axis=0).all() and t.sum(axis=1).all()]
    n, label = int(sum(t.sum() for t in used)), "common odds ratio"
    a, b, c, d = sum(used, np.zeros((2, 2), dtype=int)).ravel()
    if not used or not (a * d + b * c):
        reason = "no stratum has both groups and both outcomes"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    fit = StratifiedTable([t.astype(float) for t in used])
    test = fit.test_null_odds(correction=False)
    both = min(sum(t[0, 0] * t[1, 1] for t in used), sum(t[0, 1] * t[1, 0] for t in used)) > 0
    value, low, high, reason = math.nan, NAN, NAN, ""
    if both:
        value, (low, high) = float(fit.oddsratio_pooled), fit.oddsratio_pooled_confint(1 - conf)
    else:
        value = math.inf if sum(t[0, 0] * t[1, 1] for t in used) else 0.0
        reason = "no interval: in every stratum one cell of the diagonal is empty"
    with np.errstate(invalid="ignore"):  # statsmodels has 0/0 at a common odds ratio of 1
        equal = float(fit.test_equal_odds(adjust=True).pvalue) if both and len(used) > 1 else NAN
    equal = None if math.isnan(equal) else equal
    detail = {"chi2": float(test.statistic), "df": 1, "p_equal_odds": equal, "strata": len(used), "se": NAN}
    detail |= {"empty_strata": len(counts) - len(used), "pooled": float(a * d / (b * c)) if b * c else math.inf}
    detail["test"] = f"chi-square(1) = {test.statistic:.2f},"
    p, method = float(test.pvalue), "Mantel-Haenszel"
    return Estimate(value, float(low), float(high), conf, method, n, unit, p, reason, detail, label, "number")


# ---------------------------------------------------------- several codes per paper, several rows per paper


def _zero_one(where, table):
    """A 0/1 table as a float array with its column names."""
    frame = pd.DataFrame(table)
    values = whole_counts(where, frame.to_numpy(), 2)
    if (values > 1).any():
        raise StudyError(
            expected="0 or 1 in every cell",
            found=str(values.max()),
            where=where,
            do="give one row per paper, one column per category, 1 where the paper has it",
        )
    return values.astype(float), list(frame.columns)


def multi_select(fields, patterns, *, unit="papers", resamples=9999, seed=0):
    """Association of two codings of which a paper can have several: fields and patterns.

    Parameters
    ----------
    fields, patterns : array-like or pandas.DataFrame of 0 and 1
        One row per paper, one column per category.
    unit : str
        What a row is.
    resamples, seed : int
        Of the permutation of field sets among papers, and of the bootstrap.

    Returns
    -------
    Estimate
        Root-mean-square phi over all pairs of a field and a pattern, between 0 and 1, without interval. `p`
        is the permutation test of simultaneous pairwise marginal independence. `detail` has the statistic
        (sum of the pairwise chi-squares), p_bootstrap (Bilder and Loughin), rao_scott (second order:
        statistic, df, p) and cells: a data frame with field, pattern, both, phi, z and p_adjusted, from the
        permutation distribution of the largest absolute z. Categories of all or no papers are left out, and
        `reason` says so.

    Notes
    -----
    Bilder and Loughin (2004), Testing for marginal independence between two categorical variables with
    multiple responses, Biometrics 60. Permuting whole sets keeps the overlap of the fields, and the test
    exact.

    Examples
    --------
    >>> fields = [[1, 0], [1, 0], [1, 1], [0, 1], [0, 1], [1, 0]]
    >>> e = multi_select(fields, [[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [1, 1]])
    >>> print(e.sentence)
    root-mean-square phi 0.55, n = 6 papers; sum of 4 chi-squares = 7.27, permutation (9,999 draws) p = .200
    """
    where, label = "multi_select", "root-mean-square phi"
    w, w_names = _zero_one(f"{where}, fields", fields)
    y, y_names = _zero_one(f"{where}, patterns", patterns)
    same_length(where, w, y)
    n = len(w)
    w_used, y_used = np.ptp(w, axis=0) > 0 if n else [], np.ptp(y, axis=0) > 0 if n else []
    if not any(w_used) or not any(y_used):
        return undefined(n, unit, "every category has all or none", label=label, scale="number")
    left_out = [f"{name}" for name, used in zip(w_names + y_names, [*w_used, *y_used], strict=True) if not used]
    w_names = [name for name, used in zip(w_names, w_used, strict=True) if used]
    y_names = [name for name, used in zip(y_names, y_used, strict=True) if used]
    w, y = w[:, w_used], y[:, y_used]
    w_score, y_score = stats.zscore(w), stats.zscore(y)
    phi = w_score.T @ y_score / n
    statistic = n * float((phi**2).sum())
    # Rows are sorted first, so that the same seed gives the same p whatever the order of the papers.
    w_sorted, y_sorted = w[np.lexsort(w.T)], y[np.lexsort(y.T)]
    w_fixed, y_fixed = stats.zscore(w_sorted).T / n, stats.zscore(y_sorted)
    permute, bootstrap = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(2))
    sums, largest, booted = np.empty(resamples), np.empty(resamples), np.empty(resamples)
    for i in range(resamples):
        null = (w_fixed @ y_fixed[permute.permutation(n)]) ** 2
        sums[i], largest[i] = n * null.sum(), n * null.max()
        a, b = w_sorted[bootstrap.integers(n, size=n)], y_sorted[bootstrap.integers(n, size=n)]
        booted[i] = n * (_correlation(a, b) ** 2).sum()
    tolerance = 1e-9 * max(1.0, statistic)
    p = float((1 + (sums >= statistic - tolerance).sum()) / (resamples + 1))
    z = math.sqrt(n) * phi
    beyond = (largest[:, None] >= (z**2).ravel()[None, :] - tolerance).sum(axis=0)
    cells = pd.MultiIndex.from_product([w_names, y_names], names=["field", "pattern"]).to_frame(index=False)
    cells = cells.assign(both=(w.T @ y).ravel().astype(int), phi=phi.ravel(), z=z.ravel())
    cells["p_adjusted"] = (1 + beyond) / (resamples + 1)
    detail = {
        "statistic": statistic,
        "p_bootstrap": float((1 + (booted >= statistic - tolerance).sum()) / (resamples + 1)),
        "rao_scott": _rao_scott_pairs(w_score, y_score, phi, statistic),
        "cells": cells,
        "test": f"sum of {phi.size} chi-squares = {statistic:.2f}, permutation ({resamples:,} draws)",
        "se": NAN,
    }
    reason = f"left out, all or none have it: {', '.join(map(str, left_out))}" if left_out else ""
    value = math.sqrt(statistic / n / phi.size)
    return Estimate(value, n=n, unit=unit, p=p, reason=reason, detail=detail, label=label, scale="number")


def _correlation(a, b):
    """Correlations of the columns of a with those of b; 0 where a column is constant."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt(np.outer((a**2).sum(axis=0), (b**2).sum(axis=0)))
    return np.divide(a.T @ b, scale, out=np.zeros_like(scale), where=scale > 0)


def _rao_scott_pairs(w_score, y_score, phi, statistic):
    """Second-order Rao-Scott correction of the sum of pairwise chi-squares (Bilder and Loughin 2004)."""
    products = (w_score[:, :, None] * y_score[:, None, :]).reshape(len(w_score), -1) - phi.ravel()
    weights = np.linalg.eigvalsh(products.T @ products / len(products))
    if weights.sum() < 1e-12:
        return {"statistic": NAN, "df": NAN, "p": None}
    scale, df = float((weights**2).sum() / weights.sum()), float(weights.sum() ** 2 / (weights**2).sum())
    return {"statistic": statistic / scale, "df": df, "p": float(stats.chi2.sf(statistic / scale, df))}


def clustered_independence(rows, columns, cluster, *, unit="rows", conf=0.95, resamples=9999, seed=0):
    """Association of two codings in rows that share papers, such as pairs in several fields.

    Parameters
    ----------
    rows, columns : array-like
        The two categories of each row.
    cluster : array-like
        The paper of each row.
    unit, conf
        As in `statistics.proportion`.
    resamples, seed : int
        Of the bootstrap over papers.

    Returns
    -------
    Estimate
        Bias-corrected Cramér's V with percentile limits of the bootstrap over papers (a size, not a test: V
        is never below 0). `p` is the second-order Rao-Scott F. `detail` has chi2 (Pearson's, as if rows
        were independent), F, df1, df2, the first-order p_first with its df, deff (mean of the eigenvalues),
        n_clusters.

    Notes
    -----
    Rao and Scott (1984); the same numbers as R's `survey::svychisq` with papers as sampling units.

    Examples
    --------
    >>> field, paper = list("aabbabab") * 4, np.repeat(range(16), 2)
    >>> e = clustered_independence(field, list("xyxyyyxy") * 4, paper)
    >>> effect, test = e.sentence.split("; ")
    >>> print(effect)
    bias-corrected Cramér's V 0.19, 95 % CI [0.00, 0.48] (bootstrap of 16 clusters), n = 32 rows
    >>> print(test)
    Rao-Scott F(1.0, 15.0) = 4.00, p = .064
    """
    where, label = "clustered_independence", "bias-corrected Cramér's V"
    same_length(where, rows, columns, cluster)
    conf = within(f"{where}, conf", conf, closed=False)
    frame = pd.DataFrame({"row": list(rows), "column": list(columns), "cluster": list(cluster)}, dtype=object)
    missing = int(frame.isna().any(axis=1).sum())
    if missing:
        raise StudyError(
            expected="a category and a paper in every row",
            found=f"{missing} rows without",
            where=where,
            do="count missing values apart and leave them out here",
        )
    n, papers = len(frame), frame["cluster"].nunique()
    cells = frame.groupby(["cluster", "row", "column"]).size()
    r, c = frame["row"].nunique(), frame["column"].nunique()
    if min(r, c) < 2 or papers < 2:
        reason = "less than two categories" if papers > 1 else "all rows from one cluster"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number", n_clusters=papers)
    # One row per paper, one column per cell; sorted by content, so that names and order do not matter.
    counts = cells.unstack(["row", "column"], fill_value=0)
    grid = pd.MultiIndex.from_product([sorted(frame[x].unique(), key=str) for x in ("row", "column")])
    counts = counts.reindex(columns=grid, fill_value=0).to_numpy(dtype=float)
    counts = counts[np.lexsort(counts.T)]
    chi2, delta = _rao_scott(counts, r, c)
    phi2 = chi2 / n
    value = float(_bias_corrected(phi2, n, r, c)[0])
    if math.isnan(value):
        return undefined(n, unit, "too few rows", conf=conf, label=label, scale="number", n_clusters=papers)
    booted = _bootstrap_v(counts, r, c, resamples, seed)
    low, high = np.quantile(booted, [(1 - conf) / 2, (1 + conf) / 2])
    trace, square = float(np.trace(delta)), float(np.trace(delta @ delta))
    detail = {"chi2": chi2, "n_clusters": papers, "deff": trace / len(delta), "se": float(booted.std(ddof=1))}
    p, reason = None, "no test: too many empty cells, or no spread between clusters"
    if trace > 1e-12:
        df1, df2, f = trace**2 / square, trace**2 / square * (papers - 1), chi2 / trace
        p, reason = float(stats.f.sf(f, df1, df2)), ""
        detail |= {"F": f, "df1": df1, "df2": df2, "df": len(delta)}
        detail |= {"p_first": float(stats.chi2.sf(chi2 * len(delta) / trace, len(delta)))}
        detail |= {"test": f"Rao-Scott F({df1:.1f}, {df2:.1f}) = {f:.2f},"}
    # The bootstrap distribution of V lies above V in small samples; the limits must include the estimate.
    low, high, method = min(float(low), value), max(float(high), value), f"bootstrap of {papers:,} clusters"
    if high - low < 1e-12:
        low, high, reason = NAN, NAN, "; ".join(filter(None, [reason, "no interval: no resample differs"]))
    return Estimate(value, low, high, conf, method, n, unit, p, reason, detail, label, "number")


def _rao_scott(counts, r, c):
    """Pearson's chi-square of the rows and the matrix whose eigenvalues weigh its null distribution."""
    n, papers = counts.sum(), len(counts)
    cell = counts.sum(axis=0) / n
    table = cell.reshape(r, c)
    fitted = np.outer(table.sum(axis=1), table.sum(axis=0))
    chi2 = float(n * ((table - fitted) ** 2 / fitted).sum())
    spread = (counts - counts.sum(axis=1, keepdims=True) * cell) / n
    variance = papers / (papers - 1) * spread.T @ spread
    main = np.column_stack([np.kron(np.eye(r), np.ones((c, 1))), np.kron(np.ones((r, 1)), np.eye(c))])
    interaction = np.kron(np.eye(r)[:, 1:], np.eye(c)[:, 1:])
    interaction -= main @ np.linalg.lstsq(main, interaction, rcond=None)[0]
    weighted = interaction * np.divide(1, cell, out=np.zeros_like(cell), where=cell > 0)[:, None]
    bread = interaction.T @ weighted / n
    if np.linalg.matrix_rank(bread) < len(bread):
        return chi2, np.zeros_like(bread)
    return chi2, np.linalg.solve(bread, weighted.T @ variance @ weighted)


def _bootstrap_v(counts, r, c, resamples, seed):
    """Bias-corrected V of resampled papers; a resample with one category counts as 0."""
    rng, values = np.random.default_rng(seed), []
    for size in np.diff([*range(0, resamples, 500), resamples]):
        table = (rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size) @ counts).reshape(-1, r, c)
        n = table.sum(axis=(1, 2))
        fitted = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / n[:, None, None]
        part = np.divide((table - fitted) ** 2, fitted, out=np.zeros_like(fitted), where=fitted > 0)
        in_use = (table.sum(axis=2) > 0).sum(axis=1), (table.sum(axis=1) > 0).sum(axis=1)
        values.append(np.nan_to_num(_bias_corrected(part.sum(axis=(1, 2)) / n, n, *in_use)[0]))
    return np.concatenate(values)


# ---------------------------------------------------------------------------------------- trends over years


def _design(x, degree=1):
    """Intercept and powers of x."""
    return np.column_stack([x**d for d in range(degree + 1)])


def _fit(model):
    """Maximum likelihood of a model of which the caller has made sure that it exists."""
    # The messages mean a perfect fit (two years, a straight line), which is no separation, or a quadratic that
    # runs to 0 or 1, of which only the deviance is used.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        return model.fit(tol=1e-13, maxiter=500)


def _logit(k, n, x, degree=1):
    """Binomial fit on a polynomial in x."""
    return _fit(sm.GLM(np.column_stack([k, n - k]), _design(x, degree), family=sm.families.Binomial()))


def separated(k, n, x):
    """Whether a logit in x has no finite estimate: all yes lie on one side of all no (Albert, Anderson 1984).

    statsmodels then stops somewhere with a huge standard error; R warns of fitted probabilities of 0 or 1.

    Examples
    --------
    >>> separated([0, 0, 5], [5, 5, 5], [1, 2, 3]), separated([0, 1, 5], [5, 5, 6], [1, 2, 3])
    (True, False)
    """
    k, n = parts_of("separated", k, n)
    x = numbers("separated, x", x)
    same_length("separated", k, x)
    yes, no = x[k > 0], x[k < n]
    if not yes.size or not no.size:
        return True
    return bool(yes.min() >= no.max() or yes.max() <= no.min())


def _firth(k, n, x, conf):
    """Firth's penalised logit: intercept, slope, its profile limits, standard error and likelihood ratio p."""
    scale = x.std()
    x = x / scale
    rows = np.concatenate([x, x])[:, None]
    outcome, weight = np.repeat([1, 0], len(x)), np.concatenate([k, n - k]).astype(float)
    used = weight > 0
    model = FirthLogisticRegression(backend="numpy", gtol=1e-6, xtol=1e-6, max_iter=500)
    model.fit(rows[used], outcome[used], sample_weight=weight[used])
    b0, b1 = float(model.intercept_), float(model.coef_[0])
    design = _design(x)

    def information(intercept, slope):
        size = np.exp(-np.abs(intercept + slope * x))
        return design.T @ (design * (n * size / (1 + size) ** 2)[:, None])

    def deviance(intercept, slope):
        """Twice the negative penalised log likelihood."""
        linear = intercept + slope * x
        penalty = np.linalg.slogdet(information(intercept, slope))[1]
        return -2 * float((k * linear - n * np.logaddexp(0, linear)).sum()) - penalty

    def profile(slope):
        return optimize.minimize_scalar(lambda b: deviance(b, slope)).fun - deviance(b0, b1)

    # firthmodels 0.8.2 has profile limits too, but puts both on one side of the estimate in one series of a hundred.
    allowed, ends = stats.chi2.ppf(conf, 1), []
    for sign in (-1, 1):
        step = 1.0
        while profile(b1 + sign * step) < allowed:
            step *= 2
        ends.append(optimize.bisect(lambda b: profile(b) - allowed, b1, b1 + sign * step, xtol=1e-9))
    se = math.sqrt(np.linalg.inv(information(b0, b1))[1, 1])
    p = float(stats.chi2.sf(max(0.0, profile(0.0)), 1))
    return b0, b1 / scale, ends[0] / scale, ends[1] / scale, se / scale, p


def cochran_armitage(k, n, year):
    """z of a linear trend in shares, in the convention of R's `prop.trend.test` (z^2 is its X-squared).

    Examples
    --------
    >>> round(cochran_armitage([0, 2, 5], [10, 10, 10], [1, 2, 3]), 2)
    2.64
    """
    k, n = parts_of("cochran_armitage", k, n)
    x = numbers("cochran_armitage, year", year)
    same_length("cochran_armitage", k, x)
    if not 0 < k.sum() < n.sum():
        return NAN
    share, centred = k.sum() / n.sum(), x - (n * x).sum() / n.sum()
    variance = share * (1 - share) * (n * centred**2).sum()
    return float((k * centred).sum() / math.sqrt(variance)) if variance > 0 else NAN


def trend(k, n, year, *, unit="papers", conf=0.95, firth=False):
    """Linear trend of a share over years, as an odds ratio per year.

    Parameters
    ----------
    k, n : array-like of int, one value per year
        Papers with the property, and papers of that year.
    year : array-like
        The years; any distances.
    unit, conf
        As in `statistics.proportion`.
    firth : bool
        Use Firth's penalised likelihood always; it is used anyway where the logit is separated.

    Returns
    -------
    Estimate
        Odds ratio per year with Wald limits (Firth: profile limits). `p` is the Cochran-Armitage test.
        `detail` has z, chi2, df; b0 (at year 0), b1, se1, p_wald, deviance, df_resid; dispersion (Pearson)
        with se_quasi and the limits `quasi`; curvature (statistic, df, p of the quadratic likelihood ratio
        test, None below four years); leave_one_out {year: odds ratio} with its range; separated. `reason`
        warns of curvature at the 5 % level, of separation and of years without papers. NaN for less than
        two years, or if no paper or every paper has the property.

    Examples
    --------
    >>> e = trend([0, 0, 0, 2, 4, 3, 5, 3, 9, 9, 4], [10] * 8 + [11, 10, 9], range(2014, 2025))
    >>> print(e.sentence.split(";")[0])
    odds ratio per year 1.56, 95 % CI [1.30, 1.86] (logit), n = 110 papers
    >>> print(e.sentence.split("; ", 1)[1])
    Cochran-Armitage z = 5.51, p < .001; the trend is not linear (quadratic LR test, p = .026)
    """
    k, n = parts_of("trend", k, n)
    year = numbers("trend, year", year)
    same_length("trend", k, year)
    conf = within("trend, conf", conf, closed=False)
    label, total = "odds ratio per year", int(n.sum())
    empty = sorted(year[n == 0].tolist())
    k, n, year = k[n > 0], n[n > 0], year[n > 0]
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < total:
        few = len(set(year.tolist())) < 2
        reason = "less than two years with papers" if few else "all alike: no year differs"
        detail = {"z": NAN, "separated": not few}
        return undefined(total, unit, reason, conf=conf, label=label, scale="number", **detail)
    centre = float((n * year).sum() / total)
    x = year - centre
    apart = separated(k, n, x)
    detail = {"separated": apart, "empty_years": empty}
    if apart or firth:
        b0, b1, low, high, se, p_coefficient = _firth(k, n, x, conf)
        method, detail["p_lr"] = "Firth's logit, profile", p_coefficient
    else:
        fit = _logit(k, n, x)
        (b0, b1), se = fit.params, float(fit.bse[1])
        low, high = fit.conf_int(1 - conf)[1]
        method = "logit"
        detail |= {"p_wald": float(fit.pvalues[1]), "deviance": float(fit.deviance)}
        detail |= {"df_resid": int(fit.df_resid)} | _overdispersion(fit, b1, se, conf)
    z = cochran_armitage(k, n, x)
    detail |= {"b0": float(b0 - b1 * centre), "b1": float(b1), "se1": se, "se": se}
    detail |= {"z": z, "chi2": z**2, "df": 1, "test": f"Cochran-Armitage z = {z:.2f},"}
    detail["curvature"] = _curvature(k, n, x)
    detail["leave_one_out"] = {
        (int(y) if y == int(y) else y): _odds_ratio_only(k[year != y], n[year != y], year[year != y], conf)
        for y in sorted(set(year.tolist()))
    }
    ratios = [r for r in detail["leave_one_out"].values() if not math.isnan(r)]
    detail["leave_one_out_range"] = (min(ratios), max(ratios)) if ratios else (NAN, NAN)
    warned = [f"no papers in {', '.join(f'{y:g}' for y in empty)}"] if empty else []
    if apart:
        warned.append("separated: papers with and without the property lie in different years")
    curvature = detail["curvature"]
    if curvature and curvature["p"] < 0.05:
        warned.append(f"the trend is not linear (quadratic LR test, {print_p(curvature['p'])})")
    p = float(2 * stats.norm.sf(abs(z)))
    low, high, value = math.exp(low), math.exp(high), math.exp(b1)
    return Estimate(value, low, high, conf, method, total, unit, p, "; ".join(warned), detail, label, "number")


def _overdispersion(fit, b, se, conf):
    """Pearson dispersion, and the quasi-likelihood limits of a ratio (t with the residual df, as in R)."""
    # fit(scale='X2') forgets the number of trials for two-column counts (statsmodels 0.15).
    dispersion = float(fit.pearson_chi2 / fit.df_resid) if fit.df_resid else NAN
    if not dispersion > 1e-12:
        return {"dispersion": dispersion, "se_quasi": NAN, "quasi": (NAN, NAN)}
    wide = se * math.sqrt(dispersion)
    q = stats.t.ppf((1 + conf) / 2, fit.df_resid)
    limits = (float(np.exp(b - q * wide)), float(np.exp(b + q * wide)))
    return {"dispersion": dispersion, "se_quasi": wide, "quasi": limits}


def _curvature(k, n, x):
    """Likelihood ratio test of a quadratic against a linear logit; None below four different years."""
    if len(set(x.tolist())) < 4:
        return None
    statistic = max(0.0, float(_logit(k, n, x).deviance - _logit(k, n, x, 2).deviance))
    return {"statistic": statistic, "df": 1, "p": float(stats.chi2.sf(statistic, 1))}


def _odds_ratio_only(k, n, year, conf):
    """Odds ratio per year, by Firth where separated, NaN where there is none."""
    if len(set(year.tolist())) < 2 or not 0 < k.sum() < n.sum():
        return NAN
    x = year - year.mean()
    if separated(k, n, x):
        return math.exp(_firth(k, n, x, conf)[1])
    return math.exp(_logit(k, n, x).params[1])


def rate_trend(k, year, exposure=None, *, family="quasipoisson", unit="papers", conf=0.95):
    """Trend of a count, or of a rate per exposure, as a ratio per year.

    Parameters
    ----------
    k : array-like of int, one value per year
        Papers counted.
    year : array-like
        The years.
    exposure : array-like, optional
        Papers of the frame (or days) in each year. Without it the count is followed, and most growth of a
        count is growth of the frame.
    family : {'quasipoisson', 'poisson', 'negbin'}
        Quasi-Poisson widens the interval by the dispersion found; the negative binomial weighs years more
        evenly and moves the estimate too.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    Estimate
        Rate ratio per year; `p` is the Wald test. `detail` has b1, se1, dispersion (Pearson, of the Poisson
        fit), deviance and, for 'negbin', alpha and loglik (se1 takes alpha as known, as R's `glm.nb`).
        Without more spread than Poisson 'negbin' falls back to Poisson, and `reason` says so.

    Examples
    --------
    >>> papers, frame = [0, 3, 0, 7, 13, 17, 38, 105, 116], [210, 260, 330, 450, 640, 910, 1350, 1900, 2300]
    >>> print(rate_trend(papers, range(2012, 2021), frame).sentence)
    rate ratio per year 1.36, 95 % CI [1.17, 1.56] (quasipoisson), n = 299 papers; Wald p = .002
    """
    where, label = "rate_trend", "rate ratio per year"
    one_of(f"{where}, family", family, ("quasipoisson", "poisson", "negbin"))
    k, year = whole_counts(f"{where}, k", k), numbers(f"{where}, year", year)
    exposed = np.ones(len(k)) if exposure is None else numbers(f"{where}, exposure", exposure)
    same_length(where, k, year, exposed)
    conf = within(f"{where}, conf", conf, closed=False)
    if (exposed < 0).any() or ((exposed == 0) & (k > 0)).any():
        raise StudyError(
            expected="an exposure above 0 wherever something was counted",
            found=f"{exposed[(exposed <= 0)][0]:g}",
            where=f"{where}, exposure",
            do="check the denominators",
        )
    k, year, exposed = k[exposed > 0], year[exposed > 0], exposed[exposed > 0]
    n, years = int(k.sum()), len(set(year.tolist()))
    if years < 2 or n == 0:
        reason = "nothing counted" if n == 0 else "less than two years"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    x = year - year.mean()
    outside = x[k > 0]
    if len(set(outside.tolist())) == 1 and outside[0] in (x.min(), x.max()):
        reason = "counted in the first or last year only: the ratio has no finite estimate"
        return undefined(n, unit, reason, conf=conf, label=label, scale="number")
    design, offset = _design(x), np.log(exposed)
    fit = _fit(sm.GLM(k, design, family=sm.families.Poisson(), offset=offset))
    b, se, reason = float(fit.params[1]), float(fit.bse[1]), ""
    detail = {"deviance": float(fit.deviance)} | _overdispersion(fit, b, se, conf)
    q, p = stats.norm.ppf((1 + conf) / 2), float(fit.pvalues[1])
    if family == "quasipoisson":
        if math.isnan(detail["se_quasi"]):
            reason = "no interval: the years leave no residual to measure the dispersion by"
            se, p = NAN, None
        else:
            se, q = detail["se_quasi"], stats.t.ppf((1 + conf) / 2, fit.df_resid)
            p = float(2 * stats.t.sf(abs(b / se), fit.df_resid))
    elif family == "negbin":
        alpha, spread = _negative_binomial(k, design, offset)
        if spread is None:
            family, reason = "poisson", "no more spread than Poisson: the negative binomial falls back to it"
        else:
            b, se, p = float(spread.params[1]), float(spread.bse[1]), float(spread.pvalues[1])
            detail |= {"alpha": alpha, "loglik": float(spread.llf)}
    detail |= {"b1": b, "se1": se, "se": se, "test": "Wald"}
    low, high = (float(np.exp(b + s * q * se)) for s in (-1, 1))
    return Estimate(math.exp(b), low, high, conf, family, n, unit, p, reason, detail, label, "number")


def _negative_binomial(k, design, offset):
    """Maximum likelihood alpha and the fit given alpha; None where alpha is 0.

    sm.NegativeBinomial maximises all at once and fails on one short series in five; this profile does not.
    """

    def fit(log_alpha):
        family = sm.families.NegativeBinomial(alpha=math.exp(log_alpha))
        return _fit(sm.GLM(k, design, family=family, offset=offset))

    best = optimize.minimize_scalar(lambda x: -fit(x).llf, bounds=(-14, 7), method="bounded", options={"xatol": 1e-9})
    return (math.exp(best.x), fit(best.x)) if best.x > -11 else (0.0, None)


def growth(k, year, exposure=None, *, family="quasipoisson", unit="papers", conf=0.95):
    """Growth per year in percent, and the years it takes to double.

    Parameters
    ----------
    k, year, exposure, family, unit, conf
        As in `rate_trend`. Two end points never make a growth rate: all years are used.

    Returns
    -------
    Estimate
        Growth per year as a share (0.1 is 10 %). `detail` has that of `rate_trend` and `doubling`, an
        Estimate in years: undefined where nothing grows, with an infinite upper limit where the interval
        includes no growth.

    Examples
    --------
    >>> e = growth([3, 5, 4, 9, 12, 20], range(2015, 2021))
    >>> print(e.sentence)
    growth per year 48.0 %, 95 % CI [30.1, 68.3] (quasipoisson), n = 53 papers; Wald p = .001
    >>> print(e.detail["doubling"].sentence)
    years to double 1.77, 95 % CI [1.33, 2.64] (quasipoisson), n = 53 papers
    """
    ratio = rate_trend(k, year, exposure, family=family, unit=unit, conf=conf)
    label, name = "growth per year", "years to double"
    value, low, high = ratio.value - 1, ratio.low - 1, ratio.high - 1
    if math.isnan(value) or value <= 0:
        reason = ratio.reason if math.isnan(value) else "no growth"
        doubling = undefined(ratio.n, unit, reason, conf=conf, label=name, scale="number")
    else:
        fast = math.log(2) / math.log(ratio.high)
        slow = math.inf if ratio.low <= 1 else math.log(2) / math.log(ratio.low)
        slow = NAN if math.isnan(ratio.low) else slow
        doubling = replace(
            ratio, value=math.log(2) / math.log(ratio.value), low=fast, high=slow, p=None, detail={}, label=name
        )
    detail = ratio.detail | {"doubling": doubling}
    return replace(ratio, value=value, low=low, high=high, detail=detail, label=label, scale="percent")


# -------------------------------------------------------------------- regression on rows that share a paper


def clustered_logit(outcome, predictor, cluster, *, structure="exchangeable", reference=None, unit="rows", conf=0.95):
    """Logistic regression on rows that share papers: odds ratios with standard errors robust to the sharing.

    Parameters
    ----------
    outcome : array-like of 0 and 1, one value per row
    predictor : array-like, or pandas.DataFrame of numbers
        Exclusive categories (compared with `reference`), or columns taken as they are: one 0/1 column per
        field where a paper is one row and may have several fields.
    cluster : array-like
        Paper of each row. With one row per paper the standard errors are robust (HC).
    structure : {'exchangeable', 'independence', 'glm'}
        Working correlation of generalised estimating equations, with bias-reduced standard errors below 40
        papers; 'glm' is a plain logit with cluster-robust ones (Stata's and R's HC1 correction).
    reference : optional
        Category to compare with; the first in order by default.
    unit, conf
        As in `statistics.proportion`.

    Returns
    -------
    dict of Estimate
        'intercept' (odds) and each category or column (odds ratio). `p` is the Wald test; `detail` has b, se,
        n_clusters, the working correlation, and p_all: the Wald test of all categories together. Undefined,
        with the reason, where a category has only 0 or only 1: give the share instead.

    Examples
    --------
    >>> fit = clustered_logit([1, 0, 1, 1, 0, 0, 1, 0] * 6, list("aabb") * 12, np.repeat(range(24), 2))
    >>> effect, test = fit["b"].sentence.split("; ")
    >>> print(effect)
    odds ratio of b to a 9.00, 95 % CI [2.81, 28.82] (bias-reduced GEE of 24 clusters), n = 48 rows
    """
    where = "clustered_logit"
    one_of(f"{where}, structure", structure, ("exchangeable", "independence", "glm"))
    conf = within(f"{where}, conf", conf, closed=False)
    same_length(where, outcome, predictor, cluster)
    y = _zero_one(f"{where}, outcome", np.asarray(outcome)[:, None] if len(outcome) else [])[0].ravel()
    papers = pd.Series(list(cluster), dtype=object)
    n, groups = len(y), papers.nunique()
    if isinstance(predictor, pd.DataFrame):
        columns = pd.DataFrame(numbers(f"{where}, predictor", predictor, 2), columns=predictor.columns)
        labels = {c: f"odds ratio of {c}" for c in columns}
    else:
        category = pd.Series(list(predictor), dtype=object)
        levels = sorted(category.dropna().unique(), key=str)
        reference = levels[0] if reference is None and levels else reference
        if n:
            one_of(f"{where}, reference", reference, levels)
        levels = [c for c in levels if c != reference]
        columns = pd.DataFrame({c: (category == c).astype(float) for c in levels}, index=range(n))
        labels = {c: f"odds ratio of {c} to {reference}" for c in levels}
        papers = papers.where(category.notna())
    if papers.isna().any():
        raise StudyError(
            expected="a category and a paper in every row",
            found=f"{int(papers.isna().sum())} rows without",
            where=where,
            do="count missing values apart and leave them out here",
        )
    labels = {"intercept": "odds"} | labels
    design = np.column_stack([np.ones(n), columns.to_numpy()])
    reason = _no_logit(y, design, groups)
    if reason:
        return {name: undefined(n, unit, reason, conf=conf, label=labels[name], scale="number") for name in labels}
    try:
        fit, method, correlation = _fit_clustered(y, design, pd.factorize(papers)[0], structure)
    except (IterationLimitWarning, FloatingPointError, np.linalg.LinAlgError):
        reason = "the estimating equations did not converge: too few papers"
        return {name: undefined(n, unit, reason, conf=conf, label=labels[name], scale="number") for name in labels}
    q, b, covariance = stats.norm.ppf((1 + conf) / 2), fit.params, np.asarray(fit.cov_params())
    se = np.sqrt(np.maximum(0, np.diag(covariance)))
    together, p_all = covariance[1:, 1:], None
    if len(together) and np.linalg.matrix_rank(together) == len(together):
        p_all = float(stats.chi2.sf(b[1:] @ np.linalg.solve(together, b[1:]), len(together)))
    estimates = {}
    for i, name in enumerate(labels):
        detail = {"b": float(b[i]), "se": float(se[i]), "n_clusters": groups, "correlation": correlation}
        detail |= {"p_all": p_all, "test": "Wald"}
        low, high, p, reason = NAN, NAN, None, "no interval: no spread between papers"
        if se[i] > 1e-8:
            with np.errstate(over="ignore"):  # a limit beyond all numbers is infinite
                low, high = (float(np.exp(b[i] + s * q * se[i])) for s in (-1, 1))
            p, reason = float(2 * stats.norm.sf(abs(b[i] / se[i]))), ""
        value, label = float(np.exp(b[i])), labels[name]
        estimates[name] = Estimate(value, low, high, conf, method, n, unit, p, reason, detail, label, "number")
    return estimates


def _fit_clustered(y, design, groups, structure):
    """Fit, its name, and the working correlation."""
    family, count = sm.families.Binomial(), groups.max() + 1
    if structure == "glm":
        robust = {"groups": groups, "use_correction": True}
        fit = sm.GLM(y, design, family=family).fit(tol=1e-12, cov_type="cluster", cov_kwds=robust)
        return fit, f"cluster-robust logit of {count:,} clusters", 0.0
    exchangeable = structure == "exchangeable" and count < len(y)  # single rows have no correlation to estimate
    working = sm.cov_struct.Exchangeable() if exchangeable else sm.cov_struct.Independence()
    few = count < 40
    with warnings.catch_warnings(), np.errstate(over="raise", divide="raise", invalid="raise"):
        warnings.simplefilter("error", IterationLimitWarning)
        fit = sm.GEE(y, design, groups, family=family, cov_struct=working).fit(
            cov_type="bias_reduced" if few else "robust"
        )
    if not 1e-8 < fit.fittedvalues.min() <= fit.fittedvalues.max() < 1 - 1e-8:
        raise FloatingPointError("the working correlation drove fitted values to 0 or 1")
    name = f"{'bias-reduced ' if few else ''}GEE of {count:,} clusters"
    return fit, name, float(working.dep_params) if exchangeable else 0.0


def _no_logit(y, design, groups):
    """Why a logit has no finite estimate; '' where it has one."""
    if not len(y) or groups < 2:
        return "all rows from one cluster" if len(y) else "no rows"
    if y.min() == y.max():
        return "the outcome is the same in every row"
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return "the columns are linearly dependent"
    # Separated if some direction classifies every row right (Konis 2007): a linear programme, solved exactly.
    signed = np.unique((2 * y - 1)[:, None] * design, axis=0)
    best = optimize.linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1))
    return "separated: a category has only 0 or only 1" if -best.fun > 1e-9 else ""
