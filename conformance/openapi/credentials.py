"""Whether the description is valid, and whether every operation asks for the credentials that it says it asks for."""

import collections
import json
import os
import sys
import urllib.error
import urllib.request

from openapi_spec_validator import validate

URL = os.environ["CALOTYPE_URL"]
ACCOUNT = os.environ["CALOTYPE_ACCOUNT"]
TOKEN = os.environ["CALOTYPE_TOKEN"]


def ask(method, path, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(URL + path, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        body = error.read()
        return error.code, json.loads(body) if error.headers["Content-Type"] == "application/json" and body else None


def batch_token():
    return ask("GET", f"/client/v4/accounts/{ACCOUNT}/images/v1/batch_token", TOKEN)[1]["result"]["token"]


def code(answer):
    return answer[0], answer[1]["errors"][0]["code"] if answer[1] else None


def main():
    status, description = ask("GET", "/client/v4/openapi.json")
    assert status == 200
    validate(description)
    # Nothing has these ids.
    values = collections.defaultdict(lambda: "0" * 32)
    values |= {"account_id": ACCOUNT, "image_id": "some", "signing_key_name": "some", "variant_id": "some"}
    count = 0
    for template, methods in description["paths"].items():
        for method, operation in methods.items():
            if method == "parameters" or not operation["security"]:
                continue
            is_batch = operation["security"] == [{"batchToken": []}]
            path = template.format_map(values)
            wrong = [("bt_wrong", (401, 10000))] if is_batch else [
                (None, (400, 6003)),
                ("ctk_wrong", (401, 10000)),
                (batch_token(), (401, 10000)),
            ]
            for token, want in wrong:
                got = code(ask(method.upper(), path, token))
                # An answer to HEAD has no body.
                assert got == want or (method == "head" and got[0] == want[0]), f"{method} {path}: {got}, not {want}"
                count += 1
    print(f"the description is valid; {count} requests without the right credentials were refused")


if __name__ == "__main__":
    print(batch_token()) if sys.argv[1:] == ["batch-token"] else main()
