import flair
from flair.datasets import CONLL_03_DUTCH
from flair.embeddings import TransformerWordEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer

flair.set_seed(4)
corpus = CONLL_03_DUTCH()
labels = corpus.make_label_dictionary(label_type="ner")
embeddings = TransformerWordEmbeddings("pdelobelle/robbert-v2-dutch-base", fine_tune=True, layers="-1")
tagger = SequenceTagger(
    hidden_size=256,
    embeddings=embeddings,
    tag_dictionary=labels,
    tag_type="ner",
    use_crf=False,
    use_rnn=False,
    reproject_embeddings=False,
)
trainer = ModelTrainer(tagger, corpus)
trainer.fine_tune(
    "taggers/dutch-ner",
    learning_rate=5e-6,
    mini_batch_size=4,
    max_epochs=20,
    warmup_fraction=0.1,
    use_final_model_for_eval=True,
)
