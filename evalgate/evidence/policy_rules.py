"""Whether a run, its attestation and its approvals are what a policy asks before a prompt may be deployed.

A pure function: no clock, no file, no key. Signatures were verified before; judged here is what was signed, and by whom.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.policy import ApprovalRule, Check, Mark, Policy, Tier, TrustedKey, check
from evalgate.evidence.demands import demands_of
from evalgate.evidence.statements import Approved, Attested, RunFacts

CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clocks of two machines may differ."""


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """The attestation of a run."""

    said: Attested | None
    """None: there is none, it cannot be read, or no trusted key signed it."""
    keys: tuple[TrustedKey, ...] = ()
    fault: str | None = None
    """Why nothing is said."""


@dataclass(frozen=True, slots=True)
class SignedApproval:
    """One approval of a run."""

    file: str
    said: Approved | None
    keys: tuple[TrustedKey, ...] = ()
    """Whose signatures were verified."""
    fault: str | None = None
    """Damage or forgery: it denies, whatever the others say."""
    stranger: str | None = None
    """Signed, but by nobody who is trusted: it does not count."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What lies before the policy."""

    facts: RunFacts
    sha256: str
    """Of the prompt's file that is to be deployed."""
    attestation: SignedAttestation
    approvals: tuple[SignedApproval, ...]
    now: datetime
    known: tuple[str, ...] = ()
    """Every name in the list of trusted keys: who is not among them cannot be told from the reviewers."""


def tier_for(policy: Policy, gate: str, wanted: str | None) -> tuple[Tier | None, Check]:
    """The tier by which a run of a gate is judged; None when the policy has none for it.

    Raises: BadInput when `wanted` is no tier, or none is wanted and several could be meant.
    """
    if wanted is not None and wanted not in policy.tiers:
        hint = suggestion(wanted, list(policy.tiers))
        raise BadInput(f"the policy has no tier {wanted!r}", where="--tier", hint=hint)
    owner = next((tier for tier in policy.tiers.values() if gate in tier.gates), None)
    free = [tier for tier in policy.tiers.values() if not tier.gates]
    if wanted is not None:
        tier = policy.tiers[wanted]
        fits = tier is owner or (owner is None and not tier.gates)
        said = f"gate {gate} belongs to tier {owner.name}" if owner is not None else f"tier {wanted} is not for gate {gate}"
        return tier if fits else None, check("tier", fits, wanted, said)
    if owner is None and len(free) > 1:
        names = ", ".join(tier.name for tier in free)
        raise BadInput(f"no tier names gate {gate}, and several are open to it", where="--tier", hint=f"say one of: {names}")
    found = owner or next(iter(free), None)
    return found, check("tier", found is not None, found.name if found else "", f"no tier is for gate {gate}")


def decide(tier: Tier, presented: Presented) -> Iterator[Check]:
    """Every demand of a tier, held against what is presented.

    Raises: KeyError, TypeError or ValueError for documents that evalgate did not write.
    """
    yield from _attestation(tier, presented)
    yield from demands_of(tier, presented.facts)
    if tier.waivers:
        yield _waivers_in_force(presented)
    yield from _approvals(tier.approvals, presented)


def _waivers_in_force(presented: Presented) -> Check:
    """No used waiver may have expired when the run judged it, when it was attested, or today: what a day claims revives none."""
    facts, attested = presented.facts, presented.attestation.said
    listed = facts.document.get("waivers")
    used = [one for one in listed["list"] if int(one["findings"])] if listed else []
    if used and facts.day is None:
        return check("waivers in force", False, "", "run.json does not say on which day the waivers were judged")
    days = [facts.day, attested.time.astimezone(UTC).date() if attested else None, presented.now.astimezone(UTC).date()]
    latest = max(day for day in days if day is not None)
    gone = [one for one in used if date.fromisoformat(one["expires"]) < latest]
    told = "; ".join(f"the waiver of {one['category']} by {one['owner']} expired on {one['expires']}" for one in gone[:5])
    return check("waivers in force", not gone, f"{len(used)} used", f"{told}: look at the findings again, and run the gate")


def same_person(one: str, other: str) -> bool:
    """Whether two names are spelled alike, but for case, width, spaces and characters that nobody sees."""
    return _plain(one) == _plain(other)


def _attestation(tier: Tier, presented: Presented) -> Iterator[Check]:
    attestation, said = presented.attestation, presented.attestation.said
    if said is None:
        yield check("attestation", False, "", attestation.fault or "there is none")
        return
    who = ", ".join(key.name for key in attestation.keys)
    signers = [key.name for key in attestation.keys if set(key.roles) & set(tier.signers)]
    roles = ", ".join(tier.signers)
    yield check("attestation", bool(signers), f"signed by {', '.join(signers)}", f"signed by {who}, who is not {roles}")
    other = _differences(said, presented)
    yield check("statement", not other, "is about this run", f"is about another run: {', '.join(other)} differ")
    told = f"the file to deploy is sha256:{presented.sha256[:12]}…, the attested one sha256:{said.sha256[:12]}…"
    yield check("subject", said.sha256 == presented.sha256, f"sha256:{presented.sha256}", told)
    late = _untimely(said.time, tier.max_age, presented.now)
    yield check("age", late is None, f"attested {_shown(said.time)}", f"the attestation {late}")
    yield _run_time(presented.facts, said)


def _run_time(facts: RunFacts, said: Attested) -> Check:
    """A run ends before it is attested, and its waivers are judged before it ends: else one of the times was made up."""
    name = "run time"
    if facts.times is None:
        return check(name, False, "", "run.json does not say when the run was made")
    started, ended = facts.times
    if started > ended:
        return check(name, False, "", f"the run began {_shown(started)} and ended {_shown(ended)}, before that")
    if ended > said.time + CLOCK_SKEW:
        return check(name, False, "", f"the run ended {_shown(ended)}, after it was attested {_shown(said.time)}")
    if facts.day is not None and facts.day > ended.astimezone(UTC).date():
        return check(name, False, "", f"the waivers were judged on {facts.day}, and the run ended {_shown(ended)}")
    return check(name, True, f"ended {_shown(ended)}", "")


def _differences(said: Attested | Approved, presented: Presented) -> list[str]:
    """What a statement says otherwise than the run."""
    facts = presented.facts
    pairs = {
        "gate": (said.gate, facts.gate),
        "run": (said.run_id, facts.run_id),
        "root": (said.root, facts.root),
        "verdict": (said.verdict, facts.verdict),
        "prompt": (said.prompt_digest, facts.prompt_digest),
        "files of the run": (said.products, digest(dict(facts.products))),
    }
    return [name for name, (told, found) in pairs.items() if told != found]


def _untimely(time: datetime, max_age: timedelta | None, now: datetime) -> str | None:
    if time > now + CLOCK_SKEW:
        return f"is dated in the future: {_shown(time)}"
    if max_age is not None and now - time > max_age:
        return f"has expired: {_shown(time)} is more than {_length(max_age)} ago"
    return None


def _approvals(rule: ApprovalRule, presented: Presented) -> Iterator[Check]:
    if rule.least and rule.not_author:
        yield _authors(presented)
    given: dict[str, set[str]] = {}
    for one in presented.approvals:
        if one.said is None or (other := _foreign(one.said, presented)):
            why = one.fault or (f"is about something else: {other}" if one.said is not None else None)
            yield Check(f"approval {one.file}", Mark.DENIED if why else Mark.NOTED, why or f"does not count: {one.stranger}")
            continue
        for key in one.keys:
            why = _not_counted(rule, one.said, key, presented)
            if why is None:
                given.setdefault(_plain(key.name), set()).add(one.said.role)
            said = f"{key.name} as {one.said.role}, {_shown(one.said.time)}"
            yield Check(f"approval {one.file}", Mark.NOTED, f"{said}: {'counts' if why is None else f'does not count: {why}'}")
    yield _enough(rule, given)


def _authors(presented: Presented) -> Check:
    """Whoever wrote the prompt must be somebody that the list of keys can tell from the reviewers."""
    attested = presented.attestation.said
    if attested is None or not attested.authors:
        told = "the attestation names no author, so nobody can be told from them: evalgate attest --author NAME"
        return check("author", False, "", told)
    unknown = [one for one in attested.authors if not any(same_person(one, name) for name in presented.known)]
    told = (
        f"nobody in keys.yaml is called {', '.join(map(repr, unknown))}, so they cannot be told from the reviewers: "
        "add the name to `also` of their key, or to `people` if they have none"
    )
    return check("author", not unknown, ", ".join(attested.authors), told)


def _foreign(said: Approved, presented: Presented) -> str:
    other = _differences(said, presented) + ([] if said.sha256 == presented.sha256 else ["file of the prompt"])
    return f"{', '.join(other)} differ" if other else ""


def _not_counted(rule: ApprovalRule, said: Approved, key: TrustedKey, presented: Presented) -> str | None:
    """Why an approval does not count; None when it does."""
    if said.role not in rule.roles:
        return f"the policy asks for {', '.join(rule.roles) or 'nobody'}"
    if said.role not in key.roles:
        return f"{key.name} is not trusted as {said.role}"
    if said.by is not None and not any(same_person(said.by, name) for name in key.names):
        return f"it says that it is by {said.by}"
    late = _untimely(said.time, rule.max_age, presented.now)
    if late is not None:
        return f"it {late}"
    attestation = presented.attestation
    if rule.not_author and attestation.said is not None:
        if any(same_person(author, name) for author in attestation.said.authors for name in key.names):
            return f"{key.name} is an author of the prompt"
        if any(other.keyid == key.keyid or _share_a_name(other, key) for other in attestation.keys):
            return f"{key.name} signed the attestation"
    return None


def _share_a_name(one: TrustedKey, other: TrustedKey) -> bool:
    return any(same_person(name, another) for name in one.names for another in other.names)


def _enough(rule: ApprovalRule, given: Mapping[str, set[str]]) -> Check:
    """Enough people, and for each role another one."""
    unmet = unmet_roles(rule.roles, given)
    if unmet:
        return check("approvals", False, "", f"nobody (else) approved as {', '.join(unmet)}")
    people = len(given)
    said = f"{people} of {rule.least} people"
    return check("approvals", people >= rule.least, said, f"{said} approved")


def unmet_roles(roles: tuple[str, ...], given: Mapping[str, set[str]]) -> list[str]:
    """The roles for which no person is left when each person stands for one role, so chosen that as few as possible remain.

    `given`: person → roles in which they approved.
    Source: augmenting paths for a maximum bipartite matching (Kuhn 1955).
    """
    holds: dict[str, str] = {}

    def place(role: str, tried: set[str]) -> bool:
        for person in sorted(given):
            if role in given[person] and person not in tried:
                tried.add(person)
                if person not in holds or place(holds[person], tried):
                    holds[person] = role
                    return True
        return False

    return [role for role in roles if not place(role, set())]


def _plain(name: str) -> str:
    shown = "".join(one for one in unicodedata.normalize("NFKC", name) if unicodedata.category(one) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", shown.casefold()).split())


def _shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")


def _length(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:g} days" if hours >= 24 else f"{hours:g} hours"
