"""How the words of graphs compare: labels, attributes and relations of sentences against those of images.

Tables in `data/` (our own), a taxonomy over each, and `Vocabulary`, the one class that others use.
"""

from scenograph.scene.vocabulary.inflect import participle, singulars
from scenograph.scene.vocabulary.vocabulary import Vocabulary

__all__ = ["Vocabulary", "participle", "singulars"]
