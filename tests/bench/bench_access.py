"""What it costs to ask who calls, and to write it down: servers with and without, in turns.

    python -m tests.bench.bench_access [--rounds 3000]

Prints two Markdown tables: of a search whose ranking is cached, the cheapest call there is, and of a removal
that finds nothing, the cheapest that must be in the audit log before it is done.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.bench.turns import Kind, Turns
from tests.e2e.access import ADMIN, write_principals

EXPECTED = {"iss": "bench", "aud": "bench"}


def token(folder: Path) -> str:
    """An administrator's, good for a day; the key to verify it with is in `jwks.json`."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": "bench"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [public]}))
    claims = {**EXPECTED, "sub": "bench", "exp": time.time() + 86400}
    own = {"scenograph": {"roles": {"*": "admin"}, "labels": "*"}}
    return jwt.encode(claims | own, key, "ES256", {"kid": "bench"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3000)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as running:
        folder = Path(temporary)
        write_principals(folder / "principals.toml")
        signed = token(folder)
        asks = {"SCENOGRAPH_SECURITY_PRINCIPALS": str(folder / "principals.toml")}
        tokens = {
            "SCENOGRAPH_SECURITY_JWT_JWKS": str(folder / "jwks.json"),
            "SCENOGRAPH_SECURITY_JWT_ISSUER": EXPECTED["iss"],
            "SCENOGRAPH_SECURITY_JWT_AUDIENCE": EXPECTED["aud"],
        }
        audit = {"SCENOGRAPH_AUDIT_FILE": str(folder / "audit.jsonl")}
        kinds = {
            "nobody is asked": Kind(),
            "API key": Kind(asks, key=ADMIN.key),
            "token (ES256)": Kind(tokens, token=lambda: signed),
            "API key and audit log": Kind({**asks, **audit}, key=ADMIN.key),
        }
        turns = Turns(folder, kinds, running)
        print("a cached search\n")
        print(turns.table(lambda c: c.search("photos", text="a cup of coffee on a table"), rounds))
        print("\na removal that finds nothing\n")
        print(turns.table(lambda c: c.delete("photos", ["nobody"]), rounds))


if __name__ == "__main__":
    main()
