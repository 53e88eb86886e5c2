"""A reading command that has nothing to print says why: exit code 1 if nothing matches, 2 if nothing ever could."""

import pytest

from tests.cli.conftest import ADA, Chatr, LogFile
from tests.cli.steps import ERROR_LINE, error_of, exported

SPAN = "The log has records from 1 of 2026-01-01T00:00:00.000Z to 10 of 2026-01-01T00:04:00.000Z."


@pytest.mark.parametrize(
    "options",
    [
        ("--after", "10"),
        ("--after", "999999"),
        ("--after", "2030-01-01"),
        ("--before", "0"),
        ("--before", "1"),
        ("--before", "2020-01-01"),
        ("--type", "agent-recovered"),
        ("--agent", "Bob", "--type", "verification-started"),
        ("--agent", "Bob", "--before", "3"),
        ("--after", "5", "--before", "2025-01-01"),
        ("--after", "10", "--json"),
        ("--after", "10", "--last", "3"),
    ],
    ids=" ".join,
)
def test_a_selection_without_records_is_exit_code_1(chatr: Chatr, log_file: LogFile, options: tuple[str, ...]) -> None:
    """The sentence says which records the log has; standard output stays empty."""
    result = chatr("log", "--log", log_file.url, *options)

    assert (result.code, result.out) == (1, "")
    assert result.err == f"chatr: No record is selected. {SPAN}\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--agent", "Nobody"), "No agent was registered as Nobody by position 10."),
        (("--agent", "Bbo"), "No agent was registered as Bbo by position 10. Did you mean Bob?"),
        (("--agent", "Аda"), "No agent was registered as Аda by position 10. Did you mean Ada?"),  # noqa: RUF001 -- Cyrillic
        (("--agent", ADA), f"No agent was registered as {ADA} by position 10. That is the id of Ada: give the name."),
        (("--agent", f"agent/{ADA}"), "That is the id of Ada: give the name."),
        (("--after", "5", "--before", "3"), "There is nothing between --after and --before"),
        (("--after", "5", "--before", "6"), "There is nothing between --after and --before"),
        (("--after", "2026-02-01", "--before", "2026-01-01"), "There is nothing between --after and --before"),
        (("--type", "message"), "there is no type 'message'"),
    ],
)
def test_a_selection_that_can_have_no_records_is_exit_code_2(
    chatr: Chatr, log_file: LogFile, options: tuple[str, ...], sentence: str
) -> None:
    """A name, a range or a type that cannot be meant is wrong use; a similar name is suggested."""
    result = chatr("log", "--log", log_file.url, *options)

    assert (result.code, result.out) == (2, "")
    assert sentence in result.err


@pytest.mark.parametrize("name", ["Ada", "ada", "ADA"])
def test_a_name_is_found_however_it_is_spelt(chatr: Chatr, log_file: LogFile, name: str) -> None:
    """Case does not matter, as it does not for a registration."""
    assert len(chatr("log", "--log", log_file.url, "--agent", name).lines) == 6


def test_an_empty_log_is_named(chatr: Chatr, new_log: LogFile) -> None:
    """Nothing can be selected from it."""
    new_log.append([])
    result = chatr("log", "--log", new_log.url)

    assert (result.code, result.out, result.err) == (1, "", "chatr: The log is empty.\n")


def test_no_records_were_asked_for(chatr: Chatr, log_file: LogFile) -> None:
    """With --last 0 nothing is to be printed, and that succeeds."""
    result = chatr("log", "--log", log_file.url, "--last", "0")

    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("explain", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--at", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--at", "2020-01-01"), "Nothing had been recorded by then."),
        (("replay", "--diff", "3", "11"), "There is no position 11: the log ends at 10."),
        (("replay", "--diff", "3", "5", "--agent", "Ada"), "leave out --diff"),
        (("replay", "--agent", "Adda"), "No agent was registered as Adda by position 10. Did you mean Ada?"),
        (("replay", "--agent", "Bob", "--at", "2"), "No agent was registered as Bob by position 2."),
        (("explain", "--agent", "Ada", "--post", "Hi", "--at", "2020-01-01"), "Nothing had been recorded by then."),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_moment_or_an_agent_that_is_not_there(
    chatr: Chatr, log_file: LogFile, command: tuple[str, ...], sentence: str
) -> None:
    """The other commands for the past end with one sentence, also on an exported file."""
    for log in (log_file.url, exported(chatr, log_file)):
        assert sentence in error_of(chatr, *command, "--log", log)


def test_a_post_of_an_agent_that_is_not_there_is_explained(chatr: Chatr, log_file: LogFile) -> None:
    """It is rejected for that reason; the name that was probably meant goes to standard error."""
    result = chatr("explain", "--agent", "Adda", "--post", "Hi", "--log", log_file.url)

    assert result.code == 0
    assert "Did you mean Ada?" in result.err
    assert ERROR_LINE.fullmatch(result.err)
    assert "registered  no" in result.out
