#!/bin/sh
# After a deployment: waits until the app answers, and fails with what is wrong in its settings.
# FUNCTION_APP_URL comes from the deployment's outputs; HEALTH_TRIES and HEALTH_PAUSE (seconds) set the patience.
set -u
url="${FUNCTION_APP_URL:?is not set; it is an output of the deployment}/api/health"
tries="${HEALTH_TRIES:-30}"
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

while [ "$tries" -gt 0 ]; do
  tries=$((tries - 1))
  status=$(curl --silent --max-time 30 --output "$answer" --write-out '%{http_code}' "$url")
  if [ "$status" = 200 ]; then
    echo "The app is alive: $(cat "$answer")"
    exit 0
  fi
  if [ "$status" = 503 ] && grep -q '"wrong_settings"' "$answer"; then
    echo "The app runs with wrong settings, and does nothing until they are right:" >&2
    message=$(sed -e 's/.*"message": *"//' -e 's/"}}[[:space:]]*$//' -e 's/\\"/"/g' "$answer")
    printf '%b\n' "$message" >&2
    exit 1
  fi
  # A new package takes a while to be there; until then the host answers 404 or 503 by itself.
  [ "$tries" -gt 0 ] && sleep "${HEALTH_PAUSE:-10}"
done
echo "$url answers $status instead of 200; docs/deployment.md says what to look at." >&2
exit 1
