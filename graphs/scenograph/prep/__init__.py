"""Image decoding and resizing and the tokeniser: what turns bytes and text into model inputs.

Training and serving share these functions, so that a model always sees what it was trained on. No torch here.
"""

from scenograph.prep.decode import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, decode_image, decode_reduced
from scenograph.prep.resize import (
    BACKBONE_SIZE,
    DETECTOR_SIZE,
    PREP_VERSION,
    backbone_input,
    detector_input,
    resize_for,
)
from scenograph.prep.tokenizer import MAX_TOKENS, Tokenizer, Tokens

__all__ = [
    "BACKBONE_SIZE",
    "DETECTOR_SIZE",
    "MAX_IMAGE_BYTES",
    "MAX_IMAGE_PIXELS",
    "MAX_TOKENS",
    "PREP_VERSION",
    "Tokenizer",
    "Tokens",
    "backbone_input",
    "decode_image",
    "decode_reduced",
    "detector_input",
    "resize_for",
]
