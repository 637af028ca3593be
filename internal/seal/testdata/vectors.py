# A second implementation of the formats, independent of the Go one. It makes
# vectors.json:  python3 testdata/vectors.py > testdata/vectors.json
import hashlib, hmac, json, struct
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives import hashes


def hkdf(key, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def strings(*list):
    return b"".join(struct.pack(">I", len(s)) + s for s in list)


def sha(b):
    return hashlib.sha256(b).digest()


root, call = bytes(range(32)), bytes(range(32, 64))
nonce = bytes(range(100, 112))

# a key wrapped by root version 7
prefix = b"\x01" + struct.pack(">I", 7)
kek = hkdf(root, None, b"ivrd/kek/v1|recording")
aad = strings(b"ivrd/key/v1", b"subject/1")
wrapped = prefix + nonce + AESGCM(kek).encrypt(
    nonce, call, strings(b"ivrd/wrap/v1", b"recording", prefix, aad))

# a call key under its subject's
wk = hkdf(root, None, b"wrap|call/1")
under = nonce + AESGCM(wk).encrypt(nonce, call, b"ivrd/wrap-under/v1|call/1")

# a field under a subject's key
fk = hkdf(root, None, b"ivrd/field-key/v1")
field = b"\x01" + nonce + AESGCM(fk).encrypt(
    nonce, b"+8613800000000", strings(b"ivrd/field/v1", b"calls", b"personal", b"PS1"))

# a recording of three parts
salt, pre = bytes(range(200, 232)), bytes(range(50, 57))
name, key = b"PS170000000000012345", b"call/PS170000000000012345"
body = struct.pack(">IqI", 0, 1700000000000, 8000) + b"\x02" + bytes([1, 0, 3, 1])
body += bytes([len(name)]) + name + bytes([len(key)]) + key + bytes(32) + salt + pre
header = b"IVRR\x01\x01" + struct.pack(">H", 8 + len(body)) + body
ek = hkdf(call, salt, b"ivrd/rec/v1" + strings(name) + struct.pack(">I", 0))
out, chain = header, sha(b"\x01" + bytes(32) + header)
parts = [
    (0, 1, 0, 0, 160, [(20, 40, 5)], bytes(160)),
    (0, 0, 0, 160, 8000, [(0, 8000, 2)], b""),
    (1, 0, 0, 8160, 0, [], b""),
]
for seq, (flags, track, codec, first, samples, gaps, payload) in enumerate(parts):
    front = struct.pack(">IBBBBQI", seq, flags, track, codec, len(gaps), first, samples)
    for g in gaps:
        front += struct.pack(">HHB", *g)
    n = pre + struct.pack(">I", seq) + bytes([flags & 1])
    ct = AESGCM(ek).encrypt(n, payload, sha(header) + front)
    front = struct.pack(">I", len(front) + len(ct)) + front
    out += front + ct
    chain = sha(b"\x02" + chain + front + ct[-16:])

leaf = strings(b"ivrd/audit/v1") + struct.pack(">q", 42)
print(json.dumps({
    "wrapped": wrapped.hex(), "under": under.hex(), "field": field.hex(),
    "file": out.hex(), "chain": chain.hex(),
    "leaf": sha(b"\x00" + leaf).hex(),
    "index": hmac.new(root, strings(b"ivrd/index/v1", b"from", b"+8613800000000"), "sha256").digest()[:8].hex(),
}, indent=1))
