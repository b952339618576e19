/// The 64 steps of MD5 (RFC 1321), written once for scalars and for vectors of any width.

#ifndef SKERRY_MD5_STEPS_H
#define SKERRY_MD5_STEPS_H

#include "checksums.h"

/// Advances one state over whole blocks.
void skerry_md5_blocks(uint32_t state[4], const uint8_t *p, size_t blocks);

#define MD5_ROTATE(v, n) (((v) << (n)) | ((v) >> (32 - (n))))

// `b` is the newest value of the chain of steps, so time goes by what is left to do after it. The two terms of G have no bit in
// common and may be added, the one without `b` early.
#define MD5_F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MD5_H(x, y, z) ((x) ^ ((y) ^ (z)))
#define MD5_I(x, y, z) ((y) ^ ((x) | ~(z)))

#define MD5_STEP(function, a, b, c, d, word, constant, shift) \
    a += (word) + (uint32_t)(constant); \
    MD5_EARLY(a); \
    a += function(b, c, d); \
    a = MD5_ROTATE(a, shift) + b;

#define MD5_STEP_G(a, b, c, d, word, constant, shift) \
    a += (word) + (uint32_t)(constant); \
    a += ~(d) & (c); \
    MD5_EARLY(a); \
    a += (d) & (b); \
    a = MD5_ROTATE(a, shift) + b;

#if MD5_SCALAR
// Empty assembly: keeps the compiler from joining the early sum with the late one again, which costs a fifth of the speed.
#define MD5_EARLY(a) __asm__("" : "+r"(a))
#else
#define MD5_EARLY(a)
#endif

/// All steps over the sixteen words `w`; `a` to `d` are updated in place.
#define MD5_STEPS(a, b, c, d, w) \
    MD5_STEP(MD5_F, a, b, c, d, w[0], 0xD76AA478, 7) \
    MD5_STEP(MD5_F, d, a, b, c, w[1], 0xE8C7B756, 12) \
    MD5_STEP(MD5_F, c, d, a, b, w[2], 0x242070DB, 17) \
    MD5_STEP(MD5_F, b, c, d, a, w[3], 0xC1BDCEEE, 22) \
    MD5_STEP(MD5_F, a, b, c, d, w[4], 0xF57C0FAF, 7) \
    MD5_STEP(MD5_F, d, a, b, c, w[5], 0x4787C62A, 12) \
    MD5_STEP(MD5_F, c, d, a, b, w[6], 0xA8304613, 17) \
    MD5_STEP(MD5_F, b, c, d, a, w[7], 0xFD469501, 22) \
    MD5_STEP(MD5_F, a, b, c, d, w[8], 0x698098D8, 7) \
    MD5_STEP(MD5_F, d, a, b, c, w[9], 0x8B44F7AF, 12) \
    MD5_STEP(MD5_F, c, d, a, b, w[10], 0xFFFF5BB1, 17) \
    MD5_STEP(MD5_F, b, c, d, a, w[11], 0x895CD7BE, 22) \
    MD5_STEP(MD5_F, a, b, c, d, w[12], 0x6B901122, 7) \
    MD5_STEP(MD5_F, d, a, b, c, w[13], 0xFD987193, 12) \
    MD5_STEP(MD5_F, c, d, a, b, w[14], 0xA679438E, 17) \
    MD5_STEP(MD5_F, b, c, d, a, w[15], 0x49B40821, 22) \
    MD5_STEP_G(a, b, c, d, w[1], 0xF61E2562, 5) \
    MD5_STEP_G(d, a, b, c, w[6], 0xC040B340, 9) \
    MD5_STEP_G(c, d, a, b, w[11], 0x265E5A51, 14) \
    MD5_STEP_G(b, c, d, a, w[0], 0xE9B6C7AA, 20) \
    MD5_STEP_G(a, b, c, d, w[5], 0xD62F105D, 5) \
    MD5_STEP_G(d, a, b, c, w[10], 0x02441453, 9) \
    MD5_STEP_G(c, d, a, b, w[15], 0xD8A1E681, 14) \
    MD5_STEP_G(b, c, d, a, w[4], 0xE7D3FBC8, 20) \
    MD5_STEP_G(a, b, c, d, w[9], 0x21E1CDE6, 5) \
    MD5_STEP_G(d, a, b, c, w[14], 0xC33707D6, 9) \
    MD5_STEP_G(c, d, a, b, w[3], 0xF4D50D87, 14) \
    MD5_STEP_G(b, c, d, a, w[8], 0x455A14ED, 20) \
    MD5_STEP_G(a, b, c, d, w[13], 0xA9E3E905, 5) \
    MD5_STEP_G(d, a, b, c, w[2], 0xFCEFA3F8, 9) \
    MD5_STEP_G(c, d, a, b, w[7], 0x676F02D9, 14) \
    MD5_STEP_G(b, c, d, a, w[12], 0x8D2A4C8A, 20) \
    MD5_STEP(MD5_H, a, b, c, d, w[5], 0xFFFA3942, 4) \
    MD5_STEP(MD5_H, d, a, b, c, w[8], 0x8771F681, 11) \
    MD5_STEP(MD5_H, c, d, a, b, w[11], 0x6D9D6122, 16) \
    MD5_STEP(MD5_H, b, c, d, a, w[14], 0xFDE5380C, 23) \
    MD5_STEP(MD5_H, a, b, c, d, w[1], 0xA4BEEA44, 4) \
    MD5_STEP(MD5_H, d, a, b, c, w[4], 0x4BDECFA9, 11) \
    MD5_STEP(MD5_H, c, d, a, b, w[7], 0xF6BB4B60, 16) \
    MD5_STEP(MD5_H, b, c, d, a, w[10], 0xBEBFBC70, 23) \
    MD5_STEP(MD5_H, a, b, c, d, w[13], 0x289B7EC6, 4) \
    MD5_STEP(MD5_H, d, a, b, c, w[0], 0xEAA127FA, 11) \
    MD5_STEP(MD5_H, c, d, a, b, w[3], 0xD4EF3085, 16) \
    MD5_STEP(MD5_H, b, c, d, a, w[6], 0x04881D05, 23) \
    MD5_STEP(MD5_H, a, b, c, d, w[9], 0xD9D4D039, 4) \
    MD5_STEP(MD5_H, d, a, b, c, w[12], 0xE6DB99E5, 11) \
    MD5_STEP(MD5_H, c, d, a, b, w[15], 0x1FA27CF8, 16) \
    MD5_STEP(MD5_H, b, c, d, a, w[2], 0xC4AC5665, 23) \
    MD5_STEP(MD5_I, a, b, c, d, w[0], 0xF4292244, 6) \
    MD5_STEP(MD5_I, d, a, b, c, w[7], 0x432AFF97, 10) \
    MD5_STEP(MD5_I, c, d, a, b, w[14], 0xAB9423A7, 15) \
    MD5_STEP(MD5_I, b, c, d, a, w[5], 0xFC93A039, 21) \
    MD5_STEP(MD5_I, a, b, c, d, w[12], 0x655B59C3, 6) \
    MD5_STEP(MD5_I, d, a, b, c, w[3], 0x8F0CCC92, 10) \
    MD5_STEP(MD5_I, c, d, a, b, w[10], 0xFFEFF47D, 15) \
    MD5_STEP(MD5_I, b, c, d, a, w[1], 0x85845DD1, 21) \
    MD5_STEP(MD5_I, a, b, c, d, w[8], 0x6FA87E4F, 6) \
    MD5_STEP(MD5_I, d, a, b, c, w[15], 0xFE2CE6E0, 10) \
    MD5_STEP(MD5_I, c, d, a, b, w[6], 0xA3014314, 15) \
    MD5_STEP(MD5_I, b, c, d, a, w[13], 0x4E0811A1, 21) \
    MD5_STEP(MD5_I, a, b, c, d, w[4], 0xF7537E82, 6) \
    MD5_STEP(MD5_I, d, a, b, c, w[11], 0xBD3AF235, 10) \
    MD5_STEP(MD5_I, c, d, a, b, w[2], 0x2AD7D2BB, 15) \
    MD5_STEP(MD5_I, b, c, d, a, w[9], 0xEB86D391, 21)

#endif
