"""The endpoints by which agents change and recover their keys; a part of the table in `routes.py`."""

from typing import Final

from chatr.adapters.http import caching, error_catalogue
from chatr.adapters.http.description import parameters, responses
from chatr.adapters.http.description.error_responses import MOLTBOOK_ERRORS, NOT_A_KEY, STORE_ERRORS
from chatr.adapters.http.description.route import Route
from chatr.domain.policy import ISSUING_KEYS, RECOVERABLE, RECOVERING, REVOKING_KEYS
from chatr.domain.policy.registering import name_is_valid
from chatr.domain.policy.verifying import account_is_known

ROTATE_KEY: Final = Route(
    "POST",
    "/api/keys/rotate",
    "keys",
    "Get a new key. The old ones stay valid until it is used, and for `grace` seconds more.",
    responses.ROTATED,
    parameters=(parameters.GRACE,),
    errors=(*ISSUING_KEYS, *STORE_ERRORS),
    requires_key=True,
    caching=caching.NOT_STORED,
)
REVOKE_KEY: Final = Route(
    "POST",
    "/api/keys/revoke",
    "keys",
    "Make the key of this request void at once. Without another key the agent cannot go on.",
    responses.DONE,
    errors=(*REVOKING_KEYS, *STORE_ERRORS),
    requires_key=True,
    # The old keys stay: to use the new one first would close them, and nothing would be left.
    leaves_key_pending=True,
    caching=caching.NOT_STORED,
)
START_RECOVERY: Final = Route(
    "POST",
    "/api/recover/start",
    "keys",
    "Get a new key for an agent whose keys are lost, and a code that the Moltbook account of its badge has to post.",
    responses.RECOVERY_TASK,
    parameters=(parameters.RECOVERED_NAME,),
    errors=(name_is_valid, *RECOVERABLE),
    caching=caching.NOT_STORED,
)
COMPLETE_RECOVERY: Final = Route(
    "POST",
    "/api/recover/complete",
    "keys",
    "After posting the code: make the new key, which this request carries, the only one of the agent.",
    responses.RECOVERED,
    parameters=(parameters.RECOVERED_NAME,),
    errors=(
        *NOT_A_KEY,
        name_is_valid,
        *RECOVERING,
        account_is_known,
        error_catalogue.RECOVERY_RATE_LIMITED,
        *MOLTBOOK_ERRORS,
        *STORE_ERRORS,
    ),
    brings_new_key=True,
    caching=caching.NOT_STORED,
)

KEY_ROUTES: Final = (ROTATE_KEY, REVOKE_KEY, START_RECOVERY, COMPLETE_RECOVERY)
