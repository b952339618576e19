// CRC-32 and CRC-64/NVME: folding by carry-less multiplication where the processor has it, slicing tables elsewhere.
//
// Both are reflected CRCs, so one body serves them: a register of `width` bits lies in the low bits of a uint64_t, bit i
// standing for x^(width-1-i). Tables and folding constants are derived from the polynomial when the program is loaded
// (a few microseconds), so that no constant here has to be believed.
//
// Folding is that of Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction" (Intel,
// 2009), without its final Barrett step: the last 128 bits go through the tables, which costs the same and is plain.

#include "checksums.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define SKERRY_FOLDING 1
#endif

typedef struct {
    unsigned width;
    /// The polynomial without its leading term, reflected.
    uint64_t polynomial;
    /// slice[k][b]: the register after byte b and k zero bytes.
    uint64_t slice[8][256];
    /// Multipliers that carry 128 bits forward by 8 and by 1 times 128 bits; for the low and the high half.
    uint64_t fold_by_8[2];
    uint64_t fold_by_1[2];
} crc_kernel;

static crc_kernel crc32_kernel = {.width = 32, .polynomial = 0xEDB88320u};
static crc_kernel crc64nvme_kernel = {.width = 64, .polynomial = 0x9A6C9329AC4BC9B5u};
#if SKERRY_FOLDING
static int has_carryless_multiplication;
#endif

// MARK: Tables

/// The register times x, modulo the polynomial.
static uint64_t times_x(const crc_kernel *kernel, uint64_t value) {
    return (value >> 1) ^ (value & 1 ? kernel->polynomial : 0);
}

static void prepare_tables(crc_kernel *kernel) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = times_x(kernel, value);
        kernel->slice[0][byte] = value;
    }
    for (int k = 1; k < 8; k++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t before = kernel->slice[k - 1][byte];
            kernel->slice[k][byte] = kernel->slice[0][before & 0xFF] ^ (before >> 8);
        }
    }
}

static uint64_t load_little_endian(const uint8_t *p) {
    uint64_t value;
    memcpy(&value, p, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t advance_by_tables(const crc_kernel *kernel, uint64_t value, const uint8_t *p, size_t n) {
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word = value ^ load_little_endian(p);
        value = kernel->slice[7][word & 0xFF] ^ kernel->slice[6][(word >> 8) & 0xFF] ^
                kernel->slice[5][(word >> 16) & 0xFF] ^ kernel->slice[4][(word >> 24) & 0xFF] ^
                kernel->slice[3][(word >> 32) & 0xFF] ^ kernel->slice[2][(word >> 40) & 0xFF] ^
                kernel->slice[1][(word >> 48) & 0xFF] ^ kernel->slice[0][word >> 56];
    }
    for (; n > 0; p++, n--) value = kernel->slice[0][(value ^ *p) & 0xFF] ^ (value >> 8);
    return value;
}

// MARK: Folding

#if SKERRY_FOLDING

/// x^exponent modulo the polynomial, with bit i of the 64 standing for x^(63-i), whatever the width.
static uint64_t power_of_x(const crc_kernel *kernel, unsigned exponent) {
    uint64_t value = (uint64_t)1 << (kernel->width - 1);
    while (exponent-- > 0) value = times_x(kernel, value);
    return value << (64 - kernel->width);
}

/// The 128 bits L x^64 + H, carried `distance` bits forward, are L x^(64+distance) + H x^distance. The product of two
/// reflected 64-bit halves lies one bit too low in its 128, hence one power of x less in each multiplier.
static void prepare_fold(const crc_kernel *kernel, unsigned distance, uint64_t multipliers[2]) {
    multipliers[0] = power_of_x(kernel, 64 + distance - 1);
    multipliers[1] = power_of_x(kernel, distance - 1);
}

#define FOLDING __attribute__((target("pclmul,sse4.1")))

FOLDING static inline __m128i fold(__m128i value, __m128i multipliers, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(value, multipliers, 0x00);
    __m128i high = _mm_clmulepi64_si128(value, multipliers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

FOLDING static inline __m128i load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }

/// Eight independent chains hide the latency of the multiplication; needs n >= 128.
FOLDING static uint64_t advance_by_folding(const crc_kernel *kernel, uint64_t value, const uint8_t *p, size_t n) {
    const __m128i by_8 = _mm_loadu_si128((const __m128i *)kernel->fold_by_8);
    const __m128i by_1 = _mm_loadu_si128((const __m128i *)kernel->fold_by_1);
    __m128i chain[8];
    for (int i = 0; i < 8; i++) chain[i] = load(p + 16 * i);
    chain[0] = _mm_xor_si128(chain[0], _mm_cvtsi64_si128((long long)value));
    for (p += 128, n -= 128; n >= 128; p += 128, n -= 128) {
        for (int i = 0; i < 8; i++) chain[i] = fold(chain[i], by_8, load(p + 16 * i));
    }
    __m128i rest = chain[0];
    for (int i = 1; i < 8; i++) rest = fold(rest, by_1, chain[i]);
    for (; n >= 16; p += 16, n -= 16) rest = fold(rest, by_1, load(p));

    uint8_t last[16];
    _mm_storeu_si128((__m128i *)last, rest);
    return advance_by_tables(kernel, advance_by_tables(kernel, 0, last, sizeof last), p, n);
}

#endif

// MARK: Choice

/// Runs before main and before any other thread, so readers need no ordering.
__attribute__((constructor)) static void prepare(void) {
    prepare_tables(&crc32_kernel);
    prepare_tables(&crc64nvme_kernel);
#if SKERRY_FOLDING
    prepare_fold(&crc32_kernel, 8 * 128, crc32_kernel.fold_by_8);
    prepare_fold(&crc32_kernel, 128, crc32_kernel.fold_by_1);
    prepare_fold(&crc64nvme_kernel, 8 * 128, crc64nvme_kernel.fold_by_8);
    prepare_fold(&crc64nvme_kernel, 128, crc64nvme_kernel.fold_by_1);
    __builtin_cpu_init();
    has_carryless_multiplication = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

static uint64_t advance(const crc_kernel *kernel, uint64_t value, const uint8_t *p, size_t n) {
#if SKERRY_FOLDING
    if (n >= 128 && has_carryless_multiplication) return advance_by_folding(kernel, value, p, n);
#endif
    return advance_by_tables(kernel, value, p, n);
}

uint32_t skerry_crc32(uint32_t crc, const void *p, size_t n) {
    return ~(uint32_t)advance(&crc32_kernel, (uint32_t)~crc, p, n);
}

uint64_t skerry_crc64nvme(uint64_t crc, const void *p, size_t n) {
    return ~advance(&crc64nvme_kernel, ~crc, p, n);
}

uint32_t skerry_crc32_portable(uint32_t crc, const void *p, size_t n) {
    return ~(uint32_t)advance_by_tables(&crc32_kernel, (uint32_t)~crc, p, n);
}

uint64_t skerry_crc64nvme_portable(uint64_t crc, const void *p, size_t n) {
    return ~advance_by_tables(&crc64nvme_kernel, ~crc, p, n);
}
