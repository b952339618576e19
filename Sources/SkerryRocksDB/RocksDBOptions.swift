internal import CRocksDB
internal import SkerryStorage

/// RocksDB's options for one open database; owns the C objects.
///
/// What is tuned for what:
/// - Rows are found by exact key (GET, duplicate chunks) or walked in order (listing). Families of the first kind have whole-key filters
///   of 10 bits (1 % false), small blocks and a hash in each block; the others have larger blocks and no filter, which scans could not use.
/// - Files below the first two levels are compressed by LZ4 where the library has it: keys in order share most of their bytes.
/// - Filters and indexes live in the block cache, so that its size bounds the memory of a database of any size.
/// - No log of its own: `atomic_flush` keeps the families at one point.
struct RocksDBOptions: ~Copyable {
    /// One for each family, in the order of `MetadataFamily.allCases`, after the one of the database itself and its `default` family.
    private(set) var all: [OpaquePointer] = []
    private let cache: OpaquePointer

    /// Levels that hold what was flushed last, and is rewritten soon.
    private static let uncompressedLevels = 2
    private static let levels = 7
    private static let filterBitsPerKey = 10.0
    private static let pointBlockSize = 4 << 10
    private static let scanBlockSize = 16 << 10
    /// Entries per bucket of the hash in a data block.
    private static let blockHashRatio = 0.75
    /// Bytes that a memory table takes at a time. They count against the bound as soon as they are taken, once for each family, so
    /// with the default of 1 MiB a quarter of the room would be used by empty tables.
    private static let arenaBlockSize = 64 << 10
    /// Bytes of the information log file, and how many of them.
    private static let logFileSize = 1 << 20
    private static let logFileCount = 2
    /// Shards of the cache, as a power of two: a filter block must fit well into one.
    private static let cacheShardBits: CInt = 2

    init(_ configuration: RocksDBConfiguration, compressed: Bool) {
        let cacheOptions = rocksdb_lru_cache_options_create()
        rocksdb_lru_cache_options_set_capacity(cacheOptions, configuration.blockCacheSize)
        rocksdb_lru_cache_options_set_num_shard_bits(cacheOptions, RocksDBOptions.cacheShardBits)
        cache = rocksdb_cache_create_lru_opts(cacheOptions)
        rocksdb_lru_cache_options_destroy(cacheOptions)
        all.append(makeOptions(configuration, .settings, compressed))
        for family in MetadataFamily.allCases { all.append(makeOptions(configuration, family, compressed)) }
    }

    deinit {
        for options in all { rocksdb_options_destroy(options) }
        rocksdb_cache_destroy(cache)
    }

    private func makeOptions(_ configuration: RocksDBConfiguration, _ family: MetadataFamily, _ compressed: Bool) -> OpaquePointer {
        let options = rocksdb_options_create()!
        setDatabase(options, configuration)
        setMemory(options, configuration)
        setLevels(options, compressed)
        setTables(options, family)
        return options
    }

    private func setDatabase(_ options: OpaquePointer, _ configuration: RocksDBConfiguration) {
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        rocksdb_options_set_paranoid_checks(options, 1)
        rocksdb_options_set_atomic_flush(options, 1)
        rocksdb_options_set_max_open_files(options, CInt(configuration.openFilesMaximum))
        rocksdb_options_set_max_background_jobs(options, CInt(configuration.backgroundThreads))
        // Neither is needed to serve, and both read every file at start.
        rocksdb_options_set_skip_stats_update_on_db_open(options, 1)
        rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(options, 1)
        rocksdb_options_set_max_log_file_size(options, RocksDBOptions.logFileSize)
        rocksdb_options_set_keep_log_file_num(options, RocksDBOptions.logFileCount)
        rocksdb_options_set_info_log_level(options, CInt(RocksDBOptions.warningLevel))
        rocksdb_options_set_stats_dump_period_sec(options, 0)
        rocksdb_options_set_stats_persist_period_sec(options, 0)
    }

    /// `InfoLogLevel::WARN_LEVEL`, which the C header does not name.
    private static let warningLevel = 2

    private func setMemory(_ options: OpaquePointer, _ configuration: RocksDBConfiguration) {
        rocksdb_options_set_db_write_buffer_size(options, configuration.writeBufferSize)
        // A family alone may use all of it; the sum is what is bounded.
        rocksdb_options_set_write_buffer_size(options, configuration.writeBufferSize)
        rocksdb_options_set_max_write_buffer_number(options, 4)
        rocksdb_options_set_arena_block_size(options, RocksDBOptions.arenaBlockSize)
        // One committer writes: what makes several fast makes one slower.
        rocksdb_options_set_allow_concurrent_memtable_write(options, 0)
    }

    private func setLevels(_ options: OpaquePointer, _ compressed: Bool) {
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        rocksdb_options_set_compression(options, CInt(rocksdb_no_compression))
        guard compressed else { return }
        var levels = (0..<RocksDBOptions.levels).map { level in
            CInt(level < RocksDBOptions.uncompressedLevels ? rocksdb_no_compression : rocksdb_lz4_compression)
        }
        rocksdb_options_set_compression_per_level(options, &levels, levels.count)
    }

    private func setTables(_ options: OpaquePointer, _ family: MetadataFamily) {
        let tables = rocksdb_block_based_options_create()
        defer { rocksdb_block_based_options_destroy(tables) }
        rocksdb_block_based_options_set_block_cache(tables, cache)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(tables, 1)
        rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(tables, 1)
        rocksdb_block_based_options_set_format_version(tables, 5)
        if family.isFoundByKey {
            // The options take the filter over.
            rocksdb_block_based_options_set_filter_policy(tables, rocksdb_filterpolicy_create_bloom_full(RocksDBOptions.filterBitsPerKey))
            rocksdb_block_based_options_set_whole_key_filtering(tables, 1)
            rocksdb_block_based_options_set_block_size(tables, RocksDBOptions.pointBlockSize)
            rocksdb_block_based_options_set_data_block_index_type(
                tables, CInt(rocksdb_block_based_table_data_block_index_type_binary_search_and_hash))
            rocksdb_block_based_options_set_data_block_hash_ratio(tables, RocksDBOptions.blockHashRatio)
        } else {
            rocksdb_block_based_options_set_block_size(tables, RocksDBOptions.scanBlockSize)
        }
        rocksdb_options_set_block_based_table_factory(options, tables)
    }
}

extension MetadataFamily {
    /// Whether rows are mostly asked for by their whole key; the others are walked by prefix.
    fileprivate var isFoundByKey: Bool {
        switch self {
        case .versions, .current, .chunks, .uploads, .settings: true
        case .references, .feed: false
        }
    }
}
