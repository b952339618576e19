// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), as in RFC 3720 appendix B.4.
//
// x86-64 has an instruction for it since SSE 4.2 (chosen at run time), AArch64 where the compiler may assume the CRC
// extension; elsewhere eight tables take eight bytes a step ("slicing by 8", Kounavis and Berry, 2005).

#include "include/kernels.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u

static uint32_t tables[8][256];

// Runs before main, so the tables are complete and constant when the first thread reads them.
__attribute__((constructor)) static void make_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        tables[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (int slice = 1; slice < 8; slice++)
            tables[slice][byte] = tables[slice - 1][byte] >> 8 ^ tables[0][tables[slice - 1][byte] & 0xFF];
}

uint32_t skerry_crc32c_portable(uint32_t crc, const void *data, size_t count) {
    const uint8_t *bytes = data;
    crc = ~crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        // Assembled byte by byte: the same on either endianness, and one load where it is little.
        uint32_t low = crc ^ ((uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24);
        crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^ tables[4][low >> 24]
            ^ tables[3][bytes[4]] ^ tables[2][bytes[5]] ^ tables[1][bytes[6]] ^ tables[0][bytes[7]];
    }
    while (count--) crc = crc >> 8 ^ tables[0][(crc ^ *bytes++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data, size_t count) {
    const uint8_t *bytes = data;
    uint64_t state = (uint32_t)~crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        state = __builtin_ia32_crc32di(state, word);
    }
    while (count--) state = __builtin_ia32_crc32qi((uint32_t)state, *bytes++);
    return ~(uint32_t)state;
}

uint32_t skerry_crc32c(uint32_t crc, const void *data, size_t count) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, data, count) : skerry_crc32c_portable(crc, data, count);
}

#elif defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

uint32_t skerry_crc32c(uint32_t crc, const void *data, size_t count) {
    const uint8_t *bytes = data;
    crc = ~crc;
    for (; count >= 8; count -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        crc = __crc32cd(crc, word);
    }
    while (count--) crc = __crc32cb(crc, *bytes++);
    return ~crc;
}

#else

uint32_t skerry_crc32c(uint32_t crc, const void *data, size_t count) {
    return skerry_crc32c_portable(crc, data, count);
}

#endif
