"""Prints what a login and a packet of each cipher suite must look like, computed by other code than ours.

Needs the `cryptography` package (ipmi-requirements.txt). The output is test/fakes/ipmi-vectors.ts. Layouts: IPMI v2.0 rev 1.1
sections 13.6, 13.20 to 13.23, 13.29 and 13.31 to 13.33.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SUITES = {3: (hashlib.sha1, 12), 17: (hashlib.sha256, 16)}


def vector(suite: int) -> dict[str, object]:
    digest, short = SUITES[suite]
    console_id, bmc_id = bytes.fromhex('a4a3a2a1'), bytes.fromhex('02000000')
    console_random, bmc_random = bytes(range(16)), bytes(range(0x40, 0x50))
    guid, user, password = bytes(range(0x80, 0x90)), b'admin', b'correct horse bat 20'
    who = bytes([0x14, len(user)]) + user

    def mac(key: bytes, *parts: bytes) -> bytes:
        return hmac.new(key, b''.join(parts), digest).digest()

    session_key = mac(password, console_random, bmc_random, who)
    k1, k2 = mac(session_key, b'\x01' * 20), mac(session_key, b'\x02' * 20)
    # Chassis status: to 0x20, from 0x81, sequence number 5, with its checksums.
    message = bytes.fromhex('2000e0811401') + bytes([-(0x81 + 0x14 + 0x01) & 0xFF])
    iv = bytes(range(0xF0, 0x100))
    padding = -(len(message) + 1) % 16
    clear = message + bytes(range(1, padding + 1)) + bytes([padding])
    encryptor = Cipher(algorithms.AES(k2[:16]), modes.CBC(iv)).encryptor()
    payload = iv + encryptor.update(clear) + encryptor.finalize()
    body = struct.pack('<BBIIH', 6, 0xC0, 2, 7, len(payload)) + payload
    fill = -(len(body) + 2) % 4
    body += b'\xff' * fill + bytes([fill, 7])
    return {
        'suite': suite,
        'rakp2': mac(password, console_id, bmc_id, console_random, bmc_random, guid, who).hex(),
        'rakp3': mac(password, bmc_random, console_id, who).hex(),
        'rakp4': mac(session_key, console_random, bmc_id, guid)[:short].hex(),
        'k1': k1.hex(),
        'k2': k2[:16].hex(),
        'message': message.hex(),
        'packet': (bytes.fromhex('0600ff07') + body + mac(k1, body)[:short]).hex(),
    }


print('// Made by test/simulators/ipmi_vectors.py, which has the inputs. Not to be edited.')
print(f'export const vectors = {json.dumps([vector(suite) for suite in SUITES], indent=2)} as const;')
