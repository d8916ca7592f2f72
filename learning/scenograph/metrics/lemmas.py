"""Dictionary forms of nouns, by WordNet's own procedure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence


def noun_lemmatiser(
    nouns: Collection[str], exceptions: Mapping[str, Sequence[str]], rules: Sequence[Sequence[str]]
) -> Callable[[str], str]:
    """A function from a word to the shortest noun it may be a form of, or to itself where there is none.

    `nouns` are the known dictionary forms, `exceptions` the forms of irregular words ("men": ["man"]),
    `rules` pairs of an ending and what replaces it ("ies", "y").  Source: WordNet's `morphy`, as NLTK's
    WordNetLemmatizer calls it; spaCy's English lemmatizer tables hold the same lists.
    """

    def applied(forms: Sequence[str]) -> list[str]:
        return [
            form[: -len(ending)] + new for form in forms for ending, new in rules if form.endswith(ending)
        ]

    def known(forms: Sequence[str]) -> list[str]:
        return [form for form in forms if form in nouns]

    def lemma(word: str) -> str:
        if word in exceptions:
            return min(known([word, *exceptions[word]]), key=len, default=word)
        forms = applied([word])
        found = known([word, *forms])
        while forms and not found:
            forms = applied(forms)
            found = known(forms)
        return min(found, key=len, default=word)

    return lemma
