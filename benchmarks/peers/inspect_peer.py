"""The same work in Inspect AI: a task a variant, a solver that gives the recorded output, one scorer with seven figures."""

from __future__ import annotations

from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, TaskState, solver
from scoring import NAMES, Scoring, arguments, cases, write_means


@solver
def recorded():  # type: ignore[no-untyped-def]
    """Give the recorded output; no model is called."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("recorded", state.metadata["output"])
        state.completed = True
        return state

    return solve


@scorer(metrics={name: [mean(), stderr()] for name in NAMES})
def figures():  # type: ignore[no-untyped-def]
    """Seven figures of one output."""
    scoring = Scoring()

    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=scoring.of(target.text, state.output.completion))

    return score


def main() -> None:
    """Evaluate both variants."""
    options = arguments()
    means = {}
    for arm, found in cases(options).items():
        samples = [Sample(id=name, input=name, target=ref, metadata={"output": output}) for name, ref, output in found]
        task = Task(name=arm, dataset=MemoryDataset(samples), solver=recorded(), scorer=figures())
        (log,) = evaluate(task, model="mockllm/model", log_dir=str(options.out / "logs"), display="none")
        if log.status != "success" or log.results is None:
            raise SystemExit(f"{arm}: {log.status} {log.error}")
        means[arm] = {score.name: score.metrics["mean"].value for score in log.results.scores}
    write_means(options.out, means)


if __name__ == "__main__":
    main()
