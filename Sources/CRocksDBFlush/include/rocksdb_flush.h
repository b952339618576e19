#ifndef SKERRY_ROCKSDB_FLUSH_H
#define SKERRY_ROCKSDB_FLUSH_H

#include <rocksdb/c.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Flushes `count` column families as one: with `atomic_flush` set, a crash finds all of them flushed or none.
///
/// Waits for the end. `error` gets a malloc-ed text on failure, as everywhere in RocksDB's C API.
/// The C API of RocksDB 7 can flush one family at a time only, and that is not atomic over families even with `atomic_flush`.
void skerry_rocksdb_flush_families(
    rocksdb_t *db, rocksdb_column_family_handle_t *const *families, size_t count, char **error);

#ifdef __cplusplus
}
#endif

#endif
