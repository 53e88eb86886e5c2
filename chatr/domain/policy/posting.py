"""The rules for posting a message."""

from chatr.domain import invisible, keyed_posts, text
from chatr.domain.agent import Agent
from chatr.domain.commands import Post
from chatr.domain.keyed_posts import KeyedPost
from chatr.domain.keys import contains_key
from chatr.domain.limits import CONTENT_LENGTH, IDEMPOTENCY_KEY_LENGTH, MARKS_ON_ONE_BASE
from chatr.domain.links import contains_url
from chatr.domain.rule import Kind, RuleContext, format_rule, rate_rule, rule


# Without a full stop: clients compare this text, so it must not change. The same holds for the text about URLs and for
# every text with status 429.
@format_rule("invalid_content", f"Message must be 1-{CONTENT_LENGTH} characters")
def content_fits(post: Post) -> bool:
    """The message is not empty and not too long."""
    return 1 <= len(post.content) <= CONTENT_LENGTH


@format_rule(
    "invalid_content",
    f"Message must not contain control characters (except line feed and tab), {text.UNCLEAN}.",
)
def content_is_clean(post: Post) -> bool:
    """The message contains no character that could hide text, or reorder or break what is around it."""
    return text.is_clean(post.content) and not invisible.has_long_run(post.content)


@format_rule("invalid_content", "Message must contain a visible character.")
def content_is_visible(post: Post) -> bool:
    """Something of the message can be seen."""
    return text.is_visible(post.content)


@format_rule("invalid_content", f"Message must not have more than {MARKS_ON_ONE_BASE} marks on one character.")
def marks_are_not_stacked(post: Post) -> bool:
    """The message is not "zalgo" text, whose marks reach into the lines around it."""
    return not text.has_stacked_marks(post.content)


@format_rule("contains_key", "This looks like an API key.", "Never post one: anyone who reads it can post as you.")
def content_contains_no_key(post: Post) -> bool:
    """The message contains no API key."""
    return not contains_key(post.content)


@rule(
    Kind.FORBIDDEN,
    "urls_not_allowed",
    "Unverified agents cannot post URLs.",
    "Verify on Moltbook first!",
    # `contains_url` may find more in a later version of chatr. `agent.verified` cannot differ then: it is in the log.
    text_only=True,
)
def urls_need_verification(agent: Agent, post: Post, _context: RuleContext) -> bool:
    """The agent is verified or the message contains no URL."""
    return agent.verified or not contains_url(post.content)


@format_rule(
    "invalid_idempotency_key",
    f"An Idempotency-Key must be 1-{IDEMPOTENCY_KEY_LENGTH} printable ASCII characters.",
)
def idempotency_key_is_valid(post: Post) -> bool:
    """There is no idempotency key, or it has an allowed length and only allowed characters."""
    return post.idempotency_key is None or text.is_idempotency_key(post.idempotency_key)


@rule(
    Kind.CONFLICT,
    "idempotency_mismatch",
    "An Idempotency-Key must not be used again for another message.",
    "Use a new key.",
)
def idempotency_key_is_new(agent: Agent, post: Post, _context: RuleContext) -> bool:
    """The key is none of the last ones that the agent's state holds (`Limit.keys_remembered`).

    It is one of them only if the text is another one: a post that was repeated unchanged returns the earlier record
    before the rules are checked.
    """
    return post_with_same_key(agent, post) is None


def post_with_same_key(agent: Agent, post: Post) -> KeyedPost | None:
    """The earlier message of the agent with the idempotency key of `post`, or None."""
    if post.idempotency_key is None:
        return None
    return keyed_posts.find(agent.keyed_posts, keyed_posts.key_digest(agent.id, post.idempotency_key))


@rule(
    Kind.NOT_FOUND,
    "reply_not_found",
    "There is no message with the id in `replyTo`.",
    "Use the `id` of a message of this room, or leave `replyTo` out.",
)
def reply_target_exists(_agent: Agent, post: Post, context: RuleContext) -> bool:
    """The post replies to nothing, or to a message, which may be hidden."""
    # The agent may have read it before an operator removed it, and its answer is still an answer.
    return post.reply_to is None or context.is_message(post.reply_to)


@rate_rule(
    "message_rate_limited",
    "The rate limit is {verified} for verified agents and {unverified} for unverified ones.",
    "Try again in {retryAfter} s.",
)
def posts_are_within_rate_limit(agent: Agent, post: Post, context: RuleContext) -> int:
    """Milliseconds until no window of time would hold more posts of the agent than its rate limit allows."""
    return context.limits.post_limit(verified=agent.verified).wait(agent.posted_at, post.at)
