"""How people call the numeric fields, and who a value is for. Data only."""

import re

# Canonical field -> how people call it. Longer spellings stand first: they win.
NUMERIC: tuple[tuple[str, str], ...] = (
    (
        "gradient_accumulation_steps",
        r"(?:grad(?:ient)?s?[ _-]?)?accum(?:ulat(?:ion|ed?|ing))?(?:[ _-]?(?:steps?|iters?|factor|"
        r"grad(?:ient)?[ _-]batches))?(?: (?:gradients )?(?:over|for|across))?|accumulate (?:gradients|grads)(?: "
        r"(?:over|for|across|every))?|"
        r"grad[ _-]?acc(?:um)?(?:[ _-]?steps)?|\bacc[ _.]?(?:steps|iters)|\bga(?:[ _]steps)?(?=[ =:]+\d)|"
        r"(?:step (?:the )?optimi[sz]er|optimi[sz]er (?:step|update)s?|(?:apply|do) an? (?:optimi[sz]er )?(?:step|"
        r"update)|(?:weight|parameter) updates?|update (?:the )?(?:weights|parameters|model))(?: only)?(?: once)? "
        r"(?:after )?(?:every|each)(?=\s+(?:\d+|two|three|four|eight|sixteen)\s+(?:micro|mini|batch|forward|"
        r"backward))|(?:averag|sum|collect|gather)\w* (?:the )?grad(?:ient)?s? (?:of|over|from|across)",
    ),
    (
        "max_grad_norm",
        r"max(?:imum)?[ _-]grad(?:ient)?[ _-]norm|(?:grad(?:ient)?s? )?(?:(?:are|is|be|get|to be|should be|must be) )*"
        r"clip(?:ping|ped)?(?: (?:the )?grad(?:ient)?s?)?(?: norms?)?(?:\s*\(|\s+)(?:(?:to|at|by|with|using) )?"
        r"(?:an? |the |their )?(?:max(?:imum)? |global |total |l2[- ])*norm(?: of)?|clip(?:ping)? (?:the )?grad\w* "
        r"(?:to|at) (?:an? )?(?:max(?:imum)? |"
        r"global |total |l2[- ])?norm(?: of)?|(?:grad(?:ient)?s?[ _-])?clip(?:ping|ped)?(?: (?:the "
        r")?(?:grad(?:ient)?s?))?"
        r"(?:[ _-](?:grad(?:ient)?[ _-])?(?:norms?|value|val|threshold))?|grad(?:ient)?[ _-]norms?(?:[ "
        r"_-]clip(?:ping)?)?|max[ _-]norm",
    ),
    ("warmup_ratio", r"warm-?[ _]?up[ _-](?:ratio|fraction|proportion)"),
    (
        "warmup_steps",
        r"\bwu(?=[ =:]+\d)|(?:num[ _])?(?:lr |linear )?warm(?:ing)?[ _-]?up(?:[ _-](?:steps|epochs?(?=\s*[:=|])|"
        r"iters|iterations|period|"
        r"phase))?"
        r"(?:[ :(]+(?:for|over|during|of|lasting|in|with))?(?: (?:the )?first)?|"
        r"warm(?:s|ed|ing)?[ -]up(?: linearly)? (?:to|from) (?:\d[\d.e-]* )?(?:to \d[\d.e-]* )?(?:over|for|during|"
        r"in|within)(?: (?:the )?first)?|"
        r"\bwarm(?:s|ed|ing)?[ -]up(?: linearly)? (?:for|over|during|in|within)(?: (?:the )?first)?|"
        r"warms up(?: linearly)? (?:over|for|during|in|within)(?: (?:the )?first)?|ramp(?:s|ed|ing)?(?:[ -]?up)?"
        r"(?: (?:the )?(?:lr|learning rate))?(?: up)?(?: linearly)?(?: from (?:0|zero))?"
        r"(?: to (?:the |its )?(?:peak|maximum|max))?(?: linearly)? (?:over|for|during|in|within)(?: (?:the )?first)?",
    ),
    (
        "learning_rate",
        r"(?:(?:initial|base|peak|max|starting|constant|train(?:ing)?)[ _-])?(?:learning[ _-]?rates?|(?<![a-z])lrs?\b)|"
        r"(?<=\ba )(?:constant )?rate(?= of \d(?:\.\d+)?e-\d)|\b(?:learns?|train(?:s|ed)?|tuned?|optimi[sz]ed?)(?= "
        r"(?:at|with) \d"
        r"(?:\.\d+)?e-\d)|\bα(?=\s*=\s*\d(?:\.\d+)?e-\d)|\bη(?=\s*=)|\bstep[ -]?size(?: "
        r"[αη])(?=\W{1,3}(?:\d(?:\.\d+)?e-\d|0?\.\d))|"
        r"@(?=\s*\d(?:\.\d+)?e-\d)|(?<=epochs )at\b(?=\s+\d(?:\.\d+)?e-\d)|(?<=epoch )at\b(?=\s+\d(?:\.\d+)?e-\d)|"
        r"(?<=steps )at\b(?=\s+\d(?:\.\d+)?e-\d)|"
        r"(?:adamw?|sgd|adafactor|lion|rmsprop|lamb|"
        r"schedule)\b(?=(?:[\s(@,:]{1,3}|\s+(?:at|with|of|using|on|is|=)\s+)\d(?:\.\d+)?e-\d)|"
        r"\bpeak(?=\W{1,3}(?:of |at )?\d(?:\.\d+)?e-\d)|\bstep[ -]?size(?=\W{1,3}(?:of |is )?(?:\d(?:\.\d+)?e-\d|"
        r"0?\.\d))|\bsgd(?=[\s(@,:]{1,3}0?\.\d+(?!\d|"
        r" ?(?:momentum|"
        r"nesterov)))|(?<=, )rate(?= 0?\.\d)|\beta(?=\s*[=:]\s*(?:we said |we want )?(?:\d(?:\.\d+)?e-\d|0?\.\d))",
    ),
    (
        "batch_size",
        r"(?:(?:per[ _-](?:device|gpu|card)|local|global|total|effective|eff\.?|overall|train(?:ing)?|"
        r"eval(?:uation)?|micro|"
        r"mini|"
        r"validation|val|test|inference)[ _-])*(?:mini-?|micro-?)?(?:batch[ _-]?sizes?|batches? of(?: size)?|batch(?![ "
        r"_-]?(?:norm|inference|generation|"
        r"job|mode|prediction))|\bbatches(?= (?:(?:should|must|shall|will|to|can) )?(?:have|hold|contain|comprise|"
        r"consist of) )|\bbsz?\b|\bmbs\b|\bgbs\b|"
        r"\bmicro(?=[ =:]{1,3}\d)|\beffective(?= (?:of )?\d|"
        r"\s*[:=]\s*\d))(?:(?: per | ?/ ?)(?:device|"
        r"gpu|card|worker|process|rank))?|"
        r"per[ _-]device[ _-](?:train|eval)[ _-]batch[ _-]size|"
        r"\b(?:processes|handles|takes|gets|sees|holds)(?= (?:about )?\d)",
    ),
    (
        "weight_decay",
        r"weight[ _-]?decay|\bwd\b|(?<=\()decay(?= 0?\.\d| \de-)|\bl2(?:[ -](?:reg(?:ulari[sz]ation)?|penalty|"
        r"decay|weight))?"
        r"(?=\W{1,3}(?:of |is |at )?\d)",
    ),
    (
        "lora_alpha",
        r"(?:lora[ _-]?)?(?<![a-z])(?:alpha|α)|\ba(?=\s*=\s*\d)|(?<=, )a(?= \d+\b)|\bscaling(?=\W{1,3}(?:of )?\d)",
    ),
    ("lora_dropout", r"(?:lora[ _-]?)?(?:dropout(?:[ _-](?:rate|prob(?:ability)?))?|drop(?=\s*[=:]\s*0?\.))"),
    (
        "lora_r",
        r"lora[ _-](?:r|rank|dim)\b|\brank[ -](?=\d+ (?:lora|adapt))|(?:lora |adapter )?\brank\b(?:[ "
        r"_-]?\(?r\)?\b)?|\br(?=\s*[=:]\s*\d)|\br(?= (?:of )?\d)",
    ),
    (
        "max_tokens",
        r"(?:generat|produc|emit|decod|output)(?:e|es|ing|s)?(?= (?:(?:at most|up to|max(?:imum)?|no more than|a "
        r"maximum of|"
        r"only|exactly) )?[\d,.]+k? (?:new |more )?tokens)|(?:cap|limit|restrict|cut|keep)\w*(?: off)? (?:the |all "
        r"|its )?(?:answers?|outputs?|responses?|"
        r"completions?|generations?|replies)"
        r"(?: (?:below|under|within))?|max[ _](?:completion|response|output|generation)[ _]length|"
        r"max(?:imum)?[ _-]?(?:num(?:ber)?[ _-](?:of[ _-])?)?(?:new|output|generated|"
        r"completion)?[ _-]?tokens(?! (?:per|in|of|for) (?:an? |each |every |one )?(?:texts?|sequences?|inputs?|"
        r"prompts?|examples?|samples?|documents?|sentences?|questions?|passages?|contexts?|reviews?|tweets?|messages?))"
        r"|(?:output|completion|generation|response)[ _-]length|(?:max|maximum) (?:output|completion|generation|"
        r"response)(?: length)?",
    ),
    (
        "max_length",
        r"max(?:imum|imal)?[ _-](?:model[ _-]|seq[ _-]|total[ _-]|input[ _-]|prompt[ _-]|allowed[ _-])*len(?:gth)?|"
        r"max(?:imum)?[ _-](?:prompt|input|source|context)(?=\W{1,3}(?:of )?\d)|max(?:imum)?[ _-]?(?:num(?:ber)?[ "
        r"_-](?:of[ _-])?)?(?:input[ _-])?tokens (?:per|in|of|for) (?:an? |each |"
        r"every |"
        r"one )?(?:texts?|sequences?|inputs?|prompts?|examples?|samples?|documents?|sentences?|questions?|passages?|"
        r"contexts?|reviews?|tweets?|messages?)|"
        r"(?:max(?:imum)?[ _-])?(?:seq(?:uence)?s?|input|context|prompt|token|text|model|source|src|encoder|document|"
        r"cutoff|article|chunk|window|tokeni[sz]er|example|sample|truncation)[ _-]?(?:len(?:gths?)?|"
        r"window|size(?<!model size)(?<!sample size)(?<!text size))|\b(?:prompts?|inputs?|sources?|contexts?|"
        r"articles?|documents?)"
        r"(?=\s+(?:max|up to|at most|limit|≤|<=|capped)\w*\W{0,4}(?:of |to |at )?\d|\s+\d+k?\s*(?:/|,|and|"
        r"\+)\s*(?:the )?"
        r"(?:outputs?|targets?|answers?|responses?|completions?|summar))|(?:cut|trim|truncate|crop|shorten)s? (?:off )?"
        r"(?:everything|all|(?:the )?texts?|(?:the )?inputs?|(?:the )?sequences|them|it)(?: off)? (?:after|at|to|"
        r"beyond)(?= ?[\d,.]+k? ?tok)|length(?=\s*[:=]|\s+\d+k?\b"
        r"(?! steps))|max[ _-]?"
        r"(?:seq[ _-]?)?len(?:gth)?|max[ _-]model[ _-]len|pack(?:ed|ing)?(?: \w+){0,2} (?:to|into|at)|block[ _-]size|"
        r"(?:pad(?:ded|ding)?|"
        r"trim(?:med)?|crop(?:ped)?|shorten(?:ed)?)(?:(?:/| and | or |, ?)(?:truncat|trim|pad|cut)\w*)?(?: "
        r"(?:everything|"
        r"inputs|sequences|texts?|them|it))? (?:to|at)(?= (?:length |a length of |max(?:imum)? )?\d+k?(?: ?tok|\s*"
        r"(?:\Z|[.,;)])))|"
        r"truncat(?:e|ed|ion|ing)(?: (?:everything|"
        r"inputs|sequences|text|them|it))?"
        r"(?: (?:to|at))?|sequences? (?:of(?: (?:up to|at most))?|(?:up to|at most|capped at|limited to))|(?:inputs?|"
        r"texts?|sequences?|documents?|"
        r"prompts?|everything|dialogues?)?(?: are| get| should be| must be| to be)? ?(?:cut|trimmed|capped|clipped|"
        r"limited|"
        r"shortened)(?: off)? (?:at|after|"
        r"to)(?= ?[\d,.]+k? ?tok)|\b(?:inputs?|texts?|sequences?|sentences|documents?|articles|prompts?|reviews|tweets|"
        r"dialogues?|messages) (?:are |get |is |should be |must be |will be |to be |be )*(?:cut|trimmed|capped|"
        r"truncated|limited|shortened)(?: off)? (?:at|after|to|beyond)(?= ?\d)|\b(?:context|ctx)(?: of| to)?(?=[ "
        r"=:]+\d| of)|\b(?:context|window) (?:is |are |should be |must be |gets )*(?:limited|cut|capped|restricted|"
        r"reduced|set) (?:to|at)(?=\W{1,2}\d)|"
        r"\bbptt\b(?: (?:of|over|with|length|size))*|back-?prop(?:agation)? through time(?: over)?|unroll(?:ed|ing)? "
        r"(?:over|for)(?= \d+ (?:tok|words))",
    ),
    (
        "tensor_parallel_size",
        r"tensor[ _-]parallel(?:[ _-](?:size|degree)|ism|ization)?(?: (?:across|over|on|degree))?(?= (?:all )?"
        r"(?:both|\w+) )?|"
        r"\btp(?:[ _-]size)?\b(?: (?:across|over|on))?|"
        r"\b(?:shard|split|spread|distribut)\w*(?: (?:the |this )?(?:model|weights|it|engine|llm))(?: (?:across|"
        r"over|on|between))"
        r"(?=\s+(?:the )?(?:\d+|two|four|eight|both)\s+(?:gpus?|cards|devices))",
    ),
    (
        "max_steps",
        r"(?:max(?:imum)?|total|training|train|optimi[sz]er|optimi[sz]ation|update|num(?:ber of)?)[ _-]"
        r"(?:training[ _-]|train[ _-]|update[ _-]|optimi[sz]er[ _-])?(?:steps|iterations|iters|updates)|iterations|"
        r"iters|"
        r"steps(?=\s*[:=]\s*\d)|(?:total[ _])?(?:env(?:ironment)?[ _]|time)-?steps(?=\s*[:=]\s*\d)",
    ),
    (
        "epochs",
        r"(?:(?:n|nb|no\.?|num(?:ber)?|max|total)[ _-](?:of[ _-])?)?(?:train(?:ing)?[ _-])?(?:epochs?|\beps?\b)",
    ),
    ("temperature", r"(?:sampling )?temperature|\btemp\b|\bT(?=\s*=\s*\d|\s+[01]?\.\d)"),
    (
        "top_p",
        r"top[ _-]?p\b|nucleus(?: sampling)?(?: p)?|(?:(?<=and )|(?<=with )|(?<=use )|(?<=at )|(?<![a-z] "
        r"))\bp(?=\s*=\s*0?\.\d|\s+0?\.\d)",
    ),
    (
        "seed",
        r"random[ _]state|(?:(?:random|global|rng|manual|fixed)[ _-])?seed(?:s|\(s\))?(?: (?:everything|all|it all|"
        r"the run))?",
    ),
)

# "3 epochs", "500 training steps": what stands behind the number. {n} is the number.
BEHIND: tuple[tuple[str, str], ...] = (
    (
        "warmup_steps",
        r"[ -]?(?:steps?|iterations|iters|updates|epochs?|eps?) (?:of |for )?(?:(?:linear|lr) )?warm-?[ ]?up|[ "
        r"-](?:linear )?warm-?[ ]?up(?:[ -](?:steps?|iterations|epochs?))?\b| of (?:them|which|those|these) (?:for "
        r"|as |are |"
        r"is )?(?:(?:linear|lr) )?"
        r"warm-?[ ]?up\b",
    ),
    (
        "gradient_accumulation_steps",
        r"[ -]steps?[ -]accum(?:ulation)?\b|[ -](?:grad(?:ient)?[ -])?accum(?:ulation)?(?:[ -]steps?)?|[ -]?(?:x|×|"
        r"steps? of|times)? "
        r"?(?:grad(?:ient)?s? )?accum(?:ulation)?|"
        r" grad(?:ient)?[ -]acc(?:umulation)?(?: steps)?",
    ),
    (
        "batch_size",
        r"[ -]?(?:(?:per[ -](?:device|gpu)|effective|global|total) )?(?:batch(?:[ -]?size)?|\bbsz?)(?![ _-]?norm)\b|"
        r" (?:as|for|is) (?:the |a |your |our )?(?:train(?:ing)? )?batch[ -]?size|"
        r" (?:samples? |examples? |sequences? |images? |items? |prompts? |imgs? |pictures? |pics? |photos? |clips? |"
        r"docs? |documents? |texts? |utterances? |pairs? |rows? |crops? |tiles? |frames? |graphs? )?"
        r"(?:per|/|a) ?(?:step|batch|device|gpu|card)\b(?! for)| (?!warm|accum|grad|epoch|step)[a-z]+ (?:per|a|an|"
        r"in (?:a|"
        r"each|every|one)) (?:mini-?)?batch\b| per (?:optimi[sz]er |weight )?update\b"
        r"| (?:samples|examples|sequences|images) (?:per|a) (?:batch|step|device|gpu)"
        r"| each\b(?! (?:of|epoch|step|run|time|\d))|[ -](?:effective|in total|total|overall|"
        r"altogether)\b(?! (?:steps|epochs|tokens|samples|gpus?|runtime|"
        r"training|"
        r"iterations|updates|memory|budget|params|parameters|hours|images|examples|rows))",
    ),
    (
        "max_steps",
        r"[ -]?(?:(?:environment|env|time)[ -]?steps|timesteps)\b|"
        r"[ -]?(?:training|train|optimi[sz]er|optimi[sz]ation|update|gradient|policy|ppo|parameter|weight|total|max"
        r"(?:imum)?)[ -](?:steps|"
        r"iterations|updates)|"
        r" (?:steps|iterations|iters|updates)(?! (?:of|for) (?:warm|acc))(?: (?:in )?total| of training| max)?",
    ),
    (
        "epochs",
        r"[ -]?(?:full |complete |training |whole |entire )?(?:epochs?\b|eps?\b|pass(?:es)? (?:over|through|on)|"
        r"(?:times|x) (?:over|through) (?:the )?(?:data|train|corpus))",
    ),
    (
        "learning_rate",
        r"(?:\s+(?:(?:is|are|would be|seems) (?:ok(?:ay)?|fine|good|enough|right|sensible) )?(?:as|for|is) (?:(?:the|"
        r"a|our|your|my|its) )?(?:(?:good|fine|right|sensible|reasonable) )?| )(?:peak |"
        r"initial |"
        r"base |starting )?(?:learning[ _-]?rate|"
        r"\blr\b)",
    ),
    ("weight_decay", r" (?:as (?:the )?)?(?:weight[ _-]?decay|\bwd\b)"),
    (
        "max_tokens",
        r"[ -](?:new|output|generated|completion)[ -]tokens|[ -]tokens? (?:per (?:response|completion|output|answer|"
        r"generation|prompt|request)"
        r"|(?:of )?(?:output|completion)|max output|to generate|of generation)|"
        r"[ -]tokens? (?:of |for the )?(?:answers?|responses?|replies)\b",
    ),
    (
        "max_length",
        r"-token (?:sequences|inputs|contexts?|chunks|examples|windows?|blocks|samples)|"
        r"[ -]tokens?,? (?:altogether|in total|overall|(?:for )?(?:prompt|question) (?:and|\+) (?:answer|completion|"
        r"response))|"
        r"[ -]tokens? (?:per|for each|in each|for every|each) (?!step|batch|gpu|device|card|update|second|sec\b|s\b|"
        r"iteration|epoch|micro|day|hour|minute|user|optimi|global|answer|response|completion|output|reply|generation|"
        r"request|prompt\b|call)[a-z]{3,}\b|"
        r"[ -]tokens?(?: (?:(?:are|is|will be|should be|would be) (?:enough|plenty|sufficient|ok|fine)|suffice|"
        r"will do|would do|do(?=\W*\Z)|tops|(?:with|incl\w*|, ?)?\s?pack(?:ed|ing)|"
        r"max(?:imum)?|long|(?:of )?context|per (?:sequence|example|sample|input)|sequence length|"
        r"inputs?|each))|[ -]tokens?\b(?! per| of| to)|"
        r"[ -](?:token )?(?:context|seq(?:uence)?[ -]?len(?:gth)?|max[ -](?:length|seq(?:uence)?))(?: (?:window|"
        r"length))?|-token (?:sequences|inputs|context|chunks|examples)|"
        r"[ -](?:word[ -]?pieces?|sub-?words?|bpe tokens|tok)\b|[ -](?:ctx|context)\b",
    ),
    ("temperature", r" (?:as (?:the )?)?(?:sampling )?temp(?:erature)?\b"),
    ("top_p", r" (?:as )?(?:top[ _-]?p|nucleus)\b"),
    ("seed", r" (?:as|is|for) (?:the |a |our )?(?:random )?seed"),
    ("lora_r", r" (?:as )?(?:lora )?rank\b"),
    ("lora_dropout", r" (?:lora )?dropout\b"),
    ("max_grad_norm", r" (?:grad(?:ient)?[ -])?(?:clip(?:ping)?|max norm)\b"),
    ("tensor_parallel_size", r"-?way (?:tensor[ -]?parallel(?:ism)?|tp)\b"),
)

# One of these occurs wherever a field is named: cheaper to look for than the patterns.
SIGNS: dict[str, tuple[str, ...]] = {
    "gradient_accumulation_steps": ("acc", "ga", "every", "each", "grad"),
    "max_grad_norm": ("clip", "norm"),
    "warmup_ratio": ("warm",),
    "warmup_steps": ("warm", "wu", "ramp"),
    "learning_rate": (
        "lr",
        "rate",
        " at ",
        "@",
        "step",
        "peak",
        "eta",
        "adam",
        "sgd",
        "lion",
        "prop",
        "lamb",
        "adafactor",
        "schedule",
    ),
    "batch_size": (
        "process",
        "handle",
        "takes",
        "gets",
        "sees",
        "holds",
        "batch",
        "bs",
        "gbs",
        "per",
        "effective",
        "/",
        " a ",
    ),
    "weight_decay": ("decay", "wd", "l2"),
    "lora_alpha": ("alpha", "a=", "a =", "a ", "α", "scaling"),
    "lora_dropout": ("drop",),
    "lora_r": ("rank", "r"),
    "max_tokens": ("tok", "length", "output", "completion", "generation", "response", "answer", "repl"),
    "max_length": (
        "bptt",
        "through time",
        "len",
        "token",
        "context",
        "ctx",
        "seq",
        "window",
        "piece",
        "word",
        "tok",
        "size",
        "block",
        "trunc",
        "cut",
        "trim",
        "pad",
        "crop",
        "cap",
        "clip",
        "limit",
        "short",
    ),
    "tensor_parallel_size": ("parallel", "tp", "shard", "split", "spread", "distribut"),
    "max_steps": ("step", "iter", "update"),
    "epochs": ("ep", "pass"),
    "temperature": ("temp", "t"),
    "top_p": ("top", "nucleus", "p"),
    "seed": ("seed", "state"),
}

# Who or what a value is for, if not for the training itself.
ROLES: tuple[tuple[str, str], ...] = (
    ("eval", r"eval(?:uat(?:ion|e|ing))?s?|valid(?:at(?:ion|e|ing))?|\bval\b|\btest(?:ing)?\b|\bdev\b"),
    ("teacher", r"teachers?"),
    ("student", r"students?"),
    (
        "discriminator",
        r"discriminators?|critics?|\bnetd\b|\bdisc\b|q[ -]?(?:networks?|nets?|functions?)|\bqf?\d?(?=[ _](?:lr|"
        r"learning|opt)|[ _]?\Z)",
    ),
    ("generator", r"generators?(?! model)|\bnetg\b"),
    ("actor", r"actors?|policy(?: net(?:work)?)?(?! (?:steps|updates|gradient|iterations|optimi))"),
    ("draft", r"draft(?:er)?|speculative|assistant model"),
    ("judge", r"judges?|grader"),
    ("reward", r"reward(?: model)?"),
    ("reference", r"reference (?:model|policy)|ref model"),
    ("embedding", r"embedd(?:ing|er)(?: model)?|retriever|encoder model|rerank(?:er|ing)?"),
    ("tokenizer", r"tokeni[sz]er"),
    ("backbone", r"backbone|encoder(?! model)|trunk|body|pre-?trained (?:layers|part|weights)"),
    ("head", r"\bhead\b|classifier(?: layer)?|projection"),
    ("inference", r"inference|serving|at generation"),
    ("pretrain", r"pre-?train(?:ing)? (?:stage|phase|run)|stage (?:1|one)|phase (?:1|one)"),
    ("stage2", r"stage (?:2|two)|phase (?:2|two)"),
)
ROLE = tuple((name, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for name, words in ROLES)

_OTHER_FIELDS = (
    r"model|optimi[sz]er|scheduler|schedule|precision|dtype|dataset|output[ _]dir\w*|framework|hardware|gpus?|logging|"
    r"save[ _]\w+|eval\w*[ _]\w+|target[ _]modules|method|bf16|fp16|lr_scheduler\w*"
)
ANY_FIELD = re.compile(
    "|".join(rf"(?<![a-zA-Z])(?:{words})(?![a-zA-Z])" for _, words in NUMERIC)
    + rf"|(?<![a-zA-Z])(?:{_OTHER_FIELDS})(?![a-zA-Z])",
    re.IGNORECASE,
)
