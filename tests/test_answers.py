"""The answer reader: every shape in which the study's model answered, and anything else without an error."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptmreuse.evidence import study
from ptmreuse.evidence.answers import UNREADABLE, Item, read_answer
from ptmreuse.evidence.replies import STATUSES

A = {
    "model": "U-Net",
    "form": "transfer learning",
    "classification": "adaptation_reuse",
    "prose": "we [7] {x}",
}
B = {"model": "SignalP 5.0", "form": "tool", "classification": "deployment_reuse", "prose": "was run"}
BOTH = [Item("U-Net", "adaptation"), Item("SignalP 5.0", "deployment")]
TEXT = json.dumps([A, B])


def ollama(text, **more):
    return json.dumps({"model": "llama3", "created_at": "2026-05-01T00:00:00Z", "response": text, "done": True} | more)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (TEXT, "list"),
        (json.dumps({"response": [A, B]}), "wrapped list"),
        (json.dumps({"whatever key": [A, B], "note": "two"}), "wrapped list"),
        (json.dumps({"model": [A, B]}), "wrapped list"),
        (json.dumps([[A], [B]]), "list > nested"),
        (json.dumps([{"models": [A, B]}]), "list > nested"),
        (json.dumps({"response": {"result": [A, B]}}), "wrapped object > wrapped list"),
        (json.dumps({"response": TEXT}), "wrapped > string > list"),
        (json.dumps(TEXT), "string > list"),
        (f"```json\n{TEXT}\n```", "fenced > list"),
        (f"Here it is:\n```\n{TEXT}\n```\nThat is all.", "fenced > list"),
        (f"In [12] and below: {TEXT} (see [3])", "in prose > list"),
        (f"<think>maybe {{}}</think>{TEXT}", "after thinking > list"),
        (json.dumps(A) + "\n" + json.dumps(B), "sequence > list"),
        (ollama(TEXT), "envelope > list"),
        (
            ollama(None, message={"role": "assistant", "content": f"```json\n{TEXT}```"}),
            "envelope > fenced > list",
        ),
        (
            json.dumps({"choices": [{"message": {"content": TEXT}, "finish_reason": "stop"}]}),
            "envelope > list",
        ),
        (
            json.dumps(
                {
                    "status": "completed",
                    "error": None,
                    "output": [
                        {"type": "reasoning", "summary": []},
                        {"type": "message", "content": [{"type": "output_text", "text": TEXT}]},
                    ],
                }
            ),
            "envelope > list",
        ),
        (
            json.dumps({"adaptation_reuse": ["U-Net"], "deployment_reuse": [B], "conceptual_reuse": []}),
            "keyed by class",
        ),
        (
            json.dumps({m["model"]: {k: v for k, v in m.items() if k != "model"} for m in (A, B)}),
            "keyed by model",
        ),
        (TEXT.encode(), "list"),
    ],
)
def test_every_shape_gives_the_same_two_items(text, shape):
    answer = read_answer(text, "pattern")
    assert (answer.status, answer.shape, list(answer.items)) == ("ok", shape, BOTH)


@pytest.mark.parametrize(
    ("text", "status", "items"),
    [
        (json.dumps(A), "ok", BOTH[:1]),
        (json.dumps([A, A]), "ok", BOTH[:1] * 2),
        (json.dumps({**A, "model": ["U-Net", "VGG"]}), "ok", [BOTH[0], Item("VGG", "adaptation")]),
        (
            json.dumps({**A, "classification": "adaptation_reuse and conceptual_reuse"}),
            "ok",
            [BOTH[0], Item("U-Net", "conceptual")],
        ),
        (json.dumps([A, {"model": "VGG"}, B]), "partial", [BOTH[0], Item("VGG", "unknown"), BOTH[1]]),
        (json.dumps([A, None, 3]), "partial", BOTH[:1]),
        (json.dumps([A, {**B, "model": "None"}]), "partial", BOTH[:1]),
        (json.dumps([A, {**B, "model": "x" * 201}]), "partial", BOTH[:1]),
        (json.dumps({**A, "classification": "hybrid_reuse"}), "wrong_class", [Item("U-Net", "unknown")]),
        (
            json.dumps(["U-Net", "VGG"]),
            "wrong_class",
            [Item("U-Net", "unknown"), Item("VGG", "unknown")],
        ),
        (
            json.dumps({"model": "\ud800网络\n2", "classification": "adaptation"}),
            "ok",
            [Item("?网络 2", "adaptation")],
        ),
        (None, "empty", []),
        (" \n", "empty", []),
        ("{}", "empty", []),
        ("[]", "empty", []),
        ("null", "empty", []),
        ('{"response": []}', "empty", []),
        ('{"adaptation_reuse": [], "conceptual_reuse": []}', "empty", []),
        (json.dumps({"model": None, "classification": None}), "empty", []),
        (json.dumps({**A, "model": "N/A"}), "empty", []),
        ('{"error": "context length exceeded"}', "error", []),
        (ollama("", error="out of memory"), "error", []),
        (
            json.dumps({"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "stop"}]}),
            "error",
            [],
        ),
        (
            json.dumps({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "I cannot"}]}]}),
            "error",
            [],
        ),
        (TEXT[:-20], "truncated", []),
        (f"```json\n{TEXT[:-20]}", "truncated", []),
        (ollama(TEXT, done_reason="length"), "truncated", []),
        (json.dumps({"response": TEXT[:-20]}), "truncated", []),
        ("The paper uses U-Net.", "not_json", []),
        (TEXT.replace('"deployment_reuse"', '"deployment_"reuse"'), "not_json", []),
        ("[" * 100_000 + "]" * 100_000, "not_json", []),
        ("9" * 5000, "not_json", []),
        ("true", "no_answer", []),
        ('{"unrelated": 1}', "no_answer", []),
        (json.dumps([{"prose": "text only"}]), "no_answer", []),
    ],
)
def test_status_and_items(text, status, items):
    answer = read_answer(text, "pattern")
    assert (answer.status, list(answer.items)) == (status, items)


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("Adaptation Reuse", "adaptation"),
        ("ADAPTATION", "adaptation"),
        ("adaptation-reuse.", "adaptation"),
        ("Conceptual reuse", "conceptual"),
        ("1. deployment_reuse", "deployment"),
        ("fine-tuning", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
        (7, "unknown"),
    ],
)
def test_other_spellings_of_a_class_are_mapped_and_others_stay_unknown(written, pattern):
    assert read_answer(json.dumps({**A, "classification": written}), "pattern").items == (Item("U-Net", pattern),)


@pytest.mark.parametrize(
    ("written", "stage"),
    [
        ("Test", "Test"),
        ("testing", "Test"),
        ("Step 4: Test", "Test"),
        ("ANALYSES", "Analysis"),
        ("Background review", "Background"),
        ("hypothesis testing", "unknown"),
        ("results", "unknown"),
    ],
)
def test_other_spellings_of_a_stage(written, stage):
    answer = read_answer(json.dumps([{"method": "U-Net", "step": written}]), "stage")
    assert answer.items == (Item("U-Net", stage),)


@pytest.mark.parametrize("question", ["uses_dl", "uses_ptm"])
@pytest.mark.parametrize(
    ("text", "status", "value"),
    [
        ('{"result": true, "prose": null}', "ok", "yes"),
        ('{"Result": "No"}', "ok", "no"),
        ('{"result": 1}', "ok", "yes"),
        ('{"result": "false", "prose": "true"}', "ok", "no"),
        ('{"response": {"result": false}}', "ok", "no"),
        ('{"response": "{\\"result\\": true}"}', "ok", "yes"),
        ('[{"result": true}]', "ok", "yes"),
        ("true", "ok", "yes"),
        ('```json\n{"result": false}\n```', "ok", "no"),
        ('{"result": true} I hope this helps.', "ok", "yes"),
        ('[{"result": true}, {"result": false}]', "conflict", "unknown"),
        ('{"result": "maybe"}', "wrong_class", "unknown"),
        ('{"result": 2}', "wrong_class", "unknown"),
        ('{"result": null}', "empty", "unknown"),
        ("", "empty", "unknown"),
        ("{}", "empty", "unknown"),
        ('{"error": "rate limit"}', "error", "unknown"),
        ('{"result": true, "prose": "cut he', "truncated", "unknown"),
        ("yes, it does", "not_json", "unknown"),
        ('{"a": true, "b": false}', "no_answer", "unknown"),
    ],
)
def test_yes_or_no(text, status, value, question):
    answer = read_answer(text, question)
    assert (answer.status, answer.value, answer.items) == (status, value, ())


A_, U_ = '{"model":"AlexNet","classification":"adaptation"}', '{"model":"U-Net","classification":"deployment"}'
ALEX, UNET = Item("AlexNet", "adaptation"), Item("U-Net", "deployment")


@pytest.mark.parametrize(
    ("text", "status", "items"),
    [
        *[
            (draft.format(f"[{A_}]") + f"\n[{U_}]", "ok", [UNET])
            for draft in (
                "Draft: {} but it is only cited.\n</think>",
                "<thinking>{}</thinking>",
                '<think type="x">{}</think>',
                "Let me see. <think>{}</think>",
                "[THINK]{}[/THINK]",
                "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
                "analysis {} assistantfinal",
                "◁think▷{}◁/think▷",
            )
        ],
        (f"<thinking>[{A_}]", "truncated", []),
        (f"<|channel|>analysis<|message|>[{A_}]", "truncated", []),
        (f"[{A_}]</think>", "no_answer", []),
        (f"{A_[:-1]},{U_[1:]}", "ok", [ALEX, UNET]),
        (f'{{"models":[{A_}],"models":[{U_}]}}', "ok", [ALEX, UNET]),
        (f'{{"Models":[{A_}],"models":[{U_}]}}', "ok", [ALEX, UNET]),
        (f"```json\n[{A_}]\n```\n```json\n[{U_}]\n```", "ok", [ALEX, UNET]),
        (f"For example [{A_}] would be wrong. Answer: [{U_}]", "several", []),
        (f"[{A_}]\nOn reflection:\n```json\n[{U_}]\n```", "several", []),
        (f"[{A_}] or, in a fence:\n```json\n[{A_}]\n```", "ok", [ALEX]),
        (f"They are [{A_}, {U_},]", "not_json", []),
        ('{"adaptation":["AlexNet"],"deployment":["U-Net"],"notes":"x"}', "ok", [ALEX, UNET]),
        ('{"adaptation":["AlexNet"],"deployment":null}', "ok", [ALEX]),
        ('{"adaptation":["AlexNet"],"cited":["U-Net"]}', "partial", [ALEX]),
        ('{"AlexNet":["Adaptation"],"U-Net":"Deployment"}', "ok", [ALEX, UNET]),
        (A_[:-1] + f',"others":[{U_}]}}', "partial", [ALEX]),
        (f'{{"reused":[{A_}],"not_reused":[{U_}]}}', "no_answer", []),
        (f'{{"models":[{A_}],"rejected_models":[{U_}]}}', "partial", [ALEX]),
        ('{"limitations":["few data"],"aims":["speed"]}', "no_answer", []),
        (A_[:-1] + ',"reuse_pattern":"deployment"}', "wrong_class", [Item("AlexNet", "unknown")]),
        ('{"model":"U-Net","classification":"deployment","prose":"two\nlines"}', "ok", [UNET]),
    ],
)
def test_ok_only_if_every_piece_was_read_and_none_assumed(text, status, items):
    answer = read_answer(text, "pattern")
    assert (answer.status, list(answer.items)) == (status, items)


@pytest.mark.parametrize(
    ("text", "question", "status", "value"),
    [
        *[
            (text, question, "no_answer", "unknown")
            for question in ("uses_dl", "uses_ptm")
            for text in (
                '{"success": false}', '{"success": true}', '{"retry_after": 1}', '{"confidence": 1}', '{"id": 0}',
                '{"requires_human_review": true}', '{"is_error": false}', '{"does_not_use_dl": true}',
                '{"no_ptm": true}', '[{"result": true}, {"id": 0}]',
            )
        ],
        ('{"uses_deep_learning": "YES.", "prose": "x"}', "uses_dl", "ok", "yes"),
        ('{"uses_deep_learning": true}', "uses_ptm", "no_answer", "unknown"),
        ('{"uses_pre_trained_models": false}', "uses_ptm", "ok", "no"),
        ('{"answer": "yes", "confidence": 0.9}', "uses_dl", "ok", "yes"),
        ('{"result": true, "answer": "no"}', "uses_dl", "conflict", "unknown"),
        ('{"result": false, "result": true}', "uses_dl", "conflict", "unknown"),
        ('```\n{"result": false}\n```\nHm.\n```\n{"result": true}\n```', "uses_dl", "conflict", "unknown"),
    ],
)  # fmt: skip
def test_a_yes_or_no_is_never_assumed(text, question, status, value):
    assert read_answer(text, question)[::2][:2] == (status, value)


@pytest.mark.parametrize(
    "name",
    ["unspecified", "Not specified", "<UNKNOWN>", "None mentioned", "No pre-trained model", "N/A", "not named.",
     "None (trained from scratch)", "The paper does not name a pre-trained model"],
)  # fmt: skip
def test_words_for_no_model_are_no_model(name):
    assert read_answer(json.dumps({"models": [name]}), "model").status == "empty"


@pytest.mark.parametrize(
    "piece", ["see [12, 3] and {x} ", "[", "{[", "[x ", '["a" ', "<think>", '{"a":', "```json\n[1]\n"]
)
def test_the_time_grows_with_the_length(piece):
    started = time.process_time()
    read_answer(piece * (2_000_000 // len(piece)), "pattern")
    assert time.process_time() - started < 4  # 10 MB of brackets took over 200 s


def test_an_integer_column_is_read_as_its_value():
    assert read_answer(1, "uses_dl").value == "yes"
    assert read_answer(1.5, "uses_dl").status == "wrong_class"


keys = st.sampled_from(
    ["model", "models", "method", "classification", "step", "result", "response", "error", "prose", "done"]
) | st.text(max_size=4)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
leaves = leaves | st.sampled_from(["U-Net", "adaptation_reuse", "Test", "yes", '{"result": true}', "[{"])
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(
    text=st.text() | st.binary() | json_values.map(json.dumps) | json_values.map(lambda v: "```" + json.dumps(v)),
    cut=st.integers(min_value=0, max_value=60),
    question=st.sampled_from(study.QUESTIONS),
)
def test_never_raises_and_always_has_a_status(text, cut, question):
    for seen in (text, text[:cut]):
        answer = read_answer(seen, question)
        assert answer.status in STATUSES
        if question in ("uses_dl", "uses_ptm"):
            assert answer.value in study.ANSWERS and not answer.items
            assert (answer.value == "unknown") == (answer.status != "ok")
        else:
            allowed = {"pattern": study.PATTERNS, "stage": study.STAGES, "model": ("",)}[question]
            assert all(i.model.strip() and i.model.encode() for i in answer.items)
            assert {i.category for i in answer.items} <= {*allowed, "unknown"}
            assert bool(answer.items) == (answer.status not in UNREADABLE)


def test_an_answer_cut_anywhere_is_truncated():
    assert {read_answer(TEXT[:cut], "pattern").status for cut in range(1, len(TEXT))} == {"truncated"}


@given(st.lists(st.tuples(st.sampled_from(["U-Net", "BERT", "VGG"]), st.sampled_from(study.PATTERNS)), min_size=1))
def test_repeats_and_order_are_kept(pairs):
    listed = [{"model": m, "classification": p + "_reuse"} for m, p in pairs]
    assert [tuple(i) for i in read_answer(json.dumps({"any": listed}), "pattern").items] == pairs


def test_a_name_of_two_hundred_characters_is_a_name_and_a_longer_one_is_not():
    found = [read_answer(json.dumps([{"model": "x" * n}]), "model") for n in (200, 201)]
    assert [(a.status, len(a.items), len(a.refused)) for a in found] == [("ok", 1, 0), ("no_answer", 0, 1)]
