/// Checksums that S3 names and this processor can compute faster than portable code:
/// CRC-32, CRC-64/NVME and MD5, alone and in lanes.
///
/// Every function gives the same result on every machine. The instruction set is looked up once, when the
/// program is loaded; nothing here allocates, blocks or fails, and all of it may run on any thread.

#ifndef SKERRY_CHECKSUMS_H
#define SKERRY_CHECKSUMS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The CRC-32 (ISO-HDLC, as in zip and gzip) of the bytes that gave `crc`, followed by `n` bytes at `p`; 0 starts.
uint32_t skerry_crc32(uint32_t crc, const void *p, size_t n);

/// The CRC-64/NVME of the bytes that gave `crc`, followed by `n` bytes at `p`; 0 starts.
uint64_t skerry_crc64nvme(uint64_t crc, const void *p, size_t n);

/// The same results from tables alone: what processors without carry-less multiplication run.
uint32_t skerry_crc32_portable(uint32_t crc, const void *p, size_t n);
uint64_t skerry_crc64nvme_portable(uint64_t crc, const void *p, size_t n);

/// An MD5 (RFC 1321) in the making; a plain value, copied by assignment.
typedef struct skerry_md5 {
    uint32_t state[4];
    /// Bytes taken so far.
    uint64_t length;
    /// The last `length % 64` bytes, which do not fill a block yet.
    uint8_t pending[64];
} skerry_md5;

void skerry_md5_init(skerry_md5 *md5);
void skerry_md5_update(skerry_md5 *md5, const void *p, size_t n);
/// Writes the digest; `md5` must be initialised again before it takes more.
void skerry_md5_final(skerry_md5 *md5, uint8_t digest[16]);

/// One update of one MD5. No two jobs of a call may name the same MD5.
typedef struct skerry_md5_job {
    skerry_md5 *md5;
    const uint8_t *p;
    size_t n;
} skerry_md5_job;

/// Does every job, side by side in vector lanes: the same results as `skerry_md5_update` on each.
///
/// MD5 is a chain of dependent steps, so one stream leaves a processor mostly idle; 8 or 16 independent
/// streams fill it. Jobs of one size finish together; of unequal ones the long ones end in fewer lanes.
/// The array is used as scratch: `p` and `n` of each job are undefined afterwards.
void skerry_md5_update_lanes(skerry_md5_job *jobs, size_t count);

/// Streams that advance together in `skerry_md5_update_lanes` on this machine: 4, 8 or 16.
size_t skerry_md5_lane_count(void);

#ifdef __cplusplus
}
#endif

#endif
