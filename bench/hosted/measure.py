"""Measures lists of a running server: measure.py URL ACCOUNT TOKEN ACCESS_LOG PID [RUNS]. Prints rows of a Markdown table.

Service time is what the server's access log tells: from a request to its complete answer. Processor time is the process's, all threads, over the requests
of a row. The client's time holds the transfer too; it reads the whole answer and parses nothing.
"""

import http.client
import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

url, account, token, log, pid = sys.argv[1:6]
runs = int(sys.argv[6]) if len(sys.argv) > 6 else 50
log = Path(log)
path_of_images = f"/client/v4/accounts/{account}/images"
connection = http.client.HTTPConnection(urlsplit(url).netloc)
headers = {"Authorization": f"Bearer {token}"}


def get(path):
    started = time.perf_counter()
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - started) * 1000
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {body[:500]!r}")
    return body, took


def processor_ms():
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def service_ms(offset):
    """The access lines behind a byte of the log."""
    with log.open() as lines:
        lines.seek(offset)
        found = [json.loads(line) for line in lines if '"duration_us"' in line]
    return [line["duration_us"] / 1000 for line in found if line.get("surface") == "api"]


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def row(name, path):
    for _ in range(5):
        body, _ = get(path)
    time.sleep(0.2)
    offset, before = log.stat().st_size, processor_ms()
    clients = [get(path)[1] for _ in range(runs)]
    processor = (processor_ms() - before) / runs
    time.sleep(0.2)
    services = service_ms(offset)
    assert len(services) == runs, (len(services), runs)
    answer = json.loads(body)["result"]
    count = len(answer["images"]) if "images" in answer else 1
    print(
        f"| {name} | {count} | {len(body) / 1024:.0f} | {at(services, 0.5):.1f} | {at(services, 0.95):.1f} | {processor:.1f} | {at(clients, 0.5):.1f} |",
        flush=True,
    )


def middle(query):
    """The token in the middle of a list of a million, found by walking."""
    token, images = None, 0
    while True:
        path = f"{path_of_images}/v2?per_page=1000{query}" + (f"&continuation_token={token}" if token else "")
        answer = json.loads(get(path)[0])["result"]
        images += len(answer["images"])
        token = answer["continuation_token"]
        if images >= total // 2 or token is None:
            return token


total = json.loads(get(f"{path_of_images}/v1/stats")[0])["result"]["count"]["current"]
one = json.loads(get(f"{path_of_images}/v1?page={total // 2}&per_page=1")[0])["result"]["images"][0]["id"]
half = middle("")
for per_page in (1000, 50):
    page = total // per_page // 2
    paged = f"per_page={per_page}"
    print(f"| **{per_page} a page** | | | | | | |")
    for name, path in [
        ("v2, first page", f"v2?{paged}"),
        ("v2, oldest first", f"v2?{paged}&sort_order=asc"),
        ("v2, the middle, by its token", f"v2?{paged}&continuation_token={half}"),
        (f"v1, the middle, `page={page}`", f"v1?{paged}&page={page}"),
        (f"v1, the last, `page={total // per_page}`", f"v1?{paged}&page={total // per_page}"),
        ("v2, a creator of 1 in 1,000", f"v2?{paged}&creator=user-7"),
        ("v1, the same", f"v1?{paged}&creator=user-7"),
        ("v2, `eq` of 1 in 100,000", f"v2?{paged}&meta.rare[eq]=r7"),
        ("v2, `eq` of 1 in 1,000", f"v2?{paged}&meta.shelf[eq]=s7"),
        ("v2, `eq` of a half", f"v2?{paged}&meta.half[eq]=a"),
        ("v2, creator and `eq` of a half", f"v2?{paged}&creator=user-7&meta.half[eq]=b"),
        ("v2, 1 in 1,000 and a half", f"v2?{paged}&meta.shelf[eq]=s7&meta.half[eq]=b"),
        ("v2, a range of 1 in 100", f"v2?{paged}&meta.price[lt]=10"),
        ("v2, a range of a half", f"v2?{paged}&meta.price[lt]=500"),
        ("v2, one of ten values, 1 in 100", f"v2?{paged}&meta.shelf[in]=" + "|".join(f"s{n}" for n in range(10))),
        ("v2, two halves that never meet", f"v2?{paged}&meta.half[eq]=a&meta.other[eq]=a"),
        ("v2, an empty range of two halves", f"v2?{paged}&meta.price[gt]=600&meta.price[lt]=400"),
    ]:
        row(name, f"{path_of_images}/{path}".replace("[", "%5B").replace("]", "%5D").replace("|", "%7C"))
print("| **One image** | | | | | | |")
row("details", f"{path_of_images}/v1/{one}")
