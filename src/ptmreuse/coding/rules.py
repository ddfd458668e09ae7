"""The rule coder: five questions per article, answered by an editable codebook of cues.

Deterministic and offline. The codebook ``data/cues.csv`` holds every cue, the alias table ``data/models.csv``
every model name; this module only says how they combine:

1. Sentences that name deep learning or a model get a *use score*: the weight of their section (methods
   for, related work against) plus the two strongest cues of own use ("we trained") less the two strongest
   cues of others' use, possibility or generality ("et al. proposed", "could", "widely used").
2. Own use is one sentence with a score of `ONE`, or two of `TWO`. Terms that are only mentioned are "no"; a model
   named in methods or results without visible use is "unknown".
3. The pattern and the stage of a model are those with the heaviest cues in the clauses that name it; other clauses,
   and the sentences beside that name no other model, count less. The two heaviest cues of a pattern count. Reuse
   implies deep learning.

What the rules cannot decide is "unknown", never "no".
"""

from collections import Counter, defaultdict
from functools import lru_cache

from ptmreuse.coding.codebook import default_codebook
from ptmreuse.coding.reading import read
from ptmreuse.errors import StudyError
from ptmreuse.evidence import study

CODER = "rules"
ONE, TWO, NEAR = 2.0, 1.5, 1.0  # use scores: one such sentence is use, two are use, one is doubt
SAME, BESIDE, APART = 0.85, 0.5, 0.25  # the share of a cue in a sentence that goes on ("It was ..."), is beside, or in
# the clause of another model
FIRST = 2013  # before AlexNet, a name that ends in "Net" is no deep network
LEAST_SHARE = 0.55  # a pattern with a smaller share of the weights is unknown
EVIDENCE = ("paper", "coder", "question", "model", "answer", "rule", "confidence", "strength", "section", "sentence")
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
        every answer the sentence, its section, the rules that fired, and two numbers from 0 to 1: *strength*
        orders answers by their evidence; *confidence* is the probability that such an answer is right, fitted on
        the development articles (so somewhat too high), 0.5 for *unknown*.

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
    reading = read(article, codebook)
    evidence = []

    def say(question, answer, rule, strength, sentence=None, model=""):
        section, text = (sentence.section, sentence.text) if sentence else ("", "")
        strength = round(min(max(strength, 0.0), 1.0), 2)
        confidence = round(codebook.chance(question, answer, strength), 2)
        values = (paper, CODER, question, model, answer, rule, confidence, strength, section, text)
        evidence.append(dict(zip(EVIDENCE, values, strict=True)))

    used = _used_models(reading.sentences)
    deep = [m for m in used if _deep(m["row"], article, codebook) != "no"]
    unlisted = _unlisted(reading, codebook) if (article.year or FIRST) >= FIRST else {}
    uses_dl = _uses_dl(article, reading, deep, unlisted, codebook, say)
    uses_ptm = _uses_ptm(reading, deep, uses_dl, unlisted, codebook, say)
    reuse, stages = [], []
    if uses_ptm == "yes":
        for model in deep:
            written, canonical = model["written"], model["row"]["canonical"]
            say("model", canonical, _rule(model["best"]), _strength(model["score"]), model["best"], written)
            pattern = _pattern(model, codebook, say)
            stage = _stage(model, pattern, codebook, say)
            named = {"paper": paper, "coder": CODER, "model": written}
            reuse.append({**named, "canonical": canonical, "family": model["row"]["family"], "pattern": pattern})
            stages.append({**named, "stage": stage})
    for name, sentence in unlisted.items():
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


def _strength(score):
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
        good = {id(s): s for s, _, _ in found if s.score >= TWO and not s.denied}
        if (best[0].score >= ONE and not best[0].denied) or len(good) >= 2:
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


def _deep(row, article, codebook):
    """Whether a model is deep; a name whose version decides is not before its family's first deep year."""
    if row["deep"] == "unclear" and article.year and article.year < codebook.deep_from.get(row["family"], 0):
        return "no"
    return row["deep"]


def _terms(sentence):
    return any(g in ("dl", "framework") for g, _ in sentence.terms)


def _uses_dl(article, reading, used, unlisted, codebook, say):
    named = [s for m in used for s in m["sentences"]] + list(unlisted.values())
    deep = list({id(s): s for s in [*filter(_terms, reading.sentences), *named]}.values())
    deep.sort(key=lambda s: -s.score)
    good = [s for s in deep if s.score >= TWO and not s.denied]
    if good and (good[0].score >= ONE or len(good) >= 2):
        for sentence in good[:3]:
            terms = [rule for group, rule in sentence.terms if group != "shallow"][:2]
            say("uses_dl", "yes", "+".join([*terms, _rule(sentence)]), _strength(sentence.score), sentence)
        return "yes"
    doubts = [
        s
        for s in deep
        if not (s.denied or reading.opinion)
        and (s.score >= NEAR and s.place != "section.intro" or s.place == "section.results" and not s.others)
    ]
    doubts += [s for s in reading.sentences if s.score >= ONE and any(g == "shallow" for g, _ in s.terms)]
    doubts += _open_mentions(reading, article, codebook)
    if doubts:
        best = max(doubts, key=lambda s: s.score)
        terms = [rule for _, rule in best.terms][:2]
        say("uses_dl", "unknown", "+".join([*terms, _rule(best)]), 0.5, best)
        return "unknown"
    if reading.trouble or not article.full_text:
        say("uses_dl", "unknown", reading.trouble or "no full text", 0.5)
        return "unknown"
    mentions = [*deep, *(s for s in reading.sentences if s.models)]
    if mentions:
        say("uses_dl", "no", "mention only+" + _rule(mentions[0]), 0.8, mentions[0])
    else:
        say("uses_dl", "no", "no term", 0.95)
    return "no"


def _open_mentions(reading, article, codebook):
    """Sentences that name a deep model where articles speak of themselves, and do not say that it was not used."""
    silent = {"section.intro", "section.related", "section.title"}
    aside = {"section.discussion", "section.conclusion"}  # where others' models are spoken of as well
    return [
        s
        for s in reading.sentences
        if not (reading.opinion or s.denied or s.place in silent or (s.place in aside and s.others))
        and any(_deep(row, article, codebook) != "no" for _, row in s.models)
    ]


def _uses_ptm(reading, used, uses_dl, unlisted, codebook, say):
    general = sorted((s for s in reading.sentences if s.ptm), key=lambda s: -s.score)
    public = [s for s in general if s.score >= ONE and any(r == "ptm.public" for r, _ in s.ptm)]
    if used or (public and uses_dl == "yes"):
        best = max(used, key=lambda m: m["score"]) if used else None
        sentence = best["best"] if used else public[0]
        rule = "named model" if used else "ptm.public"
        score = best["score"] if used else sentence.score
        say("uses_ptm", "yes", f"{rule}+{_rule(sentence)}", _strength(score), sentence)
        return "yes"
    if uses_dl == "no":
        say("uses_ptm", "no", "no deep learning", 0.8)
        return "no"
    if uses_dl == "unknown":
        say("uses_ptm", "unknown", "deep learning unknown", 0.5)
        return "unknown"
    spoken = [s for s in reading.sentences if s.score >= NEAR and _terms(s)]
    made = [s for s in spoken if any(codebook.hits("trained", t) for t in (s.text, *(t for t, _ in s.around)))]
    doubts = {
        "a name in no table": [*unlisted.values()],
        "named, use not seen": [s for s in reading.sentences if s.models and s.score >= NEAR and not s.denied],
        "pre-training, whose is not said": [s for s in general if s.score >= TWO],
        "no training described": [] if made else spoken,
    }
    for reason, sentences in doubts.items():
        if sentences:
            best = max(sentences, key=lambda s: s.score)
            say("uses_ptm", "unknown", f"{reason}+{_rule(best)}", 0.5, best)
            return "unknown"
    say("uses_ptm", "no", "own training, no model named in use", 0.8, max(made, key=lambda s: s.score, default=None))
    return "no"


# --- pattern and stage --------------------------------------------------------------------------------------


def _passages(model, codebook):
    """``(share, text, sentence)`` of what speaks of a model: its clauses, the rest of its sentences, those beside."""
    for sentence in model["sentences"]:
        mine = [w for w, row in sentence.models if row["canonical"] == model["row"]["canonical"]]
        theirs = [w for w, row in sentence.models if row["canonical"] != model["row"]["canonical"]]
        for clause in _clauses(sentence.text, codebook):
            if any(w in clause for w in mine):
                yield 1.0, clause, sentence
            else:
                yield (APART if any(w in clause for w in theirs) else 1.0 if not theirs else BESIDE), clause, sentence
        for text, others in sentence.around:
            if not others or model["row"]["canonical"] in others:
                yield (SAME if codebook.hits("coref", text) else BESIDE), text, sentence


@lru_cache(maxsize=8192)
def _hits(codebook, group, text):
    """As ``codebook.hits``, kept for the models that share a sentence."""
    return codebook.hits(group, text)


def _clauses(text, codebook):
    cuts = [0, *(m.start() for _, _, regex in codebook.cues["clause"] for m in regex.finditer(text)), len(text)]
    return [text[a:b] for a, b in zip(cuts, cuts[1:], strict=False) if b > a]


def _weigh(groups, model, codebook):
    """Per group of cues its weight, and its heaviest cue ``(weight, rule, sentence)``.

    A cue counts once, where it stands nearest to the model.
    """
    best, passages = {}, {}
    for share, text, sentence in _passages(model, codebook):
        if share > passages.get(text, (0.0,))[0]:
            passages[text] = (share, sentence)
    for text, (share, sentence) in passages.items():
        for group in groups:
            for rule, weight in _hits(codebook, group, text):
                value = share * weight
                if abs(value) > abs(best.get((group, rule), (0.0,))[0]):
                    best[group, rule] = (value, rule, sentence)
    found = {g: sorted((b for (group, _), b in best.items() if group == g), key=lambda b: -b[0]) for g in groups}
    against = {g: sum(min(value, 0.0) for value, _, _ in hits) for g, hits in found.items()}
    weights = {g: against[g] + sum(max(value, 0.0) for value, _, _ in hits[:2]) for g, hits in found.items()}
    heaviest = {g: hits[0] if hits else None for g, hits in found.items()}
    return weights, heaviest


_KIND_PRIOR = {"tool": {"deployment": 1.5}, "weights": {"deployment": 1.5}, "architecture": {"conceptual": 0.5}}
TUNED = 2.5  # a cue of adaptation as heavy as this says that weights were changed; features may still be extracted


def _pattern(model, codebook, say):
    weights, heaviest = _weigh(study.PATTERNS, model, codebook)
    for pattern, prior in _KIND_PRIOR[model["row"]["kind"]].items():
        weights[pattern] += prior
    shares = {pattern: hit or (0.0, "", None) for pattern, hit in heaviest.items()}
    untouched = shares["deployment"][0] >= TUNED and shares["deployment"][1] == "deployment.untouched"
    if shares["adaptation"][0] >= TUNED and not untouched:
        weights["deployment"] /= 2
    return _heaviest(weights, heaviest, "pattern", 1.5, LEAST_SHARE, model, say)


def _stage(model, pattern, codebook, say):
    groups = [f"stage.{stage}" for stage in study.STAGES]
    weights, heaviest = _weigh(groups, model, codebook)
    weights["stage.Test"] += {"adaptation": 3.0, "conceptual": 1.5}.get(pattern, 0.0)
    return _heaviest(weights, heaviest, "stage", 1.0, 0.0, model, say)


def _heaviest(weights, heaviest, question, least, share_needed, model, say):
    """The answer with the largest weight; unknown when there is little evidence, a small share, or a tie."""
    first, second = sorted(weights, key=lambda g: -weights[g])[:2]
    share = weights[first] / (sum(max(w, 0.0) for w in weights.values()) or 1)
    answer, rule, sentence = "unknown", "too little evidence", model["best"]
    if weights[first] >= least and weights[first] > weights[second] and share >= share_needed:
        answer = first.removeprefix("stage.")
        rule = "kind of model" if heaviest[first] is None else heaviest[first][1]
        sentence = model["best"] if heaviest[first] is None else heaviest[first][2]
    say(question, answer, rule, share if answer != "unknown" else 0.5, sentence, model["written"])
    return answer


def _unlisted(reading, codebook):
    """Names that look like models, are in no table, stand in own use and are not the article's own coinage."""
    found, coined = {}, set()
    for sentence in reading.sentences:
        for name in sentence.unlisted:
            around = sentence.text.replace(name, "NAME", 1)
            if codebook.hits("noname", around):
                coined.add(name)
            elif sentence.score >= ONE and not sentence.denied:
                found.setdefault(name, sentence)
    return {name: sentence for name, sentence in found.items() if name not in coined}
