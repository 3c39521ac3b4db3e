"""What a run has spent and may still spend: every attempt is paid for from a reserve before it is made."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from evalgate.core.errors import Incomplete, Problem
from evalgate.core.settings import Budget
from evalgate.proxy.replay import cost_usd
from evalgate.proxy.upstream.interface import Call, Failure, Reply

UNKNOWN_OUTPUT_TOKENS = 4096
"""Reserved for an answer when the request does not limit it."""
FRAME_TOKENS = 16
"""Reserved for what a server puts around a prompt."""


class BudgetReached(Incomplete):
    """The next call could exceed the budget: the run stops before it."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What an attempt may cost at most."""

    prompt_tokens: int
    completion_tokens: int
    usd: float

    @property
    def tokens(self) -> int:
        """Both kinds together."""
        return self.prompt_tokens + self.completion_tokens


class Spending:
    """Totals of one run, and the budget they are held against. Belongs to one event loop."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.calls = 0
        """Attempts that reached a provider."""
        self.prompt_tokens = self.completion_tokens = 0
        self.usd = 0.0
        """Of answers, and of attempts that may have been billed."""
        self._running = self._reserved_tokens = 0
        self._reserved_usd = 0.0
        self._settled = asyncio.Event()
        self._bytes = self._told = 0

    def estimate(self, call: Call) -> Reserve:
        """An upper estimate of one attempt: the request by its size, the answer by its limit.

        A token is at least one byte, in every language: tokenisers that see bytes never make more of them. What answers
        tell of other prompts is no bound for this one.
        """
        prompt = _size(call) + FRAME_TOKENS
        limit = call.request["parameters"].get("max_tokens") or call.request["parameters"].get("max_output_tokens")
        completion = limit if type(limit) is int and limit > 0 else UNKNOWN_OUTPUT_TOKENS
        return Reserve(prompt, completion, cost_usd(call.model, prompt, completion) or 0.0)

    def expected_tokens(self, reserve: Reserve) -> int:
        """What an attempt will use as far as answers have told, a tenth added: enough to keep a pace by, not a budget."""
        share = min(1.0, 1.1 * self._told / self._bytes) if self._told else 1.0
        return int(reserve.prompt_tokens * share) + reserve.completion_tokens

    def reserve(self, reserve: Reserve) -> bool:
        """Take the estimate from the budget before an attempt; False: running attempts hold too much of it, wait for one.

        Raises: BudgetReached when no waiting would help.
        """
        refused = self._refusal(reserve)
        if refused is not None:
            if not self._running or refused.where == "proxy.budget.calls":
                raise BudgetReached(refused)
            return False
        self.calls += 1
        self._running += 1
        self._reserved_tokens += reserve.tokens
        self._reserved_usd += reserve.usd
        return True

    async def settled(self) -> None:
        """Wait until a running attempt has told what it cost."""
        self._settled.clear()
        await self._settled.wait()

    def _refusal(self, reserve: Reserve) -> Problem | None:
        budget, tokens = self._budget, self.prompt_tokens + self.completion_tokens
        if budget.calls is not None and self.calls + 1 > budget.calls:
            return Problem(f"the budget of {budget.calls} calls is used up", "proxy.budget.calls")
        if budget.tokens is not None and tokens + self._reserved_tokens + reserve.tokens > budget.tokens:
            said = f"the next call could exceed the budget of {budget.tokens} tokens ({tokens} used)"
            return Problem(said, "proxy.budget.tokens")
        if budget.usd is not None and self.usd + self._reserved_usd + reserve.usd > budget.usd:
            said = f"the next call could exceed the budget of {budget.usd:g} US dollars ({self.usd:.4f} used)"
            return Problem(said, "proxy.budget.usd")
        return None

    def settle(self, call: Call, reserve: Reserve, result: Reply | Failure | None) -> None:
        """Replace the estimate by what the attempt did cost; None: it was broken off, and may have been billed."""
        self._running -= 1
        self._reserved_tokens -= reserve.tokens
        self._reserved_usd -= reserve.usd
        if isinstance(result, Reply):
            self._bill(call, reserve, result)
        elif result is None or result.maybe_billed:
            self.prompt_tokens += reserve.prompt_tokens
            self.completion_tokens += reserve.completion_tokens
            self.usd += reserve.usd
        self._settled.set()

    def _bill(self, call: Call, reserve: Reserve, reply: Reply) -> None:
        prompt = reserve.prompt_tokens if reply.prompt_tokens is None else reply.prompt_tokens
        completion = reserve.completion_tokens if reply.completion_tokens is None else reply.completion_tokens
        if reply.prompt_tokens:
            self._bytes += reserve.prompt_tokens
            self._told += reply.prompt_tokens
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.usd += cost_usd(call.model, prompt, completion) or 0.0


def _size(call: Call) -> int:
    """Bytes of what is asked, names and brackets left out."""
    content = call.body.get("messages", call.body.get("input", ""))
    items = content if isinstance(content, list) else [content]
    texts = [str(item.get("content", "") if isinstance(item, dict) else item) for item in items]
    texts += [str(call.body[name]) for name in ("tools", "response_format") if name in call.body]
    return sum(len(text.encode("utf-8", "replace")) + 8 for text in texts)
