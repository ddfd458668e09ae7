"""The rule coder: five questions per article, answered by an editable codebook of cues.

Deterministic and offline. The codebook ``data/cues.csv`` holds every cue, the alias table ``data/models.csv``
every model name; this module only says how they combine:

1. Sentences that name deep learning or a model get a *use score*: the weight of their section (methods
   for, related work against) plus the two strongest cues of own use ("we trained") less the two strongest
   cues of others' use, possibility or generality ("et al. proposed", "could", "widely used").
2. Own use is one sentence with a score of `ONE`, or two of `TWO`. Terms that are only mentioned are "no".
3. The pattern and the stage of a model are those with the heaviest cues in its sentences of use (counted
   in full) and in those beside them or, about pre-training, elsewhere (half); the two heaviest cues count.

What the rules cannot decide is "unknown", never "no".
"""

from collections import Counter, defaultdict

from ptmreuse.coding.codebook import default_codebook
from ptmreuse.coding.reading import read
from ptmreuse.errors import StudyError
from ptmreuse.evidence import names, study

CODER = "rules"
ONE, TWO, NEAR = 2.0, 1.5, 1.0  # use scores: one such sentence is use, two are use, one is doubt
BESIDE = 0.5  # the share of a cue that stands in a neighbouring sentence, or speaks of pre-training elsewhere
EVIDENCE = ("paper", "coder", "question", "model", "answer", "rule", "confidence", "section", "sentence")
MEGAJOURNALS = {"10.1371/": "PLOS", "10.3389/": "Frontiers", "10.12688/": "F1000", "10.1136/": "BMJ"}


# --- the five questions -------------------------------------------------------------------------------------


def code_article(article, codebook=None, paper=None):
    """Answer the five questions for one article.

    Parameters
    ----------
    article : ptmreuse.coding.articles.Article
    codebook : Codebook, optional
        Default: the project's own.
    paper : str, optional
        The paper's id; default its DOI.

    Returns
    -------
    dict of str to list of dict
        Rows of the study tables ``papers, uses, reuse, stages`` and of ``evidence`` (`EVIDENCE`): for
        every answer the sentence, its section, the rules that fired and a confidence between 0 and 1. The
        confidence orders answers by strength of evidence; it is no probability.

    Raises
    ------
    StudyError
        If the article has no DOI and no id is given.

    Examples
    --------
    >>> from ptmreuse.coding.articles import read_article
    >>> rows = code_article(read_article(b"Methods\\nWe fine-tuned ResNet-50 pretrained on ImageNet."), paper="x")
    >>> rows["uses"][0]["uses_dl"], rows["reuse"][0]["canonical"], rows["reuse"][0]["pattern"]
    ('yes', 'ResNet-50', 'adaptation')
    """
    codebook = codebook or default_codebook()
    paper = paper or article.doi
    if not paper:
        raise StudyError(
            expected="a paper id", found="an article without DOI", where="code_article", do="give it as paper="
        )
    sentences, opinion = read(article, codebook)
    evidence = []

    def say(question, answer, rule, confidence, sentence=None, model=""):
        section, text = (sentence.section, sentence.text) if sentence else ("", "")
        values = (paper, CODER, question, model, answer, rule, round(confidence, 2), section, text)
        evidence.append(dict(zip(EVIDENCE, values, strict=True)))

    used = _used_models(sentences)
    deep = [m for m in used if _deep(m, article, codebook) != "no"]
    uses_dl = _uses_dl(article, sentences, opinion, deep, codebook, say)
    uses_ptm = _uses_ptm(sentences, deep, uses_dl, say)
    reuse, stages = [], []
    if uses_ptm == "yes":
        for model in deep:
            written, canonical = model["written"], model["row"]["canonical"]
            say("model", canonical, _rule(model["best"]), _confidence(model["score"]), model["best"], written)
            pattern = _pattern(model, sentences, codebook, say)
            stage = _stage(model, pattern, codebook, say)
            named = {"paper": paper, "coder": CODER, "model": written}
            reuse.append({**named, "canonical": canonical, "family": model["row"]["family"], "pattern": pattern})
            stages.append({**named, "stage": stage})
        for name, sentence in _unlisted(sentences, codebook).items():
            say("unlisted name", name, "name.netlike", 0.5, sentence, name)
    journal = next((j for prefix, j in MEGAJOURNALS.items() if article.doi.startswith(prefix)), article.journal)
    row = {
        "paper": paper,
        "doi": article.doi,
        "year": article.year,
        "megajournal": journal,
        "cited_by": None,
        "natural_science": "unknown",
        "full_text": "yes" if article.full_text else "no",
    }
    uses = {"paper": paper, "coder": CODER, "uses_dl": uses_dl, "uses_ptm": uses_ptm}
    return {"papers": [row], "uses": [uses], "reuse": reuse, "stages": stages, "evidence": evidence}


def _confidence(score):
    return 1 - 0.5 ** max(score - NEAR + 1, 0.5)


def _rule(sentence):
    return "+".join([*sentence.rules, sentence.place])


def _used_models(sentences):
    """The models with a sentence of own use, by canonical name, in order of appearance."""
    seen = defaultdict(list)
    for sentence in sentences:
        for written, row in sentence.models:
            seen[row["canonical"]].append((sentence, written, row))
    used = []
    for found in seen.values():
        best = max(found, key=lambda f: f[0].score)
        good = {id(s): s for s, _, _ in found if s.score >= TWO}
        if best[0].score >= ONE or len(good) >= 2:
            own = {id(s): s for s, _, _ in found if s.score >= NEAR}
            written = Counter(w for s, w, _ in found if id(s) in own).most_common(1)[0][0]
            used.append(
                {
                    "written": written,
                    "row": best[2],
                    "best": best[0],
                    "score": best[0].score + 0.25 * (len(good) - 1),
                    "sentences": list(own.values()),
                }
            )
    versions = {m["row"]["family"] for m in used if m["row"]["canonical"] != m["row"]["family"]}
    return [m for m in used if m["row"]["canonical"] != m["row"]["family"] or m["row"]["family"] not in versions]


def _deep(model, article, codebook):
    """Whether a model is deep; a name whose version decides is not before its family's first deep year."""
    row = model["row"]
    if row["deep"] == "unclear" and article.year and article.year < codebook.deep_from.get(row["family"], 0):
        return "no"
    return row["deep"]


def _uses_dl(article, sentences, opinion, used, codebook, say):
    deep = [s for s in sentences if any(g in ("dl", "framework") for g, _ in s.terms)]
    known = {id(s) for s in deep}
    named = [s for m in used if _deep(m, article, codebook) == "yes" for s in m["sentences"]]
    deep += [s for s in named if id(s) not in known]
    deep.sort(key=lambda s: -s.score)
    good = [s for s in deep if s.score >= TWO]
    if deep and (deep[0].score >= ONE or len(good) >= 2):
        for sentence in good[:3]:
            terms = [rule for group, rule in sentence.terms if group != "shallow"][:2]
            say("uses_dl", "yes", "+".join([*terms, _rule(sentence)]), _confidence(sentence.score), sentence)
        return "yes"
    doubts = [s for s in deep if s.score >= NEAR and s.place != "section.intro" and not opinion]
    doubts += [s for s in sentences if s.score >= ONE and any(g == "shallow" for g, _ in s.terms)]
    doubts += [s for m in used for s in m["sentences"]]
    if doubts:
        best = max(doubts, key=lambda s: s.score)
        terms = [rule for _, rule in best.terms][:2]
        say("uses_dl", "unknown", "+".join([*terms, _rule(best)]), 0.5, best)
        return "unknown"
    if not article.full_text:
        say("uses_dl", "unknown", "no full text", 0.5)
        return "unknown"
    if deep:
        say("uses_dl", "no", "mention only+" + _rule(deep[0]), 0.8, deep[0])
    else:
        say("uses_dl", "no", "no term", 0.95)
    return "no"


def _uses_ptm(sentences, used, uses_dl, say):
    general = sorted((s for s in sentences if s.ptm), key=lambda s: -s.score)
    public = [s for s in general if s.score >= ONE and any(r == "ptm.public" for r, _ in s.ptm)]
    if used or (public and uses_dl == "yes"):
        best = max(used, key=lambda m: m["score"]) if used else None
        sentence = best["best"] if used else public[0]
        rule = "named model" if used else "ptm.public"
        score = best["score"] if used else sentence.score
        say("uses_ptm", "yes", f"{rule}+{_rule(sentence)}", _confidence(score), sentence)
        return "yes"
    if uses_dl == "unknown":
        say("uses_ptm", "unknown", "deep learning unknown", 0.5)
        return "unknown"
    if uses_dl == "yes" and general and general[0].score >= TWO:
        rules = [rule for rule, _ in general[0].ptm]
        say("uses_ptm", "unknown", "+".join([*rules, _rule(general[0])]), 0.5, general[0])
        return "unknown"
    say("uses_ptm", "no", "no deep learning" if uses_dl == "no" else "no model named in use", 0.8)
    return "no"


def _weigh(groups, model, sentences, codebook):
    """Per group of cues its weight, and its heaviest cue ``(weight, rule, sentence)``.

    A cue counts once, where it stands nearest to the model.
    """
    best = {}
    for sentence in model["sentences"]:
        near = [(1.0, sentence.text), *((BESIDE, text) for text in sentence.around)]
        for share, text in near:
            for group in groups:
                for rule, weight in codebook.hits(group, text):
                    value = share * weight
                    if abs(value) > abs(best.get((group, rule), (0.0,))[0]):
                        best[group, rule] = (value, rule, sentence)
    for sentence in sentences:
        for group in groups:
            for rule, weight in codebook.hits(group, sentence.text) if sentence.ptm else ():
                if (group, rule) not in best:
                    best[group, rule] = (BESIDE * weight, rule, sentence)
    found = {g: sorted((b for (group, _), b in best.items() if group == g), key=lambda b: -b[0]) for g in groups}
    against = {g: sum(min(value, 0.0) for value, _, _ in hits) for g, hits in found.items()}
    weights = {g: against[g] + sum(max(value, 0.0) for value, _, _ in hits[:2]) for g, hits in found.items()}
    heaviest = {g: hits[0] if hits else None for g, hits in found.items()}
    return weights, heaviest


_KIND_PRIOR = {"tool": {"deployment": 1.5}, "weights": {"deployment": 1.0}, "architecture": {"conceptual": 0.5}}


def _pattern(model, sentences, codebook, say):
    own = [s for s in sentences if s.score >= TWO]
    weights, heaviest = _weigh(study.PATTERNS, model, own, codebook)
    for pattern, prior in _KIND_PRIOR[model["row"]["kind"]].items():
        weights[pattern] += prior
    return _heaviest(weights, heaviest, "pattern", 1.5, model, say)


def _stage(model, pattern, codebook, say):
    groups = [f"stage.{stage}" for stage in study.STAGES]
    weights, heaviest = _weigh(groups, model, [], codebook)
    weights["stage.Test"] += {"adaptation": 3.0, "conceptual": 1.5}.get(pattern, 0.0)
    return _heaviest(weights, heaviest, "stage", 1.0, model, say)


def _heaviest(weights, heaviest, question, least, model, say):
    """The answer with the largest weight; unknown when there is little evidence or a tie."""
    first, second = sorted(weights, key=lambda g: -weights[g])[:2]
    answer, rule, sentence = "unknown", "too little evidence", model["best"]
    if weights[first] >= least and weights[first] > weights[second]:
        answer = first.removeprefix("stage.")
        rule = "kind of model" if heaviest[first] is None else heaviest[first][1]
        sentence = model["best"] if heaviest[first] is None else heaviest[first][2]
    share = weights[first] / (sum(weights.values()) or 1)
    say(question, answer, rule, share if answer != "unknown" else 0.5, sentence, model["written"])
    return answer


def _unlisted(sentences, codebook):
    """Names that look like models, stand with pre-training in a sentence of own use, and are in no table."""
    found = {}
    for sentence in sentences:
        if sentence.score >= ONE and sentence.ptm:
            for _, _, regex in codebook.cues["name"]:
                for match in regex.finditer(sentence.text):
                    known = any(match.group() in written or written in match.group() for written, _ in sentence.models)
                    if not known and names.squeeze(match.group()) not in codebook.models:
                        found.setdefault(match.group(), sentence)
    return found
