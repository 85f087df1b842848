#!/bin/sh
# Drives a session of `chaoskit serve` with curl: a fault, two requests, the verdict.
#
#     chaoskit serve &
#     sh docs/examples/curl.sh http://127.0.0.1:8642
set -eu

base="${1:-http://127.0.0.1:8642}"
session="x-chaos-session: curl-$$"

ask() {
    curl --silent --show-error "$base/v1/messages" \
        --header "$session" --header "x-api-key: any" --header "anthropic-version: 2023-06-01" \
        --json '{"model": "claude-sonnet-4-6", "max_tokens": 100,
                 "messages": [{"role": "user", "content": "Why did the last deploy fail?"}]}' "$@"
}

curl --silent --show-error --fail-with-body "$base/_chaos/faults" --header "$session" \
    --json '{"fault": "server_error", "status": 503, "when": {"calls": 1}}'
echo

ask --write-out '\n%{http_code}\n'                            # refused
ask --write-out '\n%{http_code}\n'                            # answered

curl --silent --show-error --fail-with-body "$base/_chaos/verdict" --header "$session" \
    --header "accept: text/plain"
