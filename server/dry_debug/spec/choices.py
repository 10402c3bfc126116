"""Choices in one sentence: optimizer, scheduler, precision, method, framework, logging; asked for or forbidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from dry_debug.spec.context import asked_part, without_replaced
from dry_debug.spec.instruction import Kind
from dry_debug.spec.thing import Thing


class Choice(Thing):
    """One of `values` for a field ("one"), or none of them ("not"); its `unit` says of a logger that it is a tool."""


_WITH = (
    r"(?:use|using|with|via|on|in|through|by|library|framework|library:|run|serve with|built on|stack|and|\+|,|"
    r"plus|:|=|no|not|without|avoid|or|into|need|the|than|of|drop|skip|from)"
)
_TABLE: dict[str, tuple[tuple[str, str], ...]] = {
    "optimizer": (
        (
            "adamw_8bit",
            r"(?:paged[ _-])?(?:8[ _-]?bits? )(?:paged )?adam[ _-]?w|(?:paged[ _-])?adam[ _-]?w[ _-](?:in "
            r")?\(?(?:bnb[ _-])?8[ _-]?bit|"
            r"adamw8bit",
        ),
        ("adam_8bit", r"8[ _-]?bits? adam\b|adam[ _-]8[ _-]?bit|adam8bit"),
        (
            "adamw",
            r"adam[ _-]?w(?:_torch(?:_fused)?|_hf|[ _-]32[ _-]?bit)?\b|\badam\b(?: optimi[sz]er)?,? (?:with|using|"
            r"and) decoupled "
            r"(?:l2|weight[ -]decay)|\bdecoupled adam\b",
        ),
        ("adamax", r"adamax\b"),
        ("nadam", r"nadam\b"),
        ("radam", r"radam\b"),
        (
            "adam",
            r"(?-i:\bAdam\b|\badam\b)(?! (?:said|asked|wants?|says|and i|will(?! (?:do|be fine|suffice))|has|"
            r"mentioned|is(?! (?:fine|ok|okay|"
            r"good|enough|what|used|better|preferred|sufficient|the (?:optimi|default|right)))|was|told|wrote|"
            r"approved))",
        ),
        ("adafactor", r"ada-?factor\b"),
        ("adagrad", r"adagrad\b"),
        ("adadelta", r"adadelta\b"),
        ("sgd", r"\bsgd\b|stochastic gradient descent"),
        ("rmsprop", r"rms-?prop\b"),
        ("lion", r"(?-i:\bLion\b)|\blion(?: optimi[sz]er|_\d+bit)|optimi[sz]er\W{1,4}lion\b"),
        ("lamb", r"(?-i:\bLAMB\b)"),
        ("sophia", r"(?-i:\bSophia\b)(?= optimi)"),
        ("muon", r"\bmuon\b"),
        ("lbfgs", r"l-?bfgs\b"),
        ("novograd", r"\bnovograd\b"),
        ("lars", r"(?-i:\bLARS\b)"),
        ("adabelief", r"\bada-?belief\b"),
        ("prodigy", r"(?-i:\bProdigy\b)(?! of)"),
        ("shampoo", r"(?-i:\bShampoo\b)"),
    ),
    "scheduler": (
        (
            "cosine_with_restarts",
            r"cosine (?:annealing )?(?:schedule )?with (?:warm |hard |\w{1,5} )?restarts|cosine_with_restarts|"
            r"cosineannealingwarmrestarts",
        ),
        (
            "cosine",
            r"cosineannealing(?:lr)?\b|\bcos(?:ine|inus|\.)?(?:\b|(?<=\.))(?:[ _-]?(?:annealing(?:lr)?|decay|"
            r"schedule[r]?|"
            r"lr))*(?! (?:similarit|distance|loss|"
            r"embedding|metric))",
        ),
        ("onecycle", r"\b(?:one|1)[ _-]?cycle(?:lr)?\b"),
        (
            "plateau",
            r"reduc\w*[ _-]?(?:the )?(?:(?:lr|(?:learning[ -])?rate)[ _-]?)?(?:it )?(?:on|at|when)[ _-]?(?:an? )?"
            r"plateau|\b(?:halve|lower|reduce|cut|drop|decrease|divide)\w* (?:the )?(?:lr|learning[ -]rate|"
            r"rate)\b[^.;]{0,60}"
            r"\b(?:plateau\w*|stagnat\w*|stalls?|stops? (?:improving|falling|decreasing)|(?:does not|doesn't) "
            r"improve)\b|"
            r"\b(?:when(?:ever)?|once|as soon as)\b[^.;]{0,40}\b(?:plateau\w*|stagnat\w*|stalls?|stops? (?:improving|"
            r"falling|decreasing)|"
            r"(?:does not|doesn't) improve)\b[^.;]{0,30}?\b(?:halve|lower|reduce|cut|drop|decrease|divide)\w* (?:the "
            r")?(?:lr|learning[ -]rate|rate)\b|"
            r"\bplateau schedul\w+|\bplateaus?\b[^.;]{0,30}\b(?:reduce|halve|lower|cut)\w*\b[^.;]{0,20}\b"
            r"(?:lr|learning)",
        ),
        ("constant_with_warmup", r"constant[ _](?:lr |learning rate |schedule )?with[ _]warm-?up|constant_with_warmup"),
        ("polynomial", r"\bpoly(?:nomial)?(?: decay| schedule[r]?| lr)\b|schedule[r]?\W{1,3}poly(?:nomial)?\b"),
        ("inverse_sqrt", r"inverse[ _-](?:sqrt|square[ -]root)|\bnoam\b"),
        (
            "exponential",
            r"(?:lr|learning[ -]rate) (?:decay|schedule)\W{1,4}(?:is )?exponential|\b(?:multipl\w+|scal\w+|"
            r"decay\w*) (?:the |it |lr )*(?:lr |learning[ -]rate |it )?by (?:a factor of )?0?\.[5-9]\d* (?:after |"
            r"at the end of )?"
            r"(?:every|each|per) epoch\b|exponential(?:lr|"
            r" (?:lr )?(?:decay|schedule[r]?))",
        ),
        (
            "step",
            r"\bsteplr\b|\bmulti-?step(?:lr)?\b|\bstep (?:lr |learning rate )?(?:decay|schedule[r]?)\b|"
            r"(?<!per )(?<!each )(?<!every )\bstep (?:lr|learning[ -]rate)\b(?!\s*[:=])|\b(?:lr|"
            r"learning[ -]rate)\b[^.;]{0,24}?(?:[x×*÷]|times|by|/) ?"
            r"(?:a factor of )?(?:0?\.\d+|10)\b[^.;]{0,12}\bevery\b|\bdecay\w* (?:it |the lr )?by (?:a factor of )?"
            r"(?:0?\.\d+|10)\b[^.;]{0,12}\bevery\b|\b(?:halve|drop|decay|divide|reduce|cut|multiply|"
            r"lower)\w*\b[^.;]{0,40}"
            r"\b(?:lr|learning[ -]rate)\b(?:[^.;]|\.\d){0,40}\b(?:every|(?:at|after|on) (?:the )?(?:epochs?|steps?|"
            r"milestones?|"
            r"\d+))\b|\b(?:lr|learning[ -]rate)\b(?:[^.;]|\.\d){0,30}\b(?:halved|divided|"
            r"dropped|drops|falls|decays|decayed|reduced|multiplied|lowered|scaled|cut)\b(?:[^.;]|"
            r"\.\d){0,30}\b(?:every|(?:at|after|"
            r"on) (?:the )?"
            r"(?:epochs?|steps?|milestones?|\d+)|all \d+ epochs)\b|\bmilestones\b(?=[^.;]{0,12}\d)|"
            r"\bgamma\W{1,3}(?:of )?0?\.\d+\b[^.;]{0,12}\bevery \d+",
        ),
        ("wsd", r"\bwsd\b|warm-?up[ -]stable[ -]decay"),
        (
            "linear",
            r"\A\W*linear\W*\Z|(?<=e-[1-9], )linear\b|(?<=cosine or )linear\b|(?<=constant or )linear\b|"
            r"(?<=cosine/)linear\b|"
            r"\blinear\b(?=,? not (?:a )?(?:cos|const))|\blinear(?:ly)?(?: (?:lr|learning[ -]rate))?(?:[ "
            r"_](?:decay(?:ing|ed)?|"
            r"schedule[r]?|lr|annealing))+(?! ?scaling)|"
            r"(?:lr[ _]?)?schedule[r]?(?:[ _]type)?\W{1,4}(?:is |= ?)?linear\b"
            r"|(?:then|followed by|into)(?: an?)? linear\b(?! warm| layer)|(?:lr|learning[ -]rate|warm-?up|"
            r"schedul\w+|decay)\b"
            r"[^.;]{0,40}?(?<!all )(?<!all-)\blinear\b(?=\s*(?:[,;)]|\.?\Z|with\b|w/|after\b|to (?:0|zero)\b|schedul))"
            r"|(?:decay|anneal)(?:ed|s|ing)?(?: \w+){0,3} linearly|\b(?:goes?|going|falls?|falling|drops?|dropping|"
            r"shrinks?|lowered|runs?) "
            r"(?:down )?linearly (?:down )?(?:to|towards)\b|\b(?:goes?|falls?|drops?) (?:down )?(?:to (?:0|zero) "
            r")linearly|linearly (?:decay|anneal|decreas|reduc)\w*|"
            r"\blinear annealing|\blinear\b(?=\s*(?:or|/)\s*(?:a )?(?:cos|constant|poly))|"
            r"\b(?:cosine|constant)(?: or |/)linear\b|linear warm-?up (?:and|\+|/|then|,|followed by)(?: a)? (?:linear "
            r")?decay(?! \w*cos)",
        ),
        (
            "constant",
            r"(?<=e-[1-9], )(?:constant|flat|fixed)\b(?! (?:with|seed))|\bconstant\b(?=,? (?:after|following|from "
            r"the end of) (?:an? |the )?(?:\w+ )?warm)|"
            r"\b(?:kill|remove|drop|ditch|disable|turn off|get rid of|lose|scrap) (?:the |any )?(?:lr |learning[ "
            r"-]rate )?"
            r"(?:schedule[r]?|decay)\b(?! (?:to|by|at|rate))|"
            r"\b(?:then|and) hold\b(?: (?:it|the lr|there|constant|flat))?(?=\s*(?:\Z|[,.;]))|"
            r"\b(?:then|afterwards?|after (?:it|that|this|which)|from (?:there|then)(?: on)?|"
            r"thereafter)[ ,:]*(?:it |the lr |lr )?"
            r"(?:is |stays? |remains? |kept |held |an? )*(?:constant|flat)\b|"
            r"\b(?:constant|fixed|flat)[ _-](?:\d[\d.]*(?:e-?\d+)? )?(?:lr\b|learning[ -]rate|schedule[r]?)|(?:lr[ "
            r"_]?)?schedule[r]?(?:[ "
            r"_]type)?\W{1,4}(?:constant|none)\b|keep (?:the )?(?:lr|learning rate) (?:constant|fixed|flat)"
            r"|\bno (?:lr |learning[ -]rate )?(?:schedule[r]?|decay|annealing)\b(?! (?:on|of|for) (?:the )?weights)|"
            r"\b(?:lr|learning[ -]rate) (?:does not|doesn't|must not|should not|shouldn't|never|won't) change|without "
            r"(?:an? |any )?(?:lr |learning[ -]rate "
            r")?schedule[r]?|\b(?:lr|learning[ -]rate)\b(?:[^.;,]{0,24}|[^.;,()]{0,40})\b(?:constant|fixed|"
            r"flat)\b(?! (?:with\b|warm|seed))",
        ),
    ),
    "precision": (
        ("bf16", r"\bb(?:f|float)[ _-]?16(?:-mixed|-true)?\b|brain ?float"),
        (
            "fp16",
            r"\b(?:fp|float)[ _-]?16\b|\bhalf[ -]precision\b|\bdtype\W{1,4}(?:torch\.)?half\b|\b16-(?:mixed|"
            r"true)\b|\bprecision\W{1,3}16\b(?![ -]?bit)",
        ),
        ("tf32", r"\btf32\b"),
        ("fp8", r"\bfp8\b|\bfloat8\b"),
        (
            "fp32",
            r"\b(?:fp|float)[ _-]?32\b|\bfull[ -]precision\b|\b32-?bit (?:precision|floats?)\b|\bno (?:mixed "
            r"precision|amp)\b|\bsingle[ -]precision\b|\b(?:amp|mixed[ -]precision|autocast) (?:is |stays |turned |"
            r"switched )*off\b|without (?:mixed precision|amp)\b",
        ),
        (
            "mixed",
            r"\bmixed[ -]precision\b|\b(?-i:AMP)\b|(?:(?<=[+,&/;] )|(?<=[+,&/;]))amp\b(?=\s*(?:\Z|[,.;)+&]))|"
            r"(?<=use )amp\b|(?<=with )amp\b(?! (?:up|to))|\bautocast\b|\b16[ -]?bits?\b(?! lora)(?: (?:mixed "
            r")?precision| "
            r"floats?)?",
        ),
    ),
    "method": (
        (
            "qlora",
            r"\bq-?lora\b|\b4[ -]?bit lora\b|\b(?:4[ -]?bit|nf4)\b(?:(?!\b(?:no|not|without)\b)[^.;]){0,40}\blora\b|"
            r"\blora\b(?:(?!\b(?:no|not|without|or|merge\w*)\b)[^.;]){0,40}\b(?:4[ -]?bit|nf4)\b|\blora (?:on|over|"
            r"with|in) (?:a |the )?(?:4[ -]?bit|nf4|quanti[sz]ed)",
        ),
        ("dora", r"(?-i:\bDoRA\b)"),
        (
            "lora",
            r"(?<!turn off )\blora(?:config)?\b|\b(?:train|tune|update)\w* (?:only|just) (?:the )?adapters?\b|"
            r"\b(?:only|just) (?:the )?adapters? (?:is|are|get|gets|should be) (?:train|tun|updat)|low[ -]rank "
            r"adapt(?:ers?|ation)",
        ),
        (
            "full",
            r"\b(?:full|all)[ -]param(?:eter)?s?\b(?! count| list| of)|\bfull(?:[ -]parameter|[ -]weight|"
            r"-model)?[ -]*(?:fine[ -]?tun\w*|finetun\w*|ft\b|training of all)|"
            r"\b(?:fine[ -]?tun\w*|tun(?:e|ing)|train|update) (?:all|every|the whole|the full|the entire)(?: "
            r"of)?(?: the)? "
            r"(?:weights?|parameters?|params|layers?|model|network)\b|\b(?:all|every|the full set of)(?: of)?(?: "
            r"the| its)? (?:model )?"
            r"(?:weights?|parameters?|params|layers?) (?:are|is|get|gets|should be|must be|will be|to be) (?:\w+ )?"
            r"(?:train|updat|"
            r"tun|fine)\w*|\bno (?:adapters?|peft|parameter[ -]efficient \w+)\b(?! weights)|\bmethod\W{1,3}full\b|"
            r"\b(?:all|every|the whole) (?:layers?|weights?|parameters?|network|model)(?: (?:is|are))? "
            r"trainable\b|"
            r"finetuning_type\W{1,3}full|\bunfreeze (?:everything|all(?: \w+)?|the (?:whole|entire) \w+)(?=\s*(?:\Z|"
            r"[,.;)]))",
        ),
        (
            "linear_probe",
            r"\blinear prob\w+|\bfreeze (?:the )?(?:whole |entire |pre-?trained )*(?:backbone|encoder|body|base|"
            r"trunk)\b|\bfreez(?:e|ing) (?:everything|all(?: \w+)?|"
            r"the rest|the whole \w+) (?:except|but|apart from)(?: for)? (?:the )?(?:\w+ ){0,2}(?:head|classifier|"
            r"fc|last|final)|\b(?:only|just) (?:train|tune|"
            r"fine-?tune) (?:the )?(?:(?:new|final|last|classification) )*(?:head|classifier|layer)\b|\bfrozen "
            r"(?:backbone|encoder)\b|\b(?:backbone|trunk|body)(?: (?:is|stays|remains|kept|should be|must be|to be))* "
            r"frozen\b",
        ),
        ("prefix", r"\b(?:prefix|prompt|p)[ -]tuning\b"),
        ("ia3", r"\bia\^?3\b|\(IA\)\^?3"),
        (
            "scratch",
            r"\b(?:train\w*|pre-?train\w*) (?:\w+ ){0,3}from scratch\b|\brandom(?:ly)? init\w*|\b(?:no|without(?: "
            r"any)?) pre-?trained "
            r"(?:weights|checkpoint)s?\b|\A\W*from scratch\b|(?<=, )from scratch\b",
        ),
    ),
    "framework": (
        ("vllm", r"\bvllm\b"),
        ("sglang", r"\bsg-?lang\b"),
        (
            "trl",
            r"(?-i:\bTRL\b)|\btrl\b(?=\s*(?:,|\+|and\b|/|\.?\Z))|\btrl\b(?='s| library|\W*sft)|\b(?:sft|dpo|grpo|"
            r"ppo|orpo|kto)[ -]?trainer\b|(?:with|use|"
            r"using|via) trl\b",
        ),
        (
            "lightning",
            r"\b(?:pytorch[ -]?)?lightning(?:cli|module|datamodule)?\b(?! (?:fast|quick|ai studio))|"
            r"(?-i:\bFabric\b)",
        ),
        (
            "trainer",
            r"\b(?:hf|hugging ?face|transformers)(?:'s?)? trainer\b|\btrainer api\b|(?-i:(?:[Tt]he|a|HF|[Uu]se|[Nn]o|"
            r"with|[Ww]ithout|via|[Uu]sing|[Nn]ot) `? ?Trainer\b)|(?-i:Trainer) (?:from|of|in) (?:hf |hugging ?face "
            r")?transformers\b|\btransformers\.trainer\b|framework\W{1,3}trainer\b",
        ),
        (
            "accelerate",
            r"\b(?:hf|hugging ?face)(?:'s)? accelerate\b|\baccelerate (?:library|launch|config)\b|(?-i:(?:use|using|"
            r"with|via|no|through|on) `? ?[Aa]ccelerate\b)(?! (?:the|training))|"
            r"(?-i:\A\W*[Aa]ccelerate\b)(?=\s*(?:[+&/,]|\Z))|"
            r"(?-i:(?<=and )[Aa]ccelerate\b)(?=\s*(?:[.,;:)]|\Z))",
        ),
        ("deepspeed", r"\bdeep-?speed\b|\bzero[ -]?(?:stage )?[123]\b"),
        ("fsdp", r"\bfsdp2?\b"),
        ("ddp", r"\bddp\b|\bdistributeddataparallel\b|\bdata[ -]parallel\b"),
        ("unsloth", r"\bunsloth\b"),
        ("axolotl", r"\baxolotl\b"),
        ("composer", r"(?-i:\bComposer\b)|\bmosaic ?ml(?:'s)? composer\b"),
        ("fastai", r"\bfast\.?ai\b"),
        ("ignite", r"\b(?:py-?torch[ -])?ignite\b(?! (?:the|a|an|interest)\b)"),
        ("llama-factory", r"\bllama[ -]?factory\b"),
        ("torchtune", r"\btorch-?tune\b"),
        ("mmengine", r"\bmm-?engine\b"),
        ("setfit", r"\bset-?fit\b"),
        ("diffusers", r"\bdiffusers\b"),
        ("flair", r"(?-i:\bFlair\b)"),
        ("skorch", r"\bskorch\b"),
        ("nemo", r"(?-i:\bNeMo\b)"),
        ("megatron", r"\bmegatron(?:-?lm)?\b"),
        ("ms-swift", r"\bms-?swift\b"),
        ("open-clip", r"\bopen-?clip\b"),
        ("speechbrain", r"\bspeech-?brain\b"),
        ("stable-baselines3", r"\bstable-?baselines ?3?\b|\bsb3\b"),
        ("lmdeploy", r"\blmdeploy\b"),
        ("openrlhf", r"\bopenrlhf\b"),
        ("verl", r"(?-i:\bverl\b)"),
        ("peft", r"\bpeft\b"),
        ("bitsandbytes", r"\bbitsandbytes\b|\bbnb\b"),
        (
            "pytorch",
            r"\b(?:plain|pure|vanilla|raw|bare|native|simple)[ -](?:py)?torch\b|\bpy-?torch only\b|"
            r"\b(?:training )?loop (?:is |should be |must be )?(?:written )?by hand\b|\b(?:hand-?written|custom|own|"
            r"manual|plain|simple) (?:py-?torch )?(?:training )?loop\b|"
            r"framework\W{1,3}py-?torch\b",
        ),
        (
            "transformers",
            rf"(?:\b{_WITH}\s+)(?:vanilla |plain |hf |hugging ?face )?transformers(?!'? ?trainer)\b(?! (?:4|5|"
            rf"version|are|architecture))|\btransformers(?=\s*(?:\+|and|/|&|with)\s*(?:peft|trl|accelerate|datasets"
            rf"|bitsandbytes))|\b(?:hf|hugging ?face|vanilla|plain) transformers\b|"
            rf"framework\W{{1,3}}transformers\b",
        ),
        ("keras", r"\bkeras\b"),
        ("jax", r"(?-i:\bJAX\b)"),
        ("timm", r"\btimm\b"),
        ("sentence-transformers", r"(?<![/\w])sentence[ -]transformers\b(?!/)"),
        ("torchvision", r"\btorchvision\b"),
        ("tgi", r"(?-i:\bTGI\b)"),
        ("ollama", r"\bollama\b"),
        ("llama.cpp", r"\bllama\.?cpp\b"),
    ),
    "logging": (
        ("wandb", r"\bwandb\b|\bweights ?(?:&|and) ?biases\b|\bw&b\b"),
        ("tensorboard", r"\btensor-?board\b|(?<![\d.] )\btb\b(?! of)(?=[^.;]{0,12}(?:every|log|\Z|[,;]))"),
        ("mlflow", r"\bmlflow\b"),
        ("comet", r"\bcomet(?:[_.]?ml)?\b"),
        ("neptune", r"\bneptune\b"),
        ("clearml", r"\bclearml\b"),
        ("trackio", r"\btrackio\b"),
        (
            "csv",
            r"\bcsv[ _-]?log(?:ger|ging|s|file)?\b|\blogg(?:er|ing)\W{1,3}csv\b|\blog(?:s|ged|ging)? (?:\w+ "
            r"){0,2}(?:to|in|into|as) (?:a )?csv\b",
        ),
        (
            "none",
            r"\bno (?:external |experiment )?(?:logging|trackers?|tracking)\b|\b(?:disable|turn off|switch off) (?:all "
            r")?(?:the )?(?:experiment )?(?:logging|tracking|reporting|trackers?|loggers?)\b|\b(?:don'?t|do not) "
            r"(?:report|log|track) "
            r"(?:it |this |to )?(?:anywhere|any(?:thing| tracker| service)|online)\b|\b(?:logging|tracking|tracker|"
            r"report_to)"
            r"\s*[:=|]\s*(?:off|none|disabled|no)\b|report[_ ]to\W{1,4}none\b",
        ),
    ),
}


@cache
def _patterns() -> dict[str, tuple[tuple[str, re.Pattern[str]], ...]]:
    """The table compiled, when the first text is read."""
    return {
        field: tuple((name, re.compile(words, re.IGNORECASE)) for name, words in rows) for field, rows in _TABLE.items()
    }


_NO_BEFORE = re.compile(
    r"\b(?:anything but|everything but|no|not|don'?t|do not|never|without|avoid|skip|drop|disable|instead of|rather "
    r"than|remove|ban|isn'?t|"
    r"neither|nor|must not|shouldn'?t|mustn'?t|"
    r"not allowed to|no need (?:for|to)|stay away from|get rid of|away from|rip out|except|replacing|"
    r"replace)\b(?:\s+(?:use|using|want|need|bother|be|train|fine-?tune|do|run|log|report|write|"
    r"the|a|an|any|to|with|in|via|on|of|for|have|add|bring|pull|hf|hugging ?face|plain|vanilla|install|touch|go|"
    r"anything|like|more|than|reach|default|import|turn|enable|wrap|it|"
    r"this))*\s*(?:[\w/.-]+\s*(?:(?:,\s*[\w/.-]+\s*)*,?\s*(?:or|nor|and)\s+|"
    r"/\s*))?\Z",
    re.IGNORECASE,
)
_NO_WORD = re.compile(r"(?:no|not|without)(?= )", re.IGNORECASE)  # a pattern that begins with it: "no Trainer"
# "vLLM isn't available on that box"
_NO_BEHIND = re.compile(
    r"\s*(?:must|should|may|can|shall|is to|are to)(?: not|n'?t) be (?:used|installed|needed)\b|\s*(?:is|are) not to "
    r"be used\b|"
    r"\s*(?:(?:is|are|was)(?:n'?t| not| no)|won'?t|will not|can(?:no|')t|does ?n[o']t|not)\s+(?:really |be |"
    r"an? )?(?:available|installed|"
    r"option|allowed|supported|possible|needed|necessary|wanted|required|work|run|used|desired|worth|approved)\b|"
    r"\s*(?:is |are |stays? |turned |switched |should be |must be )*(?:off|disabled)\b|"
    r"\s*(?:(?:of|on|with) [\w./-]+ )?(?:is|are|would be)\s+(?:unavailable|out\b|off the table|overkill|forbidden|"
    r"banned|too much)",
    re.IGNORECASE,
)
# "our W&B licence ends in March": why another one is asked for
_SUBSCRIBED = re.compile(r"\s+(?:licen[cs]e|account|contract|subscription|quota|trial|seat)s?\b", re.IGNORECASE)
# "the T4 can't do bf16", "the full fine-tune is too expensive": why something else is asked for
_CANNOT = re.compile(
    r"\b(?:can(?:'?t|not)|does(?: not|n'?t)|do(?: not|n'?t)) (?:do|run|handle|support|have)\s+\Z|"
    r"\b(?:gpus?|cards?|[tvpkla]\d{1,3}s?|\d0[5-9]0s?|it|they) (?:has|have|knows?|do) no(?: support for)? \Z|\blacks? "
    r"\Z|\btoo old for \Z",
    re.IGNORECASE,
)
_TOO = re.compile(
    r"\s*(?:(?:of|on|with) [\w./-]+ )?(?:is|are|was|would be) (?:much |far |way |just )?too "
    r"(?:expensive|slow|large|big|costly|heavy|wasteful|memory)\b",
    re.IGNORECASE,
)
# "wandb in addition to TensorBoard": the second is there already
_BESIDE = re.compile(
    r"\b(?:in addition to|besides|on top of|next to|alongside)(?: the| our)?(?: (?:existing|usual|present))? "
    r"[\w-]+",
    re.IGNORECASE,
)
_JOIN = re.compile(r"\s*(?:,|\bor\b|/|, or)\s*(?:or\s+)?(?:a |an |the |plain |with )?\s*\Z", re.IGNORECASE)
# A value here never becomes forbidden by "no": the word is part of it.
_OWN_NO = frozenset(("constant", "fp32", "none", "scratch"))
_NOT_REFUSED = frozenset(("full", "linear_probe"))


def _of_an_id(text: str, start: int, end: int) -> bool:
    """Whether a word is a part of an id or path: `diffusers/some-captions`."""
    whole = text[text.rfind(" ", 0, start) + 1 :].split(" ", 1)[0].strip("()[],.;:`'\"")
    other = whole.replace(text[start:end], "", 1)
    return "/" in other and re.search(r"\w[-_.]\w|\d", other) is not None


_INSTEAD = re.compile(
    r"\b(?P<what>linear|constant|cosine|polynomial|exponential)\b (?:instead of|rather than|not|over) (?:a |the "
    r")?(?:cosine|linear|constant|poly|"
    r"step|exponential)",
    re.IGNORECASE,
)


def choices(sentence: str, question: bool = False, *, settings: bool = False) -> list[Choice]:
    """The choices of a sentence, in order."""
    asked = sentence if settings else asked_part(sentence, question)
    text = asked if settings else _BESIDE.sub(lambda m: " " * len(m[0]), without_replaced(asked))
    low = text.lower()
    found: list[Choice] = []
    for field, rows in _patterns().items():
        hits: list[Choice] = []
        for name, pattern in rows:
            for match in pattern.finditer(text):
                if any(match.start() < h.end and h.start < match.end() for h in hits):
                    continue
                if field == "framework" and _of_an_id(text, match.start(), match.end()):
                    continue
                if field == "precision" and _about_weights(low, match.start(), match.end()):
                    continue
                if field in ("precision", "method") and (
                    _CANNOT.search(text[: match.start()]) or _TOO.match(text, match.end())
                ):
                    continue
                if field == "logging" and _SUBSCRIBED.match(text, match.end()):
                    continue
                kind: Kind = "one"
                before = text[max(0, match.start() - 60) : match.start()]
                if name not in _NOT_REFUSED:
                    before += (_NO_WORD.match(match[0]) or [""])[0]
                refused = field in ("framework", "method", "logging") and _NO_BEHIND.match(text, match.end())
                if name not in _OWN_NO and (refused or _NO_BEFORE.search(before)):
                    kind = "not"
                hits.append(
                    Choice(
                        field,
                        (name,),
                        kind,
                        match[0].strip(),
                        match.start(),
                        match.end(),
                        unit="tool" if field == "logging" else "",
                    )
                )
        contrast = _INSTEAD.search(sentence) if field == "scheduler" and not hits and not settings else None
        if contrast is not None and asked[contrast.start() : contrast.start("what") + 3].strip():
            name = contrast["what"].lower()
            hits.append(Choice(field, (name,), "one", contrast["what"], *contrast.span("what")))
        hits.sort(key=lambda h: h.start)
        found.extend(_joined(hits, text))
    if not settings:
        found.extend(_replaced(sentence, asked, found))
    found.sort(key=lambda c: c.start)
    return _plain(found, text)


# Of these a run has one: what is asked for rules the others out.
_EXCLUSIVE = frozenset(("optimizer", "scheduler", "precision", "method"))
_CONTRAST = re.compile(r"\s*[,(]?\s*(?:and )?not (?:the |a |an |plain )?\Z", re.IGNORECASE)


def _plain(found: list[Choice], text: str) -> list[Choice]:
    """The choices without what others of the same sentence say already: "bf16 mixed precision", "Adam not AdamW"."""
    contrasted = {
        id(c)
        for one in found
        for c in found
        if one.kind == "one" and c.kind == "not" and one.field == c.field and c.field in _EXCLUSIVE
        and _CONTRAST.fullmatch(text[one.end : c.start])
    }  # fmt: skip
    exact = any(c.field == "precision" and c.kind == "one" and c.values != ("mixed",) for c in found)
    return [
        c
        for c in found
        if id(c) not in contrasted and not (exact and c.field == "precision" and c.values == ("mixed",))
    ]


def _joined(hits: list[Choice], text: str) -> Iterator[Choice]:
    """The hits with alternatives as one: "Adam or AdamW"."""
    at = 0
    while at < len(hits):
        one, end = hits[at], hits[at].end
        values = [*one.values]
        joined = 1
        while at + joined < len(hits) and hits[at + joined].kind == one.kind:
            between = text[end : hits[at + joined].start]
            alternatives = (
                re.search(
                    r"\bor\b|/|\||\belse\b|\botherwise\b" + (r"|,|\band\b|&|\+" if one.field == "logging" else ""),
                    between,
                )
                and len(between) < 24
                and (one.field == "logging" or not re.search(r"\b(?:and|then|with)\b", between))
            )
            if one.kind == "one" and not alternatives:
                break
            if one.kind == "not" and not re.fullmatch(r"[\s,/]*(?:or|and|nor)?[\s\w]{0,8}", between):
                break
            if one.kind == "not":
                break
            values.extend(hits[at + joined].values)
            end = hits[at + joined].end
            joined += 1
        yield Choice(one.field, tuple(dict.fromkeys(values)), one.kind, one.written, one.start, end, unit=one.unit)
        at += joined


def _replaced(sentence: str, asked: str, found: list[Choice]) -> Iterator[Choice]:
    """What is not to be used any more: "vLLM instead of transformers" forbids transformers."""
    for match in re.finditer(
        r"(?:\b(?:instead of|rather than|in place of|replac(?:es?|ing)|not the|and not)|[(,] ?not)\b([^,;.()]*)",
        sentence,
        re.IGNORECASE,
    ):
        if not asked[match.start() : match.end()].strip() and not match[0].startswith("("):
            continue  # told of the past, or of others
        for field in ("framework", "logging"):
            for name, pattern in _patterns()[field]:
                hit = pattern.search(sentence, match.start(), match.end())
                if hit is not None and not any(hit.start() < c.end and c.start < hit.end() for c in found):
                    if name == "transformers" and any(c.values == ("trainer",) for c in found):
                        continue
                    unit = "tool" if field == "logging" else ""
                    yield Choice(field, (name,), "not", hit[0].strip(), hit.start(), hit.end(), unit=unit)


def _about_weights(low: str, start: int, end: int) -> bool:
    """Whether it is the precision of a part: "fp32 master weights", "keep the norm layers in fp32"."""
    return bool(
        re.match(r"[ -](?:master|accumulat|copy|optimizer|norm|layer|head|loss|softmax|logits|reduc)", low[end:])
        or re.search(
            r"(?:norm\w*|layer ?norms?|loss|softmax|logits|master weights|head|optimizer states?)(?: \w+){0,2} (?:in|"
            r"as|at)\s*\Z",
            low[:start],
        )
    )
