"""Waivers and masked findings from the command line to every file that people read."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.settings import ExecutionChoice
from evalgate.evidence.verification import Assurance
from evalgate.pipeline.run import RunOptions, run_gate
from evalgate.pipeline.verify import verify_run
from evalgate.pipeline.verify_folder import VerifyRequest
from evalgate.pipeline.waiving import today_utc
from evalgate.runner.tally import Progress
from tests.whole_program.tampering import edit, read, reseal

MAIL = "ana.canary@example.com"
DETECTOR = "[{regex: {patterns: {mail: '[a-z.]+@[a-z.]+'}, category: pii, severity: high}}]"
RULES = ("{safety: pii, max_new: 0}",)
LATER = (today_utc() + timedelta(days=200)).isoformat()
GONE = (today_utc() - timedelta(days=1)).isoformat()
READ = ("report.html", "summary.md", "junit.xml", "verdict.json", "attempts.json", "health.json", "run.json")


def gate(project: Any, *entries: str, extra: str = "", **changes: Any) -> Any:
    """A gate whose candidate writes an address in case c3; with an allow file where there are entries."""
    answers = {("Add:", 3): f"write to {MAIL} now"}
    waivers = "  waivers: configs/waivers/sums.yaml\n" if entries else ""
    group = f"findings:\n{waivers}{extra}" if waivers or extra else ""
    settings = {"safety": DETECTOR, "thresholds": RULES, "answers": answers, "extra": group} | changes
    made = project(**settings)
    if entries:
        listed = [f"  - {{{entry}}}\n" for entry in entries if entry]
        path = made.root / "configs" / "waivers" / "sums.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("waivers:\n" + "".join(listed) if listed else "waivers: []\n", encoding="utf-8")
    return made


def entry(scope: str = "case: c3", expires: str = LATER) -> str:
    return f"category: pii, {scope}, owner: bo, reason: a made-up address, expires: {expires}"


def judged(made: Any, *arguments: str) -> Any:
    ran = made.run("--json", *arguments)
    assert ran.code in (0, 1, 4), ran.err
    return ran


def threshold(document: Any, target: str) -> Any:
    return next(one for one in document["thresholds"] if one["target"] == target)


def found_hash(folder: Path) -> str:
    from evalgate.runner.shard_file import read_details, shard_path

    _, details = read_details(shard_path(folder, 0))
    (hash_,) = {one["hash"] for detail in details for one in detail["candidate"]["findings"]}
    return str(hash_)


def test_a_finding_fails_the_gate_and_a_waiver_lets_it_pass(project, tmp_path: Path) -> None:
    first = judged(gate(project), "--out", str(tmp_path / "one"))
    assert first.code == 1 and first.document["safety"]["pii"]["new"] == 1
    assert "waivers" not in first.document and all(t["target"] != "run:expired_waivers" for t in first.document["thresholds"])
    second = judged(gate(project, entry()), "--out", str(tmp_path / "two"))
    assert second.code == 0, second.document["reason"]
    counts = second.document["safety"]["pii"]
    assert (counts["new"], counts["candidate"], counts["waived"]) == (0, 0, {"baseline": 0, "candidate": 1})
    assert counts["severities"]["high"]["candidate"] == 0
    (told,) = second.document["waivers"]["list"]
    assert told["findings"] == 1 and told["owner"] == "bo" and told["expired"] is False
    assert threshold(second.document, "run:expired_waivers")["verdict"] == "pass"


def test_a_waiver_by_hash_holds_in_every_case(project, tmp_path: Path) -> None:
    answers = {("Add:", n): f"write to {MAIL} now" for n in (3, 5)}
    first = gate(project, answers=answers)
    assert judged(first, "--out", str(tmp_path / "one")).code == 1
    scope = f"hash: '{found_hash(tmp_path / 'one')}'"
    assert judged(gate(project, entry(scope), answers=answers)).code == 0
    other = {**answers, ("Add:", 5): "write to somebody.else@example.com"}
    ran = judged(gate(project, entry(scope), answers=other))
    assert ran.code == 1 and ran.document["safety"]["pii"]["new"] == 1


def test_an_expired_waiver_covers_nothing_and_fails_the_gate(project, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    ran = judged(gate(project, entry(expires=GONE)), "--out", out)
    assert ran.code == 1 and ran.document["safety"]["pii"]["new"] == 1
    found = threshold(ran.document, "run:expired_waivers")
    assert found["verdict"] == "fail" and found["observed"] == 1 and found["implicit"] and found["level"] == "block"
    assert found["reason"] == "1 waiver has expired; the gate allows none: fail."
    assert f"expired on {GONE}" in ran.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert f"expired {GONE}" in page and "run expired_waivers" in (tmp_path / "out" / "junit.xml").read_text()
    assert f"EXPIRED {GONE}" in (tmp_path / "out" / "summary.md").read_text()


def test_an_expired_waiver_fails_also_where_it_covers_nothing(project) -> None:
    ran = judged(gate(project, entry(), entry("case: c9", GONE)))
    assert ran.code == 1 and ran.document["safety"]["pii"]["new"] == 0
    assert "1 waiver has expired" in ran.document["reason"]


def test_the_last_day_decides_and_the_day_is_not_in_the_run_id(project) -> None:
    made = gate(project, entry(expires="2026-06-30"))

    def on(day: date) -> tuple[str, int]:
        options = RunOptions(execution=ExecutionChoice("sequential"))
        record = run_gate(made.config, options, Progress(), today=day).record
        return record.identity.run_id, int(record.verdict.exit_code)

    before, last, after, later = (on(date(2026, 6, day)) for day in (1, 30)), None, on(date(2026, 7, 1)), on(date(2026, 9, 1))
    one, last = before
    assert one == last and one[1] == 0
    assert after == later and after[1] == 1 and after[0] != one[0]


def test_unused_waivers_are_named(project, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = judged(gate(project, entry(), entry("case: c9")), "--out", str(out))
    assert ran.code == 0 and "covers nothing: remove it" in ran.err and "case c9" in ran.err
    page, summary = (out / "report.html").read_text(), (out / "summary.md").read_text()
    assert "unused" in page and "nothing: remove it" in summary


def test_an_empty_allow_file_is_in_force_too(project) -> None:
    ran = judged(gate(project, ""))
    assert ran.code == 1 and threshold(ran.document, "run:expired_waivers")["observed"] == 0


def test_a_lost_answer_is_waived_by_its_case_and_rule_only(project) -> None:
    budget = (*RULES, "{run: error_rate, max: 10%}")

    def lost(made: Any) -> Any:
        lines = [json.loads(line) for line in made.tape.read_text().splitlines()]
        for line in lines:
            if line["request"]["messages"][0]["content"].startswith("Add: 3 "):
                line["response"] = {"status": "error", "error": {"type": "timeout", "message": "no answer"}}
        made.tape.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return judged(made)

    for scope in ("case: c4, rule: lost-answer", "case: c3"):
        ran = lost(gate(project, entry(scope), thresholds=budget))
        assert ran.code == 1 and ran.document["safety"]["pii"]["new"] == 1
    ran = lost(gate(project, entry("case: c3, rule: lost-answer"), thresholds=budget))
    assert ran.code == 0 and ran.document["safety"]["pii"]["waived"]["candidate"] == 1
    assert ran.document["waivers"]["list"][0]["findings"] == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("category: pii, owner: bo, reason: r, expires: 2026-12-31", "would waive every such finding"),
        ("category: pii, case: c3, owner: bo, reason: r, expires: soon", "is no date"),
        ("category: pii, case: c3, ower: bo, reason: r, expires: 2026-12-31", "did you mean owner?"),
    ],
)
def test_a_wrong_allow_file_is_refused_before_anything_is_written(project, wrong: str, said: str) -> None:
    made = gate(project, wrong)
    ran = made.run()
    assert ran.code == 2 and said in ran.err and "configs/waivers/sums.yaml:2" in ran.err
    assert not (made.root / "reports").exists()
    assert made.call("check", str(made.config)).code == 2


def test_faults_of_gate_and_allow_file_are_told_together(project) -> None:
    made = gate(project, "category: pii, owner: bo, reason: r, expires: 2026-12-31", thresholds=("{safety: pi, max: 0}",))
    ran = made.run()
    assert ran.code == 2 and "would waive every such finding" in ran.err and "did you mean pii?" in ran.err


@pytest.mark.parametrize(
    ("extra", "said"), [("  waiver: x\n", "did you mean waivers?"), ("  waivers: nowhere.yaml\n", "there is no allow file")]
)
def test_a_wrong_group_is_refused(project, extra: str, said: str) -> None:
    ran = gate(project, extra=extra).run()
    assert ran.code == 2 and said in ran.err and "sums.yaml:" in ran.err


def test_a_key_makes_other_hashes_and_stays_out_of_every_file(project, tmp_path: Path, monkeypatch) -> None:
    key = "a-long-random-key-of-the-test-0123"
    made = gate(project, extra="  key_env: FINDINGS_KEY\n", cases=200, base=100, right=180)
    monkeypatch.delenv("FINDINGS_KEY", raising=False)
    ran = made.run()
    assert ran.code == 2 and "FINDINGS_KEY" in ran.err and not (made.root / "reports").exists()
    assert made.call("check", str(made.config)).code == 0
    monkeypatch.setenv("FINDINGS_KEY", key)
    first, second = (judged(made, "--out", str(tmp_path / name), "--jobs", jobs) for name, jobs in (("a", "1"), ("b", "2")))
    assert first.out == second.out
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not any(key.encode() in path.read_bytes() for path in files)
    monkeypatch.setenv("FINDINGS_KEY", key + "x")
    third = judged(made, "--out", str(tmp_path / "c"))
    assert len({found_hash(tmp_path / name) for name in "abc"}) == 2
    assert third.document["run_id"] != first.document["run_id"]


def test_one_worker_and_two_give_the_same_bytes(project, tmp_path: Path) -> None:
    made = gate(project, entry(), entry("case: c70"), cases=200, base=100, right=180)
    for name, jobs in (("one", "1"), ("two", "2")):
        assert judged(made, "--out", str(tmp_path / name), "--jobs", jobs).code == 0
    for file in ("verdict.json", "summary.md"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def everywhere(project: Any, extra: str = "") -> Any:
    """The same address in the answers, the input, the reference, the prompt and the detector's parameters."""
    made = gate(project, extra=extra, safety="[{blocklist: {terms: ['" + MAIL + "'], category: pii, severity: high}}]")
    rows = [json.loads(line) for line in made.data.read_text().splitlines()]
    rows[3] |= {"question": f"mail {MAIL}", "answer": MAIL}
    made.data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    from evalgate.proxy.request import canonical_request, request_key

    lines = [json.loads(line) for line in made.tape.read_text().splitlines()]
    for arm, prompt in (("Sum:", f"Sum {MAIL.upper()}:"), ("Add:", f"Add {MAIL}:")):
        file = made.root / "configs" / "prompts" / "sum" / f"{1 if arm == 'Sum:' else 2}.prompt.yml"
        file.write_text(file.read_text().replace(arm, prompt))
        for line in lines:
            message = line["request"]["messages"][0]
            if message["content"].startswith(f"{arm} "):
                asked = f"mail {MAIL}" if message["content"] == f"{arm} 3 + 1" else message["content"].removeprefix(f"{arm} ")
                content = f"{prompt} {asked}"
                line["request"] = canonical_request(
                    model="m", messages=[{"role": "user", "content": content}], parameters={"temperature": 0}
                )
                line["key"] = request_key(line["request"])
                if asked.startswith("mail"):
                    line["response"]["text"] = f"it is {MAIL}, {arm}" if arm == "Add:" else "nobody"
    made.tape.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


def test_no_surface_leaks_what_was_found(project, tmp_path: Path) -> None:
    made = everywhere(project)
    for arguments in ((), ("--json",)):
        ran = made.run("--out", str(tmp_path / "out"), *arguments)
        assert ran.code == 1, ran.err
        assert MAIL not in (ran.out + ran.err).casefold()
    written = [tmp_path / "out" / name for name in READ if (tmp_path / "out" / name).is_file()]
    assert len(written) >= 5
    for path in written:
        assert "canary" not in path.read_text(encoding="utf-8").casefold(), path.name
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'class="masked"' in page and "[pii #" in page.replace("&#61;", "=")
    assert "What detectors found is masked" in page


def test_what_the_gate_shows_is_there(project, tmp_path: Path) -> None:
    ran = everywhere(project, "  text: shown\n").run("--out", str(tmp_path / "out"))
    assert ran.code == 1
    page, summary = (tmp_path / "out" / "report.html").read_text(), (tmp_path / "out" / "summary.md").read_text()
    assert MAIL in page and "What detectors found is shown" in page and 'class="masked"' not in page
    assert "ana.canary" in summary


def test_what_is_shown_changes_neither_run_nor_verdict(project, tmp_path: Path) -> None:
    for name, extra in (("a", ""), ("b", "  text: shown\n")):
        judged(everywhere(project, extra), "--out", str(tmp_path / name))
    assert (tmp_path / "a" / "plan.json").read_bytes() == (tmp_path / "b" / "plan.json").read_bytes()
    one, other = (json.loads((tmp_path / name / "verdict.json").read_text()) for name in "ab")
    assert one["run_id"] == other["run_id"] and one["safety"] == other["safety"]


def test_check_warns_of_what_will_stop_a_gate(project) -> None:
    soon = (today_utc() + timedelta(days=10)).isoformat()
    made = gate(project, entry(expires=soon), "category: pi, case: c3, owner: bo, reason: r, expires: " + LATER)
    ran = made.call("check", str(made.config))
    assert ran.code == 0 and f"expires on {soon}" in ran.out and "did you mean pii?" in ran.out
    file = made.root / "configs" / "waivers" / "sums.yaml"
    alone = made.call("check", str(made.root / "configs"))
    assert alone.code == 0 and "waivers" in alone.out and "2 waivers in force" in alone.out
    file.write_text(file.read_text().replace(soon, GONE))
    for target in (made.config, file):
        ran = made.call("check", str(target))
        assert ran.code == 2 and f"expired on {GONE}" in ran.err


def compared(project: Any, *arguments: str) -> Any:
    made = project()
    for name, text in (("b", "fine"), ("c", f"write {MAIL}")):
        rows = [{"id": f"c{n}", "output": text if n == 3 else "fine"} for n in range(30)]
        (made.root / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    references = [{"id": f"c{n}", "reference": "fine"} for n in range(30)]
    (made.root / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in references))
    files = [str(made.root / f"{name}.jsonl") for name in "bcr"]
    rules = ("--safety", "regex:patterns=[[a-z.]+@[a-z.]+],category=pii", "--threshold", "safety.pii:max_new=0")
    return made.call("compare", *files[:2], "--references", files[2], "--metric", "exact_match", *rules, *arguments)


def test_compare_takes_an_allow_file_and_shows_findings(project, tmp_path: Path) -> None:
    file = tmp_path / "allow.yaml"
    file.write_text(f"waivers:\n  - {{{entry()}}}\n")
    assert compared(project, "--out", str(tmp_path / "a")).code == 1
    assert "canary" not in (tmp_path / "a" / "report.html").read_text()
    ran = compared(project, "--waivers", str(file), "--show-findings", "--out", str(tmp_path / "b"), "--json")
    assert ran.code == 0 and ran.document["safety"]["pii"]["waived"]["candidate"] == 1
    assert MAIL in (tmp_path / "b" / "report.html").read_text()
    file.write_text(f"waivers:\n  - {{{entry(expires=GONE)}}}\n")
    assert compared(project, "--waivers", str(file)).code == 1
    assert compared(project, "--waivers", str(tmp_path / "none.yaml")).code == 2


def test_a_waiver_along_with_another_candidate_is_pointed_out(project, tmp_path: Path) -> None:
    made = gate(project)
    assert judged(made).code == 1
    made = gate(project, entry())
    prompt = made.root / "configs" / "prompts" / "sum" / "2.prompt.yml"
    prompt.write_text(prompt.read_text() + "modelParameters: {temperature: 0}\n")
    ran = made.run()
    assert ran.code == 0, ran.err
    assert "pii, case c3 until" in ran.out and "run:expired_waivers" not in ran.out.split("Loosened")[-1]


def test_a_forecast_leaves_out_what_is_waived(project) -> None:
    many = {("Sum:", n): f"write to {MAIL} now" for n in (3, 5, 7)}

    def violating(made: Any) -> Any:
        ran = made.call("plan", str(made.config), "--json")
        assert ran.code == 0, ran.err
        return ran.out

    plain, unused, waived = (
        violating(gate(project, *entries, thresholds=RULES, answers=many))
        for entries in ((), (entry("case: c9"),), tuple(entry(f"case: c{n}") for n in (3, 5, 7)))
    )
    with_threshold = [json.loads(text)["thresholds"][0] for text in (plain, unused, waived)]
    assert with_threshold[0] == with_threshold[1] != with_threshold[2]


def _dated(made: Any, out: Path, expires: str, day: date) -> Path:
    """A run whose waiver had expired on its day, and whose allow file and plan say that it had not."""
    judged(made, "--out", str(out))
    edit(out, "plan.json", lambda v: v["findings"]["waivers"].update(expired=[]))
    edit(out, "run.json", lambda v: v.update(waivers_judged_on=day.isoformat()))
    edit(out, "record.json", lambda v: v["waivers"][0].update(expired=False))
    assert expires == read(out, "record.json")["waivers"][0]["waiver"]["expires"]
    reseal(out)
    return out


def _named(run: Path) -> str:
    found = verify_run(VerifyRequest(run, Assurance.DECISION))
    assert found.exit_code == (5 if any(one.differences for one in found.levels) else 0)
    return "\n".join(f"{each.where}: {each.message}" for one in found.levels for each in one.differences)


def test_the_day_of_the_waivers_is_kept_and_matches(project, tmp_path: Path) -> None:
    for number, expires in enumerate((LATER, GONE)):
        out = tmp_path / str(number)
        judged(gate(project, entry(expires=expires)), "--out", str(out))
        assert read(out, "run.json")["waivers_judged_on"] in (str(today_utc()), str(today_utc() - timedelta(days=1)))
        assert _named(out) == ""
    judged(gate(project), "--out", str(tmp_path / "none"))
    assert "waivers_judged_on" not in read(tmp_path / "none", "run.json")


def test_a_waiver_that_the_plan_revives_is_named(project, tmp_path: Path) -> None:
    run = _dated(gate(project, entry(expires=GONE)), tmp_path / "run", GONE, today_utc())
    said = _named(run)
    assert "plan.json: findings.waivers.expired: calls waivers [] expired, and on" in said


def test_a_day_that_was_set_back_to_revive_a_waiver_is_named(project, tmp_path: Path) -> None:
    gone = today_utc() - timedelta(days=30)
    run = _dated(gate(project, entry(expires=str(gone))), tmp_path / "run", str(gone), gone)
    said = _named(run)
    assert "plan.json: findings.waivers.expired" not in said, "the plan and the day agree"
    assert f"run.json: its waivers were judged on {gone}, and it began on" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.pop("waivers_judged_on"), "does not say on which day"),
        (lambda v: v.update(waivers_judged_on="someday"), "cannot be derived"),
        (lambda v: v.update(waivers_judged_on=str(today_utc() + timedelta(days=2))), "its waivers were judged on"),
        (lambda v: v.update(started="2099-01-01T00:00:00+00:00"), "after it ended"),
    ],
)
def test_an_edited_time_is_named(project, tmp_path: Path, change: Any, said: str) -> None:
    run = tmp_path / "run"
    judged(gate(project, entry()), "--out", str(run))
    edit(run, "run.json", change)
    reseal(run)
    assert said in _named(run)
