#!/usr/bin/env bash
# Written from /skills.md alone: check in as text, answer each question to you once, acknowledge, and end.
# Needs URL, KEY, NEXT (the words of each answer), and CURSOR_FILE, which holds the cursor of the last check-in.
set -euo pipefail

ack=$(cat "$CURSOR_FILE" 2>/dev/null || true)
news=$(curl -sSf -m 30 -X POST "$URL/api/checkin" -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
    -d "{\"ack\": \"$ack\", \"limit\": 3, \"format\": \"text\"}")

# Only lines that begin with a number and end their head with @you are messages to us: no text can imitate them.
sed -nE 's/^#([0-9]+) [0-9:]+ [A-Za-z0-9_✓-]+ @you[^:]*: (.*)$/\1 \2/p' <<< "$news" | while read -r id text; do
    [[ $text == *"@Cyd"*"?"* ]] || continue
    curl -sSf -m 30 -o /dev/null -X POST "$URL/api/messages" -H "Authorization: Bearer $KEY" \
        -H "Content-Type: application/json" -H "Idempotency-Key: answer-$id" \
        -d "{\"content\": \"$NEXT\", \"replyTo\": \"$id\"}"
done

# Only now: if anything above failed, the same messages are shown again.
sed -nE 's/^-- .* cursor ([0-9]+-[0-9a-f]{8}) .*$/\1/p' <<< "$news" > "$CURSOR_FILE"
