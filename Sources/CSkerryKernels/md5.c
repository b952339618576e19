// MD5 of one stream. Kept here, and not taken from a crypto library, because lanes need its inner state; it names
// objects in ETags and proves nothing.

#define MD5_SCALAR 1
#include "md5.h"

#include <string.h>

static uint32_t load_word(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}

static void store_word(uint8_t *p, uint32_t word) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(word >> (8 * i));
}

void skerry_md5_blocks(uint32_t state[4], const uint8_t *p, size_t blocks) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (; blocks > 0; blocks--, p += 64) {
        uint32_t w[16];
        for (int i = 0; i < 16; i++) w[i] = load_word(p + 4 * i);
        uint32_t a0 = a, b0 = b, c0 = c, d0 = d;
        MD5_STEPS(a, b, c, d, w)
        a += a0;
        b += b0;
        c += c0;
        d += d0;
    }
    state[0] = a;
    state[1] = b;
    state[2] = c;
    state[3] = d;
}

void skerry_md5_init(skerry_md5 *md5) {
    memset(md5, 0, sizeof *md5);
    md5->state[0] = 0x67452301;
    md5->state[1] = 0xEFCDAB89;
    md5->state[2] = 0x98BADCFE;
    md5->state[3] = 0x10325476;
}

void skerry_md5_update(skerry_md5 *md5, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    size_t pending = md5->length % 64;
    if (n == 0) return;
    md5->length += n;
    if (pending > 0) {
        size_t taken = n < 64 - pending ? n : 64 - pending;
        memcpy(md5->pending + pending, p, taken);
        p += taken;
        n -= taken;
        if (pending + taken < 64) return;
        skerry_md5_blocks(md5->state, md5->pending, 1);
    }
    skerry_md5_blocks(md5->state, p, n / 64);
    if (n % 64 > 0) memcpy(md5->pending, p + n / 64 * 64, n % 64);
}

void skerry_md5_final(skerry_md5 *md5, uint8_t digest[16]) {
    size_t pending = md5->length % 64;
    uint8_t tail[128] = {0};
    size_t length = pending < 56 ? 64 : 128;
    memcpy(tail, md5->pending, pending);
    tail[pending] = 0x80;
    store_word(tail + length - 8, (uint32_t)(md5->length << 3));
    store_word(tail + length - 4, (uint32_t)(md5->length >> 29));
    skerry_md5_blocks(md5->state, tail, length / 64);
    for (int i = 0; i < 4; i++) store_word(digest + 4 * i, md5->state[i]);
}
