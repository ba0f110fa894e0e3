#!/usr/bin/env bash
# POST and at once GET, again and again with curl: what was written must be
# there, without a token and without a try again. Arguments: where reads and
# where writes are served, and the number of pairs.
set -euo pipefail
query=${1:-127.0.0.1:3001} ingest=${2:-127.0.0.1:8000} pairs=${3:-2000}
json='Content-Type: application/json'
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([0-9a-f]*\).*/\1/p"; }
app=$(curl -s "$query/application" -H "$json" -d '{"username":"pairs"}' | field Application)
chat=$(curl -s -X POST "$ingest/application/$app/chat" | field Chat)
began=$(date +%s%N)
for i in $(seq "$pairs"); do
  at=$query
  if [ $((i % 2)) = 0 ]; then at=$ingest; fi
  number=$(curl -s "$at/application/$app/chat/$chat/message" -H "$json" -d "{\"message\":\"pair $i\"}" | field MessageID)
  got=$(curl -s -w ' %{http_code}' "$query/application/$app/chat/$chat/message/$number")
  want="{\"Application\":\"$app\",\"Chat\":$chat,\"MessageID\":\"$i\",\"Message\":\"pair $i\"}"
  if [ "$got" != "$want 200" ]; then
    echo "pair $i: $got"
    exit 1
  fi
done
echo "$pairs pairs of POST and GET, every one read back at once, in $((($(date +%s%N) - began) / 1000000)) ms"
