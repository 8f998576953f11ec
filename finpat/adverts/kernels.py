"""Kernels of text clusters: shingles of UTF-8 text, MinHash, and comparing the texts of a bucket."""

from __future__ import annotations

import numpy as np

from finpat.compiled import kernel

# A shingle is the shortest run of tokens that weighs this much: three words, four signs of a script that
# writes words as signs, six letters of a script that puts no space between words.
SHINGLE = 12
WORD, SIGN, LETTER = 4, 3, 2


@kernel
def _weight_of(code):  # type: ignore[no-untyped-def]
    """SIGN or LETTER for a code point of a script without spaces; 0 where spaces part words."""
    if 0x0E00 <= code <= 0x0EFF or 0x1000 <= code <= 0x109F or 0x1780 <= code <= 0x17FF:
        return LETTER  # Thai, Lao, Myanmar, Khmer
    if 0x3040 <= code <= 0x30FF or 0x3400 <= code <= 0x4DBF or 0x4E00 <= code <= 0x9FFF:
        return SIGN  # Kana, Han
    if 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF:
        return SIGN
    return 0


@kernel
def _mixed(value):  # type: ignore[no-untyped-def]
    """The finalizer of MurmurHash3."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@kernel
def shingles(text, starts):  # type: ignore[no-untyped-def]
    """Hashes of the different shingles of each text, sorted, and where each text's begin.

    text: UTF-8 bytes of words parted by one space (see normalise.advert_words). starts: where each text
    begins, and the end of the last. A text lighter than one shingle has itself as its only one. Returns
    hashes (UInt64) and offsets (Int64, one more than texts).
    """
    texts = len(starts) - 1
    hashes = np.empty(
        (starts[texts] - starts[0]) // 2 + 2 * texts, np.uint64
    )  # a token takes two bytes or more
    offsets = np.zeros(texts + 1, np.int64)
    longest = 1
    for place in range(texts):
        longest = max(longest, starts[place + 1] - starts[place])
    token = np.empty(longest + 1, np.uint64)
    heavy = np.empty(longest + 1, np.int64)
    size = 0
    for place in range(texts):
        tokens = 0
        running = np.uint64(0)
        inside = False
        at = starts[place]
        end = starts[place + 1]
        while at < end:
            first = text[at]
            if first < 0x80:
                code, width = np.int64(first), 1
            elif first < 0xE0:
                code, width = np.int64(first & 0x1F), 2
            elif first < 0xF0:
                code, width = np.int64(first & 0x0F), 3
            else:
                code, width = np.int64(first & 0x07), 4
            for more in range(1, width):
                code = (code << 6) | np.int64(text[at + more] & 0x3F)
            at += width
            weight = _weight_of(code)
            if inside and (code == 32 or weight > 0):
                token[tokens], heavy[tokens] = running, WORD
                tokens += 1
                inside = False
            if weight > 0:
                token[tokens], heavy[tokens] = _mixed(np.uint64(code)), weight
                tokens += 1
            elif code != 32:
                if not inside:
                    running = np.uint64(0)
                running = _mixed(running * np.uint64(31) + np.uint64(code))
                inside = True
        if inside:
            token[tokens], heavy[tokens] = running, WORD
            tokens += 1
        begin = size
        total = np.int64(0)
        head = 0
        for last in range(tokens):
            total += heavy[last]
            if total < SHINGLE:
                continue
            while total - heavy[head] >= SHINGLE:
                total -= heavy[head]
                head += 1
            made = np.uint64(0)
            for part in range(head, last + 1):
                made = _mixed(made * np.uint64(31) + token[part])
            hashes[size] = made
            size += 1
        if size == begin and tokens:
            made = np.uint64(1)
            for part in range(tokens):
                made = _mixed(made * np.uint64(31) + token[part])
            hashes[size] = made
            size += 1
        own = np.sort(hashes[begin:size])
        size = begin
        for number in range(len(own)):
            if number == 0 or own[number] != own[number - 1]:
                hashes[size] = own[number]
                size += 1
        offsets[place + 1] = size
    return hashes[:size].copy(), offsets


@kernel
def without(hashes, offsets, dropped):  # type: ignore[no-untyped-def]
    """Hashes and offsets without the values of `dropped` (sorted)."""
    kept = np.empty(len(hashes), np.uint64)
    bounds = np.zeros(len(offsets), np.int64)
    size = 0
    for place in range(len(offsets) - 1):
        for at in range(offsets[place], offsets[place + 1]):
            found = np.searchsorted(dropped, hashes[at])
            if found == len(dropped) or dropped[found] != hashes[at]:
                kept[size] = hashes[at]
                size += 1
        bounds[place + 1] = size
    return kept[:size].copy(), bounds


@kernel
def band_keys(hashes, offsets, factors, bands, rows):  # type: ignore[no-untyped-def]
    """MinHash: for each text and band one key, of `rows` minima; texts of like shingles share keys.

    factors: one odd number for each of bands x rows permutations. Returns UInt64, bands x texts.
    """
    texts = len(offsets) - 1
    keys = np.empty((bands, texts), np.uint64)
    least = np.empty(bands * rows, np.uint64)
    for place in range(texts):
        least[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
        for at in range(offsets[place], offsets[place + 1]):
            value = hashes[at]
            for number in range(bands * rows):
                # The high bits of a product by an odd number order the values differently for each factor.
                turned = (value ^ (value >> np.uint64(29))) * factors[number]
                if turned < least[number]:
                    least[number] = turned
        for band in range(bands):
            key = np.uint64(band)
            for row in range(rows):
                key = _mixed(key * np.uint64(31) + least[band * rows + row])
            keys[band, place] = key
    return keys


@kernel
def root(parent, place):  # type: ignore[no-untyped-def]
    """The root of a place in a forest of `parent`, which is flattened on the way."""
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place


@kernel
def unite(parent, left, right):  # type: ignore[no-untyped-def]
    """Join two trees; the smaller number, which is the older, stays the root."""
    left, right = root(parent, left), root(parent, right)
    if left < right:
        parent[right] = left
    else:
        parent[left] = right


@kernel
def likeness(hashes, offsets, left, right):  # type: ignore[no-untyped-def]
    """Jaccard index of the shingles of two texts; 0 where either has none."""
    a, end_a = offsets[left], offsets[left + 1]
    b, end_b = offsets[right], offsets[right + 1]
    size = (end_a - a) + (end_b - b)
    shared = 0
    while a < end_a and b < end_b:
        if hashes[a] == hashes[b]:
            shared += 1
            a += 1
            b += 1
        elif hashes[a] < hashes[b]:
            a += 1
        else:
            b += 1
    return shared / (size - shared) if size > shared else 0.0


@kernel
def join_buckets(parent, order, keys, hashes, offsets, least, most):  # type: ignore[no-untyped-def]
    """Unite the texts of one band that share a key and are alike.

    order: texts by (key, number), so that in a bucket the older come first. Each text is compared with the
    `most` before it in its bucket that are not yet in its tree, so that texts added later change nothing
    about how older ones compare.
    """
    for at in range(len(order)):
        here = order[at]
        compared = 0
        before = at - 1
        while before >= 0 and compared < most and keys[order[before]] == keys[here]:
            there = order[before]
            compared += 1
            before -= 1
            if root(parent, here) == root(parent, there):
                continue
            if likeness(hashes, offsets, here, there) >= least:
                unite(parent, here, there)


@kernel
def join_pairs(parent, left, right):  # type: ignore[no-untyped-def]
    """Unite the ends of each pair."""
    for number in range(len(left)):
        unite(parent, left[number], right[number])


@kernel
def flatten(parent):  # type: ignore[no-untyped-def]
    """Every place's root."""
    for place in range(len(parent)):
        parent[place] = root(parent, place)
