import SkerryStorage

/// Runs calls of an engine and hands their errors on as ours.
func engine<Result>(_ body: () throws(StorageError) -> Result) throws(ObjectError) -> Result {
    do throws(StorageError) {
        return try body()
    } catch {
        throw ObjectError(error)
    }
}
