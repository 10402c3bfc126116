"""Under which names packages are installed that are imported under others, and what they bring along. Data only."""

from __future__ import annotations

from dry_debug.program.package_names import normal

# Import name: the distributions that hold it, those that people install by hand first.
_DISTRIBUTIONS = """
    cv2 opencv-python opencv-python-headless opencv-contrib-python opencv-contrib-python-headless opencv
    PIL pillow pillow-simd
    sklearn scikit-learn
    skimage scikit-image
    yaml pyyaml
    bs4 beautifulsoup4
    Crypto pycryptodome pycrypto
    attr attrs
    absl absl-py
    dateutil python-dateutil
    dotenv python-dotenv
    docx python-docx
    pptx python-pptx
    fitz pymupdf
    git gitpython
    google protobuf google-cloud-storage google-api-python-client google-generativeai google-genai google-auth
    grpc grpcio
    hydra hydra-core
    jwt pyjwt
    Levenshtein python-levenshtein levenshtein rapidfuzz
    magic python-magic
    MySQLdb mysqlclient
    OpenSSL pyopenssl
    OpenGL pyopengl
    serial pyserial
    usb pyusb
    zmq pyzmq
    wx wxpython
    umap umap-learn
    hdbscan hdbscan scikit-learn
    faiss faiss-cpu faiss-gpu faiss-gpu-cu12
    flash_attn flash-attn
    apex apex nvidia-apex
    pytorch_lightning pytorch-lightning lightning
    lightning_fabric lightning-fabric lightning pytorch-lightning
    lightning_utilities lightning-utilities lightning pytorch-lightning torchmetrics
    lightning lightning pytorch-lightning
    torch torch pytorch pytorch-cuda libtorch
    torchvision torchvision pytorch
    torchaudio torchaudio pytorch
    functorch torch pytorch functorch
    torch_geometric torch-geometric pyg
    torch_scatter torch-scatter pytorch-scatter
    torch_sparse torch-sparse pytorch-sparse
    torch_cluster torch-cluster pytorch-cluster
    torch_xla torch-xla
    tensorboard tensorboard tensorflow tensorflow-gpu tb-nightly
    tensorboardX tensorboardx
    tensorflow tensorflow tensorflow-gpu tensorflow-cpu tf-nightly
    tensorflow_datasets tensorflow-datasets tfds-nightly
    tensorflow_probability tensorflow-probability
    keras keras tensorflow tensorflow-gpu
    mpl_toolkits matplotlib
    pylab matplotlib
    gym gym gymnasium gym-notices
    mujoco_py mujoco-py
    dm_control dm-control
    detectron2 detectron2
    pycocotools pycocotools pycocotools-windows
    pycocoevalcap pycocoevalcap
    nvidia nvidia-dali nvidia-dali-cuda110 nvidia-ml-py
    pynvml pynvml nvidia-ml-py nvidia-ml-py3
    wandb wandb
    huggingface_hub huggingface-hub transformers
    mmcv mmcv mmcv-full mmcv-lite
    mmengine mmengine
    pl_bolts lightning-bolts pytorch-lightning-bolts
    segmentation_models_pytorch segmentation-models-pytorch
    efficientnet_pytorch efficientnet-pytorch
    pretrainedmodels pretrainedmodels
    rouge_score rouge-score
    sentence_transformers sentence-transformers
    speech_recognition speechrecognition
    editdistance editdistance
    jieba jieba jieba-fast
    lxml lxml
    IPython ipython jupyter notebook jupyterlab ipykernel
    ipywidgets ipywidgets jupyter
    notebook notebook jupyter
    nbformat nbformat jupyter notebook
    pythonjsonlogger python-json-logger
    sentencepiece sentencepiece
    prompt_toolkit prompt-toolkit
    igraph python-igraph igraph
    community python-louvain
    rdkit rdkit rdkit-pypi
    openai openai
    streamlit streamlit
    telegram python-telegram-bot
    slugify python-slugify
    jose python-jose
    multipart python-multipart
    ffmpeg ffmpeg-python
    moviepy moviepy
    decord decord eva-decord
    av av
    clip clip openai-clip git+https
    xformers xformers
    tiktoken tiktoken
    vllm vllm
    sglang sglang
    deepspeed deepspeed
    bitsandbytes bitsandbytes
"""

# Distribution: import names that come with it, because it requires them.
_BRINGS = """
    torch filelock sympy networkx jinja2 fsspec typing_extensions mpmath markupsafe numpy triton tqdm
    pytorch filelock sympy networkx jinja2 typing_extensions numpy
    torchvision torch numpy PIL
    torchaudio torch
    numpy
    pandas numpy dateutil pytz six
    scipy numpy
    scikit-learn numpy scipy joblib threadpoolctl
    scikit-image numpy scipy networkx PIL imageio tifffile
    matplotlib numpy PIL cycler kiwisolver dateutil pyparsing packaging contourpy fontTools six
    seaborn numpy pandas matplotlib scipy
    opencv-python numpy
    opencv-python-headless numpy
    transformers numpy tqdm requests yaml regex packaging tokenizers safetensors huggingface_hub filelock fsspec
    tokenizers huggingface_hub
    huggingface-hub requests yaml tqdm filelock packaging fsspec httpx
    datasets numpy pandas pyarrow dill multiprocess xxhash aiohttp fsspec tqdm requests huggingface_hub yaml packaging
    evaluate datasets numpy pandas tqdm dill requests huggingface_hub xxhash multiprocess packaging fsspec
    accelerate torch numpy psutil yaml huggingface_hub safetensors packaging
    peft torch transformers accelerate numpy psutil yaml tqdm safetensors huggingface_hub packaging
    trl torch transformers accelerate datasets numpy tqdm
    diffusers numpy PIL regex requests huggingface_hub safetensors filelock importlib_metadata
    sentence-transformers torch transformers numpy scipy sklearn PIL tqdm huggingface_hub nltk sentencepiece
    timm torch torchvision huggingface_hub safetensors yaml
    pytorch-lightning torch numpy torchmetrics tqdm yaml packaging fsspec lightning_utilities tensorboard
    pytorch-lightning lightning_fabric
    lightning torch numpy torchmetrics tqdm yaml packaging fsspec lightning_utilities pytorch_lightning lightning_fabric
    torchmetrics torch numpy packaging lightning_utilities
    deepspeed torch numpy tqdm psutil packaging pydantic einops ninja
    bitsandbytes torch numpy
    vllm torch transformers numpy tokenizers fastapi uvicorn openai pydantic requests tqdm psutil ray xformers PIL
    vllm outlines
    vllm torchvision torchaudio triton huggingface_hub safetensors sentencepiece yaml zmq msgspec tiktoken cloudpickle
    sglang torch transformers numpy requests tqdm fastapi uvicorn pydantic zmq PIL openai aiohttp
    wandb requests yaml psutil click git sentry_sdk platformdirs setproctitle google
    tensorboard numpy google absl markdown werkzeug grpc six setuptools
    tensorboardx numpy google packaging
    tensorflow numpy absl google keras h5py tensorboard six wrapt termcolor opt_einsum astunparse typing_extensions
    tensorflow-gpu numpy absl google keras h5py tensorboard six
    jax numpy scipy jaxlib opt_einsum ml_dtypes
    flax jax numpy msgpack optax yaml rich
    hydra-core omegaconf yaml antlr4 packaging
    omegaconf yaml antlr4
    gym numpy cloudpickle gym_notices
    gymnasium numpy cloudpickle
    stable-baselines3 torch numpy gym gymnasium pandas matplotlib cloudpickle
    nltk tqdm regex joblib click
    spacy numpy tqdm requests pydantic jinja2 srsly thinc catalogue typer packaging
    librosa numpy scipy sklearn joblib soundfile numba audioread soxr pooch decorator resampy
    soundfile numpy cffi
    numba numpy llvmlite
    statsmodels numpy scipy pandas patsy packaging
    xgboost numpy scipy
    lightgbm numpy scipy
    gradio numpy pandas PIL fastapi uvicorn pydantic httpx requests jinja2 markupsafe aiofiles yaml matplotlib orjson
    streamlit numpy pandas PIL requests altair pyarrow toml tornado
    openai httpx pydantic tqdm anyio requests aiohttp
    anthropic httpx pydantic anyio
    langchain pydantic requests yaml numpy sqlalchemy tenacity aiohttp langchain_core
    detoxify torch transformers
    torch-geometric numpy tqdm jinja2 requests scipy sklearn pyparsing psutil networkx aiohttp
    dgl numpy scipy networkx requests tqdm psutil
    fastai torch torchvision numpy pandas PIL matplotlib scipy sklearn yaml requests spacy fastcore fastprogress
    ultralytics torch torchvision numpy cv2 matplotlib PIL yaml requests scipy tqdm psutil pandas seaborn
    albumentations numpy scipy cv2 yaml skimage
    kornia torch packaging
    x-transformers torch einops
    rotary-embedding-torch torch einops
    vector-quantize-pytorch torch einops
    denoising-diffusion-pytorch torch einops accelerate tqdm PIL
    einops
    segmentation-models-pytorch torch torchvision timm numpy PIL tqdm pretrainedmodels efficientnet_pytorch
    segmentation-models-pytorch huggingface_hub
    pycocotools numpy matplotlib
    mmengine numpy yaml addict matplotlib termcolor rich cv2 yapf
    mmcv numpy yaml addict cv2 PIL yapf packaging mmengine
    mmcv-full numpy yaml addict cv2 PIL yapf packaging
    mmdet mmcv mmengine numpy matplotlib pycocotools scipy six terminaltables
    detectron2 torch torchvision numpy PIL matplotlib pycocotools yaml fvcore iopath tqdm omegaconf tabulate
    detectron2 termcolor yacs
    fvcore numpy yaml tqdm termcolor PIL tabulate iopath yacs
    yacs yaml
    nemo-toolkit torch numpy pytorch_lightning hydra omegaconf
    speechbrain torch torchaudio numpy scipy tqdm packaging joblib sentencepiece hyperpyyaml huggingface_hub yaml
    allennlp torch numpy scipy nltk spacy h5py sklearn transformers tqdm overrides requests
    flair torch transformers numpy tqdm sklearn matplotlib gensim
    gensim numpy scipy smart_open
    ray numpy yaml msgpack jsonschema click filelock requests packaging
    optuna numpy tqdm yaml sqlalchemy alembic colorlog packaging
    mlflow numpy pandas yaml requests click sklearn scipy matplotlib packaging sqlalchemy flask docker git
    comet-ml requests
    jupyter IPython ipywidgets notebook nbformat ipykernel traitlets tornado zmq jupyter_client
    notebook IPython nbformat ipykernel traitlets tornado zmq jinja2
    ipython traitlets pygments decorator pexpect matplotlib_inline prompt_toolkit
    moviepy numpy imageio decorator tqdm requests proglog PIL
    imageio numpy PIL
    plotly numpy packaging tenacity
    lm-eval torch transformers datasets numpy tqdm evaluate accelerate sacrebleu rouge_score sklearn nltk peft
    rouge-score numpy nltk absl six
    sacrebleu numpy regex tabulate colorama portalocker lxml
    bert-score torch transformers numpy pandas requests tqdm matplotlib packaging
    xformers torch numpy
    flash-attn torch einops
    auto-gptq torch transformers accelerate datasets numpy safetensors peft sentencepiece rouge
    optimum torch transformers numpy packaging huggingface_hub datasets
    unsloth torch transformers trl peft datasets accelerate bitsandbytes numpy tqdm xformers
    fschat torch transformers numpy requests fastapi uvicorn pydantic httpx tiktoken shortuuid rich prompt_toolkit
    fschat aiohttp
    fschat tqdm openai anthropic
    requests urllib3 certifi idna chardet charset_normalizer
    aiohttp yarl multidict attr frozenlist
    fastapi pydantic starlette anyio
    typer click rich shellingham typing_extensions
    flask werkzeug jinja2 click itsdangerous markupsafe
    boto3 botocore s3transfer
"""


def _rows(text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in text.split("\n"):
        words = line.split()
        if words:
            found[words[0]] = (*found.get(words[0], ()), *words[1:])
    return found


DISTRIBUTIONS = _rows(_DISTRIBUTIONS)
BRINGS = _rows(_BRINGS)


# What requires nothing of others, or nothing that anybody imports besides.
_ALONE = """
    tqdm pyyaml einops packaging filelock fsspec regex sentencepiece safetensors psutil termcolor tabulate colorama
    networkx sympy joblib h5py lmdb msgpack pyarrow easydict addict click fire ftfy ujson orjson jieba cython ninja
    setuptools wheel six future protobuf grpcio absl-py cffi pillow dill cloudpickle multiprocess xxhash lxml
    beautifulsoup4 tiktoken triton pynvml nvidia-ml-py imageio-ffmpeg ffmpeg-python scikit-learn typing-extensions
    tensorboard tensorboardx loguru rich prettytable omegaconf pydantic httpx openai wandb timm thop ptflops
    torchsummary torchinfo pytest black flake8 isort mypy ruff pre-commit python-dateutil pytz requests editdistance
    levenshtein
""".split()
# Distributions of which it is known what they bring along; of any other one nobody knows.
KNOWN_TO_BRING = frozenset((*BRINGS, *_ALONE))
# Import names that common packages bring along; any package may.
OFTEN_BROUGHT = frozenset(top for row in BRINGS.values() for top in row) | frozenset(
    "tensorboardX wandb loguru colorlog easydict addict fire h5py lmdb torchmetrics imageio evaluate".split()
)


OTHERS = """
    pandas scipy matplotlib seaborn tqdm requests einops wandb tensorboardX nltk spacy librosa soundfile h5py
    joblib regex
    psutil tabulate termcolor rich colorama networkx sympy statsmodels xgboost lightgbm catboost optuna ray mlflow
    psutil ignite
    transformers tokenizers datasets accelerate peft trl evaluate diffusers timm safetensors fire gradio
    openai anthropic
    torchmetrics torchtext torchdata ogb dgl kornia albumentations imageio lmdb msgpack pyarrow omegaconf easydict yacs
    addict fvcore iopath numba cupy jax flax optax gensim sacrebleu sacremoses rouge jiwer unidecode inflect langdetect
    praw lpips pytorch_fid pytorch_msssim plotly bokeh ftfy loguru ujson orjson pydantic fastapi uvicorn flask
    click typer
    colorlog prettytable torchinfo torchsummary thop ptflops fairscale fairseq opacus gymnasium pettingzoo numpy
""".split()
# Import names that are certainly those of published packages, and of nothing else.
KNOWN = frozenset((*DISTRIBUTIONS, *OTHERS))


def distributions(top: str) -> tuple[str, ...]:
    """The distributions that may hold the module `top`, by their normal names; the likeliest first."""
    name = normal(top)
    plain = name.replace("-", "")
    others = (name, f"python-{name}", f"py{plain}", f"{name}-python", f"py-{name}", plain, name.removeprefix("py"))
    return tuple(dict.fromkeys((*DISTRIBUTIONS.get(top, ()), *others)))


def brought(declared: frozenset[str]) -> frozenset[str]:
    """The import names that come with these distributions, and with what comes with them."""
    found: set[str] = set()
    queue = list(declared)
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        for top in BRINGS.get(name, ()):
            found.add(top)
            queue.extend(DISTRIBUTIONS.get(top, (normal(top),))[:1])
    return frozenset(found)
