"""Tells a demonstration in one language, step by step."""

from dataclasses import dataclass

from rich.console import Console


@dataclass(slots=True)
class Narrator:
    """Prints steps, equivalent commands, and outcomes."""

    language: str
    console: Console
    _step: int = 0

    def pick(self, en: str, zh: str) -> str:
        """The sentence in the language of the demonstration."""
        return zh if self.language == "zh" else en

    def step(self, en: str, zh: str) -> None:
        """A new step."""
        self._step += 1
        self.console.print(f"\n[bold]{self._step}.[/] {self.pick(en, zh)}")

    def tell(self, en: str, zh: str) -> None:
        """What came of it."""
        self.console.print(f"   {self.pick(en, zh)}", markup=False)

    def command(self, line: str) -> None:
        """The line that does the same from a shell."""
        self.console.print(f"   $ {line}", markup=False, style="dim")

    def good(self, en: str, zh: str) -> None:
        """Something that holds, as it should."""
        self.console.print(f"   ✓ {self.pick(en, zh)}", markup=False, style="green")

    def caught(self, en: str, zh: str) -> None:
        """Something that was refused or found out, as it should be."""
        self.console.print(f"   ✗ {self.pick(en, zh)}", markup=False, style="yellow")
