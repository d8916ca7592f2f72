"""How large a graph query may be. Texts are counted in code points."""

MAX_QUERY_CHARS = 4_000
MAX_MENTIONS = 128  # mentions of nodes; relations are fewer by one a chain
MAX_LABEL_CHARS = 100
MAX_COUNT = 1_000
