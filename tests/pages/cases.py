"""Every example of every rule page, for parametrised tests."""

from dataclasses import dataclass

from tests.pages.page import Example, Page, PageError, page_paths, parse


@dataclass(frozen=True)
class Case:
    """One example of one page."""

    page: Page
    example: Example

    def __str__(self) -> str:
        first = next(iter(self.example.files.values()))
        return f"{self.page.name}-{self.example.number}-line{first.page_line}"


def _pages() -> tuple[list[Page], list[PageError]]:
    pages: list[Page] = []
    errors: list[PageError] = []
    for path in page_paths():
        try:
            pages.append(parse(path))
        except PageError as error:
            errors.append(error)
    return pages, errors


PAGES, ERRORS = _pages()
CASES = [Case(page, example) for page in PAGES for example in page.examples]
BAD = [case for case in CASES if any(case.example.marks(case.page.rule))]
