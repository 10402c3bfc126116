"""What in a sentence is no instruction: the past, others, results, conditions, examples, ids, dates, prices."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from dry_debug.spec.failures import DEVICES, without_failures

_MASKED_TOKENS = re.compile(
    r"\b(?:19|20)\d\d-\d\d?-\d\d?\b|\b\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d\d)\b|\b(?:jan(?:uary)?|feb(?:ruary)?|"
    r"mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.? \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?\b|"
    r"\b\d{1,2}(?:st|nd|rd|th)? (?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|"
    r"june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b|(?-i:\b(?!(?:GPT|CIFAR|"
    r"SST|ESC|FLOWERS|FOOD|CALTECH|CUB|UCF|HMDB|CONLL|FLICKR|"
    r"WMT|VGG|FP|BF|TF|INT|FLAN|STL|RTX|GTX|MI|OPT|LLAMA|QWEN|PHI|GEMMA|YOLO|VIT|BERT|T|ZERO|TOP|LORA|BS|LR|RESNET)-)"
    r"[A-Z][A-Z0-9]{1,9}-\d+\b)|(?<!\w)#\d+\b|\b(?:ticket|issue|pr|mr|jira|job|run|build|commit|"
    r"revision|version|section|chapter|page|figure|fig|table|eq|step|line|room|port|order|invoice|ref)[ .]+(?:no\.? |"
    r"id |number |#)?\d+\b"
    r"(?!\s*(?:epochs|steps|%))|[$€£]\s?\d[\d.,]*\s?[kKmM]?|\b\d[\d.,]*\s?(?:k )?(?:usd|eur|gbp|dollars?|euros?|"
    r"cents?|bucks)\b|https?://\S+|"
    r"\b\d{1,2}:\d\d\b|\bby (?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b\d+(?:\.\d+)? ?(?:hours?|hrs?|minutes?|"
    r"mins?|days?|weeks?|"
    r"months?|people|rows|ms)\b|\b(?:torch|transformers|python|cuda|vllm|sglang|peft|trl|accelerate|pytorch|numpy) "
    r"?(?:==|>=|<=|~=|version |v)? ?"
    r"\d+\.\d+[\w.]*|\bsimilar (?:[\w-]+ ){0,5}(?:as|to|like) [\w./-]+",
    re.IGNORECASE,
)
_BORDER = re.compile(
    r"\s*(?:;|—|–(?=\s)| - |\(|\)|\.\.\.|→ so\b)\s*|,\s*(?=(?:[^\s,]+ ){1,4}(?:this time|now|for this (?:run|one))\b)|"
    r",?\s*\b(?=(?:but|however|now|please|this time|instead(?! of)|for "
    r"this (?:run|one|ticket)|"
    r"(?:so )?(?:we|i) (?:want|need|should|must|will|would like|'d like)|(?:so )?let'?s|use|set|switch|take(?! "
    r"(?:care|place|long|too|about|a look))|go (?:with|"
    r"for|back)|make it|"
    r"keep|change (?!of)|lower|raise|bump|reduce|increase|drop (?:it|to|the)|stick (?:with|to)|should be|must be|"
    r"needs to be|stay(?:s)? (?:at|with)|"
    r"i'?d (?:like|prefer)|we'?ll (?:use|go|do))\b)",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\A(?!\W*trained (?:with|using|via|on|models?|weights|networks?|adapters?)\b)\W*(?:ran|tried|used|had|got|saw|"
    r"trained|tested)\b(?! (?:to|"
    r"for)\b)|"
    r"\b(?:previous(?:ly)?|last (?:run|one|time|week|month|year|sprint|experiment|attempt|quarter)|(?<!it "
    r")(?<!them )(?<!this )(?<!that )(?<!much )(?<!see )earlier(?! than)|yesterday|"
    r"ago|"
    r"used to\b(?! (?:be )?(?:train|fit))|"
    r"formerly|originally|historically|back then|in the past|old (?:config|run|setup|value|settings?|script|code|"
    r"model|version|recipe|pipeline|"
    r"one)|current(?:ly)? (?:config|code|"
    r"script|setup|value|settings?|is|has|uses|we)|(?:script|code|config|notebook|repo|file) still (?:uses|has|says"
    r"|sets)|currently|at the moment|right now it|(?:script|code|repo|notebook|"
    r"it (?:now|still|currently)) "
    r"(?:has|uses|defaults)|"
    r"(?:i|we|he|she|they|it|team|authors?|someone|somebody|everyone|people|folks|that one|that run|which|"
    r"(?:the|that|those) (?:[\w-]+ ){0,2}(?:runs?|pilot|prototype|trial|smoke test|first try|model|one|ones|version|"
    r"attempt|experiment|job))(?:'d| had| have|"
    r" has| already| "
    r"just| first| once| both|'ve)*(?: also)? "
    r"(?:got|saw|had|used|tried|ran|did|trained|fine-?tuned|reached|achieved|reported|found|started|went|kept|picked|"
    r"chose|switched|measured|noticed|"
    r"swept|tested|diverged|set|were|was)|"
    r"(?:was|were|wasn't|weren't|did|didn't|got|gave|reached|achieved|yielded|scored|converged|diverged|resulted|"
    r"collapsed|exploded|stalled|"
    r"oom-?ed|oomed|crashed|"
    r"hit|outperformed|worked|failed)|(?:first|failed|best|worst|winning|reference) (?:run|attempt|"
    r"trial|experiment)s?|for (?:reference|context|comparison|background)|fyi(?! (?:seed|lr|epochs|batch))|"
    r"compared (?:to|with)|as opposed to|vs\.?|versus|unlike|similar (?:run|work)s?)\b"
    r"|(?<!be )(?<!is )(?<!are )(?<!been )\bused (?:in|by|for) (?:the )?(?:paper|previous|last|their|our (?:last|old|"
    r"previous)|v\d)",
    re.IGNORECASE,
)
_ORIGIN = (
    r"(?:(?i:prior|previous|related|earlier|existing|recent|published) (?:works?|studies|literature|"
    r"approach(?:es)?|papers?)(?: ?\[\d+\])?|"
    r"write-?ups?|winners?|winning (?:team|solution|entry|kernel)|(?:1st|2nd|3rd|first|second|third)[- ]place(?: "
    r"(?:team|solution|entry))?|"
    r"(?:public|kaggle) (?:notebook|kernel|solution)s?|literature|lecture|slides|textbook|(?:another|other|"
    r"neighbou?ring) (?:group|lab)|"
    r"paper|authors?|blog(?: ?post)?|tutorial|original (?:repo|implementation|recipe|code|work)|upstream(?: "
    r"repo)?|leaderboard|competitors?|"
    r"other (?:teams?|people|groups?|repos?|projects?)|colleagues?|research team|vision team|nlp team|platform team|"
    r"infra team|baseline|library|"
    r"model card|docs|documentation|readme|README|internet|reddit|intern|someone|others|everybody|repo|vendor|customer|"
    r"meta|openai|google|microsoft|deepmind)"
)
_OTHERS = re.compile(
    rf"(?<!can )(?<!could )(?<!would )(?<!will )\b(?:the |that |their |one |an |a |"
    rf"some )?{_ORIGIN}(?!\s+(?:also |all |really )?(?:asks?|asked|wants?|needs?|requires?|requested|requests|"
    rf"insists?|would like)\b)(?:'s?)?\s+(?:[\w'-]+\s+){{0,5}}?"
    r"(?:use[sd]?|using|report(?:s|ed)?|recommend(?:s|ed)?|suggest(?:s|ed)?|train(?:s|ed)?|set|got|get|has|have|had|"
    r"runs?|ran|went|goes|claims?|says?|said|"
    r"default(?:s|ed)?|lists?|works?|shipped|is at|did|does|"
    r"lr|learning[ -]rate|batch|config|hyper-?parameters?|settings?|recipe|numbers?|values?)\b"
    r"|\b(?i:an?|my|our|the|some|one|another) (?:friend|colleague|co-?worker|intern|student|user|reviewer|professor|"
    r"vendor|guy|person|team ?mate|flatmate|other team|post|thread|comment) (?:on \w+ |in \w+ )?(?:also |just |once |"
    r"always )?(?:suggest(?:s|ed)|recommend(?:s|ed)|propos(?:es|ed)|said|says|mentioned|claims?|claimed|uses?|used|"
    r"tried|had|has|swears|likes|asked whether|thinks|thought|got|ran|runs|trained|went)\b"
    r"|\b(?!GPU|CPU|TPU|[AHVLTBP]\d|The |Each |Every )[A-Z][\w.-]+ (?:gets|reaches|achieves|attains|obtains|"
    r"scores)\b(?! \d+ (?:samples|examples|"
    r"images|sequences|per)\b)"
    r"|\b(?:(?<![Aa]s )they(?! (?:are|lie|live|sit|can be found|come) (?:now |all )?(?:in|under|at|from|on) "
    r"[\w~./-]*/)(?! (?:all |both |now )?(?:want|need|prefer|ask for|asked for|would like|insist|expect)\b)|"
    r"(?:he|she)(?! (?:also |now )?(?:wants|needs|prefers|asks for|asked for|would like|insists on|expects)\b)|"
    r"his|her|their|theirs)\b(?! should| must| need)"
    r"|\b[A-Z][a-z]+s'\s+(?:[\w-]+ ){0,2}(?:runs?|config|setup|script|settings?|experiments?|notebook|branch|"
    r"numbers?|lr|learning|batch|model|"
    r"recipe|results?|baseline|values?|ablations?|attempts?)\b"
    r"|\b(?!(?:Model|Data|Training|Script|Code|Run|Let|That|It|What|Here|There|User|Teacher|Student|Today|Tomorrow|"
    r"Tonight|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b)[A-Z][A-Za-z]+'s\s+"
    r"(?:[\w-]+ ){0,2}(?:run|config|setup|script|settings?|experiment|notebook|branch|numbers?|lr|learning|batch|model|"
    r"fork|repo|code|version|team|paper|recipe|report|entry|thesis|attempt|ablations?|study|experiments|sweep|"
    r"trial|submission|baseline|results?|values?|"
    r"hyper-?parameters?|defaults?)\b"
    r"|\b(?!(?:The|An?|All|Any|Each|Every|Our|My|Your|Its|Both|Final|Fully|Newly|Best|Last|Save|Use|Once|When|And|"
    r"Then|Also|Here|There|Please|Model|Models|Data|Training|Script|Code|Run|We|It|This|That|Adapter|Adapters|"
    r"Weights|Only|Just|"
    r"Everything|Base|"
    r"Teacher|Student|Lora|Optimizer|Lr)\b)[A-Z][a-z]+ (?:ran|used|uses|tried|got|has|had|reports?|reported|swears "
    r"by|recommends?|suggested|trained|"
    r"did|went with|said (?:he|she|they))\b(?! to )"
    r"|\b(?:DeiT|BERT\S*|(?:Distil|Al|Ro|De|Mobile)BERT\w*|RoBERTa|DeBERTa\S*|ELECTRA|XLM-R|Qwen\S*|Phi\S*|YOLO\S*|"
    r"U-?Net|"
    r"EfficientNet\S*|ViT|GPT-?\w*|L[Ll]a[Mm][Aa]\S*|T5|CLIP|Whisper|Chinchilla|Mistral|Pythia|DINO\w*|MAE|"
    r"Swin|ConvNeXt|ResNet\S*|"
    r"OPT|PaLM|Gemma\S*|Alpaca|Vicuna|Zephyr|nanoGPT) (?:trains|trained|was trained|were trained|was fine-tuned|"
    r"agreed|scored|got|"
    r"reached|reports|reported)\b"
    r"|\bis what (?!(?:i|we|you)\b)[\w-]+(?: \w+)? (?:used|uses|did|had|has|took|trained|ran|recommends?)\b"
    r"|\bpapers? (?:use|report|train)|\bin (?:the|their|his|her|our last|our previous) (?:paper|blog|post|thesis|"
    r"repo)\b(?<!as in the paper)",
)
_FOLLOWED = re.compile(
    r"\b(?:like|same as|follow(?:ing)?|as in|match(?:ing)?|per|according to|reproduce|replicate|copy|take|from|use "
    r"the) (?:in )?(?:the |their |that )?"
    r"(?:\w+ )?(?:paper|authors|blog|recipe|original|tutorial|model card|docs|readme)",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:maybe|perhaps|might|optionally|(?:would|could) (?:also )?(?:be nice|try|be(?! (?:good|great|lovely|best|"
    r"better|ideal) (?:to (?:have|use|see|get|run|train)|with|in|if)\b)(?! (?:(?:an? )?\.?\d|my (?:\w+ "
    r")?(?:choice|pick|preference|favou?rite)))|have|work|"
    r"do)|may (?:also "
    r")?(?:try|want|later)|nice to have|later(?: on)?|"
    r"which (?:we|i) (?:can(?:'?t|not)|don'?t|do not|won'?t|will not)|next (?:week|step|time|month|quarter|"
    r"sprint)|in (?:the |a )?future|eventually|someday|stretch "
    r"goal|consider|"
    r"e\.g\.?|for example|for instance|such as|as an example|wonder(?:ing)?|curious|not sure|thinking (?:about|of)|"
    r"what about|how about|"
    r"typical(?:ly)?|usually|(?<!our )(?<!my )(?<!the )(?<!your )(?<!as )usual|the usual (?:\w+ ){1,3}(?:is|are)|"
    r"(?<!more )(?<!less )(?<!as )often|commonly|many people|some people|people (?:say|use|like)|normally|in general|"
    r"follow-?up|"
    r"(?:the |library |hf |its |framework )?defaults? (?:is|are|to|of|value|would|being)|defaulting to|by default|"
    r"out of scope|not part of)\b|"
    r"\(defaults?\b|\bdefault (?:[\w-]+ ){1,4}(?:of|in) (?:the )?(?:hf |hugging ?face )?(?:trainer|library|"
    r"transformers|"
    r"lightning|py-?torch|trl|vllm|class|api|cli)\b|\bdefault (?:[\w-]+ ){1,3}(?:is|was|are) \.?\d|\bdefault:? [\d.]",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|unless|in case|otherwise(?! (?:the (?:same|rest|other|settings?|config|setup|old)|everything|all|"
    r"keep|leave|as|"
    r"same|unchanged|identical|like|nothing))|fall(?:ing)? ?back(?: to)?|fallback|when(?:ever)? (?:it|we|you|"
    r"memory|that|"
    r"this)|should (?:it|that|this|memory) "
    r"(?:oom|not|run|fail|be)|or else|worst case|as a last resort)\b(?! (?:possible|you can|feasible|available|"
    r"supported))",
    re.IGNORECASE,
)
_NOT_VALUE = re.compile(
    r"\b(?:instead of|rather than|in place of|as opposed to|and not|, ?not|but not|\(not|not the|replac(?:es?|ing)|"
    r"down from|up from|coming from|"
    r"away from|compared (?:to|with)|vs\.?|over the (?:old|default|usual))\b"
    r"(?:(?!->|→|=>|(?<=[\w)] )(?:please )?(?:use|take|go (?:with|for)|switch to)\b|\band (?:reduce|set|use|"
    r"increase|raise|lower|train|run|change|drop|take|switch|keep|add|make|"
    r"go)\b|\bw/ |\bwith (?:an? )?(?:weight|wd\b|lr\b|learning|batch|warm|seed)|\b(?:as|for) (?:the "
    r")?(?:learning|batch|lr\b|seed|weight|warm|optimi|model|rank)|"
    r"\bbut\b(?=\s*\.?\d))"
    r"(?:[^,;.()]|\.(?=\d)))*(?:\bbut\b(?=\s*\.?\d))?",
    re.IGNORECASE,
)
_WAS = re.compile(
    r"\((?:was|were|formerly|previously|prev|old|before|used to be|currently|not|default(?:s to)?|vs|instead of|"
    r"up from|down from|"
    r"the \w+ (?:uses?|used)|they used?|e\.g\.|paper|baseline)\b[^)]*\)",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:don'?t|do not|does not|never|avoid|must not|should(?:n'?t| not)|can(?:no|')t|is not|isn'?t|are not|no "
    r"longer|no need (?:for|of)|not)\b"
    r"(?!\s+(?:(?:use|take|have|run|train|need|go)(?: it)?(?: on)?(?: for)? (?:more|less|fewer|longer|shorter) "
    r"than|exceed|more than|less than|above|"
    r"below|go (?:over|above|below|beyond|past)|larger|smaller|bigger|to "
    r"exceed|over|"
    r"under|only|forget|worry|mind|hesitate|be (?:more|less|larger)|(?:change|touch|alter|modify)(?![^,;.()]* to )))"
    r"(?:(?!\bbut\b)(?:[^,;.()]|\.(?=\d)))*(?:\bbut\b(?=\s*\.?\d))?",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:can|could|would|will) (?:you|someone|somebody|anyone|one of you)\b|^\W*(?:hi|hey|hello|ok|so|and|also|"
    r"then)?[\w ]{0,12}?[,!]?\s*(?:can|could|would|will) (?:you|we|someone|u)\b|"
    r"\bplease\b|\bpls\b|"
    r"\b(?:i|we)(?:'d| would) like\b",
    re.IGNORECASE,
)
_RESULT_LINE = re.compile(
    r"\b(?:accuracy|acc|f1|em|bleu|rouge|perplexity|ppl|map|auc|wer|val[ _]loss|loss|throughput|tok(?:ens)?/s|pass@1|"
    r"mmlu|score)\b\W{0,4}"
    r"(?:(?:of|was|is|at|reached|=|:|~|≈)\W*){0,2}\d|"
    r"\b\d{1,3}(?:\.\d+)?\s?%?\s?(?:f1|em|bleu|rouge(?:-l)?|accuracy|miou|wer|cer|map|auc|ppl|ndcg\S*|pass@1)\b",
    re.IGNORECASE,
)


# "Old model: mT5-small, 10k steps": a line about what was.
_OLD_LABEL = re.compile(
    r"\W*(?:could(?: have)?|nice[ -]to[ -]have|optional(?:ly)?|if time permits|stretch)\s*:\s|"
    r"\W*(?:old|previous|prior|former|existing|legacy|last|their|paper|earlier|published|reported|literature|sota|"
    r"(?:public |private )?(?:lb|leaderboard)|competitors?|others?|background|history|motivation|rationale|for "
    r"(?:reference|comparison|context)|baseline(?= ?:| \(| (?:config|"
    r"settings?|run|model|numbers?|values?|setup|was|had)))\b"
    r"(?! (?:plan|task|ask|request|target|goal|word|call|thing|but))[\w ()/'-]{0,28}:\s",
    re.IGNORECASE,
)


# "The bot next door runs at T=0.8, that has nothing to do with this job"
_UNRELATED = re.compile(
    r",\s*(?:postponed|rejected|declined|parked|deferred|not now|off the table|dropped for now)\W*\Z|"
    r"\b(?:is|are|was|were|gets?|got|has been|have been|will be) (?:\w+ )?(?:postponed|cancell?ed|on hold|deferred|"
    r"off the table|rejected|obsolete|"
    r"abandoned|parked|dropped for now|moved to (?:next|a later|the next))\b|"
    r"\b(?:we|i) (?:can'?t|cannot|won'?t|will not|don'?t (?:want to|need to|have to)) (?:do|afford|copy|reproduce|"
    r"follow|match|repeat) "
    r"(?:that|this|those|these|it|them|either)\b|\b(?:public|winning|other|leaderboard|best) (?:[\w-]+ "
    r"){0,3}?(?:ensemble|solution|entry|"
    r"submission|kernel|notebook|model) (?:has|scores?|gets|got|is at|sits at|reach\w+|achieves?)\b|"
    r"\b(?:we|i) (?:won'?t|don'?t|can'?t|cannot|will not|do not) (?:get|have) access\b|"
    r"\((?:not now|not yet|later|future|optional|tbd|stretch(?: goal)?|for later)\)|"
    r"\b(?:we|i) (?:also )?compare (?:it |this |ours? |our \w+ |ourselves |them )?(?:with|to|against)\b|"
    r"\b(?:has|have|had) nothing to do with|\b(?:is|are) (?:unrelated|irrelevant|another (?:story|matter|topic|"
    r"project|job))\b|"
    r"\b(?:is|are|was|were) (?:\*?not\*?|n'?t) what (?:we|i|you)\b|\b(?:isn'?t|aren'?t|wasn'?t|weren'?t) what (?:we|"
    r"i|you)\b|"
    r"\bdon'?t (?:copy|take over|use) (?:that|those|this|them|it)\b|\b(?:please )?(?:ignore|forget|"
    r"disregard) (?:that|those|them)\b",
    re.IGNORECASE,
)
# "(d) Repeat (a) with Adam": another run
_REPEATED = re.compile(
    r"\W*(?:then |finally |and |afterwards )?(?:repeat|redo(?! (?:it|this|that) with)|rerun(?! (?:it|this|that) with)|"
    r"do the same|try the same)\b.{0,40}\bwith\b",
    re.IGNORECASE,
)


# "5 epochs is too many"
_TOO_MUCH = re.compile(
    r"(?<![\w.])[\d.]+(?:e-?\d+)?k?(?: [a-z]+){0,2} (?:is|are|was|were|seems?|looks?|sounds?|feels?) (?:way |far |"
    r"a bit |much )?too "
    r"(?:many|much|high|low|few|long|short|big|small|large|slow|little|aggressive)\b",
    re.IGNORECASE,
)


# What it is for, without a number: "seed 1, so that it compares with Ben's run"
_PURPOSE = re.compile(
    r",?\s*\bso that (?:it|we|they|the|this|that|i|you|one)\b[^,;().\d]*(?=[,;().]|"
    r"\Z)",
    re.IGNORECASE,
)
# "a batch size of 10 seems arbitrary", quoted
_QUESTIONED = re.compile(r"\"[^\"]*\b(?:seems?|looks?|why|arbitrary|unclear|unusual)\b[^\"]*\"", re.IGNORECASE)


# "One epoch takes 40 minutes on two GPUs"
_LASTS = re.compile(
    r"(?:\A|(?<=[,;.()]))[^,;.()]{0,80}\b(?:takes?|took|lasts?)\b[^,;.()]{0,20}?\d[\d.]* ?(?:h|hrs?|hours?|min"
    r"(?:ute)?s?|days?|"
    r"sec\w*)\b[^,;()]*",
    re.IGNORECASE,
)


# Why something is asked for, or what is said against its alternative: "bf16 because fp16 overflows".
_BECAUSE = re.compile(
    r",?\s*\b(?:because|since(?! (?:the |our |last )?\w+ (?:run|week|release))|given that|due to|thanks to|(?<=, )as"
    r"(?= (?:[\w.-]+ ){1,3}(?:is|are|was|were|did|does|has|had|would|gives?|gave|runs?|fails?|needs?|didn'?t|"
    r"doesn'?t)\b))\b"
    r"(?:(?!,? (?:so|therefore|please|use|set|we want|go with|hence)\b)(?:[^,;()]|,(?! )|\.(?=\d)))*",
    re.IGNORECASE,
)
_JUDGED = re.compile(
    r",\s*(?!(?:we|so|use|please|which|that|it)\b)[^,;()]{1,40}?\b(?:was|were|would be|would|is|are|did(?: not|n'?t)|"
    r"does(?: not|n'?t)|do(?: not|n'?t)|gave|gives)\b[^,;()]{0,30}?\b(?:worse|slow(?:er)?|unstable|diverge[sd]?|"
    r"help|bad|nans?|"
    r"oom(?:s|ed)?|wrong|too \w+|fit|converge|overkill|unnecessary|overfit)\b[^,;()]*",
    re.IGNORECASE,
)
_FAILS = (
    r"overfit(?:s|ted)?|overflow(?:s|ed)?|underflow(?:s|ed)?|(?:made|makes) no (?:real |big )?difference|"
    r"(?:changed|changes|brought|gained) nothing|(?:is|was|were|are) no better|diverge[sd]?|explode[sd]?|oom(?:s|ed)?|"
    r"crashe[sd]|runs? out of memory|ran out of memory|"
    r"(?:does|did|do)(?: not|"
    r"n'?t) (?:fit|converge|help|work|train)|(?:is|was|are|were) (?:too \w+|worse|slower|unstable|overkill|"
    r"unnecessary)|"
    r"g(?:ives|ave) nans?|underfit(?:s|ted)?|made (?:it|things|the model|everything) \w+|hurts?|kill(?:s|ed)|"
    r"forgets?|forgot|collapse[sd]?|plateau(?:s|ed)|stall(?:s|ed)|wasted? (?:time|memory)"
)
_FAILING = re.compile(
    rf"\((?![^()]*\b(?:so|use|instead|hence|therefore)\b)[^()]{{1,60}}?\b(?:{_FAILS})\b[^()]*\)|,\s*+(?!(?:we|so|"
    rf"use|please|which|that|it|this)\b)"
    rf"[^,;()]{{1,40}}?\b(?:{_FAILS})\b[^,;()]*",
    re.IGNORECASE,
)
_CAN_GO = re.compile(  # "The SGD settings that are in there now can go"
    r"\b(?:can|may|should|must|will|could) (?:all |both |now )?(?:go(?: away)?(?=\s*(?:\Z|[,.;]))|be (?:dropped|"
    r"removed|deleted|"
    r"thrown (?:out|away)))\b",
    re.IGNORECASE,
)
# "loss of the pilot (1 epoch, lr 2e-4): 1.03"
_RESULT_OF = re.compile(
    r"\W*(?:[\w-]+ ){0,3}(?:loss|accuracy|acc|f1|score|perplexity|ppl|wer|bleu|rouge|dice|map|auc|reward)\b[^:;=]{0,60}"
    r"\([^()]*\)\s*(?::|=|was|is|of)\s*[\d.]+",
    re.IGNORECASE,
)
# "fp32 (bf16 gives other losses on the two machines)"
_REASON = re.compile(
    r"\(\s*(?:the |our )?(?!(?:this|that|it|which|we)\b)[\w.&-]+(?: [\w.&-]+)? (?:gives?|gave|makes?|made|causes?|"
    r"caused|leads?|led|loses?|lost|"
    r"breaks?|broke|differs?|drifts?|hangs?|slows?|crashes|saturates?)\b[^()]*\)",
    re.IGNORECASE,
)
_TOLD = re.compile(r"\b(?:i was|we were|i'?m|i am|i've been) told(?: that)?\b", re.IGNORECASE)  # what is meant follows
# "1e-5 is ok, it's what everybody uses"
_WHAT_OTHERS_DO = re.compile(
    r",\s*(?:it'?s|it is|that'?s|that is|which is|this is) what (?!we\b|i\b|you\b)[\w' ]{2,30}? (?:uses?|used|does|do|"
    r"did|has|had|takes?|took)"
    r"\b[^,;.]*",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r"\(\s*(?:~|≈|about |roughly |ca\.? |takes |approx\w*\.? )*\d[\d.]* ?(?:h|hrs?|hours?|min|minutes|days?)\b[^()]*\)"
)


def blank(text: str, start: int, end: int) -> str:
    """`text` with spaces from `start` to `end`."""
    return text[:start] + " " * (end - start) + text[end:]


def asks_nothing(lead: str) -> bool:
    """Whether the line that announces a list says that the list is about something else; its last sentence counts."""
    lead = re.split(r"(?<=[\w)])[.!?]\s+", lead.rstrip())[-1]
    if re.search(
        r"^\W*(?:what|which|that is what|this is what) (?:we|i|everybody|all of us) (?:have |had )?(?:agreed|decided|"
        r"settled|want|need)|"
        r"\b(?:shall|should|must|have to|has to|need to|needs to) (?:be|have|work|do|look|become)\b",
        lead,
        re.I,
    ):
        return False
    return bool(
        _PAST.search(lead)
        or _OTHERS.search(lead)
        or _UNSURE.search(lead)
        or re.search(r"\b(?:results?|old|paper|baseline|reference)\b", lead, re.IGNORECASE)
    ) and not re.search(
        r"\bcompared (?:to|with)\b[^:]*:\s*\Z|^\W*(?:what (?:is|has|was|will be)?\s*(?:different|new|chang\w+)|"
        r"(?:the )?(?:changes?|differences?|news?)\b)|"
        r"\b(?:please|use|this run|now|instead|start(?:ing)? (?:from|with)|based? on|begin with|take|same as|copy|"
        r"follow|"
        r"reuse|go with|run with|stick to)\b",
        lead,
        re.IGNORECASE,
    )


@lru_cache(maxsize=16)
def asked_part(sentence: str, question: bool) -> str:
    """The sentence with everything blanked that asks for nothing; offsets stay."""
    text = _MASKED_TOKENS.sub(lambda m: " " * len(m[0]), sentence)
    if _OLD_LABEL.match(sentence):
        return " " * len(text)
    if _UNRELATED.search(sentence) or _RESULT_OF.match(sentence) or _REPEATED.match(sentence):
        return " " * len(text)
    if question and not _ASKS.search(sentence):
        return " " * len(text)
    if re.search(r"\b(?:takes?|took|lasts?)\b", sentence):
        for lasting in _LASTS.finditer(sentence):
            text = blank(text, *lasting.span())
    text = _TOLD.sub(lambda m: " " * len(m[0]), text)
    text = _PURPOSE.sub(lambda m: " " * len(m[0]), text)
    text = _QUESTIONED.sub(lambda m: " " * len(m[0]), text)
    text = _TOO_MUCH.sub(lambda m: " " * len(m[0]), text)
    text = _BECAUSE.sub(lambda m: m[0] if DEVICES.search(m[0]) else " " * len(m[0]), text)
    text = without_failures(text)
    for told in (_JUDGED, _FAILING, _REASON, _WHAT_OTHERS_DO, _LASTING):
        text = told.sub(lambda m: " " * len(m[0]), text)
    text = _WAS.sub(lambda m: " " * len(m[0]), text)
    text = _changed(text)
    going = _CAN_GO.search(text)
    if going is not None:
        flat = re.sub(r"\([^()]*\)", lambda m: " " * len(m[0]), text)
        first = max(flat.rfind(c, 0, going.start()) for c in (",", ";", "(", ":", " and ")) + 1
        if _NO_NEED.match(text, first, going.start()) is None:
            text = blank(text, first, going.end()) if text[:first].strip() else " " * len(text)
    found = [m for m in _BORDER.finditer(text) if m[0].strip() or not _MODAL.search(text[: m.start()])]
    borders = [0, *(m.start() if not m[0].strip() else m.end() for m in found), len(text)]
    conditional = False
    told_of_past = False
    for start, end in pairwise(borders):
        part = text[start:end]
        if not part.strip():
            continue
        if told_of_past and "(" in sentence[max(0, start - 2) : start] and not _IMPERATIVE.match(part):
            text = blank(text, start, end)  # "the last run collapsed (lr 1e-3, no warm-up)"
            continue
        if "(" in sentence[max(0, start - 2) : start] and _CAME_OF_IT.match(
            text, end - 1 if text[end - 1] == ")" else end
        ):
            text = blank(text, start, end)  # "the larger one (lr 1e-3) diverged"
            continue
        if told_of_past and _ASIDE_ABOUT_IT.match(part):
            text = blank(text, start, end)
            continue
        followed = _FOLLOWED.search(part)
        told_of_past = bool(_PAST.search(part) and not _asked_for(part)) or bool(_OTHERS.search(part) and not followed)
        told_of_past = told_of_past or _is_result(part)
        condition = _CONDITION.search(part)
        if condition is not None:
            if re.match(r"\W*(?:the )?defaults?\b", part, re.IGNORECASE) and ":" in part[condition.end() :]:
                colon = part.index(":", condition.end())  # "Defaults if the client sends nothing: ..."
                text = blank(text, start, start + colon + 1)
                continue
            conditional = True
            either = re.search(r",?\s*\bor\s+(?:[^\s,]+\s+){1,4}\Z", part[: condition.start()])
            text = blank(text, start + (either.start() if either else condition.start()), end)
            part = text[start:end]
        elif conditional and not re.match(r"\W*(?:but|now|please|this time)\b", part, re.IGNORECASE):
            text = blank(text, start, end)
            continue
        aside = _aside(part)
        if aside:  # "Use 2 epochs, the budget got cut"
            text = blank(text, start + aside, end)
            part = text[start:end]
        if _asks_not(_NOT_VALUE.sub(lambda m: " " * len(m[0]), part), bool(followed)):
            first, last = _own_clause(part) or (0, len(part))
            text = blank(text, start + first, start + last)
    return text


# What a value for nothing can be asked for: "warm-up can go"
_NO_NEED = re.compile(
    r"[\W]*(?:and |the )*(?:lr |linear )?(?:warm-?[ ]?up|weight[ _]?decay|wd|(?:gradient )?accumulation|"
    r"(?:gradient )?clipping|tp|"
    r"tensor[ -]?parallel\w*|dropout)\s*\Z",
    re.IGNORECASE,
)
# "later we will switch to bf16": the verb belongs to what stands before it
_MODAL = re.compile(
    r"\b(?:will|would|can|could|might|may|shall|going to|plan to|hope to|authors?|papers?|they|people|folks|"
    r"winners?|teams|"
    r"colleagues|others|groups?|labs?)\s*\Z|\A\W*(?:later|maybe|perhaps|eventually|someday|possibly|in (?:the |a "
    r")?future|at some "
    r"point|one day),?\s*\Z",
    re.IGNORECASE,
)
_CAME_OF_IT = re.compile(
    r"\s*\)?\s*(?:has |had |only |just |already |then )*(?:scored|reached|got|gave|achieved|diverged|collapsed|was|"
    r"were|failed|"
    r"crashed|yielded|converged|ended|did|overfit\w*|oom\w*|took)\b",
    re.IGNORECASE,
)
# "the docs recommend 1e-5, but for full fine-tuning"
_ASIDE_ABOUT_IT = re.compile(
    r"\W*(?:but|however|though)\s+(?:only |mostly |(?:that|this|it|they|he|she|those)(?:'s| is| was| were| had| has"
    r"| used|'re) |for |"
    r"with |on |at |in )(?!(?:this|our|us|my|now|here)\b)",
    re.IGNORECASE,
)


def _asks_not(part: str, followed: bool = False) -> bool:
    """Whether a part tells of the past, of others, of results, or is not meant firmly."""
    return bool(
        (_PAST.search(part) and not _asked_for(part))
        or (_OTHERS.search(part) and not followed)
        or _UNSURE.search(part)
        or _is_result(part)
    )


def _is_result(part: str) -> bool:
    return bool(
        _RESULT_LINE.search(part)
        and not re.search(r"\b(?:until|below|above|target|at least|goal|aim|want|beat|reach)\b", part, re.IGNORECASE)
    )


# A clause that speaks for itself: what stands before its comma is asked for all the same.
_OWN_CLAUSE = re.compile(
    r"\W*(?:and |but |as |since |because |though |although |while |whereas |where |even if )?"
    r"(?:(?P<unsure>maybe|perhaps|possibly|might|may|could|later|optionally|e\.g\.?|for (?:example|instance)|such as|"
    r"typically|usually|normally|commonly|by default|(?:the )?(?:library(?:'s)? |hf )?defaults?|not sure|"
    r"(?:i|we)(?:'m| am| are|'re)? (?:wonder|curious|not sure|thinking))|"
    r"(?P<told>(?:[Ii]|we|he|she|they|people|everyone|somebody|someone|[A-Z][a-z]{2,12})(?= (?!got|reach|achiev|"
    r"saw(?! (?:it|that|them)\b)|"
    r"measur)[a-z']+)|the (?:paper|authors?|blog|baseline|last|previous|old|original|first|upstream|tutorial|docs|"
    r"others?)|last|previously|earlier|yesterday|unlike|versus|vs|compared|their|his|her|my old|our (?:old|last|"
    r"previous|first)|[\w.-]*\d[\w.-]* (?:is|was) (?:what|the (?:one|value|number|default))))\b"
)


def _own_clause(part: str) -> tuple[int, int] | None:
    """(start, end) of the last clauses of a part if they alone ask for nothing: "3 epochs, maybe more later"."""
    commas = [m.start() for m in re.finditer(r",(?=\s)", part)][:12]
    for number, comma in enumerate(commas):
        told = _OWN_CLAUSE.match(part, comma)
        if told is None or _asks_not(part[:comma]):
            continue
        end = len(part)
        if told["unsure"]:
            end = commas[number + 1] if number + 1 < len(commas) else end
        if _asks_not(part[comma:end]) and not _asks_not(part[:comma] + part[end:]):
            return comma, end
    return None


_IMPERATIVE = re.compile(
    r"\W*(?:(?:please|pls|so|then|and|ok(?:ay)?|also)[,:]?\s+)*(?:use|set|make|keep|go|let'?s|train|run|change|lower|"
    r"raise|drop|"
    r"increase|decrease|reduce|bump|switch|take|update|edit|correction|new|fine-?tune|save|log|evaluate)\b",
    re.IGNORECASE,
)


# "max_length 2048, the long answers got cut": told of something else, not of the setting
_OF_SOMETHING = re.compile(
    r"\s*(?:the|our|my|some|many|most|several|those|a few|a lot of|too many) (?!(?:runs?|loss|model|training|last|"
    r"previous|old|first|ones?|"
    r"paper|results?|accuracy|gradients?|job|gpu)\b)[a-z]",
    re.IGNORECASE,
)


def _aside(part: str) -> int:
    """Where the last clause of a request begins that only tells why, without a number; 0 if there is none."""
    comma = part.rfind(",")
    why = part[comma + 1 :]
    back = re.search(
        r",\s*(?:last time|previously|before that|yesterday|earlier|"
        r"in the last run)\b",
        part,
        re.IGNORECASE,
    )
    if back is not None and not _PAST.search(part[: back.start()]):
        return back.start()
    told = comma > 0 and not re.search(r"\d", why) and _PAST.search(why) and not _PAST.search(part[:comma])
    return comma if told and (_IMPERATIVE.match(part) or _OF_SOMETHING.match(why)) else 0


def _asked_for(part: str) -> bool:
    return bool(
        re.search(
            r"\b(?:(?:like|want|need|prefer|have)\b[^,;.]{0,16}\b(?:it|this|that|them|the model) (?:be )?(?:trained"
            r"|set|run|kept|"
            r"fine-?tuned)|as (?:was )?(?:asked|agreed|discussed|requested|decided|specified)|was asked for|(?:we|"
            r"i)(?: have|'ve)? (?:switched|moved|changed|went over) (?:from \S+ )?to\b|"
            r"(?:agreed|decided|"
            r"settled|concluded|converged|landed|signed off) (?:on|to|that|for|in favou?r)|(?:as|like|same as|from|"
            r"same) "
            r"(?:in |the |on |with )*(?:last (?:time|run|week|experiment)|previously|earlier|yesterday))\b",
            part,
            re.I,
        )
    ) and not re.search(
        r"\b(?:diverged|exploded|failed|crashed|collapsed|too (?:high|low|large|small|many))\b", part, re.I
    )


def without_negations(text: str) -> str:
    """The asked part without what is said not to be done; for values that stand behind their field."""
    text = _NOT_VALUE.sub(lambda m: " " * len(m[0]), text)
    return _NEGATED.sub(lambda m: " " * len(m[0]), text)


def without_replaced(text: str) -> str:
    """The asked part without what something else is to be used instead of."""
    return _NOT_VALUE.sub(lambda m: " " * len(m[0]), text)


_CHANGE = re.compile(
    r"\b(?:chang\w*|bump\w*|rais\w*|lower\w*|drop\w*|reduc\w*|increas\w*|decreas\w*|switch\w*|go(?:ing)?|mov\w*|"
    r"doubl\w*|halv\w*|up|down|cut\w*|set|come)\b"
    r"(?P<rest>[^.;]{0,40}?)\b(?P<old>from\s+\S+)\s+(?=to\b)",
    re.IGNORECASE,
)
_DOWN = re.compile(r"\b(?P<old>from\s+\S+)\s+(?=(?:down|back)\s+to\b)", re.IGNORECASE)
_ARROW = re.compile(r"(?<![\w.])(?P<old>[\d.]+(?:e-?\d+)?[kK]?)\s*(?:->|→|=>|-->)\s*(?=\.?\d)", re.IGNORECASE)


_FALLEN = re.compile(
    r"\d(?:\.\d+)?e-(?P<first>\d)\s*(?:->|→|=>|-->)\s*(?:0\b(?!\.)|"
    r"\d(?:\.\d+)?e-(?!(?P=first))\d)(?=[^.;]{0,30}\b(?:cos\w*|decay|"
    r"anneal\w*|linear\w*|schedul\w+|poly\w*)\b)",
    re.IGNORECASE,
)


def _changed(text: str) -> str:
    """Blanks what something is changed from: "raise the batch size from 8 to 16" asks for 16."""
    for pattern in (_CHANGE, _DOWN, _ARROW):
        for match in pattern.finditer(text):
            fallen = _FALLEN.match(text, match.start("old")) if pattern is _ARROW else None
            if fallen is not None:  # "lr 1e-4 -> 1e-6 cosine": to where the schedule goes
                text = blank(text, match.end("old"), fallen.end())
                continue
            end = match.end() if pattern is _ARROW else match.end("old")
            text = blank(text, match.start("old"), end)
    return text
