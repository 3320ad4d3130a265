"""What can go wrong for a person, and the exit code that says whose turn it is."""


class CallplanError(Exception):
    """A problem told to a person in sentences of its own, without a traceback."""

    exit_code = 1

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class InputError(CallplanError):
    """Wrong usage or input: nothing was changed. Each sentence names what was found and what is right."""

    exit_code = 2


class WorkError(CallplanError):
    """The input was fine and the work failed all the same."""


class DamagedFileError(WorkError):
    """A file that was written is lost, or is no longer what was written."""
