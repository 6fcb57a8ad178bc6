"""Documentation of losses, functions and their methods: as declared, completed with what they share."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fastloss._engines import ENGINES, keywords
from fastloss._phrases import (
    COMMON_RAISES,
    DECLARED_NOTES,
    DECLARED_PARAMETERS,
    ELEMENTS_PARAMETERS,
    FUNCTION_PHRASES,
    INDEX_ERROR,
    ROW_FUNCTION_PHRASES,
    ROWS_WEIGHTED_REDUCTIONS,
)
from fastloss._phrases_embedding import EMBEDDINGS_DECLARED, EMBEDDINGS_FUNCTION_PHRASES, EMBEDDINGS_NOTES
from fastloss._phrases_similarity import PAIRS_DECLARED, PAIRS_NOTES

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")
# Keywords of every loss, which a declaration may describe in its own words, behind its operands and options.
SHARED = frozenset(ELEMENTS_PARAMETERS) | {"ignore_index"}
REQUIRED = ("Parameters", "Returns", "References", "Examples")
# The phrases of declared parameters, of declared notes, and of functions that are none of rows.
PARAMETERS = {**DECLARED_PARAMETERS, **EMBEDDINGS_DECLARED, **PAIRS_DECLARED}
NOTES = {**DECLARED_NOTES, **EMBEDDINGS_NOTES, **PAIRS_NOTES}
OF_FUNCTIONS = {**FUNCTION_PHRASES, **EMBEDDINGS_FUNCTION_PHRASES}


class DocumentationError(Exception):
    """A declaration's docstring lacks a part, or documents other parameters than the signature has."""


@dataclass(frozen=True)
class Documentation:
    """A docstring in its parts; each text keeps its relative indentation."""

    summary: str
    formula: str
    head: str
    sections: dict[str, str]
    keywords: dict[str, str]  # of parameters that losses share, those that this one describes itself

    def compose(self, loss: str, method: str, engine: str, parts: Collection[str], required: int, example: str) -> str:
        """Docstring of the loss ("__call__") or of one of its methods, with an example if the loss shows none.

        `parts` are those that the core says its calls have; `required` operands must be given.
        """
        phrases = ENGINES[engine].phrases
        what, form = phrases.out_forms[method]
        own = self.sections["Parameters"]
        if method == "hvp":
            entries = re.split(r"^(?=\w+ : )", own + "\n", flags=re.MULTILINE)[1:]
            own = "".join([*entries[:required], phrases.parameters["vector"] + "\n", *entries[required:]]).rstrip()
        common = [self.keywords.get(name, phrases.parameters[name]) for name in keywords(parts, method)]
        parameters = "\n".join([own, *common]).replace("{what}", what).replace("{form}", form)
        if method == "__call__":
            text = self.sections["Returns"].replace("{reductions}", phrases.reductions)
            text = text.replace("{weighted_reductions}", ROWS_WEIGHTED_REDUCTIONS)
            head, returns = self.head, _section("Returns", text)
        else:
            title, returns = phrases.methods[method]
            head = title.format(loss=loss) + "\n\n" + self.head
        own_errors = self.sections.get("Raises", "")
        # Pixels of a mask may be ignored, too.
        has_indices = "ignore_index" in parts and "class indices" in self.sections["Parameters"].lower()
        index_error = INDEX_ERROR if has_indices else ""
        raises = "\n".join(filter(None, [own_errors, COMMON_RAISES, index_error]))
        parts = [head, _section("Parameters", parameters), returns, _section("Raises", raises)]
        closing = [name for name in ("Notes", "References", "Examples") if name in self.sections]
        parts += [_section(name, self.sections[name]) for name in closing]
        if method != "__call__" and f".{loss}.{method}(" not in self.sections["Examples"]:
            parts[-1] += "\n" + example
        return "\n\n".join(parts) + "\n"

    def compose_ufunc(self, loss: str, arguments: str, gradient: bool, engine: str) -> str:
        """Docstring of one of the two ufuncs."""
        phrases = ENGINES[engine].phrases
        what = "Derivative of {} in its first operand" if gradient else "Unreduced {}"
        return (
            f"{what.format(loss)}, as a NumPy ufunc.\n\n{self.head}\n\n"
            f"Operands and options: {arguments}. Options are trailing operands without defaults; a switch\n"
            f"is 0 or 1, a choice is its position. {phrases.ufunc}"
            f"\nThe threaded function is ``fastloss.{loss}``.\n"
        )


def _section(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text}"


def _fill(owner: str, text: str, phrases: Mapping[str, str]) -> str:
    """The text with a phrase for each line that is the {name} of one."""
    try:
        return re.sub(r"^\{(\w+)\}$", lambda name: phrases[name[1]], text, flags=re.MULTILINE)
    except KeyError as error:
        raise DocumentationError(f"{owner}: no phrase is known as {{{error.args[0]}}}") from None


def document_function(function: str, docstring: str, axis: str | None = None) -> str:
    """Docstring of a function or of one of its methods, from the declared one; `axis` is that of a function of rows."""
    phrases: Mapping[str, str] = OF_FUNCTIONS
    if axis is not None:
        phrases = {name: phrase.format(function=function, axis=axis) for name, phrase in ROW_FUNCTION_PHRASES.items()}
    return _fill(function, inspect.cleandoc(docstring), phrases)


def parse(loss: str, docstring: str, parameters: Sequence[str]) -> Documentation:
    """Take a declaration's docstring apart; raise DocumentationError where it does not fit the signature."""
    pieces = re.split(r"^(\w+)\n-{3,}\n", inspect.cleandoc(docstring), flags=re.MULTILINE)
    head, titles, texts = pieces[0].rstrip(), pieces[1::2], [text.rstrip() for text in pieces[2::2]]
    if titles != [title for title in SECTIONS if title in titles]:
        raise DocumentationError(f"{loss}: sections must be among {SECTIONS}, in this order; found {titles}")
    missing = [title for title in REQUIRED if title not in titles]
    if missing:
        raise DocumentationError(f"{loss}: the docstring has no section {', '.join(missing)}")
    sections = dict(zip(titles, texts, strict=True))
    sections["Parameters"] = _fill(loss, sections["Parameters"], PARAMETERS)
    if "Notes" in sections:
        sections["Notes"] = _fill(loss, sections["Notes"], NOTES)
    entries = re.split(r"^(?=\w+ : )", sections["Parameters"] + "\n", flags=re.MULTILINE)[1:]
    documented = [entry.partition(" : ")[0] for entry in entries]
    own = len(parameters)
    if documented[:own] != list(parameters) or not SHARED.issuperset(documented[own:]):
        raise DocumentationError(f"{loss}: documents the parameters {documented}, but has {list(parameters)}")
    sections["Parameters"] = "".join(entries[:own]).rstrip()
    described = {name: entry.rstrip() for name, entry in zip(documented[own:], entries[own:], strict=True)}
    formula = re.search(r"::\n\n((?:[ ]+.*\n|\n)+?)(?=\S|\Z)", head + "\n")
    if formula is None:
        raise DocumentationError(f"{loss}: the docstring has no formula (an indented block after '::')")
    summary = head.split("\n\n")[0].replace("\n", " ")
    return Documentation(summary, inspect.cleandoc("\n" + formula.group(1)), head, sections, described)
