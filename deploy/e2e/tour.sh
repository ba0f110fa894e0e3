#!/usr/bin/env bash
# The calls of the replaced system, as its users typed them, against a running
# chatlog; each command is shown with its answer. Arguments: where reads (and
# forwarded writes) and where writes are served.
set -euo pipefail
query=${1:-127.0.0.1:3001} ingest=${2:-127.0.0.1:8000}
json='Content-Type: application/json'
answer=""
call() {
  printf '$ curl'
  for word in "$@"; do case $word in *[!A-Za-z0-9_./:@%-]*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac; done
  answer=$(curl -s "$@")
  printf '\n%s\n' "$answer"
}
call --location "http://$query/application" --header "$json" --data '{"username":"Shetewi"}'
app=$(sed -n 's/.*"Application":"\([0-9a-f]*\)".*/\1/p' <<<"$answer")
call --location "$query/application/$app"
call --location --request POST "$query/application/$app/chat"
call --location --request POST "$ingest/application/$app/chat"
call --location "$query/application/$app/chat/2"
call --location "$query/application/$app/chat/2/message" --header "$json" --data '{"message":"Hello world again for the not last time"}'
call --location "$ingest/application/$app/chat/2/message" --header "$json" --data '{"message":"Alhamdulilah"}'
call --location "$query/application/$app/chat/2/message/1"
call --location --request PUT "$query/application/$app/chat/2/message/1" --header "$json" --data '{"message":"Hello, World!"}'
call --location "$query/application/$app/chat/2/messages"
sleep 1 # search shows what was written within a second; a Consistency-Token would wait for it
call --location "$query/application/$app/chat/2/search/Alhamdulilah"
call --location "$query/application/$app/chat/2/search/world"
call --location --request DELETE "$query/application/$app/chat/2/message/2"
call --location "$query/application/$app/chat/2/message/2"
call --location "$query/application/$app/chat/2"
call --location "$query/application/$app/chat/99"
