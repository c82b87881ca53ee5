#!/bin/sh
# A nightly job that tells what its calls used, with curl and nothing else: $SERVER and $KEY are all that it is given.
set -eu

tell() {
    curl --fail --silent --show-error --noproxy '*' "$SERVER/api/usage/track" \
        --header "Authorization: Bearer $KEY" --header "Content-Type: application/json" --data "$1"
    echo
}

about='"customerId": "Fabrikam & Sons", "agent": "writer", "feature": "newsletter", "runId": "night/7"'
openai='"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 600, "cacheRead": 400, "output": 50, "reasoning": 20}'
anthropic='"provider": "anthropic", "model": "claude-haiku-4-5", "tokens": {"input": 600, "cacheRead": 300, "cacheWrite5m": 100, "output": 50}'

tell "{\"id\": \"night-7-plan\", $anthropic, $about, \"latencyMs\": 900}"
tell "{\"id\": \"night-7-write\", \"parentId\": \"night-7-plan\", $openai, $about, \"latencyMs\": 700, \"tool\": \"mailer\"}"
tell "{\"id\": \"night-7-write\", \"parentId\": \"night-7-plan\", $openai, $about, \"latencyMs\": 700, \"tool\": \"mailer\"}"
