"""Looks for secrets in bytes and texts: where 8 bytes in a row of one show, as they are, reversed, in
hexadecimal, in base64 or base64url."""
import base64

MARK = b"PSA\0KEY\0"
WINDOW = 8


def keys_of_image(path):
    """The EC keys in an image, the removed ones too: mbedTLS's head of 36 bytes, then the scalar."""
    with open(path, "rb") as f:
        image = f.read()
    found, at = set(), image.find(MARK)
    while at >= 0:
        length = int.from_bytes(image[at + 32:at + 36], "little")
        found.add(image[at + 36:at + 36 + length])
        at = image.find(MARK, at + 1)
    return found


def forms(secret):
    """What 8 bytes in a row of a secret look like, as they are and in text."""
    for i in range(len(secret) - WINDOW + 1):
        part = secret[i:i + WINDOW]
        yield part
        yield part[::-1]
        yield part.hex().encode()
        yield part.hex().upper().encode()
    for start in range(3):
        text = base64.b64encode(secret[start:len(secret) - (len(secret) - start) % 3])
        for each in (text, text.translate(bytes.maketrans(b"+/", b"-_"))):
            for i in range(len(each) - 10):
                yield each[i:i + 11]


def shows(text, known):
    """The first form of a secret that is in a text."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    for secret in known:
        for form in forms(secret):
            if form in data:
                return form
    return None
