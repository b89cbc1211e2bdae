#!/usr/bin/env python3
"""Signs and sends a call of the gateway by hand, as `manual_call` of adapters/solana writes it down.

Needs the package `solders` (pip install solders) and nothing else. The call is a list of unsigned messages, each behind its
length in two bytes. Your address is put in wherever the placeholder stands, and so are the addresses that follow from it:
`--derived PLACEHOLDER=HOW` says how, either as `associated,MINT,TOKEN_PROGRAM` or as the seeds of an address of the
program in hex, `@` for your address.
"""

import argparse
import base64
import json
import sys
import time
import urllib.request

from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

PLACEHOLDER = b"INFRASTRUKT: PUT YOUR KEY HERE!!"
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
# Where the accounts of a message of version 0 begin: version, header, count.
KEYS_AT = 5
PATIENCE_S = 90


def call(url, method, params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    if "error" in answer:
        sys.exit(f"{method}: {answer['error']}")
    return answer["result"]


def derive(how, program, own):
    if how.startswith("associated,"):
        _, mint, token_program = how.split(",")
        seeds = [bytes(own), bytes(Pubkey.from_string(token_program)), bytes(Pubkey.from_string(mint))]
        return Pubkey.find_program_address(seeds, ASSOCIATED)[0]
    seeds = [bytes(own) if part == "@" else bytes.fromhex(part) for part in how.split(",")]
    return Pubkey.find_program_address(seeds, program)[0]


def messages(data):
    while data:
        length = int.from_bytes(data[:2], "big")
        yield bytearray(data[2 : 2 + length])
        data = data[2 + length :]


def fill_in(message, places, blockhash):
    count = message[KEYS_AT - 1]
    hash_at = KEYS_AT + 32 * count
    for at in range(KEYS_AT, hash_at, 32):
        key = bytes(message[at : at + 32])
        message[at : at + 32] = places.get(key, key)
    message[hash_at : hash_at + 32] = bytes(blockhash)


def send(url, keypair, message):
    signature = keypair.sign_message(bytes(message))
    raw = base64.b64encode(bytes([1]) + bytes(signature) + bytes(message)).decode()
    call(url, "sendTransaction", [raw, {"encoding": "base64", "preflightCommitment": "confirmed"}])
    print(f"sent {signature}")
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        status = call(url, "getSignatureStatuses", [[str(signature)]])["value"][0]
        if status and status["err"]:
            sys.exit(f"failed: {status['err']}")
        if status and status["confirmationStatus"] == "finalized":
            print(f"final in slot {status['slot']}")
            return
        time.sleep(1)
    sys.exit("not final yet: look its signature up before you send the call again")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--url", required=True, help="JSON-RPC endpoint")
    arguments.add_argument("--keypair", required=True, help="key file of solana-keygen")
    arguments.add_argument("--program", required=True, help="the gateway program")
    arguments.add_argument("--derived", action="append", default=[], metavar="PLACEHOLDER=HOW")
    arguments.add_argument("call", help="the call in hex")
    given = arguments.parse_args()
    with open(given.keypair, encoding="ascii") as file:
        keypair = Keypair.from_bytes(bytes(json.load(file)))
    own, program = keypair.pubkey(), Pubkey.from_string(given.program)
    places = {PLACEHOLDER: bytes(own)}
    for derived in given.derived:
        placeholder, how = derived.split("=", 1)
        places[bytes(Pubkey.from_string(placeholder))] = bytes(derive(how, program, own))
    for message in messages(bytes.fromhex(given.call.removeprefix("0x"))):
        blockhash = call(given.url, "getLatestBlockhash", [{"commitment": "confirmed"}])["value"]["blockhash"]
        fill_in(message, places, Hash.from_string(blockhash))
        send(given.url, keypair, message)


if __name__ == "__main__":
    main()
