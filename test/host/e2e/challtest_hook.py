#!/usr/bin/python3
"""A hook program of the tests: present|cleanup FQDN VALUE at pebble-challtestsrv, which only knows how to
remove all values of a name at once. NANOACME_CHALLTEST is its management port, NANOACME_RECORDS a
file: one line for each call."""
import json
import os
import sys
import urllib.request

CALL, FQDN, VALUE = sys.argv[1:4]


def post(call, body):
    url = f"http://127.0.0.1:{os.environ['NANOACME_CHALLTEST']}/{call}"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(),
                                                       method="POST"), timeout=10):
        pass


journal = os.environ["NANOACME_RECORDS"]
if os.environ.get("NANOACME_HOOK_FAILS", "") == CALL:
    sys.exit("as the test wants it")
with open(journal, "a+", encoding="ascii") as f:
    f.seek(0)
    calls = [line.split() for line in f]
    print(CALL, FQDN, VALUE, file=f)
values = []
for call, fqdn, value in [*calls, [CALL, FQDN, VALUE]]:
    if fqdn == FQDN and call == "present" and value not in values:
        values.append(value)
    elif fqdn == FQDN and call == "cleanup" and value in values:
        values.remove(value)
post("clear-txt", {"host": FQDN})
for value in values:
    post("set-txt", {"host": FQDN, "value": value})
