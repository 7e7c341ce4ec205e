#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Sends random messages of the netlink family dst; asks for the volume v by its name again and again.
usage: nlstorm.py SEED COUNT"""
import random
import socket
import struct
import sys

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
VOLUME_SUSPEND, NODE_SUSPEND, VOLUME_STOP = 3, 6, 10


def attr(kind, data):
    raw = struct.pack("<HH", len(data) + 4, kind) + data
    return raw + b"\0" * (-len(raw) % 4)


def talk(sock, family, cmd, flags, payload, seq):
    raw = struct.pack("<BBH", cmd, 1, 0) + payload
    sock.send(struct.pack("<IHHII", len(raw) + 16, family, flags, seq, 0) + raw)
    answers = []
    while True:
        try:
            data = sock.recv(65536)
        except (TimeoutError, BlockingIOError):
            return answers
        while len(data) >= 16:
            length, kind, _, got_seq, _ = struct.unpack_from("<IHHII", data)
            if got_seq == seq:
                answers.append((kind, data[16:length]))
                if kind in (2, 3):
                    return answers
            data = data[(length + 3) & ~3:]


def family_of(sock, name):
    for kind, data in talk(sock, 16, 3, NLM_F_REQUEST | NLM_F_ACK, attr(2, name + b"\0"), 1):
        data = data[4:]
        while kind == 16 and len(data) >= 4:
            length, at = struct.unpack_from("<HH", data)
            if at == 1:
                return struct.unpack_from("<H", data, 4)[0]
            data = data[(length + 3) & ~3:]
    sys.exit("no family")


def value(rng, depth):
    pick = rng.randrange(7)
    if pick == 0:
        return rng.randbytes(rng.choice([0, 1, 3, 4, 8, 16, 100]))
    if pick == 1:
        return struct.pack("<I", rng.choice([0, 1, 2, 255, 2**31, 2**32 - 1]))
    if pick == 2:
        return struct.pack("<Q", rng.choice([0, 1, 2**63, 2**64 - 1]))
    if pick == 3:
        return rng.choice([b"v\0", b"v", b"linear\0", b"\0", b"x" * 300 + b"\0", b"/dev/null\0", b"a/b\0"])
    if pick == 4 and depth < 3:
        return b"".join(attr(rng.randrange(28), value(rng, depth + 1)) for _ in range(rng.randrange(6)))
    if pick == 5:
        return struct.pack("<H", rng.choice([1, 2, 10, 40, 0xffff])) + rng.randbytes(rng.choice([0, 14, 26, 110, 126]))
    return b"v\0"


def main():
    rng = random.Random(int(sys.argv[1]))
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.bind((0, 0))
    sock.settimeout(5)
    family = family_of(sock, b"dst")
    refused = 0
    for seq in range(2, 2 + int(sys.argv[2])):
        cmd = rng.randrange(24)
        nested = 0x8000 if rng.randrange(2) else 0
        attrs = [attr(rng.randrange(44) | nested, value(rng, 0)) for _ in range(rng.randrange(6))]
        if rng.randrange(2):
            attrs.insert(0, attr(1, b"v\0"))
        raw = b"".join(attrs)
        if not rng.randrange(10):
            raw = raw[:rng.randrange(len(raw) + 1)]
        if cmd in (VOLUME_SUSPEND, NODE_SUSPEND, VOLUME_STOP):    # that would be obeyed
            continue
        flags = NLM_F_REQUEST | (NLM_F_DUMP if rng.randrange(3) == 0 else NLM_F_ACK)
        answers = talk(sock, family, cmd, flags, raw, seq)
        if not answers:
            sys.exit(f"no answer to command {cmd}, message {seq}")
        refused += any(kind == 2 and struct.unpack_from("<i", data)[0] < 0 for kind, data in answers)
    print(f"{refused} refused")


main()
