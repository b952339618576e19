/// What a start does about the root credentials: the environment wins for this process, else the ones made before, else new ones.
///
/// The record is written before the store is touched, so that an access key that ever was root's is always known to a later start,
/// which takes it back when it is no longer in force.
struct RootCredentialPlan: Sendable, Hashable {
    /// In force from now on.
    var credentials: RootCredentials
    /// Whether they were made just now and must be shown.
    var isNew: Bool
    /// What the file must hold.
    var record: RootCredentialRecord
    /// Access keys of former starts, no longer in force.
    var retired: [String]

    init(environment: RootCredentials?, record former: RootCredentialRecord?, make: () -> RootCredentials = RootCredentials.random) {
        let former = former ?? RootCredentialRecord()
        if let environment {
            credentials = environment
            isNew = false
            record = RootCredentialRecord(generated: former.generated, environmentAccessKey: environment.accessKey)
        } else {
            let made = former.generated ?? make()
            credentials = made
            isNew = former.generated == nil
            record = RootCredentialRecord(generated: made)
        }
        let inForce = credentials.accessKey
        retired = [former.generated?.accessKey, former.environmentAccessKey].compactMap { $0 }.filter { $0 != inForce }
    }
}
