"""How people and models decline, language by language: RE2 patterns over one folded sentence without accents.

A phrase has to begin the sentence or follow a comma, a colon or a conjunction, so that what is only quoted or supposed
("if I can't help …", `he said "I can't"`) is left alone. The verbs are listed: "I can't wait" declines nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _either(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


START = (
    r"(?:^(?:purtroppo|malheureusement|lamentablemente|desafortunadamente|infelizmente|desgraciadamente|helaas|unfortunately"
    r"|regrettably|sadly)? ?|[,;:.!\-] ?|\b(?:but|however|so|and|therefore|yet|because|aber|und|daher|mais|donc|et"
    r"|pero|asi que|y|ma|quindi|e"
    r"|mas|portanto|maar|dus|en) |^(?:due to|because of|for|given|with|aufgrund|wegen)\b[^,.!?\"]{0,80} )"
)

_EN_VERBS = _either(
    "help assist provide share give do fulfil fulfill comply answer respond discuss disclose reveal support "
    "participate engage "
    "create write generate produce make offer tell show explain comment advise recommend facilitate complete accommodate "
    "follow proceed encourage endorse condone promote describe translate pretend repeat output print release divulge ignore "
    "bypass grant entertain teach instruct guide suggest supply list speculate diagnose access browse open view "
    "display predict "
    "continue talk go let allow contribute collaborate aid write carry process roleplay role-play walk draft compose send "
    "publish judge rate rank say"
)
_EN_HOW = (
    r"(?: (?:really|simply|just|knowingly|ethically|legally|directly|actually|currently|ever|also|either|responsibly|safely"
    r"|in good conscience|under any circumstances|be able to|and will not|and won't|or will not|nor will i|, and will not,"
    r"|, and won't,|unfortunately))*"
)
_EN_CANNOT = (
    r"(?:can't|cannot|can not|won't|will not|am unable to|'m unable to|(?:am|'m) not (?:able|allowed|permitted|authori[sz]ed"
    r"|willing|going|programmed|designed|equipped|trained|prepared|in a position|at liberty|supposed) to"
    r"|(?:do not|don't) (?:think|believe) i (?:should|can)|(?:do not|don't) have (?:the ability|permission"
    r"|authori[sz]ation) to"
    r"|would (?:rather not|prefer not to)|'d (?:rather not|prefer not to)|would not be able to|wouldn't be able to)"
)
_EN_RULES = (
    r"(?:\w+ ){0,2}(?:programming|polic(?:y|ies)|guidelines?|rules?|principles?|values|ethics|terms|standards|instructions)"
)
_ENGLISH = (
    rf"{START}i ?(?:(?:really|simply|just|unfortunately|also|truly|therefore|honestly|personally|regretfully|still) )*"
    rf"{_EN_CANNOT}{_EN_HOW} {_EN_VERBS}\b",
    rf"{START}i (?:do not|don't) (?:provide|share|assist|help|engage|participate|condone|endorse|generate|create|discuss"
    r"|answer|take part|offer|give (?:out|legal|medical|financial|advice)|feel comfortable)\b",
    rf"{START}i(?:'m| am| would| wouldn't)(?: not| be| n't)*(?: really| entirely| very)? (?:un)?comfortable (?:with"
    rf"|about|help"
    r"|writ|shar|provid|giv|discuss|answer|do|creat|mak|generat|assist|talk|describ|engag)",
    rf"{START}i (?:won't|will not) be (?:providing|sharing|helping|doing|writing|answering|assisting|giving|taking part)\b",
    rf"{START}i(?:'m| am|'ll| will)?(?: must| have to| need to| going to have to| have to)?(?: (?:respectfully|politely"
    r"|regretfully|therefore|unfortunately|firmly))* (?:refuse to|decline(?: to| this| that| your| the| such|[.!]|$)"
    r"|(?:have to|need to|must) (?:decline|refuse|pass|say no))",
    rf"{START}(?:sorry,? )?(?:but )?i (?:can't|cannot|won't|will not)[.! ]*$",
    rf"^(?:(?:sorry|nope|no|apologies|unfortunately),? (?:but )?)*(?:unable|not able|not going|not gonna"
    rf"|not allowed) to {_EN_VERBS}\b",
    r"^(?:(?:sorry|nope|no|apologies),? (?:but )?)*(?:can't|cannot|won't) (?:help|assist|comply|do that|do this|answer|share"
    r"|fulfil)",
    r"(?:isn't|is not|'s not|are not|aren't) something (?:that )?i(?:'m|'d| am| would be)? (?:can|could|do|will|able"
    r"|allowed|willing"
    r"|comfortable|permitted|prepared|going)\b",
    rf"\b(?:is|are|be|'s|goes?|going|it's) against (?:my|our) {_EN_RULES}",
    rf"\b(?:violat\w*|breach\w*|contraven\w*|conflicts? with|contrary to|goes? against) (?:my|our) {_EN_RULES}",
    rf"^(?:\w+ )?my {_EN_RULES}[^.!?\"]{{0,40}} (?:don't|do not|prevents?|prohibits?|forbids?|doesn't|does not)\b",
    rf"{START}it (?:is|would be|would not be|wouldn't be|isn't) (?:\w+ )?(?:inappropriate|unethical|irresponsible"
    rf"|wrong|appropriate"
    r"|right|ethical|responsible) (?:for me|of me) to\b",
    r"(?:beyond|outside)(?: of)?(?: the scope of)? (?:what i(?:'m| am| can| could)|my (?:scope|capabilit|expertise|remit|role"
    r"|purview|area|abilit))",
    r"\bi\b[^.!?\":]{0,80} can only (?:help|assist|answer|respond|discuss|talk|provide (?:help|information|support))\b",
    rf"{START}i can only (?:help|assist|answer|respond|discuss|talk|provide (?:help|information|support))\b",
    r"sorry[^.!?\":]{0,20}\b(?:that|this|it)(?:'s| is) not (?:possible|allowed|permitted)",
    r"^(?:sorry, )?(?:your |this |the )?(?:request|prompt|content|response|message)(?: (?:can't|cannot|could not"
    r"|has been|was|is)"
    r"(?: be)?)? (?:fulfilled|completed|processed|blocked|filtered|declined|denied|rejected|refused)\b",
    r"^(?:let's|can we|could we|shall we|i'd rather|i would rather|how about we) (?:talk|chat"
    r"|speak)? ?(?:about something else"
    r"|change the (?:subject|topic))",
)

_DE_VERBS = _either(
    "helfen weiterhelfen behilflich unterstutzen beantworten antworten geben nennen weitergeben herausgeben mitteilen teilen "
    "erstellen schreiben verfassen generieren bereitstellen liefern erklaren beschreiben tun machen preisgeben "
    "verraten sagen "
    "aussern sprechen diskutieren besprechen mitwirken mitmachen teilnehmen beteiligen bearbeiten erfullen nachkommen "
    "entsprechen folgen anbieten dienen zeigen offenlegen ausfuhren durchfuhren eingehen dulden gutheissen befurworten "
    "ubersetzen raten empfehlen beraten erteilen erlautern anleiten erzeugen verbreiten unterstutzung weiterleiten "
    "verarbeiten"
)
_DE_BAN = r"(?:richtlinien?|regeln|grundsatze\w*|prinzipien|programmierung|nutzungs\w*|vorgaben|werte)"
_GERMAN = (
    r"(?:^|[,;:\-] |\b(?:aber|und|daher|doch) )(?:[^.!?;:,\"]{0,60} )?(?:ich (?:kann|darf|werde|mochte|will|konnte)"
    r"|(?:kann|darf|werde|mochte|will) ich)\b[^.!?;:\"]*\b(?:nicht|nichts|keine?[nrsm]?)\b[^.!?;:\"]*\b" + _DE_VERBS + r"\b",
    r"\b(?:es ist mir|ist es mir|mir ist es)(?: \w+)? (?:nicht|untersagt|verboten)",
    r"\bich bin(?: \w+)? nicht (?:in der lage|befugt|berechtigt|dafur|dazu|autorisiert|imstande)",
    r"\b(?:verstosst|verstossen|verstiesse|widerspricht)\b[^.!?\"]{0,40}\b(?:mein\w*|unser\w*)(?: \w+)? " + _DE_BAN,
    r"\bich (?:muss|mochte|werde|habe)\b[^.!?\"]*\b(?:ablehnen|abzulehnen|verweigern)\b",
    r"\bich (?:weigere mich|verweigere|lehne (?:es|das|diese|dies|ihre|deine)\b)",
    r"^(?:diese|ihre|deine|die) anfrage (?:kann|wurde|wird)(?: \w+)? (?:nicht|abgelehnt|blockiert)",
    r"\bich kann nur (?:fragen|bei fragen)\b",
)

_FR_VERBS = (
    r"(?:(?:vous|te|le|la|les|y|en|lui|leur|me|[tlmsn]') ?)*"
    + _either(
        "aider repondre fournir donner expliquer partager faire ecrire rediger creer generer produire divulguer "
        "reveler discuter "
        "parler participer assister satisfaire traiter acceder poursuivre continuer dire montrer decrire proposer "
        "offrir conseiller "
        "recommander communiquer transmettre accomplir soutenir encourager commenter promouvoir cautionner predire "
        "diagnostiquer "
        "aborder accepter indiquer"
    )
    + r"\b"
)
_FR_BAN = r"(?:\w+ ){0,2}(?:regles?|principes?|directives?|politiques?|programmation|consignes?|valeurs|conditions)"
_FRENCH = (
    rf"{START}je ne (?:peux|puis|vais|saurais|pourrai|pourrais|veux|souhaite"
    rf"|dois)(?: \w+ment)?(?: pas)?(?: \w+ment)? {_FR_VERBS}",
    rf"{START}je ne suis(?: \w+ment)? pas (?:en mesure|autorise|autorisee|capable|habilite|habilitee|programme|concu"
    rf"|concue)\b",
    r"\bil (?:m'est|ne m'est)(?: \w+ment)? (?:impossible|interdit|pas (?:possible|permis))",
    rf"{START}je (?:refuse|dois (?:\w+ment )?(?:decliner|refuser)|decline|me vois dans l'obligation de (?:decliner"
    rf"|refuser))\b",
    rf"{START}je prefere(?:rais)? ne pas {_FR_VERBS}",
    rf"(?:a l'encontre de|enfrein\w+|viole\w*|contrevien\w+ a|contraire a) (?:mes|nos|ma|notre|mon) {_FR_BAN}",
)

_ES_VERBS = (
    r"(?:(?:te|le|les|lo|la|os) )*"
    r"(?:ayudar|responder|contestar|proporcionar|dar|explicar|compartir|hacer|escribir|redactar|crear|generar|producir"
    r"|divulgar|revelar|discutir|hablar|participar|asistir|cumplir|procesar|acceder|continuar|decir|mostrar|describir|ofrecer"
    r"|aconsejar|recomendar|facilitar|apoyar|fomentar|comentar|promover|predecir|diagnosticar|aceptar|indicar|brindar"
    r"|atender|colaborar)[a-z]{0,6}\b"
)
_ES_BAN = r"(?:\w+ ){0,2}(?:normas?|politicas?|directrices|principios?|reglas?|programacion|valores|pautas)"
_SPANISH = (
    rf"{START}no (?:puedo|podre|podria|voy a|debo|deseo|quiero|me es posible|me esta permitido|soy capaz de)"
    rf"(?: \w+mente)? {_ES_VERBS}",
    rf"{START}no (?:estoy (?:autorizad[oa]|en condiciones|capacitad[oa]|dispuest[oa]|programad[oa]|disenad[oa])|tengo permi"
    r"|tengo autorizacion)",
    rf"{START}(?:me niego a|(?:debo|tengo que|he de)(?: \w+mente)? (?:rechazar|declinar|negarme)|rechazo (?:esta|tu|su)\b)",
    rf"{START}prefiero no {_ES_VERBS}",
    rf"(?:en contra de|infringe\w*|viola\w*|incumple\w*|contraviene\w*) (?:mis|nuestr[ao]s|mi|nuestr[ao]) {_ES_BAN}",
)

_IT_VERBS = (
    r"(?:(?:ti|vi|le|lo|la|gli|mi|ci|ne) )*"
    r"(?:aiutar|risponder|fornir|spiegar|condivider|far|crear|scriver|generar|produrr|dar|divulgar|rivelar|discuter|parlar"
    r"|partecipar|assister|soddisfar|eseguir|rilasciar|dir|mostrar|descriver|offrir|consigliar|procedere|acceder|continuar"
    r"|prevedere|diagnosticar|accettar|comunicar|collaborar|supportar|trattar)[a-z]{0,5}\b"
)
_IT_BAN = r"(?:\w+ ){0,2}(?:linee|regole|principi|politiche|norme|valori|direttive|programmazione)"
_ITALIAN = (
    rf"{START}non (?:posso|potro|potrei|intendo|voglio|devo|mi e (?:possibile|permesso|consentito)|sono in grado di"
    rf"|sono capace di)(?: \w+mente)? {_IT_VERBS}",
    rf"{START}non (?:sono (?:autorizzat[oa]|programmat[oa]|dispost[oa]|in condizione)|ho il permesso|ho l'autorizzazione)",
    rf"{START}(?:mi rifiuto di|(?:devo|sono costrett[oa] a)(?: \w+)? (?:rifiutar|declinar))",
    rf"{START}preferi(?:sco|rei) non {_IT_VERBS}",
    rf"(?:contro|viola\w*|contravviene a\w*|in contrasto con) (?:(?:le|i|la) )?(?:mi[ea]|miei|nostr[ae]|nostri) {_IT_BAN}",
)

_PT_VERBS = (
    r"(?:(?:te|lhe|lhes|o|a|os|as|me|vos) )*"
    r"(?:ajudar|responder|fornecer|explicar|partilhar|compartilhar|fazer|criar|escrever|redigir|gerar|produzir|dar|divulgar"
    r"|revelar|discutir|falar|participar|atender|cumprir|mostrar|dizer|oferecer|aconselhar|recomendar|auxiliar|prestar"
    r"|continuar|descrever|prever|diagnosticar|aceitar|comunicar|colaborar|apoiar|processar|acessar|realizar)[a-z-]{0,6}\b"
)
_PT_BAN = r"(?:\w+ ){0,2}(?:diretrizes|regras|principios|politicas?|normas|valores|programacao)"
_PORTUGUESE = (
    rf"{START}(?:eu )?nao (?:posso|poderei|poderia|consigo|vou|devo|quero|irei|sou capaz de|me e (?:possivel|permitido)"
    rf"|e possivel para mim)(?: \w+mente)? {_PT_VERBS}",
    rf"{START}(?:eu )?nao (?:estou (?:autorizad[oa]|em condicoes|dispost[oa]|programad[oa])|tenho (?:permissao"
    rf"|autorizacao))",
    rf"{START}(?:eu )?(?:recuso-me a|me recuso a|(?:tenho (?:de|que)|devo|preciso)(?: \w+mente)? (?:recusar|declinar))",
    rf"{START}prefiro nao {_PT_VERBS}",
    rf"(?:contra|viola\w*|infringe\w*) (?:as? |os? )?(?:minhas?|meus?|nossas?|nossos?) {_PT_BAN}",
)

_NL_VERBS = _either(
    "helpen beantwoorden antwoorden geven uitleggen delen maken schrijven doen praten bespreken verstrekken meewerken "
    "voldoen "
    "ondersteunen vertellen zeggen genereren onthullen meedoen deelnemen uitvoeren verwerken bieden tonen adviseren "
    "aanbevelen "
    "assisteren ingaan prijsgeven vrijgeven creeren beschrijven doorgeven voorspellen opstellen"
)
_NL_BAN = r"(?:\w+ ){0,2}(?:richtlijnen|regels|beleid|principes|waarden|programmering|voorschriften)"
_DUTCH = (
    r"(?:^|[,;:\-] |\b(?:maar|en|dus) )(?:[^.!?;:,\"]{0,60} )?(?:ik (?:kan|mag|wil|zal|ga)|(?:kan|mag|wil|zal|ga) ik)\b"
    r"[^.!?;:\"]*\b(?:niet|niets|geen)\b[^.!?;:\"]*\b" + _NL_VERBS + r"\b",
    r"\b(?:het )?is (?:het )?(?:voor mij|mij)(?: \w+)? niet (?:mogelijk|toegestaan)",
    r"\bik ben(?: \w+)? niet (?:in staat|bevoegd|gemachtigd)",
    rf"{START}ik (?:weiger\b|moet\b[^.!?\"]*\b(?:afwijzen|weigeren))",
    rf"(?:in tegen|tegen|in strijd met|schendt) (?:mijn|onze) {_NL_BAN}",
)

PHRASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"de": _GERMAN, "en": _ENGLISH, "es": _SPANISH, "fr": _FRENCH, "it": _ITALIAN, "nl": _DUTCH, "pt": _PORTUGUESE}
)
"""Language → phrases of which one in a sentence declines."""

NOT_DECLINED = (
    r"\benough\b|\bhelp (?:but|noticing|feeling|thinking|wondering|myself|laughing|smiling)\b|\bgive (?:up|in)\b|\bgo wrong\b"
    r"|\bmake (?:it|out|sense|up)\b|\b(?:tell|say) (?:the difference|whether|if|for (?:sure|certain))\b|\blet (?:you"
    r"|them) down\b"
    r"|\bgenug\b|\bnicht (?:nur|erwarten|abwarten)\b|\bniet (?:alleen|wachten)\b|\bgenoeg\b"
    r"|\b(?:bastante|suficiente)\b|\bhacer otra cosa\b|\bfar(?:e)? (?:altro|a meno)\b|\bassez\b|\babbastanza\b"
    r"|\bdizer o suficiente\b"
)
"""Turns that use the same words and decline nothing: a sentence with one of them is left alone."""

DELIVERS = (
    r"\bhere(?:'s| is| are)\b|\b(?:below|the following) (?:is|are|you)\b|\bhier (?:ist|sind|finden|is|zijn|volgt"
    r"|folgt|folgen)\b"
    r"|\bvoici\b|\baqui (?:esta|estan|estao|tienes|tiene|tienen|te dejo|vai|vao|tem)\b|\becco\b"
)
"""Words that hand over an answer."""
