"""Ed25519 (RFC 8032) by the one verification rule of PROTOCOL.md SIG-2. Slow; signing leaks its time."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)


def add(a, b):
    """The sum of two points in extended coordinates (RFC 8032 section 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e = (y1 - x1) * (y2 - x2) % P
    f = (y1 + x1) * (y2 + x2) % P
    g = 2 * t1 * t2 * D % P
    h = 2 * z1 * z2 % P
    p, q, r, s = f - e, h - g, h + g, f + e
    return (p * q % P, r * s % P, q * r % P, p * s % P)


def double(a):
    x, y, z, _ = a
    e = x * x % P
    f = y * y % P
    g = 2 * z * z % P
    h = e + f
    p = (h - (x + y) * (x + y)) % P
    q = e - f
    r = g + q
    return (p * r % P, q * h % P, r * q % P, p * h % P)


def negative(a):
    x, y, z, t = a
    return (-x % P, y, z, -t % P)


def multiples(point):
    table = [NEUTRAL]
    for _ in range(15):
        table.append(add(table[-1], point))
    return table


def combination(pairs):
    """The sum of scalar times point over pairs of a scalar and the table of its point's multiples."""
    total = NEUTRAL
    for shift in range(252, -4, -4):
        total = double(double(double(double(total))))
        for scalar, table in pairs:
            digit = scalar >> shift & 15
            if digit:
                total = add(total, table[digit])
    return total


def encode(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    return (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point of a canonical encoding, or None."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    if x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = multiples(decode((4 * pow(5, -1, P) % P).to_bytes(32, "little")))
_tables = {}


def small_y():
    """The y coordinates of the eight points of small order: they are multiples of L times points of the curve."""
    found = set()
    for y in range(2, 40):
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            torsion, multiple = combination([(L, multiples(point))]), NEUTRAL
            for _ in range(8):
                multiple = add(multiple, torsion)
                found.add(int.from_bytes(encode(multiple), "little") & (1 << 255) - 1)
    return found


SMALL_Y = small_y()


def is_allowed(encoding):
    """Whether 32 bytes are a canonical y, and not that of a point of small order, whatever the sign bit."""
    y = int.from_bytes(encoding, "little") & (1 << 255) - 1
    return y < P and y not in SMALL_Y


def key_table(public_key):
    if public_key not in _tables:
        point = decode(public_key) if len(public_key) == 32 and is_allowed(public_key) else None
        _tables[public_key] = None if point is None else multiples(negative(point))
    return _tables[public_key]


def is_signed(public_key, message, signature):
    """Whether these bytes are a signature by SIG-2."""
    if len(signature) != 64:
        return False
    table = key_table(public_key)
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if table is None or s >= L or not is_allowed(r):
        return False
    k = int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L
    return encode(combination([(s, BASE), (k, table)])) == r


def key_pair(seed):
    """The public key of a seed, and what it signs with."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return encode(combination([(scalar % L, BASE)])), scalar, digest[32:]


def sign(seed, message):
    public_key, scalar, prefix = key_pair(seed)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    r = encode(combination([(nonce, BASE)]))
    k = int.from_bytes(hashlib.sha512(r + public_key + message).digest(), "little") % L
    return r + ((nonce + k * scalar) % L).to_bytes(32, "little")
