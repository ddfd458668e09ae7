"""The drawing in ARCHITECTURE.md, made from the steps and the contract of the rooms, so that it cannot drift."""

import tomllib

from ptmreuse import paths
from ptmreuse.book import steps
from ptmreuse.errors import refuse

BEGIN, END = "<!-- drawn by python -m ptmreuse drawing -->\n", "<!-- end of the drawing -->\n"


def with_drawing(text):
    """ARCHITECTURE.md with its drawing as the steps and rooms are now.

    Raises
    ------
    StudyError
        If the two marks that enclose the drawing are missing.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        refuse("ARCHITECTURE.md", f"{BEGIN.strip()} and {END.strip()}, once each", "other lines", "put the marks back")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + drawing() + "\n" + END + rest.split(END)[1]


def drawing():
    """Two drawings in Mermaid: what each step reads and from which, and the rooms that each step's code stands in.

    Examples
    --------
    >>> print("\\n".join(drawing().splitlines()[:2]))
    ```mermaid
    flowchart TD
    """
    contract = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = [layer.replace("ptmreuse.", "") for layer in contract["contracts"][0]["layers"]]
    rooms = [layer for layer in reversed(layers) if (paths.SOURCE / layer).is_dir()]
    lines = ["```mermaid", "flowchart TD"]
    for step in steps.STEPS:
        code = {module.split(".")[1] for module in steps.modules_of(step) if module.count(".") > 1}
        uses = "" if step.name == "book" else f"<br>{', '.join(room for room in rooms if room in code)}"
        lines.append(f'  {step.name}["{step.name}: {step.about}{uses}"]')
        lines += [f"  {earlier} --> {step.name}" for earlier in step.after]
    arrows = " --> ".join(rooms)
    return "\n".join([*lines, "```", "", f"Rooms, each importing only from those before it: {arrows}.", ""])
