#ifndef SKERRY_KERNELS_H
#define SKERRY_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C of `count` bytes, going on from `crc`, the checksum of what came before them (0 at the start).
uint32_t skerry_crc32c(uint32_t crc, const void *data, size_t count);

/// The same by tables alone: what machines without the instruction run, and the reference its tests compare with.
uint32_t skerry_crc32c_portable(uint32_t crc, const void *data, size_t count);

#endif
