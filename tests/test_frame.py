"""The pilot's frame: years from the order of DOIs, shares weighted by them."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from ptmreuse import paths
from ptmreuse.analysis import by_people, people_machine, population
from ptmreuse.coding.control import negative_control_files
from ptmreuse.errors import StudyError
from ptmreuse.evidence import frame, study
from ptmreuse.evidence.pilot import embedded
from ptmreuse.statistics import survey
from ptmreuse.statistics.estimate import Estimate

PILOT = pd.read_csv(paths.DATA / "pilot_papers.csv")


def test_years_that_are_known_are_found_when_left_out():
    off = frame.errors(frame.known())
    assert (off["year"] == off["inferred"]).mean() > 0.9
    assert off["error"].abs().median() < 21
    dated = frame.with_years(frame.read()).merge(PILOT[["doi", "year"]], on="doi", suffixes=("", "_true"))
    assert (dated["year"] == dated["year_true"]).all()
    assert len(dated) == 110


def test_an_article_lies_in_time_between_its_neighbours(monkeypatch):
    known = pd.DataFrame({"doi": ["a", "b", "c"], "day": [735600, 735800, 736400], "journal": "pone",
                          "number": [100, 300, 400]})  # fmt: skip
    monkeypatch.setattr(frame, "known", lambda: known)
    asked = pd.DataFrame({"doi": list("wxyz"), "journal": "pone", "number": [200, 300, 350, 900]})
    dated = frame.with_years(asked)
    # 2015-01-14 (halfway to day 735800), 2015-07-21, 2016-05-16; above the last known: that year or any later one
    assert dated["year"].tolist()[:3] == [2015, 2015, 2016]
    assert dated["basis"].tolist() == ["between", "known", "between", "open"]
    assert dated.loc[3, ["earliest", "latest"]].tolist()[1] == frame.LAST


def test_the_known_dates_are_those_of_the_articles_themselves():
    from lxml import etree

    told = {}
    for file in negative_control_files():
        article = etree.parse(file).find(".//article-meta")
        date = article.find("pub-date[@pub-type='epub']")
        told[article.findtext("article-id[@pub-id-type='doi']")] = "-".join(
            f"{int(date.findtext(part)):02}" for part in ("year", "month", "day")
        )
    kept = study.read_csv(paths.DATA / "plos_dates.csv").set_index("doi")["date"].to_dict()
    assert kept == {doi: date for doi, date in told.items() if date >= "2013"}


def test_weighted_share_is_the_closed_form():
    papers, articles = population.sample(embedded())
    size = articles["year"].value_counts().sort_index().to_numpy()
    assert size.sum() == 1340
    k = (PILOT["uses_dl"] == "yes").groupby(PILOT["year"]).sum().to_numpy()
    weight, share = size / size.sum(), k / 10
    found = by_people.share(embedded(), "uses_dl", conf=0.95)
    assert found.value == pytest.approx((weight * share).sum())
    se = math.sqrt((weight**2 * (1 - 10 / size) * share * (1 - share) / 9).sum())
    assert found.detail["se"] == pytest.approx(se)
    low, high = beta.ppf(0.025, k, 11 - k), beta.ppf(0.975, k + 1, 10 - k)
    low, high = np.where(k == 0, 0, low), np.where(k == 10, 1, high)
    shrunk = weight * np.sqrt(1 - 10 / size)
    assert found.low == pytest.approx(found.value - math.sqrt(((shrunk * (share - low)) ** 2).sum()))
    assert found.high == pytest.approx(found.value + math.sqrt(((shrunk * (high - share)) ** 2).sum()))


def test_ratio_agrees_with_the_survey_package_of_r():
    # survey::svyratio(~I(y*pred),~y,design), strata of 631, 4000, 12880 papers; 80, 120, 100 drawn; 66, 6, 0 yes
    found = survey.stratified_ratio([631, 4000, 12880], [80, 120, 100], [66, 0, 0], [66, 6, 0])
    assert found.value == pytest.approx(0.722443881622315, rel=1e-5)
    assert found.detail["se"] == pytest.approx(0.0795072795116846, rel=1e-5)
    alike = survey.stratified_ratio([50, 50], [5, 5], [2, 3], [2, 3])
    assert (alike.value, alike.low) == (1, pytest.approx(0.025 ** (1 / 5)))  # Clopper-Pearson, 5 of 5


def test_resampled_limits_lie_by_the_closed_ones():
    table = population.estimates(embedded(), conf=0.95, resamples=1999, seed=1)
    weighted = table[table["weights"] == "years"]
    assert (weighted["low"] - weighted["low_resampled"]).abs().max() < 0.03
    assert (weighted["high"] - weighted["high_resampled"]).abs().max() < 0.03
    assert ((weighted["lowest"] < weighted["value"]) & (weighted["value"] < weighted["highest"])).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda f: f.assign(doi=f["doi"].replace(f["doi"][3], "10.3389/fpls.2020.00001")),
            "row 4, column doi: expected",
        ),
        (lambda f: pd.concat([f, f.iloc[:1]]), "row 1341, column doi: expected each article once"),
        (lambda f: f.assign(listed=f["listed"].where(f.index != 8, "-1")), "row 9, column listed: expected a whole"),
        (lambda f: f.assign(pilot="no"), "expected as pilot papers those of"),
        (
            lambda f: f.drop(columns="listed"),
            "expected the columns doi, listed, pilot, prompt_writing, found no column listed",
        ),
    ],
)
def test_a_frame_that_is_wrong_is_one_sentence(tmp_path, change, said):
    change(study.read_csv(paths.DATA / "plos_frame.csv")).to_csv(tmp_path / "frame.csv", index=False)
    with pytest.raises(StudyError, match=said):
        frame.read(tmp_path / "frame.csv")


def test_only_the_pilot_is_weighted():
    tables = embedded()
    assert by_people.share(tables, "uses_dl", conf=0.95).method.startswith("exact or Wilson")
    tables["papers"].loc[0, "doi"] = "10.1371/journal.pone.0999999"
    assert by_people.share(tables, "uses_dl", conf=0.95).method == "Wilson"
    tables = embedded()
    tables["papers"].loc[0, "year"] = 2013
    with pytest.raises(StudyError, match="2014 to 2024, found 2013"):
        by_people.share(tables, "uses_dl", conf=0.95)


def test_errors_that_the_machine_would_need():
    people = {"uses_dl": Estimate(0.5, 0.4, 0.6), "uses_ptm": Estimate(0.3, 0.2, 0.4)}
    table = people_machine.against_machine(study.published(), people, 1340).set_index(["question", "release"])
    dl, v1 = table.loc[("uses_dl", "May 2026")], table.loc[("uses_ptm", "v1")]
    # A coder that finds every paper reports p + (1 - p)(1 - specificity); one that finds none too many p * sensitivity.
    assert 0.5 + 0.5 * (1 - dl["specificity"]) == pytest.approx(4662 / 6962)
    assert 0.3 * v1["sensitivity"] == pytest.approx(631 / 4384)
    assert dl["others_low"] * (6962 - 1340) + 0.6 * 1340 == pytest.approx(4662)
    assert table["outcome"].tolist() == ["above", "within", "below"]
