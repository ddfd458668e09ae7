"""Association of properties of which a paper can have several at once."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import StratifiedTable, Table

from ptmreuse.errors import StudyError
from ptmreuse.statistics.estimate import NAN, Estimate, one_of, same_length, undefined, whole_counts, within
from ptmreuse.statistics.ranks import adjust

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


def zero_one(where, table):
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
    w, w_names = zero_one(f"{where}, fields", fields)
    y, y_names = zero_one(f"{where}, patterns", patterns)
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
