"""What the default pack's parser is trained on: FACTUAL's captions as the pack's text encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from scenograph.data.factual import Caption, hold_out, read_factual
from scenograph.data.factual_labels import Labeller
from scenograph.data.factual_names import learn_names
from scenograph.nn.text_encoder import SentenceEncoder
from scenograph.prep import Tokenizer
from scenograph.scene.parsing.neural_words import piece_weights, split_words
from scenograph.train.default_parser import Example, ParserData, Sentence

BATCH = 128


def parser_data(
    captions: Path, encoder: SentenceEncoder, tokenizer: Tokenizer, held: float, seed: int
) -> ParserData:
    """The captions of FACTUAL's `train.csv`; those of a share `held` of the pictures are held out.

    Names are learnt from the others alone. Errors: InvalidInput.
    """
    train, dev = hold_out(read_factual(captions), held, seed)
    labeller, names = learn_names(train)
    return ParserData(
        names, _examples(train, labeller, encoder, tokenizer), _examples(dev, labeller, encoder, tokenizer)
    )


def _examples(
    captions: Sequence[Caption], labeller: Labeller, encoder: SentenceEncoder, tokenizer: Tokenizer
) -> list[Example]:
    texts = [caption.text for caption in captions]
    states = lower_states(texts, encoder, tokenizer)
    examples = []
    for caption, own in zip(captions, states, strict=True):
        spans = tokenizer.encode_batch([caption.text]).spans[0]
        words = piece_weights(split_words(caption.text), spans)
        labels = labeller.label(caption.text, caption.facts)
        examples.append(Example(caption, labels, Sentence(own, words)))
    return examples


@torch.inference_mode()
def lower_states(
    texts: Sequence[str], encoder: SentenceEncoder, tokenizer: Tokenizer
) -> list[NDArray[np.float16]]:
    """The states of each text's pieces after the encoder's lower layers, (T, 384) each."""
    states: dict[int, NDArray[np.float16]] = {}
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        tokens = tokenizer.encode_batch([texts[place] for place in places])
        ids, mask = torch.from_numpy(tokens.input_ids), torch.from_numpy(tokens.attention_mask)
        lower = encoder(ids, mask)[2].numpy().astype(np.float16)
        for row, place in enumerate(places):
            states[place] = lower[row, : len(tokens.spans[row])].copy()
    return [states[place] for place in range(len(texts))]
