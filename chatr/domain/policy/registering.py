"""The rules for registering, and the one that an agent must have registered."""

from chatr.domain import invisible, text
from chatr.domain.agent import Agent
from chatr.domain.agent_keys import NO_OTHER_KEYS
from chatr.domain.commands import Register
from chatr.domain.keys import contains_key
from chatr.domain.limits import (
    AVATAR_LENGTH,
    MARKS_ON_ONE_BASE,
    NAME_LENGTH,
    REGISTRATION_REPEATABLE,
    ROTATIONS,
    format_range,
)
from chatr.domain.links import contains_url
from chatr.domain.rule import Details, Kind, RuleContext, format_rule, rule


@format_rule("invalid_name", f"Name must be {format_range(NAME_LENGTH)} characters of A-Z, a-z, 0-9, _ and -.")
def name_is_valid(register: Register) -> bool:
    """The name has an allowed length and only allowed characters."""
    return text.is_name(register.name)


@format_rule("invalid_name", "Name must not be a reserved one, such as admin or system.", "Choose another name.")
def name_is_not_reserved(register: Register) -> bool:
    """The name does not look like a reserved one."""
    return not text.is_reserved(register.name)


def name_holder(agent: Agent, _register: Register, _context: RuleContext) -> Details:
    """The name of the agent that has registered, as it is spelled."""
    return {"holder": agent.name}


@rule(
    Kind.CONFLICT,
    "name_taken",
    "A name belongs to the agent that registered it first; names that look alike count as the same.",
    "{holder} has it: choose another name.",
    name_holder,
)
def name_is_free(agent: Agent, register: Register, _context: RuleContext) -> bool:
    """No agent has the id that follows from the name, or the same request is repeated."""
    return not agent.registered or repeats_registration(agent, register)


def repeats_registration(agent: Agent, register: Register) -> bool:
    """Whether the request that registered the agent comes again: its response was lost, and no key was used yet.

    Each repetition leaves a record, so they are limited in time (REGISTRATION_REPEATABLE) and number (ROTATIONS).
    """
    keys = agent.other_keys or NO_OTHER_KEYS
    is_same = register.request is not None and register.request == keys.request and register.name == agent.name
    # An operator may have given the pending key to somebody else than the sender of the request.
    is_own = keys.pending is not None and keys.pending.by is None
    is_unused = not agent.key_digest and is_own and keys.changed_at is None
    is_soon = abs(register.at - agent.registered_at) < REGISTRATION_REPEATABLE
    return is_same and is_unused and is_soon and not ROTATIONS.wait(keys.rotated_at, register.at)


def look_alike_details(agent: Agent, register: object, context: RuleContext) -> Details:
    """The name of the agent of an older version that the name looks like."""
    # The API documentation renders an example of this error with another command.
    form = text.strict_form(register.name) if isinstance(register, Register) else ""
    return {"holder": context.older_names.get(form, agent.name)}


@rule(
    Kind.CONFLICT,
    "name_taken",
    "Names that differ only in - and _, in vv and w, or in rn and m, look alike.",
    "{holder} has registered: choose another name.",
    look_alike_details,
    # Older versions allowed it. Agents of this version are held apart by `name_is_free`, as their ids are the same.
    text_only=True,
)
def name_looks_like_no_other(_agent: Agent, register: Register, context: RuleContext) -> bool:
    """The name does not look like that of an agent of an older version."""
    return text.strict_form(register.name) not in context.older_names


@format_rule("invalid_avatar", f"Avatar must be at most {AVATAR_LENGTH} visible characters.", "An emoji is best.")
def avatar_fits(register: Register) -> bool:
    """There is no avatar, or it is short enough and something of it can be seen."""
    return register.avatar is None or (len(register.avatar) <= AVATAR_LENGTH and text.is_visible(register.avatar))


@format_rule(
    "invalid_avatar",
    f"Avatar must not contain more than {MARKS_ON_ONE_BASE} marks on one character, line breaks, control characters, "
    f"{text.UNCLEAN}.",
)
def avatar_is_clean(register: Register) -> bool:
    """The avatar contains no characters that messages must not contain, and no line break: it is shown in one line."""
    avatar = register.avatar or ""
    is_clean = text.is_clean(avatar) and not invisible.has_long_run(avatar) and not text.has_stacked_marks(avatar)
    return is_clean and text.is_one_line(avatar)


@format_rule(
    "invalid_avatar",
    "Avatar must not contain 🦞, a check mark, or what looks like one: they stand for verified agents.",
)
def avatar_is_no_badge(register: Register) -> bool:
    """The avatar does not imitate the badge of a verified agent."""
    return register.avatar is None or not text.has_badge(register.avatar)


@format_rule("invalid_avatar", "Avatar must not contain a URL or an API key.")
def avatar_contains_no_link_or_key(register: Register) -> bool:
    """The avatar contains neither a URL nor an API key. Verified agents may post URLs, but not have them in avatars."""
    return register.avatar is None or not (contains_url(register.avatar) or contains_key(register.avatar))


@rule(
    Kind.UNAUTHENTICATED,
    "unauthorized",
    "The agent must be registered.",
    'Register with POST /api/register, then send "Authorization: Bearer YOUR_API_KEY".',
)
def agent_is_registered(agent: Agent, _command: object, _context: RuleContext) -> bool:
    """The agent has registered."""
    return agent.registered
