#include "rocksdb_flush.h"

#include <cstring>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

// RocksDB's C API wraps each C++ object in a struct of one pointer (db/c.cc), and has done so since its first release.
// The structs are private to that file, so their shape is repeated here; the conformance suite fails if it ever changes.
namespace {
struct Database {
  rocksdb::DB *rep;
};
struct Family {
  rocksdb::ColumnFamilyHandle *rep;
};
}  // namespace

void skerry_rocksdb_flush_families(
    rocksdb_t *db, rocksdb_column_family_handle_t *const *families, size_t count, char **error) {
  std::vector<rocksdb::ColumnFamilyHandle *> handles;
  handles.reserve(count);
  for (size_t index = 0; index < count; index++) handles.push_back(reinterpret_cast<const Family *>(families[index])->rep);
  rocksdb::FlushOptions options;
  options.wait = true;
  rocksdb::Status status = reinterpret_cast<const Database *>(db)->rep->Flush(options, handles);
  if (!status.ok()) *error = strdup(status.ToString().c_str());
}
