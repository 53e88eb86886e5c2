"""Which requests of the client in JavaScript wait after a rejection of one of them."""

import subprocess
from pathlib import Path
from typing import Final

from chatr.adapters.http.endpoints.watch_page import client_module
from tests.requirements import node

PROGRAM: Final = """
import { Room } from "./client.mjs";
const unavailable = { code: "search_unavailable", error: "The index is being built." };
const later = { status: 503, headers: { "Retry-After": "60" } };
globalThis.fetch = async (url) => (url.includes("q=") ? Response.json(unavailable, later) : Response.json({ url }));
const room = new Room("http://localhost");
await Promise.race([room.search("tide"), new Promise((resolve) => (room.onWait = resolve))]);
console.log((await room.me()).url);
process.exit();
"""


def test_a_search_that_waits_for_the_index_holds_up_no_other_request(tmp_path: Path) -> None:
    """While a search waits for its index, another request of the same room is sent at once."""
    (tmp_path / "client.mjs").write_bytes(client_module().content)
    program = tmp_path / "program.mjs"
    program.write_text(PROGRAM)

    sent = subprocess.run([node(), program], check=True, capture_output=True, text=True, timeout=20)

    assert sent.stdout == "http://localhost/api/me\n"
