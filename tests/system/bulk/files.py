"""Makes a filestore as Odoo has it: files named by the SHA-1 of what they hold.

Usage: files.py FOLDER COUNT MEAN SEED    prints path below the folder, size and hash of each, divided by tabs

The same arguments make the same files. Sizes are spread evenly from almost nothing to twice MEAN; a third of each is text, the
rest does not compress, as with pictures and PDF.
"""
import hashlib
import os
import random
import sys


def main(folder, count, mean, seed):
    draw = random.Random(seed)
    noise = draw.randbytes(8 << 20)
    text = b"".join(b"%d pieces of article %d are on the way to customer %d. " % (i % 97, i, i * 7) for i in range(20000))
    for n in range(256):
        os.makedirs(f"{folder}/{n:02x}", exist_ok=True)
    for n in range(count):
        size = draw.randint(16, 2 * mean)
        words = size // 3
        at, from_ = draw.randrange(len(noise) - size), draw.randrange(len(text) - words)
        content = b"%08d%08d" % (n, seed) + text[from_:from_ + words] + noise[at:at + size - words - 16]
        name = hashlib.sha1(content).hexdigest()
        with open(f"{folder}/{name[:2]}/{name}", "wb") as file:
            file.write(content)
        print(f"{name[:2]}/{name}\t{len(content)}\t{name}")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
