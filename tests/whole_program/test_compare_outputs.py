"""`evalgate compare` on files of every kind, on what is wrong with them, and on real published outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.cli.main import main

REFERENCES = [{"id": f"c{i}", "reference": str(i), "lang": "de" if i % 2 else "en", "text": f"t{i // 2}"} for i in range(40)]
BASELINE = [{"id": r["id"], "output": r["reference"] if i < 20 else "?"} for i, r in enumerate(REFERENCES)]
CANDIDATE = [{"id": r["id"], "output": r["reference"] if i < 36 else "?"} for i, r in enumerate(REFERENCES)]


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> str:
    path = folder / name
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    elif path.suffix == ".csv":
        keys = list(rows[0])
        path.write_text(
            "".join(",".join(str(v) for v in row) + "\r\n" for row in [keys, *[r.values() for r in rows]]), encoding="utf-8-sig"
        )
    elif path.suffix == ".parquet":
        import pandas as pd

        pd.DataFrame(rows).to_parquet(path)
    else:
        path.write_text("".join(f"{r.get('output', r.get('reference'))}\n" for r in rows), encoding="utf-8")
    return str(path)


def call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    capsys.readouterr()
    code = main(["compare", *arguments, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return [
        write(tmp_path, "b.jsonl", BASELINE),
        write(tmp_path, "c.jsonl", CANDIDATE),
        "--references",
        write(tmp_path, "r.jsonl", REFERENCES),
    ]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet", "txt"])
def test_every_format_gives_the_same_numbers(tmp_path: Path, capsys, ending: str) -> None:
    names = [write(tmp_path, f"{n}.{ending}", rows) for n, rows in (("b", BASELINE), ("c", CANDIDATE), ("r", REFERENCES))]
    code, document, _ = call(capsys, names[0], names[1], "--references", names[2], "--metric", "exact_match")
    assert code == 0
    metric = document["metrics"]["exact_match"]
    assert (metric["baseline"], metric["candidate"], metric["n"]) == (0.5, 0.9, 40)


def test_without_anything_said_it_measures_the_usual(files: list[str], capsys) -> None:
    code, document, err = call(capsys, *files)
    assert code == 0
    assert set(document["metrics"]) == {"exact_match", "token_f1", "rougeL", "chrf"}
    assert "no threshold was declared" in err


def test_thresholds_slices_safety_and_groups(files: list[str], capsys) -> None:
    rules = [
        "--metric",
        "exact_match",
        "--slice",
        "lang",
        "--safety",
        "blocklist:terms=[?]",
        "--threshold",
        "safety.blocklist:max_increase=0",
    ]
    code, document, _ = call(capsys, *files, *rules, "--threshold", "exact_match:min_improvement=0.1,slice=each")
    assert code == 0
    assert {t["slice"] for t in document["thresholds"]} >= {"lang=de", "lang=en"}
    assert document["safety"]["blocklist"]["fixed"] == 16
    code, document, _ = call(capsys, *files, "--metric", "exact_match", "--group", "text", "--threshold", "exact_match:min=0.99")
    assert code == 4  # 20 groups say less than 40 cases
    assert document["metrics"]["exact_match"]["n"] == 20
    assert document["metrics"]["exact_match"]["rows"] == 40


def test_several_references(tmp_path: Path, files: list[str], capsys) -> None:
    other = write(tmp_path, "r2.jsonl", [{"id": r["id"], "reference": "?"} for r in REFERENCES])
    code, document, _ = call(capsys, *files, other, "--metric", "exact_match", "--metric", "bleu")
    assert code == 0
    assert document["metrics"]["exact_match"]["candidate"] == 1.0
    assert "nrefs:2" in document["metrics"]["bleu"]["signature"]
    listed = write(tmp_path, "list.jsonl", [{**r, "reference": [r["reference"], "?"]} for r in REFERENCES])
    code, document, _ = call(capsys, *files[:3], listed, "--metric", "exact_match")
    assert document["metrics"]["exact_match"]["candidate"] == 1.0


def test_lost_answers_are_never_a_pass(tmp_path: Path, files: list[str], capsys) -> None:
    for lost in ({"output": None}, {"output": "36", "error": "HTTP 500"}):
        rows = [*CANDIDATE[:36], {**CANDIDATE[36], **lost}, *CANDIDATE[37:]]
        files[1] = write(tmp_path, "lost.jsonl", rows)
        code, document, err = call(capsys, *files, "--metric", "exact_match")
        assert code == 3
        assert document["schema"] == "evalgate.error/1"
        assert "case c36" in err
        code, document, _ = call(capsys, *files, "--metric", "exact_match", "--threshold", "run.error_rate:max=5%")
        assert code == 0
        assert document["cases"]["errors"] == {"baseline": 0, "candidate": 1}
        assert document["metrics"]["exact_match"]["candidate"] == 0.9


@pytest.mark.parametrize("metric", ["bleu", "chrf", "distinct", "length"])
def test_a_lost_junk_answer_never_passes_a_metric_without_a_worst_value(tmp_path: Path, capsys, metric: str) -> None:
    references = [{"id": f"c{i}", "reference": f"the small boat number {i} sails past the wall"} for i in range(40)]
    baseline = [{"id": r["id"], "output": r["reference"] + " today"} for r in references]
    candidate = [{"id": r["id"], "output": r["reference"]} for r in references]
    names = [write(tmp_path, f"{n}.jsonl", rows) for n, rows in (("b", baseline), ("r", references))]
    shown = "distinct@2" if metric == "distinct" else metric
    rules = [
        "--metric",
        metric,
        "--threshold",
        f"{shown}:max_regression=50%,decide=estimate",
        "--threshold",
        "run.error_rate:max=5%",
    ]
    whole = write(tmp_path, "c.jsonl", candidate)
    assert call(capsys, names[0], whole, "--references", names[1], *rules)[0] == 0
    lost = write(tmp_path, "l.jsonl", [*candidate[:-1], {**candidate[-1], "output": None}])
    code, document, _ = call(capsys, names[0], lost, "--references", names[1], *rules)
    assert code == 4
    assert "missing" in document["reason"]


def test_empty_cells_of_csv_are_lost_answers(tmp_path: Path, capsys) -> None:
    names = [
        write(tmp_path, f"{n}.csv", rows)
        for n, rows in (("b", BASELINE), ("c", [{**r, "output": ""} for r in CANDIDATE]), ("r", REFERENCES))
    ]
    rules = ["--safety", "blocklist:terms=[bad]", "--threshold", "safety.any:max_increase=0", "--metric", "length"]
    code, _, err = call(capsys, names[0], names[1], "--references", names[2], *rules)
    assert code == 3
    assert "empty cell" in err
    code, document, _ = call(
        capsys, names[0], names[1], "--references", names[2], *rules, "--threshold", "run.error_rate:max=100%"
    )
    assert code == 1
    assert document["safety"]["blocklist"]["new"] == 40


@pytest.mark.parametrize(
    ("side", "change", "said"),
    [
        (1, lambda rows: rows[1:], "1 of 40 cases have no row: c0"),
        (1, lambda rows: [*rows, {"id": "x9", "output": "1"}], "1 rows have no case"),
        (0, lambda rows: [*rows, rows[0]], "already used"),
        (0, lambda rows: [{"id": r["id"]} for r in rows], "output"),
        (0, lambda rows: [], "0 outputs"),
        (3, lambda rows: [{"id": r["id"], "lang": "de"} for r in rows], "reference"),
        (3, lambda rows: [{**r, "reference": None} for r in rows], "null"),
        (3, lambda rows: [{**r, "reference": {"a": 1}} for r in rows], "text"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_refused(tmp_path: Path, files: list[str], capsys, side: int, change, said: str) -> None:
    rows = {0: BASELINE, 1: CANDIDATE, 3: REFERENCES}[side]
    files[side] = write(tmp_path, "changed.jsonl", change(rows))
    code, document, err = call(capsys, *files, "--metric", "exact_match", "--out", str(tmp_path / "out"))
    assert code == 2
    assert said in err
    assert document["verdict"] is None
    assert not (tmp_path / "out" / "verdict.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--metric", "exact_mach"], ["--metric", "exact_match:normalise=squad"], ["--metric", ""], ["--threshold", "exact_match"],
        ["--threshold", "bleu:min=1"], ["--threshold", "exact_match:min=nan"], ["--threshold", "exact_match:max_regression=-1"],
        ["--threshold", "safety.pii:max=0"], ["--confidence", "95"], ["--confidence", "0.5"], ["--seed", "-1"], ["--resamples", "5"],
        ["--slice", "nothing"], ["--group", "nothing"], ["--threshold", "exact_match:min=0.1,slice=lang:fr"],
        ["--threshold", "exact_match:min=0.1", "--threshold", "exact_match:min=0.2"], ["--safety", "blocklist"],
        ["--output-field", "answer"], ["--metric", "exact_match", "--metric", "exact_match"],
    ],
)  # fmt: skip
def test_bad_rules_are_refused(files: list[str], capsys, arguments: list[str]) -> None:
    code, document, err = call(capsys, *files, *arguments)
    assert code == 2
    assert document["problems"]
    assert err


def test_nothing_is_kept_without_out(files: list[str], capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("TMPDIR", str(home))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(home)
    assert call(capsys, *files, "--metric", "exact_match")[0] == 0
    import gc

    gc.collect()
    assert list(home.iterdir()) == []


def test_the_api_takes_the_same_words(files: list[str]) -> None:
    result = evalgate.compare(
        files[0], files[1], references=files[3], metrics=["exact_match"], thresholds=["exact_match:min=0.99"], slices=["lang"]
    )
    assert result.exit_code == 1
    assert result.verdict.results.metrics["exact_match"].delta.value == pytest.approx(0.4)
    frame = result.cases()
    assert (frame["movement"] == "improved").sum() == 16
    assert set(frame["slice.lang"]) == {"de", "en"}


def test_big_bench_hard_direct_against_chain_of_thought(shared_data: Path, capsys) -> None:
    folder = shared_data / "bbh_codex"
    names = [str(folder / "outputs" / f"code-davinci-002-{n}.jsonl") for n in ("direct", "cot")]
    metric = r"exact_match:extract=(?s).*the answer is (.*?)\.?$"
    code, document, err = call(
        capsys, *names, "--references", str(folder / "golden.jsonl"), "--metric", metric, "--slice", "task"
    )
    assert code == 0
    found = document["metrics"]["exact_match"]
    assert (round(found["baseline"], 4), round(found["candidate"], 4)) == (0.5234, 0.7397)
    assert (document["cases"]["improved"], document["cases"]["regressed"]) == (1981, 573)
    slices = {name: part["metrics"]["exact_match"] for name, part in document["slices"].items()}
    sorting = slices["task=word_sorting"]
    assert (sorting["baseline"], sorting["candidate"]) == (0.504, 0.404)
    assert sorting["ci"][1] < 0
    assert "word_sorting" in err
    published = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert len(slices) == 27
    assert published


def test_gsm8k_a_real_regression_fails(shared_data: Path, capsys) -> None:
    folder = shared_data / "gsm8k"
    names = [str(folder / "outputs" / f"{n}.jsonl") for n in ("6b_verification", "175b_finetuning")]
    rules = [
        "--reference-field",
        "reference_answer",
        "--metric",
        "exact_match:extract=A: (.*)",
        "--threshold",
        "exact_match:max_regression=0",
    ]
    code, document, _ = call(capsys, *names, "--references", str(folder / "golden.jsonl"), *rules)
    assert code == 1
    assert document["thresholds"][0]["verdict"] == "fail"
    assert document["metrics"]["exact_match"]["delta"] < -0.04


def test_more_hallucinations_fail_although_rouge_rises(shared_data: Path, capsys) -> None:
    folder = shared_data / "xsum_halluc"
    names = [str(folder / "outputs" / f"{system}.jsonl") for system in ("PtGen", "TConvS2S")]
    rules = [
        "--metric", "rouge2", "--threshold", "rouge2:min_improvement=0.01",
        "--safety", "label:field=hallucinated_majority,category=hallucination", "--threshold", "safety.hallucination:max_increase=0",
    ]  # fmt: skip
    code, document, _ = call(capsys, *names, "--references", str(folder / "golden.jsonl"), *rules)
    assert code == 1
    counts = document["safety"]["hallucination"]
    assert (counts["baseline"], counts["candidate"], counts["new"], counts["fixed"]) == (447, 465, 47, 29)
    decided = {row["target"]: (row["verdict"], row["reason"]) for row in document["thresholds"]}
    assert decided["metric:rouge2"][0] == "pass"
    assert decided["safety:hallucination"][0] == "fail"
    assert "violating cases rose from 447 to 465" in document["reason"]


def test_a_missing_label_is_no_clean_output(files: list[str], capsys) -> None:
    assert main(["compare", *files, "--safety", "label:field=bad"]) == 2
    assert "the output has no label 'bad'" in capsys.readouterr().err


def test_a_slice_column_that_reads_like_a_slice_is_refused(tmp_path: Path, capsys) -> None:
    rows = [{**row, "a=b": "c", "a": "b=c"} for row in REFERENCES]
    names = [write(tmp_path, "b.jsonl", BASELINE), write(tmp_path, "c.jsonl", CANDIDATE), "--references"]
    names.append(write(tmp_path, "r.jsonl", rows))
    capsys.readouterr()
    assert main(["compare", *names, "--metric", "exact_match", "--slice", "a=b", "--slice", "a"]) == 2
    assert "has '=' in its name" in capsys.readouterr().err


def test_fresh_starts_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, column in (("ref", "reference"), ("base", "output"), ("cand", "output")):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"id": i, column: f"text {i}"}) + "\n" for i in range(70)))
    command = [
        "compare",
        *(str(tmp_path / f"{name}.jsonl") for name in ("base", "cand")),
        "--references",
        str(tmp_path / "ref.jsonl"),
    ]
    kept = []
    for more in ([], [], ["--resume"], ["--fresh"]):
        assert main([*command, "--metric", "exact_match", "--out", str(tmp_path / "out"), *more]) == 0
        kept.append(json.loads((tmp_path / "out" / "run.json").read_text())["work"]["kept"])
    assert kept == [0, 2, 2, 0]
    with pytest.raises(SystemExit):
        main([*command, "--resume", "--fresh"])
