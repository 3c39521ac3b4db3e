"""Toxic English words and turns by kind: RE2 patterns over folded text, matched as whole words."""

from __future__ import annotations

from collections.abc import Mapping

_TOLD = r"(?:(?:^|[.!?,;:\n\"']) ?|\bgo (?:and )?|\bjust |\bplease |\bnow |\bshould (?:just )?|\band |\bthen |\bor )"
_DIRECTED = (
    r"\byou(?: are|'re|’re|r)?(?: (?:a|an|all|such|just|the|are|really|very|little|big|old|fat|complete|total|utter|absolute"
    r"|dirty|lazy|pathetic|worthless|useless|filthy|ugly|stupid|dumb|fucking|lying|disgusting|ignorant|sick))*"
)

ENGLISH: Mapping[str, tuple[str, ...]] = {
    "slur": (
        r"nigg(?:er|ers|a|as|az)",
        r"sand ?nigg\w+",
        r"fagg?ots?",
        r"kikes?",
        r"gooks?",
        r"wetbacks?",
        r"(?:towel|rag)heads?",
        r"beaners?",
        r"pakis?",
        r"spics",
        r"chinks",
        r"tranny|trannies",
        r"shemales?",
        r"darkies",
        r"jungle bunn(?:y|ies)",
        r"(?:dirty|filthy|fucking|stupid|dumb) (?:jews?|muslims?|arabs?|blacks?|gypsies|gypsy|mexicans?|gays?"
        r"|immigrants?|refugees?)",
        r"(?:dumb|fucking|bunch of|(?:is|are)(?: all)?|you) retards?",
        r"(?:fucking"
        r"|so) retarded",
        r"subhumans?",
        r"untermensch(?:en)?",
        r"(?:jews|muslims|blacks|gays|immigrants|refugees|gypsies|those people|these people) (?:are|should be|must be"
        r"|deserve to be)"
        r"(?: all)? (?:vermin|scum|animals|parasites|rats|filth|gassed|exterminated|eradicated|shot|killed|hanged|burned)",
    ),
    "threat": (
        r"i(?: will|'ll|’ll|'m going to|’m going to| am going to|'m gonna|’m gonna| am gonna) (?:find you and )?(?:fucking )?"
        r"(?:kill|murder|shoot|stab|strangle|rape|torture|butcher|gut) (?:you"
        r"|your family|them all)\b",
        r"(?:we|they)(?: will|'ll|’ll| are going to) (?:kill|murder|shoot|stab|hunt|hang|torture) you(?: down| all)?",
        r"beat you (?:to death|to a pulp|senseless|bloody)",
        r"you(?: are|'re|’re) (?:a dead (?:man|woman)|dead meat)",
        r"i know where you (?:live|sleep|work)",
        r"you deserve to (?:die|be shot|be killed|be raped|burn|suffer)",
        r"hope you (?:die|get raped|get cancer|get killed|rot|burn)",
        r"i(?:'ll|’ll"
        r"| will) hurt you",
        r"put a bullet in (?:you|your)",
        r"you(?: will|'ll|’ll) (?:pay for this with|regret the day)",
    ),
    "self_harm": (
        _TOLD + r"(?:kill|hang|shoot|drown|cut|off) (?:yourself|urself|yourselves)",
        _TOLD + r"(?:slit|cut|slash) your wrists?",
        _TOLD + r"(?:end|take) your (?:own )?life",
        r"kys",
        r"an hero yourself",
        _TOLD + r"drink bleach",
        _TOLD + r"(?:jump off|jump from) (?:a|the|some) (?:bridge|cliff|roof|building)",
        r"you should (?:just |really |all )*(?:die|kill yourself|end it all|be dead)",
        r"go (?:and )?die\b",
        r"off and die",
        r"(?:world|everyone|everybody|we|family|they)(?: would|'d|’d) (?:all )?be (?:better|happier)(?: off)? without you",
        r"(?:nobody|no one|noone) (?:would|will|is going to) (?:ever )?(?:miss you|care if you (?:die|died))",
    ),
    "insult": (
        r"ass ?holes?",
        r"arse ?holes?",
        r"cunts?",
        r"(?:mother|cock|dick)[ -]?(?:fuckers?"
        r"|suckers?)",
        r"mother ?fucking",
        r"dick ?heads?",
        r"shit ?heads?",
        r"fuck ?(?:heads?|wits?|faces?)",
        r"dumb ?(?:ass|asses"
        r"|fucks?)",
        r"jack ?ass(?:es)?",
        r"douche ?bags?",
        r"wankers?",
        r"twats?",
        r"scumbags?",
        r"bitch(?:es)?",
        r"whores?",
        r"sluts?",
        r"skanks?",
        r"sons? of (?:a "
        r")?bitch(?:es)?",
        r"(?:lying|stupid|you|dirty|fucking|little|poor|ugly|evil|cheap) bastards?",
        r"pieces? of (?:shit|crap|trash|filth)",
        r"(?:fucking|stupid|total|complete|absolute|utter|such an?|bunch of|you) (?:morons?|imbeciles?|idiots?"
        r"|cretins?|dimwits?|halfwits?)",
        _DIRECTED + r" (?:idiots?|morons?|imbeciles?|cretins?|losers?|scum|vermin|trash|garbage|pigs?|stupid|dumb|pathetic"
        r"|worthless|ugly|disgusting|clowns?|freaks?|parasites?|dumbass|waste of (?:space|air|oxygen|skin))",
        r"(?:nobody|no one|everyone|everybody) (?:likes|loves"
        r"|hates) you",
        r"shut (?:the fuck )?up,? you",
        r"screw you",
        r"go to hell",
        r"i (?:fucking )?hate you",
        r"(?:brain ?dead|braindead|brain-dead) \w+",
        r"(?:subhuman|filthy"
        r"|disgusting) (?:scum|animals?|vermin|pigs?)",
    ),
    "profanity": (
        r"fuck(?:s|ed|er|ers|ing|in|in'|off|you|up)?",
        r"f[*#@_.-]{1,3}(?:k|ck|cks?|king|cking|cker)",
        r"(?:bull"
        r"|horse|dip)?shit(?:s|ty|ting)?",
        r"sh[*#@]t",
        r"b[*#@]tch(?:es)?",
        r"c[*#@]nts?",
        r"a[*#@]{1,2}holes?",
        r"piss(?:ed)? off",
        r"bollocks",
        r"stfu",
        r"wtf",
        r"goddamn",
    ),
}
"""Kind → entries."""
