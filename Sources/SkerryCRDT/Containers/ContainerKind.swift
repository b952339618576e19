/// What a container of a document holds.
public enum ContainerKind: UInt8, Sendable, Hashable, CaseIterable {
    case text = 0
    case list = 1
    case map = 2
    case counter = 3
    case set = 4
    case register = 5
}
