#!/usr/bin/env bash
# Makes the nginx samples: real attack tools against a real nginx on loopback, beside ordinary traffic.
# Needs nginx, gobuster, ffuf, dirb, wfuzz, sqlmap, hydra, wrk, apache2-utils and siege (all in Debian).
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'nginx -p "$work" -c "$PWD/nginx.conf" -s stop 2>/dev/null || true; rm -rf "$work"' EXIT
mkdir -p "$work/logs" "$work/tmp"
words=/usr/share/dirb/wordlists
head -n 600 $words/common.txt > "$work/words.txt"
printf '%s\n' password 123456 letmein qwerty admin welcome monkey dragon master login abc123 sunshine princess football shadow iloveyou trustno1 starwars whatever batman > "$work/passwords.txt"
seq -f 'Mozilla/5.0 (Test %g)' 1 200 > "$work/agents.txt"

nginx -p "$work" -c "$PWD/nginx.conf"
node ordinary.mjs 150 &
ordinary=$!
sleep 5
run() { timeout 60 "$@" > "$work/out.txt" 2>&1 < /dev/null || true; }
run gobuster dir -q -t 4 -u http://127.0.0.1:9001/ -w "$work/words.txt" --delay 20ms
run ffuf -t 4 -p 0.02 -u http://127.0.0.1:9002/FUZZ -w "$work/words.txt"
run dirb http://127.0.0.1:9003/ "$work/words.txt" -S -r
run wfuzz -t 4 -s 0.01 -z "file,$work/words.txt" "http://127.0.0.1:9004/search?FUZZ=1"
run sqlmap --batch --flush-session --output-dir="$work/sqlmap" --level 1 --technique BEU -u "http://127.0.0.1:9005/item?id=1"
# It leaves a file behind for going on later.
(cd "$work" && run hydra -t 4 -l admin -P "$work/passwords.txt" -s 9006 127.0.0.1 http-post-form "/login:user=^USER^&pass=^PASS^:Wrong")
run wrk -t1 -c1 -d1s http://127.0.0.1:9007/
run ab -n 400 -c 2 http://127.0.0.1:9008/search?q=shoes
run siege -b -c 2 -r 60 http://127.0.0.1:9009/shop/product-1
run ffuf -t 2 -p 0.1 -mode pitchfork -u "http://127.0.0.1:9010/search?q=AAA" -H "User-Agent: BBB" -w "$work/words.txt:AAA" -w "$work/agents.txt:BBB"
wait "$ordinary"
sleep 1
gzip -9nc "$work/logs/access.log" > logs/access.log.gz
gzip -9nc "$work/logs/behind-alb.log" > behind-alb.log.gz
ls -l behind-alb.log.gz logs
