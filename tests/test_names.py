"""Model names: the alias table and its three steps, and what must never be merged."""

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ptmreuse.errors import StudyError
from ptmreuse.evidence import names

ALIASES = names.load_aliases()


def canonical(name):
    return names.normalise([name]).canonical[0]


@pytest.mark.parametrize(
    ("written", "expected", "how"),
    [
        # the names of the pilot's pairs, in the spellings of its workbook
        ("M1 Feedforward Model", "M1 feedforward model", "exact"),
        ("Cellpose (Modified U-Net)", "Cellpose", "prefix"),
        ("VGGNet (VGG-16)", "VGG-16", "prefix"),
        ("Places365-VGG (VGG-16)", "Places365-VGG", "prefix"),
        ("DeepLabCut (ResNet-50)", "DeepLabCut", "prefix"),
        ("DeepLoc 1.0", "DeepLoc 1.0", "exact"),
        ("PAMGuard v2.00.14", "PAMGuard", "exact"),
        ("Signal P v5.0", "SignalP 5.0", "exact"),
        ("FreeSurfer ScLimbic (U-Net)", "FreeSurfer ScLimbic", "prefix"),
        ("SecretomeP 2.0", "SecretomeP 2.0", "exact"),
        ("Faster-RCNN (ResNet)", "Faster R-CNN", "prefix"),
        ("Grid-RCNN", "Grid R-CNN", "exact"),
        ("Yolo-v5", "YOLO v5", "exact"),
        ("HED (VGG-16)", "HED", "prefix"),
        ("BDCN (VGG-16)", "BDCN", "prefix"),
        ("Vision Image Transformer (VIT)", "ViT", "prefix"),
        ("Pyramid Vision Transformer (PVT)", "PVT", "prefix"),
        ("Inception ResNet", "Inception-ResNet", "exact"),
        ("InceptionV3", "Inception v3", "exact"),
        # tails that leave the model what it is
        ("VGG 16-layer net", "VGG-16", "prefix"),
        ("GPT2-XL", "GPT-2", "prefix"),
        ("distilbert-base-uncased-finetuned-sst-2-english", "DistilBERT", "prefix"),
        ("ESM2 t12 35M", "ESM-2", "prefix"),
        ("AlphaFold 2.3", "AlphaFold 2", "prefix"),
        ("ImageNet pre-trained ResNet-50", "ResNet-50", "exact"),
        # one typing error
        ("RestNet50", "ResNet-50", "edit"),
        ("DeepLapCut", "DeepLabCut", "edit"),
        ("ResNat", "ResNet", "edit"),  # six letters are the least; five are in the list of doubtful names
    ],
)
def test_names_as_written(written, expected, how):
    row = names.normalise([written]).iloc[0]
    assert (row.canonical, row.how) == (expected, how)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("AlphaFold", "AlphaFold 2"),
        ("U-Net", "U-Net++"),
        ("U-Net", "nnU-Net"),
        ("U-Net", "Attention U-Net"),
        ("U-Net", "3D U-Net"),
        ("ResNet-50", "Wide ResNet-50"),
        ("ResNet-50", "ResNeXt-50"),
        ("ResNet-101", "SE-ResNet-101"),
        ("R-CNN", "Faster R-CNN"),
        ("GPT-3", "GPT-3.5"),
        ("Stable Diffusion", "Stable Diffusion XL"),
        ("AlphaFold 2", "AlphaFold Protein Structure Database"),
        ("VGG", "V-Net"),
        ("SignalP 4.1", "SignalP 5.0"),
    ],
)
def test_different_models_stay_apart(a, b):
    both = names.normalise([a, b])
    assert list(both.how) == ["exact", "exact"]
    assert both.canonical[0] != both.canonical[1]


def test_versions_share_a_family_and_other_designs_do_not():
    family = names.normalise(["AlphaFold", "AlphaFold 2", "U-Net", "U-Net++", "ResNet-50", "Wide ResNet-50"]).family
    assert family[0] == family[1]
    assert family[2] != family[3]
    assert family[4] != family[5]


@pytest.mark.parametrize(
    "written",
    [
        "ResNet-200",  # another size than any in the table
        "DenseNet-202",  # one digit away
        "ResNet50d",  # a variant, not a typing error
        "SAM-Med2D",
        "ResNet LSTM",
        "ResNet-50/VGG-16",  # two models
        "U-Net Transformer",
        "ConvNet",  # not ConvNeXt
        "BlexNet",  # nobody mistypes the first letter
        "BERTT",  # five letters
        "DINA",  # not DINO
        "Pix2Pax",  # six letters, but the wrong one in a piece of three
        "SqueezeNetz8",  # a digit too many
        "CNN",
        "",
    ],
)
def test_doubtful_names_are_listed_not_guessed(written):
    row = names.normalise([written]).iloc[0]
    assert (row.canonical, row.family, row.how) == (written, written, "unmatched")


def test_missing_names_and_the_index_are_kept():
    series = pd.Series(["AlexNet", None, float("nan")], index=["a", "b", "c"])
    out = names.normalise(series)
    assert list(out.index) == ["a", "b", "c"]
    assert list(out.how) == ["exact", "unmatched", "unmatched"]
    assert len(names.normalise([])) == 0


@given(st.sampled_from(list(ALIASES.itertuples(index=False))), st.sampled_from([str.upper, str.lower, str]))
def test_every_alias_finds_its_model_in_any_case(row, case):
    assert canonical(case(row.alias)) == row.canonical


@given(st.lists(st.text(max_size=40)))
def test_any_text_gives_one_row_each_and_never_fails(texts):
    out = names.normalise(texts)
    assert list(out.as_written) == texts
    assert set(out.how) <= {"exact", "prefix", "edit", "unmatched"}
    known = set(ALIASES.canonical)
    assert out.loc[out.how != "unmatched", "canonical"].isin(known).all()


@given(st.sampled_from(sorted(ALIASES.alias)), st.integers(0, 9), st.integers(0, 30))
@example("Inception 3", 1, 0)  # one letter from Inception v1, whose digits agree
def test_a_changed_digit_never_keeps_the_model_by_edit(alias, digit, place):
    places = [i for i, c in enumerate(alias) if c.isdigit()]
    if not places:
        return
    i = places[place % len(places)]
    if alias[i] != str(digit):
        out = names.normalise([alias[:i] + str(digit) + alias[i + 1 :]])
        assert out.how[0] != "edit" or out.canonical[0] != names.normalise([alias]).canonical[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="family"), "no column family"),
        (lambda t: t.assign(kind="gadget"), "row 2"),
        (lambda t: pd.concat([t, t.tail(1).assign(canonical="Other", family="Other")]), "for one model"),
        (lambda t: pd.concat([t, t.tail(1).assign(alias="new", family="Other")]), "in one family"),
        (lambda t: t.assign(alias="--"), "letter or digit"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row(tmp_path, change, says):
    table = change(pd.read_csv(names.MODELS, dtype=str, keep_default_na=False))
    table.to_csv(tmp_path / "models.csv", index=False)
    with pytest.raises(StudyError, match=says):
        names.load_aliases(tmp_path / "models.csv")


def test_a_missing_or_binary_table_is_one_sentence(tmp_path):
    with pytest.raises(StudyError, match="expected a CSV table in UTF-8"):
        names.load_aliases(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match="expected a CSV table in UTF-8"):
        names.load_aliases(tmp_path / "bad.csv")


def test_a_typing_error_is_taken_for_one_in_six_letters_and_not_in_five():
    assert names.normalise(["Alexne", "BERTx", "DINA", "BRET"])["how"].tolist() == ["edit"] + ["unmatched"] * 3


def test_lengths_of_names_at_both_sides():
    table = {names.squeeze(name): (name, name, "tool", True) for name in ("ABCD12FGHI", "QRS12FGHI", "ZY")}
    how = [names._match(name, table)[2] for name in ("ABCE12FGHI", "QRT12FGHI", "ZY network", "Z network")]
    assert how == ["edit", "unmatched", "prefix", "unmatched"]  # one letter off in a word of four, and of three
