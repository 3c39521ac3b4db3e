"""Frequent words of languages in Latin script, and ranges of other scripts: enough to tell the language of most sentences.

Function words alone: they stand in nearly every sentence, and in texts about anything. A library would know 75 to 97 languages
and cost 5 to 96 MB and 0.2 to 5 ms a text; the question here is only whether a handful of cases is in another language.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "cs": "a aby ale ani ano až bude by byl byla být co do i já jak jako je jeho její jen ještě jsem jsme jsou k kde "
        "když které který má mi může na nebo není o od po pro proč při s se si tak také ten to tu v ve z za že",
        "da": "af alle at blev den der det dig du efter eller en er et for fra han hans har havde hun hvad hvem hvis "
        "hvor hvordan ikke jeg kan med men mig min når og også om os på sig skal som til ud var vi vil være",
        "de": "aber als am an auch auf aus bei bin bis das dass dem den der des die dies dieser du ein eine einem einen "
        "einer er es für haben hat ich ihr im in ist ja kann mein mich mit nach nicht noch nur oder sich sie sind "
        "so über um und uns vom von vor was wenn wer werden wie wir wird wo zu zum zur",
        "en": "a about after all also an and any are as at be because been but by can could did do does for from had has "
        "have he her his how i if in into is it its me more my no not of on or our she should so that the their "
        "them then there these they this to up was we were what when where which who why will with would you your",
        "es": "a al algo como con cuál cuando de del desde donde dónde el ella en entre era es esta este está estoy fue "
        "ha hay la las le lo los más me mi mucho muy no nos o para pero por porque que qué quiero se ser si sin "
        "sobre son su sus también te tengo tiene todo tu un una y ya yo",
        "fi": "ei että he hän ja jo joka jos kanssa kuin kun kuinka mikä minun minä missä mitä mutta myös ne ni niin nyt "
        "oli olla olen on ovat se sen sinä siitä tai tämä voi voin vain",
        "fr": "à au aux avec ce ces cette comme comment dans de des du elle en est et était être il ils je la le les "
        "leur lui ma mais me mes mon ne nous on ou où par pas plus pour pourquoi qu que quel quelle qui sa sans se "
        "ses si son sont sur tout très tu un une vos votre vous y",
        "hu": "a az azt csak de egy el én és ez ezt ha hogy hol is itt ki kell lehet meg mert mi mit mikor milyen nem "
        "nincs össze s szerint van vagy vannak volt",
        "id": "ada adalah akan anda apa atau bagaimana bisa dalam dan dapat dari dengan di dia harus ini itu juga karena "
        "ke kita lebih oleh pada saya sebagai sudah tidak untuk yang",
        "it": "a ad al alla anche avere che chi ci come con cosa cui da dal dalla del della delle di dove e è era gli ha "
        "hai ho i il in io la le lo loro ma mi mia mio ne nel nella non o per perché più quale quando quanto "
        "questa questo se si sono su sua suo un una uno",
        "nl": "aan al als bij dan dat de deze die dit door een en er ge geen had heb heeft het hij hoe hun ik in is je "
        "kan maar me meer met mijn na naar niet nog of om onder ons ook op over te tot uit van veel voor waar was "
        "wat we wel wie wij wordt ze zich zij zijn zo",
        "no": "alle at av ble da de den der det du eller en er et etter for fra han har hun hva hvem hvis hvor hvordan "
        "ikke jeg kan med meg men min mye nå når og også om oss på seg skal som til ut var vi vil være",
        "pl": "a ale bardzo być był była bo co czy dla do gdy gdzie go i ich ile ja jak jaki jako je jego jej jest "
        "jestem już kiedy która które który ma mam może na nie o od po pod przez przy się są ta tak także tego ten "
        "to tu w we wszystko z za że",
        "pt": "a ao aos as até com como da das de do dos e é ela ele em entre era essa esse esta este está eu foi há "
        "isso já mais mas me meu minha muito na não nas no nos o onde os ou para pela pelo por porque quando que "
        "quem se sem ser seu sua são também tem um uma você",
        "ro": "a ai al am ale ca care ce cu cum da de din dar despre după ei el ele este eu fi în îmi la le lui mai mi "
        "nu o pe pentru prin sa sau se și sunt această acest un una unde vă",
        "sv": "alla att av blev de den det din du där efter eller en ett från för han har hon hur hade i inte jag kan "
        "man med men mig min mitt måste nu när och också om oss på sig ska skulle som till upp ut var vad vara vem "
        "vi vill är",
        "tr": "ama bana ben bir bu çok da daha de değil diye en gibi göre hem her için ile ise kadar ki mi mı nasıl ne "
        "neden nerede o olan olarak onu sen siz şu ve veya var ya yok",
        "vi": "bạn các cho có của được đã để đó đến không là làm lại một người như những này rất sẽ thì tôi trong từ và "
        "về với vì",
    }
)
"""Language (ISO 639-1) → its frequent words, as they are written in lower case."""

SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        "ja": r"\u3040-\u30ff",
        "ko": r"\u1100-\u11ff\uac00-\ud7af",
        "zh": r"\u3400-\u4dbf\u4e00-\u9fff",
        "uk": r"ґєії",
        "Cyrillic": r"\u0400-\u04ff",
        "el": r"\u0370-\u03ff",
        "he": r"\u0590-\u05ff",
        "Arabic": r"\u0600-\u06ff\u0750-\u077f",
        "Devanagari": r"\u0900-\u097f",
        "Bengali": r"\u0980-\u09ff",
        "ta": r"\u0b80-\u0bff",
        "te": r"\u0c00-\u0c7f",
        "th": r"\u0e00-\u0e7f",
        "ka": r"\u10a0-\u10ff",
        "hy": r"\u0530-\u058f",
    }
)
"""Language, or the name of a script that several large languages share → its characters, for a character class.

Tried in this order: Japanese also has the characters of Chinese, Ukrainian those of Russian.
"""
